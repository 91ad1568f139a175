/* The join, with what real applications logged beside what their tracers sent: every line that carries an id
 * ends with the trace id that the spans of its recording have by an independent decoder (expected.json), and
 * with its span's; in both orders of arrival. All recordings in DDGATE_SHARED/fixtures (by default ../shared)
 * are read too, where they are.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/translators/logs/log_show.h"

#include <glob.h>
#include <json-c/json.h>
#include <stdio.h>

#include "core/delivery/trace_ids.h"
#include "translators/ddtrace/dd_translate.h"
#include "translators/logs/log_scripts.h"

enum { TRUTHS = 4096, LINES = 4096 };

struct truth {
    uint64_t span, high, low;
};

struct recording {
    const char *folder;
    struct truth spans[TRUTHS];
    size_t spans_n;
    struct gw_trace_ids *ids;
    /* of a log */
    const char *log;
    gw_str lines[LINES];
    size_t lines_n;
};

/* What all recordings gave. */
static size_t joined, unknown, repaired;

static gw_str read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return GW_NOSTR;
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    char *bytes = malloc(len + 1);
    rewind(f);
    assert_int_equal(fread(bytes, 1, len, f), len);
    fclose(f);
    bytes[len] = 0;
    return gw_str_n(bytes, len);
}

static struct json_object *member(struct json_object *o, const char *key)
{
    struct json_object *v = NULL;
    return json_object_object_get_ex(o, key, &v) ? v : NULL;
}

static uint64_t id_of(struct json_object *o, const char *key)
{
    return strtoull(json_object_get_string(member(o, key)), NULL, 10);
}

static uint64_t hex_of(const char *digits, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 4 | (uint64_t)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
    return v;
}

static void learn_span(struct recording *r, struct json_object *span)
{
    const char *wide = json_object_get_string(member(span, "trace_id_128_hex"));
    if (!member(span, "span_id") || r->spans_n == TRUTHS)
        return;
    struct truth *t = &r->spans[r->spans_n++];
    *t = (struct truth){.span = id_of(span, "span_id"), .low = id_of(span, "trace_id")};
    if (wide && strlen(wide) == 32)
        t->high = hex_of(wide, 16);
}

static void read_truth(struct recording *r)
{
    char path[512];
    snprintf(path, sizeof path, "%s/expected.json", r->folder);
    struct json_object *all = json_object_from_file(path);
    r->spans_n = 0;
    if (!all)
        return;
    json_object_object_foreach(all, name, file)
    {
        struct json_object *traces = member(file, "traces");
        for (size_t t = 0; traces && name && t < json_object_array_length(traces); t++) {
            struct json_object *trace = json_object_array_get_idx(traces, t);
            for (size_t s = 0; s < json_object_array_length(trace); s++)
                learn_span(r, json_object_array_get_idx(trace, s));
        }
    }
    json_object_put(all);
}

/* The spans arrive: through the translator, which teaches the table. */
static void send_spans(struct recording *r)
{
    static const struct {
        const char *glob;
        enum dd_format format;
    } bodies[] = {{"v0.3-traces.bin", DD_V04_MSGPACK},
                  {"v0.4-traces.bin", DD_V04_MSGPACK},
                  {"v0.5-traces.bin", DD_V05_MSGPACK}};
    struct dd_options options = {.trace_id_bits = 128};
    struct dd_translator *t = dd_translator_new(&options);
    struct gw_arena arena;
    gw_arena_init(&arena, 64 << 20);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        char pattern[512];
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/*%s", r->folder, bodies[i].glob);
        if (glob(pattern, 0, NULL, &found) != 0)
            continue;
        for (size_t k = 0; k < found.gl_pathc; k++) {
            static struct dd_result result;
            struct dd_request request = {.peer_is_local = true};
            struct dd_env env = {.now = gw_now(), .wall = gw_wall(), .ids = r->ids, .schemas = 1u << GW_OTEL};
            gw_str body = read_file(found.gl_pathv[k]);
            result = (struct dd_result){0};

            if (dd_translate(t, &arena, bodies[i].format, body, &request, &env, &result, NULL) == GW_OK)
                for (size_t n = 0; n < result.frames_n; n++)
                    gw_frame_drop(result.frames[n]);
            gw_arena_reset(&arena, 1 << 20);
            free((void *)(uintptr_t)body.ptr);
        }
        globfree(&found);
    }
    dd_translator_drop(t);
    gw_arena_fini(&arena);
}

/* --- what a line says, found the simplest way --- */

/* The run of digits and letters after the key, without what stands between. */
static gw_str after(gw_str line, const char *key)
{
    const char *at = memmem(line.ptr, line.len, key, strlen(key)), *end = line.ptr + line.len;
    if (!at)
        return GW_NOSTR;
    at += strlen(key);
    while (at < end && (*at == '"' || *at == ':' || *at == '=' || (*at == ' ' && at[-1] != '=')))
        at++;
    const char *from = at;
    while (at < end && ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'f')))
        at++;
    return gw_str_n(from, (size_t)(at - from));
}

static gw_str word(gw_str line, int n)
{
    gw_str w = GW_NOSTR;
    while (n-- >= 0)
        if (!gw_str_next(&line, ' ', &w))
            return GW_NOSTR;
    return w;
}

/* The lower half of the trace id: decimal of any length, or 32 digits of hexadecimal. 0: the line has
 * none. */
static uint64_t low_of(const struct recording *r, gw_str line)
{
    gw_str id = strstr(r->log, "doc001") ? word(line, 5) : after(line, "trace_id");
    uint64_t low = 0;
    if (id.len == 32)
        return hex_of(id.ptr + 16, 16);
    for (size_t i = 0; i < id.len; i++)
        low = low * 10 + (uint64_t)(id.ptr[i] - '0'); /* modulo 2^64: the lower half of 39 digits */
    return low;
}

static const struct truth *truth_of(const struct recording *r, uint64_t low, uint64_t span)
{
    for (size_t i = 0; i < r->spans_n; i++)
        if (r->spans[i].low == low && (!span || r->spans[i].span == span))
            return &r->spans[i];
    return NULL;
}

static uint64_t be64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, 8);
    return __builtin_bswap64(v);
}

static void check_record(const struct recording *r, gw_str line, const show_record *record)
{
    uint64_t low = low_of(r, line),
             span = strtoull(after(line, "span_id").ptr ? after(line, "span_id").ptr : "0", NULL, 10);
    if (!low) {
        assert_int_equal(record->trace_id.len, 0);
        return;
    }
    if (record->trace_id.len != 16)
        print_error("%s: no trace id: %.*s\n", r->log, GW_FMT(line));
    assert_int_equal(record->trace_id.len, 16);
    assert_int_equal(be64(record->trace_id.data + 8), low);
    if (span) {
        assert_int_equal(record->span_id.len, 8);
        assert_int_equal(be64(record->span_id.data), span);
    }
    const struct truth *t = truth_of(r, low, span);
    if (!t) { /* of a trace that was sampled out, or was not sent before the recording ended */
        unknown++;
        return;
    }
    if (be64(record->trace_id.data) != t->high)
        print_error("%s: upper half: %.*s\n", r->log, GW_FMT(line));
    assert_int_equal(be64(record->trace_id.data), t->high);
    joined++;
}

static void check_frame(const struct recording *r, const struct gw_frame *f)
{
    show_logs *logs = opentelemetry__proto__logs__v1__logs_data__unpack(NULL, f->len, f->data);
    size_t n = 0;
    assert_non_null(logs);
    for (size_t i = 0; i < logs->n_resource_logs; i++)
        for (size_t k = 0; k < logs->resource_logs[i]->n_scope_logs; k++)
            for (size_t m = 0; m < logs->resource_logs[i]->scope_logs[k]->n_log_records; m++, n++) {
                const show_record *record = logs->resource_logs[i]->scope_logs[k]->log_records[m];
                assert_in_range(record->observed_time_unix_nano, 1, r->lines_n); /* the number of its line */
                check_record(r, r->lines[record->observed_time_unix_nano - 1], record);
            }
    assert_int_equal(n, r->lines_n);
    opentelemetry__proto__logs__v1__logs_data__free_unpacked(logs, NULL);
}

static void split(struct recording *r, gw_str text)
{
    gw_str line;
    for (r->lines_n = 0; r->lines_n < LINES && gw_str_next(&text, '\n', &line);)
        if (line.len)
            r->lines[r->lines_n++] = line;
}

/* All lines as one frame. */
static struct gw_frame *send_lines(struct recording *r, const char *pipeline, struct log_bed *b)
{
    struct gw_frame *frames[2];
    struct gw_intake intake;
    *b = (struct log_bed){.host = {.ids = r->ids}, .options = {.pipeline = gw_str_z(pipeline)}};
    log_bed_open(b, "file");
    assert_int_equal(gw_diagnostics_errors(b->diagnostics), 0);
    for (size_t i = 0; i < r->lines_n; i++) {
        struct log_input in = {.text = r->lines[i], .observed = i + 1};
        assert_int_equal(log_add(b->batch, &in), GW_OK);
    }
    assert_int_equal(log_finish(b->batch, frames, 2, &intake), 1);
    return frames[0];
}

static void both_orders(struct recording *r, const char *pipeline)
{
    for (int logs_first = 0; logs_first < 2; logs_first++) {
        struct log_bed b;
        r->ids = gw_trace_ids_new(10000, 600 * GW_SEC);
        if (!logs_first)
            send_spans(r);
        struct gw_frame *f = send_lines(r, pipeline, &b);
        if (logs_first)
            send_spans(r);
        (void)gw_frame_complete_ids(f, r->ids, true);
        check_frame(r, f);
        gw_frame_drop(f);
        log_bed_close(&b);
        gw_trace_ids_drop(r->ids);
    }
}

static void check_log(const char *path)
{
    static struct recording r;
    char folder[512];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    r.folder = folder;
    r.log = path;
    gw_str text = read_file(path);
    split(&r, text);
    if (r.lines_n) {
        read_truth(&r);
        both_orders(&r, strstr(path, "doc001") ? "tests/data/pipeline/doc001.p" : "");
        if (strstr(path, "doc001"))
            both_orders(&r, ""); /* it is found without, too */
    }
    free((void *)(uintptr_t)text.ptr);
}

static void check_all(const char *pattern)
{
    glob_t found;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++)
            check_log(found.gl_pathv[i]);
        globfree(&found);
    }
}

static void every_line_meets_its_trace(void **state)
{
    joined = unknown = 0;
    check_all("tests/data/recordings/*/*/app-*.log");
    check_all("tests/data/recordings/*/*/app-*.jsonl");
    print_message("%zu lines joined, %zu of traces that are not in the recording\n", joined, unknown);
    assert_in_range(joined, 360, 100000);
    assert_int_equal(unknown, 0);
}

static void every_recording_there_is(void **state)
{
    char pattern[512];
    const char *shared = getenv("DDGATE_SHARED");
    joined = unknown = 0;
    snprintf(pattern, sizeof pattern, "%s/fixtures/recordings/*/*/app-*.log", shared ? shared : "../shared");
    check_all(pattern);
    snprintf(pattern, sizeof pattern, "%s/fixtures/recordings/*/*/app-*.jsonl",
             shared ? shared : "../shared");
    check_all(pattern);
    print_message("%zu lines joined, %zu of traces that are not in the recording\n", joined, unknown);
}

/* Ids that a JSON logger wrote as doubles, in both orders. */
static void rounded_ids_are_repaired(void **state)
{
    static const char *const lines[] = {
        "{\"dd.trace_id\":9857984778103718000,\"dd.span_id\":5,\"msg\":\"JavaScript\"}",
        "{\"dd.trace_id\":9.857984778103718e+18,\"msg\":\"Go\"}",
        "{\"dd.trace_id\":9857984778103717888,\"msg\":\"C\"}"};
    const uint64_t low = UINT64_C(9857984778103717792);
    for (int logs_first = 0; logs_first < 2; logs_first++)
        for (int i = 0; i < 3; i++) {
            struct gw_trace_ids *ids = gw_trace_ids_new(1000, 600 * GW_SEC);
            struct log_bed b = {.host = {.ids = ids}};
            struct gw_frame *frame;
            struct gw_intake intake;
            struct show s = {.len = 0};
            struct log_input in = {.text = gw_str_z(lines[i]), .observed = 1};
            log_bed_open(&b, "x");
            if (!logs_first)
                gw_trace_ids_learn(ids, low, 0x6b00e75b00000000u, gw_now());
            assert_int_equal(log_add(b.batch, &in), GW_OK);
            assert_int_equal(log_finish(b.batch, &frame, 1, &intake), 1);
            if (logs_first)
                gw_trace_ids_learn(ids, low, 0x6b00e75b00000000u, gw_now());
            assert_int_equal(gw_frame_complete_ids(frame, ids, true), 0);
            dump_frame(&s, frame);
            assert_non_null(strstr(s.text, "trace:6b00e75b0000000088ce98ed04147fa0"));
            gw_frame_drop(frame);
            log_bed_close(&b);
            gw_trace_ids_drop(ids);
            repaired++;
        }
    assert_int_equal(repaired, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_line_meets_its_trace),
        cmocka_unit_test(every_recording_there_is),
        cmocka_unit_test(rounded_ids_are_repaired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
