# SPDX-License-Identifier: Apache-2.0
"""Profiles sent on: to an agent, an intake, Pyroscope; while they are away; what becomes of what they do not take."""
import gzip
import signal
import subprocess
import urllib.parse

import pprof
import profiles
import pytest
import zstandard
from ddgate import BINARY, conf_text, free_port
from profiles import HEADERS, PATH, rows, upload

CPU = pprof.make("cpu", {("main", "work"): 30})
HEAP = pprof.make("alloc-space", {("main", "make"): 5})


@pytest.fixture
def make_taker():
    made = []

    def make():
        made.append(profiles.Taker())
        return made[-1]
    yield make
    for taker in made:
        taker.close()


def forwarding(make_gate, *targets, **options):
    return make_gate(receiver={"profiles": {"forward": list(targets), **options}}, exporters=[{"type": "blackhole"}])


def send(gate, body, headers=None):
    assert gate.request("POST", PATH, body, {**HEADERS, **(headers or {})}).status == 200


def row(gate, target):
    return rows(gate)["exporters"][f"profiles.forward {target}"[:63]]


def until(gate, taker, n):
    gate._until(lambda: len(taker.requests) >= n, f"{len(taker.requests)} of {n} requests came")


def test_to_an_agent_as_it_came(make_gate, make_taker):
    taker, other = make_taker(), make_taker()
    gate = forwarding(make_gate, taker.url, other.url + "/api/v2/profile", api_key="0123456789abcdefsecret")
    body = upload({"cpu.pprof": gzip.compress(CPU), "metrics.json": b"[]"})
    send(gate, body, {"Datadog-Container-ID": "c1", "DD-EVP-ORIGIN": "dd-trace-py", "DD-API-KEY": "application", "X-Own": "1"})
    until(gate, taker, 1)
    until(gate, other, 1)
    assert [t.requests[0][0] for t in (taker, other)] == [PATH, "/api/v2/profile"]
    for t in (taker, other):
        _, headers, got, _ = t.requests[0]
        assert got == body and pprof.read(profiles.parts(headers, got)["cpu.pprof"]).stacks == {("main", "work"): 30}
        assert {k.lower(): v for k, v in headers.items() if k.lower() not in ("host", "content-length", "accept")} == {
            "content-type": HEADERS["Content-Type"], "dd-api-key": "0123456789abcdefsecret", "via": "1.1 ddgate", "datadog-container-id": "c1",
            "dd-evp-origin": "dd-trace-py"}
    gate._until(lambda: row(gate, taker.url)["sent"] == row(gate, other.url + "/api/v2/profile")["sent"] == 1, "it is not counted")
    gate.stop()
    assert "secret" not in gate.stderr


def test_to_pyroscope_a_request_a_file(make_gate, make_taker):
    taker = make_taker()
    gate = forwarding(make_gate, taker.url + "/ingest", api_key="token")
    tags = "service:my shöp/a-b.c,env:prod,version:1.2,runtime-id:ab,process_id:7,bad:x"
    send(gate, upload({"cpu.pprof": gzip.compress(CPU), "heap.pprof": zstandard.ZstdCompressor().compress(HEAP), "metrics.json": b"[]",
                       "main.jfr": b"FLR\0rest", "packed.jfr": gzip.compress(b"FLR\0more")}, tags=tags))
    until(gate, taker, 4)
    got = {}
    for path, headers, body, _ in taker.requests:
        url = urllib.parse.urlsplit(path)
        query = urllib.parse.parse_qs(url.query, strict_parsing=True)
        assert url.path == "/ingest" and query["name"] == ["my_sh_p/a-b.c{env=prod,version=1.2,runtime_id=ab}"]
        assert (query["from"], query["until"]) == (["1795991401"], ["1795991461"])
        assert headers["Authorization"] == "Bearer token" and headers["Content-Type"] == "application/octet-stream"
        got.setdefault(query["format"][0], []).append(body)
    assert sorted(got["jfr"]) == [b"FLR\0more", b"FLR\0rest"], "it reads JFR only as it is"
    assert sorted(list(pprof.read(body).stacks) for body in got["pprof"]) == [[("main", "make")], [("main", "work")]]
    assert not [body for body in got["pprof"] if body[:4] == b"\x28\xb5\x2f\xfd"], "zstd, which it does not read"
    gate._until(lambda: row(gate, taker.url + "/ingest")["sent"] == 4, "it is not counted")


def test_targets_that_differ_at_their_end_have_rows_of_their_own(make_gate, make_taker):
    taker = make_taker()
    long = taker.url + "/" + "a" * 60
    gate = forwarding(make_gate, long + "/b", long + "/c")
    send(gate, upload({"cpu.pprof": CPU}))
    until(gate, taker, 2)
    assert sorted(path for path, *_ in taker.requests) == [f"/{'a' * 60}/b", f"/{'a' * 60}/c"]
    gate._until(lambda: [r["sent"] for r in rows(gate)["exporters"].values() if r["sent"]] == [1, 1], "the rows do not balance")
    gate.stop()


def test_what_is_not_taken_for_the_moment_is_sent_again(make_gate, make_taker):
    taker = make_taker()
    taker.answers = [503, 429]
    gate = forwarding(make_gate, taker.url)
    send(gate, upload({"cpu.pprof": CPU}))
    until(gate, taker, 3)
    assert [r[3] for r in taker.requests] == [503, 429, 200] and len({r[2] for r in taker.requests}) == 1
    gate.wait_stderr("takes profiles again")
    assert f"profiles.forward {taker.url} answers 503; profiles wait, and it is tried again" in gate.stderr
    gate._until(lambda: row(gate, taker.url)["sent"] == 1, "it is not counted")


def test_what_is_refused_is_rejected_and_its_neighbours_go(make_gate, make_taker):
    taker = make_taker()
    taker.answers = [413]
    gate = forwarding(make_gate, taker.url)
    send(gate, upload({"cpu.pprof": CPU}))
    gate.wait_stderr("refuses a profile: it answers 413")
    send(gate, upload({"cpu.pprof": CPU}))
    gate._until(lambda: row(gate, taker.url)["sent"] == 1, "it is not counted")
    assert row(gate, taker.url)["rejected"] == 1
    assert gate.stop(check=False) == 3


def test_nobody_there_the_oldest_go_and_a_stop_counts_the_rest(make_gate):
    target = f"http://127.0.0.1:{free_port()}"
    gate = forwarding(make_gate, target, queue_size="200KiB")
    for _ in range(10):
        send(gate, upload({"a.bin": bytes(30_000), "cpu.pprof": CPU}))
    gate.wait_stderr("does not answer")
    held = row(gate, target)
    assert held["queued"] + held["dropped"]["queue_evicted"] == 10 and 1 <= held["queued"] <= 6
    assert gate.stop(check=False) == 3
    gate.assert_sane()
    left = gate.ledger.exporter(f"profiles.forward {target}"[:63], "profiles")
    assert left[("dropped", "queue_evicted")] + left[("dropped", "shutdown")] == 10


def test_a_stop_tries_once_more(make_gate, make_taker):
    taker = make_taker()
    taker.answers = [503]
    gate = forwarding(make_gate, taker.url)
    send(gate, upload({"cpu.pprof": CPU}))
    until(gate, taker, 1)
    gate.stop()
    assert [r[3] for r in taker.requests] == [503, 200]


def test_what_waits_survives_a_reload(make_gate, make_taker):
    taker = make_taker()
    taker.open.clear()
    gate = forwarding(make_gate, taker.url, queue_size="1MiB")
    for _ in range(8):
        send(gate, upload({"cpu.pprof": CPU}))
    path = gate.directory / "ddgate.conf"
    path.write_text(path.read_text().replace("1MiB", "2MiB"))
    gate.process.send_signal(signal.SIGHUP)
    gate._until(lambda: 'config_reloads_total{result="done"} 1' in gate.admin("/metrics").body.decode(), "it does not reload")
    send(gate, upload({"cpu.pprof": CPU}))
    taker.open.set()
    gate._until(lambda: row(gate, taker.url)["sent"] == 9, "not all are sent")
    assert len(taker.requests) == 9


def test_too_old_is_dropped(make_gate):
    target = f"http://127.0.0.1:{free_port()}"
    gate = forwarding(make_gate, target, retry_time="1s")
    send(gate, upload({"cpu.pprof": CPU}))
    gate._until(lambda: row(gate, target)["dropped"] == {"expired": 1}, "it does not expire")
    assert gate.stop(check=False) == 3


@pytest.mark.parametrize("options, words", [
    ({"forward": ["agent:8126"]}, "neither the URL of an agent"), ({"forward": ["datadoghq.eu"]}, "asks for profiles.api_key"),
    ({"forward": ["http://a/b?c"]}, "a URL with a query"), ({"api_key": "k" * 32}, "of no use without profiles.forward"),
    ({"forward": [f"http://a:{i}" for i in range(9)]}, "more than 8 targets"), ({"forward": ["http://127.0.0.1:8126"]}, "is this receiver itself"),
    ({"forward": ["http://a", "http://a/"]}, "http://a twice")])
def test_mistakes(tmp_path, options, words):
    path = tmp_path / "ddgate.conf"
    path.write_text(conf_text({"receivers": ({"type": "ddtrace", "profiles": options},), "exporters": ({"type": "blackhole"},)}))
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and words in done.stderr and "profiles." in done.stderr, done.stderr
