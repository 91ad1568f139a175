/* segment_log_internal.h: definitions that the parts of the disk queue share: segments, readers, locks.
 *
 *   free ──▶ active ──▶ sealed ──▶ released ──▶ free, or removed
 *
 * Live segments (active and sealed) form a list in the order of their sequence; the last one is the active
 * one, or NULL is active and the next append begins one. A segment is released when no reader has a record
 * pending of it; a reader's place never stays in it.
 *
 * Threads: see segment_log.h; each function names the lock that its caller holds.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SEGMENT_LOG_INTERNAL_H
#define GW_SEGMENT_LOG_INTERNAL_H

#include <pthread.h>

#include "core/base/lock.h"
#include "core/diskqueue/segment_log.h"

/* Files kept for reuse; more go, so that a backlog's files do not stay for ever. */
enum { GW_SEGMENT_LOG_KEPT = 4, GW_SEGMENT_LOG_WINDOW = 256 * 1024, GW_SEGMENT_LOG_MOST_FILES = 1 << 20 };

struct gw_segment_log_pending {
    uint32_t pending; /* records that the reader is not through with … */
    uint32_t unread;  /* … of which it has not read so many, holding: */
    struct gw_segment_log_items items;
};

struct gw_segment {
    /* const while it is live */
    uint32_t number; /* of the file, and in gw_disk_position */
    int fd;
    uint64_t sequence, life;
    int8_t slot[GW_SEGMENT_LOG_READERS]; /* reader → slot of this segment; −1: none */
    bool same_boot, recovered;           /* of an earlier process: its damage was reported at the start */
    /* under append */
    uint64_t size;
    /* under state */
    struct gw_segment *next;
    uint64_t end; /* of the records that may be read */
    bool suspect, sealed;
    bool unmarked;         /* sealed in memory but not in the file: the disk refused the write */
    bool dirty, was_dirty; /* written since the last sync; and before the last round of them */
    unsigned pins;         /* threads that read or sync it without the lock */
    struct gw_segment_log_pending pending_records[GW_SEGMENT_LOG_READERS];
};

struct gw_segment_log_reader {
    char name[GW_SEGMENT_LOG_NAME]; /* empty: not in use */
    bool attached, drop_oldest;
    /* under state */
    _Atomic bool lagging;
    struct gw_segment *segment; /* its place, while it is behind … */
    uint64_t at;
    unsigned moved; /* … and how often another thread moved it */
    /* its own thread's */
    gw_nsec failing_since; /* since when the disk returns no data at its position; 0: it does */
    struct gw_segment_log_window window;
    uint64_t window_life;
};

/* Events that happen under a lock and are logged when none is held, so that no thread waits for a lock while
 * a line is written. */
struct gw_segment_log_events {
    bool any, works;     /* the disk takes data again */
    bool restored;       /* files that were deleted are there again: */
    unsigned segments;   /* those that held data */
    const char *trouble; /* what could not be done, NULL: nothing … */
    int why;             /* … and errno */
    /* records of exporters that are not configured, for room's sake */
    uint32_t given_up[GW_SEGMENT_LOG_READERS];
};

struct gw_segment_log_waiter {
    struct gw_segment_log_waiter *next;
    uint64_t ticket;
    bool told, durable;
};

struct gw_segment_log {
    struct gw_segment_log_conf conf;
    int directory, lock_file;

    struct gw_lock append;
    /* under append */
    uint64_t next_sequence;
    gw_nsec trouble_until;
    bool troubled;
    gw_nsec look_at;   /* when all files are looked for again */
    bool deleted;      /* some are missing … */
    unsigned restored; /* … and so many were written again */
    struct gw_segment_log_events events;
    _Atomic gw_nsec broken_until; /* for readers on other threads */

    struct gw_lock state;
    /* under state */
    struct gw_segment **files; /* by number; NULL: no such file */
    uint32_t files_n;
    struct gw_segment *first, *last, *active; /* live */
    struct gw_segment *free, *released;
    unsigned free_n;
    bool full;
    uint64_t size; /* of all files */
    uint64_t ticket;
    struct gw_segment_log_reader readers[GW_SEGMENT_LOG_READERS];
    struct gw_segment_log_stats stats;

    struct gw_lock sync;
    pthread_cond_t synced;
    /* under sync */
    bool syncing;
    struct gw_segment_log_waiter *waiters;
};

/* segment_files.c: the directory */
enum gw_code gw_segment_log_lock(struct gw_segment_log *, struct gw_err *);
/* The lock file of a directory, locked. -1 and errno; EWOULDBLOCK: process `who` has it. */
int gw_segment_log_take_lock(int directory, long *who);
void gw_segment_file_name(uint32_t number, char out[static 32]);
/* The number in the name of a segment file; 0 if it is not such a name. */
uint32_t gw_segment_file_number(const char *name);
/* The directory has, under this name, the file that is open; a segment's under its own name. */
bool gw_segment_log_named(const struct gw_segment_log *, const char *name, int fd);
bool gw_segment_log_is_there(const struct gw_segment_log *, const struct gw_segment *);
/* Creates a new, empty file with room for `size` bytes, as a segment without owner. NULL and errno. */
struct gw_segment *gw_segment_log_create(struct gw_segment_log *, uint64_t size);
/* Writes a head for a new life. False and errno. */
bool gw_segment_log_begin(struct gw_segment_log *, struct gw_segment *, uint64_t sequence);
bool gw_segment_log_put_state(struct gw_segment_log *, struct gw_segment *, enum gw_segment_log_state);
/* Under state: no longer among the files. */
void gw_segment_log_remove(struct gw_segment_log *, struct gw_segment *);
/* Closes, and removes from the disk with `unlink`; frees it. */
void gw_segment_log_drop_segment(struct gw_segment_log *, struct gw_segment *, bool unlink);
bool gw_segment_log_add_file(struct gw_segment_log *, struct gw_segment *);

/* segment_deleted.c */
/* Under the append lock: true if, as far as can be checked, written data survives the process. */
bool gw_segment_log_look(struct gw_segment_log *);
/* Under append, after a look that found something missing: makes it again. GW_STORAGE where that is not
 * possible, or not done yet. */
enum gw_code gw_segment_log_restore(struct gw_segment_log *, struct gw_err *);

/* segment_recovery.c */
enum gw_code gw_segment_log_recover(struct gw_segment_log *, struct gw_err *);

/* Under state: some reader is not through with some record of it. */
static inline bool gw_segment_pending(const struct gw_segment *segment)
{
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        if (segment->pending_records[r].pending)
            return true;
    return false;
}

/* segment_list.c */
void gw_segment_log_link(struct gw_segment_log *, struct gw_segment *);
/* Under state: releases it when no reader has anything pending in it. */
void gw_segment_log_try_release(struct gw_segment_log *, struct gw_segment *);
/* Without a lock: reuses or deletes released segments. */
void gw_segment_log_reap(struct gw_segment_log *);
void gw_segment_log_report_damage(struct gw_segment_log *, uint32_t number, uint64_t at, uint64_t bytes,
                                  const char *what);

/* segment_readers.c; under state, or before there are threads */
unsigned gw_segment_reader_named(struct gw_segment_log *, const char *name);

/* segment_space.c; under append */
enum gw_code gw_segment_log_roll(struct gw_segment_log *, uint64_t need,
                                 /* another segment, with room for so much, becomes active */
                                 struct gw_err *);
void gw_segment_log_seal(struct gw_segment_log *, struct gw_segment *);
/* Ends the active segment at its last complete record, whatever a failed write left after it. */
void gw_segment_log_abandon_tail(struct gw_segment_log *);
/* appends are refused for a moment */
void gw_segment_log_pause(struct gw_segment_log *);
/* … for the error in errno */
enum gw_code gw_segment_log_trouble(struct gw_segment_log *, struct gw_err *, const char *doing);
void gw_segment_log_recovered(struct gw_segment_log *);
void gw_segment_log_note_restored(struct gw_segment_log *);
/* Under append. */
struct gw_segment_log_events gw_segment_log_take_events(struct gw_segment_log *);
/* Not under a lock. */
void gw_segment_log_report_events(struct gw_segment_log *, const struct gw_segment_log_events *);

#endif
