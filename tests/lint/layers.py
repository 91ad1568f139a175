"""Arrows point one way: which folder may include which. DESIGN: receivers -> translators -> frames -> exporters; gateway/ wires them."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What translators and exporters may know of gateway/: values and memory, no threads, no process.
BASE = {"arena", "budget", "clock", "err", "frame", "ids", "json", "ledger", "nearest", "option", "problem", "receiver", "str"}
EXPORTER_BASE = BASE | {"exporter", "fanout", "log", "metrics", "queue", "storage"}
RULES = {
    "translators/": lambda path: path.startswith(("translators/", "proto/")) or base(path, BASE),
    "exporters/": lambda path: path.startswith(("exporters/", "proto/")) or base(path, EXPORTER_BASE),
    "gateway/receivers/": lambda path: not path.startswith("exporters/"),
}


def base(path, names):
    return re.fullmatch(r"gateway/(\w+)\.(h|def)", path) is not None and pathlib.PurePath(path).stem in names


def main():
    wrong = []
    for folder, allowed in RULES.items():
        for file in sorted((ROOT / folder).rglob("*.[ch]")):
            for number, line in enumerate(file.read_text().splitlines(), 1):
                include = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
                if include and "/" in include[1] and not allowed(include[1]):
                    wrong.append(f"{file.relative_to(ROOT)}:{number}: {folder} may not include {include[1]}")
    print("\n".join(wrong) or "every include points the right way")
    return bool(wrong)


sys.exit(main())
