# SPDX-License-Identifier: Apache-2.0
"""Programs of tests/clients/ under a real tracer each: a line on standard input is one trace of three spans, live.root, live.child and
live.leaf, whose resource is the line. Every span has a name of its own, so a test can tell which one is missing or came twice."""
import os
import re
import shutil
import subprocess
import threading
import time
from collections import Counter

import clients
import reference
from clients import LISTS, ROOT
from ddgate import grpc
from sinks import PATIENCE, Timeout

SECONDS = float(os.environ.get("DDGATE_LIVE_SECONDS", "6"))  # how long each client makes spans; `make live` takes 20
PAUSE = 0.1  # seconds from one trace to the next
OPERATIONS = ("live.root", "live.child", "live.leaf")
# Warnings that would come with any agent: two of libraries about themselves.
OWN = ("restart_on_fork is ignored on BasicRuntime", "OpenJDK 64-Bit Server VM warning: Sharing is only supported")
LOUD = re.compile(r"\b(warn(ing)?|error|critical|fatal|panic(ked)?|exception|traceback)\b", re.I)


def python(version):
    bin_ = clients.python_client(version)
    return [bin_ / "ddtrace-run", bin_ / "python", LISTS / "spans.py"], {}


def node(name):
    return ["node", LISTS / "spans.js"], {"NODE_PATH": str(clients.node_modules(name))}


def go(name):
    source = LISTS / name

    def make(directory):
        subprocess.run(["go", "build", "-trimpath", "-o", directory / "spans", "."], cwd=source, check=True, stdin=subprocess.DEVNULL)
    return [clients.environment(name, sorted(source.iterdir()), make) / "spans"], {}


def java(**variables):
    files = sorted((LISTS / "java").iterdir())

    def make(directory):
        for file in files:
            shutil.copy(file, directory)
        subprocess.run(["mvn", "-q", "-B", "dependency:copy-dependencies"], cwd=directory, check=True, stdin=subprocess.DEVNULL)
        subprocess.run(["javac", "-cp", "lib/*", "-d", ".", "Spans.java"], cwd=directory, check=True, stdin=subprocess.DEVNULL)
    directory = clients.environment("java", files, make)
    return ["java", f"-javaagent:{directory}/lib/dd-java-agent.jar", "-cp", f"{directory}:{directory}/lib/*", "Spans"], variables


def rust(kind):
    source = LISTS / "rust"
    files = [source / "Cargo.toml", source / "Cargo.lock", source / "src" / "main.rs"]

    def make(directory):
        target = directory / "target"
        subprocess.run(["cargo", "build", "--quiet", "--locked", "--target-dir", target], cwd=source, check=True, stdin=subprocess.DEVNULL)
        shutil.move(target / "debug" / "spans", directory / "spans")
        shutil.rmtree(target)
    return [clients.environment("rust", files, make) / "spans", kind], {"DD_LOG_LEVEL": "warn"}


class SpanMaker:
    """A running one; `made` are the lines that it got."""

    def __init__(self, directory, command, variables, gate, transport):
        self.transport, self.service, self.made = transport, f"live-{transport}", []
        self.output_path = directory / f"{self.service}.out"
        with open(self.output_path, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, cwd=ROOT, text=True, bufsize=1,
                env={**clients.clean_environment(), "DD_TRACE_AGENT_URL": clients.agent_address(gate, transport),
                     "DD_SERVICE": self.service, "DD_ENV": "testing", "DD_VERSION": "1.0", "PYTHONUNBUFFERED": "1", **variables})

    @property
    def output(self):
        return self.output_path.read_text(errors="replace")

    def make(self):
        self.made.append(f"trace {len(self.made)}")
        try:
            self.process.stdin.write(self.made[-1] + "\n")
        except BrokenPipeError:
            raise AssertionError(f"the client has ended:\n{self.output}") from None

    def finish(self):
        """End of input: the tracer sends what it still holds."""
        self.process.stdin.close()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Timeout(f"the client does not end:\n{self.output}") from None
        assert code == 0, self.output

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def spans(self, sink):
        return [s for s in sink.spans if s.service == self.service and s.attrs.get("operation.name") in OPERATIONS]

    def is_complete(self, sink):
        return len({(s.attrs["resource.name"], s.attrs["operation.name"]) for s in self.spans(sink)}) == 3 * len(self.made)

    def assert_each_arrived_once(self, sink, wide):
        spans = self.spans(sink)
        seen = Counter((s.attrs["resource.name"], s.attrs["operation.name"]) for s in spans)
        assert seen == Counter((line, operation) for line in self.made for operation in OPERATIONS)
        by_name = {(s.attrs["resource.name"], s.attrs["operation.name"]): s for s in spans}
        for line in self.made:
            root, child, leaf = (by_name[line, operation] for operation in OPERATIONS)
            assert root.trace_id == child.trace_id == leaf.trace_id
            assert bool(int(root.trace_id, 16) >> 64) == wide, "the upper half of the id"
            assert (root.parent_id, child.parent_id, leaf.parent_id) == ("", root.span_id, child.span_id)
            assert (root.status, child.status, leaf.status) == (reference.UNSET, reference.UNSET, reference.ERROR)
            assert child.attrs["work.items"] == 3
        assert len({s.trace_id for s in spans}) == len(self.made)

    def assert_quiet(self):
        lines = [re.sub(r"\{.*\}", "", line) for line in self.output.splitlines()]  # the configuration as JSON
        loud = [line for line in lines if LOUD.search(line) and not any(own in line for own in OWN)]
        assert not loud, "\n".join(loud)


def feed(makers, sink, seconds):
    """A trace of each every PAUSE, then waits until all of them are at the backend."""
    pause, end = threading.Event(), time.monotonic() + seconds
    while time.monotonic() < end:
        for maker in makers:
            maker.make()
        pause.wait(PAUSE)
    sink.wait(lambda s: all(m.is_complete(s) for m in makers), "every span of every client", 2 * PATIENCE)


def formats(gate):
    """Format -> payloads that came in it."""
    text = gate.admin("/metrics").body.decode()
    found = re.findall(r'^ddgate_ddtrace_payloads_total\{.*?format="([^"]*)".*?\} (\d+)$', text, re.M)
    return {name for name, n in found if int(n)}


def assert_every_span_arrives(make_gate, sink, directory, client, expected, wide=True):
    """The client, over TCP and over the Unix socket at once, for SECONDS with the gateway restarted in between: each span that it made is at
    the backend once, it has logged no warning, and it spoke the format that is expected, of the restarted one from the first payload on. `wide`: its trace ids have 128 bits."""
    command, variables = client
    gate, makers = make_gate(uds=True, exporters=[grpc(sink)]), []
    try:
        makers += [SpanMaker(directory, command, variables, gate, transport) for transport in ("tcp", "uds")]
        feed(makers, sink, SECONDS / 2)
        gate.stop()
        gate = make_gate(port=gate.port, receiver={"socket": gate.socket}, exporters=[grpc(sink)])
        feed(makers, sink, SECONDS / 2)
        for maker in makers:
            maker.finish()
        spoken = formats(gate)
        gate.stop()
    finally:
        for maker in makers:
            maker.kill()
    for maker in makers:
        maker.assert_each_arrived_once(sink, wide)
        maker.assert_quiet()
    assert spoken == {expected}, f"it spoke {spoken}"
    print(f"{expected}: " + ", ".join(f"{3 * len(m.made)} spans over {m.transport}" for m in makers))
