/* The log and a standard error that nobody reads: a pipe that is full.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/log_writer.h"

enum { PIPE_BYTES = 4096 };

static int saved, ends[2];
static FILE *reader;

/* Standard error becomes the full pipe. */
static int fill(void **state)
{
    static const char full[PIPE_BYTES] = {[0 ... PIPE_BYTES - 2] = '.', [PIPE_BYTES - 1] = '\n'};
    if (pipe(ends) != 0 || fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES) != PIPE_BYTES ||
        write(ends[1], full, sizeof full) != PIPE_BYTES)
        return -1;
    saved = dup(STDERR_FILENO);
    reader = fdopen(ends[0], "r");
    return dup2(ends[1], STDERR_FILENO) < 0 || !gw_log_start();
}

static int release(void **state)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    fclose(reader);
    return 0;
}

/* The next line that a reader of the pipe gets, and its message where it is one of ours. */
static const char *next(void)
{
    static char line[PIPE_BYTES + 1];
    assert_non_null(fgets(line, sizeof line, reader));
    char *message = strchr(line, '"');
    return message ? message : line;
}

/* From a call site of its own: none is held back. */
static void log_number(unsigned n)
{
    struct gw_log_site site = {0};
    gw_log_at(&site, GW_INFO, "ddgate", "number %u", n);
}

static unsigned number_of(const char *message)
{
    unsigned n = 0;
    return sscanf(message, "\"number %u\"", &n) == 1 ? n : 0;
}

/* None of these calls would return if one of them waited for the pipe. */
static void lines_are_lost_rather_than_waited_for(void **state)
{
    unsigned written = 0, n, missing = 0;
    uint64_t before = gw_log_counts().lost;
    while (gw_log_counts().lost == before)
        log_number(++written);
    for (int i = 0; i < 9; i++)
        log_number(++written);
    assert_int_equal(gw_log_counts().lost - before, 10);
    assert_true(written * 30 > GW_LOG_RING / 4); /* it held a lot before */
    assert_int_equal(next()[0], '.');
    for (n = 1; n <= written - 10; n++)
        assert_int_equal(number_of(next()), n); /* in order, whole */
    assert_int_equal(sscanf(next(), "\"%u lines are missing here", &missing), 1);
    assert_int_equal(missing, 10);
    log_number(++written); /* all is well again */
    assert_int_equal(number_of(next()), written);
    gw_log_stop(60 * GW_SEC);
}

static bool is_taken(const char *text)
{
    uint64_t before = gw_log_counts().lost;
    gw_log_text(text, strlen(text));
    return gw_log_counts().lost == before;
}

static void what_comes_after_a_gap_stands_behind_the_word_of_it(void **state)
{
    unsigned written = 0, n = 1, missing = 0;
    uint64_t before = gw_log_counts().lost;
    while (gw_log_counts().lost == before)
        log_number(++written);
    assert_int_equal(next()[0], '.');
    for (; !is_taken("a text\n"); n++) /* until there is room */
        assert_int_equal(number_of(next()), n);
    for (; n < written; n++)
        assert_int_equal(number_of(next()), n);
    assert_int_equal(sscanf(next(), "\"%u lines are missing here", &missing), 1);
    assert_int_equal(missing, gw_log_counts().lost - before);
    assert_string_equal(next(), "a text\n");
    gw_log_stop(60 * GW_SEC);
}

static void the_last_lines_are_written(void **state)
{
    gw_log_text("one\ntwo\n", 8);
    assert_int_equal(next()[0], '.');
    log_number(3);
    gw_log_stop(60 * GW_SEC);
    assert_string_equal(next(), "one\n");
    assert_string_equal(next(), "two\n");
    assert_int_equal(number_of(next()), 3);
    log_number(4); /* there is no thread any more: the caller writes it */
    assert_int_equal(number_of(next()), 4);
}

static void an_end_does_not_wait_for_a_reader(void **state)
{
    log_number(1);
    gw_log_stop(0);
    log_number(2); /* nor does anything that is said then */
    assert_int_equal(next()[0], '.');
    assert_int_equal(number_of(next()), 1);
    assert_int_equal(number_of(next()), 2);
    gw_log_stop(60 * GW_SEC);
}

/* Somebody who has the same standard error made it non-blocking. */
static void a_non_blocking_standard_error_loses_nothing(void **state)
{
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    for (unsigned n = 1; n <= 200; n++)
        log_number(n);
    assert_int_equal(next()[0], '.');
    for (unsigned n = 1; n <= 200; n++)
        assert_int_equal(number_of(next()), n);
    gw_log_stop(60 * GW_SEC);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fill, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_are_lost_rather_than_waited_for),
        TEST(what_comes_after_a_gap_stands_behind_the_word_of_it),
        TEST(the_last_lines_are_written),
        TEST(an_end_does_not_wait_for_a_reader),
        TEST(a_non_blocking_standard_error_loses_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
