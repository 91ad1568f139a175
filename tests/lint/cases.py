# SPDX-License-Identifier: Apache-2.0
"""Every row of the mapping's tables has a case in the translator's unit tests: a tag stands among some span's tags ('tag':), an attribute
is expected of some span (attribute=). New rows come with a case."""
import pathlib
import re
import sys

TABLES = pathlib.Path("translators/ddtrace")


def rows(file, pattern):
    return re.findall(pattern, (TABLES / file).read_text(), re.M)


def joined(file):
    """Adjacent string literals as the one that they mean: a long text stands on several lines."""
    return re.sub(r'(?<!\\)"\s*\n\s*"', "", file.read_text())


def main():
    cases = "".join(joined(p) for p in sorted(pathlib.Path("tests/unit").rglob("test_translate_*.c")))
    lists = cases + joined(pathlib.Path("tests/unit/translators/ddtrace/test_dd_tags.c"))
    tags = rows("dd_attrs.def", r'^TAG\(\w+,\s*"([^"]+)"')
    attributes = rows("dd_attrs.def", r'^ATTR\(\w+,\s*"([^"]+)"') + rows("dd_resource.def", r'^RES\(\w+,\s*"([^"]+)"')
    listed = rows("../tags/dd_tags.def", r'^TAG\(\w+,\s*"([^"]+)"')
    missing = [f"no span has the tag {t}" for t in tags if f"'{t}':" not in cases]
    missing += [f"no span is expected to have {a}" for a in attributes if not re.search(rf"[\s\"']{re.escape(a)}=", cases)]
    missing += [f"no list has {t}" for t in listed if not re.search(rf"[\"',]{re.escape(t)}:", lists)]
    if len(tags) < 150 or len(attributes) < 90 or len(listed) < 30:
        sys.exit("the tables were not found")
    print("\n".join(missing) or f"{len(tags)} tags, {len(attributes)} attributes, {len(listed)} tags of lists have cases")
    return bool(missing)


sys.exit(main())
