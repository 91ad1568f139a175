/* flow.h: what /api/flow shows besides the ledger: the state of each exporter, of the disk queue and of memory.
 * The pipeline fills it (pipeline_flow.c), because it knows its senders; the handler writes it (api_flow.c).
 *
 * Ownership: texts are copies. Threads: the admin listener's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FLOW_H
#define GW_FLOW_H

#include "core/base/clock.h"
#include "core/delivery/ledger.h"

struct gw_flow_exporter {
    char name[64];
    const char *type;      /* "sls"; lives as long as the process */
    char target[256];      /* where it sends, for people */
    const char *state;     /* "ok", "retrying", "down" */
    unsigned number;       /* its row in the ledger */
    size_t used, capacity; /* bytes of its queue in memory */
    bool refusing;         /* the queue is full and refuses */
    bool on_disk;          /* some of its data is only in the disk queue */
    gw_nsec oldest;        /* how long the oldest item in memory has waited; 0: none does */
    gw_nsec p50, p99;      /* of the last 256 requests; 0: there was none */
    char words[300];       /* what the backend last said against a request; empty: nothing */
    int64_t said;          /* when, wall clock */
};

struct gw_flow_state {
    struct gw_flow_exporter exporters[GW_MAX_EXPORTERS];
    size_t n;
    bool has_disk;
    uint64_t disk_bytes, disk_limit; /* of the disk queue, which exporters share */
    size_t memory_used, memory_limit;
    uint64_t bytes_received; /* since the start: bodies over HTTP, files, Kafka, standard input */
};

#endif
