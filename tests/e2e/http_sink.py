# SPDX-License-Identifier: Apache-2.0
"""An OTLP/HTTP backend whose behaviour a test scripts, on Python's own HTTP server.

    sink = HttpSink()
    sink.script(Status(503, {"Retry-After": "1"}), Cut())      # what the next two requests meet; after that: everything is taken
    sink.wait_spans(20)
"""
import gzip
import http.server
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field

import zstandard
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

import otlp
from sinks import PATIENCE, Timeout


@dataclass
class Status:
    """Answers so instead of taking the request. A 2xx takes it."""
    code: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Cut:
    """Closes the connection without an answer: before the body is read, or after."""
    before_body: bool = False


@dataclass
class Silence:
    """Reads the request and answers nothing until sink.release()."""


@dataclass
class Posted:
    path: str
    headers: dict  # lower-case names
    raw: bytes     # the body as it was sent
    message: trace_service_pb2.ExportTraceServiceRequest
    at: float


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def _body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def do_POST(self):  # pylint: disable=invalid-name
        sink = self.server.sink
        act = sink.next_act()
        if isinstance(act, Cut) and act.before_body:
            self.close_connection = True
            self.connection.close()
            return
        body = self._body()
        act = act or (sink.judge and sink.judge(body))
        sink.arrived(self.path, {k.lower(): v for k, v in self.headers.items()}, body, act)
        if isinstance(act, Silence):
            sink.released.wait(PATIENCE * 4)
        if isinstance(act, (Cut, Silence)):
            self.close_connection = True
            return
        json = "json" in self.headers.get("Content-Type", "")
        answer = act or Status(200, {"Content-Type": "application/json" if json else "application/x-protobuf"}, b"{}" if json else b"")
        self.send_response(answer.code)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # a client that goes away is part of some tests


class HttpSink:
    """`tls` as in sinks.GrpcSink. Bodies are decoded by their Content-Encoding and Content-Type; what cannot be decoded fails the wait."""

    def __init__(self, tls=None, port=0):
        self._changed = threading.Condition()
        self.released = threading.Event()
        self._script, self._spans, self.requests, self.faults = [], [], [], []
        self.judge = None  # body -> what it meets, where the script says nothing
        self._server = Server(("127.0.0.1", port), Handler)
        self._server.sink = self
        if tls:
            self._server.socket = self._wrap(tls)
        self.port = self._server.server_address[1]
        self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def _wrap(self, tls):
        key, certificate, client_ca = tls
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with tempfile.NamedTemporaryFile() as chain:
            chain.write(key + certificate)
            chain.flush()
            context.load_cert_chain(chain.name)
        if client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(cadata=client_ca.decode())
        return context.wrap_socket(self._server.socket, server_side=True)

    def script(self, *acts):
        with self._changed:
            self._script += acts

    def next_act(self):
        with self._changed:
            return self._script.pop(0) if self._script else None

    @staticmethod
    def decode(headers, raw):
        body = raw
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(raw)
        elif headers.get("content-encoding") == "zstd":
            body = zstandard.ZstdDecompressor().decompress(raw, max_output_size=1 << 26)
        if headers["content-type"] == "application/json":
            return otlp.parse_json_line(body.decode())
        assert headers["content-type"] == "application/x-protobuf", headers
        return trace_service_pb2.ExportTraceServiceRequest.FromString(body)

    def arrived(self, path, headers, raw, act):
        with self._changed:
            try:
                message = self.decode(headers, raw)
                self.requests.append(Posted(path, headers, raw, message, time.monotonic()))
                if act is None or (isinstance(act, Status) and act.code < 300):
                    self._spans += otlp.flatten(message, headers)
            except Exception as fault:  # pylint: disable=broad-except
                self.faults.append(fault)
            self._changed.notify_all()

    @property
    def spans(self):
        with self._changed:
            return list(self._spans)

    def wait(self, condition, what="the sink's condition", timeout=PATIENCE):
        with self._changed:
            met = self._changed.wait_for(lambda: self.faults or condition(self), timeout)
            if self.faults:
                raise self.faults[0]
            if not met:
                raise Timeout(f"{what} was not met within {timeout} s; {len(self._spans)} spans, {len(self.requests)} requests")

    def wait_spans(self, n, timeout=PATIENCE):
        self.wait(lambda s: len(s._spans) >= n, f"{n} spans", timeout)
        return self.spans

    def release(self):
        self.released.set()

    def close(self):
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
