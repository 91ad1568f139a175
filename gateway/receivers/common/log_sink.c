/* log_sink.c: Collects log records into a batch and offers its frames to the fan-out. Owns the batch and
 * the frames that are not queued yet. Called by log receivers, each on its own thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/common/log_sink.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/log.h"

static const gw_nsec FIRST_PAUSE = 5 * GW_MSEC;

enum { FIRST_FRAMES = 4 };

struct gw_log_sink {
    /* const after new */
    struct gw_fanout *fanout;
    const char *component;
    struct log_batch *batch;

    /* of a flush that was refused, or is under way */
    struct gw_frame **frames;
    size_t n, cap;
    struct gw_intake intake;

    atomic_bool stopped;
};

struct gw_log_sink *gw_log_sink_new(const struct log_conf *conf, struct gw_fanout *fanout,
                                    const char *component)
{
    struct gw_log_sink *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct gw_log_sink){.fanout = fanout, .component = component, .cap = FIRST_FRAMES};
    f->batch = log_batch_new(conf);
    f->frames = malloc(f->cap * sizeof(struct gw_frame *));
    if (!f->batch || !f->frames) {
        log_batch_drop(f->batch);
        free(f->frames);
        free(f);
        return NULL;
    }
    return f;
}

bool gw_log_sink_add(struct gw_log_sink *f, const struct log_input *in)
{
    if (log_add(f->batch, in) != GW_OK) {
        f->intake.received++;
        f->intake.not_taken[GW_REASON_QUEUE_FULL]++;
        gw_log(GW_WARNING, f->component,
               "a log record does not fit into memory and is refused (see max_memory)");
    }
    const char *fault = log_batch_fault(f->batch);
    if (fault)
        gw_log(GW_WARNING, f->component,
               "a Pipeline script failed; its record is delivered with the changes made so far: %s", fault);
    return log_batch_bytes(f->batch) >= GW_FRAME_BYTES;
}

bool gw_log_sink_empty(const struct gw_log_sink *f)
{
    return f->n == 0 && log_batch_records(f->batch) == 0 && f->intake.received == 0;
}

static bool grow(struct gw_log_sink *f)
{
    struct gw_frame **frames = realloc(f->frames, 2 * f->cap * sizeof(struct gw_frame *));
    if (!frames)
        return false;
    f->frames = frames;
    f->cap *= 2;
    return true;
}

/* Turns the whole batch into frames, which follow those of a flush that was refused. */
static enum gw_code cut(struct gw_log_sink *f)
{
    do {
        struct gw_intake intake;
        if (f->n == f->cap && !grow(f))
            return GW_BUSY;
        f->n += log_finish(f->batch, f->frames + f->n, f->cap - f->n, &intake);
        gw_intake_add(&f->intake, &intake);
    } while (log_batch_records(f->batch));
    return GW_OK;
}

static void drop_frames(struct gw_log_sink *f)
{
    for (size_t i = 0; i < f->n; i++) {
        f->frames[i]->ack = NULL; /* not brought to an end */
        gw_frame_drop(f->frames[i]);
    }
    f->n = 0;
}

static void refuse(struct gw_log_sink *f, enum gw_reason why)
{
    struct gw_err ignored;
    drop_frames(f);
    f->intake.not_taken[why] += gw_intake_accepted(&f->intake);
    (void)!gw_fanout_offer(f->fanout, GW_LOGS, NULL, 0, &f->intake, &ignored);
    f->intake = (struct gw_intake){0};
}

void gw_log_sink_drop(struct gw_log_sink *f)
{
    if (!f)
        return;
    while (cut(f) != GW_OK)
        refuse(f, GW_REASON_STOPPING);
    refuse(f, GW_REASON_STOPPING);
    log_batch_drop(f->batch);
    free(f->frames);
    free(f);
}

void gw_log_sink_discard(struct gw_log_sink *f)
{
    enum gw_code code;
    do {
        code = cut(f);
        drop_frames(f);
    } while (code != GW_OK);
    f->intake = (struct gw_intake){0};
}

bool gw_log_sink_take(struct gw_log_sink *to, struct gw_log_sink *from)
{
    if (cut(from) != GW_OK)
        return false;
    while (to->cap < to->n + from->n)
        if (!grow(to))
            return false;
    memcpy(to->frames + to->n, from->frames, from->n * sizeof *from->frames);
    to->n += from->n;
    from->n = 0;
    gw_intake_add(&to->intake, &from->intake);
    from->intake = (struct gw_intake){0};
    return true;
}

/* --- one ack callback for several frames --- */

struct share {
    struct gw_ack_callback ack; /* of each frame */
    struct gw_ack_callback *owner;
    atomic_size_t left;
    atomic_bool abandoned;
};

static void settled(struct gw_ack_callback *r, bool kept)
{
    struct share *s = (struct share *)r;
    if (!kept)
        atomic_store(&s->abandoned, true);
    if (atomic_fetch_sub(&s->left, 1) != 1)
        return;
    s->owner->settled(s->owner, !atomic_load(&s->abandoned));
    free(s);
}

/* Hangs the ack_callback on the frames; *made is what to free when they are not taken. */
static bool hang(struct gw_log_sink *f, struct gw_ack_callback *ack, struct share **made)
{
    struct gw_ack_callback *each = ack;
    *made = NULL;
    if (ack && f->n > 1) {
        *made = malloc(sizeof **made);
        if (!*made)
            return false;
        **made = (struct share){.ack = {settled}, .owner = ack};
        atomic_init(&(*made)->left, f->n);
        each = &(*made)->ack;
    }
    for (size_t i = 0; i < f->n; i++)
        f->frames[i]->ack = each;
    return true;
}

static enum gw_code offer(struct gw_log_sink *f, struct gw_ack_callback *ack, bool patient)
{
    struct share *share;
    struct gw_err err;
    if (cut(f) != GW_OK || !hang(f, ack, &share))
        return GW_BUSY;
    size_t n = f->n;
    enum gw_code code = gw_fanout_try(f->fanout, GW_LOGS, f->frames, n, &f->intake,
                                      patient && !atomic_load(&f->stopped), &err);
    if (code != GW_OK) {
        free(share);
        return code;
    }
    if (ack && n == 0)
        ack->settled(ack, true);
    f->n = 0;
    f->intake = (struct gw_intake){0};
    return GW_OK;
}

enum gw_code gw_log_sink_flush(struct gw_log_sink *f, struct gw_ack_callback *ack, bool keep)
{
    enum gw_code code = offer(f, ack, keep);
    if (code != GW_OK && !keep)
        refuse(f, code == GW_STOPPING ? GW_REASON_STOPPING : GW_REASON_QUEUE_FULL);
    return code;
}

gw_nsec gw_log_sink_pause(gw_nsec last)
{
    gw_nsec next = last ? last + last / 8 : FIRST_PAUSE;
    return next < GW_LOG_SINK_LONGEST ? next : GW_LOG_SINK_LONGEST;
}

void gw_log_sink_stop(struct gw_log_sink *f)
{
    atomic_store(&f->stopped, true);
}
