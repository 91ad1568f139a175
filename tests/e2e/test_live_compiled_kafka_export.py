# SPDX-License-Identifier: Apache-2.0
"""The exporter kafka against Apache Kafka itself: brokers that restart and are killed, a gateway that is killed, a topic that is deleted, a quota.
Every span that a tracer was told is taken must be in the topic."""
import time
from collections import Counter

import otlp
import pytest
from kafka_broker import KafkaBroker
from kafka_tools import Kafka
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from payloads import trace, v04
from sending import QUICK, ids, send

LONG = 120


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with KafkaBroker(tmp_path_factory.mktemp("broker")) as one:
        yield one


@pytest.fixture
def topic(broker, request):
    broker.create(request.node.name, partitions=3)
    return request.node.name


def exporter(broker, topic, **options):
    properties = {"reconnect_backoff_max_ms": "500", "topic_metadata_refresh_interval_ms": "1000"}
    return dict(type="kafka", brokers=[broker.address], topics={"traces": topic, "logs": "", "metrics": ""}, **{**QUICK, "timeout": "5s", "properties": properties, **options})


def burst(gate, traces=40):
    """The ids of the spans that the gateway took."""
    return {one for _ in range(traces) for one in ids(send(gate, 5))}


def wait_for(broker, topic, wanted):
    """All of them are in the topic. How often each is."""
    kafka = Kafka(broker.address)

    def there(records):
        return Counter(s.span_id for r in records for s in otlp.flatten(ExportTraceServiceRequest.FromString(r.value)))
    try:
        return there(kafka.wait(topic, lambda records: wanted <= set(there(records)), f"{len(wanted)} spans", LONG))
    finally:
        kafka.close()


def test_brokers_and_gateways_restart_and_are_killed(broker, topic, make_gate, tmp_path):
    settings = {"storage": {"directory": tmp_path / "queue"}}
    gate = make_gate(exporters=[exporter(broker, topic)], settings=settings)
    taken = burst(gate)
    broker.restart()
    taken |= burst(gate)
    came = wait_for(broker, topic, taken)
    assert max(came.values()) == 1, "what librdkafka sends again after a broken connection is there once"
    broker.kill()
    taken |= burst(gate)
    gate.process.kill()
    gate.process.wait()
    again = make_gate(exporters=[exporter(broker, topic)], settings=settings)
    taken |= burst(again)
    broker.start()
    came = wait_for(broker, topic, taken)
    assert set(came) == taken and max(came.values()) <= 2
    again.stop()
    assert again.ledger.exporter("kafka")["sent"] >= 400


def test_a_topic_is_deleted_and_made_again(broker, topic, make_gate):
    gate = make_gate(exporters=[exporter(broker, topic)])
    wait_for(broker, topic, burst(gate, 5))
    broker.delete(topic)
    taken = burst(gate, 5)
    gate.wait_stderr("it was deleted, or made again with fewer: create it")
    broker.create(topic, partitions=2)
    assert set(wait_for(broker, topic, taken)) >= taken
    gate.stop()
    assert gate.ledger.exporter("kafka") == {"sent": 50}


def test_a_quota_only_slows_down(broker, topic, make_gate):
    broker.quota("slow-sender", producer_byte_rate=500_000)
    gate = make_gate(exporters=[exporter(broker, topic, client_id="slow-sender", compression="none", timeout="60s")])
    before, taken = time.monotonic(), set()
    for _ in range(12):
        spans = trace(50, resource="x" * 10_000)
        assert gate.put("/v0.4/traces", v04(spans)).status == 200
        taken |= ids(spans)
    came = wait_for(broker, topic, taken)
    assert max(came.values()) == 1 and time.monotonic() - before > 5, "6 MB at 0.5 MB/s, after what a quota lets through at once"
    gate.stop()
    assert gate.ledger.exporter("kafka") == {"sent": 600}
