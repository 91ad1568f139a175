/* clock.h: the current time, as a parameter, so that tests can set it.
 *
 * gw_nsec counts nanoseconds. Monotonic time (deadlines, ages) and wall time (times in data) never mix: a
 * parameter is called `now` for monotonic and `wall` for wall time.
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CLOCK_H
#define GW_CLOCK_H

#include <stdint.h>
#include <time.h>

typedef int64_t gw_nsec;

#define GW_USEC ((gw_nsec)1000)
#define GW_MSEC ((gw_nsec)1000000)
#define GW_SEC ((gw_nsec)1000000000)
#define GW_NEVER INT64_MAX

static inline gw_nsec gw_clock_read(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (gw_nsec)t.tv_sec * GW_SEC + t.tv_nsec;
}

static inline gw_nsec gw_now(void)
{
    return gw_clock_read(CLOCK_MONOTONIC);
}

static inline gw_nsec gw_wall(void)
{
    return gw_clock_read(CLOCK_REALTIME);
}

#endif
