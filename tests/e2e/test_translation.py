# SPDX-License-Identifier: Apache-2.0
"""What the replay of recordings cannot show: grouping as it stands in the message, and the options of the translation."""
import pytest
import reference
from ddgate import grpc
from payloads import span, trace, v04


def through(make_gate, sink, *chunks, **receiver):
    """Sends chunks through a gateway with these receiver options; returns {span id: OTLP span}."""
    gate = make_gate(receiver=receiver, exporters=[grpc(sink)])
    assert gate.put("/v0.4/traces", v04(*chunks)).status == 200
    spans = sink.wait_spans(sum(map(len, chunks)))
    return {int(s.span_id, 16): s for s in spans}


def two_services():
    """service_b's span is below service_a's, in one chunk; a second chunk of the same two services."""
    chunks = []
    for _ in range(2):
        root = span(service="a", type="web", meta={"env": "test", "version": "1", "component": "flask", "_dd.p.tid": "64f0a1b200000000"})
        call = span(service="b", type="http", trace_id=root["trace_id"], parent_id=root["span_id"],
                    meta={"_dd.base_service": "a", "component": "requests"}, metrics={})
        chunks.append([root, call])
    return chunks


def test_one_resource_spans_per_service(make_gate, sink):
    chunks = two_services()
    out = through(make_gate, sink, *chunks)
    message = sink.requests[0].message
    assert len(sink.requests) == 1 and len(message.resource_spans) == 2
    assert all(len(rs.scope_spans) == 1 and len(rs.scope_spans[0].spans) == 2 for rs in message.resource_spans)
    b = out[chunks[0][1]["span_id"]]
    assert (b.service, b.resource["datadog.base_service"], b.scope[0]) == ("b", "a", "datadog.requests")
    assert b.resource["deployment.environment.name"] == "test", "env is the chunk's"
    assert "service.version" not in b.resource, "version is only that of the same service"


def test_service_override_base(make_gate, sink):
    chunks = two_services()
    b = through(make_gate, sink, *chunks, service_override="base")[chunks[0][1]["span_id"]]
    assert b.service == "a" and b.attrs["service.peer.name"] == "b"
    assert len(sink.requests[0].message.resource_spans) == 1


@pytest.mark.parametrize("option, name", [("otel", "GET /a"), ("resource", "the resource"), ("operation", "the operation")])
def test_span_name(make_gate, sink, option, name):
    s = span(name="the operation", resource="the resource", type="web", meta={"http.method": "GET", "http.route": "/a", "span.kind": "server"})
    out = through(make_gate, sink, [s], span_name=option)[s["span_id"]]
    assert (out.name, out.attrs["operation.name"], out.attrs["resource.name"]) == (name, "the operation", "the resource")


def test_static_resource_attributes_win(make_gate, sink):
    s = span()
    out = through(make_gate, sink, [s], resource=["team=shop", "deployment.environment.name=prod"])[s["span_id"]]
    assert (out.resource["team"], out.resource["deployment.environment.name"]) == ("shop", "prod") and not out.malformed


def test_promote_and_strip(make_gate, sink):
    s = span(meta={"team": "shop", "secret": "x", "kept": "y"})
    out = through(make_gate, sink, [s], promote=["team"], strip=["secret"])[s["span_id"]]
    assert out.resource["team"] == "shop" and "secret" not in out.attrs and out.attrs["kept"] == "y"


def test_64_bit_ids(make_gate, sink):
    s = span()
    out = through(make_gate, sink, [s], trace_id_bits="64")[s["span_id"]]
    assert out.trace_id == f"{s['trace_id']:032x}"


def test_the_upper_half_may_stand_on_any_span_of_the_chunk(make_gate, sink):
    chunk = trace(5, meta={"env": "test"})
    chunk[3]["meta"] = {"_dd.p.tid": "64f0a1b2deadbeef"}
    out = through(make_gate, sink, chunk)
    assert {s.trace_id for s in out.values()} == {f"64f0a1b2deadbeef{chunk[0]['trace_id']:016x}"}


@pytest.mark.parametrize("tid", ["xyz", "", "64f0a1b20000000000", "-1"])
def test_a_malformed_upper_half_costs_nothing(make_gate, sink, tid):
    s = span(meta={"_dd.p.tid": tid})
    assert through(make_gate, sink, [s])[s["span_id"]].trace_id == f"{s['trace_id']:032x}"


def test_status_and_exception(make_gate, sink):
    bad = span(error=1, meta={"error.type": "E", "error.msg": "no", "error.stack": "at x"})
    fine, said = span(), span(meta={"otel.status_code": "Ok"})
    out = through(make_gate, sink, [bad], [fine], [said])
    assert (out[bad["span_id"]].status, out[bad["span_id"]].message) == (reference.ERROR, "no")
    event, = out[bad["span_id"]].events
    assert event.attrs == {"exception.type": "E", "exception.message": "no", "exception.stacktrace": "at x"}
    assert out[fine["span_id"]].status == reference.UNSET and out[said["span_id"]].status == reference.OK


def test_meta_struct_is_structured(make_gate, sink):
    import msgpack
    s = {**span(), "meta_struct": {"appsec": msgpack.packb({"triggers": [{"id": 1}], "f": 1.5}), "broken": b"\xc1\xc1"}}
    out = through(make_gate, sink, [s])[s["span_id"]]
    assert out.attrs["appsec"] == {"triggers": [{"id": 1}], "f": 1.5}
    assert out.attrs["broken"] == b"\xc1\xc1", "what cannot be decoded stays as it is"


def test_a_user_tag_named_events_is_a_tag(make_gate, sink):
    s = span(meta={"events": "three of them", "_dd.span_links": "[broken"})
    out = through(make_gate, sink, [s])[s["span_id"]]
    assert (out.attrs["events"], out.attrs["_dd.span_links"], out.events, out.links) == ("three of them", "[broken", [], [])


def test_queries_lose_their_data_and_statements_their_literals(make_gate, sink):
    sql = span(type="sql", name="postgres.query", resource="SELECT * FROM users WHERE name = 'bob' AND id = 42",
               meta={"db.type": "postgres", "db.name": "shop", "sql.query": "SELECT * FROM users WHERE name = 'bob' AND id = 42"})
    out = through(make_gate, sink, [sql])[sql["span_id"]]
    assert (out.kind, out.attrs["db.system.name"], out.attrs["db.namespace"]) == (reference.CLIENT, "postgresql", "shop")
    assert (out.attrs["db.operation.name"], out.attrs["db.collection.name"]) == ("SELECT", "users")
    everything = repr((out.name, out.attrs))
    assert "bob" not in everything and "42" not in everything
    assert out.name == "SELECT users"


def test_a_query_goes_out_as_it_is_where_the_user_says_so(make_gate, sink):
    query = "SELECT 1 FROM t WHERE a = 'x'"
    s = span(type="sql", resource=query, meta={"db.type": "mysql", "sql.query": query})
    out = through(make_gate, sink, [s], obfuscate=False)[s["span_id"]]
    assert out.attrs["db.query.text"] == query and out.attrs["resource.name"] == query
