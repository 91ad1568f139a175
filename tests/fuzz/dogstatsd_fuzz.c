/* DogStatsD: whatever stands in a datagram, each line is counted once, what is read of it is a part of it,
 * what is flushed reads back as OTLP with as many points as the frame says, and all memory comes back.
 *
 * The first byte chooses the options. SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "metrics_service.pb-c.h"
#include "translators/metrics/dogstatsd_take.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
#define DATA(name) OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_##name

static void check(bool ok)
{
    if (!ok)
        abort();
}

static gw_str all;

static void check_view(gw_str part)
{
    check(part.len == 0 || (part.ptr >= all.ptr && part.ptr + part.len <= all.ptr + all.len));
}

static void notice(void *ctx, const struct dsd_line *l)
{
    check_view(l->origin.tags);
    if (l->kind == DSD_EVENT) {
        char *out = malloc(l->event.text.len + 1);
        check_view(l->event.title);
        check_view(l->event.text);
        check(out && dsd_unescape(l->event.text, out) <= l->event.text.len);
        free(out);
    } else {
        check(l->kind == DSD_SERVICE_CHECK && l->check.status > 0 && l->check.status < 4);
        check_view(l->check.name);
        check_view(l->check.message);
    }
}

static void refused(void *ctx, gw_str line, enum dsd_reason why)
{
    check_view(line);
    check(line.len > 0 && *dsd_reason_text(why));
}

static uint64_t check_metric(const Opentelemetry__Proto__Metrics__V1__Metric *m)
{
    uint64_t n = 0;
    check(m->name.len > 0);
    if (m->data_case == DATA(GAUGE) || m->data_case == DATA(SUM)) {
        n = m->data_case == DATA(GAUGE) ? m->gauge->n_data_points : m->sum->n_data_points;
    } else {
        check(m->data_case == DATA(EXPONENTIAL_HISTOGRAM));
        n = m->exponential_histogram->n_data_points;
        for (size_t i = 0; i < n; i++) {
            const Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint *p =
                m->exponential_histogram->data_points[i];
            uint64_t in = p->zero_count;
            for (size_t b = 0; p->positive && b < p->positive->n_bucket_counts; b++)
                in += p->positive->bucket_counts[b];
            for (size_t b = 0; p->negative && b < p->negative->n_bucket_counts; b++)
                in += p->negative->bucket_counts[b];
            check(in == p->count && in > 0 && p->min <= p->max);
        }
    }
    check(n > 0);
    return n;
}

static enum gw_code offer(void *ctx, struct gw_frame *f)
{
    uint64_t points = 0;
    request *r = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, f->len, f->data);
    check(r != NULL);
    for (size_t i = 0; i < r->n_resource_metrics; i++)
        for (size_t j = 0; j < r->resource_metrics[i]->n_scope_metrics; j++)
            for (size_t k = 0; k < r->resource_metrics[i]->scope_metrics[j]->n_metrics; k++)
                points += check_metric(r->resource_metrics[i]->scope_metrics[j]->metrics[k]);
    check(points == f->items && points > 0);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(r, NULL);
    gw_frame_drop(f);
    return *(bool *)ctx ? GW_QUEUE_FULL : GW_OK;
}

static uint64_t lines_of(gw_str text)
{
    gw_str line;
    uint64_t n = 0;
    while (dsd_next(&text, &line))
        n++;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct dsd_counts counts = {0};
    struct gw_budget budget = {.limit = data[0] & 4 ? 2000 : 1 << 20};
    const struct metric_options o = {.shards = 1,
                                     .max_series = data[0] & 1 ? 2 : 1000,
                                     .cumulative = data[0] & 2,
                                     .scope_name = GW_STR("fuzz"),
                                     .account = &budget};
    struct metric_store *store = metric_store_new(&o, GW_SEC);
    bool refuse = data[0] & 8;
    check(store != NULL);
    struct dsd_taker t = {
        .shard = metric_store_shard(store, 0), .counts = &counts, .notice = notice, .refused = refused};
    all = gw_str_n((const char *)data + 1, size - 1);
    for (int round = 1; round <= 3; round++) {
        dsd_take(&t, all, round == 2 ? GW_STR("host") : GW_NOSTR);
        metric_store_flush(store, 400 * round * GW_SEC, offer, &refuse);
        refuse = false;
    }
    check(counts.lines == 3 * lines_of(all));
    check(metric_store_counts(store)->series <= o.max_series);
    dsd_series_fini(&t.series);
    metric_store_drop(store);
    check(budget.used == 0);
    return 0;
}
