# SPDX-License-Identifier: Apache-2.0
"""Uploads of profilers, made; the directory that keeps them, read."""
import base64
import concurrent.futures
import email
import email.policy
import http.server
import json
import pathlib
import threading
from collections import Counter
from dataclasses import dataclass

import grpc
from google.protobuf import json_format
from opentelemetry.proto.collector.profiles.v1development.profiles_service_pb2 import ExportProfilesServiceRequest, ExportProfilesServiceResponse

from sinks import PATIENCE

BOUNDARY = "5e1f0b4ed0"
HEADERS = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
PATH = "/profiling/v1/input"
TAGS = "service:shop,env:prod,version:1.2,language:python,runtime-id:ab12,host:h1,process_id:7"


def multipart(parts, boundary=BOUNDARY):
    """parts: (name, file name or None, bytes)."""
    body = b""
    for name, file, data in parts:
        filename = "" if file is None else f'; filename="{file}"'
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{filename}\r\n\r\n'.encode() + data + b"\r\n"
    return body + f"--{boundary}--\r\n".encode()


def event(tags=TAGS, **more):
    return json.dumps({"version": "4", "family": "python", "start": "2026-11-29T22:30:01.071327735Z", "end": "2026-11-29T22:31:01.071327735Z",
                       "tags_profiler": tags, "endpoint_counts": None, **more}).encode()


def upload(files, tags=TAGS, **more):
    """The body of version 4; files: {name: bytes}."""
    return multipart([("event", "event.json", event(tags, attachments=list(files), **more)), *((n, n, d) for n, d in files.items())])


def upload_3(files, tags=TAGS):
    """The body of version 3, as Go's older profilers made it."""
    fields = {"version": "3", "family": "go", "start": "2026-11-29T22:30:01Z", "end": "2026-11-29T22:31:01Z"}
    return multipart([*((k, None, v.encode()) for k, v in fields.items()), *(("tags[]", None, tag.encode()) for tag in tags.split(",")),
                      *((f"data[{name}]", "pprof-data", data) for name, data in files.items())])


def kept(directory):
    """{service: [{file: bytes} of each upload, oldest first]}"""
    return {service.name: [{f.name: f.read_bytes() for f in sorted(folder.iterdir())} for folder in sorted(service.iterdir())]
            for service in sorted(pathlib.Path(directory).iterdir()) if service.is_dir() and not service.name.startswith(".")}


def rows(gate, signal="profiles"):
    """What the ledger says of profiles, as JSON."""
    return json.loads(gate.admin("/ledger").body)["signals"][signal]


class Taker:
    """Somebody who takes profiles, by HTTP. `answers`: the statuses of the next requests; after that 200."""

    def __init__(self):
        self.requests, self.answers, self.headers, self.open = [], [], {}, threading.Event()
        self.open.set()
        taker = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                taker.open.wait(PATIENCE)
                status = taker.answers.pop(0) if taker.answers else 200
                taker.requests.append((self.path, dict(self.headers), body, status))
                self.send_response(status)
                for name, value in taker.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def close(self):
        self.open.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def parts(headers, body):
    """{name: bytes} of a multipart body, by Python's own reader of mail."""
    message = email.message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body, policy=email.policy.HTTP)
    return {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in message.iter_parts()}


@dataclass
class OtlpProfile:
    resource: dict
    type: tuple      # ("cpu", "nanoseconds")
    stacks: Counter  # {("main", "work"): value}, the root first
    samples: list    # (attributes, times) of each sample
    attributes: dict
    profile: object
    request: object


def attribute_value(v):
    return getattr(v, v.WhichOneof("value"))


def otlp_profiles(requests):
    """Every Profile of these ExportProfilesServiceRequests, by its official descriptor."""
    found = []
    for request in requests:
        d = request.dictionary
        texts = d.string_table
        assert texts[0] == "" and all(not table[0].ByteSize() for table in (
            d.mapping_table, d.location_table, d.function_table, d.link_table, d.attribute_table, d.stack_table))

        def attributes(indices):
            return {texts[d.attribute_table[i].key_strindex]: attribute_value(d.attribute_table[i].value) for i in indices}

        def stack(index):
            locations = [d.location_table[i] for i in d.stack_table[index].location_indices]
            return tuple(texts[d.function_table[line.function_index].name_strindex] for at in reversed(locations) for line in reversed(at.lines))
        for rp in request.resource_profiles:
            resource = {a.key: attribute_value(a.value) for a in rp.resource.attributes}
            for p in (p for sp in rp.scope_profiles for p in sp.profiles):
                stacks = Counter()
                for s in p.samples:
                    stacks[stack(s.stack_index)] += sum(s.values)
                found.append(OtlpProfile(resource, (texts[p.sample_type.type_strindex], texts[p.sample_type.unit_strindex]), stacks,
                                         [(attributes(s.attribute_indices), list(s.timestamps_unix_nano)) for s in p.samples],
                                         attributes(p.attribute_indices), p, request))
    return found


class GrpcTaker:
    """An OTLP backend for profiles, over gRPC. `refuse`: the gRPC status of the next requests, and their words."""
    METHOD = "/opentelemetry.proto.collector.profiles.v1development.ProfilesService/Export"

    def __init__(self):
        self.requests, self.refuse, self.answer = [], [], ExportProfilesServiceResponse()
        taker = self

        class Service(grpc.GenericRpcHandler):
            def service(self, details):
                return grpc.unary_unary_rpc_method_handler(
                    taker.export, request_deserializer=ExportProfilesServiceRequest.FromString,
                    response_serializer=ExportProfilesServiceResponse.SerializeToString) if details.method == GrpcTaker.METHOD else None
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), options=[("grpc.max_receive_message_length", 64 << 20)])
        self.server.add_generic_rpc_handlers((Service(),))
        self.endpoint = f"http://127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()

    def export(self, request, context):
        if self.refuse:
            context.abort(*self.refuse.pop(0))
        self.requests.append(request)
        return self.answer

    def close(self):
        self.server.stop(None)


def from_json(text):
    """OTLP/JSON writes ids in hexadecimal, which protobuf's JSON would take for base64."""
    tree = json.loads(text)
    for rp in tree["resourceProfiles"]:
        for p in (p for sp in rp["scopeProfiles"] for p in sp["profiles"]):
            p["profileId"] = base64.b64encode(bytes.fromhex(p["profileId"])).decode()
    return json_format.ParseDict(tree, ExportProfilesServiceRequest())
