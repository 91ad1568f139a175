/* filter.c: Reads the words of a filter, and compares items with them. Owns nothing. Called by the handlers of
 * the API, on the admin listener's threads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/filter.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/base/clock.h"

/* --- reading --- */

static const struct {
    const char *name;
    enum gw_filter_kind kind;
} kinds[] = {
    {"service", GW_FILTER_SERVICE},   {"name", GW_FILTER_NAME},     {"host", GW_FILTER_HOST},
    {"source", GW_FILTER_SOURCE},     {"status", GW_FILTER_STATUS}, {"kind", GW_FILTER_SPAN_KIND},
    {"min", GW_FILTER_MIN},           {"max", GW_FILTER_MAX},       {"trace", GW_FILTER_TRACE},
    {"severity", GW_FILTER_SEVERITY},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static enum gw_code bad(struct gw_err *err, gw_str word, const char *want)
{
    return gw_fail(err, GW_BAD_REQUEST, 0, "filter: \"%.*s\": %s", (int)(word.len < 40 ? word.len : 40),
                   word.ptr, want);
}

/* The number of a word in a list "a|b|c", from 0; -1: it is not there. */
static int number_in(const char *list, gw_str word)
{
    int n = 0;
    for (gw_str rest = gw_str_z(list), one; gw_str_next(&rest, '|', &one); n++)
        if (gw_str_ieq(one, word))
            return n;
    return -1;
}

static bool read_duration(gw_str text, uint64_t *out)
{
    static const struct {
        const char *unit;
        uint64_t nsec;
    } units[] = {{"ns", 1},       {"us", GW_USEC}, {"µs", GW_USEC},
                 {"ms", GW_MSEC}, {"s", GW_SEC},   {"m", 60 * GW_SEC}};
    size_t n = 0;
    double number = 0, scale = 1;
    for (bool fraction = false;
         n < text.len && n < 15 && (isdigit((unsigned char)text.ptr[n]) || (text.ptr[n] == '.' && !fraction));
         n++) {
        if (text.ptr[n] == '.')
            fraction = true;
        else if (fraction)
            number += (text.ptr[n] - '0') * (scale /= 10);
        else
            number = number * 10 + (text.ptr[n] - '0');
    }
    for (size_t i = 0; n && i < sizeof units / sizeof *units; i++)
        if (gw_str_eq(gw_str_from(text, n), gw_str_z(units[i].unit))) {
            double nsec = number * (double)units[i].nsec;
            *out = nsec < 9e18 ? (uint64_t)nsec : UINT64_MAX;
            return true;
        }
    return false;
}

static bool read_id(gw_str text, struct gw_filter_word *w)
{
    w->high = w->number = 0;
    if (text.len != 16 && text.len != 32)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int c = tolower((unsigned char)text.ptr[i]);
        uint64_t digit = (uint64_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
        if (!isxdigit(c))
            return false;
        if (text.len - i > 16)
            w->high = w->high << 4 | digit;
        else
            w->number = w->number << 4 | digit;
    }
    return true;
}

static enum gw_code read_value(struct gw_filter_word *w, struct gw_err *err)
{
    int number = 0;
    if (!w->text.len)
        return bad(err, w->key, "the value is missing: write key:value");
    if (w->kind == GW_FILTER_STATUS && (number = number_in("unset|ok|error", w->text)) < 0)
        return bad(err, w->text, "status is error, ok or unset");
    if (w->kind == GW_FILTER_SPAN_KIND &&
        (number = number_in("unspecified|internal|server|client|producer|consumer", w->text)) < 0)
        return bad(err, w->text, "kind is server, client, producer, consumer or internal");
    if (w->kind == GW_FILTER_SEVERITY) {
        number = number_in("trace|debug|info|warn|error|fatal", w->text);
        if (gw_str_ieq(w->text, GW_STR("warning")))
            number = 3;
        if (number < 0)
            return bad(err, w->text, "severity is trace, debug, info, warn, error or fatal");
        number = 4 * number + 1; /* the first SeverityNumber of the level */
    }
    w->number = (uint64_t)number;
    if ((w->kind == GW_FILTER_MIN || w->kind == GW_FILTER_MAX) && !read_duration(w->text, &w->number))
        return bad(err, w->text, "want a duration such as 200ms, 1.5s or 2m");
    if (w->kind == GW_FILTER_TRACE && !read_id(w->text, w))
        return bad(err, w->text, "a trace id has 32 or 16 hexadecimal digits");
    return GW_OK;
}

/* What stands before a value: key and sign. `sign` is where the sign stands in the word, or its length. */
static enum gw_code read_key(struct gw_filter_word *w, gw_str word, size_t sign, struct gw_err *err)
{
    w->kind = GW_FILTER_TEXT;
    w->text = word;
    if (sign == word.len || sign == 0)
        return GW_OK;
    w->key = gw_str_n(word.ptr, sign);
    w->text = gw_str_n(word.ptr + sign + 1, word.len - sign - 1);
    if (word.ptr[sign] == '=') {
        w->kind = GW_FILTER_ATTRIBUTE;
        return GW_OK;
    }
    for (size_t i = 0; i < KINDS; i++)
        if (gw_str_ieq(w->key, gw_str_z(kinds[i].name))) {
            w->kind = kinds[i].kind;
            return read_value(w, err);
        }
    return bad(err, w->key,
               "there is no such key: service, name, host, source, status, kind, min, max, trace, "
               "severity; quote a text with a colon");
}

static bool is_key(char c)
{
    return isalnum((unsigned char)c) || strchr("._-/@$", c);
}

/* Copies the next word without its quotes to *to. *sign: where the first : or = behind a key stands in it, or
 * its length. */
static bool next_word(gw_str *rest, char **to, gw_str *word, size_t *sign)
{
    bool quoted = false, plain = true;
    while (rest->len && isspace((unsigned char)*rest->ptr))
        *rest = gw_str_from(*rest, 1);
    *word = gw_str_n(*to, 0);
    *sign = SIZE_MAX;
    if (!rest->len)
        return false;
    for (; rest->len && (quoted || !isspace((unsigned char)*rest->ptr)); *rest = gw_str_from(*rest, 1)) {
        char c = *rest->ptr;
        if (c == '"') {
            quoted = !quoted;
            plain = false;
            continue;
        }
        if (plain && *sign == SIZE_MAX && (c == ':' || c == '=') &&
            !(rest->len > 2 && memcmp(rest->ptr, "://", 3) == 0))
            *sign = word->len;
        plain = plain && (is_key(c) || *sign != SIZE_MAX);
        if (c == '\\' && quoted && rest->len > 1)
            *rest = gw_str_from(*rest, 1);
        *(*to)++ = *rest->ptr;
        word->len++;
    }
    *(*to)++ = '\0';
    if (*sign > word->len)
        *sign = word->len;
    return true;
}

enum gw_code gw_filter_read(struct gw_filter *f, gw_str text, struct gw_err *err)
{
    char *to = f->bytes;
    size_t sign;
    gw_str word;
    f->n = 0;
    if (text.len > GW_FILTER_BYTES / 2)
        return gw_fail(err, GW_BAD_REQUEST, 0, "filter: it has more than %d bytes", GW_FILTER_BYTES / 2);
    for (;;) {
        struct gw_filter_word w = {.negated = false};
        while (text.len && isspace((unsigned char)*text.ptr))
            text = gw_str_from(text, 1);
        w.negated = text.len > 1 && *text.ptr == '-' && !isspace((unsigned char)text.ptr[1]);
        if (w.negated)
            text = gw_str_from(text, 1);
        if (!next_word(&text, &to, &word, &sign))
            return GW_OK;
        if (f->n == GW_FILTER_WORDS)
            return gw_fail(err, GW_BAD_REQUEST, 0, "filter: it has more than %d words", GW_FILTER_WORDS);
        enum gw_code code = read_key(&w, word, sign, err);
        if (code)
            return code;
        if (w.text.len || w.kind != GW_FILTER_TEXT)
            f->words[f->n++] = w;
    }
}

void gw_filter_copy(struct gw_filter *to, const struct gw_filter *from)
{
    *to = *from;
    for (size_t i = 0; i < to->n; i++) { /* its texts are in its own bytes */
        struct gw_filter_word *w = &to->words[i];
        if (w->key.ptr)
            w->key.ptr = to->bytes + (w->key.ptr - from->bytes);
        if (w->text.ptr)
            w->text.ptr = to->bytes + (w->text.ptr - from->bytes);
    }
}

/* --- comparing --- */

/* Longer texts are compared as far as this. */
enum { MOST_TEXT = 64 * 1024 };

static bool equals(gw_str pattern, gw_str value)
{
    value.len = value.len < MOST_TEXT ? value.len : MOST_TEXT;
    bool front = pattern.len && *pattern.ptr == '*',
         back = pattern.len > front && pattern.ptr[pattern.len - 1] == '*';
    gw_str core = gw_str_n(pattern.ptr + front, pattern.len - front - back);
    if (value.len < core.len || (!front && !back && value.len != core.len))
        return false;
    for (size_t at = 0; at + core.len <= value.len; at++)
        if ((front || at == 0) && (back || at + core.len == value.len) &&
            gw_str_ieq(core, gw_str_n(value.ptr + at, core.len)))
            return true;
    return false;
}

static bool contains(gw_str text, gw_str part)
{
    text.len = text.len < MOST_TEXT ? text.len : MOST_TEXT;
    int lower = tolower((unsigned char)*part.ptr), upper = toupper(lower);
    for (size_t at = 0; at + part.len <= text.len; at++)
        if (((unsigned char)text.ptr[at] == lower || (unsigned char)text.ptr[at] == upper) &&
            gw_str_ieq(part, gw_str_n(text.ptr + at, part.len)))
            return true;
    return false;
}

/* opentelemetry/proto/common/v1/common.proto */
enum { KEY = 1, VALUE = 2, TEXT = 1, BOOL = 2, INT = 3, DOUBLE = 4 };

gw_str gw_filter_scalar(struct wire_view any, char room[static GW_FILTER_SCALAR])
{
    struct wire_field f;
    uint64_t n = 0;
    double d;
    if (!wire_next(&any, &f))
        return GW_NOSTR;
    if (f.number == TEXT && f.type == WIRE_LEN)
        return f.body.at == f.body.end ? GW_STR("") : wire_text(f.body);
    if (f.number == DOUBLE && f.type == WIRE_FIXED64) {
        memcpy(&d, f.whole.end - sizeof d, sizeof d);
        return gw_str_n(room, (size_t)snprintf(room, GW_FILTER_SCALAR, "%.15g", d));
    }
    struct wire_view value = f.body;
    uint64_t tag;
    if (f.type != WIRE_VARINT || !wire_read_varint(&value, &tag) || !wire_read_varint(&value, &n))
        return GW_NOSTR;
    if (f.number == BOOL)
        return n ? GW_STR("true") : GW_STR("false");
    return gw_str_n(room, (size_t)snprintf(room, GW_FILTER_SCALAR, "%" PRId64, (int64_t)n));
}

gw_str gw_filter_attribute(struct wire_view message, unsigned field, gw_str key,
                           char room[static GW_FILTER_SCALAR])
{
    for (struct wire_field f; wire_next(&message, &f);) {
        struct wire_view kv = f.body, value = {NULL, NULL};
        bool found = false;
        if (f.number != field || f.type != WIRE_LEN)
            continue;
        for (struct wire_field part; wire_next(&kv, &part);) {
            if (part.number == KEY && part.type == WIRE_LEN)
                found = gw_str_eq(wire_text(part.body), key);
            else if (part.number == VALUE && part.type == WIRE_LEN)
                value = part.body;
        }
        if (found && value.at)
            return gw_filter_scalar(value, room);
    }
    return GW_NOSTR;
}

static bool has_attribute(const struct gw_filter_item *i, gw_str key, gw_str pattern)
{
    char room[GW_FILTER_SCALAR];
    gw_str value = gw_filter_attribute(i->item, i->item_field, key, room);
    if (!value.ptr)
        value = gw_filter_attribute(i->resource, 1, key, room);
    return value.ptr && equals(pattern, value);
}

static bool meets(const struct gw_filter_word *w, const struct gw_filter_item *i)
{
    switch (w->kind) {
    case GW_FILTER_SERVICE:
        return equals(w->text, i->service);
    case GW_FILTER_NAME:
        return equals(w->text, i->name);
    case GW_FILTER_HOST:
        return has_attribute(i, GW_STR("host.name"), w->text);
    case GW_FILTER_SOURCE:
        return equals(w->text, i->source);
    case GW_FILTER_STATUS:
        return i->status == w->number;
    case GW_FILTER_SPAN_KIND:
        return i->kind == w->number;
    case GW_FILTER_TRACE:
        return i->low == w->number && (!w->high || !i->high || i->high == w->high);
    case GW_FILTER_SEVERITY:
        return i->severity >= w->number;
    case GW_FILTER_ATTRIBUTE:
        return has_attribute(i, w->key, w->text);
    case GW_FILTER_TEXT:
        return contains(i->name, w->text) || contains(i->service, w->text) || contains(i->body, w->text);
    case GW_FILTER_MIN:
    case GW_FILTER_MAX:
        break;
    }
    return false;
}

uint32_t gw_filter_meets(const struct gw_filter *f, const struct gw_filter_item *i)
{
    uint32_t met = 0;
    for (size_t k = 0; k < f->n; k++)
        met |= (uint32_t)meets(&f->words[k], i) << k;
    return met;
}

bool gw_filter_passes_trace(const struct gw_filter *f, uint32_t met, uint64_t high, uint64_t low,
                            uint64_t duration)
{
    const struct gw_filter_item trace = {.high = high, .low = low};
    for (size_t k = 0; k < f->n; k++) {
        const struct gw_filter_word *w = &f->words[k];
        bool holds = met >> k & 1;
        if (w->kind == GW_FILTER_MIN)
            holds = duration >= w->number;
        else if (w->kind == GW_FILTER_MAX)
            holds = duration <= w->number;
        else if (w->kind == GW_FILTER_TRACE)
            holds = meets(w, &trace);
        if (holds == w->negated)
            return false;
    }
    return true;
}

bool gw_filter_passes(const struct gw_filter *f, const struct gw_filter_item *i)
{
    for (size_t k = 0; k < f->n; k++)
        if (meets(&f->words[k], i) == f->words[k].negated)
            return false;
    return true;
}
