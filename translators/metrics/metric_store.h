/* metric_store.h: aggregates samples. All samples of one series in one interval become one OTLP point.
 *
 *     samples ─▶ shard, one a thread ─▶ cell of the series' point ─┐
 *                                                                 ├─ metric_store_flush, each interval ─▶ frames ─▶ offer
 *     samples ─▶ shard ─────────────▶ cell ────────────────────────┘       if refused: the cells are kept and
 *                                                                       the next interval is added to them
 *
 * A series is a resource, a name, a kind, a unit and attributes (struct metric_id). A caller that gets the
 * same bytes again and again (a line without its value) lets the store remember the point under them;
 * metric_find then costs a hash and a comparison.
 *
 *     kind                   a cell holds                        becomes
 *     METRIC_SUM             the sum, scaled by the sample rate  Sum, delta or cumulative; monotonic until a value is negative
 *     METRIC_GAUGE           the last value                      Gauge
 *     METRIC_SET             the set of values                   Gauge of the number of different values
 *     METRIC_HISTOGRAM       an exponential histogram            ExponentialHistogram, delta or cumulative
 *     METRIC_BUCKETS         counts between bounds               Histogram, delta or cumulative
 *
 * A series without a sample in an interval sends no point in delta temporality, and repeats its last point in
 * cumulative temporality. A series without a sample for METRIC_IDLE is forgotten. There are at most
 * max_series series: beyond that, samples of new series are dropped and counted; existing series are not
 * affected.
 *
 * Memory: everything is charged to `account`. Errors: if there is no memory, the sample is dropped and
 * counted. Threads: each shard by one thread at a time, between metric_begin and metric_end, which lock it;
 * flush by one thread, in parallel with the shards.
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

/* Returns the number of the field that holds attributes in the point's message:
 * opentelemetry/proto/metrics/v1/metrics.proto. */
static inline unsigned metric_attributes_field(enum metric_kind kind)
{
    return kind == METRIC_HISTOGRAM ? 1 : kind == METRIC_BUCKETS ? 9 : 7;
}

/* Identifies a series: samples with equal ids belong to one point. The texts are OTLP bytes: `resource` is
 * the concatenated attributes of a Resource (field 1), `attributes` those of the point
 * (metric_attributes_field). The caller sorts both, so that the order of arrival does not matter. */
struct metric_id {
    gw_str resource, name, unit, attributes;
    gw_str
        bounds; /* METRIC_BUCKETS: upper bounds of all buckets but the last; concatenated doubles in ascending
                 * order */
    enum metric_kind kind;
    /* wall clock, ns: the time that the client gave for this point; 0: the interval's */
    gw_nsec time;
};

struct metric_options {
    unsigned shards;
    size_t max_series;
    bool cumulative;
    gw_str scope_name, scope_version, schema_url; /* of all points; the process's memory budget */
    struct gw_budget *account;
};

struct metric_counts {
    /* Current series; samples that were added to one; samples dropped: of a new series beyond max_series, for
     * lack of memory. */
    atomic_uint_least64_t series, samples, over_limit, no_memory;
};

struct metric_store;
struct metric_shard;
struct metric_point;

/* Copies the options. `wall` is the start of the first interval. Returns NULL if there is no memory. */
struct metric_store *metric_store_new(const struct metric_options *, gw_nsec wall);
/* Frees the store. Samples that were not flushed are lost. */
void metric_store_drop(struct metric_store *);
const struct metric_counts *metric_store_counts(const struct metric_store *);
struct metric_shard *metric_store_shard(struct metric_store *, unsigned number);
/* Call while no thread uses the store. The rules by which series are found have changed: shards forget the
 * remembered bytes. Samples in cells are kept. */
void metric_store_relearn(struct metric_store *, size_t max_series);

/* Sets the limit on series. May be called at any time. */
void metric_store_limit(struct metric_store *, size_t max_series);

void metric_begin(struct metric_shard *);
void metric_end(struct metric_shard *);

/* Returns the point that metric_learn remembered under these bytes, or NULL. Valid until metric_end. */
struct metric_point *metric_find(const struct metric_shard *, gw_str raw);
/* Returns the point of this id and creates it if there is none. Remembers it under `raw` unless that is
 * empty. Returns NULL if there are max_series already or no memory; then n samples are counted as dropped. */
struct metric_point *metric_learn(struct metric_shard *, gw_str raw, const struct metric_id *, uint64_t n);

/* Counts n samples as dropped because there was no memory to build their id. */
void metric_no_memory(struct metric_shard *, uint64_t n);

/* Returns the number of the interval. A point that got a sample in it stays valid until the number changes,
 * even after metric_end. */
uint32_t metric_epoch(const struct metric_shard *);

/* Adds one sample of a sum, a gauge or a histogram of either kind. It counts 1 / rate times. Returns false if
 * there is no memory, which is counted. */
bool metric_add(struct metric_shard *, struct metric_point *, double value, double rate);
/* Adds one value of a set. */
void metric_add_text(struct metric_shard *, struct metric_point *, gw_str value);

/* Offers a frame. Returns GW_OK if it was accepted; if not, it may be built and offered again. Takes the
 * reference in either case. */
typedef enum gw_code metric_offer_f(void *ctx, struct gw_frame *);
/* Ends the interval: all cells become points in frames of about GW_FRAME_BYTES, which are offered one after
 * another. After a refusal, the rest is kept for the next flush. Returns false if something is kept. */
bool metric_store_flush(struct metric_store *, gw_nsec wall, metric_offer_f *, void *ctx);

#endif
