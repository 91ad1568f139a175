/* ledger_report.h: the ledger for programs: JSON and Prometheus samples. For people: gw_ledger_print
 * (ledger.h).
 *
 *     { "balanced": true, "signals": { "traces": { "received": 50, "refused": { "bad_span": 2 }, "dropped": { … }, "accepted": 48,
 *         "trace_ids_left_at_64_bits": 0, "exporters": { "otlp_grpc": { "accepted": 48, "not_asked": 0, "recovered": 0, "queued": 8,
 *         "in_process": 0, "sent": 40, "rejected": 0, "set_aside": 0, "stored": 0, "dropped": {} } } }, … } }
 *
 * Reasons that never occurred are left out.
 * Threads: any; it reads a snapshot.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LEDGER_REPORT_H
#define GW_LEDGER_REPORT_H

#include "core/base/metrics.h"
#include "core/delivery/ledger.h"

void gw_ledger_json(FILE *, const struct gw_ledger_view *);

extern const struct gw_metric gw_ledger_metrics[];
void gw_ledger_measure(const struct gw_ledger_view *, struct gw_metrics *);

#endif
