/* Bodies of log requests: every form, cut where the records are, refused where they are not well-formed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "gateway/receivers/log_http/http_log_formats.h"

enum { ROOM = 1 << 20 };

/* What came out, a line a record: form, time, severity, source, host, attributes, cut, text. */
struct sheet {
    char *text;
    size_t len;
};

static void put(struct sheet *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct sheet *s, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(s->text + s->len, ROOM - s->len, fmt, args);
    va_end(args);
    s->len += (size_t)n;
    assert_true(s->len < ROOM);
}

static void show(void *to, const struct log_input *in)
{
    struct sheet *s = to;
    put(s, "%s", in->form == LOG_ITEM ? "item" : "text");
    if (in->time)
        put(s, " @%llu", (unsigned long long)in->time);
    if (in->severity)
        put(s, " %d %.*s", in->severity, GW_FMT(in->severity_text));
    if (in->source.len)
        put(s, " of %.*s", GW_FMT(in->source));
    if (in->host.len)
        put(s, " on %.*s", GW_FMT(in->host));
    for (size_t i = 0; i < in->attrs_n; i++)
        if (in->attrs[i].is_int)
            put(s, " %.*s=%lld", GW_FMT(in->attrs[i].key), (long long)in->attrs[i].number);
        else
            put(s, " %.*s=%.*s", GW_FMT(in->attrs[i].key), GW_FMT(in->attrs[i].text));
    if (in->cut)
        put(s, " -%llu", (unsigned long long)in->cut);
    put(s, ": %.*s\n", GW_FMT(in->text));
}

struct result {
    enum gw_code code;
    struct gw_err err;
    uint64_t records;
    char *text;
};

/* Looks, then takes, as the receiver does; both must say the same. */
static struct result read_body(enum http_log_form form, gw_str text, size_t max, uint64_t precision)
{
    struct gw_arena arena;
    struct log_input like = {.form = LOG_TEXT};
    struct sheet sheet = {calloc(1, ROOM), 0};
    struct result r = {.text = sheet.text};
    uint64_t records;
    gw_arena_init(&arena, ROOM);
    struct http_log body = {.form = form,
                            .text = text,
                            .precision = precision,
                            .max_record = max,
                            .like = &like,
                            .arena = &arena};
    r.code = http_log_read(&body, NULL, NULL, &r.records, &r.err);
    if (r.code == GW_OK) {
        assert_int_equal(http_log_read(&body, show, &sheet, &records, &r.err), GW_OK);
        assert_int_equal(records, r.records);
    }
    gw_arena_fini(&arena);
    return r;
}

static void good(enum http_log_form form, const char *text, const char *want)
{
    struct result r = read_body(form, gw_str_z(text), 1000, 0);
    if (r.code)
        fail_msg("%s: %s at %zu: %s", text, gw_code_id(r.code), r.err.pos, r.err.what);
    assert_string_equal(r.text, want);
    free(r.text);
}

static void bad(enum http_log_form form, const char *text, enum gw_code code, size_t pos, uint64_t records)
{
    struct result r = read_body(form, gw_str_z(text), 1000, 0);
    if (r.code != code || r.err.pos != pos || r.records != records)
        fail_msg("%s: %s at %zu with %llu records: %s", text, gw_code_id(r.code), r.err.pos,
                 (unsigned long long)r.records, r.err.what);
    free(r.text);
}

static void json(void **state)
{
    good(HTTP_LOG_JSON, "[{\"message\":\"a\"}, {\"b\":[1,{\"c\":null}]}]",
         "item: {\"message\":\"a\"}\nitem: {\"b\":[1,{\"c\":null}]}\n");
    good(HTTP_LOG_JSON, " {\"a\":1} ", "item: {\"a\":1}\n");
    good(HTTP_LOG_JSON, "{\"a\":1}\n{\"b\":2}\r\n{\"c\":3}{\"d\":4}",
         "item: {\"a\":1}\nitem: {\"b\":2}\nitem: {\"c\":3}\nitem: {\"d\":4}\n");
    good(HTTP_LOG_JSON, "[{\"a\":1}][{\"b\":2}]", "item: {\"a\":1}\nitem: {\"b\":2}\n");
    good(HTTP_LOG_JSON, "[\"one\\u00e9\\n\", {\"a\":1}]\"two\"",
         "text: one\xc3\xa9\n\nitem: {\"a\":1}\ntext: two\n");
    good(HTTP_LOG_JSON, "\xEF\xBB\xBF{\"a\":1}", "item: {\"a\":1}\n");
    good(HTTP_LOG_JSON, "{\"id\":12345678901234567890,\"x\":\"\xff\"}",
         "item: {\"id\":12345678901234567890,\"x\":\"\xff\"}\n");
}

static void probes_are_no_records(void **state)
{
    static const char *const probes[] = {"", " ", "[]", "{}", "{ \n}", "[{}, {}]", "[\"\"]", "[] {} []"};
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++)
        good(HTTP_LOG_JSON, probes[i], "");
    good(HTTP_LOG_LINES, "\n\r\n\n", "");
    good(HTTP_LOG_LOGPLEX, " \n", "");
    good(HTTP_LOG_FIRELENS, "[]", "");
    good(HTTP_LOG_LINE_PROTOCOL, "# nothing\n\n", "");
    good(HTTP_LOG_LINE_PROTOCOL, "\xEF\xBB\xBF", "");
    for (int form = HTTP_LOG_JSON; form <= HTTP_LOG_POINTS_JSON; form++) {
        struct result r = read_body((enum http_log_form)form, GW_NOSTR, 1000, 0);
        assert_int_equal(r.code, GW_OK);
        assert_int_equal(r.records, 0);
        free(r.text);
    }
}

/* The place of the mistake, and how many records were seen with it: so many are refused. */
static void malformed_json(void **state)
{
    bad(HTTP_LOG_JSON, "[{\"message\":\"a\"}, {]", GW_BAD_JSON, 19, 2);
    bad(HTTP_LOG_JSON, "{\"message\":\"a\"", GW_BAD_JSON, 14, 1);
    bad(HTTP_LOG_JSON, "[{\"a\":1},]", GW_BAD_JSON, 9, 2);
    bad(HTTP_LOG_JSON, "{\"a\":1},{\"b\":2}", GW_BAD_JSON, 7, 2);
    bad(HTTP_LOG_JSON, "hello", GW_BAD_JSON, 0, 1);
    bad(HTTP_LOG_JSON, "[{\"a\":1}, 12]", GW_BAD_JSON, 10, 2);
    bad(HTTP_LOG_JSON, "[[{\"a\":1}]]", GW_BAD_JSON, 1, 1);
    bad(HTTP_LOG_JSON, "null", GW_BAD_JSON, 0, 1);
    bad(HTTP_LOG_JSON, "{\"a\":\"\\q\"}", GW_BAD_JSON, 6, 1);
    bad(HTTP_LOG_JSON, "[{\"a\":1}", GW_BAD_JSON, 8, 2);
}

static void lines(void **state)
{
    good(HTTP_LOG_LINES, "one\ntwo\r\n\nthree", "text: one\ntext: two\ntext: three\n");
    good(HTTP_LOG_LINES, "{\"message\":\"a\"}\n", "text: {\"message\":\"a\"}\n");
    struct result r = read_body(HTTP_LOG_LINES, GW_STR("a\0b\n"), 1000, 0);
    assert_int_equal(r.records, 1);
    free(r.text);
}

static void long_records_are_truncated_and_marked(void **state)
{
    struct result r =
        read_body(HTTP_LOG_LINES, GW_STR("0123456789abcd\nshort\n01234567\xe4\xb8\xad\n"), 10, 0);
    assert_string_equal(r.text, "text -4: 0123456789\ntext: short\ntext -3: 01234567\n");
    free(r.text);
    /* the longest text of an item is cut, between its characters; what stands around it stays */
    r = read_body(HTTP_LOG_JSON, GW_STR("{\"id\":\"7\",\"message\":\"0123456789abcdef\",\"x\":1}"), 40, 0);
    assert_string_equal(r.text, "item -5: {\"id\":\"7\",\"message\":\"0123456789a\",\"x\":1}\n");
    free(r.text);
    r = read_body(HTTP_LOG_JSON, GW_STR("{\"id\":\"7\",\"message\":\"012345678\\u00e9\\\"def\",\"x\":1}"), 40,
                  0);
    assert_string_equal(r.text, "item -11: {\"id\":\"7\",\"message\":\"012345678\",\"x\":1}\n");
    free(r.text);
    r = read_body(HTTP_LOG_JSON, GW_STR("{\"message\":\"01234567\\ud83d\\ude00\xe4\xb8\xad\"}"), 34, 0);
    assert_string_equal(r.text, "item -3: {\"message\":\"01234567\\ud83d\\ude00\"}\n");
    free(r.text);
    /* neither what is no UTF-8 nor half of a pair takes a part of the escape behind it along */
    r = read_body(HTTP_LOG_JSON, GW_STR("{\"message\":\"0123456\xef\\ude00xyz\"}"), 24, 0);
    assert_string_equal(r.text, "item -9: {\"message\":\"0123456\xef\"}\n");
    free(r.text);
    r = read_body(HTTP_LOG_JSON, GW_STR("{\"message\":\"0123456\\ud83dabcde\\\"xyz\"}"), 33, 0);
    assert_string_equal(r.text, "item -5: {\"message\":\"0123456\\ud83dabcde\"}\n");
    free(r.text);
    /* no text is long enough: it stays as it is, without its end */
    r = read_body(HTTP_LOG_JSON, GW_STR("{\"a\":[1,2,3,4,5,6,7,8,9],\"b\":\"cd\"}"), 20, 0);
    assert_string_equal(r.text, "text -14: {\"a\":[1,2,3,4,5,6,7,\n");
    free(r.text);
    r = read_body(HTTP_LOG_JSON, GW_STR("[\"0123456789abc\"]"), 10, 0);
    assert_string_equal(r.text, "text -3: 0123456789\n");
    free(r.text);
}

static void logplex(void **state)
{
    good(HTTP_LOG_LOGPLEX,
         "83 <40>1 2012-11-30T06:45:29+00:00 host app web.3 - State changed from starting to up\n"
         "63 <134>1 2012-11-30T06:45:26.123456+02:00 d.1 heroku router a1 x=",
         "text @1354257929000000000 21 emerg on host syslog.facility=5 syslog.appname=app "
         "syslog.procid=web.3: "
         "State changed from starting to up\n"
         "text @1354250726123456000 9 info on d.1 syslog.facility=16 syslog.appname=heroku "
         "syslog.procid=router syslog.msgid=a1: x=\n");
    good(HTTP_LOG_LOGPLEX, "5 hello 3 <1>", "text: hello\ntext: <1>\n");
    good(HTTP_LOG_LOGPLEX, "12 <999>1 a b c", "text: <999>1 a b c\n");
    good(HTTP_LOG_LOGPLEX, "25 <11>1 - - - - - two words", "text 17 err syslog.facility=1: two words\n");
    bad(HTTP_LOG_LOGPLEX, "5 hello 99999999 x", GW_BAD_LOGPLEX, 8, 2);
    bad(HTTP_LOG_LOGPLEX, "5 hello 999999999 x", GW_BAD_LOGPLEX, 8, 2);
    bad(HTTP_LOG_LOGPLEX, "hello", GW_BAD_LOGPLEX, 0, 1);
    bad(HTTP_LOG_LOGPLEX, "-1 x", GW_BAD_LOGPLEX, 0, 1);
}

static void firelens(void **state)
{
    good(HTTP_LOG_FIRELENS,
         "[{\"date\":1700000000.123456789,\"log\":\"GET "
         "/\\n\",\"source\":\"stdout\",\"n\":[1]},{\"date\":1700000001,\"x\":1},"
         "{\"date\":\"yesterday\",\"log\":\"b\"},{\"date\":1e9,\"log\":\"c\"}]",
         "item @1700000000123456789: {\"message\":\"GET /\\n\",\"firelens_source\":\"stdout\",\"n\":[1]}\n"
         "item @1700000001000000000: {\"x\":1}\n"
         "item: {\"date\":\"yesterday\",\"message\":\"b\"}\n"
         "item: {\"date\":1e9,\"message\":\"c\"}\n");
    good(HTTP_LOG_FIRELENS, "no json\nat all", "text: no json\nat all\n");
    good(HTTP_LOG_FIRELENS, "{\"log\":\"x\"}", "text: {\"log\":\"x\"}\n");
    good(HTTP_LOG_FIRELENS, "[{\"log\":\"x\"}, 1]", "text: [{\"log\":\"x\"}, 1]\n");
}

static void points(void **state)
{
    good(HTTP_LOG_LINE_PROTOCOL,
         "nginx,host=web-1,ser\\ vice=a\\,b\\=c message=\"say \\\"hi\\\"\\\\ "
         "\\n\n2nd\",status=\"info\",code=200i,u=7u,up=T,load=0.5 "
         "1700000000\n"
         "# a comment\r\n"
         "b f=-3 1700000000123\r\n"
         "c f=false,g=1e30,h=0002i,i=-007,j=18446744073709551615u\n"
         "d f=1 1700000000123456\n"
         "e f=1 1700000000123456789",
         "item @1700000000000000000 of nginx: {\"host\":\"web-1\",\"ser vice\":\"a,b=c\",\"message\":\"say "
         "\\\"hi\\\"\\\\ \\\\n\\n2nd\","
         "\"status\":\"info\",\"code\":200,\"u\":7,\"up\":true,\"load\":0.5}\n"
         "item @1700000000123000000 of b: {\"f\":-3}\n"
         "item of c: {\"f\":false,\"g\":1e+30,\"h\":2,\"i\":-7,\"j\":18446744073709551615}\n"
         "item @1700000000123456000 of d: {\"f\":1}\n"
         "item @1700000000123456789 of e: {\"f\":1}\n");
    struct result r = read_body(HTTP_LOG_LINE_PROTOCOL, GW_STR("a f=1 5"), 1000, UINT64_C(3600000000000));
    assert_string_equal(r.text, "item @18000000000000 of a: {\"f\":1}\n");
    free(r.text);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=1\nb", GW_BAD_POINTS, 7, 2);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=", GW_BAD_POINTS, 4, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, "a,b f=1", GW_BAD_POINTS, 3, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=\"x", GW_BAD_POINTS, 6, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=1 x", GW_BAD_POINTS, 7, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=1 1 2", GW_BAD_POINTS, 8, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=nope", GW_BAD_POINTS, 8, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, "a f=1 99999999999999999999", GW_BAD_POINTS, 26, 1);
    bad(HTTP_LOG_LINE_PROTOCOL, ",a=b f=1", GW_BAD_POINTS, 0, 1);
}

static void points_as_json(void **state)
{
    (void)state;
    good(HTTP_LOG_POINTS_JSON,
         "[{\"measurement\":\"nginx\",\"tags\":{\"host\":\"a\"},\"fields\":{\"message\":\"x\\ny\",\"n\":[1]},"
         "\"time\":1700000000},{\"fields\":{\"f\":1},\"measurement\":\"b\",\"tags\":null,\"other\":{}}]",
         "item @1700000000000000000 of nginx: {\"host\":\"a\",\"message\":\"x\\ny\",\"n\":[1]}\n"
         "item of b: {\"f\":1}\n");
    good(HTTP_LOG_POINTS_JSON, "{\"measurement\":\"a\",\"fields\":{\"f\":1}}", "item of a: {\"f\":1}\n");
    bad(HTTP_LOG_POINTS_JSON, "[{\"fields\":{\"f\":1}}]", GW_BAD_JSON, 19, 1);
    bad(HTTP_LOG_POINTS_JSON, "[{\"measurement\":1}]", GW_BAD_JSON, 16, 1);
    bad(HTTP_LOG_POINTS_JSON, "[{\"measurement\":\"a\",\"fields\":[]}]", GW_BAD_JSON, 32, 1);
    bad(HTTP_LOG_POINTS_JSON, "[{\"measurement\":\"a\",\"fields\":{\"f\":1},\"time\":\"now\"}]", GW_BAD_JSON,
        49, 1);
    bad(HTTP_LOG_POINTS_JSON, "[1]", GW_BAD_JSON, 1, 1);
}

/* A record needs more than a request may have: refused, and nothing is left behind. */
static void a_spent_arena_is_an_error(void **state)
{
    struct gw_arena arena;
    struct log_input like = {.form = LOG_TEXT};
    struct gw_err err;
    uint64_t records;
    char *big = malloc(300000);
    memset(big, 'x', 300000);
    memcpy(big, "a f=\"", 5);
    big[299999] = '"';
    gw_arena_init(&arena, 100000);
    struct http_log body = {.form = HTTP_LOG_LINE_PROTOCOL,
                            .text = gw_str_n(big, 300000),
                            .max_record = 1000,
                            .like = &like,
                            .arena = &arena};
    assert_int_equal(http_log_read(&body, NULL, NULL, &records, &err), GW_BUDGET);
    gw_arena_fini(&arena);
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json),
        cmocka_unit_test(probes_are_no_records),
        cmocka_unit_test(malformed_json),
        cmocka_unit_test(lines),
        cmocka_unit_test(long_records_are_truncated_and_marked),
        cmocka_unit_test(logplex),
        cmocka_unit_test(firelens),
        cmocka_unit_test(points),
        cmocka_unit_test(points_as_json),
        cmocka_unit_test(a_spent_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
