# SPDX-License-Identifier: Apache-2.0
"""NOTICE names exactly the files whose SPDX line has a licence beside Apache-2.0."""
import pathlib
import re
import subprocess
import sys


def main():
    files = subprocess.run(["git", "ls-files", "*.c", "*.h", "*.def"], capture_output=True, text=True, check=True).stdout.split()
    marked = {f for f in files if re.search(r"SPDX-License-Identifier: Apache-2\.0 AND ", pathlib.Path(f).read_text(encoding="utf-8")[:2000])}
    named = {f for f in files if re.search(rf"\b{re.escape(pathlib.Path(f).name)}\b", pathlib.Path("NOTICE").read_text(encoding="utf-8"))}
    for f in sorted(marked ^ named):
        print(f"{f}: {'not in NOTICE' if f in marked else 'in NOTICE, but its SPDX line has Apache-2.0 alone'}")
    return 1 if marked ^ named else 0


sys.exit(main())
