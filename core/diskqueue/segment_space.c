/* segment_space.c: Decides where the next record goes: starts and ends segments, makes room, and pauses while
 * the disk refuses writes. Owns nothing: the segments belong to the segment log. Called by append
 * (segment_log.c), under the append lock where a comment says so. It notes what must be logged; append logs it
 * when it holds no lock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"

/* how long a failure counts for callers that check: senders try again meanwhile */
static const gw_nsec remembered = 5 * GW_SEC;

/* Under append. */
void gw_segment_log_pause(struct gw_segment_log *s)
{
    s->troubled = true;
    s->trouble_until = s->conf.io->now() + s->conf.pause;
    atomic_store_explicit(&s->broken_until, s->trouble_until + remembered, memory_order_relaxed);
}

/* Under append: the events, cleared where they were logged already. */
static struct gw_segment_log_events *noted(struct gw_segment_log *s)
{
    if (!s->events.any)
        s->events = (struct gw_segment_log_events){.any = true};
    return &s->events;
}

struct gw_segment_log_events gw_segment_log_take_events(struct gw_segment_log *s)
{
    struct gw_segment_log_events events = {.any = false};
    if (s->events.any)
        events = s->events;
    s->events.any = false;
    return events;
}

void gw_segment_log_note_restored(struct gw_segment_log *s)
{
    noted(s)->restored = true;
    noted(s)->segments = s->restored;
    s->restored = 0;
}

void gw_segment_log_report_events(struct gw_segment_log *s, const struct gw_segment_log_events *e)
{
    if (!e->any)
        return;
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        if (e->given_up[r])
            gw_log(GW_WARNING, "storage",
                   "the disk queue is full: %u records for exporter %s, which is not configured, are dropped",
                   (unsigned)e->given_up[r], s->readers[r].name);
    if (e->trouble)
        gw_log(GW_ERROR, "storage",
               "%s: cannot %s: %s. Senders get 429 and keep their data until it works again",
               s->conf.directory, e->trouble, strerror(e->why));
    if (e->restored)
        gw_log(GW_WARNING, "storage",
               "%s or files in it were deleted or moved while ddgate uses them: they are created again with "
               "all undelivered data (%u segments)",
               s->conf.directory, e->segments);
    if (e->works)
        gw_log(GW_INFO, "storage", "%s can be written again", s->conf.directory);
}

/* Under append. */
enum gw_code gw_segment_log_trouble(struct gw_segment_log *s, struct gw_err *err, const char *doing)
{
    int why = errno;
    if (!s->troubled) {
        noted(s)->trouble = doing;
        noted(s)->why = why;
    }
    gw_segment_log_pause(s);
    gw_lock(&s->state);
    s->stats.trouble++;
    gw_unlock(&s->state);
    /* a sender reads it: no paths */
    return gw_fail(err, GW_STORAGE, 0, "cannot %s: %s", doing, strerror(why));
}

/* A sealed segment that is not marked in its file, pinned; NULL: there is none. */
static struct gw_segment *pin_unmarked(struct gw_segment_log *s)
{
    gw_lock(&s->state);
    struct gw_segment *segment = s->first;
    while (segment && !segment->unmarked)
        segment = segment->next;
    if (segment) {
        segment->pins++;
        segment->unmarked = false;
    }
    gw_unlock(&s->state);
    return segment;
}

/* Marks what could not be marked when it was sealed. */
static void mark_sealed(struct gw_segment_log *s)
{
    bool marked = true;
    for (struct gw_segment *segment; marked && (segment = pin_unmarked(s));) {
        marked = gw_segment_log_put_state(s, segment, GW_SEGMENT_LOG_SEALED);
        gw_lock(&s->state);
        segment->unmarked = !marked;
        segment->dirty = true;
        segment->pins--;
        gw_segment_log_try_release(s, segment);
        gw_unlock(&s->state);
    }
    gw_segment_log_reap(s);
}

/* Under append. */
void gw_segment_log_recovered(struct gw_segment_log *s)
{
    if (s->troubled) {
        noted(s)->works = true;
        mark_sealed(s);
    }
    s->troubled = false;
    atomic_store_explicit(&s->broken_until, 0, memory_order_relaxed);
}

/* True if a reader may lose its pending records of the segment to make room: it drops its oldest, or it is
 * not configured, and it holds none of them. */
static bool may_give_up(const struct gw_segment_log *s, const struct gw_segment *segment, unsigned r)
{
    const struct gw_segment_log_pending *pending_record = &segment->pending_records[r];
    if (!pending_record->pending)
        return true;
    return pending_record->pending == pending_record->unread &&
           (s->readers[r].drop_oldest || !s->readers[r].attached);
}

static bool all_may_give_up(const struct gw_segment_log *s, const struct gw_segment *segment)
{
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        if (!may_give_up(s, segment, r))
            return false;
    return true;
}

/* Under append and state. */
static void give_up(struct gw_segment_log *s, struct gw_segment *segment)
{
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++) {
        struct gw_segment_log_pending *pending_record = &segment->pending_records[r];
        if (pending_record->pending && s->readers[r].attached)
            s->conf.gave_up(s->conf.arg, r, &pending_record->items);
        else if (pending_record->pending)
            noted(s)->given_up[r] += pending_record->pending;
        *pending_record = (struct gw_segment_log_pending){0};
    }
}

/* Under append: frees the oldest segment that no reader insists on. */
static bool make_room(struct gw_segment_log *s)
{
    bool made = false;
    gw_lock(&s->state);
    for (struct gw_segment *segment = s->first; segment && !made; segment = segment->next) {
        if (!segment->sealed || segment->pins || !all_may_give_up(s, segment))
            continue;
        give_up(s, segment);
        gw_segment_log_try_release(s, segment);
        made = true;
        break;
    }
    gw_unlock(&s->state);
    gw_segment_log_reap(s);
    return made;
}

static struct gw_segment *take_free(struct gw_segment_log *s, uint64_t need)
{
    gw_lock(&s->state);
    struct gw_segment *segment = need <= s->conf.segment_size ? s->free : NULL;
    if (segment) {
        s->free = segment->next;
        s->free_n--;
    }
    gw_unlock(&s->state);
    return segment;
}

static void remove_segment(struct gw_segment_log *s, struct gw_segment *segment)
{
    gw_lock(&s->state);
    gw_segment_log_remove(s, segment);
    gw_unlock(&s->state);
    gw_segment_log_drop_segment(s, segment, true);
}

/* Free segments are too small for a larger one, but their room can be used. */
static void drop_free(struct gw_segment_log *s)
{
    for (struct gw_segment *segment; (segment = take_free(s, 0));)
        remove_segment(s, segment);
}

static uint64_t total_size(struct gw_segment_log *s)
{
    gw_lock(&s->state);
    uint64_t size = s->size;
    gw_unlock(&s->state);
    return size;
}

static void set_full(struct gw_segment_log *s, bool full)
{
    gw_lock(&s->state);
    s->full = full;
    gw_unlock(&s->state);
}

/* Under append: frees the active segment, which may be a large one, when all its records are done. */
static bool seal_active(struct gw_segment_log *s)
{
    gw_lock(&s->state);
    bool through = s->active && s->active->end > GW_SEGMENT_LOG_HEAD && !gw_segment_pending(s->active);
    gw_unlock(&s->state);
    if (through)
        gw_segment_log_abandon_tail(s);
    return through;
}

/* A free segment, or a new one. GW_QUEUE_FULL, GW_STORAGE with errno. */
static enum gw_code find_segment(struct gw_segment_log *s, uint64_t need, struct gw_segment **out)
{
    for (;;) {
        if ((*out = take_free(s, need)) && gw_segment_log_is_there(s, *out))
            return GW_OK;
        if (*out) {
            remove_segment(s, *out);
            continue;
        }
        uint64_t size = need > s->conf.segment_size ? need : s->conf.segment_size;
        if (size > s->conf.segment_size)
            drop_free(s);
        if (total_size(s) + size <= s->conf.max_size)
            return (*out = gw_segment_log_create(s, size)) ? GW_OK : GW_STORAGE;
        if (!make_room(s) && !seal_active(s))
            return GW_QUEUE_FULL;
    }
}

/* Without the mark the next start reads the segment completely: a failure loses nothing, but the rest of a
 * failed write after the end would come back. So the mark is tried again when the disk works. */
void gw_segment_log_seal(struct gw_segment_log *s, struct gw_segment *segment)
{
    bool marked = gw_segment_log_put_state(s, segment, GW_SEGMENT_LOG_SEALED);
    gw_lock(&s->state);
    segment->sealed = true;
    segment->unmarked = !marked;
    gw_segment_log_try_release(s, segment);
    gw_unlock(&s->state);
}

void gw_segment_log_abandon_tail(struct gw_segment_log *s)
{
    struct gw_segment *segment = s->active;
    gw_lock(&s->state);
    s->active = NULL;
    segment->dirty = true; /* the mark has to survive the machine */
    gw_unlock(&s->state);
    gw_segment_log_seal(s, segment);
    gw_segment_log_reap(s);
}

/* Under append: another segment becomes the active one. */
enum gw_code gw_segment_log_roll(struct gw_segment_log *s, uint64_t need, struct gw_err *err)
{
    struct gw_segment *segment;
    uint64_t whole = need + GW_SEGMENT_LOG_HEAD + GW_SEGMENT_LOG_UNIT;
    if (whole > s->conf.max_size)
        return gw_fail(err, GW_OVER_STORAGE, 0,
                       "it takes %" PRIu64 " bytes there, storage.max_size is %" PRIu64, whole,
                       s->conf.max_size);
    enum gw_code code = find_segment(s, whole, &segment);
    struct gw_segment *before = s->active;
    set_full(s, code == GW_QUEUE_FULL);
    if (code == GW_QUEUE_FULL)
        return gw_fail(err, code, 0, "the disk queue is full: storage.max_size is %" PRIu64 " bytes",
                       s->conf.max_size);
    if (code != GW_OK)
        return gw_segment_log_trouble(s, err, "make a file there");
    if (!gw_segment_log_begin(s, segment, s->next_sequence)) {
        code = gw_segment_log_trouble(s, err, "write there");
        segment->suspect = true;
        remove_segment(s, segment);
        return code;
    }
    s->next_sequence++;
    gw_lock(&s->state);
    gw_segment_log_link(s, segment);
    s->active = segment;
    gw_unlock(&s->state);
    if (before)
        gw_segment_log_seal(s, before);
    gw_segment_log_reap(s);
    return GW_OK;
}
