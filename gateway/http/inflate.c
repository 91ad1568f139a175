/* inflate.c: decompresses request bodies with zlib and libzstd, up to a limit. Each worker owns one inflater,
 * whose contexts are reused. Called by http_request.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/inflate.h"

#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

enum {
    ZSTD_WINDOW_LOG = 23,
    ZSTD_MOST = (1 << ZSTD_WINDOW_LOG) + 1024 * 1024,
    ZSTD_KEEP = 1024 * 1024,
    STEP = 32 * 1024
};

struct gw_inflater {
    z_stream z;
    bool z_ready;
    ZSTD_DCtx *zstd; /* NULL until the first zstd body */
    char sink[STEP]; /* output for which there is no memory is written into this buffer, to measure it */
};

/* The state of one decompression. */
struct run {
    struct gw_body_pool *pool;
    struct gw_body *out;
    char *sink;    /* the inflater's … */
    bool sinks;    /* … is in use: there was no memory for the output */
    size_t passed; /* bytes that were discarded */
    size_t max;
    gw_str in;
    size_t at; /* bytes of `in` consumed */
    struct gw_err *err;
};

enum gw_encoding gw_encoding_of(gw_str header)
{
    static const struct {
        gw_str word;
        enum gw_encoding encoding;
    } words[] = {
        {GW_LIT(""), GW_ENC_IDENTITY},   {GW_LIT("identity"), GW_ENC_IDENTITY}, {GW_LIT("gzip"), GW_ENC_GZIP},
        {GW_LIT("x-gzip"), GW_ENC_GZIP}, {GW_LIT("deflate"), GW_ENC_DEFLATE},   {GW_LIT("zstd"), GW_ENC_ZSTD},
    };
    header = gw_str_trim(header);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (gw_str_ieq(header, words[i].word))
            return words[i].encoding;
    return GW_ENC_UNKNOWN;
}

struct gw_inflater *gw_inflater_new(void)
{
    return calloc(1, sizeof(struct gw_inflater));
}

void gw_inflater_drop(struct gw_inflater *f)
{
    if (!f)
        return;
    if (f->z_ready)
        inflateEnd(&f->z);
    ZSTD_freeDCtx(f->zstd);
    free(f);
}

static size_t unpacked(const struct run *r)
{
    return r->out->len + r->passed;
}

/* Makes room for more output. It asks for one byte more than max, so that a body of exactly max is not taken
 * for a longer one. Without memory the output is only counted: whether a body is too large must not depend on
 * how much memory is free. */
static enum gw_code make_room(struct run *r)
{
    size_t len = r->out->len;
    if (unpacked(r) > r->max)
        return gw_fail(r->err, GW_TOO_LARGE, r->at, "inflates to more than %zu bytes", r->max);
    if (r->sinks || len < r->out->cap)
        return GW_OK;
    size_t need = len + STEP < r->max + 1 ? len + STEP : r->max + 1;
    if (gw_body_grow(r->pool, r->out, need, r->max + 1))
        return GW_OK;
    gw_body_release(r->pool, r->out);
    r->passed = len;
    r->sinks = true;
    return GW_OK;
}

/* Handles the end of the compressed body. */
static enum gw_code finish(struct run *r)
{
    if (unpacked(r) > r->max)
        return make_room(r);
    return r->sinks ? gw_fail(r->err, GW_BUSY, r->at, "no memory to inflate the body") : GW_OK;
}

static size_t room(const struct run *r)
{
    size_t cap = r->out->cap < r->max + 1 ? r->out->cap : r->max + 1;
    if (r->sinks)
        return STEP;
    return cap > r->out->len ? cap - r->out->len : 0;
}

static char *place(const struct run *r)
{
    return r->sinks ? r->sink : r->out->data + r->out->len;
}

static void add_unpacked(struct run *r, size_t n)
{
    *(r->sinks ? &r->passed : &r->out->len) += n;
}

/* zlib counts in 32 bits. */
static unsigned clip(size_t n)
{
    return n > 1u << 30 ? 1u << 30 : (unsigned)n;
}

static int z_step(struct run *r, z_stream *z)
{
    unsigned in = clip(r->in.len - r->at), out = clip(room(r));
    z->next_in = (Bytef *)(uintptr_t)(r->in.ptr + r->at);
    z->avail_in = in;
    z->next_out = (Bytef *)place(r);
    z->avail_out = out;
    int rc = inflate(z, Z_NO_FLUSH);
    r->at += in - z->avail_in;
    add_unpacked(r, out - z->avail_out);
    return rc;
}

static enum gw_code z_trouble(const struct run *r, const z_stream *z, int rc)
{
    if (rc == Z_MEM_ERROR)
        return gw_fail(r->err, GW_BUSY, r->at, "no memory to inflate the body");
    if (rc == Z_BUF_ERROR)
        return gw_fail(r->err, GW_BAD_ENCODING, r->at, "the compressed body is cut short");
    return gw_fail(r->err, GW_BAD_ENCODING, r->at, "%s", z->msg ? z->msg : "not what Content-Encoding says");
}

static enum gw_code z_members(struct gw_inflater *f, struct run *r, int window_bits)
{
    if (inflateReset2(&f->z, window_bits) != Z_OK)
        return gw_fail(r->err, GW_BUSY, 0, "no memory to inflate the body");
    for (;;) {
        enum gw_code code = make_room(r);
        if (code)
            return code;
        int rc = z_step(r, &f->z);
        if (rc == Z_STREAM_END && r->at == r->in.len)
            return finish(r);
        if (rc == Z_STREAM_END && window_bits > MAX_WBITS)
            rc = inflateReset(&f->z); /* the next member of a gzip file */
        else if (rc == Z_STREAM_END)
            return gw_fail(r->err, GW_BAD_ENCODING, r->at, "bytes after the end of the compressed body");
        if (rc != Z_OK)
            return z_trouble(r, &f->z, rc);
    }
}

/* zlib's first byte has 8 in its lower half, and the first two bytes are a multiple of 31 (RFC 1950 §2.2);
 * this is rarely true of raw deflate. */
static bool is_zlib(gw_str in)
{
    const uint8_t *p = (const uint8_t *)in.ptr;
    return in.len >= 2 && (p[0] & 15) == 8 && (p[0] * 256 + p[1]) % 31 == 0;
}

static enum gw_code run_zlib(struct gw_inflater *f, struct run *r, enum gw_encoding encoding)
{
    if (!f->z_ready && inflateInit2(&f->z, MAX_WBITS) != Z_OK)
        return gw_fail(r->err, GW_BUSY, 0, "no memory to inflate the body");
    f->z_ready = true;
    if (encoding == GW_ENC_GZIP)
        return z_members(f, r, MAX_WBITS + 16);
    return z_members(f, r, is_zlib(r->in) ? MAX_WBITS : -MAX_WBITS);
}

static bool zstd_begin(struct gw_inflater *f)
{
    if (!f->zstd && (f->zstd = ZSTD_createDCtx()))
        ZSTD_DCtx_setParameter(f->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    return f->zstd && !ZSTD_isError(ZSTD_DCtx_reset(f->zstd, ZSTD_reset_session_only));
}

static enum gw_code run_zstd(struct gw_inflater *f, struct run *r)
{
    if (!zstd_begin(f))
        return gw_fail(r->err, GW_BUSY, 0, "no memory to inflate the body");
    for (;;) {
        enum gw_code code = make_room(r);
        if (code)
            return code;
        ZSTD_inBuffer in = {r->in.ptr, r->in.len, r->at};
        ZSTD_outBuffer out = {place(r), room(r), 0};
        size_t left = ZSTD_decompressStream(f->zstd, &out, &in);
        bool moved = in.pos != r->at || out.pos != 0, full = out.pos == out.size;
        r->at = in.pos;
        add_unpacked(r, out.pos);
        if (ZSTD_isError(left))
            return gw_fail(r->err, GW_BAD_ENCODING, r->at, "%s", ZSTD_getErrorName(left));
        if (left == 0 && in.pos == in.size)
            return finish(r);
        if (!full && (!moved || in.pos == in.size))
            return gw_fail(r->err, GW_BAD_ENCODING, r->at, "the compressed body is cut short");
    }
}

enum gw_code gw_inflate(struct gw_inflater *f, enum gw_encoding encoding, gw_str in,
                        struct gw_body_pool *pool, struct gw_body *out, size_t max, struct gw_err *err)
{
    struct run r = {.pool = pool, .out = out, .sink = f->sink, .max = max, .in = in, .err = err};
    if (encoding != GW_ENC_ZSTD)
        return run_zlib(f, &r, encoding);
    if (!gw_budget_take(pool->budget, ZSTD_MOST)) /* the largest window that a body may need */
        return gw_fail(err, GW_BUSY, 0, "no memory to inflate the body");
    enum gw_code code = run_zstd(f, &r);
    gw_budget_give(pool->budget, ZSTD_MOST);
    /* a large window was allocated for this body and is freed with it */
    if (f->zstd && ZSTD_sizeof_DCtx(f->zstd) > ZSTD_KEEP) {
        ZSTD_freeDCtx(f->zstd);
        f->zstd = NULL;
    }
    return code;
}
