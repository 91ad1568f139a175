/* compress.c: compresses the frames of a request into one gzip member or zstd frame. Owns the compressor's
 * working memory. Called by the OTLP exporters on the sender's thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/compress.h"

#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <zstd.h>

/* Level 1 of ISA-L and of zstd: higher levels take much more time for little gain on OTLP
 * (bench/bench_compress.c). */
enum { GZIP_LEVEL = 1, ZSTD_LEVEL = 1 };

struct gw_compressor {
    enum gw_compression kind;
    struct isal_zstream gzip;
    uint8_t *gzip_space; /* ISA-L's working memory for its level */
    ZSTD_CCtx *zstd;
};

struct gw_compressor *gw_compressor_new(enum gw_compression kind)
{
    struct gw_compressor *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->kind = kind;
    if (kind == GW_COMPRESS_GZIP)
        c->gzip_space = malloc(ISAL_DEF_LVL1_DEFAULT);
    else
        c->zstd = ZSTD_createCCtx();
    if (!c->gzip_space && !c->zstd) {
        free(c);
        return NULL;
    }
    return c;
}

void gw_compressor_drop(struct gw_compressor *c)
{
    if (!c)
        return;
    free(c->gzip_space);
    ZSTD_freeCCtx(c->zstd);
    free(c);
}

static size_t total(struct gw_frame *const *frames, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += frames[i]->len;
    return sum;
}

/* Grows the output so that at least `room` bytes are free after `used`. */
static bool reserve(uint8_t **out, size_t *cap, size_t used, size_t room)
{
    if (*cap - used >= room)
        return true;
    size_t want = *cap + *cap / 2 + room;
    uint8_t *grown = realloc(*out, want);
    if (!grown)
        return false;
    *out = grown;
    *cap = want;
    return true;
}

enum { FIRST_ROOM = 16 * 1024, MORE_ROOM = 4 * 1024 };

/* Adds one frame to the stream. ISA-L counts in 32 bits; a frame is far smaller (frame.h). */
static bool gzip_frame(struct gw_compressor *c, const struct gw_frame *frame, bool last, uint8_t **out,
                       size_t *cap)
{
    struct isal_zstream *z = &c->gzip;
    z->next_in = frame->data;
    z->avail_in = (uint32_t)frame->len;
    z->end_of_stream = last;
    do {
        if (!reserve(out, cap, z->total_out, MORE_ROOM))
            return false;
        z->next_out = *out + z->total_out;
        z->avail_out = (uint32_t)(*cap - z->total_out);
        if (isal_deflate(z) != COMP_OK)
            return false;
    } while (z->avail_out == 0 || z->avail_in != 0);
    return true;
}

static bool gzip(struct gw_compressor *c, struct gw_frame *const *frames, size_t n, uint8_t **out,
                 size_t *len, size_t cap)
{
    struct isal_zstream *z = &c->gzip;
    isal_deflate_init(z);
    z->gzip_flag = IGZIP_GZIP;
    z->level = GZIP_LEVEL;
    z->level_buf = c->gzip_space;
    z->level_buf_size = ISAL_DEF_LVL1_DEFAULT;
    for (size_t i = 0; i < n; i++)
        if (!gzip_frame(c, frames[i], i + 1 == n, out, &cap))
            return false;
    *len = z->total_out;
    return true;
}

static bool zstd(struct gw_compressor *c, struct gw_frame *const *frames, size_t n, size_t bytes,
                 uint8_t **out, size_t *len, size_t cap)
{
    ZSTD_outBuffer o = {*out, cap, 0};
    ZSTD_CCtx_reset(c->zstd, ZSTD_reset_session_only);
    ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL);
    ZSTD_CCtx_setPledgedSrcSize(c->zstd, bytes);
    for (size_t i = 0; i < n; i++) {
        ZSTD_inBuffer in = {frames[i]->data, frames[i]->len, 0};
        bool last = i + 1 == n;
        size_t left;
        do {
            if (!reserve(out, &cap, o.pos, MORE_ROOM))
                return false;
            o.dst = *out;
            o.size = cap;
            left = ZSTD_compressStream2(c->zstd, &o, &in, last ? ZSTD_e_end : ZSTD_e_continue);
            if (ZSTD_isError(left))
                return false;
        } while (last ? left != 0 : in.pos < in.size);
    }
    *len = o.pos;
    return true;
}

bool gw_compress(struct gw_compressor *c, struct gw_frame *const *frames, size_t n, uint8_t **out,
                 size_t *len)
{
    size_t bytes = total(frames, n), cap = bytes / 6 + FIRST_ROOM;
    *out = malloc(cap);
    if (*out && (c->kind == GW_COMPRESS_GZIP ? gzip(c, frames, n, out, len, cap)
                                             : zstd(c, frames, n, bytes, out, len, cap)))
        return true;
    free(*out);
    *out = NULL;
    return false;
}
