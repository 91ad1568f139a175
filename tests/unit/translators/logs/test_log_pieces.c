/* What records are read with, piece by piece: ids, levels, times, keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/logs/log_attrs.h"
#include "translators/logs/log_ids.h"
#include "translators/logs/log_keys.h"
#include "translators/logs/log_severity.h"
#include "translators/logs/log_time.h"

static void trace_ids(void **state)
{
    static const struct {
        const char *text;
        enum log_id is;
        uint64_t high, low;
    } rows[] = {
        {"", LOG_ID_NONE, 0, 0},
        {"0", LOG_ID_NONE, 0, 0},
        {"00000000000000000000000000000000", LOG_ID_NONE, 0, 0},
        {"6b00e75b00000000290c438ab8ca0a10", LOG_ID_GOOD, 0x6b00e75b00000000, 0x290c438ab8ca0a10},
        {"6B00E75B00000000290C438AB8CA0A10", LOG_ID_GOOD, 0x6b00e75b00000000, 0x290c438ab8ca0a10},
        /* 32 digits: hexadecimal */
        {"12345678901234567890123456789012", LOG_ID_GOOD, 0x1234567890123456, 0x7890123456789012},
        /* 16 that may be decimal: decimal */
        {"1234567890123456", LOG_ID_GOOD, 0, 1234567890123456},
        {"0234567890123456", LOG_ID_GOOD, 0, 0x0234567890123456},
        {"123456789012345a", LOG_ID_GOOD, 0, 0x123456789012345a},
        {"18446744073709551615", LOG_ID_GOOD, 0, UINT64_MAX},
        {"18446744073709551616", LOG_ID_GOOD, 1, 0},
        {"99999999999999999999", LOG_ID_GOOD, 5, 7766279631452241919},
        {"340282366920938463463374607431768211455", LOG_ID_GOOD, UINT64_MAX, UINT64_MAX},
        {"340282366920938463463374607431768211456", LOG_ID_BAD, 0, 0},
        {"142291633139110412229374361243133520400", LOG_ID_GOOD, 0x6b0c5f28603c0afe, 0xe7b7c75b9e99aa10},
        {"1234567890123456789012345678901234567890", LOG_ID_BAD, 0, 0},
        {"12x", LOG_ID_BAD, 0, 0},
        {"12345678x", LOG_ID_BAD, 0, 0},
        {"-5", LOG_ID_BAD, 0, 0},
        {"6b00e75b", LOG_ID_BAD, 0, 0},
        {"6b00e75b0000000g", LOG_ID_BAD, 0, 0},
        {"1234567890123456789x", LOG_ID_BAD, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct log_trace got;
        enum log_id is = log_trace_id(gw_str_z(rows[i].text), &got);
        if (is != rows[i].is || got.high != rows[i].high || got.low != rows[i].low)
            fail_msg("%s: %d %llx %llx", rows[i].text, is, (unsigned long long)got.high,
                     (unsigned long long)got.low);
    }
}

static void span_ids(void **state)
{
    uint64_t id = 1;
    assert_int_equal(log_span_id(GW_STR("18446744073709551615"), &id), LOG_ID_GOOD);
    assert_true(id == UINT64_MAX);
    assert_int_equal(log_span_id(GW_STR("1cadbebeb08c0ce5"), &id), LOG_ID_GOOD);
    assert_true(id == 0x1cadbebeb08c0ce5);
    assert_int_equal(log_span_id(GW_STR("18446744073709551616"), &id), LOG_ID_BAD);
    assert_int_equal(log_span_id(GW_STR("6b00e75b00000000290c438ab8ca0a10"), &id), LOG_ID_BAD);
    assert_int_equal(log_span_id(GW_STR("0"), &id), LOG_ID_NONE);
    assert_true(id == 0);
}

static void ids_anywhere(void **state)
{
    struct log_marks m;
    assert_true(log_ids_find(
        GW_STR("x dd.trace_id: \"12\", dd.span_id='3' dd.service=a.b, dd_env=e;dd.version=\"1 2\""), &m));
    assert_string_equal(m.trace.ptr, "12\", dd.span_id='3' dd.service=a.b, dd_env=e;dd.version=\"1 2\"");
    assert_true(gw_str_eq(m.trace, GW_STR("12")) && gw_str_eq(m.span, GW_STR("3")) &&
                gw_str_eq(m.service, GW_STR("a.b")));
    assert_true(gw_str_eq(m.env, GW_STR("e")) && gw_str_eq(m.version, GW_STR("1")));
    assert_true(log_ids_find(GW_STR("trace_id=0 then trace_id=5"), &m)); /* the first that is one */
    assert_true(gw_str_eq(m.trace, GW_STR("5")));
    assert_true(log_ids_find(GW_STR("trace_id=7 dd.trace_id=8 span_id=9 dd_span_id=10"), &m)); /* dd. first */
    assert_true(gw_str_eq(m.trace, GW_STR("8")) && gw_str_eq(m.span, GW_STR("10")));
    assert_true(log_ids_find(GW_STR("{\"_dd.trace_id\":\"8\", traceId: 9, spanId=3, mdc.dd.span_id=4}"), &m));
    assert_true(gw_str_eq(m.trace, GW_STR("8")) && gw_str_eq(m.span, GW_STR("4")));
    assert_true(log_ids_find(GW_STR("traceId=9 spanId=3"), &m));
    assert_true(gw_str_eq(m.trace, GW_STR("9")) && gw_str_eq(m.span, GW_STR("3")));
    assert_false(
        log_ids_find(GW_STR("parent_trace_id=5 upstream_trace_id=6 parent_span_id=7 rootTraceId=8 "
                            "x.trace_id=4 parentSpanId=1 old_dd_trace_id=3 _trace_id=2 parent.trace_id=1"),
                     &m));
    assert_false(log_ids_find(GW_STR("my_strace_id=5 user_id=6 trace_idea=7 trace_id"), &m));
    assert_false(log_ids_find(GW_STR("_i"), &m));
    assert_false(log_ids_find(GW_STR(""), &m));
}

static void levels(void **state)
{
    assert_int_equal(log_severity_word(GW_STR("WARNING")), 13);
    assert_int_equal(log_severity_word(GW_STR("Informational")), 9);
    assert_int_equal(log_severity_word(GW_STR("emerg")), 21);
    assert_int_equal(log_severity_word(GW_STR("Alert")), 19);
    assert_int_equal(log_severity_word(GW_STR("CRITICAL")), 18);
    assert_int_equal(log_severity_word(GW_STR("notice")), 10);
    assert_int_equal(log_severity_word(GW_STR("DEBUG-4")), 1);
    assert_int_equal(log_severity_word(GW_STR("ERROR+3")), 20);
    assert_int_equal(log_severity_word(GW_STR("ERROR+99")), 0);
    assert_int_equal(log_severity_word(GW_STR("")), 0);
    assert_int_equal(log_severity_word(GW_STR("information!!!!")), 0);
    gw_str word;
    assert_int_equal(log_severity_number(50, false, &word), 17);
    assert_true(gw_str_eq(word, GW_STR("error")));
    assert_int_equal(log_severity_number(3, true, &word), 17);
    assert_true(gw_str_eq(word, GW_STR("err")));
    assert_int_equal(log_severity_plain(GW_STR("Warning")), 13);
    assert_int_equal(log_severity_plain(GW_STR("http")), 0);
    assert_int_equal(log_severity_plain(GW_STR("config")), 0);
    assert_int_equal(log_severity_plain(GW_STR("E")), 0);
    static const int syslog[] = {21, 19, 18, 17, 13, 10, 9, 5}, tens[] = {1, 5, 9, 13, 17, 21},
                     python[] = {5, 9, 13, 17, 18, 0};
    for (int i = 0; i < 8; i++)
        assert_int_equal(log_severity_number(i, i & 1, &word), syslog[i]);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(log_severity_number(10 + 10 * i, false, &word), tens[i]);
        assert_int_equal(log_severity_number(10 + 10 * i, true, &word), python[i]);
    }
    assert_int_equal(log_severity_number(200, false, &word), 0);
    assert_int_equal(log_severity_number(-1, false, &word), 0);
    assert_int_equal(log_severity_number(8, false, &word), 0);
}

static const uint64_t NOW = 1795221339000000000u;

static void times_in_front(void **state)
{
    static const struct {
        const char *text, *zone;
        size_t taken;
        uint64_t ns;
    } rows[] = {
        {"2026-11-21 00:35:39,530 x", "UTC", 23, 1795221339530000000u},
        {"2026-11-21 00:35:39", "Asia/Shanghai", 19, 1795192539000000000u},
        {"2026-11-21T00:35:39.123456789Z", "Asia/Shanghai", 30, 1795221339123456789u},
        {"2026-11-21T00:35:39.1234567891Z", "UTC", 31, 1795221339123456789u},
        {"2026-11-21T00:35:39+08:00 x", "UTC", 25, 1795192539000000000u},
        {"2026-11-21 00:35:39:530 -0330] x", "UTC", 29, 1795233939530000000u},
        {"2026/11/21 00:35:39 x", "UTC", 19, 1795221339000000000u},
        {"2026-11-21 00:35:39 UTC x", "Asia/Shanghai", 23, 1795221339000000000u},
        {"2026-07-01 12:00:00 x", "America/New_York", 19, 1782921600000000000u}, /* summer */
        {"2026-12-01 12:00:00 x", "America/New_York", 19, 1796144400000000000u},
        {"2026-11-01 01:30:00 x", "America/New_York", 19, 1793511000000000000u}, /* the first of two */
        {"2024-02-29 00:00:00", "UTC", 19, 1709164800000000000u},
        {"2026-02-29 00:00:00", "UTC", 0, 0},
        {"2026-11-21 24:35:39", "UTC", 0, 0},
        {"1926-11-21 00:35:39", "UTC", 0, 0},
        {"2026-11-21 00:35:3", "UTC", 18, 1795221303000000000u},
        {"2026-11-21 00:35:390", "UTC", 0, 0},
        {"2554-07-21 23:34:32Z x", "UTC", 20, 18446744072000000000u},
        {"2554-07-21 23:34:33Z x", "UTC", 0, 0}, /* OTLP has no room for it */
        {"9999-12-31 23:59:59 x", "UTC", 0, 0},
        {"2021-05-31 15:23:45.110 GMT [1]", "Asia/Shanghai", 27, 1622474625110000000u},
        {"2021-05-31 15:23:45.110+08 x", "UTC", 26, 1622445825110000000u},
        {"2021-05-31T15:23:45Z[UTC] x", "Asia/Shanghai", 25, 1622474625000000000u},
        {"Nov 21 00:35:39 x", "UTC", 15, 1795221339000000000u},
        {"2026-11-21x00:35:39", "UTC", 0, 0},
        {"", "UTC", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct log_clock c;
        log_clock_init(&c, zone_find(gw_str_z(rows[i].zone)));
        for (int again = 0; again < 2; again++) { /* the second time from memory */
            uint64_t ns = 0;
            size_t n = log_time_front(&c, gw_str_z(rows[i].text), NOW, &ns);
            if (n != rows[i].taken || (n && ns != rows[i].ns))
                fail_msg("%s: %zu bytes, %llu", rows[i].text, n, (unsigned long long)ns);
        }
    }
}

static void times_alone(void **state)
{
    struct log_clock c;
    uint64_t ns, now = 1795221339000000000u;
    log_clock_init(&c, zone_utc());
    assert_true(log_time_text(&c, GW_STR("Sat, 21 Nov 2026 00:35:39 GMT"), now, &ns) &&
                ns == 1795221339000000000u);
    assert_true(log_time_text(&c, GW_STR("1795221339530"), now, &ns) && ns == 1795221339530000000u);
    assert_true(log_time_text(&c, GW_STR("1795221339.5"), now, &ns) && ns == 1795221339500000000u);
    assert_true(log_time_number(GW_STR("1795221339123456"), 1795221339123456.0, &ns) &&
                ns == 1795221339123456000u);
    assert_true(log_time_number(GW_STR("1795221339123456789"), 1795221339123456789.0, &ns) &&
                ns == 1795221339123456789u);
    assert_true(log_time_text(&c, GW_STR(" 2021-05-31 15:23:45 -03 "), now, &ns) &&
                ns == 1622485425000000000u);
    assert_false(log_time_text(&c, GW_STR("2600-01-01T00:00:00Z"), now, &ns));
    assert_false(log_time_text(&c, GW_STR("9999-12-31T23:59:59Z"), now, &ns));
    assert_false(log_time_text(&c, GW_STR("Fri, 31 Dec 9999 23:59:59 GMT"), now, &ns));
    assert_false(log_time_number(GW_STR("0.25"), 0.25, &ns));
    assert_false(log_time_number(GW_STR("-1"), -1, &ns));
    assert_false(log_time_number(GW_STR("1e300"), 1e300, &ns));
    assert_false(log_time_text(&c, GW_STR("not a time"), now, &ns));
    assert_false(log_time_text(&c, GW_STR("1970-01-01T00:00:00Z"), now, &ns));
}

static void keys_have_places(void **state)
{
    assert_int_equal(log_key_find(GW_NOSTR, GW_STR("dd.trace_id")).role, ROLE_TRACE);
    assert_int_equal(log_key_find(GW_STR("dd."), GW_STR("trace_id")).role, ROLE_TRACE);
    assert_int_equal(log_key_find(GW_STR("mdc."), GW_STR("dd.span_id")).role, ROLE_SPAN);
    assert_int_equal(log_key_find(GW_STR("context.dd."), GW_STR("service")).role, ROLE_SERVICE);
    assert_int_equal(log_key_find(GW_STR("?."), GW_STR("message")).role, ROLE_NONE);
    assert_int_equal(log_key_find(GW_STR("dd."), GW_STR("message")).role, ROLE_NONE);
    assert_int_equal(log_key_find(GW_NOSTR, GW_STR("")).role, ROLE_NONE);
    assert_int_equal(log_key_find(GW_NOSTR, GW_STR("messag")).role, ROLE_NONE);
    assert_true(log_key_find(GW_NOSTR, GW_STR("message")).rank < log_key_find(GW_NOSTR, GW_STR("msg")).rank);
}

/* Every key once, however many there are. */
static void keys_stand_once(void **state)
{
    enum { KEYS = 5000 };
    struct gw_arena arena;
    static struct log_attrs a;
    static char names[KEYS][8];
    gw_arena_init(&arena, 1 << 24);
    log_attrs_begin(&a, &arena);
    for (int i = 0; i < KEYS; i++) {
        snprintf(names[i], sizeof names[i], "k%d", i);
        assert_true(log_attrs_claim(&a, gw_str_z(names[i])));
        assert_false(log_attrs_claim(&a, gw_str_z(names[i / 2])));
    }
    log_attrs_begin(&a, &arena);
    assert_true(log_attrs_claim(&a, GW_STR("k7")));
    assert_true(log_attrs_claim(&a, GW_NOSTR));
    assert_false(log_attrs_claim(&a, GW_STR("")));
    struct log_attrs_mark mark = log_attrs_here(&a);
    log_attrs_text(&a, GW_STR("undone"), GW_STR("v"));
    log_attrs_back(&a, mark);
    assert_int_equal(a.w.len, 0);
    assert_true(log_attrs_claim(&a, GW_STR("undone")));
    otlp_fini(&a.w);
    gw_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trace_ids),        cmocka_unit_test(span_ids),        cmocka_unit_test(ids_anywhere),
        cmocka_unit_test(levels),           cmocka_unit_test(times_in_front),  cmocka_unit_test(times_alone),
        cmocka_unit_test(keys_have_places), cmocka_unit_test(keys_stand_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
