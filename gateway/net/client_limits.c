/* client_limits.c: The table of client addresses: their connections, and the rate of their requests. Owns
 * the table and its lock. Called by HTTP workers and by stream receivers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/net/client_limits.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/random.h"
#include "gateway/net/listen.h"

enum { WAYS = 16 };

struct gw_client_limits {
    struct gw_lock lock;
    uint64_t seed; /* so that a client cannot choose addresses that collide */
    size_t sets;   /* a power of two, of WAYS entries each */
    struct gw_client others;
    struct gw_client entries[];
};

struct gw_client_limits *gw_client_limits_new(int64_t connections)
{
    size_t sets = 1;
    while (sets * WAYS < 2 * (size_t)connections)
        sets *= 2;
    struct gw_client_limits *p = calloc(1, sizeof *p + sets * WAYS * sizeof *p->entries);
    if (!p)
        return NULL;
    p->sets = sets;
    gw_lock_init(&p->lock, GW_LOCK_CLIENT_LIMITS);
    p->seed = gw_random();
    return p;
}

void gw_client_limits_drop(struct gw_client_limits *p)
{
    if (p)
        gw_lock_fini(&p->lock);
    free(p);
}

bool gw_client_limits_apply(const struct gw_client_limits_conf *l, const struct sockaddr *sa)
{
    if (sa->sa_family == AF_UNIX || (l->connections == 0 && l->requests == 0))
        return false;
    return l->local || !gw_listen_is_local(sa);
}

/* IPv4 as ::ffff:a.b.c.d, of IPv6 the /64. */
static void key_of(const struct sockaddr *sa, uint8_t key[static 16])
{
    static const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff};
    memcpy(key, mapped, 16);
    if (sa->sa_family == AF_INET) {
        memcpy(key + 12, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
        return;
    }
    const uint8_t *ip = ((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr.s6_addr;
    bool is_mapped = memcmp(ip, mapped, 12) == 0;
    memset(key, 0, 16);
    memcpy(key, ip, is_mapped ? 16 : 8);
}

static struct gw_client *set_of(struct gw_client_limits *p, const uint8_t key[static 16])
{
    uint64_t half[2];
    memcpy(half, key, sizeof half);
    return &p->entries[(gw_hash_mix(gw_hash_mix(half[0] ^ p->seed) + half[1]) & (p->sets - 1)) * WAYS];
}

/* The entry of the key, or the one to give to it: of those without a connection that which is full for
 * longest. NULL: all have some. */
static struct gw_client *find(struct gw_client *set, const uint8_t key[static 16])
{
    struct gw_client *best = NULL;
    for (struct gw_client *e = set; e < set + WAYS; e++) {
        if (memcmp(e->key, key, sizeof e->key) == 0)
            return e;
        if (e->connections == 0 && (!best || e->full < best->full))
            best = e;
    }
    return best;
}

struct gw_client *gw_client_limits_enter(struct gw_client_limits *p, const struct sockaddr *sa,
                                         const struct gw_client_limits_conf *l)
{
    uint8_t key[16];
    key_of(sa, key);
    gw_lock(&p->lock);
    struct gw_client *e = find(set_of(p, key), key);
    if (!e) {
        e = &p->others;
    } else if (memcmp(e->key, key, sizeof key) != 0) {
        memcpy(e->key, key, sizeof key);
        e->full = 0;
    }
    bool room = l->connections == 0 || e->connections < l->connections;
    e->connections += room;
    gw_unlock(&p->lock);
    return room ? e : NULL;
}

void gw_client_limits_leave(struct gw_client_limits *p, struct gw_client *e)
{
    if (!e)
        return;
    gw_lock(&p->lock);
    e->connections--;
    gw_unlock(&p->lock);
}

bool gw_client_limits_request(struct gw_client *e, const struct gw_client_limits_conf *l, gw_nsec now)
{
    if (l->requests == 0)
        return true;
    gw_nsec token = GW_SEC / l->requests, depth = token * (l->burst ? l->burst : l->requests),
            seen = atomic_load(&e->full), full;
    do {
        full = (seen > now ? seen : now) + token;
        if (full - now > depth)
            return false;
    } while (!atomic_compare_exchange_weak(&e->full, &seen, full));
    return true;
}
