# SPDX-License-Identifier: Apache-2.0
"""Senders that mean harm, or that are merely broken: what they cost is bounded, and others are served meanwhile."""
import gzip
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading

import pytest
from ddgate import BINARY, MSGPACK, PATIENCE, SANITIZED, Ddgate, UnixConnection, free_port, grpc
from payloads import span, trace, v04

MIB = 1 << 20


def peak_mib(gate):
    """What the process held at most; nothing is claimed of a sanitizer's memory."""
    if SANITIZED:
        return 0
    for line in pathlib.Path(f"/proc/{gate.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmHWM")


def dial(gate):
    return socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE)


def head(length, more=""):
    return f"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\nContent-Length: {length}\r\n{more}\r\n".encode()


def first_line(connection):
    out = b""
    while b"\r\n" not in out:
        piece = connection.recv(4096)
        if not piece:
            break
        out += piece
    return out.split(b"\r\n")[0]


def test_stuck_uploads_starve_nobody(make_gate, sink):
    """300 uploads of 25 MiB each that stop just before their end."""
    gate = make_gate(receiver={"receive_timeout": "60s"}, exporters=[grpc(sink)], settings={"max_memory": "128MiB"})
    stuck, body, done = [], b"\0" * MIB, threading.Event()

    def upload():
        connection = dial(gate)
        stuck.append(connection)
        try:
            connection.sendall(head(25 * MIB))
            for _ in range(24):
                connection.sendall(body)
        except OSError:
            pass  # refused, or given up for another: both are right

    def uploads():
        for _ in range(100):
            upload()
    threads = [threading.Thread(target=uploads) for _ in range(3)]
    for t in threads:
        t.start()
    served = 0
    while any(t.is_alive() for t in threads):
        answer = gate.put("/v0.4/traces", v04([span()]))
        assert answer.status in (200, 429), answer
        served += answer.status == 200
        done.wait(0.01)
    for t in threads:
        t.join()
    assert served > 0, "small requests are served while the uploads come in"
    for _ in range(20):
        assert gate.put("/v0.4/traces", v04(trace(100))).status == 200, "and after it"
    assert peak_mib(gate) < 128 + 32
    for connection in stuck:
        connection.close()


@pytest.mark.parametrize("length", [26 * MIB, 1 << 32, (1 << 64) - 1, 1 << 80])
def test_a_claimed_length_is_refused_before_it_is_sent(gate, length):
    for more in ("", "Expect: 100-continue\r\n"):
        with dial(gate) as connection:
            connection.sendall(head(length, more))
            assert first_line(connection).startswith(b"HTTP/1.1 413"), length
    assert peak_mib(gate) < 100


def test_the_refusal_is_seen_by_who_sends_first(make_gate):
    """A client that sends all its body before it listens gets the answer, no reset."""
    gate = make_gate(receiver={"max_body": "1MiB"})
    body = b"\0" * (16 * MIB)
    assert gate.put("/v0.4/traces", body).status == 413
    chunked = b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n"
    assert gate.request("PUT", "/v0.4/traces", chunked, [("Transfer-Encoding", "chunked")]).status == 413


def test_a_claimed_length_costs_nothing(gate):
    """200 connections claim 24 MiB each and send a byte."""
    connections = []
    for _ in range(200):
        connection = dial(gate)
        connection.sendall(head(24 * MIB) + b"\x91")
        connections.append(connection)
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    assert peak_mib(gate) < 100
    for connection in connections:
        connection.close()


def claims():
    """Bodies of a few bytes that claim 2^32 of something, at every place where a count stands."""
    many = [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xc9\xff\xff\xff\xff\x01"]
    for claim in many:
        yield "/v0.4/traces", claim
        yield "/v0.4/traces", b"\x91" + claim
        yield "/v0.4/traces", b"\x91\x91" + claim
        yield "/v0.5/traces", b"\x92" + claim
        yield "/v0.5/traces", b"\x92\x91\xa0" + claim
        yield "/v0.5/traces", b"\x92\x91\xa0\x91\x91\x9c\x00\x00\x00\x01\x01\x00\x01\x01\x00" + claim
        for key in (b"meta", b"metrics", b"meta_struct", b"span_links", b"span_events", b"service", b"nonsense"):
            yield "/v0.4/traces", b"\x91\x91\x81" + bytes([0xa0 + len(key)]) + key + claim


def test_claimed_counts(gate, sink):
    for path, body in claims():
        assert gate.put(path, body).status == 400, body
    for cut in range(1, 60):
        assert gate.put("/v0.4/traces", v04([span()])[:cut]).status == (200 if cut == 0 else 400)
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    sink.wait_spans(1)
    assert peak_mib(gate) < 100


def test_deep_nesting(gate):
    assert gate.put("/v0.4/traces", b"\x91\x91\x81\xa1x" + b"\x91" * (8 * MIB)).status == 400
    assert gate.put("/v0.4/traces", b"[" * (8 * MIB), {"Content-Type": "application/json"}).status == 400
    assert gate.put("/v0.4/traces", b'[[{"x":' + b'{"a":' * (2 * MIB), {"Content-Type": "application/json"}).status == 400


def test_many_empty_spans(make_gate):
    """A byte of body that costs hundreds in memory, twenty million times."""
    gate = make_gate(settings={"max_memory": "256MiB"})
    n = 20_000_000
    for one in (b"\x80", b"\xc0", b"\x90"):
        answer = gate.put("/v0.4/traces", b"\x91\xdd" + struct.pack(">I", n) + one * n)
        assert answer.status in (200, 400, 413), answer
    assert gate.put("/v0.4/traces", b"\xdd" + struct.pack(">I", n) + b"\x90" * n).status in (200, 400, 413)
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    assert peak_mib(gate) < 300


def test_slow_body(make_gate):
    gate = make_gate(receiver={"receive_timeout": "300ms"})
    with dial(gate) as connection:
        connection.sendall(head(1000) + b"\x91")
        assert first_line(connection).startswith(b"HTTP/1.1 408")
    assert gate.put("/v0.4/traces", v04([span()])).status == 200


def test_bombs_cost_what_is_allowed(make_gate):
    gate = make_gate(receiver={"max_inflated": "8MiB"})
    bomb = gzip.compress(gzip.compress(b"\0" * (256 * MIB)))
    assert gate.put("/v0.4/traces", gzip.decompress(bomb), {**MSGPACK, "Content-Encoding": "gzip"}).status == 413
    assert peak_mib(gate) < 100


def test_a_body_of_one_byte_chunks(gate):
    with dial(gate) as connection:
        try:
            connection.sendall(b"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\n\x91\r\n" * 100_000)
        except OSError:
            pass
        assert first_line(connection).startswith(b"HTTP/1.1 400")


def test_requests_under_way_are_answered_at_the_end(make_gate, sink):
    gate, s = make_gate(exporters=[grpc(sink)]), span()
    body = v04([s])
    with dial(gate) as connection:
        connection.sendall(head(len(body), "Expect: 100-continue\r\n"))
        assert first_line(connection).startswith(b"HTTP/1.1 100")
        gate.signal(signal.SIGTERM)
        gate.wait_stderr("stopping")
        connection.sendall(body)
        assert first_line(connection).startswith(b"HTTP/1.1 200")
    gate.process.wait(PATIENCE)  # a second SIGTERM would hurry it
    gate.stop()
    assert [x.span_id for x in sink.spans] == [f"{s['span_id']:016x}"]


def test_a_socket_that_nobody_answers_on_is_replaced(make_gate, tmp_path):
    path = tmp_path / "apm.socket"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    gate = make_gate(receiver={"socket": str(path)})
    assert path.stat().st_mode & 0o777 == 0o722
    connection = UnixConnection(path, PATIENCE)
    assert gate.put("/v0.4/traces", v04([span()]), connection=connection).status == 200
    connection.close()
    other = subprocess.run([BINARY, "-c", _conf(tmp_path, path)], capture_output=True, text=True, timeout=PATIENCE)
    assert other.returncode == 2 and str(path) in other.stderr and "taken" in other.stderr
    assert gate.put("/v0.4/traces", v04([span()]), connection=UnixConnection(path, PATIENCE)).status == 200
    gate.stop()
    assert not path.exists()


def _conf(folder, path):
    conf = folder / "other.conf"
    conf.write_text(f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{free_port()}" ]; socket = "{path}"; }} );\n')
    return str(conf)


@pytest.mark.skipif(os.geteuid() != 0 or not pathlib.Path("/sys/fs/cgroup").exists(), reason="making a cgroup takes root")
def test_the_container_of_a_peer_without_headers(make_gate, sink, tmp_path):
    """Over the Unix socket the kernel says who is there, and its cgroup in which container."""
    gate, s = make_gate(uds=True, exporters=[grpc(sink)]), span()
    container = "0123456789abcdef" * 4
    root = next((pathlib.Path(line.split()[1]) for line in open("/proc/mounts") if line.split()[2].startswith("cgroup")), None)
    folder = root / "docker" / container if root else None
    try:
        folder.mkdir(parents=True)
        (folder / "cgroup.procs").write_text(str(os.getpid()))
    except (OSError, AttributeError) as e:
        pytest.skip(f"no cgroup can be made here: {e}")
    try:
        assert gate.put("/v0.4/traces", v04([s]), transport="uds").status == 200
        sink.wait_spans(1)
        assert sink.spans[0].resource["container.id"] == container
    finally:
        (root / "cgroup.procs").write_text(str(os.getpid()))
        folder.rmdir()


def test_defaults_that_are_taken_are_warnings(tmp_path):
    """Alone, ddgate wants four ports and a socket, and takes what it gets."""
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", 9529))
            other.listen()
        except OSError:
            pass  # somebody has it: as good
        gate = Ddgate(tmp_path, args=[])
        gate.port = 8126
        gate.wait_stderr("DD_TRACE_AGENT_PORT=8126")
        assert "warning: 127.0.0.1:9529 is taken" in gate.stderr
        gate.stop()
