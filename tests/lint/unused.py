# SPDX-License-Identifier: Apache-2.0
"""What the program exports from a file and nobody else in the program uses, read with nm from its objects: only tests use it, or nobody
does (then it goes), or its own file does (then it is static). ALLOWED are those that stay, with the reason."""

import collections
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ALLOWED = {  # what tests reach into, because from outside it is seen only by chance or with files
    "dd_translator_without_plans": "tests and a fuzzer compare the cached path with the other one",
    "offset_tracker_safe": "of offset_tracker.h: tests read the offset that would be written",
    "offset_tracker_settled": "of offset_tracker.h: tests read what is delivered",
    "exphist_index": "bounds of single buckets",
    "file_glob_match": "patterns against names, without a file system",
    "file_is_rotation": "names of rotated files, without a file system",
    "gw_conf_read_text": "a configuration from memory, for tests and the fuzzer",
    "file_reader_finish": "tests take the reader's steps one by one",
    "file_reader_step": "as file_reader_finish",
    "file_reader_wait": "as file_reader_finish",
    "gw_cpus_of_max": "the contents of cgroup files, which a test does not own",
    "gw_cpus_of_quota": "as gw_cpus_of_max",
    "gw_http_publish": "tests publish a table without the reload around it",
    "gw_panic": "of lock.c, where DDGATE_LOCK_ORDER is on",
    "gw_random_without_kernel": "what stands in when the kernel has no random numbers yet",
    "gw_segment_log_arrival": "the clock of a record across boots",
    "log_conf_counts": "tests read what a script counted; the program adds them up over all receivers",
    "out_rune_width": "columns of single characters",
    "sc_no_check": "declared with all other checks by functions.def, and used where the table of them is",
}


def symbols(*files):
    """{object: (defined, needed)} of archives and objects."""
    found, member = collections.defaultdict(lambda: (set(), set())), None
    for file in files:
        for line in subprocess.run(["nm", "-g", file], capture_output=True, text=True, check=True).stdout.splitlines():
            head = re.fullmatch(r"(\S+\.c)\.o:", line)
            if head or not line.strip():
                member = head[1] if head else member
                continue
            kind, name = line.split()[-2:]
            found[member if file.suffix == ".a" else file.name][kind == "U"].add(name)
    return found


def sources():
    """Where each file of the program is, by its name, which is unique."""
    return {f.name: f for top in ("core", "translators", "exporters", "gateway") for f in (ROOT / top).rglob("*.c")}


def main():
    build = pathlib.Path(os.environ["DDGATE_BINARY"]).parent
    objects = symbols(build / "libddgate_lib.a", build / "CMakeFiles/ddgate.dir/gateway/run/main.c.o")
    users = collections.Counter(name for _, needed in objects.values() for name in needed)
    paths, wrong = sources(), []
    for member, (defined, _) in sorted(objects.items()):
        for name in sorted(defined):
            if users[name] or name in ALLOWED or name == "main" or name.startswith("__"):  # sanitizers add the latter
                continue
            path = paths[member]
            uses = len(re.findall(rf"\b{name}\b", path.read_text()))
            wrong.append(f"{path.relative_to(ROOT)}: {name} {'is used here alone: make it static' if uses > 1 else 'is used by nobody in the program'}")
    gone = set(ALLOWED).difference(*(defined for defined, _ in objects.values()))
    wrong += [f"{name} is in ALLOWED, and is gone" for name in sorted(gone)]
    print("\n".join(wrong) or f"each of {sum(len(d) for d, _ in objects.values())} exported names has a user elsewhere in the program")
    return bool(wrong)


sys.exit(main())
