# SPDX-License-Identifier: Apache-2.0
"""SIGHUP and admin.listen: the new address answers before the old one is closed, a mistake changes nothing, and who is being answered is."""
import http.client
import signal
import socket

import pytest
from ddgate import PATIENCE, conf_value, free_port, grpc
from test_reload import replace


def conf_of(gate_port, sink, admin):
    rows = {"receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{gate_port}"], "socket": ""},), "exporters": (grpc(sink),),
            "admin": {} if admin is None else {"listen": admin}}
    return "".join(f"{key} = {conf_value(v)};\n" for key, v in rows.items())


class Bed:
    def __init__(self, make_gate, sink, admin):
        self.sink, self.port = sink, free_port()
        self.gate = make_gate(conf=conf_of(self.port, sink, admin), port=self.port)

    def reload(self, admin, said="was read again: exporters"):
        before = self.gate.stderr.count(said)
        replace(self.gate, conf_of(self.port, self.sink, admin))
        self.gate.signal(signal.SIGHUP)
        self.gate._until(lambda: self.gate.stderr.count(said) > before, f"{said!r} is not said")


def connection(port, host="127.0.0.1"):
    return http.client.HTTPConnection(host, port, timeout=PATIENCE)


def health(c):
    c.request("GET", "/healthz")
    answer = c.getresponse()
    answer.read()
    return answer.status, answer.headers["connection"]


def refuses(port):
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
    return True


def test_it_moves_and_moves_back(make_gate, sink):
    one, two = free_port(), free_port()
    bed = Bed(make_gate, sink, f"127.0.0.1:{one}")
    for at, gone in ((two, one), (one, two), (two, one)):
        kept = connection(gone)
        assert health(kept) == (200, None)
        bed.reload(f"127.0.0.1:{at}")
        assert health(connection(at)) == (200, None) and refuses(gone)
        assert health(kept) == (200, "close")  # its connection is answered still


def test_an_address_of_both_is_never_closed(make_gate, sink):
    """127.0.0.1 is one of those that localhost means."""
    port = free_port()
    bed = Bed(make_gate, sink, f"127.0.0.1:{port}")
    for listen in (f"localhost:{port}", f"127.0.0.1:{port}", f"localhost:{port}"):
        kept = connection(port)
        assert health(kept) == (200, None)
        bed.reload(listen)
        assert health(connection(port)) == (200, None) and health(kept) == (200, "close")
    bed.reload("")
    assert refuses(port)
    bed.reload(f"127.0.0.1:{port}")
    assert health(connection(port)) == (200, None)


def test_a_mistake_changes_nothing(make_gate, sink):
    port = free_port()
    bed = Bed(make_gate, sink, f"127.0.0.1:{port}")
    kept = connection(port)
    assert health(kept) == (200, None)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        for listen, why in ((f"127.0.0.1:{holder.getsockname()[1]}", "is taken"), ("nowhere", "is not an address")):
            bed.reload(listen, said="nothing was changed")
            assert f"admin.listen: " in bed.gate.stderr and why in bed.gate.stderr
            assert health(kept) == (200, None) and health(connection(port)) == (200, None)


def test_the_default_that_is_taken_is_a_warning(make_gate, sink):
    port = free_port()
    bed = Bed(make_gate, sink, f"127.0.0.1:{port}")
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            holder.bind(("127.0.0.1", 8127))
            holder.listen()
        except OSError:
            pass  # somebody has it already
        bed.reload(None)
        bed.gate.wait_stderr("so there is no /metrics here")  # warnings follow the line on which reload waits
        assert refuses(port)
    bed.reload(f"127.0.0.1:{port}")
    assert health(connection(port)) == (200, None)


def test_a_socket_file_goes_with_its_listener(make_gate, sink, tmp_path):
    one, two = tmp_path / "one.sock", tmp_path / "two.sock"
    bed = Bed(make_gate, sink, str(one))
    bed.reload(str(two))
    assert two.exists() and not one.exists()
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(str(two))
        s.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200")
    bed.gate.stop()
    assert not two.exists()
