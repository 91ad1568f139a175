/* api_recent.c: Reads the ring for handlers: entry by entry, the range that a query names, the frames of a
 * span. Owns a page during a walk. Called by handlers of the API, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include "gateway/api/api_recent.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "core/delivery/frame.h"
#include "translators/otlp/otlp_write.h"

bool gw_api_read_range(struct gw_api_call *call, struct gw_filter *filter, struct gw_api_range *range,
                       uint64_t limit, uint64_t most, FILE *to)
{
    struct gw_err err;
    gw_str text = gw_api_query(call, "filter");
    if (gw_filter_read(filter, text, &err) != GW_OK) {
        gw_api_error(call, to, 400, "%s", err.what);
        return false;
    }
    return gw_api_query_number(call, "limit", most, limit, &range->limit, to) &&
           gw_api_query_number(call, "since", INT64_MAX, 0, &range->since, to);
}

void gw_api_write_head(uint64_t cursor, bool is_partial, FILE *to)
{
    struct gw_recent_state_of_ring r = gw_recent_state();
    fprintf(to, "{\"cursor\":\"%llu\",\"recent\":{\"filling\":%s,", (unsigned long long)cursor,
            r.filling ? "true" : "false");
    gw_api_number_of(to, "bytes", r.bytes);
    putc(',', to);
    gw_api_number_of(to, "used", r.used);
    fputs(",\"oldest\":", to);
    if (r.oldest)
        fprintf(to, "\"%lld\"", (long long)r.oldest);
    else
        fputs("null", to);
    putc(',', to);
    gw_api_number_of(to, "left_out", r.left_out);
    fprintf(to, ",\"partial\":%s}", is_partial ? "true" : "false");
}

/* --- entries --- */

struct page {
    struct gw_budget *budget;
    void *bytes;
    size_t size;
};

static bool grow(struct page *p, size_t size)
{
    if (!gw_budget_take(p->budget, size - p->size))
        return false;
    void *bytes = realloc(p->bytes, size);
    if (!bytes) {
        gw_budget_give(p->budget, size - p->size);
        return false;
    }
    p->bytes = bytes;
    p->size = size;
    return true;
}

static bool walk(struct page *p, uint64_t from, gw_api_entry_f *see, void *ctx)
{
    struct gw_recent_cursor c = {.number = from};
    const uint64_t end = gw_recent_state().next; /* what comes meanwhile is for the next call */
    size_t larger;
    for (;;) {
        struct gw_recent_entry e;
        size_t n = gw_recent_read(&c, p->bytes, p->size, &larger);
        if (!n && !larger)
            return true;
        if (!n && !grow(p, larger))
            return false;
        for (size_t at = 0; gw_recent_take(p->bytes, n, &at, &e);)
            if (e.number >= end || !see(ctx, &e))
                return true;
    }
}

bool gw_api_each_entry(const struct gw_api *api, uint64_t from, gw_api_entry_f *see, void *ctx)
{
    struct page p = {.budget = api->budget};
    if (!grow(&p, GW_RECENT_PAGE))
        return false;
    bool whole = walk(&p, from, see, ctx);
    free(p.bytes);
    gw_budget_give(api->budget, p.size);
    return whole;
}

/* --- log records --- */

/* Fields of opentelemetry/proto/logs/v1/logs.proto. */
enum { RESOURCE_LOGS = 1, RL_RESOURCE = 1, RL_SCOPE_LOGS = 2, SL_RECORDS = 2 };

static void append_message(struct otlp_buf *w, unsigned field, gw_str body)
{
    size_t mark = otlp_open(w, field, 4);
    otlp_append(w, body);
    otlp_close(w, mark, 4);
}

bool gw_api_record_request(gw_str resource, gw_str record, struct otlp_buf *w)
{
    size_t logs = otlp_open(w, RESOURCE_LOGS, 4);
    append_message(w, RL_RESOURCE, resource);
    size_t scope = otlp_open(w, RL_SCOPE_LOGS, 4);
    append_message(w, SL_RECORDS, record);
    otlp_close(w, scope, 4);
    otlp_close(w, logs, 4);
    return !w->failed;
}

/* --- the frames of a span --- */

struct span_finder {
    uint8_t trace[8], span[8]; /* as in the bytes: the lower half of the trace id, and the span id */
    gw_api_entry_f *see;
    void *ctx;
};

static bool has_span(const struct span_finder *f, gw_str bytes)
{
    return bytes.len && memmem(bytes.ptr, bytes.len, f->span, sizeof f->span) &&
           memmem(bytes.ptr, bytes.len, f->trace, sizeof f->trace);
}

static bool see_frame(void *finder, const struct gw_recent_entry *e)
{
    const struct span_finder *f = finder;
    if (e->kind == GW_RECENT_FRAME && e->signal == GW_TRACES && has_span(f, e->parts[GW_FRAME_DATA]))
        return f->see(f->ctx, e);
    return true;
}

bool gw_api_frames_of_span(const struct gw_api *api, const struct gw_api_trace_id *trace, uint64_t span,
                           gw_api_entry_f *see, void *ctx)
{
    struct span_finder f = {.see = see, .ctx = ctx};
    uint64_t low = htobe64(trace->low), id = htobe64(span);
    memcpy(f.trace, &low, sizeof low);
    memcpy(f.span, &id, sizeof id);
    return gw_api_each_entry(api, 0, see_frame, &f);
}
