# SPDX-License-Identifier: Apache-2.0
"""Aliyun's Log Service, by a stand-in that wants what the service wants: TLS, its four headers or attributes, and says its error codes."""
import http.client
import socket
import subprocess

import pytest
from ddgate import BINARY, conf_text, free_port
from grpc import StatusCode
from http_sink import HttpSink, Status
from payloads import trace, v04
from sending import QUICK, ids, send
from sinks import PATIENCE, Fail, GrpcSink
from test_otlp_in import traces

KEY = {"project": "my-project", "instance": "my-traces", "access_key_id": "LTAI-id", "access_key_secret": "s3cr3t-of-the-key"}
HEADERS = {"x-sls-otel-project": "my-project", "x-sls-otel-instance-id": "my-traces", "x-sls-otel-ak-id": "LTAI-id",
           "x-sls-otel-ak-secret": "s3cr3t-of-the-key"}
ATTRIBUTES = {"sls.otel.project": "my-project", "sls.otel.instanceid": "my-traces", "sls.otel.akid": "LTAI-id",
              "sls.otel.aksecret": "s3cr3t-of-the-key"}


class Sls(GrpcSink):
    """Refuses what does not carry the key, as headers or as attributes of every resource."""

    def Export(self, request, context):
        sent = dict(context.invocation_metadata())
        resources = [{a.key: a.value.string_value for a in rs.resource.attributes} for rs in request.resource_spans]
        by_header = all(sent.get(k) == v for k, v in HEADERS.items())
        by_attribute = resources and all(r.get(k) == v for r in resources for k, v in ATTRIBUTES.items())
        if not by_header and not by_attribute:
            context.abort(StatusCode.UNAUTHENTICATED, "Unauthorized: AccessKeyId not found")
        return super().Export(request, context)


@pytest.fixture
def service(authority):
    server = authority.issue("sls")
    sink = Sls(tls=(server.key, server.cert, None))
    yield sink
    sink.close()


@pytest.fixture
def sls(service, authority):
    """The exporter's group, with changes."""
    def group(**changes):
        return {"type": "sls", "endpoint": service.endpoint, "tls": {"ca": str(authority.path)}, **KEY, **QUICK, **changes}
    return group


def test_headers_and_the_attributes_that_must_be_there(make_gate, service, sls):
    gate = make_gate(exporters=[sls(security_token="sts-1")])
    spans = send(gate, 2) + send(gate, 2, meta={"env": "test", "version": "7", "_dd.hostname": "web-3"})
    service.wait_spans(4)
    assert ids(service.spans) == ids(spans)
    assert all(r.metadata[k] == v for r in service.requests for k, v in {**HEADERS, "x-sls-otel-token": "sts-1"}.items())
    resources = [(s.resource["service.name"], s.resource["service.version"], bool(s.resource["host.name"])) for s in service.spans]
    assert set(resources) == {("shop", "unknown", True), ("shop", "7", True)}
    assert {s.resource["host.name"] for s in service.spans if s.resource["service.version"] == "7"} == {"web-3"}
    assert not any(k.startswith("sls.otel.") for s in service.spans for k in s.resource)


def own_address():
    """Of this machine, as other machines see it; None where it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return None if s.getsockname()[0].startswith("127.") else s.getsockname()[0]


def test_what_names_no_host_gets_the_option_host_name(make_gate, service, sls):
    """A sender that is not on this machine: its spans name no host, and the receiver does not know it either."""
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but its loopback's")
    port = free_port()
    gate = make_gate(receiver={"listen": [f"127.0.0.1:{port}", f"{address}:{port}"]}, port=port, exporters=[sls()],
                     settings={"host_name": "gateway-7"})
    connection = http.client.HTTPConnection(address, port, timeout=PATIENCE)
    assert gate.put("/v0.4/traces", v04(trace(2)), connection=connection).status == 200
    connection.close()
    service.wait_spans(2)
    assert {s.resource["host.name"] for s in service.spans} == {"gateway-7"}


def test_credentials_as_attributes(make_gate, service, sls, make_sink):
    other = make_sink()
    gate = make_gate(exporters=[sls(credentials="attributes"), {"type": "otlp_grpc", "endpoint": other.endpoint, **QUICK}])
    send(gate, 2)
    service.wait_spans(2)
    other.wait_spans(2)
    assert all(s.resource[k] == v for s in service.spans for k, v in ATTRIBUTES.items())
    assert not any(k in r.metadata for r in service.requests for k in HEADERS)
    assert not any(k.startswith("sls.otel.") for s in other.spans for k in s.resource)  # the key is this exporter's alone


@pytest.mark.parametrize("credentials", ["headers", "attributes"])
def test_the_keys_of_an_application_over_otlp_are_not_sent(make_gate, service, sls, credentials):
    """The resource that SLS's manual asks for: the exporter sends its own keys, and only those."""
    port = free_port()
    gate = make_gate(port=port, conf=conf_text({"receivers": ({"type": "otlp", "grpc": [], "http": [f"127.0.0.1:{port}"]},),
                                                "exporters": (sls(credentials=credentials),), "admin": {"listen": "127.0.0.1:0"}}))
    request = traces(1)
    for key in ATTRIBUTES:
        one = request.resource_spans[0].resource.attributes.add()
        one.key, one.value.string_value = key, "of-the-application"
    answer = gate.request("POST", "/v1/traces", request.SerializeToString(), {"Content-Type": "application/x-protobuf"})
    assert answer.status == 200
    service.wait_spans(1)
    keys = {k: v for k, v in service.spans[0].resource.items() if k.startswith("sls.otel.")}
    assert keys == (ATTRIBUTES if credentials == "attributes" else {})
    assert credentials == "attributes" or all(service.requests[0].metadata[k] == v for k, v in HEADERS.items())


def test_http(make_gate, authority):
    server = authority.issue("sls-http")
    sink = HttpSink(tls=(server.key, server.cert, None))
    gate = make_gate(exporters=[{"type": "sls", "protocol": "http", "endpoint": sink.endpoint, "tls": {"ca": str(authority.path)}, **KEY, **QUICK}])
    send(gate, 2)
    sink.wait_spans(2)
    assert sink.requests[0].path == "/opentelemetry/v1/traces"
    assert all(sink.requests[0].headers[k] == v for k, v in HEADERS.items())
    sink.script(Status(403, {"Content-Type": "application/json"}, b'{"errorCode":"SignatureNotMatch","errorMessage":"no"}'))
    send(gate, 2)
    sink.wait_spans(4)
    gate.stop()
    sink.close()
    assert "access_key_secret does not belong to access_key_id" in gate.stderr


def test_a_wrong_key_is_said_once_and_nothing_is_lost(make_gate, service, sls):
    gate = make_gate(exporters=[sls(access_key_id="LTAI-wrong")], settings={"shutdown_timeout": "300ms"})
    for _ in range(4):
        send(gate)
    gate.wait_stderr("SLS does not know this access key")
    gate.stop(expect=3)
    assert gate.stderr.count("SLS does not know this access key") == 1
    assert service.count() == 0 and gate.ledger.exporter("sls")["dropped", "shutdown"] == 12


@pytest.mark.parametrize("words, remedy", [
    ("ProjectNotExist: The Project does not exist", "check project, and the region in endpoint"),
    ("LogStoreNotExist: logstore my-traces-traces does not exist", "check instance"),
    ("RequestTimeTooSkewed: ...", "clock is off"),
])
def test_what_is_wrong_is_explained(make_gate, service, sls, words, remedy):
    service.script(Fail(StatusCode.INVALID_ARGUMENT, words))
    gate = make_gate(exporters=[sls()])
    spans = send(gate)
    service.wait_spans(3)
    gate.stop()
    assert remedy in gate.stderr and ids(service.spans) == ids(spans)


def test_a_quota_is_waited_out(make_gate, service, sls):
    service.script(Fail(StatusCode.PERMISSION_DENIED, "WriteQuotaExceed: Write quota is exceeded"))
    gate = make_gate(exporters=[sls()])
    spans = send(gate)
    service.wait_spans(3)
    gate.stop()
    assert service.requests[1].at - service.requests[0].at >= 5
    assert ids(service.spans) == ids(spans) and "quota" in gate.stderr.lower()


def test_stdout_as_endpoint_prints_without_the_key(make_gate):
    gate = make_gate(exporters=[{"type": "sls", "endpoint": "stdout", "credentials": "attributes", **KEY, **QUICK}])
    send(gate, 2)
    gate.wait_stdout(lambda text: "resource" in text, "a span")
    gate.stop()
    assert "shop" in gate.stdout and "s3cr3t" not in gate.stdout + gate.stderr


def test_an_empty_endpoint_uploads_nothing(make_gate):
    gate = make_gate(exporters=[{"type": "sls", "endpoint": "", **QUICK}])
    send(gate, 2)
    gate.stop()
    assert gate.ledger.exporter("sls") == {("dropped", "discarded"): 2} and not gate.stdout


def test_mistakes_are_said_and_the_key_is_not(tmp_path):
    conf = tmp_path / "sls.conf"
    conf.write_text('exporters = ( { type = "sls"; endpoint = "http://cn-hangzhou.log.aliyuncs.com:10010"; project = "p";\n'
                    'access_key_secret = "s3cr3t-of-the-key"; } );\n')
    out = subprocess.run([BINARY, "check", "-c", conf], capture_output=True, text=True, check=False)
    assert out.returncode == 2
    for mistake in ("instance: is missing", "access_key_id: is missing", "over TLS only: write https://"):
        assert mistake in out.stderr, out.stderr
    assert "s3cr3t" not in out.stdout + out.stderr


def test_the_service_is_not_asked_by_a_wrong_name(make_gate, service, sls, authority):
    """The certificate of the stand-in is for 127.0.0.1; a server name of somebody else's must fail before any header is sent."""
    tls = {"ca": str(authority.path), "server_name": "other.example"}
    gate = make_gate(exporters=[sls(tls=tls)], settings={"shutdown_timeout": "300ms"})
    send(gate)
    gate.wait_stderr("exporter=sls")
    gate.stop(expect=3)
    assert not service.requests
