/* ddtrace_stats.c: handles /v0.6/stats, to which tracers send statistics of their spans, and /api/v0.2/stats
 * for agents: translate, offer to the fan-out, answer. If no exporter takes metrics, they are answered like
 * untranslated requests. Owns nothing beyond the request. Called by HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace.h"

#include "core/delivery/fanout.h"
#include "core/delivery/refusals.h"
#include "gateway/fleet.h"

static void add(atomic_uint_least64_t *to, uint64_t n)
{
    if (n)
        atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static void count(struct ddtrace_counts *to, const struct dd_stats_result *r)
{
    add(&to->stats_payloads, r->payloads);
    add(&to->stats_groups, r->groups);
    add(&to->stats_counts_only, r->counts_only);
    add(&to->repaired_text, r->repaired_text);
    for (int i = 0; i < DD_STATS_FAULT_N; i++)
        add(&to->refused_groups[i], r->refused[i]);
}

/* Body to queue. What could not be translated goes into the ledger too, as an offer without frames. */
static enum gw_code take(struct ddtrace *d, const struct gw_http_request *q, bool from_agent,
                         const struct dd_request *from, struct gw_err *err)
{
    struct dd_stats_result r;
    struct gw_err ignored;
    const struct dd_env env = {.now = gw_now(),
                               .wall = gw_wall(),
                               .host_name = d->host->host_name,
                               .privacy = d->threads[q->worker].privacy};
    if (env.privacy)
        dd_privacy_begin(env.privacy);
    enum gw_code code = dd_stats_translate(q->arena, from_agent, q->body, from, &env, &d->options, &r, err);
    enum gw_code offered =
        gw_fanout_offer(d->host->fanout, GW_METRICS, r.frames, r.frames_n, &r.intake, code ? &ignored : err);
    count(&d->counts, &r);
    return code ? code : offered;
}

void ddtrace_stats(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                   struct gw_http_reply *r)
{
    struct ddtrace *d = ctx;
    bool from_agent = route->tag == DDTRACE_QUIET_AGENT_STATS;
    struct dd_request from;
    struct gw_err err = {0};
    if (!ddtrace_takes_stats(d)) {
        ddtrace_quiet_answer(ctx, route, q, r);
        return;
    }
    ddtrace_read_request(d, q, &from);
    gw_refusals_client(from.lang, from.tracer_version);
    if (from_agent)
        ddtrace_forget_process(&from);
    else
        ddtrace_fleet_other(d, q, GW_FLEET_STATISTICS);
    err.code = take(d, q, from_agent, &from, &err);
    if (err.code) {
        ddtrace_answer_bad(d, q, &from, &err, r);
        return;
    }
    r->status = from_agent ? 202 : 200;
    r->type = from_agent ? "application/json" : NULL;
    r->body = from_agent ? GW_STR("{}") : GW_NOSTR;
}
