# SPDX-License-Identifier: Apache-2.0
"""An HTTP/2 server that answers a gRPC call as no gRPC server does: proxies, ingresses and firewalls on the way do.

    sink = RawH2(page(404), reset(11))     # what the next two calls meet; after that everything is taken

It reads just enough HTTP/2 to tell one call from another. What was taken is in `spans`.
"""
import struct
import threading

import hpack
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

import otlp
from listener import Listener
from sinks import PATIENCE, Timeout

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, body=b""):
    return struct.pack(">I", len(body))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + body


def headers(stream, pairs, end=False):
    """Every field as a literal without an index, without Huffman's code (RFC 7541, 6.2.2)."""
    body = b"".join(b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode() for name, value in pairs)
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, body)


def statuses(told):
    """What a client was told of its calls: {stream: its headers and trailers}."""
    decoder, of = hpack.Decoder(), {}
    while len(told) >= 9:
        length, kind, stream = int.from_bytes(told[:3], "big"), told[3], int.from_bytes(told[5:9], "big")
        if len(told) < 9 + length:
            break
        if kind == HEADERS:
            of.setdefault(stream, {}).update((str(name), str(value)) for name, value in decoder.decode(told[9:9 + length]))
        told = told[9 + length:]
    return of


def page(status, kind="text/html", text=b"<html>no</html>"):
    """An HTTP answer with a body that is no gRPC message, and no trailers."""
    return lambda stream: headers(stream, [(":status", str(status)), ("content-type", kind)]) + frame(DATA, END_STREAM, stream, text)


def no_trailers(message):
    """A gRPC answer that ends without grpc-status: after a message, or at once."""
    start = [(":status", "200"), ("content-type", "application/grpc")]
    if not message:
        return lambda stream: headers(stream, start, end=True)
    return lambda stream: headers(stream, start) + frame(DATA, END_STREAM, stream, b"\0\0\0\0\0")


def reset(code):
    return lambda stream: frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def go_away(code):
    return lambda stream: frame(GOAWAY, 0, 0, struct.pack(">II", 0, code))


def taken(stream):
    return (headers(stream, [(":status", "200"), ("content-type", "application/grpc")]) + frame(DATA, 0, stream, b"\0\0\0\0\0") +
            headers(stream, [("grpc-status", "0")], end=True))


class RawH2:
    def __init__(self, *script):
        self._script = list(script)
        self._changed = threading.Condition()
        self.spans, self.calls = [], 0
        self._listener = Listener(lambda client: threading.Thread(target=self._serve, args=(client,), daemon=True).start())
        self.endpoint = self._listener.endpoint

    def _serve(self, client):
        try:
            with client, client.makefile("rb") as stream:
                self._talk(client, stream)
        except OSError:
            pass

    def _talk(self, client, source):
        bodies = {}
        if source.read(len(PREFACE)) != PREFACE:
            return
        wide = frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1 << 30)) + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 30))
        client.sendall(wide)
        while len(head := source.read(9)) == 9:
            length, kind, flags, number = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:], "big")
            body = source.read(length)
            if kind == SETTINGS and not flags & ACK:
                client.sendall(frame(SETTINGS, ACK, 0))
            elif kind == PING and not flags & ACK:
                client.sendall(frame(PING, ACK, 0, body))
            elif kind == DATA:
                bodies[number] = bodies.get(number, b"") + body
                if flags & END_STREAM:
                    client.sendall(self._answer(number, bodies.pop(number)))

    def _answer(self, stream, body):
        with self._changed:
            self.calls += 1
            act = self._script.pop(0) if self._script else taken
            if act is taken:
                message = trace_service_pb2.ExportTraceServiceRequest.FromString(body[5:])
                self.spans += otlp.flatten(message, {})
            self._changed.notify_all()
        return act(stream)

    def wait(self, condition, what="the sink's condition", timeout=PATIENCE):
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise Timeout(f"{what} was not met within {timeout} s; {len(self.spans)} spans, {self.calls} calls")

    def wait_spans(self, n):
        self.wait(lambda s: len(s.spans) >= n, f"{n} spans")

    def close(self):
        self._listener.close()
