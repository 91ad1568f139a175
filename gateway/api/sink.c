/* sink.c: Collects what is written to a FILE in bounded memory. Owns the buffer until the FILE is closed. Called by
 * api.c and stream.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* fopencookie */
#include "gateway/api/sink.h"

#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>

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
