/* segment_log.h: the disk queue: one append-only log of frames, for all exporters that still have to
 * deliver them.
 *
 *   append ─▶ ┌ segment 7 ┐ ┌ segment 8 ┐ ┌ segment 9, open ┐ ◀─ end   a segment without pending records is free:
 *             │ f f f f f │ │ f f f f f │ │ f f f ──▶       │          the next one overwrites it in place
 *             └─────▲─────┘ └───────────┘ └─────────▲───────┘
 *        reader B: behind, continues here           reader A: keeps up, has its frames in memory
 *
 * One copy of a frame serves every exporter (here: reader) that takes it. Append decides, under one lock
 * and for each reader, where it will find the frame: in memory, if there is room and the reader is not
 * behind; otherwise only here. A reader that is behind gets its frames from gw_segment_log_next, in the
 * order of appending, until that reports that it has caught up. Both are decided under the state's lock.
 * Append returns the readers that had caught up and now have a frame only on the disk: its caller wakes
 * them, so no reader sleeps while it has data here. A reader reports a finished record by
 * gw_segment_log_ack, which writes a byte in the record in place (segment_record.h).
 *
 * Durability: appended data survives the process at once, because it is in the system's page cache;
 * gw_segment_log_durable waits until it survives the machine. A failed sync makes its segments suspect for
 * good: nothing is added to them, and they are not used again.
 *
 * Failures: when the disk is full, read-only or broken, append refuses for a second, logged once and
 * counted. Then it tries again in another segment. The segment in which a write failed is sealed after its
 * last complete record, so that no start takes the rest of that write for records (they were refused, and
 * their senders still have them). Data that cannot be read is skipped, counted and reported with file and
 * offset, and never blocks readable data; a read that fails is retried for a minute first.
 *
 * Locks: append (held while writing), then state (held for a few counters and pointers), then those of
 * callbacks. Nothing is logged while one is held.
 * Threads: append, durable, sync from any; next, ack of one reader from one thread; the others from main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SEGMENT_LOG_H
#define GW_SEGMENT_LOG_H

#include "core/base/err.h"
#include "core/delivery/durable.h"
#include "core/diskqueue/segment_io.h"
#include "core/diskqueue/segment_record.h"

/* More than exporters there can be: names that only the disk remembers are readers too. */
enum { GW_SEGMENT_LOG_READERS = 32 };

struct gw_segment_log_items {
    uint64_t of[GW_SIGNALS];
};

struct gw_segment_log_conf {
    const char *directory;
    uint64_t max_size, segment_size; /* of all files; of one, 0: as fits max_size */
    gw_nsec pause;                   /* after trouble; 0: a second */
    bool sync_names;                 /* a new file's name is brought to the disk too */
    uint8_t boot[16];
    const struct gw_segment_io *io;
    void *arg;
    /* Any thread; `file` is a name within the directory; bytes 0: to an unknown end. */
    void (*damaged)(void *arg, const char *file, uint64_t at, uint64_t bytes, const char *what);
    /* Called under the state's lock: the items that a reader that drops its oldest lost to make room. */
    void (*gave_up)(void *arg, unsigned reader, const struct gw_segment_log_items *);
};

struct gw_segment_log;

/* Creates the directory (not its parents), locks it and reads its segments. NULL, with the reason, when it
 * cannot be used. */
struct gw_segment_log *gw_segment_log_open(const struct gw_segment_log_conf *, struct gw_err *);
/* After all others have ended. Pending records stay. */
void gw_segment_log_close(struct gw_segment_log *);

/* Makes or finds a reader by its name. `pending` receives the records pending from an earlier run: with some,
 * the reader is behind. GW_SEGMENT_LOG_READERS when there are too many: GW_SEGMENT_LOG_SLOTS at a time. */
unsigned gw_segment_log_attach(struct gw_segment_log *, const char *name, bool drop_oldest,
                               struct gw_segment_log_items *pending);

/* Lets the log drop this reader's oldest records to make room, for a caller that first counts its pending
 * records in the ledger. */
void gw_segment_log_drop_oldest(struct gw_segment_log *, unsigned reader);
/* The reader's exporter is gone; its pending records stay. Attached again, the reader finds them, unless it
 * held some of them when it was detached: then only the next start finds them, and attach returns
 * GW_SEGMENT_LOG_READERS, as it does for a name that is attached. */
void gw_segment_log_detach(struct gw_segment_log *, unsigned reader);
/* After all were attached: logs a line for each name on the disk that was not attached. */
void gw_segment_log_report_orphans(struct gw_segment_log *);

/* `commit` is called under the state's lock, once all is written and before anybody can read it; from then on
 * it has been accepted. GW_OK, GW_QUEUE_FULL when max_size is reached, GW_OVER_STORAGE when it cannot hold this much, GW_STORAGE when the disk does not take
 * it. Sets frame->stored. *ticket is for gw_segment_log_durable, *lagging has a bit for each reader that the
 * caller has to wake (durable.h). */
enum gw_code gw_segment_log_append(struct gw_segment_log *, struct gw_durable_entry *, size_t n,
                                   void (*commit)(void *), void *arg, uint64_t *ticket, uint32_t *lagging,
                                   struct gw_err *) GW_MUST_CHECK;
/* Returns when everything up to the ticket is on the disk; false when it may not be. One sync serves all that
 * wait. */
bool gw_segment_log_durable(struct gw_segment_log *, uint64_t ticket) GW_MUST_CHECK;
/* Syncs the pending records that were already there at the previous call. If called at least every T/2, no
 * pending record stays unsynced longer than T. Records that are delivered sooner never cost a sync: while all
 * readers keep up, there is none. */
bool gw_segment_log_sync_aged(struct gw_segment_log *);
/* Brings everything to the disk. False when some of it may not be there. */
bool gw_segment_log_sync(struct gw_segment_log *);

/* Makes sure that pending records are there for the next start, even if their files were deleted: they are
 * created again. False when that fails; the log has the reason. Call it at the end, when no thread appends. */
bool gw_segment_log_keeps(struct gw_segment_log *);

/* The reader has finished a record. */
void gw_segment_log_ack(struct gw_segment_log *, unsigned reader, struct gw_disk_position);

enum gw_segment_log_next {
    GW_SEGMENT_LOG_FRAME,     /* `frame` is the caller's */
    GW_SEGMENT_LOG_DAMAGED,   /* `lost` cannot be read, and is not pending any more */
    GW_SEGMENT_LOG_CAUGHT_UP, /* nothing is left: data appended from now on comes through memory again */
    GW_SEGMENT_LOG_NO_MEMORY, /* or the disk cannot be read for the moment: try again later */
};
struct gw_segment_log_got {
    struct gw_frame *frame;
    struct gw_segment_log_items lost;
};
enum gw_segment_log_next gw_segment_log_next(struct gw_segment_log *, unsigned reader,
                                             struct gw_segment_log_got *);
/* Some of the reader's frames are only on the disk. Any thread; a moment later it may be otherwise. */
bool gw_segment_log_lagging(const struct gw_segment_log *, unsigned reader);

/* When a record arrived, on this process's monotonic clock: by that clock where the system has not been
 * started since, else by wall clocks, between which nothing is believed to take less than no time or more
 * than GW_SEGMENT_LOG_OLDEST. */
gw_nsec gw_segment_log_arrival(const struct gw_segment_record *, bool same_boot, gw_nsec now, gw_nsec wall);
#define GW_SEGMENT_LOG_OLDEST (400 * 24 * 3600 * GW_SEC)

/* Since the start, and now. */
struct gw_segment_log_stats {
    uint64_t appended, appended_bytes, damaged, damaged_bytes, trouble, sync_failures, foreign_files;
    uint64_t recovered, segments, free_segments,
        size; /* records pending at the start; files and their bytes */
    /* the last append was refused for lack of room, and there still is none; or by the disk */
    bool full, broken;
};
void gw_segment_log_stats(struct gw_segment_log *, struct gw_segment_log_stats *);

#endif
