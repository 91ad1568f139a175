# SPDX-License-Identifier: Apache-2.0
"""Requests that public bug reports and the tracers' own samples showed to fail: tests/data/bugs/traces/*.json, one case a file.

    {"request": {"method", "path", "headers", "body_hex"} or {"raw_hex"}, or a list of them,   what is sent, in this order
     "config": {…}                                                                             options of the receiver
     "expect": [{"where": span | resource | scope | answer, "span_id", "key", "value"}]}        what must be seen

`key` is a field (FIELDS below), else an attribute; "attr:name" is always an attribute. `value` null: it must be absent. Values
match by the operators of OPERATORS. Where a larger collection is present (DDGATE_SHARED or ../shared), that is replayed too.
"""
import http.client
import json
import os
import pathlib
import re
import socket

import pytest
from ddgate import Answer, grpc
from sinks import PATIENCE

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {0: "unspecified", 1: "internal", 2: "server", 3: "client", 4: "producer", 5: "consumer"}
STATUSES = {0: "unset", 1: "ok", 2: "error"}


def cases():
    """{name: path}. Of two files with the same name and content one is enough."""
    shared = pathlib.Path(os.environ.get("DDGATE_SHARED", ROOT.parent / "shared"))
    out = {path.stem: path for path in sorted((ROOT / "tests/data/bugs/traces").glob("*.json"))}
    for path in sorted((shared / "fixtures/bugs/traces").glob("*.json")):
        if path.stem not in out or path.read_bytes() != out[path.stem].read_bytes():
            out["shared-" + path.stem] = path
    return out


CASES = cases()


def send_raw(port, raw):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        s.sendall(raw)
        response = http.client.HTTPResponse(s)
        response.begin()
        return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


def send(gate, request):
    if "raw_hex" in request:
        return send_raw(gate.port, bytes.fromhex(request["raw_hex"]))
    return gate.request(request["method"], request["path"], bytes.fromhex(request.get("body_hex", "")), request.get("headers"))


def link(x):
    return {"trace_id": x.trace_id, "span_id": x.span_id, "trace_state": x.tracestate, "flags": x.flags, "dropped": x.dropped,
            "attributes": x.attrs}


def event(x):
    return {"name": x.name, "time": x.time, "attributes": x.attrs}


def keys_wrong(span, words):
    return [m for m in span.malformed if words in m]


FIELDS = {
    "present": lambda s: True,
    "name": lambda s: s.name,
    "kind": lambda s: KINDS[s.kind],
    "status.code": lambda s: STATUSES[s.status],
    "status.message": lambda s: s.message,
    "trace_id": lambda s: s.trace_id,
    "span_id": lambda s: s.span_id,
    "parent_span_id": lambda s: s.parent_id or None,
    "trace_state": lambda s: s.tracestate or None,
    "flags": lambda s: s.flags,
    "start": lambda s: s.start,
    "end": lambda s: s.end,
    "events": lambda s: [event(x) for x in s.events],
    "links": lambda s: [link(x) for x in s.links],
    "duplicate_keys": lambda s: keys_wrong(s, "stands twice"),
    "empty_keys": lambda s: bool(keys_wrong(s, "empty key")),
}

OPERATORS = {
    "$re": lambda got, want: isinstance(got, str) and re.search(want, got) is not None,
    "$has": lambda got, want: isinstance(got, dict) and all(k in got and matches(got[k], v) for k, v in want.items())
    if isinstance(want, dict) else isinstance(got, list) and all(any(matches(g, w) for g in got) for w in want),
    "$any": lambda got, want: any(matches(got, w) for w in want),
    "$contains": lambda got, want: got is not None and (want in got if isinstance(got, str) else any(matches(g, want) for g in got)),
    "$max": lambda got, want: got is not None and got <= want,
    "$not": lambda got, want: not matches(got, want),
}


def matches(got, want):
    if isinstance(want, dict) and want and all(key in OPERATORS for key in want):
        return all(OPERATORS[key](got, value) for key, value in want.items())
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(matches, got, want))
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(matches(got[k], v) for k, v in want.items())
    return got == want and type(got) is type(want)


def look_up(where, key, span, answers):
    if where == "answer":
        return {"status": answers[-1].status, "body": answers[-1].body.decode(errors="replace")}.get(key, answers[-1].headers.get(key))
    if span is None:
        return None
    if where == "scope":
        return {"name": span.scope[0], "version": span.scope[1]}.get(key, span.scope_attrs.get(key))
    attributes = span.resource if where == "resource" else span.attrs
    if where == "span" and key in FIELDS:
        return FIELDS[key](span)
    return attributes.get(key.removeprefix("attr:"))


@pytest.mark.parametrize("name", CASES)
def test_bug_input(make_gate, make_sink, name):
    case = json.loads(CASES[name].read_text(encoding="utf-8"))
    requests = case["request"] if isinstance(case["request"], list) else [case["request"]]
    sink = make_sink()
    gate = make_gate(receiver={"keep_rejected": True, **case.get("config", {})}, exporters=[grpc(sink)])
    answers = [send(gate, request) for request in requests]
    gate.stop()  # everything that was taken is delivered
    spans = {span.span_id: span for span in sink.spans}
    wrong = []
    for expected in case["expect"]:
        got = look_up(expected["where"], expected["key"], spans.get(expected.get("span_id")), answers)
        if not matches(got, expected["value"]):
            wrong.append(f"{expected['where']} {expected.get('span_id') or ''} {expected['key']}: {got!r}, not {expected['value']!r}")
    assert not wrong, f"{case['why']}\n" + "\n".join(wrong)
