/* top_read.h: what the API says, as `ddgate top` shows it.
 *
 * Members that this version does not know are passed over, and those that are missing are empty or zero: the ddgate
 * that answers may be of another version.
 *
 * Ownership: texts are views of the bodies, or in the arena. Threads: main.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_TOP_READ_H
#define GW_TOP_READ_H

#include "core/base/arena.h"
#include "core/delivery/ledger.h"

enum { TOP_CLIENTS = 1024, TOP_WARNINGS = 4 };

struct top_signal {
    uint64_t received, accepted, refused, dropped;
    gw_str worst; /* the reason of most items that were not taken; empty: none … */
    uint64_t worst_n;
};

struct top_exporter {
    gw_str name, type, state, error;
    uint64_t items, bytes, limit_bytes;
    bool has_disk, behind, has_latency, empties;
    uint64_t disk_bytes, disk_limit;
    double per_second, oldest, empty_in; /* seconds */
    double p50, p99;                     /* ns */
};

struct top_client {
    gw_str service, env, language, version, host, container, protocol;
    uint64_t spans, last_seen;
    double rate;
    struct top_warning {
        gw_str id, text;
    } warnings[TOP_WARNINGS];
    size_t warnings_n;
};

struct top_page {
    uint64_t time, started, memory_used, memory_limit, bytes_received;
    struct top_signal signals[GW_SIGNALS];
    struct top_exporter exporters[GW_MAX_EXPORTERS];
    size_t exporters_n;
    struct top_client *clients; /* room for TOP_CLIENTS */
    size_t clients_n;
};

/* False when the body is not such JSON. */
bool top_read_flow(struct top_page *, gw_str body, struct gw_arena *);
bool top_read_fleet(struct top_page *, gw_str body, struct gw_arena *);

#endif
