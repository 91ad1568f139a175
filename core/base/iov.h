/* iov.h: what is left of a vector of buffers after a write that took a part of it.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_IOV_H
#define GW_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* Drops the first `done` bytes: moves *v behind the buffers that are done, and into the one that is not. */
static inline void gw_iov_advance(struct iovec **v, int *n, size_t done)
{
    while (*n && done >= (*v)->iov_len) {
        done -= (*v)->iov_len;
        (*v)++;
        (*n)--;
    }
    if (*n) {
        (*v)->iov_base = (char *)(*v)->iov_base + done;
        (*v)->iov_len -= done;
    }
}

#endif
