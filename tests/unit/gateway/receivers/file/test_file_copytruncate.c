/* Rotation by copy and truncate: names of rotations, files by inode, the copy that holds what was not read.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/file/file_reader.h"
#include "tests/unit/scratch.h"

static char folder[] = "/tmp/ddgate-copies-XXXXXX";

static int make_folder(void **state)
{
    return scratch_folder(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static const char *in(const char *name)
{
    static char paths[4][128];
    static int turn;
    char *path = paths[turn++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(in(name), "w");
    fputs(text, f);
    fclose(f);
}

static void rotations_have_names_like_their_file(void **state)
{
    static const char *const yes[][2] = {{"app.log", "app.log.1"},          {"app.log", "app.log-20261121"},
                                         {"app.log", "app-2026-11-21.log"}, {"app.log", "app.1.log"},
                                         {"app.log", "app.log~"},           {"syslog", "syslog.1"},
                                         {"app.log", "app.log_old"}};
    static const char *const no[][2] = {{"app.log", "app.log"},   {"app.log", "application.log"},
                                        {"app.log.1", "app.log"}, {"app.log", "apple.1"},
                                        {"app.log", "app.txt.1"}, {"app.log", "app.logs"},
                                        {".log", "x.log"}};
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!file_is_rotation(yes[i][0], yes[i][1]))
            fail_msg("%s %s", yes[i][0], yes[i][1]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (file_is_rotation(no[i][0], no[i][1]))
            fail_msg("%s %s", no[i][0], no[i][1]);
}

static void a_file_is_found_under_its_new_name(void **state)
{
    static const struct file_conf conf;
    char now[128];
    struct stat st;
    write_file("a.log", "one\n");
    assert_int_equal(stat(in("a.log"), &st), 0);
    assert_int_equal(rename(in("a.log"), in("z.1")), 0);
    write_file("a.log", "another\n");
    int fd = file_open_inode(&conf, in("a.log"), st.st_dev, st.st_ino, now, sizeof now);
    assert_true(fd >= 0);
    assert_string_equal(now, in("z.1"));
    close(fd);
    assert_int_equal(unlink(in("z.1")), 0);
    assert_int_equal(file_open_inode(&conf, in("a.log"), st.st_dev, st.st_ino, now, sizeof now), -1);
    unlink(in("a.log"));
}

/* A tail of the file, as if it had read `pos` bytes of it. */
static void tail_of(struct file_tail *t, struct file_entry *e, const char *name, uint64_t pos)
{
    struct stat st;
    *e = (struct file_entry){.at.path = strdup(in(name))};
    *t = (struct file_tail){.entry = e, .fd = file_open(in(name)), .pos = pos};
    assert_int_equal(fstat(t->fd, &st), 0);
    t->dev = st.st_dev;
    t->ino = st.st_ino;
    t->head_n = (uint32_t)pread(t->fd, t->head, sizeof t->head, 0);
    e->at.head_n = t->head_n;
    e->at.head = file_head_hash(t->head, t->head_n);
}

static void done(struct file_tail *t)
{
    close(t->fd);
    free(t->entry->at.path);
}

/* As the reader keeps it. */
static void index_tail(struct file_reader *r, struct file_tail *t)
{
    r->tails = t;
    file_index_add(&r->by_name, &t->by_name, file_name_key(gw_str_z(t->entry->at.path)), t);
    file_index_add(&r->by_base, &t->by_base, file_name_key(file_base_name(t->entry->at.path)), t);
    file_index_add(&r->by_inode, &t->by_inode, t->ino, t);
}

static struct file_copy_found find_copy(const struct file_tail *t)
{
    static const struct file_conf conf;
    struct file_offsets none = {0};
    struct file_reader r = {.conf = &conf, .tracker = offset_tracker_new("", false, &none)};
    struct file_copy_found found;
    for (size_t i = 0; i < FILE_APPEARED; i++)
        r.folders.appeared[i].fd = -1;
    file_find_copy(&r, t, &found);
    offset_tracker_drop(r.tracker);
    return found;
}

static void what_was_truncated_is_found_in_its_copy(void **state)
{
    struct file_tail t;
    struct file_entry e;
    write_file("app.log", "one\ntwo\nthree\n");
    tail_of(&t, &e, "app.log", 8);
    write_file("other.1", "one\ntwo\nthree\n");   /* not the name */
    write_file("app.log.3", "one\nTWO\nthree\n"); /* not the bytes */
    write_file("app.log.old", "one\n");           /* no number, and few bytes */
    assert_int_equal(find_copy(&t).fd, -1);
    write_file("app.log.2", "one\n"); /* less than was read */
    struct file_copy_found found = find_copy(&t);
    assert_string_equal(found.path, in("app.log.2"));
    close(found.fd);
    write_file("app.log.1", "one\ntwo\nthree\nfour\n");
    write_file("app.log", "new\n");
    found = find_copy(&t);
    assert_true(found.fd >= 0);
    assert_string_equal(found.path, in("app.log.1"));
    assert_int_equal(found.st.st_size, 19);
    assert_false(found.own);
    close(found.fd);
    done(&t);
}

static enum file_copy judge(struct file_reader *r, const char *name, const char *text)
{
    struct stat st;
    struct file_tail *of = NULL;
    write_file(name, text);
    int fd = file_open(in(name));
    assert_int_equal(fstat(fd, &st), 0);
    enum file_copy c = file_is_copy(r, in(name), fd, &st, &of);
    assert_true(c == FILE_NO_COPY || of == r->tails);
    close(fd);
    return c;
}

#define TEN "ten bytes\n"
#define LONG "one\ntwo\n" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void a_copy_that_is_being_made_is_told_from_another_log(void **state)
{
    struct file_tail t, copy;
    struct file_entry e, its;
    static const struct file_conf conf;
    struct file_reader r = {.conf = &conf};
    write_file("app.log", LONG);
    tail_of(&t, &e, "app.log", sizeof LONG - 1);
    index_tail(&r, &t);
    assert_int_equal(judge(&r, "app.log.1", ""), FILE_MAYBE_COPY);
    assert_int_equal(judge(&r, "app.log.1", "one\n"), FILE_MAYBE_COPY);
    assert_int_equal(judge(&r, "app.log.1", LONG), FILE_COPY);
    assert_int_equal(judge(&r, "app.log.1", "one\n2" TEN TEN TEN), FILE_NO_COPY);
    /* longer than what it would be a copy of */
    assert_int_equal(judge(&r, "app.log.1", LONG "more\n"), FILE_NO_COPY);
    assert_int_equal(judge(&r, "app2.log", LONG), FILE_NO_COPY);
    write_file("app-b.log", LONG); /* two logs that began alike … */
    tail_of(&copy, &its, "app-b.log", sizeof LONG - 1);
    copy.copy_of = &t;
    assert_true(file_is_still_copy(&copy));
    write_file("app-b.log", LONG "B\n"); /* … and part */
    assert_false(file_is_still_copy(&copy));
    done(&copy);
    write_file("app-b.log", "");
    write_file("app.log", "");
    assert_int_equal(judge(&r, "app.log.1", LONG), FILE_MAYBE_COPY); /* truncated: its own turn decides */
    file_index_remove(&r.by_name, &t.by_name);
    file_index_remove(&r.by_base, &t.by_base);
    done(&t);
    write_file("app.log", "started\n"); /* too little to tell */
    tail_of(&t, &e, "app.log", 8);
    index_tail(&r, &t);
    assert_int_equal(judge(&r, "app.log.old", "started\n"), FILE_NO_COPY);
    assert_int_equal(judge(&r, "app.log.1", "started\n"), FILE_COPY); /* unless the name tells */
    done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotations_have_names_like_their_file),
        cmocka_unit_test_setup(a_file_is_found_under_its_new_name, make_folder),
        cmocka_unit_test(what_was_truncated_is_found_in_its_copy),
        cmocka_unit_test_teardown(a_copy_that_is_being_made_is_told_from_another_log, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
