# SPDX-License-Identifier: Apache-2.0
"""The checker itself: it takes a right translation and names what is wrong with a wrong one."""
import copy
import json

import otlp
import pytest
import reference
from ddgate import Ledger

DD = {"service": "shop", "name": "flask.request", "resource": "GET /a", "type": "web", "trace_id": "5", "span_id": "7",
      "parent_id": "0", "start": 1_700_000_000_000_000_000, "duration": 1000, "error": 1, "trace_id_128_hex": f"{1:016x}{5:016x}",
      "meta": {"http.method": "GET", "http.url": "http://h:8080/a?x=1", "http.status_code": "500", "span.kind": "server", "env": "test",
               "version": "1", "language": "python", "runtime-id": "r", "component": "flask", "custom": "x", "_dd.p.dm": "-0",
               "_dd.p.tid": f"{1:016x}", "error.type": "E", "error.message": "m", "error.stack": "s", "http.route": "/a"},
      "metrics": {"_sampling_priority_v1": 1, "process_id": 12.0, "size": 2.5}}
REQUEST = {"datadog-meta-tracer-version": "4.16.0", "datadog-meta-lang-version": "3.11", "datadog-meta-lang-interpreter": "CPython"}
SCHEMA = "https://opentelemetry.io/schemas/1.38.0"


def right():
    return otlp.Span(
        trace_id=f"{1:016x}{5:016x}", span_id=f"{7:016x}", parent_id="", name="GET /a", kind=reference.SERVER, start=DD["start"],
        end=DD["start"] + 1000, status=reference.ERROR, message="m", tracestate="dd=t.dm:-0", flags=1,
        attrs={"operation.name": "flask.request", "resource.name": "GET /a", "span.type": "web", "sampling.priority": 1,
               "datadog.sampling.mechanism": "-0", "http.request.method": "GET", "http.response.status_code": 500, "url.scheme": "http",
               "url.path": "/a", "url.query": "x=1", "server.address": "h", "server.port": 8080, "http.route": "/a",
               "component": "flask", "custom": "x", "size": 2.5, "error.type": "E"},
        events=[otlp.Event("exception", DD["start"] + 1000, {"exception.type": "E", "exception.message": "m", "exception.stacktrace": "s"})],
        links=[],
        resource={"service.name": "shop", "deployment.environment.name": "test", "service.version": "1", "service.instance.id": "r",
                  "telemetry.sdk.language": "python", "telemetry.sdk.name": "datadog", "telemetry.sdk.version": "4.16.0",
                  "process.runtime.version": "3.11", "process.runtime.name": "CPython", "process.pid": 12, "host.name": "box"},
        scope=("datadog.flask", "4.16.0"), scope_attrs={}, resource_schema=SCHEMA, scope_schema=SCHEMA)


def complaints(span, dd=None):
    dd = dd or DD
    return reference.check(span, dd, reference.Chunk([dd], REQUEST, "box"))


def test_a_right_translation_passes():
    assert complaints(right()) == []


@pytest.mark.parametrize("path, value", [
    (("trace_id",), f"{0:016x}{5:016x}"), (("span_id",), f"{8:016x}"), (("parent_id",), f"{9:016x}"), (("name",), "flask.request"),
    (("kind",), 0), (("kind",), reference.CLIENT), (("end",), DD["start"]), (("status",), reference.OK), (("message",), ""),
    (("flags",), 0), (("tracestate",), ""), (("attrs", "custom"), "y"), (("attrs", "size"), "2.5"),
    (("attrs", "http.response.status_code"), "500"), (("attrs", "http.response.status_code"), 500.0), (("attrs", "http.method"), "GET"),
    (("attrs", "url.path"), "/b"), (("attrs", "operation.name"), None), (("attrs", "invented"), "1"), (("attrs", "server.port"), 80),
    (("attrs", "error.message"), "m"), (("attrs", "datadog.sampling.mechanism"), "-4"), (("resource", "process.pid"), 12.0 + 1),
    (("resource", "service.name"), "x"), (("resource", "service.version"), None), (("resource", "deployment.environment.name"), None),
    (("resource_schema",), ""), (("scope",), ("Datadog", "4.16.0")), (("events",), []), (("sampling.priority",), None),
])
def test_a_wrong_one_is_named(path, value):
    span = right()
    if path == ("sampling.priority",):
        del span.attrs["sampling.priority"]
    elif len(path) == 1:
        setattr(span, path[0], value)
    else:
        getattr(span, path[0])[path[1]] = value
    assert complaints(span), f"{path} = {value!r} went unnoticed"


def test_a_lost_tag_is_named():
    for key in right().attrs:
        span = right()
        del span.attrs[key]
        assert complaints(span), f"{key} is missing and nobody noticed"


def test_two_tags_for_one_name():
    """The loser stays under its own name; both gone is a loss."""
    dd = copy.deepcopy(DD)
    dd["meta"]["http.hostname"] = "other"
    span = right()
    assert any("http.hostname" in c for c in complaints(span, dd))
    span.attrs["http.hostname"] = "other"
    assert complaints(span, dd) == []


def test_duplicate_attribute_is_malformed():
    twice = {"attributes": [{"key": "a", "value": {"stringValue": "1"}}] * 2}
    span = {"traceId": "01" * 16, "spanId": "02" * 8, **twice}
    for resource, inner, n in (({}, span, 1), (twice, {**span, "attributes": []}, 1), (twice, span, 2)):
        line = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [inner]}]}]}
        found, = otlp.flatten(otlp.parse_json_line(json.dumps(line)))
        assert len(found.malformed) == n and "twice" in found.malformed[0]


@pytest.mark.parametrize("span, mistake", [
    ({"traceId": "00", "spanId": "1" * 16}, "32 hexadecimal"), ({"startTimeUnixNano": 5}, "string"), ({"kind": "SPAN_KIND_SERVER"}, "integer"),
    ({"trace_id": "0" * 32}, "lowerCamelCase"),
])
def test_wrong_json_is_malformed(span, mistake):
    with pytest.raises(otlp.Malformed, match=mistake):
        otlp.parse_json_line(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))


def test_ledger():
    text = "words before\ntraces\n  received                                 27\n  refused (zero_trace_id)                   2\n" \
           "  accepted                                 25\n  exporter otlp_grpc\n    sent                                   20\n" \
           "    dropped (shutdown)                      5\nwords after\n"
    ledger = Ledger.parse(text)
    assert ledger.intake()["received"] == 27 and ledger.exporter()["sent"] == 20
    assert ledger.exporter()["dropped", "shutdown"] == 5
    ledger.assert_balanced()
    with pytest.raises(AssertionError):
        Ledger.parse(text.replace("20\n", "19\n")).assert_balanced()
