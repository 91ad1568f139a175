/* What else Datakit's users and their scripts ask of port 9529 about logs:
 *
 *     GET  /v1/ping                         who is there?
 *     POST /v1/write/logging?precision=…    points of log records, as line protocol or JSON (datakit_request.h)
 *
 * A point's measurement is the record's source; `message` is the body, `status` the severity, and other tags
 * and fields have the same meaning as in any item.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/common/datakit_request.h"
#include "gateway/receivers/log_http/log_http.h"
#include "translators/points/points.h"

/* Answers with what was accepted, and logs what was not. */
static void answer_taken(struct log_http *h, const struct gw_http_request *q, uint64_t records,
                         const struct http_log_bad *bad, struct gw_http_reply *r)
{
    log_http_accept(h, records, "", r);
    r->type = NULL;
    datakit_answer(q, bad->n, &bad->first, r);
    if (bad->n)
        datakit_log_bad(q, h->site.component, bad->n, &bad->first);
}

void log_http_write(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                    struct gw_http_reply *r)
{
    struct log_http *h = ctx;
    struct gw_err err = {0};
    struct log_input like = log_http_like(h, q);
    struct datakit_query query = datakit_read_query(q);
    struct http_log_bad bad = {0};
    uint64_t records = 0;
    struct http_log body = {.form = query.json ? HTTP_LOG_POINTS_JSON : HTTP_LOG_LINE_PROTOCOL,
                            .precision = points_precision(query.precision),
                            .bad = &bad,
                            .like = &like};
    err.code = log_http_take(h, q, &body, 0, &records, &err);
    if (!err.code)
        err.code = datakit_want_points(records, &err);
    if (err.code)
        log_http_refuse(h, route, q, &err, r);
    else
        answer_taken(h, q, records, &bad, r);
}

/* The version is ddgate's own: clients only ask whether they can send. */
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
