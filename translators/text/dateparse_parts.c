/* dateparse_parts.c: Writes the parts of the layout that the other files find beside the text: the reference
 * time's year, month, day, hours, minutes and seconds, at the places where the text has its own. Owns nothing.
 * Called by all of dateparse_*.c.
 *
 * SPDX-License-Identifier: Apache-2.0 AND MIT */
#include "translators/text/dateparse_guess.h"

void guess_put(struct guess *g, int at, const char *text)
{
    int len = (int)strlen(text);
    if (at >= 0 && g->layout_len >= at + len)
        memcpy(g->layout + at, text, (size_t)len);
}

static void put_by_length(struct guess *g, int at, int len, const char *two, const char *other, int other_len)
{
    if (len == 2)
        guess_put(g, at, two);
    else if (len == other_len)
        guess_put(g, at, other);
}

void guess_month(struct guess *g)
{
    put_by_length(g, g->month, g->month_len, "01", "1", 1);
}

void guess_day(struct guess *g)
{
    put_by_length(g, g->day, g->day_len, "02", "2", 1);
}

void guess_year(struct guess *g)
{
    put_by_length(g, g->year, g->year_len, "06", "2006", 4);
}

void guess_clock_parts(struct guess *g, int end)
{
    if (g->hour > 0)
        put_by_length(g, g->hour, g->hour_len, "15", "3", 1);
    if (g->minute > 0) {
        if (g->minute_len == 0)
            g->minute_len = end - g->minute;
        guess_put(g, g->minute, g->minute_len == 2 ? "04" : "4");
    }
    if (g->second > 0) {
        if (g->second_len == 0)
            g->second_len = end - g->second;
        guess_put(g, g->second, g->second_len == 2 ? "05" : "5");
    }
    for (int i = 0; g->fraction > 0 && i < g->fraction_len && g->fraction + i < g->layout_len; i++)
        g->layout[g->fraction + i] = '0';
}

bool guess_next_is(const struct guess *g, int at, char c)
{
    return g->len > at + 1 && g->text[at + 1] == c;
}

enum guess_step guess_cut(struct guess *g, int from, int n)
{
    memmove(g->text + from, g->text + from + n, (size_t)(g->len - from - n));
    g->len -= n;
    return AGAIN;
}
