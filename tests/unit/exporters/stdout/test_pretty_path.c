/* Lines of stack traces in few columns: the file's name, the line's number and the function stay.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "exporters/stdout/pretty_path.h"

static void prints(const char *text, size_t columns, const char *want)
{
    struct out o;
    out_init(&o, 1 << 16);
    struct pretty_line l = {&o, NULL, NULL, columns};
    pretty_put_frame(&l, PRETTY_PLAIN, gw_str_z(text), SIZE_MAX);
    out_char(&o, '\0');
    assert_string_equal(o.data, want);
    out_fini(&o);
}

#define PYTHON "  File \"/usr/lib/python3/dist-packages/shop/handler.py\", line 112, in get"
#define NODE "at Layer.handle (/app/node_modules/express/lib/router/layer.js:95:5)"
#define JAVA "\tat com.acme.shop.orders.OrderService.place(OrderService.java:112)"
#define GO "/usr/local/go/src/net/http/server.go:2136 +0x29"

static void what_fits_stays_as_it_is(void **state)
{
    prints(PYTHON, 75, PYTHON);
    prints(NODE, 80, NODE);
    prints(GO, 47, GO);
    prints("", 10, "");
}

static void python(void **state)
{
    prints(PYTHON, 70, "  /usr/lib/python3/dist-packages/shop/handler.py:112 in get");
    prints(PYTHON, 50, "  /usr/lib/python3/…/handler.py:112 in get");
    prints(PYTHON, 40, "  /usr/lib/…/handler.py:112 in get");
    prints(PYTHON, 30, "  /usr/…/handler.py:112 in get");
    prints(PYTHON, 27, "  /u…/handler.py:112 in get");
    prints(PYTHON, 25, "  …/handler.py:112 in get");
    prints("File \"a.py\", line 112", 12, "a.py:112");
    prints("File \"/a/b/c.py\", line 1", 9, "/…/c.py:1");
}

static void others(void **state)
{
    prints(NODE, 50, "at Layer.handle (/app/…/layer.js:95:5)");
    prints(GO, 39, "/usr/local/go/…/server.go:2136 +0x29");
    prints("#0 /var/www/html/shop/index.php(12): Foo->bar()", 40, "#0 /var/www/…/index.php(12): Foo->bar()");
    prints("at Shop.Orders.Place() in C:\\src\\shop\\orders\\Place.cs:line 12", 52,
           "at Shop.Orders.Place() in C:\\src\\…\\Place.cs:line 12");
    prints("at com.acme.shop.orders.OrderService.place(OrderService.java:112)", 60,
           "at com.acme.shop.…OrderService.place(OrderService.java:112)");
}

/* Where not even the end fits, the line is cut there as any other. */
static void less_than_the_end(void **state)
{
    prints(PYTHON, 15, "  …/handler.py…");
    prints(GO, 5, "…/se…");
    prints(GO, 1, "…");
    prints(GO, 0, "");
}

static void without_a_path(void **state)
{
    prints("raise ValueError(1) if x else None", 20, "raise ValueError(1)…");
    prints("a/b is one separator, not a path", 10, "a/b is on…");
    prints("/////////////", 5, "///…/");
}

/* Columns count, not bytes; and no sequence for a terminal gets through. */
static void hostile_names(void **state)
{
    prints("File \"/srv/中文/目录/处理.py\", line 7, in 取", 24, "/srv/…/处理.py:7 in 取");
    prints("File \"/a\033[2J/b\xe2\x80\xae/c\n.py\", line 1, in f\033", 30,
           "/a\\x1b[2J/…/c\\n.py:1 in f\\x1b");
    for (size_t columns = 0; columns < 90; columns++) {
        static const char *const lines[] = {PYTHON, NODE, JAVA, GO, "/\xff/\xff\xff/\x80 /中/文/字"};
        for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
            struct out o;
            out_init(&o, 1 << 16);
            struct pretty_line l = {&o, NULL, NULL, columns};
            pretty_put_frame(&l, PRETTY_PLAIN, gw_str_z(lines[i]), SIZE_MAX);
            assert_in_range(out_columns(gw_str_n(o.data, o.len)), 0, columns);
            out_fini(&o);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_stays_as_it_is),
        cmocka_unit_test(python),
        cmocka_unit_test(others),
        cmocka_unit_test(less_than_the_end),
        cmocka_unit_test(without_a_path),
        cmocka_unit_test(hostile_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
