/* log_logfmt.c: Rewrites lines of key=value pairs as JSON. Keeps no state: the result is in the given arena.
 * Called by log_json.c and log_text.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_logfmt.h"

enum { LOOK = 12 /* number of pairs that are searched for a level */ };

struct pair {
    gw_str key, value; /* the value without its quotes */
    char quote;        /* 0: there were none */
};

static bool is_key_char(char c)
{
    return gw_is_letter(c) || gw_is_digit(c) || gw_char_in(c, "_.@/-");
}

static gw_str skip_blanks(gw_str s)
{
    while (s.len && gw_char_in(*s.ptr, " \t\r\n"))
        s.ptr++, s.len--;
    return s;
}

/* Behind the quote that closes; all of it when none does. */
static size_t quoted_length(gw_str s, char quote)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '\\')
            i++;
        else if (s.ptr[i] == quote)
            return i;
    }
    return s.len;
}

/* The next pair; false with the text here removed from *rest: it is not a pair. */
static bool next_pair(gw_str *rest, struct pair *p)
{
    gw_str s = *rest;
    size_t n = 0;
    while (n < s.len && is_key_char(s.ptr[n]))
        n++;
    if (n == 0 || n == s.len || s.ptr[n] != '=') {
        while (n < s.len && !gw_char_in(s.ptr[n], " \t\r\n"))
            n++;
        *rest = skip_blanks(gw_str_from(s, n));
        return false;
    }
    p->key = gw_str_n(s.ptr, n);
    s = gw_str_from(s, n + 1);
    p->quote = s.len && (*s.ptr == '"' || *s.ptr == '\'') ? *s.ptr : '\0';
    if (p->quote) {
        s = gw_str_from(s, 1);
        p->value = gw_str_n(s.ptr, quoted_length(s, p->quote));
        *rest = skip_blanks(gw_str_from(s, p->value.len + 1));
        return true;
    }
    for (n = 0; n < s.len && !gw_char_in(s.ptr[n], " \t\r\n");)
        n++;
    p->value = gw_str_n(s.ptr, n);
    *rest = skip_blanks(gw_str_from(s, n));
    return true;
}

static bool is_one_of(gw_str key, const gw_str *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(key, keys[i]))
            return true;
    return false;
}

bool log_is_logfmt(gw_str text)
{
    static const gw_str levels[] = {GW_LIT("level"), GW_LIT("lvl"), GW_LIT("severity"), GW_LIT("levelname"),
                                    GW_LIT("log.level")},
                        times[] = {GW_LIT("time"), GW_LIT("ts"), GW_LIT("t"), GW_LIT("timestamp")},
                        messages[] = {GW_LIT("msg"), GW_LIT("message"), GW_LIT("event")};
    struct pair p;
    bool time = false, message = false;
    if (!text.len || !(gw_is_letter(*text.ptr) || *text.ptr == '_' || *text.ptr == '@'))
        return false;
    for (int i = 0; i < LOOK && text.len; i++) {
        if (!next_pair(&text, &p)) {
            if (i == 0)
                return false;
            continue;
        }
        if (is_one_of(p.key, levels, sizeof levels / sizeof *levels))
            return true;
        time |= is_one_of(p.key, times, sizeof times / sizeof *times);
        message |= is_one_of(p.key, messages, sizeof messages / sizeof *messages);
    }
    return time && message;
}

/* --- as JSON --- */

struct writer {
    char *at;
};

static void put(struct writer *w, gw_str s)
{
    memcpy(w->at, s.ptr, s.len);
    w->at += s.len;
}

static void put_char(struct writer *w, char c)
{
    static const char hex[] = "0123456789abcdef";
    if (c == '"' || c == '\\') {
        *w->at++ = '\\';
        *w->at++ = c;
    } else if ((unsigned char)c < ' ') {
        put(w, GW_STR("\\u00"));
        *w->at++ = hex[(unsigned char)c >> 4];
        *w->at++ = hex[c & 15];
    } else {
        *w->at++ = c;
    }
}

/* Backslashes in quotes are Go's, or Python's: those that JSON has stay, \' becomes ', others are text. */
static void put_string(struct writer *w, gw_str s, bool quoted)
{
    *w->at++ = '"';
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i], next = i + 1 < s.len ? s.ptr[i + 1] : '\0';
        if (c != '\\' || !quoted || !next) {
            put_char(w, c);
        } else if (gw_char_in(next, "\"\\/bfnrt") || (next == 'u' && i + 5 < s.len)) {
            *w->at++ = '\\';
            *w->at++ = next;
            i++;
        } else if (next == '\'') {
            put_char(w, next);
            i++;
        } else {
            put_char(w, c);
        }
    }
    *w->at++ = '"';
}

/* path:12 */
static bool is_place(gw_str s)
{
    size_t n = s.len;
    while (n && gw_is_digit(s.ptr[n - 1]))
        n--;
    return n > 1 && n < s.len && s.ptr[n - 1] == ':';
}

static gw_str key_of(const struct pair *p)
{
    if (gw_str_eq(p->key, GW_STR("t")))
        return GW_STR("time");
    if (gw_str_eq(p->key, GW_STR("source")) && is_place(p->value))
        return GW_STR("caller");
    return p->key;
}

bool log_logfmt_json(struct gw_arena *a, gw_str text, gw_str *json, bool *whole)
{
    enum { MOST = 6 /* bytes of JSON that one byte can become */, AROUND = 32 };
    char *to = gw_arena_raw(a, text.len * MOST + AROUND, 1);
    struct writer w = {to};
    struct pair p;
    *whole = false;
    if (!to)
        return false;
    *w.at++ = '{';
    while (text.len) {
        if (!next_pair(&text, &p)) {
            *whole = true;
            continue;
        }
        if (w.at - to > 1)
            *w.at++ = ',';
        put_string(&w, key_of(&p), false);
        *w.at++ = ':';
        put_string(&w, p.value, p.quote);
    }
    *w.at++ = '}';
    *json = gw_str_n(to, (size_t)(w.at - to));
    return true;
}
