# SPDX-License-Identifier: Apache-2.0
"""The live page of the admin listener in a real Chromium: what a person does who looks for what is wrong with a trace. Each test ends
with the browser's console: no error, and nothing that Content-Security-Policy had to forbid."""
import json
import os
import pathlib
import subprocess

import payloads
import pytest
import recordings
from browser import Page, chromium
from ddgate import ROOT, free_port

FLASK = ROOT / "tests" / "data" / "recordings" / "ddtrace-3.19.9" / "default-long"
PICTURES = os.environ.get("DDGATE_SCREENSHOTS")  # a folder: docs/img/page-*.png are written there
HOSTILE = "<img src=x onerror=document.title='owned'><script>1</script>\u202egnp\u2066 \x1b[31mred\u200b\x07"
UNHURT = "<img src=x onerror=document.title='owned'><script>1</script>U+202EgnpU+2066 ␛[31mredU+200B␇"
ROWS = ".waterfall .space > .row"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    browser = chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.quit()


@pytest.fixture
def seen(make_gate):
    """A gateway that takes traces and logs on one port, as without a configuration file, and keeps recent data from the start."""
    port = free_port()
    listen = [f"127.0.0.1:{port}"]
    return make_gate(port=port, settings={
        "receivers": ({"type": "ddtrace", "listen": listen, "socket": "", "keep_rejected": True}, {"type": "http", "listen": listen}),
        "admin": {"listen": "127.0.0.1:0", "recent": "16MiB"}})


@pytest.fixture
def page(driver, seen):
    one = Page(driver, f"http://127.0.0.1:{seen.admin_port}")
    one.script("try { localStorage.clear() } catch {}")
    one.media(prefers_color_scheme="light")
    yield one
    assert one.complaints() == []


@pytest.fixture(scope="module")
def flask():
    """A request of a Flask application as ddtrace sent it, and its spans as an independent decoder reads them."""
    request = next(r for r in recordings.load("flask", FLASK) if any(len(spans) > 5 for spans in r.chunks))
    return request, max(request.chunks, key=len)


def send(gate, request):
    assert gate.request(request.method, request.path, request.body, request.headers).status == 200


def log(gate, *records):
    answer = gate.request("POST", "/api/v2/logs", json.dumps(list(records)).encode(), {"Content-Type": "application/json"})
    assert answer.status in (200, 202), answer


def root_of(spans):
    ids = {s["span_id"] for s in spans}
    return next(s for s in spans if s["parent_id"] not in ids)


def trace_id(spans):
    upper = next((s["meta"]["_dd.p.tid"] for s in spans if "_dd.p.tid" in s["meta"]), "")
    return f"{upper:0>16}{int(spans[0]['trace_id']):016x}"


def picture(page, name):
    """For the documentation, where it is asked for."""
    if PICTURES:
        page.driver.save_screenshot(str(pathlib.Path(PICTURES) / f"page-{name}.png"))


@pytest.fixture
def opened(page, seen, flask):
    """The waterfall of the Flask trace, which has two log lines: one of its root, one of a child."""
    request, spans = flask
    root = root_of(spans)
    child = next(s for s in spans if s["parent_id"] == root["span_id"])
    send(seen, request)
    for span, status, text, at in ((root, "info", "hello from the view", 0), (child, "error", "it broke", 1)):
        log(seen, {"service": span["service"], "message": text, "status": status, "dd.trace_id": trace_id(spans), "dd.span_id": str(span["span_id"]),
                   "timestamp": int(span["start"]) // 1_000_000 + 1 + at})
    page.open(f"#/traces?filter=trace:{trace_id(spans)}")
    page.wait(lambda: "2" in page.texts(".traces .space .row .number:nth-of-type(8)"), "a trace with two log lines")
    page.click(".traces .space .row")
    page.wait(lambda: len(page.all(ROWS)) >= len(spans), "its spans")
    return page


def test_a_trace_comes_live_and_is_filtered_and_opened(page, seen, flask):
    request, spans = flask
    page.open()
    page.wait_text("Nothing yet")
    page.wait_text("live")
    send(seen, request)
    row = page.wait(lambda: page.texts(".traces .space .row"), "the trace, without a reload")[0]
    root = root_of(spans)
    assert root["service"] in row and root["resource"] in row and str(len(spans)) in row
    page.type(".bar input", f"service:{root['service']} -status:error\n")
    page.wait(lambda: "filter=service" in page.fragment and page.all(".traces .space .row"), "the trace under its filter")
    page.type(".bar input", "service:nobody\n")
    page.wait_text("None of the recent traces match")
    page.click(".empty button", "Show all")
    page.wait(lambda: page.all(".traces .space .row"), "all traces")
    page.expected.append("400")
    page.type(".bar input", "min:fast\n")
    words = page.wait(lambda: page.script("const e = document.querySelector('.wrong'); return !e.hidden && e.textContent"), "what is wrong with the filter")
    assert "fast" in words


def test_pause_holds_what_comes(page, seen):
    page.open()
    page.wait_text("live")
    page.key("p")
    page.wait_text("paused, 0 new")
    seen.put("/v0.4/traces", payloads.v04(payloads.trace(1, resource="held back")))
    page.wait_text("paused, 1 new")
    assert not page.all(".traces .space .row")
    page.key("p")
    page.wait_text("held back")


def test_the_waterfall_of_a_flask_trace_has_its_log_lines(opened, flask):
    _, spans = flask
    root = root_of(spans)
    assert opened.texts(f"{ROWS} .name")[0] == root["resource"]
    assert len(opened.all(ROWS)) == len(spans)
    marked = opened.script(
        "return [...document.querySelectorAll(arguments[0])].map((r) => [r.ariaLevel, ...[...r.querySelectorAll('.mark.log')].map((m) => m.title)])"
        ".filter((r) => r.length > 1)", ROWS)
    assert [(level, text.split(" ", 1)[1]) for level, text in marked] == [("1", "hello from the view"), ("2", "it broke")]
    assert [line.split()[-1] for line in opened.texts(".trace-logs li .text")] == ["view", "broke"]
    assert opened.all(f"{ROWS} .path"), "no critical path"
    assert root["service"] in opened.texts(".legend li")[0]
    picture(opened, "trace")


def test_five_thousand_spans(page, seen):
    spans = payloads.trace(5000, name="many", resource="GET /many")
    for n, span in enumerate(spans):
        span["meta"]["step"] = f"number {n} of it"
        span["start"], span["duration"] = 1_700_000_000_000_000_000 + n * 1000, 5_000_000 if n == 0 else 900
    assert seen.put("/v0.4/traces", payloads.v04(spans)).status == 200
    page.open(f"#/trace/{trace_id(spans)}")
    page.wait(lambda: page.all(ROWS), "the trace")
    page.wait_text("5\u202f000 spans")
    assert len(page.all(ROWS)) < 100, "rows that nobody sees are in the document"
    took = page.script("const box = document.querySelector('.tools input'), from = performance.now(); box.value = 'NUMBER 4321 of'; box.dispatchEvent(new Event('input'));"
                       " return performance.now() - from")
    page.wait(lambda: page.texts(".hits") == ["1 of 1"] and page.all(f"{ROWS}.found"), "the span")
    assert took < 1000, f"{took} ms"
    page.key("f")
    page.one(".tools input").clear()
    page.one(".tools input").send_keys("number 77")
    page.wait(lambda: page.texts(".hits") == ["1 of 11"], "all that are found")


def test_a_thousand_traces_without_a_stutter(page, seen):
    for _ in range(10):
        assert seen.put("/v0.4/traces", payloads.v04(*[payloads.trace(2) for _ in range(100)])).status == 200
    page.open()
    page.wait_text("live, 1\u202f000 traces")
    assert len(page.all(".traces .space .row")) < 100
    slowest = page.driver.execute_async_script("""
        const done = arguments[0], list = document.querySelector('.traces');
        let last = performance.now(), slowest = 0, frames = 0;
        requestAnimationFrame(function step(now) {
          if (frames++ > 2) slowest = Math.max(slowest, now - last);
          last = now;
          list.scrollTop += 200;
          if (frames < 120) requestAnimationFrame(step); else done(slowest);
        });""")
    assert slowest < 250, f"a frame took {slowest} ms"


def test_dark_and_light(page):
    page.open()
    background = "return getComputedStyle(document.body).backgroundColor"
    light = page.script(background)
    page.media(prefers_color_scheme="dark")
    dark = page.script(background)
    assert light == "rgb(255, 255, 255)" and dark != light
    page.click("#theme")
    assert page.script(background) == light
    page.open()
    assert page.script(background) == light, "the choice is forgotten"
    page.key("d")
    assert page.script(background) == dark


def test_the_page_says_that_ddgate_has_gone(page, seen):
    page.open()
    page.wait_text("live")
    page.expected += ["ERR_", "Failed to load"]
    seen.stop()
    page.wait_text("no connection")


def test_a_token_is_asked_for_and_opens_everything(driver, make_gate):
    gate = make_gate(settings={"admin": {"listen": "127.0.0.1:0", "auth": {"token": "open-sesame"}}})
    assert gate.admin("/").status == gate.admin("/api/traces").status == 401
    page = Page(driver, f"http://anybody:open-sesame@127.0.0.1:{gate.admin_port}").open()
    page.wait_text("live")
    gate.put("/v0.4/traces", payloads.v04(payloads.trace(1, resource="for those who may")))
    page.wait_text("for those who may")
    assert page.complaints() == []


def test_headers_and_caching(seen):
    answer = seen.admin("/")
    assert answer.status == 200 and answer.type == "text/html"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer" and answer.headers["x-content-type-options"] == "nosniff"
    again = seen.admin("/", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert b"http://" not in answer.body and b"https://" not in answer.body


def test_the_page_can_be_turned_off(make_gate):
    gate = make_gate(settings={"admin": {"listen": "127.0.0.1:0", "page": False}})
    assert gate.admin("/").status == gate.admin("/page.js").status == 404
    assert "See what passes" not in gate.stderr
    assert gate.admin("/healthz").status == 200
