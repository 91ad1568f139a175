# SPDX-License-Identifier: Apache-2.0
"""What is seen from outside: /healthz, /readyz, /metrics, /ledger. Metrics are read by Prometheus' own parser, and by promtool where it
is installed."""
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess

import pytest
from ddgate import Ddgate, free_port, grpc
from payloads import span, trace, v04
from prometheus_client.parser import text_string_to_metric_families
from sending import QUICK
from sinks import PATIENCE, Stall

TINY = {"queue_size": "1MiB", "in_flight": 1, "batch": {"delay": "0s", "bytes": "1KiB"}}


def samples(gate):
    """{(name, frozenset of labels): value}"""
    answer = gate.admin("/metrics")
    assert answer.status == 200 and answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return {(s.name, frozenset(s.labels.items())): s.value
            for family in text_string_to_metric_families(answer.body.decode()) for s in family.samples}


def pick(found, name, **labels):
    return found.get((name, frozenset(labels.items())), 0)


def ledger(gate):
    answer = gate.admin("/ledger")
    assert answer.status == 200 and answer.type == "application/json"
    return json.loads(answer.body)


def assert_balanced(book):
    assert book["balanced"] is True
    for signal_name, s in book["signals"].items():
        assert s["received"] == s["accepted"] + sum(s["refused"].values()) + sum(s["dropped"].values()), signal_name
        for exporter in s["exporters"].values():
            gone = sum(exporter[k] for k in ("queued", "in_process", "sent", "rejected", "set_aside", "stored")) + sum(exporter["dropped"].values())
            assert exporter["accepted"] + exporter["recovered"] == gone and exporter["accepted"] + exporter["not_asked"] == s["accepted"], exporter


def big(n=40):
    """A payload of about 100 kB of spans that cannot be compressed away: the queue counts bytes."""
    return v04(trace(n, meta={"env": "test", "text": os.urandom(1200).hex()}))


def test_health_and_readiness(gate):
    assert (gate.admin("/healthz").status, gate.admin("/healthz").body) == (200, b"ok\n")
    assert (gate.admin("/readyz").status, gate.admin("/readyz").body) == (200, b"ready\n")


def test_not_ready_while_a_queue_refuses(make_gate, sink):
    sink.script(Stall())
    gate = make_gate(exporters=[grpc(sink, **TINY)])
    taken = 0
    while (status := gate.put("/v0.4/traces", big()).status) == 200:
        taken += 40
        assert taken < 4000
    assert status == 429
    answer = gate.admin("/readyz")
    assert answer.status == 503 and b"the queue of exporter otlp_grpc is full" in answer.body
    found = samples(gate)
    assert pick(found, "ddgate_ready") == 0 and pick(found, "ddgate_queue_refusing", exporter="otlp_grpc") == 1
    assert pick(found, "ddgate_queue_bytes", exporter="otlp_grpc") <= pick(found, "ddgate_queue_capacity_bytes", exporter="otlp_grpc") == 1 << 20
    assert pick(found, "ddgate_exporter_requests_open", exporter="otlp_grpc") == 1
    assert gate.admin("/healthz").status == 200
    assert_balanced(ledger(gate))
    sink.release()
    gate._until(lambda: gate.admin("/readyz").status == 200, "/readyz did not come back")
    sink.wait_spans(taken)
    assert pick(samples(gate), "ddgate_queue_refusing", exporter="otlp_grpc") == 0


def test_not_ready_while_stopping(make_gate, sink):
    sink.script(Stall())
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    gate.put("/v0.4/traces", v04(trace(3)))
    sink.wait(lambda s: s.requests, "a request")
    port = gate.admin_port
    gate.signal(signal.SIGTERM)
    gate.wait_stderr("stopping")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    gate._until(lambda: gate.request("GET", "/readyz", connection=connection).status == 503, "/readyz still says ready")
    answer = gate.request("GET", "/readyz", connection=connection)
    assert answer.body == b"stopping\n"
    assert gate.request("GET", "/metrics", connection=connection).status == 200
    sink.release()
    connection.close()
    assert gate.process.wait(PATIENCE) == 0  # a second SIGTERM would end its patience


def test_metrics_say_what_the_ledger_says(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    kept, dropped = trace(5), trace(4, metrics={"_sampling_priority_v1": -1})
    assert gate.put("/v0.4/traces", v04(kept, dropped)).status == 200
    assert gate.put("/v0.4/traces", v04([span(trace_id=0, meta={})])).status == 200
    assert gate.put("/v0.4/traces", b"\xc1nonsense").status == 400
    assert gate.put("/nowhere", b"").status == 404
    sink.wait_spans(5)
    gate._until(lambda: ledger(gate)["signals"]["traces"]["exporters"]["otlp_grpc"]["sent"] == 5, "the ledger does not say sent")
    book, found = ledger(gate)["signals"]["traces"], samples(gate)
    assert book["refused"]["zero_trace_id"] == 1 and book["dropped"] == {"sampled_out": 4}
    for key in ("received", "accepted"):
        assert pick(found, f"ddgate_items_{key}_total", signal="traces") == book[key]
    for kind in ("refused", "dropped"):
        for reason, n in book[kind].items():
            assert pick(found, f"ddgate_items_{kind}_total", signal="traces", reason=reason) == n
    exporter = book["exporters"]["otlp_grpc"]
    labels = dict(exporter="otlp_grpc", signal="traces")
    for key in ("accepted", "sent", "rejected", "set_aside"):
        assert pick(found, f"ddgate_exporter_items_{key}_total", **labels) == exporter[key]
    for key in ("queued", "in_process"):
        assert pick(found, f"ddgate_exporter_items_{key}", **labels) == exporter[key] == 0
    for status, n in (("200", 2), ("400", 1), ("404", 1)):
        assert pick(found, "ddgate_http_answers_total", receiver="ddtrace", status=status) == n
    assert pick(found, "ddgate_http_received_bytes_total", receiver="ddtrace") > 500
    assert pick(found, "ddgate_ddtrace_payloads_total", receiver="ddtrace", format="v0.4") == 3
    assert pick(found, "ddgate_ledger_balanced") == 1


def test_metrics_of_the_process(gate):
    found = samples(gate)
    proc = f"/proc/{gate.process.pid}"
    resident = int(open(f"{proc}/statm", encoding="ascii").read().split()[1]) * os.sysconf("SC_PAGESIZE")
    assert 0.5 < pick(found, "process_resident_memory_bytes") / resident < 2
    assert abs(pick(found, "process_open_fds") - len(os.listdir(f"{proc}/fd"))) <= 2
    started = os.stat(proc).st_mtime
    assert abs(pick(found, "process_start_time_seconds") - started) < 60
    assert pick(found, "process_cpu_seconds_total") < 60
    assert pick(found, "ddgate_memory_limit_bytes") == 96 << 20
    [version] = [dict(labels)["version"] for name, labels in found if name == "ddgate_build_info"]
    assert version in gate.stderr


def lint(text):
    """promtool's rules (promlint), as far as they can be broken by one who adds a row."""
    seen = []
    for family in text_string_to_metric_families(text):
        assert family.documentation, f"{family.name}: no help text"
        assert family.type in ("counter", "gauge"), f"{family.name}: {family.type}"
        assert family.name not in seen, f"{family.name} stands in two places"
        seen.append(family.name)
        for word in ("counter", "gauge", "_ms", "_milliseconds", "_kib", "_mib"):
            assert word not in family.name, f"{family.name}: {word}"
        labels = [(s.name, frozenset(s.labels.items())) for s in family.samples]
        assert len(labels) == len(set(labels)), f"{family.name}: a sample stands there twice"
        for s in family.samples:
            assert s.name.endswith("_total") == (family.type == "counter"), s.name
            assert s.name == s.name.lower() and ":" not in s.name
    return seen


def test_metrics_pass_the_linter(gate, sink):
    gate.put("/v0.4/traces", v04(trace(3)))
    sink.wait_spans(3)
    text = gate.admin("/metrics").body.decode()
    assert len(lint(text)) > 40
    if promtool := shutil.which("promtool"):
        done = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_metric_is_in_the_reference(gate):
    page = open(os.path.join(os.path.dirname(__file__), "../../docs/reference/metrics.md"), encoding="utf-8").read()
    for name, _ in samples(gate):
        assert f"`{name}`" in page, name


def test_only_looking_is_possible(gate):
    assert gate.admin("/metrics/x").status == 404 and gate.admin("/v0.4/traces").status == 404
    for method in ("POST", "PUT", "DELETE"):
        answer = gate.admin("/metrics", method=method, body=b"x" * 100)
        assert answer.status == 405 and answer.headers["allow"] == "GET, HEAD"
    answer = gate.admin("/ledger", method="HEAD")
    assert answer.status == 200 and answer.body == b"" and int(answer.headers["content-length"]) > 100
    assert gate.admin("/ledger", headers={"Sec-Fetch-Site": "cross-site"}).status == 403


def test_connections_are_kept_and_bounded(gate):
    connection = http.client.HTTPConnection("127.0.0.1", gate.admin_port, timeout=10)
    for _ in range(5):
        assert gate.request("GET", "/metrics", connection=connection).status == 200
    assert connection.sock, "the connection was closed"
    others = [socket.create_connection(("127.0.0.1", gate.admin_port)) for _ in range(100)]
    assert gate.request("GET", "/healthz", connection=connection).status == 200
    assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
    for other in others:
        other.close()
    connection.close()


def test_no_secret_is_shown(make_gate, sink):
    gate = make_gate(receiver={"auth": {"token": "t0ken-of-the-receiver"}},
                     exporters=[grpc(sink, headers={"authorization": "Bearer s3cr3t-value"}, **QUICK)])
    headers = {"Content-Type": "application/msgpack", "DD-API-KEY": "t0ken-of-the-receiver"}
    assert gate.put("/v0.4/traces", v04(trace(2)), headers).status == 200
    sink.wait_spans(2)
    for page in ("/healthz", "/readyz", "/metrics", "/ledger"):
        body = gate.admin(page).body
        assert b"s3cr3t" not in body and b"t0ken" not in body


@pytest.mark.parametrize("listen", ["", "default"])
def test_it_may_be_off_or_taken(make_gate, listen):
    """The default port is best effort: another process that has it costs the page and a warning, not the start."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 8127))
            holder.listen()
        except OSError:
            pass  # somebody has it already
        gate = make_gate(settings={"admin": {} if listen == "default" else {"listen": listen}})
        assert ("so there is no /metrics here" in gate.stderr) == (listen == "default")
        assert 'admin "listening' not in gate.stderr


def test_a_port_that_was_asked_for_must_be_had(tmp_path):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        gate = Ddgate(tmp_path, settings={"admin": {"listen": f"127.0.0.1:{holder.getsockname()[1]}"}}, port=free_port())
        assert gate.process.wait(30) == 2
        assert "admin.listen" in gate.stderr


def test_a_unix_socket_and_every_address(make_gate, tmp_path):
    path = tmp_path / "admin.sock"
    make_gate(settings={"admin": {"listen": str(path)}})
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(path))
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200")
    assert make_gate(settings={"admin": {"listen": ":0"}}).admin("/healthz").status == 200


def test_it_answers_while_the_receivers_are_stuck(make_gate, sink):
    """Every worker in the middle of a body that does not come."""
    gate = make_gate(receiver={"threads": 1}, exporters=[grpc(sink, **QUICK)])
    stuck = [socket.create_connection(("127.0.0.1", gate.port)) for _ in range(20)]
    for s in stuck:
        s.sendall(b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: 1000000\r\n\r\n\x91")
    assert gate.admin("/healthz").status == 200
    gate._until(lambda: pick(samples(gate), "ddgate_http_connections") >= 20, "the connections are not seen")
    for s in stuck:
        s.close()


def test_slow_connections_block_nobody(make_gate, sink):
    """A hundred connections of which some send nothing and some a byte now and then: who asks is answered at once."""
    gate = make_gate(exporters=[grpc(sink)])
    held = []
    for i in range(100):
        held.append(socket.create_connection(("127.0.0.1", gate.admin_port), timeout=5))
        if i % 2:
            held[-1].sendall(b"GET /healthz HTTP/1.1\r\nX: ")
        if i % 10 == 0:
            for connection in held[-20:]:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
            assert gate.admin("/healthz").status == 200
    for connection in held:
        connection.close()
    assert gate.admin("/healthz").status == 200
