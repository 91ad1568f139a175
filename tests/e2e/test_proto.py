"""proto/*.proto says what OTLP says: every message, field and enum is compared with the official descriptors."""

import importlib
import pathlib
import subprocess

import pytest
from google.protobuf import any_pb2, duration_pb2, descriptor_pb2
from google.rpc import error_details_pb2, status_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
OTLP = [
    "common.v1.common", "resource.v1.resource", "trace.v1.trace", "logs.v1.logs", "metrics.v1.metrics",
    "collector.trace.v1.trace_service", "collector.logs.v1.logs_service", "collector.metrics.v1.metrics_service",
    "profiles.v1development.profiles", "collector.profiles.v1development.profiles_service",
]
# Descriptors of which proto/ holds a part: only what it holds is compared.
PARTLY = [any_pb2, duration_pb2, status_pb2, error_details_pb2]
Field = descriptor_pb2.FieldDescriptorProto


def fields(message):
    """name -> what the wire and protobuf's JSON depend on; text counts as bytes, `optional` as a oneof of its own."""
    described = {}
    for f in message.field:
        kind = "bytes" if f.type == Field.TYPE_STRING else Field.Type.Name(f.type)[5:].lower()
        oneof = None
        if f.HasField("oneof_index"):
            group = message.oneof_decl[f.oneof_index].name
            alone = sum(g.HasField("oneof_index") and g.oneof_index == f.oneof_index for g in message.field) == 1
            oneof = "alone" if alone else group
        described[f.name] = (f.number, kind, f.type_name, f.label == Field.LABEL_REPEATED, oneof)
    return described


def describe(file):
    """Full name of a message or enum -> its fields or values."""
    found = {}

    def walk(prefix, holder, messages):
        for enum in holder.enum_type:
            found[f"{prefix}.{enum.name}"] = {v.name: v.number for v in enum.value}
        for message in messages:
            found[f"{prefix}.{message.name}"] = fields(message)
            walk(f"{prefix}.{message.name}", message, message.nested_type)

    walk(file.package, file, file.message_type)
    return found


def official(module):
    file = descriptor_pb2.FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return describe(file)


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    out = tmp_path_factory.mktemp("proto") / "set"
    files = sorted(p.name for p in (ROOT / "proto").glob("*.proto"))
    subprocess.run(["protoc-c", f"--descriptor_set_out={out}", *files], cwd=ROOT / "proto", check=True)
    described = {}
    for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
        described.update(describe(file))
    return described


def test_otlp_is_whole(ours):
    theirs = {}
    for name in OTLP:
        theirs.update(official(importlib.import_module(f"opentelemetry.proto.{name}_pb2")))
    assert len(theirs) > 40
    mine = {name: what for name, what in ours.items() if name.startswith("opentelemetry.")}
    assert mine == theirs


def test_google_rpc(ours):
    theirs = {}
    for module in PARTLY:
        theirs.update(official(module))
    mine = {name: what for name, what in ours.items() if name.startswith("google.")}
    assert set(mine) == {"google.protobuf.Any", "google.protobuf.Duration", "google.rpc.Status", "google.rpc.RetryInfo"}
    for name, what in mine.items():
        assert what == theirs[name], name
