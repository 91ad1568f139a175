/* Cutting a frame: both halves are whole requests, and together they say what the whole said.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/frame_split.h"
#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_write.h"

typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest Request;
#define request_unpack opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack
#define request_free opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked

enum { RESOURCES = 3, SCOPES = 2 };

static void write_span(struct otlp_buf *w, unsigned number)
{
    char name[32];
    size_t span = otlp_open(w, 2, 2);
    snprintf(name, sizeof name, "span %u", number);
    otlp_text(w, 5, gw_str_z(name));
    otlp_attr_int(w, 9, GW_STR("number"), number);
    otlp_close(w, span, 2);
}

/* RESOURCES × SCOPES groups; group g holds spans[g] spans. */
static struct gw_frame *frame_of(const unsigned *spans)
{
    struct otlp_buf w;
    unsigned number = 0;
    w = (struct otlp_buf){0};
    for (unsigned r = 0; r < RESOURCES; r++) {
        size_t resource_spans = otlp_open(&w, 1, 2), resource = otlp_open(&w, 1, 1);
        otlp_attr_int(&w, 1, GW_STR("resource"), r);
        otlp_close(&w, resource, 1);
        for (unsigned s = 0; s < SCOPES; s++) {
            size_t scope_spans = otlp_open(&w, 2, 2), scope = otlp_open(&w, 1, 1);
            otlp_uint(&w, 4, s + 1); /* dropped_attributes_count tells the scopes apart */
            otlp_close(&w, scope, 1);
            for (unsigned i = 0; i < spans[r * SCOPES + s]; i++)
                write_span(&w, number++);
            otlp_text(&w, 3, GW_STR("scope schema"));
            otlp_close(&w, scope_spans, 2);
        }
        otlp_text(&w, 3, GW_STR("resource schema"));
        otlp_close(&w, resource_spans, 2);
    }
    assert_false(w.failed);
    return gw_frame_new(GW_TRACES, GW_BOTH, w.data, w.len, w.cap, number);
}

/* One line a span: resource, scope, both schemas, name. */
static void show(FILE *out, const struct gw_frame *f)
{
    Request *q = request_unpack(NULL, f->len, f->data);
    unsigned items = 0;
    assert_non_null(q);
    for (size_t r = 0; r < q->n_resource_spans; r++) {
        Opentelemetry__Proto__Trace__V1__ResourceSpans *rs = q->resource_spans[r];
        for (size_t s = 0; s < rs->n_scope_spans; s++) {
            Opentelemetry__Proto__Trace__V1__ScopeSpans *ss = rs->scope_spans[s];
            assert_true(ss->n_spans > 0); /* a half has no empty groups */
            for (size_t i = 0; i < ss->n_spans; i++, items++)
                fprintf(out, "%d %u %.*s %.*s %.*s\n", (int)rs->resource->attributes[0]->value->int_value,
                        ss->scope->dropped_attributes_count, (int)rs->schema_url.len, rs->schema_url.data,
                        (int)ss->schema_url.len, ss->schema_url.data, (int)ss->spans[i]->name.len,
                        ss->spans[i]->name.data);
        }
    }
    assert_int_equal(items, f->items);
    request_free(q, NULL);
}

static char *text_of(struct gw_frame *const *f, size_t n)
{
    char *text;
    size_t len;
    FILE *out = open_memstream(&text, &len);
    for (size_t i = 0; i < n; i++)
        show(out, f[i]);
    fclose(out);
    return text;
}

static void halves_together_equal_the_whole(void **state)
{
    static const unsigned groups[][RESOURCES * SCOPES] = {{2, 1, 3, 1, 1, 4},   {1, 1, 1, 1, 1, 1},
                                                          {40, 1, 1, 1, 1, 1},  {1, 1, 1, 1, 1, 300},
                                                          {1, 1, 150, 1, 1, 1}, {7, 7, 7, 7, 7, 8}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        struct gw_frame *whole = frame_of(groups[i]), *half[2];
        whole->arrived = 42;
        assert_int_equal(gw_frame_split(whole, half), GW_DIVIDED);
        char *before = text_of(&whole, 1), *after = text_of(half, 2);
        assert_string_equal(after, before);
        assert_int_equal(half[0]->items, whole->items / 2);
        assert_int_equal(half[0]->items + half[1]->items, whole->items);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(half[k]->arrived, 42);
            assert_int_equal(half[k]->schema, GW_BOTH);
            assert_int_equal(half[k]->signal, GW_TRACES);
            gw_frame_drop(half[k]);
        }
        free(before);
        free(after);
        gw_frame_drop(whole);
    }
}

static void down_to_single_spans(void **state)
{
    static const unsigned spans[RESOURCES * SCOPES] = {3, 2, 1, 1, 5, 4};
    struct gw_frame *parts[16] = {frame_of(spans)};
    char *before = text_of(parts, 1);
    size_t n = 1;
    for (size_t i = 0; i < n;) {
        struct gw_frame *half[2];
        if (gw_frame_split(parts[i], half) != GW_DIVIDED) {
            assert_int_equal(parts[i++]->items, 1);
            continue;
        }
        gw_frame_drop(parts[i]);
        memmove(&parts[i + 2], &parts[i + 1], (n - i - 1) * sizeof *parts);
        parts[i] = half[0];
        parts[i + 1] = half[1];
        n++;
    }
    assert_int_equal(n, 16);
    char *after = text_of(parts, n);
    assert_string_equal(after, before);
    free(before);
    free(after);
    while (n--)
        gw_frame_drop(parts[n]);
}

static void what_cannot_be_cut_is_left(void **state)
{
    static const char noise[] = "\x0a\x80\xff\xff\xff\x7f hardly protobuf";
    uint8_t *data = malloc(sizeof noise);
    memcpy(data, noise, sizeof noise);
    struct gw_frame *f = gw_frame_new(GW_TRACES, GW_OTEL, data, sizeof noise, sizeof noise, 2), *half[2];
    assert_int_equal(gw_frame_split(f, half), GW_INDIVISIBLE);
    gw_frame_drop(f);
    static const unsigned spans[RESOURCES * SCOPES] = {3, 2, 1, 1, 5, 4};
    f = frame_of(spans);
    f->items = 15; /* not what it holds: nobody could tell how many each half has */
    assert_int_equal(gw_frame_split(f, half), GW_INDIVISIBLE);
    gw_frame_drop(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_together_equal_the_whole),
        cmocka_unit_test(down_to_single_spans),
        cmocka_unit_test(what_cannot_be_cut_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
