# SPDX-License-Identifier: Apache-2.0
"""OTLP profiles in, over gRPC and HTTP: what goes through byte for byte, what is refused, and that nobody who does not ask for them gets them."""
import base64
import json
import urllib.request

import grpc as grpcio
import pprof
import profiles
import pytest
from ddgate import conf_text, free_port, grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest, ExportProfilesServiceResponse
from profiles import GrpcTaker, otlp_profiles
from sinks import PATIENCE

HTTP_PATH = "/v1development/profiles"


@pytest.fixture
def backend():
    taker = GrpcTaker()
    yield taker
    taker.close()


@pytest.fixture
def make_otlp(make_gate):
    def make(*exporters, **options):
        port, http_port = free_port(), free_port()
        receiver = {"type": "otlp", "grpc": [f"127.0.0.1:{port}"], "http": [f"127.0.0.1:{http_port}"], **options}
        gate = make_gate(conf=conf_text({"receivers": (receiver,), "exporters": exporters, "admin": {"listen": "127.0.0.1:0"}}), port=http_port)
        gate.grpc_port = port
        return gate
    return make


def to(backend):
    return {"type": "otlp_grpc", "name": "backend", "endpoint": backend.endpoint, "signals": ["profiles"]}


def request(services=("shop",), texts=("main", "work")):
    """A resource each, of which every sample points into one dictionary; with fields of every kind."""
    r = ExportProfilesServiceRequest()
    d = r.dictionary
    d.string_table.extend(["", "cpu", "nanoseconds", "thread.id", *texts])
    for table in (d.mapping_table, d.location_table, d.function_table, d.link_table, d.attribute_table, d.stack_table):
        table.add()
    d.mapping_table.add(memory_start=1, memory_limit=2**63 + 1, file_offset=3, filename_strindex=1, attribute_indices=[1])
    for i in range(len(texts)):
        d.function_table.add(name_strindex=4 + i, system_name_strindex=4 + i, filename_strindex=1, start_line=7)
        d.location_table.add(mapping_index=1, address=9, attribute_indices=[1]).lines.add(function_index=1 + i, line=8, column=2)
    d.attribute_table.add(key_strindex=3, unit_strindex=2).value.int_value = 5
    d.link_table.add(trace_id=bytes(range(1, 17)), span_id=bytes(range(1, 9)))
    d.stack_table.add(location_indices=range(len(texts), 0, -1))
    for service in services:
        rp = r.resource_profiles.add(schema_url="https://opentelemetry.io/schemas/1.30.0")
        attribute = rp.resource.attributes.add()
        attribute.key, attribute.value.string_value = "service.name", service
        sp = rp.scope_profiles.add()
        sp.scope.name = "profiler"
        p = sp.profiles.add(time_unix_nano=1_764_000_000_000_000_000, duration_nano=5, period=-3, profile_id=bytes(range(16)), attribute_indices=[1],
                            original_payload_format="x", original_payload=b"\0\xff")
        p.sample_type.type_strindex, p.sample_type.unit_strindex = 1, 2
        p.samples.add(stack_index=1, link_index=1, attribute_indices=[1], values=[30, -1], timestamps_unix_nano=[1_764_000_000_000_000_000])
    return r


def export(gate, body, compression=None):
    with grpcio.insecure_channel(f"127.0.0.1:{gate.grpc_port}", [("grpc.max_send_message_length", 64 << 20)]) as channel:
        call = channel.unary_unary(GrpcTaker.METHOD, lambda b: b, ExportProfilesServiceResponse.FromString)
        return call(body, timeout=PATIENCE, compression=compression)


def post(gate, body, kind="application/x-protobuf"):
    return gate.request("POST", HTTP_PATH, body, {"Content-Type": kind})


def as_json(r):
    tree = json_format.MessageToDict(r)
    for rp in tree["resourceProfiles"]:
        for p in rp["scopeProfiles"][0]["profiles"]:
            p["profileId"] = base64.b64decode(p["profileId"]).hex()
    for link in tree["dictionary"]["linkTable"]:
        for key in link:
            link[key] = base64.b64decode(link[key]).hex()
    return json.dumps(tree).encode()


def test_every_way_in_is_the_same(make_otlp, backend):
    gate = make_otlp(to(backend))
    sent = request(("shop", "cart"))
    assert export(gate, sent.SerializeToString()).ByteSize() == 0
    assert export(gate, sent.SerializeToString(), grpcio.Compression.Gzip).ByteSize() == 0
    answer = post(gate, sent.SerializeToString())
    assert (answer.status, answer.body) == (200, b"")
    answer = post(gate, as_json(sent), "application/json")
    assert (answer.status, answer.body) == (200, b"{}")
    gate._until(lambda: len(backend.requests) == 4, "not all come")
    assert all(got == sent for got in backend.requests)
    assert otlp_profiles(backend.requests[:1])[0].stacks == {("main", "work"): 29}
    assert profiles.rows(gate)["accepted"] == 8
    metrics = gate.admin("/metrics").body.decode()
    assert [line for line in metrics.splitlines() if "ddgate_otlp_requests_total" in line and 'signal="profiles"' in line][0].endswith(" 4")


def test_a_large_request_is_cut_with_its_dictionary(make_otlp, backend):
    gate = make_otlp(to(backend))
    sent = request([f"s{i}" for i in range(12)])
    for rp in sent.resource_profiles:
        rp.scope_profiles[0].profiles[0].original_payload = bytes(400_000)
    assert export(gate, sent.SerializeToString()).ByteSize() == 0
    gate._until(lambda: profiles.rows(gate)["exporters"]["backend"]["sent"] == 12, "not all are sent")
    assert len(backend.requests) > 2
    found = otlp_profiles(backend.requests)
    assert sorted(p.resource["service.name"] for p in found) == sorted(f"s{i}" for i in range(12))
    assert all(p.stacks == {("main", "work"): 29} and p.attributes == {"thread.id": 5} for p in found)


def test_what_a_backend_would_refuse_whole(make_otlp, backend):
    gate = make_otlp(to(backend))
    one = request(("good", "bad")).SerializeToString()
    answer = export(gate, one.replace(b"\x12\x05\n\x03bad", b"\x12\x05\n\x03b\xffd"))
    assert answer.partial_success.rejected_profiles == 1 and "not UTF-8" in answer.partial_success.error_message
    answer = post(gate, one.replace(b"*\x04main", b"*\x04ma\xffn"))
    assert ExportProfilesServiceResponse.FromString(answer.body).partial_success.rejected_profiles == 2, "a dictionary is everybody's"
    with pytest.raises(grpcio.RpcError) as failure:
        export(gate, one[:-3])
    assert failure.value.code() == grpcio.StatusCode.INVALID_ARGUMENT
    assert post(gate, one[:-3]).status == 400 and post(gate, b"{", "application/json").status == 400
    gate._until(lambda: profiles.rows(gate)["exporters"]["backend"]["sent"] == 1, "the good one is not sent")
    assert [p.resource["service.name"] for p in otlp_profiles(backend.requests)] == ["good"]
    assert profiles.rows(gate)["refused"] == {"bad_text": 3}


def test_where_no_exporter_names_them(make_otlp, sink):
    gate = make_otlp(grpc(sink))
    body = request().SerializeToString()
    with pytest.raises(grpcio.RpcError) as failure:
        export(gate, body)
    assert failure.value.code() == grpcio.StatusCode.UNIMPLEMENTED and "takes OTLP profiles" in failure.value.details()
    assert post(gate, body).status == 404


def test_a_profiler_of_datadog_and_one_of_opentelemetry(make_gate, backend):
    """Both stand side by side in one backend."""
    port = free_port()
    gate = make_gate(conf=conf_text({
        "receivers": ({"type": "ddtrace", "listen": [f"127.0.0.1:{port}"], "socket": "", "profiles": {"otlp": True}},
                      {"type": "otlp", "grpc": [], "http": [f"127.0.0.1:{(http := free_port())}"]}),
        "exporters": (to(backend),), "admin": {"listen": "127.0.0.1:0"}}), port=port)
    assert gate.request("POST", profiles.PATH, profiles.upload({"cpu.pprof": pprof.make("cpu")}), profiles.HEADERS).status == 200
    sent = urllib.request.Request(f"http://127.0.0.1:{http}{HTTP_PATH}", request(("otel",)).SerializeToString(), {"Content-Type": "application/x-protobuf"})
    with urllib.request.urlopen(sent, timeout=PATIENCE) as answer:
        assert answer.status == 200
    gate._until(lambda: len(backend.requests) == 2, "not both come")
    assert {p.resource["service.name"] for p in otlp_profiles(backend.requests)} == {"shop", "otel"}
