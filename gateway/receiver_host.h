/* receiver_host.h: the objects that the process lends to its receivers.
 *
 * Ownership: the process's; it outlives every receiver.
 * Threads: const after the start; each object documents the threads that may use it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_RECEIVER_HOST_H
#define GW_RECEIVER_HOST_H

#include "core/delivery/receiver.h"
#include "translators/logs/log_record.h"

struct gw_http;
struct gw_fanout;
struct gw_ledger;
struct gw_listen_claims;
struct gw_dogstatsd_proxy;
struct gw_fleet;

/* What the process lends to its receivers; outlives them. */
struct gw_host {
    /* the shared HTTP server: receivers that name one address share its listener */
    struct gw_http *http;
    struct gw_fanout *fanout;    /* where frames go */
    struct gw_ledger *ledger;    /* for who counts what is no frame */
    struct gw_trace_ids *ids;    /* trace id completion */
    struct gw_budget *budget;    /* max_memory */
    struct log_environment logs; /* what log records are made with */
    gw_str host_name;            /* this machine's; used only for peers on this machine */
    /* `ddgate check`: open reports mistakes but binds nothing, because a gateway may be running on the
     * addresses */
    bool check;
    /* number of receiver threads: the cores that the process may use, unless the option sets it */
    int threads;
    /* the addresses that components claim, while a configuration is opened for the first time; NULL: not
     * checked */
    struct gw_listen_claims *claims;
    struct gw_dogstatsd_proxy *dogstatsd; /* NULL: none */
    struct gw_fleet *fleet;               /* who sends; NULL: nobody asks */
    size_t receivers;                     /* how many there are */
    /* true if an exporter sends to this port of this machine: a receiver there would receive its own data;
     * `exporters` is its context. NULL: not known */
    bool (*sends_to)(const void *exporters, int port);
    const void *exporters;
    /* true if the configuration lets an exporter get this signal. NULL: not known */
    bool (*takes)(const void *exporters, unsigned signal);
    /* the configuration names no receivers: one that cannot listen does not stop the start */
    bool unasked;
};

#endif
