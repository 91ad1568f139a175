# SPDX-License-Identifier: Apache-2.0
"""Programs of tests/clients/ under a real profiler each: they work until their standard input ends. What comes of it stands in a directory and goes out as
OTLP; both must say the same, read by readers that share nothing."""
import subprocess

import clients
import pprof
import profiles
from clients import LISTS
from sinks import PATIENCE, Timeout

ALL = {"DD_PROFILING_ENABLED": "true", "DD_ENV": "testing", "DD_VERSION": "1.0", "PYTHONUNBUFFERED": "1", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"}


def python(version):
    bin_ = clients.python_client(version)
    return [bin_ / "ddtrace-run", bin_ / "python", LISTS / "profile.py"], {"DD_PROFILING_UPLOAD_INTERVAL": "1"}


def node(name):
    return ["node", LISTS / "profile.js"], {"NODE_PATH": str(clients.node_modules(name)), "DD_PROFILING_UPLOAD_PERIOD": "1"}


class Maker:
    def __init__(self, directory, gate, service, command, variables):
        self.service, self.output_path = service, directory / f"{service}.out"
        with open(self.output_path, "wb") as out:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, cwd=directory,
                env={**clients.clean_environment(), **ALL, "DD_TRACE_AGENT_URL": clients.agent_address(gate, "tcp"), "DD_SERVICE": service, **variables})

    @property
    def output(self):
        return self.output_path.read_text(errors="replace")

    def finish(self):
        self.process.stdin.close()
        try:
            code = self.process.wait(2 * PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Timeout(f"the client does not end:\n{self.output}") from None
        assert code == 0, self.output

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def run(make_gate, directory, programs):
    """programs: {service: (command, variables)}, all at once. Returns {service: [{file: bytes} of each upload]} and every OTLP Profile, when each
    service had two uploads and has ended well."""
    (directory / "kept").mkdir()
    backend = profiles.GrpcTaker()
    makers = []
    try:
        gate = make_gate(receiver={"profiles": {"directory": directory / "kept", "otlp": True}}, exporters=[
            {"type": "otlp_grpc", "name": "backend", "endpoint": backend.endpoint, "signals": ["profiles"]}])
        makers += [Maker(directory, gate, service, *program) for service, program in programs.items()]

        def seen():
            for maker in makers:
                assert maker.process.poll() is None, maker.output
            kept = profiles.kept(directory / "kept")
            return all(len(kept.get(service, [])) >= 2 for service in programs)
        gate._until(seen, "not every profiler has sent twice", 4 * PATIENCE)
        for maker in makers:
            maker.finish()
        gate.stop()
        ledger = gate.ledger.intake("profiles")
        assert ledger["received"] == ledger["accepted"] > 0, ledger
        assert gate.ledger.exporter("backend", "profiles")["sent"] == ledger["accepted"]
        assert "refused" not in gate.stderr, gate.stderr
        return profiles.kept(directory / "kept"), profiles.otlp_profiles(backend.requests)
    finally:
        for maker in makers:
            maker.kill()
        backend.close()


def assert_same_in_both_forms(kept, otlp, service):
    """Each pprof file's samples of its first type, and its number of types that have any, are in the OTLP profiles of the service."""
    mine = [p for p in otlp if p.resource["service.name"] == service]
    by_time = {}
    for p in mine:
        by_time.setdefault((p.attributes["datadog.profile.file"], p.profile.time_unix_nano), {})[p.type] = p
    files = 0
    for upload in kept[service]:
        for name, data in upload.items():
            if not name.endswith(".pprof"):
                continue
            files += 1
            read = pprof.read(data)
            found = by_time.get((name, read.time)) or [v for k, v in by_time.items() if k[0] == name and not read.time][0]
            stacks = {stack: value for stack, value in read.stacks.items() if value}
            if stacks:
                said = found[read.types[0]].stacks
                assert stacks in (said, +said), (service, name, read.time, difference(stacks, said), [(k[0], k[1], list(v)) for k, v in by_time.items()])
    assert files
    for p in mine:
        assert (p.resource["deployment.environment.name"], p.resource["service.version"]) == ("testing", "1.0")


def difference(stacks, said):
    """Some of the stacks that both do not have alike: (what the file says, what OTLP says)."""
    return [(stack[:3], stacks.get(stack), said.get(stack)) for stack in {*stacks, *said} if stacks.get(stack, 0) != said.get(stack, 0)][:5]


def functions(kept, service, file=None):
    """The names of all functions in the service's pprof files."""
    return {name for upload in kept[service] for file_name, data in upload.items() if file_name.endswith(".pprof") and file in (None, file_name)
            for stack in pprof.read(data).stacks for name in stack}
