# SPDX-License-Identifier: Apache-2.0
"""Logs that real clients send to Datadog's intake without an agent: Datadog's own API client for Python, and from Node winston with the
transports that Datadog's manual names, under dd-trace, so that they are joined to their traces."""
import os
import re
import subprocess

import clients
import pytest
from ddgate import Ddgate, conf_value, free_port, grpc
from log_sink import LogSink

KEY = "0123456789abcdef0123456789abcdef"
PYTHON = """
import sys
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem
c = Configuration(server_index=1)
c.api_key["apiKeyAuth"] = sys.argv[2]
c.server_variables.update({"name": sys.argv[1], "protocol": "http"})
with ApiClient(c) as client:
    for encoding in (ContentEncoding.IDENTITY, ContentEncoding.GZIP, ContentEncoding.DEFLATE):
        item = HTTPLogItem(ddsource="python", ddtags="env:prod,version:5.1", hostname="i-1", message=f"as {encoding}", service="payment",
                           status="warning", order={"id": 7})
        print(LogsApi(client).submit_log(HTTPLog([item]), ddtags="team:a", content_encoding=encoding))
"""
NODE = """
const tracer = require('dd-trace').init({ flushInterval: 100 })
const winston = require('winston')
const Datadog = require('datadog-winston')
const [port, key] = process.argv.slice(1)
const datadog = new Datadog({ apiKey: key, service: 'winston-app', ddsource: 'nodejs', hostname: 'node-1', ddtags: 'team:b' })
datadog.api = `http://127.0.0.1:${port}/v1/input/${key}`
const path = `/api/v2/logs?dd-api-key=${key}&ddsource=nodejs&service=winston-app`
const logger = winston.createLogger({ level: 'info', format: winston.format.json(), transports: [
  datadog, new winston.transports.Http({ host: '127.0.0.1', port: Number(port), path }) ] })
tracer.trace('work', { resource: 'the work' }, () => logger.warn('from node', { order: 42 }))
"""


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


def gateway(directory, logs, *exporters, receivers=()):
    """Traces and logs on one address; the logs want a key."""
    port = free_port()
    receivers = ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": ""},
                 {"type": "http", "listen": [f"127.0.0.1:{port}"], "auth": {"token": KEY}}, *receivers)
    rows = {"receivers": receivers, "exporters": (grpc(logs, name="logs", signals=["logs"]), *exporters)}
    return Ddgate(directory, conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items()), port=port)


def run(command, directory, **variables):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DD_", "OTEL_", "PYTHONPATH"))}
    return subprocess.run([str(part) for part in command], cwd=directory, env={**clean, **variables}, capture_output=True, text=True,
                          timeout=clients.START, check=False)


def test_datadogs_api_client_for_python(tmp_path, sink):
    python = clients.python_environment("datadog-api-client-2.62.0") / "python"
    with gateway(tmp_path / "gate", sink) as gate:
        done = run([python, "-c", PYTHON, f"127.0.0.1:{gate.port}", KEY], tmp_path)
        assert done.returncode == 0 and done.stdout == "{}\n" * 3, done.stderr
        records = sink.wait_records(3)
        refused = run([python, "-c", PYTHON, f"127.0.0.1:{gate.port}", "a" + KEY], tmp_path)
        assert refused.returncode and "ForbiddenException" in refused.stderr and "(403)" in refused.stderr
    assert [r.body for r in records] == ["as identity", "as gzip", "as deflate"]
    for record in records:
        assert record.resource == {"service.name": "payment", "service.version": "5.1", "deployment.environment.name": "prod",
                                   "host.name": "i-1"}
        assert (record.severity, record.severity_text) == (13, "warning")
        assert record.attributes["datadog.log.source"] == "python" and record.attributes["order"] == {"id": 7}
    assert KEY not in gate.stderr


def test_winston_under_dd_trace(tmp_path, sink, make_sink):
    traces = make_sink()
    with gateway(tmp_path / "gate", sink, grpc(traces, name="traces", signals=["traces"])) as gate:
        done = run(["node", "-e", NODE, "--", gate.port, KEY], tmp_path, NODE_PATH=str(clients.node_modules()), DD_LOGS_INJECTION="true",
                   DD_TRACE_AGENT_URL=f"http://127.0.0.1:{gate.port}", DD_SERVICE="winston-app", DD_ENV="testing", DD_VERSION="1.0")
        assert done.returncode == 0, done.stdout + done.stderr
        records = sink.wait_records(2)
        traces.wait(lambda s: s.spans, "the span")
    span = traces.spans[0]
    for record in records:
        assert (record.body, record.severity, record.attributes["order"]) == ("from node", 13, 42)
        assert (record.trace_id, record.span_id) == (span.trace_id, span.span_id), record
        assert (record.resource["service.name"], record.attributes["datadog.log.source"]) == ("winston-app", "nodejs")
        assert (record.resource["deployment.environment.name"], record.resource["service.version"]) == ("testing", "1.0")
    assert re.fullmatch("[0-9a-f]{8}0{8}[0-9a-f]{16}", span.trace_id), "the 128-bit id"
    assert any(r.attributes.get("team") == "b" and r.resource["host.name"] == "node-1" for r in records)
    assert KEY not in gate.stderr


FORMATS = {"brackets": None,  # as the example has it
           "words": "%(asctime)s %(levelname)s %(filename)s %(dd.service)s %(dd.trace_id)s %(funcName)s:%(lineno)s %(message)s"}
BASED = """
import logging, runpy, sys
usual = logging.basicConfig
logging.basicConfig = lambda **given: usual(**{**given, "filename": sys.argv[2], "format": sys.argv[3] or given["format"]})
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def flask_with_a_file(version, form, log, gate, directory):
    """The documented application, whose log goes to a file."""
    bin_ = clients.python_client(version)
    code = directory / "to_a_file.py"
    code.write_text(BASED)
    return clients.App(directory, [bin_ / "ddtrace-run", bin_ / "python", code, clients.ROOT / "examples" / "flask" / "app.py", log, FORMATS[form] or ""],
                       gate, "tcp", DD_SERVICE="python-app", DD_ENV="testing", DD_VERSION="1.0", DD_LOGS_INJECTION="true")


def of_requests(records):
    return [r for r in records if r.body in ("hello from the view", "about to fail")]


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("version", ["newest", "2.x"])
def test_the_log_file_of_flask_under_ddtrace(tmp_path, sink, make_sink, version, form):
    """The documented application in both documented formats, its log file tailed, its spans received: each line of a request is linked to
    the span that it was written in, and both say the same of who they are. Without a script."""
    traces, logs = make_sink(), tmp_path / "app"
    logs.mkdir()
    tail = {"type": "file", "path": [str(logs / "*.log")], "start": "beginning", "offsets": str(tmp_path / "offsets"), "source": "python"}
    with gateway(tmp_path / "gate", sink, grpc(traces, name="traces", signals=["traces"]), receivers=(tail,)) as gate:
        assert f"its log in {logs}/*.log\n" in gate.stderr
        app = flask_with_a_file(version, form, logs / "flask.log", gate, tmp_path)
        assert [app.get(path)[0] for path in ("/", "/fail", "/")] == [200, 500, 200]
        sink.wait(lambda s: len(of_requests(s.records)) == 3, "the log lines")
        traces.wait(lambda s: sum(not span.parent_id for span in s.spans) >= 3, "the spans")  # before the stop: 2.x's exit hook may lose some
        app.stop()
    spans = {(s.trace_id, s.span_id): s for s in traces.spans}
    by_trace = {s.trace_id: s for s in traces.spans}
    records = of_requests(sink.records)
    assert len({r.trace_id for r in records}) == 3
    for r in records:
        span = spans[(r.trace_id, r.span_id)] if form == "brackets" else by_trace[r.trace_id]
        root = next(s for s in traces.spans if s.trace_id == r.trace_id and not s.parent_id)
        assert root.attrs["url.path"] == ("/fail" if r.body == "about to fail" else "/")
        assert re.fullmatch("[0-9a-f]{8}0{8}[0-9a-f]{16}", r.trace_id), "the 128-bit id"
        assert r.span_id or form == "words", "that form has none"
        assert (r.severity, r.severity_text) == ((17, "ERROR") if r.body == "about to fail" else (9, "INFO"))
        assert (r.attributes["code.file.path"], r.attributes["log.file.name"]) == ("app.py", "flask.log")
        assert isinstance(r.attributes["code.line.number"], int)
        assert 0 <= r.observed - r.time < 60 * 10**9
        same = ("service.name", "service.version", "deployment.environment.name") if form == "brackets" else ("service.name",)
        assert {k: r.resource[k] for k in same} == {k: span.resource[k] for k in same}
        assert r.resource["service.name"] == "python-app"


@pytest.mark.parametrize("version", ["newest", "2.x"])
def test_the_same_lines_over_http(tmp_path, sink, make_sink, version):
    """What another shipper reads from the same file and posts to Datadog's intake is linked as well."""
    traces = make_sink()
    with gateway(tmp_path / "gate", sink, grpc(traces, name="traces", signals=["traces"])) as gate:
        app = flask_with_a_file(version, "brackets", tmp_path / "flask.log", gate, tmp_path)
        assert app.get("/")[0] == 200
        traces.wait(lambda s: any(not span.parent_id for span in s.spans), "the spans")
        app.stop()
        answer = gate.request("POST", "/api/v2/logs?ddsource=python", (tmp_path / "flask.log").read_bytes(),
                              {"Content-Type": "text/plain", "DD-API-KEY": KEY})
        assert answer.status == 202
        sink.wait(lambda s: of_requests(s.records), "the log line")
    (record,) = of_requests(sink.records)
    assert (record.trace_id, record.span_id) in {(s.trace_id, s.span_id) for s in traces.spans}
    assert (record.resource["service.name"], record.resource["deployment.environment.name"], record.resource["service.version"]) == (
        "python-app", "testing", "1.0")
