/* sender_state.c: what one sees of a sender and its backend: whether it takes data, how long an answer takes,
 * how long the oldest frame waits, what the backend last said. Owns nothing beyond the sender's own members.
 * The sender's thread writes; the page, `ddgate top` and the API read, on any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "exporters/sender/sender_internal.h"

/* How often many batches are looked through for the oldest. */
static const gw_nsec LOOK = GW_SEC;
enum { MANY = 64 };

static void see_words(struct gw_sender_seen *seen, const struct gw_outcome *o)
{
    gw_lock(&seen->lock);
    snprintf(seen->words, sizeof seen->words, "%s%s%s", o->text, o->remedy ? "; " : "",
             o->remedy ? o->remedy : "");
    seen->said = gw_wall();
    gw_unlock(&seen->lock);
}

static enum gw_backend_state state_of(const struct gw_outcome *o)
{
    bool down = o->unreachable || o->verdict == GW_RETRY_SLOWLY || o->verdict == GW_TIMED_OUT;
    return !gw_is_failure(o->verdict) ? GW_BACKEND_OK : down ? GW_BACKEND_DOWN : GW_BACKEND_RETRYING;
}

void gw_sender_saw(struct gw_sender *s, const struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_sender_seen *seen = &s->seen;
    const struct gw_outcome *o = &p->outcome;
    bool took_all = o->verdict == GW_DONE && !o->rejected;
    gw_nsec took = (now - p->sent.at) / GW_USEC;
    if (!took_all && o->verdict != GW_DISCARDED && o->text[0])
        see_words(seen, o);
    atomic_store_explicit(&seen->backend, state_of(o), memory_order_relaxed);
    if (gw_is_failure(o->verdict) || o->verdict == GW_DISCARDED)
        return;
    uint64_t n = atomic_load_explicit(&seen->answers, memory_order_relaxed);
    uint32_t shown = took < 1 ? 1 : took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
    atomic_store_explicit(&seen->latency[n % GW_SENDER_LATENCIES], shown, memory_order_relaxed);
    atomic_store_explicit(&seen->answers, n + 1, memory_order_release);
}

void gw_sender_see_waiting(struct gw_sender *s, gw_nsec now)
{
    struct gw_sender_seen *seen = &s->seen;
    gw_nsec oldest = GW_NEVER;
    if (s->waiting_n > MANY && now - seen->looked < LOOK)
        return;
    for (const struct gw_inflight_batch *p = s->waiting.first; p; p = p->next) {
        gw_nsec arrived = p->retry.first_expiry - s->conf->max_age;
        oldest = arrived < oldest ? arrived : oldest;
    }
    seen->looked = now;
    atomic_store_explicit(&seen->oldest, s->waiting.first ? oldest : 0, memory_order_relaxed);
}

void gw_sender_inherit_seen(struct gw_sender *successor, struct gw_sender *predecessor)
{
    struct gw_sender_seen *to = &successor->seen, *from = &predecessor->seen;
    char words[sizeof from->words];
    gw_lock(&from->lock);
    memcpy(words, from->words, sizeof words);
    int64_t said = from->said;
    gw_unlock(&from->lock);
    gw_lock(&to->lock);
    memcpy(to->words, words, sizeof words);
    to->said = said;
    gw_unlock(&to->lock);
    atomic_store_explicit(&to->backend, atomic_load_explicit(&from->backend, memory_order_relaxed),
                          memory_order_relaxed);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void see_latency(const struct gw_sender_seen *seen, struct gw_sender_state *out)
{
    uint32_t took[GW_SENDER_LATENCIES];
    uint64_t answers = atomic_load_explicit(&seen->answers, memory_order_acquire);
    size_t n = answers < GW_SENDER_LATENCIES ? (size_t)answers : GW_SENDER_LATENCIES;
    for (size_t i = 0; i < n; i++)
        took[i] = atomic_load_explicit(&seen->latency[i], memory_order_relaxed);
    qsort(took, n, sizeof *took, by_size);
    if (!n)
        return;
    out->p50 = took[(n - 1) / 2] * GW_USEC;
    out->p99 = took[(n - 1) * 99 / 100] * GW_USEC;
}

void gw_sender_state(struct gw_sender *s, struct gw_sender_state *out)
{
    struct gw_sender_seen *seen = &s->seen;
    struct gw_queue_state queue;
    gw_queue_state(s->queue, &queue);
    *out = (struct gw_sender_state){
        .name = s->name,
        .type = s->exporter->name,
        .number = s->number,
        .backend = (enum gw_backend_state)atomic_load_explicit(&seen->backend, memory_order_relaxed),
        .used = queue.used,
        .capacity = queue.capacity,
        .refusing = queue.refusing,
        .on_disk = s->disk_log && gw_segment_log_lagging(s->disk_log, s->reader)};
    gw_nsec waiting = atomic_load_explicit(&seen->oldest, memory_order_relaxed), now = gw_now();
    gw_nsec first = !queue.oldest || (waiting && waiting < queue.oldest) ? waiting : queue.oldest;
    out->oldest = first && first < now ? now - first : 0;
    see_latency(seen, out);
    gw_lock(&seen->lock);
    memcpy(out->words, seen->words, sizeof out->words);
    out->said = seen->said;
    gw_unlock(&seen->lock);
}

void gw_sender_describe(const struct gw_sender *s, FILE *to)
{
    if (s->exporter->describe)
        s->exporter->describe(s->ctx, to);
}
