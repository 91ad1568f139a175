/* lock.c: Checks the order in which locks are taken. Empty without DDGATE_LOCK_ORDER. With thread.h it keeps
 * the locks that each thread holds. Called by gw_lock, gw_unlock and the waits of lock.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/lock.h"

#include "core/base/panic.h"
#include "core/base/thread.h"

#ifdef DDGATE_LOCK_ORDER

static const char *const names[GW_LOCKS] = {
#define LOCK(name, protects, where) [GW_LOCK_##name] = #name,
#include "core/base/locks.def"
#undef LOCK
};

/* A lock taken with trylock may be above others of the stack, so all of them are compared. */
static const struct gw_thread_lock *lowest_held(const struct gw_thread_locks *held)
{
    const struct gw_thread_lock *lowest = NULL;
    for (unsigned i = 0; i < held->n; i++)
        if (!lowest || held->at[i].rank >= lowest->rank)
            lowest = &held->at[i];
    return lowest;
}

void gw_lock_will_take(const struct gw_lock *l)
{
    const struct gw_thread_lock *lowest = lowest_held(gw_thread_holds());
    if (lowest && lowest->rank == l->class)
        gw_panic("lock %s is taken %s", names[l->class],
                 lowest->lock == l ? "twice" : "while another of its kind is held");
    if (lowest && lowest->rank > l->class)
        gw_panic("lock %s is taken while %s is held, which locks.def has below it", names[l->class],
                 lowest->name);
}

void gw_lock_taken(const struct gw_lock *l)
{
    struct gw_thread_locks *held = gw_thread_holds();
    if (held->n == GW_THREAD_LOCKS)
        gw_panic("lock %s is one more than a thread can hold", names[l->class]);
    held->at[held->n++] = (struct gw_thread_lock){l, names[l->class], l->class};
}

void gw_lock_given(const struct gw_lock *l)
{
    struct gw_thread_locks *held = gw_thread_holds();
    unsigned i = held->n;
    while (i > 0 && held->at[i - 1].lock != l)
        i--;
    if (i == 0)
        gw_panic("lock %s is given back by a thread that does not hold it", names[l->class]);
    for (held->n--; i <= held->n; i++)
        held->at[i - 1] = held->at[i];
}

void gw_lock_will_sleep(const struct gw_lock *l)
{
    const struct gw_thread_locks *held = gw_thread_holds();
    for (unsigned i = 0; i < held->n; i++)
        if (held->at[i].lock != l)
            gw_panic("lock %s is held while the thread sleeps on %s", held->at[i].name, names[l->class]);
}

#endif
