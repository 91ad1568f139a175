/* dateparse_guess.h: the layout of a time, guessed. Used by dateparse.c; the walk over the date is in
 * dateparse_date.c, that over the time of day in dateparse_clock.c, what both write in dateparse_parts.c.
 * Threads: one; the state is the caller's.
 * SPDX-License-Identifier: Apache-2.0 AND MIT
 */
#ifndef DATEPARSE_GUESS_H
#define DATEPARSE_GUESS_H

#include "translators/text/layout.h"

enum guess_date {
    D_START,
    D_DIGIT,
    D_YEAR_DASH,
    D_YEAR_DASH_ALPHA_DASH,
    D_YEAR_DASH_DASH,
    D_YEAR_DASH_DASH_WS,
    D_YEAR_DASH_DASH_T,
    D_DIGIT_DASH,
    D_DIGIT_DASH_ALPHA,
    D_DIGIT_DASH_ALPHA_DASH,
    D_DIGIT_DOT,
    D_DIGIT_DOT_DOT,
    D_DIGIT_SLASH,
    D_DIGIT_COLON,
    D_CHINESE_YEAR,
    D_CHINESE_YEAR_WS,
    D_DIGIT_WS,
    D_DIGIT_WS_MO_YEAR,
    D_DIGIT_WS_MOLONG,
    D_ALPHA,
    D_ALPHA_WS,
    D_ALPHA_WS_DIGIT,
    D_ALPHA_WS_DIGIT_MORE,
    D_ALPHA_WS_DIGIT_MORE_WS,
    D_ALPHA_WS_DIGIT_MORE_WS_YEAR,
    D_ALPHA_WS_MONTH,
    D_ALPHA_WS_DIGIT_YEARMAYBE,
    D_ALPHA_WS_MONTH_MORE,
    D_ALPHA_WS_MONTH_SUFFIX,
    D_ALPHA_WS_MORE,
    D_ALPHA_WS_ALPHA,
    D_ALPHA_PERIOD_WS_DIGIT,
    D_WEEKDAY_COMMA,
    D_WEEKDAY_ABBREV_COMMA,
    D_STATES
};

enum guess_clock {
    T_IGNORE,
    T_START,
    T_WS,
    T_WS_ALPHA,
    T_WS_ALPHA_WS,
    T_WS_ALPHA_ZONE_OFFSET,
    T_WS_ALPHA_ZONE_OFFSET_WS,
    T_WS_ALPHA_ZONE_OFFSET_WS_YEAR,
    T_WS_ALPHA_ZONE_OFFSET_WS_EXTRA,
    T_WS_AMPM_MAYBE,
    T_WS_AMPM,
    T_WS_OFFSET,
    T_WS_OFFSET_WS,
    T_WS_OFFSET_COLON_ALPHA,
    T_WS_OFFSET_COLON,
    T_WS_YEAR,
    T_OFFSET,
    T_OFFSET_COLON,
    T_PERIOD,
    T_PERIOD_OFFSET,
    T_PERIOD_OFFSET_COLON,
    T_PERIOD_OFFSET_COLON_WS,
    T_PERIOD_WS,
    T_PERIOD_WS_ALPHA,
    T_PERIOD_WS_OFFSET,
    T_PERIOD_WS_OFFSET_WS_ALPHA,
    T_PERIOD_WS_OFFSET_COLON,
    T_PERIOD_WS_OFFSET_COLON_ALPHA,
    T_Z,
    T_Z_DIGIT,
    T_STATES
};

/* The result of a step: continue with the next character, finished, not a time, or start again with another
 * text. */
enum guess_step { GO_ON, DONE, NO_TIME, AGAIN };

struct guess {
    int len, layout_len;
    enum guess_date date;
    enum guess_clock clock;
    int i; /* the position of the walk */
    int skip, extra, part1;
    /* where they begin, how long they are; 0: not known */
    int year, year_len, month, month_len, day, day_len;
    int hour, hour_len, minute, minute_len, second, second_len, fraction, fraction_len;
    int offset, zone, zone_len;
    int full_month; /* length of a month's name at the head of the text */
    bool utc, has_time;
    struct layout_time time;                                 /* of a plain count of seconds and the like */
    char text[DATEPARSE_MAX + 8], layout[DATEPARSE_MAX + 8]; /* last: they are not cleared */
};

bool guess_layout(struct guess *, gw_str text, char *why);
/* Returns false, with the reference engine's message for a text that is not a time. */
bool guess_unknown(gw_str text, char *why);

enum guess_step guess_date_step(struct guess *, uint32_t rune);
void guess_clock_walk(struct guess *, enum guess_step *);

void guess_put(struct guess *, int at, const char *text);
void guess_month(struct guess *);
void guess_day(struct guess *);
void guess_year(struct guess *);
void guess_clock_parts(struct guess *, int end);
bool guess_next_is(const struct guess *, int at, char c);
/* Removes `text` from the walk: the rest is walked again from its beginning. */
enum guess_step guess_cut(struct guess *, int from, int n);

static inline bool guess_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}
/* Near enough to what Unicode calls a letter. */
static inline bool guess_letter(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == 0xAA || c == 0xB5 || c == 0xBA ||
           (c >= 0xC0 && c != 0xD7 && c != 0xF7);
}

#endif
