#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every .c file of the program begins with a paragraph that says what it does, what it owns and who calls it: a comment of twelve words or more."""
import pathlib
import re
import subprocess
import sys

FEWEST = 12
wrong = []
files = subprocess.run(["git", "ls-files", "core/*.c", "translators/*.c", "exporters/*.c", "gateway/*.c"], capture_output=True, text=True, check=True).stdout.split()
for file in files:
    head = re.match(r"/\*(.*?)\*/", pathlib.Path(file).read_text(encoding="utf-8"), re.S)
    words = re.findall(r"[A-Za-z]{2,}", re.sub(r"SPDX-\S+.*|\S+\.[ch]:", "", head[1])) if head else []
    if len(words) < FEWEST:
        wrong.append(f"{file}: begins with {len(words)} words; say what it does, what it owns and who calls it")
print("\n".join(wrong) or f"{len(files)} files say what they are")
sys.exit(bool(wrong))
