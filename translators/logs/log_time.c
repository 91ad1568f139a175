/* log_time.c: Reads the time of a record from its text: the usual form here, others with timescan.h and
 * dateparse.h. A struct log_clock belongs to one thread; it remembers the last minute and the zone's offset.
 * Called by log_text.c and log_json.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/logs/log_time.h"

#include "translators/text/civil.h"
#include "translators/text/dateparse.h"
#include "translators/text/timescan.h"

static const int64_t FIRST_YEAR = 1990;
static const uint64_t NANO = 1000000000u, EARLIEST = 631152000u, /* 1990-01-01 in seconds … */
    LATEST = UINT64_MAX / 1000000000u;                           /* … and 2554-07-21: OTLP's last one */

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

/* Seconds of the wall clock at the beginning of the minute; -1: not a time. */
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

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* A word that may be a zone: `CST`, `Asia/…`, not `INFO`. */
static bool is_zone_like(const char *p, const char *end)
{
    size_t n = 1;
    if (end - p < 4 || !is_upper(*p) || memcmp(p, "INFO", 4) == 0)
        return false;
    if (!is_upper(p[1]))
        return gw_is_letter(p[1]);
    while (p + n < end && n < 6 && is_upper(p[n]))
        n++;
    char last = p[n - 1];
    return n < 6 && (last == 'T' || last == 'C' || last == 'K' || last == 'B' || last == 'Z' || last == 'D');
}

/* True if a zone may be here: only then it is read. */
static bool may_be_zone(const char *p, const char *end)
{
    if (p == end || (*p != ' ' && *p < '(') || *p == ',')
        return false;
    if (*p != ' ')
        return *p == 'Z' || *p == '+' || *p == '-' || *p == '[' || is_zone_like(p, end);
    if (end - p < 4)
        return false;
    return ((p[1] == '+' || p[1] == '-') && gw_is_digit(p[2])) || is_zone_like(p + 1, end) ||
           ((p[1] == '[' || p[1] == '(') && is_zone_like(p + 2, end));
}

/* The zone as an offset in seconds; *p moves after it. */
static bool read_zone(struct log_clock *c, const char **p, const char *end, int64_t wall, int *offset)
{
    size_t n =
        may_be_zone(*p, end) ? timescan_zone(gw_str_n(*p, (size_t)(end - *p)), c->zone, wall, offset) : 0;
    *p += n;
    return n;
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

/* As nanoseconds; false for times beyond OTLP's range, and for times older than any log. */
static bool to_ns(int64_t seconds, uint64_t nsec, uint64_t *ns)
{
    if (seconds < (int64_t)EARLIEST || (uint64_t)seconds >= LATEST)
        return false;
    *ns = (uint64_t)seconds * NANO + nsec;
    return true;
}

/* Any other form. */
static size_t scan_front(const struct log_clock *c, gw_str text, uint64_t now, uint64_t *ns)
{
    struct layout_time t;
    size_t n = timescan(text, c->zone, (int64_t)(now / NANO), &t);
    return n && to_ns(t.seconds, (uint64_t)t.nsec, ns) ? n : 0;
}

size_t log_time_front(struct log_clock *c, gw_str text, uint64_t now, uint64_t *ns)
{
    int64_t wall = -1;
    int offset, nsec;
    if (!text.len)
        return 0;
    const char *p = text.ptr, *end = text.ptr + text.len;
    if (text.len >= SECOND && p[MINUTE] == ':' && gw_is_digit(*p) && has_shape(p + MINUTE + 1, "00", 2))
        wall = minute_at(c, p);
    if (wall < 0)
        return scan_front(c, text, now, ns);
    int seconds = two_digits(p + MINUTE + 1);
    p += SECOND;
    if (seconds > 60 || (p < end && gw_is_digit(*p)))
        return 0;
    p += timescan_fraction(gw_str_n(p, (size_t)(end - p)), &nsec);
    wall += seconds;
    wall = read_zone(c, &p, end, wall, &offset) ? wall - offset : utc_of_local(c, wall);
    return to_ns(wall, (uint64_t)nsec, ns) ? (size_t)(p - text.ptr) : 0;
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
    text = gw_str_trim(text);
    size_t n = log_time_front(c, text, now, ns);
    if (n && n == text.len)
        return true;
    if (gw_str_double(text, &value))
        return log_time_number(text, value, ns);
    return dateparse(text, c->zone, (int64_t)now, &t, why) && t.seconds < (int64_t)LATEST &&
           to_ns(t.seconds, (uint64_t)t.nsec, ns);
}
