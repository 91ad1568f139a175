/* Items of frames, and requests made of some of them: each says of its items what the frames said.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "exporters/sender/frame_items.h"
#include "metrics_service.pb-c.h"
#include "tests/unit/exporters/request_frames.h"

#define unpack opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack
#define free_unpacked                                                                                        \
    opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked
typedef Opentelemetry__Proto__Metrics__V1__Metric Metric;

static void write_point(struct otlp_buf *w, uint64_t number)
{
    size_t point = otlp_open(w, 1, 1);
    otlp_fixed64(w, 3, number);
    otlp_close(w, point, 1);
}

/* A sum with points 1 and 2, a gauge with point 3; each in a resource of its own. */
static struct gw_frame *metrics_frame(void)
{
    struct otlp_buf w = {0};
    uint64_t number = 1;
    for (int i = 0; i < 2; i++) {
        size_t resource = otlp_open(&w, 1, 2);
        otlp_text(&w, 3, i ? GW_STR("second") : GW_STR("first"));
        size_t scope = otlp_open(&w, 2, 2), metric = otlp_open(&w, 2, 2);
        otlp_text(&w, 1, i ? GW_STR("gauge") : GW_STR("sum"));
        size_t data = otlp_open(&w, i ? 5 : 7, 2);
        for (int k = i; k < 2; k++)
            write_point(&w, number++);
        if (!i)
            otlp_uint(&w, 2, 2); /* cumulative */
        otlp_close(&w, data, 2);
        otlp_text(&w, 3, GW_STR("By"));
        otlp_close(&w, metric, 2);
        otlp_close(&w, scope, 2);
        otlp_close(&w, resource, 2);
    }
    return gw_frame_new(GW_METRICS, GW_OTEL, w.data, w.len, w.cap, 3);
}

static void points_of_metrics_are_items(void **state)
{
    struct gw_frame *frame = metrics_frame();
    struct gw_items items;
    uint8_t id[16];
    assert_int_equal(gw_items_read(&items, GW_METRICS, &frame, 1), GW_ITEMS_READ);
    assert_int_equal(items.n, 3);
    assert_false(gw_item_trace_id(&items, 0, id));
    items.items[1].next = GW_NO_ITEM;
    struct gw_frame *second = gw_items_frame(&items, 1, frame);
    Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest *q =
        unpack(NULL, second->len, second->data);
    assert_non_null(q);
    assert_int_equal(second->items, 1);
    assert_int_equal(q->n_resource_metrics, 1);
    const Metric *metric = q->resource_metrics[0]->scope_metrics[0]->metrics[0];
    assert_memory_equal(metric->name.data, "sum", 3);
    assert_memory_equal(metric->unit.data, "By", 2);
    assert_int_equal(metric->sum->aggregation_temporality, 2);
    assert_int_equal(metric->sum->n_data_points, 1);
    assert_int_equal(metric->sum->data_points[0]->time_unix_nano, 2);
    free_unpacked(q, NULL);
    gw_frame_drop(second);
    gw_items_drop(&items);
    gw_frame_drop(frame);
}

static void all_items_of_a_frame_are_its_bytes(void **state)
{
    struct gw_frame *frame = request_frame(GW_TRACES, "span", 7),
                    *second = request_frame(GW_TRACES, "more", 3);
    struct gw_frame *both[] = {frame, second};
    struct gw_items items;
    assert_int_equal(gw_items_read(&items, GW_TRACES, both, 2), GW_ITEMS_READ);
    size_t size = gw_items_size(&items, 0);
    uint8_t *out = malloc(size);
    gw_items_write(&items, 0, out);
    /* shorter lengths than those that were written ahead; the texts stand in their order */
    assert_true(size <= frame->len + second->len);
    const char *last = memmem(out, size, "more 2", 6);
    assert_non_null(last);
    assert_non_null(memmem(out, (size_t)(last - (char *)out), "span 6", 6));
    free(out);
    gw_items_drop(&items);
    gw_frame_drop(frame);
    gw_frame_drop(second);
}

/* Fields of the scope stand before, between and behind its spans. */
static void what_encloses_an_item_is_whole_wherever_it_stands(void **state)
{
    for (unsigned n = 0; n < 6; n++) {
        struct otlp_buf w = {0};
        size_t resource = otlp_open(&w, 1, 2), scope = otlp_open(&w, 2, 2);
        for (unsigned i = 0; i <= n; i++) {
            char name[16];
            snprintf(name, sizeof name, "own %u", i);
            otlp_text(&w, 3, gw_str_z(name));
            size_t span = otlp_open(&w, 2, 1);
            otlp_text(&w, 5, GW_STR("span"));
            otlp_close(&w, span, 1);
        }
        otlp_close(&w, scope, 2);
        otlp_close(&w, resource, 2);
        struct gw_frame *frame = gw_frame_new(GW_TRACES, GW_OTEL, w.data, w.len, w.cap, n + 1), *last;
        struct gw_items items;
        assert_int_equal(gw_items_read(&items, GW_TRACES, &frame, 1), GW_ITEMS_READ);
        last = gw_items_frame(&items, n, frame);
        for (unsigned i = 0; i <= n; i++) {
            char name[16];
            snprintf(name, sizeof name, "own %u", i);
            assert_non_null(memmem(last->data, last->len, name, 5));
        }
        assert_int_equal(last->items, 1);
        gw_frame_drop(last);
        gw_items_drop(&items);
        gw_frame_drop(frame);
    }
}

static void a_frame_that_lies_about_its_items_is_not_read(void **state)
{
    struct gw_frame *frame = request_frame(GW_LOGS, "record", 4);
    struct gw_items items;
    frame->items = 5;
    assert_int_equal(gw_items_read(&items, GW_LOGS, &frame, 1), GW_ITEMS_UNKNOWN);
    assert_null(items.items);
    gw_frame_drop(frame);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_of_metrics_are_items),
        cmocka_unit_test(all_items_of_a_frame_are_its_bytes),
        cmocka_unit_test(what_encloses_an_item_is_whole_wherever_it_stands),
        cmocka_unit_test(a_frame_that_lies_about_its_items_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
