# SPDX-License-Identifier: Apache-2.0
"""Every answer that a backend can give, and backends that stop, flap and cut: what was accepted is delivered, or counted as what it is."""
import contextlib
import pathlib
import signal
import subprocess
import sys

import pytest
from ddgate import free_port, grpc
from grpc import StatusCode
from http_sink import Cut, Status
from sending import QUICK, http, ids, send
from sinks import PATIENCE, Fail, GrpcSink

# docs/delivery.md, "Answers": tried again (a), or rejected (r).
GRPC = {"CANCELLED": "a", "UNKNOWN": "r", "INVALID_ARGUMENT": "r", "DEADLINE_EXCEEDED": "a", "NOT_FOUND": "a", "ALREADY_EXISTS": "r",
        "PERMISSION_DENIED": "a", "RESOURCE_EXHAUSTED": "a", "FAILED_PRECONDITION": "r", "ABORTED": "a", "OUT_OF_RANGE": "a",
        "UNIMPLEMENTED": "r", "INTERNAL": "r", "UNAVAILABLE": "a", "DATA_LOSS": "a", "UNAUTHENTICATED": "a"}
HTTP = {301: "a", 302: "a", 307: "a", 308: "a", 401: "a", 403: "a", 404: "a", 405: "a", 415: "a", 429: "a", 502: "a", 503: "a", 504: "a",
        **{code: "r" for code in (400, 402, 406, 408, 409, 410, 411, 412, 413, 414, 417, 418, 421, 422, 423, 424, 425, 426, 428, 431,
                                  451, 500, 501, 505, 506, 507, 508, 510, 511, 599)}}


def check(gate, sink, name, again):
    """One span met the code, another the backend at its best."""
    first = send(gate, 1)
    sink.wait(lambda s: s.requests, "the first request")
    later = send(gate, 1)
    wanted = ids(later) | (ids(first) if again else set())
    sink.wait(lambda s: wanted <= ids(s.spans), f"spans {wanted}")
    gate.stop(expect=0 if again else 3)
    rows = gate.ledger.exporter(name)
    assert ids(sink.spans) == wanted
    assert (rows["sent"], rows["rejected by the backend"]) == (len(wanted), 2 - len(wanted))
    return gate.stderr


def test_the_tables_are_whole():
    assert set(GRPC) == {c.name for c in StatusCode} - {"OK"}


@pytest.mark.parametrize("code", GRPC)
def test_grpc_status(make_gate, sink, code):
    sink.script(Fail(StatusCode[code], "these are its words"))
    said = check(make_gate(exporters=[grpc(sink, **QUICK)]), sink, "otlp_grpc", GRPC[code] == "a")
    assert GRPC[code] == "a" or "these are its words" in said


@pytest.mark.parametrize("code", HTTP)
def test_http_status(make_gate, http_sink, code):
    http_sink.script(Status(code, {"Content-Type": "text/plain"}, b"these are its words"))
    gate = make_gate(exporters=[http(http_sink, **QUICK)])
    said = check(gate, http_sink, "otlp_http", HTTP[code] == "a")
    assert HTTP[code] == "a" or "these are its words" in said


SINK = """
import sys
sys.path.insert(0, sys.argv[1])
from sinks import GrpcSink
sink = GrpcSink()
print(sink.port, flush=True)
for wanted in sys.stdin:
    print(len({s.span_id for s in sink.wait_spans(int(wanted))}), sink.count(), flush=True)
sink.close()
"""


@contextlib.contextmanager
def sink_of_its_own():
    """A backend in another process, so that it can be stopped."""
    with subprocess.Popen([sys.executable, "-c", SINK, str(pathlib.Path(__file__).parent)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        try:
            yield process, int(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


def test_a_backend_that_is_stopped(make_gate):
    """Its kernel takes connections and bytes, and nobody answers: half-open. Later it goes on where it was."""
    with sink_of_its_own() as (process, port):
        gate = make_gate(exporters=[dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", timeout="500ms", **QUICK)])
        send(gate, 2)
        print("2", file=process.stdin, flush=True)
        assert process.stdout.readline() == "2 2\n"
        process.send_signal(signal.SIGSTOP)
        for _ in range(10):
            send(gate, 2)
        gate.wait_stderr("warning exporter=otlp_grpc", PATIENCE)
        process.send_signal(signal.SIGCONT)
        print("22", file=process.stdin, flush=True)
        distinct = 0
        while distinct < 22:  # what timed out is sent again: at least once
            distinct = int(process.stdout.readline().split()[0])
            print("22", file=process.stdin, flush=True)
        assert distinct == 22
        gate.stop()
        assert gate.ledger.exporter()["sent"] == 22


def test_a_backend_that_flaps(make_gate):
    """Comes and goes on one port; what falls into a gap waits for the next time."""
    port, wanted, seen = free_port(), set(), set()
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", **QUICK)])
    for _ in range(4):
        wanted |= ids(send(gate, 2))
        sink = GrpcSink(port=port)
        wanted |= ids(send(gate, 2))
        sink.wait(lambda s: wanted <= ids(s.spans) | seen, "what was sent so far")  # pylint: disable=cell-var-from-loop
        seen |= ids(sink.spans)
        sink.close()
    gate.stop()
    assert seen == wanted and gate.ledger.exporter()["sent"] == 16


def test_connections_cut_in_the_middle(make_gate, http_sink):
    """Before the body is read, and after it was: both are sent again."""
    http_sink.script(Cut(before_body=True), Cut(), Cut(before_body=True), Cut())
    gate = make_gate(exporters=[http(http_sink, **QUICK)])
    spans = send(gate, 5)
    http_sink.wait(lambda s: ids(spans) <= ids(s.spans), "the spans")
    gate.stop()
    assert gate.ledger.exporter("otlp_http")["sent"] == 5


def test_one_resource_too_large(make_gate, make_sink):
    """Halved down to the span that is too large, which alone is rejected."""
    sink = make_sink(max_message=64 << 10)
    gate = make_gate(exporters=[grpc(sink, compression="none", batch={"delay": "300ms"})])
    good = send(gate, 30, meta={"env": "test", "text": "x" * 300})
    send(gate, 1, meta={"env": "test", "text": "x" * (100 << 10)}, service="large")
    good += send(gate, 30, meta={"env": "test", "text": "x" * 300})
    sink.wait(lambda s: ids(good) <= ids(s.spans), "the spans that fit")
    gate.stop(expect=3)
    rows = gate.ledger.exporter()
    assert (rows["sent"], rows["rejected by the backend"]) == (60, 1)
