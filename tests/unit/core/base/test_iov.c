/* What is left of a vector of buffers after a write that took a part of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/iov.h"

/* "abc", "", "de": the rest, after `done` bytes. */
static void expect_rest(size_t done, int buffers, const char *rest)
{
    char bytes[] = "abcde";
    struct iovec all[] = {{bytes, 3}, {bytes + 3, 0}, {bytes + 3, 2}}, *v = all;
    int n = 3;
    char text[8] = "";
    gw_iov_advance(&v, &n, done);
    assert_int_equal(n, buffers);
    for (int i = 0; i < n; i++)
        strncat(text, v[i].iov_base, v[i].iov_len);
    assert_string_equal(text, rest);
}

static void nothing_written_leaves_everything(void **state)
{
    (void)state;
    expect_rest(0, 3, "abcde");
}

static void a_part_of_a_buffer_leaves_the_rest_of_it(void **state)
{
    (void)state;
    expect_rest(2, 3, "cde");
    expect_rest(4, 1, "e");
}

static void a_whole_buffer_goes_and_empty_ones_behind_it(void **state)
{
    (void)state;
    expect_rest(3, 1, "de");
    expect_rest(5, 0, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_written_leaves_everything),
        cmocka_unit_test(a_part_of_a_buffer_leaves_the_rest_of_it),
        cmocka_unit_test(a_whole_buffer_goes_and_empty_ones_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
