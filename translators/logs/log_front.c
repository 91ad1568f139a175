/* log_front.c: Has the parts that all pieces of a text line's front share: words, levels, places in source
 * files. Keeps no state. Called by the other files of log_front.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_front.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { WORD = 256, LINE = 9 /* digits of a line's number */ };

const uint8_t log_char_kinds[256] = {
    ['0' ... '9'] = LOG_NAME | LOG_UPPER | LOG_DIGIT | LOG_WORD,
    ['A' ... 'Z'] = LOG_NAME | LOG_UPPER | LOG_WORD,
    ['a' ... 'z'] = LOG_NAME | LOG_WORD,
    ['_'] = LOG_NAME | LOG_WORD,
    ['-'] = LOG_NAME | LOG_UPPER,
    ['+'] = LOG_UPPER,
    ['.'] = LOG_NAME,
    ['$'] = LOG_NAME,
    ['/'] = LOG_NAME,
    [':'] = LOG_NAME,
    ['#'] = LOG_NAME,
};

/* Up to the first blank or control character. */
static size_t word_length(const char *p, size_t n)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i blank = _mm_set1_epi8(' ');
    for (; n - i >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, blank), v));
        if (hits)
            return i + (size_t)__builtin_ctz(hits);
    }
#endif
    while (i < n && (unsigned char)p[i] > ' ')
        i++;
    return i;
}

gw_str log_front_next(const struct log_front *f, gw_str rest)
{
    size_t n = word_length(rest.ptr, rest.len < WORD ? rest.len : WORD);
    if (f->open)
        n = gw_str_find(gw_str_n(rest.ptr, n), ']');
    return gw_str_n(rest.ptr, n);
}

bool log_front_level(struct log_front *f, gw_str word, int number)
{
    if (!number || f->found->severity)
        return false;
    f->found->severity = number;
    f->found->severity_text = word;
    return true;
}

/* [INFO], [info], [E], [Note], but not [http]: that is a name. */
int log_bracket_level(gw_str s)
{
    if (s.len == 0 || s.len > LOG_LEVEL_MAX || !gw_is_letter(*s.ptr) || (s.len < 3 && !log_is_upper_word(s)))
        return 0;
    return log_is_upper(*s.ptr) ? log_severity_word(s) : log_severity_plain(s);
}

#define IS(text) (s.len == sizeof(text) - 1 && memcmp(s.ptr, text, sizeof(text) - 1) == 0)

/* The ending of a source file: example.com:80 is not a place in one. */
static bool is_source_ending(gw_str s)
{
    return IS("py") || IS("go") || IS("js") || IS("java") || IS("cc") || IS("rb") || IS("php") || IS("rs") ||
           IS("ts") || IS("c") || IS("cpp") || IS("cs") || IS("kt") || IS("h") || IS("ex") || IS("exs") ||
           IS("erl") || IS("mjs") || IS("cjs") || IS("jsx") || IS("tsx") || IS("cxx") || IS("hpp") ||
           IS("lua") || IS("pl") || IS("m") || IS("scala") || IS("swift");
}

/* A source file, and perhaps a logger before it, `root:lt.py`. */
static bool put_place(struct log_front *f, gw_str file, int64_t line)
{
    size_t dot = file.len, path = 0;
    while (dot && gw_is_letter(file.ptr[dot - 1]))
        dot--;
    if (dot < 2 || file.ptr[dot - 1] != '.' || !is_source_ending(gw_str_from(file, dot)))
        return false;
    for (size_t i = dot - 1; i; i--)
        if (file.ptr[i - 1] == ' ')
            return false;
        else if (file.ptr[i - 1] == ':')
            path = i;
    if (path > 2 && !f->found->origin.logger.len)
        f->found->origin.logger = gw_str_n(file.ptr, path - 1);
    else
        path = 0;
    log_attrs_text(f->r->attrs, GW_STR("code.file.path"), gw_str_from(file, path));
    log_attrs_int(f->r->attrs, GW_STR("code.line.number"), line);
    return true;
}

bool log_front_file(struct log_front *f, gw_str file, gw_str digits)
{
    int64_t line;
    return digits.len <= LINE && log_is_all(digits, LOG_DIGIT) && gw_str_i64(digits, &line) &&
           put_place(f, file, line);
}

bool log_front_place(struct log_front *f, gw_str s)
{
    size_t colon = s.len;
    int64_t line = 0;
    for (int64_t unit = 1; colon && s.len - colon <= LINE && gw_is_digit(s.ptr[colon - 1]); unit *= 10)
        line += unit * (s.ptr[--colon] - '0');
    return colon > 3 && colon < s.len && s.len - colon <= LINE && s.ptr[colon - 1] == ':' &&
           put_place(f, gw_str_n(s.ptr, colon - 1), line);
}
