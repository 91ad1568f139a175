# SPDX-License-Identifier: Apache-2.0
"""SIGHUP over and over between four configurations, under load on shared addresses, plain and TLS: every request is answered 200, what was
answered arrives once, counters only grow and end exact, and no connection is closed."""
import http.client
import json
import signal
import ssl
import threading

from ddgate import MSGPACK, PATIENCE, Ddgate, conf_value, free_port, grpc
from log_sink import LogSink
from payloads import trace, v04
from sending import QUICK
from test_admin import assert_balanced, ledger, pick, samples
from test_reload import replace

RELOADS = 52
RECEIVERS = ("ddtrace", "ddtrace/2", "http", "http/2")


class Load(threading.Thread):
    """One kept connection, request after request, until stop(). `spans`: traces, else logs."""

    def __init__(self, gate, name, port, spans, authority=None):
        super().__init__(name=name)
        self.gate, self.spans, self.sent, self.answers = gate, spans, [], []
        if authority:
            self.connection = http.client.HTTPSConnection("localhost", port, timeout=PATIENCE,
                                                          context=ssl.create_default_context(cafile=authority.path))
        else:
            self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.connection.connect()
        self.own_port = self.connection.sock.getsockname()[1]
        self.over = threading.Event()
        self.start()

    def _traces(self):
        spans = trace(3)
        answer = self.gate.request("PUT", "/v0.4/traces", v04(spans), MSGPACK, connection=self.connection)
        return answer, [f"{s['span_id']:016x}" for s in spans]

    def _logs(self):
        bodies = [f"{self.name} {len(self.answers)} {i}" for i in range(3)]
        answer = self.gate.request("POST", "/v1/write/logstreaming", "\n".join(bodies).encode(), connection=self.connection)
        return answer, bodies

    def run(self):
        while not self.over.is_set():
            answer, ids = self._traces() if self.spans else self._logs()
            self.answers.append((answer.status, answer.headers.get("connection")))
            self.sent += ids

    def stop(self):
        self.over.set()
        self.join(PATIENCE)
        assert set(self.answers) == {(200, None)}, f"{self.name}: {set(self.answers)}"
        assert self.connection.sock and self.connection.sock.getsockname()[1] == self.own_port, f"{self.name}: the connection was closed"
        self.connection.close()


class Storm:
    def __init__(self, tmp_path, authority, sinks, logs):
        server = authority.issue("server")
        self.tls = {"cert": str(server.cert_path), "key": str(server.key_path)}
        self.plain_port, self.tls_port = free_port(), free_port()
        self.sinks, self.logs = sinks, logs
        self.gate = Ddgate(tmp_path, conf=self.conf(0), port=self.plain_port)
        self.gate.wait_listening()
        self.counted = 0

    def receivers(self, i):
        """Options that change with every configuration, with every other, and never; an address that comes and goes."""
        plain, secure = [f"127.0.0.1:{self.plain_port}"], [f"127.0.0.1:{self.tls_port}"]
        more = ["127.0.0.2:0"] if i == 2 else []
        return ({"type": "ddtrace", "listen": plain + more, "socket": "", "resource": {"picture": str(i)}},
                {"type": "ddtrace", "listen": secure, "socket": "", "tls": self.tls, "keep_rejected": i % 2 == 0},
                {"type": "http", "listen": plain},
                {"type": "http", "listen": secure, "tls": self.tls, "tags": {"picture": str(i)}})

    def exporters(self, i):
        one, two = self.sinks
        traces = [grpc(one, name="traces", signals=["traces"], **QUICK),
                  grpc(two, name="traces", signals=["traces"], **QUICK),
                  grpc(two, name="traces", signals=["traces"], mode="both", **QUICK),
                  grpc(one, name="traces", signals=["traces"], compression="none", **QUICK)][i]
        logs = dict(type="otlp_grpc", endpoint=self.logs.endpoint, name="logs", signals=["logs"], in_flight=1 + i // 2, **QUICK)
        extra = {"type": "blackhole", "name": "extra"}
        return (traces, logs, extra) if i % 2 else (logs, traces)

    def conf(self, i):
        rows = {"receivers": self.receivers(i), "exporters": self.exporters(i), "admin": {"listen": "127.0.0.1:0"}}
        return "".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items())

    def requests(self):
        found = samples(self.gate)
        return sum(pick(found, "ddgate_http_requests_total", receiver=name) for name in RECEIVERS)

    def reload(self, i):
        done = pick(samples(self.gate), "ddgate_config_reloads_total", result="done")
        replace(self.gate, self.conf(i))
        self.gate.signal(signal.SIGHUP)
        self.gate._until(lambda: pick(samples(self.gate), "ddgate_config_reloads_total", result="done") > done, "no reload was done")
        counted = self.requests()
        assert counted >= self.counted, "a counter went back"
        self.counted = counted


def test_a_storm_of_reloads(tmp_path, authority, make_sink):
    sinks = make_sink(), make_sink()
    with LogSink() as logs:
        storm = Storm(tmp_path, authority, sinks, logs)
        gate = storm.gate
        loads = [Load(gate, "plain traces", storm.plain_port, True), Load(gate, "more traces", storm.plain_port, True),
                 Load(gate, "tls traces", storm.tls_port, True, authority), Load(gate, "plain logs", storm.plain_port, False),
                 Load(gate, "tls logs", storm.tls_port, False, authority)]
        try:
            for i in range(RELOADS):
                seen = [len(load.answers) for load in loads]
                storm.reload(i % 4)
                gate._until(lambda: all(len(load.answers) > n or not load.is_alive() for load, n in zip(loads, seen)), "a client stands still")
                assert all(load.is_alive() for load in loads)
            assert_balanced(ledger(gate))
        finally:
            for load in loads:
                load.over.set()
        for load in loads:
            load.stop()
        assert storm.requests() == sum(len(load.answers) for load in loads)
        gate.stop()
        check(gate, loads, sinks, logs)


def check(gate, loads, sinks, logs):
    spans = [s for load in loads if load.spans for s in load.sent]
    lines = [s for load in loads if not load.spans for s in load.sent]
    arrived = [s.span_id for sink in sinks for s in sink.spans]
    assert set(arrived) == set(spans), f"{len(set(spans) - set(arrived))} of {len(spans)} spans are missing"
    assert len(arrived) == len(spans), f"{len(arrived) - len(spans)} spans came twice"
    assert sorted(logs.bodies) == sorted(lines)
    assert gate.ledger.exporter("traces")["sent"] == len(spans)
    assert gate.ledger.exporter("logs", "logs")["sent"] == len(lines)
