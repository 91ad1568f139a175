/* Uploads of profilers of all ages; their files unpacked and checked.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <zlib.h>
#include <zstd.h>

#include "core/base/clock.h"
#include "translators/profiles/pprof.h"
#include "translators/profiles/profile_file.h"
#include "translators/profiles/profile_upload.h"

#define TYPE GW_STR("multipart/form-data; boundary=B")
#define FIELD(name, value) "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_(name, file, value)                                                                             \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"; filename=\"" file "\"\r\n\r\n" value "\r\n"
#define END "--B--\r\n"

static void assert_str(gw_str got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.len ? got.ptr : "", want, got.len);
}

static enum gw_code read_upload(const char *body, struct gw_arena *arena, struct profile_upload *u)
{
    struct gw_err err = {0};
    enum gw_code code = profile_upload_read(TYPE, gw_str_z(body), arena, u, &err);
    if (code)
        assert_true(err.pos <= strlen(body));
    return code;
}

static void version_4(void **state)
{
    struct gw_arena arena;
    struct profile_upload u;
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(
        read_upload(
            FILE_("event", "event.json",
                  "{\"start\":\"2026-11-29T22:30:01.071327735Z\",\"end\":\"2026-11-29T23:30:07+01:00\","
                  "\"family\":\"go\",\"version\":\"4\",\"endpoint_counts\":null,\"info\":{\"a\":[1]},"
                  "\"tags_profiler\":\"service:s\\u0068op,env:prod,version:1.2,runtime-id:ab,host:h,a:b:c\"}")
                FILE_("cpu.pprof", "cpu.pprof", "x") FILE_("metrics.json", "metrics.json", "[]")
                    FILE_("main", "main.jfr", "FLR") END,
            &arena, &u),
        GW_OK);
    assert_str(u.service, "shop");
    assert_str(u.env, "prod");
    assert_str(u.version, "1.2");
    assert_str(u.language, "go");
    assert_str(u.runtime_id, "ab");
    assert_str(u.host, "h");
    assert_int_equal(u.start, INT64_C(1795991401071327735));
    assert_int_equal(u.end, INT64_C(1795991407000000000));
    assert_int_equal(u.tags_n, 6);
    assert_str(u.tags[5], "a:b:c");
    assert_int_equal(u.files_n, 3);
    assert_str(u.files[0].name, "cpu.pprof");
    assert_str(u.files[0].body, "x");
    assert_int_equal(u.files[0].kind, PROFILE_FILE_PPROF);
    assert_int_equal(u.files[1].kind, PROFILE_FILE_OTHER);
    assert_int_equal(u.files[2].kind, PROFILE_FILE_JFR);
    gw_arena_fini(&arena);
}

static void versions_3_and_2(void **state)
{
    struct gw_arena arena;
    struct profile_upload u;
    gw_arena_init(&arena, 1 << 20);
    assert_int_equal(
        read_upload(FIELD("version", "3") FIELD("family", "go") FIELD("start", "2021-02-03T04:05:06Z")
                        FIELD("end", "2021-02-03T04:06:06Z") FIELD("tags[]", "service:old")
                            FIELD("tags[]", "env:test") FILE_("data[cpu.pprof]", "pprof-data", "x") END,
                    &arena, &u),
        GW_OK);
    assert_str(u.service, "old");
    assert_str(u.env, "test");
    assert_int_equal(u.start, INT64_C(1612325106000000000));
    assert_str(u.files[0].name, "cpu.pprof");
    assert_int_equal(u.files[0].kind, PROFILE_FILE_PPROF);
    assert_int_equal(u.event.len, 0);
    assert_int_equal(read_upload(FIELD("recording-start", "2020-02-03T04:05:06.5Z")
                                     FIELD("recording-end", "2020-02-03T04:06:06Z") FIELD("runtime", "nodejs")
                                         FIELD("format", "pprof") FIELD("tags[]", "service:older")
                                             FIELD("types[0]", "cpu") FILE_("data[0]", "pprof", "x") END,
                                 &arena, &u),
                     GW_OK);
    assert_str(u.language, "nodejs");
    assert_int_equal(u.start, INT64_C(1580702706500000000));
    assert_str(u.files[0].name, "pprof");
    assert_int_equal(u.files[0].kind, PROFILE_FILE_PPROF);
    gw_arena_fini(&arena);
}

static void what_is_no_upload(void **state)
{
    static const struct {
        const char *body;
        enum gw_code code;
    } cases[] = {
        {END, GW_BAD_PROFILE},
        {FILE_("event", "event.json", "{}") END, GW_BAD_PROFILE},
        {FILE_("a.pprof", "a.pprof", "x") END, GW_BAD_PROFILE},
        {FILE_("event", "event.json", "{\"start\":") FILE_("a.pprof", "a.pprof", "x") END, GW_BAD_JSON},
        {FILE_("event", "event.json", "[]") FILE_("a.pprof", "a.pprof", "x") END, GW_BAD_PROFILE},
        {FILE_("event", "event.json", "{} x") FILE_("a.pprof", "a.pprof", "x") END, GW_BAD_JSON},
        {"x", GW_BAD_MULTIPART},
    };
    struct profile_upload u;
    struct gw_arena arena;
    gw_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(read_upload(cases[i].body, &arena, &u), cases[i].code);
    gw_arena_fini(&arena);
    gw_arena_init(&arena, 0);
    assert_int_equal(read_upload(FIELD("tags[]", "a:b") END, &arena, &u), GW_BUDGET);
    gw_arena_fini(&arena);
}

/* The upload's start, as a field. */
static int64_t start_of(const char *text)
{
    char body[512];
    struct gw_arena arena;
    struct profile_upload u;
    gw_arena_init(&arena, 1 << 20);
    snprintf(body, sizeof body,
             FIELD("start", "%s") FIELD("end", "2026-01-01T00:00:00Z") FILE_("a", "a.pprof", "x") END, text);
    assert_int_equal(read_upload(body, &arena, &u), GW_OK);
    gw_arena_fini(&arena);
    return u.start;
}

static void times(void **state)
{
    static const char *const bad[] = {"",
                                      "x",
                                      "2026",
                                      "2026-13-01T00:00:00Z",
                                      "2026-02-30T00:00:00Z",
                                      "2026-01-01T24:00:00Z",
                                      "1969-12-31T23:59:59Z",
                                      "2026-01-01T00:00:00+25:00",
                                      "9999-01-01T00:00:00Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(start_of(bad[i]), 0);
    assert_int_equal(start_of("1970-01-01T00:00:01"), GW_SEC);
    assert_int_equal(start_of("1970-01-01T00:00:00.0000000019Z"), 1);
    assert_int_equal(start_of("1970-01-01 01:00:00-0030"), 5400 * GW_SEC);
}

/* --- files --- */

static const char text[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

static size_t gzip(const char *in, size_t n, char *out, size_t room)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in,
                  .avail_in = (uInt)n,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)room};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 8, 0), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

/* As `lz4 -BD --content-size` would: a literal run, a match that repeats itself, then a block as it is. */
static const char lz4[] = "\x04\x22\x4d\x18\x60\x40\x82"
                          "\x06\0\0\0"
                          "\x1f"
                          "a\x01\0\x14"
                          "\0"
                          "\x24\0\0\x80"
                          "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
                          "\0\0\0\0";

static enum gw_code unpack(gw_str file, size_t most, struct otlp_buf *to, gw_str *out)
{
    struct gw_err err = {0};
    *to = (struct otlp_buf){0};
    enum gw_code code = profile_unpack(file, most, to, out, &err);
    if (code)
        assert_true(err.pos <= file.len);
    return code;
}

static void unpacking(void **state)
{
    char gz[256], zst[256];
    size_t n = sizeof text - 1, gz_n = gzip(text, n, gz, sizeof gz),
           zst_n = ZSTD_compress(zst, sizeof zst, text, n, 3);
    const gw_str files[] = {gw_str_n(text, n), gw_str_n(gz, gz_n), gw_str_n(zst, zst_n),
                            gw_str_n(lz4, sizeof lz4 - 1)};
    struct otlp_buf buf;
    gw_str out;
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(profile_packing_of(files[i]), i);
        assert_int_equal(unpack(files[i], n, &buf, &out), GW_OK);
        assert_str(out, text);
        otlp_fini(&buf);
        for (size_t cut = 4; i && cut < files[i].len; cut++) {
            assert_int_equal(unpack(gw_str_n(files[i].ptr, cut), n, &buf, &out), GW_BAD_PROFILE);
            otlp_fini(&buf);
        }
        if (i) {
            assert_int_equal(unpack(files[i], n - 1, &buf, &out), GW_TOO_LARGE);
            otlp_fini(&buf);
            struct gw_budget none = {.limit = 10};
            struct gw_err err;
            buf = (struct otlp_buf){.account = &none};
            assert_int_equal(profile_unpack(files[i], n, &buf, &out, &err), GW_BUDGET);
            otlp_fini(&buf);
        }
    }
}

static void several_members_are_one_file(void **state)
{
    char gz[512];
    struct otlp_buf buf;
    gw_str out;
    size_t n = gzip("one ", 4, gz, sizeof gz);
    n += gzip("two", 3, gz + n, sizeof gz - n);
    assert_int_equal(unpack(gw_str_n(gz, n), 100, &buf, &out), GW_OK);
    assert_str(out, "one two");
    otlp_fini(&buf);
}

/* --- pprof --- */

/* Two types, a sample with two frames, a label; texts "", cpu, ns, main. */
static const char pprof[] = "\x0a\x04\x08\x01\x10\x02"
                            "\x0a\x04\x08\x01\x10\x02"
                            "\x12\x0e\x0a\x02\x01\x01\x12\x02\x05\x06\x1a\x04\x08\x03\x10\x01"
                            "\x1a\x02\x08\x01"
                            "\x22\x08\x08\x01\x10\x01\x22\x02\x08\x01"
                            "\x2a\x04\x08\x01\x10\x03"
                            "\x32\0\x32\x03"
                            "cpu"
                            "\x32\x02"
                            "ns"
                            "\x32\x04"
                            "main"
                            "\x48\x01\x50\x02\x60\x0a";

static void pprof_is_read(void **state)
{
    struct pprof_contents c;
    struct gw_err err = {0};
    assert_int_equal(pprof_check(gw_str_n(pprof, sizeof pprof - 1), &c, &err), GW_OK);
    assert_int_equal(c.sample_types, 2);
    assert_int_equal(c.samples, 1);
    assert_int_equal(c.frames, 2);
    assert_int_equal(c.labels, 1);
    assert_int_equal(c.mappings, 1);
    assert_int_equal(c.locations, 1);
    assert_int_equal(c.lines, 1);
    assert_int_equal(c.functions, 1);
    assert_int_equal(c.strings, 4);
}

static void what_is_no_pprof(void **state)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *words;
    } cases[] = {
        {"", 0, "it is empty"},
        {"\x48\x01", 2, "it has no table of texts"},
        {"\x32\x01x", 3, "the first text of the table is not empty"},
        {"\x32\0\x0a\x02\x08\x01", 6, "a text's number is not in the table"},
        {"\x32\0\x0a\0\x12\x02\x10\x01\x0a\0", 10, "a sample has not one value for each type"},
        {"\x32\0\x48", 3, "it is not protobuf"},
        {"\x32\0\x00\x00", 4, "it is not protobuf"},
        {"\x32\0\x4a\x01x", 5, "a field has another wire type"},
        {"\x32\0\x12\x03\x0a\x01\x80", 7, "a packed number has no end"},
        {"GET / HTTP", 10, "it is not protobuf"},
    };
    struct pprof_contents c;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct gw_err err = {0};
        assert_int_equal(pprof_check(gw_str_n(cases[i].bytes, cases[i].n), &c, &err), GW_BAD_PROFILE);
        assert_true(err.pos <= cases[i].n);
        assert_non_null(strstr(err.what, cases[i].words));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_4),         cmocka_unit_test(versions_3_and_2),
        cmocka_unit_test(what_is_no_upload), cmocka_unit_test(times),
        cmocka_unit_test(unpacking),         cmocka_unit_test(several_members_are_one_file),
        cmocka_unit_test(pprof_is_read),     cmocka_unit_test(what_is_no_pprof),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
