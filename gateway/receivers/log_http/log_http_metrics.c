/* Metrics that a Datakit's users and their scripts write: POST /v1/write/metric?precision=…, points of line protocol or
 * JSON, which become gauges (metric_from_points.h). All points of a request that can be read are queued, or none. Owns
 * nothing beyond the request; runs on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/delivery/fanout.h"
#include "gateway/receivers/common/datakit_request.h"
#include "gateway/receivers/log_http/log_http.h"
#include "translators/metrics/metric_from_points.h"

static enum gw_code refuse(struct log_http *h, uint64_t points, enum gw_reason why, enum gw_code code)
{
    struct gw_intake intake = {.received = points};
    struct gw_err ignored;
    intake.not_taken[why] = points;
    (void)!gw_fanout_offer(h->host->fanout, GW_METRICS, NULL, 0, &intake, &ignored);
    return code;
}

static struct metric_points_options options_of(const struct log_http *h, const struct gw_http_request *q)
{
    return (struct metric_points_options){.service = h->conf.service,
                                          .env = h->conf.env,
                                          .version = h->conf.version,
                                          .host = q->peer->local ? h->host->host_name : GW_NOSTR,
                                          .resource = h->conf.resource,
                                          .now = (uint64_t)gw_wall()};
}

static enum gw_code make(struct log_http *h, const struct gw_http_request *q, struct metric_points_made *made,
                         struct gw_err *err)
{
    struct datakit_query query = datakit_read_query(q);
    const struct metric_points_options options = options_of(h, q);
    struct points from;
    gw_budget_begin(q->arena->account);
    enum gw_code code = points_begin(&from, query.json ? POINTS_JSON : POINTS_LINES, q->body,
                                     points_precision(query.precision), q->arena, err);
    if (code == GW_OK)
        code = metric_from_points(&from, &options, q->arena->account, made, err);
    return gw_arena_refusal(q->arena, code, "the points", err);
}

/* Frames to queue. */
static enum gw_code offer(struct log_http *h, const struct metric_points_made *made, struct gw_err *err)
{
    struct gw_intake intake = {.received = made->items + made->bad};
    intake.not_taken[GW_REASON_BAD_POINT] = made->bad;
    if (made->items)
        return gw_fanout_offer(h->host->fanout, GW_METRICS, made->frames, made->frames_n, &intake, err);
    if (!made->bad)
        return datakit_want_points(0, err);
    *err = made->first;
    return refuse(h, made->bad, GW_REASON_BAD_POINT, err->code);
}

static void add(atomic_uint_least64_t *to, uint64_t n)
{
    atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void log_http_metrics(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                      struct gw_http_reply *r)
{
    struct log_http *h = ctx;
    struct metric_points_made made = {.bad = 0};
    struct gw_err err = {0};
    err.code = make(h, q, &made, &err);
    if (err.code)
        (void)!refuse(h, 1,
                      err.code == GW_BAD_JSON ? GW_REASON_BAD_PAYLOAD
                      : err.code == GW_BUDGET ? GW_REASON_BUDGET
                                              : GW_REASON_QUEUE_FULL,
                      err.code);
    else
        err.code = offer(h, &made, &err);
    if (err.code) {
        log_http_refuse(h, route, q, &err, r);
        return;
    }
    add(&h->counts.metric_points, made.items);
    add(&h->counts.text_fields, made.left_out);
    datakit_answer(q, made.bad, &made.first, r);
    if (made.bad)
        datakit_log_bad(q, h->site.component, made.bad, &made.first);
}
