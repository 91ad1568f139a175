/* layout.h: times by Go's layouts ("2006-01-02 15:04:05.000 -0700"), read and written; strftime formats,
 * written; durations, read.
 *
 * A layout shows how the moment Mon Jan 2 15:04:05 MST 2006 (-0700) looks. Reading follows Go's time.Parse
 * rule by rule, its leniency too (a fraction may follow the seconds unasked), because scripts were tried
 * against it.
 *
 * Pure functions but for zone.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAYOUT_H
#define LAYOUT_H

#include "core/base/text.h"
#include "translators/text/zone.h"

enum { DATEPARSE_MAX = 512 /* bytes of a text that dateparse.h tries */ };
enum { LAYOUT_ERROR_SIZE = 6144 /* room for a text of DATEPARSE_MAX and its layout, each twice */ };

struct layout_time {
    int64_t seconds; /* since 1970 */
    int nsec;
};

/* As nanoseconds since 1970. What does not fit wraps around, as it does in Go. */
static inline int64_t layout_ns(struct layout_time t)
{
    return (int64_t)((uint64_t)t.seconds * 1000000000u + (uint64_t)t.nsec);
}

/* A wall clock in a zone as seconds since 1970. */
int64_t layout_wall(const struct zone *, int64_t wall);

/* False with the reason (LAYOUT_ERROR_SIZE bytes; NULL: not needed) in Go's words. A zone in the text
 * overrides `zone`. */
bool layout_parse(gw_str layout, gw_str text, const struct zone *zone, struct layout_time *out, char *why);
void layout_format(struct gw_text *, gw_str layout, struct layout_time, const struct zone *);
/* The layout of a name such as RFC3339; empty for an unknown name. */
gw_str layout_named(gw_str name);
void layout_strftime(struct gw_text *, gw_str format, struct layout_time, const struct zone *);
/* "1h2.5s" in nanoseconds. */
bool layout_duration(gw_str text, int64_t *ns);

#endif
