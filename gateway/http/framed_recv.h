/* framed_recv.h: what libmicrohttpd reads passes by framing.h first.
 *
 *     socket ─▶ recv, as libmicrohttpd calls it ─▶ the thread's own reading, framing ─▶ libmicrohttpd
 *
 * libmicrohttpd owns its sockets and has no hook for their bytes, and a second pair of sockets in front of
 * each would cost more than the rest of a small request. So this program defines recv(2) itself, which the
 * dynamic linker prefers to the C library's: on a thread that has said so, the bytes are looked at where
 * libmicrohttpd wants them; on any other it is the plain system call. Should a libmicrohttpd read in another
 * way, no request may get through: whoever serves one makes sure that its head came by here
 * (docs/notes/0009-the-bytes-of-http.md).
 *
 * Threads: each has its own reading. Ownership: the owner outlives what its thread reads.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FRAMED_RECV_H
#define GW_FRAMED_RECV_H

#include <sys/types.h>

#include "gateway/http/framing.h"

/* As recv(2), for any descriptor: of what is none of the owner's it hands on what recvfrom(2) does. */
typedef ssize_t gw_recv_f(void *owner, int fd, void *to, size_t size, int flags);

/* How recv reads from now on on the calling thread. */
void gw_recv_by(gw_recv_f *, void *owner);

/* As recv(2), with what gw_framing_read leaves. When there is a fault afterwards: bytes of requests in front of it, or
 * 0 or less when there are none. */
ssize_t gw_recv_framed(struct gw_framing *, int fd, void *to, size_t size, int flags);

#endif
