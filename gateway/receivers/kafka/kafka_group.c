/* kafka_group.c: the duties of a member of a consumer group. Partitions are assigned and revoked, one by one
 * (cooperative) or all at once; offsets are committed when they are safe. Owns only the queue of the commits'
 * answers. Called by the consumer's thread, partly by librdkafka on it.
 *
 *     taken away   offered what is read ─▶ wait for ack callbacks, at most `handover` ─▶ commit ─▶ give up
 *     lost         somebody else has it already: nothing is committed
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "gateway/receivers/kafka/kafka_group.h"
#include "gateway/receivers/kafka/kafka_batch.h"

enum { WORDS = 512, ASK_MS = 1000, POLL_MS = 50 };
static const gw_nsec COMMIT_GRACE_PERIOD = 3 * GW_SEC, LEAVE_GRACE_PERIOD = 3 * GW_SEC;

/* --- commits --- */

static void log_failed(struct kafka *k, rd_kafka_resp_err_t code)
{
    char words[WORDS];
    const struct kafka_cause *cause = kafka_explain(code, NULL, NULL, words, sizeof words);
    kafka_count(&k->counts.failed_commits, 1);
    gw_log(GW_WARNING, KAFKA_COMPONENT, "offsets cannot be committed; ddgate tries again: %s%s%s", words,
           cause->remedy ? ": " : "", cause->remedy ? cause->remedy : "");
}

static void see_committed(struct kafka *k, rd_kafka_event_t *event)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_event_topic_partition_list(event);
    rd_kafka_resp_err_t code = rd_kafka_event_error(event);
    k->committing = false;
    for (int i = 0; list && i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        struct kafka_partition *p = kafka_offsets_find(k->offsets, one->topic, one->partition);
        code = code ? code : one->err;
        if (!rd_kafka_event_error(event) && !one->err && p)
            p->committed = one->offset;
    }
    if (code && code != RD_KAFKA_RESP_ERR__NO_OFFSET)
        log_failed(k, code);
    else
        kafka_count(&k->counts.commits, 1);
}

static void await_answer(struct kafka *k, gw_nsec until)
{
    do {
        gw_nsec left = until - gw_now();
        rd_kafka_event_t *event = rd_kafka_queue_poll(k->commits, left > 0 ? (int)(left / GW_MSEC) + 1 : 0);
        if (event && rd_kafka_event_type(event) == RD_KAFKA_EVENT_OFFSET_COMMIT)
            see_committed(k, event);
        if (event)
            rd_kafka_event_destroy(event);
    } while (k->committing && gw_now() < until);
}

/* All that is safe; `of` NULL: of every partition. */
static rd_kafka_topic_partition_list_t *all_due(struct kafka *k, const rd_kafka_topic_partition_list_t *of)
{
    rd_kafka_topic_partition_list_t *list = NULL;
    for (struct kafka_partition *p = kafka_offsets_first(k->offsets); p; p = p->next) {
        int64_t due = kafka_offsets_due(k->offsets, p);
        if (due < 0 || (of && !rd_kafka_topic_partition_list_find(
                                  (rd_kafka_topic_partition_list_t *)(uintptr_t)of, p->topic, p->number)))
            continue;
        if (!list)
            list = rd_kafka_topic_partition_list_new(4);
        rd_kafka_topic_partition_list_add(list, p->topic, p->number)->offset = due;
    }
    return list;
}

/* With a disk queue "safe" may only mean written: before the broker forgets the records for us, they are on the disk. */
static void commit(struct kafka *k, const rd_kafka_topic_partition_list_t *of)
{
    rd_kafka_topic_partition_list_t *list = all_due(k, of);
    if (list && gw_fanout_sync(k->host->fanout)) {
        rd_kafka_resp_err_t code = rd_kafka_commit_queue(k->client.handle, list, k->commits, NULL, NULL);
        k->committing = !code;
        if (code)
            log_failed(k, code);
    }
    if (list)
        rd_kafka_topic_partition_list_destroy(list);
}

/* And waits for the answer. One that is under way is waited for first. */
static void commit_now(struct kafka *k, const rd_kafka_topic_partition_list_t *of)
{
    gw_nsec until = gw_now() + COMMIT_GRACE_PERIOD;
    if (k->committing)
        await_answer(k, until);
    commit(k, of);
    if (k->committing)
        await_answer(k, until);
}

/* --- pauses --- */

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_partition *p)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, p->topic, p->number);
    return list;
}

static rd_kafka_topic_partition_list_t *list_all(struct kafka *k)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(16);
    for (const struct kafka_partition *p = kafka_offsets_first(k->offsets); p; p = p->next)
        rd_kafka_topic_partition_list_add(list, p->topic, p->number);
    return list;
}

static void show_paused(struct kafka *k)
{
    uint64_t n = 0, all = 0;
    for (const struct kafka_partition *p = kafka_offsets_first(k->offsets); p; p = p->next, all++)
        n += k->paused || p->held;
    atomic_store_explicit(&k->counts.paused, n, memory_order_relaxed);
    atomic_store_explicit(&k->counts.partitions, all, memory_order_relaxed);
}

void kafka_group_pause(struct kafka *k)
{
    rd_kafka_topic_partition_list_t *all = list_all(k);
    k->paused = true;
    rd_kafka_pause_partitions(k->client.handle, all);
    rd_kafka_topic_partition_list_destroy(all);
    show_paused(k);
}

void kafka_group_resume(struct kafka *k)
{
    rd_kafka_topic_partition_list_t *some = rd_kafka_topic_partition_list_new(16);
    for (const struct kafka_partition *p = kafka_offsets_first(k->offsets); p; p = p->next)
        if (!p->held)
            rd_kafka_topic_partition_list_add(some, p->topic, p->number);
    k->paused = false;
    rd_kafka_resume_partitions(k->client.handle, some);
    rd_kafka_topic_partition_list_destroy(some);
    show_paused(k);
}

void kafka_group_hold(struct kafka *k, struct kafka_partition *p)
{
    int64_t unsafe = kafka_offsets_unsafe(k->offsets, p);
    bool hold = p->held ? unsafe > k->conf.max_uncommitted / 2 : unsafe >= k->conf.max_uncommitted;
    if (hold == p->held)
        return;
    rd_kafka_topic_partition_list_t *one = list_of(p);
    p->held = hold;
    if (hold)
        rd_kafka_pause_partitions(k->client.handle, one);
    else if (!k->paused)
        rd_kafka_resume_partitions(k->client.handle, one);
    rd_kafka_topic_partition_list_destroy(one);
    show_paused(k);
}

/* --- partitions come --- */

static void add_partitions(struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        struct kafka_partition *p = kafka_offsets_add(k->offsets, one->topic, one->partition);
        if (p)
            p->signal = kafka_topic_signal(&k->topics, one->topic);
        else
            gw_log(GW_ERROR, KAFKA_COMPONENT, "no memory: the offsets of %s/%d cannot be committed",
                   one->topic, one->partition);
    }
}

/* So that the lag is known before the first record comes; without an answer it is known then. */
static void ask_where(struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_topic_partition_list_t *asked = rd_kafka_topic_partition_list_copy(list);
    if (rd_kafka_committed(k->client.handle, asked, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
        for (int i = 0; i < asked->cnt; i++) {
            const rd_kafka_topic_partition_t *one = &asked->elems[i];
            struct kafka_partition *p = kafka_offsets_find(k->offsets, one->topic, one->partition);
            if (p && one->offset >= 0)
                kafka_offsets_begin(k->offsets, p, one->offset);
        }
    rd_kafka_topic_partition_list_destroy(asked);
}

static bool is_cooperative(rd_kafka_t *handle)
{
    const char *protocol = rd_kafka_rebalance_protocol(handle);
    return protocol && strcmp(protocol, "COOPERATIVE") == 0;
}

static void assigned(struct kafka *k, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_t *handle = k->client.handle;
    rd_kafka_error_t *error = NULL;
    add_partitions(k, list);
    if (is_cooperative(handle))
        error = rd_kafka_incremental_assign(handle, list);
    else
        rd_kafka_assign(handle, list);
    if (error) {
        gw_log(GW_ERROR, KAFKA_COMPONENT, "partitions cannot be assigned: %s", rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
    if (k->paused)
        rd_kafka_pause_partitions(handle, list);
    ask_where(k, list);
    show_paused(k);
    gw_log(GW_INFO, KAFKA_COMPONENT, "%d partitions are assigned, %llu are read now", list->cnt,
           (unsigned long long)atomic_load(&k->counts.partitions));
}

/* --- and go --- */

static void remove_partitions(struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_partition *p =
            kafka_offsets_find(k->offsets, list->elems[i].topic, list->elems[i].partition);
        if (p)
            kafka_offsets_remove(k->offsets, p);
    }
}

/* Returns false if exporters still hold some of their records; the next owner of the partition reads these
 * again. */
static bool await_acks(struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    struct kafka_partition **these = calloc((size_t)list->cnt + 1, sizeof *these);
    size_t n = 0;
    if (!these)
        return false;
    for (int i = 0; i < list->cnt; i++) {
        struct kafka_partition *p =
            kafka_offsets_find(k->offsets, list->elems[i].topic, list->elems[i].partition);
        if (p)
            these[n++] = p;
    }
    bool all = kafka_offsets_wait(k->offsets, these, n, gw_now() + k->conf.handover);
    free(these);
    return all;
}

static void hand_over(struct kafka *k, const rd_kafka_topic_partition_list_t *list)
{
    bool offered = atomic_load(&k->stopping) || kafka_batch_offer(k, false);
    bool all = offered && await_acks(k, list);
    commit_now(k, list);
    if (!all)
        gw_log(GW_INFO, KAFKA_COMPONENT,
               "partitions are given up with undelivered records: the next consumer reads these again");
}

static void revoked(struct kafka *k, rd_kafka_topic_partition_list_t *list)
{
    rd_kafka_t *handle = k->client.handle;
    bool lost = rd_kafka_assignment_lost(handle);
    rd_kafka_error_t *error = NULL;
    if (!lost)
        hand_over(k, list);
    kafka_count(&k->counts.lost, lost ? (uint64_t)list->cnt : 0);
    remove_partitions(k, list);
    if (is_cooperative(handle))
        error = rd_kafka_incremental_unassign(handle, list);
    else
        rd_kafka_assign(handle, NULL);
    if (error)
        rd_kafka_error_destroy(error);
    show_paused(k);
    gw_log(lost ? GW_WARNING : GW_INFO, KAFKA_COMPONENT, "%d partitions are %s, %llu are read now", list->cnt,
           lost ? "lost (deleted, or given to another member): what was not committed is read again"
                : "given up",
           (unsigned long long)atomic_load(&k->counts.partitions));
}

static void on_rebalance(rd_kafka_t *handle, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list,
                         void *opaque)
{
    struct kafka *k = ((struct kafka_client *)opaque)->as.owner;
    kafka_count(&k->counts.rebalances, 1);
    if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        assigned(k, list);
    else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS)
        revoked(k, list);
    else
        rd_kafka_assign(handle, NULL);
}

/* --- from the start to the end --- */

void kafka_group_open(struct kafka *k)
{
    rd_kafka_conf_set_rebalance_cb(k->client.conf, on_rebalance);
}

bool kafka_group_join(struct kafka *k)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(4);
    char words[WORDS];
    for (int s = 0; s < GW_SIGNALS; s++)
        for (size_t i = 0; k->topics.of[s] && i < k->topics.of[s]->n; i++)
            rd_kafka_topic_partition_list_add(topics, k->topics.of[s]->items[i].ptr, RD_KAFKA_PARTITION_UA);
    rd_kafka_poll_set_consumer(k->client.handle);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(k->client.handle, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    k->commits = rd_kafka_queue_new(k->client.handle);
    k->committing = k->paused = false;
    if (!code)
        return true;
    kafka_explain(code, "the topics", NULL, words, sizeof words);
    gw_log(GW_ERROR, KAFKA_COMPONENT, "%s", words);
    return false;
}

/* An exporter gave records up while the process lives: they are read again. */
static void read_again(struct kafka *k, struct kafka_partition *p)
{
    int64_t from;
    if (!kafka_offsets_rewind(k->offsets, p, &from))
        return;
    rd_kafka_topic_partition_list_t *one = list_of(p);
    one->elems[0].offset = from;
    rd_kafka_error_t *error = rd_kafka_seek_partitions(k->client.handle, one, 5000);
    gw_log(GW_WARNING, KAFKA_COMPONENT,
           "%s/%d is read again from offset %lld: an exporter gave its records up%s%s", p->topic, p->number,
           (long long)from, error ? ": " : "", error ? rd_kafka_error_string(error) : "");
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_topic_partition_list_destroy(one);
}

/* Uses the broker's last answer; sends no request. */
static void look_at_end(struct kafka *k, struct kafka_partition *p)
{
    int64_t low, high;
    if (rd_kafka_get_watermark_offsets(k->client.handle, p->topic, p->number, &low, &high) == 0 && high >= 0)
        kafka_offsets_set_end(k->offsets, p, high);
}

void kafka_group_tick(struct kafka *k, gw_nsec now)
{
    if (now < k->commit_at)
        return;
    k->commit_at = now + k->conf.commit_interval;
    await_answer(k, now);
    for (struct kafka_partition *p = kafka_offsets_first(k->offsets); p; p = p->next) {
        look_at_end(k, p);
        kafka_group_hold(k, p);
        if (!atomic_load(&k->stopping))
            read_again(k, p);
    }
    if (!k->committing)
        commit(k, NULL);
}

/* Takes the partitions away, see revoked. A broker that is connected and does not answer is not waited for. */
static void close_consumer(struct kafka *k)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(k->client.handle);
    rd_kafka_error_t *error = rd_kafka_consumer_close_queue(k->client.handle, queue);
    gw_nsec until = gw_now() + LEAVE_GRACE_PERIOD;
    while (!error && !rd_kafka_consumer_closed(k->client.handle) && gw_now() < until)
        if (rd_kafka_queue_poll_callback(queue, POLL_MS))
            until = gw_now() + LEAVE_GRACE_PERIOD;
    if (error)
        rd_kafka_error_destroy(error);
    rd_kafka_queue_destroy(queue);
}

void kafka_group_leave(struct kafka *k)
{
    close_consumer(k);
    while (kafka_offsets_first(k->offsets)) /* of a handle that could take nothing away any more */
        kafka_offsets_remove(k->offsets, kafka_offsets_first(k->offsets));
    rd_kafka_queue_destroy(k->commits);
    k->commits = NULL;
}
