/* Another configuration, while everything runs.
 *
 *   plan      for each entry of the new configuration what it is to the running ones, and everything made and checked that can be
 *             without touching them:
 *                exporters   KEEP    of the same name, with the same options
 *                            SUCCESSOR    of the same name: goes on with its queue, its row of the ledger and its thread (sender.h)
 *                            NEW     with a queue of its own
 *                receivers   KEEP    the same options, or it has to be left alone
 *                            HTTP    opened beside the running one (http.h, stage)
 *                            ADOPT   takes new options itself (gw_reload)
 *                            AGAIN   closed and opened again
 *                            NEW     opened
 *   commit    cannot fail, but for receivers AGAIN, whose address somebody else could take in between
 *   retire    what is no longer asked for goes on until it has delivered what it holds, and is given back at a later reload or stop
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "gateway/run/pipeline_internal.h"
#include "translators/logs/log_scripts.h"

enum how { KEEP, SUCCESSOR, HTTP, ADOPT, AGAIN, NEW };

struct next_receiver {
    enum how how;
    struct receiver made; /* HTTP, NEW: opened; AGAIN: of the new configuration, not opened */
    int before;           /* index of the running one; −1: NEW, or HTTP that is new */
    void *adopted;        /* ADOPT: what prepare made */
    const struct gw_conf_receiver *entry;
};

struct next_exporter {
    enum how how;
    struct exporter made; /* SUCCESSOR, NEW */
    int before;           /* −1: NEW */
};

struct plan {
    struct gw_pipeline *pipeline;
    struct gw_conf *conf;
    struct gw_diagnostics *diagnostics;
    struct next_receiver receivers[GW_MAX_RECEIVERS];
    struct next_exporter exporters[GW_MAX_EXPORTERS];
    bool receiver_taken[GW_MAX_RECEIVERS]; /* running ones that have a place in the new configuration */
    bool exporter_taken[GW_MAX_EXPORTERS];
    size_t receivers_n, exporters_n;
};

/* --- plan: exporters --- */

static int find_exporter(const struct plan *plan, gw_str name)
{
    for (size_t i = 0; i < plan->pipeline->exporters_n; i++)
        if (gw_str_eq(plan->pipeline->exporters[i].entry->sender.name, name))
            return (int)i;
    return -1;
}

/* Files that options name are read when the exporter is opened: whether they changed nobody knows without reading them. */
static bool names_files(const struct gw_opt *row, const void *conf)
{
    for (; row->type != GW_OPT_END_ROW; row++)
        if (strncmp(row->name, "tls.", 4) == 0 && row->type == GW_OPT_str && ((const gw_str *)((const char *)conf + row->offset))->len)
            return true;
    return false;
}

static bool same_exporter(const struct gw_conf_exporter *a, const struct gw_conf_exporter *b)
{
    return a->module == b->module && gw_opt_same_all(a->module->opts, a->conf, b->conf) &&
           gw_opt_same_all(gw_sender_opts, &a->sender, &b->sender) && !names_files(a->module->opts, a->conf);
}

/* An heir must be able to carry what waits for the former. */
static bool can_inherit(const struct exporter *before, const struct gw_conf_exporter *c)
{
    return !(gw_sender_route(before->sender).signals & ~c->module->signals);
}

static void make_sender(struct plan *plan, struct next_exporter *n, const struct gw_conf_exporter *c)
{
    struct gw_pipeline *p = plan->pipeline;
    struct exporter *e = &n->made;
    if (n->how == SUCCESSOR)
        e->sender = gw_sender_successor(p->exporters[n->before].sender, c->module, e->ctx, &c->sender);
    else
        e->sender = gw_sender_new(c->module, e->ctx, &c->sender, p->ledger, p->ids);
    if (!e->sender)
        gw_config_error(plan->diagnostics, e->path,
                        "there is no room for it: restart ddgate (%d names of exporters are the most between two starts)",
                        GW_LEDGER_EXPORTERS);
    else if (n->how == NEW && p->disk_queue && !gw_sender_disk_queue(e->sender, p->disk_queue, &p->budget))
        gw_config_error(plan->diagnostics, e->path,
                        "the disk queue remembers too many exporters that are not configured: restart with another folder");
}

/* Of that name one that was removed is still at work, and the disk queue has one reader of a name. */
static bool is_still_delivering(const struct gw_pipeline *p, gw_str name)
{
    for (const struct retired *r = p->retired; r && p->disk_queue; r = r->next)
        if (gw_str_eq(r->exporter.entry->sender.name, name) && !gw_sender_over(r->exporter.sender))
            return true;
    return false;
}

static void plan_exporter(struct plan *plan, const struct gw_conf_exporter *c)
{
    struct next_exporter *n = &plan->exporters[plan->exporters_n++];
    n->before = find_exporter(plan, c->sender.name);
    const struct exporter *before = n->before >= 0 ? &plan->pipeline->exporters[n->before] : NULL;
    if (before && !same_exporter(before->entry, c) && !can_inherit(before, c)) {
        if (plan->pipeline->disk_queue)
            gw_config_error(plan->diagnostics, c->path, "%s cannot carry all that waits on the disk under this name: choose another name",
                            c->module->name);
        n->before = -1; /* it delivers what it holds by itself */
        before = NULL;
    }
    n->how = !before ? NEW : same_exporter(before->entry, c) ? KEEP : SUCCESSOR;
    if (before)
        plan->exporter_taken[n->before] = true;
    if (n->how == KEEP)
        return;
    if (n->how == NEW && is_still_delivering(plan->pipeline, c->sender.name))
        gw_config_error(plan->diagnostics, c->path,
                        "one of the same name that is no longer configured still delivers what it holds: give this one another "
                        "name, or wait");
    else if (!gw_pipeline_make_exporter(&n->made, c, plan->conf))
        gw_config_error(plan->diagnostics, c->path, "there is no memory for it");
    else if (gw_pipeline_open_exporter(&n->made, plan->pipeline->host.host_name, plan->diagnostics))
        make_sender(plan, n, c);
}

/* --- plan: receivers --- */

static bool same_receiver(const struct receiver *a, const struct gw_conf_receiver *b)
{
    return a->module == b->module && gw_opt_same_all(a->module->opts, a->ctx, b->conf);
}

/* Those that are the same first, then those of a type, in their order. */
static void match_receivers(struct plan *plan)
{
    const struct gw_pipeline *p = plan->pipeline;
    for (int exact = 1; exact >= 0; exact--)
        for (size_t i = 0; i < plan->receivers_n; i++) {
            struct next_receiver *n = &plan->receivers[i];
            for (size_t k = 0; k < p->receivers_n && n->before < 0; k++) {
                const struct receiver *r = &p->receivers[k];
                if (plan->receiver_taken[k] || r->module != n->entry->module || (exact && !same_receiver(r, n->entry)))
                    continue;
                n->before = (int)k;
                plan->receiver_taken[k] = true;
            }
        }
}

/* Checks the options of one that cannot be opened yet, because its former self has the address. */
static void check_only(struct plan *plan, const struct gw_conf_receiver *c)
{
    struct receiver trial;
    struct gw_host host = plan->pipeline->host;
    host.check = true;
    if (gw_pipeline_make_receiver(&trial, c, plan->conf))
        gw_pipeline_open_receiver(&trial, &host, plan->diagnostics);
    gw_pipeline_drop_receiver(&trial);
}

static enum how ask_receiver(struct plan *plan, struct next_receiver *n)
{
    const struct receiver *before = n->before >= 0 ? &plan->pipeline->receivers[n->before] : NULL;
    const struct gw_conf_receiver *c = n->entry;
    size_t errors = gw_diagnostics_errors(plan->diagnostics);
    if (c->module->on_http)
        return HTTP;
    if (!before || !before->started)
        return before ? AGAIN : NEW;
    if (!c->module->reload)
        return same_receiver(before, c) ? KEEP : AGAIN;
    n->adopted = c->module->reload->prepare(before->ctx, c->conf, c->path, plan->diagnostics);
    return n->adopted || gw_diagnostics_errors(plan->diagnostics) > errors ? ADOPT : AGAIN;
}

static void plan_receiver(struct plan *plan, struct next_receiver *n)
{
    n->how = ask_receiver(plan, n);
    if (n->how == AGAIN)
        check_only(plan, n->entry);
    if (n->how == KEEP || n->how == ADOPT)
        return;
    if (!gw_pipeline_make_receiver(&n->made, n->entry, plan->conf))
        gw_config_error(plan->diagnostics, n->entry->path, "there is no memory for it");
    else if (n->how != AGAIN)
        gw_pipeline_open_receiver(&n->made, &plan->pipeline->host, plan->diagnostics);
}

static void plan_receivers(struct plan *plan)
{
    for (size_t i = 0; i < plan->conf->receivers_n; i++)
        plan->receivers[plan->receivers_n++] = (struct next_receiver){.before = -1, .entry = &plan->conf->receivers[i]};
    match_receivers(plan);
    plan->pipeline->host.receivers = plan->receivers_n;
    log_scripts_read(plan->pipeline->scripts, plan->conf->process.pipelines_directory, plan->diagnostics);
    gw_http_stage_begin(plan->pipeline->http);
    for (size_t i = 0; i < plan->receivers_n; i++)
        plan_receiver(plan, &plan->receivers[i]);
}

/* --- plan: the process --- */

static void warn_of_restarts(struct plan *plan)
{
    static const char *const live[] = {"log.level", "log.format", "shutdown_timeout", "pipelines.directory", NULL};
    for (const struct gw_opt *row = gw_process_opts; row->type != GW_OPT_END_ROW; row++) {
        bool needs_start = true;
        for (const char *const *name = live; *name; name++)
            needs_start = needs_start && strcmp(*name, row->name) != 0;
        if (needs_start && !gw_opt_same(row, &plan->pipeline->conf->process, &plan->conf->process))
            gw_config_warning(plan->diagnostics, row->name, "is changed by a start only: it stays as it is until then");
    }
}

/* --- nothing changes --- */

static void abandon(struct plan *plan)
{
    plan->pipeline->host.receivers = plan->pipeline->receivers_n;
    for (size_t i = 0; i < plan->receivers_n; i++) {
        struct next_receiver *n = &plan->receivers[i];
        if (n->adopted)
            n->entry->module->reload->abandon(plan->pipeline->receivers[n->before].ctx, n->adopted);
        if (n->made.conf)
            gw_pipeline_drop_receiver(&n->made);
    }
    gw_http_stage_drop(plan->pipeline->http);
    for (size_t i = 0; i < plan->exporters_n; i++) {
        struct next_exporter *n = &plan->exporters[i];
        if (n->how == NEW && n->made.sender) {
            gw_ledger_signals(plan->pipeline->ledger, gw_sender_route(n->made.sender).exporter, 0);
            gw_sender_finish(n->made.sender);
        }
        if (n->made.conf)
            gw_pipeline_drop_exporter(&n->made);
    }
}

/* --- commit: exporters --- */

static void retire(struct gw_pipeline *p, const struct exporter *e, struct retired *room)
{
    struct retired **end = &p->retired;
    while (*end)
        end = &(*end)->next;
    *room = (struct retired){.exporter = *e};
    *end = room;
}

void gw_pipeline_reap(struct gw_pipeline *p)
{
    while (p->retired && gw_sender_over(p->retired->exporter.sender)) {
        struct retired *r = p->retired;
        p->retired = r->next;
        gw_sender_finish(r->exporter.sender);
        gw_pipeline_drop_exporter(&r->exporter);
        free(r);
    }
}

/* When it returns, no offer is under way that began before. */
static void let_offers_pass(struct gw_pipeline *p)
{
    struct gw_route routes[GW_MAX_EXPORTERS] = {{0}};
    for (size_t i = 0; i < p->exporters_n; i++)
        routes[i] = gw_sender_route(p->exporters[i].sender);
    gw_fanout_switch(p->fanout, routes, (unsigned)p->exporters_n);
}

/* The new list; the former ones that are not in it are retired. */
static void commit_exporters(struct plan *plan, struct retired *room[])
{
    struct gw_pipeline *p = plan->pipeline;
    struct exporter next[GW_MAX_EXPORTERS], before[GW_MAX_EXPORTERS];
    struct gw_route routes[GW_MAX_EXPORTERS] = {{0}};
    size_t before_n = p->exporters_n;
    memcpy(before, p->exporters, sizeof before);
    for (size_t i = 0; i < plan->exporters_n; i++) {
        struct next_exporter *n = &plan->exporters[i];
        next[i] = n->how == KEEP ? before[n->before] : n->made;
        if (n->how == SUCCESSOR)
            gw_sender_take_over(before[n->before].sender, next[i].sender);
        if (n->how == NEW && !gw_sender_start(next[i].sender))
            gw_log(GW_ERROR, "ddgate", "%s: the system gives no thread for it: it delivers nothing", next[i].path);
        routes[i] = gw_sender_route(next[i].sender);
    }
    gw_fanout_switch(p->fanout, routes, (unsigned)plan->exporters_n);
    gw_lock(&p->lock);
    memcpy(p->exporters, next, plan->exporters_n * sizeof *next);
    p->exporters_n = plan->exporters_n;
    gw_unlock(&p->lock);
    for (size_t i = 0; i < plan->exporters_n; i++)
        if (plan->exporters[i].how == SUCCESSOR)
            retire(p, &before[plan->exporters[i].before], *room++);
    for (size_t i = 0; i < before_n; i++) {
        if (plan->exporter_taken[i])
            continue;
        bool named_again = false;
        for (size_t k = 0; k < plan->exporters_n; k++)
            named_again |= routes[k].exporter == gw_sender_route(before[i].sender).exporter;
        if (!named_again)
            gw_ledger_signals(p->ledger, gw_sender_route(before[i].sender).exporter, 0);
        gw_sender_stop(before[i].sender, GW_NEVER - 1); /* it has all the time that max_age gives */
        retire(p, &before[i], *room++);
    }
}

/* --- commit: receivers --- */

static void carry_counts(const struct receiver *from, struct receiver *to)
{
    for (const struct gw_metric *row = from->module->metrics; row && row->type != GW_METRIC_END; row++)
        if (row->type == GW_COUNTER && row->offset != GW_METRIC_ASKED)
            atomic_fetch_add((atomic_uint_least64_t *)((char *)to->ctx + row->offset),
                             atomic_load((atomic_uint_least64_t *)((char *)from->ctx + row->offset)));
}

static void stop_receiver(struct receiver *r)
{
    if (r->started)
        r->module->stop(r->ctx);
    r->started = false;
}

/* Under the pipeline's lock: the admin thread reads contexts and sites. */
static void switch_http(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    struct gw_http_swap swaps[GW_MAX_RECEIVERS];
    size_t n = 0;
    for (size_t i = 0; i < plan->receivers_n; i++)
        if (plan->receivers[i].how == HTTP)
            swaps[n++] = (struct gw_http_swap){plan->receivers[i].before < 0 ? NULL : p->receivers[plan->receivers[i].before].ctx,
                                               plan->receivers[i].made.ctx};
    gw_http_stage_commit(p->http, swaps, n);
}

static void adopt(struct gw_pipeline *p, struct next_receiver *n, struct gw_conf *conf)
{
    struct receiver *r = &p->receivers[n->before];
    n->entry->module->reload->adopt(r->ctx, n->adopted);
    gw_conf_drop(r->conf);
    r->conf = gw_conf_ref(conf);
    r->path = n->entry->path;
}

static void open_again(struct gw_pipeline *p, struct receiver *r, struct gw_diagnostics *diagnostics)
{
    if (!gw_pipeline_open_receiver(r, &p->host, diagnostics)) {
        gw_log(GW_ERROR, "ddgate", "%s could not be opened again, and does not run", r->path);
        return;
    }
    gw_pipeline_start_receiver(p, r);
}

/* Takes the former ones out of sight, then away; what is to be closed and opened again is dark in between. */
static void commit_receivers(struct plan *plan)
{
    struct gw_pipeline *p = plan->pipeline;
    struct receiver next[GW_MAX_RECEIVERS], gone[GW_MAX_RECEIVERS];
    size_t gone_n = 0;
    for (size_t i = 0; i < plan->receivers_n; i++) {
        struct next_receiver *n = &plan->receivers[i];
        if (n->how == ADOPT)
            adopt(p, n, plan->conf);
        if (n->how == HTTP) {
            n->made.module->start(n->made.ctx);
            n->made.started = true;
        }
        next[i] = n->how == KEEP || n->how == ADOPT ? p->receivers[n->before] : n->made;
    }
    gw_http_park(p->http);
    gw_lock(&p->lock);
    switch_http(plan);
    for (size_t i = 0; i < plan->receivers_n; i++)
        if (plan->receivers[i].how == HTTP && plan->receivers[i].before >= 0)
            carry_counts(&p->receivers[plan->receivers[i].before], &next[i]);
    for (size_t k = 0; k < p->receivers_n; k++) {
        bool stays = false;
        for (size_t i = 0; i < plan->receivers_n; i++)
            stays |= next[i].ctx == p->receivers[k].ctx;
        if (!stays)
            gone[gone_n++] = p->receivers[k];
    }
    memcpy(p->receivers, next, plan->receivers_n * sizeof *next);
    p->receivers_n = plan->receivers_n;
    gw_unlock(&p->lock);
    gw_http_resume(p->http);
    for (size_t i = 0; i < gone_n; i++) {
        stop_receiver(&gone[i]);
        gw_pipeline_drop_receiver(&gone[i]);
    }
    for (size_t i = 0; i < plan->receivers_n; i++) {
        struct receiver *r = &p->receivers[i];
        if (plan->receivers[i].how == AGAIN)
            open_again(p, r, plan->diagnostics);
        else if (plan->receivers[i].how == NEW)
            gw_pipeline_start_receiver(p, r);
    }
}

/* --- all of it --- */

static void log_changes(const struct plan *plan)
{
    unsigned n[NEW + 1] = {0}, r[NEW + 1] = {0}, removed = 0;
    for (size_t i = 0; i < plan->exporters_n; i++)
        n[plan->exporters[i].how]++;
    for (size_t i = 0; i < plan->receivers_n; i++)
        r[plan->receivers[i].how]++;
    for (struct retired *x = plan->pipeline->retired; x; x = x->next)
        removed++;
    gw_log(
        GW_INFO, "ddgate",
        "the configuration was read again: exporters: %u kept, %u changed, %u new, %u still to deliver what they hold; receivers: %u kept, "
        "%u changed, %u opened again, %u new",
        n[KEEP], n[SUCCESSOR], n[NEW], removed, r[KEEP], r[HTTP] + r[ADOPT], r[AGAIN], r[NEW]);
}

/* Memory for whoever may have to be retired; NULL-filled when there is none. */
static bool make_room(struct retired *room[], size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!(room[i] = calloc(1, sizeof *room[i])))
            return false;
    return true;
}

static void commit(struct plan *plan, struct retired *room[])
{
    struct gw_err err;
    commit_exporters(plan, room);
    commit_receivers(plan);
    log_scripts_renew(plan->pipeline->scripts, plan->diagnostics); /* of receivers whose options are the same, too */
    if (gw_http_start(plan->pipeline->http, &err))
        gw_log(GW_ERROR, "ddgate", "the HTTP server does not start: %s", err.what);
    log_changes(plan);
}

bool gw_pipeline_reload(struct gw_pipeline *p, struct gw_conf *conf, struct gw_diagnostics *diagnostics)
{
    struct plan *plan = calloc(1, sizeof *plan);
    struct retired *room[GW_MAX_EXPORTERS] = {NULL};
    bool good = plan && make_room(room, GW_MAX_EXPORTERS);
    let_offers_pass(p);
    gw_pipeline_reap(p);
    if (good) {
        *plan = (struct plan){.pipeline = p, .conf = conf, .diagnostics = diagnostics};
        for (size_t i = 0; i < conf->exporters_n; i++)
            plan_exporter(plan, &conf->exporters[i]);
        plan_receivers(plan);
        warn_of_restarts(plan);
        good = gw_diagnostics_errors(diagnostics) == 0;
        good ? commit(plan, room) : abandon(plan);
    }
    for (size_t i = 0; i < GW_MAX_EXPORTERS; i++)
        if (room[i] && !room[i]->exporter.module)
            free(room[i]);
    free(plan);
    atomic_fetch_add(good ? &p->reloads : &p->refused_reloads, 1);
    atomic_store(&p->reload_failed, !good);
    if (good)
        atomic_store(&p->reloaded_at, (uint64_t)(gw_wall() / GW_SEC));
    return good;
}
