# SPDX-License-Identifier: Apache-2.0
"""Option `proxy` of the ddtrace receiver: what is not translated goes to a real agent, and its answers come back; traces stay here."""
import gzip
import http.server
import json
import os
import socketserver
import subprocess
import threading

import pytest
from ddgate import BINARY, MSGPACK, conf_text, free_port, grpc
from payloads import span, v04
from prometheus_client.parser import text_string_to_metric_families


class Agent:
    """Records what it gets. `answer(request)` says status, headers and body; it may wait for `hold`. `tls`: an SSLContext."""

    def __init__(self, port=0, unix=None, answer=None, host="127.0.0.1", tls=None):
        self.requests, self.hold = [], threading.Event()
        self.hold.set()
        agent = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                request = (self.command, self.path, dict(self.headers.items()), body)
                agent.requests.append(request)
                agent.hold.wait(20)
                status, headers, text = (answer or agent.echo)(request)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(text)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            def address_string(self):
                return "client"

            def log_message(self, *args):
                pass
            do_GET = do_HEAD = do_PUT = do_POST = serve
        kind = socketserver.ThreadingUnixStreamServer if unix else http.server.ThreadingHTTPServer
        self.server = kind(str(unix) if unix else (host, port), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.server.daemon_threads = True
        self.url = f"unix://{unix}" if unix else f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    @staticmethod
    def echo(request):
        method, path, _, body = request
        return 200, {"Content-Type": "application/json", "ETag": '"7"', "Datadog-Agent-State": "another"}, \
            json.dumps([method, path, len(body)]).encode()

    def close(self):
        self.hold.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def make_agent():
    made = []

    def make(**options):
        made.append(Agent(**options))
        return made[-1]
    yield make
    for agent in made:
        agent.close()


def counted(gate, name):
    """{path: n} of a counter, without zeros."""
    families = text_string_to_metric_families(gate.admin("/metrics").body.decode())
    return {s.labels["path"]: s.value for family in families for s in family.samples if s.name == f"ddgate_ddtrace_{name}_total" and s.value}


PATHS = ["/v0.7/config", "/evp_proxy/v4/api/v2/citestcycle?x=%2F+1&flag&y=", "/debugger/v1/input?ddtags=a%3Ab", "/symdb/v1/input",
         "/tracer_flare/v1", "/v0.1/pipeline_stats", "/profiling/v1/input", "/openlineage/api/v1/lineage", "/dogstatsd/v2/proxy", "/v0.6/stats"]


@pytest.mark.parametrize("unix", [False, True])
def test_requests_go_to_the_agent_and_its_answers_come_back(make_gate, make_agent, sink, tmp_path, unix):
    agent = make_agent(unix=tmp_path / "agent.sock" if unix else None)
    gate = make_gate(receiver={"proxy": {"upstream": agent.url}}, exporters=[grpc(sink)])
    connection = gate.connection()
    for path in PATHS:
        for method in ("POST", "GET"):
            body = os.urandom(100000) if method == "POST" else b""
            answer = gate.request(method, path, body, {"X-Own": "1", "Content-Type": "application/x"}, connection=connection)
            assert answer.status == 200 and json.loads(answer.body) == [method, path, len(body)]
            assert answer.headers["etag"] == '"7"' and answer.headers["datadog-agent-state"] != "another"
            got = agent.requests[-1]
            assert got[:2] == (method, path) and got[3] == body and got[2]["X-Own"] == "1" and got[2]["Content-Type"] == "application/x"
    assert sum(counted(gate, "proxy_forwarded").values()) == 2 * len(PATHS) and not counted(gate, "untranslated_requests")
    s = span()
    assert gate.put("/v0.4/traces", v04([s]), connection=connection).status == 200
    sink.wait(lambda k: k.spans, "the span")
    assert not [r for r in agent.requests if r[1].endswith("/traces")]
    assert gate.request("HEAD", "/v0.7/config", connection=connection).status == 200
    assert "does not take" not in gate.stderr


def test_headers_that_pass_and_those_that_do_not(make_gate, make_agent):
    agent = make_agent()
    gate = make_gate(receiver={"proxy": {"upstream": agent.url + "/", "api_key": "0123456789abcdefsecret"}})
    packed = gzip.compress(b"{}")
    gate.request("POST", "/profiling/v1/input", packed, {
        "Content-Encoding": "gzip", "Connection": "keep-alive, X-Hop", "X-Hop": "1", "Keep-Alive": "5", "TE": "trailers", "DD-API-KEY": "tracer",
        "Authorization": "Bearer tracer", "Empty": "", "Datadog-Container-ID": "c1", "User-Agent": "tracer/1", "Via": "1.1 other"})
    _, _, headers, body = agent.requests[0]
    assert body == packed
    assert {k.lower(): v for k, v in headers.items()} == {
        "host": agent.url.removeprefix("http://"), "content-encoding": "gzip", "empty": "", "datadog-container-id": "c1", "user-agent": "tracer/1",
        "content-length": str(len(packed)), "dd-api-key": "0123456789abcdefsecret", "via": "1.1 ddgate"}
    gate.stop()
    assert "secret" not in gate.stderr


def test_info_lists_what_is_forwarded(make_gate, make_agent):
    gate = make_gate(receiver={"proxy": {"upstream": make_agent().url}})
    info = json.loads(gate.request("GET", "/info").body)
    assert {"/v0.7/config", "/evp_proxy/v1/", "/evp_proxy/v2/", "/evp_proxy/v3/", "/evp_proxy/v4/", "/debugger/v1/input", "/debugger/v2/input",
            "/symdb/v1/input", "/tracer_flare/v1", "/v0.1/pipeline_stats", "/profiling/v1/input", "/telemetry/proxy/"} < set(info["endpoints"])
    assert "/v0.6/stats" not in info["endpoints"] and "Content-Encoding" in info["evp_proxy_allowed_headers"]
    for path in info["endpoints"]:
        assert gate.request("POST", path).status in (200, 202), path


def test_no_worker_waits_for_the_agent(make_gate, make_agent):
    """One worker, an agent that does not answer: traces, and telemetry, which nobody waits for, are answered meanwhile."""
    agent = make_agent()
    gate = make_gate(receiver={"threads": 1, "proxy": {"upstream": agent.url}})
    agent.hold.clear()
    waiting = [gate.connection() for _ in range(30)]
    for connection in waiting:
        connection.request("POST", "/v0.7/config", b"{}")
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    answer = gate.request("POST", "/telemetry/proxy/api/v2/apmtelemetry", b"{}")
    assert (answer.status, answer.body) == (202, b"{}")
    agent.hold.set()
    for connection in waiting:
        assert json.loads(connection.getresponse().read()) == ["POST", "/v0.7/config", 2]


def test_an_agent_that_is_away_is_502_and_said_once(make_gate, make_agent):
    port = free_port()
    gate = make_gate(receiver={"proxy": {"upstream": f"http://127.0.0.1:{port}"}})
    for _ in range(3):
        assert gate.request("POST", "/v0.7/config", b"{}").status == 502
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    agent = make_agent(port=port)
    assert gate.request("POST", "/v0.7/config", b"{}").status == 200
    agent.close()
    assert counted(gate, "proxy_failed") == {"/v0.7/config": 3} and counted(gate, "proxy_forwarded") == {"/v0.7/config": 1}
    assert gate.stderr.count("does not answer") == gate.stderr.count("answers again") == 1


def test_an_agent_that_is_slow_is_504(make_gate, make_agent):
    agent = make_agent()
    agent.hold.clear()
    gate = make_gate(receiver={"proxy": {"upstream": agent.url, "timeout": "200ms"}})
    assert gate.request("POST", "/profiling/v1/input", b"{}").status == 504


def test_what_waits_is_bounded(make_gate, make_agent):
    agent = make_agent()
    agent.hold.clear()
    gate = make_gate(receiver={"proxy": {"upstream": agent.url, "requests": 3}})
    waiting = [gate.connection() for _ in range(3)]
    for n, connection in enumerate(waiting):
        connection.request("POST", "/v0.7/config", b"{}")
        gate._until(lambda n=n: len(agent.requests) > n, "the agent gets no request")
    for path in ("/v0.7/config", "/telemetry/proxy/x"):
        refused = gate.request("POST", path, b"{}")
        assert refused.status == 429 and refused.headers["retry-after"]
    agent.hold.set()
    assert [c.getresponse().status for c in waiting] == [200] * 3
    assert counted(gate, "proxy_refused") == {"/v0.7/config": 1, "/telemetry/proxy/": 1}


def test_a_stop_does_not_wait_for_the_agent_for_ever(make_gate, make_agent):
    agent = make_agent()
    agent.hold.clear()
    gate = make_gate(receiver={"proxy": {"upstream": agent.url}})
    connection = gate.connection()
    connection.request("POST", "/v0.7/config", b"{}")
    gate._until(lambda: agent.requests, "the agent gets no request")
    gate.stop()
    assert connection.getresponse().status == 503


def test_a_reload_keeps_requests_that_are_under_way(make_gate, make_agent):
    """They are the predecessor's, whose proxy answers them; the next ones go to the new agent."""
    old, new = make_agent(), make_agent()
    old.hold.clear()
    gate = make_gate(receiver={"proxy": {"upstream": old.url}})
    connection = gate.connection()
    connection.request("POST", "/v0.7/config", b"{}")
    gate._until(lambda: old.requests, "the agent gets no request")
    conf = gate.directory / "ddgate.conf"
    conf.write_text(conf.read_text().replace(old.url, new.url))
    gate.signal(1)
    gate._until(lambda: gate.request("POST", "/profiling/v1/input", b"").status == 200 and new.requests, "the new agent is not asked")
    old.hold.set()
    assert connection.getresponse().status == 200


@pytest.mark.parametrize("proxy, words", [
    ({"upstream": "agent:8126"}, "neither the URL of an agent"), ({"upstream": "ftp://agent"}, "neither the URL of an agent"),
    ({"upstream": "unix://apm.socket"}, "neither the URL of an agent"), ({"upstream": "datadoghq.eu"}, "the intake of datadoghq.eu asks for one"),
    ({"api_key": "k" * 32}, "api_key alone names no target")])
def test_mistakes(tmp_path, proxy, words):
    path = tmp_path / "ddgate.conf"
    path.write_text(conf_text({"receivers": ({"type": "ddtrace", "listen": ["127.0.0.1:0"], "socket": "", "proxy": proxy},),
                               "exporters": ({"type": "stdout"},)}))
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and words in done.stderr and "proxy." in done.stderr, done
