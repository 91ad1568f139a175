/* When a record was made, by its own words: the usual forms are read here, others by dateparse.h.
 *
 * A struct log_clock belongs to one thread; it remembers the last minute and the zone's offset. Called by
 * log_text.c and log_json.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_time.h"

#include "translators/text/civil.h"
#include "translators/text/dateparse.h"

static const int64_t FIRST_YEAR = 1990;
static const uint64_t NANO = 1000000000u, EARLIEST = 631152000u; /* 1990-01-01 in seconds */

enum { DATE = 10, MINUTE = 16, SECOND = 19 };

void log_clock_init(struct log_clock *c, const struct zone *zone)
{
    *c = (struct log_clock){.zone = zone};
}

static int two_digits(const char *p)
{
    return (p[0] - '0') * 10 + (p[1] - '0');
}

static bool has_shape(const char *p, const char *shape, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (shape[i] == '0' ? !gw_is_digit(p[i]) : p[i] != shape[i])
            return false;
    return true;
}

/* Seconds of the wall clock at the beginning of the minute; -1: that is none. */
static int64_t read_minute(const char *p)
{
    bool dashes = has_shape(p, "0000-00-00", DATE);
    if ((!dashes && !has_shape(p, "0000/00/00", DATE)) || (p[DATE] != ' ' && p[DATE] != 'T') ||
        !has_shape(p + DATE + 1, "00:00", 5))
        return -1;
    int64_t year = two_digits(p) * 100 + two_digits(p + 2);
    int month = two_digits(p + 5), day = two_digits(p + 8), hour = two_digits(p + 11),
        minute = two_digits(p + 14);
    if (year < FIRST_YEAR || month < 1 || month > 12 || day < 1 || day > civil_month_days(year, month) ||
        hour > 23 || minute > 59)
        return -1;
    return civil_days(year, month, day) * 86400 + hour * 3600 + minute * 60;
}

static int64_t minute_at(struct log_clock *c, const char *p)
{
    if (memcmp(c->minute, p, MINUTE) == 0)
        return c->minute_at;
    int64_t at = read_minute(p);
    if (at >= 0) {
        memcpy(c->minute, p, MINUTE);
        c->minute_at = at;
    }
    return at;
}

/* `.530`, `,530`, `:530`: as nanoseconds; *p moves behind it. */
static uint64_t read_fraction(const char **p, const char *end)
{
    uint64_t ns = 0, unit = NANO / 10;
    const char *at = *p + 1;
    if (end - *p < 2 || (**p != '.' && **p != ',' && **p != ':') || !gw_is_digit(*at))
        return 0;
    for (; at < end && gw_is_digit(*at); at++, unit /= 10)
        ns += (uint64_t)(*at - '0') * unit;
    *p = at;
    return ns;
}

/* `Z`, `+08:00`, ` +0800`: as seconds; *p moves behind it. */
static bool read_zone(const char **p, const char *end, int *offset)
{
    const char *at = *p;
    *offset = 0;
    if (at < end && *at == 'Z') {
        *p = at + 1;
        return true;
    }
    if (end - at > 1 && *at == ' ')
        at++;
    if (end - at > 3 && memcmp(at, "UTC", 3) == 0 && (at[3] == ' ' || at[3] == ']')) {
        *p = at + 3;
        return true;
    }
    if (end - at < 5 || (*at != '+' && *at != '-') || !has_shape(at + 1, "00", 2))
        return false;
    const char *minutes = at + 3 + (at[3] == ':');
    if (end - minutes < 2 || !has_shape(minutes, "00", 2) || (end - minutes > 2 && gw_is_digit(minutes[2])))
        return false;
    *offset = (two_digits(at + 1) * 60 + two_digits(minutes)) * 60 * (*at == '-' ? -1 : 1);
    *p = minutes + 2;
    return true;
}

static int64_t utc_of_local(struct log_clock *c, int64_t wall)
{
    int64_t at = wall - c->offset;
    if (at >= c->begin && at < c->end)
        return at;
    at = layout_wall(c->zone, wall);
    struct zone_at z = zone_at(c->zone, at);
    c->offset = z.offset;
    /* not to the very ends: there a wall clock may mean two times, or none */
    c->begin = z.begin + 86400;
    c->end = z.end - 86400;
    return at;
}

size_t log_time_front(struct log_clock *c, gw_str text, uint64_t *ns)
{
    if (text.len < SECOND)
        return 0;
    const char *p = text.ptr, *end = text.ptr + text.len;
    if (!gw_is_digit(*p) || p[MINUTE] != ':' || !has_shape(p + MINUTE + 1, "00", 2))
        return 0;
    int64_t wall = minute_at(c, p);
    int seconds = two_digits(p + MINUTE + 1), offset;
    if (wall < 0 || seconds > 60)
        return 0;
    p += SECOND;
    uint64_t part = read_fraction(&p, end);
    wall += seconds;
    wall = read_zone(&p, end, &offset) ? wall - offset : utc_of_local(c, wall);
    *ns = (uint64_t)wall * NANO + part;
    return (size_t)(p - text.ptr);
}

bool log_time_number(gw_str digits, double value, uint64_t *ns)
{
    static const uint64_t units[] = {1000000000u, 1000000u, 1000u, 1u};
    uint64_t whole;
    double seconds = value;
    bool exact = gw_str_u64(digits, &whole);
    for (int i = 0; i < 4; i++, seconds /= 1000) {
        if (!(seconds < 100 * (double)EARLIEST))
            continue;
        if (!(seconds >= (double)EARLIEST))
            return false;
        *ns = exact ? whole * units[i] : (uint64_t)(seconds * 1e6 + 0.5) * 1000;
        return true;
    }
    return false;
}

bool log_time_text(struct log_clock *c, gw_str text, uint64_t now, uint64_t *ns)
{
    struct layout_time t;
    char why[LAYOUT_ERROR_SIZE];
    double value;
    size_t n = log_time_front(c, text, ns);
    if (n && n == text.len)
        return true;
    if (gw_str_double(text, &value))
        return log_time_number(text, value, ns);
    if (!dateparse(text, c->zone, (int64_t)now, &t, why) || t.seconds < (int64_t)EARLIEST || layout_ns(t) < 0)
        return false;
    *ns = (uint64_t)layout_ns(t);
    return true;
}
