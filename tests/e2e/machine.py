# SPDX-License-Identifier: Apache-2.0
"""A small Debian machine that lives as long as a call: programs of Debian's packages (tests/clients/debian.txt), at their own paths and ports, with their own
configuration, in namespaces of their own. Nothing is installed, and nothing of it outlives the call: its first process dies with its parent, and all others with it.

    run(tmp_path / "log", ["nginx", "redis"])      # functions of tests/clients/programs.sh; their logs are then in that folder
"""
import os
import shutil
import signal
import subprocess

from clients import LISTS, environment

LONGEST = 240  # seconds
PARTS = ("mount", "net", "pid", "ipc", "uts")


def why_not():
    """What this machine lacks, or None."""
    if os.geteuid() != 0:
        return "namespaces with several users take root"
    missing = [name for name in ("apt-get", "dpkg-deb", "unshare", "java") if not shutil.which(name)]
    return f"there is no {missing[0]}" if missing else None


def packages():
    """A folder with the packages, and with what they need that this machine does not have, unpacked."""
    wanted = LISTS / "debian.txt"

    def make(directory):
        (directory / "archives" / "partial").mkdir(parents=True)
        subprocess.run(["apt-get", "-o", "Debug::NoLocking=1", "-o", f"Dir::Cache::archives={directory}/archives", "--yes", "--quiet", "--download-only",
                        "--no-install-recommends", "install", *wanted.read_text(encoding="ascii").split()], check=True, capture_output=True)
        root = directory / "root"
        for name in ("bin", "sbin", "lib", "lib64"):
            (root / "usr" / name).mkdir(parents=True)
            (root / name).symlink_to(f"usr/{name}")
        for name in ("etc", "var"):
            (root / name).mkdir()
        for archive in (directory / "archives").glob("*.deb"):
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", archive], stdout=subprocess.PIPE) as tar:
                subprocess.run(["tar", "--extract", "--keep-directory-symlink", "--no-same-owner", "--directory", root], stdin=tar.stdout, check=True)
            assert tar.returncode == 0, archive
        shutil.rmtree(directory / "archives")
    return environment("debian", [wanted], make) / "root"


def run(logs, programs):
    """Runs them side by side until each has said what it has to say. `logs` is their /var/log."""
    logs.mkdir(parents=True)
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--fork", "--kill-child", *(f"--{part}" for part in PARTS), "sh", LISTS / "machine.sh", packages(), logs, *programs]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as machine:
        try:
            said = machine.communicate(timeout=LONGEST)[0].decode()
        finally:
            if machine.poll() is None:
                os.killpg(machine.pid, signal.SIGKILL)
    assert machine.returncode == 0, said
