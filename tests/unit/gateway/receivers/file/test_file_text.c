/* Encodings and escape sequences: what a record says in UTF-8.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/file/file_text.h"

static char why[160];

static void is_text(gw_str got, const char *want)
{
    if (!gw_str_eq(got, gw_str_z(want)))
        fail_msg("got \"%.*s\", want \"%s\"", GW_FMT(got), want);
}

static void decodes(const char *encoding, gw_str raw, const char *want)
{
    struct file_text t;
    assert_true(file_text_init(&t, gw_str_z(encoding), why, sizeof why));
    char *copy = malloc(raw.len);
    memcpy(copy, raw.ptr, raw.len);
    is_text(file_text_decode(&t, t.by_option, gw_str_n(copy, raw.len)), want);
    free(copy);
    file_text_fini(&t);
}

static void encodings_become_utf8(void **state)
{
    decodes("utf-8", GW_STR("gr\xc3\xbc\xc3\x9f"), "grüß");
    /* repaired where OTLP is written */
    decodes("UTF-8", GW_STR("\xff stays"), "\xff stays");
    /* four bytes: only GB18030 has those */
    decodes("gbk", GW_STR("\xd6\xd0\xce\xc4 log \x81\x30\x84\x36"), "中文 log \xc2\xa5");
    decodes("GB18030", GW_STR("\xd6\xd0"), "中");
    decodes("big5", GW_STR("\xa4\xa4\xa4\xe5"), "中文");
    decodes("shift_jis", GW_STR("\x93\xfa\x96\x7b"), "日本");
    decodes("latin1", GW_STR("gr\xfc\xdf"), "grüß");
    decodes("utf-16le", GW_STR("a\0\x2d\x4e\x3d\xd8\x00\xde"), "a中😀");
    decodes("utf-16be", GW_STR("\0a\x4e\x2d"), "a中");
    decodes("utf-32le", GW_STR("a\0\0\0\x2d\x4e\0\0"), "a中");
}

static void what_cannot_be_read_is_replaced(void **state)
{
    decodes("gbk",
            GW_STR("a\xff\xd6\xd0"
                   "b"),
            "a\xef\xbf\xbd中b");
    decodes("gbk", GW_STR("a\xd6"), "a\xef\xbf\xbd"); /* half a character at the end */
    decodes("utf-16le",
            GW_STR("a\0\x3d\xd8"
                   "b\0"),
            "a\xef\xbf\xbd"
            "b"); /* half a pair */
    decodes("utf-16le", GW_STR("a\0b"), "a\xef\xbf\xbd");
    char many[3000], want[9001];
    memset(many, 0xff, sizeof many); /* grows threefold */
    for (int i = 0; i < 3000; i++)
        memcpy(want + 3 * i, "\xef\xbf\xbd", 3);
    want[9000] = '\0';
    decodes("gbk", gw_str_n(many, sizeof many), want);
}

static void encodings_without_ascii_are_refused(void **state)
{
    struct file_text t;
    assert_false(file_text_init(&t, GW_STR("klingon"), why, sizeof why));
    assert_string_equal(why, "there is no encoding \"klingon\" on this machine; `iconv -l` lists them");
    assert_false(file_text_init(&t, GW_STR("cp037"), why, sizeof why)); /* EBCDIC */
    assert_string_equal(why, "lines cannot be found in cp037: it writes ASCII in another way");
    assert_false(file_text_init(&t, GW_STR("utf-7"), why, sizeof why));
}

static void sniffs(const struct file_text *t, gw_str head, enum file_encoding want, size_t want_mark)
{
    size_t mark;
    assert_int_equal(file_text_sniff(t, head, &mark), want);
    assert_int_equal(mark, want_mark);
}

static void a_mark_wins_over_the_option(void **state)
{
    struct file_text t;
    assert_true(file_text_init(&t, GW_STR("latin1"), why, sizeof why));
    sniffs(&t, GW_STR("abc"), FILE_OTHER, 0);
    sniffs(&t, GW_STR(""), FILE_OTHER, 0);
    sniffs(&t,
           GW_STR("\xef\xbb\xbf"
                  "abc"),
           FILE_UTF8, 3);
    sniffs(&t,
           GW_STR("\xff\xfe"
                  "a\0"),
           FILE_UTF16LE, 2);
    sniffs(&t, GW_STR("\xfe\xff\0a"), FILE_UTF16BE, 2);
    sniffs(&t, GW_STR("\xff\xfe\0\0"), FILE_UTF32LE, 4);
    sniffs(&t, GW_STR("\0\0\xfe\xff"), FILE_UTF32BE, 4);
    assert_int_equal(file_text_unit(FILE_UTF16BE).width, 2);
    assert_true(file_text_unit(FILE_UTF16BE).big);
    assert_int_equal(file_text_unit(FILE_OTHER).width, 1);
    file_text_fini(&t);
}

static void colours_go(void **state)
{
    struct file_text t;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"plain", "plain"},
        {"\033[31mERROR\033[0m no \033[1;38;5;208morder\033[m 7", "ERROR no order 7"},
        {"\033[2K\033[1G> build", "> build"},
        {"\033]8;;http://x\033\\link\033]8;;\033\\ \033]0;title\a.", "link ."},
        {"\033(Bx\033=y\033Mz", "xyz"},
        {"end \033[31", "end \033[31"}, /* not whole */
        {"end \033", "end \033"},
        {"\033\033[0mx", "\033x"},
        {"\033[31m", ""},
        {"\033]never closed", "\033]never closed"},
    };
    assert_true(file_text_init(&t, GW_STR("utf-8"), why, sizeof why));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        char *copy = malloc(n);
        memcpy(copy, cases[i].text, n);
        is_text(file_text_strip(&t, gw_str_n(copy, n)), cases[i].want);
        free(copy);
    }
    file_text_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings_become_utf8),
        cmocka_unit_test(what_cannot_be_read_is_replaced),
        cmocka_unit_test(encodings_without_ascii_are_refused),
        cmocka_unit_test(a_mark_wins_over_the_option),
        cmocka_unit_test(colours_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
