/* points.c: what both forms of points share: the body's beginning and its end.
 *
 * Keeps no state. Called by the log_http receiver, and by the translators of points to spans and metrics.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/points/points.h"

/* A JSON body is well-formed to its end, or nothing of it is read. */
static enum gw_code begin_json(struct points *p, struct gw_err *err)
{
    struct gw_json look;
    gw_json_init(&look, p->text, p->arena);
    while (gw_json_kind(&look) != GW_JSON_NONE && gw_json_skip(&look))
        continue;
    if (!gw_json_end(&look))
        return gw_json_fail(&look, err);
    gw_json_init(&p->json, p->text, p->arena);
    p->list = gw_json_kind(&p->json) == GW_JSON_ARRAY;
    if (p->list)
        gw_json_array(&p->json);
    return GW_OK;
}

enum gw_code points_begin(struct points *p, enum points_form form, gw_str text, uint64_t precision,
                          struct gw_arena *arena, struct gw_err *err)
{
    if (!text.ptr)
        text = GW_STR("");
    *p = (struct points){
        .arena = arena, .form = form, .precision = precision, .text = text, .at = text.ptr, .why = NULL};
    return form == POINTS_JSON ? begin_json(p, err) : GW_OK;
}

enum points_got points_next(struct points *p, struct point *out)
{
    *out = (struct point){.time = 0};
    p->why = NULL;
    bool more = p->form == POINTS_JSON ? points_next_json(p, out) : points_next_line(p, out);
    if (!more)
        return POINTS_END;
    return p->why ? POINTS_BAD : POINTS_TAKEN;
}
