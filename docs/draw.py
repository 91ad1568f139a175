#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws docs/img/NAME.txt, a picture in box-drawing characters, as docs/img/NAME.svg, in light and dark. `draw.py` writes all pictures; `draw.py --check`
only compares. The first line of a picture is its title, which readers without the picture get. In the drawing, ┌ ┐ └ ┘ closed by ─ and │ is a box, ╌ ┆
a dashed line, ▶ ◀ ▲ ▼ the head of an arrow; a word in *stars* is bold."""
import html
import pathlib
import re
import sys

CELL, LINE, FONT = 8.4, 18, 14  # of a character: width, height, size
HEADS = {"▶": (1, 0), "◀": (-1, 0), "▼": (0, 1), "▲": (0, -1)}
ENDS = {"─": "lr", "│": "ud", "┌": "rd", "┐": "ld", "└": "ru", "┘": "lu", "├": "udr", "┤": "udl", "┬": "lrd", "┴": "lru", "┼": "lrud", "╌": "lr", "┆": "ud",
        "╭": "rd", "╮": "ld", "╰": "ru", "╯": "lu", "━": "lr"}
STYLE = """svg{background:#fff;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
text{fill:#1f2328;white-space:pre}.b{font-weight:700}.box{fill:#eef4fb;stroke:#4a6f9c}.line{stroke:#4a6f9c;fill:none}.dash{stroke:#8a939d;stroke-dasharray:4 3;fill:none}.head{fill:#4a6f9c}
@media(prefers-color-scheme:dark){svg{background:#0d1117}text{fill:#e6edf3}.box{fill:#16263a;stroke:#7da7d9}.line{stroke:#7da7d9}.dash{stroke:#8b949e}.head{fill:#7da7d9}}"""


def boxes(rows):
    """Corners (top, left, bottom, right) of every closed box."""
    def at(y, x):
        return rows[y][x] if y < len(rows) and x < len(rows[y]) else " "
    for y, row in enumerate(rows):
        for x, corner in enumerate(row):
            if corner != "┌":
                continue
            right = x + 1
            while at(y, right) in "─┬┴":
                right += 1
            down = y + 1
            while at(down, x) in "│├┤":
                down += 1
            if at(y, right) == "┐" and at(down, x) == "└" and at(down, right) == "┘":
                yield y, x, down, right


def centre(y, x):
    return (x + 0.5) * CELL, (y + 0.5) * LINE


def lines(rows):
    for y, row in enumerate(rows):
        for x, c in enumerate(row):
            mx, my = centre(y, x)
            for end in ENDS.get(c, ""):
                ex, ey = mx + {"l": -1, "r": 1}.get(end, 0) * CELL / 2, my + {"u": -1, "d": 1}.get(end, 0) * LINE / 2
                yield f'<path class="{"dash" if c in "╌┆" else "line"}" d="M{mx:.1f} {my:.1f}L{ex:.1f} {ey:.1f}"/>'
            if c in HEADS:
                dx, dy = HEADS[c]
                tip, base, side = (mx + dx * 5, my + dy * 7), (mx - dx * 4, my - dy * 2), 4
                yield (f'<path class="head" d="M{tip[0]:.1f} {tip[1]:.1f}L{base[0] + dy * side:.1f} {base[1] + dx * side:.1f}'
                       f'L{base[0] - dy * side:.1f} {base[1] - dx * side:.1f}Z"/>')


def texts(rows):
    for y, row in enumerate(rows):
        plain = "".join(" " if c in ENDS or c in HEADS else c for c in row)
        for run in re.finditer(r"\S+(?: \S+)*", plain):
            bold = re.fullmatch(r"\*(.+)\*", run[0])
            word, x = (bold[1], run.start() + 1) if bold else (run[0], run.start())
            yield (f'<text x="{x * CELL:.1f}" y="{(y + 0.5) * LINE + 5:.1f}" textLength="{len(word) * CELL:.1f}"{" class=%s" % chr(34) + "b" + chr(34) if bold else ""}>'
                   f"{html.escape(word)}</text>")


def draw(source):
    title, *rows = source.rstrip("\n").split("\n")
    rows = [row.rstrip() for row in rows]
    width, height = (max(map(len, rows)) + 2) * CELL, (len(rows) + 1) * LINE
    parts = [f'<rect class="box" rx="4" x="{(l + 0.5) * CELL:.1f}" y="{(t + 0.5) * LINE:.1f}" width="{(r - l) * CELL:.1f}" height="{(b - t) * LINE:.1f}"/>' for t, l, b, r in boxes(rows)]
    inside = {(y, x) for t, l, b, r in boxes(rows) for y in range(t, b + 1) for x in range(l, r + 1) if y in (t, b) or x in (l, r)}
    plain = ["".join(" " if (y, x) in inside and c in "┌┐└┘─│" else c for x, c in enumerate(row)) for y, row in enumerate(rows)]
    parts += [*lines(plain), *texts(rows)]
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-CELL:.1f} {-LINE / 2:.1f} {width:.1f} {height:.1f}" font-size="{FONT}" role="img">\n<title>{html.escape(title)}</title>\n'
            f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n")


def main():
    stale = []
    for source in sorted((pathlib.Path(__file__).parent / "img").glob("*.txt")):
        svg, to = draw(source.read_text(encoding="utf-8")), source.with_suffix(".svg")
        if "--check" not in sys.argv:
            to.write_text(svg, encoding="utf-8")
        elif not to.exists() or to.read_text(encoding="utf-8") != svg:
            stale.append(f"{to.name} is not what {source.name} draws: run docs/draw.py")
    print("\n".join(stale) or "all pictures are drawn")
    return bool(stale)


sys.exit(main())
