/* disk_queue.h: the disk queue of the process: its options, its exporters' names, its thread, its accounts.
 *
 *     storage = { directory = "/var/lib/ddgate"; max_size = "2GiB"; fsync = "interval"; interval = "1s"; };
 *
 *   offer ─▶ segment_log.h: append ─▶ fsync? ─▶ the answer 200
 *                 │                 always    before every answer, one fsync for all requests that wait at that moment
 *                 │                 interval  by a thread, for data that is not delivered within `interval`
 *                 │                 never     left to the system
 *                 └─▶ memory, while an exporter keeps up; else it reads from the disk (sender.h)
 *
 * With every value of fsync, accepted data survives the end of the process, because the system has it.
 * fsync protects against the end of the machine.
 *
 * Threads: ready and measure from the admin thread; open, attach, start, stop, drop on the main thread;
 * wait from any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DISK_QUEUE_H
#define GW_DISK_QUEUE_H

#include "core/base/metrics.h"
#include "core/delivery/ledger.h"
#include "core/diskqueue/segment_log.h"

/* In the order of the option's words (configuration.h). */
enum gw_fsync { GW_FSYNC_INTERVAL, GW_FSYNC_ALWAYS, GW_FSYNC_NEVER };

struct gw_disk_queue_conf {
    gw_str directory; /* empty: there is no disk queue */
    uint64_t max_size;
    enum gw_fsync fsync;
    gw_nsec interval;
    const struct gw_segment_io *io; /* NULL: the system's */
};

struct gw_disk_queue;

/* Locks the directory and recovers its records. NULL, with the reason. conf and ledger must outlive it. */
struct gw_disk_queue *gw_disk_queue_open(const struct gw_disk_queue_conf *, struct gw_ledger *,
                                         struct gw_err *);
/* Logs records of exporters that are not configured, and starts the thread. False when no thread could be
 * started. */
bool gw_disk_queue_start(struct gw_disk_queue *) GW_MUST_CHECK;
/* After the senders have ended: everything to the disk, directory unlocked. */
void gw_disk_queue_close(struct gw_disk_queue *);

/* Makes or finds the reader of the segment log for an exporter, by name. `exporter` is its number in the
 * ledger, to which the records pending from an earlier run are added. GW_SEGMENT_LOG_READERS when there are
 * too many. */
unsigned gw_disk_queue_attach(struct gw_disk_queue *, const char *name, unsigned exporter, bool drop_oldest);
struct gw_segment_log *gw_disk_queue_log(struct gw_disk_queue *);

/* For gw_fanout_durable; the context is the gw_disk_queue. */
extern const struct gw_durable gw_disk_queue_durable;

/* Any thread. False, with a line in `why`, while it refuses offers. */
bool gw_disk_queue_ready(struct gw_disk_queue *, FILE *why);
extern const struct gw_metric gw_disk_queue_metrics[];
void gw_disk_queue_measure(struct gw_disk_queue *, struct gw_metrics *);

#endif
