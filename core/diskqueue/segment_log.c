/* segment_log.c: Appends records to the disk queue, marks them as done, and opens and closes the segment log.
 * Owns the list of live segments and decides when one is released. Receiver threads append through the
 * fan-out; each sender's thread reports the records that it has finished.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "core/diskqueue/segment_log.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"

static const uint8_t zeros[GW_SEGMENT_LOG_UNIT];

enum { LEAST_SEGMENT = 1 << 20, SEGMENTS = 256, AT_ONCE = 64 /* records in one system call */ };

/* --- append --- */

static uint64_t size_of(const struct gw_durable_entry *e)
{
    return gw_segment_record_size((uint32_t)e->frame->len, e->frame->pending_ids_n);
}

static bool knows_all(const struct gw_segment *segment, uint32_t readers)
{
    for (; readers; readers &= readers - 1)
        if (segment->slot[__builtin_ctz(readers)] < 0)
            return false;
    return true;
}

/* Under append: an active segment with room. */
static enum gw_code prepare(struct gw_segment_log *s, const struct gw_durable_entry *e, size_t n,
                            struct gw_err *err)
{
    uint64_t need = 0;
    uint32_t readers = 0;
    for (size_t i = 0; i < n; i++) {
        need += size_of(&e[i]);
        readers |= e[i].pending;
    }
    if (s->troubled && s->conf.io->now() < s->trouble_until)
        return gw_fail(err, GW_STORAGE, 0, "cannot write there since a moment ago");
    enum gw_code code = gw_segment_log_look(s) ? GW_OK : gw_segment_log_restore(s, err);
    if (code != GW_OK)
        return code;
    struct gw_segment *a = s->active;
    bool fits = a && !a->suspect && a->end + need + GW_SEGMENT_LOG_UNIT <= a->size && knows_all(a, readers);
    return fits ? GW_OK : gw_segment_log_roll(s, need, err);
}

static uint16_t slots(const struct gw_segment *segment, uint32_t readers)
{
    uint16_t bits = 0;
    for (; readers; readers &= readers - 1)
        bits |= (uint16_t)(1u << segment->slot[__builtin_ctz(readers)]);
    return bits;
}

struct laid {
    uint8_t header[GW_SEGMENT_LOG_UNIT];
};

/* Header, offsets, data and padding of one record. */
static int lay(const struct gw_segment_log *s, const struct gw_durable_entry *e, uint64_t at,
               gw_nsec wall_minus_mono, struct laid *laid, struct iovec *v)
{
    const struct gw_frame *f = e->frame;
    size_t offsets = f->pending_ids_n * sizeof *f->pending_ids, payload = offsets + f->len;
    struct gw_segment_record r = {.at = at,
                                  .len = (uint32_t)f->len,
                                  .items = f->items,
                                  .pending_ids_n = f->pending_ids_n,
                                  .payload_check = e->check,
                                  .wall = f->arrived + wall_minus_mono,
                                  .mono = f->arrived,
                                  .signal = f->signal,
                                  .schema = f->schema,
                                  .pending = slots(s->active, e->pending)};
    gw_segment_record_put(laid->header, &r, s->active->life);
    v[0] = (struct iovec){laid->header, GW_SEGMENT_LOG_UNIT};
    v[1] = (struct iovec){f->pending_ids, offsets};
    v[2] = (struct iovec){f->data, f->len};
    v[3] = (struct iovec){(void *)(uintptr_t)zeros,
                          (GW_SEGMENT_LOG_UNIT - payload % GW_SEGMENT_LOG_UNIT) % GW_SEGMENT_LOG_UNIT};
    return 4;
}

/* Under append: all records, and the mark of the end behind them. */
static bool write_all(struct gw_segment_log *s, struct gw_durable_entry *e, size_t n)
{
    struct laid laid[AT_ONCE];
    struct iovec v[AT_ONCE * 4 + 1];
    gw_nsec wall_minus_mono = s->conf.io->wall() - s->conf.io->now();
    uint64_t at = s->active->end;
    for (size_t i = 0; i < n;) {
        uint64_t begin = at;
        int count = 0;
        for (int k = 0; k < AT_ONCE && i < n; k++, i++) {
            e[i].frame->stored =
                (struct gw_disk_position){s->active->number, (uint32_t)(at / GW_SEGMENT_LOG_UNIT)};
            count += lay(s, &e[i], at, wall_minus_mono, &laid[k], v + count);
            at += size_of(&e[i]);
        }
        v[count++] = (struct iovec){(void *)(uintptr_t)zeros, GW_SEGMENT_LOG_UNIT};
        if (!gw_segment_log_write(s->conf.io, s->active->fd, v, count, begin))
            return false;
    }
    return true;
}

/* Under state: who finds the record where. Adds to *lagging who had everything in memory until now. */
static void add_pending(struct gw_segment_log *s, struct gw_durable_entry *e, uint32_t *lagging)
{
    struct gw_segment *a = s->active;
    for (uint32_t left = e->pending; left; left &= left - 1) {
        unsigned r = (unsigned)__builtin_ctz(left);
        struct gw_segment_log_reader *reader = &s->readers[r];
        a->pending_records[r].pending++;
        if (atomic_load_explicit(&reader->lagging, memory_order_relaxed))
            e->memory &= ~(1u << r);
        if (e->memory & 1u << r)
            continue;
        if (!reader->segment) {
            reader->segment = a;
            reader->at = (uint64_t)e->frame->stored.at * GW_SEGMENT_LOG_UNIT;
        }
        if (!atomic_load_explicit(&reader->lagging, memory_order_relaxed))
            *lagging |= 1u << r;
        atomic_store_explicit(&reader->lagging, true, memory_order_relaxed);
        a->pending_records[r].unread++;
        a->pending_records[r].items.of[e->frame->signal] += e->frame->items;
    }
}

static void publish(struct gw_segment_log *s, struct gw_durable_entry *e, size_t n, void (*commit)(void *),
                    void *arg, uint64_t *ticket, uint32_t *lagging)
{
    *lagging = 0;
    gw_lock(&s->state);
    commit(arg);
    for (size_t i = 0; i < n; i++) {
        add_pending(s, &e[i], lagging);
        s->active->end += size_of(&e[i]);
        s->stats.appended_bytes += size_of(&e[i]);
    }
    s->stats.appended += n;
    s->active->dirty = true;
    *ticket = ++s->ticket;
    gw_unlock(&s->state);
}

/* Frames of records that were not written have no place. */
static void forget_places(struct gw_durable_entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        e[i].frame->stored = (struct gw_disk_position){0, 0};
}

enum gw_code gw_segment_log_append(struct gw_segment_log *s, struct gw_durable_entry *e, size_t n,
                                   void (*commit)(void *), void *arg, uint64_t *ticket, uint32_t *lagging,
                                   struct gw_err *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct gw_frame *f = e[i].frame;
        e[i].check = gw_segment_log_crc(
            gw_segment_log_crc(0, f->pending_ids, f->pending_ids_n * sizeof *f->pending_ids), f->data,
            f->len);
    }
    gw_lock(&s->append);
    enum gw_code code = prepare(s, e, n, err);
    if (code == GW_OK && !write_all(s, e, n)) {
        code = gw_segment_log_trouble(s, err, "write there");
        forget_places(e, n);
        gw_segment_log_abandon_tail(s);
    }
    if (code == GW_OK) {
        gw_segment_log_recovered(s);
        publish(s, e, n, commit, arg, ticket, lagging);
    }
    struct gw_segment_log_events events = gw_segment_log_take_events(s);
    gw_unlock(&s->append);
    gw_segment_log_report_events(s, &events);
    return code;
}

/* --- through with it --- */

void gw_segment_log_ack(struct gw_segment_log *s, unsigned r, struct gw_disk_position stored)
{
    static const uint8_t mark = GW_SEGMENT_LOG_ACKED;
    gw_lock(&s->state);
    struct gw_segment *segment = s->files[stored.segment];
    gw_unlock(&s->state);
    uint64_t at =
        (uint64_t)stored.at * GW_SEGMENT_LOG_UNIT + GW_SEGMENT_LOG_ACK_OFFSET + (uint64_t)segment->slot[r];
    /* A mark that cannot be written brings the record again after a restart, and nothing worse. */
    if (!gw_segment_log_write_one(s->conf.io, segment->fd, &mark, sizeof mark, at))
        gw_log(GW_WARNING, "storage",
               "%s: cannot be written: %s: after a restart some data would be sent again", s->conf.directory,
               strerror(errno));
    gw_lock(&s->state);
    GW_ASSERT(segment->pending_records[r].pending > segment->pending_records[r].unread);
    segment->pending_records[r].pending--;
    gw_segment_log_try_release(s, segment);
    bool reap = s->released;
    gw_unlock(&s->state);
    if (reap)
        gw_segment_log_reap(s);
}

/* --- life --- */

static uint64_t fitting_segment(uint64_t max_size)
{
    uint64_t size = max_size / SEGMENTS / LEAST_SEGMENT * LEAST_SEGMENT;
    return size < LEAST_SEGMENT ? LEAST_SEGMENT : size;
}

static struct gw_segment_log *make(const struct gw_segment_log_conf *conf)
{
    struct gw_segment_log *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->conf = *conf;
    s->directory = s->lock_file = -1;
    s->next_sequence = 1;
    if (!s->conf.pause)
        s->conf.pause = GW_SEC;
    if (!s->conf.segment_size)
        s->conf.segment_size = fitting_segment(conf->max_size);
    gw_lock_init(&s->append, GW_LOCK_SEGMENT_APPEND);
    gw_lock_init(&s->state, GW_LOCK_SEGMENT_STATE);
    gw_lock_init(&s->sync, GW_LOCK_SEGMENT_SYNC);
    gw_cond_init(&s->synced);
    return s;
}

static void drop(struct gw_segment_log *s)
{
    for (uint32_t i = 0; i < s->files_n; i++)
        if (s->files[i])
            gw_segment_log_drop_segment(s, s->files[i], false);
    free(s->files);
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        free(s->readers[r].window.buffer);
    if (s->lock_file >= 0)
        close(s->lock_file);
    if (s->directory >= 0)
        close(s->directory);
    gw_lock_fini(&s->append);
    gw_lock_fini(&s->state);
    gw_lock_fini(&s->sync);
    pthread_cond_destroy(&s->synced);
    free(s);
}

struct gw_segment_log *gw_segment_log_open(const struct gw_segment_log_conf *conf, struct gw_err *err)
{
    struct gw_segment_log *s = make(conf);
    if (!s) {
        gw_fail(err, GW_STORAGE, 0, "no memory");
        return NULL;
    }
    if (gw_segment_log_lock(s, err) == GW_OK && gw_segment_log_recover(s, err) == GW_OK)
        return s;
    drop(s);
    return NULL;
}

void gw_segment_log_close(struct gw_segment_log *s)
{
    if (!s)
        return;
    if (s->active)
        gw_segment_log_seal(s, s->active);
    s->active = NULL;
    gw_segment_log_reap(s);
    drop(s);
}
