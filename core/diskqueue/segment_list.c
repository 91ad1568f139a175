/* segment_list.c: Keeps the list of segments with records, oldest first, and releases a segment when no
 * exporter has a record left in it: it is then reused or deleted. Owns the links of the list and the released
 * segments. Called by append, recovery, the readers and the sync, under the locks that segment_log_internal.h
 * names.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/diskqueue/segment_log_internal.h"

void gw_segment_log_link(struct gw_segment_log *s, struct gw_segment *segment)
{
    segment->next = NULL;
    if (s->last)
        s->last->next = segment;
    else
        s->first = segment;
    s->last = segment;
}

static void unlink_segment(struct gw_segment_log *s, struct gw_segment *segment)
{
    struct gw_segment *before = NULL;
    for (struct gw_segment *at = s->first; at != segment; at = at->next)
        before = at;
    if (before)
        before->next = segment->next;
    else
        s->first = segment->next;
    if (s->last == segment)
        s->last = before;
}

/* No reader's place stays in a segment that goes. */
static void move_readers(struct gw_segment_log *s, const struct gw_segment *from)
{
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++) {
        struct gw_segment_log_reader *reader = &s->readers[r];
        if (reader->segment != from)
            continue;
        reader->segment = from->next;
        reader->at = GW_SEGMENT_LOG_HEAD;
        reader->moved++;
    }
}

void gw_segment_log_try_release(struct gw_segment_log *s, struct gw_segment *segment)
{
    if (!segment->sealed || segment->pins || gw_segment_pending(segment))
        return;
    move_readers(s, segment);
    unlink_segment(s, segment);
    segment->next = s->released;
    s->released = segment;
}

/* Frees a released segment for another life; false when it shall go. */
static bool renew(struct gw_segment_log *s, struct gw_segment *segment)
{
    gw_lock(&s->state);
    bool keep = !segment->suspect && s->free_n < GW_SEGMENT_LOG_KEPT && segment->size == s->conf.segment_size;
    s->free_n += keep;
    gw_unlock(&s->state);
    if (keep && gw_segment_log_put_state(s, segment, GW_SEGMENT_LOG_FREE)) {
        gw_lock(&s->state);
        segment->next = s->free;
        s->free = segment;
        gw_unlock(&s->state);
        return true;
    }
    gw_lock(&s->state);
    s->free_n -= keep;
    gw_segment_log_remove(s, segment);
    gw_unlock(&s->state);
    return false;
}

void gw_segment_log_reap(struct gw_segment_log *s)
{
    for (;;) {
        gw_lock(&s->state);
        struct gw_segment *segment = s->released;
        if (segment)
            s->released = segment->next;
        gw_unlock(&s->state);
        if (!segment)
            return;
        if (!renew(s, segment))
            gw_segment_log_drop_segment(s, segment, true);
    }
}

void gw_segment_log_report_damage(struct gw_segment_log *s, uint32_t number, uint64_t at, uint64_t bytes,
                                  const char *what)
{
    char name[32];
    gw_segment_file_name(number, name);
    gw_lock(&s->state);
    s->stats.damaged++;
    s->stats.damaged_bytes += bytes;
    gw_unlock(&s->state);
    s->conf.damaged(s->conf.arg, name, at, bytes, what);
}
