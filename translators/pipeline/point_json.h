/* point_json.h: a record as JSON, as `ddgate pipeline` and the API show what a script made of a line.
 *
 *     {"name": "nginx", "tags": {"status": "ok"}, "fields": {"message": "…", "bytes": 12}, "time": 1764489600000000000,
 *      "dropped": false, "error": "nginx.p:3:1: …", "created": [{…}]}
 *
 * `time` (ns since 1970) is there where the script set it, `error` where it ended with one, `created` where it made
 * other records. A float has a dot or an exponent; NaN and the infinities are texts.
 *
 * Threads: pure.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_POINT_JSON_H
#define SC_POINT_JSON_H

#include "core/base/text.h"
#include "translators/pipeline/ast.h"
#include "translators/pipeline/point.h"

/* fault: NULL if there was none. `pretty` writes a line for each member, `coloured` adds a terminal's colours. */
void sc_point_json(struct gw_text *, const struct sc_point *, const struct sc_fault *, bool pretty,
                   bool coloured);

#endif
