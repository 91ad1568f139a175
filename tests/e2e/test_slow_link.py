# SPDX-License-Identifier: Apache-2.0
"""Links that are slow: everything arrives, hardly anything twice. Requests become as large, and as many, as the link bears."""
import random

import pytest
from ddgate import grpc
from http_sink import Status
from payloads import trace, v04
from sending import http, ids
from slow_link import SlowLink
from sinks import PATIENCE

LETTERS = random.Random(7)


@pytest.fixture
def make_link():
    made = []

    def make(sink, **rate):
        made.append(SlowLink(sink.port, **rate))
        return made[-1]
    yield make
    for link in made:
        link.close()


def words(n):
    """Text that gzip makes half as large, as long as it is."""
    return f"{LETTERS.getrandbits(4 * n):0{n}x}"


def send(gate, requests, spans=100, text=500):
    """So many requests of so many spans of so many bytes and about 350 more."""
    sent = set()
    for _ in range(requests):
        batch = trace(spans, meta={"env": "test", "text": "x"})
        for one in batch:
            one["meta"] = {"env": "test", "text": words(text)}
        assert gate.put("/v0.4/traces", v04(batch)).status == 200
        sent |= ids(batch)
    return sent


def all_arrived(gate, sink, sent, seconds):
    """Everything, and less than 2 % of it twice."""
    sink.wait(lambda s: len(ids(s.spans)) == len(sent), f"{len(sent)} spans", seconds)
    gate.stop()
    spans = sink.spans
    assert ids(spans) == sent
    assert len(spans) - len(sent) < len(sent) / 50, f"{len(spans)} spans arrived, {len(sent)} were sent"
    assert gate.ledger.exporter("out")["sent"] == len(sent)


def test_a_backend_that_knows_no_gzip_gets_plain_requests(make_gate, http_sink, make_link):
    """Nobody asked for compression; that the link is slow must not cost data."""
    http_sink.judge = lambda body: Status(400, {"Content-Type": "text/plain"}, b"no message") if body[:2] == b"\x1f\x8b" else None
    link = make_link(http_sink, total=200_000)
    gate = make_gate(exporters=[http(link, name="out", timeout="5s")])
    all_arrived(gate, http_sink, send(gate, 15), PATIENCE)


SLOWEST = dict(each=60_000)
LINKS = [dict(total=200_000), dict(each=300_000), SLOWEST]


@pytest.mark.parametrize("rate", LINKS, ids=str)
@pytest.mark.parametrize("compression", ["auto", "none"])
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_slow_link_delivers(make_link, make_gate, sink, http_sink, protocol, compression, rate):
    """2 MB (0.7 MB over the slowest), which one request would hold and which takes longer than its timeout."""
    there = sink if protocol == "grpc" else http_sink
    link = make_link(there, **rate)
    out = grpc(link, name="out", timeout="5s", compression=compression) if protocol == "grpc" else http(link, name="out", timeout="5s", compression=compression)
    gate = make_gate(exporters=[out])
    all_arrived(gate, there, send(gate, 10 if rate == SLOWEST else 30), 4 * PATIENCE)
    assert compression == "none" or link.sent < 2_000_000
