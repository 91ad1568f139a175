/* trace_scan.h: which traces there are among recent data, each in a few figures.
 *
 *   entries of recent.h ─▶ one walk over the bytes of each frame ─▶ a row a trace: root, services, spans, errors, time
 *                                                                └▶ which words of the filter its spans meet
 *
 * A scan begins at a place in the ring and goes on from where it was: a list scans all of it once, a follower
 * what came since. Of a request that was translated into several attribute schemas, the frames of the first
 * exporter count. A trace id whose upper half is unknown in one frame is the same trace as in another with the
 * same lower half.
 *
 * Bounded: SCAN_TRACES rows; of more, the older half is forgotten. Rows hold the beginnings of names.
 *
 * Threads: one owner. Ownership: its memory is charged to the budget.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TRACE_SCAN_H
#define GW_TRACE_SCAN_H

#include "core/base/budget.h"
#include "core/delivery/recent.h"
#include "gateway/api/filter.h"

enum { SCAN_TRACES = 16384, SCAN_SERVICES = 8, SCAN_NAME = 96, SCAN_TEXT = 64 };

struct scan_trace {
    uint64_t high, low;  /* its id; high 0: not known */
    uint64_t start, end; /* ns since 1970, of all spans */
    uint64_t seq;        /* number of the entry that changed it last */
    uint64_t root_start; /* of the span that stands for the root */
    uint32_t spans, errors, logs;
    uint32_t met;  /* words of the filter */
    uint32_t next; /* in the hash table: index + 1 */
    bool has_root, is_changed;
    uint8_t services_n;
    uint16_t service;                 /* of the root: number of a text */
    uint16_t services[SCAN_SERVICES]; /* numbers of texts */
    uint16_t receiver, client;        /* numbers of texts */
    char root[SCAN_NAME];
};

struct trace_scan;

/* NULL: no memory. The filter is copied. */
struct trace_scan *trace_scan_new(struct gw_budget *, const struct gw_filter *, uint64_t from);
void trace_scan_drop(struct trace_scan *);
/* Reads entries up to about `most` bytes. False: there are no more for now. */
bool trace_scan_step(struct trace_scan *, size_t most);
/* The number of the next entry that it will read. */
uint64_t trace_scan_cursor(const struct trace_scan *);
/* The rows, in no order. Valid until the next step. */
struct scan_trace *trace_scan_rows(struct trace_scan *, size_t *n);
/* The text of a number; empty for 0. */
const char *trace_scan_text(const struct trace_scan *, uint16_t number);
const struct gw_filter *trace_scan_filter(const struct trace_scan *);
/* Rows were forgotten, or memory was short: there may be more than are shown. */
bool trace_scan_is_partial(const struct trace_scan *);

#endif
