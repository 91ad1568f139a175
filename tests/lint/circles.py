# SPDX-License-Identifier: Apache-2.0
"""Files that need each other, at link level: an edge leads from an object of the library to the one that defines a symbol which it needs.
A circle of more than one file fails, unless it stands in STAY with the number of the note in docs/notes/ that says why; a group that has
got smaller, or is gone, leaves STAY too."""

import collections
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
STAY = {
    ("eval", "operate"): "0006",
    ("file_identity", "file_schedule", "file_tail", "file_unwrap"): "0006",
    ("stream", "stream_conn", "stream_datagram", "stream_takeover"): "0006",
}


def objects(library):
    """{object: (defined, needed)}"""
    found, member = collections.defaultdict(lambda: (set(), set())), None
    for line in subprocess.run(["nm", "-g", library], capture_output=True, text=True, check=True).stdout.splitlines():
        head = re.fullmatch(r"(\S+)\.c\.o:", line)
        if head:
            member = head[1]
        elif line.strip():
            kind, name = line.split()[-2:]
            found[member][kind in "Uw"].add(name)
    return found


def circles(graph):
    """Strongly connected components of more than one node, by Tarjan's algorithm."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            group = stack[stack.index(node):]
            del stack[stack.index(node):]
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def main():
    sys.setrecursionlimit(10000)
    found = objects(pathlib.Path(os.environ["DDGATE_BINARY"]).parent / "libddgate_lib.a")
    owner = {name: member for member, (defined, _) in found.items() for name in defined}
    graph = {member: {owner[n] for n in needed if n in owner} - {member} for member, (_, needed) in found.items()}
    folder = {f.stem: str(f.parent.relative_to(ROOT)) for top in ("core", "translators", "exporters", "gateway") for f in (ROOT / top).rglob("*.c")}
    groups = circles(graph)
    wrong = [f"a circle: {' '.join(f'{folder[m]}/{m}.c' for m in group)}" for group in groups if group not in STAY]
    wrong += [f"{' '.join(group)} is in STAY, and is no such circle" for group in STAY if group not in groups]
    notes = {f.name[:4] for f in (ROOT / "docs/notes").glob("*.md")}
    wrong += [f"{' '.join(group)}: there is no note {note}" for group, note in STAY.items() if note not in notes]
    print("\n".join(wrong) or f"{len(graph)} objects, {len(groups)} circles, each with a note")
    return bool(wrong)


sys.exit(main())
