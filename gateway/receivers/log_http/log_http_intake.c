/* log_http_intake.c: requests to Datadog's intake, and functions that all requests of the receiver share: the
 * body is read twice, its records are translated into the worker's batch, and all frames of the batch are
 * offered together, so a request is queued or refused as a whole. A sender that repeats a refused request
 * causes no duplicates. Owns nothing beyond the request; runs on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/frame_list.h"
#include "gateway/receivers/common/datakit_request.h"
#include "gateway/receivers/log_http/log_http.h"

/* --- from a body to the queues --- */

/* The part of max_memory that the records of one request may use before they are split into frames, which
 * need as much again. */
enum { SHARE = 6 };

struct sink {
    struct log_batch *batch;
    size_t most;      /* bytes */
    uint64_t taken;   /* records */
    uint64_t refused; /* of these: there was no memory for them … */
    uint64_t bad;     /* points that were left out */
    bool too_large;   /* … because of the request itself */
};

static void take(void *to, const struct log_input *in)
{
    struct sink *s = to;
    s->taken++;
    s->too_large = s->too_large || log_batch_bytes(s->batch) > s->most;
    s->refused += s->too_large || log_add(s->batch, in) != GW_OK;
}

/* Everything leaves the batch. False: there is no room for so many frames, and they are gone. */
static bool collect_frames(struct log_batch *b, struct gw_arena *arena, struct gw_frame_list *l,
                           struct gw_intake *intake)
{
    struct gw_frame *no_list[1]; /* one by one, to be dropped */
    bool whole = true;
    do {
        struct gw_intake more;
        whole = whole && gw_frame_list_reserve(l, arena);
        if (!whole) {
            gw_frame_list_drop(l);
            *l = (struct gw_frame_list){.frames = no_list, .cap = 1};
        }
        l->n += log_finish(b, l->frames + l->n, l->cap - l->n, &more);
        gw_intake_add(intake, &more);
    } while (log_batch_records(b));
    if (!whole)
        gw_frame_list_drop(l);
    return whole;
}

static void refuse(struct log_http *h, struct gw_intake *intake, enum gw_reason why)
{
    struct gw_err ignored;
    intake->not_taken[why] += gw_intake_accepted(intake);
    (void)!gw_fanout_offer(h->host->fanout, GW_LOGS, NULL, 0, intake, &ignored);
}

/* Returns the reason for the ledger of records that are not offered. */
static enum gw_reason reason_of(enum gw_code code)
{
    return code == GW_BUDGET ? GW_REASON_BUDGET
           : code == GW_BUSY ? GW_REASON_QUEUE_FULL
                             : GW_REASON_BAD_PAYLOAD;
}

static enum gw_code refuse_unread(struct log_http *h, uint64_t records, enum gw_reason why, enum gw_code code)
{
    struct gw_intake intake = {.received = records};
    refuse(h, &intake, why);
    return code;
}

/* There are no records; where there are points that cannot be read, that is the body's mistake. */
static enum gw_code refuse_bad(struct log_http *h, const struct http_log_bad *bad, struct gw_err *err)
{
    if (!bad || !bad->n)
        return GW_OK;
    *err = bad->first;
    return refuse_unread(h, bad->n, GW_REASON_BAD_POINT, err->code);
}

/* Offers everything in the batch, or nothing. `code`: why nothing is offered; *err has the details. */
static enum gw_code offer(struct log_http *h, const struct sink *s, struct gw_arena *arena, enum gw_code code,
                          struct gw_err *err)
{
    struct gw_intake intake = {.received = s->refused + s->bad};
    struct gw_frame_list list = {.n = 0};
    enum gw_reason why = s->too_large || code == GW_BUDGET ? GW_REASON_BUDGET : GW_REASON_QUEUE_FULL;
    intake.not_taken[why] = s->refused;
    intake.not_taken[GW_REASON_BAD_POINT] = s->bad;
    bool whole = collect_frames(s->batch, arena, &list, &intake);
    if (!code && s->too_large)
        code = gw_fail(err, GW_BUDGET, 0, "%s", "");
    else if (!code && (!whole || intake.not_taken[GW_REASON_QUEUE_FULL]))
        code = gw_fail(err, GW_BUSY, 0, "%s", "");
    if (!code)
        return gw_fanout_offer(h->host->fanout, GW_LOGS, list.frames, list.n, &intake, err);
    gw_frame_list_drop(&list);
    refuse(h, &intake, why);
    return code;
}

enum gw_code log_http_take(struct log_http *h, const struct gw_http_request *q, struct http_log *body,
                           uint64_t max_records, uint64_t *records, struct gw_err *err)
{
    struct sink s = {.batch = h->batches[q->worker], .most = h->host->budget->limit / SHARE};
    struct http_log_bad seen = {0};
    uint64_t read;
    body->arena = q->arena;
    body->text = q->body;
    body->max_record = (size_t)h->conf.max_record;
    gw_budget_begin(q->arena->account);
    enum gw_code code =
        gw_arena_refusal(q->arena, http_log_read(body, NULL, NULL, records, err), "the records", err);
    if (code)
        return refuse_unread(h, *records, reason_of(code), code);
    if (max_records && *records > max_records)
        return refuse_unread(h, *records, GW_REASON_TOO_MANY,
                             gw_fail(err, GW_TOO_MANY, 0, "%llu", (unsigned long long)*records));
    if (*records == 0)
        return refuse_bad(h, body->bad, err);
    if (body->bad) { /* they are counted */
        s.bad = body->bad->n;
        body->bad = &seen;
    }
    atomic_fetch_add_explicit(&h->counts.records, *records, memory_order_relaxed);
    /* fails where the arena has no room for a text without its escapes */
    code = gw_arena_refusal(q->arena, http_log_read(body, take, &s, &read, err), "the records", err);
    s.refused += code ? *records - s.taken : 0;
    const char *fault = log_batch_fault(s.batch);
    if (fault)
        gw_log(GW_WARNING, h->site.component,
               "a Pipeline script failed; its record is delivered with the changes made so far: %s", fault);
    return offer(h, &s, q->arena, code, err);
}

/* --- answers --- */

struct log_input log_http_like(const struct log_http *h, const struct gw_http_request *q)
{
    return (struct log_input){.observed = (uint64_t)gw_wall(),
                              .host = q->peer->local ? h->host->host_name : GW_NOSTR};
}

void log_http_refuse(struct log_http *h, const struct gw_http_route *route, const struct gw_http_request *q,
                     struct gw_err *err, struct gw_http_reply *r)
{
    gw_http_reply_error(r, q->arena, err, gw_fanout_retry_after(h->host->fanout, gw_now()));
    gw_str text = r->body, path = route->ends_in_key ? gw_str_z(route->path) : q->path;
    text.len = gw_str_find(text, '\n'); /* the advice is for the sender */
    enum gw_level level = r->status >= 429                      ? GW_INFO
                          : gw_http_first_refused(q, err->code) ? GW_WARNING
                                                                : GW_DEBUG;
    gw_log(level, h->site.component, "a request to %.*s%s is answered %u: %.*s", GW_FMT(path),
           route->ends_in_key ? "***" : "", r->status, GW_FMT(text));
    datakit_word_error(q, err, r);
}

/* --- Datadog's intake --- */

struct query {
    gw_str source, service, host, tags;
};

static void see_arg(void *cookie, gw_str name, gw_str value)
{
    struct query *q = cookie;
    const struct {
        gw_str name;
        gw_str *value;
    } known[] = {{GW_LIT("ddsource"), &q->source},
                 {GW_LIT("service"), &q->service},
                 {GW_LIT("hostname"), &q->host},
                 {GW_LIT("ddtags"), &q->tags}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(name, known[i].name))
            *known[i].value = value;
}

static bool is_media(gw_str type, gw_str name)
{
    type.len = gw_str_find(type, ';');
    return gw_str_ieq(gw_str_trim(type), name);
}

static bool says_json(gw_str type)
{
    return is_media(type, GW_STR("application/json")) || is_media(type, GW_STR("text/json")) ||
           is_media(type, GW_STR("application/x-ndjson"));
}

/* What claims to be neither text nor JSON (curl's forms, no type at all) is JSON where it is that, else
 * lines. */
static enum http_log_form form_of(const struct gw_http_request *q, const struct http_log *body)
{
    struct http_log look = *body;
    uint64_t ignored;
    if (says_json(q->content_type))
        return HTTP_LOG_JSON;
    if (is_media(q->content_type, GW_STR("application/logplex-1")))
        return HTTP_LOG_LOGPLEX;
    if (is_media(q->content_type, GW_STR("text/plain")))
        return HTTP_LOG_LINES;
    look.form = HTTP_LOG_JSON;
    look.text = q->body;
    look.arena = q->arena;
    return http_log_read(&look, NULL, NULL, &ignored, NULL) == GW_OK ? HTTP_LOG_JSON : HTTP_LOG_LINES;
}

void log_http_accept(struct log_http *h, uint64_t records, const char *body, struct gw_http_reply *r)
{
    atomic_fetch_add_explicit(records ? &h->counts.payloads : &h->counts.probes, 1, memory_order_relaxed);
    r->type = "application/json";
    r->body = gw_str_z(body);
}

/* route->tag: the status of success. */
void log_http_intake(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                     struct gw_http_reply *r)
{
    struct log_http *h = ctx;
    struct query query = {0};
    struct gw_err err = {0};
    struct log_input like = log_http_like(h, q);
    struct http_log body = {.like = &like, .max_record = SIZE_MAX};
    uint64_t records = 0;
    gw_http_args(q, see_arg, &query);
    like.source = query.source;
    like.service = query.service;
    like.tags = query.tags;
    if (query.host.len)
        like.host = query.host;
    body.form = form_of(q, &body);
    err.code = log_http_take(h, q, &body, body.form == HTTP_LOG_JSON ? (uint64_t)h->conf.max_records : 0,
                             &records, &err);
    r->status = (unsigned)route->tag;
    if (err.code)
        log_http_refuse(h, route, q, &err, r);
    else
        log_http_accept(h, records, "{}", r);
}

/* Its key, if keys are asked for, was good. */
void log_http_validate(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                       struct gw_http_reply *r)
{
    r->type = "application/json";
    r->body = GW_STR("{\"valid\":true}");
}
