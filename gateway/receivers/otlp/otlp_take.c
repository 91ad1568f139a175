/* otlp_take.c: A body to the queues: checked by one walk, which also teaches the tables of trace ids and of spans'
 * services; cut into frames; offered together, so that a request is taken whole (but for the items that are refused
 * for what they are) or not at all. Owns nothing beyond the call. Called on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/span_services.h"
#include "core/delivery/trace_ids.h"
#include "gateway/receivers/otlp/otlp_receiver.h"
#include "translators/otlp/otlp_cut.h"

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

/* That an upper half is zero is not learned: a propagator that knows 64 bits alone may have lost it. */
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

static enum gw_code check(struct otlp_receiver *o, enum gw_signal signal, gw_str body,
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

/* --- frames --- */

enum { FIRST_FRAMES = 16 };

struct frame_list {
    enum gw_signal signal;
    struct gw_arena *arena; /* holds the list */
    struct gw_frame **frames;
    size_t n, cap;
};

static bool grow_list(struct frame_list *l)
{
    size_t cap = l->cap ? 2 * l->cap : FIRST_FRAMES;
    struct gw_frame **frames = gw_new(l->arena, struct gw_frame *, cap);
    if (!frames)
        return false;
    if (l->n)
        memcpy(frames, l->frames, l->n * sizeof *frames);
    l->frames = frames;
    l->cap = cap;
    return true;
}

static bool take_piece(void *ctx, struct otlp_buf *w, uint64_t items)
{
    struct frame_list *l = ctx;
    if (l->n == l->cap && !grow_list(l))
        return false;
    struct gw_frame *f = gw_frame_new(l->signal, GW_OTEL, w->data, w->len, w->cap, (uint32_t)items);
    if (!f) {
        gw_budget_no_memory(w->account);
        return false;
    }
    f->budget = w->account; /* until the frame is offered */
    f->charged = w->cap;
    l->frames[l->n++] = f;
    return true;
}

static void drop_frames(struct frame_list *l)
{
    while (l->n)
        gw_frame_drop(l->frames[--l->n]);
}

/* GW_OK, and the frames are in the list; or there is no memory, and the list is empty. */
static enum gw_code cut(struct frame_list *l, gw_str body, const struct otlp_contents *contents,
                        struct gw_err *err)
{
    const struct otlp_cut how = {.request = (enum otlp_message)(OTLP_TRACES_REQUEST + l->signal),
                                 .piece = GW_FRAME_BYTES,
                                 .account = l->arena->account,
                                 .take = take_piece,
                                 .ctx = l};
    if (otlp_cut(&how, body, contents))
        return GW_OK;
    drop_frames(l);
    return gw_arena_refusal(l->arena, GW_BUDGET, "the request's frames", err);
}

/* --- resources --- */

static void note_credentials(struct otlp_receiver *o, uint64_t n)
{
    if (!n)
        return;
    atomic_fetch_add_explicit(&o->counts.credentials, n, memory_order_relaxed);
    if (!atomic_exchange_explicit(&o->counts.said_credentials, true, memory_order_relaxed))
        gw_log_each(GW_WARNING, o->site.component,
                    "an application puts credentials into its resource (" OTLP_CREDENTIALS
                    "*): they are taken out; the exporter sls adds its own");
}

/* *body, or in *changed the same with other resources. */
static enum gw_code change_resources(struct otlp_receiver *o, const struct otlp_contents *contents,
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
static void refuse(struct otlp_receiver *o, enum gw_signal signal, struct gw_intake *intake,
                   enum gw_code code)
{
    struct gw_err ignored;
    intake->not_taken[code == GW_BUDGET ? GW_REASON_BUDGET : GW_REASON_QUEUE_FULL] +=
        gw_intake_accepted(intake);
    (void)!gw_fanout_offer(o->host->fanout, signal, NULL, 0, intake, &ignored);
}

void otlp_log_faults(const struct otlp_receiver *o, const struct otlp_taken *t, const char *what)
{
    gw_log(GW_WARNING, o->site.component, "%s: %llu of %llu items are refused: %s", what,
           (unsigned long long)t->refused, (unsigned long long)t->contents.items,
           otlp_fault_text(t->contents.first));
}

static void count(atomic_uint_least64_t *to)
{
    atomic_fetch_add_explicit(to, 1, memory_order_relaxed);
}

enum gw_code otlp_take(struct otlp_receiver *o, enum gw_signal signal, gw_str body, struct gw_arena *arena,
                       struct otlp_taken *taken, struct gw_err *err)
{
    struct frame_list list = {.signal = signal, .arena = arena};
    struct otlp_buf changed = {.account = arena->account};
    gw_budget_begin(arena->account);
    enum gw_code code = check(o, signal, body, &taken->contents, err);
    if (code) {
        count(&o->counts.malformed);
        return code;
    }
    struct gw_intake intake = intake_of(&taken->contents);
    taken->refused = otlp_refused(&taken->contents);
    if (gw_fanout_schemas(o->host->fanout, signal)) /* else nobody exports it, and it ends here */
        code = change_resources(o, &taken->contents, &body, &changed, arena, err);
    if (!code && gw_fanout_schemas(o->host->fanout, signal))
        code = cut(&list, body, &taken->contents, err);
    otlp_fini(&changed);
    if (code) {
        refuse(o, signal, &intake, code);
        return code;
    }
    if (intake.received)
        code = gw_fanout_offer(o->host->fanout, signal, list.frames, list.n, &intake, err);
    if (!code)
        count(&o->counts.requests[signal]);
    if (!code && taken->contents.faulty)
        count(&o->counts.faulty);
    return code;
}
