/* descriptors.h: reserves the last descriptors of the process for files, the disk queue and exporters.
 *
 *     0 ──────── listeners, connections ──────── limit − reserve ── files, disk queue, exporters ── limit
 *
 * The reserve is a quarter of the limit (`ulimit -n`), 64 at most. The system returns the lowest free
 * number, so a number in the reserve shows that few are left.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DESCRIPTORS_H
#define GW_DESCRIPTORS_H

#include <stdbool.h>

/* A connection that has just been accepted with this number is one too many. */
bool gw_descriptor_is_reserved(int fd);
/* True if it is in the last half of the reserve: then no connection may keep it. */
bool gw_descriptor_is_last(int fd);

#endif
