/* ddtrace_traces.c: Handlers of /v0.x/traces: decode, translate, offer to the fan-out, answer. Owns
 * nothing beyond the request. Called by HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace.h"

#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/recent.h"
#include "gateway/receivers/ddtrace/ddtrace_recent.h"
#include "core/delivery/refusals.h"

/* Every tracer then keeps all that it decides on itself, and decides to keep. An empty map would leave older
 * rates in force. */
static const gw_str keep_all = GW_LIT("{\"rate_by_service\":{\"service:,env:\":1}}"),
                    unchanged = GW_LIT("{}");

static bool is_media(gw_str type, const char *name)
{
    type.len = gw_str_find(type, ';');
    return gw_str_ieq(gw_str_trim(type), gw_str_z(name));
}

/* Arrays are 90-9f, dc, dd in msgpack and '[' in JSON: the first byte tells. */
static bool looks_like_msgpack(gw_str body)
{
    return body.len && (uint8_t)body.ptr[0] >= 0x80;
}

/* v1.0 is a map (80-8f, de, df), v0.4, which dd-trace-js 6 sends to its path, an array. */
static bool is_map(gw_str body)
{
    uint8_t first = body.len ? (uint8_t)body.ptr[0] : 0;
    return (first & 0xf0) == 0x80 || first == 0xde || first == 0xdf;
}

/* Tracers ask whether a path exists by sending nothing: no body (Go 2.12: `90`; Java 1.68: `92 90 90`, to
 * v0.4 as to v0.5). */
static bool is_probe(gw_str body)
{
    static const gw_str probes[] = {GW_LIT(""), GW_LIT("\x90"), GW_LIT("\x92\x90\x90"), GW_LIT("[]")};
    while (body.len && (body.ptr[body.len - 1] == '\n' || body.ptr[body.len - 1] == ' '))
        body.len--;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        if (gw_str_eq(body, probes[i]))
            return true;
    return false;
}

/* By the version and Content-Type; where that is neither msgpack nor JSON, by the body itself. */
static enum gw_code format_of(enum ddtrace_version v, gw_str type, gw_str body, enum dd_format *out,
                              struct gw_err *err)
{
    if (v == DDTRACE_AGENT) {
        *out = DD_AGENT_PROTOBUF;
        return GW_OK;
    }
    bool json = is_media(type, "application/json") || is_media(type, "text/json");
    bool msgpack = is_media(type, "application/msgpack") || (!json && looks_like_msgpack(body));
    if (v == DDTRACE_V05)
        *out = DD_V05_MSGPACK;
    else if (v == DDTRACE_V07)
        *out = DD_V07_MSGPACK;
    else if (v == DDTRACE_V10 && is_map(body))
        *out = DD_V10_MSGPACK;
    else if (v == DDTRACE_V01)
        *out = DD_V01_JSON;
    else
        *out = msgpack ? DD_V04_MSGPACK : DD_V04_JSON;
    return msgpack && v <= DDTRACE_V02 ? gw_fail(err, GW_BAD_MEDIA_TYPE, 0, "%s", "") : GW_OK;
}

/* Copies into the request's memory; without room for them the tracer keeps the rates that it has. */
static void answer_rates(struct ddtrace *d, const struct gw_http_request *q, const struct dd_request *from,
                         struct gw_http_reply *r)
{
    struct dd_rates *rates = dd_sampler_rates(d->sampler);
    gw_str version = gw_arena_printf(q->arena, "%.*s", GW_FMT(dd_rates_version(rates)));
    bool known = gw_str_eq(from->rates_version, dd_rates_version(rates));
    r->body = known ? unchanged : gw_arena_dup(q->arena, dd_rates_answer(rates));
    dd_rates_drop(rates);
    if (!version.len || !r->body.len)
        r->body = unchanged;
    else if (from->rates_version.len)
        gw_http_reply_header(r, "Datadog-Rates-Payload-Version", version.ptr);
}

static void answer_good(struct ddtrace *d, const struct gw_http_request *q, enum ddtrace_version v,
                        const struct dd_request *from, struct gw_http_reply *r)
{
    if (v < DDTRACE_V04) {
        r->type = "text/plain";
        r->body = GW_STR("OK\n");
        return;
    }
    r->type = "application/json";
    if (v == DDTRACE_AGENT) {
        r->body = unchanged;
        return;
    }
    if (d->sampler) {
        answer_rates(d, q, from, r);
        return;
    }
    r->body = gw_str_eq(from->rates_version, GW_STR(DDTRACE_RATES_VERSION)) ? unchanged : keep_all;
    if (from->rates_version.len)
        gw_http_reply_header(r, "Datadog-Rates-Payload-Version", DDTRACE_RATES_VERSION);
}

static void add(atomic_uint_least64_t *to, uint64_t n)
{
    if (n)
        atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static void count(struct ddtrace_counts *to, const struct dd_request *from, const struct dd_result *r,
                  enum gw_code code)
{
    add(&to->chunks, r->chunks);
    add(&to->dropped_p0_traces, from->dropped_p0_traces);
    add(&to->dropped_p0_spans, from->dropped_p0_spans);
    add(&to->malformed_tid, r->odd.malformed_tid);
    add(&to->conflicting_tid, r->odd.conflicting_tid);
    add(&to->bad_links, r->odd.bad_links);
    add(&to->bad_events, r->odd.bad_events);
    add(&to->bad_struct, r->odd.bad_struct);
    add(&to->repaired_text, r->odd.repaired_text);
    add(&to->bad_times, r->odd.bad_times);
    add(&to->gateway_sampled, r->gateway_sampled);
    add(&to->kept_errors, r->kept_errors);
    add(&to->bad_tracestate, r->odd.bad_tracestate);
    add(&to->empty_keys, r->odd.empty_keys);
    if (code)
        add(&to->lost_chunks, from->trace_count);
    else if (from->trace_count && from->trace_count != r->chunks)
        add(&to->count_mismatches, 1);
}

/* Counts unread traces as one span each, because their number of spans is unknown. */
static void add_unread(struct gw_intake *to, uint64_t traces, enum gw_reason why)
{
    to->received += traces;
    to->not_taken[why] += traces;
}

/* Returns the tracer's number, limited, because it comes from the client. */
static uint64_t claimed_traces(const struct dd_request *from)
{
    return from->trace_count < DD_MAX_ELEMENTS ? from->trace_count : DD_MAX_ELEMENTS;
}

static enum gw_reason unread_reason(enum gw_code code)
{
    int status = gw_code_http(code);
    return status == 429 ? GW_REASON_QUEUE_FULL : status == 503 ? GW_REASON_STOPPING : GW_REASON_UNREAD;
}

static void refuse_unread(struct ddtrace *d, const struct dd_request *from, enum gw_code code)
{
    struct gw_intake intake = {0};
    struct gw_err ignored;
    add_unread(&intake, claimed_traces(from), unread_reason(code));
    if (intake.received)
        (void)!gw_fanout_offer(d->host->fanout, GW_TRACES, NULL, 0, &intake, &ignored);
    add(&d->counts.lost_chunks, intake.received);
}

static void see_count(void *n, gw_str name, gw_str value)
{
    uint64_t traces;
    if (gw_str_ieq(name, GW_STR("x-datadog-trace-count")) && gw_str_u64(value, &traces))
        *(uint64_t *)n = traces;
}

void ddtrace_refused(void *ctx, const struct gw_http_request *q, enum gw_code code)
{
    struct ddtrace *d = ctx;
    struct dd_request from = {0};
    if (q->method != GW_HTTP_PUT && q->method != GW_HTTP_POST)
        return;
    if (gw_str_eq(q->path, GW_STR("/profiling/v1/input")))
        ddtrace_profiles_unread(d->host, unread_reason(code));
    gw_http_headers(q, see_count, &from.trace_count);
    refuse_unread(d, &from, code);
}

/* For the samples of what is refused. */
static void pass_words(enum gw_code code, const struct gw_err *err)
{
    char words[256];
    snprintf(words, sizeof words, "%s%s%s", gw_code_text(code), err->what[0] ? ": " : "", err->what);
    gw_refusals_words(code == GW_BUDGET ? GW_REASON_BUDGET
                      : code == GW_BUSY ? GW_REASON_QUEUE_FULL
                                        : GW_REASON_BAD_PAYLOAD,
                      words);
}

enum gw_code ddtrace_take(struct ddtrace *d, const struct gw_http_request *q, const struct dd_request *from,
                          const struct ddtrace_payload *p, struct gw_err *err)
{
    struct ddtrace_thread *t = &d->threads[q->worker];
    struct dd_result *r = &t->result;
    struct gw_err ignored;
    struct dd_env env = {.now = gw_now(),
                         .wall = gw_wall(),
                         .host_name = d->host->host_name,
                         .ids = d->host->ids,
                         .sampler = d->sampler,
                         .privacy = t->privacy,
                         .durations = ddtrace_span_metrics_want(&d->span_metrics, q->worker),
                         .statistics_dropped = !ddtrace_takes_stats(d),
                         .schemas = gw_fanout_schemas(d->host->fanout, GW_TRACES)};
    *r = (struct dd_result){0};
    if (gw_recent_wanted())
        ddtrace_recent_begin(q, from, p);
    enum gw_code code = dd_translate(t->translator, q->arena, p->format, p->body, from, &env, r, err);
    r->intake.received += p->bad_points;
    r->intake.not_taken[GW_REASON_BAD_POINT] += p->bad_points;
    if (code)
        pass_words(code, err);
    if (code && claimed_traces(from) > r->intake.received)
        add_unread(&r->intake, claimed_traces(from) - r->intake.received, GW_REASON_UNREAD);
    enum gw_code offered = gw_fanout_offer(d->host->fanout, GW_TRACES, r->frames, r->frames_n, &r->intake,
                                           code ? &ignored : err);
    gw_recent_end();
    ddtrace_fleet_traces(d, q, from, r);
    add(p->points ? &d->counts.point_payloads : &d->counts.payloads[p->format], 1);
    count(&d->counts, from, r, code ? code : offered);
    if (env.durations && !code && !offered)
        ddtrace_span_metrics_commit(&d->span_metrics, env.durations, q->worker);
    else if (env.durations)
        dd_durations_forget(env.durations);
    return code ? code : offered;
}

void ddtrace_answer_bad(struct ddtrace *d, const struct gw_http_request *q, const struct dd_request *from,
                        struct gw_err *err, struct gw_http_reply *r)
{
    gw_http_reply_error(r, q->arena, err, gw_fanout_retry_after(d->host->fanout, gw_now()));
    gw_str lang = from->lang.len ? from->lang : GW_STR("an unknown client"), text = r->body;
    text.len = gw_str_find(text, '\n'); /* the advice is for the tracer's user */
    enum gw_level level = r->status >= 429                      ? GW_INFO
                          : gw_http_first_refused(q, err->code) ? GW_WARNING
                                                                : GW_DEBUG;
    gw_log(level, "receiver=ddtrace", "a payload from %.*s%s%.*s to %.*s is answered %u: %.*s", GW_FMT(lang),
           from->tracer_version.len ? " " : "", GW_FMT(from->tracer_version), GW_FMT(q->path), r->status,
           GW_FMT(text));
}

void ddtrace_forget_process(struct dd_request *r)
{
    r->container_id = r->entity_id = r->k8s_container = r->k8s_pod_uid = GW_NOSTR;
}

void ddtrace_traces(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                    struct gw_http_reply *r)
{
    struct ddtrace *d = ctx;
    enum ddtrace_version version = (enum ddtrace_version)route->tag;
    struct dd_request from;
    struct gw_err err = {0};
    struct ddtrace_payload payload = {.body = q->body};
    ddtrace_read_request(d, q, &from);
    gw_refusals_client(from.lang, from.tracer_version);
    if (version == DDTRACE_AGENT)
        ddtrace_forget_process(&from);
    if (is_probe(q->body)) {
        add(&d->counts.probes, 1);
        answer_good(d, q, version, &from, r);
        return;
    }
    if (format_of(version, q->content_type, q->body, &payload.format, &err))
        refuse_unread(d, &from, err.code);
    else
        err.code = ddtrace_take(d, q, &from, &payload, &err);
    if (err.code)
        ddtrace_answer_bad(d, q, &from, &err, r);
    else
        answer_good(d, q, version, &from, r);
}
