/* balancer.h: chooses one of several backends for a request, by the results of earlier requests.
 *
 *   primary   [a][b][c]        used while one takes data, first the one with the fewest open requests;
 *   backup    [d][e]           used only while no primary takes data
 *
 *   TAKES ── a request fails ──▶ OUT, for 1 s, doubled with each further failure up to 30 s
 *     ▲                            │ then one request tries it
 *     └──── any answer ────────────┘
 *
 * By trace id: rendezvous hashing. Each target has a score for each id, and the target with the highest score
 * gets the trace. Scores depend only on the target's name and the id, so all instances of ddgate with the
 * same targets agree. If a target is out or removed, only its traces move, to the target with their
 * second-highest score.
 *
 * Threads: the sender's. The caller passes monotonic times. Ownership: everything is inside the struct.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_BALANCER_H
#define OTLP_BALANCER_H

#include "core/base/clock.h"
#include "core/base/str.h"

enum { BALANCER_TARGETS = 64, BALANCER_NONE = -1 };

struct balancer_target {
    bool used; /* false: a free slot */
    bool gone; /* removed while requests are open: gets no more */
    bool backup;
    uint64_t hash;   /* hash of its name */
    unsigned open;   /* open requests */
    unsigned failed; /* failures in a row */
    gw_nsec until;   /* while it is out: when it is tried again */
};

/* Initialize with zero: no targets. */
struct balancer {
    struct balancer_target all[BALANCER_TARGETS];
    unsigned turn;
};

/* Returns the target's number; BALANCER_NONE if there are too many. */
int balancer_add(struct balancer *, gw_str name, bool backup);
/* The number is free when the last open request has ended. Returns true if it is free at once. */
bool balancer_remove(struct balancer *, int target);

/* Returns the next target that is not in the bits `tried`; BALANCER_NONE if there is none. If all are out,
 * returns the one whose pause ends first. */
int balancer_pick(struct balancer *, uint64_t tried, gw_nsec now);
/* The same for a trace. */
int balancer_pick_trace(const struct balancer *, const uint8_t id[16], uint64_t tried, gw_nsec now);

void balancer_sent(struct balancer *, int target);
/* Call when a request ended. `failed`: the target does not take data now; `pause`: the wait that it asked
 * for, or 0. Returns true if the target was removed and this was its last request: its number is free. */
bool balancer_answered(struct balancer *, int target, bool failed, gw_nsec pause, gw_nsec now);

#endif
