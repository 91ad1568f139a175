# SPDX-License-Identifier: Apache-2.0
"""Statistics of real tracers that keep 1 % of their traces: the metrics count every request all the same."""
import clients
import pytest
from clients import ROOT, App
from ddgate import grpc
from metric_sink import MetricSink
from prometheus_client.parser import text_string_to_metric_families

NAME, REQUESTS = "traces.span.sdk.metrics.duration", 60
SETTINGS = {"DD_ENV": "testing", "DD_VERSION": "1.0", "DD_TRACE_STATS_COMPUTATION_ENABLED": "true", "DD_TRACE_SAMPLING_RULES": '[{"sample_rate": 0.01}]'}


@pytest.fixture
def metrics():
    with MetricSink() as s:
        yield s


def run_app(client, gate, directory):
    if client == "python":
        bin_ = clients.python_client("newest")
        command, more = [bin_ / "ddtrace-run", bin_ / "python", ROOT / "examples" / "flask" / "app.py"], {}
    else:
        command, more = ["node", ROOT / "examples" / "node" / "server.js"], {"NODE_PATH": str(clients.node_modules())}
    return App(directory, command, gate, "tcp", DD_SERVICE=f"{client}-app", **SETTINGS, **more)


def dropped(gate):
    families = text_string_to_metric_families(gate.admin("/metrics").body.decode())
    return sum(s.value for family in families for s in family.samples if s.name == "ddgate_ddtrace_tracer_dropped_traces_total")


@pytest.mark.parametrize("client, operation, good, bad", [("python", "flask.request", "/", "/fail"), ("node", "web.request", "/hello", None)])
def test_counts_are_true_at_one_percent(make_gate, sink, metrics, tmp_path, client, operation, good, bad):
    gate = make_gate(exporters=[grpc(sink, signals=["traces"]), {"type": "otlp_grpc", "endpoint": metrics.endpoint, "name": "metrics", "signals": ["metrics"]}])
    app = run_app(client, gate, tmp_path)
    for i in range(REQUESTS):
        path = bad if bad and i % 10 == 9 else good
        assert app.get(path)[0] == (500 if path == bad else 200)

    def points():
        return [p for p in metrics.named(NAME) if p.attributes["datadog.operation.name"] == operation]
    metrics.wait(lambda _: sum(p.value.count for p in points()) >= REQUESTS, "all requests in the metric", timeout=90)
    app.stop()
    app.assert_quiet()
    by_status = {status: sum(p.value.count for p in points() if p.attributes["status.code"] == status) for status in ("STATUS_CODE_OK", "STATUS_CODE_ERROR")}
    errors = REQUESTS // 10 if bad else 0
    assert by_status == {"STATUS_CODE_OK": REQUESTS - errors, "STATUS_CODE_ERROR": errors}
    for p in points():
        assert p.resource.items() >= {"service.name": f"{client}-app", "deployment.environment.name": "testing", "service.version": "1.0",
                                      "telemetry.sdk.language": {"node": "nodejs"}.get(client, client)}.items()
        assert 0 < p.value.min <= p.value.sum / p.value.count <= p.value.max < 60 and "service.instance.id" in p.resource
    spans = [s for s in sink.spans if s.attrs["operation.name"] == operation]
    assert len(spans) < REQUESTS / 2, "1 % of the traces"
    assert spans or client == "node" or dropped(gate) > 0, "what the tracer kept to itself, by its own count"
    gate.stop()
