/* recent.c: The ring of recent entries: writing at its head, evicting at its tail, copying out of it. Owns the
 * ring, the one of the process. Called by receivers, the fan-out and senders, which put, and by the API on the
 * admin listener's threads, which reads.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/recent.h"

#include <stdlib.h>

#include "core/base/budget.h"
#include "core/base/lock.h"

enum { ALIGN = 8, PAD = 0xFF };

/* An entry in the ring, before its texts; every size is a multiple of ALIGN, so that a place before the end of
 * the buffer has room for the first eight bytes, which say how much there is to skip. */
struct record {
    uint32_t size;
    uint8_t kind, signal, schema, code;
    uint32_t is_first, lens[GW_RECENT_PARTS];
    uint64_t number, link, count;
    int64_t time;
};

static struct {
    struct gw_lock lock;
    struct gw_budget *budget;
    size_t bytes;
    bool always;
    gw_nsec until; /* somebody looks; monotonic */
    char *ring;    /* NULL: there is none */
    /* places, in bytes since the start: the oldest entry, and where the next one comes */
    uint64_t tail, head;
    uint64_t next, left_out;
} recent = {.lock = GW_LOCK_STATIC(RECENT), .next = 1};

atomic_bool gw_recent_is_wanted;
static _Thread_local uint64_t request; /* of this thread, that is being handled */

/* --- life --- */

/* Under the lock. */
static void begin(void)
{
    if (recent.ring || !recent.bytes)
        return;
    if (recent.budget && !gw_budget_take(recent.budget, recent.bytes))
        return;
    recent.ring = malloc(recent.bytes);
    if (!recent.ring && recent.budget)
        gw_budget_give(recent.budget, recent.bytes);
    atomic_store_explicit(&gw_recent_is_wanted, recent.ring, memory_order_relaxed);
}

/* Under the lock. */
static void end(void)
{
    atomic_store_explicit(&gw_recent_is_wanted, false, memory_order_relaxed);
    if (recent.ring && recent.budget)
        gw_budget_give(recent.budget, recent.bytes);
    free(recent.ring);
    recent.ring = NULL;
    recent.tail = recent.head; /* places go on, so that a cursor of before is none of what comes */
}

void gw_recent_open(struct gw_budget *budget, size_t bytes, bool always)
{
    gw_lock(&recent.lock);
    recent.budget = budget;
    recent.bytes = bytes / ALIGN * ALIGN;
    recent.always = always;
    recent.until = 0;
    if (always)
        begin();
    gw_unlock(&recent.lock);
}

void gw_recent_close(void)
{
    gw_lock(&recent.lock);
    end();
    recent.budget = NULL;
    recent.bytes = 0;
    recent.always = false;
    gw_unlock(&recent.lock);
}

void gw_recent_look(gw_nsec now)
{
    gw_lock(&recent.lock);
    recent.until = now + GW_RECENT_LOOK;
    begin();
    gw_unlock(&recent.lock);
}

gw_nsec gw_recent_tidy(gw_nsec now)
{
    gw_lock(&recent.lock);
    if (recent.ring && !recent.always && now >= recent.until)
        end();
    gw_nsec again = recent.ring && !recent.always ? recent.until : GW_NEVER;
    gw_unlock(&recent.lock);
    return again;
}

/* --- the ring; under the lock --- */

static struct record *at(uint64_t position)
{
    return (struct record *)(recent.ring + position % recent.bytes);
}

/* The place behind what stands at a place. */
static uint64_t behind(uint64_t position)
{
    return position + at(position)->size;
}

/* Passes over what only fills the end of the buffer. */
static uint64_t over_pad(uint64_t position)
{
    return position < recent.head && at(position)->kind == PAD ? behind(position) : position;
}

static void make_room(size_t size)
{
    while (recent.head + size - recent.tail > recent.bytes)
        recent.tail = behind(recent.tail);
}

/* A place for an entry that does not go round the end of the buffer. */
static uint64_t place_for(size_t size)
{
    size_t rest = recent.bytes - recent.head % recent.bytes;
    if (size > rest) {
        make_room(rest);
        at(recent.head)->size = (uint32_t)rest;
        at(recent.head)->kind = PAD;
        recent.head += rest;
    }
    make_room(size);
    return recent.head;
}

static size_t size_of(const struct gw_recent_entry *e)
{
    size_t size = sizeof(struct record);
    for (size_t i = 0; i < GW_RECENT_PARTS; i++)
        size += e->parts[i].len;
    return (size + ALIGN - 1) / ALIGN * ALIGN;
}

static void write_at(uint64_t position, size_t size, const struct gw_recent_entry *e)
{
    struct record *r = at(position);
    char *to = (char *)(r + 1);
    *r = (struct record){.size = (uint32_t)size,
                         .kind = (uint8_t)e->kind,
                         .signal = e->signal,
                         .schema = e->schema,
                         .code = e->code,
                         .is_first = e->is_first,
                         .number = recent.next++,
                         .link = e->link,
                         .count = e->count,
                         .time = e->time ? e->time : gw_wall()};
    for (size_t i = 0; i < GW_RECENT_PARTS; i++) {
        r->lens[i] = (uint32_t)e->parts[i].len;
        if (e->parts[i].len)
            memcpy(to, e->parts[i].ptr, e->parts[i].len);
        to += e->parts[i].len;
    }
}

uint64_t gw_recent_put(const struct gw_recent_entry *e)
{
    size_t size = size_of(e);
    uint64_t number = 0;
    gw_lock(&recent.lock);
    if (recent.ring && size <= recent.bytes / 2) {
        number = recent.next;
        uint64_t position = place_for(size);
        write_at(position, size, e);
        recent.head += size;
    } else if (recent.ring) {
        recent.left_out++;
    }
    gw_unlock(&recent.lock);
    return number;
}

void gw_recent_begin(const struct gw_recent_entry *e)
{
    request = gw_recent_put(e);
}

void gw_recent_end(void)
{
    request = 0;
}

uint64_t gw_recent_request(void)
{
    return request;
}

void gw_recent_dropped(uint64_t frame, uint8_t signal, const char *exporter, const char *reason)
{
    if (frame && gw_recent_wanted())
        gw_recent_put(&(struct gw_recent_entry){
            .kind = GW_RECENT_ANSWER,
            .link = frame,
            .signal = signal,
            .code = GW_RECENT_DROPPED,
            .parts = {[GW_ANSWER_EXPORTER] = gw_str_z(exporter), [GW_ANSWER_TEXT] = gw_str_z(reason)}});
}

/* --- readers --- */

struct gw_recent_state_of_ring gw_recent_state(void)
{
    gw_lock(&recent.lock);
    struct gw_recent_state_of_ring s = {.filling = recent.ring,
                                        .bytes = recent.bytes,
                                        .used = (size_t)(recent.head - recent.tail),
                                        .first = recent.next,
                                        .next = recent.next,
                                        .left_out = recent.left_out};
    uint64_t oldest = recent.ring ? over_pad(recent.tail) : recent.head;
    if (oldest < recent.head) {
        s.oldest = at(oldest)->time;
        s.first = at(oldest)->number;
    }
    gw_unlock(&recent.lock);
    return s;
}

/* The cursor's place if nothing there was replaced, else that of the first entry from its number on. */
static uint64_t seek(const struct gw_recent_cursor *c)
{
    uint64_t position = c->position;
    if (position && position <= recent.head && position >= recent.tail) {
        position = over_pad(position);
        if (position == recent.head || at(position)->number == c->number)
            return position;
    }
    for (position = over_pad(recent.tail); position < recent.head && at(position)->number < c->number;)
        position = over_pad(behind(position));
    return position;
}

size_t gw_recent_read(struct gw_recent_cursor *c, void *page, size_t size, size_t *larger)
{
    size_t n = 0;
    *larger = 0;
    gw_lock(&recent.lock);
    uint64_t position = recent.ring ? seek(c) : recent.head;
    while (position < recent.head && at(position)->size <= size - n) {
        memcpy((char *)page + n, at(position), at(position)->size);
        n += at(position)->size;
        c->number = at(position)->number + 1;
        position = over_pad(behind(position));
    }
    if (n == 0 && position < recent.head)
        *larger = at(position)->size;
    c->position = position;
    gw_unlock(&recent.lock);
    return n;
}

bool gw_recent_take(const void *page, size_t size, size_t *from, struct gw_recent_entry *out)
{
    if (*from >= size)
        return false;
    const struct record *r = (const struct record *)((const char *)page + *from);
    const char *text = (const char *)(r + 1);
    *out = (struct gw_recent_entry){.kind = (enum gw_recent_kind)r->kind,
                                    .number = r->number,
                                    .link = r->link,
                                    .time = r->time,
                                    .signal = r->signal,
                                    .schema = r->schema,
                                    .code = r->code,
                                    .is_first = r->is_first,
                                    .count = r->count};
    for (size_t i = 0; i < GW_RECENT_PARTS; i++) {
        out->parts[i] = gw_str_n(text, r->lens[i]);
        text += r->lens[i];
    }
    *from += r->size;
    return true;
}

bool gw_recent_find(uint64_t number, struct gw_recent_entry *out, void **copy)
{
    const struct gw_recent_cursor c = {.number = number};
    size_t size = 0, from = 0;
    *copy = NULL;
    gw_lock(&recent.lock);
    uint64_t position = recent.ring ? seek(&c) : recent.head;
    if (position < recent.head && at(position)->number == number && (*copy = malloc(at(position)->size))) {
        size = at(position)->size;
        memcpy(*copy, at(position), size);
    }
    gw_unlock(&recent.lock);
    return gw_recent_take(*copy, size, &from, out);
}
