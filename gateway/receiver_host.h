/* receiver_host.h: what the process lends to its receivers.
 *
 * Ownership: the process's; it outlives every receiver. Threads: const after the start; what it points at
 * says which threads may use it.
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
    /* `ddgate check`: open says what is wrong, but binds nothing, for a gateway may be running here */
    bool check;
    /* receiver threads: as many as cores that the process may use, unless the option says */
    int threads;
    /* who wants which address, while a configuration is opened for the first time; NULL: nobody asks */
    struct gw_listen_claims *claims;
    struct gw_dogstatsd_proxy *dogstatsd; /* NULL: there is none */
    size_t receivers;                     /* how many there are */
    /* whether an exporter sends to this port of this machine: who listened there would send to itself; `exporters` is
     * its own. NULL: nobody knows */
    bool (*sends_to)(const void *exporters, int port);
    const void *exporters;
    /* whether one of them is to get this signal, as the configuration says. NULL: nobody knows */
    bool (*takes)(const void *exporters, unsigned signal);
    /* the configuration says nothing of receivers: one that cannot listen is no reason to stop */
    bool unasked;
};

#endif
