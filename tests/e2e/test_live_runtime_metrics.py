# SPDX-License-Identifier: Apache-2.0
"""DD_RUNTIME_METRICS_ENABLED=true: what ddtrace and dd-trace-js say of their processes by DogStatsD arrives as OTLP, of the resource that their spans have."""
import subprocess

import clients
import pytest
from clients import LISTS
from ddgate import grpc
from metric_sink import MetricSink
from test_dogstatsd import udp_port

SETTINGS = {"DD_RUNTIME_METRICS_ENABLED": "true", "DD_SERVICE": "runtime-app", "DD_ENV": "testing", "DD_VERSION": "1.0",
            "DD_RUNTIME_METRICS_RUNTIME_ID_ENABLED": "true"}


@pytest.fixture
def metrics():
    with MetricSink() as s:
        yield s


def start(make_gate, sink, metrics, directory):
    """A gateway with a port and a socket for DogStatsD: (gate, port, socket)."""
    port, path = udp_port(), directory / "dsd.socket"
    dogstatsd = {"type": "dogstatsd", "listen": [f"127.0.0.1:{port}"], "socket": path, "interval": "1s"}
    exporters = (grpc(sink, signals=["traces"]), grpc(metrics, name="metrics", signals=["metrics"]))
    gate = make_gate(exporters=exporters, settings={})
    gate.stop()
    return gate, port, path
