# SPDX-License-Identifier: Apache-2.0
"""tcp, udp, unix, syslog and stdin receivers with real senders: every record arrives once, as it was sent, and the ledger balances."""
import contextlib
import socket
import struct
import time

import pytest

from ddgate import Ddgate, conf_value, free_port
from log_sink import LogSink

PLAIN = {"parse": "none"}


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


@contextlib.contextmanager
def gateway(directory, sink, *receivers, settings=None, **options):
    """A running gateway with these receivers, which must end well."""
    exporter = {"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", **options}
    rows = {"receivers": receivers, "exporters": (exporter,), **(settings or {})}
    with Ddgate(directory, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items())) as gate:
        yield gate


def tcp(port, **options):
    return {"type": "tcp", "listen": [f"127.0.0.1:{port}"], **PLAIN, **options}


def dial(port):
    return socket.create_connection(("127.0.0.1", port))


def reset(connection):
    """Closes with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def test_lines_over_tcp(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port, service="demo")) as gate:
        before = time.time_ns()
        with dial(port) as s:
            s.sendall(b"one\ntwo\r\nthree\0\n\nhalf")
            mine = s.getsockname()
            s.sendall(b" and half\n12 <13>octets\n 5 words\nno end")
        records = sink.wait_records(7)
        assert [r.body for r in records] == ["one", "two", "three", "half and half", "<13>octets\n ", "5 words", "no end"]
        assert {r.resource["service.name"] for r in records} == {"demo"}
        assert {r.attributes["client.address"] for r in records} == {"127.0.0.1"}
        assert {r.attributes["client.port"] for r in records} == {mine[1]}
        assert all(before <= r.observed <= time.time_ns() for r in records)
        assert not any("log.record.incomplete" in r.attributes for r in records)
        assert records[0].attributes["datadog.log.source"] == "tcp"
        assert records[0].resource["host.name"]  # it came from this machine
    assert gate.ledger.exporter("sink", "logs") == {"sent": 7}


def test_what_a_reset_cuts_is_marked(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port)):
        s = dial(port)
        s.sendall(b"whole\ncut in the mid")
        sink.wait_records(1)
        reset(s)
        records = sink.wait_records(2)
        assert records[1].body == "cut in the mid"
        assert records[1].attributes["log.record.incomplete"] == "reset"
        with dial(port) as s:
            s.sendall(b"20 <13>too short")
        assert sink.wait_records(3)[2].attributes["log.record.incomplete"] == "end"


def test_long_lines_are_cut_and_say_so(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port, max_line="1KiB")):
        with dial(port) as s:
            s.sendall(b"x" * 5000 + b"\n" + b"y" * 1024 + b"\n")
        long, fits = sink.wait_records(2)
        assert (long.body, long.attributes["log.record.truncated_bytes"]) == ("x" * 1024, 5000 - 1024)
        assert fits.body == "y" * 1024 and "log.record.truncated_bytes" not in fits.attributes


def test_a_backend_that_stands_still_stops_writers_and_loses_nothing(tmp_path, sink):
    """What the queue and the sockets' buffers cannot hold stays with the sender, who goes on when there is room again."""
    port, lines = free_port(), 200_000
    sink.hold()
    with gateway(tmp_path, sink, tcp(port), queue_size="2MiB") as gate:
        with dial(port) as s:
            s.settimeout(1)
            text = b"".join(b"%07d %s\n" % (i, b"x" * 100) for i in range(lines))
            sent = 0
            with pytest.raises(TimeoutError):  # it is not read any more
                while sent < len(text):
                    sent += s.send(text[sent:sent + 65536])
            assert sent < len(text)
            sink.release()
            s.settimeout(60)
            s.sendall(text[sent:])
        sink.wait_records(lines, timeout=60)
        assert sorted(int(b[:7]) for b in sink.bodies) == list(range(lines))
    assert gate.ledger.intake("logs")["accepted"] == gate.ledger.intake("logs")["received"] == lines


def test_what_has_come_is_read_at_a_stop(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port)) as gate:
        with dial(port) as s:
            s.sendall(b"".join(b"line %d\n" % i for i in range(20_000)) + b"last without an end")
            gate.stop()
    torn = [r for r in sink.records if "log.record.incomplete" in r.attributes]
    assert [(r.body, r.attributes["log.record.incomplete"]) for r in torn] == [("last without an end", "stop")]
    assert sorted(b for b in sink.bodies if b != torn[0].body) == sorted(f"line {i}" for i in range(20_000))


def test_addresses_that_cannot_be(tmp_path):
    """Every mistake is said, with its place."""
    conf = tmp_path / "wrong.conf"
    conf.write_text('receivers = (\n'
                    '  { type = "tcp"; listen = [ "/run/x.socket" ]; },\n'
                    '  { type = "tcp"; listen = [ "127.0.0.1:0" ]; tls = { cert = "/nowhere.pem"; }; }\n'
                    ');\n')
    gate = Ddgate(tmp_path, args=["check", "-c", str(conf)])
    assert gate.process.wait(10) == 2
    assert 'wrong.conf:2: receivers[0].listen: "/run/x.socket" is not host:port' in gate.stderr
    assert "wrong.conf:3: receivers[1].tls: wants both cert and key" in gate.stderr


def test_reachable_addresses_are_warned_of(tmp_path):
    conf = tmp_path / "open.conf"
    conf.write_text('receivers = ( { type = "tcp"; listen = [ ":0" ]; } );\n')
    gate = Ddgate(tmp_path, args=["check", "-c", str(conf)])
    assert gate.process.wait(10) == 0
    assert gate.stderr.count("can be reached from other machines, and whoever reaches it may send: set tls.client_ca") == 1
