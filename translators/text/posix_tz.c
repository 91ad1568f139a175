/* posix_tz.c: Reads a POSIX time zone and returns its offset at a moment. Owns nothing. Called by zone.c for
 * TZ, for the option timezone and for the last line of TZif files.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/text/posix_tz.h"

#include "translators/text/civil.h"

enum { NAME_LEAST = 3, OFFSET_HOURS = 24, CHANGE_HOURS = 167, HOUR = 3600, DAY = 86400 };

/* --- reading: each takes its part off the front --- */

static bool take_char(gw_str *s, char c)
{
    if (!s->len || *s->ptr != c)
        return false;
    *s = gw_str_n(s->ptr + 1, s->len - 1);
    return true;
}

static bool is_quoted(char c)
{
    return gw_is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-';
}

static bool take_name(gw_str *s, gw_str *name)
{
    bool quoted = take_char(s, '<');
    size_t len = 0;
    while (len < s->len && (quoted ? is_quoted(s->ptr[len]) : gw_is_letter(s->ptr[len])))
        len++;
    *name = gw_str_n(s->ptr, len);
    *s = gw_str_n(s->ptr + len, s->len - len);
    return len >= NAME_LEAST && (!quoted || take_char(s, '>'));
}

static bool take_number(gw_str *s, int max, int *out)
{
    size_t len = 0;
    for (*out = 0; len < s->len && len < 4 && s->ptr[len] >= '0' && s->ptr[len] <= '9'; len++)
        *out = *out * 10 + (s->ptr[len] - '0');
    *s = gw_str_n(s->ptr + len, s->len - len);
    return len > 0 && *out <= max;
}

/* [+-]hh[:mm[:ss]] */
static bool take_time(gw_str *s, int hours, int *seconds)
{
    int part, sign = take_char(s, '-') ? -1 : 1;
    if (sign > 0)
        take_char(s, '+');
    if (!take_number(s, hours, &part))
        return false;
    *seconds = part * HOUR;
    for (int unit = 60; unit && take_char(s, ':'); unit /= 60) {
        if (!take_number(s, 59, &part))
            return false;
        *seconds += part * unit;
    }
    *seconds *= sign;
    return true;
}

static bool take_month_week(gw_str *s, struct posix_tz_change *c)
{
    c->form = POSIX_TZ_MONTH_WEEK;
    return take_number(s, 12, &c->month) && take_char(s, '.') && take_number(s, 5, &c->week) &&
           take_char(s, '.') && take_number(s, 6, &c->day) && c->month && c->week;
}

static bool take_change(gw_str *s, struct posix_tz_change *c)
{
    *c = (struct posix_tz_change){.form = POSIX_TZ_ZERO_BASED, .seconds = 2 * HOUR};
    if (!take_char(s, ','))
        return false;
    if (take_char(s, 'M')) {
        if (!take_month_week(s, c))
            return false;
    } else {
        c->form = take_char(s, 'J') ? POSIX_TZ_JULIAN : POSIX_TZ_ZERO_BASED;
        if (!take_number(s, 365, &c->day) || (c->form == POSIX_TZ_JULIAN && !c->day))
            return false;
    }
    return !take_char(s, '/') || take_time(s, CHANGE_HOURS, &c->seconds);
}

static bool take_summer(gw_str *s, int west, struct posix_tz *tz)
{
    gw_str american = GW_STR(",M3.2.0,M11.1.0");
    tz->has_dst = tz->summer.dst = true;
    if (!take_name(s, &tz->summer.abbreviation))
        return false;
    west -= HOUR;
    if (s->len && *s->ptr != ',' && !take_time(s, OFFSET_HOURS, &west))
        return false;
    tz->summer.offset = -west;
    gw_str *changes = s->len ? s : &american;
    return take_change(changes, &tz->begin) && take_change(changes, &tz->end) && !changes->len;
}

bool posix_tz_parse(struct posix_tz *tz, gw_str text)
{
    int west;
    *tz = (struct posix_tz){.has_dst = false};
    if (!take_name(&text, &tz->standard.abbreviation) || !take_time(&text, OFFSET_HOURS, &west))
        return false;
    tz->standard.offset = -west;
    return !text.len || take_summer(&text, west, tz);
}

/* --- what holds at a moment --- */

static int64_t day_of(const struct posix_tz_change *c, int64_t year)
{
    if (c->form == POSIX_TZ_ZERO_BASED)
        return civil_days(year, 1, 1) + c->day;
    if (c->form == POSIX_TZ_JULIAN)
        return civil_days(year, 1, 1) + c->day - 1 + (civil_leap(year) && c->day >= 60);
    int64_t first = civil_days(year, c->month, 1);
    int weekday = (int)(((first + 4) % 7 + 7) % 7); /* 1970-01-01 was a Thursday */
    int64_t day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
    return day < first + civil_month_days(year, c->month) ? day : day - 7; /* the fifth is the last one */
}

/* The moment of a change, where `offset` is in force until then. */
static int64_t moment_of(const struct posix_tz_change *c, int64_t year, int32_t offset)
{
    return day_of(c, year) * DAY + c->seconds - offset;
}

/* Summer time that begins in this year. */
static struct posix_tz_span summer_of(const struct posix_tz *tz, int64_t year)
{
    struct posix_tz_span s = {&tz->summer, moment_of(&tz->begin, year, tz->standard.offset),
                              moment_of(&tz->end, year, tz->summer.offset)};
    if (s.begin > s.end)
        s.end = moment_of(&tz->end, year + 1, tz->summer.offset);
    return s;
}

struct posix_tz_span posix_tz_at(const struct posix_tz *tz, int64_t seconds)
{
    /* on each side: a summer reaches at most one year and the hours of a change into another year */
    enum { YEARS = 3 };
    struct posix_tz_span standard = {&tz->standard, INT64_MIN, INT64_MAX};
    struct civil now;
    /* years that no calendar needs, and where sums overflow */
    if (!tz->has_dst || seconds > INT64_MAX / 4 || seconds < INT64_MIN / 4)
        return standard;
    civil_of(seconds, &now);
    standard.begin = civil_days(now.year - 1, 1, 1) * DAY;
    standard.end = civil_days(now.year + 2, 1, 1) * DAY;
    for (int64_t year = now.year - YEARS; year <= now.year + YEARS; year++) {
        struct posix_tz_span summer = summer_of(tz, year);
        if (summer.begin <= seconds && seconds < summer.end)
            return summer;
        if (summer.end <= seconds && summer.end > standard.begin)
            standard.begin = summer.end;
        if (summer.begin > seconds && summer.begin < standard.end)
            standard.end = summer.begin;
    }
    return standard;
}
