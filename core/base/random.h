/* random.h: random numbers from the kernel: seeds of hashes, names of segment files' lives, the start of a
 * retry's jitter.
 *
 * Never waits: early in a machine's start, where the kernel has none yet, the number is made of clocks, an
 * address and a count. It is then no secret, but differs from call to call and, but by chance, from process
 * to process. Keys and tokens are not made here.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RANDOM_H
#define GW_RANDOM_H

#include <stdint.h>

uint64_t gw_random(void);
/* What stands in for the kernel; for tests. */
uint64_t gw_random_without_kernel(void);

#endif
