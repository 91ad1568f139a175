# SPDX-License-Identifier: Apache-2.0
"""A real OpenTelemetry Collector (tests/clients/collector, compiled on first use): OTLP in, the page that Prometheus reads out.

    with Collector(tmp_path) as collector:
        collector.endpoint               # of an exporter otlp_grpc
        collector.scrape()               # {name: family} by prometheus_client's parser
        collector.native("name")         # the buckets of a native histogram, as Prometheus reads them
"""
import math
import subprocess
import time
import urllib.error
import urllib.request

import clients
from clients import LISTS
from prometheus_client.parser import text_string_to_metric_families

from ddgate import free_port
from sinks import PATIENCE

CONFIGURATION = """
receivers: {{otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:{otlp}'}}}}}}}}
exporters: {{prometheus: {{endpoint: '127.0.0.1:{page}', resource_to_telemetry_conversion: {{enabled: true}}}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines: {{metrics: {{receivers: [otlp], exporters: [prometheus]}}}}
"""
PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"


def program():
    source = LISTS / "collector"

    def make(directory):
        subprocess.run(["go", "build", "-trimpath", "-ldflags=-s -w", "-o", directory / "collector", "."], cwd=source, check=True, stdin=subprocess.DEVNULL)
    return clients.environment("collector", sorted(source.iterdir()), make) / "collector"


class Collector:
    def __init__(self, directory):
        otlp, self.port = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{otlp}"
        path, self.log = directory / "collector.yaml", directory / "collector.log"
        path.write_text(CONFIGURATION.format(otlp=otlp, page=self.port))
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen([program(), "--config", f"file:{path}"], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)
        self.wait(lambda: self._page() is not None)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)

    def _page(self, **headers):
        try:
            with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}/metrics", headers=headers), timeout=PATIENCE) as answer:
                return answer.read()
        except urllib.error.URLError:
            assert self.process.poll() is None, self.log.read_text()
            return None

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, (self.log.read_text(), self._page())

    def scrape(self):
        return {family.name: family for family in text_string_to_metric_families(self._page().decode())}

    def native(self, name):
        """[(lower bound, upper bound, count)] of the only histogram of this name."""
        for family in _delimited(self._page(Accept=PROTOBUF)):
            if family[1] == [name.encode()]:
                [metric] = family[4]
                return _native(_fields(_fields(metric)[7][0]))
        raise AssertionError(name)


# --- the wire format of protobuf, and io.prometheus.client's Histogram in it ---

def _varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
        if byte < 128:
            return value, at


def _signed(n):
    return (n >> 1) ^ -(n & 1)


def _fields(data):
    """{number: values}: whole numbers and bytes as they stand."""
    out, at = {}, 0
    while at < len(data):
        key, at = _varint(data, at)
        length = {1: 8, 5: 4}.get(key & 7)
        if key & 7 == 0:
            value, at = _varint(data, at)
        else:
            if length is None:
                length, at = _varint(data, at)
            value, at = data[at:at + length], at + length
        out.setdefault(key >> 3, []).append(value)
    return out


def _delimited(data):
    at = 0
    while at < len(data):
        length, at = _varint(data, at)
        yield _fields(data[at:at + length])
        at += length


def _numbers(values):
    """Of a repeated sint64, packed or not."""
    for value in values:
        if isinstance(value, int):
            yield _signed(value)
            continue
        at = 0
        while at < len(value):
            n, at = _varint(value, at)
            yield _signed(n)


def _native(histogram):
    """Schema 5, spans 12, deltas 13: bucket i of schema s holds (2^((i - 1) / 2^s), 2^(i / 2^s)]."""
    base = math.pow(2, math.pow(2, -_signed(histogram[5][0])))
    deltas, index, n, out = _numbers(histogram[13]), 0, 0, []
    for span in histogram[12]:
        said = _fields(span)
        index += _signed(said.get(1, [0])[0])
        for _ in range(said[2][0]):
            n += next(deltas)
            out.append((base ** (index - 1), base ** index, n))
            index += 1
    return out
