# SPDX-License-Identifier: Apache-2.0
"""Recorded requests of real tracers: CLIENT-VERSION/SCENARIO/ with NNN-METHOD-path.bin (the body, byte for byte), .json (method,
path, headers in order, transport, the answer that it got) and expected.json (every span as an independent decoder read it; see
tests/data/recordings/README.md).

A chosen few live in tests/data/recordings; where a larger collection is present (DDGATE_SHARED or ../shared), that is replayed too.
"""
import json
import os
import pathlib
from dataclasses import dataclass

import v10

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = ("v0.3", "v0.4", "v0.5", "v0.7", "v1.0")
# What v1.0 says once for a chunk, and v0.4 on its first span; and what v1.0 says in fields of the span.
OF_THE_CHUNK = {"_dd.p.tid", "_sampling_priority_v1", "_dd.origin", "_dd.p.dm"}
OF_THE_SPAN = {"env", "version", "component", "span.kind"}
PROCESS_TAGS = "_dd.tags.process"


def folders():
    """Every scenario folder, as {name: path}."""
    shared = pathlib.Path(os.environ.get("DDGATE_SHARED", ROOT.parent / "shared"))
    out = {}
    for base in (ROOT / "tests" / "data" / "recordings", shared / "fixtures" / "recordings"):
        for expected in sorted(base.rglob("expected.json")):
            out.setdefault(str(expected.parent.relative_to(base)), expected.parent)
    return out


@dataclass
class Recorded:
    folder: str
    file: str
    method: str
    path: str
    headers: list
    said: dict  # what the request says of the process: in headers, or in the payload
    transport: str
    status: int
    response_type: str
    response_body: str
    body: bytes
    format: str
    chunks: list  # of lists of spans, as expected.json has them


def text(v):
    """Text that was not UTF-8 stands as its bytes; OTLP gets U+FFFD for every maximal ill-formed part, as Python's decoder does."""
    if isinstance(v, dict) and "__invalid_utf8_hex__" in v:
        return bytes.fromhex(v["__invalid_utf8_hex__"]).decode("utf-8", "replace")
    return v


def _clean(node):
    if isinstance(node, dict):
        if "__invalid_utf8_hex__" in node:
            return text(node)
        return {key: _clean(v) for key, v in node.items()}
    if isinstance(node, list):
        return [_clean(item) for item in node]
    return node


def without_additions(chunks, body):
    """The independent decoder of v1.0 gives every span what chunk and payload say; here that is taken off again, so that the spans are
    those that the tracer would have sent as v0.4."""
    own = v10.decode(body)
    for spans in chunks:
        for n, span in enumerate(spans):
            its = own[span["span_id"]].keys() | OF_THE_SPAN | (OF_THE_CHUNK if n == 0 else set())
            for where in ("meta", "metrics"):
                span[where] = {k: v for k, v in span[where].items() if k in its}
    return chunks


def load(name, folder):
    """The trace requests of one scenario, in the order in which they were sent."""
    expected = json.loads((folder / "expected.json").read_text())
    out = []
    for file in sorted(expected):
        what = expected[file]
        assert what["format"] in FORMATS, f"{name}/{file}: unknown format {what['format']!r}"
        meta = json.loads((folder / file).with_suffix(".json").read_text())
        body = (folder / file).read_bytes()
        chunks, headers = _clean(what["traces"]), [tuple(pair) for pair in meta["headers"]]
        said = {name.lower(): v for name, v in headers}
        if what["format"] == "v1.0":
            process_tags = [span["meta"][PROCESS_TAGS] for spans in chunks for span in spans if PROCESS_TAGS in span["meta"]]
            said.update({"x-datadog-process-tags": process_tags[0]} if process_tags else {})
            chunks = without_additions(chunks, body)
        out.append(Recorded(
            folder=name, file=file, method=meta["method"], path=meta["path"], headers=headers, said=said,
            transport=meta["transport"], status=meta["status"], response_type=meta.get("response_content_type") or "",
            response_body=meta.get("response_body") or "", body=body, format=what["format"], chunks=chunks))
    return out


def truth(folder):
    """{(128-bit trace id in hex, span id in decimal): span as it stood in a Python client's memory}; empty without truth.jsonl."""
    path = folder / "truth.jsonl"
    out = {}
    if path.exists():
        for line in path.read_text().splitlines():
            for span in json.loads(line).get("chunk", []):  # lines without are the recorder's own troubles
                out[span["trace_id_128_hex"], str(span["span_id"])] = _clean(span)
    return out
