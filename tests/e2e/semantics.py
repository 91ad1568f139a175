# SPDX-License-Identifier: Apache-2.0
"""One span in, facts out: many small cases through one gateway.

    Case: tags of a span ──▶ four copies, each a trace of its own ──▶ ddgate ──▶ OTLP ──▶ the facts, with their types

Four copies, because the third span of a kind takes another path through the translator than the first; all must come out alike.
"""
import contextlib
import json
import os
import pathlib
from dataclasses import dataclass, field

from ddgate import Ddgate, grpc
from payloads import span, v04
from sinks import GrpcSink

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = pathlib.Path(os.environ.get("DDGATE_SHARED", ROOT.parent / "shared"))
COPIES = 4
KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
TYPES = {"string": str, "int": int, "double": float, "bool": bool, "array": list}
ABSENT = object()


@dataclass
class Case:
    of: str  # for messages
    meta: dict = field(default_factory=dict)
    metrics: dict = field(default_factory=dict)
    kind: str = None
    name: str = "op0"
    resource: str = "res0"
    type: str = ""
    error: int = 0
    becomes: dict = field(default_factory=dict)  # attribute: value (its type counts), or ABSENT
    on_resource: dict = field(default_factory=dict)
    fields: dict = field(default_factory=dict)  # name, kind, status, scope … of otlp.Span

    def span(self):
        meta = {"env": "e0", "language": "python", "_dd.p.tid": "64f0a1b200000000", **self.meta}
        if self.kind:
            meta["span.kind"] = self.kind
        return span(service="svc0", name=self.name, resource=self.resource, type=self.type, error=self.error, meta=meta,
                    metrics={"_sampling_priority_v1": 1, **self.metrics})


def wrong(got, want):
    """True when a value is not the one that is wanted, in its type."""
    return got is not ABSENT if want is ABSENT else type(got) is not type(want) or got != want


def faults(case, out):
    """What is wrong with a span that came out, as sentences."""
    found = []
    for place, have, wants in (("attribute", out.attrs, case.becomes), ("resource", out.resource, case.on_resource), ("field", vars(out), case.fields)):
        for key, want in wants.items():
            got = have.get(key, ABSENT)
            if wrong(got, want):
                found.append(f"{place} {key} is {'absent' if got is ABSENT else repr(got)}, not {'absent' if want is ABSENT else repr(want)}")
    return found


def replay(folder, cases, **receiver):
    """Sends all cases in one request; returns for each its spans."""
    with contextlib.closing(GrpcSink()) as sink:
        gate = Ddgate(folder, receiver={"keep_rejected": True, **receiver}, exporters=[grpc(sink)])
        gate.wait_listening()
        sent = [[case.span() for _ in range(COPIES)] for case in cases]
        assert gate.put("/v0.4/traces", v04(*([s] for copies in zip(*sent) for s in copies))).status == 200
        out = {int(s.span_id, 16): s for s in sink.wait_spans(COPIES * len(cases))}
        gate.stop()
    assert not [m for s in out.values() for m in s.malformed]
    return [[out[s["span_id"]] for s in copies] for copies in sent]


def check(case, spans):
    found = [f"copy {i}: {fault}" for i, s in enumerate(spans) for fault in faults(case, s)]
    assert not found, f"{case.of}: {found}\nattributes: {spans[0].attrs}\nname: {spans[0].name}"


def _typed(value, kind):
    return float(value) if kind == "double" else value if isinstance(value, TYPES[kind]) else TYPES[kind](value)


def read_cases(path):
    """The cases of a semantics.json (its member `about` says what they hold)."""
    out = []
    for row in json.loads(path.read_text())["cases"]:
        s = row["span"]
        case = Case(of=f"{row['id']} {row['concept']}: {row['datadog_name']} ({row['source']})", meta=s["meta"], metrics=s["metrics"], kind=s["kind"],
                    name=s["name"], resource=s["resource"], type=s["type"], error=s.get("error", 0))
        for want in row["expect"]:
            place = {"span": case.becomes, "resource": case.on_resource, "field": case.fields}[want["where"]]
            place[want["name"]] = ABSENT if want["value"] is None else _typed(want["value"], want["type"])
        if row["span_name"]:
            case.fields["name"] = row["span_name"]
        if row["otel_kind"]:
            case.fields["kind"] = KINDS.get(row["otel_kind"], row["otel_kind"])
        out.append(case)
    return out
