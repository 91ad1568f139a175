/* random.h: random numbers from the kernel, for seeds of hashes, the `life` of segment files, and the
 * jitter of retries.
 *
 * Never waits: if the kernel has no random numbers yet, early in the machine's start, the number is made
 * from clocks, an address and a counter. Such a number is not secret, but it differs from call to call and,
 * very likely, from process to process. Do not make keys or tokens with it.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RANDOM_H
#define GW_RANDOM_H

#include <stdint.h>

uint64_t gw_random(void);
/* The replacement for the kernel's number; public for tests. */
uint64_t gw_random_without_kernel(void);

#endif
