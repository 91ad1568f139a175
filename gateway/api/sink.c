/* sink.c: Collects what is written to a FILE in bounded memory, and hides secrets in it. Owns the buffer until the FILE is closed. Called by
 * api.c and stream.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* fopencookie */
#include "gateway/api/sink.h"

#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/scrub.h"

static bool grow(struct gw_api_sink *s, size_t cap)
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
    struct gw_api_sink *s = sink;
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

FILE *gw_api_sink_open(struct gw_api_sink *s, struct gw_budget *budget)
{
    *s = (struct gw_api_sink){.budget = budget};
    FILE *to = fopencookie(s, "w", (cookie_io_functions_t){.write = take});
    if (to)
        __fsetlocking(to, FSETLOCKING_BYCALLER);
    return to;
}

/* The length of the text of a string that begins behind its quote. */
static size_t string_length(const char *at, size_t n)
{
    size_t i = 0;
    while (i < n && at[i] != '"')
        i += at[i] == '\\' && i + 1 < n ? 2 : 1;
    return i < n ? i : n;
}

void gw_api_scrub(struct gw_api_text *t)
{
    size_t from = 0, to = 0;
    while (from < t->len) {
        const char *quote = memchr(t->ptr + from, '"', t->len - from);
        size_t plain = quote ? (size_t)(quote - t->ptr) + 1 - from : t->len - from;
        memmove(t->ptr + to, t->ptr + from, plain);
        from += plain;
        to += plain;
        if (!quote)
            break;
        size_t n = string_length(t->ptr + from, t->len - from), end = from + n < t->len;
        memmove(t->ptr + to, t->ptr + from, n);
        to += gw_scrub(t->ptr + to, n);
        if (end)
            t->ptr[to++] = '"';
        from += n + end;
    }
    t->len = to;
}
