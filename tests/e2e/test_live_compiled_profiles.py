# SPDX-License-Identifier: Apache-2.0
"""As test_live_profiles.py, of profilers that have to be compiled, or start slowly: dd-trace-go, read by `go tool pprof`, and Java, whose files are JFR."""
import json
import subprocess

import clients
import profile_makers
import span_makers
import zstandard
from clients import LISTS


def go_program():
    source = LISTS / "go-profile"

    def make(directory):
        subprocess.run(["go", "build", "-trimpath", "-o", directory / "profile", "."], cwd=source, check=True, stdin=subprocess.DEVNULL)
    return [clients.environment("go-profile", sorted(source.iterdir()), make) / "profile"], {}


def test_go(make_gate, tmp_path):
    kept, otlp = profile_makers.run(make_gate, tmp_path, {"go": go_program()})
    profile_makers.assert_same_in_both_forms(kept, otlp, "go")
    names = {name for upload in kept["go"] for name in upload}
    assert names >= {"event.json", "cpu.pprof", "delta-heap.pprof", "goroutines.pprof", "metrics.json.zst"}
    metrics = [upload["metrics.json.zst"] for upload in kept["go"] if "metrics.json.zst" in upload]
    assert all("go_num_goroutine" in dict(json.loads(zstandard.ZstdDecompressor().decompressobj().decompress(data))) for data in metrics)
    assert "main.spin" in profile_makers.functions(kept, "go", "cpu.pprof")
    files = sorted((tmp_path / "kept" / "go").glob("*/cpu.pprof"))
    shown = subprocess.run(["go", "tool", "pprof", "-top", *files], capture_output=True, text=True, check=True).stdout
    assert "main.spin" in shown and "Type: cpu" in shown, shown
    spans = [attributes for p in otlp for attributes, _ in p.samples if "span_id" in attributes]
    assert spans and all(len(a["span_id"]) == 16 for a in spans)


def test_java(make_gate, tmp_path):
    command, variables = span_makers.java(DD_PROFILING_UPLOAD_PERIOD="2", DD_PROFILING_START_DELAY="0", DD_PROFILING_START_FORCE_FIRST="true")
    kept, otlp = profile_makers.run(make_gate, tmp_path, {"java": (command, variables)})
    jfr = [data for upload in kept["java"] for name, data in upload.items() if ".jfr" in name]
    assert jfr and otlp and {p.profile.original_payload_format for p in otlp} == {"jfr"}
    assert all(p.profile.original_payload.startswith(b"FLR\0") for p in otlp)
