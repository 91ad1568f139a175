/* The files of the page in the program: those of the source tree, byte for byte, each with its type; nothing
 * else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "gateway/page/page.h"

static void expect_file(const char *path, const char *source, const char *type)
{
    static unsigned char bytes[256 * 1024];
    FILE *from = fopen(source, "rb");
    assert_non_null(from);
    size_t n = fread(bytes, 1, sizeof bytes, from);
    fclose(from);
    const struct gw_page_file *file = gw_page_file(path);
    assert_non_null(file);
    assert_int_equal(file->len, n);
    assert_memory_equal(file->bytes, bytes, n);
    assert_string_equal(file->type, type);
}

static void test_files_are_those_of_the_source_tree(void **state)
{
    expect_file("/", "gateway/page/index.html", "text/html; charset=utf-8");
    expect_file("/style.css", "gateway/page/style.css", "text/css; charset=utf-8");
    expect_file("/page.js", "gateway/page/page.js", "text/javascript; charset=utf-8");
    expect_file("/mapping.md", "docs/reference/mapping.md", "text/markdown; charset=utf-8");
}

static void test_etags_differ(void **state)
{
    const char *page = gw_page_file("/page.js")->etag;
    assert_int_equal(strlen(page), 18);
    assert_int_equal(page[0], '"');
    assert_string_not_equal(page, gw_page_file("/style.css")->etag);
}

static void test_nothing_else_is_served(void **state)
{
    static const char *const paths[] = {"",          "/index.html", "/page.c",  "/page.h", "/../page.js",
                                        "/page.js/", "//",          "style.css"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_null(gw_page_file(paths[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files_are_those_of_the_source_tree),
        cmocka_unit_test(test_etags_differ),
        cmocka_unit_test(test_nothing_else_is_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
