/* Makes texts from other texts: another letter case, several texts joined.
 *
 * Keeps no state; see dd_strings.h. Called where the conventions want a value in another form than the tracer
 * sent.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_strings.h"

#include "translators/otlp/otlp_write.h"

/* Returns the text with every byte mapped, or the text itself if nothing changes. */
__attribute__((always_inline)) static inline gw_str mapped_text(struct gw_arena *arena, gw_str s,
                                                                char (*map)(char))
{
    size_t i = 0;
    while (i < s.len && s.ptr[i] == map(s.ptr[i]))
        i++;
    if (i == s.len)
        return s;
    char *copy = gw_arena_raw(arena, s.len, 1);
    for (i = 0; copy && i < s.len; i++)
        copy[i] = map(s.ptr[i]);
    return copy ? gw_str_n(copy, s.len) : GW_NOSTR;
}

static char upper_char(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 32) : c;
}

gw_str dd_lower(struct gw_arena *arena, gw_str s)
{
    return mapped_text(arena, s, gw_lower);
}

gw_str dd_upper(struct gw_arena *arena, gw_str s)
{
    return mapped_text(arena, s, upper_char);
}

gw_str dd_concat(struct gw_arena *arena, gw_str a, gw_str between, gw_str b)
{
    char *p = gw_arena_raw(arena, a.len + between.len + b.len, 1);
    if (!p)
        return GW_NOSTR;
    uint8_t *at = otlp_put_bytes((uint8_t *)p, a);
    at = otlp_put_bytes(otlp_put_bytes(at, between), b);
    return gw_str_n(p, (size_t)((char *)at - p));
}

long dd_find(gw_str s, gw_str needle)
{
    for (size_t i = 0; i + needle.len <= s.len; i++) {
        if (gw_lower(s.ptr[i]) != needle.ptr[0])
            continue;
        if (gw_str_ieq(gw_str_n(s.ptr + i, needle.len), needle))
            return (long)i;
    }
    return -1;
}

gw_str dd_utf8(struct gw_arena *arena, gw_str s)
{
    if (gw_utf8_valid(s))
        return s;
    char *copy = gw_arena_raw(arena, s.len, 3);
    return copy ? gw_str_n(copy, gw_utf8_repair(s, copy)) : GW_NOSTR;
}

bool dd_is_among(gw_str s, const gw_str *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(s, list[i]))
            return true;
    return false;
}
