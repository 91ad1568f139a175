/* dd_privacy.c: reads the user's rules from the configuration and applies them to spans. Called by
 * dd_translate.c, dd_stats.c and the receivers that use it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_privacy.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/config/config_diagnostic.h"
#include "translators/ddtrace/dd_card.h"
#include "translators/text/re_replace.h"

enum dd_rule_target { TARGET_TAG, TARGET_ALL, TARGET_RESOURCE, TARGET_SPAN_NAME };
enum { CARDS_OFF, CARDS_ON, CARDS_LUHN };
/* Bytes that are searched between two readings of the clock; how often a rule may run out of time in one
 * request. */
enum { LOOKED_AT = 64 * 1024, GIVE_UPS = 2 };

struct rule {
    gw_str name;
    enum dd_rule_target target;
    struct re *re;
    struct re_replacement *with;
};

struct dd_privacy {
    struct dd_privacy_counts *counts;
    int cards;
    struct gw_list keep;
    size_t n;
    struct rule rules[];
};

struct dd_privacy_thread {
    struct dd_privacy *rules;
    struct re_thread *re;
    gw_nsec began; /* the first reading of the clock in the request; 0: none yet */
    size_t looked_at;
    bool late;
    unsigned *gave_up; /* by rule, in this request */
};

static const gw_str hidden = GW_LIT("?");

/* --- the configuration --- */

static gw_str member(const struct gw_map *group, const char *name)
{
    for (size_t i = 0; i < group->n; i++)
        if (gw_str_eq(group->items[i].key, gw_str_z(name)))
            return group->items[i].value;
    return GW_NOSTR;
}

static enum dd_rule_target target_of(gw_str name)
{
    return gw_str_eq(name, GW_STR("*"))               ? TARGET_ALL
           : gw_str_eq(name, GW_STR("resource.name")) ? TARGET_RESOURCE
           : gw_str_eq(name, GW_STR("span.name"))     ? TARGET_SPAN_NAME
                                                      : TARGET_TAG;
}

static void make_rule(struct rule *r, const struct gw_map *group, size_t i, const char *path,
                      struct gw_diagnostics *diagnostics)
{
    char where[GW_OPTION_PATH], option[64], why[RE_ERROR_SIZE];
    snprintf(option, sizeof option, "privacy.replace_tags[%zu]", i);
    gw_option_path(where, path, option);
    gw_str pattern = member(group, "pattern");
    r->name = member(group, "name");
    r->target = target_of(r->name);
    if (!r->name.len)
        gw_config_error(diagnostics, where, "has no name: write name = \"*\" for all tags");
    if (!pattern.len) {
        gw_config_error(diagnostics, where, "has no pattern");
        return;
    }
    r->re = re_compile(pattern, false, why);
    if (!r->re)
        gw_config_error(diagnostics, where, "the pattern is refused: %s", why);
    else
        r->with = re_replacement_new(r->re, member(group, "repl"));
}

struct dd_privacy *dd_privacy_new(const struct dd_privacy_conf *conf, struct dd_privacy_counts *counts,
                                  const char *path, struct gw_diagnostics *diagnostics)
{
    const struct gw_groups *groups = &conf->privacy_replace_tags;
    size_t errors = gw_diagnostics_errors(diagnostics);
    if (!groups->n && conf->privacy_credit_cards == CARDS_OFF)
        return NULL;
    struct dd_privacy *p = calloc(1, sizeof *p + groups->n * sizeof(struct rule));
    GW_ASSERT(p);
    p->cards = conf->privacy_credit_cards;
    p->counts = counts;
    p->keep = conf->privacy_keep_values;
    p->n = groups->n;
    for (size_t i = 0; i < p->n; i++)
        make_rule(&p->rules[i], &groups->items[i], i, path, diagnostics);
    if (gw_diagnostics_errors(diagnostics) == errors)
        return p;
    dd_privacy_drop(p);
    return NULL;
}

void dd_privacy_drop(struct dd_privacy *p)
{
    for (size_t i = 0; p && i < p->n; i++) {
        re_replacement_drop(p->rules[i].with);
        re_drop(p->rules[i].re);
    }
    free(p);
}

struct dd_privacy_thread *dd_privacy_thread_new(struct dd_privacy *p)
{
    struct dd_privacy_thread *t = p ? calloc(1, sizeof *t) : NULL;
    if (!t)
        return NULL;
    t->rules = p;
    t->re = re_thread_new();
    t->gave_up = calloc(p->n + 1, sizeof *t->gave_up);
    if (t->re && t->gave_up)
        return t;
    dd_privacy_thread_drop(t);
    return NULL;
}

void dd_privacy_thread_drop(struct dd_privacy_thread *t)
{
    if (!t)
        return;
    re_thread_drop(t->re);
    free(t->gave_up);
    free(t);
}

void dd_privacy_begin(struct dd_privacy_thread *t)
{
    t->began = 0;
    t->looked_at = LOOKED_AT;
    t->late = false;
    memset(t->gave_up, 0, (t->rules->n + 1) * sizeof *t->gave_up);
}

/* --- one value --- */

static void look_at_clock(struct dd_privacy_thread *t, size_t bytes)
{
    t->looked_at += bytes + 64;
    if (t->looked_at < LOOKED_AT)
        return;
    gw_nsec now = gw_now();
    t->looked_at = 0;
    t->began = t->began ? t->began : now;
    t->late |= now - t->began > DD_PRIVACY_NS;
}

static void give_up(struct dd_privacy_thread *t, const struct rule *r)
{
    atomic_fetch_add_explicit(&t->rules->counts->gave_up, 1, memory_order_relaxed);
    t->looked_at = LOOKED_AT;
    if (t->gave_up[r - t->rules->rules]++ == 0)
        gw_log(GW_WARNING, "privacy", "the rule for \"%.*s\" takes too long on a value, which becomes ?",
               GW_FMT(r->name));
}

/* Returns true if the rule changed the text. */
static bool apply(struct dd_privacy_thread *t, const struct rule *r, struct gw_arena *arena, gw_str *text)
{
    gw_str made;
    enum re_result result = RE_GAVE_UP;
    look_at_clock(t, text->len);
    if (!t->late && t->gave_up[r - t->rules->rules] < GIVE_UPS) {
        re_thread_forget(t->re);
        result = re_replace(r->with, t->re, arena, *text, &made);
        if (result == RE_GAVE_UP)
            give_up(t, r);
    }
    if (result == RE_NO_MATCH)
        return false;
    *text = result == RE_MATCH ? made : hidden;
    atomic_fetch_add_explicit(&t->rules->counts->replaced, 1, memory_order_relaxed);
    return true;
}

static bool is_meant(const struct rule *r, gw_str key)
{
    return r->target == TARGET_ALL ? !(key.len && *key.ptr == '_')
                                   : r->target == TARGET_TAG && gw_str_eq(key, r->name);
}

static bool is_kept(const struct dd_privacy *p, gw_str key)
{
    for (size_t i = 0; i < p->keep.n; i++)
        if (gw_str_eq(key, p->keep.items[i]))
            return true;
    return dd_card_spares(key);
}

static void hide_card(struct dd_privacy_thread *t, gw_str key, gw_str *text)
{
    if (!dd_is_card(*text, t->rules->cards == CARDS_LUHN) || is_kept(t->rules, key))
        return;
    *text = hidden;
    atomic_fetch_add_explicit(&t->rules->counts->replaced, 1, memory_order_relaxed);
}

/* --- the parts of a span --- */

static gw_str number_text(struct gw_arena *arena, const struct dd_number *n)
{
    char text[GW_NUMBER_SIZE];
    size_t len = n->kind == DD_INT    ? gw_i64_text(text, n->i)
                 : n->kind == DD_UINT ? (size_t)snprintf(text, sizeof text, "%" PRIu64, n->u)
                                      : gw_float_plain(text, n->d);
    return gw_arena_dup(arena, gw_str_n(text, len));
}

/* Stores a text as a number, if it is one. */
static bool set_number(struct dd_number *n, gw_str text)
{
    if (gw_str_i64(text, &n->i)) {
        n->kind = DD_INT;
        return true;
    }
    if (!gw_str_double(text, &n->d))
        return false;
    n->kind = DD_DOUBLE;
    return true;
}

/* Moves a value that is no longer a number to the texts. */
static bool move_to_texts(struct dd_span *s, size_t i, gw_str text, struct gw_arena *arena)
{
    struct dd_text *meta = gw_arena_raw(arena, s->meta_n + 1, sizeof *meta);
    if (!meta)
        return false;
    if (s->meta_n)
        memcpy(meta, s->meta, s->meta_n * sizeof *meta);
    meta[s->meta_n++] = (struct dd_text){s->metrics[i].key, text};
    s->meta = meta;
    s->metrics_n--;
    memmove(&s->metrics[i], &s->metrics[i + 1], (s->metrics_n - i) * sizeof *s->metrics);
    return true;
}

static void replace_texts(struct dd_privacy_thread *t, const struct rule *r, struct dd_text *list, size_t n,
                          struct gw_arena *arena)
{
    for (size_t i = 0; i < n; i++)
        if (is_meant(r, list[i].key))
            apply(t, r, arena, &list[i].value);
}

static bool replace_numbers(struct dd_privacy_thread *t, const struct rule *r, struct dd_span *s,
                            struct gw_arena *arena)
{
    for (size_t i = 0; i < s->metrics_n;) {
        struct dd_number *n = &s->metrics[i];
        gw_str text = is_meant(r, n->key) ? number_text(arena, n) : GW_NOSTR;
        if (!text.len || !apply(t, r, arena, &text) || set_number(n, text))
            i++;
        else if (!move_to_texts(s, i, text, arena))
            return false;
    }
    return true;
}

static void set_value(struct dd_value *v, gw_str text)
{
    struct dd_number n;
    bool is_bool = gw_str_eq(text, GW_STR("true")) || gw_str_eq(text, GW_STR("false"));
    if (v->type == DD_V_STRING || v->type == DD_V_BYTES || (!set_number(&n, text) && !is_bool))
        *v = (struct dd_value){.type = DD_V_STRING, .s = text};
    else if (is_bool)
        *v = (struct dd_value){.type = DD_V_BOOL, .b = text.len == 4};
    else if (n.kind == DD_INT)
        *v = (struct dd_value){.type = DD_V_INT, .i = n.i};
    else
        *v = (struct dd_value){.type = DD_V_DOUBLE, .d = n.d};
}

static gw_str value_text(struct gw_arena *arena, const struct dd_value *v)
{
    const struct dd_number n = {.kind = v->type == DD_V_INT ? DD_INT : DD_DOUBLE, .i = v->i};
    if (v->type == DD_V_INT || v->type == DD_V_DOUBLE)
        return number_text(arena, &n);
    return v->type == DD_V_BOOL ? (v->b ? GW_STR("true") : GW_STR("false")) : v->s;
}

/* Recursion is limited, because decoders limit the depth of values. */
static void replace_value(struct dd_privacy_thread *t, const struct rule *r, struct dd_value *v,
                          struct gw_arena *arena)
{
    if (v->type == DD_V_ARRAY) {
        for (size_t i = 0; i < v->array.n; i++)
            replace_value(t, r, &v->array.items[i], arena);
    } else if (v->type == DD_V_LIST) {
        for (size_t i = 0; i < v->list.n; i++)
            replace_value(t, r, &v->list.attrs[i].value, arena);
    } else {
        gw_str text = value_text(arena, v);
        if (apply(t, r, arena, &text))
            set_value(v, text);
    }
}

static void replace_parts(struct dd_privacy_thread *t, const struct rule *r, struct dd_span *s,
                          struct gw_arena *arena)
{
    for (size_t i = 0; i < s->events_n; i++)
        for (size_t k = 0; k < s->events[i].attrs_n; k++)
            if (is_meant(r, s->events[i].attrs[k].key))
                replace_value(t, r, &s->events[i].attrs[k].value, arena);
    for (size_t i = 0; i < s->links_n; i++)
        replace_texts(t, r, s->links[i].attrs, s->links[i].attrs_n, arena);
}

static bool replace_span(struct dd_privacy_thread *t, const struct rule *r, struct dd_span *s,
                         struct gw_arena *arena)
{
    if (r->target == TARGET_RESOURCE || r->target == TARGET_ALL)
        apply(t, r, arena, &s->resource);
    if (r->target == TARGET_SPAN_NAME)
        apply(t, r, arena, &s->name);
    if (r->target != TARGET_TAG && r->target != TARGET_ALL)
        return true;
    replace_texts(t, r, s->meta, s->meta_n, arena);
    replace_parts(t, r, s, arena);
    return replace_numbers(t, r, s, arena);
}

static void hide_cards(struct dd_privacy_thread *t, struct dd_span *s)
{
    for (size_t i = 0; i < s->meta_n; i++)
        hide_card(t, s->meta[i].key, &s->meta[i].value);
    for (size_t i = 0; i < s->events_n; i++)
        for (size_t k = 0; k < s->events[i].attrs_n; k++)
            if (s->events[i].attrs[k].value.type == DD_V_STRING)
                hide_card(t, s->events[i].attrs[k].key, &s->events[i].attrs[k].value.s);
    for (size_t i = 0; i < s->links_n; i++)
        for (size_t k = 0; k < s->links[i].attrs_n; k++)
            hide_card(t, s->links[i].attrs[k].key, &s->links[i].attrs[k].value);
}

/* --- chunks --- */

/* In the agent's order: first card numbers, then one rule after another. The span then differs from the body,
 * so its raw bytes are no longer used. */
bool dd_privacy_chunk(struct dd_privacy_thread *t, struct dd_chunk *c, struct gw_arena *arena)
{
    const struct dd_privacy *p = t->rules;
    for (size_t i = 0; i < c->n; i++) {
        c->spans[i].meta_raw = c->spans[i].metrics_raw = c->spans[i].attributes_raw = GW_NOSTR;
        if (p->cards != CARDS_OFF)
            hide_cards(t, &c->spans[i]);
    }
    for (size_t i = 0; i < c->meta_n && p->cards != CARDS_OFF; i++)
        hide_card(t, c->meta[i].key, &c->meta[i].value);
    for (size_t r = 0; r < p->n; r++) {
        replace_texts(t, &p->rules[r], c->meta, c->meta_n, arena);
        for (size_t i = 0; i < c->n; i++)
            if (!replace_span(t, &p->rules[r], &c->spans[i], arena))
                return false;
    }
    return !arena->spent;
}

gw_str dd_privacy_resource(struct dd_privacy_thread *t, gw_str resource, struct gw_arena *arena)
{
    for (size_t r = 0; r < t->rules->n; r++)
        if (t->rules->rules[r].target == TARGET_RESOURCE || t->rules->rules[r].target == TARGET_ALL)
            apply(t, &t->rules->rules[r], arena, &resource);
    return resource;
}
