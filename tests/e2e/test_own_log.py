# SPDX-License-Identifier: Apache-2.0
"""ddgate's own words for machines: every line of standard error in one form, from the start to the ledger, and without a secret."""
import json
import re
import signal

import pytest
from ddgate import Ddgate, conf_value, free_port
from payloads import trace, v04
from test_reload import reload, replace, rows_of

PAIR = re.compile(r'([a-z_]+)=("(?:[^"\\]|\\.)*"|[^ "=\\]+)')


def parse_logfmt(line):
    pairs, at = {}, 0
    while at < len(line):
        match = PAIR.match(line, at)
        assert match, f"{line!r} is not key=value at {at}"
        pairs[match[1]] = json.loads(match[2]) if match[2].startswith('"') else match[2]
        at = match.end() + 1
    return pairs


def a_busy_life(tmp_path, form):
    """A backend that is away, a request that is refused, a reload with mistakes, and something that is not delivered."""
    gate = Ddgate(tmp_path, receiver={"auth": {"token": "t0ken-that-nobody-may-see-000000000"}, "listen": ["127.0.0.1:0", "0.0.0.0:0"]},
                  exporters=[dict(type="otlp_grpc", name="a \"b\"", endpoint=f"http://127.0.0.1:{free_port()}",
                                  headers={"authorization": "Bearer s3cr3t"}, batch={"delay": "0s"})],
                  settings={"log": {"format": form, "level": "debug"}, "shutdown_timeout": "100ms"})
    gate._until(lambda: "is running" in gate.stderr, "it does not say that it runs")
    gate.port = int(re.search(r"listening on 127.0.0.1:([0-9]+), token", gate.stderr)[1])
    headers = {"Content-Type": "application/msgpack", "X-Api-Key": "t0ken-that-nobody-may-see-000000000"}
    assert gate.put("/v0.4/traces", v04(trace(3)), headers).status == 200
    assert gate.put("/v0.4/traces", b"\xc1", headers).status == 400
    assert gate.put("/v0.4/traces", b"", {"X-Api-Key": "wrong"}).status in (401, 403)
    gate.wait_stderr("takes nothing at the moment")
    reload(gate, text='bad = "s3cr3t";\nworse = 2;\n', done=False)
    gate.wait_stderr("nothing was changed")
    gate.process.terminate()
    assert gate.process.wait(30) == 3
    assert "t0ken-that" not in gate.stderr and "s3cr3t" not in gate.stderr
    return gate.stderr.splitlines()


def assert_all_there(lines):
    for line in lines:
        assert {"time", "level", "msg"} < set(line) and len({"component", "exporter", "receiver"} & set(line)) == 1, line
        assert line["level"] in ("debug", "info", "warning", "error")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])
    mistakes = [x["msg"] for x in lines if x.get("component") == "configuration" and x["level"] == "error"]
    assert len(mistakes) == 2 and ":1: bad" in mistakes[0] and ":2: worse" in mistakes[1]
    assert any(x.get("exporter") == 'a "b"' for x in lines)
    assert any(x["level"] == "warning" and "3 accepted items were not delivered" in x["msg"] for x in lines)
    [book] = [x["ledger"] for x in lines if x["msg"] == "the ledger"]
    book = json.loads(book) if isinstance(book, str) else book
    assert book["balanced"] and book["signals"]["traces"]["exporters"]['a "b"']["dropped"] == {"shutdown": 3}


def test_every_line_is_json(tmp_path):
    assert_all_there([json.loads(line) for line in a_busy_life(tmp_path, "json")])


def test_every_line_is_logfmt(tmp_path):
    assert_all_there([parse_logfmt(line) for line in a_busy_life(tmp_path, "logfmt")])


@pytest.mark.parametrize("form, begin", [("json", '{"time":"20'), ("logfmt", "time=20")])
def test_the_form_changes_by_a_reload(make_gate, form, begin):
    gate = make_gate(settings={"log": {"format": "text"}})
    replace(gate, rows_of(gate, exporters=[{"type": "stdout"}], log={"format": form}))
    gate.signal(signal.SIGHUP)
    gate._until(lambda: "was read again" in gate.stderr, "no reload")
    replace(gate, rows_of(gate, exporters=[{"type": "stdout"}], log={"format": form}))
    gate.signal(signal.SIGHUP)
    gate._until(lambda: gate.stderr.count("was read again") == 2, "no second reload")
    assert gate.stderr.splitlines()[-1].startswith(begin)


def test_conf_value_is_quoted():
    assert conf_value('a "b"') == '"a \\"b\\""'
