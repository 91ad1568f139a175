/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/fanout.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "gateway/budget.h"
#include "gateway/queue.h"

struct gw_fanout {
    struct gw_ledger *ledger;
    struct gw_budget *budget;
    atomic_bool stopping;
    /* const after the pipeline is built */
    unsigned n;
    struct gw_route route[GW_MAX_EXPORTERS];
};

struct gw_fanout *gw_fanout_new(struct gw_ledger *ledger, struct gw_budget *budget)
{
    struct gw_fanout *f = calloc(1, sizeof *f);
    if (f) {
        f->ledger = ledger;
        f->budget = budget;
    }
    return f;
}

void gw_fanout_add(struct gw_fanout *f, struct gw_route route)
{
    GW_ASSERT(f->n < GW_MAX_EXPORTERS);
    f->route[f->n++] = route;
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

/* Only spans are said in several ways: logs and metrics are the same whatever an exporter's mode. */
static enum gw_rendering rendering(const struct gw_route *r, enum gw_signal signal)
{
    return signal == GW_TRACES ? r->rendering : GW_OTEL;
}

unsigned gw_fanout_renderings(const struct gw_fanout *f, enum gw_signal signal)
{
    unsigned renderings = 0;
    for (unsigned i = 0; i < f->n; i++)
        if (takes(&f->route[i], signal))
            renderings |= 1u << rendering(&f->route[i], signal);
    return renderings;
}

/* Every frame against the process's budget, once, however many queues it will stand in; all or none. */
static bool charge(struct gw_fanout *f, struct gw_frame **frames, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++) {
        gw_budget_give(frames[i]->budget, frames[i]->charged); /* the maker's account has paid so far */
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

/* Room in every queue, or none: on refusal what was reserved is given back and *full names the route that had no room. */
static enum gw_code reserve(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n, struct gw_chain *rooms,
                            const char **full)
{
    for (unsigned i = 0; i < f->n; i++) {
        const struct gw_route *r = &f->route[i];
        enum gw_code code = takes(r, signal) ? gw_queue_reserve(r->queue, rendering(r, signal), frames, n, &rooms[i]) : GW_OK;
        if (code == GW_OK)
            continue;
        *full = r->name;
        while (i--)
            gw_queue_cancel(f->route[i].queue, &rooms[i]);
        return code;
    }
    return GW_OK;
}

static void drop_evicted(struct gw_fanout *f, unsigned exporter, struct gw_chain *evicted)
{
    for (struct gw_node *node; (node = gw_chain_pop(evicted));) {
        gw_ledger_move(f->ledger, exporter, node->frame->signal, GW_QUEUED, GW_DROPPED, GW_WHY_EVICTED, node->frame->items);
        gw_node_drop(node);
    }
}

static void push(struct gw_fanout *f, struct gw_chain *rooms)
{
    for (unsigned i = 0; i < f->n; i++) {
        struct gw_chain evicted = {NULL, NULL};
        if (!rooms[i].first)
            continue;
        gw_queue_push(f->route[i].queue, &rooms[i], &evicted);
        drop_evicted(f, f->route[i].exporter, &evicted);
    }
}

static enum gw_code refusal(const struct gw_fanout *f, enum gw_code code, const char *full, struct gw_err *err)
{
    if (code == GW_STOPPING)
        return gw_fail(err, code, 0, "the gateway is stopping");
    if (code == GW_BUSY)
        return gw_fail(err, code, 0, "%zu of %zu bytes of memory are in use", atomic_load(&f->budget->used), f->budget->limit);
    return gw_fail(err, code, 0, "the queue of exporter %s is full", full);
}

/* The translator's promise: the frames of every rendering that is wanted hold what was accepted. */
static bool complete(const struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n, uint64_t accepted)
{
    uint64_t items[GW_RENDERINGS] = {0};
    for (size_t i = 0; i < n; i++)
        items[frames[i]->rendering] += frames[i]->items;
    for (unsigned i = 0; i < f->n; i++)
        if (takes(&f->route[i], signal) && items[rendering(&f->route[i], signal)] != accepted)
            return false;
    return true;
}

/* The offer itself, before the ledger hears of it. */
static enum gw_code admit(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n, struct gw_chain *rooms,
                          struct gw_err *err)
{
    const char *full = NULL;
    if (atomic_load_explicit(&f->stopping, memory_order_relaxed))
        return refusal(f, GW_STOPPING, NULL, err);
    if (!charge(f, frames, n))
        return refusal(f, GW_BUSY, NULL, err);
    enum gw_code code = reserve(f, signal, frames, n, rooms, &full);
    return code == GW_OK ? GW_OK : refusal(f, code, full, err);
}

enum gw_code gw_fanout_try(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n, const struct gw_intake *in,
                           struct gw_err *err)
{
    struct gw_chain rooms[GW_MAX_EXPORTERS] = {{NULL, NULL}};
    GW_ASSERT(complete(f, signal, frames, n, gw_intake_accepted(in)));
    enum gw_code code = admit(f, signal, frames, n, rooms, err);
    if (code != GW_OK)
        return code;
    gw_ledger_intake(f->ledger, signal, in); /* before the push: a sender may be done with it a moment later */
    push(f, rooms);
    for (size_t i = 0; i < n; i++)
        gw_frame_drop(frames[i]);
    return GW_OK;
}

enum gw_code gw_fanout_offer(struct gw_fanout *f, enum gw_signal signal, struct gw_frame **frames, size_t n, struct gw_intake *in,
                             struct gw_err *err)
{
    enum gw_code code = gw_fanout_try(f, signal, frames, n, in, err);
    if (code == GW_OK)
        return GW_OK;
    in->not_taken[code == GW_STOPPING ? GW_WHY_STOPPING : GW_WHY_QUEUE_FULL] += gw_intake_accepted(in);
    gw_ledger_intake(f->ledger, signal, in);
    for (size_t i = 0; i < n; i++)
        gw_frame_drop(frames[i]);
    return code;
}

int gw_fanout_retry_after(const struct gw_fanout *f)
{
    int longest = 1;
    for (unsigned i = 0; i < f->n; i++) {
        int seconds = gw_queue_hinted(f->route[i].queue);
        if (seconds > longest)
            longest = seconds;
    }
    return longest;
}
