# SPDX-License-Identifier: Apache-2.0
"""Datadog's library for Python and hot-shots for Node send every kind of message that they have (tests/clients/statsd.py, statsd.js) over every transport that they have,
plain, buffered and added up by the client: what arrives are the numbers that the programs name."""
import json
import os
import random
import socket
import struct
import subprocess

import clients
import pytest
from clients import LISTS
from metric_sink import MetricSink
from test_dogstatsd import counted, rows, udp_port

from ddgate import Ddgate, conf_text

THEN = 1700000000 * 10**9
CONTAINER, EXTERNAL = "ab" * 32, "it-false,cn-cart,pu-3413883c-ac60-44ab-96e0-9e52e4e173e2"
ENVIRONMENT = {"DD_SERVICE": "shop", "DD_ENV": "testing", "DD_VERSION": "1.0", "DD_EXTERNAL_ENV": EXTERNAL}


@pytest.fixture
def sink():
    with MetricSink() as s:
        yield s


def say_last(transport, port, sockets):
    """A line behind those of the client, which has ended."""
    kind, address = {"udp": (socket.SOCK_DGRAM, None), "datagrams": (socket.SOCK_DGRAM, sockets["socket"]), "stream": (socket.SOCK_STREAM, sockets["stream_socket"])}[transport]
    with socket.socket(socket.AF_UNIX if address else socket.AF_INET, kind) as s:
        s.connect(str(address) if address else ("127.0.0.1", port))
        s.sendall((struct.pack("<I", 8) if transport == "stream" else b"") + b"last:1|c")


@pytest.fixture
def send(tmp_path, sink):
    """send(command, transport, options, own series): the program against a gateway, until all its series are there. {name: point}."""
    def run(command, transport, options, own=0):
        port, sockets = udp_port(), {"socket": tmp_path / "dsd.socket", "stream_socket": tmp_path / "dsds.socket"}
        with Ddgate(tmp_path, conf=conf_text(rows(sink, port, interval="10m", **sockets))) as gate:
            done = subprocess.run([*command, json.dumps(options(port, sockets))], env={**clients.clean_environment(), **ENVIRONMENT}, timeout=120,
                                  check=False, capture_output=True, text=True)
            assert (done.returncode, done.stdout + done.stderr) == (0, "")
            say_last(transport, port, sockets)
            gate._until(lambda: counted(gate, "series") == 13 + 1 + own, "a series is missing")  # pylint: disable=protected-access
            gate.stop()
            assert "not well-formed" not in gate.stderr
        points = [p for p in sink.points if not p.name.startswith("datadog.dogstatsd.client.")]
        assert len({p.name for p in points}) == len(points) == 14, "a series is one point"
        return {p.name: p for p in points if p.name != "last"}
    return run


OF_POD = {"service.name": "shop", "deployment.environment.name": "testing", "service.version": "1.0", "host.name": socket.gethostname(),
          "k8s.container.name": "cart", "k8s.pod.uid": EXTERNAL.split("pu-")[1]}
OF_CONTAINER = {**OF_POD, "container.id": CONTAINER}


def assert_values(points, visits, sampled):
    """`sampled`: the values of the distribution that its client picked at a rate of 1 / 4."""
    assert {n: (p.kind, p.monotonic, p.value) for n, p in points.items() if p.kind in ("sum", "gauge")} == {
        "shop.visits": ("sum", True, visits), "shop.orders": ("sum", True, 60), "shop.stock": ("sum", False, -40), "shop.late": ("sum", True, 5),
        "shop.depth": ("gauge", None, 19.5), "shop.then": ("gauge", None, 7), "shop.users": ("gauge", None, 7),
        "shop.db": ("gauge", None, 2), "shop.cache": ("gauge", None, 0)}
    for name, values, weight in (("shop.size", range(20), 1), ("shop.price.bytes", [n * 1.5 for n in range(20)], 1),
                                 ("shop.query", range(0, 200, 10), 1), ("shop.sampled", sampled, 4)):
        if values is None:
            continue
        h = points[name].value
        assert points[name].kind == "exponential" and points[name].temporality == "delta"
        assert (h.count, h.sum, h.min, h.max) == (weight * len(values), weight * sum(values), min(values), max(values)), name
        assert h.quantile(0.5) == pytest.approx(sorted(values)[int(0.5 * (len(values) - 1))], rel=h.error * 1.001)
    assert (points["shop.query"].unit, points["shop.price.bytes"].unit, points["shop.size"].unit) == ("ms", "By", "")
    assert points["shop.then"].time == THEN and (points["shop.late"].start, points["shop.late"].time) == (THEN - 10**9, THEN)
    assert points["shop.visits"].attributes == {"team": "cart", "route": "/cart"}
    assert points["shop.orders"].attributes == {"team": "cart", "route": "/cart", "paid": ""}
    assert points["shop.depth"].attributes == {"team": "cart"} and points["shop.db"].attributes == {"team": "cart", "db": "orders"}


def assert_records(sink, resource):
    event, check = sorted(sink.records, key=lambda r: r.event)
    assert (event.event, event.body, event.severity, event.time) == ("datadog.event", "two\nlines, häuser|pipes", 17, THEN)
    assert event.attributes.items() >= {"datadog.event.title": "deployed", "datadog.event.aggregation_key": "key", "datadog.event.priority": "low",
                                        "datadog.event.source_type": "nagios", "color": "red", "team": "cart"}.items()
    assert (check.event, check.body, check.severity, check.time) == ("datadog.service_check", "no answer | m: none", 17, THEN)
    assert check.attributes.items() >= {"datadog.service_check.name": "shop.db", "datadog.service_check.status": 2, "db": "orders", "team": "cart"}.items()
    said = {k: v for k, v in resource.items() if not k.startswith("k8s.")}  # the library for Python sends no external data with them
    assert event.resource.items() >= {**said, "host.name": "web-1"}.items() and check.resource.items() >= {**said, "host.name": "db-1"}.items()


PYTHON = {"udp": lambda port, _: {"host": "127.0.0.1", "port": port}, "datagrams": lambda _, s: {"socket_path": f"unix://{s['socket']}"},
          "stream": lambda _, s: {"socket_path": f"unixstream://{s['stream_socket']}"}}
BUFFERED = {"disable_buffering": False, "flush_interval": 60}
ADDED_UP = {"disable_aggregation": False, "max_metric_samples_per_context": 1000, "flush_interval": 60}


@pytest.mark.parametrize("transport", PYTHON)
@pytest.mark.parametrize("more", [{}, BUFFERED, ADDED_UP], ids=["plain", "buffered", "aggregated"])
def test_python(send, sink, transport, more):
    bin_ = clients.python_environment("datadog-0.56.0")
    origin = {"container_id": f"ci-{CONTAINER}", "cardinality": "low"} if more else {"disable_telemetry": True, "origin_detection_enabled": False}
    points = send([bin_ / "python", LISTS / "statsd.py"], transport, lambda port, sockets: {**PYTHON[transport](port, sockets), **more, **origin,
                                                                                 "telemetry_min_flush_interval": 0, "socket_timeout": 10}, own=11 if more else 0)
    dice = random.Random(1)
    throws = [(dice.random(), dice.random()) for _ in range(100)]
    visits, sampled = sum(a <= 0.5 for a, _ in throws) / 0.5, [n for n, (_, b) in enumerate(throws) if b <= 0.25]
    if more is ADDED_UP:  # it throws its dice for the sum, and picks values in another order
        visits, h = points["shop.visits"].value, points["shop.sampled"].value
        assert visits in (0, 200) and 0 < h.count < 400 and h.count % 4 == 0 and 0 <= h.min <= h.max < 100
        sampled = None
    assert_values(points, visits, sampled)
    resource = OF_CONTAINER if more else OF_POD
    assert points["shop.depth"].resource == resource
    assert_records(sink, resource)
    assert bool([p for p in sink.points if p.name == "datadog.dogstatsd.client.metrics"]) == bool(more)


NODE = {"udp": lambda port, _: {"host": "127.0.0.1", "port": port}, "datagrams": lambda _, s: {"protocol": "uds", "path": str(s["socket"])}}


@pytest.mark.parametrize("transport", NODE)
@pytest.mark.parametrize("more", [{}, {"maxBufferSize": 8000}, {"aggregation": True}], ids=["plain", "buffered", "aggregated"])
def test_node(send, sink, transport, more):
    os.environ["NODE_PATH"] = str(clients.node_modules("statsd"))
    origin = {"datadog": True, "containerID": f"ci-{CONTAINER}", "cardinality": "low"} if more else {"originDetection": False}
    points = send(["node", LISTS / "statsd.js"], transport, lambda port, sockets: {**NODE[transport](port, sockets), "includeDatadogTelemetry": False, **more, **origin})
    assert_values(points, 100, range(0, 100, 4))
    assert points["shop.depth"].resource == (OF_CONTAINER if more else OF_POD)
    assert_records(sink, OF_CONTAINER if more else OF_POD)
