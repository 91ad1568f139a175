# SPDX-License-Identifier: Apache-2.0
"""OTLP/gRPC: compression, TLS, broken networks, size limits, and what the user is told about each. Statuses and retries: test_delivery."""
import http.server
import random
import socket
import ssl
import subprocess
import threading
import time

import pytest
from ddgate import BINARY, free_port, grpc
from forward import Forward
from payloads import trace, v04
from sending import QUICK, ids, send
from sinks import Stall

BRIEF = {"shutdown_timeout": "300ms"}


@pytest.fixture
def forward(sink):
    between = Forward(sink.port)
    yield between
    between.close()


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_gzip_is_understood_and_makes_small(make_gate, sink, forward, compression):
    gate = make_gate(exporters=[grpc(forward, compression=compression, **QUICK)])
    spans = send(gate, 200, meta={"env": "test", "text": "a sentence that comes again and again. " * 20})
    sink.wait_spans(200)
    assert ids(sink.spans) == ids(spans) and {s.attrs["text"] for s in sink.spans} == {"a sentence that comes again and again. " * 20}
    assert (forward.sent > 160_000) if compression == "none" else (forward.sent < 30_000), forward.sent


def test_requests_are_several_frames_laid_end_to_end(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, batch={"delay": "500ms"})])
    spans = [s for _ in range(40) for s in send(gate, 25, meta={"env": "test", "text": "x" * 1500})]
    sink.wait_spans(1000)
    assert ids(sink.spans) == ids(spans) and sink.count() == 1000 and len(sink.requests) < 10


# --- size ---

def test_one_request_of_a_tracer_is_cut_where_it_is_too_large(make_gate, make_sink):
    sink = make_sink(max_message=64 << 10)
    gate = make_gate(exporters=[grpc(sink, compression="none", **QUICK)])
    spans = send(gate, 300, meta={"env": "test", "text": "x" * 600})
    sink.wait_spans(300)
    gate.stop()
    assert ids(sink.spans) == ids(spans) and sink.count() == 300
    assert gate.ledger.exporter()["sent"] == 300
    assert "set batch.bytes to that" in gate.stderr


def test_a_span_that_is_too_large_by_itself_is_rejected_and_the_others_are_not(make_gate, make_sink):
    sink = make_sink(max_message=64 << 10)
    gate = make_gate(exporters=[grpc(sink, compression="none", **QUICK)])
    spans = trace(9, meta={"env": "test"})
    spans[4]["meta"] = {"env": "test", "text": "".join(random.Random(1).choices("abcdef", k=70_000))}
    assert gate.put("/v0.4/traces", v04(spans)).status == 200
    sink.wait_spans(8)
    gate.stop(expect=3)
    assert ids(sink.spans) == ids(spans[:4] + spans[5:])
    assert gate.ledger.exporter()["rejected by the backend"] == 1
    assert "rejected 1 of 1 items" in gate.stderr and "larger than max" in gate.stderr


# --- networks ---

def test_a_connection_that_is_cut_is_made_again(make_gate, sink, forward):
    gate = make_gate(exporters=[grpc(forward, **QUICK)])
    first = send(gate, 1)
    sink.wait_spans(1)
    sink.script(Stall())
    second = send(gate, 1)
    sink.wait(lambda s: len(s.requests) == 2, "the request whose answer will be lost")
    forward.cut()
    sink.wait(lambda s: ids(second) <= ids(s.spans), "the same again")
    gate.stop()
    assert ids(sink.spans) == ids(first) | ids(second) and forward.connections == 2
    assert gate.ledger.exporter()["sent"] == 2


def test_a_connection_that_fell_silent_is_given_up_by_keepalive(make_gate, sink, forward):
    gate = make_gate(exporters=[grpc(forward, timeout="5m", keepalive={"time": "1s", "timeout": "1s"}, **QUICK)])
    send(gate, 1)
    sink.wait_spans(1)
    forward.hush()
    start = time.monotonic()
    lost = send(gate, 2)
    sink.wait(lambda s: ids(lost) <= ids(s.spans), "the request on a new connection")
    assert time.monotonic() - start < 20 and forward.connections == 2


def test_no_answer_ends_at_the_timeout(make_gate, sink):
    sink.script(Stall())
    gate = make_gate(exporters=[grpc(sink, timeout="200ms", **QUICK)])
    spans = send(gate)
    sink.wait(lambda s: ids(spans) <= ids(s.spans), "the second try")
    assert "no answer within timeout" in gate.stderr


def test_a_stop_does_not_wait_longer_than_it_may(make_gate, sink):
    sink.script(*[Stall()] * 50)
    gate = make_gate(exporters=[grpc(sink, timeout="5m", batch={"delay": "0s", "items": 1})], settings={"shutdown_timeout": "500ms"})
    for _ in range(10):
        send(gate, 2)
    sink.wait(lambda s: len(s.requests) == 4, "four requests in flight")
    start = time.monotonic()
    gate.stop(expect=3)
    assert time.monotonic() - start < 10
    assert gate.ledger.exporter()[("dropped", "shutdown")] == 20


# --- what the user is told ---

@pytest.fixture
def http1():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def says(make_gate, endpoint, remedy, **options):
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoint=endpoint, **QUICK, **options)], settings=BRIEF)
    send(gate)
    gate.wait_stderr("warning exporter=otlp_grpc")
    gate.stop(expect=3)
    assert remedy in gate.stderr
    assert gate.stderr.count("warning exporter=otlp_grpc") == 1, gate.stderr  # once, not at every try
    return gate


def test_nobody_listens(make_gate):
    says(make_gate, f"http://127.0.0.1:{free_port()}", "is the backend running at that address?")


def test_no_such_host(make_gate):
    says(make_gate, "http://no-such-host.invalid:4317", "cannot be resolved", timeout="2s")


def test_an_http1_server(make_gate, http1):
    says(make_gate, f"http://127.0.0.1:{http1.server_address[1]}", "this is not an OTLP/gRPC server")


def test_an_https_server_without_http2(make_gate, http1, authority):
    issued = authority.issue("web")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.cert_path, issued.key_path)
    http1.socket = context.wrap_socket(http1.socket, server_side=True)
    says(make_gate, f"https://127.0.0.1:{http1.server_address[1]}", "TLS but not HTTP/2", tls={"ca": str(authority.path)})


def test_tls_to_a_plain_server(make_gate, sink, authority):
    says(make_gate, sink.endpoint.replace("http:", "https:"), "does not speak TLS: use http://", tls={"ca": str(authority.path)})


@pytest.fixture
def tls_sink(make_sink, authority):
    """Wants a client certificate."""
    server = authority.issue("server")
    return make_sink(tls=(server.key, server.cert, authority.cert))


def test_plain_to_a_tls_server(make_gate, tls_sink):
    says(make_gate, tls_sink.endpoint.replace("https:", "http:"), "does it want TLS (https://)")


def test_a_client_certificate_is_wanted(make_gate, tls_sink, authority):
    says(make_gate, tls_sink.endpoint, "a client certificate (tls.cert, tls.key)", tls={"ca": str(authority.path)})


def test_an_untrusted_server(make_gate, tls_sink):
    says(make_gate, tls_sink.endpoint, "set tls.ca to the CA that signed it")


def test_a_certificate_for_another_name(make_gate, make_sink, authority):
    server = authority.issue("other", hosts=("backend.example",), addresses=())
    sink = make_sink(tls=(server.key, server.cert, None))
    says(make_gate, sink.endpoint, "set tls.server_name", tls={"ca": str(authority.path)})


def test_a_certificate_that_has_expired(make_gate, make_sink, authority):
    server = authority.issue("old", days=-2)
    sink = make_sink(tls=(server.key, server.cert, None))
    says(make_gate, sink.endpoint, "has expired", tls={"ca": str(authority.path)})


def test_a_key_of_another_certificate(make_gate, tls_sink, authority):
    tls = {"ca": str(authority.path), "cert": str(authority.issue("one").cert_path), "key": str(authority.issue("two").key_path)}
    says(make_gate, tls_sink.endpoint, "is tls.key the key of tls.cert?", tls=tls)


def test_mutual_tls(make_gate, tls_sink, authority):
    client = authority.issue("client")
    tls = {"ca": str(authority.path), "cert": str(client.cert_path), "key": str(client.key_path)}
    gate = make_gate(exporters=[grpc(tls_sink, tls=tls, compression="gzip", **QUICK)])
    spans = send(gate, 50)
    tls_sink.wait_spans(50)
    gate.stop()
    assert ids(tls_sink.spans) == ids(spans)


def test_the_systems_certificates_are_used_and_can_be_named_by_environment(make_gate, make_sink, authority):
    server = authority.issue("server")
    sink = make_sink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[grpc(sink, **QUICK)], env={"SSL_CERT_FILE": str(authority.path)})
    send(gate, 3)
    sink.wait_spans(3)


def test_binary_headers_are_mistakes(tmp_path):
    conf = tmp_path / "ddgate.conf"
    conf.write_text('exporters = ( { type = "otlp_grpc"; endpoint = "http://127.0.0.1:1";\n headers = [ "x-key-bin=1", "x!y=2" ]; } );\n')
    done = subprocess.run([BINARY, "check", "-c", conf], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert '"x-key-bin" ends in -bin' in done.stderr and '"x!y" is no name that gRPC carries' in done.stderr


# --- rest ---

def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_an_idle_gateway_costs_nothing(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    send(gate, 3)
    sink.wait_spans(3)
    before = cpu_ticks(gate.process.pid)
    quiet = socket.create_connection(("127.0.0.1", gate.port))
    quiet.settimeout(1.0)
    with pytest.raises(TimeoutError):
        quiet.recv(1)  # a second in which nothing happens
    quiet.close()
    allowed = 50 if b"__tsan_" in BINARY.read_bytes() else 2  # of 100; ThreadSanitizer is busy in a thread of its own
    assert cpu_ticks(gate.process.pid) - before <= allowed
