# SPDX-License-Identifier: Apache-2.0
"""What profilers send: taken, checked, kept as files within bounds."""
import gzip
import json
import os
import signal
import socket
import stat
import subprocess
import threading

import pprof
import profiles
import pytest
import zstandard
from ddgate import BINARY, SANITIZED, conf_text
from profiles import HEADERS, PATH, kept, rows, upload

CPU = pprof.make("cpu", {("main", "work"): 30, ("main", "rest"): 12})
HEAP = pprof.make("alloc-space", {("main", "make"): [5, 4096]}, types=[("alloc-objects", "count"), ("alloc-space", "bytes")])


def send(gate, body, headers=None, **more):
    return gate.request("POST", PATH, body, {**HEADERS, **(headers or {})}, **more)


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "profiles").mkdir()
    return tmp_path / "profiles"


@pytest.fixture
def keeping(make_gate, directory):
    """A gate that keeps profiles."""
    def make(settings=None, **options):
        return make_gate(receiver={"profiles": {"directory": directory, **options}}, exporters=[{"type": "blackhole"}], settings=settings)
    return make


def balanced(ledger):
    taken = ledger["accepted"]
    assert ledger["received"] == taken + sum(ledger.get("refused", {}).values()) + sum(ledger.get("dropped", {}).values())
    return ledger


def test_without_the_option_profiles_are_dropped_and_it_is_said_how_to_keep_them(make_gate):
    gate = make_gate(exporters=[{"type": "blackhole"}])
    for _ in range(3):
        assert send(gate, upload({"cpu.pprof": CPU}), {"Datadog-Meta-Lang": "python"}).status == 200
    ledger = balanced(rows(gate))
    assert (ledger["received"], ledger["accepted"], ledger["dropped"]) == (3, 0, {"not_kept": 3})
    said = [line for line in gate.stderr.splitlines() if "profiles" in line]
    assert len(said) == 1 and "option profiles keeps them" in said[0] and "DD_PROFILING_ENABLED=false" in said[0]
    assert PATH not in json.loads(gate.request("GET", "/info").body)["endpoints"]


def test_uploads_stand_in_the_directory(keeping, directory):
    gate = keeping()
    assert PATH in json.loads(gate.request("GET", "/info").body)["endpoints"]
    files = {"cpu.pprof": gzip.compress(CPU), "heap.pprof": HEAP, "profile.pprof": zstandard.ZstdCompressor().compress(CPU),
             "metrics.json": b"[]", "code-provenance.json": gzip.compress(b"{}"), "main.jfr": b"FLR\0rest"}
    answer = send(gate, upload(files))
    assert (answer.status, answer.body) == (200, b"")
    [made] = kept(directory)["shop"]
    assert {k: v for k, v in made.items() if k != "profile.pprof"} == {
        "event.json": profiles.event(attachments=list(files)), "cpu.pprof": files["cpu.pprof"], "heap.pprof": HEAP, "metrics.json": b"[]",
        "code-provenance.json.gz": files["code-provenance.json"], "main.jfr": b"FLR\0rest"}
    for name in ("cpu.pprof", "profile.pprof"):  # no reader of pprof takes zstd
        assert pprof.unpack(made[name]) == CPU and made[name][:2] == b"\x1f\x8b"
    read = pprof.read(made["heap.pprof"])
    assert read.types == [("alloc-objects", "count"), ("alloc-space", "bytes")] and read.stacks == {("main", "make"): 5}
    [folder] = (directory / "shop").iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700 and {stat.S_IMODE(f.stat().st_mode) for f in folder.iterdir()} == {0o600}
    ledger = balanced(rows(gate))
    row = ledger["exporters"][f"profiles.directory {directory}"[:63]]
    assert ledger["accepted"] == 4 and row["sent"] == 4
    metrics = gate.admin("/metrics").body.decode()
    assert f'ddgate_items_accepted_total{{signal="profiles"}} 4' in metrics
    assert "ddgate_ddtrace_profile_directory_uploads{" in metrics


def test_older_profilers(keeping, directory):
    gate = keeping()
    assert send(gate, profiles.upload_3({"cpu.pprof": CPU, "heap.pprof": HEAP})).status == 200
    [made] = kept(directory)["shop"]
    assert made == {"tags.txt": (profiles.TAGS.replace(",", "\n") + "\n").encode(), "cpu.pprof": CPU, "heap.pprof": HEAP}


GOOD = upload({"cpu.pprof": CPU})
BAD = {
    "empty": (b"", 400, "Content-Type"),
    "cut short": (GOOD[:-len(profiles.BOUNDARY) - 8], 400, "cut short"),
    "no pprof": (upload({"cpu.pprof": b"GET / HTTP/1.1"}), 400, "a file is no pprof"),
    "cut pprof": (upload({"cpu.pprof": CPU[:-3]}), 400, "a file is no pprof"),
    "cut gzip": (upload({"cpu.pprof": gzip.compress(CPU)[:-9]}), 400, "cut short"),
    "a bomb": (upload({"cpu.pprof": gzip.compress(bytes(2 << 20))}), 413, "payload-too-large"),
    "a bomb of several": (upload({f"{i}.pprof": gzip.compress(pprof.make(padding=600_000)) for i in range(2)}), 413, "payload-too-large"),
    "bad event": (profiles.multipart([("event", "event.json", b'{"start":'), ("a.pprof", "a.pprof", CPU)]), 400, "JSON"),
    "no event": (profiles.multipart([("a.pprof", "a.pprof", CPU)]), 400, "neither an event nor a time"),
    "no file": (profiles.multipart([("event", "event.json", profiles.event())]), 400, "it has no file"),
}


def test_what_is_no_upload_is_refused_whole(keeping, directory, make_gate):
    """Each mistake costs its upload, says where it is, and its neighbours live."""
    gate = make_gate(receiver={"max_inflated": "1MiB", "profiles": {"directory": directory, "max_upload": "512KiB"}}, exporters=[{"type": "blackhole"}])
    for name, (body, status, words) in BAD.items():
        answer = send(gate, body)
        assert answer.status == status and words in answer.body.decode(), (name, answer)
    assert send(gate, GOOD, {"Content-Type": "application/json"}).status == 400
    assert send(gate, GOOD, {"Content-Encoding": "made-up"}).status == 415
    assert send(gate, upload({"a.pprof": os.urandom(600_000)})).status == 413
    assert not kept(directory)
    assert send(gate, GOOD).status == 200
    assert send(gate, gzip.compress(GOOD), {"Content-Encoding": "gzip"}).status == 200
    ledger = balanced(rows(gate))
    assert ledger["accepted"] == 2 and sum(ledger["refused"].values()) == ledger["received"] - 2 >= len(BAD) + 2
    assert len(kept(directory)["shop"]) == 2


def test_the_bound_is_50_mib(keeping, directory):
    """As sent, where max_memory has room for it; a byte more is 413."""
    gate = keeping({"max_memory": "400MiB"})
    most, empty = 50 << 20, len(upload({"a.bin": b""}))
    assert send(gate, upload({"a.bin": bytes(most - empty)})).status == 200
    assert send(gate, upload({"a.bin": bytes(most - empty + 1)})).status == 413
    [made] = kept(directory)["shop"]
    assert made["a.bin"] == bytes(most - empty)


def test_hostile_names_stay_in_the_directory(keeping, directory, tmp_path):
    gate = keeping()
    services = ["../../up", "/abs", "a/b", "a\\\\b", ".hidden", "x" * 300, "ünï", "a b", "..", "-rf", "%s%n"]
    for service in services:
        assert send(gate, upload({"../../cpu.pprof": CPU, "..": b"x", ".hidden": b"y", "event.json": b"{}", "n" * 300: b"z", "a/b.pprof": CPU},
                                 tags=f"service:{service}")).status == 200, service
    assert send(gate, upload({"cpu.pprof": CPU}, tags="env:prod")).status == 200
    assert {p.name for p in tmp_path.iterdir() if "prof" in p.name} == {"profiles"}
    made = kept(directory)
    assert len(made) == len(services) + 1 and "unnamed-service" in made and "-rf" in made
    for uploads in made.values():
        assert len(uploads) == 1
    assert all(len(uploads[0]) == 7 for service, uploads in made.items() if service != "unnamed-service")
    assert not [p for p in directory.rglob("*") if p.name.startswith(".") and p.name != ".lock"]


def test_the_oldest_go_first_and_a_restart_knows_what_is_there(keeping, directory):
    def names():
        return sorted((p.parent.name, p.name) for p in directory.glob("*/*"))

    gate = keeping(max_size="1MiB")  # an upload: a folder, its event, 96 KiB: 104 KiB in blocks
    for i in range(14):
        assert send(gate, upload({"a.bin": bytes([i]) * 98304}, tags=f"service:s{i % 3}")).status == 200
    assert sorted(u["a.bin"][0] for uploads in kept(directory).values() for u in uploads) == list(range(5, 14))
    before = names()
    gate.stop()
    (directory / ".new-1-1").mkdir()
    (directory / ".new-1-1" / "cpu.pprof").write_bytes(b"cut short")
    (directory / "s0" / "notes.txt").write_text("not ours")
    gate = keeping(max_size="1MiB")
    assert names() == sorted([*before, ("s0", "notes.txt")]) and not (directory / ".new-1-1").exists()
    assert send(gate, upload({"a.bin": b"x" * 98304}, tags="service:s9")).status == 200
    assert sorted(u["a.bin"][0] for uploads in kept_folders(directory) for u in uploads) == [*range(6, 14), ord("x")]
    assert send(gate, upload({"a.bin": bytes(1 << 20)})).status == 503, "more than the bound: nothing goes for it"
    assert len(names()) == 10
    gate.wait_stderr("File too large")
    gate.stop(check=False)


def kept_folders(directory):
    return [[{f.name: f.read_bytes() for f in folder.iterdir()} for folder in service.iterdir() if folder.is_dir()]
            for service in directory.iterdir() if service.is_dir()]


def test_old_uploads_go_by_themselves(keeping, directory):
    gate = keeping()
    assert send(gate, upload({"a.pprof": CPU}, tags="service:new")).status == 200
    gate.stop()
    (directory / "old").mkdir()
    (directory / "old" / "2020-01-02T03-04-05.678-0001").mkdir()
    (directory / "old" / "2020-01-02T03-04-05.678-0001" / "cpu.pprof").write_bytes(CPU)
    gate = keeping(max_age="1h")
    gate._until(lambda: not (directory / "old").exists(), "the old one stands there still")
    assert len(kept(directory)["new"]) == 1
    assert 'reason="max_age"} 1' in gate.admin("/metrics").body.decode()


def test_a_time_that_is_too_far_off_is_no_upload_of_ours(keeping, directory):
    old, far = directory / "old" / "2020-01-02T03-04-05.678-0001", directory / "far" / "9999-12-31T23-59-59.999-0000"
    for folder in (old, far):
        folder.mkdir(parents=True)
        (folder / "cpu.pprof").write_bytes(CPU)
    gate = keeping(max_age="1h")
    gate._until(lambda: not old.exists(), "the old one stands there still")
    assert 'reason="max_age"} 1' in gate.admin("/metrics").body.decode()
    assert (far / "cpu.pprof").read_bytes() == CPU


def test_a_directory_that_goes_away_and_comes_back(keeping, directory):
    gate = keeping()
    assert send(gate, GOOD).status == 200
    aside = directory.with_name("aside")
    directory.rename(aside)
    answer = send(gate, GOOD)
    assert answer.status == 503 and b"profiles" in answer.body
    gate.wait_stderr("No such file or directory")
    directory.mkdir()
    assert send(gate, GOOD).status == 200 and len(kept(directory)["shop"]) == 1
    gate.wait_stderr("takes profiles again")
    (directory / "shop").rename(directory / "elsewhere")
    (directory / "shop").symlink_to(aside)
    assert send(gate, GOOD).status == 503 and len(list(aside.iterdir())) == 2, "no symbolic link is followed"
    (directory / "shop").unlink()
    assert send(gate, GOOD).status == 200
    row = balanced(rows(gate))["exporters"][f"profiles.directory {directory}"[:63]]
    assert (row["sent"], row["dropped"]) == (3, {"unwritten": 2})
    assert gate.stop(check=False) == 3, "two were taken and not kept"


def test_a_full_disk_makes_the_oldest_go(make_gate, tmp_path):
    if os.geteuid() != 0 or os.system(f"mkdir {tmp_path}/small && mount -t tmpfs -o size=512k tmpfs {tmp_path}/small 2>/dev/null") != 0:
        pytest.skip("no file system may be mounted here")
    try:
        gate = make_gate(receiver={"profiles": {"directory": tmp_path / "small"}}, exporters=[{"type": "blackhole"}])
        for i in range(6):
            assert send(gate, upload({"a.bin": bytes([i + 1]) * 120_000})).status == 200
        assert [u["a.bin"][0] for u in kept(tmp_path / "small")["shop"]] == [3, 4, 5, 6]
        assert send(gate, upload({"a.bin": bytes(600_000)})).status == 503
        assert not list((tmp_path / "small").glob(".new*"))
        gate.stop(check=False)
    finally:
        os.system(f"umount -l {tmp_path}/small")


def test_mistakes_in_the_options(tmp_path):
    (tmp_path / "file").write_text("")
    for directory, words in ((tmp_path / "none", "make it, and let ddgate's user write there"), (tmp_path / "file", "is not a directory"),
                             ("relative", "must be an absolute path")):
        path = tmp_path / "ddgate.conf"
        path.write_text(conf_text({"receivers": ({"type": "ddtrace", "profiles": {"directory": directory}},), "exporters": ({"type": "blackhole"},)}))
        done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and words in done.stderr and "receivers[0].profiles.directory" in done.stderr, done.stderr


def test_two_processes_do_not_share_a_directory(keeping, directory):
    keeping()
    with pytest.raises(AssertionError, match="another ddgate keeps its profiles there"):
        keeping()


def test_many_services_at_a_time(keeping, directory):
    gate = keeping()
    count = 100 if SANITIZED else 1000

    def work(part):
        connection = gate.connection()
        for i in range(part, count, 4):
            assert send(gate, upload({"cpu.pprof": CPU}, tags=f"service:s{i}"), connection=connection).status == 200
    threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    made = kept(directory)
    assert len(made) == count and all(u[0]["cpu.pprof"] == CPU for u in made.values())
    assert balanced(rows(gate))["accepted"] == count


def test_an_upload_that_ends_early_leaves_nothing(keeping, directory):
    gate = keeping()
    with socket.create_connection(("127.0.0.1", gate.port)) as s:
        s.sendall(f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: {HEADERS['Content-Type']}\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode()
                  + GOOD[:-10])
    assert send(gate, GOOD).status == 200
    assert len(kept(directory)["shop"]) == 1


def test_a_reload_loses_nothing(keeping, directory):
    gate = keeping(max_size="1MiB")
    text = (gate.directory / "ddgate.conf").read_text()
    stop, answers = threading.Event(), []

    def work():
        while not stop.is_set():
            answers.append(send(gate, upload({"cpu.pprof": CPU})).status)
    thread = threading.Thread(target=work)
    thread.start()
    for n, size in enumerate(("2MiB", "3MiB", "4MiB"), 1):
        (gate.directory / "ddgate.conf").write_text(text.replace("1MiB", size))
        gate.process.send_signal(signal.SIGHUP)
        gate._until(lambda n=n: f'config_reloads_total{{result="done"}} {n}' in gate.admin("/metrics").body.decode(), "it does not reload")
    stop.set()
    thread.join()
    assert set(answers) == {200}
    assert balanced(rows(gate))["accepted"] == len(answers)
    assert "ddgate_ddtrace_profile_directory_written_total" in gate.admin("/metrics").body.decode()
