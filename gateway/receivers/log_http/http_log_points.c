/* Points of line protocol or JSON (translators/points) as records: the measurement is the source, tags and fields are
 * the members of an item, so that it goes the way of any other: `message` is the body, `status` the severity, and so
 * on. A point that cannot be read costs that point, where the caller counts those; else it is the body's mistake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/text.h"
#include "gateway/receivers/log_http/http_log_formats.h"
#include "translators/points/points.h"

/* A tag as a member of an item: env and version are of the resource there by these names. */
static gw_str tag_name(gw_str name)
{
    if (gw_str_eq(name, GW_STR("env")))
        return GW_STR("dd.env");
    return gw_str_eq(name, GW_STR("version")) ? GW_STR("dd.version") : name;
}

static void put_members(struct gw_text *out, const struct point_values *v, bool tags)
{
    for (size_t i = 0; i < v->n; i++) {
        if (out->len > 1)
            gw_text_put_char(out, ',');
        gw_text_put_json(out, tags ? tag_name(v->list[i].name) : v->list[i].name);
        gw_text_put_char(out, ':');
        point_put_json(out, &v->list[i]);
    }
}

static bool take_point(struct http_log_reader *r, const struct point *p)
{
    struct gw_text object = {.arena = r->body->arena};
    struct log_input in = *r->body->like;
    gw_text_put_char(&object, '{');
    put_members(&object, &p->tags, true);
    put_members(&object, &p->fields, false);
    gw_text_put_char(&object, '}');
    in.source = p->measurement;
    if (p->time)
        in.time = p->time;
    return !r->body->arena->spent && http_log_item(r, &in, gw_text_result(&object));
}

/* The first error is reported. */
static enum gw_code leave_out(struct http_log_reader *r, const struct points *p)
{
    struct http_log_bad *bad = r->body->bad;
    struct gw_err *err = bad && !bad->n ? &bad->first : bad ? NULL : r->err;
    enum gw_code code = gw_fail(err, points_code(p), p->pos, "%s", p->why);
    if (!bad)
        r->records++;
    else
        bad->n++;
    return bad ? GW_OK : code;
}

enum gw_code http_log_points_read(struct http_log_reader *r)
{
    struct gw_arena *arena = r->body->arena;
    enum points_form form = r->body->form == HTTP_LOG_POINTS_JSON ? POINTS_JSON : POINTS_LINES;
    struct points p;
    struct point point;
    enum points_got got;
    enum gw_code code = points_begin(&p, form, r->body->text, r->body->precision, arena, r->err);
    if (code)
        r->records++;
    for (struct gw_snap snap = gw_arena_snap(arena); !code; gw_arena_back(arena, snap)) {
        got = points_next(&p, &point);
        if (got == POINTS_END && !arena->spent)
            break;
        if (arena->spent || (got == POINTS_TAKEN && !take_point(r, &point)))
            return gw_fail(r->err, GW_BUDGET, p.pos, "a point is too large");
        if (got == POINTS_BAD)
            code = leave_out(r, &p);
    }
    return code;
}
