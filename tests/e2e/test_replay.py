# SPDX-License-Identifier: Apache-2.0
"""Every recorded trace request of real tracers goes byte for byte through the real binary, and every span that comes out is compared
with what an independent decoder, and for Python the client's own memory, say it was.

Three gateways see all of the traffic, in the order in which it was recorded:

    plain     keep_rejected, everything else at its default     -> gRPC, and OTLP/JSON on standard output
    lossless  keep_rejected, obfuscation off                    -> gRPC in each of the modes otel, both, datadog: the round trip
    default   as it comes, so traces that the tracer rejected stay out
"""
import functools
import json
import socket
from collections import Counter, defaultdict
from dataclasses import dataclass

import otlp
import pytest
import recordings
import reference
from ddgate import Ddgate, grpc
from inverse import differences
from sinks import GrpcSink

FOLDERS = recordings.folders()
REQUESTS = {name: recordings.load(name, folder) for name, folder in FOLDERS.items()}
WITH_TRACES = [name for name, requests in REQUESTS.items() if requests]


def chunks_of(requested):
    payload = [span for spans in requested.chunks for span in spans]
    return [reference.Chunk(spans, requested.said, socket.gethostname(), payload) for spans in requested.chunks if spans]


def upper_halves():
    """A test that fixes its trace ids is recorded under several clients; what is joined depends on who came first."""
    out = defaultdict(set)
    for requests in REQUESTS.values():
        for requested in requests:
            for spans in requested.chunks:
                for span in spans:
                    out[span["trace_id"]].add(span["trace_id_128_hex"])
    return out


HIGHS = upper_halves()


@dataclass
class Replayed:
    answers: dict  # (folder, file) -> Answer
    spans: dict  # (folder or "", trace id's lower half, span id) -> list of otlp.Span
    gate: Ddgate


def index(spans):
    out = defaultdict(list)
    for span in spans:
        out[str(int(span.trace_id[16:], 16)), str(int(span.span_id, 16))].append(span)
    return out


def send_all(gate):
    answers = {}
    for name in WITH_TRACES:
        for requested in REQUESTS[name]:
            answers[name, requested.file] = gate.request(
                requested.method, requested.path, requested.body, requested.headers, transport=requested.transport)
    return answers


def replay(directory, receiver, exporters):
    gate = Ddgate(directory, receiver=receiver, exporters=exporters, uds=True)
    gate.wait_listening()
    answers = send_all(gate)
    gate.stop()
    return answers, gate


def expected_chunks(keep_rejected):
    """(folder, chunk) of every chunk that must come out."""
    return [(name, chunk) for name in WITH_TRACES for requested in REQUESTS[name] for chunk in chunks_of(requested)
            if keep_rejected or not chunk.rejected]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    sink = GrpcSink()
    answers, gate = replay(tmp_path_factory.mktemp("plain"), {"keep_rejected": True},
                           [grpc(sink), {"type": "stdout", "format": "otlp_json", "when_full": "reject"}])
    sink.close()
    from_json = [span for line in gate.stdout.splitlines() for span in otlp.flatten(otlp.parse_json_line(line))]
    return {"grpc": Replayed(answers, index(sink.spans), gate), "otlp_json": Replayed(answers, index(from_json), gate)}


@pytest.fixture(scope="module")
def lossless(tmp_path_factory):
    sinks = {mode: GrpcSink() for mode in ("otel", "both", "datadog")}
    answers, gate = replay(tmp_path_factory.mktemp("lossless"), {"keep_rejected": True, "obfuscate": False},
                           [grpc(sink, mode=mode, name=mode) for mode, sink in sinks.items()])
    for sink in sinks.values():
        sink.close()
    return {mode: Replayed(answers, index(sink.spans), gate) for mode, sink in sinks.items()}


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    sink = GrpcSink()
    answers, gate = replay(tmp_path_factory.mktemp("default"), {}, [grpc(sink)])
    sink.close()
    return Replayed(answers, index(sink.spans), gate)


def report(complaints, limit=12):
    """The first few, each kind once; all of them would hide the forest."""
    if not complaints:
        return ""
    kinds = Counter(text.split(": ", 1)[1] for text in complaints)
    lines = [f"{n} x {text}" for text, n in kinds.most_common(limit)]
    return f"{len(complaints)} complaints:\n  " + "\n  ".join(lines) + f"\nfirst at {complaints[0]}"


def compare(name, replayed, mode, obfuscated, wanted, extra=lambda span, dd: []):
    complaints = []
    for chunk in wanted:
        for dd in chunk.spans:
            found = replayed.spans.get((dd["trace_id"], dd["span_id"]), [])
            where = f"{name} span {dd['span_id']} {dd['name']}"
            if not found:
                complaints.append(f"{where}: did not arrive")
            # A payload that a client sent again and again is there as often; the copies differ at most in their request headers.
            results = [reference.check(span, dd, chunk, mode, HIGHS, obfuscated) + extra(span, dd) for span in found]
            if results and all(results):
                complaints += [f"{where}: {text}" for text in min(results, key=len)]
    assert not complaints, report(complaints)


def chunks_in(name, keep_rejected=True):
    return [chunk for requested in REQUESTS[name] for chunk in chunks_of(requested) if keep_rejected or not chunk.rejected]


@pytest.mark.parametrize("name", WITH_TRACES)
@pytest.mark.parametrize("way", ["grpc", "otlp_json"])
def test_every_span_field_by_field(plain, way, name):
    compare(name, plain[way], "otel", True, chunks_in(name))


@pytest.mark.parametrize("name", WITH_TRACES)
@pytest.mark.parametrize("mode", ["otel", "both", "datadog"])
def test_modes_and_round_trip(lossless, mode, name):
    inverse = functools.partial(differences, exact=mode == "datadog") if mode != "otel" else lambda span, dd: []
    compare(name, lossless[mode], mode, False, chunks_in(name), inverse)


@pytest.mark.parametrize("name", WITH_TRACES)
def test_rejected_traces_stay_out(default, name):
    compare(name, default, "otel", True, chunks_in(name, keep_rejected=False))
    for chunk in chunks_in(name):
        if chunk.rejected:
            out = [dd["span_id"] for dd in chunk.spans if (dd["trace_id"], dd["span_id"]) in default.spans]
            assert not out, f"{name}: spans of a rejected trace came out: {out}"


def number_of(chunks):
    return sum(len(chunk.spans) for _, chunk in chunks)


def test_nothing_is_lost_and_nothing_is_invented(plain, lossless, default):
    everything = number_of(expected_chunks(keep_rejected=True))
    for what, replayed in {**plain, **lossless}.items():
        assert sum(map(len, replayed.spans.values())) == everything, what
    kept = number_of(expected_chunks(keep_rejected=False))
    assert sum(map(len, default.spans.values())) == kept
    assert default.gate.ledger.intake()["dropped", "sampled_out"] == everything - kept
    assert default.gate.ledger.intake()["received"] == everything
    assert default.gate.ledger.exporter()["sent"] == kept


def test_answers_are_what_the_agent_answers(plain):
    """Wherever the recorded agent took a request, the gateway answers the same: status, media type, JSON. Where the recording made the
    agent refuse (404, 429, 500 on purpose), the gateway takes it."""
    for (name, file), answer in plain["grpc"].answers.items():
        requested = next(r for r in REQUESTS[name] if r.file == file)
        assert answer.status == 200, f"{name}/{file}: {answer}"
        if requested.format == "v0.3":
            assert (answer.type, answer.body) == ("text/plain", b"OK\n"), f"{name}/{file}: {answer}"
        else:
            assert answer.type == "application/json", f"{name}/{file}: {answer}"
            rates = json.loads(answer.body)["rate_by_service"]
            assert rates == {} or rates["service:,env:"] == 1, f"{name}/{file}: {answer}"


@pytest.mark.parametrize("name", [n for n in WITH_TRACES if recordings.truth(FOLDERS[n])])
def test_python_spans_as_they_stood_in_memory(plain, name):
    truth, seen = recordings.truth(FOLDERS[name]), 0
    for chunk in chunks_in(name):
        for dd in chunk.spans:
            span = plain["grpc"].spans[dd["trace_id"], dd["span_id"]][0]
            memory = truth.get((dd["trace_id_128_hex"], dd["span_id"]))
            if not memory:
                continue
            seen += 1
            got = (span.start, span.end - span.start, span.attrs["operation.name"], span.attrs["resource.name"], span.service,
                   span.attrs.get("span.type") or None, int(span.status == reference.ERROR), int(span.parent_id or "0", 16))
            want = (memory["start"], memory["duration"], memory["name"], memory["resource"], memory["service"],
                    memory["type"] or None, int(bool(memory["error"])), int(memory["parent_id"] or 0))
            assert got == want, f"{name}: span {dd['span_id']}"
    assert seen, f"{name}: truth.jsonl knows none of the spans"
