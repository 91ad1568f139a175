# SPDX-License-Identifier: Apache-2.0
"""A backend for metrics, and for logs beside them: OTLP/gRPC by grpcio and opentelemetry-proto.

    with MetricSink() as sink:
        points = sink.wait_points(3)
        points[0].name, points[0].value, points[0].attributes["route"], points[0].resource["service.name"]

While it is held (`hold()` … `release()`) it answers nothing; with `refuse()` it says UNAVAILABLE.
"""
import math
import threading
from concurrent import futures
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc

import log_sink
from log_sink import attributes
from sinks import PATIENCE, Timeout

TEMPORALITY = {0: None, 1: "delta", 2: "cumulative"}


@dataclass
class Histogram:
    count: int
    sum: float
    min: float
    max: float
    scale: int
    buckets: list  # (lower bound, upper bound, count), from the least to the greatest

    def quantile(self, q):
        """The middle of the bucket that holds it, as a backend would say."""
        rank, seen = q * (self.count - 1), 0
        for lower, upper, n in self.buckets:
            seen += n
            if seen > rank:
                middle = 2 * lower * upper / (lower + upper) if lower * upper > 0 else 0.0
                return min(max(middle, self.min), self.max)
        return self.max

    @property
    def error(self):
        base = 2.0 ** (2.0 ** -self.scale)
        return (base - 1) / (base + 1)


@dataclass
class Point:
    name: str
    unit: str
    kind: str  # gauge, sum, exponential, histogram
    temporality: str
    monotonic: bool
    value: object  # a number, or a Histogram
    start: int
    time: int
    attributes: dict
    resource: dict
    scope: str

    @property
    def key(self):
        return self.name, tuple(sorted((k, tuple(v) if isinstance(v, list) else v) for k, v in self.attributes.items()))


def _bucket(index, scale):
    bounds = index * 2.0 ** -scale, (index + 1) * 2.0 ** -scale
    return tuple(2.0 ** b if b < 1024 else math.inf for b in bounds)


def _histogram(p):
    buckets = [(-high, -low, n) for i, n in enumerate(p.negative.bucket_counts) if n
               for low, high in (_bucket(p.negative.offset + i, p.scale),)][::-1]
    buckets += [(0.0, 0.0, p.zero_count)] if p.zero_count else []
    buckets += [(*_bucket(p.positive.offset + i, p.scale), n) for i, n in enumerate(p.positive.bucket_counts) if n]
    assert sum(n for *_, n in buckets) == p.count, "the buckets do not hold what the count says"
    return Histogram(p.count, p.sum, p.min, p.max, p.scale, buckets)


def _explicit(p):
    edges = [-math.inf, *p.explicit_bounds, math.inf]
    assert list(p.explicit_bounds) == sorted(set(p.explicit_bounds)) and len(p.bucket_counts) == len(edges) - 1
    assert sum(p.bucket_counts) == p.count, "the buckets do not hold what the count says"
    return Histogram(p.count, p.sum, p.min, p.max, None, [(*edge, n) for *edge, n in zip(edges, edges[1:], p.bucket_counts)])


_VALUES = {"exponential_histogram": _histogram, "histogram": _explicit}


def flatten(request):
    """Every point of an ExportMetricsServiceRequest."""
    points = []
    for group in request.resource_metrics:
        resource = attributes(group.resource.attributes)
        for scope in group.scope_metrics:
            for m in scope.metrics:
                kind = m.WhichOneof("data")
                data = getattr(m, kind)
                temporality = TEMPORALITY[data.aggregation_temporality] if kind != "gauge" else None
                for p in data.data_points:
                    value = _VALUES[kind](p) if kind in _VALUES else getattr(p, p.WhichOneof("value"))
                    assert isinstance(value, Histogram) or math.isfinite(value)
                    assert kind == "gauge" or 0 < p.start_time_unix_nano <= p.time_unix_nano
                    points.append(Point(m.name, m.unit, kind.removesuffix("_histogram"), temporality, getattr(data, "is_monotonic", None),
                                        value, p.start_time_unix_nano, p.time_unix_nano, attributes(p.attributes), resource,
                                        scope.scope.name))
    return points


class MetricSink(metrics_service_pb2_grpc.MetricsServiceServicer):
    def __init__(self):
        self._changed = threading.Condition()
        self._open = threading.Event()
        self._open.set()
        self._points, self._records, self._refusing = [], [], False
        self._server = grpc.server(futures.ThreadPoolExecutor(16), options=[("grpc.so_reuseport", 0)])
        metrics_service_pb2_grpc.add_MetricsServiceServicer_to_server(self, self._server)
        logs_service_pb2_grpc.add_LogsServiceServicer_to_server(_Logs(self), self._server)
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
        self._refusing = False
        self._open.set()

    def refuse(self):
        self._refusing = True

    # pylint: disable=invalid-name
    def Export(self, request, context):
        self._open.wait(PATIENCE * 4)
        if self._refusing:
            context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
        self.add(flatten(request), [])
        return metrics_service_pb2.ExportMetricsServiceResponse()

    def add(self, points, records):
        with self._changed:
            self._points += points
            self._records += records
            self._changed.notify_all()

    @property
    def points(self):
        with self._changed:
            return list(self._points)

    @property
    def records(self):
        with self._changed:
            return list(self._records)

    def named(self, name):
        return [p for p in self.points if p.name == name]

    def total(self, name):
        """Of deltas: all that came."""
        return sum(p.value for p in self.named(name))

    def wait(self, condition, what="the sink's condition", timeout=PATIENCE):
        with self._changed:
            if not self._changed.wait_for(lambda: condition(self), timeout):
                raise Timeout(f"{what} was not met within {timeout} s; {len(self._points)} points: {self._points[-3:]}")

    def wait_points(self, n, timeout=PATIENCE):
        self.wait(lambda s: len(s.points) >= n, f"{n} points", timeout)
        return self.points


class _Logs(logs_service_pb2_grpc.LogsServiceServicer):
    def __init__(self, sink):
        self._sink = sink

    # pylint: disable=invalid-name
    def Export(self, request, _):
        self._sink.add([], log_sink.flatten(request))
        return logs_service_pb2.ExportLogsServiceResponse()
