/* log_scan.c: Walks over recent lines and frames of logs and shows the records that a filter lets pass. Owns
 * nothing beyond the struct. Called by handlers of the API, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/log_scan.h"

#include <endian.h>
#include <string.h>

#include "core/delivery/frame.h"

enum { REQUESTS = sizeof((struct log_scan *)0)->requests / sizeof(uint64_t) };
/* Fields of opentelemetry/proto/logs/v1/logs.proto. */
enum { RESOURCE_LOGS = 1, RL_RESOURCE = 1, RL_SCOPE_LOGS = 2, SL_RECORDS = 2 };
enum { SEVERITY = 2, BODY = 5, ATTRIBUTES = 6, TRACE = 9 };

static uint64_t be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static struct wire_view view_of(gw_str s)
{
    return (struct wire_view){(const uint8_t *)s.ptr, (const uint8_t *)s.ptr + s.len};
}

static void read_record(struct wire_view v, struct gw_filter_item *i, char room[static GW_FILTER_SCALAR])
{
    for (struct wire_field f; wire_next(&v, &f);) {
        struct wire_view whole = f.whole;
        uint64_t tag, n;
        if (f.number == BODY && f.type == WIRE_LEN) {
            i->body = gw_filter_scalar(f.body, room);
        } else if (f.number == TRACE && f.body.end - f.body.at == 16) {
            i->high = be64(f.body.at);
            i->low = be64(f.body.at + 8);
        } else if (f.number == SEVERITY && f.type == WIRE_VARINT && wire_read_varint(&whole, &tag) &&
                   wire_read_varint(&whole, &n)) {
            i->severity = (unsigned)n;
        }
    }
}

static bool passes(const struct gw_filter *filter, const struct log_seen *l)
{
    char room[2][GW_FILTER_SCALAR];
    struct gw_filter_item i = {
        .source = l->source, .item = l->record, .item_field = ATTRIBUTES, .resource = l->resource};
    i.service = gw_filter_attribute(l->resource, 1, GW_STR("service.name"), room[0]);
    read_record(l->record, &i, room[1]);
    return gw_filter_passes(filter, &i);
}

static void show(const struct log_scan *s, const struct log_seen *l, log_seen_f *see, void *ctx)
{
    if (!s->filter.n || passes(&s->filter, l))
        see(ctx, l);
}

/* --- entries --- */

static void take_line(const struct log_scan *s, const struct gw_recent_entry *e, log_seen_f *see, void *ctx)
{
    const struct log_seen l = {.number = e->number,
                               .receiver = e->parts[GW_LINE_RECEIVER],
                               .source = e->parts[GW_LINE_SOURCE],
                               .line = e->parts[GW_LINE_TEXT],
                               .script = e->parts[GW_LINE_SCRIPT],
                               .form = e->parts[GW_LINE_FORM],
                               .resource = view_of(e->parts[GW_LINE_RESOURCE]),
                               .record = view_of(e->parts[GW_LINE_RECORD])};
    show(s, &l, see, ctx);
}

static void take_scope(const struct log_scan *s, struct wire_view scope, struct log_seen *l, log_seen_f *see,
                       void *ctx)
{
    for (struct wire_field f; wire_next(&scope, &f);)
        if (f.number == SL_RECORDS && f.type == WIRE_LEN) {
            l->record = f.body;
            show(s, l, see, ctx);
            l->index++;
        }
}

static struct wire_view resource_of(struct wire_view resource_logs)
{
    for (struct wire_field f; wire_next(&resource_logs, &f);)
        if (f.number == RL_RESOURCE && f.type == WIRE_LEN)
            return f.body;
    return (struct wire_view){NULL, NULL};
}

static void take_frame(const struct log_scan *s, const struct gw_recent_entry *e, log_seen_f *see, void *ctx)
{
    struct log_seen l = {.number = e->number, .form = GW_STR("otlp")};
    struct wire_view v = view_of(e->parts[GW_FRAME_DATA]);
    if (e->link && s->requests[e->link % REQUESTS] == e->link)
        l.receiver = gw_str_z(s->receivers[e->link % REQUESTS]);
    for (struct wire_field r; wire_next(&v, &r);) {
        struct wire_view scopes = r.body;
        if (r.number != RESOURCE_LOGS || r.type != WIRE_LEN)
            continue;
        l.resource = resource_of(r.body);
        for (struct wire_field f; wire_next(&scopes, &f);)
            if (f.number == RL_SCOPE_LOGS && f.type == WIRE_LEN)
                take_scope(s, f.body, &l, see, ctx);
    }
}

void log_scan_entry(struct log_scan *s, const struct gw_recent_entry *e, log_seen_f *see, void *ctx)
{
    if (e->kind == GW_RECENT_LINE) {
        take_line(s, e, see, ctx);
    } else if (e->kind == GW_RECENT_FRAME && e->signal == GW_LOGS) {
        take_frame(s, e, see, ctx);
    } else if (e->kind == GW_RECENT_REQUEST) {
        s->requests[e->number % REQUESTS] = e->number;
        snprintf(s->receivers[e->number % REQUESTS], sizeof *s->receivers, "%.*s",
                 GW_FMT(e->parts[GW_REQUEST_RECEIVER]));
    }
}
