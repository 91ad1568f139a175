"""What every turn of a benchmark needs: processes on chosen CPUs, their CPU time and memory, tables."""

import os
import pathlib
import re
import socket
import statistics
import subprocess
import time

TICKS = os.sysconf("SC_CLK_TCK")
CPUS = sorted(os.sched_getaffinity(0))
OURS, THEIRS = {CPUS[0]}, set(CPUS[1:]) or {CPUS[0]}


def start(argv, cpus, background=False, **how):
    def prepare():
        os.sched_setaffinity(0, cpus)
        if background:
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    return subprocess.Popen(argv, preexec_fn=prepare, text=True, **how)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def scheduled_ms(pid):
    """CPU time of all threads, finer than a tick."""
    return sum(int(f.read_text().split()[0]) for f in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


def peak_mib(pid):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def wait_until_idle(pid):
    before = -1.0
    while (now := cpu_seconds(pid)) - before > 0.01:
        before = now
        time.sleep(0.5)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def middle(turns):
    return {key: statistics.median(t[key] for t in turns) for key in turns[0]}


def heading(text, columns):
    print(f"\n{text}\n| {columns} |\n{'|---' * (columns.count('|') + 1)}|", flush=True)
