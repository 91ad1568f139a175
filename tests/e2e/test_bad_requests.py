# SPDX-License-Identifier: Apache-2.0
"""Requests that a backend takes never, while it takes others: the others pass, the bad item is found, and its neighbours are delivered."""
import collections
import json

import pytest
from ddgate import grpc
from grpc import StatusCode
from http_sink import Status
from payloads import trace, v04
from sending import QUICK, http, ids, send
from sinks import Fail

BRIEF = {"shutdown_timeout": "500ms"}  # what is never taken would be tried for so long


def bad_among(gate, sink, n):
    """One span of n has words that somebody does not like. They are a request of their own."""
    before = len(sink.requests)
    spans = trace(n, meta={"env": "test", "text": "fine"})
    spans[n // 3]["meta"] = {"env": "test", "text": "union select password"}
    assert gate.put("/v0.4/traces", v04(spans)).status == 200
    sink.wait(lambda s: len(s.requests) > before, "the request with the bad span")
    return spans[n // 3], spans[:n // 3] + spans[n // 3 + 1:]


def drip(gate, sink, condition, what):
    """Fresh data all the time, as an application sends it, until the condition is met."""
    sent = []
    while not condition():
        assert len(sent) < 20_000, f"{what} was not met; ddgate says:\n{gate.stderr}"
        fresh = send(gate, 2)
        sink.wait(lambda s: ids(fresh) <= ids(s.spans), "fresh data")
        sent += fresh
    return sent


ANSWERS = {"403": Status(403, {"Content-Type": "text/html"}, b"<html>blocked</html>"), "302": Status(302, {"Location": "http://127.0.0.1/blocked"}),
           "404": Status(404), "503": Status(503), "406 page": Status(406, {"Content-Type": "text/html"}, b"<html>not acceptable</html>")}


@pytest.mark.parametrize("answer", ANSWERS)
def test_one_spans_words_keep_no_other_span_from_the_backend(make_gate, http_sink, answer):
    http_sink.judge = lambda body: ANSWERS[answer] if b"union select" in body else None
    gate = make_gate(exporters=[http(http_sink, name="out", compression="none", **QUICK)], settings=BRIEF)
    send(gate, 1)
    http_sink.wait_spans(1)
    _, good = bad_among(gate, http_sink, 30)
    drip(gate, http_sink, lambda: ids(good) <= ids(http_sink.spans), "the bad span's neighbours")
    counts = collections.Counter(s.span_id for s in http_sink.spans)
    assert max(counts.values()) == 1
    gate.stop(expect=3)
    assert gate.ledger.exporter("out")["dropped", "shutdown"] == 1
    assert "not this one of" in gate.stderr


def test_the_bad_span_is_set_aside_in_the_end(make_gate, http_sink, tmp_path):
    dead = tmp_path / "dead"
    dead.mkdir()
    http_sink.judge = lambda body: Status(503) if b"union select" in body else None
    gate = make_gate(exporters=[http(http_sink, name="out", compression="none", dead_letter={"directory": str(dead)}, **QUICK)])
    bad, good = bad_among(gate, http_sink, 20)
    drip(gate, http_sink, lambda: list(dead.iterdir()), "the dead letter")
    gate.stop()
    assert ids(good) <= ids(http_sink.spans) and gate.ledger.exporter("out")["set aside"] == 1
    line = json.loads(next(dead.iterdir()).read_text(encoding="utf-8"))
    spans = line["resourceSpans"][0]["scopeSpans"][0]["spans"]
    assert [s["spanId"] for s in spans] == [f"{bad['span_id']:016x}"]


def test_a_bad_span_that_expires_is_set_aside(make_gate, http_sink, tmp_path):
    dead = tmp_path / "dead"
    dead.mkdir()
    http_sink.judge = lambda body: Status(503, {"Retry-After": "1"}) if b"union select" in body else None
    gate = make_gate(exporters=[http(http_sink, name="out", compression="none", dead_letter={"directory": str(dead)}, max_age="8s", **QUICK)])
    _, good = bad_among(gate, http_sink, 1)
    drip(gate, http_sink, lambda: list(dead.iterdir()), "the dead letter")
    gate.stop()
    assert not good and gate.ledger.exporter("out")["set aside"] == 1


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_four_requests_that_are_never_taken_occupy_no_place(make_gate, make_sink, http_sink, protocol, in_flight):
    """Each is bad altogether; the backend hangs over it for a while before it says UNAVAILABLE."""
    http_sink.judge = lambda body: Status(503) if b"union select" in body else None
    sink = make_sink()
    sink.judge = lambda message: Fail(StatusCode.UNAVAILABLE) if "union select" in str(message) else None
    there = sink if protocol == "grpc" else http_sink
    options = dict(QUICK, batch={"delay": "0s", "items": 5}, in_flight=in_flight)
    gate = make_gate(exporters=[grpc(sink, name="out", **options) if protocol == "grpc" else http(http_sink, name="out", **options)],
                     settings=BRIEF)
    bad = sum(len(send(gate, 5, meta={"env": "test", "text": "union select"})) for _ in range(4))
    for n in range(1, 41):
        good = send(gate, 5)
        there.wait(lambda s: ids(good) <= ids(s.spans), f"good request {n}")
    gate.stop(expect=3)
    assert gate.ledger.exporter("out")["sent"] == 200 and gate.ledger.exporter("out")["dropped", "shutdown"] == bad


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_of_two_backends_behind_one_address_one_wants_300_seconds(make_gate, make_sink, http_sink, protocol):
    """Every other request meets the one that wants to be left alone: all data gets to the other one, and no application is refused."""
    turn = [0]

    def judge(refusal):
        turn[0] += 1
        return refusal if turn[0] % 2 else None
    http_sink.judge = lambda body: judge(Status(503, {"Retry-After": "300"}))
    sink = make_sink()
    sink.judge = lambda message: judge(Fail(StatusCode.UNAVAILABLE, retry_after=300))
    there = sink if protocol == "grpc" else http_sink
    options = dict(QUICK, queue_size="1MiB", batch={"delay": "0s", "items": 10})
    gate = make_gate(exporters=[grpc(sink, name="out", **options) if protocol == "grpc" else http(http_sink, name="out", **options)])
    sent = []
    for _ in range(250):  # no faster than one of the two backends takes its half: what fills the queue is what the other one refuses
        sent += send(gate, 10, meta={"env": "test", "text": "x" * 300})
        there.wait(lambda s: len(s.spans) >= len(sent) // 2 - 200, "half of what was sent")
    there.wait(lambda s: len(s.spans) > len(sent) / 2, "half of it, at least")
    gate.stop()  # what waits for 300 s is tried until the stop's end
    assert ids(there.spans) == ids(sent) and gate.ledger.exporter("out")["sent"] == len(sent)
    assert gate.stderr.count("takes nothing") < 10 and gate.ledger.intake()["received"] == len(sent)


REFUSALS = {"400": Status(400, {"Content-Type": "application/json"}, b'{"code":3,"message":"attribute text is not allowed"}'), "422": Status(422)}


@pytest.mark.parametrize("answer", REFUSALS)
@pytest.mark.parametrize("one_payload", [True, False])
def test_one_item_that_is_refused_for_good_costs_no_other(make_gate, http_sink, tmp_path, answer, one_payload):
    """Within a payload of an application, and among the payloads of several that ddgate sends together."""
    dead = tmp_path / "dead"
    dead.mkdir()
    http_sink.judge = lambda body: REFUSALS[answer] if b"union select" in body else None
    options = QUICK if one_payload else {"batch": {"delay": "500ms"}}
    gate = make_gate(exporters=[http(http_sink, name="out", compression="none", dead_letter={"directory": str(dead)}, **options)])
    send(gate, 1)
    http_sink.wait_spans(1)
    before = [] if one_payload else [s for _ in range(10) for s in send(gate, 3)]
    bad, good = bad_among(gate, http_sink, 40 if one_payload else 1)
    good += before
    http_sink.wait(lambda s: ids(good) <= ids(s.spans), "the bad span's neighbours")
    gate.stop()
    assert max(collections.Counter(s.span_id for s in http_sink.spans).values()) == 1
    assert ids([bad]).isdisjoint(ids(http_sink.spans))
    assert gate.ledger.exporter("out")["set aside"] == 1
    assert "not this one of" in gate.stderr


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_backend_that_refuses_everything_is_asked_a_few_times_more(make_gate, make_sink, http_sink, protocol):
    sink = make_sink()
    there = sink if protocol == "grpc" else http_sink
    gate = make_gate(exporters=[grpc(sink, name="out", **QUICK) if protocol == "grpc" else http(http_sink, name="out", **QUICK)])
    send(gate, 1)
    there.wait_spans(1)
    sink.judge = lambda message: Fail(StatusCode.INVALID_ARGUMENT, "no more")
    http_sink.judge = lambda body: Status(400)
    for _ in range(10):
        send(gate, 200)
    gate.stop(expect=3)
    assert gate.ledger.exporter("out") == {"sent": 1, "rejected by the backend": 2000}
    assert len(there.requests) <= 1 + 10 + 2 * 17
