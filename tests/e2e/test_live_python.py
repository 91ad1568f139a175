# SPDX-License-Identifier: Apache-2.0
"""The documented Flask application under real ddtrace: the newest and 2.x, over TCP and a Unix socket, to a gRPC backend and stdout."""
import re

import clients
import otlp
import pytest
import reference
from clients import ROOT, App
from ddgate import grpc

SETTINGS = {"DD_SERVICE": "python-app", "DD_ENV": "testing", "DD_VERSION": "1.0", "DD_LOGS_INJECTION": "true"}


@pytest.fixture(params=["newest", "2.x"])
def version(request):
    return request.param


def run_flask(version, gate, transport, directory):
    bin_ = clients.python_client(version)
    return App(directory, [bin_ / "ddtrace-run", bin_ / "python", ROOT / "examples" / "flask" / "app.py"], gate, transport, **SETTINGS)


def requests_of(spans, path):
    return [s for s in spans if s.attrs["operation.name"] == "flask.request" and s.attrs.get("url.path") == path]


def assert_is_the_flask_app(span, version):
    resource = span.resource
    assert span.service == "python-app"
    assert (resource["deployment.environment.name"], resource["service.version"]) == ("testing", "1.0")
    assert (resource["telemetry.sdk.name"], resource["telemetry.sdk.language"]) == ("datadog", "python")
    assert resource["telemetry.sdk.version"] == clients.DDTRACE[version]
    assert isinstance(resource["process.pid"], int)


@pytest.mark.parametrize("transport", ["tcp", "uds"])
def test_flask(make_gate, sink, tmp_path, version, transport):
    gate = make_gate(uds=True, exporters=[grpc(sink), {"type": "stdout", "format": "otlp_json"}])
    app = run_flask(version, gate, transport, tmp_path)
    assert app.get("/") == (200, "Hello, World!\n")
    assert app.get("/fail")[0] == 500
    sink.wait(lambda s: requests_of(s.spans, "/") and requests_of(s.spans, "/fail"), "both requests")
    app.stop()
    app.assert_quiet()
    gate.stop()

    good, bad = requests_of(sink.spans, "/")[0], requests_of(sink.spans, "/fail")[0]
    assert_is_the_flask_app(good, version)
    assert (good.name, good.kind, good.status, good.parent_id) == ("GET /", reference.SERVER, reference.UNSET, "")
    assert good.attrs["http.response.status_code"] == 200 and good.attrs["http.request.method"] == "GET"
    children = [s for s in sink.spans if s.trace_id == good.trace_id and s is not good]
    assert children and all(s.parent_id for s in children), "the view's spans belong to the request's trace"

    assert (bad.status, bad.attrs["http.response.status_code"]) == (reference.ERROR, 500)
    raised = [e for s in sink.spans if s.trace_id == bad.trace_id for e in s.events if e.name == "exception"]
    assert raised and all("ValueError" in e.attrs["exception.type"] and e.attrs["exception.message"] == "no such luck"
                          and "Traceback" in e.attrs["exception.stacktrace"] for e in raised)

    log = re.search(r"dd\.trace_id=(\w+) dd\.span_id=(\d+)\] - hello from the view", app.output)
    assert log and log[1] == good.trace_id, "the log line and the trace have one 128-bit id"
    assert f"{int(log[2]):016x}" in {s.span_id for s in sink.spans if s.trace_id == good.trace_id}

    lines = [s for line in gate.stdout.splitlines() for s in otlp.flatten(otlp.parse_json_line(line))]
    assert {(s.trace_id, s.span_id) for s in lines} == {(s.trace_id, s.span_id) for s in sink.spans}


def test_two_services_are_one_trace(make_gate, sink, tmp_path, version):
    gate = make_gate(exporters=[grpc(sink), {"type": "stdout", "format": "pretty"}])
    bin_ = clients.python_client(version)
    folder = ROOT / "examples" / "two-services"
    b = App(tmp_path, [bin_ / "ddtrace-run", bin_ / "python", folder / "service_b.py"], gate, "tcp", DD_SERVICE="service_b", DD_ENV="testing")
    a = App(tmp_path, [bin_ / "ddtrace-run", bin_ / "python", folder / "service_a.py"], gate, "tcp", DD_SERVICE="service_a", DD_ENV="testing",
            SERVICE_B=f"http://127.0.0.1:{b.port}/")
    assert a.get("/") == (200, "service_a got: hello from service_b\n")
    # Before they are stopped: ddtrace 2.21's exit hook may raise (periodic.py: dictionary changed size) and lose what it still holds.
    sink.wait(lambda s: {x.service for x in requests_of(s.spans, "/")} == {"service_a", "service_b"}, "both services' requests")
    a.stop()
    b.stop()
    a.assert_quiet()
    b.assert_quiet()

    spans = sink.spans
    assert len({s.trace_id for s in spans}) == 1, "both services' spans are one trace"
    assert int(spans[0].trace_id[:16], 16), "with its 128-bit id"
    by_id = {s.span_id: s for s in spans}
    entry_a, entry_b = (next(s for s in requests_of(spans, "/") if s.service == name) for name in ("service_a", "service_b"))
    call = by_id[entry_b.parent_id]
    assert entry_a.parent_id == ""
    assert (call.attrs["operation.name"], call.kind) == ("requests.request", reference.CLIENT)
    assert (call.attrs["server.address"], call.attrs["server.port"]) == ("127.0.0.1", b.port)
    above = call
    while above.parent_id:
        above = by_id[above.parent_id]
    assert above is entry_a, "the call is below service_a's request"

    gate.stop()
    assert f"trace {call.trace_id}" in gate.stdout, "people read it under the same id"
    for words in ("service_a", "service_b", "server GET /", "client GET", "requests.request"):
        assert words in gate.stdout, gate.stdout
