/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/log.h"
#include "gateway/store_internal.h"

static const uint8_t zeros[GW_STORE_UNIT];

static const gw_nsec remembered = 5 * GW_SEC; /* trouble, by who asks whether there is any: senders try again meanwhile */

enum { LEAST_SEGMENT = 1 << 20, SEGMENTS = 256, AT_ONCE = 64 /* records in one system call */ };

/* --- live segments --- */

void gw_store_link(struct gw_store *s, struct gw_store_segment *segment)
{
    segment->next = NULL;
    if (s->last)
        s->last->next = segment;
    else
        s->first = segment;
    s->last = segment;
}

static void unlink_segment(struct gw_store *s, struct gw_store_segment *segment)
{
    struct gw_store_segment *before = NULL;
    for (struct gw_store_segment *at = s->first; at != segment; at = at->next)
        before = at;
    if (before)
        before->next = segment->next;
    else
        s->first = segment->next;
    if (s->last == segment)
        s->last = before;
}

/* No reader's place stays in a segment that goes. */
static void move_readers(struct gw_store *s, const struct gw_store_segment *from)
{
    for (unsigned r = 0; r < GW_STORE_READERS; r++) {
        struct gw_store_reader *reader = &s->readers[r];
        if (reader->segment != from)
            continue;
        reader->segment = from->next;
        reader->at = GW_STORE_HEAD;
        reader->moved++;
    }
}

void gw_store_try_release(struct gw_store *s, struct gw_store_segment *segment)
{
    if (!segment->sealed || segment->pins)
        return;
    for (unsigned r = 0; r < GW_STORE_READERS; r++)
        if (segment->debts[r].owed)
            return;
    move_readers(s, segment);
    unlink_segment(s, segment);
    segment->next = s->released;
    s->released = segment;
}

static void unpin(struct gw_store *s, struct gw_store_segment *segment)
{
    segment->pins--;
    gw_store_try_release(s, segment);
}

/* Frees a released segment for another life; false when it shall go. */
static bool renew(struct gw_store *s, struct gw_store_segment *segment)
{
    pthread_mutex_lock(&s->state);
    bool keep = !segment->suspect && s->free_n < GW_STORE_KEPT && segment->size == s->conf.segment_size;
    s->free_n += keep;
    pthread_mutex_unlock(&s->state);
    if (keep && gw_store_put_state(s, segment, GW_STORE_FREE)) {
        pthread_mutex_lock(&s->state);
        segment->next = s->free;
        s->free = segment;
        pthread_mutex_unlock(&s->state);
        return true;
    }
    pthread_mutex_lock(&s->state);
    s->free_n -= keep;
    gw_store_forget(s, segment);
    pthread_mutex_unlock(&s->state);
    return false;
}

void gw_store_reap(struct gw_store *s)
{
    for (;;) {
        pthread_mutex_lock(&s->state);
        struct gw_store_segment *segment = s->released;
        if (segment)
            s->released = segment->next;
        pthread_mutex_unlock(&s->state);
        if (!segment)
            return;
        if (!renew(s, segment))
            gw_store_drop_segment(s, segment, true);
    }
}

/* --- trouble --- */

void gw_store_say_damage(struct gw_store *s, uint32_t number, uint64_t at, uint64_t bytes, const char *what)
{
    char name[32];
    gw_store_file_name(number, name);
    pthread_mutex_lock(&s->state);
    s->stats.damaged++;
    s->stats.damaged_bytes += bytes;
    pthread_mutex_unlock(&s->state);
    s->conf.damaged(s->conf.arg, name, at, bytes, what);
}

/* Under append. */
static void pause_writing(struct gw_store *s)
{
    s->troubled = true;
    s->trouble_until = gw_now() + s->conf.pause;
    atomic_store_explicit(&s->broken_until, s->trouble_until + remembered, memory_order_relaxed);
}

/* Under append. */
static enum gw_code trouble(struct gw_store *s, struct gw_err *err, const char *doing)
{
    int why = errno;
    if (!s->troubled)
        gw_log(GW_ERROR, "storage", "%s: cannot %s: %s. Senders get 429 and keep their data until it works again", s->conf.directory, doing,
               strerror(why));
    pause_writing(s);
    pthread_mutex_lock(&s->state);
    s->stats.trouble++;
    pthread_mutex_unlock(&s->state);
    return gw_fail(err, GW_STORAGE, 0, "cannot %s: %s", doing, strerror(why)); /* a sender reads it: no paths */
}

static void recovered(struct gw_store *s)
{
    if (s->troubled)
        gw_log(GW_INFO, "storage", "%s can be written again", s->conf.directory);
    s->troubled = false;
    atomic_store_explicit(&s->broken_until, 0, memory_order_relaxed);
}

/* --- room --- */

/* Whether a reader may lose what it owes of the segment for room's sake: it drops its oldest, or nobody configured it, and it holds none
 * of it in its hands. */
static bool may_give_up(const struct gw_store *s, const struct gw_store_segment *segment, unsigned r)
{
    const struct gw_store_debt *debt = &segment->debts[r];
    if (!debt->owed)
        return true;
    return debt->owed == debt->unread && (s->readers[r].drop_oldest || !s->readers[r].attached);
}

static bool all_may_give_up(const struct gw_store *s, const struct gw_store_segment *segment)
{
    for (unsigned r = 0; r < GW_STORE_READERS; r++)
        if (!may_give_up(s, segment, r))
            return false;
    return true;
}

static void give_up(struct gw_store *s, struct gw_store_segment *segment)
{
    for (unsigned r = 0; r < GW_STORE_READERS; r++) {
        struct gw_store_debt *debt = &segment->debts[r];
        if (debt->owed && s->readers[r].attached)
            s->conf.gave_up(s->conf.arg, r, &debt->items);
        else if (debt->owed)
            gw_log(GW_WARNING, "storage", "room is needed: %u records for exporter %s, which is not configured, are dropped",
                   (unsigned)debt->owed, s->readers[r].name);
        *debt = (struct gw_store_debt){0};
    }
}

/* Under append: the oldest segment that nobody insists on makes room. */
static bool make_room(struct gw_store *s)
{
    bool made = false;
    pthread_mutex_lock(&s->state);
    for (struct gw_store_segment *segment = s->first; segment && !made; segment = segment->next) {
        if (!segment->sealed || segment->pins || !all_may_give_up(s, segment))
            continue;
        give_up(s, segment);
        gw_store_try_release(s, segment);
        made = true;
        break;
    }
    pthread_mutex_unlock(&s->state);
    gw_store_reap(s);
    return made;
}

static struct gw_store_segment *take_free(struct gw_store *s, uint64_t need)
{
    pthread_mutex_lock(&s->state);
    struct gw_store_segment *segment = need <= s->conf.segment_size ? s->free : NULL;
    if (segment) {
        s->free = segment->next;
        s->free_n--;
    }
    pthread_mutex_unlock(&s->state);
    return segment;
}

/* Free segments are of no use for what is larger, but their room may be. */
static void drop_free(struct gw_store *s)
{
    for (struct gw_store_segment *segment; (segment = take_free(s, 0));) {
        pthread_mutex_lock(&s->state);
        gw_store_forget(s, segment);
        pthread_mutex_unlock(&s->state);
        gw_store_drop_segment(s, segment, true);
    }
}

static uint64_t total_size(struct gw_store *s)
{
    pthread_mutex_lock(&s->state);
    uint64_t size = s->size;
    pthread_mutex_unlock(&s->state);
    return size;
}

static void set_full(struct gw_store *s, bool full)
{
    pthread_mutex_lock(&s->state);
    s->full = full;
    pthread_mutex_unlock(&s->state);
}

/* A free segment, or a new one. GW_QUEUE_FULL, GW_STORAGE with errno. */
static enum gw_code find_segment(struct gw_store *s, uint64_t need, struct gw_store_segment **out)
{
    for (;;) {
        if ((*out = take_free(s, need)))
            return GW_OK;
        uint64_t size = need > s->conf.segment_size ? need : s->conf.segment_size;
        if (size > s->conf.segment_size)
            drop_free(s);
        if (total_size(s) + size <= s->conf.max_size)
            return (*out = gw_store_create(s, size)) ? GW_OK : GW_STORAGE;
        if (!make_room(s))
            return GW_QUEUE_FULL;
    }
}

static void seal(struct gw_store *s, struct gw_store_segment *segment)
{
    /* Without the mark the next start reads the segment whole: nothing is lost by a failure. */
    gw_store_put_state(s, segment, GW_STORE_SEALED);
    pthread_mutex_lock(&s->state);
    segment->sealed = true;
    gw_store_try_release(s, segment);
    pthread_mutex_unlock(&s->state);
}

/* Under append: another segment becomes the active one. */
static enum gw_code roll(struct gw_store *s, uint64_t need, struct gw_err *err)
{
    struct gw_store_segment *segment, *before = s->active;
    enum gw_code code = find_segment(s, need + GW_STORE_HEAD + GW_STORE_UNIT, &segment);
    set_full(s, code == GW_QUEUE_FULL);
    if (code == GW_QUEUE_FULL)
        return gw_fail(err, code, 0, "the disk queue is full: storage.max_size is %" PRIu64 " bytes", s->conf.max_size);
    if (code != GW_OK)
        return trouble(s, err, "make a file there");
    if (!gw_store_begin(s, segment, s->next_sequence)) {
        code = trouble(s, err, "write there");
        segment->suspect = true;
        pthread_mutex_lock(&s->state);
        gw_store_forget(s, segment);
        pthread_mutex_unlock(&s->state);
        gw_store_drop_segment(s, segment, true);
        return code;
    }
    s->next_sequence++;
    pthread_mutex_lock(&s->state);
    gw_store_link(s, segment);
    s->active = segment;
    pthread_mutex_unlock(&s->state);
    if (before)
        seal(s, before);
    gw_store_reap(s);
    return GW_OK;
}

/* --- append --- */

static uint64_t size_of(const struct gw_store_entry *e)
{
    return gw_store_record_size((uint32_t)e->frame->len, e->frame->unjoined_n);
}

static bool knows_all(const struct gw_store_segment *segment, uint32_t readers)
{
    for (; readers; readers &= readers - 1)
        if (segment->slot[__builtin_ctz(readers)] < 0)
            return false;
    return true;
}

/* Under append: an active segment with room. */
static enum gw_code prepare(struct gw_store *s, const struct gw_store_entry *e, size_t n, struct gw_err *err)
{
    uint64_t need = 0;
    uint32_t readers = 0;
    for (size_t i = 0; i < n; i++) {
        need += size_of(&e[i]);
        readers |= e[i].owed;
    }
    if (s->troubled && gw_now() < s->trouble_until)
        return gw_fail(err, GW_STORAGE, 0, "cannot write there since a moment ago");
    struct gw_store_segment *a = s->active;
    bool fits = a && !a->suspect && a->end + need + GW_STORE_UNIT <= a->size && knows_all(a, readers);
    return fits ? GW_OK : roll(s, need, err);
}

static uint16_t slots(const struct gw_store_segment *segment, uint32_t readers)
{
    uint16_t bits = 0;
    for (; readers; readers &= readers - 1)
        bits |= (uint16_t)(1u << segment->slot[__builtin_ctz(readers)]);
    return bits;
}

struct laid {
    uint8_t header[GW_STORE_UNIT];
};

/* Header, offsets, data and padding of one record. */
static int lay(const struct gw_store *s, const struct gw_store_entry *e, uint64_t at, gw_nsec wall_minus_mono, struct laid *laid,
               struct iovec *v)
{
    const struct gw_frame *f = e->frame;
    size_t offsets = f->unjoined_n * sizeof *f->unjoined, payload = offsets + f->len;
    struct gw_store_record r = {.at = at,
                                .len = (uint32_t)f->len,
                                .items = f->items,
                                .unjoined_n = f->unjoined_n,
                                .payload_check = e->check,
                                .wall = f->arrived + wall_minus_mono,
                                .mono = f->arrived,
                                .signal = f->signal,
                                .rendering = f->rendering,
                                .owed = slots(s->active, e->owed)};
    gw_store_record_put(laid->header, &r, s->active->life);
    v[0] = (struct iovec){laid->header, GW_STORE_UNIT};
    v[1] = (struct iovec){f->unjoined, offsets};
    v[2] = (struct iovec){f->data, f->len};
    v[3] = (struct iovec){(void *)(uintptr_t)zeros, (GW_STORE_UNIT - payload % GW_STORE_UNIT) % GW_STORE_UNIT};
    return 4;
}

/* Under append: all records, and the mark of the end behind them. */
static bool write_all(struct gw_store *s, struct gw_store_entry *e, size_t n)
{
    struct laid laid[AT_ONCE];
    struct iovec v[AT_ONCE * 4 + 1];
    gw_nsec wall_minus_mono = gw_wall() - gw_now();
    uint64_t at = s->active->end;
    for (size_t i = 0; i < n;) {
        uint64_t begin = at;
        int count = 0;
        for (int k = 0; k < AT_ONCE && i < n; k++, i++) {
            e[i].frame->stored = (struct gw_stored){s->active->number, (uint32_t)(at / GW_STORE_UNIT)};
            count += lay(s, &e[i], at, wall_minus_mono, &laid[k], v + count);
            at += size_of(&e[i]);
        }
        v[count++] = (struct iovec){(void *)(uintptr_t)zeros, GW_STORE_UNIT};
        if (!gw_store_write(s->conf.io, s->active->fd, v, count, begin))
            return false;
    }
    return true;
}

/* Under state: who finds the record where. */
static void owe(struct gw_store *s, struct gw_store_entry *e)
{
    struct gw_store_segment *a = s->active;
    for (uint32_t left = e->owed; left; left &= left - 1) {
        unsigned r = (unsigned)__builtin_ctz(left);
        struct gw_store_reader *reader = &s->readers[r];
        a->debts[r].owed++;
        if (atomic_load_explicit(&reader->behind, memory_order_relaxed))
            e->memory &= ~(1u << r);
        if (e->memory & 1u << r)
            continue;
        if (!reader->segment) {
            reader->segment = a;
            reader->at = (uint64_t)e->frame->stored.at * GW_STORE_UNIT;
        }
        atomic_store_explicit(&reader->behind, true, memory_order_relaxed);
        a->debts[r].unread++;
        a->debts[r].items.of[e->frame->signal] += e->frame->items;
    }
}

static void publish(struct gw_store *s, struct gw_store_entry *e, size_t n, void (*commit)(void *), void *arg, uint64_t *ticket)
{
    pthread_mutex_lock(&s->state);
    commit(arg);
    for (size_t i = 0; i < n; i++) {
        owe(s, &e[i]);
        s->active->end += size_of(&e[i]);
        s->stats.appended_bytes += size_of(&e[i]);
    }
    s->stats.appended += n;
    s->active->dirty = true;
    *ticket = ++s->ticket;
    pthread_mutex_unlock(&s->state);
}

/* Frames of records that were not written have no place. */
static void forget_places(struct gw_store_entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        e[i].frame->stored = (struct gw_stored){0, 0};
}

enum gw_code gw_store_append(struct gw_store *s, struct gw_store_entry *e, size_t n, void (*commit)(void *), void *arg, uint64_t *ticket,
                             struct gw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct gw_frame *f = e[i].frame;
        e[i].check = gw_store_crc(gw_store_crc(0, f->unjoined, f->unjoined_n * sizeof *f->unjoined), f->data, f->len);
    }
    pthread_mutex_lock(&s->append);
    enum gw_code code = prepare(s, e, n, err);
    if (code == GW_OK && !write_all(s, e, n)) {
        code = trouble(s, err, "write there");
        forget_places(e, n);
    }
    if (code == GW_OK) {
        recovered(s);
        publish(s, e, n, commit, arg, ticket);
    }
    pthread_mutex_unlock(&s->append);
    return code;
}

/* --- durable --- */

enum { MOST_SYNCED = 64 };

static bool owed(const struct gw_store_segment *segment)
{
    for (unsigned r = 0; r < GW_STORE_READERS; r++)
        if (segment->debts[r].owed)
            return true;
    return false;
}

/* Under state: its turn in a round: all that is dirty, or with `aged` what was so at the last round too, and is owed still. */
static bool due(struct gw_store_segment *segment, bool aged)
{
    if (!segment->dirty || (aged && !owed(segment)))
        return segment->was_dirty = false;
    if (aged && !segment->was_dirty) {
        segment->was_dirty = true;
        return false;
    }
    return true;
}

/* Pins what has to be synced. */
static unsigned pick_dirty(struct gw_store *s, bool aged, struct gw_store_segment **out, uint64_t *ticket)
{
    unsigned n = 0;
    pthread_mutex_lock(&s->state);
    for (struct gw_store_segment *segment = s->first; segment && n < MOST_SYNCED; segment = segment->next) {
        if (!due(segment, aged))
            continue;
        segment->dirty = segment->was_dirty = false;
        segment->pins++;
        out[n++] = segment;
    }
    *ticket = s->ticket;
    pthread_mutex_unlock(&s->state);
    return n;
}

static void suspect(struct gw_store *s, struct gw_store_segment *segment)
{
    char name[32];
    int why = errno;
    gw_store_file_name(segment->number, name);
    gw_log(GW_ERROR, "storage", "%s/%s: cannot be brought to the disk: %s. Nothing more is written to it, and it is not used again",
           s->conf.directory, name, strerror(why));
    pthread_mutex_lock(&s->append);
    pause_writing(s);
    pthread_mutex_lock(&s->state);
    segment->suspect = true;
    s->stats.sync_failures++;
    pthread_mutex_unlock(&s->state);
    pthread_mutex_unlock(&s->append);
}

/* One round. More than MOST_SYNCED dirty segments take several. */
static bool sync_round(struct gw_store *s, bool aged, uint64_t *ticket)
{
    struct gw_store_segment *dirty[MOST_SYNCED];
    bool well = true;
    unsigned n;
    do {
        n = pick_dirty(s, aged, dirty, ticket);
        for (unsigned i = 0; i < n; i++)
            if (s->conf.io->sync(dirty[i]->fd) != 0) {
                suspect(s, dirty[i]);
                well = false;
            }
        pthread_mutex_lock(&s->state);
        for (unsigned i = 0; i < n; i++)
            unpin(s, dirty[i]);
        pthread_mutex_unlock(&s->state);
        gw_store_reap(s);
    } while (n == MOST_SYNCED);
    return well;
}

static void tell(struct gw_store *s, uint64_t ticket, bool well)
{
    for (struct gw_store_waiter **at = &s->waiters; *at;) {
        struct gw_store_waiter *w = *at;
        if (w->ticket > ticket) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        w->durable = well;
        w->told = true;
    }
    pthread_cond_broadcast(&s->synced);
}

/* Waits until a round that began after the ticket is over; leads it where nobody does. */
bool gw_store_durable(struct gw_store *s, uint64_t ticket)
{
    struct gw_store_waiter me = {.ticket = ticket};
    pthread_mutex_lock(&s->sync);
    me.next = s->waiters;
    s->waiters = &me;
    while (!me.told) {
        if (s->syncing) {
            pthread_cond_wait(&s->synced, &s->sync);
            continue;
        }
        uint64_t done = 0;
        s->syncing = true;
        pthread_mutex_unlock(&s->sync);
        bool well = sync_round(s, false, &done);
        pthread_mutex_lock(&s->sync);
        s->syncing = false;
        tell(s, done, well);
    }
    pthread_mutex_unlock(&s->sync);
    return me.durable;
}

bool gw_store_sync_aged(struct gw_store *s)
{
    uint64_t ignored;
    return sync_round(s, true, &ignored);
}

bool gw_store_sync(struct gw_store *s)
{
    pthread_mutex_lock(&s->state);
    uint64_t ticket = s->ticket;
    pthread_mutex_unlock(&s->state);
    return gw_store_durable(s, ticket);
}

/* --- through with it --- */

void gw_store_done(struct gw_store *s, unsigned r, struct gw_stored stored)
{
    static const uint8_t mark = GW_STORE_DONE;
    pthread_mutex_lock(&s->state);
    struct gw_store_segment *segment = s->files[stored.segment];
    pthread_mutex_unlock(&s->state);
    uint64_t at = (uint64_t)stored.at * GW_STORE_UNIT + GW_STORE_DONE_AT + (uint64_t)segment->slot[r];
    /* A mark that cannot be written brings the record again after a restart, and nothing worse. */
    if (!gw_store_write_one(s->conf.io, segment->fd, &mark, sizeof mark, at))
        gw_log(GW_WARNING, "storage", "%s: cannot be written: %s: after a restart some data would be sent again", s->conf.directory,
               strerror(errno));
    pthread_mutex_lock(&s->state);
    GW_ASSERT(segment->debts[r].owed > segment->debts[r].unread);
    segment->debts[r].owed--;
    gw_store_try_release(s, segment);
    bool reap = s->released;
    pthread_mutex_unlock(&s->state);
    if (reap)
        gw_store_reap(s);
}

/* --- readers --- */

unsigned gw_store_reader_named(struct gw_store *s, const char *name)
{
    unsigned unused = GW_STORE_READERS;
    for (unsigned r = 0; r < GW_STORE_READERS; r++) {
        if (strcmp(s->readers[r].name, name) == 0)
            return r;
        if (!s->readers[r].name[0] && unused == GW_STORE_READERS)
            unused = r;
    }
    if (unused < GW_STORE_READERS)
        snprintf(s->readers[unused].name, GW_STORE_NAME, "%s", name);
    return unused;
}

/* Under state: nobody reads for the name, nobody who did took anything along, and a segment's head has room for it. */
static bool attachable(const struct gw_store *s, unsigned r)
{
    unsigned attached = 0;
    for (unsigned i = 0; i < GW_STORE_READERS; i++)
        attached += s->readers[i].attached;
    if (attached >= GW_STORE_SLOTS)
        return false;
    for (const struct gw_store_segment *segment = s->first; segment; segment = segment->next)
        if (segment->debts[r].owed != segment->debts[r].unread)
            return false;
    return !s->readers[r].attached;
}

void gw_store_drop_oldest(struct gw_store *s, unsigned r)
{
    pthread_mutex_lock(&s->state);
    s->readers[r].drop_oldest = true;
    pthread_mutex_unlock(&s->state);
}

void gw_store_detach(struct gw_store *s, unsigned r)
{
    pthread_mutex_lock(&s->state);
    struct gw_store_reader *reader = &s->readers[r];
    reader->attached = false;
    reader->segment = NULL;
    atomic_store_explicit(&reader->behind, false, memory_order_relaxed);
    free(reader->window.buffer);
    reader->window = (struct gw_store_window){.fd = -1};
    pthread_mutex_unlock(&s->state);
}

unsigned gw_store_attach(struct gw_store *s, const char *name, bool drop_oldest, struct gw_store_items *owed)
{
    *owed = (struct gw_store_items){{0}};
    pthread_mutex_lock(&s->state);
    unsigned r = gw_store_reader_named(s, name);
    if (r < GW_STORE_READERS && !attachable(s, r))
        r = GW_STORE_READERS;
    if (r < GW_STORE_READERS) {
        struct gw_store_reader *reader = &s->readers[r];
        reader->attached = true;
        reader->drop_oldest = drop_oldest;
        for (struct gw_store_segment *segment = s->first; segment; segment = segment->next) {
            const struct gw_store_debt *debt = &segment->debts[r];
            for (int i = 0; i < GW_SIGNALS; i++)
                owed->of[i] += debt->items.of[i];
            if (!debt->owed || reader->segment)
                continue;
            reader->segment = segment;
            reader->at = GW_STORE_HEAD;
            atomic_store_explicit(&reader->behind, true, memory_order_relaxed);
        }
    }
    pthread_mutex_unlock(&s->state);
    return r;
}

static uint64_t owed_by(const struct gw_store *s, unsigned r)
{
    uint64_t records = 0;
    for (const struct gw_store_segment *segment = s->first; segment; segment = segment->next)
        records += segment->debts[r].owed;
    return records;
}

void gw_store_say_orphans(struct gw_store *s)
{
    pthread_mutex_lock(&s->state);
    for (unsigned r = 0; r < GW_STORE_READERS; r++) {
        uint64_t records = s->readers[r].attached ? 0 : owed_by(s, r);
        if (records)
            gw_log(
                GW_WARNING, "storage",
                "%" PRIu64
                " records wait for exporter %s, which is not configured: they are sent when it is, and dropped when their room is needed",
                records, s->readers[r].name);
    }
    pthread_mutex_unlock(&s->state);
}

void gw_store_stats(struct gw_store *s, struct gw_store_stats *out)
{
    pthread_mutex_lock(&s->state);
    *out = s->stats;
    out->free_segments = s->free_n;
    out->size = s->size;
    out->full = s->full && !s->free && s->size + s->conf.segment_size > s->conf.max_size;
    out->broken = gw_now() < atomic_load_explicit(&s->broken_until, memory_order_relaxed);
    pthread_mutex_unlock(&s->state);
}

/* --- life --- */

static uint64_t fitting_segment(uint64_t max_size)
{
    uint64_t size = max_size / SEGMENTS / LEAST_SEGMENT * LEAST_SEGMENT;
    return size < LEAST_SEGMENT ? LEAST_SEGMENT : size;
}

static struct gw_store *make(const struct gw_store_conf *conf)
{
    struct gw_store *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->conf = *conf;
    s->directory = s->lock_file = -1;
    s->next_sequence = 1;
    if (!s->conf.pause)
        s->conf.pause = GW_SEC;
    if (!s->conf.segment_size)
        s->conf.segment_size = fitting_segment(conf->max_size);
    pthread_mutex_init(&s->append, NULL);
    pthread_mutex_init(&s->state, NULL);
    pthread_mutex_init(&s->sync, NULL);
    pthread_cond_init(&s->synced, NULL);
    return s;
}

static void drop(struct gw_store *s)
{
    for (uint32_t i = 0; i < s->files_n; i++)
        if (s->files[i])
            gw_store_drop_segment(s, s->files[i], false);
    free(s->files);
    for (unsigned r = 0; r < GW_STORE_READERS; r++)
        free(s->readers[r].window.buffer);
    if (s->lock_file >= 0)
        close(s->lock_file);
    if (s->directory >= 0)
        close(s->directory);
    pthread_mutex_destroy(&s->append);
    pthread_mutex_destroy(&s->state);
    pthread_mutex_destroy(&s->sync);
    pthread_cond_destroy(&s->synced);
    free(s);
}

struct gw_store *gw_store_open(const struct gw_store_conf *conf, struct gw_err *err)
{
    struct gw_store *s = make(conf);
    if (!s) {
        gw_fail(err, GW_STORAGE, 0, "no memory");
        return NULL;
    }
    if (gw_store_lock(s, err) == GW_OK && gw_store_recover(s, err) == GW_OK)
        return s;
    drop(s);
    return NULL;
}

void gw_store_close(struct gw_store *s)
{
    if (!s)
        return;
    if (s->active)
        seal(s, s->active);
    s->active = NULL;
    gw_store_reap(s);
    drop(s);
}
