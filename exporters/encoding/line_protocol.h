/* line_protocol.h: writes OTLP as InfluxDB's line protocol, in the form of Datakit's points.
 *
 *     ddtrace,env=prod,operation=flask.request,service=shop,… duration=5367i,message="{…}",span_id="182…" 1623982028783232000
 *     └──┬──┘ └──────────────── tags ─────────────────────┘ └──────────────── fields ──────────────────┘ └── time, ns ──┘
 *
 * A span is a line of measurement `ddtrace`, a log record one of its source's name, a metric's point one of
 * the first word of its name. docs/datakit.md lists tags and fields. Lines of spans need the tags as
 * Datadog's client wrote them: frames must have the attribute schema GW_DATADOG. With another schema the
 * lines have the attributes that are there.
 *
 * Tags and fields of a point are sorted by their bytes. What a tag cannot contain (line ends, a backslash
 * at its end) becomes a blank or is removed.
 *
 * Threads: pure. Ownership: scratch is the arena's, lines are appended to the buffer. When the arena is
 * spent or the buffer has failed, the text is incomplete: check both afterwards.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LINE_PROTOCOL_H
#define GW_LINE_PROTOCOL_H

#include "core/base/arena.h"
#include "core/delivery/frame.h"
#include "exporters/encoding/line_ids.h"
#include "exporters/encoding/output_buffer.h"

/* Writes the lines of one serialized Export…ServiceRequest, each with its line end. Returns the number of
 * items without a line, because they have no value that a line can hold (a metric that is not a number), in
 * *left_out. False when the bytes are not such a request or the arena's budget is too small: then *left_out
 * is not set. */
bool line_protocol(struct out *, struct gw_arena *, enum gw_signal, gw_str request, enum line_ids,
                   uint64_t *left_out);

#endif
