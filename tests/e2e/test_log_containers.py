# SPDX-License-Identifier: Apache-2.0
"""Logs of containers as the kubelet and Docker leave them on disk: parts, streams, stack traces, rotation, restarts, names."""
import json
import os
import random
import signal

import pytest

from ddgate import conf_text
from log_sink import LogSink

UID = "0f2a4c1e-9d3b-4c55-8a77-1c2d3e4f5a6b"
ID = "3f" * 32
NAMES = {"k8s.namespace.name": "shop", "k8s.pod.name": "web-7f9c.x", "k8s.pod.uid": UID, "k8s.container.name": "app",
         "k8s.container.restart_count": 2}


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


@pytest.fixture
def start(tmp_path, sink, make_gate):  # sink before make_gate, so that gateways end before it does
    def run(path, **options):
        receiver = {"type": "file", "path": path, "start": "beginning", "offsets": str(tmp_path / "offsets"), "poll": "50ms", "timezone": "UTC",
                    **options}
        rows = {"receivers": (receiver,), "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "batch": {"delay": "20ms"}},)}
        return make_gate(conf=conf_text(rows))
    return run


class Pod:
    """/var/log/pods and the links of /var/log/containers, below a folder of the test."""

    def __init__(self, root):
        self.folder = root / "pods" / f"shop_web-7f9c.x_{UID}" / "app"
        self.folder.mkdir(parents=True)
        (root / "containers").mkdir()
        self.file = self.folder / "2.log"
        self.link = root / "containers" / f"web-7f9c.x_shop_app-{ID}.log"
        self.link.symlink_to(self.file)

    def write(self, *lines, second=40):
        with open(self.file, "a") as f:
            for i, line in enumerate(lines):
                f.write(f"2026-11-21T00:35:{second}.{i:09d}Z {line}\n")

    def rotate(self):
        os.rename(self.file, self.folder / "2.log.20261121-003545")
        self.file.touch()


def only(attributes, names):
    return {k: v for k, v in attributes.items() if k in names}


def test_kubernetes_needs_no_option(start, sink, tmp_path):
    pod = Pod(tmp_path)
    pod.write('stdout F {"level":"error","msg":"json","dd.trace_id":"6b0159f8000000006be0a7e88a5dbf4d"}', "stderr F 2026-11-21 01:02:03 WARN text",
              "stdout F ", "stdout F:x tagged")
    start([str(tmp_path / "containers" / "*.log")])
    first, second, third = sorted(sink.wait_records(3), key=lambda r: r.body)
    assert (first.body, first.severity, first.trace_id) == ("json", 17, "6b0159f8000000006be0a7e88a5dbf4d")
    assert (second.body, third.body, third.severity) == ("tagged", "text", 13)
    assert [r.attributes["log.iostream"] for r in (first, second, third)] == ["stdout", "stdout", "stderr"]
    assert first.time == 1795221340 * 10**9 and third.time == 1795222923 * 10**9, "the line's own time wins over that of the runtime"
    for r in (first, second, third):
        assert only(r.resource, {*NAMES, "container.id"}) == {**NAMES, "container.id": ID}


def test_names_of_the_pods_folder(start, sink, tmp_path):
    pod = Pod(tmp_path)
    pod.write("stdout F one")
    start([str(tmp_path / "pods/*/*/*.log")])
    assert only(sink.wait_records(1)[0].resource, {*NAMES, "container.id"}) == NAMES


def test_option_resource_wins(start, sink, tmp_path):
    pod = Pod(tmp_path)
    pod.write("stdout F one")
    start([str(pod.file)], resource=["k8s.pod.name=other"])
    assert only(sink.wait_records(1)[0].resource, NAMES) == {**NAMES, "k8s.pod.name": "other"}


def test_the_option_that_turns_it_off(start, sink, tmp_path):
    pod = Pod(tmp_path)
    pod.write("stdout F one")
    start([str(pod.file)], containers=False, parse="none")
    r = sink.wait_records(1)[0]
    assert r.body == "2026-11-21T00:35:40.000000000Z stdout F one"
    assert not only(r.resource, NAMES) and "log.iostream" not in r.attributes


def test_parts_join_within_their_stream(start, sink, tmp_path):
    pod = Pod(tmp_path)
    start([str(pod.link)])
    pod.write("stdout P a", "stderr P x", "stdout P b", "stderr F y", "stderr F z", "stdout F c")
    records = sink.wait_records(3)
    assert sorted((r.attributes["log.iostream"], r.body) for r in records) == [("stderr", "xy"), ("stderr", "z"), ("stdout", "abc")]


def test_stack_traces_of_two_streams(start, sink, tmp_path):
    pod = Pod(tmp_path)
    start([str(pod.link)])
    pod.write("stderr F 2026-11-21 00:35:40 ERROR no", "stdout F 2026-11-21 00:35:40 INFO a", "stderr F java.lang.Error: no",
              "stdout F 2026-11-21 00:35:40 INFO b", "stderr F \tat a.B.c(B.java:1)", "stdout F   more of b", "stderr F Caused by: x.Y: z",
              "stderr P \tat a.B.", "stdout F 2026-11-21 00:35:40 INFO c", "stderr F d(B.java:2)")
    records = sink.wait_records(4)
    assert sorted(r.body for r in records) == ["a", "b\n  more of b", "c",
                                               "no\njava.lang.Error: no\n\tat a.B.c(B.java:1)\nCaused by: x.Y: z\n\tat a.B.d(B.java:2)"]


def test_a_stream_that_says_nothing_more_is_not_waited_for(start, sink, tmp_path):
    """Nor may the other one, which never rests, be held up by it."""
    pod = Pod(tmp_path)
    pod.write("stderr F once", *[f"stdout F line {i}" for i in range(5000)])
    start([str(pod.link)])
    bodies = [r.body for r in sink.wait_records(5001)]
    assert bodies.count("once") == 1 and len(set(bodies)) == 5001


def test_parts_over_a_restart(start, sink, tmp_path):
    pod = Pod(tmp_path)
    gate = start([str(pod.link)])
    pod.write("stdout F one", "stdout P begin, ")
    sink.wait_records(1)
    gate.stop()
    pod.write("stdout P middle, ", "stdout F end")
    gate = start([str(pod.link)])
    assert [r.body for r in sink.wait_records(2)] == ["one", "begin, middle, end"]


def test_parts_and_traces_over_a_rotation(start, sink, tmp_path):
    pod = Pod(tmp_path)
    start([str(tmp_path / "pods/*/*/2.log")])
    pod.write("stdout F one")
    sink.wait_records(1)
    pod.write("stderr F 2026-11-21 00:35:40 ERROR no", "stdout P begin, ", "stderr F java.lang.Error: no")
    pod.rotate()
    pod.write("stdout P middle, ", "stderr F \tat a.B.c(B.java:1)", "stdout F end", "stdout F two")
    bodies = sorted(r.body for r in sink.wait_records(4))
    assert bodies == ["begin, middle, end", "no\njava.lang.Error: no\n\tat a.B.c(B.java:1)", "one", "two"]


def test_a_part_whose_rest_never_comes(start, sink, tmp_path):
    pod = Pod(tmp_path)
    start([str(pod.link)])
    pod.write("stdout P alone")
    assert sink.wait_records(1)[0].body == "alone"


def test_parts_beyond_max_line_are_records_of_their_own(start, sink, tmp_path):
    pod = Pod(tmp_path)
    pod.write(*[f"stdout P {c * 600}" for c in "abcd"], "stdout F e", "stdout F next")
    start([str(pod.link)], max_line="1KiB")
    bodies = [r.body for r in sink.wait_records(5)]
    assert "".join(bodies) == "".join(c * 600 for c in "abcd") + "enext" and bodies[-1] == "next"


def docker(log, stream="stdout", **more):
    return json.dumps({"log": log, "stream": stream, **more, "time": "2026-11-21T00:35:40.5Z"}) + "\n"


def test_docker(start, sink, tmp_path):
    folder = tmp_path / "containers" / ID
    folder.mkdir(parents=True)
    with open(folder / f"{ID}-json.log", "w") as f:
        f.write(docker("\x1b[31mred\x1b[0m \u00e9\u4e2d\ud83d\ude00\r\n") + docker("part, ", "stderr") + docker("between\n", attrs={"tag": "x"}))
        f.write(docker("rest\n", "stderr") + docker("Traceback (most recent call last):\n") + docker("  File \"a\"\n") + docker("ValueError: x\n"))
    start([str(tmp_path / "containers/*/*-json.log")])
    records = sink.wait_records(4)
    assert sorted((r.attributes["log.iostream"], r.body) for r in records) == [
        ("stderr", "part, rest"), ("stdout", "Traceback (most recent call last):\n  File \"a\"\nValueError: x"), ("stdout", "between"),
        ("stdout", "red \u00e9\u4e2d\U0001f600")]
    assert {r.time for r in records} == {1795221340 * 10**9 + 500_000_000}
    assert {r.resource["container.id"] for r in records} == {ID}


def test_json_that_is_not_dockers(start, sink, tmp_path):
    """Fluent Bit writes the same keys and more."""
    (tmp_path / "a.log").write_text(docker("hello\n", kubernetes={"pod": "p"}))
    start([str(tmp_path / "a.log")])
    r = sink.wait_records(1)[0]
    assert "log.iostream" not in r.attributes and r.attributes["stream"] == "stdout"


def random_lines(rng, n):
    """Lines of a container and what its records are."""
    lines, bodies = [], []
    pending = {"stdout": [], "stderr": []}
    for i in range(n):
        stream = rng.choice(["stdout", "stdout", "stderr"])
        part = rng.random() < 0.4
        text = f"{stream}-{i:06d} " + "x" * rng.randrange(200)
        pending[stream].append(text)
        lines.append(f"{stream} {'P' if part else 'F'} {text}")
        if not part:
            bodies.append("".join(pending[stream]))
            pending[stream] = []
    for stream, parts in pending.items():
        if parts:
            lines.append(f"{stream} F ")
            bodies.append("".join(parts))
    return lines, bodies


@pytest.mark.parametrize("seed", range(3))
def test_every_line_once_over_rotations_restarts_and_reloads(start, sink, tmp_path, seed):
    rng = random.Random(seed)
    pod = Pod(tmp_path)
    path = [str(tmp_path / "containers/*.log"), str(tmp_path / "pods/*/*/2.log.*")]
    gate = start(path)
    expected = []
    for turn in range(6):
        lines, bodies = random_lines(rng, 300)
        middle = rng.randrange(len(lines))
        pod.write(*lines[:middle])
        expected += bodies
        event = rng.choice(["restart", "reload", "nothing"])
        if event == "restart":
            gate.stop()
        elif event == "reload":
            gate.process.send_signal(signal.SIGHUP)
        pod.write(*lines[middle:], second=41)
        if event == "restart":
            gate = start(path)
        sink.wait(lambda s: len(s.records) >= len(expected), f"{len(expected)} records")
        if rng.random() < 0.5:
            os.rename(pod.file, pod.folder / f"2.log.20261121-00354{turn}")
            pod.file.touch()
    assert sorted(sink.bodies) == sorted(expected)
