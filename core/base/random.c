/* random.c: Returns random numbers from getrandom(2), or, if that fails, from the clocks, the process id and a counter. Owns
 * the counter. Called while objects are created, never per item.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/random.h"

#include <stdatomic.h>
#include <sys/random.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/hash.h"

uint64_t gw_random_without_kernel(void)
{
    static atomic_uint_least64_t count;
    uint64_t number = gw_hash_mix((uint64_t)gw_wall() ^ (uintptr_t)&count);
    number = gw_hash_mix(number ^ (uint64_t)gw_now() ^ (uint64_t)getpid() << 48);
    return gw_hash_mix(number + atomic_fetch_add_explicit(&count, 1, memory_order_relaxed));
}

uint64_t gw_random(void)
{
    uint64_t number;
    return getrandom(&number, sizeof number, GRND_NONBLOCK) == sizeof number ? number
                                                                             : gw_random_without_kernel();
}
