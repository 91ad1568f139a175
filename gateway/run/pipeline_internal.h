/* pipeline_internal.h: shared by the files of the pipeline; other files do not include it.
 *
 *   pipeline.c          from a configuration to a running gateway and back          main thread
 *   pipeline_reload.c   from one configuration to another, while it runs: commit     main thread
 *   pipeline_plan.c     … and the decisions and checks before that                   main thread
 *   pipeline_retired.c  replaced and removed components, until they have finished    main thread
 *   pipeline_status.c   readiness, metrics, ledger                                   admin thread
 *   pipeline_flow.c     what /api/flow shows: exporters, memory, the last hour      admin thread, main thread
 *   pipeline_print.c    the output of `ddgate check`                                 main thread
 *
 * Arrows: pipeline_reload ─▶ pipeline_plan ─▶ component (component.h); pipeline_reload, pipeline ─▶
 * pipeline_retired ─▶ component.
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
#include "gateway/api/api.h"
#include "gateway/dogstatsd_proxy.h"
#include "gateway/fleet.h"
#include "gateway/http/http.h"
#include "gateway/run/component.h"
#include "gateway/run/pipeline.h"

/* A component that a reload replaced or removed and that is still needed: an exporter until it has delivered
 * its data, a receiver until its last request is answered, an admin listener until its last connection has
 * ended. Exclusive receivers never retire. */
enum retired_kind { RETIRED_NOTHING, RETIRED_EXPORTER, RETIRED_RECEIVER, RETIRED_ADMIN };
struct retired {
    struct retired *next;
    enum retired_kind kind;
    struct exporter exporter;
    struct receiver receiver;
    void *successor; /* ctx of the receiver that replaced it, to which it adds its counts; NULL: none */
    struct gw_admin *admin;
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
    struct gw_export_host export_host;
    struct gw_dogstatsd_proxy dogstatsd;
    struct gw_fleet *fleet;
    struct gw_flow_history *history;
    struct gw_refusals *refusals;
    struct gw_admin *admin;          /* NULL: none */
    struct gw_api api;               /* what its handlers read */
    struct gw_listen_claims *claims; /* of all that was opened before the start */
    /* main changes the following members under it, others read them under it; main reads them without */
    struct gw_lock lock;
    struct receiver receivers[GW_MAX_RECEIVERS];
    struct exporter exporters[GW_MAX_EXPORTERS];
    size_t receivers_n, exporters_n;
    enum stage stage;
    struct retired *retired; /* in the order of their retirement */
    struct gw_conf *conf;    /* of the start: what only a start can change */
    atomic_bool hurried;
    atomic_bool unread;                                          /* the reader of the only exporter is gone */
    atomic_uint_least64_t reloads, refused_reloads, reloaded_at; /* seconds since 1970 */
    atomic_bool reload_failed;
};

/* --- pipeline.c --- */

/* The options of the admin listener. */
struct gw_admin_conf gw_pipeline_admin_conf(const struct gw_conf *, const struct gw_diagnostics *);

/* --- pipeline_status.c: for the admin listener and the API --- */

void gw_pipeline_measure_for(void *pipeline, struct gw_metrics *);
void gw_pipeline_ledger_for(void *pipeline, struct gw_ledger_view *out);
void gw_pipeline_flow_for(void *pipeline, struct gw_flow_state *out);
/* The samples of all receivers. Under the lock. */
void gw_pipeline_measure_receivers(struct gw_pipeline *, struct gw_metrics *);

/* --- pipeline_plan.c --- */

/* How a component of the new configuration relates to the running ones. A running one that is no one's
 * predecessor is removed. */
enum change { KEPT, REPLACED, ADDED, CHANGES };

struct planned_receiver {
    enum change change;
    bool same; /* REPLACED with the same options: for example it lacks an address, which is tried again */
    bool exclusive;       /* REPLACED: made, but not opened, for its predecessor has the source */
    struct receiver made; /* REPLACED, ADDED */
    int predecessor;      /* index of the running one; −1: none */
    const struct gw_conf_receiver *entry;
};

struct planned_exporter {
    enum change change;
    struct exporter made; /* REPLACED, ADDED */
    int predecessor;
};

struct plan {
    struct gw_pipeline *pipeline;
    struct gw_conf *conf;
    struct gw_diagnostics *diagnostics;
    struct planned_receiver receivers[GW_MAX_RECEIVERS];
    struct planned_exporter exporters[GW_MAX_EXPORTERS];
    size_t receivers_n, exporters_n;
    size_t running_receivers, running_exporters; /* how many there were */
    /* running ones that are kept or replaced, by their index; others are removed */
    bool receiver_stays[GW_MAX_RECEIVERS];
    bool exporter_stays[GW_MAX_EXPORTERS];
    enum change admin_change;
    struct gw_admin *admin; /* REPLACED, ADDED: opened; NULL: none */
    struct retired *room;   /* list with room for every component that may have to be retired */
};

/* Makes and checks everything that does not affect running components; all mistakes are in the diagnostics.
 * Discard or commit it. NULL when there is no memory. */
struct plan *gw_plan_new(struct gw_pipeline *, struct gw_conf *, struct gw_diagnostics *);
/* Nothing has changed. */
void gw_plan_discard(struct plan *);
/* After commit, which has taken over everything that was made. */
void gw_plan_drop(struct plan *);

/* --- pipeline_retired.c --- */

/* Puts a node that the plan made room for at the end of the list. Under the lock. */
void gw_retire(struct gw_pipeline *, struct retired *);
/* Adds what retired receivers have counted to their successors. Under the lock. */
void gw_retired_move_counts(struct gw_pipeline *);
/* An exporter of that name has not delivered all that it holds. */
bool gw_retired_delivers(const struct gw_pipeline *, gw_str name);
size_t gw_retired_exporters(const struct gw_pipeline *);
/* Of all senders: drain until the deadline. Under the lock. */
void gw_retired_stop(struct gw_pipeline *, gw_nsec deadline);
/* Waits for the threads of all senders. */
void gw_retired_finish(struct gw_pipeline *);
/* Gives everything back, over or not; the last thing before the pipeline goes. */
void gw_retired_drop(struct gw_pipeline *);

/* --- pipeline_translation.c, for the API --- */

/* Any thread. Returns a copy of the options of the first receiver ddtrace; NULL: there is none, or no
 * memory. */
struct gw_api_translation *gw_pipeline_translation(void *pipeline, struct gw_arena *);

#endif
