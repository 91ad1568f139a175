/* Frames: how spans are laid out, counted and split; and what a payload may cost. SPDX-License-Identifier:
 * Apache-2.0 */
#include "tests/unit/translators/ddtrace/translate_bed.h"

/* A payload of n spans in chunks of `each`, of `services` services, each span with `filling` bytes of its
 * own. */
static gw_str payload_of(size_t n, size_t each, size_t services, size_t filling)
{
    size_t room = n * (filling + 200) + 100, len = 0;
    char *body = malloc(room), *fill = malloc(filling + 1);
    memset(fill, 'x', filling);
    fill[filling] = '\0';
    len += (size_t)sprintf(body + len, "[");
    for (size_t i = 0; i < n; i++)
        len += (size_t)sprintf(
            body + len,
            "%s{\"trace_id\":%zu,\"span_id\":%zu,\"service\":\"s%zu\",\"name\":\"n\",\"start\":" BED_START
            ",\"duration\":1,\"meta\":{\"component\":\"c%zu\",\"f\":\"%s\"}}",
            i % each ? ","
            : i      ? "],["
                     : "[",
            i / each + 1, i + 1, i % services, i % (services + 1), fill);
    len += (size_t)sprintf(body + len, "]]");
    free(fill);
    return gw_str_n(body, len);
}

static void translate(struct bed *b, size_t n, size_t each, size_t services, size_t filling)
{
    gw_str body = payload_of(n, each, services, filling);
    assert_int_equal(bed_bytes(b, DD_V04_JSON, body), GW_OK);
    free((char *)body.ptr);
    assert_int_equal(b->out.intake.received, n);
    assert_int_equal(b->out.chunks, (n + each - 1) / each);
}

/* In a frame every resource stands once, and in it every scope. */
static void check_grouping(const struct gw_frame *f)
{
    valid_request *q = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, f->len, f->data);
    assert_non_null(q);
    for (size_t i = 0; i < q->n_resource_spans; i++) {
        for (size_t k = 0; k < i; k++)
            assert_false(
                gw_str_eq(valid_text(q->resource_spans[i]->resource->attributes[0]->value->string_value),
                          valid_text(q->resource_spans[k]->resource->attributes[0]->value->string_value)));
        for (size_t k = 0; k < q->resource_spans[i]->n_scope_spans; k++)
            for (size_t m = 0; m < k; m++)
                assert_false(gw_str_eq(valid_text(q->resource_spans[i]->scope_spans[k]->scope->name),
                                       valid_text(q->resource_spans[i]->scope_spans[m]->scope->name)));
    }
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(q, NULL);
}

static void small_payloads_are_one_frame(void **state)
{
    struct bed *b = *state;
    translate(b, 60, 4, 5, 10);
    assert_int_equal(b->out.frames_n, 1);
    assert_int_equal(b->got[GW_OTEL]->n_resource_spans, 5);
    assert_int_equal(b->out.frames[0]->items, 60);
    assert_int_equal(b->out.frames[0]->arrived, b->env.now);
    check_grouping(b->out.frames[0]);
}

static void large_payloads_are_cut(void **state)
{
    struct bed *b = *state;
    b->env.schemas = 7;
    translate(b, 3000, 10, 3, 1000);
    size_t per_schema[GW_ATTRIBUTE_SCHEMAS] = {0}, bytes[GW_ATTRIBUTE_SCHEMAS] = {0};
    for (size_t i = 0; i < b->out.frames_n; i++) {
        const struct gw_frame *f = b->out.frames[i];
        assert_in_range(f->len, 1, GW_FRAME_BYTES);
        per_schema[f->schema]++;
        bytes[f->schema] += f->len;
        check_grouping(f);
    }
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        assert_in_range(per_schema[r], bytes[r] / GW_FRAME_BYTES + 1, bytes[r] / GW_FRAME_BYTES + 2);
    for (uint64_t id = 1; id <= 3000; id += 37)
        assert_non_null(bed_find(b, GW_BOTH, id).span);
}

/* One span that is larger than a frame goes alone, whole. */
static void one_large_span(void **state)
{
    struct bed *b = *state;
    gw_str body = payload_of(3, 1, 1, GW_FRAME_BYTES + 100000);
    assert_int_equal(bed_bytes(b, DD_V04_JSON, body), GW_OK);
    free((char *)body.ptr);
    assert_int_equal(b->out.frames_n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(b->out.frames[i]->items, 1);
        assert_in_range(b->out.frames[i]->len, GW_FRAME_BYTES + 100000, GW_FRAME_BYTES + 101000);
    }
}

static void ids_wait_in_every_frame(void **state)
{
    struct bed *b = *state;
    char high[] = "[[{'trace_id':1,'span_id':900001,'service':'s','name':'n','start':" BED_START
                  ",'duration':1,'meta':{'_dd.p.tid':'ab'}}]]";
    b->env.ids = gw_trace_ids_new(10000, GW_SEC);
    bed_run(b, "[[{'trace_id':1,'span_id':1,'parent_id':9,'service':'a','name':'n','start':" BED_START
               ",'duration':1},"
               "{'trace_id':1,'span_id':2,'parent_id':9,'service':'b','name':'n','start':" BED_START
               ",'duration':1}]]");
    struct gw_frame *f = gw_frame_ref(b->out.frames[0]);
    assert_int_equal(f->pending_ids_n, 2);
    bed_run(b, high);
    assert_int_equal(gw_frame_complete_ids(f, b->env.ids, false), 0);
    valid_request *q = opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(
        NULL, f->len, f->data);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(q->resource_spans[i]->scope_spans[0]->spans[0]->trace_id.data[7], 0xab);
    opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(q, NULL);
    gw_frame_drop(f);
    gw_trace_ids_drop(b->env.ids);
}

static void nothing_in_nothing_out(void **state)
{
    static const char *const empty[] = {"[]", "[[],[]]", ""};
    struct bed *b = *state;
    for (size_t i = 0; i < COUNT(empty); i++) {
        assert_int_equal(bed_bytes(b, DD_V04_JSON, gw_str_z(empty[i])), GW_OK);
        assert_int_equal(b->out.frames_n, 0);
        assert_int_equal(b->out.intake.received, 0);
        assert_int_equal(b->out.chunks, 0);
    }
}

/* With every budget from nothing to enough: an error that refuses all, or all of it. */
static void budgets(void **state)
{
    struct bed *b = *state;
    gw_str body = payload_of(40, 4, 5, 200);
    bool succeeded = false;
    for (size_t budget = 1; !succeeded; budget += 997) {
        gw_arena_fini(&b->arena);
        gw_arena_init(&b->arena, budget);
        enum gw_code code = bed_bytes(b, DD_V04_JSON, body);
        succeeded = code == GW_OK;
        if (succeeded)
            break;
        assert_int_equal(code, GW_BUDGET);
        assert_int_equal(b->out.frames_n, 0);
        assert_int_equal(b->out.intake.not_taken[GW_REASON_BUDGET], b->out.intake.received);
    }
    assert_int_equal(b->out.intake.received, 40);
    free((char *)body.ptr);
}

/* A translator keeps buffers, but nothing of what was said before. */
static void requests_do_not_mix(void **state)
{
    struct bed *b = *state;
    translate(b, 3000, 10, 3, 1000);
    gw_str bad = GW_STR("[[{\"trace_id\":1,\"span_id\":1,\"service\":\"old\",\"meta\":{\"env\":\"old\"}}],");
    assert_int_equal(bed_bytes(b, DD_V04_JSON, bad), GW_BAD_JSON);
    bed_span(b, "'name':'n'");
    assert_int_equal(b->out.frames_n, 1);
    assert_int_equal(b->out.frames[0]->items, 1);
    bed_expect_resource(b, 2, "service.name='svc'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BED_TEST(small_payloads_are_one_frame), BED_TEST(large_payloads_are_cut), BED_TEST(one_large_span),
        BED_TEST(ids_wait_in_every_frame),      BED_TEST(nothing_in_nothing_out), BED_TEST(budgets),
        BED_TEST(requests_do_not_mix)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
