/* points.h: points of line protocol, or of JSON, as Datakit's clients send them.
 *
 *     nginx,host=web-1,service=shop message="GET / HTTP/1.1",code=200i,took=[1i,2i] 1700000000000000000
 *     └─┬─┘└──────────┬───────────┘ └──────────────────────┬──────────────────────┘ └─ time, in units of `precision`
 *   measurement     tags                                 fields
 *
 *     [ { "measurement": "nginx", "tags": { "host": "web-1" }, "fields": { "code": 200 }, "time": 1700000000000000000 } ]
 *     [ { "name": "nginx", "fields": [ { "key": "host", "s": "web-1", "is_tag": true }, { "key": "code", "i": "200" } ], "time": "17…" } ]
 *
 * In lines, a backslash escapes comma, blank and equals sign in names and tags, and quote and backslash in
 * quoted text; before any other character it is literal. Quoted text may contain line ends; with a `b` after
 * it, it is bytes in base64. A line that begins with # is a comment.
 *
 * A line that cannot be read is skipped, and reading continues at the next one. A JSON body is checked first:
 * if it is not JSON, nothing of it is used; an element that is not a point is skipped.
 *
 * Threads: one owner. Ownership: a point's texts are views of the body, or in the arena, like its lists. If
 * the arena's budget is used up, points may be incomplete: check it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef POINTS_H
#define POINTS_H

#include "core/base/err.h"
#include "core/base/json.h"
#include "translators/points/point_value.h"

enum points_form { POINTS_LINES, POINTS_JSON };

struct point {
    gw_str measurement;
    struct point_values tags, fields; /* in their order; names may repeat */
    uint64_t time;                    /* ns since 1970; 0: missing */
};

enum points_got { POINTS_TAKEN, POINTS_BAD, POINTS_END };

struct points {
    struct gw_arena *arena;
    enum points_form form;
    uint64_t precision;
    gw_str text;
    const char *at;      /* lines */
    struct gw_json json; /* JSON */
    bool list;
    const char *why; /* after POINTS_BAD: static words */
    size_t pos;      /* in the body: where the point begins; after POINTS_BAD where it cannot be read */
};

/* `precision` 0: the size of a time tells its unit. GW_OK, or GW_BAD_JSON with the place. */
enum gw_code points_begin(struct points *, enum points_form, gw_str text, uint64_t precision,
                          struct gw_arena *, struct gw_err *) GW_MUST_CHECK;
enum points_got points_next(struct points *, struct point *);

/* Returns the error code for a point that cannot be read. */
static inline enum gw_code points_code(const struct points *p)
{
    return p->form == POINTS_JSON ? GW_BAD_JSON : GW_BAD_POINTS;
}

/* What follows is between the files of this folder. */

bool points_next_line(struct points *, struct point *);
bool points_next_json(struct points *, struct point *);

#endif
