/* The OTLP writer against protobuf-c: a random request is built as protobuf-c structs, packed by protobuf-c
 * and written by otlp_write; both give the same bytes, which also read back. SPDX-License-Identifier:
 * Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/arena.h"
#include "trace_service.pb-c.h"
#include "translators/otlp/otlp_write.h"

typedef Opentelemetry__Proto__Common__V1__AnyValue any_value;
typedef Opentelemetry__Proto__Common__V1__ArrayValue array_value;
typedef Opentelemetry__Proto__Common__V1__KeyValueList value_map;
typedef Opentelemetry__Proto__Common__V1__KeyValue key_value;
typedef Opentelemetry__Proto__Trace__V1__Span span;
typedef Opentelemetry__Proto__Trace__V1__Span__Event span_event;
typedef Opentelemetry__Proto__Trace__V1__Span__Link span_link;
typedef Opentelemetry__Proto__Trace__V1__Status span_status;
typedef Opentelemetry__Proto__Trace__V1__ScopeSpans scope_spans;
typedef Opentelemetry__Proto__Trace__V1__ResourceSpans resource_spans;
typedef Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceRequest request;
#define ANY(name) OPENTELEMETRY__PROTO__COMMON__V1__ANY_VALUE__VALUE_##name

static struct gw_arena arena;
static uint64_t state;

static uint64_t random64(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state ^ state >> 29) * 0x9E3779B97F4A7C15u >> 7 ^ state >> 40;
}

static size_t below(size_t n)
{
    return random64() % n;
}

static void *must(void *p)
{
    assert_non_null(p);
    return p;
}
#define MAKE(T, n) ((T *)must(gw_arena_array(&arena, (n), sizeof(T))))

/* Lengths around the places where a varint gets longer, and mostly short. */
static size_t random_len(void)
{
    static const size_t edges[] = {0, 1, 125, 126, 127, 128, 129, 16000, 16380, 16383, 16384, 16390, 70000};
    return below(4) ? below(40) : edges[below(below(50) ? 7 : sizeof edges / sizeof *edges)];
}

/* Text as a sender wrote it: ASCII, UTF-8, NULs, or no text at all. */
static gw_str random_text(void)
{
    static const char *const units[] = {
        "a", "k.z", "é", "中", "😀", "\xff", "\xC3", "\xE4\xB8", "\xF0\x9F\x98", "\xED\xA0\x80", "\xC0\xAF"};
    size_t len = random_len(), n = 0;
    unsigned kind = (unsigned)below(8); /* 0: broken, 1: UTF-8, 2: any bytes, else ASCII */
    char *p = MAKE(char, len + 4);
    while (n < len) {
        if (kind == 2)
            p[n++] = (char)random64();
        else if (kind > 2)
            p[n++] = (char)('a' + below(26));
        else
            n = (size_t)(stpcpy(p + n, units[below(kind ? 5 : sizeof units / sizeof *units)]) - p);
    }
    return gw_str_n(p, kind > 2 ? len : n);
}

/* What protobuf-c is given: the same, repaired. */
static ProtobufCBinaryData valid(gw_str s)
{
    char *p = MAKE(char, 3 * s.len);
    return (ProtobufCBinaryData){gw_utf8_repair(s, p), (uint8_t *)p};
}

static uint64_t random_number(void)
{
    return random64() >> below(64);
}

static double random_double(void)
{
    static const double edges[] = {
        0.0, -0.0, 1.0, -1.5, 1e300, __builtin_inf(), -__builtin_inf(), __builtin_nan("")};
    return edges[below(8)];
}

/* --- each part is built and written at once, model first --- */

static void make_value(struct otlp_buf *w, any_value *v, unsigned depth);

static void make_text(struct otlp_buf *w, any_value *v)
{
    gw_str s = random_text();
    v->value_case = ANY(STRING_VALUE);
    v->string_value = valid(s);
    otlp_any_text(w, s);
}

static void make_array(struct otlp_buf *w, any_value *v, unsigned depth)
{
    array_value *a = MAKE(array_value, 1);
    opentelemetry__proto__common__v1__array_value__init(a);
    a->n_values = below(5);
    a->values = MAKE(any_value *, a->n_values);
    v->value_case = ANY(ARRAY_VALUE);
    v->array_value = a;
    size_t mark = otlp_open(w, 5, 1);
    for (size_t i = 0; i < a->n_values; i++) {
        size_t item = otlp_open(w, 1, 1);
        make_value(w, a->values[i] = MAKE(any_value, 1), depth - 1);
        otlp_close(w, item, 1);
    }
    otlp_close(w, mark, 1);
}

static void make_map(struct otlp_buf *w, any_value *v, unsigned depth)
{
    value_map *m = MAKE(value_map, 1);
    opentelemetry__proto__common__v1__key_value_list__init(m);
    m->n_values = below(4);
    m->values = MAKE(key_value *, m->n_values);
    v->value_case = ANY(KVLIST_VALUE);
    v->kvlist_value = m;
    size_t mark = otlp_open(w, 6, 3);
    for (size_t i = 0; i < m->n_values; i++) {
        gw_str key = random_text();
        size_t inner, item = otlp_attr_open(w, 1, key, &inner);
        key_value *kv = m->values[i] = MAKE(key_value, 1);
        opentelemetry__proto__common__v1__key_value__init(kv);
        kv->key = valid(key);
        make_value(w, kv->value = MAKE(any_value, 1), depth - 1);
        otlp_attr_close(w, item, inner);
    }
    otlp_close(w, mark, 3);
}

static void make_value(struct otlp_buf *w, any_value *v, unsigned depth)
{
    opentelemetry__proto__common__v1__any_value__init(v);
    switch (below(depth ? 8 : 6)) {
    case 0:
        break; /* nothing */
    case 1:
        v->value_case = ANY(BOOL_VALUE);
        otlp_any_bool(w, (v->bool_value = below(2) != 0));
        break;
    case 2:
        v->value_case = ANY(INT_VALUE);
        otlp_any_int(w, v->int_value = (int64_t)random_number());
        break;
    case 3:
        v->value_case = ANY(DOUBLE_VALUE);
        otlp_any_double(w, v->double_value = random_double());
        break;
    case 4: {
        gw_str s = random_text();
        v->value_case = ANY(BYTES_VALUE);
        v->bytes_value = (ProtobufCBinaryData){s.len, (uint8_t *)s.ptr};
        otlp_any_bytes(w, s);
        break;
    }
    case 6:
        make_array(w, v, depth);
        break;
    case 7:
        make_map(w, v, depth);
        break;
    default:
        make_text(w, v);
    }
}

static void make_texts(struct otlp_buf *w, unsigned field, gw_str key, any_value *v)
{
    gw_str texts[3];
    array_value *a = MAKE(array_value, 1);
    opentelemetry__proto__common__v1__array_value__init(a);
    a->n_values = below(4);
    a->values = MAKE(any_value *, a->n_values);
    for (size_t i = 0; i < a->n_values; i++) {
        texts[i] = random_text();
        a->values[i] = MAKE(any_value, 1);
        opentelemetry__proto__common__v1__any_value__init(a->values[i]);
        a->values[i]->value_case = ANY(STRING_VALUE);
        a->values[i]->string_value = valid(texts[i]);
    }
    v->value_case = ANY(ARRAY_VALUE);
    v->array_value = a;
    otlp_attr_texts(w, field, key, texts, a->n_values);
}

static void make_attribute(struct otlp_buf *w, unsigned field, key_value *kv)
{
    gw_str key = random_text(), text = random_text();
    any_value *v = kv->value = MAKE(any_value, 1);
    opentelemetry__proto__common__v1__any_value__init(v);
    kv->key = valid(key);
    switch (below(10)) {
    case 0:
        v->value_case = ANY(BOOL_VALUE);
        otlp_attr_bool(w, field, key, (v->bool_value = below(2) != 0));
        break;
    case 1:
        v->value_case = ANY(INT_VALUE);
        otlp_attr_int(w, field, key, v->int_value = (int64_t)random_number() * (below(2) ? 1 : -1));
        break;
    case 2:
        v->value_case = ANY(DOUBLE_VALUE);
        otlp_attr_double(w, field, key, v->double_value = random_double());
        break;
    case 3:
        v->value_case = ANY(BYTES_VALUE);
        v->bytes_value = (ProtobufCBinaryData){text.len, (uint8_t *)text.ptr};
        otlp_attr_bytes(w, field, key, text);
        break;
    case 4:
        make_texts(w, field, key, v);
        break;
    case 5: {
        size_t inner, mark = otlp_attr_open(w, field, key, &inner);
        make_value(w, v, 3);
        otlp_attr_close(w, mark, inner);
        break;
    }
    default:
        v->value_case = ANY(STRING_VALUE);
        v->string_value = valid(text);
        otlp_attr_text(w, field, key, text);
    }
}

static key_value **make_attributes(struct otlp_buf *w, unsigned field, size_t *n)
{
    *n = below(6);
    key_value **all = MAKE(key_value *, *n);
    for (size_t i = 0; i < *n; i++) {
        opentelemetry__proto__common__v1__key_value__init(all[i] = MAKE(key_value, 1));
        make_attribute(w, field, all[i]);
    }
    return all;
}

static ProtobufCBinaryData make_id(struct otlp_buf *w, unsigned field, size_t n)
{
    uint8_t *id = MAKE(uint8_t, n);
    for (size_t i = 0; i < n; i++)
        id[i] = (uint8_t)random64();
    otlp_bytes(w, field, gw_str_n((char *)id, n));
    return (ProtobufCBinaryData){n, id};
}

static ProtobufCBinaryData make_words(struct otlp_buf *w, unsigned field)
{
    gw_str s = random_text();
    otlp_text(w, field, s);
    return valid(s);
}

static void fill_event(struct otlp_buf *w, span_event *e)
{
    otlp_fixed64(w, 1, e->time_unix_nano = random_number());
    e->name = make_words(w, 2);
    e->attributes = make_attributes(w, 3, &e->n_attributes);
    otlp_uint(w, 4, e->dropped_attributes_count = (uint32_t)below(3));
}

static void fill_link(struct otlp_buf *w, span_link *l)
{
    l->trace_id = make_id(w, 1, 16);
    l->span_id = make_id(w, 2, 8);
    l->trace_state = make_words(w, 3);
    l->attributes = make_attributes(w, 4, &l->n_attributes);
    otlp_fixed32(w, 6, l->flags = (uint32_t)random_number());
}

static void fill_status(struct otlp_buf *w, span_status *s)
{
    s->message = make_words(w, 2);
    otlp_uint(w, 3, s->code = (Opentelemetry__Proto__Trace__V1__Status__StatusCode)below(3));
}

static void fill_span(struct otlp_buf *w, span *s)
{
    s->trace_id = make_id(w, 1, 16);
    s->span_id = make_id(w, 2, 8);
    s->trace_state = make_words(w, 3);
    s->parent_span_id = make_id(w, 4, below(2) * 8);
    s->name = make_words(w, 5);
    otlp_uint(w, 6, s->kind = (Opentelemetry__Proto__Trace__V1__Span__SpanKind)below(6));
    otlp_fixed64(w, 7, s->start_time_unix_nano = random_number());
    otlp_fixed64(w, 8, s->end_time_unix_nano = random_number());
    s->attributes = make_attributes(w, 9, &s->n_attributes);
    otlp_uint(w, 10, s->dropped_attributes_count = (uint32_t)random_number());
    s->n_events = below(3);
    s->events = MAKE(span_event *, s->n_events);
    for (size_t i = 0; i < s->n_events; i++) {
        unsigned guess = 1 + (unsigned)below(4);
        size_t mark = otlp_open(w, 11, guess);
        opentelemetry__proto__trace__v1__span__event__init(s->events[i] = MAKE(span_event, 1));
        fill_event(w, s->events[i]);
        otlp_close(w, mark, guess);
    }
    s->n_links = below(3);
    s->links = MAKE(span_link *, s->n_links);
    for (size_t i = 0; i < s->n_links; i++) {
        size_t mark = otlp_open(w, 13, 1);
        opentelemetry__proto__trace__v1__span__link__init(s->links[i] = MAKE(span_link, 1));
        fill_link(w, s->links[i]);
        otlp_close(w, mark, 1);
    }
    if (below(2)) {
        size_t mark = otlp_open(w, 15, 1);
        opentelemetry__proto__trace__v1__status__init(s->status = MAKE(span_status, 1));
        fill_status(w, s->status);
        otlp_close(w, mark, 1);
    }
    otlp_fixed32(w, 16, s->flags = (uint32_t)random_number());
}

static void fill_scope(struct otlp_buf *w, scope_spans *s)
{
    s->n_spans = below(5);
    s->spans = MAKE(span *, s->n_spans);
    for (size_t i = 0; i < s->n_spans; i++) {
        size_t mark = otlp_open(w, 2, 2);
        opentelemetry__proto__trace__v1__span__init(s->spans[i] = MAKE(span, 1));
        fill_span(w, s->spans[i]);
        otlp_close(w, mark, 2);
    }
    s->schema_url = make_words(w, 3);
}

static void fill_resource_spans(struct otlp_buf *w, resource_spans *r)
{
    size_t mark = otlp_open(w, 1, 2);
    opentelemetry__proto__resource__v1__resource__init(
        r->resource = MAKE(Opentelemetry__Proto__Resource__V1__Resource, 1));
    r->resource->attributes = make_attributes(w, 1, &r->resource->n_attributes);
    otlp_close(w, mark, 2);
    r->n_scope_spans = below(3);
    r->scope_spans = MAKE(scope_spans *, r->n_scope_spans);
    for (size_t i = 0; i < r->n_scope_spans; i++) {
        size_t scope = otlp_open(w, 2, 3);
        opentelemetry__proto__trace__v1__scope_spans__init(r->scope_spans[i] = MAKE(scope_spans, 1));
        fill_scope(w, r->scope_spans[i]);
        otlp_close(w, scope, 3);
    }
}

static void fill_request(struct otlp_buf *w, request *r)
{
    r->n_resource_spans = below(4);
    r->resource_spans = MAKE(resource_spans *, r->n_resource_spans);
    for (size_t i = 0; i < r->n_resource_spans; i++) {
        size_t mark = otlp_open(w, 1, 3);
        opentelemetry__proto__trace__v1__resource_spans__init(r->resource_spans[i] = MAKE(resource_spans, 1));
        fill_resource_spans(w, r->resource_spans[i]);
        otlp_close(w, mark, 3);
    }
}

static void compare(const struct otlp_buf *w, const ProtobufCMessage *model, uint64_t seed)
{
    size_t n = protobuf_c_message_get_packed_size(model);
    uint8_t *want = malloc(n + 1), *again = malloc(n + 1);
    assert_int_equal(protobuf_c_message_pack(model, want), n);
    for (size_t i = 0; i < n && i < w->len; i++)
        if (w->data[i] != want[i])
            fail_msg("seed %llu: byte %zu of %zu is %02x, protobuf-c packs %02x", (unsigned long long)seed, i,
                     n, w->data[i], want[i]);
    assert_int_equal(w->len, n);
    ProtobufCMessage *read = protobuf_c_message_unpack(model->descriptor, NULL, w->len, w->data);
    assert_non_null(read);
    assert_int_equal(protobuf_c_message_pack(read, again), n);
    assert_memory_equal(again, want, n);
    protobuf_c_message_free_unpacked(read, NULL);
    free(want);
    free(again);
}

static void test_random_requests(void **unused)
{
    size_t bytes = 0;
    gw_arena_init(&arena, SIZE_MAX / 2);
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct otlp_buf w;
        request model;
        state = seed;
        w = (struct otlp_buf){0};
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__init(&model);
        fill_request(&w, &model);
        assert_false(w.failed);
        compare(&w, &model.base, seed);
        bytes += w.len;
        otlp_fini(&w);
        gw_arena_reset(&arena, 1 << 20);
    }
    assert_true(bytes > 10 * 1000 * 1000); /* the generator is not asleep */
    gw_arena_fini(&arena);
}

/* Where the length of a nested message needs another byte than was guessed, its contents move; around every
 * such edge. */
static void test_lengths(void **unused)
{
    static const size_t edges[] = {0, 127, 16383, 2097151};
    char *blank = calloc(1, 2097160);
    for (size_t e = 0; e < 4; e++)
        for (int off = -6; off <= 6; off++)
            for (unsigned guess = 1; guess <= 5; guess++) {
                if (off < 0 && edges[e] == 0)
                    continue;
                struct otlp_buf w;
                span s = OPENTELEMETRY__PROTO__TRACE__V1__SPAN__INIT;
                span_status status = OPENTELEMETRY__PROTO__TRACE__V1__STATUS__INIT;
                s.status = &status;
                status.message = (ProtobufCBinaryData){edges[e] + (size_t)off, (uint8_t *)blank};
                w = (struct otlp_buf){0};
                size_t mark = otlp_open(&w, 15, guess);
                otlp_bytes(&w, 2, gw_str_n(blank, status.message.len));
                otlp_close(&w, mark, guess);
                compare(&w, &s.base, guess);
                otlp_fini(&w);
            }
    free(blank);
}

static void test_varint_size(void **unused)
{
    uint8_t room[16];
    for (unsigned bit = 0; bit < 64; bit++)
        for (int off = -1; off <= 1; off++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)off;
            assert_int_equal(wire_varint_size(v), wire_put_varint(room, v) - room);
        }
}

/* A writer that cannot grow says so, and everything that follows is harmless. */
static void test_failed(void **unused)
{
    struct otlp_buf w;
    w = (struct otlp_buf){0};
    size_t mark = otlp_open(&w, 9, 2);
    otlp_text(&w, 1, GW_STR("kept"));
    size_t before = w.len;
    assert_false(otlp_grow(&w, SIZE_MAX - 8));
    assert_true(w.failed);
    w.cap = w.len; /* no spare room either */
    otlp_attr_text(&w, 9, GW_STR("k\xff"), GW_STR("v"));
    otlp_attr_int(&w, 9, GW_STR("k"), 1);
    otlp_any_double(&w, 1);
    otlp_bytes(&w, 1, GW_STR("x"));
    size_t inner = otlp_open(&w, 1, 1);
    otlp_close(&w, inner, 1);
    otlp_close(&w, mark, 2);
    assert_int_equal(w.len, before);
    assert_true(w.failed);
    otlp_fini(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_requests), cmocka_unit_test(test_lengths),
                                       cmocka_unit_test(test_varint_size), cmocka_unit_test(test_failed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
