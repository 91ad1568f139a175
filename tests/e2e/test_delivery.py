# SPDX-License-Identifier: Apache-2.0
"""What becomes of accepted spans when the backend is slow, away, unwilling, or wants to know who is asking."""
import signal
import time

import pytest
from ddgate import free_port, grpc
from grpc import StatusCode
from payloads import span, trace, v04
from sending import QUICK, ids, send
from sinks import Delay, Fail, Partial, Stall


@pytest.fixture
def quick(make_gate, sink):
    return make_gate(exporters=[grpc(sink, **QUICK)])


def test_headers_go_with_every_request(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, headers={"x-one": "1"}, **QUICK)])
    send(gate)
    sink.wait_spans(3)
    assert sink.requests[0].metadata["x-one"] == "1"
    assert "ddgate" in sink.requests[0].metadata["user-agent"]


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED, StatusCode.ABORTED, StatusCode.CANCELLED,
                                  StatusCode.OUT_OF_RANGE, StatusCode.DATA_LOSS])
def test_what_otlp_calls_retryable_is_retried(quick, sink, code):
    sink.script(Fail(code), Fail(code))
    spans = send(quick)
    sink.wait_spans(3)
    quick.stop()
    assert ids(sink.spans) == ids(spans) and sink.count() == 3
    assert len(sink.requests) == 3 and quick.ledger.exporter()["sent"] == 3


@pytest.mark.parametrize("code", [StatusCode.INVALID_ARGUMENT, StatusCode.UNIMPLEMENTED, StatusCode.INTERNAL, StatusCode.ALREADY_EXISTS])
def test_what_otlp_calls_permanent_is_not(make_gate, sink, code):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    sink.script(Fail(code, "I do not want this"))
    send(gate, 3)
    sink.wait(lambda s: s.requests, "the first request")
    later = send(gate, 2)
    sink.wait_spans(2)
    gate.stop(expect=3)
    assert ids(sink.spans) == ids(later) and len(sink.requests) == 2
    assert gate.ledger.exporter()["rejected by the backend"] == 3
    assert "I do not want this" in gate.stderr


def test_retry_info_is_obeyed(quick, sink):
    sink.script(Fail(StatusCode.RESOURCE_EXHAUSTED, "slowly", retry_after=1.0))
    send(quick)
    sink.wait_spans(3)
    assert sink.requests[1].at - sink.requests[0].at >= 1.0


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED])
def test_a_pushback_is_obeyed(quick, sink, code):
    sink.script(Fail(code, "slowly", pushback="1000"))
    send(quick)
    sink.wait_spans(3)
    assert sink.requests[1].at - sink.requests[0].at >= 1.0 and len(sink.requests) == 2


@pytest.mark.parametrize("wait", [dict(retry_after=3600), dict(retry_after=2 ** 33), dict(pushback="9223372036854775807")])
def test_a_try_is_made_before_the_data_expires_whatever_is_asked_for(make_gate, sink, wait):
    sink.script(Fail(StatusCode.UNAVAILABLE, **wait))
    gate = make_gate(exporters=[grpc(sink, max_age="2s", **QUICK)])
    spans = send(gate, 200)
    sink.wait_spans(200)
    gate.stop()
    assert ids(sink.spans) == ids(spans) and len(sink.requests) == 2
    assert gate.ledger.exporter()["sent"] == 200


def test_too_large_is_split(make_gate, make_sink):
    """A server that refuses the message's size says RESOURCE_EXHAUSTED without RetryInfo; here a real one, with a bound of 64 KiB."""
    sink = make_sink(max_message=64 << 10)
    gate = make_gate(exporters=[grpc(sink, compression="none", batch={"delay": "1s"})])
    spans = [s for _ in range(10) for s in send(gate, 20, meta={"env": "test", "text": "x" * 600})]
    sink.wait_spans(200)
    assert ids(sink.spans) == ids(spans) and sink.count() == 200


def test_partial_success_is_counted_and_not_retried(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    sink.script(Partial(2, "two are too old"))
    send(gate, 5)
    sink.wait_spans(5)
    later = send(gate, 1)
    sink.wait(lambda s: ids(later) <= ids(s.spans), "the next request")
    gate.stop(expect=3)
    assert len(sink.requests) == 2
    assert (gate.ledger.exporter()["sent"], gate.ledger.exporter()["rejected by the backend"]) == (4, 2)
    assert "two are too old" in gate.stderr


def test_a_backend_that_comes_back_gets_everything(make_gate, make_sink):
    port = free_port()
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{port}", **QUICK)])
    spans = [s for _ in range(5) for s in send(gate)]
    gate.wait_stderr("warning exporter=otlp_grpc")  # it has said that the backend is away
    sink = make_sink(port=port)
    sink.wait_spans(15)
    assert ids(sink.spans) == ids(spans) and sink.count() == 15


def test_in_flight_requests_do_not_wait_for_one_another(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, in_flight=4, batch={"delay": "0s", "items": 1})])
    sink.script(Stall())
    send(gate, 1)
    sink.wait(lambda s: s.requests, "the stalled request")
    later = send(gate, 1)
    sink.wait(lambda s: ids(later) <= ids(s.spans), "a request that overtakes the stalled one")
    sink.release()
    sink.wait_spans(2)


def test_a_dead_backend_stalls_only_its_own_queue(make_gate, make_sink):
    dead, alive = make_sink(), make_sink()
    dead.script(*[Stall()] * 16)
    gate = make_gate(exporters=[grpc(dead, name="dead", **QUICK), grpc(alive, name="alive", **QUICK)])
    for n in range(1, 11):
        send(gate, 2)
        alive.wait_spans(2 * n)
    dead.release()
    dead.wait_spans(20)
    gate.stop()
    assert gate.ledger.exporter("dead")["sent"] == gate.ledger.exporter("alive")["sent"] == 20


def test_a_full_queue_answers_429_and_nothing_accepted_is_lost(make_gate, sink):
    sink.script(*[Stall()] * 8)
    gate = make_gate(exporters=[grpc(sink, queue_size="1MiB", when_full="reject", timeout="5m", **QUICK)])
    accepted, refused = [], 0
    for _ in range(400):
        spans = trace(20, meta={"env": "test", "text": "x" * 500})
        answer = gate.put("/v0.4/traces", v04(spans))
        assert answer.status in (200, 429), answer
        if answer.status == 429:
            refused += len(spans)
            assert int(answer.headers["retry-after"]) >= 1
            break
        accepted += spans
    assert refused, "8000 spans fit into a queue of 1 MiB"
    sink.release()
    sink.wait_spans(len(accepted))
    gate.stop()
    assert ids(sink.spans) == ids(accepted) and sink.count() == len(accepted)
    assert gate.ledger.intake()["refused", "queue_full"] == refused


def test_drop_oldest_never_refuses(make_gate, sink):
    sink.script(*[Stall()] * 8)
    gate = make_gate(exporters=[grpc(sink, queue_size="1MiB", when_full="drop_oldest", timeout="5m", **QUICK)])
    sent = [s for _ in range(200) for s in send(gate, 20, meta={"env": "test", "text": "x" * 500})]
    sink.release()
    sink.wait(lambda s: ids(sent[-20:]) <= ids(s.spans), "the newest spans")
    gate.stop(expect=3)
    assert gate.ledger.exporter()["dropped", "queue_evicted"] == len(sent) - sink.count() > 0


def test_sigterm_drains(make_gate, sink):
    """What was accepted is delivered although SIGTERM comes first; nothing new is taken."""
    sink.script(Delay(0.5), Delay(0.5))
    gate = make_gate(exporters=[grpc(sink, batch={"delay": "10s"})])
    spans = send(gate, 40)
    gate.stop()
    assert ids(sink.spans) == ids(spans) and gate.ledger.exporter()["sent"] == 40


def test_sigint_does_the_same(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink, batch={"delay": "10s"})])
    spans = send(gate, 4)
    gate.signal(signal.SIGINT)
    assert gate.process.wait(30) == 0
    assert ids(sink.spans) == ids(spans)


def test_what_cannot_be_delivered_is_said(make_gate):
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoint=f"http://127.0.0.1:{free_port()}", **QUICK)], settings={"shutdown_timeout": "300ms"})
    send(gate, 7)
    began = time.monotonic()
    gate.stop(expect=3)
    assert time.monotonic() - began < 10
    assert gate.ledger.exporter()["dropped", "shutdown"] == 7


def test_tls_with_its_own_authority(make_gate, make_sink, authority):
    server = authority.issue("server")
    sink = make_sink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[grpc(sink, tls={"ca": str(authority.path)}, **QUICK)])
    spans = send(gate)
    sink.wait_spans(3)
    assert ids(sink.spans) == ids(spans)


def test_tls_with_a_client_certificate_and_another_name(make_gate, make_sink, authority):
    server, client = authority.issue("elsewhere", hosts=("backend.example",), addresses=()), authority.issue("client")
    sink = make_sink(tls=(server.key, server.cert, authority.cert))
    tls = {"ca": str(authority.path), "cert": str(client.cert_path), "key": str(client.key_path), "server_name": "backend.example"}
    gate = make_gate(exporters=[grpc(sink, tls=tls, **QUICK)])
    send(gate)
    sink.wait_spans(3)


def test_an_unknown_authority_is_not_trusted(make_gate, make_sink, authority):
    server = authority.issue("stranger")
    sink = make_sink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[grpc(sink, **QUICK)], settings={"shutdown_timeout": "300ms"})
    send(gate)
    gate.wait_stderr("warning exporter=otlp_grpc")
    gate.stop(expect=3)
    assert sink.count() == 0 and "certificate" in gate.stderr.lower()


def test_spans_that_arrive_before_their_upper_half_are_joined(quick, sink):
    """dd-trace-js 3 and 4 flush children first, without _dd.p.tid; the rest of the trace brings it a request later."""
    root = span()
    early = span(trace_id=root["trace_id"], parent_id=root["span_id"], meta={"env": "test"})
    for part in (early, root):
        assert quick.put("/v0.4/traces", v04([part])).status == 200
    sink.wait_spans(2)
    assert {s.trace_id for s in sink.spans} == {f"64f0a1b200000000{root['trace_id']:016x}"}
