/* address_space.h: checks a process whose address space is limited (`ulimit -v`, RLIMIT_AS; a container's
 * limit is of memory, not of addresses).
 *
 * By default each thread that allocates reserves 64 MiB of addresses for its own heap: 0.7 GiB with gRPC,
 * of which 25 MiB are memory. If addresses are limited, all threads share two heaps. A library without
 * addresses ends the process (std::bad_alloc), or waits forever for a thread; so a limit that is too small
 * is reported at the start.
 *
 * Threads: main, at the start.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADDRESS_SPACE_H
#define GW_ADDRESS_SPACE_H

#include "core/config/config_diagnostic.h"

/* Before the first allocation of another thread. */
void gw_address_space_spare(void);
/* Before anything is opened. False, and a mistake, where the limit is less than it takes to run; a warning where
 * it is less than `max_memory` beyond that. `threads`: that there will be, about. */
bool gw_address_space_check(unsigned threads, uint64_t max_memory, struct gw_diagnostics *);

#endif
