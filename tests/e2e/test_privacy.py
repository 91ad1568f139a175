# SPDX-License-Identifier: Apache-2.0
"""The option privacy: rules take data out of spans whatever way they come, a reload changes them, and mistakes in them are named."""
import json

import otlp
import pytest
from ddgate import Ddgate, conf_text, free_port
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from payloads import span, v04

RULES = ({"name": "http.url", "pattern": "sid=[^&]*", "repl": "sid=?"}, {"name": "*", "pattern": r"\b(\w)\w*@example\.com", "repl": "$${1}…"})
PRIVACY = {"replace_tags": RULES, "credit_cards": "luhn", "keep_values": ["order"]}
META = {"http.url": "/pay?sid=abc&x=1", "user": "mail to anna@example.com", "_hidden": "anna@example.com", "card": "4111 1111 1111 1111",
        "order": "4111111111111111", "no.card": "4111111111111112"}
WANT = {"url.query": "sid=?&x=1", "user": "mail to a…", "_hidden": "anna@example.com", "card": "?", "order": "4111111111111111",
        "no.card": "4111111111111112", "resource.name": "by a…"}


def sent(**more):
    return span(service="shop", name="op", resource="by anna@example.com", meta={**META, **more})


def spans(gate):
    return [s for line in gate.stdout.splitlines() for s in otlp.flatten(otlp.parse_json_line(line))]


def quoted(message):
    return json.dumps(message).replace("\\", "\\\\").replace('"', '\\"')


def assert_is_clean(s):
    assert s.attrs.items() >= WANT.items(), s.attrs


def otlp_request():
    """As an SDK of Datadog's sends it."""
    request = ExportTraceServiceRequest()
    rs = request.resource_spans.add()
    for key, value in (("service.name", "shop"), ("datadog.sdk.semantics", "datadog")):
        one = rs.resource.attributes.add()
        one.key, one.value.string_value = key, value
    s = rs.scope_spans.add().spans.add(name="by anna@example.com", trace_id=bytes(15) + b"\1", span_id=bytes(7) + b"\2",
                                       start_time_unix_nano=1700000000 * 10**9, end_time_unix_nano=1700000001 * 10**9)
    for key, value in {"operation.name": "op", "resource.name": "by anna@example.com", **META}.items():
        one = s.attributes.add()
        one.key, one.value.string_value = key, value
    return request.SerializeToString()


def test_rules_hold_for_every_way_in(tmp_path):
    ports = free_port(), free_port()
    conf = {"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{ports[0]}"], "socket": "", "privacy": PRIVACY},
                          {"type": "otlp", "http": [f"127.0.0.1:{ports[1]}"], "grpc": [], "privacy": PRIVACY, "strip": ["_dd.gone"]}),
            "exporters": ({"type": "stdout", "format": "otlp_json"},), "admin": {"listen": "127.0.0.1:0"}}
    with Ddgate(tmp_path, conf=conf_text(conf), port=ports[0]) as gate:
        assert gate.put("/v0.4/traces", v04([sent()])).status == 200
        one = sent()
        line = f'ddtrace,service=shop trace_id="{one["trace_id"]}",span_id="{one["span_id"]}",message="{quoted(one)}" 1700000000000000000'
        assert gate.request("POST", "/v1/write/tracing", line.encode()).status == 200
        gate.port = ports[1]
        assert gate.request("POST", "/v1/traces", otlp_request(), {"Content-Type": "application/x-protobuf"}).status == 200
        metrics = gate.admin("/metrics").body.decode()
    got = spans(gate)
    assert len(got) == 3
    for s in got:
        assert_is_clean(s)
    assert 'ddgate_ddtrace_privacy_replaced_total{receiver="ddtrace"} 8' in metrics
    assert 'ddgate_otlp_privacy_replaced_total{receiver="otlp"} 4' in metrics


def test_a_reload_changes_the_rules(tmp_path):
    port = free_port()

    def conf(privacy):
        return conf_text({"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": "", **privacy},),
                          "exporters": ({"type": "stdout", "format": "otlp_json"},), "admin": {"listen": "127.0.0.1:0"}})
    with Ddgate(tmp_path, conf=conf({}), port=port) as gate:
        assert gate.put("/v0.4/traces", v04([sent()])).status == 200
        (tmp_path / "ddgate.conf").write_text(conf({"privacy": PRIVACY}))
        gate.signal(1)
        gate.wait_stderr("the configuration was read again")
        assert gate.put("/v0.4/traces", v04([sent()])).status == 200
    before, after = spans(gate)
    assert before.attrs["user"] == META["user"] and before.attrs["card"] == META["card"]
    assert_is_clean(after)


def test_an_expression_that_takes_too_long_hides_and_ends(tmp_path):
    """It would search for years; the values become ?, and the request is answered."""
    rules = ({"name": "evil", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$", "repl": "x"},)
    with Ddgate(tmp_path, {"privacy": {"replace_tags": rules}}) as gate:
        body = v04([sent(evil="a" * 4000 + str(i)) for i in range(200)])
        assert gate.put("/v0.4/traces", body).status == 200
        metrics = gate.admin("/metrics").body.decode()
    (gave_up,) = [int(line.split()[1]) for line in metrics.splitlines() if line.startswith("ddgate_ddtrace_privacy_gave_up_total{")]
    values = {s.attrs["evil"] for s in spans(gate)}
    assert len(spans(gate)) == 200
    assert values == {"?"} if gave_up else all(v.startswith("aaaa") for v in values)


@pytest.mark.parametrize("privacy, words", [
    ({"replace_tags": ({"name": "a", "pattern": "(?=x)"},)}, "replace_tags[0]: the pattern is refused: error parsing regexp"),
    ({"replace_tags": ({"name": "a", "patern": "x"},)}, "there is no such key here: there are name, pattern, repl"),
    ({"replace_tags": ({"name": "a", "pattern": "x"}, {"pattern": "x"})}, "replace_tags[1]: has no name"),
    ({"replace_tags": "x"}, "wants a list of groups"),
    ({"credit_cards": "yes"}, "is not one of off, on, luhn"),
])
def test_mistakes(tmp_path, privacy, words):
    gate = Ddgate(tmp_path, {"privacy": privacy})
    assert gate.process.wait(20) == 2
    assert words in gate.stderr and "ddgate.conf:1: receivers[0].privacy." in gate.stderr, gate.stderr
