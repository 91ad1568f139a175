/* ddtrace_points.c: handles spans that a Datakit wrote as points (POST /v1/write/tracing): they become a v0.4
 * payload and are handled like it. The sender is not the process that made the spans, so nothing is derived
 * from the peer. Owns nothing beyond the request. Called by HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/delivery/fanout.h"
#include "gateway/receivers/common/datakit_request.h"
#include "gateway/receivers/ddtrace/ddtrace.h"
#include "translators/ddtrace/dd_from_points.h"

/* Nothing of it is used. */
static void refuse(struct ddtrace *d, uint64_t points, enum gw_reason why)
{
    struct gw_intake intake = {.received = points};
    struct gw_err ignored;
    intake.not_taken[why] = points;
    (void)!gw_fanout_offer(d->host->fanout, GW_TRACES, NULL, 0, &intake, &ignored);
}

static enum gw_code read_body(struct ddtrace *d, const struct gw_http_request *q, struct otlp_buf *payload,
                              struct dd_points_bad *bad, struct gw_err *err)
{
    struct datakit_query query = datakit_read_query(q);
    struct points from;
    enum gw_code code = points_begin(&from, query.json ? POINTS_JSON : POINTS_LINES, q->body,
                                     points_precision(query.precision), q->arena, err);
    if (code == GW_OK)
        code = dd_from_points(&from, payload, bad, err);
    code = gw_arena_refusal(q->arena, code, "the spans of the points", err);
    if (code)
        refuse(d, 1,
               code == GW_BAD_JSON ? GW_REASON_BAD_PAYLOAD
               : code == GW_BUDGET ? GW_REASON_BUDGET
                                   : GW_REASON_QUEUE_FULL);
    return code;
}

/* Of points that can be read, or of none. */
static enum gw_code take(struct ddtrace *d, const struct gw_http_request *q, struct otlp_buf *payload,
                         const struct dd_points_bad *bad, struct gw_err *err)
{
    struct dd_request from = {.peer_is_local = q->peer->local || d->conf.same_host};
    const struct ddtrace_payload p = {
        .format = DD_V04_JSON, .body = otlp_written(payload), .points = true, .bad_points = bad->n};
    if (payload->len > 2) /* [] */
        return ddtrace_take(d, q, &from, &p, err);
    if (!bad->n)
        return datakit_want_points(0, err);
    refuse(d, bad->n, GW_REASON_BAD_POINT);
    *err = bad->first;
    return err->code;
}

void ddtrace_points(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                    struct gw_http_reply *r)
{
    struct ddtrace *d = ctx;
    struct otlp_buf payload = {.account = q->arena->account};
    struct dd_points_bad bad = {0};
    struct gw_err err = {0};
    (void)route;
    gw_budget_begin(q->arena->account);
    err.code = read_body(d, q, &payload, &bad, &err);
    if (!err.code)
        err.code = take(d, q, &payload, &bad, &err);
    otlp_fini(&payload);
    if (err.code) {
        const struct dd_request from = {.lang = GW_STR("a Datakit")};
        ddtrace_answer_bad(d, q, &from, &err, r);
        datakit_word_error(q, &err, r);
        return;
    }
    datakit_answer(q, bad.n, &bad.first, r);
    if (bad.n)
        datakit_log_bad(q, d->site.component, bad.n, &bad.first);
}
