# SPDX-License-Identifier: Apache-2.0
"""`ddgate check --connect`: one test of each signal to each exporter, and what the backend said; nothing is stored, nothing repeated."""
import json
import os
import re
import subprocess
import time

import pytest
from ddgate import BINARY, conf_text, free_port, grpc
from grpc import StatusCode
from http_sink import Silence, Status
from metric_sink import MetricSink
from sinks import Fail


def check(tmp_path, exporters, code=0, **settings):
    conf = tmp_path / "ddgate.conf"
    conf.write_text(conf_text({"exporters": tuple(exporters), **settings}))
    done = subprocess.run([BINARY, "check", "--connect", "-c", str(conf)], capture_output=True, text=True, check=False, timeout=60,
                          stdin=subprocess.DEVNULL, env={**os.environ})
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout[done.stdout.index("\n  admin: "):]


def http(sink, **options):
    return {"type": "otlp_http", "endpoint": sink.endpoint, **options}


def test_each_signal_to_each_exporter(tmp_path, make_http_sink, sink):
    post = make_http_sink()
    with MetricSink() as metrics:
        text = check(tmp_path, [http(post, name="web", signals=["traces"]), grpc(sink, name="rpc", signals=["traces"]),
                                grpc(metrics, name="others", signals=["logs", "metrics"]), {"type": "blackhole"}])
        [point] = metrics.wait_points(1)
        assert point.name == "ddgate.check" and point.value == 1 and point.resource["service.name"] == "ddgate-check"
    for line in (r"web: took the span \(\d+ ms\)", r"others: took the log record \(\d+ ms\)", r"others: took the metric point \(\d+ ms\)",
                 r"rpc: took the span \(\d+ ms\)", r"blackhole: took the metric point"):
        assert re.search(line, text), text
    assert "rpc: took the log" not in text
    [span] = sink.spans
    assert span.name == "ddgate check" and span.resource["service.name"] == "ddgate-check" and span.attrs["ddgate.check"] is True
    assert [p.path for p in post.requests] == ["/v1/traces"]


def test_the_backends_words_and_the_remedy(tmp_path, make_http_sink):
    sink = make_http_sink()
    sink.script(Status(401))
    text = check(tmp_path, [http(sink, signals=["traces"], headers={"Api-Key": "a-secret-key"})], code=1)
    assert re.search(r"otlp_http: did not take the span \(\d+ ms\): .*401", text)
    assert "credentials" in text.lower() and "a-secret-key" not in text
    assert len(sink.requests) == 1


def test_a_service_that_does_not_know_the_key(tmp_path, sink):
    sink.script(Fail(StatusCode.UNAUTHENTICATED, "AccessKeyId not found"))
    text = check(tmp_path, [grpc(sink, signals=["traces"])], code=1)
    assert "UNAUTHENTICATED" in text and "AccessKeyId not found" in text


def test_a_busy_backend_is_asked_once_more(tmp_path, make_http_sink):
    sink = make_http_sink()
    sink.script(Status(503))
    assert "took the span" in check(tmp_path, [http(sink, signals=["traces"])])
    sink.script(Status(503), Status(503))
    assert "did not take the span" in check(tmp_path, [http(sink, signals=["traces"])], code=1)
    assert len(sink.requests) == 4


def test_nobody_and_nobody_who_answers(tmp_path, make_http_sink):
    sink = make_http_sink()
    sink.script(Silence())
    began = time.monotonic()
    text = check(tmp_path, [{"type": "otlp_http", "name": "away", "endpoint": f"http://127.0.0.1:{free_port()}", "signals": ["traces"]},
                            http(sink, name="mute", timeout="300ms", signals=["traces"])], code=1)
    assert "away: did not take the span" in text and "mute: did not take the span" in text
    assert time.monotonic() - began < 20
    sink.release()


def test_what_is_printed_is_the_test(tmp_path):
    text = check(tmp_path, [{"type": "stdout", "format": "otlp_json", "signals": ["logs"]}])
    [line] = [x for x in text.splitlines() if x.startswith("{")]
    record = json.loads(line)["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]
    assert record["attributes"] == [{"key": "ddgate.check", "value": {"boolValue": True}}] and "stdout: took the log record" in text


def test_the_disk_queue_is_left_alone(tmp_path):
    storage = tmp_path / "queue"
    storage.mkdir()
    check(tmp_path, [{"type": "blackhole"}], storage={"directory": str(storage)})
    assert not list(storage.iterdir())


def test_mistakes_come_first(tmp_path):
    conf = tmp_path / "ddgate.conf"
    conf.write_text('exporters = ( { type = "otlp_http"; endpoint = "nowhere"; } );\n')
    done = subprocess.run([BINARY, "check", "--connect", "-c", str(conf)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "took" not in done.stdout and "scheme" in done.stderr


@pytest.mark.parametrize("args", [["--connect"], ["health", "--connect"]])
def test_it_belongs_to_check(args):
    done = subprocess.run([BINARY, *args], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "--connect belongs to check" in done.stderr
