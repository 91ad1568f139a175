/* log_writer.h: standard error, for which nobody has to wait.
 *
 *   any thread: put ─▶ [ ring of 256 KiB ] ─▶ thread "log": write, a line at a time ─▶ standard error
 *                  └─▶ no room: false, the lines are lost and the caller counts them
 *
 * A pipe that nobody reads, a terminal that was stopped, a file on a server that is away: write() then blocks
 * for as long as that lasts, and whatever looks at the descriptor beforehand only makes it less likely (poll
 * speaks of one moment, of pipes only, and O_NONBLOCK belongs to everybody who has the same standard error).
 * So one thread writes and nobody else does; that one may block. Others copy their line into the ring, under
 * a lock that is never held during a write.
 *
 * Before start and after a stop that wrote everything, put writes by itself. That is how commands without a
 * log thread work.
 *
 * Order is kept. What has not been written when the process is killed, or crashes, is gone: as a rule
 * nothing, since the thread writes at once. What is there at stop is written within its patience.
 *
 * Threads: put from any; start and stop on the main thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOG_WRITER_H
#define GW_LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/clock.h"

enum { GW_LOG_RING = 256 * 1024 };

/* `idle` is called on the thread, without its lock, whenever everything has been written, and again at the time that it
 * returns (GW_NEVER: no time), or after a wake: it may put. False: there is no thread. */
bool gw_log_writer_start(gw_nsec (*idle)(void));
void gw_log_writer_wake(void);
/* Whole lines, each ending in '\n', all or none. False: there is no room for them now. */
bool gw_log_writer_put(const char *lines, size_t n);
/* Returns when everything is written, the thread then being gone, or after `patience`. Then the thread stays
 * where it is, in a write that may never return, and what does not fit into the ring is lost: the process can
 * end. True: everything is written. */
bool gw_log_writer_stop(gw_nsec grace_period);

#endif
