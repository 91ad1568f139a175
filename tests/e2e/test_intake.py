# SPDX-License-Identifier: Apache-2.0
"""What a tracer meets: versions, media types, encodings, transports, probes, refusals, /info."""
import gzip
import hashlib
import json
import re
import socket

import pytest
import zstandard
from ddgate import MSGPACK, PATIENCE, Ddgate, free_port, grpc
from payloads import span, trace, v04, v04_json, v05

JSON = {"Content-Type": "application/json"}


def arrived(sink, *spans):
    """Waits until the backend has these spans; returns them in that order."""
    wanted = [f"{s['span_id']:016x}" for s in spans]
    sink.wait(lambda k: set(wanted) <= {s.span_id for s in k.spans}, f"spans {wanted}")
    by_id = {s.span_id: s for s in sink.spans}
    return [by_id[i] for i in wanted]


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("path, pack, headers", [
    ("/v0.3/traces", v04, MSGPACK), ("/v0.3/traces", v04_json, JSON), ("/v0.4/traces", v04, MSGPACK), ("/v0.4/traces", v04_json, JSON),
    ("/v0.4/traces", v04_json, {}), ("/v0.4/traces", v04, {"Content-Type": "application/octet-stream"}), ("/v0.5/traces", v05, MSGPACK)])
def test_versions_and_media_types(gate, sink, method, path, pack, headers):
    s = span()
    answer = gate.request(method, path, pack([s]), headers)
    assert answer.status == 200, answer
    if path == "/v0.3/traces":
        assert (answer.type, answer.body) == ("text/plain", b"OK\n")
    else:
        assert answer.type == "application/json" and json.loads(answer.body)["rate_by_service"] == {"service:,env:": 1}
    out, = arrived(sink, s)
    assert out.trace_id == f"64f0a1b200000000{s['trace_id']:016x}" and out.attrs["resource.name"] == s["resource"]


def test_ids_in_json_keep_all_64_bits(gate, sink):
    s = span(trace_id=2 ** 64 - 3, span_id=2 ** 64 - 5, parent_id=2 ** 63 + 1)
    assert gate.put("/v0.4/traces", v04_json([s]), JSON).status == 200
    out, = arrived(sink, s)
    assert out.trace_id.endswith("fffffffffffffffd") and out.parent_id == "8000000000000001"


@pytest.mark.parametrize("body", [b"", b"\x90", b"\x92\x90\x90", b"[]"])
@pytest.mark.parametrize("path", ["/v0.4/traces", "/v0.5/traces"])
def test_probes(gate, path, body):
    answer = gate.put(path, body)
    assert (answer.status, answer.type) == (200, "application/json") and "rate_by_service" in json.loads(answer.body)


@pytest.mark.parametrize("name, pack", [("gzip", gzip.compress), ("zstd", zstandard.compress)])
def test_compressed_bodies(gate, sink, name, pack):
    s = span()
    assert gate.put("/v0.4/traces", pack(v04([s])), {**MSGPACK, "Content-Encoding": name}).status == 200
    arrived(sink, s)


def test_compressed_nonsense(gate):
    answer = gate.put("/v0.4/traces", b"this is no gzip", {**MSGPACK, "Content-Encoding": "gzip"})
    assert answer.status == 400 and b"decompressed" in answer.body
    assert gate.put("/v0.4/traces", b"x", {**MSGPACK, "Content-Encoding": "br"}).status == 415


@pytest.mark.parametrize("pack, name", [(gzip.compress, "gzip"), (zstandard.compress, "zstd")])
def test_a_bomb_is_refused(make_gate, pack, name):
    """A small body that inflates beyond the bound: 413, and the next request is served."""
    gate = make_gate(receiver={"max_inflated": "1MiB"})
    assert gate.put("/v0.4/traces", pack(b"\0" * (64 << 20)), {**MSGPACK, "Content-Encoding": name}).status == 413
    assert gate.put("/v0.4/traces", v04([span()])).status == 200


def test_what_is_refused_is_said_once_and_counted(make_gate):
    """Each path and client stands in the log once, whatever it sends again; what the tracer says it sent, in the ledger."""
    gate = make_gate()
    count = {**MSGPACK, "X-Datadog-Trace-Count": "5"}
    for _ in range(3):
        assert gate.put("/v0.9/traces", v04([span()]), count).status == 404
        assert gate.put("/v1.0/traces", b"\x81\x0b\xa1x", count).status == 400
        assert gate.put("/v0.4/traces", b"\xc1", count).status == 400
        assert gate.put("/secret/" + "k" * 32, b"").status == 404
    gate.stop()
    log = gate.stderr
    for path in ("/v0.9/traces", "/v1.0/traces", "/v0.4/traces", "/secret/***"):
        assert len([line for line in log.splitlines() if f" to {path} is answered 4" in line]) == 1, log
    assert "kkkk" not in log
    assert gate.ledger.intake()["refused", "unread"] == gate.ledger.intake()["received"] == 45


def test_v04_at_the_path_of_v10(gate, sink):
    """dd-trace-js 6 sends v0.4 there when it is told to speak 1.0."""
    s = span()
    assert gate.put("/v1.0/traces", v04([s])).status == 200
    arrived(sink, s)


@pytest.mark.parametrize("path", ["http://127.0.0.1:8126/v0.4/traces", "HTTP://example.org/v0.4/traces?x=/y", "https://[::1]:1/v0.4/traces"])
def test_absolute_targets(gate, sink, path):
    """RFC 9112 section 3.2.2: clients that were told of a proxy name the whole URL."""
    s = span()
    assert gate.put(path, v04([s])).status == 200
    arrived(sink, s)


@pytest.mark.parametrize("pack, name", [(gzip.compress, "gzip"), (zstandard.compress, "zstd")])
@pytest.mark.parametrize("busy", [False, True])
def test_what_is_too_large_is_413_whatever_else_runs(make_gate, pack, name, busy):
    """At the default memory: nobody is told to come again with what will never fit."""
    gate, bomb = make_gate(), pack(b"\0" * (35 << 20))
    uploads = []
    for _ in range(3 if busy else 0):
        uploads.append(socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE))
        uploads[-1].sendall(b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n" + b"\0" * (7 << 20))
    assert [gate.put("/v0.4/traces", bomb, {**MSGPACK, "Content-Encoding": name}).status for _ in range(3)] == [413] * 3
    for upload in uploads:
        upload.close()


def test_a_request_larger_than_the_disk_queue(make_gate, tmp_path):
    gate = make_gate(settings={"storage": {"directory": str(tmp_path / "storage"), "max_size": "16MiB"}, "max_memory": "256MiB"})
    large = v04([span(meta={"env": "test", "text": "x" * 20000}) for _ in range(1000)])
    answer = gate.put("/v0.4/traces", large)
    assert answer.status == 413 and b"storage.max_size" in answer.body, answer
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    gate.stop()
    assert gate.ledger.intake()["refused", "budget"] == 1000


@pytest.mark.parametrize("form", ["json", "logfmt", "text"])
def test_odd_bytes_in_the_log(tmp_path, form):
    gate = Ddgate(tmp_path, settings={"log": {"format": form}})
    gate._until(lambda: "is running" in gate.stderr, "it does not say that it runs")
    answer = raw(gate, b"GET /\xff\xc3\xa9\xe2\x82\x1b[2J HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".replace(b"\x1b", b""))
    assert answer.startswith(b"HTTP/1.1 404")
    gate.stop(check=False)
    said = gate.stderr_path.read_bytes().decode()  # UTF-8, all of it
    assert "\\xffé\\xe2\\x82" in said.replace("\\\\", "\\"), said


def raw(gate, data):
    """Sends bytes, returns everything that comes back until the peer closes."""
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as s:
        s.sendall(data)
        out = b""
        while chunk := s.recv(65536):
            out += chunk
        return out


def test_chunked_body(gate, sink):
    s = span()
    body = v04([s])
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[:1], body[1:7], body[7:])) + b"0\r\n\r\n"
    head = b"POST /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert raw(gate, head + pieces).startswith(b"HTTP/1.1 200")
    arrived(sink, s)


def test_expect_continue(gate, sink):
    s = span()
    body = v04([s])
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as connection:
        connection.sendall(b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\n"
                           b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(body))
        assert connection.recv(4096).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    arrived(sink, s)


def test_length_and_transfer_encoding_together_are_refused(gate):
    """Two readers could disagree where the next request begins."""
    answer = raw(gate, b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400")


def test_one_connection_serves_many_requests(gate, sink):
    connection, spans = gate.connection(), [span() for _ in range(50)]
    for s in spans:
        assert gate.put("/v0.4/traces", v04([s]), connection=connection).status == 200
    connection.close()
    arrived(sink, *spans)


def test_unix_socket(make_gate, sink):
    gate, s = make_gate(uds=True, exporters=[grpc(sink)]), span()
    assert gate.put("/v0.4/traces", v04([s]), transport="uds").status == 200
    arrived(sink, s)
    gate.stop()
    assert not gate.socket.exists(), "the socket file goes with the process"


def test_several_addresses(make_gate, sink):
    """One receiver on two ports and a socket."""
    first, second = free_port(), free_port()
    gate = make_gate(receiver={"listen": [f"127.0.0.1:{first}", f"127.0.0.1:{second}"]}, port=first, uds=True, exporters=[grpc(sink)])
    spans = []
    for port, transport in ((first, "tcp"), (second, "tcp"), (None, "uds")):
        spans.append(span())
        gate.port = port or gate.port
        assert gate.put("/v0.4/traces", v04([spans[-1]]), transport=transport).status == 200
    arrived(sink, *spans)


def test_refusals(gate):
    assert gate.put("/v0.2/traces", v04([span()])).status == 415
    for path in ("/", "/v0.4/traces/", "/v1.1/traces", "/v0.9/traces", "/nonsense"):
        assert gate.put(path, b"\x90").status == 404, path
    assert gate.request("GET", "/v0.4/traces").status == 405
    assert gate.put("/v0.4/traces", v04([span()]), {**MSGPACK, "Sec-Fetch-Site": "cross-site"}).status == 403


@pytest.mark.parametrize("body", [
    b"\xdd\xff\xff\xff\xff", b"\x91\xdd\xff\xff\xff\xff", b"\x91\x91\xdf\xff\xff\xff\xff", b"\x91\x91\x81\xa4meta\xdf\xff\xff\xff\xff",
    b"\x91\x91\x81\xaaspan_links\xdd\xff\xff\xff\xff", b"\xc1", b"\x91", b"\x91" * 10000, v04([span()])[:-3], v04([span()]) + b"\x00"])
def test_malformed_msgpack_gets_400_with_the_place(gate, sink, body):
    answer = gate.put("/v0.4/traces", body)
    assert answer.status == 400 and re.search(rb"offset \d+|byte \d+", answer.body), answer
    s = span()
    assert gate.put("/v0.4/traces", v04([s])).status == 200, "and the next request is served"
    arrived(sink, s)


def test_too_long_a_body(make_gate):
    gate = make_gate(receiver={"max_body": "64KiB"})
    answer = gate.put("/v0.4/traces", v04(trace(2000)))
    assert (answer.status, b"payload-too-large" in answer.body) == (413, True)
    assert gate.put("/v0.4/traces", v04(trace(2))).status == 200


def test_a_bad_span_costs_that_span(gate, sink):
    good = span(), span()
    body = v04([good[0], None, span(span_id=0), span(trace_id=0, meta={}), span(meta=5), good[1]])
    assert gate.put("/v0.4/traces", body).status == 200
    arrived(sink, *good)
    gate.stop()
    rows = gate.ledger.intake()
    assert (rows["received"], rows["accepted"]) == (6, 2)
    assert [rows["refused", why] for why in ("nil_span", "zero_span_id", "zero_trace_id", "bad_span")] == [1, 1, 1, 1]
    assert sink.count() == 2


def test_tolerated(gate, sink):
    """nil for scalars, any integer width and sign, floats and integers mixed, text that is not UTF-8, unknown keys."""
    odd = span(parent_id=None, resource=None, type=None, error=None, meta={"a": None, "b": b"raw", "bad": b"\xff\xfe"},
               metrics={"i": 3, "f": 2.5, "n": None, "neg": -4, "_sampling_priority_v1": 1}, unknown={"deep": [1, {"x": None}]})
    packed = v04([{**odd, "parent_id": None, "type": None, "error": None}])
    assert gate.put("/v0.4/traces", packed).status == 200
    out, = arrived(sink, odd)
    assert out.parent_id == "" and out.attrs["b"] == "raw" and out.attrs["bad"] == "\ufffd\ufffd"
    assert (out.attrs["i"], out.attrs["f"], out.attrs["neg"]) == (3, 2.5, -4)


def test_large_payload(gate, sink):
    """What a single Python process sends at most: 8.4 MB. It leaves as several requests, each below a gRPC server's 4 MiB."""
    spans = trace(12000, meta={"env": "test", "text": "x" * 600, "_dd.p.tid": "64f0a1b200000000"})
    assert gate.put("/v0.4/traces", v04(spans)).status == 200
    sink.wait_spans(12000)
    assert len({s.span_id for s in sink.spans}) == 12000
    assert all(r.message.ByteSize() < 4 << 20 for r in sink.requests) and len(sink.requests) > 1


def test_info(gate):
    answer = gate.request("GET", "/info")
    info = json.loads(answer.body)
    assert answer.status == 200 and answer.type == "application/json"
    assert re.fullmatch(r"\d+\.\d+\.\d+", info["version"])
    assert info["endpoints"] and info["client_drop_p0s"] is False and info["span_events"] is True
    assert "/v0.6/stats" not in info["endpoints"]
    assert {"/v0.3/traces", "/v0.4/traces", "/v0.5/traces", "/v0.7/traces", "/v1.0/traces", "/telemetry/proxy/", "/debugger/v1/diagnostics"} <= set(info["endpoints"])
    assert set(info) == {"version", "git_commit", "endpoints", "feature_flags", "client_drop_p0s", "span_meta_structs", "long_running_spans",
                         "span_events", "evp_proxy_allowed_headers", "config", "peer_tags", "span_kinds_stats_computed", "obfuscation_version",
                         "filter_tags", "filter_tags_regex", "ignore_resources"}
    config = info["config"]
    assert set(config) == {"default_env", "target_tps", "max_eps", "receiver_port", "receiver_socket", "connection_limit", "receiver_timeout",
                           "max_request_bytes", "max_memory", "max_cpu", "analyzed_spans_by_service", "obfuscation"}
    assert (config["receiver_port"], config["receiver_socket"]) == (gate.port, "")
    assert (config["receiver_timeout"], config["max_request_bytes"]) == (10, 25 << 20)
    assert config["obfuscation"]["redis"] == {"Enabled": True, "RemoveAllArgs": False} and config["obfuscation"]["sql_exec_plan"] is False
    assert gate.request("GET", "/info").body == answer.body, "byte-stable"
    state = hashlib.sha256(answer.body).hexdigest()
    for path in ("/v0.4/traces", "/nowhere"):
        assert gate.put(path, b"\x90").headers["datadog-agent-state"] == state
    assert "datadog-agent-state" not in answer.headers and answer.headers["datadog-agent-version"] == info["version"]


def test_info_says_the_target_of_sampling(make_gate, sink):
    gate = make_gate(receiver={"sampling": {"target_per_second": 25}}, exporters=[grpc(sink)])
    assert json.loads(gate.request("GET", "/info").body)["config"]["target_tps"] == 25


def test_every_advertised_endpoint_works(gate):
    for path in json.loads(gate.request("GET", "/info").body)["endpoints"]:
        assert gate.put(path, b"\x90").status in (200, 202), path
    assert gate.request("POST", "/telemetry/proxy/api/v2/apmtelemetry", b"{}", JSON).status == 202
    for version in ("", "/v0.1", "/v0.2", "/v0.3", "/v0.4"):
        assert gate.put(f"{version}/services", b"{}", JSON).status == 200
    assert gate.request("POST", "/debugger/v1/diagnostics", b"{}", JSON).status == 200


def test_rates_version_is_echoed(gate):
    first = gate.put("/v0.4/traces", b"\x90", {**MSGPACK, "Datadog-Rates-Payload-Version": "old"})
    version = first.headers["datadog-rates-payload-version"]
    again = gate.put("/v0.4/traces", b"\x90", {**MSGPACK, "Datadog-Rates-Payload-Version": version})
    assert json.loads(again.body) == {} and again.headers["datadog-rates-payload-version"] == version


def test_priority_decides(make_gate, sink):
    """Rejected chunks stay out and are counted; spans kept by single-span sampling and chunks without a decision come through."""
    gate = make_gate(exporters=[grpc(sink)])
    rejected = trace(3, metrics={"_sampling_priority_v1": -1})
    kept, undecided = trace(2), trace(2, metrics={})
    single = span(metrics={"_sampling_priority_v1": 0, "_dd.span_sampling.mechanism": 8})
    assert gate.put("/v0.4/traces", v04(rejected, kept, undecided, [single, span(trace_id=single["trace_id"], metrics={})])).status == 200
    arrived(sink, *kept, *undecided, single)
    gate.stop()
    assert not {f"{s['span_id']:016x}" for s in rejected} & {s.span_id for s in sink.spans}
    assert gate.ledger.intake()["dropped", "sampled_out"] >= 3
