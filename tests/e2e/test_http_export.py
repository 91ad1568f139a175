# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP: what arrives at a backend that is not ours, and what becomes of the spans when it will not have them."""
import gzip

import pytest
import sending
from ddgate import Ddgate, free_port
from http_sink import Cut, Silence, Status
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from payloads import span, trace, v04
from sending import QUICK, ids, send


def http(sink, **options):
    return sending.http(sink, **{**QUICK, **options})


@pytest.fixture
def backend(http_sink):
    return http_sink


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd", "auto"])
def test_bodies(make_gate, backend, encoding, compression):
    gate = make_gate(exporters=[http(backend, encoding=encoding, compression=compression)])
    spans = send(gate, 20, meta={"env": "test", "text": "snow ☃ \u0001"}, metrics={"big": 2 ** 53 + 1, "half": 0.5})
    backend.wait_spans(20)
    request = backend.requests[0]
    assert ids(backend.spans) == ids(spans)
    assert {s.attrs["text"] for s in backend.spans} == {"snow ☃ \u0001"}
    assert {(s.attrs["big"], s.attrs["half"]) for s in backend.spans} == {(2 ** 53 + 1, 0.5)}
    assert request.path == "/v1/traces"
    assert request.headers["content-type"] == ("application/json" if encoding == "json" else "application/x-protobuf")
    assert request.headers.get("content-encoding") == (compression if compression in ("gzip", "zstd") else None)  # auto: this machine
    assert request.headers["user-agent"].startswith("ddgate/") and "expect" not in request.headers


def test_base_url_headers_and_whole_urls(make_gate, backend):
    gate = make_gate(exporters=[
        dict(type="otlp_http", name="base", endpoint=backend.endpoint + "/otlp/", headers={"x-key": "k1", "x-empty": ""}, **QUICK),
        dict(type="otlp_http", name="whole", endpoint=backend.endpoint, traces_endpoint=backend.endpoint + "/ingest?tenant=7", **QUICK)])
    send(gate, 2)
    backend.wait(lambda s: len(s.requests) == 2, "both exporters' requests")
    by_path = {r.path: r for r in backend.requests}
    assert set(by_path) == {"/otlp/v1/traces", "/ingest?tenant=7"}
    assert by_path["/otlp/v1/traces"].headers["x-key"] == "k1"
    assert by_path["/otlp/v1/traces"].headers["x-empty"] == ""
    assert "x-key" not in by_path["/ingest?tenant=7"].headers


def test_several_frames_are_one_body_with_a_length(make_gate, backend):
    gate = make_gate(exporters=[http(backend, compression="none", batch={"delay": "500ms"})])
    spans = [s for _ in range(40) for s in send(gate, 25, meta={"env": "test", "text": "x" * 1500})]
    backend.wait_spans(1000)
    assert ids(backend.spans) == ids(spans) and len(backend.spans) == 1000
    assert len(backend.requests) < 10 and max(len(r.raw) for r in backend.requests) > 500_000
    assert all(int(r.headers["content-length"]) == len(r.raw) for r in backend.requests)


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_what_otlp_calls_retryable_is_retried(make_gate, backend, code):
    backend.script(Status(code), Status(code))
    gate = make_gate(exporters=[http(backend)])
    spans = send(gate)
    backend.wait_spans(3)
    gate.stop()
    assert ids(backend.spans) == ids(spans) and len(backend.requests) == 3
    assert gate.ledger.exporter("otlp_http")["sent"] == 3


@pytest.mark.parametrize("code", [400, 408, 500, 501])
def test_what_otlp_calls_permanent_is_not(make_gate, backend, code):
    backend.script(Status(code, {"Content-Type": "text/plain"}, b"I do not want this"))
    gate = make_gate(exporters=[http(backend)])
    send(gate, 3)
    backend.wait(lambda s: s.requests, "the first request")
    later = send(gate, 2)
    backend.wait_spans(2)
    gate.stop(expect=3)
    assert ids(backend.spans) == ids(later) and len(backend.requests) == 2
    assert gate.ledger.exporter("otlp_http")["rejected by the backend"] == 3
    assert f"HTTP {code}: I do not want this" in gate.stderr


@pytest.mark.parametrize("code, remedy", [(401, "credentials"), (403, "credentials"), (404, "check endpoint"), (308, "Redirects are not followed")])
def test_what_only_the_user_can_mend_is_kept_and_said_once(make_gate, backend, code, remedy):
    backend.script(*[Status(code, {"Location": backend.endpoint + "/elsewhere"} if code == 308 else {})] * 3)
    gate = make_gate(exporters=[http(backend)])
    spans = send(gate)
    backend.wait_spans(3)
    gate.stop()
    assert ids(backend.spans) == ids(spans) and len(backend.requests) == 4
    assert {r.path for r in backend.requests} == {"/v1/traces"}
    assert gate.stderr.count(remedy) == 1, gate.stderr


def test_retry_after_is_obeyed(make_gate, backend):
    backend.script(Status(429, {"Retry-After": "1"}))
    gate = make_gate(exporters=[http(backend)])
    send(gate)
    backend.wait_spans(3)
    assert backend.requests[1].at - backend.requests[0].at >= 1.0


@pytest.mark.parametrize("wait", ["2", "3600", "8589934592", "9223372036854775807", "99999999999999999999999", "3600.5",
                                  "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_try_is_made_before_the_data_expires_whatever_retry_after_says(make_gate, backend, wait):
    backend.script(Status(503, {"Retry-After": wait}))
    gate = make_gate(exporters=[http(backend, max_age="2s")])
    spans = send(gate, 200)
    backend.wait_spans(200)
    gate.stop()
    assert ids(backend.spans) == ids(spans) and len(backend.requests) == 2
    assert backend.requests[1].at - backend.requests[0].at > 1
    assert gate.ledger.exporter("otlp_http")["sent"] == 200


@pytest.mark.parametrize("wait", ["0", "-5", "soon", "", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_retry_after_that_names_no_time_to_come_changes_nothing(make_gate, backend, wait):
    backend.script(Status(503, {"Retry-After": wait}))
    gate = make_gate(exporters=[http(backend)])
    send(gate)
    backend.wait_spans(3)
    assert len(backend.requests) == 2


@pytest.mark.parametrize("refusal", [Status(503), Status(503, {"Retry-After": "3600"})])
def test_requests_that_are_refused_for_ever_keep_no_others_from_being_sent(make_gate, backend, refusal):
    backend.judge = lambda body: refusal if b"poison" in body else None
    gate = make_gate(exporters=[http(backend, in_flight=2, compression="none")], settings={"shutdown_timeout": "100ms"})
    for n in range(1, 6):
        send(gate, 1, meta={"env": f"poison-{n}"})
        backend.wait(lambda s, n=n: any(b"poison-%d" % n in r.raw for r in s.requests), f"request {n} to be refused, alone in its batch")
    good = [s for _ in range(10) for s in send(gate, 2)]
    backend.wait_spans(20)
    gate.stop(expect=3)
    assert ids(backend.spans) == ids(good)
    assert (gate.ledger.exporter("otlp_http")["sent"], gate.ledger.exporter("otlp_http")["dropped", "shutdown"]) == (20, 5)


def test_partial_success_is_counted_and_not_retried(make_gate, backend):
    response = trace_service_pb2.ExportTraceServiceResponse()
    response.partial_success.rejected_spans = 2
    response.partial_success.error_message = "two are too old"
    backend.script(Status(200, {"Content-Type": "application/x-protobuf"}, response.SerializeToString()))
    gate = make_gate(exporters=[http(backend)])
    send(gate, 5)
    backend.wait_spans(5)
    later = send(gate, 1)
    backend.wait(lambda s: ids(later) <= ids(s.spans), "the next request")
    gate.stop(expect=3)
    assert len(backend.requests) == 2
    assert (gate.ledger.exporter("otlp_http")["sent"], gate.ledger.exporter("otlp_http")["rejected by the backend"]) == (4, 2)
    assert "two are too old" in gate.stderr


def test_too_large_is_split_down_to_what_fits(make_gate, make_http_sink):
    sink = make_http_sink()

    def bounded(raw):
        return None if len(raw) <= 4096 else Status(413)
    sink.judge = bounded
    gate = make_gate(exporters=[http(sink, compression="none", batch={"delay": "300ms"})])
    spans = [s for _ in range(4) for s in send(gate, 16, meta={"env": "test", "text": "x" * 400})]
    sink.wait_spans(64)
    assert ids(sink.spans) == ids(spans) and len(sink.spans) == 64


@pytest.mark.parametrize("act", [Cut(before_body=True), Cut()])
def test_a_connection_that_is_cut_is_tried_again(make_gate, backend, act):
    gate = make_gate(exporters=[http(backend)])
    first = send(gate, 1)  # the connection is kept, and cut when it is used again
    backend.wait_spans(1)
    backend.script(act, act)
    later = send(gate, 2)
    backend.wait_spans(3)
    gate.stop()
    assert ids(backend.spans) == ids(first) | ids(later)


def test_silence_ends_at_the_timeout(make_gate, backend):
    backend.script(Silence())
    gate = make_gate(exporters=[http(backend, timeout="300ms")])
    spans = send(gate)
    backend.wait_spans(3)
    backend.release()
    assert ids(backend.spans) == ids(spans)


def test_one_silent_request_does_not_hold_up_the_others(make_gate, backend):
    backend.script(Silence())
    gate = make_gate(exporters=[http(backend, in_flight=4, batch={"delay": "0s", "items": 1})])
    send(gate, 1)
    backend.wait(lambda s: s.requests, "the silent request")
    later = send(gate, 1)
    backend.wait(lambda s: ids(later) <= ids(s.spans), "a request that overtakes it")
    backend.release()
    backend.wait(lambda s: len(s._spans) == 2, "both")


def test_a_backend_that_comes_back_gets_everything(make_gate, make_http_sink):
    port = free_port()
    gate = make_gate(exporters=[dict(type="otlp_http", endpoint=f"http://127.0.0.1:{port}", **QUICK)])
    spans = [s for _ in range(5) for s in send(gate)]
    gate.wait_stderr("Is the backend up")
    sink = make_http_sink(port=port)
    sink.wait_spans(15)
    assert ids(sink.spans) == ids(spans) and len(sink.spans) == 15


def test_a_grpc_port_is_told_from_a_dead_one(make_gate, sink):
    gate = make_gate(exporters=[dict(type="otlp_http", endpoint=sink.endpoint, **QUICK)], settings={"shutdown_timeout": "300ms"})
    send(gate)
    gate.wait_stderr("a gRPC port (4317) wants otlp_grpc")
    gate.stop(expect=3)


def test_tls_mtls_and_another_name(make_gate, make_http_sink, authority):
    server, client = authority.issue("elsewhere-http", hosts=("backend.example",), addresses=()), authority.issue("client-http")
    sink = make_http_sink(tls=(server.key, server.cert, authority.cert))
    tls = {"ca": str(authority.path), "cert": str(client.cert_path), "key": str(client.key_path), "server_name": "backend.example"}
    gate = make_gate(exporters=[http(sink, tls=tls)])
    spans = send(gate)
    sink.wait_spans(3)
    assert ids(sink.spans) == ids(spans)


def test_an_unknown_authority_is_not_trusted(make_gate, make_http_sink, authority):
    server = authority.issue("stranger-http")
    sink = make_http_sink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[http(sink)], settings={"shutdown_timeout": "300ms"})
    send(gate)
    gate.wait_stderr("set tls.ca")
    gate.stop(expect=3)
    assert not sink.spans


def test_a_certificate_that_has_expired_is_called_so(make_gate, make_http_sink, authority):
    server = authority.issue("old-http", days=-2)
    sink = make_http_sink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[http(sink, tls={"ca": str(authority.path)})], settings={"shutdown_timeout": "300ms"})
    send(gate)
    gate.wait_stderr("the server's certificate has expired")
    gate.stop(expect=3)
    assert not sink.spans


def test_the_proxy_of_the_environment_is_used(make_gate, backend):
    gate = make_gate(exporters=[dict(type="otlp_http", endpoint="http://backend.invalid:4318", **QUICK)], env={"http_proxy": backend.endpoint})
    spans = send(gate)
    backend.wait_spans(3)
    assert ids(backend.spans) == ids(spans)
    assert backend.requests[0].path == "http://backend.invalid:4318/v1/traces"


def test_an_empty_endpoint_sends_nothing_and_counts(make_gate):
    gate = make_gate(exporters=[dict(type="otlp_http", endpoint="", **QUICK)])
    assert "exporters[0].endpoint: warning: is empty: nothing is uploaded" in gate.stderr
    send(gate, 4)
    gate.stop()
    assert gate.ledger.exporter("otlp_http") == {("dropped", "discarded"): 4}


@pytest.mark.parametrize("kind", ["otlp_grpc", "sls"])
def test_an_empty_endpoint_of_the_others(make_gate, kind):
    gate = make_gate(exporters=[dict(type=kind, endpoint="", **QUICK)])
    assert "nothing is uploaded" in gate.stderr
    send(gate, 4)
    gate.stop()
    assert gate.ledger.exporter(kind) == {("dropped", "discarded"): 4}


def test_a_signal_without_an_endpoint(make_gate, backend):
    gate = make_gate(exporters=[dict(type="otlp_http", logs_endpoint=backend.endpoint + "/v1/logs", **QUICK)])
    assert "traces, metrics have no endpoint of their own: they are not sent" in gate.stderr
    send(gate, 2)
    gate.stop()
    assert gate.ledger.exporter("otlp_http") == {("dropped", "discarded"): 2} and not backend.requests


@pytest.mark.parametrize("kind", ["otlp_grpc", "otlp_http", "sls"])
@pytest.mark.parametrize("endpoint", [None, "${env:DDGATE_NOT_THERE:-}", "${env:DDGATE_EMPTY}"])
def test_an_exporter_without_an_endpoint_is_a_mistake(tmp_path, kind, endpoint):
    gate = Ddgate(tmp_path, exporters=[dict(type=kind, **({} if endpoint is None else {"endpoint": endpoint}))], env={"DDGATE_EMPTY": ""})
    assert gate.process.wait(30) == 2
    assert "exporters[0].endpoint: " + ("is missing" if endpoint is None else "is empty after its") in gate.stderr


def test_no_secret_is_shown(make_gate, backend):
    gate = make_gate(exporters=[http(backend, headers={"authorization": "Bearer s3cr3t-value"})], settings={"log": {"level": "debug"}})
    backend.script(Status(401))
    send(gate)
    backend.wait_spans(3)
    gate.stop()
    assert backend.requests[0].headers["authorization"] == "Bearer s3cr3t-value"
    assert "s3cr3t-value" not in gate.stderr + gate.stdout


@pytest.mark.parametrize("variables, path, kind", [
    ({"ENDPOINT": "", "PROTOCOL": "http/json", "HEADERS": "x-a=1,x-b=b%20c", "COMPRESSION": "gzip"}, "/v1/traces", "application/json"),
    ({"ENDPOINT": "/base", "TRACES_PROTOCOL": "http/protobuf", "PROTOCOL": "grpc"}, "/base/v1/traces", "application/x-protobuf"),
    ({"TRACES_ENDPOINT": "/whole", "ENDPOINT": "/base", "PROTOCOL": "http/protobuf"}, "/whole", "application/x-protobuf"),
])
def test_the_standard_variables(make_gate, backend, variables, path, kind):
    """Without an exporter in the configuration, OTEL_EXPORTER_OTLP_… alone say where to."""
    env = {f"OTEL_EXPORTER_OTLP_{k}": backend.endpoint + v if k.endswith("ENDPOINT") else v for k, v in variables.items()}
    port = free_port()
    gate = make_gate(conf=f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; }} );\n', env=env, port=port)
    spans = send(gate)
    backend.wait_spans(3)
    request = backend.requests[0]
    assert ids(backend.spans) == ids(spans)
    assert (request.path, request.headers["content-type"]) == (path, kind)
    if "HEADERS" in variables:
        assert (request.headers["x-a"], request.headers["x-b"], request.headers["content-encoding"]) == ("1", "b c", "gzip")
