/* Rotation step by step: in a stall, between two looks of a scan, by copies, behind symbolic links. Every
 * line comes once.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "tests/unit/gateway/receivers/file/file_bed.h"

/* --- rotation in a stall --- */

static void rotate_by_copy(struct bed *b, const char *name, const char *copy)
{
    char command[256];
    snprintf(command, sizeof command, "cp %s %s", in(b, name), in(b, copy));
    assert_int_equal(system(command), 0);
    assert_int_equal(truncate(in(b, name), 0), 0);
}

static void two_rotations_in_a_stall_lose_nothing(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    stall(&b, 100);
    rotate_by_copy(&b, "a.log", "a.log.1");
    run(&b, 20 * GW_MSEC);
    append_lines(&b, "a.log", 100, 200);
    run(&b, 20 * GW_MSEC);
    assert_int_equal(rename(in(&b, "a.log.1"), in(&b, "a.log.2")), 0);
    rotate_by_copy(&b, "a.log", "a.log.1");
    run(&b, 20 * GW_MSEC);
    append_lines(&b, "a.log", 200, 300);
    run_dry(&b);
    once(&b, 0, 300);
    assert_int_equal(b.file->counts.lost_bytes, 0);
    bed_end(&b);
}

static void what_a_truncation_loses_is_counted(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    stall(&b, 20);
    append_lines(&b, "a.log", 20, 120);
    run(&b, 100 * GW_MSEC);
    uint64_t logged = gw_log_counts().lines[GW_WARNING];
    assert_int_equal(truncate(in(&b, "a.log"), 0), 0);
    run(&b, 100 * GW_MSEC);
    assert_int_equal(b.file->counts.lost_bytes, 100 * 110);
    assert_int_equal(gw_log_counts().lines[GW_WARNING] - logged, 1);
    run_dry(&b);
    once(&b, 0, 20);
    bed_end(&b);
}

static struct file_tail *tail_of(const struct bed *b, const char *name)
{
    struct stat st;
    assert_int_equal(stat(in(b, name), &st), 0);
    return file_tail_of(&b->file->reader, &st);
}

/* A frame was full in the midst of these lines, and no queue takes it. */
static void what_was_read_before_a_truncation_is_passed_on(void **state)
{
    unsigned met = 0;
    for (unsigned before = 4000; before < 12000; before += 1000) {
        struct bed b;
        bed_new(&b, 4096);
        append_lines(&b, "first.log", LINES - 1, LINES);
        open_reader(&b);
        run(&b, GW_SEC);
        FILE *f = fopen(in(&b, "a.log"), "w");
        for (unsigned i = 0; i < before; i++)
            fputs("x\n", f);
        fclose(f);
        append_lines(&b, "a.log", 0, 550);
        run(&b, GW_SEC);
        bool held = tail_of(&b, "a.log")->held_n > 110;
        assert_true(b.file->reader.waiting);
        assert_int_equal(truncate(in(&b, "a.log"), 0), 0);
        run(&b, 100 * GW_MSEC);
        run_dry(&b);
        if (held)
            once(&b, 0, 550);
        met += held;
        bed_end(&b);
    }
    assert_in_range(met, 1, 7);
}

/* --- copies --- */

static void copy(struct bed *b, const char *name, const char *to)
{
    char command[400];
    snprintf(command, sizeof command, "cp %s %s", in(b, name), in(b, to));
    assert_int_equal(system(command), 0);
}

/* A line comes between the copy and the truncation, and is read or not; few lines or many; seen by a scan or not;
 * by this start or the next. */
static void a_copy_that_ends_before_its_original_did_is_not_read_twice(void **state)
{
    for (unsigned how = 0; how < 16; how++) {
        struct bed b;
        unsigned lines = how & 1 ? 2 : 40;
        /* of a file's first bytes the next start knows a hash, and these few are not all of them */
        if ((how & 13) == 13)
            continue;
        bed_new(&b, 1 << 20);
        snprintf(b.pattern, sizeof b.pattern, "%s/app.log*", b.folder);
        append_lines(&b, "app.log", 0, lines);
        open_reader(&b);
        run_dry(&b);
        copy(&b, "app.log", "app.log.1");
        if (how & 2)
            run(&b, GW_SEC);
        append_lines(&b, "app.log", 40, 41);
        if (how & 4) {
            run(&b, 30 * GW_MSEC);
            take(&b);
        }
        assert_int_equal(truncate(in(&b, "app.log"), 0), 0);
        append_lines(&b, "app.log", 41, 43);
        if (how & 8) {
            reload(&b);
        }
        run_dry(&b);
        once(&b, 0, lines);
        once(&b, 41, 43);
        assert_in_range(b.seen[40], 0, 1);
        reload(&b);
        run_dry(&b);
        once(&b, 0, lines);
        once(&b, 41, 43);
        bed_end(&b);
    }
}

/* Compressed at once, in the same folder, one beside it, one below it, one of `olddir`, or where a link leads. */
static void a_copy_that_is_gone_at_once_is_read(void **state)
{
    static const char *const copies[] = {"logs/app.log.1", "old/app.log.1", "logs/old/app.log.1",
                                         "far/away/app.log.1", "pods/0.txt.1"};
    for (size_t i = 0; i < sizeof copies / sizeof *copies; i++) {
        struct bed b;
        char far[80];
        bool link = strncmp(copies[i], "pods", 4) == 0;
        const char *name = link ? "pods/0.txt" : "logs/app.log";
        bed_new(&b, 1 << 20);
        for (int k = 0; k < 6; k++)
            assert_int_equal(
                mkdir(in(&b, (const char *const[]){"logs", "old", "logs/old", "far", "far/away", "pods"}[k]),
                      0700),
                0);
        snprintf(b.pattern, sizeof b.pattern, "%s/logs/app.log", b.folder);
        snprintf(far, sizeof far, "%s/far/away", b.folder);
        b.olddir = far;
        append_lines(&b, name, 0, 20);
        if (link)
            assert_int_equal(symlink("../pods/0.txt", in(&b, "logs/app.log")), 0);
        open_reader(&b);
        run_dry(&b);
        append_lines(&b, name, 20, 30);
        copy(&b, name, copies[i]);
        append_lines(&b, name, 30, 31); /* in no copy */
        file_folders_look(&b.file->reader);
        assert_int_equal(truncate(in(&b, name), 0), 0);
        assert_int_equal(unlink(in(&b, copies[i])), 0);
        append_lines(&b, name, 31, 33);
        run_dry(&b);
        once(&b, 0, 30);
        once(&b, 31, 33);
        bed_end(&b);
    }
}

static void compress(struct bed *b, const char *name)
{
    char command[300];
    snprintf(command, sizeof command, "gzip -q %s", in(b, name));
    assert_int_equal(system(command), 0);
}

/* Rotated by rename or by copy, compressed, and compressed once more; found by the next start, or at the truncation. */
static void what_was_compressed_before_it_was_read_is_read(void **state)
{
    for (unsigned how = 0; how < 16; how++) {
        struct bed b;
        bool by_copy = how & 1, live = by_copy && how & 4;
        const char *last = how & 2 ? "old/app.log.1" : "app.log.1";
        bed_new(&b, 1 << 20);
        snprintf(b.pattern, sizeof b.pattern, "%s/app.log*", b.folder);
        assert_int_equal(mkdir(in(&b, "old"), 0700), 0);
        append_lines(&b, "app.log.2", 50, 70);
        compress(&b, "app.log.2"); /* some other one */
        append_lines(&b, "app.log", 0, 20);
        open_reader(&b);
        run_dry(&b);
        if (!live) {
            stop_reader(&b);
            close_reader(&b);
        }
        append_lines(&b, "app.log", 20, 40);
        /* while somebody has it open, no other file gets its inode */
        int held = how & 8 ? open(in(&b, "app.log"), O_RDONLY | O_CLOEXEC) : -1;
        if (by_copy) {
            copy(&b, "app.log", last);
            assert_int_equal(truncate(in(&b, "app.log"), 0), 0);
        } else {
            assert_int_equal(rename(in(&b, "app.log"), in(&b, last)), 0);
        }
        compress(&b, last);
        append_lines(&b, "app.log", 40, 42);
        if (!live)
            open_reader(&b);
        for (int turn = 0; turn < 3; turn++) {
            run(&b, turn ? 61 * GW_SEC : GW_SEC);
            run_dry(&b);
            once(&b, 0, 42);
            assert_int_equal(b.delivered, 42);
            reload(&b);
        }
        stop_reader(&b);
        close_reader(&b);
        if (held >= 0)
            close(held);
        bed_drop(&b);
    }
}

static void make_long(const struct bed *b)
{
    FILE *f = fopen(in(b, "app.log"), "a");
    for (unsigned i = 0; i < 17 << 20; i++)
        putc(i % 64 ? 'x' : '\n', f);
    fclose(f);
}

static void shell(const struct bed *b, const char *command)
{
    char line[400];
    snprintf(line, sizeof line, "cd %s && %s", b->folder, command);
    assert_int_equal(system(line), 0);
}

/* Compressed while no gateway ran: too long, damaged, or with something else than gzip. It is said once, by one start. */
static void what_is_not_unpacked_is_counted(void **state)
{
    static const struct {
        const char *compressed;
        uint64_t lost;
        unsigned archives;
    } cases[] = {
        {"gzip app.log.1", 17 << 20, 1},
        {"gzip app.log.1 && printf xxxx | dd of=app.log.1.gz bs=1 seek=20000 conv=notrunc status=none",
         17 << 20, 1},
        {"touch -d '1 minute' app.log.1 && cp -p app.log.1 app.log.1.zst && rm app.log.1", 0, 1},
        {"touch -d '1 minute' app.log.1 && cp -p app.log.1 app.log.1.xz && rm app.log.1", 0, 1},
        {"touch -d '1 minute ago' app.log.1 && cp -p app.log.1 app.log.1.bz2 && rm app.log.1", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bed b;
        char offsets[80];
        bed_new(&b, 1 << 20);
        snprintf(b.offsets, sizeof b.offsets, "%s/offsets", b.above);
        snprintf(offsets, sizeof offsets, "%s/", b.above);
        append_lines(&b, "app.log", 0, 20);
        open_reader(&b);
        run_dry(&b);
        stop_reader(&b);
        close_reader(&b);
        make_long(&b);
        assert_int_equal(rename(in(&b, "app.log"), in(&b, "app.log.1")), 0);
        shell(&b, cases[i].compressed);
        closed = offsets; /* no file without a name is made there, and 16 MiB are the most */
        for (int start = 0; start < 2; start++) {
            open_reader(&b);
            run_dry(&b);
            assert_int_equal(b.file->counts.unread_archives, start ? 0 : cases[i].archives);
            if (cases[i].lost)
                assert_int_equal(b.file->counts.lost_bytes, start ? 0 : cases[i].lost);
            stop_reader(&b);
            close_reader(&b);
        }
        closed = NULL;
        bed_drop(&b);
    }
}

/* Beside the log, and the pattern finds it there. */
static void a_copy_in_another_folder_is_not_read_twice(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    assert_int_equal(mkdir(in(&b, "logs"), 0700), 0);
    assert_int_equal(mkdir(in(&b, "logs/old"), 0700), 0);
    snprintf(b.pattern, sizeof b.pattern, "%s/logs/**", b.folder);
    append_lines(&b, "logs/app.log", 0, 20);
    open_reader(&b);
    run_dry(&b);
    copy(&b, "logs/app.log", "logs/old/app.log.1");
    append_lines(&b, "logs/app.log", 20, 21);
    run_dry(&b);
    assert_int_equal(truncate(in(&b, "logs/app.log"), 0), 0);
    append_lines(&b, "logs/app.log", 21, 22);
    run_dry(&b);
    once(&b, 0, 22);
    bed_end(&b);
}

/* What comes between the copy and the truncation is seen while a queue is full. */
static void what_is_in_no_copy_is_counted(void **state)
{
    for (unsigned how = 0; how < 4; how++) {
        struct bed b;
        unsigned read = how & 1 ? 3 : 20;
        bed_new(&b, 4096);
        if (how & 2)
            snprintf(b.pattern, sizeof b.pattern, "%s/*.log*", b.folder);
        stall(&b, read);
        append_lines(&b, "a.log", read, read + 5);
        copy(&b, "a.log", "a.log.1");
        run(&b, GW_SEC);
        append_lines(&b, "a.log", 90, 93);
        run(&b, GW_SEC);
        assert_int_equal(truncate(in(&b, "a.log"), 0), 0);
        append_lines(&b, "a.log", 100, 110);
        run(&b, GW_SEC);
        assert_int_equal(b.file->counts.lost_bytes, 3 * 110);
        run_dry(&b);
        once(&b, 0, read + 5);
        once(&b, 100, 110);
        assert_int_equal(b.delivered, read + 5 + 10 + 1);
        bed_end(&b);
    }
}

/* --- what a start may meet --- */

static struct bed *racing;

static void shift(const char *path)
{
    assert_int_equal(rename(in(racing, "app.log.1"), in(racing, "app.log.2")), 0);
    assert_int_equal(rename(in(racing, "app.log"), in(racing, "app.log.1")), 0);
    append_lines(racing, "app.log", 20, 30);
}

/* Between the look at a name and its opening the name goes to another file. */
static void a_rotation_during_a_scan_reads_nothing_twice(void **state)
{
    for (int known = 0; known < 2; known++) {
        struct bed b;
        char path[160];
        bed_new(&b, 1 << 20);
        snprintf(b.pattern, sizeof b.pattern, "%s/app.log*", b.folder);
        append_lines(&b, "app.log.1", 0, 10);
        append_lines(&b, "app.log", 10, 20);
        open_reader(&b);
        if (known) {
            run_dry(&b);
            reload(&b);
        }
        snprintf(path, sizeof path, "%s", in(&b, "app.log.1"));
        racing = &b;
        before_open_of = path;
        before_open = shift;
        run_dry(&b);
        assert_null(before_open);
        once(&b, 0, 30);
        assert_int_equal(b.file->counts.truncated, 0);
        reload(&b);
        run_dry(&b);
        once(&b, 0, 30);
        bed_end(&b);
    }
}

static void truncate_it(ino_t ino)
{
    assert_int_equal(truncate(in(racing, "app.log"), 0), 0);
    append_lines(racing, "app.log", 20, 22);
}

static void truncate_then_append_one_more(ino_t ino)
{
    assert_int_equal(truncate(in(racing, "app.log"), 0), 0);
    append_lines(racing, "app.log", 21, 22);
}

/* The original is truncated while its copy is compared with it. */
static void a_truncation_during_a_comparison_reads_nothing_twice(void **state)
{
    for (int restart = 0; restart < 2; restart++) {
        struct bed b;
        char command[400];
        bed_new(&b, 1 << 20);
        snprintf(b.pattern, sizeof b.pattern, "%s/app.log*", b.folder);
        append_lines(&b, "app.log", 0, 20);
        open_reader(&b);
        run_dry(&b);
        snprintf(command, sizeof command, "cp %s %s", in(&b, "app.log"), in(&b, "app.log.1"));
        assert_int_equal(system(command), 0);
        racing = &b;
        after_read_of = inode(&b, "app.log");
        after_read = truncate_it;
        run(&b, 2 * GW_SEC);
        assert_null(after_read);
        if (restart) {
            reload(&b);
        }
        run_dry(&b);
        once(&b, 0, 22);
        reload(&b);
        run_dry(&b);
        once(&b, 0, 22);
        bed_end(&b);
    }
}

/* A line that came behind the copy is read, and before it is passed on the original is truncated: it ends behind
 * the copy's end, which is its copy all the same. */
static void a_truncation_behind_a_read_finds_the_copy(void **state)
{
    for (unsigned how = 0; how < 16; how++) {
        struct bed b;
        bool stopped = how & 8;         /* before the backend took it: then it is read in the copy */
        bool compared = (how & 3) == 3; /* with the copy, which a scan finds: that is its first read */
        unsigned lines = how & 4 ? 5 : 20, unread = how & 2 ? 3 : 0; /* of the copy */
        bed_new(&b, 1 << 20);
        snprintf(b.pattern, sizeof b.pattern, "%s/app.log%s", b.folder, how & 1 ? "*" : "");
        append_lines(&b, "app.log", 0, lines - unread);
        open_reader(&b);
        run_dry(&b);
        append_lines(&b, "app.log", lines - unread, lines);
        copy(&b, "app.log", "app.log.1");
        if (!unread)
            run(&b, GW_SEC);
        append_lines(&b, "app.log", 20, 21);
        racing = &b;
        after_read_of = inode(&b, "app.log");
        after_read = truncate_then_append_one_more;
        run(&b, 2 * GW_SEC);
        assert_null(after_read);
        if (!stopped)
            run_dry(&b);
        for (int start = 0; start < 2; start++) {
            stop_reader(&b);
            give_up(&b);
            close_reader(&b);
            open_reader(&b);
            run_dry(&b);
            once(&b, 0, lines);
            once(&b, 21, 22);
            assert_int_equal(b.seen[20], !stopped && !compared);
        }
        bed_end(&b);
    }
}

/* The system gives a copy the inode of a file that was read and deleted. */
static void a_copy_with_the_inode_of_another_file_is_not_read(void **state)
{
    struct bed b;
    struct file_offsets o;
    char why[FILE_ERROR_SIZE], old[200];
    bed_new(&b, 1 << 20);
    snprintf(b.pattern, sizeof b.pattern, "%s/app.log*", b.folder);
    append_lines(&b, "app.log", 0, 20);
    append_lines(&b, "app.log.1", 30, 40);
    open_reader(&b);
    run_dry(&b);
    stop_reader(&b);
    close_reader(&b);
    snprintf(old, sizeof old, "%s", in(&b, "app.log.1"));
    assert_int_equal(unlink(old), 0);
    copy(&b, "app.log", "app.log.1");
    assert_int_equal(file_offsets_load(b.offsets, &o, why), FILE_OFFSETS_LOADED);
    for (size_t i = 0; i < o.files_n; i++)
        if (strcmp(o.files[i].path, old) == 0)
            o.files[i].ino = inode(&b, "app.log.1");
    assert_true(file_offsets_save(b.offsets, &o, why));
    file_offsets_fini(&o);
    append_lines(&b, "app.log", 20, 21);
    open_reader(&b);
    run_dry(&b);
    assert_int_equal(b.file->counts.truncated, 0);
    assert_int_equal(truncate(in(&b, "app.log"), 0), 0);
    append_lines(&b, "app.log", 21, 22);
    run_dry(&b);
    once(&b, 0, 22);
    once(&b, 30, 40);
    bed_end(&b);
}

/* What was a copy of a file that is gone is known from then on. */
static void a_copy_whose_original_is_deleted_is_not_read_by_the_next_start(void **state)
{
    struct bed b;
    char command[400];
    bed_new(&b, 1 << 20);
    snprintf(b.pattern, sizeof b.pattern, "%s/app.log*", b.folder);
    append_lines(&b, "app.log", 0, 20);
    open_reader(&b);
    run_dry(&b);
    snprintf(command, sizeof command, "cp %s %s", in(&b, "app.log"), in(&b, "app.log.1"));
    assert_int_equal(system(command), 0);
    run_dry(&b);
    assert_int_equal(unlink(in(&b, "app.log")), 0);
    run(&b, 30 * GW_SEC);
    take(&b);
    reload(&b);
    run_dry(&b);
    once(&b, 0, 20);
    bed_end(&b);
}

/* Many rotations in one second: only the newest copy holds what was not read. */
static void the_newest_copy_of_a_second_is_the_one(void **state)
{
    struct bed b;
    bed_new(&b, 4096);
    snprintf(b.pattern, sizeof b.pattern, "%s/app.log", b.folder);
    append_text(&b, "app.log", "same first bytes\n"); /* all that is known of it when it is saved */
    open_reader(&b);
    run_dry(&b);
    stop_reader(&b);
    close_reader(&b);
    for (unsigned i = 0; i < 4; i++) {
        char copy[32];
        snprintf(copy, sizeof copy, "app.log.%u", 9 - i);
        append_text(&b, copy, "same first bytes\n");
        append_lines(&b, copy, 100 + i, 101 + i);
    }
    append_lines(&b, "app.log", 0, 10);
    rotate_by_copy(&b, "app.log", "app.log.1");
    append_lines(&b, "app.log", 10, 20);
    open_reader(&b);
    run_dry(&b);
    once(&b, 0, 20);
    bed_end(&b);
}

/* Nothing is known of an empty file, so nothing of it can have changed. */
static void an_empty_file_is_no_truncated_one(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    append_text(&b, "a.log", "");
    open_reader(&b);
    run(&b, GW_SEC);
    stop_reader(&b);
    close_reader(&b);
    append_lines(&b, "a.log", 0, 1);
    open_reader(&b);
    run_dry(&b);
    once(&b, 0, 1);
    assert_int_equal(b.file->counts.truncated, 0);
    bed_end(&b);
}

/* --- symbolic links --- */

static void a_rotation_behind_a_symbolic_link_is_seen_at_once(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    assert_int_equal(mkdir(in(&b, "pods"), 0700), 0);
    append_lines(&b, "pods/0.txt", 0, 1);
    assert_int_equal(symlink("pods/0.txt", in(&b, "c.log")), 0);
    open_reader(&b);
    run(&b, 200 * GW_MSEC);
    append_lines(&b, "pods/0.txt", 1, 2);
    assert_int_equal(rename(in(&b, "pods/0.txt"), in(&b, "pods/0.txt.1")), 0);
    run(&b, 200 * GW_MSEC); /* the link leads nowhere */
    append_lines(&b, "pods/0.txt", 2, 3);
    run(&b, 200 * GW_MSEC);
    assert_int_equal(rename(in(&b, "pods/0.txt"), in(&b, "pods/0.txt.2")), 0);
    append_lines(&b, "pods/0.txt", 3, 4);
    run(&b, 200 * GW_MSEC);
    take(&b);
    once(&b, 0, 4);
    bed_end(&b);
}

/* Where no event tells of it. */
static void a_link_that_leads_nowhere_is_looked_at_every_poll(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    for (int i = 0; i < 3; i++)
        assert_int_equal(mkdir(in(&b, i == 0 ? "x" : i == 1 ? "x/one" : "x/two"), 0700), 0);
    assert_int_equal(symlink("one", in(&b, "x/now")), 0);
    assert_int_equal(symlink("x/now/0.txt", in(&b, "c.log")), 0);
    append_lines(&b, "x/one/0.txt", 0, 1);
    append_lines(&b, "x/two/0.txt", 1, 2);
    open_reader(&b);
    run(&b, GW_SEC);
    assert_int_equal(unlink(in(&b, "x/one/0.txt")), 0);
    run(&b, GW_SEC);
    assert_int_equal(symlink("two", in(&b, "x/next")), 0);
    assert_int_equal(rename(in(&b, "x/next"), in(&b, "x/now")), 0);
    run(&b, 2 * GW_SEC);
    take(&b);
    once(&b, 0, 2);
    bed_end(&b);
}

/* The link c.log leads to a file that holds this line. */
static void swap_link(struct bed *b, unsigned line)
{
    char target[32];
    snprintf(target, sizeof target, "t%u.txt", line);
    append_lines(b, target, line, line + 1);
    assert_int_equal(symlink(target, in(b, "next")), 0);
    assert_int_equal(rename(in(b, "next"), in(b, "c.log")), 0);
}

static void a_link_that_is_swapped_often_is_followed(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    open_reader(&b);
    run(&b, GW_SEC);
    for (unsigned i = 0; i < 50; i++) {
        swap_link(&b, i);
        run(&b, 30 * GW_MSEC);
    }
    run_dry(&b);
    once(&b, 0, 50);
    assert_int_equal(b.file->counts.missed_links, 0);
    bed_end(&b);
}

static void files_that_a_link_led_to_unseen_are_counted(void **state)
{
    struct bed b;
    bed_new(&b, 1 << 20);
    open_reader(&b);
    for (unsigned i = 0; i < 12; i++) {
        swap_link(&b, i);
        if (i % 4 == 0)
            run(&b, GW_SEC);
    }
    run_dry(&b);
    unsigned seen = 0;
    for (unsigned i = 0; i < 12; i++)
        seen += b.seen[i];
    assert_int_equal(seen, 4); /* 0, 4, 8 and the last one */
    assert_int_equal(b.file->counts.missed_links, 8);
    bed_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_rotations_in_a_stall_lose_nothing),
        cmocka_unit_test(what_a_truncation_loses_is_counted),
        cmocka_unit_test(what_was_read_before_a_truncation_is_passed_on),
        cmocka_unit_test(a_copy_that_ends_before_its_original_did_is_not_read_twice),
        cmocka_unit_test(a_copy_that_is_gone_at_once_is_read),
        cmocka_unit_test(what_was_compressed_before_it_was_read_is_read),
        cmocka_unit_test(what_is_not_unpacked_is_counted),
        cmocka_unit_test(a_copy_in_another_folder_is_not_read_twice),
        cmocka_unit_test(what_is_in_no_copy_is_counted),
        cmocka_unit_test(a_rotation_during_a_scan_reads_nothing_twice),
        cmocka_unit_test(a_truncation_during_a_comparison_reads_nothing_twice),
        cmocka_unit_test(a_truncation_behind_a_read_finds_the_copy),
        cmocka_unit_test(a_copy_with_the_inode_of_another_file_is_not_read),
        cmocka_unit_test(a_copy_whose_original_is_deleted_is_not_read_by_the_next_start),
        cmocka_unit_test(the_newest_copy_of_a_second_is_the_one),
        cmocka_unit_test(an_empty_file_is_no_truncated_one),
        cmocka_unit_test(a_rotation_behind_a_symbolic_link_is_seen_at_once),
        cmocka_unit_test(a_link_that_leads_nowhere_is_looked_at_every_poll),
        cmocka_unit_test(a_link_that_is_swapped_often_is_followed),
        cmocka_unit_test(files_that_a_link_led_to_unseen_are_counted),
    };
    return cmocka_run_group_tests(tests, no_state_folder, NULL);
}
