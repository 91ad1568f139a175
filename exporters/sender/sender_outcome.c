/* What becomes of a batch that the backend answered to: from its verdict to the ledger, to another try, or
 * to smaller batches. Missing memory is never a verdict: what cannot be split or set aside for lack of it
 * waits, and is tried again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "exporters/sender/sender_internal.h"

enum { LEAST_LEARNED_BYTES = 64 * 1024 };

static void settle_done(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    uint64_t rejected = p->outcome.rejected < p->batch.items ? p->outcome.rejected : p->batch.items;
    gw_exporter_health_recovered(&s->health, now);
    s->answered_at = now;
    if (rejected)
        gw_exporter_health_rejected(&s->health, &p->batch, rejected, &p->outcome);
    else if (p->outcome.text[0])
        gw_log(GW_INFO, s->component, "the backend took everything, and says: %s", p->outcome.text);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_REJECTED, 0, rejected);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DELIVERED, 0, p->batch.items - rejected);
    gw_sender_finish_inflight(s, p);
}

/* There was no memory to decide about p: it is sent again, and decided about then. */
static void wait_for_memory(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    if (gw_sender_over_deadline(s, now)) {
        gw_sender_drop_inflight(s, p, GW_REASON_SHUTDOWN);
        return;
    }
    gw_sender_postpone(s, p, now + GW_SENDER_NO_MEMORY_PAUSE, now);
}

/* The first n frames of p are through; the rest stays in it. */
static void release_front(struct gw_sender *s, struct gw_inflight_batch *p, size_t n)
{
    struct gw_chain through = {NULL, NULL};
    gw_inflight_batch_take_frames(p, n, &through);
    gw_sender_release(s, &through, true);
}

static void reject(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_set_aside aside = gw_dead_letter_put(&s->dead_letter, &p->batch);
    enum gw_signal signal = p->batch.signal;
    gw_sender_move(s, signal, GW_IN_PROCESS, GW_SET_ASIDE, 0, aside.items);
    for (int i = 0; i < GW_SIGNALS; i++)
        gw_sender_move(s, (enum gw_signal)i, GW_SET_ASIDE, GW_DROPPED, GW_REASON_OVERWRITTEN,
                       aside.overwritten[i]);
    uint64_t decided = aside.no_memory ? aside.items : p->batch.items;
    if (decided)
        gw_exporter_health_rejected(&s->health, &p->batch, decided, &p->outcome);
    if (aside.items)
        gw_log(GW_WARNING, s->component, "%llu of them were set aside in %.*s",
               (unsigned long long)aside.items, GW_FMT(s->dead_letter.directory));
    if (aside.no_memory) {
        gw_log(GW_WARNING, s->component,
               "no memory to set %llu rejected items aside: they are kept and tried again",
               (unsigned long long)(p->batch.items - aside.items));
        release_front(s, p, aside.frames);
        wait_for_memory(s, p, now);
        return;
    }
    gw_sender_move(s, signal, GW_IN_PROCESS, GW_REJECTED, 0, p->batch.items - aside.items);
    gw_sender_finish_inflight(s, p);
}

uint64_t gw_sender_random(struct gw_sender *s)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15u; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void retry(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    if (gw_sender_has_successor(s)) {
        gw_sender_give_back(s, p);
        return;
    }
    if (gw_sender_over_deadline(s, now)) {
        gw_sender_drop_inflight(s, p, GW_REASON_SHUTDOWN);
        return;
    }
    gw_exporter_health_trouble(&s->health, &p->outcome, now);
    gw_sender_count(&s->counts.retries);
    struct gw_step step = gw_retry_step(&p->retry, &s->pace.retry, &p->outcome, now, gw_sender_random(s));
    if (step.give_up)
        gw_sender_drop_inflight(s, p, GW_REASON_EXPIRED);
    else
        gw_sender_postpone(s, p, step.until, now);
}

/* Requests larger than what was refused need not be tried again: batches become smaller until the next
 * start. */
static void learn_size(struct gw_sender *s, const struct gw_inflight_batch *p)
{
    size_t half = p->batch.bytes / 2 > LEAST_LEARNED_BYTES ? p->batch.bytes / 2 : LEAST_LEARNED_BYTES;
    if (half >= s->limits.bytes)
        return;
    s->limits.bytes = half;
    gw_log(GW_WARNING, s->component,
           "the backend finds requests of %zu bytes too large (%s): from now on at most %zu; set batch.bytes "
           "to that",
           p->batch.bytes, p->outcome.text, half);
}

static void split(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_inflight_batch *half[2];
    if (gw_sender_has_successor(s)) {
        gw_sender_give_back(s, p);
        return;
    }
    learn_size(s, p);
    switch (gw_inflight_batch_split(p, s->conf->max_age, half)) {
    case GW_DIVIDED:
        gw_sender_postpone(s, half[0], now, now);
        gw_sender_postpone(s, half[1], now, now);
        break;
    case GW_INDIVISIBLE:
        reject(s, p, now);
        break;
    case GW_DIVISION_NO_MEMORY:
        gw_log(GW_WARNING, s->component,
               "no memory to split a request of %zu bytes: it is kept and tried again", p->batch.bytes);
        wait_for_memory(s, p, now);
        break;
    }
}

void gw_sender_settle(struct gw_sender *s, gw_nsec now)
{
    while (s->settled.first) {
        struct gw_inflight_batch *p = gw_sender_detach(&s->settled, &s->settled.first);
        gw_breaker_answer(&s->breaker[p->batch.signal], &s->pace, p->outcome.verdict, p->retry.tries == 0,
                          now, gw_sender_random(s));
        switch (p->outcome.verdict) {
        case GW_DONE:
            settle_done(s, p, now);
            break;
        case GW_RETRY:
        case GW_RETRY_SLOWLY:
            retry(s, p, now);
            break;
        case GW_SPLIT:
            split(s, p, now);
            break;
        case GW_REFUSED:
            reject(s, p, now);
            break;
        case GW_DISCARDED:
            gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_DISCARDED,
                           p->batch.items);
            gw_sender_finish_inflight(s, p);
            break;
        }
    }
}

/* From within the exporter's send or wait. */
void gw_sender_on_done(void *cookie, const struct gw_outcome *o)
{
    struct gw_inflight_batch *p = cookie;
    struct gw_sender *s = p->owner;
    p->outcome = *o;
    s->open--;
    gw_sender_append(&s->settled, p);
}
