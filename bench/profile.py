#!/usr/bin/env python3
"""Where ddgate's CPU time goes under load, by part and by function: the profile of docs/performance.md.

  bench/profile.py [--api v0.4|v0.5] [--exporter grpc|http|blackhole] [--compression none|gzip] [--seconds 5] [--least 1]

Needs Linux' perf, and the right to use it on this machine. The load is that of bench/run.py. A part is what a sample's call stack says; the
libraries of the system keep no frame pointers, so stacks through them may end early: "no stack" is mostly the C library.
"""

import argparse
import collections
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import run  # noqa: E402

# thread, what one of the symbols in the stack begins with, part: the first row that fits
PARTS = [
    ("http", "dd_translate", "translation"),
    ("http", "gw_fanout_offer", "queue"),
    ("http", ("tcp_recvmsg", "__x64_sys_recvfrom", "inet_recvmsg"), "HTTP in: recv in the kernel"),
    ("http", ("tcp_sendmsg", "__x64_sys_sendmsg", "__x64_sys_sendto"), "HTTP in: the answer, in the kernel"),
    ("http", ("do_epoll", "ep_", "epoll_"), "HTTP in: epoll"),
    ("http", ("gw_http_", "MHD_", "ddtrace_"), "HTTP in: libmicrohttpd, copy of the body"),
    ("http", "", "HTTP in and translation: no stack"),
    ("exp", ("isal_", "encode_deflate", "crc32_", "build_huff", "ZSTD", "gw_compress"), "out: compression"),
    ("", ("tcp_sendmsg", "__x64_sys_sendmsg", "__x64_sys_sendto"), "out: send in the kernel"),
    ("exp", "", "out: exporter's thread"),
    ("", "", "out: other threads of gRPC"),
]


def part_of(thread, symbols):
    for prefix, begins, part in PARTS:
        if thread.startswith(prefix) and any(s.startswith(begins) for s in symbols):
            return part
    raise AssertionError("the last row fits")


def samples(data):
    """(thread, symbols from the leaf up) of each sample."""
    text = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym"], capture_output=True, text=True, check=True).stdout
    for block in text.split("\n\n"):
        lines = block.strip("\n").split("\n")
        symbols = [line.split(None, 1)[1].strip() if len(line.split(None, 1)) > 1 else "[unknown]" for line in lines[1:]]
        if symbols:
            yield lines[0].strip(), symbols


def record(args, data):
    with run.running(args, "ddgate", args.exporter, args.compression) as (program, port):
        run.load(args, port, args.api, 1)
        perf = subprocess.Popen(["perf", "record", "-q", "-g", "-F", "2500", "-p", str(program.pid), "-o", data])
        loaded = run.load(args, port, args.api, args.seconds)
        perf.send_signal(run.signal.SIGINT)
        perf.wait()
    return loaded


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[1] / "build")
    parser.add_argument("--api", default="v0.4")
    parser.add_argument("--exporter", default="grpc")
    parser.add_argument("--compression", default="none")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--least", type=float, default=1, help="per cent: functions below are left out")
    args = parser.parse_args()
    parts, functions = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        data = str(pathlib.Path(folder, "perf.data"))
        record(args, data)
        for thread, symbols in samples(data):
            part = part_of(thread, symbols)
            parts[part] += 1
            functions[symbols[0], part] += 1
    whole = sum(parts.values())
    print(f"{args.api}, {args.exporter}, {args.compression}: {whole} samples\n\n| part | % |\n|---|---|")
    for part, n in parts.most_common():
        print(f"| {part} | {100 * n / whole:.1f} |")
    print("\n| function | part | % |\n|---|---|---|")
    for (name, part), n in functions.most_common():
        if 100 * n / whole >= args.least:
            print(f"| {name} | {part} | {100 * n / whole:.1f} |")


main()
