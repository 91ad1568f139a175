/* metric_flusher.c: Ends each interval of a metric store, and the last one at a stop, and offers the points to
 * the queues. Points that are refused stay in the store for the next interval. Owns only its thread. Called by
 * receivers with a metric store, at start and stop.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/common/metric_flusher.h"

#include <inttypes.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/delivery/fanout.h"

static const gw_nsec LAST_PAUSE = 20 * GW_MSEC;

static enum gw_code offer(void *ctx, struct gw_frame *frame)
{
    struct metric_flusher *f = ctx;
    struct gw_intake intake = {.received = frame->items};
    struct gw_err err;
    enum gw_code code = gw_fanout_try(f->fanout, GW_METRICS, &frame, 1, &intake, false, &err);
    if (code != GW_OK)
        gw_frame_drop(frame);
    return code;
}

/* Counts the frame as refused if there is no room. */
static enum gw_code offer_once(void *ctx, struct gw_frame *frame)
{
    struct metric_flusher *f = ctx;
    struct gw_intake intake = {.received = frame->items};
    struct gw_err err;
    (void)!gw_fanout_offer(f->fanout, GW_METRICS, &frame, 1, &intake, &err);
    return GW_OK;
}

static uint64_t news(const atomic_uint_least64_t *count, uint64_t *told)
{
    uint64_t now = atomic_load_explicit(count, memory_order_relaxed), more = now - *told;
    *told = now;
    return more;
}

static void tell_of_dropped(struct metric_flusher *f)
{
    const struct metric_counts *c = metric_store_counts(f->store);
    uint64_t over = news(&c->over_limit, &f->told_over_limit),
             memory = news(&c->no_memory, &f->told_no_memory);
    if (over)
        gw_log(GW_WARNING, f->component,
               "%" PRIu64 " samples of new series were dropped, because there are max_series (%" PRIu64
               ") already: raise it, or send tags with fewer values",
               over, atomic_load_explicit(&c->series, memory_order_relaxed));
    if (memory)
        gw_log(GW_WARNING, f->component,
               "%" PRIu64
               " samples were dropped, because series use all the memory that they may have (%" PRIu64
               " series): raise max_memory, or send tags with fewer values",
               memory, atomic_load_explicit(&c->series, memory_order_relaxed));
}

static void flush(struct metric_flusher *f)
{
    tell_of_dropped(f);
    if (!metric_store_flush(f->store, gw_wall(), offer, f))
        gw_log(GW_WARNING, f->component,
               "the exporters' queues are full: the points wait and are added to those of the next interval");
}

static void *run(void *ctx)
{
    struct metric_flusher *f = ctx;
    gw_nsec due = gw_now() + atomic_load(&f->interval);
    while (!atomic_load(&f->stopping)) {
        gw_wakeup_wait(&f->wakeup, due);
        gw_nsec now = gw_now(), interval = atomic_load(&f->interval);
        if (now < due) {
            due = due - now < interval ? due : now + interval; /* it became shorter */
            continue;
        }
        flush(f);
        due += interval * ((now - due) / interval + 1); /* no interval is made up for */
    }
    return NULL;
}

void metric_flusher_init(struct metric_flusher *f)
{
    gw_wakeup_init(&f->wakeup);
}

void metric_flusher_fini(struct metric_flusher *f)
{
    gw_wakeup_fini(&f->wakeup);
}

bool metric_flusher_start(struct metric_flusher *f)
{
    struct gw_err err;
    atomic_store(&f->stopping, false);
    f->running = gw_thread_start(&f->runner, &(struct gw_thread){f->thread, f->component, run, f}, &err);
    if (!f->running)
        gw_log(GW_ERROR, f->component, "cannot start: %s", err.what);
    return f->running;
}

void metric_flusher_stop(struct metric_flusher *f)
{
    if (!f->running)
        return;
    atomic_store(&f->stopping, true);
    gw_wakeup_signal(&f->wakeup);
    pthread_join(f->runner, NULL);
    f->running = false;
}

void metric_flusher_last(struct metric_flusher *f)
{
    gw_nsec until = gw_now() + METRIC_FLUSHER_LAST;
    bool left = !metric_store_flush(f->store, gw_wall(), offer, f);
    while (left && gw_now() < until) {
        struct timespec t = {.tv_nsec = LAST_PAUSE};
        nanosleep(&t, NULL);
        left = !metric_store_flush(f->store, gw_wall(), offer, f);
    }
    if (left)
        (void)metric_store_flush(f->store, gw_wall(), offer_once, f);
}
