/* wakeup.h: how a thread that sleeps until a time is woken: a sender, the disk queue's. The one condition variable on the monotonic clock.
 *
 * A ring is kept until the next wait takes it, so one that comes between "nothing to do" and "asleep" is not lost.
 * Threads: one waits, any ring.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_WAKEUP_H
#define GW_WAKEUP_H

#include <pthread.h>

#include "core/base/clock.h"

struct gw_wakeup {
    pthread_mutex_t lock;
    pthread_cond_t cond; /* on the monotonic clock */
    int rung;            /* under lock */
};

static inline void gw_wakeup_init(struct gw_wakeup *b)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->cond, &attr);
    pthread_condattr_destroy(&attr);
    b->rung = 0;
}

static inline void gw_wakeup_fini(struct gw_wakeup *b)
{
    pthread_cond_destroy(&b->cond);
    pthread_mutex_destroy(&b->lock);
}

static inline void gw_wakeup_signal(struct gw_wakeup *b)
{
    pthread_mutex_lock(&b->lock);
    b->rung = 1;
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

/* Returns when rung, or at the monotonic time `until`; GW_NEVER waits for the ring. A time that is past only looks. */
static inline void gw_wakeup_wait(struct gw_wakeup *b, gw_nsec until)
{
    struct timespec t = {.tv_sec = (time_t)(until / GW_SEC), .tv_nsec = (long)(until % GW_SEC)};
    int late = until <= 0;
    pthread_mutex_lock(&b->lock);
    while (!b->rung && !late)
        late = until == GW_NEVER ? pthread_cond_wait(&b->cond, &b->lock) : pthread_cond_timedwait(&b->cond, &b->lock, &t);
    b->rung = 0;
    pthread_mutex_unlock(&b->lock);
}

#endif
