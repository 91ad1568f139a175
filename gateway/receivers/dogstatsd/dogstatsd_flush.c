/* dogstatsd_flush.c: The thread that ends each interval: what came in it becomes frames, which are offered to
 * the fan-out. What is refused stays in the store for the next interval. Owns nothing but the thread. Called
 * by dogstatsd.c when the receiver starts and stops.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "core/base/thread.h"
#include "core/delivery/fanout.h"
#include "gateway/receivers/dogstatsd/dogstatsd.h"

static const gw_nsec LAST_PAUSE = 20 * GW_MSEC;

static enum gw_code offer(void *ctx, struct gw_frame *frame)
{
    struct dogstatsd *d = ctx;
    struct gw_intake intake = {.received = frame->items};
    struct gw_err err;
    enum gw_code code = gw_fanout_try(d->host->fanout, GW_METRICS, &frame, 1, &intake, false, &err);
    if (code != GW_OK)
        gw_frame_drop(frame);
    return code;
}

/* Counted as refused where there is no room. */
static enum gw_code offer_once(void *ctx, struct gw_frame *frame)
{
    struct dogstatsd *d = ctx;
    struct gw_intake intake = {.received = frame->items};
    struct gw_err err;
    (void)!gw_fanout_offer(d->host->fanout, GW_METRICS, &frame, 1, &intake, &err);
    return GW_OK;
}

static void flush(struct dogstatsd *d)
{
    if (!metric_store_flush(d->series->store, gw_wall(), offer, d))
        gw_log(GW_WARNING, DOGSTATSD_COMPONENT,
               "the queues of exporters are full: points wait, and the next interval is added to them");
}

static void *run(void *ctx)
{
    struct dogstatsd *d = ctx;
    gw_nsec due = gw_now() + d->conf.interval;
    while (!atomic_load(&d->stopping)) {
        gw_wakeup_wait(&d->wakeup, due);
        gw_nsec now = gw_now();
        if (now < due)
            continue;
        flush(d);
        due += d->conf.interval * ((now - due) / d->conf.interval + 1); /* no interval is made up for */
    }
    return NULL;
}

bool dogstatsd_flush_start(struct dogstatsd *d)
{
    struct gw_err err;
    atomic_store(&d->stopping, false);
    d->flushing = gw_thread_start(&d->flusher,
                                  &(struct gw_thread){"dogstatsd/flush", DOGSTATSD_COMPONENT, run, d}, &err);
    if (!d->flushing)
        gw_log(GW_ERROR, DOGSTATSD_COMPONENT, "cannot start: %s", err.what);
    return d->flushing;
}

void dogstatsd_flush_stop(struct dogstatsd *d)
{
    if (!d->flushing)
        return;
    atomic_store(&d->stopping, true);
    gw_wakeup_signal(&d->wakeup);
    pthread_join(d->flusher, NULL);
    d->flushing = false;
}

void dogstatsd_flush_last(struct dogstatsd *d)
{
    gw_nsec until = gw_now() + STREAM_STOP;
    bool left = !metric_store_flush(d->series->store, gw_wall(), offer, d);
    while (left && gw_now() < until) {
        struct timespec t = {.tv_nsec = LAST_PAUSE};
        nanosleep(&t, NULL);
        left = !metric_store_flush(d->series->store, gw_wall(), offer, d);
    }
    if (left)
        (void)metric_store_flush(d->series->store, gw_wall(), offer_once, d);
}
