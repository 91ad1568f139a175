/* log_scan.h: which log records there are among recent data.
 *
 *     line      the record that a log receiver made of it, beside the line
 *     frame     records that came as OTLP; those made of lines are in their lines
 *
 * Threads: one owner. Ownership: a record's texts and views are valid during the call that shows it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOG_SCAN_H
#define GW_LOG_SCAN_H

#include "gateway/api/api.h"
#include "gateway/api/api_recent.h"

struct log_seen {
    uint64_t number; /* of its entry … */
    uint32_t index;  /* … and its place in it, from 0 */
    gw_str receiver, source, line, script, form;
    struct wire_view resource, record; /* Resource and LogRecord */
};

typedef void log_seen_f(void *ctx, const struct log_seen *);

struct log_scan {
    struct gw_filter filter;
    uint64_t requests[64];  /* numbers of requests that were seen last … */
    char receivers[64][24]; /* … and who received them */
};

/* Shows the records of the entry that pass the filter. Entries are shown in order. */
void log_scan_entry(struct log_scan *, const struct gw_recent_entry *, log_seen_f *, void *ctx);

/* Writes a record as an object of /api/logs, or, `as_otlp`, as a ResourceLogs in OTLP/JSON. False: it cannot be
 * read, and nothing is written. */
bool log_seen_write(const struct gw_api *, const struct log_seen *, bool as_otlp, FILE *);

#endif
