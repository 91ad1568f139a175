# SPDX-License-Identifier: Apache-2.0
"""OTLP as plain Python values, read by Google's protobuf and the official message definitions: an implementation that shares
no line with ddgate's writer.

    Export request (protobuf or one line of OTLP/JSON) --> requests of Google's classes --> flat list of Span

A Span knows its resource and scope. Attributes are dicts of native values (str, bool, int, float, bytes, list, dict). What OTLP
forbids inside a span (an empty id, a key that stands twice in one list) is kept as a sentence in its `malformed`; what cannot be read
at all raises Malformed.
"""
import base64
import json
from dataclasses import dataclass, field

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

U64 = (1 << 64) - 1


class Malformed(AssertionError):
    """What was received is not right OTLP."""


@dataclass
class Event:
    name: str
    time: int
    attrs: dict


@dataclass
class Link:
    trace_id: str
    span_id: str
    tracestate: str
    flags: int
    attrs: dict
    dropped: int = 0


@dataclass
class Span:
    trace_id: str  # 32 hex digits
    span_id: str  # 16 hex digits
    parent_id: str  # 16 hex digits or ""
    name: str
    kind: int
    start: int
    end: int
    status: int
    message: str
    tracestate: str
    flags: int
    attrs: dict
    events: list
    links: list
    resource: dict
    scope: tuple  # name, version
    scope_attrs: dict
    resource_schema: str
    scope_schema: str
    metadata: dict = field(default_factory=dict)  # of the gRPC call that brought it
    malformed: list = field(default_factory=list)

    @property
    def service(self):
        return self.resource.get("service.name")


def value(any_value, wrong):
    kind = any_value.WhichOneof("value")
    if kind is None:
        return None
    v = getattr(any_value, kind)
    if kind == "array_value":
        return [value(item, wrong) for item in v.values]
    if kind == "kvlist_value":
        return attributes(v.values, wrong)
    return v


def attributes(pairs, wrong):
    out = {}
    for pair in pairs:
        v = value(pair.value, wrong)
        if not pair.key:
            wrong.append(f"an attribute has an empty key: {v!r}")
        if pair.key in out:
            wrong.append(f"attribute {pair.key!r} stands twice: {out[pair.key]!r} and {v!r}")
        out[pair.key] = v
    return out


def _ids(span, wrong):
    if len(span.trace_id) != 16 or not any(span.trace_id):
        wrong.append(f"trace id {span.trace_id.hex()!r}")
    if len(span.span_id) != 8 or not any(span.span_id):
        wrong.append(f"span id {span.span_id.hex()!r}")
    if len(span.parent_span_id) not in (0, 8) or (span.parent_span_id and not any(span.parent_span_id)):
        wrong.append(f"parent id {span.parent_span_id.hex()!r}")


def _span(span, group, metadata):
    resource, resource_schema, scope, scope_schema, scope_attrs, inherited = group
    wrong = list(inherited)
    _ids(span, wrong)
    return Span(
        trace_id=span.trace_id.hex(), span_id=span.span_id.hex(), parent_id=span.parent_span_id.hex(), name=span.name,
        kind=span.kind, start=span.start_time_unix_nano, end=span.end_time_unix_nano, status=span.status.code,
        message=span.status.message, tracestate=span.trace_state, flags=span.flags, attrs=attributes(span.attributes, wrong),
        events=[Event(e.name, e.time_unix_nano, attributes(e.attributes, wrong)) for e in span.events],
        links=[Link(x.trace_id.hex(), x.span_id.hex(), x.trace_state, x.flags, attributes(x.attributes, wrong),
                    x.dropped_attributes_count) for x in span.links],
        resource=resource, scope=(scope.name, scope.version), scope_attrs=scope_attrs, resource_schema=resource_schema,
        scope_schema=scope_schema, metadata=metadata, malformed=wrong)


def flatten(request, metadata=None):
    """All spans of an ExportTraceServiceRequest, in order."""
    out = []
    for rs in request.resource_spans:
        wrong = []
        resource = attributes(rs.resource.attributes, wrong)
        for ss in rs.scope_spans:
            inherited = list(wrong)
            group = resource, rs.schema_url, ss.scope, ss.schema_url, attributes(ss.scope.attributes, inherited), inherited
            out += [_span(span, group, metadata or {}) for span in ss.spans]
    return out


ID_FIELDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}
WIDE_FIELDS = {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano", "intValue"}
ENUM_FIELDS = {"kind", "code", "severityNumber"}


def _to_protobuf_json(node):
    """OTLP/JSON differs from protobuf's JSON in its ids (hex, not base64); the rest is checked on the way."""
    if isinstance(node, list):
        return [_to_protobuf_json(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {}
    for key, v in node.items():
        if "_" in key:
            raise Malformed(f"JSON name {key!r} is not lowerCamelCase")
        if key in ID_FIELDS:
            if len(v) not in (0, ID_FIELDS[key]):
                raise Malformed(f"{key} {v!r} is not {ID_FIELDS[key]} hexadecimal digits")
            v = base64.b64encode(bytes.fromhex(v)).decode()
        elif key in WIDE_FIELDS and not isinstance(v, str):
            raise Malformed(f"{key} is a 64-bit integer and must be a string, not {v!r}")
        elif key in ENUM_FIELDS and not isinstance(v, int):
            raise Malformed(f"{key} is an enum and must be an integer, not {v!r}")
        out[key] = _to_protobuf_json(v)
    return out


def _no_duplicates(pairs):
    out = dict(pairs)
    if len(out) != len(pairs):
        raise Malformed(f"a JSON object names a member twice: {[k for k, _ in pairs]}")
    return out


def parse_json_line(line):
    """One line of the stdout exporter's otlp_json form (also what the collector's otlpjson readers take)."""
    document = json.loads(line, object_pairs_hook=_no_duplicates)
    request = ExportLogsServiceRequest() if "resourceLogs" in document else ExportTraceServiceRequest()
    return json_format.ParseDict(_to_protobuf_json(document), request)
