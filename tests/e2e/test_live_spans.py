# SPDX-License-Identifier: Apache-2.0
"""Every span of real tracers arrives, over TCP and a Unix socket and past a restart of the gateway, and none of them logs a warning."""
import pytest
import span_makers


@pytest.mark.parametrize("version", ["1.x", "2.x", "3.x", "newest"])
def test_python(make_gate, sink, tmp_path, version):
    span_makers.assert_every_span_arrives(make_gate, sink, tmp_path, span_makers.python(version), "v0.4" if version == "1.x" else "v0.5", wide=version != "1.x")


@pytest.mark.parametrize("name", ["node", "node-6"])
def test_node(make_gate, sink, tmp_path, name):
    span_makers.assert_every_span_arrives(make_gate, sink, tmp_path, span_makers.node(name), "v0.4")
