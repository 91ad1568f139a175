# SPDX-License-Identifier: Apache-2.0
"""The file receiver: every line once through rotation, restarts and a backend that is away; at least once through kill -9."""
import contextlib
import gzip
import os
import pathlib
import random
import re
import shutil
import signal
import threading

import pytest

from ddgate import SANITIZED, Ddgate, conf_text
from log_sink import LogSink

PAUSE = threading.Event()  # never set
TRACES = pathlib.Path(__file__).resolve().parents[1] / "data" / "traces"


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


@pytest.fixture
def logs(tmp_path):
    folder = tmp_path / "logs"
    folder.mkdir()
    return folder


@pytest.fixture
def start(tmp_path, sink, logs, make_gate):  # sink before make_gate, so that gateways end before it does
    """start(path = …, …): a gateway that reads the folder, with its offsets beside it, the same ones every time."""
    def run(exporter=None, settings=None, **options):
        receiver = {"type": "file", "path": [str(logs / "*.log")], "start": "beginning", "offsets": str(tmp_path / "offsets"),
                    "parse": "none", "multiline": "none", **options}
        rows = {"receivers": (receiver,), "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink",
                                                         "batch": {"delay": "20ms"}, "in_flight": 1, **(exporter or {})},),
                "admin": {"listen": "127.0.0.1:0"}, **(settings or {})}
        return make_gate(conf=conf_text(rows))
    return run


def append(path, *lines):
    with open(path, "ab") as f:
        f.write(b"".join(line.encode() + b"\n" if isinstance(line, str) else line for line in lines))


def once(sink, lines, timeout=60):
    """All these have arrived, each once, and nothing else."""
    sink.wait(lambda s: len(s.records) >= len(lines), f"{len(lines)} records", timeout)
    bodies = sink.bodies
    assert sorted(bodies) == sorted(lines), f"missing {sorted(set(lines) - set(bodies))[:5]}, twice {twice(bodies)[:5]}"


def twice(bodies):
    seen = set()
    return [b for b in bodies if b in seen or seen.add(b)]


def test_lines_become_records(start, sink, logs):
    append(logs / "a.log", "one", "two\r", "", "three")
    with start(source="web", service="shop"):
        append(logs / "a.log", "fo", b"no end yet")
        sink.wait_records(4)
        append(logs / "a.log", ", and now one")
        records = sink.wait_records(5)
    assert [r.body for r in records] == ["one", "two", "three", "fo", "no end yet, and now one"]
    assert {r.attributes["log.file.path"] for r in records} == {str(logs / "a.log")}
    assert {r.attributes["log.file.name"] for r in records} == {"a.log"}
    assert {r.resource["service.name"] for r in records} == {"shop"}
    assert {r.attributes["datadog.log.source"] for r in records} == {"web"}


def test_a_last_line_without_an_end_is_a_record_in_the_end(start, sink, logs):
    append(logs / "a.log", "one", b"two")
    with start():
        assert [r.body for r in sink.wait_records(2)] == ["one", "two"]


def test_where_reading_begins(start, sink, logs):
    append(logs / "old.log", "before")
    with start(start="end") as gate:
        gate.wait_stderr("files to read")
        append(logs / "late.log", "late one")
        sink.wait_records(1)
        append(logs / "old.log", "after")
        sink.wait_records(2)
    append(logs / "old.log", "while away")
    append(logs / "new.log", "new while away")
    other = logs / "other.txt"
    append(other, "not for this pattern yet")
    with start(start="end", path=[str(logs / "*.log"), str(logs / "*.txt")]):
        sink.wait_records(4)
        append(other, "for both now")
        once(sink, ["late one", "after", "while away", "new while away", "for both now"])


def test_excluded_and_compressed_files_are_passed_over(start, sink, logs):
    append(logs / "a.log", "a")
    append(logs / "b.debug.log", "b")
    (logs / "c.log").write_bytes(gzip.compress(b"c\n"))
    with start(exclude=[str(logs / "*.debug.log")], path=[str(logs / "**")]):
        sink.wait_records(1)
        (logs / "deep" / "er").mkdir(parents=True)
        append(logs / "deep" / "er" / "d.log", "d")
        append(logs / "a.log.1.gz", gzip.compress(b"a\n"))
        once(sink, ["a", "d"])


class Writer(threading.Thread):
    """Writes numbered lines as fast as it may, opening the file again when told to; rotate() waits until it has."""

    def __init__(self, path, n, rotate, every, hold_still=False):
        super().__init__()
        self.path, self.n, self.rotate, self.every, self.hold_still = path, n, rotate, every, hold_still
        self.lines = [f"line {i} of {path.name} " + "x" * (i % 90) for i in range(n)]

    def run(self):
        f = open(self.path, "ab", buffering=0)
        for i, line in enumerate(self.lines):
            if i and i % self.every == 0:
                self.rotate(i // self.every)
                if not self.hold_still:  # as logrotate does it: the old file gets some more until the program opens the new one
                    f.write(f"{line}\n".encode())
                    f.close()
                    f = open(self.path, "ab", buffering=0)
                    continue
            f.write(f"{line}\n".encode())
            if i % 200 == 0:
                PAUSE.wait(0.01)
        f.close()


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_rotation_by_rename_under_load(start, sink, logs, pattern):
    path = logs / "app.log"

    def rotate(turn):
        for i in range(turn - 1, 0, -1):
            os.rename(logs / f"app.log.{i}", logs / f"app.log.{i + 1}")
        os.rename(path, logs / "app.log.1")
        path.touch()
    writer = Writer(path, 20000, rotate, 2500)
    with start(path=[str(logs / pattern)]) as gate:
        writer.start()
        writer.join()
        once(sink, writer.lines)
    assert gate.ledger.exporter("sink", "logs") == {"sent": 20000}


@pytest.mark.parametrize("pattern", ["app.log", "app.log*"])
def test_rotation_by_copy_and_truncate_under_load(start, sink, logs, pattern):
    """The writer holds still between copy and truncation: what comes in between is lost to everybody."""
    path = logs / "app.log"

    def rotate(turn):
        for i in range(turn - 1, 0, -1):
            os.rename(logs / f"app.log.{i}", logs / f"app.log.{i + 1}")
        shutil.copyfile(path, logs / "app.log.1")
        os.truncate(path, 0)
    writer = Writer(path, 20000, rotate, 2500, hold_still=True)
    with start(path=[str(logs / pattern)]):
        writer.start()
        writer.join()
        once(sink, writer.lines)


def test_rotations_while_nobody_reads(start, sink, logs):
    append(logs / "r.log", "r one")
    append(logs / "c.log", "c one")
    with start():
        sink.wait_records(2)
    append(logs / "r.log", "r two")
    os.rename(logs / "r.log", logs / "r.log.1")
    append(logs / "r.log", "r three")
    append(logs / "c.log", "c two")
    shutil.copyfile(logs / "c.log", logs / "c.log.1")
    os.truncate(logs / "c.log", 0)
    append(logs / "c.log", "c 3")
    with start():
        once(sink, ["r one", "c one", "r two", "r three", "c two", "c 3"])


@pytest.mark.parametrize("banner", ["started", "started " + "=" * 2000])
def test_logs_that_begin_alike_are_all_read(start, sink, logs, banner):
    """A name like a rotation's and the same first bytes: taken for a copy until they part."""
    with start():
        append(logs / "app.log", banner)
        sink.wait_records(1)
        append(logs / "app-b.log", banner)
        append(logs / "app.log", "a")
        sink.wait(lambda s: "a" in s.bodies, "a")
        append(logs / "app-b.log", "b")
        once(sink, [banner, banner, "a", "b"])


def test_a_file_that_is_deleted_is_read_to_its_end(start, sink, logs):
    sink.hold()
    lines = [f"{i} " + "x" * 1000 for i in range(20000)]
    append(logs / "a.log", *lines)
    with start(exporter={"queue_size": "2MiB"}):
        sink.wait(lambda s: s.requests, "a request")
        os.unlink(logs / "a.log")
        append(logs / "a.log", "another file")
        sink.release()
        once(sink, [*lines, "another file"])


def test_a_full_queue_stops_reading_and_rotation_goes_on(start, sink, logs):
    sink.hold()
    path = logs / "a.log"
    lines = []
    with start(exporter={"queue_size": "1MiB"}) as gate:
        for generation in range(4):
            some = [f"{generation} {i} " + "y" * 1000 for i in range(4000)]
            append(path, *some)
            lines += some
            if generation == 0:
                sink.wait(lambda s: s.requests, "a request")
            else:  # seen while the queue is full: it is opened before it loses its name
                gate._until(lambda: files_of(gate) > generation, "the new file is not seen")
            os.rename(path, logs / f"a.{generation}")
        sink.release()
        once(sink, lines)
    assert not gate.ledger.intake("logs").get(("refused", "queue_full"))


def metric(gate, name):
    text = gate.admin("/metrics").body.decode()
    return int(float(re.search(rf'^{name}\{{.*\}} (\S+)$', text, re.M)[1]))


def files_of(gate):
    return metric(gate, "ddgate_file_files")


def test_a_clean_restart_brings_every_line_once(start, sink, logs):
    writer = Writer(logs / "a.log", 12000, None, 1 << 30)
    writer.start()
    pause = random.Random(7)
    while writer.is_alive():
        with start():
            PAUSE.wait(pause.uniform(0.05, 0.3))
    with start():
        once(sink, writer.lines)


def test_kill_loses_nothing(start, sink, logs):
    writer = Writer(logs / "a.log", 12000, None, 1 << 30)
    writer.start()
    pause = random.Random(11)
    while writer.is_alive():
        gate = start()
        PAUSE.wait(pause.uniform(0.05, 1.5))
        gate.process.kill()
        gate.process.wait()
    with start():
        sink.wait(lambda s: set(s.bodies) >= set(writer.lines), "all lines", 60)
    assert set(sink.bodies) == set(writer.lines)


def test_what_a_stop_leaves_behind_comes_again(start, sink, logs):
    sink.hold()
    lines = [f"line {i}" for i in range(1000)]
    append(logs / "a.log", *lines)
    gate = start(settings={"shutdown_timeout": "100ms"}, exporter={"timeout": "60s"})
    sink.wait(lambda s: s.requests, "a request")
    sink_before = len(sink.records)
    gate.stop()  # with 0
    assert gate.ledger.exporter("sink", "logs") == {("dropped", "returned"): 1000}
    assert sink_before == 0
    with LogSink() as other:  # what the held one got is its own affair
        with start(exporter={"endpoint": other.endpoint}):
            once(other, lines)
    sink.release()


def test_with_a_disk_queue_a_stop_leaves_nothing_to_read_again(start, sink, logs, tmp_path):
    """What stands in the queue on disk is the queue's: it is delivered from there, once."""
    settings = {"storage": {"directory": str(tmp_path / "storage")}, "shutdown_timeout": "100ms"}
    lines = [f"line {i}" for i in range(1000)]
    append(logs / "a.log", *lines)
    with LogSink() as held:
        held.hold()
        gate = start(settings=settings, exporter={"endpoint": held.endpoint, "timeout": "60s"})
        held.wait(lambda s: s.requests, "a request")
        gate.stop()
        held.release()
    append(logs / "a.log", "after")
    with start(settings=settings):
        once(sink, [*lines, "after"])


def test_a_reload_reads_nothing_twice(start, sink, logs):
    """Options that change close the receiver and open it again, while what it read is still under way."""
    sink.hold()
    lines = [f"line {i}" for i in range(1000)]
    append(logs / "a.log", *lines)
    with start() as gate:
        sink.wait(lambda s: s.requests, "a request")
        conf = gate.directory / "ddgate.conf"
        conf.write_text(conf.read_text().replace("receivers = ( { ", 'receivers = ( { service = "renamed"; '))
        gate.signal(signal.SIGHUP)
        gate.wait_stderr("was read again")
        append(logs / "a.log", "after")
        sink.release()
        once(sink, [*lines, "after"])
        assert [r.resource.get("service.name") for r in sink.records if r.body == "after"] == ["renamed"]


def reload(gate, turn):
    conf = gate.directory / "ddgate.conf"
    before = reloads_of(gate)
    conf.write_text(re.sub(r"receivers = \( \{( service = \"\d+\";)?", f'receivers = ( {{ service = "{turn}";', conf.read_text()))
    gate.signal(signal.SIGHUP)
    gate._until(lambda: reloads_of(gate) > before, "no reload")


def reloads_of(gate):
    return int(re.search(r'^ddgate_config_reloads_total\{result="done"\} (\d+)$', gate.admin("/metrics").body.decode(), re.M)[1])


def test_reloads_while_the_backend_stalls(start, sink, logs):
    """Each closes the receiver with a flush that no queue takes, and one file loses its name meanwhile."""
    sink.hold()
    lines = [f"line {i} " + "x" * 200 for i in range(20000)]
    append(logs / "a.log", *lines[:10000])
    with start(exporter={"queue_size": "1MiB", "timeout": "60s"}) as gate:
        sink.wait(lambda s: s.requests, "a request")
        gate._until(lambda: metric(gate, "ddgate_file_waits_total"), "nothing waits")
        for turn in range(5):
            append(logs / "a.log", *lines[10000 + 2000 * turn:12000 + 2000 * turn])
            if turn == 3:
                gate._until(lambda: files_of(gate), "the file is not seen")
                os.unlink(logs / "a.log")
                append(logs / "b.log", "of another file")
            reload(gate, turn)
            if turn == 2:
                assert metric(gate, "ddgate_file_files") == 1
        sink.release()
        lines = [*lines[:18000], "of another file", *lines[18000:]]
        once(sink, lines)
    assert gate.ledger.intake("logs")["received"] == len(lines)


def test_reloads_of_a_healthy_gateway(start, sink, logs):
    writer = Writer(logs / "a.log", 20000, None, 1 << 30)
    with start() as gate:
        writer.start()
        for turn in range(20):
            reload(gate, turn)
        writer.join()
        once(sink, writer.lines)


def test_a_record_that_is_not_over_is_not_cut_by_a_stop(start, sink, logs):
    append(logs / "a.log", "ERROR one", "  more", "ERROR two", "  of it")
    gate = start(multiline="auto")
    sink.wait_records(1)
    gate.stop()
    append(logs / "a.log", "  and the rest", "ERROR three")
    with start(multiline="auto"):
        sink.wait(lambda s: "ERROR three" in s.bodies, "the last one")
    assert sink.bodies in (["ERROR one\n  more", "ERROR two\n  of it\n  and the rest", "ERROR three"],
                           ["ERROR one\n  more", "ERROR two\n  of it", "  and the rest", "ERROR three"])  # it took half a second to stop


def descriptors(gate):
    for fd in pathlib.Path(f"/proc/{gate.process.pid}/fd").iterdir():
        with contextlib.suppress(OSError):  # closed meanwhile
            yield os.readlink(fd)


def test_a_hundred_files_at_once(start, sink, logs):
    writers = [Writer(logs / f"{i}.log", 500, None, 1 << 30) for i in range(100)]
    with start(open_files=40) as gate:
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
            assert len([fd for fd in descriptors(gate) if fd.startswith(str(logs))]) <= 42
        once(sink, [line for writer in writers for line in writer.lines])
        by_file = {}
        for r in sink.records:
            by_file.setdefault(r.attributes["log.file.name"], []).append(r.body)
    assert all(by_file[w.path.name] == w.lines for w in writers)  # in order, too


def test_restarts_with_more_files_than_may_be_open(start, sink, logs):
    """Some are renamed to names that no pattern finds, with lines that nobody has read, while no gateway runs."""
    def write(turn):
        for i in range(40):
            append(logs / f"{i}.log", f"{turn} {i}")
    write(0)
    with start(open_files=8):
        sink.wait_records(40)
    write(1)
    for i in range(0, 40, 3):
        os.rename(logs / f"{i}.log", logs / f"{i}.log.old")
    for _ in range(3):
        with start(open_files=8) as gate:
            gate.wait_stderr("files to read")
            once(sink, [f"{turn} {i}" for turn in range(2) for i in range(40)])
        assert "truncated" not in gate.stderr


def test_garbage_is_passed_on(start, sink, logs):
    noise = random.Random(3).randbytes(300000)
    append(logs / "a.log", noise, "", "the end")
    with start(strip_ansi=False):  # random bytes can look like an escape sequence
        sink.wait(lambda s: "the end" in s.bodies, "the end")
    want = [line[:-1] if line.endswith(b"\r") else line for line in (noise + b"\n").split(b"\n")]
    want = [line.lstrip(b"\0").decode(errors="replace") for line in want if line.strip(b" \t\r\0")]
    assert sink.bodies == [*want, "the end"]


def peak_mb(gate):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{gate.process.pid}/status").read_text())[1]) / 1024


def test_a_line_of_100_mb(start, sink, logs):
    with start() as gate:
        with open(logs / "a.log", "wb") as f:
            f.write(b"short\n")
            for _ in range(100):
                f.write(b"z" * 1000000)
            f.write(b"\nnext\n")
        records = sink.wait_records(3, timeout=120)
        assert SANITIZED or peak_mb(gate) < 64
    assert [r.body[:10] for r in records] == ["short", "zzzzzzzzzz", "next"]
    assert len(records[1].body) == 1 << 20
    assert records[1].attributes["log.record.truncated_bytes"] == 100000000 - (1 << 20)


@pytest.mark.parametrize("encoding, option, bom", [("gbk", "gbk", b""), ("utf-16le", "utf-8", b"\xff\xfe"), ("utf-16be", "utf-16be", b""),
                                                   ("utf-8", "gbk", b"\xef\xbb\xbf"), ("latin1", "iso-8859-1", b"")])
def test_encodings(start, sink, logs, encoding, option, bom):
    lines = ["grüße", "ÄÖÜ"] if encoding == "latin1" else ["订单 7 失败", "第二行", "a\u010a ਊ"] if encoding != "gbk" else ["订单 7 失败", "第二行"]
    append(logs / "a.log", bom, "".join(line + "\r\n" for line in lines).encode(encoding))
    with start(encoding=option):
        sink.wait_records(len(lines))
        append(logs / "a.log", (lines[0] + "\n").encode(encoding))
        assert [r.body for r in sink.wait_records(len(lines) + 1)] == [*lines, lines[0]]


def test_colours_go_unless_they_shall_stay(start, sink, logs):
    append(logs / "a.log", "\x1b[31mERROR\x1b[0m red")
    with start():
        sink.wait_records(1)
    append(logs / "a.log", "\x1b[31mERROR\x1b[0m red")
    with start(strip_ansi=False):
        assert [r.body for r in sink.wait_records(2)] == ["ERROR red", "\x1b[31mERROR\x1b[0m red"]


@pytest.mark.parametrize("language", sorted(p.stem for p in TRACES.glob("*.txt")))
def test_stack_traces_are_one_record(start, sink, logs, language):
    records = (TRACES / f"{language}.txt").read_text().rstrip("\n").split("\n%%\n")
    with start(multiline="auto"):
        with open(logs / "a.log", "wb", buffering=0) as f:
            for piece in re.findall(rb".{1,100}", "\n".join([*records, ""]).encode(), re.S):  # as it is flushed
                f.write(piece)
        sink.wait_records(len(records))
        assert sink.bodies == records


def test_a_pattern_begins_records(start, sink, logs):
    append(logs / "a.log", "2026-11-21 one", "more", "", "  more", "2026-11-22 two")
    with start(multiline=r"^\d{4}-\d\d-"):
        assert [r.body for r in sink.wait_records(2)] == ["2026-11-21 one\nmore\n\n  more", "2026-11-22 two"]


def test_damaged_offsets_are_said_and_not_fatal(start, sink, logs, tmp_path):
    append(logs / "a.log", "one")
    with start():
        sink.wait_records(1)
    offsets = tmp_path / "offsets"
    offsets.write_text(offsets.read_text().replace(" 4 ", " 3 "))
    gate = start()
    sink.wait_records(2)  # from the beginning
    gate.stop()
    assert "1 lines of" in gate.stderr and "are damaged" in gate.stderr
    offsets.write_bytes(b"\0" * 100)
    with start() as gate:
        sink.wait_records(3)
    assert "is not a file of offsets" in gate.stderr
    assert (tmp_path / "offsets.aside").read_bytes() == b"\0" * 100


def test_offsets_that_can_be_kept_nowhere_are_a_mistake(start, logs, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("nowhere")
    for name, words in (("pipe", "is no regular file"), ("link", "is a symbolic link that leads nowhere")):
        with pytest.raises(AssertionError, match=words):
            start(offsets=str(tmp_path / name))


def test_mistakes_are_said_at_start(start, logs, tmp_path):
    start()
    for options, words in (({}, "another receiver keeps its offsets"), ({"encoding": "cp037"}, "lines cannot be found in cp037"),
                           ({"multiline": "(?=x)"}, "multiline: "), ({"path": []}, "which files?")):
        with pytest.raises(AssertionError, match=re.escape(words)):
            start(**{"offsets": str(tmp_path / "others"), **options} if options else {})


def test_default_offsets_follow_the_environment(tmp_path, sink, logs):
    state = tmp_path / "state"
    append(logs / "a.log", "one")
    conf = f'receivers = ( {{ type = "file"; path = "{logs}/*.log"; start = "beginning"; }} );\n' \
           f'exporters = ( {{ type = "otlp_grpc"; endpoint = "{sink.endpoint}"; }} );\nadmin = {{ listen = "127.0.0.1:0"; }};\n'
    for turn in range(2):
        with Ddgate(tmp_path / f"gate{turn}", conf=conf, env={"STATE_DIRECTORY": str(state)}):
            append(logs / "a.log", f"turn {turn}")
            sink.wait_records(turn + 2)
    assert sorted(sink.bodies) == ["one", "turn 0", "turn 1"]
    assert len(list(state.glob("file-*.offsets"))) == 1


class Chaos:
    """A writer that numbers its lines, and everything that may happen to its file, its reader and the backend, in an order that `seed`
    decides. Rotations by copy wait for the writer, which then writes nothing between copy and truncation."""

    def __init__(self, logs, seed):
        self.dice = random.Random(seed)
        self.path = logs / "app.log"
        self.lines = []
        self.rotations = 0
        self.path.touch()

    def write(self):
        n = self.dice.randrange(1, 400)
        some = [f"line {len(self.lines) + i} " + "z" * self.dice.randrange(300) for i in range(n)]
        text = "".join(line + "\n" for line in some).encode()
        cut = self.dice.randrange(len(text))  # a write may end within a line
        append(self.path, text[:cut])
        append(self.path, text[cut:])
        self.lines += some

    def shift(self):
        self.rotations += 1
        for i in range(self.rotations, 0, -1):
            if (old := self.path.with_name(f"app.log.{i}")).exists():
                old.rename(self.path.with_name(f"app.log.{i + 1}"))

    def rename(self):
        self.shift()
        self.path.rename(self.path.with_name("app.log.1"))
        self.path.touch()

    def copy(self):
        self.shift()
        shutil.copyfile(self.path, self.path.with_name("app.log.1"))
        os.truncate(self.path, 0)


def fnv1a(data):
    h = 0xCBF29CE484222325
    for byte in data:
        h = (h ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return h


def known(offsets, path):
    """The file of offsets has what the file holds now."""
    inode, text = str(path.stat().st_ino), path.read_bytes()
    if not offsets.exists():
        return False
    lines = [line.split(" ") for line in offsets.read_text().splitlines() if line.startswith("file ")]
    return any(line[3] == inode and 0 < int(line[4]) <= len(text) and fnv1a(text[:int(line[4])]) == int(line[5], 16) for line in lines)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kill", [False, True], ids=["stop", "kill"])
def test_chaos(start, sink, logs, tmp_path, seed, kill):
    """Nothing is missing whatever happens, and nothing comes twice where the gateway was not killed, however soon after a start or a
    truncation it stops. A rotation waits until the gateway has noted the file: of one that comes and goes between two looks nobody knows."""
    chaos = Chaos(logs, seed)
    options = {"path": [str(logs / ("app.log*" if seed % 2 else "app.log"))], "multiline": "auto" if seed > 1 else "none",
               "exporter": {"queue_size": "1MiB", "timeout": "60s"}}
    gate = start(**options)
    for _ in range(60):
        chaos.write()
        PAUSE.wait(chaos.dice.choice([0, 0, 0.01, 0.05]))
        event = chaos.dice.randrange(12)
        if event < 2:
            gate._until(lambda: known(tmp_path / "offsets", chaos.path), "the file is not known")
            [chaos.rename, chaos.copy][event]()
        elif event == 2 and kill:
            gate.process.kill()
            gate.process.wait()
            gate = start(**options)
        elif event == 2:
            sink.release()  # what it holds it will take, and never says so to one that has ended
            gate.stop()
            gate = start(**options)
        elif event in (3, 4):
            sink.hold()
        if event > 5:
            sink.release()
    sink.release()
    if kill:
        sink.wait(lambda s: set(s.bodies) >= set(chaos.lines), "all lines", 60)
        assert set(sink.bodies) == set(chaos.lines)
    else:
        once(sink, chaos.lines)


def test_a_directory_is_no_file(start, sink, logs):
    gate = start(path=[str(logs), str(logs / "*.log")])
    assert f'receivers[0].path: warning: {logs} is a directory, of which nothing is read; the files in it are "{logs}/*"' in gate.stderr
    append(logs / "a.log", "from a pattern")
    sink.wait_records(1)
