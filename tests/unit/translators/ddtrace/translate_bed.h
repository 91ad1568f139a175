/* translate_bed.h: a payload in, text out: the translator with everything around it made of paper.
 *
 *     "[[{'trace_id':1, …}]]" ─▶ dd_translate ─▶ frames ─▶ protobuf-c ─▶ "GET /x | server | http.request.method='GET' …"
 *
 * Payloads are written as JSON with ' instead of " and ` instead of '; " is shown as ', too. Every frame is
 * looked over by otlp_valid.h first. Attributes are shown in the order of their names; a span's
 * operation.name, resource.name and span.type only when the test did not say them. SPDX-License-Identifier:
 * Apache-2.0
 */
#ifndef TRANSLATE_BED_H
#define TRANSLATE_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/otlp_valid.h"
#include "tests/unit/translators/ddtrace/translate_words.h"
#include "tests/unit/translators/otlp/otlp_show.h"
#include "translators/ddtrace/dd_translate.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define BED_START "1700000000000000000"

static const char *const bed_modes[GW_ATTRIBUTE_SCHEMAS] = {
    [GW_OTEL] = "otel", [GW_BOTH] = "both", [GW_DATADOG] = "datadog"};

struct bed {
    struct dd_options opt;
    struct dd_request req;
    struct dd_env env;
    struct dd_translator *translator;
    struct gw_arena arena;
    struct dd_result out;
    struct gw_err err;
    valid_request *got[GW_ATTRIBUTE_SCHEMAS]; /* all frames of a schema as one request */
    struct show shown;
    const char *payload; /* of the last bed_run; NULL: its bytes were given */
    int wrong;           /* rows that differ from what they expect */
};

static inline void bed_open(struct bed *b)
{
    memset(b, 0, sizeof *b);
    b->opt = (struct dd_options){.trace_id_bits = 128, .obfuscate = true};
    b->env = (struct dd_env){.now = GW_SEC, .wall = 1700000001 * GW_SEC, .schemas = 1u << GW_OTEL};
    b->translator = dd_translator_new(&b->opt);
    gw_arena_init(&b->arena, 64 << 20);
}

static inline void bed_clear(struct bed *b)
{
    for (size_t i = 0; i < b->out.frames_n; i++)
        gw_frame_drop(b->out.frames[i]);
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS; r++)
        if (b->got[r])
            opentelemetry__proto__collector__trace__v1__export_trace_service_request__free_unpacked(b->got[r],
                                                                                                    NULL);
    memset(b->got, 0, sizeof b->got);
    b->out.frames_n = 0;
    gw_arena_reset(&b->arena, 0);
}

static inline void bed_close(struct bed *b)
{
    bed_clear(b);
    dd_translator_drop(b->translator);
    gw_arena_fini(&b->arena);
    if (b->wrong)
        fail_msg("%d rows differ from what they expect, see above", b->wrong);
}

/* Options that the writer reads once need a fresh translator. */
static inline void bed_reopen(struct bed *b)
{
    dd_translator_drop(b->translator);
    b->translator = dd_translator_new(&b->opt);
}

/* What the frames of one schema say together; serialized requests concatenate. */
static inline void bed_read(struct bed *b, enum gw_attribute_schema r)
{
    uint8_t *all = NULL;
    size_t len = 0, items = 0, spans = 0;
    for (size_t i = 0; i < b->out.frames_n; i++) {
        const struct gw_frame *f = b->out.frames[i];
        if (f->schema != r)
            continue;
        all = realloc(all, len + f->len);
        memcpy(all + len, f->data, f->len);
        len += f->len;
        items += f->items;
    }
    b->got[r] =
        opentelemetry__proto__collector__trace__v1__export_trace_service_request__unpack(NULL, len, all);
    free(all);
    assert_non_null(b->got[r]);
    const char *wrong = valid_of_request(b->got[r], &spans);
    if (wrong)
        fail_msg("%s: %s", bed_modes[r], wrong);
    assert_int_equal(spans, items);
    assert_int_equal(spans, gw_intake_accepted(&b->out.intake));
}

static inline enum gw_code bed_bytes(struct bed *b, enum dd_format format, gw_str body)
{
    bed_clear(b);
    b->payload = NULL;
    enum gw_code code =
        dd_translate(b->translator, &b->arena, format, body, &b->req, &b->env, &b->out, &b->err);
    for (int r = 0; r < GW_ATTRIBUTE_SCHEMAS && code == GW_OK; r++)
        if (b->env.schemas & 1u << r)
            bed_read(b, (enum gw_attribute_schema)r);
    return code;
}

/* The payload, JSON with ' for " and ` for '. */
static inline void bed_run(struct bed *b, const char *payload)
{
    static char body[1 << 20];
    size_t len = strlen(payload);
    assert_true(len < sizeof body);
    for (size_t i = 0; i <= len; i++)
        body[i] = payload[i] == '\'' ? '"' : payload[i] == '`' ? '\'' : payload[i];
    if (bed_bytes(b, DD_V04_JSON, gw_str_n(body, len)) != GW_OK)
        fail_msg("%s at %zu of: %s", b->err.what, b->err.pos, payload);
    b->payload = payload;
}

/* One span with these members, besides ids and times. */
static inline void bed_span(struct bed *b, const char *members)
{
    static char payload[64 << 10];
    int n = snprintf(payload, sizeof payload,
                     "[[{'trace_id':1,'span_id':2,'start':" BED_START ",'duration':5,'service':'svc',%s}]]",
                     members);
    assert_in_range(n, 1, sizeof payload - 1);
    bed_run(b, payload);
}

struct bed_at {
    const valid_resource *resource;
    const valid_scope *scope;
    const valid_span *span;
};

/* The span with this id. */
static inline struct bed_at bed_find(const struct bed *b, enum gw_attribute_schema r, uint64_t span_id)
{
    uint64_t wire = __builtin_bswap64(span_id);
    for (size_t i = 0; b->got[r] && i < b->got[r]->n_resource_spans; i++) {
        const valid_resource *res = b->got[r]->resource_spans[i];
        for (size_t k = 0; k < res->n_scope_spans; k++)
            for (size_t m = 0; m < res->scope_spans[k]->n_spans; m++)
                if (memcmp(res->scope_spans[k]->spans[m]->span_id.data, &wire, 8) == 0)
                    return (struct bed_at){res, res->scope_spans[k], res->scope_spans[k]->spans[m]};
    }
    return (struct bed_at){0};
}

static inline int bed_by_key(const void *a, const void *b)
{
    const show_attr *x = *(show_attr *const *)a, *y = *(show_attr *const *)b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.data, y->key.data, n);
    return order ? order : x->key.len < y->key.len ? -1 : x->key.len > y->key.len;
}

static inline bool bed_is(const show_attr *a, const char *key)
{
    return a->key.len == strlen(key) && memcmp(a->key.data, key, a->key.len) == 0;
}

static inline void bed_single_quotes(struct show *s)
{
    for (size_t i = 0; i < s->len; i++)
        if (s->text[i] == '"')
            s->text[i] = '\'';
}

/* Attributes by name: k='v' n=1. Those in `without` (ended by NULL) are left out. */
static inline void bed_dump_attrs(struct show *s, show_attr **attrs, size_t n, const char *const *without)
{
    size_t from = s->len;
    if (n)
        qsort(attrs, n, sizeof *attrs, bed_by_key);
    for (size_t i = 0; i < n; i++) {
        bool out = false;
        for (const char *const *w = without; *w; w++)
            out |= bed_is(attrs[i], *w);
        if (out)
            continue;
        append_text(s, "%s%.*s=", s->len > from ? " " : "", (int)attrs[i]->key.len,
                    (const char *)attrs[i]->key.data);
        dump_any(s, attrs[i]->value);
    }
}

/* name | kind | attributes | ok or error: message | event … | link … */
static inline const char *bed_show(struct bed *b, enum gw_attribute_schema r, uint64_t span_id,
                                   const char *const *without)
{
    static const char *const kinds[] = {"unspecified", "internal", "server",
                                        "client",      "producer", "consumer"};
    struct show *s = &b->shown;
    const valid_span *span = bed_find(b, r, span_id).span;
    s->len = 0;
    if (!span)
        return "no such span";
    append_text(s, "%.*s | %s | ", (int)span->name.len, (const char *)span->name.data, kinds[span->kind]);
    bed_dump_attrs(s, span->attributes, span->n_attributes, without);
    if (span->status && span->status->code)
        append_text(s, " | %s", span->status->code == 1 ? "ok" : "error");
    if (span->status && span->status->message.len)
        append_text(s, ": %.*s", (int)span->status->message.len, (const char *)span->status->message.data);
    for (size_t i = 0; i < span->n_events; i++) {
        append_text(s, " | event %.*s at %" PRIu64 " ", (int)span->events[i]->name.len,
                    (const char *)span->events[i]->name.data, span->events[i]->time_unix_nano);
        bed_dump_attrs(s, span->events[i]->attributes, span->events[i]->n_attributes,
                       (const char *const[]){NULL});
    }
    for (size_t i = 0; i < span->n_links; i++) {
        append_text(s, " | link ");
        dump_hex(s, span->links[i]->trace_id);
        append_text(s, "/");
        dump_hex(s, span->links[i]->span_id);
        append_text(s, " state='%.*s' flags=%x ", (int)span->links[i]->trace_state.len,
                    (const char *)span->links[i]->trace_state.data, span->links[i]->flags);
        bed_dump_attrs(s, span->links[i]->attributes, span->links[i]->n_attributes,
                       (const char *const[]){NULL});
    }
    bed_single_quotes(s);
    return s->text;
}

/* The resource of a span, without what always stands there. */
static inline const char *bed_resource(struct bed *b, uint64_t span_id)
{
    static const char *const without[] = {"telemetry.sdk.name", NULL};
    const valid_resource *r = bed_find(b, GW_OTEL, span_id).resource;
    b->shown.len = 0;
    if (!r)
        return "no such span";
    bed_dump_attrs(&b->shown, r->resource->attributes, r->resource->n_attributes, without);
    bed_single_quotes(&b->shown);
    return b->shown.text;
}

/* `what` is the row: its payload, or a part of it. A row that differs is printed in words (translate_words.h)
 * and whole; the test goes on with the next row, and bed_close fails. */
static inline void bed_compare(struct bed *b, const char *what, const char *got, const char *want)
{
    if (strcmp(got, want) == 0)
        return;
    b->wrong++;
    print_error("the row %s\n", what);
    words_compare(what, got, want);
    print_error("  got  %s\n  want %s\n", got, want);
}

/* The same of a single fact, such as "the span's kind". */
static inline void bed_compare_fact(struct bed *b, const char *row, const char *fact, const char *got,
                                    const char *want)
{
    if (strcmp(got, want) == 0)
        return;
    b->wrong++;
    print_error("the row %s\n  expected: %s is %s\n  but:      %s\n", row, fact, want, got);
}

/* A span of the last payload, and the resource of one. */
static inline void bed_expect_span(struct bed *b, enum gw_attribute_schema r, uint64_t span_id,
                                   const char *const *without, const char *want)
{
    bed_compare(b, b->payload ? b->payload : "of the last payload", bed_show(b, r, span_id, without), want);
}

static inline void bed_expect_resource(struct bed *b, uint64_t span_id, const char *want)
{
    bed_compare(b, b->payload ? b->payload : "of the last payload", bed_resource(b, span_id), want);
}

/* A row of a table: one span, and what becomes of it. */
struct bed_row {
    const char *span; /* members of the span, tags and all */
    const char *want; /* bed_show of it */
};

static const char *const bed_fields[] = {"operation.name", "resource.name", "span.type", NULL};

static inline void bed_rows(struct bed *b, enum gw_attribute_schema r, const struct bed_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bed_span(b, rows[i].span);
        bed_compare(b, rows[i].span, bed_show(b, r, 2, bed_fields), rows[i].want);
    }
}

static inline int bed_setup(void **state)
{
    struct bed *b = malloc(sizeof *b);
    bed_open(b);
    *state = b;
    return 0;
}

static inline int bed_teardown(void **state)
{
    struct bed *b = *state;
    bed_close(b);
    free(b);
    return 0;
}

#define BED_TEST(f) cmocka_unit_test_setup_teardown(f, bed_setup, bed_teardown)

#endif
