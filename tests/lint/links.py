#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every relative link of a page leads to a file that is there, and to a heading or an anchor of it."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def prose(page):
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)


def anchors(page):
    headings = re.findall(r"^#+ +(.+?)\s*$", prose(page), re.M)
    slugs = [re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)).lower().replace(" ", "-") for heading in headings]
    return set(slugs) | set(re.findall(r'<a id="([^"]+)"', page.read_text(encoding="utf-8")))


wrong = []
for name in subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n"):
    page = ROOT / name
    if not name or not page.exists():
        continue
    for target, anchor in re.findall(r"\]\(([^)\s#]*)#?([^)\s]*)[^)]*\)", prose(page)):
        to = page.parent / target if target else page
        if "://" in target:
            continue
        if not to.exists():
            wrong.append(f"{name}: no such file: {target}")
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            wrong.append(f"{name}: {to.name} has no heading or anchor #{anchor}")
print("\n".join(wrong) or "all links lead somewhere")
sys.exit(bool(wrong))
