/* Folders that take files, and those that do not, for root as for others.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "core/base/folder.h"

static void refuses(const char *path)
{
    errno = 0;
    assert_false(gw_folder_takes_files(path));
    assert_int_not_equal(errno, 0);
}

static void the_kernels_own_take_none(void **state)
{
    static const char *const paths[] = {"/proc",       "/proc/self", "/proc/sys", "/sys",
                                        "/sys/kernel", "/dev/null",  "/nowhere"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        refuses(paths[i]);
}

static void nothing_is_left_in_one_that_does(void **state)
{
    char folder[] = "/tmp/ddgate-folder-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_true(gw_folder_takes_files(folder));
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_own_take_none),
        cmocka_unit_test(nothing_is_left_in_one_that_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
