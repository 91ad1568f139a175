# SPDX-License-Identifier: Apache-2.0
"""Listeners beyond loopback: who is let in, and what is said of a listener that lets everybody in."""
import http.client
import os
import re
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import certs
import pytest
from ddgate import BINARY, MSGPACK, PATIENCE, ROOT, conf_value, free_port, grpc
from payloads import span, trace, v04
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
    warning = f'"0.0.0.0:{port}" can be reached from other machines, which may send anything: set auth.token'
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


# TLS

def issued(issued_, **more):
    return {"cert": str(issued_.cert_path), "key": str(issued_.key_path), **more}


def trusting(authority, client=None, version=None):
    context = ssl.create_default_context(cafile=authority.path)
    if client:
        context.load_cert_chain(client.cert_path, client.key_path)
    if version:
        context.minimum_version = context.maximum_version = version
    return context


def https(gate, context):
    return http.client.HTTPSConnection("localhost", gate.port, timeout=PATIENCE, context=context)


@pytest.fixture
def secure(make_gate, sink, authority):
    return make_gate(receiver={"tls": issued(authority.issue("server"))}, uds=True, exporters=[grpc(sink)])


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls(secure, sink, authority, version):
    """Requests of one byte and of megabytes on one connection; the socket next to it is plain."""
    connection = https(secure, trusting(authority, version=version))
    small, large, local = span(), trace(20000), span()
    assert secure.put("/v0.4/traces", v04([small]), connection=connection).status == 200
    version_line = connection.sock.version()
    assert secure.put("/v0.4/traces", v04(large), connection=connection).status == 200
    assert secure.request("GET", "/info", connection=connection).status == 200
    assert secure.put("/v0.4/traces", v04([local]), transport="uds").status == 200
    arrived(sink, small, local, *large)
    assert version_line == {ssl.TLSVersion.TLSv1_2: "TLSv1.2", ssl.TLSVersion.TLSv1_3: "TLSv1.3"}[version]
    assert f"listening on 127.0.0.1:{secure.port}, TLS" in secure.stderr


def test_tls_answers_early(secure, authority):
    """What is refused before its body has come is refused over TLS too."""
    connection = https(secure, trusting(authority))
    connection.putrequest("PUT", "/v0.4/traces")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders(b"\x91")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (413, b"payload-too-large\n")


def test_tls_asks_for_a_token(make_gate, sink, authority):
    gate = make_gate(receiver={"tls": issued(authority.issue("server")), "auth": {"token": OLD}}, exporters=[grpc(sink)])
    s = span()
    assert gate.put("/v0.4/traces", v04([span()]), connection=https(gate, trusting(authority))).status == 401
    assert gate.put("/v0.4/traces", v04([s]), bearer(OLD), connection=https(gate, trusting(authority))).status == 200
    arrived(sink, s)
    assert len(sink.spans) == 1


def refused(gate, context):
    """What becomes of a request on a connection of its own; TLS 1.3 tells a client that it is refused only when it reads."""
    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)) as caught:
        gate.put("/v0.4/traces", v04([span()]), connection=https(gate, context))
    return caught.value


def test_clients_show_certificates(make_gate, sink, authority, tmp_path):
    (tmp_path / "other").mkdir()
    other = certs.Authority(tmp_path / "other")
    gate = make_gate(receiver={"tls": issued(authority.issue("server"), client_ca=str(authority.path))}, exporters=[grpc(sink)])
    s = span()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        refused(gate, trusting(authority, version=version))
        refused(gate, trusting(authority, other.issue("client"), version))
        refused(gate, trusting(authority, authority.issue("late", days=-1), version))
    for words in ("No certificate was found", "The signature in the certificate is invalid", "The certificate chain uses expired certificate"):
        gate.wait_stderr("TLS handshake failed: ")
        gate.wait_stderr(words)
    assert gate.put("/v0.4/traces", v04([s]), connection=https(gate, trusting(authority, authority.issue("client")))).status == 200
    arrived(sink, s)
    assert len(sink.spans) == 1


def shown(gate, authority):
    """Common name of the certificate that a new connection is shown."""
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as plain:
        with trusting(authority).wrap_socket(plain, server_hostname="localhost") as wrapped:
            return dict(pair for rdn in wrapped.getpeercert()["subject"] for pair in rdn)["commonName"]


def test_a_renewed_certificate_is_used(make_gate, sink, authority, tmp_path):
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"

    def install(issued_):
        for source, target in ((issued_.key_path, key), (issued_.cert_path, cert)):
            fresh = tmp_path / "fresh"
            fresh.write_bytes(source.read_bytes())
            fresh.replace(target)
    first, second = authority.issue("first"), authority.issue("second")
    install(first)
    gate = make_gate(receiver={"tls": {"cert": str(cert), "key": str(key)}}, exporters=[grpc(sink)])
    kept, s = https(gate, trusting(authority)), span()
    assert gate.put("/v0.4/traces", v04([span()]), connection=kept).status == 200
    assert shown(gate, authority) == "first"
    key.write_bytes(second.key)  # one of the two only
    gate._until(lambda: shown(gate, authority) == "first" and "the previous certificate stays in use" in gate.stderr, "no word of the broken pair")
    assert f"{key} is not the key of the certificate in {cert}" in gate.stderr
    install(second)
    gate._until(lambda: shown(gate, authority) == "second", "the renewed certificate is not shown")
    assert "new connections use another certificate: CN=second, valid until" in gate.stderr
    assert gate.put("/v0.4/traces", v04([s]), connection=kept).status == 200, "open connections go on"
    arrived(sink, s)


def test_http_on_a_tls_port(secure):
    answer = secure.request("GET", "/info")
    assert (answer.status, answer.body) == (400, b"TLS is spoken here: write https:// in the URL\n")


def test_tls_on_a_plain_port(gate, authority):
    """Closed by the gateway, long before its idle_timeout."""
    began = time.monotonic()
    with pytest.raises((ssl.SSLError, OSError)) as caught:
        gate.put("/v0.4/traces", v04([span()]), connection=https(gate, trusting(authority)))
    assert not isinstance(caught.value, TimeoutError)
    assert time.monotonic() - began < PATIENCE / 2


def cpu_seconds(gate):
    """Used by the process so far."""
    fields = Path(f"/proc/{gate.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_handshake_that_stands_still(make_gate, sink, authority):
    """Silence, half a record, garbage: none keeps its connection, and others are served meanwhile."""
    gate = make_gate(receiver={"tls": issued(authority.issue("server")), "receive_timeout": "1s"}, exporters=[grpc(sink)])
    began = cpu_seconds(gate)
    stuck = []
    for said in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x40\x00" + bytes(100), b"\x00" * 4096, b"\x16\xff\xff\xff\xff" * 100):
        stuck.append(socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE))
        stuck[-1].sendall(said)
    s = span()
    assert gate.put("/v0.4/traces", v04([s]), connection=https(gate, trusting(authority))).status == 200
    for connection in stuck:
        try:
            while connection.recv(4096):  # an alert
                pass
        except ConnectionResetError:
            pass
        connection.close()
    arrived(sink, s)
    assert cpu_seconds(gate) - began < 0.5, "waiting for a client costs nothing"


@pytest.mark.parametrize("version, words", [(ssl.TLSVersion.TLSv1_2, "the client says: CA is unknown"),
                                            (ssl.TLSVersion.TLSv1_3, "most likely because it does not trust the certificate")])
def test_a_client_that_does_not_trust(secure, version, words):
    """The most usual trouble with TLS, in the gateway's words."""
    context = ssl.create_default_context()
    context.maximum_version = version
    assert isinstance(refused(secure, context), ssl.SSLCertVerificationError)
    secure.wait_stderr("TLS handshake failed: ")
    secure.wait_stderr(words)


def test_answers_that_are_not_read(secure, authority):
    """More of them than TCP and the pair hold; when the client reads at last, all are there."""
    asked = 4000
    with socket.create_connection(("127.0.0.1", secure.port), timeout=PATIENCE) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        with trusting(authority).wrap_socket(plain, server_hostname="localhost") as client:
            sender = threading.Thread(target=client.sendall, args=(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n" * asked,))
            sender.start()
            assert secure.request("GET", "/info", connection=https(secure, trusting(authority))).status == 200, "others are served"
            seen = b""
            while seen.count(b"HTTP/1.1 200 OK") < asked:
                data = client.recv(1 << 16)
                assert data, f"closed after {seen.count(b'HTTP/1.1 200 OK')} answers"
                seen += data
            sender.join()


def test_tls_files_are_checked(tmp_path, authority):
    (tmp_path / "other").mkdir()
    one, two, late = authority.issue("one"), authority.issue("two"), authority.issue("late", days=-3)
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    cases = [
        ({"cert": str(one.cert_path)}, "receivers[0].tls: wants both cert and key: key is missing"),
        ({"client_ca": str(authority.path)}, "tls: wants both cert and key: cert is missing"),
        (issued(one, cert="/nowhere.pem"), "tls.cert: /nowhere.pem cannot be read: No such file or directory"),
        (issued(one, key=str(tmp_path)), f"tls.key: {tmp_path} is not a file of at most 1 MiB"),
        (issued(one, cert=str(empty)), f"tls.cert: {empty} holds no certificate chain in PEM form"),
        (issued(one, key=str(one.cert_path)), f"tls.key: {one.cert_path} holds no private key in PEM form without a passphrase"),
        (issued(one, key=str(two.key_path)), f"tls.key: {two.key_path} is not the key of the certificate in {one.cert_path}"),
        (issued(one, client_ca=str(empty)), f"tls.client_ca: {empty} holds no certificate in PEM form"),
    ]
    for tls, words in cases:
        code, said = check(tmp_path, {"listen": ["127.0.0.1:0"], "tls": tls})
        assert code == 2 and words in said, said
        assert "PRIVATE" not in said
    code, said = check(tmp_path, {"listen": ["127.0.0.1:0"], "tls": issued(late)})
    assert code == 0 and "tls.cert: warning: the certificate of CN=late expired on" in said, said


def test_what_a_public_listener_lacks(tmp_path, authority):
    one = authority.issue("one")
    public = {"listen": ["127.0.0.1:0", "0.0.0.0:0"]}
    for more, words in (({}, "set auth.token with tls.cert and tls.key, or tls.client_ca with them"),
                        ({"auth": {"token": OLD}}, "the token goes there in clear text: set tls.cert and tls.key"),
                        ({"tls": issued(one)}, "set auth.token or tls.client_ca")):
        code, said = check(tmp_path, {**public, **more})
        assert code == 0 and said.count("warning") == 1 and words in said, said
    assert check(tmp_path, {**public, "tls": issued(one), "auth": {"token": OLD}}) == (0, "")
    assert check(tmp_path, {**public, "tls": issued(one, client_ca=str(authority.path))}) == (0, "")


def test_receivers_on_one_address_agree(tmp_path, authority):
    """The second would be plain where the first has TLS."""
    port = free_port()
    rows = [{"type": "ddtrace", "socket": "", "listen": [f"127.0.0.1:{port}"], **more}
            for more in ({"tls": issued(authority.issue("one"))}, {})]
    path = tmp_path / "two.conf"
    path.write_text(f"receivers = {conf_value(tuple(rows))};\n")
    done = subprocess.run([BINARY, "-c", path], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.returncode == 2
    assert f"receivers[1].listen: 127.0.0.1:{port}: another receiver listens there with other tls options" in done.stderr


# Limits of an address

def from_(gate, address):
    return http.client.HTTPConnection("127.0.0.1", gate.port, timeout=PATIENCE, source_address=(address, 0))


def info(gate, address="127.0.0.1", connection=None):
    return gate.request("GET", "/info", connection=connection or from_(gate, address))


def test_connections_of_one_address(make_gate, sink):
    gate = make_gate(receiver={"peer": {"connections": 2, "local": True}}, uds=True, exporters=[grpc(sink)])
    gate._until(lambda: info(gate).status == 200, "the probe for its start still counts as a connection")
    held = [from_(gate, "127.0.0.3"), from_(gate, "127.0.0.3")]
    assert [info(gate, connection=c).status for c in held] == [200, 200]
    third = info(gate, "127.0.0.3")
    assert (third.status, third.headers["retry-after"]) == (429, "1")
    assert b"this address has sent too much" in third.body
    gate.wait_stderr("answered 429: this address has sent too much")
    assert info(gate, "127.0.0.2").status == 200
    assert all(gate.request("GET", "/info", transport="uds").status == 200 for _ in range(5))
    held[0].close()
    gate._until(lambda: info(gate, "127.0.0.3").status == 200, "a closed connection's place stays taken")
    assert info(gate, connection=held[1]).status == 200


def test_requests_of_one_address(make_gate, sink):
    gate = make_gate(receiver={"peer": {"requests": 1, "burst": 3, "local": True}}, uds=True, exporters=[grpc(sink)])
    kept = from_(gate, "127.0.0.3")
    assert [gate.put("/v0.4/traces", v04([span()]), connection=kept).status for _ in range(4)] == [200, 200, 200, 429]
    over = info(gate, "127.0.0.3")
    assert (over.status, over.headers["retry-after"], over.headers["connection"]) == (429, "1", "close")
    assert info(gate, "127.0.0.2").status == 200
    assert all(gate.request("GET", "/info", transport="uds").status == 200 for _ in range(9))
    gate._until(lambda: info(gate, "127.0.0.3").status == 200, "no token comes back")


def test_loopback_is_not_bounded(make_gate, sink):
    gate = make_gate(receiver={"peer": {"connections": 1, "requests": 1}}, exporters=[grpc(sink)])
    held = [from_(gate, "127.0.0.3") for _ in range(5)]
    assert [info(gate, connection=c).status for c in held + held] == [200] * 10


def test_handshakes_count_as_requests(make_gate, sink, authority):
    gate = make_gate(receiver={"peer": {"requests": 1, "burst": 2, "local": True}, "tls": issued(authority.issue("server"))},
                     exporters=[grpc(sink)])
    gate._until(lambda: "listening" in gate.stderr, "it does not start")
    codes = []
    for _ in range(4):
        connection = http.client.HTTPSConnection("localhost", gate.port, timeout=PATIENCE, context=trusting(authority),
                                                 source_address=("127.0.0.9", 0))
        try:
            codes.append(info(gate, connection=connection).status)
        except OSError:
            codes.append("closed")
    assert codes[0] == 200 and codes[1:3] == ["closed", "closed"]


@pytest.mark.parametrize("file", sorted((ROOT / "examples" / "kubernetes").glob("*.yaml")), ids=lambda f: f.stem)
def test_examples_are_right(tmp_path, file):
    """The configuration inside a manifest is one that ddgate takes."""
    text = re.search(r"  ddgate\.conf: \|\n((?:    .*\n)+)", file.read_text())[1]
    (tmp_path / "ddgate.conf").write_text(text)
    done = subprocess.run([BINARY, "check", "-c", tmp_path / "ddgate.conf"], capture_output=True, text=True, check=False,
                          env={"NODE_NAME": "node-1"})
    assert "ddgate.conf: ok" in done.stdout and "ddtrace" in done.stdout, done.stderr
