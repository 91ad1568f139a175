# SPDX-License-Identifier: Apache-2.0
"""POST /api/pipeline: what a script makes of lines, where it is wrong, where a grok stops; and its bounds."""
import json
import os
import re
import subprocess
import time

import pytest

BINARY = os.environ.get("DDGATE_BINARY", "build/ddgate")
GROK = 'grok(_, "%{IP:ip} %{INT:status:int} %{WORD:method}")\nset_tag(ip)\n'


def post(gate, body, headers=None):
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gate.admin(
        "/api/pipeline", "POST", text, {"Content-Type": "application/json"} if headers is None else headers
    )


def run(gate, script, lines, status=200, **more):
    answer = post(gate, {"script": script, "lines": lines, **more})
    assert answer.status == status, answer.body
    return json.loads(answer.body)


def by_command(tmp_path, script, lines, *more):
    """What `ddgate pipeline` prints for them."""
    file = tmp_path / "script.p"
    file.write_text(script)
    argv = [BINARY, "pipeline", "--script", str(file), *more]
    done = subprocess.run(argv, input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "script, lines, options",
    [
        (GROK, ["10.0.0.1 200 GET", "10.0.0.1 two GET", "\u4e2d\u6587 <b>"], {}),
        ('json(_, level, status)\nadd_key(pi, 3.0)\nadd_key(big, 1e300)\ndrop()', ['{"level":"ERROR"}', "x"], {}),
        ('default_time(time)\nadd_key(time, "2026-11-30 08:00:00")\ndefault_time(time)', ["x"], {"timezone": "Asia/Tokyo"}),
        ('create_point("made", {"a": "b"}, {"n": 1})', ["x"], {"source": "shop", "category": "metric"}),
        ('cast(no, "int")\nx = [1]\nx[7]\n', ["x"], {}),
    ],
)
def test_the_results_are_those_of_the_command(gate, tmp_path, script, lines, options):
    options_of_command = [word for name, value in options.items() for word in (f"--{name}", value)]
    answer = run(gate, script, lines, **options)
    assert answer["error"] is None and answer["not_run"] == 0
    want = by_command(tmp_path, script, lines, *options_of_command)
    for record in want:  # the command names the script by its file
        if "error" in record:
            record["error"] = record["error"].replace("script.p:", "script:")
    assert answer["results"] == want


def test_a_mistake_has_its_place(gate):
    assert run(gate, 'add_key(a, 1)\n  gro(_, "x")', ["a"]) == {
        "error": {"line": 2, "column": 3, "text": "unsupported func: `gro`: there is no such function; did you mean `grok`?"},
        "results": [],
        "grok": [],
        "not_run": 0,
    }
    assert "other.p not found" in run(gate, 'use("other.p")', ["a"])["error"]["text"]


def test_where_a_grok_stops(gate):
    stops = run(gate, GROK, ["10.0.0.1 200 GET", "10.0.0.1 two GET", "nothing"])["grok"]
    assert [s["line"] for s in stops] == [1, 2]
    assert stops[0] == {
        "line": 1,
        "at": {"line": 1, "column": 1},
        "pattern": "%{IP:ip} %{INT:status:int} %{WORD:method}",
        "stopped_at": 9,
        "matched": "%{IP:ip} ",
        "part": "%{INT:status:int}",
        "text": "10.0.0.1 two GET",
    }
    assert (stops[1]["matched"], stops[1]["part"]) == ("", "%{IP:ip}")


def test_a_script_that_takes_long_is_ended_and_health_checks_are_answered(gate):
    """One thread answers both; the bound is 200 ms, and 100 ms for explanations."""
    began = time.monotonic()
    answer = run(gate, "for i = 0; i < 100000000; i = i + 1 { }", ["x"] * 200)
    assert answer["not_run"] > 0 and len(answer["results"]) + answer["not_run"] == 200
    assert re.search("2000000 steps|the time for these lines is over", answer["results"][0]["error"])
    answer = run(gate, '\n'.join(f'grok(_, "(a|aa|a{{{i}}})+$")' for i in range(1, 400)), ["a" * 200 + "b"] * 200)
    assert len(answer["results"]) + answer["not_run"] == 200
    assert gate.admin("/healthz").status == 200
    assert time.monotonic() - began < 30


@pytest.mark.parametrize(
    "body, status, words",
    [
        ({"script": "a = 1", "lines": ["x"] * 201}, 400, "200 lines"),
        ({"script": "a = 1", "lines": ["x"], "timezone": "/etc/passwd"}, 400, "timezone"),
        ({"script": "a = 1", "lines": ["x"], "category": "x"}, 400, "category"),
        ({"script": "a = 1", "line": ["x"]}, 400, "members are"),
        ({"lines": ["x"]}, 400, "no script"),
        ({"script": "a = 1", "lines": [1]}, 400, "want a string"),
        (b'{"script":', 400, "byte 10"),
        ({"script": "x" * 70000}, 413, "64 KiB"),
    ],
)
def test_what_is_not_a_request_is_refused_with_words(gate, body, status, words):
    answer = post(gate, body)
    assert answer.status == status
    assert words in json.loads(answer.body)["error"]


def test_a_form_of_another_page_is_refused(gate):
    body = {"script": "a = 1", "lines": ["x"]}
    assert post(gate, body, {"Content-Type": "text/plain"}).status == 415
    assert post(gate, body, {}).status == 415
    other = {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}
    assert post(gate, body, other).status == 403
    assert gate.admin("/api/pipeline").status == 405


def test_texts_are_inert_and_nothing_stays_for_the_next_request(gate):
    script = 'add_key(t, "<b>\u202e\u009b")\nadd_key(kept, cache_get("k"))\ncache_set("k", "v")'
    answer = post(gate, {"script": script, "lines": ["a", "b"]})
    assert b"<b>" not in answer.body and "\u202e".encode() not in answer.body
    first, second = json.loads(answer.body)["results"]
    assert first["fields"]["t"] == "<b>\u202e\u009b"
    assert (first["fields"].get("kept"), second["fields"].get("kept")) == (None, "v")
    assert run(gate, script, ["c"])["results"][0]["fields"].get("kept") is None
