/* Points of Datakit as gauges: what is one metric stands together, text is left out, and a frame is as large as any.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "metrics_service.pb-c.h"
#include "translators/metrics/metric_from_points.h"

typedef Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest request;
typedef Opentelemetry__Proto__Metrics__V1__NumberDataPoint point;

static struct gw_arena arena;
static struct metric_points_made made;

static void put_attributes(struct gw_text *to, Opentelemetry__Proto__Common__V1__KeyValue **a, size_t n)
{
    for (size_t i = 0; i < n; i++)
        gw_text_put_str(to, gw_arena_printf(&arena, " %.*s=%.*s", (int)a[i]->key.len, (char *)a[i]->key.data,
                                            (int)a[i]->value->string_value.len,
                                            (char *)a[i]->value->string_value.data));
}

static void put_frame(struct gw_text *to, const struct gw_frame *f)
{
    request *q = opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
        NULL, f->len, f->data);
    assert_non_null(q);
    for (size_t r = 0; r < q->n_resource_metrics; r++) {
        const Opentelemetry__Proto__Metrics__V1__ResourceMetrics *from = q->resource_metrics[r];
        gw_text_put_char(to, '{');
        put_attributes(to, from->resource->attributes, from->resource->n_attributes);
        gw_text_put_z(to, " }\n");
        for (size_t m = 0; m < from->scope_metrics[0]->n_metrics; m++) {
            const Opentelemetry__Proto__Metrics__V1__Metric *metric = from->scope_metrics[0]->metrics[m];
            gw_text_put_str(to, gw_str_n((char *)metric->name.data, metric->name.len));
            for (size_t i = 0; i < metric->gauge->n_data_points; i++) {
                const point *p = metric->gauge->data_points[i];
                bool is_int =
                    p->value_case == OPENTELEMETRY__PROTO__METRICS__V1__NUMBER_DATA_POINT__VALUE_AS_INT;
                put_attributes(to, p->attributes, p->n_attributes);
                gw_text_put_str(to, is_int ? gw_arena_printf(&arena, " %lld", (long long)p->as_int)
                                           : gw_arena_printf(&arena, " %.1f", p->as_double));
                gw_text_put_str(to, gw_arena_printf(&arena, "@%llu;", (unsigned long long)p->time_unix_nano));
            }
            gw_text_put_char(to, '\n');
        }
    }
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(q, NULL);
}

static void make(gw_str lines)
{
    static struct gw_map_item items[] = {{GW_LIT("team"), GW_LIT("x")},
                                         {GW_LIT("host.name"), GW_LIT("fixed")}};
    const struct metric_points_options options = {
        .service = GW_STR("svc"), .env = GW_STR("prod"), .resource = {items, 2}, .now = 9};
    struct points p;
    struct gw_err err;
    gw_arena_init(&arena, 64 << 20);
    assert_int_equal(points_begin(&p, POINTS_LINES, lines, 1, &arena, &err), GW_OK);
    assert_int_equal(metric_from_points(&p, &options, NULL, &made, &err), GW_OK);
}

static void numbers_become_gauges(void **state)
{
    struct gw_text shown = {.arena = &arena};
    (void)state;
    make(GW_STR("cpu,host=a,service=shop,z=1,core=0,z=2 usage=12.5,threads=7i,up=true,model=\"x\",l=[1] 5\n"
                "load value=0i\n"
                "cpu,host=b,service=shop,core=1 usage=3 6\n"
                "text only=\"x\" 7\n"
                "cpu,broken\n"));
    for (size_t i = 0; i < made.frames_n; i++)
        put_frame(&shown, made.frames[i]);
    gw_text_put_char(&shown, '\0');
    assert_string_equal(gw_text_result(&shown).ptr,
                        "{ service.name=svc deployment.environment.name=prod team=x host.name=fixed }\n"
                        "load 0@9;\n"
                        "{ service.name=shop deployment.environment.name=prod team=x host.name=fixed }\n"
                        "cpu.threads core=0 z=2 7@5;\n"
                        "cpu.up core=0 z=2 1@5;\n"
                        "cpu.usage core=0 z=2 12.5@5; core=1 3@6;\n");
    assert_int_equal(made.items, 5);
    assert_int_equal(made.bad, 2);
    assert_int_equal(made.left_out, 2);
    assert_int_equal(made.frames[0]->items, 5);
    gw_frame_drop(made.frames[0]);
    gw_arena_fini(&arena);
}

/* Every point is in one frame, and none is much larger than a frame is. */
static void many_points_are_several_frames(void **state)
{
    enum { N = 40000 };
    char *lines = malloc(N * 64);
    size_t n = 0, items = 0;
    (void)state;
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(lines + n, "m%d,host=h%d,key=value f=%di %d\n", i % 7, i % 3, i, i + 1);
    make(gw_str_n(lines, n));
    assert_true(made.frames_n > 1);
    for (size_t i = 0; i < made.frames_n; i++) {
        struct gw_text shown = {.arena = &arena};
        put_frame(&shown, made.frames[i]);
        items += made.frames[i]->items;
        assert_true(made.frames[i]->len < GW_FRAME_BYTES + 4096);
        gw_frame_drop(made.frames[i]);
    }
    assert_int_equal(items, N);
    assert_int_equal(made.items, N);
    gw_arena_fini(&arena);
    free(lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers_become_gauges),
                                       cmocka_unit_test(many_points_are_several_frames)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
