/* client_limits.h: limits of one client address.
 *
 *     peer = { connections = 250; requests = 0; burst = 0; local = false; };
 *
 *   connection ─▶ enter: too many from this address? ─▶ request: has the address used up its tokens? ─▶ … ─▶ leave
 *
 * A peer is an IPv4 address or an IPv6 /64, which is what one customer has. Unix sockets are never limited,
 * loopback only with `local`, because a local process has other ways to harm the machine.
 *
 * The rate is a bucket of `burst` tokens that is filled with `requests` a second, stored as one number: the
 * time at which it will be full again (the generic cell rate algorithm). So a request costs one atomic
 * exchange, and there is no timer.
 *
 * The table is bounded. It has room for twice as many peers as there may be connections. A peer with a
 * connection is never removed; of the others, those that have been full for longest are removed first. If
 * by chance more connected peers fall into one place than fit there, the latest ones share an entry and its
 * limits.
 *
 * Threads: enter, leave and request on any; enter and leave take a lock, once in a connection's life.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CLIENT_LIMITS_H
#define GW_CLIENT_LIMITS_H

#include <stdatomic.h>
#include <sys/socket.h>

#include "core/base/clock.h"
#include "core/base/str.h"

struct gw_client_limits_conf {
    int64_t connections; /* at a time; 0: no bound */
    int64_t requests;    /* a second; 0: no bound */
    int64_t burst;       /* requests at once; 0: as many as in a second */
    bool local;          /* loopback is bounded too */
};

struct gw_client {
    uint8_t key[16];
    int64_t connections;  /* under the table's lock */
    _Atomic gw_nsec full; /* when its bucket is full again; in the past: it is */
};

struct gw_client_limits;

/* Room for the peers of so many connections. NULL: no memory. */
struct gw_client_limits *gw_client_limits_new(int64_t connections);
void gw_client_limits_drop(struct gw_client_limits *);

/* True if these limits apply to this address. */
bool gw_client_limits_apply(const struct gw_client_limits_conf *, const struct sockaddr *);
/* The peer, for a connection more; NULL when it has all that it may have. Leave it when the connection
 * ends. */
struct gw_client *gw_client_limits_enter(struct gw_client_limits *, const struct sockaddr *,
                                         const struct gw_client_limits_conf *);
void gw_client_limits_leave(struct gw_client_limits *, struct gw_client *);
/* Takes a token. False: none is left; one will be available within a second. */
bool gw_client_limits_request(struct gw_client *, const struct gw_client_limits_conf *, gw_nsec now);

#endif
