# SPDX-License-Identifier: Apache-2.0
"""Links, events, status, times and ids as tracers send them: in every format of the wire that has a place for them, and in every mode."""
import json
import random
import re
import time

import pytest
import reference
from ddgate import grpc
from payloads import span, v04, v04_json, v05

FORMATS = {
    "v04": ("/v0.4/traces", v04, "application/msgpack"),
    "v04_json": ("/v0.4/traces", v04_json, "application/json"),
    "v05": ("/v0.5/traces", v05, "application/msgpack"),
}
NATIVE = ["v04", "v04_json"]  # formats with span_links and span_events
MODES = ["otel", "both", "datadog"]
NS = 1_700_000_000_000_000_000


def through(make_gate, sink, wire, *chunks, mode="otel"):
    """Sends the chunks in one request; returns {span id: OTLP span} and the gate, still running."""
    path, pack, media = FORMATS[wire]
    gate = make_gate(exporters=[grpc(sink, mode=mode)])
    assert gate.put(path, pack(*chunks), {"Content-Type": media}).status == 200
    return {int(s.span_id, 16): s for s in sink.wait_spans(sum(map(len, chunks)))}, gate


def counter(gate, name):
    text = gate.admin("/metrics").body.decode()
    return int(float(re.search(rf"^ddgate_{name}{{[^}}]*}} (\S+)$", text, re.M)[1]))


POINTER = {"link.kind": "span-pointer", "ptr.kind": "aws.s3.object", "ptr.dir": "d", "ptr.hash": "e721375466d4116a"}


@pytest.mark.parametrize("wire", FORMATS)
def test_span_pointers_in_the_tag(make_gate, sink, wire):
    links = [{"trace_id": "0" * 32, "span_id": "0" * 16, "attributes": POINTER},
             {"trace_id": "0" * 31 + "7", "span_id": "0" * 15 + "8", "trace_state": "dd=s:1", "flags": "1",
              "dropped_attributes_count": "3"}]
    s = span(meta={"_dd.span_links": json.dumps(links)})
    out, gate = through(make_gate, sink, wire, [s])
    pointer, other = out[s["span_id"]].links
    assert pointer.attrs == POINTER and int(pointer.trace_id or "0", 16) == 0
    assert (int(other.trace_id, 16), int(other.span_id, 16), other.tracestate, other.flags, other.dropped) == (7, 8, "dd=s:1", 1, 3)
    assert "_dd.span_links" not in out[s["span_id"]].attrs and counter(gate, "ddtrace_bad_links_total") == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", NATIVE)
def test_native_links(make_gate, sink, wire, mode):
    links = [{"trace_id": 0, "span_id": 0, "attributes": POINTER},
             {"trace_id": 7, "trace_id_high": 1, "span_id": 8, "trace_state": "dd=s:1", "flags": 2147483649.0,
              "dropped_attributes_count": "3"}]
    s = {**span(), "span_links": links}
    pointer, other = through(make_gate, sink, wire, [s], mode=mode)[0][s["span_id"]].links
    assert pointer.attrs == POINTER
    assert (other.trace_id, other.tracestate, other.flags, other.dropped) == (f"{1:016x}{7:016x}", "dd=s:1", 1, 3)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", FORMATS)
def test_keys_are_unique_and_never_empty(make_gate, sink, wire, mode):
    twice = '{"a":1,"":2,"b":{"c":1,"c":2,"":0},"a":3}'
    s = span(meta={"": "x", "k": "v", "events": f'[{{"name":"e","time_unix_nano":{NS},"attributes":{twice}}}]',
                   "_dd.span_links": f'[{{"trace_id":"7","span_id":"8","attributes":{twice}}}]'}, metrics={"": 1})
    out, gate = through(make_gate, sink, wire, [s], mode=mode)
    got = out[s["span_id"]]
    assert not got.malformed and got.attrs["k"] == "v"
    assert got.events[0].attrs == got.links[0].attrs == {"a": 3, "b": {"c": 2}}
    assert counter(gate, "ddtrace_empty_keys_total") == 6


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("bad", [2**64 - 12_000, 2**63, -5])
def test_times_that_cannot_be(make_gate, sink, wire, bad):
    """A number below zero, or cast to an unsigned one: no duration, and a start that another span of the chunk has."""
    root = span(start=NS, duration=bad)
    child = span(trace_id=root["trace_id"], parent_id=root["span_id"], start=bad, duration=500)
    late = span(trace_id=root["trace_id"], parent_id=root["span_id"], start=NS + 1, duration=2**63 - 1)
    fine = span(trace_id=root["trace_id"], parent_id=root["span_id"], start=NS + 7, duration=500)
    out, gate = through(make_gate, sink, wire, [root, child, late, fine])
    got = {name: (out[s["span_id"]].start - NS, out[s["span_id"]].end - NS)
           for name, s in (("root", root), ("child", child), ("late", late), ("fine", fine))}
    assert got == {"root": (0, 0), "child": (0, 0), "late": (1, 1), "fine": (7, 507)}
    assert counter(gate, "ddtrace_bad_times_total") == 3


@pytest.mark.parametrize("wire", FORMATS)
def test_a_start_that_nobody_knows_is_the_arrival(make_gate, sink, wire):
    s, before = span(start=2**64 - 5, duration=1000), time.time_ns()
    out, _ = through(make_gate, sink, wire, [s])
    assert before <= out[s["span_id"]].start <= time.time_ns()


@pytest.mark.parametrize("wire", FORMATS)
def test_times_of_events(make_gate, sink, wire):
    times = [NS + 1, 2**64 - 1, -1, 1e20]
    s = span(start=NS, meta={"events": json.dumps([{"name": f"e{i}", "time_unix_nano": t} for i, t in enumerate(times)])})
    if wire in NATIVE:
        s["span_events"] = [{"name": "native", "time_unix_nano": t} for t in times[:3]]
    out, gate = through(make_gate, sink, wire, [s])
    got = [(e.name, e.time - NS) for e in out[s["span_id"]].events]
    natives = [("native", 1), ("native", 0), ("native", 0)] if wire in NATIVE else []
    assert got == natives + [("e0", 1), ("e1", 0), ("e2", 0), ("e3", 0)]
    assert counter(gate, "ddtrace_bad_times_total") == (5 if wire in NATIVE else 3)


@pytest.mark.parametrize("wire", FORMATS)
def test_whole_trace_ids(make_gate, sink, wire):
    """datadog-opentelemetry for Rust: otel.trace_id on its spans, and no _dd.p.tid."""
    root = span(meta={"env": "test"})
    whole = f"6553f10000000000{root['trace_id']:016x}"
    child = span(trace_id=root["trace_id"], parent_id=root["span_id"], meta={"otel.trace_id": whole})
    later = span(trace_id=root["trace_id"], parent_id=root["span_id"], meta={})
    out, _ = through(make_gate, sink, wire, [child, root], [later])
    assert {s.trace_id for s in out.values()} == {whole}
    assert "otel.trace_id" not in out[child["span_id"]].attrs


def exception_event(name, attributes, wire, meta):
    """A span of the OpenTelemetry API with one event, in the way that the format has it."""
    tags = {"error.type": "builtins.ValueError", "error.message": "no", "error.stack": "Traceback"}
    s = span(error=1, meta={**tags, **meta})
    if wire in NATIVE:
        s["span_events"] = [{"name": name, "time_unix_nano": NS, "attributes": {k: {"type": 0, "string_value": v}
                                                                                for k, v in attributes.items()}}]
    else:
        s["meta"]["events"] = json.dumps([{"name": name, "time_unix_nano": NS, "attributes": attributes}])
    return s


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("name, said", [
    ("exception", {"exception.type": "builtins.ValueError", "exception.message": "no", "exception.escaped": "False"}),  # Python
    ("builtins.ValueError", {"exception.message": "no"}),  # JavaScript names the event after the class
])
def test_exception_events_are_completed(make_gate, sink, wire, mode, name, said):
    s = exception_event(name, said, wire, {"_dd.span_events.has_exception": "true"} if name == "exception" else {})
    got = through(make_gate, sink, wire, [s], mode=mode)[0][s["span_id"]]
    event, = got.events
    if mode == "datadog":
        assert (event.name, event.attrs) == (name, said)
    else:
        whole = {**said, "exception.type": "builtins.ValueError", "exception.message": "no", "exception.stacktrace": "Traceback"}
        assert (event.name, event.attrs) == ("exception", whole)
    assert ("error.stack" in got.attrs) == (mode != "otel") and got.attrs["error.type"] == "builtins.ValueError"
    assert (got.status, got.message) == (reference.ERROR, "no")


def test_a_status_text_is_no_exception(make_gate, sink):
    s = span(error=1, meta={"error.message": "The HTTP response has status code 500."})
    got = through(make_gate, sink, "v04", [s])[0][s["span_id"]]
    assert (got.status, got.message, got.events) == (reference.ERROR, "The HTTP response has status code 500.", [])


@pytest.mark.parametrize("wire", FORMATS)
@pytest.mark.parametrize("where, said, status", [
    ("meta", "STATUS_CODE_OK", reference.OK), ("meta", "Ok", reference.OK), ("metrics", 1, reference.OK),
    ("meta", "ERROR", reference.ERROR), ("metrics", 2, reference.ERROR), ("meta", "STATUS_CODE_UNSET", reference.UNSET)])
def test_status_codes(make_gate, sink, wire, where, said, status):
    s = span(error=0)
    s[where] = {**s[where], "otel.status_code": said}
    s["meta"] = {**s["meta"], "otel.status_description": "boom"}
    got = through(make_gate, sink, wire, [s])[0][s["span_id"]]
    assert got.status == status and "otel.status_code" not in got.attrs
    assert got.message == ("boom" if status == reference.ERROR else "")


KEY, VALUE = re.compile(r"[a-z0-9][a-z0-9_\-*/@]{0,255}"), re.compile(r"[ -+\--<>-~]{0,255}[!-+\--<>-~]")


def is_tracestate(text):
    """W3C Trace Context level 2, written from its grammar."""
    members = [m.strip(" \t") for m in text.split(",")]
    pairs = [m.partition("=") for m in members if m]
    keys = [key for key, _, _ in pairs]
    return len(keys) <= 32 and len(set(keys)) == len(keys) and all(KEY.fullmatch(k) and VALUE.fullmatch(v) for k, _, v in pairs)


def tracestates():
    """Good ones, and each with a small fault."""
    dice = random.Random(7)
    out = ["a=1", "a=1,b=2,c=3", " a=1 ,\tb= 2,,", "fw529a3039@dt=FfffMTyNDUz", "0a=1", "a=1,A=2", "a=1,a=2", "a", "=1", "a=", "a=b=c", "a=1,b",
           "a=1;b=2", "a=é", "é=1", "a=\x7f", "k" * 256 + "=1", "k" * 257 + "=1", "a=" + "v" * 256, "a=" + "v" * 257,
           ",".join(f"k{i}=v" for i in range(32)), ",".join(f"k{i}=v" for i in range(33))]
    for _ in range(200):
        text = ",".join(f"k{dice.randrange(50)}={dice.choice(['1', 'a b', 'x:y;z', '~'])}" for _ in range(dice.randrange(1, 5)))
        at = dice.randrange(len(text))
        out.append(text[:at] + dice.choice(["", "=", ",", " ", "A", "\n", "é", "@", text[at]]) + text[at + 1:])
    return out


@pytest.mark.parametrize("wire", FORMATS)
def test_a_tracestate_arrives_whole_or_not_at_all(make_gate, sink, wire):
    said = tracestates()
    spans = []
    for i, text in enumerate(said):
        s = span(meta={("tracestate", "w3c.tracestate")[i % 2]: text,
                       "_dd.span_links": json.dumps([{"trace_id": 7, "span_id": 8, "tracestate": text}])}, metrics={})
        if wire in NATIVE:
            s["span_links"] = [{"trace_id": 9, "span_id": 10, "tracestate": text}]
        spans.append(s)
    out, gate = through(make_gate, sink, wire, *[[s] for s in spans])
    for text, s in zip(said, spans):
        got, good = out[s["span_id"]], is_tracestate(text)
        members = [m.strip(" \t") for m in text.split(",") if m.strip(" \t")]
        assert got.tracestate == (",".join(members) if good else ""), text
        assert [link.tracestate for link in got.links] == [text if good else ""] * len(got.links), text
        assert len(got.links) == 1 + (wire in NATIVE)
    bad = sum(not is_tracestate(text) for text in said)
    assert 50 < bad < len(said) - 50
    assert counter(gate, "ddtrace_bad_tracestate_total") == bad * (2 + (wire in NATIVE))
