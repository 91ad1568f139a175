# SPDX-License-Identifier: Apache-2.0
"""Listeners beyond loopback: who is let in, and what is said of a listener that lets everybody in."""
import re
import subprocess

import pytest
from ddgate import BINARY, MSGPACK, conf_value, free_port, grpc
from payloads import span, v04
from test_intake import arrived

OLD, NEW = "old-token-0123456789abcdef", "new-token-0123456789abcdef"


def bearer(token):
    return {**MSGPACK, "Authorization": f"Bearer {token}"}


def check(tmp_path, receiver):
    """`ddgate check` of one receiver: exit code and words."""
    path = tmp_path / "check.conf"
    path.write_text(f'receivers = ( {conf_value({"type": "ddtrace", "socket": "", **receiver})} );\n')
    done = subprocess.run([BINARY, "check", "-c", path], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def guarded(make_gate, sink):
    """Asks for one of two tokens over TCP, and for nothing on its socket."""
    return make_gate(receiver={"auth": {"token": "${env:OLD}, ${env:NEW}"}}, env={"OLD": OLD, "NEW": NEW}, uds=True, exporters=[grpc(sink)])


@pytest.mark.parametrize("headers", [bearer(OLD), bearer(NEW), {**MSGPACK, "DD-API-KEY": NEW}, {**MSGPACK, "x-api-key": OLD}])
def test_a_token_lets_in(guarded, sink, headers):
    s = span()
    assert guarded.put("/v0.4/traces", v04([s]), headers).status == 200
    arrived(sink, s)


@pytest.mark.parametrize("headers, status, challenge", [
    (MSGPACK, 401, 'Bearer realm="ddgate"'), (bearer("guess"), 401, 'Bearer realm="ddgate", error="invalid_token"'),
    ({**MSGPACK, "Authorization": f"Basic {OLD}"}, 401, 'Bearer realm="ddgate", error="invalid_token"'),
    ({**MSGPACK, "DD-API-KEY": "guess"}, 403, None)])
def test_no_token_keeps_out(guarded, sink, headers, status, challenge):
    """Before the body is read: a request that only announces its body gets its answer, and its connection ends."""
    connection = guarded.connection()
    connection.putrequest("PUT", "/v0.4/traces")
    for name, value in {**headers, "Content-Length": "1000000"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    words = answer.read().decode()
    assert (answer.status, answer.getheader("WWW-Authenticate"), answer.getheader("Connection")) == (status, challenge, "close")
    assert re.search("token|key", words) and OLD not in words
    for path in ("/info", "/nonsense"):
        assert guarded.request("GET", path, headers=headers).status == status, "nothing is told to strangers"
    s = span()
    assert guarded.put("/v0.4/traces", v04([s]), transport="uds").status == 200
    arrived(sink, s)
    assert len(sink.spans) == 1
    assert OLD not in guarded.stderr and NEW not in guarded.stderr


def test_a_public_listener_is_warned_of(tmp_path, make_gate, sink):
    port = free_port()
    warning = f'"0.0.0.0:{port}" can be reached from other machines, and whoever reaches it may send: set auth.token'
    code, words = check(tmp_path, {"listen": [f"0.0.0.0:{port}"]})
    assert code == 0 and re.search(r"check\.conf:1: .*warning: " + re.escape(warning), words), words
    gate = make_gate(receiver={"listen": [f"0.0.0.0:{port}"]}, port=port, exporters=[grpc(sink)])
    gate.wait_stderr(warning)
    for good in ({"listen": ["127.0.0.1:0", "[::1]:0"]}, {"listen": [], "socket": str(tmp_path / "x.socket")}):
        assert check(tmp_path, good) == (0, "")


def test_tokens_are_checked(tmp_path):
    code, words = check(tmp_path, {"listen": ["127.0.0.1:0"], "auth": {"token": "hunter2"}})
    assert code == 0 and "auth.token: warning: token 1 is shorter than 16 characters" in words and "hunter" not in words
    code, words = check(tmp_path, {"listen": ["127.0.0.1:0"], "auth": {"token": f"{OLD} caf\u00e9-{NEW}"}})
    assert code == 2 and "token 2 has characters" in words and NEW not in words
