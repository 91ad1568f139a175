# SPDX-License-Identifier: Apache-2.0
"""What Datadog's agents send to their intake: AgentPayload in protobuf, by Google's own package. The messages are described here by
their numbers and types (datadog-agent, pkg/proto/datadog/trace), so no generated code is needed.

`agent_payload(...)` makes a body with v0.x payloads, `idx_agent_payload(...)` one with v1.0 payloads, both from spans as payloads.py
makes them; `parse(body)` reads one."""
import re

import msgpack
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = re.compile(r"(repeated )?(?:map<(\w+), (\w+)>|(\w+)) (\w+) = (\d+)")
_SCALARS = {"string": 9, "bytes": 12, "bool": 8, "double": 1, "int32": 5, "int64": 3, "uint32": 13, "uint64": 4, "fixed64": 6}

_MESSAGES = """
AgentPayload: string host_name = 1; string env = 2; repeated TracerPayload tracer_payloads = 5; map<string, string> tags = 6;
  string agent_version = 7; double target_tps = 8; double error_tps = 9; bool rare_sampler_enabled = 10;
  repeated IdxTracerPayload idx_tracer_payloads = 11
TracerPayload: string container_id = 1; string language_name = 2; string language_version = 3; string tracer_version = 4;
  string runtime_id = 5; repeated TraceChunk chunks = 6; map<string, string> tags = 7; string env = 8; string hostname = 9;
  string app_version = 10
TraceChunk: int32 priority = 1; string origin = 2; repeated Span spans = 3; map<string, string> tags = 4; bool dropped_trace = 5
Span: string service = 1; string name = 2; string resource = 3; uint64 trace_id = 4; uint64 span_id = 5; uint64 parent_id = 6;
  int64 start = 7; int64 duration = 8; int32 error = 9; map<string, string> meta = 10; map<string, double> metrics = 11;
  string type = 12; map<string, bytes> meta_struct = 13; repeated SpanLink span_links = 14; repeated SpanEvent span_events = 15
SpanLink: uint64 trace_id = 1; uint64 trace_id_high = 2; uint64 span_id = 3; map<string, string> attributes = 4;
  string tracestate = 5; uint32 flags = 6
SpanEvent: fixed64 time_unix_nano = 1; string name = 2; map<string, EventValue> attributes = 3
EventValue: int32 type = 1; string string_value = 2; bool bool_value = 3; int64 int_value = 4; double double_value = 5;
  EventArray array_value = 6
EventArray: repeated EventValue values = 1
IdxTracerPayload: repeated string strings = 1; uint32 container_id = 2; uint32 language_name = 3; uint32 language_version = 4;
  uint32 tracer_version = 5; uint32 runtime_id = 6; uint32 env = 7; uint32 hostname = 8; uint32 app_version = 9;
  map<uint32, AnyValue> attributes = 10; repeated IdxTraceChunk chunks = 11
IdxTraceChunk: int32 priority = 1; uint32 origin = 2; map<uint32, AnyValue> attributes = 3; repeated IdxSpan spans = 4;
  bool dropped_trace = 5; bytes trace_id = 6; uint32 sampling_mechanism = 7
IdxSpan: uint32 service = 1; uint32 name = 2; uint32 resource = 3; fixed64 span_id = 4; uint64 parent_id = 5; fixed64 start = 6;
  uint64 duration = 7; bool error = 8; map<uint32, AnyValue> attributes = 9; uint32 type = 10; repeated IdxSpanLink links = 11;
  repeated IdxSpanEvent events = 12; uint32 env = 13; uint32 version = 14; uint32 component = 15; int32 kind = 16
IdxSpanLink: bytes trace_id = 1; fixed64 span_id = 2; map<uint32, AnyValue> attributes = 3; uint32 tracestate = 4; uint32 flags = 5
IdxSpanEvent: fixed64 time = 1; uint32 name = 2; map<uint32, AnyValue> attributes = 3
AnyValue: oneof uint32 string_value = 1; oneof bool bool_value = 2; oneof double double_value = 3; oneof int64 int_value = 4;
  oneof bytes bytes_value = 5; oneof ArrayValue array_value = 6; oneof KeyValueList key_value_list = 7
ArrayValue: repeated AnyValue values = 1
KeyValueList: repeated KeyValue key_values = 1
KeyValue: uint32 key = 1; AnyValue value = 2
"""


def _set_type(field, name):
    if name in _SCALARS:
        field.type = _SCALARS[name]
    else:
        field.type, field.type_name = 11, f".datadog.{name}"


def _add_field(message, text):
    oneof = text.startswith("oneof ")
    repeated, key, value, kind, name, number = _FIELD.fullmatch(text.removeprefix("oneof ")).groups()
    field = message.field.add(name=name, number=int(number), label=3 if repeated or key else 1)
    if oneof:
        if not message.oneof_decl:
            message.oneof_decl.add(name="value")
        field.oneof_index = 0
    if not key:
        _set_type(field, kind)
        return
    entry = message.nested_type.add(name=f"{name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    _set_type(entry.field.add(name="key", number=1, label=1), key)
    _set_type(entry.field.add(name="value", number=2, label=1), value)
    field.type, field.type_name = 11, f".datadog.{message.name}.{entry.name}"


def _classes():
    file = descriptor_pb2.FileDescriptorProto(name="agent_payload.proto", package="datadog", syntax="proto3")
    for line in re.sub(r"\n +", " ", _MESSAGES.strip()).splitlines():
        name, fields = line.split(": ", 1)
        message = file.message_type.add(name=name)
        for field in fields.split("; "):
            _add_field(message, field)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {m.name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"datadog.{m.name}")) for m in file.message_type}


MESSAGES = _classes()
AgentPayload = MESSAGES["AgentPayload"]


def parse(body):
    out = AgentPayload()
    out.ParseFromString(body)
    return out


def _v0_span(to, s):
    for key in ("service", "name", "resource", "type", "trace_id", "span_id", "parent_id", "start", "duration", "error"):
        if s.get(key):
            setattr(to, key, s[key])
    for key, value in s.get("meta", {}).items():
        to.meta[key] = value
    for key, value in s.get("metrics", {}).items():
        to.metrics[key] = value


def tracer_payload(*chunks, priority=1, origin="", tags=None, dropped=False, **facts):
    """A TracerPayload with these chunks of spans (payloads.trace makes one)."""
    out = MESSAGES["TracerPayload"](**facts)
    for spans in chunks:
        chunk = out.chunks.add(origin=origin, tags=tags or {}, dropped_trace=dropped)
        if priority is not None:
            chunk.priority = priority
        for s in spans:
            _v0_span(chunk.spans.add(), s)
    return out


def agent_payload(*tracer_payloads, **own):
    return AgentPayload(tracer_payloads=tracer_payloads, **own).SerializeToString()


class _Strings:
    def __init__(self, payload):
        self.payload = payload
        payload.strings.append("")
        self.numbers = {"": 0}

    def __getitem__(self, text):
        if text not in self.numbers:
            self.numbers[text] = len(self.payload.strings)
            self.payload.strings.append(text)
        return self.numbers[text]


def any_value(to, value, strings):
    """Sets an AnyValue to a Python value: text, bool, int, float, bytes, list or dict."""
    if isinstance(value, str):
        to.string_value = strings[value]
    elif isinstance(value, bool):
        to.bool_value = value
    elif isinstance(value, int):
        to.int_value = value
    elif isinstance(value, float):
        to.double_value = value
    elif isinstance(value, bytes):
        to.bytes_value = value
    elif isinstance(value, list):
        to.array_value.SetInParent()
        for item in value:
            any_value(to.array_value.values.add(), item, strings)
    else:
        to.key_value_list.SetInParent()
        for key, item in value.items():
            any_value(to.key_value_list.key_values.add(key=strings[key]).value, item, strings)


_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}


def _idx_span(to, s, strings):
    meta = dict(s.get("meta", {}))
    meta.pop("_dd.p.tid", None)
    to.service, to.name, to.resource, to.type = (strings[s.get(k, "")] for k in ("service", "name", "resource", "type"))
    to.span_id, to.parent_id, to.start, to.duration = s["span_id"], s["parent_id"], s["start"], s["duration"]
    to.error = bool(s["error"])
    to.env, to.version, to.component = (strings[meta.pop(k, "")] for k in ("env", "version", "component"))
    to.kind = _KINDS.get(meta.pop("span.kind", ""), 0)
    for key, value in {**meta, **s.get("metrics", {}), **s.get("attributes", {})}.items():
        any_value(to.attributes[strings[key]], value, strings)


def idx_tracer_payload(*chunks, priority=1, origin="", mechanism=0, dropped=False, attributes=None, **facts):
    out = MESSAGES["IdxTracerPayload"]()
    strings = _Strings(out)
    for name, value in facts.items():
        setattr(out, name, strings[value])
    for key, value in (attributes or {}).items():
        any_value(out.attributes[strings[key]], value, strings)
    for spans in chunks:
        high = int(spans[0].get("meta", {}).get("_dd.p.tid", "0"), 16)
        chunk = out.chunks.add(origin=strings[origin], dropped_trace=dropped, sampling_mechanism=mechanism,
                               trace_id=(high << 64 | spans[0]["trace_id"]).to_bytes(16, "big"))
        if priority is not None:
            chunk.priority = priority
        for s in spans:
            _idx_span(chunk.spans.add(), s, strings)
    return out


def idx_agent_payload(*tracer_payloads, **own):
    return AgentPayload(idx_tracer_payloads=tracer_payloads, **own).SerializeToString()


# ---- v1.0 in the form of an agent ----

_FACTS = {2: "container_id", 3: "language_name", 4: "language_version", 5: "tracer_version", 6: "runtime_id", 7: "env", 8: "hostname",
          9: "app_version"}


class _FromV10:
    """Reads a v1.0 body by the msgpack package, and writes what it says as an IdxTracerPayload."""

    def __init__(self, body):
        self.texts = [""]
        self.said = msgpack.unpackb(body, strict_map_key=False)
        self._learn(self.said)
        self.payload = MESSAGES["IdxTracerPayload"]()
        self.strings = _Strings(self.payload)

    def _learn(self, value):
        if isinstance(value, str) and value not in self.texts:
            self.texts.append(value)
        for item in [x for pair in value.items() for x in pair] if isinstance(value, dict) else value if isinstance(value, list) else []:
            self._learn(item)

    def number(self, text):
        return self.strings[text if isinstance(text, str) else self.texts[text or 0]]

    def _any(self, to, kind, value):
        if kind == 1:
            to.string_value = self.number(value)
        elif kind == 6:
            to.array_value.SetInParent()
            for i in range(0, len(value), 2):
                self._any(to.array_value.values.add(), value[i], value[i + 1])
        elif kind == 7:
            to.key_value_list.SetInParent()
            for i in range(0, len(value), 3):
                self._any(to.key_value_list.key_values.add(key=self.number(value[i])).value, value[i + 1], value[i + 2])
        else:
            setattr(to, {2: "bool_value", 3: "double_value", 4: "int_value", 5: "bytes_value"}[kind], value)

    def _attributes(self, to, flat):
        for i in range(0, len(flat or []), 3):
            self._any(to.attributes[self.number(flat[i])], flat[i + 1], flat[i + 2])

    def _span(self, to, said):
        names = {1: "service", 2: "name", 3: "resource", 10: "type", 13: "env", 14: "version", 15: "component"}
        values = {4: "span_id", 5: "parent_id", 6: "start", 7: "duration", 8: "error", 16: "kind"}
        for key, value in said.items():
            if key in names:
                setattr(to, names[key], self.number(value))
            elif key in values:
                setattr(to, values[key], value)
        self._attributes(to, said.get(9))
        for link in said.get(11) or []:
            made = to.links.add(trace_id=link.get(1, b""), span_id=link.get(2, 0), tracestate=self.number(link.get(4)), flags=link.get(5, 0))
            self._attributes(made, link.get(3))
        for event in said.get(12) or []:
            self._attributes(to.events.add(time=int(event.get(1, 0)), name=self.number(event.get(2))), event.get(3))

    def convert(self):
        for key, value in self.said.items():
            if key in _FACTS:
                setattr(self.payload, _FACTS[key], self.number(value))
        self._attributes(self.payload, self.said.get(10))
        for said in self.said.get(11) or []:
            chunk = self.payload.chunks.add(priority=said.get(1, -128), origin=self.number(said.get(2)), dropped_trace=said.get(5, False),
                                            trace_id=said.get(6, b""), sampling_mechanism=said.get(7, 0))
            self._attributes(chunk, said.get(3))
            for s in said.get(4) or []:
                self._span(chunk.spans.add(), s)
        return self.payload


def of_v10(body):
    """The IdxTracerPayload that says what this v1.0 body says."""
    return _FromV10(body).convert()
