/* What somebody who looks is told of a frame: who got it, and what became of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/exporters/sender/export_bed.h"

#include "core/delivery/recent.h"

enum { RING = 1024 * 1024 };

/* The entries of a kind, and the newest of them with its texts. */
static size_t count(enum gw_recent_kind kind, struct gw_recent_entry *newest)
{
    static char page[RING];
    struct gw_recent_cursor c = {0};
    size_t n, larger, found = 0;
    struct gw_recent_entry e;
    n = gw_recent_read(&c, page, sizeof page, &larger);
    for (size_t at = 0; gw_recent_take(page, n, &at, &e);)
        if (e.kind == kind) {
            *newest = e;
            found++;
        }
    return found;
}

static void assert_text(gw_str text, const char *want)
{
    if (!gw_str_eq(text, gw_str_z(want)))
        fail_msg("\"%.*s\", not \"%s\"", GW_FMT(text), want);
}

static struct bed *looked_at(void)
{
    gw_recent_open(NULL, RING, true);
    return bed_new();
}

static void done(struct bed *b)
{
    bed_drop(b);
    gw_recent_close();
}

static void a_frame_names_its_exporters_and_its_answer_the_frame(void **state)
{
    struct bed *b = looked_at();
    struct gw_recent_entry frame, answer;
    bed_add(b, "sls");
    bed_add(b, "stdout");
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    assert_int_equal(count(GW_RECENT_FRAME, &frame), 1);
    assert_text(frame.parts[GW_FRAME_EXPORTERS], "sls\nstdout");
    assert_int_equal(frame.parts[GW_FRAME_DATA].len, 1000);
    assert_int_equal(frame.count, 3);
    assert_true(frame.is_first);
    uint64_t number = frame.number;
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(count(GW_RECENT_ANSWER, &answer), 2);
    assert_int_equal(answer.link, number);
    assert_int_equal(answer.code, GW_RECENT_SENT);
    assert_int_equal(answer.count, 1);
    done(b);
}

static void tries_are_counted_and_a_give_up_is_told(void **state)
{
    struct bed *b = looked_at();
    struct gw_recent_entry answer;
    b->conf[0].max_age = 60 * GW_SEC;
    bed_add(b, "dead");
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    bed_run(b, b->now + 10 * GW_SEC);
    size_t tries = count(GW_RECENT_ANSWER, &answer);
    assert_true(tries > 1);
    assert_int_equal(answer.code, GW_RECENT_RETRYING);
    assert_int_equal(answer.count, tries);
    assert_text(answer.parts[GW_ANSWER_EXPORTER], "dead");
    bed_run(b, b->now + 120 * GW_SEC);
    count(GW_RECENT_ANSWER, &answer);
    assert_int_equal(answer.code, GW_RECENT_DROPPED);
    assert_text(answer.parts[GW_ANSWER_TEXT], "expired");
    done(b);
}

static void an_evicted_frame_is_told(void **state)
{
    struct bed *b = looked_at();
    struct gw_recent_entry answer;
    b->conf[0].queue_size = 5000;
    b->conf[0].when_full = GW_FULL_DROP_OLDEST;
    b->conf[0].in_flight = 1;
    bed_add(b, "slow");
    for (int i = 0; i < 20; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    assert_true(count(GW_RECENT_ANSWER, &answer) > 10);
    assert_int_equal(answer.code, GW_RECENT_DROPPED);
    assert_text(answer.parts[GW_ANSWER_TEXT], "queue_evicted");
    done(b);
}

static void nobody_looks_and_nothing_is_kept(void **state)
{
    struct bed *b = bed_new();
    struct gw_recent_entry e;
    gw_recent_open(NULL, RING, false);
    bed_add(b, "sls");
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 3), GW_OK);
    bed_run(b, b->now + GW_SEC);
    assert_int_equal(count(GW_RECENT_FRAME, &e) + count(GW_RECENT_ANSWER, &e), 0);
    done(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_names_its_exporters_and_its_answer_the_frame),
        cmocka_unit_test(tries_are_counted_and_a_give_up_is_told),
        cmocka_unit_test(an_evicted_frame_is_told),
        cmocka_unit_test(nobody_looks_and_nothing_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
