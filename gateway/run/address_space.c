/* address_space.c: Compares RLIMIT_AS with the address space that is in use (/proc), and warns when the rest
 * is too small. Owns nothing. Called by main.c at start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/run/address_space.h"

#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HEAPS = 2 };
static const uint64_t MIB = 1 << 20;
/* Measured: heaps, tables, certificates. */
static const uint64_t WORK = 112 << 20;

/* 0: there is none. */
static uint64_t limit_of_addresses(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY ? limit.rlim_cur : 0;
}

void gw_address_space_spare(void)
{
    if (limit_of_addresses())
        mallopt(M_ARENA_MAX, HEAPS);
}

/* Bytes; 0 when it is not known. */
static uint64_t in_use(void)
{
    uint64_t pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%" SCNu64, &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of a thread that is started without a stack size. */
static uint64_t stack_size(void)
{
    pthread_attr_t attributes;
    size_t size = 8 * MIB;
    if (pthread_getattr_default_np(&attributes) == 0) {
        pthread_attr_getstacksize(&attributes, &size);
        pthread_attr_destroy(&attributes);
    }
    return size;
}

bool gw_address_space_check(unsigned threads, uint64_t max_memory, struct gw_diagnostics *diagnostics)
{
    uint64_t limit = limit_of_addresses(), used = limit ? in_use() : 0;
    if (!used)
        return true;
    uint64_t least = used + threads * stack_size() + WORK, good = least + max_memory;
    if (limit < least)
        gw_config_error(diagnostics, "ulimit -v",
                        "the process may use %" PRIu64 " MiB of addresses, and needs %" PRIu64
                        " MiB to run, %" PRIu64 " MiB with max_memory: raise the limit, or remove it "
                        "(max_memory bounds what ddgate uses)",
                        limit / MIB, least / MIB + 1, good / MIB + 1);
    else if (limit < good)
        gw_config_warning(diagnostics, "ulimit -v",
                          "the process may use %" PRIu64 " MiB of addresses; with max_memory in use it needs "
                          "%" PRIu64 " MiB: raise the limit, or lower max_memory",
                          limit / MIB, good / MIB + 1);
    return limit >= least;
}
