/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* pthread_setname_np */
#include "exporters/sender.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "exporters/dead_letter.h"
#include "exporters/health.h"
#include "exporters/parcel.h"
#include "gateway/budget.h"
#include "gateway/log.h"
#include "gateway/queue.h"
#include "gateway/storage.h"

static const gw_nsec join_again = 50 * GW_MSEC;  /* the shortest time between two looks at a frame's trace ids */
static const gw_nsec join_shown = 100 * GW_MSEC; /* the longest, for what people watch: half of batch.delay */
static const gw_nsec no_memory_pause = 100 * GW_MSEC;

static const gw_nsec HEIR_PATIENCE = 2 * GW_SEC;

enum { LEAST_LEARNED_BYTES = 64 * 1024, LONGEST_HINT = 30 };

struct parcels {
    struct gw_parcel *first, **end;
};

struct gw_sender_counts {
    atomic_uint_least64_t requests, retries, open, waiting, troubled;
};

struct gw_sender {
    /* const after new */
    const struct gw_exporter *exporter;
    void *ctx;
    const struct gw_sender_conf *conf;
    struct gw_ledger *ledger;
    struct gw_ids *ids;
    struct gw_queue *queue;
    struct gw_retry_conf retry;
    struct gw_store *store; /* NULL: memory only */
    struct gw_budget *budget;
    size_t refill_below;             /* bytes in the queue */
    unsigned reader;                 /* the store's */
    unsigned number, signals, slots; /* slots: requests that may be open at a time */
    char name[64], component[80];

    _Atomic gw_nsec deadline; /* GW_NEVER until stopped */
    struct gw_sender *_Atomic heir;
    _Atomic gw_nsec patience; /* when open requests are cancelled for the heir's sake */
    atomic_bool over;
    pthread_t thread; /* main thread only, as what follows */
    bool started, owns_queue;

    /* sender's thread only */
    struct gw_batch_limits limits;
    struct parcels waiting, settled; /* for their time; with an outcome that was not looked at yet */
    unsigned open;                   /* requests at the exporter */
    unsigned turn;                   /* signal to look at first */
    uint64_t random;
    gw_nsec hungry_until; /* there was no memory for a batch … */
    gw_nsec refill_at;    /* … or for what is on the disk */
    bool draining, cancelled;
    struct gw_health health;
    struct gw_dead_letter dead_letter;

    /* written by the sender's thread, read by any */
    struct gw_sender_counts counts;
};

/* --- lists of parcels --- */

static void count(atomic_uint_least64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void append(struct parcels *list, struct gw_parcel *p)
{
    p->next = NULL;
    *list->end = p;
    list->end = &p->next;
}

static struct gw_parcel *detach(struct parcels *list, struct gw_parcel **at)
{
    struct gw_parcel *p = *at;
    *at = p->next;
    if (list->end == &p->next)
        list->end = at;
    p->next = NULL;
    return p;
}

static void postpone(struct gw_sender *s, struct gw_parcel *p, gw_nsec due)
{
    p->due = due;
    append(&s->waiting, p);
}

/* --- where items end --- */

static void move(struct gw_sender *s, enum gw_signal signal, enum gw_place from, enum gw_place to, enum gw_reason why, uint64_t items)
{
    if (items)
        gw_ledger_move(s->ledger, s->number, signal, from, to, why, items);
}

/* The sender is done with them. `through`: nobody has to send them again; else a disk queue keeps them. */
static void release(struct gw_sender *s, struct gw_chain *nodes, bool through)
{
    struct gw_stored stored;
    for (struct gw_node *node = nodes->first; s->store && node; node = node->next)
        if (gw_node_settle(node, through, &stored))
            gw_store_done(s->store, s->reader, stored);
    gw_queue_done(s->queue, nodes);
}

static void finish_parcel(struct gw_sender *s, struct gw_parcel *p)
{
    struct gw_chain nodes = gw_parcel_open(p);
    release(s, &nodes, true);
}

/* What a stop leaves behind is said by the ledger, which is printed a moment later. */
static void say_expired(struct gw_sender *s, enum gw_reason why, uint64_t items)
{
    if (why == GW_WHY_EXPIRED)
        gw_log(GW_WARNING, s->component, "%llu items waited longer than max_age for the backend and were dropped",
               (unsigned long long)items);
}

/* A shutdown gives a frame up. Its source keeps what has a receipt, and brings it again. */
static enum gw_reason give_up(struct gw_frame *f)
{
    return gw_frame_abandon(f) ? GW_WHY_RETURNED : GW_WHY_SHUTDOWN;
}

static void leave_parcel(struct gw_sender *s, struct gw_parcel *p)
{
    move(s, p->batch.signal, GW_IN_PROCESS, GW_STORED, 0, p->batch.items);
    struct gw_chain nodes = gw_parcel_open(p);
    release(s, &nodes, false);
}

static void leave_queued(struct gw_sender *s, struct gw_chain *c)
{
    for (const struct gw_node *node = c->first; node; node = node->next)
        move(s, node->frame->signal, GW_QUEUED, GW_STORED, 0, node->frame->items);
    release(s, c, false);
}

static void drop_parcel(struct gw_sender *s, struct gw_parcel *p, enum gw_reason why)
{
    uint64_t returned = 0;
    if (s->store && why == GW_WHY_SHUTDOWN) {
        leave_parcel(s, p);
        return;
    }
    say_expired(s, why, p->batch.items);
    for (size_t i = 0; why == GW_WHY_SHUTDOWN && i < p->batch.n; i++)
        if (give_up(p->batch.frames[i]) == GW_WHY_RETURNED)
            returned += p->batch.frames[i]->items;
    move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_WHY_RETURNED, returned);
    move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, why, p->batch.items - returned);
    finish_parcel(s, p);
}

static void drop_queued(struct gw_sender *s, struct gw_chain *c, enum gw_reason why)
{
    uint64_t items = 0;
    if (s->store && why == GW_WHY_SHUTDOWN) {
        leave_queued(s, c);
        return;
    }
    for (const struct gw_node *node = c->first; node; node = node->next) {
        enum gw_reason because = why == GW_WHY_SHUTDOWN ? give_up(node->frame) : why;
        move(s, node->frame->signal, GW_QUEUED, GW_DROPPED, because, node->frame->items);
        items += node->frame->items;
    }
    if (items)
        say_expired(s, why, items);
    release(s, c, true);
}

/* --- outcomes --- */

static bool over_deadline(const struct gw_sender *s, gw_nsec now)
{
    return now >= atomic_load_explicit(&s->deadline, memory_order_acquire);
}

static void settle_done(struct gw_sender *s, struct gw_parcel *p, gw_nsec now)
{
    uint64_t rejected = p->outcome.rejected < p->batch.items ? p->outcome.rejected : p->batch.items;
    gw_health_recovered(&s->health, now);
    if (rejected)
        gw_health_rejected(&s->health, &p->batch, rejected, &p->outcome);
    else if (p->outcome.text[0])
        gw_log(GW_INFO, s->component, "the backend took everything, and says: %s", p->outcome.text);
    move(s, p->batch.signal, GW_IN_PROCESS, GW_REJECTED, 0, rejected);
    move(s, p->batch.signal, GW_IN_PROCESS, GW_DELIVERED, 0, p->batch.items - rejected);
    finish_parcel(s, p);
}

static void reject(struct gw_sender *s, struct gw_parcel *p)
{
    uint64_t overwritten[GW_SIGNALS] = {0};
    gw_health_rejected(&s->health, &p->batch, p->batch.items, &p->outcome);
    uint64_t aside = gw_dead_letter_put(&s->dead_letter, &p->batch, overwritten);
    if (aside)
        gw_log(GW_WARNING, s->component, "%llu of them were set aside in %.*s", (unsigned long long)aside,
               GW_FMT(s->dead_letter.directory));
    move(s, p->batch.signal, GW_IN_PROCESS, GW_SET_ASIDE, 0, aside);
    move(s, p->batch.signal, GW_IN_PROCESS, GW_REJECTED, 0, p->batch.items - aside);
    for (int i = 0; i < GW_SIGNALS; i++)
        move(s, (enum gw_signal)i, GW_SET_ASIDE, GW_DROPPED, GW_WHY_OVERWRITTEN, overwritten[i]);
    finish_parcel(s, p);
}

static bool has_heir(struct gw_sender *s)
{
    return atomic_load_explicit(&s->heir, memory_order_acquire);
}

/* The heir will take it from the queue. */
static void give_back(struct gw_sender *s, struct gw_parcel *p)
{
    struct gw_chain none = {NULL, NULL}, nodes;
    move(s, p->batch.signal, GW_IN_PROCESS, GW_QUEUED, 0, p->batch.items);
    nodes = gw_parcel_open(p);
    gw_queue_joined(s->queue, &none, &nodes);
}

static uint64_t next_random(struct gw_sender *s)
{
    uint64_t z = s->random += 0x9e3779b97f4a7c15u; /* SplitMix64 */
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void retry(struct gw_sender *s, struct gw_parcel *p, gw_nsec now)
{
    if (has_heir(s)) {
        give_back(s, p);
        return;
    }
    if (over_deadline(s, now)) {
        drop_parcel(s, p, GW_WHY_SHUTDOWN);
        return;
    }
    gw_health_trouble(&s->health, &p->outcome, now);
    count(&s->counts.retries);
    struct gw_step step = gw_retry_step(&p->retry, &s->retry, &p->outcome, now, next_random(s));
    if (step.give_up)
        drop_parcel(s, p, GW_WHY_EXPIRED);
    else
        postpone(s, p, step.until);
}

/* Requests larger than what was refused need not be tried again: batches become smaller until the next start. */
static void learn_size(struct gw_sender *s, const struct gw_parcel *p)
{
    size_t half = p->batch.bytes / 2 > LEAST_LEARNED_BYTES ? p->batch.bytes / 2 : LEAST_LEARNED_BYTES;
    if (half >= s->limits.bytes)
        return;
    s->limits.bytes = half;
    gw_log(GW_WARNING, s->component,
           "the backend finds requests of %zu bytes too large (%s): from now on at most %zu; set batch.bytes to that", p->batch.bytes,
           p->outcome.text, half);
}

static void split(struct gw_sender *s, struct gw_parcel *p, gw_nsec now)
{
    struct gw_parcel *half[2];
    if (has_heir(s)) {
        give_back(s, p);
        return;
    }
    learn_size(s, p);
    if (!gw_parcel_split(p, s->conf->max_age, half)) {
        reject(s, p);
        return;
    }
    postpone(s, half[0], now);
    postpone(s, half[1], now);
}

static void settle(struct gw_sender *s, gw_nsec now)
{
    while (s->settled.first) {
        struct gw_parcel *p = detach(&s->settled, &s->settled.first);
        switch (p->outcome.verdict) {
        case GW_DONE:
            settle_done(s, p, now);
            break;
        case GW_RETRY:
        case GW_HOLD:
            retry(s, p, now);
            break;
        case GW_SPLIT:
            split(s, p, now);
            break;
        case GW_REFUSED:
            reject(s, p);
            break;
        }
    }
}

/* From within the exporter's send or wait. */
static void on_done(void *cookie, const struct gw_outcome *o)
{
    struct gw_parcel *p = cookie;
    struct gw_sender *s = p->owner;
    p->outcome = *o;
    s->open--;
    append(&s->settled, p);
}

/* --- what is due --- */

/* Ever more seldom, unless somebody watches: a log has to be there before its trace is shown. */
static gw_nsec next_look(const struct gw_sender *s, gw_nsec age)
{
    gw_nsec pause = s->exporter->shows && age > join_shown ? join_shown : age;
    return pause > join_again ? pause : join_again;
}

static void join(struct gw_sender *s, gw_nsec now)
{
    struct gw_chain due = {NULL, NULL}, unknown = {NULL, NULL}, ready = {NULL, NULL};
    gw_queue_joining(s->queue, s->draining ? GW_NEVER : now, &due);
    for (struct gw_node *node; (node = gw_chain_pop(&due));) {
        gw_nsec last = node->frame->arrived + s->conf->join_wait, age = now - node->frame->arrived;
        bool final = s->draining || now >= last || node->hurried;
        uint32_t left = gw_frame_join(node->frame, s->ids, final);
        if (final && left)
            gw_ledger_unjoined(s->ledger, node->frame->signal, left);
        node->join_due = now + next_look(s, age);
        if (node->join_due > last)
            node->join_due = last;
        gw_chain_add(final || !left ? &ready : &unknown, node);
    }
    if (unknown.first || ready.first)
        gw_queue_joined(s->queue, &unknown, &ready);
}

static void expire(struct gw_sender *s, gw_nsec now)
{
    struct gw_chain old = {NULL, NULL};
    gw_queue_expire(s->queue, now - s->conf->max_age + 1, &old); /* when its time has come, not after */
    if (old.first)
        drop_queued(s, &old, GW_WHY_EXPIRED);
}

/* What became too old while the parcel waited leaves it. False when nothing is left, and the parcel is gone. */
static bool prune(struct gw_sender *s, struct gw_parcel *p, gw_nsec now)
{
    struct gw_chain old = {NULL, NULL};
    uint64_t items = gw_parcel_prune(p, now - s->conf->max_age, &old);
    if (!old.first)
        return true;
    say_expired(s, GW_WHY_EXPIRED, items);
    move(s, p->batch.signal, GW_IN_PROCESS, GW_DROPPED, GW_WHY_EXPIRED, items);
    release(s, &old, true);
    if (p->batch.n)
        return true;
    finish_parcel(s, p);
    return false;
}

static void send(struct gw_sender *s, struct gw_parcel *p)
{
    s->open++;
    count(&s->counts.requests);
    s->exporter->send(s->ctx, &p->batch, s->conf->timeout, on_done, p);
}

static void send_due(struct gw_sender *s, gw_nsec now)
{
    for (struct gw_parcel **at = &s->waiting.first; *at && s->open < s->slots;) {
        if ((*at)->due > now) {
            at = &(*at)->next;
            continue;
        }
        struct gw_parcel *p = detach(&s->waiting, at);
        if (prune(s, p, now))
            send(s, p);
    }
}

/* The signals of which a batch may be taken now. A batch that is held (GW_HOLD) keeps its signal waiting but no slot: a backend may
 * refuse our logs and take our traces. */
static unsigned takable(const struct gw_sender *s, gw_nsec now)
{
    unsigned signals = now < s->hungry_until ? 0 : s->exporter->signals, slots = s->open; /* what a former configuration let in, too */
    for (const struct gw_parcel *p = s->waiting.first; p; p = p->next) {
        if (p->outcome.verdict == GW_HOLD)
            signals &= ~(1u << p->batch.signal);
        else
            slots++;
    }
    return slots < s->slots ? signals : 0;
}

static bool take_one(struct gw_sender *s, unsigned signals, gw_nsec now)
{
    struct gw_chain nodes;
    for (unsigned i = 0; i < GW_SIGNALS; i++) {
        enum gw_signal signal = (enum gw_signal)((s->turn + i) % GW_SIGNALS);
        if (!(signals & 1u << signal) || !gw_queue_take(s->queue, signal, &s->limits, now, s->draining, &nodes))
            continue;
        struct gw_parcel *p = gw_parcel_new(&nodes, s->conf->max_age);
        if (!p) {
            struct gw_chain none = {NULL, NULL};
            gw_queue_joined(s->queue, &none, &nodes);
            s->hungry_until = now + no_memory_pause;
            return false;
        }
        s->turn = signal + 1;
        p->owner = s;
        move(s, signal, GW_QUEUED, GW_IN_PROCESS, 0, p->batch.items);
        send(s, p);
        return true;
    }
    return false;
}

static void take(struct gw_sender *s, gw_nsec now)
{
    for (unsigned signals; (signals = takable(s, now)) && take_one(s, signals, now);)
        ;
}

/* --- what is only on the disk --- */

static void lose(struct gw_sender *s, const struct gw_store_items *lost)
{
    for (int i = 0; i < GW_SIGNALS; i++)
        move(s, (enum gw_signal)i, GW_QUEUED, GW_DROPPED, GW_WHY_DAMAGED, lost->of[i]);
}

static bool take_back(struct gw_sender *s, struct gw_frame *f)
{
    if (!gw_queue_restore(s->queue, f))
        return false;
    f->budget = s->budget;
    f->charged = gw_frame_cost(f);
    gw_budget_force(f->budget, f->charged);
    return true;
}

/* One frame, or word that there is none; true when it is worth asking for the next. */
static bool refill_one(struct gw_sender *s, gw_nsec now)
{
    struct gw_store_got got;
    switch (gw_store_next(s->store, s->reader, &got)) {
    case GW_STORE_FRAME:
        if (take_back(s, got.frame))
            return true;
        gw_frame_drop(got.frame); /* not even for a node: the next start finds it again */
        break;
    case GW_STORE_DAMAGED:
        lose(s, &got.lost);
        return true;
    case GW_STORE_LEVEL:
        return false;
    case GW_STORE_NO_MEMORY:
        break;
    }
    s->refill_at = now + no_memory_pause;
    return false;
}

/* Memory that others hold is waited for, unless there would be nothing to send meanwhile. */
static void refill(struct gw_sender *s, gw_nsec now)
{
    size_t used = 0;
    if (!s->store || now < s->refill_at)
        return;
    while (gw_store_behind(s->store, s->reader) && (used = gw_queue_used(s->queue)) < s->refill_below) {
        if (used && gw_budget_spent(s->budget)) {
            s->refill_at = now + no_memory_pause;
            return;
        }
        if (!refill_one(s, now))
            return;
    }
}

static bool anything_left(const struct gw_sender *s, gw_nsec now)
{
    return !gw_queue_finished(s->queue) || (s->store && gw_store_behind(s->store, s->reader) && !over_deadline(s, now));
}

/* --- the end --- */

static void begin_drain(struct gw_sender *s, gw_nsec now)
{
    if (s->draining || atomic_load_explicit(&s->deadline, memory_order_acquire) == GW_NEVER)
        return;
    s->draining = true;
    for (struct gw_parcel *p = s->waiting.first; p; p = p->next)
        p->due = now;
}

static void abandon(struct gw_sender *s)
{
    struct gw_chain rest = {NULL, NULL};
    if (!s->cancelled)
        s->exporter->cancel(s->ctx);
    s->cancelled = true;
    gw_queue_expire(s->queue, GW_NEVER, &rest);
    drop_queued(s, &rest, GW_WHY_SHUTDOWN);
    while (s->waiting.first) {
        drop_parcel(s, detach(&s->waiting, &s->waiting.first), GW_WHY_SHUTDOWN);
    }
}

/* --- the step --- */

static gw_nsec earlier(gw_nsec a, gw_nsec b)
{
    return a < b ? a : b;
}

static gw_nsec next_retry(const struct gw_sender *s)
{
    gw_nsec due = GW_NEVER;
    if (s->open < s->slots)
        for (const struct gw_parcel *p = s->waiting.first; p; p = p->next)
            due = earlier(due, p->due);
    return due;
}

/* A full queue empties no sooner than the next try: that is what refused clients are told. */
static void hint(struct gw_sender *s, gw_nsec now, gw_nsec due)
{
    gw_nsec seconds = s->health.troubled && !takable(s, now) && due != GW_NEVER && due > now ? (due - now + GW_SEC - 1) / GW_SEC : 1;
    gw_queue_hint(s->queue, (int)(seconds < LONGEST_HINT ? seconds : LONGEST_HINT));
}

static gw_nsec next_step(struct gw_sender *s, gw_nsec now)
{
    if (s->settled.first)
        return now;
    if (over_deadline(s, now)) /* open requests are being cancelled; what was reserved may still be pushed */
        return gw_queue_arm(s->queue, &s->limits, 0, ~0u);
    gw_nsec due = next_retry(s);
    hint(s, now, due);
    if (now < s->hungry_until)
        due = earlier(due, s->hungry_until);
    if (now < s->refill_at)
        due = earlier(due, s->refill_at);
    due = earlier(due, gw_queue_arm(s->queue, &s->limits, s->conf->max_age, takable(s, now)));
    return earlier(due, atomic_load_explicit(&s->deadline, memory_order_acquire));
}

/* What this step leaves behind. */
static void publish(struct gw_sender *s)
{
    unsigned waiting = 0;
    for (const struct gw_parcel *p = s->waiting.first; p; p = p->next)
        waiting++;
    atomic_store_explicit(&s->counts.open, s->open, memory_order_relaxed);
    atomic_store_explicit(&s->counts.waiting, waiting, memory_order_relaxed);
    atomic_store_explicit(&s->counts.troubled, s->health.troubled, memory_order_relaxed);
}

/* What is left to do before the heir goes on. */
static gw_nsec step_down(struct gw_sender *s, gw_nsec now)
{
    gw_nsec limit = earlier(atomic_load(&s->patience), atomic_load(&s->deadline));
    while (s->waiting.first)
        give_back(s, detach(&s->waiting, &s->waiting.first));
    publish(s);
    if (!s->open)
        return GW_SENDER_OVER;
    if (now >= limit && !s->cancelled) {
        s->exporter->cancel(s->ctx);
        s->cancelled = true;
    }
    return s->settled.first ? now : s->cancelled ? GW_NEVER : limit;
}

gw_nsec gw_sender_step(struct gw_sender *s, gw_nsec now)
{
    settle(s, now);
    if (has_heir(s))
        return step_down(s, now);
    begin_drain(s, now);
    join(s, now);
    if (over_deadline(s, now)) {
        abandon(s);
    } else {
        expire(s, now);
        send_due(s, now);
        refill(s, now);
        take(s, now);
        if (s->exporter->hurry && s->open && (s->draining || s->open >= s->slots))
            s->exporter->hurry(s->ctx);
    }
    publish(s);
    return anything_left(s, now) ? next_step(s, now) : GW_SENDER_OVER;
}

/* --- life --- */

static void wake(void *arg)
{
    struct gw_sender *s = arg;
    s->exporter->wake(s->ctx);
}

static bool drops_oldest(const struct gw_sender_conf *conf, const struct gw_exporter *exporter)
{
    return conf->when_full == GW_FULL_AUTO ? exporter->drop_by_default : conf->when_full == GW_FULL_DROP_OLDEST;
}

static void set_names(struct gw_sender *s)
{
    gw_str name = s->conf->name.len ? s->conf->name : gw_str_z(s->exporter->name);
    snprintf(s->name, sizeof s->name, "%.*s", GW_FMT(name));
    snprintf(s->component, sizeof s->component, "exporter=%s", s->name);
    s->health.component = s->component;
}

/* All but its queue and its number. */
static struct gw_sender *make(const struct gw_exporter *exporter, void *ctx, const struct gw_sender_conf *conf)
{
    struct gw_sender *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->exporter = exporter;
    s->ctx = ctx;
    s->conf = conf;
    s->signals = gw_sender_signals(conf, exporter);
    s->slots = conf->in_flight > exporter->in_flight ? (unsigned)conf->in_flight : exporter->in_flight;
    s->retry = (struct gw_retry_conf){conf->retry_initial, conf->retry_max};
    s->limits = (struct gw_batch_limits){conf->batch_bytes, (uint64_t)conf->batch_items, conf->batch_delay};
    s->waiting.end = &s->waiting.first;
    s->settled.end = &s->settled.first;
    atomic_init(&s->deadline, GW_NEVER);
    if (getrandom(&s->random, sizeof s->random, GRND_NONBLOCK) != sizeof s->random)
        s->random = (uint64_t)gw_wall() ^ (uintptr_t)s;
    set_names(s);
    gw_dead_letter_init(&s->dead_letter, conf->dead_letter_directory, conf->dead_letter_max_size, s->name, s->component);
    return s;
}

/* Logs that can be read later, too, stop coming when so much waits: memory for the sake of memory makes nothing faster, and the other
 * half is for who cannot wait. Not less: records stand here for join_wait while their trace is unknown. */
static size_t ahead_mark(const struct gw_sender_conf *conf)
{
    return (size_t)conf->queue_size / 2;
}

struct gw_sender *gw_sender_new(const struct gw_exporter *exporter, void *ctx, const struct gw_sender_conf *conf, struct gw_ledger *ledger,
                                struct gw_ids *ids)
{
    struct gw_sender *s = make(exporter, ctx, conf);
    if (!s)
        return NULL;
    s->ledger = ledger;
    s->ids = ids;
    s->owns_queue = true;
    s->queue = gw_queue_new(conf->queue_size, drops_oldest(conf, exporter), wake, s);
    s->number = s->queue ? gw_ledger_exporter(ledger, s->name, s->signals) : GW_LEDGER_EXPORTERS;
    if (s->number == GW_LEDGER_EXPORTERS) {
        gw_sender_drop(s);
        return NULL;
    }
    gw_queue_read_ahead(s->queue, ahead_mark(conf));
    return s;
}

/* What is worth having in memory of what is on the disk. */
static size_t refill_mark(const struct gw_sender_conf *conf)
{
    size_t enough = (size_t)(conf->in_flight + 1) * conf->batch_bytes;
    return conf->queue_size < enough ? conf->queue_size : enough;
}

struct gw_sender *gw_sender_heir(struct gw_sender *former, const struct gw_exporter *exporter, void *ctx, const struct gw_sender_conf *conf)
{
    struct gw_sender *s = make(exporter, ctx, conf);
    if (!s)
        return NULL;
    s->ledger = former->ledger;
    s->ids = former->ids;
    s->queue = former->queue;
    s->number = former->number;
    s->store = former->store;
    s->budget = former->budget;
    s->reader = former->reader;
    s->refill_below = refill_mark(conf);
    return s;
}

void gw_sender_drop(struct gw_sender *s)
{
    if (!s)
        return;
    gw_dead_letter_close(&s->dead_letter);
    if (s->owns_queue && s->store)
        gw_store_detach(s->store, s->reader);
    if (s->owns_queue)
        gw_queue_drop(s->queue);
    free(s);
}

bool gw_sender_store(struct gw_sender *s, struct gw_storage *storage, struct gw_budget *budget)
{
    s->reader = gw_storage_attach(storage, s->name, s->number, drops_oldest(s->conf, s->exporter));
    if (s->reader == GW_STORE_READERS)
        return false;
    s->store = gw_storage_store(storage);
    s->budget = budget;
    s->refill_below = refill_mark(s->conf);
    gw_queue_spill(s->queue);
    return true;
}

struct gw_route gw_sender_route(const struct gw_sender *s)
{
    return (struct gw_route){s->queue, s->name, s->number, s->signals, (enum gw_rendering)s->conf->mode, s->reader};
}

/* On the thread that both have. */
static void inherit(struct gw_sender *heir, struct gw_sender *former)
{
    atomic_fetch_add_explicit(&heir->counts.requests, former->counts.requests, memory_order_relaxed);
    atomic_fetch_add_explicit(&heir->counts.retries, former->counts.retries, memory_order_relaxed);
    gw_dead_letter_inherit(&heir->dead_letter, &former->dead_letter);
    gw_queue_inherit(heir->queue, wake, heir);
    atomic_store(&former->over, true);
}

static void *run(void *arg)
{
    for (struct gw_sender *s = arg, *heir;; s = heir) {
        for (gw_nsec until; (until = gw_sender_step(s, gw_now())) != GW_SENDER_OVER;)
            s->exporter->wait(s->ctx, until);
        heir = atomic_load_explicit(&s->heir, memory_order_acquire);
        if (!heir) {
            atomic_store(&s->over, true);
            return NULL;
        }
        inherit(heir, s);
    }
}

enum { M_REQUESTS, M_RETRIES, M_OPEN, M_WAITING, M_TROUBLED, M_USED, M_CAPACITY, M_REFUSING };

const struct gw_metric gw_sender_metrics[] = {
    [M_REQUESTS] = GW_COUNTER_ASKED("exporter_requests_total", "", "Requests to the backend, retries too."),
    [M_RETRIES] = GW_COUNTER_ASKED("exporter_retries_total", "", "Requests that the backend did not take and that are made again."),
    [M_OPEN] = GW_GAUGE_ASKED("exporter_requests_open", "", "Requests that have no answer yet."),
    [M_WAITING] = GW_GAUGE_ASKED("exporter_batches_waiting", "", "Batches that wait for the time of their next try."),
    [M_TROUBLED] = GW_GAUGE_ASKED("exporter_troubled", "", "1 while the last answer was no, and nothing was taken since."),
    [M_USED] = GW_GAUGE_ASKED("queue_bytes", "", "Bytes of memory that wait for the exporter or are in its hands."),
    [M_CAPACITY] = GW_GAUGE_ASKED("queue_capacity_bytes", "", "The option queue_size."),
    [M_REFUSING] = GW_GAUGE_ASKED("queue_refusing", "", "1 from a refusal (429) until a quarter of the queue is free."),
    GW_METRICS_END,
};

static double value(const atomic_uint_least64_t *counter)
{
    return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

void gw_sender_measure(struct gw_sender *s, struct gw_metrics *to)
{
    struct gw_queue_state queue;
    gw_queue_state(s->queue, &queue);
    gw_metrics_add(to, &gw_sender_metrics[M_REQUESTS], value(&s->counts.requests));
    gw_metrics_add(to, &gw_sender_metrics[M_RETRIES], value(&s->counts.retries));
    gw_metrics_add(to, &gw_sender_metrics[M_OPEN], value(&s->counts.open));
    gw_metrics_add(to, &gw_sender_metrics[M_WAITING], value(&s->counts.waiting));
    gw_metrics_add(to, &gw_sender_metrics[M_TROUBLED], value(&s->counts.troubled));
    gw_metrics_add(to, &gw_sender_metrics[M_USED], (double)queue.used);
    gw_metrics_add(to, &gw_sender_metrics[M_CAPACITY], (double)queue.capacity);
    gw_metrics_add(to, &gw_sender_metrics[M_REFUSING], queue.refusing);
}

bool gw_sender_start(struct gw_sender *s)
{
    sigset_t all, before;
    char name[16]; /* what Linux keeps of a thread's name */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    s->started = pthread_create(&s->thread, NULL, run, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    snprintf(name, sizeof name, "exp/%.11s", s->name);
    if (s->started)
        pthread_setname_np(s->thread, name);
    return s->started;
}

void gw_sender_stop(struct gw_sender *s, gw_nsec deadline)
{
    atomic_store_explicit(&s->deadline, deadline, memory_order_release);
    gw_queue_close(s->queue);
}

void gw_sender_succeed(struct gw_sender *former, struct gw_sender *heir)
{
    gw_queue_resize(heir->queue, heir->conf->queue_size, drops_oldest(heir->conf, heir->exporter));
    gw_queue_read_ahead(heir->queue, ahead_mark(heir->conf));
    gw_ledger_signals(heir->ledger, heir->number, heir->signals);
    heir->thread = former->thread;
    heir->started = former->started;
    heir->owns_queue = true;
    former->owns_queue = former->started = false;
    atomic_store(&former->patience, gw_now() + HEIR_PATIENCE);
    atomic_store_explicit(&former->heir, heir, memory_order_release);
    former->exporter->wake(former->ctx);
}

bool gw_sender_over(const struct gw_sender *s)
{
    return atomic_load(&s->over);
}

void gw_sender_finish(struct gw_sender *s)
{
    if (s->started)
        pthread_join(s->thread, NULL);
    s->started = false;
    if (s->store && !has_heir(s))
        gw_ledger_leave(s->ledger, s->number);
}
