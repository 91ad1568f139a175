/* durable.h: the functions of a disk queue (core/diskqueue/disk_queue.h) that the fan-out calls. The disk
 * queue is on a higher floor, so it passes them at run time.
 *
 * Each exporter is a reader with a number. A frame is written once for all its readers. Readers that keep
 * up and have room in memory also get it in memory; the others read it from the disk.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DURABLE_H
#define GW_DURABLE_H

#include "core/base/err.h"
#include "core/delivery/frame.h"

struct gw_durable_entry {
    struct gw_frame *frame;
    uint32_t pending; /* readers that get the frame, as bits … */
    uint32_t check;   /* set by append */
    /* … and those that have room for it in memory. append clears the bits of readers that have to read from
     * the disk first. */
    uint32_t memory;
};

struct gw_durable {
    /* Some of the reader's frames are only on the disk. The answer may be out of date at once: use it only to
     * save work. What append decides is what counts. */
    bool (*lagging)(void *ctx, unsigned reader);
    /* Calls `commit` once, after everything is written and before a reader can see it; from then on the data
     * is accepted. GW_OK, GW_QUEUE_FULL, GW_OVER_STORAGE, GW_STORAGE. Sets frame->stored. With GW_OK,
     * `*lagging` has a bit for each reader that kept up until now and finds some of this data only on the
     * disk. Such a reader may be asleep, so the caller must wake it. Append decides where a reader finds a
     * frame and whether to wake it under the same lock under which a reader learns that it has caught up. */
    enum gw_code (*append)(void *ctx, struct gw_durable_entry *, size_t n, void (*commit)(void *), void *arg,
                           uint64_t *ticket, uint32_t *lagging, struct gw_err *);
    /* Returns when the data of this ticket is as safe as the options require. False when it may not survive
     * the machine. */
    bool (*wait)(void *ctx, uint64_t ticket);
    /* Syncs everything that was appended, unless the options leave this to the system. False when some of it
     * may not be on the disk and an exporter still has to deliver it. */
    bool (*sync)(void *ctx);
};

#endif
