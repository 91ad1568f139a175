/* dd_export.h: finds the resource and scope of each span and writes it there. Tags that are on the resource
 * are not written on the span.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef DD_EXPORT_H
#define DD_EXPORT_H

#include "translators/ddtrace/dd_request.h"
#include "translators/ddtrace/dd_result.h"
#include "translators/ddtrace/dd_trace_ids.h"
#include "translators/ddtrace/dd_write.h"

enum { DD_RECENT = 16 };

/* The state of one call of dd_translate. */
struct dd_work {
    const struct dd_options *opt;
    const struct dd_request *req;
    const struct dd_env *env;
    struct dd_result *out;
    struct gw_arena *arena; /* the chunk's */
    struct dd_groups *groups;
    struct dd_writer *writer;
    struct dd_trace_ids ids;
    struct dd_tally *tally;         /* NULL: the gateway does no sampling of its own */
    struct dd_durations *durations; /* NULL: span durations are not counted */
    uint64_t traces;                /* traces that began */
    struct otlp_buf *scratch;
    struct dd_group *recent[DD_RECENT]; /* groups of recent spans, tried first */
};

/* Writes one span of a scanned chunk in every attribute schema. Returns false if there is no memory. */
bool dd_export(struct dd_work *, struct dd_scanned *, size_t i);

/* Counts a span that is not exported, in the resource that it would have had (dd_durations.h). Returns false
 * if there is no memory. */
bool dd_count_dropped(struct dd_work *, struct dd_scanned *, size_t i);

#endif
