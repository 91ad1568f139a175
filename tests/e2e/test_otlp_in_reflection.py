# SPDX-License-Identifier: Apache-2.0
"""What the gRPC server of OTLP says of itself, by health and by server reflection, to clients that are not ours."""
import importlib
import socket
import struct

import grpc as grpcio
import pytest
from ddgate import SANITIZED, grpc
from google.protobuf import descriptor_pb2, text_format
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub
from grpc_reflection.v1alpha import reflection_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from raw_h2 import DATA, PREFACE, SETTINGS, frame, headers, statuses
from sinks import PATIENCE
from test_otlp_in_grpc import CALL, connect, make_otlp, raw, refused  # pylint: disable=unused-import

OTLP = {"opentelemetry.proto.collector.trace.v1.TraceService", "opentelemetry.proto.collector.logs.v1.LogsService",
        "opentelemetry.proto.collector.metrics.v1.MetricsService"}
PROFILES = "opentelemetry.proto.collector.profiles.v1development.ProfilesService"
OWN = {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}
V1, V1ALPHA = (f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1", "v1alpha"))
# Python's packages of gRPC's own services have the files in folders of other names.
ELSEWHERE = {"grpc/health/v1/health": "grpc_health.v1.health", "grpc/reflection/v1alpha/reflection": "grpc_reflection.v1alpha.reflection",
             "grpc/reflection/v1/reflection": "grpc_reflection.v1alpha.reflection"}


def ask(channel, *requests, method=V1):
    """One stream of requests, and its answers."""
    stream = channel.stream_stream(method, lambda m: m.SerializeToString(), reflection_pb2.ServerReflectionResponse.FromString)
    return list(stream(iter([reflection_pb2.ServerReflectionRequest(**one) for one in requests]), timeout=PATIENCE))


def listed(channel, method=V1):
    return {s.name for s in ask(channel, {"list_services": ""}, method=method)[0].list_services_response.service}


def test_services_are_listed_as_they_are_served(make_otlp, connect, sink):
    for exporter, services in ((grpc(sink), OTLP | OWN), ({**grpc(sink), "signals": ["traces", "profiles"]}, OTLP | OWN | {PROFILES})):
        channel = connect(make_otlp([exporter]))
        assert listed(channel) == listed(channel, V1ALPHA) == services
        health = HealthStub(channel)
        known = health.List(health_pb2.HealthListRequest(), timeout=PATIENCE).statuses
        assert set(known) == services | {""} and {s.status for s in known.values()} == {health_pb2.HealthCheckResponse.SERVING}
        for service in OTLP | OWN | {PROFILES}:
            request = health_pb2.HealthCheckRequest(service=service)
            if service in services:
                assert health.Check(request, timeout=PATIENCE).status == health_pb2.HealthCheckResponse.SERVING
            else:
                assert refused(health.Check, request).code() == grpcio.StatusCode.NOT_FOUND


def without_json_names(message):
    for field in message.field:
        field.ClearField("json_name")
    for nested in message.nested_type:
        without_json_names(nested)


def test_descriptors_are_the_official_ones(make_otlp, connect, sink):
    channel = connect(make_otlp([grpc(sink)]))
    files = {}
    for symbol in sorted(OTLP | OWN | {PROFILES}):
        answer, = ask(channel, {"file_containing_symbol": symbol})
        for one in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(one)
            files[file.name] = file
    assert len(files) == 13
    for name, file in files.items():
        stem = name.removesuffix(".proto")
        official = descriptor_pb2.FileDescriptorProto()
        importlib.import_module(ELSEWHERE.get(stem, stem.replace("/", ".")) + "_pb2").DESCRIPTOR.CopyToProto(official)
        for message in (*file.message_type, *official.message_type):
            without_json_names(message)
        if stem in ELSEWHERE:
            official.name = name
        if stem == "grpc/reflection/v1/reflection":  # which has no package in Python: it is v1alpha but for its name and options
            official = text_format.Parse(text_format.MessageToString(official).replace("v1alpha", "v1"), descriptor_pb2.FileDescriptorProto())
            official.options.CopyFrom(file.options)
        assert file == official, name


def test_a_client_without_proto_files_exports(make_otlp, connect, sink):
    channel = connect(make_otlp([grpc(sink)]))
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    method = pool.FindServiceByName("opentelemetry.proto.collector.trace.v1.TraceService").FindMethodByName("Export")
    request = GetMessageClass(method.input_type)()
    one = request.resource_spans.add().scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="learnt", kind=2)
    one.attributes.add(key="k").value.string_value = "v"
    raw(channel)(request.SerializeToString(), timeout=PATIENCE)
    sink.wait_spans(1)
    assert sink.spans[0].name == "learnt" and sink.spans[0].attrs == {"k": "v"}


def test_what_is_not_there(make_otlp, connect, sink):
    channel = connect(make_otlp([grpc(sink)]))
    extension = reflection_pb2.ExtensionRequest(containing_type="opentelemetry.proto.trace.v1.Span", extension_number=7)
    answers = ask(channel, {"host": "h", "file_by_filename": "x.proto"}, {"file_containing_symbol": "x.y"}, {"file_containing_extension": extension},
                  {"all_extension_numbers_of_type": "x.Y"}, {}, {"all_extension_numbers_of_type": "opentelemetry.proto.trace.v1.Span"})
    assert [a.error_response.error_code for a in answers] == [5, 5, 5, 5, 3, 0]
    assert (answers[0].valid_host, answers[0].original_request.file_by_filename) == ("h", "x.proto")
    last = answers[-1].all_extension_numbers_response
    assert last.base_type_name == "opentelemetry.proto.trace.v1.Span" and not last.extension_number
    for bad in (b"\x3a\x05x", b"\x3a\xff\x10" + b"x" * 2175):
        stream = channel.stream_stream(V1, lambda b: b, lambda b: b)(iter([bad]), timeout=PATIENCE)
        with pytest.raises(grpcio.RpcError) as fault:
            next(stream)
        assert fault.value.code() == grpcio.StatusCode.INVALID_ARGUMENT


def test_tokens_guard_reflection(make_otlp, connect, sink):
    channel = connect(make_otlp([grpc(sink)], auth={"token": "a-secret-token"}))
    with pytest.raises(grpcio.RpcError) as fault:
        listed(channel)
    assert fault.value.code() == grpcio.StatusCode.UNAUTHENTICATED


REFLECT = [(":path", V1) if name == ":path" else (name, value) for name, value in CALL]


def resident_mib(gate):
    with open(f"/proc/{gate.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096 / 2 ** 20


def test_answers_that_nobody_reads_are_bounded(make_otlp, connect, sink):
    """With a window of a byte a stream, answers of a hundred streams stay here: a quarter of a megabyte of them at most."""
    gate = make_otlp([grpc(sink)])
    before = resident_mib(gate)
    question = reflection_pb2.ServerReflectionRequest(file_containing_symbol="opentelemetry.proto.trace.v1.Span").SerializeToString()
    message = frame(DATA, 0, 0, (struct.pack(">BI", 0, len(question)) + question) * 20)
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as client:
        client.sendall(PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1)))
        try:
            for stream in range(1, 200, 2):
                client.sendall(headers(stream, REFLECT) + message[:5] + struct.pack(">I", stream) + message[9:])
            while client.recv(65536):
                if resident_mib(gate) - before > 4:
                    break
        except OSError:
            pass
        assert SANITIZED or resident_mib(gate) - before < 4
    assert listed(connect(gate)) == OTLP | OWN


def test_a_message_that_stops_halfway_ends_its_stream(make_otlp, sink):
    gate = make_otlp([grpc(sink)], receive_timeout="300ms")
    whole = struct.pack(">BI", 0, 2) + b"\x3a\x00"
    with socket.create_connection(("127.0.0.1", gate.port), timeout=PATIENCE) as client:
        client.sendall(PREFACE + frame(SETTINGS, 0, 0) + headers(1, REFLECT) + frame(DATA, 0, 1, whole + struct.pack(">BI", 0, 1000) + b"x"))
        told = b""
        while "grpc-status" not in statuses(told).get(1, {}):
            told += client.recv(65536)
    assert statuses(told)[1]["grpc-status"] == "4"
