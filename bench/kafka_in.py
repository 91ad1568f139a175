#!/usr/bin/env python3
"""Out of Kafka: what a span costs in CPU time, beside the OpenTelemetry Collector where its binary is given, and how many one receiver takes.

    bench/kafka_in.py [--records 1000] [--rounds 3] [--collector PATH]

The broker is the one of tests/e2e/kafka_broker.py, on this machine. Two kinds of records, of the spans of bench/otlp.py: batches, as without a key
(1,200 spans, about 800 KB), and traces (8 spans, about 5 KB), as with partition_by = "trace_id". All are in the topic before the reader starts; it reads them, hands
them to an exporter that drops them, and commits. CPU is the process's, from its start until everything is committed.
"""
import argparse
import importlib.util
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "bench")]

from confluent_kafka import Producer  # noqa: E402
from kafka_broker import KafkaBroker  # noqa: E402
from kafka_records import committed, until  # noqa: E402
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest  # noqa: E402
import turn  # noqa: E402

BINARY = pathlib.Path(os.environ.get("DDGATE_BINARY", ROOT / "build" / "ddgate"))
PARTITIONS = 4


def whole_request():
    """Of bench/otlp.py; tests/e2e has another module of that name."""
    spec = importlib.util.spec_from_file_location("bench_otlp", ROOT / "bench" / "otlp.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return ExportTraceServiceRequest.FromString(module.request())


def values(message, spans, n):
    """n requests of as many spans, each with ids and paths of its own: what compresses is what would."""
    dice = random.Random(1)
    for _ in range(n):
        request = ExportTraceServiceRequest()
        request.CopyFrom(message)
        scope = request.resource_spans[0].scope_spans[0]
        del scope.spans[spans:]
        trace = b""
        for i, one in enumerate(scope.spans):
            trace = trace if i % 8 else dice.randbytes(16)
            one.trace_id, one.span_id, one.parent_span_id = trace, dice.randbytes(8), dice.randbytes(8)
            one.start_time_unix_nano += dice.randrange(10**9)
            one.end_time_unix_nano += dice.randrange(10**9)
            for attribute in one.attributes:
                if attribute.key in ("url.path", "enduser.id", "client.address"):
                    attribute.value.string_value = f"{attribute.value.string_value[:-3]}{dice.randrange(10**5)}"
        yield request.SerializeToString()


def fill(broker, topic, some, records, compression):
    broker.create(topic, partitions=PARTITIONS)
    producer = Producer({"bootstrap.servers": broker.address, "compression.type": compression, "linger.ms": 20, "queue.buffering.max.kbytes": 200_000,
                         "message.max.bytes": 2_000_000})
    for i in range(records):
        while True:
            try:
                producer.produce(topic, some[i % len(some)], partition=i % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(300) == 0


def ddgate(broker, topic, group, directory):
    path = directory / "ddgate.conf"
    path.write_text(f"""receivers = ( {{ type = "kafka"; brokers = [ "{broker.address}" ]; group = "{group}"; topics = {{ traces = "{topic}"; logs = [ ]; metrics = [ ]; }};
                        commit_interval = "100ms"; }} );
                        exporters = ( {{ type = "blackhole"; }} ); admin = {{ listen = ""; }};""")
    return [BINARY, "-c", path]


def collector(program):
    def command(broker, topic, group, directory):
        path = directory / "collector.yaml"
        path.write_text(f"""
receivers: {{kafka: {{brokers: ['{broker.address}'], group_id: {group}, initial_offset: earliest, autocommit: {{interval: 100ms}},
  message_marking: {{after: true}}, traces: {{topics: [{topic}]}}}}}}
exporters: {{nop: {{}}}}
service: {{telemetry: {{metrics: {{level: none}}}}, pipelines: {{traces: {{receivers: [kafka], exporters: [nop]}}}}}}
""")
        return [program, "--config", path]
    return command


def run(name, command, broker, topic, records, spans):
    group = f"{name}-{topic}-{time.monotonic_ns()}"
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "wb") as nowhere:
        began = time.monotonic()
        process = subprocess.Popen(command(broker, topic, group, pathlib.Path(folder)), stdin=subprocess.DEVNULL, stdout=nowhere, stderr=nowhere)
        try:
            until(lambda: sum(committed(broker.address, topic, PARTITIONS, group)) == records, f"{name} has read {topic}", 600)
            seconds = time.monotonic() - began
            cpu, peak = turn.cpu_seconds(process.pid), turn.peak_mib(process.pid)
        finally:
            process.terminate()
            process.wait(60)
    total = records * spans
    print(f"  {name:10} {cpu * 1e6 / total:6.3f} us of CPU a span   {total / cpu:10,.0f} spans/s a core   {total / seconds:10,.0f} spans/s seen   {peak:5.0f} MiB",
          flush=True)
    return cpu / total


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--records", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--compression", default="lz4")
    arguments.add_argument("--collector")
    args = arguments.parse_args()
    readers = {"ddgate": ddgate, **({"collector": collector(args.collector)} if args.collector else {})}
    whole = whole_request()
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(pathlib.Path(folder), more="message.max.bytes=2000000") as broker:
        for kind, spans, records in (("batches", 1200, args.records), ("traces", 8, args.records * 100)):
            some = list(values(whole, spans, 40 if spans > 100 else 2000))
            fill(broker, kind, some, records, args.compression)
            size = sum(f.stat().st_size for f in pathlib.Path(folder).rglob(f"{kind}-*/*.log"))
            print(f"{kind}: {records} records of {spans} spans, {len(some[0]):,} bytes; {size / records / spans:.0f} bytes a span in the broker ({args.compression}), "
                  f"{len(some[0]) / spans:.0f} before")
            for _ in range(args.rounds):
                for name, command in readers.items():
                    run(name, command, broker, kind, records, spans)


main()
