/* api_recent.h: what handlers that read recent data (core/delivery/recent.h) share.
 *
 * A handler that shows recent data calls gw_recent_look first: that it was asked keeps the ring filling for a
 * minute.
 *
 *     request ◀─ link ─ frame ◀─ link ─ answer        gw_api_frames_of_span finds the frame of a span,
 *                                                     gw_recent_find its request, gw_api_each_entry its answers
 *
 * Threads: the admin listener's. Ownership: texts of an entry are valid during the call that shows it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_API_RECENT_H
#define GW_API_RECENT_H

#include "core/delivery/recent.h"
#include "gateway/api/api.h"
#include "gateway/api/filter.h"

struct otlp_buf;
struct trace_scan;
struct scan_trace;

/* Query parameters filter, limit and since. */
struct gw_api_range {
    uint64_t limit, since;
};
/* False: one is wrong, and the error is written. */
bool gw_api_read_range(struct gw_api_call *, struct gw_filter *, struct gw_api_range *, uint64_t limit,
                       uint64_t most, FILE *to) GW_MUST_CHECK;
/* {"cursor":"…","recent":{…} without the closing brace. `is_partial`: memory was short. */
void gw_api_write_head(uint64_t cursor, bool is_partial, FILE *);

/* False ends the walk. */
typedef bool gw_api_entry_f(void *ctx, const struct gw_recent_entry *);
/* Shows each entry from this number on, in order. False: not all of them, for want of memory. */
bool gw_api_each_entry(const struct gw_api *, uint64_t from, gw_api_entry_f *, void *ctx);

struct gw_api_trace_id {
    uint64_t high, low; /* high 0: not known */
};
/* The id in the path's first star. False: it is none, and the error is written. */
bool gw_api_read_trace_id(const struct gw_api *, struct gw_api_call *, struct gw_api_trace_id *,
                          FILE *to) GW_MUST_CHECK;

/* An ExportLogsServiceRequest of one LogRecord. False: there is no memory. */
bool gw_api_record_request(gw_str resource, gw_str record, struct otlp_buf *to) GW_MUST_CHECK;

/* Shows each frame, of any schema, whose bytes have both ids: it most likely has the span, and the caller looks. */
bool gw_api_frames_of_span(const struct gw_api *, const struct gw_api_trace_id *, uint64_t span,
                           gw_api_entry_f *, void *ctx);

/* --- api_logs.c --- */

/* False: the parameter is wrong, and the error is written. */
bool gw_api_read_log_format(struct gw_api_call *, bool *as_otlp, FILE *to) GW_MUST_CHECK;

/* --- api_traces.c --- */

void gw_api_write_trace(const struct gw_api *, const struct trace_scan *, const struct scan_trace *, FILE *);
/* The filter of the scan lets the trace pass. */
bool gw_api_passes(const struct trace_scan *, const struct scan_trace *);

#endif
