# SPDX-License-Identifier: Apache-2.0
"""The stdout exporter beside a busy application: what is printed of many traces, what is told of the others, and narrow terminals."""
import fcntl
import itertools
import json
import os
import pty
import select
import struct
import subprocess
import termios
import time
import unicodedata

import pytest
from ddgate import BINARY, PATIENCE, Ddgate, conf_text, free_port
from payloads import span, v04

UPPER = "6b00e75f00000000"
START = 1_700_000_000_000_000_000
JSON = {"Content-Type": "application/json"}
ids = itertools.count(1000)


class Show(Ddgate):
    """Traces and logs, printed."""

    def __init__(self, directory, **stdout):
        port = free_port()
        listen = [f"127.0.0.1:{port}"]
        super().__init__(directory, port=port, env={"TZ": "UTC"}, conf=conf_text({
            "receivers": ({"type": "ddtrace", "listen": listen, "socket": ""}, {"type": "http", "listen": listen}),
            "exporters": ({"type": "stdout", "batch": {"delay": "20ms"}, **stdout},), "admin": {"listen": "127.0.0.1:0"}}))

    def trace(self, resource, ms=1, service="web", error=0, trace=None, at=0, **meta):
        trace = trace or next(ids)
        s = span(service=service, resource=resource, name="web.request", type="web", trace_id=trace, span_id=trace, error=error,
                 start=START + at, duration=int(ms * 1e6), meta={"_dd.p.tid": UPPER, "http.status_code": "500" if error else "200", **meta})
        assert self.put("/v0.4/traces", v04([s])).status == 200
        return trace

    def log(self, message, trace, status="info", service="web"):
        record = {"message": message, "service": service, "status": status, "dd.trace_id": str(trace), "dd.span_id": str(trace)}
        assert self.request("POST", "/api/v2/logs", json.dumps([record]).encode(), JSON).status == 202


def test_errors_only(tmp_path):
    with Show(tmp_path, only={"errors": True}, gather="100ms") as gate:
        for _ in range(3):
            gate.trace("GET /quiet")
        gate.trace("GET /broken", error=1, **{"error.type": "ValueError", "error.message": "no stock"})
        gate.log("nothing to see", 77)
        gate.log("it broke", 78, status="error")
        gate.wait_stdout(lambda t: "it broke" in t and "GET /broken" in t)
        gate.stop()
        # the line stands at the end, because the period of ten seconds was not over
        assert gate.stdout.endswith("hidden: 3 traces without errors, 1 log record\n"), gate.stdout
    assert "ValueError: no stock" in gate.stdout and "quiet" not in gate.stdout and "nothing to see" not in gate.stdout
    assert gate.ledger.exporter("stdout") == {"sent": 1, ("dropped", "filtered"): 3}
    assert gate.ledger.exporter("stdout", "logs") == {"sent": 1, ("dropped", "filtered"): 1}


def test_services_and_durations_hold_together(tmp_path):
    with Show(tmp_path, only={"services": ["web", "db"], "min_duration": "200ms"}) as gate:
        gate.trace("GET /slow", ms=250)
        gate.trace("GET /fast", ms=199)
        gate.trace("GET /elsewhere", ms=900, service="cron")
        gate.trace("SELECT", ms=200, service="db")
        gate.wait_stdout(lambda t: "SELECT" in t and "GET /slow" in t)
        gate.stop()
        assert gate.stdout.endswith("hidden: 1 trace of other services, 1 trace shorter than 200ms\n"), gate.stdout
    assert "/fast" not in gate.stdout and "/elsewhere" not in gate.stdout
    assert gate.ledger.exporter("stdout") == {"sent": 2, ("dropped", "filtered"): 2}


def test_repeats_are_folded(tmp_path):
    with Show(tmp_path, fold="400ms") as gate:
        for n in range(30):
            gate.trace("GET /health", ms=1 + n % 3)
        gate.trace("GET /orders", ms=5)
        # within the window, while the process runs
        text = gate.wait_stdout(lambda t: "GET /health [web] ×" in t and "/orders" in t)
        assert text.count("server GET /health") == 1 and text.count("server GET /orders") == 1
        gate.trace("GET /orders", ms=5, error=1, **{"error.type": "ValueError"})
        gate.wait_stdout(lambda t: "✗ ValueError" in t)
        gate.stop()
    folded = [line for line in gate.stdout.splitlines() if "×" in line]
    assert sum(int(line.split("×")[1].split()[0]) for line in folded) + gate.stdout.count("server GET /health") == 30, gate.stdout
    assert "  200  " in folded[0] and "· last 2023-11-14 22:13:20.000Z" in folded[0]
    assert gate.ledger.exporter("stdout") == {"sent": 32}


def test_a_stop_prints_what_is_folded(tmp_path):
    with Show(tmp_path, fold="1h") as gate:
        for _ in range(12):
            gate.trace("GET /health", ms=2)
        gate.wait_stdout(lambda t: "GET /health" in t)
        gate.stop()
        assert gate.stdout.endswith("GET /health [web] ×11  200  2.00ms · last 2023-11-14 22:13:20.000Z\n"), gate.stdout


def test_a_trace_waits_for_its_logs_where_logs_come(tmp_path):
    """The trace comes first; without a log before it, it would be printed at once."""
    with Show(tmp_path, log_wait="700ms", gather="30s") as gate:
        first = gate.trace("GET /first")
        gate.wait_stdout(lambda t: "GET /first" in t)  # no log came: it did not wait
        gate.log("logs come here", first)
        gate.wait_stdout(lambda t: "logs come here" in t)
        second = gate.trace("GET /second", at=10)
        gate.log("of the second", second)
        gate.wait_stdout(lambda t: "of the second" in t)
    lines = gate.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "server GET /second" in line)
    assert "» info  of the second" in lines[at + 1], gate.stdout


def test_traces_of_a_batch_are_in_the_order_of_time(tmp_path):
    with Show(tmp_path, batch={"delay": "30s"}) as gate:
        for at in (5, 3, 9, 1, 7):
            gate.trace(f"GET /{at}", at=at)
        gate.stop()
    heads = [line.split("GET /")[1][0] for line in gate.stdout.splitlines() if "server GET" in line]
    assert heads == ["1", "3", "5", "7", "9"]


TRACEBACK = ('Traceback (most recent call last):\n  File "/usr/lib/python3/dist-packages/shop/views/handler.py", line 112, in get\n'
             "    return self.orders.find(number)\nValueError: no stock\n")


def columns(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def test_narrow_terminals_keep_file_line_and_function(tmp_path):
    """On a pseudo-terminal of 64 columns; Ctrl-C comes from its keyboard."""
    port = free_port()
    (tmp_path / "c.conf").write_text(conf_text({
        "receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},),
        "exporters": ({"type": "stdout", "color": "never", "batch": {"delay": "0s"}},), "admin": {"listen": "127.0.0.1:0"}}))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 64, 0, 0))
    gate = Show.__new__(Show)
    gate.directory, gate.port, gate.stderr_path = tmp_path, port, tmp_path / "stderr"
    with open(gate.stderr_path, "wb") as err:
        gate.process = subprocess.Popen([BINARY, "-c", tmp_path / "c.conf"], stdin=slave, stdout=slave, stderr=err, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    os.close(slave)
    gate.wait_listening()
    gate.trace("GET /\x1b[2J\u202e", error=1, **{"error.type": "ValueError", "error.message": "no stock", "error.stack": TRACEBACK})
    text, deadline = b"", time.monotonic() + PATIENCE
    while b"in get" not in text and select.select([master], [], [], max(0, deadline - time.monotonic()))[0]:
        text += os.read(master, 65536)
    os.write(master, b"\x03")  # the terminal makes SIGINT of it
    assert gate.process.wait(30) == 0
    os.close(master)
    gate.stop()
    lines = text.decode().replace("\r\n", "\n").splitlines()
    frame = next(line for line in lines if "handler.py" in line)
    assert frame.strip() == "/usr/lib/…/handler.py:112 in get", frame
    assert all(columns(line) <= 64 for line in lines), lines
    assert "\x1b" not in text.decode() and "\\x1b[2J\\u202e" in text.decode()
    assert "Interrupt: ddgate is stopping" in gate.stderr


@pytest.mark.parametrize("option", [{"only": {"errors": True}}, {"only": {"services": ["a"]}}, {"only": {"min_duration": "1s"}}, {"fold": "1s"}])
def test_other_formats_print_everything(tmp_path, option):
    path = tmp_path / "c.conf"
    path.write_text(conf_text({"exporters": ({"type": "stdout", "format": "otlp_json", **option},)}))
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and 'needs format = "pretty": the other formats print everything' in done.stderr, done.stderr
