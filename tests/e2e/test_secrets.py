# SPDX-License-Identifier: Apache-2.0
"""No secret of the configuration in anything that ddgate writes for people: whoever repeats it, in whatever form it does, and whatever option it
stands in by mistake."""
import base64
import json
import os
import subprocess
import urllib.parse

import pytest
from ddgate import BINARY, grpc as exporter
from grpc import StatusCode
from http_sink import HttpSink, Status
from payloads import trace, v04
from sending import QUICK
from sinks import Fail

USER, PASSWORD, TOKEN = "us-er@corp", "p4ss/w&rd=x", "tok-0123456789-ABCDEF"
LOGIN = f"{USER}:{PASSWORD}"


def forms(*secrets):
    for secret in secrets:
        yield secret
        yield urllib.parse.quote(secret, safe="")
        yield urllib.parse.quote(secret)
        yield base64.b64encode(secret.encode()).decode()
        yield base64.urlsafe_b64encode(secret.encode()).decode()
        yield json.dumps(secret)[1:-1]


def check(tmp_path, conf, env=None):
    path = tmp_path / "c.conf"
    path.write_text(conf)
    kept = {name: value for name, value in os.environ.items() if name.endswith("SAN_OPTIONS")}
    return subprocess.run([BINARY, "check", "-c", str(path)], capture_output=True, text=True, check=False, timeout=60, env=kept | (env or {}))


def everything(gate):
    texts = [gate.admin(page).body.decode() for page in ("/metrics", "/ledger", "/readyz")]
    gate.stop(check=False)
    return gate.stderr + gate.stdout + "".join(texts)


ECHOES = [f"the key {TOKEN} is unknown", f"Authorization: Bearer {TOKEN}", f'{{"error":"bad","sent":{json.dumps("Bearer " + TOKEN)}}}',
          "x" * 230 + TOKEN, base64.b64encode(f"a{TOKEN}b".encode()).decode(), f"?token={urllib.parse.quote(TOKEN)}"]


@pytest.mark.parametrize("echo", range(len(ECHOES)))
def test_a_backend_that_repeats_the_credentials(make_gate, echo):
    backend = HttpSink()
    try:
        backend.script(*[Status(code, {"Content-Type": "text/plain"}, ECHOES[echo].encode()) for code in (401, 400)])
        gate = make_gate(exporters=[dict(type="otlp_http", endpoint=backend.endpoint, headers={"authorization": f"Bearer {TOKEN}"}, **QUICK)],
                         settings={"log": {"level": "debug"}})
        for _ in range(2):
            assert gate.put("/v0.4/traces", v04(trace(2))).status == 200
        gate.wait_stderr("HTTP 401")
        gate.wait_stderr("HTTP 400")
        said = everything(gate)
        assert not [form for form in forms(TOKEN) if form in said], said
        assert TOKEN[:14] not in said and "***" in said
    finally:
        backend.close()


def test_a_login_that_a_backend_repeats(make_gate):
    basic = base64.b64encode(LOGIN.encode()).decode()
    backend = HttpSink()
    try:
        backend.script(*[Status(400, {"Content-Type": "text/plain"}, f"no such login: {form}".encode()) for form in forms(LOGIN, PASSWORD)])
        gate = make_gate(exporters=[dict(type="otlp_http", endpoint=backend.endpoint, headers={"Authorization": f"Basic {basic}"}, **QUICK)])
        for n in range(1, 13):
            assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
            gate._until(lambda n=n: len(backend.requests) >= n or backend.spans, "the backend got nothing")  # pylint: disable=protected-access
        said = everything(gate)
        assert not [form for form in forms(LOGIN, PASSWORD) if form in said], said
    finally:
        backend.close()


def test_a_grpc_backend_that_repeats_the_credentials(make_gate, sink):
    sink.script(Fail(StatusCode.UNAUTHENTICATED, f"no such key: {TOKEN}"), Fail(StatusCode.INVALID_ARGUMENT, f"of {TOKEN}: bad"))
    gate = make_gate(exporters=[exporter(sink, headers={"x-api-key": TOKEN}, **QUICK)])
    for _ in range(2):
        assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
    gate.wait_stderr("no such key: ***")
    assert TOKEN not in everything(gate)


def test_a_redirect_with_a_login(make_gate):
    backend = HttpSink()
    try:
        backend.script(Status(302, {"Location": f"https://{urllib.parse.quote(USER)}:{urllib.parse.quote(PASSWORD, safe='')}@login.example/in?x=1"}))
        gate = make_gate(exporters=[dict(type="otlp_http", endpoint=backend.endpoint, **QUICK)])
        assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
        gate.wait_stderr("HTTP 302 to https://***@login.example/in")
        said = everything(gate)
        assert not [form for form in forms(PASSWORD) if form in said], said
    finally:
        backend.close()


@pytest.mark.parametrize("proxy", ["odd://{login}@proxy.invalid:3128", "http://{login}@proxy.invalid:99999", "{login}@proxy.invalid:3128",
                                   "http://{raw}@proxy.invalid:3128"])
@pytest.mark.parametrize("kind, variable", [("otlp_http", "http_proxy"), ("otlp_grpc", "http_proxy"), ("otlp_grpc", "grpc_proxy")])
def test_a_proxy_that_cannot_be_used(make_gate, proxy, kind, variable):
    login = ":".join(urllib.parse.quote(part, safe="") for part in (USER, PASSWORD))
    gate = make_gate(exporters=[dict(type=kind, endpoint="http://backend.invalid:4318", timeout="200ms", **QUICK)],
                     env={variable: proxy.format(login=login, raw=f"user:{PASSWORD}")}, settings={"log": {"level": "debug"}, "shutdown_timeout": "100ms"})
    assert gate.put("/v0.4/traces", v04(trace(1))).status == 200
    gate.wait_stderr("tried again")
    said = everything(gate)
    assert not [form for form in forms(PASSWORD, login) if form in said], said


def test_what_is_set_aside_holds_no_key(make_gate, tmp_path):
    (tmp_path / "dead").mkdir()
    backend = HttpSink()
    try:
        backend.script(Status(400))
        gate = make_gate(exporters=[dict(type="otlp_http", endpoint=backend.endpoint, headers={"x-api-key": TOKEN},
                                         dead_letter={"directory": str(tmp_path / "dead")}, **QUICK)])
        assert gate.put("/v0.4/traces", v04(trace(1, meta={"said": f"my key is {TOKEN}", "db": "postgres://a:b@c/d"}))).status == 200
        gate.wait_stderr("were set aside")
        gate.stop(check=False)
        text = (tmp_path / "dead" / "otlp_http.jsonl").read_text()
        assert TOKEN not in text and "my key is ***" in text and "postgres://a:b@c/d" in text
        assert json.loads(text)
    finally:
        backend.close()


@pytest.mark.parametrize("where", ["exporter", "http_exporter", "receiver"])
@pytest.mark.parametrize("value", ["pem", "one_line", "token"])
def test_a_key_in_the_place_of_its_file(tmp_path, authority, where, value):
    issued = authority.issue("localhost")
    pem = issued.key.decode()
    secret = {"pem": pem, "one_line": pem.replace("\n", "\\n"), "token": TOKEN}[value]
    tls = f'tls = {{ cert = "{issued.cert_path}"; key = "${{env:TLS_MATERIAL}}"; }};'
    conf = {"exporter": f'exporters = ( {{ type = "otlp_grpc"; endpoint = "https://localhost:1"; {tls} }} );',
            "http_exporter": f'exporters = ( {{ type = "otlp_http"; endpoint = "https://localhost:1"; {tls} }} );',
            "receiver": f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:0" ]; {tls} }} );'}[where]
    done = check(tmp_path, conf, env={"TLS_MATERIAL": secret})
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "tls.key" in said
    assert not [line for line in pem.splitlines()[1:-1] if line[:16] in said] and TOKEN not in said, said


@pytest.mark.parametrize("conf", ['exporters = ( {{ type = "otlp_http"; endpoint = "http://h"; headers = {{ x-key = "${{file:{0}}}"; }}; }} );',
                                  'exporters = ( {{ type = "otlp_http"; endpoint = "http://h"; timeout = "${{file:{0}}}"; }} );',
                                  'receivers = ( {{ type = "ddtrace"; auth = {{ token = "${{file:{0}}}"; }}; }} );',
                                  'exporters = ( {{ type = "sls"; endpoint = "https://h"; access_key_secret = "${{file:{0}}}"; }} );'])
@pytest.mark.parametrize("secret", [TOKEN, "/+aGVsbG8gd29ybGQhISE=", "line1-of-a-secret\\nline2"])
def test_a_secret_in_the_place_of_its_file(tmp_path, conf, secret):
    done = check(tmp_path, conf.format(secret))
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "name of a file" in said
    assert secret not in said and secret.split("\\n")[0] not in said, said


@pytest.mark.parametrize("url", ["odd://{0}@host:1/x", "{0}@host:1", "ftp://{0}@host/v1/traces", "http://{0}@host:1"])
@pytest.mark.parametrize("option", ["endpoint", "traces_endpoint"])
def test_a_login_in_an_endpoint(tmp_path, option, url):
    done = check(tmp_path, f'exporters = ( {{ type = "otlp_http"; endpoint = "http://h"; }}, {{ type = "otlp_http"; name = "b"; endpoint = "http://h:2"; '
                 f'{"" if option == "endpoint" else option + " = " + json.dumps(url.format("someone:" + PASSWORD)) + ";"} }} );'
                 if option != "endpoint" else
                 f'exporters = ( {{ type = "otlp_http"; endpoint = {json.dumps(url.format("someone:" + PASSWORD))}; }} );')
    said = done.stdout + done.stderr
    assert PASSWORD not in said and "someone:" not in said, said
