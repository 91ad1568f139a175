/* Patterns by words, and in a tree of files.
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

#include "gateway/receivers/file/file_glob.h"
#include "tests/unit/scratch.h"

static void patterns_match_names(void **state)
{
    static const struct {
        const char *pattern, *path;
        bool match;
    } cases[] = {
        {"/var/log/*.log", "/var/log/app.log", true},
        {"/var/log/*.log", "/var/log/app.log.1", false},
        {"/var/log/*.log", "/var/log/a/app.log", false}, /* a star stays within its name */
        {"/var/log/*.log", "/var/log/.hidden.log", false},
        {"/var/log/.*.log", "/var/log/.hidden.log", true},
        {"/var//log/app?[0-9].log", "/var/log/app-1.log", true},
        {"/var/log/app?[0-9].log", "/var/log/app-x.log", false},
        {"/srv/**/log/out.log", "/srv/log/out.log", true},
        {"/srv/**/log/out.log", "/srv/a/b/log/out.log", true},
        {"/srv/**/log/out.log", "/srv/a/b/log/err.log", false},
        {"/srv/**/log/out.log", "/srv/.git/log/out.log", false},
        {"/srv/**/*.log", "/srv/a.log", true},
        {"/srv/**", "/srv/a/b/c", true},
        {"/srv/**", "/srv", false},
        {"/srv/a**b/c", "/srv/axxb/c", true},
        {"*.log", "app.log", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (file_glob_match(cases[i].pattern, cases[i].path) != cases[i].match)
            fail_msg("%s %s", cases[i].pattern, cases[i].path);
}

/* --- a tree --- */

static char root[] = "/tmp/ddgate-glob-XXXXXX", seen[4096], folders[4096];

static void make(const char *name, bool folder)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", root, name);
    if (folder)
        assert_int_equal(mkdir(path, 0755), 0);
    else
        fclose(fopen(path, "w"));
}

static int plant(void **state)
{
    static const char *const dirs[] = {"a", "a/b", "a/b/log", ".hidden", "log"};
    static const char *const files[] = {"one.log",         "two.log",     "two.log.1",    "a/three.log",
                                        "a/b/log/out.log", "log/out.log", ".hidden/x.log"};
    char from[300];
    if (!scratch_folder(root))
        return -1;
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        make(dirs[i], true);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        make(files[i], false);
    snprintf(from, sizeof from, "%s/a/loop", root);
    return symlink(root, from) ||
           (snprintf(from, sizeof from, "%s/link.log", root), symlink("a/three.log", from));
}

static int fell(void **state)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

/* Keeps the list sorted: folders are read in no order. */
static void note(char *list, const char *path)
{
    char name[300], *at = list;
    size_t n =
        (size_t)snprintf(name, sizeof name, "%s ", path + strlen(root) + (strlen(path) > strlen(root)));
    while (*at && strncmp(at, name, n) < 0)
        at = strchr(at, ' ') + 1;
    memmove(at + n, at, strlen(at) + 1);
    memcpy(at, name, n);
}

static void see_file(void *ctx, const char *path, const struct stat *st)
{
    assert_true(S_ISREG(st->st_mode));
    note(seen, path);
}

static void see_folder(void *ctx, const char *path)
{
    note(folders, path);
}

static const char *walk(const char *pattern, const char * not )
{
    static const struct file_glob_seen to = {.file = see_file, .folder = see_folder};
    char full[300], without[300];
    snprintf(full, sizeof full, "%s/%s", root, pattern);
    snprintf(without, sizeof without, "%s/%s", root, not );
    gw_str include = gw_str_z(full), exclude = gw_str_z(without);
    seen[0] = folders[0] = '\0';
    file_glob_walk(&(struct gw_list){&include, 1}, &(struct gw_list){&exclude, not [0] != '\0'}, &to);
    return seen;
}

static void a_tree_is_walked(void **state)
{
    assert_string_equal(walk("*.log", ""), "link.log one.log two.log ");
    assert_string_equal(folders, " ");
    assert_string_equal(walk("*.log", "t*"), "link.log one.log ");
    assert_string_equal(walk("two.log*", ""), "two.log two.log.1 ");
    assert_string_equal(walk("**/out.log", ""), "a/b/log/out.log log/out.log ");
    assert_string_equal(walk("**/log/*.log", "a/**"), "log/out.log ");
    assert_string_equal(walk("a/**", ""), "a/b/log/out.log a/three.log ");
    assert_string_equal(walk("one.log", ""), "one.log ");
    assert_string_equal(folders, " "); /* where it will come back after a rotation */
    assert_string_equal(walk("absent/*.log", ""), "");
    /* links that are named are followed */
    assert_string_equal(walk("a/loop/a/loop/one.log", ""), "a/loop/a/loop/one.log ");
    assert_string_equal(walk("a", ""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match_names),
        cmocka_unit_test_setup_teardown(a_tree_is_walked, plant, fell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
