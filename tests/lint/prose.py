#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Names in the pages exist: files and folders of the tree, options, metrics, functions and every other identifier in backticks. So do the files that
comments name. Nothing refers to documents that are not in the tree. Pages that were rewritten in plain English stay so."""
import pathlib
import re
import subprocess
import sys

ELSEWHERE = {  # names that are not of this tree, and whose they are
    "apm_additional_endpoints": "Datadog's agent", "logs_config": "Datadog's agent", "target_traces_per_second": "Datadog's agent",
    "enable_v1_protocol": "libdatadog", "request_headers_to_add": "Envoy", "otlp_json_file": "the Collector",
    "record_partitioner": "the Collector", "sarama_compat": "the Collector", "partition_traces_by_id": "the Collector",
    "partition_logs_by_trace_id": "the Collector", "retry_on_failure": "the Collector", "sending_queue": "the Collector",
    "topic_from_attribute": "the Collector", "include_metadata_keys": "the Collector", "auth.sasl": "the Collector", "signal_header": "the Collector",
    "ssl_keystore_password": "librdkafka", "socket_keepalive_enable": "librdkafka",
    "isal_deflate_icf_body_hash_hist": "ISA-L",
}
EXAMPLES = {"a.b.c", "lt.py", "file.py", "cart.py", "mod_proxy.c", "linux/magic.h", "_no_memory.c"}  # in comments: lines of logs, the system's files
PLAIN = {"delivery", "reliability", "log-files", "log-streams", "log-http", "logs", "pipeline", "security", "threat-model", "operations", "architecture", "stdout",
         "sampling", "intake", "mapping", "CONTRIBUTING", "README", "kafka", "profiles", "scaling", "otlp", "datakit", "metrics", "privacy",
         "deployment", "upgrading", "cheat-sheet", "migrating", "performance"}  # pages that are rewritten; a page that joins them stays
RIDDLES = re.compile(r"\b(whoever|whomever|whom|anew|lest|begun|stood|owe[sd]?|is looked at|are looked at|(?:is|are) passed over|must be had|heirs?|parcels?|pok(?:es?|ed))\b", re.I)
FOLDERS = "core|gateway|translators|exporters|proto|tests|docs|conf|bench|examples|cmake"
FILE = re.compile(r"[\w./*-]*\w\.(?:c|h|def|py|md|conf|svg|cmake|proto)")
GONE = re.compile(r"(?:MAPPING|AGENT_API|DESIGN|LIBRARIES|REVIEW|STYLE)(?:\.md)? ?§")


def listed(*patterns):
    return subprocess.run(["git", "ls-files", "-co", "--exclude-standard", *patterns], capture_output=True, text=True, check=True).stdout.split("\n")[:-1]


def read(file):
    return pathlib.Path(file).read_text(encoding="utf-8", errors="replace")


files = [f for f in listed() if pathlib.Path(f).exists()]
places = set(files) | {str(parent) for f in files for parent in pathlib.Path(f).parents}
last_names = {"/" + place for place in places}
sources = [f for f in files if re.search(r"\.(?:c|h|def|py|txt|conf|cmake|yaml|yml|json|p|js|mjs|toml|service)$|CMake|Makefile|\.ci/", f) and "/corpus/" not in f and "/recordings/" not in f]
TREE = " ".join(read(f) for f in sources + [f for f in files if f.startswith("docs/reference/")])
KNOWN = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", TREE))
DOTTED = set(re.findall(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+", TREE))  # attributes
METRICS = set(re.findall(r"\bddgate_\w+", read("docs/reference/metrics.md") + read("docs/reference/configuration.md")))
OPTIONS = set(re.findall(r"`([a-z0-9_.]+)`", read("docs/reference/configuration.md")))
GROUPS = {o.split(".")[0] for o in OPTIONS if "." in o}


def exists(place):
    place = place.rstrip("/.,")
    if "*" in place:
        return any(pathlib.PurePath(f).match(place) for f in places)
    return place in places or any(name.endswith("/" + place) for name in last_names)


def metric(name):
    name = name.rstrip("_")
    return any(m == name or m.startswith(name + "_") or m == re.sub(r"_(?:bucket|sum|count)$", "", name) for m in METRICS)


def faults(file, text):
    prose = re.sub(r"```.*?```", lambda block: "\n" * block[0].count("\n"), text, flags=re.S)
    for m in RIDDLES.finditer(re.sub(r"`[^`\n]*`", lambda code: " " * len(code[0]), prose)) if pathlib.Path(file).stem in PLAIN else []:
        yield prose, m.start(), m[0], "write it plainly"
    for m in re.finditer(rf"(?<![\w./-])(?:{FOLDERS})/[\w./*-]*\w", prose):
        if "NAME" not in m[0] and not exists(m[0]) and not exists(m[0] + ".c") and m[0].split("/")[-1] not in KNOWN:  # a folder, a file, a program that is built
            yield prose, m.start(), m[0], "no such file or folder"
    for m in re.finditer(r"\bddgate_[a-z_]+[a-z]\b(?!\.)", text):
        if not metric(m[0]) and m[0] not in KNOWN:
            yield text, m.start(), m[0], "no such metric (docs/reference/metrics.md)"
    for m in re.finditer(r"`([^`\n]+)`", prose):
        name = re.sub(r"\s*=.*|[(\[{].*", "", m[1]).strip()
        if name in ELSEWHERE or "NAME" in name or name.startswith(("/", "$", "-", "…", "%")):
            continue
        if FILE.fullmatch(name):
            if not exists(name) and not any(pathlib.PurePath(f).match(name) for f in places):
                yield prose, m.start(), name, "no such file"
        elif re.fullmatch(r"[a-z0-9_]+(?:\.[a-z0-9_]+)+", name) and name.split(".")[0] in GROUPS:
            if name not in OPTIONS and name not in DOTTED and not any(o.startswith(name + ".") for o in OPTIONS):
                yield prose, m.start(), name, "no such option (docs/reference/configuration.md)"
        elif re.fullmatch(r"[a-z][a-zA-Z0-9]*(?:_[a-zA-Z0-9]+)+", name) and name not in KNOWN and not any("/" + name + "_" in "/" + f for f in files):
            yield prose, m.start(), name, "this name occurs nowhere in the tree"


def main():
    wrong = []
    for file in [f for f in files if re.fullmatch(r"(?:docs/(?:notes/)?[^/]+|README|CONTRIBUTING)\.md", f) or f == "README.md"]:
        for text, at, name, what in faults(file, read(file)):
            wrong.append(f"{file}:{text.count(chr(10), 0, at) + 1}: {name}: {what}")
    names = {pathlib.Path(f).name for f in files}
    for file in [f for f in files if f.endswith((".c", ".h", ".def"))]:
        text = re.sub(r'"(?:\\.|[^"\\\n])*"', lambda m: " " * len(m[0]), read(file))
        for comment in re.finditer(r"/\*.*?\*/|//[^\n]*", text, re.S):
            for m in re.finditer(r"(?<![\w/.<-])[\w./-]*\w\.(?:c|h|def|py|md|conf)\b", comment[0]):
                if m[0] not in EXAMPLES and (m[0].split("/")[-1] not in names or ("/" in m[0] and not exists(m[0]))):
                    wrong.append(f"{file}:{text.count(chr(10), 0, comment.start() + m.start()) + 1}: {m[0]}: no such file")
    for file in files:
        if re.search(r"\.(?:c|h|def|py|md)$", file) and file != "tests/lint/prose.py":
            for m in GONE.finditer(read(file)):
                wrong.append(f"{file}:{read(file).count(chr(10), 0, m.start()) + 1}: {m[0]}: this document is not in the tree")
    print("\n".join(sorted(set(wrong))) or "every name in the pages exists")
    return bool(wrong)


sys.exit(main())
