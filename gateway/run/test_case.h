/* test_case.h: one case of `ddgate test`: what ddgate makes of a request or of lines, as OTLP/JSON in lines.
 *
 *     NAME.request.json   a payload as a person writes it, or an OTLP request      ─▶ spans
 *     NAME.request.*      any other file that recorded_request.h reads
 *     NAME.lines          log lines; read by NAME.p, or without a script          ─▶ log records
 *     an own .conf        the options of this case; else the folder's ddgate.conf
 *
 * The same every time: no clock, no name of this machine, no table of trace ids, UTC.
 *
 * Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TEST_CASE_H
#define GW_TEST_CASE_H

#include "gateway/run/configuration.h"

struct gw_test_case {
    const char *folder, *name; /* "orders" */
    const char *input;         /* "orders.request.json" */
    bool lines;                /* log lines, not a request */
    const char *conf;          /* a path; NULL: options have their defaults */
};

/* *text is malloc'd. False: *text says what is wrong, in lines. */
bool gw_test_case_run(const struct gw_test_case *, const struct gw_conf_environment *, char **text,
                      size_t *len);

#endif
