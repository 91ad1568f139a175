# SPDX-License-Identifier: Apache-2.0
"""Runtime metrics of ddtrace and dd-trace-js."""
import pytest
import span_makers
from runtime_metrics import RuntimeMetrics

MANY = 1e12  # bytes, nanoseconds


def udp(port, _):
    return {"DD_DOGSTATSD_URL": f"udp://127.0.0.1:{port}", "DD_DOGSTATSD_HOSTNAME": "127.0.0.1", "DD_DOGSTATSD_PORT": str(port)}


def unix(_, path):
    return {"DD_DOGSTATSD_URL": f"unix://{path}"}


@pytest.mark.parametrize("over", [udp, unix])
def test_python(make_gate, sink, tmp_path, over):
    """It sends what it has when it ends."""
    with RuntimeMetrics(make_gate, sink, tmp_path, span_makers.python("newest"), over) as running:
        running.finish()
        running.assert_values({"runtime.python.mem.rss": ("exponential", "By", 10e6, 1e9), "runtime.python.thread_count": ("exponential", "", 1, 100),
                               "runtime.python.cpu.time.user": ("exponential", "s", 0, 100), "runtime.python.gc.count.gen0": ("exponential", "", 0, 10000)})
        running.assert_of_the_process("runtime.python.")


def test_node(make_gate, sink, tmp_path):
    client = span_makers.node("node")
    with RuntimeMetrics(make_gate, sink, tmp_path, (client[0], {**client[1], "DD_RUNTIME_METRICS_FLUSH_INTERVAL": "300"}), udp) as running:
        running.wait("runtime.node.mem.rss", "runtime.node.heap.used_size.by.space", "runtime.node.event_loop.delay.max")
        running.finish()
        running.assert_values({"runtime.node.mem.rss": ("gauge", "By", 10e6, 1e9), "runtime.node.process.uptime": ("gauge", "s", 0, 100),
                               "runtime.node.cpu.total": ("gauge", "%", 0, 1000), "runtime.node.event_loop.delay.max": ("gauge", "ns", 0, MANY),
                               "runtime.node.event_loop.delay.count": ("sum", "", 1, 10000)})
        assert {p.attributes["heap_space"] for p in running.named("runtime.node.heap.used_size.by.space")} >= {"new_space", "old_space"}
        running.assert_of_the_process("runtime.node.")
