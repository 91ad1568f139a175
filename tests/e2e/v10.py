# SPDX-License-Identifier: Apache-2.0
"""Trace protocol v1.0, written and read here by code that shares no line with ddgate's decoder.

    spans as v0.4 has them ──encode──▶ map with numbers as keys, texts by number ──decode──▶ what stands in it

What v0.4 says in tags, v1.0 says in fields: of a span env, version, component and kind, of a chunk priority, origin, mechanism and the
16-byte trace id. `encode` moves them there, as dd-trace-go and libdatadog do; a tracer of each protocol that made the same spans thus
sends `payloads.v04(...)` and this.
"""
import struct

import msgpack

KINDS = ["", "internal", "server", "client", "producer", "consumer"]
TEXT, BOOL, DOUBLE, INT, BYTES, ARRAY, LIST = range(1, 8)
PROMOTED = {"env": 13, "version": 14, "component": 15}


class Texts:
    """The table of texts of one payload: entry 0 is the empty one."""

    def __init__(self):
        self.numbers = {"": 0}

    def __call__(self, text):
        """The text where it is new, else its number."""
        if text in self.numbers:
            return self.numbers[text]
        self.numbers[text] = len(self.numbers)
        return text


class Writer:
    def __init__(self):
        self.pack = msgpack.Packer(autoreset=False)
        self.texts = Texts()

    def text(self, text):
        self.pack.pack(self.texts(text))

    def key(self, number):
        self.pack.pack(number)

    def value(self, kind, v):
        """A type and a value of it."""
        self.pack.pack(kind)
        if kind == TEXT:
            self.text(v)
        elif kind == DOUBLE:
            self.pack.pack(float(v))
        elif kind == ARRAY:
            self.pack.pack_array_header(2 * len(v))
            for item in v:
                self.value(*item)
        elif kind == LIST:
            self.attributes(v)
        else:
            self.pack.pack(v)

    def attributes(self, triples):
        self.pack.pack_array_header(3 * len(triples))
        for key, kind, v in triples:
            self.text(key)
            self.value(kind, v)

    def map(self, fields):
        """Fields as (number, function that writes the value)."""
        self.pack.pack_map_header(len(fields))
        for number, write in fields:
            self.key(number)
            write()

    def array(self, items, write):
        self.pack.pack_array_header(len(items))
        for item in items:
            write(item)

    def done(self):
        return self.pack.bytes()


def native(attribute):
    """A value of a native event's attribute of v0.4 as type and value."""
    kind = attribute["type"]
    if kind == 4:
        return ARRAY, [native(v) for v in attribute["array_value"]["values"]]
    name, ours = [("string_value", TEXT), ("bool_value", BOOL), ("int_value", INT), ("double_value", DOUBLE)][kind]
    return ours, attribute[name]


def _link(w, link):
    trace_id = struct.pack(">QQ", int(link.get("trace_id_high") or 0), int(link.get("trace_id") or 0))
    attributes = [(k, TEXT, v) for k, v in (link.get("attributes") or {}).items()]
    w.map([(1, lambda: w.pack.pack(trace_id)), (2, lambda: w.pack.pack(int(link["span_id"]))), (3, lambda: w.attributes(attributes)),
           (4, lambda: w.text(link.get("tracestate") or "")), (5, lambda: w.pack.pack(int(link.get("flags") or 0)))])


def _event(w, event):
    attributes = [(k, *native(v)) for k, v in (event.get("attributes") or {}).items()]
    w.map([(1, lambda: w.pack.pack(event["time_unix_nano"])), (2, lambda: w.text(event["name"])), (3, lambda: w.attributes(attributes))])


def _span(w, s):
    meta = dict(s.get("meta") or {})
    moved = [(number, meta.pop(name)) for name, number in PROMOTED.items() if meta.get(name)]
    kind = KINDS.index(meta.pop("span.kind")) if meta.get("span.kind") in KINDS[1:] else 0
    meta.pop("_dd.p.tid", None)
    attributes = ([(k, TEXT, v) for k, v in meta.items()] + [(k, DOUBLE, v) for k, v in (s.get("metrics") or {}).items()] +
                  [(k, BYTES, v) for k, v in (s.get("meta_struct") or {}).items()])
    w.map([(1, lambda: w.text(s.get("service") or "")), (2, lambda: w.text(s.get("name") or "")),
           (3, lambda: w.text(s.get("resource") or "")), (4, lambda: w.pack.pack(int(s["span_id"]))),
           (5, lambda: w.pack.pack(int(s.get("parent_id") or 0))), (6, lambda: w.pack.pack(s["start"])),
           (7, lambda: w.pack.pack(s["duration"])), (8, lambda: w.pack.pack(bool(s.get("error")))), (9, lambda: w.attributes(attributes)),
           (10, lambda: w.text(s.get("type") or "")), (11, lambda: w.array(s.get("span_links") or [], lambda v: _link(w, v))),
           (12, lambda: w.array(s.get("span_events") or [], lambda v: _event(w, v)))] +
          [(number, lambda v=v: w.text(v)) for number, v in moved] + [(16, lambda: w.pack.pack(kind))])


def first(spans, where, key):
    """What the first span of the chunk says that says it."""
    return next((s[where][key] for s in spans if (s.get(where) or {}).get(key) is not None), None)


def _chunk(w, spans):
    high = int(first(spans, "meta", "_dd.p.tid") or "0", 16)
    priority, mechanism = first(spans, "metrics", "_sampling_priority_v1"), first(spans, "meta", "_dd.p.dm")
    fields = [(2, lambda: w.text(first(spans, "meta", "_dd.origin") or "")),
              (3, lambda: w.attributes([("service", TEXT, spans[0].get("service") or "")])),
              (4, lambda: w.array(spans, lambda s: _span(w, s))),
              (6, lambda: w.pack.pack(struct.pack(">QQ", high, int(spans[0]["trace_id"])))),
              (7, lambda: w.pack.pack(abs(int(mechanism or 0))))]
    if priority is not None:
        fields.insert(0, (1, lambda: w.pack.pack(int(priority))))
    w.map(fields)


def encode(*chunks, **process):
    """The payload; `process` is by name: language, language_version, tracer_version, runtime_id, env, hostname, app_version …"""
    numbers = {"container_id": 2, "language": 3, "language_version": 4, "tracer_version": 5, "runtime_id": 6, "env": 7, "hostname": 8,
               "app_version": 9}
    w = Writer()
    fields = [(numbers[k], lambda v=v: w.text(v)) for k, v in process.items() if k in numbers]
    if "attributes" in process:
        fields.append((10, lambda: w.attributes(process["attributes"])))
    w.map(fields + [(11, lambda: w.array(chunks, lambda spans: _chunk(w, spans)))])
    return w.done()


def decode(body):
    """Every span's own attributes, by span id: {key: value}; what chunk and payload say is not among them."""
    out, texts = {}, [""]

    def learn(value):
        """Texts in the order of the stream, known or not."""
        if isinstance(value, Str):
            if value not in texts:
                texts.append(value)
        elif isinstance(value, Pairs):
            for key, v in value:
                learn(key)
                learn(v)
        elif isinstance(value, list):
            for v in value:
                learn(v)
        return value

    class Str(bytes):
        pass

    class Pairs(list):
        pass

    at = 0

    def take(n):
        nonlocal at
        at += n
        return body[at - n:at]

    def value():
        head = take(1)[0]
        if head < 0x80 or head >= 0xe0:
            return head if head < 0x80 else head - 256
        if head < 0x90:
            return Pairs((value(), value()) for _ in range(head & 15))
        if head < 0xa0:
            return [value() for _ in range(head & 15)]
        if head < 0xc0:
            return Str(take(head & 31))
        if head in (0xc0, 0xc2, 0xc3):
            return {0xc0: None, 0xc2: False, 0xc3: True}[head]
        if head in (0xc4, 0xc5, 0xc6):
            return bytes(take(int.from_bytes(take(1 << head - 0xc4), "big")))
        if head == 0xcb:
            return struct.unpack(">d", take(8))[0]
        if 0xcc <= head <= 0xd3:
            return int.from_bytes(take(1 << (head & 3)), "big", signed=head >= 0xd0)
        if head in (0xd9, 0xda, 0xdb):
            return Str(take(int.from_bytes(take(1 << head - 0xd9), "big")))
        n = int.from_bytes(take(4 if head & 1 else 2), "big")
        return [value() for _ in range(n)] if head < 0xde else Pairs((value(), value()) for _ in range(n))

    def text(v):
        return v if isinstance(v, Str) else texts[v]
    payload = learn(value())
    for chunk in dict(payload).get(11) or [] if isinstance(payload, Pairs) else []:
        for span in dict(chunk).get(4) or []:
            fields = dict(span)
            flat = fields.get(9) or []
            out[str(fields[4])] = {text(flat[i]).decode("utf-8", "replace"): flat[i + 2] for i in range(0, len(flat), 3)}
    return out
