# SPDX-License-Identifier: Apache-2.0
"""A standard error that nobody reads: a full pipe holds up nothing, from the start to the end."""
import fcntl
import os
import subprocess

from ddgate import BINARY, PATIENCE, Ddgate
from payloads import trace, v04


class FullPipe:
    """A pipe with no room left. `read` gives what ddgate wrote behind that."""

    def __init__(self):
        self.reader, self.writer = os.pipe()
        self.size = fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        assert os.write(self.writer, b"." * (self.size - 1) + b"\n") == self.size

    def read(self):
        os.close(self.writer)
        with os.fdopen(self.reader, "rb") as f:
            return f.read()[self.size:].decode()


class Unread(Ddgate):
    """ddgate with that for its standard error."""

    def __init__(self, directory, pipe, **conf):
        self.pipe = pipe
        super().__init__(directory, args=["--version"])
        self.process.wait(PATIENCE)
        path = self.directory / "ddgate.conf"
        path.write_text(self._conf(conf.get("receiver", {}), conf.get("exporters", ()), conf.get("settings", {}), False))
        self.process = subprocess.Popen([str(BINARY), "-c", str(path)], stdout=subprocess.DEVNULL, stderr=pipe.writer, stdin=subprocess.DEVNULL)

    def until_answers(self):
        def answers():
            try:
                return self.put("/v0.4/traces", v04(trace(1))).status == 200
            except ConnectionRefusedError:
                return False

        self._until(answers, "it does not answer")


def test_it_starts_answers_and_stops(tmp_path):
    pipe = FullPipe()
    gate = Unread(tmp_path, pipe, exporters=[{"type": "blackhole"}], settings={"log": {"level": "debug"}})
    try:
        gate.until_answers()
        for _ in range(50):  # a warning for each, as many as a call site may say
            assert gate.put("/v0.4/traces", b"\xc1").status == 400
            assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
        gate.process.terminate()
        assert gate.process.wait(PATIENCE) == 0
    finally:
        gate.process.kill()
        gate.process.wait()


def test_what_was_held_up_comes_when_somebody_reads(tmp_path):
    pipe = FullPipe()
    gate = Unread(tmp_path, pipe, exporters=[{"type": "blackhole"}])
    try:
        gate.until_answers()
        assert gate.put("/v0.4/traces", b"\xc1").status == 400
        assert os.read(pipe.reader, pipe.size)[-1:] == b"\n"
        pipe.size = 0
        gate.process.terminate()
        assert gate.process.wait(PATIENCE) == 0
        said = pipe.read()
        assert " is running." in said and "is answered 400" in said and "terminated: ddgate is stopping" in said.lower()
        assert said.rstrip().splitlines()[-1].split()[0] == "sent"  # the ledger is whole
    finally:
        gate.process.kill()
        gate.process.wait()
