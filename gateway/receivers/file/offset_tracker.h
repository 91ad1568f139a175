/* offset_tracker.h: tracks how far each file is safe: delivered, or durably queued.
 *
 *     reader ──flush──▶ ack callback {entry A: 4096, entry B: 700} ──▶ frames ──▶ senders ──settled──▶ A safe up to 4096, B up to 700
 *
 *     entry A   safe ▶│ 1024 settled │ 2048 open │ 4096 settled │        safe stays at 1024: a settled part counts only
 *                     └──────────────┴───────────┴──────────────┘        if everything before it is settled
 *
 * An entry is the content of one file from its first byte on: a truncated file gets a new entry, and ack
 * callbacks of its earlier content change nothing. If a stop gives a flush up (ack callback not kept), the
 * safe offsets of its entries stay where they are: the next start reads from there. A flush that no queue
 * accepted is cancelled and has no effect; the reader continues before it.
 *
 * A reload closes the receiver and opens it at once. The tracker outlives that: with flushes in progress it
 * waits for them, and if offsets are saved on disk it writes the last ones before it ends. So the next
 * receiver finds either the tracker or a file that is exact. If they are not saved, the tracker lives as
 * long as the process.
 *
 * Ownership: the tracker is reference-counted; ack callbacks that outlive the receiver hold references.
 * Entries are the tracker's, and so is the descriptor of a file without a name, between two receivers.
 * Threads: senders settle ack callbacks, and may write the last offsets; everything else belongs to the
 * reader's thread, and to the main thread before it starts and after it ends. `safe` and the checkpoints
 * are under the lock.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OFFSET_TRACKER_H
#define GW_OFFSET_TRACKER_H

#include <sys/types.h>

#include "core/base/clock.h"
#include "core/delivery/frame.h"
#include "gateway/receivers/file/file_index.h"
#include "gateway/receivers/file/file_offsets.h"

struct offset_tracker;
struct offset_checkpoint;

struct file_entry {
    struct file_entry *next, *prev;
    struct file_index_link by_inode;
    struct file_saved at; /* .offset: the safe offset, under the lock */
    /* under the lock */
    struct offset_checkpoint *first, *last; /* flushes that are not settled, or wait for those before them */
    bool stuck;                             /* one was given up */
    bool gone;                              /* not kept on disk any more; freed with its last checkpoint */
    uint64_t limit; /* its file ends there for good, and offsets with it; 0: it does not */
    /* reader's thread */
    bool open;                       /* a tail reads it */
    bool hidden;                     /* not to be saved: a copy, which the next start examines again */
    bool touched;                    /* part of the next ack callback … */
    struct file_entry *next_touched; /* … together with this one */
    uint64_t flush;                  /* up to this offset */
    int fd;                          /* of a file without a name, while no tail has it; else -1 */
};

/* Finds the tracker of this name that a reader has released and that still exists, with entries that no tail
 * reads. NULL: there is none. */
struct offset_tracker *offset_tracker_find(const char *name);
/* NULL when there is no memory. Takes over the loaded offsets. `name` is the file of offsets, or with
 * `in_memory` any other name for offset_tracker_find; "": never found. */
struct offset_tracker *offset_tracker_new(const char *name, bool in_memory, struct file_offsets *loaded);
/* Holds the lock of its file (a descriptor) until it ends. */
void offset_tracker_own_lock(struct offset_tracker *, int fd);
/* Called by the thread that saves, between choosing the offsets and writing them: the records that they cover
 * must be on the disk first. False: they are not, and the offsets are not written. */
struct offset_tracker_before {
    bool (*call)(void *ctx);
    void *ctx;
};
void offset_tracker_save_after(struct offset_tracker *, const struct offset_tracker_before *);
/* The patterns of its last reader: what only others match is new. Good until the next call of
 * offset_tracker_patterns. */
const struct gw_list *offset_tracker_known(const struct offset_tracker *);
/* From now on those are the reader's; copied. Without memory the former ones stay. */
void offset_tracker_patterns(struct offset_tracker *, const struct gw_list *);
/* Releases the reader's reference. */
void offset_tracker_drop(struct offset_tracker *);

/* First of all entries. */
struct file_entry *offset_tracker_first(struct offset_tracker *);
/* The first one of this inode that no tail reads, of that device or, second best, of this path: device
 * numbers change when a machine starts. NULL: none. */
struct file_entry *offset_tracker_of_inode(struct offset_tracker *, dev_t, ino_t, const char *path);
/* Adds an entry and copies its path. NULL when there is no memory. */
struct file_entry *offset_tracker_add(struct offset_tracker *, const struct file_saved *);
/* False: no memory, the old path stays. */
bool offset_tracker_rename(struct offset_tracker *, struct file_entry *, const char *path);
/* The same content now has another device and inode: a copy, or a machine that was restarted. */
void offset_tracker_move(struct offset_tracker *, struct file_entry *, dev_t, ino_t);
/* Its file holds so many bytes and never more: offsets behind them count as the end. */
void offset_tracker_limit(struct offset_tracker *, struct file_entry *, uint64_t size);
/* What its first bytes are. */
void offset_tracker_head(struct offset_tracker *, struct file_entry *, uint32_t n, uint64_t hash);
/* Kept on disk or not. */
void offset_tracker_hide(struct offset_tracker *, struct file_entry *, bool hidden);
/* The file or its content is gone. */
void offset_tracker_remove(struct offset_tracker *, struct file_entry *);
uint64_t offset_tracker_safe(struct offset_tracker *, const struct file_entry *);
/* Where to continue reading: after the parts that are safe or in progress. */
uint64_t offset_tracker_reached(struct offset_tracker *, const struct file_entry *);
/* Nothing of it is under way, or to be read another time. */
bool offset_tracker_settled(struct offset_tracker *, const struct file_entry *);
/* Nothing of it is in progress, and bytes up to this offset need no delivery: blank lines, a beginning that
 * is skipped. */
void offset_tracker_skip(struct offset_tracker *, struct file_entry *, uint64_t offset);
/* Something was given up while we live (an exporter went away) and nothing is under way: reading starts again
 * at *safe. */
bool offset_tracker_rewind(struct offset_tracker *, struct file_entry *, uint64_t *safe);
/* True once after something was given up: offset_tracker_rewind will return an offset for an entry. */
bool offset_tracker_given_up(struct offset_tracker *);

/* The entry's text up to `offset` is now in the sink. */
void offset_tracker_touch(struct offset_tracker *, struct file_entry *, uint64_t offset);
/* Makes the callback for the flush of everything that was touched. NULL when there is no memory. */
struct gw_ack_callback *offset_tracker_ack(struct offset_tracker *);
/* Cancels the newest ack callback, whose flush no queue accepted. */
void offset_tracker_cancel(struct gw_ack_callback *);

/* Writes the tracker to its file when it changed since the last time. False, with why: not written. */
bool offset_tracker_save(struct offset_tracker *, char *why) GW_MUST_CHECK;
bool offset_tracker_changed(struct offset_tracker *);

#endif
