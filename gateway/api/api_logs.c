/* api_logs.c: GET /api/logs: the newest log records among recent data. Owns copies of those that it will show
 * until they are written. Called by api.c, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "gateway/api/log_scan.h"

enum { LIMIT = 200, MOST = 1000, TEXTS = 7 };

/* The newest records, as many as were asked for. */
struct newest {
    struct log_scan scan;
    const struct gw_api *api;
    struct log_seen *kept; /* a ring */
    size_t *sizes;         /* of what each has malloc'd */
    void **copies;
    uint64_t limit, since, n; /* n: since the start */
    bool is_partial;
};

/* The texts of a record, in the order in which they are copied. */
static void texts_of(struct log_seen *l, gw_str *out[TEXTS], gw_str views[2])
{
    views[0] = wire_text(l->resource);
    views[1] = wire_text(l->record);
    gw_str *texts[TEXTS] = {&l->receiver, &l->source, &l->line, &l->script, &l->form, &views[0], &views[1]};
    memcpy(out, texts, sizeof texts);
}

static void forget(struct newest *k, size_t i)
{
    free(k->copies[i]);
    gw_budget_give(k->api->budget, k->sizes[i]);
    k->copies[i] = NULL;
    k->sizes[i] = 0;
}

static struct wire_view view_of(gw_str s)
{
    return (struct wire_view){(const uint8_t *)s.ptr, (const uint8_t *)s.ptr + s.len};
}

static void keep(void *newest, const struct log_seen *seen)
{
    struct newest *k = newest;
    struct log_seen l = *seen;
    gw_str *texts[TEXTS], views[2];
    size_t size = 1, i = k->n % k->limit;
    if (l.number < k->since)
        return;
    texts_of(&l, texts, views);
    for (size_t t = 0; t < TEXTS; t++)
        size += texts[t]->len;
    forget(k, i);
    char *at = gw_budget_take(k->api->budget, size) ? malloc(size) : NULL;
    if (!at) {
        k->is_partial = true;
        return;
    }
    k->copies[i] = at;
    k->sizes[i] = size;
    for (size_t t = 0; t < TEXTS; t++) {
        if (texts[t]->len)
            memcpy(at, texts[t]->ptr, texts[t]->len);
        texts[t]->ptr = at;
        at += texts[t]->len;
    }
    l.resource = view_of(views[0]);
    l.record = view_of(views[1]);
    k->kept[i] = l;
    k->n++;
}

static bool see_entry(void *newest, const struct gw_recent_entry *e)
{
    struct newest *k = newest;
    log_scan_entry(&k->scan, e, keep, k);
    return true;
}

static void write_kept(struct newest *k, bool as_otlp, FILE *to)
{
    uint64_t have = k->n < k->limit ? k->n : k->limit;
    const char *comma = "";
    for (uint64_t i = 0; i < have; i++) {
        size_t at = (k->n - 1 - i) % k->limit;
        if (!k->copies[at])
            continue;
        fprintf(to, "%s\n", comma);
        comma = log_seen_write(k->api, &k->kept[at], as_otlp, to) ? "," : comma;
    }
}

static void answer(struct newest *k, bool as_otlp, FILE *to)
{
    uint64_t cursor = gw_recent_state().next;
    k->is_partial = !gw_api_each_entry(k->api, 0, see_entry, k) || k->is_partial;
    if (as_otlp) {
        fputs("{\"resourceLogs\":[", to);
    } else {
        gw_api_write_head(cursor, k->is_partial, to);
        fputs(",\"logs\":[", to);
    }
    write_kept(k, as_otlp, to);
    fputs("]}\n", to);
}

bool gw_api_read_log_format(struct gw_api_call *call, bool *as_otlp, FILE *to)
{
    gw_str format = gw_api_query(call, "format");
    *as_otlp = format.ptr && gw_str_eq(format, GW_STR("otlp"));
    if (!format.ptr || *as_otlp || gw_str_eq(format, GW_STR("json")))
        return true;
    gw_api_error(call, to, 400, "format is json or otlp");
    return false;
}

void gw_api_logs(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct newest k = {.api = api};
    struct gw_api_range range;
    bool as_otlp;
    if (!gw_api_read_range(call, &k.scan.filter, &range, LIMIT, MOST, to) ||
        !gw_api_read_log_format(call, &as_otlp, to))
        return;
    gw_recent_look(gw_now());
    k.limit = range.limit ? range.limit : 1;
    k.since = range.since;
    k.kept = calloc(k.limit, sizeof *k.kept);
    k.sizes = calloc(k.limit, sizeof *k.sizes);
    k.copies = calloc(k.limit, sizeof *k.copies);
    if (k.kept && k.sizes && k.copies)
        answer(&k, as_otlp, to);
    else
        gw_api_error(call, to, 503, "there is no memory for the answer now");
    for (size_t i = 0; k.copies && k.sizes && i < k.limit; i++)
        forget(&k, i);
    free(k.kept);
    free(k.sizes);
    free(k.copies);
}
