/* kafka_consumer.c: The receiver's thread: it reads records, offers them, and waits where there is no room. Owns the handle
 * while it runs. Started and stopped by kafka_in.c.
 *
 * Waiting: a moment by sleeping, then with all partitions paused, while the group is still answered. No wait is without
 * end: each ends with room, or with a stop.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "gateway/receivers/kafka/kafka_batch.h"
#include "gateway/receivers/kafka/kafka_consumer.h"
#include "gateway/receivers/kafka/kafka_group.h"

enum { WORDS = 512, POLL = 100 /* ms; also how soon a stop is seen */ };
static const gw_nsec FIRST_PAUSE = 2 * GW_MSEC, LONGEST_PAUSE = 500 * GW_MSEC, SLEEPS = 200 * GW_MSEC,
                     BEFORE_RESTART = 10 * GW_SEC;

static bool is_stopping(struct kafka *k)
{
    return atomic_load_explicit(&k->stopping, memory_order_relaxed);
}

/* --- records --- */

static gw_str header(const rd_kafka_headers_t *headers, const char *name)
{
    const void *value;
    size_t size;
    if (!headers || rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR ||
        !value)
        return GW_NOSTR;
    return gw_str_n(value, size);
}

static struct kafka_record record_of(const rd_kafka_message_t *m)
{
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_timestamp_type_t kind;
    if (rd_kafka_message_headers(m, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = NULL;
    return (struct kafka_record){.topic = gw_str_z(rd_kafka_topic_name(m->rkt)),
                                 .partition = m->partition,
                                 .offset = m->offset,
                                 .timestamp = rd_kafka_message_timestamp(m, &kind),
                                 .key = gw_str_n(m->key, m->key_len),
                                 .value = gw_str_n(m->payload, m->len),
                                 .signal = header(headers, "otelcol.signal"),
                                 .content_type = header(headers, "content-type")};
}

/* Of a partition or a topic; what ends the handle comes another way (struct kafka_trouble). */
static void log_error(const struct kafka *k, const rd_kafka_message_t *m)
{
    char words[WORDS], subject[WORDS];
    gw_str broker = kafka_client_address(&k->client);
    snprintf(subject, sizeof subject, "%s %s at %.*s", m->rkt ? "topic" : "group",
             m->rkt ? rd_kafka_topic_name(m->rkt) : k->conf.group.ptr, GW_FMT(broker));
    const struct kafka_cause *cause =
        kafka_explain(m->err, subject, m->rkt ? rd_kafka_message_errstr(m) : NULL, words, sizeof words);
    gw_log(GW_WARNING, KAFKA_COMPONENT, "%s%s%s", words, cause->remedy ? ": " : "",
           cause->remedy ? cause->remedy : "");
}

/* --- room --- */

/* The group is answered, and nothing is to be read. What comes all the same, of a partition that was assigned in
 * between, is kept. */
static void poll_paused(struct kafka *k, gw_nsec pause)
{
    if (k->stash) {
        gw_wakeup_wait(&k->wake, gw_now() + pause);
        return;
    }
    rd_kafka_message_t *m = rd_kafka_consumer_poll(k->client.handle, (int)(pause / GW_MSEC));
    if (m && !m->err)
        k->stash = m;
    else if (m)
        rd_kafka_message_destroy(m);
}

struct wait {
    gw_nsec since, pause;
};

/* A while; false: a stop ends the wait. */
static bool wait_a_while(struct kafka *k, struct wait *w)
{
    gw_nsec now = gw_now();
    if (is_stopping(k))
        return false;
    if (!w->since) {
        *w = (struct wait){now, FIRST_PAUSE};
        kafka_count(&k->counts.waits, 1);
    }
    if (!k->paused && now - w->since > SLEEPS) {
        kafka_group_pause(k);
        gw_log(GW_WARNING, KAFKA_COMPONENT,
               "the queues of exporters are full: partitions are paused until there is room");
    }
    if (k->paused)
        poll_paused(k, w->pause);
    else
        gw_wakeup_wait(&k->wake, now + w->pause);
    w->pause += w->pause / 8 + GW_MSEC;
    if (w->pause > LONGEST_PAUSE)
        w->pause = LONGEST_PAUSE;
    kafka_group_tick(k, gw_now());
    return !is_stopping(k);
}

static void end_wait(struct kafka *k)
{
    if (k->paused)
        kafka_group_resume(k);
}

/* Until the queues have taken all of it, or a stop ends the wait. */
static void offer(struct kafka *k)
{
    struct wait w = {0};
    while (!kafka_batch_offer(k, true))
        if (!wait_a_while(k, &w))
            return;
    end_wait(k);
}

static void take(struct kafka *k, const rd_kafka_message_t *m)
{
    struct kafka_record r = record_of(m);
    struct kafka_partition *p = kafka_offsets_find(k->offsets, rd_kafka_topic_name(m->rkt), m->partition);
    struct wait w = {0};
    r.topic_signal = p ? p->signal : kafka_topic_signal(&k->topics, r.topic.ptr);
    if (k->client.trouble.code)
        kafka_client_works(&k->client);
    while (!kafka_batch_add(k, &r, p)) {
        offer(k);
        if (!wait_a_while(k, &w))
            return; /* not touched: it is read again */
        /* the wait may have taken the partition away */
        p = kafka_offsets_find(k->offsets, rd_kafka_topic_name(m->rkt), m->partition);
    }
    end_wait(k);
    if (p)
        kafka_group_hold(k, p);
    if (kafka_batch_is_full(&k->batch))
        offer(k);
}

/* --- the thread --- */

static rd_kafka_message_t *next(struct kafka *k)
{
    rd_kafka_message_t *m = k->stash;
    k->stash = NULL;
    if (m)
        return m;
    return rd_kafka_consumer_poll(k->client.handle, kafka_batch_is_empty(&k->batch) ? POLL : 0);
}

static void read_until_stop(struct kafka *k)
{
    while (!is_stopping(k) && !k->client.trouble.over) {
        rd_kafka_message_t *m = next(k);
        if (!m)
            offer(k);
        else if (m->err)
            log_error(k, m);
        else
            take(k, m);
        if (m)
            rd_kafka_message_destroy(m);
        kafka_group_tick(k, gw_now());
    }
}

static void forget_stash(struct kafka *k)
{
    if (k->stash)
        rd_kafka_message_destroy(k->stash);
    k->stash = NULL;
}

/* Room that data which can wait does not get is there for the last. */
static void end_reading(struct kafka *k)
{
    if (!kafka_batch_offer(k, false))
        kafka_batch_discard(k);
    forget_stash(k);
}

/* Senders are still delivering: their records are committed, so that no other consumer reads them again. */
static void drain(struct kafka *k)
{
    kafka_group_pause(k);
    while (!atomic_load(&k->closing)) {
        poll_paused(k, POLL * GW_MSEC);
        forget_stash(k);
        kafka_group_tick(k, gw_now());
    }
}

static bool begin(struct kafka *k)
{
    if (kafka_client_start(&k->client, NULL, 0) && kafka_group_join(k))
        return true;
    gw_log(GW_ERROR, KAFKA_COMPONENT, "nothing can be read; ddgate tries again: %s", k->client.trouble.text);
    return false;
}

/* One handle from its start to its end. */
static void consume(struct kafka *k)
{
    if (begin(k)) {
        read_until_stop(k);
        end_reading(k);
        if (is_stopping(k)) {
            gw_wakeup_signal(&k->quiet);
            drain(k);
        }
    }
    if (k->client.handle && k->commits)
        kafka_group_leave(k);
    kafka_client_stop(&k->client);
}

void *kafka_consumer_run(void *arg)
{
    struct kafka *k = arg;
    for (;;) {
        consume(k);
        if (is_stopping(k))
            break;
        gw_wakeup_wait(&k->wake, gw_now() + BEFORE_RESTART);
    }
    gw_wakeup_signal(&k->quiet);
    return NULL;
}
