/* offset_tracker.h: how far each file is safe: delivered, or durably queued.
 *
 *     reader ──flush──▶ receipt {entry A: 4096, entry B: 700} ──▶ frames ──▶ senders ──settled──▶ A safe up to 4096, B up to 700
 *
 *     entry A   safe ▶│ 1024 settled │ 2048 open │ 4096 settled │        safe stays at 1024: what is settled counts only
 *                     └──────────────┴───────────┴──────────────┘        where everything before it is
 *
 * An entry is the content of one file from its first byte on: a file that was truncated gets a new one, and
 * receipts of what it held before change nothing. A flush that a stop gave up (receipt not kept) holds its
 * entries' safe offsets for good: the next start reads on from there.
 *
 * Ownership: the book is counted, under one lock for all books; receipts that outlive the receiver hold it.
 * Entries are the book's. Threads: senders settle receipts; everything else belongs to the reader's thread,
 * before it starts and after it ends to the main thread. `safe` and the marks are under the lock.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OFFSET_TRACKER_H
#define GW_OFFSET_TRACKER_H

#include "core/base/clock.h"
#include "core/delivery/frame.h"
#include "gateway/receivers/file/file_offsets.h"

struct offset_tracker;
struct offset_checkpoint;

struct file_entry {
    struct file_entry *next;
    struct file_saved at; /* .offset: what is safe, under the lock */
    /* under the lock */
    struct offset_checkpoint *first, *last; /* flushes that are not settled, or wait for those before them */
    bool stuck;                             /* one was given up */
    bool gone;                              /* not kept on disk any more; freed with its last mark */
    /* reader's thread */
    bool open;      /* a tail reads it */
    bool hidden;    /* not to be saved: a copy, which the next start looks at again */
    bool touched;   /* stands in the next receipt */
    uint64_t flush; /* up to this offset */
};

/* NULL when there is no memory. Takes over what was loaded, unless a book of this name still lives: that of a
 * receiver that was closed and is opened again by a reload, with flushes under way. Then that one goes on. */
struct offset_tracker *offset_tracker_new(const char *name, struct file_offsets *loaded);
/* The reader's side lets go of it. */
void offset_tracker_drop(struct offset_tracker *);

/* First of all entries. */
struct file_entry *offset_tracker_first(struct offset_tracker *);
/* A new one, its path copied. NULL when there is no memory. */
struct file_entry *offset_tracker_add(struct offset_tracker *, const struct file_saved *);
/* False: no memory, the old path stays. */
bool offset_tracker_rename(struct offset_tracker *, struct file_entry *, const char *path);
/* What its first bytes are. */
void offset_tracker_head(struct offset_tracker *, struct file_entry *, uint32_t n, uint64_t hash);
/* The file is not there any more, or what it held is not. */
void offset_tracker_remove(struct offset_tracker *, struct file_entry *);
uint64_t offset_tracker_safe(struct offset_tracker *, const struct file_entry *);
/* Where to go on: behind what is safe or under way. */
uint64_t offset_tracker_reached(struct offset_tracker *, const struct file_entry *);
/* Nothing of it is under way. */
bool offset_tracker_settled(struct offset_tracker *, const struct file_entry *);
/* Nothing of it is under way, and bytes up to here need no delivery: blank lines, the beginning that nobody
 * wants. */
void offset_tracker_skip(struct offset_tracker *, struct file_entry *, uint64_t offset);
/* Something was given up while we live (an exporter went away) and nothing is under way: reading starts again
 * at *safe. */
bool offset_tracker_rewind(struct offset_tracker *, struct file_entry *, uint64_t *safe);

/* Up to `offset` of the entry stands in the feed now. */
void offset_tracker_touch(struct file_entry *, uint64_t offset);
/* For the flush of all that was touched, which then is not any more. NULL when there is no memory. */
struct gw_ack_callback *offset_tracker_ack(struct offset_tracker *);

/* Writes the book to `path` when it changed since the last time. `patterns` are the receiver's. False, with
 * why: not written. */
bool offset_tracker_save(struct offset_tracker *, const char *path, const struct gw_list *patterns,
                         char *why) GW_MUST_CHECK;
bool offset_tracker_changed(struct offset_tracker *);

#endif
