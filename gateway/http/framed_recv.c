/* framed_recv.c: replaces recv(2) for the whole process, so that framing is checked before libmicrohttpd sees
 * the bytes. Owns a thread-local pointer to the reader of each thread. Called by libmicrohttpd, on the
 * threads of HTTP workers and of the admin listener.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/framed_recv.h"

#include <sys/socket.h>

ssize_t gw_recv(int fd, void *to, size_t size, int flags) __asm__("recv");

static _Thread_local struct {
    gw_recv_f *read; /* NULL: the plain system call */
    void *owner;
} by;

void gw_recv_by(gw_recv_f *read, void *owner)
{
    by.read = read;
    by.owner = owner;
}

ssize_t gw_recv(int fd, void *to, size_t size, int flags)
{
    return by.read && fd >= 0 ? by.read(by.owner, fd, to, size, flags)
                              : recvfrom(fd, to, size, flags, NULL, NULL);
}

/* A socket that fills the buffer may have more data, and libmicrohttpd takes a smaller result for the end of
 * the data: so the removed bytes are replaced by further reads. */
ssize_t gw_recv_framed(struct gw_framing *f, int fd, void *to, size_t size, int flags)
{
    char *at = to;
    size_t have = 0;
    bool full = true;
    while (!f->fault && (have == 0 || (full && have < size))) {
        ssize_t got = recvfrom(fd, at + have, size - have, flags, NULL, NULL);
        if (got <= 0)
            return have ? (ssize_t)have : got;
        full = (size_t)got == size - have;
        have += gw_framing_read(f, at + have, (size_t)got);
    }
    return (ssize_t)have;
}
