"""The Pipeline language against the results of the reference engine; deviations are exactly those of docs/pipeline.md."""

import os
import pathlib
import re
import subprocess

import pipeline_cases
import pytest

SHARED = pathlib.Path(os.environ.get("DDGATE_SHARED", "../shared")) / "fixtures/pipeline/cases.jsonl"


def documented():
    text = pathlib.Path("docs/pipeline.md").read_text(encoding="utf-8")
    return set(re.findall(r"`((?:fn|lang|grok|json_fmt|kv_fmt|time_\w+|status|load_err)-\d{3})`", text))


def check(path):
    cases = pipeline_cases.read(path)
    wrong = pipeline_cases.judge_all(cases)
    surprises = {key: why for key, why in wrong.items() if key not in documented()}
    assert not surprises
    assert len(wrong) <= 0.02 * len(cases)
    agreeing = {case["id"] for case in cases} - wrong.keys()
    assert not agreeing & documented(), "documented as a deviation, but it agrees"


def test_cases():
    check("tests/data/pipeline/cases.jsonl")


@pytest.mark.skipif(not SHARED.exists(), reason="only where the cases are")
def test_shared_cases():
    if SHARED.read_bytes() != pathlib.Path("tests/data/pipeline/cases.jsonl").read_bytes():
        check(SHARED)


def run(*args, text=""):
    return subprocess.run([pipeline_cases.BINARY, "pipeline", *args], input=text, capture_output=True, encoding="utf-8", check=False, timeout=60)


def test_a_broken_script_is_shown_with_a_caret(tmp_path):
    script = tmp_path / "broken.p"
    script.write_text('add_key(a, 1)\nadd_key(b, nosuch(1))\n')
    done = run("--script", str(script))
    assert done.returncode == 2
    assert done.stdout == ""
    first, line, caret = done.stderr.rstrip("\n").split("\n")[0], *done.stderr.rstrip("\n").split("\n")[-2:]
    assert first.startswith("broken.p:2:12: unsupported func: `nosuch`")
    assert line == "    add_key(b, nosuch(1))"
    assert caret == "    " + " " * 11 + "^"


def test_lines_come_out_one_for_one(tmp_path):
    script = tmp_path / "n.p"
    script.write_text('grok(_, "%{INT:n:int}")\nx = 1 / n\n')
    done = run("--script", str(script), "--source", "numbers", text="5\nnone\n0\n")
    records = [pipeline_cases.json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert records[0] == {"name": "numbers", "tags": {}, "fields": {"message": "5", "n": 5, "status": "info"}, "dropped": False}
    assert [r.get("error") for r in records] == [
        None,
        "n.p:2:7: unsupported rhs data type: nil",
        "n.p:2:7: integer division by zero",
    ]


def test_wrong_arguments(tmp_path):
    assert run().returncode == 2
    assert "--script FILE is missing" in run().stderr
    assert run("--script", str(tmp_path / "none.p")).returncode == 2
    assert "--nope" in run("--nope").stderr
    assert run("--help").returncode == 0
    assert max(len(line) for line in run("--help").stdout.splitlines()) <= 80


def test_json_input_keeps_what_is_given(tmp_path):
    script = tmp_path / "j.p"
    script.write_text("set_tag(host)\n")
    done = run("--script", str(script), "--input=json", text='{"message": "m", "source": "s", "fields": {"host": "a", "n": 3}, "tags": {"t": "v"}}\nno json\n')
    good, bad = [pipeline_cases.json.loads(line) for line in done.stdout.splitlines()]
    assert good == {"name": "s", "tags": {"host": "a", "t": "v"}, "fields": {"message": "m", "n": 3, "status": "info"}, "dropped": False}
    assert bad["error"].startswith("input: byte 0")


SHIPPED = [
    ("python", "2023-06-18 10:07:08,786 ERROR [app] [main.py:42] [dd.service=web dd.env=prod dd.version=1.2 dd.trace_id=16108321602917563239 dd.span_id=17] - it broke",
     {"time": 1687082828786000000, "status": "error", "trace_id": "16108321602917563239", "span_id": "17", "service": "web", "msg": "it broke", "lineno": 42}),
    ("python", "2023-06-18 10:07:08,786 INFO main.py web 16108321602917563239 handle:7 all well",
     {"time": 1687082828786000000, "status": "info", "trace_id": "16108321602917563239", "service": "web", "funcname": "handle", "lineno": 7, "msg": "all well"}),
    ("nginx", '203.0.113.9 - - [18/Jun/2023:10:07:08 +0000] "GET /a?b=c HTTP/1.1" 503 17 "-" "curl/8.0"',
     {"time": 1687082828000000000, "status": "error", "status_code": 503, "http_url": "/a?b=c", "agent": "curl/8.0"}),
    ("nginx", "2023/06/18 10:07:08 [warn] 29#30: *7 slow", {"time": 1687082828000000000, "status": "warning", "pid": 29, "msg": "*7 slow"}),
    ("apache", '203.0.113.9 - bob [18/Jun/2023:10:07:08 +0000] "POST /x HTTP/1.0" 201 -', {"time": 1687082828000000000, "status": "OK", "http_auth": "bob", "http_method": "POST"}),
    ("syslog", "<34>1 2023-06-18T10:07:08.003Z host app 12 ID47 - hello", {"time": 1687082828003000000, "program": "app", "pid": "12", "msg": "hello"}),
    ("syslog", "<34>Oct 11 22:14:15 mymachine su[230]: failed", {"program": "su", "pid": "230", "hostname": "mymachine", "msg": "failed"}),
    ("logback", "2023-06-18 10:07:08.786 [main] WARN  c.e.App - 123 456 - careful", {"time": 1687082828786000000, "status": "warning", "trace_id": "123", "span_id": "456", "msg": "careful"}),
    ("logback", "2023-06-18 10:07:08.786 [main] INFO  c.e.App - hello", {"status": "info", "logger": "c.e.App", "msg": "hello"}),
    ("json", '{"level":"warn","message":"m","timestamp":"2023-06-18T10:07:08Z","dd":{"trace_id":"1","span_id":"2","service":"s"}}',
     {"time": 1687082828000000000, "status": "warning", "msg": "m", "trace_id": "1", "span_id": "2", "service": "s"}),
]


@pytest.mark.parametrize("name, line, want", SHIPPED)
def test_shipped_scripts(name, line, want):
    done = run("--script", f"conf/pipelines/{name}.p", "--timezone", "UTC", text=line + "\n")
    assert done.returncode == 0, done.stderr
    record = pipeline_cases.json.loads(done.stdout)
    have = {**record["fields"], "time": record.get("time")}
    assert {key: have.get(key) for key in want} == want
    assert record["fields"]["message"] == line
