/* segment_read.c: the way back from the disk, of a reader that is behind.
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdatomic.h>
#include <stdlib.h>

#include "core/diskqueue/segment_log_internal.h"
#include "core/diskqueue/segment_scan.h"

/* Where the reader stood when it last looked. */
struct place {
    struct gw_store_segment *segment; /* pinned */
    uint64_t at, end;
    unsigned moved;
};

/* Under state: what the reader owes of the segment and cannot be found there. */
static bool write_off(struct gw_store_segment *segment, unsigned r, struct gw_store_items *lost)
{
    struct gw_store_debt *debt = &segment->debts[r];
    if (!debt->unread)
        return false;
    *lost = debt->items;
    debt->owed -= debt->unread;
    debt->unread = 0;
    debt->items = (struct gw_store_items){{0}};
    return true;
}

/* Under state. */
static void become_level(struct gw_store_reader *reader)
{
    reader->segment = NULL;
    atomic_store_explicit(&reader->behind, false, memory_order_relaxed);
    free(reader->window.buffer);
    reader->window = (struct gw_store_window){.fd = -1};
}

/* Under state: goes on to a segment with something to read. GW_STORE_FRAME: there is one, and it is pinned. */
static enum gw_store_next seek(struct gw_store *s, unsigned r, struct place *p, struct gw_store_items *lost)
{
    struct gw_store_reader *reader = &s->readers[r];
    for (struct gw_store_segment *at; (at = reader->segment);) {
        if (at->debts[r].unread && reader->at < at->end) {
            at->pins++;
            *p = (struct place){at, reader->at, at->end, reader->moved};
            return GW_STORE_FRAME;
        }
        bool damaged = write_off(at, r, lost);
        reader->segment = at->next;
        reader->at = GW_STORE_HEAD;
        gw_store_try_release(s, at);
        if (damaged)
            return GW_STORE_DAMAGED;
    }
    become_level(reader);
    return GW_STORE_LEVEL;
}

static bool look_at(struct gw_store *s, struct gw_store_reader *reader, const struct place *p)
{
    struct gw_store_window *w = &reader->window;
    if (!w->buffer && !(w->buffer = malloc(GW_STORE_WINDOW)))
        return false;
    w->io = s->conf.io;
    w->size = GW_STORE_WINDOW;
    if (w->fd != p->segment->fd || reader->window_life != p->segment->life)
        gw_store_window_set(w, p->segment->fd, p->end);
    w->end = p->end; /* what was buffered does not change when more is appended */
    reader->window_life = p->segment->life;
    return true;
}

/* The next record from p->at that the reader owes; false when there is none up to the end. */
static bool find_owed(struct gw_store *s, unsigned r, struct place *p, struct gw_store_record *record)
{
    struct gw_store_window *w = &s->readers[r].window;
    uint64_t life = p->segment->life;
    unsigned slot = (unsigned)p->segment->slot[r];
    while (p->at < p->end) {
        if (!gw_store_header(w, life, p->at, record)) {
            uint64_t from = p->at;
            p->at = gw_store_find(w, life, from + GW_STORE_UNIT, record) ? record->at : p->end;
            if (!p->segment->recovered)
                gw_store_say_damage(s, p->segment->number, from, p->at - from, "no record can be read here");
            continue;
        }
        if (record->owed & 1u << slot && record->done[slot] != GW_STORE_DONE)
            return true;
        p->at += gw_store_record_size(record->len, record->unjoined_n);
    }
    return false;
}

gw_nsec gw_store_arrival(const struct gw_store_record *r, bool same_boot, gw_nsec now, gw_nsec wall)
{
    gw_nsec age = same_boot ? now - r->mono : wall - r->wall;
    if (age < 0)
        age = 0;
    return now - (age < GW_STORE_OLDEST ? age : GW_STORE_OLDEST);
}

static bool offsets_fit(const struct gw_store_record *r, const uint32_t *offsets)
{
    for (uint32_t i = 0; i < r->unjoined_n; i++)
        if (r->len < 16 || offsets[i] > r->len - 16)
            return false;
    return true;
}

/* GW_STORE_FRAME, GW_STORE_DAMAGED or GW_STORE_NO_MEMORY. */
static enum gw_store_next load(struct gw_store_window *w, const struct gw_store_record *r, bool same_boot, struct gw_frame **out)
{
    size_t offsets_size = r->unjoined_n * sizeof(uint32_t);
    uint8_t *data = malloc(r->len ? r->len : 1);
    uint32_t *offsets = offsets_size ? malloc(offsets_size) : NULL;
    enum gw_store_next is = data && (offsets || !offsets_size) ? GW_STORE_FRAME : GW_STORE_NO_MEMORY;
    *out = NULL;
    if (is == GW_STORE_FRAME &&
        (!gw_store_copy(w, r->at + GW_STORE_UNIT, offsets, offsets_size) ||
         !gw_store_copy(w, r->at + GW_STORE_UNIT + offsets_size, data, r->len) ||
         gw_store_crc(gw_store_crc(0, offsets, offsets_size), data, r->len) != r->payload_check || !offsets_fit(r, offsets)))
        is = GW_STORE_DAMAGED;
    if (is == GW_STORE_FRAME && !(*out = gw_frame_new(r->signal, r->rendering, data, r->len, r->len, r->items)))
        is = GW_STORE_NO_MEMORY;
    if (is != GW_STORE_FRAME) {
        free(data);
        free(offsets);
        return is;
    }
    (*out)->arrived = gw_store_arrival(r, same_boot, gw_now(), gw_wall());
    if (offsets)
        gw_frame_unjoined(*out, offsets, r->unjoined_n);
    return is;
}

/* Under state: the record is in the reader's hands, or lost. False when the books say that nobody owes it: the disk changed under us. */
static bool pass(struct gw_store_reader *reader, unsigned r, const struct place *p, const struct gw_store_record *record)
{
    struct gw_store_debt *debt = &p->segment->debts[r];
    reader->at = record->at + gw_store_record_size(record->len, record->unjoined_n);
    if (!debt->unread || debt->items.of[record->signal] < record->items)
        return false;
    debt->unread--;
    debt->items.of[record->signal] -= record->items;
    return true;
}

/* Ends a look: true when it holds, for nobody moved the reader meanwhile. */
static bool settle(struct gw_store *s, unsigned r, const struct place *p, const struct gw_store_record *record)
{
    struct gw_store_reader *reader = &s->readers[r];
    pthread_mutex_lock(&s->state);
    bool holds = reader->moved == p->moved && reader->segment == p->segment;
    if (holds && record)
        holds = pass(reader, r, p, record);
    else if (holds)
        reader->at = p->at;
    p->segment->pins--;
    gw_store_try_release(s, p->segment);
    pthread_mutex_unlock(&s->state);
    return holds;
}

/* One look. GW_STORE_LEVEL here means: look again. */
static enum gw_store_next read_one(struct gw_store *s, unsigned r, struct place *p, struct gw_store_got *got)
{
    struct gw_store_record record;
    struct gw_store_reader *reader = &s->readers[r];
    enum gw_store_next is = GW_STORE_NO_MEMORY;
    struct gw_stored stored = {p->segment->number, 0};
    if (look_at(s, reader, p)) {
        if (!find_owed(s, r, p, &record)) {
            settle(s, r, p, NULL);
            return GW_STORE_LEVEL;
        }
        is = load(&reader->window, &record, p->segment->same_boot, &got->frame);
        stored.at = (uint32_t)(record.at / GW_STORE_UNIT);
    }
    if (is == GW_STORE_DAMAGED)
        gw_store_say_damage(s, stored.segment, record.at, gw_store_record_size(record.len, record.unjoined_n),
                            "the record's data is damaged");
    if (!settle(s, r, p, is == GW_STORE_NO_MEMORY ? NULL : &record)) {
        gw_frame_drop(got->frame);
        return GW_STORE_LEVEL;
    }
    if (is == GW_STORE_FRAME)
        got->frame->stored = stored;
    if (is == GW_STORE_DAMAGED) {
        got->lost.of[record.signal] = record.items;
        gw_store_done(s, r, stored);
    }
    return is;
}

enum gw_store_next gw_store_next(struct gw_store *s, unsigned r, struct gw_store_got *got)
{
    for (;;) {
        struct place p;
        *got = (struct gw_store_got){NULL, {{0}}};
        pthread_mutex_lock(&s->state);
        enum gw_store_next is = seek(s, r, &p, &got->lost);
        pthread_mutex_unlock(&s->state);
        if (is != GW_STORE_FRAME) {
            gw_store_reap(s);
            return is;
        }
        is = read_one(s, r, &p, got);
        if (is != GW_STORE_LEVEL)
            return is;
    }
}

bool gw_store_behind(const struct gw_store *s, unsigned reader)
{
    return atomic_load_explicit(&s->readers[reader].behind, memory_order_relaxed);
}
