/* notify.h: notifications to a service manager: systemd's Type=notify, its watchdog, and any other that sets
 * NOTIFY_SOCKET.
 *
 *     all started ─▶ READY=1        SIGHUP ─▶ RELOADING=1 … READY=1        SIGTERM ─▶ STOPPING=1, with how long it may take
 *     WATCHDOG_USEC ─▶ main wakes four times in that while, looks whether the loops of workers and senders come round (pulse.h),
 *                      and only then says WATCHDOG=1. A process that is stuck is killed, which leaves a report, and started again.
 *
 * Without NOTIFY_SOCKET all of this does nothing. It is a datagram with lines of NAME=VALUE, for which no library is needed.
 *
 * Threads: main.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_NOTIFY_H
#define GW_NOTIFY_H

#include "core/base/clock.h"

/* Reads the environment. */
void gw_notify_begin(void);
void gw_notify_ready(void);
void gw_notify_reloading(void);
/* It will take at most `most` from now. */
void gw_notify_stopping(gw_nsec most);
/* Notifies the watchdog if it is due and all threads make progress. Returns how long until the next call;
 * GW_NEVER: no further call is needed. */
gw_nsec gw_notify_watchdog(void);

#endif
