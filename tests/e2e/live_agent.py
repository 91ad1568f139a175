# SPDX-License-Identifier: Apache-2.0
"""A real agent between a real tracer and the gateway: ddtrace in the documented Flask application, Datadog's agent for serverless
(PyPI datadog-serverless-compat) with DD_APM_DD_URL pointed here, and the key that `auth` asks for. Run by test_live_agent.py in a
network of its own: the agent does not run where an answer says that there is no cloud, and runs where nothing answers."""
import os
import re
import subprocess
import time
from types import SimpleNamespace

import clients
import pytest
import reference
from clients import ROOT, App
from ddgate import grpc
from metric_sink import MetricSink
from sinks import PATIENCE

KEY = "0123456789abcdef0123456789abcdef"
SETTINGS = {"DD_SERVICE": "python-app", "DD_ENV": "testing", "DD_VERSION": "1.0",
            "DD_TRACE_API_VERSION": "v0.4"}  # the only one that this agent takes
AGENT_PORT = 8126  # it listens nowhere else


@pytest.fixture
def agent(tmp_path):
    """start(gate): the agent, as it runs beside a Google Cloud function; returns the file of its log."""
    packages = clients.python_environment("datadog-serverless-compat-0.19.0").parent
    binary, = packages.rglob("bin/linux-amd64/datadog-serverless-compat")
    copy, log = tmp_path / "agent", tmp_path / "agent.log"
    copy.write_bytes(binary.read_bytes())
    copy.chmod(0o755)
    running = []

    def start(gate):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("DD_", "OTEL_"))}
        with open(log, "wb") as out:
            running.append(subprocess.Popen(
                [copy], stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env={**clean, "FUNCTION_NAME": "fn", "GCP_PROJECT": "project", "DD_API_KEY": KEY, "DD_LOG_LEVEL": "debug",
                     "DD_APM_DD_URL": f"http://127.0.0.1:{gate.port}", "DD_USE_DOGSTATSD": "false", "DD_ENHANCED_METRICS_ENABLED": "false"}))
        deadline = time.monotonic() + PATIENCE
        while "listening on TCP port" not in log.read_text():
            assert running[-1].poll() is None and time.monotonic() < deadline, log.read_text()
        return log
    yield start
    for process in running:
        process.terminate()
        process.wait(PATIENCE)


@pytest.fixture
def metrics():
    with MetricSink() as s:
        yield s


def test_flask_through_an_agent(make_gate, sink, metrics, tmp_path, agent):
    gate = make_gate(receiver={"auth": {"token": KEY}}, exporters=[
        grpc(sink, signals=["traces"]), {"type": "otlp_grpc", "name": "metrics", "endpoint": metrics.endpoint, "signals": ["metrics"]}])
    log = agent(gate)
    bin_ = clients.python_client("newest")
    app = App(tmp_path, [bin_ / "ddtrace-run", bin_ / "python", ROOT / "examples" / "flask" / "app.py"], SimpleNamespace(port=AGENT_PORT),
              "tcp", **SETTINGS)
    for _ in range(10):
        assert app.get("/") == (200, "Hello, World!\n")
    assert app.get("/fail")[0] == 500
    served = lambda s: [x for x in s.spans if x.attrs["operation.name"] == "flask.request"]  # noqa: E731
    sink.wait(lambda s: len(served(s)) >= 11, "all requests")
    app.stop()
    requests = lambda s: [p for p in s.points if p.attributes["datadog.operation.name"] == "flask.request"]  # noqa: E731
    metrics.wait(lambda s: sum(p.value.count for p in requests(s)) >= 11, "the agent's statistics")
    gate.stop()
    assert sum(p.value.count for p in requests(metrics)) == 11
    assert sum(p.value.count for p in requests(metrics) if p.attributes["status.code"] == "STATUS_CODE_ERROR") == 1
    assert len(served(sink)) == 11 and len({(s.trace_id, s.span_id) for s in sink.spans}) == len(sink.spans), "every span once"
    good = served(sink)[0]
    assert (good.name, good.kind, good.parent_id) == ("GET /", reference.SERVER, "")
    assert (good.resource["service.name"], good.resource["deployment.environment.name"], good.resource["service.version"]) == \
        ("python-app", "testing", "1.0")
    assert (good.resource["telemetry.sdk.language"], good.resource["telemetry.sdk.version"]) == ("python", clients.DDTRACE["newest"])
    assert int(good.trace_id[:16], 16), "the id has 128 bits"
    assert gate.ledger.intake()["received"] == gate.ledger.intake()["accepted"] == len(sink.spans)
    said = log.read_text()
    assert not re.search(r"WARN|status=[345]\d\d", said) and KEY not in gate.stderr, said
