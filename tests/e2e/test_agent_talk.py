# SPDX-License-Identifier: Apache-2.0
"""What tracers say to an agent beside traces: everything is answered so that they stay quiet, counted by path, and said once in the log."""
import json
import re
import socket

import pytest
from ddgate import PATIENCE
from prometheus_client.parser import text_string_to_metric_families
from recordings import folders

PYTHON = {"Datadog-Meta-Lang": "python", "Datadog-Meta-Tracer-Version": "4.16.0"}
# path, methods that tracers use, status, body, words of the log
UNTRANSLATED = [
    ("/v0.7/config", ["POST", "GET"], 200, b"{}", "DD_REMOTE_CONFIGURATION_ENABLED=false"),
    ("/telemetry/proxy/api/v2/apmtelemetry", ["POST"], 202, b"{}", "DD_INSTRUMENTATION_TELEMETRY_ENABLED=false"),
    ("/debugger/v1/input", ["POST"], 200, b"", "DD_DYNAMIC_INSTRUMENTATION_ENABLED=false"),
    ("/debugger/v1/diagnostics", ["POST"], 200, b"", "DD_DYNAMIC_INSTRUMENTATION_ENABLED=false"),
    ("/debugger/v2/input?ddtags=env%3Aprod", ["POST"], 200, b"", "DD_DYNAMIC_INSTRUMENTATION_ENABLED=false"),
    ("/symdb/v1/input", ["POST"], 200, b"", "DD_SYMBOL_DATABASE_UPLOAD_ENABLED=false"),
    ("/tracer_flare/v1", ["POST"], 200, b"", "sends a flare for Datadog's support; ddgate does not take it"),
    ("/v0.1/pipeline_stats", ["POST"], 202, b"{}", "DD_DATA_STREAMS_ENABLED=false"),
    ("/evp_proxy/v4/api/v2/errorsintake", ["POST"], 202, b"{}", "DD_LLMOBS_ENABLED=false"),
    ("/profiling/v1/input", ["POST"], 200, b"", "sends profiles; they are dropped, but option profiles keeps them: DD_PROFILING_ENABLED=false saves its work"),
    ("/v0.6/stats", ["POST", "PUT"], 200, b"", "DD_TRACE_STATS_COMPUTATION_ENABLED=false"),
    ("/openlineage/api/v1/lineage", ["POST"], 200, b"", "OPENLINEAGE_DISABLED=true"),
    ("/dogstatsd/v2/proxy", ["POST", "GET"], 200, b"", "DD_RUNTIME_METRICS_ENABLED=false"),
]


def counted(gate):
    """{path: requests} of what was answered and dropped."""
    families = text_string_to_metric_families(gate.admin("/metrics").body.decode())
    return {s.labels["path"]: s.value for family in families for s in family.samples
            if s.name == "ddgate_ddtrace_untranslated_requests_total"}


@pytest.mark.parametrize("path, methods, status, body, words", UNTRANSLATED)
def test_what_is_not_translated_is_answered_counted_and_said_once(make_gate, path, methods, status, body, words):
    gate = make_gate()
    asked = 0
    for method in methods * 3:
        for sent in (b"", b"{}", b"\xc1" * 100000):
            answer = gate.request(method, path, sent, [*PYTHON.items(), ("Content-Length", str(len(sent)))])
            assert (answer.status, answer.body) == (status, body)
            assert answer.headers["datadog-agent-version"] and len(answer.headers["datadog-agent-state"]) == 64
            asked += 1
    rows = {label: n for label, n in counted(gate).items() if n}
    assert list(rows.values()) == [asked] and path.startswith(*rows)
    said = [line for line in gate.stderr.splitlines() if words in line]
    assert len(said) == 1 and "the application (python 4.16.0) " in said[0], gate.stderr
    gate.request("POST", path, b"{}", {"DD-Client-Library-Language": "go", "DD-Client-Library-Version": "2.12.0"})
    gate.wait_stderr("the application (go 2.12.0) ")


def test_bodies_that_are_dropped_need_no_memory(make_gate):
    """A profile may be larger than a body of traces may be; chunked, compressed or not, it is read away."""
    gate = make_gate(receiver={"max_body": "64KiB"}, settings={"max_memory": "32MiB"})
    for encoding in ("identity", "gzip", "made-up"):
        connection = gate.connection()
        connection.request("POST", "/profiling/v1/input", iter([b"x" * (1 << 20)] * 48), {"Content-Encoding": encoding}, encode_chunked=True)
        assert connection.getresponse().status == 200
    assert gate.request("POST", "/profiling/v1/input", b"x" * (40 << 20)).status == 200
    assert gate.put("/v0.4/traces", b"x" * (1 << 20)).status == 413


def test_a_question_to_the_event_platform_is_405(gate):
    answer = gate.request("GET", "/evp_proxy/v2/api/unstable/llm-obs/v1/datasets", b"")
    assert answer.status == 405 and answer.headers["allow"] == "PUT, POST"


def test_an_unknown_path_is_404_and_one_line(make_gate):
    """Whoever asks, and however many come at once: one line a path."""
    gate = make_gate()
    paths = ["/v9/traces", "/evp_proxy", "/debugger/v3/input", "/v0.7/config/", *(f"/new/v{i}" for i in range(40))]
    for _ in range(3):
        for path in paths:
            assert gate.request("POST", path, b"{}").status == 404
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE, source_address=("127.0.0.2", 0)) as other:
        other.sendall(b"GET /v9/traces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert other.recv(4096).startswith(b"HTTP/1.1 404 ")
    gate.stop()
    for path in paths:
        assert len(re.findall(rf"to {path} is answered 404", gate.stderr)) == 1, gate.stderr


def test_what_info_lists_works(gate):
    info = json.loads(gate.request("GET", "/info").body)
    assert {"/v0.7/config", "/telemetry/proxy/", "/debugger/v1/diagnostics"} < set(info["endpoints"])
    assert not [path for path in info["endpoints"] if path.startswith(("/evp_proxy", "/profiling", "/v0.6/stats", "/symdb"))]
    for path in info["endpoints"]:
        assert gate.request("POST", path, b"").status in (200, 202), path


def test_recorded_conversations_hear_nothing_but_yes(make_gate):
    """Every request that recorded tracers of all ages sent to an agent, in its order, each conversation on one connection."""
    gate = make_gate()
    for folder in folders().values():
        connection = gate.connection()
        for file in sorted(folder.glob("[0-9]*.json")):
            asked = json.loads(file.read_text())
            headers = [(k, v) for k, v in asked["headers"] if k.lower() not in ("content-length", "transfer-encoding")]
            body = file.with_suffix(".bin").read_bytes()
            answer = gate.request(asked["method"], asked["path"], body, [*headers, ("Content-Length", str(len(body)))], connection=connection)
            assert answer.status in (200, 202), (str(file), answer)
        connection.close()
    assert sum(counted(gate).values()) > 100
