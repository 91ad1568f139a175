/* pulse.c: Since when each thread has been in a turn of its loop. Owns the table of them. Called by
 * thread.c, by the loops of HTTP workers and senders, and by the watchdog on the main thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/pulse.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

enum { THREADS = 256, NAME = 16 };

/* A place is its thread's, from taken to free; what another reads of it meanwhile is only a number and a name to print. */
static struct pulse {
    atomic_bool taken;
    _Atomic(int64_t) since; /* 0: it waits */
    _Atomic(char) name[NAME];
} table[THREADS];

static _Thread_local struct pulse *mine;

void gw_pulse_begin(const char *name)
{
    for (size_t i = 0; i < THREADS; i++)
        if (!atomic_exchange(&table[i].taken, true)) {
            mine = &table[i];
            atomic_store(&mine->since, 0);
            for (size_t at = 0; at < NAME - 1 && (at == 0 || name[at - 1]); at++)
                atomic_store_explicit(&mine->name[at], name[at], memory_order_relaxed);
            return;
        }
}

void gw_pulse_end(void)
{
    if (!mine)
        return;
    atomic_store(&mine->since, 0);
    atomic_store(&mine->taken, false);
    mine = NULL;
}

void gw_pulse_works(gw_nsec now)
{
    if (mine)
        atomic_store_explicit(&mine->since, now, memory_order_relaxed);
}

void gw_pulse_rests(void)
{
    if (mine)
        atomic_store_explicit(&mine->since, 0, memory_order_relaxed);
}

bool gw_pulse_stuck(gw_nsec now, gw_nsec most, char *name, size_t size)
{
    for (size_t i = 0; i < THREADS; i++) {
        gw_nsec since = atomic_load_explicit(&table[i].since, memory_order_relaxed);
        if (since == 0 || now - since <= most)
            continue;
        size_t at = 0;
        for (; at + 1 < size && at < NAME; at++)
            if (!(name[at] = atomic_load_explicit(&table[i].name[at], memory_order_relaxed)))
                break;
        name[at] = '\0';
        return true;
    }
    return false;
}
