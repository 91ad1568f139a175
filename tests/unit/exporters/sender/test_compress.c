/* What is compressed decompresses, by zlib and zstd's own reader, to the frames laid end to end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "exporters/sender/compress.h"

static uint32_t seed = 7;

static uint32_t next_random(void)
{
    return seed = seed * 1664525u + 1013904223u;
}

/* noise 0: repetitive as OTLP is; 100: incompressible. */
static struct gw_frame *frame_of(size_t len, unsigned noise)
{
    uint8_t *data = malloc(len ? len : 1);
    for (size_t i = 0; i < len; i++)
        data[i] = next_random() % 100 < noise ? (uint8_t)(next_random() >> 24)
                                              : (uint8_t) "service.name=web "[i % 17];
    return gw_frame_new(GW_TRACES, GW_OTEL, data, len, len ? len : 1, 1);
}

static uint8_t *laid_together(struct gw_frame **frames, size_t n, size_t *len)
{
    uint8_t *all;
    *len = 0;
    for (size_t i = 0; i < n; i++)
        *len += frames[i]->len;
    all = malloc(*len + 1);
    for (size_t i = 0, at = 0; i < n; at += frames[i++]->len)
        memcpy(all + at, frames[i]->data, frames[i]->len);
    return all;
}

static size_t gunzip(const uint8_t *in, size_t len, uint8_t *out, size_t room)
{
    z_stream z = {
        .next_in = (Bytef *)(uintptr_t)in, .avail_in = (uInt)len, .next_out = out, .avail_out = (uInt)room};
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END); /* checks the CRC as well */
    assert_int_equal(z.avail_in, 0);
    inflateEnd(&z);
    return z.total_out;
}

static void round_trip(struct gw_compressor *c, enum gw_compression kind, struct gw_frame **frames, size_t n)
{
    size_t plain_len, len, got;
    uint8_t *packed, *plain = laid_together(frames, n, &plain_len), *back = malloc(plain_len + 1);
    assert_true(gw_compress(c, frames, n, &packed, &len));
    got = kind == GW_COMPRESS_GZIP ? gunzip(packed, len, back, plain_len + 1)
                                   : ZSTD_decompress(back, plain_len + 1, packed, len);
    assert_int_equal(got, plain_len);
    assert_memory_equal(back, plain, plain_len);
    free(packed);
    free(plain);
    free(back);
}

static void every_shape(enum gw_compression kind)
{
    static const size_t lens[] = {0, 1, 17, 1000, 65536, 70000, 1024 * 1024};
    struct gw_compressor *c = gw_compressor_new(kind);
    for (unsigned noise = 0; noise <= 100; noise += 50) {
        struct gw_frame *frames[sizeof lens / sizeof *lens];
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
            frames[i] = frame_of(lens[i], noise);
            round_trip(c, kind, &frames[i], 1);
        }
        /* the state of one request must not leak into the next */
        round_trip(c, kind, frames, sizeof lens / sizeof *lens);
        round_trip(c, kind, frames, sizeof lens / sizeof *lens);
        for (size_t i = 0; i < sizeof lens / sizeof *lens; i++)
            gw_frame_drop(frames[i]);
    }
    gw_compressor_drop(c);
}

static void gzip_round_trips(void **state)
{
    every_shape(GW_COMPRESS_GZIP);
}

static void zstd_round_trips(void **state)
{
    every_shape(GW_COMPRESS_ZSTD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gzip_round_trips),
                                       cmocka_unit_test(zstd_round_trips)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
