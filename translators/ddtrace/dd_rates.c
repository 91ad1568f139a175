/* Tables of sampling rates, and their JSON, which tracers read (dd_rates.h).
 *
 * A table is one arena: rows sorted by service and env, and the finished answer. Created by dd_sampler.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_rates.h"

#include "core/base/text.h"
#include "translators/ddtrace/dd_hash.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_BYTES = 16 << 20 };

#define TWO_TO_64 18446744073709551616.0
#define DATADOGS_FACTOR UINT64_C(1111111111111111111)

struct dd_rates {
    atomic_uint references;
    struct gw_arena arena;
    struct dd_rate *rows;
    size_t n;
    double rest, highest, lowest;
    gw_str answer;
    char version[32];
};

/* ---- rates ---- */

double dd_rate_round(double rate)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", rate);
    return strtod(text, NULL);
}

bool dd_rate_keeps(double rate, uint64_t trace_id_low)
{
    if (rate >= 1)
        return true;
    return rate > 0 && trace_id_low * DATADOGS_FACTOR <= (uint64_t)(rate * TWO_TO_64);
}

/* ---- rows ---- */

static int compare_texts(gw_str a, gw_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int compare_rows(const void *a, const void *b)
{
    const struct dd_rate *x = a, *y = b;
    int order = compare_texts(x->service, y->service);
    return order ? order : compare_texts(x->env, y->env);
}

double dd_rates_find(const struct dd_rates *t, gw_str service, gw_str env)
{
    const struct dd_rate key = {.service = service, .env = env};
    const struct dd_rate *row = t->n ? bsearch(&key, t->rows, t->n, sizeof key, compare_rows) : NULL;
    return row ? row->rate : t->rest;
}

static bool copy_rows(struct dd_rates *t, const struct dd_rate *rows, size_t n)
{
    t->rows = gw_arena_raw(&t->arena, n, sizeof *rows);
    for (size_t i = 0; i < n && t->rows; i++) {
        t->rows[i] = (struct dd_rate){gw_arena_dup(&t->arena, rows[i].service),
                                      gw_arena_dup(&t->arena, rows[i].env), rows[i].rate};
        t->highest = rows[i].rate > t->highest ? rows[i].rate : t->highest;
        t->lowest = rows[i].rate < t->lowest ? rows[i].rate : t->lowest;
    }
    if (t->rows)
        qsort(t->rows, n, sizeof *rows, compare_rows);
    t->n = n;
    return !t->arena.spent;
}

/* ---- the answer ---- */

static void put_rate(struct gw_text *out, gw_str service, gw_str env, double rate)
{
    char number[GW_NUMBER_SIZE];
    struct gw_text key = {.arena = out->arena};
    gw_text_put_z(&key, "service:");
    gw_text_put_str(&key, service);
    gw_text_put_z(&key, ",env:");
    gw_text_put_str(&key, env);
    gw_text_put_json(out, gw_text_result(&key));
    gw_text_put_char(out, ':');
    gw_text_put(out, number, gw_float_json(number, rate));
}

static bool write_answer(struct dd_rates *t)
{
    struct gw_text out = {.arena = &t->arena};
    gw_text_put_z(&out, "{\"rate_by_service\":{");
    put_rate(&out, GW_NOSTR, GW_NOSTR, t->rest);
    for (size_t i = 0; i < t->n; i++) {
        gw_text_put_char(&out, ',');
        put_rate(&out, t->rows[i].service, t->rows[i].env, t->rows[i].rate);
    }
    gw_text_put_z(&out, "}}");
    t->answer = gw_text_result(&out);
    snprintf(t->version, sizeof t->version, "ddgate-%016llx", (unsigned long long)dd_hash(t->answer));
    return !t->arena.spent;
}

/* ---- tables ---- */

struct dd_rates *dd_rates_new(const struct dd_rate *rows, size_t n, double rest)
{
    struct dd_rates *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    atomic_init(&t->references, 1);
    gw_arena_init(&t->arena, MOST_BYTES);
    t->rest = t->highest = t->lowest = rest;
    if (copy_rows(t, rows, n) && write_answer(t))
        return t;
    dd_rates_drop(t);
    return NULL;
}

struct dd_rates *dd_rates_ref(struct dd_rates *t)
{
    atomic_fetch_add_explicit(&t->references, 1, memory_order_relaxed);
    return t;
}

void dd_rates_drop(struct dd_rates *t)
{
    if (!t || atomic_fetch_sub_explicit(&t->references, 1, memory_order_acq_rel) > 1)
        return;
    gw_arena_fini(&t->arena);
    free(t);
}

double dd_rates_highest(const struct dd_rates *t)
{
    return t->highest;
}

bool dd_rates_are_one(const struct dd_rates *t)
{
    return t->highest == t->lowest;
}

gw_str dd_rates_answer(const struct dd_rates *t)
{
    return t->answer;
}

gw_str dd_rates_version(const struct dd_rates *t)
{
    return gw_str_z(t->version);
}
