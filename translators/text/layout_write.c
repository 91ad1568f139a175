/* layout_write.c: Writes times by Go's layouts and by strftime formats. Owns nothing: it appends to the
 * caller's buffer. Called by the time functions of scripts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "translators/text/civil.h"
#include "translators/text/layout.h"
#include "translators/text/layout_std.h"

struct shown {
    struct civil c;
    struct layout_time t;
    struct zone_at zone;
};

static struct shown show(struct layout_time t, const struct zone *zone)
{
    struct shown s = {.t = t, .zone = zone_at(zone, t.seconds)};
    civil_of(t.seconds + s.zone.offset, &s.c);
    return s;
}

gw_str layout_named(gw_str name)
{
    static const gw_str rows[][2] = {
        {GW_LIT("ANSIC"), GW_LIT("Mon Jan _2 15:04:05 2006")},
        {GW_LIT("UnixDate"), GW_LIT("Mon Jan _2 15:04:05 MST 2006")},
        {GW_LIT("RubyDate"), GW_LIT("Mon Jan 02 15:04:05 -0700 2006")},
        {GW_LIT("RFC822"), GW_LIT("02 Jan 06 15:04 MST")},
        {GW_LIT("RFC822Z"), GW_LIT("02 Jan 06 15:04 -0700")},
        {GW_LIT("RFC850"), GW_LIT("Monday, 02-Jan-06 15:04:05 MST")},
        {GW_LIT("RFC1123"), GW_LIT("Mon, 02 Jan 2006 15:04:05 MST")},
        {GW_LIT("RFC1123Z"), GW_LIT("Mon, 02 Jan 2006 15:04:05 -0700")},
        {GW_LIT("RFC3339"), GW_LIT("2006-01-02T15:04:05Z07:00")},
        {GW_LIT("RFC3339Nano"), GW_LIT("2006-01-02T15:04:05.999999999Z07:00")},
        {GW_LIT("Kitchen"), GW_LIT("3:04PM")},
        {GW_LIT("Stamp"), GW_LIT("Jan _2 15:04:05")},
        {GW_LIT("StampMilli"), GW_LIT("Jan _2 15:04:05.000")},
        {GW_LIT("StampMicro"), GW_LIT("Jan _2 15:04:05.000000")},
        {GW_LIT("StampNano"), GW_LIT("Jan _2 15:04:05.000000000")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(rows[i][0], name))
            return rows[i][1];
    return GW_NOSTR;
}

__attribute__((format(printf, 2, 3))) static void put(struct gw_text *b, const char *fmt, ...)
{
    char text[64];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gw_text_put(b, text, n < 0 ? 0 : (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

static int hour12(const struct civil *c)
{
    return c->hour % 12 ? c->hour % 12 : 12;
}

static void put_offset(struct gw_text *b, enum layout_std std, int offset)
{
    bool iso = std < LS_NUM_TZ;
    int shape = (int)std - (int)(iso ? LS_ISO_TZ : LS_NUM_TZ), east = offset < 0 ? -offset : offset;
    const char *colon = shape >= 3 ? ":" : "";
    if (iso && offset == 0) {
        gw_text_put_char(b, 'Z');
        return;
    }
    put(b, "%c%02d", offset < 0 ? '-' : '+', east / 3600);
    if (shape != 2)
        put(b, "%s%02d", colon, east / 60 % 60);
    if (shape == 1 || shape == 4)
        put(b, "%s%02d", colon, east % 60);
}

/* .000 keeps its digits, .999 loses its zeroes, and then itself. */
static void put_fraction(struct gw_text *b, gw_str part, bool nine, int nsec)
{
    char digits[16];
    size_t n = part.len - 1 < 9 ? part.len - 1 : 9;
    snprintf(digits, sizeof digits, "%09d", nsec);
    while (nine && n && digits[n - 1] == '0')
        n--;
    if (!n)
        return;
    gw_text_put_char(b, *part.ptr);
    gw_text_put(b, digits, n);
}

static void put_zone(struct gw_text *b, const struct zone_at *z)
{
    if (z->abbreviation.len)
        gw_text_put_str(b, z->abbreviation);
    else
        put(b, "%+03d", z->offset / 3600);
}

static void put_date(struct gw_text *b, enum layout_std std, const struct civil *c)
{
    switch (std) {
    case LS_MONTH_LONG:
        gw_text_put_z(b, layout_months[c->month - 1]);
        return;
    case LS_MONTH:
        gw_text_put(b, layout_months[c->month - 1], 3);
        return;
    case LS_WEEKDAY_LONG:
        gw_text_put_z(b, layout_days[c->weekday]);
        return;
    case LS_WEEKDAY:
        gw_text_put(b, layout_days[c->weekday], 3);
        return;
    case LS_YEAR_LONG:
        put(b, "%04lld", (long long)c->year);
        return;
    case LS_YEAR:
        put(b, "%02d", (int)((c->year % 100 + 100) % 100));
        return;
    case LS_MONTH_NUM:
    case LS_MONTH_ZERO:
        put(b, std == LS_MONTH_ZERO ? "%02d" : "%d", c->month);
        return;
    case LS_DAY:
        put(b, "%d", c->day);
        return;
    case LS_DAY_UNDER:
        put(b, "%2d", c->day);
        return;
    case LS_DAY_ZERO:
        put(b, "%02d", c->day);
        return;
    default:
        put(b, std == LS_YEARDAY_UNDER ? "%3d" : "%03d", c->yearday);
    }
}

static void put_part(struct gw_text *b, const struct layout_chunk *part, const struct shown *s)
{
    const struct civil *c = &s->c;
    switch (part->std) {
    case LS_HOUR:
        put(b, "%02d", c->hour);
        return;
    case LS_HOUR12:
    case LS_HOUR12_ZERO:
        put(b, part->std == LS_HOUR12 ? "%d" : "%02d", hour12(c));
        return;
    case LS_MINUTE:
    case LS_MINUTE_ZERO:
        put(b, part->std == LS_MINUTE ? "%d" : "%02d", c->minute);
        return;
    case LS_SECOND:
    case LS_SECOND_ZERO:
        put(b, part->std == LS_SECOND ? "%d" : "%02d", c->second);
        return;
    case LS_PM:
        gw_text_put_z(b, c->hour < 12 ? "AM" : "PM");
        return;
    case LS_PM_LOWER:
        gw_text_put_z(b, c->hour < 12 ? "am" : "pm");
        return;
    case LS_TZ:
        put_zone(b, &s->zone);
        return;
    case LS_FRACTION_ZERO:
    case LS_FRACTION_NINE:
        put_fraction(b, part->text, part->std == LS_FRACTION_NINE, s->t.nsec);
        return;
    default:
        if (part->std > LS_TZ)
            put_offset(b, part->std, s->zone.offset);
        else
            put_date(b, part->std, c);
    }
}

void layout_format(struct gw_text *b, gw_str layout, struct layout_time t, const struct zone *zone)
{
    struct shown s = show(t, zone);
    while (layout.len) {
        struct layout_chunk part = layout_next(layout);
        gw_text_put_str(b, part.before);
        if (part.std == LS_NONE)
            return;
        put_part(b, &part, &s);
        layout = part.after;
    }
}

/* How one directive of strftime is padded and cased: %-d %_d %^a %#a %05d */
struct style {
    int width;
    char pad; /* 0: as the directive likes it, '-': not at all */
    bool upper, swap;
};

static void put_number(struct gw_text *b, const struct style *how, char pad, int width, int64_t number)
{
    char digits[24];
    size_t n = gw_i64_text(digits, number);
    pad = how->pad ? how->pad : pad;
    width = how->width > width ? how->width : width;
    bool sign = number < 0 && pad == '0';
    if (sign)
        gw_text_put_char(b, '-');
    for (int i = (int)n; pad != '-' && i < width; i++)
        gw_text_put_char(b, pad);
    gw_text_put(b, digits + sign, n - sign);
}

static void put_word(struct gw_text *b, const struct style *how, const char *word, size_t len)
{
    bool lower = how->swap && len > 1 && word[1] < 'a', upper = !lower && (how->upper || how->swap);
    for (int i = (int)len; how->pad != '-' && i < how->width; i++)
        gw_text_put_char(b, how->pad ? how->pad : ' ');
    for (size_t i = 0; i < len; i++)
        gw_text_put_char(b, upper && word[i] >= 'a' && word[i] <= 'z' ? (char)(word[i] - 32)
                            : lower                                   ? gw_lower(word[i])
                                                                      : word[i]);
}

static void directives(struct gw_text *b, gw_str format, const struct shown *s);

/* Directives that abbreviate several; false if c is not one of them. */
static bool put_compound(struct gw_text *b, char c, const struct shown *s)
{
    static const char *const rows[][2] = {{"c", "%a %b %e %H:%M:%S %Y"},
                                          {"+", "%a %b %e %H:%M:%S %Z %Y"},
                                          {"v", "%e-%b-%Y"},
                                          {"r", "%I:%M:%S %p"},
                                          {"F", "%Y-%m-%d"},
                                          {"D", "%m/%d/%y"},
                                          {"x", "%m/%d/%y"},
                                          {"T", "%H:%M:%S"},
                                          {"X", "%H:%M:%S"},
                                          {"R", "%H:%M"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i][0][0] == c) {
            directives(b, gw_str_z(rows[i][1]), s);
            return true;
        }
    return false;
}

static bool put_numeric(struct gw_text *b, char d, const struct style *how, const struct shown *s)
{
    const struct civil *c = &s->c;
    int64_t iso;
    int week = civil_iso_week(c, &iso);
    const struct {
        char name, pad;
        int width;
        int64_t value;
    } rows[] = {{'Y', '0', 4, c->year},
                {'y', '0', 2, c->year % 100 < 0 ? -(c->year % 100) : c->year % 100},
                {'C', '0', 2, c->year / 100},
                {'g', '0', 2, iso % 100},
                {'G', '0', 4, iso},
                {'m', '0', 2, c->month},
                {'w', '0', 1, c->weekday},
                {'u', '0', 1, c->weekday ? c->weekday : 7},
                {'V', '0', 2, week},
                {'U', '0', 2, (c->yearday + 6 - c->weekday) / 7},
                {'W', '0', 2, (c->yearday - (c->weekday ? c->weekday - 7 : 0)) / 7},
                {'e', ' ', 2, c->day},
                {'d', '0', 2, c->day},
                {'j', '0', 3, c->yearday},
                {'k', ' ', 2, c->hour},
                {'H', '0', 2, c->hour},
                {'l', ' ', 2, c->hour > 12 ? c->hour - 12 : c->hour},
                {'I', '0', 2, hour12(c)},
                {'M', '0', 2, c->minute},
                {'S', '0', 2, c->second},
                {'s', ' ', 1, s->t.seconds},
                {'f', '0', how->width ? 1 : 6, s->t.nsec / 1000}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].name == d) {
            put_number(b, how, rows[i].pad, rows[i].width, rows[i].value);
            return true;
        }
    return false;
}

/* `whole`: the directive with all it has, for one that is unknown. */
static void put_words(struct gw_text *b, gw_str whole, struct style how, const struct shown *s)
{
    char d = whole.ptr[whole.len - 1];
    const char *month = layout_months[s->c.month - 1], *day = layout_days[s->c.weekday];
    switch (d) {
    case 'B':
        put_word(b, &how, month, strlen(month));
        return;
    case 'b':
    case 'h':
        put_word(b, &how, month, 3);
        return;
    case 'A':
        put_word(b, &how, day, strlen(day));
        return;
    case 'a':
        put_word(b, &how, day, 3);
        return;
    case 'P':
        how.swap = !how.upper && !how.swap;
        put_word(b, &how, s->c.hour < 12 ? "AM" : "PM", 2);
        return;
    case 'p':
        put_word(b, &how, s->c.hour < 12 ? "AM" : "PM", 2);
        return;
    case 'Z':
        put_word(b, &how, s->zone.abbreviation.ptr, s->zone.abbreviation.len);
        return;
    case 'z':
        put_offset(b, LS_NUM_TZ, s->zone.offset);
        return;
    case 't':
    case 'n':
    case '%':
        put_word(b, &how, d == 't' ? "\t" : d == 'n' ? "\n" : "%", 1);
        return;
    default:
        put_word(b, &how, whole.ptr, whole.len);
    }
}

/* Behind a %: how many bytes the directive takes. */
static size_t directive(struct gw_text *b, gw_str f, const struct shown *s)
{
    struct style how = {0};
    size_t i = 0;
    for (; i < f.len && gw_char_in(f.ptr[i], "-_^#0"); i++) {
        if (f.ptr[i] == '^')
            how.upper = true;
        else if (f.ptr[i] == '#')
            how.swap = true;
        else
            how.pad = f.ptr[i] == '_' ? ' ' : f.ptr[i];
    }
    for (; i < f.len && gw_is_digit(f.ptr[i]); i++)
        how.width = how.width > 100 ? 1024 : how.width * 10 + (f.ptr[i] - '0');
    if (how.width && how.pad == '-')
        how.pad = ' ';
    size_t colons = 0;
    while (i + colons < f.len && f.ptr[i + colons] == ':')
        colons++;
    if (colons && colons < 3 && i + colons < f.len && f.ptr[i + colons] == 'z') {
        put_offset(b, colons == 1 ? LS_NUM_TZ_COLON : LS_NUM_TZ_COLON_SECONDS, s->zone.offset);
        return i + colons + 1;
    }
    if (i == f.len) {
        gw_text_put_char(b, '%');
        gw_text_put_str(b, f);
        return i;
    }
    if (!put_numeric(b, f.ptr[i], &how, s) && !put_compound(b, f.ptr[i], s))
        put_words(b, gw_str_n(f.ptr - 1, i + 2), how, s);
    return i + 1;
}

static void directives(struct gw_text *b, gw_str format, const struct shown *s)
{
    while (format.len) {
        size_t plain = gw_str_find(format, '%');
        gw_text_put(b, format.ptr, plain);
        if (plain == format.len)
            return;
        format = gw_str_n(format.ptr + plain + 1, format.len - plain - 1);
        size_t used = directive(b, format, s);
        format = gw_str_n(format.ptr + used, format.len - used);
    }
}

void layout_strftime(struct gw_text *b, gw_str format, struct layout_time t, const struct zone *zone)
{
    struct shown s = show(t, zone);
    directives(b, format, &s);
}
