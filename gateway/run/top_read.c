/* top_read.c: Reads /api/flow and /api/fleet into a page. Owns nothing. Called by top.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/run/top_read.h"

#include "gateway/run/admin_client.h"

/* A number, or a text with one; 0 for anything else. */
static double number(struct gw_json *j)
{
    struct gw_json_number n = {0};
    gw_str text;
    double d = 0;
    if (gw_json_kind(j) == GW_JSON_STRING)
        return gw_json_text(j, &text) && gw_str_double(text, &d) ? d : 0;
    if (gw_json_kind(j) != GW_JSON_NUMBER) {
        gw_json_skip(j);
        return 0;
    }
    gw_json_number(j, &n);
    return n.type == GW_JSON_INT ? (double)n.i : n.type == GW_JSON_UINT ? (double)n.u : n.d;
}

static bool flag(struct gw_json *j)
{
    bool b = false;
    if (gw_json_kind(j) == GW_JSON_BOOL)
        gw_json_bool(j, &b);
    else
        gw_json_skip(j);
    return b;
}

static bool is(gw_str key, const char *name)
{
    return gw_str_eq(key, gw_str_z(name));
}

/* --- flow --- */

static uint64_t read_reasons(struct gw_json *j, struct top_signal *s)
{
    uint64_t sum = 0;
    gw_str reason;
    if (!gw_client_object(j))
        return 0;
    while (gw_json_member(j, &reason)) {
        uint64_t n = gw_client_count(j);
        sum += n;
        if (n > s->worst_n) {
            s->worst = reason;
            s->worst_n = n;
        }
    }
    return sum;
}

static void read_signal(struct gw_json *j, struct top_signal *s)
{
    gw_str key;
    if (!gw_client_object(j))
        return;
    while (gw_json_member(j, &key))
        if (is(key, "received"))
            s->received = gw_client_count(j);
        else if (is(key, "accepted"))
            s->accepted = gw_client_count(j);
        else if (is(key, "refused"))
            s->refused = read_reasons(j, s);
        else if (is(key, "dropped"))
            s->dropped = read_reasons(j, s);
        else
            gw_json_skip(j);
}

static void read_signals(struct gw_json *j, struct top_page *p)
{
    struct top_signal other;
    gw_str key;
    if (!gw_client_object(j))
        return;
    while (gw_json_member(j, &key)) {
        struct top_signal *s = &other;
        for (int i = 0; i < GW_SIGNALS; i++)
            if (is(key, gw_signal_name((enum gw_signal)i)))
                s = &p->signals[i];
        *s = (struct top_signal){0};
        read_signal(j, s);
    }
}

static void read_queue(struct gw_json *j, struct top_exporter *x)
{
    gw_str key;
    if (!gw_client_object(j))
        return;
    while (gw_json_member(j, &key))
        if (is(key, "items"))
            x->items = gw_client_count(j);
        else if (is(key, "bytes"))
            x->bytes = gw_client_count(j);
        else if (is(key, "limit_bytes"))
            x->limit_bytes = gw_client_count(j);
        else
            gw_json_skip(j);
}

static void read_disk(struct gw_json *j, struct top_exporter *x)
{
    gw_str key;
    if (!gw_client_object(j))
        return;
    x->has_disk = true;
    while (gw_json_member(j, &key))
        if (is(key, "bytes"))
            x->disk_bytes = gw_client_count(j);
        else if (is(key, "limit_bytes"))
            x->disk_limit = gw_client_count(j);
        else if (is(key, "behind"))
            x->behind = flag(j);
        else
            gw_json_skip(j);
}

static void read_latency(struct gw_json *j, struct top_exporter *x)
{
    gw_str key;
    if (!gw_client_object(j))
        return;
    x->has_latency = true;
    while (gw_json_member(j, &key))
        if (is(key, "p50"))
            x->p50 = number(j);
        else if (is(key, "p99"))
            x->p99 = number(j);
        else
            gw_json_skip(j);
}

static void read_exporter_member(struct gw_json *j, gw_str key, struct top_exporter *x)
{
    if (is(key, "name"))
        x->name = gw_client_text(j);
    else if (is(key, "type"))
        x->type = gw_client_text(j);
    else if (is(key, "state"))
        x->state = gw_client_text(j);
    else if (is(key, "last_error"))
        x->error = gw_client_text(j);
    else if (is(key, "queue"))
        read_queue(j, x);
    else if (is(key, "disk"))
        read_disk(j, x);
    else if (is(key, "latency"))
        read_latency(j, x);
    else if (is(key, "per_second"))
        x->per_second = number(j);
    else if (is(key, "oldest"))
        x->oldest = number(j);
    else if (is(key, "empty_in") && (x->empties = gw_json_kind(j) == GW_JSON_NUMBER))
        x->empty_in = number(j);
    else
        gw_json_skip(j);
}

static void read_exporters(struct gw_json *j, struct top_page *p)
{
    gw_str key;
    if (!gw_client_array(j))
        return;
    while (gw_json_item(j)) {
        struct top_exporter x = {.empties = false};
        if (gw_client_object(j))
            while (gw_json_member(j, &key))
                read_exporter_member(j, key, &x);
        if (p->exporters_n < GW_MAX_EXPORTERS)
            p->exporters[p->exporters_n++] = x;
    }
}

static void read_memory(struct gw_json *j, struct top_page *p)
{
    gw_str key;
    if (!gw_client_object(j))
        return;
    while (gw_json_member(j, &key))
        if (is(key, "used"))
            p->memory_used = gw_client_count(j);
        else if (is(key, "limit"))
            p->memory_limit = gw_client_count(j);
        else
            gw_json_skip(j);
}

bool top_read_flow(struct top_page *p, gw_str body, struct gw_arena *arena)
{
    struct gw_json j;
    gw_str key;
    gw_json_init(&j, body, arena);
    if (!gw_json_object(&j))
        return false;
    while (gw_json_member(&j, &key))
        if (is(key, "time"))
            p->time = gw_client_count(&j);
        else if (is(key, "started"))
            p->started = gw_client_count(&j);
        else if (is(key, "bytes_received"))
            p->bytes_received = gw_client_count(&j);
        else if (is(key, "signals"))
            read_signals(&j, p);
        else if (is(key, "exporters"))
            read_exporters(&j, p);
        else if (is(key, "memory"))
            read_memory(&j, p);
        else
            gw_json_skip(&j);
    return gw_json_end(&j);
}

/* --- fleet --- */

static struct top_warning read_warning(struct gw_json *j)
{
    struct top_warning w = {.id = GW_NOSTR};
    gw_str key;
    if (!gw_client_object(j))
        return w;
    while (gw_json_member(j, &key))
        if (is(key, "id"))
            w.id = gw_client_text(j);
        else if (is(key, "text"))
            w.text = gw_client_text(j);
        else
            gw_json_skip(j);
    return w;
}

static void read_warnings(struct gw_json *j, struct top_client *c)
{
    if (!gw_client_array(j))
        return;
    while (gw_json_item(j)) {
        struct top_warning w = read_warning(j);
        if (c->warnings_n < TOP_WARNINGS)
            c->warnings[c->warnings_n++] = w;
    }
}

static void read_client_member(struct gw_json *j, gw_str key, struct top_client *c)
{
    const struct {
        const char *name;
        gw_str *to;
    } texts[] = {{"service", &c->service},  {"env", &c->env},   {"language", &c->language},
                 {"version", &c->version},  {"host", &c->host}, {"container", &c->container},
                 {"protocol", &c->protocol}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (is(key, texts[i].name)) {
            *texts[i].to = gw_client_text(j);
            return;
        }
    if (is(key, "spans"))
        c->spans = gw_client_count(j);
    else if (is(key, "spans_per_second"))
        c->rate = number(j);
    else if (is(key, "last_seen"))
        c->last_seen = gw_client_count(j);
    else if (is(key, "warnings"))
        read_warnings(j, c);
    else
        gw_json_skip(j);
}

bool top_read_fleet(struct top_page *p, gw_str body, struct gw_arena *arena)
{
    struct gw_json j;
    gw_str key;
    gw_json_init(&j, body, arena);
    if (!gw_json_object(&j))
        return false;
    while (gw_json_member(&j, &key)) {
        if (!is(key, "clients") || !gw_client_array(&j)) {
            if (!is(key, "clients"))
                gw_json_skip(&j);
            continue;
        }
        while (gw_json_item(&j)) {
            struct top_client c = {.rate = 0};
            if (gw_client_object(&j))
                while (gw_json_member(&j, &key))
                    read_client_member(&j, key, &c);
            if (p->clients_n < TOP_CLIENTS)
                p->clients[p->clients_n++] = c;
        }
    }
    return gw_json_end(&j);
}
