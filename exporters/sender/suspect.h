/* suspect.h: a request that fails again and again while others pass is itself the reason.
 *
 *   a span whose words a firewall dislikes, a tenant that the backend refuses, a record that makes it fall
 *   over:
 *   [good good BAD good] ── fails, others pass, three times ─▶ [good good] and [BAD good] ─▶ …
 *                        ─▶ [BAD] alone, the others delivered
 *
 * A failure counts against a request when something of its signal was taken since its last failure, and no
 * request failed at its first try meanwhile: a backend that refuses many is overloaded, and parts would be
 * more load. What is suspected is halved; a half is suspected from the start, and one more such failure
 * halves it again.
 *
 * Threads: the sender's. No clock.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SUSPECT_H
#define GW_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

/* What the backend did with a signal's requests. Zeroed at first. */
struct gw_answers {
    uint64_t taken, failed_first; /* requests; those that failed at their first try */
};

/* One request's record. Zeroed, it has never failed. */
struct gw_suspect {
    unsigned failures;      /* that count against it */
    bool seen;              /* it failed before, and then stood … */
    struct gw_answers then; /* … the answers so */
};

/* A request failed; `now` without this failure. */
void gw_suspect_failed(struct gw_suspect *, const struct gw_answers *now);
/* It is time to halve it. */
bool gw_is_suspect(const struct gw_suspect *);
/* It has failed often enough to be given up, were it a single item. */
bool gw_is_convicted(const struct gw_suspect *);
/* The record of a half of a suspect. */
struct gw_suspect gw_suspect_half(const struct gw_suspect *);

#endif
