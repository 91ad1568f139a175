# SPDX-License-Identifier: Apache-2.0
"""A backend for logs: OTLP/gRPC by grpcio and opentelemetry-proto, independent of ddgate's code.

    with LogSink() as sink, Ddgate(tmp_path, exporters=[dict(type="otlp_grpc", endpoint=sink.endpoint)]) as gate:
        records = sink.wait_records(3)
        records[0].body, records[0].attributes["client.port"], records[0].resource["service.name"]

While it is held (`hold()` … `release()`) it answers nothing, so queues fill.
"""
import threading
from concurrent import futures
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc

from sinks import PATIENCE, Timeout


def value(v):
    """AnyValue -> Python."""
    kind = v.WhichOneof("value")
    if kind == "array_value":
        return [value(x) for x in v.array_value.values]
    if kind == "kvlist_value":
        return attributes(v.kvlist_value.values)
    return getattr(v, kind) if kind else None


def attributes(pairs):
    """KeyValues -> dict; a key that comes twice is a mistake."""
    keys = [pair.key for pair in pairs]
    assert len(keys) == len(set(keys)), f"an attribute stands twice: {keys}"
    return {pair.key: value(pair.value) for pair in pairs}


@dataclass
class Record:
    body: object
    time: int
    observed: int
    severity: int
    severity_text: str
    trace_id: str
    span_id: str
    attributes: dict
    scope: str
    resource: dict
    event: str


def flatten(request):
    """Every record of an ExportLogsServiceRequest."""
    return [Record(value(r.body), r.time_unix_nano, r.observed_time_unix_nano, r.severity_number, r.severity_text, r.trace_id.hex(),
                   r.span_id.hex(), attributes(r.attributes), s.scope.name, attributes(group.resource.attributes), r.event_name)
            for group in request.resource_logs for s in group.scope_logs for r in s.log_records]


class LogSink(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self):
        self._changed = threading.Condition()
        self._open = threading.Event()
        self._open.set()
        self._records = []
        self.requests = 0
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(self, self._server)
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._server.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._open.set()
        self._server.stop(5).wait(5)

    def hold(self):
        self._open.clear()

    def release(self):
        self._open.set()

    # pylint: disable=invalid-name
    def Export(self, request, _):
        with self._changed:
            self.requests += 1
            self._changed.notify_all()
        self._open.wait(PATIENCE * 4)
        with self._changed:
            self._records += flatten(request)
            self._changed.notify_all()
        return logs_service_pb2.ExportLogsServiceResponse()

    @property
    def records(self):
        with self._changed:
            return list(self._records)

    @property
    def bodies(self):
        return [r.body for r in self.records]

    def wait(self, condition, what="the sink's condition", timeout=PATIENCE):
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise Timeout(f"{what} was not met within {timeout} s; {len(self._records)} records: {self._records[-3:]}")

    def wait_bodies(self, wanted, what, timeout=PATIENCE):
        """Until each of these came. A record is looked at once, however often the sink is asked."""
        missing, seen = set(wanted), 0

        def none_missing(_):
            nonlocal seen
            missing.difference_update(r.body for r in self._records[seen:])
            seen = len(self._records)
            return not missing

        self.wait(none_missing, what, timeout)

    def wait_records(self, n, timeout=PATIENCE):
        self.wait(lambda s: len(s.records) >= n, f"{n} records", timeout)
        return self.records
