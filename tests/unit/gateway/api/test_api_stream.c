/* A stream of log records: where it begins, what it misses, how much a turn holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <string.h>

#include "core/delivery/frame.h"
#include "core/delivery/recent.h"
#include "gateway/api/stream.h"
#include "translators/otlp/otlp_write.h"

enum { RING = 256 * 1024 };

static struct gw_budget budget;
static struct gw_api api;

static int setup(void **state)
{
    budget = (struct gw_budget){.limit = 64 * 1024 * 1024};
    api = (struct gw_api){.budget = &budget};
    gw_recent_open(&budget, RING, true);
    return 0;
}

static int teardown(void **state)
{
    gw_recent_close();
    return atomic_load(&budget.used) == 0 ? 0 : -1;
}

/* A line of n bytes whose record says its number. */
static void put(unsigned i, size_t n)
{
    static char line[RING];
    char body[24];
    struct otlp_buf w = {0};
    memset(line, '<', n); /* six bytes each in JSON */
    snprintf(body, sizeof body, "line %u", i);
    size_t any = otlp_open(&w, 5, 1);
    otlp_text(&w, 1, gw_str_z(body));
    otlp_close(&w, any, 1);
    assert_true(gw_recent_put(&(struct gw_recent_entry){
                    .kind = GW_RECENT_LINE,
                    .signal = GW_LOGS,
                    .parts = {[GW_LINE_TEXT] = gw_str_n(line, n), [GW_LINE_RECORD] = otlp_written(&w)}}) > 0);
    otlp_fini(&w);
}

static struct gw_api_stream *open_stream(const char *query, const char *value, bool events)
{
    struct gw_api_call call = {.queries_n = 1};
    const struct gw_api_route *route = gw_api_find(GW_STR("/api/logs"), &call);
    char *error = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&error, &len);
    call.queries[0] = (struct gw_api_query){gw_str_z(query), gw_str_z(value)};
    assert_true(gw_api_streams(route));
    struct gw_api_stream *s = gw_api_stream_open(&api, route, &call, events, GW_NOSTR, to);
    fclose(to);
    if (!s)
        fail_msg("%s", error);
    free(error);
    return s;
}

/* How often the text stands in what comes in this turn. */
static size_t turn(struct gw_api_stream *s, const char *wanted, size_t *bytes)
{
    bool failed;
    size_t found = 0;
    struct gw_api_text t = gw_api_stream_turn(s, &failed);
    assert_false(failed);
    for (const char *at = t.ptr, *hit;
         at && (hit = memmem(at, t.len - (size_t)(at - t.ptr), wanted, strlen(wanted))); at = hit + 1)
        found++;
    *bytes = t.len;
    gw_api_text_drop(&api, &t);
    return found;
}

static void it_begins_now_or_where_it_is_told(void **state)
{
    size_t bytes;
    put(1, 10);
    struct gw_api_stream *now = open_stream("filter", "", false), *all = open_stream("since", "1", true);
    assert_false(gw_api_stream_has_news(now));
    assert_int_equal(turn(now, "line", &bytes), 0);
    assert_int_equal(bytes, 0);
    assert_true(gw_api_stream_has_news(all));
    assert_int_equal(turn(all, "event: log\ndata: {", &bytes), 1);
    put(2, 10);
    assert_true(gw_api_stream_has_news(now));
    assert_int_equal(turn(now, "line 2", &bytes), 1);
    assert_false(gw_api_stream_has_news(now));
    gw_api_stream_drop(now);
    gw_api_stream_drop(all);
}

static void who_is_too_slow_is_told_what_was_missed(void **state)
{
    size_t bytes;
    struct gw_api_stream *s = open_stream("filter", "", false);
    for (unsigned i = 0; i < 1000; i++)
        put(i, 1000);
    uint64_t missed = 1000 - (gw_recent_state().next - gw_recent_state().first);
    char wanted[40];
    snprintf(wanted, sizeof wanted, "{\"missed\":%llu}\n", (unsigned long long)missed);
    assert_true(missed > 500);
    assert_int_equal(turn(s, wanted, &bytes), 1);
    while (gw_api_stream_has_news(s))
        assert_int_equal(turn(s, "missed", &bytes), 0);
    gw_api_stream_drop(s);
}

static void a_turn_is_bounded_and_loses_nothing(void **state)
{
    size_t bytes, lines = 0, turns = 0;
    struct gw_api_stream *s = open_stream("since", "1", false);
    for (unsigned i = 0; i < 700; i++)
        put(i, 1000);
    size_t kept = gw_recent_state().next - gw_recent_state().first;
    for (; gw_api_stream_has_news(s); turns++) {
        lines += turn(s, "\"body\":\"line", &bytes);
        assert_true(bytes < 300 * 1024);
    }
    assert_int_equal(lines, kept);
    assert_true(turns > 3);
    gw_api_stream_drop(s);
}

static void the_filter_applies(void **state)
{
    size_t bytes;
    struct gw_api_stream *s = open_stream("filter", "\"line 2\"", false);
    put(1, 10);
    put(2, 10);
    put(3, 10);
    assert_int_equal(turn(s, "\"body\"", &bytes), 1);
    gw_api_stream_drop(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_begins_now_or_where_it_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_too_slow_is_told_what_was_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_is_bounded_and_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(the_filter_applies, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
