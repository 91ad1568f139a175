# SPDX-License-Identifier: Apache-2.0
"""OTLP of what has to be compiled first: OpenTelemetry's SDK for Go and its agent for Java, the collector on both sides of ddgate, and
dd-trace-go by either road. `make live` runs them, `make test` does not. DDGATE_OTELCOL names a collector that is there already."""
import http.server
import json
import os
import shutil
import subprocess
import threading

import clients
import grpc as grpcio
import pytest
import span_makers
from clients import LISTS
from collector import program as collector_program
from ddgate import conf_text, free_port, grpc
from sinks import PATIENCE
from test_live_otlp import PLAIN, same
from test_otlp_in import REQUESTS
from test_otlp_in_grpc import STUBS

PROTOCOLS = ["grpc", "http/protobuf"]


@pytest.fixture
def make_otlp(make_gate):
    def make(*exporters, **options):
        port, http_port, tracers = free_port(), free_port(), free_port()
        receivers = ({"type": "otlp", "grpc": [f"127.0.0.1:{port}"], "http": [f"127.0.0.1:{http_port}"], **options},
                     {"type": "ddtrace", "listen": [f"127.0.0.1:{tracers}"], "socket": ""})
        gate = make_gate(port=tracers, conf=conf_text({"receivers": receivers, "exporters": exporters, "admin": {"listen": "127.0.0.1:0"}}))
        gate.ports = {"grpc": port, "http/protobuf": http_port}
        return gate
    return make


@pytest.fixture
def gate(make_otlp, sink):
    return make_otlp(grpc(sink, signals=["traces"]), {"type": "blackhole", "signals": ["logs", "metrics"]})


def sdk_variables(gate, protocol):
    return {**PLAIN, "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{gate.ports[protocol]}",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip", "OTEL_SERVICE_NAME": "app", "OTEL_LOGS_EXPORTER": "otlp", "OTEL_METRICS_EXPORTER": "otlp"}


def accepted(gate):
    gate.stop()
    return tuple(gate.ledger.intake(signal)["accepted"] for signal in ("traces", "logs", "metrics"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_go_sdk(gate, sink, protocol):
    files = sorted((LISTS / "go-otel").iterdir())

    def make(directory):
        subprocess.run(["go", "build", "-trimpath", "-o", directory / "spans", "."], cwd=LISTS / "go-otel", check=True, stdin=subprocess.DEVNULL)
    subprocess.run([clients.environment("go-otel", files, make) / "spans"], env=sdk_variables(gate, protocol), check=True, timeout=PATIENCE)
    sink.wait_spans(2)
    by_name = {s.name: s for s in sink.spans}
    assert by_name["child"].parent_id == by_name["root"].span_id and by_name["child"].attrs["work.items"] == 3
    assert accepted(gate) == (2, 1, 1)


class Ok(http.server.BaseHTTPRequestHandler):
    def do_GET(self):  # pylint: disable=invalid-name
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_java_agent(gate, sink, protocol):
    files = sorted((LISTS / "java-otel").iterdir())

    def make(directory):
        for file in files:
            shutil.copy(file, directory)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies"], cwd=directory, check=True, stdin=subprocess.DEVNULL)
        subprocess.run(["javac", "-d", ".", "Request.java"], cwd=directory, check=True, stdin=subprocess.DEVNULL)
    directory = clients.environment("java-otel", files, make)
    server = http.server.HTTPServer(("127.0.0.1", 0), Ok)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/hello"
    run = subprocess.run(["java", f"-javaagent:{directory}/lib/opentelemetry-javaagent.jar", "-cp", directory, "Request", url],
                         env=sdk_variables(gate, protocol), capture_output=True, text=True, timeout=4 * PATIENCE, check=True)
    server.shutdown()
    assert run.stdout == "204\n" and "Failed to export" not in run.stderr, run.stderr
    sink.wait_spans(1)
    assert (sink.spans[0].name, sink.spans[0].attrs["url.full"], sink.spans[0].resource["service.name"]) == ("GET", url, "app")
    spans, logs, points = accepted(gate)
    assert (spans, logs) == (1, 1) and points > 0


def collector_binary():
    return os.environ.get("DDGATE_OTELCOL") or collector_program()


@pytest.fixture
def collector(tmp_path):
    """collector(exporter, its settings): a running one; its port for OTLP over gRPC."""
    running = []

    def start(name, settings):
        port, number = free_port(), len(running)
        signals = {signal: {"receivers": ["otlp"], "exporters": [name]} for signal in ("traces", "logs", "metrics")}
        conf = {"receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"127.0.0.1:{port}"}}}}, "exporters": {name: settings},
                "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": signals}}
        path = tmp_path / f"collector-{number}.yaml"
        path.write_text(json.dumps(conf))
        with open(tmp_path / f"collector-{number}.log", "wb") as log:
            running.append(subprocess.Popen([collector_binary(), "--config", path], stdout=log, stderr=subprocess.STDOUT))
        return port
    yield start
    for one in running:
        one.terminate()
    for one in running:
        one.wait(PATIENCE)


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_collector_on_both_sides(make_otlp, collector, tmp_path, protocol, compression):
    written = tmp_path / "written.json"
    behind = collector("file", {"path": str(written), "flush_interval": "100ms"})
    gate = make_otlp({"type": "otlp_grpc", "endpoint": f"http://127.0.0.1:{behind}"})
    kind = "otlp" if protocol == "grpc" else "otlphttp"
    to = f"127.0.0.1:{gate.ports[protocol]}" if kind == "otlp" else f"http://127.0.0.1:{gate.ports[protocol]}"
    front = collector(kind, {"endpoint": to, "compression": compression, "tls": {"insecure": True}})
    requests = {signal: make() for signal, make in REQUESTS.items()}
    with grpcio.insecure_channel(f"127.0.0.1:{front}") as channel:
        for signal, request in requests.items():
            STUBS[signal](channel).Export(request, timeout=PATIENCE, wait_for_ready=True)

    def all_there():
        text = written.read_text() if written.exists() else ""
        return text.endswith("\n") and all(word in text for word in ("resourceSpans", "resourceLogs", "resourceMetrics"))
    gate._until(all_there, "not all signals arrived")  # pylint: disable=protected-access
    spans = [span for line in written.read_text().splitlines() for r in json.loads(line).get("resourceSpans", ()) for scope in r["scopeSpans"]
             for span in scope["spans"]]
    sent = [span for r in requests["traces"].resource_spans for scope in r.scope_spans for span in scope.spans]
    assert [(s["traceId"], s["spanId"], s["name"]) for s in spans] == [(s.trace_id.hex(), s.span_id.hex(), s.name) for s in sent]
    assert accepted(gate) == (3, 3, 5)


def test_dd_trace_go_by_either_road(gate, sink, tmp_path):
    command, _ = span_makers.go("go-2")
    seen = {}
    for road, variables in (("msgpack", {}), ("otlp", {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT":
                                                       f"http://127.0.0.1:{gate.ports['http/protobuf']}/v1/traces"})):
        maker = span_makers.SpanMaker(tmp_path, command, variables, gate, "tcp")
        before = len(sink.spans)
        maker.make()
        maker.finish()
        sink.wait_spans(before + 3)
        seen[road] = {s.attrs["operation.name"]: s for s in sink.spans[before:]}
    for name in span_makers.OPERATIONS:
        one, other = seen["msgpack"][name], seen["otlp"][name]
        one.parent_id, other.parent_id = bool(one.parent_id), bool(other.parent_id)
        same(one, other)
