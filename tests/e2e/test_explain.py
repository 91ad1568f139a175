# SPDX-License-Identifier: Apache-2.0
"""`ddgate explain`: a recorded request in each of its forms, in text and JSON; what it says is what a running ddgate sends."""
import gzip
import json
import os
import subprocess

import pytest
from ddgate import BINARY, ROOT, Ddgate
from payloads import span, v04

RECORDINGS = ROOT / "tests" / "data" / "recordings"
TRACE = [[{"trace_id": 1234, "span_id": 5678, "service": "shop", "name": "web.request", "resource": "GET /cart", "type": "web",
           "start": 1795222239102125911, "duration": 3549767,
           "meta": {"http.method": "GET", "http.url": "http://shop:8080/cart?token=abc", "span.kind": "server", "cart": "3"},
           "metrics": {"http.status_code": 200, "_sampling_priority_v1": 2}}]]


def run(*args, stdin=b"", env=None):
    return subprocess.run([BINARY, "explain", *map(str, args)], input=stdin, capture_output=True, check=False, timeout=60,
                          env={**os.environ, **(env or {})})


def explained(*args, code=0, **more):
    done = run("--json", *args, **more)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def tags(explained_span):
    return {part["name"]: part for part in explained_span["received"]["tags"]}


def sent(explained_span, where="span"):
    return {item["name"]: item for item in explained_span["sent"][0]["attributes"] if item["where"] == where}


def head(path, **headers):
    return (f"PUT {path} HTTP/1.1\r\nHost: localhost\r\n" + "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items()) +
            "\r\n").encode()


def test_a_payload_as_a_person_writes_it(tmp_path):
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(TRACE, indent=1))
    done = run(file)
    text = done.stdout.decode()
    assert done.returncode == 0 and not done.stderr
    assert "v0.4 JSON: 1 span" in text and "span 000000000000162e (5678)" in text
    assert "http.url = http://shop:8080/cart?token=REDACTED\n      → renamed to url.scheme, url.path, url.query" in text
    assert "[mapping.md: http.url]" in text and "abc" not in text
    [one] = explained(file)["spans"]
    assert tags(one)["http.method"]["fate"] == "renamed" and tags(one)["http.method"]["row"] == "http.method"
    assert tags(one)["cart"]["fate"] == "kept"
    assert sent(one)["url.path"]["value"] == {"stringValue": "/cart"} and sent(one)["url.path"]["from"] == ["http.url"]
    assert one["sent"][0]["span"]["spanId"] == "000000000000162e"


def test_every_row_is_one_of_the_reference(tmp_path):
    file = tmp_path / "trace.json"
    file.write_text(json.dumps(TRACE))
    page = (ROOT / "docs" / "reference" / "mapping.md").read_text()
    [one] = explained(file)["spans"]
    rows = [x["row"] for x in one["sent"][0]["attributes"] + one["received"]["tags"] if x["row"]]
    assert len(rows) > 8 and all(f"| `{row}`" in page for row in rows)


@pytest.mark.parametrize("wire", ["plain", "gzip", "chunked", "stdin"])
def test_a_request_as_it_was_on_the_wire(tmp_path, wire):
    body, headers = v04([span(trace_id=1, span_id=7, service="web", name="x", meta={"k": "v"})]), {"Datadog_Meta_Lang": "python"}
    if wire == "gzip":
        body, headers = gzip.compress(body), {**headers, "Content_Encoding": "gzip"}
    if wire == "chunked":
        headers["Transfer_Encoding"] = "chunked"
        body = b"%x\r\n%s\r\n1\r\n%s\r\n0\r\n\r\n" % (len(body) - 1, body[:-1], body[-1:])
    file = tmp_path / "request"
    file.write_bytes(head("/v0.4/traces", **headers) + body)
    found = explained("-", stdin=file.read_bytes()) if wire == "stdin" else explained(file)
    assert found["protocol"] == "v0.4 msgpack" and found["client"]["language"] == "python"
    [one] = found["spans"]
    assert tags(one)["k"]["fate"] == "kept"
    assert sent(one, "resource")["telemetry.sdk.language"]["from"] == ["Datadog-Meta-Lang"]


@pytest.mark.parametrize("name", ["dd-java-agent-1.68.1/v05/003-PUT-v0.5-traces", "dd-java-agent-1.68.1/v04/003-PUT-v0.4-traces",
                                  "dd-java-agent-1.68.1/v10/003-PUT-v1.0-traces"])
def test_a_recording_is_explained_as_it_is_sent(tmp_path, name):
    """By its headers beside it, and against what ddgate prints of the same request."""
    about = json.loads((RECORDINGS / f"{name}.json").read_text())
    found = explained(RECORDINGS / f"{name}.bin")
    assert found["client"]["language"] == "java" and found["spans"]
    with Ddgate(tmp_path) as gate:
        gate.request(about["method"], about["path"], (RECORDINGS / f"{name}.bin").read_bytes(), [tuple(h) for h in about["headers"]])
    there = {}
    for line in gate.stdout.splitlines():
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for one in scope["spans"]:
                    there[one["spanId"]] = one, resource["resource"], scope["scope"]
    for one in found["spans"]:
        out = one["sent"][0]
        assert (out["span"], out["resource"], out["scope"]) == there[one["span_id"]]


def test_options_of_a_configuration(tmp_path):
    conf, file = tmp_path / "ddgate.conf", tmp_path / "trace.json"
    conf.write_text('receivers = ( { type = "ddtrace"; strip = [ "cart" ]; resource = { team = "shop"; };\n'
                    '  privacy = { replace_tags = ( { name = "http.url"; pattern = "shop"; repl = "x"; } ); }; } );\nhost_name = "here";\n')
    file.write_text(json.dumps(TRACE))
    [one] = explained("-c", conf, file)["spans"]
    assert tags(one)["cart"]["fate"] == "left_out" and "option strip" in tags(one)["cart"]["why"] and tags(one)["cart"]["value"] == "?"
    assert tags(one)["http.url"]["value"].startswith("http://x:8080/")
    resource = sent(one, "resource")
    assert "option resource" in resource["team"]["why"] and resource["host.name"]["value"] == {"stringValue": "here"}
    conf.write_text("receivers = ( { type = \"ddtrace\"; stripp = []; } );\n")
    done = run("-c", conf, file)
    assert done.returncode == 2 and b"stripp" in done.stderr


def test_otlp_goes_on_as_it_came(tmp_path):
    file = tmp_path / "otlp.json"
    file.write_text(json.dumps({"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "a"}}]},
                                                  "scopeSpans": [{"spans": [{"traceId": "0" * 31 + "1", "spanId": "0" * 15 + "2", "name": "n",
                                                                             "attributes": [{"key": "k", "value": {"intValue": "3"}}]}]}]}]}))
    found = explained(file)
    assert found["protocol"] == "OTLP/JSON"
    [one] = found["spans"]
    assert tags(one)["k"]["fate"] == "kept" and sent(one)["k"]["value"] == {"intValue": "3"} and one["trace_id"].endswith("1")


def test_what_is_refused_or_not_understood(tmp_path):
    file = tmp_path / "trace"
    file.write_text(json.dumps([[{**TRACE[0][0], "span_id": 0}, {**TRACE[0][0], "span_links": [{"trace_id": "no"}]}]]))
    done = run(file)
    text = done.stdout.decode()
    assert done.returncode == 1
    assert "a span is refused: zero_span_id" in text and "a span link cannot be read" in text
    file.write_text(json.dumps(TRACE)[:-40])
    done = run(file)
    assert done.returncode == 1 and b"byte" in done.stderr and not done.stdout
    file.write_bytes(head("/profiling/v1/input") + b"x")
    done = run(file)
    assert done.returncode == 1 and b"/profiling/v1/input has no spans" in done.stderr
    assert run(tmp_path / "none").returncode == 1


def test_one_span_of_many(tmp_path):
    file = tmp_path / "trace"
    file.write_text(json.dumps([[{**TRACE[0][0], "span_id": n, "name": f"n{n}"} for n in range(1, 31)]]))
    text = run(file).stdout.decode()
    assert "30 more spans: --span ID shows one of them" in text and "shop, n30" in text
    [one] = explained("--span", "17", file)["spans"]
    assert one["span_id"] == "0000000000000011"
    assert explained("--span", "0000000000000011", file)["spans"][0]["span_id"] == one["span_id"]
    done = run("--span", "99", file)
    assert done.returncode == 1 and b"no span" in done.stderr


def test_a_span_of_a_large_trace(tmp_path):
    """By the spans that suffice, so all of it is looked into; what the first span says for all of them is among it."""
    file = tmp_path / "trace"
    chunk = [{**TRACE[0][0], "span_id": n, "parent_id": n // 10, "metrics": {}, "meta": {**TRACE[0][0]["meta"], "n": str(n)}}
             for n in range(1, 5001)]
    chunk[0]["metrics"] = {"_sampling_priority_v1": 2}
    file.write_text(json.dumps([chunk]))
    [one] = explained("--span", "4321", file)["spans"]
    assert not [t for t in tags(one).values() if "not looked into" in t["why"]]
    assert tags(one)["n"]["fate"] == "kept" and sent(one)["sampling.priority"]["from"] == ["_sampling_priority_v1"]


@pytest.mark.parametrize("args", [(), ("a", "b"), ("--format", "v9", "a"), ("--span", "x", "a"), ("--nothing", "a"), ("--mode", "x", "a")])
def test_wrong_arguments(args):
    done = run(*args)
    assert done.returncode == 2 and not done.stdout and b"ddgate explain: " in done.stderr


def test_hostile_text_is_inert(tmp_path):
    file = tmp_path / "trace"
    file.write_text(json.dumps([[{**TRACE[0][0], "name": "\x1b[2Jx\u202e", "meta": {"</script>\x1b]0;t\x07": "\x9b31m"}}]]))
    for done in (run(file), run("--json", file)):
        assert done.returncode == 0
        assert not {0x1b, 0x07} & set(done.stdout) and "\u202e" not in done.stdout.decode() and "\x9b" not in done.stdout.decode()
