/* framed_recv.h: checks the framing of all bytes that libmicrohttpd reads (framing.h).
 *
 *     socket ─▶ recv, as libmicrohttpd calls it ─▶ the thread's own reading, framing ─▶ libmicrohttpd
 *
 * libmicrohttpd owns its sockets and has no hook for their bytes, and a second pair of sockets in front of
 * each would cost more than the rest of a small request. So this program defines recv(2) itself, which the
 * dynamic linker prefers to the C library's. On a thread that has registered, the bytes are checked in
 * libmicrohttpd's buffer; on any other thread it is the plain system call. If a version of libmicrohttpd
 * read in another way, no request may pass: the server checks that the head of every request was seen here
 * (docs/notes/0009-the-bytes-of-http.md).
 *
 * Threads: each has its own reading. Ownership: the owner outlives the reads of its thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAMED_RECV_H
#define GW_FRAMED_RECV_H

#include <sys/types.h>

#include "gateway/http/framing.h"

/* Like recv(2), for any descriptor: for one that is not the owner's it returns the result of recvfrom(2). */
typedef ssize_t gw_recv_f(void *owner, int fd, void *to, size_t size, int flags);

/* Sets how recv reads on the calling thread from now on. */
void gw_recv_by(gw_recv_f *, void *owner);

/* Like recv(2), with the bytes that gw_framing_read leaves. With a fault: the bytes of the requests before
 * it, or 0 or less if there are none. */
ssize_t gw_recv_framed(struct gw_framing *, int fd, void *to, size_t size, int flags);

#endif
