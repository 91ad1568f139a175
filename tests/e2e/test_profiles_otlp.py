# SPDX-License-Identifier: Apache-2.0
"""Profiles as OTLP's development protocol has them: what a profiler sent, read back by the official descriptors."""
import gzip
import subprocess
import time
from collections import Counter

import grpc
import pprof
import profiles
import pytest
import zstandard
from ddgate import BINARY, conf_text
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest
from profiles import HEADERS, PATH, otlp_profiles, rows, upload

STACKS = {("main", "work"): [30, 0], ("main", "work", "deep"): [12, 7], ("main", "rest"): [5, 9]}
TWO = pprof.make("cpu", STACKS, types=[("cpu", "nanoseconds"), ("samples", "count")],
                 labels={"thread id": 7, "thread name": "MainThread", "span id": 5 - 2**63, "local root span id": "255", "end_timestamp_ns": 1_795_991_401_000_000_000,
                         "own": "x", "size": 3})


@pytest.fixture
def backend():
    taker = profiles.GrpcTaker()
    yield taker
    taker.close()


def exporting(make_gate, backend, exporter=None, settings=None, **options):
    return make_gate(receiver={"profiles": {"otlp": True, **options}}, settings=settings, exporters=[
        {"type": "otlp_grpc", "name": "backend", "endpoint": backend.endpoint, "signals": ["profiles"], **(exporter or {})}])


def send(gate, body):
    return gate.request("POST", PATH, body, HEADERS)


def sent(gate, backend, n, name="backend"):
    gate._until(lambda: rows(gate)["exporters"][name]["sent"] == n, f"not {n} profiles are sent")
    return otlp_profiles(backend.requests)


def test_a_sample_without_locations_is_none_of_the_first_location(make_gate, backend):
    """As libdatadog writes it: the list of locations is there, and empty."""
    without = bytes([0x12, 5, 0x0a, 0, 0x12, 1, 5])
    data = pprof.make("cpu", {("main",): 7}) + without
    assert pprof.read(data).stacks == {("main",): 7, (): 5}
    gate = exporting(make_gate, backend)
    assert send(gate, upload({"cpu.pprof": gzip.compress(data)})).status == 200
    [cpu] = sent(gate, backend, 1)
    assert cpu.stacks == {("main",): 7, (): 5}


def test_a_profile_says_the_same_in_both_forms(make_gate, backend):
    gate = exporting(make_gate, backend)
    assert send(gate, upload({"cpu.pprof": zstandard.ZstdCompressor().compress(TWO), "metrics.json": b"[]"})).status == 200
    cpu, samples = sent(gate, backend, 1)
    assert (cpu.type, samples.type) == (("cpu", "nanoseconds"), ("samples", "count"))
    assert cpu.stacks == pprof.read(TWO).stacks == {stack: values[0] for stack, values in STACKS.items()}
    assert samples.stacks == {stack: values[1] for stack, values in STACKS.items() if values[1]}, "without those that are 0"
    for p in (cpu, samples):
        assert p.resource == {
            "service.name": "shop", "deployment.environment.name": "prod", "service.version": "1.2", "service.instance.id": "ab12", "host.name": "h1",
            "telemetry.sdk.name": "datadog", "telemetry.sdk.language": "python", "process.pid": 7}
        assert p.attributes == {"datadog.profile.file": "cpu.pprof"}
        for attributes, times in p.samples:
            assert attributes == {"thread.id": 7, "thread.name": "MainThread", "span_id": f"{2**63 + 5:016x}", "local_root_span_id": f"{255:016x}",
                                  "own": "x", "size": 3}
            assert times == [1_795_991_401_000_000_000]
        assert (p.profile.time_unix_nano, p.profile.duration_nano, p.profile.period) == (1_795_991_401_071_327_735, 60_000_000_000, 10_000_000)
        assert len(p.profile.profile_id) == 16
    assert cpu.profile.profile_id != samples.profile.profile_id
    d = cpu.request.dictionary
    assert len(d.stack_table) == 4 and len(d.attribute_table) == 1 + 1 + 6 + 1, "each once"
    [_, mapping] = d.mapping_table
    assert (d.string_table[mapping.filename_strindex], mapping.memory_start, mapping.memory_limit) == ("/usr/bin/shop", 4096, 8192)
    [build_id] = mapping.attribute_indices
    assert d.string_table[d.attribute_table[build_id].key_strindex] == "process.executable.build_id.gnu"
    assert d.attribute_table[build_id].value.string_value == "abcd"
    assert all(x.mapping_index == 1 and x.address for x in d.location_table[1:]) and [x.lines[0].line for x in d.location_table[1:]] == [10, 20, 30, 40]


def test_each_file_is_a_request_and_jfr_goes_as_it_is(make_gate, backend):
    gate = exporting(make_gate, backend)
    files = {"a.pprof": pprof.make("a", {("one",): 1}), "b.pprof": gzip.compress(pprof.make("b", {("two",): 2})), "main.jfr": gzip.compress(b"FLR\0rest"),
             "none.pprof": pprof.make("c", {})}
    for _ in range(3):
        assert send(gate, upload(files)).status == 200
    found = sent(gate, backend, 12)
    assert len(backend.requests) == 12, "tables are not shared, so neither are requests"
    assert Counter((p.attributes["datadog.profile.file"], p.type[0]) for p in found) == {
        ("a.pprof", "a"): 3, ("b.pprof", "b"): 3, ("main.jfr", ""): 3, ("none.pprof", "c"): 3}
    jfr = [p for p in found if p.attributes["datadog.profile.file"] == "main.jfr"][0]
    assert (jfr.profile.original_payload_format, jfr.profile.original_payload) == ("jfr", b"FLR\0rest")
    assert (jfr.profile.time_unix_nano, jfr.profile.duration_nano) == (1_795_991_401_071_327_735, 60_000_000_000)


def test_over_http_as_protobuf_and_json(make_gate):
    taker = profiles.Taker()
    try:
        gate = make_gate(receiver={"profiles": {"otlp": True}}, exporters=[
            {"type": "otlp_http", "name": name, "endpoint": taker.url, "signals": ["profiles"], "encoding": name, "compression": "none"}
            for name in ("protobuf", "json")])
        assert send(gate, upload({"cpu.pprof": TWO})).status == 200
        gate._until(lambda: len(taker.requests) == 2, "not both come")
        assert {r[0] for r in taker.requests} == {"/v1development/profiles"}
        body = {headers["Content-Type"]: body for _, headers, body, _ in taker.requests}
        message = ExportProfilesServiceRequest.FromString(body["application/x-protobuf"])
        assert [p.stacks for p in otlp_profiles([message])][0] == pprof.read(TWO).stacks
        text = profiles.from_json(body["application/json"])
        assert text == message
    finally:
        taker.close()


def test_with_other_ways_every_row_balances(make_gate, backend, tmp_path):
    (tmp_path / "kept").mkdir()
    gate = exporting(make_gate, backend, directory=tmp_path / "kept")
    assert send(gate, upload({"cpu.pprof": TWO, "main.jfr": b"FLR\0"})).status == 200
    sent(gate, backend, 2)
    assert rows(gate)["exporters"][f"profiles.directory {tmp_path / 'kept'}"[:63]]["sent"] == 2
    assert rows(gate)["accepted"] == 2
    gate.stop()


def test_a_backend_that_is_away_and_one_that_refuses(make_gate, backend):
    gate = exporting(make_gate, backend)
    backend.refuse = [(grpc.StatusCode.UNAVAILABLE, "later"), (grpc.StatusCode.INVALID_ARGUMENT, "never")]
    for _ in range(2):
        assert send(gate, upload({"cpu.pprof": TWO})).status == 200
    gate._until(lambda: rows(gate)["exporters"]["backend"]["rejected"] == 1, "none is rejected")
    sent(gate, backend, 1)
    backend.answer.partial_success.rejected_profiles = 2
    backend.answer.partial_success.error_message = "both types"
    assert send(gate, upload({"cpu.pprof": TWO})).status == 200
    gate._until(lambda: rows(gate)["exporters"]["backend"]["rejected"] == 2, "the file counts once")
    gate.stop(check=False)


def test_the_disk_queue_keeps_profiles(make_gate, backend, tmp_path):
    endpoint = backend.endpoint
    backend.close()
    storage = {"storage": {"directory": tmp_path / "queue"}}
    gate = exporting(make_gate, backend, settings={**storage, "shutdown_timeout": "100ms"})
    assert send(gate, upload({"cpu.pprof": TWO})).status == 200
    gate.stop()
    assert gate.ledger.exporter("backend", "profiles")["left on disk"] == 1
    again = profiles.GrpcTaker()
    try:
        backend.endpoint = again.endpoint
        gate = exporting(make_gate, backend, settings=storage)
        gate._until(lambda: len(again.requests) == 1, "it is not sent after the start")
        assert otlp_profiles(again.requests)[0].stacks == pprof.read(TWO).stacks
    finally:
        again.close()
    assert endpoint


def test_mistakes(tmp_path):
    for exporter, words in (({"type": "otlp_grpc", "endpoint": "http://127.0.0.1:1"}, "no exporter's option signals names profiles"),
                            ({"type": "sls", "signals": ["profiles"]}, "sls cannot carry profiles")):
        path = tmp_path / "ddgate.conf"
        path.write_text(conf_text({"receivers": ({"type": "ddtrace", "profiles": {"otlp": True}},), "exporters": (exporter,)}))
        done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False)
        assert done.returncode == 2 and words in done.stderr, done.stderr


def test_profiles_go_to_none_that_does_not_name_them(make_gate, sink, backend):
    gate = make_gate(receiver={"profiles": {"otlp": True}}, exporters=[
        {"type": "otlp_grpc", "name": "traces", "endpoint": sink.endpoint},
        {"type": "otlp_grpc", "name": "backend", "endpoint": backend.endpoint, "signals": ["profiles"]}])
    assert send(gate, upload({"cpu.pprof": TWO})).status == 200
    sent(gate, backend, 1)
    assert rows(gate)["exporters"]["traces"]["not_asked"] == 1


def test_a_large_profile_takes_time_in_proportion(make_gate, backend):
    """Thousands of stacks, in a fraction of a second."""
    stacks = {("main", f"f{i % 997}", f"g{i}"): i + 1 for i in range(1_500)}
    gate = exporting(make_gate, backend)
    body = upload({"cpu.pprof": gzip.compress(pprof.make("cpu", stacks))})
    before = time.monotonic()
    assert send(gate, body).status == 200
    assert time.monotonic() - before < 5
    assert sent(gate, backend, 1)[0].stacks == stacks
