/* What else Datakit's users and their scripts ask of port 9529 about logs:
 *
 *     GET  /v1/ping                         who is there?
 *     POST /v1/write/logging?precision=…    points of log records, as line protocol or JSON
 *
 * A point's measurement is the record's source; `message` is the body, `status` the severity, and tags and fields
 * mean what they mean in any item. Datakit answers 200 with an object.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/log_http/log_http.h"

static void see_precision(void *cookie, gw_str name, gw_str value)
{
    if (gw_str_eq(name, GW_STR("precision")))
        *(gw_str *)cookie = value;
}

static bool is_json(gw_str type)
{
    type.len = gw_str_find(type, ';');
    return gw_str_ieq(gw_str_trim(type), GW_STR("application/json"));
}

void log_http_write(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                    struct gw_http_reply *r)
{
    struct log_http *h = ctx;
    struct gw_err err = {0};
    struct log_input like = log_http_like(h, q);
    gw_str precision = GW_NOSTR;
    uint64_t records = 0;
    gw_http_args(q, see_precision, &precision);
    struct http_log body = {.form = is_json(q->content_type) ? HTTP_LOG_POINTS_JSON : HTTP_LOG_LINE_PROTOCOL,
                            .precision = http_log_precision(precision),
                            .like = &like};
    err.code = log_http_take(h, q, &body, 0, &records, &err);
    if (err.code)
        log_http_refuse(h, route, q, &err, r);
    else
        log_http_accept(h, records, "{}", r);
}

/* The version is ddgate's own: who asks wants to know whether to send. */
void log_http_ping(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                   struct gw_http_reply *r)
{
    const struct log_http *h = ctx;
    (void)route;
    r->type = "application/json";
    r->body =
        gw_arena_printf(q->arena, "{\"content\":{\"version\":\"" DDGATE_VERSION "\",\"uptime\":\"%.3fs\"}}",
                        (double)(gw_now() - h->opened) / (double)GW_SEC);
}
