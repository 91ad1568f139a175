# SPDX-License-Identifier: Apache-2.0
"""Real logrotate in its modes, under load, while the gateway is stopped, killed and told to read its configuration again: a line that stands
on the disk when all is over arrives, and once, unless the gateway was killed; what does not arrive logrotate lost itself, in neither copy nor original.
tests/unit/gateway/receivers/file/test_file_rotation.c plays each of its steps alone."""
import collections
import os
import random
import re
import shutil
import signal
import threading

import pytest

from ddgate import Ddgate, conf_value
from log_sink import LogSink
from rotation import Writer, on_disk, rotate

pytestmark = pytest.mark.skipif(not shutil.which("logrotate"), reason="there is no logrotate")
PAUSE = threading.Event()  # never set
TURNS = 20 if os.environ.get("DDGATE_SOAK") == "1" else 5
MODES = {
    "create": "create", "nocreate": "nocreate", "copy": "copy", "copytruncate": "copytruncate", "compress": "create;compress",
    "delaycompress": "create;compress;delaycompress", "sharedscripts": "create;sharedscripts", "dateext": "create;dateext;dateformat -%s.TURN",
    "olddir": "create;olddir OLD", "olddir-compress": "create;compress;olddir OLD", "extension": "create;extension .log;compress",
    "copytruncate-compress": "copytruncate;compress", "copytruncate-delaycompress": "copytruncate;compress;delaycompress",
    "copytruncate-olddir": "copytruncate;olddir OLD", "copytruncate-olddir-compress": "copytruncate;compress;olddir OLD",
    "copytruncate-dateext": "copytruncate;compress;dateext;dateformat -%s.TURN", "copytruncate-extension": "copytruncate;extension .log;compress",
}


class Bed:
    """A gateway over one folder of logs, with its offsets, and what may happen to it."""

    def __init__(self, tmp_path, sink, pattern):
        self.sink, self.tmp_path, self.logs, self.old = sink, tmp_path, tmp_path / "logs", tmp_path / "old"
        self.offsets = tmp_path / "offsets"
        self.logs.mkdir()
        self.old.mkdir()
        receiver = {"type": "file", "path": [str(self.logs / pattern)], "start": "beginning", "offsets": str(self.offsets),
                    "parse": "none", "multiline": "none", "service": "0"}
        rows = {"receivers": (receiver,), "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "batch": {"delay": "20ms"}, "timeout": "10m"},),
                "admin": {"listen": "127.0.0.1:0"}}
        self.conf = "".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items())
        self.starts = 0
        self.start()

    def start(self):
        self.gate = Ddgate(self.tmp_path / f"gate{self.starts}", conf=self.conf)
        self.gate.wait_listening()
        self.starts += 1

    def stop(self):
        self.gate.stop()
        self.start()

    def kill(self):
        self.gate.process.kill()
        self.gate.process.wait()
        self.start()

    def metric(self, name):
        text = self.gate.admin("/metrics").body.decode()
        return int(re.search(rf"^{name} (\d+)$", text, re.M)[1])

    def reloads(self):
        return self.metric('ddgate_config_reloads_total{result="done"}')

    def notes(self, paths):
        """Its offsets name these files, with their first bytes: it finds them by their inodes when it is killed."""
        rows = [line.split() for line in self.offsets.read_text().splitlines()] if self.offsets.exists() else []
        known = {int(row[3]) for row in rows if row[0] == "file" and row[4] != "0"}
        return all(path.stat().st_ino in known for path in paths)

    def reload(self):
        self.conf = re.sub(r'service = "(\d+)"', lambda m: f'service = "{int(m[1]) + 1}"', self.conf)
        before = self.reloads()
        (self.gate.directory / "ddgate.conf").write_text(self.conf)
        self.gate.signal(signal.SIGHUP)
        self.gate._until(lambda: self.reloads() > before, "no reload")


def caught_up(sink, *writers):
    """The gateway knows the files of today: one that comes and is compressed before anybody has seen it is a .gz like others."""
    sink.wait_bodies({w.lines[-1] for w in writers if w.lines}, "the lines so far")


def play(bed, mode, events, seed):
    """Rotations with `events` between them, and around them."""
    dice = random.Random(seed)
    with Writer(bed.logs / "a.log") as a, Writer(bed.logs / "b.log") as b:
        for turn in range(TURNS):
            PAUSE.wait(dice.uniform(0.05, 0.3))
            for event in dice.sample(events, min(len(events), turn % 2)):
                getattr(bed, event)()
            if "compress" in MODES[mode]:
                caught_up(bed.sink, a, b)
            paths = [p for p in (a.path, b.path) if p.exists()]
            bed.gate._until(lambda now=paths: bed.notes(now), "it does not know the files")
            rotate(MODES[mode].replace("OLD", str(bed.old)).replace("TURN", str(turn)), bed.tmp_path, *paths)
            a.reopen()
            b.reopen()
    return a.lines + b.lines


@pytest.mark.parametrize("pattern, events", [("*.log*", ["stop", "reload"]), ("*.log", ["kill"]), ("*.log*", ["kill", "stop", "reload"])], ids=["stop", "kill", "all"])
@pytest.mark.parametrize("mode", MODES)
def test_every_line_that_is_on_the_disk_arrives(tmp_path, mode, pattern, events):
    truncates = "copytruncate" in mode
    with LogSink() as sink:
        bed = Bed(tmp_path, sink, pattern)
        lines = play(bed, mode, events, seed=os.environ.get("SEED", mode))
        there, torn = on_disk(bed.logs, bed.old)
        sink.wait_bodies(there, "every line that is on the disk")
        lost = bed.metric('ddgate_file_lost_bytes_total{receiver="file"}')
        bed.gate.stop()
        counts = collections.Counter(sink.bodies)
    assert set(counts) - set(lines) <= (torn if truncates else set()), "half a line"
    assert "kill" in events or [line for line, n in counts.items() if n > 1] == []
    assert lost <= sum(len(line) + 1 for line in set(lines) - set(counts)), "what counts as lost has arrived"
    if not truncates and "compress" not in MODES[mode]:  # what came behind gzip has no name, and who stops then leaves it
        assert set(counts) == set(lines)
