/* sender_metrics.c: reads the counts of a sender for the admin listener. Owns nothing. Called on any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/sender_internal.h"

enum {
    M_REQUESTS,
    M_RETRIES,
    M_TIMEOUTS,
    M_SPLITS,
    M_OPEN,
    M_WAITING,
    M_REQUEST_BYTES,
    M_TROUBLED,
    M_USED,
    M_CAPACITY,
    M_REFUSING
};

const struct gw_metric gw_sender_metrics[] = {
    [M_REQUESTS] = GW_COUNTER_ASKED("exporter_requests_total", "", "Requests to the backend, retries too."),
    [M_RETRIES] = GW_COUNTER_ASKED("exporter_retries_total", "",
                                   "Requests that the backend did not take and that are made again."),
    [M_TIMEOUTS] = GW_COUNTER_ASKED("exporter_timeouts_total", "",
                                    "Requests that were not answered within the timeout; after one, "
                                    "requests become smaller and fewer."),
    [M_SPLITS] = GW_COUNTER_ASKED("exporter_splits_total", "",
                                  "Requests halved because the backend found them too large, or refused "
                                  "them while it took others."),
    [M_OPEN] = GW_GAUGE_ASKED("exporter_requests_open", "", "Requests that have no answer yet."),
    [M_WAITING] =
        GW_GAUGE_ASKED("exporter_batches_waiting", "", "Batches that wait for the time of their next try."),
    [M_REQUEST_BYTES] =
        GW_GAUGE_ASKED("exporter_request_limit_bytes", "",
                       "Bytes of a request at most, as the backend and the link bear it; batch.bytes when "
                       "they bear that."),
    [M_TROUBLED] = GW_GAUGE_ASKED("exporter_troubled", "",
                                  "1 while the last answer was no, and nothing was taken since."),
    [M_USED] =
        GW_GAUGE_ASKED("queue_bytes", "", "Bytes of memory that wait for the exporter or are in its hands."),
    [M_CAPACITY] = GW_GAUGE_ASKED("queue_capacity_bytes", "", "The option queue_size."),
    [M_REFUSING] =
        GW_GAUGE_ASKED("queue_refusing", "", "1 from a refusal (429) until a quarter of the queue is free."),
    GW_METRICS_END,
};

static double value(const atomic_uint_least64_t *counter)
{
    return (double)atomic_load_explicit(counter, memory_order_relaxed);
}

void gw_sender_measure(struct gw_sender *s, struct gw_metrics *to)
{
    struct gw_queue_state queue;
    gw_queue_state(s->queue, &queue);
    gw_metrics_add(to, &gw_sender_metrics[M_REQUESTS], value(&s->counts.requests));
    gw_metrics_add(to, &gw_sender_metrics[M_RETRIES], value(&s->counts.retries));
    gw_metrics_add(to, &gw_sender_metrics[M_TIMEOUTS], value(&s->counts.timeouts));
    gw_metrics_add(to, &gw_sender_metrics[M_SPLITS], value(&s->counts.splits));
    gw_metrics_add(to, &gw_sender_metrics[M_REQUEST_BYTES], value(&s->counts.request_bytes));
    gw_metrics_add(to, &gw_sender_metrics[M_OPEN], value(&s->counts.open));
    gw_metrics_add(to, &gw_sender_metrics[M_WAITING], value(&s->counts.waiting));
    gw_metrics_add(to, &gw_sender_metrics[M_TROUBLED], value(&s->counts.troubled));
    gw_metrics_add(to, &gw_sender_metrics[M_USED], (double)queue.used);
    gw_metrics_add(to, &gw_sender_metrics[M_CAPACITY], (double)queue.capacity);
    gw_metrics_add(to, &gw_sender_metrics[M_REFUSING], queue.refusing);
}
