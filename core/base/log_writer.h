/* log_writer.h: writes to standard error without making other threads wait.
 *
 *   any thread: put ─▶ [ ring of 256 KiB ] ─▶ thread "log": write, a line at a time ─▶ standard error
 *                  └─▶ no room: false, the lines are lost and the caller counts them
 *
 * On a pipe that is not read, a stopped terminal, or a file on an unreachable server, write() blocks.
 * Looking at the descriptor beforehand does not prevent this: poll describes one moment, and of pipes only;
 * O_NONBLOCK would affect every process with the same standard error. So one thread writes, and only that
 * thread may block. Other threads copy their line into the ring, under a lock that is never held during a
 * write.
 *
 * Before start, and after a stop that wrote everything, put writes directly. Commands without a log thread
 * work in this way.
 *
 * Lines stay in order. Lines that are not written when the process is killed or crashes are lost; usually
 * there are none, because the thread writes at once. Lines in the ring at a stop are written within the
 * grace period.
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

/* The thread calls `idle`, without the lock, whenever everything has been written, and again at the time that
 * it returns (GW_NEVER: no time), or after a wake; it may put. False: no thread could be started. */
bool gw_log_writer_start(gw_nsec (*idle)(void));
void gw_log_writer_wake(void);
/* Puts whole lines, each ending in '\n', all or none. False: there is no room now. */
bool gw_log_writer_put(const char *lines, size_t n);
/* Returns when everything is written and the thread has ended, or after the grace period. In the second case
 * the thread stays in a write that may never return, and the rest is lost, so that the process can end. True:
 * everything is written. */
bool gw_log_writer_stop(gw_nsec grace_period);

#endif
