#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every picture of docs/img is what docs/draw.py draws from its text."""
import subprocess
import sys

sys.exit(subprocess.run([sys.executable, "docs/draw.py", "--check"], check=False).returncode)
