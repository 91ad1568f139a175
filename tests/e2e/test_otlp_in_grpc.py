# SPDX-License-Identifier: Apache-2.0
"""OTLP over gRPC into the gateway, by grpcio: what goes through, what is refused and with which status, who is on the wrong port."""
import http.client
import shutil
import socket
import ssl
import struct
import subprocess
import threading

import grpc as grpcio
import pytest
import zstandard
from ddgate import BINARY, SANITIZED, conf_text, free_port, grpc
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.logs.v1.logs_service_pb2_grpc import LogsServiceStub
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub
from raw_h2 import DATA, END_STREAM, GOAWAY, HEADERS, PING, PREFACE, RST_STREAM, SETTINGS, frame, headers, statuses
from sending import QUICK
from sending import http as http_export
from sinks import PATIENCE
from test_otlp_in import REQUESTS, traces

STUBS = {"traces": TraceServiceStub, "logs": LogsServiceStub, "metrics": MetricsServiceStub}
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


@pytest.fixture
def make_otlp(make_gate):
    """A gateway that takes OTLP over gRPC on gate.port, and over HTTP on gate.http_port."""
    def make(exporters, settings=None, **options):
        port, http_port = free_port(), free_port()
        receiver = {"type": "otlp", "grpc": [f"127.0.0.1:{port}"], "http": [f"127.0.0.1:{http_port}"], **options}
        rows = {"receivers": (receiver,), "exporters": tuple(exporters), "admin": {"listen": "127.0.0.1:0"}, **(settings or {})}
        gate = make_gate(conf=conf_text(rows), port=port)
        gate.http_port = http_port
        return gate
    return make


@pytest.fixture
def connect():
    """channel(gate): closed when the test ends."""
    channels = []

    def channel(gate, *options, credentials=None):
        target = f"127.0.0.1:{gate.port}"
        made = (grpcio.secure_channel(target, credentials, options) if credentials else grpcio.insecure_channel(target, options))
        channels.append(made)
        return made
    yield channel
    for one in channels:
        one.close()


def raw(channel, method=TRACES):
    """A method that takes and returns bytes."""
    return channel.unary_unary(method, lambda b: b, lambda b: b)


def refused(call, *arguments, **more):
    with pytest.raises(grpcio.RpcError) as failure:
        call(*arguments, timeout=PATIENCE, **more)
    return failure.value


@pytest.mark.parametrize("compression", [grpcio.Compression.NoCompression, grpcio.Compression.Gzip])
def test_every_signal(make_otlp, connect, compression):
    gate = make_otlp([{"type": "stdout", "format": "otlp_json"}])
    channel = connect(gate)
    for signal, make in REQUESTS.items():
        answer = STUBS[signal](channel).Export(make(), timeout=PATIENCE, compression=compression)
        assert answer.SerializeToString() == b""
    gate.wait_stdout(lambda text: text.count("\n") >= 3, "three requests")
    gate.stop()
    assert {signal: gate.ledger.intake(signal)["accepted"] for signal in REQUESTS} == {"traces": 3, "logs": 3, "metrics": 5}


def test_a_message_goes_through_byte_for_byte(make_otlp, connect, http_sink):
    gate = make_otlp([http_export(http_sink, compression="none", **QUICK)])
    body = traces().SerializeToString()
    body += b"\x0a\x00"                               # a ResourceSpans of nothing
    body += b"\xa2\x06\x03abc"                        # field 100: of a version to come
    body += b"\x0a\x05\xc2\x3e\x02hi"                  # ResourceSpans 1000: instrumentation_library_spans, of old
    assert raw(connect(gate))(body, timeout=PATIENCE) == b""
    http_sink.wait_spans(3)
    assert http_sink.requests[0].raw == body


def test_a_large_message(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    TraceServiceStub(connect(gate)).Export(traces(10_000), timeout=PATIENCE)  # about 6 MB: many slices
    sink.wait_spans(10_000)


def test_many_calls_at_once(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    stub = TraceServiceStub(connect(gate))
    calls = [stub.Export.future(traces(2), timeout=PATIENCE) for _ in range(500)]
    assert all(call.result() is not None for call in calls)
    sink.wait_spans(1000)


def test_partial_success(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    request = traces(3)
    request.resource_spans[0].scope_spans[0].spans[1].trace_id = bytes(16)
    partial = TraceServiceStub(connect(gate)).Export(request, timeout=PATIENCE).partial_success
    assert partial.rejected_spans == 1 and "the trace id is zero or absent (1)" in partial.error_message
    sink.wait_spans(2)
    gate.stop()
    assert gate.ledger.intake()["refused", "zero_trace_id"] == 1


def test_malformed(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    fault = refused(raw(connect(gate)), traces().SerializeToString()[:-3])
    assert fault.code() == grpcio.StatusCode.INVALID_ARGUMENT
    assert "at offset 0: field 1 of ExportTraceServiceRequest" in fault.details()
    gate.wait_stderr("answered 3: payload is not well-formed protobuf")


def test_other_methods(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    fault = refused(raw(connect(gate), "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"), b"")
    assert fault.code() == grpcio.StatusCode.UNIMPLEMENTED and "OTLP" in fault.details()


def test_health(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    assert raw(connect(gate), "/grpc.health.v1.Health/Check")(b"", timeout=PATIENCE) == b"\x08\x01"


def test_a_full_queue(make_otlp, connect):
    away = {"type": "otlp_grpc", "endpoint": f"http://127.0.0.1:{free_port()}", "queue_size": "2MiB"}
    gate = make_otlp([away], settings={"shutdown_timeout": "100ms"})
    stub = TraceServiceStub(connect(gate))

    def fill():
        for _ in range(40):
            stub.Export(traces(1000), timeout=PATIENCE)
    with pytest.raises(grpcio.RpcError) as failure:
        fill()
    assert failure.value.code() == grpcio.StatusCode.RESOURCE_EXHAUSTED
    trailers = dict(failure.value.trailing_metadata())
    again = error_details_pb2.RetryInfo()
    said = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    assert said.details[0].Unpack(again) and again.retry_delay.seconds >= 1
    gate.stop(expect=3)


def test_tokens(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)], auth={"token": "a-secret-token"})
    stub = TraceServiceStub(connect(gate))
    assert refused(stub.Export, traces()).code() == grpcio.StatusCode.UNAUTHENTICATED
    assert refused(stub.Export, traces(), metadata=[("authorization", "Bearer wrong")]).code() == grpcio.StatusCode.UNAUTHENTICATED
    stub.Export(traces(), timeout=PATIENCE, metadata=[("authorization", "Bearer a-secret-token")])
    sink.wait_spans(3)


def test_tls(make_otlp, connect, sink, authority):
    server, client = authority.issue("otlp-in"), authority.issue("otlp-client")
    gate = make_otlp([grpc(sink)], tls={"cert": server.cert_path, "key": server.key_path, "client_ca": authority.path})
    trusted = grpcio.ssl_channel_credentials(authority.cert, client.key, client.cert)
    TraceServiceStub(connect(gate, credentials=trusted)).Export(traces(), timeout=PATIENCE)
    sink.wait_spans(3)
    stranger = grpcio.ssl_channel_credentials(authority.cert)
    assert refused(TraceServiceStub(connect(gate, credentials=stranger)).Export, traces()).code() == grpcio.StatusCode.UNAVAILABLE


def test_limits(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)], max_message="64KiB", max_inflated="128KiB")
    stub = TraceServiceStub(connect(gate))
    assert refused(stub.Export, traces(500)).code() == grpcio.StatusCode.RESOURCE_EXHAUSTED
    fault = refused(stub.Export, traces(500), compression=grpcio.Compression.Gzip)
    assert fault.code() == grpcio.StatusCode.RESOURCE_EXHAUSTED and "payload-too-large" in fault.details()


def test_what_one_address_may(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)], peer={"requests": 5, "burst": 3, "local": True, "connections": 2})
    stub = TraceServiceStub(connect(gate))
    answers = []
    for _ in range(8):
        try:
            stub.Export(traces(1), timeout=PATIENCE)
            answers.append("taken")
        except grpcio.RpcError as fault:
            assert fault.code() == grpcio.StatusCode.RESOURCE_EXHAUSTED and "this address has sent too much" in fault.details()
            answers.append("refused")
    assert answers[:3] == ["taken"] * 3 and "refused" in answers
    others = [socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) for _ in range(2)]
    assert others[1].recv(1) == b""  # the third of this address
    for one in others:
        one.close()


def test_compressions(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as client:
        packed = zstandard.compress(traces(1).SerializeToString())
        message = struct.pack(">BI", 1, len(packed)) + packed
        client.sendall(PREFACE + frame(SETTINGS, 0, 0) +
                       headers(1, [*CALL, ("grpc-encoding", "snappy")]) + frame(DATA, END_STREAM, 1, message) +
                       headers(3, [*CALL, ("grpc-encoding", "zstd")]) + frame(DATA, END_STREAM, 3, message) +
                       headers(5, CALL) + frame(DATA, END_STREAM, 5, message))
        told = b""
        while sum("grpc-status" in of for of in statuses(told).values()) < 3:
            told += client.recv(65536)
    of = statuses(told)
    assert {stream: of[stream]["grpc-status"] for stream in of} == {1: "12", 3: "0", 5: "3"}
    assert of[1]["grpc-accept-encoding"] == "identity,deflate,gzip,zstd"
    sink.wait_spans(1)


def test_health_is_watched(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    channel = connect(gate)
    assert refused(raw(channel, "/grpc.health.v1.Health/Check"), b"\x0a\x01x").code() == grpcio.StatusCode.NOT_FOUND
    watch = channel.unary_stream("/grpc.health.v1.Health/Watch", lambda b: b, lambda b: b)(b"", timeout=PATIENCE)
    assert next(watch) == b"\x08\x01"
    TraceServiceStub(channel).Export(traces(1), timeout=PATIENCE)
    sink.wait_spans(1)
    gate.stop()  # a call that has no end of its own does not delay it
    with pytest.raises(grpcio.RpcError):
        next(watch)


def test_keepalive_is_answered(make_otlp, sink):
    """Also before there is a call (GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS)."""
    gate = make_otlp([grpc(sink)])
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as client:
        client.sendall(PREFACE + frame(SETTINGS, 0, 0) + frame(PING, 0, 0, b"12345678"))
        told = b""
        while frame(PING, 1, 0, b"12345678") not in told:
            piece = client.recv(65536)
            assert piece, told
            told += piece


def test_a_kill_loses_nothing_with_storage(make_gate, connect, sink, tmp_path):
    """What was answered OK is on the disk, over gRPC and HTTP."""
    def start(exporter):
        port, http_port = free_port(), free_port()
        receiver = {"type": "otlp", "grpc": [f"127.0.0.1:{port}"], "http": [f"127.0.0.1:{http_port}"]}
        gate = make_gate(port=port, conf=conf_text({"receivers": (receiver,), "exporters": (exporter,), "storage": {"directory": tmp_path / "queue"},
                                                    "admin": {"listen": "127.0.0.1:0"}}))
        gate.http_port = http_port
        return gate
    gate = start({"type": "otlp_grpc", "endpoint": f"http://127.0.0.1:{free_port()}"})
    TraceServiceStub(connect(gate)).Export(traces(5), timeout=PATIENCE)
    connection = http.client.HTTPConnection("127.0.0.1", gate.http_port, timeout=PATIENCE)
    connection.request("POST", "/v1/traces", traces(7).SerializeToString(), {"Content-Type": "application/x-protobuf"})
    assert connection.getresponse().status == 200
    gate.process.kill()
    gate.process.wait()
    start(grpc(sink))
    sink.wait_spans(12)
    assert sorted(s.name for s in sink.spans) == sorted([f"GET /{i}" for i in range(5)] + [f"GET /{i}" for i in range(7)])


def test_small_requests_leave_together(make_otlp, connect, sink):
    """dd-trace-js sends one request a trace."""
    gate = make_otlp([grpc(sink, batch={"delay": "200ms"})])
    stub = TraceServiceStub(connect(gate))
    for _ in range(50):
        stub.Export(traces(1), timeout=PATIENCE)
    sink.wait_spans(50)
    assert len(sink.requests) < 25


def test_a_certificate_is_renewed(make_otlp, connect, sink, authority):
    first, second = authority.issue("otlp-first"), authority.issue("otlp-second")
    gate = make_otlp([grpc(sink)], tls={"cert": first.cert_path, "key": first.key_path})
    trusted = grpcio.ssl_channel_credentials(authority.cert)
    TraceServiceStub(connect(gate, credentials=trusted)).Export(traces(), timeout=PATIENCE)
    shutil.copy(second.key_path, first.key_path)
    shutil.copy(second.cert_path, first.cert_path)

    def is_new():
        return ssl.PEM_cert_to_DER_cert(second.cert.decode()) in ssl.get_server_certificate(("127.0.0.1", gate.port)).encode() or \
            ssl.get_server_certificate(("127.0.0.1", gate.port)).strip() in second.cert.decode()
    gate._until(is_new, "the new certificate is not shown")  # pylint: disable=protected-access


def test_a_reload_keeps_the_port(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)], max_message="1MiB")
    channel = connect(gate)
    stub = TraceServiceStub(channel)
    stub.Export(traces(1), timeout=PATIENCE)
    path = gate.directory / "ddgate.conf"
    path.write_text(path.read_text().replace("1MiB", "64KiB"))
    gate.signal(1)
    gate.wait_stderr("was read again")
    taken = 1

    def is_successor():
        nonlocal taken
        try:
            stub.Export(traces(500), timeout=PATIENCE, wait_for_ready=True)
            taken += 500
            return False
        except grpcio.RpcError as fault:
            retried = (grpcio.StatusCode.UNAVAILABLE, grpcio.StatusCode.CANCELLED)  # by OTLP's table
            assert fault.code() in (grpcio.StatusCode.RESOURCE_EXHAUSTED, *retried), fault
            return fault.code() == grpcio.StatusCode.RESOURCE_EXHAUSTED
    gate._until(is_successor, "the new limit does not hold")  # pylint: disable=protected-access
    stub.Export(traces(1), timeout=PATIENCE)
    gate.stop()
    assert gate.ledger.intake()["accepted"] >= taken + 1


def test_http_on_the_grpc_port(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    connection = http.client.HTTPConnection("127.0.0.1", gate.port, timeout=PATIENCE)
    connection.request("POST", "/v1/traces", traces().SerializeToString(), {"Content-Type": "application/x-protobuf"})
    answer = connection.getresponse()
    assert answer.status == 400
    words = answer.read().decode()
    assert f"OTLP over HTTP is taken at port {gate.http_port}" in words and "the receiver ddtrace, on port 8126" in words
    gate.wait_stderr(f"OTLP over HTTP is taken at port {gate.http_port}")


def test_stuck_uploads_end(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)], receive_timeout="500ms")
    released = threading.Event()

    def never():
        released.wait(PATIENCE)
        yield b""
    channels = [connect(gate) for _ in range(10)]
    stuck = [channels[i % 10].stream_unary(TRACES, lambda b: b, lambda b: b).future(never(), timeout=PATIENCE) for i in range(100)]
    TraceServiceStub(connect(gate)).Export(traces(1), timeout=PATIENCE)
    assert {(call.code(), call.details()) for call in stuck} == {(grpcio.StatusCode.DEADLINE_EXCEEDED, "the message did not come in time")}
    released.set()
    sink.wait_spans(1)


@pytest.mark.parametrize("message", [b"", b"x" * 100_000])
def test_a_stream_without_end_is_ended(make_otlp, connect, sink, message):
    """Export takes one message; what comes behind it is not kept."""
    gate = make_otlp([grpc(sink)], receive_timeout="2s")
    stopped = threading.Event()

    def endless():
        while not stopped.is_set():
            yield message
    before = resident_mib(gate)
    with pytest.raises(grpcio.RpcError) as failure:
        connect(gate).stream_unary(TRACES, lambda b: b, lambda b: b)(endless(), timeout=PATIENCE)
    stopped.set()
    assert (failure.value.code(), failure.value.details()) == (grpcio.StatusCode.INVALID_ARGUMENT, "the call has more than one message")
    assert SANITIZED or resident_mib(gate) - before < 48
    TraceServiceStub(connect(gate)).Export(traces(1), timeout=PATIENCE)
    sink.wait_spans(1)


def test_what_is_no_http2(make_otlp, connect, sink):
    gate = make_otlp([grpc(sink)])
    silent = [socket.create_connection(("127.0.0.1", gate.port)) for _ in range(50)]
    with socket.create_connection(("127.0.0.1", gate.port)) as garbage:
        garbage.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100_000)
    TraceServiceStub(connect(gate)).Export(traces(1), timeout=PATIENCE)
    sink.wait_spans(1)
    for one in silent:
        one.close()


def test_no_gateway_sends_to_itself(make_gate, tmp_path):
    """A collector that is not there yet has its port left to it; whoever asks for a loop is told so."""
    exporters = ({"type": "otlp_grpc", "endpoint": "http://localhost:4317"},)
    gate = make_gate(conf=conf_text({"receivers": ({"type": "otlp"},), "exporters": exporters, "admin": {"listen": "127.0.0.1:0"}}))
    assert "127.0.0.1:4317 does not take OTLP: an exporter sends to that address" in gate.stderr
    assert "listening on 127.0.0.1:4318" in gate.stderr and "listening on 127.0.0.1:4317" not in gate.stderr
    path = tmp_path / "loop.conf"
    path.write_text(conf_text({"receivers": ({"type": "otlp", "grpc": [":4317"], "http": []},), "exporters": exporters}))
    checked = subprocess.run([str(BINARY), "check", "-c", str(path)], capture_output=True, text=True, check=False)
    assert checked.returncode == 2 and "an exporter sends to :4317: ddgate would send to itself" in checked.stderr


CALL = [(":method", "POST"), (":scheme", "http"), (":path", TRACES), (":authority", "x"), ("te", "trailers"),
        ("content-type", "application/grpc")]


def resident_mib(gate):
    with open(f"/proc/{gate.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096 / 2 ** 20


def pings():
    return frame(PING, 0, 0, b"12345678") * 50_000


def settings():
    return frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 50_000


def endless_headers():
    return b"".join(frame(HEADERS, 0, 1, b"\0\1a" + bytes([100]) + b"v" * 100) if not i else frame(9, 0, 1, b"\0\1a" + bytes([100]) + b"v" * 100)
                    for i in range(20_000))


def claims():
    """Messages that claim 15 MiB each, and do not come."""
    return b"".join(headers(stream, CALL) + frame(DATA, 0, stream, struct.pack(">BI", 0, 15 << 20) + b"x" * 100) for stream in range(1, 200, 2))


def resets():
    """HTTP/2 rapid reset (CVE-2023-44487)."""
    return b"".join(headers(stream, CALL) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)) for stream in range(1, 80_000, 2))


def calls():
    """By a client that does not acknowledge how many there may be."""
    return b"".join(headers(stream, CALL) for stream in range(1, 80_000, 2))


def calls_of_nothing():
    other = [(":path", "/x/y") if name == ":path" else (name, value) for name, value in CALL]
    return b"".join(headers(stream, other, end=True) for stream in range(1, 80_000, 2))


@pytest.mark.parametrize("flood", [pings, settings, endless_headers, claims, resets, calls, calls_of_nothing])
def test_floods_bound_memory_and_leave_others_served(make_otlp, connect, sink, flood):
    gate = make_otlp([grpc(sink)], settings={"max_memory": "128MiB"}, receive_timeout="2s")
    stub = TraceServiceStub(connect(gate))
    stub.Export(traces(1), timeout=PATIENCE)
    before = resident_mib(gate)
    attackers = [socket.create_connection(("127.0.0.1", gate.port)) for _ in range(4)]
    body = PREFACE + frame(SETTINGS, 0, 0) + flood()

    def attack(s):
        try:
            s.settimeout(PATIENCE)
            s.sendall(body)
        except OSError:
            pass  # turned away
    threads = [threading.Thread(target=attack, args=(s,)) for s in attackers]
    for one in threads:
        one.start()
    for _ in range(20):
        stub.Export(traces(1), timeout=PATIENCE)
    for s in attackers:
        s.close()
    for one in threads:
        one.join()
    stub.Export(traces(1), timeout=PATIENCE)
    sink.wait_spans(22)
    assert SANITIZED or resident_mib(gate) - before < 48


@pytest.mark.parametrize("path", [TRACES, "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"])
def test_who_wastes_calls_is_sent_away(make_otlp, connect, sink, path):
    gate = make_otlp([grpc(sink)])
    call = [(name, path if name == ":path" else value) for name, value in CALL]
    wasted = b"".join(headers(stream, call) + frame(RST_STREAM, 0, stream, struct.pack(">I", 8)) for stream in range(1, 1000, 2))
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as attacker:
        attacker.sendall(PREFACE + frame(SETTINGS, 0, 0) + wasted)
        told = b""
        while piece := attacker.recv(65536):
            told += piece
    enhance_your_calm = struct.pack(">I", 11)
    assert frame(GOAWAY, 0, 0, b"")[3:] in told and told.endswith(enhance_your_calm)
    gate.wait_stderr("sent away: it opens calls and resets them before their message has come")
    TraceServiceStub(connect(gate)).Export(traces(1), timeout=PATIENCE)
    sink.wait_spans(1)
