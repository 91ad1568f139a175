# SPDX-License-Identifier: Apache-2.0
"""Kafka for tests: a simulated cluster (tests/tool/kafka_mock.c), and a client that is not ours (confluent-kafka) to read and write records.

    with Mock(brokers=3) as kafka:
        kafka.tell("topic otlp_spans 12")
        kafka.errors(PRODUCE, NOT_LEADER, NOT_LEADER)      # what the next two requests of this kind meet
        records = kafka.wait("otlp_spans", lambda records: len(records) == 5)

A partition of the simulation keeps the last 5 MiB.
"""
import subprocess
import threading
import time
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition
from ddgate import BINARY
from sinks import PATIENCE, Timeout

TOOL = BINARY.parent / "tests" / "kafka_mock"
PRODUCE, FETCH, METADATA, OFFSET_COMMIT, JOIN_GROUP, HEARTBEAT, INIT_PRODUCER_ID = 0, 1, 3, 8, 11, 12, 22
UNKNOWN_TOPIC, LEADER_NOT_AVAILABLE, NOT_LEADER, REQUEST_TIMED_OUT, MSG_SIZE_TOO_LARGE = 3, 5, 6, 7, 10
TOPIC_AUTHORIZATION_FAILED, OUT_OF_ORDER_SEQUENCE, INVALID_RECORD = 29, 45, 87


@dataclass(frozen=True)
class Record:
    partition: int
    offset: int
    key: bytes  # None: it has none
    value: bytes
    headers: tuple = ()


class Reader:
    """Reads a topic from its beginning, whoever else does."""

    def __init__(self, bootstrap, topic, **properties):
        self.topic, self.records = topic, []
        self._consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False,
                                   "topic.metadata.refresh.interval.ms": 200, "log_level": 0, **properties})
        self._assigned = 0

    def _assign(self):
        partitions = self._consumer.list_topics(self.topic, timeout=PATIENCE).topics[self.topic].partitions
        if len(partitions) > self._assigned:
            self._consumer.assign([TopicPartition(self.topic, p, OFFSET_BEGINNING) for p in partitions])
            self._assigned = len(partitions)

    def poll(self, seconds=0.05):
        if not self._assigned:
            self._assign()
        for message in self._consumer.consume(500, seconds):
            if not message.error():
                self.records.append(Record(message.partition(), message.offset(), message.key(), message.value(),
                                           tuple(message.headers() or ())))
        return self.records

    def wait(self, condition, what="the records", timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while not condition(self.records):
            if time.monotonic() > deadline:
                raise Timeout(f"{what} did not come within {timeout} s; {len(self.records)} records in {self.topic}")
            self.poll()
        return self.records

    def close(self):
        self._consumer.close()


class Kafka:
    """Any cluster, by its bootstrap servers."""

    def __init__(self, bootstrap):
        self.bootstrap, self._readers = bootstrap, {}

    @property
    def brokers(self):
        return self.bootstrap.split(",")

    def reader(self, topic):
        """The same for each call: records that were read stay."""
        return self._readers.setdefault(topic, Reader(self.bootstrap, topic))

    def wait(self, topic, condition, what="the records", timeout=PATIENCE):
        return self.reader(topic).wait(condition, what, timeout)

    def write(self, topic, records, **properties):
        """`records`: (key, value) or (key, value, headers), or with a partition as a fourth. Returns when all are acknowledged."""
        failed = []
        producer = Producer({"bootstrap.servers": self.bootstrap, "log_level": 0, **properties})
        for key, value, *more in records:
            where = {"partition": more[1]} if len(more) > 1 else {}
            producer.produce(topic, value, key, headers=more[0] if more else None,
                             on_delivery=lambda error, _: failed.append(error) if error else None, **where)
            producer.poll(0)
        left = producer.flush(PATIENCE)
        assert not failed and not left, (failed, left)

    def close(self):
        for reader in self._readers.values():
            reader.close()


class Mock(Kafka):
    def __init__(self, brokers=1):
        self.process = subprocess.Popen([str(TOOL), str(brokers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                        text=True)
        super().__init__(self.process.stdout.readline().strip())
        self._lock = threading.Lock()

    def tell(self, command):
        with self._lock:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline().strip()
        assert answer == "ok", f"{command}: {answer}"

    def errors(self, api, *codes):
        self.tell(f"errors {api} {' '.join(map(str, codes))}")

    def down(self, broker=1):
        self.tell(f"down {broker}")

    def up(self, broker=1):
        self.tell(f"up {broker}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        super().close()
        self.process.stdin.close()
        self.process.wait(PATIENCE)
