# SPDX-License-Identifier: Apache-2.0
"""Datakit's endpoints on port 9529: what its clients write to /v1/write/tracing and /v1/write/metric comes out as OTLP, and what the exporter
`datakit` writes comes back as it was."""
import gzip
import json
import pathlib
from collections import defaultdict

import otlp
import pytest
import recordings
from ddgate import Ddgate, conf_text, free_port
from metric_sink import MetricSink
from payloads import span, v04
from sending import QUICK

DOCUMENTED = (pathlib.Path(__file__).resolve().parents[1] / "data" / "datakit" / "documented.lines").read_text()
JSON = {"Content-Type": "application/json"}
MIB = 1 << 20


def spans_of(text):
    return [s for line in text.splitlines() for s in otlp.flatten(otlp.parse_json_line(line))]


def taken(tmp_path, *requests, receiver=None):
    """What came out of requests (query, body, headers), which all were taken whole."""
    with Ddgate(tmp_path, {"keep_rejected": True, **(receiver or {})}, settings={"host_name": "gate"}) as gate:
        for query, body, headers in requests:
            answer = gate.request("POST", "/v1/write/tracing" + query, body, headers)
            assert (answer.status, answer.body) == (200, b"")
    return spans_of(gate.stdout)


def error(answer):
    return answer.status, json.loads(answer.body)["error_code"]


def test_the_documented_lines_become_spans(tmp_path):
    spans = taken(tmp_path, ("", DOCUMENTED.encode(), None))
    assert len(spans) == 8
    (root,) = [s for s in spans if s.span_id == f"{18269734886327436313:016x}"]
    assert (root.trace_id[16:], root.parent_id, root.start, root.end - root.start) == (
        f"{16108321602917563239:016x}", "", 1623982028783232000, 5367000)
    assert root.resource.items() >= {"service.name": "Python-App", "deployment.environment.name": "Testing", "service.version": "V1.1",
                                     "host.name": "DESKTOP-7BK497S"}.items()
    assert root.attrs.items() >= {"http.request.method": "GET", "http.response.status_code": 200, "operation.name": "flask.request"}.items()


SAID_IN_HEADERS = ("telemetry.", "process.runtime.", "container.", "k8s.", "datadog.entity_id", "datadog.process.", "process.executable.", "_dd.sdk")


def comparable(s):
    """A span but for what lines cannot say: what tracers tell in headers, which library made it, and at what rate its chunk was kept."""
    resource = {k: v for k, v in s.resource.items() if not k.startswith(SAID_IN_HEADERS)}
    attrs = {k: v for k, v in s.attrs.items() if k != "datadog.sampling.rate"}
    return {**vars(s), "resource": resource, "attrs": attrs, "scope": None, "tracestate": s.tracestate.split(",ot=")[0]}


def one_recording_of_each_client():
    """Whole traces: without the traces of two processes of old tracers, which name none, and those sent in parts."""
    whole = {n: f for n, f in sorted(recordings.folders().items())
             if "two-services" not in n and "partial" not in n and any(r.chunks for r in recordings.load(n, f))}
    return {n.split("/")[0]: (n, f) for n, f in whole.items()}.values()


@pytest.mark.parametrize("name, folder", one_recording_of_each_client())
def test_what_the_exporter_writes_comes_back(tmp_path, name, folder):
    requests = recordings.load(name, folder)
    receiver, settings = {"keep_rejected": True, "obfuscate": False}, {"host_name": "gate"}

    def sent(folder, **out):
        with Ddgate(tmp_path / folder, receiver, exporters=[{"type": "stdout", **out}], settings=settings, uds=True) as gate:
            for r in requests:
                assert gate.request(r.method, r.path, r.body, r.headers, transport=r.transport).status == 200
        return gate.stdout
    straight = defaultdict(list)
    for s in spans_of(sent("straight", format="otlp_json")):
        straight[s.trace_id, s.span_id].append(comparable(s))
    lines = sent("lines", format="line_protocol", ids="hex")
    back = taken(tmp_path / "back", ("?precision=n", lines.encode(), None), receiver={"obfuscate": False})
    assert len(back) == sum(len(spans) for spans in straight.values())
    for s in back:
        assert comparable(s) in straight[s.trace_id, s.span_id]


def test_from_one_gateway_to_another(tmp_path, make_gate):
    """Traces and metrics by way of the exporter, compressed; both ledgers balance."""
    with MetricSink() as sink:
        port = free_port()
        second = make_gate(conf=conf_text({
            "receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""}, {"type": "http", "listen": [f"127.0.0.1:{port}"]}),
            "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "signals": ["metrics"], **QUICK}, {"type": "stdout", "format": "otlp_json"}),
            "admin": {"listen": "127.0.0.1:0"}, "host_name": "second"}), port=port)
        out = {"type": "datakit", "endpoint": f"http://127.0.0.1:{port}", "name": "datakit", "compression": "gzip", **QUICK}
        first_port = free_port()
        rows = {"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{first_port}"], "socket": ""}, {"type": "http", "listen": [f"127.0.0.1:{first_port}"]}),
                "exporters": (out,), "admin": {"listen": "127.0.0.1:0"}, "host_name": "first"}
        first = make_gate(conf=conf_text(rows), port=first_port)
        sent = span(trace_id=1, span_id=2, service="shop", meta={"env": "prod"})
        assert first.put("/v0.4/traces", v04([sent])).status == 200
        metric = b"jvm,service=shop,env=prod,pool=old heap_memory=7.5,threads=3i 1700000000000000000\nhits,service=shop value=3i 1700000000000000001\n"
        assert first.request("POST", "/v1/write/metric", metric).status == 200
        points = {p.name: p for p in sink.wait_points(3)}
        second.wait_stdout(lambda text: "resourceSpans" in text)
        first.stop()
        second.stop()
    assert (points["jvm.heap_memory"].value, points["jvm.threads"].value, points["hits"].value) == (7.5, 3, 3)
    assert points["jvm.heap_memory"].attributes == {"pool": "old"}
    assert points["jvm.heap_memory"].resource == {"service.name": "shop", "deployment.environment.name": "prod", "host.name": "first"}
    (line,) = [line for line in second.stdout.splitlines() if "resourceSpans" in line]
    (got,) = otlp.flatten(otlp.parse_json_line(line))
    assert (got.span_id, got.resource["service.name"], got.resource["host.name"]) == (f"{2:016x}", "shop", "first")
    assert first.ledger.exporter("datakit") == {"sent": 1} and first.ledger.exporter("datakit", "metrics") == {"sent": 3}


@pytest.fixture
def gate(tmp_path, make_gate):
    port = free_port()
    return make_gate(conf=conf_text({
        "receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": "", "max_body": "1MiB"},
                      {"type": "http", "listen": [f"127.0.0.1:{port}"], "max_body": "1MiB"}),
        "exporters": ({"type": "blackhole", "name": "hole"},), "admin": {"listen": "127.0.0.1:0"}}), port=port)


GOOD = {"tracing": 'x,service=s duration=1i,trace_id="1",span_id="2"', "metric": "x,service=s f=1", "logging": 'x message="m"'}
BAD = {"tracing": 'x duration=1i,trace_id="1"', "metric": 'x f="text"', "logging": "x f="}


@pytest.mark.parametrize("category", sorted(GOOD))
def test_answers(gate, category):
    path, signal = "/v1/write/" + category, {"tracing": "traces", "metric": "metrics", "logging": "logs"}[category]

    def post(body, headers=None, path=path):
        return gate.request("POST", path, body if isinstance(body, bytes) else body.encode(), headers)
    answer = post(GOOD[category])
    assert (answer.status, answer.body) == (200, b"")
    assert post(gzip.compress(GOOD[category].encode()), {"Content-Encoding": "gzip"}).status == 200
    # neighbours of what cannot be read are taken, and nobody is to send them again
    answer = post(f"{GOOD[category]}\n{BAD[category]}\n{GOOD[category]}\nno point\n")
    assert error(answer) == (200, "datakit.invalidLinePoint") and "that cannot be read: 2," in json.loads(answer.body)["message"]
    gate.wait_stderr(f"points of a request to {path} that cannot be read: 2")
    assert error(post(BAD[category])) == (400, "datakit.invalidLinePoint")
    assert error(post("")) == (400, "datakit.noPoints") and error(post("[]", JSON)) == (400, "datakit.noPoints")
    assert error(post('[{"measurement":', JSON)) == (400, "datakit.invalidJSONPoint")
    assert error(post("no gzip", {"Content-Encoding": "gzip"})) == (400, "datakit.decodeBodyFailed")
    assert post(b"x" * (2 * MIB)).status == 413
    assert error(post(GOOD[category], path="/v1/write/rum")) == (404, "datakit.invalidCategory")
    gate.stop()
    intake = gate.ledger.intake(signal)
    assert (intake["accepted"], intake["refused", "bad_point"]) == (4, 3)


@pytest.mark.parametrize("query, time", [("?precision=s", 1700000000), ("?precision=ms", 1700000000000), ("?precision=n", 1700000000 * 10**9),
                                         ("", 1700000000), ("", 1700000000000000)])
def test_times_and_forms(tmp_path, query, time):
    """The units of times, and all three forms of points: lines, objects, and fields that name their types."""
    ids = {"trace_id": "1", "span_id": "2"}
    plain = [{"measurement": "m", "tags": {"service": "s", "operation": "op"}, "fields": {"duration": 5, "rows": 3, **ids}, "time": time}]
    typed = [{"name": "m", "time": str(time), "fields": [{"key": "service", "s": "s", "is_tag": True}, {"key": "operation", "s": "op", "is_tag": True},
              {"key": "duration", "i": "5"}, {"key": "rows", "f": 3}, *({"key": k, "s": v} for k, v in ids.items())]}]
    line = f'm,service=s,operation=op duration=5i,rows=3i,trace_id="1",span_id="2" {time}'
    spans = taken(tmp_path, (query, line.encode(), None), (query, json.dumps(plain).encode(), JSON), (query, json.dumps(typed).encode(), JSON))
    assert [(s.start, s.end - s.start, s.resource["service.name"], s.attrs["operation.name"], s.attrs["rows"]) for s in spans] == [
        (1700000000 * 10**9, 5000, "s", "op", 3)] * 3
