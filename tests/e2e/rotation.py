# SPDX-License-Identifier: Apache-2.0
"""A program that writes numbered lines into a file that is rotated meanwhile, and logrotate.

    with Writer(path) as writer:
        rotate("copytruncate", tmp_path, path)
        writer.reopen()
    writer.lines, on_disk(folder)
"""
import collections
import gzip
import os
import subprocess
import threading
import time


class Writer(threading.Thread):
    """Appends `rate` lines a second, as a logger with a descriptor that it keeps until it is told to open the file again."""

    def __init__(self, path, rate=1500):
        super().__init__(daemon=True)
        self.path, self.rate, self.lines = path, rate, []
        self._done, self._reopen = threading.Event(), threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self.join()

    def reopen(self):
        self._reopen.set()

    def run(self):
        f, began = open(self.path, "ab", buffering=0), time.monotonic()
        while not self._done.wait(0.002):
            if self._reopen.is_set():
                self._reopen.clear()
                f.close()
                f = open(self.path, "ab", buffering=0)
            while len(self.lines) < (time.monotonic() - began) * self.rate:
                line = f"{self.path.name} {len(self.lines)} " + "z" * (len(self.lines) * 7 % 120)
                f.write(line.encode() + b"\n")
                self.lines.append(line)
        f.close()


def rotate(words, directory, *paths):
    """One run of logrotate, with these directives for these files."""
    names, lines = " ".join(f'"{p}"' for p in paths), "\n".join(words.split(";"))
    (directory / "logrotate.conf").write_text(f"{names} {{\nrotate 1000\nmissingok\n{lines}\n}}\n")
    os.chmod(directory / "logrotate.conf", 0o644)
    for path in paths:
        os.chmod(path.parent, 0o755)
    subprocess.run(["logrotate", "-f", "-s", str(directory / "logrotate.state"), str(directory / "logrotate.conf")], check=True,
                   capture_output=True)


def on_disk(*folders):
    """How often each line stands in some file, compressed or not; and what stands at the ends of files without a line's end: logrotate
    copies a file while a line is written into it."""
    found, torn = collections.Counter(), set()
    for path in (p for folder in folders for p in folder.iterdir() if p.is_file()):
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        *lines, end = data.decode().split("\n")
        found.update(line for line in lines if line)
        torn |= {end} - {""}
    return found, torn
