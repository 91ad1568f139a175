/* dd_stats_points.h: collects points of the span duration metric, by resource, while a request is translated.
 *
 *     resource (its bytes) ──▶ point: times, attributes (bytes), histogram ──▶ frames near GW_FRAME_BYTES
 *
 * Points that differ only in their histogram are merged.
 *
 * Ownership: everything is in the arena except the histograms, which dd_stats_points_fini frees. Threads: one
 * at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef DD_STATS_POINTS_H
#define DD_STATS_POINTS_H

#include "core/base/arena.h"
#include "core/delivery/frame.h"
#include "translators/metrics/exponential_histogram.h"

/* Every entry of a table begins with a node. */
struct dd_stats_node {
    struct dd_stats_node *chain, *next; /* next: in order of appearance */
    uint64_t hash;
    gw_str bytes;
};

struct dd_stats_table {
    struct dd_stats_node **slots; /* their number is a power of two */
    size_t n, cap;
    struct dd_stats_node *first, **last;
};

struct dd_stats_point {
    struct dd_stats_node node;           /* found by its attributes */
    struct dd_stats_point *next_written; /* in its resource */
    const struct dd_stats_resource *resource;
    uint64_t start, end; /* ns */
    struct exphist histogram;
};

struct dd_stats_resource {
    struct dd_stats_node node; /* a Resource message */
    struct dd_stats_point *first, **last;
};

struct dd_stats_points {
    struct gw_arena *arena;
    struct dd_stats_table resources, points;
    uint64_t seed;
};

void dd_stats_points_init(struct dd_stats_points *, struct gw_arena *);
void dd_stats_points_fini(struct dd_stats_points *);

/* Returns NULL if there is no memory. Copies the bytes. */
struct dd_stats_resource *dd_stats_resource(struct dd_stats_points *, gw_str message);
/* Returns the point with these attributes, and creates it if there is none; NULL: no memory. */
struct dd_stats_point *dd_stats_point(struct dd_stats_points *, struct dd_stats_resource *, uint64_t start,
                                      uint64_t end, gw_str attributes);

/* Writes all points into at most `max` frames. Returns false if there is no memory or more frames would be
 * needed; then there are none. */
bool dd_stats_write(const struct dd_stats_points *, struct gw_frame **frames, size_t max, size_t *n);

#endif
