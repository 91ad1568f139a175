# SPDX-License-Identifier: Apache-2.0
"""The example of SLS's manual for OpenTelemetry's Python SDK, as it stands there but for the endpoint, which is ddgate's:

    pip install -r requirements.txt
    python app.py                                    # gRPC to localhost:4317, plain
    OTLP_ENDPOINT=gate.example.com:4317 OTLP_CA=ca.pem python app.py
    OTLP_ENDPOINT=stdout python app.py               # prints instead
    OTLP_ENDPOINT= python app.py                     # sends nothing

Its resource has the keys of the SLS project, as the manual asks: ddgate takes them out, and its exporter `sls` adds its own.
"""
import os
import pathlib

import grpc
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

endpoint = os.environ.get("OTLP_ENDPOINT", "localhost:4317")
ca = os.environ.get("OTLP_CA")


def exporter():
    if endpoint == "stdout":
        return ConsoleSpanExporter()
    if ca:
        return OTLPSpanExporter(endpoint=endpoint, insecure=False,
                                credentials=grpc.ssl_channel_credentials(root_certificates=pathlib.Path(ca).read_bytes()))
    return OTLPSpanExporter(endpoint=endpoint, insecure=True)


resource = Resource(attributes={
    "service.name": "python-app", "service.version": "1.0", "host.name": "host-1", "deployment.environment": "testing",
    "sls.otel.project": "my-project", "sls.otel.instanceid": "my-traces",
    "sls.otel.akid": os.environ.get("SLS_AK_ID", "an-id"), "sls.otel.aksecret": os.environ.get("SLS_AK_SECRET", "a-secret")})
provider = TracerProvider(resource=resource)
if endpoint:
    provider.add_span_processor(BatchSpanProcessor(exporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer(__name__)

with tracer.start_as_current_span("foo"):
    with tracer.start_as_current_span("bar"):
        with tracer.start_as_current_span("baz"):
            print("Hello world from OpenTelemetry Python!")
provider.shutdown()
