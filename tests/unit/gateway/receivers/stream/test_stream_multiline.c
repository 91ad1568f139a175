/* Lines that belong together, as they come over a connection: real stack traces, patterns, syslog's
 * continuations, limits, no memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/config/config_diagnostic.h"
#include "gateway/receivers/stream/stream_multiline.h"

/* "record|record~CUT|" */
struct seen {
    char text[1 << 17];
    size_t len;
};

static void see(void *to, gw_str text, uint64_t cut, uint64_t observed)
{
    struct seen *s = to;
    assert_true(observed > 0);
    s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "%.*s", GW_FMT(text));
    if (cut)
        s->len +=
            (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "~%llu", (unsigned long long)cut);
    s->len += (size_t)snprintf(s->text + s->len, sizeof s->text - s->len, "|");
}

static struct gw_budget budget = {.limit = 1 << 20};
static struct seen seen;

static struct stream_multiline_conf multiline(const char *multiline)
{
    struct stream_multiline_conf k = {.max = 1 << 19, .budget = &budget};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    stream_multiline_conf_open(&k, gw_str_z(multiline), "receivers[0]", diagnostics);
    assert_int_equal(gw_diagnostics_errors(diagnostics), 0);
    gw_diagnostics_drop(diagnostics);
    return k;
}

/* Each line lies in memory of its own that is gone afterwards, so that a view that was kept is found out. */
static void push(struct stream_multiline_conf *k, struct stream_multiline *j, gw_str lines)
{
    gw_str line;
    while (gw_str_next(&lines, '\n', &line)) {
        char *copy = malloc(line.len + 1);
        memcpy(copy, line.ptr ? line.ptr : "", line.len);
        stream_multiline_line(k, j, gw_str_n(copy, line.len), 0, 7, see, &seen);
        memset(copy, '?', line.len);
        free(copy);
    }
}

static void expect(struct stream_multiline_conf *k, const char *lines, const char *want)
{
    struct stream_multiline j = {.open = false};
    seen.len = 0;
    push(k, &j, gw_str_z(lines));
    stream_multiline_end(k, &j, see, &seen);
    assert_string_equal(seen.text, want);
    assert_int_equal(budget.used, 0);
}

static void test_traces(void **state)
{
    struct stream_multiline_conf k = multiline("auto");
    expect(&k, "one\ntwo\n\nthree", "one|two|three|");
    expect(&k,
           "08:00:01 ERROR x\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: "
           "y\n08:00:02 INFO z",
           "08:00:01 ERROR x\nTraceback (most recent call last):\n  File \"a.py\", line 1\nValueError: "
           "y|08:00:02 INFO z|");
    expect(&k, "a\n  indented\n\tmore\nb", "a\n  indented\n\tmore|b|");
    /* what looks like an exception and is none */
    expect(&k, "08:00:01 ERROR x\njava.lang.Error: maybe\n08:00:02 INFO y",
           "08:00:01 ERROR x|java.lang.Error: maybe|08:00:02 INFO y|");
    expect(&k, "08:00:01 ERROR x\njava.lang.Error: yes\n    at a.B.c(B.java:1)\nnext",
           "08:00:01 ERROR x\njava.lang.Error: yes\n    at a.B.c(B.java:1)|next|");
    expect(&k, "08:00:01 ERROR x\njava.lang.Error: last", "08:00:01 ERROR x|java.lang.Error: last|");
    stream_multiline_conf_close(&k);
}

/* Each file of tests/data/traces is records with a line "%%" between them. */
static void test_real_traces(void **state)
{
    static const char *const names[] = {"python", "java", "node", "go", "rust", "others"};
    static char text[1 << 16], want[1 << 16];
    struct stream_multiline_conf k = multiline("auto");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[100];
        snprintf(path, sizeof path, "tests/data/traces/%s.txt", names[i]);
        FILE *f = fopen(path, "rb");
        assert_non_null(f);
        size_t n = fread(text, 1, sizeof text - 1, f), w = 0;
        fclose(f);
        struct stream_multiline j = {.open = false};
        gw_str rest = gw_str_n(text, n), line;
        seen.len = 0;
        while (gw_str_next(&rest, '\n', &line) && rest.ptr) {
            bool mark = gw_str_eq(line, GW_STR("%%"));
            if (!mark)
                push(&k, &j, line);
            if (mark)
                want[w - 1] = '|';
            else
                w += (size_t)snprintf(want + w, sizeof want - w, "%.*s\n", GW_FMT(line));
        }
        want[w - 1] = '|';
        stream_multiline_end(&k, &j, see, &seen);
        assert_string_equal(seen.text, want);
    }
    stream_multiline_conf_close(&k);
}

static void test_a_pattern(void **state)
{
    struct stream_multiline_conf k = multiline("^\\d{4}-");
    expect(&k, "2026-1 a\nb\n\nc\n2026-2 d\n\n\n2026-3", "2026-1 a\nb\n\nc|2026-2 d|2026-3|");
    expect(&k, "no beginning\nmore\n2026-1 a", "no beginning\nmore|2026-1 a|");
    stream_multiline_conf_close(&k);
}

static void test_a_pattern_that_is_none(void **state)
{
    struct stream_multiline_conf k = {.max = 1000, .budget = &budget};
    struct gw_diagnostics *diagnostics = gw_diagnostics_new();
    stream_multiline_conf_open(&k, GW_STR("^(["), "receivers[0]", diagnostics);
    assert_int_equal(gw_diagnostics_errors(diagnostics), 1);
    gw_diagnostics_drop(diagnostics);
    stream_multiline_conf_close(&k);
}

static void test_syslog(void **state)
{
    struct stream_multiline_conf k = multiline("auto");
    expect(&k,
           "<13>one\n<11>failed\nTraceback (most recent call last):\n  File \"a\"\nKeyError: "
           "'x'\n<11>three\n  four\n",
           "<13>one|<11>failed\nTraceback (most recent call last):\n  File \"a\"\nKeyError: 'x'|<11>three\n  "
           "four|");
    expect(&k, "no\npriority\n<13>one\nmore", "no|priority|<13>one|more|");
    expect(&k, "<14>fine\njava.lang.Error: of another\n    at a.B.c(B.java:1)\n",
           "<14>fine|java.lang.Error: of another\n    at a.B.c(B.java:1)|");
    expect(&k, "<13>one\n<14>  two\n<b>is no priority", "<13>one|<14>  two|<b>is no priority|");
    stream_multiline_conf_close(&k);
}

static void test_limits(void **state)
{
    struct stream_multiline_conf k = {.how = STREAM_MULTILINE_STACKTRACES, .max = 12, .budget = &budget};
    /* what is indented itself does not take more */
    expect(&k, "start\n  abc\n  defg\n  h", "start\n  abc|  defg|  h|");
    struct stream_multiline j = {.open = false};
    seen.len = 0;
    stream_multiline_line(&k, &j, GW_STR("start"), 0, 7, see, &seen);
    stream_multiline_line(&k, &j, GW_STR("  cut"), 9, 7, see, &seen);
    stream_multiline_line(&k, &j, GW_STR("  next"), 0, 7, see, &seen);
    stream_multiline_end(&k, &j, see, &seen);
    assert_string_equal(seen.text, "start\n  cut~9|  next|");
}

/* Nobody lends memory: every line is passed on alone. */
static void test_no_memory(void **state)
{
    struct gw_budget none = {.limit = 0};
    struct stream_multiline_conf k = {.how = STREAM_MULTILINE_STACKTRACES, .max = 1000, .budget = &none};
    struct stream_multiline j = {.open = false};
    seen.len = 0;
    push(&k, &j, GW_STR("one\n  two\nthree"));
    assert_string_equal(seen.text, "one|  two|three|");
    stream_multiline_end(&k, &j, see, &seen);
    assert_int_equal(none.used, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_traces),    cmocka_unit_test(test_real_traces),
        cmocka_unit_test(test_a_pattern), cmocka_unit_test(test_a_pattern_that_is_none),
        cmocka_unit_test(test_syslog),    cmocka_unit_test(test_limits),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
