# SPDX-License-Identifier: Apache-2.0
"""What the tests of the Kafka receiver write into topics, and what they ask a cluster about its group."""
import struct
import threading
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition
from ddgate import conf_text
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from sinks import PATIENCE, Timeout

TRACE = bytes(range(1, 17))


def spans(first, n=1, service="shop", **fields):
    """A request of n spans whose ids count from `first`."""
    request = ExportTraceServiceRequest()
    part = request.resource_spans.add()
    name = part.resource.attributes.add()
    name.key, name.value.string_value = "service.name", service
    scope = part.scope_spans.add()
    for i in range(first, first + n):
        scope.spans.add(**{"trace_id": TRACE, "span_id": struct.pack(">Q", i + 1), "name": f"GET /{i}", "start_time_unix_nano": 1, "end_time_unix_nano": 2, **fields})
    return request


def logs(*bodies):
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for body in bodies:
        scope.log_records.add(time_unix_nano=5).body.string_value = body
    return request


def numbers(sink_spans):
    """Of spans that spans() made, in order of arrival."""
    return [int(one.span_id, 16) - 1 for one in sink_spans]


def until(condition, what, patience=PATIENCE):
    deadline, pause = time.monotonic() + patience, threading.Event()
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Timeout(f"not within {patience} s: {what}")
        pause.wait(0.02)
    return found


def committed(bootstrap, topic, partitions, group="ddgate"):
    """Offsets of the group, -1001 where it has none."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "log_level": 0})
    try:
        return [one.offset for one in consumer.committed([TopicPartition(topic, p) for p in range(partitions)], timeout=PATIENCE)]
    except KafkaException:
        return []  # the coordinator is away
    finally:
        consumer.close()


def wait_committed(bootstrap, topic, offsets, group="ddgate"):
    return until(lambda: committed(bootstrap, topic, len(offsets), group) == offsets or None, f"{topic} is committed up to {offsets}; it is {committed(bootstrap, topic, len(offsets), group)}")


def configuration(bootstrap, exporters, settings=None, **options):
    """A gateway's only receiver is Kafka."""
    receiver = {"type": "kafka", "brokers": bootstrap.split(","), "commit_interval": "50ms", **options}
    return conf_text({"receivers": (receiver,), "exporters": tuple(exporters), "admin": {"listen": "127.0.0.1:0"}, **(settings or {})})


def sample(gate, name, **labels):
    """The value of a metric; None where there is none."""
    for line in gate.admin("/metrics").body.decode().splitlines():
        if line.startswith((name + "{", name + " ")) and all(f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    return None
