# SPDX-License-Identifier: Apache-2.0
"""Starts the real binary, talks to it as a tracer does, and reads its last words.

    with Ddgate(tmp_path, exporters=[grpc(sink)]) as gate:
        answer = gate.put("/v0.4/traces", body, headers)
    gate.ledger                      # printed at exit; the balance is asserted for every run
"""
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass

from sinks import PATIENCE, Timeout

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("DDGATE_BINARY", ROOT / "build" / "ddgate"))
# Built with a sanitizer: slower, and with memory of its own that is not the gateway's.
SANITIZED = any(mark in BINARY.read_bytes() for mark in (b"__asan_init", b"__tsan_init")) if BINARY.exists() else False
MSGPACK = {"Content-Type": "application/msgpack"}


def free_port():
    """A port that the kernel picked. Between this and the start somebody else could take it: then the start fails loudly."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def grpc(sink, **options):
    """An exporter group for a sink of sinks.py."""
    return dict(type="otlp_grpc", endpoint=sink.endpoint, **options)


def conf_value(v):
    """Python value -> libconfig text."""
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, (int, float)):
        return str(v)
    if isinstance(v, dict):
        return "{ " + " ".join(f"{key} = {conf_value(x)};" for key, x in v.items()) + " }"
    if isinstance(v, tuple):
        return "( " + ", ".join(conf_value(x) for x in v) + " )"
    if isinstance(v, list):
        return "[ " + ", ".join(conf_value(x) for x in v) + " ]"
    text = str(v).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def conf_text(rows):
    """Top-level options -> the text of a configuration file."""
    return "".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items())


@dataclass
class Answer:
    status: int
    headers: dict  # lower-case names
    body: bytes

    @property
    def type(self):
        return self.headers.get("content-type", "").split(";")[0]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Ddgate:
    """One process. `receiver` and `exporters` become the configuration; `settings` are further top-level options; `conf` replaces
    all of that by a text of the test's own, `args` the command line."""

    def __init__(self, directory, receiver=None, exporters=(), settings=None, conf=None, args=None, env=None, uds=False, port=None,
                 stdin=subprocess.DEVNULL):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.socket = self.directory / "apm.sock"
        self.stdout_path = self.directory / "stdout"
        self.stderr_path = self.directory / "stderr"
        if args is None:
            path = self.directory / "ddgate.conf"
            path.write_text(conf if conf is not None else self._conf(receiver or {}, exporters, settings or {}, uds))
            args = ["-c", str(path)]
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen([str(BINARY), *args], stdout=out, stderr=err, stdin=stdin,
                                            cwd=self.directory, env={**os.environ, **(env or {})})
        self.ledger = None

    def _conf(self, receiver, exporters, settings, uds):
        ddtrace = {"type": "ddtrace", "listen": [f"127.0.0.1:{self.port}"], "socket": self.socket if uds else "", **receiver}
        rows = {"receivers": (ddtrace,), "exporters": tuple(exporters) or ({"type": "stdout", "format": "otlp_json"},),
                "admin": {"listen": "127.0.0.1:0"}, **settings}
        return conf_text(rows)

    def __enter__(self):
        self.wait_listening()
        return self

    def __exit__(self, kind, *_):
        self.stop(check=kind is None)

    def wait_listening(self):
        """Until it says that everything is open. A connection that is taken proves less: addresses are opened one after the other."""
        self._until(self._runs, "it does not say that it is running")

    def _runs(self):
        if self.process.poll() is not None:
            raise AssertionError(f"ddgate ended with {self.process.returncode} before it listened:\n{self.stderr}")
        return " is running." in self.stderr

    def _until(self, condition, complaint, timeout=PATIENCE):
        deadline = time.monotonic() + timeout
        pause = threading.Event()
        while not condition():
            if time.monotonic() > deadline:
                raise Timeout(f"{complaint} after {timeout} s; ddgate says:\n{self.stderr}")
            pause.wait(0.005)

    @property
    def stderr(self):
        return self.stderr_path.read_text(errors="replace")

    @property
    def stdout(self):
        return self.stdout_path.read_text(encoding="utf-8")

    def wait_stdout(self, condition, what="the expected output", timeout=PATIENCE):
        self._until(lambda: condition(self.stdout), f"standard output did not show {what}", timeout)
        return self.stdout

    def wait_stderr(self, needle, timeout=PATIENCE):
        self._until(lambda: needle in self.stderr, f"standard error did not say {needle!r}", timeout)

    def connection(self, transport="tcp"):
        if transport == "uds":
            return UnixConnection(self.socket, PATIENCE)
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def request(self, method, path, body=b"", headers=None, transport="tcp", connection=None):
        """`headers` is a dict, or a list of pairs that is sent exactly as it is."""
        http_connection = connection or self.connection(transport)
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers or [])
        given = {name.lower() for name, _ in pairs}
        http_connection.putrequest(method, path, skip_host="host" in given, skip_accept_encoding=True)
        if not given & {"content-length", "transfer-encoding"} and (body or method != "GET"):
            pairs.append(("Content-Length", str(len(body))))
        for name, v in pairs:
            http_connection.putheader(name, v)
        http_connection.endheaders(body)
        response = http_connection.getresponse()
        answer = Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        if not connection:
            http_connection.close()
        return answer

    @property
    def admin_port(self):
        listening = re.compile(r'admin\W+(?:msg\W+)?listening on [^"]*:(\d+)"')  # in any form of the log
        self._until(lambda: listening.search(self.stderr), "no admin listener is spoken of")
        return int(listening.search(self.stderr)[1])

    def admin(self, path, method="GET", body=b"", headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=PATIENCE)
        return self.request(method, path, body, headers, connection=connection)

    def put(self, path, body, headers=None, **more):
        return self.request("PUT", path, body, headers or MSGPACK, **more)

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def stop(self, check=True, expect=0):
        """SIGTERM, drain, exit code, ledger. `expect` is the exit code that the test wants."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            code = self.process.wait(4 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Timeout(f"SIGTERM did not end ddgate within {4 * PATIENCE} s:\n{self.stderr}") from None
        self.ledger = Ledger.parse(self.stderr)
        if check:
            assert code == expect, f"exit code {code}, not {expect}:\n{self.stderr}"
            self.assert_sane()
        return code

    def assert_sane(self):
        for sign in ("ERROR: AddressSanitizer", "runtime error:", "WARNING: ThreadSanitizer", "ERROR: LeakSanitizer", "assertion"):
            assert sign not in self.stderr, self.stderr
        assert "does not balance" not in self.stderr, self.stderr
        self.ledger.assert_balanced()


class Ledger:
    """The table that ddgate prints when it ends, per signal:

        traces
          received                       27
          refused (zero_trace_id)         1
          accepted                       26
          exporter otlp_grpc
            sent                         26

    A row of zero is not printed, nor a signal that nothing arrived for."""

    ROW = re.compile(r"(?P<indent> +)(?P<what>[a-z][a-z0-9 ]*?)(?: \((?P<why>\w+)\))? +(?P<n>\d+)")

    def __init__(self):
        self.signals = {}

    @classmethod
    def parse(cls, text):
        ledger, signal, place = cls(), None, None
        for line in text.splitlines():
            if line in ("traces", "logs", "metrics", "profiles"):
                signal = ledger.signals[line] = {"intake": Counter(), "exporters": {}}
                place = signal["intake"]
            elif signal and line.startswith("  exporter "):
                place = signal["exporters"].setdefault(line.removeprefix("  exporter "), Counter())
            elif signal and (row := cls.ROW.fullmatch(line)):
                place[(row["what"], row["why"]) if row["why"] else row["what"]] += int(row["n"])
            else:
                signal = None
        return ledger

    def intake(self, signal="traces"):
        return self.signals.get(signal, {}).get("intake", Counter())

    def exporter(self, name="otlp_grpc", signal="traces"):
        return self.signals.get(signal, {}).get("exporters", {}).get(name, Counter())

    def assert_balanced(self):
        """received = refused + dropped + accepted; for each exporter accepted + recovered = everything that became of it."""
        for name, signal in self.signals.items():
            rows = signal["intake"]
            gone = sum(n for key, n in rows.items() if isinstance(key, tuple))
            assert rows["received"] == gone + rows["accepted"], f"{name}: {rows}"
            for exporter, places in signal["exporters"].items():
                recovered = places["recovered from disk"]
                assert sum(places.values()) - recovered == rows["accepted"] + recovered, f"{name}: {exporter}: {places}, accepted {rows['accepted']}"
