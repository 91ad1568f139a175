/* segment_read.c: Reads records back from the disk for an exporter that is behind, in order of arrival. Owns
 * nothing: each reader has its own window. Called by that exporter's sender, on its thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"
#include "core/diskqueue/segment_scan.h"

/* The reader's position when it was last read. */
struct place {
    struct gw_segment *segment; /* pinned */
    uint64_t at, end;
    unsigned moved;
};

/* Under state: records that are pending for the reader but cannot be found in the segment. */
static bool write_off(struct gw_segment *segment, unsigned r, struct gw_segment_log_items *lost)
{
    struct gw_segment_log_pending *pending_record = &segment->pending_records[r];
    if (!pending_record->unread)
        return false;
    *lost = pending_record->items;
    pending_record->pending -= pending_record->unread;
    pending_record->unread = 0;
    pending_record->items = (struct gw_segment_log_items){{0}};
    return true;
}

/* Under state. */
static void catch_up(struct gw_segment_log_reader *reader)
{
    reader->segment = NULL;
    atomic_store_explicit(&reader->lagging, false, memory_order_relaxed);
    free(reader->window.buffer);
    reader->window = (struct gw_segment_log_window){.fd = -1};
}

/* Under state: moves on to a segment with unread records. GW_SEGMENT_LOG_FRAME: there is one, and it is
 * pinned. */
static enum gw_segment_log_next seek(struct gw_segment_log *s, unsigned r, struct place *p,
                                     struct gw_segment_log_items *lost)
{
    struct gw_segment_log_reader *reader = &s->readers[r];
    for (struct gw_segment *at; (at = reader->segment);) {
        if (at->pending_records[r].unread && reader->at < at->end) {
            at->pins++;
            *p = (struct place){at, reader->at, at->end, reader->moved};
            return GW_SEGMENT_LOG_FRAME;
        }
        bool damaged = write_off(at, r, lost);
        reader->segment = at->next;
        reader->at = GW_SEGMENT_LOG_HEAD;
        gw_segment_log_try_release(s, at);
        if (damaged)
            return GW_SEGMENT_LOG_DAMAGED;
    }
    catch_up(reader);
    return GW_SEGMENT_LOG_CAUGHT_UP;
}

static bool look_at(struct gw_segment_log *s, struct gw_segment_log_reader *reader, const struct place *p)
{
    struct gw_segment_log_window *w = &reader->window;
    if (!w->buffer && !(w->buffer = malloc(GW_SEGMENT_LOG_WINDOW)))
        return false;
    w->io = s->conf.io;
    w->size = GW_SEGMENT_LOG_WINDOW;
    if (w->fd != p->segment->fd || reader->window_life != p->segment->life)
        gw_segment_log_window_set(w, p->segment->fd, p->end);
    w->end = p->end; /* appending does not change the buffered bytes */
    reader->window_life = p->segment->life;
    return true;
}

/* What cannot be read now may be read in a moment: nothing is given up before that has lasted. */
static bool may_be_read_later(struct gw_segment_log *s, struct gw_segment_log_reader *reader)
{
    static const gw_nsec LASTING = 60 * GW_SEC;
    gw_nsec now = s->conf.io->now();
    if (!reader->window.failed) {
        reader->failing_since = 0;
        return false;
    }
    reader->window.failed = false;
    if (!reader->failing_since) {
        reader->failing_since = now;
        gw_log(GW_WARNING, "storage", "%s: cannot be read: %s. ddgate tries again for a minute",
               s->conf.directory, strerror(errno));
    }
    return now - reader->failing_since < LASTING;
}

/* The next record from p->at that is pending for the reader; false when there is none before the end, or the
 * disk cannot be read: then p->at stays. */
static bool find_pending(struct gw_segment_log *s, unsigned r, struct place *p,
                         struct gw_segment_record *record)
{
    struct gw_segment_log_window *w = &s->readers[r].window;
    uint64_t life = p->segment->life;
    unsigned slot = (unsigned)p->segment->slot[r];
    while (p->at < p->end) {
        if (!gw_segment_log_header(w, life, p->at, record)) {
            uint64_t from = p->at;
            if (may_be_read_later(s, &s->readers[r]))
                return false;
            uint64_t next =
                gw_segment_log_find(w, life, from + GW_SEGMENT_LOG_UNIT, record) ? record->at : p->end;
            if (may_be_read_later(s, &s->readers[r]))
                return false;
            p->at = next;
            if (!p->segment->recovered)
                gw_segment_log_report_damage(s, p->segment->number, from, p->at - from,
                                             "no record can be read here");
            continue;
        }
        if (record->pending & 1u << slot && record->done[slot] != GW_SEGMENT_LOG_ACKED)
            return true;
        p->at += gw_segment_record_size(record->len, record->pending_ids_n);
    }
    return false;
}

gw_nsec gw_segment_log_arrival(const struct gw_segment_record *r, bool same_boot, gw_nsec now, gw_nsec wall)
{
    gw_nsec age = same_boot ? now - r->mono : wall - r->wall;
    if (age < 0)
        age = 0;
    return now - (age < GW_SEGMENT_LOG_OLDEST ? age : GW_SEGMENT_LOG_OLDEST);
}

static bool offsets_fit(const struct gw_segment_record *r, const uint32_t *offsets)
{
    for (uint32_t i = 0; i < r->pending_ids_n; i++)
        if (r->len < 16 || offsets[i] > r->len - 16)
            return false;
    return true;
}

/* GW_SEGMENT_LOG_FRAME, GW_SEGMENT_LOG_DAMAGED or GW_SEGMENT_LOG_NO_MEMORY. */
static enum gw_segment_log_next load(struct gw_segment_log_window *w, const struct gw_segment_record *r,
                                     bool same_boot, struct gw_frame **out)
{
    size_t offsets_size = r->pending_ids_n * sizeof(uint32_t);
    uint8_t *data = malloc(r->len ? r->len : 1);
    uint32_t *offsets = offsets_size ? malloc(offsets_size) : NULL;
    enum gw_segment_log_next is =
        data && (offsets || !offsets_size) ? GW_SEGMENT_LOG_FRAME : GW_SEGMENT_LOG_NO_MEMORY;
    *out = NULL;
    if (is == GW_SEGMENT_LOG_FRAME &&
        (!gw_segment_log_copy(w, r->at + GW_SEGMENT_LOG_UNIT, offsets, offsets_size) ||
         !gw_segment_log_copy(w, r->at + GW_SEGMENT_LOG_UNIT + offsets_size, data, r->len) ||
         gw_segment_log_crc(gw_segment_log_crc(0, offsets, offsets_size), data, r->len) != r->payload_check ||
         !offsets_fit(r, offsets)))
        is = GW_SEGMENT_LOG_DAMAGED;
    if (is == GW_SEGMENT_LOG_FRAME &&
        !(*out = gw_frame_new(r->signal, r->schema, data, r->len, r->len, r->items)))
        is = GW_SEGMENT_LOG_NO_MEMORY;
    if (is != GW_SEGMENT_LOG_FRAME) {
        free(data);
        free(offsets);
        return is;
    }
    (*out)->arrived = gw_segment_log_arrival(r, same_boot, w->io->now(), w->io->wall());
    if (offsets)
        gw_frame_pending_ids(*out, offsets, r->pending_ids_n);
    return is;
}

/* Under state: the reader has the record, or it is lost. False when the counts show no pending record: the
 * disk was changed from outside. */
static bool pass(struct gw_segment_log_reader *reader, unsigned r, const struct place *p,
                 const struct gw_segment_record *record)
{
    struct gw_segment_log_pending *pending_record = &p->segment->pending_records[r];
    reader->at = record->at + gw_segment_record_size(record->len, record->pending_ids_n);
    if (!pending_record->unread || pending_record->items.of[record->signal] < record->items)
        return false;
    pending_record->unread--;
    pending_record->items.of[record->signal] -= record->items;
    return true;
}

/* Ends a lookup: true when it is valid, because no other thread moved the reader meanwhile. */
static bool settle(struct gw_segment_log *s, unsigned r, const struct place *p,
                   const struct gw_segment_record *record)
{
    struct gw_segment_log_reader *reader = &s->readers[r];
    gw_lock(&s->state);
    bool holds = reader->moved == p->moved && reader->segment == p->segment;
    if (holds && record)
        holds = pass(reader, r, p, record);
    else if (holds)
        reader->at = p->at;
    p->segment->pins--;
    gw_segment_log_try_release(s, p->segment);
    gw_unlock(&s->state);
    return holds;
}

/* One look. GW_SEGMENT_LOG_CAUGHT_UP here means: look again. */
static enum gw_segment_log_next read_one(struct gw_segment_log *s, unsigned r, struct place *p,
                                         struct gw_segment_log_got *got)
{
    struct gw_segment_record record;
    struct gw_segment_log_reader *reader = &s->readers[r];
    enum gw_segment_log_next is = GW_SEGMENT_LOG_NO_MEMORY;
    struct gw_disk_position stored = {p->segment->number, 0};
    if (look_at(s, reader, p)) {
        if (!find_pending(s, r, p, &record)) {
            settle(s, r, p, NULL);
            return reader->failing_since && p->at < p->end ? GW_SEGMENT_LOG_NO_MEMORY
                                                           : GW_SEGMENT_LOG_CAUGHT_UP;
        }
        is = load(&reader->window, &record, p->segment->same_boot, &got->frame);
        stored.at = (uint32_t)(record.at / GW_SEGMENT_LOG_UNIT);
        if (is == GW_SEGMENT_LOG_DAMAGED && may_be_read_later(s, reader))
            is = GW_SEGMENT_LOG_NO_MEMORY;
        else if (is == GW_SEGMENT_LOG_FRAME)
            reader->failing_since = 0;
    }
    if (is == GW_SEGMENT_LOG_DAMAGED)
        gw_segment_log_report_damage(s, stored.segment, record.at,
                                     gw_segment_record_size(record.len, record.pending_ids_n),
                                     "the record's data is damaged");
    if (!settle(s, r, p, is == GW_SEGMENT_LOG_NO_MEMORY ? NULL : &record)) {
        gw_frame_drop(got->frame);
        return GW_SEGMENT_LOG_CAUGHT_UP;
    }
    if (is == GW_SEGMENT_LOG_FRAME)
        got->frame->stored = stored;
    if (is == GW_SEGMENT_LOG_DAMAGED) {
        got->lost.of[record.signal] = record.items;
        gw_segment_log_ack(s, r, stored);
    }
    return is;
}

enum gw_segment_log_next gw_segment_log_next(struct gw_segment_log *s, unsigned r,
                                             struct gw_segment_log_got *got)
{
    for (;;) {
        struct place p;
        *got = (struct gw_segment_log_got){NULL, {{0}}};
        gw_lock(&s->state);
        enum gw_segment_log_next is = seek(s, r, &p, &got->lost);
        gw_unlock(&s->state);
        if (is != GW_SEGMENT_LOG_FRAME) {
            gw_segment_log_reap(s);
            return is;
        }
        is = read_one(s, r, &p, got);
        if (is != GW_SEGMENT_LOG_CAUGHT_UP)
            return is;
    }
}

bool gw_segment_log_lagging(const struct gw_segment_log *s, unsigned reader)
{
    return atomic_load_explicit(&s->readers[reader].lagging, memory_order_relaxed);
}
