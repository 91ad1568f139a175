/* pipeline_plan.c: The first half of a reload: compares the components of the new configuration with the
 * running ones, and makes, opens and checks everything that does not affect them. All mistakes are
 * collected. Owns the plan. Called by pipeline_reload.c, which commits or discards it, on the main thread.
 *
 *   KEPT      the same options: the running component stays
 *   REPLACED  the successor is opened beside its predecessor: an exporter of the same name with the predecessor's queue, an HTTP
 *             receiver on the predecessor's listeners (http.h), the admin listener on the addresses that both have.
 *             An exclusive receiver (a file, a stream: two cannot read one source) is only checked; the commit opens it
 *   ADDED     opened as at a start
 *   removed   a running component without an entry in the plan
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "gateway/net/listen_claims.h"
#include "gateway/run/pipeline_internal.h"
#include "translators/logs/log_scripts.h"

/* --- exporters --- */

static int find_exporter(const struct plan *plan, gw_str name)
{
    for (size_t i = 0; i < plan->pipeline->exporters_n; i++)
        if (gw_str_eq(plan->pipeline->exporters[i].entry->sender.name, name))
            return (int)i;
    return -1;
}

/* A successor must support the data that waits for its predecessor. */
static bool can_take_over(const struct exporter *predecessor, const struct gw_conf_exporter *c)
{
    return !(gw_sender_route(predecessor->sender).signals & ~c->module->signals);
}

/* Same name, but it cannot take over: the running one is removed, and delivers its own data. */
static void part_from(struct plan *plan, struct planned_exporter *n, const struct gw_conf_exporter *c)
{
    if (plan->pipeline->disk_queue)
        gw_config_error(plan->diagnostics, c->path,
                        "%s cannot carry all that waits on the disk under this name: choose another name",
                        c->module->name);
    n->predecessor = -1;
}

static void match_exporter(struct plan *plan, struct planned_exporter *n, const struct gw_conf_exporter *c)
{
    const struct exporter *running = plan->pipeline->exporters;
    n->predecessor = find_exporter(plan, c->sender.name);
    n->change = ADDED;
    if (n->predecessor >= 0 && gw_component_same_exporter(&running[n->predecessor], c))
        n->change = KEPT;
    else if (n->predecessor >= 0 && can_take_over(&running[n->predecessor], c))
        n->change = REPLACED;
    else if (n->predecessor >= 0)
        part_from(plan, n, c);
    if (n->predecessor >= 0)
        plan->exporter_stays[n->predecessor] = true;
}

static void make_sender(struct plan *plan, struct planned_exporter *n, const struct gw_conf_exporter *c)
{
    struct gw_pipeline *p = plan->pipeline;
    struct exporter *e = &n->made;
    if (n->change == REPLACED)
        e->sender = gw_sender_successor(p->exporters[n->predecessor].sender, c->module, e->ctx, &c->sender);
    else
        e->sender = gw_sender_new(c->module, e->ctx, &c->sender, p->ledger, p->ids);
    if (!e->sender)
        gw_config_error(
            plan->diagnostics, e->path,
            "there is no room for it: restart ddgate (%d names of exporters are the most between two starts)",
            GW_LEDGER_EXPORTERS);
    else if (n->change == ADDED && p->disk_queue &&
             !gw_sender_disk_queue(e->sender, p->disk_queue, &p->budget))
        gw_config_error(plan->diagnostics, e->path,
                        "the disk queue remembers too many exporters that are not configured: restart with "
                        "another folder");
}

/* The disk queue has one reader of a name, and one that was removed may still be at work. */
static bool is_name_taken(const struct plan *plan, gw_str name)
{
    return plan->pipeline->disk_queue && gw_retired_delivers(plan->pipeline, name);
}

static void plan_exporter(struct plan *plan, const struct gw_conf_exporter *c)
{
    struct planned_exporter *n = &plan->exporters[plan->exporters_n++];
    match_exporter(plan, n, c);
    if (n->change == KEPT)
        return;
    if (n->change == ADDED && is_name_taken(plan, c->sender.name))
        gw_config_error(plan->diagnostics, c->path,
                        "one of the same name that is no longer configured still delivers what it holds: "
                        "give this one another "
                        "name, or wait");
    else if (!gw_component_make_exporter(&n->made, c, plan->conf))
        gw_config_error(plan->diagnostics, c->path, "there is no memory for it");
    else if (gw_component_open_exporter(&n->made, &plan->pipeline->export_host, plan->diagnostics))
        make_sender(plan, n, c);
}

/* --- receivers --- */

/* Those that are the same first, then those of a type, in their order. */
static void match_receivers(struct plan *plan, bool exactly)
{
    const struct gw_pipeline *p = plan->pipeline;
    for (size_t i = 0; i < plan->receivers_n; i++) {
        struct planned_receiver *n = &plan->receivers[i];
        for (size_t k = 0; k < p->receivers_n && n->predecessor < 0; k++) {
            const struct receiver *r = &p->receivers[k];
            if (plan->receiver_stays[k] || r->module != n->entry->module ||
                (exactly && !gw_component_same_receiver(r, n->entry)))
                continue;
            n->predecessor = (int)k;
            plan->receiver_stays[k] = true;
        }
    }
}

/* One that could not be opened, or lacks an address, gets another chance. */
static bool may_be_kept(const struct plan *plan, const struct receiver *r, const struct gw_conf_receiver *c)
{
    return atomic_load(&r->started) && gw_component_same_receiver(r, c) &&
           (gw_component_is_exclusive(c->module) || gw_http_is_whole(plan->pipeline->http, r->ctx));
}

static void keep_receiver(struct plan *plan, const struct receiver *r, const struct gw_conf_receiver *c)
{
    struct gw_listen_error why;
    if (!gw_http_keep(plan->pipeline->http, r->ctx, plan->pipeline->host.claims, c->path, &why))
        gw_option_error(plan->diagnostics, c->path, "listen", "%s", why.text);
}

/* Checks the options of one that cannot be opened yet. */
static void check_only(struct plan *plan, const struct gw_conf_receiver *c)
{
    struct receiver trial;
    struct gw_host host = plan->pipeline->host;
    host.check = true;
    if (gw_component_make_receiver(&trial, c, plan->conf))
        gw_component_open_receiver(&trial, &host, plan->diagnostics);
    gw_component_drop_receiver(&trial);
}

static void make_receiver(struct plan *plan, struct planned_receiver *n)
{
    if (!gw_component_make_receiver(&n->made, n->entry, plan->conf))
        gw_config_error(plan->diagnostics, n->entry->path, "there is no memory for it");
    else if (n->exclusive)
        check_only(plan, n->entry);
    else
        gw_component_open_receiver(&n->made, &plan->pipeline->host, plan->diagnostics);
}

static void plan_receiver(struct plan *plan, struct planned_receiver *n)
{
    const struct receiver *running = n->predecessor >= 0 ? &plan->pipeline->receivers[n->predecessor] : NULL;
    n->change = !running ? ADDED : may_be_kept(plan, running, n->entry) ? KEPT : REPLACED;
    n->same = running && gw_component_same_receiver(running, n->entry);
    n->exclusive = n->change == REPLACED && gw_component_is_exclusive(n->entry->module);
    if (n->change != KEPT)
        make_receiver(plan, n);
    else if (!gw_component_is_exclusive(n->entry->module))
        keep_receiver(plan, running, n->entry);
}

/* The scripts that are read here are used by receivers that are opened from now on; the others change to them
 * at the commit. */
static void plan_receivers(struct plan *plan)
{
    for (size_t i = 0; i < plan->conf->receivers_n; i++)
        plan->receivers[plan->receivers_n++] =
            (struct planned_receiver){.predecessor = -1, .entry = &plan->conf->receivers[i]};
    match_receivers(plan, true);
    match_receivers(plan, false);
    plan->pipeline->host.receivers = plan->receivers_n;
    plan->pipeline->host.exporters = plan->conf;
    log_scripts_read(plan->pipeline->scripts, plan->conf->process.pipelines_directory, plan->diagnostics);
    plan->pipeline->host.claims = gw_listen_claims_new();
    for (size_t i = 0; i < plan->receivers_n; i++)
        plan_receiver(plan, &plan->receivers[i]);
    gw_listen_claims_drop(plan->pipeline->host.claims);
    plan->pipeline->host.claims = NULL;
}

/* --- the admin listener, and the process --- */

/* One that is wanted and is not there (its default address was taken) gets another chance. */
static void plan_admin(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    const struct gw_admin_conf conf = gw_pipeline_admin_conf(plan->conf, plan->diagnostics);
    const struct gw_admin_source source = gw_pipeline_source(p);
    plan->admin_change = KEPT;
    if (p->admin ? gw_admin_is(p->admin, &conf) : !conf.listen.len)
        return;
    plan->admin_change = p->admin ? REPLACED : ADDED;
    plan->admin = gw_admin_open(&conf, p->admin, &source, plan->diagnostics);
}

static void warn_of_restarts(struct plan *plan)
{
    static const char *const live[] = {
        "log.level",    "log.format", "shutdown_timeout", "pipelines.directory",
        "admin.listen", "admin.page", "admin.auth.token", NULL};
    for (const struct gw_opt *row = gw_process_opts; row->type != GW_OPT_END_ROW; row++) {
        bool needs_start = true;
        for (const char *const *name = live; *name; name++)
            needs_start = needs_start && strcmp(*name, row->name) != 0;
        if (needs_start && !gw_opt_same(row, &plan->pipeline->conf->process, &plan->conf->process))
            gw_config_warning(plan->diagnostics, row->name,
                              "is changed only by a restart: the old value stays in use until then");
    }
}

/* What the shared HTTP server gets from its receivers at a start alone; of connections, more of them. */
static void warn_of_http_restarts(struct plan *plan, const struct planned_receiver *n)
{
    static const char *const fixed[] = {"threads", "idle_timeout", "connections", NULL};
    const struct gw_receiver *module = n->entry->module;
    if (n->predecessor < 0 || !module->on_http)
        return;
    const void *before = plan->pipeline->receivers[n->predecessor].entry->conf, *after = n->entry->conf;
    for (const struct gw_opt *row = module->opts; row->type != GW_OPT_END_ROW; row++) {
        bool is_fixed = false;
        char path[160];
        for (const char *const *name = fixed; *name; name++)
            is_fixed |= strcmp(*name, row->name) == 0;
        bool fewer = row->type == GW_OPT_count && strcmp(row->name, "connections") == 0 &&
                     *(const int64_t *)((const char *)after + row->offset) <
                         *(const int64_t *)((const char *)before + row->offset);
        if (!is_fixed || fewer || gw_opt_same(row, before, after))
            continue;
        snprintf(path, sizeof path, "%s.%s", n->entry->path, row->name);
        gw_config_warning(plan->diagnostics, path,
                          "is changed only by a restart: the old value stays in use until then");
    }
}

/* --- the plan --- */

/* For everything that can run at a time, so that the commit cannot fail. */
static bool make_room(struct plan *plan)
{
    for (size_t i = 0; i < GW_MAX_EXPORTERS + GW_MAX_RECEIVERS + 1; i++) {
        struct retired *r = calloc(1, sizeof *r);
        if (!r)
            return false;
        r->next = plan->room;
        plan->room = r;
    }
    return true;
}

struct plan *gw_plan_new(struct gw_pipeline *p, struct gw_conf *conf, struct gw_diagnostics *diagnostics)
{
    struct plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return NULL;
    *plan = (struct plan){.pipeline = p,
                          .conf = conf,
                          .diagnostics = diagnostics,
                          .running_receivers = p->receivers_n,
                          .running_exporters = p->exporters_n};
    if (!make_room(plan) || !gw_http_draft(p->http)) {
        gw_plan_drop(plan);
        return NULL;
    }
    for (size_t i = 0; i < conf->exporters_n; i++)
        plan_exporter(plan, &conf->exporters[i]);
    plan_receivers(plan);
    plan_admin(plan);
    if (!gw_diagnostics_errors(diagnostics)) /* otherwise messages about defaults would be wrong */
        warn_of_restarts(plan);
    for (size_t i = 0; i < plan->receivers_n && !gw_diagnostics_errors(diagnostics); i++)
        warn_of_http_restarts(plan, &plan->receivers[i]);
    return plan;
}

static void discard_exporter(struct plan *plan, struct planned_exporter *n)
{
    if (n->change == ADDED && n->made.sender) {
        gw_ledger_signals(plan->pipeline->ledger, gw_sender_route(n->made.sender).exporter, 0);
        gw_sender_finish(n->made.sender);
    }
    if (n->made.conf)
        gw_component_drop_exporter(&n->made);
}

void gw_plan_discard(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    p->host.receivers = p->receivers_n;
    p->host.exporters = p->conf;
    gw_http_discard(p->http);
    for (size_t i = 0; i < plan->receivers_n; i++)
        if (plan->receivers[i].made.conf)
            gw_component_drop_receiver(&plan->receivers[i].made);
    for (size_t i = 0; i < plan->exporters_n; i++)
        discard_exporter(plan, &plan->exporters[i]);
    gw_admin_drop(plan->admin);
    gw_plan_drop(plan);
}

void gw_plan_drop(struct plan *plan)
{
    for (struct retired *r = plan->room, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    free(plan);
}
