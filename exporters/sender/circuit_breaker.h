/* circuit_breaker.h: when a backend that takes nothing of a signal is asked again.
 *
 *      CLOSED   requests go out as they are ready; one that fails waits for its own retry and keeps no
 *        │      other from being sent
 *        │ as many first tries in a row fail as may be in flight; one is enough when the configuration is
 *        │ refused (GW_RETRY_SLOWLY) and nothing was taken with it so far: later a refusal may be about that
 *        │ request alone
 *        ▼
 *      OPEN     one request at a time passes, at the pace at which that many requests would retry: of what
 *        │      waits for its retry and what was never sent, by turns
 *        │ any answer that shows that the backend takes requests
 *        ▼
 *      CLOSED
 *
 * A request that is refused again and again says nothing of the others, therefore only first tries open the
 * breaker. Without it, every batch that comes during an outage would be tried by itself, ever more of them.
 *
 * Threads: the sender's. No clock and no source of randomness: both are handed in.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CIRCUIT_BREAKER_H
#define GW_CIRCUIT_BREAKER_H

#include "exporters/sender/retry.h"

/* Zeroed, it is closed. */
struct gw_breaker {
    bool open, slow;   /* slow: only a person can mend it */
    bool taken;        /* something was taken since it was last open: the configuration works */
    bool unreachable;  /* the sender's: the last failure was that there is no connection */
    bool fresh_turn;   /* the next to pass is one that was never sent, where there is one */
    unsigned failures; /* in a row; while closed, of first tries alone */
    gw_nsec next;      /* while open: monotonic, when the next request may pass */
};

/* `most`: how many requests may be open at a time. */
struct gw_breaker_conf {
    struct gw_retry_conf retry;
    unsigned most;
};

bool gw_breaker_allows(const struct gw_breaker *, gw_nsec now);
/* A request is sent. `fresh`: it was never sent before. */
void gw_breaker_pass(struct gw_breaker *, const struct gw_breaker_conf *, bool fresh, gw_nsec now,
                     uint64_t random);
/* The verdict on a request; what is no failure (gw_is_failure) shows that the backend answers. */
void gw_breaker_answer(struct gw_breaker *, const struct gw_breaker_conf *, enum gw_verdict, bool first_try,
                       gw_nsec now, uint64_t random);

#endif
