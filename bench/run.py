#!/usr/bin/env python3
"""The figures of docs/performance.md: parts alone, the whole path through the real binary, latency, start, cores, the disk queue, logs.

  bench/run.py [--only WORD] [--build build] [--seconds 4] [--rounds 3] [--otelcol PATH]

ddgate runs on the first CPU that this process may use, load generator and sink on the others (or on the same, where there is
one). A turn warms up for a second, loads, waits until ddgate is idle, and reads its CPU time and peak memory. Every
accepted span must have reached the sink, or the turn is void and the exit status is 1.

With --otelcol (or where `otelcol` is found) the OpenTelemetry Collector with contrib's datadog receiver takes the same load, turn
about with ddgate, under GOMAXPROCS=1; the ratio is the median of the pairs.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import logs
from turn import CPUS, OURS, THEIRS, cpu_seconds, free_port, heading, middle, peak_mib, scheduled_ms, start, wait_until_idle

# name, version of the API, exporter, compression
PATHS = [
    ("v0.4 to nowhere", "v0.4", "blackhole", "none"),
    ("v0.4 to gRPC", "v0.4", "grpc", "none"),
    ("v0.5 to gRPC", "v0.5", "grpc", "none"),
    ("v0.4 to gRPC, gzip", "v0.4", "grpc", "gzip"),
    ("v0.5 to gRPC, gzip", "v0.5", "grpc", "gzip"),
    ("v0.4 to HTTP", "v0.4", "http", "none"),
    ("v0.5 to HTTP", "v0.5", "http", "none"),
    ("v0.4 to HTTP, gzip", "v0.4", "http", "gzip"),
    ("v0.5 to HTTP, gzip", "v0.5", "http", "gzip"),
]
RATE = 15000  # spans per second, of the latency table
PUT = b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: 1\r\n\r\n\x90"


def ddgate_conf(port, exporter, compression, sinks, threads, storage="", beside="", receiver=""):
    out = 'type = "blackhole"; signals = [ "traces" ];'
    if exporter != "blackhole":
        out = f'type = "otlp_{exporter}"; endpoint = "http://127.0.0.1:{sinks[exporter]}"; compression = "{compression}"; signals = [ "traces" ];'
    return (f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; socket = ""; threads = {threads}; {receiver}}} );\n'
            f"exporters = ( {{ {out} }}{beside} );\n{storage}")


def otelcol_conf(port, exporter, compression, sinks):
    kind, url = {"blackhole": ("nop", ""), "grpc": ("otlp", f"127.0.0.1:{sinks['grpc']}"), "http": ("otlphttp", f"http://127.0.0.1:{sinks['http']}")}[exporter]
    settings = "" if kind == "nop" else f'endpoint: "{url}", compression: {compression}, tls: {{ insecure: true }}'
    return f"""
receivers: {{ datadog: {{ endpoint: "127.0.0.1:{port}" }} }}
processors: {{ batch: {{}} }}
exporters: {{ {kind}: {{ {settings} }} }}
service:
  telemetry: {{ metrics: {{ level: none }}, logs: {{ level: warn }} }}
  pipelines: {{ traces: {{ receivers: [datadog], processors: [batch], exporters: [{kind}] }} }}
"""


@contextlib.contextmanager
def running(args, who, exporter, compression, cpus=OURS, threads=1, sink_in_background=False, fsync=None, beside="", more="", receiver=""):
    """The sink and the program under test. Yields the latter and its port; what the sink saw is in program.seen afterwards. With `fsync`
    it has a disk queue, in the build folder: /tmp may be memory. `beside` is another exporter of ddgate's, `more` further options, `receiver` options of the
    receiver."""
    sink = start([args.build / "bench/otlp_sink"], THEIRS, sink_in_background, stdout=subprocess.PIPE)
    sinks, port = dict(sink.stdout.readline().split() for _ in range(2)), free_port()
    with tempfile.TemporaryDirectory(dir=args.build) as folder:
        storage = f'storage = {{ directory = "{folder}/queue"; fsync = "{fsync}"; }};\n' if fsync else ""
        conf, log = pathlib.Path(folder, "conf.yaml"), pathlib.Path(folder, "log")
        if who == "ddgate":
            conf.write_text(ddgate_conf(port, exporter, compression, sinks, threads, storage + more, beside, receiver))
            argv = [args.build / "ddgate", "-c", conf]
        else:
            conf.write_text(otelcol_conf(port, exporter, compression, sinks))
            argv = [args.otelcol, "--config", conf]
        env = dict(os.environ, GOMAXPROCS=str(threads))
        begin = time.perf_counter()
        program = start(argv, cpus, stdout=subprocess.DEVNULL, stderr=log.open("w"), env=env)
        program.started = begin
        try:
            yield program, port
            program.terminate()
            program.wait(60)
        except BaseException:
            print(log.read_text()[-2000:], file=sys.stderr)
            raise
        finally:
            if program.poll() is None:
                program.kill()
            sink.send_signal(signal.SIGTERM)
            program.seen = json.loads(sink.communicate()[0].splitlines()[-1])


def load(args, port, api, seconds, cpus=THEIRS, **options):
    argv = [args.build / "bench/ddload", "--wait", "--connect", f"127.0.0.1:{port}", "--api", api, "--seconds", str(seconds)]
    for name, value in options.items():
        argv += [f"--{name}", str(value)]
    return json.loads(start(argv, cpus, stdout=subprocess.PIPE).communicate()[0])


def turn(args, who, api, exporter, compression, rate=0, cpus=OURS, theirs=THEIRS, threads=1, fsync=None, beside="", receiver="", **how):
    with running(args, who, exporter, compression, cpus, threads, fsync=fsync, beside=beside, receiver=receiver) as (program, port):
        warm = load(args, port, api, 1, theirs)
        before = cpu_seconds(program.pid)
        loaded = load(args, port, api, args.seconds, theirs, rate=rate, **how)
        wait_until_idle(program.pid)
        cpu, peak = cpu_seconds(program.pid) - before, peak_mib(program.pid)
    missing = 0 if exporter == "blackhole" else warm["accepted"] + loaded["accepted"] - program.seen["spans"]
    if missing or program.returncode:
        args.void.append(f"{who}, {api}, {exporter}, {compression}: {missing} accepted spans did not arrive, exit status {program.returncode}")
    return {"us": cpu / loaded["accepted"] * 1e6, "rate": loaded["accepted"] / loaded["seconds"], "peak": peak, "refused": loaded["rejected"],
            "bytes": loaded["bytes_per_span"], **loaded["ms"]}


def measure_parts(args):
    for name in ("bench_translate", "bench_decode", "bench_compress"):
        print(f"\n{name}, one thread:", flush=True)
        start([args.build / "bench" / name], OURS).wait()


def measure_paths(args):
    whos = ["ddgate", "otelcol"] if args.otelcol else ["ddgate"]
    heading("Whole path, on one CPU:", "path | who | CPU µs/span | spans/s | peak MiB | refused | CPU, times less | memory, times less")
    for name, api, exporter, compression in PATHS:
        if args.only not in f"paths {name}":
            continue
        rounds = [{who: turn(args, who, api, exporter, compression) for who in whos} for _ in range(args.rounds)]
        for who in whos:
            ratios = ["{:.1f}".format(statistics.median(r[whos[-1]][key] / r["ddgate"][key] for r in rounds)) for key in ("us", "peak")]
            ratios = ratios if who == "ddgate" and args.otelcol else ["", ""]
            m = middle([r[who] for r in rounds])
            print("| {0} | {1} | {us:.2f} | {rate:.0f} | {peak:.0f} | {refused:.0f} | {2} | {3} |".format(name, who, *ratios, **m), flush=True)


def measure_latency(args):
    """The sink unpacks gzip where the load generator runs: it must not stand in the way of what is being timed."""
    whos = ["ddgate", "otelcol"] if args.otelcol else ["ddgate"]
    heading(f"A request at {RATE} spans/s (v0.4, gzip out over gRPC):", "who | spans a request | p50 ms | p90 ms | p99 ms | max ms")
    for who in whos:
        for traces in (4, 75):
            with running(args, who, "grpc", "gzip", sink_in_background=True) as (_, port):
                load(args, port, "v0.4", 1, rate=RATE, traces=traces)
                seen = load(args, port, "v0.4", 2 * args.seconds, rate=RATE, traces=traces)
            print("| {0} | {1:.0f} | {p50:.2f} | {p90:.2f} | {p99:.2f} | {max:.2f} |".format(who, seen["accepted"] / seen["requests"], **seen["ms"]), flush=True)


def measure_dead(args):
    """Turn about, with and without an exporter beside the live one whose backend is away. Its queue is between a quarter and three quarters
    full: lagging, and not refusing."""
    heading(f"A request at {RATE} spans/s while another exporter's backend is away (v0.4, gzip out over gRPC):",
            "beside the live exporter | p50 ms | p99 ms | max ms | p50, times alone | p99, times alone")
    dead = (f', {{ type = "otlp_grpc"; name = "dead"; endpoint = "http://127.0.0.1:{free_port()}"; queue_size = "256MiB"; '
            'retry = { initial = "100ms"; max = "1s"; }; }')
    turns = {"": [], dead: []}
    for _ in range(args.rounds):
        for beside, done in turns.items():
            with running(args, "ddgate", "grpc", "gzip", sink_in_background=True, beside=beside,
                         more='max_memory = "512MiB"; shutdown_timeout = "100ms";\n') as (_, port):
                load(args, port, "v0.4", 2, rate=75000)
                seen = load(args, port, "v0.4", 4, rate=RATE)
            if seen["rejected"]:
                args.void.append(f"dead: {seen['rejected']} spans were refused")
            done.append(seen["ms"])
    for beside, done in turns.items():
        m, times = middle(done), [statistics.median(t[key] / o[key] for t, o in zip(done, turns[""])) for key in ("p50", "p99")]
        print("| {0} | {p50:.2f} | {p99:.2f} | {max:.2f} | {1:.2f} | {2:.2f} |".format("a dead one" if beside else "none", *times, **m), flush=True)


def first_request(port, program):
    while program.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port)) as s:
                s.sendall(PUT)
                return s.recv(4096).startswith(b"HTTP/1.1 200")
        except ConnectionRefusedError:
            time.sleep(0.0005)
    return False


def measure_start(args):
    heading("From exec to the answer of the first request:", "who | least ms | median ms | of it CPU, median ms | resident then, MiB")
    for who in ["ddgate", "otelcol"] if args.otelcol else ["ddgate"]:
        rows = []
        for _ in range(5 * args.rounds):
            with running(args, who, "grpc", "none") as (program, port):
                if not first_request(port, program):
                    raise RuntimeError(f"{who} does not answer")
                rows.append((1e3 * (time.perf_counter() - program.started), scheduled_ms(program.pid), peak_mib(program.pid)))
        took, cpu, resident = zip(*rows)
        print(f"| {who} | {min(took):.0f} | {statistics.median(took):.0f} | {statistics.median(cpu):.0f} | {statistics.median(resident):.0f} |", flush=True)


def measure_cores(args):
    """With as many CPUs to spare for load and sink, the rate says it; on two CPUs only the cost: it must not rise with a second thread."""
    if len(CPUS) < 2:
        return
    enough = len(CPUS) >= 4
    theirs = set(CPUS[2:]) if enough else set(CPUS)
    heading("A second core (v0.4 to nowhere" + ("" if enough else "; load generator on the same CPUs") + "):",
            "threads | CPU µs/span | spans/s" + (" | times one" if enough else " | two of them, times one, by CPU time"))
    turns = {1: [], 2: []}
    for _ in range(args.rounds):
        for threads in turns:
            turns[threads].append(turn(args, "ddgate", "v0.4", "blackhole", "none", cpus=set(CPUS[:threads]), theirs=theirs, threads=threads))
    for threads, all_turns in turns.items():
        m = middle(all_turns)
        gain = statistics.median(t["rate"] / o["rate"] if enough else threads * o["us"] / t["us"] for t, o in zip(all_turns, turns[1]))
        print(f"| {threads} | {m['us']:.2f} | {m['rate']:.0f} | {gain:.2f} |", flush=True)


def measure_storage(args):
    """Turn about with the queue in memory; what the disk queue costs is the median of the pairs."""
    heading("The disk queue (v0.4, on one CPU):", "exporter | a request | queue | CPU µs/span | spans/s | peak MiB | CPU, times memory only")
    for exporter, traces in (("grpc", 75), ("grpc", 4)):
        turns = {None: [], "never": [], "interval": [], "always": []}
        for _ in range(args.rounds):
            for fsync, done in turns.items():
                done.append(turn(args, "ddgate", "v0.4", exporter, "none", fsync=fsync, traces=traces))
        for fsync, done in turns.items():
            m, ratio = middle(done), statistics.median(t["us"] / o["us"] for t, o in zip(done, turns[None]))
            print(f"| {exporter} | {traces} traces | {fsync or 'memory'} | {m['us']:.2f} | {m['rate']:.0f} | {m['peak']:.0f} | {ratio:.2f} |", flush=True)


def measure_span_metrics(args):
    """Turn about with and without; what counting costs is the median of the pairs."""
    heading("Span metrics (v0.4, on one CPU):", "exporter | span metrics | CPU µs/span | spans/s | peak MiB | CPU, times without")
    taker = ', { type = "blackhole"; name = "metrics"; signals = [ "metrics" ]; }'
    for exporter in ("blackhole", "grpc"):
        turns = {"never": [], "asked": []}
        for _ in range(args.rounds):
            for when, done in turns.items():
                done.append(turn(args, "ddgate", "v0.4", exporter, "none", beside=taker, receiver=f'span_metrics = {{ when = "{when}"; }}; '))
        for when, done in turns.items():
            m, ratio = middle(done), statistics.median(t["us"] / o["us"] for t, o in zip(done, turns["never"]))
            print(f"| {exporter} | {when} | {m['us']:.2f} | {m['rate']:.0f} | {m['peak']:.0f} | {ratio:.3f} |", flush=True)


PARTS = {"parts": measure_parts, "paths": measure_paths, "latency": measure_latency, "dead": measure_dead, "start": measure_start, "cores": measure_cores, "storage": measure_storage,
         "span-metrics": measure_span_metrics,
         "logs": logs.measure}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1] / "build")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=f"{', '.join(PARTS)}, or what the name of a whole path holds")
    parser.add_argument("--otelcol", default=shutil.which("otelcol"), help="the collector to compare with")
    args = parser.parse_args()
    args.void = []
    for name, measure in PARTS.items():
        if args.only in ("", name) or (name == "paths" and args.only not in PARTS):
            measure(args)
    for text in args.void:
        print(f"a turn is void: {text}", file=sys.stderr)
    return bool(args.void)


if __name__ == "__main__":
    sys.exit(main())
