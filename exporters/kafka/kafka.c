/* The exporter that sends OTLP to Kafka, in records as the OpenTelemetry Collector's Kafka components write and read
 * them.
 *
 *   send ─▶ records (kafka_records.h) ─▶ librdkafka's queue ─▶ brokers
 *                                                                │ acknowledgement of each record
 *   done ◀─ verdict (kafka_outcome.h), what is left ◀─ wait ◀────┘
 *
 * A request ends when every record of it is acknowledged or has failed. Acknowledged records are delivered,
 * even if others failed. The library retries a record until `timeout`; after that the sender does.
 *
 * The first request starts the client, on the sender's thread. The client is replaced when the library
 * reports a fatal error. An eventfd wakes the thread, for the library and for all other callers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/base/budget.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/config/config_diagnostic.h"
#include "core/kafka/kafka_client.h"
#include "exporters/kafka/kafka_outcome.h"
#include "core/kafka/kafka_topic.h"

#define OPTS(X)                                                                                              \
    X(str, topic_traces, "topics.traces", "otlp_spans", "", "",                                              \
      "Topic of traces; empty: they are not sent.")                                                          \
    X(str, topic_logs, "topics.logs", "otlp_logs", "", "", "Topic of logs; empty: they are not sent.")       \
    X(str, topic_metrics, "topics.metrics", "otlp_metrics", "", "",                                          \
      "Topic of metrics; empty: they are not sent.")                                                         \
    X(choice, encoding, "encoding", "otlp_proto", "otlp_proto|otlp_json", "",                                \
      "Format of a record's value: an Export…ServiceRequest as protobuf, or as OTLP/JSON.")                  \
    X(choice, partition_by, "partition_by", "none", "none|trace_id", "",                                     \
      "trace_id: one record per trace, for spans and for log records, with the trace id as key, so that a "  \
      "trace stays in one partition. none: records with many traces, without a key, spread evenly.")         \
    X(choice, partitioner, "partitioner", "fnv1a", "fnv1a|murmur2", "",                                      \
      "How a key selects its partition: fnv1a, like Sarama and the Collector's exporter, or murmur2, like "  \
      "Java's client.")                                                                                      \
    X(choice, compression, "compression", "lz4", "none|gzip|snappy|lz4|zstd", "",                            \
      "Compression of records, on the wire and in the brokers. zstd is the smallest and requires Kafka 2.1 " \
      "or later.")                                                                                           \
    X(choice, acks, "acks", "all", "all|1", "",                                                              \
      "Which replicas must have a record before it counts as delivered: all that are in sync, or only the "  \
      "partition's leader; if that leader is lost, so is the record.")                                       \
    X(flag, idempotence, "idempotence", "true", "", "",                                                      \
      "Records that the library sends again after a broken connection are in the topic only once.")          \
    X(size, max_message, "max_message", "1MB", "1KiB", "512MiB",                                             \
      "Longest value of a record, before compression; larger requests are split. It must not exceed "        \
      "max.message.bytes of the topic.")

#define GW_CONF struct conf
KAFKA_CLIENT_CONF(OPTS);

enum { ENVELOPE = 1024 /* size of a record without its value, at most */, SETTINGS = 20, NUMBER = 24 };
enum { RECORD_COST = 512 /* memory that the library needs for a record besides its value, about */ };
/* An open client: threads, buffers, tables of brokers and partitions. */
enum { CLIENT_COST = 1024 * 1024 };

/* The words of partition_by and encoding. */
enum { BY_NONE, BY_TRACE };
enum { PROTO, JSON };

static const char *const compressions[] = {"none", "gzip", "snappy", "lz4", "zstd"};

struct request {
    struct request *next, **link;
    struct ctx *ctx;
    struct kafka_records records;
    size_t open; /* records at the library */
    struct kafka_verdict verdict;
    size_t charged;
    gw_done_f *done;
    void *cookie;
};

struct ctx {
    struct conf conf;
    /* const after open */
    bool opened;
    char component[80];
    struct kafka_records_conf cut;
    struct gw_budget *budget;
    int wakeup_fd; /* eventfd */
    /* the sender's thread */
    struct kafka_client client;
    rd_kafka_topic_t *topics[GW_SIGNALS]; /* of the client's handle */
    struct request *open;
    bool delivered; /* since wait began */
    /* any thread reads */
    struct {
        atomic_uint_least64_t records, bytes, restarts;
    } counts;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

static const struct gw_metric metrics[] = {
    GW_COUNTER_AT(struct ctx, counts.records, "kafka_records_total", "Records that brokers acknowledged."),
    GW_COUNTER_AT(struct ctx, counts.bytes, "kafka_value_bytes_total",
                  "Bytes of their values, before compression."),
    GW_COUNTER_AT(struct ctx, counts.restarts, "kafka_clients_total",
                  "Clients that were replaced because they could not go on."),
    GW_METRICS_END};

static gw_str topic_of(const struct ctx *c, enum gw_signal signal)
{
    const gw_str names[GW_SIGNALS] = {[GW_TRACES] = c->conf.topic_traces,
                                      [GW_LOGS] = c->conf.topic_logs,
                                      [GW_METRICS] = c->conf.topic_metrics};
    return names[signal];
}

/* --- acknowledgements --- */

static void finish(struct request *q);

static void settle(struct request *q, struct kafka_record *record, rd_kafka_resp_err_t error)
{
    struct ctx *c = q->ctx;
    record->failed = error != RD_KAFKA_RESP_ERR_NO_ERROR;
    if (record->failed) {
        kafka_verdict_add(&q->verdict, error, &c->client.trouble);
        return;
    }
    kafka_client_works(&c->client);
    atomic_fetch_add_explicit(&c->counts.records, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->counts.bytes, record->len, memory_order_relaxed);
}

static void on_report(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque)
{
    struct kafka_record *record = message->_private;
    struct request *q = record->owner;
    (void)handle;
    (void)opaque;
    settle(q, record, message->err);
    if (--q->open == 0)
        finish(q);
}

/* A broker's answer contains no address of its own, so the first configured one is added: it identifies the
 * cluster. */
static void add_address(const struct ctx *c, struct kafka_verdict *v)
{
    gw_str broker = kafka_client_address(&c->client);
    if (!*v->detail)
        snprintf(v->detail, sizeof v->detail, "%.*s", GW_FMT(broker));
}

/* Every record has its fate. */
static void finish(struct request *q)
{
    struct ctx *c = q->ctx;
    const struct gw_batch *batch = q->records.batch;
    struct gw_outcome outcome = {.verdict = GW_DONE};
    struct gw_frame **left = NULL;
    if (q->verdict.failed) {
        add_address(c, &q->verdict);
        kafka_verdict_outcome(&q->verdict, topic_of(c, batch->signal).ptr, c->cut.most, &outcome);
        left = q->verdict.failed < q->records.n ? calloc(batch->n, sizeof *left) : NULL;
    }
    if (left)
        kafka_records_left(&q->records, left);
    outcome.left = left;
    *q->link = q->next;
    if (q->next)
        q->next->link = q->link;
    c->delivered = true;
    gw_budget_give(c->budget, q->charged);
    q->done(q->cookie, &outcome);
    free(left);
    kafka_records_drop(&q->records);
    free(q);
}

/* --- open and close --- */

static bool check_topics(const struct ctx *c, unsigned signals, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    static const char *const options[GW_SIGNALS] = {
        [GW_TRACES] = "topics.traces", [GW_LOGS] = "topics.logs", [GW_METRICS] = "topics.metrics"};
    bool good = true;
    for (int s = 0; s < GW_SIGNALS; s++) {
        gw_str topic = topic_of(c, (enum gw_signal)s);
        const char *fault = topic.len ? kafka_topic_fault(topic) : NULL;
        if (fault)
            gw_option_error(diagnostics, path, options[s], "\"%.*s\" %s", GW_FMT(topic), fault);
        else if (!topic.len && signals & 1u << s)
            gw_option_warning(diagnostics, path, options[s],
                              "is empty: %s are not sent, and count as discarded",
                              gw_signal_name((enum gw_signal)s));
        good = good && !fault;
    }
    return good;
}

static enum gw_code open_client(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    char largest[NUMBER], held[NUMBER];
    size_t limit = c->budget ? c->budget->limit : c->conf.max_message * 64;
    snprintf(largest, sizeof largest, "%zu", (size_t)c->conf.max_message + ENVELOPE);
    snprintf(held, sizeof held, "%zu", limit / 1024 < INT32_MAX ? limit / 1024 : INT32_MAX);
    const struct kafka_setting settings[SETTINGS] = {
        {"acks", c->conf.acks == 0 || c->conf.idempotence ? "all" : "1", "is set by the option acks"},
        {"request.required.acks", NULL, "is set by the option acks"},
        {"enable.idempotence", c->conf.idempotence ? "true" : "false", "is set by the option idempotence"},
        {"compression.codec", compressions[c->conf.compression], "is set by the option compression"},
        {"compression.type", NULL, "is set by the option compression"},
        {"message.max.bytes", largest, "follows from the option max_message"},
        {"partitioner", c->conf.partitioner == 0 ? "fnv1a_random" : "murmur2_random",
         "is set by the option partitioner"},
        {"message.timeout.ms", NULL, "is set by the option timeout"},
        {"delivery.timeout.ms", NULL, "is set by the option timeout"},
        {"queue.buffering.max.kbytes", held, "follows from max_memory"},
        {"queue.buffering.max.messages", "0", "follows from max_memory"},
        {"delivery.report.only.error", "false",
         "would leave out the acknowledgements that delivery is counted by"},
        {"enable.gapless.guarantee", NULL, "would end the client with the first record that is late"},
        {"transactional.id", NULL, "would hold records back for a transaction, and there is none"},
        {"batch.size", largest, NULL},
        {"linger.ms", c->conf.partition_by == BY_TRACE ? "5" : "0", NULL},
        {"socket.nagle.disable", "true", NULL},
        {"topic.metadata.propagation.max.ms", "2000", NULL},
        {"reconnect.backoff.max.ms", "3000", NULL},
    };
    const struct kafka_client_conf conf = {.type = RD_KAFKA_PRODUCER,
                                           .options = (const struct kafka_client_options *)&c->conf,
                                           .settings = settings,
                                           .settings_n = SETTINGS - 1,
                                           .component = c->component,
                                           .owner = c,
                                           .budget = c->budget,
                                           .memory = CLIENT_COST};
    enum gw_code code = kafka_client_open(&c->client, &conf, path, diagnostics);
    if (code == GW_OK)
        rd_kafka_conf_set_dr_msg_cb(c->client.conf, on_report);
    return code;
}

static enum gw_code open_kafka(void *ctx, const struct gw_export_host *host, const char *path,
                               struct gw_diagnostics *diagnostics)
{
    struct ctx *c = ctx;
    c->wakeup_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    c->opened = c->wakeup_fd >= 0;
    c->budget = host->budget;
    c->cut = (struct kafka_records_conf){.by_trace = c->conf.partition_by == BY_TRACE,
                                         .json = c->conf.encoding == JSON,
                                         .most = c->conf.max_message,
                                         .seed = gw_random()};
    snprintf(c->component, sizeof c->component, "exporter=%.60s", host->name ? host->name : "kafka");
    if (!c->opened)
        return GW_INTERNAL;
    bool good = check_topics(c, host->signals, path, diagnostics),
         enough = !c->conf.idempotence || c->conf.acks == 0;
    if (!enough)
        gw_option_error(
            diagnostics, path, "acks",
            "\"1\" is not enough for idempotence = true: write idempotence = false, or acks = \"all\"");
    enum gw_code code = open_client(c, path, diagnostics);
    return good && enough ? code : GW_BAD_REQUEST;
}

static void drop_topics(struct ctx *c)
{
    for (int s = 0; s < GW_SIGNALS; s++) {
        if (c->topics[s])
            rd_kafka_topic_destroy(c->topics[s]);
        c->topics[s] = NULL;
    }
}

static void close_kafka(void *ctx)
{
    struct ctx *c = ctx;
    if (!c->opened)
        return;
    drop_topics(c);
    kafka_client_close(&c->client);
    close(c->wakeup_fd);
    c->opened = false;
}

/* --- the client --- */

static bool start_client(struct ctx *c, gw_nsec timeout)
{
    static const uint64_t one = 1;
    char text[NUMBER];
    snprintf(text, sizeof text, "%lld", (long long)(timeout / GW_MSEC));
    if (!kafka_client_start(&c->client, &(struct kafka_setting){"message.timeout.ms", text, NULL}, 1))
        return false;
    rd_kafka_queue_t *queue = rd_kafka_queue_get_main(c->client.handle);
    rd_kafka_queue_io_event_enable(queue, c->wakeup_fd, &one, sizeof one);
    rd_kafka_queue_destroy(queue);
    for (int s = 0; s < GW_SIGNALS; s++) {
        gw_str topic = topic_of(c, (enum gw_signal)s);
        c->topics[s] = topic.len ? rd_kafka_topic_new(c->client.handle, topic.ptr, NULL) : NULL;
    }
    return true;
}

/* Stops a client that failed for good, after its last request has ended. */
static void restart_client(struct ctx *c)
{
    gw_log(GW_WARNING, c->component, "the Kafka client cannot go on and is replaced: %s",
           c->client.trouble.text);
    drop_topics(c);
    kafka_client_stop(&c->client);
    atomic_fetch_add_explicit(&c->counts.restarts, 1, memory_order_relaxed);
}

/* Returns false if there is no client now; the reason is the client's error. */
static bool has_client(struct ctx *c, gw_nsec timeout)
{
    if (c->client.handle && c->client.trouble.over && !c->open)
        restart_client(c);
    return c->client.handle ? !c->client.trouble.over : start_client(c, timeout);
}

/* --- send --- */

static void fail(gw_done_f *done, void *cookie, enum gw_verdict verdict, const char *text)
{
    struct gw_outcome o = {.verdict = verdict};
    snprintf(o.text, sizeof o.text, "%s", text);
    done(cookie, &o);
}

static rd_kafka_resp_err_t produce(const struct ctx *c, enum gw_signal signal, struct kafka_record *record)
{
    const char *name = gw_signal_name(signal);
    return rd_kafka_producev(
        c->client.handle, RD_KAFKA_V_RKT(c->topics[signal]),
        RD_KAFKA_V_KEY(record->has_key ? record->key : NULL, record->has_key ? sizeof record->key : 0),
        RD_KAFKA_V_VALUE((void *)record->value, record->len),
        RD_KAFKA_V_HEADER("otelcol.signal", name, strlen(name)), RD_KAFKA_V_OPAQUE(record), RD_KAFKA_V_END);
}

static void charge(struct request *q, size_t bytes)
{
    gw_budget_force(q->ctx->budget, bytes);
    q->charged += bytes;
}

/* One is open for this function, so that the request lasts until its last record was tried. */
static void produce_all(struct ctx *c, struct request *q)
{
    enum gw_signal signal = q->records.batch->signal;
    q->open = 1;
    for (size_t i = 0; i < q->records.n; i++) {
        struct kafka_record *record = &q->records.all[i];
        record->owner = q;
        if (record->too_large) {
            settle(q, record, RD_KAFKA_RESP_ERR__BAD_MSG);
            continue;
        }
        charge(q, RECORD_COST + (record->buffer ? record->len : 0) + (c->conf.compression ? record->len : 0));
        rd_kafka_resp_err_t error = produce(c, signal, record);
        if (error)
            settle(q, record, error);
        else
            q->open++;
    }
    if (--q->open == 0)
        finish(q);
}

static void send_kafka(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                       void *cookie)
{
    struct ctx *c = ctx;
    if (!topic_of(c, batch->signal).len) {
        fail(done, cookie, GW_DISCARDED, "");
        return;
    }
    if (!has_client(c, timeout)) {
        fail(done, cookie, GW_RETRY, c->client.trouble.text);
        return;
    }
    struct request *q = calloc(1, sizeof *q);
    enum kafka_made made = q ? kafka_records_make(&q->records, &c->cut, batch) : KAFKA_NO_MEMORY;
    if (made != KAFKA_MADE) {
        free(q);
        fail(done, cookie, made == KAFKA_NO_MEMORY ? GW_RETRY : GW_REFUSED,
             made == KAFKA_NO_MEMORY ? "no memory for a request" : "its items cannot be told apart");
        return;
    }
    q->ctx = c;
    q->done = done;
    q->cookie = cookie;
    q->next = c->open;
    q->link = &c->open;
    if (q->next)
        q->next->link = &q->next;
    c->open = q;
    produce_all(c, q);
}

/* --- wait --- */

static void serve(struct ctx *c)
{
    if (!c->client.handle)
        return;
    while (rd_kafka_poll(c->client.handle, 0) > 0)
        ;
    if (c->client.trouble.over && c->open) /* nothing of it will be acknowledged any more */
        rd_kafka_purge(c->client.handle,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

static void wait_kafka(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    uint64_t rung;
    c->delivered = false;
    serve(c);
    if (c->delivered)
        return;
    gw_nsec now = gw_now(), left = until > now ? until - now : 0;
    int pause = until == GW_NEVER || left > 60 * GW_SEC ? 60000 : (int)((left + GW_MSEC - 1) / GW_MSEC);
    poll(&(struct pollfd){.fd = c->wakeup_fd, .events = POLLIN}, 1, pause);
    if (read(c->wakeup_fd, &rung, sizeof rung) == sizeof rung)
        serve(c);
}

static void wake_kafka(void *ctx)
{
    struct ctx *c = ctx;
    uint64_t one = 1;
    while (write(c->wakeup_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void cancel_kafka(void *ctx)
{
    struct ctx *c = ctx;
    if (c->client.handle)
        rd_kafka_purge(c->client.handle,
                       RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

static void describe_kafka(void *ctx, FILE *to)
{
    static const char *const encodings[] = {[PROTO] = "otlp_proto", [JSON] = "otlp_json"};
    const struct ctx *c = ctx;
    kafka_client_describe(&c->client, to);
    for (int s = 0; s < GW_SIGNALS; s++) {
        gw_str topic = topic_of(c, (enum gw_signal)s);
        if (topic.len)
            fprintf(to, ", %s to topic %.*s", gw_signal_name((enum gw_signal)s), GW_FMT(topic));
    }
    fprintf(to, ", %s, compression %s%s", encodings[c->conf.encoding], compressions[c->conf.compression],
            c->conf.partition_by == BY_TRACE ? ", a record for each trace" : "");
}

const struct gw_exporter gw_exporter_kafka = {
    .name = "kafka",
    .summary = "Sends OTLP to topics of Kafka, in records as the OpenTelemetry Collector's Kafka components "
               "have them.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS,
    .opts = opts,
    .wants = (const char *const[]){"brokers", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .library_threads = 6, /* librdkafka's: one, and one for each broker */
    .remote = true,
    .open = open_kafka,
    .close = close_kafka,
    .send = send_kafka,
    .wait = wait_kafka,
    .cancel = cancel_kafka,
    .wake = wake_kafka,
    .describe = describe_kafka,
    .metrics = metrics,
};
