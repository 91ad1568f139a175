# SPDX-License-Identifier: Apache-2.0
"""For each line on standard input one trace of ddtrace: live.root, live.child, live.leaf, with the line as resource."""
import sys

try:
    from ddtrace import tracer
except ImportError:  # 3.0 moved it
    from ddtrace.trace import tracer

for line in sys.stdin:
    name = line.strip()
    with tracer.trace("live.root", resource=name, span_type="worker"):
        with tracer.trace("live.child", resource=name) as child:
            child.set_tag("work.items", 3)
            with tracer.trace("live.leaf", resource=name) as leaf:
                try:
                    raise ValueError("no such luck")
                except ValueError:
                    leaf.set_traceback()
