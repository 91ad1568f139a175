/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "translators/logs/log_ids.h"

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

static bool decimal(gw_str s, struct log_trace *out)
{
    unsigned __int128 v = 0;
    if (s.len > DECIMAL_128)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - '0';
        if (digit > 9 || v > (~(unsigned __int128)0 - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = (struct log_trace){(uint64_t)(v >> 64), (uint64_t)v};
    return true;
}

/* Twenty digits and less are the usual case: no 128-bit arithmetic. */
static bool number(gw_str s, struct log_trace *out)
{
    enum { SAFE = 19 };
    uint64_t v = 0;
    if (s.len > SAFE)
        return decimal(s, out);
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - '0';
        if (digit > 9)
            return false;
        v = v * 10 + digit;
    }
    *out = (struct log_trace){0, v};
    return true;
}

static bool hex(gw_str s, struct log_trace *out)
{
    *out = (struct log_trace){0, 0};
    if (s.len == HEX_128)
        return gw_str_hex64(gw_str_n(s.ptr, HEX_64), &out->high) && gw_str_hex64(gw_str_n(s.ptr + HEX_64, HEX_64), &out->low);
    return gw_str_hex64(s, &out->low);
}

static bool is_hex(gw_str s)
{
    return s.len == HEX_128 || (s.len == HEX_64 && (s.ptr[0] == '0' || has_letter(s)));
}

enum log_id log_trace_id(gw_str s, struct log_trace *out)
{
    *out = (struct log_trace){0, 0};
    if (s.len == 0 || (s.ptr[0] == '0' && all_zero(s)))
        return LOG_ID_NONE;
    bool good = is_hex(s) ? hex(s, out) : number(s, out);
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
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static bool is_value_char(char c)
{
    return c != ' ' && c != '"' && c != '\'' && c != ',' && c != ']' && c != '}' && c != ')' && c != ';' && c != '\\' &&
           (unsigned char)c > ' ';
}

/* The value after a key that ends at `at`: `=v`, `="v"`, `": "v"`, `: v`. False when what follows is no value. */
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

/* The next place of `_i`, from which "_id" is read on. */
static const char *next_mark(const char *at, const char *end)
{
#ifdef __SSE2__
    const __m128i first = _mm_set1_epi8('_'), second = _mm_set1_epi8('i');
    for (; end - at > 16; at += 16) {
        __m128i a = _mm_loadu_si128((const __m128i *)(const void *)at), b = _mm_loadu_si128((const __m128i *)(const void *)(at + 1));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_and_si128(_mm_cmpeq_epi8(a, first), _mm_cmpeq_epi8(b, second)));
        if (hits)
            return at + __builtin_ctz(hits);
    }
#endif
    for (; end - at > 1; at++)
        if (at[0] == '_' && at[1] == 'i')
            return at;
    return NULL;
}

/* The key that ends with this `_id`: what stands before it, back to the first character that no key has. */
static gw_str key_before(gw_str text, const char *mark)
{
    const char *from = mark;
    while (from > text.ptr && is_key_char(from[-1]))
        from--;
    return gw_str_n(from, (size_t)(mark - from));
}

static void see_id(gw_str key, gw_str value, struct log_marks *m)
{
    gw_str *to = gw_str_ends(key, GW_STR("trace")) ? &m->trace : gw_str_ends(key, GW_STR("span")) ? &m->span : NULL;
    size_t name = to == &m->trace ? 5 : 4;
    if (!to || (key.len > name && key.ptr[key.len - name - 1] != '.' && key.ptr[key.len - name - 1] != '_'))
        return;
    if (!to->len || all_zero(*to))
        *to = value;
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
    bool found = false;
    gw_str value;
    *m = (struct log_marks){0};
    while (text.len && (at = next_mark(at, end))) {
        const char *mark = at;
        at += 2;
        if (at < end && *at == 'd' && value_at(at + 1, end, &value)) {
            see_id(key_before(text, mark), value, m);
            found = m->trace.ptr || m->span.ptr;
        }
    }
    if (found) {
        see_beside(text, GW_STR("dd."), m);
        see_beside(text, GW_STR("dd_"), m);
    }
    return found;
}
