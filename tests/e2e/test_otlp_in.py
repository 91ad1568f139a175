# SPDX-License-Identifier: Apache-2.0
"""OTLP over HTTP into the gateway: what goes through unchanged, what is refused and how the sender learns of it."""
import base64
import gzip
import json
import socket
import ssl
import struct

import pytest
import zstandard
from ddgate import conf_text, free_port, grpc
from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2
from log_sink import LogSink
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest, ExportMetricsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from payloads import span as dd_span
from payloads import trace, v04
from sending import QUICK, http

PROTOBUF = {"Content-Type": "application/x-protobuf"}
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
RESPONSES = {"traces": ExportTraceServiceResponse, "logs": ExportLogsServiceResponse, "metrics": ExportMetricsServiceResponse}


@pytest.fixture
def make_otlp(make_gate):
    """A gateway whose only receiver, unless the test adds some, takes OTLP over HTTP on gate.port."""
    def make(exporters, receivers=(), settings=None, **options):
        port = free_port()
        rows = {"receivers": ({"type": "otlp", "http": [f"127.0.0.1:{port}"], **options}, *receivers), "exporters": tuple(exporters),
                "admin": {"listen": "127.0.0.1:0"}, **(settings or {})}
        return make_gate(conf=conf_text(rows), port=port)
    return make


def attributes(to):
    """One of every type."""
    def add(key):
        one = to.add()
        one.key = key
        return one.value
    add("text").string_value = "snow ☃"
    add("empty").string_value = ""
    add("flag").bool_value = True
    add("int").int_value = -(1 << 62)
    add("double").double_value = 0.5
    add("bytes").bytes_value = b"\0\xff"
    add("list").array_value.values.add().int_value = 1
    inner = add("map").kvlist_value.values.add()
    inner.key, inner.value.string_value = "k", "v"
    to.add().key = "none"


def traces(n=3, services=("shop",)):
    request = ExportTraceServiceRequest()
    for service in services:
        part = request.resource_spans.add(schema_url="https://opentelemetry.io/schemas/1.30.0")
        name = part.resource.attributes.add()
        name.key, name.value.string_value = "service.name", service
        scope = part.scope_spans.add()
        scope.scope.name, scope.scope.version = "lib", "1.2"
        for i in range(n):
            one = scope.spans.add(trace_id=TRACE, span_id=struct.pack(">Q", i + 1), parent_span_id=SPAN, name=f"GET /{i}", kind=2,
                                  start_time_unix_nano=1_764_000_000_000_000_000, end_time_unix_nano=1_764_000_000_500_000_000,
                                  flags=0x101, trace_state="a=b")
            attributes(one.attributes)
            attributes(one.events.add(name="e", time_unix_nano=1).attributes)
            attributes(one.links.add(trace_id=TRACE, span_id=SPAN).attributes)
            one.status.code = 2
    return request


def logs(n=3):
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for i in range(n):
        one = scope.log_records.add(time_unix_nano=5, severity_number=9, trace_id=TRACE if i else b"", span_id=SPAN if i else b"")
        one.body.string_value = f"line {i}"
        attributes(one.attributes)
    return request


def metrics():
    request = ExportMetricsServiceRequest()
    many = request.resource_metrics.add().scope_metrics.add().metrics
    attributes(many.add(name="gauge").gauge.data_points.add(as_int=-3).attributes)
    total = many.add(name="sum").sum
    total.is_monotonic, total.aggregation_temporality = True, 2
    total.data_points.add(as_double=1.5).exemplars.add(as_int=4, trace_id=TRACE, span_id=SPAN)
    many.add(name="histogram").histogram.data_points.add(count=3, sum=4.5, bucket_counts=[1, 2], explicit_bounds=[1.0], min=0, max=3)
    spread = many.add(name="exponential").exponential_histogram.data_points.add(count=2, scale=-1, zero_count=1)
    spread.positive.offset = -2
    spread.positive.bucket_counts.extend([1, 300])
    many.add(name="summary").summary.data_points.add(count=1).quantile_values.add(quantile=0.5, value=2)
    return request


REQUESTS = {"traces": traces, "logs": logs, "metrics": metrics}


def post(gate, request, signal="traces", headers=None, **more):
    body = request if isinstance(request, bytes) else request.SerializeToString()
    return gate.request("POST", f"/v1/{signal}", body, {**PROTOBUF, **(headers or {})}, **more)


def status(answer):
    assert answer.type == "application/x-protobuf", answer
    return status_pb2.Status.FromString(answer.body)


def as_json(request):
    """As an SDK writes it: json_format's form, but with ids in hexadecimal."""
    document = json_format.MessageToDict(request)
    change_ids(document, lambda text: base64.b64decode(text).hex())
    return json.dumps(document).encode()


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("signal", REQUESTS)
def test_every_signal_arrives_as_it_was(make_otlp, signal, encoding):
    gate = make_otlp([{"type": "stdout", "format": "otlp_json"}])
    request = REQUESTS[signal]()
    if encoding == "json":
        answer = post(gate, as_json(request), signal, {"Content-Type": "application/json; charset=utf-8"})
        assert (answer.status, answer.type, answer.body) == (200, "application/json", b"{}")
    else:
        answer = post(gate, request, signal)
        assert (answer.status, answer.type, answer.body) == (200, "application/x-protobuf", b"")
    line = gate.wait_stdout(lambda text: text.endswith("\n"), "the request").splitlines()[0]
    document = json.loads(line)
    change_ids(document, lambda text: base64.b64encode(bytes.fromhex(text)).decode())
    assert json_format.ParseDict(document, type(request)()) == request


def change_ids(value, change):
    """Those of OTLP/JSON are hexadecimal, which json_format does not know."""
    if isinstance(value, list):
        for one in value:
            change_ids(one, change)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("traceId", "spanId", "parentSpanId"):
                value[key] = change(inner)
            else:
                change_ids(inner, change)


def test_json_is_answered_in_json(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    media = {"Content-Type": "application/json"}
    request = traces(2)
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = bytes(16)
    answer = post(gate, gzip.compress(as_json(request)), headers={**media, "Content-Encoding": "gzip"})
    partial = json.loads(answer.body)["partialSuccess"]
    assert partial["rejectedSpans"] == "1" and "the trace id is zero or absent (1)" in partial["errorMessage"]
    sink.wait_spans(1)
    bad = post(gate, b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "xyz"}]}]}]}', headers=media)
    assert (bad.status, bad.type) == (400, "application/json")
    said = json.loads(bad.body)
    assert said["code"] == 3 and "payload is not well-formed JSON at offset" in said["message"]
    assert "is no id in hexadecimal" in said["message"]
    assert post(gate, b"[" * 10_000, headers=media).status == 400


def test_a_large_json_request(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    assert post(gate, as_json(traces(3000)), headers={"Content-Type": "application/json"}).status == 200
    sink.wait_spans(3000)


def test_a_body_goes_through_byte_for_byte(make_otlp, http_sink):
    gate = make_otlp([http(http_sink, compression="none", **QUICK)])
    body = traces().SerializeToString()
    body += b"\xa2\x06\x03abc"                        # field 100: of a version to come
    body += b"\x0a\x05\xc2\x3e\x02hi"                  # ResourceSpans 1000: instrumentation_library_spans, of old
    assert post(gate, body).status == 200
    http_sink.wait_spans(3)
    assert http_sink.requests[0].raw == body


@pytest.mark.parametrize("encoding, pack", [("gzip", gzip.compress), ("zstd", zstandard.ZstdCompressor().compress)])
def test_compressed(make_otlp, sink, encoding, pack):
    gate = make_otlp([grpc(sink)])
    answer = post(gate, pack(traces(5).SerializeToString()), headers={"Content-Encoding": encoding})
    assert answer.status == 200, answer
    sink.wait_spans(5)
    broken = post(gate, pack(traces(5).SerializeToString())[:-9], headers={"Content-Encoding": encoding})
    assert broken.status == 400 and status(broken).code == code_pb2.INVALID_ARGUMENT


def test_an_empty_request_is_taken(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    for signal in REQUESTS:
        answer = post(gate, b"", signal)
        assert (answer.status, answer.body) == (200, b"")
    gate.stop()
    assert gate.ledger.signals == {}


def test_a_large_request_is_cut(make_otlp, http_sink):
    gate = make_otlp([http(http_sink, compression="none", **QUICK)])
    request = traces(8000, ("shop", "cart"))  # about 5 MB in each resource
    assert post(gate, request).status == 200
    http_sink.wait_spans(16000)
    assert max(len(r.raw) for r in http_sink.requests) < 3_700_000
    got = [(s.resource["service.name"], s.span_id, s.scope) for s in http_sink.spans]
    assert len(set(got)) == len(got) == 16000
    assert {scope for _, _, scope in got} == {("lib", "1.2")}


def test_what_cannot_go_on_is_refused_alone(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    request = traces(6)
    spans = request.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = bytes(16)
    spans[1].span_id = b""
    spans[2].trace_id = b"short"
    spans[3].name = "XXXX"
    body = request.SerializeToString().replace(b"XXXX", b"X\xff\xfeX")
    answer = post(gate, body)
    partial = ExportTraceServiceResponse.FromString(answer.body).partial_success
    assert answer.status == 200 and partial.rejected_spans == 4
    for words in ("4 of 6 items", "not UTF-8 (1)", "an id has neither", "the trace id is zero or absent (1)", "the span id is zero"):
        assert words in partial.error_message
    sink.wait_spans(2)
    assert {s.name for s in sink.spans} == {"GET /4", "GET /5"}
    assert "4 of 6 items are refused" in gate.stderr
    gate.stop()
    intake = gate.ledger.intake()
    assert [intake["refused", why] for why in ("zero_trace_id", "zero_span_id", "bad_id", "bad_text")] == [1, 1, 1, 1]
    assert (intake["received"], intake["accepted"]) == (6, 2)


def nested(depth):
    """An attribute's value of lists within one another; what Google's reader takes is its own measure."""
    value = b""
    for _ in range(depth):
        inner = b"\x0a" + varint(len(value)) + value
        value = b"\x2a" + varint(len(inner)) + inner
    pair = b"\x0a\x01k\x12" + varint(len(value)) + value
    one = b"\x0a\x10" + TRACE + b"\x12\x08" + SPAN + b"\x4a" + varint(len(pair)) + pair
    for tag in (b"\x12", b"\x12", b"\x0a"):
        one = tag + varint(len(one)) + one
    return one


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def google_reads(body):
    try:
        ExportTraceServiceRequest.FromString(body)
        return True
    except Exception:  # pylint: disable=broad-except
        return False


def test_depth_is_what_other_readers_take(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    deepest = max(n for n in range(60) if google_reads(nested(n)))
    for depth, refused in ((deepest, 0), (deepest + 1, 1), (10_000, 1)):
        answer = post(gate, nested(depth))
        assert answer.status == 200
        assert ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == refused, depth
    sink.wait_spans(1)


def test_what_is_malformed_is_answered_with_its_place(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    answer = post(gate, traces().SerializeToString()[:-3])
    assert answer.status == 400
    assert status(answer).code == code_pb2.INVALID_ARGUMENT
    assert "at offset 0: field 1 of ExportTraceServiceRequest is longer than what is left of it" in status(answer).message
    gate.wait_stderr("answered 400")
    assert "receiver=otlp" in gate.stderr


@pytest.mark.parametrize("method, path, headers, code", [
    ("POST", "/v1/traces", {"Content-Type": "text/plain"}, 415),
    ("POST", "/v1/traces", {**PROTOBUF, "Content-Encoding": "br"}, 415),
    ("POST", "/v1/profiles", PROTOBUF, 404),
    ("POST", "/v1/traces/", PROTOBUF, 404),
    ("GET", "/v1/traces", {}, 405),
])
def test_other_answers(make_otlp, sink, method, path, headers, code):
    gate = make_otlp([grpc(sink)])
    answer = gate.request(method, path, b"x" if method == "POST" else b"", headers)
    assert answer.status == code
    assert status(answer).message


def test_a_full_queue_is_429_with_the_time_to_come_again(make_otlp):
    away = {"type": "otlp_grpc", "endpoint": f"http://127.0.0.1:{free_port()}", "queue_size": "2MiB"}
    gate = make_otlp([away], settings={"shutdown_timeout": "100ms"})
    answer = None
    for _ in range(40):
        answer = post(gate, traces(1000))
        if answer.status != 200:
            break
    assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
    said = status(answer)
    assert said.code == code_pb2.RESOURCE_EXHAUSTED
    again = error_details_pb2.RetryInfo()
    assert said.details[0].Unpack(again) and again.retry_delay.seconds == int(answer.headers["retry-after"])
    gate.stop(expect=3)  # what was taken is lost with a backend that stays away
    assert gate.ledger.intake()["refused", "queue_full"] == 1000


def test_tokens(make_otlp, sink):
    gate = make_otlp([grpc(sink)], auth={"token": "a-secret-token"})
    assert post(gate, traces()).status == 401
    assert post(gate, traces(), headers={"Authorization": "Bearer a-secret-token"}).status == 200
    sink.wait_spans(3)


def test_too_large(make_otlp, sink):
    gate = make_otlp([grpc(sink)], max_body="64KiB", max_inflated="128KiB")
    assert post(gate, traces(500)).status == 413
    packed = post(gate, gzip.compress(traces(500).SerializeToString()), headers={"Content-Encoding": "gzip"})
    assert packed.status == 413 and status(packed).code == code_pb2.RESOURCE_EXHAUSTED


def test_ids_that_come_by_otlp_complete_those_of_ddtrace(make_otlp, sink):
    port = free_port()
    gate = make_otlp([grpc(sink)], receivers=({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},))
    assert post(gate, traces(1)).status == 200
    low = int.from_bytes(TRACE[8:], "big")
    gate.port = port
    assert gate.put("/v0.4/traces", v04([dd_span(trace_id=low, parent_id=int.from_bytes(SPAN, "big"), meta={"env": "test"})])).status == 200
    sink.wait_spans(2)
    assert {s.trace_id for s in sink.spans} == {TRACE.hex()}


@pytest.mark.parametrize("first", ["spans", "line"])
def test_lines_of_ddtrace_find_a_trace_that_came_by_otlp(make_otlp, sink, first):
    """With the lower 64 bits in the line, whichever comes first."""
    port = free_port()
    low = int.from_bytes(TRACE[8:], "big")
    line = {"message": "paid", "dd.trace_id": str(low), "dd.span_id": "7"}
    with LogSink() as records:
        gate = make_otlp([grpc(sink, signals=["traces"]), grpc(records, name="records", signals=["logs"])],
                         receivers=({"type": "http", "listen": [f"127.0.0.1:{port}"]},))
        by_otlp = gate.port
        for turn in (1, 2):
            gate.port = by_otlp if (turn == 1) == (first == "spans") else port
            if gate.port == port:
                assert gate.request("POST", "/api/v2/logs", json.dumps([line]).encode(), {"Content-Type": "application/json"}).status == 202
            else:
                assert post(gate, traces(1)).status == 200
        got = records.wait_records(1)[0]
        assert (got.body, got.trace_id, got.span_id) == ("paid", TRACE.hex(), f"{7:016x}")


def test_a_reload_takes_no_request_away(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    path = gate.directory / "ddgate.conf"
    connection = gate.connection()
    assert post(gate, traces(1), connection=connection).status == 200
    path.write_text(path.read_text().replace('type = "otlp";', 'type = "otlp"; max_body = "64KiB";', 1))
    gate.signal(1)
    gate.wait_stderr("the configuration was read again")
    gate._until(lambda: post(gate, traces(500)).status == 413, "the new limit does not hold")  # pylint: disable=protected-access
    assert post(gate, traces(1), connection=connection).status == 200


def test_resources(make_otlp, sink):
    gate = make_otlp([grpc(sink)], resource={"set": ["team=core", "service.name=cart"], "default": {"site": "north", "k": "no"}})
    request = traces(2)
    for key, text in (("k", "yes"), ("sls.otel.project", "p"), ("sls.otel.aksecret", "a-secret")):
        one = request.resource_spans[0].resource.attributes.add()
        one.key, one.value.string_value = key, text
    assert post(gate, request).status == 200
    sink.wait_spans(2)
    assert sink.spans[0].resource == {"k": "yes", "team": "core", "service.name": "cart", "site": "north"}
    gate.wait_stderr("an application puts credentials into its resource (sls.otel.*): they are removed")
    assert b'ddgate_otlp_credentials_total{receiver="otlp"} 2' in gate.admin("/metrics").body
    assert "a-secret" not in gate.stderr


def test_credentials_stay_where_that_is_asked(make_otlp, sink):
    gate = make_otlp([grpc(sink)], resource={"keep_credentials": True})
    request = traces(1)
    one = request.resource_spans[0].resource.attributes.add()
    one.key, one.value.string_value = "sls.otel.project", "p"
    assert post(gate, request).status == 200
    sink.wait_spans(1)
    assert sink.spans[0].resource["sls.otel.project"] == "p"


def test_tracers_on_the_wrong_port_are_told(make_otlp, sink):
    port = free_port()
    gate = make_otlp([grpc(sink)], receivers=({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},))
    answer = gate.put("/v0.4/traces", v04([dd_span()]))
    assert answer.status == 404 and "Datadog's tracers are for the receiver ddtrace, on port 8126" in status(answer).message
    gate.wait_stderr("Datadog's tracers are for the receiver ddtrace")
    gate.port = port
    answer = post(gate, traces())
    assert answer.status == 404 and b"OTLP is for the receiver otlp, over HTTP on port 4318" in answer.body
    gate.wait_stderr("OTLP is for the receiver otlp")


def test_grpc_on_the_port_of_http_is_told(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    with socket.create_connection(("127.0.0.1", gate.port)) as s:
        s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        answer = s.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400 ") and b"OTLP over gRPC is taken on port 4317" in answer
    gate.wait_stderr("HTTP/2 comes to a port of HTTP/1.1: OTLP over gRPC is taken on port 4317")


@pytest.mark.parametrize("path", ["/", "/v1/traces/", "/v1/profiles"])
def test_an_endpoint_without_its_path_is_told(make_otlp, sink, path):
    """OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://localhost:4318"""
    gate = make_otlp([grpc(sink)])
    answer = gate.request("POST", path, traces().SerializeToString(), PROTOBUF)
    assert answer.status == 404 and "OTLP is taken at /v1/traces, /v1/logs and /v1/metrics" in status(answer).message
    assert "GET /info" not in status(answer).message  # which this port does not have
    gate.wait_stderr(f"a request from 127.0.0.1 to {path} is answered 404: no such path is served here: OTLP is taken at /v1/traces")


def test_tls_on_a_plain_port_is_told(make_otlp, sink):
    gate = make_otlp([grpc(sink)])
    with socket.create_connection(("127.0.0.1", gate.port)) as s, pytest.raises(ssl.SSLError):
        ssl.create_default_context().wrap_socket(s, server_hostname="localhost")
    gate.wait_stderr("TLS comes to a port without it: write http:// in the sender's address, or set tls.cert here")


def as_datadog_sdk(spans, semantics="datadog"):
    """What dd-trace-js 6 writes of a chunk (opentelemetry/trace/otlp_transformer.js)."""
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add()

    def add(to, key, value):
        one = to.add()
        one.key = key
        setattr(one.value, {str: "string_value", int: "int_value", float: "double_value"}[type(value)], value)
    for key, text in {"service.name": "shop", "telemetry.sdk.name": "datadog", "telemetry.sdk.version": "6.1.0",
                      "telemetry.sdk.language": "nodejs", "deployment.environment.name": "test", "service.version": "1.2.3",
                      "runtime-id": "8c1b4a52", "team": "core", "_dd.sdk.otlp_export": "true", "datadog.sdk.semantics": semantics}.items():
        add(part.resource.attributes, key, text)
    scope = part.scope_spans.add()
    scope.scope.name = "dd-trace-js"
    high = next(s["meta"]["_dd.p.tid"] for s in spans if "_dd.p.tid" in s["meta"])
    for s in spans:
        meta = {k: v for k, v in s["meta"].items() if k not in ("_dd.p.tid", "span.kind", "team")}
        kind = ["", "internal", "server", "client", "producer", "consumer"].index(s["meta"].get("span.kind", ""))
        one = scope.spans.add(trace_id=bytes.fromhex(high) + s["trace_id"].to_bytes(8, "big"), span_id=s["span_id"].to_bytes(8, "big"),
                              parent_span_id=s["parent_id"].to_bytes(8, "big") if s["parent_id"] else b"", name=s["resource"], kind=kind,
                              start_time_unix_nano=s["start"], end_time_unix_nano=s["start"] + s["duration"], flags=1)
        for key, text in (("service.name", s["service"]), ("operation.name", s["name"]), ("resource.name", s["resource"]), ("span.type", s["type"])):
            if text:
                add(one.attributes, key, text)
        for key, value in {**meta, **s["metrics"]}.items():
            add(one.attributes, key, value)
        for event in s.get("span_events", ()):
            made = one.events.add(time_unix_nano=event["time_unix_nano"], name=event["name"])
            for key, value in event["attributes"].items():
                add(made.attributes, key, value["string_value"] if value["type"] == 0 else value["int_value"])
        if s["error"]:
            one.status.code = 2
            one.status.message = f'{meta["error.type"]}: {meta["error.message"]}'
    return request


def datadog_spans():
    meta = {"env": "test", "version": "1.2.3", "runtime-id": "8c1b4a52", "team": "core", "_dd.p.tid": "64f0a1b200000000"}
    spans = trace(3, service="shop", name="web.request", resource="GET /cart", type="web",
                  meta={**meta, "span.kind": "server", "http.method": "GET", "http.url": "http://shop.example/cart?token=abc"},
                  metrics={"_sampling_priority_v1": 1, "http.status_code": 500})
    spans[1].update(service="postgres", name="postgres.query", resource="SELECT * FROM cart WHERE id = 42", type="sql",
                    meta={**meta, "span.kind": "client", "db.type": "postgres", "out.host": "db", "_dd.base_service": "shop"}, metrics={"rows": 1.5})
    spans[2].update(error=1, meta={**meta, "error.type": "ValueError", "error.message": "no", "error.stack": "Traceback"},
                    span_events=[{"time_unix_nano": 5, "name": "tick", "attributes": {"k": {"type": 0, "string_value": "v"},
                                                                                       "n": {"type": 2, "int_value": 7}}}])
    return spans


def test_an_application_looks_the_same_by_either_road(make_otlp, sink):
    port = free_port()
    gate = make_otlp([grpc(sink)], receivers=({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": "", "promote": ["team"]},))
    spans = datadog_spans()
    by_otlp = gate.port
    gate.port = port
    headers = {"Content-Type": "application/msgpack", "Datadog-Meta-Lang": "nodejs", "Datadog-Meta-Tracer-Version": "6.1.0"}
    assert gate.put("/v0.4/traces", v04(spans), headers).status == 200
    sink.wait_spans(3)
    expected = {s.span_id: s for s in sink.spans}
    gate.port = by_otlp
    answer = post(gate, as_json(as_datadog_sdk(spans)), headers={"Content-Type": "application/json"})
    assert (answer.status, answer.body) == (200, b"{}")
    sink.wait_spans(6)
    for one in sink.spans[3:]:
        other = expected[one.span_id]
        resource = {k: v for k, v in other.resource.items() if k != "host.name"}  # of a peer on this machine
        assert one.resource == resource
        for field in ("trace_id", "parent_id", "name", "kind", "start", "end", "status", "message", "scope", "attrs", "links"):
            assert getattr(one, field) == getattr(other, field), field
        assert [(e.name, e.attrs) for e in one.events] == [(e.name, e.attrs) for e in other.events]


def test_otel_semantics_of_a_datadog_sdk_pass_untouched(make_otlp, http_sink):
    gate = make_otlp([http(http_sink, compression="none", **QUICK)])
    body = as_datadog_sdk(datadog_spans(), semantics="otel").SerializeToString()
    assert post(gate, body).status == 200
    http_sink.wait_spans(3)
    assert http_sink.requests[0].raw == body


def test_datadogs_and_others_in_one_request(make_otlp, sink):
    gate = make_otlp([grpc(sink), {**grpc(sink), "name": "both", "mode": "both"}])
    request = traces(2)
    request.MergeFrom(as_datadog_sdk(datadog_spans()))
    request.resource_spans[0].scope_spans[0].spans[0].trace_id = bytes(16)
    request.resource_spans[1].scope_spans[0].spans[0].span_id = b""
    answer = post(gate, request)
    assert ExportTraceServiceResponse.FromString(answer.body).partial_success.rejected_spans == 2
    sink.wait_spans(6)
    names = sorted(s.name for s in sink.spans)
    assert names.count("GET /1") == 2 and len(names) == 6
    gate.stop()
    intake = gate.ledger.intake()
    assert (intake["received"], intake["accepted"]) == (5, 3)
