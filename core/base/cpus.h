/* cpus.h: the number of cores that this process may use.
 *
 *      scheduler's affinity mask ─┐
 *      cgroup v2 cpu.max         ─┼─▶ the least of them, at least 1
 *      cgroup v1 cfs quota       ─┘
 *
 * A container with a quota of two cores on a machine of 64 needs two receiver threads, not 64. A quota is
 * rounded up: 1.5 cores keep two threads busy. Every cgroup from the process's own up to the root counts,
 * because each of them limits the process.
 *
 * Threads: any. The function reads files, so call it once.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CPUS_H
#define GW_CPUS_H

#include "core/base/str.h"

int gw_cpus(void);

/* Public for tests: the cores, rounded up, of a cpu.max such as "max 100000" or "150000 100000"; 0 for no
 * limit. */
int gw_cpus_of_max(gw_str cpu_max);
/* The same for the two files of v1; a quota of -1 is no limit. */
int gw_cpus_of_quota(int64_t quota, int64_t period);

#endif
