# SPDX-License-Identifier: Apache-2.0
"""Which folder may include which. ARROWS is the table that docs/architecture.md shows: a folder may include itself and the folders
named here, nothing else. `--write` brings the page up to date. A circle of files is an error too: two headers, or two components,
that need each other belong together or want a third."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- layers -->", "<!-- /layers -->"
BASE = ["core/base"]
CONFIG = ["core/config", *BASE]
DELIVERY = ["core/delivery", *CONFIG]
RECORDS = ["translators/logs", "translators/text", *DELIVERY]
ARROWS = {
    "core/base": [],
    "core/config": BASE,
    "core/delivery": CONFIG,
    "core/diskqueue": DELIVERY,
    "core/kafka": CONFIG,
    "proto": [],
    "translators/otlp": BASE,
    "translators/text": BASE,
    "translators/tags": BASE,
    "translators/points": BASE,
    "translators/pipeline": ["translators/text", *CONFIG],
    "translators/logs": ["translators/pipeline", "translators/text", "translators/tags", "translators/otlp", *DELIVERY],
    "translators/ddtrace": ["translators/metrics", "translators/points", "translators/tags", "translators/text", "translators/otlp", *DELIVERY],
    "translators/profiles": ["translators/otlp", "translators/text", *BASE],
    "translators/metrics": ["translators/points", "translators/tags", "translators/otlp", *DELIVERY],
    "exporters/encoding": ["proto", *DELIVERY],
    "exporters/sender": ["exporters/encoding", "core/diskqueue", *DELIVERY],
    "exporters/otlp": ["exporters/sender", "exporters/encoding", *DELIVERY],
    "exporters/datakit": ["exporters/otlp", "exporters/sender", "exporters/encoding", *DELIVERY],
    "exporters/kafka": ["core/kafka", "exporters/sender", "exporters/encoding", *DELIVERY],
    "exporters/sls": ["exporters/otlp", "exporters/sender", *DELIVERY],
    "exporters/stdout": ["exporters/encoding", "proto", *DELIVERY],
    "exporters/blackhole": DELIVERY,
    "gateway": ["translators/logs", *DELIVERY],
    "gateway/net": CONFIG,
    "gateway/http": ["gateway/net", "gateway", *CONFIG],
    "gateway/api": ["gateway", "gateway/net", "exporters/encoding", "proto", "translators/ddtrace", "translators/otlp", "translators/pipeline", "translators/text", *RECORDS],
    "gateway/page": BASE,
    "gateway/admin": ["gateway/api", "gateway/page", "gateway/http", "gateway/net", *DELIVERY],
    "gateway/receivers/common": ["gateway", "gateway/http", "translators/ddtrace", "translators/metrics", "translators/otlp", *RECORDS],
    "gateway/receivers/ddtrace": ["gateway/http", "gateway", "gateway/receivers/common", "translators/ddtrace", "translators/metrics",
                                  "translators/otlp", "translators/points", "translators/profiles", *DELIVERY],
    "gateway/receivers/log_http": ["gateway/http", "gateway", "gateway/receivers/common", "translators/metrics", "translators/points", *RECORDS],
    "gateway/receivers/otlp": ["gateway/http", "gateway/net", "gateway", "gateway/receivers/common", "translators/otlp", "proto", *DELIVERY],
    "gateway/receivers/kafka": ["core/kafka", "gateway", "gateway/receivers/common", "translators/otlp", *DELIVERY],
    "gateway/receivers/stream": ["gateway/net", "gateway", "gateway/receivers/common", *RECORDS],
    "gateway/receivers/dogstatsd": ["gateway/receivers/stream", "gateway/net", "gateway", "gateway/receivers/common",
                                    "translators/metrics", "translators/otlp", "translators/tags", *RECORDS],
    "gateway/receivers/file": ["gateway", "gateway/receivers/common", *RECORDS],
    "gateway/run": ["*"],
}


def folder_of(path):
    return str(pathlib.PurePath(path).parent)


def component(path):
    """x.c, x.h and what x's own files share, x_internal.h."""
    return path.rsplit(".", 1)[0].removesuffix("_internal")


def allowed(folder, target):
    arrows = ARROWS[folder]
    return target == folder or target in arrows or arrows == ["*"]


def sources():
    for top in ("core", "translators", "exporters", "gateway"):
        yield from sorted((ROOT / top).rglob("*.[ch]"))


def includes(file):
    for number, line in enumerate(file.read_text().splitlines(), 1):
        include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
        if include:
            yield number, include[1] if "/" in include[1] else f"proto/{include[1]}"


def circles(graph):
    """Components that include each other in a circle, by Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def table():
    """ARROWS as docs/architecture.md shows it: a row a folder, most used first. Rows of one floor's folders stand together."""
    rows = ["| folder | may include |", "| --- | --- |"]
    for folder, arrows in ARROWS.items():
        rows.append(f"| `{folder}` | {'everything' if arrows == ['*'] else ', '.join(f'`{a}`' for a in sorted(set(arrows))) or 'nothing'} |")
    return "\n".join([BEGIN, *rows, END])


def check_page(wrong):
    text = PAGE.read_text()
    shown = text[text.index(BEGIN):text.index(END) + len(END)]
    if shown == table():
        return
    if "--write" in sys.argv:
        PAGE.write_text(text.replace(shown, table()))
    else:
        wrong.append("docs/architecture.md does not show ARROWS as it is: python3 tests/lint/layers.py --write")


def main():
    wrong, graph = [], {}
    check_page(wrong)
    for file in sources():
        here = str(file.relative_to(ROOT))
        folder = folder_of(here)
        if folder not in ARROWS:
            wrong.append(f"{here}: {folder} is in no row of ARROWS")
            continue
        for number, target in includes(file):
            if not allowed(folder, folder_of(target)):
                wrong.append(f"{here}:{number}: {folder} may not include {target}")
            if not target.startswith("proto/"):
                graph.setdefault(component(here), set()).add(component(target))
    for node, targets in graph.items():
        targets.discard(node)
    wrong += [f"a circle: {' '.join(group)}" for group in circles(graph)]
    print("\n".join(wrong) or "every include points down")
    return bool(wrong)


sys.exit(main())
