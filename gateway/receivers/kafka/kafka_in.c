/* kafka_in.c: the kafka receiver for the pipeline: its options and metrics, what it opens, its thread. Owns
 * the receiver's context. Called by the pipeline, on the main thread; metrics on the admin thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <regex.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/config/config_diagnostic.h"
#include "core/kafka/kafka_topic.h"
#include "gateway/receivers/kafka/kafka_batch.h"
#include "gateway/receivers/kafka/kafka_consumer.h"
#include "gateway/receivers/kafka/kafka_group.h"

#define GW_CONF struct kafka_conf
static const struct gw_opt opts[] = {KAFKA_OPTS(GW_ROW) GW_OPT_END};
_Static_assert(offsetof(struct kafka_conf, properties) == offsetof(struct kafka_client_options, properties),
               "kafka_conf begins with the client's options");

enum {
    SHOWN = 1000 /* partitions in metrics */,
    MOST_FETCHED = 50 * 1024 * 1024 /* in an answer, as by default */
};

/* --- open --- */

static void check_pattern(const char *path, const char *option, gw_str topic,
                          struct gw_diagnostics *diagnostics)
{
    char why[160];
    regex_t re;
    int code = regcomp(&re, topic.ptr, REG_EXTENDED | REG_NOSUB);
    if (code == 0) {
        regfree(&re);
        return;
    }
    regerror(code, &re, why, sizeof why);
    gw_option_error(diagnostics, path, option, "%.*s is not a regular expression: %s", GW_FMT(topic), why);
}

static void check_topics(const char *path, const char *option, const struct gw_list *list,
                         struct gw_diagnostics *diagnostics)
{
    for (size_t i = 0; i < list->n; i++) {
        gw_str topic = list->items[i];
        bool is_pattern = gw_str_starts(topic, GW_STR("^"));
        const char *fault = is_pattern ? NULL : kafka_topic_fault(topic);
        if (is_pattern)
            check_pattern(path, option, topic, diagnostics);
        if (fault)
            gw_option_error(diagnostics, path, option, "\"%.*s\": %s", GW_FMT(topic), fault);
    }
}

static void open_topics(struct kafka *k, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct kafka_conf *c = &k->conf;
    k->topics = (struct kafka_topics){
        .of = {[GW_TRACES] = &c->traces, [GW_LOGS] = &c->logs, [GW_METRICS] = &c->metrics}};
    check_topics(path, "topics.traces", &c->traces, diagnostics);
    check_topics(path, "topics.logs", &c->logs, diagnostics);
    check_topics(path, "topics.metrics", &c->metrics, diagnostics);
    if (c->traces.n + c->logs.n + c->metrics.n == 0)
        gw_option_error(diagnostics, path, "topics", "there is no topic to read");
    if (!c->group.len)
        gw_option_error(diagnostics, path, "group", "a consumer group needs a name");
}

/* Settings on which guarantees depend and those of options are fixed; properties may change the others. */
static enum gw_code open_client(struct kafka *k, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct kafka_conf *c = &k->conf;
    snprintf(k->fetch_kbytes, sizeof k->fetch_kbytes, "%llu", (unsigned long long)c->buffer / 1024);
    uint64_t fetch = c->buffer < MOST_FETCHED ? c->buffer : MOST_FETCHED;
    snprintf(k->fetch_bytes, sizeof k->fetch_bytes, "%llu", (unsigned long long)fetch);
    const struct kafka_setting settings[] = {
        {"group.id", c->group.ptr, "is what the option group says"},
        {"auto.offset.reset", c->start ? "latest" : "earliest", "is what the option start says"},
        {"enable.auto.commit", "false", "has to be false: offsets are committed after delivery"},
        {"enable.auto.offset.store", "false", "has to be false: offsets are committed after delivery"},
        {"queued.max.messages.kbytes", k->fetch_kbytes, "is what the option buffer says"},
        {"fetch.max.bytes", k->fetch_bytes, "is what the option buffer says"},
        {"enable.partition.eof", "false", "has to be false"},
        {"partition.assignment.strategy", "cooperative-sticky", NULL},
        {"check.crcs", "true", NULL},
        {"topic.metadata.refresh.interval.ms", "30000", NULL},
    };
    const struct kafka_client_conf as = {.type = RD_KAFKA_CONSUMER,
                                         .options = (const struct kafka_client_options *)c,
                                         .settings = settings,
                                         .settings_n = sizeof settings / sizeof *settings,
                                         .component = KAFKA_COMPONENT,
                                         .owner = k,
                                         .reports = true,
                                         .budget = k->host->budget,
                                         .memory = 2 * c->buffer};
    enum gw_code code = kafka_client_open(&k->client, &as, path, diagnostics);
    if (!code)
        kafka_group_open(k);
    return code;
}

static void check_memory(struct kafka *k, const char *path, struct gw_diagnostics *diagnostics)
{
    if (2 * k->conf.buffer > k->host->budget->limit / 2)
        gw_option_error(
            diagnostics, path, "buffer",
            "librdkafka would take more than half of max_memory (%zu bytes): lower it, or raise max_memory",
            k->host->budget->limit);
}

static enum gw_code open_(void *ctx, const struct gw_host *host, const char *path,
                          struct gw_diagnostics *diagnostics)
{
    struct kafka *k = ctx;
    const struct kafka_conf *c = &k->conf;
    const struct otlp_intake_conf intake = {OTLP_INTAKE_OPTS(GW_OPT_COPY)};
    k->host = host;
    otlp_intake_open(&k->intake, host, KAFKA_COMPONENT, &intake, path, diagnostics);
    open_topics(k, path, diagnostics);
    check_memory(k, path, diagnostics);
    gw_dead_letter_file_check(c->dead_letter_directory, path, diagnostics);
    gw_dead_letter_file_init(&k->dead_letter, c->dead_letter_directory, c->dead_letter_max_size, "kafka",
                             KAFKA_COMPONENT);
    gw_wakeup_init(&k->wake);
    gw_wakeup_init(&k->quiet);
    k->offsets = kafka_offsets_new();
    enum gw_code code = open_client(k, path, diagnostics);
    return code ? code : k->offsets ? GW_OK : GW_BUSY;
}

/* --- run --- */

static void start(void *ctx)
{
    struct kafka *k = ctx;
    struct gw_err err;
    kafka_batch_init(k);
    k->running = gw_thread_start(
        &k->thread, &(struct gw_thread){"recv/kafka", KAFKA_COMPONENT, kafka_consumer_run, k}, &err);
    if (!k->running)
        gw_log(GW_ERROR, KAFKA_COMPONENT, "cannot read from Kafka: %s", err.what);
}

/* The thread lives on: what senders deliver from now on is committed too. */
static void stop(void *ctx)
{
    struct kafka *k = ctx;
    if (!k->running)
        return;
    atomic_store(&k->stopping, true);
    gw_wakeup_signal(&k->wake);
    gw_wakeup_wait(&k->quiet, GW_NEVER);
}

/* By now the senders have delivered what they could, except at a reload. */
static void end_thread(struct kafka *k)
{
    if (!k->running)
        return;
    atomic_store(&k->stopping, true);
    atomic_store(&k->closing, true);
    gw_wakeup_signal(&k->wake);
    pthread_join(k->thread, NULL);
    k->running = false;
}

static void close_(void *ctx)
{
    struct kafka *k = ctx;
    if (!k->host)
        return;
    bool started = k->running;
    end_thread(k);
    if (started)
        kafka_batch_fini(k);
    kafka_client_close(&k->client);
    kafka_offsets_drop(k->offsets);
    gw_dead_letter_file_close(&k->dead_letter);
    otlp_intake_thread_fini(&k->intake_thread);
    otlp_intake_close(&k->intake);
    gw_wakeup_fini(&k->wake);
    gw_wakeup_fini(&k->quiet);
    k->host = NULL;
}

static void hint(void *ctx, FILE *to)
{
    const struct kafka *k = ctx;
    fputs("  records of OTLP in Kafka at ", to);
    kafka_client_describe(&k->client, to);
    fprintf(to, ", as the group %.*s\n", GW_FMT(k->conf.group));
}

/* --- metrics --- */

enum { M_LAG, M_UNSAFE, M_FIXED };

static const struct gw_metric metrics[] = {
    [M_LAG] = GW_GAUGE_ASKED("kafka_lag_records", "topic,partition",
                             "Records of the partition that are not delivered yet, as the broker said last."),
    [M_UNSAFE] = GW_GAUGE_ASKED("kafka_uncommitted_records", "topic,partition",
                                "Records of the partition that were read and are not delivered yet."),
    [M_FIXED] = GW_COUNTER_FOR(struct kafka, counts.records[GW_TRACES], "kafka_records_total", "signal",
                               "traces", "Records that were taken, whole or in part."),
    GW_COUNTER_FOR(struct kafka, counts.records[GW_LOGS], "kafka_records_total", "signal", "logs",
                   "Records that were taken, whole or in part."),
    GW_COUNTER_FOR(struct kafka, counts.records[GW_METRICS], "kafka_records_total", "signal", "metrics",
                   "Records that were taken, whole or in part."),
    GW_COUNTER_AT(struct kafka, counts.bytes, "kafka_read_bytes_total", "Bytes of the values of records."),
    GW_COUNTER_FOR(struct kafka, counts.faults[KAFKA_FAULT_UNKNOWN_SIGNAL], "kafka_faulty_records_total",
                   "reason", "unknown_signal",
                   "Records that were not used, or of which some items were not (partial)."),
    GW_COUNTER_FOR(struct kafka, counts.faults[KAFKA_FAULT_UNKNOWN_ENCODING], "kafka_faulty_records_total",
                   "reason", "unknown_encoding",
                   "Records that were not used, or of which some items were not (partial)."),
    GW_COUNTER_FOR(struct kafka, counts.faults[KAFKA_FAULT_MALFORMED], "kafka_faulty_records_total", "reason",
                   "malformed", "Records that were not used, or of which some items were not (partial)."),
    GW_COUNTER_FOR(struct kafka, counts.faults[KAFKA_FAULT_TOO_LARGE], "kafka_faulty_records_total", "reason",
                   "too_large", "Records that were not used, or of which some items were not (partial)."),
    GW_COUNTER_FOR(struct kafka, counts.faults[KAFKA_FAULT_PARTIAL], "kafka_faulty_records_total", "reason",
                   "partial", "Records that were not used, or of which some items were not (partial)."),
    GW_COUNTER_AT(struct kafka, counts.set_aside, "kafka_set_aside_records_total",
                  "Records that stand in the file of dead_letter.directory."),
    GW_COUNTER_AT(struct kafka, counts.rebalances, "kafka_rebalances_total",
                  "Times that partitions came to this instance or left it."),
    GW_COUNTER_AT(
        struct kafka, counts.lost, "kafka_lost_partitions_total",
        "Partitions that were deleted, or that the group gave to others before they were handed over."),
    GW_COUNTER_AT(struct kafka, counts.commits, "kafka_commits_total", "Commits of offsets."),
    GW_COUNTER_AT(struct kafka, counts.failed_commits, "kafka_failed_commits_total",
                  "Commits that the brokers did not take; they are tried again."),
    GW_COUNTER_AT(struct kafka, counts.waits, "kafka_waits_total",
                  "Times that reading stopped because a queue was full."),
    GW_COUNTER_AT(struct kafka, intake.counts.datadog, "kafka_datadog_records_total",
                  "Records of Datadog's SDKs, which are translated as what tracers send."),
    GW_COUNTER_AT(struct kafka, intake.privacy_counts.replaced, "kafka_privacy_replaced_total",
                  "Values of spans of Datadog's SDKs that a rule of option privacy changed."),
    GW_COUNTER_AT(struct kafka, intake.privacy_counts.gave_up, "kafka_privacy_gave_up_total",
                  "Values of such spans that a rule of option privacy took too long on: they became ?."),
    GW_COUNTER_AT(struct kafka, intake.counts.credentials, "kafka_credentials_total",
                  "Credentials (sls.otel.*) that were taken out of resources."),
    GW_GAUGE_AT(struct kafka, counts.partitions, "kafka_partitions", "Partitions that this instance reads."),
    GW_GAUGE_AT(struct kafka, counts.paused, "kafka_paused_partitions",
                "Of these, paused: exporters have no room, or max_uncommitted is reached."),
    GW_METRICS_END,
};

struct sampling {
    struct gw_metrics *to;
    size_t n;
};

static void measure_partition(void *ctx, const struct kafka_partition *p)
{
    struct sampling *s = ctx;
    char number[16];
    if (p->safe < 0 || ++s->n > SHOWN)
        return;
    snprintf(number, sizeof number, "%d", p->number);
    int64_t lag = p->end > p->safe ? p->end - p->safe : 0;
    gw_metrics_add_for2(s->to, &metrics[M_LAG], (double)lag, gw_str_z(p->topic), gw_str_z(number));
    gw_metrics_add_for2(s->to, &metrics[M_UNSAFE], (double)(p->read - p->safe), gw_str_z(p->topic),
                        gw_str_z(number));
}

static void measure(void *ctx, struct gw_metrics *to)
{
    struct kafka *k = ctx;
    struct sampling s = {to, 0};
    if (k->offsets)
        kafka_offsets_each(k->offsets, measure_partition, &s);
}

const struct gw_receiver gw_receiver_kafka = {
    .name = "kafka",
    .summary =
        "Traces, logs and metrics from Kafka: OTLP in records, as the OpenTelemetry Collector writes them.",
    .library_threads = 8, /* librdkafka's: a few, and one a broker */
    .opts = opts,
    .conf_size = sizeof(struct kafka_conf),
    .ctx_size = sizeof(struct kafka),
    .open = open_,
    .start = start,
    .stop = stop,
    .close = close_,
    .hint = hint,
    .metrics = metrics,
    .measure = measure,
};
