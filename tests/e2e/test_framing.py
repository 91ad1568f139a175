# SPDX-License-Identifier: Apache-2.0
"""Requests whose end two readers could see in two places: 400, the connection ends, and what was hidden behind never arrives."""
import re
import socket
import ssl

import pytest
from certs import Authority
from ddgate import PATIENCE, Ddgate, UnixConnection, free_port, grpc
from payloads import span, v04
from sinks import GrpcSink
from test_intake import arrived

LINE = b"PUT /v0.4/traces HTTP/1.1\r\n"
CHUNKED = LINE + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n"


def head(*lines):
    return LINE + b"Host: x\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


# name: what stands in front of the hidden request, which itself is a body of %d bytes to who reads it so
FORMS = {
    "blank before the colon": head(b"Content-Length : %d"), "tab before the colon": head(b"Content-Length\t: %d"),
    "blank in the name": head(b"Content Length: %d"), "no-break space in the name": head(b"Content-Length\xc2\xa0: %d"),
    "folded length": head(b"Content-Length:", b" %d"), "folded by a tab": head(b"Content-Length:", b"\t%d"), "fold behind a header": head(b"X: y", b" Content-Length: %d"),
    "fold behind the request line": LINE + b" Content-Length: %d\r\n\r\n", "empty name": head(b": x", b"Content-Length: %d"), "no colon": head(b"Content-Length %d"),
    "length twice": head(b"Content-Length: %d", b"Content-Length: %d"), "two lengths": head(b"Content-Length: 0", b"Content-Length: %d"),
    "list": head(b"Content-Length: %d, %d"), "list of two": head(b"Content-Length: 0, %d"), "plus": head(b"Content-Length: +%d"), "minus": head(b"Content-Length: -0"),
    "hexadecimal": head(b"Content-Length: 0x10"), "blank in the number": head(b"Content-Length: 0 %d"), "quoted": head(b'Content-Length: "%d"'),
    "empty length": head(b"Content-Length:"), "fraction": head(b"Content-Length: %d.0"),
    "both, length first": head(b"Content-Length: %d", b"Transfer-Encoding: chunked"), "both, length last": head(b"Transfer-Encoding: chunked", b"Content-Length: %d"),
    "chunked twice": head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"), "identity then chunked": head(b"Transfer-Encoding: identity", b"Transfer-Encoding: chunked"),
    "identity": head(b"Transfer-Encoding: identity"), "list of encodings": head(b"Transfer-Encoding: gzip, chunked"), "xchunked": head(b"Transfer-Encoding: xchunked"),
    "chunked with a parameter": head(b"Transfer-Encoding: chunked;a=b"), "vertical tab": head(b"Transfer-Encoding: \x0bchunked"), "empty encoding": head(b"Transfer-Encoding:"),
    "folded encoding": head(b"Transfer-Encoding:", b" chunked"), "blank before the colon of an encoding": head(b"Transfer-Encoding : chunked"),
    "chunked in HTTP/1.0": b"PUT /v0.4/traces HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "NUL in a name": head(b"Content-Length\0: %d"), "NUL in a value": head(b"Content-Length: %d\0"), "NUL in another header": head(b"X: a\0b", b"Content-Length: %d"),
    "control character": head(b"X: a\x01b"), "LF ends the request line": LINE[:-2] + b"\nContent-Length: 0\r\n\r\n", "LF ends a header": head(b"X: y\nContent-Length: %d"),
    "LF ends the head": LINE + b"X: y\r\n\n", "CR within a header": head(b"X: y\rContent-Length: %d"), "CR before CRLF": head(b"Content-Length: 0\r"),
    "two blanks": b"PUT  /v0.4/traces HTTP/1.1\r\nHost: x\r\n\r\n", "no version": b"PUT /v0.4/traces\r\n\r\n", "blank in the target": b"PUT /v0.4/traces x HTTP/1.1\r\n\r\n",
    "chunk without a size": CHUNKED + b"\r\n\r\n", "size with a sign": CHUNKED + b"+0\r\n\r\n", "size with 0x": CHUNKED + b"0x0\r\n\r\n", "blank before a size": CHUNKED + b" 0\r\n\r\n",
    "blank behind a size": CHUNKED + b"0 \r\n\r\n", "blank in a size": CHUNKED + b"0 0\r\n\r\n", "LF ends a size": CHUNKED + b"0\n\r\n", "size overflows": CHUNKED + b"10000000000000000\r\n\r\n",
    "LF ends an extension": CHUNKED + b"0;a\n\r\n", "CR within an extension": CHUNKED + b"0;a\rb\r\n\r\n", "NUL in an extension": CHUNKED + b"0;a\0b\r\n\r\n",
    "extension without end": CHUNKED + b"0;" + b"a" * 20000 + b"\r\n\r\n", "LF ends a chunk": CHUNKED + b"1\r\n\x90\n0\r\n\r\n", "chunk longer than its size": CHUNKED + b"1\r\n\x90\x90\r\n0\r\n\r\n",
    "length in a trailer": CHUNKED + b"0\r\nContent-Length: %d\r\n\r\n", "fold in a trailer": CHUNKED + b"0\r\n X: y\r\n\r\n", "LF ends a trailer": CHUNKED + b"0\r\nX: y\n\r\n",
    "three blank lines": b"\r\n\r\n\r\n",
}


def hidden(s):
    body = v04([s])
    return LINE + b"Host: x\r\nContent-Type: application/msgpack\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def attack(form, behind):
    return FORMS[form].replace(b"%d", b"%d" % len(behind)) + behind


def conversation(connection, data):
    """Sends, and returns what comes until the other side closes."""
    with connection:
        connection.sendall(data)
        out = b""
        while piece := connection.recv(65536):
            out += piece
        return out


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory):
    """One ddgate that listens in every way that there is, and its backend."""
    directory = tmp_path_factory.mktemp("framing")
    authority, sink = Authority(directory), GrpcSink()
    server = authority.issue("server")
    ways = {way: free_port() for way in ("tcp", "tls", "logs")}
    receivers = ({"type": "ddtrace", "listen": [f"127.0.0.1:{ways['tcp']}"], "socket": directory / "apm.sock"},
                 {"type": "ddtrace", "listen": [f"127.0.0.1:{ways['tls']}"], "socket": "",
                  "tls": {"cert": str(server.cert_path), "key": str(server.key_path)}},
                 {"type": "http", "listen": [f"127.0.0.1:{ways['logs']}"]})
    gate = Ddgate(directory, settings={"receivers": receivers}, exporters=[grpc(sink)], port=ways["tcp"])
    gate.wait_listening()

    def dial(way):
        if way == "uds":
            connection = UnixConnection(directory / "apm.sock", PATIENCE)
            connection.connect()
            return connection.sock
        connection = socket.create_connection(("127.0.0.1", ways.get(way) or gate.admin_port), timeout=PATIENCE)
        if way != "tls":
            return connection
        return ssl.create_default_context(cafile=authority.path).wrap_socket(connection, server_hostname="localhost")
    gate.dial = dial
    yield gate, sink
    gate.stop()
    sink.close()


def statuses(said):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


def assert_refused(said):
    assert statuses(said) == [400] and b"Connection: close" in said, said


@pytest.mark.parametrize("form", FORMS)
def test_ambiguous_framing(everywhere, form):
    gate, sink = everywhere
    evil, good = span(), span()
    assert_refused(conversation(gate.dial("tcp"), attack(form, hidden(evil))))
    for way in ("uds", "tls", "logs"):
        assert_refused(conversation(gate.dial(way), attack(form, hidden(evil))))
    assert gate.put("/v0.4/traces", v04([good])).status == 200
    arrived(sink, good)
    assert f"{evil['span_id']:016x}" not in {s.span_id for s in sink.spans}


@pytest.mark.parametrize("form", FORMS)
def test_the_admin_listener_too(everywhere, form):
    """It answers a request that has a body before the body comes, and ends the connection: faults of chunks may stand behind that."""
    gate, _ = everywhere
    sent = attack(form, b"GET /ledger HTTP/1.1\r\nHost: localhost\r\n\r\n").replace(b"Host: x\r\n", b"Host: localhost\r\n", 1)
    said = conversation(gate.dial("admin"), sent)
    assert statuses(said) == [400] or (FORMS[form].startswith(CHUNKED) and statuses(said) == [404]), said


@pytest.mark.parametrize("form", ["blank before the colon", "LF ends a chunk", "length twice"])
def test_what_stands_before_is_answered(everywhere, form):
    """Requests that are right, sent at once with one that is not: those are served, this one ends the connection."""
    gate, sink = everywhere
    first, second, evil = span(), span(), span()
    before = b"".join(hidden(s).replace(b"Connection: close\r\n", b"") for s in (first, second))
    said = conversation(gate.dial("tcp"), before + attack(form, hidden(evil)))
    assert statuses(said) == [200, 200, 400], said
    arrived(sink, first, second)


@pytest.mark.parametrize("form", ["fold behind a header", "CR within an extension", "LF ends a chunk"])
def test_byte_by_byte(everywhere, form):
    gate, sink = everywhere
    data = attack(form, b"")
    with gate.dial("tcp") as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(data)):
            try:
                connection.sendall(data[i:i + 1])
            except OSError:
                break
        said = b""
        while piece := connection.recv(4096):
            said += piece
    assert_refused(said)


@pytest.mark.parametrize("name, data", [
    ("blank lines in front", b"\r\n\r\n" + LINE + b"Host: x\r\nContent-Length: %d\r\n\r\n%s"),
    ("blanks around a length", LINE + b"Host: x\r\nContent-Length: \t%d \t\r\n\r\n%s"),
    ("leading zeroes", LINE + b"Host: x\r\nContent-Length: 000%d\r\n\r\n%s"),
    ("chunk extensions", LINE + b'Host: x\r\nTransfer-Encoding: chunked \r\n\r\n%x ; a = "b;c" ;d\r\n%s\r\n000;e=f\r\n\r\n'),
    ("trailers", LINE + b"Host: x\r\nTransfer-Encoding: CHUNKED\r\nTrailer: X\r\n\r\n%x\r\n%s\r\n0\r\nX: y\r\nZ:\r\n\r\n"),
    ("odd bytes in values", LINE + b"Host: x\r\nX: \xc3\xa4\t\xff\r\nContent-Length: %d\r\n\r\n%s")])
def test_what_is_legal_is_taken(everywhere, name, data):
    """… and the next request on the connection is understood."""
    gate, sink = everywhere
    one, two = span(), span()
    body = v04([one])
    for way in ("tcp", "tls"):
        said = conversation(gate.dial(way), data % (len(body), body) + hidden(two))
        assert statuses(said) == [200, 200], said
    arrived(sink, one, two)


def test_a_reading_as_long_as_the_buffer(everywhere):
    """Many extensions in a body that fills every read: what is taken out of one leaves no byte unread."""
    gate, sink = everywhere
    spans = [span(meta={"env": "test", "x": "y" * 900}) for _ in range(400)]
    body = v04(spans)
    pieces = b"".join(b"%x;name=value\r\n%s\r\n" % (len(p), p) for p in (body[i:i + 4000] for i in range(0, len(body), 4000)))
    said = conversation(gate.dial("tcp"), LINE + b"Host: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + pieces + b"0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200"), said
    arrived(sink, *spans)
