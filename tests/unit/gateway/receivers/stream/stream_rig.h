/* stream_rig.h: a stream with real sockets, before a queue that a test empties: what was received comes out
 * as text.
 *
 *     sockets ─▶ stream (its own thread) ─▶ fan-out ─▶ queue ─▶ rig_records: "one;two ~3;three !reset;"
 *
 * A record is its body; behind it ~N: so many bytes are missing, and !WHY: its end is missing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef STREAM_RIG_H
#define STREAM_RIG_H

#include "tests/unit/translators/logs/log_show.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "core/delivery/fanout.h"
#include "core/delivery/queue.h"
#include "gateway/receivers/stream/stream_internal.h"

enum { RIG_TIMEOUT = 30 /* seconds, before a test that waits fails */ };

struct rig {
    struct log_bed bed;
    struct gw_ledger *ledger;
    struct gw_fanout *fanout;
    struct gw_queue *queue;
    struct gw_host host;
    struct stream_counts counts;
    struct stream_settings set;
    struct stream *stream;
    sem_t pushed;
    char text[4096]; /* what was received since the last look */
    size_t len, records;
};

static inline void rig_pushed(void *arg)
{
    struct rig *r = arg;
    sem_post(&r->pushed);
}

static inline bool rig_record(void *ctx, struct gw_log_sink *sink, const struct stream_record *record)
{
    struct log_attr attrs[STREAM_ATTRS];
    const struct log_input in = {.text = record->text,
                                 .observed = 1,
                                 .attrs = attrs,
                                 .attrs_n = stream_attrs(record, attrs),
                                 .cut = record->cut};
    (void)ctx;
    return gw_log_sink_add(sink, &in);
}

/* Settings may be changed between this and rig_listen. */
static inline void rig_open(struct rig *r, size_t queue_bytes)
{
    *r = (struct rig){.bed = {.options = {.parse = 1}}};
    sem_init(&r->pushed, 0, 0);
    r->bed.budget.limit = 64 << 20;
    log_bed_open(&r->bed, "tcp");
    r->ledger = gw_ledger_new();
    r->fanout = gw_fanout_new(r->ledger, &r->bed.budget);
    r->queue = gw_queue_new(queue_bytes, false, rig_pushed, r);
    unsigned exporter = gw_ledger_exporter(r->ledger, "paper", 1u << GW_LOGS);
    gw_fanout_add(r->fanout, (struct gw_route){r->queue, "paper", exporter, 1u << GW_LOGS, GW_OTEL, 0, 0});
    r->host = (struct gw_host){.fanout = r->fanout, .budget = &r->bed.budget};
    r->set = (struct stream_settings){.component = "receiver=test",
                                      .name = "test",
                                      .path = "receivers[0]",
                                      .logs = r->bed.conf,
                                      .record = rig_record,
                                      .counts = &r->counts,
                                      .max_line = 1 << 20,
                                      .connections = 100,
                                      .idle_timeout = GW_SEC * 3600};
}

static inline void rig_listen(struct rig *r, enum stream_kind kind, const char *address)
{
    if (!r->stream)
        r->stream = stream_new(&r->host, &r->set);
    assert_non_null(r->stream);
    assert_true(stream_listen(r->stream, kind, gw_str_z(address), 0700, false, "listen", r->bed.diagnostics));
}

static inline void rig_drain(struct rig *r);

static inline void rig_close(struct rig *r)
{
    struct gw_ledger_view v;
    rig_drain(r);
    stream_drop(r->stream);
    rig_drain(r);
    gw_ledger_read(r->ledger, &v);
    assert_true(gw_ledger_balanced(&v));
    gw_fanout_drop(r->fanout);
    gw_queue_drop(r->queue);
    gw_ledger_drop(r->ledger);
    assert_int_equal(atomic_load(&r->bed.budget.used), 0);
    log_bed_close(&r->bed);
    sem_destroy(&r->pushed);
}

/* --- what came out --- */

static inline void rig_dump_record(struct rig *r, const show_record *record)
{
    const ProtobufCBinaryData *body = &record->body->string_value;
    size_t room = sizeof r->text - r->len;
    r->records++;
    r->len += (size_t)snprintf(r->text + r->len, room, "%.*s", (int)body->len, (const char *)body->data);
    for (size_t i = 0; i < record->n_attributes; i++) {
        const show_attr *a = record->attributes[i];
        gw_str key = gw_str_n((const char *)a->key.data, a->key.len);
        if (gw_str_eq(key, GW_STR("log.record.truncated_bytes")))
            r->len += (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, " ~%lld",
                                       (long long)a->value->int_value);
        if (gw_str_eq(key, GW_STR("log.record.incomplete")))
            r->len +=
                (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, " !%.*s",
                                 (int)a->value->string_value.len, (const char *)a->value->string_value.data);
    }
    assert_true(r->len + 1 < sizeof r->text);
    r->len += (size_t)snprintf(r->text + r->len, sizeof r->text - r->len, ";");
}

static inline void rig_dump_frame(struct rig *r, const struct gw_frame *f)
{
    show_logs *logs = opentelemetry__proto__logs__v1__logs_data__unpack(NULL, f->len, f->data);
    assert_non_null(logs);
    for (size_t i = 0; i < logs->n_resource_logs; i++)
        for (size_t k = 0; k < logs->resource_logs[i]->n_scope_logs; k++)
            for (size_t n = 0; n < logs->resource_logs[i]->scope_logs[k]->n_log_records; n++)
                rig_dump_record(r, logs->resource_logs[i]->scope_logs[k]->log_records[n]);
    opentelemetry__proto__logs__v1__logs_data__free_unpacked(logs, NULL);
}

static const struct gw_batch_limits rig_all = {.bytes = SIZE_MAX, .items = UINT64_MAX};

static inline void rig_drain(struct rig *r)
{
    struct gw_chain out = {NULL, NULL};
    while (gw_queue_take(r->queue, GW_LOGS, &rig_all, gw_now(), true, &out)) {
        for (const struct gw_node *n = out.first; n; n = n->next)
            rig_dump_frame(r, n->frame);
        gw_queue_done(r->queue, &out);
    }
}

static inline void rig_wait(sem_t *s, const char *what)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RIG_TIMEOUT;
    while (sem_timedwait(s, &until) != 0)
        if (errno != EINTR)
            fail_msg("this did not come: %s", what);
}

/* Waits for so many records since the last call, and shows them. */
static inline const char *rig_records(struct rig *r, size_t n)
{
    static char shown[sizeof r->text];
    for (rig_drain(r); r->records < n; rig_drain(r))
        if (gw_queue_arm(r->queue, &rig_all, GW_SEC * 3600, 1u << GW_LOGS) > gw_now())
            rig_wait(&r->pushed, "a record");
    memcpy(shown, r->text, r->len);
    shown[r->len] = 0;
    r->len = r->records = 0;
    return shown;
}

/* Until a counter says so: another thread's work, which nothing announces. */
static inline void rig_until(const atomic_uint_least64_t *counter, uint64_t value)
{
    gw_nsec until = gw_now() + RIG_TIMEOUT * GW_SEC;
    while (atomic_load(counter) != value) {
        if (gw_now() > until)
            fail_msg("a counter is %llu, not %llu", (unsigned long long)atomic_load(counter),
                     (unsigned long long)value);
        sched_yield();
    }
}

/* --- senders --- */

static inline int rig_dial(const struct rig *r, size_t listener)
{
    const struct stream_listener *l = &r->stream->listeners[listener];
    bool datagrams = l->kind == STREAM_UDP || l->kind == STREAM_UNIX_DGRAM;
    int fd = socket(l->address.sa.ss_family, datagrams ? SOCK_DGRAM : SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&l->address.sa, l->address.len), 0);
    return fd;
}

static inline void rig_send(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The other side has closed it without a word. */
static inline bool rig_is_closed(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

#endif
