# SPDX-License-Identifier: Apache-2.0
"""Senders of log streams that are broken or mean harm: the process lives, memory stays bounded, others are served, the ledger balances."""
import random
import socket
import ssl
import threading

import certs
import pytest

from ddgate import SANITIZED, free_port
from log_sink import LogSink
from test_log_streams import dial, gateway, reset, tcp

MIB = 1 << 20
ROOM = 150 * MIB  # docs/threat-model.md


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


def memory(gate):
    """Peak resident bytes."""
    with open(f"/proc/{gate.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def assert_serves(sink, port, text):
    with dial(port) as s:
        s.sendall(text.encode() + b"\n")
    sink.wait(lambda k: text in k.bodies, f"a record {text!r}")


def test_an_endless_line(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port)) as gate:
        with dial(port) as s:
            for _ in range(200):
                s.sendall(b"x" * MIB)
            assert_serves(sink, port, "meanwhile")
            s.sendall(b"\nnext\n")
        sink.wait_records(3)
        long = next(r for r in sink.records if len(r.body) > 1000)
        assert (len(long.body), long.attributes["log.record.truncated_bytes"]) == (MIB, 199 * MIB)
        assert "next" in sink.bodies
        assert SANITIZED or memory(gate) < ROOM


def test_many_endless_lines(tmp_path, sink):
    """What no memory is left for is cut off and said so: 300 MiB that nobody ends."""
    port, n = free_port(), 300
    with gateway(tmp_path, sink, tcp(port)) as gate:
        connections = [dial(port) for _ in range(n)]
        for s in connections:
            s.sendall(b"y" * MIB)
        assert_serves(sink, port, "meanwhile")
        for s in connections:
            s.sendall(b"\n")
            s.close()
        records = [r for r in sink.wait_records(n + 1) if r.body != "meanwhile"]
        for r in records:
            assert len(r.body or "") + r.attributes.get("log.record.truncated_bytes", 0) == MIB
        assert any("log.record.truncated_bytes" in r.attributes for r in records)
        assert SANITIZED or memory(gate) < ROOM


@pytest.mark.parametrize("count", ["9223372036854775808", "18446744073709551616", "99999999", "4294967296", "-1", "0"])
def test_claimed_lengths(tmp_path, sink, count):
    """Nothing is allocated for a claim, and what came is there when the connection ends."""
    port = free_port()
    with gateway(tmp_path, sink, tcp(port, framing="octet")) as gate:
        with dial(port) as s:
            s.sendall(count.encode() + b" <13>text")
            assert_serves(sink, port, "meanwhile")
        sink.wait(lambda k: any(b.endswith("<13>text") for b in k.bodies), "the text behind the count")
        assert SANITIZED or memory(gate) < 100 * MIB


def test_slow_senders(tmp_path, sink):
    """A byte at a time, from many at once."""
    port, n, text = free_port(), 200, b"slowly\n"
    with gateway(tmp_path, sink, tcp(port)):
        connections = [dial(port) for _ in range(n)]
        for byte in text:
            for s in connections:
                s.sendall(bytes([byte]))
        for s in connections:
            s.close()
        assert set(r.body for r in sink.wait_records(n)) == {"slowly"}
        assert len(sink.records) == n


def test_a_thousand_connections(tmp_path, sink):
    port, n = free_port(), 1000
    with gateway(tmp_path, sink, tcp(port)) as gate:
        connections = [dial(port) for _ in range(n)]
        for i, s in enumerate(connections):
            s.sendall(b"%d\n" % i)
        sink.wait_records(n)
        assert sorted(map(int, sink.bodies)) == list(range(n))
        late = dial(port)  # one too many, and none of the others has been idle for long
        assert late.recv(1) == b""
        gate.wait_stderr("there are as many as connections, peer.connections or max_memory allow")
        for s in connections:
            s.sendall(b"again\n")
            s.close()
        sink.wait_records(2 * n)
        assert SANITIZED or memory(gate) < ROOM


def test_one_address_has_its_bound(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port, peer={"connections": 2, "local": True})):
        first, second, third = dial(port), dial(port), dial(port)
        first.sendall(b"one\n")
        second.sendall(b"two\n")
        assert third.recv(1) == b""
        first.close()
        assert sorted(r.body for r in sink.wait_records(2)) == ["one", "two"]
        second.close()
        sink.wait(lambda _: connects(port), "a place")


def connects(port):
    """Is a connection kept?"""
    with dial(port) as s:
        s.settimeout(0.2)
        try:
            return s.recv(1) != b""
        except TimeoutError:
            return True
        except ConnectionResetError:
            return False


def test_garbage(tmp_path, sink):
    """Any bytes: every byte that is no end of a line stands in some record."""
    port, rng = free_port(), random.Random(7)
    blobs = [rng.randbytes(rng.randrange(1, 20_000)) for _ in range(50)]
    with gateway(tmp_path, sink, tcp(port, multiline="none")) as gate:
        for blob in blobs:
            with dial(port) as s:
                s.sendall(blob)
        assert_serves(sink, port, "the end")
        gate.stop()
    want = sum(1 for blob in blobs for line in blob.replace(b"\0", b"\n").split(b"\n") if line.rstrip(b"\r\n\0"))
    assert len(sink.records) == want + 1
    assert gate.ledger.exporter("sink", "logs") == {"sent": want + 1}


def test_resets_in_the_middle(tmp_path, sink):
    port, n = free_port(), 100
    with gateway(tmp_path, sink, tcp(port)) as gate:
        for i in range(n):
            s = dial(port)
            s.sendall(b"whole %d\npart %d" % (i, i))
            sink.wait(lambda k, i=i: f"whole {i}" in k.bodies, f"record {i}")
            reset(s)
        records = sink.wait_records(2 * n)
        assert sum("log.record.incomplete" in r.attributes for r in records) == n
    assert gate.ledger.exporter("sink", "logs") == {"sent": 2 * n}


def test_idle_connections_end(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port, idle_timeout="1s")):
        with dial(port) as s:
            s.settimeout(20)
            s.sendall(b"and then noth")
            assert s.recv(1) == b""
        r = sink.wait_records(1)[0]
        assert (r.body, r.attributes["log.record.incomplete"]) == ("and then noth", "timeout")


def test_syslog_garbage(tmp_path, sink):
    """Messages with all kinds of damage, over UDP and TCP: each is a record."""
    port, udp_port, rng = free_port(), free_port(), random.Random(11)
    message = b'<34>1 2003-10-11T22:14:15.003Z host app 1 ID47 [x@1 a="b" c="d\\]"][y] text of it'
    damaged = []
    for _ in range(1000):
        m = bytearray(message)
        for _ in range(rng.randrange(1, 6)):
            m[rng.randrange(len(m))] = rng.choice(b'<>[]"\\ =-:.0aZ\xff')
        damaged.append(bytes(m))
    with gateway(tmp_path, sink, {"type": "syslog", "udp": [f"127.0.0.1:{udp_port}"], "tcp": [f"127.0.0.1:{port}"], "multiline": "none",
                                  "parse": "none"}):
        with dial(port) as s:
            s.sendall(b"".join(m + b"\n" for m in damaged))
        sink.wait_records(1000)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for i in range(0, 1000, 10):
                for m in damaged[i:i + 10]:
                    s.sendto(m, ("127.0.0.1", udp_port))
                sink.wait_records(1000 + i + 10)
        assert len(sink.records) == 2000
        assert all(r.body for r in sink.records)


# --- TLS ---

@pytest.fixture
def authority(tmp_path):
    return certs.Authority(tmp_path)


def tls_client(authority, shown=None):
    context = ssl.create_default_context(cadata=authority.cert.decode())
    if shown:
        context.load_cert_chain(shown.cert_path, shown.key_path)
    return context


def test_tls(tmp_path, sink, authority):
    port, server = free_port(), authority.issue("server")
    with gateway(tmp_path, sink, tcp(port, tls={"cert": str(server.cert_path), "key": str(server.key_path)})) as gate:
        with tls_client(authority).wrap_socket(dial(port), server_hostname="localhost") as s:
            s.sendall(b"".join(b"line %d %s\n" % (i, b"x" * 300) for i in range(1000)) + b"the last")
            s.unwrap()
        sink.wait_records(1001)
        assert {b.split(" ")[1] for b in sink.bodies} == {*map(str, range(1000)), "last"}
        with dial(port) as s:
            s.sendall(b"plain text\n")
            assert s.recv(100)[:1] in (b"", b"\x15")  # an alert, or nothing
        gate.wait_stderr("TLS with 127.0.0.1 failed")
        silent = dial(port)  # takes a place, no more
        assert_tls_serves(sink, authority, port, "meanwhile")
        silent.close()
    assert "plain text" not in sink.bodies


def assert_tls_serves(sink, authority, port, text, shown=None):
    with tls_client(authority, shown).wrap_socket(dial(port), server_hostname="localhost") as s:
        s.sendall(text.encode() + b"\n")
    sink.wait(lambda k: text in k.bodies, f"a record {text!r}")


def test_client_certificates(tmp_path, sink, authority):
    port, server, client = free_port(), authority.issue("server"), authority.issue("client")
    tls = {"cert": str(server.cert_path), "key": str(server.key_path), "client_ca": str(authority.path)}
    with gateway(tmp_path, sink, tcp(port, tls=tls)) as gate:
        assert_tls_serves(sink, authority, port, "known", client)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            with tls_client(authority).wrap_socket(dial(port), server_hostname="localhost") as s:
                s.sendall(b"stranger\n")
                s.recv(1)
        gate.wait_stderr("TLS with 127.0.0.1 failed")
    assert sink.bodies == ["known"]


def test_writers_at_once(tmp_path, sink):
    """Many connections write as fast as they can while the queue is small: all of it arrives, each line once."""
    port, writers, lines = free_port(), 20, 5000
    with gateway(tmp_path, sink, tcp(port), queue_size="2MiB") as gate:
        def write(number):
            with dial(port) as s:
                for i in range(0, lines, 100):
                    s.sendall(b"".join(b"%d/%d %s\n" % (number, j, b"z" * 80) for j in range(i, i + 100)))
        threads = [threading.Thread(target=write, args=(w,)) for w in range(writers)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        sink.wait_records(writers * lines, timeout=60)
        assert {b.split(" ")[0] for b in sink.bodies} == {f"{w}/{i}" for w in range(writers) for i in range(lines)}
        assert len(sink.records) == writers * lines
    assert gate.ledger.exporter("sink", "logs") == {"sent": writers * lines}
