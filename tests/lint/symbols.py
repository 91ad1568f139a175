"""A module exports its descriptor and nothing else: the file with that of each row of modules.def, read with nm from the built library."""

import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    library = pathlib.Path(os.environ["DDGATE_BINARY"]).parent / "libddgate_lib.a"
    rows = re.findall(r"^(RECEIVER|EXPORTER)\((\w+)\)", (ROOT / "gateway/run/modules.def").read_text(), re.M)
    want = [f"gw_{kind.lower()}_{name}" for kind, name in rows]
    exported, member = {}, None
    for line in subprocess.run(["nm", "-g", "--defined-only", library], capture_output=True, text=True, check=True).stdout.splitlines():
        head = re.fullmatch(r"(\S+\.c)\.o:", line)
        if head:
            member = head[1]
        elif line.strip():
            exported.setdefault(member, set()).add(line.split()[-1])
    wrong = []
    for symbol in want:
        file = next((f for f, symbols in exported.items() if symbol in symbols), "no file")
        own = {s for s in exported.get(file, set()) if not s.startswith("__")}  # sanitizers add their own
        if own != {symbol}:
            wrong.append(f"{file} exports {sorted(own)}, want only {symbol}")
    print("\n".join(wrong) or f"{len(want)} modules export one symbol each")
    return bool(wrong)


sys.exit(main())
