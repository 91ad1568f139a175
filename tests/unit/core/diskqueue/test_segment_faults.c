/* The disk queue on a disk that fails: full, read-only, short writes, syncs that do not work; and what many
 * of them wait for.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"
#include "tests/unit/core/diskqueue/segment_log_bed.h"

static uint8_t seen[SEGMENT_LOG_BED_FRAMES];

/* The disk. */
static struct {
    int reserve_errno, write_errno, sync_errno, read_errno; /* 0: works */
    size_t short_writes;                                    /* at most so many bytes at once; 0: all */
    uint64_t break_after;                                   /* bytes that still go well before write_errno */
    /* writes that fail, then the disk works again; 0: all fail */
    unsigned failures;
    atomic_uint syncs;
    gw_nsec ahead; /* of the monotonic clock */
} disk;

static gw_nsec disk_now(void)
{
    return gw_now() + disk.ahead;
}

static ssize_t disk_write(int fd, const struct iovec *v, int n, off_t at)
{
    if (disk.write_errno && !disk.break_after) {
        errno = disk.write_errno;
        if (disk.failures && !--disk.failures)
            disk.write_errno = 0;
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

/* Every line that the segment log logs comes by here (the linker's --wrap); while `unlocked` is set, it must hold
 * none of its locks. */
static struct gw_segment_log *unlocked;
static unsigned lines;

void __wrap_gw_log_at(struct gw_log_site *, enum gw_level, const char *component, const char *fmt, ...);
void __wrap_gw_log_at(struct gw_log_site *site, enum gw_level level, const char *component, const char *fmt,
                      ...)
{
    if (!unlocked)
        return;
    pthread_mutex_t *locks[] = {&unlocked->append.mutex, &unlocked->state.mutex, &unlocked->sync.mutex};
    for (size_t i = 0; i < sizeof locks / sizeof *locks; i++) {
        assert_int_equal(pthread_mutex_trylock(locks[i]), 0);
        pthread_mutex_unlock(locks[i]);
    }
    lines++;
}

static const struct gw_segment_io broken = {disk_write,   disk_read, disk_sync,
                                            disk_reserve, disk_now,  gw_wall};

static unsigned r;

static int set_up(void **state)
{
    struct gw_segment_log_items ignored;
    struct segment_log_bed *b = malloc(sizeof *b);
    memset(seen, 0, sizeof seen);
    memset(&disk, 0, sizeof disk);
    unlocked = NULL;
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

/* --- what a write that failed left behind --- */

enum { FILES = 8, FILE_BYTES = 1 << 16 };

/* The directory as of one moment. */
struct image {
    struct {
        char path[400];
        size_t len;
        uint8_t bytes[FILE_BYTES];
    } file[FILES];
    unsigned n;
};

static void keep_file(struct segment_log_bed *b, const char *path, void *arg)
{
    struct image *image = arg;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_true(image->n < FILES);
    snprintf(image->file[image->n].path, sizeof image->file[0].path, "%s", path);
    image->file[image->n].len = fread(image->file[image->n].bytes, 1, FILE_BYTES, f);
    image->n++;
    fclose(f);
}

/* The process ends without a word, and another one starts. */
static void crash(struct segment_log_bed *b)
{
    struct image *image = calloc(1, sizeof *image);
    struct gw_segment_log_items ignored;
    segment_log_bed_each(b, keep_file, image);
    segment_log_bed_close(b);
    segment_log_bed_clear(b);
    for (unsigned i = 0; i < image->n; i++) {
        FILE *f = fopen(image->file[i].path, "wb");
        assert_int_equal(fwrite(image->file[i].bytes, 1, image->file[i].len, f), image->file[i].len);
        fclose(f);
    }
    free(image);
    memset(&disk, 0, sizeof disk);
    memset(seen, 0, sizeof seen);
    assert_true(segment_log_bed_open(b));
    r = gw_segment_log_attach(b->disk_log, "one", false, &ignored);
}

enum { RECORD = GW_SEGMENT_LOG_UNIT + 1024 }; /* of 1000 bytes */

/* Four records at once, of which three and a part reach the disk. They are refused, and their sender keeps
 * them. */
static void append_four_in_vain(struct segment_log_bed *b, unsigned failures)
{
    struct gw_durable_entry e[4];
    uint64_t ticket;
    for (uint32_t i = 0; i < 4; i++)
        e[i] = (struct gw_durable_entry){.frame = segment_log_bed_frame(1000 + i, 1000), .pending = 1u << r};
    disk.write_errno = ENOSPC;
    disk.break_after = 3 * RECORD + 100;
    disk.failures = failures;
    assert_int_equal(gw_segment_log_append(b->disk_log, e, 4, segment_log_bed_commit, &b->accepted_items,
                                           &ticket, &(uint32_t){0}, NULL),
                     GW_STORAGE);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(e[i].frame->stored.segment, 0);
        gw_frame_drop(e[i].frame);
    }
}

static void expect_what_was_accepted(struct segment_log_bed *b)
{
    crash(b);
    assert_int_equal(segment_log_bed_read(b, r, 10000, true, seen, NULL), b->serial);
    for (uint32_t i = 0; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(b->damages, 0);
}

/* Whole records that were refused stand behind the end. A crash must not find them: at once, … */
static void what_was_refused_does_not_come_back_after_a_crash(void **state)
{
    struct segment_log_bed *b = *state;
    append_soon(b);
    append_four_in_vain(b, 1);
    expect_what_was_accepted(b);
}

/* … when a record was written after them, … */
static void nor_when_more_was_accepted_since(void **state)
{
    struct segment_log_bed *b = *state;
    append_soon(b);
    append_four_in_vain(b, 1);
    append_soon(b);
    expect_what_was_accepted(b);
}

/* … and when the disk did not even take word of where the end is, until it worked again. */
static void nor_when_the_disk_took_nothing_for_a_while(void **state)
{
    struct segment_log_bed *b = *state;
    append_soon(b);
    append_four_in_vain(b, 0);
    disk.write_errno = 0;
    append_soon(b);
    expect_what_was_accepted(b);
}

/* A line that cannot be written at once must not hold up who needs the lock. */
static void nothing_is_logged_under_a_lock(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items ignored;
    unlocked = b->disk_log;
    lines = 0;
    append_soon(b);
    append_four_in_vain(b, 0);
    assert_int_equal(lines, 1); /* cannot write */
    disk.write_errno = 0;
    append_soon(b);
    assert_int_equal(lines, 2); /* works again */
    disk.sync_errno = EIO;
    assert_false(gw_segment_log_sync(b->disk_log));
    assert_true(lines > 2); /* for each segment */
    disk.sync_errno = 0;
    append_soon(b);
    lines = 0;
    gw_segment_log_detach(b->disk_log, r);
    gw_segment_log_report_orphans(b->disk_log);
    assert_int_equal(lines, 1);
    r = gw_segment_log_attach(b->disk_log, "two", false, &ignored);
    disk.reserve_errno = ENOSPC;
    while (append(b) == GW_OK)
        continue;
    assert_int_equal(lines, 2); /* cannot make a file */
    disk.reserve_errno = 0;
    for (gw_nsec grace_period = gw_now() + 20 * GW_SEC; lines < 4 && gw_now() < grace_period;) {
        enum gw_code code = append(b); /* works again; then there is no room, and what nobody reads goes */
        assert_true(code == GW_OK || code == GW_STORAGE);
    }
    assert_int_equal(lines, 4);
    unlocked = NULL;
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
    struct gw_segment_log_got got;
    disk.read_errno = EIO;
    for (int i = 0; i < 3; i++, disk.ahead += 25 * GW_SEC)
        assert_int_equal(gw_segment_log_next(b->disk_log, r, &got), GW_SEGMENT_LOG_NO_MEMORY);
    assert_int_equal(segment_log_bed_read(b, r, 100, true, seen, &lost), 0);
    assert_int_equal(lost, expected);
    disk.read_errno = 0;
    assert_int_equal(append(b), GW_OK);
    assert_int_equal(segment_log_bed_read(b, r, 100, true, seen, &lost), 1);
}

static void what_cannot_be_read_for_a_moment_is_not_lost(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_got got;
    for (int i = 0; i < 30; i++)
        assert_int_equal(append(b), GW_OK);
    disk.read_errno = EIO;
    assert_int_equal(gw_segment_log_next(b->disk_log, r, &got), GW_SEGMENT_LOG_NO_MEMORY);
    disk.ahead += 30 * GW_SEC;
    assert_int_equal(gw_segment_log_next(b->disk_log, r, &got), GW_SEGMENT_LOG_NO_MEMORY);
    disk.read_errno = 0;
    expect_all(b);
    assert_int_equal(b->damages, 0);
}

static void a_sync_that_fails_makes_its_segment_suspect(void **state)
{
    struct segment_log_bed *b = *state;
    uint64_t ticket;
    struct gw_disk_position before, after;
    struct gw_segment_log_stats stats;
    struct gw_durable_entry e = {.frame = segment_log_bed_frame(0, 100), .pending = 1u << r};
    assert_int_equal(gw_segment_log_append(b->disk_log, &e, 1, segment_log_bed_commit, &b->accepted_items,
                                           &ticket, &(uint32_t){0}, NULL),
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
    assert_false(gw_segment_log_sync(b->disk_log)); /* the first one still waits, and is on no disk */
    gw_segment_log_stats(b->disk_log, &stats);
    assert_int_equal(stats.sync_failures, 1);
    assert_int_equal(segment_log_bed_read(b, r, 100, true, seen, NULL), 3); /* what is there is delivered */
    assert_true(gw_segment_log_sync(b->disk_log));
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
        struct gw_durable_entry e = {
            .frame = segment_log_bed_frame(5, 100), .pending = 1u << r, .memory = 1u << r};
        if (gw_segment_log_append(b->disk_log, &e, 1, segment_log_bed_commit, &commits, &ticket,
                                  &(uint32_t){0}, NULL) == GW_OK) {
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
        TEST(what_was_refused_does_not_come_back_after_a_crash),
        TEST(nor_when_more_was_accepted_since),
        TEST(nor_when_the_disk_took_nothing_for_a_while),
        TEST(nothing_is_logged_under_a_lock),
        TEST(a_disk_that_has_no_room_for_a_file),
        TEST(short_writes_are_completed),
        TEST(what_cannot_be_read_is_counted),
        TEST(what_cannot_be_read_for_a_moment_is_not_lost),
        TEST(a_sync_that_fails_makes_its_segment_suspect),
        TEST(nothing_new_is_synced_twice),
        TEST(what_is_delivered_in_time_needs_no_sync),
        TEST(one_sync_serves_all_that_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
