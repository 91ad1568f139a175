/* json.c: Implements the JSON cursor of json.h. Owns nothing: text is the caller's, and strings with escapes
 * are copied to the caller's arena. Called by translators, receivers, exporters and scripts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif
#include <math.h>
#include <stdlib.h>

#include "core/base/text.h"

static bool fail_at(struct gw_json *j, const char *where, const char *why)
{
    if (!j->why) {
        j->bad = where;
        j->why = why;
    }
    j->at = j->end;
    return false;
}

bool gw_json_bad(struct gw_json *j, const char *why)
{
    return fail_at(j, j->at, why);
}

void gw_json_init(struct gw_json *j, gw_str text, struct gw_arena *arena)
{
    const char *begin = text.ptr ? text.ptr : "";
    *j = (struct gw_json){.begin = begin, .at = begin, .end = begin + text.len, .arena = arena};
}

static inline void skip_blanks(struct gw_json *j)
{
    const char *p = j->at;
    while (p < j->end && (unsigned char)*p <= ' ' && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t'))
        p++;
    j->at = p;
}

static inline bool next_is(struct gw_json *j, char c)
{
    skip_blanks(j);
    return j->at < j->end && *j->at == c;
}

enum gw_json_kind gw_json_kind(struct gw_json *j)
{
    skip_blanks(j);
    if (j->at == j->end)
        return GW_JSON_NONE;
    switch (*j->at) {
    case '{':
        return GW_JSON_OBJECT;
    case '[':
        return GW_JSON_ARRAY;
    case '"':
        return GW_JSON_STRING;
    case 't':
    case 'f':
        return GW_JSON_BOOL;
    case 'n':
        return GW_JSON_NULL;
    case '-':
    case '0' ... '9':
    case 'N':
    case 'I':
        return GW_JSON_NUMBER;
    default:
        fail_at(j, j->at, "no value begins like this");
        return GW_JSON_NONE;
    }
}

const char *gw_json_kind_name(enum gw_json_kind kind)
{
    static const char *const names[] = {"nothing",  "null",     "a boolean", "a number",
                                        "a string", "an array", "an object"};
    return names[kind];
}

/* ---- containers ---- */

static bool enter(struct gw_json *j, char bracket, const char *why)
{
    if (!next_is(j, bracket))
        return gw_json_bad(j, why);
    if (j->depth == GW_JSON_DEPTH)
        return gw_json_bad(j, "nested too deeply");
    j->at++;
    j->depth++;
    j->fresh = true;
    return true;
}

bool gw_json_array(struct gw_json *j)
{
    return enter(j, '[', "want an array");
}

bool gw_json_object(struct gw_json *j)
{
    return enter(j, '{', "want an object");
}

/* Takes the separator between elements: true when another element follows. */
static bool proceed(struct gw_json *j, char bracket)
{
    bool first = j->fresh;
    j->fresh = false;
    if (next_is(j, bracket)) {
        j->at++;
        j->depth--;
        return false;
    }
    if (first)
        return j->at < j->end || fail_at(j, j->end, "ends within an array or object");
    if (!next_is(j, ','))
        return gw_json_bad(j, j->at == j->end ? "ends within an array or object"
                                              : "want a comma or the closing bracket");
    j->at++;
    return !next_is(j, bracket) || gw_json_bad(j, "a comma before the closing bracket");
}

bool gw_json_item(struct gw_json *j)
{
    return !j->why && proceed(j, ']');
}

bool gw_json_member(struct gw_json *j, gw_str *key)
{
    if (j->why || !proceed(j, '}') || !gw_json_text(j, key))
        return false;
    if (!next_is(j, ':'))
        return gw_json_bad(j, "want a colon after the name");
    j->at++;
    return true;
}

/* ---- text ---- */

/* The next quote, backslash or control character, or the end. */
static inline const char *next_special(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i hit = _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, slash));
        unsigned mask =
            (unsigned)_mm_movemask_epi8(_mm_or_si128(hit, _mm_cmpeq_epi8(_mm_min_epu8(v, control), v)));
        if (mask)
            return p + __builtin_ctz(mask);
    }
#endif
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

/* Finds the closing quote of the string that begins before p. */
static const char *string_end(struct gw_json *j, const char *p, bool *escapes)
{
    *escapes = false;
    while ((p = next_special(p, j->end)) < j->end) {
        if (*p == '"')
            return p;
        if (*p == '\\') {
            *escapes = true;
            p += j->end - p > 1 ? 2 : 1;
        } else if (j->dialect == GW_JSON_LOOSE && *p) {
            p++;
        } else {
            fail_at(j, p, "a control character in a string");
            return NULL;
        }
    }
    fail_at(j, j->end, "ends within a string");
    return NULL;
}

static bool hex4(const char *p, const char *end, uint32_t *out)
{
    uint64_t value;
    if (end - p < 4 || !gw_str_hex64(gw_str_n(p, 4), &value))
        return false;
    *out = (uint32_t)value;
    return true;
}

/* Reads the code point of \uXXXX whose digits begin at *p, with the second half of a surrogate pair; *p moves
 * after it. */
static bool code_point(const char **p, const char *end, uint32_t *out)
{
    uint32_t c, low;
    if (!hex4(*p, end, &c))
        return false;
    *p += 4;
    if (c >= 0xD800 && c <= 0xDFFF) {
        bool pair = c < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u' &&
                    hex4(*p + 2, end, &low) && low >= 0xDC00 && low <= 0xDFFF;
        if (pair) {
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            *p += 6;
        } else {
            c = 0xFFFD;
        }
    }
    *out = c;
    return true;
}

/* One escape; *p is behind the backslash, which has a character after it. Never writes more than was read. */
static bool unescape_one(const char **p, const char *end, char **o)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t c;
    if (**p == 'u') {
        ++*p;
        if (!code_point(p, end, &c))
            return false;
        *o += gw_utf8_encode(*o, c);
        return true;
    }
    if (**p == '\0' || !(found = strchr(from, **p)))
        return false;
    *(*o)++ = to[found - from];
    ++*p;
    return true;
}

/* The string from p to its closing quote at end, without its escapes; into `out` where that is not NULL. */
static bool unescape(struct gw_json *j, const char *p, const char *end, char *out, size_t *len)
{
    char scratch[8], *o = out ? out : scratch;
    while (p < end) {
        const char *start = p;
        if (*p != '\\') {
            *o = *p++;
            o += out != NULL;
            continue;
        }
        p++;
        if (!unescape_one(&p, end, &o))
            return fail_at(j, start, "no such escape");
        if (!out)
            o = scratch;
    }
    *len = out ? (size_t)(o - out) : 0;
    return true;
}

/* `out` may be NULL: then the string is only checked. */
static bool take_string(struct gw_json *j, gw_str *out)
{
    bool escapes;
    const char *begin = j->at + 1, *end = string_end(j, begin, &escapes);
    size_t len = 0;
    if (!end)
        return false;
    if (!escapes) {
        if (out)
            *out = gw_str_n(begin, (size_t)(end - begin));
    } else {
        char *copy = out ? gw_arena_raw(j->arena, (size_t)(end - begin), 1) : NULL;
        if (out && !copy)
            return gw_json_bad(j, "the request's memory budget is spent");
        if (!unescape(j, begin, end, copy, &len))
            return false;
        if (out)
            *out = gw_str_n(copy, len);
    }
    j->at = end + 1;
    return true;
}

/* Most strings have no escapes: those are found here, and all others by take_string. */
bool gw_json_text(struct gw_json *j, gw_str *out)
{
    if (!next_is(j, '"'))
        return gw_json_bad(j, "want a string");
    const char *begin = j->at + 1, *end = next_special(begin, j->end);
    if (end == j->end || *end != '"')
        return take_string(j, out);
    *out = gw_str_n(begin, (size_t)(end - begin));
    j->at = end + 1;
    return true;
}

/* ---- numbers and words ---- */

static bool take_word(struct gw_json *j, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(j->end - j->at) < len || memcmp(j->at, word, len) != 0)
        return false;
    j->at += len;
    return true;
}

static const char *skip_digits(const char *p, const char *end)
{
    while (p < end && gw_is_digit(*p))
        p++;
    return p;
}

/* The end of the number that begins at p, by JSON's grammar; NULL if it is not a number. */
static const char *number_end(const char *p, const char *end, bool loose, bool *integer)
{
    p += p < end && *p == '-';
    const char *digits = p;
    p = skip_digits(p, end);
    if (p == digits || (*digits == '0' && p - digits > 1 && !loose))
        return NULL;
    *integer = true;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        *integer = false;
        if ((p = skip_digits(p, end)) == fraction && !loose)
            return NULL;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        *integer = false;
        p++;
        p += p < end && (*p == '+' || *p == '-');
        const char *exponent = p;
        if ((p = skip_digits(p, end)) == exponent)
            return NULL;
    }
    return p;
}

static bool special_number(struct gw_json *j, double *out)
{
    if (j->dialect != GW_JSON_PYTHON)
        return false;
    if (take_word(j, "NaN"))
        *out = (double)NAN;
    else if (take_word(j, "Infinity"))
        *out = (double)INFINITY;
    else if (take_word(j, "-Infinity"))
        *out = -(double)INFINITY;
    else
        return false;
    return true;
}

/* The double of up to 15 digits with a point: they and the power of ten are exact as doubles, so the division
 * rounds once, as strtod does, in a fraction of the time. False for any other number. */
static bool short_decimal(gw_str text, double *out)
{
    static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    bool negative = *text.ptr == '-', point = false;
    uint64_t digits = 0;
    size_t fraction = 0;
    if (text.len > 16)
        return false;
    for (size_t i = negative; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '.') {
            point = true;
        } else if (c >= '0' && c <= '9') {
            digits = digits * 10 + (uint64_t)(c - '0');
            fraction += point;
        } else {
            return false;
        }
    }
    *out = (double)digits / tens[fraction];
    *out = negative ? -*out : *out;
    return point;
}

/* Digits without end are legal; the copy that strtod needs is cut where they no longer matter, but for the
 * exponent. */
static bool read_double(struct gw_json *j, gw_str text, double *out)
{
    if (short_decimal(text, out))
        return true;
    char small[128], *copy = text.len < sizeof small ? small : gw_arena_raw(j->arena, text.len + 1, 1);
    if (!copy)
        return gw_json_bad(j, "the request's memory budget is spent");
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    *out = strtod(copy, NULL); /* the process never leaves the C locale; too large is infinity */
    return true;
}

/* `out` may be NULL. */
static bool take_number(struct gw_json *j, struct gw_json_number *out)
{
    const char *begin = j->at;
    struct gw_json_number n = {.type = GW_JSON_DOUBLE};
    bool integer = false;
    if (!special_number(j, &n.d)) {
        const char *end = number_end(begin, j->end, j->dialect == GW_JSON_LOOSE, &integer);
        if (!end)
            return gw_json_bad(j, "not a number");
        n.text = gw_str_n(begin, (size_t)(end - begin));
        if (out && integer && gw_str_i64(n.text, &n.i))
            n.type = GW_JSON_INT;
        else if (out && integer && gw_str_u64(n.text, &n.u))
            n.type = GW_JSON_UINT;
        else if (out && !read_double(j, n.text, &n.d))
            return false;
        j->at = end;
    }
    n.text = gw_str_n(begin, (size_t)(j->at - begin));
    if (out)
        *out = n;
    return true;
}

bool gw_json_number(struct gw_json *j, struct gw_json_number *out)
{
    return gw_json_kind(j) == GW_JSON_NUMBER ? take_number(j, out) : gw_json_bad(j, "want a number");
}

bool gw_json_bool(struct gw_json *j, bool *out)
{
    skip_blanks(j);
    *out = j->at < j->end && *j->at == 't';
    return take_word(j, "true") || take_word(j, "false") || gw_json_bad(j, "want true or false");
}

bool gw_json_null(struct gw_json *j)
{
    skip_blanks(j);
    return take_word(j, "null") || gw_json_bad(j, "want null");
}

/* ---- whole values ---- */

static bool skip_scalar(struct gw_json *j)
{
    bool ignored;
    switch (gw_json_kind(j)) {
    case GW_JSON_STRING:
        return take_string(j, NULL);
    case GW_JSON_NUMBER:
        return take_number(j, NULL);
    case GW_JSON_BOOL:
        return gw_json_bool(j, &ignored);
    case GW_JSON_NULL:
        return gw_json_null(j);
    default:
        return gw_json_bad(j, "want a value");
    }
}

/* The name of a member and its colon. */
static bool skip_name(struct gw_json *j)
{
    if (!next_is(j, '"'))
        return gw_json_bad(j, "want a name");
    if (!take_string(j, NULL))
        return false;
    if (!next_is(j, ':'))
        return gw_json_bad(j, "want a colon after the name");
    j->at++;
    return true;
}

bool gw_json_skip(struct gw_json *j)
{
    uint8_t is_object[GW_JSON_DEPTH + 1]; /* by depth */
    unsigned outside = j->depth;
    do {
        enum gw_json_kind kind = gw_json_kind(j);
        if (kind == GW_JSON_ARRAY || kind == GW_JSON_OBJECT) {
            if (!enter(j, *j->at, ""))
                return false;
            is_object[j->depth] = kind == GW_JSON_OBJECT;
        } else if (!skip_scalar(j)) {
            return false;
        }
        while (j->depth > outside && !proceed(j, is_object[j->depth] ? '}' : ']'))
            if (j->why)
                return false;
        if (j->depth > outside && is_object[j->depth] && !skip_name(j))
            return false;
    } while (j->depth > outside);
    return true;
}

bool gw_json_raw(struct gw_json *j, gw_str *out)
{
    skip_blanks(j);
    const char *begin = j->at;
    if (!gw_json_skip(j))
        return false;
    *out = gw_str_n(begin, (size_t)(j->at - begin));
    return true;
}

bool gw_json_end(struct gw_json *j)
{
    if (j->why)
        return false;
    skip_blanks(j);
    return j->at == j->end || gw_json_bad(j, "something stands behind the value");
}

enum gw_code gw_json_fail(const struct gw_json *j, struct gw_err *err)
{
    return gw_fail(err, j->arena && j->arena->spent ? GW_BUDGET : GW_BAD_JSON, (size_t)(j->bad - j->begin),
                   "%s", j->why);
}
