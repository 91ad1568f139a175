# SPDX-License-Identifier: Apache-2.0
"""What the tests of exporters have in common: a trace that is sent, the ids of spans on both sides, quick retries."""
from payloads import trace, v04

# Of an exporter: nothing waits for company, and what failed is tried again soon.
QUICK = {"batch": {"delay": "0s"}, "retry": {"initial": "10ms", "max": "50ms"}}


def http(sink, **options):
    """An exporter group for a sink of http_sink.py, or for what stands in front of one."""
    return dict(type="otlp_http", endpoint=sink.endpoint, **options)


def ids(spans):
    """Of spans as they were sent (payloads.py) or as a sink has them."""
    return {s.span_id if hasattr(s, "span_id") else f"{s['span_id']:016x}" for s in spans}


def send(gate, n=3, **fields):
    """One trace of n spans, which the gateway takes; returns them."""
    spans = trace(n, **fields)
    answer = gate.put("/v0.4/traces", v04(spans))
    assert answer.status == 200, answer
    return spans
