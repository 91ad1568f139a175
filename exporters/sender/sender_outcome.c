/* What becomes of a parcel that the backend answered to: from its verdict to the ledger, to another try, or to smaller parcels.
 *
 * SPDX-License-Identifier: Apache-2.0 */
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

static void reject(struct gw_sender *s, struct gw_inflight_batch *p)
{
    uint64_t overwritten[GW_SIGNALS] = {0};
    gw_exporter_health_rejected(&s->health, &p->batch, p->batch.items, &p->outcome);
    uint64_t aside = gw_dead_letter_put(&s->dead_letter, &p->batch, overwritten);
    if (aside)
        gw_log(GW_WARNING, s->component, "%llu of them were set aside in %.*s", (unsigned long long)aside,
               GW_FMT(s->dead_letter.directory));
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_SET_ASIDE, 0, aside);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_REJECTED, 0, p->batch.items - aside);
    for (int i = 0; i < GW_SIGNALS; i++)
        gw_sender_move(s, (enum gw_signal)i, GW_SET_ASIDE, GW_DROPPED, GW_REASON_OVERWRITTEN, overwritten[i]);
    gw_sender_finish_inflight(s, p);
}

static uint64_t next_random(struct gw_sender *s)
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
    struct gw_step step = gw_retry_step(&p->retry, &s->retry, &p->outcome, now, next_random(s));
    if (step.give_up)
        gw_sender_drop_inflight(s, p, GW_REASON_EXPIRED);
    else
        gw_sender_postpone(s, p, step.until);
}

/* Requests larger than what was refused need not be tried again: batches become smaller until the next start. */
static void learn_size(struct gw_sender *s, const struct gw_inflight_batch *p)
{
    size_t half = p->batch.bytes / 2 > LEAST_LEARNED_BYTES ? p->batch.bytes / 2 : LEAST_LEARNED_BYTES;
    if (half >= s->limits.bytes)
        return;
    s->limits.bytes = half;
    gw_log(GW_WARNING, s->component,
           "the backend finds requests of %zu bytes too large (%s): from now on at most %zu; set batch.bytes to that", p->batch.bytes,
           p->outcome.text, half);
}

static void split(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_inflight_batch *half[2];
    if (gw_sender_has_successor(s)) {
        gw_sender_give_back(s, p);
        return;
    }
    learn_size(s, p);
    if (!gw_inflight_batch_split(p, s->conf->max_age, half)) {
        reject(s, p);
        return;
    }
    gw_sender_postpone(s, half[0], now);
    gw_sender_postpone(s, half[1], now);
}

void gw_sender_settle(struct gw_sender *s, gw_nsec now)
{
    while (s->settled.first) {
        struct gw_inflight_batch *p = gw_sender_detach(&s->settled, &s->settled.first);
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
            reject(s, p);
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
