/* datakit_request.c: Reads the parameters of requests to Datakit's endpoints, and words their answers. Keeps no state. Called by the
 * receivers ddtrace and http, on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/common/datakit_request.h"

#include "core/base/log.h"
#include "core/base/text.h"

static void see_arg(void *cookie, gw_str name, gw_str value)
{
    struct datakit_query *q = cookie;
    if (gw_str_eq(name, GW_STR("precision")))
        q->precision = value;
}

static bool is_json(gw_str type)
{
    type.len = gw_str_find(type, ';');
    return gw_str_ieq(gw_str_trim(type), GW_STR("application/json"));
}

struct datakit_query datakit_read_query(const struct gw_http_request *q)
{
    struct datakit_query query = {.json = is_json(q->content_type), .precision = GW_NOSTR};
    gw_http_args(q, see_arg, &query);
    return query;
}

enum gw_code datakit_want_points(uint64_t points, struct gw_err *err)
{
    return points ? GW_OK : gw_fail(err, GW_NO_POINTS, 0, "%s", "");
}

/* Datakit's name for it, where it has one. */
static const char *name_of(enum gw_code code)
{
    switch (code) {
    case GW_BAD_POINTS:
        return "datakit.invalidLinePoint";
    case GW_BAD_JSON:
        return "datakit.invalidJSONPoint";
    case GW_NO_POINTS:
        return "datakit.noPoints";
    case GW_NOT_FOUND:
        return "datakit.invalidCategory";
    case GW_BAD_ENCODING:
    case GW_UNSUPPORTED_ENCODING:
        return "datakit.decodeBodyFailed";
    case GW_NO_TOKEN:
    case GW_BAD_TOKEN:
    case GW_BAD_KEY:
        return "datakit.invalidToken";
    case GW_QUEUE_FULL:
    case GW_BUSY:
    case GW_STORAGE:
    case GW_PEER_LIMIT:
        return "datakit.reachMaxAPILimit";
    default:
        return gw_code_http(code) >= 500 ? "datakit.unavailable" : "datakit.badRequest";
    }
}

static void put_error(struct gw_http_reply *r, struct gw_arena *arena, enum gw_code code, gw_str message)
{
    struct gw_text text = {.arena = arena};
    while (message.len && message.ptr[message.len - 1] == '\n')
        message.len--;
    gw_text_put_z(&text, "{\"error_code\":");
    gw_text_put_json(&text, gw_str_z(name_of(code)));
    gw_text_put_z(&text, ",\"message\":");
    gw_text_put_json(&text, message);
    gw_text_put_char(&text, '}');
    if (arena->spent)
        return; /* the text that is there will do */
    r->type = "application/json";
    r->body = gw_text_result(&text);
}

void datakit_word_error(const struct gw_http_request *q, const struct gw_err *err, struct gw_http_reply *r)
{
    if (gw_str_starts(q->path, GW_STR("/v1/write/")))
        put_error(r, q->arena, err->code, r->body);
}

void datakit_answer(const struct gw_http_request *q, uint64_t bad, const struct gw_err *first,
                    struct gw_http_reply *r)
{
    gw_http_reply_header(r, "X-DataKit", DDGATE_VERSION);
    if (!bad)
        return;
    gw_str message = gw_arena_printf(
        q->arena, "points that cannot be read: %llu, the others were taken; the first, at offset %zu: %s",
        (unsigned long long)bad, first->pos, first->what);
    put_error(r, q->arena, first->code, message);
}

void datakit_log_bad(const struct gw_http_request *q, const char *component, uint64_t bad,
                     const struct gw_err *first)
{
    enum gw_level level = gw_http_first_refused(q, first->code) ? GW_WARNING : GW_DEBUG;
    gw_log(level, component,
           "points of a request to %.*s that cannot be read: %llu, the others were taken; the first, at "
           "offset %zu: %s",
           GW_FMT(q->path), (unsigned long long)bad, first->pos, first->what);
}
