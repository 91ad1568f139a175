# SPDX-License-Identifier: Apache-2.0
"""core/base/locks.def names every lock of the program: each row is used, nothing locks by other means, and docs/architecture.md shows the
rows as they are (`--write` puts them there)."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- locks.def -->\n", "<!-- end of locks.def -->\n"
ROW = re.compile(r'^LOCK\((\w+),\s*"([^"]*)",\s*"([^"]*)"\)$', re.M)
OTHERS = r"\bpthread_(?:mutex|rwlock|spin)_\w+|\bpthread_cond_(?:init|wait|timedwait)\b"


def table(rows):
    lines = [f"| {i} | `{name}` | {protects} | `{where}` |" for i, (name, protects, where) in enumerate(rows, 1)]
    return "| | lock | protects | where |\n| --- | --- | --- | --- |\n" + "\n".join(lines) + "\n"


def sources():
    for top in ("core", "translators", "exporters", "gateway"):
        for file in sorted((ROOT / top).rglob("*.[ch]")):
            yield str(file.relative_to(ROOT)), file.read_text()


def main():
    rows = ROW.findall((ROOT / "core/base/locks.def").read_text())
    wrong, used = [], set()
    for name, text in sources():
        if name == "core/base/lock.h":
            continue
        wrong += [f"{name}: {word}: use core/base/lock.h" for word in re.findall(OTHERS, text)]
        used |= set(re.findall(r"\bGW_LOCK_(?!STATIC\b)(\w+)|\bGW_LOCK_STATIC\((\w+)\)", text))
    used = {one or other for one, other in used}
    wrong += [f"locks.def: {name} is used nowhere" for name, _, _ in rows if name not in used]
    for name, _, where in rows:
        path = ROOT / where
        if not path.is_file() or "struct gw_lock " not in path.read_text():
            wrong.append(f"locks.def: {name} does not stand in {where}")
    page = PAGE.read_text()
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    want = before + BEGIN + table(rows) + END + after
    if "--write" in sys.argv:
        PAGE.write_text(want)
    elif page != want:
        wrong.append("docs/architecture.md does not show locks.def as it is: python3 tests/lint/locks.py --write")
    print("\n".join(wrong) or f"{len(rows)} locks, each in its place")
    return bool(wrong)


sys.exit(main())
