/* Compressed bodies where memory is short: what is too large is that all the same, and only what could be
 * held at another time is told to come again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "gateway/http/inflate.h"

enum { MIB = 1024 * 1024, MOST = 8 * MIB };

static struct gw_budget budget, bodies;
static struct gw_body_pool pool;
static struct gw_inflater *inflater;

static int setup(void **state)
{
    budget = (struct gw_budget){.limit = 64 * MIB};
    bodies = (struct gw_budget){.limit = 16 * MIB};
    gw_body_pool_init(&pool, &budget, &bodies, MIB);
    inflater = gw_inflater_new();
    return inflater ? 0 : -1;
}

static int teardown(void **state)
{
    gw_inflater_drop(inflater);
    gw_body_pool_fini(&pool);
    assert_int_equal(budget.used, 0);
    assert_int_equal(bodies.used, 0);
    return 0;
}

/* n zeroes, compressed; free it. */
static gw_str packed(enum gw_encoding encoding, size_t n)
{
    char *plain = calloc(1, n), *out = malloc(n);
    size_t len = n;
    if (encoding == GW_ENC_ZSTD) {
        len = ZSTD_compress(out, n, plain, n, 1);
    } else {
        z_stream z = {.next_in = (Bytef *)plain,
                      .avail_in = (unsigned)n,
                      .next_out = (Bytef *)out,
                      .avail_out = (unsigned)n};
        assert_int_equal(
            deflateInit2(&z, 6, Z_DEFLATED, encoding == GW_ENC_GZIP ? 31 : 15, 8, Z_DEFAULT_STRATEGY), Z_OK);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        len = z.total_out;
        deflateEnd(&z);
    }
    free(plain);
    return gw_str_n(out, len);
}

static enum gw_code inflate_zeroes(enum gw_encoding encoding, size_t n, size_t cut)
{
    gw_str in = packed(encoding, n);
    struct gw_body out = {0};
    struct gw_err err = {0};
    enum gw_code code =
        gw_inflate(inflater, encoding, gw_str_n(in.ptr, in.len - cut), &pool, &out, MOST, &err);
    if (!code)
        assert_int_equal(out.len, n);
    gw_body_release(&pool, &out);
    free((char *)(uintptr_t)in.ptr);
    return code;
}

static void what_is_too_large_is_that_always(void **state)
{
    static const enum gw_encoding encodings[] = {GW_ENC_GZIP, GW_ENC_DEFLATE, GW_ENC_ZSTD};
    for (size_t taken = 0; taken <= 16; taken += 8) {
        assert_true(gw_budget_take(&bodies, taken * MIB)); /* others are at work */
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(inflate_zeroes(encodings[i], 2 * MOST, 0), GW_TOO_LARGE);
            assert_int_equal(inflate_zeroes(encodings[i], MOST + 1, 0), GW_TOO_LARGE);
            assert_int_equal(inflate_zeroes(encodings[i], MOST, 0), taken >= 8 ? GW_BUSY : GW_OK);
            assert_int_equal(inflate_zeroes(encodings[i], MOST, 3), GW_BAD_ENCODING);
        }
        gw_budget_give(&bodies, taken * MIB);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_too_large_is_that_always, setup, teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
