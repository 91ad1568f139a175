/* Handles the outcome of a batch: moves it to the ledger, to another try, or into smaller batches. Lack of
 * memory never decides: a batch that cannot be split or written to a file for lack of memory waits and is
 * tried again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "core/delivery/recent.h"
#include "core/delivery/refusals.h"
#include "exporters/sender/sender_internal.h"

/* While this many batches wait, suspected requests are not split further. */
enum { MOST_WAITING_SUSPECTS = 32 };
/* Minimum time between splits after a burst, for backends that find everything too large. */
static const gw_nsec SPLIT_PACE = 20 * GW_MSEC, SPLIT_BURST = 64 * SPLIT_PACE;
static const gw_nsec SIZE_SAID_AGAIN = 600 * GW_SEC;

static void settle_done(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    uint64_t rejected = p->outcome.rejected < p->batch.items ? p->outcome.rejected : p->batch.items,
             rest = p->batch.items - rejected,
             filtered = p->outcome.filtered < rest ? p->outcome.filtered : rest;
    gw_exporter_health_recovered(&s->health, now);
    gw_congestion_on_answer(&s->congestion, &p->sent, true, now);
    s->answers[p->batch.signal].taken++;
    gw_probes_taken(&s->probes[p->batch.signal]);
    s->answered_at = now;
    if (rejected)
        gw_exporter_health_rejected(&s->health, &p->batch, rejected, &p->outcome);
    else if (p->outcome.text[0])
        gw_log(GW_INFO, s->component, "the backend accepted everything and added a message: %s",
               p->outcome.text);
    gw_refusals_words(GW_REFUSAL_REJECTED, p->outcome.text);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_REJECTED, 0, rejected);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_FILTERED, filtered);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DELIVERED, 0, rest - filtered);
    gw_sender_finish_inflight(s, p);
}

/* There was no memory to handle the outcome of p: it is sent again, and handled then. */
static void wait_for_memory(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    if (gw_sender_over_deadline(s, now)) {
        gw_sender_drop_inflight(s, p, GW_REASON_SHUTDOWN);
        return;
    }
    gw_nsec due = now + GW_SENDER_NO_MEMORY_PAUSE;
    gw_sender_postpone(s, p, due, due, now);
}

/* The first n frames of p are done; the rest stays in it. */
static void release_front(struct gw_sender *s, struct gw_inflight_batch *p, size_t n)
{
    struct gw_chain through = {NULL, NULL};
    gw_inflight_batch_take_frames(p, n, &through);
    gw_sender_release(s, &through, true);
}

/* Rejects for good. What is not written to the dead-letter file is lost, for a reason of the backend or of
 * ddgate. */
static void reject(struct gw_sender *s, struct gw_inflight_batch *p, bool expired, gw_nsec now)
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
               (unsigned long long)aside.items, GW_FMT(s->dead_letter.file.directory));
    if (aside.no_memory) {
        gw_log(GW_WARNING, s->component,
               "no memory to set %llu rejected items aside: they are kept and tried again",
               (unsigned long long)(p->batch.items - aside.items));
        release_front(s, p, aside.frames);
        wait_for_memory(s, p, now);
        return;
    }
    gw_refusals_words(expired ? (unsigned)GW_REASON_EXPIRED : (unsigned)GW_REFUSAL_REJECTED, p->outcome.text);
    if (expired)
        gw_sender_move(s, signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_EXPIRED, p->batch.items - aside.items);
    else
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

/* --- requests that were not taken --- */

/* The request itself seems to be the cause: halves it; the bad half is halved again later. Returns false if
 * it stays whole. */
static bool divide_suspect(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_inflight_batch *half[2];
    struct gw_suspect suspect = p->suspect;
    if (s->waiting_n >= MOST_WAITING_SUSPECTS)
        return false;
    if (p->batch.items > 1)
        gw_exporter_health_suspect(&s->health, &p->batch, &p->outcome, now);
    if (gw_inflight_batch_split(p, s->conf->max_age, half) != GW_DIVIDED)
        return false;
    gw_sender_count(&s->counts.splits);
    half[0]->suspect = half[1]->suspect = gw_suspect_half(&suspect);
    gw_nsec due = now + gw_retry_pause(&s->pace.retry, GW_RETRY, 0, gw_sender_random(s));
    gw_sender_postpone_halves(s, half, due, now);
    return true;
}

/* Returns whether this is a single item that is refused while others pass, and it can be written to a
 * file. */
static bool is_convicted(const struct gw_sender *s, const struct gw_inflight_batch *p)
{
    return s->dead_letter.file.directory.len && p->batch.items == 1 && gw_is_convicted(&p->suspect);
}

static void wait_for_retry(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_outcome o = p->outcome;
    bool suspect = gw_is_suspect(&p->suspect);
    if (suspect && o.verdict == GW_RETRY_SLOWLY)
        o.verdict = GW_RETRY; /* the configuration works for other requests */
    struct gw_step step = gw_retry_step(&p->retry, &s->pace.retry, &o, now, gw_sender_random(s));
    if (step.give_up && suspect && s->dead_letter.file.directory.len) {
        reject(s, p, true, now);
    } else if (step.give_up) {
        gw_refusals_words(GW_REASON_EXPIRED, p->outcome.text);
        gw_sender_drop_inflight(s, p, GW_REASON_EXPIRED);
    } else {
        bool too_late = s->draining && !s->disk_log && gw_sender_over_deadline(s, step.until);
        gw_sender_postpone(s, p, step.early, too_late ? step.early : step.until, now);
    }
}

static void retry(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    const struct gw_breaker *breaker = &s->breaker[p->batch.signal];
    struct gw_answers *answers = &s->answers[p->batch.signal];
    bool first = !gw_inflight_batch_is_retry(p),
         others_pass = first || p->suspect.then.taken != answers->taken;
    if (gw_sender_has_successor(s)) {
        gw_sender_give_back(s, p);
        return;
    }
    if (gw_sender_over_deadline(s, now)) {
        gw_sender_drop_inflight(s, p, GW_REASON_SHUTDOWN);
        return;
    }
    gw_suspect_failed(&p->suspect, answers);
    answers->failed_first += first;
    gw_sender_count(&s->counts.retries);
    if (is_convicted(s, p)) {
        reject(s, p, false, now);
        return;
    }
    if (gw_is_suspect(&p->suspect) && divide_suspect(s, p, now))
        return;
    gw_exporter_health_trouble(&s->health, &p->outcome, breaker->taken && others_pass, now);
    wait_for_retry(s, p, now);
}

/* --- requests that were too large --- */

static void log_size(struct gw_sender *s, const struct gw_inflight_batch *p, gw_nsec now)
{
    if (s->size_said && now - s->size_said < SIZE_SAID_AGAIN)
        return;
    s->size_said = now;
    gw_log(
        GW_WARNING, s->component,
        "the backend finds requests of %zu bytes too large (%s): they become smaller, %zu at most for now; "
        "set batch.bytes to that",
        p->batch.bytes, p->outcome.text, gw_congestion_request_bytes(&s->congestion));
}

/* Returns when parts of a request that is too large may be sent: at once, unless there are very many of
 * them. */
static gw_nsec split_time(struct gw_sender *s, gw_nsec now)
{
    if (s->split_at < now)
        s->split_at = now;
    s->split_at += SPLIT_PACE;
    return s->split_at - now > SPLIT_BURST ? s->split_at - SPLIT_BURST : now;
}

/* Sends the halves in place of the batch. Returns false if it cannot be halved. */
static bool halve(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    struct gw_inflight_batch *half[2];
    switch (gw_inflight_batch_split(p, s->conf->max_age, half)) {
    case GW_DIVIDED:
        gw_sender_count(&s->counts.splits);
        gw_sender_postpone_halves(s, half, split_time(s, now), now);
        return true;
    case GW_INDIVISIBLE:
        return false;
    case GW_DIVISION_NO_MEMORY:
        gw_log(GW_WARNING, s->component,
               "no memory to split a request of %zu bytes: it is kept and tried again", p->batch.bytes);
        wait_for_memory(s, p, now);
    }
    return true;
}

static void split(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    if (gw_sender_has_successor(s)) {
        gw_sender_give_back(s, p);
        return;
    }
    gw_congestion_on_too_large(&s->congestion, p->sent.bytes, now);
    log_size(s, p, now);
    if (!halve(s, p, now))
        reject(s, p, false, now);
}

/* --- requests that were refused for good --- */

/* The backend accepts other requests, so an item of this one causes the refusal: the others are sent again
 * without it. */
static void refuse(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    enum gw_signal signal = p->batch.signal;
    gw_congestion_on_answer(&s->congestion, &p->sent, false, now);
    if (p->batch.items > 1 && s->answers[signal].taken && !gw_sender_over_deadline(s, now) &&
        gw_probes_spend(&s->probes[signal], now)) {
        gw_exporter_health_suspect(&s->health, &p->batch, &p->outcome, now);
        if (gw_sender_has_successor(s)) {
            gw_sender_give_back(s, p);
            return;
        }
        if (halve(s, p, now))
            return;
    }
    reject(s, p, false, now);
}

/* --- */

static void time_out(struct gw_sender *s, struct gw_inflight_batch *p, gw_nsec now)
{
    gw_sender_count(&s->counts.timeouts);
    gw_congestion_on_timeout(&s->congestion, &p->sent, now);
    retry(s, p, now);
}

void gw_sender_settle(struct gw_sender *s, gw_nsec now)
{
    while (s->settled.first) {
        struct gw_inflight_batch *p = gw_sender_detach(&s->settled, &s->settled.first);
        gw_breaker_answer(&s->breaker[p->batch.signal], &s->pace, p->outcome.verdict,
                          !gw_inflight_batch_is_retry(p), now, gw_sender_random(s));
        s->breaker[p->batch.signal].unreachable = p->outcome.unreachable;
        gw_sender_saw(s, p, now);
        switch (p->outcome.verdict) {
        case GW_DONE:
            settle_done(s, p, now);
            break;
        case GW_RETRY:
        case GW_RETRY_SLOWLY:
            retry(s, p, now);
            break;
        case GW_TIMED_OUT:
            time_out(s, p, now);
            break;
        case GW_SPLIT:
            split(s, p, now);
            break;
        case GW_REFUSED:
            refuse(s, p, now);
            break;
        case GW_DISCARDED:
            gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_REASON_DISCARDED,
                           p->batch.items);
            gw_sender_finish_inflight(s, p);
            break;
        }
    }
}

/* Removes what the backend has accepted of the request; the verdict applies to the rest. */
static void take_delivered(struct gw_sender *s, struct gw_inflight_batch *p, const struct gw_outcome *o)
{
    struct gw_chain through = {NULL, NULL};
    uint64_t items = gw_inflight_batch_keep(p, o->left, &through);
    uint64_t rejected = o->rejected < items ? o->rejected : items;
    if (rejected)
        gw_exporter_health_rejected(&s->health, &p->batch, rejected, o);
    gw_refusals_words(GW_REFUSAL_REJECTED, o->text);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_REJECTED, 0, rejected);
    gw_sender_move(s, p->batch.signal, GW_IN_PROCESS, GW_DELIVERED, 0, items - rejected);
    gw_sender_release(s, &through, true);
}

static enum gw_recent_state state_of(const struct gw_outcome *o)
{
    switch (o->verdict) {
    case GW_DONE:
        return o->rejected ? GW_RECENT_REJECTED : GW_RECENT_SENT;
    case GW_REFUSED:
        return GW_RECENT_REJECTED;
    case GW_DISCARDED:
        return GW_RECENT_DROPPED;
    default:
        return GW_RECENT_RETRYING;
    }
}

/* For somebody who looks: what the backend answered, to each frame of the request. */
static void keep_answers(const struct gw_sender *s, const struct gw_inflight_batch *p,
                         const struct gw_outcome *o)
{
    for (size_t i = 0; i < p->batch.n; i++)
        if (p->batch.frames[i]->recent)
            gw_recent_put(&(struct gw_recent_entry){
                .kind = GW_RECENT_ANSWER,
                .link = p->batch.frames[i]->recent,
                .signal = (uint8_t)p->batch.signal,
                .code = (uint8_t)state_of(o),
                .count = (uint64_t)p->retry.tries + 1,
                .parts = {[GW_ANSWER_EXPORTER] = gw_str_z(s->name), [GW_ANSWER_TEXT] = gw_str_z(o->text)}});
}

/* Called from within the exporter's send or wait. */
void gw_sender_on_done(void *cookie, const struct gw_outcome *o)
{
    struct gw_inflight_batch *p = cookie;
    struct gw_sender *s = p->owner;
    p->outcome = *o;
    if (gw_recent_wanted())
        keep_answers(s, p, o);
    s->open--;
    s->open_again -= gw_inflight_batch_is_retry(p);
    s->open_bytes -= p->sent.bytes;
    if (o->left)
        take_delivered(s, p, o);
    p->outcome.left = NULL;
    gw_sender_append(&s->settled, p);
}
