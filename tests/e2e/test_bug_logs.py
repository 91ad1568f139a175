# SPDX-License-Identifier: Apache-2.0
"""Log lines of public samples and bug reports, each file of tests/data/bugs/logs a case, through the real binary: a file or a request
without a script (`zero`, `http`), a datagram (`syslog`), a shipped script (`pipeline`). tests/data/bugs/README.md says what a file holds."""
import datetime
import json
import os
import pathlib
import re
import socket
import subprocess

import pytest

from ddgate import BINARY, ROOT, Ddgate, conf_value, free_port
from log_sink import LogSink

OWN = ROOT / "tests" / "data" / "bugs" / "logs"
SHARED = pathlib.Path(os.environ.get("DDGATE_SHARED", ROOT.parent / "shared")) / "fixtures" / "bugs" / "logs"
MODES = ("zero", "http", "syslog", "pipeline")


def cases():
    files = {path.stem: path for folder in (SHARED, OWN) if folder.exists() for path in folder.glob("*.json")}
    read = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in sorted(files.items())}
    return {name: case for name, case in read.items() if case["mode"] in MODES}


CASES = cases()


def nanoseconds(text):
    """RFC 3339 with Z and up to nine digits."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    seconds = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc).timestamp()
    return int(seconds) * 10**9 + int(fraction.ljust(9, "0"))


def zone_options(case):
    return {"timezone": case.get("timezone", "UTC"), **case.get("options", {})}


# --- the ways in: each gives back LogSink's records ---

def through(directory, receiver, put, wanted):
    """Records that come out of a receiver, and nothing more when it has ended."""
    with LogSink() as sink:
        exporter = {"type": "otlp_grpc", "endpoint": sink.endpoint, "signals": ["logs"], "batch": {"delay": "5ms"}, "join_wait": "0s"}
        rows = {"receivers": (receiver,), "exporters": (exporter,), "admin": {"listen": "127.0.0.1:0"}}
        with Ddgate(directory / "gate", conf="".join(f"{k} = {conf_value(v)};\n" for k, v in rows.items())) as gate:
            put(gate)
            sink.wait_records(wanted)
        return sink.records


def zero(directory, case):
    path = directory / case.get("file", "app.log")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(line + "\n" for line in case["lines"]), encoding="utf-8")
    receiver = {"type": "file", "path": [str(path)], "start": "beginning", "offsets": str(directory / "offsets"), **zone_options(case)}
    return through(directory, receiver, lambda _: None, len(case["expect"]["records"]))


def http(directory, case):
    port = free_port()
    receiver = {"type": "http", "listen": [f"127.0.0.1:{port}"], **zone_options(case)}

    def put(gate):
        gate.port = port
        body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
        headers = {"Content-Type": "application/json", **case.get("headers", {})}
        assert gate.request("POST", case.get("path", "/api/v2/logs"), body.encode(), headers).status < 300
    return through(directory, receiver, put, len(case["expect"]["records"]))


def syslog(directory, case):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    receiver = {"type": "syslog", "udp": [f"127.0.0.1:{port}"], "tcp": [], "socket": "", **zone_options(case)}

    def put(_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for line in case["lines"]:
                s.sendto(line.encode(), ("127.0.0.1", port))
    return through(directory, receiver, put, len(case["expect"]["records"]))


def wrong_in_record(record, want):
    """What differs, in words. `record` is LogSink's."""
    fields = {"time": lambda r: r.time, "sev": lambda r: r.severity, "sev_text": lambda r: r.severity_text, "scope": lambda r: r.scope,
              "trace": lambda r: r.trace_id, "span": lambda r: r.span_id, "body": lambda r: r.body}
    for key, value in want.items():
        if key == "time":
            value = nanoseconds(value) if value else 0
        if key in fields:
            if fields[key](record) != value:
                yield f"{key} is {fields[key](record)!r}, not {value!r}"
        elif key in ("attr", "res"):
            have = record.attributes if key == "attr" else record.resource
            yield from (f"{key} {k} is {have.get(k)!r}, not {v!r}" for k, v in value.items() if have.get(k) != v)
        elif key in ("no_attr", "no_res"):
            have = record.attributes if key == "no_attr" else record.resource
            yield from (f"{k} is there: {have[k]!r}" for k in value if k in have)
        elif key == "not_host":
            if record.resource.get("host.name") == value:
                yield f"host.name is {value!r}"
        elif key == "body_end":
            if not record.body.endswith(value):
                yield f"the body does not end with {value!r}: {record.body!r}"
        else:
            raise AssertionError(f"{key}: no such expectation")


# --- a shipped script ---

def pipeline(directory, case):
    script = case["script"]
    path = ROOT / "conf" / "pipelines" / script.removeprefix("conf:")
    if not script.startswith("conf:"):
        path = directory / "script.p"
        path.write_text(script, encoding="utf-8")
    command = [BINARY, "pipeline", "--script", path, "--timezone", case.get("timezone", "UTC")]
    if "source_name" in case:
        command += ["--source", case["source_name"]]
    done = subprocess.run(command, input="".join(line + "\n" for line in case["lines"]), capture_output=True, encoding="utf-8",
                          check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def wrong_in_point(point, want):
    for key, value in want.items():
        if key == "time":
            if point.get("time") != nanoseconds(value):
                yield f"time is {point.get('time')}, not {nanoseconds(value)}"
        elif key == "fields":
            have = {**point["tags"], **point["fields"]}
            yield from (f"{k} is {have.get(k)!r}, not {v!r}" for k, v in value.items() if have.get(k) != v)
        else:
            raise AssertionError(f"{key}: no such expectation")


def match(records, wanted, wrong):
    """Each expectation takes the record that fits it best: records of different resources come in no order."""
    left, complaints = list(records), []
    if len(records) != len(wanted):
        return [f"{len(records)} records, not {len(wanted)}"]
    for want in wanted:
        best = min(left, key=lambda r: len(list(wrong(r, want))))
        left.remove(best)
        complaints += wrong(best, want)
    return complaints


@pytest.mark.parametrize("name", CASES)
def test_case(tmp_path, name):
    case = CASES[name]
    wanted = case["expect"]["records"]
    records = {"zero": zero, "http": http, "syslog": syslog, "pipeline": pipeline}[case["mode"]](tmp_path, case)
    complaints = match(records, wanted, wrong_in_point if case["mode"] == "pipeline" else wrong_in_record)
    assert not complaints, records


def test_every_case_says_what_it_is():
    for path in OWN.glob("*.json"):
        case = json.loads(path.read_text(encoding="utf-8"))
        assert case["id"] == path.stem and case["kind"] and case["why"] and "expect" in case
    assert re.search(r"`zero`", (OWN.parent / "README.md").read_text(encoding="utf-8"))
