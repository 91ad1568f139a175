# SPDX-License-Identifier: Apache-2.0
"""SIGHUP in the middle of a request, a handshake, an answer: each is finished by the configuration that it began with, the next one on the
same connection goes by the new one, and only connections of addresses that are gone are closed, after an answer."""
import json
import socket
import ssl

import pytest
from certs import Authority
from ddgate import PATIENCE, conf_value, free_port, grpc
from log_sink import LogSink
from payloads import trace, v04
from test_admin import pick, samples
from test_reload import QUICK, reload

OLD, NEW = "old", "new"


class Client:
    """One connection, raw or TLS, whose handshake and requests can be sent in pieces."""

    def __init__(self, port, authority=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.received = b""
        self.tls = None
        if authority:
            context = ssl.create_default_context(cafile=authority.path)
            self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def hello(self):
        """The first message of the handshake, unsent."""
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    def shake(self):
        """… and all that follows."""
        while True:
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                self.socket.sendall(self.outgoing.read())
                data = self.socket.recv(1 << 16)
                assert data, "the connection was closed in the handshake"
                self.incoming.write(data)
            else:
                self.socket.sendall(self.outgoing.read())
                return

    def send(self, data):
        if self.tls:
            self.tls.write(data)
            data = self.outgoing.read()
        self.socket.sendall(data)

    def _recv(self):
        """Empty: the other end has closed."""
        if not self.tls:
            return self.socket.recv(1 << 16)
        while True:
            try:
                return self.tls.read(1 << 16)
            except ssl.SSLWantReadError:
                data = self.socket.recv(1 << 16)
                if not data:
                    return b""
                self.incoming.write(data)

    def _until(self, condition):
        while not condition():
            data = self._recv()
            assert data, f"closed in the middle of an answer: {self.received[-200:]}"
            self.received += data

    def answer(self):
        """Status, headers and body of the next answer, whole."""
        self._until(lambda: b"\r\n\r\n" in self.received)
        head, self.received = self.received.split(b"\r\n\r\n", 1)
        first, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        length = int(headers["content-length"])
        self._until(lambda: len(self.received) >= length)
        body, self.received = self.received[:length], self.received[length:]
        return int(first.split()[1]), headers, body

    def is_closed(self):
        return not self.received and self._recv() == b""


def put(body):
    return b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Bed:
    """ddtrace and http on one address; what ddtrace takes says which configuration took it."""

    def __init__(self, make_gate, sink, tls=None):
        self.sink, self.tls, self.port = sink, tls or {}, free_port()
        self.gate = make_gate(conf=self.conf(OLD), port=self.port)

    def conf(self, team, port=None, removed=False, tls=None, level="info"):
        at = {"listen": [f"127.0.0.1:{port or self.port}"], "tls": self.tls if tls is None else tls}
        ddtrace = {"type": "ddtrace", "socket": "", "resource": {"team": team}, **at}
        rows = {"receivers": ({"type": "http", **at},) if removed else (ddtrace, {"type": "http", **at}),
                "exporters": (grpc(self.sink, signals=["traces"], **QUICK),), "admin": {"listen": "127.0.0.1:0"}, "log": {"level": level}}
        return "".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items())

    def reload(self, team, **more):
        reload(self.gate, text=self.conf(team, **more))

    def change(self, how):
        self.reload(NEW, port=free_port() if how == "moved" else None, removed=how == "removed")

    def count(self, name):
        return pick(samples(self.gate), name, receiver="ddtrace")

    def connections(self, n):
        self.gate._until(lambda: pick(samples(self.gate), "ddgate_http_connections") == n, f"there are not {n} connections")

    def taken_by(self, spans, team):
        """These spans arrived once, from that configuration's receiver."""
        ids = {f"{s['span_id']:016x}" for s in spans}
        self.sink.wait(lambda sink: ids <= {s.span_id for s in sink.spans}, "the spans")
        found = [s for s in self.sink.spans if s.span_id in ids]
        assert len(found) == len(spans) and {s.resource["team"] for s in found} == {team}

    def expect_next(self, client, how, spans):
        """The answer to a request whose headers were complete after the change."""
        status, headers, _ = client.answer()
        closes = headers.get("connection", "").lower() == "close"
        assert (status, closes) == {"changed": (200, False), "removed": (404, False), "moved": (200, True)}[how]
        if status == 200:
            self.taken_by(spans, {"changed": NEW, "moved": OLD}[how])
        if closes:
            assert client.is_closed()


CHANGES = pytest.mark.parametrize("how", ["changed", "removed", "moved"])


@pytest.fixture
def bed(make_gate, sink):
    return Bed(make_gate, sink)


@CHANGES
def test_half_a_body(bed, how):
    """Its headers were complete before: the predecessor takes it, whatever became of it."""
    spans, after = trace(20), trace(3)
    request = put(v04(spans))
    with Client(bed.port) as client:
        client.send(request[:-30])
        bed.gate._until(lambda: bed.count("ddgate_http_requests_total") == 1, "the headers are not read")
        bed.change(how)
        client.send(request[-30:])
        status, headers, _ = client.answer()
        assert (status, headers.get("connection", "").lower() == "close") == (200, how == "moved")
        bed.taken_by(spans, OLD)
        if how == "moved":
            assert client.is_closed()
        else:
            client.send(put(v04(after)))
            bed.expect_next(client, how, after)


@CHANGES
def test_half_of_the_headers(bed, how):
    spans = trace(20)
    request = put(v04(spans))
    with Client(bed.port) as client:
        client.send(request[:40])
        bed.connections(1)
        bed.change(how)
        client.send(request[40:])
        bed.expect_next(client, how, spans)


@CHANGES
def test_between_two_requests(bed, how):
    before, after = trace(2), trace(3)
    with Client(bed.port) as client:
        client.send(put(v04(before)))
        assert client.answer()[0] == 200
        bed.change(how)
        client.send(put(v04(after)))
        bed.expect_next(client, how, after)
        bed.taken_by(before, OLD)


@CHANGES
def test_a_request_behind_another(bed, how):
    """Pipelined: the first is finished by the predecessor, the second is a new one; where the address is gone, the first was the last."""
    first, second = trace(4), trace(5)
    request = put(v04(first))
    with Client(bed.port) as client:
        client.send(request[:-10])
        bed.gate._until(lambda: bed.count("ddgate_http_requests_total") == 1, "the headers are not read")
        bed.change(how)
        client.send(request[-10:] + put(v04(second)))
        assert client.answer()[0] == 200
        bed.taken_by(first, OLD)
        if how == "moved":
            assert client.is_closed()
        else:
            bed.expect_next(client, how, second)


@CHANGES
def test_answers_that_are_read_slowly(bed, how):
    """More answers than sockets hold: what was answered before the change comes whole, in order; what is answered later, by the new one."""
    n = 4000
    with Client(bed.port) as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.socket.setblocking(False)
        request, sent = b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n" * n, 0
        while sent < len(request):
            try:
                sent += client.socket.send(request[sent:])
            except BlockingIOError:
                break
        bed.gate._until(lambda: bed.count("ddgate_http_requests_total") >= 50, "the requests are not read")
        bed.change(how)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)  # from here on it reads as fast as it can
        client.socket.settimeout(PATIENCE)
        whole = sent // len(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n")
        statuses = []
        for _ in range(whole):
            status, headers, body = client.answer()
            statuses.append(status)
            assert status == 404 or json.loads(body)
            if headers.get("connection", "").lower() == "close":
                break
        good = statuses.count(200)
        assert good >= 50 and statuses == [200] * good + [404] * (len(statuses) - good)
        assert how != "changed" or good == whole
        assert how != "removed" or len(statuses) == whole


@pytest.fixture
def secure_bed(make_gate, sink, authority):
    server = authority.issue("server")
    return Bed(make_gate, sink, tls={"cert": str(server.cert_path), "key": str(server.key_path)})


@CHANGES
def test_half_a_handshake(secure_bed, authority, how):
    spans = trace(6)
    with Client(secure_bed.port, authority) as client:
        hello = client.hello()
        client.socket.sendall(hello[:100])
        secure_bed.connections(1)
        secure_bed.change(how)
        client.socket.sendall(hello[100:])
        client.shake()
        client.send(put(v04(spans)))
        secure_bed.expect_next(client, how, spans)


def test_half_a_handshake_keeps_its_certificate(secure_bed, authority, tmp_path):
    other = Authority(tmp_path).issue("other")
    spans = trace(6)
    with Client(secure_bed.port, authority) as client:
        hello = client.hello()
        client.socket.sendall(hello[:100])
        secure_bed.connections(1)
        secure_bed.reload(NEW, tls={"cert": str(other.cert_path), "key": str(other.key_path)})
        client.socket.sendall(hello[100:])
        client.shake()
        client.send(put(v04(spans)))
        secure_bed.expect_next(client, "changed", spans)


def test_an_address_changes_between_plain_and_tls(secure_bed, authority):
    """Connections keep what they have, for one more answer; a handshake that has begun is finished."""
    before, after, plain, late = trace(1), trace(2), trace(3), trace(4)
    gate, port = secure_bed.gate, secure_bed.port
    with Client(port, authority) as kept, Client(port, authority) as half:
        kept.shake()
        kept.send(put(v04(before)))
        assert kept.answer()[0] == 200
        hello = half.hello()
        half.socket.sendall(hello[:100])
        secure_bed.connections(2)
        secure_bed.reload(NEW, tls={})
        half.socket.sendall(hello[100:])
        half.shake()
        for client, spans in ((kept, after), (half, late)):
            client.send(put(v04(spans)))
            status, headers, _ = client.answer()
            assert (status, headers["connection"].lower()) == (200, "close")
            secure_bed.taken_by(spans, NEW)
        with Client(port) as client:
            client.send(put(v04(plain)))
            assert client.answer()[0] == 200
            secure_bed.reload(NEW)
            client.send(put(v04(trace(1))))
            status, headers, _ = client.answer()
            assert (status, headers["connection"].lower()) == (200, "close")
    with Client(port, authority) as client:
        client.shake()
        client.send(put(v04(trace(1))))
        assert client.answer()[0] == 200
    assert gate.stderr.count(f"receiver=ddtrace \"listening on 127.0.0.1:{port}, TLS\"") == 2


def test_a_handshake_gives_back_what_it_took(secure_bed, authority):
    """… when its address was closed in the middle of it."""
    memory = lambda: pick(samples(secure_bed.gate), "ddgate_memory_bytes")  # noqa: E731
    before = memory()
    clients = [Client(secure_bed.port, authority) for _ in range(8)]
    for client in clients:
        client.socket.sendall(client.hello()[:100])
    secure_bed.connections(8)
    assert memory() == before + 8 * 64 * 1024
    secure_bed.change("moved")
    for client in clients:
        client.socket.close()
    secure_bed.connections(0)
    assert memory() == before


def test_the_other_receiver_of_a_shared_address_is_removed(make_gate, sink, tmp_path):
    """A log upload of which three bytes have come; its receiver is taken out of the configuration."""
    with LogSink() as logs:
        gate = make_gate(exporters=[grpc(sink, signals=["traces"], **QUICK)])
        at = {"listen": [f"127.0.0.1:{gate.port}"]}
        ddtrace, http = {"type": "ddtrace", "socket": "", **at}, {"type": "http", **at}
        exporters = (grpc(sink, name="traces", signals=["traces"], **QUICK), dict(type="otlp_grpc", endpoint=logs.endpoint, name="logs", signals=["logs"], **QUICK))

        def change(*receivers):
            rows = {"receivers": receivers, "exporters": exporters, "admin": {"listen": "127.0.0.1:0"}}
            reload(gate, text="".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items()))
        change(ddtrace, http)
        body = json.dumps([{"message": "x" * 80}]).encode().ljust(100)
        with Client(gate.port) as client:
            client.send(b"POST /api/v2/logs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n" + body[:3])
            gate._until(lambda: pick(samples(gate), "ddgate_http_requests_total", receiver="http") == 1, "the headers are not read")
            change(ddtrace)
            client.send(body[3:4])
            client.send(body[4:])
            assert client.answer()[0] == 202
            assert [r.body for r in logs.wait_records(1)] == ["x" * 80]
            client.send(b"POST /api/v2/logs HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n[]")
            assert client.answer()[0] == 404
            client.send(put(v04(trace(2))))
            assert client.answer()[0] == 200
        sink.wait_spans(2)
        gate.stop()


def test_what_was_retired_is_closed_by_itself(bed):
    """… soon after its last request; no signal is needed for it."""
    spans = trace(2)
    request = put(v04(spans))
    with Client(bed.port) as client:
        client.send(request[:-30])
        bed.gate._until(lambda: bed.count("ddgate_http_requests_total") == 1, "the headers are not read")
        bed.reload(NEW, level="debug")
        assert "debug receiver=ddtrace" not in bed.gate.stderr
        client.send(request[-30:])
        assert client.answer()[0] == 200
        bed.gate.wait_stderr("debug receiver=ddtrace")  # its last words
        bed.taken_by(spans, OLD)


def test_a_stop_does_not_wait_for_what_a_reload_retired(bed):
    """An upload that stands still holds its receiver; SIGTERM answers it 503 as it does any other."""
    with Client(bed.port) as client:
        client.send(put(v04(trace(20)))[:-30])
        bed.gate._until(lambda: bed.count("ddgate_http_requests_total") == 1, "the headers are not read")
        bed.change("removed")
        bed.gate.signal()
        assert client.answer()[0] == 503
    bed.gate.stop()
