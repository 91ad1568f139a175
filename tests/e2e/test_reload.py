# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: another configuration while it runs. Nothing acknowledged is lost, nothing is refused, connections live; a configuration with
mistakes changes nothing and says all of them."""
import http.client
import signal
import socket
import threading

import pytest
from certs import Authority
from ddgate import Ddgate, SANITIZED, conf_value, free_port, grpc
from http_sink import HttpSink, Status
from payloads import span, trace, v04
from sending import QUICK
from sinks import PATIENCE, Stall
from test_admin import assert_balanced, ledger, pick, samples


def rows_of(gate, receivers=None, exporters=(), **settings):
    ddtrace = {"type": "ddtrace", "listen": [f"127.0.0.1:{gate.port}"], "socket": ""}
    rows = {"receivers": tuple({**ddtrace, **r} for r in (receivers or [{}])), "exporters": tuple(exporters),
            "admin": {"listen": "127.0.0.1:0"}, **settings}
    return "".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items())


def replace(gate, text):
    """In one step: half a file could be read, and an empty one is a good one."""
    fresh = gate.directory / "fresh.conf"
    fresh.write_text(text)
    fresh.rename(gate.directory / "ddgate.conf")


def reload(gate, text=None, done=True, **rows):
    """Writes the file, sends SIGHUP, waits until it was read."""
    result = "done" if done else "refused"
    before = pick(samples(gate), "ddgate_config_reloads_total", result=result)
    replace(gate, text if text is not None else rows_of(gate, **rows))
    gate.signal(signal.SIGHUP)
    gate._until(lambda: pick(samples(gate), "ddgate_config_reloads_total", result=result) > before, f"no reload was {result}")


class Client(threading.Thread):
    """A tracer on one connection, until stop()."""

    def __init__(self, gate):
        super().__init__()
        self.gate, self.sent, self.statuses = gate, [], []
        self.connection = gate.connection()
        self.connection.connect()
        self.name_of_connection = self.connection.sock.getsockname()
        self.over, self.went_on = threading.Event(), 0
        self.start()

    def run(self):
        while not self.over.is_set():
            spans = trace(5)
            answer = self.gate.put("/v0.4/traces", v04(spans), connection=self.connection)
            self.statuses.append(answer.status)
            if answer.status == 200:
                self.sent += [f"{s['span_id']:016x}" for s in spans]

    def stop(self):
        self.over.set()
        self.join()
        assert self.connection.sock and self.connection.sock.getsockname() == self.name_of_connection, "the connection was closed"
        self.connection.close()
        assert set(self.statuses) == {200}
        return self.sent


def test_nothing_is_lost_or_refused_under_load(make_gate, make_sink):
    one, two, three = make_sink(), make_sink(), make_sink()
    gate = make_gate(exporters=[grpc(one, name="main", **QUICK)])
    clients = [Client(gate) for _ in range(3)]
    pictures = [
        [grpc(one, name="main", compression="none", **QUICK)],
        [grpc(two, name="main", **QUICK), grpc(three, name="extra", **QUICK)],
        [grpc(two, name="main", mode="both", **QUICK)],
        [grpc(three, name="extra", mode="datadog", **QUICK), grpc(one, name="main", **QUICK)],
    ]
    for i in range(4 if SANITIZED else 16):
        seen = [len(c.sent) for c in clients]
        gate._until(lambda: all(len(c.sent) > n for c, n in zip(clients, seen)), "the clients stand still")
        reload(gate, receivers=[{"max_body": f"{5 + i}MiB"}], exporters=pictures[i % 4])
        assert_balanced(ledger(gate))
    sent = [s for c in clients for s in c.stop()]
    gate.stop()
    arrived = [s.span_id for s in one.spans + two.spans]
    assert set(arrived) == set(sent), f"{len(set(sent) - set(arrived))} of {len(sent)} spans are missing"
    assert len(arrived) == len(sent), f"{len(arrived) - len(sent)} spans came twice"
    assert one.count() and two.count() and three.count()
    assert set(s.span_id for s in three.spans) <= set(sent)
    assert gate.ledger.exporter("main")["sent"] == len(sent)


def test_what_waits_for_a_dead_backend_goes_to_the_right_one(make_gate, make_sink):
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{free_port()}", **QUICK)])
    spans = [s for _ in range(10) for s in (lambda t: gate.put("/v0.4/traces", v04(t)).status == 200 and t)(trace(7))]
    gate.wait_stderr("takes nothing at the moment")
    sink = make_sink()
    reload(gate, exporters=[grpc(sink, **QUICK)])
    sink.wait_spans(70)
    gate.stop()
    assert {s.span_id for s in sink.spans} == {f"{s['span_id']:016x}" for s in spans} and sink.count() == 70
    assert gate.ledger.exporter()["sent"] == 70


def test_the_same_with_a_disk_queue(make_gate, make_sink, tmp_path):
    """… where most of it is only on the disk; and a name that is still at work is not given away."""
    storage = {"directory": str(tmp_path / "queue")}
    dead = dict(type="otlp_grpc", name="one", endpoint=f"http://127.0.0.1:{free_port()}", queue_size="1MiB", **QUICK)
    gate = make_gate(exporters=[dead], settings={"storage": storage})
    sent = [s for _ in range(30) for s in (lambda t: gate.put("/v0.4/traces", v04(t)).status == 200 and t)(
        trace(40, meta={"env": "test", "text": "x" * 2000}))]
    sink, other = make_sink(), make_sink()
    reload(gate, exporters=[grpc(other, name="two", **QUICK)], storage=storage)
    reload(gate, exporters=[grpc(sink, name="one", **QUICK)], storage=storage, done=False)
    gate.wait_stderr("one of the same name")
    gate.stop()
    gate = make_gate(exporters=[dead], settings={"storage": storage})
    gate.put("/v0.4/traces", v04(trace(5)))
    reload(gate, exporters=[grpc(sink, name="one", **QUICK)], storage=storage)
    sink.wait_spans(1205)
    gate.stop()
    assert {f"{s['span_id']:016x}" for s in sent} <= {s.span_id for s in sink.spans} and sink.count() == 1205


def test_a_backend_that_hangs_is_left_behind(make_gate, make_sink):
    """Its open request is given two seconds, then made at the new one."""
    hangs, sink = make_sink(), make_sink()
    hangs.script(Stall())
    gate = make_gate(exporters=[grpc(hangs, timeout="10m", **QUICK)])
    gate.put("/v0.4/traces", v04(trace(3)))
    hangs.wait(lambda s: s.requests, "a request")
    reload(gate, exporters=[grpc(sink, **QUICK)])
    sink.wait_spans(3)
    assert gate.put("/v0.4/traces", v04(trace(2))).status == 200
    sink.wait_spans(5)
    gate.stop()
    hangs.release()


def test_an_exporter_that_is_removed_delivers_what_it_holds(make_gate, make_sink):
    old, new = make_sink(), make_sink()
    old.script(Stall())
    gate = make_gate(exporters=[grpc(old, name="old", in_flight=1, **QUICK)])
    for _ in range(3):
        gate.put("/v0.4/traces", v04(trace(4)))
    old.wait(lambda s: s.requests, "a request")
    reload(gate, exporters=[grpc(new, name="new", **QUICK)])
    gate.put("/v0.4/traces", v04(trace(5)))
    new.wait_spans(5)
    old.release()
    old.wait_spans(12)
    gate._until(lambda: ledger(gate)["signals"]["traces"]["exporters"]["old"]["sent"] == 12, "the ledger does not say so")
    assert_balanced(ledger(gate))
    gate.stop()
    assert old.count() == 12 and new.count() == 5
    assert gate.ledger.exporter("old") == {"not asked": 5, "sent": 12}
    assert gate.ledger.exporter("new") == {"not asked": 12, "sent": 5}


def test_mistakes_change_nothing_and_are_all_said(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    connection = gate.connection()
    assert gate.put("/v0.4/traces", v04(trace(2)), connection=connection).status == 200
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    text = f"""receivers = (
  {{ type = "ddtrace"; listen = [ "127.0.0.1:{gate.port}", "127.0.0.1:{taken.getsockname()[1]}" ]; socket = ""; }}
);
exporters = ( {{ type = "otlp_grpc"; endpoint = "nowhere"; name = "other"; }},
  {{ type = "stdout"; }} );
admin = {{ listen = "127.0.0.1:0"; }};
"""
    reload(gate, text=text, done=False)
    gate.wait_stderr("nothing was changed")
    gate.wait_stderr("ddgate.conf:2: receivers[0].listen")
    gate.wait_stderr("ddgate.conf:4: exporters[0].endpoint")
    reload(gate, text=text.replace("type = \"stdout\"", "typo = \"stdout\"").replace("socket", "sockets"), done=False)
    gate.wait_stderr("ddgate.conf:2: receivers[0].sockets")
    gate.wait_stderr("ddgate.conf:5: exporters[1]")
    found = samples(gate)
    assert pick(found, "ddgate_config_last_reload_successful") == 0
    assert pick(found, "ddgate_config_reloads_total", result="refused") == 2
    assert gate.put("/v0.4/traces", v04(trace(3)), connection=connection).status == 200
    sink.wait_spans(5)
    assert gate.stdout == ""
    reload(gate, exporters=[grpc(sink, **QUICK)])
    assert pick(samples(gate), "ddgate_config_last_reload_successful") == 1
    connection.close()
    taken.close()


def test_a_file_that_is_gone_changes_nothing(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    (gate.directory / "ddgate.conf").unlink()
    gate.signal(signal.SIGHUP)
    gate.wait_stderr("nothing was changed")
    assert gate.put("/v0.4/traces", v04(trace(2))).status == 200
    sink.wait_spans(2)


def test_a_token_is_replaced(make_gate, sink):
    gate = make_gate(receiver={"auth": {"token": "first-token-0000000000000000000000"}}, exporters=[grpc(sink, **QUICK)])
    connection = gate.connection()

    def put(token):
        return gate.put("/v0.4/traces", v04(trace(1)), {"Content-Type": "application/msgpack", "X-Api-Key": token}, connection=connection).status
    assert put("first-token-0000000000000000000000") == 200
    reload(gate, receivers=[{"auth": {"token": "second-token-000000000000000000000"}}], exporters=[grpc(sink, **QUICK)])
    assert put("second-token-000000000000000000000") == 200
    assert gate.put("/v0.4/traces", v04(trace(1)), {"Content-Type": "application/msgpack", "X-Api-Key": "first-token-0000000000000000000000"}).status in (401, 403)
    sink.wait_spans(2)
    connection.close()


def test_an_upload_in_progress_is_finished(make_gate, sink):
    """… by the receiver that read its headers, though that was replaced; it is counted once, with its successor."""
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    body = v04(trace(20))
    with socket.create_connection(("127.0.0.1", gate.port)) as s:
        s.sendall(b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:100])
        gate._until(lambda: pick(samples(gate), "ddgate_http_requests_total", receiver="ddtrace") == 1, "the headers are not read")
        for _ in range(3):
            reload(gate, receivers=[{"keep_rejected": True}], exporters=[grpc(sink, **QUICK)])
        s.sendall(body[100:])
        response = http.client.HTTPResponse(s)
        response.begin()
        assert response.status == 200
    sink.wait_spans(20)
    assert pick(samples(gate), "ddgate_http_requests_total", receiver="ddtrace") == 1
    assert pick(samples(gate), "ddgate_ddtrace_payloads_total", receiver="ddtrace", format="v0.4") == 1


def test_options_of_a_receiver_change(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    unsampled = {"_sampling_priority_v1": -1}
    gate.put("/v0.4/traces", v04(trace(2, metrics=unsampled)))
    reload(gate, receivers=[{"keep_rejected": True, "resource": {"team": "blue"}}], exporters=[grpc(sink, **QUICK)])
    gate.put("/v0.4/traces", v04(trace(3, metrics=unsampled)))
    [*_] = sink.wait_spans(3)
    assert sink.count() == 3 and all(s.resource["team"] == "blue" for s in sink.spans)
    gate.stop()
    assert gate.ledger.intake()[("dropped", "sampled_out")] == 2


def test_listeners_come_and_go(make_gate, sink, tmp_path):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    second, path = free_port(), tmp_path / "second.sock"
    kept = gate.connection()
    assert gate.put("/v0.4/traces", v04(trace(1)), connection=kept).status == 200
    exporters = [grpc(sink, **QUICK)]
    reload(gate, receivers=[{"listen": [f"127.0.0.1:{gate.port}", f"127.0.0.1:{second}"], "socket": str(path)}], exporters=exporters)
    other = http.client.HTTPConnection("127.0.0.1", second, timeout=10)
    assert gate.put("/v0.4/traces", v04(trace(1)), connection=other).status == 200 and path.exists()
    reload(gate, receivers=[{}], exporters=exporters)
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", second), timeout=10)
    assert not path.exists()
    answer = gate.put("/v0.4/traces", v04(trace(1)), connection=other)  # its request is answered still, …
    assert answer.status == 200 and answer.headers["connection"].lower() == "close"
    assert gate.put("/v0.4/traces", v04(trace(1)), connection=kept).status == 200
    for _ in range(40):  # … and places of listeners are used again
        reload(gate, receivers=[{"listen": [f"127.0.0.1:{gate.port}", f"127.0.0.1:{free_port()}"]}], exporters=exporters)
    assert gate.put("/v0.4/traces", v04(trace(1)), connection=kept).status == 200
    sink.wait_spans(5)
    kept.close()


def test_a_receiver_that_is_removed_finishes_its_requests(make_gate, sink):
    """… and connections that have none are closed a little later."""
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    second = free_port()
    reload(gate, receivers=[{}, {"listen": [f"127.0.0.1:{second}"]}], exporters=[grpc(sink, **QUICK)])
    idle = socket.create_connection(("127.0.0.1", second))
    with socket.create_connection(("127.0.0.1", second)) as s:
        body = v04(trace(4))
        s.sendall(b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:3])
        gate._until(lambda: pick(samples(gate), "ddgate_http_requests_total", receiver="ddtrace/2") == 1, "the headers are not read")
        reload(gate, receivers=[{}], exporters=[grpc(sink, **QUICK)])
        s.sendall(body[3:])
        response = http.client.HTTPResponse(s)
        response.begin()
        assert response.status == 200 and response.headers["connection"].lower() == "close"
    idle.settimeout(PATIENCE)
    assert idle.recv(10) == b""
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    sink.wait_spans(5)


def test_the_log_level_changes(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    reload(gate, exporters=[grpc(sink, **QUICK)], log={"level": "debug"})
    assert " debug " not in gate.stderr
    reload(gate, receivers=[{"keep_rejected": True}], exporters=[grpc(sink, **QUICK)], log={"level": "debug"})
    gate.wait_stderr(" debug ")  # what the predecessor has counted


def test_what_only_a_start_changes_is_said(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    reload(gate, exporters=[grpc(sink, **QUICK)], max_memory="128MiB")
    gate.wait_stderr("max_memory: warning: is changed only by a restart")
    assert pick(samples(gate), "ddgate_memory_limit_bytes") == 96 << 20


def test_what_the_http_server_gets_at_a_start_alone_is_said(make_gate, sink):
    exporters = [grpc(sink, **QUICK)]
    gate = make_gate(receiver={"connections": 100}, exporters=exporters)
    reload(gate, receivers=[{"connections": 50}], exporters=exporters)
    assert "restart" not in gate.stderr  # fewer connections are no matter of a start
    reload(gate, receivers=[{"connections": 200, "idle_timeout": "3m", "threads": 3}], exporters=exporters)
    for option in ("connections", "idle_timeout", "threads"):
        gate.wait_stderr(f"receivers[0].{option}: warning: is changed only by a restart")
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    sink.wait_spans(1)


def test_stdout_changes_its_form(make_gate):
    gate = make_gate(exporters=[{"type": "stdout", "format": "otlp_json"}])
    gate.put("/v0.4/traces", v04([span(resource="first")]))
    gate.wait_stdout(lambda out: "resourceSpans" in out)
    reload(gate, exporters=[{"type": "stdout", "format": "pretty"}])
    gate.put("/v0.4/traces", v04([span(resource="second")]))
    gate.wait_stdout(lambda out: "second" in out)
    assert gate.stdout.count("resourceSpans") == 1


def test_certificates_of_an_exporter_are_read_again(make_gate, make_sink, authority, tmp_path):
    server = authority.issue("server")
    sink = make_sink(tls=(server.key, server.cert, None))
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Authority(tmp_path).cert)  # another one's
    exporters = [grpc(sink, tls={"ca": str(ca)}, **QUICK)]
    gate = make_gate(exporters=exporters)
    gate.put("/v0.4/traces", v04(trace(3)))
    gate.wait_stderr("takes nothing at the moment")
    ca.write_bytes(authority.cert)
    reload(gate, exporters=exporters)
    sink.wait_spans(3)


def test_reloads_in_a_hurry_and_a_stop_in_the_middle(tmp_path, make_sink):
    one, two = make_sink(), make_sink()
    gate = Ddgate(tmp_path, exporters=[grpc(one, **QUICK)])
    gate.wait_listening()
    texts = [rows_of(gate, exporters=[grpc(sink, **QUICK)]) for sink in (one, two)]
    sent = 0
    for i in range(40):
        replace(gate, texts[i % 2])
        gate.signal(signal.SIGHUP)
        assert gate.put("/v0.4/traces", v04(trace(2))).status == 200
        sent += 2
    gate.stop()
    assert one.count() + two.count() == sent


@pytest.mark.parametrize("text, reason", [("receivers = ( { type = ddtrace; } );\n", "1:24: syntax error: text stands in quotes"), ("log:\n  level: info\n", "is YAML"),
                                          ('log = { level = "loud"; };\n', 'log.level: "loud" is not one of')])
def test_of_a_broken_file_its_reason_is_said_and_nothing_else(make_gate, sink, text, reason):
    """Not what its defaults would change, nor addresses that only the defaults have."""
    gate = make_gate(exporters=[grpc(sink, **QUICK)], settings={"max_memory": "128MiB", "join": {"ttl": "5m"}, "storage": {"max_size": "1GiB"}})
    before = gate.stderr
    reload(gate, text=text, done=False)
    gate.wait_stderr("nothing was changed")
    said = [line for line in gate.stderr[len(before):].splitlines() if line and not line.startswith("  ")]
    assert len(said) == 2 and reason in said[0] and "start only" not in gate.stderr, gate.stderr


def test_components_that_do_not_change_are_kept(make_gate, make_sink, authority, tmp_path):
    """With certificates, and with a default socket whose folder is not there."""
    server = authority.issue("kept")
    sink = make_sink(tls=(server.key, server.cert, None))
    exporters = [grpc(sink, tls={"ca": str(authority.path)}, **QUICK)]
    port = free_port()
    more = {"tls": {"cert": str(server.cert_path), "key": str(server.key_path)}}
    text = (f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; }},\n'
            f'  {{ type = "http"; listen = [ "127.0.0.1:{free_port()}" ]; tls = {conf_value(more["tls"])}; }} );\n'
            f'exporters = {conf_value(tuple(exporters))};\nadmin = {{ listen = "127.0.0.1:0"; }};\n')
    gate = make_gate(conf=text, port=port)
    for _ in range(2):
        reload(gate, text=text)
    assert gate.stderr.count("exporters: 1 kept, 0 replaced, 0 added, 0 removed") == 2, gate.stderr
    assert gate.stderr.count("receivers: 2 kept, 0 replaced, 0 added, 0 removed") == 2, gate.stderr
    gate.put("/v0.4/traces", v04(trace(2)))
    sink.wait_spans(2)


def test_a_repaired_key_is_told_of(make_gate):
    backend = HttpSink()
    try:
        backend.script(Status(401))
        exporter = dict(type="otlp_http", endpoint=backend.endpoint, **{**QUICK, "retry": {"initial": "5m", "max": "5m"}})
        gate = make_gate(exporters=[dict(exporter, headers={"x-api-key": "wrong-one"})])
        gate.put("/v0.4/traces", v04(trace(2)))
        gate.wait_stderr("the backend refuses us")
        reload(gate, exporters=[dict(exporter, headers={"x-api-key": "right-one"})])
        gate.wait_stderr("the backend takes data again")
        backend.wait_spans(2)
    finally:
        backend.close()


@pytest.mark.parametrize("order", [1, -1])
def test_an_address_that_another_one_keeps_is_refused(make_gate, sink, order):
    """As at a start, whichever of the two stands first."""
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    at = {"listen": [f"127.0.0.1:{gate.port}"]}
    kept = {"type": "ddtrace", **at, "socket": ""}

    def again(*receivers, done=True):
        rows = {"receivers": receivers[::order], "exporters": (grpc(sink, **QUICK),), "admin": {"listen": "127.0.0.1:0"}}
        reload(gate, "".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items()), done=done)

    again(kept, {**kept, "max_body": "1MiB"}, done=False)
    gate.wait_stderr(f"receivers[1].listen: 127.0.0.1:{gate.port}: receivers[0], of the same type, listens there already")
    again(kept, {"type": "http", **at})  # they share it, by path
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    again(kept)
    again(kept, {"type": "tcp", **at}, done=False)
    gate.wait_stderr(f"127.0.0.1:{gate.port}")
    sink.wait_spans(1)
