/* miss.c: Lists the groks of scripts and explains why one of them did not match. Owns nothing. Called by the
 * code that loads scripts, on the main thread, by `ddgate pipeline`, and by the API, on the admin listener's.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/script_internal.h"

enum { SHOWN = 40 /* bytes of the text, and of a pattern's beginning */ };

size_t sc_scripts(const struct sc_set *set)
{
    return set->n;
}

static struct sc_grok *grok_at(const struct sc_set *set, size_t script, size_t grok)
{
    struct sc_grok *g = script < set->n ? set->scripts[script].groks : NULL;
    while (g && grok--)
        g = g->next;
    return g;
}

bool sc_count_misses(struct sc_set *set, size_t script, size_t grok, atomic_uint_least64_t *missed)
{
    struct sc_grok *g = grok_at(set, script, grok);
    if (g)
        g->missed = missed;
    return g != NULL;
}

bool sc_grok_of(const struct sc_set *set, size_t script, size_t grok, gw_str *name, gw_str *pattern,
                unsigned *line, unsigned *column)
{
    const struct sc_grok *g = grok_at(set, script, grok);
    if (!g)
        return false;
    *name = g->script->name;
    *pattern = g->grok->source;
    sc_place(g->script->text, g->pos, line, column);
    return true;
}

bool sc_matched_nothing(const struct sc_thread *t)
{
    return t->groks && !t->matched;
}

/* The beginning of a text, or its end, short enough to read. */
static gw_str head(struct gw_arena *a, gw_str s)
{
    return s.len <= SHOWN ? s : gw_arena_printf(a, "%.*s…", (int)gw_utf8_cut(s, SHOWN), s.ptr);
}

static gw_str tail(struct gw_arena *a, gw_str s)
{
    size_t from = s.len - SHOWN;
    while (s.len > SHOWN && from < s.len && ((unsigned char)s.ptr[from] & 0xC0) == 0x80)
        from++;
    return s.len <= SHOWN ? s : gw_arena_printf(a, "…%.*s", (int)(s.len - from), s.ptr + from);
}

bool sc_find_miss(const struct sc_thread *t, size_t miss, struct gw_arena *a, gw_nsec until,
                  struct sc_miss *out)
{
    if (miss >= t->misses_n)
        return false;
    const struct sc_grok *g = t->misses[miss].grok;
    *out =
        (struct sc_miss){.script = g->script->name, .pattern = g->grok->source, .text = t->misses[miss].text};
    sc_place(g->script->text, g->pos, &out->line, &out->column);
    out->stop = grok_find_stop(g->grok, t->re, a, out->text, until);
    return !out->stop.late;
}

gw_str sc_explain_miss(const struct sc_thread *t, size_t miss, struct gw_arena *a)
{
    struct sc_miss m;
    if (!sc_find_miss(t, miss, a, GW_NEVER, &m))
        return GW_NOSTR;
    if (!m.stop.before.len)
        return gw_arena_printf(a, "%.*s:%u:%u: grok does not match: `%.*s` is nowhere in the text",
                               GW_FMT(m.script), m.line, m.column, GW_FMT(m.stop.part));
    gw_str rest = gw_str_from(m.text, m.stop.at), before = tail(a, m.stop.before), shown = head(a, rest);
    gw_str quoted = rest.len ? gw_arena_printf(a, "\"%.*s\"", GW_FMT(shown)) : GW_STR("its end");
    return gw_arena_printf(
        a,
        "%.*s:%u:%u: grok stops at byte %zu of the text: `%.*s` matches up to there, `%.*s` "
        "does not match %.*s",
        GW_FMT(m.script), m.line, m.column, m.stop.at, GW_FMT(before), GW_FMT(m.stop.part), GW_FMT(quoted));
}
