# SPDX-License-Identifier: Apache-2.0
"""Fetches a real agent and a real tracer, and runs live_agent.py with them in a network of its own."""
import os
import subprocess
import sys

import clients
from ddgate import ROOT


def test_an_agent_that_is_pointed_here():
    clients.python_environment("datadog-serverless-compat-0.19.0")
    clients.python_client("newest")
    clean = {k: v for k, v in os.environ.items() if k != "DDGATE_TEST_NETWORK"}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", ROOT / "tests" / "e2e" / "live_agent.py"], cwd=ROOT, env=clean,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
