/* kafka_offsets.c: partitions, the ack callbacks of their records, and the offsets that follow from these
 * when they are settled in any order. The consumer makes ack callbacks; senders settle them, on their own
 * threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/kafka/kafka_offsets.h"

#include <stdatomic.h>
#include <stdlib.h>

struct ack;

/* One partition's part of an ack callback. */
struct kafka_checkpoint {
    struct kafka_checkpoint *next; /* of the partition, in order of offsets */
    struct ack *of;
    struct kafka_partition *partition;
    int64_t upto;
};

struct ack {
    struct gw_ack_callback ack;
    struct kafka_offsets *tracker;
    atomic_size_t frames; /* that are not settled */
    atomic_bool given_up; /* one of them was */
    bool settled;         /* under the lock */
    size_t left, n;       /* checkpoints that partitions still hold, under the lock; and at first */
    struct kafka_checkpoint checkpoints[];
};

struct kafka_offsets {
    atomic_size_t refs; /* the consumer's, and one an ack callback */
    struct gw_lock lock;
    pthread_cond_t settled;
    struct kafka_partition *first, *touched;
};

/* --- life --- */

struct kafka_offsets *kafka_offsets_new(void)
{
    struct kafka_offsets *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    atomic_init(&t->refs, 1);
    gw_lock_init(&t->lock, GW_LOCK_KAFKA_OFFSETS);
    gw_cond_init(&t->settled);
    return t;
}

static void unref(struct kafka_offsets *t)
{
    if (atomic_fetch_sub(&t->refs, 1) != 1)
        return;
    pthread_cond_destroy(&t->settled);
    gw_lock_fini(&t->lock);
    free(t);
}

static void free_partition(struct kafka_partition *p)
{
    free(p->topic);
    free(p);
}

void kafka_offsets_drop(struct kafka_offsets *t)
{
    if (!t)
        return;
    while (t->first)
        kafka_offsets_remove(t, t->first);
    unref(t);
}

/* --- partitions --- */

struct kafka_partition *kafka_offsets_add(struct kafka_offsets *t, const char *topic, int32_t number)
{
    struct kafka_partition *p = calloc(1, sizeof *p);
    char *name = strdup(topic);
    if (!p || !name) {
        free(p);
        free(name);
        return NULL;
    }
    *p = (struct kafka_partition){
        .topic = name, .number = number, .safe = -1, .read = -1, .end = -1, .committed = -1};
    gw_lock(&t->lock);
    p->next = t->first;
    t->first = p;
    gw_unlock(&t->lock);
    return p;
}

struct kafka_partition *kafka_offsets_find(struct kafka_offsets *t, const char *topic, int32_t number)
{
    struct kafka_partition *p = t->first;
    while (p && (p->number != number || strcmp(p->topic, topic) != 0))
        p = p->next;
    return p;
}

struct kafka_partition *kafka_offsets_first(struct kafka_offsets *t)
{
    return t->first;
}

void kafka_offsets_each(struct kafka_offsets *t, kafka_offsets_f *see, void *ctx)
{
    gw_lock(&t->lock);
    for (const struct kafka_partition *p = t->first; p; p = p->next)
        see(ctx, p);
    gw_unlock(&t->lock);
}

static void untouch(struct kafka_offsets *t, struct kafka_partition *p)
{
    struct kafka_partition **at = &t->touched;
    while (*at && *at != p)
        at = &(*at)->next_touched;
    if (*at)
        *at = p->next_touched;
    p->touched = false;
}

void kafka_offsets_remove(struct kafka_offsets *t, struct kafka_partition *p)
{
    untouch(t, p);
    gw_lock(&t->lock);
    struct kafka_partition **at = &t->first;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->gone = true;
    bool held = p->first != NULL;
    gw_unlock(&t->lock);
    if (!held)
        free_partition(p);
}

/* --- ack callbacks --- */

void kafka_offsets_touch(struct kafka_offsets *t, struct kafka_partition *p, int64_t offset)
{
    bool first = !p->touched;
    if (first) {
        p->next_touched = t->touched;
        t->touched = p;
    }
    p->touched = true;
    p->upto = offset + 1;
    gw_lock(&t->lock);
    if (p->safe < 0)
        p->committed = offset; /* where the broker made us begin */
    if (first && !p->first && !p->stuck)
        p->safe = offset; /* the records in between no longer exist */
    p->read = offset + 1;
    gw_unlock(&t->lock);
}

void kafka_offsets_begin(struct kafka_offsets *t, struct kafka_partition *p, int64_t offset)
{
    gw_lock(&t->lock);
    p->safe = p->read = p->committed = offset;
    gw_unlock(&t->lock);
}

/* The checkpoints at the front that are settled leave; safe follows them up to the first that was given up. Under the
 * lock. */
static void advance(struct kafka_partition *p)
{
    for (struct kafka_checkpoint *c; (c = p->first) && c->of->settled;) {
        p->first = c->next;
        if (atomic_load(&c->of->given_up))
            p->stuck = true;
        if (!p->stuck)
            p->safe = c->upto;
        if (--c->of->left == 0)
            free(c->of);
    }
    if (!p->first && p->gone)
        free_partition(p);
}

static void settle(struct ack *r)
{
    struct kafka_offsets *t = r->tracker;
    gw_lock(&t->lock);
    r->settled = true;
    r->left++; /* so that it outlives the loop */
    for (size_t i = 0; i < r->n; i++)
        if (r->checkpoints[i].partition->first == &r->checkpoints[i])
            advance(r->checkpoints[i].partition);
    bool last = --r->left == 0;
    pthread_cond_signal(&t->settled);
    gw_unlock(&t->lock);
    if (last)
        free(r);
    unref(t);
}

/* Any thread, once a frame. */
static void settled(struct gw_ack_callback *ack, bool kept)
{
    struct ack *r = (struct ack *)ack;
    if (!kept)
        atomic_store(&r->given_up, true);
    if (atomic_fetch_sub(&r->frames, 1) == 1)
        settle(r);
}

static void add_checkpoint(struct ack *r, struct kafka_partition *p)
{
    struct kafka_checkpoint *c = &r->checkpoints[r->n++];
    *c = (struct kafka_checkpoint){.of = r, .partition = p, .upto = p->upto};
    if (p->first)
        p->last->next = c;
    else
        p->first = c;
    p->last = c;
    p->touched = false;
}

bool kafka_offsets_ack(struct kafka_offsets *t, size_t frames, struct gw_ack_callback **ack)
{
    size_t n = 0;
    *ack = NULL;
    for (const struct kafka_partition *p = t->touched; p; p = p->next_touched)
        n++;
    struct ack *r = malloc(sizeof *r + n * sizeof *r->checkpoints);
    if (!r)
        return false;
    *r = (struct ack){.ack = {settled}, .tracker = t, .left = n};
    atomic_init(&r->frames, frames);
    atomic_fetch_add(&t->refs, 1);
    gw_lock(&t->lock);
    for (struct kafka_partition *p = t->touched; p; p = p->next_touched)
        add_checkpoint(r, p);
    t->touched = NULL;
    gw_unlock(&t->lock);
    if (frames)
        *ack = &r->ack;
    else
        settle(r);
    return true;
}

/* --- what is safe --- */

int64_t kafka_offsets_due(struct kafka_offsets *t, const struct kafka_partition *p)
{
    gw_lock(&t->lock);
    int64_t safe = p->safe;
    gw_unlock(&t->lock);
    return safe > p->committed ? safe : -1;
}

int64_t kafka_offsets_unsafe(struct kafka_offsets *t, const struct kafka_partition *p)
{
    gw_lock(&t->lock);
    int64_t n = p->read - p->safe;
    gw_unlock(&t->lock);
    return n;
}

void kafka_offsets_set_end(struct kafka_offsets *t, struct kafka_partition *p, int64_t end)
{
    gw_lock(&t->lock);
    p->end = end;
    gw_unlock(&t->lock);
}

bool kafka_offsets_rewind(struct kafka_offsets *t, struct kafka_partition *p, int64_t *from)
{
    gw_lock(&t->lock);
    bool again = p->stuck && !p->first && !p->touched;
    if (again) {
        p->stuck = false;
        p->read = p->safe;
        *from = p->safe;
    }
    gw_unlock(&t->lock);
    return again;
}

/* Under the lock. */
static bool is_open(const struct kafka_offsets *t, struct kafka_partition *const *of, size_t n)
{
    bool open = false;
    for (const struct kafka_partition *p = of ? NULL : t->first; p; p = p->next)
        open |= p->first != NULL;
    for (size_t i = 0; of && i < n; i++)
        open |= of[i]->first != NULL;
    return open;
}

bool kafka_offsets_wait(struct kafka_offsets *t, struct kafka_partition *const *of, size_t n, gw_nsec until)
{
    bool late = false;
    gw_lock(&t->lock);
    while (is_open(t, of, n) && !late)
        late = !gw_cond_wait_until(&t->settled, &t->lock, until);
    bool open = is_open(t, of, n);
    gw_unlock(&t->lock);
    return !open;
}
