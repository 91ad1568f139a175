/* kafka_records.h: makes Kafka records from a batch, and frames from the records that were not acknowledged.
 *
 *   partition_by none       frames are laid end to end, as many as fit into max_message; one that alone is larger is
 *                           cut between resources, scopes and items
 *   partition_by trace_id   a record for each trace, its key the id in hexadecimal; more than one where it does not
 *                           fit. Records of logs without an id, and metrics, have no key
 *   encoding otlp_json      as text; what does not fit into max_message then is halved
 *
 * An item larger than max_message is in a record that must not be sent (`too_large`).
 *
 *   records ─▶ brokers ─▶ error of each ─▶ kafka_records_left: per frame of the batch, what has to be sent again
 *
 * Threads: the sender's. Ownership: the batch outlives the records; a record whose value is a frame's own bytes has
 * no buffer.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_RECORDS_H
#define KAFKA_RECORDS_H

#include "core/delivery/exporter.h"
#include "exporters/sender/frame_items.h"

struct kafka_records_conf {
    bool by_trace, json;
    size_t most;   /* bytes of a value */
    uint64_t seed; /* of a table that senders' trace ids reach (hash.h) */
};

struct kafka_record {
    void *owner; /* the caller's */
    const uint8_t *value;
    uint8_t *buffer; /* malloc'd; NULL: value is a frame's */
    size_t len;
    char key[32];
    bool has_key;
    bool too_large;    /* a single item, larger than the most: there is no value */
    bool failed;       /* the caller's: it was not acknowledged */
    uint32_t first;    /* its first item; GW_NO_ITEM: it consists of complete frames, … */
    uint32_t from, to; /* … these */
};

struct kafka_records {
    const struct gw_batch *batch;
    struct kafka_record *all;
    size_t n, cap;
    struct gw_items items; /* empty if all frames are complete */
};

enum kafka_made { KAFKA_MADE, KAFKA_UNREADABLE /* items cannot be identified */, KAFKA_NO_MEMORY };

/* Unless KAFKA_MADE, there is nothing to drop. */
enum kafka_made kafka_records_make(struct kafka_records *, const struct kafka_records_conf *,
                                   const struct gw_batch *);
void kafka_records_drop(struct kafka_records *);

/* left[i] for each frame of the batch: NULL when none of its items is in a record that failed, the frame itself when
 * all are, else a new frame of them. Where there is no memory for one, it is the frame itself. */
void kafka_records_left(struct kafka_records *, struct gw_frame **left);

#endif
