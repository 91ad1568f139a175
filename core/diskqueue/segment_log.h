/* segment_log.h: the disk queue: one append-only log of frames, for all exporters that still have them
 * pending.
 *
 *   append ─▶ ┌ segment 7 ┐ ┌ segment 8 ┐ ┌ segment 9, open ┐ ◀─ end   a segment without pending records is free:
 *             │ f f f f f │ │ f f f f f │ │ f f f ──▶       │          overwritten in place by the next one
 *             └─────▲─────┘ └───────────┘ └─────────▲───────┘
 *        reader B: behind, reads on from here       reader A: keeps up, has its frames in memory
 *
 * One copy of a frame serves every exporter (here: reader) that takes it. Append decides, under one lock and
 * for each reader, where it will find the frame: in memory, where there is room and the reader is not behind;
 * else only here. A reader that is behind gets its frames by gw_segment_log_next, in the order in which they
 * were appended, until that says that it is level again. Both are decided under the state's lock, and append
 * names the readers that were level and are so no longer: its caller wakes them, so none sleeps while
 * something is here for it. What a reader is through with it reports by gw_segment_log_ack: a byte in the
 * record, written in place (segment_record.h).
 *
 * Durable: what was appended survives the process at once, being in the system's page cache;
 * gw_segment_log_durable waits until it survives the machine. A sync that fails makes its segments suspect
 * for good: nothing is added to them, and they are not used again.
 *
 * Trouble: a disk that is full, read-only or broken makes append refuse for a second, said once and counted;
 * then it tries again, in another segment: the one that a write failed in is sealed where its last whole
 * record ends, so that no start takes what such a write left behind for records (they were refused, and their
 * senders have them still). Everything that cannot be read is skipped, counted and reported with file and
 * offset, and never stops what can; but a read that fails is tried again for a minute before that.
 *
 * Locks: append (held while writing), then state (held for a few counters and pointers), then whoever is
 * called back. Nothing is logged while one is held. Threads: append, durable, sync from any; next, done of
 * one reader from one thread; the others from main.
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
    /* Under the state's lock: what a reader that drops its oldest lost to make room. */
    void (*gave_up)(void *arg, unsigned reader, const struct gw_segment_log_items *);
};

struct gw_segment_log;

/* Makes the directory (not its parents), locks it and finds what is there. NULL, with the reason, when it
 * cannot be used. */
struct gw_segment_log *gw_segment_log_open(const struct gw_segment_log_conf *, struct gw_err *);
/* After all others have ended. Pending records stay. */
void gw_segment_log_close(struct gw_segment_log *);

/* A reader by its name, as it was on the disk or new. `pending` receives what is pending for it from before:
 * it is behind then. GW_SEGMENT_LOG_READERS when there are too many: GW_SEGMENT_LOG_SLOTS at a time. */
unsigned gw_segment_log_attach(struct gw_segment_log *, const char *name, bool drop_oldest,
                               struct gw_segment_log_items *pending);

/* From now on it gives up its oldest for room's sake: for a caller that first counts what is pending for it
 * in the ledger. */
void gw_segment_log_drop_oldest(struct gw_segment_log *, unsigned reader);
/* Its exporter is gone; what is pending for it stays. Attached again, it finds that, unless it had some of it
 * in its hands when it left: then only the next start does, and attach returns GW_SEGMENT_LOG_READERS; as it
 * does for a name that is attached. */
void gw_segment_log_detach(struct gw_segment_log *, unsigned reader);
/* After all were attached: a line for each name that the disk remembers and nobody attached. */
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
/* Brings to the disk what is pending and was there at the call before too. Called twice in a time, nothing
 * that is pending is older than that time and not on the disk; and what is delivered sooner never costs a
 * sync: while everybody keeps up, there is none. */
bool gw_segment_log_sync_aged(struct gw_segment_log *);
/* Brings everything to the disk. False when some of it may not be there. */
bool gw_segment_log_sync(struct gw_segment_log *);

/* What is pending is there for the next start, though somebody deleted its files: they are made again. False
 * when they cannot be; the log says why. At the end, when nobody appends. */
bool gw_segment_log_keeps(struct gw_segment_log *);

/* The reader is through with a record. */
void gw_segment_log_ack(struct gw_segment_log *, unsigned reader, struct gw_disk_position);

enum gw_segment_log_next {
    GW_SEGMENT_LOG_FRAME,     /* `frame` is the caller's */
    GW_SEGMENT_LOG_DAMAGED,   /* `lost` cannot be read, and is not pending any more */
    GW_SEGMENT_LOG_CAUGHT_UP, /* nothing is left: what is appended from now on comes by memory again */
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
    /* the last append was refused for want of room, and there is none; or by the disk */
    bool full, broken;
};
void gw_segment_log_stats(struct gw_segment_log *, struct gw_segment_log_stats *);

#endif
