/* What real tracers sent, against what an independent decoder read (expected.json); and the same bodies cut
 * at every byte. All recordings in DDGATE_SHARED/fixtures (by default ../shared) are read too, where they
 * are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/translators/ddtrace/read_file.h"
#include "translators/ddtrace/dd_span.h"

static const char *at; /* the body that is being compared, for messages */

#define CHECK(cond, ...)                                                                                     \
    do {                                                                                                     \
        if (!(cond)) {                                                                                       \
            print_error("%s: ", at);                                                                         \
            print_error(__VA_ARGS__);                                                                        \
            print_error("\n");                                                                               \
            fail();                                                                                          \
        }                                                                                                    \
    } while (0)

static struct json_object *member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static void check_text(const char *what, gw_str got, struct json_object *want)
{
    char hex[512] = "";
    if (want && json_object_is_type(want, json_type_object)) { /* not UTF-8 */
        for (size_t i = 0; i < got.len && i < 255; i++)
            sprintf(hex + 2 * i, "%02x", (unsigned char)got.ptr[i]);
        CHECK(strcmp(hex, json_object_get_string(member(want, "__invalid_utf8_hex__"))) == 0, "%s: %s", what,
              hex);
        return;
    }
    gw_str text =
        want ? gw_str_n(json_object_get_string(want), (size_t)json_object_get_string_len(want)) : GW_NOSTR;
    CHECK(gw_str_eq(got, text), "%s: '%.*s', want '%.*s'", what, GW_FMT(got), GW_FMT(text));
}

static void check_id(const char *what, uint64_t got, struct json_object *want)
{
    uint64_t id = want ? strtoull(json_object_get_string(want), NULL, 10) : 0;
    CHECK(got == id, "%s: %llu, want %llu", what, (unsigned long long)got, (unsigned long long)id);
}

static void check_int(const char *what, int64_t got, struct json_object *want)
{
    CHECK(got == json_object_get_int64(want), "%s: %lld, want %lld", what, (long long)got,
          (long long)json_object_get_int64(want));
}

static bool comes_again(const struct dd_text *t, size_t n, size_t i)
{
    for (size_t k = i + 1; k < n; k++)
        if (gw_str_eq(t[k].key, t[i].key))
            return true;
    return false;
}

/* Every pair, in both directions; of a key that stands twice (`_dd.origin` from ddtrace 1.20) the last. */
static void check_texts(const char *what, const struct dd_text *t, size_t n, struct json_object *want)
{
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        char key[512];
        if (comes_again(t, n, i))
            continue;
        distinct++;
        snprintf(key, sizeof key, "%.*s", GW_FMT(t[i].key));
        CHECK(member(want, key), "%s: %s is not expected", what, key);
        check_text(key, t[i].value, member(want, key));
    }
    CHECK(distinct == (want ? (size_t)json_object_object_length(want) : 0), "%zu of %s", distinct, what);
}

static void check_metrics(const struct dd_span *s, struct json_object *want)
{
    CHECK(s->metrics_n == (want ? (size_t)json_object_object_length(want) : 0), "%zu metrics", s->metrics_n);
    for (size_t i = 0; i < s->metrics_n; i++) {
        char key[512];
        union dd_number_value v = {.u = s->metrics[i].u};
        snprintf(key, sizeof key, "%.*s", GW_FMT(s->metrics[i].key));
        CHECK(member(want, key), "metric %s is not expected", key);
        CHECK(dd_number_double(s->metrics[i].kind, v) == json_object_get_double(member(want, key)),
              "metric %s", key);
        if (json_object_is_type(member(want, key), json_type_int))
            CHECK(s->metrics[i].kind == DD_INT && v.i == json_object_get_int64(member(want, key)),
                  "metric %s as an integer", key);
    }
}

static void check_value(const struct dd_value *v, struct json_object *want)
{
    struct json_object *values;
    CHECK((int)v->type == json_object_get_int(member(want, "type")), "type of an event's attribute: %d",
          (int)v->type);
    switch (v->type) {
    case DD_V_STRING:
        check_text("attribute", v->s, member(want, "string_value"));
        break;
    case DD_V_BOOL:
        CHECK(v->b == json_object_get_boolean(member(want, "bool_value")), "bool attribute");
        break;
    case DD_V_INT:
        check_int("attribute", v->i, member(want, "int_value"));
        break;
    case DD_V_DOUBLE:
        CHECK(v->d == json_object_get_double(member(want, "double_value")), "double attribute");
        break;
    case DD_V_ARRAY:
        values = member(member(want, "array_value"), "values");
        CHECK(v->array.n == json_object_array_length(values), "%zu elements", v->array.n);
        for (size_t i = 0; i < v->array.n; i++)
            check_value(&v->array.items[i], json_object_array_get_idx(values, i));
        break;
    case DD_V_BYTES:
    case DD_V_LIST:
        CHECK(false, "an attribute of a type that v0.4 does not have");
    }
}

static size_t length(struct json_object *array)
{
    return array ? json_object_array_length(array) : 0;
}

static void check_events(const struct dd_span *s, struct json_object *want)
{
    CHECK(s->events_n == length(want), "%zu events", s->events_n);
    for (size_t i = 0; i < s->events_n; i++) {
        const struct dd_event *e = &s->events[i];
        struct json_object *w = json_object_array_get_idx(want, i), *attrs = member(w, "attributes"),
                           *time = member(w, "time_unix_nano");
        check_text("event", e->name, member(w, "name"));
        CHECK(json_object_is_type(time, json_type_int)
                  ? e->time_unix_nano == json_object_get_int64(time)
                  : (double)e->time_unix_nano == json_object_get_double(time),
              "time of event %zu", i);
        CHECK(e->attrs_n == (attrs ? (size_t)json_object_object_length(attrs) : 0),
              "%zu attributes of event %zu", e->attrs_n, i);
        for (size_t k = 0; k < e->attrs_n; k++) {
            char key[512];
            snprintf(key, sizeof key, "%.*s", GW_FMT(e->attrs[k].key));
            check_value(&e->attrs[k].value, member(attrs, key));
        }
    }
}

static void check_links(const struct dd_span *s, struct json_object *want)
{
    CHECK(s->links_n == length(want), "%zu links", s->links_n);
    for (size_t i = 0; i < s->links_n; i++) {
        struct json_object *w = json_object_array_get_idx(want, i);
        check_id("link.trace_id", s->links[i].trace_id, member(w, "trace_id"));
        check_id("link.trace_id_high", s->links[i].trace_id_high, member(w, "trace_id_high"));
        check_id("link.span_id", s->links[i].span_id, member(w, "span_id"));
        check_id("link.flags", s->links[i].flags, member(w, "flags"));
        check_text("link.tracestate", s->links[i].tracestate, member(w, "tracestate"));
        check_texts("link attributes", s->links[i].attrs, s->links[i].attrs_n, member(w, "attributes"));
    }
}

static void check_span(const struct dd_span *s, struct json_object *want)
{
    check_text("service", s->service, member(want, "service"));
    check_text("name", s->name, member(want, "name"));
    check_text("resource", s->resource, member(want, "resource"));
    check_text("type", s->type, member(want, "type"));
    check_id("trace_id", s->trace_id, member(want, "trace_id"));
    check_id("span_id", s->span_id, member(want, "span_id"));
    check_id("parent_id", s->parent_id, member(want, "parent_id"));
    check_int("start", s->start, member(want, "start"));
    check_int("duration", s->duration, member(want, "duration"));
    check_int("error", s->error, member(want, "error"));
    check_texts("meta", s->meta, s->meta_n, member(want, "meta"));
    check_texts("meta_struct", s->meta_struct, s->meta_struct_n, member(want, "meta_struct"));
    check_metrics(s, member(want, "metrics"));
    check_links(s, member(want, "span_links"));
    check_events(s, member(want, "span_events"));
}

/* Decodes and compares; the expected chunks that are empty are not handed out. */
static size_t check_body(enum dd_format format, gw_str body, struct json_object *traces)
{
    struct gw_arena arena;
    struct dd_decoder d;
    struct dd_chunk chunk;
    struct gw_err err = {0};
    struct gw_intake intake = {0};
    size_t trace = 0, spans = 0;
    bool more = true;
    gw_arena_init(&arena, 1 << 28);
    CHECK(!dd_decode_begin(&d, format, body, &arena, &err), "%s", err.what);
    for (;;) {
        CHECK(!dd_decode_next(&d, &chunk, &more, &intake, &err), "offset %zu: %s", err.pos, err.what);
        if (!more)
            break;
        while (length(json_object_array_get_idx(traces, trace)) == 0)
            trace++;
        struct json_object *want = json_object_array_get_idx(traces, trace++);
        CHECK(chunk.n == length(want), "%zu spans in chunk %zu, want %zu", chunk.n, trace, length(want));
        for (size_t i = 0; i < chunk.n; i++)
            check_span(&chunk.spans[i], json_object_array_get_idx(want, i));
        spans += chunk.n;
    }
    for (; trace < length(traces); trace++)
        CHECK(length(json_object_array_get_idx(traces, trace)) == 0, "chunk %zu was not handed out", trace);
    CHECK(intake.received == spans, "%llu received, %zu sound", (unsigned long long)intake.received, spans);
    CHECK(d.left_out.tags + d.left_out.links + d.left_out.events == 0, "parts were left out");
    gw_arena_fini(&arena);
    return spans;
}

static size_t check_scenario(const char *expected_path)
{
    struct json_object *files = json_object_from_file(expected_path);
    size_t spans = 0, folder = strlen(expected_path) - strlen("expected.json");
    assert_non_null(files);
    json_object_object_foreach(files, name, file)
    {
        char path[1024];
        const char *format = json_object_get_string(member(file, "format"));
        snprintf(path, sizeof path, "%.*s%s", (int)folder, expected_path, name);
        at = path;
        if (strcmp(format, "v0.3") != 0 && strcmp(format, "v0.4") != 0 && strcmp(format, "v0.5") != 0)
            continue;
        gw_str body = read_file(path);
        CHECK(body.ptr, "cannot be read");
        spans += check_body(strcmp(format, "v0.5") == 0 ? DD_V05_MSGPACK : DD_V04_MSGPACK, body,
                            member(file, "traces"));
        free((void *)body.ptr);
    }
    json_object_put(files);
    return spans;
}

/* Every scenario under `root`; the number of spans compared. */
static size_t check_recordings(const char *root)
{
    char pattern[512];
    glob_t found;
    size_t spans = 0;
    snprintf(pattern, sizeof pattern, "%s/*/*/expected.json", root);
    if (glob(pattern, 0, NULL, &found) != 0)
        return 0;
    for (size_t i = 0; i < found.gl_pathc; i++)
        spans += check_scenario(found.gl_pathv[i]);
    globfree(&found);
    return spans;
}

static void test_recordings_are_read_as_expected(void **state)
{
    char all[512];
    const char *shared = getenv("DDGATE_SHARED");
    size_t spans = check_recordings("tests/data/recordings");
    assert_true(spans > 300);
    snprintf(all, sizeof all, "%s/fixtures/recordings", shared ? shared : "../shared");
    print_message("%zu spans, and %zu of all recordings\n", spans, check_recordings(all));
}

/* Decodes to the end; GW_OK or the error. */
static enum gw_code decode(enum dd_format format, gw_str body)
{
    struct gw_arena arena;
    struct dd_decoder d;
    struct dd_chunk chunk;
    struct gw_err err = {0};
    struct gw_intake intake = {0};
    bool more = true;
    gw_arena_init(&arena, 1 << 26);
    enum gw_code code = dd_decode_begin(&d, format, body, &arena, &err);
    while (!code && more)
        code = dd_decode_next(&d, &chunk, &more, &intake, &err);
    if (code)
        CHECK(err.pos <= body.len && err.what[0], "cut at %zu: no place or words", body.len);
    gw_arena_fini(&arena);
    return code;
}

/* A body that is cut short is an error at every byte; only the empty body is one without chunks. */
static void test_truncation_is_never_ok(void **state)
{
    static const struct {
        const char *path;
        enum dd_format format;
    } bodies[] = {
        {"tests/data/recordings/dd-trace-go-2.12.0/v04/003-POST-v0.4-traces.bin", DD_V04_MSGPACK},
        {"tests/data/recordings/dd-trace-js-6.21.0/v04-native-span-events/001-PUT-v0.4-traces.bin",
         DD_V04_MSGPACK},
        {"tests/data/recordings/ddtrace-4.16.0/v04-native-span-events/004-POST-v0.4-traces.bin",
         DD_V04_MSGPACK},
        {"tests/data/recordings/dd-java-agent-1.68.1/v05/003-PUT-v0.5-traces.bin", DD_V05_MSGPACK},
        {"tests/data/recordings/dd-trace-js-6.21.0/v05/001-PUT-v0.5-traces.bin", DD_V05_MSGPACK},
    };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        gw_str whole = read_file(at = bodies[i].path);
        CHECK(whole.len > 1000, "is missing");
        assert_int_equal(decode(bodies[i].format, whole), GW_OK);
        for (size_t len = 1; len < whole.len; len++) {
            char *cut = malloc(len); /* of its own, so that AddressSanitizer sees a read past it */
            memcpy(cut, whole.ptr, len);
            CHECK(decode(bodies[i].format, gw_str_n(cut, len)) == GW_BAD_MSGPACK, "cut at %zu is not refused",
                  len);
            free(cut);
        }
        free((void *)whole.ptr);
    }
}

/* The recordings as JSON: ids become numbers, and what comes out must be the same again. */
static void test_recordings_as_json(void **state)
{
    static const char *const paths[] = {
        "tests/data/recordings/ddtrace-4.16.0/v04-native-span-events/expected.json",
        "tests/data/recordings/dd-trace-go-2.12.0/v04/expected.json",
        "tests/data/recordings/dd-java-agent-1.68.1/v04/expected.json"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct json_object *files = json_object_from_file(at = paths[i]);
        json_object_object_foreach(files, name, file)
        {
            struct json_object *traces = member(file, "traces");
            assert_non_null(name);
            for (size_t t = 0; t < length(traces); t++)
                for (size_t s = 0; s < length(json_object_array_get_idx(traces, t)); s++) {
                    struct json_object *span =
                        json_object_array_get_idx(json_object_array_get_idx(traces, t), s);
                    for (const char *const *id =
                             (const char *const[]){"trace_id", "span_id", "parent_id", NULL};
                         *id; id++)
                        json_object_object_add(span, *id,
                                               json_object_new_uint64(strtoull(
                                                   json_object_get_string(member(span, *id)), NULL, 10)));
                }
            const char *text = json_object_to_json_string_ext(traces, JSON_C_TO_STRING_PRETTY);
            size_t spans = check_body(DD_V04_JSON, gw_str_z(text), traces);
            assert_true(spans > 0 || length(traces) == 0);
        }
        json_object_put(files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recordings_are_read_as_expected),
        cmocka_unit_test(test_truncation_is_never_ok),
        cmocka_unit_test(test_recordings_as_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
