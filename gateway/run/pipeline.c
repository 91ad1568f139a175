/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/run/pipeline_internal.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/base/cpus.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/trace_ids.h"
#include "translators/logs/log_scripts.h"

/* For requests that are under way when a stop begins. */
static const gw_nsec HTTP_GRACE_PERIOD = 3 * GW_SEC;

/* A component's context begins with its configuration. */
static void *new_context(size_t ctx_size, const void *conf, size_t conf_size)
{
    void *ctx = calloc(1, ctx_size);
    if (ctx)
        memcpy(ctx, conf, conf_size);
    return ctx;
}

bool gw_pipeline_make_exporter(struct exporter *e, const struct gw_conf_exporter *c, struct gw_conf *conf)
{
    *e = (struct exporter){.module = c->module, .path = c->path, .entry = c, .conf = gw_conf_ref(conf)};
    e->ctx = new_context(c->module->ctx_size, c->conf, c->module->conf_size);
    return e->ctx;
}

void gw_pipeline_drop_exporter(struct exporter *e)
{
    gw_sender_drop(e->sender);
    if (e->ctx)
        e->module->close(e->ctx);
    free(e->ctx);
    gw_conf_drop(e->conf);
    *e = (struct exporter){.module = e->module};
}

bool gw_pipeline_make_receiver(struct receiver *r, const struct gw_conf_receiver *c, struct gw_conf *conf)
{
    *r = (struct receiver){.module = c->module, .path = c->path, .conf = gw_conf_ref(conf)};
    r->ctx = new_context(c->module->ctx_size, c->conf, c->module->conf_size);
    return r->ctx;
}

void gw_pipeline_drop_receiver(struct receiver *r)
{
    if (r->ctx)
        r->module->close(r->ctx);
    free(r->ctx);
    gw_conf_drop(r->conf);
    *r = (struct receiver){.module = r->module};
}

static bool add_exporter(struct gw_pipeline *p, const struct gw_conf_exporter *c, struct gw_conf *conf)
{
    struct exporter *e = &p->exporters[p->exporters_n++];
    if (gw_pipeline_make_exporter(e, c, conf))
        e->sender = gw_sender_new(c->module, e->ctx, &c->sender, p->ledger, p->ids);
    return e->sender;
}

static gw_str host_name(struct gw_pipeline *p, const struct gw_process_conf *c)
{
    if (c->host_name.len)
        return c->host_name;
    if (gethostname(p->host_name, HOST_NAME_MAX) != 0)
        p->host_name[0] = '\0';
    return gw_str_z(p->host_name);
}

static bool build(struct gw_pipeline *p, struct gw_conf *conf, bool check)
{
    const struct gw_process_conf *c = &conf->process;
    int threads = gw_cpus();
    p->conf = gw_conf_ref(conf);
    atomic_init(&p->reloaded_at, (uint64_t)(gw_wall() / GW_SEC));
    p->budget.limit = c->max_memory;
    p->disk_queue_conf =
        (struct gw_disk_queue_conf){c->storage_directory, c->storage_max_size, (enum gw_fsync)c->storage_fsync, c->storage_interval, NULL};
    p->ledger = gw_ledger_new();
    p->ids = gw_trace_ids_new((size_t)c->join_traces, c->join_ttl);
    p->fanout = p->ledger ? gw_fanout_new(p->ledger, &p->budget) : NULL;
    p->http = gw_http_new(&p->budget, threads);
    p->scripts = log_scripts_new();
    p->scripts_directory = c->pipelines_directory;
    if (!p->ledger || !p->ids || !p->fanout || !p->http || !p->scripts)
        return false;
    p->host = (struct gw_host){.http = p->http,
                               .fanout = p->fanout,
                               .ids = p->ids,
                               .budget = &p->budget,
                               .logs = {&p->budget, p->ids, p->scripts},
                               .host_name = host_name(p, c),
                               .check = check,
                               .threads = threads,
                               .receivers = conf->receivers_n,
                               .unasked = conf->unasked};
    for (size_t i = 0; i < conf->exporters_n; i++)
        if (!add_exporter(p, &conf->exporters[i], conf))
            return false;
    for (size_t i = 0; i < conf->receivers_n; i++)
        if (!gw_pipeline_make_receiver(&p->receivers[p->receivers_n++], &conf->receivers[i], conf))
            return false;
    return true;
}

struct gw_pipeline *gw_pipeline_new(struct gw_conf *conf, bool check)
{
    struct gw_pipeline *p = calloc(1, sizeof *p);
    if (p)
        gw_lock_init(&p->lock, GW_LOCK_PIPELINE);
    if (p && !build(p, conf, check)) {
        gw_pipeline_drop(p);
        return NULL;
    }
    return p;
}

void gw_pipeline_drop(struct gw_pipeline *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_pipeline_drop_receiver(&p->receivers[i]);
    gw_http_drop(p->http);
    gw_pipeline_reap(p);
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_pipeline_drop_exporter(&p->exporters[i]);
    gw_disk_queue_close(p->disk_queue);
    gw_fanout_drop(p->fanout);
    gw_trace_ids_drop(p->ids);
    log_scripts_drop(p->scripts);
    gw_ledger_drop(p->ledger);
    gw_conf_drop(p->conf);
    gw_lock_fini(&p->lock);
    free(p);
}

/* `open` adds what is wrong; a component that fails without a word is helped out. */
static bool opened(struct gw_diagnostics *diagnostics, size_t before, enum gw_code code, const char *path)
{
    if (code != GW_OK && gw_diagnostics_errors(diagnostics) == before)
        gw_config_error(diagnostics, path, "cannot be opened: %s", gw_code_text(code));
    return gw_diagnostics_errors(diagnostics) == before;
}

bool gw_pipeline_open_exporter(struct exporter *e, gw_str host_name, struct gw_diagnostics *diagnostics)
{
    const struct gw_export_host host = {host_name};
    size_t before = gw_diagnostics_errors(diagnostics);
    gw_sender_check_files(&e->entry->sender, e->path, diagnostics);
    return opened(diagnostics, before, e->module->open(e->ctx, &host, e->path, diagnostics), e->path);
}

bool gw_pipeline_open_receiver(struct receiver *r, const struct gw_host *host, struct gw_diagnostics *diagnostics)
{
    size_t before = gw_diagnostics_errors(diagnostics);
    return opened(diagnostics, before, r->module->open(r->ctx, host, r->path, diagnostics), r->path);
}

/* What an earlier run left is in the ledger afterwards, and waits for its exporter. */
static void open_disk_queue(struct gw_pipeline *p, struct gw_diagnostics *diagnostics)
{
    struct gw_err err;
    p->disk_queue = gw_disk_queue_open(&p->disk_queue_conf, p->ledger, &err);
    if (!p->disk_queue) {
        gw_config_error(diagnostics, "storage.directory", "%s", err.what);
        return;
    }
    gw_fanout_durable(p->fanout, &gw_disk_queue_durable, p->disk_queue);
    for (size_t i = 0; i < p->exporters_n; i++)
        if (!gw_sender_disk_queue(p->exporters[i].sender, p->disk_queue, &p->budget))
            gw_config_error(diagnostics, "storage.directory",
                            "%.*s remembers too many exporters that are not configured: use another folder",
                            GW_FMT(p->disk_queue_conf.directory));
}

static void add_routes(struct gw_pipeline *p)
{
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_fanout_add(p->fanout, gw_sender_route(p->exporters[i].sender));
}

void gw_pipeline_open(struct gw_pipeline *p, struct gw_diagnostics *diagnostics)
{
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_pipeline_open_exporter(&p->exporters[i], p->host.host_name, diagnostics);
    log_scripts_read(p->scripts, p->scripts_directory, diagnostics);
    if (!gw_diagnostics_errors(diagnostics) && !p->host.check && p->disk_queue_conf.directory.len)
        open_disk_queue(p, diagnostics);
    add_routes(p);
    if (gw_diagnostics_errors(diagnostics)) /* nothing will run: say what else is wrong, but leave the addresses alone */
        p->host.check = true;
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_pipeline_open_receiver(&p->receivers[i], &p->host, diagnostics);
}

static void set_stage(struct gw_pipeline *p, enum stage stage)
{
    gw_lock(&p->lock);
    p->stage = stage;
    gw_unlock(&p->lock);
}

void gw_pipeline_start_receiver(struct gw_pipeline *p, struct receiver *r)
{
    r->module->start(r->ctx);
    gw_lock(&p->lock);
    r->started = true;
    gw_unlock(&p->lock);
}

/* Last: every receiver that has a site there is ready to handle requests. */
static bool start_http(struct gw_pipeline *p)
{
    struct gw_err err;
    if (gw_http_start(p->http, &err) == GW_OK)
        return true;
    gw_log(GW_ERROR, "ddgate", "the HTTP server does not start: %s", err.what);
    return false;
}

bool gw_pipeline_start(struct gw_pipeline *p)
{
    if (p->disk_queue && !gw_disk_queue_start(p->disk_queue)) {
        gw_log(GW_ERROR, "ddgate", "storage: the system gives no thread for it");
        return false;
    }
    for (size_t i = 0; i < p->exporters_n; i++)
        if (!gw_sender_start(p->exporters[i].sender)) {
            gw_log(GW_ERROR, "ddgate", "%s: the system gives no thread for it", p->exporters[i].path);
            return false;
        }
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_pipeline_start_receiver(p, &p->receivers[i]);
    if (!start_http(p))
        return false;
    set_stage(p, STAGE_RUNNING);
    return true;
}

void gw_pipeline_hint(struct gw_pipeline *p, FILE *to)
{
    for (size_t i = 0; i < p->receivers_n; i++)
        if (p->receivers[i].module->hint)
            p->receivers[i].module->hint(p->receivers[i].ctx, to);
}

/* A hurry that comes at any time finds either the flag read after the deadline was set, or its own deadline set last. */
static void stop_senders(struct gw_pipeline *p, gw_nsec deadline)
{
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_sender_stop(p->exporters[i].sender, deadline);
    for (struct retired *r = p->retired; r; r = r->next)
        gw_sender_stop(r->exporter.sender, deadline);
}

void gw_pipeline_stop(struct gw_pipeline *p, gw_nsec grace_period)
{
    set_stage(p, STAGE_STOPPING);
    gw_http_stop(p->http, HTTP_GRACE_PERIOD);
    for (size_t i = 0; i < p->receivers_n; i++)
        if (p->receivers[i].started)
            p->receivers[i].module->stop(p->receivers[i].ctx);
    gw_fanout_stop(p->fanout);
    gw_pipeline_reap(p);
    stop_senders(p, gw_now() + grace_period);
    if (atomic_load(&p->hurried))
        stop_senders(p, gw_now());
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_sender_finish(p->exporters[i].sender);
    for (struct retired *r = p->retired; r; r = r->next)
        gw_sender_finish(r->exporter.sender);
}

void gw_pipeline_hurry(struct gw_pipeline *p)
{
    atomic_store(&p->hurried, true);
    stop_senders(p, gw_now());
}

void gw_pipeline_ledger(struct gw_pipeline *p, struct gw_ledger_view *out)
{
    gw_ledger_read(p->ledger, out);
}
