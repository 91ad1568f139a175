/* disk_queue.h: the disk queue of the process: its options, its exporters' names, its thread, its books.
 *
 *     storage = { directory = "/var/lib/ddgate"; max_size = "2GiB"; fsync = "interval"; interval = "1s"; };
 *
 *   offer ─▶ segment_log.h: append ─▶ fsync? ─▶ the answer 200
 *                 │                 always    before every answer, one fsync for all that wait at that moment
 *                 │                 interval  by a thread, what is not delivered within `interval`
 *                 │                 never     when the system likes to
 *                 └─▶ memory, while an exporter keeps up; else it reads from the disk (sender.h)
 *
 * Whatever fsync says, what was accepted survives the end of the process, however it ends: it is the system's by then. fsync is about
 * the end of the machine.
 *
 * Threads: ready and measure from the admin thread; open, attach, start, stop, drop on the main thread; wait from any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DISK_QUEUE_H
#define GW_DISK_QUEUE_H

#include "core/base/metrics.h"
#include "core/delivery/ledger.h"
#include "core/diskqueue/segment_log.h"

/* In the order of the option's words (configuration.h). */
enum gw_fsync { GW_FSYNC_INTERVAL, GW_FSYNC_ALWAYS, GW_FSYNC_NEVER };

struct gw_storage_conf {
    gw_str directory; /* empty: there is no disk queue */
    uint64_t max_size;
    enum gw_fsync fsync;
    gw_nsec interval;
    const struct gw_store_io *io; /* NULL: the system's */
};

struct gw_storage;

/* Locks the directory and recovers what is there. NULL, with the reason. conf and ledger outlive it. */
struct gw_storage *gw_storage_open(const struct gw_storage_conf *, struct gw_ledger *, struct gw_err *);
/* Says what nobody is configured for, and starts the thread. False when there is none to be had. */
bool gw_storage_start(struct gw_storage *) GW_MUST_CHECK;
/* After the senders have ended: everything to the disk, directory unlocked. */
void gw_storage_close(struct gw_storage *);

/* A reader of the store for an exporter, by name; `exporter` is its number in the ledger, which hears what it owes from before.
 * GW_STORE_READERS when there are too many. */
unsigned gw_storage_attach(struct gw_storage *, const char *name, unsigned exporter, bool drop_oldest);
struct gw_store *gw_storage_store(struct gw_storage *);

/* For gw_fanout_store; the context is the gw_storage. */
extern const struct gw_durable gw_storage_durable;

/* Any thread. False, with a line why, while it refuses what is offered. */
bool gw_storage_ready(struct gw_storage *, FILE *why);
extern const struct gw_metric gw_storage_metrics[];
void gw_storage_measure(struct gw_storage *, struct gw_metrics *);

#endif
