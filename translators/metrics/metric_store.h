/* metric_store.h: samples become points: what came of one series in an interval is one point of OTLP.
 *
 *     samples ─▶ shard, one a thread ─▶ cell of the series' point ─┐
 *                                                                 ├─ metric_store_flush, each interval ─▶ frames ─▶ offer
 *     samples ─▶ shard ─────────────▶ cell ────────────────────────┘          refused: the cells stay, and the next interval is added to them
 *
 * A series is a resource, a name, a kind, a unit and attributes (struct metric_id). A caller that sees the
 * same bytes again and again (a line without its value) has the point remembered under them: metric_find
 * then costs a hash and a comparison.
 *
 *     kind                   a cell holds                        becomes
 *     METRIC_SUM             the sum, scaled by the sample rate  Sum, delta or cumulative; monotonic until a value is negative
 *     METRIC_GAUGE           the last value                      Gauge
 *     METRIC_SET             which values came                   Gauge of their number
 *     METRIC_HISTOGRAM       an exponential histogram            ExponentialHistogram, delta or cumulative
 *     METRIC_BUCKETS         counts between bounds               Histogram, delta or cumulative
 *
 * A series without a sample sends no point in temporality delta; in cumulative it repeats its last one. One
 * without a sample for METRIC_IDLE is forgotten. There are at most max_series: past that, samples of new
 * series are dropped and counted, and the old ones live on.
 *
 * Memory: everything is charged to `account`. Errors: memory that is out costs the sample, counted.
 * Threads: a shard by one thread at a time, between metric_begin and metric_end, which lock it; flush by one
 * thread, beside them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_STORE_H
#define METRIC_STORE_H

#include <stdatomic.h>

#include "core/base/budget.h"
#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/delivery/frame.h"
#include "translators/metrics/exponential_histogram.h"

enum metric_kind { METRIC_SUM, METRIC_GAUGE, METRIC_SET, METRIC_HISTOGRAM, METRIC_BUCKETS };

enum { METRIC_SHARDS = 256 };
static const gw_nsec METRIC_IDLE = 300 * GW_SEC;

/* Field of the point's message that holds its attributes: opentelemetry/proto/metrics/v1/metrics.proto. */
static inline unsigned metric_attributes_field(enum metric_kind kind)
{
    return kind == METRIC_HISTOGRAM ? 1 : kind == METRIC_BUCKETS ? 9 : 7;
}

/* Two samples with the same id belong to one point. Texts are bytes of OTLP: `resource` the attributes of a
 * Resource (field 1) end to end, `attributes` those of the point (metric_attributes_field), both in one order
 * whatever order they came in. */
struct metric_id {
    gw_str resource, name, unit, attributes;
    gw_str
        bounds; /* METRIC_BUCKETS: upper bounds of all buckets but the last, doubles end to end, each above the one before */
    enum metric_kind kind;
    /* wall, ns: a point of a time of its own, which its client names; 0: the interval's */
    gw_nsec time;
};

struct metric_options {
    unsigned shards;
    size_t max_series;
    bool cumulative;
    gw_str scope_name, scope_version, schema_url; /* of all points; the process's */
    struct gw_budget *account;
};

struct metric_counts {
    /* series now; samples that went into one; samples dropped: of a new series past max_series, for memory */
    atomic_uint_least64_t series, samples, over_limit, no_memory;
};

struct metric_store;
struct metric_shard;
struct metric_point;

/* Options are copied. `wall` begins the first interval. NULL: no memory. */
struct metric_store *metric_store_new(const struct metric_options *, gw_nsec wall);
/* What was not flushed is lost. */
void metric_store_drop(struct metric_store *);
const struct metric_counts *metric_store_counts(const struct metric_store *);
struct metric_shard *metric_store_shard(struct metric_store *, unsigned number);
/* No thread uses the store. Series are found by other rules from now on: the bytes under which they were remembered are forgotten, what
 * is in their cells goes on. */
void metric_store_relearn(struct metric_store *, size_t max_series);

/* At any time: from now on there are at most so many. */
void metric_store_limit(struct metric_store *, size_t max_series);

void metric_begin(struct metric_shard *);
void metric_end(struct metric_shard *);

/* The point that metric_learn remembered under these bytes, or NULL. Valid until metric_end. */
struct metric_point *metric_find(const struct metric_shard *, gw_str raw);
/* The point of this id, a new one if there is none; remembered under `raw`, unless that is empty. NULL: there
 * are max_series, or no memory, which is counted as n samples dropped. */
struct metric_point *metric_learn(struct metric_shard *, gw_str raw, const struct metric_id *, uint64_t n);

/* There was no memory to find out the id of n samples: they are counted as dropped. */
void metric_no_memory(struct metric_shard *, uint64_t n);

/* The number of the interval. A point that has taken a sample in it stays valid until the number changes, over
 * metric_end too. */
uint32_t metric_epoch(const struct metric_shard *);

/* One sample of a sum, a gauge or a histogram of either kind; it stands for 1 / rate of them. False: no memory, which is
 * counted. */
bool metric_add(struct metric_shard *, struct metric_point *, double value, double rate);
/* … of a set. */
void metric_add_text(struct metric_shard *, struct metric_point *, gw_str value);

/* What becomes of a frame: GW_OK, or it was refused and may be made again. Takes the frame in any case. */
typedef enum gw_code metric_offer_f(void *ctx, struct gw_frame *);
/* Ends the interval: all cells become points of frames of about GW_FRAME_BYTES, which are offered one after
 * another. After a refusal the rest is kept for the next flush. False: something is kept. */
bool metric_store_flush(struct metric_store *, gw_nsec wall, metric_offer_f *, void *ctx);

#endif
