/* Counts traces by service and env, and computes sampling rates from the counts (dd_sampler.h).
 *
 * Owns a struct dd_sampler, one per receiver. Called by dd_translate.c for requests and by the receiver for
 * answers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_sampler.h"

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "core/base/random.h"

#include <stdlib.h>

/* The agent's numbers. */
enum { BUCKETS = 6, BUCKET_SECONDS = 5 };
#define MOST_GROWTH 1.2

/* A limit, because the number comes from the client. */
enum { MOST_DROPPED = 500000 };
enum { FORGOTTEN_AFTER = 600 / BUCKET_SECONDS, LONGEST_NAME = 200, NEVER = -1 };

/* A service and env that traces came from. */
struct pair {
    uint64_t hash;
    char *names; /* both, one after the other */
    gw_str service, env;
    float seen[BUCKETS];
    double per_second, rate; /* rate 0: not computed yet */
    int64_t last_seen;       /* bucket */
};

struct dd_sampler {
    /* Constant after dd_sampler_new. */
    uint64_t seed;
    double target; /* traces per second; 0: no target */
    struct gw_arena arena;
    struct dd_fixed_rate *fixed;
    size_t fixed_n;
    struct gw_lock lock;
    /* Protected by the lock. */
    struct dd_rates *rates;
    size_t n;
    struct pair pairs[DD_SAMPLER_PAIRS]; /* sorted by hash */
    float all[BUCKETS];
    double rest;    /* the rate of all pairs without one of their own */
    int64_t bucket; /* the last bucket in which something was counted, or NEVER */
};

/* ---- the table ---- */

/* Returns the fixed rate of a pair, if it is a rate of its own and not that of all others. */
static const struct dd_fixed_rate *own_rate(const struct dd_sampler *s, gw_str service, gw_str env)
{
    const struct dd_fixed_rate *f = dd_fixed_rate_of(s->fixed, s->fixed_n, service, env);
    return f && !(f->any_service && f->any_env) ? f : NULL;
}

/* Returns whether tracers can learn the rate of this service and env only after the pair was counted. */
static bool is_wanted(const struct dd_sampler *s, gw_str service, gw_str env)
{
    const struct dd_fixed_rate *f = own_rate(s, service, env);
    return f ? f->any_service || (f->any_env && env.len) : s->target > 0;
}

static double rate_of_pair(const struct dd_sampler *s, const struct pair *p)
{
    const struct dd_fixed_rate *f = own_rate(s, p->service, p->env);
    return f ? dd_rate_round(f->rate) : p->rate > 0 ? p->rate : s->rest;
}

/* Makes the table of the current rates. If there is no memory, the old one stays. */
static void publish(struct dd_sampler *s)
{
    size_t n = 0;
    struct dd_rate *rows = calloc(s->fixed_n + s->n + 1, sizeof *rows);
    for (size_t i = 0; i < s->fixed_n && rows; i++)
        if (!s->fixed[i].any_service)
            rows[n++] =
                (struct dd_rate){s->fixed[i].service, s->fixed[i].env, dd_rate_round(s->fixed[i].rate)};
    for (size_t i = 0; i < s->n && rows; i++)
        rows[n++] = (struct dd_rate){s->pairs[i].service, s->pairs[i].env, rate_of_pair(s, &s->pairs[i])};
    struct dd_rates *fresh = rows ? dd_rates_new(rows, n, s->rest) : NULL;
    free(rows);
    if (!fresh)
        return;
    dd_rates_drop(s->rates);
    s->rates = fresh;
}

/* ---- rates that follow the traffic ---- */

/* Returns the largest bucket of the last thirty seconds. Buckets that have passed by `now` are cleared. */
static double rotate(float seen[BUCKETS], int64_t before, int64_t now)
{
    float most = 0;
    for (int64_t i = before + 1; i <= before + BUCKETS; i++) {
        float *bucket = &seen[i % BUCKETS];
        if (i >= now && *bucket > most)
            most = *bucket;
        if (i <= now)
            *bucket = 0;
    }
    return most;
}

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Returns the limit per pair at which all pairs together reach the target: what small pairs leave unused is
 * divided among the others. */
static double share_of_target(const struct dd_sampler *s)
{
    double seen[DD_SAMPLER_PAIRS], left = s->target;
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        if (!own_rate(s, s->pairs[i].service, s->pairs[i].env))
            seen[n++] = s->pairs[i].per_second;
    qsort(seen, n, sizeof *seen, by_number);
    for (size_t i = 0; i + 1 < n; i++) {
        if (seen[i] >= left / (double)(n - i))
            return left / (double)(n - i);
        left -= seen[i];
    }
    return left;
}

static double rate_for(double per_second, double share)
{
    return per_second > share ? share / per_second : 1;
}

static void find_rates(struct dd_sampler *s, double all_per_second)
{
    double share = share_of_target(s);
    s->rest = rate_for(all_per_second, s->target);
    for (size_t i = 0; i < s->n; i++) {
        struct pair *p = &s->pairs[i];
        if (own_rate(s, p->service, p->env))
            continue;
        double rate = rate_for(p->per_second, share), most = p->rate * MOST_GROWTH;
        p->rate = dd_rate_round(p->rate > 0 && rate > most ? most : rate);
        if (p->rate < s->rest)
            s->rest = p->rate;
    }
    s->rest = dd_rate_round(s->rest);
}

static bool forget_old_pairs(struct dd_sampler *s, int64_t now)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->n; i++)
        if (now - s->pairs[i].last_seen > FORGOTTEN_AFTER)
            free(s->pairs[i].names);
        else
            s->pairs[kept++] = s->pairs[i];
    bool any = kept < s->n;
    s->n = kept;
    return any;
}

/* Begins a new bucket. Returns true if rates may have changed. */
static bool turn(struct dd_sampler *s, int64_t now)
{
    int64_t before = s->bucket;
    s->bucket = now;
    if (before == NEVER || before == now)
        return false;
    bool forgotten = forget_old_pairs(s, now);
    if (s->target <= 0)
        return forgotten;
    for (size_t i = 0; i < s->n; i++)
        s->pairs[i].per_second = rotate(s->pairs[i].seen, before, now) / BUCKET_SECONDS;
    find_rates(s, rotate(s->all, before, now) / BUCKET_SECONDS);
    return true;
}

/* ---- pairs ---- */

/* Returns the index of the first pair whose hash is not smaller. */
static size_t place_of(const struct dd_sampler *s, uint64_t hash)
{
    size_t from = 0, to = s->n;
    while (from < to) {
        size_t middle = (from + to) / 2;
        if (s->pairs[middle].hash < hash)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static struct pair *add_pair(struct dd_sampler *s, size_t at, const struct dd_tallied *t)
{
    size_t size = t->service.len + t->env.len;
    char *names = s->n < DD_SAMPLER_PAIRS && size <= LONGEST_NAME ? malloc(size + 1) : NULL;
    if (!names)
        return NULL;
    memcpy(names, t->service.ptr ? t->service.ptr : "", t->service.len);
    memcpy(names + t->service.len, t->env.ptr ? t->env.ptr : "", t->env.len);
    memmove(&s->pairs[at + 1], &s->pairs[at], (s->n - at) * sizeof *s->pairs);
    s->n++;
    s->pairs[at] = (struct pair){.hash = t->hash,
                                 .names = names,
                                 .service = gw_str_n(names, t->service.len),
                                 .env = gw_str_n(names + t->service.len, t->env.len)};
    return &s->pairs[at];
}

/* Returns true if the pair is new. */
static bool count(struct dd_sampler *s, const struct dd_tallied *t, int64_t bucket)
{
    size_t at = place_of(s, t->hash), before = s->n;
    bool own = own_rate(s, t->service, t->env), is_new = at == s->n || s->pairs[at].hash != t->hash;
    if (!own)
        s->all[bucket % BUCKETS] += (float)t->traces;
    if (!t->service.len || !is_wanted(s, t->service, t->env))
        return false;
    struct pair *p = is_new ? add_pair(s, at, t) : &s->pairs[at];
    if (!p)
        return false;
    p->seen[bucket % BUCKETS] += (float)t->traces;
    p->last_seen = bucket;
    return s->n > before;
}

/* ---- the sampler ---- */

const char *dd_sampler_mistake(const struct dd_sampler_conf *conf, size_t i)
{
    struct dd_fixed_rate f, other;
    const char *why = dd_fixed_rate_read(&conf->rates.items[i], &f);
    if (!why && conf->target && f.any_service && f.any_env)
        why = "is everybody's rate, which target_per_second finds: leave one of the two out";
    for (size_t j = 0; j < i && !why; j++)
        if (!dd_fixed_rate_read(&conf->rates.items[j], &other) && dd_fixed_rate_same(&f, &other))
            why = "stands twice";
    return why;
}

static bool read_fixed(struct dd_sampler *s, const struct dd_sampler_conf *conf)
{
    s->fixed = gw_arena_raw(&s->arena, conf->rates.n, sizeof *s->fixed);
    for (size_t i = 0; i < conf->rates.n && s->fixed; i++) {
        struct dd_fixed_rate *f = &s->fixed[s->fixed_n];
        if (dd_fixed_rate_read(&conf->rates.items[i], f))
            continue;
        f->service = gw_arena_dup(&s->arena, f->service);
        f->env = gw_arena_dup(&s->arena, f->env);
        if (f->any_service && f->any_env)
            s->rest = dd_rate_round(f->rate);
        s->fixed_n++;
    }
    return !s->arena.spent;
}

struct dd_sampler *dd_sampler_new(const struct dd_sampler_conf *conf)
{
    struct dd_sampler *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->seed = gw_random();
    s->target = (double)conf->target;
    s->rest = 1;
    s->bucket = NEVER;
    gw_arena_init(&s->arena, 1 << 20);
    gw_lock_init(&s->lock, GW_LOCK_RATES);
    if (read_fixed(s, conf))
        publish(s);
    if (s->rates)
        return s;
    dd_sampler_drop(s);
    return NULL;
}

void dd_sampler_drop(struct dd_sampler *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n; i++)
        free(s->pairs[i].names);
    dd_rates_drop(s->rates);
    gw_arena_fini(&s->arena);
    gw_lock_fini(&s->lock);
    free(s);
}

struct dd_rates *dd_sampler_rates(struct dd_sampler *s)
{
    gw_lock(&s->lock);
    struct dd_rates *rates = dd_rates_ref(s->rates);
    gw_unlock(&s->lock);
    return rates;
}

/* ---- one request ---- */

void dd_tally_begin(struct dd_tally *t, struct dd_sampler *s, struct gw_arena *keep, uint64_t chunks,
                    uint64_t dropped)
{
    t->sampler = s;
    t->rates = dd_sampler_rates(s);
    t->keep = keep;
    dropped = dropped < MOST_DROPPED ? dropped : MOST_DROPPED;
    t->weight = 1 + (double)dropped / (double)(chunks ? chunks : 1);
    t->n = 0;
}

static bool is_pair(const struct dd_tallied *p, gw_str service, gw_str env)
{
    return gw_str_eq(p->service, service) && gw_str_eq(p->env, env);
}

static double find_rate(const struct dd_tally *t, gw_str service, gw_str env)
{
    const struct dd_fixed_rate *f = own_rate(t->sampler, service, env);
    return f ? dd_rate_round(f->rate) : dd_rates_find(t->rates, service, env);
}

/* Finds or adds a pair of this request; NULL if there is no room. Adjacent spans usually have the same
 * pair. */
static struct dd_tallied *find_pair(struct dd_tally *t, gw_str service, gw_str env)
{
    for (unsigned i = t->n; i-- > 0;)
        if (is_pair(&t->pairs[i], service, env))
            return &t->pairs[i];
    if (t->n == DD_TALLY_PAIRS)
        return NULL;
    struct dd_tallied *p = &t->pairs[t->n];
    *p = (struct dd_tallied){.hash = gw_hash_text(gw_hash_text(t->sampler->seed, service), env),
                             .service = gw_arena_dup(t->keep, service),
                             .env = gw_arena_dup(t->keep, env),
                             .rate = find_rate(t, service, env)};
    if (p->service.len != service.len || p->env.len != env.len) /* no memory: the request fails soon */
        return NULL;
    t->n++;
    return p;
}

double dd_tally_rate(struct dd_tally *t, gw_str service, gw_str env, bool counts)
{
    struct dd_tallied *p = find_pair(t, service, env);
    if (p && counts)
        p->traces += t->weight;
    return p ? p->rate : find_rate(t, service, env);
}

void dd_tally_end(struct dd_tally *t, bool taken, gw_nsec now)
{
    struct dd_sampler *s = t->sampler;
    int64_t bucket = now / (BUCKET_SECONDS * GW_SEC);
    dd_rates_drop(t->rates);
    t->rates = NULL;
    if (!taken || !t->n)
        return;
    gw_lock(&s->lock);
    bool changed = turn(s, bucket), fresh = false;
    for (unsigned i = 0; i < t->n; i++)
        fresh |= t->pairs[i].traces > 0 && count(s, &t->pairs[i], bucket) &&
                 own_rate(s, t->pairs[i].service, t->pairs[i].env);
    if (changed || fresh)
        publish(s);
    gw_unlock(&s->lock);
}
