/* export_bed.h: a fan-out, a sender and a backend made of paper, under a clock that tests own.
 *
 * The backend answers what `behave` says, `latency` after the request was sent. Every frame carries a serial
 * number in its first four bytes; what the backend took is remembered by serial, so a test can say that each
 * arrived exactly once.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EXPORT_BED_H
#define EXPORT_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/base/arena.h"
#include "core/base/budget.h"
#include "core/delivery/fanout.h"
#include "core/delivery/queue.h"
#include "core/delivery/trace_ids.h"
#include "exporters/sender/sender.h"

enum { BED_FRAMES = 20000, BED_OPEN = 256 };

struct paper;
typedef struct gw_outcome behave_f(struct paper *, const struct gw_batch *, gw_nsec now);

/* The backend, and the exporter's ctx. */
struct paper {
    behave_f *behave;
    gw_nsec latency, now;
    uint32_t hangs; /* requests that begin with a smaller serial number are answered after `hang` */
    gw_nsec hang;
    struct {
        const struct gw_batch *batch;
        gw_done_f *done;
        void *cookie;
        gw_nsec due;
    } open[BED_OPEN];
    unsigned n_open, most_open, sends, cancels;
    size_t limit;  /* of a request, for too_large */
    gw_nsec up_at; /* for outage */
    gw_nsec sent_at[4096];
    size_t largest; /* request taken, in bytes */
    uint64_t taken_items;
    uint8_t taken[BED_FRAMES]; /* by serial */
};

static inline struct gw_outcome takes_all(struct paper *p, const struct gw_batch *b, gw_nsec now)
{
    return (struct gw_outcome){.verdict = GW_DONE};
}

static inline struct gw_outcome outage(struct paper *p, const struct gw_batch *b, gw_nsec now)
{
    return now < p->up_at ? (struct gw_outcome){.verdict = GW_RETRY, .text = "away"} : takes_all(p, b, now);
}

static inline struct gw_outcome too_large(struct paper *p, const struct gw_batch *b, gw_nsec now)
{
    return b->bytes > p->limit ? (struct gw_outcome){.verdict = GW_SPLIT, .text = "too large"}
                               : takes_all(p, b, now);
}

static inline uint32_t serial_of(const struct gw_frame *f)
{
    uint32_t serial;
    memcpy(&serial, f->data, sizeof serial);
    return serial;
}

static inline void paper_take(struct paper *p, const struct gw_batch *b)
{
    for (size_t i = 0; i < b->n; i++)
        if (serial_of(b->frames[i]) < BED_FRAMES)
            p->taken[serial_of(b->frames[i])]++;
    p->taken_items += b->items;
    if (b->bytes > p->largest)
        p->largest = b->bytes;
}

static inline void paper_send(void *ctx, const struct gw_batch *b, gw_nsec timeout, gw_done_f *done,
                              void *cookie)
{
    struct paper *p = ctx;
    assert_true(p->n_open < BED_OPEN);
    p->open[p->n_open].batch = b;
    p->open[p->n_open].done = done;
    p->open[p->n_open].cookie = cookie;
    p->open[p->n_open++].due = p->now + (serial_of(b->frames[0]) < p->hangs ? p->hang : p->latency);
    if (p->n_open > p->most_open)
        p->most_open = p->n_open;
    if (p->sends < 4096)
        p->sent_at[p->sends] = p->now;
    p->sends++;
}

static inline void paper_answer(struct paper *p, unsigned i, struct gw_outcome o)
{
    gw_done_f *done = p->open[i].done;
    void *cookie = p->open[i].cookie;
    if (o.verdict == GW_DONE)
        paper_take(p, p->open[i].batch);
    p->open[i] = p->open[--p->n_open];
    done(cookie, &o);
}

/* Answers what is due. */
static inline void paper_wait(void *ctx, gw_nsec until)
{
    struct paper *p = ctx;
    for (unsigned i = 0; i < p->n_open;)
        if (p->open[i].due <= p->now)
            paper_answer(p, i, p->behave(p, p->open[i].batch, p->now));
        else
            i++;
}

static inline void paper_cancel(void *ctx)
{
    struct paper *p = ctx;
    p->cancels++;
    while (p->n_open)
        paper_answer(p, 0, (struct gw_outcome){.verdict = GW_RETRY, .text = "cancelled"});
}

static inline void paper_wake(void *ctx)
{
}

static const struct gw_exporter paper_exporter = {
    .name = "paper",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS,
    .send = paper_send,
    .wait = paper_wait,
    .cancel = paper_cancel,
    .wake = paper_wake,
};

enum { BED_EXPORTERS = 2 };

struct bed {
    struct gw_arena arena;
    struct gw_budget budget;
    struct gw_ledger *ledger;
    struct gw_trace_ids *ids;
    struct gw_fanout *fanout;
    gw_nsec now;
    unsigned n;
    struct gw_sender_conf conf[BED_EXPORTERS];
    struct paper paper[BED_EXPORTERS];
    struct gw_sender *sender[BED_EXPORTERS];
    uint32_t serial; /* of the next frame */
};

static inline struct bed *bed_new(void)
{
    struct bed *b = calloc(1, sizeof *b);
    gw_arena_init(&b->arena, 1 << 20);
    b->budget.limit = 512u << 20;
    b->ledger = gw_ledger_new();
    b->ids = gw_trace_ids_new(1000, 600 * GW_SEC);
    b->fanout = gw_fanout_new(b->ledger, &b->budget);
    b->now = 1000 * GW_SEC;
    for (int i = 0; i < BED_EXPORTERS; i++) {
        assert_true(gw_opt_defaults(gw_sender_opts, &b->conf[i], &b->arena));
        b->paper[i].behave = takes_all;
        b->paper[i].latency = 10 * GW_MSEC;
    }
    return b;
}

/* After the test has set conf[b->n]. */
static inline void bed_add(struct bed *b, const char *name)
{
    unsigned i = b->n++;
    b->conf[i].name = gw_str_z(name);
    b->paper[i].now = b->now;
    b->sender[i] = gw_sender_new(&paper_exporter, &b->paper[i], &b->conf[i], b->ledger, b->ids);
    gw_fanout_add(b->fanout, gw_sender_route(b->sender[i]));
}

static inline struct bed *bed_of_one(void)
{
    struct bed *b = bed_new();
    bed_add(b, "paper");
    return b;
}

static inline struct gw_ledger_view bed_view(struct bed *b)
{
    struct gw_ledger_view v;
    gw_ledger_read(b->ledger, &v);
    assert_true(gw_ledger_balanced(&v));
    return v;
}

static inline void bed_drop(struct bed *b)
{
    bed_view(b);
    for (unsigned i = 0; i < b->n; i++)
        gw_sender_drop(b->sender[i]);
    assert_int_equal(atomic_load(&b->budget.used), 0);
    gw_fanout_drop(b->fanout);
    gw_trace_ids_drop(b->ids);
    gw_ledger_drop(b->ledger);
    gw_arena_fini(&b->arena);
    free(b);
}

/* len bytes, at least 4, that begin with the next serial number. */
static inline struct gw_frame *bed_frame(struct bed *b, enum gw_signal signal, size_t len, uint32_t items)
{
    uint8_t *data = calloc(1, len);
    memcpy(data, &b->serial, sizeof b->serial);
    b->serial++;
    struct gw_frame *f = gw_frame_new(signal, GW_OTEL, data, len, len, items);
    f->arrived = b->now;
    return f;
}

static inline enum gw_code bed_offer_frame(struct bed *b, struct gw_frame *f)
{
    struct gw_intake in = {.received = f->items};
    return gw_fanout_offer(b->fanout, f->signal, &f, 1, &in, NULL);
}

/* One request of one frame. */
static inline enum gw_code bed_offer(struct bed *b, enum gw_signal signal, size_t len, uint32_t items)
{
    return bed_offer_frame(b, bed_frame(b, signal, len, items));
}

static inline gw_nsec paper_next(const struct paper *p)
{
    gw_nsec next = GW_NEVER;
    for (unsigned i = 0; i < p->n_open; i++)
        if (p->open[i].due < next)
            next = p->open[i].due;
    return next;
}

/* Everything that is due now, until nothing is; returns when something will be. */
static inline gw_nsec bed_settle(struct bed *b, unsigned i)
{
    gw_nsec next;
    b->paper[i].now = b->now;
    for (int guard = 0; (next = gw_sender_step(b->sender[i], b->now)) != GW_SENDER_OVER; guard++) {
        assert_true(guard < 10000);
        unsigned before = b->paper[i].n_open;
        paper_wait(&b->paper[i], b->now);
        if (next > b->now && before == b->paper[i].n_open)
            return next < paper_next(&b->paper[i]) ? next : paper_next(&b->paper[i]);
    }
    return GW_SENDER_OVER;
}

/* Runs all senders up to the time `until`, from one event to the next. */
static inline void bed_run(struct bed *b, gw_nsec until)
{
    for (;;) {
        gw_nsec next = until;
        for (unsigned i = 0; i < b->n; i++) {
            gw_nsec due = bed_settle(b, i);
            if (due != GW_SENDER_OVER && due < next)
                next = due;
        }
        if (b->now >= until)
            return;
        b->now = next;
    }
}

static inline uint64_t bed_at(struct bed *b, unsigned exporter, enum gw_signal signal, enum gw_place place)
{
    return bed_view(b).signal[signal].exporter[exporter].at[place];
}

static inline uint64_t bed_dropped(struct bed *b, unsigned exporter, enum gw_signal signal,
                                   enum gw_reason why)
{
    return bed_view(b).signal[signal].exporter[exporter].dropped[why];
}

/* Every serial in from … to−1 arrived exactly `times`. */
static inline void bed_arrived(struct bed *b, unsigned exporter, uint32_t from, uint32_t to, unsigned times)
{
    for (uint32_t i = from; i < to; i++)
        assert_int_equal(b->paper[exporter].taken[i], times);
}

#endif
