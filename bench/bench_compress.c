/* bench_compress: what it costs to make requests smaller, by library and level, and how much smaller they
 * become. The input is a batch as the exporters send it: translated payloads (payload.h), 2 MiB together. Ids
 * are as random as real ones. One thread. Prints the best of several rounds in milliseconds of CPU time for
 * each MiB of OTLP, and the ratio. The rows with a star are what exporters/sender/compress.c does.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <isa-l/igzip_lib.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

#include "bench/payload.h"
#include "core/delivery/trace_ids.h"
#include "exporters/sender/compress.h"
#include "translators/ddtrace/dd_translate.h"

enum { TRACES = 75, BATCH = 2 << 20, ROUNDS = 9 };

struct buffer {
    uint8_t *data;
    size_t len, cap;
};

/* The compressed size, 0 when it failed. `from` is the batch, as one frame. */
typedef size_t compress_f(struct gw_frame *from, struct buffer *to, int level);

static size_t by_zlib(struct gw_frame *from, struct buffer *to, int level)
{
    z_stream z = {
        .next_in = from->data, .avail_in = (uInt)from->len, .next_out = to->data, .avail_out = (uInt)to->cap};
    if (deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    bool whole = deflate(&z, Z_FINISH) == Z_STREAM_END;
    deflateEnd(&z);
    return whole ? z.total_out : 0;
}

static size_t by_isal(struct gw_frame *from, struct buffer *to, int level)
{
    static uint8_t space[ISAL_DEF_LVL3_DEFAULT];
    struct isal_zstream z;
    isal_deflate_init(&z);
    z.gzip_flag = IGZIP_GZIP;
    z.end_of_stream = 1;
    z.level = (uint32_t)level;
    z.level_buf = space;
    z.level_buf_size = sizeof space;
    z.next_in = from->data;
    z.avail_in = (uint32_t)from->len;
    z.next_out = to->data;
    z.avail_out = (uint32_t)to->cap;
    return isal_deflate(&z) == COMP_OK && z.avail_in == 0 ? z.total_out : 0;
}

static size_t by_zstd(struct gw_frame *from, struct buffer *to, int level)
{
    static ZSTD_CCtx *context;
    if (!context)
        context = ZSTD_createCCtx();
    size_t n = ZSTD_compressCCtx(context, to->data, to->cap, from->data, from->len, level);
    return ZSTD_isError(n) ? 0 : n;
}

#ifdef HAVE_LIBDEFLATE
static size_t by_libdeflate(struct gw_frame *from, struct buffer *to, int level)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(level);
    size_t n = c ? libdeflate_gzip_compress(c, from->data, from->len, to->data, to->cap) : 0;
    libdeflate_free_compressor(c);
    return n;
}
#endif

static size_t by_us(struct gw_frame *from, struct buffer *to, int kind)
{
    static struct gw_compressor *compressor[3];
    uint8_t *out;
    size_t n;
    if (!compressor[kind])
        compressor[kind] = gw_compressor_new((enum gw_compression)kind);
    if (!gw_compress(compressor[kind], &from, 1, &out, &n))
        return 0;
    free(out);
    return n;
}

static const struct method {
    const char *name;
    compress_f *f;
    int level;
} methods[] = {
    {"gzip, zlib 6", by_zlib, 6},
    {"gzip, zlib 1", by_zlib, 1},
#ifdef HAVE_LIBDEFLATE
    {"gzip, libdeflate 6", by_libdeflate, 6},
    {"gzip, libdeflate 1", by_libdeflate, 1},
#endif
    {"gzip, ISA-L 3", by_isal, 3},
    {"gzip, ISA-L 2", by_isal, 2},
    {"gzip, ISA-L 1", by_isal, 1},
    {"gzip, ISA-L 0", by_isal, 0},
    {"gzip, ddgate *", by_us, GW_COMPRESS_GZIP},
    {"zstd 3", by_zstd, 3},
    {"zstd 1", by_zstd, 1},
    {"zstd -1", by_zstd, -1},
    {"zstd, ddgate *", by_us, GW_COMPRESS_ZSTD},
};

/* Appends the translation of one payload. Returns its spans. */
static uint64_t translate(struct dd_translator *t, struct gw_arena *arena, struct gw_trace_ids *ids,
                          uint64_t seed, struct buffer *to)
{
    static struct dd_result result;
    struct dd_request request = {0};
    struct dd_env env = {.schemas = 1u << GW_OTEL,
                         .host_name = GW_STR("bench"),
                         .ids = ids,
                         .now = gw_now(),
                         .wall = gw_wall()};
    struct gw_snap snap = gw_arena_snap(arena);
    struct payload p;
    uint64_t spans = 0;
    payload_make(&p, PAYLOAD_V04, TRACES, seed, (uint64_t)env.wall);
    result.frames_n = 0;
    if (dd_translate(t, arena, DD_V04_MSGPACK, gw_str_n((const char *)p.data, p.len), &request, &env, &result,
                     NULL) != GW_OK)
        exit(1);
    for (size_t i = 0; i < result.frames_n; i++) {
        struct gw_frame *f = result.frames[i];
        if (f->len <= to->cap - to->len) {
            memcpy(to->data + to->len, f->data, f->len);
            to->len += f->len;
            spans += f->items;
        }
        gw_frame_drop(f);
    }
    payload_free(&p);
    gw_arena_back(arena, snap);
    return spans;
}

static uint64_t make_batch(struct buffer *batch)
{
    static struct dd_options options = {.trace_id_bits = 128, .obfuscate = true};
    struct dd_translator *t = dd_translator_new(&options);
    struct gw_trace_ids *ids = gw_trace_ids_new(1 << 18, 10 * 60 * GW_SEC);
    struct gw_arena arena;
    uint64_t spans = 0, n;
    *batch = (struct buffer){malloc(BATCH), 0, BATCH};
    gw_arena_init(&arena, 256 << 20);
    for (uint64_t seed = 1; batch->data && (n = translate(t, &arena, ids, seed, batch)); seed++)
        spans += n;
    dd_translator_drop(t);
    gw_trace_ids_drop(ids);
    gw_arena_fini(&arena);
    return spans;
}

static void measure(const struct method *m, struct gw_frame *batch, uint64_t spans, struct buffer *out)
{
    gw_nsec best = GW_NEVER;
    size_t n = 0;
    for (int i = 0; i < ROUNDS; i++) {
        gw_nsec begin = gw_clock_read(CLOCK_THREAD_CPUTIME_ID);
        n = m->f(batch, out, m->level);
        gw_nsec took = gw_clock_read(CLOCK_THREAD_CPUTIME_ID) - begin;
        best = took < best ? took : best;
    }
    if (n == 0) {
        fprintf(stderr, "bench_compress: %s failed\n", m->name);
        exit(1);
    }
    printf("%-20s %6.2f ms/MiB  %5.0f ns/span  %5.2f times smaller\n", m->name,
           (double)best / 1e6 / ((double)batch->len / (1 << 20)), (double)best / (double)spans,
           (double)batch->len / (double)n);
}

int main(void)
{
    struct buffer batch, out = {malloc(2 * BATCH), 0, 2 * BATCH};
    uint64_t spans = make_batch(&batch);
    struct gw_frame frame = {.data = batch.data, .len = batch.len};
    if (!spans || !out.data)
        return 1;
    printf("a batch of %zu bytes, %llu spans\n", batch.len, (unsigned long long)spans);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        measure(&methods[i], &frame, spans, &out);
    free(batch.data);
    free(out.data);
    return 0;
}
