/* circuit_breaker.h: decides when a backend that accepts nothing of a signal is tried again.
 *
 *      CLOSED   requests are sent as they are ready; one that fails waits for its own retry and does not
 *        │      delay others
 *        │ as many first tries in a row fail as may be in flight. One failure is enough if the
 *        │ configuration is refused (GW_RETRY_SLOWLY) and nothing was accepted with it yet; later, such a
 *        │ refusal may be about that request alone
 *        ▼
 *      OPEN     one request at a time passes, at the rate at which that many requests would retry:
 *        │      alternately one that waits for its retry and one that was never sent
 *        │ any answer that shows that the backend accepts requests
 *        ▼
 *      CLOSED
 *
 * A request that is refused repeatedly tells nothing about the others, so only first tries open the breaker.
 * Without the breaker, every new batch would be tried during an outage, and their number would grow.
 *
 * Threads: the sender's. The caller passes times and random numbers.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CIRCUIT_BREAKER_H
#define GW_CIRCUIT_BREAKER_H

#include "exporters/sender/retry.h"

/* A zeroed struct is closed. */
struct gw_breaker {
    bool open, slow;   /* slow: only a person can fix the cause */
    bool taken;        /* something was accepted since it was last open: the configuration works */
    bool unreachable;  /* set by the sender: the last failure was a missing connection */
    bool fresh_turn;   /* the next request to pass is one that was never sent, if there is one */
    unsigned failures; /* in a row; while closed, only first tries */
    gw_nsec next;      /* while open: monotonic time when the next request may pass */
};

/* `most`: the number of requests that may be open at a time. */
struct gw_breaker_conf {
    struct gw_retry_conf retry;
    unsigned most;
};

bool gw_breaker_allows(const struct gw_breaker *, gw_nsec now);
/* Call when a request is sent. `fresh`: it was never sent before. */
void gw_breaker_pass(struct gw_breaker *, const struct gw_breaker_conf *, bool fresh, gw_nsec now,
                     uint64_t random);
/* Handles the verdict on a request. A verdict that is not a failure (gw_is_failure) shows that the backend
 * works. */
void gw_breaker_answer(struct gw_breaker *, const struct gw_breaker_conf *, enum gw_verdict, bool first_try,
                       gw_nsec now, uint64_t random);

#endif
