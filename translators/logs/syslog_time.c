/* syslog_time.c: Reads the time at the front of a syslog message, and adds the year and zone that it lacks.
 * Pure: the present time and the zone are parameters. Called by syslog_parse.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/syslog_parse.h"

#include <stdlib.h>

#include "translators/text/civil.h"
#include "translators/text/layout_std.h"
#include "translators/text/timescan.h"

enum { DAY = 86400, FIRST_YEAR = 1970, LAST_YEAR = 2261 };

struct reading {
    gw_str rest;
    struct civil at; /* year 0: not given */
    int nsec;
    bool zoned;
    int offset; /* seconds east */
};

/* Parts: each removes itself from the front, or returns false. */

static bool read_number(struct reading *r, size_t least, size_t most, int64_t *out)
{
    size_t i = 0;
    *out = 0;
    for (; i < r->rest.len && i < most && gw_is_digit(r->rest.ptr[i]); i++)
        *out = *out * 10 + (r->rest.ptr[i] - '0');
    r->rest = gw_str_from(r->rest, i);
    return i >= least;
}

static bool read_within(struct reading *r, size_t least, size_t most, int64_t low, int64_t high, int *out)
{
    int64_t n;
    bool good = read_number(r, least, most, &n) && n >= low && n <= high;
    *out = (int)n;
    return good;
}

static bool skip_char(struct reading *r, char c)
{
    if (!r->rest.len || *r->rest.ptr != c)
        return false;
    r->rest = gw_str_from(r->rest, 1);
    return true;
}

static char peek_char(const struct reading *r, size_t at)
{
    return at < r->rest.len ? r->rest.ptr[at] : ' ';
}

static bool read_year(struct reading *r)
{
    struct reading back = *r;
    if (read_number(r, 4, 4, &r->at.year) && r->at.year >= FIRST_YEAR && r->at.year <= LAST_YEAR)
        return true;
    *r = back;
    return false;
}

/* Three letters of one of the names: its number from 1. 0: none of them is here. */
static int read_name(struct reading *r, const char *const *names, int names_n)
{
    for (int i = 0; i < names_n; i++)
        if (gw_str_starts(r->rest, gw_str_n(names[i], 3))) {
            r->rest = gw_str_from(r->rest, 3);
            return i + 1;
        }
    return 0;
}

/* .123, and ,123 as some write it; :123 of Comware's */
static void read_fraction(struct reading *r)
{
    if (peek_char(r, 0) == ':' &&
        !(gw_digit_at(r->rest, 2) && gw_digit_at(r->rest, 3) && peek_char(r, 4) == ' '))
        return;
    r->rest = gw_str_from(r->rest, timescan_fraction(r->rest, &r->nsec));
}

static bool read_clock_time(struct reading *r)
{
    if (!read_within(r, 1, 2, 0, 23, &r->at.hour) || !skip_char(r, ':') ||
        !read_within(r, 2, 2, 0, 59, &r->at.minute) || !skip_char(r, ':') ||
        !read_within(r, 2, 2, 0, 60, &r->at.second))
        return false;
    read_fraction(r);
    return true;
}

static bool at_word_end(const struct reading *r)
{
    return !r->rest.len || *r->rest.ptr == ' ' || *r->rest.ptr == ':';
}

static bool read_sign_offset(struct reading *r, bool lax)
{
    struct reading after = *r;
    size_t n = timescan_offset(r->rest, lax, &after.offset);
    after.rest = gw_str_from(r->rest, n);
    if (!n || !at_word_end(&after))
        return false;
    *r = after;
    return r->zoned = true;
}

/* +08:00, -0330, +08, Z */
static bool read_offset(struct reading *r)
{
    if (skip_char(r, 'Z') || skip_char(r, 'z'))
        return r->zoned = true;
    return read_sign_offset(r, false);
}

/* " UTC", " CST:", " +0800", " GMT+8" after a time, and +08:00 without the blank. An unknown zone may be the
 * host: it is a zone if Cisco's mnemonic or a year follows. */
static bool read_zone(struct reading *r, const struct zone *zone)
{
    size_t n = 0;
    struct reading after = *r;
    bool blank = skip_char(&after, ' ');
    if (blank ? read_sign_offset(&after, false) : read_offset(&after)) {
        *r = after;
        return true;
    }
    while (blank && n < after.rest.len && after.rest.ptr[n] >= 'A' && after.rest.ptr[n] <= 'Z')
        n++;
    gw_str word = gw_str_n(after.rest.ptr, n);
    after.rest = gw_str_from(after.rest, n);
    if (n == 0 || n > 5)
        return false;
    struct reading signed_one = after;
    bool utc = gw_str_eq(word, GW_STR("UTC")) || gw_str_eq(word, GW_STR("GMT"));
    if (utc && read_sign_offset(&signed_one, true)) {
        *r = signed_one;
        return true;
    }
    struct reading year = after;
    bool year_follows = skip_char(&year, ' ') && read_year(&year) && peek_char(&year, 0) == ' ';
    bool cisco = gw_str_starts(after.rest, GW_STR(": %")), ends = after.rest.len && at_word_end(&after);
    int64_t wall = civil_days(r->at.year ? r->at.year : FIRST_YEAR, r->at.month, r->at.day) * DAY;
    enum timescan_name name = timescan_name(word, zone, wall, &after.offset);
    if (!(n > 2 && (cisco || year_follows)) && !(ends && name))
        return false;
    *r = after;
    r->zoned = name == TIMESCAN_SURE;
    return true;
}

/* " 2026" behind a time. */
static bool read_late_year(struct reading *r)
{
    struct reading after = *r;
    if (r->at.year || !skip_char(&after, ' ') || !read_year(&after) ||
        (peek_char(&after, 0) != ' ' && peek_char(&after, 0) != ':'))
        return false;
    *r = after;
    return true;
}

/* The rest of the word: a time ends at a blank, a colon or the end of the message. */
static bool time_ends(struct reading *r)
{
    if (!at_word_end(r))
        return false;
    skip_char(r, ':');
    skip_char(r, ' ');
    return true;
}

/* Forms */

/* Sat Nov 21 … as date(1) writes it. */
static void skip_weekday(struct reading *r)
{
    struct reading after = *r;
    if (read_name(&after, layout_days, 7) && skip_char(&after, ' '))
        *r = after;
}

/* Nov 21 08:00:00, Nov  1 2026 08:00:00.123, 2026 Nov 21 08:00:00, Nov 21 08:00:00 CST 2026,
 * Nov 21 08:00:00 2026 CST */
static bool read_bsd(struct reading *r, const struct syslog_ground *g)
{
    skip_weekday(r);
    bool year_first = read_year(r);
    if (year_first && !skip_char(r, ' '))
        return false;
    r->at.month = read_name(r, layout_months, 12);
    if (!r->at.month || !skip_char(r, ' '))
        return false;
    skip_char(r, ' ');
    if (!read_within(r, 1, 2, 1, 31, &r->at.day) || !skip_char(r, ' '))
        return false;
    struct reading before = *r;
    if (!year_first && (!read_year(r) || !skip_char(r, ' ')))
        *r = before;
    if (!read_clock_time(r))
        return false;
    bool year = read_late_year(r);
    if (read_zone(r, g->zone) && !year)
        read_late_year(r);
    return time_ends(r);
}

/* 2026-11-21T08:00:00.123+08:00 */
static bool read_iso(struct reading *r, bool strict)
{
    if (!read_year(r) || !skip_char(r, '-') || !read_within(r, 2, 2, 1, 12, &r->at.month) ||
        !skip_char(r, '-') || !read_within(r, 2, 2, 1, 31, &r->at.day))
        return false;
    if (!skip_char(r, 'T') && !skip_char(r, 't') && (strict || !skip_char(r, ' ')))
        return false;
    return read_clock_time(r) && (read_offset(r) || true);
}

/* Moments */

static int64_t seconds_of(const struct reading *r, int64_t in_year, const struct zone *zone)
{
    int64_t wall = civil_days(in_year, r->at.month, r->at.day) * DAY + (int64_t)r->at.hour * 3600 +
                   r->at.minute * 60 + r->at.second;
    return r->zoned ? wall - r->offset : layout_wall(zone, wall);
}

static bool day_exists(const struct reading *r, int64_t in_year)
{
    return r->at.day <= civil_month_days(in_year, r->at.month);
}

/* The year that brings the date nearest to now. 0: no year near has such a day. */
static int64_t guess_year(const struct reading *r, const struct syslog_ground *g)
{
    int64_t now = g->wall / GW_SEC, best = 0, distance = INT64_MAX;
    struct civil today;
    civil_of(now + zone_at(g->zone, now).offset, &today);
    for (int64_t y = today.year - 1; y <= today.year + 1; y++) {
        int64_t d = day_exists(r, y) ? llabs(seconds_of(r, y, g->zone) - now) : INT64_MAX;
        if (d < distance) {
            distance = d;
            best = y;
        }
    }
    return best;
}

static bool moment_of(const struct reading *r, const struct syslog_ground *g, uint64_t *time)
{
    int64_t y = r->at.year ? r->at.year : guess_year(r, g);
    if (y == 0 || !day_exists(r, y))
        return false;
    int64_t s = seconds_of(r, y, g->zone);
    if (s <= 0)
        return false;
    *time = (uint64_t)s * 1000000000u + (uint64_t)r->nsec;
    return true;
}

bool syslog_time_iso(gw_str *text, const struct syslog_ground *g, uint64_t *time)
{
    struct reading r = {.rest = *text};
    if (!read_iso(&r, true) || !moment_of(&r, g, time))
        return false;
    *text = r.rest;
    return true;
}

bool syslog_time(gw_str *text, const struct syslog_ground *g, uint64_t *time)
{
    gw_str from = *text;
    /* Cisco: the clock is not set, or not synchronized */
    if (from.len && (*from.ptr == '*' || *from.ptr == '.'))
        from = gw_str_from(from, 1);
    struct reading r = {.rest = from};
    bool found = read_bsd(&r, g);
    if (!found) {
        r = (struct reading){.rest = from};
        found = read_iso(&r, false) && time_ends(&r);
    }
    if (!found || !moment_of(&r, g, time))
        return false;
    *text = r.rest;
    return true;
}
