/* pipeline.h: from a configuration to a running gateway and back, step by step.
 *
 *   new    ledger, budget, id table, HTTP server; every component's context, filled from the configuration
 *   open   exporters, receivers, the admin listener: reports every mistake that a user can make; binds addresses, reads nothing
 *   start  the admin listener, senders, receivers, the HTTP server that receivers share: the first byte received has a way out
 *
 *   stop   the HTTP server closes its listeners and finishes its requests; receivers stop; the fan-out refuses; senders drain, all
 *          at the same time, until the deadline; then the ledger is final
 *   reload another configuration while all of this runs: everything is made and checked first; something changes only if there
 *          is no mistake (pipeline_reload.c)
 *   reap   closes components that a reload replaced or removed, once they have finished
 *   drop   closes exporters and receivers, and frees everything in reverse order
 *
 * Threads: main; gw_pipeline_hurry, _unread, _ledger, _ready and _measure from any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PIPELINE_H
#define GW_PIPELINE_H

#include "core/delivery/ledger.h"
#include "gateway/admin/admin.h"
#include "gateway/run/configuration.h"

struct gw_pipeline;

/* Opens nothing. Holds a reference to the configuration. With `check`, open will bind nothing. NULL when
 * there is no memory. */
struct gw_pipeline *gw_pipeline_new(struct gw_conf *, bool check);
void gw_pipeline_drop(struct gw_pipeline *);

void gw_pipeline_open(struct gw_pipeline *, struct gw_diagnostics *);
/* After an open with `check`: what would run. Values that are set, with where they come from; no secrets. */
void gw_pipeline_print(const struct gw_pipeline *, const struct gw_diagnostics *, FILE *);
/* After an open without errors. False, with a line in the log, when the system has no thread for us; then
 * stop and drop. */
bool gw_pipeline_start(struct gw_pipeline *) GW_MUST_CHECK;
/* Threads that a start would make, about. */
unsigned gw_pipeline_threads(const struct gw_pipeline *);
/* Prints how to point an application at the open addresses. */
void gw_pipeline_hint(struct gw_pipeline *, FILE *);

/* Between start and stop. Replaces exporters, receivers, the admin listener and their options by those of
 * `conf`, without losing or refusing a request: exporters of the same name continue with the queued data,
 * kept addresses and their connections stay open. If there is a mistake, in the diagnostics already or found
 * now, nothing changes, and false is returned. */
bool gw_pipeline_reload(struct gw_pipeline *, struct gw_conf *, struct gw_diagnostics *) GW_MUST_CHECK;

/* Closes components that a reload replaced or removed and that have delivered or answered everything; never
 * waits for the others. True while others are left. */
bool gw_pipeline_reap(struct gw_pipeline *);

/* Returns when everything is delivered, or `grace_period` after the last request was answered. */
void gw_pipeline_stop(struct gw_pipeline *, gw_nsec grace_period);
/* Ends the grace period of a stop that is under way. */
void gw_pipeline_hurry(struct gw_pipeline *);
/* Returns whether the process sent itself SIGTERM because the reader of its only exporter is gone (`ddgate |
 * head`). */
bool gw_pipeline_unread(const struct gw_pipeline *);

void gw_pipeline_ledger(struct gw_pipeline *, struct gw_ledger_view *out);
/* True if data sent now would be accepted. If not, a line per reason goes to `why`. */
bool gw_pipeline_ready(struct gw_pipeline *, FILE *why);
/* Everything that is counted anywhere. */
void gw_pipeline_measure(struct gw_pipeline *, struct gw_metrics *);
/* Main thread, while it runs: ends a step of the history (flow_history.h) that is due. Returns how long the next
 * one takes; GW_NEVER without an admin listener. */
gw_nsec gw_pipeline_tick(struct gw_pipeline *);
/* For the admin listener, which is the pipeline's own. */
struct gw_admin_source gw_pipeline_source(struct gw_pipeline *);
extern const struct gw_metric gw_pipeline_metrics[];

#endif
