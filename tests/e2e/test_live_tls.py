# SPDX-License-Identifier: Apache-2.0
"""Real tracers over https, as docs/security.md says that they trust a private CA."""
import os
import subprocess

import clients
import pytest
from ddgate import PATIENCE, grpc

PROGRAM = """
from ddtrace import tracer
with tracer.trace("op", service="https-app"):
    pass
tracer.flush()
tracer.shutdown()
"""


@pytest.mark.parametrize("version", ["newest", "2.x"])
def test_python(make_gate, sink, authority, version):
    server = authority.issue("server")
    gate = make_gate(receiver={"tls": {"cert": str(server.cert_path), "key": str(server.key_path)}}, exporters=[grpc(sink)])
    subprocess.run([clients.python_client(version) / "python", "-c", PROGRAM], check=True, timeout=clients.START + PATIENCE,
                   env={**os.environ, "DD_TRACE_AGENT_URL": f"https://localhost:{gate.port}", "SSL_CERT_FILE": str(authority.path),
                        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false"})
    sink.wait(lambda k: any(s.resource["service.name"] == "https-app" for s in k.spans), "the tracer's span")
