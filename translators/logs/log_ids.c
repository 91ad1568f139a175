/* log_ids.c: Reads trace and span ids in every form that Datadog's tracers and loggers write, and searches for
 * them in a text. Pure. Called by log_front_marks.c, log_json.c and log_script.c for each record, so the usual forms
 * take a few nanoseconds.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "translators/logs/log_ids.h"

#include <endian.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { HEX_64 = 16, HEX_128 = 32, DECIMAL_128 = 39 };

static bool all_zero(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '0')
            return false;
    return true;
}

static bool has_letter(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] > '9')
            return true;
    return false;
}

/* Eight decimal digits at once; false if one of them is not a digit. */
static inline bool read_eight_digits(const char *p, uint64_t *out)
{
    uint64_t v;
    memcpy(&v, p, 8);
    v = le64toh(v);
    if (((v & 0xf0f0f0f0f0f0f0f0u) | ((v + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u) >> 4) !=
        0x3333333333333333u)
        return false;
    v = (v & 0x0f0f0f0f0f0f0f0fu) * 2561 >> 8; /* pairs */
    v = (v & 0x00ff00ff00ff00ffu) * 6553601 >> 16;
    *out = (v & 0x0000ffff0000ffffu) * 42949672960001u >> 32;
    return true;
}

/* Up to 19 digits fit 64 bits, so overflow need not be checked. */
enum { SAFE = 19 };

static bool read_digits(const char *p, size_t n, uint64_t *out)
{
    uint64_t v = 0, part;
    for (; n >= 8; n -= 8, p += 8) {
        if (!read_eight_digits(p, &part))
            return false;
        v = v * 100000000 + part;
    }
    for (; n; n--, p++) {
        unsigned digit = (unsigned char)*p - '0';
        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    *out = v;
    return true;
}

static bool read_decimal(gw_str s, struct log_trace *out)
{
    const unsigned __int128 most = ~(unsigned __int128)0;
    unsigned __int128 v = 0;
    uint64_t part;
    if (s.len > DECIMAL_128)
        return false;
    while (s.len) {
        size_t n = s.len < SAFE ? s.len : SAFE;
        uint64_t scale = 1;
        for (size_t i = 0; i < n; i++)
            scale *= 10;
        if (!read_digits(s.ptr, n, &part) || v > (most - part) / scale)
            return false;
        v = v * scale + part;
        s = gw_str_from(s, n);
    }
    *out = (struct log_trace){(uint64_t)(v >> 64), (uint64_t)v};
    return true;
}

/* Twenty digits and less are the usual case: no 128-bit arithmetic. */
static bool read_number(gw_str s, struct log_trace *out)
{
    uint64_t v, last;
    *out = (struct log_trace){0, 0};
    if (s.len <= SAFE)
        return read_digits(s.ptr, s.len, &out->low);
    if (s.len > SAFE + 1)
        return read_decimal(s, out);
    if (!read_digits(s.ptr, SAFE, &v) || !read_digits(s.ptr + SAFE, 1, &last))
        return false;
    if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, last, &v))
        return read_decimal(s, out);
    out->low = v;
    return true;
}

/* The value of a hexadecimal digit plus one; 0: not a digit. */
static const uint8_t nibbles[256] = {
    ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
    ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
    ['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};

static bool read_hex64(const char *p, uint64_t *out)
{
    uint64_t v = 0;
    uint8_t wrong = 0;
    for (int i = 0; i < HEX_64; i++) {
        uint8_t nibble = (uint8_t)(nibbles[(uint8_t)p[i]] - 1);
        wrong |= nibble;
        v = v << 4 | nibble;
    }
    *out = v;
    return wrong < 16;
}

static bool read_hex(gw_str s, struct log_trace *out)
{
    *out = (struct log_trace){0, 0};
    if (s.len == HEX_128)
        return read_hex64(s.ptr, &out->high) && read_hex64(s.ptr + HEX_64, &out->low);
    return read_hex64(s.ptr, &out->low);
}

static bool is_hex_id(gw_str s)
{
    return s.len == HEX_128 || (s.len == HEX_64 && (s.ptr[0] == '0' || has_letter(s)));
}

enum log_id log_trace_id(gw_str s, struct log_trace *out)
{
    *out = (struct log_trace){0, 0};
    if (s.len == 0 || (s.ptr[0] == '0' && all_zero(s)))
        return LOG_ID_NONE;
    bool good = is_hex_id(s) ? read_hex(s, out) : read_number(s, out);
    if (good && (out->low || out->high))
        return LOG_ID_GOOD;
    *out = (struct log_trace){0, 0};
    return LOG_ID_BAD;
}

enum log_id log_span_id(gw_str s, uint64_t *out)
{
    struct log_trace id;
    enum log_id is = s.len == HEX_128 ? LOG_ID_BAD : log_trace_id(s, &id);
    *out = 0;
    if (is == LOG_ID_GOOD && id.high)
        return LOG_ID_BAD;
    if (is == LOG_ID_GOOD)
        *out = id.low;
    return is;
}

/* --- anywhere in a text --- */

static bool is_key_char(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || c == '_' || c == '.';
}

static bool is_value_char(char c)
{
    return c != ' ' && c != '"' && c != '\'' && c != ',' && c != ']' && c != '}' && c != ')' && c != ';' &&
           c != '\\' && (unsigned char)c > ' ';
}

/* The value after a key that ends at `at`: `=v`, `="v"`, `": "v"`, `: v`. False if no value follows. */
static bool value_at(const char *at, const char *end, gw_str *out)
{
    while (at < end && (*at == '"' || *at == '\\' || *at == '\''))
        at++;
    if (at == end || (*at != '=' && *at != ':'))
        return false;
    at++;
    while (at < end && (*at == ' ' || *at == '"' || *at == '\\' || *at == '\'') && at[-1] != '\n')
        at++;
    const char *from = at;
    while (at < end && is_value_char(*at))
        at++;
    *out = gw_str_n(from, (size_t)(at - from));
    return true;
}

/* The next place of `id` or `Id`, with which a key may end; the caller checks the text before it. */
static const char *next_mark(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i small = _mm_set1_epi8('i'), last = _mm_set1_epi8('d'), bit = _mm_set1_epi8(' ');
    for (; end - at > 16; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at),
                b = _mm_loadu_si128((const __m128i *)(const void *)(at + 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(
            _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(a, bit), small), _mm_cmpeq_epi8(b, last)));
        if (hits)
            return at + __builtin_ctz(hits);
    }
#endif
    for (; end - at > 1; at++)
        if ((at[0] | ' ') == 'i' && at[1] == 'd')
            return at;
    return NULL;
}

/* The key that ends with this `_id` or `Id`, without it: back to the first character that no key has. */
static gw_str key_before(gw_str text, const char *mark)
{
    const char *from = mark;
    while (from > text.ptr && is_key_char(from[-1]))
        from--;
    return gw_str_n(from, (size_t)(mark - from));
}

/* Exact keys only: what ends with `trace_id` may be the parent's. `dd.` counts below other objects as well,
 * and GELF puts an underscore before every key. */
static bool is_key(gw_str key, gw_str name, bool camel, bool *datadog)
{
    if (!gw_str_ends(key, name))
        return false;
    gw_str before = gw_str_n(key.ptr, key.len - name.len);
    *datadog = !camel && (gw_str_ends(before, GW_STR("dd.")) || gw_str_ends(before, GW_STR("dd_")));
    if (!*datadog)
        return before.len == 0;
    char c = before.len > 3 ? before.ptr[before.len - 4] : '.';
    return c == '.' || (c == '_' && before.len == 4);
}

struct candidate {
    gw_str value;
    bool datadog;
};

/* `dd.` first; of equals the first that is an id. */
static void see_id(gw_str key, bool camel, gw_str value, struct candidate *trace, struct candidate *span)
{
    bool datadog;
    struct candidate *to = is_key(key, GW_STR("trace"), camel, &datadog)  ? trace
                           : is_key(key, GW_STR("span"), camel, &datadog) ? span
                                                                          : NULL;
    if (to && (!to->value.len || all_zero(to->value) || (datadog && !to->datadog)))
        *to = (struct candidate){value, datadog};
}

static void see_beside(gw_str text, gw_str prefix, struct log_marks *m)
{
    const char *end = text.ptr + text.len, *at = text.ptr;
    while ((at = memmem(at, (size_t)(end - at), prefix.ptr, prefix.len))) {
        gw_str rest = gw_str_n(at + prefix.len, (size_t)(end - at) - prefix.len), value;
        gw_str *to = gw_str_starts(rest, GW_STR("service"))   ? &m->service
                     : gw_str_starts(rest, GW_STR("env"))     ? &m->env
                     : gw_str_starts(rest, GW_STR("version")) ? &m->version
                                                              : NULL;
        at += prefix.len;
        if (!to)
            continue;
        at += to == &m->env ? 3 : 7;
        if (to == &m->service && gw_str_starts(gw_str_n(at, (size_t)(end - at)), GW_STR(".name")))
            at += 5;
        if (value_at(at, end, &value) && !to->len)
            *to = value;
    }
}

bool log_ids_find(gw_str text, struct log_marks *m)
{
    const char *end = text.ptr + text.len, *at = text.ptr;
    struct candidate trace = {0}, span = {0};
    gw_str value;
    *m = (struct log_marks){0};
    for (; text.len && (at = next_mark(at, end)); at += 2) {
        bool camel = *at == 'I';
        if ((camel || (at > text.ptr && at[-1] == '_')) && value_at(at + 2, end, &value))
            see_id(key_before(text, camel ? at : at - 1), camel, value, &trace, &span);
    }
    m->trace = trace.value;
    m->span = span.value;
    bool found = m->trace.ptr || m->span.ptr;
    if (found) {
        see_beside(text, GW_STR("dd."), m);
        see_beside(text, GW_STR("dd_"), m);
    }
    return found;
}
