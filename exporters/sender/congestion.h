/* congestion.h: limits the size of a request and the bytes in flight, by what the backend and the link have
 * handled so far. Additive increase, multiplicative decrease, as in TCP.
 *
 *   request size   is halved below a size that the backend calls too large. It stays so for a while (2 s,
 *                  doubled up to 10 min while the backend repeats the refusal), then it grows by 64 KiB with
 *                  every full request that is accepted.
 *   window         bytes in flight. It starts with what a slow link carries within the timeout (at most
 *                  256 KiB) and grows to what would be answered within an eighth of the timeout, judging by
 *                  the requests so far; after a reduction it grows by 64 KiB per round. It is halved when a
 *                  request is answered too late or nearly so.
 *
 *   answered after   0 ───── timeout/8 ─────────── timeout/2 ────────── timeout
 *                     grow              stay, and             halve             halve, and the request
 *                                       compress                                is sent again in parts
 *
 * The window determines the size of a request and the number in flight: a large window is divided evenly; a
 * small one holds few requests instead of tiny ones. Some backends are slow regardless of size. They are told
 * from a slow link by trying: if half the window is not answered sooner, the backend itself takes the time.
 *
 * Only an exporter that sends over a network has a window. Sizes are those of uncompressed requests.
 *
 * Threads: the sender's. The caller passes monotonic times.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_CONGESTION_H
#define GW_CONGESTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/clock.h"

struct gw_congestion_conf {
    size_t most_bytes;  /* per request: the option batch.bytes */
    unsigned most_open; /* requests in flight */
    gw_nsec timeout;    /* per request */
    bool has_window;
};

struct gw_congestion {
    struct gw_congestion_conf conf;
    /* The size that the backend accepts. */
    size_t taken;      /* the limit so far; conf.most_bytes: no limit is known */
    size_t refused;    /* a size that is too large; 0: unknown */
    gw_nsec forgotten; /* when a larger request may be tried */
    gw_nsec hold;      /* how long a refusal is remembered */
    /* The limit on bytes in flight. */
    size_t window;
    bool measures;      /* the window was never reduced */
    gw_nsec changed_at; /* requests sent before this reduction do not count */
    gw_nsec compress_until;
    /* The lateness that the last reduction was meant to cure, and the window before it. */
    gw_nsec late_by;
    size_t window_before;
    gw_nsec latency; /* the time that every answer takes, whatever its size */
};

/* The state when a request is sent. */
struct gw_congestion_sent {
    gw_nsec at;
    size_t bytes, in_flight; /* its own, and those of all requests in flight */
};

void gw_congestion_init(struct gw_congestion *, const struct gw_congestion_conf *);

/* Returns the largest size of a request, in bytes. */
size_t gw_congestion_request_bytes(const struct gw_congestion *);
/* Returns whether another request may be sent while that many bytes are in flight. With none in flight it
 * may. */
bool gw_congestion_has_room(const struct gw_congestion *, size_t in_flight);
/* Returns whether compression is worth its time: the link was the limit in the last ten minutes. */
bool gw_congestion_compresses(const struct gw_congestion *, gw_nsec now);

/* Report the result of a request. on_answer: it was accepted, or refused for its contents. */
void gw_congestion_on_answer(struct gw_congestion *, const struct gw_congestion_sent *, bool taken,
                             gw_nsec now);
void gw_congestion_on_too_large(struct gw_congestion *, size_t bytes, gw_nsec now);
void gw_congestion_on_timeout(struct gw_congestion *, const struct gw_congestion_sent *, gw_nsec now);

#endif
