/* layout_std.c: finds the parts of a layout and holds the names of days and months. Pure functions. Called
 * by layout.c and layout_write.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "translators/text/layout_std.h"

const char *const layout_months[12] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};
const char *const layout_days[7] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                    "Thursday", "Friday", "Saturday"};

static bool lower(gw_str s)
{
    return s.len && *s.ptr >= 'a' && *s.ptr <= 'z';
}

/* A longer word precedes its own beginnings. */
static const struct {
    const char *text;
    enum layout_std std;
    bool no_lower; /* not when a small letter follows */
} parts[] = {
    {"January", LS_MONTH_LONG, false},
    {"Jan", LS_MONTH, true},
    {"Monday", LS_WEEKDAY_LONG, false},
    {"Mon", LS_WEEKDAY, true},
    {"MST", LS_TZ, false},
    {"002", LS_YEARDAY_ZERO, false},
    {"01", LS_MONTH_ZERO, false},
    {"02", LS_DAY_ZERO, false},
    {"03", LS_HOUR12_ZERO, false},
    {"04", LS_MINUTE_ZERO, false},
    {"05", LS_SECOND_ZERO, false},
    {"06", LS_YEAR, false},
    {"15", LS_HOUR, false},
    {"1", LS_MONTH_NUM, false},
    {"2006", LS_YEAR_LONG, false},
    {"2", LS_DAY, false},
    {"__2", LS_YEARDAY_UNDER, false},
    {"_2", LS_DAY_UNDER, false},
    {"3", LS_HOUR12, false},
    {"4", LS_MINUTE, false},
    {"5", LS_SECOND, false},
    {"PM", LS_PM, false},
    {"pm", LS_PM_LOWER, false},
    {"-070000", LS_NUM_TZ_SECONDS, false},
    {"-07:00:00", LS_NUM_TZ_COLON_SECONDS, false},
    {"-0700", LS_NUM_TZ, false},
    {"-07:00", LS_NUM_TZ_COLON, false},
    {"-07", LS_NUM_TZ_SHORT, false},
    {"Z070000", LS_ISO_TZ_SECONDS, false},
    {"Z07:00:00", LS_ISO_TZ_COLON_SECONDS, false},
    {"Z0700", LS_ISO_TZ, false},
    {"Z07:00", LS_ISO_TZ_COLON, false},
    {"Z07", LS_ISO_TZ_SHORT, false},
};

/* .000 or ,999: digits of one kind, and no other behind them. */
static size_t fraction(gw_str s)
{
    size_t n = 1;
    if (s.len < 2 || (*s.ptr != '.' && *s.ptr != ',') || (s.ptr[1] != '0' && s.ptr[1] != '9'))
        return 0;
    while (n < s.len && s.ptr[n] == s.ptr[1])
        n++;
    return gw_digit_at(s, n) ? 0 : n;
}

static struct layout_chunk chunk(gw_str layout, size_t at, size_t len, enum layout_std std)
{
    return (struct layout_chunk){gw_str_n(layout.ptr, at), gw_str_n(layout.ptr + at, len),
                                 gw_str_n(layout.ptr + at + len, layout.len - at - len), std};
}

static bool begins_part(char c)
{
    switch (c) {
    case 'J':
    case 'M':
    case 'P':
    case 'p':
    case 'Z':
    case '_':
    case '-':
    case '.':
    case ',':
        return true;
    default:
        return c >= '0' && c <= '5';
    }
}

struct layout_chunk layout_next(gw_str layout)
{
    for (size_t at = 0; at < layout.len; at++) {
        gw_str here = gw_str_n(layout.ptr + at, layout.len - at);
        if (!begins_part(*here.ptr))
            continue;
        size_t digits = fraction(here);
        if (digits)
            return chunk(layout, at, digits, here.ptr[1] == '0' ? LS_FRACTION_ZERO : LS_FRACTION_NINE);
        if (gw_str_starts(here, GW_STR("_2006")))
            return chunk(layout, at + 1, 4, LS_YEAR_LONG);
        for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
            if (parts[i].text[0] != *here.ptr)
                continue;
            size_t len = strlen(parts[i].text);
            if (gw_str_starts(here, gw_str_n(parts[i].text, len)) &&
                !(parts[i].no_lower && lower(gw_str_from(here, len))))
                return chunk(layout, at, len, parts[i].std);
        }
    }
    return (struct layout_chunk){layout, GW_NOSTR, GW_NOSTR, LS_NONE};
}
