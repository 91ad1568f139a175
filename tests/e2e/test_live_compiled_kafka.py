# SPDX-License-Identifier: Apache-2.0
"""The Kafka receiver against Apache Kafka itself: what happens to brokers, groups and topics in a year, in minutes. Nothing that was
acknowledged to the producer may be missing behind the gateways, and every ledger balances."""
import signal
import subprocess
import threading
import time
from collections import Counter

import pytest
from collector import program
from confluent_kafka import Producer
from ddgate import ROOT, conf_text, free_port, grpc
from grpc import RpcError, StatusCode, insecure_channel
from kafka_broker import KafkaBroker
from kafka_records import committed, configuration, numbers, sample, spans, until
from kafka_tools import Kafka
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from payloads import trace, v04
from sinks import Fail

LONG = 120
FAST = {"session_timeout_ms": "6000", "heartbeat_interval_ms": "500", "reconnect_backoff_max_ms": "1000"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with KafkaBroker(tmp_path_factory.mktemp("broker")) as one:
        yield one


@pytest.fixture
def topic(broker, request):
    name = request.node.name.replace("[", "-").replace("]", "")
    broker.create(name, partitions=6)
    return name


@pytest.fixture
def make_reader(broker, topic, make_gate):
    def make(exporters, **options):
        topics = {"traces": [topic], "logs": [], "metrics": []}
        return make_gate(conf=configuration(broker.address, exporters, **{"properties": FAST, "group": topic, "topics": topics, **options}))
    return make


class Load:
    """Writes a record of ten spans every few milliseconds until it is stopped; `acknowledged` are the numbers of spans that the broker has."""

    def __init__(self, broker, topic, pause=0.005):
        self.topic, self.pause, self.acknowledged, self._next = topic, pause, set(), 0
        self._producer = Producer({"bootstrap.servers": broker.address, "enable.idempotence": True, "linger.ms": 5, "log_level": 0,
                                   "reconnect.backoff.max.ms": 500, "message.timeout.ms": LONG * 1000})
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._ended.wait(self.pause):
            first = self._next
            self._next += 10

            def done(error, _, first=first):
                if not error:
                    self.acknowledged.update(range(first, first + 10))
            self._producer.produce(self.topic, spans(first, 10).SerializeToString(), on_delivery=done)
            self._producer.poll(0)

    def stop(self):
        self._ended.set()
        self._thread.join()
        assert self._producer.flush(LONG) == 0
        return self.acknowledged


def wait_spans(sinks, wanted, patience=LONG):
    def came():
        return wanted <= {n for sink in sinks for n in numbers(sink.spans)}
    until(came, f"all of {len(wanted)} spans", patience)
    return Counter(n for sink in sinks for n in numbers(sink.spans))


def total(broker, topic, partitions=6):
    return until(lambda: all(one >= 0 for one in committed(broker.address, topic, partitions, topic)) and committed(broker.address, topic, partitions, topic), "all are committed")


def test_instances_come_and_go_under_load(broker, topic, make_reader, sink):
    """Two of one group: a second one joins, the first one ends in order, the second one is killed. Only the kill brings anything twice, unless
    a commit crosses a rebalance: then librdkafka counts the partitions as lost."""
    load = Load(broker, topic)
    first = make_reader([grpc(sink)], commit_interval="1s")
    sink.wait(lambda s: len(s.spans) > 500, "the first spans")
    second = make_reader([grpc(sink)], commit_interval="1s")
    until(lambda: sample(second, "ddgate_kafka_partitions") == 3 and sample(first, "ddgate_kafka_partitions") == 3, "three partitions each", LONG)
    lost = sample(first, "ddgate_kafka_lost_partitions_total")
    assert lost or "3 partitions are given up, 3 are read now" in first.stderr, "cooperative: the other three were read on"
    first.stop()
    until(lambda: sample(second, "ddgate_kafka_partitions") == 6, "all partitions", LONG)
    so_far = set(load.acknowledged)
    came = wait_spans([sink], so_far)
    assert lost or max(came.values()) == 1, "what is handed over in order comes once"
    second.process.kill()
    second.process.wait()
    before = Counter(numbers(sink.spans))
    uncommitted = len(before) - 10 * sum(max(one, 0) for one in committed(broker.address, topic, 6, topic))
    make_reader([grpc(sink)])
    wanted = load.stop()
    came = wait_spans([sink], wanted)
    twice = sum(1 for n in came.values() if n > 1)
    assert set(came) == wanted and twice <= uncommitted + sum(1 for n in before.values() if n > 1), f"{twice} twice, {uncommitted} were not committed"
    assert uncommitted < 10000, "what comes in a second, and five times that on a busy machine"
    until(lambda: sum(total(broker, topic)) == len(wanted) / 10, "every offset is committed")


def test_a_gateway_that_is_killed_again_and_again(broker, topic, make_reader, sink):
    load = Load(broker, topic, 0.002)
    for _ in range(4):
        seen = len(sink.spans)
        gate = make_reader([grpc(sink)], properties={**FAST, "group_instance_id": "one"})
        sink.wait(lambda s, seen=seen: len(s.spans) > seen + 2000, "more spans")
        gate.process.kill()
        gate.process.wait()
    make_reader([grpc(sink)], properties={**FAST, "group_instance_id": "one"})
    wanted = load.stop()
    came = wait_spans([sink], wanted)
    assert set(came) == wanted


def test_the_broker_restarts_and_is_killed(broker, topic, make_reader, sink):
    load = Load(broker, topic)
    gate = make_reader([grpc(sink)])
    sink.wait(lambda s: len(s.spans) > 500, "the first spans")
    broker.restart()
    seen = len(sink.spans)
    sink.wait(lambda s: len(s.spans) > seen + 500, "spans after the restart", LONG)
    broker.kill()
    broker.start()
    wanted = load.stop()
    came = wait_spans([sink], wanted)
    assert set(came) == wanted
    until(lambda: sum(total(broker, topic)) >= len(wanted) / 10, "every offset is committed", LONG)
    gate.stop()
    assert gate.ledger.intake()["received"] == sum(came.values())


def test_a_topic_is_deleted_and_made_again(broker, topic, make_reader, sink):
    other = topic + "-other"
    broker.create(other, partitions=1)
    kafka = Kafka(broker.address)
    gate = make_reader([grpc(sink)], topics={"traces": [topic, other], "logs": [], "metrics": []},
                       properties={**FAST, "topic_metadata_refresh_interval_ms": "1000"})
    kafka.write(topic, [(None, spans(0).SerializeToString())])
    sink.wait(lambda s: numbers(s.spans) == [0], "the first span")
    broker.delete(topic)
    kafka.write(other, [(None, spans(1).SerializeToString())])
    sink.wait(lambda s: 1 in numbers(s.spans), "the other topic is read on")
    until(lambda: sample(gate, "ddgate_kafka_partitions") == 1, "its partitions are gone", LONG)
    broker.create(topic, partitions=6)
    until(lambda: sample(gate, "ddgate_kafka_partitions") == 7, "they are there again", LONG)
    Kafka(broker.address).write(topic, [(None, spans(i).SerializeToString(), [], i % 6) for i in range(2, 20)])
    sink.wait(lambda s: set(numbers(s.spans)) == set(range(20)), "spans of the new topic", LONG)


def test_a_quota_only_slows_down(broker, topic, make_reader, sink):
    broker.quota("slow", consumer_byte_rate=1_000_000)
    kafka = Kafka(broker.address)
    kafka.write(topic, [(None, spans(i * 100, 100, name="x" * 2000).SerializeToString()) for i in range(60)])
    before = time.monotonic()
    gate = make_reader([grpc(sink)], client_id="slow", buffer="1MiB")
    came = wait_spans([sink], set(range(6000)))
    assert max(came.values()) == 1
    assert time.monotonic() - before > 4, "12 MB at 1 MB/s"
    assert sample(gate, "ddgate_kafka_lost_partitions_total") == 0


def test_a_backend_that_is_away_costs_no_membership(broker, topic, make_reader, make_sink):
    """Longer than the group waits for a member: polls go on while partitions are paused."""
    away = make_sink()
    away.judge = lambda _: Fail(StatusCode.UNAVAILABLE)
    kafka = Kafka(broker.address)
    kafka.write(topic, [(None, spans(i * 100, 100).SerializeToString()) for i in range(500)])
    gate = make_reader([grpc(away, queue_size="1MiB")], properties={**FAST, "max_poll_interval_ms": "8000"})
    until(lambda: sample(gate, "ddgate_kafka_paused_partitions") == 6, "all are paused", LONG)
    used = cpu_seconds(gate)
    since = time.monotonic()
    until(lambda: time.monotonic() - since > 12, "more than the interval of polls has passed", LONG)
    assert cpu_seconds(gate) - used < 0.6, "it waits, and does not spin"
    assert sample(gate, "ddgate_kafka_lost_partitions_total") == 0 and sample(gate, "ddgate_kafka_rebalances_total") == 1
    away.judge = None
    came = wait_spans([away], set(range(50000)))
    assert max(came.values()) == 1
    wait_total = until(lambda: sum(total(broker, topic)) == 500, "every offset is committed")
    assert wait_total


def test_a_broker_that_does_not_answer_holds_up_no_stop(broker, topic, make_reader, sink):
    Kafka(broker.address).write(topic, [(None, spans(0).SerializeToString())])
    gate = make_reader([grpc(sink)])
    sink.wait(lambda s: numbers(s.spans) == [0], "the span")
    broker.process.send_signal(signal.SIGSTOP)
    try:
        before = time.monotonic()
        gate.stop()
        assert time.monotonic() - before < 25
    finally:
        broker.process.send_signal(signal.SIGCONT)


def cpu_seconds(gate):
    fields = open(f"/proc/{gate.process.pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_kcat_writes_what_it_reads(broker, topic, make_reader, sink, tmp_path):
    (tmp_path / "record").write_bytes(spans(7).SerializeToString())
    subprocess.run(["kcat", "-b", broker.address, "-t", topic, "-P", "-k", "key", "-H", "otelcol.signal=traces", tmp_path / "record"], check=True, timeout=60)
    make_reader([grpc(sink)])
    sink.wait(lambda s: numbers(s.spans) == [7], "the record of kcat")
    until(lambda: 1 in committed(broker.address, topic, 6, topic), "it is committed")


def collector_conf(broker, topic, port, endpoint):
    """OTLP to Kafka, and Kafka to OTLP."""
    return f"""
receivers:
  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{port}'}}}}}}
  kafka: {{brokers: ['{broker.address}'], group_id: {topic}-collector, initial_offset: earliest, traces: {{topics: [{topic}]}}}}
exporters:
  kafka: {{brokers: ['{broker.address}'], traces: {{topic: {topic}}}, partition_traces_by_id: true, signal_header: true, producer: {{compression: zstd}}}}
  otlp: {{endpoint: '{endpoint.removeprefix("http://")}', tls: {{insecure: true}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces/out: {{receivers: [otlp], exporters: [kafka]}}
    traces/in: {{receivers: [kafka], exporters: [otlp]}}
"""


def export(port, request):
    channel = insecure_channel(f"127.0.0.1:{port}")
    stub = trace_service_pb2_grpc.TraceServiceStub(channel)

    def sent():
        try:
            return stub.Export(request, timeout=10) is not None
        except RpcError:
            return False
    until(sent, "OTLP is taken", LONG)
    channel.close()


def test_the_collector_writes_and_reads(broker, topic, make_reader, make_gate, make_sink, tmp_path):
    """Collector -> Kafka -> ddgate, and ddgate -> Kafka -> collector: one topic, which both write and both read."""
    ours, theirs, taken, port, our_port = make_sink(), make_sink(), set(range(300)), free_port(), free_port()
    path = tmp_path / "collector.yaml"
    path.write_text(collector_conf(broker, topic, port, theirs.endpoint))
    make_reader([grpc(ours)])
    make_gate(conf=conf_text({"receivers": ({"type": "otlp", "grpc": [f"127.0.0.1:{our_port}"], "http": []},),
                              "exporters": ({"type": "kafka", "brokers": [broker.address], "topics": {"traces": topic}, "partition_by": "trace_id"},),
                              "admin": {"listen": "127.0.0.1:0"}}))
    with open(tmp_path / "collector.log", "wb") as log:
        collector = subprocess.Popen([program(), "--config", f"file:{path}"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        for first in range(0, 150, 10):
            export(port, spans(first, 10, trace_id=first.to_bytes(16, "big").replace(b"\0", b"\1")))
            export(our_port, spans(first + 150, 10, trace_id=(first + 7).to_bytes(16, "big").replace(b"\0", b"\2")))
        for sink in (ours, theirs):
            came = wait_spans([sink], taken)
            assert came == Counter({n: 1 for n in taken}), (tmp_path / "collector.log").read_text()
        assert {(s.span_id, s.name, s.trace_id, s.service) for s in ours.spans} == {(s.span_id, s.name, s.trace_id, s.service) for s in theirs.spans}
    finally:
        collector.terminate()
        collector.wait(LONG)


def test_the_configurations_of_scaling_run(broker, make_gate, sink):
    """conf/kafka-out.conf on a node, conf/kafka-in.conf behind it: docs/scaling.md."""
    broker.create("otlp_spans", "otlp_logs", "otlp_metrics", partitions=4)
    port = free_port()
    node = (ROOT / "conf/kafka-out.conf").read_text()
    node = node.replace('"kafka-1:9092", "kafka-2:9092", "kafka-3:9092"', f'"{broker.address}"').replace('{ type = "otlp"; }', "")
    node = node.replace('{ type = "ddtrace"; },', f'{{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; socket = ""; }}') + 'admin = { listen = ""; };'
    tier = (ROOT / "conf/kafka-in.conf").read_text() + 'admin = { listen = ""; };'
    gate = make_gate(conf=node, port=port)
    for _ in range(2):
        make_gate(conf=tier, env={"KAFKA": broker.address, "OTLP_ENDPOINT": sink.endpoint})
    traces = [trace(5) for _ in range(40)]
    for one in traces:
        assert gate.put("/v0.4/traces", v04(one)).status == 200
    sink.wait(lambda s: len(s.spans) >= 200, "spans by Kafka", LONG)
    assert sorted(int(s.span_id, 16) for s in sink.spans) == sorted(one["span_id"] for spans_of in traces for one in spans_of)
