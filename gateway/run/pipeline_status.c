/* pipeline_status.c: Readiness, metrics and the ledger of the pipeline. Owns nothing; takes the pipeline's
 * lock while it reads. Called by the admin listener, on its threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/base/log.h"
#include "core/delivery/ledger_report.h"
#include "core/delivery/queue.h"
#include "core/delivery/trace_ids.h"
#include "gateway/admin/process_metrics.h"
#include "gateway/run/pipeline_internal.h"
#include "translators/logs/log_scripts.h"

enum {
    M_BUILD,
    M_READY,
    M_BALANCED,
    M_MEMORY,
    M_LIMIT,
    M_TRACES,
    M_ROOM,
    M_LINES,
    M_HELD,
    M_LOST,
    M_RELOADS,
    M_RELOADED,
    M_RELOADED_AT,
    M_SCRIPTS,
    M_MISSES
};

const struct gw_metric gw_pipeline_metrics[] = {
    [M_BUILD] = GW_GAUGE_ASKED("build_info", "version", "Always 1; the label says which version runs."),
    [M_READY] = GW_GAUGE_ASKED("ready", "", "1 while /readyz answers 200."),
    [M_BALANCED] = GW_GAUGE_ASKED("ledger_balanced", "", "1; 0 is a fault of ddgate: please report it."),
    [M_MEMORY] = GW_GAUGE_ASKED("memory_bytes", "",
                                "What is counted against max_memory: connections, requests, queues."),
    [M_LIMIT] = GW_GAUGE_ASKED("memory_limit_bytes", "", "The option max_memory."),
    [M_TRACES] = GW_GAUGE_ASKED("join_traces", "", "Traces in the table of 128-bit trace ids."),
    [M_ROOM] = GW_GAUGE_ASKED("join_traces_capacity", "", "The option join.traces, rounded up."),
    [M_LINES] = GW_COUNTER_ASKED("log_lines_total", "level", "Lines of ddgate's own log."),
    [M_HELD] = GW_COUNTER_ASKED("log_lines_suppressed_total", "",
                                "Lines that were held back because there were too many alike."),
    [M_LOST] =
        GW_COUNTER_ASKED("log_lines_lost_total", "",
                         "Lines that standard error did not take; the log says where they are missing."),
    [M_RELOADS] =
        GW_COUNTER_ASKED("config_reloads_total", "result",
                         "Configurations read again (SIGHUP): done, or refused for their mistakes."),
    [M_RELOADED] = GW_GAUGE_ASKED("config_last_reload_successful", "",
                                  "0 when the last one was refused, and an older one is in place."),
    [M_RELOADED_AT] =
        GW_GAUGE_ASKED("config_last_reload_success_timestamp_seconds", "", "When the one in place was read."),
    [M_SCRIPTS] =
        GW_COUNTER_ASKED("pipeline_records_total", "outcome",
                         "Log records whose Pipeline script ended with an `error`, or does not load "
                         "(`unparsed`), or had an expression "
                         "that took too long (`gave_up`); and those that a script made (`created`)."),
    [M_MISSES] =
        GW_COUNTER_ASKED("pipeline_unmatched_total", "script,pattern",
                         "Log records that a `grok` of a Pipeline script did not match; the pattern with its "
                         "line and column."),
    GW_METRICS_END,
};

/* --- ready? --- */

/* Under lock. */
static bool queues_ready(struct gw_pipeline *p, FILE *why)
{
    bool ready = true;
    for (size_t i = 0; i < p->exporters_n; i++) {
        struct gw_queue_state q;
        struct gw_route route = gw_sender_route(p->exporters[i].sender);
        gw_queue_state(route.queue, &q);
        if (!q.refusing)
            continue;
        fprintf(why, "the queue of exporter %s is full: %zu of %zu bytes\n", route.name, q.used, q.capacity);
        ready = false;
    }
    return ready;
}

static bool memory_ready(struct gw_pipeline *p, FILE *why)
{
    size_t used = atomic_load_explicit(&p->budget.used, memory_order_relaxed), limit = p->budget.limit;
    if (used < limit - limit / 16)
        return true;
    fprintf(why, "max_memory is used up: %zu of %zu bytes\n", used, limit);
    return false;
}

/* True if data sent now would be accepted. If not, a line per reason goes to `why`. */
static bool is_ready(struct gw_pipeline *p, FILE *why)
{
    static const char *const not_yet[] = {
        [STAGE_STARTING] = "starting\n", [STAGE_RUNNING] = "", [STAGE_STOPPING] = "stopping\n"};
    gw_lock(&p->lock);
    bool running = p->stage == STAGE_RUNNING, queues = queues_ready(p, why), memory = memory_ready(p, why),
         disk = !p->disk_queue || gw_disk_queue_ready(p->disk_queue, why);
    fputs(not_yet[p->stage], why);
    gw_unlock(&p->lock);
    return running && queues && memory && disk;
}

/* --- samples --- */

static void measure_log(struct gw_metrics *to)
{
    static const char *const levels[] = {"debug", "info", "warning", "error"};
    struct gw_log_counts log = gw_log_counts();
    for (int i = GW_DEBUG; i <= GW_ERROR; i++)
        gw_metrics_add_for(to, &gw_pipeline_metrics[M_LINES], (double)log.lines[i], gw_str_z(levels[i]));
    gw_metrics_add(to, &gw_pipeline_metrics[M_HELD], (double)log.suppressed);
    gw_metrics_add(to, &gw_pipeline_metrics[M_LOST], (double)log.lost);
}

static void measure_reloads(struct gw_pipeline *p, struct gw_metrics *to)
{
    gw_metrics_add_for(to, &gw_pipeline_metrics[M_RELOADS], (double)atomic_load(&p->reloads), GW_STR("done"));
    gw_metrics_add_for(to, &gw_pipeline_metrics[M_RELOADS], (double)atomic_load(&p->refused_reloads),
                       GW_STR("refused"));
    gw_metrics_add(to, &gw_pipeline_metrics[M_RELOADED], !atomic_load(&p->reload_failed));
    gw_metrics_add(to, &gw_pipeline_metrics[M_RELOADED_AT], (double)atomic_load(&p->reloaded_at));
}

static void measure_scripts(struct gw_pipeline *p, struct gw_metrics *to)
{
    const struct log_counts *c = log_scripts_counts(p->scripts);
    const struct gw_metric *row = &gw_pipeline_metrics[M_SCRIPTS];
    gw_metrics_add_for(to, row, (double)atomic_load(&c->script_errors), GW_STR("error"));
    gw_metrics_add_for(to, row, (double)atomic_load(&c->unparsed), GW_STR("unparsed"));
    gw_metrics_add_for(to, row, (double)atomic_load(&c->gave_up), GW_STR("gave_up"));
    gw_metrics_add_for(to, row, (double)atomic_load(&c->script_made), GW_STR("created"));
    const struct log_miss *miss;
    for (size_t i = 0; (miss = log_scripts_miss(p->scripts, i)); i++)
        gw_metrics_add_for2(to, &gw_pipeline_metrics[M_MISSES], (double)atomic_load(&miss->n),
                            gw_str_z(miss->script), gw_str_z(miss->pattern));
}

static void measure_process(struct gw_pipeline *p, struct gw_metrics *to)
{
    size_t used, capacity;
    char *why = NULL;
    size_t why_len;
    FILE *ignored = open_memstream(&why, &why_len);
    gw_metrics_add_for(to, &gw_pipeline_metrics[M_BUILD], 1, GW_STR(DDGATE_VERSION));
    if (ignored) {
        gw_metrics_add(to, &gw_pipeline_metrics[M_READY], is_ready(p, ignored));
        fclose(ignored);
    }
    free(why);
    gw_trace_ids_size(p->ids, &used, &capacity);
    gw_metrics_add(to, &gw_pipeline_metrics[M_MEMORY],
                   (double)atomic_load_explicit(&p->budget.used, memory_order_relaxed));
    gw_metrics_add(to, &gw_pipeline_metrics[M_LIMIT], (double)p->budget.limit);
    gw_metrics_add(to, &gw_pipeline_metrics[M_TRACES], (double)used);
    gw_metrics_add(to, &gw_pipeline_metrics[M_ROOM], (double)capacity);
    if (p->disk_queue)
        gw_disk_queue_measure(p->disk_queue, to);
    measure_log(to);
    measure_reloads(p, to);
    measure_scripts(p, to);
    gw_process_measure(to);
}

void gw_pipeline_ledger(struct gw_pipeline *p, struct gw_ledger_view *out)
{
    gw_ledger_read(p->ledger, out);
}

static void measure_ledger(struct gw_pipeline *p, struct gw_metrics *to)
{
    struct gw_ledger_view *view = malloc(sizeof *view);
    if (!view)
        return;
    gw_pipeline_ledger(p, view);
    gw_metrics_add(to, &gw_pipeline_metrics[M_BALANCED], gw_ledger_balanced(view));
    gw_ledger_measure(view, to);
    free(view);
}

/* "file" for the first of its type, "file/2" for the second. */
static void own_receiver(const struct gw_pipeline *p, size_t i, struct gw_metrics *to)
{
    char name[80];
    const struct gw_receiver *module = p->receivers[i].module;
    unsigned number = 1;
    for (size_t k = 0; k < i; k++)
        number += p->receivers[k].module == module;
    snprintf(name, sizeof name, number > 1 ? "%.60s/%u" : "%.60s", module->name, number);
    gw_metrics_owner(to, "receiver", gw_str_z(name));
}

/* The HTTP server is only measured while it runs, because a stop frees it. */
void gw_pipeline_measure_receivers(struct gw_pipeline *p, struct gw_metrics *to)
{
    gw_retired_move_counts(p);
    for (size_t i = 0; i < p->receivers_n; i++) {
        const struct receiver *r = &p->receivers[i];
        if (!atomic_load(&r->started))
            continue;
        own_receiver(p, i, to);
        gw_metrics_component(to, r->module->metrics, r->module->measure, r->ctx);
        if (p->stage == STAGE_RUNNING)
            gw_http_measure_site(p->http, r->ctx, to);
    }
    gw_metrics_owner(to, NULL, GW_NOSTR);
}

/* Under the lock. */
static void measure_components(struct gw_pipeline *p, struct gw_metrics *to)
{
    gw_pipeline_measure_receivers(p, to);
    for (size_t i = 0; i < p->exporters_n; i++) {
        const struct exporter *e = &p->exporters[i];
        gw_metrics_owner(to, "exporter", gw_str_z(gw_sender_route(e->sender).name));
        gw_sender_measure(e->sender, to);
        gw_metrics_component(to, e->module->metrics, e->module->measure, e->ctx);
    }
    gw_metrics_owner(to, NULL, GW_NOSTR);
}

/* Everything that is counted anywhere. */
static void measure(struct gw_pipeline *p, struct gw_metrics *to)
{
    measure_process(p, to);
    measure_ledger(p, to);
    gw_lock(&p->lock);
    measure_components(p, to);
    if (p->stage == STAGE_RUNNING)
        gw_http_measure(p->http, to);
    gw_unlock(&p->lock);
}

/* --- for the admin listener --- */

static bool source_ready(void *ctx, FILE *why)
{
    return is_ready(ctx, why);
}

void gw_pipeline_measure_for(void *ctx, struct gw_metrics *to)
{
    measure(ctx, to);
}

void gw_pipeline_ledger_for(void *ctx, struct gw_ledger_view *out)
{
    gw_pipeline_ledger(ctx, out);
}

struct gw_admin_source gw_pipeline_source(struct gw_pipeline *p)
{
    return (struct gw_admin_source){source_ready, gw_pipeline_measure_for, gw_pipeline_ledger_for, p,
                                    &p->api};
}
