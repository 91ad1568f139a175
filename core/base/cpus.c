/* cpus.c: Counts the processors that the process may use, from its affinity and its cgroups' quotas. Owns
 * nothing. Called by pipeline.c at start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "core/base/cpus.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

static gw_str read_file(const char *path, char *buf, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, buf, size);
    if (fd >= 0)
        close(fd);
    while (n > 0 && buf[n - 1] == '\n')
        n--;
    return n > 0 ? gw_str_n(buf, (size_t)n) : GW_NOSTR;
}

int gw_cpus_of_quota(int64_t quota, int64_t period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    int64_t cores = quota / period + (quota % period != 0);
    return cores > 100000 ? 0 : (int)cores;
}

int gw_cpus_of_max(gw_str cpu_max)
{
    gw_str quota, period;
    int64_t q, p;
    if (!gw_str_next(&cpu_max, ' ', &quota) || !gw_str_next(&cpu_max, ' ', &period))
        return 0;
    if (!gw_str_i64(quota, &q) || !gw_str_i64(period, &p))
        return 0;
    return gw_cpus_of_quota(q, p);
}

static int least(int a, int b)
{
    return a && (!b || a < b) ? a : b;
}

static int of_folder_v2(const char *folder)
{
    char path[4200], text[128];
    snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", folder);
    return gw_cpus_of_max(read_file(path, text, sizeof text));
}

static int of_folder_v1(const char *folder)
{
    char path[4200], text[64];
    int64_t quota, period;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_quota_us", folder);
    if (!gw_str_i64(read_file(path, text, sizeof text), &quota))
        return 0;
    snprintf(path, sizeof path, "/sys/fs/cgroup/cpu%s/cpu.cfs_period_us", folder);
    if (!gw_str_i64(read_file(path, text, sizeof text), &period))
        return 0;
    return gw_cpus_of_quota(quota, period);
}

/* The least limit of a cgroup and of all above it. Inside a container the mount shows the container's cgroup
 * as the root, and the longer paths simply do not exist. */
static int of_path(gw_str cgroup, int (*of_folder)(const char *))
{
    char folder[4096];
    int cores = of_folder("");
    if (cgroup.len >= sizeof folder)
        return cores;
    for (size_t n = cgroup.len; n > 1; n--) {
        if (n != cgroup.len && cgroup.ptr[n] != '/')
            continue;
        memcpy(folder, cgroup.ptr, n);
        folder[n] = 0;
        cores = least(cores, of_folder(folder));
    }
    return cores;
}

/* Lines of /proc/self/cgroup: "0::/a/b" (v2), "4:cpu,cpuacct:/a/b" (v1). */
static int of_cgroup(void)
{
    char text[8192];
    gw_str rest = read_file("/proc/self/cgroup", text, sizeof text), line, id, controllers, name;
    int cores = 0;
    while (gw_str_next(&rest, '\n', &line)) {
        if (!gw_str_next(&line, ':', &id) || !gw_str_next(&line, ':', &controllers))
            continue;
        if (controllers.len == 0)
            cores = least(cores, of_path(line, of_folder_v2));
        while (gw_str_next(&controllers, ',', &name))
            if (gw_str_eq(name, GW_STR("cpu")))
                cores = least(cores, of_path(line, of_folder_v1));
    }
    return cores;
}

int gw_cpus(void)
{
    cpu_set_t set;
    int cores =
        sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (int)sysconf(_SC_NPROCESSORS_ONLN);
    cores = least(cores, of_cgroup());
    return cores > 0 ? cores : 1;
}
