/* stream.c: Follows the ring for one client, and writes what is new and passes its filter. Owns a scan of traces
 * or a page of entries. Called by the admin listener, on its threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/stream.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/api/api_recent.h"
#include "gateway/api/log_scan.h"
#include "gateway/api/sink.h"
#include "gateway/api/trace_scan.h"

enum { STREAM_ENTRIES = 1024 * 1024, STREAM_TEXT = 256 * 1024 };

struct gw_api_stream {
    const struct gw_api *api;
    bool events, as_otlp;
    uint64_t since;            /* what is older is not sent */
    struct trace_scan *traces; /* NULL: it follows log records … */
    struct log_scan logs;      /* … by this, in a page of entries */
    struct gw_recent_cursor cursor;
    void *page;
    size_t size, n, at;
    /* during a turn */
    FILE *to;
    const struct gw_api_sink *sink;
};

static bool is(const struct gw_api_route *r, gw_api_f *handler)
{
    return r->handler == handler;
}

bool gw_api_streams(const struct gw_api_route *r)
{
    return is(r, gw_api_traces) || is(r, gw_api_logs);
}

/* --- one item --- */

static bool is_full(const struct gw_api_stream *s)
{
    return s->sink->text.len > STREAM_TEXT;
}

static const char *name_of(const struct gw_api_stream *s)
{
    return s->traces ? "trace" : "log";
}

static uint64_t next_of(const struct gw_api_stream *s)
{
    return s->traces ? trace_scan_cursor(s->traces) : s->cursor.number;
}

static void begin_item(const struct gw_api_stream *s, const char *name, uint64_t id)
{
    if (s->events)
        fprintf(s->to, "id: %llu\nevent: %s\ndata: ", (unsigned long long)id, name);
}

static void end_item(const struct gw_api_stream *s)
{
    fputs(s->events ? "\n\n" : "\n", s->to);
}

/* Entries up to `first` were replaced before they could be read. */
static void write_missed(const struct gw_api_stream *s, uint64_t first)
{
    uint64_t next = next_of(s);
    if (next >= first || next < s->since)
        return;
    begin_item(s, "missed", first);
    fprintf(s->to, "{\"missed\":%llu}", (unsigned long long)(first - next));
    end_item(s);
}

/* --- traces --- */

/* Those that do not fit into this turn stay changed. */
static void write_changed(struct gw_api_stream *s)
{
    size_t n;
    struct scan_trace *rows = trace_scan_rows(s->traces, &n);
    for (size_t i = 0; i < n && !is_full(s); i++) {
        if (!rows[i].is_changed)
            continue;
        rows[i].is_changed = false;
        if (rows[i].seq < s->since || !gw_api_passes(s->traces, &rows[i]))
            continue;
        begin_item(s, name_of(s), next_of(s));
        gw_api_write_trace(s->api, s->traces, &rows[i], s->to);
        end_item(s);
    }
}

/* --- log records --- */

static void write_log(void *stream, const struct log_seen *l)
{
    struct gw_api_stream *s = stream;
    if (l->number < s->since)
        return;
    begin_item(s, name_of(s), l->number + 1);
    if (!log_seen_write(s->api, l, s->as_otlp, s->to))
        fputs("{}", s->to);
    end_item(s);
}

static bool grow(struct gw_api_stream *s, size_t size)
{
    if (!gw_budget_take(s->api->budget, size - s->size))
        return false;
    void *page = realloc(s->page, size);
    if (!page) {
        gw_budget_give(s->api->budget, size - s->size);
        return false;
    }
    s->page = page;
    s->size = size;
    return true;
}

/* A page is written to its end over as many turns as it takes. False: there is nothing more for now. */
static bool write_logs(struct gw_api_stream *s)
{
    struct gw_recent_entry e;
    size_t larger = 0;
    if (s->at == s->n) {
        s->at = 0;
        s->n = gw_recent_read(&s->cursor, s->page, s->size, &larger);
        if (!s->n && larger && grow(s, larger))
            s->n = gw_recent_read(&s->cursor, s->page, s->size, &larger);
        else if (!s->n && larger)
            s->cursor.number++; /* without memory for it, it is passed over */
    }
    while (!is_full(s) && gw_recent_take(s->page, s->n, &s->at, &e))
        log_scan_entry(&s->logs, &e, write_log, s);
    return s->n;
}

/* --- turns --- */

bool gw_api_stream_has_news(const struct gw_api_stream *s)
{
    return s->at < s->n || next_of(s) < gw_recent_state().next;
}

struct gw_api_text gw_api_stream_turn(struct gw_api_stream *s, bool *failed)
{
    struct gw_api_sink sink;
    s->to = gw_api_sink_open(&sink, s->api->budget);
    s->sink = &sink;
    *failed = !s->to;
    if (!s->to)
        return (struct gw_api_text){0};
    if (s->at == s->n)
        write_missed(s, gw_recent_state().first);
    if (s->traces) {
        trace_scan_step(s->traces, STREAM_ENTRIES);
        write_changed(s);
    } else {
        for (size_t done = 0; done < STREAM_ENTRIES && !is_full(s) && write_logs(s); done += s->size)
            continue;
    }
    fclose(s->to);
    *failed = sink.is_large || sink.no_memory;
    gw_api_scrub(&sink.text);
    return sink.text;
}

gw_str gw_api_stream_beat(const struct gw_api_stream *s)
{
    return s->events ? GW_STR(":\n\n") : GW_STR("\n");
}

/* --- life --- */

static bool begin(struct gw_api_stream *s, const struct gw_api_route *route, const struct gw_filter *filter)
{
    if (is(route, gw_api_traces)) {
        s->traces = trace_scan_new(s->api->budget, filter, 0);
        return s->traces;
    }
    gw_filter_copy(&s->logs.filter, filter);
    s->cursor.number = s->since;
    return grow(s, GW_RECENT_PAGE);
}

struct gw_api_stream *gw_api_stream_open(const struct gw_api *api, const struct gw_api_route *route,
                                         struct gw_api_call *call, bool events, gw_str last, FILE *to)
{
    struct gw_filter filter;
    struct gw_api_range range;
    bool as_otlp;
    if (!gw_api_read_range(call, &filter, &range, 0, INT64_MAX, to) ||
        !gw_api_read_log_format(call, &as_otlp, to))
        return NULL;
    gw_recent_look(gw_now());
    struct gw_api_stream *s = calloc(1, sizeof *s);
    uint64_t from = 0;
    bool resumes = gw_str_u64(last, &from) || (from = range.since) > 0;
    if (s) {
        *s = (struct gw_api_stream){.api = api,
                                    .events = events,
                                    .as_otlp = as_otlp,
                                    .since = resumes ? from : gw_recent_state().next};
        if (begin(s, route, &filter))
            return s;
    }
    gw_api_stream_drop(s);
    gw_api_error(call, to, 503, "there is no memory to follow: max_memory is used up");
    return NULL;
}

void gw_api_stream_drop(struct gw_api_stream *s)
{
    if (!s)
        return;
    trace_scan_drop(s->traces);
    free(s->page);
    gw_budget_give(s->api->budget, s->size);
    free(s);
}
