/* dd_links.h: writes Span.links from the two places where tracers put links.
 *
 *   native span_links          Python 2…4 and Go in v0.4
 *   meta "_dd.span_links"      JSON text: JS always, all tracers in v0.5; Go in v0.4 sends each link twice
 *
 *     [{"trace_id": "00000000000012340000000000abcdef", "span_id": "8000000000000005",            Python, JS: hex text
 *       "attributes": {"k": "v"}, "tracestate": "dd=s:1", "flags": 1, "dropped_attributes_count": 2}]
 *     [{"trace_id": 11259375, "trace_id_high": 4660, "span_id": 9223372036854775813, …}]          Go: integers of 64 bits
 *
 * PHP writes `trace_state`; counts and flags are numbers or decimal text. A JSON link with the ids of a
 * native link is the same link and is not written again. Bit 31 of the flags only means that flags are
 * present; W3C does not define it, so it is cleared.
 *
 * Span pointers (S3 objects, DynamoDB items, websockets) are links with zero ids whose attributes name the
 * target. They are kept, as OpenTelemetry requires: a link is written if it has ids, attributes or a trace
 * state. A trace state that cannot be parsed (dd_tracestate.h) is left out as a whole, and counted.
 *
 * Threads: pure functions. Output goes through otlp_write.h; only unescaped texts are allocated, in the
 * arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_LINKS_H
#define DD_LINKS_H

#include "translators/ddtrace/dd_result.h"
#include "translators/ddtrace/dd_span.h"
#include "translators/otlp/otlp_write.h"

/* What happened to a tag that contains JSON. */
enum dd_tag_fate {
    DD_TAG_TAKEN, /* written (or empty, or written natively): the tag is not written again */
    DD_TAG_KEPT,  /* valid, but not a list of links or events: it stays an attribute */
    /* meant to be one, but malformed: it stays an attribute and is counted; nothing was written from it */
    DD_TAG_MALFORMED
};

/* Writes Span.links (field 13): the native ones, then those that only `json` has. `json` is the tag's value,
 * empty if there is none. With `low_only` (option trace_id_bits = 64), the upper halves of trace ids are left
 * out. An empty native link is skipped, and counted like links that cannot be read. */
enum dd_tag_fate dd_write_links(struct otlp_buf *, struct gw_arena *, const struct dd_link *, size_t n,
                                gw_str json, bool low_only, struct dd_oddities *);

#endif
