# SPDX-License-Identifier: Apache-2.0
"""Option sampling: what tracers are told, what is decided here, and that the numbers in trace states say how to count what is left."""
import json
import random
from fractions import Fraction

import pytest
from ddgate import MSGPACK, Ddgate, grpc
from payloads import span, v04, v04_json, v05
from test_reload import reload
from test_span_parts import counter

VERSION = "Datadog-Rates-Payload-Version"
FACTOR, MOD = 1111111111111111111, 2 ** 64


def sampling(**options):
    return {"sampling": options}


def keeps(rate, trace_id):
    """Datadog's samplers, in exact numbers."""
    return Fraction(trace_id % MOD * FACTOR % MOD, MOD) <= Fraction(rate)


def probability(span):
    """What OpenTelemetry's th says, or None; where rv is told, the trace must have passed by it."""
    members = dict(m.split("=", 1) for m in span.tracestate.split(",") if m)
    entries = dict(e.split(":", 1) for e in members.get("ot", "").split(";") if e)
    if "th" not in entries:
        return None
    th = int(entries["th"].ljust(14, "0"), 16)
    if "rv" in entries:
        assert len(entries["rv"]) == 14 and int(entries["rv"], 16) == (MOD - 1 - int(span.trace_id[16:], 16) * FACTOR % MOD) >> 8
        assert int(entries["rv"], 16) >= th
    return 1 - th / 2 ** 56


def one(service, env="prod", trace_id=None, metrics=(), meta=(), **fields):
    s = span(service=service, metrics=dict(metrics), meta={"env": env, **dict(meta)}, **fields)
    return {**s, "trace_id": trace_id or s["trace_id"]}


def rates(answer):
    return json.loads(answer.body)["rate_by_service"]


def ask(gate, *spans, version=None, path="/v0.4/traces", pack=v04):
    headers = {**MSGPACK, **({VERSION: version} if version is not None else {})}
    answer = gate.put(path, pack(*[[s] for s in spans]), headers)
    assert answer.status == 200
    return answer


def test_without_the_option_everything_goes_on(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink)])
    spans = [one("web") for _ in range(50)]
    assert rates(ask(gate, *spans)) == {"service:,env:": 1}
    assert all(probability(s) is None for s in sink.wait_spans(50))


@pytest.mark.parametrize("path, pack", [("/v0.4/traces", v04), ("/v0.5/traces", v05)])
def test_fixed_rates_are_told(make_gate, sink, path, pack):
    gate = make_gate(receiver=sampling(rates=["*=0.1", "shop=0.5", "shop,env:test=0", "*,env:dev=0.25"]), exporters=[grpc(sink)])
    told = {"service:,env:": 0.1, "service:shop,env:": 0.5, "service:shop,env:test": 0}
    assert rates(ask(gate, path=path, pack=pack)) == told, "an empty payload is how tracers ask"
    assert rates(ask(gate, one("shop", "prod"), one("cart", "dev"), one("cart", "prod"), path=path, pack=pack)) == {
        **told, "service:shop,env:prod": 0.5, "service:cart,env:dev": 0.25}, "a service's rate, for the env that it has"


def test_versions(make_gate, sink):
    gate = make_gate(receiver=sampling(rates={"*": 0.1, "shop": 0.5}), exporters=[grpc(sink)])
    assert VERSION.lower() not in ask(gate).headers, "who does not send it is not answered"
    first = ask(gate, version="none yet").headers[VERSION.lower()]
    again = ask(gate, version=first)
    assert (again.headers[VERSION.lower()], again.body) == (first, b"{}")
    changed = ask(gate, one("shop", "staging"), version=first)
    second = changed.headers[VERSION.lower()]
    assert second != first and rates(changed)["service:shop,env:staging"] == 0.5
    assert ask(gate, one("shop", "staging"), version=second).body == b"{}"
    assert "service:shop,env:staging" in rates(ask(gate, version=first))


def test_gateways_with_the_same_rates_have_one_version(make_gate, sink):
    gates = [make_gate(receiver=sampling(rates=given), exporters=[grpc(sink)]) for given in
             (["*=0.1", "shop=0.5"], ["shop=0.50", "*=1e-1"], ["*=0.1", "shop=0.51"])]
    versions = [ask(g, version="?").headers[VERSION.lower()] for g in gates]
    assert versions[0] == versions[1] != versions[2]
    assert ask(gates[1], version=versions[0]).body == b"{}"


def test_old_paths_are_not_told(make_gate, sink):
    gate = make_gate(receiver=sampling(rates={"*": 0.1}), exporters=[grpc(sink)])
    assert ask(gate, path="/v0.3/traces").body == b"OK\n"


@pytest.mark.parametrize("path, pack, media", [("/v0.3/traces", v04, "application/msgpack"), ("/v0.4/traces", v04, "application/msgpack"),
                                               ("/v0.4/traces", v04_json, "application/json"), ("/v0.5/traces", v05, "application/msgpack")])
def test_one_trace_is_decided_alike_everywhere(make_gate, sink, path, pack, media):
    """Over requests, services and ways in, by who does not listen: and what is left says how much there was."""
    gate = make_gate(receiver=sampling(rates={"*": 0.5, "web": 0.1}), exporters=[grpc(sink)])
    dice = random.Random(path)
    ids = [dice.getrandbits(64) | 1 for _ in range(400)]
    for service in ("web", "db"):
        for part in (ids[:200], ids[200:]):
            body = pack(*[[one(service, trace_id=i, metrics={"_sampling_priority_v1": 1}, meta={"_dd.p.dm": "-0"},
                               parent_id=0 if service == "web" else 77)] for i in part])
            assert gate.put(path, body, {"Content-Type": media}).status == 200
    want = {(service, i) for service, rate in (("web", 0.1), ("db", 0.5)) for i in ids if keeps(rate, i)}
    got = sink.wait_spans(len(want))
    assert {(s.service, int(s.trace_id[16:], 16)) for s in got} == want
    for s in got:
        rate = {"web": 0.1, "db": 0.5}[s.service]
        assert s.attrs["datadog.sampling.rate"] == rate and probability(s) == pytest.approx(rate, rel=1e-4)
    gate.stop()
    rows = gate.ledger.intake()
    assert (rows["received"], rows["accepted"]) == (800, len(want))
    assert rows[("dropped", "gateway_sampled")] == 800 - len(want)


def test_the_probability_is_of_all_who_sampled(make_gate, sink):
    gate = make_gate(receiver=sampling(rates={"*": 0.4}), exporters=[grpc(sink)])
    dice = random.Random(5)
    cases = {  # what the tracer says -> what it is in the end
        "nothing": ({}, {}, 0.4),
        "agent": ({"_sampling_priority_v1": 1, "_dd.agent_psr": 0.4}, {"_dd.p.dm": "-1"}, 0.4),
        "agent, less": ({"_sampling_priority_v1": 1, "_dd.agent_psr": 0.25}, {"_dd.p.dm": "-1"}, 0.25),
        "agent, more": ({"_sampling_priority_v1": 1, "_dd.agent_psr": 1}, {"_dd.p.dm": "-1"}, 0.4),
        "rule": ({"_sampling_priority_v1": 2, "_dd.rule_psr": 0.8}, {"_dd.p.dm": "-3"}, 0.4),
        "rule, less": ({"_sampling_priority_v1": 2, "_dd.rule_psr": 0.2}, {"_dd.p.dm": "-3"}, 0.2),
        "limited": ({"_sampling_priority_v1": 2, "_dd.rule_psr": 1, "_dd.limit_psr": 0.5}, {"_dd.p.dm": "-3"}, 0.2),
        "otel": ({}, {"tracestate": "ot=th:c"}, 0.1),
        "by hand": ({"_sampling_priority_v1": 2}, {"_dd.p.dm": "-4"}, None),
        "appsec": ({"_sampling_priority_v1": 2, "_dd.agent_psr": 0.3}, {"_dd.p.dm": "-5"}, None),
    }
    want = {}
    for name, (metrics, meta, p) in cases.items():
        told = metrics.get("_dd.agent_psr", metrics.get("_dd.rule_psr", 1))
        ids = [i for i in (dice.getrandbits(64) | 1 for _ in range(300)) if p is None or keeps(told, i)]
        ask(gate, *[one(name, trace_id=i, metrics=metrics, meta=meta) for i in ids])
        want[name] = {i for i in ids if p is None or keeps(0.4, i)}
        assert p is None or want[name] < set(ids) or told <= 0.4
    got = sink.wait_spans(sum(map(len, want.values())))
    for name, (_, _, p) in cases.items():
        mine = [s for s in got if s.service == name]
        assert {int(s.trace_id[16:], 16) for s in mine} == want[name], name
        assert {s.attrs.get("datadog.sampling.rate") for s in mine} == {p} if p is None else \
            all(s.attrs["datadog.sampling.rate"] == pytest.approx(p) and probability(s) == pytest.approx(p, rel=1e-4) for s in mine), name


def test_keep_errors(make_gate, sink):
    gate = make_gate(receiver=sampling(rates={"*": 0.0}, keep_errors=True), exporters=[grpc(sink)])
    bad = [one("web", error=1), one("web", error=1, metrics={"_sampling_priority_v1": 0, "_dd.agent_psr": 0.5}, meta={"_dd.p.dm": "-1"})]
    gone = [one("web"), one("web", metrics={"_sampling_priority_v1": 1}), one("web", metrics={"_sampling_priority_v1": 0}),
            one("web", error=1, metrics={"_sampling_priority_v1": -1})]
    ask(gate, *bad, *gone)
    got = sink.wait_spans(2)
    assert {int(s.span_id, 16) for s in got} == {s["span_id"] for s in bad}
    assert all(probability(s) is None and "datadog.sampling.rate" not in s.attrs for s in got)
    assert counter(gate, "ddtrace_kept_errors_chunks_total") == 2 and counter(gate, "ddtrace_gateway_sampled_chunks_total") == 2
    gate.stop()
    rows = gate.ledger.intake()
    assert (rows["received"], rows[("dropped", "sampled_out")], rows[("dropped", "gateway_sampled")], rows["accepted"]) == (6, 2, 2, 2)


def test_dropped_traces_teach_their_ids(make_gate, sink):
    gate = make_gate(receiver=sampling(rates={"web": 0.0, "*": 1.0}), exporters=[grpc(sink)])
    root = one("web", meta={"_dd.p.tid": "1234567800000000"})
    ask(gate, root)
    ask(gate, one("db", trace_id=root["trace_id"], parent_id=root["span_id"]))
    s, = sink.wait_spans(1)
    assert s.trace_id == f"1234567800000000{root['trace_id']:016x}"


def test_a_reload_brings_other_rates(make_gate, sink):
    gate = make_gate(receiver=sampling(rates={"*": 1.0}), exporters=[grpc(sink)])
    before = ask(gate, one("web"), version="?").headers[VERSION.lower()]
    reload(gate, receivers=[sampling(rates={"*": 0.0})], exporters=[grpc(sink)])
    answer = ask(gate, one("web"), version=before)
    assert rates(answer) == {"service:,env:": 0} and answer.headers[VERSION.lower()] != before
    reload(gate, receivers=[sampling(rates={"*": 1.0})], exporters=[grpc(sink)])
    assert ask(gate, one("web"), version=before).body == b"{}", "the same rates are the same version"
    reload(gate, exporters=[grpc(sink)])
    assert rates(ask(gate, one("web"), version=before)) == {"service:,env:": 1}
    assert len(sink.wait_spans(3)) == 3


def test_a_target_finds_rates(make_gate, sink):
    """Sends until the gateway has looked at the traffic: every five seconds, by its own clock."""
    gate = make_gate(receiver=sampling(target_per_second=2, rates={"fixed": 0.5}), exporters=[grpc(sink)])
    seen = {"service:,env:": 1, "service:fixed,env:": 0.5}
    assert rates(ask(gate)) == seen

    def told():
        seen.update(rates(ask(gate, *[one("busy", metrics={"_sampling_priority_v1": 1}) for _ in range(50)], one("fixed"), one("calm"))))
        return seen["service:,env:"] < 1 and "service:busy,env:prod" in seen
    gate._until(told, "the rates are still those of the start", 60)
    assert seen["service:busy,env:prod"] < 1 and seen["service:,env:"] <= seen["service:busy,env:prod"]
    assert seen["service:fixed,env:prod"] == 0.5
    # what comes from a tracer that does not listen goes by the same rates
    ids = [random.getrandbits(64) | 1 for _ in range(2000)]
    before = counter(gate, "ddtrace_gateway_sampled_chunks_total")
    ask(gate, *[one("busy", trace_id=i) for i in ids])
    dropped = counter(gate, "ddtrace_gateway_sampled_chunks_total") - before
    assert dropped > 2000 * (1 - seen["service:busy,env:prod"]) * 0.8


def test_mistakes_are_said(tmp_path):
    gate = Ddgate(tmp_path / "wrong", receiver=sampling(target_per_second=5, rates=["shop=2", "a=0.1", "service:a=0.1", "*=1", ",env:x=1"]))
    assert gate.process.wait(30) == 2
    for words in ('"shop" is not a rate', '"service:a" stands twice', '"*" is everybody\'s rate, which target_per_second finds',
                  '",env:x" names no service'):
        assert words in gate.stderr, gate.stderr
