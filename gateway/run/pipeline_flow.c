/* pipeline_flow.c: What /api/flow shows of the pipeline: the state of its exporters, of the disk queue and of
 * memory; and the steps of the last hour. Owns nothing; takes the pipeline's lock while it reads. The state is
 * read on the admin listener's threads, steps are added on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/diskqueue/segment_log.h"
#include "gateway/api/flow.h"
#include "gateway/api/flow_history.h"
#include "gateway/run/pipeline_internal.h"

static void describe(const struct gw_sender *s, struct gw_flow_exporter *out)
{
    FILE *to = fmemopen(out->target, sizeof out->target, "w");
    if (!to)
        return;
    gw_sender_describe(s, to);
    fclose(to);
    out->target[sizeof out->target - 1] = '\0';
}

/* Under lock. */
static void see_exporter(const struct exporter *e, struct gw_flow_exporter *out)
{
    static const char *const states[] = {
        [GW_BACKEND_OK] = "ok", [GW_BACKEND_RETRYING] = "retrying", [GW_BACKEND_DOWN] = "down"};
    struct gw_sender_state s;
    gw_sender_state(e->sender, &s);
    *out = (struct gw_flow_exporter){.type = s.type,
                                     .state = states[s.backend],
                                     .number = s.number,
                                     .used = s.used,
                                     .capacity = s.capacity,
                                     .refusing = s.refusing,
                                     .on_disk = s.on_disk,
                                     .oldest = s.oldest,
                                     .p50 = s.p50,
                                     .p99 = s.p99,
                                     .said = s.said};
    snprintf(out->name, sizeof out->name, "%s", s.name);
    snprintf(out->words, sizeof out->words, "%s", s.words);
    describe(e->sender, out);
}

/* Names of the counters of bytes that come in, each of a kind of receiver. */
static uint64_t bytes_received(struct gw_pipeline *p)
{
    static const char *const names[] = {"http_received_bytes_total", "file_read_bytes_total",
                                        "kafka_read_bytes_total", "stdin_bytes_total"};
    struct gw_metrics *m = gw_metrics_new();
    double sum = 0;
    if (!m)
        return 0;
    gw_lock(&p->lock);
    gw_pipeline_measure_receivers(p, m);
    gw_unlock(&p->lock);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        sum += gw_metrics_sum(m, names[i]);
    gw_metrics_drop(m);
    return (uint64_t)sum;
}

void gw_pipeline_flow_for(void *pipeline, struct gw_flow_state *out)
{
    struct gw_pipeline *p = pipeline;
    out->bytes_received = bytes_received(p);
    out->memory_used = atomic_load_explicit(&p->budget.used, memory_order_relaxed);
    out->memory_limit = p->budget.limit;
    gw_lock(&p->lock);
    for (; out->n < p->exporters_n; out->n++)
        see_exporter(&p->exporters[out->n], &out->exporters[out->n]);
    if (p->disk_queue) {
        struct gw_segment_log_stats stats;
        gw_segment_log_stats(gw_disk_queue_log(p->disk_queue), &stats);
        out->has_disk = true;
        out->disk_bytes = stats.size;
        out->disk_limit = p->disk_queue_conf.max_size;
    }
    gw_unlock(&p->lock);
}

gw_nsec gw_pipeline_tick(struct gw_pipeline *p)
{
    gw_nsec now = gw_now(), due = gw_flow_history_due(p->history);
    struct gw_ledger_view *view = now >= due && p->admin ? malloc(sizeof *view) : NULL;
    if (view) {
        gw_ledger_read(p->ledger, view);
        gw_flow_history_sample(p->history, view, bytes_received(p), gw_wall(), now);
        free(view);
        due = gw_flow_history_due(p->history);
    }
    return !p->admin ? GW_NEVER : due > now ? due - now : GW_FLOW_STEP;
}
