/* kafka_outcome.h: from what became of each record to the verdict on their request.
 *
 *   errors of records ─▶ the one that comes first decides, the others have their turn when the rest is sent again:
 *
 *     no connection, too late, passing trouble    RETRY, or TIMED_OUT where the brokers are there
 *     a person has to change something            RETRY_SLOWLY, with the remedy
 *     too large for the broker                    SPLIT
 *     never will be taken; an item that alone     REFUSED
 *     is larger than max_message
 *
 * The error of a late record does not name a reason. Where the client has trouble with its brokers, that is the
 * reason.
 *
 * Threads: pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_OUTCOME_H
#define KAFKA_OUTCOME_H

#include "core/delivery/exporter.h"
#include "core/kafka/kafka_client.h"
#include "exporters/kafka/kafka_records.h"

/* Zeroed, nothing failed. */
struct kafka_verdict {
    size_t failed; /* records */
    unsigned rank; /* of the error that decides, from 1 */
    rd_kafka_resp_err_t error;
    bool down;        /* no broker was connected then */
    char detail[256]; /* the client's trouble, where that is why */
};

/* Adds a failed record. RD_KAFKA_RESP_ERR__BAD_MSG: it was not sent, because its single item is too large. */
void kafka_verdict_add(struct kafka_verdict *, rd_kafka_resp_err_t, const struct kafka_trouble *);
/* Something failed. `most`: max_message. */
void kafka_verdict_outcome(const struct kafka_verdict *, const char *topic, size_t most, struct gw_outcome *);

#endif
