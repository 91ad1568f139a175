/* kafka_client.h: a Kafka client (librdkafka), shared by the exporter and the receiver: the brokers, the way
 * to connect to them, and their errors.
 *
 *   options ─┐
 *   settings ┼─▶ kafka_client_open: every mistake that shows without a connection ─▶ conf
 *            │                                                                        │ a copy
 *            └──────────────────────────────── kafka_client_start ◀──────────────────┘
 *                                                   │ handle: rd_kafka_produce, rd_kafka_consumer_poll, …
 *                                                   ▼
 *                 rd_kafka_poll ─▶ log lines, trouble ─▶ kafka_client_stop, perhaps another start
 *
 * Between open and start the component may add callbacks to `conf`, but for those of log and errors, which the client
 * has; the opaque pointer is the client (`owner` leads on). Log lines and errors come through the handle's main queue,
 * so everything here happens on the thread that polls it.
 *
 * Memory: the component's estimate of the library's memory is charged to max_memory from start to stop.
 *
 * Threads: open, close on the main thread; start, stop and all else on the one thread that polls.
 * Ownership: the options are the caller's and outlive the client.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include "core/kafka/kafka_cause.h"
#include "core/kafka/kafka_options.h"

/* An error that the library reports. */
struct kafka_trouble {
    rd_kafka_resp_err_t code; /* RD_KAFKA_RESP_ERR_NO_ERROR: nothing */
    char text[256]; /* "kafka-1:9092/bootstrap: Connect to … failed: Connection refused"; scrubbed */
    bool down;      /* no broker was connected at the last report */
    bool over;      /* the handle is of no use any more: stop, and start again */
    gw_nsec logged; /* the log's: 0, never */
};

/* A line of the library that was logged. */
enum { KAFKA_LINES = 16 };
struct kafka_line {
    uint64_t hash;
    gw_nsec logged;
};

/* Zeroed, it may be closed. It stays where it was opened. */
struct kafka_client {
    struct kafka_client_conf as;
    rd_kafka_conf_t *conf;
    rd_kafka_t *handle; /* NULL: not started */
    struct kafka_trouble trouble;
    struct kafka_line lines[KAFKA_LINES];
};

/* GW_OK, or a diagnostic for every mistake; `path` is "exporters[0]". Connects to nothing. */
enum gw_code kafka_client_open(struct kafka_client *, const struct kafka_client_conf *, const char *path,
                               struct gw_diagnostics *) GW_MUST_CHECK;
void kafka_client_close(struct kafka_client *);

/* With settings that were not known before, NULL for none. False when the library has no thread or memory: then
 * `trouble` holds the reason. */
bool kafka_client_start(struct kafka_client *, const struct kafka_setting *more, size_t n) GW_MUST_CHECK;
/* Waits for the library's threads, for a few seconds at most. Records that are still to be delivered get no report. */
void kafka_client_stop(struct kafka_client *);

/* A broker has taken or given something: there is no trouble now. */
void kafka_client_works(struct kafka_client *);

/* "topic otlp_spans: the broker does not know this topic (UNKNOWN_TOPIC_OR_PART)". `subject` and `detail` may be
 * NULL. Returns the cause, for its kind and remedy. */
const struct kafka_cause *kafka_explain(rd_kafka_resp_err_t, const char *subject, const char *detail,
                                        char *out, size_t size);
/* "kafka-1:9092", the first of brokers. Not terminated; lives as long as the options. */
gw_str kafka_client_address(const struct kafka_client *);
/* "kafka-1:9092, kafka-2:9092, TLS, SASL PLAIN as ddgate": for a component's line in the log and `ddgate check`. */
void kafka_client_describe(const struct kafka_client *, FILE *);

#endif
