/* Events, native and in a tag, and the exception event.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_events.h"

#include "tests/unit/translators/otlp/otlp_show.h"

static struct gw_arena arena;
static struct otlp_buf w;
static struct show shown;

static void json_becomes_events_only_when_it_is_events(void **state)
{
    static const struct {
        const char *json;
        enum dd_tag_fate fate;
        bool exception;
        const char *events;
    } cases[] = {
        {"[{\"name\": \"evt.one\", \"time_unix_nano\": 1700000000000000001, \"attributes\": {\"s\": \"str\", "
         "\"i\": 12, \"f\": 2.5, \"b\": "
         "true, "
         "\"arr\": [\"a\", \"b\"], \"ai\": [1, 2], \"af\": [1.0, 2.5]}}, {\"name\": \"evt.two\", "
         "\"time_unix_nano\": 1795221339544921432}]",
         DD_TAG_TAKEN, false,
         "event \"evt.one\" at 1700000000000000001 {s=\"str\" i=12 f=2.5 b=true arr=[\"a\" \"b\"] ai=[1 2] "
         "af=[1.0 2.5]} | "
         "event \"evt.two\" at 1795221339544921432 {}"},
        {"[{\"time_unix_nano\":1.7e18,\"name\":\"exception\",\"attributes\":{\"exception.type\":\"E\",\"n\":"
         "NaN},\"x\":{}}]",
         DD_TAG_TAKEN, true, "event \"exception\" at 1700000000000000000 {exception.type=\"E\" n=nan}"},
        {"[{\"name\":\"\",\"time_unix_nano\":0,\"attributes\":null}]", DD_TAG_TAKEN, false,
         "event \"\" at 0 {}"},
        {"[{\"name\":\"n\",\"time_unix_nano\":1.6}]", DD_TAG_TAKEN, false, "event \"n\" at 2 {}"},
        {"[{\"name\":\"n\",\"time_unix_nano\":18446744073709551615}]", DD_TAG_TAKEN, false,
         "event \"n\" at 18446744073709551615 {}"},
        {"", DD_TAG_TAKEN, false, ""},
        {"[]", DD_TAG_KEPT, false, ""},
        {"my party", DD_TAG_KEPT, false, ""},
        {"3", DD_TAG_KEPT, false, ""},
        {"[1,2]", DD_TAG_KEPT, false, ""},
        {"[1,2", DD_TAG_KEPT, false, ""},
        {"[{\"id\":1}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"exception\"}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":1,\"time_unix_nano\":1}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":-1}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":NaN}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1e20}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":\"1\"}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1,\"attributes\":[]}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"exception\",\"time_unix_nano\":1},2]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"exception\",\"time_unix_nano\":1}", DD_TAG_MALFORMED, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1,\"attributes\":{\"a\":}}]", DD_TAG_MALFORMED, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1}]]", DD_TAG_MALFORMED, false, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool exception = true;
        enum dd_tag_fate fate = dd_write_events(&w, &arena, NULL, 0, gw_str_z(cases[i].json), &exception);
        assert_string_equal(show(&shown, &w), cases[i].events);
        if (fate != cases[i].fate || exception != cases[i].exception)
            fail_msg("%s: fate %d, exception %d", cases[i].json, fate, exception);
    }
}

static void native_events_keep_their_types(void **state)
{
    struct dd_value ints[] = {{.type = DD_V_INT, .i = INT64_MIN}, {.type = DD_V_INT, .i = 2}};
    struct dd_value texts[] = {{.type = DD_V_STRING, .s = GW_LIT("a")},
                               {.type = DD_V_STRING, .s = GW_LIT("\xff")}};
    struct dd_attr attrs[] = {
        {GW_LIT("s"), {.type = DD_V_STRING, .s = GW_LIT("str")}},
        {GW_LIT("b"), {.type = DD_V_BOOL, .b = true}},
        {GW_LIT("i"), {.type = DD_V_INT, .i = -12}},
        {GW_LIT("f"), {.type = DD_V_DOUBLE, .d = 2.5}},
        {GW_LIT("ai"), {.type = DD_V_ARRAY, .array = {ints, 2}}},
        {GW_LIT("as"), {.type = DD_V_ARRAY, .array = {texts, 2}}},
        {GW_LIT("none"), {.type = DD_V_ARRAY}},
    };
    struct dd_event events[] = {
        {.time_unix_nano = 1795222318159267560, .name = GW_LIT("evt.one"), .attrs = attrs, .attrs_n = 7},
        {.time_unix_nano = -5, .name = GW_LIT("exception")},
    };
    bool exception = false;
    assert_int_equal(dd_write_events(&w, &arena, events, 1, GW_NOSTR, &exception), DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w),
                        "event \"evt.one\" at 1795222318159267560 {s=\"str\" b=true i=-12 f=2.5 "
                        "ai=[-9223372036854775808 2] as=[\"a\" \"\xEF\xBF\xBD\"] none=[]}");
    assert_false(exception);
    assert_int_equal(dd_write_events(&w, &arena, events + 1, 1, GW_STR("user text"), &exception),
                     DD_TAG_KEPT);
    assert_string_equal(show(&shown, &w), "event \"exception\" at 0 {}");
    assert_true(exception);
}

static void an_event_sent_twice_is_one_event(void **state)
{
    struct dd_event native[] = {{.time_unix_nano = 5, .name = GW_LIT("a")},
                                {.time_unix_nano = 6, .name = GW_LIT("a")}};
    bool exception;
    gw_str json = GW_STR("[{\"name\":\"a\",\"time_unix_nano\":6},{\"name\":\"b\",\"time_unix_nano\":6},{"
                         "\"name\":\"a\",\"time_unix_nano\":5}]");
    assert_int_equal(dd_write_events(&w, &arena, native, 2, json, &exception), DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w), "event \"a\" at 5 {} | event \"a\" at 6 {} | event \"b\" at 6 {}");
}

static void an_exception_has_what_is_known(void **state)
{
    dd_write_exception(&w, 9, GW_STR("ValueError"), GW_STR("no\xff"), GW_STR("Traceback:\n"));
    dd_write_exception(&w, 10, GW_NOSTR, GW_STR("m"), GW_NOSTR);
    assert_string_equal(
        show(&shown, &w),
        "event \"exception\" at 9 {exception.type=\"ValueError\" exception.message=\"no\xEF\xBF\xBD\" "
        "exception.stacktrace=\"Traceback:\n\"} | event \"exception\" at 10 {exception.message=\"m\"}");
}

static int setup(void **state)
{
    gw_arena_init(&arena, 1 << 20);
    w = (struct otlp_buf){0};
    return 0;
}

static int teardown(void **state)
{
    gw_arena_fini(&arena);
    otlp_fini(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_becomes_events_only_when_it_is_events),
        cmocka_unit_test(native_events_keep_their_types),
        cmocka_unit_test(an_event_sent_twice_is_one_event),
        cmocka_unit_test(an_exception_has_what_is_known),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
