# SPDX-License-Identifier: Apache-2.0
"""What becomes of log lines end to end: they meet their traces in either order, scripts read them, and SIGHUP brings changed scripts."""
import datetime
import signal
import socket

import pytest

from ddgate import Ddgate, conf_value, free_port
from log_sink import LogSink
from payloads import trace, v04
from test_admin import pick, samples

LINE = "2026-11-21 00:35:39,530 ERROR [shop] [cart.py:7] [dd.service=shop dd.env=prod dd.version=2 dd.trace_id={} dd.span_id={}] - {}\n"


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


def gateway(directory, sink, port, settings=None, env=None, join_wait="60s", **options):
    ddtrace = {"type": "ddtrace", "listen": [f"127.0.0.1:{free_port()}"], "socket": ""}
    tcp = {"type": "tcp", "listen": [f"127.0.0.1:{port}"], "timezone": "UTC", **options}
    exporter = {"type": "otlp_grpc", "endpoint": sink.endpoint, "signals": ["logs"], "batch": {"delay": "5ms"}, "join_wait": join_wait}
    rows = {"receivers": (ddtrace, tcp), "exporters": (exporter,), "admin": {"listen": "127.0.0.1:0"}, **(settings or {})}
    gate = Ddgate(directory, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()), env=env)
    gate.traces = int(ddtrace["listen"][0].rsplit(":", 1)[1])
    gate.wait_listening()
    return gate


def say(port, *lines):
    with socket.create_connection(("127.0.0.1", port)) as s:
        s.sendall("".join(lines).encode())


def put_trace(gate, low):
    """Gives back its only span."""
    spans = trace(1, trace_id=low)
    spans[0]["meta"] = {**spans[0].get("meta", {}), "_dd.p.tid": "6b00e75b00000000"}
    gate.port = gate.traces
    assert gate.put("/v0.4/traces", v04(spans)).status == 200
    return spans[0]


@pytest.mark.parametrize("logs_first", [False, True])
def test_a_line_meets_its_trace(tmp_path, sink, logs_first):
    low, port = 2957432487331039760, free_port()
    with gateway(tmp_path, sink, port) as gate:
        if not logs_first:
            put_trace(gate, low)
        say(port, LINE.format(low, 7, "first"), LINE.format(0, 0, "no trace"), '{"dd":{"trace_id":%d,"span_id":"8","service":"shop"},"msg":"as JSON"}\n' % low)
        if logs_first:
            gate._until(lambda: pick(samples(gate), "ddgate_items_received_total", signal="logs") == 3, "the lines were not read")
            put_trace(gate, low)
        records = {r.body: r for r in sink.wait_records(3)}
    first = records["first"]
    assert (first.trace_id, first.span_id) == (f"6b00e75b00000000{low:016x}", "0000000000000007")
    assert (first.time, first.severity, first.severity_text, first.scope) == (1795221339530000000, 17, "ERROR", "shop")
    assert {k: first.resource[k] for k in ("service.name", "service.version", "deployment.environment.name")} == {
        "service.name": "shop", "service.version": "2", "deployment.environment.name": "prod"}
    assert (first.attributes["code.file.path"], first.attributes["code.line.number"]) == ("cart.py", 7)
    assert (records["no trace"].trace_id, records["no trace"].span_id) == ("", "")
    assert (records["as JSON"].trace_id, records["as JSON"].span_id) == (first.trace_id, "0000000000000008")


@pytest.mark.parametrize("on", [True, False])
def test_a_record_without_a_service_takes_its_spans(tmp_path, sink, on):
    low, port = 2957432487331039760, free_port()
    with gateway(tmp_path, sink, port, join_wait="1s", service="of the receiver", **({} if on else {"span_service": False})) as gate:
        span = put_trace(gate, low)
        line = f'{{"dd":{{"trace_id":"{low}","span_id":"{span["span_id"]}"}},"msg":"%s"%s}}\n'
        say(port, line % ("none", ""), line % ("own", ',"service":"its own"'), '{"dd":{"trace_id":"%d","span_id":"99"},"msg":"unknown"}\n' % low, "no trace\n")
        records = {r.body: r.resource["service.name"] for r in sink.wait_records(4)}
    assert records == {"none": span["service"] if on else "of the receiver", "own": "its own", "unknown": "of the receiver",
                       "no trace": "of the receiver"}


def test_a_record_that_comes_before_its_span_waits_for_its_service(tmp_path, sink):
    """As nearly all do: a line is written while its span is open. Records of several spans, in one request, each to two backends."""
    low, port, other = 2957432487331039760, free_port(), LogSink()
    wide = f"6b00e75b00000000{low:016x}"  # all of it is known: only the service is not
    second = {"type": "otlp_grpc", "name": "second", "endpoint": other.endpoint, "signals": ["logs"], "batch": {"delay": "5ms"}}
    with other, gateway(tmp_path, sink, port, settings={"exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "signals": ["logs"],
                                                                        "join_wait": "60s"}, {**second, "join_wait": "60s"})}) as gate:
        lines = [f'{{"trace_id":"{wide}","span_id":"{span}","msg":"{span}"}}\n' for span in (1, 2, 1, 3)]
        say(port, *lines, f'{{"trace_id":"{wide}","span_id":"4","service":"its own","msg":"4"}}\n')
        gate._until(lambda: pick(samples(gate), "ddgate_items_received_total", signal="logs") == 5, "the lines were not read")
        spans = [{**trace(1, trace_id=low)[0], "span_id": n, "service": f"{'long' * n * 9}-service-{n}"} for n in (1, 2, 3)]
        gate.port = gate.traces
        assert gate.put("/v0.4/traces", v04(spans)).status == 200
        for to in (sink, other):
            records = to.wait_records(5)
            assert sorted((r.body, r.resource["service.name"]) for r in records) == sorted(
                [(str(n), spans[n - 1]["service"]) for n in (1, 1, 2, 3)] + [("4", "its own")])
            assert {r.trace_id for r in records} == {wide}


@pytest.mark.parametrize(("tz", "option", "utc"), [
    ("CST-8", "", "2026-11-20T16:35:39Z"),  # POSIX strings, as containers have them
    ("<+08>-8", "", "2026-11-20T16:35:39Z"),
    ("EST5EDT,M3.2.0,M11.1.0", "", "2026-11-21T05:35:39Z"),
    ("Asia/Tokyo", "", "2026-11-20T15:35:39Z"),
    ("Asia/Tokyo", "CST-8", "2026-11-20T16:35:39Z"),
    ("Nowhere/Else", "", "2026-11-21T00:35:39Z"),
])
def test_times_that_do_not_say_their_zone(tmp_path, sink, tz, option, utc):
    port = free_port()
    with gateway(tmp_path, sink, port, env={"TZ": tz}, timezone=option) as gate:
        say(port, "2026-11-21 00:35:39 hello\n")
        assert sink.wait_records(1)[0].time == int(datetime.datetime.fromisoformat(utc.replace("Z", "+00:00")).timestamp()) * 10**9
    warnings = gate.stderr.count('TZ: warning: "Nowhere/Else" is not a time zone')
    assert warnings == (tz == "Nowhere/Else")


def test_a_zone_that_is_none_ends_the_start(tmp_path, sink):
    gate = Ddgate(tmp_path, conf='receivers = ( { type = "tcp"; listen = [ "127.0.0.1:0" ]; timezone = "CST"; } );')
    assert gate.process.wait(30) == 2
    assert 'timezone: "CST" is not a time zone' in gate.stderr


def test_scripts_and_their_reload(tmp_path, sink):
    scripts, port = tmp_path / "scripts", free_port()
    scripts.mkdir()
    (scripts / "app.p").write_text('grok(_, "%{WORD:verb} %{NUMBER:n:int}")\nif verb == "DROP" { drop() }\n')
    (scripts / "bad.p").write_text("add_key(a,\n")
    with gateway(tmp_path, sink, port, settings={"pipelines": {"directory": str(scripts)}}, source="app") as gate:
        gate.wait_stderr("bad.p:")
        say(port, "GET 7\n", "DROP 8\n", "PUT 9\n")
        records = sink.wait_records(2)
        assert [(r.body, r.attributes["verb"], r.attributes["n"], r.severity) for r in records] == [("GET 7", "GET", 7, 9), ("PUT 9", "PUT", 9, 9)]
        (scripts / "app.p").write_text('add_key(changed, true)\nadd_key(b, 1 + [])\n')
        gate.signal(signal.SIGHUP)
        gate._until(lambda: pick(samples(gate), "ddgate_config_reloads_total", result="done") == 1, "the scripts were not read")
        say(port, "GET 10\n")
        record = sink.wait_records(3)[2]
        assert (record.body, record.attributes["changed"]) == ("GET 10", True) and "verb" not in record.attributes
        gate.wait_stderr("app.p:2:")
        assert pick(samples(gate), "ddgate_pipeline_records_total", outcome="error") == 1
