/* ddtrace_cgroup.h: which container and pod a sender runs in, by the kernel's word.
 *
 *     peer of the Unix socket ─ SO_PEERCRED ─▶ process ─ <proc_root>/<pid>/cgroup ─┐
 *     Datadog-Entity-ID: in-4711 ─▶ cgroup with that inode ─ walk of <cgroup_root> ┴▶ path of the cgroup ─▶ container, pod
 *
 * Where a tracer cannot see its container (a cgroup namespace of its own hides the path), it sends the inode of its
 * cgroup, which is the same number outside. One walk notes the inodes of all cgroups that belong to containers; an
 * inode that is not among them starts another, ten seconds after the last at the earliest. cgroup v2, and of v1 the
 * hierarchy of the memory controller, as tracers do.
 *
 * Threads: any. Ownership: the receiver's. Cost: a walk reads each folder once, 65 536 of them at most; a lookup is a
 * binary search.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_CGROUP_H
#define GW_DDTRACE_CGROUP_H

#include <sys/types.h>

#include "core/base/clock.h"
#include "translators/ddtrace/dd_request.h"

/* Texts that end with a NUL byte; empty: not known. */
struct ddtrace_origin {
    char container[72], pod[DD_POD_UID];
};

struct ddtrace_cgroups;

/* The strings outlive it. NULL when there is no memory. */
struct ddtrace_cgroups *ddtrace_cgroups_new(const char *proc_root, const char *cgroup_root);
void ddtrace_cgroups_drop(struct ddtrace_cgroups *); /* NULL is legal */
/* Where the process runs; reads a file. */
void ddtrace_origin_of_process(const struct ddtrace_cgroups *, pid_t, struct ddtrace_origin *);
/* Whose cgroup has the inode; may walk. */
void ddtrace_origin_of_inode(struct ddtrace_cgroups *, uint64_t inode, gw_nsec now, struct ddtrace_origin *);

#endif
