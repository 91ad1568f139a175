# SPDX-License-Identifier: Apache-2.0
"""Real Datadog clients for the live tests: each in an environment of its own under .cache/ (DDGATE_CACHE says where else), made on
first use from the pinned lists in tests/clients/ and kept."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest
from ddgate import ROOT, free_port
from sinks import PATIENCE, Timeout

CACHE = pathlib.Path(os.environ.get("DDGATE_CACHE", ROOT / ".cache")).absolute()
LISTS = ROOT / "tests" / "clients"
DDTRACE = {"newest": "4.16.0", "3.x": "3.19.9", "2.x": "2.21.12", "1.x": "1.20.19"}
START = 120  # seconds; importing ddtrace on a busy machine is slow


def environment(name, files, make):
    """The directory CACHE/name-<hash of the lists>; `make(directory)` fills it once, whoever of several tests comes first."""
    digest = hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:12]
    directory = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (directory / ".whole").exists():
            shutil.rmtree(directory, ignore_errors=True)
            directory.mkdir()
            make(directory)
            (directory / ".whole").touch()
    return directory


def runs_here(version):
    """Whether ddtrace `version` (a key of DDTRACE) is for this Python: 1.20 has nothing for 3.13, which Debian 13 has."""
    return version != "1.x" or sys.version_info < (3, 13)


def python_client(version):
    """A virtual environment with ddtrace `version` (a key of DDTRACE); the newest and 2.x with Flask and requests, too. Returns its bin
    directory. Skips the test where that version does not run with this Python."""
    if not runs_here(version):
        pytest.skip(f"ddtrace {DDTRACE[version]} is for Python 3.12 and older")
    return python_environment(f"ddtrace-{DDTRACE[version]}")


def old_python():
    """An interpreter of Python 3.7 to 3.9; skips the test where there is none."""
    known = [*(f"python3.{minor}" for minor in (9, 8, 7)), *sorted(map(str, pathlib.Path.home().glob(".pyenv/versions/3.[789].*/bin/python")))]
    for name in known:
        if (path := shutil.which(name)) and subprocess.run([path, "-m", "venv", "--help"], capture_output=True, check=False).returncode == 0:
            return path
    pytest.skip("no Python 3.7 to 3.9 here")


def python_environment(name, python=None):
    """The bin directory of a virtual environment with what tests/clients/NAME.txt lists, for this Python or another."""
    wanted = LISTS / f"{name}.txt"

    def make(directory):
        subprocess.run([python or getattr(sys, "_base_executable", sys.executable), "-m", "venv", directory], check=True)
        subprocess.run([directory / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "-r", wanted], check=True)
    return environment(name.replace("/", "-"), [wanted], make) / "bin"


def node_modules(name="node"):
    files = [LISTS / name / "package.json", LISTS / name / "package-lock.json"]

    # What is compiled takes the headers of this Node where they are installed, and fetches none.
    headers = {"npm_config_nodedir": "/usr"} if pathlib.Path("/usr/include/node/node.h").exists() else {}

    def make(directory):
        for file in files:
            shutil.copy(file, directory)
        subprocess.run(["npm", "ci", "--silent", "--no-audit", "--no-fund"], cwd=directory, check=True, stdin=subprocess.DEVNULL, env={**headers, **os.environ})
    return environment(name.replace("/", "-"), files, make) / "node_modules"


def agent_address(gate, transport):
    return f"unix://{gate.socket}" if transport == "uds" else f"http://127.0.0.1:{gate.port}"


def clean_environment():
    return {k: v for k, v in os.environ.items() if not k.startswith(("DD_", "OTEL_", "PYTHONPATH"))}


class App:
    """A running example application. `output` is everything that it printed."""

    def __init__(self, directory, command, gate, transport, port=None, **variables):
        self.port = port or free_port()
        agent = {"DD_TRACE_AGENT_URL": agent_address(gate, transport)} if transport == "uds" else \
            {"DD_AGENT_HOST": "127.0.0.1", "DD_TRACE_AGENT_PORT": str(gate.port)}
        self.output_path = pathlib.Path(directory) / f"app-{self.port}.out"
        with open(self.output_path, "wb") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=directory,
                                            env={**clean_environment(), **agent, "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **variables})
        self._wait_listening()

    @property
    def output(self):
        return self.output_path.read_text(errors="replace")

    def _wait_listening(self):
        deadline, pause = time.monotonic() + START, threading.Event()
        while True:
            assert self.process.poll() is None, f"the application ended:\n{self.output}"
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            if time.monotonic() > deadline:
                raise Timeout(f"the application does not listen:\n{self.output}")
            pause.wait(0.05)

    def get(self, path):
        """(status, text) of one request to the application, without any tracing header."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def stop(self):
        """As Ctrl-C does: the tracer sends what it still holds."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise Timeout(f"SIGINT did not end the application:\n{self.output}") from None

    def assert_quiet(self):
        """The tracer had nothing to complain about."""
        loud = [line for line in self.output.splitlines()
                if "failed to start writer service" not in line and  # two threads of the tracer that start it at once; not about us
                re.search(r"\b(WARN(ING)?|ERROR|CRITICAL)\b.*\b(ddtrace|dd-?trace|datadog|agent)\b|failed to send|Unsupported Datadog", line, re.I)]
        assert not loud, "\n".join(loud)
