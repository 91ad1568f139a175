/* lz4_frame.c: Reads LZ4 frames and their blocks. Owns nothing. Called by profile_file.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/profiles/lz4_frame.h"

enum {
    MAGIC = 0x184d2204,
    BLOCK_MOST = 4 * 1024 * 1024,
    LEAST_MATCH = 4,
    HAS_DICTIONARY = 1,
    HAS_CONTENT_CHECKSUM = 4,
    HAS_CONTENT_SIZE = 8,
    HAS_BLOCK_CHECKSUM = 16,
};

struct reader {
    const uint8_t *at, *end;
    size_t most;
    struct otlp_buf *to;
};

static bool take32(struct reader *r, uint32_t *out)
{
    if (r->end - r->at < 4)
        return false;
    *out = (uint32_t)r->at[0] | (uint32_t)r->at[1] << 8 | (uint32_t)r->at[2] << 16 | (uint32_t)r->at[3] << 24;
    r->at += 4;
    return true;
}

static bool skip(struct reader *r, size_t n)
{
    if ((size_t)(r->end - r->at) < n)
        return false;
    r->at += n;
    return true;
}

/* Reads a length. If its half byte is 15, bytes follow; the first one below 255 is the last. */
static bool take_length(struct reader *r, size_t *length)
{
    uint8_t byte = 255;
    while (byte == 255) {
        if (r->at == r->end)
            return false;
        byte = *r->at++;
        *length += byte;
    }
    return true;
}

static enum lz4_frame_result make_room(struct reader *r, size_t n)
{
    if (n > r->most - r->to->len)
        return LZ4_FRAME_TOO_LONG;
    return otlp_room(r->to, n) ? LZ4_FRAME_OK : LZ4_FRAME_NO_MEMORY;
}

static enum lz4_frame_result put_literals(struct reader *r, size_t n)
{
    if (n == 0)
        return LZ4_FRAME_OK;
    if ((size_t)(r->end - r->at) < n)
        return LZ4_FRAME_BAD;
    enum lz4_frame_result result = make_room(r, n);
    if (result == LZ4_FRAME_OK)
        otlp_end(r->to, otlp_put_bytes(r->to->data + r->to->len, gw_str_n((const char *)r->at, n)));
    r->at += n;
    return result;
}

/* Copies bytes that were written before. The range may reach into the bytes being written; then they
 * repeat. */
static enum lz4_frame_result put_match(struct reader *r, size_t offset, size_t n)
{
    if (offset == 0 || offset > r->to->len)
        return LZ4_FRAME_BAD;
    enum lz4_frame_result result = make_room(r, n);
    if (result != LZ4_FRAME_OK)
        return result;
    uint8_t *to = r->to->data + r->to->len;
    for (size_t i = 0; i < n; i++)
        to[i] = to[(ptrdiff_t)i - (ptrdiff_t)offset];
    r->to->len += n;
    return LZ4_FRAME_OK;
}

/* Reads sequences of literals and a match; the last one has only literals. */
static enum lz4_frame_result unpack_block(struct reader *r)
{
    while (r->at < r->end) {
        uint8_t token = *r->at++;
        size_t literals = token >> 4, match = (size_t)(token & 15), offset;
        if (literals == 15 && !take_length(r, &literals))
            return LZ4_FRAME_BAD;
        enum lz4_frame_result result = put_literals(r, literals);
        if (result != LZ4_FRAME_OK || r->at == r->end)
            return result;
        if (r->end - r->at < 2)
            return LZ4_FRAME_BAD;
        offset = (size_t)r->at[0] | (size_t)r->at[1] << 8;
        r->at += 2;
        if (match == 15 && !take_length(r, &match))
            return LZ4_FRAME_BAD;
        result = put_match(r, offset, match + LEAST_MATCH);
        if (result != LZ4_FRAME_OK)
            return result;
    }
    return LZ4_FRAME_OK;
}

static enum lz4_frame_result unpack_blocks(struct reader *r, bool checked)
{
    for (uint32_t size; take32(r, &size);) {
        size_t n = size & 0x7fffffff;
        if (size == 0)
            return LZ4_FRAME_OK;
        if (n > BLOCK_MOST || (size_t)(r->end - r->at) < n)
            return LZ4_FRAME_BAD;
        struct reader block = *r;
        block.end = r->at + n;
        enum lz4_frame_result result = size >> 31 ? put_literals(&block, n) : unpack_block(&block);
        if (result != LZ4_FRAME_OK)
            return result;
        r->at += n;
        if (checked && !skip(r, 4))
            return LZ4_FRAME_BAD;
    }
    return LZ4_FRAME_BAD;
}

static enum lz4_frame_result unpack_frame(struct reader *r)
{
    uint32_t magic;
    if (!take32(r, &magic) || magic != MAGIC || r->end - r->at < 3)
        return LZ4_FRAME_BAD;
    uint8_t flags = *r->at;
    size_t descriptor = 3 + (flags & HAS_CONTENT_SIZE ? 8 : 0);
    if (flags >> 6 != 1 || flags & HAS_DICTIONARY || !skip(r, descriptor))
        return LZ4_FRAME_BAD;
    enum lz4_frame_result result = unpack_blocks(r, flags & HAS_BLOCK_CHECKSUM);
    if (result == LZ4_FRAME_OK && flags & HAS_CONTENT_CHECKSUM && !skip(r, 4))
        return LZ4_FRAME_BAD;
    return result;
}

enum lz4_frame_result lz4_frame_unpack(gw_str file, size_t most, struct otlp_buf *to, size_t *at)
{
    const uint8_t *begin = (const uint8_t *)file.ptr;
    struct reader r = {begin, begin + file.len, most, to};
    enum lz4_frame_result result = LZ4_FRAME_OK;
    while (result == LZ4_FRAME_OK && r.at < r.end)
        result = unpack_frame(&r);
    *at = (size_t)(r.at - begin);
    return result;
}
