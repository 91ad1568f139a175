/* The language: what loads, where it says what is wrong, and what a run leaves.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "translators/pipeline/script.h"

struct bed {
    struct gw_arena arena;
    struct sc_thread *thread;
};

static int set_up(void **state)
{
    static struct bed bed;
    gw_arena_init(&bed.arena, 8 << 20);
    bed.thread = sc_thread_new();
    *state = &bed;
    return bed.thread ? 0 : -1;
}

static int tear_down(void **state)
{
    struct bed *bed = *state;
    sc_thread_drop(bed->thread);
    gw_arena_fini(&bed->arena);
    return 0;
}

/* The fields of a record as JSON, or the error. */
static const char *run(struct bed *bed, const char *script, const char *line)
{
    static char shown[4096];
    struct sc_source source = {GW_STR("t.p"), gw_str_z(script)};
    struct sc_set *set = sc_load(&source, 1);
    const struct sc_script *s = sc_find(set, source.name);
    struct sc_point p;
    struct sc_fault fault;
    struct sc_env env = {
        .arena = &bed->arena, .thread = bed->thread, .now = INT64_C(1700000000123456789), .zone = zone_utc()};
    if (sc_broken(s)) {
        gw_str text = sc_fault_show(&bed->arena, sc_broken(s), source.text);
        snprintf(shown, sizeof shown, "%.*s", GW_FMT(text));
        sc_drop(set);
        return shown;
    }
    sc_point_init(&p, &bed->arena, GW_STR("n"), env.now);
    sc_point_set(&p, GW_STR("message"), sc_str(gw_str_z(line)));
    if (!sc_run(s, &env, &p, &fault)) {
        snprintf(shown, sizeof shown, "%s", fault.text);
    } else {
        struct gw_text b = {.arena = &bed->arena};
        for (size_t i = 0; i < p.n; i++) {
            if (gw_str_eq(p.fields[i].key, GW_STR("message")))
                continue;
            gw_text_put_str(&b, p.fields[i].key);
            gw_text_put_z(&b, p.fields[i].tag ? ":tag=" : "=");
            sc_json(&b, &p.fields[i].val);
            gw_text_put_char(&b, ' ');
        }
        snprintf(shown, sizeof shown, "%.*s", GW_FMT(gw_text_result(&b)));
    }
    sc_drop(set);
    gw_arena_reset(&bed->arena, 1 << 20);
    return shown;
}

static void test_carets(void **state)
{
    assert_string_equal(run(*state, "a = 1\nb = @\n", ""),
                        "t.p:2:5: unexpected character: '@'\n    b = @\n        ^");
    assert_string_equal(run(*state, "add_key(中, 1 +)\n", ""),
                        "t.p:1:15: unexpected: \")\"\n    add_key(中, 1 +)\n                   ^");
    assert_string_equal(
        run(*state, "\tgrok(_, \"(a\")", ""),
        "t.p:1:2: error parsing regexp: missing closing ): `(a`\n    \tgrok(_, \"(a\")\n    \t^");
}

static void test_operators(void **state)
{
    assert_string_equal(
        run(*state, "add_key(a, -7 / 2) ; add_key(b, -7 % 3); add_key(c, 1 + true); add_key(d, 7 / 2.0)", ""),
        "a=-3 b=-1 c=2 d=3.5 ");
    assert_string_equal(run(*state, "add_key(a, 1 < 2 == true)\nadd_key(b, !1 || \"b\" in \"abc\")", ""),
                        "a=true b=true ");
    assert_string_equal(run(*state, "add_key(a, 1)\nadd_key(b, \"x\" < \"y\")\nadd_key(c, 1)", ""),
                        "t.p:2:16: not compareable: str < str\nt.p:2:1:");
}

static void test_scopes(void **state)
{
    assert_string_equal(
        run(*state, "if true { a = 1\n if true { a = 2; b = 3 }\n add_key(a); add_key(b) }\nadd_key(a)", ""),
        "a=2 ");
    assert_string_equal(
        run(*state, "for x in [1, 2, 3] { if x == 2 { continue }\n add_key(last, x) }\nadd_key(x)", ""),
        "last=3 ");
}

static void test_json_ids_keep_their_digits(void **state)
{
    const char *line = "{\"id\": 16108321602917563239, \"n\": 1}";
    assert_string_equal(run(*state, "json(_, id)\njson(_, n)\nset_tag(t, id)", line),
                        "id=16108321602917563239 n=1 t:tag=\"16108321602917563239\" ");
}

static void test_a_run_is_bounded(void **state)
{
    assert_string_equal(run(*state, "for ;; { }", ""),
                        "t.p:1:1: the script took more than 2000000 steps on one record");
    assert_non_null(
        strstr(run(*state, "s = \"abcdefgh\"\nfor ;; { s = s + s }", ""), "the record's memory is spent"));
}

/* Steps are cheap, what they do need not be. */
static void test_a_run_is_bounded_in_time(void **state)
{
    assert_non_null(strstr(
        run(*state,
            "s = \"abcdefgh\"\nfor i = 0; i < 13; i += 1 { s = s + s }\nfor ;; { hash(s, \"sha512\") }", ""),
        "the script took more than 500 ms on one record"));
    assert_non_null(strstr(run(*state,
                               "s = \"aaaaaaaa\"\nfor i = 0; i < 13; i += 1 { s = s + s }\nadd_key(s)\n"
                               "for ;; { x = match(\"a.*b.*c.*d\", s)\nvalue_type(match(\"a.*a.*b\", s)) }",
                               ""),
                           "on one record"));
}

static void test_expressions_give_up(void **state)
{
    struct bed *bed = *state;
    uint64_t before = sc_gave_up(bed->thread);
    const char *line = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!";
    assert_string_equal(run(bed, "add_key(r, match(\"(a+)+b\", _))", line), "r=false ");
    assert_true(sc_gave_up(bed->thread) <= before + 1);
}

static const char *fault_of(const struct sc_set *set, const char *name)
{
    const struct sc_fault *fault = sc_broken(sc_find(set, gw_str_z(name)));
    return fault ? fault->text : NULL;
}

static void test_scripts_that_use_each_other(void **state)
{
    const struct sc_source sources[] = {
        {GW_STR("a.p"), GW_STR("use(\"b.p\")")},
        {GW_STR("b.p"), GW_STR("\n use(\"c.p\")")},
        {GW_STR("c.p"), GW_STR("use(\"b.p\")")},
        {GW_STR("d.p"), GW_STR("use(\"d.p\")")},
        {GW_STR("e.p"), GW_STR("use(\"gone.p\")")},
        {GW_STR("f.p"), GW_STR("use(\"ok.p\")\nuse(\"ok.p\")")},
        {GW_STR("ok.p"), GW_STR("add_key(a, 1)\nexit()")},
        {GW_STR("g.p"), GW_STR("x = (")},
    };
    struct sc_set *set = sc_load(sources, sizeof sources / sizeof *sources);
    (void)state;
    assert_string_equal(fault_of(set, "b.p"), "b.p:2:2: circular dependency: b.p -> c.p -> b.p");
    assert_string_equal(fault_of(set, "c.p"), "c.p:1:1: circular dependency: c.p -> b.p -> c.p");
    assert_string_equal(fault_of(set, "a.p"), "b.p:2:2: circular dependency: b.p -> c.p -> b.p\na.p:1:1:");
    assert_string_equal(fault_of(set, "d.p"), "d.p:1:1: circular dependency: d.p -> d.p");
    assert_string_equal(fault_of(set, "e.p"), "e.p:1:1: script gone.p not found");
    assert_null(fault_of(set, "f.p"));
    assert_null(fault_of(set, "ok.p"));
    assert_non_null(fault_of(set, "g.p"));
    assert_null(sc_find(set, GW_STR("gone.p")));
    assert_true(gw_str_eq(sc_missing(set), GW_STR("gone.p")));
    sc_drop(set);
}

static void test_a_script_has_so_many_expressions(void **state)
{
    static char script[64 << 10];
    size_t n = 0;
    for (int i = 0; i < SC_EXPRESSIONS; i++)
        n += (size_t)snprintf(script + n, sizeof script - n, "match(\"a%d\", _)\n", i);
    assert_string_equal(run(*state, script, "a"), "");
    snprintf(script + n, sizeof script - n, "match(\"b\", _)\n");
    assert_non_null(strstr(run(*state, script, "a"), "the script has more than 1000 expressions"));
}

static void test_unknown_functions(void **state)
{
    assert_non_null(
        strstr(run(*state, "ad_key(a, 1)", ""),
               "t.p:1:1: unsupported func: `ad_key`: there is no such function; did you mean `add_key`?\n"));
    assert_non_null(
        strstr(run(*state, "quite_another(a, 1)", ""), "`quite_another`: there is no such function here\n"));
    assert_non_null(strstr(run(*state, "http_request()", ""),
                           "`http_request` is not here: a script may not wait for a server\n"));
}

static void test_re2_only(void **state)
{
    static const char *const refused[] = {"(?=x)", "(?<!x)y", "(?>a)",     "(a)\\\\1", "a++",
                                          "\\\\Z", "(?#c)",   "[a-\\\\d]", "a{1001}",  "(?x)a",
                                          "[",     "a)",      "*a"};
    char script[80];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        snprintf(script, sizeof script, "match(\"%s\", _)", refused[i]);
        assert_non_null(strstr(run(*state, script, ""), "error parsing regexp"));
    }
    assert_string_equal(run(*state, "add_key(a, match(\"^a$\", _))", "a\n"), "a=false ");
    assert_string_equal(run(*state, "grok(_, \"(?P<x>.)b\")",
                            "\xFF"
                            "b"),
                        "x=\"\xEF\xBF\xBD\" ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carets),
        cmocka_unit_test(test_operators),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_json_ids_keep_their_digits),
        cmocka_unit_test(test_a_run_is_bounded),
        cmocka_unit_test(test_a_run_is_bounded_in_time),
        cmocka_unit_test(test_scripts_that_use_each_other),
        cmocka_unit_test(test_a_script_has_so_many_expressions),
        cmocka_unit_test(test_unknown_functions),
        cmocka_unit_test(test_expressions_give_up),
        cmocka_unit_test(test_re2_only),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
