/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/syslog_parse.h"

#include <stdlib.h>

#include "translators/text/civil.h"
#include "translators/text/layout.h"

enum { DAY = 86400, FIRST_YEAR = 1970, LAST_YEAR = 2261 };

struct reading {
    gw_str rest;
    struct civil at; /* year 0: it was not said */
    int64_t nsec;
    bool zoned;
    int offset; /* seconds east */
};

/* Parts: each cuts itself off the front, or says false. */

static bool number(struct reading *r, size_t least, size_t most, int64_t *out)
{
    size_t i = 0;
    *out = 0;
    for (; i < r->rest.len && i < most && gw_is_digit(r->rest.ptr[i]); i++)
        *out = *out * 10 + (r->rest.ptr[i] - '0');
    r->rest = gw_str_from(r->rest, i);
    return i >= least;
}

static bool within(struct reading *r, size_t least, size_t most, int64_t low, int64_t high, int *out)
{
    int64_t n;
    bool good = number(r, least, most, &n) && n >= low && n <= high;
    *out = (int)n;
    return good;
}

static bool one(struct reading *r, char c)
{
    if (!r->rest.len || *r->rest.ptr != c)
        return false;
    r->rest = gw_str_from(r->rest, 1);
    return true;
}

static char next(const struct reading *r, size_t at)
{
    return at < r->rest.len ? r->rest.ptr[at] : ' ';
}

static bool year(struct reading *r)
{
    struct reading back = *r;
    if (number(r, 4, 4, &r->at.year) && r->at.year >= FIRST_YEAR && r->at.year <= LAST_YEAR)
        return true;
    *r = back;
    return false;
}

static bool month_name(struct reading *r)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    for (int i = 0; i < 12; i++)
        if (gw_str_starts(r->rest, gw_str_n(names + (ptrdiff_t)3 * i, 3))) {
            r->at.month = i + 1;
            r->rest = gw_str_from(r->rest, 3);
            return true;
        }
    return false;
}

/* .123, and ,123 as some write it */
static void fraction(struct reading *r)
{
    int64_t unit = 100000000;
    char c = next(r, 1);
    if ((next(r, 0) != '.' && next(r, 0) != ',') || c < '0' || c > '9')
        return;
    for (r->rest = gw_str_from(r->rest, 1); r->rest.len && gw_is_digit(*r->rest.ptr); unit /= 10) {
        r->nsec += (*r->rest.ptr - '0') * unit;
        r->rest = gw_str_from(r->rest, 1);
    }
}

static bool clock_time(struct reading *r)
{
    if (!within(r, 1, 2, 0, 23, &r->at.hour) || !one(r, ':') || !within(r, 2, 2, 0, 59, &r->at.minute) || !one(r, ':') ||
        !within(r, 2, 2, 0, 60, &r->at.second))
        return false;
    fraction(r);
    return true;
}

/* Z, +08:00, -0330 */
static bool offset(struct reading *r)
{
    struct reading back = *r;
    int hours, minutes = 0;
    r->zoned = true;
    if (one(r, 'Z') || one(r, 'z'))
        return true;
    char sign = next(r, 0);
    if ((one(r, '+') || one(r, '-')) && within(r, 2, 2, 0, 23, &hours) && (one(r, ':') || true) && within(r, 2, 2, 0, 59, &minutes)) {
        r->offset = (sign == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
        return true;
    }
    *r = back;
    return false;
}

/* " UTC", " CST:", " +0800" behind a time. A word of capitals may be the host: it is a zone when a colon or a year comes after it. */
static void zone_word(struct reading *r, const struct zone *zone)
{
    size_t n = 1;
    gw_str s = r->rest;
    if (!s.len || *s.ptr != ' ')
        return;
    struct reading signed_offset = *r;
    if ((next(r, 1) == '+' || next(r, 1) == '-') && one(&signed_offset, ' ') && offset(&signed_offset)) {
        *r = signed_offset;
        return;
    }
    while (n < s.len && s.ptr[n] >= 'A' && s.ptr[n] <= 'Z')
        n++;
    gw_str word = gw_str_n(s.ptr + 1, n - 1);
    bool utc = gw_str_eq(word, GW_STR("UTC")) || gw_str_eq(word, GW_STR("GMT"));
    struct reading after = *r;
    after.rest = gw_str_from(s, n + 1);
    bool year_follows = next(r, n) == ' ' && year(&after) && next(&after, 0) == ' ';
    if (word.len < 3 || word.len > 5 || (next(r, n) != ':' && !year_follows && !(utc && next(r, n) == ' ')))
        return;
    r->rest = gw_str_from(s, n);
    int64_t wall = civil_days(r->at.year ? r->at.year : FIRST_YEAR, r->at.month, r->at.day) * DAY;
    r->zoned = utc || zone_named(zone, word, wall, &r->offset);
}

/* What is left of the word: a time ends where a blank, a colon or the message ends. */
static bool ends(struct reading *r)
{
    if (r->rest.len && *r->rest.ptr != ' ' && *r->rest.ptr != ':')
        return false;
    one(r, ':');
    one(r, ' ');
    return true;
}

/* Forms */

/* Nov 21 08:00:00, Nov  1 2026 08:00:00.123, 2026 Nov 21 08:00:00, Nov 21 08:00:00 CST 2026 */
static bool bsd(struct reading *r, const struct syslog_ground *g)
{
    bool year_first = year(r);
    if (year_first && !one(r, ' '))
        return false;
    if (!month_name(r) || !one(r, ' '))
        return false;
    one(r, ' ');
    if (!within(r, 1, 2, 1, 31, &r->at.day) || !one(r, ' '))
        return false;
    struct reading before = *r;
    if (!year_first && (!year(r) || !one(r, ' ')))
        *r = before;
    if (!clock_time(r))
        return false;
    zone_word(r, g->zone);
    struct reading behind = *r;
    if (!behind.at.year && one(&behind, ' ') && year(&behind) && next(&behind, 0) == ' ')
        *r = behind;
    return ends(r);
}

/* 2026-11-21T08:00:00.123+08:00 */
static bool iso(struct reading *r, bool strict)
{
    if (!year(r) || !one(r, '-') || !within(r, 2, 2, 1, 12, &r->at.month) || !one(r, '-') || !within(r, 2, 2, 1, 31, &r->at.day))
        return false;
    if (!one(r, 'T') && !one(r, 't') && (strict || !one(r, ' ')))
        return false;
    return clock_time(r) && (offset(r) || true);
}

/* Moments */

static int64_t seconds(const struct reading *r, int64_t in_year, const struct zone *zone)
{
    int64_t wall = civil_days(in_year, r->at.month, r->at.day) * DAY + (int64_t)r->at.hour * 3600 + r->at.minute * 60 + r->at.second;
    return r->zoned ? wall - r->offset : layout_wall(zone, wall);
}

static bool exists(const struct reading *r, int64_t in_year)
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
        int64_t d = exists(r, y) ? llabs(seconds(r, y, g->zone) - now) : INT64_MAX;
        if (d < distance) {
            distance = d;
            best = y;
        }
    }
    return best;
}

static bool moment(const struct reading *r, const struct syslog_ground *g, uint64_t *time)
{
    int64_t y = r->at.year ? r->at.year : guess_year(r, g);
    if (y == 0 || !exists(r, y))
        return false;
    int64_t s = seconds(r, y, g->zone);
    if (s <= 0)
        return false;
    *time = (uint64_t)s * 1000000000u + (uint64_t)r->nsec;
    return true;
}

bool syslog_time_iso(gw_str *text, const struct syslog_ground *g, uint64_t *time)
{
    struct reading r = {.rest = *text};
    if (!iso(&r, true) || !moment(&r, g, time))
        return false;
    *text = r.rest;
    return true;
}

bool syslog_time(gw_str *text, const struct syslog_ground *g, uint64_t *time)
{
    gw_str from = *text;
    if (from.len && (*from.ptr == '*' || *from.ptr == '.')) /* Cisco: the clock is not set, or not synchronized */
        from = gw_str_from(from, 1);
    struct reading r = {.rest = from};
    bool found = bsd(&r, g);
    if (!found) {
        r = (struct reading){.rest = from};
        found = iso(&r, false) && ends(&r);
    }
    if (!found || !moment(&r, g, time))
        return false;
    *text = r.rest;
    return true;
}
