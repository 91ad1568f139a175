/* One breaker per signal of a sender: counts failures in a row, and slows sending down while the backend
 * accepts nothing. Owns only its own state. Called by sender.c before a request is sent and by
 * sender_outcome.c after it was answered.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/circuit_breaker.h"

bool gw_breaker_allows(const struct gw_breaker *b, gw_nsec now)
{
    return !b->open || now >= b->next;
}

/* Returns the average time between two requests, if `most` requests retried independently. */
static gw_nsec pause_of(const struct gw_breaker *b, const struct gw_breaker_conf *conf, uint64_t random)
{
    if (b->slow)
        return gw_retry_pause(&conf->retry, GW_RETRY_SLOWLY, 0, random);
    return gw_retry_pause(&conf->retry, GW_RETRY, b->failures / conf->most - 1, random) / conf->most;
}

void gw_breaker_pass(struct gw_breaker *b, const struct gw_breaker_conf *conf, bool fresh, gw_nsec now,
                     uint64_t random)
{
    if (!b->open)
        return;
    b->fresh_turn = !fresh;
    b->next = now + pause_of(b, conf, random);
}

static void count_failure(struct gw_breaker *b, const struct gw_breaker_conf *conf, bool slow, gw_nsec now,
                          uint64_t random)
{
    bool was_open = b->open;
    b->failures++;
    if (slow && !b->taken && b->failures < conf->most)
        b->failures = conf->most;
    b->slow = slow;
    b->open = b->failures >= conf->most;
    b->taken = b->taken && !b->open;
    if (!b->open || was_open)
        return;
    b->fresh_turn = true;
    b->next = now + pause_of(b, conf, random);
}

void gw_breaker_answer(struct gw_breaker *b, const struct gw_breaker_conf *conf, enum gw_verdict verdict,
                       bool first_try, gw_nsec now, uint64_t random)
{
    if (!gw_is_failure(verdict))
        *b = (struct gw_breaker){.taken = verdict == GW_DONE || b->taken};
    else if (b->open || first_try)
        count_failure(b, conf, verdict == GW_RETRY_SLOWLY, now, random);
}
