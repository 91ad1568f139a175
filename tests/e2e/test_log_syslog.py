# SPDX-License-Identifier: Apache-2.0
"""The syslog receiver with the clients that people use: util-linux's logger, Python's SysLogHandler, and devices' bytes."""
import datetime
import logging.handlers
import shutil
import socket
import subprocess
import time

import pytest

from ddgate import free_port
from log_sink import LogSink
from test_log_streams import dial, gateway

LOGGER = shutil.which("logger")


@pytest.fixture
def sink():
    with LogSink() as s:
        yield s


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Syslog:
    """A gateway with a syslog receiver on every kind of socket."""

    def __init__(self, directory, sink, **options):
        self.udp, self.tcp, self.socket = free_udp_port(), free_port(), str(directory / "log")
        receiver = {"type": "syslog", "udp": [f"127.0.0.1:{self.udp}"], "tcp": [f"127.0.0.1:{self.tcp}"], "socket": self.socket,
                    "timezone": "UTC", "parse": "none", **options}
        self._gate = gateway(directory, sink, receiver)

    def __enter__(self):
        self.gate = self._gate.__enter__()
        return self

    def __exit__(self, *args):
        return self._gate.__exit__(*args)

    def datagram(self, data):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(data, ("127.0.0.1", self.udp))


def ns(text):
    return int(datetime.datetime.fromisoformat(text).replace(tzinfo=datetime.timezone.utc).timestamp()) * 10**9


def test_rfc5424_over_udp(tmp_path, sink):
    with Syslog(tmp_path, sink) as log:
        log.datagram(b'<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 8710 ID47 [x@32473 iut="3" t="a\\"b"] \xef\xbb\xbfAn entry\nof two lines\n')
        r = sink.wait_records(1)[0]
    assert r.body == "An entry\nof two lines"
    assert r.time == ns("2003-10-11T22:14:15") + 3_000_000
    assert (r.severity, r.severity_text) == (10, "notice")
    assert r.resource["host.name"] == "mymachine.example.com"
    assert r.resource["service.name"] == "evntslog"
    assert r.attributes.pop("client.port") > 0
    assert r.attributes == {
        "client.address": "127.0.0.1", "datadog.log.source": "syslog", "syslog.facility": 20, "syslog.version": 1, "syslog.appname": "evntslog",
        "syslog.procid": "8710", "syslog.msgid": "ID47", "syslog.structured_data.x@32473.iut": "3", "syslog.structured_data.x@32473.t": 'a"b'}


def test_rfc3164_over_tcp(tmp_path, sink):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    stamp = now.strftime("%b %e %H:%M:%S")
    with Syslog(tmp_path, sink, service="ours") as log:
        with dial(log.tcp) as s:
            s.sendall(f"<34>{stamp} web1 su[7]: 'su root' failed\n".encode())
        r = sink.wait_records(1)[0]
    assert r.body == "'su root' failed"
    assert r.time == int(now.timestamp()) * 10**9
    assert (r.severity, r.severity_text) == (18, "crit")
    assert (r.resource["host.name"], r.resource["service.name"]) == ("web1", "ours")
    assert (r.attributes["syslog.appname"], r.attributes["syslog.procid"], r.attributes["syslog.facility"]) == ("su", "7", 4)


def test_what_the_text_shows_is_read_too(tmp_path, sink):
    """The service and ids of the tracer win over the tag; the severity is syslog's where the text names none."""
    with Syslog(tmp_path, sink, parse="auto") as log:
        log.datagram(b"<11>app[7]: order 7 failed [dd.service=shop dd.env=prod dd.version=1.2 dd.trace_id=1234567890 dd.span_id=42]")
        log.datagram(b'<14>app[7]: {"message": "hello", "level": "warning", "dd.service": "web"}')
        first, second = sink.wait_records(2)
    assert (first.resource["service.name"], first.severity_text, first.attributes["syslog.appname"]) == ("shop", "err", "app")
    assert int(first.trace_id, 16) == 1234567890 and int(first.span_id, 16) == 42
    assert (second.body, second.severity, second.resource["service.name"]) == ("hello", 13, "web")


def test_what_cannot_be_parsed_is_kept_whole(tmp_path, sink):
    lines = [b"no priority at all", b"<999>too much", b"<13>1 2026-13-01T00:00:00Z h a - - - bad month", b"{\"json\": true}"]
    with Syslog(tmp_path, sink) as log:
        for line in lines:
            log.datagram(line)
        records = sink.wait_records(4)
    assert sorted(r.body for r in records) == sorted(
        ["no priority at all", "<999>too much", "1 2026-13-01T00:00:00Z h a - - - bad month", "{\"json\": true}"])


def test_the_timezone_option_is_that_of_times_without_one(tmp_path, sink):
    with Syslog(tmp_path, sink, timezone="Asia/Shanghai") as log:
        log.datagram(b"<13>Nov 21 2025 16:30:00 h a: x")
        assert sink.wait_records(1)[0].time == ns("2025-11-21T08:30:00")


@pytest.mark.skipif(not LOGGER, reason="util-linux's logger is not here")
@pytest.mark.parametrize("way", [
    ["--udp", "--rfc5424"], ["--udp", "--rfc3164"], ["--tcp", "--rfc5424"], ["--tcp", "--rfc3164"],
    ["--tcp", "--rfc5424", "--octet-count"], ["--tcp", "--rfc3164", "--octet-count"], ["--socket"]], ids=" ".join)
def test_logger(tmp_path, sink, way):
    with Syslog(tmp_path, sink) as log:
        port = log.udp if "--udp" in way else log.tcp
        to = ["--socket", log.socket] if way == ["--socket"] else [*way, "--server", "127.0.0.1", "--port", str(port)]
        before = time.time_ns() - 2 * 10**9
        for line in ("first", "second: with a colon"):
            subprocess.run([LOGGER, *to, "--tag", "mytag", "--id=77", "--priority", "local3.warning", line], check=True)
        records = sink.wait_records(2)
    assert sorted(r.body for r in records) == ["first", "second: with a colon"]
    for r in records:
        assert (r.severity, r.severity_text) == (13, "warning")
        assert (r.attributes["syslog.facility"], r.attributes["syslog.appname"], r.attributes["syslog.procid"]) == (19, "mytag", "77")
        assert r.resource["service.name"] == "mytag"
        assert r.resource["host.name"].split(".")[0] == socket.gethostname().split(".")[0]
        assert "--rfc5424" not in way or before <= r.time <= time.time_ns()


@pytest.mark.parametrize("way", ["udp", "tcp", "unix"])
def test_python(tmp_path, sink, way):
    """logging.handlers.SysLogHandler: a priority, an ident if wanted, the text, a NUL."""
    with Syslog(tmp_path, sink) as log:
        address = log.socket if way == "unix" else ("127.0.0.1", log.udp if way == "udp" else log.tcp)
        handler = logging.handlers.SysLogHandler(address, facility="daemon", socktype=socket.SOCK_STREAM if way == "tcp" else socket.SOCK_DGRAM)
        handler.ident = "shop: "
        handler.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
        logger = logging.getLogger(f"syslog-{way}")
        logger.addHandler(handler)
        logger.error("no stock of %s", "tea")
        try:
            raise ValueError("why")
        except ValueError:
            logger.exception("failed")
        handler.close()
        records = sink.wait_records(2)
    first = records[0]
    assert (first.body, first.severity_text, first.resource["service.name"]) == ("ERROR no stock of tea", "err", "shop")
    assert first.attributes["syslog.facility"] == 3
    assert records[1].body.startswith("ERROR failed\nTraceback (most recent call last):\n") and records[1].body.endswith("ValueError: why")


FORMATS = {
    "%(asctime)s %(levelname)s [%(name)s] [%(filename)s:%(lineno)d] [dd.service=shop dd.trace_id=6b0159f8000000006be0a7e88a5dbf4d] - %(message)s":
        "no stock\nof tea",
    "%(asctime)s - %(name)s - %(levelname)s - %(message)s": "no stock\nof tea",
    "%(asctime)s %(levelname)s %(message)s": "no stock\nof tea",
    "%(levelname)s:%(name)s:%(message)s": "no stock\nof tea",
    "[%(asctime)s] %(levelname)s in %(module)s: %(message)s": None,
    "%(asctime)s %(name)s %(levelname)s %(message)s": None,
    "%(name)s %(process)d %(message)s": None,
    "%(message)s": "no stock\nof tea",
}


@pytest.mark.parametrize("way", ["udp", "tcp", "unix"])
@pytest.mark.parametrize("format", FORMATS)
def test_python_with_any_format(tmp_path, sink, way, format):
    """Whatever it writes: no host is made of it, a newline ends no message, and nothing of it is missing."""
    with Syslog(tmp_path, sink, parse="auto") as log:
        address = log.socket if way == "unix" else ("127.0.0.1", log.udp if way == "udp" else log.tcp)
        handler = logging.handlers.SysLogHandler(address, socktype=socket.SOCK_STREAM if way == "tcp" else socket.SOCK_DGRAM)
        handler.setFormatter(logging.Formatter(format))
        logger = logging.getLogger("shop.cart")
        logger.handlers, logger.propagate = [handler], False
        for _ in range(3):
            logger.error("no stock\nof %s", "tea")
        handler.close()
        records = sink.wait_records(3)
    assert len(records) == 3
    for r in records:
        assert r.resource["host.name"] == socket.gethostname()
        assert r.body.endswith("no stock\nof tea") and FORMATS[format] in (None, r.body)
        assert r.severity == 17
        assert "thread.name" not in r.attributes


DEVICES = [
    # what comes, and host.name, syslog.appname, the body; the machine's own name where the message has none
    (b"<14> Apr 25 16:43:29 SW1-1 General[procLOG]: main.c(257) Stopping", "SW1-1", "General", "main.c(257) Stopping"),
    (b"<14>Nov 21 08:00:00 2026 UTC host1 app[1]: x", "host1", "app", "x"),
    (b"<134>2026-11-28T15:06:25.247994+00:00 10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s 0/0/-1/-1/3004 503 217", None, None,
     "10.0.0.1:59196 [28/Nov/2026:15:06:22.243] f b/s 0/0/-1/-1/3004 503 217"),
    (b"<5>2026-11-28T15:06:25.247994+00:00 Proxy f started.", None, None, "Proxy f started."),
    (b"<187>Nov 28 15:06:25  nginx: bind() failed", None, "nginx", "bind() failed"),
    (b"<113>Nov 21 2026 08:00:00 : %FTD-1-430003: EventPriority: Low", None, None, "%FTD-1-430003: EventPriority: Low"),
    (b"<181>Nov 21 08:00:00 ise1 CISE_Passed_Authentications 0000000001 1 0 x", "ise1", "CISE_Passed_Authentications", "0000000001 1 0 x"),
]


@pytest.mark.parametrize("device", DEVICES, ids=lambda d: d[0][:40].decode())
def test_devices(tmp_path, sink, device):
    message, host, app, body = device
    with Syslog(tmp_path, sink) as log:
        log.datagram(message)
        r = sink.wait_records(1)[0]
    assert (r.resource["host.name"], r.attributes.get("syslog.appname"), r.body) == (host or socket.gethostname(), app, body)


def test_the_sockets_file(tmp_path, sink):
    with Syslog(tmp_path, sink, mode="0600") as log:
        assert (tmp_path / "log").stat().st_mode & 0o777 == 0o600
        log.gate.stop()
    assert not (tmp_path / "log").exists()
