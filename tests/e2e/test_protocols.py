# SPDX-License-Identifier: Apache-2.0
"""v0.7 and v1.0 beside v0.4: the same spans in each of them are the same OTLP; versions mix on one connection; what is malformed costs
as little as it can."""
import dataclasses
import socket
import struct

import msgpack
import payloads
import pytest
import recordings
import v10
from ddgate import Ddgate, grpc
from payloads import span, trace, v04, v05, v07
from sinks import GrpcSink

MSGPACK = {"Content-Type": "application/msgpack"}
OLDER = ("v0.3", "v0.4", "v0.5")
BODIES = {"/v0.4/traces": v04, "/v0.7/traces": v07, "/v1.0/traces": v10.encode}


def wire(dd):
    """A span of expected.json with the types that v0.4 has on the wire."""
    out = {k: v for k, v in dd.items() if k not in ("trace_id_128_hex", "trace_id_128_source") and v is not None}
    for key in ("trace_id", "span_id", "parent_id"):
        out[key] = int(out.get(key) or 0)
    out["span_links"] = [{**link, **{k: int(link[k]) for k in ("trace_id", "trace_id_high", "span_id", "flags") if link.get(k)}}
                         for link in out.get("span_links") or []]
    out["span_events"] = [{**event, "time_unix_nano": int(event["time_unix_nano"])} for event in out.get("span_events") or []]
    # msgpack in text, as the recordings have it, is of no use here
    return {**out, "meta_struct": {}}


def recorded():
    """(headers, chunks) of every recorded request of the older protocols."""
    for name, folder in recordings.folders().items():
        for request in recordings.load(name, folder):
            chunks = [[wire(dd) for dd in spans] for spans in request.chunks if spans]
            if request.format in OLDER and chunks:
                kept = [(k, v) for k, v in request.headers if k.lower() not in ("content-length", "content-type", "transfer-encoding")]
                yield [*kept, ("Content-Type", "application/msgpack")], chunks


RECORDED = list(recorded())


@pytest.fixture(scope="module", params=["otel", "both", "datadog"])
def translated(tmp_path_factory, request):
    """What each protocol's gateway makes of all that was recorded."""
    out = {}
    for path, encode in BODIES.items():
        sink = GrpcSink()
        gate = Ddgate(tmp_path_factory.mktemp("gate"), receiver={"keep_rejected": True}, exporters=[grpc(sink, mode=request.param)])
        gate.wait_listening()
        for headers, chunks in RECORDED:
            assert gate.request("PUT", path, encode(*chunks), headers).status == 200
        gate.stop()
        out[path] = sink.spans
        sink.close()
    return out


def plain(spans):
    """Comparable: without how they were sent."""
    return [{**dataclasses.asdict(s), "metadata": None} for s in spans]


@pytest.mark.parametrize("path", ["/v0.7/traces", "/v1.0/traces"])
def test_the_same_spans_are_the_same_otlp(translated, path):
    want, got = plain(translated["/v0.4/traces"]), plain(translated[path])
    assert len(want) == len(got) > 100
    if path == "/v1.0/traces":  # its chunks say the upper half once, where some tracers repeat it on spans of v0.4
        for s in want + got:
            s["attrs"].pop("_dd.p.tid", None)

    def by_id(spans):
        return sorted(spans, key=lambda s: (s["trace_id"], s["span_id"], s["start"], repr(sorted(s["attrs"])), repr(s["resource"])))
    for ours, theirs in zip(by_id(got), by_id(want)):
        assert ours == theirs


@pytest.mark.parametrize("transport", ["tcp", "uds"])
def test_versions_mix_on_one_connection(make_gate, sink, transport):
    """In any order, with a refused body of each between them."""
    gate = make_gate(uds=True, exporters=[grpc(sink)])
    connection, sent = gate.connection(transport), []
    for _ in range(3):
        for path, encode in [*BODIES.items(), ("/v0.5/traces", v05), ("/v1.0/traces", v04)]:
            s = span()
            sent.append(f"{s['span_id']:016x}")
            assert gate.request("PUT", path, encode([s]), MSGPACK, connection=connection).status == 200
            assert gate.request("PUT", path, b"\xc1", MSGPACK, connection=connection).status == 400
    sink.wait(lambda k: set(sent) <= {s.span_id for s in k.spans}, "all versions")
    assert len(sink.spans) == len(sent)


@pytest.mark.parametrize("body", [b"", b"\x90", b"\x92\x90\x90", b"\x80"])
@pytest.mark.parametrize("path", ["/v0.7/traces", "/v1.0/traces"])
def test_probes(gate, path, body):
    if path == "/v0.7/traces" and body == b"\x80" or body != b"\x80":
        assert gate.request("POST", path, body, MSGPACK).status == 200


def test_what_chunk_and_payload_say(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink)])
    a, b, c = trace(3, meta={}, metrics={})
    headers = {**MSGPACK, "Datadog-Meta-Lang-Version": "3.13.2"}
    high = 0x6b00eb3100000000
    a["meta"], a["metrics"] = {"_dd.p.tid": f"{high:016x}", "_dd.origin": "rum", "_dd.p.dm": "-4"}, {"_sampling_priority_v1": 2}
    body = v10.encode([a, b, c], container_id="c0ffee", language="python", language_version="3.13", tracer_version="4.16.0", runtime_id="r-1",
                      env="prod", hostname="h-1", app_version="7", attributes=[("_dd.git.commit.sha", v10.TEXT, "f00"), ("team", v10.TEXT, "x")])
    assert gate.request("POST", "/v1.0/traces", body, headers).status == 200
    sink.wait(lambda k: len(k.spans) == 3, "three spans")
    for s in sink.spans:
        assert s.trace_id == f"{high:016x}{a['trace_id']:016x}"
        assert s.tracestate == "dd=s:2;o:rum;t.dm:-4"
        assert (s.attrs["sampling.priority"], s.attrs["datadog.origin"], s.attrs["datadog.sampling.mechanism"]) == (2, "rum", 4)
        want = {"container.id": "c0ffee", "telemetry.sdk.language": "python", "process.runtime.version": "3.13.2", "team": "x",
                "telemetry.sdk.version": "4.16.0", "service.instance.id": "r-1", "deployment.environment.name": "prod", "host.name": "h-1",
                "service.version": "7", "vcs.ref.head.revision": "f00"}
        assert want.items() <= s.resource.items()


def test_dropped_trace(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink)])
    kept, dropped = span(), span()
    chunk = {"priority": 1, "origin": "", "spans": [dropped], "tags": {}, "dropped_trace": True}
    assert gate.put("/v0.7/traces", msgpack.packb({"chunks": [chunk, {**chunk, "spans": [kept], "dropped_trace": False}]})).status == 200
    gate.stop()
    assert [s.span_id for s in sink.spans] == [f"{kept['span_id']:016x}"]
    assert gate.ledger.intake()["dropped", "sampled_out"] == 1


def bad_span_between(a, b):
    """A v1.0 payload with a span that cannot be read between two good ones, and texts in it that the later one needs."""
    pack = msgpack.packb
    body = pack(11)[:0] + b"\x81\x0b\x91\x82\x06" + pack(struct.pack(">QQ", 0, a["trace_id"])) + b"\x04\x93"
    body += b"\x83\x04" + pack(a["span_id"]) + b"\x01" + pack("shop") + b"\x06" + pack(a["start"])
    body += b"\x83\x01" + pack("inside") + b"\x04" + pack("no id") + b"\x63\x91" + pack("unknown")
    return body + b"\x84\x04" + pack(b["span_id"]) + b"\x01\x01\x02\x02\x03\x04"


def test_one_bad_span_costs_that_span(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink)])
    a, b = span(), span()
    assert gate.put("/v1.0/traces", bad_span_between(a, b), MSGPACK).status == 200
    gate.stop()
    by_id = {s.span_id: s for s in sink.spans}
    assert set(by_id) == {f"{a['span_id']:016x}", f"{b['span_id']:016x}"}
    assert by_id[f"{b['span_id']:016x}"].attrs["operation.name"] == "inside"
    assert by_id[f"{b['span_id']:016x}"].attrs["resource.name"] == "unknown"
    assert gate.ledger.intake()["refused", "bad_span"] == 1


@pytest.mark.parametrize("path, body, words", [
    ("/v0.7/traces", b"\x90\x00", "at offset 0: the payload is an array, want a map"),
    ("/v0.7/traces", b"\x81\xa6chunks\x91\x90", "at offset 9: chunk 0 is an array, want a map"),
    ("/v0.7/traces", b"\x81\xa6chunks\x91\x81\xa5spans\xc1", "at offset 16: 0xc1 is no msgpack"),
    ("/v1.0/traces", b"\x81\x0b\x91\x90", "at offset 3: chunk 0 is an array, want a map"),
    ("/v1.0/traces", b"\x81\x0b\xdd\x00\x00\xff\xff", "at offset 2: claims more elements than can follow"),
    ("/v1.0/traces", b"\x81\x63\xc1", "at offset 2: 0xc1 is no msgpack"),
    ("/v1.0/traces", b"\x81\x63\x91" + b"\x91" * 100000, "at offset 100002: claims more")])
def test_malformed_is_400_with_place_and_words(gate, path, body, words):
    answer = gate.put(path, body, {**MSGPACK, "X-Datadog-Trace-Count": "3"})
    assert answer.status == 400 and words in answer.body.decode(), answer
    assert gate.put(path, BODIES[path]([span()]), MSGPACK).status == 200
    gate.stop()
    assert gate.ledger.intake()["refused", "unread"] + gate.ledger.intake().get(("refused", "bad_payload"), 0) == 3


def test_a_body_in_pieces(make_gate, sink):
    """Each byte of it in a packet of its own."""
    gate = make_gate(exporters=[grpc(sink)])
    s = payloads.span()
    body = v10.encode([s])
    head = f"POST /v1.0/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", gate.port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in head.encode() + body:
            connection.send(bytes([byte]))
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    sink.wait(lambda k: [x.span_id for x in k.spans] == [f"{s['span_id']:016x}"], "the span")
