/* kafka_cause.h: what an error of Kafka means, and what to do about it, by one table for what goes out and what
 * comes in.
 *
 *     TOPIC_AUTHORIZATION_FAILED ─▶ REFUSED, "the user may not use this topic", "grant it WRITE …"
 *     _TRANSPORT                 ─▶ AWAY, "there is no connection to a broker", "is the broker running …"
 *
 * Codes that begin with an underscore are the library's own, the others a broker's. One that the table does not
 * have passes by itself (PASSING), in the library's words.
 *
 * Threads: any, pure functions.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_CAUSE_H
#define KAFKA_CAUSE_H

#include <librdkafka/rdkafka.h>

enum kafka_kind {
    KAFKA_PASSING,   /* will be over soon: try again */
    KAFKA_AWAY,      /* there is no connection */
    KAFKA_LATE,      /* no answer in time */
    KAFKA_TOO_LARGE, /* a smaller record or request would do */
    KAFKA_REFUSED,   /* the data is good, a person has to change the configuration or the cluster */
    KAFKA_BAD,       /* this record will never be taken */
    KAFKA_OVER       /* the client is of no use any more: begin again with another one */
};

struct kafka_cause {
    rd_kafka_resp_err_t code;
    enum kafka_kind kind;
    const char *meaning, *remedy; /* static; remedy NULL: none */
};

/* Never NULL. */
const struct kafka_cause *kafka_cause(rd_kafka_resp_err_t);

#endif
