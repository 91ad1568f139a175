#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every picture of docs/img is what docs/draw.py draws from its text, or docs/record.py from its recording."""
import subprocess
import sys

sys.exit(any(subprocess.run([sys.executable, program, "--check"], check=False).returncode for program in ("docs/draw.py", "docs/record.py")))
