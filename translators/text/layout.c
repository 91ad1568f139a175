/* layout.c: reads times by Go's layouts, strftime formats and Unix timestamps. Pure functions but for
 * zone.h. Called by dateparse.c, log_time.c, syslog_time.c and the time functions of scripts.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/text/layout.h"

#include <stdio.h>

#include "translators/text/civil.h"
#include "translators/text/layout_std.h"

struct reading {
    gw_str layout, text; /* all of it, for messages */
    gw_str rest;
    int year, month, day, yearday, hour, minute, second, nsec;
    bool pm, am;
    const struct zone *zone; /* the text has UTC */
    bool has_offset;
    int offset;
    gw_str zone_name;
    const char *range; /* the part that is out of range */
};

/* Go's quoting of times: quotes, backslashes and all but printable ASCII are escaped. */
static size_t quote(char *to, size_t room, gw_str s)
{
    size_t n = 0;
    to[n++] = '"';
    for (size_t i = 0; i < s.len && n + 6 < room; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c >= 0x80 || c < ' ')
            n += (size_t)snprintf(to + n, room - n, "\\x%02x", c);
        else if (c == '"' || c == '\\')
            n += (size_t)snprintf(to + n, room - n, "\\%c", c);
        else
            to[n++] = (char)c;
    }
    to[n++] = '"';
    to[n] = 0;
    return n;
}

enum { QUOTED = LAYOUT_ERROR_SIZE / 4 - 20 };

static bool cannot(const struct reading *r, gw_str part, char *why)
{
    if (!why)
        return false;
    char text[QUOTED], layout[QUOTED], rest[QUOTED], std[QUOTED];
    quote(text, sizeof text, r->text);
    quote(layout, sizeof layout, r->layout);
    quote(rest, sizeof rest, r->rest);
    quote(std, sizeof std, part);
    snprintf(why, LAYOUT_ERROR_SIZE, "parsing time %s as %s: cannot parse %s as %s", text, layout, rest, std);
    return false;
}

static bool refuse(const struct reading *r, const char *what, const char *end, char *why)
{
    if (!why)
        return false;
    char text[QUOTED];
    quote(text, sizeof text, r->text);
    snprintf(why, LAYOUT_ERROR_SIZE, "parsing time %s: %s%s", text, what, end);
    return false;
}

static gw_str cut_blanks(gw_str s)
{
    while (s.len && *s.ptr == ' ')
        s = gw_str_n(s.ptr + 1, s.len - 1);
    return s;
}

/* The text of the layout before a part; a blank matches any number of blanks. */
static bool skip(gw_str *text, gw_str prefix)
{
    while (prefix.len) {
        if (*prefix.ptr == ' ') {
            if (text->len && *text->ptr != ' ')
                return false;
            prefix = cut_blanks(prefix);
            *text = cut_blanks(*text);
            continue;
        }
        if (!text->len || *text->ptr != *prefix.ptr)
            return false;
        prefix = gw_str_n(prefix.ptr + 1, prefix.len - 1);
        *text = gw_str_n(text->ptr + 1, text->len - 1);
    }
    return true;
}

static gw_str take(struct reading *r, size_t n)
{
    gw_str part = gw_str_n(r->rest.ptr, n);
    r->rest = gw_str_n(r->rest.ptr + n, r->rest.len - n);
    return part;
}

/* One or two digits; two when `fixed`. */
static bool small(struct reading *r, bool fixed, int *out)
{
    if (!gw_digit_at(r->rest, 0) || (fixed && !gw_digit_at(r->rest, 1)))
        return false;
    size_t n = gw_digit_at(r->rest, 1) ? 2 : 1;
    gw_str part = take(r, n);
    *out = n == 2 ? (part.ptr[0] - '0') * 10 + part.ptr[1] - '0' : part.ptr[0] - '0';
    return true;
}

static bool digits(struct reading *r, size_t n, int *out)
{
    int64_t number;
    if (r->rest.len < n || !gw_digit_at(r->rest, 0) || !gw_str_i64(gw_str_n(r->rest.ptr, n), &number))
        return false;
    take(r, n);
    *out = (int)number;
    return true;
}

static bool among(struct reading *r, const char *const *names, size_t n, size_t len, int *out)
{
    for (size_t i = 0; i < n; i++) {
        gw_str name = gw_str_n(names[i], len ? len : strlen(names[i]));
        if (r->rest.len >= name.len && gw_str_ieq(gw_str_n(r->rest.ptr, name.len), name)) {
            take(r, name.len);
            *out = (int)i;
            return true;
        }
    }
    return false;
}

/* n bytes: a point or comma, and digits. */
static bool fraction(struct reading *r, size_t n)
{
    static const int scale[] = {1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1};
    size_t used = n < 10 ? n : 10;
    uint64_t number = 0;
    if (r->rest.len < n || n < 2 || (*r->rest.ptr != '.' && *r->rest.ptr != ',') ||
        !gw_str_u64(gw_str_n(r->rest.ptr + 1, used - 1), &number))
        return false;
    r->nsec = (int)number * scale[used - 1];
    take(r, n);
    return true;
}

static size_t fraction_length(gw_str s)
{
    size_t n = 1;
    if (s.len < 2 || (*s.ptr != '.' && *s.ptr != ',') || !gw_digit_at(s, 1))
        return 0;
    while (gw_digit_at(s, n))
        n++;
    return n;
}

/* Seconds may have a fraction that the layout does not mention. */
static bool unasked_fraction(struct reading *r, gw_str after)
{
    size_t n = fraction_length(r->rest);
    enum layout_std next = n ? layout_next(after).std : LS_NONE;
    return !n || next == LS_FRACTION_ZERO || next == LS_FRACTION_NINE || fraction(r, n);
}

static bool ranged(struct reading *r, int value, int low, int high, const char *what)
{
    if (value < low || value > high)
        r->range = what;
    return true;
}

static bool offset_part(gw_str s, size_t at, int *out)
{
    if (!gw_digit_at(s, at) || !gw_digit_at(s, at + 1))
        return false;
    *out = (s.ptr[at] - '0') * 10 + s.ptr[at + 1] - '0';
    return true;
}

static bool offset(struct reading *r, enum layout_std std)
{
    static const struct {
        size_t len, minute, second;
    } shapes[] = {{5, 3, 0}, {7, 3, 5}, {3, 0, 0}, {6, 4, 0}, {9, 4, 7}};
    bool iso = std < LS_NUM_TZ;
    size_t shape = (size_t)std - (size_t)(iso ? LS_ISO_TZ : LS_NUM_TZ);
    int hour, minute = 0, second = 0;
    if (iso && r->rest.len && *r->rest.ptr == 'Z') {
        take(r, 1);
        r->zone = zone_utc();
        return true;
    }
    gw_str s = r->rest;
    if (s.len < shapes[shape].len || (*s.ptr != '+' && *s.ptr != '-') || !offset_part(s, 1, &hour))
        return false;
    if ((shapes[shape].minute && !offset_part(s, shapes[shape].minute, &minute)) ||
        (shapes[shape].minute == 4 && s.ptr[3] != ':'))
        return false;
    if ((shapes[shape].second && !offset_part(s, shapes[shape].second, &second)) ||
        (shapes[shape].second == 7 && s.ptr[6] != ':'))
        return false;
    take(r, shapes[shape].len);
    ranged(r, hour, 0, 24, "time zone offset hour");
    ranged(r, minute, 0, 60, "time zone offset minute");
    ranged(r, second, 0, 60, "time zone offset second");
    r->has_offset = true;
    r->offset = (hour * 3600 + minute * 60 + second) * (*s.ptr == '-' ? -1 : 1);
    return true;
}

/* +7, -03: its length; 0 if it is not an offset, or more than 23. */
static size_t signed_hours(gw_str s, int *hours)
{
    size_t n = 1;
    if (s.len < 2 || (*s.ptr != '+' && *s.ptr != '-') || !gw_digit_at(s, 1))
        return 0;
    for (*hours = 0; gw_digit_at(s, n) && *hours < 1000; n++)
        *hours = *hours * 10 + s.ptr[n] - '0';
    if (*hours > 23)
        return 0;
    *hours *= *s.ptr == '-' ? -1 : 1;
    return n;
}

/* Length of a zone's abbreviation at the head of s, 0 if there is none: MST, CEST, ChST, GMT+3, +03. */
static size_t zone_length(gw_str s)
{
    int hours;
    size_t n = 0;
    if (s.len < 3)
        return 0;
    if (gw_str_starts(s, GW_STR("ChST")) || gw_str_starts(s, GW_STR("MeST")))
        return 4;
    if (gw_str_starts(s, GW_STR("GMT")))
        return 3 + signed_hours(gw_str_from(s, 3), &hours);
    if (*s.ptr == '+' || *s.ptr == '-')
        return signed_hours(s, &hours);
    while (n < 6 && n < s.len && s.ptr[n] >= 'A' && s.ptr[n] <= 'Z')
        n++;
    if (n == 3)
        return 3;
    if (n == 4)
        return s.ptr[3] == 'T' || gw_str_starts(s, GW_STR("WITA")) ? 4 : 0;
    return n == 5 && s.ptr[4] == 'T' ? 5 : 0;
}

static bool zone_word(struct reading *r)
{
    if (gw_str_starts(r->rest, GW_STR("UTC"))) {
        r->zone = zone_utc();
        take(r, 3);
        return true;
    }
    size_t n = zone_length(r->rest);
    if (n)
        r->zone_name = take(r, n);
    return n > 0;
}

static bool noon(struct reading *r, const char *am, const char *pm)
{
    if (r->rest.len < 2)
        return false;
    gw_str part = take(r, 2);
    r->pm = gw_str_eq(part, gw_str_z(pm));
    r->am = gw_str_eq(part, gw_str_z(am));
    return r->pm || r->am;
}

static bool year2(struct reading *r)
{
    if (r->rest.len < 2 || !gw_digit_at(r->rest, 0) || !gw_digit_at(r->rest, 1) || !small(r, true, &r->year))
        return false;
    r->year += r->year >= 69 ? 1900 : 2000;
    return true;
}

static bool one_based(bool good, int *value)
{
    ++*value;
    return good;
}

static bool blank_then(struct reading *r, size_t most)
{
    while (most-- && r->rest.len && *r->rest.ptr == ' ')
        take(r, 1);
    return true;
}

/* Reads one part; false when it is not there. */
static bool part(struct reading *r, const struct layout_chunk *c)
{
    int ignored;
    size_t n;
    switch (c->std) {
    case LS_YEAR:
        return year2(r);
    case LS_YEAR_LONG:
        return digits(r, 4, &r->year);
    case LS_MONTH:
        return one_based(among(r, layout_months, 12, 3, &r->month), &r->month);
    case LS_MONTH_LONG:
        return one_based(among(r, layout_months, 12, 0, &r->month), &r->month);
    case LS_MONTH_NUM:
    case LS_MONTH_ZERO:
        return small(r, c->std == LS_MONTH_ZERO, &r->month) && ranged(r, r->month, 1, 12, "month");
    case LS_WEEKDAY:
        return among(r, layout_days, 7, 3, &ignored);
    case LS_WEEKDAY_LONG:
        return among(r, layout_days, 7, 0, &ignored);
    case LS_DAY_UNDER:
        blank_then(r, 1);
        return small(r, false, &r->day);
    case LS_DAY:
    case LS_DAY_ZERO:
        return small(r, c->std == LS_DAY_ZERO, &r->day);
    case LS_YEARDAY_UNDER:
        n = r->rest.len;
        blank_then(r, 2);
        return digits(r, 3 - (n - r->rest.len), &r->yearday);
    case LS_YEARDAY_ZERO:
        return digits(r, 3, &r->yearday);
    case LS_HOUR:
        return small(r, false, &r->hour) && ranged(r, r->hour, 0, 23, "hour");
    case LS_HOUR12:
    case LS_HOUR12_ZERO:
        return small(r, c->std == LS_HOUR12_ZERO, &r->hour) && ranged(r, r->hour, 0, 12, "hour");
    case LS_MINUTE:
    case LS_MINUTE_ZERO:
        return small(r, c->std == LS_MINUTE_ZERO, &r->minute) && ranged(r, r->minute, 0, 59, "minute");
    case LS_SECOND:
    case LS_SECOND_ZERO:
        return small(r, c->std == LS_SECOND_ZERO, &r->second) && ranged(r, r->second, 0, 59, "second") &&
               (r->range || unasked_fraction(r, c->after));
    case LS_PM:
        return noon(r, "AM", "PM");
    case LS_PM_LOWER:
        return noon(r, "am", "pm");
    case LS_TZ:
        return zone_word(r);
    case LS_FRACTION_ZERO:
        return fraction(r, c->text.len);
    case LS_FRACTION_NINE:
        n = fraction_length(r->rest);
        return !n || fraction(r, n);
    case LS_NONE:
        return true;
    default:
        return offset(r, c->std);
    }
}

int64_t layout_wall(const struct zone *zone, int64_t wall)
{
    struct zone_at at = zone_at(zone, wall);
    if (at.offset) {
        int64_t utc = wall - at.offset;
        if (utc < at.begin || utc >= at.end)
            at = zone_at(zone, utc);
    }
    return wall - at.offset;
}

static int64_t in_zone(const struct reading *r, int64_t wall, const struct zone *zone)
{
    int named;
    if (r->zone)
        return layout_wall(r->zone, wall);
    if (r->has_offset)
        return wall - r->offset;
    if (r->zone_name.len) /* an unknown name counts as UTC */
        return zone_named(zone, r->zone_name, wall, &named) ? wall - named : wall;
    return layout_wall(zone, wall);
}

static bool finish(struct reading *r, const struct zone *zone, struct layout_time *out, char *why)
{
    if (r->pm && r->hour < 12)
        r->hour += 12;
    else if (r->am && r->hour == 12)
        r->hour = 0;
    if (r->yearday >= 0) {
        if (r->yearday < 1 || r->yearday > (civil_leap(r->year) ? 366 : 365))
            return refuse(r, "day-of-year out of range", "", why);
        for (r->month = 1, r->day = r->yearday; r->day > civil_month_days(r->year, r->month); r->month++)
            r->day -= civil_month_days(r->year, r->month);
    }
    r->month = r->month < 1 ? 1 : r->month;
    r->day = r->day < 0 ? 1 : r->day;
    if (r->day < 1 || r->day > civil_month_days(r->year, r->month))
        return refuse(r, "day out of range", "", why);
    int64_t wall =
        civil_days(r->year, r->month, r->day) * 86400 + r->hour * 3600 + r->minute * 60 + r->second;
    *out = (struct layout_time){in_zone(r, wall, zone), r->nsec};
    return true;
}

bool layout_parse(gw_str layout, gw_str text, const struct zone *zone, struct layout_time *out, char *why)
{
    struct reading r = {.layout = layout, .text = text, .rest = text, .month = -1, .day = -1, .yearday = -1};
    for (;;) {
        struct layout_chunk c = layout_next(layout);
        if (!skip(&r.rest, c.before))
            return cannot(&r, c.before, why);
        if (c.std == LS_NONE)
            break;
        gw_str before = r.rest;
        if (!part(&r, &c)) {
            r.rest = before;
            return cannot(&r, c.text, why);
        }
        if (r.range)
            return refuse(&r, r.range, " out of range", why);
        layout = c.after;
    }
    if (r.rest.len) {
        char extra[90];
        quote(extra, sizeof extra, r.rest);
        return refuse(&r, "extra text: ", extra, why);
    }
    return finish(&r, zone, out, why);
}

/* A number with a fraction and a unit; *ns grows by it. */
static bool duration_part(gw_str *s, double *ns, uint64_t *whole)
{
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"ns", 1},       {"us", 1000},      {"\xC2\xB5s", 1000}, {"\xCE\xBCs", 1000},
                 {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},  {"h", 3600000000000}};
    uint64_t number = 0, scale = 1, part = 0;
    size_t n = 0, places = 0;
    for (; gw_digit_at(*s, n); n++)
        if (__builtin_mul_overflow(number, 10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(s->ptr[n] - '0'), &number))
            return false;
    bool any = n > 0;
    if (n < s->len && s->ptr[n] == '.')
        for (n++; gw_digit_at(*s, n); n++, any = true)
            if (places++ < 18) {
                part = part * 10 + (uint64_t)(s->ptr[n] - '0');
                scale *= 10;
            }
    *s = gw_str_n(s->ptr + n, s->len - n);
    size_t unit = 0;
    while (unit < s->len && s->ptr[unit] != '.' && !gw_digit_at(*s, unit))
        unit++;
    for (size_t i = 0; any && i < sizeof units / sizeof *units; i++)
        if (gw_str_eq(gw_str_n(s->ptr, unit), gw_str_z(units[i].name))) {
            *s = gw_str_n(s->ptr + unit, s->len - unit);
            *ns = (double)part * ((double)units[i].ns / (double)scale);
            return !__builtin_mul_overflow(number, units[i].ns, whole);
        }
    return false;
}

bool layout_duration(gw_str s, int64_t *ns)
{
    bool negative = s.len && *s.ptr == '-';
    uint64_t sum = 0;
    if (s.len && (*s.ptr == '-' || *s.ptr == '+'))
        s = gw_str_n(s.ptr + 1, s.len - 1);
    *ns = 0;
    if (gw_str_eq(s, GW_STR("0")))
        return true;
    if (!s.len)
        return false;
    while (s.len) {
        double part;
        uint64_t whole;
        if (!duration_part(&s, &part, &whole) || __builtin_add_overflow(sum, whole, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)part, &sum) || sum > (uint64_t)INT64_MAX + negative)
            return false;
    }
    *ns = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}
