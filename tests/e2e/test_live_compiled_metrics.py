# SPDX-License-Identifier: Apache-2.0
"""Runtime metrics of dd-trace-go and dd-java-agent (whose JMXFetch sends them), and a real backend behind the gateway: a collector that Prometheus reads."""
import pytest
import span_makers
from collector import Collector
from runtime_metrics import RuntimeMetrics
from test_dogstatsd import gateway
from test_live_runtime_metrics import udp

HUGE = 1e12


def test_java(make_gate, sink, tmp_path):
    client = span_makers.java(DD_JMXFETCH_CHECK_PERIOD="1000", DD_JMXFETCH_REFRESH_BEANS_PERIOD="2")
    with RuntimeMetrics(make_gate, sink, tmp_path, client, udp) as running:
        running.wait("jvm.heap_memory", "jvm.thread_count", "jvm.gc.old_gen_size", "jvm.buffer_pool.direct.used")
        running.finish()
        running.assert_values({"jvm.heap_memory": ("gauge", "By", 1e6, 8e9), "jvm.heap_memory_max": ("gauge", "By", 1e7, HUGE),
                               "jvm.thread_count": ("gauge", "", 2, 1000), "jvm.loaded_classes": ("gauge", "", 500, 1e6),
                               "jvm.gc.old_gen_size": ("gauge", "By", 0, 8e9), "jvm.cpu_load.process": ("gauge", "", 0, 1)})
        running.assert_of_the_process("jvm.")


def by_info(*_):
    """The port that /info names."""
    return {}


def test_go(make_gate, sink, tmp_path):
    with RuntimeMetrics(make_gate, sink, tmp_path, span_makers.go("go-2"), by_info) as running:
        running.wait("runtime.go.num_goroutine", "runtime.go.metrics.sched_latencies.seconds")
        running.finish()
        running.assert_values({"runtime.go.num_goroutine": ("gauge", "", 2, 1000), "runtime.go.mem_stats.heap_alloc": ("gauge", "By", 1e5, 1e9),
                               "runtime.go.num_cpu": ("gauge", "", 1, 1024), "runtime.go.metrics.sched_latencies.seconds": ("exponential", "s", 0, 60),
                               "runtime.go.metrics.sched_latencies.seconds.p95": ("gauge", "s", 0, 60),
                               "runtime.go.metrics.memory_classes_total.bytes": ("gauge", "By", 1e6, 1e9),
                               "datadog.tracer.spans_started": ("sum", "", 0, 1000)})
        running.assert_of_the_process("runtime.go.")
        assert sum(p.value for p in running.named("datadog.tracer.spans_finished")) == 3


@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_what_prometheus_reads(tmp_path, temporality):
    """Counters only grow, a gauge is the last value, a distribution is a native histogram whose buckets hold the values."""
    tags, values = "service:shop,env:production,route:/cart", [n / 100 for n in range(1, 101)]
    with Collector(tmp_path) as collector, gateway(tmp_path, collector, interval="1s", temporality=temporality) as (_, sender):
        def read(name):
            family = collector.scrape().get(name)
            return {s.name.removeprefix(name): s.value for s in family.samples} if family else {}
        seen = []
        for n in range(1, 4):
            sender.send(*[f"page.views:2|c|#{tags}"] * 50, f"queue.depth:{n}|g|#{tags}", *(f"checkout.duration.seconds:{v}|d|#{tags}" for v in values))
            collector.wait(lambda n=n: seen.append(read("page_views").get("_total", 0)) or seen[-1] >= 100 * n)
        assert seen == sorted(seen) and seen[-1] == 300
        collector.wait(lambda: read("queue_depth") == {"": 3})
        collector.wait(lambda: read("checkout_duration_seconds").get("_count") == 300)
        got = read("checkout_duration_seconds")
        assert (got["_sum"], got["_bucket"]) == (pytest.approx(3 * sum(values)), 300)
        [sample] = collector.scrape()["page_views"].samples
        assert sample.labels.items() >= {"job": "shop", "deployment_environment_name": "production", "route": "/cart"}.items()
        buckets = [(low, high, n) for low, high, n in collector.native("checkout_duration_seconds") if n]
        for low, high, n in buckets:
            assert n == 3 * sum(low < v <= high for v in values), (low, high)
            assert high / low < 1.05
        assert sum(n for *_, n in buckets) == 300
