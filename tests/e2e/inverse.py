# SPDX-License-Identifier: Apache-2.0
"""OTLP back to Datadog: the inverse of the mapping for the modes `both` and `datadog` with obfuscation off. What comes back must be
the recorded span. Written from the mapping's rules: own names are kept in these modes, operation.name, resource.name and span.type
carry what OTLP has no field for, and what ddgate added is recognised by its name."""
from reference import ERROR

ADDED = {"operation.name", "resource.name", "span.type"}
OF_THE_CHUNK = {"sampling.priority", "datadog.origin"}  # stands on every span; the tracer says it on one


def datadog_span(span):
    """The span as recordings have it; `tags` holds meta and metrics together."""
    return {
        "trace_id": str(int(span.trace_id[16:], 16)),
        "span_id": str(int(span.span_id, 16)),
        "parent_id": str(int(span.parent_id or "0", 16)),
        "service": span.resource.get("service.name"),
        "name": span.attrs.get("operation.name"),
        "resource": span.attrs.get("resource.name", ""),
        "type": span.attrs.get("span.type", ""),
        "start": span.start,
        "duration": span.end - span.start,
        "error": int(span.status == ERROR),
        "tags": {k: v for k, v in span.attrs.items() if k not in ADDED},
    }


def differences(span, dd, exact=False):
    """Sentences; empty when the round trip holds. Exact: nothing stands besides what was sent (mode datadog)."""
    back, wrong = datadog_span(span), []
    for key in ("trace_id", "span_id"):
        if back[key] != dd[key]:
            wrong.append(f"{key}: {back[key]} from {dd[key]}")
    want = {"parent_id": str(dd.get("parent_id") or 0), "service": dd.get("service"), "name": dd.get("name"),
            "resource": dd.get("resource") or "", "type": dd.get("type") or "", "start": dd["start"], "duration": dd["duration"],
            "error": int(bool(dd.get("error")))}
    for key, v in want.items():
        if back[key] != v:
            wrong.append(f"{key}: {back[key]!r} from {v!r}")
    # Links and events that stand as such need no tag; reference.py compares them.
    native = {"_dd.span_links"} if span.links else set()
    native |= {"events"} if any(e.name != "exception" for e in span.events) else set()
    for name in ("meta", "metrics"):
        for key, v in (dd.get(name) or {}).items():
            if key in native and key not in back["tags"]:
                continue
            got = back["tags"].get(key)
            if got != v or isinstance(got, str) != isinstance(v, str):
                wrong.append(f"{name} {key}: {got!r} from {v!r}")
    sent = {key for name in ("meta", "metrics", "meta_struct") for key in dd.get(name) or {}}
    if exact and set(back["tags"]) - OF_THE_CHUNK - sent:
        wrong.append(f"nobody sent {sorted(set(back['tags']) - OF_THE_CHUNK - sent)}")
    return wrong
