# SPDX-License-Identifier: Apache-2.0
"""DogStatsD in, OTLP metrics and logs out: every line counts once, whatever its kind, transport and neighbours, and nothing that was
aggregated is lost when a backend is away, at a reload, or at a stop."""
import collections
import contextlib
import hashlib
import json
import os
import random
import signal
import socket
import struct
import sys
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ddgate import Ddgate, conf_text, free_port
from metric_sink import MetricSink


@pytest.fixture
def sink():
    with MetricSink() as s:
        yield s


def udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Sender:
    """Datagrams to a port; a stop between two of them keeps the kernel's buffer from being full."""

    def __init__(self, port):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))

    def send(self, *lines):
        self._socket.send("\n".join(lines).encode())


def rows(sink, port, interval="1s", exporter=None, settings=None, **options):
    return {"receivers": ({"type": "dogstatsd", "listen": [f"127.0.0.1:{port}"], "socket": "", "interval": interval, **options},),
            "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "batch": {"delay": "5ms"}, **(exporter or {})},),
            "admin": {"listen": "127.0.0.1:0"}, **(settings or {})}


@contextlib.contextmanager
def gateway(directory, sink, **options):
    port = udp_port()
    with Ddgate(directory, conf=conf_text(rows(sink, port, **options))) as gate:
        yield gate, Sender(port)


def counted(gate, name, **labels):
    """A row of /metrics."""
    for family in text_string_to_metric_families(gate.admin("/metrics").body.decode()):
        for sample in family.samples:
            if sample.name == f"ddgate_dogstatsd_{name}" and labels.items() <= sample.labels.items():
                return sample.value
    raise AssertionError(f"no row {name} {labels}")


def test_each_type_becomes_its_kind(tmp_path, sink):
    with gateway(tmp_path, sink, interval="10m", resource={"cluster": "c1"}, tags_as_resource=["team"]) as (gate, sender):
        sender.send("page.views:1:2|c|@0.5|#env:prod,service:web,version:1.2,host:h1,route:/a", "page.views:4|c|#service:web,route:/a,"
                    "version:1.2,host:h1,env:prod", "queue.depth:7|g|#team:x", "queue.depth:5|g|#team:x", "users:bob|s", "users:al|s", "users:bob|s",
                    "latency.seconds:0.25:0.5|d|#tag:1,tag:2,flag", "size:3|h", "db.query:12.5|ms|c:ci-abc,in-4026|e:it-false,cn-app,pu-uid|card:low")
        gate.wait_stderr("is running")
        _until(lambda: counted(gate, "lines_total") == 10)
        gate.stop()
    by_name = {p.name: p for p in sink.points}
    assert len(sink.points) == 6
    views = by_name["page.views"]
    assert (views.kind, views.temporality, views.monotonic, views.value) == ("sum", "delta", True, 10.0)
    assert views.resource == {"service.name": "web", "deployment.environment.name": "prod", "service.version": "1.2", "host.name": "h1",
                              "cluster": "c1"}
    assert views.attributes == {"route": "/a"}
    assert (by_name["queue.depth"].kind, by_name["queue.depth"].value) == ("gauge", 5.0)
    assert by_name["queue.depth"].resource["team"] == "x"
    assert (by_name["users"].kind, by_name["users"].value) == ("gauge", 2.0)
    latency = by_name["latency.seconds"]
    assert (latency.kind, latency.temporality, latency.unit) == ("exponential", "delta", "s")
    assert (latency.value.count, latency.value.sum, latency.value.min, latency.value.max) == (2, 0.75, 0.25, 0.5)
    assert latency.attributes == {"tag": ["1", "2"], "flag": ""}
    assert by_name["db.query"].unit == "ms"
    assert by_name["db.query"].resource.items() >= {"container.id": "abc", "k8s.container.name": "app", "k8s.pod.uid": "uid"}.items()
    assert gate.ledger.exporter("sink", "metrics") == {"sent": 6}


def _until(condition, timeout=30):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "the condition was not met"


def test_events_and_checks_are_log_records(tmp_path, sink):
    with gateway(tmp_path, sink) as (gate, sender):
        sender.send("_e{5,10}:title|text\\nmore|d:1700000000|h:web1|k:key|p:low|s:nagios|t:error|#env:prod,service:shop,team:x")
        sender.send("_sc|db.up|2|#service:db|m:no answer", "_sc|db.up|0|#service:db", "_sc|cache.up|0")
        sink.wait(lambda s: len(s.records) == 2 and len({p.name for p in s.points}) == 2)
        gate.stop()
    event, check = sink.records
    assert (event.event, event.body, event.severity, event.severity_text, event.time) == (
        "datadog.event", "text\nmore", 17, "error", 1700000000 * 10**9)
    assert event.resource.items() >= {"service.name": "shop", "deployment.environment.name": "prod", "host.name": "web1"}.items()
    assert event.attributes.items() >= {"datadog.event.title": "title", "datadog.event.aggregation_key": "key",
                                        "datadog.event.source_type": "nagios", "datadog.event.priority": "low", "team": "x"}.items()
    assert (check.event, check.body, check.severity) == ("datadog.service_check", "no answer", 17)
    assert check.attributes.items() >= {"datadog.service_check.name": "db.up", "datadog.service_check.status": 2}.items()
    assert {p.name: p.value for p in sink.points}["db.up"] == 0.0  # the last one holds


def test_a_bad_line_costs_itself_and_is_counted(tmp_path, sink):
    bad = {"hello": "no_type", ":1|c": "no_name", "a:x|c": "bad_value", "a:nan|g": "bad_value", "a:1|q": "bad_type", "a:1|c|@2": "bad_rate",
           "a:1|c|T0": "bad_time", "_e{1,1}:abc": "bad_event", "_sc|x|9": "bad_service_check"}
    with gateway(tmp_path, sink) as (gate, sender):
        for line in bad:
            sender.send("good:1|c", line, "good:1|c")
        sender.send("good:1|c\n" + "x" * 60000)
        sink.wait(lambda s: s.total("good") == 2 * len(bad) + 1)
        for reason, n in collections.Counter([*bad.values(), "no_type"]).items():
            assert counted(gate, "refused_lines_total", reason=reason) == n
        gate.wait_stderr('a line from 127.0.0.1 is not well-formed and is left out: \\"hello\\": There is no `|` behind the value.')
        assert counted(gate, "lines_total") == 3 * len(bad) + 2
    assert {p.name for p in sink.points} == {"good"}


class Aggregation:
    """A second one, of dictionaries: what random lines come to. A series is (name, attributes, service, time of the client's own or 0)."""

    def __init__(self, seed):
        self.dice = random.Random(seed)
        self.sums, self.gauges, self.sets = collections.Counter(), {}, collections.defaultdict(set)
        self.values = collections.defaultdict(list)  # (value, how often it counts)

    def _tags(self):
        """In any order, some twice; the text and what it means."""
        dice, text, meaning = self.dice, [], {}
        for i in range(dice.randrange(3)):
            values = sorted({f"v{dice.randrange(3)}" for _ in range(dice.choice([1, 1, 1, 2]))})
            text += [f"k{i}:{v}" for v in values]
            meaning[f"k{i}"] = values[0] if len(values) == 1 else tuple(values)
        if dice.randrange(4) == 0:
            text.append("flag")
            meaning["flag"] = ""
        service = dice.choice(["", "shop", "cart"])
        text += [f"service:{service}"] if service else []
        text += text[:1] if dice.randrange(5) == 0 else []
        dice.shuffle(text)
        return (f"|#{','.join(text)}" if text else ""), tuple(sorted(meaning.items())), service

    def _numbers(self, draw):
        return [draw() for _ in range(self.dice.randrange(1, 4))]

    def line(self):
        dice, (tags, meaning, service) = self.dice, self._tags()
        kind, sections = dice.choice(["c", "g", "s", "h", "d", "ms", "_sc"]), [tags]
        name, rate = f"{kind}.{dice.randrange(3)}", 1
        at = dice.choice([0, 0, 1700000000 + dice.randrange(3)]) if kind in "cg" else 0
        key = name, meaning, service, at
        if kind == "_sc":
            self.gauges[key] = dice.randrange(4)
            return f"_sc|{name}|{self.gauges[key]}{tags}"
        if kind not in "gs":
            rate = dice.choice([1, 0.5, 0.25])
            sections += [f"|@{rate}"] if rate != 1 or dice.randrange(2) else []
        sections += [f"|T{at}"] if at else []
        dice.shuffle(sections)
        if kind == "s":
            numbers = [f"user{dice.randrange(1000)}"]
            self.sets[key].add(numbers[0])
        elif kind == "g":
            numbers = self._numbers(lambda: dice.uniform(-100, 100))
            self.gauges[key] = numbers[-1]
        elif kind == "c":
            numbers = self._numbers(lambda: dice.randrange(100))
            self.sums[key] += sum(numbers) / rate
        else:
            numbers = self._numbers(lambda: dice.choice([0.0, dice.lognormvariate(0, 2), -dice.random()]))
            self.values[key] += [(n, round(1 / rate)) for n in numbers]
        return f"{name}:{':'.join(map(str, numbers))}|{kind}{''.join(sections)}"


def _series(p):
    own = p.time // 10**9 if p.time < 1.75e18 else 0
    return (*p.key, p.resource.get("service.name", ""), own)


@pytest.mark.parametrize("interval", ["1s", "10m"])
def test_random_lines_against_an_aggregation_of_our_own(tmp_path, sink, interval):
    """Every type, with names, tags in any order, rates, packed values and times: what arrives, in one interval or several, adds up to what was sent."""
    sent = Aggregation(20261129)
    with gateway(tmp_path, sink, interval=interval) as (gate, sender):
        for _ in range(400):
            sender.send(*(sent.line() for _ in range(25)))
        _until(lambda: counted(gate, "lines_total") == 400 * 25)
        gate.stop()
    sums, sets, gauges, histograms = collections.Counter(), collections.Counter(), {}, collections.defaultdict(list)
    for p in sink.points:
        if p.kind == "sum":
            sums[_series(p)] += p.value
        elif p.kind == "exponential":
            histograms[_series(p)].append(p.value)
        elif p.name.startswith("s."):
            sets[_series(p)] += p.value
        else:
            gauges[_series(p)] = p.value
    assert sums == pytest.approx(sent.sums)
    assert gauges == sent.gauges
    whole = interval == "10m"  # a value of a set counts once in each interval
    assert sets.keys() == sent.sets.keys() and all(sets[k] == len(v) if whole else sets[k] >= len(v) for k, v in sent.sets.items())
    assert histograms.keys() == sent.values.keys()
    for key, parts in histograms.items():
        assert_histograms(parts, sent.values[key], whole)


def assert_histograms(parts, sent, whole):
    values = sorted(value for value, weight in sent for _ in range(weight))
    assert sum(h.count for h in parts) == len(values)
    assert sum(h.sum for h in parts) == pytest.approx(sum(values))
    assert (min(h.min for h in parts), max(h.max for h in parts)) == (values[0], values[-1])
    assert len(parts) == 1 or not whole
    for q in (0.1, 0.5, 0.9, 0.99) if len(parts) == 1 else ():
        assert parts[0].quantile(q) == pytest.approx(values[int(q * (len(values) - 1))], rel=parts[0].error * 1.001, abs=1e-12)


def test_the_largest_numbers_end_in_no_infinity(tmp_path, sink):
    """No backend can go on with one; and a sampled value counts as often as its rate says."""
    most = sys.float_info.max
    with gateway(tmp_path, sink, interval="10m") as (gate, sender):
        sender.send(*["sum:1e308|c"] * 3, "sum:1|c|@1e-12", "down:-1e308:-1e308|c", "histogram:1e308:1e308:1.5e308|d", "rare:5|d|@1e-9", "both:-1e308:1e308|h")
        _until(lambda: counted(gate, "lines_total") == 8)
        gate.stop()
    by_name = {p.name: p.value for p in sink.points}
    assert (by_name["sum"], by_name["down"], by_name["histogram"].sum, by_name["both"].sum) == (most, -most, most, 0)
    assert (by_name["histogram"].count, by_name["histogram"].max) == (3, 1.5e308)
    assert (by_name["rare"].count, by_name["rare"].sum) == (10**9, pytest.approx(5e9))


def test_unix_sockets(tmp_path, sink):
    datagrams, streams = tmp_path / "dsd.socket", tmp_path / "dsds.socket"
    with gateway(tmp_path, sink, socket=datagrams, stream_socket=streams) as (gate, _):
        assert oct(datagrams.stat().st_mode & 0o777) == "0o722"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.connect(str(datagrams))
            for _ in range(100):
                s.send(b"datagrams:1|c")
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(streams))
            payload = b"streams:1|c\nstreams:1|c\n"
            wire = struct.pack("<I", len(payload)) + payload
            for cut in range(len(wire)):
                s.sendall(wire[:cut])
                s.sendall(wire[cut:])
            s.sendall(struct.pack("<I", 0) + wire + struct.pack("<I", 20) + b"streams:1")  # the last one is torn
        sink.wait(lambda s: s.total("datagrams") == 100 and s.total("streams") == 2 * len(wire) + 2)
        _until(lambda: counted(gate, "refused_lines_total", reason="cut") == 1)
        assert sink.named("streams")[0].resource["host.name"] == socket.gethostname()


def test_temporality_cumulative(tmp_path, sink):
    with gateway(tmp_path, sink, temporality="cumulative") as (_, sender):
        for n in range(1, 4):
            sender.send("c:1|c", "h:5|d", "g:1|g")
            sink.wait(lambda s, n=n: any(p.value == n for p in s.named("c")) and any(p.value.count == n for p in s.named("h")))
    for name in "ch":
        points = sink.named(name)
        assert {p.temporality for p in points} == {"cumulative"}
        assert len({p.start for p in points}) == 1
        values = [p.value if name == "c" else p.value.count for p in points]
        assert values == sorted(values)


def test_a_client_may_name_the_time(tmp_path, sink):
    with gateway(tmp_path, sink) as (_, sender):
        sender.send("c:1|c|T1700000000", "c:2|c|T1700000000", "c:5|c|T1700000010", "g:7|g|T1700000000", "c:1|c")
        sink.wait_points(4)
    assert {p.time // 10**9: p.value for p in sink.named("c") if p.time < 1.75e18} == {1700000000: 3.0, 1700000010: 5.0}
    assert [p.time for p in sink.named("g")] == [1700000000 * 10**9]


def test_max_series_bounds_new_ones_only(tmp_path, sink):
    with gateway(tmp_path, sink, max_series=10) as (gate, sender):
        for _ in range(3):
            sender.send(*(f"m:1|c|#i:{i}" for i in range(15)))
        sink.wait(lambda s: s.total("m") == 30)
        assert counted(gate, "dropped_samples_total", reason="max_series") == 15
        assert counted(gate, "samples_total") == 30
        assert counted(gate, "series") == 10
        gate.wait_stderr("5 samples of new series were dropped, because there are max_series (10) already: raise it, or send tags with fewer values")
    assert {p.attributes["i"] for p in sink.points} == {str(i) for i in range(10)}


def test_a_backend_that_is_away_costs_nothing(tmp_path, sink):
    """The queue is full for several intervals; what came in them arrives when there is room."""
    sink.hold()
    with gateway(tmp_path, sink, exporter={"queue_size": "1MiB", "in_flight": 1, "timeout": "5m"}) as (gate, sender):
        sent = 0
        while "points wait" not in gate.stderr:
            for batch in range(40):
                sender.send(*(f"m{batch}:1|c|#i:{i},filler:{'x' * 500}" for i in range(50)))
                sent += 50
            _until(lambda: counted(gate, "lines_total") == sent)
        sink.release()
        sink.wait(lambda s: sum(p.value for p in s.points) == sent)
        gate.stop()
    assert sum(p.value for p in sink.points) == sent
    assert "refused" not in str(gate.ledger.intake("metrics"))


@pytest.mark.parametrize("change", [{}, {"max_series": 500}, {"tags_as_resource": ["t"]}, {"temporality": "cumulative"}])
def test_a_reload_loses_nothing(tmp_path, sink, change):
    port = udp_port()
    path = tmp_path / "ddgate.conf"
    with Ddgate(tmp_path, conf=conf_text(rows(sink, port, interval="10m"))) as gate:
        sender = Sender(port)
        for n in range(1, 4):
            sender.send(*(f"m{i}:1|c|#t:1" for i in range(20)))
            _until(lambda: counted(gate, "samples_total") >= 20 or n > 1)
            if n < 3:
                path.write_text(conf_text(rows(sink, port, interval="10m", **(change if n == 1 else {}))))
                gate.signal(signal.SIGHUP)
                gate._until(lambda n=n: gate.stderr.count("configuration") >= n, "no reload")  # pylint: disable=protected-access
        sender.send("last:1|c")
        sink.wait(lambda s: True)
        _until(lambda: counted(gate, "samples_total") >= 1)
        _until(lambda: _read_all(port))
        gate.stop()
    totals = collections.Counter()
    for p in sink.points:
        if p.temporality == "delta":
            totals[p.name] += p.value
    if change.get("temporality") != "cumulative":
        assert totals == {**{f"m{i}": 3 for i in range(20)}, "last": 1}
    else:
        assert sum(p.value for p in sink.points) == 61


def _read_all(port):
    """Nothing waits in the kernel for this port."""
    with open("/proc/net/udp", encoding="ascii") as f:
        queues = [line.split()[4] for line in f if line.split()[1].endswith(f":{port:04X}")]
    return all(q.endswith(":00000000") for q in queues)


def test_what_was_flushed_survives_a_kill(tmp_path, sink):
    """With `storage`, points are as safe as spans."""
    sink.hold()
    settings = {"storage": {"directory": tmp_path / "queue", "fsync": "always"}}
    port = udp_port()
    gate = Ddgate(tmp_path / "killed", conf=conf_text(rows(sink, port, settings=settings)))
    gate.wait_listening()
    Sender(port).send("m:1|c", "h:2|d")
    _until(lambda: '"accepted":2' in gate.admin("/ledger").body.decode().replace(" ", ""))
    gate.process.kill()
    gate.process.wait()
    sink.release()
    with Ddgate(tmp_path / "again", conf=conf_text(rows(sink, port, settings=settings))):
        sink.wait(lambda s: s.total("m") >= 1 and s.named("h"))
    assert {p.name for p in sink.points} == {"m", "h"}


def test_it_runs_by_default(tmp_path):
    """Without a configuration: the port that /info names."""
    env = {"PATH": os.environ["PATH"]}
    with Ddgate(tmp_path, args=[], env=env) as gate:
        gate.wait_stderr("listening on 127.0.0.1:8125, datagrams")
        Sender(8125).send("page.views:3|c|#service:web", "latency:0.5|d")
        _until(lambda: _read_all(8125))
        gate.stop()
    assert "page.views" in gate.stdout and "p95 0.5" in gate.stdout


def test_prefixes_of_streams_are_bounded(tmp_path, sink):
    """A length that nobody means costs its connection's lines, not memory."""
    streams = tmp_path / "dsds.socket"
    with gateway(tmp_path, sink, stream_socket=streams) as (gate, _):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(streams))
            s.sendall(struct.pack("<I", 0xFFFFFFFF) + b"a:1|c\n" * 100000)
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(streams))
            s.sendall(struct.pack("<I", 5) + b"b:1|c")
        sink.wait(lambda s: s.total("b") == 1)
        _until(lambda: counted(gate, "refused_lines_total", reason="cut") == 1)
        assert free_port()


def test_over_http_on_the_trace_port(tmp_path, sink):
    """For clients that reach nothing else; and /info says what listens."""
    port = udp_port()
    both = rows(sink, port)
    trace_port = free_port()
    both["receivers"] = ({"type": "ddtrace", "listen": [f"127.0.0.1:{trace_port}"], "socket": ""}, *both["receivers"])
    with Ddgate(tmp_path, conf=conf_text(both), port=trace_port) as gate:
        info = json.loads(gate.request("GET", "/info").body)
        assert info["config"]["statsd_port"] == port and "/dogstatsd/v2/proxy" in info["endpoints"]
        for path in ("/dogstatsd/v1/proxy", "/dogstatsd/v2/proxy"):
            assert gate.request("POST", path, b"c:1|c\nbad\n_e{1,1}:a|b|t:error\nc:2|c").status == 200
        assert gate.request("POST", "/dogstatsd/v2/proxy", b"c:1|c\n" * 100001).status == 413
        sink.wait(lambda s: s.total("c") == 6 and len(s.records) == 2)
        assert counted(gate, "refused_lines_total", reason="no_type") == 2
        gate.stop()
    assert sink.named("c")[0].resource["host.name"] == socket.gethostname()


def test_info_names_no_port_where_nobody_listens(make_gate, sink):
    gate = make_gate(exporters=[{"type": "otlp_grpc", "endpoint": sink.endpoint}])
    info = json.loads(gate.request("GET", "/info").body)
    assert "statsd_port" not in info["config"] and "/dogstatsd/v2/proxy" not in info["endpoints"]
    assert gate.request("POST", "/dogstatsd/v2/proxy", b"c:1|c").status == 200
    gate.wait_stderr("sends metrics, which no receiver dogstatsd takes")


def test_info_learns_of_a_receiver_that_comes_and_goes(tmp_path, sink):
    """By a reload that leaves the receiver of traces as it is; the state that tracers go by changes with it, and is the hash of the body."""
    ports, trace_port = (udp_port(), udp_port()), free_port()

    def conf(*ports_now):
        receivers = [{"type": "ddtrace", "listen": [f"127.0.0.1:{trace_port}"], "socket": ""}]
        receivers += [{"type": "dogstatsd", "listen": [f"127.0.0.1:{port}"], "socket": ""} for port in ports_now]
        return conf_text({**rows(sink, 0), "receivers": tuple(receivers)})

    with Ddgate(tmp_path, conf=conf(), port=trace_port) as gate:
        def said():
            body = gate.request("GET", "/info").body
            assert gate.request("GET", "/services").headers["datadog-agent-state"] == hashlib.sha256(body).hexdigest()
            info = json.loads(body)
            return info["config"].get("statsd_port"), "/dogstatsd/v2/proxy" in info["endpoints"]

        states = [((), None), (ports[:1], ports[0]), (ports, ports[0]), (ports[1:], ports[1]), (ports[:1], ports[0]), ((), None)]
        for i, (ports_now, port) in enumerate(states):
            if i:
                (tmp_path / "ddgate.conf").write_text(conf(*ports_now))
                gate.signal(signal.SIGHUP)
                _until(lambda: gate.stderr.count("the configuration was read again") == i)
            assert said() == (port, bool(ports_now)), ports_now
        (tmp_path / "ddgate.conf").write_text(conf(*ports) + "nonsense = 1;\n")
        gate.signal(signal.SIGHUP)
        gate.wait_stderr("nothing was changed")
        assert said() == (None, False)
