/* From bytes to lines to records: line feeds in every unit, garbage, limits, patterns, stack traces of real
 * programs.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/file/file_multiline.h"

static const struct file_unit bytes = {1, false}, utf16le = {2, false}, utf16be = {2, true},
                              utf32le = {4, false};

/* All records of text, each within <>, what was cut as +n; then what is left, after a bar. */
static const char *records(const struct file_multiline *j, gw_str text, enum file_end end)
{
    static char out[1 << 16];
    size_t n = 0, at = 0;
    char *copy = malloc(text.len + 1); /* so that a sanitizer sees a byte too far */
    memcpy(copy, text.ptr, text.len);
    for (struct file_record r;; at = r.next) {
        enum file_found found = file_multiline_next(j, copy, at, text.len, end, &r);
        assert_true(r.next >= at && r.next <= text.len);
        if (found != FILE_RECORD) {
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%zu", found == FILE_LONG ? "L" : "|",
                                  text.len - r.next);
            break;
        }
        assert_true(r.next > at);
        n += (size_t)snprintf(out + n, sizeof out - n, "<%.*s>", (int)(r.to - r.from), copy + r.from);
        if (r.cut)
            n += (size_t)snprintf(out + n, sizeof out - n, "+%zu", (size_t)r.cut);
    }
    free(copy);
    return out;
}

static const char *plain(const char *text)
{
    const struct file_multiline j = {.how = FILE_EACH_LINE, .unit = bytes, .max = 8};
    return records(&j, gw_str_z(text), FILE_OPEN);
}

static void lines_end_at_line_feeds(void **state)
{
    assert_string_equal(plain("one\ntwo\r\nthree"), "<one><two>|5");
    assert_string_equal(plain(""), "|0");
    assert_string_equal(plain("\n \n\t\r\n\r\n"), "|0"); /* blank lines are no records */
    assert_string_equal(plain("a\rb\n"), "<a\rb>|0");    /* a carriage return alone ends nothing */
    assert_string_equal(plain(" a \n\n b"), "< a >|2");
    const struct file_multiline j = {.how = FILE_EACH_LINE, .unit = bytes, .max = 8};
    assert_string_equal(records(&j, GW_STR("one\ntwo"), FILE_QUIET), "<one>|3");
    assert_string_equal(records(&j, GW_STR("one\ntwo"), FILE_OVER), "<one><two>|0");
    /* a hole, and one that is being written */
    assert_string_equal(records(&j, GW_STR("\0\0\0\0one\n\0\0"), FILE_OPEN), "<one>|0");
    assert_string_equal(records(&j, GW_STR("\xff\xfe\x80\n\x01\n"), FILE_OPEN), "<\xff\xfe\x80><\x01>|0");
}

static void wide_units_have_line_feeds_of_their_own(void **state)
{
    const struct file_multiline le = {.how = FILE_EACH_LINE, .unit = utf16le, .max = 8},
                                be = {.how = FILE_EACH_LINE, .unit = utf16be, .max = 8};
    static const char text[] = "\x0a\x01\x0a\0\x41\x0a\r\0\n\0"; /* U+010A, end, U+0A41, CR, end */
    assert_int_equal(file_line_feed(text, 0, 10, utf16le), 2);
    assert_int_equal(file_line_feed(text, 4, 10, utf16le), 8);
    assert_int_equal(file_line_feed(text, 4, 9, utf16le), 9); /* half a unit is not one */
    assert_int_equal(file_line_chomp(text, 4, 8, utf16le), 6);
    assert_string_equal(records(&le, gw_str_n(text, 10), FILE_OPEN), "<\x0a\x01><\x41\x0a>|0");
    static const char other[] = "\0a\x0a\0\0\x0a\0b\0\x0a"; /* a, U+0A00, end, b, end */
    assert_int_equal(file_line_feed(other, 0, 10, utf16be), 4);
    struct file_record r;
    assert_int_equal(file_multiline_next(&be, other, 6, 10, FILE_OPEN, &r), FILE_RECORD);
    assert_int_equal(r.to - r.from, 2);
    assert_int_equal(file_line_feed("a\0\0\0\x0a\0\0\0", 0, 8, utf32le), 4);
    assert_int_equal(file_line_feed("a\0\0\x0a\0\0\0\x0a", 0, 8, utf32le), 8);
}

static void a_line_that_is_too_long_is_cut_and_says_so(void **state)
{
    assert_string_equal(plain("12345678\n123456789\nnext\n"), "<12345678><12345678>+1<next>|0");
    assert_string_equal(plain("1234567\xc3\xa4\n"), "<1234567>+2|0"); /* not within a character */
    assert_string_equal(plain("short\n123456789"), "<short>L9");
    assert_string_equal(plain("12345678"), "|8");
    const struct file_multiline j = {.how = FILE_STACKTRACES, .unit = bytes, .max = 20};
    assert_string_equal(records(&j, GW_STR("head\n at 1\n at 2\n at 3\n at 4\nnext\n"), FILE_QUIET),
                        "<head\n at 1\n at 2>< at 3>< at 4><next>|0");
    assert_string_equal(records(&j, GW_STR("head\n at 1\n at 222222222222222222222222222"), FILE_OPEN),
                        "<head\n at 1>L31");
}

static void the_last_record_waits_for_what_follows(void **state)
{
    const struct file_multiline j = {.how = FILE_STACKTRACES, .unit = bytes, .max = 1000};
    assert_string_equal(records(&j, GW_STR("a\n 1\nb\n 2\n 3"), FILE_OPEN), "<a\n 1>|7");
    assert_string_equal(records(&j, GW_STR("a\n 1\nb\n 2\n 3"), FILE_QUIET), "<a\n 1><b\n 2>|2");
    assert_string_equal(records(&j, GW_STR("a\n 1\nb\n 2\n 3"), FILE_OVER), "<a\n 1><b\n 2\n 3>|0");
    assert_string_equal(records(&j, GW_STR("ERROR a\njava.lang.Error: 1\n"), FILE_QUIET),
                        "<ERROR a><java.lang.Error: 1>|0");
    assert_string_equal(records(&j, GW_STR("ERROR a\njava.lang.Error: 1\n\tat 2\n"), FILE_QUIET),
                        "<ERROR a\njava.lang.Error: 1\n\tat 2>|0");
}

static void a_pattern_says_where_records_begin(void **state)
{
    char why[RE_ERROR_SIZE];
    struct gw_arena arena;
    size_t spans[8];
    uint64_t gave_up = 0;
    gw_arena_init(&arena, 1 << 20);
    struct re *re = re_compile(GW_STR("^(\\d{4}-|BEGIN)"), false, why);
    struct re_thread *thread = re_thread_new();
    const struct file_multiline j = {.how = FILE_PATTERN,
                                     .unit = bytes,
                                     .max = 100,
                                     .pattern = re,
                                     .re = thread,
                                     .arena = &arena,
                                     .spans = spans,
                                     .gave_up = &gave_up};
    assert_string_equal(records(&j, GW_STR("2026-1\nmore\n\n  more\nBEGIN 2\n2027-3\nlast\n"), FILE_QUIET),
                        "<2026-1\nmore\n\n  more><BEGIN 2><2027-3\nlast>|0");
    assert_string_equal(records(&j, GW_STR("before\nall\n2026-1\n\xff\xfe\n"), FILE_QUIET),
                        "<before\nall><2026-1\n\xff\xfe>|0");
    re_thread_drop(thread);
    re_drop(re);
    gw_arena_fini(&arena);
}

static char *read_file(const char *name, size_t *n)
{
    char path[200];
    snprintf(path, sizeof path, "tests/data/traces/%s.txt", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    char *text = malloc(1 << 16);
    *n = fread(text, 1, 1 << 16, f);
    fclose(f);
    return text;
}

/* Each file of tests/data/traces is records with a line "%%" between them. */
static void check_traces(const char *name)
{
    const struct file_multiline j = {.how = FILE_STACKTRACES, .unit = bytes, .max = 1 << 20};
    size_t n, all = 0, at = 0;
    char *expected = read_file(name, &n), *text = malloc(n);
    for (size_t i = 0; i < n;) {
        size_t end = file_line_feed(expected, i, n, bytes) + 1;
        if (memcmp(expected + i, "%%\n", 3) != 0) {
            memcpy(text + all, expected + i, end - i);
            all += end - i;
        }
        i = end;
    }
    struct file_record r;
    for (gw_str rest = gw_str_n(expected, n);
         file_multiline_next(&j, text, at, all, FILE_QUIET, &r) == FILE_RECORD; at = r.next) {
        const char *mark = memmem(rest.ptr, rest.len, "\n%%\n", 4);
        gw_str want = gw_str_n(rest.ptr, mark ? (size_t)(mark - rest.ptr) : rest.len - 1),
               got = gw_str_n(text + r.from, r.to - r.from);
        if (!gw_str_eq(got, want))
            fail_msg("%s: got\n%.*s\nwant\n%.*s", name, GW_FMT(got), GW_FMT(want));
        rest = gw_str_from(rest, mark ? want.len + 4 : rest.len);
    }
    assert_int_equal(at, all);
    free(expected);
    free(text);
}

static void stack_traces_stay_whole(void **state)
{
    static const char *const names[] = {"python", "java", "node", "go", "rust", "others"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        check_traces(names[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_end_at_line_feeds),
        cmocka_unit_test(wide_units_have_line_feeds_of_their_own),
        cmocka_unit_test(a_line_that_is_too_long_is_cut_and_says_so),
        cmocka_unit_test(the_last_record_waits_for_what_follows),
        cmocka_unit_test(a_pattern_says_where_records_begin),
        cmocka_unit_test(stack_traces_stay_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
