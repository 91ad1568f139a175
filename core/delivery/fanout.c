/* fanout.c: offers a frame to every queue or to none, through the disk queue if there is one. Owns the two
 * tables of routes, of which one is current. Receiver threads offer frames and ask whether to delay an
 * answer; the main thread changes the routes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/fanout.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/budget.h"
#include "core/delivery/durable.h"
#include "core/delivery/queue.h"
#include "core/delivery/recent.h"
#include "core/delivery/refusals.h"

/* A set of routes. Readers are counted, so that the other table can be written when it has no reader. */
struct table {
    atomic_uint readers;
    unsigned n;
    struct gw_route route[GW_MAX_EXPORTERS];
};

struct gw_fanout {
    struct gw_ledger *ledger;
    struct gw_budget *budget;
    const struct gw_durable *durable; /* NULL: queues are in memory only */
    void *durable_ctx;
    atomic_bool stopping;
    atomic_uint schemas[GW_SIGNALS]; /* of the current table */
    atomic_uint asked;               /* the same: bit per enum gw_signal */
    struct table *_Atomic current;
    struct table table[2];
};

struct gw_fanout *gw_fanout_new(struct gw_ledger *ledger, struct gw_budget *budget)
{
    struct gw_fanout *f = calloc(1, sizeof *f);
    if (f) {
        f->ledger = ledger;
        f->budget = budget;
        atomic_init(&f->current, &f->table[0]);
    }
    return f;
}

void gw_fanout_durable(struct gw_fanout *f, const struct gw_durable *durable, void *ctx)
{
    f->durable = durable;
    f->durable_ctx = ctx;
}

void gw_fanout_drop(struct gw_fanout *f)
{
    free(f);
}

void gw_fanout_stop(struct gw_fanout *f)
{
    atomic_store_explicit(&f->stopping, true, memory_order_relaxed);
}

static bool takes(const struct gw_route *r, enum gw_signal signal)
{
    return r->signals & 1u << signal;
}

/* Only spans have several attribute schemas: logs and metrics are the same in every `mode`. */
static enum gw_attribute_schema schema(const struct gw_route *r, enum gw_signal signal)
{
    return signal == GW_TRACES ? r->schema : GW_OTEL;
}

/* Between enter and leave the table does not change. A thread that entered a table that is no longer current
 * tries again, without having read it. */
static struct table *enter(struct gw_fanout *f)
{
    for (;;) {
        struct table *t = atomic_load(&f->current);
        atomic_fetch_add(&t->readers, 1);
        if (atomic_load(&f->current) == t)
            return t;
        atomic_fetch_sub(&t->readers, 1);
    }
}

static void leave(struct table *t)
{
    atomic_fetch_sub(&t->readers, 1);
}

static void publish(struct gw_fanout *f, struct table *t)
{
    for (int signal = 0; signal < GW_SIGNALS; signal++) {
        unsigned schemas = 0;
        for (unsigned i = 0; i < t->n; i++)
            if (takes(&t->route[i], (enum gw_signal)signal))
                schemas |= 1u << schema(&t->route[i], (enum gw_signal)signal);
        atomic_store_explicit(&f->schemas[signal], schemas, memory_order_relaxed);
    }
    unsigned asked = 0;
    for (unsigned i = 0; i < t->n; i++)
        asked |= t->route[i].asked;
    atomic_store_explicit(&f->asked, asked, memory_order_relaxed);
    atomic_store(&f->current, t);
}

void gw_fanout_add(struct gw_fanout *f, struct gw_route route)
{
    struct table *t = atomic_load(&f->current);
    GW_ASSERT(t->n < GW_MAX_EXPORTERS);
    t->route[t->n++] = route;
    publish(f, t);
}

/* Offers last for microseconds, so this waits by yielding, without a wakeup. */
static void until_unread(struct table *t)
{
    static const struct timespec moment = {.tv_nsec = 100 * GW_USEC};
    while (atomic_load(&t->readers))
        nanosleep(&moment, NULL);
}

void gw_fanout_switch(struct gw_fanout *f, const struct gw_route *routes, unsigned n)
{
    struct table *old = atomic_load(&f->current), *next = &f->table[old == &f->table[0]];
    GW_ASSERT(n <= GW_MAX_EXPORTERS);
    until_unread(next);
    memcpy(next->route, routes, n * sizeof *routes);
    next->n = n;
    publish(f, next);
    until_unread(old);
}

unsigned gw_fanout_schemas(const struct gw_fanout *f, enum gw_signal signal)
{
    return atomic_load_explicit(&f->schemas[signal], memory_order_relaxed);
}

bool gw_fanout_asked(const struct gw_fanout *f, enum gw_signal signal)
{
    return atomic_load_explicit(&f->asked, memory_order_relaxed) & 1u << signal;
}

/* Charges every frame to the process's budget, once, for any number of queues; all or none. */
static bool charge(struct gw_fanout *f, struct gw_frame **frames, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        /* the account of the code that made the frame has paid so far */
        gw_budget_give(frames[i]->budget, frames[i]->charged);
        frames[i]->budget = NULL;
        total += gw_frame_cost(frames[i]);
    }
    if (!gw_budget_take(f->budget, total))
        return false;
    for (size_t i = 0; i < n; i++) {
        frames[i]->budget = f->budget;
        frames[i]->charged = gw_frame_cost(frames[i]);
    }
    return true;
}

static unsigned schemas_of(struct gw_frame **frames, size_t n)
{
    unsigned schemas = 0;
    for (size_t i = 0; i < n; i++)
        schemas |= 1u << frames[i]->schema;
    return schemas;
}

/* Returns the schema of the frames that the route gets: its own, or the first that exists. */
static enum gw_attribute_schema schema_for(const struct gw_route *r, enum gw_signal signal, unsigned schemas)
{
    unsigned first = 0;
    if (schemas >> schema(r, signal) & 1)
        return schema(r, signal);
    while (!(schemas >> first & 1))
        first++;
    return (enum gw_attribute_schema)first;
}

/* Room in every queue, or none: on refusal the reservations are given back, and *full names the route without
 * room. */
static enum gw_code reserve(const struct table *t, enum gw_signal signal, struct gw_frame **frames, size_t n,
                            bool can_wait, struct gw_chain *rooms, const char **full)
{
    typeof(gw_queue_reserve) *room = can_wait ? gw_queue_reserve_unless_lagging : gw_queue_reserve;
    unsigned schemas = schemas_of(frames, n);
    for (unsigned i = 0; i < t->n && schemas; i++) {
        const struct gw_route *r = &t->route[i];
        enum gw_code code =
            takes(r, signal) ? room(r->queue, schema_for(r, signal, schemas), frames, n, &rooms[i]) : GW_OK;
        if (code == GW_OK)
            continue;
        *full = r->name;
        while (i--)
            gw_queue_cancel(t->route[i].queue, &rooms[i]);
        return code;
    }
    return GW_OK;
}

/* Returns the exporters that were offered these frames, by their numbers. */
static uint64_t asked(const struct table *t, enum gw_signal signal, size_t n)
{
    uint64_t numbers = 0;
    for (unsigned i = 0; i < t->n && n; i++)
        if (takes(&t->route[i], signal))
            numbers |= UINT64_C(1) << t->route[i].exporter;
    return numbers;
}

static void drop_evicted(struct gw_fanout *f, const struct gw_route *r, struct gw_chain *evicted)
{
    for (struct gw_node *node; (node = gw_chain_pop(evicted));) {
        gw_recent_dropped(node->frame->recent, (uint8_t)node->frame->signal, r->name,
                          gw_reason_label(GW_REASON_EVICTED));
        gw_ledger_move(f->ledger, r->exporter, node->frame->signal, GW_QUEUED, GW_DROPPED, GW_REASON_EVICTED,
                       node->frame->items);
        gw_node_drop(node);
    }
}

static void push(struct gw_fanout *f, const struct table *t, struct gw_chain *rooms)
{
    for (unsigned i = 0; i < t->n; i++) {
        struct gw_chain evicted = {NULL, NULL};
        if (!rooms[i].first)
            continue;
        gw_queue_push(t->route[i].queue, &rooms[i], &evicted);
        drop_evicted(f, &t->route[i], &evicted);
    }
}

static enum gw_code refusal(const struct gw_fanout *f, enum gw_code code, const char *full,
                            struct gw_err *err)
{
    if (code == GW_STOPPING)
        return gw_fail(err, code, 0, "the gateway is stopping");
    if (code == GW_BUSY)
        return gw_fail(err, code, 0, "%zu of %zu bytes of memory are in use", atomic_load(&f->budget->used),
                       f->budget->limit);
    return gw_fail(err, code, 0, "the queue of exporter %s is full", full);
}

/* Checks the translator's contract: the frames of every attribute schema contain the accepted items. */
static bool complete(struct gw_frame **frames, size_t n, uint64_t accepted)
{
    uint64_t items[GW_ATTRIBUTE_SCHEMAS] = {0};
    for (size_t i = 0; i < n; i++)
        items[frames[i]->schema] += frames[i]->items;
    for (size_t i = 0; i < n; i++)
        if (items[frames[i]->schema] != accepted)
            return false;
    return true;
}

/* --- for somebody who looks (recent.h) --- */

static bool anybody_asked(const struct table *t, enum gw_signal signal)
{
    bool any = false;
    for (unsigned i = 0; i < t->n; i++)
        any |= takes(&t->route[i], signal);
    return any;
}

/* A line each: the exporters that get frames of the schema. */
static gw_str exporters_of(const struct table *t, enum gw_signal signal, unsigned schemas,
                           enum gw_attribute_schema of, char *out, size_t size)
{
    size_t n = 0;
    for (unsigned i = 0; i < t->n; i++)
        if (takes(&t->route[i], signal) && schema_for(&t->route[i], signal, schemas) == of && n < size)
            n += (size_t)snprintf(out + n, size - n, "%s%s", n ? "\n" : "", t->route[i].name);
    return gw_str_n(out, n < size ? n : size - 1);
}

/* The schema that the first exporter of the signal gets. */
static enum gw_attribute_schema first_schema(const struct table *t, enum gw_signal signal, unsigned schemas)
{
    for (unsigned i = 0; i < t->n; i++)
        if (takes(&t->route[i], signal))
            return schema_for(&t->route[i], signal, schemas);
    return GW_OTEL;
}

/* They have room and will be queued: from then on a sender may read their numbers. A frame that is offered
 * again was kept before. */
static void keep_frames(const struct table *t, enum gw_signal signal, struct gw_frame **frames, size_t n)
{
    char names[GW_MAX_EXPORTERS * 64];
    bool is_shown = signal == GW_TRACES || signal == GW_LOGS;
    if (!n || !is_shown || !anybody_asked(t, signal))
        return;
    unsigned schemas = schemas_of(frames, n);
    enum gw_attribute_schema first = first_schema(t, signal, schemas);
    for (size_t i = 0; i < n; i++)
        if (!frames[i]->recent)
            frames[i]->recent = gw_recent_put(&(struct gw_recent_entry){
                .kind = GW_RECENT_FRAME,
                .link = gw_recent_request(),
                .signal = (uint8_t)signal,
                .schema = (uint8_t)frames[i]->schema,
                .is_first = frames[i]->schema == first,
                .count = frames[i]->items,
                .parts = {[GW_FRAME_DATA] = frames[i]->has_lines
                                                ? GW_NOSTR
                                                : gw_str_n((const char *)frames[i]->data, frames[i]->len),
                          [GW_FRAME_EXPORTERS] =
                              exporters_of(t, signal, schemas, frames[i]->schema, names, sizeof names)}});
}

/* The offer itself, without the ledger. */
static enum gw_code admit(struct gw_fanout *f, const struct table *t, enum gw_signal signal,
                          struct gw_frame **frames, size_t n, bool can_wait, struct gw_chain *rooms,
                          struct gw_err *err)
{
    const char *full = NULL;
    if (atomic_load_explicit(&f->stopping, memory_order_relaxed))
        return refusal(f, GW_STOPPING, NULL, err);
    if (!charge(f, frames, n))
        return refusal(f, GW_BUSY, NULL, err);
    enum gw_code code = reserve(t, signal, frames, n, can_wait, rooms, &full);
    return code == GW_OK ? GW_OK : refusal(f, code, full, err);
}

static enum gw_code offer_memory(struct gw_fanout *f, const struct table *t, enum gw_signal signal,
                                 struct gw_frame **frames, size_t n, const struct gw_intake *in,
                                 uint64_t also, bool can_wait, struct gw_err *err)
{
    struct gw_chain rooms[GW_MAX_EXPORTERS] = {{NULL, NULL}};
    enum gw_code code = admit(f, t, signal, frames, n, can_wait, rooms, err);
    if (code != GW_OK)
        return code;
    if (gw_recent_wanted())
        keep_frames(t, signal, frames, n);
    /* before the push, because a sender may be done with it a moment later */
    gw_ledger_intake(f->ledger, signal, in, asked(t, signal, n) | also);
    push(f, t, rooms);
    return GW_OK;
}

/* --- with a disk queue --- */

/* One offer that is written to the disk. */
struct storing {
    struct gw_fanout *f;
    const struct table *t;
    enum gw_signal signal;
    const struct gw_intake *in;
    uint64_t also; /* rows of the ledger that are not exporters */
    size_t n;
    struct gw_chain rooms[GW_MAX_EXPORTERS];
    /* By schema: readers of the disk queue that get the frames, as bits … */
    uint32_t pending[GW_ATTRIBUTE_SCHEMAS];
    uint32_t memory; /* … and those that have room for them in memory */
};

/* Called after the write, before a reader can see the frames. */
static void count_intake(void *arg)
{
    const struct storing *o = arg;
    gw_ledger_intake(o->f->ledger, o->signal, o->in, asked(o->t, o->signal, o->n) | o->also);
}

/* Decides which exporters get the frames, and which of them have room in memory. Closed queues (GW_STOPPING)
 * get nothing. */
static enum gw_code plan(struct storing *o, struct gw_frame **frames)
{
    unsigned schemas = schemas_of(frames, o->n);
    bool paid = charge(o->f, frames, o->n);
    for (unsigned i = 0; i < o->t->n; i++) {
        const struct gw_route *r = &o->t->route[i];
        uint32_t reader = UINT32_C(1) << r->reader;
        if (!takes(r, o->signal))
            continue;
        enum gw_attribute_schema schema = schema_for(r, o->signal, schemas);
        bool lagging = o->f->durable->lagging(o->f->durable_ctx, r->reader);
        enum gw_code code =
            paid && !lagging ? gw_queue_reserve(r->queue, schema, frames, o->n, &o->rooms[i]) : GW_BUSY;
        if (code == GW_STOPPING)
            return code;
        o->pending[schema] |= reader;
        o->memory |= code == GW_OK ? reader : 0;
    }
    return GW_OK;
}

/* Returns memory that was reserved and is not used. */
static void cancel(struct storing *o, uint32_t readers)
{
    for (unsigned i = 0; i < o->t->n; i++)
        if (o->rooms[i].first && readers >> o->t->route[i].reader & 1) {
            gw_queue_cancel(o->t->route[i].queue, &o->rooms[i]);
            o->rooms[i] = (struct gw_chain){NULL, NULL};
        }
}

/* Senders that kept up until now may be asleep. */
static void wake_senders(const struct storing *o, uint32_t readers)
{
    for (unsigned i = 0; i < o->t->n; i++)
        if (takes(&o->t->route[i], o->signal) && readers >> o->t->route[i].reader & 1)
            gw_queue_wake(o->t->route[i].queue);
}

/* When it returns, readers that have data only on the disk have been woken. */
static enum gw_code write_down(struct storing *o, struct gw_frame **frames, uint64_t *ticket,
                               struct gw_err *err)
{
    struct gw_durable_entry *entries = calloc(o->n, sizeof *entries);
    size_t n = 0;
    uint32_t lagging = 0;
    if (!entries)
        return refusal(o->f, GW_BUSY, NULL, err);
    for (size_t i = 0; i < o->n; i++) {
        uint32_t pending = o->pending[frames[i]->schema];
        if (pending)
            entries[n++] = (struct gw_durable_entry){
                .frame = frames[i], .pending = pending, .memory = pending & o->memory};
    }
    enum gw_code code =
        o->f->durable->append(o->f->durable_ctx, entries, n, count_intake, o, ticket, &lagging, err);
    for (size_t i = 0; i < n && code == GW_OK; i++)
        o->memory &= ~entries[i].pending | entries[i].memory;
    free(entries);
    if (code == GW_OK)
        wake_senders(o, lagging);
    return code;
}

/* The source need not send it again. */
static void settle_acks(struct gw_frame **frames, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct gw_ack_callback *ack = frames[i]->ack;
        frames[i]->ack = NULL;
        if (ack)
            ack->settled(ack, true);
    }
}

/* *kept: the frames were kept although the code is GW_STORAGE. They will be delivered, but may not survive
 * the machine. */
static enum gw_code offer_stored(struct gw_fanout *f, const struct table *t, enum gw_signal signal,
                                 struct gw_frame **frames, size_t n, const struct gw_intake *in,
                                 uint64_t also, bool *kept, struct gw_err *err)
{
    struct storing o = {.f = f, .t = t, .signal = signal, .in = in, .also = also, .n = n};
    uint64_t ticket = 0;
    enum gw_code code = plan(&o, frames);
    if (code == GW_OK && gw_recent_wanted())
        keep_frames(t, signal, frames, n);
    if (code == GW_STOPPING)
        refusal(f, code, NULL, err);
    else
        code = write_down(&o, frames, &ticket, err);
    if (code != GW_OK) {
        cancel(&o, UINT32_MAX);
        return code;
    }
    bool safe = f->durable->wait(f->durable_ctx, ticket);
    if (safe)
        settle_acks(frames, n);
    cancel(&o, ~o.memory);
    push(f, t, o.rooms);
    *kept = true;
    return safe ? GW_OK : gw_fail(err, GW_STORAGE, 0, "it could not be brought to the disk");
}

/* *kept: the frames were accepted, for any code. */
static enum gw_code offer(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n,
                          const struct gw_intake *in, uint64_t also, bool can_wait, bool *kept,
                          struct gw_err *err)
{
    enum gw_code code;
    GW_ASSERT(complete(frames, n, gw_intake_accepted(in)));
    struct table *t = enter(f);
    if (f->durable && n && anybody_asked(t, signal) &&
        !atomic_load_explicit(&f->stopping, memory_order_relaxed)) {
        *kept = false;
        code = offer_stored(f, t, signal, frames, n, in, also, kept, err);
    } else {
        code = offer_memory(f, t, signal, frames, n, in, also, can_wait, err);
        *kept = code == GW_OK;
    }
    leave(t);
    for (size_t i = 0; *kept && i < n; i++)
        gw_frame_drop(frames[i]);
    return code;
}

enum gw_code gw_fanout_try(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n,
                           const struct gw_intake *in, bool can_wait, struct gw_err *err)
{
    bool kept;
    enum gw_code code = offer(f, signal, frames, n, in, 0, can_wait, &kept, err);
    return kept ? GW_OK : code; /* a retry would deliver it twice */
}

enum gw_code gw_fanout_offer(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n,
                             struct gw_intake *in, struct gw_err *err)
{
    return gw_fanout_offer_also(f, signal, frames, n, in, 0, err);
}

enum gw_code gw_fanout_offer_also(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames,
                                  size_t n, struct gw_intake *in, uint64_t also, struct gw_err *err)
{
    bool kept;
    enum gw_code code = offer(f, signal, frames, n, in, also, false, &kept, err);
    if (kept)
        return code;
    enum gw_reason why = code == GW_STOPPING       ? GW_REASON_STOPPING
                         : code == GW_OVER_STORAGE ? GW_REASON_BUDGET
                                                   : GW_REASON_QUEUE_FULL;
    in->not_taken[why] += gw_intake_accepted(in);
    gw_refusals_words(why, err ? err->what : NULL);
    gw_ledger_intake(f->ledger, signal, in, 0); /* nothing was accepted */
    for (size_t i = 0; i < n; i++)
        gw_frame_drop(frames[i]);
    return code;
}

bool gw_fanout_sync(struct gw_fanout *f)
{
    return !f->durable || !f->durable->sync || f->durable->sync(f->durable_ctx);
}

static bool reads_from_disk(const struct gw_fanout *f, const struct gw_route *r)
{
    return f->durable && f->durable->lagging(f->durable_ctx, r->reader);
}

bool gw_fanout_delays(struct gw_fanout *f, enum gw_signal signal, gw_nsec now)
{
    bool delays = false;
    struct table *t = enter(f);
    for (unsigned i = 0; i < t->n && !delays; i++) {
        const struct gw_route *r = &t->route[i];
        delays = takes(r, signal) && gw_queue_delays(r->queue, now) && !reads_from_disk(f, r);
    }
    leave(t);
    return delays;
}

int gw_fanout_retry_after(struct gw_fanout *f, gw_nsec now)
{
    int longest = 1;
    struct table *t = enter(f);
    for (unsigned i = 0; i < t->n; i++) {
        int seconds = gw_queue_retry_after(t->route[i].queue, now);
        if (seconds > longest)
            longest = seconds;
    }
    leave(t);
    return longest;
}
