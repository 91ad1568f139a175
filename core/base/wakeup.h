/* wakeup.h: wakes a thread that sleeps until a time: a sender, the disk queue's thread.
 *
 * A signal is kept until the next wait takes it, so a signal between "nothing to do" and "asleep" is not
 * lost.
 * Threads: one waits, any signals.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_WAKEUP_H
#define GW_WAKEUP_H

#include <pthread.h>

#include "core/base/clock.h"
#include "core/base/lock.h"

struct gw_wakeup {
    struct gw_lock lock;
    pthread_cond_t cond; /* on the monotonic clock */
    bool rung;           /* under lock */
};

static inline void gw_wakeup_init(struct gw_wakeup *b)
{
    gw_lock_init(&b->lock, GW_LOCK_WAKEUP);
    gw_cond_init(&b->cond);
    b->rung = false;
}

static inline void gw_wakeup_fini(struct gw_wakeup *b)
{
    pthread_cond_destroy(&b->cond);
    gw_lock_fini(&b->lock);
}

static inline void gw_wakeup_signal(struct gw_wakeup *b)
{
    gw_lock(&b->lock);
    b->rung = true;
    pthread_cond_signal(&b->cond);
    gw_unlock(&b->lock);
}

/* Returns when signalled, or at the monotonic time `until`; GW_NEVER: no limit. A time in the past only
 * checks. */
static inline void gw_wakeup_wait(struct gw_wakeup *b, gw_nsec until)
{
    bool late = until <= 0;
    gw_lock(&b->lock);
    while (!b->rung && !late)
        late = !gw_cond_wait_until(&b->cond, &b->lock, until);
    b->rung = false;
    gw_unlock(&b->lock);
}

#endif
