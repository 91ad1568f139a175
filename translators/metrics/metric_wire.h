/* metric_wire.h: field numbers of OTLP's metrics, and functions that write parts shared by several files.
 * Source: opentelemetry/proto/metrics/v1/metrics.proto, common.proto and resource.proto.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef METRIC_WIRE_H
#define METRIC_WIRE_H

#include "translators/metrics/exponential_histogram.h"
#include "translators/otlp/otlp_write.h"

enum { RESOURCE_METRICS = 1 };
enum { RM_RESOURCE = 1, RM_SCOPE_METRICS = 2, RM_SCHEMA_URL = 3 };
enum { SM_SCOPE = 1, SM_METRICS = 2, SCOPE_NAME = 1, SCOPE_VERSION = 2 };
enum { METRIC_NAME = 1, METRIC_UNIT = 3, METRIC_IS_GAUGE = 5, METRIC_IS_SUM = 7 };
enum { METRIC_IS_HISTOGRAM = 9, METRIC_IS_EXPONENTIAL = 10 };
enum { DATA_POINTS = 1, DATA_TEMPORALITY = 2, DATA_MONOTONIC = 3 };
enum { TEMPORALITY_DELTA = 1, TEMPORALITY_CUMULATIVE = 2 };
/* Fields of NumberDataPoint. Start and time have the same numbers in both kinds of histograms. */
enum { NUMBER_START = 2, NUMBER_TIME = 3, NUMBER_DOUBLE = 4, NUMBER_INT = 6, NUMBER_ATTRIBUTES = 7 };

/* Writes a field even if its value is zero. */
void metric_put_fixed64(struct otlp_buf *, unsigned field, uint64_t bits);
void metric_put_double(struct otlp_buf *, unsigned field, double);
/* Writes all fields of an ExponentialHistogramDataPoint except its attributes and times. */
void metric_put_histogram(struct otlp_buf *, const struct exphist *);

#endif
