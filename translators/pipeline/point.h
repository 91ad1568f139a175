/* point.h: the record that a script works on.
 *
 *     name · tags (text) · fields (any value but lists and maps, which are kept as JSON text) · time · drop
 *
 * There are few keys, so they are in one array in the order of arrival, and are found by a linear search. A
 * name is a tag or a field, never both. A value that is set on a tag becomes text.
 *
 * Ownership: everything is in the record's arena, or outlives it.
 * Threads: one owner.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SC_POINT_H
#define SC_POINT_H

#include "translators/pipeline/value.h"

enum sc_category { SC_LOGGING, SC_METRIC, SC_TRACING, SC_OTHER };

struct sc_field {
    gw_str key;
    struct sc_val val;
    bool tag;
};

struct sc_point {
    struct gw_arena *arena;
    gw_str name;
    struct sc_field *fields;
    size_t n, cap;
    int64_t time;  /* ns since 1970 */
    bool time_set; /* by the script */
    bool dropped;
    bool keep_status; /* setopt(status_mapping=false) */
    enum sc_category category;
    struct sc_point *created, **created_end; /* create_point's, in order */
    struct sc_point *next;
};

void sc_point_init(struct sc_point *, struct gw_arena *, gw_str name, int64_t time);
/* NULL: there is neither a tag nor a field of that name. */
struct sc_field *sc_point_get(const struct sc_point *, gw_str key);
void sc_point_set(struct sc_point *, gw_str key, struct sc_val);
/* Moves a field of that name to the tags. */
void sc_point_set_tag(struct sc_point *, gw_str key, struct sc_val);
void sc_point_del(struct sc_point *, gw_str key);
/* Keeps tag or field, and replaces a key that has the new name. */
void sc_point_rename(struct sc_point *, gw_str from, gw_str to);

/* What happens after a script that ended well: the status of a log record is mapped (and may drop it), and
 * the key `time` becomes the record's time. Also for the points it created. */
struct sc_finish {
    bool no_status;       /* do not write the status */
    const gw_str *ignore; /* drop records of these */
    size_t ignore_n;
};
void sc_point_finish(struct sc_point *, const struct sc_finish *);

#endif
