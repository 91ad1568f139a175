/* Option rows: every type from text, its bounds, its defaults, and what is said of a mistake.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/arena.h"
#include "core/config/config_diagnostic.h"
#include "core/config/did_you_mean.h"
#include "core/config/option.h"

#define OPTS(X)                                                                                              \
    X(str, str, "str", "plain", "", "", "A text.")                                                           \
    X(secret, secret, "secret", "", "", "", "A secret.")                                                     \
    X(duration, duration, "duration", "10s", "10ms", "5m", "A duration.")                                    \
    X(size, size, "size", "8MiB", "1KiB", "", "A size.")                                                     \
    X(count, count, "count", "-3", "-5", "100", "A count.")                                                  \
    X(flag, flag, "flag", "true", "", "", "A flag.")                                                         \
    X(choice, choice, "choice", "two", "one|two|three", "", "A choice.")                                     \
    X(list, list, "list", "a, b:1", "", "", "A list.")                                                       \
    X(map, map, "map", "k=v, dotted.key=x=y", "", "", "A map.")

struct conf {
    OPTS(GW_FIELD)
};
#define GW_CONF struct conf
static const struct gw_opt rows[] = {OPTS(GW_ROW) GW_OPT_END};

struct fixture {
    struct gw_arena arena;
    struct gw_diagnostics *diagnostics;
    struct conf conf;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    gw_arena_init(&f->arena, 1 << 20);
    f->diagnostics = gw_diagnostics_new();
    *state = f;
    return !f->diagnostics || !gw_opt_defaults(rows, &f->conf, &f->arena);
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    gw_diagnostics_drop(f->diagnostics);
    gw_arena_fini(&f->arena);
    free(f);
    return 0;
}

static const struct gw_opt *row(const char *name)
{
    for (const struct gw_opt *r = rows; r->name; r++)
        if (strcmp(r->name, name) == 0)
            return r;
    fail_msg("no row %s", name);
    return NULL;
}

static bool set(struct fixture *f, const char *name, const char *text)
{
    return gw_opt_set(row(name), &f->conf, gw_str_z(text), gw_str_z(text), &f->arena, name, f->diagnostics);
}

static void assert_said(struct fixture *f, const char *expected)
{
    char *text;
    size_t len;
    FILE *to = open_memstream(&text, &len);
    gw_diagnostics_print(f->diagnostics, to);
    fclose(to);
    assert_string_equal(text, expected);
    free(text);
}

static void defaults(void **state)
{
    struct conf *c = &((struct fixture *)*state)->conf;
    assert_string_equal(c->str.ptr, "plain");
    assert_int_equal(c->secret.len, 0);
    assert_int_equal(c->duration, 10 * GW_SEC);
    assert_int_equal(c->size, 8 << 20);
    assert_int_equal(c->count, -3);
    assert_true(c->flag);
    assert_int_equal(c->choice, 1);
    assert_int_equal(c->list.n, 2);
    assert_string_equal(c->list.items[0].ptr, "a");
    assert_string_equal(c->list.items[1].ptr, "b:1");
    assert_int_equal(c->map.n, 2);
    assert_string_equal(c->map.items[1].key.ptr, "dotted.key");
    assert_string_equal(c->map.items[1].value.ptr, "x=y");
}

static void durations(void **state)
{
    static const struct {
        const char *text;
        gw_nsec value;
    } good[] = {{"10ms", 10 * GW_MSEC},
                {"5m", 300 * GW_SEC},
                {"1000000000ns", GW_SEC},
                {"20000us", 20 * GW_MSEC},
                {"2 s", 2 * GW_SEC}};
    static const char *const bad[] = {"",
                                      "10",
                                      "s",
                                      "-1s",
                                      "1.5s",
                                      "1 fortnight",
                                      "10S",
                                      "99999999999999999999s",
                                      "9223372036854775808ns",
                                      "1s x"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(set(f, "duration", good[i].text));
        assert_int_equal(f->conf.duration, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(set(f, "duration", bad[i]));
    assert_int_equal(f->conf.duration, 2 * GW_SEC);
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"1KiB", 1024},
                {"1024", 1024},
                {"2048B", 2048},
                {"3MiB", 3 << 20},
                {"2GiB", (uint64_t)2 << 30},
                {"4TiB", (uint64_t)4 << 40}};
    static const char *const bad[] = {"", "1kb", "1Mb", "KiB", "8388608TiB", "-1", "0x10"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_true(set(f, "size", good[i].text));
        assert_int_equal(f->conf.size, good[i].value);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(set(f, "size", bad[i]));
}

static void said(void **state)
{
    struct fixture *f = *state;
    assert_false(set(f, "duration", "10"));
    assert_false(set(f, "duration", "6m"));
    assert_false(set(f, "size", "1023"));
    assert_false(set(f, "count", "many"));
    assert_false(set(f, "count", "-6"));
    assert_false(set(f, "flag", "yes"));
    assert_false(set(f, "choice", "four"));
    assert_false(set(f, "map", "novalue"));
    assert_int_equal(gw_diagnostics_errors(f->diagnostics), 8);
    assert_said(
        f, "duration: \"10\" is not a duration: write \"10s\", \"250ms\", \"2m\" or \"1h\"\n"
           "duration: 6m is out of range: 10ms to 5m\n"
           "size: 1023 is out of range: at least 1KiB\n"
           "count: \"many\" is not a whole number: write digits only\n"
           "count: -6 is out of range: -5 to 100\n"
           "flag: \"yes\" is not true or false: write true or false, without quotes\n"
           "choice: \"four\" is not one of one, two, three\n"
           "map: \"novalue\" is not a group of texts: write { key = \"value\"; } or [ \"key=value\" ]\n");
}

static void many_items(void **state)
{
    struct fixture *f = *state;
    struct gw_list list = {0};
    for (int i = 0; i < 100; i++)
        assert_true(gw_list_add(&list, gw_arena_printf(&f->arena, "item %d", i), &f->arena));
    assert_int_equal(list.n, 100);
    assert_string_equal(list.items[0].ptr, "item 0");
    assert_string_equal(list.items[64].ptr, "item 64");
    assert_string_equal(list.items[99].ptr, "item 99");
}

static void places(void **state)
{
    struct fixture *f = *state;
    gw_diagnostics_location(f->diagnostics, "", "a.conf", 0);
    gw_diagnostics_location(f->diagnostics, "exporters", "a.conf", 2);
    gw_diagnostics_location(f->diagnostics, "exporters[1]", "a.conf", 3);
    gw_diagnostics_location(f->diagnostics, "exporters[1].tls", "b.conf", 1);
    gw_config_error(f->diagnostics, "exporters[1].tls.ca", "third");
    gw_config_warning(f->diagnostics, "exporters[10].name", "second");
    gw_config_error(f->diagnostics, "exporters[1].tls", "fourth");
    gw_config_error(f->diagnostics, "log", "first");
    assert_int_equal(gw_diagnostics_errors(f->diagnostics), 3);
    assert_said(f, "a.conf: log: first\n"
                   "a.conf:2: exporters[10].name: warning: second\n"
                   "b.conf:1: exporters[1].tls.ca: third\n"
                   "b.conf:1: exporters[1].tls: fourth\n");
}

static void suggestion(void **state)
{
    static const char *const names[] = {"endpoint", "timeout", "headers", "in_flight", "name", "mode", NULL};
    assert_string_equal(gw_did_you_mean(GW_STR("endpiont"), names), "endpoint");
    assert_string_equal(gw_did_you_mean(GW_STR("Timeout"), names), "timeout");
    assert_string_equal(gw_did_you_mean(GW_STR("inflight"), names), "in_flight");
    assert_string_equal(gw_did_you_mean(GW_STR("header"), names), "headers");
    assert_string_equal(gw_did_you_mean(GW_STR("nmae"), names), "name");
    assert_null(gw_did_you_mean(GW_STR("colour"), names));
    assert_null(gw_did_you_mean(GW_STR(""), names));
    assert_null(gw_did_you_mean(
        GW_STR("a name that is far longer than any name that an option could ever have here"), names));
}

/* Two structs are the same until any one of their values is another. */
static void same(void **state)
{
    static const struct {
        const char *name, *value;
    } others[] = {{"str", "other"},   {"secret", "word"},    {"duration", "11s"}, {"size", "9MiB"},
                  {"count", "4"},     {"flag", "false"},     {"choice", "one"},   {"list", "a"},
                  {"list", "a, b:2"}, {"list", "a, b:1, c"}, {"map", "k=w"}};
    struct fixture *f = *state;
    struct conf before;
    assert_true(gw_opt_defaults(rows, &before, &f->arena));
    assert_true(gw_opt_same_all(rows, &before, &f->conf));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_true(gw_opt_defaults(rows, &f->conf, &f->arena));
        assert_true(set(f, others[i].name, others[i].value));
        assert_false(gw_opt_same(row(others[i].name), &before, &f->conf));
        assert_false(gw_opt_same_all(rows, &before, &f->conf));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults, setup, teardown),
        cmocka_unit_test_setup_teardown(durations, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes, setup, teardown),
        cmocka_unit_test_setup_teardown(said, setup, teardown),
        cmocka_unit_test_setup_teardown(many_items, setup, teardown),
        cmocka_unit_test_setup_teardown(places, setup, teardown),
        cmocka_unit_test(suggestion),
        cmocka_unit_test_setup_teardown(same, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
