# SPDX-License-Identifier: Apache-2.0
"""An OTLP backend whose behaviour a test scripts: Python's grpcio and the official service definition.

    sink = GrpcSink()                                  # takes everything
    sink.script(Fail(UNAVAILABLE), Partial(3), Stall())  # what the next three requests meet; after that: everything is taken
    sink.wait(lambda s: len(s.spans) >= 20)            # on a condition, never by sleeping
"""
import threading
import time
from concurrent import futures
from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

import otlp

PATIENCE = 30.0  # seconds; how long a condition may take on a machine that is busy with other things


class Timeout(AssertionError):
    pass


@dataclass
class Accept:
    pass


@dataclass
class Partial:
    """OTLP's partial success: the rest was taken."""
    rejected: int
    message: str = "too old"


@dataclass
class Fail:
    """A gRPC status; with `retry_after` (seconds) it carries a RetryInfo, with `pushback` the trailer grpc-retry-pushback-ms."""
    code: grpc.StatusCode
    message: str = "scripted"
    retry_after: float = None
    pushback: str = None


@dataclass
class Delay:
    """Takes the request, but answers only after so many seconds."""
    seconds: float


@dataclass
class Stall:
    """Answers only after sink.release(), and then takes the request."""


@dataclass
class Request:
    message: trace_service_pb2.ExportTraceServiceRequest
    metadata: dict
    at: float  # monotonic
    taken: bool  # False: answered with an error

    @property
    def spans(self):
        return otlp.flatten(self.message, self.metadata)


class GrpcSink(trace_service_pb2_grpc.TraceServiceServicer):
    """`tls`: None for plain text, else (key, certificate, client CA or None), PEM bytes; with a client CA the client must show
    a certificate. `port` lets a test bring a backend back where it was."""

    def __init__(self, tls=None, port=0, max_message=4 * 1024 * 1024, host="127.0.0.1"):
        self._changed = threading.Condition()  # its lock is re-entrant: conditions may call count() and spans
        self._released = threading.Event()
        self._script = []
        self.judge = None  # a function of the message: what it meets where the script says nothing; None: it is taken
        self._spans = []
        self.requests = []  # in order of arrival
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=[
            ("grpc.max_receive_message_length", max_message), ("grpc.so_reuseport", 0)])
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self._server)
        address = f"{host}:{port}"
        if tls:
            key, certificate, client_ca = tls
            self.port = self._server.add_secure_port(address, grpc.ssl_server_credentials(
                [(key, certificate)], root_certificates=client_ca, require_client_auth=client_ca is not None))
        else:
            self.port = self._server.add_insecure_port(address)
        self.endpoint = f"{'https' if tls else 'http'}://{host}:{self.port}"
        self._server.start()

    def script(self, *behaviours):
        with self._changed:
            self._script += behaviours

    def release(self):
        self._released.set()

    def close(self, grace=5):
        """Requests that it has read are answered first."""
        self._released.set()
        self._server.stop(grace).wait(5)

    # pylint: disable=invalid-name
    def Export(self, request, context):
        with self._changed:
            act = self._script.pop(0) if self._script else (self.judge and self.judge(request)) or Accept()
            taken = not isinstance(act, Fail)
            record = Request(request, dict(context.invocation_metadata()), time.monotonic(), taken)
            self.requests.append(record)
            self._changed.notify_all()
        if isinstance(act, Stall):
            self._released.wait(PATIENCE * 4)
        if isinstance(act, Delay):
            threading.Event().wait(act.seconds)
        if not taken:
            self._fail(act, context)
        with self._changed:
            self._spans += record.spans
            self._changed.notify_all()
        response = trace_service_pb2.ExportTraceServiceResponse()
        if isinstance(act, Partial):
            response.partial_success.rejected_spans = act.rejected
            response.partial_success.error_message = act.message
        return response

    @staticmethod
    def _fail(act, context):
        trailers = [("grpc-retry-pushback-ms", act.pushback)] if act.pushback is not None else []
        if act.retry_after is not None:
            whole = int(act.retry_after)
            info = error_details_pb2.RetryInfo(
                retry_delay=duration_pb2.Duration(seconds=whole, nanos=int((act.retry_after - whole) * 1e9)))
            detail = any_pb2.Any()
            detail.Pack(info)
            status = status_pb2.Status(code=act.code.value[0], message=act.message, details=[detail])
            trailers.append(("grpc-status-details-bin", status.SerializeToString()))
        context.set_trailing_metadata(trailers)
        context.abort(act.code, act.message)

    @property
    def spans(self):
        """Every span that was taken, flattened."""
        with self._changed:
            return list(self._spans)

    def count(self):
        with self._changed:
            return len(self._spans)

    def wait(self, condition, what="the sink's condition", timeout=PATIENCE):
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise Timeout(f"{what} was not met within {timeout} s; {len(self._spans)} spans, {len(self.requests)} requests")

    def wait_spans(self, n, timeout=PATIENCE):
        self.wait(lambda s: s.count() >= n, f"{n} spans", timeout)
        return self.spans
