/* Files that a configuration names: regular ones are opened, all others are told of at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "core/base/regular_file.h"

static void is_refused(const char *path, size_t most, int error, const char *words)
{
    errno = 0;
    assert_null(gw_regular_file_open(path, most));
    assert_int_equal(errno, error);
    assert_string_equal(gw_regular_file_error(errno), words);
}

static void what_is_no_regular_file_is_refused(void **state)
{
    char folder[] = "/tmp/ddgate-regular-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x", folder);
    is_refused(path, 10, ENOENT, "No such file or directory");
    is_refused(folder, 10, EISDIR, "Is a directory");
    is_refused("/dev/zero", 10, ENOTSUP, "it is no regular file");
    assert_int_equal(mkfifo(path, 0600), 0);
    is_refused(path, 10, ENOTSUP, "it is no regular file");
    unlink(path);
    FILE *f = fopen(path, "w");
    assert_int_equal(fputs("0123456789", f) >= 0 && fclose(f) == 0, 1);
    is_refused(path, 9, EFBIG, "it is too large");
    f = gw_regular_file_open(path, 10);
    assert_non_null(f);
    assert_int_equal(fgetc(f), '0');
    fclose(f);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_no_regular_file_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
