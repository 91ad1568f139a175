/* Checks W3C's grammar of tracestate (dd_tracestate.h).
 *
 * Keeps no state. Called by dd_sampling.c for spans and dd_links.c for links.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_tracestate.h"

enum { KEY_MAX = 256, VALUE_MAX = 256 };

static bool begins_key(char c)
{
    return gw_is_digit(c) || (c >= 'a' && c <= 'z');
}

static bool is_key(gw_str s)
{
    if (s.len == 0 || s.len > KEY_MAX || !begins_key(*s.ptr))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!begins_key(s.ptr[i]) && !gw_char_in(s.ptr[i], "_-*/@"))
            return false;
    return true;
}

/* Blanks around the value were removed before. */
static bool is_value(gw_str s)
{
    if (s.len == 0 || s.len > VALUE_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '=')
            return false;
    return true;
}

static bool is_new(const gw_str *keys, size_t n, gw_str key)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(keys[i], key))
            return false;
    return true;
}

bool dd_tracestate_valid(gw_str list)
{
    gw_str keys[DD_TRACESTATE_MEMBERS], member;
    size_t n = 0;
    while (gw_str_next(&list, ',', &member)) {
        member = gw_str_trim(member);
        if (member.len == 0)
            continue;
        size_t at = gw_str_find(member, '=');
        gw_str key = gw_str_n(member.ptr, at);
        if (n == DD_TRACESTATE_MEMBERS || !is_key(key) || !is_value(gw_str_from(member, at + 1)) ||
            !is_new(keys, n, key))
            return false;
        keys[n++] = key;
    }
    return true;
}
