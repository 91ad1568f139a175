/* Hexadecimal digits, and percent-encoded text made of them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/hex.h"
#include "core/base/url.h"

static void every_character(void **state)
{
    const char digits[] = "0123456789abcdef";
    (void)state;
    for (int c = -1; c < 256; c++) {
        const char *at = c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
        assert_int_equal(gw_hex_digit(c), at ? at - digits : -1);
    }
}

static void bytes(void **state)
{
    char text[7] = "......";
    (void)state;
    assert_int_equal(gw_hex_byte(GW_STR("fF")), 0xff);
    assert_int_equal(gw_hex_byte(GW_STR("0a7")), 0x0a);
    assert_int_equal(gw_hex_byte(GW_STR("0g")), -1);
    assert_int_equal(gw_hex_byte(GW_STR("g0")), -1);
    assert_int_equal(gw_hex_byte(GW_STR("0")), -1);
    assert_int_equal(gw_hex_byte(GW_NOSTR), -1);
    assert_ptr_equal(gw_hex_put(text, "\x00\xa9", 2), text + 4);
    assert_string_equal(text, "00a9..");
}

static void decodes_to(const char *encoded, const char *want)
{
    char out[64];
    gw_str s = gw_str_z(encoded);
    size_t n = gw_url_decode(s, out);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(out, want, n);
}

static void url(void **state)
{
    (void)state;
    decodes_to("", "");
    decodes_to("k%3Dv%2c", "k=v,");
    decodes_to("100%", "100%");
    decodes_to("%4", "%4");
    decodes_to("%zz%41", "%zzA");
    decodes_to("%%341", "%41"); /* not decoded twice */
    decodes_to("a+b", "a+b");
}

static void url_is_added(void **state)
{
    char text[16] = "a=", most[7] = "";
    (void)state;
    gw_url_add(text, sizeof text, gw_str_n("b-._~ \0\xff", 8));
    assert_string_equal(text, "a=b-._~%20%00");
    gw_url_add(most, sizeof most, GW_STR("cut//"));
    assert_string_equal(most, "cut");
}

static void in_place(void **state)
{
    char text[] = "%41%42";
    (void)state;
    assert_int_equal(gw_url_decode(gw_str_z(text), text), 2);
    assert_memory_equal(text, "AB", 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character), cmocka_unit_test(bytes),    cmocka_unit_test(url),
        cmocka_unit_test(url_is_added),    cmocka_unit_test(in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
