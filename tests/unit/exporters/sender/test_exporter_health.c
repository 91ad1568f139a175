/* What the log says of a backend: once when trouble begins, once a minute, once when it is over.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <unistd.h>

#include "exporters/sender/exporter_health.h"

/* Standard error goes to a file until said_end, which returns what stands there. */
static FILE *said;
static int terminal;

static void said_begin(void)
{
    said = tmpfile();
    terminal = dup(STDERR_FILENO);
    dup2(fileno(said), STDERR_FILENO);
}

static const char *said_end(void)
{
    static char text[4096];
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    rewind(said);
    text[fread(text, 1, sizeof text - 1, said)] = '\0';
    fclose(said);
    return text;
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, words)); at += strlen(words))
        n++;
    return n;
}

static const struct gw_outcome away = {
    .verdict = GW_RETRY, .text = "Connection refused", .remedy = "is it up?"};
static const struct gw_outcome unknown_key = {.verdict = GW_RETRY_SLOWLY, .text = "who are you"};

static void trouble_is_said_when_it_begins_and_every_minute(void **state)
{
    struct gw_exporter_health h = {.component = "exporter=x"};
    said_begin();
    for (int second = 0; second <= 61; second++)
        gw_exporter_health_trouble(&h, &away, false, second * GW_SEC);
    const char *text = said_end();
    assert_int_equal(count(text, "the backend takes nothing at the moment"), 2); /* at 0 and 60 s */
    assert_int_equal(count(text, "exporter=x \"the backend takes nothing at the moment, the data is kept and "
                                 "tried again: Connection refused; is "
                                 "it up?\""),
                     2);
    assert_true(h.troubled);
}

static void a_refusal_of_the_configuration_has_its_own_words(void **state)
{
    struct gw_exporter_health h = {.component = "exporter=x"};
    said_begin();
    gw_exporter_health_trouble(&h, &unknown_key, false, 0);
    const char *text = said_end();
    assert_non_null(
        /* no remedy, no semicolon */
        strstr(text, "the backend refuses us, the data is kept and tried again slowly: who are you\""));
}

static void the_end_of_trouble_is_said_once_with_its_length(void **state)
{
    struct gw_exporter_health h = {.component = "exporter=x"};
    said_begin();
    gw_exporter_health_recovered(&h, 0); /* there was none */
    gw_exporter_health_trouble(&h, &away, false, 10 * GW_SEC);
    gw_exporter_health_trouble(&h, &away, false, 30 * GW_SEC);
    gw_exporter_health_recovered(&h, 40 * GW_SEC + 500 * GW_MSEC);
    gw_exporter_health_recovered(&h, 50 * GW_SEC);
    const char *text = said_end();
    assert_int_equal(count(text, "takes data again"), 1);
    assert_non_null(strstr(text, "takes data again, after 30.5 s"));
    assert_false(h.troubled);
    said_begin();
    /* less than a minute after the last line, but a trouble of its own */
    gw_exporter_health_trouble(&h, &away, false, 51 * GW_SEC);
    assert_int_equal(count(said_end(), "takes nothing"), 1);
}

static void rejected_items_are_told_from_those_of_the_batch(void **state)
{
    struct gw_exporter_health h = {.component = "exporter=x"};
    struct gw_batch batch = {.signal = GW_LOGS, .items = 50};
    struct gw_outcome o = {.verdict = GW_DONE, .text = "too old"};
    said_begin();
    gw_exporter_health_rejected(&h, &batch, 7, &o);
    const char *text = said_end();
    assert_non_null(strstr(text, "the backend rejected 7 of 50 items (logs) for good: too old\""));
    assert_false(h.troubled); /* the backend works */
}

/* Whoever is refused while others pass is not an outage; but a key that is refused may become one. */
static void what_others_pass_by_is_no_outage(void **state)
{
    struct gw_exporter_health h = {.component = "exporter=test"};
    gw_exporter_health_trouble(&h, &away, true, GW_SEC);
    assert_true(h.troubled && !h.told);
    gw_exporter_health_recovered(&h, 2 * GW_SEC);
    gw_exporter_health_trouble(&h, &unknown_key, true, 3 * GW_SEC);
    assert_true(h.told && h.said == 3 * GW_SEC);
    gw_exporter_health_recovered(&h, 4 * GW_SEC);
    gw_exporter_health_trouble(&h, &unknown_key, true, 5 * GW_SEC); /* a moment later */
    assert_false(h.told);
    gw_exporter_health_trouble(&h, &away, false, 6 * GW_SEC); /* nothing passes any more */
    assert_true(h.told && h.said == 6 * GW_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trouble_is_said_when_it_begins_and_every_minute),
        cmocka_unit_test(a_refusal_of_the_configuration_has_its_own_words),
        cmocka_unit_test(the_end_of_trouble_is_said_once_with_its_length),
        cmocka_unit_test(what_others_pass_by_is_no_outage),
        cmocka_unit_test(rejected_items_are_told_from_those_of_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
