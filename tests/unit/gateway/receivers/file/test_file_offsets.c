/* Offsets on disk: what was saved comes back, damage costs its own lines, a failed save leaves the old file.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/file/file_offsets.h"
#include "tests/unit/scratch.h"

static char folder[] = "/tmp/ddgate-offsets-XXXXXX", path[64];

static int make_folder(void **state)
{
    if (!scratch_folder(folder))
        return -1;
    return snprintf(path, sizeof path, "%s/state", folder) < 0;
}

static int drop_folder(void **state)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

static char odd[] = "/var/log/two words\n100%.log\xff", plain[] = "/var/log/app.log";
static const char one[] = "/var/log/*.log", two[] = "/srv/**/x y";
static struct file_saved files[] = {{2049, 1311768, 1024, 0x9ae16a3b2f90404f, 7340032, 1795255200, plain},
                                    {UINT64_MAX, UINT64_MAX, 0, UINT64_MAX, UINT64_MAX, 0, odd}};
static gw_str patterns[] = {GW_LIT("/var/log/*.log"), GW_LIT("/srv/**/x y")};
static const struct file_offsets all = {.files = files, .files_n = 2, .patterns = {patterns, 2}};

static void save(void)
{
    char why[FILE_ERROR_SIZE];
    assert_true(file_offsets_save(path, &all, why));
}

static void what_was_saved_comes_back(void **state)
{
    struct file_offsets o;
    char why[FILE_ERROR_SIZE];
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.files_n, 0);
    save();
    save(); /* over the old one */
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.files_n, 2);
    assert_int_equal(o.damaged, 0);
    for (size_t i = 0; i < 2; i++) {
        const struct file_saved *a = &o.files[i], *b = &files[i];
        assert_true(a->dev == b->dev && a->ino == b->ino && a->head_n == b->head_n && a->head == b->head &&
                    a->offset == b->offset);
        assert_true(a->seen == b->seen);
        assert_string_equal(a->path, b->path);
    }
    assert_int_equal(o.patterns.n, 2);
    assert_string_equal(o.patterns.items[0].ptr, one);
    assert_string_equal(o.patterns.items[1].ptr, two);
    file_offsets_fini(&o);
}

/* Every byte once wrong: never a wrong offset, and at most its own line is gone. */
static void damage_costs_its_own_line(void **state)
{
    char text[2048], why[FILE_ERROR_SIZE];
    save();
    FILE *f = fopen(path, "r");
    size_t n = fread(text, 1, sizeof text, f);
    fclose(f);
    for (size_t i = 0; i < n; i++) {
        struct file_offsets o;
        text[i] ^= 0x10;
        f = fopen(path, "w");
        fwrite(text, 1, n, f);
        fclose(f);
        text[i] ^= 0x10;
        if (file_offsets_load(path, &o, why) == FILE_OFFSETS_LOADED) {
            assert_true(o.damaged >= 1 && o.damaged <= 2); /* two where a line feed was hit */
            assert_true(o.files_n + o.patterns.n + 2 >= 4);
            for (size_t k = 0; k < o.files_n; k++)
                assert_true(o.files[k].offset == 7340032 || o.files[k].offset == UINT64_MAX);
        } else {
            assert_true(i < sizeof "ddgate-offsets 1");
        }
        file_offsets_fini(&o);
    }
}

static void write_text(const char *text)
{
    FILE *f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
}

static void other_files_are_refused(void **state)
{
    struct file_offsets o;
    char why[FILE_ERROR_SIZE], want[FILE_ERROR_SIZE];
    write_text("ddgate-offsets 2\nfile of the future\n");
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_FOREIGN);
    snprintf(want, sizeof want, "%s was written by another version of ddgate", path);
    assert_string_equal(why, want);
    write_text("\x7f"
               "ELF");
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_FOREIGN);
    write_text("");
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_FOREIGN);
    snprintf(want, sizeof want, "%s is not a file of offsets", path);
    assert_string_equal(why, want);
    write_text("ddgate-offsets 1\nfile\nfile 0\n\nfile 00000000 1 2 3");
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.damaged, 4);
    file_offsets_fini(&o);
}

/* A gigabyte that takes no room on the disk takes none in memory. */
static void a_huge_file_is_not_read_to_its_end(void **state)
{
    struct file_offsets o;
    struct rusage before, after;
    char why[FILE_ERROR_SIZE];
    for (int ours = 0; ours < 2; ours++) {
        write_text(ours ? "ddgate-offsets 1\n" : "");
        assert_int_equal(truncate(path, 1 << 30), 0);
        getrusage(RUSAGE_SELF, &before);
        assert_int_equal(file_offsets_load(path, &o, why), ours ? FILE_OFFSETS_LOADED : FILE_OFFSETS_FOREIGN);
        getrusage(RUSAGE_SELF, &after);
        assert_int_equal(o.damaged, ours);
        assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB */
        file_offsets_fini(&o);
    }
    unlink(path);
}

/* A line that is too long costs itself. */
static void a_long_line_is_passed_over(void **state)
{
    struct file_offsets o;
    char why[FILE_ERROR_SIZE];
    save();
    FILE *f = fopen(path, "a");
    for (int i = 0; i < 100000; i++)
        fputs("file 0 ", f);
    fputs("\n\n", f);
    fclose(f);
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.damaged, 2);
    assert_int_equal(o.patterns.n, 2);
    file_offsets_fini(&o);
}

/* Nothing of it may wait for a writer, or pass for a file that is not there yet. */
static void what_is_no_file_is_refused(void **state)
{
    struct file_offsets o;
    char why[FILE_ERROR_SIZE], want[FILE_ERROR_SIZE], beside[80];
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_REFUSED);
    snprintf(want, sizeof want, "%s is no regular file, and offsets cannot be kept in it", path);
    assert_string_equal(why, want);
    unlink(path);
    assert_int_equal(file_offsets_load(folder, &o, why), FILE_OFFSETS_REFUSED);
    assert_non_null(strstr(why, "is no regular file"));
    assert_int_equal(symlink("nowhere", path), 0);
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_REFUSED);
    assert_non_null(strstr(why, "is a symbolic link that leads nowhere"));
    unlink(path);
    snprintf(beside, sizeof beside, "%s.new", path);
    assert_int_equal(mkfifo(beside, 0600), 0);
    assert_false(file_offsets_save(path, &all, why));
    unlink(beside);
}

static void a_failed_save_leaves_the_old_file(void **state)
{
    struct file_offsets o;
    char why[FILE_ERROR_SIZE], beside[80];
    save();
    snprintf(beside, sizeof beside, "%s.new", path);
    assert_int_equal(mkdir(beside, 0755), 0);
    assert_false(file_offsets_save(path, &all, why));
    assert_non_null(strstr(why, "state.new: Is a directory"));
    rmdir(beside);
    assert_int_equal(file_offsets_load(path, &o, why), FILE_OFFSETS_LOADED);
    assert_int_equal(o.files_n, 2);
    file_offsets_fini(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_was_saved_comes_back, make_folder),
        cmocka_unit_test(damage_costs_its_own_line),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(a_huge_file_is_not_read_to_its_end),
        cmocka_unit_test(a_long_line_is_passed_over),
        cmocka_unit_test(what_is_no_file_is_refused),
        cmocka_unit_test_teardown(a_failed_save_leaves_the_old_file, drop_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
