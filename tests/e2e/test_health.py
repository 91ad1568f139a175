# SPDX-License-Identifier: Apache-2.0
"""What orchestrators ask and are told: `ddgate health`, and systemd's protocol on a socket of our own (NOTIFY_SOCKET)."""
import os
import signal
import socket
import subprocess

import pytest
from ddgate import BINARY, Ddgate, free_port

WATCHDOG = 1.2  # seconds


def health(*args, env=None):
    return subprocess.run([BINARY, "health", *args], capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, timeout=60,
                          env={**os.environ, **(env or {})})


def conf(tmp_path, listen, more=""):
    path = tmp_path / "asked.conf"
    path.write_text(f'admin = {{ listen = "{listen}"; }};\n{more}')
    return str(path)


def test_a_running_one_is_well(tmp_path):
    port = free_port()
    with Ddgate(tmp_path, settings={"admin": {"listen": f"127.0.0.1:{port}"}}) as gate:
        gate.wait_listening()
        done = health("-c", conf(tmp_path, f"127.0.0.1:{port}"))
        assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")
        # every address of the machine is asked on loopback; what else is wrong in the file, or not set here, is not ours to say
        done = health("-c", conf(tmp_path, f":{port}", 'exporters = ( { type = "otlp_grpc"; endpoint = "${env:NOT_SET_HERE}"; } );'))
        assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    done = health("-c", conf(tmp_path, f"127.0.0.1:{port}"))
    assert done.returncode == 1 and f"127.0.0.1:{port}: Connection refused" in done.stderr and not done.stdout


def test_by_a_unix_socket(tmp_path):
    path = tmp_path / "admin.socket"
    with Ddgate(tmp_path, settings={"admin": {"listen": str(path)}}) as gate:
        gate.wait_listening()
        assert health("-c", conf(tmp_path, path)).returncode == 0


def test_what_is_no_answer(tmp_path):
    """Somebody else's server, one that closes, and one that never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        path = conf(tmp_path, f"127.0.0.1:{server.getsockname()[1]}")
        for answer, words in ((b"HTTP/1.1 503 Service Unavailable\r\n\r\n", "503 Service Unavailable"), (b"", "there is no answer"),
                              (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0-OpenSSH_9.2")):
            asking = subprocess.Popen([BINARY, "health", "-c", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            peer, _ = server.accept()
            assert peer.recv(1000).startswith(b"GET /healthz HTTP/1.1\r\n")
            peer.sendall(answer)
            peer.close()
            out, err = asking.communicate(timeout=60)
            assert asking.returncode == 1 and words in err and not out
        silent = health("-c", path)  # accepted by the system, never read
        assert silent.returncode == 1 and "there is no answer" in silent.stderr


@pytest.mark.parametrize("listen, words", [("", "it is empty"), ("nowhere", "is not an address")])
def test_nobody_to_ask(tmp_path, listen, words):
    done = health("-c", conf(tmp_path, listen))
    assert done.returncode == 1 and words in done.stderr


def test_a_file_that_is_not_there():
    done = health("-c", "/nonexistent.conf")
    assert done.returncode == 1 and "/nonexistent.conf" in done.stderr


class Manager:
    """A service manager's end of NOTIFY_SOCKET; `path` may be abstract."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + path[1:] if path.startswith("@") else path)
        self.path = path

    def next(self, seconds=30):
        self.socket.settimeout(seconds)
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines())

    def wait(self, name):
        while name not in (said := self.next()):
            assert said == {"WATCHDOG": "1"}, said
        return said


@pytest.mark.parametrize("abstract", [False, True])
def test_a_service_manager_is_told(tmp_path, abstract):
    manager = Manager(f"@ddgate-test-{os.getpid()}" if abstract else str(tmp_path / "notify"))
    gate = Ddgate(tmp_path, env={"NOTIFY_SOCKET": manager.path}, settings={"shutdown_timeout": "7s"})
    assert manager.next() == {"READY": "1", "STATUS": "running"}
    gate.wait_listening()
    gate.signal(signal.SIGHUP)
    reloading = manager.next()
    assert reloading["RELOADING"] == "1" and int(reloading["MONOTONIC_USEC"]) > 0
    assert manager.next()["READY"] == "1"
    gate.signal(signal.SIGTERM)
    stopping = manager.next()
    assert stopping["STOPPING"] == "1" and stopping["EXTEND_TIMEOUT_USEC"] == "27000000"
    gate.process.wait(30)
    gate.stop()


def test_a_watchdog_hears_of_a_process_that_runs_and_not_of_one_that_does_not(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    gate = Ddgate(tmp_path, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": str(int(WATCHDOG * 1e6))})
    try:
        assert manager.next()["READY"] == "1"
        for _ in range(4):
            assert manager.next(WATCHDOG) == {"WATCHDOG": "1"}
        gate.signal(signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            while True:  # what it had said before
                manager.next(WATCHDOG)
    finally:
        gate.signal(signal.SIGCONT)
    manager.wait("WATCHDOG")
    gate.signal(signal.SIGTERM)
    assert int(manager.wait("STOPPING")["WATCHDOG_USEC"]) > 20_000_000
    gate.process.wait(30)
    gate.stop()


def test_a_watchdog_of_somebody_else(tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    gate = Ddgate(tmp_path, env={"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"})
    assert manager.next()["READY"] == "1"
    with pytest.raises(TimeoutError):
        manager.next(0.5)
    gate.stop()


def test_a_manager_that_is_not_there_is_a_warning(tmp_path):
    gate = Ddgate(tmp_path, env={"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    gate.wait_listening()
    gate.wait_stderr("cannot be notified: No such file or directory")
    gate.stop()
