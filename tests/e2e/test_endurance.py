# SPDX-License-Identifier: Apache-2.0
"""Full rate at a backend that takes nothing, and a backend that comes and goes: memory and descriptors stay within their bounds, every client is
told the truth, and all that was accepted arrives.

DDGATE_SOAK=1 runs the long form (make soak): a minute of the one, ten of the other."""
import os
import pathlib
import resource
import threading
import time

import pytest
from ddgate import SANITIZED, grpc
from grpc import StatusCode
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2
from payloads import trace, v04
from sinks import GrpcSink

SOAK = os.environ.get("DDGATE_SOAK") == "1"
RATE = 4000 if SANITIZED else 40000  # spans a second
QUICK = {"batch": {"delay": "50ms"}, "retry": {"initial": "10ms", "max": "50ms"}}


class Tally(GrpcSink):
    """Counts spans; stalls until released, and answers UNAVAILABLE while `away`."""

    def __init__(self, stalled):
        super().__init__()
        self.n = 0
        self.away = False
        if not stalled:
            self.release()

    def Export(self, request, context):  # pylint: disable=invalid-name
        self._released.wait(600)
        if self.away:
            context.abort(StatusCode.UNAVAILABLE, "away")
        with self._changed:
            self.n += sum(len(scope.spans) for r in request.resource_spans for scope in r.scope_spans)
            self._changed.notify_all()
        return trace_service_pb2.ExportTraceServiceResponse()

    def wait_n(self, n, timeout):
        self.wait(lambda s: s.n >= n, f"{n} spans, {self.n} came", timeout)


@pytest.fixture
def tally():
    made = []

    def make(stalled=False):
        made.append(Tally(stalled))
        return made[-1]
    yield make
    for sink in made:
        sink.close()


def resident(gate):
    return int(pathlib.Path(f"/proc/{gate.process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def descriptors(gate):
    return len(list(pathlib.Path(f"/proc/{gate.process.pid}/fd").iterdir()))


BODIES = [(400, v04(*(trace(40, meta={"env": "test", "_dd.p.tid": "64f0a1b200000000", "text": "x" * 400}) for _ in range(10)))) for _ in range(8)]


def load(gate, rate, until, often=lambda: None):
    """Spans accepted and refused; `often` is called ten times a second."""
    accepted = refused = sent = 0
    connection, began, pause = gate.connection(), time.monotonic(), threading.Event()
    ticks = 0
    while (now := time.monotonic()) < until:
        n, body = BODIES[sent % len(BODIES)]
        answer = gate.put("/v0.4/traces", body, connection=connection)
        assert answer.status in (200, 429), answer
        accepted += n if answer.status == 200 else 0
        refused += n if answer.status == 429 else 0
        sent += 1
        if now - began > ticks / 10:
            ticks += 1
            often()
        pause.wait(max(0, began + sent * n / rate - time.monotonic()))
    return accepted, refused


@pytest.mark.parametrize("disk", [False, True], ids=["memory", "disk"])
def test_full_rate_at_a_stalled_backend(make_gate, tmp_path, tally, disk):
    sink, peak, seconds = tally(stalled=True), [0], 60 if SOAK else 5
    settings = {"storage": {"directory": tmp_path / "queue"}} if disk else {}
    gate = make_gate(exporters=[grpc(sink, compression="none", timeout="10m", queue_size="64MiB" if SOAK else "16MiB", **QUICK)], settings=settings)

    def watch():
        peak[0] = max(peak[0], resident(gate))
    accepted, refused = load(gate, RATE, time.monotonic() + seconds, watch)
    assert accepted + refused > RATE * seconds / 4
    sink.release()
    sink.wait_n(accepted, timeout=600)
    watch()
    gate.stop()
    assert sink.n == accepted == gate.ledger.exporter()["sent"]
    assert gate.ledger.intake()["refused", "queue_full"] == refused
    assert bool(refused) != disk or SANITIZED
    assert SANITIZED or peak[0] < 150 << 20, peak
    print(f"{accepted} spans accepted and delivered, {refused} refused, {peak[0] >> 20} MiB at most")


def test_a_backend_that_comes_and_goes(make_gate, tmp_path, tally):
    """Nothing grows: what is resident and open in the last quarter is what it was in the second one."""
    sink, seconds = tally(), 600 if SOAK else 12
    gate = make_gate(exporters=[grpc(sink, **QUICK)], settings={"storage": {"directory": tmp_path / "queue", "max_size": "256MiB"}})
    began, samples = time.monotonic(), []

    def sway():
        gone = time.monotonic() - began
        sink.away = gone % 2 > 1
        samples.append((gone / seconds, resident(gate), descriptors(gate)))
    accepted, refused = load(gate, RATE / 8, began + seconds, sway)
    sink.away = False
    sink.wait_n(accepted, timeout=60)
    gate.stop()
    assert not refused and sink.n == accepted == gate.ledger.exporter()["sent"]
    early = [s for s in samples if 0.25 <= s[0] < 0.5]
    late = [s for s in samples if s[0] >= 0.75]
    assert SANITIZED or max(s[1] for s in late) < max(s[1] for s in early) * 1.1 + (4 << 20)
    assert max(s[2] for s in late) <= max(s[2] for s in early) + 2
    print(f"{accepted} spans, resident {max(s[1] for s in early) >> 20} and {max(s[1] for s in late) >> 20} MiB, {late[-1][2]} descriptors")
