/* fn_time.c: Implements the builtins about times. The present time is a parameter of the run, so tests can set
 * it. Owns nothing. Called by the evaluator.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "translators/pipeline/script_internal.h"
#include "translators/text/civil.h"
#include "translators/text/dateparse.h"
#include "translators/text/layout.h"

/* The zone that the check found, or that there is none. */
struct zoned {
    const struct zone *zone; /* NULL: that of the run, or none */
    bool unknown;
};

static bool keep_zone(struct sc_check *c, struct sc_node *call, const struct sc_node *name, bool offsets)
{
    struct zoned *z = sc_check_memory(c, sizeof *z);
    call->data = z;
    if (!z || (name && !sc_want_text(c, name)))
        return false;
    if (!name || !name->text.len)
        return true;
    bool local = gw_str_eq(name->text, GW_STR("Local"));
    if (!local)
        z->zone = offsets ? zone_of(name->text) : zone_find(name->text);
    z->unknown = !local && !z->zone;
    return true;
}

bool check_default_time(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && keep_zone(c, call, call->n > 1 ? call->kid[1] : NULL, true);
}

static void set_int(struct sc_run *r, const struct sc_node *key, int64_t i)
{
    sc_point_set(r->point, key->key, sc_int(i));
}

static gw_str no_zone(struct gw_arena *a, gw_str name)
{
    if (*name.ptr == '/' || *name.ptr == '\\')
        return GW_STR("time convert failed: time: invalid location name");
    return gw_arena_printf(
        a, "time convert failed: %s %.*s",
        *name.ptr == '+' || *name.ptr == '-' ? "fail to parse timezone" : "unknown time zone", GW_FMT(name));
}

bool fn_default_time(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct zoned *z = call->data;
    struct layout_time t;
    char why[LAYOUT_ERROR_SIZE];
    gw_str s;
    (void)out;
    if (!sc_get_text(r, call->kid[0], &s))
        return true;
    if (!z->unknown && dateparse(s, z->zone ? z->zone : r->env->zone, r->env->now, &t, why)) {
        set_int(r, call->kid[0], layout_ns(t));
        return true;
    }
    gw_str words = z->unknown ? no_zone(r->arena, call->kid[1]->text)
                              : gw_arena_printf(r->arena, "time convert failed: %s", why);
    sc_point_set(r->point, GW_STR("pl_msg"), sc_str(words));
    set_int(r, call->kid[0], r->point->time);
    return true;
}

bool check_default_time_with_fmt(struct sc_check *c, struct sc_node *call)
{
    const struct sc_node *key = call->kid[0];
    if (key->kind != SN_IDENT && key->kind != SN_ATTR)
        return sc_check_fail(c, key->pos, "default_time_with_fmt: the key is an identifier or a.b");
    return sc_want_text(c, call->kid[1]) && keep_zone(c, call, call->n > 2 ? call->kid[2] : NULL, false);
}

bool fn_default_time_with_fmt(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct zoned *z = call->data;
    struct layout_time t;
    char why[LAYOUT_ERROR_SIZE];
    gw_str s;
    (void)out;
    if (!z->unknown && sc_get_text(r, call->kid[0], &s) &&
        layout_parse(call->kid[1]->text, s, z->zone ? z->zone : r->env->zone, &t, why))
        set_int(r, call->kid[0], layout_ns(t));
    return true;
}

bool check_datetime(struct sc_check *c, struct sc_node *call)
{
    return sc_first_key(c, call) && sc_want_text(c, call->kid[1]) && sc_want_text(c, call->kid[2]) &&
           keep_zone(c, call, call->kid[3], false);
}

/* A count of time units as an int: text is read in base 0, as conversions do here. */
static int64_t count_of(const struct sc_val *v)
{
    int64_t i = 0;
    if (v->type == SC_STR)
        return gw_parse_int(v->s, 0, &i) ? i : 0;
    return v->type == SC_INT ? v->i : sc_trunc(sc_number(v));
}

bool fn_datetime(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const struct zoned *z = call->data;
    gw_str precision = call->kid[1]->text, format = call->kid[2]->text, layout = layout_named(format);
    struct gw_text b = {.arena = r->arena};
    struct sc_val v;
    (void)out;
    if (!sc_get(r, call->kid[0], &v))
        return true;
    if (z->unknown)
        return sc_run_fail(r, call->kid[2]->pos, "unknown time zone %.*s", GW_FMT(call->kid[3]->text));
    uint64_t unit = gw_str_eq(precision, GW_STR("us"))   ? 1000
                    : gw_str_eq(precision, GW_STR("ms")) ? 1000000
                    : gw_str_eq(precision, GW_STR("s"))  ? 1000000000
                                                         : 1;
    int64_t ns = (int64_t)((uint64_t)count_of(&v) * unit), seconds = ns / 1000000000;
    if (ns % 1000000000 < 0)
        seconds--;
    struct layout_time t = {seconds, (int)(ns - seconds * 1000000000)};
    const struct zone *zone = z->zone ? z->zone : r->env->zone;
    if (layout.len)
        layout_format(&b, layout, t, zone);
    else
        layout_strftime(&b, format, t, zone);
    sc_point_set(r->point, call->kid[0]->key, sc_str(gw_text_result(&b)));
    return true;
}

static bool is_key(const struct sc_node *x)
{
    return x->kind == SN_IDENT || x->kind == SN_ATTR || x->kind == SN_STR;
}

bool check_parse_date(struct sc_check *c, struct sc_node *call)
{
    if (!call->kid[0])
        return sc_check_fail(c, call->pos, "parameter key of parse_date is required");
    return true;
}

/* The text of an argument; empty when it is left out or no text. */
static bool text_of(struct sc_run *r, const struct sc_node *x, gw_str *out)
{
    struct sc_val v = sc_nil();
    if (x && !sc_try(r, x, &v, NULL))
        return false;
    *out = v.type == SC_STR ? v.s : GW_NOSTR;
    return true;
}

struct part {
    const char *name;
    int64_t low, high, given; /* `given` is used if it is left out or not a number */
};

static bool number_part(struct sc_run *r, const struct sc_node *x, const struct part *p, int64_t *out)
{
    gw_str s;
    int64_t i;
    if (!text_of(r, x, &s))
        return false;
    *out = p->given;
    if (!s.len || !gw_parse_int(s, 10, &i))
        return true;
    if (i < p->low || i > p->high)
        return sc_run_fail(r, x->pos, "%s should between [%lld,%lld], got %lld", p->name, (long long)p->low,
                           (long long)p->high, (long long)i);
    *out = i;
    return true;
}

/* A number, or an English name, complete or of three letters; "sept" is not one. */
static bool month_part(struct sc_run *r, const struct sc_node *x, int64_t now, int64_t *out)
{
    static const gw_str names[] = {GW_LIT("january"), GW_LIT("february"), GW_LIT("march"),
                                   GW_LIT("april"),   GW_LIT("may"),      GW_LIT("june"),
                                   GW_LIT("july"),    GW_LIT("august"),   GW_LIT("september"),
                                   GW_LIT("october"), GW_LIT("november"), GW_LIT("december")};
    gw_str s;
    if (!text_of(r, x, &s))
        return false;
    *out = now;
    if (!s.len)
        return true;
    if (gw_parse_int(s, 10, out))
        return (*out >= 1 && *out <= 12) ||
               sc_run_fail(r, x->pos, "month should between [1,12], got %lld", (long long)*out);
    for (int i = 0; i < 12; i++)
        if (gw_str_ieq(s, names[i]) || gw_str_ieq(s, gw_str_n(names[i].ptr, 3))) {
            *out = i + 1;
            return true;
        }
    return sc_run_fail(r, x->pos, "unknown month %.*s", GW_FMT(s));
}

static bool zone_part(struct sc_run *r, const struct sc_node *x, const struct zone **out)
{
    gw_str s;
    if (!text_of(r, x, &s))
        return false;
    *out = gw_str_eq(s, GW_STR("Local")) ? r->env->zone : zone_find(s);
    if (!*out)
        *out = zone_of_offset(s);
    return *out || sc_run_fail(r, x->pos, "unknown timezone %.*s", GW_FMT(s));
}

/* Days and more past a month's end run over into the next. */
static int64_t wall_of(int64_t year, int64_t month, int64_t day, int64_t seconds)
{
    return (civil_days(year, (int)month, 1) + day - 1) * 86400 + seconds;
}

bool fn_parse_date(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct civil now;
    const struct zone *zone;
    int64_t v[10], at = r->env->now / 1000000000, month;
    (void)out;
    if (!is_key(call->kid[0]))
        return sc_run_fail(r, call->kid[0]->pos, "expected an identifier, a.b or text as key");
    civil_of(at + zone_at(r->env->zone, at).offset, &now);
    const struct part parts[10] = {[1] = {"year", 0, 1000000, now.year},
                                   [3] = {"month day", 1, 31, now.day},
                                   [4] = {"hour", 0, 23, now.hour},
                                   [5] = {"minute", 0, 59, now.minute},
                                   [6] = {"second", 0, 59, 0},
                                   [7] = {"millisecond", INT32_MIN, INT32_MAX, 0},
                                   [8] = {"microsecond", INT32_MIN, INT32_MAX, 0},
                                   [9] = {"nanosecond", INT64_MIN, INT64_MAX, 0}};
    for (int i = 1; i < 10; i++)
        if (i == 2 ? !month_part(r, call->kid[2], now.month, &month)
                   : !number_part(r, call->kid[i], &parts[i], &v[i]))
            return false;
    if (!zone_part(r, call->kid[10], &zone))
        return false;
    if (v[1] < 100)
        v[1] += now.year / 100 * 100;
    int64_t seconds = layout_wall(zone, wall_of(v[1], month, v[3], v[4] * 3600 + v[5] * 60 + v[6]));
    uint64_t part = (uint64_t)v[7] * 1000000u + (uint64_t)v[8] * 1000u + (uint64_t)v[9];
    set_int(r, call->kid[0], (int64_t)((uint64_t)seconds * 1000000000u + part));
    return true;
}

bool fn_parse_duration(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    int64_t ns;
    (void)out;
    if (sc_get(r, call->kid[0], &v) && v.type == SC_STR && layout_duration(v.s, &ns))
        set_int(r, call->kid[0], ns);
    return true;
}

static int precision_of(const struct sc_node *x)
{
    static const char *const names[] = {"s", "ms", "us", "ns"};
    for (int i = 0; i < 4; i++)
        if (gw_str_ieq(x->text, gw_str_z(names[i])))
            return 3 * i;
    return -1;
}

bool fn_duration_precision(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    struct sc_val v;
    (void)out;
    if (call->n != 3)
        return sc_run_fail(r, call->pos, "func duration_precision expected 3 arguments, got %u", call->n);
    if (!is_key(call->kid[0]))
        return sc_run_fail(r, call->kid[0]->pos, "expected an identifier, a.b or text as key");
    if (!sc_get(r, call->kid[0], &v))
        return sc_run_fail(r, call->kid[0]->pos, "key not found");
    if (v.type != SC_INT)
        return sc_run_fail(r, call->kid[0]->pos, "param value type expect int");
    for (int i = 1; i < 3; i++)
        if (call->kid[i]->kind != SN_STR)
            return sc_run_fail(r, call->kid[i]->pos, "expected literal text");
    int from = precision_of(call->kid[1]), to = precision_of(call->kid[2]);
    if (from < 0 || to < 0)
        return true;
    int64_t i = v.i;
    for (; from < to; from++)
        i = (int64_t)((uint64_t)i * 10);
    for (; from > to; from--)
        i /= 10;
    set_int(r, call->kid[0], i);
    return true;
}

enum { HOUR_NS_S = 3600, MINUTE_S = 60 };

/* For a log of the last minutes whose zone is wrong by whole hours: uses the current hour. */
bool fn_adjust_timezone(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    const int64_t hour = INT64_C(1000000000) * HOUR_NS_S;
    struct sc_val v;
    int64_t minutes = 2, now = r->env->now;
    (void)out;
    if (call->n > 1 && (call->kid[1]->kind == SN_INT || call->kid[1]->kind == SN_FLOAT))
        minutes = call->kid[1]->kind == SN_INT ? call->kid[1]->i : sc_trunc(call->kid[1]->f);
    minutes = minutes > 15 ? 15 : minutes < 0 ? 0 : minutes;
    if (!sc_get(r, call->kid[0], &v))
        return true;
    if (v.type != SC_INT)
        return sc_run_fail(r, call->kid[0]->pos, "param value expect int64, got `%s`", sc_type_name(v.type));
    int64_t allowed = minutes * MINUTE_S * 1000000000, t = v.i - (v.i / hour - now / hour) * hour;
    if (t - now > allowed)
        t -= hour;
    else if (t - now <= allowed - hour)
        t += hour;
    set_int(r, call->kid[0], t);
    return true;
}

bool fn_timestamp(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str precision;
    if (!text_of(r, call->kid[0], &precision))
        return false;
    int64_t unit = gw_str_eq(precision, GW_STR("us"))   ? 1000
                   : gw_str_eq(precision, GW_STR("ms")) ? 1000000
                   : gw_str_eq(precision, GW_STR("s"))  ? 1000000000
                                                        : 1;
    *out = sc_int(r->env->now / unit);
    return true;
}
