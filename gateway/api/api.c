/* api.c: Runs a handler into a bounded buffer that is charged to max_memory, and scrubs what it wrote. Owns the
 * buffer until it is handed over. Called by the admin listener, on its threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/api.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/api/sink.h"

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
    struct gw_api_sink s;
    call->status = 200;
    FILE *to = gw_api_sink_open(&s, api->budget);
    if (to) {
        route->handler(api, call, to);
        fclose(to);
    }
    if (s.is_large || s.no_memory) {
        struct gw_api_sink failure;
        drop_text(s.budget, &s.text);
        to = gw_api_sink_open(&failure, NULL); /* a few bytes */
        if (to) {
            write_failure(call, to, s.is_large);
            fclose(to);
        }
        s.text = failure.text;
        s.text.charged = 0;
    }
    gw_api_scrub(&s.text);
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
