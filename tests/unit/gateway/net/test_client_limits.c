/* How much one address may: the bucket under a clock of our own, and the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/un.h>

#include "gateway/net/client_limits.h"

static struct sockaddr_storage address(const char *text)
{
    struct sockaddr_storage sa = {0};
    struct sockaddr_in *v4 = (void *)&sa;
    struct sockaddr_in6 *v6 = (void *)&sa;
    sa.ss_family = strchr(text, ':') ? AF_INET6 : AF_INET;
    assert_int_equal(inet_pton(sa.ss_family, text,
                               sa.ss_family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr),
                     1);
    return sa;
}

static struct gw_client *enter(struct gw_client_limits *p, const char *text,
                               const struct gw_client_limits_conf *l)
{
    struct sockaddr_storage sa = address(text);
    return gw_client_limits_enter(p, (struct sockaddr *)&sa, l);
}

static int taken(struct gw_client *e, const struct gw_client_limits_conf *l, int tries, gw_nsec now)
{
    int n = 0;
    while (tries-- > 0)
        n += gw_client_limits_request(e, l, now);
    return n;
}

static void test_a_bucket_empties_and_fills(void **state)
{
    const struct gw_client_limits_conf l = {.requests = 10, .burst = 5};
    struct gw_client e = {.full = 0};
    gw_nsec t = 1000 * GW_SEC;
    assert_int_equal(taken(&e, &l, 100, t), 5);
    assert_int_equal(taken(&e, &l, 100, t + 99 * GW_MSEC), 0);
    assert_int_equal(taken(&e, &l, 100, t + 100 * GW_MSEC), 1);
    assert_int_equal(taken(&e, &l, 100, t + 350 * GW_MSEC), 2);
    assert_int_equal(taken(&e, &l, 100, t + 400 * GW_MSEC), 1);
    assert_int_equal(taken(&e, &l, 100, t + 100 * GW_SEC), 5); /* never more than the burst */
}

/* Over an hour of too much, what passes is the rate; refusals cost nothing. */
static void test_the_rate_is_kept(void **state)
{
    const struct gw_client_limits_conf l = {.requests = 7};
    struct gw_client e = {.full = 0};
    int n = 0;
    for (gw_nsec t = 0; t < 3600 * GW_SEC; t += 10 * GW_MSEC)
        n += gw_client_limits_request(&e, &l, t);
    assert_in_range(n, 3600 * 7, 3600 * 7 + 7);
    assert_true(gw_client_limits_request(&e, &l, 3601 * GW_SEC));
}

static void test_no_bound(void **state)
{
    const struct gw_client_limits_conf l = {.connections = 1};
    struct gw_client e = {.full = 0};
    assert_int_equal(taken(&e, &l, 1000, 0), 1000);
}

static void test_whom_limits_concern(void **state)
{
    static const struct {
        const char *address;
        bool normally, local;
    } cases[] = {{"127.0.0.1", false, true}, {"127.0.0.2", false, true},        {"::1", false, true},
                 {"10.0.0.1", true, true},   {"::ffff:127.0.0.9", false, true}, {"2001:db8::1", true, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sockaddr_storage sa = address(cases[i].address);
        const struct sockaddr *a = (struct sockaddr *)&sa;
        assert_int_equal(gw_client_limits_apply(&(struct gw_client_limits_conf){.requests = 1}, a),
                         cases[i].normally);
        assert_int_equal(
            gw_client_limits_apply(&(struct gw_client_limits_conf){.connections = 1, .local = true}, a),
            cases[i].local);
        assert_false(gw_client_limits_apply(&(struct gw_client_limits_conf){.local = true}, a));
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    assert_false(gw_client_limits_apply(&(struct gw_client_limits_conf){.requests = 1, .local = true},
                                        (struct sockaddr *)&un));
}

static void test_connections_are_counted(void **state)
{
    const struct gw_client_limits_conf l = {.connections = 2};
    struct gw_client_limits *p = gw_client_limits_new(100);
    struct gw_client *a = enter(p, "10.0.0.1", &l);
    assert_non_null(a);
    assert_ptr_equal(enter(p, "::ffff:10.0.0.1", &l), a); /* the same machine */
    assert_null(enter(p, "10.0.0.1", &l));
    assert_non_null(enter(p, "10.0.0.2", &l));
    gw_client_limits_leave(p, a);
    assert_ptr_equal(enter(p, "10.0.0.1", &l), a);
    assert_null(enter(p, "10.0.0.1", &l));
    struct gw_client *net = enter(p, "2001:db8:1:2::1", &l);
    assert_ptr_equal(enter(p, "2001:db8:1:2:3:4:5:6", &l), net); /* one /64 */
    assert_null(enter(p, "2001:db8:1:2:ffff::", &l));
    assert_ptr_not_equal(enter(p, "2001:db8:1:3::1", &l), net);
    gw_client_limits_drop(p);
}

/* Who comes back at once finds the bucket as it was left. */
static void test_a_peer_is_remembered(void **state)
{
    const struct gw_client_limits_conf l = {.requests = 1};
    struct gw_client_limits *p = gw_client_limits_new(100);
    struct gw_client *a = enter(p, "10.0.0.1", &l);
    assert_true(gw_client_limits_request(a, &l, GW_SEC));
    gw_client_limits_leave(p, a);
    a = enter(p, "10.0.0.1", &l);
    assert_false(gw_client_limits_request(a, &l, GW_SEC));
    assert_true(gw_client_limits_request(a, &l, 2 * GW_SEC));
    gw_client_limits_drop(p);
}

/* A million addresses, thousands of them connected: the table stays as large as it is, and nobody connected
 * is forgotten. */
static void test_the_table_is_bounded(void **state)
{
    enum { CONNECTED = 3000, PASSING = 1000000 };
    const struct gw_client_limits_conf l = {.connections = 1, .requests = 1};
    struct gw_client_limits *p = gw_client_limits_new(4000);
    char text[32];
    static struct gw_client *connected[CONNECTED];
    int others = 0;
    for (int i = 0; i < CONNECTED; i++) {
        snprintf(text, sizeof text, "10.1.%d.%d", i >> 8, i & 255);
        connected[i] = enter(p, text, &l);
        others += !connected[i];
    }
    /* where chance puts seventeen into a place of sixteen, they share an entry */
    assert_in_range(others, 0, 3);
    for (int i = 0; i < PASSING; i++) {
        snprintf(text, sizeof text, "11.%d.%d.%d", i >> 16, i >> 8 & 255, i & 255);
        struct gw_client *e = enter(p, text, &l);
        if (e) {
            assert_true(gw_client_limits_request(e, &l, (gw_nsec)i * GW_SEC));
            gw_client_limits_leave(p, e);
        }
    }
    for (int i = 0; i < CONNECTED; i++) {
        snprintf(text, sizeof text, "10.1.%d.%d", i >> 8, i & 255);
        assert_null(enter(p, text, &l));
    }
    gw_client_limits_drop(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bucket_empties_and_fills),
        cmocka_unit_test(test_the_rate_is_kept),
        cmocka_unit_test(test_no_bound),
        cmocka_unit_test(test_whom_limits_concern),
        cmocka_unit_test(test_connections_are_counted),
        cmocka_unit_test(test_a_peer_is_remembered),
        cmocka_unit_test(test_the_table_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
