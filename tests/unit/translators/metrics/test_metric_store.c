/* The metric store: what samples become, temporality, refusals, idle series, limits, memory; read back by
 * protobuf-c.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/arena.h"
#include "metrics_service.pb-c.h"
#include "translators/metrics/metric_store.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
typedef Opentelemetry__Proto__Metrics__V1__Metric metric;
typedef Opentelemetry__Proto__Metrics__V1__NumberDataPoint number_point;
typedef Opentelemetry__Proto__Metrics__V1__ExponentialHistogramDataPoint histogram_point;
typedef Opentelemetry__Proto__Metrics__V1__HistogramDataPoint buckets_point;

#define DATA(name) OPENTELEMETRY__PROTO__METRICS__V1__METRIC__DATA_##name

/* What was delivered, as text: a line a point. */
static char text[1 << 20];
static size_t frames, refuse_after;
static size_t points;
static double total; /* of sums */
static uint64_t histogram_count;

static void put(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void put(const char *fmt, ...)
{
    size_t n = strlen(text);
    va_list args;
    va_start(args, fmt);
    vsnprintf(text + n, sizeof text - n, fmt, args);
    va_end(args);
}

static void put_attributes(Opentelemetry__Proto__Common__V1__KeyValue **a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        put(" %.*s=%.*s", (int)a[i]->key.len, (char *)a[i]->key.data, (int)a[i]->value->string_value.len,
            (char *)a[i]->value->string_value.data);
}

static void put_numbers(const char *what, number_point **p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        points++;
        total += p[i]->as_double;
        put(" %s", what);
        put_attributes(p[i]->attributes, p[i]->n_attributes);
        put(" %g (%llu..%llu)\n", p[i]->as_double, (unsigned long long)(p[i]->start_time_unix_nano / GW_SEC),
            (unsigned long long)(p[i]->time_unix_nano / GW_SEC));
    }
}

static void put_histograms(const char *what, histogram_point **p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t in = p[i]->zero_count;
        for (size_t b = 0; p[i]->positive && b < p[i]->positive->n_bucket_counts; b++)
            in += p[i]->positive->bucket_counts[b];
        for (size_t b = 0; p[i]->negative && b < p[i]->negative->n_bucket_counts; b++)
            in += p[i]->negative->bucket_counts[b];
        assert_int_equal(in, p[i]->count);
        points++;
        histogram_count += in;
        put(" %s", what);
        put_attributes(p[i]->attributes, p[i]->n_attributes);
        put(" n=%llu sum=%g min=%g max=%g (%llu..%llu)\n", (unsigned long long)in, p[i]->sum, p[i]->min,
            p[i]->max, (unsigned long long)(p[i]->start_time_unix_nano / GW_SEC),
            (unsigned long long)(p[i]->time_unix_nano / GW_SEC));
    }
}

static void put_buckets(const char *what, buckets_point **p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t in = 0;
        points++;
        put(" %s", what);
        put_attributes(p[i]->attributes, p[i]->n_attributes);
        for (size_t b = 0; b < p[i]->n_bucket_counts; b++) {
            in += p[i]->bucket_counts[b];
            put(" %llu", (unsigned long long)p[i]->bucket_counts[b]);
            if (b < p[i]->n_explicit_bounds)
                put(" <=%g", p[i]->explicit_bounds[b]);
        }
        assert_int_equal(in, p[i]->count);
        put(" sum=%g min=%g max=%g (%llu..%llu)\n", p[i]->sum, p[i]->min, p[i]->max,
            (unsigned long long)(p[i]->start_time_unix_nano / GW_SEC),
            (unsigned long long)(p[i]->time_unix_nano / GW_SEC));
    }
}

static void put_metric(const metric *m)
{
    char what[64];
    put("%.*s[%.*s]", (int)m->name.len, (char *)m->name.data, (int)m->unit.len, (char *)m->unit.data);
    if (m->data_case == DATA(GAUGE)) {
        put_numbers("gauge", m->gauge->data_points, m->gauge->n_data_points);
    } else if (m->data_case == DATA(SUM)) {
        snprintf(what, sizeof what, "%s%s", m->sum->aggregation_temporality == 1 ? "delta" : "cumulative",
                 m->sum->is_monotonic ? "" : "-up-and-down");
        put_numbers(what, m->sum->data_points, m->sum->n_data_points);
    } else if (m->data_case == DATA(HISTOGRAM)) {
        put_buckets(m->histogram->aggregation_temporality == 1 ? "delta" : "cumulative",
                    m->histogram->data_points, m->histogram->n_data_points);
    } else {
        assert_int_equal(m->data_case, DATA(EXPONENTIAL_HISTOGRAM));
        put_histograms(m->exponential_histogram->aggregation_temporality == 1 ? "delta" : "cumulative",
                       m->exponential_histogram->data_points, m->exponential_histogram->n_data_points);
    }
}

static enum gw_code offer(void *ctx, struct gw_frame *f)
{
    size_t before = points;
    assert_int_equal(f->signal, GW_METRICS);
    assert_true(f->len < GW_FRAME_BYTES + 100000);
    if (frames >= refuse_after) {
        gw_frame_drop(f);
        return GW_QUEUE_FULL;
    }
    frames++;
    request *r = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, f->len, f->data);
    assert_non_null(r);
    for (size_t i = 0; i < r->n_resource_metrics; i++) {
        put("{");
        put_attributes(r->resource_metrics[i]->resource->attributes,
                       r->resource_metrics[i]->resource->n_attributes);
        put(" }\n");
        assert_int_equal(r->resource_metrics[i]->n_scope_metrics, 1);
        for (size_t m = 0; m < r->resource_metrics[i]->scope_metrics[0]->n_metrics; m++)
            put_metric(r->resource_metrics[i]->scope_metrics[0]->metrics[m]);
    }
    assert_int_equal(points - before, f->items);
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(r, NULL);
    gw_frame_drop(f);
    return GW_OK;
}

static struct gw_budget budget;
static struct metric_store *store;
static struct metric_shard *shard;

static void begin(unsigned shards, size_t max_series, bool cumulative)
{
    budget = (struct gw_budget){.limit = 64 << 20};
    const struct metric_options o = {.shards = shards,
                                     .max_series = max_series,
                                     .cumulative = cumulative,
                                     .scope_name = GW_STR("test"),
                                     .account = &budget};
    store = metric_store_new(&o, 100 * GW_SEC);
    assert_non_null(store);
    shard = metric_store_shard(store, 0);
    *text = 0;
    frames = points = 0;
    total = 0;
    histogram_count = 0;
    refuse_after = SIZE_MAX;
}

static void end(void)
{
    metric_store_drop(store);
    assert_int_equal(budget.used, 0);
}

static bool flush(int64_t second)
{
    *text = 0;
    frames = points = 0;
    return metric_store_flush(store, second * GW_SEC, offer, NULL);
}

static struct metric_point *point_in(struct metric_shard *s, enum metric_kind kind, const char *name,
                                     const char *value, int64_t time)
{

    static struct {
        char bytes[128];
    } attributes;
    static const double bounds[] = {1, 2.5, 10};
    struct metric_id id = {.kind = kind, .name = gw_str_z(name), .unit = GW_STR("1"), .time = time * GW_SEC};
    if (kind == METRIC_BUCKETS)
        id.bounds = gw_str_n((const char *)bounds, sizeof bounds);
    size_t n = strlen(value);
    if (n) /* KeyValue { k: value } */
        n = (size_t)snprintf(attributes.bytes, sizeof attributes.bytes, "%c%c\x0a\x01k\x12%c\x0a%c%s",
                             (int)(metric_attributes_field(kind) << 3 | 2), (int)(n + 7), (int)(n + 2),
                             (int)n, value);
    id.attributes = gw_str_n(attributes.bytes, n);
    char raw[128];
    int len = snprintf(raw, sizeof raw, "%s|%s|%d", name, value, kind);
    struct metric_point *p = time ? NULL : metric_find(s, gw_str_n(raw, (size_t)len));
    return p ? p : metric_learn(s, time ? GW_NOSTR : gw_str_n(raw, (size_t)len), &id, 1);
}

static struct metric_point *point_of(enum metric_kind kind, const char *name, const char *value)
{
    return point_in(shard, kind, name, value, 0);
}

static void add(enum metric_kind kind, const char *name, const char *value, double v, double rate)
{
    metric_begin(shard);
    struct metric_point *p = point_of(kind, name, value);
    assert_non_null(p);
    metric_add(shard, p, v, rate);
    metric_end(shard);
}

static void is_text(const char *wanted)
{
    if (strcmp(text, wanted) != 0)
        fail_msg("got\n%swanted\n%s", text, wanted);
}

static void samples_become_points(void **state)
{
    begin(1, 100, false);
    for (int i = 1; i <= 3; i++) {
        add(METRIC_SUM, "sum", "a", i, 0.5);
        add(METRIC_GAUGE, "gauge", "", i, 1);
        add(METRIC_HISTOGRAM, "histogram", "b", i, 1);
    }
    metric_begin(shard);
    for (int i = 0; i < 100; i++) {
        char v[8];
        snprintf(v, sizeof v, "%d", i % 7);
        metric_add_text(shard, point_of(METRIC_SET, "set", ""), gw_str_z(v));
    }
    metric_end(shard);
    assert_true(flush(110));
    assert_int_equal(points, 4);
    assert_non_null(strstr(text, "sum[1] delta k=a 12 (100..110)\n"));
    assert_non_null(strstr(text, "gauge[1] gauge 3 (0..110)\n"));
    assert_non_null(strstr(text, "set[1] gauge 7 (0..110)\n"));
    assert_non_null(strstr(text, "histogram[1] delta k=b n=3 sum=6 min=1 max=3 (100..110)\n"));
    assert_true(flush(120));
    is_text("");
    add(METRIC_SUM, "sum", "a", -1, 1);
    assert_true(flush(130));
    is_text("{ }\nsum[1] delta-up-and-down k=a -1 (120..130)\n");
    end();
}

/* A bound belongs to the bucket below it. */
static void bounds_of_ones_own(void **state)
{
    static const double values[] = {0, 1, 1.5, 2.5, 10, 10.5, 1e9, -3};
    begin(2, 100, false);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        add(METRIC_BUCKETS, "b", "x", values[i], 1);
    add(METRIC_BUCKETS, "b", "x", 2, 0.25);
    shard = metric_store_shard(store, 1);
    refuse_after = 0;
    assert_false(flush(110));
    add(METRIC_BUCKETS, "b", "x", 3, 1); /* of another thread, and of the next interval */
    refuse_after = SIZE_MAX;
    assert_true(flush(120));
    is_text("{ }\nb[1] delta k=x 3 <=1 6 <=2.5 2 <=10 2 sum=1e+09 min=-3 max=1e+09 (100..120)\n");
    end();
    begin(1, 100, true);
    add(METRIC_BUCKETS, "b", "", 2, 1);
    assert_true(flush(110));
    add(METRIC_BUCKETS, "b", "", 20, 1);
    assert_true(flush(120));
    is_text("{ }\nb[1] cumulative 0 <=1 1 <=2.5 0 <=10 1 sum=22 min=2 max=20 (100..120)\n");
    end();
}

static void a_sample_rate_keeps_the_count(void **state)
{
    begin(1, 100, false);
    for (int i = 0; i < 3000; i++)
        add(METRIC_HISTOGRAM, "h", "", 2, 0.3);
    assert_true(flush(110));
    assert_in_range(histogram_count, 9999, 10001);
    for (int i = 0; i < 1000; i++)
        add(METRIC_HISTOGRAM, "ten", "", 2, 0.1);
    histogram_count = 0;
    assert_true(flush(120));
    assert_int_equal(histogram_count, 10000);
    end();
}

static void a_refusal_goes_on_into_the_next_interval(void **state)
{
    begin(1, 100, false);
    add(METRIC_SUM, "s", "", 1, 1);
    add(METRIC_HISTOGRAM, "h", "", 1, 1);
    add(METRIC_GAUGE, "g", "", 1, 1);
    refuse_after = 0;
    assert_false(flush(110));
    add(METRIC_SUM, "s", "", 2, 1);
    add(METRIC_HISTOGRAM, "h", "", 2, 1);
    add(METRIC_GAUGE, "g", "", 2, 1);
    add(METRIC_SUM, "new", "", 5, 1);
    assert_false(flush(120));
    refuse_after = SIZE_MAX;
    assert_true(flush(130));
    assert_int_equal(points, 4);
    assert_non_null(strstr(text, "s[1] delta 3 (100..130)\n"));
    assert_non_null(strstr(text, "h[1] delta n=2 sum=3 min=1 max=2 (100..130)\n"));
    assert_non_null(strstr(text, "g[1] gauge 2 "));
    assert_non_null(strstr(text, "new[1] delta 5 (110..130)\n"));
    end();
}

static void totals_grow_in_temporality_cumulative(void **state)
{
    begin(1, 100, true);
    add(METRIC_SUM, "s", "", 1, 1);
    assert_true(flush(110));
    is_text("{ }\ns[1] cumulative 1 (100..110)\n");
    refuse_after = 0;
    add(METRIC_SUM, "s", "", 1, 1);
    assert_false(flush(120));
    refuse_after = SIZE_MAX;
    add(METRIC_SUM, "s", "", 1, 1);
    assert_true(flush(130));
    is_text("{ }\ns[1] cumulative 3 (100..130)\n");
    assert_true(flush(140));
    is_text("{ }\ns[1] cumulative 3 (100..140)\n");
    assert_true(flush(431));
    assert_true(flush(441));
    is_text("");
    add(METRIC_SUM, "s", "", 1, 1);
    assert_true(flush(450));
    is_text("{ }\ns[1] cumulative 1 (441..450)\n");
    end();
}

static void a_time_of_its_own_is_kept(void **state)
{
    begin(1, 100, true);
    metric_begin(shard);
    for (int64_t t = 50; t < 52; t++)
        for (int i = 0; i < 2; i++)
            metric_add(shard, point_in(shard, METRIC_SUM, "s", "", t), 3, 1);
    metric_end(shard);
    add(METRIC_SUM, "s", "", 1, 1);
    assert_int_equal(metric_store_counts(store)->series, 3);
    assert_true(flush(110));
    assert_int_equal(points, 3);
    assert_non_null(strstr(text, " delta 6 (49..50)\n"));
    assert_non_null(strstr(text, " delta 6 (50..51)\n"));
    assert_non_null(strstr(text, "s[1] cumulative 1 (100..110)\n"));
    assert_int_equal(metric_store_counts(store)->series, 1);
    end();
}

static void past_max_series_the_old_ones_live_on(void **state)
{
    begin(1, 10, false);
    for (int round = 0; round < 3; round++) {
        metric_begin(shard);
        for (int i = 0; i < 15; i++) {
            char v[8];
            snprintf(v, sizeof v, "%d", i);
            struct metric_point *p = point_of(METRIC_SUM, "s", v);
            assert_int_equal(p != NULL, i < 10);
            if (p)
                metric_add(shard, p, 1, 1);
        }
        metric_end(shard);
        assert_true(flush(110 + round));
        assert_int_equal(points, 10);
    }
    assert_int_equal(metric_store_counts(store)->over_limit, 15);
    assert_int_equal(metric_store_counts(store)->samples, 30);
    assert_true(flush(1000));
    assert_int_equal(metric_store_counts(store)->series, 0);
    metric_begin(shard);
    assert_non_null(point_of(METRIC_SUM, "s", "14"));
    metric_end(shard);
    end();
}

static void frames_are_cut_and_a_refusal_between_them_loses_nothing(void **state)
{
    enum { N = 40000 };
    begin(1, N, false);
    metric_begin(shard);
    for (int i = 0; i < N; i++) {
        char v[16];
        snprintf(v, sizeof v, "v%d", i);
        metric_add(shard, point_of(METRIC_SUM, i % 3 ? "one" : "two", v), 1, 1);
    }
    metric_end(shard);
    refuse_after = 1;
    assert_false(flush(110));
    size_t first = points;
    assert_in_range(first, 1, N - 1);
    refuse_after = SIZE_MAX;
    assert_true(flush(120));
    assert_int_equal(first + points, N);
    assert_true(total == N);
    end();
}

/* Threads add to shards of their own, and what they added comes out once, while series come and go. */
enum { THREADS = 4, ADDED = 100000, NAMES = 50 };
static int64_t second;

static void *add_many(void *of)
{
    struct metric_shard *s = of;
    for (int i = 0; i < ADDED; i++) {
        char v[16];
        snprintf(v, sizeof v, "v%d", i / 100 % NAMES);
        metric_begin(s);
        static __thread char raw[32];
        int n = snprintf(raw, sizeof raw, "m|%s", v);
        struct metric_point *p = metric_find(s, gw_str_n(raw, (size_t)n));
        if (!p) {
            const struct metric_id id = {.kind = METRIC_SUM, .name = gw_str_z(v)};
            p = metric_learn(s, gw_str_n(raw, (size_t)n), &id, 1);
        }
        metric_add(s, p, 1, 1);
        metric_end(s);
    }
    return NULL;
}

static void shards_are_one_series_and_idle_ones_may_come_back(void **state)
{
    pthread_t t[THREADS];
    begin(THREADS, 100, false);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, add_many, metric_store_shard(store, i)), 0);
    for (second = 1000; second < 200000 && total < THREADS * ADDED; second += 301) {
        flush(second); /* every one is idle that had no sample just now */
        assert_true(points <= NAMES);
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    flush(second);
    assert_true(total == THREADS * ADDED);
    assert_int_equal(metric_store_counts(store)->no_memory + metric_store_counts(store)->over_limit, 0);
    end();
}

static void memory_that_is_out_costs_samples_that_are_counted(void **state)
{
    begin(1, 100000, false);
    budget.limit = 200000;
    metric_begin(shard);
    for (int i = 0; i < 5000; i++) {
        char v[16];
        snprintf(v, sizeof v, "v%d", i);
        struct metric_point *p = point_of(METRIC_HISTOGRAM, "h", v);
        if (p)
            metric_add(shard, p, i, 1);
    }
    metric_end(shard);
    const struct metric_counts *c = metric_store_counts(store);
    assert_int_equal(c->samples + c->no_memory, 5000);
    assert_true(c->samples > 100 && c->no_memory > 100);
    assert_true(flush(110));
    assert_int_equal(histogram_count, c->samples);
    end();
}

/* A total is never less than it was. */
static void what_a_total_has_no_memory_for_is_counted(void **state)
{
    begin(1, 100, true);
    add(METRIC_HISTOGRAM, "h", "", 1, 1);
    assert_true(flush(110));
    is_text("{ }\nh[1] cumulative n=1 sum=1 min=1 max=1 (100..110)\n");
    add(METRIC_HISTOGRAM, "h", "", 1e6, 1);
    add(METRIC_HISTOGRAM, "h", "", 1e6, 1);
    budget.limit = budget.used; /* the cell stands; to widen the total by its bucket needs more */
    assert_true(flush(120));
    is_text("{ }\nh[1] cumulative n=1 sum=1 min=1 max=1 (100..120)\n");
    assert_int_equal(metric_store_counts(store)->no_memory, 2);
    budget.limit = 64 << 20;
    add(METRIC_HISTOGRAM, "h", "", 2, 1);
    assert_true(flush(130));
    is_text("{ }\nh[1] cumulative n=2 sum=3 min=1 max=2 (100..130)\n");
    end();
}

/* Memory is enough for a cell, and not for what goes into it. */
static void a_point_without_samples_is_not_written(void **state)
{
    for (int cumulative = 0; cumulative < 2; cumulative++)
        for (int set = 0; set < 2; set++) {
            begin(1, 100, cumulative);
            metric_begin(shard);
            struct metric_point *p = point_of(set ? METRIC_SET : METRIC_HISTOGRAM, "m", "");
            metric_end(shard);
            for (budget.limit = budget.used; metric_store_counts(store)->samples == 0; budget.limit += 8) {
                is_text("");
                metric_begin(shard);
                set ? metric_add_text(shard, p, GW_STR("v")) : metric_add(shard, p, 1, 1);
                metric_end(shard);
                assert_true(flush(110));
            }
            budget.limit = 64 << 20;
            assert_true(flush(120));
            end();
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_become_points),
        cmocka_unit_test(bounds_of_ones_own),
        cmocka_unit_test(a_sample_rate_keeps_the_count),
        cmocka_unit_test(a_refusal_goes_on_into_the_next_interval),
        cmocka_unit_test(totals_grow_in_temporality_cumulative),
        cmocka_unit_test(a_time_of_its_own_is_kept),
        cmocka_unit_test(past_max_series_the_old_ones_live_on),
        cmocka_unit_test(frames_are_cut_and_a_refusal_between_them_loses_nothing),
        cmocka_unit_test(shards_are_one_series_and_idle_ones_may_come_back),
        cmocka_unit_test(memory_that_is_out_costs_samples_that_are_counted),
        cmocka_unit_test(what_a_total_has_no_memory_for_is_counted),
        cmocka_unit_test(a_point_without_samples_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
