# SPDX-License-Identifier: Apache-2.0
"""The process: help from the tables, signals, exit codes, and what it asks of the system."""
import os
import signal
import socket
import subprocess
import time

import pytest
from ddgate import BINARY, PATIENCE, SANITIZED, Ddgate, free_port, grpc
from payloads import span, v04
from sending import QUICK


def run(*args):
    return subprocess.run([BINARY, *args], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)


TOPICS = [line.split()[0] for line in run("--help").stdout.split("Topics:\n")[1].split("\n\n")[0].splitlines() if line[2] != " "]


def test_help_has_topics():
    assert {"process", "receivers.ddtrace", "exporters.otlp_grpc", "exporters.stdout"} <= set(TOPICS)


@pytest.mark.parametrize("topic", [None, *TOPICS])
def test_help_fits_a_terminal(topic):
    done = run("--help", *([topic] if topic else []))
    assert done.returncode == 0 and not done.stderr
    wide = [line for line in done.stdout.splitlines() if len(line) > 80 and " " in line.strip()[:60]]
    assert not wide, wide


def test_help_of_an_exporter_says_type_bounds_default_and_purpose():
    text = " ".join(run("--help", "stdout").stdout.split())
    assert "format one of pretty, otlp_json, line_protocol; default pretty" in text
    assert "in_flight a whole number, 1 to 64; default 4 Requests open" in text


def test_help_on_something_else():
    done = run("--help", "exporters.fax")
    assert done.returncode == 2 and "exporters.fax" in done.stderr and not done.stdout


@pytest.mark.parametrize("args", [["check"], ["-c"], ["run", "check", "-c", "x"], ["--config"]])
def test_wrong_arguments(args):
    done = run(*args)
    assert done.returncode == 2 and "Usage: ddgate" in done.stderr


def test_config_is_c(tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text("max_memory = 5;\n")
    for args in (["check", "--config", conf], ["check", f"--config={conf}"], ["-c", conf, "check"]):
        done = run(*args)
        assert done.returncode == 2 and f"{conf}:1: max_memory" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_each_signal_drains(make_gate, sink, number):
    gate = make_gate(exporters=[grpc(sink, batch={"delay": "30s"})])
    s = span()
    assert gate.put("/v0.4/traces", v04([s])).status == 200
    gate.signal(number)
    assert gate.process.wait(30) == 0
    gate.stop()
    assert gate.ledger.exporter()["sent"] == 1
    assert len(sink.requests) == 1


def test_what_cannot_be_delivered_is_said_by_exit_code_3(tmp_path):
    gate = Ddgate(tmp_path, exporters=[{"type": "otlp_grpc", "endpoint": f"http://127.0.0.1:{free_port()}"}],
                  settings={"shutdown_timeout": "300ms"})
    gate.wait_listening()
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    gate.stop(expect=3)
    assert gate.ledger.exporter()["dropped", "shutdown"] == 1
    assert "1 accepted items were not delivered" in gate.stderr


def test_a_second_signal_ends_the_drain(tmp_path):
    gate = Ddgate(tmp_path, exporters=[{"type": "otlp_grpc", "endpoint": f"http://127.0.0.1:{free_port()}"}],
                  settings={"shutdown_timeout": "1h"})
    gate.wait_listening()
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    gate.signal()
    gate.wait_stderr("stopping")
    deadline = time.monotonic() + 30
    while gate.process.poll() is None and time.monotonic() < deadline:
        gate.signal()  # again and again: the second one may come before anybody waits for it
        try:
            gate.process.wait(0.05)
        except subprocess.TimeoutExpired:
            pass
    gate.stop(expect=3)
    assert gate.ledger.exporter()["dropped", "shutdown"] == 1


def test_two_exporters_of_one_type_have_names(make_gate, make_sink):
    one, two = make_sink(), make_sink()
    gate = make_gate(exporters=[grpc(one), grpc(two, name="second")])
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    one.wait_spans(1)
    two.wait_spans(1)
    gate.stop()
    assert gate.ledger.exporter("otlp_grpc")["sent"] == gate.ledger.exporter("second")["sent"] == 1


def piped(tmp_path, exporters='{ type = "stdout"; }'):
    """A ddgate whose standard output is a pipe of this test."""
    port = free_port()
    conf = tmp_path / "c.conf"
    conf.write_text(f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; socket = ""; }} );\n'
                    f'exporters = ( {exporters} );\nadmin = {{ listen = "127.0.0.1:0"; }};\n')
    gate = Ddgate.__new__(Ddgate)
    gate.directory, gate.port = tmp_path, port
    gate.stderr_path = tmp_path / "stderr"
    with open(gate.stderr_path, "wb") as err:
        gate.process = subprocess.Popen([BINARY, "-c", conf], stdout=subprocess.PIPE, stderr=err, stdin=subprocess.DEVNULL)
    gate.wait_listening()
    return gate


def test_a_reader_that_goes_away_ends_the_process(tmp_path):
    """`ddgate | head -1`: it ends without another trace, as every tool does that SIGPIPE ends, and the ledger holds what was printed."""
    gate = piped(tmp_path)
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    assert gate.process.stdout.readline().startswith(b"trace ")
    gate.process.stdout.close()
    assert gate.process.wait(PATIENCE) == -signal.SIGPIPE
    gate.stop(expect=-signal.SIGPIPE)
    assert gate.ledger.exporter("stdout")["sent"] == 1
    assert "the reader of standard output left, and there is no other exporter: ddgate is stopping" in gate.stderr


def test_what_a_gone_reader_did_not_get_is_in_the_ledger(tmp_path):
    gate = piped(tmp_path, '{ type = "stdout"; batch = { delay = "0s"; }; }')
    spans = [span(name="x" * 4000) for _ in range(400)]
    assert gate.put("/v0.4/traces", v04(*[[s] for s in spans])).status == 200
    assert gate.process.stdout.readline().startswith(b"trace ")
    gate.process.stdout.close()  # more than a pipe holds is not printed
    assert gate.process.wait(PATIENCE) == -signal.SIGPIPE
    gate.stop(expect=-signal.SIGPIPE)
    assert gate.ledger.exporter("stdout")["rejected by the backend"] == 400
    assert "400 accepted items were not delivered" in gate.stderr


def test_a_reader_that_goes_away_ends_nothing_where_another_exporter_works(tmp_path, sink):
    gate = piped(tmp_path, f'{{ type = "stdout"; }}, {{ type = "otlp_grpc"; endpoint = "{sink.endpoint}"; }}')
    gate.process.stdout.close()
    for _ in range(3):
        assert gate.put("/v0.4/traces", v04([span()])).status == 200
    sink.wait_spans(3)
    gate.stop(expect=3)
    assert gate.ledger.exporter("stdout")["rejected by the backend"] == 3
    assert gate.ledger.exporter("otlp_grpc")["sent"] == 3


@pytest.mark.parametrize("number,again", [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_a_stop_that_waits_says_for_what(tmp_path, number, again):
    gate = Ddgate(tmp_path, exporters=[{"type": "otlp_grpc", "name": "sls", "endpoint": f"http://127.0.0.1:{free_port()}"}],
                  settings={"shutdown_timeout": "90s"})
    gate.wait_listening()
    assert gate.put("/v0.4/traces", v04([span(), span(), span()])).status == 200
    gate.signal(number)
    gate.wait_stderr(f"delivering 3 items to sls, at most 90 s; {again} again gives up")
    gate.signal(number)  # is heard: whoever said that waits for it
    assert gate.process.wait(PATIENCE) == 3
    gate.stop(expect=3)
    assert gate.ledger.exporter("sls")["dropped", "shutdown"] == 3


def test_a_stop_with_nothing_to_wait_for_is_silent(gate):
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    gate._until(lambda: b'"sent":1' in gate.admin("/ledger").body, "the span was not sent")
    gate.stop()
    assert "delivering" not in gate.stderr


@pytest.mark.parametrize("number", ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "PIPE", "XFSZ", "PWR"])
def test_signals_that_mean_nothing_end_nothing(gate, number):
    gate.signal(getattr(signal, f"SIG{number}"))
    assert gate.put("/v0.4/traces", v04([span()])).status == 200
    gate.stop()


def test_closed_standard_descriptors_are_nobody_elses(tmp_path):
    """A service manager may start it without the three: no socket and no file of the disk queue takes their numbers, and log lines."""
    port, conf = free_port(), tmp_path / "x.conf"
    conf.write_text(f'receivers = ( {{ type = "ddtrace"; listen = [ "127.0.0.1:{port}" ]; socket = ""; }} );\n'
                    f'exporters = ( {{ type = "blackhole"; }} );\nadmin = {{ listen = ""; }};\nstorage = {{ directory = "{tmp_path}/queue"; }};\n')
    process = subprocess.Popen(["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", BINARY, "-c", conf])
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            assert process.poll() is None and time.monotonic() < deadline
    assert [os.readlink(f"/proc/{process.pid}/fd/{n}") for n in range(3)] == ["/dev/null"] * 3
    process.terminate()
    assert process.wait(PATIENCE) == 0


def limited(mib, command):
    """The command with so much address space. By a shell: code of Python's between fork and exec ends the child now and then, when
    grpcio has threads."""
    return ["/bin/sh", "-c", f'ulimit -v {mib * 1024}; exec "$@"', "sh", *map(str, command)]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer takes terabytes of addresses")
def test_an_address_space_that_is_too_small_is_told_of_at_the_start(tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text(f'receivers = ( {{ type = "ddtrace"; listen = "127.0.0.1:{free_port()}"; socket = ""; }} );\n'
                    'exporters = ( { type = "otlp_grpc"; endpoint = "http://127.0.0.1:1"; } );\nadmin = { listen = ""; };\n')
    for mib in (150, 200):
        done = subprocess.run(limited(mib, [BINARY, "-c", conf]), capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 2 and f"ulimit -v: the process may use {mib} MiB of addresses, and needs" in done.stderr


@pytest.mark.skipif(SANITIZED, reason="a sanitizer takes terabytes of addresses")
def test_half_a_gigabyte_of_addresses_is_enough_for_grpc(make_gate, sink):
    with pytest.MonkeyPatch.context() as patch:
        popen = subprocess.Popen
        patch.setattr(subprocess, "Popen", lambda command, **more: popen(limited(488, command), **more))
        gate = make_gate(exporters=[grpc(sink, **QUICK)])
    for _ in range(50):
        assert gate.put("/v0.4/traces", v04([span() for _ in range(200)])).status == 200
    sink.wait_spans(50 * 200)
    gate.stop()
    assert "ulimit" not in gate.stderr
