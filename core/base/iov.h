/* iov.h: the rest of a vector of buffers after a partial write.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_IOV_H
#define GW_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* Drops the first `done` bytes: moves *v past the buffers that are finished, and into the first unfinished
 * one. */
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
