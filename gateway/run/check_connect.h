/* check_connect.h: `ddgate check --connect`: does each backend take data?
 *
 *     for each exporter of the configuration, and each signal that it gets:
 *         one span | log record | metric point of the service "ddgate-check" ─▶ the exporter's own send ─▶ the backend's answer
 *
 *     sls: took the span (120 ms)
 *     otlp: did not take the span (4 ms): connection refused
 *         Start the backend, or correct `endpoint`.
 *
 * Uses the exporters directly, without queue, batching or sender: nothing is stored, no ledger is kept, no
 * dead letter is written. Only an item that the backend does not accept at the moment is sent once more.
 *
 * Threads: main, instead of the senders'.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CHECK_CONNECT_H
#define GW_CHECK_CONNECT_H

#include <stdio.h>

#include "gateway/run/pipeline.h"

/* After gw_pipeline_open with `check`, without mistakes. Prints a line for each exporter and signal; false when one was not taken. */
bool gw_check_connect(struct gw_pipeline *, FILE *to);

#endif
