# SPDX-License-Identifier: Apache-2.0
"""One service with OpenTelemetry's SDK: hop_otel.py w3c|datadog|datadog-64 NAME HEADERS makes a span that continues HEADERS (JSON), sends it
to the address of OTEL_EXPORTER_OTLP_ENDPOINT and prints the headers for the next service."""
import json
import sys

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator


class Datadog:
    """Datadog's headers: 64 bits of the trace id and, unless they are those of an older propagator, the others in x-datadog-tags."""

    def __init__(self, whole):
        self.whole = whole

    def extract(self, carrier):
        if "x-datadog-trace-id" not in carrier:
            return None
        tags = dict(pair.split("=", 1) for pair in carrier.get("x-datadog-tags", "").split(",") if pair)
        trace_id = int(tags.get("_dd.p.tid", "0"), 16) << 64 | int(carrier["x-datadog-trace-id"])
        of = trace.SpanContext(trace_id, int(carrier["x-datadog-parent-id"]), is_remote=True, trace_flags=trace.TraceFlags(1))
        return trace.set_span_in_context(trace.NonRecordingSpan(of))

    def inject(self, carrier):
        of = trace.get_current_span().get_span_context()
        carrier.update({"x-datadog-trace-id": str(of.trace_id & (1 << 64) - 1), "x-datadog-parent-id": str(of.span_id),
                        "x-datadog-sampling-priority": "1"})
        if self.whole:
            carrier["x-datadog-tags"] = f"_dd.p.tid={of.trace_id >> 64:016x}"


style, name, headers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
propagator = TraceContextTextMapPropagator() if style == "w3c" else Datadog(style == "datadog")
provider = TracerProvider(resource=Resource({"service.name": name}))
provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter(insecure=True)))
with provider.get_tracer("hop").start_as_current_span(name, context=propagator.extract(headers)):
    out = {}
    propagator.inject(out)
provider.shutdown()
print(json.dumps(out))
