/* Line protocol, as Datakit's clients send logs that they have taken apart themselves:
 *
 *     nginx,host=web-1,service=shop message="GET / HTTP/1.1",status="info",code=200i 1700000000000000000
 *     └─┬─┘└────────┬──────────────┘ └────────────────────┬────────────────────────┘ └─ time, in units of `precision`
 *    source       tags                                 fields
 *
 * A point becomes the JSON object of its tags and fields, so that it goes the way of any item: `message` is
 * the body, `status` the severity, and so on. A backslash escapes comma, blank and equals sign in names and
 * tags, and quote and backslash in quoted text; before anything else it is itself. Quoted text may hold line
 * ends. A line that begins with # is a comment.
 *
 * SPDX-License-Identifier: Apache-2.0
 */

#include <inttypes.h>
#include <stdio.h>

#include "core/base/text.h"
#include "gateway/receivers/log_http/http_log_formats.h"

struct cursor {
    const char *at, *end;
    const char *why; /* after a mistake */
    struct gw_text *out;
};

static bool fail(struct cursor *c, const char *why)
{
    c->why = why;
    return false;
}

static bool is_next(const struct cursor *c, char want)
{
    return c->at < c->end && *c->at == want;
}

/* Up to the first of `stops` that no backslash stands before, without its backslashes. */
static bool take_word(struct cursor *c, const char *stops, struct gw_text *word)
{
    word->len = 0;
    while (c->at < c->end && *c->at && !gw_char_in(*c->at, stops)) {
        bool escape = *c->at == '\\' && c->end - c->at > 1 && gw_char_in(c->at[1], ", =");
        c->at += escape;
        gw_text_put_char(word, *c->at++);
    }
    return word->len > 0;
}

static bool take_quoted(struct cursor *c, struct gw_text *word)
{
    word->len = 0;
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++) {
        bool escape = *c->at == '\\' && c->end - c->at > 1 && (c->at[1] == '"' || c->at[1] == '\\');
        c->at += escape;
        gw_text_put_char(word, *c->at);
    }
    if (c->at == c->end)
        return fail(c, "a quoted text does not end");
    c->at++;
    return true;
}

static void put_name(struct cursor *c, gw_str name)
{
    if (c->out->len > 1)
        gw_text_put_char(c->out, ',');
    gw_text_put_json(c->out, name);
    gw_text_put_char(c->out, ':');
}

static bool put_bool(struct cursor *c, gw_str word)
{
    static const char *const words[2][5] = {{"f", "F", "false", "False", "FALSE"},
                                            {"t", "T", "true", "True", "TRUE"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 5; i++)
            if (gw_str_eq(word, gw_str_z(words[value][i]))) {
                gw_text_put_z(c->out, value ? "true" : "false");
                return true;
            }
    return false;
}

/* 12i, 12u, 1.5, true: as JSON, which knows no leading zeros. */
static bool put_plain(struct cursor *c, gw_str word)
{
    gw_str digits = gw_str_n(word.ptr, word.len - 1);
    int64_t number;
    uint64_t natural;
    double real;
    char text[GW_NUMBER_SIZE];
    size_t n;
    if (put_bool(c, word))
        return true;
    if ((gw_str_ends(word, GW_STR("i")) && gw_str_i64(digits, &number)) || gw_str_i64(word, &number))
        n = gw_i64_text(text, number);
    else if (gw_str_ends(word, GW_STR("u")) && gw_str_u64(digits, &natural))
        n = (size_t)snprintf(text, sizeof text, "%" PRIu64, natural);
    else if (gw_str_double(word, &real))
        n = gw_float_json(text, real);
    else
        return fail(c, "a field is neither a number, true or false, nor quoted");
    gw_text_put(c->out, text, n);
    return true;
}

gw_str http_log_tag(gw_str name)
{
    if (gw_str_eq(name, GW_STR("env")))
        return GW_STR("dd.env");
    return gw_str_eq(name, GW_STR("version")) ? GW_STR("dd.version") : name;
}

static bool take_tags(struct cursor *c, struct gw_text *word)
{
    while (is_next(c, ',')) {
        c->at++;
        if (!take_word(c, ",= \n", word) || !is_next(c, '='))
            return fail(c, "a tag wants to be NAME=VALUE");
        put_name(c, http_log_tag(gw_text_result(word)));
        c->at++;
        if (!take_word(c, ", \n", word))
            return fail(c, "a tag has no value");
        gw_text_put_json(c->out, gw_text_result(word));
    }
    return true;
}

static bool take_field(struct cursor *c, struct gw_text *word)
{
    if (!take_word(c, ",= \n", word) || !is_next(c, '='))
        return fail(c, "a field wants to be NAME=VALUE");
    put_name(c, gw_text_result(word));
    c->at++;
    if (is_next(c, '"')) {
        if (!take_quoted(c, word))
            return false;
        gw_text_put_json(c->out, gw_text_result(word));
        return true;
    }
    return take_word(c, ", \n", word) ? put_plain(c, gw_text_result(word)) : fail(c, "a field has no value");
}

static bool take_fields(struct cursor *c, struct gw_text *word)
{
    if (!is_next(c, ' '))
        return fail(c, "want a blank and the fields");
    do
        c->at++;
    while (is_next(c, ' '));
    if (!take_field(c, word))
        return false;
    while (is_next(c, ',')) {
        c->at++;
        if (!take_field(c, word))
            return false;
    }
    return true;
}

uint64_t http_log_precision(gw_str name)
{
    static const struct {
        gw_str name;
        uint64_t ns;
    } units[] = {{GW_LIT("n"), 1},
                 {GW_LIT("ns"), 1},
                 {GW_LIT("u"), 1000},
                 {GW_LIT("us"), 1000},
                 {GW_LIT("ms"), 1000000},
                 {GW_LIT("s"), 1000000000},
                 {GW_LIT("m"), UINT64_C(60000000000)},
                 {GW_LIT("h"), UINT64_C(3600000000000)}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (gw_str_eq(name, units[i].name))
            return units[i].ns;
    return 0;
}

/* Without a precision: seconds, ms, µs or ns of a time between 1973 and 2286 have 9 to 10, 12 to 13, 15 to 16
 * or 18 to 19 digits. */
uint64_t http_log_time_unit(uint64_t time)
{
    static const uint64_t units[] = {1000000000, 1000000, 1000, 1};
    size_t i = 0;
    for (uint64_t most = UINT64_C(10000000000); i < 3 && time >= most; most *= 1000)
        i++;
    return units[i];
}

static bool take_time(struct cursor *c, struct gw_text *word, uint64_t precision, uint64_t *out)
{
    uint64_t time, ns;
    while (is_next(c, ' '))
        c->at++;
    if (!take_word(c, " \r\n", word))
        return true;
    if (!gw_str_u64(gw_text_result(word), &time) ||
        __builtin_mul_overflow(time, precision ? precision : http_log_time_unit(time), &ns))
        return fail(c, "the time is not a number of units since 1970");
    *out = ns;
    while (is_next(c, ' '))
        c->at++;
    return true;
}

static bool take_end(struct cursor *c)
{
    if (is_next(c, '\r'))
        c->at++;
    return c->at == c->end || *c->at == '\n' || fail(c, "something stands behind the point");
}

/* One point: *in gets its source and time, `out` the object. */
static bool take_point(struct cursor *c, const struct http_log *body, struct log_input *in)
{
    struct gw_text word = {.arena = body->arena}, source = {.arena = body->arena};
    gw_text_put_char(c->out, '{');
    if (!take_word(c, ", \n", &source))
        return fail(c, "want the name of a measurement");
    in->source = gw_text_result(&source);
    if (!take_tags(c, &word) || !take_fields(c, &word) || !take_time(c, &word, body->precision, &in->time) ||
        !take_end(c))
        return false;
    gw_text_put_char(c->out, '}');
    return true;
}

static void skip_idle(struct cursor *c)
{
    while (c->at < c->end && (*c->at == '\n' || *c->at == '\r' || *c->at == ' ' || *c->at == '#')) {
        bool comment = *c->at == '#';
        while (comment && c->at < c->end && *c->at != '\n')
            c->at++;
        c->at += c->at < c->end;
    }
}

enum gw_code line_protocol_read(struct http_log_reader *r)
{
    struct gw_arena *arena = r->body->arena;
    struct gw_snap snap = gw_arena_snap(arena);
    gw_str text = r->body->text;
    struct cursor c = {.at = text.ptr, .end = text.ptr + text.len};
    for (skip_idle(&c); c.at < c.end; skip_idle(&c)) {
        struct gw_text object = {.arena = arena};
        struct log_input in = *r->body->like;
        c.out = &object;
        bool well = take_point(&c, r->body, &in);
        size_t pos = (size_t)(c.at - text.ptr);
        if (arena->spent || (well && !http_log_item(r, &in, gw_text_result(&object))))
            return gw_fail(r->err, GW_BUDGET, pos, "a point is too large");
        gw_arena_back(arena, snap);
        if (!well) {
            r->records++;
            return gw_fail(r->err, GW_BAD_POINTS, pos, "%s", c.why);
        }
    }
    return GW_OK;
}
