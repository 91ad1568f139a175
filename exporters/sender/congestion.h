/* congestion.h: how large a request may be, and how much may be in flight, by what the backend and the link
 * have borne so far. Additive increase, multiplicative decrease, as TCP does it.
 *
 *   request size   halves below what the backend calls too large. It stays so for a while (2 s, doubling up
 *                  to 10 min as long as the backend repeats itself), then it grows by 64 KiB with every full
 *                  request that is taken.
 *   window         bytes in flight. Begins with what a slow link carries within the timeout (256 KiB at
 *                  most), and grows to what would be answered within an eighth of it, by what the requests so
 *                  far took; by 64 KiB a round once it had to be reduced. Halves when a request is not
 *                  answered in time, and when one nearly was not.
 *
 *   answered after   0 ───── timeout/8 ─────────── timeout/2 ────────── timeout
 *                     grow              stay, and             halve             halve, and the request
 *                                       compress                                is sent again in parts
 *
 * From the window follow the size of a request and the number in flight: a large window is shared out
 * evenly, a small one holds few requests rather than tiny ones. A backend that takes its time whatever the
 * size is told from a slow link by trying: when half the window is not answered sooner, the time is the
 * backend's own.
 *
 * Only an exporter that sends over a network has a window. Sizes are those of uncompressed requests.
 *
 * Threads: the sender's. No clock: times are handed in, monotonic.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONGESTION_H
#define GW_CONGESTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/clock.h"

struct gw_congestion_conf {
    size_t most_bytes;  /* of a request: the option batch.bytes */
    unsigned most_open; /* requests in flight */
    gw_nsec timeout;    /* of a request */
    bool has_window;
};

struct gw_congestion {
    struct gw_congestion_conf conf;
    /* the size that the backend takes */
    size_t taken;      /* limit so far; conf.most_bytes: none is known */
    size_t refused;    /* a size that is too large; 0: none is known */
    gw_nsec forgotten; /* when a larger request may be tried again */
    gw_nsec hold;      /* how long that takes */
    /* what may be in flight */
    size_t window;
    bool measures;      /* it was never reduced */
    gw_nsec changed_at; /* requests sent before it was reduced say nothing of what it is now */
    gw_nsec compress_until;
    /* what the last reduction for a late answer was to mend */
    gw_nsec late_by;
    size_t window_before;
    gw_nsec latency; /* what every answer takes, whatever the size */
};

/* A request when it is sent. */
struct gw_congestion_sent {
    gw_nsec at;
    size_t bytes, in_flight; /* its own, and with those of all other requests in flight */
};

void gw_congestion_init(struct gw_congestion *, const struct gw_congestion_conf *);

/* Bytes that a request should have at most. */
size_t gw_congestion_request_bytes(const struct gw_congestion *);
/* Whether another request may be sent while that many bytes are in flight. With none there always is room. */
bool gw_congestion_has_room(const struct gw_congestion *, size_t in_flight);
/* Whether compression is worth its time: the link was the limit in the last ten minutes. */
bool gw_congestion_compresses(const struct gw_congestion *, gw_nsec now);

/* What became of a request. It was answered: taken, or refused for good for what it holds. */
void gw_congestion_on_answer(struct gw_congestion *, const struct gw_congestion_sent *, bool taken,
                             gw_nsec now);
void gw_congestion_on_too_large(struct gw_congestion *, size_t bytes, gw_nsec now);
void gw_congestion_on_timeout(struct gw_congestion *, const struct gw_congestion_sent *, gw_nsec now);

#endif
