# SPDX-License-Identifier: Apache-2.0
"""OTLP out of Kafka: what arrives, what is set aside, and when offsets are committed. Against librdkafka's simulated cluster; a real
broker: test_live_compiled_kafka.py."""
import base64
import json
import signal
import subprocess
from collections import Counter

import pytest
from ddgate import BINARY, Ddgate, conf_text, grpc
from google.protobuf import json_format
from kafka_records import TRACE, committed, configuration, logs, numbers, sample, spans, until, wait_committed
from kafka_tools import Mock
from sinks import Stall

QUICK = {"session_timeout_ms": "4000", "heartbeat_interval_ms": "100"}  # a member that was killed is missed soon
SIGNAL, TYPE = "otelcol.signal", "content-type"


@pytest.fixture
def kafka():
    with Mock() as one:
        one.tell("topic otlp_spans 4")
        one.tell("topic otlp_logs 1")
        yield one


@pytest.fixture
def make_reader(kafka, make_gate):
    def make(exporters, settings=None, **options):
        return make_gate(conf=configuration(kafka.bootstrap, exporters, settings, **{"properties": QUICK, "topics": {"metrics": []}, **options}))
    return make


def binary(request):
    return request.SerializeToString()


def text(request):
    """OTLP's JSON: ids in hexadecimal."""
    root = json_format.MessageToDict(request)
    for one in root["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        one.update({key: base64.b64decode(one[key]).hex() for key in ("traceId", "spanId")})
    return json.dumps(root).encode()


def test_records_arrive_and_what_cannot_be_used_is_set_aside(make_reader, kafka, sink, tmp_path):
    bad_id = spans(50, 3)
    bad_id.resource_spans[0].scope_spans[0].spans[1].span_id = b"short"
    kafka.tell("topic mixed 1")
    kafka.write("otlp_spans", [(None, binary(spans(0, 2)), [], 0), (None, text(spans(2, 2)), [], 1)])
    kafka.write("mixed", [
        (TRACE.hex(), binary(spans(4)), [(SIGNAL, b"traces")]),
        (None, b"\x0a\xffnothing", [(SIGNAL, b"traces")]),
        (None, binary(logs("of a header")), [(SIGNAL, b"logs"), (TYPE, b"application/x-protobuf")]),
        (None, b"x" * 100, [(SIGNAL, b"events")]),
        ("a key", b"{]", [(SIGNAL, b"traces"), (TYPE, b"application/json")]),
        (None, b"<span/>", [(SIGNAL, b"traces"), (TYPE, b"text/xml")]),
        (None, binary(bad_id), [(SIGNAL, b"traces")]),
        (None, None, [(SIGNAL, b"traces")]),
        (None, binary(spans(9)), [(SIGNAL, b"traces")])])
    kafka.write("otlp_logs", [(None, binary(logs("of a topic")))])
    sink.script(*[Stall()] * 20)
    exporters = [grpc(sink, signals=["traces"]), {"type": "stdout", "format": "otlp_json", "signals": ["logs"]}]
    gate = make_reader(exporters, {"admin": {"listen": "127.0.0.1:0", "recent": "1MiB"}}, topics={"traces": ["otlp_spans", "^mix"], "metrics": []},
                       dead_letter={"directory": tmp_path})
    gate.wait_stdout(lambda out: "of a header" in out and "of a topic" in out)
    sink.wait(lambda s: s.requests, "a request that nobody answers")
    assert committed(kafka.bootstrap, "mixed", 1) == [-1001], "nothing of it is delivered"
    sink.release()
    wait_committed(kafka.bootstrap, "mixed", [9])
    wait_committed(kafka.bootstrap, "otlp_logs", [1])
    assert sorted(numbers(sink.spans)) == [0, 1, 2, 3, 4, 9, 50, 52]
    lines = [json.loads(line) for line in (tmp_path / "kafka.jsonl").read_text().splitlines()]
    assert [(x["topic"], x["partition"], x["offset"], x["reason"]) for x in lines] == [
        ("mixed", 0, 1, "malformed"), ("mixed", 0, 3, "unknown_signal"), ("mixed", 0, 4, "malformed"), ("mixed", 0, 5, "unknown_encoding"),
        ("mixed", 0, 6, "partial")]
    assert base64.b64decode(lines[2]["key"]) == b"a key" and base64.b64decode(lines[2]["value"]) == b"{]"
    assert base64.b64decode(lines[4]["value"]) == binary(bad_id) and lines[4]["detail"].startswith("1 of 3 items")
    assert sample(gate, "ddgate_kafka_faulty_records_total", reason="malformed") == 2
    assert sample(gate, "ddgate_kafka_lag_records", topic="mixed", partition="0") == 0
    rows = json.loads(gate.admin("/api/traces").body)["traces"]
    assert sum(row["spans"] for row in rows) == 8 and {row["receiver"] for row in rows} == {"kafka"}
    assert {log["body"] for log in json.loads(gate.admin("/api/logs").body)["logs"]} == {"of a header", "of a topic"}
    gate.stop()
    assert gate.ledger.intake("traces") == {"received": 9, "accepted": 8, ("refused", "bad_id"): 1}
    assert committed(kafka.bootstrap, "otlp_spans", 4) == [1, 1, -1001, -1001]


def cpu_seconds(gate):
    fields = open(f"/proc/{gate.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_a_kill_loses_nothing(make_reader, kafka, make_sink):
    """The backend is away, so partitions are paused; the process is killed; the next one delivers all, and reads little twice."""
    first = make_sink()
    kafka.write("otlp_spans", [(None, binary(spans(i * 100, 100)), [], i % 4) for i in range(300)])
    exporters = [grpc(first, queue_size="1MiB", batch={"bytes": "64KiB"}, in_flight=1)]
    first.judge = lambda _: Stall() if len(first.spans) > 5000 else None
    gate = make_reader(exporters, max_uncommitted=1000)
    until(lambda: sample(gate, "ddgate_kafka_paused_partitions") == 5, "all partitions are paused")
    before = cpu_seconds(gate)
    gate.signal(signal.SIGHUP)  # the same options: the consumer is left alone
    gate.wait_stderr("the configuration was read again")
    assert sample(gate, "ddgate_kafka_rebalances_total") == 1
    assert sample(gate, "ddgate_kafka_lag_records", topic="otlp_spans") > 0
    assert sample(gate, "ddgate_kafka_waits_total") == 1
    assert cpu_seconds(gate) - before < 0.3, "waiting costs next to nothing"
    gate.process.kill()
    gate.process.wait()
    held = len(first.spans)
    first.release()
    start = committed(kafka.bootstrap, "otlp_spans", 4)
    again = make_sink()
    second = make_reader([grpc(again)], buffer="1MiB")
    again.wait(lambda s: {i for i in numbers(s.spans)} | {i for i in numbers(first.spans[:held])} == set(range(30000)), "every span")
    wait_committed(kafka.bootstrap, "otlp_spans", [75] * 4)
    came = Counter(numbers(again.spans))
    assert max(came.values()) == 1
    assert len(came) == (300 - sum(max(offset, 0) for offset in start)) * 100, "exactly what was not committed came again"
    path = second.directory / "ddgate.conf"
    path.write_text(path.read_text().replace('"50ms"', '"60ms"'))
    second.signal(signal.SIGHUP)  # other options: a successor goes on where this one ended
    second.wait_stderr("5 partitions are given up")
    kafka.write("otlp_spans", [(None, binary(spans(30000)), [], 2)])
    again.wait(lambda s: 30000 in numbers(s.spans), "a record for the successor")
    assert max(Counter(numbers(again.spans)).values()) == 1


def test_with_storage_what_is_on_the_disk_is_committed(make_reader, kafka, make_sink, tmp_path):
    away = make_sink()
    away.script(*[Stall()] * 1000)
    kafka.write("otlp_spans", [(None, binary(spans(i)), [], 0) for i in range(500)])
    settings = {"storage": {"directory": str(tmp_path / "queue")}}
    gate = make_reader([grpc(away)], settings)
    wait_committed(kafka.bootstrap, "otlp_spans", [500, -1001, -1001, -1001])
    gate.process.kill()
    gate.process.wait()
    away.release()
    back = make_sink()
    make_reader([grpc(back)], settings)
    back.wait(lambda s: sorted(set(numbers(s.spans))) == list(range(500)), "all out of the disk queue")


BAD = {"no brokers": ({"brokers": []}, "brokers"),
       "a topic that cannot be": ({"topics": {"traces": ["a b"]}}, "topics.traces"),
       "an expression that is none": ({"topics": {"logs": ["^("]}}, "topics.logs"),
       "no topics": ({"topics": {"traces": [], "logs": [], "metrics": []}}, "there is no topic"),
       "a property that our guarantee stands on": ({"properties": {"enable_auto_commit": "true"}}, "offsets are committed after delivery"),
       "a property that is not": ({"properties": {"enable_magic": "true"}}, "enable"),
       "more memory than there is": ({"buffer": "1GiB"}, "max_memory"),
       "no such directory": ({"dead_letter": {"directory": "/nowhere"}}, "dead_letter.directory")}


@pytest.mark.parametrize("options, word", BAD.values(), ids=BAD)
def test_mistakes_are_found_by_check(tmp_path, options, word):
    path = tmp_path / "ddgate.conf"
    path.write_text(conf_text({"receivers": ({"type": "kafka", "brokers": ["127.0.0.1:1"], "sasl": {"mechanism": "PLAIN", "username": "u", "password": "swordfish"}, **options},),
                               "exporters": ({"type": "blackhole"},)}))
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2, done.stderr
    assert word in done.stderr and f"{path}:1" in done.stderr.replace("ddgate.conf:2", "ddgate.conf:1"), done.stderr
    assert "swordfish" not in done.stdout + done.stderr


def test_a_cluster_that_is_away_is_said_once(tmp_path):
    with Ddgate(tmp_path, conf=configuration("127.0.0.1:1", [{"type": "blackhole"}])) as gate:
        gate.wait_stderr("receiver=kafka")
    assert gate.stderr.count("Connection refused") == 1, gate.stderr
