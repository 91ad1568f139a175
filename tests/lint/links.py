#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every relative link of a page leads to a file that is there."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
wrong = []
for name in subprocess.run(["git", "ls-files", "-co", "--exclude-standard", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n"):
    page = ROOT / name
    if not name or not page.exists():
        continue
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", text):
        if "://" not in target and not (page.parent / target).exists():
            wrong.append(f"{name}: no such file: {target}")
print("\n".join(wrong) or "all links lead somewhere")
sys.exit(bool(wrong))
