/* dateparse.c: tries a text as a time: first the fixed forms, then the layout that dateparse_guess.c finds.
 * Owns nothing. Called by script functions and by log_time.c.
 * SPDX-License-Identifier: Apache-2.0 AND MIT
 */
#include "translators/text/dateparse.h"

#include <stdio.h>

#include "translators/text/civil.h"
#include "translators/text/dateparse_guess.h"

static const gw_str fixed[] = {GW_LIT("02/Jan/2006:15:04:05 -0700"), GW_LIT("02 Jan 2006 15:04:05.000"),
                               GW_LIT("02 Jan 15:04:05.000 2006"),   GW_LIT("060102 15:04:05"),
                               GW_LIT("2006/01/02 - 15:04:05"),      GW_LIT("Mon Jan 2 15:04:05.000000 2006"),
                               GW_LIT("2006-01-02 15:04:05.000 UTC")};
enum { WITHOUT_YEAR = 2, ZONE_WORD = 6 };

/* Checking the character that distinguishes the forms avoids most readings. The text has at least 12 bytes. */
static bool may_fit(size_t form, gw_str s)
{
    static const struct {
        size_t at;
        char c;
    } signs[] = {{2, '/'}, {2, ' '}, {2, ' '}, {6, ' '}, {4, '/'}, {3, ' '}, {4, '-'}};
    return s.ptr[signs[form].at] == signs[form].c && (form != ZONE_WORD || gw_str_ends(s, GW_STR("UTC")));
}

/* The first of the fixed forms that fits decides; one before 1970 is left to the guess. */
static bool fixed_form(gw_str text, const struct zone *zone, int64_t now, struct layout_time *out)
{
    char with_year[DATEPARSE_MAX + 16];
    struct civil c;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        gw_str s = text;
        if (!may_fit(i, text))
            continue;
        if (i == WITHOUT_YEAR) {
            int64_t seconds = now / 1000000000;
            civil_of(seconds + zone_at(zone_local(), seconds).offset, &c);
            s = gw_str_n(with_year, (size_t)snprintf(with_year, sizeof with_year, "%.*s %lld", GW_FMT(text),
                                                     (long long)c.year));
        }
        if (layout_parse(fixed[i], s, zone, out, NULL))
            return layout_ns(*out) > 0;
    }
    return false;
}

/* The number of two digits; 99 and more: not two digits. */
static unsigned two(const char *p)
{
    unsigned tens = (unsigned char)p[0] - '0', ones = (unsigned char)p[1] - '0';
    return tens > 9 || ones > 9 ? 100 : tens * 10 + ones;
}

/* Behind the seconds: nothing, or a point or comma and up to nine digits. */
static bool fraction_of(gw_str s, int *nsec)
{
    *nsec = 0;
    if (!s.len)
        return true;
    if ((*s.ptr != '.' && *s.ptr != ',') || s.len < 2 || s.len > 10)
        return false;
    for (size_t i = 1; i < 10; i++) {
        unsigned digit = i < s.len ? (unsigned char)s.ptr[i] - '0' : 0;
        if (digit > 9)
            return false;
        *nsec = *nsec * 10 + (int)digit;
    }
    return true;
}

/* "2021-06-18 10:07:08,786" and similar forms, with which most lines begin: the guess would have the same
 * result, a microsecond later. Values out of range are left to it. */
static bool common_form(gw_str text, const struct zone *zone, struct layout_time *out)
{
    const char *p = text.ptr;
    if (text.len < 19 || p[4] != '-' || p[7] != '-' || (p[10] != ' ' && p[10] != 'T') || p[13] != ':' ||
        p[16] != ':')
        return false;
    unsigned century = two(p), year = two(p + 2), month = two(p + 5), day = two(p + 8);
    unsigned hour = two(p + 11), minute = two(p + 14), second = two(p + 17);
    if (century > 99 || year > 99 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    year += century * 100;
    gw_str rest = gw_str_n(p + 19, text.len - 19);
    /* with a fraction the reference ignores the Z */
    bool zulu = p[10] == 'T' && rest.len == 1 && *rest.ptr == 'Z';
    if ((int)day > civil_month_days(year, (int)month) ||
        !fraction_of(gw_str_n(rest.ptr, rest.len - zulu), &out->nsec))
        return false;
    out->seconds = layout_wall(zulu ? zone_utc() : zone, civil_days(year, (int)month, (int)day) * 86400 +
                                                             hour * 3600 + minute * 60 + second);
    return true;
}

bool dateparse(gw_str text, const struct zone *zone, int64_t now, struct layout_time *out, char *why)
{
    struct guess g;
    if (text.len > DATEPARSE_MAX)
        return guess_unknown(text, why);
    if (common_form(text, zone, out))
        return true;
    if (text.len >= 12 && fixed_form(text, zone, now, out))
        return true;
    if (!guess_layout(&g, text, why))
        return false;
    if (g.has_time) {
        *out = g.time;
        return true;
    }
    return layout_parse(gw_str_n(g.layout, g.layout_len), gw_str_n(g.text, g.len), g.utc ? zone_utc() : zone,
                        out, why);
}
