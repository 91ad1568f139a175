# SPDX-License-Identifier: Apache-2.0
"""`ddgate tap` beside a running ddgate: lines, trees, JSON; filters; tokens; restarts; readers that leave."""
import itertools
import json
import signal
import subprocess
import threading

import pytest
from ddgate import BINARY, Ddgate, conf_text, free_port
from payloads import span, v04
from sinks import PATIENCE, Timeout

UPPER = "6b00e75f00000000"
JSON = {"Content-Type": "application/json"}
HOSTILE = "GET /\x1b[2J\u202e\n<b>"
ids = itertools.count(5000)


class Gate(Ddgate):
    """Takes traces and logs; its admin listener has a port that tap can be told."""

    def __init__(self, directory, port=None, api_port=None, **admin):
        port = port or free_port()
        self.api_port = api_port or free_port()
        listen = [f"127.0.0.1:{port}"]
        super().__init__(directory, port=port, conf=conf_text({
            "receivers": ({"type": "ddtrace", "listen": listen, "socket": ""}, {"type": "http", "listen": listen}),
            "exporters": ({"type": "blackhole"},), "admin": {"listen": f"127.0.0.1:{self.api_port}", **admin}}))

    def trace(self, resource, service="web", error=0):
        trace = next(ids)
        common = {"trace_id": trace, "service": service, "meta": {"_dd.p.tid": UPPER}}
        root = span(resource=resource, name="web.request", type="web", span_id=trace, error=error, duration=12_400_000, **common)
        child = span(resource="render", name="render", span_id=trace + 10**6, parent_id=trace, **{**common, "service": "db"})
        assert self.put("/v0.4/traces", v04([root, child])).status == 200
        return f"{UPPER}{trace:016x}"

    def log(self, message, status="info", trace=None):
        record = {"message": message, "service": "web", "status": status, "order": 42}
        if trace:
            record |= {"dd.trace_id": str(int(trace[16:], 16)), "dd.span_id": str(int(trace[16:], 16))}
        assert self.request("POST", "/api/v2/logs", json.dumps([record]).encode(), JSON).status == 202


class Tap:
    def __init__(self, *args):
        self.process = subprocess.Popen([BINARY, "tap", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.text = {"out": "", "err": ""}
        self.changed = threading.Condition()
        for name, pipe in (("out", self.process.stdout), ("err", self.process.stderr)):
            threading.Thread(target=self._read, args=(name, pipe), daemon=True).start()

    def _read(self, name, pipe):
        for line in pipe:
            with self.changed:
                self.text[name] += line.decode()
                self.changed.notify_all()

    def wait(self, condition, name="out", feed=None):
        """`feed` is called again and again: what came before tap had connected is not shown."""
        with self.changed:
            for _ in range(int(PATIENCE * 4)):
                if self.changed.wait_for(lambda: condition(self.text[name]), 0.25):
                    return self.text[name]
                if feed:
                    feed()
        raise Timeout(f"tap did not show it: {self.text}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(PATIENCE)


@pytest.fixture(scope="module")
def gate(tmp_path_factory):
    with Gate(tmp_path_factory.mktemp("gate"), recent="4MiB") as running:
        yield running


def address(gate):
    return ("--admin", f"http://127.0.0.1:{gate.api_port}/")


def test_a_line_for_each_trace_and_record(gate):
    with Tap(*address(gate)) as tap:
        trace = gate.trace("GET /orders", error=1)
        tap.wait(lambda t: "GET /orders" in t, feed=lambda: gate.trace("GET /orders", error=1))
        text = tap.wait(lambda t: "order is there" in t, feed=lambda: gate.log("order is there", "error", trace))
    line = next(row for row in text.splitlines() if "GET /orders" in row)
    assert "12.4ms  web  GET /orders  2 spans · 1 error" in line and " · db" in line and line.split()[-1].startswith(UPPER), line
    line = next(row for row in text.splitlines() if "order is there" in row)
    assert "  web  order is there" in line and "order=42" in line and line.endswith(f" · trace …{trace[-8:]}"), line
    assert "\x1b" not in text  # no terminal, no colours


def test_the_filter_is_the_servers(gate):
    with Tap(*address(gate), "--traces", "service:web", "-/quiet", "status:error") as tap:
        def feed():
            gate.trace("GET /quiet", error=1)
            gate.trace("GET /good")
            gate.trace("GET /elsewhere", service="cron", error=1)
            gate.trace("GET /loud", error=1)
        text = tap.wait(lambda t: "GET /loud" in t, feed=feed)
    assert "/quiet" not in text and "/good" not in text and "/elsewhere" not in text


def test_trees_with_their_logs(gate):
    with Tap(*address(gate), "--tree") as tap:
        text = tap.wait(lambda t: "» info" in t and "render" in t, feed=lambda: gate.log("in the tree", trace=gate.trace("GET /tree")))
    assert "server GET /tree [web]" in text and "─ render [db]" in text and "» info  in the tree" in text, text


def test_json_and_otlp(gate):
    with Tap(*address(gate), "--json", "--traces", "json-trace") as tap:
        text = tap.wait(lambda t: "\n" in t, feed=lambda: gate.trace("json-trace"))
    row = json.loads(text.splitlines()[0])
    assert row["root"] == "json-trace" and row["spans"] == 2
    with Tap(*address(gate), "--otlp", "otlp-trace") as tap:
        text = tap.wait(lambda t: "otlp-trace" in t, feed=lambda: gate.trace("otlp-trace"))
    spans = [s for r in json.loads(text.splitlines()[0])["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]
    assert {s["name"] for s in spans} == {"otlp-trace", "render"}


@pytest.mark.parametrize("how", [(), ("--json",), ("--otlp",), ("--tree",)])
def test_hostile_names_are_inert(gate, how):
    with Tap(*address(gate), "--color", "never", *how, "<b>") as tap:
        def feed():
            gate.trace(HOSTILE)
            gate.log(HOSTILE)
        text = tap.wait(lambda t: "b>" in t or "u003cb" in t, feed=feed)
    assert "\x1b" not in text and "\u202e" not in text
    if how in ((), ("--tree",)):
        assert "\\x1b[2J\\u202e\\n<b>" in text, text


def run(*args):
    return subprocess.run([BINARY, "tap", *args], capture_output=True, text=True, check=False, timeout=PATIENCE)


def test_wrong_arguments(gate):
    for args, words in [(("--colour",), "no such option: --colour"), (("--color", "red"), "auto, always or never"), (("-c",), "wants a file"),
                        (("--tree", "--json"), "one can be there"), (("--otlp", "--logs"), "is for traces"), (("--admin", "https://x"), "has no TLS")]:
        done = run(*args)
        assert done.returncode in (1, 2) and words in done.stderr and not done.stdout, done
    done = run(*address(gate), "min:soon")
    assert done.returncode == 2 and f'127.0.0.1:{gate.api_port}: 400: filter: "soon": want a duration' in done.stderr, done.stderr
    assert "--admin URL" in run("--help").stdout


def test_there_is_nothing_to_ask(tmp_path):
    port = free_port()
    done = run("--admin", f"127.0.0.1:{port}")
    assert done.returncode == 1 and f"127.0.0.1:{port}: Connection refused" in done.stderr and "Is ddgate running there?" in done.stderr
    with Gate(tmp_path, page=False) as gate:
        done = run(*address(gate))
        assert done.returncode == 1 and ": 404: " in done.stderr and "admin.page = true" in done.stderr, done.stderr


def test_a_token_comes_from_the_configuration(tmp_path):
    with Gate(tmp_path, auth={"token": "s3cret-of-the-listener"}) as gate:
        done = run(*address(gate))
        assert done.returncode == 1 and ": 401: " in done.stderr and "-c FILE" in done.stderr, done.stderr
        with Tap("-c", str(gate.directory / "ddgate.conf")) as tap:
            tap.wait(lambda t: "GET /secret" in t, feed=lambda: gate.trace("GET /secret"))
        assert "s3cret" not in done.stderr + tap.text["err"] + tap.text["out"]


def test_it_outlives_ddgate(tmp_path):
    with Gate(tmp_path) as gate:
        with Tap(*address(gate)) as tap:
            tap.wait(lambda t: "GET /before" in t, feed=lambda: gate.trace("GET /before"))
            gate.stop()
            tap.wait(lambda t: "tap goes on when ddgate is back" in t, "err")
            with Gate(tmp_path / "again", gate.port, gate.api_port) as again:
                tap.wait(lambda t: "it is back" in t, "err")
                tap.wait(lambda t: "GET /after" in t, feed=lambda: again.trace("GET /after"))


def test_it_ends_when_its_reader_leaves(gate):
    """Also while nothing comes."""
    tap = subprocess.Popen([BINARY, "tap", *address(gate), "nothing-has-this-name"], stdout=subprocess.PIPE)
    tap.stdout.close()
    assert tap.wait(PATIENCE) == -signal.SIGPIPE
