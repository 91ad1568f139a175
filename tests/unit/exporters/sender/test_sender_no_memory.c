/* An allocation is refused while the sender works, each one in turn: nothing is rejected for it, nothing is
 * lost, and the ledger balances.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/exporters/sender/export_bed.h"

#include <unistd.h>

#include "tests/unit/exporters/request_frames.h"
#include "tests/unit/failing_malloc.h"

enum { FRAMES = 3, SPANS = 8, MOST_ALLOCATIONS = 10000 };

static void offer_spans(struct bed *b)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        struct gw_frame *f = request_frame(GW_TRACES, "a span", SPANS);
        f->arrived = b->now;
        assert_int_equal(bed_offer_frame(b, f), GW_OK);
    }
}

/* One allocation fails, or every one from there on for a while: the sender has to come back by itself. */
static const unsigned long runs[] = {1, 3, 50};

/* The backend takes single spans only, so frames are shared out and cut. */
static void splits_wait_for_memory(void **state)
{
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (unsigned long n = 1;; n++) {
            assert_true(n < MOST_ALLOCATIONS);
            struct bed *b = bed_of_one();
            b->paper[0].behave = too_large;
            b->paper[0].limit = 30;
            offer_spans(b);
            failing_begin(n, runs[i]);
            bed_run(b, b->now + 60 * GW_SEC);
            bool refused = failing_end();
            if (bed_at(b, 0, GW_TRACES, GW_DELIVERED) != FRAMES * SPANS)
                fail_msg("allocation %lu (%lu): %d of %d delivered, %d rejected", n, runs[i],
                         (int)bed_at(b, 0, GW_TRACES, GW_DELIVERED), FRAMES * SPANS,
                         (int)bed_at(b, 0, GW_TRACES, GW_REJECTED));
            assert_int_equal(b->paper[0].taken_items, FRAMES * SPANS);
            bed_drop(b);
            if (!refused)
                break;
        }
}

static struct gw_outcome refuses_all(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return (struct gw_outcome){.verdict = GW_REFUSED, .text = "malformed"};
}

static size_t count_lines(const char *path)
{
    size_t lines = 0;
    FILE *f = fopen(path, "re");
    for (int c; f && (c = fgetc(f)) != EOF;)
        lines += c == '\n';
    if (f)
        fclose(f);
    return lines;
}

static void dead_letters_wait_for_memory(void **state)
{
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (unsigned long n = 1;; n++) {
            assert_true(n < MOST_ALLOCATIONS);
            char folder[] = "/tmp/dead_letters_XXXXXX", path[64];
            assert_non_null(mkdtemp(folder));
            snprintf(path, sizeof path, "%s/paper.jsonl", folder);
            struct bed *b = bed_new();
            b->conf[0].dead_letter_directory = gw_str_z(folder);
            bed_add(b, "paper");
            b->paper[0].behave = refuses_all;
            offer_spans(b);
            failing_begin(n, runs[i]);
            bed_run(b, b->now + 60 * GW_SEC);
            bool refused = failing_end();
            if (bed_at(b, 0, GW_TRACES, GW_SET_ASIDE) != FRAMES * SPANS || count_lines(path) != FRAMES)
                fail_msg("allocation %lu (%lu): %d of %d set aside, %d rejected, %zu lines", n, runs[i],
                         (int)bed_at(b, 0, GW_TRACES, GW_SET_ASIDE), FRAMES * SPANS,
                         (int)bed_at(b, 0, GW_TRACES, GW_REJECTED), count_lines(path));
            bed_drop(b);
            unlink(path);
            rmdir(folder);
            if (!refused)
                break;
        }
}

/* Memory does not come back before the end: what could not be split is dropped for the shutdown, not
 * rejected. */
static void a_stop_without_memory_rejects_nothing(void **state)
{
    struct bed *b = bed_of_one();
    b->paper[0].behave = too_large;
    b->paper[0].limit = 30;
    offer_spans(b);
    bed_run(b, b->now + 205 * GW_MSEC); /* sent, and not answered yet */
    assert_int_equal(b->paper[0].n_open, 1);
    failing_begin(1, MOST_ALLOCATIONS);
    gw_sender_stop(b->sender[0], b->now + 5 * GW_SEC);
    bed_run(b, b->now + 6 * GW_SEC);
    assert_true(failing_end());
    assert_true(bed_settle(b, 0) == GW_SENDER_OVER);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_SHUTDOWN), FRAMES * SPANS);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_REJECTED), 0);
    bed_drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_wait_for_memory),
        cmocka_unit_test(dead_letters_wait_for_memory),
        cmocka_unit_test(a_stop_without_memory_rejects_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
