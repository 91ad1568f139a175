/* api.c: Runs a handler into a bounded buffer that is charged to max_memory, and scrubs what it wrote. Owns the buffer until it is handed over. Called by the admin listener, on its threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* fopencookie */
#include "gateway/api/api.h"

#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/scrub.h"

/* --- the buffer that a handler writes into --- */

struct sink {
    struct gw_budget *budget;
    struct gw_api_text text;
    size_t cap;
    bool is_large, no_memory;
};

static bool grow(struct sink *s, size_t cap)
{
    if (!gw_budget_take(s->budget, cap - s->cap))
        return false;
    char *ptr = realloc(s->text.ptr, cap);
    if (!ptr) {
        gw_budget_give(s->budget, cap - s->cap);
        return false;
    }
    s->text.ptr = ptr;
    s->cap = s->text.charged = cap;
    return true;
}

static ssize_t take(void *sink, const char *ptr, size_t n)
{
    struct sink *s = sink;
    size_t cap = s->cap ? s->cap : 16 * 1024;
    s->is_large = s->is_large || s->text.len + n > GW_API_ANSWER;
    while (cap < s->text.len + n)
        cap *= 2;
    s->no_memory = s->no_memory || (!s->is_large && cap != s->cap && !grow(s, cap));
    if (s->is_large || s->no_memory)
        return 0; /* the stream's error indicator is set: nothing more comes */
    memcpy(s->text.ptr + s->text.len, ptr, n);
    s->text.len += n;
    return (ssize_t)n;
}

/* What a handler writes to; used by one thread only. */
static FILE *open_sink(struct sink *s)
{
    FILE *to = fopencookie(s, "w", (cookie_io_functions_t){.write = take});
    if (to)
        __fsetlocking(to, FSETLOCKING_BYCALLER);
    return to;
}

static void drop_text(struct gw_budget *budget, struct gw_api_text *t)
{
    free(t->ptr);
    gw_budget_give(budget, t->charged);
    *t = (struct gw_api_text){0};
}

void gw_api_text_drop(const struct gw_api *api, struct gw_api_text *t)
{
    drop_text(api->budget, t);
}

static void write_failure(struct gw_api_call *call, FILE *to, bool is_large)
{
    call->file[0] = '\0';
    if (is_large)
        gw_api_error(call, to, 507, "the answer has more than %d MiB: ask for less, by limit or filter",
                     GW_API_ANSWER >> 20);
    else
        gw_api_error(call, to, 503,
                     "there is no memory for the answer now: ask again, or for less; "
                     "max_memory is the limit");
}

struct gw_api_text gw_api_answer(const struct gw_api *api, const struct gw_api_route *route,
                                 struct gw_api_call *call)
{
    struct sink s = {.budget = api->budget};
    call->status = 200;
    FILE *to = open_sink(&s);
    if (to) {
        route->handler(api, call, to);
        fclose(to);
    }
    if (s.is_large || s.no_memory) {
        struct sink failure = {.budget = NULL}; /* a few bytes */
        drop_text(s.budget, &s.text);
        to = open_sink(&failure);
        if (to) {
            write_failure(call, to, s.is_large);
            fclose(to);
        }
        s.text = failure.text;
        s.text.charged = 0;
    }
    s.text.len = gw_scrub(s.text.ptr, s.text.len);
    return s.text;
}

/* --- what was asked --- */

gw_str gw_api_query(const struct gw_api_call *call, const char *name)
{
    for (size_t i = 0; i < call->queries_n; i++)
        if (gw_str_eq(call->queries[i].name, gw_str_z(name)))
            return call->queries[i].value;
    return GW_NOSTR;
}

bool gw_api_query_number(struct gw_api_call *call, const char *name, uint64_t most, uint64_t otherwise,
                         uint64_t *out, FILE *to)
{
    gw_str text = gw_api_query(call, name);
    *out = otherwise;
    if (!text.ptr)
        return true;
    *out = 0;
    bool good = text.len > 0 && text.len < 20;
    for (size_t i = 0; i < text.len && good; i++) {
        good = text.ptr[i] >= '0' && text.ptr[i] <= '9';
        *out = *out * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    if (good && *out <= most)
        return true;
    gw_api_error(call, to, 400, "%s wants a whole number of 0 to %llu", name, (unsigned long long)most);
    return false;
}
