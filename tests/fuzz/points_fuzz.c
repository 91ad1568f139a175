/* Any bytes as points of Datakit. First byte: the form. What becomes a payload of spans is JSON, one object a point that was
 * not left out; what becomes metrics reads back as OTLP with as many points as the frames say.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/delivery/ledger.h"
#include "metrics_service.pb-c.h"
#include "translators/ddtrace/dd_from_points.h"
#include "translators/metrics/metric_from_points.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t count_points(enum points_form form, gw_str body, bool *read)
{
    struct gw_arena arena;
    struct points p;
    struct point point;
    struct gw_err err;
    uint64_t n = 0;
    gw_arena_init(&arena, 8 << 20);
    *read = points_begin(&p, form, body, 0, &arena, &err) == GW_OK;
    GW_ASSERT(*read || arena.spent || err.pos <= body.len);
    for (enum points_got got; *read && (got = points_next(&p, &point)) != POINTS_END; n++) {
        GW_ASSERT(p.pos <= body.len && (got == POINTS_BAD) == (p.why != NULL));
        GW_ASSERT(got == POINTS_BAD || arena.spent || (point.measurement.len && point.fields.n));
    }
    *read = *read && !arena.spent;
    gw_arena_fini(&arena);
    return n;
}

static void check_spans(enum points_form form, gw_str body, uint64_t points)
{
    struct gw_arena arena;
    struct points p;
    struct gw_err err;
    struct gw_json j;
    struct dd_points_bad bad = {0};
    struct otlp_buf payload = {0};
    uint64_t spans = 0;
    gw_arena_init(&arena, 8 << 20);
    if (points_begin(&p, form, body, 0, &arena, &err) == GW_OK &&
        dd_from_points(&p, &payload, &bad, &err) == GW_OK) {
        gw_json_init(&j, otlp_written(&payload), &arena);
        for (gw_json_array(&j); gw_json_item(&j);)
            for (gw_json_array(&j); gw_json_item(&j) && gw_json_kind(&j) == GW_JSON_OBJECT; spans++)
                gw_json_skip(&j);
        GW_ASSERT(arena.spent || (gw_json_end(&j) && spans + bad.n == points));
    }
    otlp_fini(&payload);
    gw_arena_fini(&arena);
}

static void check_metrics(enum points_form form, gw_str body, uint64_t points)
{
    const struct metric_points_options options = {.now = 1};
    struct gw_arena arena;
    struct points p;
    struct gw_err err;
    struct metric_points_made made;
    uint64_t items = 0;
    gw_arena_init(&arena, 8 << 20);
    if (points_begin(&p, form, body, 0, &arena, &err) == GW_OK &&
        metric_from_points(&p, &options, NULL, &made, &err) == GW_OK) {
        for (size_t i = 0; i < made.frames_n; i++) {
            const struct gw_frame *f = made.frames[i];
            Opentelemetry__Proto__Collector__Metrics__V1__ExportMetricsServiceRequest *q =
                opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__unpack(
                    NULL, f->len, f->data);
            GW_ASSERT(q);
            opentelemetry__proto__collector__metrics__v1__export_metrics_service_request__free_unpacked(q,
                                                                                                        NULL);
            items += f->items;
            gw_frame_drop(made.frames[i]);
        }
        GW_ASSERT(items == made.items && made.bad <= points);
    }
    gw_arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    enum points_form form = data[0] & 1 ? POINTS_JSON : POINTS_LINES;
    gw_str body = gw_str_n((const char *)data + 1, size - 1);
    bool read;
    uint64_t points = count_points(form, body, &read);
    if (!read)
        return 0;
    check_spans(form, body, points);
    check_metrics(form, body, points);
    return 0;
}
