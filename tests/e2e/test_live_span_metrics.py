# SPDX-License-Identifier: Apache-2.0
"""Span metrics under real ddtrace: one trace in a hundred is kept here, or one in twenty by the tracer, and every request is counted."""
import os
import subprocess

import clients
import pytest
from metric_sink import MetricSink
from test_span_metrics import both, counting, counts, wait

REQUESTS = 400
PROGRAM = f"""
from ddtrace import tracer
for n in range({REQUESTS}):
    with tracer.trace("web.request", service="shop", resource="GET /cart", span_type="web") as span:
        span.set_tag("span.kind", "server")
        span.set_tag("http.status_code", "500" if n % 10 == 0 else "200")
        span.error = int(n % 10 == 0)
        with tracer.trace("pg.query", service="postgres", resource=f"SELECT * FROM carts WHERE id = {{n}}", span_type="sql") as query:
            query.set_tag("span.kind", "client")
            query.set_tag("out.host", "pg-1")
        with tracer.trace("inner"):
            pass
tracer.shutdown()
"""


@pytest.mark.parametrize("tracer", [{}, {"DD_TRACE_SAMPLE_RATE": "0.05"}])
def test_python(make_gate, sink, tracer):
    with MetricSink() as metrics:
        gate = make_gate(receiver={"sampling": {"rates": {"*": 0.01}}, **counting()}, exporters=both(sink, metrics))
        env = {**os.environ, **tracer, "DD_TRACE_AGENT_URL": f"http://127.0.0.1:{gate.port}", "DD_ENV": "prod",
               "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}
        done = subprocess.run([clients.python_client("newest") / "python", "-c", PROGRAM], env=env, timeout=120, check=True, capture_output=True)
        assert not done.stderr, done.stderr
        wait(metrics, 2 * REQUESTS)
        gate.stop()
        assert counts(metrics, "service.name", "span.name", "status.code", "telemetry.sdk.language") == {
            ("shop", "GET /cart", "STATUS_CODE_OK", "python"): 360, ("shop", "GET /cart", "STATUS_CODE_ERROR", "python"): 40,
            ("postgres", "SELECT * FROM carts WHERE id = ?", "STATUS_CODE_OK", "python"): 400}
        assert len({s.trace_id for s in sink.spans}) < REQUESTS / 10
