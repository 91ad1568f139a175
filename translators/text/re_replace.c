/* re_replace.c: Reads templates, and replaces what an expression matches. Called by dd_privacy.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/text/re_replace.h"

#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/text.h"

enum { MATCHES = 8 /* between two looks at the clock */ };

/* A piece of the template: text, or what a group matched. */
struct piece {
    gw_str text;
    int group; /* -1: text */
};

struct re_replacement {
    const struct re *re;
    size_t n;
    struct piece pieces[];
};

static bool in_name(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || c == '_';
}

/* The number of the group of this name or number; INT_MAX-like numbers are of none, and so are unknown names. */
static int group_of(const struct re *re, gw_str name)
{
    size_t n;
    uint64_t number;
    const struct re_name *names = re_names(re, &n);
    if (gw_str_u64(name, &number))
        return number <= re_groups(re) ? (int)number : -2;
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(names[i].name, name))
            return (int)names[i].group;
    return -2;
}

/* The name that begins behind the $ at the front of *s, which is then taken; false when none does. */
static bool take_name(gw_str *s, gw_str *name)
{
    bool braces = s->len > 1 && s->ptr[1] == '{';
    size_t from = braces ? 2 : 1, to = from;
    while (to < s->len && in_name(s->ptr[to]))
        to++;
    if (to == from || (braces && (to == s->len || s->ptr[to] != '}')))
        return false;
    *name = gw_str_n(s->ptr + from, to - from);
    *s = gw_str_from(*s, to + braces);
    return true;
}

static void add(struct re_replacement *r, gw_str text, int group)
{
    if (group != -1 || text.len)
        r->pieces[r->n++] = (struct piece){text, group};
}

struct re_replacement *re_replacement_new(const struct re *re, gw_str template)
{
    struct re_replacement *r = calloc(1, sizeof *r + (2 * template.len + 1) * sizeof(struct piece));
    gw_str name;
    if (!r)
        return NULL;
    r->re = re;
    while (template.len) {
        size_t plain = gw_str_find(template, '$');
        add(r, gw_str_n(template.ptr, plain), -1);
        template = gw_str_from(template, plain);
        if (!template.len)
            break;
        if (template.len > 1 && template.ptr[1] == '$') {
            add(r, gw_str_n(template.ptr, 1), -1);
            template = gw_str_from(template, 2);
        } else if (take_name(&template, &name)) {
            add(r, GW_NOSTR, group_of(re, name));
        } else {
            add(r, gw_str_n(template.ptr, 1), -1);
            template = gw_str_from(template, 1);
        }
    }
    return r;
}

void re_replacement_drop(struct re_replacement *r)
{
    free(r);
}

static void put_pieces(const struct re_replacement *r, struct gw_text *to, gw_str text, const size_t *spans)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct piece *p = &r->pieces[i];
        if (p->group == -1)
            gw_text_put_str(to, p->text);
        else if (p->group >= 0 && spans[2 * p->group] != SIZE_MAX)
            gw_text_put(to, text.ptr + spans[2 * p->group], spans[2 * p->group + 1] - spans[2 * p->group]);
    }
}

static size_t next_character(gw_str text, size_t at)
{
    for (at++; at < text.len && ((unsigned char)text.ptr[at] & 0xC0) == 0x80;)
        at++;
    return at;
}

/* With U+FFFD for what is no UTF-8: once, and not again for each match. */
static gw_str valid_text(struct gw_arena *arena, gw_str text)
{
    char *to = gw_utf8_valid(text) ? NULL : gw_arena_raw(arena, text.len, 3);
    return to ? gw_str_n(to, gw_utf8_repair(text, to)) : text;
}

/* Of all matches together: re_match bounds each. */
static bool took_too_long(gw_nsec *began)
{
    gw_nsec now = gw_now();
    *began = *began ? *began : now;
    return now - *began > RE_TIME_NS;
}

enum re_result re_replace(const struct re_replacement *r, struct re_thread *t, struct gw_arena *arena,
                          gw_str text, gw_str *out)
{
    size_t spans[2 * (RE_GROUPS + 1)], matches = 0, from = 0, copied = 0,
                                       end = SIZE_MAX; /* end: of the last match */
    struct gw_text made = {.arena = arena};
    enum re_result result = RE_NO_MATCH;
    gw_nsec began = 0;
    *out = GW_NOSTR;
    text = text.len ? valid_text(arena, text) : GW_STR("");
    for (;;) {
        if (++matches % MATCHES == 0 && took_too_long(&began))
            return RE_GAVE_UP;
        enum re_result one = re_match(r->re, t, arena, text, from, spans);
        if (one == RE_GAVE_UP)
            return one;
        if (one == RE_NO_MATCH)
            break;
        bool nothing = spans[0] == spans[1];
        if (!nothing || spans[0] != end) {
            gw_text_put(&made, text.ptr + copied, spans[0] - copied);
            put_pieces(r, &made, text, spans);
            copied = end = spans[1];
            result = RE_MATCH;
        }
        if (nothing && spans[1] >= text.len)
            break;
        from = nothing ? next_character(text, spans[1]) : spans[1];
    }
    if (result == RE_MATCH) {
        gw_text_put(&made, text.ptr + copied, text.len - copied);
        *out = gw_text_result(&made);
    }
    return arena->spent ? RE_GAVE_UP : result;
}
