/* offset_tracker_internal.h: shared by trackers and flushes: the entry's part of a flush, the flush, the
 * tracker.
 *
 * Ownership: an ack callback belongs to its checkpoints, which its entries hold; the last one that leaves
 * frees it.
 * Threads: see offset_tracker.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OFFSET_TRACKER_INTERNAL_H
#define GW_OFFSET_TRACKER_INTERNAL_H

#include <stdatomic.h>

#include "core/base/lock.h"
#include "gateway/receivers/file/offset_tracker.h"

struct ack;

/* One entry's part of a flush. */
struct offset_checkpoint {
    struct offset_checkpoint *next; /* of the entry, in order of offsets */
    struct ack *of;
    struct file_entry *entry;
    uint64_t offset;
};

struct ack {
    struct gw_ack_callback ack;
    struct offset_tracker *tracker;
    bool settled, kept; /* under the lock */
    size_t left;        /* checkpoints that entries still hold; under the lock */
    size_t n;
    struct offset_checkpoint checkpoints[];
};

struct offset_tracker {
    struct offset_tracker *next; /* of all; under the lock of all */
    /* the reader's, and an ack callback's each; from nothing to one only under the lock of all */
    atomic_size_t refs;
    bool used; /* by a reader; under the lock of all */
    bool in_memory;
    char *name;
    int lock_file; /* -1: none */
    struct gw_list known;
    struct offset_tracker_before before;
    struct gw_lock lock;
    bool changed, given_up; /* under the lock */
    struct file_entry *first, *touched;
    struct file_index by_inode;
};

static inline uint64_t file_entry_within(const struct file_entry *e, uint64_t offset)
{
    return e->limit && offset > e->limit ? e->limit : offset;
}

/* A reference less; any thread. */
void offset_tracker_unref(struct offset_tracker *);
void file_entry_free(struct file_entry *);

#endif
