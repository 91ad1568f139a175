/* offset_tracker.h: how far each file is safe: delivered, or durably queued.
 *
 *     reader ──flush──▶ ack callback {entry A: 4096, entry B: 700} ──▶ frames ──▶ senders ──settled──▶ A safe up to 4096, B up to 700
 *
 *     entry A   safe ▶│ 1024 settled │ 2048 open │ 4096 settled │        safe stays at 1024: what is settled counts only
 *                     └──────────────┴───────────┴──────────────┘        where everything before it is
 *
 * An entry is the content of one file from its first byte on: a file that was truncated gets a new one, and
 * ack callbacks of what it held before change nothing. A flush that a stop gave up (ack callback not kept)
 * holds its entries' safe offsets for good: the next start reads on from there. A flush that nobody took is
 * cancelled: then it never was, and a reader goes on before it.
 *
 * A reload closes the receiver and opens it at once. The tracker outlives that: with flushes under way it
 * waits for them, and where offsets are kept on disk it writes the last ones there before it ends, so whoever
 * opens finds either the tracker or a file that is exact. Where they are kept nowhere it lives as long as the
 * process.
 *
 * Ownership: the tracker is counted; ack callbacks that outlive the receiver hold it. Entries are the
 * tracker's, and so is the descriptor of a file that has no name any more, from one receiver to the next.
 * Threads: senders settle ack callbacks, and may be those who write the last offsets; everything else belongs
 * to the reader's thread, before it starts and after it ends to the main thread. `safe` and the checkpoints
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
    struct file_saved at; /* .offset: what is safe, under the lock */
    /* under the lock */
    struct offset_checkpoint *first, *last; /* flushes that are not settled, or wait for those before them */
    bool stuck;                             /* one was given up */
    bool gone;                              /* not kept on disk any more; freed with its last checkpoint */
    uint64_t limit; /* its file ends there for good, and offsets with it; 0: it does not */
    /* reader's thread */
    bool open;                       /* a tail reads it */
    bool hidden;                     /* not to be saved: a copy, which the next start looks at again */
    bool touched;                    /* stands in the next ack callback … */
    struct file_entry *next_touched; /* … together with this one */
    uint64_t flush;                  /* up to this offset */
    int fd;                          /* of a file without a name, while no tail has it; else -1 */
};

/* The one of this name that a reader let go of and that lives still, with entries that no tail reads. NULL:
 * there is none. */
struct offset_tracker *offset_tracker_find(const char *name);
/* NULL when there is no memory. Takes over what was loaded. `name` is the file in which offsets are kept on
 * disk, or with `in_memory` any other that offset_tracker_find is to find it by; "": never found. */
struct offset_tracker *offset_tracker_new(const char *name, bool in_memory, struct file_offsets *loaded);
/* Holds the lock of its file (a descriptor) until it ends. */
void offset_tracker_own_lock(struct offset_tracker *, int fd);
/* Called between the choice of offsets and their writing, by whoever saves: what they cover has to be on the
 * disk before them. False: it is not, and they are not written. */
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
/* The reader's side lets go of it. */
void offset_tracker_drop(struct offset_tracker *);

/* First of all entries. */
struct file_entry *offset_tracker_first(struct offset_tracker *);
/* The first one of this inode that no tail reads, of that device or, second best, of this path: device
 * numbers change when a machine starts. NULL: none. */
struct file_entry *offset_tracker_of_inode(struct offset_tracker *, dev_t, ino_t, const char *path);
/* A new one, its path copied. NULL when there is no memory. */
struct file_entry *offset_tracker_add(struct offset_tracker *, const struct file_saved *);
/* False: no memory, the old path stays. */
bool offset_tracker_rename(struct offset_tracker *, struct file_entry *, const char *path);
/* What it is the content of has another device and inode: a copy, or a machine that started again. */
void offset_tracker_move(struct offset_tracker *, struct file_entry *, dev_t, ino_t);
/* Its file holds so many bytes and never more: offsets behind them count as the end. */
void offset_tracker_limit(struct offset_tracker *, struct file_entry *, uint64_t size);
/* What its first bytes are. */
void offset_tracker_head(struct offset_tracker *, struct file_entry *, uint32_t n, uint64_t hash);
/* Kept on disk or not. */
void offset_tracker_hide(struct offset_tracker *, struct file_entry *, bool hidden);
/* The file is not there any more, or what it held is not. */
void offset_tracker_remove(struct offset_tracker *, struct file_entry *);
uint64_t offset_tracker_safe(struct offset_tracker *, const struct file_entry *);
/* Where to go on: behind what is safe or under way. */
uint64_t offset_tracker_reached(struct offset_tracker *, const struct file_entry *);
/* Nothing of it is under way, or to be read another time. */
bool offset_tracker_settled(struct offset_tracker *, const struct file_entry *);
/* Nothing of it is under way, and bytes up to here need no delivery: blank lines, the beginning that nobody
 * wants. */
void offset_tracker_skip(struct offset_tracker *, struct file_entry *, uint64_t offset);
/* Something was given up while we live (an exporter went away) and nothing is under way: reading starts again
 * at *safe. */
bool offset_tracker_rewind(struct offset_tracker *, struct file_entry *, uint64_t *safe);
/* True once after something was given up: offset_tracker_rewind has something to say of some entry, or will
 * have. */
bool offset_tracker_given_up(struct offset_tracker *);

/* Up to `offset` of the entry stands in the sink now. */
void offset_tracker_touch(struct offset_tracker *, struct file_entry *, uint64_t offset);
/* For the flush of all that was touched, which then is not any more. NULL when there is no memory. */
struct gw_ack_callback *offset_tracker_ack(struct offset_tracker *);
/* The newest ack callback, whose flush nobody took: it ends as if it had never been made. */
void offset_tracker_cancel(struct gw_ack_callback *);

/* Writes the tracker to its file when it changed since the last time. False, with why: not written. */
bool offset_tracker_save(struct offset_tracker *, char *why) GW_MUST_CHECK;
bool offset_tracker_changed(struct offset_tracker *);

#endif
