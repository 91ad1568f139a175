/* log_front_marks.c: Finds ids, service, env and version in the front of a text line, in every form that
 * Datadog documents. The state lives for one record. Called by log_text.c, log_front_words.c and
 * log_front_brackets.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_front.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { HEX_64 = 16, HEX_128 = 32, DECIMAL_128 = 39, LEAST_DIGITS = 15 /* of an id without a key */ };

/* After "dd.": true if the pair has a place of its own. An invalid id stays in the body. */
static bool take_mark(struct log_front *f, gw_str key, gw_str value)
{
    struct log_found *found = f->found;
    switch (key.len) {
    case 3:
        if (memcmp(key.ptr, "env", 3) != 0)
            return false;
        found->origin.env = value;
        return true;
    case 7:
        if (memcmp(key.ptr, "span_id", 7) == 0)
            return log_span_id(value, &found->span) != LOG_ID_BAD;
        if (memcmp(key.ptr, "version", 7) == 0)
            found->origin.version = value;
        else if (memcmp(key.ptr, "service", 7) == 0)
            found->origin.service = value;
        else
            return false;
        return true;
    case 8:
        return memcmp(key.ptr, "trace_id", 8) == 0 && log_trace_id(value, &found->trace) != LOG_ID_BAD;
    case 12:
        if (memcmp(key.ptr, "service.name", 12) != 0)
            return false;
        found->origin.service = value;
        return true;
    default:
        return false;
    }
}

/* gw_str_find for a near character, within the line: pairs are short, and a call costs as much as a loop. */
static size_t find_near(const struct log_front *f, gw_str s, char c)
{
    size_t i = 0;
#ifdef __SSE2__
    const __m128i wanted = _mm_set1_epi8(c);
    for (; i < s.len && f->end - (s.ptr + i) >= 16; i += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(s.ptr + i));
        unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, wanted));
        if (hits) {
            size_t at = i + (size_t)__builtin_ctz(hits);
            return at < s.len ? at : s.len;
        }
    }
#endif
    while (i < s.len && s.ptr[i] != c)
        i++;
    return i < s.len ? i : s.len;
}

static gw_str unquote(gw_str s)
{
    bool quoted = s.len > 1 && *s.ptr == '"' && s.ptr[s.len - 1] == '"';
    return quoted ? gw_str_n(s.ptr + 1, s.len - 2) : s;
}

bool log_front_pair(struct log_front *f, gw_str pair)
{
    size_t equal = find_near(f, pair, '=');
    gw_str key = gw_str_n(pair.ptr, equal), value = unquote(gw_str_from(pair, equal + 1));
    if (equal == pair.len || equal == 0)
        return false;
    if (gw_str_starts(key, GW_STR("dd.")) || gw_str_starts(key, GW_STR("dd_"))) {
        if (take_mark(f, gw_str_from(key, 3), value))
            return f->marked = true;
    } else if (gw_str_eq(key, GW_STR("trace_id")) || gw_str_eq(key, GW_STR("span_id"))) {
        return f->marked = take_mark(f, key, value);
    }
    if (!f->marked)
        return false;
    log_attrs_text(f->r->attrs, key, value); /* next to the ids: `ddsource=ruby` */
    return true;
}

bool log_front_block(struct log_front *f, gw_str inside)
{
    bool any = false;
    if (!gw_str_starts(inside, GW_STR("dd")) && !gw_str_starts(inside, GW_STR("trace_id=")))
        return false;
    while (inside.len) {
        gw_str pair = gw_str_n(inside.ptr, find_near(f, inside, ' '));
        inside = gw_str_from(inside, pair.len + 1);
        if (pair.len && pair.ptr[pair.len - 1] == ',')
            pair.len--;
        if (pair.len && !log_front_pair(f, pair))
            return f->marked = false;
        any |= pair.len > 0;
    }
    return any;
}

static bool is_id(gw_str s)
{
    struct log_trace id;
    bool digits = log_is_all(s, LOG_DIGIT);
    return (digits && s.len <= DECIMAL_128 && log_trace_id(s, &id) != LOG_ID_BAD) ||
           (s.len == HEX_128 && log_trace_id(s, &id) == LOG_ID_GOOD);
}

/* lt.py Python-App 6b00e75b00000000290c438ab8ca0a10 say:48 message, Python's documented form without
 * brackets: %(filename)s %(dd.service)s %(dd.trace_id)s %(funcName)s:%(lineno)s */
bool log_front_documented(struct log_front *f, gw_str file)
{
    gw_str rest = gw_str_from(log_front_rest(f), file.len + 1), service, id, place;
    int64_t line;
    if (!f->found->severity || !gw_str_ends(file, GW_STR(".py")) || !gw_str_next(&rest, ' ', &service) ||
        !gw_str_next(&rest, ' ', &id) || !is_id(id) || !gw_str_next(&rest, ' ', &place))
        return false;
    size_t colon = gw_str_find(place, ':');
    if (colon == 0 || !gw_str_i64(gw_str_from(place, colon + 1), &line))
        return false;
    log_attrs_text(f->r->attrs, GW_STR("code.file.path"), file);
    log_attrs_text(f->r->attrs, GW_STR("code.function.name"), gw_str_n(place.ptr, colon));
    log_attrs_int(f->r->attrs, GW_STR("code.line.number"), line);
    f->found->origin.service = service;
    log_trace_id(id, &f->found->trace);
    f->at = place.ptr + place.len;
    f->marked = true;
    return true;
}

/* An id without a key: a long number, or 0. */
static bool looks_like_id(gw_str s, struct log_trace *id)
{
    enum log_id is = log_trace_id(s, id);
    if (s.len < LEAST_DIGITS)
        return is == LOG_ID_NONE && s.len == 1;
    return is == LOG_ID_GOOD || is == LOG_ID_NONE;
}

/* TRACE_ID SPAN_ID - message: Datadog's documented raw pattern for Java, %X{dd.trace_id} %X{dd.span_id} -
 * %m. Without a trace both are empty: `Foo:12 -   - message`. */
bool log_front_bare_ids(struct log_front *f)
{
    gw_str rest = log_front_rest(f), first, second, dash;
    struct log_trace trace, span;
    if (f->marked || rest.len < 5 || *rest.ptr != ' ')
        return false;
    if (rest.ptr[1] == ' ' && gw_str_starts(rest, GW_STR("   - "))) {
        f->at += 4;
        return true;
    }
    if (gw_hex_digit(rest.ptr[1]) < 0 ||
        (rest.ptr[2] != ' ' && gw_hex_digit(rest.ptr[2]) < 0)) /* most messages */
        return false;
    rest = gw_str_from(rest, 1);
    if (!gw_str_next(&rest, ' ', &first) || !gw_str_next(&rest, ' ', &second) ||
        !gw_str_next(&rest, ' ', &dash) || !gw_str_eq(dash, GW_STR("-")) || !looks_like_id(first, &trace) ||
        !looks_like_id(second, &span) || span.high)
        return false;
    f->found->trace = trace;
    f->found->span = span.low;
    f->at = dash.ptr + 1;
    return f->marked = true;
}

static bool is_hex(gw_str s, size_t len)
{
    if (s.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (gw_hex_digit(s.ptr[i]) < 0)
            return false;
    return true;
}

bool log_front_correlation(struct log_front *f, gw_str inside)
{
    gw_str service = GW_NOSTR, trace, span;
    size_t comma = gw_str_find(inside, ','), dash = gw_str_find(inside, '-');
    bool sleuth = comma < inside.len;
    if (sleuth) {
        service = gw_str_n(inside.ptr, comma);
        inside = gw_str_from(inside, comma + 1);
        dash = gw_str_find(inside, ',');
    }
    trace = gw_str_n(inside.ptr, dash);
    span = gw_str_from(inside, dash + 1);
    span.len = gw_str_find(span, ',');
    bool ids = (is_hex(trace, HEX_128) || is_hex(trace, HEX_64)) && is_hex(span, HEX_64);
    if (!ids && !(sleuth && trace.len == 0 && span.len == 0))
        return false;
    if (ids && !f->marked) {
        log_trace_id(trace, &f->found->trace);
        log_span_id(span, &f->found->span);
        f->marked = true;
    }
    f->found->origin.service = log_or_else(f->found->origin.service, service);
    return true;
}

void log_front_find_marks(struct log_found *found, gw_str text)
{
    struct log_marks m;
    if (!log_ids_find(text, &m))
        return;
    log_trace_id(m.trace, &found->trace);
    log_span_id(m.span, &found->span);
    found->origin.service = log_or_else(found->origin.service, m.service);
    found->origin.env = m.env;
    found->origin.version = m.version;
}
