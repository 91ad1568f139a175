# SPDX-License-Identifier: Apache-2.0
"""Statistics of spans in, metrics of span durations out: counts, sums and quantiles are those that tracers and agents sent, as Datadog's
own `ddsketch` and msgpack read them; what cannot be read costs itself; the answer is true."""
import collections
import gzip
import hashlib
import json
import math
import random
import re
import signal

import ddsketch
import msgpack
import pytest
from ddsketch.pb import ddsketch_pb2
from ddsketch.pb.proto import DDSketchProto, KeyMappingProto
from prometheus_client.parser import text_string_to_metric_families

from ddgate import ROOT, Ddgate, conf_text, free_port
from metric_sink import MetricSink

NAME = "traces.span.sdk.metrics.duration"
RECORDED = sorted(f.parent for f in (ROOT / "tests" / "data" / "stats").glob("*/stats.bin"))
AGENTS = sorted((ROOT / "tests" / "data" / "agents").glob("*/*/*-stats.bin"))


@pytest.fixture
def sink():
    with MetricSink() as s:
        yield s


def rows(sink, port, signals=("metrics",), receiver=None, exporter=None, settings=None):
    metrics = {"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "batch": {"delay": "5ms"}, **(exporter or {})}
    return {"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": "", **(receiver or {})},),
            "exporters": ({**metrics, **({"signals": list(signals)} if signals else {})},), "admin": {"listen": "127.0.0.1:0"}, **(settings or {})}


def start(directory, sink, **options):
    port = free_port()
    return Ddgate(directory, conf=conf_text(rows(sink, port, **options)), port=port)


def counted(gate, name):
    """{labels: n} of a counter."""
    families = text_string_to_metric_families(gate.admin("/metrics").body.decode())
    return {tuple(v for k, v in sorted(s.labels.items()) if k != "receiver"): s.value
            for family in families for s in family.samples if s.name == f"ddgate_ddtrace_{name}_total" and s.value}


# --- the other reader ---

def linear(mapping):
    """Java's: between two powers of two bins are equally wide. (The library for Python means something else by it.)"""
    def lower(index):
        part, whole = math.modf((index - mapping.indexOffset) * math.log2(mapping.gamma))
        return math.ldexp(1 + part, int(whole))
    return lambda index: (lower(index - 1) + lower(index)) / 2


def bins_of(summary, upper):
    """[(middle of the bin in ns, count)] by Datadog's library for Python, which counts bins one higher than those for Go, Java and Rust."""
    if not summary:
        return []
    proto = ddsketch_pb2.DDSketch.FromString(summary)
    store = collections.Counter(proto.positiveValues.binCounts)
    for i, n in enumerate(proto.positiveValues.contiguousBinCounts):
        store[proto.positiveValues.contiguousBinIndexOffset + i] += n
    shift = 0 if upper and not proto.mapping.indexOffset else 1
    value = linear(proto.mapping) if proto.mapping.interpolation else KeyMappingProto.from_proto(proto.mapping).value
    return sorted([(value(i + shift), n) for i, n in store.items() if n] + ([(0.0, proto.zeroCount)] if proto.zeroCount else []))


def without_literals(group):
    if group["Type"] in ("sql", "redis"):
        return re.sub(r"(?<== )\d+$|key:\d+$", "?", group["Resource"])
    return group["Resource"]


Expected = collections.namedtuple("Expected", "count bins sums")


def expected_of(payload, upper):
    """{key: Expected} of a ClientStatsPayload: as counted, group by group; `sums` holds (duration, whether it is this part's alone)."""
    out = collections.defaultdict(lambda: Expected(collections.Counter(), [], []))
    for bucket in payload["Stats"]:
        for g in bucket["Stats"]:
            for error, n, summary in ((False, g["Hits"] - g["Errors"], g["OkSummary"]), (True, g["Errors"], g["ErrorSummary"])):
                if not n:
                    continue
                top = g["TopLevelHits"] == g["Hits"]
                key = (bucket["Start"], bucket["Start"] + bucket["Duration"], g["Service"], g["Name"], without_literals(g), int(g["HTTPStatusCode"]),
                       g.get("SpanKind", ""), error, top, g.get("IsTraceRoot", 0))
                out[key].count[""] += n
                out[key].bins.extend(bins_of(summary, upper))
                out[key].sums.append((g["Duration"], n == g["Hits"]))
    return out


KINDS = {"SPAN_KIND_SERVER": "server", "SPAN_KIND_CLIENT": "client", "SPAN_KIND_PRODUCER": "producer", "SPAN_KIND_CONSUMER": "consumer"}


def key_of(point, kind):
    a = point.attributes
    said = KINDS.get(a["span.kind"], kind if kind not in KINDS.values() else "")
    return (point.start, point.time, a["service.name"], a["datadog.operation.name"], a.get("span.name", ""), a.get("http.response.status_code", 0),
            said, a["status.code"] == "STATUS_CODE_ERROR", a["datadog.span.top_level"], {None: 0, True: 1, False: 2}[a.get("datadog.is_trace_root")])


def quantile(bins, q):
    rank, seen = q * (sum(n for _, n in bins) - 1), 0
    for value, n in bins:
        seen += n
        if seen > rank:
            return value
    return bins[-1][0]


def assert_same(points, payload, upper):
    """Every group is a point, with its numbers; returns the greatest error of a quantile, against the sketch's."""
    kinds = {g["SpanKind"] for b in payload["Stats"] for g in b["Stats"] if g.get("SpanKind") not in KINDS.values()} or {""}
    assert len(kinds) == 1, "one word for all kinds that are internal"
    wanted, got, worst = expected_of(payload, upper), {key_of(p, *kinds): p for p in points}, 0
    assert len(got) == len(points) and set(got) == set(wanted)
    for key, e in wanted.items():
        h, bins = got[key].value, sorted(e.bins)
        assert h.count == e.count[""] == round(sum(n for _, n in bins))
        if all(alone for _, alone in e.sums):
            assert h.sum == pytest.approx(sum(d for d, _ in e.sums) / 1e9, rel=1e-12)
        for q in (0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1):
            true = quantile(bins, q) / 1e9
            if h.count > 1 and true:
                error = abs(h.quantile(q) / true - 1)
                # min and max, which bound a quantile, may be the mean of two values of one bin
                assert error <= h.error * 1.0001 + 0.0102, (key, q, h, true)
                worst = max(worst, error)
    return worst


@pytest.mark.parametrize("folder", RECORDED, ids=lambda f: f.name)
def test_recorded_statistics_of_tracers(tmp_path, sink, folder):
    body, said = (folder / "stats.bin").read_bytes(), json.loads((folder / "stats.json").read_text())
    headers = {k: v for k, v in said["headers"] if k.lower() not in ("content-length", "host", "connection")}
    payload = msgpack.unpackb(body, strict_map_key=False)
    with start(tmp_path, sink) as gate:
        answer = gate.request(said["method"], said["path"], body, headers)
        assert (answer.status, answer.body) == (200, b"")
        gate.stop()
    assert {(p.name, p.unit, p.kind, p.temporality) for p in sink.points} == {(NAME, "s", "exponential", "delta")}
    assert_same(sink.points, payload, upper="js" in folder.name)
    assert gate.ledger.intake("metrics") == {"received": len(sink.points), "accepted": len(sink.points)}

    language = next(language for word, language in (("-go-", "go"), ("-js-", "nodejs"), ("java", "java"), ("ddtrace", "python")) if word in folder.name)
    for p in sink.points:
        assert p.resource.items() >= {"deployment.environment.name": "testing", "service.instance.id": payload["RuntimeID"],
                                      "telemetry.sdk.name": "datadog", "telemetry.sdk.language": language}.items()
        assert p.resource["telemetry.sdk.version"].lstrip("v").split("~")[0] == folder.name.rsplit("-", 1)[1]
        assert p.resource["service.name"] == p.attributes["service.name"]
        assert p.resource["process.executable.name"] in ("app", "a")
    web = [p for p in sink.points if p.attributes["datadog.operation.name"] == "web.request"]
    assert web and all(p.attributes.items() >= {"span.name": "GET /cart/:id", "span.kind": "SPAN_KIND_SERVER", "datadog.span.type": "web",
                                                **({} if language == "java" else {"http.request.method": "GET", "http.route": "/cart/:id"})}.items() for p in web)
    assert all(p.resource["service.version"] == "1.0" for p in web)
    calls = [p for p in sink.points if p.attributes["span.kind"] == "SPAN_KIND_CLIENT"]
    assert calls and not [p for p in calls if re.search(r"\d", p.attributes["span.name"])], "a literal is left"
    if "js" not in folder.name:  # which sends no peer tags
        assert all(p.resource["datadog.base_service"].startswith("shop") for p in calls)
        queries = [p for p in calls if p.attributes["datadog.span.type"] == "sql"]
        assert queries and all(p.attributes.items() >= {"server.address": "db-1", "db.namespace": "orders", "db.system.name": "postgresql"}.items()
                               for p in queries) and not [p for p in queries if {"db.type", "db.system"} & set(p.attributes)]


@pytest.mark.parametrize("file", AGENTS, ids=lambda f: f.parent.name)
def test_recorded_statistics_of_agents(tmp_path, sink, file):
    headers = dict(json.loads(file.with_suffix(".json").read_text())["headers"])
    headers.pop("Content-Length")
    body = file.read_bytes()
    plain = {"gzip": gzip.decompress}.get(headers["Content-Encoding"], lambda b: b)(body)
    payload = msgpack.unpackb(plain, strict_map_key=False)
    with start(tmp_path, sink) as gate:
        answer = gate.request("POST", "/api/v0.2/stats", body, headers)
        assert (answer.status, answer.body) == (202, b"{}")
        gate.stop()
    groups = [g for p in payload["Stats"] for b in p["Stats"] for g in b["Stats"]]
    assert sum(p.value.count for p in sink.points) == sum(g["Hits"] for g in groups)
    assert sum(p.value.sum for p in sink.points) == pytest.approx(sum(g["Duration"] for g in groups) / 1e9)
    assert sum(p.value.count for p in sink.points if p.attributes["status.code"].endswith("ERROR")) == sum(g["Errors"] for g in groups)
    assert {p.resource["host.name"] for p in sink.points} == {"agent-host"}
    in_container = [p for p in sink.points if "container.id" in p.resource]
    assert in_container and all(p.resource["k8s.namespace.name"] == "prod" and p.resource["container.image.name"] == "shop" for p in in_container)


# --- made here ---

def group(**fields):
    return {"Service": "shop", "Name": "op", "Resource": "r", "Type": "web", "Hits": 1, "Errors": 0, "Duration": 10**9, "OkSummary": sketch([10**9]),
            "ErrorSummary": b"", "TopLevelHits": 1, **fields}


def sketch(values):
    s = ddsketch.DDSketch()
    for v in values:
        s.add(v)
    return DDSketchProto.to_proto(s).SerializeToString()


def payload_of(*groups, **fields):
    return msgpack.packb({"Env": "e", "Lang": "python", "Stats": [{"Start": 1700000000 * 10**9, "Duration": 10**10, "Stats": list(groups)}], **fields})


MEASURED = {}


@pytest.mark.parametrize("shape", ["lognormal", "uniform", "two_modes", "one_value", "wide"])
def test_quantiles_against_the_values_themselves(tmp_path, sink, shape):
    """A sketch with a relative accuracy of 1 %, made by Datadog's ddsketch of values that the test keeps: a quantile that a backend reads
    from the histogram is off by both errors together, (1 + 1 %) (1 + the histogram's) - 1, and no more."""
    r = random.Random(shape)
    draw = {"lognormal": lambda: r.lognormvariate(17, 1), "uniform": lambda: r.uniform(10**6, 10**8), "one_value": lambda: 123456789.0,
            "two_modes": lambda: r.gauss(5e6, 2e5) if r.random() < 0.8 else r.gauss(2e9, 1e8), "wide": lambda: math.exp(r.uniform(5, 25))}[shape]
    values = sorted(draw() for _ in range(20000))
    with start(tmp_path, sink) as gate:
        body = payload_of(group(Hits=len(values), Duration=int(sum(values)), OkSummary=sketch(values)))
        assert gate.put("/v0.6/stats", body).status == 200
        gate.stop()
    h = sink.points[0].value
    assert h.count == len(values) and h.sum == pytest.approx(sum(values) / 1e9, rel=1e-9)
    bound, worst = 1.01 * (1 + h.error) - 1, 0
    for q in (i / 1000 for i in range(1001)):
        true = values[int(q * (len(values) - 1))] / 1e9
        worst = max(worst, abs(h.quantile(q) / true - 1))
    assert worst <= bound * 1.0001, (worst, bound)
    assert abs(h.min * 1e9 / values[0] - 1) <= 0.0101 and abs(h.max * 1e9 / values[-1] - 1) <= 0.0101
    print(f"{shape}: scale {h.scale}, worst quantile {worst:.2%} of {bound:.2%}")


def test_a_bad_group_costs_itself(tmp_path, sink):
    bad = [group(Hits="many"), group(OkSummary=b"\x0a"), group(OkSummary=b""), group(Service=7)]
    with start(tmp_path, sink) as gate:
        body = payload_of(group(Resource="first"), *bad, group(Resource="last"))
        assert gate.put("/v0.6/stats", body).status == 200
        assert gate.put("/v0.6/stats", msgpack.packb({"Stats": [{"Duration": 1, "Stats": [group(), group()]}]})).status == 200
        assert counted(gate, "refused_stats_groups") == {("bad_field",): 2, ("bad_sketch",): 1, ("no_sketch",): 1, ("bad_time",): 2}
        assert counted(gate, "stats_groups") == {(): 8} and counted(gate, "stats_payloads") == {(): 2}
        gate.stop()
    assert sorted(p.attributes["span.name"] for p in sink.points) == ["first", "last"]
    assert gate.ledger.intake("metrics") == {"received": 8, "accepted": 2, ("refused", "bad_group"): 6}


def test_what_is_not_well_formed_is_400_with_its_place(tmp_path, sink):
    body = payload_of(group())
    with start(tmp_path, sink) as gate:
        for bad, words in ((body[:-3], rb"at offset \d+: "), (b"\xc1" + body, b"at offset 0: "), (b"\x93\x01\x02\x03", b"statistics are a map, this is an array"),
                           (body.replace(b"\xa5Stats\x91", b"\xa5Stats\xc1", 1), rb"at offset \d+: ")):
            for path in ("/v0.6/stats", "/api/v0.2/stats"):
                answer = gate.put(path, bad)
                assert answer.status == 400 and re.search(words, answer.body), answer.body
        assert gate.put("/v0.6/stats", body).status == 200
        gate.stop()
    assert len(sink.points) == 1
    assert gate.ledger.intake("metrics") == {"received": 9, "accepted": 1, ("refused", "bad_payload"): 8}


def test_a_full_queue_is_429_and_nothing_is_lost_or_doubled(tmp_path, sink):
    sink.hold()
    tagged = [payload_of(*(group(Resource=f"r{i}-{k}-" + "x" * 2000) for k in range(100))) for i in range(12)]
    with start(tmp_path, sink, exporter={"queue_size": "1MiB", "when_full": "reject"}) as gate:
        left = list(tagged)
        while left:
            answer = gate.put("/v0.6/stats", left[0])
            if answer.status == 200:
                left.pop(0)
                continue
            assert answer.status == 429 and int(answer.headers["retry-after"]) >= 1
            sink.release()
        gate.stop()
    assert not sink.refuse() and len(sink.points) == len({p.attributes["span.name"] for p in sink.points}) == 1200
    assert gate.ledger.intake("metrics")["refused", "queue_full"] > 0


def test_points_on_the_disk_survive_a_kill(tmp_path, sink):
    settings = {"storage": {"directory": tmp_path / "queue", "fsync": "always"}}
    sink.refuse()
    gate = start(tmp_path / "killed", sink, settings=settings)
    gate.wait_listening()
    assert gate.put("/v0.6/stats", payload_of(*(group(Resource=f"r{i}") for i in range(50)))).status == 200
    gate.process.kill()
    gate.process.wait()
    sink.release()
    with start(tmp_path / "again", sink, settings=settings) as gate:
        sink.wait(lambda s: len({p.attributes["span.name"] for p in s.points}) == 50)
        gate.stop()


# --- /info ---

def info_of(gate):
    answer = gate.request("GET", "/info")
    info, state = json.loads(answer.body), hashlib.sha256(answer.body).hexdigest()
    assert gate.put("/v0.4/traces", b"\x90").headers["datadog-agent-state"] == state
    return info


def asks_for_statistics(info):
    listed = "/v0.6/stats" in info["endpoints"]
    assert bool(info["peer_tags"]) == bool(info["span_kinds_stats_computed"]) == listed
    return listed


def test_tracers_are_asked_where_it_is_honest(tmp_path, sink):
    for i, (options, asks, drops) in enumerate([
            ({}, True, True), ({"signals": ["traces"]}, False, False), ({"signals": None}, False, False),
            ({"signals": None, "receiver": {"client_stats": "always"}}, True, True), ({"receiver": {"client_stats": "never"}}, False, False),
            ({"signals": ["traces"], "receiver": {"client_stats": "always"}}, False, False), ({"receiver": {"keep_rejected": True}}, True, False),
            ({"receiver": {"sampling": {"keep_errors": True}}}, True, False)]):
        with start(tmp_path / str(i), sink, **options) as gate:
            info = info_of(gate)
            assert (asks_for_statistics(info), info["client_drop_p0s"]) == (asks, drops), options
            answer = gate.put("/v0.6/stats", payload_of(group(Resource=f"of {i}")))
            assert (answer.status, answer.body) == (200, b"")
            gate.stop()
            assert ("sends statistics of its traces; ddgate does not take them" in gate.stderr) == (not asks)
        assert [p.attributes["span.name"] for p in sink.points].count(f"of {i}") == asks


def test_a_reload_changes_what_tracers_are_asked(tmp_path, sink):
    with start(tmp_path, sink, signals=["traces"]) as gate:
        assert not asks_for_statistics(info_of(gate))
        for n, (signals, asks) in enumerate([(["metrics"], True), (["traces"], False)], 1):
            (tmp_path / "ddgate.conf").write_text(conf_text(rows(sink, gate.port, signals=signals)))
            gate.signal(signal.SIGHUP)
            gate._until(lambda n=n: gate.stderr.count("configuration") >= n, "no reload")  # pylint: disable=protected-access
            gate._until(lambda a=asks: asks_for_statistics(info_of(gate)) == a, "/info stays")  # pylint: disable=protected-access
        gate.stop()
