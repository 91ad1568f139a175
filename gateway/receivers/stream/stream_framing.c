/* stream_framing.c: Splits the bytes of a stream into records, by line ends or by counts. Owns the bytes of
 * the unfinished record. Called by stream_conn.c and stdin.c, on the receiver's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/receivers/stream/stream_framing.h"

#include <stdlib.h>

enum {
    DIGITS = 8, /* of a count */
    PRI = 5,    /* <191> */
    PREFIX = 4, /* bytes of a length */
    LEAST = 512
};

/* Holding */

static bool grow(struct stream_framing *f, size_t need)
{
    size_t cap = f->cap ? f->cap : LEAST;
    while (cap < need)
        cap *= 2;
    if (cap > f->max + LEAST)
        cap = f->max + LEAST;
    if (!gw_budget_take(f->budget, cap - f->cap))
        return false;
    char *more = realloc(f->held, cap);
    if (!more) {
        gw_budget_give(f->budget, cap - f->cap);
        return false;
    }
    f->held = more;
    f->cap = cap;
    return true;
}

/* Adds to the current record. Text without room is cut off, and so is all text after it. */
static void hold(struct stream_framing *f, const char *bytes, size_t n)
{
    size_t fits = f->cut ? 0 : f->max - f->len < n ? f->max - f->len : n;
    if (fits && f->len + fits > f->cap && !grow(f, f->len + fits))
        fits = f->cap - f->len < fits ? f->cap - f->len : fits;
    if (fits)
        memcpy(f->held + f->len, bytes, fits);
    f->len += fits;
    f->cut += n - fits;
}

void stream_framing_fini(struct stream_framing *f)
{
    free(f->held);
    gw_budget_give(f->budget, f->cap);
    f->held = NULL;
    f->len = f->cap = 0;
}

/* A small buffer is kept: the next piece needs one as well. */
static void forget(struct stream_framing *f)
{
    if (f->cap > LEAST)
        stream_framing_fini(f);
    f->len = 0;
    f->cut = f->left = 0;
    f->state = FRAME_BEGIN;
}

/* Records */

/* How many of the bytes at the end are the beginning of a character of UTF-8 whose rest was cut off. */
static size_t half_character(gw_str s)
{
    size_t n = 1;
    while (n < 4 && n < s.len && ((uint8_t)s.ptr[s.len - n] & 0xC0) == 0x80)
        n++;
    uint8_t lead = s.len ? (uint8_t)s.ptr[s.len - n] : 0;
    size_t whole = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return n < whole ? n : 0;
}

static void pass_on(struct stream_framing *f, gw_str text, uint64_t cut, stream_text_f *record, void *to)
{
    if (text.len > f->max) {
        cut += text.len - f->max;
        text.len = f->max;
    }
    if (cut) {
        size_t half = half_character(text);
        cut += half;
        text.len -= half;
    } else /* with a cut, the end of the text is not the record's end */
        while (text.len && (text.ptr[text.len - 1] == '\r' || text.ptr[text.len - 1] == '\n' ||
                            text.ptr[text.len - 1] == '\0'))
            text.len--;
    if (text.len || cut || (f->blanks && f->state == FRAME_LINE))
        record(to, text, cut);
}

/* The record under way ends with these bytes; nothing is copied when they are all of it. */
static void finish(struct stream_framing *f, const char *bytes, size_t n, stream_text_f *record, void *to)
{
    if (f->len == 0 && f->cut == 0) {
        pass_on(f, gw_str_n(bytes, n), 0, record, to);
    } else {
        hold(f, bytes, n);
        pass_on(f, gw_str_n(f->held, f->len), f->cut, record, to);
    }
    forget(f);
}

/* Counts */

enum look { LOOK_LINE, LOOK_COUNTED, LOOK_MORE };

/* True if `<PRI>` is here, within the count. */
static enum look see_pri(gw_str s, uint64_t count)
{
    size_t i = 1;
    if (s.len && s.ptr[0] != '<')
        return LOOK_LINE;
    while (i < s.len && i < PRI - 1 && gw_is_digit(s.ptr[i]))
        i++;
    if (i >= s.len)
        return LOOK_MORE;
    return i > 1 && s.ptr[i] == '>' && i < count ? LOOK_COUNTED : LOOK_LINE;
}

/* What a message is that begins so. *head: bytes of the count and its blank. */
static enum look look(const struct stream_framing *f, gw_str s, size_t *head, uint64_t *count)
{
    size_t i = 0;
    *count = 0;
    for (; i < s.len && i <= DIGITS && gw_is_digit(s.ptr[i]); i++)
        *count = *count * 10 + (uint64_t)(s.ptr[i] - '0');
    if (i == s.len)
        return i <= DIGITS ? LOOK_MORE : LOOK_LINE;
    if (i == 0 || i > DIGITS || s.ptr[0] == '0' || s.ptr[i] != ' ')
        return LOOK_LINE;
    *head = i + 1;
    return f->mode == STREAM_OCTET ? LOOK_COUNTED : see_pri(gw_str_n(s.ptr + i + 1, s.len - i - 1), *count);
}

enum { LOOKED_AT = DIGITS + 1 + PRI }; /* so many bytes distinguish a counted message from a line */

/* Decides what the message is whose first bytes are held, or these. Returns how many bytes of these belong to
 * its head; -1: more must come before it is known, and they are held. */
static ptrdiff_t begin(struct stream_framing *f, gw_str s)
{
    size_t before = f->len, head = 0, fits = s.len < LOOKED_AT - before ? s.len : LOOKED_AT - before;
    char joined[LOOKED_AT];
    gw_str all = s;
    if (before) {
        memcpy(joined, f->held, before);
        memcpy(joined + before, s.ptr, fits);
        all = gw_str_n(joined, before + fits);
    }
    switch (look(f, all, &head, &f->left)) {
    case LOOK_MORE:
        hold(f, s.ptr, s.len);
        if (f->cut) /* no memory for a few bytes: then it is a line that begins with a cut */
            f->state = FRAME_LINE;
        return -1;
    case LOOK_LINE:
        f->state = FRAME_LINE;
        f->left = 0;
        return 0;
    case LOOK_COUNTED:
        break;
    }
    f->state = FRAME_COUNTED;
    if (head >= before) {
        f->len = 0;
        return (ptrdiff_t)(head - before);
    }
    memmove(f->held, f->held + head, before - head); /* part of the <PRI> was held already */
    f->len = before - head;
    f->left -= f->len;
    return 0;
}

/* The steps: each takes bytes off the front and returns how many. */

static bool begins_with_pri(gw_str s)
{
    return s.len > 1 && *s.ptr == '<' && gw_is_digit(s.ptr[1]);
}

/* A syslog message with its <PRI>, ended by a NUL, may contain newlines. */
static bool may_have_newlines(const struct stream_framing *f, gw_str s)
{
    gw_str begin = f->len ? gw_str_n(f->held, f->len) : s;
    bool pri = begins_with_pri(begin) || (f->len == 1 && *f->held == '<' && gw_digit_at(s, 0));
    return f->syslog && f->mode == STREAM_AUTO && pri && (f->nul || gw_str_find(s, '\0') < s.len);
}

/* The end of the current line in these bytes; s.len: it continues. */
static size_t line_end(struct stream_framing *f, gw_str s)
{
    size_t end = gw_str_find(s, '\n'), nul = gw_str_find(gw_str_n(s.ptr, end), '\0');
    if (nul < end || end == s.len || !may_have_newlines(f, s)) {
        f->nul = nul < end ? true : f->nul && end == s.len;
        return nul;
    }
    nul = gw_str_find(s, '\0');
    for (; end < nul; end += 1 + gw_str_find(gw_str_n(s.ptr + end + 1, nul - end - 1), '\n'))
        if (begins_with_pri(gw_str_n(s.ptr + end + 1, s.len - end - 1))) {
            f->nul = false;
            return end;
        }
    f->nul = true;
    return nul;
}

static size_t line(struct stream_framing *f, gw_str s, stream_text_f *record, void *to)
{
    bool ended = f->nul && f->len && f->held[f->len - 1] == '\n' && begins_with_pri(s);
    size_t end = ended ? 0 : line_end(f, s);
    if (ended)
        f->nul = false;
    if (end == s.len) {
        hold(f, s.ptr, s.len);
        return s.len;
    }
    finish(f, s.ptr, end, record, to);
    return end + !ended;
}

static size_t counted(struct stream_framing *f, gw_str s, stream_text_f *record, void *to)
{
    if (s.len < f->left) {
        hold(f, s.ptr, s.len);
        f->left -= s.len;
        return s.len;
    }
    size_t n = (size_t)f->left;
    finish(f, s.ptr, n, record, to);
    return n;
}

/* The length in four bytes; the first of them may be kept from the previous read. */
static size_t prefix(struct stream_framing *f, gw_str s)
{
    uint8_t all[PREFIX];
    size_t before = f->len, n = PREFIX - before < s.len ? PREFIX - before : s.len;
    if (before + n < PREFIX) {
        hold(f, s.ptr, n);
        return n;
    }
    if (before)
        memcpy(all, f->held, before);
    memcpy(all + before, s.ptr, n);
    f->len = 0;
    f->left = (uint32_t)all[0] | (uint32_t)all[1] << 8 | (uint32_t)all[2] << 16 | (uint32_t)all[3] << 24;
    f->state = f->left ? FRAME_COUNTED : FRAME_BEGIN;
    return n;
}

static size_t first(struct stream_framing *f, gw_str s)
{
    if (f->mode == STREAM_PREFIX)
        return prefix(f, s);
    bool end = f->len == 0 && (*s.ptr == '\n' || *s.ptr == '\r' || *s.ptr == '\0');
    if (f->mode == STREAM_NEWLINE || (f->blanks && end)) {
        f->state = FRAME_LINE;
        return 0;
    }
    if (end) /* some senders end counted messages with a line's end too */
        return 1;
    ptrdiff_t head = begin(f, s);
    return head < 0 ? s.len : (size_t)head;
}

void stream_framing_push(struct stream_framing *f, gw_str s, stream_text_f *record, void *to)
{
    while (s.len) {
        size_t n = f->state == FRAME_BEGIN  ? first(f, s)
                   : f->state == FRAME_LINE ? line(f, s, record, to)
                                            : counted(f, s, record, to);
        s = gw_str_n(s.ptr + n, s.len - n);
    }
}

bool stream_framing_is_torn(const struct stream_framing *f, bool torn)
{
    return stream_framing_is_inside(f) && (f->state == FRAME_COUNTED ? f->left > 0 : torn);
}

void stream_framing_end(struct stream_framing *f, stream_text_f *record, void *to)
{
    if (f->len || f->cut)
        finish(f, "", 0, record, to);
    forget(f);
}
