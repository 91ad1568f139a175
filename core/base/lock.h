/* lock.h: a mutex whose place in the order of locks is checked.
 *
 *     struct gw_lock lock;                     gw_lock(&q->lock);
 *     gw_lock_init(&q->lock, GW_LOCK_QUEUE);   … gw_lock(&ledger->lock) … only if LEDGER is below QUEUE in locks.def
 *                                              gw_unlock(&q->lock);
 *
 * locks.def names every lock of the program, outermost first. With DDGATE_LOCK_ORDER (presets asan and
 * tsan, debug builds) each thread keeps a stack of its locks. A thread that takes a lock out of order,
 * takes a second one of the same row, or sleeps on a condition while it holds another lock ends the process
 * with both names (panic.h). So the first thread in the wrong order reveals a possible deadlock; the
 * deadlock itself need not happen. Without DDGATE_LOCK_ORDER a lock is a plain pthread_mutex_t.
 *
 * Conditions: gw_cond_init makes one on the monotonic clock.
 * Ownership: the lock is a member of the struct that it protects.  Errors: none; misuse is a fault of
 * ddgate.
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOCK_H
#define GW_LOCK_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/clock.h"

enum gw_lock_class {
#define LOCK(name, protects, where) GW_LOCK_##name,
#include "core/base/locks.def"
#undef LOCK
    GW_LOCKS
};

struct gw_lock {
    pthread_mutex_t mutex;
#ifdef DDGATE_LOCK_ORDER
    enum gw_lock_class class;
#endif
};

#ifdef DDGATE_LOCK_ORDER
#define GW_LOCK_STATIC(name)                                                                                 \
    {                                                                                                        \
        PTHREAD_MUTEX_INITIALIZER, GW_LOCK_##name                                                            \
    }
void gw_lock_will_take(const struct gw_lock *);
void gw_lock_taken(const struct gw_lock *);
void gw_lock_given(const struct gw_lock *);
void gw_lock_will_sleep(const struct gw_lock *);
#else
#define GW_LOCK_STATIC(name)                                                                                 \
    {                                                                                                        \
        PTHREAD_MUTEX_INITIALIZER                                                                            \
    }
#define gw_lock_will_take(lock) ((void)0)
#define gw_lock_taken(lock) ((void)0)
#define gw_lock_given(lock) ((void)0)
#define gw_lock_will_sleep(lock) ((void)0)
#endif

static inline void gw_lock_init(struct gw_lock *l, enum gw_lock_class class)
{
    pthread_mutex_init(&l->mutex, NULL);
#ifdef DDGATE_LOCK_ORDER
    l->class = class;
#endif
}

static inline void gw_lock_fini(struct gw_lock *l)
{
    pthread_mutex_destroy(&l->mutex);
}

static inline void gw_lock(struct gw_lock *l)
{
    gw_lock_will_take(l);
    pthread_mutex_lock(&l->mutex);
    gw_lock_taken(l);
}

/* False when another thread holds it. Cannot deadlock, so it may be out of order; locks taken while it is
 * held may not. */
static inline bool gw_trylock(struct gw_lock *l)
{
    if (pthread_mutex_trylock(&l->mutex) != 0)
        return false;
    gw_lock_taken(l);
    return true;
}

static inline void gw_unlock(struct gw_lock *l)
{
    gw_lock_given(l);
    pthread_mutex_unlock(&l->mutex);
}

static inline void gw_cond_init(pthread_cond_t *c)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(c, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

/* Sleeps until the condition is signalled, or spuriously: check again. The caller holds this lock and no
 * other. */
static inline void gw_cond_wait(pthread_cond_t *c, struct gw_lock *l)
{
    gw_lock_will_sleep(l);
    pthread_cond_wait(c, &l->mutex);
}

/* The same, until the monotonic time `until` at the latest; GW_NEVER: no limit. False when that time is past. */
static inline bool gw_cond_wait_until(pthread_cond_t *c, struct gw_lock *l, gw_nsec until)
{
    const struct timespec t = {.tv_sec = (time_t)(until / GW_SEC), .tv_nsec = (long)(until % GW_SEC)};
    gw_lock_will_sleep(l);
    return (until == GW_NEVER ? pthread_cond_wait(c, &l->mutex) : pthread_cond_timedwait(c, &l->mutex, &t)) ==
           0;
}

#endif
