# SPDX-License-Identifier: Apache-2.0
"""One service with ddtrace: hop_ddtrace.py NAME HEADERS makes a span that continues HEADERS (JSON), logs a line inside it, sends the span
and prints the headers for the next service, then the line."""
import json
import logging
import sys

from ddtrace import patch
from ddtrace.propagation.http import HTTPPropagator
from ddtrace.trace import tracer

patch(logging=True)
name, headers = sys.argv[1], json.loads(sys.argv[2])
tracer.context_provider.activate(HTTPPropagator.extract(headers))
handler = logging.StreamHandler(sys.stdout)
handler.setFormatter(logging.Formatter("%(asctime)s INFO [dd.service=%(dd.service)s dd.trace_id=%(dd.trace_id)s dd.span_id=%(dd.span_id)s] %(message)s"))
log = logging.getLogger("hop")
log.addHandler(handler)
log.setLevel(logging.INFO)
with tracer.trace(name, service=name, resource=name) as span:
    out = {}
    HTTPPropagator.inject(span.context, out)
    print(json.dumps(out))
    log.info("between the two")
tracer.shutdown()
