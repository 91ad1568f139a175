# SPDX-License-Identifier: Apache-2.0
"""/api/flow, /api/flow/samples and /api/fleet of the real binary: against the ledger, with a backend that is away, one that refuses, and
clients of several kinds."""
import json
import os
import signal
import socket

import pytest
from ddgate import MSGPACK, free_port, grpc
from http_sink import Status
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from payloads import span, trace, v04
from sending import QUICK
from sinks import PATIENCE

BRIEF = {"shutdown_timeout": "100ms"}  # what a dead backend does not take is lost
PYTHON = {**MSGPACK, "Datadog-Meta-Lang": "python", "Datadog-Meta-Lang-Version": "3.11.7", "Datadog-Meta-Tracer-Version": "1.6.4"}


def api(gate, path, status=200):
    answer = gate.admin(path)
    assert answer.status == status and answer.type == "application/json", answer
    return json.loads(answer.body)


def wait(gate, condition, complaint, timeout=PATIENCE):
    gate._until(condition, complaint, timeout)  # pylint: disable=protected-access


def exporter(gate, name):
    return next(x for x in api(gate, "/api/flow")["exporters"] if x["name"] == name)


def test_the_funnel_is_the_ledger(gate):
    assert gate.put("/v0.4/traces", v04(trace(7), [span(trace_id=0, meta={})]), PYTHON).status == 200
    wait(gate, lambda: sum(x["sent"] for x in api(gate, "/api/flow")["signals"]["traces"]["exporters"].values()) == 7, "7 spans are not sent")
    flow, ledger = api(gate, "/api/flow"), json.loads(gate.admin("/ledger").body)
    for name, book in ledger["signals"].items():
        shown = flow["signals"][name]
        assert {k: shown[k] for k in ("received", "refused", "dropped", "accepted")} == \
            {k: book[k] for k in ("received", "refused", "dropped", "accepted")}
        for exporter_name, places in shown["exporters"].items():
            assert places == book["exporters"][exporter_name]
    traces = flow["signals"]["traces"]
    assert (traces["received"], traces["refused"], traces["accepted"]) == (8, {"zero_trace_id": 1}, 7)
    assert 0 < flow["memory"]["used"] < flow["memory"]["limit"] and flow["bytes_received"] > 1000
    assert int(flow["started"]) <= int(flow["time"])
    [x] = flow["exporters"]
    assert (x["state"], x["last_error"], x["empty_in"], x["disk"]) == ("ok", "", 0, None)
    assert 0 < x["latency"]["p50"] <= x["latency"]["p99"] and x["per_second"] > 0


def test_a_backend_that_is_away_is_down_and_says_why(make_gate):
    gate = make_gate(exporters=[dict(type="otlp_http", name="away", endpoint=f"http://127.0.0.1:{free_port()}",
                                     batch={"delay": "0s"})], settings=BRIEF)
    gate.put("/v0.4/traces", v04(trace(5)), PYTHON)
    wait(gate, lambda: exporter(gate, "away")["state"] == "down", "the exporter is not down")
    x = exporter(gate, "away")
    assert "connect" in x["last_error"].lower() and int(x["last_error_time"]) > 0
    assert x["queue"]["items"] == 5 and x["queue"]["bytes"] > 0 and x["queue"]["limit_bytes"] == 64 << 20
    assert x["empty_in"] is None and x["latency"] is None
    wait(gate, lambda: exporter(gate, "away")["oldest"] > 0, "nothing gets older")
    gate.stop(check=False)


def test_what_a_backend_rejects_is_kept_with_its_words(make_gate, make_http_sink):
    sink = make_http_sink()
    sink.script(Status(400, {"Content-Type": "text/plain"}, b"the project does not exist"))
    gate = make_gate(exporters=[dict(type="otlp_http", name="strict", endpoint=sink.endpoint, **QUICK)], settings=BRIEF)
    gate.put("/v0.4/traces", v04(trace(3)), PYTHON)
    wait(gate, lambda: api(gate, "/api/flow/samples?reason=rejected")["samples"], "there is no sample")
    [sample] = api(gate, "/api/flow/samples?reason=rejected")["samples"]
    assert (sample["exporter"], sample["receiver"], sample["signal"], sample["items"]) == ("strict", "", "traces", 3)
    assert "the project does not exist" in sample["text"]
    gate.stop(check=False)


def test_samples_say_who_and_why(gate):
    body = v04(trace(2))
    assert gate.put("/v0.4/traces", body + b"more", {**PYTHON, "X-Datadog-Trace-Count": "1"}).status == 400
    [sample] = api(gate, "/api/flow/samples?reason=bad_payload")["samples"]
    assert (sample["receiver"], sample["client"], sample["items"], sample["signal"]) == ("ddtrace", "python 1.6.4", 2, "traces")
    assert "bytes follow the payload" in sample["text"] and int(sample["time"]) > 0
    for k in range(25):
        gate.put("/v0.4/traces", v04([span(trace_id=0, meta={})] * (k + 1)), PYTHON)
    samples = api(gate, "/api/flow/samples?reason=zero_trace_id")["samples"]
    assert [s["items"] for s in samples] == list(range(25, 5, -1))
    assert api(gate, "/api/flow/samples?reason=queue_full")["samples"] == []
    assert "no such reason" in api(gate, "/api/flow/samples?reason=nonsense", 400)["error"]
    assert "no such reason" in api(gate, "/api/flow/samples", 400)["error"]


def test_a_full_queue_names_the_exporter(make_gate):
    gate = make_gate(exporters=[dict(type="otlp_http", name="away", endpoint=f"http://127.0.0.1:{free_port()}", queue_size="1MiB")], settings=BRIEF)
    big = v04(trace(40, meta={"text": os.urandom(4000).hex()}))
    answers = [gate.put("/v0.4/traces", big, PYTHON).status for _ in range(12)]
    assert answers[-1] == 429
    [sample, *_] = api(gate, "/api/flow/samples?reason=queue_full")["samples"]
    assert "the queue of exporter away is full" in sample["text"] and sample["client"] == "python 1.6.4" and sample["items"] == 40
    assert exporter(gate, "away")["queue"]["refusing"] is True
    gate.stop(check=False)


def test_the_last_hour_has_steps(gate):
    gate.put("/v0.4/traces", v04(trace(9)), PYTHON)
    wait(gate, lambda: "traces.received" in api(gate, "/api/flow")["history"]["series"], "no step ended", timeout=20)
    history = api(gate, "/api/flow")["history"]
    assert (history["step"], history["points"]) == (10_000_000_000, 360)
    assert {len(points) for points in history["series"].values()} == {360}
    for name in ("traces.received", "traces.accepted"):
        assert sum(filter(None, history["series"][name])) == 9 and history["series"][name][0] is None
    assert sum(filter(None, history["series"]["bytes.received"])) > 1000
    assert 0 <= int(api(gate, "/api/flow")["time"]) - int(history["end"]) < 11e9


def clients(gate):
    return {(c["language"], c["version"], c["service"]): c for c in api(gate, "/api/fleet")["clients"]}


def test_the_fleet_has_who_sends_spans(gate):
    gate.put("/v0.4/traces", v04(trace(4, meta={"env": "prod", "_dd.p.tid": "64f0a1b200000000"}),
                                 [span(service="postgres", meta={"_dd.base_service": "shop"})]),
             {**PYTHON, "Datadog-Container-ID": "c" * 64})
    gate.put("/telemetry/proxy/api/v2/apmtelemetry", b"{}",
             {"DD-Client-Library-Language": "python", "DD-Client-Library-Version": "1.6.4", "Content-Type": "application/json"})
    [(key, client)] = clients(gate).items()
    assert key == ("python", "1.6.4", "shop")
    assert (client["language_version"], client["env"], client["container"], client["protocol"], client["transport"]) == \
        ("3.11.7", "prod", "c" * 64, "v0.4", "tcp")
    assert client["spans"] == 5 and client["spans_per_second"] > 0 and client["sends"] == ["telemetry"]
    assert int(client["first_seen"]) <= int(client["last_seen"])
    assert [w["id"] for w in client["warnings"]] == ["ids_of_64_bits", "negative_trace_ids"]


def test_versions_that_are_well_have_no_warnings(gate):
    for language, version in (("python", "1.16.0"), ("nodejs", "5.78.0"), ("ruby", "2.2.0"), ("go", "v2.12.0"), ("nodejs", "5.76.0")):
        gate.put("/v0.4/traces", v04(trace(1)), {**MSGPACK, "Datadog-Meta-Lang": language, "Datadog-Meta-Tracer-Version": version})
    found = {(lang, version): [w["id"] for w in c["warnings"]] for (lang, version, _), c in clients(gate).items()}
    assert found == {("python", "1.16.0"): [], ("nodejs", "5.78.0"): [], ("ruby", "2.2.0"): [], ("go", "v2.12.0"): [],
                     ("nodejs", "5.76.0"): ["partial_flush_splits_ids"]}


def test_profiles_that_nobody_keeps_are_a_warning(gate):
    gate.put("/v0.4/traces", v04(trace(1)), {**MSGPACK, "Datadog-Meta-Lang": "go", "Datadog-Meta-Tracer-Version": "v2.12.0"})
    gate.request("POST", "/profiling/v1/input", b"--x--", {"Content-Type": "multipart/form-data; boundary=x", "Datadog-Meta-Lang": "go"})
    [client] = clients(gate).values()
    assert client["sends"] == ["profiles"] and [w["id"] for w in client["warnings"]] == ["profiles_dropped"]


def otlp_request(*services):
    request = trace_service_pb2.ExportTraceServiceRequest()
    for service, spans in services:
        rs = request.resource_spans.add()
        for key, value in {"service.name": service, "telemetry.sdk.language": "java", "telemetry.sdk.name": "opentelemetry",
                           "telemetry.sdk.version": "1.49.0", "host.name": "h1", "deployment.environment.name": "prod"}.items():
            a = rs.resource.attributes.add()
            a.key, a.value.string_value = key, value
        scope = rs.scope_spans.add()
        for _ in range(spans):
            scope.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="op", start_time_unix_nano=1, end_time_unix_nano=2)
    return request


def test_the_fleet_has_sdks_and_dogstatsd(make_gate, sink):
    otlp, statsd = free_port(), free_port()
    gate = make_gate(conf=f"""
        receivers = ( {{ type = "otlp"; http = [ "127.0.0.1:{otlp}" ]; grpc = []; }},
                      {{ type = "dogstatsd"; listen = [ "127.0.0.1:{statsd}" ]; socket = ""; }} );
        exporters = ( {{ type = "otlp_grpc"; endpoint = "{sink.endpoint}"; signals = [ "traces" ]; }} );
        admin = {{ listen = "127.0.0.1:0"; }};""")
    gate.port = otlp
    body = otlp_request(("a", 3), ("b", 2)).SerializeToString()
    answer = gate.request("POST", "/v1/traces", body, {"Content-Type": "application/x-protobuf"})
    assert answer.status == 200
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"page.views:1|c\ndatadog.dogstatsd.client.metrics:3|c|#client:py,client_version:0.44.0,client_transport:udp", ("127.0.0.1", statsd))
    wait(gate, lambda: len(clients(gate)) == 3, "not all clients are there")
    found = clients(gate)
    a = found["java", "1.49.0", "a"]
    assert (a["protocol"], a["spans"], a["host"], a["env"]) == ("http/protobuf", 3, "h1", "prod") and found["java", "1.49.0", "b"]["spans"] == 2
    assert a["warnings"] == []
    assert (found["python", "0.44.0", ""]["protocol"], found["python", "0.44.0", ""]["transport"]) == ("dogstatsd", "udp")


@pytest.mark.parametrize("text", ["</script><img src=x onerror=alert(1)>", "\x1b[2J\x07", "‮evil", "a\x00b", "\ud800", "x" * 5000])
def test_hostile_names_are_inert(gate, text):
    gate.put("/v0.4/traces", v04([span(service=text.encode("utf-8", "replace").decode())]),
             {**MSGPACK, "Datadog-Meta-Lang": "go", "Datadog-Meta-Tracer-Version": "1</script>"})
    body = gate.admin("/api/fleet").body
    assert json.loads(body)["clients"][0]["language"] == "go"
    assert not [c for c in body.decode() if ord(c) < 32 and c != "\n" or c in "<>\u202e\x7f"]


def test_a_reload_keeps_history_and_fleet(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, name="one", **QUICK)])
    gate.put("/v0.4/traces", v04(trace(4)), PYTHON)
    sink.wait_spans(4)
    path = gate.directory / "ddgate.conf"
    path.write_text(path.read_text().replace('batch = {', 'timeout = "9s"; batch = {'))
    gate.signal(signal.SIGHUP)
    wait(gate, lambda: b'ddgate_config_reloads_total{result="done"} 1' in gate.admin("/metrics").body, "it was not read again")
    gate.put("/v0.4/traces", v04(trace(2)), PYTHON)
    sink.wait_spans(6)
    wait(gate, lambda: exporter(gate, "one") and api(gate, "/api/flow")["signals"]["traces"]["exporters"]["one"]["sent"] == 6, "6 are not sent")
    assert clients(gate)["python", "1.6.4", "shop"]["spans"] == 6
