/* points_lines.c: line protocol, a point at a time; what cannot be read costs its line.
 *
 * Keeps no state beyond the caller's cursor. Called by points.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/points/points.h"

/* Within one point. */
struct cursor {
    const char *at, *end;
    struct gw_arena *arena;
    const char *why; /* after a mistake */
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

static bool escapes(const char *at, const char *end, const char *special)
{
    return *at == '\\' && end - at > 1 && gw_char_in(at[1], special);
}

/* The text without the backslashes that escape `special`; a copy only when there are some. */
static gw_str plain(struct cursor *c, gw_str text, const char *special)
{
    const char *end = text.ptr + text.len;
    if (gw_str_find(text, '\\') == text.len)
        return text;
    char *out = gw_arena_raw(c->arena, text.len, 1);
    size_t n = 0;
    if (!out)
        return GW_NOSTR;
    for (const char *at = text.ptr; at < end; at++) {
        at += escapes(at, end, special);
        out[n++] = *at;
    }
    return gw_str_n(out, n);
}

/* Takes text up to the first of `stops` without a backslash before it. */
static bool take_word(struct cursor *c, const char *stops, gw_str *word)
{
    const char *from = c->at;
    while (c->at < c->end && *c->at && !gw_char_in(*c->at, stops))
        c->at += escapes(c->at, c->end, ", =") ? 2 : 1;
    *word = gw_str_n(from, (size_t)(c->at - from));
    bool any = word->len > 0;
    *word = plain(c, *word, ", =");
    return any;
}

static bool take_quoted(struct cursor *c, gw_str *text)
{
    const char *from = ++c->at;
    while (c->at < c->end && *c->at != '"')
        c->at += escapes(c->at, c->end, "\"\\") ? 2 : 1;
    if (c->at >= c->end) {
        c->at = c->end;
        return fail(c, "a quoted text does not end");
    }
    *text = plain(c, gw_str_n(from, (size_t)(c->at - from)), "\"\\");
    c->at++;
    if (is_next(c, 'b')) /* bytes, in base64: as they are */
        c->at++;
    return true;
}

static bool read_bool(gw_str word, bool *out)
{
    static const char *const words[2][5] = {{"f", "F", "false", "False", "FALSE"},
                                            {"t", "T", "true", "True", "TRUE"}};
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 5; i++)
            if (gw_str_eq(word, gw_str_z(words[value][i]))) {
                *out = value;
                return true;
            }
    return false;
}

/* 12i, 12u, 1.5, true. */
static bool read_plain(struct cursor *c, gw_str word, struct point_value *v)
{
    gw_str digits = gw_str_n(word.ptr, word.len ? word.len - 1 : 0);
    uint64_t natural;
    v->type = POINT_BOOL;
    if (read_bool(word, &v->b))
        return true;
    v->type = POINT_INT;
    if ((gw_str_ends(word, GW_STR("i")) && gw_str_i64(digits, &v->i)) || gw_str_i64(word, &v->i))
        return true;
    if (gw_str_ends(word, GW_STR("u")) && gw_str_u64(digits, &natural)) {
        point_set_uint(v, natural);
        return true;
    }
    v->type = POINT_DOUBLE;
    return gw_str_double(word, &v->d) || fail(c, "a field is neither a number, true or false, nor quoted");
}

static bool read_value(struct cursor *c, const char *stops, struct point_value *v)
{
    gw_str word;
    if (is_next(c, '"'))
        return take_quoted(c, &v->text);
    return take_word(c, stops, &word) ? read_plain(c, word, v) : fail(c, "a field has no value");
}

/* [1i,2i] as JSON. */
static bool take_list(struct cursor *c, struct point_value *list)
{
    struct gw_text json = {.arena = c->arena};
    do {
        struct point_value v = {.type = POINT_TEXT};
        c->at++;
        if (json.len == 0 && is_next(c, ']'))
            break;
        gw_text_put_char(&json, json.len ? ',' : '[');
        if (!read_value(c, ",] \n", &v))
            return false;
        point_put_json(&json, &v);
    } while (is_next(c, ','));
    if (!is_next(c, ']'))
        return fail(c, "a list does not end");
    c->at++;
    gw_text_put_z(&json, json.len ? "]" : "[]");
    list->type = POINT_OTHER;
    list->text = gw_text_result(&json);
    return true;
}

static bool take_tags(struct cursor *c, struct point *p)
{
    gw_str name, value;
    while (is_next(c, ',')) {
        c->at++;
        if (!take_word(c, ",= \n", &name) || !is_next(c, '='))
            return fail(c, "a tag wants to be NAME=VALUE");
        c->at++;
        if (!take_word(c, ", \n", &value))
            return fail(c, "a tag has no value");
        struct point_value *v = point_add(c->arena, &p->tags, name);
        if (v)
            v->text = value;
    }
    return true;
}

static bool take_field(struct cursor *c, struct point *p)
{
    gw_str name;
    if (!take_word(c, ",= \n", &name) || !is_next(c, '='))
        return fail(c, "a field wants to be NAME=VALUE");
    c->at++;
    struct point_value spare, *v = point_add(c->arena, &p->fields, name);
    v = v ? v : &spare; /* the caller asks the arena */
    return is_next(c, '[') ? take_list(c, v) : read_value(c, ", \n", v);
}

static bool take_fields(struct cursor *c, struct point *p)
{
    if (!is_next(c, ' '))
        return fail(c, "want a blank and the fields");
    do
        c->at++;
    while (is_next(c, ' '));
    if (!take_field(c, p))
        return false;
    while (is_next(c, ',')) {
        c->at++;
        if (!take_field(c, p))
            return false;
    }
    return true;
}

static bool take_time(struct cursor *c, uint64_t precision, uint64_t *out)
{
    uint64_t time;
    gw_str word;
    while (is_next(c, ' '))
        c->at++;
    if (!take_word(c, " \r\n", &word))
        return true;
    if (!gw_str_u64(word, &time) || !point_time(time, precision, out))
        return fail(c, "the time is not a number of units since 1970");
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

static bool take_point(struct cursor *c, uint64_t precision, struct point *p)
{
    if (!take_word(c, ", \n", &p->measurement))
        return fail(c, "want the name of a measurement");
    return take_tags(c, p) && take_fields(c, p) && take_time(c, precision, &p->time) && take_end(c);
}

/* Empty lines and comments. */
static void skip_idle(struct cursor *c)
{
    while (c->at < c->end && (*c->at == '\n' || *c->at == '\r' || *c->at == ' ' || *c->at == '#')) {
        bool comment = *c->at == '#';
        while (comment && c->at < c->end && *c->at != '\n')
            c->at++;
        c->at += c->at < c->end;
    }
}

/* The end of the line that is not one: the first behind the mistake, or behind the line's beginning where a
 * text does not end, for that may have swallowed all others. */
static const char *next_line(const struct cursor *c, const char *began)
{
    const char *from = c->at < c->end ? c->at : began, *line = memchr(from, '\n', (size_t)(c->end - from));
    return line ? line : c->end;
}

bool points_next_line(struct points *p, struct point *out)
{
    struct cursor c = {.at = p->at, .end = p->text.ptr + p->text.len, .arena = p->arena};
    skip_idle(&c);
    p->at = c.at;
    p->pos = (size_t)(c.at - p->text.ptr);
    if (c.at == c.end)
        return false;
    if (take_point(&c, p->precision, out)) {
        p->at = c.at;
        return true;
    }
    p->why = c.why;
    p->pos = (size_t)(c.at - p->text.ptr);
    p->at = next_line(&c, p->at);
    return true;
}
