#!/usr/bin/env python3
"""The figures of docs/performance.md: what a span costs, in translation alone and on the whole path through the real binary.

  bench/run.py [--build build] [--seconds 4] [--rounds 3] [--only WORD]

ddgate runs on the first CPU that this process may use, load generator and sink on the others (or on the same, where there is
one). A turn warms up for a second, loads as fast as ddgate accepts, waits until it is idle, and reads its CPU time and peak memory. Every
accepted span must have reached the sink, or the turn is void and the exit status is 1.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
CPUS = sorted(os.sched_getaffinity(0))
OURS, THEIRS = {CPUS[0]}, set(CPUS[1:]) or {CPUS[0]}
GRPC = 'type = "otlp_grpc"; endpoint = "http://127.0.0.1:{grpc}"; compression = "%s";'
HTTP = 'type = "otlp_http"; endpoint = "http://127.0.0.1:{http}"; compression = "%s";'
PATHS = [
    ("v0.4 to nowhere", "v0.4", 'type = "blackhole";'),
    ("v0.4 to gRPC", "v0.4", GRPC % "none"),
    ("v0.5 to gRPC", "v0.5", GRPC % "none"),
    ("v0.4 to gRPC, gzip", "v0.4", GRPC % "gzip"),
    ("v0.4 to HTTP", "v0.4", HTTP % "none"),
    ("v0.4 to HTTP, gzip", "v0.4", HTTP % "gzip"),
]


def start(argv, cpus, **how):
    return subprocess.Popen(argv, preexec_fn=lambda: os.sched_setaffinity(0, cpus), text=True, **how)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def wait_until_idle(pid):
    before = -1.0
    while (now := cpu_seconds(pid)) - before > 0.01:
        before = now
        time.sleep(0.5)


def turn(build, api, exporter, seconds):
    sink = start([build / "bench/otlp_sink"], THEIRS, stdout=subprocess.PIPE)
    ports = dict(sink.stdout.readline().split() for _ in range(2))
    with tempfile.TemporaryDirectory() as folder:
        conf, log = pathlib.Path(folder, "conf"), pathlib.Path(folder, "log")
        conf.write_text('receivers = ( { type = "ddtrace"; listen = [ "127.0.0.1:0" ]; socket = ""; } );\n'
                        f"exporters = ( {{ {exporter.format(**ports)} }} );\n")
        gateway = start([build / "ddgate", "-c", conf], OURS, stdout=subprocess.DEVNULL, stderr=log.open("w"))
        while not (listening := re.search(r"listening on (127\.0\.0\.1:\d+)", log.read_text())):
            if gateway.poll() is not None:
                sys.exit(log.read_text())
            time.sleep(0.01)

        def load(seconds):
            done = start([build / "bench/ddload", "--connect", listening[1], "--api", api, "--seconds", str(seconds)], THEIRS, stdout=subprocess.PIPE)
            return json.loads(done.communicate()[0])

        warm = load(1)
        before = cpu_seconds(gateway.pid)
        loaded = load(seconds)
        wait_until_idle(gateway.pid)
        cpu, peak = cpu_seconds(gateway.pid) - before, peak_mib(gateway.pid)
        gateway.send_signal(signal.SIGTERM)
        status = gateway.wait(60)
    sink.send_signal(signal.SIGTERM)
    arrived = json.loads(sink.communicate()[0].splitlines()[-1])["spans"]
    missing = 0 if "blackhole" in exporter else warm["accepted"] + loaded["accepted"] - arrived
    return {"us": cpu / loaded["accepted"] * 1e6, "rate": loaded["accepted"] / loaded["seconds"], "peak": peak, "p99": loaded["ms"]["p99"],
            "bytes": loaded["bytes_per_span"], "rejected": loaded["rejected"], "missing": missing, "status": status}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1] / "build")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="whole paths whose name holds this word")
    args = parser.parse_args()
    print("Translation alone, one thread:", flush=True)
    start([args.build / "bench/bench_translate"], OURS).wait()
    print("\nWhole path, ddgate on one CPU:\n| path | CPU µs/span | spans/s | peak MiB | p99 ms | bytes/span | refused |\n|---|---|---|---|---|---|---|", flush=True)
    failed = False
    for name, api, exporter in PATHS:
        if args.only not in name:
            continue
        turns = [turn(args.build, api, exporter, args.seconds) for _ in range(args.rounds)]
        middle = {key: statistics.median(t[key] for t in turns) for key in turns[0]}
        print("| {0} | {us:.2f} | {rate:.0f} | {peak:.0f} | {p99:.1f} | {bytes:.0f} | {rejected:.0f} |".format(name, **middle), flush=True)
        for t in turns:
            if t["missing"] or t["status"]:
                failed = True
                print(f"  a turn is void: {t['missing']} accepted spans did not arrive, exit status {t['status']}")
    return failed


sys.exit(main())
