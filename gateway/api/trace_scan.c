/* trace_scan.c: Walks over recent frames and log records and adds up what each trace has. Owns the rows and
 * their texts. Called by the handlers of the API, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/trace_scan.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/hash.h"
#include "core/base/random.h"
#include "core/base/text.h"
#include "core/delivery/frame.h"

enum { TEXTS = 4096, TEXT_CHAINS = 8192, CHAINS = 2 * SCAN_TRACES, FIRST_ROWS = 256, REQUESTS = 256 };
/* Fields of opentelemetry/proto/{trace,logs,common}/v1. */
enum { RESOURCE_ITEMS = 1, RESOURCE = 1, SCOPE_ITEMS = 2, ITEMS = 2, RESOURCE_ATTRIBUTES = 1 };
enum {
    SPAN_TRACE = 1,
    SPAN_PARENT = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_STATUS = 15
};
enum { STATUS_CODE = 3, STATUS_ERROR = 2, RECORD_TRACE = 9 };

/* Who sent the requests that were seen last. */
struct sender {
    uint64_t number;
    uint16_t receiver, client;
};

struct trace_scan {
    struct gw_budget *budget;
    struct gw_filter filter;
    struct gw_recent_cursor cursor;
    uint64_t seed;
    void *page;
    size_t page_size;
    struct scan_trace *rows;
    size_t n, cap;
    uint32_t *chains; /* index + 1 of the first row */
    char (*texts)[SCAN_TEXT];
    uint16_t *text_chains; /* open addressing */
    size_t texts_n;
    struct sender senders[REQUESTS];
    bool is_partial;
};

static const size_t FIXED = sizeof(struct trace_scan) + GW_RECENT_PAGE + CHAINS * sizeof(uint32_t) +
                            TEXTS * (size_t)SCAN_TEXT + TEXT_CHAINS * sizeof(uint16_t);

/* --- texts --- */

/* The number of a text, which is cut to SCAN_TEXT; 0: it is empty, or there is no room for more. */
static uint16_t number_of(struct trace_scan *s, gw_str text)
{
    text.len = gw_utf8_cut(text, SCAN_TEXT - 1);
    if (!text.len)
        return 0;
    size_t at = gw_hash_text(s->seed, text) % TEXT_CHAINS;
    while (s->text_chains[at]) {
        if (gw_str_eq(gw_str_z(s->texts[s->text_chains[at]]), text))
            return s->text_chains[at];
        at = (at + 1) % TEXT_CHAINS;
    }
    if (s->texts_n == TEXTS || memchr(text.ptr, '\0', text.len))
        return 0;
    memcpy(s->texts[s->texts_n], text.ptr, text.len);
    return s->text_chains[at] = (uint16_t)s->texts_n++;
}

const char *trace_scan_text(const struct trace_scan *s, uint16_t number)
{
    return s->texts[number];
}

/* --- rows --- */

static uint32_t *chain_of(struct trace_scan *s, uint64_t low)
{
    return &s->chains[gw_hash_mix(s->seed ^ low) % CHAINS];
}

static void link_row(struct trace_scan *s, size_t i)
{
    uint32_t *chain = chain_of(s, s->rows[i].low);
    s->rows[i].next = *chain;
    *chain = (uint32_t)i + 1;
}

static int by_seq(const void *a, const void *b)
{
    const struct scan_trace *x = a, *y = b;
    return x->seq < y->seq ? 1 : x->seq > y->seq ? -1 : 0;
}

/* The older half goes. */
static void forget(struct trace_scan *s)
{
    qsort(s->rows, s->n, sizeof *s->rows, by_seq);
    s->n /= 2;
    s->is_partial = true;
    memset(s->chains, 0, CHAINS * sizeof *s->chains);
    for (size_t i = 0; i < s->n; i++)
        link_row(s, i);
}

static bool grow(struct trace_scan *s)
{
    size_t cap = s->cap ? 2 * s->cap : FIRST_ROWS, more = (cap - s->cap) * sizeof *s->rows;
    if (!gw_budget_take(s->budget, more))
        return false;
    struct scan_trace *rows = realloc(s->rows, cap * sizeof *rows);
    if (!rows) {
        gw_budget_give(s->budget, more);
        return false;
    }
    s->rows = rows;
    s->cap = cap;
    return true;
}

static struct scan_trace *find_row(struct trace_scan *s, uint64_t high, uint64_t low)
{
    for (uint32_t i = *chain_of(s, low); i; i = s->rows[i - 1].next) {
        struct scan_trace *t = &s->rows[i - 1];
        if (t->low == low && (!t->high || !high || t->high == high))
            return t;
    }
    return NULL;
}

/* NULL: there is no memory for another. */
static struct scan_trace *row_of(struct trace_scan *s, uint64_t high, uint64_t low)
{
    struct scan_trace *t = find_row(s, high, low);
    if (!t) {
        if (s->n == SCAN_TRACES)
            forget(s);
        if (s->n == s->cap && !grow(s)) {
            s->is_partial = true;
            return NULL;
        }
        t = &s->rows[s->n++];
        *t = (struct scan_trace){.low = low};
        link_row(s, s->n - 1);
    }
    t->high = t->high ? t->high : high;
    return t;
}

static void add_service(struct scan_trace *t, uint16_t service)
{
    for (unsigned i = 0; i < t->services_n; i++)
        if (t->services[i] == service)
            return;
    if (service && t->services_n < SCAN_SERVICES)
        t->services[t->services_n++] = service;
}

/* --- spans --- */

/* What is the same for the spans of one resource of one entry. */
struct group {
    struct trace_scan *scan;
    const struct gw_recent_entry *entry;
    struct wire_view resource;
    gw_str service;
    uint16_t number; /* of the service's text */
    const struct sender *sender;
};

static uint64_t be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static uint64_t fixed64(struct wire_view v)
{
    uint64_t n;
    memcpy(&n, v.end - 8, sizeof n);
    return le64toh(n);
}

static uint64_t varint(struct wire_view whole)
{
    uint64_t tag, n = 0;
    if (!wire_read_varint(&whole, &tag) || !wire_read_varint(&whole, &n))
        return 0;
    return n;
}

static bool is_zero(struct wire_view id)
{
    while (id.at < id.end)
        if (*id.at++)
            return false;
    return true;
}

struct span {
    struct gw_filter_item item;
    uint64_t start, end;
    bool has_parent;
};

static unsigned status_of(struct wire_view status)
{
    for (struct wire_field f; wire_next(&status, &f);)
        if (f.number == STATUS_CODE && f.type == WIRE_VARINT)
            return (unsigned)varint(f.whole);
    return 0;
}

static void read_span(struct wire_view v, struct span *s)
{
    for (struct wire_field f; wire_next(&v, &f);) {
        if (f.number == SPAN_TRACE && f.body.end - f.body.at == 16) {
            s->item.high = be64(f.body.at);
            s->item.low = be64(f.body.at + 8);
        } else if (f.number == SPAN_PARENT && f.type == WIRE_LEN) {
            s->has_parent = !is_zero(f.body);
        } else if (f.number == SPAN_NAME && f.type == WIRE_LEN) {
            s->item.name = wire_text(f.body);
        } else if (f.number == SPAN_KIND && f.type == WIRE_VARINT) {
            s->item.kind = (unsigned)varint(f.whole);
        } else if (f.number == SPAN_START && f.type == WIRE_FIXED64) {
            s->start = fixed64(f.whole);
        } else if (f.number == SPAN_END && f.type == WIRE_FIXED64) {
            s->end = fixed64(f.whole);
        } else if (f.number == SPAN_STATUS && f.type == WIRE_LEN) {
            s->item.status = status_of(f.body);
        }
    }
}

/* The root stands for the trace; until it is seen, the span that began first. */
static void consider_root(struct scan_trace *t, const struct span *s, uint16_t service)
{
    bool is_root = !s->has_parent;
    if (t->spans > 1 &&
        (is_root ? t->has_root && t->root_start <= s->start : t->has_root || t->root_start <= s->start))
        return;
    t->has_root = t->has_root || is_root;
    t->root_start = s->start;
    t->service = service;
    gw_str name = gw_str_n(s->item.name.ptr, gw_utf8_cut(s->item.name, SCAN_NAME - 1));
    snprintf(t->root, sizeof t->root, "%.*s", GW_FMT(name));
}

static void take_span(const struct group *g, struct wire_view v)
{
    struct span s = {
        .item = {.service = g->service, .item = v, .item_field = SPAN_ATTRIBUTES, .resource = g->resource}};
    read_span(v, &s);
    struct scan_trace *t = s.item.low | s.item.high ? row_of(g->scan, s.item.high, s.item.low) : NULL;
    if (!t)
        return;
    t->start = !t->spans || s.start < t->start ? s.start : t->start;
    t->end = s.end > t->end ? s.end : t->end;
    t->spans++;
    t->errors += s.item.status == STATUS_ERROR;
    t->met |= gw_filter_meets(&g->scan->filter, &s.item);
    t->seq = g->entry->number;
    t->is_changed = true;
    add_service(t, g->number);
    consider_root(t, &s, g->number);
    if (g->sender) {
        t->receiver = g->sender->receiver;
        t->client = g->sender->client;
    }
}

static void take_record(const struct group *g, struct wire_view v)
{
    for (struct wire_field f; wire_next(&v, &f);) {
        if (f.number != RECORD_TRACE || f.body.end - f.body.at != 16)
            continue;
        /* records come before their spans, which are sent when they end */
        struct scan_trace *t = is_zero(f.body) ? NULL : row_of(g->scan, be64(f.body.at), be64(f.body.at + 8));
        if (t) {
            t->logs++;
            t->seq = g->entry->number;
            t->is_changed = true;
        }
    }
}

/* --- entries --- */

static void begin_resource(struct group *g, struct wire_view resource_items)
{
    char room[GW_FILTER_SCALAR];
    g->resource = (struct wire_view){NULL, NULL};
    for (struct wire_field f; wire_next(&resource_items, &f);)
        if (f.number == RESOURCE && f.type == WIRE_LEN)
            g->resource = f.body;
    gw_str service = gw_filter_attribute(g->resource, RESOURCE_ATTRIBUTES, GW_STR("service.name"), room);
    g->number = number_of(g->scan, service);
    g->service = g->number ? gw_str_z(trace_scan_text(g->scan, g->number)) : GW_NOSTR;
}

/* "python 1.27.0", by the resource, where no header said it. */
static uint16_t client_of(const struct group *g)
{
    char text[SCAN_TEXT], room[2][GW_FILTER_SCALAR];
    gw_str language = gw_filter_attribute(g->resource, 1, GW_STR("telemetry.sdk.language"), room[0]),
           version = gw_filter_attribute(g->resource, 1, GW_STR("telemetry.sdk.version"), room[1]);
    int n = snprintf(text, sizeof text, "%.*s%s%.*s", GW_FMT(language),
                     language.len && version.len ? " " : "", GW_FMT(version));
    return number_of(g->scan, gw_str_n(text, n > 0 && (size_t)n < sizeof text ? (size_t)n : 0));
}

static void take_frame(struct group *g, gw_str bytes)
{
    struct wire_view v = {(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len};
    struct sender here;
    bool is_trace = g->entry->signal == GW_TRACES;
    const struct sender *by = g->sender;
    for (struct wire_field r; wire_next(&v, &r);) {
        struct wire_view scopes = r.body;
        if (r.number != RESOURCE_ITEMS || r.type != WIRE_LEN)
            continue;
        begin_resource(g, r.body);
        if (is_trace && by && !by->client) {
            here = *by;
            here.client = client_of(g);
            g->sender = &here;
        }
        for (struct wire_field s; wire_next(&scopes, &s);) {
            struct wire_view items = s.body;
            if (s.number != SCOPE_ITEMS || s.type != WIRE_LEN)
                continue;
            for (struct wire_field i; wire_next(&items, &i);)
                if (i.number == ITEMS && i.type == WIRE_LEN)
                    (is_trace ? take_span : take_record)(g, i.body);
        }
    }
}

static void note_sender(struct trace_scan *s, const struct gw_recent_entry *e)
{
    char text[2 * SCAN_TEXT];
    gw_str language = e->parts[GW_REQUEST_LANGUAGE], version = e->parts[GW_REQUEST_CLIENT_VERSION];
    int n = snprintf(text, sizeof text, "%.*s %.*s", GW_FMT(language), GW_FMT(version));
    s->senders[e->number % REQUESTS] = (struct sender){
        e->number, number_of(s, e->parts[GW_REQUEST_RECEIVER]),
        language.len ? number_of(s, gw_str_n(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1))
                     : 0};
}

static void take_entry(struct trace_scan *s, const struct gw_recent_entry *e)
{
    struct group g = {.scan = s, .entry = e};
    const struct sender *by = &s->senders[e->link % REQUESTS];
    if (e->link && by->number == e->link)
        g.sender = by;
    if (e->kind == GW_RECENT_REQUEST)
        note_sender(s, e);
    else if (e->kind == GW_RECENT_FRAME && (e->signal == GW_LOGS || (e->signal == GW_TRACES && e->is_first)))
        take_frame(&g, e->parts[GW_FRAME_DATA]);
    else if (e->kind == GW_RECENT_LINE) {
        gw_str record = e->parts[GW_LINE_RECORD];
        take_record(
            &g, (struct wire_view){(const uint8_t *)record.ptr, (const uint8_t *)record.ptr + record.len});
    }
}

/* A page for an entry that is larger than one. */
static bool larger_page(struct trace_scan *s, size_t size)
{
    if (!gw_budget_take(s->budget, size - s->page_size))
        return false;
    void *page = realloc(s->page, size);
    if (!page) {
        gw_budget_give(s->budget, size - s->page_size);
        return false;
    }
    s->page = page;
    s->page_size = size;
    return true;
}

bool trace_scan_step(struct trace_scan *s, size_t most)
{
    struct gw_recent_entry e;
    size_t larger, n, done = 0;
    while (done < most) {
        n = gw_recent_read(&s->cursor, s->page, s->page_size, &larger);
        if (!n && !larger)
            return false;
        if (!n && larger_page(s, larger))
            continue;
        if (!n) { /* without memory for it, it is passed over */
            s->is_partial = true;
            s->cursor.number++;
        }
        for (size_t at = 0; gw_recent_take(s->page, n, &at, &e);)
            take_entry(s, &e);
        done += n;
    }
    return true;
}

/* --- life --- */

struct trace_scan *trace_scan_new(struct gw_budget *budget, const struct gw_filter *filter, uint64_t from)
{
    struct trace_scan *s = NULL;
    if (!gw_budget_take(budget, FIXED))
        return NULL;
    s = calloc(1, sizeof *s);
    if (!s) {
        gw_budget_give(budget, FIXED);
        return NULL;
    }
    s->budget = budget;
    s->cursor.number = from;
    s->seed = gw_random();
    s->page_size = GW_RECENT_PAGE;
    s->page = malloc(s->page_size);
    s->chains = calloc(CHAINS, sizeof *s->chains);
    s->texts = calloc(TEXTS, sizeof *s->texts);
    s->text_chains = calloc(TEXT_CHAINS, sizeof *s->text_chains);
    s->texts_n = 1;
    if (!s->page || !s->chains || !s->texts || !s->text_chains) {
        trace_scan_drop(s);
        return NULL;
    }
    gw_filter_copy(&s->filter, filter);
    return s;
}

void trace_scan_drop(struct trace_scan *s)
{
    if (!s)
        return;
    gw_budget_give(s->budget, FIXED + s->cap * sizeof *s->rows + (s->page_size - GW_RECENT_PAGE));
    free(s->page);
    free(s->chains);
    free(s->texts);
    free(s->text_chains);
    free(s->rows);
    free(s);
}

uint64_t trace_scan_cursor(const struct trace_scan *s)
{
    return s->cursor.number;
}

struct scan_trace *trace_scan_rows(struct trace_scan *s, size_t *n)
{
    *n = s->n;
    return s->rows;
}

const struct gw_filter *trace_scan_filter(const struct trace_scan *s)
{
    return &s->filter;
}

bool trace_scan_is_partial(const struct trace_scan *s)
{
    return s->is_partial;
}
