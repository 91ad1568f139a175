"""The logs of docs/performance.md: files of lines through the real binary into OTLP over gRPC, beside the collector's filelog receiver.

Each row is a file of the same lines for both, linked into place once the program runs and is idle; CPU time and peak memory are read when the
sink has all of them. The collector's operators parse what ddgate finds without a script: time and severity, and the groups of an expression.
"""

import datetime
import json
import os
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile

from turn import OURS, THEIRS, cpu_seconds, heading, middle, peak_mib, start, wait_until_idle

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINES = 500_000
BEGIN = datetime.datetime(2026, 11, 21, 10, 0, 0)
# name, lines, what ddgate's receiver says, what the collector's operators are
ROWS = [
    ("documented Python form, plain", "python", 'parse = "none";', ""),
    ("documented Python form, parsed without a script", "python", "", "python"),
    ("Python without brackets, the shipped script", "bare", f'pipeline = "{ROOT}/conf/pipelines/python.p";', "bare"),
    ("nginx combined, plain", "nginx", 'parse = "none";', ""),
    ("nginx combined, the shipped script", "nginx", f'pipeline = "{ROOT}/conf/pipelines/nginx.p";', "nginx"),
]
ID = r"(?P<trace_id>\d+)"
TIME = r"(?P<time>\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2},\d{3}) (?P<level>[A-Z]+)"
EXPRESSIONS = {
    "python": rf"^{TIME} \[(?P<logger>[^\]]*)\] \[(?P<file>[^:\]]+):(?P<line>\d+)\] \[dd\.service=(?P<service>\S*) dd\.env=(?P<env>\S*) "
              rf"dd\.version=(?P<version>\S*) dd\.trace_id={ID} dd\.span_id=(?P<span_id>\d+)\] - (?P<message>.*)$",
    "bare": rf"^{TIME} (?P<file>\S+) (?P<service>\S+) {ID} (?P<function>[^:]+):(?P<line>\d+) (?P<message>.*)$",
    "nginx": r'^(?P<remote>\S+) (?P<ident>\S+) (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<path>\S+) (?P<proto>[^"]+)" '
             r'(?P<status>\d{3}) (?P<bytes>\d+|-) "(?P<referer>[^"]*)" "(?P<agent>[^"]*)"$',
}
PYTHON_TIME = {"parse_from": "attributes.time", "layout": "%Y-%m-%d %H:%M:%S,%L", "location": "UTC"}
PYTHON_LEVEL = {"parse_from": "attributes.level", "mapping": {"debug": "DEBUG", "info": "INFO", "warn": "WARNING", "error": "ERROR", "fatal": "CRITICAL"}}
NGINX_TIME = {"parse_from": "attributes.time", "layout": "%d/%b/%Y:%H:%M:%S %z"}
NGINX_LEVEL = {"parse_from": "attributes.status", "mapping": {"info": ["2xx", "3xx"], "warn": "4xx", "error": "5xx"}}


def python_line(at, r):
    level = r.choice(["INFO"] * 17 + ["WARNING", "ERROR", "DEBUG"])
    return (f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03} {level} [shop.views] [views.py:{r.randrange(1, 400)}] "
            f"[dd.service=shop dd.env=prod dd.version=1.4.2 dd.trace_id={r.getrandbits(64)} dd.span_id={r.getrandbits(64)}] - order {r.getrandbits(20)} is paid")


def bare_line(at, r):
    level = r.choice(["INFO"] * 17 + ["WARNING", "ERROR", "DEBUG"])
    return (f"{at:%Y-%m-%d %H:%M:%S},{at.microsecond // 1000:03} {level} views.py shop {r.getrandbits(64)} pay:{r.randrange(1, 400)} "
            f"order {r.getrandbits(20)} is paid")


def nginx_line(at, r):
    agent = r.choice(["Mozilla/5.0 (X11; Linux x86_64; rv:139.0) Gecko/20100101 Firefox/139.0", "curl/8.14.1", "python-requests/2.32.4"])
    return (f'192.0.2.{r.randrange(256)} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{r.choice(["GET", "GET", "POST"])} /api/orders/{r.getrandbits(20)} HTTP/1.1" '
            f'{r.choice([200, 200, 200, 304, 404, 500])} {r.randrange(60000)} "https://shop.example/" "{agent}"')


MAKERS = {"python": python_line, "bare": bare_line, "nginx": nginx_line}


def write_lines(path, kind):
    r = random.Random(1)
    with open(path, "w", buffering=1 << 20) as f:
        for i in range(LINES):
            f.write(MAKERS[kind](BEGIN + datetime.timedelta(milliseconds=4 * i), r) + "\n")


def operators(kind):
    """JSON is YAML."""
    if not kind:
        return []
    time, level = (NGINX_TIME, NGINX_LEVEL) if kind == "nginx" else (PYTHON_TIME, PYTHON_LEVEL)
    return [{"type": "regex_parser", "regex": EXPRESSIONS[kind], "timestamp": time, "severity": level}]


def otelcol_conf(log, port, kind):
    return json.dumps({
        "receivers": {"filelog": {"include": [str(log)], "start_at": "beginning", "operators": operators(kind)}},
        "processors": {"batch": {}},
        "exporters": {"otlp": {"endpoint": f"127.0.0.1:{port}", "compression": "none", "tls": {"insecure": True}}},
        "service": {"telemetry": {"metrics": {"level": "none"}, "logs": {"level": "warn"}},
                    "pipelines": {"logs": {"receivers": ["filelog"], "processors": ["batch"], "exporters": ["otlp"]}}},
    })


def ddgate_conf(log, port, says, offsets):
    return (f'receivers = ( {{ type = "file"; path = "{log}"; start = "beginning"; offsets = "{offsets}"; {says} }} );\n'
            f'exporters = ( {{ type = "otlp_grpc"; endpoint = "http://127.0.0.1:{port}"; compression = "none"; }} );\n'
            'admin = { listen = ""; };\n')


def turn(args, who, data, says, kind):
    with tempfile.TemporaryDirectory(dir=args.build) as folder:
        log, conf, err = (pathlib.Path(folder, name) for name in ("in.log", "conf.yaml", "err"))
        sink = start([args.build / "bench/otlp_sink"], THEIRS, stdout=subprocess.PIPE)
        port = dict(sink.stdout.readline().split() for _ in range(2))["grpc"]
        ours = who == "ddgate"
        conf.write_text(ddgate_conf(log, port, says, folder) if ours else otelcol_conf(log, port, kind))
        argv = [args.build / "ddgate", "-c", conf] if ours else [args.otelcol, "--config", conf]
        program = start(argv, OURS, stdout=subprocess.DEVNULL, stderr=err.open("w"), env=dict(os.environ, GOMAXPROCS="1"))
        wait_until_idle(program.pid)
        before = cpu_seconds(program.pid)
        os.link(data, log)
        while cpu_seconds(program.pid) - before < 0.05 and program.poll() is None:
            wait_until_idle(program.pid)  # it has not seen the file yet
        wait_until_idle(program.pid)
        cpu, peak = cpu_seconds(program.pid) - before, peak_mib(program.pid)
        program.terminate()
        program.wait(60)
        sink.send_signal(signal.SIGTERM)
        seen = json.loads(sink.communicate()[0].splitlines()[-1])["spans"]  # records stand where spans do
        if seen != LINES:
            args.void.append(f"{who}, {data.stem}: {LINES - seen} of {LINES} lines did not arrive")
            print(err.read_text()[-2000:], file=sys.stderr)
    return {"us": cpu / LINES * 1e6, "peak": peak}


def measure(args):
    whos = ["ddgate", "otelcol"] if args.otelcol else ["ddgate"]
    heading(f"{LINES} lines of a file to gRPC, on one CPU:", "lines | who | CPU µs/line | peak MiB | CPU, times less")
    with tempfile.TemporaryDirectory(dir=args.build) as folder:
        for name, kind, says, parsed in ROWS:
            data = pathlib.Path(folder, f"{kind}.log")
            if not data.exists():
                write_lines(data, kind)
            rounds = [{who: turn(args, who, data, says, parsed) for who in whos} for _ in range(args.rounds)]
            for who in whos:
                less = "{:.1f}".format(statistics.median(r[whos[-1]]["us"] / r["ddgate"]["us"] for r in rounds))
                print("| {0} | {1} | {us:.2f} | {peak:.0f} | {2} |".format(name, who, less if who != whos[-1] else "", **middle([r[who] for r in rounds])), flush=True)
