/* Rates that follow the traffic, as Datadog's agent finds them, on a clock of the test's own; and rates that are
 * fixed.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "translators/ddtrace/dd_sampler.h"

#define BUCKET (5 * GW_SEC)

static struct gw_arena arena;

static struct dd_sampler *sampler(uint64_t target, struct gw_map_item *fixed, size_t n)
{
    struct dd_sampler *s =
        dd_sampler_new(&(struct dd_sampler_conf){.target = target, .rates = {.items = fixed, .n = n}});
    assert_non_null(s);
    return s;
}

/* A request with so many traces of a service. */
static void request(struct dd_sampler *s, gw_nsec now, const char *service, const char *env, unsigned traces)
{
    struct dd_tally t;
    dd_tally_begin(&t, s, &arena, traces, 0);
    for (unsigned i = 0; i < traces; i++)
        dd_tally_rate(&t, gw_str_z(service), gw_str_z(env), true);
    dd_tally_end(&t, true, now);
}

static double rate_of(struct dd_sampler *s, const char *service, const char *env)
{
    struct dd_rates *r = dd_sampler_rates(s);
    double rate = dd_rates_find(r, gw_str_z(service), gw_str_z(env));
    dd_rates_drop(r);
    return rate;
}

static void wants(struct dd_sampler *s, const char *answer)
{
    struct dd_rates *r = dd_sampler_rates(s);
    if (!gw_str_eq(dd_rates_answer(r), gw_str_z(answer)))
        fail_msg("\n got %.*s\nwant %s", GW_FMT(dd_rates_answer(r)), answer);
    dd_rates_drop(r);
}

#define near(a, b) assert_true((a) > (b)-1e-6 && (a) < (b) + 1e-6)

/* 10 a second: nothing is known in the first five seconds; then a service of 100 a second keeps a tenth. */
static void one_service_gets_the_whole_target(void **state)
{
    struct dd_sampler *s = sampler(10, NULL, 0);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":1}}");
    request(s, 0, "web", "prod", 500);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":1}}");
    request(s, BUCKET - 1, "web", "prod", 0);
    near(rate_of(s, "web", "prod"), 1);
    request(s, BUCKET, "web", "prod", 1);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":0.1,\"service:web,env:prod\":0.1}}");
    dd_sampler_drop(s);
}

/* What small services leave is the others'. */
static void the_target_is_shared(void **state)
{
    struct dd_sampler *s = sampler(10, NULL, 0);
    request(s, 0, "small", "", 5);    /* 1 a second */
    request(s, 1, "medium", "", 50);  /* 10 */
    request(s, 2, "large", "", 1000); /* 200 */
    request(s, BUCKET, "small", "", 1);
    near(rate_of(s, "small", ""), 1);
    near(rate_of(s, "medium", ""), 0.45);  /* of the 9 that are left, 4.5 */
    near(rate_of(s, "large", ""), 0.0225); /* 4.5 / 200 */
    near(rate_of(s, "new", ""), 0.0225);   /* the smallest of all */
    dd_sampler_drop(s);
}

/* The busiest five seconds of the last thirty count, and rates grow by a fifth at most. */
static void rates_fall_at_once_and_grow_slowly(void **state)
{
    struct dd_sampler *s = sampler(10, NULL, 0);
    request(s, 0, "web", "", 5000); /* 1000 a second */
    double rate = 0.01;
    for (int i = 1; i <= 6; i++) {
        request(s, i * BUCKET, "web", "", 50);
        near(rate_of(s, "web", ""), 0.01);
    }
    for (int i = 7; i <= 40; i++) {
        request(s, i * BUCKET, "web", "", 50); /* 10 a second */
        rate = rate * 1.2 < 1 ? dd_rate_round(rate * 1.2) : 1;
        near(rate_of(s, "web", ""), rate);
    }
    near(rate, 1);
    request(s, 40 * BUCKET, "web", "", 500);
    request(s, 41 * BUCKET, "web", "", 1);
    near(rate_of(s, "web", ""), 0.0909091); /* 550 / 5 */
    dd_sampler_drop(s);
}

/* A time without requests is one without traffic. */
static void silence_is_no_traffic(void **state)
{
    struct dd_sampler *s = sampler(10, NULL, 0);
    request(s, 0, "web", "", 5000);
    request(s, BUCKET, "web", "", 1);
    near(rate_of(s, "web", ""), 0.01);
    request(s, 100 * BUCKET, "web", "", 1);
    near(rate_of(s, "web", ""), 0.012);
    request(s, 300 * BUCKET, "other", "", 1); /* not seen for more than ten minutes */
    wants(s, "{\"rate_by_service\":{\"service:,env:\":1,\"service:other,env:\":1}}");
    dd_sampler_drop(s);
}

/* Traces that a tracer kept to itself were made, too. */
static void what_tracers_dropped_counts(void **state)
{
    struct dd_sampler *s = sampler(10, NULL, 0);
    struct dd_tally t;
    dd_tally_begin(&t, s, &arena, 50, 450);
    for (int i = 0; i < 50; i++)
        dd_tally_rate(&t, GW_STR("web"), GW_NOSTR, true);
    dd_tally_end(&t, true, 0);
    request(s, BUCKET, "web", "", 1);
    near(rate_of(s, "web", ""), 0.1);
    dd_sampler_drop(s);
    /* in bounds */
    s = sampler(10, NULL, 0);
    dd_tally_begin(&t, s, &arena, 0, UINT64_MAX);
    dd_tally_rate(&t, GW_STR("web"), GW_NOSTR, true);
    dd_tally_end(&t, true, 0);
    request(s, BUCKET, "web", "", 1);
    near(rate_of(s, "web", ""), 0.0001);
    dd_sampler_drop(s);
}

static void refused_requests_do_not_count(void **state)
{
    struct dd_sampler *s = sampler(1, NULL, 0);
    struct dd_tally t;
    dd_tally_begin(&t, s, &arena, 1000, 0);
    for (int i = 0; i < 1000; i++)
        dd_tally_rate(&t, GW_STR("web"), GW_NOSTR, true);
    dd_tally_end(&t, false, 0);
    request(s, BUCKET, "web", "", 1);
    request(s, 2 * BUCKET, "web", "", 1);
    near(rate_of(s, "web", ""), 1);
    dd_sampler_drop(s);
}

/* Past the most that it keeps, further services go by the rate of all others, and are counted in it. */
static void the_number_of_services_is_bounded(void **state)
{
    struct dd_sampler *s = sampler(10, NULL, 0);
    char name[32], longest[300];
    memset(longest, 'x', sizeof longest);
    longest[299] = '\0';
    request(s, 0, longest, "", 1);
    for (int i = 0; i < 3 * DD_SAMPLER_PAIRS; i++) {
        snprintf(name, sizeof name, "service %d", i);
        request(s, 1, name, "env", 1);
    }
    request(s, BUCKET, name, "env", 1);
    struct dd_rates *r = dd_sampler_rates(s);
    gw_str rest = dd_rates_answer(r), field;
    size_t fields = 0;
    while (gw_str_next(&rest, '"', &field))
        fields += gw_str_starts(field, GW_STR("service:"));
    assert_int_equal(fields, DD_SAMPLER_PAIRS + 1);
    near(dd_rates_find(r, gw_str_z(name), GW_STR("env")), 0.0166611); /* 10 / (3001 / 5) */
    dd_rates_drop(r);
    dd_sampler_drop(s);
}

/* A request may name more services than a tally has room for. */
static void a_request_of_many_services(void **state)
{
    struct gw_map_item fixed[] = {{GW_LIT("last"), GW_LIT("0.5")}};
    struct dd_sampler *s = sampler(10, fixed, 1);
    struct dd_tally t;
    char name[32];
    dd_tally_begin(&t, s, &arena, 200, 0);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "service %d", i);
        near(dd_tally_rate(&t, gw_str_z(name), GW_NOSTR, true), 1);
    }
    near(dd_tally_rate(&t, GW_STR("last"), GW_NOSTR, true), 0.5);
    assert_int_equal(t.n, DD_TALLY_PAIRS);
    dd_tally_end(&t, true, 0);
    dd_sampler_drop(s);
}

/* Tracers look up service and env: what is written for a service alone is told for each env that was seen, from
 * the first answer on. */
static void fixed_rates_are_told(void **state)
{
    struct gw_map_item fixed[] = {{GW_LIT("*"), GW_LIT("0.1")},
                                  {GW_LIT("shop"), GW_LIT("0.5")},
                                  {GW_LIT("shop,env:test"), GW_LIT("0")},
                                  {GW_LIT("*,env:dev"), GW_LIT("0.01")}};
    struct dd_sampler *s = sampler(0, fixed, 4);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":0.1,\"service:shop,env:\":0.5,\"service:shop,env:"
             "test\":0}}");
    request(s, 0, "shop", "prod", 1);
    request(s, 0, "shop", "test", 1);
    request(s, 0, "shop", "", 1);
    request(s, 0, "other", "prod", 1);
    request(s, 0, "other", "dev", 1);
    request(s, 0, "", "prod", 1);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":0.1,\"service:other,env:dev\":0.01,\"service:shop,env:"
             "\":0.5,"
             "\"service:shop,env:prod\":0.5,\"service:shop,env:test\":0}}");
    /* traffic does not change them, but who is not seen for ten minutes is forgotten */
    for (int i = 1; i < 122; i++)
        request(s, i * BUCKET, "shop", "prod", 100000);
    wants(
        s,
        "{\"rate_by_service\":{\"service:,env:\":0.1,\"service:shop,env:\":0.5,\"service:shop,env:prod\":0.5,"
        "\"service:shop,env:test\":0}}");
    dd_sampler_drop(s);
}

/* Services with a fixed rate are beside the target. */
static void fixed_rates_and_a_target(void **state)
{
    struct gw_map_item fixed[] = {{GW_LIT("health"), GW_LIT("0.01")}, {GW_LIT("bad"), GW_LIT("x")}};
    struct dd_sampler *s = sampler(10, fixed, 1);
    request(s, 0, "health", "prod", 100000);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":1,\"service:health,env:\":0.01,\"service:health,env:"
             "prod\":0.01}}");
    request(s, 1, "web", "prod", 100);
    request(s, BUCKET, "health", "prod", 1);
    wants(s, "{\"rate_by_service\":{\"service:,env:\":0.5,\"service:health,env:\":0.01,"
             "\"service:health,env:prod\":0.01,\"service:web,env:prod\":0.5}}");
    dd_sampler_drop(s);
}

static void mistakes_are_named(void **state)
{
    struct gw_map_item fixed[] = {{GW_LIT("shop"), GW_LIT("0.1")},
                                  {GW_LIT("service:shop,env:a"), GW_LIT("0.1")},
                                  {GW_LIT("shop,env:a"), GW_LIT("0.2")},
                                  {GW_LIT("*"), GW_LIT("1")},
                                  {GW_LIT("cart"), GW_LIT("2")}};
    const struct dd_sampler_conf with = {.target = 5, .rates = {fixed, 5}}, without = {.rates = {fixed, 5}};
    assert_null(dd_sampler_mistake(&without, 0));
    assert_null(dd_sampler_mistake(&without, 1));
    assert_string_equal(dd_sampler_mistake(&without, 2), "stands twice");
    assert_null(dd_sampler_mistake(&without, 3));
    assert_non_null(strstr(dd_sampler_mistake(&with, 3), "target_per_second"));
    assert_non_null(strstr(dd_sampler_mistake(&without, 4), "from 0"));
}

static int setup(void **state)
{
    gw_arena_init(&arena, 64 << 20);
    return 0;
}

static int teardown(void **state)
{
    gw_arena_fini(&arena);
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_service_gets_the_whole_target),
        TEST(the_target_is_shared),
        TEST(rates_fall_at_once_and_grow_slowly),
        TEST(silence_is_no_traffic),
        TEST(what_tracers_dropped_counts),
        TEST(refused_requests_do_not_count),
        TEST(the_number_of_services_is_bounded),
        TEST(a_request_of_many_services),
        TEST(fixed_rates_are_told),
        TEST(fixed_rates_and_a_target),
        TEST(mistakes_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
