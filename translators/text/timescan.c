/* timescan.c: Reads a time at the front of a text: the date by the characters between its numbers, then the
 * time of day, then the zone (timescan_zone.c). Owns nothing. Called by log_time.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/text/timescan.h"

#include "translators/text/civil.h"
#include "translators/text/layout_std.h"

enum { DAY = 86400, MOST_YEAR = 9999 };

struct scan {
    const char *at, *end;
    const struct zone *zone;
    int64_t now;
    int64_t year; /* 0: not given */
    int month, day;
    int hour, minute, second, nsec;
    bool has_date;
    bool short_clock; /* 12:35AM: no seconds */
};

static bool ended(const struct scan *s)
{
    return s->at == s->end;
}

static int peek(const struct scan *s)
{
    return s->at < s->end ? (unsigned char)*s->at : 0;
}

static bool skip_char(struct scan *s, char c)
{
    bool is = s->at < s->end && *s->at == c;
    s->at += is;
    return is;
}

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && *s->at == ' ')
        s->at++;
}

/* A number of `least` to `most` digits, not followed by a digit; -1: there is none. */
static int64_t number(struct scan *s, size_t least, size_t most)
{
    size_t n = 0;
    int64_t v = 0;
    while (s->at + n < s->end && gw_is_digit(s->at[n]) && n <= most) {
        v = v * 10 + (s->at[n] - '0');
        n++;
    }
    if (n < least || n > most)
        return -1;
    s->at += n;
    return v;
}

static size_t digits_at(const struct scan *s)
{
    size_t n = 0;
    while (s->at + n < s->end && gw_is_digit(s->at[n]) && n < 16)
        n++;
    return n;
}

/* Letters from here that are the beginning of one of the names: three of them, or all. Its place from 1. */
static int named(struct scan *s, const char *const *names, int names_n)
{
    size_t n = 0;
    while (s->at + n < s->end && gw_is_letter(s->at[n]) && n < 10)
        n++;
    gw_str word = gw_str_n(s->at, n);
    for (int i = 0; i < names_n && n >= 3; i++)
        if (gw_str_ieq(word, gw_str_z(names[i])) || (n == 3 && gw_str_ieq(word, gw_str_n(names[i], 3)))) {
            s->at += n;
            return i + 1;
        }
    return 0;
}

static bool set_date(struct scan *s, int64_t year, int64_t month, int64_t day)
{
    if (year < 0 || year > MOST_YEAR || month < 1 || month > 12 || day < 1 ||
        day > (year ? civil_month_days(year, (int)month) : 31))
        return false;
    s->year = year;
    s->month = (int)month;
    s->day = (int)day;
    return s->has_date = true;
}

static int64_t full_year(int64_t two_digits)
{
    return two_digits + (two_digits < 70 ? 2000 : 1900);
}

/* 2026-11-21, 2026/11/21, 2026.11.21, 2026-Nov-21; the year and its separator have been read. */
static bool year_first(struct scan *s, int64_t year, char separator)
{
    int64_t month = gw_is_letter(peek(s)) ? named(s, layout_months, 12) : number(s, 1, 2);
    if (month < 0 || !skip_char(s, separator))
        return false;
    return set_date(s, year, month, number(s, 1, 2));
}

/* 21-Nov-2026, 21/Nov/2026, 21 Nov 2026, 21-Nov-26, and without a year where a time of day follows */
static bool day_then_month(struct scan *s, int64_t day, char separator)
{
    int month = named(s, layout_months, 12);
    if (!month)
        return false;
    const char *behind = s->at;
    if (skip_char(s, separator)) {
        size_t n = digits_at(s);
        if (n == 4)
            return set_date(s, number(s, 4, 4), month, day);
        if (n == 2 && s->end - s->at > 2 && s->at[2] != ':')
            return set_date(s, full_year(number(s, 2, 2)), month, day);
    }
    s->at = behind;
    return peek(s) == ' ' && set_date(s, 0, month, day);
}

/* 11/21/2026, 21.11.2026, 26/11/21, 11-21, 11.21; the first number and the separator have been read. */
static bool short_numbers(struct scan *s, int64_t first, char separator)
{
    int64_t second = number(s, 1, 2);
    if (second < 0)
        return false;
    if (!skip_char(s, separator))
        return peek(s) == ' ' && set_date(s, 0, first, second);
    size_t n = digits_at(s);
    int64_t third = number(s, 2, 4);
    if (n == 4)
        return (separator != '.' && set_date(s, third, first, second)) || set_date(s, third, second, first);
    if (n != 2)
        return false;
    return set_date(s, full_year(first), second, third) || set_date(s, full_year(third), first, second) ||
           set_date(s, full_year(third), second, first);
}

/* 20261121, 261121: all in one number */
static bool packed_date(struct scan *s, size_t digits)
{
    int64_t n = number(s, digits, digits), year = n / 10000;
    return set_date(s, digits == 8 ? year : full_year(year), n / 100 % 100, n % 100);
}

static bool digit_date(struct scan *s)
{
    size_t n = digits_at(s);
    if (n == 6 || n == 8)
        return packed_date(s, n);
    int64_t first = n == 4 || n == 1 || n == 2 ? number(s, n, n) : -1;
    char separator = (char)peek(s);
    if (first < 0 || !gw_char_in(separator, "-/. ") || separator == 0)
        return false;
    s->at++;
    if (n == 4)
        return separator != ' ' && year_first(s, first, separator);
    if (gw_is_letter(peek(s)))
        return day_then_month(s, first, separator);
    return separator != ' ' && short_numbers(s, first, separator);
}

/* Nov 21, 2026 and Nov  1, with a year behind the day or behind the time of day, or none */
static bool month_first(struct scan *s)
{
    int month = named(s, layout_months, 12);
    if (!month || (peek(s) != ' ' && peek(s) != '-'))
        return false;
    s->at++;
    skip_blanks(s);
    int64_t day = number(s, 1, 2);
    bool comma = skip_char(s, ',');
    const char *behind = s->at;
    skip_blanks(s);
    if (digits_at(s) == 4)
        return set_date(s, number(s, 4, 4), month, day);
    s->at = behind;
    return !comma && set_date(s, 0, month, day);
}

static bool date(struct scan *s)
{
    if (gw_is_digit(peek(s)))
        return digit_date(s);
    if (named(s, layout_days, 7)) {
        bool comma = skip_char(s, ',');
        if (peek(s) != ' ')
            return false;
        skip_blanks(s);
        if (gw_is_digit(peek(s)))
            return comma && digit_date(s);
    }
    return month_first(s);
}

static void fraction(struct scan *s)
{
    s->at += timescan_fraction(gw_str_n(s->at, (size_t)(s->end - s->at)), &s->nsec);
}

/* AM, pm, a.m. and the like, with a blank before it, be it a narrow one (Java since 20). */
static bool half_day(struct scan *s)
{
    const char *p = s->at;
    if (s->end - p > 2 && memcmp(p, "\xe2\x80\xaf", 3) == 0)
        p += 3;
    else if (p < s->end && *p == ' ')
        p++;
    if (s->end - p < 2 || !gw_char_in(*p, "AaPp") || !gw_char_in(p[1], "Mm") ||
        (s->end - p > 2 && gw_is_letter(p[2])) || s->hour > 12 || s->hour < 1)
        return false;
    s->hour = s->hour % 12 + (gw_lower(*p) == 'p' ? 12 : 0);
    s->at = p + 2;
    return true;
}

static bool in_range(const struct scan *s)
{
    return s->hour >= 0 && s->hour <= 23 && s->minute >= 0 && s->minute <= 59 && s->second >= 0 &&
           s->second <= 60;
}

/* 203615, behind 081109; 003539, behind 20261121T */
static bool packed_clock(struct scan *s)
{
    int64_t n = number(s, 6, 6);
    s->hour = (int)(n / 10000);
    s->minute = (int)(n / 100 % 100);
    s->second = (int)(n % 100);
    fraction(s);
    return n >= 0 && in_range(s);
}

static bool clock_of_day(struct scan *s)
{
    if (digits_at(s) == 6)
        return s->has_date && packed_clock(s);
    s->hour = (int)number(s, 1, 2);
    if (s->hour < 0 || !skip_char(s, ':'))
        return false;
    s->minute = (int)number(s, 1, 2);
    bool seconds = skip_char(s, ':');
    if (seconds) {
        s->second = (int)number(s, 1, 2);
        fraction(s);
    }
    bool half = half_day(s);
    return in_range(s) && (seconds || half || s->has_date);
}

/* Between date and time of day: blanks, T, `_`, `-`, ` - `, `:`, `::`, `, `, `][`. */
static bool between(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && s->at - from < 3 && gw_char_in(*s->at, " T_-:,][|"))
        s->at++;
    return s->at > from && gw_is_digit(peek(s));
}

/* The year of date(1) and ctime(3), behind the time of day. */
static void late_year(struct scan *s)
{
    const char *from = s->at;
    if (s->year || !s->has_date || !skip_char(s, ' '))
        return;
    int64_t year = digits_at(s) == 4 ? number(s, 4, 4) : -1;
    if (year < 1970 || (!ended(s) && !gw_char_in(*s->at, " ]:,)") && *s->at != '\t'))
        s->at = from;
    else
        s->year = year;
}

/* Today's date in the zone, for a time of day. */
static int64_t near_now(const struct scan *s, int64_t of_day)
{
    int64_t local = s->now + zone_at(s->zone, s->now).offset,
            wall = local - ((local % DAY) + DAY) % DAY + of_day;
    return wall - local > 3600 ? wall - DAY : wall;
}

/* The wall clock in seconds. A date without a year is the last one, be it a day ahead. */
static int64_t wall_clock(const struct scan *s)
{
    int64_t of_day = s->hour * 3600 + s->minute * 60 + s->second, year = s->year;
    if (!s->has_date)
        return near_now(s, of_day);
    if (!year) {
        struct civil c;
        civil_of(s->now + DAY + zone_at(s->zone, s->now).offset, &c);
        year = c.year - (s->month > c.month || (s->month == c.month && s->day > c.day));
    }
    return civil_days(year, s->month, s->day) * DAY + of_day;
}

static bool date_and_clock(struct scan *s)
{
    const char *from = s->at;
    if (date(s) && between(s))
        return clock_of_day(s);
    s->at = from;
    s->has_date = false;
    s->year = 0;
    return gw_is_digit(peek(s)) && clock_of_day(s);
}

size_t timescan(gw_str text, const struct zone *zone, int64_t now, struct layout_time *out)
{
    struct scan s = {.at = text.ptr, .end = text.ptr + text.len, .zone = zone, .now = now};
    int offset;
    if (text.len < 6 || !date_and_clock(&s) ||
        (!ended(&s) && (gw_is_digit(*s.at) || gw_is_letter(*s.at)) && *s.at != 'Z'))
        return 0;
    late_year(&s);
    int64_t wall = wall_clock(&s);
    size_t zoned = timescan_zone(gw_str_n(s.at, (size_t)(s.end - s.at)), zone, wall, &offset);
    s.at += zoned;
    if (zoned && s.has_date && !s.year) {
        late_year(&s);
        wall = wall_clock(&s);
    }
    *out = (struct layout_time){zoned ? wall - offset : layout_wall(zone, wall), s.nsec};
    return (size_t)(s.at - text.ptr);
}
