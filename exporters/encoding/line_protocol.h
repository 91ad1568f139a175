/* line_protocol.h: OTLP as InfluxDB's line protocol, in the shape that Datakit gives its points.
 *
 *     ddtrace,env=prod,operation=flask.request,service=shop,… duration=5367i,message="{…}",span_id="182…" 1623982028783232000
 *     └──┬──┘ └──────────────── tags ─────────────────────┘ └──────────────── fields ──────────────────┘ └── time, ns ──┘
 *
 * A span is a line of measurement `ddtrace`, a log record one of its source's name, a metric's point one of the
 * first word of its name. docs/datakit.md has what stands where. Lines of spans need the tags as Datadog's
 * client wrote them: frames must have the attribute schema GW_DATADOG. Of any other one, lines have what there
 * is.
 *
 * A point's names and tags are in the order of their bytes. What a tag cannot hold (line ends, a backslash at
 * its end) is a blank, or goes.
 *
 * Threads: pure. Ownership: scratch is the arena's, lines are appended to the buffer. When the arena is spent or
 * the buffer has failed, the text is not whole: ask both afterwards.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LINE_PROTOCOL_H
#define GW_LINE_PROTOCOL_H

#include "core/base/arena.h"
#include "core/delivery/frame.h"
#include "exporters/encoding/line_ids.h"
#include "exporters/encoding/output_buffer.h"

/* The lines of one serialized Export…ServiceRequest, each with its line end. Returns how many of its items have
 * no line, because they have no value that a line can hold (a metric that is not a number). False when the bytes
 * are no such request or the arena's budget does not hold it: *left_out is not set. */
bool line_protocol(struct out *, struct gw_arena *, enum gw_signal, gw_str request, enum line_ids,
                   uint64_t *left_out);

#endif
