# SPDX-License-Identifier: Apache-2.0
"""An existing Datadog agent that is pointed here: what it sends to its intake, recorded (tests/data/agents) and made by Google's
protobuf package. Every span that an agent delivers arrives once, whatever its priority."""
import gzip
import json
from collections import Counter

import agent_payload as ap
import pytest
import zstandard
from ddgate import MSGPACK, PATIENCE, ROOT, grpc
from payloads import span, trace
from sending import QUICK
from sinks import Stall

PATH = "/api/v0.2/traces"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
RECORDED = sorted((ROOT / "tests" / "data" / "agents").rglob("*-traces.bin"))
KINDS = {"v0": (ap.agent_payload, ap.tracer_payload), "idx": (ap.idx_agent_payload, ap.idx_tracer_payload)}


def unpack(body, encoding):
    if encoding == "zstd":
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return gzip.decompress(body) if encoding == "gzip" else body


def recorded(file):
    """(headers, body, what Google's protobuf reads in it)"""
    headers = {k: v for k, v in json.loads(file.with_suffix(".json").read_text())["headers"] if k.lower() not in ("host", "content-length")}
    body = file.read_bytes()
    encoding = {k.lower(): v for k, v in headers.items()}.get("content-encoding", "")
    return headers, body, ap.parse(unpack(body, encoding))


def said(payload):
    """Every span of the payload: (trace id, span id) -> its fields and its process's, as Google's protobuf reads them."""
    out = {}
    for t in payload.tracer_payloads:
        for chunk in t.chunks:
            high = next((s.meta["_dd.p.tid"] for s in chunk.spans if "_dd.p.tid" in s.meta), "0" * 16)
            for s in chunk.spans:
                out[f"{high}{s.trace_id:016x}", f"{s.span_id:016x}"] = dict(
                    service=s.service, operation=s.name, resource=s.resource, parent=s.parent_id, start=s.start, duration=s.duration,
                    error=bool(s.error), language=t.language_name, host=t.hostname or payload.host_name, container=t.container_id,
                    priority=chunk.priority, dropped=chunk.dropped_trace, links=len(s.span_links), version=t.tracer_version)
    for t in payload.idx_tracer_payloads:
        text = t.strings
        for chunk in t.chunks:
            for s in chunk.spans:
                out[chunk.trace_id.hex(), f"{s.span_id:016x}"] = dict(
                    service=text[s.service], operation=text[s.name], resource=text[s.resource], parent=s.parent_id, start=s.start,
                    duration=s.duration, error=s.error, language=text[t.language_name], host=text[t.hostname] or payload.host_name,
                    container=text[t.container_id], priority=chunk.priority, dropped=chunk.dropped_trace, links=len(s.links),
                    version=text[t.tracer_version])
    return out


@pytest.fixture
def gate(make_gate, sink):
    return make_gate(exporters=[grpc(sink)])


def post(gate, body, **headers):
    return gate.request("POST", PATH, body, {**PROTOBUF, **headers})


def arrived(sink, spans):
    """Waits until the backend has these spans of payloads.py; returns them in that order."""
    wanted = [f"{s['span_id']:016x}" for s in spans]
    sink.wait(lambda k: set(wanted) <= {s.span_id for s in k.spans}, f"spans {wanted}")
    by_id = {s.span_id: s for s in sink.spans}
    return [by_id[i] for i in wanted]


@pytest.mark.parametrize("file", RECORDED, ids=lambda f: f"{f.parent.name}-{f.name[:3]}")
def test_recorded(gate, sink, file):
    headers, body, payload = recorded(file)
    answer = gate.request("POST", PATH, body, headers)
    assert (answer.status, answer.type, answer.body) == (200, "application/json", b"{}")
    want = said(payload)
    assert want
    sink.wait(lambda s: len(s.spans) >= len(want), "all spans")
    gate.stop()
    assert Counter((s.trace_id, s.span_id) for s in sink.spans) == Counter(list(want)), "every span once"
    for s in sink.spans:
        w = want[s.trace_id, s.span_id]
        assert (s.service, s.attrs["operation.name"]) == (w["service"], w["operation"])
        assert (int(s.parent_id or "0", 16), s.start, s.end - s.start, s.status == 2) == (w["parent"], w["start"], w["duration"], w["error"])
        assert (s.resource["telemetry.sdk.language"], s.resource["telemetry.sdk.version"]) == (w["language"], w["version"])
        assert s.resource.get("container.id", "") == w["container"]
        assert not w["host"] or s.resource["host.name"] == w["host"]
        assert (s.attrs["sampling.priority"], s.attrs.get("datadog.dropped_trace", False)) == (w["priority"], w["dropped"])
        assert s.flags & 1 == (w["priority"] > 0)
        assert not [key for key in s.attrs if key.startswith(("_dd.p.", "_dd.tags.")) or key == "_dd.convertedv1"]
    assert gate.ledger.intake()["received"] == len(want)


V10 = sorted((ROOT / "tests" / "data" / "recordings").rglob("*-v1.0-traces.bin"))


@pytest.mark.parametrize("file", [f for f in V10 if len(f.read_bytes()) > 100], ids=lambda f: f"{f.parts[-3]}-{f.parts[-2]}-{f.name[:3]}")
def test_v10_by_way_of_an_agent_is_the_same(make_gate, make_sink, file):
    """What a tracer sent by v1.0, and the same as an agent sends it on."""
    body, got = file.read_bytes(), []
    for path, what, headers in (("/v1.0/traces", body, MSGPACK), (PATH, ap.idx_agent_payload(ap.of_v10(body)), PROTOBUF)):
        sink = make_sink()
        gate = make_gate(receiver={"keep_rejected": True}, exporters=[grpc(sink)])
        assert gate.request("POST", path, what, headers).status == 200
        gate.stop()
        got.append({(s.trace_id, s.span_id): s for s in sink.spans})
    direct, by_agent = got
    assert direct and direct.keys() == by_agent.keys()
    for key, a in direct.items():
        b = by_agent[key]
        for what in ("name", "kind", "parent_id", "start", "end", "status", "attrs", "events", "links", "tracestate", "flags", "scope"):
            assert getattr(a, what) == getattr(b, what), what
        assert {k: v for k, v in a.resource.items() if k != "host.name"} == {k: v for k, v in b.resource.items() if k != "host.name"}


def test_both_forms_become_the_same_spans(make_gate, make_sink):
    """The same traces through the agent as it is by default, and as it was before it turned everything into idx payloads."""
    folder = ROOT / "tests" / "data" / "agents" / "trace-agent-7.85.4"
    got = []
    for name in ("idx-zstd", "v0x-gzip"):
        sink = make_sink()
        gate = make_gate(exporters=[grpc(sink)])
        for file in sorted((folder / name).glob("*-traces.bin")):
            headers, body, _ = recorded(file)
            assert gate.request("POST", PATH, body, headers).status == 200
        gate.stop()
        got.append({(s.trace_id, s.span_id): s for s in sink.spans if s.service not in ("failing", "single", "analyzed")})
    assert got[0].keys() == got[1].keys() and len(got[0]) > 50
    for key, s in got[0].items():
        other = got[1][key]
        assert (s.name, s.kind, s.status, s.message, s.scope, s.attrs, s.resource) == \
            (other.name, other.kind, other.status, other.message, other.scope, other.attrs, other.resource)
        assert [(e.name, e.time, e.attrs) for e in s.events] == [(e.name, e.time, e.attrs) for e in other.events]
        assert [(x.trace_id, x.span_id, x.attrs) for x in s.links] == [(x.trace_id, x.span_id, x.attrs) for x in other.links]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding, pack", [(None, bytes), ("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_encodings(gate, sink, kind, encoding, pack):
    payload, tracer_payload = KINDS[kind]
    spans = trace(3)
    body = pack(payload(tracer_payload(spans, language_name="python")))
    assert post(gate, body, **({"Content-Encoding": encoding} if encoding else {})).status == 200
    root, *others = arrived(sink, spans)
    assert root.trace_id == f"64f0a1b200000000{spans[0]['trace_id']:016x}" and root.resource["deployment.environment.name"] == "test"
    assert all((s.trace_id, s.parent_id) == (root.trace_id, root.span_id) for s in others)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("priority", [None, -128, -1, 0, 1, 2])
def test_what_an_agent_keeps_is_kept(gate, sink, kind, priority):
    """Its samplers keep errors and rare traces of any priority; of a trace that they dropped they deliver single spans."""
    payload, tracer_payload = KINDS[kind]
    kept, dropped = trace(2, metrics={}), trace(2, metrics={})
    body = payload(tracer_payload(kept, priority=priority), tracer_payload(dropped, priority=priority, dropped=True))
    assert post(gate, body).status == 200
    assert not any("datadog.dropped_trace" in s.attrs for s in arrived(sink, kept))
    assert all(s.attrs["datadog.dropped_trace"] is True for s in arrived(sink, dropped))
    gate.stop()
    assert gate.ledger.intake()["accepted"] == 4


def test_each_process_has_its_own_resource(gate, sink):
    """What a payload says holds for its spans and no other's; what no payload says, the agent does."""
    a, b, c = trace(2, meta={}), trace(1, meta={}), trace(1, meta={"runtime-id": "rid-c"})
    body = ap.agent_payload(
        ap.tracer_payload(a, language_name="python", language_version="3.12", tracer_version="4.16.0", runtime_id="rid-a", env="prod",
                          container_id="cid-a", hostname="web-1", app_version="1.2"),
        ap.tracer_payload(b, language_name="go"), ap.tracer_payload(c, language_name="cpp"), ap.tracer_payload(trace(1, meta={})),
        host_name="agent-host", env="lab")
    assert post(gate, body).status == 200
    of_a, _, of_b, of_c = (s.resource for s in arrived(sink, a + b + c))
    assert {k: of_a[k] for k in ("service.instance.id", "container.id", "host.name", "service.version", "deployment.environment.name",
                                 "telemetry.sdk.language", "telemetry.sdk.version", "process.runtime.version")} == {
        "service.instance.id": "rid-a", "container.id": "cid-a", "host.name": "web-1", "service.version": "1.2",
        "deployment.environment.name": "prod", "telemetry.sdk.language": "python", "telemetry.sdk.version": "4.16.0",
        "process.runtime.version": "3.12"}
    assert (of_b["telemetry.sdk.language"], of_b["host.name"], of_b["deployment.environment.name"]) == ("go", "agent-host", "lab")
    assert not {"service.instance.id", "container.id", "service.version", "telemetry.sdk.version"} & of_b.keys()
    assert (of_c["telemetry.sdk.language"], of_c["service.instance.id"]) == ("cpp", "rid-c")
    gate.stop()


def test_payloads_of_one_process_share_a_resource(gate, sink):
    chunks = [trace(1) for _ in range(20)]
    body = ap.agent_payload(*(ap.tracer_payload(chunk, runtime_id="rid", language_name="python") for chunk in chunks))
    assert post(gate, body).status == 200
    arrived(sink, [s for chunk in chunks for s in chunk])
    assert sum(len(request.message.resource_spans) for request in sink.requests) == 1


def test_typed_attributes(gate, sink):
    s = span(attributes={"list": ["a", 1, True], "map": {"x": 1.5, "deep": {"y": "z"}}, "flag": True, "count": 7, "ratio": 0.5},
             meta={"_dd.p.tid": "64f0a1b200000000", "span.kind": "client", "component": "http", "env": "e", "version": "v"})
    assert post(gate, ap.idx_agent_payload(ap.idx_tracer_payload([s], origin="rum", mechanism=4))).status == 200
    out, = arrived(sink, [s])
    assert {k: v for k, v in out.attrs.items() if k.split(".")[0] in ("list", "map", "flag", "count", "ratio")} == {
        "list.0": "a", "list.1": 1, "list.2": "true", "map.x": 1.5, "map.deep.y": "z", "flag": "true", "count": 7, "ratio": 0.5}
    assert (out.kind, out.scope[0]) == (3, "datadog.http")
    assert (out.resource["deployment.environment.name"], out.resource["service.version"]) == ("e", "v")
    assert (out.attrs["datadog.origin"], out.attrs["datadog.sampling.mechanism"]) == ("rum", 4)


def test_one_bad_span_costs_that_span(gate, sink):
    good = trace(2)
    payload = ap.AgentPayload(tracer_payloads=[ap.tracer_payload(good)])
    chunk = payload.tracer_payloads[0].chunks[0]
    chunk.spans.add(service="no ids")
    body = payload.SerializeToString()
    bad = b"\x22\x01x"  # trace_id as text
    raw = ap.AgentPayload(host_name="h").SerializeToString()
    inner = chunk.SerializeToString() + b"\x1a" + bytes([len(bad)]) + bad
    tracer = b"\x32" + _length(inner) + inner
    raw += b"\x2a" + _length(tracer) + tracer
    assert post(gate, raw).status == 200 and post(gate, body).status == 200
    arrived(sink, good)
    gate.stop()
    assert gate.ledger.intake() == {"received": 7, ("refused", "bad_span"): 1, ("refused", "zero_trace_id"): 2, "accepted": 4}


def _length(data):
    n, out = len(data), b""
    while n > 0x7f:
        out, n = out + bytes([n & 0x7f | 0x80]), n >> 7
    return out + bytes([n])


@pytest.mark.parametrize("cut", [1, 7, 100])
def test_malformed_bodies(gate, cut):
    body = ap.agent_payload(ap.tracer_payload(trace(2)), host_name="h")
    for bad in (body[:-cut], body[:3] + b"\xff" * 12 + body[3:], b"\x07", b"garbage", b"\x2a\xff\xff\xff\xff\x7f"):
        answer = post(gate, bad)
        assert answer.status == 400 and b"not well-formed protobuf" in answer.body, answer
    assert post(gate, b"").status == 200


def test_statistics_are_taken_quietly(gate):
    file, = (ROOT / "tests" / "data" / "agents" / "trace-agent-7.85.4" / "idx-zstd").glob("*-stats.bin")
    headers = dict(json.loads(file.with_suffix(".json").read_text())["headers"])
    headers.pop("Content-Length")
    for _ in range(2):
        answer = gate.request("POST", "/api/v0.2/stats", file.read_bytes(), headers)
        assert (answer.status, answer.body) == (202, b"{}")
    gate.stop()
    assert gate.stderr.count("sends statistics of the traces that it sees") == 1


KEY = "0123456789abcdef0123456789abcdef"


def test_the_api_key_is_asked_for(make_gate, sink):
    gate = make_gate(receiver={"auth": {"token": KEY}}, exporters=[grpc(sink)])
    spans = trace(1)
    body = ap.agent_payload(ap.tracer_payload(spans))
    wrong = "f" * 32
    for path, method in ((PATH, "POST"), ("/api/v0.2/stats", "POST"), ("/api/v1/validate", "GET")):
        assert gate.request(method, path, b"", {}).status == 401
        assert gate.request(method, path, b"", {"DD-API-KEY": wrong}).status == 403
    assert post(gate, body, **{"DD-API-KEY": KEY}).status == 200
    answer = gate.request("GET", "/api/v1/validate", b"", {"DD-Api-Key": KEY})
    assert (answer.status, json.loads(answer.body)) == (200, {"valid": True})
    arrived(sink, spans)
    gate.stop()
    assert KEY not in gate.stderr and wrong not in gate.stderr


def test_back_pressure(make_gate, sink):
    """A full queue: 429 with Retry-After, which agents retry."""
    sink.script(*[Stall()] * 8)
    gate = make_gate(exporters=[grpc(sink, queue_size="1MiB", when_full="reject", timeout="5m", **QUICK)])
    body = ap.agent_payload(*(ap.tracer_payload(trace(50, meta={"k": "x" * 500})) for _ in range(10)))
    answers = []
    while not answers or (answers[-1].status == 200 and len(answers) < 50):
        answers.append(post(gate, body))
    assert answers[-1].status == 429 and int(answers[-1].headers["retry-after"]) >= 1
    sink.release()
    gate._until(lambda: post(gate, body).status == 200, "it does not take payloads again", PATIENCE)


def test_statistics_of_an_agent_are_not_forwarded_to_another(make_gate):
    gate = make_gate(receiver={"proxy": {"upstream": "http://127.0.0.1:1"}})
    assert gate.request("POST", "/api/v0.2/stats", b"\x80", {}).status == 202
    assert not [path for path in json.loads(gate.request("GET", "/info").body)["endpoints"] if path.startswith("/api/")]
