# SPDX-License-Identifier: Apache-2.0
"""What docs/migrating.md says of ddtrace, by version: which settings are read, and what log lines look like under ddtrace-run."""
import subprocess
from concurrent.futures import ThreadPoolExecutor

import clients
import otlp
import pytest

APP = """
import logging, os, sys
from ddtrace import tracer
try:
    tracer.configure(hostname="127.0.0.1", port=int(os.environ["DD_TRACE_AGENT_PORT"]))
    print("configure: yes")
except TypeError as e:
    print("configure:", e)
with tracer.trace("op.root", service="app", resource="R"):
    with tracer.trace("op.child", service="old"):
        logging.getLogger("x").warning("from the app")
        print("context:", sorted(tracer.get_log_correlation_context())[-1])
try:
    import ddtrace.helpers
except ImportError as e:
    print("helper:", e)
tracer.shutdown()
"""
# priority under DD_TRACE_SAMPLE_RATE=0, what configure says, the last key of the correlation context
EXPECTED = {"1.x": (-1, "yes", "version"), "2.x": (-1, "yes", "version"),
            "3.x": (1, "unexpected keyword argument 'hostname'", "dd.version"), "newest": (1, "unexpected keyword argument 'hostname'", "dd.version")}


def run(gate, version, **variables):
    bin_ = clients.python_client(version)
    variables = {"DD_AGENT_HOST": "127.0.0.1", "DD_TRACE_AGENT_PORT": str(gate.port), "DD_LOGS_INJECTION": "true", **variables}
    done = subprocess.run([bin_ / "ddtrace-run", bin_ / "python", "-c", APP], env={**clients.clean_environment(), **variables}, timeout=clients.START,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True)
    return done.stdout


def spans(gate):
    return {(s.attrs["which"], s.attrs["operation.name"]): s for line in gate.stdout.splitlines() for s in otlp.flatten(otlp.parse_json_line(line))}


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """All versions at once: {(version, setting): output} and spans, whose tag `which` says of what run they are."""
    from ddgate import Ddgate
    runs = {(v, name): {"DD_TAGS": f"which:{v}-{name},team:x", **more} for v in EXPECTED for name, more in (
        ("rate", {"DD_TRACE_SAMPLE_RATE": "0", "DD_SERVICE_MAPPING": "old:new"}), ("rules", {"DD_TRACE_SAMPLING_RULES": '[{"sample_rate":0}]'}))}
    with Ddgate(tmp_path_factory.mktemp("migrating"), {"keep_rejected": True}) as gate, ThreadPoolExecutor(2) as pool:
        outputs = dict(zip(runs, pool.map(lambda key: run(gate, key[0], **runs[key]), runs), strict=True))
    return outputs, spans(gate)


@pytest.mark.parametrize("version", EXPECTED)
def test_settings(seen, version):
    outputs, got = seen
    priority, configure, last_key = EXPECTED[version]
    root, child = got[f"{version}-rate", "op.root"], got[f"{version}-rate", "op.child"]
    assert (root.attrs["sampling.priority"], got[f"{version}-rules", "op.root"].attrs["sampling.priority"]) == (priority, -1)
    assert child.resource["service.name"] == "new" and root.attrs["team"] == "x"
    output = outputs[version, "rate"]
    assert configure in output and f"context: {last_key}" in output and "helper: No module named 'ddtrace.helpers'" in output
    assert "\nfrom the app\n" in "\n" + output, "ddtrace-run sets up no format"
