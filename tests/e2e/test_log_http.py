# SPDX-License-Identifier: Apache-2.0
"""Logs over HTTP: Datadog's intake and Datakit's log streaming, every form of body, every answer; what arrives is read by a sink that is
not ours, and the ledger of every run balances."""
import contextlib
import gzip
import json
import signal
import threading
import zlib

import pytest
import zstandard

import payloads
from ddgate import MSGPACK, Ddgate, conf_value, free_port
from log_sink import LogSink
from otlp import parse_json_line

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
KEY = "0123456789abcdef0123456789abcdef"
MIB = 1024 * 1024


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


class Gate(Ddgate):
    """`http` is the receiver's options, `top` stands beside it, what else there is belongs to the exporter."""

    def __init__(self, directory, sink, http=None, top=None, **options):
        port = free_port()
        exporter = {"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", **options}
        receivers = ({"type": "http", "listen": [f"127.0.0.1:{port}"], **(http or {})},)
        conf = {"receivers": receivers, "exporters": (exporter,), **(top or {})}
        super().__init__(directory, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in conf.items()), port=port)

    def post(self, path, body, headers=None, **more):
        return self.request("POST", path, body if isinstance(body, bytes) else body.encode(), headers, **more)

    def refused(self, why):
        return self.ledger.intake("logs")["refused", why]


@pytest.fixture
def gate(tmp_path, sink):
    with Gate(tmp_path, sink) as g:
        yield g


FORMS = {
    "array": (JSON, '[{"message":"one"},{"message":"two"}]'),
    "objects in a row": (JSON, '{"message":"one"}{"message":"two"}'),
    "a line each": (JSON, '{"message":"one"}\n{"message":"two"}\n'),
    "texts": (JSON, '["one","two"]'),
    "text": (TEXT, "one\r\n\ntwo\n"),
    "text, with a charset": ({"Content-Type": "Text/Plain; charset=utf-8"}, "one\ntwo"),
    "no type, JSON": ({}, '[{"message":"one"},{"message":"two"}]'),
    "a form, JSON": ({"Content-Type": "application/x-www-form-urlencoded"}, '{"message":"one"} {"message":"two"}'),
    "no type, text": ({}, "one\ntwo"),
    "logplex": ({"Content-Type": "application/logplex-1"},
                "".join(f"{len(f)} {f}" for f in ("<13>1 2012-11-30T06:45:29+00:00 host app web.3 - one",
                                                  "<13>1 2012-11-30T06:45:29+00:00 host app web.3 - two\n"))),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_a_body(gate, sink, form):
    headers, body = FORMS[form]
    answer = gate.post("/api/v2/logs", body, headers)
    assert (answer.status, answer.body, answer.type) == (202, b"{}", "application/json")
    assert [r.body for r in sink.wait_records(2)] == ["one", "two"]


PACK = {"gzip": gzip.compress, "deflate": zlib.compress, "zstd": zstandard.compress, "identity": bytes}


@pytest.mark.parametrize("encoding", PACK)
@pytest.mark.parametrize("path, status", [("/api/v2/logs", 202), ("/v1/input", 200), ("/v1/input/" + KEY, 200)])
def test_paths_and_encodings(gate, sink, encoding, path, status):
    body = json.dumps([{"message": f"{encoding} é 中"}]).encode()
    answer = gate.post(path, PACK[encoding](body), {**JSON, "Content-Encoding": encoding})
    assert (answer.status, answer.body) == (status, b"{}")
    assert sink.wait_records(1)[0].body == f"{encoding} é 中"


def test_parameters_are_for_what_an_item_lacks(gate, sink):
    query = "?ddsource=nginx&service=from%20query&hostname=q-host&ddtags=env:q,version:1%2B2,team:a"
    items = [{"message": "a"},
             {"message": "b", "service": "own", "hostname": "own-host", "ddsource": "redis", "ddtags": "env:own,team:b"}]
    assert gate.post("/api/v2/logs" + query, json.dumps(items), JSON).status == 202
    a, b = sink.wait_records(2)
    assert (a.resource["service.name"], a.resource["host.name"]) == ("from query", "q-host")
    assert (a.resource["deployment.environment.name"], a.resource["service.version"]) == ("q", "1+2")
    assert (a.attributes["datadog.log.source"], a.attributes["team"]) == ("nginx", "a")
    assert (b.resource["service.name"], b.resource["host.name"]) == ("own", "own-host")
    assert b.resource["deployment.environment.name"] == "own"
    assert (b.attributes["datadog.log.source"], b.attributes["team"]) == ("redis", "b")


def test_a_documented_item_arrives_whole(gate, sink):
    trace = 0x1234567890ABCDEF
    item = {"ddsource": "python", "ddtags": "env:prod,version:5.1", "hostname": "i-012345678", "service": "payment", "status": "error",
            "timestamp": 1700000000123, "message": "card declined", "order": {"id": 7}, "dd.trace_id": str(trace), "dd.span_id": "17"}
    assert gate.post("/api/v2/logs", json.dumps([item]), JSON).status == 202
    record = sink.wait_records(1)[0]
    assert (record.body, record.time, record.severity, record.severity_text) == ("card declined", 1700000000123000000, 17, "error")
    assert record.resource == {"service.name": "payment", "service.version": "5.1", "deployment.environment.name": "prod",
                               "host.name": "i-012345678"}
    assert (record.trace_id, record.span_id) == (f"{trace:032x}", f"{17:016x}")
    assert "dd.trace_id" not in record.attributes


@pytest.mark.parametrize("path, status", [("/api/v2/logs", 202), ("/v1/input", 200), ("/v1/input/" + KEY, 200)])
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b" [{}]\n"])
def test_probes_succeed_and_are_no_records(gate, sink, path, status, body):
    assert gate.post(path, body, JSON).status == status
    assert gate.post("/api/v2/logs", b'{"message":"a"}', JSON).status == 202
    assert [r.body for r in sink.wait_records(1)] == ["a"]
    gate.stop()
    assert gate.ledger.intake("logs") == {"received": 1, "accepted": 1}


def test_validate(gate):
    answer = gate.request("GET", "/api/v1/validate")
    assert (answer.status, json.loads(answer.body)) == (200, {"valid": True})


@pytest.mark.parametrize("body, place, seen", [
    (b'[{"message":"a"},{"message":"b"},{]', "offset 34", 3),
    (b'{"message":"a"', "offset 14", 1),
    (b'[{"message":"a"},7]', "offset 17", 2),
    (b"not json", "offset 0", 1),
])
def test_of_malformed_json_nothing_is_used(gate, sink, body, place, seen):
    answer = gate.post("/api/v2/logs", body, JSON)
    assert answer.status == 400 and place in answer.body.decode(), answer
    assert gate.post("/api/v2/logs", b'{"message":"good"}', JSON).status == 202
    assert [r.body for r in sink.wait_records(1)] == ["good"]
    gate.stop()
    assert (gate.refused("bad_payload"), gate.ledger.intake("logs")["accepted"]) == (seen, 1)


def test_bad_logplex_and_bad_encodings(gate):
    answer = gate.post("/api/v2/logs", b"5 hello 99 short", {"Content-Type": "application/logplex-1"})
    assert answer.status == 400 and "offset 8" in answer.body.decode()
    assert gate.post("/api/v2/logs", b"junk", {**JSON, "Content-Encoding": "gzip"}).status == 400
    assert gate.post("/api/v2/logs", b"[]", {**JSON, "Content-Encoding": "br"}).status == 415
    assert gate.request("GET", "/api/v2/logs").status == 405
    assert gate.post("/api/v2/log", b"[]", JSON).status == 404


def test_limits(gate, sink):
    def logs(n, size=1):
        return json.dumps([{"message": "m" * size}] * n).encode()
    assert gate.post("/api/v2/logs", logs(1000), JSON).status == 202
    answer = gate.post("/api/v2/logs", logs(1001), JSON)
    assert answer.status == 413 and b"too many records: 1001" in answer.body and b"max_records" in answer.body
    assert gate.post("/api/v2/logs", b"x" * (5 * MIB + 1), TEXT).status == 413
    assert gate.post("/api/v2/logs", gzip.compress(b" " * (5 * MIB + 1)), {**JSON, "Content-Encoding": "gzip"}).status == 413
    assert gate.post("/api/v2/logs", logs(999, 5000), JSON).status == 202
    sink.wait_records(1999)
    gate.stop()
    assert (gate.refused("too_many"), gate.ledger.intake("logs")["accepted"]) == (1001, 1999)


def test_long_records_are_cut_and_say_so(gate, sink):
    long = "é" * MIB  # twice that in bytes
    items = [{"message": long, "service": "web", "n": 1}, {"message": "short"}]
    assert gate.post("/api/v2/logs", json.dumps(items, ensure_ascii=False), JSON).status == 202
    assert gate.post("/api/v2/logs", long + "\nshort", TEXT).status == 202
    item, short, line, last = sink.wait_records(4)
    for record in (item, line):
        missing = record.attributes["log.record.truncated_bytes"]
        assert set(record.body) == {"é"} and len(record.body.encode()) + missing == 2 * MIB
        assert MIB - 100 < len(record.body.encode()) <= MIB
    assert (item.resource["service.name"], item.attributes["n"]) == ("web", 1)
    assert [r.body for r in (short, last)] == ["short", "short"] and "log.record.truncated_bytes" not in last.attributes


def test_a_request_of_too_many_short_lines_is_413_and_bounded(gate, sink):
    assert gate.post("/v1/write/logstreaming", b"a\n" * (5 * MIB // 2)).status == 413
    assert gate.post("/v1/write/logstreaming", b"a line of the usual length, that is to say, not much longer than this one is\n" * 60000).status == 200
    sink.wait_records(60000)
    gate.stop()
    assert gate.refused("budget") == 5 * MIB // 2 and gate.ledger.intake("logs")["accepted"] == 60000


HOSTILE = {
    "garbage": (JSON, bytes(range(256)) * 1000, 400),
    "garbage as text": (TEXT, bytes(range(256)) * 1000, 202),
    "no UTF-8": (JSON, b'{"message":"\xff\xfe\xc3("}', 202),
    "deep arrays": (JSON, b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}", 400),
    "deep objects": (JSON, b'{"a":' * 400 + b"1" + b"}" * 400, 202),
    "many members": (JSON, b"{" + b",".join(b'"k%d":%d' % (i, i) for i in range(50000)) + b"}", 202),
    "the same member again": (JSON, b'{' + b",".join([b'"message":"a"'] * 20000) + b"}", 202),
    "a long name": (JSON, b'{"' + b"n" * MIB + b'":1}', 202),
    "a bomb": ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(b"[" + b" " * (64 * MIB)), 413),
    "no end": ({**JSON, "Content-Encoding": "gzip"}, gzip.compress(b'[{"message":"a"}]')[:-6], 400),
    "NULs": (TEXT, b"\0" * MIB, 202),
    "one long line": (TEXT, b"x" * (4 * MIB), 202),
    "huge lengths": ({"Content-Type": "application/logplex-1"}, b"99999999 <13>1 x", 400),
    "escapes": (TEXT, b"\x1b]0;owned\x07\x1b[2J\n" * 1000, 202),
    "half pairs": (JSON, b'{"message":"\\ud800 \\udfff \\ud83d"}', 202),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_bodies(gate, sink, case):
    headers, body, status = HOSTILE[case]
    assert gate.post("/api/v2/logs", body, headers).status == status
    assert gate.post("/v1/write/logstreaming?type=influxdb", body, headers).status in (200, 400, 413)
    assert gate.post("/v1/write/logstreaming?type=firelens", body, headers).status in (200, 400, 413)
    assert gate.post("/api/v2/logs", b'{"message":"the next one"}', JSON).status == 202
    sink.wait(lambda s: "the next one" in s.bodies)
    gate.stop()  # with 0, and a ledger that balances


def test_hostile_queries(gate, sink):
    long = "a" * 20000
    for query in ("?" + "&".join(f"ddtags=k{i}:v" for i in range(2000)), f"?service={long}", "?%00=%00&%zz&&&=&==", "?ddtags=" + "%3A%2C" * 500,
                  "?ddsource=..%2F..%2Fetc%2Fpasswd&service=%ff%fe", "?tags=" + "=,:" * 300):
        for path in ("/api/v2/logs", "/v1/write/logstreaming"):
            with contextlib.suppress(ConnectionError):  # what libmicrohttpd has no room for, 32 KiB a connection
                assert gate.post(path + query, b"x", TEXT).status in (200, 202, 400, 414, 431)
    assert gate.post("/api/v2/logs", b'{"message":"the next one"}', JSON).status == 202
    sink.wait(lambda s: "the next one" in s.bodies)


def test_no_web_page_may_send(gate):
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}):
        assert gate.post("/api/v2/logs", b"x", {**TEXT, **headers}).status == 403


WAYS = {"DD-API-KEY": ("/api/v2/logs", {"DD-API-KEY": KEY}), "Bearer": ("/api/v2/logs", {"Authorization": f"Bearer {KEY}"}),
        "query": (f"/api/v2/logs?dd-api-key={KEY}&ddsource=x", {}), "path": (f"/v1/input/{KEY}", {}),
        "validate": ("/api/v1/validate", {"DD-API-KEY": KEY}), "streaming": ("/v1/write/logstreaming", {"X-Api-Key": KEY})}


@pytest.mark.parametrize("way", WAYS)
def test_keys(tmp_path, sink, way):
    path, headers = WAYS[way]
    method = "GET" if way == "validate" else "POST"
    with Gate(tmp_path, sink, http={"auth": {"token": KEY}}) as gate:
        assert gate.request(method, path, b"", headers).status in (200, 202)
        wrong = {k: v.replace("0123", "3210") for k, v in headers.items()}
        assert gate.request(method, path.replace("0123", "3210"), b"", wrong).status in (401, 403)
        assert gate.request(method, path.split("?")[0].replace(KEY, ""), b"").status == 401
        bad = gate.request("POST", path.replace("validate", "v"), b"{", {**JSON, **headers})  # one that is spoken of in the log
        assert bad.status in (400, 404, 200)
    assert KEY not in gate.stderr and "32103210" not in gate.stderr and KEY[:12] not in gate.stderr


def test_no_line_of_the_log_shows_a_key(tmp_path, sink):
    with Gate(tmp_path, sink, http={"auth": {"token": KEY}}) as gate:
        assert gate.post(f"/v1/input/{KEY}", b"{", JSON).status == 400
        gate.wait_stderr("/v1/input/***")
    with Gate(tmp_path / "open", sink) as gate:  # a key that nobody asked for is one all the same
        assert gate.post(f"/v1/input/{KEY}?dd-api-key={KEY}", b"{", JSON).status == 400
        gate.wait_stderr("/v1/input/***")
        assert KEY not in gate.stderr


def test_a_full_queue_is_429_and_all_or_nothing(tmp_path, sink):
    sink.hold()
    batch = json.dumps([{"message": "x" * 1000, "n": n} for n in range(500)])
    with Gate(tmp_path, sink, queue_size="1MiB", when_full="reject", in_flight=1) as gate:
        taken = 0
        while (answer := gate.post("/api/v2/logs", batch, JSON)).status == 202:
            taken += 1
            assert taken < 100
        assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
        sink.release()
        sink.wait_records(500 * taken)
        refused = 1
        while gate.post("/api/v2/logs", batch, JSON).status != 202:  # as a sender does that was told to come again
            refused += 1
        records = sink.wait_records(500 * (taken + 1))
    assert sorted(r.attributes["n"] for r in records) == sorted(list(range(500)) * (taken + 1))
    assert gate.refused("queue_full") == 500 * refused


def test_a_body_that_does_not_come_is_408(tmp_path, sink):
    with Gate(tmp_path, sink, http={"receive_timeout": "200ms"}) as gate:
        connection = gate.connection()
        connection.putrequest("POST", "/api/v2/logs")
        connection.putheader("Content-Length", "100")
        connection.endheaders(b"[")
        assert connection.getresponse().status == 408
        connection.close()


def test_many_senders_at_once(gate, sink):
    def send(worker):
        connection = gate.connection()
        for n in range(20):
            answer = gate.post("/api/v2/logs", json.dumps([{"message": f"{worker}/{n}/{i}"} for i in range(10)]), JSON, connection=connection)
            assert answer.status == 202
        connection.close()
    threads = [threading.Thread(target=send, args=(w,)) for w in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    bodies = [r.body for r in sink.wait_records(1600)]
    assert sorted(bodies) == sorted(f"{w}/{n}/{i}" for w in range(8) for n in range(20) for i in range(10))


def test_a_reload_changes_options_and_keys_under_way(tmp_path, sink):
    with Gate(tmp_path, sink, http={"auth": {"token": KEY}, "service": "before"}) as gate:
        assert gate.post("/api/v2/logs", b"one", {**TEXT, "DD-API-KEY": KEY}).status == 202
        conf = gate.directory / "ddgate.conf"
        conf.write_text(conf.read_text().replace(KEY, KEY[::-1]).replace("before", "after"))
        gate.signal(signal.SIGHUP)
        gate.wait_stderr("was read again")
        assert gate.post("/api/v2/logs", b"two", {**TEXT, "DD-API-KEY": KEY[::-1]}).status == 202
        assert gate.post("/api/v2/logs", b"three", {**TEXT, "DD-API-KEY": KEY}).status == 403
        one, two = sink.wait_records(2)
    assert [r.resource["service.name"] for r in (one, two)] == ["before", "after"]


# --- Datakit ---

def stream(gate, query, body, headers=None):
    answer = gate.post("/v1/write/logstreaming" + query, body, headers)
    assert (answer.status, json.loads(answer.body)) == (200, {"status": "success"})


def test_streaming_of_lines(gate, sink):
    stream(gate, "?source=nginx&service=shop&tags=env%3Dprod,team=a=b", "one\n\ntwo\r\n")
    stream(gate, "?source=redis", "three")
    stream(gate, "", "four")
    records = sink.wait_records(4)
    assert [r.body for r in records] == ["one", "two", "three", "four"]
    assert [r.attributes["datadog.log.source"] for r in records] == ["nginx", "nginx", "redis", "default"]
    assert [r.resource["service.name"] for r in records] == ["shop", "shop", "redis", "default"]
    assert (records[0].resource["deployment.environment.name"], records[0].attributes["team"]) == ("prod", "a=b")


def test_the_receivers_own_source_and_service_stand_where_the_sender_names_none(tmp_path, sink):
    with Gate(tmp_path, sink, http={"source": "mine", "service": "ours"}) as gate:
        stream(gate, "", "one")
        stream(gate, "?source=theirs", "two")
        records = sink.wait_records(2)
        assert [(r.attributes["datadog.log.source"], r.resource["service.name"]) for r in records] == [("mine", "ours"), ("theirs", "ours")]


def test_streaming_of_line_protocol(gate, sink):
    stream(gate, "?type=influxdb&precision=s&service=q",
           'nginx,host=h1,service=shop message="GET /",status="warning",code=200i,ok=true 1700000000\nredis message="set" 1700000001\n')
    a, b = sink.wait_records(2)
    assert (a.body, a.time, a.severity) == ("GET /", 1700000000 * 10**9, 13)
    assert (a.attributes["datadog.log.source"], a.attributes["code"], a.attributes["ok"]) == ("nginx", 200, True)
    assert (a.resource["service.name"], a.resource["host.name"]) == ("shop", "h1")
    assert (b.body, b.attributes["datadog.log.source"], b.resource["service.name"]) == ("set", "redis", "q")
    answer = gate.post("/v1/write/logstreaming?type=influxdb", b"a f=1\nb")
    assert answer.status == 400 and "offset 7" in answer.body.decode()


@pytest.mark.parametrize("headers, body", [
    ({}, 'nginx,host=h1,service=shop message="GET /",status="warning",code=200i 1700000000\nredis message="set" 1700000001\n'),
    (JSON, json.dumps([{"measurement": "nginx", "tags": {"host": "h1", "service": "shop"}, "time": 1700000000,
                        "fields": {"message": "GET /", "status": "warning", "code": 200}},
                       {"measurement": "redis", "fields": {"message": "set"}, "time": 1700000001}]))])
def test_points_of_datakit(gate, sink, headers, body):
    answer = gate.post("/v1/write/logging?precision=s&input=me", body, headers)
    assert (answer.status, answer.body) == (200, b"")
    a, b = sink.wait_records(2)
    assert (a.body, a.time, a.severity) == ("GET /", 1700000000 * 10**9, 13)
    assert (a.attributes["datadog.log.source"], a.attributes["code"]) == ("nginx", 200)
    assert (a.resource["service.name"], a.resource["host.name"]) == ("shop", "h1")
    assert (b.body, b.attributes["datadog.log.source"]) == ("set", "redis")
    assert gate.post("/v1/write/logging", "[" if headers else body.splitlines()[1][:-14], headers).status == 400


def test_ping_of_datakit(gate):
    answer = gate.request("GET", "/v1/ping")
    said = json.loads(answer.body)["content"]
    assert answer.status == 200 and said["version"] and said["uptime"].endswith("s")


def test_what_the_exporter_for_datakit_writes_is_read(tmp_path, sink):
    """One gateway sends line protocol to another."""
    item = {"message": 'a "b"\n\\c', "status": "error", "ddsource": "nginx", "service": "web", "hostname": "h1", "ddtags": "env:prod,version:2",
            "code": 200, "ratio": 0.5, "ok": True, "dd.trace_id": "255", "dd.span_id": "254"}
    with Gate(tmp_path / "second", sink) as second:
        first = Gate(tmp_path / "first", sink, type="datakit", endpoint=f"http://127.0.0.1:{second.port}")
        with first:
            assert first.post("/api/v2/logs", json.dumps(item), JSON).status == 202
        (record,) = sink.wait_records(1)
    assert (record.body, record.severity, record.severity_text) == (item["message"], 17, "error")
    assert record.resource.items() >= {"service.name": "web", "host.name": "h1", "deployment.environment.name": "prod", "service.version": "2"}.items()
    assert record.attributes.items() >= {"datadog.log.source": "nginx", "code": 200, "ratio": 0.5, "ok": True}.items()
    assert (record.trace_id, record.span_id) == (f"{255:032x}", f"{254:016x}")


def test_streaming_of_firelens(gate, sink):
    items = [{"date": 1700000000.25, "log": "hello", "source": "stdout", "container_name": "web", "ecs_cluster": "c"}]
    stream(gate, "?type=firelens&source=ecs", json.dumps(items), JSON)
    stream(gate, "?type=firelens&source=ecs", "no json")
    a, b = sink.wait_records(2)
    assert (a.body, a.time, a.attributes["firelens_source"]) == ("hello", 1700000000_250000000, "stdout")
    assert a.attributes["datadog.log.source"] == "ecs" and a.attributes["ecs_cluster"] == "c"
    assert b.body == "no json"


def test_the_source_or_the_sender_finds_the_script(tmp_path, sink):
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "shop.p").write_text('grok(_, "%{WORD:verb} %{NUMBER:size:int}")\nadd_key(by, "shop")')
    (scripts / "other.p").write_text('add_key(by, "other")')
    with Gate(tmp_path / "gate", sink, top={"pipelines": {"directory": str(scripts)}}) as gate:
        stream(gate, "?source=shop", "GET 12")
        stream(gate, "?source=shop&pipeline=other.p", "GET 12")
        stream(gate, "?source=unknown&pipeline=../../etc/passwd", "GET 12")
        assert gate.post("/api/v2/logs?ddsource=shop", b"PUT 7", TEXT).status == 202
        shop, other, none, intake = sink.wait_records(4)
    assert (shop.attributes["by"], shop.attributes["verb"], shop.attributes["size"]) == ("shop", "GET", 12)
    assert other.attributes["by"] == "other" and "verb" not in other.attributes
    assert "by" not in none.attributes and none.body == "GET 12"
    assert (intake.attributes["by"], intake.attributes["verb"]) == ("shop", "PUT")


# --- what shippers send, by their documentation ---

def test_vector_and_fluent_bit(gate, sink):
    vector = [{"ddsource": "vector", "ddtags": "env:prod,app:web", "hostname": "h", "message": "from vector", "service": "web",
               "status": "info", "timestamp": 1700000000123}]
    assert gate.post("/api/v2/logs", gzip.compress(json.dumps(vector).encode()),
                     {**JSON, "Content-Encoding": "gzip", "DD-API-KEY": KEY, "DD-EVP-ORIGIN": "vector"}).status == 202
    fluent = [{"timestamp": 1700000000456, "ddsource": "fluent-bit", "service": "web", "ddtags": "team:a", "message": "from fluent bit",
               "tag_key": "kube.var.log"}]
    assert gate.post("/api/v2/logs", json.dumps(fluent), {**JSON, "DD-API-KEY": KEY}).status == 202
    a, b = sink.wait_records(2)
    assert (a.body, a.time, a.attributes["app"], a.resource["service.name"]) == ("from vector", 1700000000123 * 10**6, "web", "web")
    assert (b.body, b.time, b.attributes["team"], b.attributes["tag_key"]) == ("from fluent bit", 1700000000456 * 10**6, "a", "kube.var.log")


# --- beside traces, and on standard output ---

class Both(Ddgate):
    """Traces and logs on one address, printed."""

    def __init__(self, directory, **stdout):
        port = free_port()
        listen = [f"127.0.0.1:{port}"]
        rows = {"receivers": ({"type": "ddtrace", "listen": listen, "socket": ""}, {"type": "http", "listen": listen}),
                "exporters": ({"type": "stdout", **stdout},)}
        super().__init__(directory, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()), port=port)


TRACE, UPPER = 0x1234567890ABCDEF, "6b00e75f00000000"


def chunk():
    root = payloads.span(trace_id=TRACE, span_id=1, parent_id=0, name="web.request", service="shop", meta={"_dd.p.tid": UPPER})
    return payloads.v04([root, payloads.span(trace_id=TRACE, span_id=2, parent_id=1, name="load", resource="load", service="shop", meta={})])


def log(text, span, **more):
    return {"message": text, "service": "shop", "status": "info", "dd.trace_id": str(TRACE), "dd.span_id": str(span), **more}


def test_one_address_for_traces_and_logs(tmp_path):
    with Both(tmp_path, format="otlp_json") as gate:
        assert json.loads(gate.request("GET", "/info").body)["endpoints"][0] == "/v0.3/traces"
        assert gate.request("POST", "/api/v2/logs", json.dumps([log("a", 2)]).encode(), JSON).status == 202
        assert gate.put("/v0.4/traces", chunk(), MSGPACK).status == 200
        lines = gate.wait_stdout(lambda text: text.count("\n") == 2).splitlines()
    logs, traces = sorted((json.loads(line) for line in lines), key=lambda x: "resourceSpans" in x)
    record = logs["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    span = traces["resourceSpans"][0]["scopeSpans"][0]["spans"][1]
    assert (record["traceId"], record["spanId"]) == (span["traceId"], span["spanId"]) == (UPPER + f"{TRACE:016x}", f"{2:016x}")
    assert record["body"] == {"stringValue": "a"} and record["severityNumber"] == 9 and record["observedTimeUnixNano"].isdigit()
    for line in lines:
        parse_json_line(line)


def test_logs_stand_below_their_spans(tmp_path):
    with Both(tmp_path) as gate:
        assert gate.request("POST", "/api/v2/logs", json.dumps(
            [log("first\nsecond line", 2, status="error", order=42), log("of the trace", 99)]).encode(), JSON).status == 202
        assert gate.put("/v0.4/traces", chunk(), MSGPACK).status == 200
        text = gate.wait_stdout(lambda t: "of the trace" in t)
        assert gate.request("POST", "/api/v2/logs", json.dumps([log("too late", 2), {"message": "alone", "service": "cron"}]).encode(),
                            JSON).status == 202
        gate.wait_stdout(lambda t: "too late" in t and "alone" in t)
        lines = text.splitlines()
        at = next(i for i, line in enumerate(lines) if "─ load" in line)
        assert lines[at + 1].rstrip().endswith("» error first  order=42") and lines[at + 2].strip() == "second line"
        assert "» info  of the trace" in lines[at + 3], text
        late = next(line for line in gate.stdout.splitlines() if "too late" in line)
        assert late.endswith("info  shop  too late  · trace …90abcdef")
    assert gate.ledger.exporter("stdout", "logs") == {"sent": 4}
    assert "\x1b" not in gate.stdout


def test_a_log_whose_trace_does_not_come_is_shown_alone(tmp_path):
    with Both(tmp_path, gather="100ms") as gate:
        assert gate.request("POST", "/api/v2/logs", json.dumps([log("orphan", 2)]).encode(), JSON).status == 202
        assert "· trace …90abcdef" in gate.wait_stdout(lambda t: "orphan" in t)


def test_a_stop_holds_nothing_back(tmp_path):
    with Both(tmp_path, gather="30s") as gate:
        assert gate.request("POST", "/api/v2/logs", json.dumps([log(f"waits {n}", 2) for n in range(100)]).encode(), JSON).status == 202
        gate.stop()
        assert [line.count("waits") for line in gate.stdout.splitlines()] == [1] * 100
    assert gate.ledger.exporter("stdout", "logs") == {"sent": 100}
