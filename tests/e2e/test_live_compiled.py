# SPDX-License-Identifier: Apache-2.0
"""As test_live_spans.py, of tracers that have to be compiled first, for minutes: `make live` runs them, `make test` does not."""
import pytest
import span_makers


@pytest.mark.parametrize("name, spoken", [("go-1", "v0.4"), ("go-2", "v1.0")])
def test_go(make_gate, sink, tmp_path, name, spoken):
    span_makers.assert_every_span_arrives(make_gate, sink, tmp_path, span_makers.go(name), spoken)


@pytest.mark.parametrize("version, spoken", [("0.4", "v0.4"), ("1.0", "v1.0")])
def test_java(make_gate, sink, tmp_path, version, spoken):
    client = span_makers.java(DD_TRACE_AGENT_PROTOCOL_VERSION=version)
    span_makers.assert_every_span_arrives(make_gate, sink, tmp_path, client, spoken)


@pytest.mark.parametrize("kind, spoken", [("opentelemetry", "v0.4"), ("v04", "v0.4"), ("v05", "v0.5"), ("v1", "v1.0")])
def test_rust(make_gate, sink, tmp_path, kind, spoken):
    span_makers.assert_every_span_arrives(make_gate, sink, tmp_path, span_makers.rust(kind), spoken)
