/* The process's own words: their form, that nothing can forge a line, and that a call site cannot flood.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/log.h"
#include "core/base/str.h"

static int saved = -1;
static FILE *caught;

static int catch (void **state)
{
    (void)state;
    caught = tmpfile();
    saved = dup(STDERR_FILENO);
    return dup2(fileno(caught), STDERR_FILENO) < 0;
}

static int release(void **state)
{
    (void)state;
    dup2(saved, STDERR_FILENO);
    close(saved);
    fclose(caught);
    return 0;
}

/* What was written since the last call. */
static const char *said(void)
{
    static char text[16384];
    rewind(caught);
    text[fread(text, 1, sizeof text - 1, caught)] = '\0';
    rewind(caught);
    lseek(STDERR_FILENO, 0, SEEK_SET);
    return ftruncate(fileno(caught), 0) == 0 ? text : NULL;
}

/* The same without forgetting it. */
static const char *kept(void)
{
    static char text[16384];
    ssize_t n = pread(fileno(caught), text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void form(void **state)
{
    int day, n = 0;
    (void)state;
    gw_log(GW_WARNING, "exporter=sls", "refused by %s", "the backend");
    const char *line = said();
    assert_int_equal(sscanf(line, "%*4d-%*2d-%2dT%*2d:%*2d:%*2d.%*3dZ%n", &day, &n), 1);
    assert_int_equal(n, 24);
    assert_string_equal(line + 24, " warning exporter=sls \"refused by the backend\"\n");
}

static void cannot_be_forged(void **state)
{
    (void)state;
    gw_log(GW_ERROR, "ddgate", "%s", "a\nb\"c\\d\x1b[2J\x7f\xc3\xa9");
    assert_string_equal(said() + 24, " error ddgate \"a\\nb\\\"c\\\\d\\x1b[2J\\x7f\xc3\xa9\"\n");
}

static void long_message(void **state)
{
    char text[5000];
    (void)state;
    memset(text, '\n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    gw_log(GW_ERROR, "ddgate", "%s", text);
    const char *line = said();
    assert_true(strlen(line) <= 2048);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
    assert_int_equal(line[strlen(line) - 2], '"');
}

static void levels(void **state)
{
    (void)state;
    gw_log(GW_DEBUG, "ddgate", "hidden");
    assert_string_equal(said(), "");
    gw_log_level(GW_DEBUG);
    gw_log(GW_DEBUG, "ddgate", "shown");
    assert_string_equal(said() + 24, " debug ddgate \"shown\"\n");
    gw_log_level(GW_ERROR);
    gw_log(GW_WARNING, "ddgate", "hidden");
    assert_string_equal(said(), "");
    gw_log_level(GW_INFO);
}

static void flood(void **state)
{
    struct gw_log_site site = {.window = gw_now() + 3600 * GW_SEC}; /* which does not end while we count */
    size_t lines = 0;
    (void)state;
    for (int i = 0; i < 100; i++)
        gw_log_at(&site, GW_INFO, "ddgate", "line %d", i);
    for (const char *c = said(); *c; c++)
        lines += *c == '\n';
    assert_int_equal(lines, 5);
    assert_int_equal(site.suppressed, 95);
    site.window = 1; /* long ago */
    gw_log_at(&site, GW_INFO, "ddgate", "at last");
    assert_string_equal(said() + 24, " info ddgate \"at last\" suppressed=95\n");
}

static void log_number(int i)
{
    gw_log(GW_INFO, "ddgate", "line %d", i);
}

/* Nothing follows the flood: the last line comes when its second is over, or at the end, with the number of those that never come. */
static void the_last_line_of_a_flood_is_said(void **state)
{
    (void)state;
    for (int end = 0; end < 2; end++) {
        const char *text = "";
        if (!end)
            assert_true(gw_log_start());
        for (int i = 0; i < 9; i++)
            log_number(i);
        if (end)
            gw_log_stop(GW_SEC);
        for (gw_nsec until = gw_now() + 20 * GW_SEC; !end && !strstr(text, "line 8") && gw_now() < until;) {
            poll(NULL, 0, 10);
            text = kept();
        }
        if (end)
            text = kept();
        assert_non_null(strstr(text, " info ddgate \"line 8\" suppressed="));
        said();
        if (!end)
            gw_log_stop(GW_SEC);
    }
}

/* What is said at the end starts a second of its own, not one that never ends. */
static void a_site_speaks_after_the_end(void **state)
{
    static struct gw_log_site site = {.lasting = true};
    (void)state;
    for (int i = 0; i < 9; i++)
        gw_log_at(&site, GW_INFO, "ddgate", "line %d", i);
    gw_log_stop(GW_SEC);
    assert_true(site.window <= gw_now());
}

static void logfmt(void **state)
{
    (void)state;
    gw_log_format(GW_LOG_LOGFMT);
    gw_log(GW_WARNING, "exporter=sls", "refused by \"%s\"\n", "x");
    const char *line = said();
    assert_memory_equal(line, "time=20", 7);
    assert_string_equal(line + 29, " level=warning exporter=sls msg=\"refused by \\\"x\\\"\\n\"\n");
    gw_log(GW_INFO, "exporter=a b=\"c\"", "well");
    assert_string_equal(said() + 29, " level=info exporter=\"a b=\\\"c\\\"\" msg=\"well\"\n");
    gw_log(GW_ERROR, "ddgate", "ill");
    assert_string_equal(said() + 29, " level=error component=ddgate msg=\"ill\"\n");
    gw_log_object(GW_INFO, "ddgate", "the ledger", "ledger", "{\"n\":1}");
    assert_string_equal(said() + 29,
                        " level=info component=ddgate msg=\"the ledger\" ledger=\"{\\\"n\\\":1}\"\n");
    gw_log_format(GW_LOG_TEXT);
}

/* What a backend, a file's name or a user agent brings: each line is UTF-8, and shows which bytes were none. */
static void stray_bytes(void **state)
{
    static const char text[] =
        "\xff \xc3\xa9 \xc3 \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\xaf \xef\xbf\xbd \x80",
                      shown[] = "\\\\xff \xc3\xa9 \\\\xc3 \\\\xe2\\\\x82 \\\\xed\\\\xa0\\\\x80 "
                                "\\\\xf4\\\\x90\\\\x80\\\\x80 \\\\xc0\\\\xaf \xef\xbf\xbd \\\\x80";
    char want[256];
    (void)state;
    gw_log_format(GW_LOG_LOGFMT);
    gw_log(GW_INFO, "exporter=a\xe9", "%s", text);
    snprintf(want, sizeof want, " level=info exporter=\"a\\\\xe9\" msg=\"%s\"\n", shown);
    assert_string_equal(said() + 29, want);
    gw_log_format(GW_LOG_JSON);
    gw_log(GW_INFO, "exporter=a\xe9", "%s", text);
    snprintf(want, sizeof want, "\",\"level\":\"info\",\"exporter\":\"a\\\\xe9\",\"msg\":\"%s\"}\n", shown);
    assert_string_equal(said() + 33, want);
    gw_log_object(GW_INFO, "ddgate", "\xff", "k", "{\"\xfe\":1}");
    assert_string_equal(said() + 33,
                        "\",\"level\":\"info\",\"component\":\"ddgate\",\"msg\":\"\\\\xff\",\"k\":{"
                        "\"\xef\xbf\xbd\":1}}\n");
    gw_log_format(GW_LOG_TEXT);
    gw_log(GW_INFO, "ddgate", "%s", "\xff");
    assert_string_equal(said() + 24, " info ddgate \"\\xff\"\n");
}

static void json(void **state)
{
    (void)state;
    gw_log_format(GW_LOG_JSON);
    gw_log(GW_WARNING, "exporter=s\"x", "a\nb\"c\\d\x1b\xff\xc3\xa9");
    const char *line = said();
    assert_memory_equal(line, "{\"time\":\"20", 11);
    assert_string_equal(line + 33, "\",\"level\":\"warning\",\"exporter\":\"s\\\"x\",\"msg\":"
                                   "\"a\\nb\\\"c\\\\d\\u001b\\\\xff\xc3\xa9\"}\n");
    gw_log_object(GW_INFO, "ddgate", "the ledger", "ledger", "{\"n\":1}");
    assert_string_equal(
        said() + 33,
        "\",\"level\":\"info\",\"component\":\"ddgate\",\"msg\":\"the ledger\",\"ledger\":{\"n\":1}}\n");
    struct gw_log_site site = {.window = 1, .suppressed = 7};
    gw_log_at(&site, GW_INFO, "ddgate", "at last");
    assert_string_equal(
        said() + 33,
        "\",\"level\":\"info\",\"component\":\"ddgate\",\"msg\":\"at last\",\"suppressed\":7}\n");
    gw_log_format(GW_LOG_TEXT);
    gw_log_object(GW_INFO, "ddgate", "the ledger", "ledger", "{}"); /* people have their own */
    assert_string_equal(said(), "");
}

/* Cut between characters, and closed: whatever stands there. */
static void long_messages_for_machines(void **state)
{
    char text[5000];
    (void)state;
    gw_log_format(GW_LOG_JSON);
    for (int shift = 0; shift < 7; shift++) {
        for (size_t i = 0; i + 1 < sizeof text; i++)
            text[i] = (int)i < shift ? 'x' : "\xe2\x82\xac\x01"[(i - (size_t)shift) % 4];
        text[sizeof text - 1] = '\0';
        struct gw_log_site site = {0};
        gw_log_at(&site, GW_ERROR, "ddgate", "%s", text);
        const char *line = said();
        size_t len = strlen(line);
        assert_true(len <= 2048);
        assert_string_equal(line + len - 3, "\"}\n");
        assert_true(gw_utf8_valid(gw_str_z(line)));
        assert_ptr_equal(strchr(line, '\n'), line + len - 1);
    }
    gw_log_format(GW_LOG_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(form, catch, release),
        cmocka_unit_test_setup_teardown(cannot_be_forged, catch, release),
        cmocka_unit_test_setup_teardown(long_message, catch, release),
        cmocka_unit_test_setup_teardown(levels, catch, release),
        cmocka_unit_test_setup_teardown(flood, catch, release),
        cmocka_unit_test_setup_teardown(the_last_line_of_a_flood_is_said, catch, release),
        cmocka_unit_test_setup_teardown(a_site_speaks_after_the_end, catch, release),
        cmocka_unit_test_setup_teardown(logfmt, catch, release),
        cmocka_unit_test_setup_teardown(stray_bytes, catch, release),
        cmocka_unit_test_setup_teardown(json, catch, release),
        cmocka_unit_test_setup_teardown(long_messages_for_machines, catch, release),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
