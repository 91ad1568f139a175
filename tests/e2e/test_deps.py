# SPDX-License-Identifier: Apache-2.0
""".ci/deps on machines that are not this one: its commands (dpkg-query, apt-get, …) are stand-ins that write down how they are called."""
import os
import shutil
import subprocess
import time

import pytest
from ddgate import ROOT

REAL = ["sh", "cat", "dirname", "tr", "sed", "env"]


@pytest.fixture
def machine(tmp_path):
    """machine(installed=…, user=…, sudo=…, apt=…) runs .ci/deps there; returns its exit code, output and the calls that it made."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    calls = tmp_path / "calls"

    def program(name, body):
        (bin_ / name).write_text(f"#!/bin/sh\n{body}\n")
        (bin_ / name).chmod(0o755)

    def run(*sets, installed=(), user=0, sudo=False, apt=True, known=None):
        for name in REAL:
            (bin_ / name).symlink_to(shutil.which(name))
        lines = "".join(f"installed {p} " for p in installed)
        program("id", f"echo {user}")
        if apt:
            program("dpkg-query", f"printf '{lines}'")
            program("apt-get", f'echo "apt-get $*" >>{calls}')
            program("apt-cache", "exit 0" if known is None else f'case " {" ".join(known)} " in *" $2 "*) exit 0 ;; esac; exit 1')
        if sudo:
            program("sudo", f'echo "sudo $*" >>{calls}; [ "$1" != -n ] || shift; exec "$@"')
            program("true", "exit 0")
        done = subprocess.run([ROOT / ".ci" / "deps", *sets], env={"PATH": str(bin_)}, capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr, calls.read_text() if calls.exists() else ""
    return run


def packages(*sets):
    rows = [line.split() for line in (ROOT / ".ci" / "packages.txt").read_text().splitlines() if not line.startswith("#")]
    return [row[1].split("|")[0] for row in rows if row[0] in sets]


def test_all_there_is_quick_and_silent(machine):
    assert machine(installed=packages("build")) == (0, "", "")


def test_here_it_costs_nothing():
    began = time.monotonic()
    subprocess.run([ROOT / ".ci" / "deps"], check=True)
    assert time.monotonic() - began < 2, "0.05 s on a quiet machine"


def test_root_installs_what_is_missing_and_only_that(machine):
    have = [p for p in packages("build") if p not in ("cmake", "libgrpc-dev")]
    code, _, calls = machine(installed=have)
    assert code == 0 and "apt-get update" in calls
    assert calls.splitlines()[-1].endswith(" cmake libgrpc-dev") and "sudo" not in calls


def test_a_build_needs_no_test_package(machine):
    _, _, calls = machine()
    assert "libcmocka-dev" not in calls and "python3-venv" not in calls and "npm" not in calls


def test_sudo_where_there_is_sudo(machine):
    code, _, calls = machine(user=1000, sudo=True)
    assert code == 0 and "sudo env DEBIAN_FRONTEND=noninteractive apt-get install" in calls


def test_neither_root_nor_sudo_names_the_packages(machine):
    code, output, calls = machine(user=1000, installed=packages("build")[1:])
    assert (code, calls) == (1, "") and f"apt-get install {packages('build')[0]}" in output


def test_no_debian_names_the_packages(machine):
    code, output, _ = machine(apt=False)
    assert code == 1 and "libgrpc-dev" in output


def test_the_name_that_the_distribution_knows_is_taken(machine):
    names = [p for p in packages("build") if p != "libmsgpack-dev"]
    _, _, calls = machine(installed=names, known=["libmsgpack-c-dev"])
    assert calls.splitlines()[-1].endswith(" libmsgpack-c-dev")
