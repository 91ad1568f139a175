# SPDX-License-Identifier: Apache-2.0
"""Small payloads as tracers make them, packed by msgpack's own Python package."""
import itertools
import json
import random

import msgpack

_numbers = itertools.count(1)
_random = random.Random(20261121)


def span(**fields):
    """A span that every tracer could have sent; fields replace its own, and a field that is None is left out."""
    n = next(_numbers)
    out = {"service": "shop", "name": "op", "resource": f"resource {n}", "type": "", "trace_id": _random.getrandbits(63) | 1,
           "span_id": _random.getrandbits(63) | 1, "parent_id": 0, "start": 1_700_000_000_000_000_000 + n, "duration": 1000, "error": 0,
           "meta": {"env": "test", "_dd.p.tid": "64f0a1b200000000"}, "metrics": {"_sampling_priority_v1": 1}, **fields}
    return {k: v for k, v in out.items() if v is not None}


def trace(n, **fields):
    """One chunk of n spans: a root and its children."""
    root = span(**fields)
    more = {k: v for k, v in fields.items() if k not in ("parent_id", "span_id", "trace_id")}
    return [root] + [span(trace_id=root["trace_id"], parent_id=root["span_id"], **more) for _ in range(n - 1)]


def v04(*chunks):
    return msgpack.packb(list(chunks))


def v04_json(*chunks):
    return json.dumps(list(chunks)).encode()


def v05(*chunks):
    words = [""]

    def index(text):
        if text not in words:
            words.append(text)
        return words.index(text)

    def row(s):
        return [index(s["service"]), index(s["name"]), index(s["resource"]), s["trace_id"], s["span_id"], s["parent_id"], s["start"],
                s["duration"], s["error"], {index(k): index(v) for k, v in s["meta"].items()},
                {index(k): v for k, v in s["metrics"].items()}, index(s["type"])]
    rows = [[row(s) for s in chunk] for chunk in chunks]
    return msgpack.packb([words, rows])


def v07(*chunks, **payload):
    """TracerPayload: what v0.4 says on a span of the chunk, the chunk says; the order is that of Go's struct."""
    def first(spans, where, key):
        return next((s[where][key] for s in spans if (s.get(where) or {}).get(key) is not None), None)

    def chunk(spans):
        priority = first(spans, "metrics", "_sampling_priority_v1")
        return {"priority": -128 if priority is None else int(priority), "origin": first(spans, "meta", "_dd.origin") or "",
                "spans": spans, "tags": {}, "dropped_trace": False}
    before = {k: payload.pop(k, "") for k in ("container_id", "language_name", "language_version", "tracer_version", "runtime_id")}
    return msgpack.packb({**before, "chunks": [chunk(spans) for spans in chunks], "tags": payload.pop("tags", {}), "env": "", **payload})
