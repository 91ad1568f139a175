/* otlp_intake.c: takes a body to the queues: checks it in one walk, which also fills the tables of trace ids
 * and of spans' services; splits it into frames; and offers these together, so that a request is accepted as
 * a whole (except items with faults) or not at all. Owns nothing beyond the call. Called by receivers of
 * OTLP.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/common/otlp_intake.h"

#include <endian.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/span_services.h"
#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_from_otlp.h"

/* --- what spans teach --- */

struct teacher {
    struct gw_trace_ids *ids;
    struct gw_span_services *services; /* NULL: no log receiver asks */
    gw_nsec now;
    uint64_t low, high; /* of the trace that was learned last */
    gw_str service;
    unsigned number; /* of that service */
};

static uint64_t be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

/* An upper half of zero is not learned, because a propagator that supports only 64 bits may have lost it. */
static void see_span(void *ctx, const uint8_t *trace_id, const uint8_t *span_id, gw_str service)
{
    struct teacher *t = ctx;
    uint64_t high = be64(trace_id), low = be64(trace_id + 8);
    if (high && low && (low != t->low || high != t->high)) {
        gw_trace_ids_learn(t->ids, low, high, t->now);
        t->low = low;
        t->high = high;
    }
    if (!t->services || !service.len)
        return;
    if (service.ptr != t->service.ptr)
        t->number = gw_span_services_number(t->services, service);
    t->service = service;
    gw_span_services_learn(t->services, be64(span_id), t->number);
}

static enum gw_code check(struct otlp_intake *o, enum gw_signal signal, gw_str body,
                          struct otlp_contents *contents, struct gw_err *err)
{
    struct teacher t = {.ids = o->host->ids, .now = gw_now()};
    const struct otlp_observer observer = {see_span, &t};
    bool teaches = signal == GW_TRACES && t.ids;
    if (teaches && gw_span_services_asked(gw_trace_ids_services(t.ids)))
        t.services = gw_trace_ids_services(t.ids);
    return otlp_check((enum otlp_message)(OTLP_TRACES_REQUEST + signal), body, teaches ? &observer : NULL,
                      contents, err);
}

/* --- resources --- */

static void note_credentials(struct otlp_intake *o, uint64_t n)
{
    if (!n)
        return;
    atomic_fetch_add_explicit(&o->counts.credentials, n, memory_order_relaxed);
    if (!atomic_exchange_explicit(&o->counts.said_credentials, true, memory_order_relaxed))
        gw_log_each(GW_WARNING, o->component,
                    "an application puts credentials into its resource (" OTLP_CREDENTIALS
                    "*): they are removed; the exporter sls adds its own");
}

/* *body, or in *changed the same with other resources. */
static enum gw_code change_resources(struct otlp_intake *o, const struct otlp_contents *contents,
                                     gw_str *body, struct otlp_buf *changed, struct gw_arena *arena,
                                     struct gw_err *err)
{
    const struct otlp_resource_policy *p = &o->policy;
    bool has_credentials = p->takes_credentials_out && contents->says & OTLP_SAYS_CREDENTIALS;
    if (!has_credentials && !(p->set_n + p->missing_n))
        return GW_OK;
    note_credentials(o, otlp_resource_rewrite(p, *body, changed));
    *body = otlp_written(changed);
    return changed->failed ? gw_arena_refusal(arena, GW_BUDGET, "the request's resources", err) : GW_OK;
}

/* --- the ledger --- */

static enum gw_reason reason_of(enum otlp_fault f)
{
    static const enum gw_reason reasons[OTLP_FAULTS] = {
        [OTLP_BAD_TEXT] = GW_REASON_BAD_TEXT,         [OTLP_BAD_ID] = GW_REASON_BAD_ID,
        [OTLP_NO_TRACE_ID] = GW_REASON_ZERO_TRACE_ID, [OTLP_NO_SPAN_ID] = GW_REASON_ZERO_SPAN_ID,
        [OTLP_TOO_DEEP] = GW_REASON_TOO_DEEP,         [OTLP_MIXED_POINTS] = GW_REASON_MIXED_POINTS,
    };
    return reasons[f];
}

static struct gw_intake intake_of(const struct otlp_contents *c)
{
    struct gw_intake intake = {.received = c->items};
    for (int i = OTLP_NO_FAULT + 1; i < OTLP_FAULTS; i++)
        intake.not_taken[reason_of((enum otlp_fault)i)] = c->refused[i];
    return intake;
}

/* Items that are not offered at all, for want of memory. */
static void refuse(struct otlp_intake *o, enum gw_signal signal, struct gw_intake *intake, enum gw_code code)
{
    struct gw_err ignored;
    intake->not_taken[code == GW_BUDGET ? GW_REASON_BUDGET : GW_REASON_QUEUE_FULL] +=
        gw_intake_accepted(intake);
    (void)!gw_fanout_offer(o->host->fanout, signal, NULL, 0, intake, &ignored);
}

void otlp_intake_log_faults(const struct otlp_intake *o, const struct otlp_taken *t, const char *what)
{
    gw_log(GW_WARNING, o->component, "%s: %llu of %llu items are refused: %s", what,
           (unsigned long long)t->refused, (unsigned long long)t->contents.items,
           otlp_fault_text(t->contents.first));
}

static void count(atomic_uint_least64_t *to)
{
    atomic_fetch_add_explicit(to, 1, memory_order_relaxed);
}

/* --- what was born in a Datadog SDK --- */

/* A request on its way. */
struct taking {
    struct otlp_intake *o;
    struct otlp_intake_thread *thread;
    struct gw_arena *arena;
    struct otlp_made *made;
    struct otlp_buf changed, plain, agent; /* the body, changed and divided, where it must be */
};

static void begin(struct taking *t)
{
    struct gw_budget *account = t->arena->account;
    t->changed.account = t->plain.account = t->agent.account = account;
    gw_budget_begin(account);
}

static void end(struct taking *t)
{
    otlp_fini(&t->changed);
    otlp_fini(&t->plain);
    otlp_fini(&t->agent);
}

/* Frames of the translation join the others; without room they are gone, and that is an error. */
static enum gw_code join(struct taking *t, struct gw_err *err)
{
    struct dd_result *r = &t->thread->result;
    size_t i = 0;
    while (i < r->frames_n && otlp_frames_add(&t->made->frames, r->frames[i]))
        i++;
    if (i == r->frames_n)
        return GW_OK;
    while (i < r->frames_n)
        gw_frame_drop(r->frames[i++]);
    return gw_arena_refusal(t->arena, GW_BUDGET, "the request's frames", err);
}

static bool make_translator(struct otlp_intake *o, struct otlp_intake_thread *thread)
{
    if (!thread->translator)
        thread->translator = dd_translator_new(&o->translation);
    if (!thread->privacy)
        thread->privacy = dd_privacy_thread_new(o->privacy);
    return thread->translator && (thread->privacy || !o->privacy);
}

static enum gw_code translate(struct taking *t, unsigned schemas, struct gw_err *err)
{
    const struct dd_request from = {.peer_is_local = false};
    const struct gw_host *host = t->o->host;
    struct otlp_intake_thread *thread = t->thread;
    if (!make_translator(t->o, thread))
        return gw_fail(err, GW_BUSY, 0, "no memory for a translator");
    const struct dd_env env = {.now = gw_now(),
                               .wall = gw_wall(),
                               .host_name = host->host_name,
                               .ids = host->ids,
                               .privacy = thread->privacy,
                               .schemas = schemas};
    thread->result = (struct dd_result){0};
    enum gw_code code = dd_translate(thread->translator, t->arena, DD_AGENT_PROTOBUF, otlp_written(&t->agent),
                                     &from, &env, &thread->result, err);
    gw_intake_add(&t->made->intake, &thread->result.intake);
    return code ? code : join(t, err);
}

/* Divides the body. True: there is something of Datadog's in it, and *body and *contents are of the rest. */
static bool divide(struct taking *t, gw_str *body, struct otlp_contents *contents)
{
    if (!(contents->says & OTLP_SAYS_DATADOG) || !dd_from_otlp(*body, &t->plain, &t->agent))
        return false;
    struct otlp_contents rest;
    if (otlp_check(OTLP_TRACES_REQUEST, otlp_written(&t->plain), NULL, &rest, NULL) != GW_OK)
        return false; /* cannot be: all of it was well-formed */
    *contents = rest;
    *body = otlp_written(&t->plain);
    count(&t->o->counts.datadog);
    return true;
}

/* If Datadog's spans are written in several schemas, the others are written in the same schemas. */
static enum gw_code make_frames(struct taking *t, gw_str body, struct otlp_contents *contents,
                                struct gw_err *err)
{
    unsigned schemas = gw_fanout_schemas(t->o->host->fanout, t->made->frames.signal);
    bool divided = t->made->frames.signal == GW_TRACES && divide(t, &body, contents);
    enum gw_code code = GW_OK;
    t->made->intake = intake_of(contents);
    if (divided && (t->plain.failed || t->agent.failed))
        return gw_arena_refusal(t->arena, GW_BUDGET, "the request's spans", err);
    if (divided)
        code = translate(t, schemas, err);
    for (unsigned s = 0; s < GW_ATTRIBUTE_SCHEMAS && !code && schemas; s++) {
        t->made->frames.schema = (enum gw_attribute_schema)s;
        if (divided ? schemas >> s & 1 : s == GW_OTEL)
            code = otlp_frames_cut(&t->made->frames, body, contents, err);
    }
    return code;
}

/* Adds items that the translation refused to the counts of the walk, for the answer. */
static void add_refused(struct otlp_contents *c, const struct gw_intake *intake)
{
    c->items = intake->received;
    for (int i = OTLP_NO_FAULT + 1; i < OTLP_FAULTS; i++)
        c->refused[i] = intake->not_taken[reason_of((enum otlp_fault)i)];
}

enum gw_code otlp_intake_make(struct otlp_intake *o, struct otlp_intake_thread *thread, enum gw_signal signal,
                              gw_str body, struct gw_arena *arena, struct otlp_made *made, struct gw_err *err)
{
    struct taking t = {.o = o, .thread = thread, .arena = arena, .made = made};
    struct otlp_contents *contents = &made->taken.contents;
    *made = (struct otlp_made){.frames = {.signal = signal, .arena = arena}};
    if (signal == GW_PROFILES && !gw_fanout_schemas(o->host->fanout, GW_PROFILES))
        return gw_fail(err, GW_NO_PROFILES, 0, "%s", "");
    begin(&t);
    enum gw_code code = check(o, signal, body, contents, err);
    if (code) {
        count(&o->counts.malformed);
        return code;
    }
    made->intake = intake_of(contents);
    code = change_resources(o, contents, &body, &t.changed, arena, err);
    if (!code)
        code = make_frames(&t, body, contents, err);
    end(&t);
    if (code) {
        gw_frame_list_drop(&made->frames.list);
        return code;
    }
    add_refused(contents, &made->intake);
    made->taken.refused = otlp_refused(contents);
    return GW_OK;
}

enum gw_code otlp_intake_take(struct otlp_intake *o, struct otlp_intake_thread *thread, enum gw_signal signal,
                              gw_str body, struct gw_arena *arena, struct otlp_taken *taken,
                              struct gw_err *err)
{
    struct otlp_made made;
    enum gw_code code = otlp_intake_make(o, thread, signal, body, arena, &made, err);
    if (code && made.intake.received)
        refuse(o, signal, &made.intake, code);
    if (code)
        return code;
    *taken = made.taken;
    if (made.intake.received)
        code = gw_fanout_offer(o->host->fanout, signal, made.frames.list.frames, made.frames.list.n,
                               &made.intake, err);
    if (!code)
        count(&o->counts.requests[signal]);
    if (!code && taken->refused)
        count(&o->counts.faulty);
    return code;
}

/* --- life --- */

static struct otlp_attribute *copy_map(const struct gw_map *map, struct otlp_attribute *to)
{
    for (size_t i = 0; i < map->n; i++)
        *to++ = (struct otlp_attribute){map->items[i].key, map->items[i].value};
    return to;
}

void otlp_intake_open(struct otlp_intake *o, const struct gw_host *host, const char *component,
                      const struct otlp_intake_conf *c, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct dd_privacy_conf privacy = {DD_PRIVACY_OPTS(GW_OPT_COPY)};
    const struct gw_map *set = &c->resource_set, *missing = &c->resource_default;
    o->host = host;
    o->component = component;
    o->translation = (struct dd_options){.span_name = DD_NAME_OTEL,
                                         .service_override = DD_SERVICE_SPLIT,
                                         .keep_rejected = true, /* its SDK has decided */
                                         .trace_id_bits = 128,
                                         .strip = c->strip,
                                         .obfuscate = true};
    o->privacy = dd_privacy_new(&privacy, &o->privacy_counts, path, diagnostics);
    o->policy_attributes = calloc(set->n + missing->n + 1, sizeof *o->policy_attributes);
    GW_ASSERT(o->policy_attributes);
    o->policy = (struct otlp_resource_policy){.set = o->policy_attributes,
                                              .set_n = set->n,
                                              .missing = copy_map(set, o->policy_attributes),
                                              .missing_n = missing->n,
                                              .takes_credentials_out = !c->keep_credentials};
    copy_map(missing, o->policy_attributes + set->n);
    gw_span_services_offer(gw_trace_ids_services(host->ids));
}

void otlp_intake_close(struct otlp_intake *o)
{
    dd_privacy_drop(o->privacy);
    o->privacy = NULL;
    free(o->policy_attributes);
    o->policy_attributes = NULL;
}

void otlp_intake_thread_fini(struct otlp_intake_thread *t)
{
    dd_translator_drop(t->translator);
    t->translator = NULL;
    dd_privacy_thread_drop(t->privacy);
    t->privacy = NULL;
}
