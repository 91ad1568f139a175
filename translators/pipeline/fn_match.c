/* fn_match.c: Implements the builtins with patterns and regular expressions: grok, add_pattern, match,
 * replace, kv_split. The script owns the compiled expressions. Called by the check, which compiles them, and
 * by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/script_internal.h"

static void drop_re(void *re)
{
    re_drop(re);
}

static void drop_grok(void *g)
{
    grok_drop(g);
}

/* A compiled expression that the script owns; NULL with the fault. */
static struct re *compile(struct sc_check *c, const struct sc_node *x, bool named_only)
{
    char why[RE_ERROR_SIZE];
    if (!sc_want_text(c, x))
        return NULL;
    struct re *re = re_compile(x->text, named_only, why);
    if (!re) {
        sc_check_fail(c, x->pos, "%s", why);
        return NULL;
    }
    return sc_own(c, drop_re, re) ? re : NULL;
}

bool check_grok(struct sc_check *c, struct sc_node *call)
{
    char why[RE_ERROR_SIZE];
    if ((call->n == 3 && !sc_want_bool(c, call->kid[2])) || !sc_first_key(c, call) ||
        !sc_want_text(c, call->kid[1]))
        return false;
    struct grok *g = grok_compile(&c->script->arena, c->scope, call->kid[1]->text, why);
    if (!g)
        return sc_check_fail(c, call->pos, "%s", why);
    struct sc_grok *own = sc_check_memory(c, sizeof *own);
    if (!sc_own(c, drop_grok, g) || !own)
        return false;
    *own = (struct sc_grok){.grok = g, .script = c->script, .pos = call->pos, .next = c->script->groks};
    call->data = c->script->groks = own;
    return true;
}

/* Removes ".000" at the end of a number. */
static gw_str without_zeroes(gw_str s)
{
    size_t dot = gw_str_find(s, '.');
    if (dot + 1 >= s.len || dot == 0)
        return s;
    for (size_t i = dot + 1; i < s.len; i++)
        if (s.ptr[i] != '0')
            return s;
    return gw_str_n(s.ptr, dot);
}

static struct sc_val captured(enum grok_type type, gw_str s)
{
    int64_t i;
    double d;
    bool b;
    switch (type) {
    case GROK_INT:
        return sc_int(gw_parse_int(without_zeroes(s), 0, &i) ? i : 0);
    case GROK_FLOAT:
        return sc_float(gw_parse_float(s, &d) ? d : 0);
    case GROK_BOOL:
        return sc_bool(gw_parse_bool(s, &b) && b);
    case GROK_STR:
        break;
    }
    return sc_str(s);
}

static void note_miss(struct sc_thread *t, const struct sc_grok *g, gw_str text)
{
    if (g->missed)
        atomic_fetch_add_explicit(g->missed, 1, memory_order_relaxed);
    if (t->misses_n == SC_MISSES)
        return;
    t->misses[t->misses_n].grok = g;
    t->misses[t->misses_n++].text = text;
}

bool fn_grok(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct sc_grok *own = call->data;
    const struct grok *g = own->grok;
    struct sc_thread *t = r->env->thread;
    size_t spans[2 * (RE_GROUPS + 1)];
    gw_str s;
    bool trim = call->n < 3 || call->kid[2]->b;
    *out = sc_bool(false);
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    t->groks++;
    if (sc_match(r, g->re, s, 0, spans) != RE_MATCH) {
        note_miss(t, own, s);
        return true;
    }
    t->matched++;
    for (size_t i = 0; i < g->n; i++) {
        const struct grok_field *f = &g->fields[i];
        size_t from = spans[2 * f->group], to = spans[2 * f->group + 1];
        gw_str part = from == SIZE_MAX ? GW_STR("") : gw_str_n(s.ptr + from, to - from);
        sc_point_set(r->point, gw_str_eq(f->name, GW_STR("_")) ? GW_STR("message") : f->name,
                     captured(f->type, trim ? gw_trim_space(part) : part));
    }
    *out = sc_bool(true);
    return true;
}

bool check_add_pattern(struct sc_check *c, struct sc_node *call)
{
    char why[RE_ERROR_SIZE];
    if (!sc_want_text(c, call->kid[0]) || !sc_want_text(c, call->kid[1]))
        return false;
    return grok_add(&c->script->arena, c->scope, call->kid[0]->text, call->kid[1]->text, why) ||
           sc_check_fail(c, call->pos, "%s", why);
}

bool check_match(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *text = call->kid[1];
    call->data = compile(c, call->kid[0], true);
    if (!call->data)
        return false;
    return text->kind == SN_STR || text->kind == SN_IDENT || text->kind == SN_ATTR || text->kind == SN_CALL ||
           sc_check_fail(c, text->pos, "match: expected an identifier, a.b or text");
}

bool fn_match(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct sc_node *text = call->kid[1];
    size_t spans[2 * (RE_GROUPS + 1)];
    struct sc_val v;
    *out = sc_bool(false);
    gw_str s = text->kind == SN_STR ? text->text : GW_STR("");
    if (text->kind == SN_CALL)
        return true;
    if (text->kind != SN_STR) {
        if (!sc_get(r, text, &v))
            return true;
        s = v.type == SC_STR ? v.s : GW_STR("");
    }
    *out = sc_bool(sc_match(r, call->data, s, 0, spans) == RE_MATCH);
    return true;
}

bool check_replace(struct sc_check *c, struct sc_node *call)
{
    if (!sc_first_key(c, call))
        return false;
    call->data = compile(c, call->kid[1], false);
    return call->data && sc_want_text(c, call->kid[2]);
}

static bool word(char c)
{
    return gw_is_digit(c) || c == '_' || gw_is_letter(c);
}

/* The group called `name`, by number or by name: of several with one name the first that took part. -1:
 * none. */
static int group_of(const struct re *re, gw_str name, const size_t *spans)
{
    uint64_t number;
    size_t n;
    const struct re_name *names = re_names(re, &n);
    if (gw_str_u64(name, &number))
        return number <= re_groups(re) ? (int)number : -1;
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(names[i].name, name) && spans[2 * names[i].group] != SIZE_MAX)
            return (int)names[i].group;
    return -1;
}

/* After a $: $1, ${1}, $name, ${name}, $$. Other text stays. */
static void put_reference(struct gw_text *b, gw_str *text, const struct re *re, gw_str from,
                          const size_t *spans)
{
    gw_str s = *text;
    bool brace = s.len && *s.ptr == '{';
    size_t len = brace;
    if (s.len && *s.ptr == '$') {
        gw_text_put_char(b, '$');
        *text = gw_str_from(s, 1);
        return;
    }
    while (len < s.len && word(s.ptr[len]))
        len++;
    if (len == brace || (brace && (len == s.len || s.ptr[len] != '}'))) {
        gw_text_put_char(b, '$');
        return;
    }
    int group = group_of(re, gw_str_n(s.ptr + brace, len - brace), spans);
    if (group >= 0 && spans[2 * group] != SIZE_MAX)
        gw_text_put(b, from.ptr + spans[2 * group], spans[2 * group + 1] - spans[2 * group]);
    *text = gw_str_from(s, len + brace);
}

static void put_template(struct gw_text *b, gw_str text, const struct re *re, gw_str from,
                         const size_t *spans)
{
    while (text.len) {
        size_t plain = gw_str_find(text, '$');
        bool dollar = plain < text.len;
        gw_text_put(b, text.ptr, plain);
        text = gw_str_from(text, plain + dollar);
        if (dollar)
            put_reference(b, &text, re, from, spans);
    }
}

static size_t rune_length(gw_str s, size_t at)
{
    gw_str rest = gw_str_n(s.ptr + at, s.len - at);
    size_t before = rest.len;
    gw_utf8_next(&rest);
    return before - rest.len;
}

bool fn_replace(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    size_t spans[2 * (RE_GROUPS + 1)], at = 0, copied = 0;
    struct gw_text b = {.arena = r->arena};
    gw_str s;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    while (at <= s.len && !r->arena->spent) {
        enum re_result result = sc_match(r, call->data, s, at, spans);
        if (result == RE_GAVE_UP)
            return true;
        if (result == RE_NO_MATCH)
            break;
        gw_text_put(&b, s.ptr + copied, spans[0] - copied);
        /* an empty match right behind another does not count */
        if (spans[1] > copied || spans[0] == 0 || spans[0] != copied)
            put_template(&b, call->kid[2]->text, call->data, s, spans);
        copied = spans[1];
        if (spans[1] > at)
            at = spans[1];
        else if (at < s.len)
            at += rune_length(s, at);
        else
            break;
        if (spans[1] == spans[0] && at == spans[1] && at < s.len)
            at += rune_length(s, at);
    }
    gw_text_put(&b, s.ptr + copied, s.len - copied);
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}

/* The two expressions of kv_split; NULL: a blank, a = */
struct splits {
    struct re *field, *value;
};

bool check_kv_split(struct sc_check *c, struct sc_node *call)
{
    struct splits *s = sc_check_memory(c, sizeof *s);
    if (!s || !sc_first_key(c, call))
        return false;
    if ((call->kid[1] && !(s->field = compile(c, call->kid[1], true))) ||
        (call->kid[2] && !(s->value = compile(c, call->kid[2], true))))
        return false;
    for (uint32_t i = 3; i < 7; i++)
        if (i != 5 && call->kid[i] && !sc_want_text(c, call->kid[i]))
            return false;
    if (call->kid[5] && call->kid[5]->kind != SN_LIST && call->kid[5]->kind != SN_IDENT)
        return sc_check_fail(c, call->kid[5]->pos, "include_keys: expected a list or an identifier");
    call->data = s;
    return true;
}

/* The next separator at `at` or after it; false: there is none. Go's Split skips empty matches at the start. */
static bool separator(struct sc_run *r, const struct re *re, char plain, gw_str s, size_t at, size_t *from,
                      size_t *to)
{
    size_t spans[2 * (RE_GROUPS + 1)];
    if (!re) {
        size_t found = at + gw_str_find(gw_str_from(s, at), plain);
        *from = found;
        *to = found + 1;
        return at < s.len && found < s.len;
    }
    for (size_t begin = at; begin <= s.len;) {
        if (sc_match(r, re, s, begin, spans) != RE_MATCH)
            return false;
        if (spans[1] > at && (spans[1] > spans[0] || spans[0] < s.len)) {
            *from = spans[0];
            *to = spans[1];
            return true;
        }
        if (begin == s.len)
            return false;
        begin += rune_length(s, begin);
    }
    return false;
}

static bool included(const struct sc_list *keys, gw_str key)
{
    for (size_t i = 0; i < keys->n; i++)
        if (keys->items[i].type == SC_STR && gw_str_eq(keys->items[i].s, key))
            return true;
    return false;
}

static gw_str trimmed(const struct sc_node *set, gw_str s)
{
    return set && set->text.len ? gw_trim_set(s, set->text) : s;
}

/* One field, "key=value"; whether it was set. */
static bool kv(struct sc_run *r, const struct sc_node *call, const struct sc_list *keys, gw_str field)
{
    const struct splits *s = call->data;
    size_t from, to;
    if (!separator(r, s->value, '=', field, 0, &from, &to))
        return false;
    gw_str key = trimmed(call->kid[3], gw_str_n(field.ptr, from)),
           value = trimmed(call->kid[4], gw_str_from(field, to));
    if (!key.len || !included(keys, key))
        return false;
    if (call->kid[6] && call->kid[6]->text.len)
        key = gw_arena_printf(r->arena, "%.*s%.*s", GW_FMT(call->kid[6]->text), GW_FMT(key));
    sc_point_set(r->point, key, sc_str(value.ptr ? value : GW_STR("")));
    return true;
}

bool fn_kv_split(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct splits *split = call->data;
    struct sc_val keys = sc_nil();
    size_t at = 0, from, to;
    bool any = false, more = true;
    gw_str s;
    *out = sc_bool(false);
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    if (call->kid[5] && !sc_eval(r, call->kid[5], &keys))
        return false;
    if (keys.type != SC_LIST || !keys.l->n || !s.len)
        return true;
    while (more && !r->arena->spent) {
        more = separator(r, split->field, ' ', s, at, &from, &to);
        any |= kv(r, call, keys.l, gw_str_n(s.ptr + at, (more ? from : s.len) - at));
        at = to;
    }
    *out = sc_bool(any);
    return true;
}
