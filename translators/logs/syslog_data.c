/* syslog_data.c: Reads structured data, RFC 5424 §6.3: [ID name="value" name="value"][ID …]. In values, \" \\
 * \] are escapes and every other backslash is itself. Keeps no state: texts are views or in the arena. Called
 * by syslog_parse.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/syslog_parse.h"

enum { NAME = 255 }; /* RFC 5424 allows 32; some programs write longer ones */

/* The end of a name that begins at `from`; the same place when none does. */
static size_t name_end(gw_str s, size_t from)
{
    size_t i = from;
    while (i < s.len && i - from < NAME && s.ptr[i] > ' ' && s.ptr[i] != 0x7F && s.ptr[i] != '=' &&
           s.ptr[i] != ']' && s.ptr[i] != '"')
        i++;
    return i;
}

/* The place of the quote that ends a value; s.len when none does. */
static size_t value_end(gw_str s, size_t i, bool *escaped)
{
    for (*escaped = false; i < s.len && s.ptr[i] != '"'; i++) {
        char next = s.ptr[i] == '\\' && i + 1 < s.len ? s.ptr[i + 1] : '\0';
        if (next == '"' || next == '\\' || next == ']') {
            *escaped = true;
            i++;
        }
    }
    return i < s.len ? i : s.len;
}

static gw_str unescape_value(gw_str s, struct gw_arena *arena)
{
    char *out = gw_arena_raw(arena, s.len, 1);
    size_t n = 0;
    for (size_t i = 0; out && i < s.len; i++) {
        if (s.ptr[i] == '\\' && i + 1 < s.len &&
            (s.ptr[i + 1] == '"' || s.ptr[i + 1] == '\\' || s.ptr[i + 1] == ']'))
            i++;
        out[n++] = s.ptr[i];
    }
    return out ? gw_str_n(out, n) : s;
}

/* A repeated name (ip="…" ip="…") has both values. False: there is no room. */
static bool add_param(struct syslog_message *m, struct gw_arena *arena, gw_str key, gw_str value)
{
    for (size_t i = 0; i < m->data_n; i++)
        if (gw_str_eq(m->data[i].key, key)) {
            gw_str both = gw_arena_printf(arena, "%.*s,%.*s", GW_FMT(m->data[i].text), GW_FMT(value));
            if (both.len)
                m->data[i].text = both;
            return both.len > 0;
        }
    if (!key.len || m->data_n == SYSLOG_PARAMS)
        return false;
    m->data[m->data_n++] = (struct log_attr){.key = key, .text = value};
    return true;
}

static void append_text(char *out, size_t *n, gw_str s)
{
    if (s.len)
        memcpy(out + *n, s.ptr, s.len);
    *n += s.len;
}

/* Empty when there is no memory. */
static gw_str param_key(struct gw_arena *arena, gw_str id, gw_str name)
{
    static const gw_str prefix = GW_LIT("syslog.structured_data.");
    char *out = gw_arena_raw(arena, prefix.len + id.len + 1 + name.len, 1);
    size_t n = 0;
    if (!out)
        return GW_NOSTR;
    append_text(out, &n, prefix);
    append_text(out, &n, id);
    append_text(out, &n, name.len ? GW_STR(".") : GW_NOSTR);
    append_text(out, &n, name);
    return gw_str_n(out, n);
}

/* Reads one element, which begins at s[0] with '['. Its length; 0: it is not one. *full: a parameter was left
 * out. */
static size_t read_element(gw_str s, struct gw_arena *arena, struct syslog_message *m, bool *full)
{
    size_t i = name_end(s, 1);
    gw_str id = gw_str_n(s.ptr + 1, i - 1);
    bool empty = true, escaped;
    while (id.len && i < s.len && s.ptr[i] == ' ') {
        while (i < s.len && s.ptr[i] == ' ')
            i++;
        if (i < s.len && s.ptr[i] == ']')
            break;
        gw_str name = gw_str_n(s.ptr + i, name_end(s, i) - i);
        size_t value = i + name.len + 2;
        if (!name.len || value > s.len || s.ptr[value - 2] != '=' || s.ptr[value - 1] != '"')
            return 0;
        i = value_end(s, value, &escaped);
        if (i == s.len)
            return 0;
        gw_str text = gw_str_n(s.ptr + value, i - value);
        *full = *full || !add_param(m, arena, param_key(arena, id, name),
                                    escaped ? unescape_value(text, arena) : text);
        empty = false;
        i++;
    }
    if (!id.len || i >= s.len || s.ptr[i] != ']')
        return 0;
    *full = *full || (empty && !add_param(m, arena, param_key(arena, id, GW_NOSTR), GW_NOSTR));
    return i + 1;
}

bool syslog_data(gw_str *text, struct gw_arena *arena, struct syslog_message *m)
{
    gw_str rest = *text;
    bool full = false;
    while (rest.len && *rest.ptr == '[') {
        size_t n = read_element(rest, arena, m, &full);
        if (n == 0)
            break;
        rest = gw_str_from(rest, n);
    }
    if (rest.len && *rest.ptr != ' ') {
        m->data_n = 0;
        return false;
    }
    if (full)
        m->data[m->data_n++] = (struct log_attr){.key = GW_STR("syslog.structured_data"),
                                                 .text = gw_str_n(text->ptr, text->len - rest.len)};
    *text = rest;
    return true;
}
