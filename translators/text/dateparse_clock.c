/* dateparse_clock.c: Reads a time of day for dateparse_guess.c, with one function for each state. Owns
 * nothing: the state is in the caller's struct guess. Called by dateparse_guess.c.
 *
 * SPDX-License-Identifier: Apache-2.0 AND MIT */
#include "translators/text/dateparse_guess.h"

static void trim_extra(struct guess *g)
{
    if (g->extra > 0 && g->layout_len > g->extra)
        g->layout_len = g->len = g->extra;
}

static void am_pm(struct guess *g, uint32_t r)
{
    bool small = r == 'a' || r == 'p';
    if (!guess_next_is(g, g->i, small ? 'm' : 'M'))
        return;
    guess_clock_parts(g, g->i);
    guess_put(g, g->i, r == 'a' ? "am" : r == 'p' ? "pm" : "PM");
}

/* "at" between a date and its time, or AM. */
static void letter_a(struct guess *g, uint32_t r)
{
    if (!guess_next_is(g, g->i, 't') && !guess_next_is(g, g->i, 'T')) {
        am_pm(g, r);
        return;
    }
    g->i++;
    if (guess_next_is(g, g->i, ' ')) {
        g->i++;
        g->hour = 0;
    }
}

static void end_of_seconds(struct guess *g)
{
    if (g->second == 0)
        g->minute_len = g->i - g->minute;
    else
        g->second_len = g->i - g->second;
}

static enum guess_step clock_start(struct guess *g, uint32_t r)
{
    if (g->hour == 0)
        g->hour = g->i;
    switch (r) {
    case ',': /* layouts have a point there */
        g->text[g->i] = '.';
        return AGAIN;
    case '-':
    case '+':
        g->clock = T_OFFSET;
        end_of_seconds(g);
        g->offset = g->i;
        break;
    case '.':
        g->clock = T_PERIOD;
        g->second_len = g->i - g->second;
        g->fraction = g->i + 1;
        break;
    case 'Z':
        g->clock = T_Z;
        end_of_seconds(g);
        g->utc = true;
        break;
    case 'a':
    case 'A':
        letter_a(g, r);
        break;
    case 'p':
    case 'P':
        am_pm(g, r);
        break;
    case ' ':
        guess_clock_parts(g, g->i);
        g->clock = T_WS;
        break;
    case ':':
        if (g->minute == 0) {
            g->minute = g->i + 1;
            g->hour_len = g->i - g->hour;
        } else if (g->second == 0) {
            g->second = g->i + 1;
            g->minute_len = g->i - g->minute;
        }
        break;
    default:
        break;
    }
    return GO_ON;
}

static enum guess_step offset(struct guess *g, uint32_t r)
{
    if (r == ':')
        g->clock = T_OFFSET_COLON;
    return GO_ON;
}

static enum guess_step ws(struct guess *g, uint32_t r)
{
    if (r == 'A' || r == 'P') {
        g->zone = g->i;
        g->clock = T_WS_AMPM_MAYBE;
    } else if (r == '+' || r == '-') {
        g->offset = g->i;
        g->clock = T_WS_OFFSET;
    } else if (guess_letter(r)) {
        g->zone = g->i;
        g->clock = T_WS_ALPHA;
    } else if (guess_digit(r)) {
        g->clock = T_WS_YEAR;
        g->year = g->i;
    }
    return GO_ON;
}

static enum guess_step ws_alpha(struct guess *g, uint32_t r)
{
    if (r != '+' && r != '-' && r != ' ')
        return GO_ON;
    g->zone_len = g->i - g->zone;
    if (g->zone_len == 4)
        guess_put(g, g->zone, " MST");
    else if (g->zone_len == 3)
        guess_put(g, g->zone, "MST");
    g->clock = r == ' ' ? T_WS_ALPHA_WS : T_WS_ALPHA_ZONE_OFFSET;
    *(r == ' ' ? &g->year : &g->offset) = r == ' ' ? g->i + 1 : g->i;
    return GO_ON;
}

static enum guess_step ws_alpha_zone_offset(struct guess *g, uint32_t r)
{
    if (r != ' ')
        return GO_ON;
    guess_put(g, g->offset, "-0700");
    if (g->year == 0)
        g->year = g->i + 1;
    g->clock = T_WS_ALPHA_ZONE_OFFSET_WS;
    return GO_ON;
}

static enum guess_step ws_alpha_zone_offset_ws(struct guess *g, uint32_t r)
{
    g->clock = guess_digit(r) ? T_WS_ALPHA_ZONE_OFFSET_WS_YEAR : T_WS_ALPHA_ZONE_OFFSET_WS_EXTRA;
    if (!guess_digit(r))
        g->extra = g->i - 1;
    return GO_ON;
}

static void year_digit(struct guess *g)
{
    g->year_len = g->i - g->year + 1;
    if (g->year_len == 4)
        guess_year(g);
}

static enum guess_step zone_offset_ws_year(struct guess *g, uint32_t r)
{
    if (guess_digit(r))
        year_digit(g);
    return GO_ON;
}

static enum guess_step ampm_maybe(struct guess *g, uint32_t r)
{
    if (r != 'M') {
        g->clock = T_WS_ALPHA;
        return GO_ON;
    }
    g->clock = T_WS_AMPM;
    guess_put(g, g->i - 1, "PM");
    if (g->hour_len == 2)
        guess_put(g, g->hour, "03");
    else if (g->hour_len == 1)
        guess_put(g, g->hour, "3");
    return GO_ON;
}

static enum guess_step ws_offset(struct guess *g, uint32_t r)
{
    if (r == ':') {
        g->clock = T_WS_OFFSET_COLON;
    } else if (r == ' ') {
        guess_put(g, g->offset, "-0700");
        g->year = g->i + 1;
        g->clock = T_WS_OFFSET_WS;
    }
    return GO_ON;
}

static enum guess_step ws_offset_ws(struct guess *g, uint32_t r)
{
    if (r == '=') {
        if (g->text[g->i - 1] == 'm') { /* Go's m=+0.1 */
            g->extra = g->i - 2;
            trim_extra(g);
        }
    } else if (r == '+' || r == '-') {
        g->extra = g->i - 1;
        g->clock = T_WS_OFFSET;
        trim_extra(g);
    } else if (guess_digit(r)) {
        year_digit(g);
    } else if (guess_letter(r) && g->zone == 0) {
        g->zone = g->i;
    }
    return GO_ON;
}

static enum guess_step ws_offset_colon(struct guess *g, uint32_t r)
{
    if (!guess_letter(r))
        return GO_ON;
    g->clock = T_WS_OFFSET_COLON_ALPHA;
    return DONE;
}

static enum guess_step period(struct guess *g, uint32_t r)
{
    if (r != ' ' && r != '+' && r != '-' && !guess_letter(r))
        return GO_ON;
    g->fraction_len = g->i - g->fraction;
    g->clock = r == ' ' ? T_PERIOD_WS : guess_letter(r) ? T_PERIOD_WS_ALPHA : T_PERIOD_OFFSET;
    if (g->clock == T_PERIOD_OFFSET)
        g->offset = g->i;
    return GO_ON;
}

static enum guess_step period_offset(struct guess *g, uint32_t r)
{
    if (r == ':')
        g->clock = T_PERIOD_OFFSET_COLON;
    return GO_ON;
}

static enum guess_step period_offset_colon(struct guess *g, uint32_t r)
{
    if (r == ' ') {
        guess_put(g, g->offset, "-07:00");
        g->clock = T_PERIOD_OFFSET_COLON_WS;
        g->zone = g->i + 1;
    }
    return GO_ON;
}

static enum guess_step period_ws(struct guess *g, uint32_t r)
{
    if (g->offset == 0)
        g->offset = g->i;
    if (r == '+' || r == '-') {
        g->fraction_len = g->i - g->fraction - 1;
        g->clock = T_PERIOD_WS_OFFSET;
    } else if (guess_letter(r)) {
        g->clock = T_PERIOD_WS_OFFSET_WS_ALPHA;
        return DONE;
    }
    return GO_ON;
}

static enum guess_step period_ws_offset(struct guess *g, uint32_t r)
{
    if (r == ':') {
        g->clock = T_PERIOD_WS_OFFSET_COLON;
    } else if (r == ' ') {
        guess_put(g, g->offset, "-0700");
    } else if (r == '+' || r == '-') {
        g->extra = g->i - 1;
        trim_extra(g);
    } else if (guess_letter(r)) {
        g->clock = T_PERIOD_WS_OFFSET_WS_ALPHA;
    }
    return GO_ON;
}

static enum guess_step period_ws_offset_ws_alpha(struct guess *g, uint32_t r)
{
    if (r == '=' && g->text[g->i - 1] == 'm') {
        g->extra = g->i - 2;
        trim_extra(g);
    }
    return GO_ON;
}

static enum guess_step period_ws_offset_colon(struct guess *g, uint32_t r)
{
    if (r == ' ') {
        guess_put(g, g->offset, "-07:00");
    } else if (guess_letter(r)) {
        g->zone = g->i;
        g->clock = T_PERIOD_WS_OFFSET_COLON_ALPHA;
    }
    return GO_ON;
}

static enum guess_step z(struct guess *g, uint32_t r)
{
    if (guess_digit(r))
        g->clock = T_Z_DIGIT;
    return GO_ON;
}

static enum guess_step step(struct guess *g, uint32_t r)
{
    static enum guess_step (*const states[T_STATES])(struct guess *, uint32_t) = {
        [T_START] = clock_start,
        [T_OFFSET] = offset,
        [T_WS] = ws,
        [T_WS_ALPHA] = ws_alpha,
        [T_WS_ALPHA_ZONE_OFFSET] = ws_alpha_zone_offset,
        [T_WS_ALPHA_ZONE_OFFSET_WS] = ws_alpha_zone_offset_ws,
        [T_WS_ALPHA_ZONE_OFFSET_WS_YEAR] = zone_offset_ws_year,
        [T_WS_AMPM_MAYBE] = ampm_maybe,
        [T_WS_OFFSET] = ws_offset,
        [T_WS_OFFSET_WS] = ws_offset_ws,
        [T_WS_OFFSET_COLON] = ws_offset_colon,
        [T_PERIOD] = period,
        [T_PERIOD_OFFSET] = period_offset,
        [T_PERIOD_OFFSET_COLON] = period_offset_colon,
        [T_PERIOD_WS] = period_ws,
        [T_PERIOD_WS_OFFSET] = period_ws_offset,
        [T_PERIOD_WS_OFFSET_WS_ALPHA] = period_ws_offset_ws_alpha,
        [T_PERIOD_WS_OFFSET_COLON] = period_ws_offset_colon,
        [T_Z] = z,
    };
    return states[g->clock] ? states[g->clock](g, r) : GO_ON;
}

static void end_year(struct guess *g)
{
    g->year_len = g->i - g->year;
    guess_year(g);
}

/* The decisions that depend on the end of the text. */
static void end(struct guess *g)
{
    switch (g->clock) {
    case T_WS_ALPHA_WS:
    case T_WS_YEAR:
        end_year(g);
        break;
    case T_WS_ALPHA_ZONE_OFFSET_WS_EXTRA:
        trim_extra(g);
        break;
    case T_WS_ALPHA_ZONE_OFFSET:
        guess_put(g, g->offset, g->i - g->offset < 4 ? "-07" : "-0700");
        break;
    case T_PERIOD:
        g->fraction_len = g->i - g->fraction;
        break;
    case T_OFFSET:
    case T_WS_OFFSET:
    case T_PERIOD_OFFSET:
    case T_PERIOD_WS_OFFSET:
        guess_put(g, g->offset, "-0700");
        break;
    case T_WS_OFFSET_COLON:
    case T_OFFSET_COLON:
    case T_PERIOD_OFFSET_COLON:
        guess_put(g, g->offset, "-07:00");
        break;
    case T_PERIOD_WS_OFFSET_COLON_ALPHA:
        g->zone_len = g->i - g->zone;
        if (g->zone_len == 3 || g->zone_len == 4)
            guess_put(g, g->zone, g->zone_len == 3 ? "MST" : "MST ");
        break;
    default:
        break;
    }
}

void guess_clock_walk(struct guess *g, enum guess_step *result)
{
    int all = g->len; /* removing superfluous text does not end the walk */
    if (g->i < all)
        g->i++;
    while (g->i < all && g->text[g->i] == ' ')
        g->i++;
    *result = GO_ON;
    for (; g->i < all; g->i++) {
        *result = step(g, (unsigned char)g->text[g->i]);
        if (*result == AGAIN || *result == NO_TIME)
            return;
        if (*result == DONE)
            break;
    }
    end(g);
    guess_clock_parts(g, g->i);
}
