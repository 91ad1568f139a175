/* point.c: Keeps the keys and tags of the record that a script reads and changes. They are in the record's
 * arena. Called by the evaluator, the builtins, and the log translator, which reads the result.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/pipeline/point.h"

#include "core/base/text.h"
#include "translators/pipeline/unicase.h"

void sc_point_init(struct sc_point *p, struct gw_arena *a, gw_str name, int64_t time)
{
    *p = (struct sc_point){.arena = a, .name = name, .time = time};
    p->created_end = &p->created;
}

struct sc_field *sc_point_get(const struct sc_point *p, gw_str key)
{
    for (size_t i = 0; i < p->n; i++) {
        gw_str other = p->fields[i].key;
        if (other.len == key.len && (other.ptr == key.ptr || !key.len ||
                                     (*other.ptr == *key.ptr && memcmp(other.ptr, key.ptr, key.len) == 0)))
            return &p->fields[i];
    }
    return NULL;
}

static void add(struct sc_point *p, gw_str key, struct sc_val v, bool tag)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct sc_field *fresh = gw_arena_raw(p->arena, cap, sizeof *fresh);
        if (!fresh)
            return;
        if (p->n)
            memcpy(fresh, p->fields, p->n * sizeof *fresh);
        p->fields = fresh;
        p->cap = cap;
    }
    p->fields[p->n++] = (struct sc_field){key, v, tag};
}

static void take_out(struct sc_point *p, struct sc_field *f)
{
    size_t at = (size_t)(f - p->fields);
    p->n--;
    memmove(f, f + 1, (p->n - at) * sizeof *f);
}

static struct sc_val flat(struct sc_point *p, struct sc_val v)
{
    if (v.type == SC_LIST || v.type == SC_MAP)
        return sc_str(sc_text(p->arena, &v));
    return v.type == SC_VOID ? sc_nil() : v;
}

void sc_point_set(struct sc_point *p, gw_str key, struct sc_val v)
{
    struct sc_field *f = sc_point_get(p, key);
    if (!f)
        add(p, key, flat(p, v), false);
    else
        f->val = f->tag ? sc_str(sc_text(p->arena, &v)) : flat(p, v);
}

void sc_point_set_tag(struct sc_point *p, gw_str key, struct sc_val v)
{
    struct sc_field *f = sc_point_get(p, key);
    struct sc_val text = sc_str(sc_text(p->arena, &v));
    if (!f)
        add(p, key, text, true);
    else
        *f = (struct sc_field){key, text, true};
}

void sc_point_del(struct sc_point *p, gw_str key)
{
    struct sc_field *f = sc_point_get(p, key);
    if (f)
        take_out(p, f);
}

void sc_point_rename(struct sc_point *p, gw_str from, gw_str to)
{
    struct sc_field *f = sc_point_get(p, from), *old = sc_point_get(p, to);
    if (!f || f == old)
        return;
    f->key = to;
    if (old)
        take_out(p, old);
}

static gw_str mapped(struct gw_arena *a, gw_str status)
{
    static const struct {
        gw_str from, to;
    } rows[] = {
        {GW_LIT("f"), GW_LIT("emerg")},      {GW_LIT("emerg"), GW_LIT("emerg")},
        {GW_LIT("a"), GW_LIT("alert")},      {GW_LIT("c"), GW_LIT("critical")},
        {GW_LIT("e"), GW_LIT("error")},      {GW_LIT("w"), GW_LIT("warning")},
        {GW_LIT("warn"), GW_LIT("warning")}, {GW_LIT("n"), GW_LIT("notice")},
        {GW_LIT("i"), GW_LIT("info")},       {GW_LIT("d"), GW_LIT("debug")},
        {GW_LIT("trace"), GW_LIT("debug")},  {GW_LIT("verbose"), GW_LIT("debug")},
        {GW_LIT("o"), GW_LIT("OK")},         {GW_LIT("s"), GW_LIT("OK")},
        {GW_LIT("ok"), GW_LIT("OK")},        {GW_LIT(""), GW_LIT("info")},
    };
    status = sc_lower(a, status);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (gw_str_eq(status, rows[i].from))
            return rows[i].to;
    return status;
}

static void finish_status(struct sc_point *p, const struct sc_finish *how)
{
    static const gw_str key = GW_LIT("status");
    const struct sc_field *f = sc_point_get(p, key);
    gw_str status = f && f->val.type == SC_STR ? f->val.s : GW_STR("info");
    if (!how->no_status) {
        status = mapped(p->arena, status);
        sc_point_set(p, key, sc_str(status));
    }
    for (size_t i = 0; i < how->ignore_n; i++)
        if (gw_str_eq(status, sc_lower(p->arena, how->ignore[i])))
            p->dropped = true;
}

static void finish_time(struct sc_point *p)
{
    struct sc_field *f = sc_point_get(p, GW_STR("time"));
    if (!f)
        return;
    /* a time that was not understood became that of arrival */
    if (f->val.type == SC_INT && f->val.i != 0 && f->val.i != p->time) {
        p->time = f->val.i;
        p->time_set = true;
    }
    take_out(p, f);
}

void sc_point_finish(struct sc_point *p, const struct sc_finish *how)
{
    if (p->category == SC_LOGGING && !p->keep_status)
        finish_status(p, how);
    finish_time(p);
    for (struct sc_point *made = p->created; made; made = made->next)
        finish_time(made);
}
