# SPDX-License-Identifier: Apache-2.0
"""A Datakit as far as an exporter sees it: takes POST /v1/write/CATEGORY, and reads the lines with InfluxData's grammar
(line_protocol_parser, which wraps the C library of another project)."""
import gzip
from urllib.parse import parse_qs, urlsplit

from http_sink import HttpSink, Posted, Status
from line_protocol_parser import parse_line


def split_lines(text):
    """A quoted field may hold line ends."""
    lines, start, quoted, skip = [], 0, False, False
    for at, c in enumerate(text):
        if skip:
            skip = False
        elif c == "\\":
            skip = True
        elif c == '"':
            quoted = not quoted
        elif c == "\n" and not quoted:
            lines.append(text[start:at])
            start = at + 1
    assert start == len(text), f"the last line does not end: {text[start:]!r}"
    return lines


class DatakitSink(HttpSink):
    """`lines` are those that it took, as {category: [text]}."""

    def __init__(self, **options):
        self.lines = {"tracing": [], "logging": [], "metric": []}
        super().__init__(**options)

    def arrived(self, path, headers, raw, act):
        with self._changed:
            try:
                url = urlsplit(path)
                body = gzip.decompress(raw) if headers.get("content-encoding") == "gzip" else raw
                category = url.path.removeprefix("/v1/write/")
                assert headers["content-type"] == "text/plain" and parse_qs(url.query)["precision"] == ["n"], (path, headers)
                self.requests.append(Posted(path, headers, raw, body.decode(), 0))
                if act is None or (isinstance(act, Status) and act.code < 300):
                    self.lines[category] += split_lines(body.decode())
            except Exception as fault:  # pylint: disable=broad-except
                self.faults.append(fault)
            self._changed.notify_all()

    def points(self, category):
        with self._changed:
            return [parse_line(line) for line in self.lines[category]]

    def wait_lines(self, category, n):
        self.wait(lambda s: len(s.lines[category]) >= n, f"{n} lines of {category}")
        return self.points(category)
