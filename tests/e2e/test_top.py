# SPDX-License-Identifier: Apache-2.0
"""`ddgate top` beside a real ddgate: one page for scripts, and the real thing on a terminal of the test's own."""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
import fcntl

import pytest
from ddgate import BINARY, MSGPACK, free_port
from payloads import span, trace, v04
from sending import QUICK
from sinks import PATIENCE

PYTHON = {**MSGPACK, "Datadog-Meta-Lang": "python", "Datadog-Meta-Tracer-Version": "1.6.4"}


def once(*args, expect=0):
    done = subprocess.run([BINARY, "top", *args], capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done


def url(gate):
    return f"http://127.0.0.1:{gate.admin_port}"


def rows(text):
    return [line.split() for line in text.splitlines()]


def test_one_page_has_flow_exporters_and_clients(gate):
    gate.put("/v0.4/traces", v04(trace(7), [span(trace_id=0, meta={})]), PYTHON)
    page = once("--admin", url(gate)).stdout
    assert "\x1b" not in page
    assert page.startswith("ddgate ") and "memory" in page.splitlines()[0]
    signals = next(r for r in rows(page) if r[:1] == ["traces"])
    assert signals[1:8] == ["8", "7", "1", "0", "8", "zero_trace_id", "1"]
    assert next(r for r in rows(page) if r[:1] == ["otlp_grpc"])[1] == "ok"
    client = next(r for r in rows(page) if r[:1] == ["shop"])
    assert client[1:4] == ["test", "python", "1.6.4"] and "v0.4" in client and client[-2:] == ["!", "2"]
    assert "ddtrace below 1.11.0 has trace ids of 64 bits" in page


def test_a_dead_backend_is_seen(make_gate):
    gate = make_gate(exporters=[dict(type="otlp_http", name="away", endpoint=f"http://127.0.0.1:{free_port()}", batch={"delay": "0s"})],
                     settings={"shutdown_timeout": "100ms"})
    gate.put("/v0.4/traces", v04(trace(5)), PYTHON)
    gate._until(lambda: "down" in once("--admin", url(gate)).stdout, "it is not down")  # pylint: disable=protected-access
    page = once("-c", str(_with_port(gate))).stdout
    row = next(r for r in rows(page) if r[:1] == ["away"])
    assert row[1] == "down" and "5" in row and "never" in row
    assert "onnect to" in page
    gate.stop(check=False)


def _with_port(gate):
    """The configuration as a user has it: with the port of the listener, and not 0."""
    path = gate.directory / "real.conf"
    path.write_text((gate.directory / "ddgate.conf").read_text().replace("127.0.0.1:0", f"127.0.0.1:{gate.admin_port}"))
    return path


def test_it_says_what_is_missing(make_gate, sink, tmp_path):
    gone = once("--admin", f"http://127.0.0.1:{free_port()}", expect=1).stderr
    assert "Is ddgate running there?" in gone
    off = make_gate(settings={"admin": {"listen": "127.0.0.1:0", "page": False}})
    assert "admin.page = true" in once("--admin", url(off), expect=1).stderr
    locked = make_gate(settings={"admin": {"listen": "127.0.0.1:0", "auth": {"token": "a-long-secret-token"}}})
    refused = once("--admin", url(locked), expect=1).stderr
    assert "401" in refused and "-c FILE" in refused and "secret" not in refused
    assert once("-c", str(_with_port(locked))).stdout.startswith("ddgate ")
    assert "there is no such argument" in once("--often", expect=2).stderr
    assert "--once" in once("--help").stdout


def test_hostile_names_are_inert(gate):
    for name in ("\x1b[2J\x1b]0;owned\x07", "a\u202eb", "x" * 500, "\u009b31m"):
        gate.put("/v0.4/traces", v04([span(service=name)]), {**PYTHON, "Datadog-Meta-Lang": "go"})
    page = once("--admin", url(gate)).stdout
    assert not [c for c in page if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"]
    assert "\\x1b" in page and max(map(len, page.splitlines())) <= 400


class Terminal:
    """ddgate top on a pseudo terminal of 100 × 30."""

    def __init__(self, *args):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.text = ""
        self.process = subprocess.Popen([BINARY, "top", *args], stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))  # pylint: disable=subprocess-popen-preexec-fn

    def wait(self, needle, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        while needle not in self.text:
            assert time.monotonic() < deadline, f"no {needle!r} in {self.text!r}"
            if select.select([self.master], [], [], 0.1)[0]:
                self.text += os.read(self.master, 65536).decode(errors="replace")
        seen, self.text = self.text, ""
        return seen

    def key(self, keys):
        os.write(self.master, keys)

    def resize(self, lines, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def assert_restored(self):
        assert termios.tcgetattr(self.slave)[:4] == self.before[:4]

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal(gate):
    gate.put("/v0.4/traces", v04(trace(3, service="zebra")), PYTHON)
    gate.put("/v0.4/traces", v04([span(service="aardvark")]), PYTHON)
    t = Terminal("--admin", url(gate))
    yield t
    t.close()


END = "q leave"
BACK = "\x1b[?1049l"


def last_screen(seen):
    return re.sub(r"\x1b\[[?0-9;]*[a-zA-Z]", "", seen[seen.rindex("\x1b[H"):]).replace("\r", "")


def test_on_a_terminal_it_sorts_resizes_and_leaves(gate, terminal):
    first = terminal.wait(END)
    assert "\x1b[?1049h" in first
    screen = last_screen(first)
    assert screen.index("zebra") < screen.index("aardvark")  # by rate
    assert len(screen.splitlines()) <= 30 and all(len(line) <= 100 for line in screen.splitlines())
    terminal.key(b"n")
    screen = last_screen(terminal.wait("sorted by name"))
    assert screen.index("aardvark") < screen.index("zebra")
    terminal.resize(12, 60)
    terminal.process.send_signal(signal.SIGWINCH)
    screen = last_screen(terminal.wait("sorted by name"))
    assert len(screen.splitlines()) <= 12 and all(len(line) <= 60 for line in screen.splitlines())
    gate.put("/v0.4/traces", v04(trace(20, service="zebra")), PYTHON)
    terminal.key(b" ")
    terminal.wait("RECEIVED/S")
    terminal.key(b"q")
    terminal.wait(BACK)
    assert terminal.process.wait(PATIENCE) == 0
    terminal.assert_restored()


def test_ctrl_c_gives_the_terminal_back(terminal):
    terminal.wait(END)
    terminal.key(b"\x03")
    terminal.wait(BACK)
    assert terminal.process.wait(PATIENCE) == -signal.SIGINT
    terminal.assert_restored()


def test_it_goes_on_when_ddgate_is_back(make_gate, sink):
    port = free_port()
    conf = dict(exporters=[dict(type="otlp_grpc", endpoint=sink.endpoint, **QUICK)], settings={"admin": {"listen": f"127.0.0.1:{port}"}})
    first = make_gate(**conf)
    terminal = Terminal("--admin", f"http://127.0.0.1:{port}")
    try:
        terminal.wait(END)
        first.stop()
        terminal.key(b" ")
        terminal.wait("refused")
        again = make_gate(**conf)
        again.put("/v0.4/traces", v04(trace(2, service="back")), PYTHON)
        terminal.key(b" ")
        terminal.wait("back")
        terminal.key(b"q")
        assert terminal.process.wait(PATIENCE) == 0
    finally:
        terminal.close()
