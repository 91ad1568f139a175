/* api_span.c: GET /api/traces/ID/spans/SPAN: what of a span was received, what was sent, and what backends answered. Owns nothing
 * beyond the call. Called by api.c, on the admin listener's threads.
 *
 *     frames with the span ─▶ the last request of theirs ─▶ dd_explain.h, by the options of this moment
 *                         └─▶ their exporters and answers
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/api_recent.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/config/config_diagnostic.h"
#include "gateway/api/api_translation.h"
#include "gateway/api/explanation_json.h"
#include "translators/ddtrace/dd_explain_sent.h"

enum { MEMORY = 64 << 20, EXPORTERS = 32, FRAMES = 16 };

/* A frame that has the span. */
struct carrier {
    uint64_t number, request;
    gw_nsec queued;
    enum gw_attribute_schema schema;
    struct dd_sent sent;
    gw_str exporters[EXPORTERS];
    size_t exporters_n;
};

/* What an exporter did with it last. */
struct fate {
    gw_str exporter;
    gw_nsec queued, answered;
    uint64_t frame, attempts;
    const char *state;
    gw_str text;
};

struct view {
    const struct gw_api *api;
    struct gw_arena arena;
    struct gw_api_trace_id trace;
    uint64_t span;
    struct carrier carriers[FRAMES];
    size_t n;
    struct fate fates[EXPORTERS];
    size_t fates_n;
    struct gw_recent_entry request; /* of the last carriers … */
    void *copy;                     /* … and its memory; NULL: it is not kept any more */
    bool explained;
    struct dd_explained e;
};

/* --- what the ring has --- */

static struct dd_sent copy_sent(struct gw_arena *a, const struct dd_sent *s)
{
    return (struct dd_sent){.span = gw_arena_dup(a, s->span),
                            .scope = gw_arena_dup(a, s->scope),
                            .resource = gw_arena_dup(a, s->resource)};
}

/* A frame is kept as it was when the request was answered; its sender completes ids later. */
static void complete_id(struct view *v, gw_str span)
{
    struct wire_view w = {(const uint8_t *)span.ptr, (const uint8_t *)span.ptr + span.len};
    struct wire_field f;
    while (wire_next(&w, &f))
        if (f.number == 1 && f.type == WIRE_LEN && f.body.end - f.body.at == 16) {
            uint8_t *id = (uint8_t *)(uintptr_t)f.body.at;
            bool open = true;
            for (size_t i = 0; i < 8; i++)
                open &= id[i] == 0;
            uint64_t high = 0;
            for (size_t i = 0; i < 8; i++) {
                id[i] = open ? (uint8_t)(v->trace.high >> (56 - 8 * i)) : id[i];
                high = high << 8 | id[i];
            }
            v->trace.high = high;
        }
}

static bool see_frame(void *ctx, const struct gw_recent_entry *e)
{
    struct view *v = ctx;
    struct dd_sent sent;
    gw_str names = e->parts[GW_FRAME_EXPORTERS], name;
    if (!dd_sent_find_in(e->parts[GW_FRAME_DATA], v->trace.low, v->span, &sent))
        return true;
    if (v->n && v->carriers[0].request != e->link) /* it came again: what came last is shown */
        v->n = 0;
    if (v->n == FRAMES)
        return true;
    struct carrier *c = &v->carriers[v->n++];
    *c = (struct carrier){.number = e->number,
                          .request = e->link,
                          .queued = e->time,
                          .schema = (enum gw_attribute_schema)e->schema,
                          .sent = copy_sent(&v->arena, &sent)};
    complete_id(v, c->sent.span);
    while (c->exporters_n < EXPORTERS && gw_str_next(&names, '\n', &name))
        if (name.len)
            c->exporters[c->exporters_n++] = gw_arena_dup(&v->arena, name);
    return !v->arena.spent;
}

static struct fate *fate_of(struct view *v, uint64_t frame, gw_str exporter)
{
    for (size_t i = 0; i < v->fates_n; i++)
        if (v->fates[i].frame == frame && gw_str_eq(v->fates[i].exporter, exporter))
            return &v->fates[i];
    return NULL;
}

static bool see_answer(void *ctx, const struct gw_recent_entry *e)
{
    static const char *const states[GW_RECENT_STATES] = {[GW_RECENT_SENT] = "sent",
                                                         [GW_RECENT_RETRYING] = "retrying",
                                                         [GW_RECENT_REJECTED] = "rejected",
                                                         [GW_RECENT_DROPPED] = "dropped"};
    struct view *v = ctx;
    struct fate *f = e->kind == GW_RECENT_ANSWER ? fate_of(v, e->link, e->parts[GW_ANSWER_EXPORTER]) : NULL;
    if (!f || e->code >= GW_RECENT_STATES)
        return true;
    f->state = states[e->code];
    f->answered = e->time;
    f->attempts = e->count;
    f->text = gw_arena_dup(&v->arena, e->parts[GW_ANSWER_TEXT]);
    return !v->arena.spent;
}

static void find_answers(struct view *v)
{
    for (size_t i = 0; i < v->n; i++)
        for (size_t k = 0; k < v->carriers[i].exporters_n && v->fates_n < EXPORTERS; k++)
            v->fates[v->fates_n++] = (struct fate){.exporter = v->carriers[i].exporters[k],
                                                   .frame = v->carriers[i].number,
                                                   .queued = v->carriers[i].queued,
                                                   .state = "queued"};
    (void)!gw_api_each_entry(v->api, v->carriers[0].number, see_answer, v);
}

/* --- the explanation --- */

static void read_headers(struct view *v, struct dd_request *r)
{
    gw_str rest = v->request.parts[GW_REQUEST_HEADERS], line, address = v->request.parts[GW_REQUEST_ADDRESS];
    while (gw_str_next(&rest, '\n', &line)) {
        size_t colon = gw_str_find(line, ':');
        dd_request_header(r, &v->arena, gw_str_n(line.ptr, colon), gw_str_trim(gw_str_from(line, colon + 1)));
    }
    r->peer_is_local = gw_str_eq(v->request.parts[GW_REQUEST_TRANSPORT], GW_STR("unix")) ||
                       gw_str_starts(address, GW_STR("127.")) || gw_str_starts(address, GW_STR("[::1]")) ||
                       gw_str_starts(address, GW_STR("::1"));
    if (v->request.count == DD_AGENT_PROTOBUF)
        r->container_id = r->entity_id = r->k8s_container = r->k8s_pod_uid = GW_NOSTR; /* the agent's own */
}

static bool explain_row(struct view *v, struct dd_explain *x)
{
    const struct dd_explain_row *rows;
    size_t n = dd_explain_rows(x, &rows);
    for (size_t i = 0; i < n; i++)
        if (rows[i].span_id == v->span && rows[i].trace_id == v->trace.low)
            return dd_explain_span(x, i, &v->arena, &v->e);
    return false;
}

static void explain_with(struct view *v, const struct gw_api_translation *t,
                         struct dd_privacy_thread *privacy)
{
    struct dd_request request = {0};
    struct dd_result result;
    struct gw_err err;
    unsigned schemas = 0;
    for (size_t i = 0; i < v->n; i++)
        schemas |= 1u << v->carriers[i].schema;
    const struct dd_env env = {
        .wall = v->request.time, .host_name = t->host_name, .schemas = schemas, .privacy = privacy};
    const struct dd_explain_input in = {.format = (enum dd_format)v->request.count,
                                        .body = v->request.parts[GW_REQUEST_BODY],
                                        .request = &request,
                                        .options = &t->options,
                                        .env = &env,
                                        .account = v->api->budget};
    read_headers(v, &request);
    struct dd_explain *x = dd_explain_new(&in, &result, &err);
    for (size_t i = 0; i < result.frames_n; i++)
        gw_frame_drop(result.frames[i]);
    v->explained = x && explain_row(v, x);
    dd_explain_drop(x);
}

/* Rules of privacy are made anew: their counters are those of what passes. */
static void explain_request(struct view *v)
{
    const struct gw_api_translation *t =
        v->api->translation ? v->api->translation(v->api->ctx, &v->arena) : NULL;
    struct dd_privacy_counts counts = {0};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    if (!t || !diagnostics) {
        gw_diagnostics_drop(diagnostics);
        return;
    }
    struct dd_privacy *privacy = dd_privacy_new(&t->privacy, &counts, "receivers", diagnostics);
    struct dd_privacy_thread *thread = dd_privacy_thread_new(privacy);
    if (!privacy == !thread) /* without the rules nothing is shown */
        explain_with(v, t, thread);
    dd_privacy_thread_drop(thread);
    dd_privacy_drop(privacy);
    gw_diagnostics_drop(diagnostics);
}

static bool came_by_otlp(const struct view *v)
{
    return v->copy && !v->request.parts[GW_REQUEST_BODY].len;
}

static void explain(struct view *v)
{
    const struct carrier *c = &v->carriers[0];
    if (c->request && !gw_recent_find(c->request, &v->request, &v->copy))
        v->copy = NULL;
    if (came_by_otlp(v))
        v->explained = dd_explain_otlp(&v->arena, c->sent.span, c->sent.scope, c->sent.resource, &v->e);
    else if (v->copy)
        explain_request(v);
}

/* --- JSON --- */

static void write_client(const struct view *v, FILE *to)
{
    const gw_str *p = v->request.parts;
    fputs("\"client\":{", to);
    gw_api_text_of(to, "language", p[GW_REQUEST_LANGUAGE]);
    putc(',', to);
    gw_api_text_of(to, "language_version", p[GW_REQUEST_LANGUAGE_VERSION]);
    putc(',', to);
    gw_api_text_of(to, "version", p[GW_REQUEST_CLIENT_VERSION]);
    putc(',', to);
    gw_api_text_of(to, "address", p[GW_REQUEST_ADDRESS]);
    fputs("},", to);
}

static void write_received(const struct view *v, FILE *to)
{
    const gw_str *p = v->request.parts;
    fputs("\"received\":", to);
    if (!v->copy) {
        fputs("null", to);
        return;
    }
    putc('{', to);
    gw_api_time_of(to, "time", (uint64_t)v->request.time);
    putc(',', to);
    gw_api_text_of(to, "receiver", p[GW_REQUEST_RECEIVER]);
    putc(',', to);
    gw_api_text_of(to, "protocol", p[GW_REQUEST_PROTOCOL]);
    putc(',', to);
    gw_api_text_of(to, "transport", p[GW_REQUEST_TRANSPORT]);
    putc(',', to);
    write_client(v, to);
    fprintf(to, "\"in_part\":%s,", v->explained && !v->e.in_part ? "false" : "true");
    gw_explained_received(to, &v->e);
    putc('}', to);
}

static const struct dd_explained_sent *explained_of(const struct view *v, enum gw_attribute_schema schema)
{
    for (size_t i = 0; i < v->e.sent_n; i++)
        if (v->e.sent[i].schema == schema || came_by_otlp(v))
            return &v->e.sent[i];
    return NULL;
}

/* What was really sent, with the origins that were found. */
static void write_sent(struct view *v, FILE *to)
{
    static const struct dd_explained_sent nothing;
    fputs(",\"sent\":[", to);
    for (size_t i = 0; i < v->n; i++) {
        struct carrier *c = &v->carriers[i];
        const struct dd_explained_sent *known = explained_of(v, c->schema);
        dd_sent_list(&v->arena, &c->sent);
        struct dd_explained_sent sent = {.schema = c->schema,
                                         .span = c->sent.span,
                                         .scope = c->sent.scope,
                                         .resource = c->sent.resource,
                                         .items = c->sent.items,
                                         .n = c->sent.n};
        dd_explain_match(known ? known : &nothing, &sent);
        for (size_t k = 0; k < sent.n && !known; k++)
            sent.items[k].why =
                GW_STR("the request that it came in is not kept any more, or memory is short");
        fputs(i ? "," : "", to);
        gw_explained_sent(to, &sent, c->exporters, c->exporters_n);
    }
    putc(']', to);
}

static void write_time_or_null(FILE *to, const char *name, gw_nsec time)
{
    if (time)
        gw_api_time_of(to, name, (uint64_t)time);
    else
        fprintf(to, "\"%s\":null", name);
}

static void write_answered(const struct view *v, FILE *to)
{
    fputs(",\"answered\":[", to);
    for (size_t i = 0; i < v->fates_n; i++) {
        const struct fate *f = &v->fates[i];
        fputs(i ? ",{" : "{", to);
        gw_api_text_of(to, "exporter", f->exporter);
        fprintf(to, ",\"state\":\"%s\",", f->state);
        gw_api_time_of(to, "queued", (uint64_t)f->queued);
        putc(',', to);
        write_time_or_null(to, "answered", f->answered);
        putc(',', to);
        gw_api_number_of(to, "attempts", f->attempts);
        putc(',', to);
        gw_api_text_of(to, "text", f->text);
        putc('}', to);
    }
    putc(']', to);
}

static void write_view(struct view *v, FILE *to)
{
    fprintf(to, "{\"trace_id\":\"%016" PRIx64 "%016" PRIx64 "\",\"span_id\":\"%016" PRIx64 "\",",
            v->trace.high, v->trace.low, v->span);
    write_received(v, to);
    write_sent(v, to);
    write_answered(v, to);
    fputs("}\n", to);
}

/* --- the handler --- */

static void answer(struct view *v, struct gw_api_call *call, FILE *to)
{
    (void)!gw_api_frames_of_span(v->api, &v->trace, v->span, see_frame, v);
    if (v->arena.spent) {
        gw_api_error(call, to, 503, "there is no memory to explain a span now: max_memory is used up");
    } else if (!v->n) {
        gw_api_error(call, to, 404,
                     "recent data has no such span of this trace (any more): it is kept in memory, "
                     "admin.recent is its size, "
                     "and only while somebody looks or the option is set");
    } else {
        find_answers(v);
        explain(v);
        write_view(v, to);
    }
}

void gw_api_span(const struct gw_api *api, struct gw_api_call *call, FILE *to)
{
    struct view *v = calloc(1, sizeof *v);
    if (!v) {
        gw_api_error(call, to, 503, "there is no memory to explain a span now");
        return;
    }
    v->api = api;
    if (!gw_api_read_trace_id(api, call, &v->trace, to)) {
        free(v);
        return;
    }
    if (call->segments[1].len != 16 || !gw_str_hex64(call->segments[1], &v->span)) {
        gw_api_error(call, to, 400, "a span id has 16 hexadecimal digits");
        free(v);
        return;
    }
    gw_arena_init(&v->arena, MEMORY);
    v->arena.account = api->budget;
    gw_recent_look(gw_now());
    answer(v, call, to);
    free(v->copy);
    gw_arena_fini(&v->arena);
    free(v);
}
