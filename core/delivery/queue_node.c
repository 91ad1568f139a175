/* queue_node.c: makes nodes and chains of them: the entry of a frame in a queue, and the state that the parts
 * of a stored frame share. Owns nothing: a node belongs to the code that unlinked it (queue.h). Called by the
 * queue under its lock, and by the sender on nodes that it holds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/delivery/queue.h"

void gw_chain_add(struct gw_chain *c, struct gw_node *node)
{
    node->next = NULL;
    if (c->last)
        c->last->next = node;
    else
        c->first = node;
    c->last = node;
}

struct gw_node *gw_chain_pop(struct gw_chain *c)
{
    struct gw_node *node = c->first;
    if (!node)
        return NULL;
    c->first = node->next;
    if (!c->first)
        c->last = NULL;
    node->next = NULL;
    return node;
}

struct gw_node *gw_node_new(struct gw_frame *frame, size_t cost)
{
    struct gw_node *node = malloc(sizeof *node);
    if (node)
        *node = (struct gw_node){.frame = frame, .bytes = frame->len, .cost = cost};
    return node;
}

bool gw_node_share(struct gw_node *whole, struct gw_node *rest)
{
    if (!whole->frame->stored.segment && !whole->share)
        return true;
    if (!whole->share && (whole->share = malloc(sizeof *whole->share)))
        *whole->share = (struct gw_share){.stored = whole->frame->stored, .parts = 1};
    if (!whole->share)
        return false;
    rest->share = whole->share;
    rest->share->parts++;
    return true;
}

bool gw_node_settle(struct gw_node *node, bool through, struct gw_disk_position *stored)
{
    struct gw_share *share = node->share;
    node->share = NULL;
    if (!share) {
        *stored = node->frame->stored;
        return through && stored->segment;
    }
    share->left |= !through;
    if (--share->parts)
        return false;
    *stored = share->stored;
    bool all = !share->left;
    free(share);
    return all;
}

void gw_node_drop(struct gw_node *node)
{
    gw_frame_drop(node->frame);
    free(node);
}
