/* suspect.h: finds requests that fail repeatedly while others pass, and so cause the failure themselves.
 *
 *   Examples: a span with text that a firewall blocks, a tenant that the backend refuses, a record that makes
 *   the backend crash:
 *   [good good BAD good] ── fails, others pass, three times ─▶ [good good] and [BAD good] ─▶ …
 *                        ─▶ [BAD] alone, the others delivered
 *
 * A failure counts against a request if something of its signal was accepted since its last failure, and no
 * request failed at its first try meanwhile: a backend that refuses many is overloaded, and parts would add
 * load. A suspected request is halved; a half is suspected from the start, and one more such failure halves
 * it again.
 *
 * Threads: the sender's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SUSPECT_H
#define GW_SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

/* The backend's answers to a signal's requests. Initialize with zero. */
struct gw_answers {
    uint64_t taken, failed_first; /* accepted requests; requests that failed at their first try */
};

/* The record of one request. Zeroed: it has never failed. */
struct gw_suspect {
    unsigned failures;      /* failures that count against it */
    bool seen;              /* it failed before, and at that time … */
    struct gw_answers then; /* … the answers were these */
};

/* Call when a request failed; `now` does not include this failure. */
void gw_suspect_failed(struct gw_suspect *, const struct gw_answers *now);
/* Returns whether it should be halved. */
bool gw_is_suspect(const struct gw_suspect *);
/* Returns whether it has failed often enough to be given up if it is a single item. */
bool gw_is_convicted(const struct gw_suspect *);
/* Returns the record for a half of a suspect. */
struct gw_suspect gw_suspect_half(const struct gw_suspect *);

#endif
