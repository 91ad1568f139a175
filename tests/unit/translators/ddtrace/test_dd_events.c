/* Events, native and in a tag, and the exception among them.
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
static struct dd_oddities odd;
static struct dd_events events;

/* All of it, as sent or completed from `tags`. */
static enum dd_tag_fate write_events(const struct dd_event *native, size_t n, gw_str json,
                                     const struct dd_error *tags)
{
    odd = (struct dd_oddities){0};
    enum dd_tag_fate fate = dd_events_read(&events, &arena, native, n, json, 77, &odd);
    if (tags)
        dd_events_match(&events, &arena, tags);
    dd_events_write(&w, &arena, &events, tags, &odd);
    return fate;
}

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
        /* times that no clock says: the one that stands for them */
        {"[{\"name\":\"n\",\"time_unix_nano\":18446744073709551615}]", DD_TAG_TAKEN, false,
         "event \"n\" at 77 {}"},
        {"[{\"name\":\"n\",\"time_unix_nano\":9223372036854775808}]", DD_TAG_TAKEN, false,
         "event \"n\" at 77 {}"},
        {"[{\"name\":\"n\",\"time_unix_nano\":-1}]", DD_TAG_TAKEN, false, "event \"n\" at 77 {}"},
        {"[{\"name\":\"n\",\"time_unix_nano\":1e20}]", DD_TAG_TAKEN, false, "event \"n\" at 77 {}"},
        /* each key once, and none that is empty */
        {"[{\"name\":\"n\",\"time_unix_nano\":1,\"attributes\":{\"a\":1,\"\":2,\"b\":3,\"a\":[4]}}]",
         DD_TAG_TAKEN, false, "event \"n\" at 1 {b=3 a=[4]}"},
        {"", DD_TAG_TAKEN, false, ""},
        {"[]", DD_TAG_KEPT, false, ""},
        {"my party", DD_TAG_KEPT, false, ""},
        {"3", DD_TAG_KEPT, false, ""},
        {"[1,2]", DD_TAG_KEPT, false, ""},
        {"[1,2", DD_TAG_KEPT, false, ""},
        {"[{\"id\":1}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"exception\"}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":1,\"time_unix_nano\":1}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":NaN}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":\"1\"}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1,\"attributes\":[]}]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"exception\",\"time_unix_nano\":1},2]", DD_TAG_KEPT, false, ""},
        {"[{\"name\":\"exception\",\"time_unix_nano\":1}", DD_TAG_MALFORMED, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1,\"attributes\":{\"a\":}}]", DD_TAG_MALFORMED, false, ""},
        {"[{\"name\":\"n\",\"time_unix_nano\":1}]]", DD_TAG_MALFORMED, false, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum dd_tag_fate fate = write_events(NULL, 0, gw_str_z(cases[i].json), NULL);
        bool exception = events.has_exception;
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
    struct dd_event native[] = {
        {.time_unix_nano = 1795222318159267560, .name = GW_LIT("evt.one"), .attrs = attrs, .attrs_n = 7},
        {.time_unix_nano = -5, .name = GW_LIT("exception")},
    };
    assert_int_equal(write_events(native, 1, GW_NOSTR, NULL), DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w),
                        "event \"evt.one\" at 1795222318159267560 {s=\"str\" b=true i=-12 f=2.5 "
                        "ai=[-9223372036854775808 2] as=[\"a\" \"\xEF\xBF\xBD\"] none=[]}");
    assert_false(events.has_exception);
    assert_int_equal(odd.bad_times, 0);
    assert_int_equal(write_events(native + 1, 1, GW_STR("user text"), NULL), DD_TAG_KEPT);
    assert_string_equal(show(&shown, &w), "event \"exception\" at 77 {}");
    assert_true(events.has_exception);
    assert_int_equal(odd.bad_times, 1);
}

static void an_event_sent_twice_is_one_event(void **state)
{
    struct dd_event native[] = {{.time_unix_nano = 5, .name = GW_LIT("a")},
                                {.time_unix_nano = 6, .name = GW_LIT("a")}};
    gw_str json = GW_STR("[{\"name\":\"a\",\"time_unix_nano\":6},{\"name\":\"b\",\"time_unix_nano\":6},{"
                         "\"name\":\"a\",\"time_unix_nano\":5}]");
    assert_int_equal(write_events(native, 2, json, NULL), DD_TAG_TAKEN);
    assert_string_equal(show(&shown, &w), "event \"a\" at 5 {} | event \"a\" at 6 {} | event \"b\" at 6 {}");
}

static void keys_of_native_events_are_unique(void **state)
{
    struct dd_attr attrs[] = {{GW_LIT("a"), {.type = DD_V_INT, .i = 1}},
                              {GW_LIT(""), {.type = DD_V_INT, .i = 2}},
                              {GW_LIT("b"), {.type = DD_V_INT, .i = 3}},
                              {GW_LIT("a"), {.type = DD_V_BOOL, .b = true}}};
    struct dd_event event = {.time_unix_nano = INT64_MAX, .name = GW_LIT("n"), .attrs = attrs, .attrs_n = 4};
    write_events(&event, 1, GW_NOSTR, NULL);
    assert_string_equal(show(&shown, &w), "event \"n\" at 77 {b=3 a=true}");
    assert_int_equal(odd.empty_keys, 1);
    assert_int_equal(odd.bad_times, 1);
}

#define NOW "\"time_unix_nano\":1"

/* The event that error.* speaks of gets what it lacks of them. */
static void the_exception_is_completed(void **state)
{
    static const struct dd_error tags = {GW_LIT("builtins.ValueError"), GW_LIT("no"), GW_LIT("at x")};
    static const struct dd_error plain = {.message = GW_LIT("no"), .stack = GW_LIT("at x")};
    static const struct {
        const char *json;
        const struct dd_error *tags;
        const char *events;
        bool exception;
    } cases[] = {
        /* Python: no stack */
        {"[{\"name\":\"exception\"," NOW
         ",\"attributes\":{\"exception.type\":\"builtins.ValueError\",\"exception.message\":\"no\","
         "\"exception.escaped\":\"False\"}}]",
         &tags,
         "event \"exception\" at 1 {exception.type=\"builtins.ValueError\" exception.message=\"no\" "
         "exception.escaped=\"False\" "
         "exception.stacktrace=\"at x\"}",
         true},
        /* an empty text is none; the class without its module is the same; a message that came later is not it */
        {"[{\"name\":\"exception\"," NOW
         ",\"attributes\":{\"exception.type\":\"ValueError\",\"exception.message\":\"n\","
         "\"exception.stacktrace\":\"\"}}]",
         &tags,
         "event \"exception\" at 1 {exception.type=\"ValueError\" exception.message=\"n\" "
         "exception.stacktrace=\"at x\"}",
         true},
        /* JavaScript: called after the class */
        {"[{\"name\":\"builtins.ValueError\"," NOW ",\"attributes\":{\"exception.message\":\"no\"}}]", &tags,
         "event \"exception\" at 1 {exception.message=\"no\" exception.type=\"builtins.ValueError\" "
         "exception.stacktrace=\"at x\"}",
         true},
        {"[{\"name\":\"Error\"," NOW ",\"attributes\":{\"exception.message\":\"no\"}}]", &plain,
         "event \"exception\" at 1 {exception.message=\"no\" exception.type=\"Error\" "
         "exception.stacktrace=\"at x\"}",
         true},
        /* the last that fits, and the one with the message before others */
        {"[{\"name\":\"exception\"," NOW
         ",\"attributes\":{\"exception.message\":\"no\",\"n\":1}},{\"name\":\"exception\"," NOW
         ",\"attributes\":{\"exception.message\":\"yes\"}},{\"name\":\"other\"," NOW "}]",
         &tags,
         "event \"exception\" at 1 {exception.message=\"no\" n=1 exception.type=\"builtins.ValueError\" "
         "exception.stacktrace=\"at x\"} | event \"exception\" at 1 {exception.message=\"yes\"} | event "
         "\"other\" at 1 {}",
         true},
        /* another class; nobody's */
        {"[{\"name\":\"exception\"," NOW ",\"attributes\":{\"exception.type\":\"KeyError\"}}]", &tags,
         "event \"exception\" at 1 {exception.type=\"KeyError\"}", true},
        {"[{\"name\":\"retry\"," NOW ",\"attributes\":{\"exception.message\":\"no\"}}]", &tags,
         "event \"retry\" at 1 {exception.message=\"no\"}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(write_events(NULL, 0, gw_str_z(cases[i].json), cases[i].tags), DD_TAG_TAKEN);
        assert_string_equal(show(&shown, &w), cases[i].events);
        assert_int_equal(events.has_exception, cases[i].exception);
    }
    struct dd_attr attr = {GW_LIT("exception.message"), {.type = DD_V_STRING, .s = GW_LIT("no")}};
    struct dd_event event = {.time_unix_nano = 5, .name = GW_LIT("exception"), .attrs = &attr, .attrs_n = 1};
    write_events(&event, 1, GW_NOSTR, &tags);
    assert_string_equal(
        show(&shown, &w),
        "event \"exception\" at 5 {exception.message=\"no\" exception.type=\"builtins.ValueError\" "
        "exception.stacktrace=\"at x\"}");
}

static void an_exception_has_what_is_known(void **state)
{
    dd_write_exception(&w, 9,
                       &(struct dd_error){GW_STR("ValueError"), GW_STR("no\xff"), GW_STR("Traceback:\n")});
    dd_write_exception(&w, 10, &(struct dd_error){.message = GW_STR("m")});
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
        cmocka_unit_test(keys_of_native_events_are_unique),
        cmocka_unit_test(the_exception_is_completed),
        cmocka_unit_test(an_exception_has_what_is_known),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
