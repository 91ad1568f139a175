# SPDX-License-Identifier: Apache-2.0
"""Datakit's line protocol, printed and sent: the documented spans give the documented lines, byte for byte; what real tracers sent is
in the lines, read back by an independent parser; logs and metrics have lines, too; Datakit's answers are understood."""
import http.client
import json
import pathlib
import socket
from collections import defaultdict

import pytest
import recordings
from datakit_sink import DatakitSink, split_lines
from ddgate import Ddgate, conf_text, free_port
from http_sink import Status
from line_protocol_parser import parse_line
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from payloads import span, v04
from sending import QUICK

DOCUMENTED = pathlib.Path(__file__).resolve().parents[1] / "data" / "datakit"
HOST = "DESKTOP-7BK497S"
SPANS = (DOCUMENTED / "documented.json").read_bytes()
LINES = (DOCUMENTED / "documented.lines").read_text()
JSON = {"Content-Type": "application/json"}
# One text with all that line protocol and JSON treat in a way of their own.
HOSTILE = 'a,b=c d"e\\f\ng\th/é😀 \\'


@pytest.fixture
def datakit():
    sink = DatakitSink()
    yield sink
    sink.close()


def exporter(sink, **options):
    return {"type": "datakit", "endpoint": sink.endpoint, "name": "datakit", **QUICK, **options}


def printed(tmp_path, *requests, **options):
    """What stdout has of requests (path, body, headers)."""
    out = {"type": "stdout", "format": "line_protocol", **options}
    with Ddgate(tmp_path, exporters=[out], settings={"host_name": HOST}) as gate:
        for path, body, headers in requests:
            assert gate.put(path, body, headers).status == 200
    return gate.stdout


def test_the_documented_spans_are_the_documented_lines(tmp_path, datakit):
    with Ddgate(tmp_path, exporters=[exporter(datakit), {"type": "stdout", "format": "line_protocol"}], settings={"host_name": HOST}) as gate:
        assert gate.put("/v0.4/traces", SPANS, JSON).status == 200
        datakit.wait_lines("tracing", 8)
    assert "".join(line + "\n" for line in datakit.lines["tracing"]) == LINES
    assert gate.stdout == LINES
    assert gate.ledger.exporter("datakit") == {"sent": 8}


def test_texts_come_back_as_they_were(tmp_path):
    sent = span(service=HOSTILE, name=HOSTILE, resource=HOSTILE, type=HOSTILE, error=1, meta={"env": HOSTILE, "k,=\" \\": HOSTILE},
                metrics={"half": 0.5, "large": 2**53, "tiny": 1e-9})
    text = printed(tmp_path, ("/v0.4/traces", v04([sent]), None))
    (line,) = split_lines(text)
    point = parse_line(line)
    tag = HOSTILE.replace("\n", " ").replace("\t", " ").rstrip("\\")  # no tag has a line end, or ends with a backslash
    assert point["measurement"] == "ddtrace" and point["time"] == sent["start"]
    assert point["tags"] == {"env": tag, "host": HOST, "operation": tag, "service": tag, "span_type": "entry", "status": "error", "type": tag}
    message = json.loads(point["fields"]["message"])
    assert point["fields"]["resource"] == HOSTILE
    assert message == {"name": HOSTILE, "service": HOSTILE, "resource": HOSTILE, "type": HOSTILE, "start": sent["start"], "duration": 1000,
                       "meta": sent["meta"], "metrics": sent["metrics"], "span_id": sent["span_id"], "trace_id": sent["trace_id"],
                       "parent_id": 0, "error": 1}


def test_place_in_the_trace(tmp_path):
    root = span(name="root")
    child = span(name="child", trace_id=root["trace_id"], parent_id=root["span_id"])
    leaf = span(name="leaf", trace_id=root["trace_id"], parent_id=child["span_id"])
    other = span(name="other", service="db", trace_id=root["trace_id"], parent_id=child["span_id"])
    away = span(name="away", trace_id=root["trace_id"], parent_id=77)
    own_parent = span(name="own", trace_id=root["trace_id"], span_id=5, parent_id=5)
    text = printed(tmp_path, ("/v0.4/traces", v04([root, child, leaf, other, away, own_parent]), None))
    tags = [parse_line(line)["tags"] for line in split_lines(text)]
    assert {t["operation"]: t["span_type"] for t in tags} == {
        "root": "entry", "child": "local", "leaf": "exit", "other": "entry", "away": "entry", "own": "entry"}


def test_ids_in_hexadecimal(tmp_path):
    sent = span(trace_id=255, span_id=254, parent_id=253)
    (line,) = split_lines(printed(tmp_path, ("/v0.4/traces", v04([sent]), None), ids="hex"))
    fields = parse_line(line)["fields"]
    assert fields["trace_id"] == "64f0a1b200000000" + f"{255:016x}"
    assert (fields["span_id"], fields["parent_id"]) == (f"{254:016x}", f"{253:016x}")


def written(tag):
    """Text that was not UTF-8 has U+FFFD in JSON, more or fewer of them than another decoder makes."""
    return tag.replace("\ufffd", "") if isinstance(tag, str) else tag


def differs(point, sent):
    """What of a recorded span is not in its line."""
    fields, tags, message = point["fields"], point["tags"], json.loads(point["fields"]["message"])
    pairs = {"resource": (fields["resource"], sent.get("resource") or ""), "type": (tags["type"], sent.get("type") or "custom"),
             "parent": (fields["parent_id"], str(sent.get("parent_id") or 0)), "start": (fields["start"], sent["start"] // 1000),
             "duration": (fields["duration"], sent["duration"] // 1000), "status": (tags["status"], "error" if sent.get("error") else "ok")}
    for where in ("meta", "metrics"):
        have = message.get(where) or {}
        pairs.update({k: (written(have.get(k)), written(v)) for k, v in (sent.get(where) or {}).items() if k not in ("_dd.span_links", "events")})
    return {k: pair for k, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("client", sorted({name.split("/")[0] for name in recordings.folders()}))
def test_real_tracers_spans_are_in_the_lines(tmp_path, client):
    requests = [r for name, folder in recordings.folders().items() if name.split("/")[0] == client for r in recordings.load(name, folder)]
    sent = defaultdict(list)  # scenarios of one client may have the same ids
    for r in requests:
        for spans in r.chunks:
            for s in spans:
                sent[s["trace_id"], s["span_id"]].append(s)
    out = {"type": "stdout", "format": "line_protocol"}
    with Ddgate(tmp_path, {"keep_rejected": True, "obfuscate": False}, exporters=[out], uds=True) as gate:
        for r in requests:
            assert gate.request(r.method, r.path, r.body, r.headers, transport=r.transport).status == 200
    points = [parse_line(line) for line in split_lines(gate.stdout)]
    assert len(points) == sum(len(spans) for spans in sent.values())
    for p in points:
        wrong = [differs(p, s) for s in sent[p["fields"]["trace_id"], p["fields"]["span_id"]]]
        assert {} in wrong, (p, wrong)


def test_logs_and_metrics(tmp_path, datakit):
    port = free_port()
    receivers = ({"type": "http", "listen": [f"127.0.0.1:{port}"]}, {"type": "dogstatsd", "listen": [], "socket": tmp_path / "dsd.sock", "interval": "1s"})
    conf = {"receivers": receivers, "exporters": (exporter(datakit, compression="gzip"),), "admin": {"listen": "127.0.0.1:0"}, "host_name": HOST}
    with Ddgate(tmp_path, conf=conf_text(conf), port=port) as gate:
        item = {"ddsource": "nginx", "service": "web", "hostname": "h1", "ddtags": "env:prod,version:2", "message": HOSTILE, "status": "error",
                "code": 200, "ratio": 0.5, "ok": True, "dd.trace_id": "255", "dd.span_id": "254"}
        assert gate.request("POST", "/api/v2/logs", json.dumps([item]).encode(), JSON).status == 202
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as statsd:
            statsd.connect(str(tmp_path / "dsd.sock"))
            statsd.send(b"jvm.heap_memory:7.5|g|#service:web,env:prod,pool:old\nhits:3|c|#service:web\nlatency.seconds:1:3|d|#service:web")
        (log,) = datakit.wait_lines("logging", 1)
        points = datakit.wait_lines("metric", 3)
    assert all(r.headers["content-encoding"] == "gzip" for r in datakit.requests)
    assert (log["measurement"], log["tags"]["service"], log["tags"]["env"], log["tags"]["version"], log["tags"]["host"]) == (
        "nginx", "web", "prod", "2", "h1")
    fields = log["fields"]
    assert (fields["message"], fields["status"], fields["code"], fields["ratio"], fields["ok"]) == (HOSTILE, "error", 200, 0.5, True)
    assert (fields["trace_id"], fields["span_id"]) == ("255", "254")
    by_name = {p["measurement"]: p for p in points}
    assert by_name["jvm"]["fields"] == {"heap_memory": 7.5}
    assert by_name["jvm"]["tags"].items() >= {"service": "web", "env": "prod", "pool": "old", "host": HOST}.items()
    assert by_name["hits"]["fields"] == {"value": 3}
    assert by_name["latency"]["fields"] == {"seconds_count": 2, "seconds_sum": 4, "seconds_min": 1, "seconds_max": 3}
    assert gate.ledger.exporter("datakit", "logs") == {"sent": 1} and gate.ledger.exporter("datakit", "metrics") == {"sent": 3}


@pytest.mark.parametrize("answer", [
    Status(200, {"Content-Type": "application/json"}, b'{"content":{"points":1}}'), Status(204), Status(503, {"Retry-After": "0"}), Status(429)])
def test_what_was_taken_is_sent(tmp_path, datakit, answer):
    datakit.script(answer)
    with Ddgate(tmp_path, exporters=[exporter(datakit)]) as gate:
        assert gate.put("/v0.4/traces", v04([span()])).status == 200
        datakit.wait_lines("tracing", 1)
    assert gate.ledger.exporter("datakit") == {"sent": 1}


def test_what_is_refused_is_rejected(make_gate, datakit):
    datakit.script(Status(400, {"Content-Type": "application/json"}, b'{"error_code":"datakit.badPoint","message":"invalid point"}'))
    gate = make_gate(exporters=[exporter(datakit)])
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    gate.wait_stderr("invalid point")
    gate.stop(expect=3)
    assert gate.ledger.exporter("datakit") == {"rejected by the backend": 1}


def test_a_point_that_is_no_number_is_rejected(tmp_path, make_gate, datakit):
    """Line protocol has no infinity; its neighbours are sent."""
    port = free_port()
    gate = make_gate(conf=conf_text({"receivers": ({"type": "otlp", "http": [f"127.0.0.1:{port}"], "grpc": []},), "exporters": (exporter(datakit),)}))
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    for name, value in (("huge", float("inf")), ("small", 1.0)):
        metrics.add(name=name).gauge.data_points.add(as_double=value, time_unix_nano=1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    answer = gate.request("POST", "/v1/metrics", request.SerializeToString(), {"Content-Type": "application/x-protobuf"}, connection=connection)
    connection.close()
    assert answer.status == 200
    datakit.wait_lines("metric", 1)
    gate.stop(expect=3)
    assert gate.ledger.exporter("datakit", "metrics") == {"sent": 1, "rejected by the backend": 1}


@pytest.mark.parametrize("answer, remedy", [
    (Status(401), "check token and headers"),
    (Status(404), "There is no Datakit at this URL"),
    (Status(200, {"Content-Type": "text/html"}, b"<html>login</html>"), "a page for people"),
])
def test_what_is_no_datakit_takes_nothing(tmp_path, datakit, answer, remedy):
    datakit.script(answer)
    with Ddgate(tmp_path, exporters=[exporter(datakit, token="tkn_ secret")]) as gate:
        assert gate.put("/v0.4/traces", v04([span()])).status == 200
        gate.wait_stderr(remedy)
        datakit.wait_lines("tracing", 1)
    assert gate.ledger.exporter("datakit") == {"sent": 1}
    assert "/v1/write/tracing?precision=n&token=tkn_%20secret" in {r.path for r in datakit.requests}
    assert "tkn_" not in gate.stderr


def test_mistakes_in_the_configuration(tmp_path):
    gate = Ddgate(tmp_path, exporters=[{"type": "datakit"}, {"type": "datakit", "name": "b", "endpoint": "127.0.0.1:9529"},
                                       {"type": "datakit", "name": "c", "endpoint": "http://127.0.0.1", "token": "t" * 300}])
    assert gate.process.wait(20) == 2
    for words in ("exporters[0]", "endpoint", "exporters[1].endpoint", "exporters[2].token: is longer than 256 characters"):
        assert words in gate.stderr
