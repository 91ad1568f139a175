# SPDX-License-Identifier: Apache-2.0
"""What a backend calls malformed is set aside in a file that OpenTelemetry's own implementation reads."""
import os
import stat
import subprocess

import grpc as grpc_core
import otlp
import pytest
from ddgate import BINARY, free_port, grpc
from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc
from payloads import trace, v04
from sending import QUICK, ids, send
from sinks import Fail, Partial
from test_admin import assert_balanced, ledger, pick, samples

BAD = Fail(StatusCode.INVALID_ARGUMENT, "I do not want this")


@pytest.fixture
def dead(tmp_path):
    folder = tmp_path / "dead"
    folder.mkdir()
    return folder


def aside(sink, dead, **options):
    return grpc(sink, dead_letter={"directory": str(dead), **options}, **QUICK)


def spans_in(*paths):
    return [s for path in paths if path.exists() for line in path.read_text(encoding="utf-8").splitlines()
            for s in otlp.flatten(otlp.parse_json_line(line))]


def wait_place(gate, place, n, exporter="otlp_grpc"):
    gate._until(lambda: ledger(gate)["signals"]["traces"]["exporters"][exporter][place] == n, f"{place} is not {n}")


def test_what_is_rejected_stands_in_the_file(make_gate, sink, dead):
    sink.script(BAD)
    gate = make_gate(exporters=[aside(sink, dead)])
    bad = send(gate, 4, meta={"env": "test", "customer": "42"})
    wait_place(gate, "set_aside", 4)
    good = send(gate, 3)
    sink.wait_spans(3)
    found = spans_in(dead / "otlp_grpc.jsonl")
    assert ids(found) == ids(bad) and all(s.attrs["customer"] == "42" for s in found)
    assert ids(sink.spans) == ids(good)
    assert stat.S_IMODE((dead / "otlp_grpc.jsonl").stat().st_mode) == 0o600
    assert_balanced(ledger(gate))
    assert pick(samples(gate), "ddgate_exporter_items_set_aside_total", exporter="otlp_grpc", signal="traces") == 4
    gate.stop()  # exit code 0: nothing is lost
    assert gate.ledger.exporter() == {"sent": 3, "set aside": 4}
    assert "I do not want this" in gate.stderr and f"4 of them were set aside in {dead}" in gate.stderr


def test_it_can_be_sent_again(make_gate, make_sink, dead):
    refuses, takes = make_sink(), make_sink()
    refuses.script(BAD, BAD)
    gate = make_gate(exporters=[aside(refuses, dead)])
    bad = send(gate, 5)
    wait_place(gate, "set_aside", 5)
    again = (dead / "otlp_grpc.jsonl").rename(dead / "again.jsonl")
    later = send(gate, 2)
    wait_place(gate, "set_aside", 7)
    assert ids(spans_in(dead / "otlp_grpc.jsonl")) == ids(later)
    with grpc_core.insecure_channel(takes.endpoint.removeprefix("http://")) as channel:
        for line in again.read_text(encoding="utf-8").splitlines():
            trace_service_pb2_grpc.TraceServiceStub(channel).Export(otlp.parse_json_line(line))
    assert ids(takes.spans) == ids(bad)


def test_a_restart_adds_to_it_and_mends_a_torn_line(make_gate, sink, dead):
    sink.script(BAD)
    gate = make_gate(exporters=[aside(sink, dead)])
    first = send(gate, 2)
    wait_place(gate, "set_aside", 2)
    gate.stop()
    with open(dead / "otlp_grpc.jsonl", "a", encoding="utf-8") as file:
        file.write('{"resourceSpans": [{"torn')
    sink.script(BAD)
    gate = make_gate(exporters=[aside(sink, dead)])
    second = send(gate, 3)
    wait_place(gate, "set_aside", 3)
    lines = (dead / "otlp_grpc.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 3 and lines[1] == '{"resourceSpans": [{"torn'
    assert ids(s for line in (lines[0], lines[2]) for s in otlp.flatten(otlp.parse_json_line(line))) == ids(first + second)


def test_it_is_bounded_and_what_goes_is_counted(make_gate, sink, dead):
    sink.script(*[BAD] * 100)
    gate = make_gate(exporters=[aside(sink, dead, max_size="16MiB")])
    total, size = 0, 0
    for _ in range(40):
        send(gate, 20, meta={"env": "test", "text": os.urandom(20000).hex()})
        total += 20
        gate._until(lambda: sum(ledger(gate)["signals"]["traces"]["exporters"]["otlp_grpc"][p] for p in ("queued", "in_process")) == 0, "it is not settled")
        size = max(size, sum(f.stat().st_size for f in dead.iterdir()))
    assert 8 << 20 < size <= 16 << 20
    exporter = ledger(gate)["signals"]["traces"]["exporters"]["otlp_grpc"]
    assert exporter["dropped"]["overwritten"] > 0 and exporter["dropped"]["overwritten"] + exporter["set_aside"] == total
    assert len(spans_in(dead / "otlp_grpc.jsonl", dead / "otlp_grpc.old.jsonl")) == exporter["set_aside"]
    gate.stop(expect=3)


def test_without_a_place_it_is_rejected_as_ever(make_gate, sink, dead):
    sink.script(BAD, BAD)
    gate = make_gate(exporters=[aside(sink, dead)])
    (dead / "otlp_grpc.jsonl").mkdir()  # root may write anywhere, but not into this
    send(gate, 4)
    wait_place(gate, "rejected", 4)
    gate.wait_stderr("cannot be set aside")
    (dead / "otlp_grpc.jsonl").rmdir()
    send(gate, 2)
    wait_place(gate, "set_aside", 2)
    gate.stop(expect=3)


def test_partial_success_names_no_spans_and_is_only_counted(make_gate, sink, dead):
    sink.script(Partial(2))
    gate = make_gate(exporters=[aside(sink, dead)])
    send(gate, 5)
    wait_place(gate, "rejected", 2)
    assert not list(dead.iterdir())
    gate.stop(expect=3)


def test_too_large_alone_is_set_aside(make_gate, make_sink, dead):
    """A request is halved down to the span that is too large; the others arrive."""
    sink = make_sink(max_message=64 << 10)
    gate = make_gate(exporters=[{**aside(sink, dead), "compression": "none"}])
    spans = trace(10)
    spans[3]["meta"] = {"env": "test", "text": "x" * 100000}
    assert gate.put("/v0.4/traces", v04(spans)).status == 200
    sink.wait_spans(9)
    wait_place(gate, "set_aside", 1)
    assert ids(spans_in(dead / "otlp_grpc.jsonl")) == {f"{spans[3]['span_id']:016x}"}


def test_names_are_files(make_gate, sink, dead):
    sink.script(BAD)
    gate = make_gate(exporters=[{**aside(sink, dead), "name": "../a b"}])
    send(gate, 1)
    wait_place(gate, "set_aside", 1, "../a b")
    assert [f.name for f in dead.iterdir()] == [".._a b.jsonl"]


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    conf = tmp_path / "x.conf"
    for folder in (tmp_path / "absent", conf):
        conf.write_text(f'exporters = ( {{ type = "otlp_grpc"; endpoint = "http://127.0.0.1:{free_port()}";\n'
                        f' dead_letter = {{ directory = "{folder}"; }}; }} );\n')
        done = subprocess.run([BINARY, "check", "-c", conf], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and f"{conf}:2: exporters[0].dead_letter.directory" in done.stderr
