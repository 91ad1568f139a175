# SPDX-License-Identifier: Apache-2.0
"""`ddgate test DIR`: cases as files, a diff that can be read, expectations that are written; the same result everywhere."""
import json
import os
import shutil
import subprocess

import pytest
from ddgate import BINARY, ROOT

EXAMPLE = ROOT / "examples" / "tests-of-mappings"
RECORDING = ROOT / "tests" / "data" / "recordings" / "dd-java-agent-1.68.1" / "v10" / "003-PUT-v1.0-traces"
SPAN = {"trace_id": 1, "span_id": 2, "service": "shop", "name": "op", "resource": "r", "start": 1700000000000000000, "duration": 5}


def run(*args, code=0, env=None, cwd=None):
    done = subprocess.run([BINARY, "test", *map(str, args)], capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
                          env={**os.environ, **(env or {})}, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def example(tmp_path):
    return shutil.copytree(EXAMPLE, tmp_path / "example")


def write(folder, name, value):
    (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))


def test_the_example_passes_anywhere(example):
    first = run(EXAMPLE, env={"TZ": "Asia/Tokyo", "LC_ALL": "de_DE.UTF-8"})
    assert first == "ok    checkout\nok    nginx\nok    team\nok    worker\n4 passed, 0 failed\n"
    assert run(".", cwd=example) == first


def test_a_difference_is_shown_by_its_lines(example):
    path = example / "nginx.expected.json"
    path.write_text(path.read_text().replace('{"intValue": "502"}', '{"intValue": "500"}'))
    text = run(example, code=1)
    assert "FAIL  nginx: differs from nginx.expected.json (- expected, + sent)" in text and "3 passed, 1 failed" in text
    assert '      -                 {"key": "status_code", "value": {"intValue": "500"}},\n' \
           '      +                 {"key": "status_code", "value": {"intValue": "502"}},\n' in text
    assert len(text.splitlines()) < 20
    assert "wrote nginx: nginx.expected.json" in run("--update", example)
    assert "4 passed, 0 failed" in run(example)
    assert path.read_text() == (EXAMPLE / "nginx.expected.json").read_text()


def test_the_form_of_an_expectation_does_not_matter(example):
    path = example / "checkout.expected.json"
    path.write_text(json.dumps(json.loads(path.read_text()), separators=(",", ":"), ensure_ascii=False))
    assert "ok    checkout" in run(example)
    path.write_text("{ no json")
    assert "checkout.expected.json is no JSON: byte 2" in run(example, code=1)


def test_what_is_missing_is_written_on_request(tmp_path):
    write(tmp_path, "a.request.json", [[SPAN]])
    assert "FAIL  a: there is no a.expected.json; --update writes it" in run(tmp_path, code=1)
    assert not (tmp_path / "a.expected.json").exists()
    run("--update", tmp_path)
    [resource] = json.loads((tmp_path / "a.expected.json").read_text())["resourceSpans"]
    assert resource["scopeSpans"][0]["spans"][0]["spanId"] == "0000000000000002"
    assert {"key": "host.name", "value": {"stringValue": "test-host"}} in resource["resource"]["attributes"]
    assert "1 passed" in run(tmp_path)


def test_requests_in_other_forms(tmp_path):
    for ending in ("bin", "json"):
        shutil.copy(f"{RECORDING}.{ending}", tmp_path / f"java.request.{ending}")
    body = json.dumps([[SPAN]])
    write(tmp_path, "wire.request", f"PUT /v0.4/traces HTTP/1.1\r\nContent-Type: application/json\r\nDatadog-Meta-Lang: go\r\n\r\n{body}")
    write(tmp_path, "otlp.request.json", {"resourceSpans": [{"scopeSpans": [{"spans": [{"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2"}]}]}]})
    assert "3 written" in run("--update", tmp_path)
    assert "java" in (tmp_path / "java.expected.json").read_text()
    assert '"stringValue": "go"' in (tmp_path / "wire.expected.json").read_text()
    assert "3 passed" in run(tmp_path)


def test_options_of_a_case_and_of_the_folder(tmp_path):
    for name in ("a", "b"):
        write(tmp_path, f"{name}.request.json", [[{**SPAN, "meta": {"x": "1"}}]])
    write(tmp_path, "a.conf", 'receivers = ( { type = "ddtrace"; strip = [ "x" ]; } );\n')
    write(tmp_path, "ddgate.conf", 'host_name = "of-the-folder";\n')
    run("--update", tmp_path)
    a, b = ((tmp_path / f"{name}.expected.json").read_text() for name in "ab")
    assert '"key": "x"' not in a and "test-host" in a
    assert '"key": "x"' in b and "of-the-folder" in b
    write(tmp_path, "a.conf", "receivers = ( { type = \"ddtrace\"; stripp = []; } );\n")
    text = run(tmp_path, code=1)
    assert "stripp" in text and "FAIL  a\n" in text and "ok    b" in text


def test_scripts_that_fail(tmp_path):
    write(tmp_path, "broken.lines", "x\n")
    write(tmp_path, "broken.p", "grok(\n")
    write(tmp_path, "dropped.lines", "x\ny\n")
    write(tmp_path, "dropped.p", "drop()\n")
    text = run("--update", tmp_path, code=1)
    assert "FAIL  broken\n" in text and "broken.p" in text
    assert json.loads((tmp_path / "dropped.expected.json").read_text()) == {}


def test_a_request_that_cannot_be_read(tmp_path):
    write(tmp_path, "bad.request.json", json.dumps([[SPAN]])[:-10])
    text = run(tmp_path, code=1)
    assert "FAIL  bad\n" in text and "bad.request.json: byte " in text


@pytest.mark.parametrize("args", [(), ("a", "b"), ("--nothing", "a"), ("/nowhere/at/all",)])
def test_wrong_arguments(args):
    assert "ddgate test: " in run(*args, code=2)


def test_a_folder_without_cases(tmp_path):
    assert "no case is there" in run(tmp_path, code=2)
