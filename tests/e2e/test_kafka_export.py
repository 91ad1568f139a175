# SPDX-License-Identifier: Apache-2.0
"""The exporter kafka against a simulated cluster: what records hold, where they go, and what becomes of them when brokers refuse, fail or are away."""
import collections
import http.client
import json
import random
import shutil
import signal
import subprocess

import log_sink
import metric_sink
import otlp
import pytest
from ddgate import free_port
from kafka_tools import (INVALID_RECORD, MSG_SIZE_TOO_LARGE, NOT_LEADER, OUT_OF_ORDER_SEQUENCE, PRODUCE, TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC,
                         Mock)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from payloads import span, trace, v04
from sending import QUICK, ids, send

# Partitions of twelve that franz-go 1.22.2, with which the collector's exporter 0.165 sends, finds for these keys: by kgo.SaramaCompatHasher of
# FNV-1a (its default), and by murmur2 (its default without a hasher, and that of Java's client).
PARTITIONS = {"64f0a1b2000000000000000000000001": (4, 1), "64f0a1b2000000009e3779b97f4a7c16": (9, 7), "64f0a1b2000000003c6ef372fe94f82b": (0, 0),
              "64f0a1b200000000daa66d2c7ddf7440": (0, 6), "64f0a1b20000000078dde6e5fd29f055": (10, 2), "64f0a1b2000000001715609f7c746c6a": (1, 3),
              "64f0a1b200000000b54cda58fbbee87f": (0, 3), "64f0a1b200000000538454127b096494": (8, 11)}


@pytest.fixture
def kafka():
    with Mock() as one:
        yield one


def exporter(kafka, **options):
    return dict(type="kafka", brokers=kafka.brokers, **{**QUICK, **options})


def spans_of(records, read=ExportTraceServiceRequest.FromString):
    return [one for r in records for one in otlp.flatten(read(r.value))]


def wait_spans(kafka, n, topic="otlp_spans"):
    records = kafka.wait(topic, lambda records: len(spans_of(records)) >= n, f"{n} spans")
    return spans_of(records)


def sent(gate, signal_name="traces"):
    return gate.ledger.exporter("kafka", signal_name)


# --- what records hold ---

def otlp_gate(make_gate, kafka, **options):
    """Takes OTLP over HTTP on the returned port, besides traces."""
    port = free_port()
    ddtrace = {"type": "ddtrace", "listen": [f"127.0.0.1:{free_port()}"], "socket": ""}
    return make_gate(settings={"receivers": (ddtrace, {"type": "otlp", "http": [f"127.0.0.1:{port}"], "grpc": []})},
                     exporters=[exporter(kafka, **options)]), port


def post(gate, port, path, message):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    answer = gate.request("POST", path, message.SerializeToString(), {"Content-Type": "application/x-protobuf"}, connection=connection)
    connection.close()
    assert answer.status == 200, answer


def logs(n, trace_id=b""):
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for i in range(n):
        scope.log_records.add(time_unix_nano=1 + i, trace_id=trace_id).body.string_value = f"record {i}"
    return request


def points(n, text=""):
    request = ExportMetricsServiceRequest()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="load", unit="1")
    for i in range(n):
        point = metric.gauge.data_points.add(time_unix_nano=1 + i, as_int=i)
        point.attributes.add(key="text").value.string_value = text
    return request


def test_traces_logs_and_metrics_come_to_their_topics(make_gate, kafka):
    gate, port = otlp_gate(make_gate, kafka, topics={"logs": "lines"})
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="one", start_time_unix_nano=1, end_time_unix_nano=2)
    post(gate, port, "/v1/traces", request)
    post(gate, port, "/v1/logs", logs(2))
    post(gate, port, "/v1/metrics", points(3))
    assert [s.name for s in wait_spans(kafka, 1)] == ["one"]
    lines = kafka.wait("lines", len)
    assert [r.body for line in lines for r in log_sink.flatten(ExportLogsServiceRequest.FromString(line.value))] == ["record 0", "record 1"]
    metrics = kafka.wait("otlp_metrics", len)
    assert [p.value for m in metrics for p in metric_sink.flatten(ExportMetricsServiceRequest.FromString(m.value))] == [0, 1, 2]
    assert {(r.key, r.headers) for r in kafka.reader("otlp_spans").records} == {(None, (("otelcol.signal", b"traces"),))}
    assert [r.headers for r in lines + metrics] == [(("otelcol.signal", b"logs"),), (("otelcol.signal", b"metrics"),)]
    gate.stop()
    assert [sent(gate, s)["sent"] for s in ("traces", "logs", "metrics")] == [1, 2, 3]


def test_text(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka, encoding="otlp_json", max_message="4KB")])
    spans = send(gate, 60)
    got = kafka.wait("otlp_spans", lambda records: len(spans_of(records, lambda v: otlp.parse_json_line(v.decode()))) >= 60)
    assert ids(spans_of(got, lambda v: otlp.parse_json_line(v.decode()))) == ids(spans)
    assert all(len(r.value) <= 4000 for r in got) and all(isinstance(json.loads(r.value)["resourceSpans"], list) for r in got)


@pytest.mark.parametrize("partitioner", ["fnv1a", "murmur2"])
def test_a_trace_is_a_record_on_the_partition_where_the_collector_puts_it(make_gate, kafka, partitioner):
    kafka.tell("topic otlp_spans 12")
    gate = make_gate(exporters=[exporter(kafka, partition_by="trace_id", partitioner=partitioner, batch={"delay": "300ms"})])
    chunks = [trace(3, trace_id=int(key[16:], 16)) for key in PARTITIONS]
    assert gate.put("/v0.4/traces", v04(*chunks)).status == 200
    assert gate.put("/v0.4/traces", v04(trace(2, trace_id=1))).status == 200
    wait_spans(kafka, 26)
    records = kafka.reader("otlp_spans").records
    which = ["fnv1a", "murmur2"].index(partitioner)
    assert {r.key.decode(): r.partition for r in records} == {key: both[which] for key, both in PARTITIONS.items()}
    for record in records:
        assert {s.trace_id for s in spans_of([record])} == {record.key.decode()}
    assert len(records) == 8, "both chunks of a trace came within the batch's delay: they are one record"


def test_log_records_go_by_their_trace_and_points_by_none(make_gate, kafka):
    gate, port = otlp_gate(make_gate, kafka, partition_by="trace_id")
    request = logs(2, b"a" * 16)
    request.MergeFrom(logs(1, b"b" * 16))
    request.MergeFrom(logs(3))
    post(gate, port, "/v1/logs", request)
    post(gate, port, "/v1/metrics", points(2))
    records = kafka.wait("otlp_logs", lambda records: len(records) == 3)
    count = {r.key: len(log_sink.flatten(ExportLogsServiceRequest.FromString(r.value))) for r in records}
    assert count == {b"61" * 16: 2, b"62" * 16: 1, None: 3}
    assert [r.key for r in kafka.wait("otlp_metrics", len)] == [None]


def noise(n, seed=1):
    return "".join(random.Random(seed).choices("abcdefghij", k=n))


@pytest.mark.parametrize("partition_by", ["none", "trace_id"])
def test_requests_are_cut_to_max_message(make_gate, kafka, partition_by):
    gate = make_gate(exporters=[exporter(kafka, max_message="20KB", partition_by=partition_by)])
    spans = send(gate, 100, meta={"env": "test", "text": noise(1000)})
    assert ids(wait_spans(kafka, 100)) == ids(spans)
    records = kafka.reader("otlp_spans").records
    assert max(len(r.value) for r in records) <= 20_000 and len(records) <= 10, [len(r.value) for r in records]
    assert {s.resource["service.name"] for s in spans_of(records)} == {"shop"}


def test_a_metric_is_cut_between_its_points(make_gate, kafka):
    gate, port = otlp_gate(make_gate, kafka, max_message="20KB")
    post(gate, port, "/v1/metrics", points(100, noise(1000)))

    def flat(records):
        return [p for r in records for p in metric_sink.flatten(ExportMetricsServiceRequest.FromString(r.value))]
    records = kafka.wait("otlp_metrics", lambda records: len(flat(records)) >= 100)
    assert sorted(p.value for p in flat(records)) == list(range(100)) and {(p.name, p.unit) for p in flat(records)} == {("load", "1")}
    assert max(len(r.value) for r in records) <= 20_000
    gate.stop()
    assert sent(gate, "metrics")["sent"] == 100


def test_a_span_that_is_too_large_alone_is_rejected_and_set_aside(make_gate, kafka, tmp_path):
    (tmp_path / "dead").mkdir()
    gate = make_gate(exporters=[exporter(kafka, max_message="20KB", dead_letter={"directory": tmp_path / "dead"})])
    spans = trace(5)
    spans[2]["meta"] = {"env": "test", "text": noise(30_000)}
    assert gate.put("/v0.4/traces", v04(spans)).status == 200
    assert ids(wait_spans(kafka, 4)) == ids(spans[:2] + spans[3:])
    gate.wait_stderr("larger than max_message, 20000 bytes")
    gate.stop()
    assert sent(gate) == {"sent": 4, "set aside": 1}, sent(gate)
    [line] = (tmp_path / "dead/kafka.jsonl").read_text().splitlines()
    assert ids(otlp.flatten(otlp.parse_json_line(line))) == ids(spans[2:3])


def test_kcat_reads_the_records(make_gate, kafka):
    if not shutil.which("kcat"):
        pytest.skip("kcat is not here")
    gate = make_gate(exporters=[exporter(kafka, partition_by="trace_id", compression="zstd")])
    [root] = send(gate, 1)
    wait_spans(kafka, 1)
    done = subprocess.run(["kcat", "-b", kafka.bootstrap, "-C", "-t", "otlp_spans", "-o", "beginning", "-e", "-q", "-f", "%k %h %S\\n"],
                          capture_output=True, text=True, timeout=60, check=True)
    [record] = kafka.reader("otlp_spans").records
    assert done.stdout == f"64f0a1b200000000{root['trace_id']:016x} otelcol.signal=traces {len(record.value)}\n"


# --- brokers that refuse, fail, are away ---

def test_passing_trouble_is_tried_again_and_nothing_is_there_twice(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka)])
    kafka.errors(PRODUCE, NOT_LEADER, NOT_LEADER)
    spans = send(gate, 3)
    assert ids(wait_spans(kafka, 3)) == ids(spans)
    gate.stop()
    assert sent(gate) == {"sent": 3} and len(spans_of(kafka.reader("otlp_spans").poll())) == 3


def test_a_broker_that_is_away_is_named_and_waited_for(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka, timeout="500ms")])
    kafka.down()
    first = send(gate, 3)
    gate.wait_stderr("Connection refused")
    assert f"{kafka.bootstrap}/" in gate.stderr and "is the broker running at that address?" in gate.stderr
    second = send(gate, 2)
    kafka.up()
    assert ids(wait_spans(kafka, 5)) == ids(first + second)
    gate.wait_stderr("the backend takes data again")
    gate.stop()
    assert sent(gate) == {"sent": 5}


def test_an_unknown_topic_is_explained_and_waited_for(make_gate, kafka):
    kafka.tell("topic otlp_spans 1")
    kafka.tell(f"topic_error otlp_spans {UNKNOWN_TOPIC}")
    gate = make_gate(exporters=[exporter(kafka, properties={"topic_metadata_propagation_max_ms": "100", "topic_metadata_refresh_interval_ms": "200"})])
    spans = send(gate, 3)
    gate.wait_stderr("topic otlp_spans: the broker does not know this topic (")
    assert "create it (kafka-topics.sh --create), or correct its name in topics" in gate.stderr
    kafka.tell("topic_error otlp_spans 0")
    assert ids(wait_spans(kafka, 3)) == ids(spans)
    gate.stop()
    assert sent(gate) == {"sent": 3}


def test_a_topic_that_the_user_may_not_use_is_explained_and_waited_for(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka)])
    kafka.errors(PRODUCE, TOPIC_AUTHORIZATION_FAILED)
    spans = send(gate, 3)
    assert ids(wait_spans(kafka, 3)) == ids(spans)
    assert "topic otlp_spans: the user may not use this topic (TOPIC_AUTHORIZATION_FAILED)" in gate.stderr
    assert "grant the user WRITE and DESCRIBE" in gate.stderr
    gate.stop()
    assert sent(gate) == {"sent": 3}


def test_what_the_broker_finds_too_large_is_sent_in_parts(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka)])
    kafka.errors(PRODUCE, MSG_SIZE_TOO_LARGE)
    spans = send(gate, 8)
    assert ids(wait_spans(kafka, 8)) == ids(spans)
    gate.wait_stderr("the broker finds the record, or its batch, too large (MSG_SIZE_TOO_LARGE)")
    gate.stop()
    assert sent(gate) == {"sent": 8} and len(spans_of(kafka.reader("otlp_spans").poll())) == 8


def test_what_the_broker_never_takes_is_rejected(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka)])
    kafka.errors(PRODUCE, INVALID_RECORD)
    send(gate, 2)
    gate.wait_stderr("rejected 2 of 2 items")
    assert "cleanup.policy=compact" in gate.stderr
    spans = send(gate, 1)
    assert ids(wait_spans(kafka, 1)) == ids(spans)
    gate.stop(expect=3)
    assert sent(gate) == {"sent": 1, "rejected by the backend": 2}


def test_of_a_request_only_what_failed_is_sent_again(make_gate, kafka):
    """Each trace is a record; those of one partition are refused, the others are there once."""
    kafka.tell("topic otlp_spans 12")
    gate = make_gate(exporters=[exporter(kafka, partition_by="trace_id", idempotence=False, batch={"delay": "200ms"})])
    kafka.errors(PRODUCE, MSG_SIZE_TOO_LARGE)
    chunks = [trace(2, trace_id=int(key[16:], 16)) for key in PARTITIONS]
    assert gate.put("/v0.4/traces", v04(*chunks)).status == 200
    got = wait_spans(kafka, 16)
    gate.stop()
    assert ids(got) == ids([s for chunk in chunks for s in chunk])
    assert collections.Counter(s.span_id for s in spans_of(kafka.reader("otlp_spans").poll())).most_common(1)[0][1] == 1
    assert sent(gate) == {"sent": 16}


def test_a_client_that_cannot_go_on_is_begun_anew(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka)])
    first = send(gate, 1)
    wait_spans(kafka, 1)
    kafka.errors(PRODUCE, OUT_OF_ORDER_SEQUENCE)
    second = send(gate, 2)
    assert ids(wait_spans(kafka, 3)) == ids(first + second)
    gate.wait_stderr("the Kafka client cannot go on and is replaced: ")
    assert b'ddgate_kafka_clients_total{exporter="kafka"} 1\n' in gate.admin("/metrics").body
    gate.stop()
    assert sent(gate) == {"sent": 3}


# --- kills, stops, reloads ---

def test_kill_9_loses_nothing_with_storage(make_gate, kafka, tmp_path):
    settings = {"storage": {"directory": tmp_path / "queue"}}
    gate = make_gate(exporters=[exporter(kafka, timeout="1s")], settings=settings)
    first = send(gate, 5)
    wait_spans(kafka, 5)
    kafka.down()
    second = [s for _ in range(20) for s in send(gate, 5)]
    gate.signal(signal.SIGKILL)
    gate.process.wait()
    kafka.up()
    again = make_gate(exporters=[exporter(kafka)], settings=settings)
    kafka.wait("otlp_spans", lambda records: ids(spans_of(records)) >= ids(first + second), "every span")
    again.stop()
    assert sent(again)["sent"] >= 100


def test_a_stop_delivers_and_what_cannot_be_is_counted(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka, batch={"delay": "1m"})])
    spans = send(gate, 4)
    gate.stop()
    assert sent(gate) == {"sent": 4} and ids(wait_spans(kafka, 4)) == ids(spans)
    kafka.down()
    gate = make_gate(exporters=[exporter(kafka)], settings={"shutdown_timeout": "200ms"})
    send(gate, 4)
    gate.stop(expect=3)
    assert sent(gate) == {("dropped", "shutdown"): 4}


def test_a_reload_goes_on_with_what_is_queued(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka, timeout="500ms")])
    kafka.down()
    spans = send(gate, 3)
    gate.wait_stderr("Connection refused")
    path = gate.directory / "ddgate.conf"
    path.write_text(path.read_text().replace('type = "kafka";', 'type = "kafka"; topics = { traces = "others"; };'))
    gate.signal(signal.SIGHUP)
    gate.wait_stderr("traces to topic others")
    kafka.up()
    last = send(gate, 2)
    assert ids(wait_spans(kafka, 2, "others")) >= ids(last)
    gate.stop()
    assert sent(gate) == {"sent": 5}
    others = kafka.reader("others")
    kafka.wait("otlp_spans", lambda records: len(spans_of(records + others.poll())) >= 5, "what the predecessor held, by it or by its successor")
    assert ids(spans_of(others.records + kafka.reader("otlp_spans").records)) == ids(spans + last)


def test_counters_and_secrets(make_gate, kafka):
    gate = make_gate(exporters=[exporter(kafka, sasl={"mechanism": "PLAIN", "username": "gate", "password": "opensesame-17"}, timeout="500ms")],
                     settings={"shutdown_timeout": "100ms"})
    send(gate, 1)
    gate.wait_stderr("the data is kept and tried again")
    assert "opensesame" not in gate.stderr and "SASL PLAIN as gate" in gate.stderr
    gate.stop(expect=3)
    good = make_gate(exporters=[exporter(kafka)])
    send(good, 1)
    wait_spans(kafka, 1)
    good._until(lambda: b'ddgate_kafka_records_total{exporter="kafka"} 1\n' in good.admin("/metrics").body, "the counter does not say 1")
