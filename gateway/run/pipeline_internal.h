/* pipeline_internal.h: what the files of the pipeline share, and nobody else includes.
 *
 *   pipeline.c          from a configuration to a running gateway and back     main thread
 *   pipeline_reload.c   from one configuration to another, while it runs       main thread
 *   pipeline_status.c    what is seen from outside                              admin thread
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PIPELINE_INTERNAL_H
#define GW_PIPELINE_INTERNAL_H

#include <limits.h>
#include <stdatomic.h>

#include "core/base/budget.h"
#include "core/base/lock.h"
#include "core/diskqueue/disk_queue.h"
#include "gateway/http/http.h"
#include "gateway/receiver_host.h"
#include "gateway/run/pipeline.h"

struct receiver {
    const struct gw_receiver *module;
    const char *path;
    void *ctx;            /* NULL: not made */
    struct gw_conf *conf; /* a reference: ctx and path are of it */
    bool started;         /* the admin thread looks at no other */
};

struct exporter {
    const struct gw_exporter *module;
    const char *path;
    void *ctx;
    struct gw_conf *conf;                 /* a reference, as above */
    const struct gw_conf_exporter *entry; /* in conf */
    struct gw_sender *sender;
};

/* An exporter that a reload replaced or removed, until its sender has come to its end. */
struct retired {
    struct retired *next;
    struct exporter exporter;
};

enum stage { STAGE_STARTING, STAGE_RUNNING, STAGE_STOPPING };

struct gw_pipeline {
    struct gw_budget budget;
    struct gw_ledger *ledger;
    struct gw_disk_queue_conf disk_queue_conf;
    struct gw_disk_queue *disk_queue; /* NULL: queues are in memory only */
    struct gw_fanout *fanout;
    struct gw_trace_ids *ids;
    struct gw_http *http;
    struct log_scripts *scripts;
    gw_str scripts_directory; /* the configuration's; read by open, before receivers look for their scripts */
    char host_name[HOST_NAME_MAX + 1];
    struct gw_host host;
    struct gw_lock lock; /* main changes what is below under it, others read it under it; main reads it without */
    struct receiver receivers[GW_MAX_RECEIVERS];
    struct exporter exporters[GW_MAX_EXPORTERS];
    size_t receivers_n, exporters_n;
    enum stage stage;
    struct retired *retired; /* main thread only; in the order of their retirement */
    struct gw_conf *conf;    /* of the start: what only a start can change */
    atomic_bool hurried;
    atomic_uint_least64_t reloads, refused_reloads, reloaded_at; /* seconds since 1970 */
    atomic_bool reload_failed;
};

/* pipeline.c */
bool gw_pipeline_make_receiver(struct receiver *, const struct gw_conf_receiver *, struct gw_conf *);
bool gw_pipeline_open_receiver(struct receiver *, const struct gw_host *, struct gw_diagnostics *);
void gw_pipeline_start_receiver(struct gw_pipeline *, struct receiver *);
/* Closes it, and gives everything of it back. */
void gw_pipeline_drop_receiver(struct receiver *);
/* Its context; the sender is the caller's to make. */
bool gw_pipeline_make_exporter(struct exporter *, const struct gw_conf_exporter *, struct gw_conf *);
bool gw_pipeline_open_exporter(struct exporter *, gw_str host_name, struct gw_diagnostics *);
void gw_pipeline_drop_exporter(struct exporter *);

/* pipeline_reload.c */
/* Gives back what has come to its end. After the last offer that may have begun before it did. */
void gw_pipeline_reap(struct gw_pipeline *);

#endif
