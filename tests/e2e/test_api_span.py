# SPDX-License-Identifier: Apache-2.0
"""The API explains a span: what was received, what was sent and why, what backends answered."""
import http.client
import json

import pytest
from ddgate import Ddgate, free_port, grpc
from payloads import span, v04
from recordings import folders, load
from sending import QUICK

BLACKHOLE = ({"type": "blackhole"},)
JAVA = "dd-java-agent-1.68.1/v04"


def ask(gate, path, status=200):
    answer = gate.admin(path)
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def look(gate):
    assert ask(gate, "/api/traces")["recent"]["filling"] is True


def named(items):
    return {item["name"]: item for item in items}


def put(gate, **fields):
    one = span(**{"meta": {"_dd.p.tid": "64f0a1b200000000", **fields.pop("meta", {})}, **fields})
    assert gate.put("/v0.4/traces", v04([one])).status == 200
    return f"/api/traces/64f0a1b200000000{one['trace_id']:016x}/spans/{one['span_id']:016x}"


@pytest.fixture
def watched(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    look(gate)
    return gate


def test_three_columns_of_a_recorded_span(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    [request] = load(JAVA, folders()[JAVA])
    look(gate)
    assert gate.request(request.method, request.path, request.body, request.headers).status == 200
    first = request.chunks[0][0]
    trace_id = first["meta"]["_dd.p.tid"] + f"{int(first['trace_id']):016x}"
    one = ask(gate, f"/api/traces/{trace_id}/spans/{int(first['span_id']):016x}")
    assert one["trace_id"] == trace_id and one["span_id"] == f"{int(first['span_id']):016x}"
    received = one["received"]
    assert (received["receiver"], received["protocol"], received["transport"]) == ("ddtrace", "v0.4", "tcp")
    assert received["client"]["language"] == "java" and received["client"]["address"].startswith("127.0.0.1")
    assert {t["name"] for t in received["tags"]} == first["meta"].keys() | first["metrics"].keys()
    assert all(t["fate"] and t["why"] for t in received["tags"])
    assert named(received["fields"])["resource"]["value"] == first["resource"]
    [out] = one["sent"]
    assert out["schema"] == "otel" and out["exporters"] == ["blackhole"]
    assert all(a["why"] for a in out["attributes"])
    whole = ask(gate, f"/api/traces/{trace_id}")
    spans = [s for r in whole["resourceSpans"] for sc in r["scopeSpans"] for s in sc["spans"] if s["spanId"] == one["span_id"]]
    assert out["span"] == spans[0]
    assert {a["key"] for a in out["span"]["attributes"]} == {a["name"] for a in out["attributes"] if a["where"] == "span"}


def test_answers_of_backends(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, name="good", **QUICK), {"type": "blackhole", "name": "hole", "mode": "both"}])
    look(gate)
    path = put(gate, meta={"http.method": "GET"}, type="http")
    sink.wait_spans(1)
    gate._until(lambda: {a["state"] for a in ask(gate, path)["answered"]} == {"sent"}, "the answers are not there")
    one = ask(gate, path)
    answered = {a["exporter"]: a for a in one["answered"]}
    assert set(answered) == {"good", "hole"} and answered["good"]["attempts"] == 1
    assert int(answered["good"]["answered"]) >= int(answered["good"]["queued"])
    sent = {s["schema"]: s for s in one["sent"]}
    assert sent["otel"]["exporters"] == ["good"] and sent["both"]["exporters"] == ["hole"]
    assert named(sent["otel"]["attributes"])["http.request.method"]["from"] == ["http.method"]
    assert "http.method" in named(sent["both"]["attributes"]) and "http.method" not in named(sent["otel"]["attributes"])


def test_nothing_is_shown_that_is_not_sent(make_gate):
    gate = make_gate(exporters=BLACKHOLE, receiver={"strip": ["hidden"], "privacy": {"replace_tags": (
        {"name": "mail", "pattern": "[a-z]+@", "repl": "?@"},)}})
    look(gate)
    path = put(gate, type="sql", resource="SELECT 4711", meta={"sql.query": "SELECT 4711", "hidden": "4712", "mail": "joe@x", "db.type": "mysql",
                                                               "http.url": "http://u:4713@h/?token=4714"})
    text = gate.admin(path).body.decode()
    assert "471" not in text and "joe" not in text
    tags = named(json.loads(text)["received"]["tags"])
    assert tags["sql.query"]["value"] == "SELECT ?" and tags["mail"]["value"] == "?@x" and tags["hidden"]["value"] == "?"


def test_what_came_by_otlp_is_kept(make_gate):
    port = free_port()
    gate = make_gate(conf=f'receivers = ( {{ type = "otlp"; grpc = []; http = [ "127.0.0.1:{port}" ]; }} );\n'
                          'exporters = ( { type = "blackhole"; } );\nadmin = { listen = "127.0.0.1:0"; };\n')
    look(gate)
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0" * 31 + "7", "spanId": "0" * 15 + "8", "name": "n",
                                                          "attributes": [{"key": "k", "value": {"intValue": "3"}}]}]}]}]}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/v1/traces", json.dumps(body), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 200
    connection.close()
    one = ask(gate, f"/api/traces/{'0' * 31}7/spans/{'0' * 15}8")
    assert one["received"]["receiver"] == "otlp" and named(one["received"]["tags"])["k"]["fate"] == "kept"
    assert named(one["sent"][0]["attributes"])["k"]["from"] == ["k"]


def test_mistakes(watched):
    path = put(watched)
    assert "16 hexadecimal digits" in ask(watched, path[:-1], 400)["error"]
    assert "recent data has no such span" in ask(watched, path[:-16] + "0123456789abcdef", 404)["error"]
    assert "32 hexadecimal digits" in ask(watched, "/api/traces/xyz/spans/0123456789abcdef", 400)["error"]


def test_the_last_one_of_the_same_ids_is_shown(watched):
    ids = {"trace_id": 77, "span_id": 78}
    put(watched, meta={"turn": "first"}, **ids)
    path = put(watched, meta={"turn": "second"}, **ids)
    one = ask(watched, path)
    assert named(one["received"]["tags"])["turn"]["value"] == "second" and len(one["sent"]) == 1


def test_a_reload_changes_what_explains(tmp_path):
    with Ddgate(tmp_path, exporters=BLACKHOLE) as gate:
        look(gate)
        path = put(gate, meta={"x": "1"})
        assert named(ask(gate, path)["received"]["tags"])["x"]["fate"] == "kept"
        conf = tmp_path / "ddgate.conf"
        conf.write_text(conf.read_text().replace('type = "ddtrace"', 'type = "ddtrace"; strip = [ "x" ]', 1))
        gate.signal(1)
        gate.wait_stderr("read again")
        path = put(gate, meta={"x": "1"})
        assert named(ask(gate, path)["received"]["tags"])["x"]["fate"] == "left_out"
