/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/text/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/lock.h"
#include "translators/text/civil.h"

enum { FILE_MAX = 256 << 10, NAME_MAX_LEN = 100 };

struct kind {
    int32_t offset;
    bool dst;
    gw_str abbreviation;
};

/* One half of a rule such as CET-1CEST,M3.5.0,M10.5.0/3. */
struct change {
    char form; /* M: month, week, day; J: day without 29 February; 0: day of the year */
    int month, week, day;
    int seconds; /* of local time */
};

struct rule {
    bool any, dst;
    struct kind std, summer;
    struct change begin, end; /* of summer time */
};

struct zone {
    struct zone *next;
    char name[NAME_MAX_LEN + 1];
    char *data;
    int64_t *when; /* changes, in order; the kind from each on is at the same place of `which` */
    uint8_t *which;
    size_t n;
    struct kind *kinds;
    size_t kinds_n;
    size_t first; /* the kind before the first change */
    struct rule rule;
};

static struct gw_lock lock = GW_LOCK_STATIC(ZONES);
static struct zone *known;
static struct kind utc_kind = {0, false, GW_LIT("UTC")};
static const struct zone utc = {.name = "UTC", .kinds = &utc_kind, .kinds_n = 1};

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

static bool rule_name(gw_str *s, gw_str *name)
{
    size_t len = 0;
    if (s->len && *s->ptr == '<') {
        len = gw_str_find(*s, '>');
        if (len == s->len)
            return false;
        *name = gw_str_n(s->ptr + 1, len - 1);
        *s = gw_str_from(*s, len + 1);
        return true;
    }
    while (len < s->len && gw_lower(s->ptr[len]) >= 'a' && gw_lower(s->ptr[len]) <= 'z')
        len++;
    *name = gw_str_n(s->ptr, len);
    *s = gw_str_n(s->ptr + len, s->len - len);
    return len >= 3;
}

static bool rule_number(gw_str *s, int *out)
{
    size_t len = 0;
    for (*out = 0; len < s->len && len < 4 && gw_is_digit(s->ptr[len]); len++)
        *out = *out * 10 + (s->ptr[len] - '0');
    *s = gw_str_n(s->ptr + len, s->len - len);
    return len > 0;
}

static bool rule_char(gw_str *s, char c)
{
    if (!s->len || *s->ptr != c)
        return false;
    *s = gw_str_n(s->ptr + 1, s->len - 1);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool rule_time(gw_str *s, int *seconds)
{
    int part, sign = rule_char(s, '-') ? -1 : 1;
    if (sign > 0)
        rule_char(s, '+');
    if (!rule_number(s, &part))
        return false;
    *seconds = part * 3600;
    for (int unit = 60; unit && rule_char(s, ':'); unit /= 60) {
        if (!rule_number(s, &part))
            return false;
        *seconds += part * unit;
    }
    *seconds *= sign;
    return true;
}

static bool rule_change(gw_str *s, struct change *c)
{
    *c = (struct change){.form = '0', .seconds = 7200};
    if (!rule_char(s, ','))
        return false;
    if (rule_char(s, 'M')) {
        c->form = 'M';
        if (!rule_number(s, &c->month) || !rule_char(s, '.') || !rule_number(s, &c->week) || !rule_char(s, '.') ||
            !rule_number(s, &c->day) || c->month < 1 || c->month > 12 || c->week < 1 || c->week > 5 || c->day > 6)
            return false;
    } else {
        c->form = rule_char(s, 'J') ? 'J' : '0';
        if (!rule_number(s, &c->day) || c->day > 365)
            return false;
    }
    return !rule_char(s, '/') || rule_time(s, &c->seconds);
}

static void read_rule(struct rule *r, gw_str s)
{
    struct rule x = {.any = true};
    int west;
    if (!rule_name(&s, &x.std.abbreviation) || !rule_time(&s, &west))
        return;
    x.std.offset = -west;
    if (s.len) {
        x.dst = x.summer.dst = true;
        if (!rule_name(&s, &x.summer.abbreviation))
            return;
        west -= 3600;
        if (s.len && *s.ptr != ',' && !rule_time(&s, &west))
            return;
        x.summer.offset = -west;
        if (!rule_change(&s, &x.begin) || !rule_change(&s, &x.end))
            return;
    }
    *r = x;
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
    return c->time < 10000 && c->type >= 1 && c->type < 256 && c->chars < 1000 && c->leap < 1000 && c->isut <= c->type &&
           c->isstd <= c->type;
}

static size_t block_size(const struct counts *c, size_t width)
{
    return c->time * (width + 1) + c->type * 6 + c->chars + c->leap * (width + 4) + c->isstd + c->isut;
}

static bool read_kinds(struct zone *z, const unsigned char *p, const struct counts *c)
{
    const char *chars = (const char *)p + c->type * 6;
    for (size_t i = 0; i < c->type; i++, p += 6) {
        if (p[5] >= c->chars)
            return false;
        z->kinds[i] = (struct kind){(int32_t)big_endian(p, 4), p[4], gw_str_n(chars + p[5], strnlen(chars + p[5], c->chars - p[5]))};
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
    z->kinds = calloc(c.type, sizeof *z->kinds);
    if (!z->when || !z->which || !z->kinds)
        return false;
    z->n = c.time;
    z->kinds_n = c.type;
    for (size_t i = 0; i < c.time; i++) {
        z->when[i] = big_endian(p + 8 * i, 8);
        z->which[i] = p[8 * c.time + i];
        if (z->which[i] >= c.type || (i && z->when[i] < z->when[i - 1]))
            return false;
    }
    if (!read_kinds(z, p + 9 * c.time, &c))
        return false;
    while (z->first + 1 < z->kinds_n && z->kinds[z->first].dst)
        z->first++;
    size_t block = block_size(&c, 8);
    gw_str footer = gw_str_n((const char *)p + block, len - block);
    if (footer.len > 2 && *footer.ptr == '\n')
        read_rule(&z->rule, gw_str_n(footer.ptr + 1, gw_str_find(gw_str_from(footer, 1), '\n')));
    return true;
}

static void drop(struct zone *z)
{
    free(z->data);
    free(z->when);
    free(z->which);
    free(z->kinds);
    free(z);
}

static struct zone *load(const char *path, gw_str name)
{
    struct zone *z = calloc(1, sizeof *z);
    FILE *file = fopen(path, "rbe");
    bool good = false;
    if (z && file && (z->data = malloc(FILE_MAX))) {
        size_t len = fread(z->data, 1, FILE_MAX, file);
        memcpy(z->name, name.ptr, name.len);
        good = len < FILE_MAX && read_file(z, (const unsigned char *)z->data, len);
    }
    if (file)
        fclose(file);
    if (!good && z) {
        drop(z);
        z = NULL;
    }
    return z;
}

/* Letters, digits, and / - + _ . but no "..", nor anything that begins with / or a dot: names come from users. */
static bool decent(gw_str name)
{
    if (!name.len || name.len > NAME_MAX_LEN || *name.ptr == '/' || *name.ptr == '.')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!gw_is_letter(c) && !gw_is_digit(c) && (!c || !strchr("/-+_.", c)))
            return false;
        if (c == '.' && name.ptr[i - 1] == '.')
            return false;
    }
    return true;
}

const struct zone *zone_find(gw_str name)
{
    char path[NAME_MAX_LEN + 40];
    if (!name.len || gw_str_eq(name, GW_STR("UTC")))
        return &utc;
    if (gw_str_eq(name, GW_STR("Local")))
        return zone_local();
    if (!decent(name))
        return NULL;
    gw_lock(&lock);
    struct zone *z = known;
    while (z && !gw_str_eq(gw_str_z(z->name), name))
        z = z->next;
    if (!z) {
        snprintf(path, sizeof path, "/usr/share/zoneinfo/%.*s", GW_FMT(name));
        z = load(path, name);
        if (z) {
            z->next = known;
            known = z;
        }
    }
    gw_unlock(&lock);
    return z;
}

const struct zone *zone_local(void)
{
    static const gw_str name = GW_LIT(":local");
    const char *tz = getenv("TZ");
    if (tz && (!*tz || *tz != '/')) {
        const struct zone *named = strcmp(tz, "Local") == 0 ? NULL : zone_find(gw_str_z(*tz == ':' ? tz + 1 : tz));
        return named ? named : &utc;
    }
    gw_lock(&lock);
    struct zone *z = known;
    while (z && !gw_str_eq(gw_str_z(z->name), name))
        z = z->next;
    if (!z && (z = load(tz ? tz : "/etc/localtime", name))) {
        z->next = known;
        known = z;
    }
    gw_unlock(&lock);
    return z ? z : &utc;
}

static struct zone_at of_kind(const struct kind *k, int64_t begin, int64_t end)
{
    return (struct zone_at){k->offset, k->abbreviation, begin, end};
}

/* The moment of a change in a year, as wall clock of the time before it. */
static int64_t change_wall(const struct change *c, int64_t year)
{
    int64_t day;
    bool leap = civil_leap(year);
    if (c->form == 'M') {
        int64_t first = civil_days(year, c->month, 1);
        int weekday = (int)(((first + 4) % 7 + 7) % 7);
        day = first + (c->day - weekday + 7) % 7 + 7 * (c->week - 1);
        if (day >= first + civil_month_days(year, c->month))
            day -= 7;
    } else {
        day = civil_days(year, 1, 1) + c->day - (c->form == 'J') + (c->form == 'J' && leap && c->day >= 60);
    }
    return day * 86400 + c->seconds;
}

static struct zone_at by_rule(const struct rule *r, int64_t seconds, int64_t since)
{
    if (!r->dst)
        return of_kind(&r->std, since, INT64_MAX);
    struct civil c;
    civil_of(seconds + r->std.offset, &c);
    int64_t edge[8];
    bool summer[8];
    int n = 0;
    for (int64_t year = c.year - 1; year <= c.year + 1; year++) {
        int64_t on = change_wall(&r->begin, year) - r->std.offset, off = change_wall(&r->end, year) - r->summer.offset;
        bool north = on < off;
        edge[n] = north ? on : off;
        summer[n++] = north;
        edge[n] = north ? off : on;
        summer[n++] = !north;
    }
    for (int i = n - 1; i > 0; i--)
        if (seconds >= edge[i - 1])
            return of_kind(seconds >= edge[i] ? (summer[i] ? &r->summer : &r->std) : (summer[i - 1] ? &r->summer : &r->std),
                           seconds >= edge[i]    ? edge[i]
                           : edge[i - 1] > since ? edge[i - 1]
                                                 : since,
                           seconds >= edge[i] ? INT64_MAX : edge[i]);
    return of_kind(&r->std, since, edge[0]);
}

struct zone_at zone_at(const struct zone *z, int64_t seconds)
{
    if (!z->n || seconds < z->when[0]) {
        if (!z->n && z->rule.any)
            return by_rule(&z->rule, seconds, INT64_MIN);
        return of_kind(&z->kinds[z->first], INT64_MIN, z->n ? z->when[0] : INT64_MAX);
    }
    size_t low = 0, high = z->n; /* the last change at or before */
    while (high - low > 1) {
        size_t mid = (low + high) / 2;
        if (z->when[mid] <= seconds)
            low = mid;
        else
            high = mid;
    }
    if (low + 1 == z->n && z->rule.any)
        return by_rule(&z->rule, seconds, z->when[low]);
    return of_kind(&z->kinds[z->which[low]], z->when[low], low + 1 < z->n ? z->when[low + 1] : INT64_MAX);
}

bool zone_named(const struct zone *z, gw_str abbreviation, int64_t wall, int *offset)
{
    for (size_t i = 0; i < z->kinds_n; i++) {
        if (!gw_str_eq(z->kinds[i].abbreviation, abbreviation))
            continue;
        struct zone_at at = zone_at(z, wall - z->kinds[i].offset);
        if (gw_str_eq(at.abbreviation, abbreviation)) {
            *offset = at.offset;
            return true;
        }
    }
    for (size_t i = 0; i < z->kinds_n; i++)
        if (gw_str_eq(z->kinds[i].abbreviation, abbreviation)) {
            *offset = z->kinds[i].offset;
            return true;
        }
    return false;
}

/* Offsets as Datakit's users write them, and the places whose clocks they mean. */
static const char *const places[][2] = {
    {"-11", "Pacific/Midway"},      {"-10", "Pacific/Honolulu"},   {"-9:30", "Pacific/Marquesas"}, {"-9", "America/Anchorage"},
    {"-8", "America/Los_Angeles"},  {"-7", "America/Phoenix"},     {"-6", "America/Chicago"},      {"-5", "America/New_York"},
    {"-4", "America/Santiago"},     {"-3:30", "America/St_Johns"}, {"-3", "America/Sao_Paulo"},    {"-2", "America/Noronha"},
    {"-1", "America/Scoresbysund"}, {"+0", "Europe/London"},       {"+1", "Europe/Vatican"},       {"+2", "Europe/Kiev"},
    {"+3", "Europe/Moscow"},        {"+3:30", "Asia/Tehran"},      {"+4", "Asia/Dubai"},           {"+4:30", "Asia/Kabul"},
    {"+5", "Asia/Samarkand"},       {"+5:30", "Asia/Kolkata"},     {"+5:45", "Asia/Kathmandu"},    {"+6", "Asia/Almaty"},
    {"+6:30", "Asia/Yangon"},       {"+7", "Asia/Jakarta"},        {"+8", "Asia/Shanghai"},        {"+8:45", "Australia/Eucla"},
    {"+9", "Asia/Tokyo"},           {"+9:30", "Australia/Darwin"}, {"+10", "Australia/Sydney"},    {"+10:30", "Australia/Lord_Howe"},
    {"+11", "Pacific/Guadalcanal"}, {"+12", "Pacific/Auckland"},   {"+12:45", "Pacific/Chatham"},  {"+13", "Pacific/Apia"},
    {"+14", "Pacific/Kiritimati"},  {"CST", "Asia/Shanghai"},      {"UTC", "Europe/London"}};

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
