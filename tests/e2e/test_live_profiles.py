# SPDX-License-Identifier: Apache-2.0
"""Real profilers, at once: ddtrace of both ages, whose files are packed by zstd and by gzip, and dd-trace-js 5 and 6. Their uploads are kept, and go out as OTLP."""
import json

import clients
import profile_makers


def test_profilers_of_python_and_node(make_gate, tmp_path):
    programs = {"python-4": profile_makers.python("newest"), "node-5": profile_makers.node("node"), "node-6": profile_makers.node("node-6")}
    if clients.runs_here("1.x"):
        programs["python-1"] = profile_makers.python("1.x")
    kept, otlp = profile_makers.run(make_gate, tmp_path, programs)
    for service in programs:
        profile_makers.assert_same_in_both_forms(kept, otlp, service)
        names = profile_makers.functions(kept, service)
        assert any(name.split("#")[0].endswith("spin") or "spin" in name for name in names), (service, sorted(names)[:50])
        for upload in kept[service]:
            event = json.loads(upload["event.json"])
            assert f"service:{service}" in event["tags_profiler"].split(",")
    languages = {p.resource["service.name"]: p.resource["telemetry.sdk.language"] for p in otlp}
    assert languages == {service: {"python": "python", "node": "nodejs"}[service.split("-")[0]] for service in programs}
