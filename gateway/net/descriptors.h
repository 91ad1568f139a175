/* descriptors.h: connections leave the last descriptors of the process to what must go on: log files, the disk queue, exporters.
 *
 *     0 ──────── listeners, connections ──────── limit − reserve ── files, disk queue, exporters ── limit
 *
 * The reserve is a quarter of the limit (`ulimit -n`), 64 at most. The system gives the lowest number that is
 * free, so one of the last of them says that hardly any is left.
 *
 * Threads: any. SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DESCRIPTORS_H
#define GW_DESCRIPTORS_H

#include <stdbool.h>

/* A connection that has just been accepted with this number is one too many. */
bool gw_descriptor_is_reserved(int fd);
/* It is of the last half of the reserve: no connection may stay with it, whoever makes way. */
bool gw_descriptor_is_last(int fd);

#endif
