/* balancer.c: the health of targets, and the choice among them. Owns nothing. Called by otlp_grpc.c on the
 * sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/balancer.h"

static const gw_nsec FIRST_PAUSE = GW_SEC, LONGEST_PAUSE = 30 * GW_SEC;
#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

/* FNV-1a, because every process must compute the same hash. */
static uint64_t hash_name(gw_str name)
{
    uint64_t hash = FNV_OFFSET;
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (uint8_t)name.ptr[i]) * FNV_PRIME;
    return hash;
}

/* The finalizer of MurmurHash3. */
static uint64_t mix(uint64_t n)
{
    n = (n ^ n >> 33) * 0xff51afd7ed558ccdu;
    n = (n ^ n >> 33) * 0xc4ceb9fe1a85ec53u;
    return n ^ n >> 33;
}

static uint64_t half_of(const uint8_t *bytes)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | bytes[i];
    return n;
}

int balancer_add(struct balancer *b, gw_str name, bool backup)
{
    for (int i = 0; i < BALANCER_TARGETS; i++)
        if (!b->all[i].used) {
            b->all[i] = (struct balancer_target){.used = true, .backup = backup, .hash = hash_name(name)};
            return i;
        }
    return BALANCER_NONE;
}

bool balancer_remove(struct balancer *b, int target)
{
    struct balancer_target *t = &b->all[target];
    t->gone = true;
    t->used = t->open > 0;
    return !t->used;
}

/* While a target is out, a single request tries it when its pause is over. */
static bool takes(const struct balancer_target *t, gw_nsec now)
{
    return !t->failed || (now >= t->until && !t->open);
}

static bool is_candidate(const struct balancer_target *t, int i, uint64_t tried)
{
    return t->used && !t->gone && !(tried & (uint64_t)1 << i);
}

/* Returns the targets to choose from, as bits: primaries that take data, else backups that do, else the one
 * whose pause ends first. */
static uint64_t candidates(const struct balancer *b, uint64_t tried, gw_nsec now)
{
    uint64_t tiers[2] = {0, 0}, soonest = 0;
    gw_nsec until = GW_NEVER;
    for (int i = 0; i < BALANCER_TARGETS; i++) {
        const struct balancer_target *t = &b->all[i];
        if (!is_candidate(t, i, tried))
            continue;
        if (takes(t, now))
            tiers[t->backup] |= (uint64_t)1 << i;
        if (!soonest || t->until < until) {
            soonest = (uint64_t)1 << i;
            until = t->until;
        }
    }
    return tiers[0] ? tiers[0] : tiers[1] ? tiers[1] : soonest;
}

int balancer_pick(struct balancer *b, uint64_t tried, gw_nsec now)
{
    uint64_t among = candidates(b, tried, now);
    int best = BALANCER_NONE;
    for (unsigned k = 1; k <= BALANCER_TARGETS; k++) {
        int i = (int)((b->turn + k) % BALANCER_TARGETS);
        if (among & (uint64_t)1 << i && (best == BALANCER_NONE || b->all[i].open < b->all[best].open))
            best = i;
    }
    if (best != BALANCER_NONE)
        b->turn = (unsigned)best;
    return best;
}

int balancer_pick_trace(const struct balancer *b, const uint8_t id[16], uint64_t tried, gw_nsec now)
{
    uint64_t among = candidates(b, tried, now), high = mix(half_of(id)) ^ half_of(id + 8), most = 0;
    int best = BALANCER_NONE;
    for (int i = 0; i < BALANCER_TARGETS; i++) {
        if (!(among & (uint64_t)1 << i))
            continue;
        uint64_t score = mix(high ^ b->all[i].hash);
        if (best == BALANCER_NONE || score > most) {
            best = i;
            most = score;
        }
    }
    return best;
}

void balancer_sent(struct balancer *b, int target)
{
    b->all[target].open++;
}

bool balancer_answered(struct balancer *b, int target, bool failed, gw_nsec pause, gw_nsec now)
{
    struct balancer_target *t = &b->all[target];
    t->open--;
    if (failed) {
        gw_nsec own = FIRST_PAUSE;
        for (unsigned i = 0; i < t->failed && own < LONGEST_PAUSE; i++)
            own *= 2;
        own = own < LONGEST_PAUSE ? own : LONGEST_PAUSE;
        t->failed++;
        t->until = now + (pause > own ? pause : own);
    } else {
        t->failed = 0;
        t->until = 0;
    }
    t->used = t->open || !t->gone;
    return !t->used;
}
