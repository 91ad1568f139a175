/* timescan_zone.c: Reads the zone after a time, in the forms that loggers and servers write. Owns nothing.
 * Called by timescan.c, log_time.c and syslog_time.c.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/text/timescan.h"

#include <stdlib.h>

enum { HOUR = 3600, MOST = 15 * HOUR, NAME = 40 };

/* True if the text after a zone may be here. */
static bool is_over(gw_str s, size_t at)
{
    return at >= s.len || gw_char_in(s.ptr[at], " \t\r\n],;:|)\"'");
}

size_t timescan_offset(gw_str s, bool lax, int *offset)
{
    if (s.len < 2 || (*s.ptr != '+' && *s.ptr != '-') || !gw_is_digit(s.ptr[1]))
        return 0;
    size_t n = gw_digit_at(s, 2) ? 3 : 2;
    if (n == 2 && !lax)
        return 0;
    int hours = n == 3 ? (s.ptr[1] - '0') * 10 + s.ptr[2] - '0' : s.ptr[1] - '0', minutes = 0;
    size_t colon = n < s.len && s.ptr[n] == ':';
    if (gw_digit_at(s, n + colon) && gw_digit_at(s, n + colon + 1)) {
        minutes = (s.ptr[n + colon] - '0') * 10 + s.ptr[n + colon + 1] - '0';
        n += colon + 2;
        if (n + 2 < s.len && s.ptr[n] == ':' && gw_digit_at(s, n + 1) && gw_digit_at(s, n + 2))
            n += 3;
    }
    *offset = (hours * HOUR + minutes * 60) * (*s.ptr == '-' ? -1 : 1);
    return hours < 24 && minutes < 60 && !gw_digit_at(s, n) ? n : 0;
}

/* A larger number after a time is not an offset: no clock is so far from Greenwich. */
static size_t read_offset(gw_str s, bool lax, int *offset)
{
    size_t n = timescan_offset(s, lax, offset);
    return n && abs(*offset) < MOST ? n : 0;
}

enum { SURE = TIMESCAN_SURE, DOUBTFUL = TIMESCAN_DOUBTFUL };
static const struct {
    gw_str name;
    int minutes, is;
} names[] = {
    {GW_LIT("UTC"), 0, SURE},        {GW_LIT("GMT"), 0, SURE},        {GW_LIT("UT"), 0, SURE},
    {GW_LIT("Z"), 0, SURE},          {GW_LIT("WET"), 0, SURE},        {GW_LIT("WEST"), 60, SURE},
    {GW_LIT("BST"), 60, DOUBTFUL},   {GW_LIT("CET"), 60, SURE},       {GW_LIT("MET"), 60, SURE},
    {GW_LIT("CEST"), 120, SURE},     {GW_LIT("MEST"), 120, SURE},     {GW_LIT("EET"), 120, SURE},
    {GW_LIT("SAST"), 120, SURE},     {GW_LIT("EEST"), 180, SURE},     {GW_LIT("MSK"), 180, SURE},
    {GW_LIT("PKT"), 300, SURE},      {GW_LIT("IST"), 330, DOUBTFUL},  {GW_LIT("WIB"), 420, SURE},
    {GW_LIT("ICT"), 420, SURE},      {GW_LIT("CST"), 480, DOUBTFUL},  {GW_LIT("HKT"), 480, SURE},
    {GW_LIT("SGT"), 480, SURE},      {GW_LIT("PHT"), 480, DOUBTFUL},  {GW_LIT("AWST"), 480, SURE},
    {GW_LIT("JST"), 540, SURE},      {GW_LIT("KST"), 540, SURE},      {GW_LIT("ACST"), 570, SURE},
    {GW_LIT("AEST"), 600, SURE},     {GW_LIT("ACDT"), 630, SURE},     {GW_LIT("AEDT"), 660, SURE},
    {GW_LIT("NZST"), 720, SURE},     {GW_LIT("NZDT"), 780, SURE},     {GW_LIT("BRST"), -120, SURE},
    {GW_LIT("NDT"), -150, SURE},     {GW_LIT("BRT"), -180, SURE},     {GW_LIT("ART"), -180, SURE},
    {GW_LIT("ADT"), -180, DOUBTFUL}, {GW_LIT("NST"), -210, DOUBTFUL}, {GW_LIT("AST"), -240, DOUBTFUL},
    {GW_LIT("EDT"), -240, SURE},     {GW_LIT("EST"), -300, SURE},     {GW_LIT("CDT"), -300, SURE},
    {GW_LIT("MDT"), -360, SURE},     {GW_LIT("MST"), -420, SURE},     {GW_LIT("PDT"), -420, SURE},
    {GW_LIT("PST"), -480, SURE},     {GW_LIT("AKDT"), -480, SURE},    {GW_LIT("AKST"), -540, SURE},
    {GW_LIT("HST"), -600, SURE},
};

enum timescan_name timescan_name(gw_str name, const struct zone *zone, int64_t wall, int *offset)
{
    if (zone_named(zone, name, wall, offset))
        return TIMESCAN_SURE;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (gw_str_eq(name, names[i].name)) {
            *offset = names[i].minutes * 60;
            return (enum timescan_name)names[i].is;
        }
    return TIMESCAN_UNNAMED;
}

static size_t capitals(gw_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= 'A' && s.ptr[n] <= 'Z')
        n++;
    return n;
}

/* GMT, UTC, GMT+8, UTC-03:30, UTC0, and other names. Their last letters are those of no level. */
static size_t read_word(gw_str s, const struct zone *zone, int64_t wall, int *offset)
{
    size_t n = capitals(s), more = 0;
    if (n < 2 || n > 5 || !gw_char_in(s.ptr[n - 1], "TCKBZD"))
        return 0;
    gw_str name = gw_str_n(s.ptr, n);
    *offset = 0;
    if (gw_str_eq(name, GW_STR("UTC")) || gw_str_eq(name, GW_STR("GMT")) || gw_str_eq(name, GW_STR("UT"))) {
        more = read_offset(gw_str_from(s, n), true, offset);
        more = more ? more : n < s.len && s.ptr[n] == '0';
        return is_over(s, n + more) ? n + more : 0;
    }
    return is_over(s, n) && timescan_name(name, zone, wall, offset) ? n : 0;
}

/* A place of the tz database. Only what begins with one of its folders is looked for on disk. */
static size_t read_place(gw_str s, int64_t wall, int *offset)
{
    static const gw_str folders[] = {GW_LIT("Africa/"),    GW_LIT("America/"), GW_LIT("Antarctica/"),
                                     GW_LIT("Asia/"),      GW_LIT("Arctic/"),  GW_LIT("Atlantic/"),
                                     GW_LIT("Australia/"), GW_LIT("Europe/"),  GW_LIT("Indian/"),
                                     GW_LIT("Pacific/"),   GW_LIT("Etc/"),     GW_LIT("US/"),
                                     GW_LIT("Canada/"),    GW_LIT("Brazil/"),  GW_LIT("Chile/")};
    size_t n = 0;
    while (n < s.len && n < NAME &&
           (gw_is_letter(s.ptr[n]) || gw_is_digit(s.ptr[n]) || gw_char_in(s.ptr[n], "/_+-")))
        n++;
    if (gw_str_find(gw_str_n(s.ptr, n), '/') == n)
        return 0;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (!gw_str_starts(s, folders[i]))
            continue;
        const struct zone *place = is_over(s, n) ? zone_find(gw_str_n(s.ptr, n)) : NULL;
        if (place)
            *offset = (int)(wall - layout_wall(place, wall));
        return place ? n : 0;
    }
    return 0;
}

/* In brackets: [Asia/Shanghai], [UTC], (CST) */
static size_t read_enclosed(gw_str s, const struct zone *zone, int64_t wall, int *offset)
{
    if (s.len < 4 || (*s.ptr != '[' && *s.ptr != '('))
        return 0;
    gw_str inside = gw_str_from(s, 1);
    size_t n = read_word(inside, zone, wall, offset);
    n = n ? n : read_place(inside, wall, offset);
    return n && n + 1 < s.len && s.ptr[n + 1] == (*s.ptr == '[' ? ']' : ')') ? n + 2 : 0;
}

static size_t read_any(gw_str s, const struct zone *zone, int64_t wall, int *offset)
{
    switch (s.len ? *s.ptr : 0) {
    case '+':
    case '-': {
        size_t n = read_offset(s, false, offset);
        return is_over(s, n) || (n && gw_char_in(s.ptr[n], "[(")) ? n : 0;
    }
    case '[':
    case '(':
        return read_enclosed(s, zone, wall, offset);
    case 0:
        return 0;
    default: {
        size_t n = read_word(s, zone, wall, offset);
        return n ? n : read_place(s, wall, offset);
    }
    }
}

size_t timescan_zone(gw_str text, const struct zone *zone, int64_t wall, int *offset)
{
    int again;
    size_t n = 0;
    if (text.len && *text.ptr == 'Z' &&
        (text.len == 1 || (!gw_is_letter(text.ptr[1]) && !gw_is_digit(text.ptr[1])))) {
        *offset = 0;
        n = 1;
    } else {
        size_t blank = text.len && *text.ptr == ' ';
        n = read_any(gw_str_from(text, blank), zone, wall, offset);
        n += n ? blank : 0;
    }
    if (!n)
        return 0;
    /* a second form: +0800 CST, Z[UTC], +08:00[Asia/Shanghai] */
    gw_str behind = gw_str_from(text, n);
    size_t blank = behind.len && *behind.ptr == ' ';
    gw_str word = gw_str_from(behind, blank);
    size_t more = word.len && (gw_is_letter(*word.ptr) || gw_char_in(*word.ptr, "[("))
                      ? read_any(word, zone, wall, &again)
                      : 0;
    return n + (more ? blank + more : 0);
}
