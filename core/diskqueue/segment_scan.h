/* segment_scan.h: finds the valid records of a segment, even if bytes around them are damaged.
 *
 *     record  record  ▓▓▓▓▓▓▓▓▓▓▓  record  record  torn
 *     found   found   damage at …  found   found   damage at …
 *
 * A header that checks is used, including its length: the next record is after it, even if the record's own
 * data is damaged. If no header checks, every possible position is tried until one has a valid record,
 * header and data.
 *
 * Threads: pure, except for reading.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_SEGMENT_SCAN_H
#define GW_SEGMENT_SCAN_H

#include "core/diskqueue/segment_io.h"
#include "core/diskqueue/segment_record.h"

/* The header at `at`, when it checks and its record ends within the window's file. */
bool gw_segment_log_header(struct gw_segment_log_window *, uint64_t life, uint64_t at,
                           struct gw_segment_record *);
/* The first record at `from` or after it with valid header and data. False when there is none. */
bool gw_segment_log_find(struct gw_segment_log_window *, uint64_t life, uint64_t from,
                         struct gw_segment_record *);

struct gw_segment_log_visitor {
    void *arg;
    void (*found)(void *arg, const struct gw_segment_record *);
    void (*damage)(void *arg, uint64_t at, uint64_t bytes, const char *what);
    /* of an open segment: its data does not check; after damage */
    void (*spoilt)(void *arg, const struct gw_segment_record *);
};

/* Every record up to the window's end. A sealed segment is known to have been written up to there, so its
 * records' data is checked when it is needed and not now; an open one may end anywhere, and is checked
 * whole. */
void gw_segment_log_scan(struct gw_segment_log_window *, uint64_t life, bool sealed,
                         const struct gw_segment_log_visitor *);

#endif
