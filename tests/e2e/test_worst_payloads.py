# SPDX-License-Identifier: Apache-2.0
"""Payloads that are well-formed and made to be slow: many of one thing. Each is taken or refused for its size, within seconds of CPU."""
import os
import pathlib
import struct

import msgpack
import pytest
from ddgate import Ddgate, grpc
from payloads import span, v04
from sinks import GrpcSink

MIB = 1 << 20
CPU = 15.0  # seconds; the worst takes about two on an idle machine, something quadratic takes minutes
MANY = 499_000  # an array or map has 500 000 at most
FACTS = b"\xa7service\xa1s\xa4name\xa1n\xa8trace_id\x01\xa7span_id\x01"  # four of a span


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    sink = GrpcSink(max_message=64 * MIB)
    # Python takes its time over requests of this size, more so on a busy machine: that is not what is measured here.
    with Ddgate(tmp_path_factory.mktemp("worst"), receiver={"keep_rejected": True}, exporters=[grpc(sink, timeout="90s")],
                settings={"shutdown_timeout": "90s"}) as gate:
        yield gate
    sink.close()
    assert gate.ledger.exporter()["sent"] == gate.ledger.intake()["accepted"] > 0


def cpu_seconds(gate):
    stat = pathlib.Path(f"/proc/{gate.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def array(n):
    return b"\xdd" + struct.pack(">I", n)


def of(n, one):
    """An array of n chunks or spans that one(i) packs, cut where a body may end."""
    parts, size = [], 0
    for i in range(n):
        part = one(i)
        if size + len(part) > 25 * MIB - 100:
            break
        parts.append(part)
        size += len(part)
    return array(len(parts)) + b"".join(parts)


def chunks(n, more=lambda i: b"", fields=4):
    """n traces of one span each."""
    def one(i):
        return (b"\x91" + bytes([0x80 + fields]) + b"\xa4name\xa1n\xa7service\xa1s\xa8trace_id\xce" + struct.pack(">I", i + 1) +
                b"\xa7span_id\xce" + struct.pack(">I", i + 1) + more(i))
    return of(n, one)


def tag(key, text):
    return b"\xa4meta\x81" + msgpack.packb(key) + msgpack.packb(text)


def one_span(more, fields=1):
    return b"\x91\x91" + bytes([0x84 + fields]) + FACTS + more


def tags(n, key, name=b"\xa4meta"):
    return one_span(name + b"\xdf" + struct.pack(">I", n) + b"".join(key(i) + b"\xa1v" for i in range(n)))


def key(i):
    return b"\xa7%07d" % i


def header(i):
    return b"\xbdhttp.request.headers.h%07d" % i


def links_json(n):
    return tag("_dd.span_links", "[" + ",".join('{"trace_id":"%032x","span_id":"%016x"}' % (i + 1, i + 1) for i in range(n)) + "]")


def links(n):
    return b"\xaaspan_links" + array(n) + b"".join(b"\x82\xa8trace_id\xce%s\xa7span_id\x01" % struct.pack(">I", i + 1) for i in range(n))


def events(n):
    return b"\xabspan_events" + array(n) + b"\x82\xaetime_unix_nano\x01\xa4name\xa1e" * n


def dictionary(n, spans):
    return b"\x92" + array(n) + b"\xa0" + b"".join(b"\xa7%07d" % i for i in range(n - 1)) + spans


def indexes(n):
    return b"".join(b"\xce%s\xce%s" % (struct.pack(">I", i), struct.pack(">I", i)) for i in range(n))


V05 = b"\x91\x91\x9c\x01\x02\x03\x01\x01\x00\x01\x01\x00"
PAYLOADS = {
    "traces": ("v0.4", lambda: chunks(MANY)),
    "traces_with_upper_halves": ("v0.4", lambda: chunks(MANY, lambda i: tag("_dd.p.tid", "64f0a1b200000000"), 5)),
    "upper_halves_at_the_end": ("v0.4", lambda: chunks(300_000, lambda i: tag("_dd.p.tid" if i > 150_000 else "a", "64f0a1b200000000"), 5)),
    "lower_halves_of_zero": ("v0.4", lambda: of(MANY, lambda i: b"\x91\x82\xa7span_id\x01" + (b"\xa8trace_id\x01" if i % 2 else b"\xa9parent_id\x02"))),
    "services": ("v0.4", lambda: chunks(MANY, lambda i: b"\xa7service" + b"\xa7%07d" % i, 5)),
    "environments": ("v0.4", lambda: chunks(MANY, lambda i: tag("env", f"{i}"), 5)),
    "versions": ("v0.4", lambda: chunks(MANY, lambda i: tag("version", f"{i}"), 5)),
    "components": ("v0.4", lambda: chunks(MANY, lambda i: tag("component", f"{i}"), 5)),
    "runtime_ids": ("v0.4", lambda: chunks(MANY, lambda i: tag("runtime-id", f"{i}"), 5)),
    "spans_of_one_trace": ("v0.4", lambda: b"\x91" + of(MANY, lambda i: b"\x85" + FACTS + b"\xa9parent_id\x02")),
    "traces_in_one_chunk": ("v0.4", lambda: b"\x91" + of(MANY, lambda i: b"\x85" + FACTS + b"\xa8trace_id\xce" + struct.pack(">I", i % 1000 + 1))),
    "tags_of_one_span": ("v0.4", lambda: tags(MANY, key)),
    "the_same_tag": ("v0.4", lambda: tags(MANY, lambda i: b"\xa3dup")),
    "header_tags": ("v0.4", lambda: tags(MANY, header)),
    "numbers_of_one_span": ("v0.4", lambda: one_span(b"\xa7metrics\xdf" + struct.pack(">I", MANY) + b"".join(key(i) + b"\x01" for i in range(MANY)))),
    "a_tag_of_24_MiB": ("v0.4", lambda: one_span(tag("big", "x" * (24 * MIB)))),
    "a_query_of_24_MiB": ("v0.4", lambda: one_span(b"\xa4type\xa3sql" + b"\xa8resource" + msgpack.packb("select (" + "a,('" * (6 * MIB)), 2)),
    "a_url_of_24_MiB": ("v0.4", lambda: one_span(tag("http.url", "http://h/?" + "a=1&" * (6 * MIB)))),
    "links": ("v0.4", lambda: one_span(links(MANY))),
    "links_in_json": ("v0.4", lambda: one_span(links_json(250_000))),
    "links_twice": ("v0.4", lambda: one_span(links(200_000) + links_json(200_000), 2)),
    "events": ("v0.4", lambda: one_span(events(MANY))),
    "attributes_of_an_event": ("v0.4", lambda: one_span(tag("events", '[{"name":"e","time_unix_nano":1,"attributes":{%s}}]' %
                                                            ",".join('"k%d":1' % (i % 1000) for i in range(MANY))))),
    "maps_of_an_event": ("v0.4", lambda: one_span(tag("events", '[{"name":"e","time_unix_nano":1,"attributes":{"a":[%s]}}]' %
                                                      ",".join(['{"a":1,"a":2}'] * 100_000)))),
    "exceptions": ("v0.4", lambda: one_span(b"\xa4meta\x82\xaaerror.type\xa1E" + tag("events", "[%s]" % ",".join(
        ['{"name":"exception","time_unix_nano":1,"attributes":{"exception.type":"E"}}'] * 100_000))[6:])),
    "a_dictionary": ("v0.5", lambda: dictionary(MANY, b"\x90")),
    "tags_of_a_dictionary": ("v0.5", lambda: dictionary(MANY, V05 + b"\xdf" + struct.pack(">I", MANY) + indexes(MANY) + b"\x80\x00")),
    "small_spans_of_v05": ("v0.5", lambda: b"\x92\x93\xa0\xa1s\xa1n" + of(MANY, lambda i: b"\x91\x9c\x01\x02\x02" + b"\xce%s" % struct.pack(">I", i + 1) +
                                                                          b"\x01\x00\x01\x01\x00\x80\x80\x00")),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_many_of_one_thing(gate, name):
    version, make = PAYLOADS[name]
    before = cpu_seconds(gate)
    answer = gate.put(f"/{version}/traces", make())
    while answer.status == 429:  # what went before is still on its way to the backend
        assert cpu_seconds(gate) - before < CPU
        answer = gate.put(f"/{version}/traces", make())
    assert answer.status in (200, 413), answer
    assert gate.put("/v0.4/traces", v04([span()])).status in (200, 429)
    assert cpu_seconds(gate) - before < CPU
