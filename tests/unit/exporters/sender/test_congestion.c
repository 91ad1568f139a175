/* Sizes and windows under a clock of the test's own: a backend that refuses sizes, links that are slow, get
 * slower, or are not the reason.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/sender/congestion.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static const struct gw_congestion_conf conf = {4 * MIB, 4, 10 * GW_SEC, true};

static struct gw_congestion fresh(void)
{
    struct gw_congestion c;
    gw_congestion_init(&c, &conf);
    return c;
}

/* A link of `rate` bytes a second, and whatever is to be sent. Sends what the window allows as requests of the
 * size that it wants, all at once, and gives the time when the last was answered or timed out. */
struct link {
    double rate;
    gw_nsec latency, now;
    unsigned timeouts, requests;
    size_t carried;
};

static void send_round(struct link *l, struct gw_congestion *c)
{
    size_t in_flight = 0;
    unsigned n = 0;
    struct gw_congestion_sent sent[4];
    for (; n < 4 && gw_congestion_has_room(c, in_flight); n++) {
        size_t bytes = gw_congestion_request_bytes(c);
        in_flight += bytes;
        sent[n] = (struct gw_congestion_sent){l->now, bytes, in_flight};
    }
    gw_nsec took = l->latency + (gw_nsec)((double)in_flight / l->rate * (double)GW_SEC);
    bool late = took > conf.timeout;
    l->now += late ? conf.timeout : took;
    for (unsigned i = 0; i < n; i++) {
        if (late)
            gw_congestion_on_timeout(c, &sent[i], l->now);
        else
            gw_congestion_on_answer(c, &sent[i], true, l->now);
    }
    l->requests += n;
    l->timeouts += late ? n : 0;
    l->carried += late ? 0 : in_flight;
}

static void send_rounds(struct link *l, struct gw_congestion *c, int n)
{
    while (n--)
        send_round(l, c);
}

static void a_fast_link_is_full_at_once(void **state)
{
    struct gw_congestion c = fresh();
    struct link l = {1e9, GW_MSEC, 0, 0, 0, 0};
    assert_in_range(gw_congestion_request_bytes(&c), 64 * KIB, 256 * KIB);
    send_rounds(&l, &c, 4);
    assert_int_equal(gw_congestion_request_bytes(&c), conf.most_bytes);
    assert_int_equal(c.window, 4 * conf.most_bytes);
    assert_false(gw_congestion_compresses(&c, l.now));
}

/* From a modem to what is called fast: nothing is late, and the link is used. */
static void a_slow_link_is_used_and_nothing_is_late(void **state)
{
    for (double rate = 30e3; rate < 1e9; rate *= 1.7) {
        struct gw_congestion c = fresh();
        struct link l = {rate, 20 * GW_MSEC, 0, 0, 0, 0};
        send_rounds(&l, &c, 100);
        if (l.timeouts)
            fail_msg("%.0f bytes/s: %u requests were late", rate, l.timeouts);
        double used = (double)l.carried / ((double)l.now / (double)GW_SEC) / rate;
        double best =
            rate * 1.25 < 4 * (double)conf.most_bytes ? 0.9 : 0.4; /* the window's end, not the link's */
        if (used < best)
            fail_msg("%.0f bytes/s: %.0f %% of the link are used", rate, 100 * used);
    }
}

static void a_link_that_gets_slower_is_found_out(void **state)
{
    struct gw_congestion c = fresh();
    struct link l = {50e6, 10 * GW_MSEC, 0, 0, 0, 0};
    send_rounds(&l, &c, 20);
    l.rate = 100e3;
    send_rounds(&l, &c, 6);
    unsigned late = l.timeouts;
    send_rounds(&l, &c, 50);
    assert_int_equal(l.timeouts, late);
    assert_true(gw_congestion_compresses(&c, l.now));
    assert_in_range(c.window, 32 * KIB, 1000 * 1000);
    l.rate = 50e6; /* and by and by, that it is fast again */
    send_rounds(&l, &c, 400);
    assert_int_equal(gw_congestion_request_bytes(&c), conf.most_bytes);
}

static void requests_that_are_late_together_count_once(void **state)
{
    struct gw_congestion c = fresh();
    c.window = 8 * MIB;
    for (size_t i = 1; i <= 4; i++)
        gw_congestion_on_timeout(&c, &(struct gw_congestion_sent){0, 2 * MIB, i * 2 * MIB}, 10 * GW_SEC + 1);
    assert_int_equal(c.window, MIB); /* half of what was in flight when the first was sent */
    gw_congestion_on_timeout(&c, &(struct gw_congestion_sent){10 * GW_SEC + 2, 256 * KIB, 512 * KIB},
                             21 * GW_SEC);
    assert_int_equal(c.window, 256 * KIB);
}

static void nothing_gets_smaller_than_the_least(void **state)
{
    struct gw_congestion c = fresh();
    for (gw_nsec now = 0; now < 1000 * GW_SEC; now += 10 * GW_SEC) {
        size_t bytes = gw_congestion_request_bytes(&c);
        gw_congestion_on_timeout(&c, &(struct gw_congestion_sent){now, bytes, bytes}, now + 10 * GW_SEC);
        gw_congestion_on_too_large(&c, bytes, now + 10 * GW_SEC);
    }
    assert_int_equal(c.window, 32 * KIB);
    assert_int_equal(gw_congestion_request_bytes(&c), 16 * KIB);
    assert_true(gw_congestion_has_room(&c, 0));
}

/* Few requests in flight rather than tiny ones. */
static void a_small_window_holds_few_requests(void **state)
{
    static const struct {
        size_t window, bytes;
    } table[] = {{32 * KIB, 32 * KIB},   {64 * KIB, 64 * KIB}, {128 * KIB, 64 * KIB}, {256 * KIB, 128 * KIB},
                 {512 * KIB, 256 * KIB}, {MIB, 256 * KIB},     {2 * MIB, 512 * KIB},  {16 * MIB, 4 * MIB}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct gw_congestion c = fresh();
        c.window = table[i].window;
        assert_int_equal(gw_congestion_request_bytes(&c), table[i].bytes);
        assert_true(gw_congestion_has_room(&c, c.window - 1));
        assert_false(gw_congestion_has_room(&c, c.window));
    }
}

/* Six seconds for every answer, though the link is fast: small requests would only be slower. */
static void a_backend_that_takes_its_time_is_not_sent_less(void **state)
{
    struct gw_congestion c = fresh();
    struct link l = {1e9, 6 * GW_SEC, 0, 0, 0, 0};
    send_rounds(&l, &c, 60);
    assert_int_equal(l.timeouts, 0);
    assert_in_range(gw_congestion_request_bytes(&c), 256 * KIB, conf.most_bytes);
}

/* Small requests on a quiet day say nothing of the link. */
static void what_is_late_for_another_reason_changes_nothing(void **state)
{
    struct gw_congestion c = fresh();
    for (int i = 0; i < 100; i++)
        gw_congestion_on_answer(&c, &(struct gw_congestion_sent){i * 10 * GW_SEC, 1000, 1000}, true,
                                i * 10 * GW_SEC + 7 * GW_SEC);
    assert_int_equal(c.window, fresh().window);
    assert_false(gw_congestion_compresses(&c, 1000 * GW_SEC));
}

static void without_a_network_there_is_no_window(void **state)
{
    struct gw_congestion c;
    gw_congestion_init(&c, &(struct gw_congestion_conf){4 * MIB, 4, 10 * GW_SEC, false});
    assert_int_equal(gw_congestion_request_bytes(&c), 4 * MIB);
    assert_true(gw_congestion_has_room(&c, SIZE_MAX));
}

/* --- sizes --- */

/* A backend that takes `limit` bytes at most, asked for a while. Returns how often it refused. */
static unsigned ask(struct gw_congestion *c, size_t limit, gw_nsec *now, gw_nsec end)
{
    unsigned refusals = 0;
    for (; *now < end; *now += 50 * GW_MSEC) {
        size_t bytes = gw_congestion_request_bytes(c);
        if (bytes > limit) {
            refusals++;
            gw_congestion_on_too_large(c, bytes, *now);
        } else {
            gw_congestion_on_answer(c, &(struct gw_congestion_sent){*now, bytes, bytes}, true,
                                    *now + GW_MSEC);
        }
    }
    return refusals;
}

static void a_refused_size_is_remembered_and_seldom_tried_again(void **state)
{
    struct gw_congestion c = fresh();
    gw_nsec now = 0;
    unsigned first = ask(&c, MIB, &now, GW_SEC);
    assert_in_range(first, 1, 3);
    assert_in_range(gw_congestion_request_bytes(&c), 256 * KIB, MIB);
    assert_in_range(ask(&c, MIB, &now, 3600 * GW_SEC), 5, 20); /* of 72,000 requests */
    assert_in_range(ask(&c, MIB, &now, 7200 * GW_SEC), 1, 7);
}

static void a_learned_size_is_forgotten_after_a_while_of_success(void **state)
{
    struct gw_congestion c = fresh();
    gw_nsec now = 0;
    ask(&c, 100 * KIB, &now, 20 * GW_SEC);
    assert_in_range(gw_congestion_request_bytes(&c), 16 * KIB, 100 * KIB);
    ask(&c, SIZE_MAX, &now, 60 * GW_SEC);
    assert_int_equal(gw_congestion_request_bytes(&c), conf.most_bytes);
}

static void one_span_that_is_too_large_makes_the_others_no_smaller(void **state)
{
    struct gw_congestion c = fresh();
    gw_nsec now = 0;
    ask(&c, SIZE_MAX, &now, 10 * GW_SEC);
    gw_congestion_on_too_large(&c, 70 * KIB, now);
    assert_int_equal(gw_congestion_request_bytes(&c), 35 * KIB);
    gw_congestion_on_answer(&c, &(struct gw_congestion_sent){now, 900 * KIB, 900 * KIB}, true, now + GW_MSEC);
    assert_true(gw_congestion_request_bytes(&c) >= 900 * KIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_link_is_full_at_once),
        cmocka_unit_test(a_slow_link_is_used_and_nothing_is_late),
        cmocka_unit_test(a_link_that_gets_slower_is_found_out),
        cmocka_unit_test(requests_that_are_late_together_count_once),
        cmocka_unit_test(nothing_gets_smaller_than_the_least),
        cmocka_unit_test(a_small_window_holds_few_requests),
        cmocka_unit_test(a_backend_that_takes_its_time_is_not_sent_less),
        cmocka_unit_test(what_is_late_for_another_reason_changes_nothing),
        cmocka_unit_test(without_a_network_there_is_no_window),
        cmocka_unit_test(a_refused_size_is_remembered_and_seldom_tried_again),
        cmocka_unit_test(a_learned_size_is_forgotten_after_a_while_of_success),
        cmocka_unit_test(one_span_that_is_too_large_makes_the_others_no_smaller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
