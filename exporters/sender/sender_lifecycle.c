/* The life of a sender: thread, queue and ledger row, and what a reload hands over from a sender to its
 * successor.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/pulse.h"
#include "core/base/random.h"
#include "core/base/thread.h"
#include "exporters/sender/sender_internal.h"

static void wake(void *arg)
{
    struct gw_sender *s = arg;
    s->exporter->wake(s->ctx);
}

static void set_names(struct gw_sender *s)
{
    gw_str name = s->conf->name.len ? s->conf->name : gw_str_z(s->exporter->name);
    snprintf(s->name, sizeof s->name, "%.*s", GW_FMT(name));
    snprintf(s->component, sizeof s->component, "exporter=%s", s->name);
    s->health.component = s->component;
}

/* Makes everything except its queue and its number. */
static struct gw_sender *make(const struct gw_exporter *exporter, void *ctx,
                              const struct gw_sender_conf *conf)
{
    struct gw_sender *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->exporter = exporter;
    s->ctx = ctx;
    s->conf = conf;
    s->signals = gw_sender_signals(conf, exporter);
    s->pace = (struct gw_breaker_conf){{conf->retry_initial, conf->retry_max},
                                       conf->in_flight > exporter->in_flight ? (unsigned)conf->in_flight
                                                                             : exporter->in_flight};
    s->limits = (struct gw_batch_limits){conf->batch_bytes, (uint64_t)conf->batch_items, conf->batch_delay};
    gw_congestion_init(&s->congestion, &(struct gw_congestion_conf){conf->batch_bytes, s->pace.most,
                                                                    conf->timeout, exporter->remote});
    s->waiting.end = &s->waiting.first;
    s->settled.end = &s->settled.first;
    atomic_init(&s->deadline, GW_NEVER);
    gw_lock_init(&s->seen.lock, GW_LOCK_SENDER_STATE);
    s->random = gw_random();
    set_names(s);
    gw_dead_letter_init(&s->dead_letter, conf->dead_letter_directory, conf->dead_letter_max_size, s->name,
                        s->component);
    return s;
}

struct gw_sender *gw_sender_new(const struct gw_exporter *exporter, void *ctx,
                                const struct gw_sender_conf *conf, struct gw_ledger *ledger,
                                struct gw_trace_ids *ids)
{
    struct gw_sender *s = make(exporter, ctx, conf);
    if (!s)
        return NULL;
    s->ledger = ledger;
    s->ids = ids;
    s->owns_queue = true;
    s->queue = gw_queue_new(conf->queue_size, gw_sender_drops_oldest(conf, exporter), wake, s);
    s->number = s->queue ? gw_ledger_exporter(ledger, s->name, s->signals) : GW_LEDGER_EXPORTERS;
    if (s->number == GW_LEDGER_EXPORTERS) {
        gw_sender_drop(s);
        return NULL;
    }
    return s;
}

/* Returns how much of the data on disk should be in memory. */
static size_t refill_mark(const struct gw_sender_conf *conf)
{
    size_t enough = (size_t)(conf->in_flight + 1) * conf->batch_bytes;
    return conf->queue_size < enough ? conf->queue_size : enough;
}

struct gw_sender *gw_sender_successor(struct gw_sender *predecessor, const struct gw_exporter *exporter,
                                      void *ctx, const struct gw_sender_conf *conf)
{
    struct gw_sender *s = make(exporter, ctx, conf);
    if (!s)
        return NULL;
    s->ledger = predecessor->ledger;
    s->ids = predecessor->ids;
    s->queue = predecessor->queue;
    s->number = predecessor->number;
    s->disk_log = predecessor->disk_log;
    s->budget = predecessor->budget;
    s->reader = predecessor->reader;
    s->refill_below = refill_mark(conf);
    return s;
}

void gw_sender_drop(struct gw_sender *s)
{
    if (!s)
        return;
    gw_dead_letter_close(&s->dead_letter);
    if (s->owns_queue && s->disk_log)
        gw_segment_log_detach(s->disk_log, s->reader);
    if (s->owns_queue)
        gw_queue_drop(s->queue);
    gw_lock_fini(&s->seen.lock);
    free(s);
}

bool gw_sender_disk_queue(struct gw_sender *s, struct gw_disk_queue *disk_queue, struct gw_budget *budget)
{
    s->reader =
        gw_disk_queue_attach(disk_queue, s->name, s->number, gw_sender_drops_oldest(s->conf, s->exporter));
    if (s->reader == GW_SEGMENT_LOG_READERS)
        return false;
    s->disk_log = gw_disk_queue_log(disk_queue);
    s->budget = budget;
    s->refill_below = refill_mark(s->conf);
    gw_queue_overflow(s->queue);
    return true;
}

struct gw_route gw_sender_route(const struct gw_sender *s)
{
    enum gw_attribute_schema mode = (enum gw_attribute_schema)s->conf->mode;
    enum gw_attribute_schema schema = s->exporter->schema ? s->exporter->schema(s->ctx, mode) : mode;
    return (struct gw_route){.queue = s->queue,
                             .name = s->name,
                             .exporter = s->number,
                             .signals = s->signals,
                             .schema = schema,
                             .reader = s->reader,
                             .asked = s->conf->signals.n ? s->signals : 0};
}

/* Runs on the thread that both share. */
static void inherit(struct gw_sender *successor, struct gw_sender *predecessor)
{
    const struct gw_sender_counts *before = &predecessor->counts;
    struct gw_sender_counts *counts = &successor->counts;
    atomic_fetch_add_explicit(&counts->requests, before->requests, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->retries, before->retries, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->timeouts, before->timeouts, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->splits, before->splits, memory_order_relaxed);
    gw_sender_inherit_seen(successor, predecessor);
    gw_exporter_health_inherit(&successor->health, &predecessor->health);
    gw_dead_letter_inherit(&successor->dead_letter, &predecessor->dead_letter);
    gw_queue_inherit(successor->queue, wake, successor);
    atomic_store(&predecessor->over, true);
}

static gw_nsec step(struct gw_sender *s, gw_nsec now)
{
    gw_pulse_works(now);
    return gw_sender_step(s, now);
}

static void *run(void *arg)
{
    for (struct gw_sender *s = arg, *successor;; s = successor) {
        for (gw_nsec until; (until = step(s, gw_now())) != GW_SENDER_OVER;) {
            gw_pulse_rests();
            s->exporter->wait(s->ctx, until);
        }
        successor = atomic_load_explicit(&s->successor, memory_order_acquire);
        if (!successor) {
            atomic_store(&s->over, true);
            return NULL;
        }
        inherit(successor, s);
    }
}

bool gw_sender_start(struct gw_sender *s)
{
    char name[GW_THREAD_NAME];
    snprintf(name, sizeof name, "exp/%.11s", s->name);
    s->started = gw_thread_start(&s->thread, &(struct gw_thread){name, s->component, run, s}, NULL);
    return s->started;
}

void gw_sender_stop(struct gw_sender *s, gw_nsec deadline)
{
    atomic_store_explicit(&s->deadline, deadline, memory_order_release);
    gw_queue_close(s->queue);
}

void gw_sender_take_over(struct gw_sender *predecessor, struct gw_sender *successor)
{
    gw_queue_resize(successor->queue, successor->conf->queue_size,
                    gw_sender_drops_oldest(successor->conf, successor->exporter));
    gw_ledger_signals(successor->ledger, successor->number, successor->signals);
    successor->thread = predecessor->thread;
    successor->started = predecessor->started;
    successor->owns_queue = true;
    predecessor->owns_queue = predecessor->started = false;
    atomic_store_explicit(&predecessor->successor, successor, memory_order_release);
    predecessor->exporter->wake(predecessor->ctx);
}

bool gw_sender_over(const struct gw_sender *s)
{
    return atomic_load(&s->over);
}

void gw_sender_finish(struct gw_sender *s)
{
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
    if (s->disk_log && !gw_sender_has_successor(s))
        gw_ledger_leave(s->ledger, s->number, gw_segment_log_keeps(s->disk_log));
}
