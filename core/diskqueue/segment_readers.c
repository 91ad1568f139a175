/* segment_readers.c: Keeps the readers of the log, one for each exporter name, with their positions and
 * pending counts. Owns nothing beyond the log's table of readers. Called by disk_queue.c and the
 * sender when exporters attach, detach or drop their oldest data, and by recovery at start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"

unsigned gw_segment_reader_named(struct gw_segment_log *s, const char *name)
{
    unsigned unused = GW_SEGMENT_LOG_READERS;
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++) {
        if (strcmp(s->readers[r].name, name) == 0)
            return r;
        if (!s->readers[r].name[0] && unused == GW_SEGMENT_LOG_READERS)
            unused = r;
    }
    if (unused < GW_SEGMENT_LOG_READERS)
        snprintf(s->readers[unused].name, GW_SEGMENT_LOG_NAME, "%s", name);
    return unused;
}

/* Under state: the name has no reader, no earlier reader still holds records, and a segment's head has room
 * for it. */
static bool attachable(const struct gw_segment_log *s, unsigned r)
{
    unsigned attached = 0;
    for (unsigned i = 0; i < GW_SEGMENT_LOG_READERS; i++)
        attached += s->readers[i].attached;
    if (attached >= GW_SEGMENT_LOG_SLOTS)
        return false;
    for (const struct gw_segment *segment = s->first; segment; segment = segment->next)
        if (segment->pending_records[r].pending != segment->pending_records[r].unread)
            return false;
    return !s->readers[r].attached;
}

void gw_segment_log_drop_oldest(struct gw_segment_log *s, unsigned r)
{
    gw_lock(&s->state);
    s->readers[r].drop_oldest = true;
    gw_unlock(&s->state);
}

void gw_segment_log_detach(struct gw_segment_log *s, unsigned r)
{
    gw_lock(&s->state);
    struct gw_segment_log_reader *reader = &s->readers[r];
    reader->attached = false;
    reader->segment = NULL;
    atomic_store_explicit(&reader->lagging, false, memory_order_relaxed);
    free(reader->window.buffer);
    reader->window = (struct gw_segment_log_window){.fd = -1};
    gw_unlock(&s->state);
}

unsigned gw_segment_log_attach(struct gw_segment_log *s, const char *name, bool drop_oldest,
                               struct gw_segment_log_items *pending)
{
    *pending = (struct gw_segment_log_items){{0}};
    gw_lock(&s->state);
    unsigned r = gw_segment_reader_named(s, name);
    if (r < GW_SEGMENT_LOG_READERS && !attachable(s, r))
        r = GW_SEGMENT_LOG_READERS;
    if (r < GW_SEGMENT_LOG_READERS) {
        struct gw_segment_log_reader *reader = &s->readers[r];
        reader->attached = true;
        reader->drop_oldest = drop_oldest;
        for (struct gw_segment *segment = s->first; segment; segment = segment->next) {
            const struct gw_segment_log_pending *pending_record = &segment->pending_records[r];
            for (int i = 0; i < GW_SIGNALS; i++)
                pending->of[i] += pending_record->items.of[i];
            if (!pending_record->pending || reader->segment)
                continue;
            reader->segment = segment;
            reader->at = GW_SEGMENT_LOG_HEAD;
            atomic_store_explicit(&reader->lagging, true, memory_order_relaxed);
        }
    }
    gw_unlock(&s->state);
    return r;
}

static uint64_t pending_of(const struct gw_segment_log *s, unsigned r)
{
    uint64_t records = 0;
    for (const struct gw_segment *segment = s->first; segment; segment = segment->next)
        records += segment->pending_records[r].pending;
    return records;
}

void gw_segment_log_report_orphans(struct gw_segment_log *s)
{
    uint64_t records[GW_SEGMENT_LOG_READERS];
    gw_lock(&s->state);
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        records[r] = s->readers[r].attached ? 0 : pending_of(s, r);
    gw_unlock(&s->state);
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        if (records[r])
            gw_log(GW_WARNING, "storage",
                   "%" PRIu64 " records wait for exporter %s, which is not configured: they are sent when it "
                   "is configured again, or dropped when the disk queue is full",
                   records[r], s->readers[r].name);
}

void gw_segment_log_stats(struct gw_segment_log *s, struct gw_segment_log_stats *out)
{
    gw_lock(&s->state);
    *out = s->stats;
    out->free_segments = s->free_n;
    out->size = s->size;
    out->full = s->full && !s->free && s->size + s->conf.segment_size > s->conf.max_size;
    out->broken = s->conf.io->now() < atomic_load_explicit(&s->broken_until, memory_order_relaxed);
    gw_unlock(&s->state);
}
