/* process_metrics.c: Reads /proc for memory, descriptors and CPU time of this process when metrics are
 * asked for. Owns nothing. Called by pipeline_status.c, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include "gateway/admin/process_metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { M_CPU, M_RESIDENT, M_VIRTUAL, M_OPEN_FDS, M_MAX_FDS, M_THREADS, M_START };

const struct gw_metric gw_process_metrics[] = {
    [M_CPU] =
        GW_COUNTER_ASKED("process_cpu_seconds_total", "", "User and system CPU time spent, in seconds."),
    [M_RESIDENT] = GW_GAUGE_ASKED("process_resident_memory_bytes", "", "Resident memory size in bytes."),
    [M_VIRTUAL] = GW_GAUGE_ASKED("process_virtual_memory_bytes", "", "Virtual memory size in bytes."),
    [M_OPEN_FDS] = GW_GAUGE_ASKED("process_open_fds", "", "Number of open file descriptors."),
    [M_MAX_FDS] = GW_GAUGE_ASKED("process_max_fds", "", "Maximum number of open file descriptors."),
    [M_THREADS] = GW_GAUGE_ASKED("process_threads", "", "Number of threads."),
    [M_START] = GW_GAUGE_ASKED("process_start_time_seconds", "",
                               "Start time of the process since the Unix epoch, in seconds."),
    GW_METRICS_END,
};

/* The folder's own descriptor is counted too, as every such reader does, and taken off again. */
static double count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    double n = 0;
    if (!dir)
        return -1;
    for (struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n - 1;
}

/* When the system booted, in seconds since 1970; 0 if it is not known. */
static double boot_time(void)
{
    char line[256];
    uint64_t seconds = 0;
    FILE *f = fopen("/proc/stat", "re");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "btime %" SCNu64, &seconds) == 1)
            break;
    if (f)
        fclose(f);
    return (double)seconds;
}

struct stat_line {
    uint64_t user, system, threads, start, size, resident; /* clock ticks; bytes; pages: proc(5) */
};

/* The fields after the program's name, which may hold blanks and brackets. */
static bool read_stat(struct stat_line *s)
{
    char text[2048];
    FILE *f = fopen("/proc/self/stat", "re");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f)
        fclose(f);
    text[n] = '\0';
    const char *rest = strrchr(text, ')');
    return rest && sscanf(rest,
                          ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                          " %*d %*d %*d %*d %" SCNu64 " %*d %" SCNu64 " %" SCNu64 " %" SCNu64,
                          &s->user, &s->system, &s->threads, &s->start, &s->size, &s->resident) == 6;
}

void gw_process_measure(struct gw_metrics *to)
{
    struct stat_line s;
    struct rlimit limit;
    double ticks = (double)sysconf(_SC_CLK_TCK), fds = count_descriptors();
    if (read_stat(&s)) {
        gw_metrics_add(to, &gw_process_metrics[M_CPU], (double)(s.user + s.system) / ticks);
        gw_metrics_add(to, &gw_process_metrics[M_RESIDENT],
                       (double)s.resident * (double)sysconf(_SC_PAGESIZE));
        gw_metrics_add(to, &gw_process_metrics[M_VIRTUAL], (double)s.size);
        gw_metrics_add(to, &gw_process_metrics[M_THREADS], (double)s.threads);
        gw_metrics_add(to, &gw_process_metrics[M_START], boot_time() + (double)s.start / ticks);
    }
    if (fds >= 0)
        gw_metrics_add(to, &gw_process_metrics[M_OPEN_FDS], fds);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        gw_metrics_add(to, &gw_process_metrics[M_MAX_FDS], (double)limit.rlim_cur);
}
