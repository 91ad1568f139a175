#!/usr/bin/env python3
"""DogStatsD in, points to nowhere: what a line costs in CPU time, beside the collector's statsd receiver, turn about.

    bench/statsd.py [--datagrams 40000] [--rounds 5] [--otelcol PATH]

The load is statsdload over a Unix datagram socket, which makes it wait, so that both read every line: counts, gauges, timings and distributions, thirty a
datagram. The program has the first CPU, the load the others. The collector makes exponential histograms of timings and distributions, as ddgate does, each ten
seconds; GOMAXPROCS is 1.
"""
import argparse
import os
import pathlib
import shutil
import subprocess
import tempfile
import time

import turn

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINES = 30  # a datagram
MAPPING = "\n".join(f"      - {{ statsd_type: {kind}, observer_type: histogram, histogram: {{ max_size: 160 }} }}" for kind in ("timing", "histogram", "distribution"))
OTELCOL = """
receivers:
  statsd:
    endpoint: "{socket}"
    transport: unixgram
    aggregation_interval: 10s
    timer_histogram_mapping:
{mapping}
exporters: {{ nop: {{}} }}
service:
  telemetry: {{ metrics: {{ level: none }}, logs: {{ level: warn }} }}
  pipelines: {{ metrics: {{ receivers: [statsd], exporters: [nop] }} }}
"""
DDGATE = """
receivers = ( {{ type = "dogstatsd"; listen = [ ]; socket = "{socket}"; interval = "10s"; }} );
exporters = ( {{ type = "blackhole"; }} );
admin = {{ listen = ""; }};
"""


def measure(program, datagrams, series):
    with tempfile.TemporaryDirectory() as folder:
        socket, conf = pathlib.Path(folder, "dsd.socket"), pathlib.Path(folder, "conf")
        if program.name == "ddgate":
            conf.write_text(DDGATE.format(socket=socket))
            argv = [program, "-c", conf]
        else:
            conf.write_text(OTELCOL.format(socket=socket, mapping=MAPPING))
            argv = [program, "--config", conf]
        running = turn.start(argv, turn.OURS, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "GOMAXPROCS": "1"})
        while not socket.exists():
            assert running.poll() is None, "it does not start"
            time.sleep(0.05)
        load = [ROOT / "build/bench/statsdload", f"unix:{socket}"]
        turn.start([*load, str(2 * series // LINES + 100), str(series)], turn.THEIRS, stdout=subprocess.DEVNULL).wait()
        turn.wait_until_idle(running.pid)
        before = turn.scheduled_ms(running.pid)
        assert turn.start([*load, str(datagrams), str(series)], turn.THEIRS, stdout=subprocess.DEVNULL).wait() == 0
        turn.wait_until_idle(running.pid)
        us = (turn.scheduled_ms(running.pid) - before) * 1000 / (datagrams * LINES)
        peak = turn.peak_mib(running.pid)
        running.terminate()
        running.wait()
        return {"us": us, "peak": peak}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--datagrams", type=int, default=40000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--otelcol", default=shutil.which("otelcol"), type=pathlib.Path)
    args = parser.parse_args()
    programs = [ROOT / "build/ddgate"] + ([args.otelcol] if args.otelcol else [])
    turn.heading(f"DogStatsD to nowhere, {args.datagrams * LINES} lines", "series | program | µs of CPU a line | peak MiB")
    for series in (1000, 100_000):
        turns = [[measure(program, args.datagrams, series) for program in programs] for _ in range(args.rounds)]
        rows = [turn.middle(of_one) for of_one in zip(*turns)]
        for program, row in zip(programs, rows):
            print(f"| {series} | {program.name} | {row['us']:.3f} | {row['peak']:.0f} |", flush=True)
        if len(rows) > 1:
            print(f"| {series} | times less | {rows[1]['us'] / rows[0]['us']:.1f} | {rows[1]['peak'] / rows[0]['peak']:.1f} |", flush=True)


if __name__ == "__main__":
    main()
