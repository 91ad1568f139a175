/* ddtrace_span_metrics.c: The store that counts spans: who shares it, and who flushes it at the end. Owns the
 * process's store, by references of receivers; and what each worker counts with. Called by ddtrace.c, and by
 * HTTP workers for each request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace_span_metrics.h"

#include <stdlib.h>

#include "core/base/arena.h"
#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/fanout.h"
#include "gateway/http/http.h"
#include "gateway/receivers/common/metric_flusher.h"
#include "translators/ddtrace/dd_semconv.h"
#include "translators/metrics/span_duration_metric.h"

#define COMPONENT "receiver=ddtrace"

enum { ASKED, ALWAYS, NEVER }; /* words of span_metrics.when */
enum { SHARE = 4 /* of max_memory: a quarter */ };

struct ddtrace_series {
    unsigned references, active; /* receivers that are not closed; that are not stopped */
    struct gw_budget held;
    struct metric_store *store;
    struct metric_flusher flusher;
    const struct ddtrace_span_metrics *_Atomic newest; /* who tells of it on the admin page */
};

static struct ddtrace_series *shared; /* main thread */

/* --- opening --- */

/* A bound above the one before. */
static bool read_bound(gw_str text, double before, double *bound, const char *option,
                       struct gw_diagnostics *diagnostics)
{
    static const struct gw_opt row = {.type = GW_OPT_duration, .name = "buckets", .min = "", .max = ""};
    struct gw_arena scratch;
    gw_nsec ns = 0;
    gw_arena_init(&scratch, 0);
    bool good = gw_opt_set(&row, &ns, text, text, &scratch, option, diagnostics);
    gw_arena_fini(&scratch);
    *bound = (double)ns / GW_SEC;
    if (good && *bound <= before)
        gw_config_error(diagnostics, option, "\"%.*s\" is not above the bound before it", GW_FMT(text));
    return good && *bound > before;
}

static void read_buckets(struct ddtrace_span_metrics *m, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct gw_list *buckets = &m->conf.buckets;
    char option[GW_OPTION_PATH];
    gw_option_path(option, path, "span_metrics.buckets");
    if (buckets->n > DDTRACE_BOUNDS) {
        gw_config_error(diagnostics, option, "has %zu bounds; there may be %d", buckets->n, DDTRACE_BOUNDS);
        return;
    }
    for (size_t i = 0; i < buckets->n; i++)
        if (!read_bound(buckets->items[i], i ? m->bounds[i - 1] : 0, &m->bounds[i], option, diagnostics))
            return;
    m->points.kind = buckets->n ? METRIC_BUCKETS : METRIC_HISTOGRAM;
    m->points.bounds = gw_str_n((const char *)m->bounds, buckets->n * sizeof *m->bounds);
}

void ddtrace_span_metrics_open(struct ddtrace_span_metrics *m, const struct ddtrace_span_metrics_conf *conf,
                               const struct gw_host *host, const char *path,
                               struct gw_diagnostics *diagnostics)
{
    char option[GW_OPTION_PATH];
    m->conf = *conf;
    m->host = host;
    read_buckets(m, path, diagnostics);
    dd_labels_init(&m->labels, &m->conf.dimensions, &m->conf.exclude,
                   metric_attributes_field(m->points.kind));
    if (conf->dimensions.n <= DD_DIMENSIONS)
        return;
    gw_option_path(option, path, "span_metrics.dimensions");
    gw_config_error(diagnostics, option, "has %zu tags; there may be %d", conf->dimensions.n, DD_DIMENSIONS);
}

const struct dd_labels *ddtrace_span_metrics_labels(const struct ddtrace_span_metrics *m)
{
    return m->conf.when == NEVER ? NULL : &m->labels;
}

/* --- the process's store --- */

static struct metric_store *new_store(const struct ddtrace_span_metrics *m, struct gw_budget *held)
{
    const struct metric_options o = {.shards = gw_http_threads(m->host->http),
                                     .max_series = (size_t)m->conf.max_series,
                                     .scope_name = GW_STR(SPAN_DURATION_SCOPE),
                                     .scope_version = GW_STR(DDGATE_VERSION),
                                     .schema_url = GW_STR(DD_SCHEMA_URL),
                                     .account = held};
    return metric_store_new(&o, gw_wall());
}

static void drop_series(struct ddtrace_series *s)
{
    metric_store_drop(s->store);
    metric_flusher_fini(&s->flusher);
    free(s);
}

static struct ddtrace_series *new_series(const struct ddtrace_span_metrics *m)
{
    struct ddtrace_series *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->held = (struct gw_budget){.limit = m->host->budget->limit / SHARE, .parent = m->host->budget};
    s->store = new_store(m, &s->held);
    metric_flusher_init(&s->flusher);
    s->flusher.store = s->store;
    s->flusher.fanout = m->host->fanout;
    s->flusher.component = COMPONENT;
    s->flusher.thread = "ddtrace/metrics";
    if (s->store)
        return s;
    drop_series(s);
    return NULL;
}

static struct ddtrace_series *share_series(const struct ddtrace_span_metrics *m)
{
    if (!shared)
        shared = new_series(m);
    if (!shared)
        return NULL;
    shared->references++;
    atomic_store(&shared->newest, m);
    metric_store_limit(shared->store, (size_t)m->conf.max_series);
    if (atomic_exchange(&shared->flusher.interval, m->conf.interval) != m->conf.interval)
        gw_wakeup_signal(&shared->flusher.wakeup);
    if (shared->active++ == 0)
        (void)metric_flusher_start(&shared->flusher); /* without it all goes out at the end */
    return shared;
}

static void stop_series(void)
{
    if (--shared->active)
        return;
    metric_flusher_stop(&shared->flusher);
    metric_flusher_last(&shared->flusher);
}

/* The last user has left. */
static void leave_series(const struct ddtrace_span_metrics *m)
{
    const struct ddtrace_span_metrics *self = m;
    atomic_compare_exchange_strong(&shared->newest, &self, NULL);
    if (--shared->references)
        return;
    drop_series(shared);
    shared = NULL;
}

/* --- life --- */

static bool new_threads(struct ddtrace_span_metrics *m)
{
    m->threads_n = gw_http_threads(m->host->http);
    m->threads = calloc(m->threads_n, sizeof *m->threads);
    for (unsigned i = 0; m->threads && i < m->threads_n; i++)
        if (!(m->threads[i] = dd_durations_new(&m->labels, m->host->budget)))
            return false;
    return m->threads;
}

void ddtrace_span_metrics_start(struct ddtrace_span_metrics *m)
{
    if (m->conf.when == NEVER)
        return;
    struct ddtrace_series *s = new_threads(m) ? share_series(m) : NULL;
    atomic_store(&m->series, s);
    m->active = s;
    if (!s)
        gw_log(GW_ERROR, COMPONENT, "no memory for span metrics: spans are not counted");
}

void ddtrace_span_metrics_stop(struct ddtrace_span_metrics *m)
{
    if (m->active)
        stop_series();
    m->active = false;
}

void ddtrace_span_metrics_close(struct ddtrace_span_metrics *m)
{
    ddtrace_span_metrics_stop(m);
    if (atomic_exchange(&m->series, NULL))
        leave_series(m);
    for (unsigned i = 0; m->threads && i < m->threads_n; i++)
        dd_durations_drop(m->threads[i]);
    free(m->threads);
    m->threads = NULL;
    m->threads_n = 0;
}

/* --- requests --- */

struct dd_durations *ddtrace_span_metrics_want(struct ddtrace_span_metrics *m, unsigned worker)
{
    if (!atomic_load_explicit(&m->series, memory_order_relaxed))
        return NULL;
    bool wanted = m->conf.when == ASKED ? gw_fanout_asked(m->host->fanout, GW_METRICS)
                                        : gw_fanout_schemas(m->host->fanout, GW_METRICS) != 0;
    return wanted ? m->threads[worker] : NULL;
}

void ddtrace_span_metrics_commit(struct ddtrace_span_metrics *m, struct dd_durations *d, unsigned worker)
{
    struct metric_store *store = atomic_load_explicit(&m->series, memory_order_relaxed)->store;
    uint64_t nobodys = dd_durations_commit(d, metric_store_shard(store, worker), &m->points);
    if (nobodys)
        atomic_fetch_add_explicit(&m->nobodys, nobodys, memory_order_relaxed);
}

/* --- metrics --- */

static double read_count(const atomic_uint_least64_t *n)
{
    return (double)atomic_load_explicit(n, memory_order_relaxed);
}

/* Of several receivers the one that started last tells of the store. */
void ddtrace_span_metrics_measure(const struct ddtrace_span_metrics *m, const struct gw_metric *rows,
                                  struct gw_metrics *to)
{
    enum { SERIES, HELD, SPANS, DROPPED, NOBODYS };
    gw_metrics_add(to, &rows[NOBODYS], read_count(&m->nobodys));
    struct ddtrace_series *s = atomic_load(&m->series);
    if (!s || atomic_load(&s->newest) != m)
        return;
    const struct metric_counts *c = metric_store_counts(s->store);
    gw_metrics_add(to, &rows[SERIES], read_count(&c->series));
    gw_metrics_add(to, &rows[HELD], (double)atomic_load(&s->held.used));
    gw_metrics_add(to, &rows[SPANS], read_count(&c->samples));
    gw_metrics_add_for(to, &rows[DROPPED], read_count(&c->over_limit), GW_STR("max_series"));
    gw_metrics_add_for(to, &rows[DROPPED], read_count(&c->no_memory), GW_STR("memory"));
}
