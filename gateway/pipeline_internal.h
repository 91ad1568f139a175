/* pipeline_internal.h: what the files of the pipeline share, and nobody else includes.
 *
 *   pipeline.c          from a configuration to a running gateway and back     main thread
 *   pipeline_watch.c    what is seen from outside                              admin thread
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PIPELINE_INTERNAL_H
#define GW_PIPELINE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>

#include "gateway/budget.h"
#include "gateway/pipeline.h"
#include "gateway/receivers/http.h"
#include "gateway/storage.h"

struct receiver {
    const struct gw_receiver *module;
    const char *path;
    void *ctx; /* NULL: not made */
    bool started;
};

struct exporter {
    const struct gw_exporter *module;
    const char *path;
    void *ctx;
    struct gw_sender *sender;
};

enum stage { STAGE_STARTING, STAGE_RUNNING, STAGE_STOPPING };

struct gw_pipeline {
    struct gw_budget budget;
    struct gw_ledger *ledger;
    struct gw_storage_conf storage_conf;
    struct gw_storage *storage; /* NULL: queues are in memory only */
    struct gw_fanout *fanout;
    struct gw_ids *ids;
    struct gw_http *http;
    struct log_scripts *scripts;
    gw_str scripts_directory; /* the configuration's; read by open, before receivers look for their scripts */
    char host_name[HOST_NAME_MAX + 1];
    struct gw_host host;
    pthread_mutex_t lock; /* main changes what is below under it, others read it under it; main reads it without */
    struct receiver receivers[GW_MAX_RECEIVERS];
    struct exporter exporters[GW_MAX_EXPORTERS];
    size_t receivers_n, exporters_n;
    enum stage stage;
    atomic_bool hurried;
};

#endif
