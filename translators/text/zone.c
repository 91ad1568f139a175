/* zone.c: Reads zones of the tz database (TZif files, RFC 8536) and POSIX strings (posix_tz.h), and returns
 * the offset of a zone at a moment. Owns the zones, which live as long as the process. Called by scripts, log
 * receivers and date parsing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/text/zone.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/lock.h"
#include "translators/text/posix_tz.h"

enum { FILE_MAX = 256 << 10, NAME_MAX_LEN = 255 };
#define DATABASE "/usr/share/zoneinfo/"
#define MACHINE "/etc/localtime"

enum zone_source { ZONE_OF_DATABASE, ZONE_OF_PATH, ZONE_OF_POSIX };

struct zone {
    struct zone *next;
    char *data;    /* the file, or the POSIX string: abbreviations are views of it */
    int64_t *when; /* changes, in order; the type from each on is at the same place of `which` */
    uint8_t *which;
    size_t n;
    struct posix_tz_type *types;
    size_t types_n;
    size_t first; /* the type before the first change */
    bool has_rule;
    struct posix_tz rule; /* from the last change on */
    enum zone_source source;
    char name[NAME_MAX_LEN + 1];
};

static struct gw_lock lock = GW_LOCK_STATIC(ZONES);
static struct zone *known;
static struct posix_tz_type utc_type = {0, false, GW_LIT("UTC")};
static const struct zone utc = {.name = "UTC", .types = &utc_type, .types_n = 1};

const struct zone *zone_utc(void)
{
    return &utc;
}

static int64_t big_endian(const unsigned char *p, size_t n)
{
    uint64_t u = n == 8 || !(p[0] & 0x80) ? 0 : UINT64_MAX;
    for (size_t i = 0; i < n; i++)
        u = u << 8 | p[i];
    return (int64_t)u;
}

struct counts {
    size_t isut, isstd, leap, time, type, chars;
};

static bool read_counts(const unsigned char *p, size_t left, struct counts *c)
{
    if (left < 44 || memcmp(p, "TZif", 4) != 0)
        return false;
    size_t *const to[] = {&c->isut, &c->isstd, &c->leap, &c->time, &c->type, &c->chars};
    for (size_t i = 0; i < 6; i++)
        *to[i] = (size_t)(uint32_t)big_endian(p + 20 + 4 * i, 4);
    return c->time < 10000 && c->type >= 1 && c->type < 256 && c->chars < 1000 && c->leap < 1000 &&
           c->isut <= c->type && c->isstd <= c->type;
}

static size_t block_size(const struct counts *c, size_t width)
{
    return c->time * (width + 1) + c->type * 6 + c->chars + c->leap * (width + 4) + c->isstd + c->isut;
}

static bool read_types(struct zone *z, const unsigned char *p, const struct counts *c)
{
    const char *chars = (const char *)p + c->type * 6;
    for (size_t i = 0; i < c->type; i++, p += 6) {
        if (p[5] >= c->chars)
            return false;
        gw_str abbreviation = gw_str_n(chars + p[5], strnlen(chars + p[5], c->chars - p[5]));
        z->types[i] = (struct posix_tz_type){(int32_t)big_endian(p, 4), p[4], abbreviation};
    }
    return true;
}

/* The second block, of 64 bits; the first one is for readers of the eighties. */
static bool read_file(struct zone *z, const unsigned char *p, size_t len)
{
    struct counts c;
    if (!read_counts(p, len, &c) || p[4] < '2')
        return false;
    size_t skip = 44 + block_size(&c, 4);
    if (skip > len || !read_counts(p + skip, len - skip, &c) || len - skip < 44 + block_size(&c, 8))
        return false;
    p += skip + 44;
    len -= skip + 44;
    z->when = calloc(c.time + 1, sizeof *z->when);
    z->which = calloc(c.time + 1, 1);
    z->types = calloc(c.type, sizeof *z->types);
    if (!z->when || !z->which || !z->types)
        return false;
    z->n = c.time;
    z->types_n = c.type;
    for (size_t i = 0; i < c.time; i++) {
        z->when[i] = big_endian(p + 8 * i, 8);
        z->which[i] = p[8 * c.time + i];
        if (z->which[i] >= c.type || (i && z->when[i] < z->when[i - 1]))
            return false;
    }
    if (!read_types(z, p + 9 * c.time, &c))
        return false;
    while (z->first + 1 < z->types_n && z->types[z->first].dst)
        z->first++;
    size_t block = block_size(&c, 8);
    gw_str footer = gw_str_n((const char *)p + block, len - block);
    if (footer.len > 2 && *footer.ptr == '\n')
        z->has_rule =
            posix_tz_parse(&z->rule, gw_str_n(footer.ptr + 1, gw_str_find(gw_str_from(footer, 1), '\n')));
    return true;
}

static void drop(struct zone *z)
{
    if (!z)
        return;
    free(z->data);
    free(z->when);
    free(z->which);
    free(z->types);
    free(z);
}

/* --- known zones --- */

static struct zone *zone_new(gw_str name)
{
    struct zone *z = calloc(1, sizeof *z);
    if (z)
        memcpy(z->name, name.ptr, name.len);
    return z;
}

static struct zone *load(const char *path, gw_str name)
{
    struct zone *z = zone_new(name);
    FILE *file = fopen(path, "rbe");
    bool good = false;
    if (z && file && (z->data = malloc(FILE_MAX))) {
        size_t len = fread(z->data, 1, FILE_MAX, file);
        good = len < FILE_MAX && read_file(z, (const unsigned char *)z->data, len);
    }
    if (file)
        fclose(file);
    if (good)
        return z;
    drop(z);
    return NULL;
}

/* Its types are those of the rule: zone_named looks there. */
static struct zone *read_posix(gw_str text)
{
    struct zone *z = zone_new(text);
    if (z && (z->data = malloc(text.len)) && (z->types = calloc(2, sizeof *z->types))) {
        memcpy(z->data, text.ptr, text.len);
        z->has_rule = posix_tz_parse(&z->rule, gw_str_n(z->data, text.len));
        z->types[0] = z->rule.standard;
        z->types[1] = z->rule.summer;
        z->types_n = z->rule.has_dst ? 2 : 1;
        if (z->has_rule)
            return z;
    }
    drop(z);
    return NULL;
}

/* Names of old that scripts and systems still use, and that a database without its legacy part (Debian's from 13 on) does not have. */
static struct zone *read_legacy(gw_str name)
{
    static const struct {
        gw_str name, rule;
    } rows[] = {{GW_LIT("EST"), GW_LIT("EST5")},
                {GW_LIT("MST"), GW_LIT("MST7")},
                {GW_LIT("HST"), GW_LIT("HST10")},
                {GW_LIT("EST5EDT"), GW_LIT("EST5EDT,M3.2.0,M11.1.0")},
                {GW_LIT("CST6CDT"), GW_LIT("CST6CDT,M3.2.0,M11.1.0")},
                {GW_LIT("MST7MDT"), GW_LIT("MST7MDT,M3.2.0,M11.1.0")},
                {GW_LIT("PST8PDT"), GW_LIT("PST8PDT,M3.2.0,M11.1.0")}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct zone *z = gw_str_eq(rows[i].name, name) ? read_posix(rows[i].rule) : NULL;
        if (z) {
            memcpy(z->name, name.ptr, name.len); /* it is not longer than its rule */
            z->name[name.len] = '\0';
            return z;
        }
    }
    return NULL;
}

static struct zone *read_zone(gw_str name, enum zone_source source)
{
    char path[NAME_MAX_LEN + sizeof DATABASE];
    if (source == ZONE_OF_POSIX)
        return read_posix(name);
    snprintf(path, sizeof path, "%s%.*s", source == ZONE_OF_DATABASE ? DATABASE : "", GW_FMT(name));
    struct zone *z = load(path, name);
    return !z && source == ZONE_OF_DATABASE ? read_legacy(name) : z;
}

/* One that was read before, or reads it. */
static const struct zone *known_zone(gw_str name, enum zone_source source)
{
    if (!name.len || name.len > NAME_MAX_LEN)
        return NULL;
    gw_lock(&lock);
    struct zone *z = known;
    while (z && (z->source != source || !gw_str_eq(gw_str_z(z->name), name)))
        z = z->next;
    if (!z && (z = read_zone(name, source))) {
        z->source = source;
        z->next = known;
        known = z;
    }
    gw_unlock(&lock);
    return z;
}

/* Letters, digits, and / - + _ . but no "..", nor anything that begins with / or a dot: names come from
 * users. */
static bool decent(gw_str name)
{
    if (!name.len || *name.ptr == '/' || *name.ptr == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(gw_lower(c) >= 'a' && gw_lower(c) <= 'z') && !(c >= '0' && c <= '9') && !gw_char_in(c, "/-+_."))
            return false;
        if (c == '.' && name.ptr[i - 1] == '.')
            return false;
    }
    return true;
}

const struct zone *zone_find(gw_str name)
{
    if (!name.len || gw_str_eq(name, GW_STR("UTC")))
        return &utc;
    if (gw_str_eq(name, GW_STR("Local")))
        return zone_local();
    return decent(name) ? known_zone(name, ZONE_OF_DATABASE) : NULL;
}

/* A value of TZ: the database comes first, because EST5EDT is a file of it and has had other rules. */
static const struct zone *zone_of_tz(gw_str tz)
{
    gw_str name = tz.len && *tz.ptr == ':' ? gw_str_from(tz, 1) : tz;
    if (gw_str_find(name, '\0') < name.len || gw_str_eq(name, GW_STR("Local")))
        return NULL;
    if (name.len && *name.ptr == '/')
        return known_zone(name, ZONE_OF_PATH);
    const struct zone *z = zone_find(name);
    return z ? z : known_zone(name, ZONE_OF_POSIX);
}

/* --- the machine's --- */

static pthread_once_t local_once = PTHREAD_ONCE_INIT;
static const struct zone *local = &utc;
static const char *local_unknown; /* the name of the unknown zone */

static void find_local(void)
{
    const char *tz = getenv("TZ");
    const struct zone *z = zone_of_tz(gw_str_z(tz ? tz : MACHINE));
    if (z)
        local = z;
    else if (tz || access(MACHINE, F_OK) == 0) /* a machine without the file is in UTC */
        local_unknown = tz ? tz : MACHINE;
}

const struct zone *zone_local(void)
{
    pthread_once(&local_once, find_local);
    return local;
}

const char *zone_local_unknown(void)
{
    pthread_once(&local_once, find_local);
    return local_unknown;
}

/* --- what holds at a moment --- */

static struct zone_at of_type(const struct posix_tz_type *t, int64_t begin, int64_t end)
{
    return (struct zone_at){t->offset, t->abbreviation, begin, end};
}

static struct zone_at by_rule(const struct posix_tz *rule, int64_t seconds, int64_t since)
{
    struct posix_tz_span s = posix_tz_at(rule, seconds);
    return of_type(s.type, s.begin > since ? s.begin : since, s.end);
}

struct zone_at zone_at(const struct zone *z, int64_t seconds)
{
    if (!z->n && z->has_rule)
        return by_rule(&z->rule, seconds, INT64_MIN);
    if (!z->n || seconds < z->when[0])
        return of_type(&z->types[z->first], INT64_MIN, z->n ? z->when[0] : INT64_MAX);
    size_t low = 0, high = z->n; /* the last change at or before */
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        if (z->when[mid] <= seconds)
            low = mid;
        else
            high = mid;
    }
    if (low + 1 == z->n && z->has_rule)
        return by_rule(&z->rule, seconds, z->when[low]);
    return of_type(&z->types[z->which[low]], z->when[low], low + 1 < z->n ? z->when[low + 1] : INT64_MAX);
}

bool zone_named(const struct zone *z, gw_str abbreviation, int64_t wall, int *offset)
{
    for (size_t i = 0; i < z->types_n; i++) {
        if (!gw_str_eq(z->types[i].abbreviation, abbreviation))
            continue;
        struct zone_at at = zone_at(z, wall - z->types[i].offset);
        if (gw_str_eq(at.abbreviation, abbreviation)) {
            *offset = at.offset;
            return true;
        }
    }
    for (size_t i = 0; i < z->types_n; i++)
        if (gw_str_eq(z->types[i].abbreviation, abbreviation)) {
            *offset = z->types[i].offset;
            return true;
        }
    return false;
}

/* Offsets as Datakit's users write them, and the places whose clocks they mean. */
static const char *const places[][2] = {{"-11", "Pacific/Midway"},      {"-10", "Pacific/Honolulu"},
                                        {"-9:30", "Pacific/Marquesas"}, {"-9", "America/Anchorage"},
                                        {"-8", "America/Los_Angeles"},  {"-7", "America/Phoenix"},
                                        {"-6", "America/Chicago"},      {"-5", "America/New_York"},
                                        {"-4", "America/Santiago"},     {"-3:30", "America/St_Johns"},
                                        {"-3", "America/Sao_Paulo"},    {"-2", "America/Noronha"},
                                        {"-1", "America/Scoresbysund"}, {"+0", "Europe/London"},
                                        {"+1", "Europe/Vatican"},       {"+2", "Europe/Kiev"},
                                        {"+3", "Europe/Moscow"},        {"+3:30", "Asia/Tehran"},
                                        {"+4", "Asia/Dubai"},           {"+4:30", "Asia/Kabul"},
                                        {"+5", "Asia/Samarkand"},       {"+5:30", "Asia/Kolkata"},
                                        {"+5:45", "Asia/Kathmandu"},    {"+6", "Asia/Almaty"},
                                        {"+6:30", "Asia/Yangon"},       {"+7", "Asia/Jakarta"},
                                        {"+8", "Asia/Shanghai"},        {"+8:45", "Australia/Eucla"},
                                        {"+9", "Asia/Tokyo"},           {"+9:30", "Australia/Darwin"},
                                        {"+10", "Australia/Sydney"},    {"+10:30", "Australia/Lord_Howe"},
                                        {"+11", "Pacific/Guadalcanal"}, {"+12", "Pacific/Auckland"},
                                        {"+12:45", "Pacific/Chatham"},  {"+13", "Pacific/Apia"},
                                        {"+14", "Pacific/Kiritimati"},  {"CST", "Asia/Shanghai"},
                                        {"UTC", "Europe/London"}};

const struct zone *zone_of_offset(gw_str offset)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (gw_str_eq(offset, gw_str_z(places[i][0])))
            return zone_find(gw_str_z(places[i][1]));
    return NULL;
}

const struct zone *zone_of(gw_str name)
{
    return name.len && (*name.ptr == '+' || *name.ptr == '-') ? zone_of_offset(name) : zone_find(name);
}

/* +08, +0800, +08:00 as ISO 8601 has them: a clock that never changes. Counts east, POSIX west. */
static const struct zone *zone_of_iso(gw_str s)
{
    char posix[32];
    bool hours = s.len >= 3 && gw_digit_at(s, 1) && gw_digit_at(s, 2);
    size_t colon = s.len > 3 && s.ptr[3] == ':';
    bool minutes = s.len == 5 + colon && gw_digit_at(s, 3 + colon) && gw_digit_at(s, 4 + colon);
    if (!hours || (s.len != 3 && !minutes) || memcmp(s.ptr + 1, "14", 2) > 0)
        return NULL;
    int n = snprintf(posix, sizeof posix, "<%.3s>%c%.2s:%.2s", s.ptr, *s.ptr == '-' ? '+' : '-', s.ptr + 1,
                     minutes ? s.ptr + 3 + colon : "00");
    return known_zone(gw_str_n(posix, (size_t)n), ZONE_OF_POSIX);
}

const struct zone *zone_setting(gw_str text)
{
    if (text.len && (*text.ptr == '+' || *text.ptr == '-')) {
        const struct zone *place = zone_of_offset(text);
        return place ? place : zone_of_iso(text);
    }
    return gw_str_eq(text, GW_STR("Local")) ? zone_local() : zone_of_tz(text);
}
