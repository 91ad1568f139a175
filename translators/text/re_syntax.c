/* re_syntax.c: Translates an expression from RE2's language to PCRE2's, or returns the reason why it is not
 * valid. The result is in the given arena. Called by re.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/text/re_syntax.h"

#include <stdio.h>

enum { MOST_REPEATS = 1000, DEPTH = 250 };

static int peek(const struct re_syntax *x, size_t ahead)
{
    return x->at + ahead < x->from.len ? (unsigned char)x->from.ptr[x->at + ahead] : -1;
}

static bool refuse(struct re_syntax *x, const char *what, size_t from, size_t to)
{
    gw_str part = gw_str_n(x->from.ptr + from, (to < x->from.len ? to : x->from.len) - from);
    if (part.len > 80)
        part.len = 80;
    snprintf(x->why, RE_ERROR_SIZE, "error parsing regexp: %s: `%.*s`", what, GW_FMT(part));
    return false;
}

static bool starts(const struct re_syntax *x, const char *text)
{
    return gw_str_starts(gw_str_from(x->from, x->at), gw_str_z(text));
}

static bool is_word(int c)
{
    return gw_is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Copies the n bytes at the cursor. */
static void copy(struct re_syntax *x, size_t n)
{
    gw_text_put(&x->out, x->from.ptr + x->at, n);
    x->at += n;
}

/* \pL, \p{Greek}, \p{^Greek} */
static bool property(struct re_syntax *x)
{
    size_t from = x->at, len = 3;
    if (peek(x, 2) == -1)
        return refuse(x, "invalid character class range", from, from + 2);
    if (peek(x, 2) == '{') {
        while (peek(x, len) != '}' && peek(x, len) != -1)
            len++;
        if (peek(x, len++) == -1)
            return refuse(x, "invalid character class range", from, x->from.len);
    }
    copy(x, len);
    return true;
}

/* \x41 \x{1F600} */
static bool hex_escape(struct re_syntax *x)
{
    size_t from = x->at, len = 4;
    uint64_t rune;
    gw_str digits = gw_str_n(x->from.ptr + from + 2, 2);
    if (peek(x, 2) == '{') {
        for (len = 3; peek(x, len) != '}' && peek(x, len) != -1; len++)
            continue;
        digits = gw_str_n(x->from.ptr + from + 3, len - 3);
        len++;
    }
    if (from + len > x->from.len || !gw_str_hex64(digits, &rune) || rune > 0x10FFFF ||
        (rune >= 0xD800 && rune < 0xE000))
        return refuse(x, "invalid escape sequence", from, from + len);
    char text[16];
    x->at += len;
    gw_text_put(&x->out, text, (size_t)snprintf(text, sizeof text, "\\x{%x}", (unsigned)rune));
    return true;
}

/* \012, \0: up to three octal digits; a single one other than 0 would be a back reference. */
static bool octal_escape(struct re_syntax *x)
{
    size_t len = 1;
    unsigned rune = 0;
    char text[16];
    if (peek(x, 1) > '7' || (peek(x, 1) != '0' && (peek(x, 2) < '0' || peek(x, 2) > '7')))
        return refuse(x, "invalid escape sequence", x->at, x->at + 2);
    for (; len < 4 && peek(x, len) >= '0' && peek(x, len) <= '7'; len++)
        rune = rune * 8 + (unsigned)(peek(x, len) - '0');
    x->at += len;
    gw_text_put(&x->out, text, (size_t)snprintf(text, sizeof text, "\\x{%x}", rune));
    return true;
}

static bool put_for(struct re_syntax *x, const char *text)
{
    x->at += 2;
    gw_text_put_z(&x->out, text);
    return true;
}

/* An escape that is allowed inside and outside of a class. */
static bool escape(struct re_syntax *x, bool in_class)
{
    int c = peek(x, 1);
    if (c == -1)
        return refuse(x, "trailing backslash at end of expression", x->at, x->at);
    switch (c) {
    case 's':
        return put_for(x, in_class ? "\\t\\n\\f\\r " : "[\\t\\n\\f\\r ]");
    case 'S':
        return put_for(x, in_class ? "\\S\\x0b" : "[^\\t\\n\\f\\r ]");
    case 'v':
        return put_for(x, "\\x0b");
    case 'd':
    case 'D':
    case 'w':
    case 'W':
    case 'a':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        copy(x, 2);
        return true;
    case 'p':
    case 'P':
        return property(x);
    case 'x':
        return hex_escape(x);
    default:
        break;
    }
    if (gw_is_digit(c))
        return octal_escape(x);
    if (c >= 0x80 || (is_word(c) && c != '_'))
        return refuse(x, "invalid escape sequence", x->at, x->at + 2);
    if (c == '_')
        return put_for(x, "_");
    copy(x, 2);
    return true;
}

/* True if the cursor in a class is at one character, not at a set of them. */
static bool one_char(const struct re_syntax *x)
{
    return !(peek(x, 0) == '\\' && gw_char_in(peek(x, 1), "dDsSwWpP")) && !starts(x, "[:");
}

static bool class_item(struct re_syntax *x)
{
    if (starts(x, "[:")) {
        gw_str rest = gw_str_from(x->from, x->at + 2);
        for (size_t i = 0; i + 1 < rest.len && (is_word(rest.ptr[i]) || rest.ptr[i] == '^'); i++)
            if (rest.ptr[i + 1] == ':' && i + 2 < rest.len && rest.ptr[i + 2] == ']') {
                copy(x, i + 5);
                return true;
            }
    }
    if (peek(x, 0) == '\\')
        return escape(x, true);
    if (peek(x, 0) == '[')
        gw_text_put_char(&x->out, '\\');
    gw_str rest = gw_str_from(x->from, x->at);
    size_t before = rest.len;
    gw_utf8_next(&rest);
    copy(x, before - rest.len);
    return true;
}

static bool class(struct re_syntax *x)
{
    size_t from = x->at;
    copy(x, peek(x, 1) == '^' ? 2 : 1);
    for (bool first = true; first || peek(x, 0) != ']'; first = false) {
        size_t item = x->at;
        bool single = one_char(x);
        if (peek(x, 0) == -1)
            return refuse(x, "missing closing ]", from, x->from.len);
        if (first && peek(x, 0) == ']')
            gw_text_put_char(&x->out, '\\');
        if (!class_item(x))
            return false;
        if (peek(x, 0) != '-' || peek(x, 1) == ']' || peek(x, 1) == -1)
            continue;
        if (!single) {
            gw_text_put_z(&x->out, "\\");
            copy(x, 1);
            continue;
        }
        copy(x, 1);
        if (!one_char(x))
            return refuse(x, "invalid character class range", item, x->at + 2);
        if (!class_item(x))
            return false;
    }
    copy(x, 1);
    return true;
}

/* {n}, {n,}, {n,m}: its length, 0 if it is not a count; SIZE_MAX if its numbers are too large or in the wrong
 * order. */
static size_t count_at(const struct re_syntax *x)
{
    unsigned number[2] = {0, 0};
    size_t len = 1;
    int n = 0;
    for (; n < 2; n++) {
        size_t first = len;
        for (; gw_is_digit(peek(x, len)); len++)
            number[n] =
                number[n] > MOST_REPEATS ? number[n] : number[n] * 10 + (unsigned)(peek(x, len) - '0');
        if (len == first && n == 0)
            return 0;
        if (len == first)
            number[n] = number[0];
        if (n == 1 || peek(x, len) != ',')
            break;
        len++;
    }
    if (peek(x, len) != '}')
        return 0;
    if (n == 0)
        number[1] = number[0];
    return number[0] > MOST_REPEATS || number[1] > MOST_REPEATS || number[1] < number[0] ? SIZE_MAX : len + 1;
}

/* * + ? {n,m} behind something that can be repeated, with one ? for lazy. */
static bool repeat(struct re_syntax *x, size_t len, bool *repeatable)
{
    size_t from = x->at;
    if (!*repeatable)
        return refuse(x, "missing argument to repetition operator", from, from + len);
    copy(x, len);
    if (peek(x, 0) == '?')
        copy(x, 1);
    size_t more = peek(x, 0) == '{' ? count_at(x) : 0;
    if (peek(x, 0) == '*' || peek(x, 0) == '+' || peek(x, 0) == '?' || more)
        return refuse(x, "invalid nested repetition operator", from,
                      x->at + (more && more != SIZE_MAX ? more : 1));
    *repeatable = false;
    return true;
}

static bool name_group(struct re_syntax *x, gw_str name)
{
    for (size_t i = 0; i < name.len; i++)
        if (!is_word((unsigned char)name.ptr[i]))
            return false;
    if (x->names_n == x->names_cap) {
        size_t cap = x->names_cap ? x->names_cap * 2 : 16;
        struct re_name *fresh = gw_arena_raw(x->out.arena, cap, sizeof *fresh);
        if (!fresh)
            return false;
        if (x->names_n)
            memcpy(fresh, x->names, x->names_n * sizeof *fresh);
        x->names = fresh;
        x->names_cap = cap;
    }
    x->names[x->names_n++] = (struct re_name){name, ++x->groups};
    return name.len > 0;
}

/* (?i) (?i-s:…) (?:…); true with *open when a group is opened. */
static bool flags(struct re_syntax *x, bool *open)
{
    size_t len = 2;
    bool minus = false, any = false;
    for (;; len++) {
        int c = peek(x, len);
        if (c == '-' && !minus) {
            minus = true;
            any = false;
        } else if (c == 'i' || c == 'm' || c == 's' || c == 'U') {
            any = true;
        } else {
            break;
        }
    }
    int c = peek(x, len);
    if ((c != ':' && c != ')') || (minus && !any))
        return refuse(x, c == -1 ? "missing closing )" : "invalid or unsupported Perl syntax", x->at,
                      x->at + len + 1);
    *open = c == ':';
    copy(x, len + 1);
    return true;
}

static bool open_group(struct re_syntax *x, bool *open)
{
    size_t from = x->at, head = starts(x, "(?P<") ? 4 : starts(x, "(?<") ? 3 : 0;
    *open = true;
    if (head) {
        gw_str rest = gw_str_from(x->from, from + head);
        size_t len = gw_str_find(rest, '>');
        if (len == rest.len || !name_group(x, gw_str_n(rest.ptr, len)))
            return refuse(x, "invalid named capture", from, x->from.len);
        x->at += head + len + 1;
        gw_text_put_char(&x->out, '(');
        return true;
    }
    if (starts(x, "(?P"))
        return refuse(x, "invalid named capture", from, x->from.len);
    if (starts(x, "(?"))
        return flags(x, open);
    x->at++;
    gw_text_put_z(&x->out, x->named_only ? "(?:" : "(");
    x->groups += !x->named_only;
    return true;
}

/* \Q…\E and the escapes that are only allowed outside of classes. */
static bool outer_escape(struct re_syntax *x, bool *repeatable)
{
    int c = peek(x, 1);
    if (c == 'Q') {
        x->at += 2;
        while (peek(x, 0) != -1 && !starts(x, "\\E")) {
            *repeatable = true;
            int one = peek(x, 0);
            if (one < 0x80 && !is_word(one))
                gw_text_put_char(&x->out, '\\');
            copy(x, 1);
        }
        x->at += peek(x, 0) == -1 ? 0 : 2;
        return true;
    }
    *repeatable = true;
    if (c == 'A' || c == 'z' || c == 'b' || c == 'B') {
        gw_text_put_z(&x->out, "(?:");
        copy(x, 2);
        gw_text_put_char(&x->out, ')');
        return true;
    }
    return escape(x, false);
}

static bool step(struct re_syntax *x, unsigned *depth, bool *repeatable)
{
    int c = peek(x, 0);
    bool open;
    size_t count;
    switch (c) {
    case '\\':
        return outer_escape(x, repeatable);
    case '[':
        *repeatable = true;
        return class(x);
    case '(':
        *repeatable = false;
        if (!open_group(x, &open))
            return false;
        *depth += open;
        return *depth <= DEPTH || refuse(x, "expression nests too deeply", 0, x->from.len);
    case ')':
        if (!*depth)
            return refuse(x, "unexpected )", 0, x->from.len);
        --*depth;
        *repeatable = true;
        copy(x, 1);
        return true;
    case '|':
        *repeatable = false;
        copy(x, 1);
        return true;
    case '*':
    case '+':
    case '?':
        return repeat(x, 1, repeatable);
    case '{':
        count = count_at(x);
        if (count == SIZE_MAX)
            return refuse(x, "invalid repeat count", x->at,
                          x->at + 1 + gw_str_find(gw_str_from(x->from, x->at), '}'));
        if (count)
            return repeat(x, count, repeatable);
        gw_text_put_char(&x->out, '\\');
        break;
    case '^':
    case '$':
        *repeatable = true;
        gw_text_put_z(&x->out, c == '^' ? "(?:^)" : "(?:$)");
        x->at++;
        return true;
    default:
        break;
    }
    *repeatable = true;
    gw_str rest = gw_str_from(x->from, x->at);
    size_t before = rest.len;
    gw_utf8_next(&rest);
    copy(x, before - rest.len);
    return true;
}

bool re_rewrite(struct re_syntax *x)
{
    unsigned depth = 0;
    bool repeatable = false;
    if (!gw_utf8_valid(x->from)) {
        snprintf(x->why, RE_ERROR_SIZE, "error parsing regexp: invalid UTF-8");
        return false;
    }
    while (x->at < x->from.len)
        if (!step(x, &depth, &repeatable))
            return false;
    return !depth || refuse(x, "missing closing )", 0, x->from.len);
}
