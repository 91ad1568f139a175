# SPDX-License-Identifier: Apache-2.0
"""The API of the admin listener: recent traces and logs, filters, streams; who may ask; what is inert."""
import base64
import http.client
import json
import signal

import grpc as grpc_library
import pytest
from ddgate import Ddgate, conf_text, free_port, grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from payloads import span, trace, v04
from recordings import folders, load
from sending import QUICK
from sinks import PATIENCE
from test_reload import replace

BLACKHOLE = ({"type": "blackhole"},)
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m\u2028\"'"
JAVA = "dd-java-agent-1.68.1/v04"


def ask(gate, path, status=200, **more):
    answer = gate.admin(path, **more)
    assert answer.status == status, answer.body
    assert answer.type == "application/json"
    return json.loads(answer.body)


def traces(gate, query=""):
    return ask(gate, f"/api/traces{query}")["traces"]


def look(gate):
    """From now on it keeps what passes."""
    assert ask(gate, "/api/traces")["recent"]["filling"] is True


def hex_id(one):
    return one["meta"]["_dd.p.tid"] + f"{one['trace_id']:016x}"


@pytest.fixture
def recorded(make_gate):
    """A gate that looks, and has got one recorded request of Java."""
    gate = make_gate(exporters=BLACKHOLE)
    [request] = load(JAVA, folders()[JAVA])
    look(gate)
    assert gate.request(request.method, request.path, request.body, request.headers).status == 200
    return gate, request


def test_the_index_names_what_there_is(gate):
    index = ask(gate, "/api/")
    assert {"GET /api/", "GET /api/traces", "GET /api/traces/*", "GET /api/logs"} <= set(index["endpoints"])
    assert int(index["started"]) > 1_700_000_000_000_000_000
    assert "no such resource" in ask(gate, "/api/nothing", 404)["error"]
    assert "no such resource" in ask(gate, "/api", 404)["error"]


def test_nothing_is_kept_while_nobody_looks(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    assert gate.put("/v0.4/traces", v04(trace(3))).status == 200
    answer = ask(gate, "/api/traces")
    assert answer["traces"] == [] and answer["recent"] == {"filling": True, "bytes": 16 << 20, "used": 0, "oldest": None, "left_out": 0,
                                                           "partial": False}
    assert gate.put("/v0.4/traces", v04(trace(3))).status == 200
    assert len(traces(gate)) == 1


def test_what_is_asked_for_is_kept_from_the_start(make_gate):
    gate = make_gate(exporters=BLACKHOLE, settings={"admin": {"listen": "127.0.0.1:0", "recent": "1MiB"}})
    assert gate.put("/v0.4/traces", v04(trace(3))).status == 200
    answer = ask(gate, "/api/traces")
    assert len(answer["traces"]) == 1 and answer["recent"]["bytes"] == 1 << 20


@pytest.mark.parametrize("name", ["dd-java-agent-1.68.1/v04", "dd-java-agent-1.68.1/v05", "dd-java-agent-1.68.1/v10", "ddtrace-4.16.0/v05"])
def test_a_recorded_trace_in_a_row_and_whole(make_gate, name):
    gate = make_gate(exporters=BLACKHOLE)
    request = load(name, folders()[name])[0]
    look(gate)
    assert gate.request(request.method, request.path, request.body, request.headers).status == 200
    spans = [s for chunk in request.chunks for s in chunk]
    rows = traces(gate)
    assert sum(row["spans"] for row in rows) == len(spans)
    [row] = [row for row in rows if row["trace_id"].endswith(f"{int(spans[0]['trace_id']):016x}")]
    mine = [s for s in spans if s["trace_id"] == spans[0]["trace_id"]]
    assert row["spans"] == len(mine) and row["errors"] == sum(int(s["error"]) for s in mine)
    assert row["has_root"] is True and row["receiver"] == "ddtrace" and row["client"].startswith(("java 1.68", "python 4.16"))
    assert set(row["services"]) >= {mine[0]["service"]}
    first, last = min(int(s["start"]) for s in mine), max(int(s["start"]) + int(s["duration"]) for s in mine)
    assert (int(row["start"]), row["duration"]) == (first, last - first)
    whole = ask(gate, f"/api/traces/{row['trace_id']}")
    sent = json_format.ParseDict({"resourceSpans": [with_base64(r) for r in whole["resourceSpans"]]},
                                 trace_service_pb2.ExportTraceServiceRequest())
    ids = {s.span_id.hex() for r in sent.resource_spans for c in r.scope_spans for s in c.spans}
    assert ids == {f"{int(s['span_id']):016x}" for s in mine}
    assert ask(gate, f"/api/traces/{row['trace_id'][16:]}") == whole
    assert whole["resourceLogs"] == []


def with_base64(node):
    """OTLP/JSON has ids in hex, protobuf's own JSON in base64."""
    if isinstance(node, dict):
        return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in ("traceId", "spanId", "parentSpanId") else with_base64(v)
                for k, v in node.items()}
    return [with_base64(v) for v in node] if isinstance(node, list) else node


def test_a_trace_to_download_and_schemas(recorded):
    gate, _ = recorded
    trace_id = traces(gate)[0]["trace_id"]
    answer = gate.admin(f"/api/traces/{trace_id}?download=1")
    assert answer.headers["content-disposition"] == f'attachment; filename="trace-{trace_id}.json"'
    assert "schema is otel" in ask(gate, f"/api/traces/{trace_id}?schema=x", 400)["error"]
    assert "no span of this trace" in ask(gate, f"/api/traces/{trace_id}?schema=datadog", 404)["error"]
    assert "no span of this trace" in ask(gate, f"/api/traces/{'a' * 32}", 404)["error"]
    assert "32 hexadecimal digits" in ask(gate, "/api/traces/xyz", 400)["error"]


@pytest.mark.parametrize("text, names", [
    ("service:web", {"ok", "bad"}), ("service:w*", {"ok", "bad"}), ("status:error", {"bad"}), ("min:1s", {"slow"}),
    ("max:1ms%20-status:error", {"ok"}), ("customer=7", {"slow"}), ("GET%20%22/bad%22", {"bad"}), ("nowhere", set()),
    ("-service:web", {"slow"}), ("service:db", {"bad"})])
def test_filters(make_gate, text, names):
    gate = make_gate(exporters=BLACKHOLE)
    look(gate)
    bad = trace(1, service="web", resource="GET /bad", error=1)
    bad.append(span(trace_id=bad[0]["trace_id"], parent_id=bad[0]["span_id"], service="db", resource="SELECT 1"))
    made = {"ok": trace(2, service="web", resource="GET /ok"), "bad": bad,
            "slow": trace(1, service="jobs", resource="work", duration=2_000_000_000, meta={"customer": "7", "_dd.p.tid": "64f0a1b200000000"})}
    assert gate.put("/v0.4/traces", v04(*made.values())).status == 200
    found = {row["trace_id"] for row in traces(gate, f"?filter={text}")}
    assert found == {hex_id(made[name][0]) for name in names}


def test_wrong_questions_are_explained(gate):
    assert '"servce": there is no such key' in ask(gate, "/api/traces?filter=servce:web", 400)["error"]
    assert "limit wants a whole number of 0 to 1000" in ask(gate, "/api/traces?limit=many", 400)["error"]
    assert "format is json or otlp" in ask(gate, "/api/logs?format=xml", 400)["error"]
    answer = gate.admin("/api/traces", method="POST", body=b"x")
    assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"


def test_limit_and_since(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    look(gate)
    chunks = [trace(1) for _ in range(5)]
    assert gate.put("/v0.4/traces", v04(*chunks[:3])).status == 200
    cursor = ask(gate, "/api/traces")["cursor"]
    assert gate.put("/v0.4/traces", v04(*chunks[3:])).status == 200
    assert [row["trace_id"] for row in traces(gate, "?limit=2")] == [hex_id(c[0]) for c in chunks[:2:-1]]
    assert {row["trace_id"] for row in traces(gate, f"?since={cursor}")} == {hex_id(c[0]) for c in chunks[3:]}


def log_gate(make_gate, tmp_path, **more):
    port = free_port()
    pipelines = tmp_path / "pipelines"
    pipelines.mkdir()
    (pipelines / "cards.p").write_text('grok(_, "card %{WORD:card}")\ncover(message, [6, 9])\n')
    (pipelines / "plain.p").write_text('grok(_, "user %{WORD:user}")\n')
    receivers = ({"type": "ddtrace", "listen": [f"127.0.0.1:{free_port()}"], "socket": ""}, {"type": "http", "listen": f"127.0.0.1:{port}"})
    settings = {"receivers": receivers, "exporters": BLACKHOLE, "admin": {"listen": "127.0.0.1:0"}, "pipelines": {"directory": pipelines}}
    return make_gate(conf=conf_text(settings), port=port)


def send_logs(gate, *items):
    assert gate.request("POST", "/api/v2/logs", json.dumps(items).encode(), {"Content-Type": "application/json"}).status in (200, 202)


def test_lines_beside_their_records(make_gate, tmp_path):
    gate = log_gate(make_gate, tmp_path)
    look(gate)
    send_logs(gate, {"message": "hello", "service": "web", "status": "warn", "ddsource": "x", "dd.trace_id": "6" * 32, "dd.span_id": "5"},
              {"message": "card 123456", "ddsource": "cards"})
    answer = ask(gate, "/api/logs")
    covered, hello = answer["logs"]
    assert hello["body"] == "hello" and hello["severity"] == "WARN" and hello["severity_number"] == 13 and hello["service"] == "web"
    assert hello["trace_id"] == "6" * 32 and hello["span_id"] == "0000000000000005" and hello["form"] == "json"
    assert json.loads(hello["line"])["message"] == "hello" and hello["receiver"] == "http" and hello["source"] == "x"
    assert hello["resource"]["service.name"] == {"stringValue": "web"}
    # a script hid the number: the line would show it
    assert covered["form"] == "script" and covered["script"] == "cards.p" and covered["line"] == "" and "123456" not in covered["body"]
    send_logs(gate, {"message": "user ann", "ddsource": "plain"})
    plain = ask(gate, "/api/logs?filter=source:plain")["logs"][0]  # this script only read it
    assert plain["form"] == "script" and json.loads(plain["line"])["message"] == "user ann" and plain["attributes"]["user"] == {"stringValue": "ann"}
    assert [r["body"] for r in ask(gate, "/api/logs?filter=severity:warn")["logs"]] == ["hello"]
    assert ask(gate, "/api/logs?limit=1")["logs"] == [plain]
    otlp = ask(gate, "/api/logs?format=otlp&filter=service:web")["resourceLogs"]
    assert otlp[0]["scopeLogs"][0]["logRecords"][0]["body"] == {"stringValue": "hello"}


def test_logs_of_a_trace(make_gate, tmp_path):
    gate = log_gate(make_gate, tmp_path)
    look(gate)
    [one] = trace(1)
    send_logs(gate, {"message": "inside", "dd.trace_id": str(one["trace_id"]), "dd.span_id": str(one["span_id"])})
    port = int(gate.stderr.split('receiver=ddtrace "listening on 127.0.0.1:')[1].split('"')[0])
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    assert gate.request("PUT", "/v0.4/traces", v04([one]), {"Content-Type": "application/msgpack"}, connection=connection).status == 200
    [row] = traces(gate)
    assert (row["trace_id"], row["logs"]) == (hex_id(one), 1)
    records = ask(gate, f"/api/traces/{row['trace_id']}")["resourceLogs"]
    assert [r["body"]["stringValue"] for g in records for s in g["scopeLogs"] for r in s["logRecords"]] == ["inside"]


def test_hostile_names_are_inert(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    look(gate)
    chunk = trace(1, resource=HOSTILE, service=HOSTILE, meta={HOSTILE: HOSTILE, "_dd.p.tid": "64f0a1b200000000"})
    assert gate.put("/v0.4/traces", v04(chunk)).status == 200
    answer = gate.admin("/api/traces")
    assert answer.headers["x-content-type-options"] == "nosniff"
    for inert in ("<script", "\u202e", "\x1b", "\u2028"):
        assert inert.encode() not in answer.body
    [row] = json.loads(answer.body)["traces"]
    assert row["root"].startswith("<script>alert(1)")  # as text, all of it is there
    whole = gate.admin(f"/api/traces/{row['trace_id']}")
    assert whole.status == 200 and b"\x1b" not in whole.body and "\u202e".encode() not in whole.body


def test_no_secret_and_no_literal_is_shown(make_gate, sink):
    gate = make_gate(receiver={"auth": {"token": "t0ken-of-the-receiver"}},
                     exporters=[grpc(sink, headers={"authorization": "Bearer s3cr3t-value"}, **QUICK)])
    look(gate)
    chunk = trace(1, type="sql", resource="SELECT * FROM users WHERE name = 'Alice'", service="says s3cr3t-value")
    headers = {"Content-Type": "application/msgpack", "DD-API-KEY": "t0ken-of-the-receiver"}
    assert gate.put("/v0.4/traces", v04(chunk), headers).status == 200
    answers = [gate.admin("/api/traces").body, gate.admin(f"/api/traces/{hex_id(chunk[0])}").body]
    for body in answers:
        assert b"s3cr3t" not in body and b"t0ken" not in body and b"Alice" not in body
        assert b"***" in body


def test_who_may_ask(make_gate):
    token = "0123456789abcdef"
    gate = make_gate(exporters=BLACKHOLE, settings={"admin": {"listen": "127.0.0.1:0", "auth": {"token": token}}})
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    for bad in ({}, {"Authorization": "Bearer no"}, {"Authorization": "Basic " + base64.b64encode(b"x:no").decode()}, {"Authorization": "Basic ?"}):
        answer = gate.admin("/api/traces", headers=bad)
        assert answer.status == 401 and answer.headers["www-authenticate"].startswith("Basic ")
        assert token.encode() not in answer.body
    for good in (f"Bearer {token}", f"bearer {token}", f"Basic {basic}"):
        # with a token, the name by which it is asked does not matter
        assert gate.admin("/api/traces", headers={"Authorization": good, "Host": "ddgate.example.com"}).status == 200
    for page in ("/healthz", "/readyz", "/metrics", "/ledger"):
        assert gate.admin(page).status == 200


def test_other_sites_and_other_names_are_refused(gate):
    for host, status in (("127.0.0.1:8127", 200), ("[::1]:8127", 200), ("localhost:1", 200), ("LOCALHOST", 200), ("evil.example", 403), ("", 403),
                         ("127.0.0.1.evil.example", 403)):
        assert gate.admin("/api/traces", headers={"Host": host}).status == status, host
        assert gate.admin("/metrics", headers={"Host": host}).status == 200
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert gate.admin("/api/traces", headers={"Sec-Fetch-Site": site}).status == status, site


def test_it_may_be_off(make_gate):
    gate = make_gate(exporters=BLACKHOLE, settings={"admin": {"listen": "127.0.0.1:0", "page": False}})
    assert "admin.page = false" in ask(gate, "/api/traces", 404)["error"]
    assert gate.admin("/").status == 404 and gate.admin("/metrics").status == 200


def test_on_an_open_address_it_wants_a_token(make_gate, tmp_path):
    gate = make_gate(exporters=BLACKHOLE, settings={"admin": {"listen": "0.0.0.0:0"}})  # as before there was a page
    assert gate.admin("/metrics").status == 200
    assert "need admin.auth.token" in ask(gate, "/api/traces", 404)["error"]
    assert "has no page and no API" in gate.stderr
    asks = Ddgate(tmp_path, exporters=BLACKHOLE, settings={"admin": {"listen": "0.0.0.0:0", "page": True}}, port=free_port())
    assert asks.process.wait(30) == 2
    assert "admin.page" in asks.stderr and "set admin.auth.token" in asks.stderr
    token = {"listen": "0.0.0.0:0", "page": True, "auth": {"token": "0123456789abcdef"}}
    open_gate = make_gate(exporters=BLACKHOLE, settings={"admin": token})
    assert open_gate.admin("/api/traces").status == 401


def test_otlp_that_came_as_it_is(make_gate):
    port = free_port()
    rows = {"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},
                          {"type": "otlp", "http": f"127.0.0.1:{free_port()}", "grpc": f"127.0.0.1:{free_port()}"}),
            "exporters": BLACKHOLE, "admin": {"listen": "127.0.0.1:0"}}
    gate = make_gate(conf=conf_text(rows), port=port)
    look(gate)
    resource = {"attributes": [{"key": k, "value": {"stringValue": v}} for k, v in (
        ("service.name", "cart"), ("telemetry.sdk.language", "go"), ("telemetry.sdk.version", "1.30.0"))]}
    one = {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "HGET", "kind": 3,
           "startTimeUnixNano": "1700000000000000000", "endTimeUnixNano": "1700000000000005000"}
    records = [{"body": {"stringValue": text}, "severityNumber": 9, "traceId": one["traceId"]} for text in ("first", "second")]
    for path, body in (("/v1/traces", {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [one]}]}]}),
                       ("/v1/logs", {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": records}]}]})):
        connection = http.client.HTTPConnection(rows["receivers"][1]["http"], timeout=PATIENCE)
        answer = gate.request("POST", path, json.dumps(body).encode(), {"Content-Type": "application/json"}, connection=connection)
        assert answer.status == 200, answer.body
    with grpc_library.insecure_channel(rows["receivers"][1]["grpc"]) as channel:
        sent = trace_service_pb2.ExportTraceServiceRequest()
        more = sent.resource_spans.add().scope_spans.add().spans.add(trace_id=b"\1" * 16, span_id=b"\2" * 8, name="by gRPC")
        more.start_time_unix_nano = more.end_time_unix_nano = 1_600_000_000_000_000_000
        trace_service_pb2_grpc.TraceServiceStub(channel).Export(sent, timeout=PATIENCE)
    row, by_grpc = traces(gate)
    assert (by_grpc["root"], by_grpc["receiver"], by_grpc["client"]) == ("by gRPC", "otlp", "")
    assert row["receiver"] == "otlp" and row["client"] == "go 1.30.0" and row["logs"] == 2 and row["root"] == "HGET" and row["duration"] == 5000
    found = ask(gate, "/api/logs")["logs"]
    assert {r["body"] for r in found} == {"first", "second"} and len({r["seq"] for r in found}) == 2
    assert all(r["form"] == "otlp" and r["line"] == "" and r["receiver"] == "otlp" and r["severity"] == "INFO" for r in found)
    whole = ask(gate, f"/api/traces/{one['traceId']}")
    assert len(whole["resourceLogs"]) == 1 and whole["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["spanId"] == one["spanId"]


def test_a_reload_changes_who_may_ask(make_gate):
    port, admin = free_port(), free_port()

    def conf(**more):
        return conf_text({"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},), "exporters": BLACKHOLE,
                          "admin": {"listen": f"127.0.0.1:{admin}", **more}})

    def reload(**more):
        before = gate.stderr.count("was read again: exporters")
        replace(gate, conf(**more))
        gate.signal(signal.SIGHUP)
        gate._until(lambda: gate.stderr.count("was read again: exporters") > before, "it was not read again")

    gate = make_gate(conf=conf(), port=port)
    stream = Stream(gate, "/api/traces?follow=1")
    reload(page=False)
    assert stream.line() is None
    assert gate.admin("/api/traces").status == 404 and gate.admin("/healthz").status == 200
    reload(auth={"token": "0123456789abcdef"})
    assert gate.admin("/api/traces").status == 401
    reload()
    assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
    assert len(traces(gate)) == 1  # what was looked for before is there still


class Stream:
    """A stream of the API, read as it comes."""

    def __init__(self, gate, path, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", gate.admin_port, timeout=PATIENCE)
        self.connection.request("GET", path, headers=headers)
        self.answer = self.connection.getresponse()
        self.type = self.answer.headers["content-type"]

    def line(self):
        """The next that is no beat; None at the end."""
        while line := self.answer.readline():
            if line.strip() not in (b"", b":"):
                return line.decode().rstrip("\n")
        return None

    def close(self):
        self.connection.close()


def test_follow_as_lines(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    stream = Stream(gate, "/api/traces?follow=1&filter=service:web")
    assert stream.answer.status == 200 and stream.type == "application/x-ndjson"
    root = trace(1, service="web")
    assert gate.put("/v0.4/traces", v04(trace(1, service="other"), root)).status == 200
    first = json.loads(stream.line())
    assert (first["trace_id"], first["spans"]) == (hex_id(root[0]), 1)
    child = span(trace_id=root[0]["trace_id"], parent_id=root[0]["span_id"], service="db")
    assert gate.put("/v0.4/traces", v04([child])).status == 200
    again = json.loads(stream.line())  # whole, because it has grown
    assert (again["trace_id"], again["spans"], again["services"]) == (hex_id(root[0]), 2, ["web", "db"])
    gate.process.terminate()
    assert stream.line() is None  # ended, and not broken off: the last chunk has come
    stream.close()


def test_follow_as_events(make_gate, tmp_path):
    gate = log_gate(make_gate, tmp_path)
    look(gate)
    send_logs(gate, {"message": "before"})
    stream = Stream(gate, "/api/logs?follow=1", Accept="text/event-stream")
    assert stream.type.startswith("text/event-stream")
    send_logs(gate, {"message": "one"})
    lines = [stream.line() for _ in range(3)]
    assert [line.split(":")[0] for line in lines] == ["id", "event", "data"] and lines[1] == "event: log"
    assert json.loads(lines[2][6:])["body"] == "one"
    stream.close()
    send_logs(gate, {"message": "two"})
    resumed = Stream(gate, "/api/logs?follow=1", Accept="text/event-stream", **{"Last-Event-ID": lines[0][4:]})
    assert json.loads([resumed.line() for _ in range(3)][2][6:])["body"] == "two"
    resumed.close()


def test_followers_are_bounded_and_a_reload_lets_them_go(make_gate):
    gate = make_gate(exporters=BLACKHOLE)
    streams = [Stream(gate, "/api/traces?follow=1") for _ in range(16)]
    assert {s.answer.status for s in streams} == {200}
    refused = Stream(gate, "/api/traces?follow=1")
    assert refused.answer.status == 503 and "16 clients follow already" in json.loads(refused.answer.read())["error"]
    assert gate.admin("/healthz").status == 200
    chunk = trace(1)
    assert gate.put("/v0.4/traces", v04(chunk)).status == 200
    assert {json.loads(s.line())["trace_id"] for s in streams} == {hex_id(chunk[0])}
    for s in streams:
        s.close()


def test_a_large_request_is_read_and_blocks_nobody(make_gate):
    """5 MiB of spans: one entry that is larger than any page of the reader."""
    gate = make_gate(exporters=BLACKHOLE)
    look(gate)
    chunk = trace(2000, meta={"text": "x" * 2000, "_dd.p.tid": "64f0a1b200000000"})
    assert gate.put("/v0.4/traces", v04(chunk)).status == 200
    [row] = traces(gate)
    assert row["spans"] == 2000
    whole = ask(gate, f"/api/traces/{row['trace_id']}")
    assert sum(len(s["spans"]) for r in whole["resourceSpans"] for s in r["scopeSpans"]) == 2000
