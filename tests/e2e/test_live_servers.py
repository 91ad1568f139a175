# SPDX-License-Identifier: Apache-2.0
"""What servers and loggers really write, as Debian ships them, read from their files without a word of configuration: of each line the time, the level, the logger
or the program are those that its form says (programs.py). What follows a line and is none by itself, such as a stack trace, stands in the record before it."""
import collections

import pytest

import machine
from ddgate import ROOT, Ddgate, conf_text, grpc
from log_sink import LogSink
from programs import LOGS

pytestmark = pytest.mark.skipif(machine.why_not() is not None, reason=str(machine.why_not()))


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """The /var/log of a machine on which all of them ran."""
    folder = tmp_path_factory.mktemp("machine") / "log"
    machine.run(folder, sorted({log.program for log in LOGS}))
    return folder


@pytest.fixture(scope="module")
def seen(logs, tmp_path_factory):
    """Records by file, of all files in one run."""
    directory, files = tmp_path_factory.mktemp("gate"), {path for log in LOGS for path in logs.glob(log.files)}
    receiver = {"type": "file", "path": sorted(map(str, files)), "start": "beginning", "offsets": str(directory / "offsets"), "timezone": "UTC"}
    rows = {"receivers": (receiver,), "admin": {"listen": "127.0.0.1:0"}}
    last = {str(path): path.read_text(encoding="utf-8").rstrip()[-9:] for path in files}
    with LogSink() as sink, Ddgate(directory, conf=conf_text({**rows, "exporters": (grpc(sink),)})) as gate:
        sink.wait(lambda s: all(any(r.attributes["log.file.path"] == path and end in r.body for r in s._records) for path, end in last.items()),
                  "the last line of each file")
        gate.stop()
        by_file = collections.defaultdict(list)
        for record in sink.records:
            by_file[record.attributes["log.file.path"]].append(record)
    return by_file


def first_line(record):
    return record.body.split("\n")[0].strip()


def wrong(log, lines, records):
    """What is not as its form says, in words."""
    left, text = list(records), "\n".join(str(r.body) for r in records)
    for line in filter(str.strip, lines):
        want = log.expected(line)
        if want is None:
            if line.strip() not in text:
                yield f"{line!r} is nowhere"
            continue
        same = [r for r in left if first_line(r) == want.text]
        found = next((r for r in same if mistakes(r, want) == {}), None)
        if found:
            left.remove(found)
        else:
            yield f"{line!r}: {mistakes(same[0], want) if same else 'no record'}"
    for record in left:
        yield f"{first_line(record)!r} is a record"


def mistakes(record, want):
    have = {"time": record.time if want.time else 0, "severity": record.severity, "logger": record.scope, "program": record.attributes.get("syslog.appname", "")}
    return {k: (v, getattr(want, k)) for k, v in have.items() if v != getattr(want, k)}


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.files)
def test_each_line_is_what_its_form_says(logs, seen, log):
    files = sorted(logs.glob(log.files))
    assert files, [(p.name, p.read_text(encoding="utf-8")[-2000:]) for p in logs.glob(f"{log.program}.printed")]
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines and any(log.expected(line) for line in lines)
        complaints = list(wrong(log, lines, seen[str(path)]))
        assert complaints == [], "\n".join(complaints[:20])
    said = [(r.severity, str(r.body)) for path in files for r in seen[str(path)]]
    for severity, words in log.bad:
        assert any(s == severity and words in body for s, body in said), (severity, words)


def row(name, records):
    """Of the page's table: how many records of these have a time, a level, and a logger or program."""
    def share(has):
        return f"{100 * sum(bool(has(r)) for r in records) // len(records)} %"
    named = share(lambda r: r.scope or r.attributes.get("syslog.appname"))
    return f"| {name} | {share(lambda r: r.time and r.time != r.observed)} | {share(lambda r: r.severity_text)} | {named} |"


def test_the_page_has_each_of_them(logs, seen):
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    table = page[page.index("test_live_servers.py"):]
    for name in dict.fromkeys(log.name for log in LOGS):
        line = row(name, [r for log in LOGS if log.name == name for path in logs.glob(log.files) for r in seen[str(path)]])
        print(line)
        assert name.rsplit(" -o ")[-1].split(",")[-1].strip() in table, line
