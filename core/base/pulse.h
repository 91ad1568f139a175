/* pulse.h: checks that the loops of the process make progress, for a watchdog.
 *
 *     loop:   gw_pulse_works()  …a turn…  gw_pulse_rests()  epoll_wait, condition, … ─┐
 *             ▲───────────────────────────────────────────────────────────────────────┘
 *     main:   gw_pulse_stuck(30 s)  ─▶ the name of a thread whose turn has lasted longer, or none
 *
 * A thread that waits is healthy, however long it waits: nothing is woken for the watchdog. A thread that
 * works and does not return, because of a lock, an endless loop or a call that never returns, is stuck.
 * Threads that never call gw_pulse_works are not checked.
 *
 * Every thread of gw_thread_start has a slot in a table of fixed size; threads that start when it is full are
 * not checked either.
 *
 * Threads: any; gw_pulse_stuck from main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PULSE_H
#define GW_PULSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/clock.h"

/* Of the calling thread, by gw_thread_start. */
void gw_pulse_begin(const char *name);
void gw_pulse_end(void);

/* A turn of the calling thread's loop begins; it is over, and the thread waits. */
void gw_pulse_works(gw_nsec now);
void gw_pulse_rests(void);

/* Is a thread's turn older than `most`? Then its name is in `name`. */
bool gw_pulse_stuck(gw_nsec now, gw_nsec most, char *name, size_t size);

#endif
