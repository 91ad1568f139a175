"""Functions that invite a mistake, in the program; sleeping instead of waiting, in tests; words and places that do not belong into the tree."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
C = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca|tmpnam|mktemp)\s*\(": "has a safe sibling",
    r"\b(rand|srand)\s*\(": "gives the same to everybody: randomness is handed in",
    r"\bassert\s*\(": "vanishes in release builds: GW_ASSERT",
    r"//": "comments are /* … */",
}
TESTS = {r"\b(sleep|usleep|nanosleep)\s*\(": "wait for the event instead"}
ANYWHERE = {
    r"\bTO" r"DO\b|\bFIX" r"ME\b|\bX" r"XX\b": "do it, or write it down in an issue",
    r"/wo" r"rk/|/home/[a-z]|/ro" r"ot/|/Us" r"ers/": "is a path of somebody's machine",
    r"https?://[\w.-]*(?:pypi|npmjs|crates\.io|proxy\.golang|mirrors?\.)[\w.-]*": "registries belong into the user's settings",
}
TEXT = {".c", ".h", ".def", ".py", ".md", ".txt", ".cmake", ".proto", ".conf", ".json", ".sh", ".mk", ""}


def strip(code):
    """C without its comments and strings, line for line."""
    blank = lambda m: re.sub(r"[^\n]", " ", m[0])
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', blank, code, flags=re.S)


def find(file, text, rules):
    for number, line in enumerate(text.split("\n"), 1):
        for pattern, why in rules.items():
            hit = re.search(pattern, line)
            if hit:
                yield f"{file}:{number}: {hit[0].strip()} {why}"


def main():
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    wrong = []
    for name in filter(None, files):
        path = ROOT / name
        if path.suffix not in TEXT or not path.is_file() or "/corpus/" in name or "/fixtures/" in name:
            continue
        text = path.read_text(errors="replace")
        wrong += find(name, text, ANYWHERE)
        if path.suffix in {".c", ".h"}:
            wrong += find(name, strip(text), TESTS if name.startswith("tests/") else {} if name.startswith("bench/") else C)
        elif path.suffix == ".py" and name.startswith("tests/"):
            wrong += find(name, text, TESTS)
    print("\n".join(wrong) or "nothing banned")
    return bool(wrong)


sys.exit(main())
