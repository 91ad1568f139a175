# SPDX-License-Identifier: Apache-2.0
"""Option `proxy` with a site: what is not translated goes to the hosts and paths of Datadog's intake, as its agent sends it there (its
documentation and source, version 7.70). The intake is made here: TLS on an address of loopback, whose names and certificate authority
only this ddgate knows, for it runs with files of its own in place of /etc/hosts and the system's certificates."""
import ssl

import ddgate
import pytest
from ddgate import BINARY
from test_agent_proxy import Agent

SITE, ADDRESS, KEY = "intake.ddgate.test", "127.0.0.77", "0123456789abcdef0123456789abcdef"
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"  # where the distribution's libcurl looks
EVENT = {"Content-Type": "application/json", "X-Datadog-EVP-Subdomain": "llmobs-intake"}

# method and path, headers; the host and path that an agent forwards it to, and what it says of itself there
FORWARDED = [
    ("POST", "/profiling/v1/input", {"DD-EVP-ORIGIN": "dd-trace-py"}, "intake.profile", "/api/v2/profile", {"DD-EVP-ORIGIN": "dd-trace-py"}),
    ("POST", "/telemetry/proxy/api/v2/apmtelemetry", {"DD-Telemetry-Request-Type": "app-started"}, "instrumentation-telemetry-intake",
     "/api/v2/apmtelemetry", {"DD-Telemetry-Request-Type": "app-started"}),
    ("POST", "/debugger/v1/input?ddtags=a%3Ab", {}, "http-intake.logs", "/api/v2/logs?ddtags=a%3Ab", {"DD-EVP-ORIGIN": "agent-debugger"}),
    ("POST", "/debugger/v2/input", {}, "debugger-intake", "/api/v2/debugger", {"DD-EVP-ORIGIN": "agent-debugger"}),
    ("POST", "/debugger/v1/diagnostics", {}, "debugger-intake", "/api/v2/debugger", {"DD-EVP-ORIGIN": "agent-debugger"}),
    ("POST", "/symdb/v1/input", {}, "debugger-intake", "/api/v2/debugger", {"DD-EVP-ORIGIN": "agent-symdb"}),
    ("POST", "/v0.1/pipeline_stats", {"Content-Encoding": "gzip"}, "trace.agent", "/api/v0.1/pipeline_stats", {"Content-Encoding": "gzip"}),
    ("POST", "/openlineage/api/v1/lineage", {}, "data-obs-intake", "/api/v1/lineage", {}),
    ("POST", "/evp_proxy/v2/api/v2/llmobs", EVENT, "llmobs-intake", "/api/v2/llmobs", {}),
    ("GET", "/evp_proxy/v4/api/v2/settings?a=b", {"X-Datadog-EVP-Subdomain": "api"}, "api", "/api/v2/settings?a=b", {}),
]


@pytest.fixture
def intake(authority):
    names = sorted({row[3] for row in FORWARDED})
    server = authority.issue("intake", hosts=[f"{name}.{SITE}" for name in names], addresses=[ADDRESS])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.cert_path, server.key_path)
    made = Agent(port=443, host=ADDRESS, tls=context)
    made.hosts = "".join(f"{ADDRESS} {name}.{SITE}\n" for name in names)
    yield made
    made.close()


@pytest.fixture
def gate(make_gate, intake, authority, tmp_path, monkeypatch):
    (tmp_path / "hosts").write_text(intake.hosts)
    script = tmp_path / "ddgate-with-files"
    script.write_text(f"#!/bin/sh\nset -e\nmount --bind {tmp_path}/hosts /etc/hosts\nmount --bind {authority.path} {CERTIFICATES}\nexec {BINARY} \"$@\"\n")
    script.chmod(0o755)
    outer = tmp_path / "ddgate"
    outer.write_text(f"#!/bin/sh\nexec unshare -m {script} \"$@\"\n")
    outer.chmod(0o755)
    monkeypatch.setattr(ddgate, "BINARY", outer)
    return make_gate(receiver={"proxy": {"upstream": SITE, "api_key": KEY}})


def test_each_path_goes_to_its_intake(gate, intake):
    for method, path, headers, host, to, want in FORWARDED:
        answer = gate.request(method, path, b"{}" if method == "POST" else b"", headers)
        assert answer.status == (202 if path.startswith("/telemetry") else 200), (path, answer, gate.stderr)
        gate._until(lambda: intake.requests, f"{path} is not forwarded")
        got_method, got_path, got, body = intake.requests.pop()
        got = {name.lower(): value for name, value in got.items()}
        assert (got_method, got["host"], got_path) == (method, f"{host}.{SITE}", to)
        assert body == (b"{}" if method == "POST" else b"")
        assert (got["dd-api-key"], got["via"]) == (KEY, "1.1 ddgate")
        for name, value in want.items():
            assert got[name.lower()] == value, path
    gate.stop()
    assert KEY not in gate.stderr


def test_what_has_no_intake_stays_here(gate, intake):
    """Remote configuration, flares and statistics need an agent; an event that names no intake, or another host, goes nowhere."""
    assert gate.request("POST", "/v0.7/config", b"{}").body == b"{}"
    assert gate.request("POST", "/tracer_flare/v1", b"x").status == 200
    for subdomain in ("", "evil.example/", "a b"):
        assert gate.request("POST", "/evp_proxy/v2/api/v2/x", b"{}", {"X-Datadog-EVP-Subdomain": subdomain}).status == 400
    gate.stop()
    assert not intake.requests
