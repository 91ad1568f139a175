#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The generated pages are what the tables say, and the sample configuration works as it is and with every option taken in."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BINARY = os.environ.get("DDGATE_BINARY", "build/ddgate")


def main():
    stale = []
    with tempfile.TemporaryDirectory() as folder:
        fresh = pathlib.Path(folder)
        for sub in ("docs/reference", "conf"):
            (fresh / sub).mkdir(parents=True)
        subprocess.run([BINARY, "--reference", folder], check=True)
        pages = [p.relative_to(fresh) for p in fresh.rglob("*") if p.is_file()]
        for page in pages:
            mine = pathlib.Path(page)
            if not mine.exists() or mine.read_bytes() != (fresh / page).read_bytes():
                stale.append(str(page))
        everything = fresh / "everything.conf"
        text = (fresh / "conf/ddgate.conf").read_text()
        text = re.sub(r"(?m)^( *)#(?=\S)", r"\1", text)
        everything.write_text(re.sub(r'"/var/run/\w+/(\w+\.socket)"', rf'"{folder}/\1"', text))  # whose folder must be there
        for conf in (fresh / "conf/ddgate.conf", everything):
            done = subprocess.run([BINARY, "check", "-c", conf], capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(f"the sample configuration is not right:\n{done.stderr}")
    if stale:
        sys.exit(f"stale: {', '.join(stale)}; write them with: {BINARY} --reference .")
    if len(pages) < 3:
        sys.exit(f"only {pages} were written")


main()
