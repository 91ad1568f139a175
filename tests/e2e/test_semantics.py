# SPDX-License-Identifier: Apache-2.0
"""Whatever a tracer calls a fact, it arrives under the name and in the type of the semantic conventions: Datadog's own table of equal
names, tags of the tracers' integrations, and inputs of bug reports."""
import pathlib

import integrations
import pytest
from semantics import ABSENT, KINDS, ROOT, SHARED, Case, check, read_cases, replay

DATA = ROOT / "tests/data"
EQUAL_NAMES = DATA / "semantics/equal_names.tsv"

CLIENT = {"kind": "client"}
SERVER = {"kind": "server", "type": "web"}
SQL = {"kind": "client", "type": "sql"}
MONGODB = {"kind": "client", "type": "mongodb"}
RPC = {"kind": "client", "type": "rpc"}
GRPC = {"kind": "client", "type": "rpc", "meta": {"rpc.system": "grpc"}}
PRODUCER = {"kind": "producer", "type": "queue"}
AWS = {"kind": "client", "type": "http", "meta": {"aws_service": "sqs"}}


def attr(name, value="x1", becomes=None, span=None):
    """The concept's value lands in this attribute."""
    return {"value": value, "becomes": {name: value if becomes is None else becomes}, "span": span or {}}


def resource(name, value="x1", becomes=None):
    return {"value": value, "on_resource": {name: becomes or value}}


# What becomes of each concept.
CONCEPTS = {
    "_dd.apm_mode": attr("_dd.apm_mode"),
    "_dd.base_service": resource("datadog.base_service", "base"),
    "_dd.git.commit.sha": resource("vcs.ref.head.revision"),
    "_dd.hostname": resource("host.name"),
    "_dd.measured": attr("datadog.measured", 1, True),
    "_dd.origin": attr("datadog.origin", "lambda"),
    "_dd.p.dm": attr("datadog.sampling.mechanism", "-4", 4),
    "_dd.p.tid": {"value": "64f0a1b2deadbeef", "trace_id": "64f0a1b2deadbeef"},
    "_dd.partial_version": attr("datadog.partial_version", 3),
    "_dd.top_level": attr("datadog.top_level", 1, True),
    "_sampling_priority_v1": attr("sampling.priority", 2),
    "component": {"value": "flask", "becomes": {"component": "flask"}, "scope": "datadog.flask"},
    "container.id": attr("container.id"),
    "db.namespace": attr("db.namespace", "shop", span=SQL),
    "db.query": attr("db.query.text", "SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = ?", SQL),
    "db.statement": attr("db.query.text", "SELECT a FROM t WHERE b = 1", "SELECT a FROM t WHERE b = ?", SQL),
    "db.system": attr("db.system.name", "postgresql", span=SQL),
    "deployment.environment": attr("deployment.environment.name", "e1"),
    "elasticsearch.body": attr("db.query.text", '{"size": 10}', '{"size": "?"}', {"kind": "client", "type": "elasticsearch"}),
    "env": resource("deployment.environment.name", "e1"),
    "faas.invoked.name": attr("faas.invoked_name", span=CLIENT),
    "faas.invoked.provider": attr("faas.invoked_provider", "aws", span=CLIENT),
    "faas.trigger": attr("faas.trigger", "http", span=SERVER),
    "graphql.operation.name": attr("graphql.operation.name", span={"type": "graphql"}),
    "graphql.operation.type": attr("graphql.operation.type", "query", span={"type": "graphql"}),
    "http.method": attr("http.request.method", "GET", span=SERVER),
    "http.route": attr("http.route", "/p", span=SERVER),
    "url.template": attr("url.template", "/p", span=CLIENT),
    "http.status_code": attr("http.response.status_code", 404, span=SERVER),
    "http.url": attr("url.full", "http://a.example.com/p", span=CLIENT),
    "k8s.pod.uid": attr("k8s.pod.uid"),
    "link.name": attr("link.name"),
    "memcached.command": attr("db.query.text", "get k", "get ?", {"kind": "client", "type": "memcached"}),
    "messaging.destination": attr("messaging.destination.name", "orders", span=PRODUCER),
    "messaging.operation": attr("messaging.operation.type", "send", span=PRODUCER),
    "messaging.system": attr("messaging.system", "kafka", span=PRODUCER),
    "mongodb.query": attr("db.query.text", '{"a": 1}', '{"a": "?"}', MONGODB),
    "network.protocol.name": attr("network.protocol.name", "http", span=SERVER),
    "opensearch.body": attr("db.query.text", '{"size": 10}', '{"size": "?"}', {"kind": "client", "type": "opensearch"}),
    "peer.aws.dynamodb.table": attr("aws.dynamodb.table_names", "orders", ["orders"], AWS),
    "peer.aws.kinesis.stream": attr("aws.kinesis.stream_name", "orders", span=AWS),
    "peer.aws.s3.bucket": attr("aws.s3.bucket", "orders", span=AWS),
    "peer.aws.sqs.queue": attr("messaging.destination.name", "orders", span=AWS),
    "peer.cassandra.contact.points": attr("server.address", "c1.example.com:9042,c2.example.com", "c1.example.com", {"kind": "client", "type": "cassandra"}),
    "peer.couchbase.seed.nodes": attr("server.address", "c1.example.com:11210,c2.example.com", "c1.example.com", SQL),
    "peer.db.name": attr("db.namespace", "shop", span=SQL),
    "peer.db.system": attr("db.system.name", "mysql", span=SQL),
    "peer.hostname": attr("server.address", "h.example.com", span=CLIENT),
    "peer.kafka.bootstrap.servers": attr("server.address", "b1.example.com:9092,b2", "b1.example.com", PRODUCER),
    "peer.messaging.destination": attr("messaging.destination.name", "orders", span=PRODUCER),
    "peer.messaging.system": attr("messaging.system", "kafka", span=PRODUCER),
    "peer.rpc.system": attr("rpc.system.name", "grpc", span=RPC),
    "peer.service": attr("service.peer.name", span=CLIENT),
    "redis.raw_command": attr("db.query.text", "GET k", "GET ?", {"kind": "client", "type": "redis"}),
    "rpc.grpc.status_code": attr("rpc.response.status_code", 5, "NOT_FOUND", GRPC),
    "rpc.method": attr("rpc.method", "shop.Cart/Add", span=RPC),
    "rpc.system": attr("rpc.system.name", "grpc", span=RPC),
    "span.kind": {"value": "producer", "kind": "producer"},
    "valkey.raw_command": attr("db.query.text", "GET k", "GET ?", {"kind": "client", "type": "valkey"}),
    "version": resource("service.version", "1.2.3"),
}

# Names of a concept that take another value than the others.
SPECIAL = {("db.query", "mongodb.query"): CONCEPTS["mongodb.query"]}

# Where we knowingly do otherwise: (concept, name): (why, what comes out).
DIFFERENT = {
    ("operation.name", "operation.name"): ("the span's own name is surer than a tag", {"operation.name": "op0"}),
    ("resource.name", "resource.name"): ("the span's own resource is surer than a tag", {"resource.name": "res0"}),
    ("span.type", "span.type"): ("the span's own type is surer than a tag", {"span.type": "custom"}),
    ("otel.trace_id", "otel.trace_id"): ("an id that is not the span's says nothing of its trace", {"otel.trace_id": "x1"}),
    ("service.name", "service.name"): ("the span's own service is the resource's name; a tag of that name stays on the span", {"service.name": "x1"}),
    ("service.version", "service.version"): ("`version` is the resource's; a tag of that name stays on the span", {"service.version": "x1"}),
    ("peer.rpc.service", "rpc.service"): ("rpc.method holds the service; alone it stays", {"rpc.service": "x1"}),
    ("rpc.service", "rpc.service"): ("rpc.method holds the service; alone it stays", {"rpc.service": "x1"}),
    ("peer.hostname", "dns.hostname"): ("the name that is looked up is not the server that is asked", {"dns.question.name": "x1", "server.address": ABSENT}),
    ("peer.hostname", "network.destination.ip"): ("an address of the connection, not the server's name", {"network.peer.address": "x1"}),
}


def rows():
    return [line.split("\t") for line in EQUAL_NAMES.read_text().splitlines() if not line.startswith("#")]


def equal_case(concept, name, kind):
    """A case of one name in one type; None when nobody says what becomes of it."""
    what = SPECIAL.get((concept, name), CONCEPTS.get(concept))
    if (concept, name) in DIFFERENT:
        becomes = DIFFERENT[concept, name][1]
        return Case(of=f"{concept}: {name}", type="custom", kind="client", meta={name: "x1"}, becomes=becomes)
    if what is None:
        return None
    value, span = what["value"], {**what.get("span", {})}
    numeric = isinstance(value, int)
    meta = dict(span.pop("meta", {}))
    case = Case(of=f"{concept}: {name} as {kind}", meta=meta, becomes=what.get("becomes", {}), on_resource=what.get("on_resource", {}), **span)
    if numeric and kind != "string":
        case.metrics[name] = float(value) if kind == "float64" else value
    else:
        case.meta[name] = str(value)
    if "kind" in what:
        case.fields["kind"] = KINDS[what["kind"]]
    return case


def equal_cases():
    out = []
    for concept, name, _, types in rows():
        numeric = isinstance(CONCEPTS.get(concept, {}).get("value"), int)
        for kind in dict.fromkeys(types.split(",") + (["string", "int64"] if numeric and not name.startswith("_dd.") else [])):
            out.append((concept, name, equal_case(concept, name, kind)))
    return out


EQUAL = equal_cases()


@pytest.fixture(scope="module")
def replayed(tmp_path_factory):
    """The spans of every case of this file, by the case's identity."""
    cases = [c for _, _, c in EQUAL if c] + BUGS + integrations.CASES
    return dict(zip(map(id, cases), replay(tmp_path_factory.mktemp("semantics"), cases)))


def test_the_table_is_whole():
    names = rows()
    assert len(names) > 100 and len({n[0] for n in names}) > 60
    missing = sorted({(concept, name) for concept, name, case in EQUAL if not case})
    assert not missing, "neither in CONCEPTS nor in DIFFERENT"
    unused = (set(CONCEPTS) - {n[0] for n in names}) | (set(DIFFERENT) - {(n[0], n[1]) for n in names})
    assert not unused


@pytest.mark.parametrize("concept,name,case", EQUAL, ids=[c.of if c else f"{a}: {b}" for a, b, c in EQUAL])
def test_equal_name(concept, name, case, replayed):
    assert case, f"nobody says what becomes of {name} ({concept})"
    spans = replayed[id(case)]
    check(case, spans)
    what = CONCEPTS.get(concept, {})
    if (concept, name) in DIFFERENT:
        return
    for s in spans:
        assert s.scope[0] == what.get("scope", s.scope[0])
        assert s.trace_id.startswith(what.get("trace_id", ""))


BUGS = read_cases(DATA / "bugs/semantics.json")


@pytest.mark.parametrize("case", BUGS, ids=[c.of for c in BUGS])
def test_bug(case, replayed):
    check(case, replayed[id(case)])


@pytest.mark.parametrize("case", integrations.CASES, ids=[c.of for c in integrations.CASES])
def test_integration(case, replayed):
    check(case, replayed[id(case)])


def test_shared_cases(tmp_path):
    path = pathlib.Path(SHARED / "fixtures/bugs/semantics.json")
    if not path.exists():
        pytest.skip("no larger collection here")
    cases = read_cases(path)
    for case, spans in zip(cases, replay(tmp_path, cases)):
        check(case, spans)
