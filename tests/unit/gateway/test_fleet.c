/* The table of clients: who is one client, who is forgotten, what the rate is.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/base/budget.h"
#include "gateway/fleet.h"

static struct gw_fleet_entry entries[GW_FLEET_CLIENTS];

static struct gw_fleet_client client(const char *service)
{
    return (struct gw_fleet_client){.language = GW_STR("python"),
                                    .version = GW_STR("4.16.0"),
                                    .service = gw_str_z(service),
                                    .protocol = GW_STR("v0.4"),
                                    .transport = GW_STR("tcp")};
}

static void what_says_the_same_is_one(void **state)
{
    struct gw_fleet *f = gw_fleet_new(NULL);
    struct gw_fleet_client web = client("web"), shop = client("shop");
    gw_fleet_note(f, &web, 3, 0);
    gw_fleet_note(f, &shop, 7, GW_FLEET_TELEMETRY);
    gw_fleet_note(f, &web, 4, 0);
    assert_int_equal(gw_fleet_read(f, entries), 2);
    assert_string_equal(entries[0].service, "web"); /* heard last */
    assert_int_equal(entries[0].items, 7);
    assert_int_equal(entries[0].sends, 0);
    assert_string_equal(entries[1].service, "shop");
    assert_int_equal(entries[1].sends, GW_FLEET_TELEMETRY);
    assert_true(entries[0].first_seen > 0 && entries[0].last_seen >= entries[0].first_seen);
    /* 7 items within a moment, forgotten over 20 s */
    assert_true(entries[0].rate > 0.3 && entries[0].rate < 0.4);
    gw_fleet_drop(f);
}

static void texts_do_not_run_into_each_other(void **state)
{
    struct gw_fleet *f = gw_fleet_new(NULL);
    struct gw_fleet_client a = {.language = GW_STR("go"), .version = GW_STR("12")},
                           b = {.language = GW_STR("go1"), .version = GW_STR("2")};
    gw_fleet_note(f, &a, 1, 0);
    gw_fleet_note(f, &b, 1, 0);
    assert_int_equal(gw_fleet_read(f, entries), 2);
    gw_fleet_drop(f);
}

static void the_table_is_bounded_and_forgets_the_oldest(void **state)
{
    struct gw_budget budget = {.limit = SIZE_MAX};
    struct gw_fleet *f = gw_fleet_new(&budget);
    char name[32];
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "service %d", i);
        struct gw_fleet_client c = client(name);
        gw_fleet_note(f, &c, 1, 0);
    }
    size_t n = gw_fleet_read(f, entries);
    assert_int_equal(n, GW_FLEET_CLIENTS);
    for (size_t i = 0; i < n; i++) /* each of a shard of 64 that the last 100,000 went through */
        assert_true(atoi(entries[i].service + 8) > 100000 - 4 * GW_FLEET_CLIENTS);
    assert_true(budget.used > 0 && budget.used < (1 << 20));
    gw_fleet_drop(f);
    assert_int_equal(budget.used, 0);
}

static void without_room_nobody_is_noted(void **state)
{
    struct gw_budget budget = {.limit = 100};
    struct gw_fleet *f = gw_fleet_new(&budget);
    struct gw_fleet_client web = client("web");
    gw_fleet_note(f, &web, 3, 0);
    assert_int_equal(gw_fleet_read(f, entries), 0);
    assert_int_equal(budget.used, 0);
    gw_fleet_drop(f);
}

static void telemetry_marks_those_that_it_may_be_of(void **state)
{
    struct gw_fleet *f = gw_fleet_new(NULL);
    struct gw_fleet_client web = client("web"), other = client("other"), headers = client("");
    other.version = GW_STR("1.0.0");
    headers.protocol = GW_NOSTR;
    gw_fleet_mark(f, &headers, 0, GW_FLEET_TELEMETRY); /* before the first spans */
    assert_int_equal(gw_fleet_read(f, entries), 1);
    assert_string_equal(entries[0].service, "");
    gw_fleet_note(f, &other, 1, 0);
    gw_fleet_note(f, &web, 1, 0);
    assert_int_equal(gw_fleet_read(f, entries), 2); /* the one without a service is web */
    assert_string_equal(entries[0].service, "web");
    assert_int_equal(entries[0].sends, GW_FLEET_TELEMETRY);
    assert_int_equal(entries[1].sends, 0);
    gw_fleet_mark(f, &headers, 0, GW_FLEET_DROPPED_PROFILES);
    gw_fleet_read(f, entries);
    assert_int_equal(entries[0].sends, GW_FLEET_TELEMETRY | GW_FLEET_DROPPED_PROFILES);
    gw_fleet_drop(f);
}

static void long_and_odd_texts_are_cut(void **state)
{
    struct gw_fleet *f = gw_fleet_new(NULL);
    char text[4096];
    memset(text, 'x', sizeof text);
    struct gw_fleet_client c = client("web");
    c.language = c.host = c.container = c.env = gw_str_n(text, sizeof text);
    c.version = gw_str_n("\xff\x00\x1b[2J", 6);
    gw_fleet_note(f, &c, 1, 0);
    gw_fleet_note(f, &c, 1, 0);
    assert_int_equal(gw_fleet_read(f, entries), 1);
    assert_int_equal(strlen(entries[0].language), sizeof entries[0].language - 1);
    gw_fleet_drop(f);
    gw_fleet_note(NULL, &c, 1, 0);
    gw_fleet_mark(NULL, &c, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_says_the_same_is_one),
        cmocka_unit_test(texts_do_not_run_into_each_other),
        cmocka_unit_test(the_table_is_bounded_and_forgets_the_oldest),
        cmocka_unit_test(without_room_nobody_is_noted),
        cmocka_unit_test(telemetry_marks_those_that_it_may_be_of),
        cmocka_unit_test(long_and_odd_texts_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
