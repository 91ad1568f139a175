/* pipeline_reload.c: Replaces the configuration at run time (SIGHUP), with one model for receivers,
 * exporters and the admin listener. Owns nothing between two reloads. Called by main.c, on the main thread.
 *
 *   plan     pipeline_plan.c     each component is kept, replaced, added or removed; successors are opened beside their predecessors;
 *                                after a mistake the plan is discarded, and nothing has changed
 *   commit   this file           cannot fail: successors take over, routes and tables of addresses change, predecessors are retired.
 *                                An exclusive receiver is paused, or stopped and closed, then its successor is opened; only this can
 *                                fail, when another process takes its address in between
 *   retire   pipeline_retired.c  replaced and removed components finish by themselves and are then closed
 *
 * Exporters come before receivers, so the first request of a new receiver has a way out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "gateway/run/pipeline_internal.h"
#include "translators/logs/log_scripts.h"

/* Under the lock. */
static void retire(struct plan *plan, struct retired what)
{
    struct retired *r = plan->room;
    plan->room = r->next;
    *r = what;
    gw_retire(plan->pipeline, r);
}

/* --- exporters --- */

static struct exporter take_over_exporter(const struct plan *plan, const struct planned_exporter *n)
{
    const struct exporter *running = plan->pipeline->exporters;
    if (n->change == KEPT)
        return running[n->predecessor];
    if (n->change == REPLACED)
        gw_sender_take_over(running[n->predecessor].sender, n->made.sender);
    else if (!gw_sender_start(n->made.sender))
        gw_log(GW_ERROR, "ddgate", "%s: no thread could be started: it delivers nothing", n->made.path);
    gw_component_announce_exporter(&n->made);
    return n->made;
}

static bool is_routed(const struct gw_route *routes, size_t n, unsigned exporter)
{
    for (size_t i = 0; i < n; i++)
        if (routes[i].exporter == exporter)
            return true;
    return false;
}

/* It delivers its data, for as long as max_age allows. */
static void remove_exporter(const struct plan *plan, const struct exporter *e, const struct gw_route *routes)
{
    unsigned row = gw_sender_route(e->sender).exporter;
    if (!is_routed(routes, plan->exporters_n, row))
        gw_ledger_signals(plan->pipeline->ledger, row, 0);
    gw_sender_stop(e->sender, GW_NEVER - 1);
}

static bool is_replaced(const struct plan *plan, size_t running)
{
    for (size_t i = 0; i < plan->exporters_n; i++)
        if (plan->exporters[i].change == REPLACED && plan->exporters[i].predecessor == (int)running)
            return true;
    return false;
}

static void commit_exporters(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    struct exporter next[GW_MAX_EXPORTERS];
    struct gw_route routes[GW_MAX_EXPORTERS] = {{0}};
    for (size_t i = 0; i < plan->exporters_n; i++) {
        next[i] = take_over_exporter(plan, &plan->exporters[i]);
        routes[i] = gw_sender_route(next[i].sender);
    }
    gw_fanout_switch(p->fanout, routes, (unsigned)plan->exporters_n);
    for (size_t i = 0; i < p->exporters_n; i++)
        if (!plan->exporter_stays[i])
            remove_exporter(plan, &p->exporters[i], routes);
    gw_lock(&p->lock);
    for (size_t i = 0; i < p->exporters_n; i++)
        if (!plan->exporter_stays[i] || is_replaced(plan, i))
            retire(plan, (struct retired){.kind = RETIRED_EXPORTER, .exporter = p->exporters[i]});
    memcpy(p->exporters, next, plan->exporters_n * sizeof *next);
    p->exporters_n = plan->exporters_n;
    gw_unlock(&p->lock);
}

/* --- receivers --- */

/* What happens to the running receiver of that index. */
enum fate { STAYS, RETIRES, STOPS };

static enum fate fate_of(const struct plan *plan, size_t running, void **successor)
{
    bool exclusive = gw_component_is_exclusive(plan->pipeline->receivers[running].module);
    *successor = NULL;
    for (size_t i = 0; i < plan->receivers_n; i++) {
        const struct planned_receiver *n = &plan->receivers[i];
        if (n->predecessor != (int)running)
            continue;
        *successor = n->made.ctx;
        if (n->change == KEPT)
            return STAYS;
    }
    return exclusive ? STOPS : RETIRES;
}

/* From here on successors that were opened beside their predecessors get the requests. */
static void publish_sites(struct plan *plan)
{
    struct gw_err err;
    for (size_t i = 0; i < plan->receivers_n; i++) {
        struct planned_receiver *n = &plan->receivers[i];
        if (n->change != KEPT && !gw_component_is_exclusive(n->entry->module))
            gw_component_start_receiver(&n->made);
    }
    if (gw_http_start(plan->pipeline->http, &err))
        gw_log(GW_ERROR, "ddgate", "the HTTP server does not start: %s", err.what);
}

/* An exclusive receiver whose sources are to be free. */
struct stopped {
    struct receiver receiver;
    bool is_replaced, is_paused;
};

/* The new list. Predecessors retire; exclusive ones are handed back in `stopped`, to be stopped without the
 * lock. */
static size_t switch_receivers(struct plan *plan, struct stopped *stopped)
{
    struct gw_pipeline *p = plan->pipeline;
    struct receiver next[GW_MAX_RECEIVERS];
    size_t stopped_n = 0;
    for (size_t i = 0; i < plan->receivers_n; i++)
        next[i] = plan->receivers[i].change == KEPT ? p->receivers[plan->receivers[i].predecessor]
                                                    : plan->receivers[i].made;
    gw_lock(&p->lock);
    for (size_t i = 0; i < p->receivers_n; i++) {
        void *successor;
        enum fate fate = fate_of(plan, i, &successor);
        if (fate == RETIRES)
            retire(plan, (struct retired){
                             .kind = RETIRED_RECEIVER, .receiver = p->receivers[i], .successor = successor});
        else if (fate == STOPS)
            stopped[stopped_n++] =
                (struct stopped){.receiver = p->receivers[i], .is_replaced = successor != NULL};
    }
    memcpy(p->receivers, next, plan->receivers_n * sizeof *next);
    p->receivers_n = plan->receivers_n;
    gw_retired_move_counts(p);
    gw_unlock(&p->lock);
    return stopped_n;
}

/* Its predecessor is closed by now, or paused. */
static void open_exclusive(struct gw_pipeline *p, struct receiver *r, struct gw_diagnostics *diagnostics)
{
    if (gw_component_open_receiver(r, &p->host, diagnostics))
        gw_component_start_receiver(r);
    else
        gw_log(GW_ERROR, "ddgate", "%s could not be opened again, and does not run", r->path);
}

static void commit_receivers(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    struct stopped stopped[GW_MAX_RECEIVERS];
    publish_sites(plan);
    size_t stopped_n = switch_receivers(plan, stopped);
    for (struct stopped *s = stopped; s < stopped + stopped_n; s++) {
        if (s->is_replaced)
            s->is_paused = gw_component_pause_receiver(&s->receiver);
        else
            gw_component_stop_receiver(&s->receiver);
        if (!s->is_paused)
            gw_component_drop_receiver(&s->receiver);
    }
    for (size_t i = 0; i < plan->receivers_n; i++) {
        const struct planned_receiver *n = &plan->receivers[i];
        if (n->exclusive)
            open_exclusive(p, &p->receivers[i], plan->diagnostics);
        else if (n->change == ADDED && gw_component_is_exclusive(n->entry->module))
            gw_component_start_receiver(&p->receivers[i]);
    }
    for (size_t i = 0; i < stopped_n; i++)
        if (stopped[i].is_paused)
            gw_component_drop_receiver(&stopped[i].receiver);
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_component_reloaded_receiver(&p->receivers[i]);
}

/* --- the admin listener --- */

static void commit_admin(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    struct gw_admin *predecessor = p->admin;
    if (plan->admin_change == KEPT)
        return;
    if (!gw_admin_start(plan->admin)) {
        gw_log(GW_ERROR, "admin", "the listener stays as it was");
        gw_admin_drop(plan->admin);
        return;
    }
    p->admin = plan->admin;
    if (!predecessor)
        return;
    gw_admin_retire(predecessor, p->admin);
    gw_lock(&p->lock);
    retire(plan, (struct retired){.kind = RETIRED_ADMIN, .admin = predecessor});
    gw_unlock(&p->lock);
}

/* --- all of it --- */

static void log_changes(const struct plan *plan)
{
    unsigned exporters[CHANGES] = {0}, receivers[CHANGES] = {0}, exporters_gone = 0, receivers_gone = 0;
    for (size_t i = 0; i < plan->exporters_n; i++)
        exporters[plan->exporters[i].change]++;
    for (size_t i = 0; i < plan->receivers_n; i++)
        receivers[plan->receivers[i].same ? KEPT : plan->receivers[i].change]++;
    for (size_t i = 0; i < plan->running_exporters; i++)
        exporters_gone += !plan->exporter_stays[i];
    for (size_t i = 0; i < plan->running_receivers; i++)
        receivers_gone += !plan->receiver_stays[i];
    gw_log(GW_INFO, "ddgate",
           "the configuration was read again: exporters: %u kept, %u replaced, %u added, %u removed, %zu "
           "retiring; receivers: %u kept, %u replaced, %u added, %u removed",
           exporters[KEPT], exporters[REPLACED], exporters[ADDED], exporters_gone,
           gw_retired_exporters(plan->pipeline), receivers[KEPT], receivers[REPLACED], receivers[ADDED],
           receivers_gone);
}

static void commit(struct plan *plan)
{
    commit_exporters(plan);
    commit_receivers(plan);
    /* of receivers whose options are the same, too */
    log_scripts_renew(plan->pipeline->scripts, plan->diagnostics);
    commit_admin(plan);
    log_changes(plan);
}

static void count_reload(struct gw_pipeline *p, bool good)
{
    atomic_fetch_add(good ? &p->reloads : &p->refused_reloads, 1);
    atomic_store(&p->reload_failed, !good);
    if (good)
        atomic_store(&p->reloaded_at, (uint64_t)(gw_wall() / GW_SEC));
}

bool gw_pipeline_reload(struct gw_pipeline *p, struct gw_conf *conf, struct gw_diagnostics *diagnostics)
{
    gw_pipeline_reap(p);
    struct plan *plan = conf->unread ? NULL : gw_plan_new(p, conf, diagnostics);
    bool good = plan && gw_diagnostics_errors(diagnostics) == 0;
    if (good) {
        commit(plan);
        gw_plan_drop(plan);
    } else if (plan) {
        gw_plan_discard(plan);
    }
    gw_pipeline_reap(p);
    count_reload(p, good);
    return good;
}
