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


def check(path, step):
    """Every step-th case, and all that differ; tests/unit/translators/pipeline/test_script_cases.c has the rest."""
    known = documented()
    cases = [case for i, case in enumerate(pipeline_cases.read(path)) if i % step == 0 or case["id"] in known]
    wrong = pipeline_cases.judge_all(cases)
    surprises = {key: why for key, why in wrong.items() if key not in known}
    assert not surprises
    agreeing = {case["id"] for case in cases} - wrong.keys()
    assert not agreeing & known, "documented as a deviation, but it agrees"
    assert len(known) <= 0.01 * len(pipeline_cases.read(path))


def test_cases():
    check("tests/data/pipeline/cases.jsonl", 5)


@pytest.mark.skipif(not SHARED.exists(), reason="only where the cases are")
def test_shared_cases():
    if SHARED.read_bytes() != pathlib.Path("tests/data/pipeline/cases.jsonl").read_bytes():
        check(SHARED, 1)


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


def test_options_may_stand_behind_files(tmp_path):
    script, lines = tmp_path / "n.p", tmp_path / "lines"
    script.write_text("add_key(a, 1)\n")
    lines.write_text("x\ny")
    done = run(str(lines), "--script", str(script), "-", "--ignore-status", "warning,INFO", "--timezone=+8", text="z\n")
    records = [pipeline_cases.json.loads(line) for line in done.stdout.splitlines()]
    assert [(r["fields"]["message"], r["dropped"]) for r in records] == [("x", True), ("y", True), ("z", True)]
    assert done.returncode == 0


def test_a_terminal_gets_colours_and_lines(tmp_path):
    script = tmp_path / "n.p"
    script.write_text("add_key(a, 1)\n")
    for more, coloured in (({}, True), ({"NO_COLOR": "1"}, False)):
        done = subprocess.run(["script", "-qec", f"{pipeline_cases.BINARY} pipeline --script {script}", "/dev/null"], input="x\n", capture_output=True,
                              encoding="utf-8", check=False, timeout=60, env={**os.environ, **more})
        shown = done.stdout[done.stdout.index("{"):]
        assert ("\033[36m" in shown) is coloured
        plain = re.sub(r"\033\[\d+m", "", shown).replace("\r\n", "\n")
        assert pipeline_cases.json.loads(plain)["fields"] == {"message": "x", "a": 1, "status": "info"}
        assert plain.count("\n  ") >= 6


def test_an_unknown_function_is_named_with_its_neighbour(tmp_path):
    script = tmp_path / "n.p"
    for call, words in (("grokk(_, 1)", "`grokk`: there is no such function; did you mean `grok`?"), ("geoip(ip)", "`geoip` is not here: it needs a database of addresses")):
        script.write_text(call)
        done = run("--script", str(script))
        assert done.returncode == 2
        assert done.stderr.startswith("n.p:1:1: unsupported func: " + words)


def test_json_input_keeps_what_is_given(tmp_path):
    script = tmp_path / "j.p"
    script.write_text("set_tag(host)\n")
    done = run("--script", str(script), "--input=json", text='{"message": "m", "source": "s", "fields": {"host": "a", "n": 3, "id": 16108321602917563239}, "tags": {"t": "v"}}\nno json\n')
    good, bad = [pipeline_cases.json.loads(line) for line in done.stdout.splitlines()]
    assert good == {"name": "s", "tags": {"host": "a", "t": "v"}, "fields": {"message": "m", "n": 3, "id": 16108321602917563239, "status": "info"}, "dropped": False}
    assert bad["error"].startswith("input: byte 0")


def test_where_a_grok_stopped(tmp_path):
    """On standard error, so that the records stay what they are: the part that did not match, and what stood there."""
    script = tmp_path / "g.p"
    script.write_text('grok(_, "%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:status} \\\\[dd.trace_id=%{NUMBER:trace_id} dd.span_id=%{NUMBER:span_id}\\\\] (?:x|%{INT:y}) z")\n')
    done = run("--script", str(script), text="2021-06-18 10:07:08 ERROR [dd.trace_id=ab6b0159f8 dd.span_id=3] x z\n2021-06-18 10:07:08 ERROR [dd.trace_id=1 dd.span_id=3] x z\n"
               "no\n2021-06-18 10:07:08 ERROR\n2021-06-18 10:07:08 ERROR [dd.trace_id=1 dd.span_id=3] y z\n")
    assert done.returncode == 0 and done.stdout.count("\n") == 5
    lines = done.stderr.splitlines()
    assert lines[0].startswith("record 1: g.p:1:1: grok stops at byte 39 of the text: ")
    assert lines[0].endswith('`%{NUMBER:trace_id}` does not match "ab6b0159f8 dd.span_id=3] x z"')
    assert lines[1] == "record 3: g.p:1:1: grok does not match: `%{TIMESTAMP_ISO8601:time}` is nowhere in the text"
    assert lines[2].startswith("record 4: ") and lines[2].endswith("` \\[dd.trace_id=` does not match its end")
    assert lines[3].startswith("record 5: ") and "%{INT:y}" in lines[3] and lines[3].endswith('does not match "] y z"')
    assert lines[4] == "ddgate pipeline: no grok matched 4 of 5 records" and len(lines) == 5


def test_a_grok_that_matched_is_enough(tmp_path):
    script = tmp_path / "g.p"
    script.write_text('if grok(_, "^a") {\n} elif grok(_, "^b") {\n}\n')
    assert run("--script", str(script), text="b\n").stderr == ""


def test_many_greedy_patterns(tmp_path):
    script = tmp_path / "g.p"
    for n in (14, 20, 40):
        script.write_text('grok(_, "' + " ".join(f"%{{GREEDYDATA:f{i}}}" for i in range(n)) + '")\n')
        words = [f"w{i}" for i in range(n + 30)]
        done = run("--script", str(script), text=" ".join(words) + "\n")
        fields = pipeline_cases.json.loads(done.stdout)["fields"]
        assert [fields[f"f{i}"] for i in range(n)] == [" ".join(words[:31]), *words[31:]]


SHIPPED = [
    ("python", "2023-06-18 10:07:08,786 ERROR [app] [main.py:42] [dd.service=web dd.env=prod dd.version=1.2 dd.trace_id=16108321602917563239 dd.span_id=17] - it broke\nTraceback (most recent call last):",
     {"time": 1687082828786000000, "status": "error", "trace_id": "16108321602917563239", "span_id": "17", "service": "web", "env": "prod", "version": "1.2", "lineno": 42,
      "msg": "it broke\nTraceback (most recent call last):"}),
    ("python", "2021-06-18 10:07:08,786 INFO [__main__] [lt.py:26] [dd.service.name=Python-App dd.env=Testing dd.version=V1.1 dd.trace_id=16108321602917563239 dd.span_id=12837828046733169079] - Hello, World!",
     {"time": 1624010828786000000, "service": "Python-App", "trace_id": "16108321602917563239", "span_id": "12837828046733169079", "msg": "Hello, World!"}),
    ("python", "2023-06-18 10:07:08,786 INFO main.py web 64a1f0c2000000003fb1c8d2a9e0b7aa handle:7 all well",
     {"time": 1687082828786000000, "status": "info", "trace_id": "64a1f0c2000000003fb1c8d2a9e0b7aa", "service": "web", "funcname": "handle", "lineno": 7, "msg": "all well"}),
    ("python", "2023-06-18 10:07:08,786 INFO main.py  0 <module>:7 all well", {"service": "", "trace_id": "0", "funcname": "<module>", "msg": "all well"}),
    ("nginx", '203.0.113.9 - - [18/Jun/2023:10:07:08 +0000] "GET /a?b=c HTTP/1.1" 503 17 "-" "curl/8.0"',
     {"time": 1687082828000000000, "status": "error", "status_code": 503, "http_url": "/a?b=c", "agent": "curl/8.0", "referrer": None, "rawrequest": None}),
    ("nginx", '2001:db8::1 - - [18/Jun/2023:10:07:08 +0000] "\\x16\\x03" 400 157 "-" "-"', {"status": "warning", "client_ip": "2001:db8::1", "rawrequest": "\\x16\\x03", "http_method": None}),
    ("nginx", "2023/06/18 10:07:08 [warn] 29#30: *7 slow", {"time": 1687082828000000000, "status": "warning", "pid": 29, "connection": 7, "msg": "slow"}),
    ("nginx", '2023/06/18 10:07:08 [error] 29#29: *7 connect() failed, client: 172.16.1.2, server: _, request: "GET /a HTTP/1.1", upstream: "http://127.0.0.1/a", host: "h"',
     {"status": "error", "client_ip": "172.16.1.2", "http_method": "GET", "http_url": "/a", "upstream": "http://127.0.0.1/a"}),
    ("apache", '203.0.113.9 - bob [18/Jun/2023:10:07:08 +0000] "POST /x HTTP/1.0" 201 -', {"time": 1687082828000000000, "status": "OK", "http_auth": "bob", "http_method": "POST"}),
    ("apache", "[Wed Oct 11 14:32:52.123456 2023] [core:error] [pid 35708:tid 43] [client 72.15.99.187:4040] AH00124: x",
     {"time": 1697034772123456000, "status": "error", "module": "core", "pid": 35708, "client_ip": "72.15.99.187", "client_port": 4040, "msg": "AH00124: x"}),
    ("apache", "[Wed Oct 11 14:32:52 2023] [error] [client 127.0.0.1] client denied", {"time": 1697034772000000000, "status": "error", "client_ip": "127.0.0.1", "pid": None, "msg": "client denied"}),
    ("syslog", "<34>1 2023-06-18T10:07:08.003Z host app 12 ID47 - hello",
     {"time": 1687082828003000000, "program": "app", "pid": "12", "msg": "hello", "status": "critical"}),
    ("syslog", "<165>1 2023-06-18T10:07:08.003000-07:00 h evntslog - ID47 [x@1 a=\"3\"] BOM", {"time": 1687108028003000000, "status": "notice", "pid": None, "data": 'x@1 a="3"'}),
    ("syslog", "<34>Oct 11 22:14:15 mymachine su[230]: failed", {"program": "su", "pid": "230", "hostname": "mymachine", "msg": "failed", "status": "critical"}),
    ("syslog", "Jun  8 10:07:08 h kernel: [ 1.0] x", {"program": "kernel", "pid": None, "msg": "[ 1.0] x", "status": "info", "priority": None}),
    ("syslog", '<165>1 2003-10-11T22:14:15.003Z m evntslog 7 ID47 [ex@1 a="]" e="x\\"y"][x b="1"] An entry',
     {"time": 1065910455003000000, "program": "evntslog", "data": 'ex@1 a="]" e="x\\"y"][x b="1"', "msg": "An entry"}),
    ("syslog", "<165>1 - - - - - -", {"status": "notice", "hostname": None, "program": None, "time": None}),
    ("syslog", "2026-11-28T15:15:09.807143+08:00 web_1 sshd[29757]: Failed password\n\tfor root",
     {"time": 1795850109807143000, "hostname": "web_1", "program": "sshd", "pid": "29757", "msg": "Failed password\n\tfor root", "priority": None}),
    ("syslog", "2026-11-28T15:15:09.807143Z web1 kernel: [   12.5] oops", {"time": 1795878909807143000, "program": "kernel", "pid": None}),
    ("syslog", "<38>2026-11-28T15:15:09Z web1 CRON[1]: x", {"time": 1795878909000000000, "program": "CRON", "status": "info", "priority": 38}),
    ("syslog", "Nov  8 2025 15:15:09 web1 CRON[1]: x", {"time": 1762614909000000000, "program": "CRON", "year": None}),
    ("syslog", "Nov  8 2025 15:15:09.25 web1 com.apple.xpc[procLOG]: x", {"time": 1762614909250000000, "program": "com.apple.xpc", "pid": "procLOG", "fraction": None}),
    ("syslog", "Jul  1 09:00:55 mac Google Chrome[12]: a: b", {"hostname": "mac", "program": "Google Chrome", "pid": "12", "msg": "a: b"}),
    ("syslog", "no syslog", {"status": "info", "time": None, "msg": None, "pl_msg": None}),
    ("apache", 'example.com:80 10.0.0.1 - - [10/Oct/2000:13:55:36 -0700] "GET / HTTP/1.0" 200 2326 "-" "x"',
     {"time": 971211336000000000, "vhost": "example.com", "vhost_port": 80, "client_ip": "10.0.0.1", "status_code": 200, "status": "OK", "referrer": None}),
    ("apache", 'example.com:443 2001:db8::1 - a b [10/Oct/2000:13:55:36 -0700] "-" 408 0 "-" "-"',
     {"client_ip": "2001:db8::1", "http_auth": "a b", "rawrequest": "-", "status": "warning"}),
    ("apache", "[Fri Nov 28 15:00:00.123456 2026] [core:error] [pid 35708] (13)Permission denied: [client 10.0.0.1:1234] AH00035: access denied, referer: http://x/",
     {"time": 1795878000123456000, "system_error": "(13)Permission denied", "client_ip": "10.0.0.1", "client_port": 1234, "msg": "AH00035: access denied, referer: http://x/"}),
    ("apache", "[Fri Nov 28 15:00:00.123456 2026] [ssl:trace4] [pid 1:tid 2] ssl_engine.c(119): (70007)The timeout: [client ::1:555] x",
     {"status": "debug", "trace_level": "trace4", "source": "ssl_engine.c(119)", "system_error": "(70007)The timeout", "client_ip": "::1", "client_port": 555, "msg": "x"}),
    ("apache", "[Fri Nov 28 15:00:00.123456 2026] [proxy:error] [pid 1:tid 2] (111)Connection refused: AH00957: HTTP: attempt to connect to 127.0.0.1:8080",
     {"client_ip": None, "system_error": "(111)Connection refused", "msg": "AH00957: HTTP: attempt to connect to 127.0.0.1:8080"}),
    ("nginx", 'unix: - - [28/Nov/2026:15:06:25 +0000] "GET / HTTP/1.1" 200 612 "-" "curl/7.88.1"', {"client_ip": "unix:", "status": "OK"}),
    ("nginx", '10.0.0.1 - - [28/Nov/2026:15:06:25 +0000] "" 400 0 "-" "-"', {"client_ip": "10.0.0.1", "status": "warning", "rawrequest": None}),
    ("nginx", '2026/11/28 15:06:25 [error] 31#31: *1 open() "/x" failed, client: unix:, server: _, request: "GET /x HTTP/1.1", host: "localhost"',
     {"client_ip": "unix:", "server": "_", "host": "localhost", "http_url": "/x"}),
    ("logback", "2016-09-02 15:02:29 ERROR Foo:12 - 6b0159f8000000006be0a7e88a5dbf4d 9346884855907282776 - boom",
     {"time": 1472828549000000000, "status": "error", "logger": "Foo", "line": 12, "trace_id": "6b0159f8000000006be0a7e88a5dbf4d", "span_id": "9346884855907282776",
      "msg": "boom"}),
    ("logback", "2016-09-02 15:02:29 INFO  Foo:? -   - none", {"status": "info", "logger": "Foo", "line": None, "trace_id": None, "msg": "none"}),
    ("logback", "2026-11-21T00:35:39.530+08:00 ERROR 12345 --- [shop] [           main] c.e.Foo                                  : it broke",
     {"time": 1795192539530000000, "status": "error", "pid": 12345, "app": "shop", "thread": "main", "logger": "c.e.Foo", "trace_id": None, "msg": "it broke"}),
    ("logback", "2026-11-21T00:35:39.530Z  INFO 12345 --- [shop] [           main] [6b0159f8000000006be0a7e88a5dbf4d-81b6ce4128d4ef58] c.e.Foo : x",
     {"app": "shop", "thread": "main", "logger": "c.e.Foo", "trace_id": "6b0159f8000000006be0a7e88a5dbf4d", "span_id": "81b6ce4128d4ef58", "correlation_trace": None}),
    ("logback", "2026-11-21T00:35:39.530Z  INFO 12345 --- [shop] [           main] [                                                 ] c.e.Foo : x",
     {"app": "shop", "thread": "main", "logger": "c.e.Foo", "trace_id": None, "span_id": None, "msg": "x"}),
    ("logback", "2026-11-21T00:35:39.530Z  INFO 12345 --- [           main] [6b0159f8000000006be0a7e88a5dbf4d-81b6ce4128d4ef58] c.e.Foo : x",
     {"app": None, "thread": "main", "logger": "c.e.Foo", "trace_id": "6b0159f8000000006be0a7e88a5dbf4d"}),
    ("logback", "15:02:22.123 [main] ERROR a.B -- boom", {"clock": "15:02:22.123", "status": "error", "thread": "main", "logger": "a.B", "msg": "boom", "time": None}),
    ("logback", "2023-06-18 10:07:08.786 [main] WARN  c.e.App - 123 456 - careful", {"time": 1687082828786000000, "status": "warning", "trace_id": "123", "span_id": "456", "msg": "careful"}),
    ("logback", "2023-06-18 10:07:08.786 [main] INFO  c.e.App -   - hello\n\tat a.b(C.java:1)", {"status": "info", "logger": "c.e.App", "trace_id": None, "msg": "hello\n\tat a.b(C.java:1)"}),
    ("logback", "2023-06-18 10:07:08.786 [main] INFO  c.e.App - foo bar - baz", {"trace_id": None, "msg": "foo bar - baz"}),
    ("logback", "2023-06-18 10:07:08.786  WARN 4242 --- [   scheduling-1] c.e.demo.Job           : slow",
     {"time": 1687082828786000000, "status": "warning", "pid": 4242, "thread": "scheduling-1", "logger": "c.e.demo.Job", "msg": "slow"}),
    ("logback", "2023-06-18 10:07:08.786 ERROR [app,64a1f0c2a9e0b7aa,3fb1c8d2] 4242 --- [main] c.e.Job : x", {"app": "app", "trace_id": "64a1f0c2a9e0b7aa", "span_id": "3fb1c8d2"}),
    ("json", '{"level":"warn","message":"m","timestamp":"2023-06-18T10:07:08.5Z","dd":{"trace_id":"1","span_id":"2","service":"s"}}',
     {"time": 1687082828500000000, "status": "warning", "msg": "m", "trace_id": "1", "span_id": "2", "service": "s"}),
    ("json", '{"level":50,"time":1687082828786,"msg":"m","dd.trace_id":16108321602917563239}', {"time": 1687082828786000000, "status": "error", "trace_id": 16108321602917563239}),
    ("json", '{"level":"info","ts":1687082828.5,"msg":"m"}', {"time": 1687082828500000000, "status": "info"}),
    ("json", "no json", {"status": "info", "msg": None, "pl_msg": None}),
]


@pytest.mark.parametrize("name, line, want", SHIPPED)
def test_shipped_scripts(name, line, want):
    done = run("--script", f"conf/pipelines/{name}.p", "--timezone", "UTC", "--input", "json", text=pipeline_cases.json.dumps({"message": line}) + "\n")
    assert done.returncode == 0, done.stderr
    record = pipeline_cases.json.loads(done.stdout)
    have = {**record["fields"], "time": record.get("time")}
    assert {key: have.get(key) for key in want} == want
    assert record["fields"]["message"] == line
