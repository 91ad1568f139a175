# SPDX-License-Identifier: Apache-2.0
"""otlp_http with several endpoints: shared load, a backend that takes nothing for a while, failover, names, URLs of single signals."""
import json
import subprocess

from ddgate import BINARY, free_port
from http_sink import Silence, Status
from sending import QUICK, ids, send


def exporter(sinks, **options):
    return dict(type="otlp_http", endpoints=[s.endpoint for s in sinks], **{**QUICK, **options})


def wait_all(gate, sinks, spans):
    """Every span has arrived, somewhere."""
    gate._until(lambda: ids(spans) <= ids([s for one in sinks for s in one.spans]), f"{len(spans)} spans are not at {len(sinks)} backends")


def wait_answered(gate, spans):
    """ddgate has read the answers: no request is open any more but those that somebody is silent to."""
    gate._until(lambda: json.loads(gate.admin("/ledger").body)["signals"]["traces"]["exporters"]["otlp_http"]["sent"] == len(spans), "an answer is not read")


def test_requests_are_shared_out(make_gate, make_http_sink):
    sinks = [make_http_sink() for _ in range(3)]
    gate = make_gate(exporters=[exporter(sinks)])
    spans = []
    for _ in range(9):
        spans += send(gate, 2)
        wait_all(gate, sinks, spans)
        wait_answered(gate, spans)
    assert [len(sink.spans) for sink in sinks] == [6, 6, 6]
    assert {r.path for sink in sinks for r in sink.requests} == {"/v1/traces"}
    gate.stop()
    assert gate.ledger.exporter("otlp_http") == {"sent": 18}


def test_a_backend_that_takes_nothing_costs_nothing_and_is_found_again(make_gate, make_http_sink):
    sinks = [make_http_sink() for _ in range(2)]
    sinks[1].judge = lambda _: Status(503)
    gate = make_gate(exporters=[exporter(sinks)])
    spans = []
    for _ in range(6):
        spans += send(gate, 1)
        wait_all(gate, sinks[:1], spans)
    assert len(sinks[1].requests) < 3, "it is out for a while"
    assert "the backend takes nothing" not in gate.stderr, "a request that one backend does not take goes to the other at once"
    sinks[1].judge = None
    while not sinks[1].spans:
        spans += send(gate, 1)
        wait_all(gate, sinks, spans)
    gate.stop()
    assert gate.ledger.exporter("otlp_http") == {"sent": len(spans)}
    assert len(spans) == sum(len(sink.spans) for sink in sinks), "nothing came twice"


def test_a_silent_backend_holds_up_no_other_request(make_gate, make_http_sink):
    sinks = [make_http_sink() for _ in range(2)]
    for sink in sinks:
        sink.script(Silence())
    gate = make_gate(exporters=[exporter(sinks)])
    silent = send(gate, 1)
    gate._until(lambda: any(sink.requests for sink in sinks), "the silent request")
    waiting, = [sink for sink in sinks if sink.requests]
    other, = [sink for sink in sinks if sink is not waiting]
    other._script.clear()
    more = []
    for _ in range(4):
        more += send(gate, 1)
        wait_all(gate, [other], more)
        wait_answered(gate, more)
    assert len(waiting.requests) == 1, "the one with fewer open requests gets them"
    waiting.release()
    wait_all(gate, sinks, silent + more)


def test_the_second_list_is_for_when_the_first_is_away(make_gate, make_http_sink):
    port, backup = free_port(), make_http_sink()
    gate = make_gate(exporters=[dict(type="otlp_http", endpoints=[f"http://127.0.0.1:{port}/base"], failover=[backup.endpoint + "/spare/"], **QUICK)])
    spans = send(gate, 3)
    backup.wait_spans(3)
    assert backup.requests[0].path == "/spare/v1/traces"
    primary = make_http_sink(port=port)
    while not primary.spans:
        spans += send(gate, 1)
        wait_all(gate, [primary, backup], spans)
    before = len(backup.spans)
    spans += [s for _ in range(4) for s in send(gate, 1)]
    wait_all(gate, [primary, backup], spans)
    assert len(backup.spans) == before and primary.requests[0].path == "/base/v1/traces"
    gate.stop()
    assert f"http://127.0.0.1:{port}/base, else {backup.endpoint}/spare" in gate.stderr


def test_when_all_are_away_the_request_waits(make_gate, make_http_sink):
    ports = [free_port(), free_port()]
    gate = make_gate(exporters=[dict(type="otlp_http", endpoints=[f"http://127.0.0.1:{port}" for port in ports], **QUICK)])
    spans = [s for _ in range(3) for s in send(gate)]
    gate.wait_stderr("Is the backend up")
    sink = make_http_sink(port=ports[1])
    sink.wait_spans(9)
    assert ids(sink.spans) == ids(spans) and len(sink.spans) == 9


def test_a_name_stands_for_all_of_its_addresses(make_gate, http_sink):
    """localhost may be [::1] as well, where nothing listens. The name stays in Host."""
    gate = make_gate(exporters=[dict(type="otlp_http", endpoints=[f"http://localhost:{http_sink.port}"], **QUICK)])
    spans = [s for _ in range(5) for s in send(gate, 1)]
    http_sink.wait_spans(5)
    assert ids(http_sink.spans) == ids(spans)
    assert {r.headers["host"] for r in http_sink.requests} == {f"localhost:{http_sink.port}"}


def test_certificates_bear_the_name_of_the_endpoint(make_gate, make_http_sink, authority):
    server = authority.issue("balanced-http", hosts=("localhost",), addresses=())
    sink = make_http_sink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[dict(type="otlp_http", endpoints=[f"https://localhost:{sink.port}"], tls={"ca": str(authority.path)}, **QUICK)])
    spans = send(gate)
    sink.wait_spans(3)
    assert ids(sink.spans) == ids(spans)


def test_a_signals_own_url_is_not_balanced(make_gate, make_http_sink):
    sinks = [make_http_sink() for _ in range(2)]
    own = make_http_sink()
    gate = make_gate(exporters=[exporter(sinks, traces_endpoint=own.endpoint + "/traces")])
    spans = send(gate)
    own.wait_spans(3)
    assert ids(own.spans) == ids(spans) and not any(sink.requests for sink in sinks) and own.requests[0].path == "/traces"


def test_mistakes_are_told_together(tmp_path):
    conf = tmp_path / "ddgate.conf"
    conf.write_text('exporters = (\n{ type = "otlp_http"; endpoints = [ "one:4318", "http://two:4318/base", "https://three" ]; },\n'
                    '{ type = "otlp_http"; name = "b"; failover = [ "http://x:1" ]; endpoint = "http://y:1"; } );\n')
    told = subprocess.run([str(BINARY), "check", "-c", str(conf)], capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 2
    for words in ('exporters[0].endpoints: "one:4318" has no scheme', "exporters[0].endpoints: has http:// and https:// side by side",
                  "exporters[1].failover: is for when none of endpoints takes data"):
        assert words in told.stderr, told.stderr
