/* fn_sql.c: literals out of SQL, by the obfuscator that traces have.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_sql.h"
#include "translators/logs/script/inside.h"

bool fn_sql_cover(struct sc_run *r, const struct sc_node *call, struct sc_val *out)
{
    gw_str s;
    (void)out;
    if (sc_get_text(r, call->kid[0], &s))
        sc_point_set(r->point, call->kid[0]->key, sc_str(dd_sql_sanitize(r->arena, DD_SQL_STANDARD, s)));
    return true;
}
