/* gpath.c: Finds a path in JSON text with the reader of core/base/json.h. Owns nothing: a result is a view of
 * the text, or in the record's arena. Called by gjson().
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/gpath.h"

#include "core/base/text.h"
#include "translators/pipeline/value.h"

static bool get(struct gw_arena *, gw_str json, gw_str path, unsigned depth, gw_str *raw);

/* The first part of a path: up to a dot or bar that is not escaped nor in a query's brackets. */
struct part {
    gw_str text, rest;
    bool more, wild;
};

static bool cut(struct gw_arena *a, gw_str path, struct part *p)
{
    struct gw_text b = {.arena = a};
    int brackets = 0;
    bool quoted = false, escaped = false;
    size_t i = 0;
    *p = (struct part){0};
    for (; i < path.len; i++) {
        char c = path.ptr[i];
        if (c == '\\' && i + 1 < path.len && !brackets) {
            escaped = true;
            gw_text_put_char(&b, path.ptr[++i]);
            continue;
        }
        if (brackets && c == '\\' && quoted && i + 1 < path.len)
            gw_text_put_char(&b, path.ptr[i++]);
        else if (brackets && c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '(' || c == '[') && (brackets || (b.len && b.ptr[0] == '#')))
            brackets++;
        else if (!quoted && brackets && (c == ')' || c == ']'))
            brackets--;
        else if (!brackets && (c == '.' || c == '|'))
            break;
        else if (!brackets && (c == '*' || c == '?'))
            p->wild = true;
        gw_text_put_char(&b, path.ptr[i]);
    }
    p->wild &= !escaped;
    p->text = gw_text_result(&b);
    p->more = i < path.len;
    p->rest = gw_str_from(path, i + 1);
    return !brackets && !(path.len && (*path.ptr == '@' || *path.ptr == '{' || *path.ptr == '['));
}

/* name against na*e? by the star's last place, so never exponential. */
static bool wild(gw_str s, gw_str pattern)
{
    size_t i = 0, p = 0, star = SIZE_MAX, mark = 0;
    while (i < s.len) {
        if (p < pattern.len && (pattern.ptr[p] == '?' || pattern.ptr[p] == s.ptr[i]) &&
            pattern.ptr[p] != '*') {
            i++;
            p++;
        } else if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            mark = i;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

static bool from_object(struct gw_arena *a, struct gw_json *j, const struct part *p, unsigned depth,
                        gw_str *raw)
{
    gw_str key, value;
    gw_json_object(j);
    while (gw_json_member(j, &key)) {
        if (!gw_json_raw(j, &value))
            return false;
        *raw = value;
        if ((p->wild ? wild(key, p->text) : gw_str_eq(key, p->text)) &&
            (!p->more || get(a, value, p->rest, depth + 1, raw)))
            return true; /* otherwise another member may match the rest of the path */
    }
    return false;
}

struct query {
    gw_str path, value;
    char op[3];
};

/* #(path op value) without the brackets */
static bool read_query(gw_str s, struct query *q)
{
    size_t at = 0;
    *q = (struct query){0};
    while (at < s.len && !gw_char_in(s.ptr[at], "=!<>%"))
        at++;
    q->path = gw_str_trim(gw_str_n(s.ptr, at));
    if (at == s.len)
        return true; /* it is there */
    q->op[0] = s.ptr[at++];
    if (at < s.len && (s.ptr[at] == '=' || (q->op[0] == '!' && s.ptr[at] == '%')))
        q->op[1] = s.ptr[at++];
    q->value = gw_str_trim(gw_str_n(s.ptr + at, s.len - at));
    return true;
}

static gw_str unquoted(struct gw_arena *a, gw_str raw)
{
    struct gw_json j;
    gw_str text;
    gw_json_init(&j, raw, a);
    return raw.len && *raw.ptr == '"' && gw_json_text(&j, &text) ? text : raw;
}

static bool compare(int order, const char *op)
{
    switch (op[0]) {
    case '=':
        return order == 0;
    case '!':
        return order != 0;
    case '<':
        return op[1] ? order <= 0 : order < 0;
    default:
        return op[1] ? order >= 0 : order > 0;
    }
}

/* true and false have their place in the order, with nothing but each other. */
static bool bool_holds(bool mine, gw_str other, const char *op)
{
    bool same = gw_str_eq(other, mine ? GW_STR("true") : GW_STR("false"));
    switch (op[0]) {
    case '=':
        return same;
    case '!':
        return !same;
    default:
        return op[0] == (mine ? '>' : '<') &&
               (op[1] || gw_str_eq(other, mine ? GW_STR("false") : GW_STR("true")));
    }
}

/* What the element has decides how it is compared: text by its bytes, also with a number; a number by value,
 * also with one in quotes. */
static bool holds(struct gw_arena *a, gw_str element, const struct query *q, unsigned depth)
{
    gw_str found = element;
    double x, y = 0;
    if (q->path.len && !get(a, element, q->path, depth + 1, &found))
        return false;
    if (!q->op[0])
        return true;
    gw_str mine = unquoted(a, found), other = unquoted(a, q->value);
    bool like = q->op[0] == '%' || q->op[1] == '%';
    if (found.len && *found.ptr == '"')
        return like ? wild(mine, other) == (q->op[0] == '%') : compare(sc_str_order(mine, other), q->op);
    if (like || !found.len)
        return false;
    if (*found.ptr == 't' || *found.ptr == 'f')
        return bool_holds(*found.ptr == 't', other, q->op);
    gw_str_double(other, &y);
    return gw_str_double(mine, &x) && compare(x < y ? -1 : x > y, q->op);
}

/* a.#.b: of every element what the rest of the path finds in it. */
static bool collect(struct gw_arena *a, struct gw_json *j, const struct part *p, const struct query *q,
                    unsigned depth, gw_str *raw)
{
    struct gw_text b = {.arena = a};
    gw_str element, found;
    gw_text_put_char(&b, '[');
    while (gw_json_item(j) && !a->spent) {
        if (!gw_json_raw(j, &element))
            return false;
        found = element;
        if ((q && !holds(a, element, q, depth)) || (p->more && !get(a, element, p->rest, depth + 1, &found)))
            continue;
        if (b.len > 1)
            gw_text_put_char(&b, ',');
        gw_text_put_str(&b, found);
    }
    gw_text_put_char(&b, ']');
    *raw = gw_text_result(&b);
    return !j->why;
}

static bool count(struct gw_arena *a, struct gw_json *j, gw_str *raw)
{
    char number[GW_NUMBER_SIZE];
    int64_t n = 0;
    for (; gw_json_item(j); n++)
        if (!gw_json_skip(j))
            return false;
    *raw = gw_arena_dup(a, gw_str_n(number, gw_i64_text(number, n)));
    return !j->why;
}

static bool queried(struct gw_arena *a, struct gw_json *j, const struct part *p, unsigned depth, gw_str *raw)
{
    struct query q;
    bool all = p->text.ptr[p->text.len - 1] == '#';
    gw_str inner = gw_str_n(p->text.ptr + 2, p->text.len - 3 - all), element;
    read_query(inner, &q);
    if (all)
        return collect(a, j, p, &q, depth, raw);
    while (gw_json_item(j)) {
        if (!gw_json_raw(j, &element))
            return false;
        if (holds(a, element, &q, depth)) {
            *raw = element;
            return !p->more || get(a, element, p->rest, depth + 1, raw);
        }
    }
    return false;
}

static bool from_array(struct gw_arena *a, struct gw_json *j, const struct part *p, unsigned depth,
                       gw_str *raw)
{
    uint64_t index;
    gw_json_array(j);
    if (gw_str_eq(p->text, GW_STR("#")))
        return p->more ? collect(a, j, p, NULL, depth, raw) : count(a, j, raw);
    if (p->text.len > 3 && p->text.ptr[0] == '#' && (p->text.ptr[1] == '(' || p->text.ptr[1] == '['))
        return queried(a, j, p, depth, raw);
    if (!gw_str_u64(p->text, &index))
        return false;
    for (; gw_json_item(j); index--) {
        if (index)
            gw_json_skip(j);
        else
            return gw_json_raw(j, raw) && (!p->more || get(a, *raw, p->rest, depth + 1, raw));
    }
    return false;
}

static bool get(struct gw_arena *a, gw_str json, gw_str path, unsigned depth, gw_str *raw)
{
    struct gw_json j;
    struct part p;
    if (depth > GPATH_DEPTH || !path.len || !cut(a, path, &p))
        return false;
    gw_json_init(&j, json, a);
    switch (gw_json_kind(&j)) {
    case GW_JSON_OBJECT:
        return from_object(a, &j, &p, depth, raw);
    case GW_JSON_ARRAY:
        return from_array(a, &j, &p, depth, raw);
    default:
        return false;
    }
}

bool gpath_get(struct gw_arena *a, gw_str json, gw_str path, gw_str *raw)
{
    return get(a, json, path, 0, raw) && !a->spent;
}
