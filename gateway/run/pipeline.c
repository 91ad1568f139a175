/* pipeline.c: Makes and opens the pipeline from a configuration, starts it, and stops it in the opposite
 * order; pipeline_reload.c changes it in between. Owns the components. Called by main.c, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/run/own_targets.h"
#include "gateway/run/pipeline_internal.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/cpus.h"
#include "core/base/folder.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "gateway/net/listen_claims.h"
#include "core/delivery/recent.h"
#include "core/delivery/trace_ids.h"
#include "core/delivery/refusals.h"
#include "gateway/api/flow_history.h"
#include "translators/logs/log_scripts.h"

/* For requests that are under way when a stop begins. */
static const gw_nsec HTTP_GRACE_PERIOD = 3 * GW_SEC;

static bool add_exporter(struct gw_pipeline *p, const struct gw_conf_exporter *c, struct gw_conf *conf)
{
    struct exporter *e = &p->exporters[p->exporters_n++];
    if (gw_component_make_exporter(e, c, conf))
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

/* Any thread. Nothing can be delivered any more where it was the only one: main gets the signal that ends us,
 * once. */
static void reader_left(void *pipeline)
{
    struct gw_pipeline *p = pipeline;
    gw_lock(&p->lock);
    bool alone = p->exporters_n == 1;
    gw_unlock(&p->lock);
    if (alone && !atomic_exchange(&p->unread, true))
        kill(getpid(), SIGTERM);
}

bool gw_pipeline_unread(const struct gw_pipeline *p)
{
    return atomic_load(&p->unread);
}

static bool build(struct gw_pipeline *p, struct gw_conf *conf, bool check)
{
    const struct gw_process_conf *c = &conf->process;
    int threads = gw_cpus();
    p->conf = gw_conf_ref(conf);
    atomic_init(&p->reloaded_at, (uint64_t)(gw_wall() / GW_SEC));
    p->budget.limit = c->max_memory;
    p->disk_queue_conf =
        (struct gw_disk_queue_conf){c->storage_directory, c->storage_max_size,
                                    (enum gw_fsync)c->storage_fsync, c->storage_interval, NULL};
    p->ledger = gw_ledger_new();
    p->ids = gw_trace_ids_new((size_t)c->join_traces, c->join_ttl);
    p->fleet = gw_fleet_new(&p->budget);
    p->history = gw_flow_history_new(gw_now());
    p->refusals = gw_refusals_new();
    p->fanout = p->ledger ? gw_fanout_new(p->ledger, &p->budget) : NULL;
    p->http = gw_http_new(&p->budget, threads);
    p->scripts = log_scripts_new();
    p->claims = gw_listen_claims_new();
    if (p->scripts && check)
        log_scripts_be_strict(p->scripts);
    p->scripts_directory = c->pipelines_directory;
    if (!p->ledger || !p->ids || !p->fanout || !p->http || !p->scripts || !p->fleet || !p->history ||
        !p->refusals)
        return false;
    gw_ledger_set_watch(p->ledger, gw_refusals_watch(p->refusals));
    p->api = (struct gw_api){.ctx = p,
                             .measure = gw_pipeline_measure_for,
                             .ledger = gw_pipeline_ledger_for,
                             .translation = gw_pipeline_translation,
                             .flow = gw_pipeline_flow_for,
                             .history = p->history,
                             .fleet = p->fleet,
                             .refusals = p->refusals,
                             .budget = &p->budget,
                             .ids = p->ids,
                             .started = gw_wall()};
    p->host = (struct gw_host){.http = p->http,
                               .fanout = p->fanout,
                               .ledger = p->ledger,
                               .ids = p->ids,
                               .budget = &p->budget,
                               .logs = {&p->budget, p->ids, p->scripts},
                               .host_name = host_name(p, c),
                               .check = check,
                               .threads = threads,
                               .claims = p->claims,
                               .dogstatsd = &p->dogstatsd,
                               .fleet = p->fleet,
                               .receivers = conf->receivers_n,
                               .sends_to = gw_conf_sends_to,
                               .takes = gw_conf_takes,
                               .exporters = conf,
                               .unasked = conf->unasked};
    p->export_host = (struct gw_export_host){
        .host_name = p->host.host_name, .budget = &p->budget, .reader_left = reader_left, .process = p};
    for (size_t i = 0; i < conf->exporters_n; i++)
        if (!add_exporter(p, &conf->exporters[i], conf))
            return false;
    for (size_t i = 0; i < conf->receivers_n; i++)
        if (!gw_component_make_receiver(&p->receivers[p->receivers_n++], &conf->receivers[i], conf))
            return false;
    return true;
}

struct gw_pipeline *gw_pipeline_new(struct gw_conf *conf, bool check)
{
    struct gw_pipeline *p = calloc(1, sizeof *p);
    if (p) {
        gw_lock_init(&p->lock, GW_LOCK_PIPELINE);
        gw_dogstatsd_proxy_init(&p->dogstatsd);
    }
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
    gw_admin_drop(p->admin);
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_component_drop_receiver(&p->receivers[i]);
    gw_retired_drop(p);
    gw_http_drop(p->http); /* it has the accounts of what receivers keep per thread */
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_component_drop_exporter(&p->exporters[i]);
    gw_disk_queue_close(p->disk_queue);
    gw_recent_close();
    gw_listen_claims_drop(p->claims);
    gw_fanout_drop(p->fanout);
    gw_trace_ids_drop(p->ids);
    log_scripts_drop(p->scripts);
    gw_fleet_drop(p->fleet);
    gw_flow_history_drop(p->history);
    gw_ledger_drop(p->ledger);
    gw_refusals_drop(p->refusals);
    gw_conf_drop(p->conf);
    gw_lock_fini(&p->dogstatsd.lock);
    gw_lock_fini(&p->lock);
    free(p);
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

/* Checks what a start would do in it, without doing it. */
static void check_storage(gw_str directory, struct gw_diagnostics *diagnostics)
{
    char parent[PATH_MAX];
    while (directory.len > 1 && directory.ptr[directory.len - 1] == '/')
        directory.len--;
    const char *slash = memrchr(directory.ptr, '/', directory.len);
    snprintf(parent, sizeof parent, "%.*s", slash > directory.ptr ? (int)(slash - directory.ptr) : 1,
             slash ? directory.ptr : ".");
    bool there = access(directory.ptr, F_OK) == 0;
    DIR *opened = there ? opendir(directory.ptr) : NULL;
    if ((there && !opened) || !gw_folder_takes_files(there ? directory.ptr : parent))
        gw_config_error(diagnostics, "storage.directory",
                        "%s cannot be %s: %s: let the user that runs ddgate write there", directory.ptr,
                        there ? "written" : "made", strerror(errno));
    if (opened)
        closedir(opened);
}

/* False when a receiver has the address: a mistake, or a warning for the default address. */
static bool claim_admin(struct gw_pipeline *p, struct gw_diagnostics *diagnostics)
{
    static const struct gw_listen_claimant by = {"admin.listen", "admin", SOCK_STREAM, false};
    gw_str listen = p->conf->process.admin_listen;
    struct gw_address all[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    size_t n = 0;
    enum gw_listen_result r = listen.len ? gw_listen_resolve(listen, all, &n, &why) : GW_LISTEN_OK;
    for (size_t i = 0; i < n && r == GW_LISTEN_OK; i++)
        r = gw_listen_claim(p->claims, &all[i], &by, &why);
    for (size_t i = 0; i < n && r == GW_LISTEN_OK && n == 1 && p->host.check; i++)
        r = gw_listen_probe(&all[i], &why);
    if (r == GW_LISTEN_OK)
        return true;
    if (gw_diagnostics_is_written(diagnostics, "admin.listen"))
        gw_config_error(diagnostics, "admin.listen", "%s", why.text);
    else
        gw_config_warning(diagnostics, "admin.listen", "%s; so there is no /metrics here", why.text);
    return false;
}

struct gw_admin_conf gw_pipeline_admin_conf(const struct gw_conf *conf,
                                            const struct gw_diagnostics *diagnostics)
{
    const struct gw_process_conf *c = &conf->process;
    return (struct gw_admin_conf){.listen = c->admin_listen,
                                  .token = c->admin_auth_token,
                                  .page = c->admin_page,
                                  .is_page_written = gw_diagnostics_is_written(diagnostics, "admin.page")};
}

/* `binds`: nothing else is wrong, and something will run. */
static void open_admin(struct gw_pipeline *p, bool binds, struct gw_diagnostics *diagnostics)
{
    const struct gw_admin_source source = gw_pipeline_source(p);
    const struct gw_admin_conf conf = gw_pipeline_admin_conf(p->conf, diagnostics);
    if (!p->host.check)
        gw_recent_open(&p->budget, p->conf->process.admin_recent,
                       conf.page && conf.listen.len &&
                           gw_diagnostics_is_written(diagnostics, "admin.recent"));
    if (binds)
        p->admin = gw_admin_open(&conf, NULL, &source, diagnostics);
    else
        gw_admin_check(&conf, diagnostics);
}

void gw_pipeline_open(struct gw_pipeline *p, struct gw_diagnostics *diagnostics)
{
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_component_open_exporter(&p->exporters[i], &p->export_host, diagnostics);
    log_scripts_read(p->scripts, p->scripts_directory, diagnostics);
    if (!gw_diagnostics_errors(diagnostics) && !p->host.check && p->disk_queue_conf.directory.len)
        open_disk_queue(p, diagnostics);
    add_routes(p);
    /* nothing will run: report further mistakes, but do not open addresses */
    if (gw_diagnostics_errors(diagnostics))
        p->host.check = true;
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_component_open_receiver(&p->receivers[i], &p->host, diagnostics);
    bool free_for_admin = claim_admin(p, diagnostics);
    if (p->host.check && p->disk_queue_conf.directory.len)
        check_storage(p->disk_queue_conf.directory, diagnostics);
    open_admin(p, !gw_diagnostics_errors(diagnostics) && !p->host.check && free_for_admin, diagnostics);
}

static void set_stage(struct gw_pipeline *p, enum stage stage)
{
    gw_lock(&p->lock);
    p->stage = stage;
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
    p->host.claims = NULL; /* a reload opens successors beside their predecessors */
    if (!gw_admin_start(p->admin))
        return false;
    if (p->disk_queue && !gw_disk_queue_start(p->disk_queue)) {
        gw_log(GW_ERROR, "ddgate", "storage: no thread could be started");
        return false;
    }
    for (size_t i = 0; i < p->exporters_n; i++)
        if (!gw_sender_start(p->exporters[i].sender)) {
            gw_log(GW_ERROR, "ddgate", "%s: no thread could be started", p->exporters[i].path);
            return false;
        }
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_component_announce_exporter(&p->exporters[i]);
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_component_start_receiver(&p->receivers[i]);
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
    char page[160];
    gw_admin_page_url(p->admin, page, sizeof page);
    if (*page)
        fprintf(to, "See what passes: %s\n", page);
}

/* A second signal comes on another thread at any time: it finds the complete list of senders, and either sets
 * the last deadline itself or is seen here. */
static void stop_senders(struct gw_pipeline *p, gw_nsec deadline)
{
    gw_lock(&p->lock);
    if (atomic_load(&p->hurried))
        deadline = gw_now();
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_sender_stop(p->exporters[i].sender, deadline);
    gw_retired_stop(p, deadline);
    gw_unlock(&p->lock);
}

unsigned gw_pipeline_threads(const struct gw_pipeline *p)
{
    enum { OF_THE_PROCESS = 4 }; /* log, admin and its streams, disk queue */
    unsigned n = OF_THE_PROCESS + gw_http_threads(p->http) + (unsigned)p->receivers_n, library = 0;
    for (size_t i = 0; i < p->exporters_n; i++) {
        const struct gw_exporter *module = p->exporters[i].module;
        n++;
        library = module->library_threads > library ? module->library_threads : library;
    }
    for (size_t i = 0; i < p->receivers_n; i++) {
        unsigned its = p->receivers[i].module->library_threads;
        n += its ? (unsigned)p->host.threads : 0; /* threads of its own, one a core */
        library = its > library ? its : library;
    }
    return n + library;
}

void gw_pipeline_stop(struct gw_pipeline *p, gw_nsec grace_period)
{
    set_stage(p, STAGE_STOPPING);
    gw_http_stop(p->http, HTTP_GRACE_PERIOD);
    for (size_t i = 0; i < p->receivers_n; i++)
        gw_component_stop_receiver(&p->receivers[i]);
    gw_pipeline_reap(p); /* retired receivers too: their data must be delivered */
    gw_fanout_stop(p->fanout);
    stop_senders(p, gw_now() + grace_period);
    for (size_t i = 0; i < p->exporters_n; i++)
        gw_sender_finish(p->exporters[i].sender);
    gw_retired_finish(p);
}

void gw_pipeline_hurry(struct gw_pipeline *p)
{
    atomic_store(&p->hurried, true);
    stop_senders(p, gw_now());
}
