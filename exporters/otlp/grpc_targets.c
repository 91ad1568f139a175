/* grpc_targets.c: makes a channel for each address and drops it when the address is removed. Owns channels
 * and credentials. Called by otlp_grpc.c and grpc_request.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/grpc_targets.h"

#include <grpc/grpc_security.h>
#include <stdio.h>
#include <string.h>

#include "core/base/log.h"

static void add(struct grpc_targets *t, const struct otlp_endpoint *endpoint, const char *address,
                bool backup)
{
    int target = balancer_add(&t->balancer, gw_str_z(address), backup);
    if (target == BALANCER_NONE)
        return;
    snprintf(t->all[target].address, sizeof t->all[target].address, "%s", address);
    t->all[target].channel =
        gw_grpc_channel(endpoint, &t->conf.options, t->conf.resolves ? address : NULL, t->credentials);
}

static void remove_target(struct grpc_targets *t, int target)
{
    gw_log(GW_INFO, t->conf.component, "%s is removed: no name has this address any more",
           t->all[target].address);
    grpc_channel_destroy(t->all[target].channel); /* open calls keep it alive */
    t->all[target].channel = NULL;
    balancer_remove(&t->balancer, target);
}

static bool is_listed(const char *address, const struct resolver_address *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(list[i].text, address) == 0)
            return true;
    return false;
}

static bool is_known(const struct grpc_targets *t, const char *address)
{
    for (int i = 0; i < BALANCER_TARGETS; i++)
        if (t->all[i].channel && strcmp(t->all[i].address, address) == 0)
            return true;
    return false;
}

static bool is_backup(const struct grpc_targets *t, unsigned endpoint)
{
    return endpoint >= t->conf.n - t->conf.backups;
}

void grpc_targets_update(struct grpc_targets *t)
{
    struct resolver_address list[BALANCER_TARGETS];
    unsigned n;
    if (!t->conf.resolves || !resolver_start(&t->resolver) || !resolver_read(&t->resolver, list, &n))
        return;
    for (int i = 0; i < BALANCER_TARGETS; i++)
        if (t->all[i].channel && !is_listed(t->all[i].address, list, n))
            remove_target(t, i);
    for (unsigned i = 0; i < n; i++)
        if (!is_known(t, list[i].text))
            add(t, &t->conf.endpoints[list[i].name], list[i].text, is_backup(t, list[i].name));
}

void grpc_targets_answered(struct grpc_targets *t, int target, bool failed, gw_nsec pause)
{
    balancer_answered(&t->balancer, target, failed, pause, gw_now());
}

bool grpc_targets_open(struct grpc_targets *t, const struct grpc_targets_conf *conf, const char *path,
                       struct gw_diagnostics *diagnostics)
{
    t->conf = *conf;
    t->credentials = gw_grpc_credentials(&conf->endpoints[0], path, diagnostics);
    if (!t->credentials)
        return false;
    if (!conf->resolves) {
        add(t, &conf->endpoints[0], conf->endpoints[0].authority, false);
        return true;
    }
    for (unsigned i = 0; i < conf->n; i++)
        t->names[i] =
            (struct resolver_name){.host = conf->endpoints[i].host, .port = conf->endpoints[i].port};
    const struct resolver_conf resolver = {.names = t->names,
                                           .n = conf->n,
                                           .interval = conf->resolve_interval,
                                           .component = conf->component,
                                           .wake = conf->wake,
                                           .arg = conf->arg};
    resolver_open(&t->resolver, &resolver);
    return true;
}

void grpc_targets_close(struct grpc_targets *t)
{
    resolver_close(&t->resolver);
    for (int i = 0; i < BALANCER_TARGETS; i++)
        if (t->all[i].channel)
            grpc_channel_destroy(t->all[i].channel);
    if (t->credentials)
        grpc_channel_credentials_release(t->credentials);
    memset(t, 0, sizeof *t);
}
