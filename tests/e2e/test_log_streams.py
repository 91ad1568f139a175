# SPDX-License-Identifier: Apache-2.0
"""tcp, udp, unix, syslog and stdin receivers with real senders: every record arrives once, as it was sent, and the ledger balances."""
import contextlib
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import time
import urllib.request

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
    exporter = {"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "batch": {"delay": "5ms"}, **options}
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


TRACE = """2026-11-21 08:00:00 ERROR no stock
Traceback (most recent call last):
  File "shop.py", line 26, in order
    raise KeyError("tea")
KeyError: 'tea'"""


def test_stack_traces_are_one_record(tmp_path, sink):
    """Whole at once, in pieces, and at the end of a connection; unless they are not to be joined."""
    port, plain = free_port(), free_port()
    with gateway(tmp_path, sink, tcp(port), tcp(plain, multiline="none", source="plain")):
        with dial(port) as s:
            s.sendall(f"before\n{TRACE}\nafter\n".encode())
            assert [r.body for r in sink.wait_records(3)] == ["before", TRACE, "after"]  # the last one waits for more, for a moment
            for line in TRACE.splitlines():
                s.sendall(line.encode() + b"\n")
        assert sink.wait_records(4)[3].body == TRACE
        with dial(plain) as s:
            s.sendall(TRACE.encode() + b"\n")
        assert sorted(r.body for r in sink.wait_records(9) if r.attributes["datadog.log.source"] == "plain") == sorted(TRACE.splitlines())


def test_records_that_begin_by_a_pattern(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, tcp(port, multiline=r"^\d+:")):
        with dial(port) as s:
            s.sendall(b"1: a\nb\n\nc\n2: d\n13 <13>whole, so3: e\n")
        assert [r.body for r in sink.wait_records(4)] == ["1: a\nb\n\nc", "2: d", "<13>whole, so", "3: e"]


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
    port, lines = free_port(), 25_000
    sink.hold()
    with gateway(tmp_path, sink, tcp(port), queue_size="2MiB") as gate:
        with dial(port) as s:
            s.settimeout(1)
            text = b"".join(b"%07d %s\n" % (i, b"x" * 1000) for i in range(lines))
            sent = 0
            with pytest.raises(TimeoutError):  # it is not read any more
                while sent < len(text):
                    sent += s.send(text[sent:sent + 65536])
            assert sent < len(text)
            sink.release()
            s.settimeout(200)
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
    assert gate.stderr.count("can be reached from other machines, which may send anything: set tls.client_ca") == 1


# --- udp ---

def udp(port, **options):
    return {"type": "udp", "listen": [f"127.0.0.1:{port}"], **PLAIN, **options}


TRACES = ("2026-11-21 10:00:00 ERROR no order 7\njava.lang.IllegalStateException: no\n\tat a.b(C.java:1)\nCaused by: java.lang.Y: b\n\t... 12 more",
         "[2026-11-28 15:04:19] app.ERROR: boom {\"exception\":\"[object] (X: boom at /a.php:8)\n[stacktrace]\n#0 {main}\n\"} []")


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_stack_traces_are_one_record_each(tmp_path, sink, kind):
    port = free_port()
    receiver = udp(port, multiline="auto") if kind == "udp" else {"type": "tcp", "listen": [f"127.0.0.1:{port}"], **PLAIN, "multiline": "auto"}
    sent = "\n".join(("2026-11-21 10:00:00 INFO one", *TRACES, "2026-11-21 10:00:01 INFO two", "2026-11-21 10:00:02 INFO three")).encode()
    with gateway(tmp_path, sink, receiver):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM) as s:
            s.connect(("127.0.0.1", port))
            s.sendall(sent)
        records = sink.wait_records(5)
    assert [r.body for r in records] == ["2026-11-21 10:00:00 INFO one", *TRACES, "2026-11-21 10:00:01 INFO two", "2026-11-21 10:00:02 INFO three"]


def send(port, *datagrams):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for data in datagrams:
            s.sendto(data, ("127.0.0.1", port))
        return s.getsockname()[1]


def test_datagrams(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, udp(port)) as gate:
        mine = send(port, b"one", b"two\r\n", b"", b"\n", b"three\nfour\n\nfive\0", b"x" * 60_000)
        records = sink.wait_records(6)
        assert [r.body for r in records] == ["one", "two", "three", "four", "five", "x" * 60_000]
        assert {(r.attributes["client.address"], r.attributes["client.port"]) for r in records} == {("127.0.0.1", mine)}
    assert gate.ledger.exporter("sink", "logs") == {"sent": 6}


def test_datagrams_over_ipv6(tmp_path, sink):
    port = free_port()
    with gateway(tmp_path, sink, udp(port, listen=[f"[::1]:{port}", f"127.0.0.1:{port}"])):
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.sendto(b"six", ("::1", port))
        send(port, b"four")
        records = sink.wait_records(2)
        assert {r.body: r.attributes["client.address"] for r in records} == {"six": "::1", "four": "127.0.0.1"}


def is_read(port):
    """Does the kernel hold no datagram of this port?"""
    with open("/proc/net/udp", encoding="ascii") as f:
        rows = [line.split() for line in f if f":{port:04X} " in line]
    return all(row[4].endswith(":00000000") for row in rows)


def test_datagrams_that_no_queue_takes_are_counted(tmp_path, sink):
    """What ddgate has read it has counted: sent or refused."""
    port, n = free_port(), 3000
    sink.hold()
    with gateway(tmp_path, sink, udp(port), queue_size="1MiB", in_flight=1, batch={"bytes": "256KiB"}) as gate:
        for i in range(0, n, 50):
            send(port, *[b"%d " % j + b"x" * 1000 for j in range(i, i + 50)])
            gate._until(lambda: is_read(port), "datagrams were not read")
        gate.wait_stderr("records that came by UDP are lost and counted as refused")
        sink.release()
    rows = gate.ledger.intake("logs")
    assert rows[("refused", "queue_full")] > 0
    assert rows["received"] == rows["accepted"] + rows[("refused", "queue_full")] == n
    assert len(sink.records) == rows["accepted"]


def test_what_the_kernel_drops_is_said(tmp_path, sink):
    port, n = free_port(), 500
    with gateway(tmp_path, sink, udp(port, receive_buffer="8KiB")) as gate:
        gate.signal(signal.SIGSTOP)
        send(port, *[b"x" * 1000] * n)
        gate.signal(signal.SIGCONT)
        sink.wait_records(1)
        # the kernel tells with the next datagram
        gate._until(lambda: send(port, b"another") and "datagrams because they came faster than they were read: raise receive_buffer" in gate.stderr,
                        "what the kernel dropped was not said")
    assert 0 < gate.ledger.intake("logs")["received"] < n


# --- unix ---

def test_a_unix_socket(tmp_path, sink):
    path = tmp_path / "logs.socket"
    with gateway(tmp_path, sink, {"type": "unix", "socket": str(path), "mode": "0660", **PLAIN}) as gate:
        assert path.stat().st_mode & 0o777 == 0o660
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(b"one\n8 <13>two\nthree")
        records = sink.wait_records(3)
        assert [r.body for r in records] == ["one", "<13>two", "three"]
        assert set(records[0].attributes) == {"datadog.log.source"}  # nobody has an address here
        gate.stop()
    assert not path.exists()


def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path, sink):
    path = tmp_path / "logs.socket"
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(path))
    with gateway(tmp_path, sink, {"type": "unix", "socket": str(path), **PLAIN}):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(str(path))
            s.sendall(b"here")
        assert sink.wait_records(1)[0].body == "here"


# --- stdin ---

def run_filter(directory, sink, program, *receivers, **options):
    """`program | ddgate`, until it ends by itself."""
    with subprocess.Popen(program, stdout=subprocess.PIPE) as app:
        rows = {"receivers": ({"type": "stdin", **PLAIN, **options}, *receivers),
                "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink"},)}
        gate = Ddgate(directory, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()), stdin=app.stdout)
        app.stdout.close()
        return gate


def test_a_filter_ends_with_its_input(tmp_path, sink):
    gate = run_filter(tmp_path, sink, ["seq", "30000"], service="counter")
    assert gate.process.wait(30) == 0
    gate.stop()
    assert sorted(map(int, sink.bodies)) == list(range(1, 30001))
    assert {r.resource["service.name"] for r in sink.records} == {"counter"}
    assert gate.ledger.exporter("sink", "logs") == {"sent": 30000}


def test_a_file_as_input(tmp_path, sink):
    path = tmp_path / "lines"
    path.write_bytes(b"one\ntwo\nthree without an end")
    conf = f'receivers = ( {{ type = "stdin"; parse = "none"; }} );\nexporters = ( {{ type = "otlp_grpc"; endpoint = "{sink.endpoint}"; }} );\n'
    with open(path, "rb") as lines:
        gate = Ddgate(tmp_path, conf=conf, stdin=lines)
        assert gate.process.wait(30) == 0
    gate.stop()
    assert sink.bodies == ["one", "two", "three without an end"]


def test_with_other_receivers_it_stays(tmp_path, sink):
    port = free_port()
    gate = run_filter(tmp_path, sink, ["echo", "from stdin"], tcp(port))
    with gate:
        sink.wait_records(1)
        with dial(port) as s:
            s.sendall(b"from tcp\n")
        assert sorted(r.body for r in sink.wait_records(2)) == ["from stdin", "from tcp"]


def test_unless_it_is_to_exit(tmp_path, sink):
    gate = run_filter(tmp_path, sink, ["echo", "x"], tcp(free_port()), at_end="exit")
    assert gate.process.wait(30) == 0
    gate.stop()
    assert sink.bodies == ["x"]


def test_last_words_are_read(tmp_path, sink):
    """Ctrl-C ends both sides of the pipe; what the application says then arrives."""
    read, write = os.pipe()
    conf = f'receivers = ( {{ type = "stdin"; parse = "none"; }} );\nexporters = ( {{ type = "otlp_grpc"; endpoint = "{sink.endpoint}"; }} );\n'
    gate = Ddgate(tmp_path, conf=conf, stdin=read)
    os.close(read)
    gate.wait_listening()
    os.write(write, b"working\n")
    sink.wait_records(1)
    gate.signal(signal.SIGINT)
    gate.wait_stderr("Interrupt: ddgate is stopping")
    os.write(write, b"goodbye")
    os.close(write)
    assert gate.process.wait(30) == 0
    gate.stop()
    assert sink.bodies == ["working", "goodbye"]


def test_a_full_queue_stops_the_application(tmp_path, sink):
    """The pipe fills, the application waits, and nothing is lost."""
    sink.hold()
    rows = {"receivers": ({"type": "stdin", **PLAIN},),
            "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "queue_size": "2MiB"},)}
    read, write = os.pipe()
    gate = Ddgate(tmp_path, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()), stdin=read)
    os.close(read)
    sent = 0
    while select.select([], [write], [], 1)[1]:  # a second without room: it is not read any more
        os.write(write, b"%099d\n" % sent)
        sent += 1
    sink.release()
    os.close(write)
    assert gate.process.wait(60) == 0
    gate.stop()
    assert sorted(map(int, sink.bodies)) == list(range(sent))
    assert sent > 5_000


# --- figures ---

def test_figures(tmp_path, sink):
    port, admin = free_port(), free_port()
    with gateway(tmp_path, sink, tcp(port, max_line="1KiB"), settings={"admin": {"listen": f"127.0.0.1:{admin}"}}):
        with dial(port) as s:
            s.sendall(b"one\n" + b"x" * 2000 + b"\n")
            sink.wait_records(2)
            with urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics") as answer:
                text = answer.read().decode()
    rows = dict(re.findall(r'^ddgate_(stream_\w+)\{receiver="tcp"\} (\d+)$', text, re.M))
    assert rows == {"stream_records_total": "2", "stream_bytes_total": "1027", "stream_cut_records_total": "1", "stream_waits_total": "0",
                    "stream_torn_records_total": "0", "stream_connections": "1", "stream_opened_connections_total": "1",
                    "stream_refused_connections_total": "0"}


# --- SIGHUP ---

def reload(gate, rows):
    fresh = gate.directory / "fresh.conf"
    fresh.write_text("".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()))
    fresh.rename(gate.directory / "ddgate.conf")
    before = gate.stderr.count("the configuration was read again")
    gate.signal(signal.SIGHUP)
    gate._until(lambda: gate.stderr.count("the configuration was read again") > before, "no reload")


def test_a_reload_keeps_connections_of_receivers_that_stay_as_they_are(tmp_path, sink):
    kept, changed = free_port(), free_port()
    exporters = ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "batch": {"delay": "5ms"}},)
    read, write = os.pipe()
    rows = {"receivers": (tcp(kept), tcp(changed, service="old"), {"type": "stdin", **PLAIN, "service": "old"}), "exporters": exporters}
    gate = Ddgate(tmp_path, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()), stdin=read)
    os.close(read)
    with gate, dial(kept) as s:
        os.write(write, b"from stdin, before\n")
        s.sendall(b"before\nhalf of")
        sink.wait_records(2)
        rows["receivers"] = (tcp(kept), tcp(changed, service="new"), {"type": "stdin", **PLAIN, "service": "new"})
        reload(gate, rows)
        s.sendall(b" a line\n")
        with dial(changed) as other:
            other.sendall(b"other\n")
        os.write(write, b"from stdin, after\n")
        got = {r.body: r.resource["service.name"] for r in sink.wait_records(5)}
        os.close(write)
    assert got == {"before": "unknown_service", "half of a line": "unknown_service", "other": "new", "from stdin, before": "old",
                   "from stdin, after": "new"}


def sender_of(kind, tmp_path, port):
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(tmp_path / "s"))
        return s
    return dial(port)


@pytest.mark.parametrize("kind", ["tcp", "unix", "syslog"])
def test_reloads_while_a_queue_is_full_lose_nothing(tmp_path, sink, kind):
    """What stands in the receiver, in its sockets and in connections that nobody has accepted yet is the successor's."""
    sink.hold()
    port = free_port()
    where = {"tcp": {"listen": [f"127.0.0.1:{port}"]}, "unix": {"socket": str(tmp_path / "s")},
             "syslog": {"tcp": [f"127.0.0.1:{port}"], "udp": []}}[kind]
    receiver = {"type": kind, "parse": "none", "multiline": "auto", **where}
    rows = {"receivers": (receiver,), "exporters": ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "in_flight": 1,
                                                      "batch": {"delay": "5ms"}, "queue_size": "1MiB", "timeout": "60s"},),
            "admin": {"listen": "127.0.0.1:0"}}
    lines = [f"line {i} " + "x" * 300 for i in range(12000)]
    text = "".join(f"<14>1 - h a - - - {line}\n" if kind == "syslog" else f"{line}\n" for line in lines).encode()
    with Ddgate(tmp_path / "gate", conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items())) as gate:
        s = sender_of(kind, tmp_path, port)
        s.settimeout(0.5)
        sent = 0
        for turn in range(4):
            with contextlib.suppress(TimeoutError):  # until nobody takes more
                while sent < len(text):
                    sent += s.send(text[sent:sent + 65536])
            rows["receivers"] = ({**receiver, "service": f"turn {turn}"},)
            reload(gate, rows)
        sink.release()
        s.settimeout(30)
        s.sendall(text[sent:])
        s.close()
        sink.wait(lambda s: len(s.records) >= len(lines), "all lines")
    assert [r.body for r in sink.records] == lines


def test_a_reload_that_moves_a_receiver_reads_who_was_connected(tmp_path, sink):
    """To every address of the same port, which the old socket would be in the way of, and to another port."""
    port, other = free_port(), free_port()
    exporters = ({"type": "otlp_grpc", "endpoint": sink.endpoint, "name": "sink", "batch": {"delay": "5ms"}},)
    rows = {"receivers": (tcp(port),), "exporters": exporters}
    with Ddgate(tmp_path, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items())) as gate:
        for turn, listen in enumerate([f":{port}", f"127.0.0.1:{other}"]):
            s = dial(port)
            s.sendall(f"whole {turn}\nhalf {turn}".encode())
            sink.wait_records(1 + 2 * turn)
            rows["receivers"] = ({**tcp(port), "listen": [listen]},)
            reload(gate, rows)
            sink.wait_records(2 + 2 * turn)
            s.close()
        with dial(other) as s:
            s.sendall(b"the end\n")
        sink.wait_records(5)
    assert [r.body for r in sink.records] == ["whole 0", "half 0", "whole 1", "half 1", "the end"]


def test_connections_leave_descriptors_to_others(tmp_path, sink):
    port, log = free_port(), tmp_path / "a.log"
    log.touch()
    files = {"type": "file", "path": [str(log)], "start": "beginning", "offsets": str(tmp_path / "offsets"), **PLAIN}
    with gateway(tmp_path / "gate", sink, tcp(port), files) as gate, contextlib.ExitStack() as stack:
        resource.prlimit(gate.process.pid, resource.RLIMIT_NOFILE, (64, 64))
        for _ in range(70):
            stack.enter_context(dial(port))
        gate.wait_stderr("almost out of descriptors")
        for _ in range(70):
            dial(port).close()
        log.write_text("from a file\n")
        assert sink.wait_records(1)[0].body == "from a file"
        gate._until((tmp_path / "offsets").exists, "offsets are not saved")
    assert gate.stderr.count("almost out of descriptors") == 1
