/* balancer.h: which of several backends gets a request, by what became of the requests before.
 *
 *   primary   [a][b][c]        requests go to those that take data, the one with the fewest open first;
 *   backup    [d][e]           to these only while no primary does
 *
 *   TAKES ── a request fails ──▶ OUT, for 1 s, doubled with each further failure up to 30 s
 *     ▲                            │ then one request tries it
 *     └──── any answer ────────────┘
 *
 * By trace id: rendezvous hashing. Each target has a score for each id, the highest gets the trace. The scores depend
 * on nothing but the target's name and the id, so that all instances of ddgate that know the same targets agree; when
 * a target is out or is removed only its traces move, to their second-highest.
 *
 * Threads: the sender's. No clock: times are handed in, monotonic. Ownership: none, all is inside.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_BALANCER_H
#define OTLP_BALANCER_H

#include "core/base/clock.h"
#include "core/base/str.h"

enum { BALANCER_TARGETS = 64, BALANCER_NONE = -1 };

struct balancer_target {
    bool used; /* false: a free place */
    bool gone; /* removed, with requests open: gets no more */
    bool backup;
    uint64_t hash;   /* of its name */
    unsigned open;   /* requests */
    unsigned failed; /* in a row */
    gw_nsec until;   /* when it is tried again, while it is out */
};

/* Zeroed, it has no targets. */
struct balancer {
    struct balancer_target all[BALANCER_TARGETS];
    unsigned turn;
};

/* The target's number; BALANCER_NONE where there are too many. */
int balancer_add(struct balancer *, gw_str name, bool backup);
/* Its number is free when its last request is over: true when it is at once. */
bool balancer_remove(struct balancer *, int target);

/* The next target, but none of the bits in `tried`; BALANCER_NONE when there is none. Where all are out it is the one
 * that is tried first again. */
int balancer_pick(struct balancer *, uint64_t tried, gw_nsec now);
/* The same for a trace. */
int balancer_pick_trace(const struct balancer *, const uint8_t id[16], uint64_t tried, gw_nsec now);

void balancer_sent(struct balancer *, int target);
/* A request is over. `failed`: the target does not take data now; `pause`: what it asked for, or 0. True when that was
 * its last one and it is gone: its number is free. */
bool balancer_answered(struct balancer *, int target, bool failed, gw_nsec pause, gw_nsec now);

#endif
