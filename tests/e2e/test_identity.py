# SPDX-License-Identifier: Apache-2.0
"""Which container and pod an application runs in: by what its tracer sends, else by the kernel's word: the cgroup of the process at the
other end of the Unix socket. Where this machine lets the test make a cgroup, a real one, else a /proc of the test's own."""
import contextlib
import http.client
import os
import pathlib
import subprocess
import sys

import ddgate
import pytest
from conftest import ALONE
from ddgate import MSGPACK, PATIENCE, grpc
from payloads import span, v04

CONTAINER, OTHER = "34dc0b5e626f2c5c4c5170e34b10e7654ce36f0fcd532739f4445baabea03376", "b" * 64
POD = "2d3da189-6407-48e3-9ab6-78188d75e609"
PATH = f"kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/cri-containerd-{CONTAINER}.scope"
HIERARCHIES = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory"]  # v2, hybrid, v1: those whose inodes tracers send


def resource(sink, s):
    """The resource attributes that a span arrived with."""
    wanted = f"{s['span_id']:016x}"
    sink.wait(lambda k: any(x.span_id == wanted for x in k.spans), f"span {wanted}")
    return next(x.resource for x in sink.spans if x.span_id == wanted)


@contextlib.contextmanager
def cgroup():
    """A real cgroup of a container's name, as (folder, inode); skips where this machine does not let us."""
    for hierarchy in HIERARCHIES:
        if not os.access(f"{hierarchy}/cgroup.procs", os.W_OK):
            continue
        top = pathlib.Path(hierarchy) / f"ddgate-test-{os.getpid()}"
        folder = top / PATH
        try:
            folder.mkdir(parents=True)
        except OSError:
            continue
        try:
            yield folder, folder.stat().st_ino
        finally:
            while folder != top.parent:
                folder.rmdir()
                folder = folder.parent
        return
    pytest.skip("no cgroup can be made here")


SEND = """
import os, socket, sys
folder, path, request = sys.argv[1:4]
if folder:
    open(folder + "/cgroup.procs", "w").write(str(os.getpid()))
s = socket.socket(socket.AF_UNIX)
s.connect(path)
body = sys.stdin.buffer.read()
s.sendall(request.encode() + b"Content-Length: %d\\r\\nConnection: close\\r\\n\\r\\n" % len(body) + body)
print(s.recv(65536).decode())
"""


def send_from(folder, gate, body, headers=""):
    """From a process that has joined the cgroup, over the Unix socket."""
    request = f"PUT /v0.4/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/msgpack\r\n{headers}"
    done = subprocess.run([sys.executable, "-c", SEND, str(folder), str(gate.socket), request], input=body, capture_output=True, check=True)
    assert done.stdout.startswith(b"HTTP/1.1 200 "), done


def test_the_cgroup_of_the_peer_names_container_and_pod(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink)], uds=True)
    silent, spoken, podded = span(), span(), span()
    with cgroup() as (folder, _):
        send_from(folder, gate, v04([silent]))
        send_from(folder, gate, v04([spoken]), f"Datadog-Container-ID: {OTHER}\r\n")
        send_from(folder, gate, v04([podded]), "Datadog-External-Env: it-false,cn-web,pu-1\r\n")
    attrs = resource(sink, silent)
    assert (attrs["container.id"], attrs["k8s.pod.uid"]) == (CONTAINER, POD)
    assert resource(sink, spoken)["container.id"] == OTHER and "k8s.pod.uid" not in resource(sink, spoken)
    attrs = resource(sink, podded)
    assert (attrs["container.id"], attrs["k8s.pod.uid"], attrs["k8s.container.name"]) == (CONTAINER, "1", "web")


def test_the_inode_of_a_cgroup_names_them_over_tcp(make_gate, sink):
    gate = make_gate(exporters=[grpc(sink)])
    with cgroup() as (_, inode):
        found, absent, both = span(), span(), span()
        assert gate.put("/v0.4/traces", v04([found]), {**MSGPACK, "Datadog-Entity-ID": f"in-{inode}"}).status == 200
        assert gate.put("/v0.4/traces", v04([absent]), {**MSGPACK, "Datadog-Entity-ID": "in-18446744073709551615"}).status == 200
        assert gate.put("/v0.4/traces", v04([both]), {**MSGPACK, "Datadog-Entity-ID": f"ci-{OTHER},in-{inode}"}).status == 200
    attrs = resource(sink, found)
    assert (attrs["container.id"], attrs["k8s.pod.uid"]) == (CONTAINER, POD) and "datadog.entity_id" not in attrs
    assert resource(sink, absent)["datadog.entity_id"] == "in-18446744073709551615"
    assert resource(sink, both)["container.id"] == OTHER


def test_another_proc_root(make_gate, sink, tmp_path):
    """As of a DaemonSet that has the host's /proc elsewhere; it is read once for a connection."""
    own = tmp_path / "proc" / str(os.getpid())
    own.mkdir(parents=True)
    (own / "cgroup").write_text(f"0::/{PATH}\n")
    gate = make_gate(receiver={"proc_root": tmp_path / "proc"}, exporters=[grpc(sink)], uds=True)
    first, again, later = span(), span(), span()
    connection = gate.connection("uds")
    assert gate.put("/v0.4/traces", v04([first]), connection=connection).status == 200
    (own / "cgroup").write_text(f"0::/docker/{OTHER}\n")
    assert gate.put("/v0.4/traces", v04([again]), connection=connection).status == 200
    connection.close()
    assert gate.put("/v0.4/traces", v04([later]), transport="uds").status == 200
    assert resource(sink, first)["container.id"] == resource(sink, again)["container.id"] == CONTAINER
    assert resource(sink, first)["k8s.pod.uid"] == resource(sink, again)["k8s.pod.uid"] == POD
    assert resource(sink, later)["container.id"] == OTHER


def test_a_peer_in_another_pid_namespace_is_said_once(make_gate, sink, tmp_path, monkeypatch):
    """Its process has no number here: pid 0. The gateway runs in a namespace of its own, the senders outside."""
    if subprocess.run(["unshare", "--pid", "--fork", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no PID namespace can be made here")
    wrapper = tmp_path / "in-a-namespace"
    wrapper.write_text('#!/bin/sh\nexec unshare --pid --fork --kill-child "$DDGATE_REAL" "$@"\n')
    wrapper.chmod(0o755)
    real = ddgate.BINARY
    monkeypatch.setattr(ddgate, "BINARY", wrapper)
    gate = make_gate(exporters=[grpc(sink)], uds=True, env={"DDGATE_REAL": str(real)})
    for _ in range(3):
        s = span()
        assert gate.put("/v0.4/traces", v04([s]), transport="uds").status == 200
        assert "container.id" not in resource(sink, s)
    assert gate.stderr.count("is in a PID namespace that ddgate cannot see") == 1
    gate.process.kill()
    gate.process.wait()


@pytest.mark.parametrize("same_host", [False, True])
def test_pods_of_this_host_come_from_other_addresses(make_gate, sink, same_host):
    """An inode or a name of this host is given to them where the configuration says that they are on it."""
    address = "192.0.2.7"
    if not ALONE or subprocess.run(["ip", "addr", "replace", f"{address}/32", "dev", "lo"], capture_output=True, check=False).returncode:
        pytest.skip("this machine's network is not the test's own")
    port = ddgate.free_port()
    gate = make_gate(receiver={"same_host": same_host, "listen": [f"{address}:{port}"]}, exporters=[grpc(sink)])
    s = span()
    with cgroup() as (_, inode):
        connection = http.client.HTTPConnection(address, port, timeout=PATIENCE, source_address=(address, 0))
        answer = gate.put("/v0.4/traces", v04([s]), {**MSGPACK, "Datadog-Entity-ID": f"in-{inode}"}, connection=connection)
        assert answer.status == 200
        connection.close()
    attrs = resource(sink, s)
    assert ("host.name" in attrs) == same_host and attrs.get("container.id") == (CONTAINER if same_host else None)
