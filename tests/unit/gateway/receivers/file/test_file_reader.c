/* The reader step by step: files in trouble, holes, stalls, stops and reloads, more files than may be open.
 * Every line comes once.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "core/delivery/durable.h"
#include "tests/unit/gateway/receivers/file/file_bed.h"

#include <sys/resource.h>

static const char *name_of(unsigned i)
{
    static char names[4][32];
    static unsigned turn;
    char *name = names[turn++ % 4];
    snprintf(name, sizeof names[0], "f%03u.log", i);
    return name;
}

/* --- more files than may be open --- */

static void a_restart_with_more_files_than_may_be_open_reads_nothing_twice(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    b.open_files = 8;
    for (unsigned i = 0; i < 40; i++)
        append_lines(&b, name_of(i), 10 * i, 10 * i + 10);
    open_reader(&b);
    run_dry(&b);
    once(&b, 0, 400);
    assert_true(b.file->reader.open_n <= 8);
    reload(&b);
    run_dry(&b);
    reload(&b);
    run_dry(&b);
    once(&b, 0, 400);
    assert_int_equal(b.file->counts.truncated, 0);
    for (unsigned i = 0; i < 40; i++)
        append_lines(&b, name_of(i), 400 + i, 401 + i);
    run_dry(&b);
    once(&b, 0, 440);
    assert_true(b.file->reader.open_n <= 8);
    bed_end(&b);
}

static void files_renamed_out_of_sight_are_read_to_their_end_by_the_next_start(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    b.open_files = 8;
    for (unsigned i = 0; i < 20; i++)
        append_lines(&b, name_of(i), i, i + 1);
    open_reader(&b);
    run_dry(&b);
    stop_reader(&b);
    close_reader(&b);
    for (unsigned i = 0; i < 20; i++) {
        char old[40];
        append_lines(&b, name_of(i), 20 + i, 21 + i);
        snprintf(old, sizeof old, "%s.old", name_of(i));
        if (i % 2)
            assert_int_equal(rename(in(&b, name_of(i)), in(&b, old)), 0);
    }
    truncate(in(&b, "f001.log.old"), 0); /* its entry goes when it is looked at */
    append_lines(&b, "f001.log.old", 40, 42);
    open_reader(&b);
    run_dry(&b);
    for (unsigned i = 0; i < 42; i++)
        if (b.seen[i] != (i == 21 || i == 40 || i == 41 ? b.seen[i] : 1))
            fail_msg("line %u came %u times", i, b.seen[i]);
    bed_end(&b);
}

/* Into a folder below, one beside, and one that only `olddir` names, while no gateway ran (one was killed, perhaps). */
static void files_moved_into_another_folder_are_read_to_their_end_by_the_next_start(void **state)
{
    static const char *const to[] = {"logs/old/a.log.1", "old/a.log.1", "far/away/a.log.1"};
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        struct bed b;
        char far[80];
        bed_new(&b, 1 << 20);
        for (int k = 0; k < 5; k++)
            assert_int_equal(
                mkdir(in(&b, (const char *const[]){"logs", "old", "logs/old", "far", "far/away"}[k]), 0700),
                0);
        snprintf(b.pattern, sizeof b.pattern, "%s/logs/*.log", b.folder);
        snprintf(far, sizeof far, "%s/far/away", b.folder);
        b.olddir = far;
        append_lines(&b, "logs/a.log", 0, 10);
        open_reader(&b);
        run_dry(&b);
        stop_reader(&b);
        close_reader(&b);
        append_lines(&b, "logs/a.log", 10, 20);
        assert_int_equal(rename(in(&b, "logs/a.log"), in(&b, to[i])), 0);
        append_lines(&b, "logs/a.log", 20, 30);
        for (int start = 0; start < 2; start++) {
            open_reader(&b);
            run_dry(&b);
            once(&b, 0, 30);
            stop_reader(&b);
            close_reader(&b);
        }
        bed_drop(&b);
    }
}

static void fewer_files_are_open_where_there_are_fewer_descriptors(void **state)
{
    struct bed b;
    struct rlimit before, few;
    bed_new(&b, 1 << 20);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    open_reader(&b);
    assert_int_equal(b.file->reader.open_limit, 36);
    for (unsigned i = 0; i < 60; i++)
        append_lines(&b, name_of(i), i, i + 1);
    run_dry(&b);
    once(&b, 0, 60);
    assert_true(b.file->reader.open_n <= 36);
    stop_reader(&b);
    close_reader(&b);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    bed_drop(&b);
}

/* --- trouble --- */

static void a_file_that_cannot_be_read_waits_alone(void **state)
{
    static const int errors[] = {EIO, ESTALE, EACCES, EIO};
    for (size_t e = 0; e < sizeof errors / sizeof *errors; e++) {
        struct bed b;
        head_only = e == 3;
        uint64_t logged = gw_log_counts().lines[GW_WARNING];
        bed_new(&b, 1 << 20);
        append_lines(&b, "bad.log", 0, 10);
        append_lines(&b, "good.log", 10, 20);
        open_reader(&b);
        run_dry(&b);
        unreadable = inode(&b, "bad.log");
        unreadable_errno = errors[e];
        reads_of_unreadable = 0;
        append_lines(&b, "bad.log", 20, 30);
        append_lines(&b, "good.log", 30, 40);
        run(&b, 200 * GW_MSEC);
        take(&b);
        once(&b, 30, 40);
        for (unsigned i = 0; i < 100; i++) {
            append_lines(&b, "bad.log", 100 + i, 101 + i);
            append_lines(&b, "good.log", 200 + i, 201 + i);
            run(&b, 600 * GW_MSEC);
            take(&b);
        }
        take(&b);
        once(&b, 200, 300);
        assert_in_range(reads_of_unreadable, 1, 10); /* in a minute, and each try is one read */
        assert_int_equal(b.file->counts.failing, 1);
        assert_true(b.file->counts.read_errors >= 2);
        assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, 1);
        unreadable = 0;
        head_only = false;
        run(&b, 61 * GW_SEC);
        take(&b);
        once(&b, 0, 40);
        once(&b, 100, 300);
        assert_int_equal(b.file->counts.failing, 0);
        assert_int_equal(b.file->counts.truncated, 0);
        bed_end(&b);
    }
}

/* At a start it cannot even be compared with what was saved. */
/* Deleted, or renamed to where no pattern finds it: then the next start reads it. */
static void what_could_not_be_read_of_a_file_that_is_gone_is_counted(void **state)
{
    for (int renamed = 0; renamed < 2; renamed++) {
        struct bed b;
        bed_new(&b, 1 << 20);
        append_lines(&b, "bad.log", 0, 10);
        open_reader(&b);
        run_dry(&b);
        unreadable = inode(&b, "bad.log");
        unreadable_errno = EIO;
        append_lines(&b, "bad.log", 10, 20);
        run(&b, GW_SEC);
        uint64_t logged = gw_log_counts().lines[GW_WARNING];
        if (renamed)
            assert_int_equal(rename(in(&b, "bad.log"), in(&b, "bad.old")), 0);
        else
            assert_int_equal(unlink(in(&b, "bad.log")), 0);
        run(&b, 200 * GW_SEC);
        assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, 1);
        assert_int_equal(b.file->counts.lost_bytes, renamed ? 0 : 10 * 110);
        assert_int_equal(b.file->counts.failing, 0);
        unreadable = 0;
        reload(&b);
        run_dry(&b);
        once(&b, 0, renamed ? 20 : 10);
        bed_end(&b);
    }
}

static void a_known_file_that_cannot_be_read_at_the_start_is_not_another_one(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    append_lines(&b, "bad.log", 0, 10);
    open_reader(&b);
    run_dry(&b);
    stop_reader(&b);
    close_reader(&b);
    unreadable = inode(&b, "bad.log");
    unreadable_errno = EIO;
    append_lines(&b, "bad.log", 10, 20);
    open_reader(&b);
    run(&b, 3 * GW_SEC);
    assert_int_equal(b.file->counts.failing, 1);
    unreadable = 0;
    run(&b, 61 * GW_SEC);
    take(&b);
    once(&b, 0, 20);
    assert_int_equal(b.file->counts.truncated, 0);
    bed_end(&b);
}

static void a_hole_is_passed_over(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    append_lines(&b, "hole.log", 0, 1);
    assert_int_equal(truncate(in(&b, "hole.log"), 1 << 30), 0);
    append_lines(&b, "hole.log", 1, 2);
    append_lines(&b, "other.log", 2, 3);
    open_reader(&b);
    reads = 0;
    run(&b, GW_SEC);
    take(&b);
    once(&b, 0, 3);
    assert_true(reads < 100);
    reload(&b);
    append_lines(&b, "hole.log", 3, 4);
    run_dry(&b);
    once(&b, 0, 4);
    bed_end(&b);
}

/* A line that goes on behind a hole, too. */
static void a_hole_within_a_line_is_passed_over(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    append_text(&b, "hole.log", "L000000# begins");
    assert_int_equal(truncate(in(&b, "hole.log"), 1 << 30), 0);
    append_text(&b, "hole.log", "ends\n");
    append_lines(&b, "hole.log", 1, 2);
    open_reader(&b);
    reads = 0;
    run(&b, GW_SEC);
    take(&b);
    once(&b, 0, 2);
    assert_true(reads < 100);
    bed_end(&b);
}

/* A file that has more and more to read, and a disk that is slow. */
static void what_was_read_does_not_wait_for_those_that_have_more(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    append_lines(&b, "a.log", 0, 1);
    open_reader(&b);
    run_dry(&b);
    FILE *f = fopen(in(&b, "long.log"), "w");
    assert_non_null(f);
    for (unsigned i = 0; i < 64 << 10; i++) /* 64 MiB, and no line ends */
        fprintf(f, "%01024u", i);
    fclose(f);
    append_lines(&b, "b.log", 1, 2);
    slow = inode(&b, "long.log");
    slow_read = 20 * GW_MSEC;
    run(&b, GW_SEC);
    take(&b);
    once(&b, 0, 2);
    slow = 0;
    bed_end(&b);
}

/* --- stalls --- */

static void a_stop_while_the_queue_is_full_reads_nothing_twice(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    stall(&b, 100);
    take(&b); /* there is room just before the end */
    stop_reader(&b);
    take(&b);
    close_reader(&b);
    open_reader(&b);
    run_dry(&b);
    once(&b, 0, 100);
    once(&b, LINES - 1, LINES);
    bed_end(&b);
}

static void what_no_queue_took_is_read_by_the_next_reader(void **state)
{
    for (int in_memory = 0; in_memory < 2; in_memory++) {
        struct bed b;
        bed_new(&b, 4096);
        b.in_memory = in_memory;
        stall_after(&b, "a.log", 100); /* some of the same file is under way */
        for (unsigned turn = 0; turn < 5; turn++) {
            append_lines(&b, "a.log", 100 + 10 * turn, 110 + 10 * turn);
            reload(&b);
            run(&b, GW_SEC);
        }
        run_dry(&b);
        once(&b, 0, 150);
        once(&b, LINES - 1, LINES);
        struct gw_ledger_view v;
        gw_ledger_read(b.ledger, &v);
        assert_int_equal(v.signal[GW_LOGS].received, 151); /* each counted once */
        bed_end(&b);
    }
}

/* What is under way when the receiver is closed, and is settled before it is opened. */
static void what_is_delivered_during_a_reload_is_not_read_again(void **state)
{
    for (int in_memory = 0; in_memory < 2; in_memory++) {
        struct bed b;
        bed_new(&b, 1 << 20);
        b.in_memory = in_memory;
        append_lines(&b, "a.log", 0, 100);
        open_reader(&b);
        run(&b, GW_SEC);
        for (unsigned turn = 1; turn <= 20; turn++) {
            append_lines(&b, "a.log", 100 * turn, 100 * turn + 100);
            run(&b, 20 * GW_MSEC);
            stop_reader(&b);
            close_reader(&b);
            take(&b);
            open_reader(&b);
            run(&b, 20 * GW_MSEC);
        }
        run_dry(&b);
        once(&b, 0, 2100);
        bed_end(&b);
    }
}

/* A receiver that a reload takes away leaves offsets that are exact, whoever reads them. */
static void the_last_delivery_writes_the_offsets_of_a_receiver_that_is_gone(void **state)
{
    struct bed b;
    struct file_offsets o;
    char why[FILE_ERROR_SIZE];
    bed_new(&b, 1 << 20);
    append_lines(&b, "a.log", 0, 10);
    open_reader(&b);
    run(&b, GW_SEC);
    stop_reader(&b);
    close_reader(&b);
    assert_int_equal(file_offsets_load(b.offsets, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.files[0].offset, 0);
    file_offsets_fini(&o);
    take(&b);
    assert_int_equal(file_offsets_load(b.offsets, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.files_n, 1);
    assert_int_equal(o.files[0].offset, 10 * 110);
    file_offsets_fini(&o);
    bed_drop(&b);
}

/* Its name is gone, and only the descriptor leads to it. */
static void a_file_deleted_during_a_stall_survives_reloads(void **state)
{
    for (int noticed = 0; noticed < 2; noticed++) {
        struct bed b;
        bed_new(&b, 4096);
        stall(&b, 100);
        assert_int_equal(unlink(in(&b, "a.log")), 0);
        if (noticed)
            run(&b, 20 * GW_SEC);
        reload(&b);
        run(&b, 20 * GW_SEC);
        reload(&b);
        run_dry(&b);
        once(&b, 0, 100);
        run(&b, 20 * GW_SEC);
        assert_int_equal(b.file->reader.tails_n, 1);
        bed_end(&b);
    }
}

/* Who stops has to know: no next start can bring it. */
static void what_a_stop_loses_of_a_deleted_file_is_logged(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    stall(&b, 100);
    assert_int_equal(unlink(in(&b, "a.log")), 0);
    run(&b, GW_SEC);
    uint64_t logged = gw_log_counts().lines[GW_WARNING];
    stop_reader(&b);
    take(&b);
    close_reader(&b);
    assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, 1);
    once(&b, LINES - 1, LINES);
    bed_drop(&b);
}

/* Said once, however often it is looked at. */
static void a_file_that_cannot_be_opened_is_tried_and_counted(void **state)
{
    struct bed b;
    char path[160];
    uint64_t logged = gw_log_counts().lines[GW_WARNING];
    bed_new(&b, 1 << 20);
    append_lines(&b, "closed.log", 0, 1);
    append_lines(&b, "open.log", 1, 2);
    snprintf(path, sizeof path, "%s", in(&b, "closed.log"));
    closed = path;
    open_reader(&b);
    run(&b, 60 * GW_SEC);
    take(&b);
    once(&b, 1, 2);
    assert_int_equal(b.file->counts.failing, 1);
    assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, 1);
    closed = NULL;
    run(&b, 11 * GW_SEC);
    take(&b);
    once(&b, 0, 2);
    assert_int_equal(b.file->counts.failing, 0);
    stop_reader(&b);
    closed = path; /* what is known already, too, and it is not begun another time */
    close_reader(&b);
    open_reader(&b);
    append_lines(&b, "closed.log", 2, 3);
    run(&b, 11 * GW_SEC);
    closed = NULL;
    run(&b, 11 * GW_SEC);
    take(&b);
    once(&b, 0, 3);
    bed_end(&b);
}

/* A folder that cannot be listed is logged once, and when that is over. */
static void a_folder_that_cannot_be_listed_is_logged_and_counted(void **state)
{
    struct bed b;
    char path[160];
    uint64_t logged = gw_log_counts().lines[GW_WARNING];
    bed_new(&b, 1 << 20);
    assert_int_equal(mkdir(in(&b, "secret"), 0700), 0);
    snprintf(b.pattern, sizeof b.pattern, "%s/secret/*.log", b.folder);
    append_lines(&b, "secret/a.log", 0, 1);
    snprintf(path, sizeof path, "%s/", in(&b, "secret"));
    closed = path;
    open_reader(&b);
    run(&b, 60 * GW_SEC);
    assert_int_equal(b.file->counts.failing, 1);
    assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, 1);
    closed = NULL;
    run(&b, 11 * GW_SEC);
    take(&b);
    once(&b, 0, 1);
    assert_int_equal(b.file->counts.failing, 0);
    bed_end(&b);
}

/* By whom a link was made decides whether it is followed. */
static void links_of_other_users_are_not_followed(void **state)
{
    static const struct {
        uid_t link, target;
        int links;
        bool read;
    } cases[] = {{1000, 0, 0, false},    {1000, 1000, 0, true}, {0, 1000, 0, true},
                 {1000, 1001, 0, false}, {1000, 0, 1, true},    {0, 0, 2, false}};
    if (geteuid() != 0)
        skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        uint64_t logged = gw_log_counts().lines[GW_WARNING];
        bed_new(&b, 1 << 20);
        append_lines(&b, "shadow", 0, 1);
        assert_int_equal(symlink("shadow", in(&b, "a.log")), 0);
        assert_int_equal(lchown(in(&b, "a.log"), cases[i].link, (gid_t)-1), 0);
        assert_int_equal(chown(in(&b, "shadow"), cases[i].target, (gid_t)-1), 0);
        open_reader(&b);
        b.file->conf.links = cases[i].links;
        run_dry(&b);
        assert_int_equal(b.seen[0], cases[i].read);
        assert_int_equal(b.file->counts.failing, !cases[i].read);
        assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, !cases[i].read);
        bed_end(&b);
    }
}

/* An exporter goes away while the gateway lives: what it gave up is read another time, though its file does
 * not grow. */
static void what_was_given_up_is_read_though_the_file_rests(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    append_lines(&b, "a.log", 0, 10);
    open_reader(&b);
    run(&b, GW_SEC);
    assert_int_equal(unlink(in(&b, "a.log")), 0);
    run(&b, 20 * GW_SEC); /* long enough to close a deleted file that nobody waits for */
    give_up(&b);
    run(&b, 20 * GW_SEC);
    take(&b);
    once(&b, 0, 10);
    bed_end(&b);
}

static void the_rest_of_a_line_that_comes_late_is_waited_for_after_a_stall_too(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    stall(&b, 1);
    append_text(&b, "a.log", "L000001# a half");
    run(&b, 20 * GW_SEC);
    take(&b);
    run(&b, GW_SEC);
    append_text(&b, "a.log", "L000002# of it\n");
    run_dry(&b);
    once(&b, 0, 3);
    struct gw_ledger_view v;
    gw_ledger_read(b.ledger, &v);
    assert_int_equal(v.signal[GW_LOGS].received, 3); /* the two halves are one record */
    bed_end(&b);
}

static void a_wait_for_room_ends_with_an_event(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    stall(&b, 100);
    append_lines(&b, "a.log", 100, 101);
    gw_nsec end = gw_now() + 60 * GW_SEC;
    file_reader_wait(&b.file->reader, end);
    assert_true(gw_now() < end);
    bed_end(&b);
}

/* --- offsets and the disk --- */

static bool synced;
static unsigned syncs;

static bool keeps_up(void *ctx, unsigned reader)
{
    return false;
}

static enum gw_code append_all(void *ctx, struct gw_durable_entry *entries, size_t n, void (*commit)(void *),
                               void *arg, uint64_t *ticket, uint32_t *lagging, struct gw_err *err)
{
    commit(arg);
    *ticket = *lagging = 0;
    return GW_OK;
}

static bool waits_for_nothing(void *ctx, uint64_t ticket)
{
    return true;
}

static bool sync_or_not(void *ctx)
{
    syncs++;
    return synced;
}

static uint64_t saved_offset(const struct bed *b)
{
    struct file_offsets o;
    char why[FILE_ERROR_SIZE];
    assert_int_equal(file_offsets_load(b->offsets, &o, why), FILE_OFFSETS_LOADED);
    uint64_t offset = o.files_n ? o.files[0].offset : 0;
    file_offsets_fini(&o);
    return offset;
}

/* With a disk queue an offset may be written only when what it covers is on the disk. */
static void offsets_wait_for_the_disk_queue(void **state)
{
    static const struct gw_durable disk = {keeps_up, append_all, waits_for_nothing, sync_or_not};
    struct bed b;
    bed_new(&b, 1 << 20);
    gw_fanout_durable(b.host.fanout, &disk, NULL);
    append_lines(&b, "a.log", 0, 10);
    synced = false;
    syncs = 0;
    open_reader(&b);
    run(&b, 5 * GW_SEC);
    assert_true(syncs > 0);
    assert_int_equal(saved_offset(&b), 0);
    synced = true;
    run(&b, 2 * GW_SEC);
    assert_int_equal(saved_offset(&b), 10 * 110);
    take(&b);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restart_with_more_files_than_may_be_open_reads_nothing_twice),
        cmocka_unit_test(files_renamed_out_of_sight_are_read_to_their_end_by_the_next_start),
        cmocka_unit_test(files_moved_into_another_folder_are_read_to_their_end_by_the_next_start),
        cmocka_unit_test(fewer_files_are_open_where_there_are_fewer_descriptors),
        cmocka_unit_test(a_file_that_cannot_be_read_waits_alone),
        cmocka_unit_test(what_could_not_be_read_of_a_file_that_is_gone_is_counted),
        cmocka_unit_test(a_known_file_that_cannot_be_read_at_the_start_is_not_another_one),
        cmocka_unit_test(a_hole_is_passed_over),
        cmocka_unit_test(a_hole_within_a_line_is_passed_over),
        cmocka_unit_test(what_was_read_does_not_wait_for_those_that_have_more),
        cmocka_unit_test(a_stop_while_the_queue_is_full_reads_nothing_twice),
        cmocka_unit_test(what_no_queue_took_is_read_by_the_next_reader),
        cmocka_unit_test(what_is_delivered_during_a_reload_is_not_read_again),
        cmocka_unit_test(the_last_delivery_writes_the_offsets_of_a_receiver_that_is_gone),
        cmocka_unit_test(a_file_deleted_during_a_stall_survives_reloads),
        cmocka_unit_test(what_a_stop_loses_of_a_deleted_file_is_logged),
        cmocka_unit_test(a_file_that_cannot_be_opened_is_tried_and_counted),
        cmocka_unit_test(a_folder_that_cannot_be_listed_is_logged_and_counted),
        cmocka_unit_test(links_of_other_users_are_not_followed),
        cmocka_unit_test(what_was_given_up_is_read_though_the_file_rests),
        cmocka_unit_test(the_rest_of_a_line_that_comes_late_is_waited_for_after_a_stall_too),
        cmocka_unit_test(a_wait_for_room_ends_with_an_event),
        cmocka_unit_test(offsets_wait_for_the_disk_queue),
    };
    return cmocka_run_group_tests(tests, no_state_folder, NULL);
}
