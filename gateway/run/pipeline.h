/* pipeline.h: from a configuration to a running gateway and back, each step in its order.
 *
 *   new    ledger, budget, id table, HTTP server; every component's context, filled from the configuration
 *   open   exporters, receivers, the admin listener: every mistake that a user can make is said; addresses are bound, nothing is read
 *   start  the admin listener, senders, receivers, the HTTP server that receivers share: from the first byte on there is a way out
 *
 *   stop   the HTTP server closes its listeners and finishes its requests; receivers stop; the fan-out refuses; senders drain, all
 *          at the same time, until the deadline; then the ledger is final
 *   reload   another configuration while all of this runs: everything is made and checked first, and only when there is no mistake
 *          anything changes (pipeline_reload.c)
 *   reap   gives back what a reload replaced or removed, once it is over
 *   drop   exporters and receivers are closed, everything is given back in reverse order
 *
 * Threads: main; gw_pipeline_hurry, _ledger, _ready and _measure from any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PIPELINE_H
#define GW_PIPELINE_H

#include "core/delivery/ledger.h"
#include "gateway/admin/admin.h"
#include "gateway/run/configuration.h"

struct gw_pipeline;

/* Nothing outside is touched. Holds a reference of the configuration. With `check`, open will bind nothing.
 * NULL when there is no memory.
 */
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
/* How to point an application at what is really open. */
void gw_pipeline_hint(struct gw_pipeline *, FILE *);

/* Between start and stop. Exporters, receivers, the admin listener and their options become those of `conf`,
 * without a request lost or refused: exporters of the same name go on with what is queued, addresses that are
 * kept stay open, connections live on. When there is a mistake, in the diagnostics already or found now,
 * nothing changes, and false is returned. */
bool gw_pipeline_reload(struct gw_pipeline *, struct gw_conf *, struct gw_diagnostics *) GW_MUST_CHECK;

/* What a reload replaced or removed goes on until it has delivered or answered what it holds; this gives back
 * what is over by now, and never waits for the rest. True while there is a rest. */
bool gw_pipeline_reap(struct gw_pipeline *);

/* Returns when everything is delivered, or `grace_period` after the last request was answered. */
void gw_pipeline_stop(struct gw_pipeline *, gw_nsec grace_period);
/* Ends the grace period of a stop that is under way. */
void gw_pipeline_hurry(struct gw_pipeline *);

void gw_pipeline_ledger(struct gw_pipeline *, struct gw_ledger_view *out);
/* Whether what is sent now would be taken. If not, a line per reason goes to `why`. */
bool gw_pipeline_ready(struct gw_pipeline *, FILE *why);
/* Everything that is counted anywhere. */
void gw_pipeline_measure(struct gw_pipeline *, struct gw_metrics *);
/* These three for the admin listener, which is the pipeline's own. */
struct gw_admin_source gw_pipeline_source(struct gw_pipeline *);
extern const struct gw_metric gw_pipeline_metrics[];

#endif
