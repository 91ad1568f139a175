"""Cases of the Pipeline language with the results of the reference engine, run through `ddgate pipeline`."""

import base64
import json
import math
import os
import pathlib
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

BINARY = os.environ.get("DDGATE_BINARY", "build/ddgate")
ZONE = "Asia/Shanghai"


def read(path):
    return [json.loads(line) for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines()]


def expected(value):
    if isinstance(value, dict) and "$float" in value:
        return {"NaN": "NaN", "+Inf": "Infinity", "Inf": "Infinity", "-Inf": "-Infinity"}[value["$float"]]
    if isinstance(value, dict) and "$b64" in value:
        return base64.b64decode(value["$b64"]).decode("utf-8", "replace")
    return value


def same(mine, want):
    want = expected(want)
    if isinstance(want, bool) or isinstance(mine, bool) or want is None:
        return mine is want
    if isinstance(want, float):
        return isinstance(mine, float) and (mine == want or math.isnan(mine) and math.isnan(want))
    return type(mine) is type(want) and mine == want


def differences(mine, want):
    """What a record shows that the reference's does not, or otherwise, in words."""
    if "panic" in want:
        return
    for part in ("tags", "fields"):
        for key in sorted(mine[part].keys() | want[part].keys()):
            if key in want.get("arrival_time_fields", []):
                continue
            if key not in mine[part] or key not in want[part]:
                yield f"{part}.{key} is {'missing' if key in want[part] else 'there'}"
            elif not same(mine[part][key], want[part][key]):
                yield f"{part}.{key} is {mine[part][key]!r}, want {want[part][key]!r}"
    for key in ("name", "dropped", "time"):
        if mine.get(key) != want.get(key):
            yield f"{key} is {mine.get(key)!r}, want {want.get(key)!r}"
    if bool(mine.get("error")) != bool(want.get("run_error")):
        yield f"error is {mine.get('error')!r}, want {want.get('run_error')!r}"
    elif mine.get("error") and mine["error"].split(":")[:2] != want["run_error"].split(":")[:2]:
        yield f"error is {mine['error']!r}, want {want['run_error']!r}"
    made = [] if "run_error" in want else want.get("sub_points", [])
    if len(mine.get("created", [])) != len(made):
        yield f"created {len(mine.get('created', []))}, want {len(made)}"
    for one, other in zip(mine.get("created", []), made):
        # the engine's record of a created point already went through the status mapping of its own category
        other = {**other, "fields": {k: v for k, v in other["fields"].items() if k != "status"}}
        yield from (f"created: {words}" for words in differences(one, other))


def run(case):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**case.get("scripts", {}), "main.p": case["script"]}.items():
            pathlib.Path(folder, name).write_text(text, encoding="utf-8", newline="")
        command = [BINARY, "pipeline", "--script", f"{folder}/main.p", "--input", "json", "--timezone", case.get("tz", ZONE)]
        if "source" in case:
            command += ["--source", case["source"]]
        if "category" in case:
            command += ["--category", case["category"]]
        if "ignore_status" in case:
            command += ["--ignore-status", ",".join(case["ignore_status"])]
        if case.get("no_status"):
            command += ["--no-status"]
        record = {key: case[key] for key in ("message", "fields", "tags") if key in case}
        return subprocess.run(command, input=json.dumps(record) + "\n", capture_output=True, encoding="utf-8", check=False, timeout=60)


def judge(case):
    """None when it agrees, else what is different."""
    done = run(case)
    want = case["expect"]
    if "load_error" in want:
        if done.returncode != 2:
            return f"it loads, want {want['load_error']!r}"
        first = done.stderr.split("\n", 1)[0]
        line = first.split(":")[1] if first.count(":") > 1 else "?"
        return None if line == str(want["load_error_line"]) or want["load_error"].split(":")[0] != "main.p" else f"{first!r}, want {want['load_error']!r}"
    if done.returncode != 0:
        return f"exit {done.returncode}: {done.stderr.strip()}"
    mine = json.loads(done.stdout)
    found = list(differences(mine, want))
    if found and "expect_alt" in case and not list(differences(mine, case["expect_alt"])):
        return None
    return "; ".join(found) or None


def judge_all(cases):
    with ThreadPoolExecutor(4) as pool:
        return {case["id"]: why for case, why in zip(cases, pool.map(judge, cases)) if why}
