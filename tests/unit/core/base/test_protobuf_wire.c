/* Protobuf on the wire: what is written is what is read, and nothing is read beyond its end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/protobuf_wire.h"

static void varints(void **state)
{
    uint8_t room[10];
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++)
        for (int off = -1; off <= 1; off++) {
            uint64_t v = (UINT64_C(1) << bit) + (uint64_t)off, back;
            uint8_t *end = wire_put_varint(room, v);
            struct wire_view view = {room, end};
            assert_int_equal(end - room, wire_varint_size(v));
            assert_true(wire_read_varint(&view, &back) && back == v);
            assert_ptr_equal(view.at, end);
            view = (struct wire_view){room, end - 1};
            assert_false(wire_read_varint(&view, &back));
        }
}

static void endless_varint(void **state)
{
    static const uint8_t bytes[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct wire_view view = {bytes, bytes + sizeof bytes};
    uint64_t v;
    (void)state;
    assert_false(wire_read_varint(&view, &v));
}

static void fields(void **state)
{
    uint8_t bytes[64], *p = bytes;
    struct wire_field f;
    (void)state;
    p = wire_put_varint(wire_put_tag(p, 1, WIRE_VARINT), 300);
    p = wire_put_len_head(p, 2, 3);
    memcpy(p, "abc", 3);
    p = wire_put_tag(p + 3, 3, WIRE_FIXED64);
    memset(p, 0, 8);
    p = wire_put_tag(p + 8, 2047, WIRE_FIXED32);
    memset(p, 0, 4);
    struct wire_view v = {bytes, p + 4};
    assert_true(wire_next(&v, &f) && f.number == 1 && f.type == WIRE_VARINT);
    assert_true(wire_next(&v, &f) && f.number == 2 && gw_str_eq(wire_text(f.body), GW_STR("abc")));
    assert_int_equal(f.whole.end - f.whole.at, wire_len_field_size(3));
    assert_true(wire_next(&v, &f) && f.number == 3 && f.type == WIRE_FIXED64);
    assert_true(wire_next(&v, &f) && f.number == 2047 && f.type == WIRE_FIXED32);
    assert_false(wire_next(&v, &f));
}

/* A length beyond the end, fixed numbers that are cut short, and groups. */
static void not_protobuf(void **state)
{
    static const char *const wrong[] = {"\x12\x04xyz", "\x09\x01\x02", "\x0d\x01", "\x0b",
                                        "\x0c",        "\x08",         "\x12"};
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const uint8_t *from = (const uint8_t *)wrong[i];
        struct wire_view v = {from, from + strlen(wrong[i])};
        struct wire_field f;
        assert_false(wire_next(&v, &f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(varints),
        cmocka_unit_test(endless_varint),
        cmocka_unit_test(fields),
        cmocka_unit_test(not_protobuf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
