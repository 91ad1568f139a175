/* Compares a number with the limit of the process, which may change while it runs. Owns nothing. Called by whoever accepts connections.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/net/descriptors.h"

#include <sys/resource.h>

enum { RESERVE = 64 };

/* Is it in the last halves of the reserve? */
static bool is_within(int fd, unsigned halves)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return false;
    rlim_t reserve = limit.rlim_cur / 4 < RESERVE ? limit.rlim_cur / 4 : RESERVE;
    return (rlim_t)fd >= limit.rlim_cur - reserve * halves / 2;
}

bool gw_descriptor_is_reserved(int fd)
{
    return is_within(fd, 2);
}

bool gw_descriptor_is_last(int fd)
{
    return is_within(fd, 1);
}
