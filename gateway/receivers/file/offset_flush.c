/* offset_flush.c: Keeps the flushes in progress: the entries of each flush and their new offsets, and advances
 * the offsets when flushes are settled, in any order. Owns the flushes. The reader makes ack callbacks;
 * senders settle them, on their own threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "gateway/receivers/file/offset_tracker_internal.h"

void offset_tracker_touch(struct offset_tracker *b, struct file_entry *e, uint64_t offset)
{
    if (!e->touched) {
        e->next_touched = b->touched;
        b->touched = e;
    }
    e->touched = true;
    e->flush = offset;
}

/* The checkpoints at the front that are settled leave; safe follows them up to the first that was given
 * up. */
static void advance(struct offset_tracker *b, struct file_entry *e)
{
    for (struct offset_checkpoint *m; (m = e->first) && m->of->settled;) {
        e->first = m->next;
        if (!m->of->kept)
            e->stuck = true;
        if (!e->stuck) {
            e->at.offset = file_entry_within(e, m->offset);
            b->changed = true;
        }
        if (--m->of->left == 0)
            free(m->of);
    }
    if (!e->first && e->stuck)
        b->given_up = b->changed = true; /* wakes the thread that waits for something to save */
    if (!e->first && e->gone)
        file_entry_free(e);
}

/* Any thread. */
static void settled(struct gw_ack_callback *ack, bool kept)
{
    struct ack *r = (struct ack *)ack;
    struct offset_tracker *b = r->tracker;
    gw_lock(&b->lock);
    r->settled = true;
    r->kept = kept;
    r->left++; /* so that it outlives the loop */
    for (size_t i = 0; i < r->n; i++)
        if (r->checkpoints[i].entry->first == &r->checkpoints[i])
            advance(b, r->checkpoints[i].entry);
    bool last = --r->left == 0;
    gw_unlock(&b->lock);
    if (last)
        free(r);
    offset_tracker_unref(b);
}

static void add_mark(struct ack *r, struct file_entry *e)
{
    struct offset_checkpoint *m = &r->checkpoints[r->n++];
    *m = (struct offset_checkpoint){.of = r, .entry = e, .offset = e->flush};
    if (e->first)
        e->last->next = m;
    else
        e->first = m;
    e->last = m;
    e->touched = false;
}

struct gw_ack_callback *offset_tracker_ack(struct offset_tracker *b)
{
    size_t n = 0;
    for (const struct file_entry *e = b->touched; e; e = e->next_touched)
        n++;
    struct ack *r = malloc(sizeof *r + n * sizeof *r->checkpoints);
    if (!r)
        return NULL;
    *r = (struct ack){.ack = {settled}, .tracker = b, .left = n};
    atomic_fetch_add(&b->refs, 1);
    gw_lock(&b->lock);
    for (struct file_entry *e = b->touched; e; e = e->next_touched)
        add_mark(r, e);
    b->touched = NULL;
    gw_unlock(&b->lock);
    return &r->ack;
}

/* The last checkpoint of its entry leaves, and settles nothing. */
static void take_checkpoint_back(struct offset_checkpoint *m)
{
    struct file_entry *e = m->entry;
    struct offset_checkpoint *before = NULL;
    for (struct offset_checkpoint *at = e->first; at != m; at = at->next)
        before = at;
    *(before ? &before->next : &e->first) = NULL;
    e->last = before;
    if (!e->first && e->gone)
        file_entry_free(e);
}

void offset_tracker_cancel(struct gw_ack_callback *ack)
{
    struct ack *r = (struct ack *)ack;
    struct offset_tracker *b = r->tracker;
    gw_lock(&b->lock);
    for (size_t i = 0; i < r->n; i++)
        take_checkpoint_back(&r->checkpoints[i]);
    gw_unlock(&b->lock);
    free(r);
    offset_tracker_unref(b);
}
