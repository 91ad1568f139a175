# SPDX-License-Identifier: Apache-2.0
"""Real SDKs over OTLP: OpenTelemetry's for Python as SLS's manual sets it up, and Datadog's for Node and Python, by either road."""
import re
import subprocess

import clients
import pytest
from clients import ROOT, App
from ddgate import conf_text, free_port, grpc
from sinks import PATIENCE

PLAIN = {k: v for k, v in __import__("os").environ.items() if not k.startswith(("DD_", "OTEL_", "PYTHONPATH"))}
SETTINGS = {"DD_SERVICE": "app", "DD_ENV": "testing", "DD_VERSION": "1.0"}
# What tells two runs apart, or the road that they came by: times, ports, processes; and the decision, which only sampled spans of OTLP have made.
RUNS = re.compile(r"(.*\.port|.*pid|process\..*|.*runtime.id|service\.instance\.id|thread\..*|_dd\..*|datadog\.sampling.*|sampling\..*|host\.name|"
                  r"url\.full|http\.(url|host)|datadog\.(top_level|measured|tracer.*)|telemetry\.sdk\.version|otel.*|language|component|datadog\.entity_id)")


@pytest.fixture
def gate(make_gate, sink):
    port, grpc_port, http_port = free_port(), free_port(), free_port()
    made = make_gate(port=port, conf=conf_text({
        "receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},
                      {"type": "otlp", "grpc": [f"127.0.0.1:{grpc_port}"], "http": [f"127.0.0.1:{http_port}"]}),
        "exporters": (grpc(sink, signals=["traces"]), {"type": "blackhole", "signals": ["logs", "metrics"]}), "admin": {"listen": "127.0.0.1:0"}}))
    made.grpc_port, made.http_port = grpc_port, http_port
    return made


def test_the_example_of_sls(gate, sink):
    python = clients.python_environment("opentelemetry-sdk-1.45.2") / "python"
    for endpoint in (f"localhost:{gate.grpc_port}", "", "stdout"):
        example(python, OTLP_ENDPOINT=endpoint)
    sink.wait_spans(3)
    gate.stop()
    assert gate.ledger.intake()["received"] == 3
    assert {s.name for s in sink.spans} == {"foo", "bar", "baz"} and len({s.trace_id for s in sink.spans}) == 1
    assert sink.spans[0].resource == {"service.name": "python-app", "service.version": "1.0", "host.name": "host-1",
                                      "deployment.environment": "testing"}
    assert "a-secret" not in gate.stderr


def example(python, **variables):
    run = subprocess.run([python, ROOT / "examples" / "otel-python" / "app.py"], env={**PLAIN, **variables}, capture_output=True, text=True,
                         timeout=4 * PATIENCE, check=True)
    assert "Hello world" in run.stdout and "rror" not in run.stderr, run.stderr


def test_the_example_of_sls_with_the_sdk_that_it_names(gate, sink):
    """OpenTelemetry's SDK 1.1.0, which wants a scheme in front of the address, and a Python of its time."""
    python = clients.python_environment("opentelemetry-sdk-1.1.0", clients.old_python()) / "python"
    for endpoint in (f"http://localhost:{gate.grpc_port}", "", "stdout"):
        example(python, OTLP_ENDPOINT=endpoint)
    sink.wait_spans(3)
    assert {s.name for s in sink.spans} == {"foo", "bar", "baz"} and sink.spans[0].resource["service.version"] == "1.0"


@pytest.mark.parametrize("sdk", ["1.45.2", "1.1.0"])
def test_the_example_of_sls_by_tls(make_gate, sink, authority, sdk):
    server, port = authority.issue("otlp-live"), free_port()
    make_gate(port=port, conf=conf_text({
        "receivers": ({"type": "otlp", "grpc": [f"127.0.0.1:{port}"], "http": [], "tls": {"cert": server.cert_path, "key": server.key_path}},),
        "exporters": (grpc(sink),), "admin": {"listen": "127.0.0.1:0"}}))
    python = clients.python_environment(f"opentelemetry-sdk-{sdk}", clients.old_python() if sdk == "1.1.0" else None) / "python"
    example(python, OTLP_ENDPOINT=f"https://localhost:{port}", OTLP_CA=str(authority.path))
    sink.wait_spans(3)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf", "http/json"])
def test_node_sdk(gate, sink, protocol):
    port = gate.grpc_port if protocol == "grpc" else gate.http_port
    variables = {"OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_SERVICE_NAME": "app",
                 "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "none", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
                 "NODE_PATH": str(clients.node_modules("node-otel"))}
    run = subprocess.run(["node", clients.LISTS / "otel.js"], env={**PLAIN, **variables}, capture_output=True, text=True, timeout=4 * PATIENCE,
                         check=True)
    assert "rror" not in run.stderr, run.stderr
    sink.wait_spans(2)
    by_name = {s.name: s for s in sink.spans}
    assert by_name["child"].parent_id == by_name["root"].span_id and by_name["child"].attrs["work.items"] == 3
    gate.stop()
    assert (gate.ledger.intake()["accepted"], gate.ledger.intake("logs")["accepted"]) == (2, 1)


def hop(python, script, gate, *arguments, **variables):
    """One service of tests/clients: what it prints, the headers for the next one first."""
    to = {"DD_AGENT_HOST": "127.0.0.1", "DD_TRACE_AGENT_PORT": str(gate.port), "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{gate.grpc_port}"}
    run = subprocess.run([python / "python", clients.LISTS / script, *arguments], env={**PLAIN, **to, **variables}, capture_output=True, text=True,
                         timeout=4 * PATIENCE, check=True)
    return run.stdout.splitlines()


@pytest.mark.parametrize("style", ["w3c", "datadog", "datadog-64"])
def test_opentelemetry_calls_ddtrace_calls_opentelemetry(gate, sink, style):
    """With 64 bits of the id in the headers, ddtrace's service still lands in the trace of its caller; the third has never heard the others."""
    otel, ddtrace = clients.python_environment("opentelemetry-sdk-1.45.2"), clients.python_client("newest")
    first = hop(otel, "hop_otel.py", gate, style, "first", "{}")[0]
    sink.wait_spans(1)  # its id is known then
    second, line = hop(ddtrace, "hop_ddtrace.py", gate, "second", first,
                       DD_TRACE_PROPAGATION_STYLE="tracecontext" if style == "w3c" else "datadog")
    hop(otel, "hop_otel.py", gate, style, "third", second)
    sink.wait_spans(3)
    spans = {s.service: s for s in sink.spans}
    trace_id = spans["first"].trace_id
    assert int(trace_id[:16], 16) and spans["second"].trace_id == trace_id
    assert spans["third"].trace_id == (trace_id if style != "datadog-64" else "0" * 16 + trace_id[16:])
    assert [spans[s].parent_id for s in ("first", "second", "third")] == ["", spans["first"].span_id, spans["second"].span_id]
    assert f"dd.span_id={int(spans['second'].span_id, 16)}]" in line or spans["second"].span_id in line


def by_both_roads(gate, sink, directory, command, path, name, **variables):
    """The span of that operation as it came by msgpack and by OTLP."""
    seen = {}
    for road in ("msgpack", "otlp"):
        extra = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{gate.http_port}/v1/traces"}
        app = App(directory, command, gate, "tcp", **SETTINGS, **variables, **(extra if road == "otlp" else {}))
        assert app.get(path)[0] == 200
        known = set(seen.values())

        def found():
            return [s for s in sink.spans if s.attrs.get("operation.name") == name and s.attrs.get("url.path") == path.split("?")[0]
                    and s.span_id not in known]
        sink.wait(lambda _, f=found: f(), f"the request by {road}")
        seen[road] = found()[0].span_id
        app.stop()
    by_id = {s.span_id: s for s in sink.spans}
    return by_id[seen["msgpack"]], by_id[seen["otlp"]]


def same(a, b):
    for one, other in ((a.attrs, b.attrs), (a.resource, b.resource)):
        assert {k: v for k, v in one.items() if not RUNS.fullmatch(k)} == {k: v for k, v in other.items() if not RUNS.fullmatch(k)}
    assert (a.name, a.kind, a.status, a.message, a.parent_id) == (b.name, b.kind, b.status, b.message, b.parent_id)
    assert int(b.trace_id[:16], 16), "the 128-bit id"


def test_node_by_either_road(gate, sink, tmp_path):
    same(*by_both_roads(gate, sink, tmp_path, ["node", ROOT / "examples" / "node" / "server.js"], "/hello?q=1", "web.request",
                        NODE_PATH=str(clients.node_modules("node-6"))))


def test_python_by_either_road(gate, sink, tmp_path):
    bin_ = clients.python_client("newest")
    same(*by_both_roads(gate, sink, tmp_path, [bin_ / "ddtrace-run", bin_ / "python", ROOT / "examples" / "flask" / "app.py"], "/",
                        "flask.request"))
