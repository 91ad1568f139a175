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
    for span, status, text, at in ((root, "info", "hello from the view", 0), (child, "error", "it broke", 0)):
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


def test_the_columns_of_a_span_are_what_was_recorded_and_what_was_sent(opened, seen, flask):
    _, spans = flask
    root = root_of(spans)
    opened.click(ROWS)
    opened.wait(lambda: opened.all(".column [data-tag]"), "the tags of the span")
    received = dict(opened.script("return [...document.querySelectorAll('[data-tag]')].map((r) => [r.querySelector('th').textContent, r.querySelector('.value').textContent])"))
    for name, text in root["meta"].items():
        assert received[name] == text
    assert {"service": root["service"], "resource": root["resource"]}.items() <= received.items()
    sent = dict(opened.script("return [...document.querySelectorAll('[aria-label=Sent] tr')].map((r) => [r.querySelector('th').textContent, r.querySelector('.value').textContent])"))
    for name, text in printed(seen, root["span_id"]).items():
        assert sent[name] == text, name
    fate = opened.script("return [...document.querySelectorAll('[data-tag]')].find((r) => r.querySelector('th').textContent === 'http.method').textContent")
    assert "http.request.method" in fate
    opened.wait(lambda: "stdout" in " ".join(opened.texts(".answers li")), "what the exporter answered")
    picture(opened, "span")


def printed(gate, span_id):
    """The attributes of a span, and of its resource, in OTLP/JSON on standard output, as texts."""
    hexadecimal = f"{int(span_id):016x}"
    gate.wait_stdout(lambda out: hexadecimal in out)
    for line in gate.stdout.splitlines():
        for group in json.loads(line).get("resourceSpans", []):
            for span in (s for scope in group["scopeSpans"] for s in scope["spans"] if s["spanId"] == hexadecimal):
                found = {a["key"]: next(iter(a["value"].values())) for a in span["attributes"] + group["resource"]["attributes"]}
                return {name: v if isinstance(v, str) else json.dumps(v) for name, v in found.items()}
    raise AssertionError(f"{hexadecimal} was not printed")


def test_why_a_tag_is_missing(opened):
    opened.click(ROWS)
    opened.type(".column h4 input", "http.method")
    opened.wait(lambda: opened.texts(".told") == ["1 received"], "the one tag")
    assert opened.script("return [...document.querySelectorAll('[data-tag]')].filter((r) => !r.hidden).length") == 1
    opened.click("[data-tag]:not([hidden]) .row-link")
    opened.wait(lambda: "http.method" in "".join(opened.texts(".reference tr.lit")), "its row of the reference")
    opened.key("Escape")
    opened.type(".column h4 input", "no.such.tag")
    opened.wait_text("Not received")


def test_find_and_keys_in_the_waterfall(opened, flask):
    _, spans = flask
    opened.key("f")
    opened.one(".tools input").send_keys("preprocess")
    opened.wait(lambda: opened.texts(".hits") == ["1 of 1"], "the span that is found")
    assert "preprocess" in opened.texts(f"{ROWS}.active .name")[0]
    opened.key("Escape", "Enter")
    opened.wait(lambda: "span=" in opened.fragment and opened.all(".span-panel .column"), "the span that is found, open")
    opened.key("Escape")
    opened.wait(lambda: "span=" not in opened.fragment and not opened.all(".below .span-panel"), "the span closed")
    opened.one(".tools input").clear()
    opened.script("document.querySelector('.waterfall').focus()")
    opened.key(*["ArrowLeft"] * 5)
    opened.wait(lambda: len(opened.all(ROWS)) < len(spans), "spans folded")
    opened.key("Escape")
    opened.wait(lambda: opened.fragment == "/traces", "the list")


def test_a_link_opens_a_span(opened, page):
    opened.click(ROWS)
    opened.wait(lambda: "span=" in opened.fragment, "the span in the address")
    link = opened.fragment
    page.open(f"#{link}")
    page.wait(lambda: page.all(".column [data-tag]"), "the span of the link")
    page.expected.append("404")
    page.open(f"#/trace/{'1' * 32}")
    page.wait_text("This trace is not here")


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


def test_what_is_hostile_is_inert_and_visible(page, seen):
    spans = payloads.trace(2, name=HOSTILE, resource=HOSTILE, service="shop<b>", meta={"env": "test", HOSTILE: HOSTILE, "_dd.p.tid": "64f0a1b200000000"})
    assert seen.put("/v0.4/traces", payloads.v04(spans)).status == 200
    log(seen, {"service": HOSTILE, "message": HOSTILE, "dd.trace_id": trace_id(spans), "dd.span_id": str(spans[0]["span_id"])})
    page.open()
    page.wait(lambda: any(UNHURT in text for text in page.texts(".traces .space .row .root")), "the name as it is")
    page.click(".traces .space .row")
    page.wait(lambda: UNHURT in page.texts(f"{ROWS} .name"), "the name in the waterfall")
    page.click(ROWS)
    page.wait(lambda: UNHURT in page.texts("[data-tag] th"), "the tag's name")
    page.script("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.click("button", "Copy as curl")
    command = page.script("return window.copied")
    assert command.isascii() and command.isprintable()
    said = subprocess.run(["sh", "-c", f"curl() {{ for last in \"$@\"; do :; done; printf %s \"$last\"; }}; {command}"], capture_output=True, text=True, check=True)
    assert json.loads(said.stdout)["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["name"] == HOSTILE and not said.stderr
    page.open("#/logs")
    page.click(".logs .space .row")
    page.wait(lambda: UNHURT in page.texts(".side .pairs .value"), "the record")
    assert not page.all("main img") and not page.all("main script") and not page.all("main b") and "owned" not in page.driver.title


def test_log_lines_beside_their_records(page, seen, flask):
    request, spans = flask
    send(seen, request)
    line = {"service": "web", "message": "user 4711 paid", "user": "4711", "dd.trace_id": trace_id(spans), "dd.span_id": str(root_of(spans)["span_id"])}
    page.open("#/logs")
    page.wait_text("live")
    log(seen, line, {"service": "web", "message": "quiet", "status": "debug"})
    page.wait(lambda: len(page.all(".logs .space .row")) == 2, "both lines")
    page.type(".bar input", "paid\n")
    page.wait(lambda: len(page.all(".logs .space .row")) == 1, "the one line")
    page.click(".logs .space .row")
    assert page.one(".side mark[data-field]").text
    assert "4711" in "".join(page.texts(".side .pairs .value"))
    picture(page, "logs")
    page.click(".side .button", "Its trace")
    page.wait(lambda: page.all(ROWS), "the trace of the line")


def test_the_playground_and_back_by_its_link(page, seen):
    log(seen, {"service": "web", "message": "2026-11-30 10:07:08 ERROR it broke"})
    page.open("#/script")
    page.wait(lambda: "it broke" in page.texts(".results .value"), "the first result")
    page.type('textarea[aria-label="Pipeline script"]', 'grok(_, "%{TIMESTAMP_ISO8601:time} %{LOGLEVEL:status} %{GREEDYDATA:msg}")\nadd_key(a, 1')
    page.wait_text("the script does not load")
    caret = page.texts(".script-error pre")[0].split("\n")
    assert caret[0].startswith("add_key(a, 1") and caret[1].strip() == "^"
    assert page.texts(".numbers .wrong") == ["2"]
    page.one('textarea[aria-label="Pipeline script"]').send_keys(")")
    page.wait(lambda: "a" in page.texts(".results th"), "the key that the script adds")
    page.type('textarea[aria-label^="Log lines"]', "2026-11-30 10:07:08 INFO fine\n2026-11-30 10:07:09 [id=7] it broke")
    page.wait(lambda: page.all(".grok"), "where grok stopped")
    assert page.texts(".grok .fails") == ["%{LOGLEVEL:status}", "[id=7] it broke"]
    assert page.texts(".grok .fits")[1] == "2026-11-30 10:07:09"
    picture(page, "script")
    page.wait(lambda: "s=" in page.fragment, "the script in the address")
    before, link = page.texts(".results > li"), page.fragment
    page.open(f"#{link}")
    page.wait(lambda: page.texts(".results > li") == before, "the same results from the link")
    page.click(".bar button", "Last real lines")
    page.wait(lambda: "2026-11-30 10:07:08 ERROR it broke" in page.texts(".results .line")[0], "the last real line")


def test_flow_and_fleet(page, seen, flask):
    request, spans = flask
    send(seen, request)
    assert seen.put("/v0.4/traces", payloads.v04([payloads.span(trace_id=0, meta={})])).status == 200
    page.open("#/flow")
    page.wait(lambda: any("accepted" in text for text in page.texts(".funnel li")), "the funnel")
    page.wait(lambda: any("stdout" in text and "sent" in text for text in page.texts(".funnel .target")), "the exporter")
    page.click(".funnel button")
    page.wait(lambda: page.all(".samples li"), "samples of what was refused")
    page.key("Escape")
    page.wait(lambda: page.fragment == "/flow", "the samples closed")
    page.key("g", "c")
    row = page.wait(lambda: [t for t in page.texts("main.fleet tbody tr") if root_of(spans)["service"] in t], "the client")[0]
    assert "python" in row and "3.19.9" in row
    picture(page, "fleet")


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


def test_every_view_is_reached_and_accessible_in_both_themes(page, seen, flask):
    _, spans = flask
    for folder in sorted(path.parent for path in FLASK.parents[1].glob("*/*/expected.json")):
        for request in recordings.load(folder.name, folder):
            seen.request(request.method, request.path, request.body, request.headers)
    log(seen, {"service": "web", "message": "user 4711 paid", "status": "error"})
    found = []
    for scheme in ("light", "dark"):
        page.media(prefers_color_scheme=scheme)
        page.open()
        page.wait(lambda: page.all(".traces .space .row"), "the trace")
        found += page.accessibility()
        picture(page, f"traces-{scheme}")
        page.open(f"#/trace/{trace_id(spans)}")
        page.click(ROWS)
        page.wait(lambda: page.all(".column [data-tag]"), "the span")
        found += page.accessibility()
        page.open("#/logs")
        page.click(".logs .space .row")
        found += page.accessibility()
        for key, there in (("s", ".results > li"), ("f", ".funnel"), ("c", "main.fleet tbody tr")):
            page.script("document.activeElement.blur()")
            page.key("g", key)
            page.wait(lambda there=there: page.all(there), there)
            found += page.accessibility()
        page.script("document.activeElement.blur()")
        page.key("?")
        page.wait(lambda: page.all("dialog[open]"), "the help")
        found += page.accessibility()
    assert found == []


def test_the_page_goes_on_with_a_ddgate_that_comes_back(driver, make_gate):
    settings = {"admin": {"listen": f"127.0.0.1:{free_port()}", "recent": "16MiB"}}
    first = make_gate(settings=settings)
    page = Page(driver, f"http://127.0.0.1:{first.admin_port}").open()
    page.wait_text("live")
    for n in range(3):
        first.put("/v0.4/traces", payloads.v04(payloads.trace(1, resource=f"before {n}")))
    page.wait_text("before 2")
    first.stop()
    page.wait_text("no connection")
    second = make_gate(settings=settings)
    second.put("/v0.4/traces", payloads.v04(payloads.trace(1, resource="after it")))
    page.wait_text("after it")
    page.expected.append("ERR_")
    assert page.complaints() == []


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
