# SPDX-License-Identifier: Apache-2.0
"""Cases of tests/data/bugs/logs of mode `file`: a story of a file that is rotated, by its `scenario`. Every line that is left on the disk
arrives once; of a line that a rotation loses itself nothing is asked."""
import collections
import json
import os
import pathlib
import shutil
import threading

import pytest

from ddgate import Ddgate, conf_value
from log_sink import LogSink
from rotation import Writer, on_disk, rotate

CASES = sorted((pathlib.Path(__file__).resolve().parents[1] / "data" / "bugs" / "logs").glob("*.json"))
PAUSE = threading.Event()  # never set


def append(path, lines):
    with open(path, "ab") as f:
        f.write("".join(f"{line}\n" for line in lines).encode())


def copytruncate_growing(case, logs, sink):
    """Lines come between the copy and the truncation, and are in no copy."""
    path, lines = logs / "app.log", [f"line {i} " + "x" * 60 for i in range(200)]
    append(path, lines[:100])
    sink.wait_records(100)
    shutil.copyfile(path, logs / "app.log.1")
    append(path, [f"between {i}" for i in range(case["between"])])
    os.truncate(path, 0)
    append(path, lines[100:])
    return lines


def link_rotations(case, logs, sink):
    """What a symbolic link leads to is renamed and made anew, as a kubelet does it."""
    (logs / "containers").mkdir()
    (logs / "pods").mkdir()
    path, lines = logs / "pods" / "0.log", []
    append(path, ["first"])
    (logs / "containers" / "app.log").symlink_to(path)
    sink.wait_records(1)
    for turn in range(case["rotations"]):
        os.rename(path, path.with_name(f"0.log.{turn}"))
        PAUSE.wait(0.03)
        lines += [f"turn {turn} line {i}" for i in range(5)]
        append(path, lines[-5:])
        PAUSE.wait(min(case["pause"], 0.5))
    return ["first", *lines]


def logrotate(case, logs, sink):
    if not shutil.which("logrotate"):
        pytest.skip("there is no logrotate")
    with Writer(logs / "app.log") as writer:
        for _ in range(6):
            PAUSE.wait(0.5)
            rotate(case["logrotate"].replace("\n", ";"), logs.parent, writer.path)
            writer.reopen()
    there, _ = on_disk(logs)
    return [line for line in writer.lines if line in there]


SCENARIOS = {f.__name__: f for f in (copytruncate_growing, link_rotations, logrotate)}


@pytest.mark.parametrize("case", [c for c in map(json.loads, (p.read_text() for p in CASES)) if c["mode"] == "file"], ids=lambda c: c["id"])
def test_case(tmp_path, case):
    logs = tmp_path / "logs"
    logs.mkdir()
    with LogSink() as sink:
        receiver = {"type": "file", "path": [str(logs / case["pattern"])], "start": "beginning", "offsets": str(tmp_path / "offsets"),
                    "parse": "none", "multiline": "none"}
        rows = {"receivers": (receiver,), "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "batch": {"delay": "20ms"}},)}
        with Ddgate(tmp_path / "gate", conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items())):
            lines = SCENARIOS[case["scenario"]](case, logs, sink)
            sink.wait(lambda s: set(lines) <= set(s.bodies), case["kind"])
        counts = collections.Counter(sink.bodies)
    assert [line for line, n in counts.items() if n > 1] == [], case["why"]
