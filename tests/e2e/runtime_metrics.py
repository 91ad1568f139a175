# SPDX-License-Identifier: Apache-2.0
"""DD_RUNTIME_METRICS_ENABLED=true: what a tracer says of its process by DogStatsD arrives as OTLP, of the resource that its spans have.

    with RuntimeMetrics(make_gate, sink, directory, client) as running:
        running.wait("runtime.go.num_goroutine")
        running.assert_of_the_process("go")
"""
from ddgate import conf_text, free_port
from metric_sink import MetricSink
from span_makers import SpanMaker
from test_dogstatsd import udp_port

SETTINGS = {"DD_RUNTIME_METRICS_ENABLED": "true", "DD_RUNTIME_METRICS_RUNTIME_ID_ENABLED": "true"}


class RuntimeMetrics:
    """`over`: the variables that lead the tracer to the gateway's DogStatsD, of its port and its socket."""

    def __init__(self, make_gate, sink, directory, client, over):
        self.sink, self.metrics = sink, MetricSink()
        port, path, trace_port = udp_port(), directory / "dsd.socket", free_port()
        receivers = ({"type": "ddtrace", "listen": [f"127.0.0.1:{trace_port}"], "socket": ""},
                     {"type": "dogstatsd", "listen": [f"127.0.0.1:{port}"], "socket": path, "interval": "1s"})
        exporters = ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "traces", "signals": ["traces"]},
                     {"type": "otlp_grpc", "endpoint": self.metrics.endpoint, "name": "metrics", "signals": ["metrics"]})
        self.gate = make_gate(conf=conf_text({"receivers": receivers, "exporters": exporters, "admin": {"listen": "127.0.0.1:0"}}), port=trace_port)
        command, variables = client
        self.maker = SpanMaker(directory, command, {**SETTINGS, **variables, **over(port, path)}, self.gate, "tcp")
        self.maker.make()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.maker.kill()
        self.metrics.__exit__()

    def wait(self, *names):
        self.metrics.wait(lambda s: {p.name for p in s.points} >= set(names), f"points of {names}", timeout=30)

    def finish(self):
        """The program ends by itself; the gateway is stopped, and read no line that is not well-formed."""
        self.maker.finish()
        self.gate.stop()
        assert "not well-formed" not in self.gate.stderr
        self.maker.assert_quiet()

    def named(self, name):
        points = self.metrics.named(name)
        assert points, sorted({p.name for p in self.metrics.points})
        return points

    def assert_values(self, wanted):
        """{name: (kind, unit, least, most)}: a histogram by its extremes."""
        for name, (kind, unit, least, most) in wanted.items():
            for p in self.named(name):
                assert (p.kind, p.unit) == (kind, unit), p
                low, high = (p.value.min, p.value.max) if kind == "exponential" else (p.value, p.value)
                assert least <= low <= high <= most, p

    def assert_of_the_process(self, prefix):
        """Service, environment, version and the id of the process: as on its spans."""
        [span] = {(s.service, s.resource["deployment.environment.name"], s.resource["service.version"], s.resource["service.instance.id"],
                   s.resource["host.name"]) for s in self.sink.spans}
        points = [p for p in self.metrics.points if p.name.startswith(prefix)]
        assert {(p.resource["service.name"], p.resource["deployment.environment.name"], p.resource["service.version"],
                 p.resource["service.instance.id"], p.resource["host.name"]) for p in points} == {span}
