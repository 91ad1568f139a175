# SPDX-License-Identifier: Apache-2.0
"""otlp_grpc with several endpoints: shared load, backends that go away and come back, failover, traces that stay together."""
import collections
import subprocess

from ddgate import BINARY, free_port
from payloads import trace, v04
from sending import QUICK, ids, send


def exporter(sinks, **options):
    return dict(type="otlp_grpc", endpoints=[s.endpoint for s in sinks], **{**QUICK, **options})


def wait_all(gate, sinks, spans):
    """Every span has arrived, somewhere."""
    gate._until(lambda: ids(spans) <= {s.span_id for one in sinks for s in one.spans}, f"{len(spans)} spans are not at {len(sinks)} backends")


def test_requests_are_shared_out(make_gate, make_sink):
    sinks = [make_sink() for _ in range(3)]
    gate = make_gate(exporters=[exporter(sinks)])
    spans = []
    for _ in range(9):
        spans += send(gate, 2)
        wait_all(gate, sinks, spans)
    assert [sink.count() for sink in sinks] == [6, 6, 6]
    gate.stop()
    assert gate.ledger.exporter() == {"sent": 18}


def test_a_backend_that_goes_away_costs_nothing_and_is_found_again(make_gate, make_sink):
    sinks = [make_sink() for _ in range(2)]
    gate = make_gate(exporters=[exporter(sinks)])
    spans = [s for _ in range(4) for s in send(gate, 1)]
    wait_all(gate, sinks, spans)
    sinks[1].close(grace=0)
    more = [s for _ in range(6) for s in send(gate, 1)]
    wait_all(gate, sinks, spans + more)
    assert "the backend takes nothing" not in gate.stderr, "a request that one backend does not take goes to the other at once"
    back = make_sink(port=sinks[1].port)
    while not back.count():
        more += send(gate, 1)
        wait_all(gate, [*sinks, back], spans + more)
    gate.stop()
    assert gate.ledger.exporter() == {"sent": len(spans + more)}


def test_the_second_list_is_for_when_the_first_is_away(make_gate, make_sink):
    port, backup = free_port(), make_sink()
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoints=[f"http://127.0.0.1:{port}"], failover=[backup.endpoint], **QUICK)])
    spans = send(gate, 3)
    backup.wait_spans(3)
    primary = make_sink(port=port)
    while not primary.count():
        spans += send(gate, 1)
        wait_all(gate, [primary, backup], spans)
    before = backup.count()
    spans += [s for _ in range(4) for s in send(gate, 1)]
    wait_all(gate, [primary, backup], spans)
    assert backup.count() == before
    gate.stop()
    assert f"http://127.0.0.1:{port}, else {backup.endpoint}" in gate.stderr


def places(sinks):
    """Trace id -> which backends have spans of it."""
    found = collections.defaultdict(set)
    for i, sink in enumerate(sinks):
        for span in sink.spans:
            found[span.trace_id].add(i)
    return found


def test_a_trace_stays_together_and_only_those_of_a_lost_backend_move(make_gate, make_sink):
    sinks = [make_sink() for _ in range(3)]
    gate = make_gate(exporters=[exporter(sinks, balance="trace_id")])
    numbers = list(range(1, 61))

    def send_all():
        chunks = [trace(2, trace_id=n * 7919) for n in numbers]
        for i in range(0, 60, 20):
            assert gate.put("/v0.4/traces", v04(*chunks[i:i + 20])).status == 200
        return [s for chunk in chunks for s in chunk]
    spans = send_all() + send_all()
    wait_all(gate, sinks, spans)
    before = places(sinks)
    assert len(before) == 60 and all(len(where) == 1 for where in before.values())
    assert min(collections.Counter(w for where in before.values() for w in where).values()) >= 10
    sinks[0].close(grace=0)
    more = send_all()
    wait_all(gate, sinks, spans + more)
    gone = {trace_id for trace_id, where in before.items() if 0 in where}
    after = places(sinks[1:])
    for trace_id, where in before.items():
        assert after[trace_id] == ({w - 1 for w in where} if trace_id not in gone else after[trace_id])
        assert len(after[trace_id]) == 1
    gate.stop()
    assert gate.ledger.exporter() == {"sent": 360}


def test_what_one_backend_refuses_is_retried_alone(make_gate, make_sink):
    """Of a request in parts, those that were taken are not sent again."""
    import grpc
    from sinks import Fail
    sinks = [make_sink() for _ in range(2)]
    gate = make_gate(exporters=[exporter(sinks, balance="trace_id", batch={"delay": "300ms"})])
    sinks[0].script(Fail(grpc.StatusCode.DEADLINE_EXCEEDED))
    chunks = [trace(1, trace_id=n * 104729) for n in range(1, 21)]
    assert gate.put("/v0.4/traces", v04(*chunks)).status == 200
    spans = [s for chunk in chunks for s in chunk]
    wait_all(gate, sinks, spans)
    gate.stop()
    assert all(sum(s.span_id == f"{one['span_id']:016x}" for sink in sinks for s in sink.spans) == 1 for one in spans)
    assert gate.ledger.exporter() == {"sent": 20}


def test_a_name_stands_for_all_of_its_addresses(make_gate, sink):
    """localhost may be [::1] as well, where nothing listens."""
    gate = make_gate(exporters=[dict(type="otlp_grpc", endpoints=[f"http://localhost:{sink.port}"], **QUICK)])
    spans = [s for _ in range(5) for s in send(gate, 1)]
    sink.wait_spans(5)
    assert ids(sink.spans) == ids(spans)


def test_mistakes_are_told_together(tmp_path):
    conf = tmp_path / "ddgate.conf"
    conf.write_text('exporters = (\n{ type = "otlp_grpc"; endpoints = [ "one:4317", "http://two:4317", "https://three" ]; },\n'
                    '{ type = "otlp_grpc"; name = "b"; failover = [ "http://x:1" ]; endpoint = "http://y:1"; } );\n')
    told = subprocess.run([str(BINARY), "check", "-c", str(conf)], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2
    for words in ('exporters[0].endpoints: "one:4317" has no scheme', "exporters[0].endpoints: has http:// and https:// side by side",
                  "exporters[1].failover: is for when none of endpoints takes data"):
        assert words in told.stderr, told.stderr
