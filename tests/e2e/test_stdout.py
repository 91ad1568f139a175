"""The stdout exporter's OTLP/JSON against protobuf's own JSON reader, on generated messages; and its manners with pipes."""

import base64
import json
import os
import random
import struct
import subprocess

import pytest
from ddgate import BINARY
from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TOOL = BINARY.parent / "tests" / "stdout_tool"
REQUESTS = [ExportTraceServiceRequest, ExportLogsServiceRequest, ExportMetricsServiceRequest]
IDS = {"traceId", "spanId", "parentSpanId"}
TEXTS = ["", "plain", "é中😀", 'q"b\\s/', "\x00\x01\x1f\x7f", "\b\f\n\r\t", "\x80\x9b\u2028\u202e\ufeff", "x" * 5000]
DOUBLES = [0.0, -0.0, 1.0, 0.1, 1e300, 5e-324, -1.7976931348623157e308, 123456789.123456789, float("nan"), float("inf"), -float("inf")]
EDGES = {
    "int32": [0, 1, -1, 2**31 - 1, -2**31], "uint32": [0, 1, 2**32 - 1], "int64": [0, 1, -1, 2**63 - 1, -2**63],
    "uint64": [0, 1, 2**53 + 1, 2**64 - 1],
}


def kind(field):
    name = {v: k for k, v in vars(type(field)).items() if k.startswith("TYPE_")}[field.type][5:].lower()
    return {"sint32": "int32", "fixed32": "uint32", "fixed64": "uint64", "sfixed64": "int64"}.get(name, name)


def value(field, rng):
    what = kind(field)
    if what == "string":
        return rng.choice(TEXTS)
    if what == "bytes":
        return rng.randbytes({"trace_id": 16, "span_id": 8, "parent_span_id": 8}.get(field.name, rng.randrange(9)))
    if what == "double":
        return rng.choice(DOUBLES)
    if what == "bool":
        return rng.random() < 0.5
    if what == "enum":
        return rng.choice(field.enum_type.values).number
    return rng.choice(EDGES[what])


def fill(message, rng, depth=0):
    """Every field of every kind, sometimes; deeper ones more rarely."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None:
            if field.is_repeated:
                getattr(message, field.name).extend(value(field, rng) for _ in range(rng.randrange(3)))
            elif rng.random() < 0.7:
                setattr(message, field.name, value(field, rng))
        elif depth < 3 or rng.random() < 0.9 - 0.09 * depth:
            if field.is_repeated:
                for _ in range(rng.randrange(1 if depth > 6 else 4)):
                    fill(getattr(message, field.name).add(), rng, depth + 1)
            else:
                child = getattr(message, field.name)
                child.SetInParent()
                fill(child, rng, depth + 1)
    return message


def read_json(line, request):
    """OTLP/JSON -> message: protobuf's reader, which wants ids in base64."""

    def ids(node):
        if isinstance(node, dict):
            return {k: base64.b64encode(bytes.fromhex(v)).decode() if k in IDS else ids(v) for k, v in node.items()}
        return [ids(v) for v in node] if isinstance(node, list) else node

    return json_format.ParseDict(ids(json.loads(line)), request())


def frames(bodies, signal=0, items=1):
    return b"".join(struct.pack("<BII", signal, items, len(b)) + b for b in bodies)


def run(form, data, **how):
    done = subprocess.run([TOOL, form], input=data, capture_output=True, timeout=60, **how)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("signal", range(3))
def test_json_says_what_the_frame_says(signal):
    rng = random.Random(signal)
    sent = [fill(REQUESTS[signal](), rng) for _ in range(150)]
    done = run("otlp_json", frames([m.SerializeToString() for m in sent], signal))
    assert done.stderr == b"0 0 \n"
    lines = done.stdout.decode("utf-8").split("\n")
    assert lines.pop() == "" and len(lines) == len(sent)
    for line, message in zip(lines, sent):
        # NaN differs from itself, so bytes are compared.
        assert read_json(line, REQUESTS[signal]).SerializeToString(deterministic=True) == message.SerializeToString(deterministic=True)
        assert all(c >= " " and not "\x7f" <= c <= "\x9f" for c in line)


def test_json_to_the_letter():
    m = ExportTraceServiceRequest()
    scope = m.resource_spans.add().scope_spans.add()
    span = scope.spans.add(trace_id=bytes(range(16)), span_id=b"\xff" * 8, name='a"\n\u0080é', kind=2, start_time_unix_nano=2**63, flags=257)
    span.status.SetInParent()
    for key, member, content in [("i", "int_value", -1), ("d", "double_value", 0.1), ("n", "double_value", float("nan")),
                                 ("b", "bytes_value", b"\x00\x01"), ("z", "bool_value", False), ("e", "string_value", "")]:
        setattr(span.attributes.add(key=key).value, member, content)
    span.attributes.add(key="none").value.SetInParent()
    assert run("otlp_json", frames([m.SerializeToString()])).stdout.decode() == (
        '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"000102030405060708090a0b0c0d0e0f","spanId":"ffffffffffffffff",'
        '"name":"a\\"\\n\\u0080é","kind":2,"startTimeUnixNano":"9223372036854775808","attributes":['
        '{"key":"i","value":{"intValue":"-1"}},{"key":"d","value":{"doubleValue":0.1}},{"key":"n","value":{"doubleValue":"NaN"}},'
        '{"key":"b","value":{"bytesValue":"AAE="}},{"key":"z","value":{"boolValue":false}},{"key":"e","value":{"stringValue":""}},'
        '{"key":"none","value":{}}],"status":{},"flags":257}]}]}]}\n')


@pytest.mark.parametrize("form", ["otlp_json", "pretty"])
def test_broken_frames_cost_themselves(form):
    """Any bytes at all: what cannot be read is rejected and counted, its neighbours are printed."""
    rng = random.Random(5)
    good = fill(ExportTraceServiceRequest(), rng)
    good.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="soundspan")
    good = good.SerializeToString()
    for _ in range(60):
        bodies = []
        for _ in range(20):
            bad = bytearray(good)
            for _ in range(rng.randrange(1, 6)):
                bad[rng.randrange(len(bad))] = rng.randrange(256)
            bodies += [bytes(bad[:rng.randrange(len(bad))] if rng.random() < 0.3 else bad), good]
        done = run(form, frames(bodies, items=7))
        verdict, rejected = done.stderr.split()[:2]
        assert verdict == b"0" and int(rejected) % 7 == 0
        if form == "otlp_json":
            lines = done.stdout.decode("utf-8").splitlines()
            assert len(lines) == len(bodies) - int(rejected) // 7
            for line in lines:
                json.loads(line)
        assert done.stdout.count(b"soundspan") >= 20


def field(tag, content):
    size, length = len(content), bytearray()
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([tag]) + bytes(length) + bytes([size]) + content


def nest(depth):
    """A request with one attribute whose value is `depth` arrays deep."""
    content = b""
    for _ in range(depth):
        content = field(0x2A, field(0x0A, content))
    for tag in (0x12, 0x4A, 0x12, 0x12, 0x0A):
        content = field(tag, content)
    return content


@pytest.mark.parametrize("form", ["otlp_json", "pretty"])
def test_deep_nesting_is_refused_not_followed(form):
    done = run(form, frames([nest(90), nest(50000)]))
    assert done.stderr.split()[:2] == [b"0", b"1"]
    assert done.stdout.count(b"[") >= 90 if form == "otlp_json" else b"1 span" in done.stdout


def test_reader_that_goes_away():
    """The process lives on, and says how much was lost."""
    body = fill(ExportTraceServiceRequest(), random.Random(1)).SerializeToString()
    child = subprocess.Popen([TOOL, "otlp_json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()
    child.stdin.write(frames([body] * 50, items=3))
    child.stdin.close()
    said = child.stderr.read()
    assert child.wait(30) == 0
    assert said == b"0 150 standard output: Broken pipe\n"


def test_full_disk_device():
    with open("/dev/full", "wb") as full:
        body = fill(ExportTraceServiceRequest(), random.Random(1)).SerializeToString()
        child = subprocess.Popen([TOOL, "otlp_json"], stdin=subprocess.PIPE, stdout=full, stderr=subprocess.PIPE)
        child.stdin.write(frames([body]))
        child.stdin.close()
        line = child.stderr.readline()
        assert b"No space left on device" in line and b"ddgate tries again" in line
        child.kill()
        child.wait()


def test_slow_reader_gets_every_line():
    body = fill(ExportTraceServiceRequest(), random.Random(2)).SerializeToString()
    want = run("otlp_json", frames([body])).stdout
    child = subprocess.Popen([TOOL, "otlp_json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdin.write(frames([body] * 40))
    child.stdin.close()
    got = b""
    while piece := os.read(child.stdout.fileno(), 777):
        got += piece
    assert child.wait(30) == 0
    assert got == want * 40
