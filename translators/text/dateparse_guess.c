/* dateparse_guess.c: walks over a text and builds the layout that would read it; dateparse_date.c and
 * dateparse_clock.c take the steps. All state is in a struct guess on the caller's stack. Called by
 * dateparse.c.
 * SPDX-License-Identifier: Apache-2.0 AND MIT
 */
#include "translators/text/dateparse_guess.h"

#include <stdio.h>

enum { RESTARTS = 8 };

static void end_of_date(struct guess *g)
{
    if (g->year > 0) {
        if (g->year_len == 0)
            g->year_len = g->i - g->year;
        guess_year(g);
    }
    if (g->month > 0 && g->month_len == 0) {
        g->month_len = g->i - g->month;
        guess_month(g);
    }
    if (g->day > 0 && g->day_len == 0) {
        g->day_len = g->i - g->day;
        guess_day(g);
    }
}

static enum guess_step walk(struct guess *g)
{
    enum guess_step result = GO_ON;
    for (; g->i < g->len; g->i++) {
        gw_str rest = gw_str_n(g->text + g->i, (size_t)(g->len - g->i));
        size_t before = rest.len;
        uint32_t rune = gw_utf8_next(&rest);
        g->i += (int)(before - rest.len) - 1;
        result = guess_date_step(g, rune);
        if (result == NO_TIME || result == AGAIN)
            return result;
        if (result == DONE)
            break;
    }
    end_of_date(g);
    if (g->clock == T_START)
        guess_clock_walk(g, &result);
    return result;
}

static bool set_layout(struct guess *g, const char *layout)
{
    g->layout_len = (int)strlen(layout);
    memcpy(g->layout, layout, (size_t)g->layout_len);
    return true;
}

/* Go's quoting of text for people: invisible characters are escaped, letters of all scripts stay. */
static void quote(char *to, size_t room, gw_str s)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", names[] = "abfnrtv\\\"";
    size_t n = 0;
    to[n++] = '"';
    for (size_t i = 0; i < s.len && n + 6 < room; i++) {
        const char *hit = s.ptr[i] ? strchr(from, s.ptr[i]) : NULL;
        if (hit)
            n += (size_t)snprintf(to + n, room - n, "\\%c", names[hit - from]);
        else if ((unsigned char)s.ptr[i] < ' ' || s.ptr[i] == 0x7F)
            n += (size_t)snprintf(to + n, room - n, "\\x%02x", (unsigned char)s.ptr[i]);
        else
            to[n++] = s.ptr[i];
    }
    to[n++] = '"';
    to[n] = 0;
}

bool guess_unknown(gw_str text, char *why)
{
    char quoted[LAYOUT_ERROR_SIZE - 40];
    quote(quoted, sizeof quoted, text);
    snprintf(why, LAYOUT_ERROR_SIZE, "Could not find format for %s", quoted);
    return false;
}

/* Only digits: their number decides their unit. */
static bool digits_only(struct guess *g, gw_str text, char *why)
{
    static const struct {
        int len;
        int64_t unit; /* how many of it are a second */
    } rows[] = {{19, 1000000000}, {16, 1000000}, {13, 1000}, {10, 1}};
    int64_t count;
    if (g->len == 14 || g->len == 8 || g->len == 4)
        return set_layout(g, g->len == 14 ? "20060102150405" : g->len == 8 ? "20060102" : "2006");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (g->len == rows[i].len && gw_str_i64(gw_str_n(g->text, (size_t)g->len), &count)) {
            g->has_time = true;
            g->time = (struct layout_time){count / rows[i].unit,
                                           (int)(count % rows[i].unit * (1000000000 / rows[i].unit))};
            return true;
        }
    if (g->len >= 4)
        return guess_unknown(text, why);
    snprintf(why, LAYOUT_ERROR_SIZE, "unrecognized format, too short %.*s", GW_FMT(text));
    return false;
}

/* The decisions about the date that depend on the end of the text. */
static bool end(struct guess *g, gw_str text, char *why)
{
    int length = g->len - (g->month + g->month_len + 1);
    switch (g->date) {
    case D_DIGIT:
        return digits_only(g, text, why);
    case D_YEAR_DASH_ALPHA_DASH:
        g->day_len = g->i - g->day;
        guess_day(g);
        return true;
    case D_DIGIT_DASH_ALPHA_DASH:
        if (length == 4 || length == 2) {
            g->year_len = length;
            guess_year(g);
            g->day = 0;
            g->day_len = g->part1;
            guess_day(g);
        }
        return true;
    case D_DIGIT_DOT:
        g->month_len = g->i - g->month;
        guess_month(g);
        return true;
    case D_DIGIT_WS_MOLONG:
        return set_layout(g, g->day_len == 2 ? "02 January 2006" : "2 January 2006");
    case D_ALPHA_WS_MONTH:
    case D_ALPHA_WS_DIGIT_MORE_WS:
        g->year_len = g->i - g->year;
        guess_year(g);
        return true;
    case D_CHINESE_YEAR:
        return set_layout(g, "2006\xE5\xB9\xB4"
                             "01\xE6\x9C\x88"
                             "02\xE6\x97\xA5");
    case D_CHINESE_YEAR_WS:
        return set_layout(g, "2006\xE5\xB9\xB4"
                             "01\xE6\x9C\x88"
                             "02\xE6\x97\xA5 15:04:05");
    case D_YEAR_DASH:
    case D_YEAR_DASH_DASH:
    case D_YEAR_DASH_DASH_WS:
    case D_YEAR_DASH_DASH_T:
    case D_DIGIT_DOT_DOT:
    case D_DIGIT_WS_MO_YEAR:
    case D_ALPHA_WS_MONTH_MORE:
    case D_ALPHA_WS_DIGIT_MORE_WS_YEAR:
    case D_ALPHA_WS_ALPHA:
    case D_ALPHA_WS_DIGIT:
    case D_ALPHA_WS_DIGIT_YEARMAYBE:
    case D_DIGIT_SLASH:
    case D_DIGIT_COLON:
    case D_WEEKDAY_COMMA:
    case D_WEEKDAY_ABBREV_COMMA:
        return true;
    default:
        return guess_unknown(text, why);
    }
}

/* A month's whole name at the head, and a weekday that is left out. */
static void finish(struct guess *g)
{
    if (g->full_month && g->month == 0) {
        int rest = g->layout_len - g->full_month;
        if (rest >= 0 && rest + 7 <= (int)sizeof g->layout) {
            memmove(g->layout + 7, g->layout + g->full_month, (size_t)rest);
            memcpy(g->layout, "January", 7);
            g->layout_len = rest + 7;
        }
    }
    if (g->skip > 0 && g->layout_len > g->skip && g->len >= g->skip) {
        memmove(g->layout, g->layout + g->skip, (size_t)(g->layout_len - g->skip));
        memmove(g->text, g->text + g->skip, (size_t)(g->len - g->skip));
        g->layout_len -= g->skip;
        g->len -= g->skip;
    }
}

bool guess_layout(struct guess *g, gw_str text, char *why)
{
    enum guess_step result = AGAIN;
    memcpy(g->text, text.ptr ? text.ptr : "", text.len);
    g->len = (int)text.len;
    for (int i = 0; i < RESTARTS && result == AGAIN; i++) {
        char kept[sizeof g->text];
        int len = g->len;
        memcpy(kept, g->text, (size_t)len);
        memset(g, 0, offsetof(struct guess, text));
        g->len = g->layout_len = len;
        memcpy(g->text, kept, (size_t)len);
        memcpy(g->layout, kept, (size_t)len);
        result = walk(g);
    }
    gw_str last = gw_str_n(g->text, (size_t)g->len);
    if (result == NO_TIME || result == AGAIN)
        return guess_unknown(last, why);
    if (!end(g, last, why))
        return false;
    finish(g);
    return true;
}
