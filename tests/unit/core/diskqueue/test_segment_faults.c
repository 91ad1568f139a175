/* The disk queue on a disk that fails: full, read-only, short writes, syncs that do not work; and what many of them wait for.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "tests/unit/core/diskqueue/segment_log_bed.h"

static uint8_t seen[SEGMENT_LOG_BED_FRAMES];

/* The disk. */
static struct {
    int reserve_errno, write_errno, sync_errno, read_errno; /* 0: works */
    size_t short_writes;                                    /* at most so many bytes at once; 0: all */
    uint64_t break_after;                                   /* bytes that still go well before write_errno */
    atomic_uint syncs;
} disk;

static ssize_t disk_write(int fd, const struct iovec *v, int n, off_t at)
{
    if (disk.write_errno && !disk.break_after) {
        errno = disk.write_errno;
        return -1;
    }
    struct iovec first = v[0];
    size_t most = disk.short_writes ? disk.short_writes : disk.write_errno ? disk.break_after : 0;
    if (!most)
        return pwritev(fd, v, n, at);
    while (n > 1 && first.iov_len == 0)
        first = (n--, *++v);
    first.iov_len = first.iov_len < most ? first.iov_len : most;
    ssize_t written = pwritev(fd, &first, 1, at);
    disk.break_after -= disk.break_after < (uint64_t)written ? disk.break_after : (uint64_t)written;
    return written;
}

static ssize_t disk_read(int fd, void *to, size_t n, off_t at)
{
    errno = disk.read_errno;
    return disk.read_errno ? -1 : pread(fd, to, n < 1000 ? n : 1000, at); /* in pieces */
}

static int disk_sync(int fd)
{
    atomic_fetch_add(&disk.syncs, 1);
    errno = disk.sync_errno;
    return disk.sync_errno ? -1 : fdatasync(fd);
}

static int disk_reserve(int fd, off_t size)
{
    errno = disk.reserve_errno;
    return disk.reserve_errno ? -1 : ftruncate(fd, size);
}

static const struct gw_segment_io broken = {disk_write, disk_read, disk_sync, disk_reserve};

static unsigned r;

static int set_up(void **state)
{
    struct gw_segment_log_items ignored;
    struct segment_log_bed *b = malloc(sizeof *b);
    memset(seen, 0, sizeof seen);
    memset(&disk, 0, sizeof disk);
    segment_log_bed_init(b);
    b->conf.io = &broken;
    b->conf.pause = 50 * GW_MSEC;
    *state = b;
    if (!segment_log_bed_open(b))
        return -1;
    r = gw_segment_log_attach(b->disk_log, "one", false, &ignored);
    return 0;
}

static int tear_down(void **state)
{
    memset(&disk, 0, sizeof disk);
    segment_log_bed_fini(*state);
    free(*state);
    return 0;
}

static enum gw_code append(struct segment_log_bed *b)
{
    return segment_log_bed_append(b, 1000, 1u << r, NULL, NULL);
}

/* Until the pause after trouble is over. */
static void append_soon(struct segment_log_bed *b)
{
    gw_nsec grace_period = gw_now() + 20 * GW_SEC;
    while (append(b) != GW_OK)
        assert_true(gw_now() < grace_period);
}

static void expect_all(struct segment_log_bed *b)
{
    struct gw_segment_log_items ignored;
    segment_log_bed_close(b);
    memset(&disk, 0, sizeof disk);
    assert_true(segment_log_bed_open(b));
    r = gw_segment_log_attach(b->disk_log, "one", false, &ignored);
    memset(seen, 0, sizeof seen);
    segment_log_bed_read(b, r, 10000, true, seen, NULL);
    for (uint32_t i = 0; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(seen[b->serial], 0);
    assert_int_equal(b->accepted_items, b->serial);
}

static void a_full_disk_refuses_and_recovers(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_stats stats;
    static const int errors[] = {ENOSPC, EROFS, EIO, EDQUOT, EFBIG};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        append_soon(b);
        disk.write_errno = errors[i];
        disk.break_after = 70 * i; /* some of the record is written before */
        assert_int_equal(append(b), GW_STORAGE);
        assert_non_null(strstr(b->err.what, strerror(errors[i])));
        disk.write_errno = 0;
        assert_int_equal(append(b), GW_STORAGE); /* not before the pause is over */
        append_soon(b);
    }
    gw_segment_log_stats(b->disk_log, &stats);
    assert_int_equal(stats.trouble, sizeof errors / sizeof *errors);
    expect_all(b);
}

static void a_disk_that_has_no_room_for_a_file(void **state)
{
    struct segment_log_bed *b = *state;
    disk.reserve_errno = ENOSPC;
    assert_int_equal(append(b), GW_STORAGE);
    disk.reserve_errno = 0;
    append_soon(b);
    disk.reserve_errno = ENOSPC; /* the segment that is there takes more */
    unsigned n = 0;
    while (append(b) == GW_OK)
        n++;
    assert_in_range(n, 5, 10);
    disk.reserve_errno = 0;
    append_soon(b);
    expect_all(b);
}

static void short_writes_are_completed(void **state)
{
    struct segment_log_bed *b = *state;
    disk.short_writes = 7;
    for (int i = 0; i < 20; i++)
        assert_int_equal(append(b), GW_OK);
    expect_all(b);
}

static void what_cannot_be_read_is_counted(void **state)
{
    struct segment_log_bed *b = *state;
    uint64_t lost = 0, expected = 0;
    for (uint32_t i = 0; i < 30; i++, expected += i % 7)
        assert_int_equal(append(b), GW_OK);
    expected = 0;
    for (uint32_t i = 0; i < 30; i++)
        expected += i % 7 + 1;
    disk.read_errno = EIO;
    assert_int_equal(segment_log_bed_read(b, r, 100, true, seen, &lost), 0);
    assert_int_equal(lost, expected);
    disk.read_errno = 0;
    assert_int_equal(append(b), GW_OK);
    assert_int_equal(segment_log_bed_read(b, r, 100, true, seen, &lost), 1);
}

static void a_sync_that_fails_makes_its_segment_suspect(void **state)
{
    struct segment_log_bed *b = *state;
    uint64_t ticket;
    struct gw_disk_position before, after;
    struct gw_segment_log_stats stats;
    struct gw_durable_entry e = {.frame = segment_log_bed_frame(0, 100), .pending = 1u << r};
    assert_int_equal(gw_segment_log_append(b->disk_log, &e, 1, segment_log_bed_commit, &b->accepted_items, &ticket, &(uint32_t){0}, NULL),
                     GW_OK);
    before = e.frame->stored;
    b->serial++;
    gw_frame_drop(e.frame);
    disk.sync_errno = EIO;
    assert_false(gw_segment_log_durable(b->disk_log, ticket));
    disk.sync_errno = 0;
    assert_int_equal(append(b), GW_STORAGE); /* a pause */
    append_soon(b);
    assert_int_equal(segment_log_bed_append(b, 100, 1u << r, NULL, &after), GW_OK);
    assert_true(after.segment != before.segment);
    assert_true(gw_segment_log_sync(b->disk_log));
    gw_segment_log_stats(b->disk_log, &stats);
    assert_int_equal(stats.sync_failures, 1);
    assert_int_equal(segment_log_bed_read(b, r, 100, true, seen, NULL), 3); /* what is there is delivered */
    char path[128];
    snprintf(path, sizeof path, "%s/segment-%08x.log", b->directory, (unsigned)before.segment);
    assert_int_equal(access(path, F_OK), -1); /* and the file is not used again */
}

static void nothing_new_is_synced_twice(void **state)
{
    struct segment_log_bed *b = *state;
    assert_int_equal(append(b), GW_OK);
    assert_true(gw_segment_log_sync(b->disk_log));
    assert_true(gw_segment_log_sync(b->disk_log));
    assert_int_equal(atomic_load(&disk.syncs), 1);
}

static void what_is_delivered_in_time_needs_no_sync(void **state)
{
    struct segment_log_bed *b = *state;
    assert_int_equal(append(b), GW_OK);
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_int_equal(atomic_load(&disk.syncs), 0); /* it is young */
    segment_log_bed_read(b, r, 1, true, seen, NULL);
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_int_equal(atomic_load(&disk.syncs), 0); /* it is delivered */
    assert_int_equal(append(b), GW_OK);
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_int_equal(append(b), GW_OK);
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_int_equal(atomic_load(&disk.syncs), 1);
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_int_equal(atomic_load(&disk.syncs), 1); /* nothing new */
    disk.sync_errno = EIO;
    assert_int_equal(append(b), GW_OK);
    assert_true(gw_segment_log_sync_aged(b->disk_log));
    assert_false(gw_segment_log_sync_aged(b->disk_log));
}

enum { WAITERS = 8, TURNS = 200 };
static atomic_uint durable_count;

static void *wait_often(void *arg)
{
    struct segment_log_bed *b = arg;
    uint64_t commits = 0, ticket;
    for (int i = 0; i < TURNS; i++) {
        struct gw_durable_entry e = {.frame = segment_log_bed_frame(5, 100), .pending = 1u << r, .memory = 1u << r};
        if (gw_segment_log_append(b->disk_log, &e, 1, segment_log_bed_commit, &commits, &ticket, &(uint32_t){0}, NULL) == GW_OK) {
            if (gw_segment_log_durable(b->disk_log, ticket))
                atomic_fetch_add(&durable_count, 1);
            gw_segment_log_ack(b->disk_log, r, e.frame->stored);
        }
        gw_frame_drop(e.frame);
    }
    return NULL;
}

static void one_sync_serves_all_that_wait(void **state)
{
    struct segment_log_bed *b = *state;
    pthread_t thread[WAITERS];
    atomic_store(&durable_count, 0);
    for (int i = 0; i < WAITERS; i++)
        pthread_create(&thread[i], NULL, wait_often, b);
    for (int i = 0; i < WAITERS; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(atomic_load(&durable_count), WAITERS * TURNS);
    assert_true(atomic_load(&disk.syncs) <= 2 * WAITERS * TURNS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_refuses_and_recovers),
        TEST(a_disk_that_has_no_room_for_a_file),
        TEST(short_writes_are_completed),
        TEST(what_cannot_be_read_is_counted),
        TEST(a_sync_that_fails_makes_its_segment_suspect),
        TEST(nothing_new_is_synced_twice),
        TEST(what_is_delivered_in_time_needs_no_sync),
        TEST(one_sync_serves_all_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
