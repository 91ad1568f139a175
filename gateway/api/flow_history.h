/* flow_history.h: the last hour of the ledger in steps of ten seconds: what was received, accepted, refused and
 * dropped, what each exporter sent, and the bytes that came.
 *
 *     main thread, every 10 s ─ gw_flow_history_sample(ledger, bytes) ─▶ series ─▶ gw_flow_history_json, on the
 *                                                                                  admin listener's threads
 *
 * A series is one count: "traces.received", "traces.refused", "sls.traces.sent", "bytes.received". It begins
 * to exist when its count is not zero for the first time. Its points are what was counted in each step, not
 * totals; of "….queued", what was queued at the step's end. Memory is fixed: GW_FLOW_SERIES series of
 * GW_FLOW_POINTS numbers; further series are not kept. The counts live in the ledger, which a reload does not
 * touch, so neither does it touch the history: an exporter's row goes on under its name.
 *
 * Ownership: the process's. Threads: sample on one; the others on any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FLOW_HISTORY_H
#define GW_FLOW_HISTORY_H

#include <stdio.h>

#include "core/base/clock.h"
#include "core/delivery/ledger.h"

enum { GW_FLOW_POINTS = 360, GW_FLOW_SERIES = 160 };
#define GW_FLOW_STEP (10 * GW_SEC)

struct gw_flow_history;
/* NULL when there is no memory. `now` is monotonic: when the first step begins. */
struct gw_flow_history *gw_flow_history_new(gw_nsec now);
void gw_flow_history_drop(struct gw_flow_history *);

/* When the present step ends. */
gw_nsec gw_flow_history_due(struct gw_flow_history *);
/* Ends the present step, and those that nobody ended before it, in which nothing is counted. `bytes`: received
 * since the start; `wall`: now. */
void gw_flow_history_sample(struct gw_flow_history *, const struct gw_ledger_view *, uint64_t bytes,
                            int64_t wall, gw_nsec now);

/* Items a second that the exporter of this row sent and was given, by the present counts and those at the end
 * of the step before the last: a mean over 10 to 20 s. */
struct gw_flow_rate {
    double sent, given;
};
struct gw_flow_rate gw_flow_history_rate(struct gw_flow_history *, const struct gw_ledger_view *now_counts,
                                         unsigned exporter, gw_nsec now);

/* {"step":…,"end":"…","points":360,"series":{…}}; points before the start are null. */
void gw_flow_history_json(struct gw_flow_history *, const struct gw_ledger_view *names, FILE *);

#endif
