# SPDX-License-Identifier: Apache-2.0
"""Option span_metrics: spans become the metric of their durations before anything is sampled, each once, weighted by what tracers say they
dropped; nothing is lost when a backend is away, at a reload, or at a stop. Points are read by opentelemetry-proto."""
import collections

import pytest
from agent_payload import agent_payload, tracer_payload
from ddgate import MSGPACK, Ddgate, grpc
from metric_sink import MetricSink
from payloads import span, v04, v04_json, v05, v07
from test_admin import pick, samples
from test_reload import reload
from v10 import encode as v10

METRIC = "traces.span.sdk.metrics.duration"
JSON = {"Content-Type": "application/json"}
PROTOBUF = {"Content-Type": "application/x-protobuf"}


@pytest.fixture
def metrics():
    with MetricSink() as s:
        yield s


def both(sink, metrics, **options):
    """Traces to one backend, metrics to another."""
    return [grpc(sink, name="traces", signals=["traces"]),
            grpc(metrics, name="metrics", signals=["metrics"], batch={"delay": "5ms"}, **options)]


def counting(**options):
    return {"span_metrics": {"interval": "1s", **options}}


def request(service="shop", resource="GET /cart", **fields):
    """The top span of a service."""
    meta = {"env": "prod", "span.kind": "server", **fields.pop("meta", {})}
    numbers = {"_dd.top_level": 1.0, "_sampling_priority_v1": 1.0, **fields.pop("metrics", {})}
    return span(service=service, name="web.request", resource=resource, type="web", meta=meta, metrics=numbers, **fields)


def send(gate, *spans, headers=None, path="/v0.4/traces", pack=v04, status=200):
    answer = gate.put(path, pack(*[[s] for s in spans]), {**MSGPACK, **(headers or {})})
    assert answer.status == status


def counts(metrics, *attributes):
    """How many spans, by these attributes of points or resources."""
    out = collections.Counter()
    for p in metrics.named(METRIC):
        assert (p.kind, p.temporality, p.unit, p.scope) == ("exponential", "delta", "s", "datadog")
        out[tuple({**p.resource, **p.attributes}[a] for a in attributes)] += p.value.count
    return dict(out)


def row(gate, name, **labels):
    """Of /metrics; it is there, also when it is zero."""
    found = samples(gate)
    assert (f"ddgate_ddtrace_span_metrics_{name}", frozenset({"receiver": "ddtrace", **labels}.items())) in found
    return pick(found, f"ddgate_ddtrace_span_metrics_{name}", receiver="ddtrace", **labels)


def wait(metrics, n):
    metrics.wait(lambda s: sum(p.value.count for p in s.named(METRIC)) >= n, f"{n} spans in points")


def test_one_trace_in_a_hundred_is_kept_and_all_are_counted(make_gate, sink, metrics):
    gate = make_gate(receiver={"sampling": {"rates": {"*": 0.01}}, **counting()}, exporters=both(sink, metrics))
    spans = [request(error=int(n % 20 == 0), duration=(n % 10 + 1) * 10 ** 7) for n in range(4000)]
    for at in range(0, 4000, 100):
        send(gate, *spans[at:at + 100])
    wait(metrics, 4000)
    gate.stop()
    assert 10 <= len(sink.spans) <= 90
    assert counts(metrics, "status.code") == {("STATUS_CODE_OK",): 3800, ("STATUS_CODE_ERROR",): 200}
    assert sum(p.value.sum for p in metrics.named(METRIC)) == pytest.approx(sum(s["duration"] for s in spans) / 1e9)
    [median] = {round(p.value.quantile(0.5), 2) for p in metrics.named(METRIC) if p.value.count > 1000} or {0.05}
    assert 0.04 <= median <= 0.07


def test_a_tracer_that_samples_and_sends_what_it_rejects(make_gate, sink, metrics):
    """DD_TRACE_SAMPLE_RATE=0.01: the rejected ones come with priority -1."""
    gate = make_gate(receiver=counting(), exporters=both(sink, metrics))
    kept = [request(metrics={"_dd.rule_psr": 0.01, "_sampling_priority_v1": 2.0}) for _ in range(3)]
    rejected = [request(metrics={"_dd.rule_psr": 0.01, "_sampling_priority_v1": -1.0}) for _ in range(297)]
    send(gate, *kept, *rejected)
    wait(metrics, 300)
    gate.stop()
    assert counts(metrics, "service.name") == {("shop",): 300}
    assert len(sink.spans) == 3


def test_a_tracer_that_keeps_what_it_rejects_to_itself(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(), exporters=both(sink, metrics))
    send(gate, *[request(metrics={"_dd.rule_psr": 0.01}) for _ in range(3)], request("jobs", metrics={"_dd.rule_psr": 1.0}),
         headers={"Datadog-Client-Dropped-P0-Traces": "297", "Datadog-Client-Dropped-P0-Spans": "900"})
    send(gate, *[request("old", metrics={"_sample_rate": 0.01}) for _ in range(2)])
    send(gate, request("jobs", metrics={"_dd.rule_psr": 1.0}), headers={"Datadog-Client-Dropped-P0-Traces": "5"})
    wait(metrics, 502)
    assert row(gate, "unattributed_traces_total") == 5
    gate.stop()
    assert counts(metrics, "service.name") == {("shop",): 300, ("jobs",): 2, ("old",): 200}


def test_every_format_counts_alike(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(), exporters=both(sink, metrics))
    formats = [("/v0.4/traces", v04, MSGPACK), ("/v0.3/traces", v04, MSGPACK), ("/v0.4/traces", v04_json, JSON), ("/v0.2/traces", v04_json, JSON),
               ("/v0.5/traces", v05, MSGPACK), ("/v0.7/traces", v07, MSGPACK), ("/v1.0/traces", v10, MSGPACK),
               ("/v0.1/spans", lambda *chunks: v04_json(*[s for chunk in chunks for s in chunk]), JSON)]
    for number, (path, pack, kind) in enumerate(formats):
        for _ in range(4):  # what comes again is translated by its plan
            inner = request(parent_id=1, service="db", resource="SELECT", error=1, meta={"span.kind": "client", "db.name": "shop", "format": str(number)})
            send(gate, request(meta={"http.method": "GET", "http.status_code": "200", "http.route": "/cart"}, resource=f"GET /{number}"),
                 {**inner, "resource": f"SELECT a{number}"}, headers=kind, path=path, pack=pack)
    wait(metrics, 8 * len(formats))
    gate.stop()
    names = counts(metrics, "span.name")
    assert names == {(name,): 4 for n in range(len(formats)) for name in (f"GET /{n}", f"SELECT a{n}")}
    alike = {tuple((k, v) for k, v in sorted(p.attributes.items()) if k != "span.name") for p in metrics.named(METRIC)}
    assert len(alike) == 2, "the same attributes from every format"
    assert ("db.namespace", "shop") in {pair for one in alike for pair in one}


def test_no_span_counts_twice(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(), exporters=both(sink, metrics))
    send(gate, *[request("computes")] * 3, headers={"Datadog-Client-Computed-Stats": "true", "Datadog-Client-Dropped-P0-Traces": "7"})
    agents = agent_payload(tracer_payload([request("agent")]), tracer_payload([request("lambda", meta={"_dd.compute_stats": "1"})]))
    assert gate.put("/api/v0.2/traces", agents, PROTOBUF).status == 200
    body = v07([request("payload")], tags={"_dd.stats_computed": "true"})
    assert gate.put("/v0.7/traces", body, MSGPACK).status == 200
    send(gate, request("open", metrics={"_dd.partial_version": 1.0}), request("open", metrics={"_dd.was_long_running": 1.0}))
    send(gate, request("refused"), {"service": "refused"}, pack=lambda *c: v04(*c)[:-1], status=400)
    wait(metrics, 2)
    gate.stop()
    assert counts(metrics, "service.name") == {("lambda",): 1, ("open",): 1}


def test_spans_count_where_statistics_are_not_taken(make_gate, sink, metrics):
    """Nobody else does then: neither what tracers have counted themselves nor what agents have arrives."""
    gate = make_gate(receiver={**counting(), "client_stats": "never"}, exporters=both(sink, metrics))
    kept = [request("computes", metrics={"_dd.rule_psr": 0.1, "_sampling_priority_v1": 2.0})] * 3
    send(gate, *kept, headers={"Datadog-Client-Computed-Stats": "true", "Datadog-Client-Dropped-P0-Traces": "27"})
    body = v07([request("payload")], tags={"_dd.stats_computed": "true"})
    assert gate.put("/v0.7/traces", body, MSGPACK).status == 200
    assert gate.put("/api/v0.2/traces", agent_payload(tracer_payload([request("agent")])), PROTOBUF).status == 200
    wait(metrics, 32)
    gate.stop()
    assert counts(metrics, "service.name") == {("computes",): 30, ("payload",): 1, ("agent",): 1}


def test_which_spans_and_which_attributes(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(dimensions=["tenant"], exclude=["datadog.is_trace_root"]), exporters=both(sink, metrics))
    root = request(meta={"tenant": "t1", "version": "3", "runtime-id": "rt-1"}, metrics={"process_id": 7.0})
    inner = span(trace_id=root["trace_id"], parent_id=root["span_id"], name="inner", metrics={})
    measured = span(trace_id=root["trace_id"], parent_id=root["span_id"], name="measured", metrics={"_dd.measured": 1.0})
    assert gate.put("/v0.4/traces", v04([root, inner, measured]),
                    {**MSGPACK, "Datadog-Client-Computed-Top-Level": "yes", "Datadog-Meta-Lang": "python"}).status == 200
    wait(metrics, 2)
    gate.stop()
    by_name = {p.attributes["datadog.operation.name"]: p for p in metrics.named(METRIC)}
    assert set(by_name) == {"web.request", "measured"}
    point, [exported] = by_name["web.request"], [s for s in sink.spans if s.attrs["operation.name"] == "web.request"]
    assert point.resource == exported.resource
    assert point.attributes["tenant"] == "t1" and "datadog.is_trace_root" not in point.attributes


def test_buckets(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(buckets=["10ms", "100ms", "1s"]), exporters=both(sink, metrics))
    send(gate, *[request(duration=ms * 10 ** 6) for ms in (1, 10, 11, 100, 500, 5000, 6000)], request(metrics={"_sample_rate": 0.1}, duration=10 ** 9))
    metrics.wait(lambda s: sum(p.value.count for p in s.points) == 17, "all points")
    gate.stop()
    assert {p.kind for p in metrics.points} == {"histogram"} and {p.attributes["status.code"] for p in metrics.points} == {"STATUS_CODE_OK"}
    assert {tuple((low, high) for low, high, _ in p.value.buckets) for p in metrics.points} == {
        ((-float("inf"), 0.01), (0.01, 0.1), (0.1, 1.0), (1.0, float("inf")))}
    assert [sum(n) for n in zip(*[[n for *_, n in p.value.buckets] for p in metrics.points])] == [2, 2, 11, 2]
    assert sum(p.value.sum for p in metrics.points) == pytest.approx(11.622 + 10)
    assert (min(p.value.min for p in metrics.points), max(p.value.max for p in metrics.points)) == (0.001, 6.0)


@pytest.mark.parametrize("options, complaint", [
    ({"buckets": ["10ms", "5ms"]}, '"5ms" is not above the bound before it'),
    ({"buckets": ["0.5"]}, '"0.5" is not a duration'),
    ({"dimensions": [f"d{n}" for n in range(17)]}, "has 17 tags; there may be 16"),
    ({"interval": "1ms"}, "span_metrics.interval")])
def test_mistakes_end_the_start(tmp_path, options, complaint):
    gate = Ddgate(tmp_path, receiver=counting(**options))
    assert gate.process.wait(30) == 2
    assert complaint in gate.stderr


def test_only_where_an_exporter_asked(make_gate, sink, metrics):
    silent = make_gate(receiver=counting(), exporters=[grpc(sink)])
    send(silent, request())
    assert row(silent, "spans_total") == 0
    silent.stop()
    never = make_gate(receiver=counting(when="never"), exporters=both(sink, metrics))
    send(never, request())
    never.stop()
    assert not metrics.points
    always = make_gate(receiver=counting(when="always"), exporters=[{"type": "stdout", "format": "otlp_json"}])
    send(always, request())
    always.stop()
    assert METRIC in always.stdout


def test_bounded_series(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(max_series=10), exporters=both(sink, metrics))
    send(gate, *[request(resource=f"GET /{n}") for n in range(100)])
    send(gate, *[request(resource="GET /3") for n in range(5)])
    wait(metrics, 15)
    assert row(gate, "dropped_spans_total", reason="max_series") == 90
    assert (row(gate, "spans_total"), row(gate, "series")) == (15, 10)
    gate.stop()
    assert len(counts(metrics, "span.name")) == 10


def test_what_came_goes_out_at_a_stop(make_gate, sink, metrics):
    gate = make_gate(receiver=counting(interval="10m"), exporters=both(sink, metrics))
    for _ in range(50):
        send(gate, *[request(resource="GET /stop")] * 3)
    gate.stop()
    assert counts(metrics, "span.name") == {("GET /stop",): 150}


@pytest.mark.parametrize("change", [{"interval": "1s"}, {"dimensions": ["x"]}, {"max_series": 5}, {"when": "always"}])
def test_a_reload_loses_nothing(make_gate, sink, metrics, change):
    exporters = both(sink, metrics)
    gate = make_gate(receiver=counting(interval="10m"), exporters=exporters)
    send(gate, *[request()] * 7)
    reload(gate, receivers=[counting(**{"interval": "10m", **change})], exporters=exporters)
    send(gate, *[request()] * 5)
    gate.stop()
    assert counts(metrics, "service.name") == {("shop",): 12}


def test_a_reload_that_ends_them_sends_what_came(make_gate, sink, metrics):
    exporters = both(sink, metrics)
    gate = make_gate(receiver=counting(interval="10m"), exporters=exporters)
    send(gate, *[request()] * 7)
    reload(gate, receivers=[counting(when="never")], exporters=exporters)
    send(gate, *[request()] * 5)
    wait(metrics, 7)
    gate.stop()
    assert counts(metrics, "service.name") == {("shop",): 7}


def test_a_backend_that_is_away_costs_nothing(make_gate, sink, metrics):
    """The queue is full of points: those that come wait in the store, and are added up."""
    metrics.hold()
    gate = make_gate(receiver=counting(), exporters=both(sink, metrics, queue_size="1MiB", in_flight=1, when_full="reject"))
    total = 0
    while "points wait" not in gate.stderr:
        send(gate, *[request(resource=f"GET /{n:0900d}") for n in range(200)])
        total += 200
    metrics.release()
    wait(metrics, total)
    gate.stop()
    assert sum(counts(metrics, "span.name").values()) == total
