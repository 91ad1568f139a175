#!/usr/bin/env python3
"""Spans of tracers (v0.4) to Kafka: what a span costs in CPU time, and how much memory there is at most.

    bench/kafka.py [--seconds 4] [--rounds 3] [--only WORD] [--brokers HOST:PORT --otelcol PATH]

The cluster is the one at --brokers, with the topic otlp_spans, or librdkafka's simulation (tests/tool/kafka_mock.c), which the Collector's client cannot use.
ddgate has the first CPU, load and simulation have the others. With --otelcol a Collector with contrib's Datadog receiver and Kafka exporter takes the same
load, turn about with ddgate, under GOMAXPROCS=1; the ratio is the median of the pairs.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import turn

ROOT = pathlib.Path(__file__).resolve().parents[1]
WAYS = [("none", False), ("lz4", False), ("zstd", False), ("none", True), ("lz4", True)]  # compression, a record for each trace


def ddgate_conf(port, brokers, compression, by_trace):
    return (f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; socket = ""; threads = 1; }} );\n'
            f'exporters = ( {{ type = "kafka"; brokers = [ "{brokers}" ]; compression = "{compression}"; partition_by = "{"trace_id" if by_trace else "none"}"; }} );\n'
            'admin = { listen = ""; };\n')


def otelcol_conf(port, brokers, compression, by_trace):
    return f"""
receivers: {{ datadog: {{ endpoint: "127.0.0.1:{port}" }} }}
processors: {{ batch: {{ send_batch_size: 2048, send_batch_max_size: 2048 }} }}
exporters:
  kafka:
    brokers: ["{brokers}"]
    partition_traces_by_id: {str(by_trace).lower()}
    producer: {{ compression: {compression} }}
service:
  telemetry: {{ metrics: {{ level: none }}, logs: {{ level: warn }} }}
  pipelines: {{ traces: {{ receivers: [datadog], processors: [batch], exporters: [kafka] }} }}
"""


def load(port, seconds):
    argv = [ROOT / "build/bench/ddload", "--wait", "--connect", f"127.0.0.1:{port}", "--api", "v0.4", "--seconds", str(seconds)]
    return json.loads(turn.start(argv, turn.THEIRS, stdout=subprocess.PIPE).communicate()[0])


def measure(args, who, compression, by_trace):
    cluster = None if args.brokers else turn.start([ROOT / "build/tests/kafka_mock", "1"], turn.THEIRS, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                                   stderr=subprocess.DEVNULL)
    brokers, port = args.brokers or cluster.stdout.readline().strip(), turn.free_port()
    with tempfile.TemporaryDirectory() as folder:
        conf, log = pathlib.Path(folder, "conf"), pathlib.Path(folder, "log")
        conf.write_text((ddgate_conf if who == "ddgate" else otelcol_conf)(port, brokers, compression, by_trace))
        argv = [ROOT / "build/ddgate", "-c", conf] if who == "ddgate" else [args.otelcol, "--config", conf]
        program = turn.start(argv, turn.OURS, stdout=subprocess.DEVNULL, stderr=log.open("w"), env={**os.environ, "GOMAXPROCS": "1"})
        try:
            load(port, 1)
            before = turn.scheduled_ms(program.pid)
            loaded = load(port, args.seconds)
            turn.wait_until_idle(program.pid)
            us, peak = (turn.scheduled_ms(program.pid) - before) * 1000 / loaded["accepted"], turn.peak_mib(program.pid)
        finally:
            program.terminate()
            status = program.wait(60)
            if cluster:
                cluster.stdin.close()
                cluster.wait(60)
        if status:
            sys.exit(f"{who} ended with {status}:\n{log.read_text()[-3000:]}")
    return {"us": us, "rate": loaded["accepted"] / loaded["seconds"], "peak": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument("--brokers")
    parser.add_argument("--otelcol")
    args = parser.parse_args()
    whos = ["ddgate", "otelcol"] if args.otelcol else ["ddgate"]
    turn.heading("v0.4 to Kafka, on one CPU:", "records | compression | who | CPU µs/span | spans/s | peak MiB | CPU, times less")
    for compression, by_trace in WAYS:
        what = "one a trace" if by_trace else "many traces"
        if args.only not in f"{what} {compression}":
            continue
        rounds = [{who: measure(args, who, compression, by_trace) for who in whos} for _ in range(args.rounds)]
        for who in whos:
            row = turn.middle([r[who] for r in rounds])
            ratio = f"{statistics.median(r['otelcol']['us'] / r['ddgate']['us'] for r in rounds):.1f}" if who == "ddgate" and args.otelcol else ""
            print(f"| {what} | {compression} | {who} | {row['us']:.2f} | {row['rate']:.0f} | {row['peak']:.0f} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
