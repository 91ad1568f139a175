/* notify.h: what a service manager is told: systemd's Type=notify, its watchdog, and whoever else sets NOTIFY_SOCKET.
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
/* Says that all is well when it is time to, and it is. How long until it wants to be called again; GW_NEVER: not at all. */
gw_nsec gw_notify_watchdog(void);

#endif
