/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/sender/inflight_batch.h"

#include <stdlib.h>

#include "exporters/sender/frame_split.h"

/* Makes the batch from the nodes; frames has room for them all. */
static void fill(struct gw_inflight_batch *p)
{
    p->batch.n = p->batch.bytes = 0;
    p->batch.items = 0;
    for (struct gw_node *node = p->nodes.first; node; node = node->next) {
        p->batch.frames[p->batch.n++] = node->frame;
        p->batch.bytes += node->frame->len;
        p->batch.items += node->frame->items;
    }
}

static size_t length(const struct gw_chain *c)
{
    size_t n = 0;
    for (const struct gw_node *node = c->first; node; node = node->next)
        n++;
    return n;
}

static gw_nsec newest(const struct gw_chain *c)
{
    gw_nsec t = INT64_MIN;
    for (const struct gw_node *node = c->first; node; node = node->next)
        if (node->frame->arrived > t)
            t = node->frame->arrived;
    return t;
}

struct gw_inflight_batch *gw_inflight_batch_new(struct gw_chain *nodes, gw_nsec max_age)
{
    struct gw_inflight_batch *p = calloc(1, sizeof *p);
    struct gw_frame **frames = calloc(length(nodes), sizeof *frames);
    if (!p || !frames) {
        free(p);
        free(frames);
        return NULL;
    }
    p->nodes = *nodes;
    *nodes = (struct gw_chain){NULL, NULL};
    p->retry.expiry = newest(&p->nodes) + max_age;
    p->batch.signal = p->nodes.first->frame->signal;
    p->batch.frames = frames;
    fill(p);
    return p;
}

struct gw_chain gw_inflight_batch_open(struct gw_inflight_batch *p)
{
    struct gw_chain nodes = p->nodes;
    free(p->batch.frames);
    free(p);
    return nodes;
}

uint64_t gw_inflight_batch_prune(struct gw_inflight_batch *p, gw_nsec oldest, struct gw_chain *out)
{
    struct gw_chain keep = {NULL, NULL};
    uint64_t before = p->batch.items;
    for (struct gw_node *node; (node = gw_chain_pop(&p->nodes));)
        gw_chain_add(node->frame->arrived < oldest ? out : &keep, node);
    p->nodes = keep;
    fill(p);
    return before - p->batch.items;
}

/* The only frame of p becomes two; the queue's charge is shared out, not raised. */
static bool cut(struct gw_inflight_batch *p)
{
    struct gw_frame *half[2];
    struct gw_node *whole = p->nodes.first, *rest;
    if (!gw_frame_split(whole->frame, half))
        return false;
    struct gw_frame **frames = realloc(p->batch.frames, 2 * sizeof *frames);
    if (frames)
        p->batch.frames = frames;
    rest = frames ? gw_node_new(half[1], whole->cost / 2) : NULL;
    if (!rest || !gw_node_share(whole, rest)) {
        free(rest);
        gw_frame_drop(half[0]);
        gw_frame_drop(half[1]);
        return false;
    }
    gw_frame_part(half[0], whole->frame);
    gw_frame_part(half[1], whole->frame);
    gw_frame_drop(whole->frame);
    whole->frame = half[0];
    whole->cost -= rest->cost;
    gw_chain_add(&p->nodes, rest);
    fill(p);
    return true;
}

/* Moves nodes off the front of p until about half its bytes are gone; at least one, never all. */
static struct gw_chain front(struct gw_inflight_batch *p)
{
    struct gw_chain c = {NULL, NULL};
    size_t bytes = 0;
    do {
        bytes += p->nodes.first->frame->len;
        gw_chain_add(&c, gw_chain_pop(&p->nodes));
    } while (p->nodes.first->next && bytes + p->nodes.first->frame->len <= p->batch.bytes / 2);
    return c;
}

bool gw_inflight_batch_split(struct gw_inflight_batch *p, gw_nsec max_age, struct gw_inflight_batch *out[2])
{
    if (p->batch.n == 1 && !cut(p))
        return false;
    struct gw_chain c = front(p), kept;
    if (!(out[0] = gw_inflight_batch_new(&c, max_age))) {
        c.last->next = p->nodes.first;
        p->nodes.first = c.first;
        return false;
    }
    out[1] = p;
    out[0]->owner = p->owner;
    kept = p->nodes;
    p->retry = (struct gw_retry){.expiry = newest(&kept) + max_age};
    fill(p);
    return true;
}
