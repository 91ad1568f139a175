/* metric_store_internal.h: structs and functions that the files of the metric store share.
 *
 *     metric_cell.c    samples of a series in an interval
 *     metric_shard.c   samples: aliases, cells                      under the shard's lock
 *     metric_points.c  ids: points, metrics, resources              under the store's lock
 *     metric_flush.c   the end of an interval; forgetting points    on the flushing thread
 *     metric_write.c   OTLP                                         on the flushing thread
 *
 * Which thread or lock protects what:
 *     point.id, metric, resource   constant while the point lives
 *     point.at[shard]              that shard's lock
 *     point.held, total, idle      the flushing thread
 *     tables of the store          the store's lock, which is taken inside a shard's
 * An interval ends when shard.epoch gets a new number and the list of cells is taken. A point with the old
 * number gets a new cell at its next sample. So the lock is held for a moment only.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_STORE_INTERNAL_H
#define METRIC_STORE_INTERNAL_H

#include "core/base/hash.h"
#include "core/base/lock.h"
#include "translators/metrics/metric_store.h"
#include "translators/otlp/otlp_write.h"

/* The values of a set, by hash. */
struct metric_set {
    uint64_t *slots; /* open addressing; 0: free */
    uint32_t n, cap;
};

/* A histogram with explicit bounds. */
struct metric_buckets {
    uint64_t *counts; /* one more than the number of bounds */
    uint64_t count;
    double sum, min, max; /* min and max are valid if count is not 0 */
};

/* The samples of one series in one interval. */
struct metric_cell {
    struct metric_point *point;
    struct metric_cell *next;
    gw_nsec start; /* wall clock: start of the interval */
    union {        /* the member that the kind needs is allocated */
        double number;
        struct exphist histogram;
        struct metric_set set;
        struct metric_buckets buckets;
    };
};

/* Every entry of a table begins with a node. */
struct metric_node {
    struct metric_node *next; /* the next one in its chain */
    uint64_t hash;
};

struct metric_table {
    struct metric_node **chains; /* their number is a power of two */
    size_t n, cap;
};

struct metric_resource {
    struct metric_node node;
    size_t metrics; /* metrics in this resource */
    struct metric_metric *to_write;
    struct metric_resource *next_to_write;
    gw_str attributes;
};

/* A metric of a resource: its points are written together. */
struct metric_metric {
    struct metric_node node;
    struct metric_resource *resource;
    size_t points;
    struct metric_cell *to_write;
    struct metric_metric *next_to_write;
    bool has_negative; /* used by the flushing thread: a sum that decreased is not monotonic */
    bool timed;        /* its points have times of their own and are always delta */
    enum metric_kind kind;
    gw_str bounds, name, unit; /* allocated with the struct; bounds are aligned */
};

static inline size_t metric_bounds(const struct metric_metric *m)
{
    return m->bounds.len / sizeof(double);
}

struct metric_place {
    struct metric_cell *cell;
    uint32_t epoch; /* the interval of the cell */
    float carry;    /* of a histogram: the fraction of a sample that 1 / rate left over */
};

struct metric_point {
    struct metric_node node;
    struct metric_metric *metric;
    gw_nsec time;
    atomic_bool forgettable;   /* see metric_flush.c */
    bool is_delivered;         /* the last cell was delivered; used by the flushing thread */
    gw_nsec last;              /* wall clock: end of the last interval in which a sample arrived */
    struct metric_cell *held;  /* to be written, with the cells that were refused before */
    struct metric_cell *total; /* cumulative temporality: the total since the start */
    struct metric_point *next_idle;
    gw_str attributes;
    struct metric_place at[];
};

/* Bytes under which a shard finds a point. */
struct metric_alias {
    uint64_t hash;
    struct metric_point *point; /* NULL: a free slot */
    char *bytes;                /* malloc'd */
    uint32_t len;
};

struct metric_shard {
    struct gw_lock lock;
    struct metric_store *store;
    unsigned number;
    uint32_t epoch;
    gw_nsec interval_start;
    uint64_t samples; /* samples taken since metric_begin */
    struct metric_cell *cells;
    struct metric_alias *aliases; /* open addressing; the number of slots is a power of two */
    size_t aliases_n, aliases_cap;
};

struct metric_store {
    struct metric_options options;
    struct metric_counts counts;
    uint64_t seed;
    struct gw_lock lock;
    struct metric_table points, metrics, resources;
    gw_nsec interval_start;
    struct metric_cell *held; /* refused cells; used by the flushing thread */
    struct metric_shard shards[];
};

/* --- metric_cell.c --- */
/* Returns zeroed memory, charged to the store's account, or NULL. */
void *metric_alloc(struct metric_store *, size_t);
void metric_free(struct metric_store *, void *, size_t);
/* Returns false if there is no memory for another value. */
bool metric_set_add(struct metric_store *, struct metric_set *, uint64_t hash);
struct metric_cell *metric_cell_new(struct metric_store *, struct metric_point *, gw_nsec start);
void metric_cell_free(struct metric_store *, struct metric_cell *);
/* Adds v n times; `weight` is what v is multiplied by in the sum, as in exphist_add. */
void metric_buckets_add(const struct metric_metric *, struct metric_buckets *, double v, uint64_t n,
                        double weight);
/* Adds what `from` holds. Returns false if there is no memory; the call may be repeated. */
bool metric_cell_merge(struct metric_store *, struct metric_cell *to, const struct metric_cell *from);

/* --- metric_shard.c --- */
/* Forgets the bytes of points that are marked forgettable. The caller holds the shard's lock. */
void metric_forget_aliases(struct metric_shard *);

/* --- metric_points.c --- */
/* Returns NULL if the point cannot be created; n samples are then counted as dropped. */
struct metric_point *metric_point_of(struct metric_store *, const struct metric_id *, uint64_t n);
/* The caller holds the store's lock, and no shard knows the point. */
void metric_point_free(struct metric_store *, struct metric_point *);
void metric_points_fini(struct metric_store *);

/* --- metric_write.c --- */
struct metric_writer {
    const struct metric_store *store;
    struct otlp_buf w;
    gw_nsec wall;
    uint32_t items;
    const struct metric_metric *open; /* the metric whose messages are open */
    size_t resource, scope, metric, data;
};
/* Adds the point of a cell to the frame. */
void metric_write_point(struct metric_writer *, const struct metric_cell *);
/* Ends the frame; the next point starts another one. Returns NULL if there is no memory. */
struct gw_frame *metric_write_frame(struct metric_writer *);

#endif
