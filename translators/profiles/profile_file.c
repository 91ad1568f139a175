/* profile_file.c: Unpacks the files of an upload by zlib, zstd and LZ4. Owns the libraries' states for the length of a
 * call. Called by profile_upload.c's callers on HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/profile_file.h"

#include <zlib.h>
#include <zstd.h>

#include "translators/profiles/lz4_frame.h"

enum { WINDOW_LOG = 23 /* 8 MiB, as RFC 8878 recommends */, STEP = 64 * 1024, GZIP_BITS = 15 + 16 };

enum profile_packing profile_packing_of(gw_str f)
{
    if (gw_str_starts(f, GW_STR("\x1f\x8b")))
        return PROFILE_GZIP;
    if (gw_str_starts(f, GW_STR("\x28\xb5\x2f\xfd")))
        return PROFILE_ZSTD;
    if (gw_str_starts(f, GW_STR("\x04\x22\x4d\x18")))
        return PROFILE_LZ4;
    return PROFILE_PLAIN;
}

bool profile_is_jfr(gw_str f)
{
    return gw_str_starts(f, GW_STR("FLR\0"));
}

static enum gw_code bad(struct gw_err *err, size_t at, const char *how)
{
    return gw_fail(err, GW_BAD_PROFILE, at, "a file cannot be unpacked: its %s", how);
}

static enum gw_code too_long(struct gw_err *err, size_t most)
{
    return gw_fail(err, GW_TOO_LARGE, 0, "a file is longer than %zu bytes once it is unpacked", most);
}

static enum gw_code no_room(struct gw_err *err)
{
    return gw_fail(err, GW_BUDGET, 0, "an unpacked file");
}

/* Room for what comes next, at most up to one byte past `most`: that byte tells that there is more. */
static size_t room(struct otlp_buf *to, size_t most)
{
    size_t want = most + 1 - to->len < STEP ? most + 1 - to->len : STEP;
    if (!otlp_room(to, want))
        return 0;
    size_t free = to->cap - to->len;
    return free < most + 1 - to->len ? free : most + 1 - to->len;
}

static enum gw_code gunzip_all(z_stream *z, gw_str file, size_t most, struct otlp_buf *to, struct gw_err *err)
{
    z->next_in = (Bytef *)(uintptr_t)file.ptr;
    z->avail_in = (uInt)file.len;
    for (;;) {
        size_t n = room(to, most);
        if (!n)
            return no_room(err);
        z->next_out = to->data + to->len;
        z->avail_out = (uInt)n;
        int rc = inflate(z, Z_NO_FLUSH);
        to->len += n - z->avail_out;
        if (to->len > most)
            return too_long(err, most);
        if (rc == Z_STREAM_END && !z->avail_in)
            return GW_OK;
        if (rc == Z_STREAM_END) /* another member */
            rc = inflateReset(z);
        if (rc == Z_BUF_ERROR && !z->avail_in)
            return bad(err, file.len, "gzip is cut short");
        if (rc != Z_OK)
            return bad(err, file.len - z->avail_in, "gzip is not well-formed");
    }
}

static enum gw_code gunzip(gw_str file, size_t most, struct otlp_buf *to, struct gw_err *err)
{
    z_stream z = {0};
    if (file.len > UINT32_MAX / 2 || inflateInit2(&z, GZIP_BITS) != Z_OK)
        return no_room(err);
    enum gw_code code = gunzip_all(&z, file, most, to, err);
    inflateEnd(&z);
    return code;
}

static enum gw_code unzstd_all(ZSTD_DCtx *d, gw_str file, size_t most, struct otlp_buf *to,
                               struct gw_err *err)
{
    ZSTD_inBuffer in = {file.ptr, file.len, 0};
    for (size_t more = 1; more || in.pos < in.size;) {
        size_t n = room(to, most), before = in.pos;
        if (!n)
            return no_room(err);
        ZSTD_outBuffer out = {to->data + to->len, n, 0};
        more = ZSTD_decompressStream(d, &out, &in);
        to->len += out.pos;
        if (ZSTD_isError(more))
            return bad(err, in.pos, "zstd is not well-formed");
        if (to->len > most)
            return too_long(err, most);
        if (more && in.pos == in.size && in.pos == before && out.pos == 0)
            return bad(err, in.pos, "zstd is cut short");
    }
    return GW_OK;
}

static enum gw_code unzstd(gw_str file, size_t most, struct otlp_buf *to, struct gw_err *err)
{
    ZSTD_DCtx *d = ZSTD_createDCtx();
    if (!d)
        return no_room(err);
    ZSTD_DCtx_setParameter(d, ZSTD_d_windowLogMax, WINDOW_LOG);
    enum gw_code code = unzstd_all(d, file, most, to, err);
    ZSTD_freeDCtx(d);
    return code;
}

static enum gw_code unlz4(gw_str file, size_t most, struct otlp_buf *to, struct gw_err *err)
{
    size_t at = 0;
    switch (lz4_frame_unpack(file, most, to, &at)) {
    case LZ4_FRAME_OK:
        return GW_OK;
    case LZ4_FRAME_TOO_LONG:
        return too_long(err, most);
    case LZ4_FRAME_NO_MEMORY:
        return no_room(err);
    case LZ4_FRAME_BAD:
        break;
    }
    return bad(err, at, "LZ4 frame is not well-formed or cut short");
}

enum gw_code profile_unpack(gw_str file, size_t most, struct otlp_buf *to, gw_str *out, struct gw_err *err)
{
    enum profile_packing packing = profile_packing_of(file);
    enum gw_code code = packing == PROFILE_GZIP   ? gunzip(file, most, to, err)
                        : packing == PROFILE_ZSTD ? unzstd(file, most, to, err)
                        : packing == PROFILE_LZ4  ? unlz4(file, most, to, err)
                                                  : GW_OK;
    *out = packing == PROFILE_PLAIN ? file : otlp_written(to);
    return code;
}
