#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A recording of the first trace: docs/img/first-trace.cast (asciinema's format, version 2) and the picture docs/img/first-trace.svg, which plays it.

    record.py BIN    runs build/ddgate and examples/flask on a terminal of its own, with BIN/ddtrace-run and BIN/python, and writes both
    record.py        draws the picture from the recording;  record.py --check  compares only

Nothing is made up: what stands behind a prompt was run, everything else was printed. The default ports have to be free."""
import html
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
CAST, PICTURE = ROOT / "docs/img/first-trace.cast", ROOT / "docs/img/first-trace.svg"
COLUMNS, ROWS = 124, 37
CELL, LINE, FONT, HOLD = 7.8, 17, 13, 6  # of a character; seconds that the end stays
COLOURS = {30: "#484f58", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#76e3ea", 37: "#e6edf3", 90: "#8b949e"}


class Terminal:
    """A program on a terminal; what it prints goes to the recording."""

    def __init__(self, events, began, *command):
        self.events, self.began, self.text = events, began, ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(command[0], command)
        import fcntl, struct, termios  # noqa: E401
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))

    def until(self, words, seconds=60):
        end = time.time() + seconds
        while words not in self.text and time.time() < end:
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    data = os.read(self.fd, 65536).decode()
                except OSError:
                    return
                self.text += data
                self.events.append([round(time.time() - self.began, 3), "o", data])
        assert words in self.text, self.text


def record(programs):
    events, began = [], time.time()

    def shown(text):
        events.append([round(time.time() - began, 3), "o", text])

    shown("$ build/ddgate\r\n")
    gate = Terminal(events, began, str(ROOT / "build/ddgate"))
    gate.until("/api/v2/logs")
    env = {**os.environ, "DD_SERVICE": "python-app", "DD_ENV": "testing", "DD_VERSION": "1.0", "DD_LOGS_INJECTION": "true", "PORT": "8080",
           "DD_AGENT_HOST": "127.0.0.1", "DD_TRACE_AGENT_PORT": "8126", "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
           "DD_REMOTE_CONFIGURATION_ENABLED": "false", "PATH": f"{programs}:{os.environ['PATH']}"}
    shown("\x1b[2m# in another terminal: DD_SERVICE=python-app … ddtrace-run python examples/flask/app.py & curl http://127.0.0.1:8080/\x1b[0m\r\n")
    app = subprocess.Popen([f"{programs}/ddtrace-run", f"{programs}/python", "examples/flask/app.py"], cwd=ROOT, env=env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen("http://127.0.0.1:8080/", timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)
        gate.until("flask.response")
        time.sleep(1)
    finally:
        app.send_signal(signal.SIGTERM)
        app.wait()
    os.kill(gate.pid, signal.SIGINT)
    shown("^C")
    gate.until("sent ")
    os.waitpid(gate.pid, 0)
    head = {"version": 2, "width": COLUMNS, "height": ROWS, "title": "ddgate: the first trace"}
    CAST.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in [head, *events]))


def lines(events):
    """(second, [(style, text)]) of each line: when it was there, and its runs."""
    out, style, line = [], "", []
    for at, _, data in events:
        for part in re.split(r"(\x1b\[[\d;?]*[A-Za-z]|\r?\n)", data.replace("\r\r\n", "\r\n")):
            if re.fullmatch(r"\r?\n", part):
                out.append((at, line))
                line = []
            elif part.startswith("\x1b["):
                if part.endswith("m"):
                    style = sgr(style, part[2:-1])
            elif part.strip("\r"):
                line.append((style, part.strip("\r")))
    return out + ([(events[-1][0], line)] if line else [])


def sgr(style, codes):
    for code in (int(c or 0) for c in codes.split(";")):
        if code == 0:
            style = ""
        elif code in (1, 2):
            style += {1: "font-weight:700;", 2: "opacity:.65;"}[code]
        elif code in COLOURS:
            style += f"fill:{COLOURS[code]};"
    return style


def draw():
    head, *events = [json.loads(line) for line in CAST.read_text().splitlines()]
    rows, last = [], 0.0
    for at, runs in lines(events):  # nobody wants to wait while the application starts
        rows.append((at, runs))
    clock, before, steps = 0.4, None, []
    for at, runs in rows:
        clock += min(at - before, 1.2) if before is not None else 0
        clock += 0.03
        before = at
        steps.append((clock, runs))
    last = clock + HOLD
    width, height = COLUMNS * CELL + 24, (len(steps) + 1) * LINE + 24
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" role="img"><title>{html.escape(head["title"])}</title>',
           f'<style>svg{{background:#0d1117;font:{FONT}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}}'
           'text{fill:#e6edf3;white-space:pre}']
    for n, (at, _) in enumerate(steps):
        out.append(f"@keyframes k{n}{{0%,{at / last * 100:.2f}%{{visibility:hidden}}{at / last * 100 + 0.01:.2f}%,100%{{visibility:visible}}}}"
                   f".l{n}{{animation:k{n} {last:.2f}s infinite}}")
    out.append("@media(prefers-reduced-motion:reduce){text{animation:none!important}}</style>")
    out.append('<rect width="100%" height="100%" rx="6" fill="#0d1117"/>')
    for n, (_, runs) in enumerate(steps):
        spans = "".join(f'<tspan style="{style}">{html.escape(text)}</tspan>' if style else html.escape(text) for style, text in runs)
        out.append(f'<text class="l{n}" x="12" y="{(n + 1) * LINE + 8}" xml:space="preserve">{spans}</text>')
    return "\n".join(out) + "\n</svg>\n"


def main():
    check = sys.argv[1:] == ["--check"]
    if len(sys.argv) > 1 and not check:
        record(os.path.abspath(sys.argv[1]))
    picture = draw()
    if check:
        sys.exit(0 if PICTURE.read_text() == picture else "stale: docs/img/first-trace.svg: docs/record.py draws it")
    PICTURE.write_text(picture)


main()
