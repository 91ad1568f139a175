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
