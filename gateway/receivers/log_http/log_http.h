/* log_http.h: logs over HTTP, as Datadog's intake and Datakit's log streaming take them, and Datakit's metrics.
 *
 *      POST /api/v2/logs, /v1/input, /v1/input/KEY     Datadog's: agents, handlers, forwarders, Vector, Fluent Bit   log_http_intake.c
 *      GET  /api/v1/validate                           is this key good?
 *      POST /v1/write/logstreaming?source=…&type=…     Datakit's                                                    log_http_streaming.c
 *      POST /v1/write/logging, GET /v1/ping                                                                         log_http_datakit.c
 *      POST /v1/write/metric                                                                                        log_http_metrics.c
 *
 *      query ─▶ what all records of the request share ─┐
 *      body ──▶ http_log_formats.h: look, then take ─────────┴─▶ log_batch ─▶ frames ─▶ fan-out: all or none ─▶ the true answer
 *
 * A key (auth.token) may be in a header, in the parameter dd-api-key or at the end of the path. It is never
 * logged: paths that end with one are shown with *** in its place.
 *
 * Private to the receiver's files. Facts: Datadog's API reference (POST /api/v2/logs); for log streaming
 * Datakit's manual (Log Streaming) and source.
 *
 * Threads: open, start, stop, close on main; handlers on HTTP workers, each with a batch of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LOG_HTTP_H
#define GW_LOG_HTTP_H

#include "core/config/option.h"
#include "gateway/http/http_open.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/log_http/http_log_formats.h"
#include "translators/logs/log_record.h"

/* Datakit's port, which ddtrace listens on as well. The agent's, 8126, has no log intake: clients may try to
 * find that out. */
#define LOG_HTTP_LISTEN "127.0.0.1:9529, [::1]:9529"

#define LOG_HTTP_OPTS(X)                                                                                     \
    X(list, listen, "listen", LOG_HTTP_LISTEN, "", "",                                                       \
      "Addresses to listen on: host:port, [ipv6]:port, :port (every address) or the path of a Unix socket. " \
      "Receivers with the same address share it. If a configured address cannot be bound, ddgate does not "  \
      "start; default addresses only cause a warning.")                                                      \
    GW_HTTP_BODY_OPTS(X, "5MiB", "5MiB")                                                                     \
    X(size, max_record, "max_record", "1MiB", "1KiB", "64MiB",                                               \
      "Longest record. A longer one is cut; log.record.truncated_bytes is the number of missing bytes.")     \
    X(count, max_records, "max_records", "1000", "0", "1000000000",                                          \
      "Most items of a JSON request to Datadog's intake; 0: no limit. A request with more gets 413.")        \
    GW_HTTP_TIME_OPT(X)                                                                                      \
    X(duration, idle_timeout, "idle_timeout", "2m", "1s", "1h",                                              \
      "How long a connection is kept without a request.")                                                    \
    X(count, connections, "connections", "1000", "1", "100000",                                              \
      "Most connections at a time, over all HTTP receivers; see ddtrace.")                                   \
    GW_LISTENER_ACCESS_OPTS(X)                                                                               \
    LOG_OPTS(X)

struct log_http_conf {
    LOG_HTTP_OPTS(GW_FIELD)
};

struct log_http_counts {
    atomic_uint_least64_t payloads, probes, records, metric_points, text_fields;
};

struct log_http {
    struct log_http_conf conf; /* first: the option rows fill it */
    const struct gw_host *host;
    struct log_options options;
    struct log_conf *logs;
    struct gw_listener_access access;
    struct gw_http_site site;
    struct gw_http_open open;
    struct log_batch **batches; /* one a worker */
    unsigned batches_n;
    struct log_http_counts counts;
    gw_nsec opened; /* monotonic */
};

/* Checks the whole body, then offers all of its records. *records: their number. */
enum gw_code log_http_take(struct log_http *, const struct gw_http_request *, struct http_log *,
                           uint64_t max_records, uint64_t *records, struct gw_err *) GW_MUST_CHECK;
/* What records of a request begin as: the time, and this machine's name where the sender is on it. */
struct log_input log_http_like(const struct log_http *, const struct gw_http_request *);
/* The answer to a request that was taken: static text, in JSON. */
void log_http_accept(struct log_http *, uint64_t records, const char *body, struct gw_http_reply *);
/* The answer to a request that was not taken, and a line in the log. */
void log_http_refuse(struct log_http *, const struct gw_http_route *, const struct gw_http_request *,
                     struct gw_err *, struct gw_http_reply *);

gw_http_f log_http_intake, log_http_validate, log_http_streaming, log_http_write, log_http_metrics,
    log_http_ping;

#endif
