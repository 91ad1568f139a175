/* Compressed bodies. First byte: the encoding and how much the output may be; then the body. What inflates is
 * within the limit, comes out the same with a buffer that grows from nothing and with a recycled one, and no
 * memory stays charged; and what we compress ourselves comes back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "gateway/http/inflate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok)
{
    if (!ok)
        abort();
}

static struct gw_budget budget = {.limit = 64 << 20}, bodies = {.limit = 32 << 20};
static struct gw_inflater *inflater;

static enum gw_code run(struct gw_body_pool *pool, enum gw_encoding encoding, gw_str in, struct gw_body *out,
                        size_t max)
{
    struct gw_err err = {.pos = 0};
    enum gw_code code = gw_inflate(inflater, encoding, in, pool, out, max, &err);
    check(code == GW_OK || code == GW_BAD_ENCODING || code == GW_TOO_LARGE);
    check(err.pos <= in.len);
    check(code != GW_OK || out->len <= max);
    return code;
}

static void twice(enum gw_encoding encoding, gw_str in, size_t max)
{
    struct gw_body_pool fresh, used;
    struct gw_body a = {0}, b = {0};
    gw_body_pool_init(&fresh, &budget, &bodies, 0);
    gw_body_pool_init(&used, &budget, &bodies, 1 << 20);
    check(gw_body_grow(&used, &b, 100000, SIZE_MAX));
    gw_body_release(&used, &b);
    enum gw_code first = run(&fresh, encoding, in, &a, max), second = run(&used, encoding, in, &b, max);
    check(first == second);
    check(first != GW_OK || (a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0)));
    gw_body_release(&fresh, &a);
    gw_body_release(&used, &b);
    gw_body_pool_fini(&fresh);
    gw_body_pool_fini(&used);
    check(budget.used == 0 && bodies.used == 0);
}

static size_t pack(enum gw_encoding encoding, gw_str in, uint8_t *out, size_t size)
{
    if (encoding == GW_ENC_ZSTD)
        return ZSTD_compress(out, size, in.ptr, in.len, 1);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)in.ptr,
                  .avail_in = (uInt)in.len,
                  .next_out = out,
                  .avail_out = (uInt)size};
    check(deflateInit2(&z, 1, Z_DEFLATED, encoding == GW_ENC_GZIP ? 31 : 15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    check(deflate(&z, Z_FINISH) == Z_STREAM_END);
    deflateEnd(&z);
    return z.total_out;
}

static void there_and_back(enum gw_encoding encoding, gw_str in)
{
    size_t room = in.len + in.len / 8 + 1024;
    uint8_t *packed = malloc(room);
    struct gw_body_pool pool;
    struct gw_body out = {0};
    check(packed != NULL);
    size_t n = pack(encoding, in, packed, room);
    gw_body_pool_init(&pool, &budget, &bodies, 0);
    check(run(&pool, encoding, gw_str_n((char *)packed, n), &out, in.len) == GW_OK);
    check(out.len == in.len && (in.len == 0 || memcmp(out.data, in.ptr, in.len) == 0));
    gw_body_release(&pool, &out);
    if (in.len)
        check(run(&pool, encoding, gw_str_n((char *)packed, n), &out, in.len - 1) == GW_TOO_LARGE);
    gw_body_release(&pool, &out);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum gw_encoding encodings[] = {GW_ENC_GZIP, GW_ENC_DEFLATE, GW_ENC_ZSTD};
    static const size_t limits[] = {0, 1, 1000, 65536, 1 << 20};
    if (size == 0)
        return 0;
    if (!inflater)
        inflater = gw_inflater_new();
    enum gw_encoding encoding = encodings[data[0] % 3];
    gw_str body = gw_str_n((const char *)data + 1, size - 1);
    twice(encoding, body, limits[data[0] / 3 % 5]);
    there_and_back(encoding, body);
    return 0;
}
