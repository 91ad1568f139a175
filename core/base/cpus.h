/* cpus.h: how many cores this process may use.
 *
 *      scheduler's affinity mask ─┐
 *      cgroup v2 cpu.max         ─┼─▶ the least of them, at least 1
 *      cgroup v1 cfs quota       ─┘
 *
 * A container with two cores' worth of quota on a machine of 64 wants two receiver threads, not 64. A quota
 * is rounded up: 1.5 cores keep two threads busy. Every cgroup from the process's own up to the root counts,
 * since a limit binds from above.
 *
 * Threads: any; reads files, so ask once.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CPUS_H
#define GW_CPUS_H

#include "core/base/str.h"

int gw_cpus(void);

/* The parts that are worth a test: cores, rounded up, that "max 100000" or "150000 100000" (cpu.max) allow; 0
 * for no limit. */
int gw_cpus_of_max(gw_str cpu_max);
/* The same for v1's two files; a quota of -1 is no limit. */
int gw_cpus_of_quota(int64_t quota, int64_t period);

#endif
