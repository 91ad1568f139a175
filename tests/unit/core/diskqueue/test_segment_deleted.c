/* The disk queue whose folder or files are deleted, moved or replaced while it is in use: nothing is accepted
 * that the next start would not find.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"
#include "tests/unit/core/diskqueue/segment_log_bed.h"

static uint8_t seen[SEGMENT_LOG_BED_FRAMES];
static gw_nsec ahead; /* of the monotonic clock */
static unsigned r;

static gw_nsec later(void)
{
    return gw_now() + ahead;
}

static struct gw_segment_io io;

static void open_it(struct segment_log_bed *b)
{
    struct gw_segment_log_items ignored;
    assert_true(segment_log_bed_open(b));
    r = gw_segment_log_attach(b->disk_log, "one", false, &ignored);
}

static int set_up(void **state)
{
    struct segment_log_bed *b = malloc(sizeof *b);
    memset(seen, 0, sizeof seen);
    ahead = 0;
    io = gw_segment_io_system;
    io.now = later;
    segment_log_bed_init(b);
    b->conf.io = &io;
    open_it(b);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    segment_log_bed_fini(*state);
    free(*state);
    return 0;
}

static enum gw_code append(struct segment_log_bed *b)
{
    return segment_log_bed_append(b, 1000, 1u << r, NULL, NULL);
}

static void append_some(struct segment_log_bed *b, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(append(b), GW_OK);
}

/* The next process finds all that was accepted, once. */
static void expect_all(struct segment_log_bed *b)
{
    segment_log_bed_close(b);
    open_it(b);
    assert_int_equal(segment_log_bed_read(b, r, UINT32_MAX, true, seen, NULL), b->serial);
    for (uint32_t i = 0; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(atomic_load(&b->damages), 0);
}

static void a_deleted_folder_is_made_again(void **state)
{
    struct segment_log_bed *b = *state;
    append_some(b, 50); /* several segments */
    segment_log_bed_clear(b);
    assert_int_equal(rmdir(b->directory), 0);
    append_some(b, 3);
    expect_all(b);
}

static void so_is_one_that_is_deleted_again_and_again(void **state)
{
    struct segment_log_bed *b = *state;
    for (int i = 0; i < 5; i++) {
        append_some(b, 20);
        segment_log_bed_clear(b);
        assert_int_equal(rmdir(b->directory), 0);
    }
    append_some(b, 1);
    expect_all(b);
}

static void deleted_files_alone_are_written_again(void **state)
{
    struct segment_log_bed *b = *state;
    append_some(b, 50);
    segment_log_bed_clear(b); /* the lock, too */
    append_some(b, 1);
    struct segment_log_bed other = *b;
    assert_false(segment_log_bed_open(&other)); /* in use */
    expect_all(b);
}

static void an_old_file_that_is_cleaned_away_is_noticed_in_a_second(void **state)
{
    struct segment_log_bed *b = *state;
    char oldest[100];
    append_some(b, 50);
    snprintf(oldest, sizeof oldest, "%s/segment-00000001.log", b->directory);
    assert_int_equal(unlink(oldest), 0);
    ahead += 2 * GW_SEC;
    append_some(b, 1);
    assert_int_equal(access(oldest, F_OK), 0);
    expect_all(b);
}

static void a_folder_that_is_moved_away_is_made_again(void **state)
{
    struct segment_log_bed *b = *state, moved = *b;
    snprintf(moved.directory, sizeof moved.directory, "%.40s-moved", b->directory);
    append_some(b, 50);
    assert_int_equal(rename(b->directory, moved.directory), 0);
    ahead += 2 * GW_SEC;
    append_some(b, 1);
    expect_all(b);
    segment_log_bed_clear(&moved);
    rmdir(moved.directory);
}

static void what_cannot_be_made_again_refuses_until_it_can(void **state)
{
    struct segment_log_bed *b = *state;
    append_some(b, 50);
    segment_log_bed_clear(b);
    assert_int_equal(rmdir(b->directory), 0);
    close(open(b->directory, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)); /* a file has its place */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(append(b), GW_STORAGE);
        ahead += 2 * GW_SEC;
    }
    assert_false(gw_segment_log_keeps(b->disk_log));
    assert_int_equal(unlink(b->directory), 0);
    ahead += 2 * GW_SEC;
    append_some(b, 1);
    expect_all(b);
}

static void another_queue_in_its_place_is_left_alone(void **state)
{
    struct segment_log_bed *b = *state, other = *b, moved = *b;
    snprintf(moved.directory, sizeof moved.directory, "%.40s-moved", b->directory);
    append_some(b, 50);
    assert_int_equal(rename(b->directory, moved.directory), 0);
    other.disk_log = NULL;
    other.serial = 0;
    open_it(&other);
    append_some(&other, 20);
    segment_log_bed_close(&other);
    ahead += 2 * GW_SEC;
    assert_int_equal(append(b), GW_STORAGE);
    assert_non_null(strstr(b->err.what, "Directory not empty"));
    expect_all(&other);
    segment_log_bed_close(&other);
    segment_log_bed_clear(b);
    rmdir(b->directory);
    assert_int_equal(rename(moved.directory, b->directory), 0); /* moved back */
    ahead += 2 * GW_SEC;
    memset(seen, 0, sizeof seen);
    append_some(b, 1);
    expect_all(b);
}

static void a_stop_makes_it_again(void **state)
{
    struct segment_log_bed *b = *state;
    append_some(b, 50);
    segment_log_bed_clear(b);
    assert_int_equal(rmdir(b->directory), 0);
    assert_true(gw_segment_log_keeps(b->disk_log));
    expect_all(b);
}

static void what_is_read_meanwhile_is_not_disturbed(void **state)
{
    struct segment_log_bed *b = *state;
    append_some(b, 50);
    assert_int_equal(segment_log_bed_read(b, r, 10, true, seen, NULL), 10);
    segment_log_bed_clear(b);
    assert_int_equal(segment_log_bed_read(b, r, 10, true, seen, NULL), 10);
    append_some(b, 1);
    assert_int_equal(segment_log_bed_read(b, r, 10, true, seen, NULL), 10);
    segment_log_bed_close(b);
    open_it(b);
    segment_log_bed_read(b, r, UINT32_MAX, true, seen, NULL);
    for (uint32_t i = 0; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
}

/* Segments that nothing is pending of have no file any more either: they are not used again. */
static void free_files_that_are_gone_are_forgotten(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_stats stats;
    append_some(b, 50);
    segment_log_bed_read(b, r, UINT32_MAX, true, seen, NULL);
    gw_segment_log_stats(b->disk_log, &stats);
    assert_true(stats.free_segments > 0);
    segment_log_bed_clear(b);
    append_some(b, 100);
    segment_log_bed_close(b);
    open_it(b);
    segment_log_bed_read(b, r, UINT32_MAX, true, seen, NULL);
    for (uint32_t i = 0; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deleted_folder_is_made_again),
        TEST(so_is_one_that_is_deleted_again_and_again),
        TEST(deleted_files_alone_are_written_again),
        TEST(an_old_file_that_is_cleaned_away_is_noticed_in_a_second),
        TEST(a_folder_that_is_moved_away_is_made_again),
        TEST(what_cannot_be_made_again_refuses_until_it_can),
        TEST(another_queue_in_its_place_is_left_alone),
        TEST(a_stop_makes_it_again),
        TEST(what_is_read_meanwhile_is_not_disturbed),
        TEST(free_files_that_are_gone_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
