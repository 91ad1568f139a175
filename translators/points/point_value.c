/* point_value.c: lists of values, their types, times in units, and values as JSON. Keeps no state. Called by
 * code that reads or writes points.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/points/point_value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

uint64_t points_precision(gw_str name)
{
    static const struct {
        gw_str name;
        uint64_t ns;
    } units[] = {{GW_LIT("n"), 1},
                 {GW_LIT("ns"), 1},
                 {GW_LIT("u"), 1000},
                 {GW_LIT("us"), 1000},
                 {GW_LIT("ms"), 1000000},
                 {GW_LIT("s"), 1000000000},
                 {GW_LIT("m"), UINT64_C(60000000000)},
                 {GW_LIT("h"), UINT64_C(3600000000000)}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (gw_str_eq(name, units[i].name))
            return units[i].ns;
    return 0;
}

/* Without a precision: seconds, ms, µs or ns of a time between 1973 and 2286 have 9 to 10, 12 to 13, 15 to 16
 * or 18 to 19 digits. */
static uint64_t unit_of(uint64_t time)
{
    static const uint64_t units[] = {1000000000, 1000000, 1000, 1};
    size_t i = 0;
    for (uint64_t most = UINT64_C(10000000000); i < 3 && time >= most; most *= 1000)
        i++;
    return units[i];
}

bool point_time(uint64_t time, uint64_t precision, uint64_t *ns)
{
    return !__builtin_mul_overflow(time, precision ? precision : unit_of(time), ns);
}

struct point_value *point_add(struct gw_arena *arena, struct point_values *to, gw_str name)
{
    if (to->n == 0 || (to->n >= 8 && !(to->n & (to->n - 1)))) {
        struct point_value *more = gw_arena_raw(arena, to->n ? 2 * to->n : 8, sizeof *more);
        if (!more)
            return NULL;
        if (to->n)
            memcpy(more, to->list, to->n * sizeof *more);
        to->list = more;
    }
    to->list[to->n] = (struct point_value){.name = name};
    return &to->list[to->n++];
}

void point_set_uint(struct point_value *v, uint64_t number)
{
    v->type = number > INT64_MAX ? POINT_UINT : POINT_INT;
    v->u = number;
}

void point_put_json(struct gw_text *to, const struct point_value *v)
{
    char number[GW_NUMBER_SIZE];
    size_t n = 0;
    switch (v->type) {
    case POINT_TEXT:
        gw_text_put_json(to, v->text);
        return;
    case POINT_OTHER:
        gw_text_put_str(to, v->text);
        return;
    case POINT_BOOL:
        gw_text_put_z(to, v->b ? "true" : "false");
        return;
    case POINT_INT:
        n = gw_i64_text(number, v->i);
        break;
    case POINT_UINT:
        n = (size_t)snprintf(number, sizeof number, "%" PRIu64, v->u);
        break;
    case POINT_DOUBLE:
        if (!isfinite(v->d)) {
            gw_text_put_z(to, "null");
            return;
        }
        n = gw_float_json(number, v->d);
    }
    gw_text_put(to, number, n);
}
