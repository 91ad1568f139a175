/* kafka_record.h: which signal a record holds, and how it is written.
 *
 *     header otelcol.signal: traces | logs | metrics   ─┐ says more than
 *     topics = { traces; logs; metrics; }               ┘ the topic, where both speak
 *
 *     option encoding ◁ header content-type ◁ the first byte: '{' begins no request in protobuf
 *
 * This is the format of the OpenTelemetry Collector's exporter: the value of a record is one
 * Export…ServiceRequest, and with `signal_header` a header names the signal.
 *
 * Threads: pure functions.  Ownership: views of the record.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_KAFKA_RECORD_H
#define GW_KAFKA_RECORD_H

#include "core/config/option.h"
#include "core/delivery/frame.h"

/* In the order of the option's words. */
enum kafka_encoding { KAFKA_AUTO, KAFKA_PROTOBUF, KAFKA_JSON };

/* Why a record, or a part of it, is not used. */
enum kafka_fault {
    KAFKA_FAULT_NONE,
    KAFKA_FAULT_UNKNOWN_SIGNAL,   /* neither header nor topic names a known signal */
    KAFKA_FAULT_UNKNOWN_ENCODING, /* its content-type is another */
    KAFKA_FAULT_MALFORMED,        /* the value does not match its encoding */
    KAFKA_FAULT_TOO_LARGE,        /* needs more memory than a record may have */
    KAFKA_FAULT_PARTIAL,          /* some items of it */
    KAFKA_FAULTS
};
/* "unknown_signal": labels of a metric, and words in dead letters. */
const char *kafka_fault_label(enum kafka_fault);

struct kafka_record {
    gw_str topic;
    int topic_signal; /* kafka_topic_signal */
    int32_t partition;
    int64_t offset, timestamp; /* milliseconds since 1970, or -1 */
    gw_str key, value;
    gw_str signal, content_type; /* headers; a NULL pointer: missing */
};

/* Topics of each signal: names, or regular expressions that begin with '^'. */
struct kafka_topics {
    const struct gw_list *of[GW_SIGNALS]; /* NULL: none, as of profiles */
};

/* Returns the signal of a topic; -1: unknown. Slow if there are regular expressions: call it once per
 * partition. */
int kafka_topic_signal(const struct kafka_topics *, const char *topic);
/* KAFKA_FAULT_NONE, KAFKA_FAULT_UNKNOWN_SIGNAL or KAFKA_FAULT_UNKNOWN_ENCODING. */
enum kafka_fault kafka_record_read(const struct kafka_record *, enum kafka_encoding, enum gw_signal *,
                                   bool *is_json);

#endif
