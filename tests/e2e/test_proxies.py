# SPDX-License-Identifier: Apache-2.0
"""What stands between ddgate and a backend: it refuses sizes, answers pages, resets streams. None of that is the backend's word on the data."""
import random

import pytest
from ddgate import grpc
from grpc import StatusCode
from http_sink import Status
from nginx import BINARY as NGINX
from nginx import Nginx
from payloads import trace, v04
from raw_h2 import RawH2, go_away, no_trailers, page, reset
from sending import QUICK, http, ids, send
from sinks import Fail, Partial

LETTERS = random.Random(11)


@pytest.fixture
def make_raw():  # asked for before make_gate, as what stands on the way: it ends after the gateway
    made = []

    def make(*script):
        made.append(RawH2(*script))
        return made[-1]
    yield make
    for sink in made:
        sink.close()


@pytest.fixture
def make_nginx(tmp_path):
    if not NGINX:
        pytest.skip("there is no nginx (.ci/deps test)")
    made = []

    def make(server, **more):
        made.append(Nginx(tmp_path / f"nginx{len(made)}", server, **more))
        return made[-1]
    yield make
    for proxy in made:
        proxy.close()


# --- nginx and its limit of 1 MiB ---

def large(gate, requests):
    """Each of 2 MB, twice what nginx lets pass."""
    return [s for _ in range(requests) for s in send(gate, 20, meta={"env": "test", "text": f"{LETTERS.getrandbits(400_000):x}"})]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_nginx_refuses_a_size_and_everything_arrives(make_nginx, make_gate, sink, http_sink, protocol):
    """And what comes later is never refused: the size was learned."""
    there = sink if protocol == "grpc" else http_sink
    proxy = make_nginx(f"location / {{ grpc_pass grpc://127.0.0.1:{sink.port}; }}" if protocol == "grpc" else
                       f"location / {{ proxy_pass {http_sink.endpoint}; }}", http2=protocol == "grpc")
    gate = make_gate(exporters=[{**(grpc if protocol == "grpc" else http)(proxy, compression="none"), "name": "out"}])
    spans = [s for _ in range(30) for s in large(gate, 1) + send(gate, 2)]
    there.wait(lambda s: len(s.spans) >= len(spans), "everything")
    gate.stop()
    assert ids(there.spans) == ids(spans) and len(there.spans) == len(spans)
    assert gate.ledger.exporter("out")["sent"] == len(spans)


def test_nginx_refuses_one_span_and_the_others_pass(make_nginx, make_gate, sink):
    proxy = make_nginx(f"client_max_body_size 100k; location / {{ grpc_pass grpc://127.0.0.1:{sink.port}; }}", http2=True)
    gate = make_gate(exporters=[grpc(proxy, compression="none", **QUICK)])
    bad = trace(1, meta={"env": "test", "text": f"{LETTERS.getrandbits(600_000):x}"})
    good = trace(20)
    assert gate.put("/v0.4/traces", v04(good[:10] + bad + good[10:])).status == 200
    later = [s for _ in range(8) for s in send(gate, 5)]
    sink.wait_spans(60)
    gate.stop(expect=3)
    assert ids(sink.spans) == ids(good) | ids(later)
    assert gate.ledger.exporter()["rejected by the backend"] == 1


def test_nginx_without_a_route_loses_nothing(make_nginx, make_gate, sink):
    """An ingress that has no rule for the service answers 404; somebody adds it."""
    proxy = make_nginx("location / { return 404; }", http2=True)
    gate = make_gate(exporters=[grpc(proxy, **QUICK)])
    spans = send(gate, 5)
    gate.wait_stderr("does not answer as OTLP/gRPC does")
    proxy.close()
    proxy.start(f"location / {{ grpc_pass grpc://127.0.0.1:{sink.port}; }}")
    sink.wait_spans(5)
    assert ids(sink.spans) == ids(spans)


def test_nginx_whose_backend_is_away_loses_nothing(make_nginx, make_gate, make_sink):
    sink = make_sink()
    port = sink.port
    sink.close()
    proxy = make_nginx(f"location / {{ grpc_pass grpc://127.0.0.1:{port}; }}", http2=True)
    gate = make_gate(exporters=[grpc(proxy, **QUICK)])
    spans = send(gate, 5)
    gate.wait_stderr("takes nothing at the moment")
    make_sink(port=port).wait_spans(5)
    gate.stop()
    assert gate.ledger.exporter()["sent"] == len(spans)


# --- answers that are no gRPC ---

ODD = {"404": page(404), "403": page(403), "302": page(302), "400": page(400), "405": page(405), "500": page(500), "502": page(502),
       "520": page(520), "200 with a page": page(200), "200 with text": page(200, "text/plain", b"ok"),
       "200 with JSON": page(200, "application/json", b"{}"), "no trailers": no_trailers(False), "no trailers after a message": no_trailers(True),
       **{f"RST_STREAM {code}": reset(code) for code in range(14)}, "GOAWAY 0": go_away(0), "GOAWAY 2": go_away(2), "GOAWAY 11": go_away(11)}


@pytest.mark.parametrize("answer", ODD)
def test_an_answer_that_is_no_grpc_rejects_nothing(make_raw, make_gate, answer):
    there = make_raw(ODD[answer], ODD[answer])
    gate = make_gate(exporters=[grpc(there, **QUICK)])
    spans = send(gate, 3)
    there.wait_spans(3)
    later = send(gate, 2)
    there.wait_spans(5)
    gate.stop()
    assert ids(there.spans) == ids(spans + later)
    assert gate.ledger.exporter()["sent"] == 5


@pytest.mark.parametrize("body", [b"<html>We are down for maintenance.</html>", b"welcome", b""])
def test_a_page_that_says_200_is_no_delivery(make_gate, http_sink, body):
    kind = "text/html" if body else "application/x-protobuf"
    http_sink.script(*[Status(200, {"Content-Type": kind}, body)])
    gate = make_gate(exporters=[http(http_sink, **QUICK)])
    spans = send(gate, 3)
    http_sink.wait(lambda s: len(s.requests) == (2 if body else 1), "the second try")
    later = send(gate, 2)
    http_sink.wait(lambda s: ids(later) <= ids(s.spans), "what comes later")
    gate.stop()
    assert ids(http_sink.spans) == ids(spans + later)
    assert gate.ledger.exporter("otlp_http")["sent"] == 5
    assert not body or "no answer of an OTLP backend" in gate.stderr


def test_an_answer_that_is_too_long_is_an_answer(make_gate, sink):
    """More than 1 MiB of words about a request that was taken."""
    sink.script(*[Partial(0, "long " * 300_000)] * 2)
    gate = make_gate(exporters=[grpc(sink, **QUICK)])
    spans = send(gate, 5) + send(gate, 5)
    sink.wait_spans(10)
    later = send(gate, 1)
    sink.wait(lambda s: ids(later) <= ids(s.spans), "the next request")
    gate.stop()
    assert ids(sink.spans) == ids(spans + later) and sink.count() == 11 and len(sink.requests) <= 3  # the first two may go together
    assert gate.ledger.exporter()["sent"] == 11


def test_an_http_answer_that_is_too_long_is_an_answer(make_gate, http_sink):
    http_sink.script(Status(200, {"Content-Type": "application/json"}, b'{"words": "' + b"long " * 1_000_000 + b'"}'))
    gate = make_gate(exporters=[http(http_sink, **QUICK)])
    send(gate, 5)
    http_sink.wait(lambda s: s.requests, "the first request")
    later = send(gate, 1)
    http_sink.wait(lambda s: ids(later) <= ids(s.spans), "the next request")
    gate.stop()
    assert len(http_sink.requests) == 2 and gate.ledger.exporter("otlp_http")["sent"] == 6


# --- overload ---

OVERLOAD = ["data refused due to high memory usage", "RATE_LIMITED: ingestion rate limit (local: 15000000 bytes, global: 0 bytes) exceeded", ""]


@pytest.mark.parametrize("words", OVERLOAD)
def test_overload_is_waited_out_and_teaches_no_size(make_gate, sink, words):
    sink.script(*[Fail(StatusCode.RESOURCE_EXHAUSTED, words)] * 6)
    gate = make_gate(exporters=[grpc(sink, compression="none", batch={"delay": "100ms"}, retry={"initial": "50ms", "max": "200ms"})])
    spans = send(gate, 200, meta={"env": "test", "text": "x" * 200})
    sink.wait_spans(200)
    gate.stop()
    assert ids(sink.spans) == ids(spans) and sink.count() == 200
    assert len(sink.requests) <= 9 and gate.ledger.exporter()["sent"] == 200
    assert "too large" not in gate.stderr
