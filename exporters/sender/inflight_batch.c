/* Batches of the sender: made from queue nodes, pruned, split, and dissolved. Owns the nodes while they are
 * in a batch. Called by the sender's files, on the sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/inflight_batch.h"

#include <stdlib.h>

#include "core/base/budget.h"

/* Makes the batch from the nodes; frames has room for all of them. */
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

/* Returns the state before the first try, with the times when the first and the last of the frames expire. c
 * is not empty. */
static struct gw_retry retry_of(const struct gw_chain *c, gw_nsec max_age)
{
    gw_nsec oldest = INT64_MAX, newest = INT64_MIN;
    for (const struct gw_node *node = c->first; node; node = node->next) {
        oldest = node->frame->arrived < oldest ? node->frame->arrived : oldest;
        newest = node->frame->arrived > newest ? node->frame->arrived : newest;
    }
    return (struct gw_retry){.first_expiry = oldest + max_age, .expiry = newest + max_age};
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
    p->retry = retry_of(&p->nodes, max_age);
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

void gw_inflight_batch_take_frames(struct gw_inflight_batch *p, size_t n, struct gw_chain *out)
{
    while (n--)
        gw_chain_add(out, gw_chain_pop(&p->nodes));
    fill(p);
}

/* `rest` is the undelivered part of the node's frame. */
static void replace_frame(struct gw_node *node, struct gw_frame *rest)
{
    rest->stored = node->frame->stored;
    rest->budget = node->frame->budget;
    rest->charged = gw_frame_cost(rest);
    gw_budget_force(rest->budget, rest->charged);
    gw_frame_part(rest, node->frame);
    gw_frame_drop(node->frame);
    node->frame = rest;
    node->bytes = rest->len;
}

uint64_t gw_inflight_batch_keep(struct gw_inflight_batch *p, struct gw_frame **left, struct gw_chain *out)
{
    struct gw_chain keep = {NULL, NULL};
    uint64_t before = p->batch.items;
    size_t i = 0;
    for (struct gw_node *node; (node = gw_chain_pop(&p->nodes)); i++) {
        if (left[i] && left[i] != node->frame)
            replace_frame(node, left[i]);
        gw_chain_add(left[i] ? &keep : out, node);
    }
    p->nodes = keep;
    fill(p);
    return before - p->batch.items;
}

/* Splits the only frame of p into two; the queue's charge is divided between them, not raised. */
static enum gw_division cut(struct gw_inflight_batch *p)
{
    struct gw_frame *half[2];
    struct gw_node *whole = p->nodes.first, *rest;
    enum gw_division division = gw_frame_split(whole->frame, half);
    if (division != GW_DIVIDED)
        return division;
    struct gw_frame **frames = realloc(p->batch.frames, 2 * sizeof *frames);
    if (frames)
        p->batch.frames = frames;
    rest = frames ? gw_node_new(half[1], whole->cost / 2) : NULL;
    if (!rest || !gw_node_share(whole, rest)) {
        free(rest);
        gw_frame_drop(half[0]);
        gw_frame_drop(half[1]);
        return GW_DIVISION_NO_MEMORY;
    }
    gw_frame_part(half[0], whole->frame);
    gw_frame_part(half[1], whole->frame);
    gw_frame_drop(whole->frame);
    whole->frame = half[0];
    whole->bytes = half[0]->len;
    whole->cost -= rest->cost;
    rest->number = whole->number; /* in case it returns to the queue */
    gw_chain_add(&p->nodes, rest);
    fill(p);
    return GW_DIVIDED;
}

/* Moves nodes off the front of p until about half its bytes are moved; at least one node, never all. */
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

enum gw_division gw_inflight_batch_split(struct gw_inflight_batch *p, gw_nsec max_age,
                                         struct gw_inflight_batch *out[2])
{
    enum gw_division division = p->batch.n == 1 ? cut(p) : GW_DIVIDED;
    if (division != GW_DIVIDED)
        return division;
    struct gw_chain c = front(p);
    if (!(out[0] = gw_inflight_batch_new(&c, max_age))) {
        c.last->next = p->nodes.first;
        p->nodes.first = c.first;
        return GW_DIVISION_NO_MEMORY;
    }
    out[1] = p;
    out[0]->owner = p->owner;
    p->retry = retry_of(&p->nodes, max_age);
    fill(p);
    return GW_DIVIDED;
}
