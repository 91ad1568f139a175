# SPDX-License-Identifier: Apache-2.0
"""A Node service under real dd-trace, over TCP and a Unix socket."""
import clients
import pytest
import reference
from clients import ROOT, App
from ddgate import grpc


@pytest.mark.parametrize("transport", ["tcp", "uds"])
def test_node(make_gate, sink, tmp_path, transport):
    gate = make_gate(uds=True, exporters=[grpc(sink)])
    app = App(tmp_path, ["node", ROOT / "examples" / "node" / "server.js"], gate, transport, NODE_PATH=str(clients.node_modules()),
              DD_SERVICE="node-app", DD_ENV="testing", DD_VERSION="1.0")
    assert app.get("/hello?q=1") == (200, "Hello, World!\n")
    sink.wait(lambda s: {"web.request", "work"} <= {x.attrs["operation.name"] for x in s.spans}, "the request and the work in it")
    app.stop()
    app.assert_quiet()

    request, work = (next(s for s in sink.spans if s.attrs["operation.name"] == name) for name in ("web.request", "work"))
    assert (request.service, request.resource["deployment.environment.name"], request.resource["service.version"]) == ("node-app", "testing", "1.0")
    assert request.resource["telemetry.sdk.language"] == "nodejs"
    assert (request.kind, request.name, request.parent_id) == (reference.SERVER, "GET", "")
    assert (request.attrs["url.path"], request.attrs["url.query"], request.attrs["http.response.status_code"]) == ("/hello", "q=1", 200)
    assert (work.trace_id, work.parent_id, work.kind) == (request.trace_id, request.span_id, reference.INTERNAL)
    assert work.attrs["work.items"] == 3 and work.attrs["resource.name"] == "the work"
    assert int(work.trace_id[:16], 16), "the 128-bit id"
