/* Any bytes as statistics of spans, of a tracer and of an agent, and as a sketch. What comes out is OTLP whose
 * buckets hold what their counts say, and every group and point is counted once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdlib.h>

#include "metrics_service.pb-c.h"
#include "tests/otlp_valid.h"
#include "translators/ddtrace/dd_stats.h"
#include "translators/metrics/ddsketch.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint point;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool good)
{
    if (!good)
        abort();
}

static uint64_t sum_of(const Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint__Buckets *b)
{
    uint64_t n = 0;
    for (size_t i = 0; b && i < b->n_bucket_counts; i++)
        n += b->bucket_counts[i];
    return n;
}

static void check_point(const point *p)
{
    must(!valid_attrs(p->attributes, p->n_attributes));
    must(p->count && p->count == p->zero_count + sum_of(p->positive) && !p->negative);
    must(isfinite(p->sum) && p->min <= p->max && p->min >= 0);
    must(p->start_time_unix_nano && p->start_time_unix_nano <= p->time_unix_nano);
}

static size_t check_frame(const struct gw_frame *f)
{
    size_t points = 0;
    request *q = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, f->len, f->data);
    must(q != NULL);
    for (size_t i = 0; i < q->n_resource_metrics; i++) {
        const Opentelemetry__Proto__Metrics__V1__ResourceMetrics *r = q->resource_metrics[i];
        must(!valid_attrs(r->resource->attributes, r->resource->n_attributes));
        const Opentelemetry__Proto__Metrics__V1__ExponentialHistogram *h =
            r->scope_metrics[0]->metrics[0]->exponential_histogram;
        for (size_t k = 0; k < h->n_data_points; k++)
            check_point(h->data_points[k]);
        points += h->n_data_points;
    }
    must(points == f->items);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(q, NULL);
    return points;
}

static void translate(gw_str body, bool from_agent)
{
    static struct dd_stats_result result;
    const struct dd_options options = {.obfuscate = true};
    const struct dd_request from = {.lang = GW_STR("python"), .peer_is_local = true};
    const struct dd_env env = {.host_name = GW_STR("host")};
    struct gw_budget account = {.limit = 64 << 20};
    struct gw_arena arena;
    struct gw_err err;
    uint64_t points = 0;
    gw_arena_init(&arena, 16 << 20);
    arena.account = &account;
    enum gw_code code = dd_stats_translate(&arena, from_agent, body, &from, &env, &options, &result, &err);
    must(!code || !result.frames_n);
    for (size_t i = 0; i < result.frames_n; i++) {
        points += check_frame(result.frames[i]);
        gw_frame_drop(result.frames[i]);
    }
    must(points == gw_intake_accepted(&result.intake) && (!code || result.intake.received));
    gw_arena_fini(&arena);
    must(account.used == 0);
}

static void fill(gw_str bytes, enum ddsketch_bound bound)
{
    struct ddsketch s;
    struct exphist h;
    if (!ddsketch_read(bytes, bound, &s) || s.count <= 0)
        return;
    exphist_init(&h, NULL);
    must(ddsketch_fill(&s, 1000, 1e-9, &h) && h.count == 1000);
    exphist_fini(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    gw_str body = gw_str_n((const char *)data, size);
    translate(body, false);
    translate(body, true);
    fill(body, DDSKETCH_LOWER);
    fill(body, DDSKETCH_UPPER);
    return 0;
}
