# SPDX-License-Identifier: Apache-2.0
"""The disk queue, by breaking things: kills at random instants, full disks, flipped bits, backlogs larger than memory. What was answered with
200 arrives; what does not is said.

DDGATE_SOAK=1 runs the long form (make soak)."""
import contextlib
import errno
import os
import pathlib
import random
import resource
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import pytest
from ddgate import SANITIZED, free_port, grpc
from payloads import trace, v04
from sending import QUICK
from sinks import Stall

SOAK = os.environ.get("DDGATE_SOAK") == "1"
EXPORTER = "otlp_grpc"


def ids(spans):
    return [s.span_id if hasattr(s, "span_id") else f"{s['span_id']:016x}" for s in spans]


@pytest.fixture
def queue(tmp_path):
    return tmp_path / "queue"


@pytest.fixture
def make(make_gate, queue):
    """A gateway on the test's disk queue, one after the other; `storage` adds to its group."""
    def start(exporters, storage=None, settings=None, **options):
        return make_gate(exporters=exporters, settings={"storage": {"directory": queue, **(storage or {})}, **(settings or {})}, **options)
    return start


def away(**options):
    """An exporter whose backend is not there."""
    return dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{free_port()}", **{**QUICK, **options})


def send(gate, n=3, status=200, **fields):
    spans = trace(n, **fields)
    answer = gate.put("/v0.4/traces", v04(spans))
    assert answer.status == status, answer
    return spans


def resident(gate):
    """Bytes."""
    return int(pathlib.Path(f"/proc/{gate.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def kill(gate):
    gate.process.send_signal(signal.SIGKILL)
    gate.process.wait()


HURRIED = {"shutdown_timeout": "200ms"}


def test_what_a_stop_leaves_is_sent_by_the_next_start(make, sink):
    gate = make([away()], settings=HURRIED)
    spans = [s for _ in range(10) for s in send(gate, 4)]
    gate.stop(expect=0)
    assert gate.ledger.exporter()["left on disk"] == 40
    assert "40 accepted items wait on the disk for the next start" in gate.stderr
    gate = make([grpc(sink, **QUICK)])
    assert "40 items of traces from an earlier run wait for exporter otlp_grpc" in gate.stderr
    more = send(gate, 2)
    sink.wait_spans(42)
    gate.stop()
    assert sorted(ids(sink.spans)) == sorted(ids(spans + more))
    assert gate.ledger.exporter()["recovered from disk"] == 40 and gate.ledger.exporter()["sent"] == 42
    gate = make([grpc(sink, **QUICK)])
    gate.stop()
    assert not gate.ledger.signals and sink.count() == 42


def test_a_folder_that_is_deleted_is_made_again(make, queue, sink):
    gate = make([away()], settings=HURRIED)
    spans = [s for _ in range(5) for s in send(gate, 4)]
    shutil.rmtree(queue)
    spans += [s for _ in range(20) for s in send(gate, 1)]
    gate.wait_stderr("were deleted or moved while ddgate uses them")
    kill(gate)
    gate = make([grpc(sink, **QUICK)])
    sink.wait_spans(40)
    gate.stop()
    assert sorted(ids(sink.spans)) == sorted(ids(spans))


def test_a_folder_that_cannot_be_made_again_refuses_until_it_can(make, queue, sink):
    gate = make([away()], settings=HURRIED)
    send(gate)
    shutil.rmtree(queue)
    queue.write_text("a file has its name\n")
    send(gate, status=429)
    assert gate.admin("/readyz").status == 503
    queue.unlink()
    gate._until(lambda: gate.put("/v0.4/traces", v04(trace(1))).status == 200, "nothing is taken")
    gate.wait_stderr("can be written again")
    gate.stop(expect=0)
    assert gate.ledger.exporter()["left on disk"] == 4
    gate = make([grpc(sink, **QUICK)])
    sink.wait_spans(4)
    gate.stop()


def test_connections_leave_descriptors_to_the_disk_queue(make):
    gate = make([away(queue_size="1MiB")], storage={"max_size": "64MiB"}, settings=HURRIED)
    resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, (64, 64))
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", gate.port)))
        gate.wait_stderr("almost out of descriptors")
        gate._until(lambda: gate.put("/v0.4/traces", v04(trace(1))).status == 200, "nobody makes way for an application")
        body, connection = v04(trace(256, meta={"env": "test", "text": "x" * 1000})), None

        def is_let_in():
            nonlocal connection
            connection = gate.connection()
            with contextlib.suppress(OSError):  # one that is turned away may be closed before it has sent its body
                return gate.put("/v0.4/traces", body, connection=connection).status == 200
            return False
        gate._until(is_let_in, "nobody makes way")
        for _ in range(16):  # 256 KiB each: several new segments
            assert gate.put("/v0.4/traces", body, connection=connection).status == 200
    gate.stop(expect=0)
    assert gate.stderr.count("almost out of descriptors") == 1 and "Too many open files" not in gate.stderr


def test_a_stop_with_a_folder_that_is_gone_for_good_says_what_is_lost(make, queue):
    gate = make([away()], settings=HURRIED)
    send(gate)
    shutil.rmtree(queue)
    queue.write_text("a file has its name\n")
    gate.stop(expect=3)
    assert "3 accepted items were not delivered" in gate.stderr


class Load:
    """A client that sends to whoever listens on the port until stopped, and remembers what was answered with 200."""

    def __init__(self, gate):
        self.gate = gate
        self.acknowledged = []
        self.attempts = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._stopped.is_set():
            spans = trace(5)
            self.attempts += 1
            try:
                if self.gate.put("/v0.4/traces", v04(spans)).status == 200:
                    self.acknowledged += ids(spans)
            except OSError:
                self._stopped.wait(0.002)  # nobody is there: between two lives

    def stop(self):
        self._stopped.set()
        self._thread.join()


@pytest.mark.parametrize("fsync", ["interval", "always"])
def test_kills_at_random_instants(make, make_sink, fsync):
    """Nothing acknowledged is missing. What arrives twice was on its way to the sink, or the mark that it had arrived was, when the process died."""
    kills, port = (100 if SOAK else 8), free_port()
    dice = random.Random(20261121)
    sink = make_sink()
    exporters = [grpc(sink, **QUICK), away(name="dead")]
    gate = make(exporters, storage={"fsync": fsync}, port=port, settings=HURRIED)
    load = Load(gate)
    pause = threading.Event()
    try:
        for _ in range(kills):
            pause.wait(dice.uniform(0.01, 0.3))
            kill(gate)
            gate = load.gate = make(exporters, storage={"fsync": fsync}, port=port, settings=HURRIED)
    finally:
        load.stop()
    wanted = set(load.acknowledged)
    assert wanted
    sink.wait(lambda s: wanted <= set(ids(s.spans)), "everything acknowledged", timeout=180)
    gate.stop()
    arrived = ids(sink.spans)
    twice = len(arrived) - len(set(arrived))
    unanswered = len(set(arrived) - wanted)
    print(f"{kills} kills, {len(wanted)} spans acknowledged, 0 missing, {twice} twice, {unanswered} arrived of requests that were cut off")
    assert twice <= kills * 5000 and unanswered <= kills * 5
    # and the other exporter still has every one of them pending, in every life
    revived = make_sink()
    gate = make([grpc(sink, **QUICK), grpc(revived, name="dead", **QUICK)], settings=HURRIED)
    revived.wait(lambda s: wanted <= set(ids(s.spans)), "everything, for the exporter whose backend was dead")
    gate.stop()


def test_a_second_process_is_refused(make, make_gate, queue, sink):
    make([grpc(sink)])
    with pytest.raises(AssertionError, match=r"ended with 2(.|\n)*storage.directory: .*is in use by another ddgate \(process \d+\)"):
        make_gate(exporters=[grpc(sink)], settings={"storage": {"directory": queue}})


def test_nobody_else_may_read_it(make, queue, sink):
    gate = make([grpc(sink, headers={"x-key": "hush-hush"}, **QUICK)])
    send(gate)
    sink.wait_spans(3)
    gate.stop()
    assert queue.stat().st_mode & 0o777 == 0o700
    files = list(queue.iterdir())
    assert len(files) >= 2 and all(f.stat().st_mode & 0o777 == 0o600 for f in files)
    assert not any(b"hush-hush" in f.read_bytes() for f in files)


def test_another_format_is_refused(make, queue, sink):
    make([away()], settings=HURRIED).stop()
    head = b"ddgate-log\r\n" + struct.pack("<I", 7)
    (queue / "segment-00000042.log").write_bytes((head + struct.pack("<I", crc32c(head))).ljust(16384, b"\0"))
    with pytest.raises(AssertionError, match=r"ended with 2(.|\n)*segment-00000042.log has format 7, and this ddgate knows 1 only"):
        make([grpc(sink)])


def crc32c(data):
    """As ISA-L's crc32_iscsi begins and ends it: without inversions."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc


class LimitedFiles:
    """Files that may not grow stand for a disk that is full."""

    def __init__(self, folder):
        self.folder = folder

    def fill(self, gate):
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (20000, resource.RLIM_INFINITY))

    def relieve(self, gate):
        resource.prlimit(gate.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))

    def close(self):
        pass


class SmallDisk:
    """A file system of 40 MiB in memory, which something else fills."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", folder], check=True, stderr=subprocess.DEVNULL)

    def fill(self, gate):
        del gate
        with open(self.folder / "ballast", "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(1 << 16))
            except OSError as e:
                assert e.errno == errno.ENOSPC

    def relieve(self, gate):
        del gate
        (self.folder / "ballast").unlink()

    def close(self):
        subprocess.run(["umount", self.folder], check=True)


def can_mount():
    with tempfile.TemporaryDirectory() as folder:
        try:
            SmallDisk(pathlib.Path(folder, "disk")).close()
        except (OSError, subprocess.CalledProcessError):
            return False
    return True


@pytest.fixture
def full_disk(request, tmp_path):
    disk = request.param(tmp_path / "disk")
    yield disk
    disk.close()


@pytest.mark.parametrize("full_disk", [LimitedFiles] + ([SmallDisk] if can_mount() else []), indirect=True)
def test_a_full_disk_is_back_pressure(full_disk, make, make_sink):
    """Senders hear 429, nothing dies, and it goes on when there is room."""
    port = free_port()
    full_disk.folder.mkdir(exist_ok=True)
    gate = make([dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", **QUICK)], storage={"directory": full_disk.folder / "queue"})
    assert gate.admin("/readyz").status == 200
    spans = send(gate, 10)
    full_disk.fill(gate)
    text = "x" * 3000
    refused = 0
    while not refused:
        chunk = trace(10, meta={"env": "test", "text": text})
        answer = gate.put("/v0.4/traces", v04(chunk))
        assert answer.status in (200, 429), answer
        if answer.status == 200:
            spans += chunk
        else:
            refused = 10
            assert int(answer.headers["retry-after"]) >= 1 and b"cannot" in answer.body
            assert str(full_disk.folder).encode() not in answer.body
    gate.wait_stderr("Senders get 429 and keep their data until it works again")
    assert (gate.admin("/readyz").status, gate.admin("/readyz").body) == (503, b"the disk queue cannot be written\n")
    full_disk.relieve(gate)
    while True:
        chunk = trace(10)
        if gate.put("/v0.4/traces", v04(chunk)).status == 200:
            break
        refused += 10
    gate.wait_stderr("can be written again")
    assert gate.admin("/readyz").status == 200
    assert b"ddgate_storage_refusing 0" in gate.admin("/metrics").body
    sink = make_sink(port=port)
    spans += chunk
    sink.wait_spans(len(spans))
    gate.stop()
    assert sorted(ids(sink.spans)) == sorted(ids(spans))
    assert gate.ledger.intake()["refused", "queue_full"] == refused


@pytest.mark.parametrize("when_full", ["reject", "drop_oldest"])
def test_a_full_queue(make, make_sink, when_full):
    port = free_port()
    exporter = dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", when_full=when_full, queue_size="1MiB", in_flight=1, **QUICK)
    gate = make([exporter], storage={"max_size": "16MiB"})
    accepted, refused = [], 0
    for _ in range(400):
        chunk = trace(20, meta={"env": "test", "text": "x" * 3000})
        answer = gate.put("/v0.4/traces", v04(chunk))
        assert answer.status in (200, 429), answer
        if answer.status == 200:
            accepted += ids(chunk)
        else:
            refused += 20
            assert int(answer.headers["retry-after"]) >= 1 and b"storage.max_size" in answer.body
    sink = make_sink(port=port)
    sink.wait(lambda s: accepted[-1] in ids(s.spans[-2000:]), "the newest span")
    if when_full == "reject":
        assert refused
        sink.wait_spans(len(accepted))
        gate.stop()
        assert sorted(ids(sink.spans)) == sorted(accepted)  # a request that waited for its retry comes after others
    else:
        gate.stop(expect=3)
        lost = gate.ledger.exporter()["dropped", "queue_evicted"]
        assert not refused and lost == len(accepted) - sink.count() > 0
        assert ids(sink.spans)[-2000:] == accepted[-2000:]


def test_a_backlog_larger_than_memory(make, make_sink):
    """In order of arrival, within a bound on memory, before and after a kill."""
    port, mib = free_port(), 1024 if SOAK else 96
    exporter = dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", in_flight=1, queue_size="4MiB", **QUICK)
    gate = make([exporter], settings={"max_memory": "32MiB"})
    sent, accepted, connection = 0, [], gate.connection()
    while sent < mib << 20:
        chunk = trace(100, meta={"env": "test", "text": "x" * 10000})
        body = v04(chunk)
        assert gate.put("/v0.4/traces", body, connection=connection).status == 200
        sent += len(body)
        accepted += ids(chunk)
    assert SANITIZED or resident(gate) < 100 << 20, resident(gate)
    kill(gate)
    gate = make([exporter], settings={"max_memory": "32MiB"})
    sink = make_sink(port=port)
    sink.wait_spans(len(accepted), timeout=300)
    assert SANITIZED or resident(gate) < 100 << 20, resident(gate)
    gate.stop()
    assert ids(sink.spans) == accepted
    assert gate.ledger.exporter()["recovered from disk"] == len(accepted)


def test_damage_costs_what_is_damaged_and_is_said(make, queue, sink):
    gate = make([away()], settings=HURRIED)
    spans = [send(gate, 4, meta={"env": "test", "text": f"<{n:04}>" * 50}) for n in range(20)]
    gate.stop()
    (queue / "notes.txt").write_text("not ours")
    (queue / "segment-00000099.log").write_text("not ours either")
    file = next(f for f in sorted(queue.iterdir()) if f.name.startswith("segment-") and f.stat().st_size > 1 << 20)
    data = bytearray(file.read_bytes())
    place = data.index(b"<0007>")
    data[place] ^= 0x10
    file.write_bytes(data)
    gate = make([grpc(sink, **QUICK)])
    sink.wait_spans(76)
    gate.stop(expect=3)
    missing = set(ids(s for chunk in spans for s in chunk)) - set(ids(sink.spans))
    assert missing == set(ids(spans[7]))
    assert gate.ledger.exporter()["dropped", "damaged"] == 4
    assert f"{file.name}: damage at offset" in gate.stderr
    for name in ("notes.txt", "segment-00000099.log"):
        assert f"{name} is ignored" in gate.stderr and (queue / name).exists()


def test_a_request_that_is_halved_is_done_when_all_of_it_is(make, make_sink):
    """A backend that takes 64 KiB at a time; one frame is larger than that and is cut. The process dies while a part is under way."""
    port = free_port()
    exporter = dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", compression="none", in_flight=1, **QUICK)
    gate = make([exporter])
    spans = send(gate, 200, meta={"env": "test", "text": "x" * 600})
    sink = make_sink(max_message=64 << 10, port=port)
    sink.script(Stall())
    sink.wait(lambda s: s.requests, "a part")
    kill(gate)
    sink.release()
    gate = make([exporter])
    sink.wait(lambda s: set(ids(spans)) <= set(ids(s.spans)), "every span")
    gate.stop()
    assert gate.ledger.exporter()["recovered from disk"] == 200
    gate = make([exporter])
    gate.stop()
    assert not gate.ledger.signals  # all parts were through


def test_age_counts_from_arrival(make):
    gate = make([away(max_age="1s")], settings=HURRIED)
    send(gate, 5)
    kill(gate)
    gate = make([away(max_age="1s")])
    gate.wait_stderr("5 items waited longer than max_age for the backend and were dropped")
    gate.stop(expect=3)
    assert gate.ledger.exporter()["dropped", "expired"] == gate.ledger.exporter()["recovered from disk"] == 5


def test_an_exporter_that_is_gone_keeps_its_data(make, make_sink):
    gate = make([away(name="old")], settings=HURRIED)
    spans = send(gate, 5)
    gate.stop()
    sink = make_sink()
    gate = make([grpc(sink, name="new", **QUICK)])
    assert "1 records wait for exporter old, which is not configured" in gate.stderr
    send(gate, 2)
    sink.wait_spans(2)
    gate.stop()
    gate = make([grpc(sink, name="old", **QUICK)])
    sink.wait_spans(7)
    gate.stop()
    assert ids(sink.spans)[2:] == ids(spans)


def test_a_dead_backend_stalls_only_its_own(make, make_sink):
    alive = make_sink()
    gate = make([away(name="dead", queue_size="1MiB"), grpc(alive, name="alive", **QUICK)], settings=HURRIED)
    for n in range(1, 40):
        send(gate, 20, meta={"env": "test", "text": "x" * 3000})
        alive.wait_spans(20 * n)
    gate.stop()
    assert gate.ledger.exporter("alive")["sent"] == gate.ledger.exporter("dead")["left on disk"] == 39 * 20
