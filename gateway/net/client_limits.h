/* client_limits.h: how much one address may.
 *
 *     peer = { connections = 250; requests = 0; burst = 0; local = false; };
 *
 *   connection ─▶ enter: is it one too many of its address? ─▶ request: has the address used up its tokens? ─▶ … ─▶ leave
 *
 * A peer is an IPv4 address or an IPv6 /64, which is what one customer has. Unix sockets are never bounded,
 * loopback only where `local` says so: who is on this machine has better ways to harm it.
 *
 * The rate is a bucket of `burst` tokens that `requests` a second flow into, kept as one number: the time at
 * which it will be full again (the generic cell rate algorithm). So a request costs one atomic exchange, and
 * no timer refills anything.
 *
 * The table is bounded. It has room for twice as many peers as there may be connections; one that has a
 * connection is never forgotten, of the others those that have been full again for longest go first. Where
 * chance puts more connected peers into one place than fit there, the latest share an entry and its bounds.
 *
 * Threads: enter, leave and request on any; enter and leave take a lock, once in a connection's life.
 *
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

/* Whether these limits mean anything to somebody at this address. */
bool gw_client_limits_apply(const struct gw_client_limits_conf *, const struct sockaddr *);
/* The peer, for a connection more; NULL when it has all that it may have. Leave it when the connection
 * ends. */
struct gw_client *gw_client_limits_enter(struct gw_client_limits *, const struct sockaddr *,
                                         const struct gw_client_limits_conf *);
void gw_client_limits_leave(struct gw_client_limits *, struct gw_client *);
/* Takes a token. False: there is none, and within a second there will be. */
bool gw_client_limits_request(struct gw_client *, const struct gw_client_limits_conf *, gw_nsec now);

#endif
