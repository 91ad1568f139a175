/* process_metrics.h: the system's figures about this process: memory, descriptors, CPU time, with the names
 * that Prometheus' own libraries use.
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_PROCESS_METRICS_H
#define GW_PROCESS_METRICS_H

#include "core/base/metrics.h"

extern const struct gw_metric gw_process_metrics[];
/* What cannot be read (no /proc) has no sample. */
void gw_process_measure(struct gw_metrics *);

#endif
