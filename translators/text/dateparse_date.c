/* dateparse_date.c: Reads a date for dateparse_guess.c, with one function for each state. Owns nothing: the
 * state is in the caller's struct guess. Called by dateparse_guess.c.
 *
 * SPDX-License-Identifier: Apache-2.0 AND MIT */
#include "translators/text/dateparse_guess.h"

static enum guess_step start(struct guess *g, uint32_t r)
{
    if (!guess_digit(r) && !guess_letter(r))
        return NO_TIME;
    g->date = guess_digit(r) ? D_DIGIT : D_ALPHA;
    return GO_ON;
}

/* The digits so far are a year (four) or, by the American custom, a month. */
static void year_or_month(struct guess *g)
{
    if (g->i == 4) {
        g->year_len = g->i;
        g->month = g->i + 1;
        guess_year(g);
    } else if (g->month_len == 0) {
        g->month_len = g->i;
        guess_month(g);
        g->day = g->i + 1;
    }
}

static enum guess_step digit(struct guess *g, uint32_t r)
{
    switch (r) {
    case '-':
    case 0x2212: /* a minus sign */
        g->date = g->i == 4 ? D_YEAR_DASH : D_DIGIT_DASH;
        if (g->i == 4) {
            g->year = 0;
            g->year_len = g->i;
            g->month = g->i + 1;
            guess_put(g, 0, "2006");
        }
        break;
    case '/':
    case ':':
        g->date = r == '/' ? D_DIGIT_SLASH : D_DIGIT_COLON;
        year_or_month(g);
        break;
    case '.':
        g->date = D_DIGIT_DOT;
        g->month_len = g->i == 4 ? g->month_len : 0;
        year_or_month(g);
        break;
    case ' ':
        g->date = D_DIGIT_WS;
        g->day = 0;
        g->day_len = g->i;
        break;
    case 0x5E74: /* 年 */
        g->date = D_CHINESE_YEAR;
        break;
    case ',':
        return NO_TIME;
    default:
        return GO_ON;
    }
    g->part1 = g->i;
    return GO_ON;
}

static enum guess_step year_dash(struct guess *g, uint32_t r)
{
    if (r == '-') {
        g->month_len = g->i - g->month;
        g->day = g->i + 1;
        g->date = D_YEAR_DASH_DASH;
        guess_month(g);
    } else if (guess_letter(r)) {
        g->date = D_YEAR_DASH_ALPHA_DASH;
    }
    return GO_ON;
}

static enum guess_step year_dash_dash(struct guess *g, uint32_t r)
{
    if (r != ' ' && r != 'T')
        return GO_ON;
    g->day_len = g->i - g->day;
    g->date = r == ' ' ? D_YEAR_DASH_DASH_WS : D_YEAR_DASH_DASH_T;
    g->clock = T_START;
    guess_day(g);
    return DONE;
}

static enum guess_step year_dash_alpha_dash(struct guess *g, uint32_t r)
{
    if (r == '-') {
        g->month_len = g->i - g->month;
        guess_put(g, g->month, "Jan");
        g->day = g->i + 1;
    }
    return GO_ON;
}

static enum guess_step digit_dash(struct guess *g, uint32_t r)
{
    if (!guess_letter(r))
        return NO_TIME;
    g->date = D_DIGIT_DASH_ALPHA;
    g->month = g->i;
    return GO_ON;
}

static enum guess_step digit_dash_alpha(struct guess *g, uint32_t r)
{
    if (r == '-') {
        g->month_len = g->i - g->month;
        guess_put(g, g->month, "Jan");
        g->year = g->i + 1;
        g->date = D_DIGIT_DASH_ALPHA_DASH;
    }
    return GO_ON;
}

static enum guess_step digit_dash_alpha_dash(struct guess *g, uint32_t r)
{
    if (r != ' ')
        return GO_ON;
    int length = g->i - (g->month + g->month_len + 1);
    if (length == 4 || length == 2) {
        g->year_len = length;
        guess_year(g);
        g->day = 0;
        g->day_len = g->part1;
        guess_day(g);
    }
    g->clock = T_START;
    return DONE;
}

/* Between the parts of 2014/07/10, 03/31/2005 and the like with colons. */
static enum guess_step slash_or_colon(struct guess *g, uint32_t r)
{
    if (r == ' ') {
        g->clock = T_START;
        if (g->year_len == 0) {
            g->year_len = g->i - g->year;
            guess_year(g);
        } else if (g->day_len == 0) {
            g->day_len = g->i - g->day;
            guess_day(g);
        }
        return DONE;
    }
    if (r != (g->date == D_DIGIT_SLASH ? '/' : ':'))
        return GO_ON;
    if (g->year_len > 0 && g->month_len == 0) {
        g->month_len = g->i - g->month;
        guess_month(g);
        g->day = g->i + 1;
    } else if (g->year_len == 0 && g->day_len == 0) {
        g->day_len = g->i - g->day;
        guess_day(g);
        g->year = g->i + 1;
    }
    return GO_ON;
}

static enum guess_step digit_ws(struct guess *g, uint32_t r)
{
    if (r != ' ')
        return GO_ON;
    g->year = g->i + 1;
    g->day = 0;
    g->day_len = g->part1;
    guess_day(g);
    g->clock = T_START;
    if (g->i > g->day_len + 4) { /* a blank and three letters; longer is a whole name */
        g->date = D_DIGIT_WS_MOLONG;
    } else {
        g->month = g->day_len + 1;
        g->month_len = g->i - g->month;
        guess_put(g, g->month, "Jan");
        g->date = D_DIGIT_WS_MO_YEAR;
    }
    return GO_ON;
}

static enum guess_step digit_ws_mo_year(struct guess *g, uint32_t r)
{
    if (r != ',' && r != ' ')
        return GO_ON;
    g->year_len = g->i - g->year;
    guess_year(g);
    g->i += r == ',';
    return DONE;
}

static enum guess_step chinese_year(struct guess *g, uint32_t r)
{
    if (r == ' ')
        g->date = D_CHINESE_YEAR_WS;
    return GO_ON;
}

static enum guess_step digit_dot(struct guess *g, uint32_t r)
{
    if (r != '.')
        return GO_ON;
    if (g->month == 0) {
        g->day_len = g->i - g->day;
        g->year = g->i + 1;
        guess_day(g);
    } else {
        g->month_len = g->i - g->month;
        g->day = g->i + 1;
        guess_month(g);
    }
    g->date = D_DIGIT_DOT_DOT;
    return GO_ON;
}

static enum guess_step stay(struct guess *g, uint32_t r)
{
    (void)g;
    (void)r;
    return GO_ON;
}

static bool is_among(gw_str word, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_ieq(word, gw_str_z(names[i])))
            return true;
    return false;
}

/* A word, and what ends it. */
static enum guess_step alpha_blank(struct guess *g)
{
    static const char *const months[] = {"january",   "february", "march",    "april",
                                         "may",       "june",     "july",     "august",
                                         "september", "october",  "november", "december"};
    static const char *const days[] = {"mon",      "tue",    "wed",      "thu",     "fri",
                                       "sat",      "sun",    "monday",   "tuesday", "wednesday",
                                       "thursday", "friday", "saturday", "sunday"};
    gw_str word = gw_str_n(g->text, (size_t)g->i);
    if (g->i > 3) {
        if (is_among(word, months, 12)) {
            g->full_month = g->i;
            g->date = g->len - g->i < 10 ? D_ALPHA_WS_MONTH : D_ALPHA_WS_MORE;
            g->day = g->i + 1;
        }
        return GO_ON;
    }
    if (is_among(word, days, 14))
        return guess_cut(g, 0, g->i + 1);
    g->date = D_ALPHA_WS;
    return GO_ON;
}

static enum guess_step alpha(struct guess *g, uint32_t r)
{
    if (r == ' ')
        return alpha_blank(g);
    if (r == ',') {
        if (g->i == 3) {
            g->date = D_WEEKDAY_ABBREV_COMMA;
            guess_put(g, 0, "Mon");
        } else {
            g->date = D_WEEKDAY_COMMA;
            g->skip = g->i + 2;
            g->i++;
        }
    } else if (r == '.') {
        g->date = D_ALPHA_PERIOD_WS_DIGIT;
        if (g->i == 3) {
            g->month_len = g->i;
            guess_put(g, 0, "Jan");
        } else {
            return g->i == 4 ? guess_cut(g, g->i - 1, 1) : NO_TIME;
        }
    }
    return GO_ON;
}

static enum guess_step alpha_ws(struct guess *g, uint32_t r)
{
    if (guess_letter(r)) {
        guess_put(g, 0, "Mon");
        g->date = D_ALPHA_WS_ALPHA;
        guess_put(g, g->i, "Jan");
    } else if (guess_digit(r)) {
        guess_put(g, 0, "Jan");
        g->date = D_ALPHA_WS_DIGIT;
        g->day = g->i;
    }
    return GO_ON;
}

static enum guess_step alpha_ws_digit(struct guess *g, uint32_t r)
{
    if (r == ',' || r == ' ') {
        g->day_len = g->i - g->day;
        guess_day(g);
        g->date = r == ',' ? D_ALPHA_WS_DIGIT_MORE : D_ALPHA_WS_DIGIT_YEARMAYBE;
        if (r == ' ') {
            g->year = g->i + 1;
            g->clock = T_START;
        }
    } else if (guess_letter(r)) {
        g->date = D_ALPHA_WS_MONTH_SUFFIX;
        g->i--;
    }
    return GO_ON;
}

static enum guess_step alpha_ws_digit_yearmaybe(struct guess *g, uint32_t r)
{
    if (r == ':') { /* it was no year */
        g->i -= 3;
        g->date = D_ALPHA_WS_DIGIT;
        g->year = 0;
        return DONE;
    }
    if (r != ' ')
        return GO_ON;
    g->year_len = g->i - g->year;
    guess_year(g);
    return DONE;
}

static enum guess_step alpha_ws_digit_more(struct guess *g, uint32_t r)
{
    if (r == ' ') {
        g->year = g->i + 1;
        g->date = D_ALPHA_WS_DIGIT_MORE_WS;
    }
    return GO_ON;
}

static enum guess_step alpha_ws_digit_more_ws(struct guess *g, uint32_t r)
{
    if (r == '\'')
        g->year = g->i + 1;
    if (r != ' ' && r != ',')
        return GO_ON;
    g->date = D_ALPHA_WS_DIGIT_MORE_WS_YEAR;
    g->year_len = g->i - g->year;
    guess_year(g);
    g->clock = T_START;
    return DONE;
}

static enum guess_step alpha_ws_month(struct guess *g, uint32_t r)
{
    if (r == ' ' || r == ',') {
        if (g->day_len == 0) {
            g->day_len = g->i - g->day;
            guess_day(g);
        }
    } else if (r < 0x80 && gw_char_in((char)r, "sSrRtTnN")) {
        g->i--;
        g->date = D_ALPHA_WS_MONTH_SUFFIX;
    } else if (g->day_len > 0 && g->year == 0) {
        g->year = g->i;
    }
    return GO_ON;
}

static enum guess_step alpha_ws_month_more(struct guess *g, uint32_t r)
{
    if (r != ',' && r != ' ')
        return GO_ON;
    g->year_len = g->i - g->year;
    guess_year(g);
    g->clock = T_START;
    g->i += r == ',';
    return DONE;
}

/* 8th, 2nd, 1st, 3rd: the two letters are cut out. */
static enum guess_step month_suffix(struct guess *g, uint32_t r)
{
    static const char pairs[] = "thndstrd";
    for (size_t i = 0; i < sizeof pairs - 1 && r < 0x80; i += 2)
        if (gw_lower((char)r) == pairs[i] &&
            (guess_next_is(g, g->i, pairs[i + 1]) || guess_next_is(g, g->i, (char)(pairs[i + 1] - 32))) &&
            g->len > g->i + 2)
            return guess_cut(g, g->i, 2);
    return GO_ON;
}

static enum guess_step alpha_ws_more(struct guess *g, uint32_t r)
{
    if (r == ',') {
        if (guess_next_is(g, g->i, ' ')) {
            g->day_len = g->i - g->day;
            guess_day(g);
            g->year = g->i + 2;
            g->date = D_ALPHA_WS_MONTH_MORE;
            g->i++;
        }
    } else if (r == ' ') {
        g->day_len = g->i - g->day;
        guess_day(g);
        g->year = g->i + 1;
        g->date = D_ALPHA_WS_MONTH_MORE;
    } else if (guess_letter(r)) {
        g->day_len = g->i - g->day;
        guess_day(g);
        g->date = D_ALPHA_WS_MONTH_SUFFIX;
        g->i--;
    }
    return GO_ON;
}

static enum guess_step alpha_period_ws_digit(struct guess *g, uint32_t r)
{
    if (r == ' ')
        return GO_ON;
    if (!guess_digit(r))
        return NO_TIME;
    g->date = D_ALPHA_WS_DIGIT;
    g->day = g->i;
    return GO_ON;
}

static enum guess_step weekday_comma(struct guess *g, uint32_t r)
{
    if (g->day == 0)
        g->day = g->i;
    if (r != ' ' && r != '-')
        return GO_ON;
    if (g->month == 0) {
        g->month = g->i + 1;
        g->day_len = g->i - g->day;
        guess_day(g);
    } else if (g->year == 0) {
        g->year = g->i + 1;
        g->month_len = g->i - g->month;
        guess_put(g, g->month, "Jan");
    } else {
        g->clock = T_START;
        return DONE;
    }
    return GO_ON;
}

static enum guess_step weekday_abbrev_comma(struct guess *g, uint32_t r)
{
    if (r != ' ' && r != '-')
        return GO_ON;
    if (g->day == 0) {
        g->day = g->i + 1;
    } else if (g->month == 0) {
        g->day_len = g->i - g->day;
        guess_day(g);
        g->month = g->i + 1;
    } else if (g->year == 0) {
        g->month_len = g->i - g->month;
        guess_put(g, g->month, "Jan");
        g->year = g->i + 1;
    } else {
        g->year_len = g->i - g->year;
        guess_year(g);
        g->clock = T_START;
        return DONE;
    }
    return GO_ON;
}

enum guess_step guess_date_step(struct guess *g, uint32_t r)
{
    static enum guess_step (*const states[D_STATES])(struct guess *, uint32_t) = {
        [D_START] = start,
        [D_DIGIT] = digit,
        [D_YEAR_DASH] = year_dash,
        [D_YEAR_DASH_ALPHA_DASH] = year_dash_alpha_dash,
        [D_YEAR_DASH_DASH] = year_dash_dash,
        [D_DIGIT_DASH] = digit_dash,
        [D_DIGIT_DASH_ALPHA] = digit_dash_alpha,
        [D_DIGIT_DASH_ALPHA_DASH] = digit_dash_alpha_dash,
        [D_DIGIT_DOT] = digit_dot,
        [D_DIGIT_DOT_DOT] = stay,
        [D_DIGIT_SLASH] = slash_or_colon,
        [D_DIGIT_COLON] = slash_or_colon,
        [D_CHINESE_YEAR] = chinese_year,
        [D_DIGIT_WS] = digit_ws,
        [D_DIGIT_WS_MO_YEAR] = digit_ws_mo_year,
        [D_DIGIT_WS_MOLONG] = stay,
        [D_ALPHA] = alpha,
        [D_ALPHA_WS] = alpha_ws,
        [D_ALPHA_WS_DIGIT] = alpha_ws_digit,
        [D_ALPHA_WS_DIGIT_MORE] = alpha_ws_digit_more,
        [D_ALPHA_WS_DIGIT_MORE_WS] = alpha_ws_digit_more_ws,
        [D_ALPHA_WS_MONTH] = alpha_ws_month,
        [D_ALPHA_WS_DIGIT_YEARMAYBE] = alpha_ws_digit_yearmaybe,
        [D_ALPHA_WS_MONTH_MORE] = alpha_ws_month_more,
        [D_ALPHA_WS_MONTH_SUFFIX] = month_suffix,
        [D_ALPHA_WS_MORE] = alpha_ws_more,
        [D_ALPHA_PERIOD_WS_DIGIT] = alpha_period_ws_digit,
        [D_WEEKDAY_COMMA] = weekday_comma,
        [D_WEEKDAY_ABBREV_COMMA] = weekday_abbrev_comma,
    };
    return states[g->date] ? states[g->date](g, r) : DONE;
}
