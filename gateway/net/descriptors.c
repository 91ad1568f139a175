/* descriptors.c: Compares a number of descriptors with the process's limit, which may change at run time. Owns
 * nothing. Called by the code that accepts connections, on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
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
