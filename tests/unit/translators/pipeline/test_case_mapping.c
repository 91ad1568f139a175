/* Letter case beyond ASCII as Go's strings.ToUpper and ToLower change it, and what cover() takes for Han.
 * SPDX-License-Identifier: Apache-2.0 */
#include "script_run.h"
#include "translators/pipeline/unicase.h"

struct row {
    const char *what, *text, *upper, *lower;
};

static const struct row rows[] = {
    {"ASCII letters change, everything else of ASCII stays", "aZ09_@[`{", "AZ09_@[`{", "az09_@[`{"},
    {"no text stays no text", "", "", ""},
    {"Latin with accents", "éÀñ", "ÉÀÑ", "éàñ"},
    {"sharp s has no upper letter of its own: it stays", "ß", "ß", "ß"},
    {"the capital sharp s has a lower one", "ẞ", "ẞ", "ß"},
    {"a ligature is one code point and stays", "ﬁ", "ﬁ", "ﬁ"},
    {"the dotless i goes up to I", "ı", "I", "ı"},
    {"the dotted I goes down to i, whatever the language", "İ", "İ", "i"},
    {"the final sigma goes up, and no sigma becomes final", "ςΣ", "ΣΣ", "ςσ"},
    {"the long s goes up to S", "ſ", "S", "ſ"},
    {"y with diaeresis goes beyond Latin-1", "ÿ", "Ÿ", "ÿ"},
    {"micro goes up to the Greek letter", "µ", "Μ", "µ"},
    {"Kelvin and Angstrom go down to letters", "KÅ", "KÅ", "kå"},
    {"a title case digraph goes both ways", "ǅ", "Ǆ", "ǆ"},
    {"n after an apostrophe stays", "ŉ", "ŉ", "ŉ"},
    {"Greek with iota goes up to its title form", "ᾳ", "ᾼ", "ᾳ"},
    {"Cyrillic", "Ошибка", "ОШИБКА", "ошибка"},
    {"Armenian", "աԲ", "ԱԲ", "աբ"},
    {"Georgian goes up to Mtavruli", "ა", "Ა", "ა"},
    {"Cherokee: the small letters are the newer ones", "ꭰᎠ", "ᎠᎠ", "ꭰꭰ"},
    {"Roman numerals and letters in circles", "ⅷⒶ", "ⅧⒶ", "ⅷⓐ"},
    {"full width", "ａＺ", "ＡＺ", "ａｚ"},
    {"Deseret, beyond 16 bits", "𐐨𐐀", "𐐀𐐀", "𐐨𐐨"},
    {"Chinese has no case", "错误 Error", "错误 ERROR", "错误 error"},
    {"a byte that is no UTF-8 is U+FFFD, also where no letter changes", "\xff", "\uFFFD", "\uFFFD"},
    {"bytes that are no UTF-8 between letters", "a\x80Z\xc3", "A\uFFFDZ\uFFFD", "a\uFFFDz\uFFFD"},
    {"half a surrogate in UTF-8 is three bad bytes", "\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD",
     "\uFFFD\uFFFD\uFFFD"},
    {"a real U+FFFD stays", "a\uFFFD", "A\uFFFD", "a\uFFFD"},
};

static void changes_case(void **state)
{
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gw_str text = gw_str_z(rows[i].text), upper = sc_upper(&a, text), lower = sc_lower(&a, text);
        if (!gw_str_eq(upper, gw_str_z(rows[i].upper)))
            fail_msg("%s: upper is %.*s, expected %s", rows[i].what, GW_FMT(upper), rows[i].upper);
        if (!gw_str_eq(lower, gw_str_z(rows[i].lower)))
            fail_msg("%s: lower is %.*s, expected %s", rows[i].what, GW_FMT(lower), rows[i].lower);
    }
    gw_arena_fini(&a);
}

static void returns_the_same_text_when_nothing_changes(void **state)
{
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    gw_str text = GW_STR("already lower é 错误");
    assert_ptr_equal(sc_lower(&a, text).ptr, text.ptr);
    gw_arena_fini(&a);
}

static void a_nul_is_a_character(void **state)
{
    struct gw_arena a;
    (void)state;
    gw_arena_init(&a, 1 << 20);
    assert_true(gw_str_eq(sc_upper(&a, gw_str_n("a\0b", 3)), gw_str_n("A\0B", 3)));
    gw_arena_fini(&a);
}

static void knows_han(void **state)
{
    static const struct {
        const char *what;
        uint32_t rune;
        bool han;
    } han[] = {
        {"an ideograph", 0x4E2D, true},
        {"a radical", 0x2E80, true},
        {"the iteration mark", 0x3005, true},
        {"the ideograph zero", 0x3007, true},
        {"a compatibility ideograph", 0xF900, true},
        {"an ideograph of plane 2", 0x20000, true},
        {"of plane 3, Unicode 13", 0x30000, true},
        {"of Unicode 15: an addition to extension C", 0x2B739, true},
        {"of Unicode 15: the first of extension H", 0x31350, true},
        {"of Unicode 15: the last of extension H", 0x323AF, true},
        {"a letter", 'a', false},
        {"kana", 0x3042, false},
        {"Hangul", 0xAC00, false},
        {"an ideographic full stop", 0x3002, false},
        {"nothing yet, behind extension H", 0x3FFFD, false},
        {"beyond Unicode", 0x110000, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof han / sizeof *han; i++)
        if (sc_is_han(han[i].rune) != han[i].han)
            fail_msg("%s: U+%04X is %sHan", han[i].what, (unsigned)han[i].rune, han[i].han ? "" : "not ");
}

static void builtins_use_it(void **state)
{
    struct gw_arena a;
    struct sc_thread *thread = sc_thread_new();
    (void)state;
    gw_arena_init(&a, 1 << 20);
    assert_string_equal(
        script_run(&a, thread, GW_STR("uppercase(_)\nrename(r, message)"), GW_STR("straße ς")),
        "r = STRAßE Σ");
    assert_string_equal(script_run(&a, thread, GW_STR("lowercase(_)\nrename(r, message)"), GW_STR("ΟΔΟΣ İ")),
                        "r = οδοσ i");
    assert_string_equal(
        script_run(&a, thread, GW_STR("cover(_, [1, 3])\nrename(r, message)"), GW_STR("a中あb")),
        "r = *＊*b");
    gw_arena_fini(&a);
    sc_thread_drop(thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_case),         cmocka_unit_test(returns_the_same_text_when_nothing_changes),
        cmocka_unit_test(a_nul_is_a_character), cmocka_unit_test(knows_han),
        cmocka_unit_test(builtins_use_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
