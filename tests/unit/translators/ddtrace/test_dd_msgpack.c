/* The msgpack reader: every form of every type, errors with their place, and msgpack-c as the oracle on
 * generated input.
 * SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "tests/unit/translators/ddtrace/pack.h"

#include "translators/ddtrace/dd_msgpack.h"

#include <stdio.h>

enum { MOST = 1000 };

/* ---- each form read as each type ---- */

/* What the typed reads make of a value: "text=… u=… i=… d=… b=… map=… array=…"; a read that answers
 * OTHER_TYPE is not shown, one that answers ILL_FORMED is shown as "!". All must leave or move the cursor as
 * they should. */
static const char *reads(gw_str body)
{
    static char text[512];
    struct dd_msgpack in, skipped;
    gw_str s = GW_NOSTR;
    uint64_t u = 0;
    int64_t i = 0;
    double d = 0;
    bool b = false;
    uint32_t n = 0;
    size_t at = 0;
    dd_msgpack_init(&skipped, body, MOST);
    enum dd_got whole = dd_msgpack_skip(&skipped);
    text[0] = '\0';
#define READ(name, call, container, ...)                                                                     \
    do {                                                                                                     \
        dd_msgpack_init(&in, body, MOST);                                                                    \
        enum dd_got got = call;                                                                              \
        if (got == DD_TAKEN) {                                                                               \
            at += (size_t)snprintf(text + at, sizeof text - at, "%s" name "=", at ? " " : "");               \
            at += (size_t)snprintf(text + at, sizeof text - at, __VA_ARGS__);                                \
            if (!container)                                                                                  \
                assert_ptr_equal(in.at, skipped.at);                                                         \
        } else {                                                                                             \
            assert_ptr_equal(in.at, in.begin);                                                               \
            if (got == DD_ILL_FORMED)                                                                        \
                at += (size_t)snprintf(text + at, sizeof text - at, "!");                                    \
            if (!container)                                                                                  \
                assert_int_equal(got == DD_ILL_FORMED, whole == DD_ILL_FORMED);                              \
        }                                                                                                    \
    } while (0)
    READ("text", dd_msgpack_text(&in, &s), false, "%.*s", GW_FMT(s));
    READ("u", dd_msgpack_u64(&in, &u), false, "%llu", (unsigned long long)u);
    READ("i", dd_msgpack_i64(&in, &i), false, "%lld", (long long)i);
    READ("d", dd_msgpack_double(&in, &d), false, "%.17g", d);
    READ("b", dd_msgpack_bool(&in, &b), false, "%s", b ? "true" : "false");
    READ("map", dd_msgpack_map(&in, &n), true, "%u", n);
    READ("array", dd_msgpack_array(&in, &n), true, "%u", n);
    return text;
}

static void test_forms(void **state)
{
    static const struct {
        const char *body, *want;
    } cases[] = {
        {"null", "text= u=0 i=0 d=0 b=false map=0 array=0"},
        {"true", "b=true"},
        {"false", "b=false"},
        {"<00>", "u=0 i=0 d=0"},
        {"<7f>", "u=127 i=127 d=127"},
        {"<ff>", "u=18446744073709551615 i=-1 d=-1"},
        {"<e0>", "u=18446744073709551584 i=-32 d=-32"},
        {"<cc ff>", "u=255 i=255 d=255"},
        {"<cd ffff>", "u=65535 i=65535 d=65535"},
        {"<ce ffffffff>", "u=4294967295 i=4294967295 d=4294967295"},
        {"<cf 7fffffffffffffff>", "u=9223372036854775807 i=9223372036854775807 d=9.2233720368547758e+18"},
        {"<cf ffffffffffffffff>", "u=18446744073709551615 i=9223372036854775807 d=1.8446744073709552e+19"},
        {"<d0 80>", "u=18446744073709551488 i=-128 d=-128"},
        {"<d1 8000>", "u=18446744073709518848 i=-32768 d=-32768"},
        {"<d2 80000000>", "u=18446744071562067968 i=-2147483648 d=-2147483648"},
        {"<d2 7fffffff>", "u=2147483647 i=2147483647 d=2147483647"},
        {"<d3 8000000000000000>", "u=9223372036854775808 i=-9223372036854775808 d=-9.2233720368547758e+18"},
        {"<d3 7fffffffffffffff>", "u=9223372036854775807 i=9223372036854775807 d=9.2233720368547758e+18"},
        {"1.5", "d=1.5"},
        {"-3.0", "u=18446744073709551613 i=-3 d=-3"},
        {"<ca 40400000>", "u=3 i=3 d=3"},
        /* 2^63 */
        {"<cb 43e0000000000000>", "u=9223372036854775808 i=9223372036854775807 d=9.2233720368547758e+18"},
        /* 2^64 */
        {"<cb 43f0000000000000>", "d=1.8446744073709552e+19"},
        {"<cb c3e0000000000000>", "u=9223372036854775808 i=-9223372036854775808 d=-9.2233720368547758e+18"},
        {"<cb 7ff0000000000000>", "d=inf"},
        {"<ca 7fc00000>", "d=nan"},
        {"''", "text="},
        {"'abc'", "text=abc"},
        {"<d9 03 616263>", "text=abc"},
        {"<da 0003 616263>", "text=abc"},
        {"<db 00000003 616263>", "text=abc"},
        {"<c4 03 616263>", "text=abc"},
        {"<c5 0003 616263>", "text=abc"},
        {"<c6 00000003 616263>", "text=abc"},
        {"{'a': 1}", "map=1"},
        {"<de 0001 01 02>", "map=1"},
        {"<df 00000001 01 02>", "map=1"},
        {"[1, 2]", "array=2"},
        {"<dc 0002 01 02>", "array=2"},
        {"<dd 00000002 01 02>", "array=2"},
        {"<d4 05 61>", ""},
        {"<d5 ff 6162>", ""},
        {"<d6 05 61626364>", ""},
        {"<d7 05 6162636465666768>", ""},
        {"<d8 05 61626364656667686162636465666768>", ""},
        {"<c7 02 05 6162>", ""},
        {"<c8 0002 05 6162>", ""},
        {"<c9 00000002 05 6162>", ""},
        {"<c7 00 05>", ""},
        {"", "!!!!!!!"},
        {"<c1>", "!!!!!!!"},
        {"<cf 00>", "!!!!!!!"},
        {"<a1>", "!!!!!!!"},
        {"<c7 00>", "!!!!!!!"},
        {"<d8 05 61>", "!!!!!!!"},
        {"<df ffffffff>", "!!!!!!!"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        gw_str body = pack(cases[i].body);
        const char *got = reads(body);
        if (strcmp(got, cases[i].want) != 0)
            print_error("%s\n", cases[i].body);
        assert_string_equal(got, cases[i].want);
        free((void *)body.ptr);
    }
}

/* The usual forms are read in place only where enough bytes follow; a value at the very end must come out the
 * same. */
static void test_last_value(void **state)
{
    static const char *const values[] = {"5",  "<cd 0100>", "<cf 8000000000000001>", "'abc'", "1.5",
                                         "[]", "{}",        "<d2 00000007>"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char alone[512];
        gw_str body = pack(values[i]);
        snprintf(alone, sizeof alone, "%s", reads(body));
        free((void *)body.ptr);
        body = pack("<0000000000000000000000000000000000000000000000000000000000000000>");
        gw_str first = pack(values[i]);
        char *joined = malloc(first.len + body.len);
        memcpy(joined, first.ptr, first.len);
        memcpy(joined + first.len, body.ptr, body.len);
        assert_string_equal(reads(gw_str_n(joined, first.len + body.len)), alone);
        free(joined);
        free((void *)first.ptr);
        free((void *)body.ptr);
    }
}

static void test_errors_name_the_place(void **state)
{
    static const struct {
        const char *body, *want;
        size_t pos;
    } cases[] = {
        {"", "the body ends where a value should begin", 0},
        {"[1, <c1>]", "0xc1 is no msgpack", 2},
        {"[1, 'ab', <cd 01>]", "the body ends inside a value", 5},
        {"[1, <a5 61>]", "claims more bytes than follow: 5, and 2 bytes are left", 2},
        {"<93 01 02>", "claims more elements than can follow: 3, and 3 bytes are left", 0},
        {"<82 01 02 03>", "claims more elements than can follow: 2, and 4 bytes are left", 0},
        {"[<92 01>]", "claims more elements than can follow: 2, and 2 bytes are left", 1},
        {"<92 92 01 02>",
         "the containers that are open claim more elements than can follow: 3, and 3 bytes are left", 1},
        {"[<c9 000003e8 05 61>]", "claims more bytes than follow: 1000, and 7 bytes are left", 1},
        {"[<d5 05 61>]", "claims more bytes than follow: 2, and 3 bytes are left", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dd_msgpack in;
        struct gw_err err = {0};
        gw_str body = pack(cases[i].body), raw;
        dd_msgpack_init(&in, body, MOST);
        assert_int_equal(dd_msgpack_raw(&in, &raw), DD_ILL_FORMED);
        assert_int_equal(dd_msgpack_fail(&in, &err), GW_BAD_MSGPACK);
        assert_string_equal(err.what, cases[i].want);
        assert_int_equal(err.pos, cases[i].pos);
        assert_ptr_equal(in.at, in.begin);
        free((void *)body.ptr);
    }
}

/* ---- msgpack-c as the oracle ---- */

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static void generate_number(msgpack_packer *pk)
{
    uint64_t bits = (uint64_t)chance(0x7fffffff) << 33 ^ (uint64_t)chance(0x7fffffff) << 2 ^ chance(4);
    bits >>= chance(64);
    switch (chance(5)) {
    case 0:
        msgpack_pack_uint64(pk, bits);
        break;
    case 1:
        msgpack_pack_int64(pk, (int64_t)-bits);
        break;
    case 2:
        msgpack_pack_fix_uint64(pk, bits);
        break;
    case 3:
        msgpack_pack_float(pk, (float)bits / 3);
        break;
    default:
        msgpack_pack_double(pk, (double)bits / 3);
    }
}

static void generate_bytes(msgpack_packer *pk)
{
    static char text[70000];
    static const uint32_t lengths[] = {0, 1, 5, 31, 32, 255, 256, 70000};
    size_t len = lengths[chance(chance(50) ? 5 : 8)];
    for (int i = 0; i < 4; i++)
        text[chance(40)] = (char)chance(256);
    switch (chance(4)) {
    case 0:
        msgpack_pack_bin_with_body(pk, text, len);
        break;
    case 1:
        len = len == 5 ? 1u << chance(5) : len;
        msgpack_pack_ext_with_body(pk, text, len, (int8_t)chance(256));
        break;
    default:
        msgpack_pack_str_with_body(pk, text, len);
    }
}

static void generate(msgpack_packer *pk, int depth)
{
    uint32_t kind = chance(depth > 0 ? 12 : 8), n;
    if (kind < 3) {
        generate_number(pk);
    } else if (kind < 6) {
        generate_bytes(pk);
    } else if (kind == 6) {
        msgpack_pack_nil(pk);
    } else if (kind == 7) {
        (chance(2) ? msgpack_pack_true : msgpack_pack_false)(pk);
    } else {
        n = chance(20) ? chance(6) : 17;
        if (kind < 10)
            msgpack_pack_array(pk, n);
        else
            msgpack_pack_map(pk, n);
        for (uint32_t i = 0; i < (kind < 10 ? n : 2 * n); i++)
            generate(pk, depth - 1);
    }
}

/* The value at `in` is `want`, by typed reads alone. */
static void same(struct dd_msgpack *in, const msgpack_object *want)
{
    uint32_t n;
    uint64_t u;
    int64_t i;
    double d;
    bool b;
    gw_str s;
    switch (want->type) {
    case MSGPACK_OBJECT_NIL:
        assert_true(dd_msgpack_nil(in));
        return;
    case MSGPACK_OBJECT_BOOLEAN:
        assert_int_equal(dd_msgpack_bool(in, &b), DD_TAKEN);
        assert_int_equal(b, want->via.boolean);
        return;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        assert_int_equal(dd_msgpack_u64(in, &u), DD_TAKEN);
        assert_int_equal(u, want->via.u64);
        return;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        assert_int_equal(dd_msgpack_i64(in, &i), DD_TAKEN);
        assert_int_equal(i, want->via.i64);
        return;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        assert_int_equal(dd_msgpack_double(in, &d), DD_TAKEN);
        assert_memory_equal(&d, &want->via.f64, sizeof d);
        return;
    case MSGPACK_OBJECT_STR:
    case MSGPACK_OBJECT_BIN: /* the union's halves have one layout */
        assert_int_equal(dd_msgpack_text(in, &s), DD_TAKEN);
        assert_int_equal(s.len, want->via.str.size);
        if (s.len)
            assert_memory_equal(s.ptr, want->via.str.ptr, s.len);
        return;
    case MSGPACK_OBJECT_EXT:
        assert_int_equal(dd_msgpack_text(in, &s), DD_OTHER_TYPE);
        assert_int_equal(dd_msgpack_skip(in), DD_TAKEN);
        return;
    case MSGPACK_OBJECT_ARRAY:
        assert_int_equal(dd_msgpack_array(in, &n), DD_TAKEN);
        assert_int_equal(n, want->via.array.size);
        for (uint32_t k = 0; k < n; k++)
            same(in, &want->via.array.ptr[k]);
        return;
    case MSGPACK_OBJECT_MAP:
        assert_int_equal(dd_msgpack_map(in, &n), DD_TAKEN);
        assert_int_equal(n, want->via.map.size);
        for (uint32_t k = 0; k < n; k++) {
            same(in, &want->via.map.ptr[k].key);
            same(in, &want->via.map.ptr[k].val);
        }
    }
}

/* msgpack-c reserves memory for what array32 and map32 claim, so it is not shown them in what we refuse.
 * Nothing that is generated needs them. */
static bool may_claim_much(gw_str body)
{
    return body.len && (memchr(body.ptr, 0xdd, body.len) || memchr(body.ptr, 0xdf, body.len));
}

/* Our reader and msgpack-c agree: both refuse, or both read the same. True when both took it. */
static bool agree(gw_str body)
{
    struct dd_msgpack in, reread;
    msgpack_unpacked tree;
    size_t off = 0;
    dd_msgpack_init(&in, body, UINT32_MAX);
    reread = in;
    enum dd_got got = dd_msgpack_skip(&in);
    if (got && may_claim_much(body))
        return false;
    msgpack_unpacked_init(&tree);
    msgpack_unpack_return ret = msgpack_unpack_next(&tree, body.ptr, body.len, &off);
    bool taken = ret == MSGPACK_UNPACK_SUCCESS || ret == MSGPACK_UNPACK_EXTRA_BYTES;
    assert_int_equal(taken, got == DD_TAKEN);
    if (taken) {
        assert_int_equal(off, (size_t)(in.at - in.begin));
        same(&reread, &tree.data);
        assert_ptr_equal(reread.at, in.at);
    }
    msgpack_unpacked_destroy(&tree);
    return taken;
}

static void test_agrees_with_msgpack_c(void **state)
{
    size_t taken = 0, refused = 0;
    for (seed = 1; taken + refused < 100000;) {
        msgpack_sbuffer out;
        msgpack_packer pk;
        msgpack_sbuffer_init(&out);
        msgpack_packer_init(&pk, &out, msgpack_sbuffer_write);
        generate(&pk, 4);
        assert_true(agree(gw_str_n(out.data, out.size)));
        taken++;
        /* the same, damaged: a byte changed, or the end cut off */
        for (int round = 0; round < 8 && out.size < 4096; round++) {
            size_t len = chance(3) ? out.size : chance((uint32_t)out.size + 1);
            char *bytes = malloc(len ? len : 1);
            memcpy(bytes, out.data, len);
            if (len && len == out.size)
                bytes[chance((uint32_t)len)] = (char)chance(256);
            if (agree(gw_str_n(bytes, len)))
                taken++;
            else
                refused++;
            free(bytes);
        }
        msgpack_sbuffer_destroy(&out);
    }
    assert_true(taken > 20000 && refused > 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_last_value),
        cmocka_unit_test(test_errors_name_the_place),
        cmocka_unit_test(test_agrees_with_msgpack_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
