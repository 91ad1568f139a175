/* output_buffer.c: Keeps text that grows in memory, writes code points, and escapes text that may not reach a
 * terminal. Owns the buffer's memory. Called by the exporters that write text, each on its own thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/encoding/output_buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { FIRST = 4096, KEEP = 1024 * 1024 };

void out_init(struct out *o, size_t limit)
{
    *o = (struct out){.limit = limit};
}

void out_fini(struct out *o)
{
    free(o->data);
    *o = (struct out){0};
}

void out_reset(struct out *o)
{
    if (o->cap > KEEP) {
        free(o->data);
        o->data = NULL;
        o->cap = 0;
    }
    o->len = 0;
    o->failed = o->no_memory = false;
}

/* n more bytes, or NULL. */
static char *room(struct out *o, size_t n)
{
    if (o->failed || n > o->limit || o->len > o->limit - n) {
        o->failed = true;
        return NULL;
    }
    if (n > o->cap - o->len) {
        size_t cap = o->cap ? 2 * o->cap : FIRST;
        if (cap < o->len + n)
            cap = o->len + n;
        char *data = realloc(o->data, cap);
        if (!data) {
            o->failed = o->no_memory = true;
            return NULL;
        }
        o->data = data;
        o->cap = cap;
    }
    return o->data + o->len;
}

void out_char(struct out *o, char c)
{
    char *p = room(o, 1);
    if (p) {
        *p = c;
        o->len++;
    }
}

void out_bytes(struct out *o, gw_str s)
{
    char *p = room(o, s.len);
    if (p && s.len) {
        memcpy(p, s.ptr, s.len);
        o->len += s.len;
    }
}

void out_word(struct out *o, const char *z)
{
    out_bytes(o, gw_str_z(z));
}

void out_printf(struct out *o, const char *fmt, ...)
{
    char text[256]; /* numbers and short words; what senders wrote never comes this way */
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n > 0)
        out_bytes(o, gw_str_n(text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1));
}

uint32_t out_next_rune(gw_str *s)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)*s->ptr;
    size_t n = c < 0x80                ? 1
               : c >= 0xC2 && c < 0xE0 ? 2
               : c >= 0xE0 && c < 0xF0 ? 3
               : c >= 0xF0 && c < 0xF5 ? 4
                                       : 0;
    uint32_t rune = n < 2 ? c : c & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (i >= s->len || ((unsigned char)s->ptr[i] & 0xC0) != 0x80) {
            n = 0;
            break;
        }
        rune = rune << 6 | ((unsigned char)s->ptr[i] & 0x3F);
    }
    if (n == 0 || rune < least[n] || rune > 0x10FFFF || (rune >= 0xD800 && rune < 0xE000)) {
        n = 1;
        rune = 0xFFFD;
    }
    *s = gw_str_from(*s, n);
    return rune;
}

void out_rune(struct out *o, uint32_t r)
{
    if (r < 0x80) {
        out_char(o, (char)r);
    } else if (r < 0x800) {
        out_bytes(o, gw_str_n((char[]){(char)(0xC0 | r >> 6), (char)(0x80 | (r & 0x3F))}, 2));
    } else if (r < 0x10000) {
        out_bytes(o, gw_str_n((char[]){(char)(0xE0 | r >> 12), (char)(0x80 | (r >> 6 & 0x3F)),
                                       (char)(0x80 | (r & 0x3F))},
                              3));
    } else {
        out_bytes(o, gw_str_n((char[]){(char)(0xF0 | r >> 18), (char)(0x80 | (r >> 12 & 0x3F)),
                                       (char)(0x80 | (r >> 6 & 0x3F)), (char)(0x80 | (r & 0x3F))},
                              4));
    }
}

struct range {
    uint32_t from, to;
};

static bool within(uint32_t r, const struct range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (r >= ranges[i].from && r <= ranges[i].to)
            return true;
    return false;
}
#define WITHIN(r, table) within((r), (table), sizeof(table) / sizeof *(table))

/* The main blocks of Unicode's EastAsianWidth.txt (W, F) and of combining marks: good enough to keep columns
 * straight. */
static const struct range wide[] = {
    {0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97C},  {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
    {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x1FA70, 0x1FAFF}, {0x20000, 0x3FFFD}};
static const struct range narrow[] = {{0x300, 0x36F}, {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},
                                      {0x64B, 0x65F}, {0x200B, 0x200D}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}};

unsigned out_rune_width(uint32_t r)
{
    if (r < 0x300)
        return 1;
    return WITHIN(r, wide) ? 2 : WITHIN(r, narrow) ? 0 : 1;
}

bool out_rune_hidden(uint32_t r)
{
    static const struct range hidden[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},
                                          {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069},
                                          {0xFEFF, 0xFEFF}};
    return WITHIN(r, hidden);
}

/* The visible form of one code point: itself, or an escape. Returns its length; `form` takes 12 bytes. */
static unsigned visible(uint32_t r, char *form)
{
    static const char letters[] = "\tt\nn\rr";
    for (const char *p = letters; *p; p += 2)
        if (r == (unsigned char)*p)
            return (unsigned)snprintf(form, 12, "\\%c", p[1]);
    return (unsigned)snprintf(form, 12, r < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)r);
}

static unsigned shown_width(uint32_t r, char *form)
{
    return out_rune_hidden(r) ? visible(r, form) : out_rune_width(r);
}

size_t out_columns(gw_str s)
{
    char form[12];
    size_t columns = 0;
    while (s.len)
        columns += shown_width(out_next_rune(&s), form);
    return columns;
}

size_t out_shown(struct out *o, gw_str s, size_t columns)
{
    char form[12];
    size_t used = 0, cut_len = o->len, cut_used = 0; /* where … fits, should it be needed */
    while (s.len) {
        uint32_t r = out_next_rune(&s);
        unsigned width = shown_width(r, form);
        if (used + width > columns) {
            o->len = cut_len <= o->len ? cut_len : o->len;
            if (columns)
                out_word(o, "…");
            return columns ? cut_used + 1 : 0;
        }
        if (out_rune_hidden(r))
            out_bytes(o, gw_str_n(form, width));
        else
            out_rune(o, r);
        used += width;
        if (used + 1 <= columns) {
            cut_len = o->len;
            cut_used = used;
        }
    }
    return used;
}
