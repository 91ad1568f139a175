/* grpc_targets.h: the backends of a gRPC exporter, each with its channel, and the choice among them.
 *
 *   endpoint                one target; gRPC resolves its name
 *   endpoints, failover     a target for each address of each name (resolver.h), primaries and backups (balancer.h)
 *
 * Threads: open, close on the main thread; everything else on the sender's. Ownership: endpoints and options
 * belong to the caller and outlive the targets.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_GRPC_TARGETS_H
#define OTLP_GRPC_TARGETS_H

#include "exporters/otlp/balancer.h"
#include "exporters/otlp/grpc_channel.h"
#include "exporters/otlp/resolver.h"

struct grpc_targets_conf {
    /* Each has its own host and port; TLS files are those of the first. There is only one if `resolves` is
     * false. */
    const struct otlp_endpoint *endpoints;
    unsigned n, backups; /* backups: how many of them, at the end of the list, are backups */
    bool resolves;
    gw_nsec resolve_interval;
    struct gw_grpc_options options;
    const char *component; /* for log lines; outlives the targets */
    void (*wake)(void *arg);
    void *arg;
};

/* A zeroed struct may be closed. */
struct grpc_targets {
    struct grpc_targets_conf conf;
    struct balancer balancer;
    struct {
        grpc_channel *channel; /* NULL: a free slot, or a target that was removed */
        char address[80];
    } all[BALANCER_TARGETS];
    grpc_channel_credentials *credentials;
    struct resolver_name names[BALANCER_TARGETS];
    struct resolver resolver;
};

/* Returns false, with a diagnostic, if there are no CA certificates; `path` is "exporters[0]". */
bool grpc_targets_open(struct grpc_targets *, const struct grpc_targets_conf *, const char *path,
                       struct gw_diagnostics *) GW_MUST_CHECK;
void grpc_targets_close(struct grpc_targets *);

/* Call before a request is sent: applies changes of addresses. */
void grpc_targets_update(struct grpc_targets *);
/* Call when a request to the target has ended (balancer.h). */
void grpc_targets_answered(struct grpc_targets *, int target, bool failed, gw_nsec pause);

#endif
