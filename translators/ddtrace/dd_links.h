/* dd_links.h: Span.links, out of the two places where tracers put them.
 *
 *   native span_links          Python 2…4 and Go in v0.4
 *   meta "_dd.span_links"      JSON text: JS always, everybody in v0.5, and Go in v0.4 as well: the same links twice
 *
 *     [{"trace_id": "00000000000012340000000000abcdef", "span_id": "8000000000000005",            Python, JS: hex text
 *       "attributes": {"k": "v"}, "tracestate": "dd=s:1", "flags": 1, "dropped_attributes_count": 2}]
 *     [{"trace_id": 11259375, "trace_id_high": 4660, "span_id": 9223372036854775813, …}]          Go: integers of 64 bits
 *
 * PHP writes `trace_state`; counts and flags are numbers or decimal text. A link of the JSON whose ids a native
 * link has is that link, and is not written again. Bit 31 of the flags says only that flags are there; it is no
 * flag of W3C's and is cleared.
 *
 * Span pointers (S3 objects, DynamoDB items, websockets) are links whose ids are zero and whose attributes say
 * what they point at. They are kept, as OpenTelemetry asks for: a link goes out that has ids, attributes or a
 * trace state. A trace state that does not parse (dd_tracestate.h) is left out as a whole, and counted.
 *
 * Pure; writes through otlp_write.h and allocates nothing else but escaped text, in the arena.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_LINKS_H
#define DD_LINKS_H

#include "translators/ddtrace/dd_result.h"
#include "translators/ddtrace/dd_span.h"
#include "translators/otlp/otlp_write.h"

/* What became of a tag that holds JSON. */
enum dd_tag_fate {
    DD_TAG_TAKEN, /* written (or empty, or written natively): the tag is used up */
    DD_TAG_KEPT,  /* is not what we look for, though legal: stays an attribute */
    /* was meant to be and is not: stays an attribute, and is counted; nothing of it was written */
    DD_TAG_MALFORMED
};

/* Span.links (field 13): the native ones, then those that only `json` has. `json` is the tag's value, empty
 * where there is none. With `low_only` (option trace_id_bits = 64) upper halves of trace ids are left out. A
 * native link that says nothing is skipped, and counted as all links that cannot be read. */
enum dd_tag_fate dd_write_links(struct otlp_buf *, struct gw_arena *, const struct dd_link *, size_t n,
                                gw_str json, bool low_only, struct dd_oddities *);

#endif
