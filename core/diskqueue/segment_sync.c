/* segment_sync.c: syncs written segments to the disk, and records up to where they are synced. Owns nothing
 * beyond the log's sync state. Called by disk_queue.c: on its own thread for `interval`, on the appending
 * thread for `always`.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"

static void unpin(struct gw_segment_log *s, struct gw_segment *segment)
{
    segment->pins--;
    gw_segment_log_try_release(s, segment);
}

enum { MOST_SYNCED = 64 };

/* Under state: true if the segment is part of a round: all dirty ones, or with `aged` those that were dirty
 * at the last round and still have pending records. */
static bool due(struct gw_segment *segment, bool aged)
{
    if (!segment->dirty || (aged && !gw_segment_pending(segment)))
        return segment->was_dirty = false;
    if (aged && !segment->was_dirty) {
        segment->was_dirty = true;
        return false;
    }
    return true;
}

/* Pins the segments that must be synced. */
static unsigned pick_dirty(struct gw_segment_log *s, bool aged, struct gw_segment **out, uint64_t *ticket)
{
    unsigned n = 0;
    gw_lock(&s->state);
    for (struct gw_segment *segment = s->first; segment && n < MOST_SYNCED; segment = segment->next) {
        if (!due(segment, aged))
            continue;
        segment->dirty = segment->was_dirty = false;
        segment->pins++;
        out[n++] = segment;
    }
    *ticket = s->ticket;
    gw_unlock(&s->state);
    return n;
}

static void suspect(struct gw_segment_log *s, struct gw_segment *segment)
{
    char name[32];
    int why = errno;
    gw_segment_file_name(segment->number, name);
    gw_log(
        GW_ERROR, "storage",
        "%s/%s: cannot be synced to the disk: %s. ddgate writes nothing more to it and does not use it again",
        s->conf.directory, name, strerror(why));
    gw_lock(&s->append);
    gw_segment_log_pause(s);
    gw_lock(&s->state);
    segment->suspect = true;
    s->stats.sync_failures++;
    gw_unlock(&s->state);
    gw_unlock(&s->append);
}

/* One round. More than MOST_SYNCED dirty segments take several. */
static bool sync_round(struct gw_segment_log *s, bool aged, uint64_t *ticket)
{
    struct gw_segment *dirty[MOST_SYNCED];
    bool well = true;
    unsigned n;
    do {
        n = pick_dirty(s, aged, dirty, ticket);
        for (unsigned i = 0; i < n; i++)
            if (s->conf.io->sync(dirty[i]->fd) != 0) {
                suspect(s, dirty[i]);
                well = false;
            }
        gw_lock(&s->state);
        for (unsigned i = 0; i < n; i++)
            unpin(s, dirty[i]);
        gw_unlock(&s->state);
        gw_segment_log_reap(s);
    } while (n == MOST_SYNCED);
    return well;
}

static void tell(struct gw_segment_log *s, uint64_t ticket, bool well)
{
    for (struct gw_segment_log_waiter **at = &s->waiters; *at;) {
        struct gw_segment_log_waiter *w = *at;
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

/* Waits until a round that began after the ticket is over; leads a round if no other thread does. */
bool gw_segment_log_durable(struct gw_segment_log *s, uint64_t ticket)
{
    struct gw_segment_log_waiter me = {.ticket = ticket};
    gw_lock(&s->sync);
    me.next = s->waiters;
    s->waiters = &me;
    while (!me.told) {
        if (s->syncing) {
            gw_cond_wait(&s->synced, &s->sync);
            continue;
        }
        uint64_t done = 0;
        s->syncing = true;
        gw_unlock(&s->sync);
        bool well = sync_round(s, false, &done);
        gw_lock(&s->sync);
        s->syncing = false;
        tell(s, done, well);
    }
    gw_unlock(&s->sync);
    return me.durable;
}

bool gw_segment_log_sync_aged(struct gw_segment_log *s)
{
    uint64_t ignored;
    return sync_round(s, true, &ignored);
}

/* A sync failed, and its records are still pending. */
static bool some_is_suspect(struct gw_segment_log *s)
{
    bool any = false;
    gw_lock(&s->state);
    for (const struct gw_segment *segment = s->first; segment && !any; segment = segment->next)
        any = segment->suspect && gw_segment_pending(segment);
    gw_unlock(&s->state);
    return any;
}

bool gw_segment_log_sync(struct gw_segment_log *s)
{
    gw_lock(&s->state);
    uint64_t ticket = s->ticket;
    gw_unlock(&s->state);
    return gw_segment_log_durable(s, ticket) && !some_is_suspect(s);
}
