/* The size of requests and the bytes in flight, adapted to requests that were accepted, refused as too large,
 * or not answered in time. Owns only its own state. Called by sender.c before a request is sent and by
 * sender_outcome.c after it was answered.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/sender/congestion.h"

enum {
    STEP = 64 * 1024,          /* growth of a size or window */
    LEAST_SIZE = 16 * 1024,    /* smallest size of a request */
    LEAST_WINDOW = 32 * 1024,  /* smallest window */
    FIRST_WINDOW = 256 * 1024, /* largest first window, and … */
    /* … the bytes per second of the slowest link for which it is computed, times the timeout */
    SLOWEST_LINK = 25 * 1024,
    SMALL_REQUEST = 64 * 1024, /* a smaller window holds one request … */
    FAIR_REQUEST = 256 * 1024, /* … and one of twice this size holds two of this size */
    FASTEST = 8,               /* growth factor per round of a window that was never reduced */
};

static const gw_nsec FIRST_HOLD = 2 * GW_SEC, LONGEST_HOLD = 600 * GW_SEC;
static const gw_nsec COMPRESS_FOR = 600 * GW_SEC;

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t most_window(const struct gw_congestion *c)
{
    return c->conf.most_bytes * c->conf.most_open;
}

void gw_congestion_init(struct gw_congestion *c, const struct gw_congestion_conf *conf)
{
    *c = (struct gw_congestion){
        .conf = *conf, .taken = conf->most_bytes, .hold = FIRST_HOLD, .measures = true};
    size_t carried = (size_t)(conf->timeout / GW_MSEC) * SLOWEST_LINK / 1000;
    c->window = smaller(most_window(c), larger(LEAST_WINDOW, smaller(carried, FIRST_WINDOW)));
}

size_t gw_congestion_request_bytes(const struct gw_congestion *c)
{
    if (!c->conf.has_window)
        return c->taken;
    size_t even = c->window / c->conf.most_open, two = smaller(c->window / 2, FAIR_REQUEST),
           one = smaller(c->window, SMALL_REQUEST);
    return smaller(c->taken, larger(even, larger(two, one)));
}

bool gw_congestion_has_room(const struct gw_congestion *c, size_t in_flight)
{
    return !c->conf.has_window || in_flight == 0 || in_flight < c->window;
}

bool gw_congestion_compresses(const struct gw_congestion *c, gw_nsec now)
{
    return now < c->compress_until;
}

/* --- sizes --- */

void gw_congestion_on_too_large(struct gw_congestion *c, size_t bytes, gw_nsec now)
{
    size_t half = larger(bytes / 2, LEAST_SIZE);
    if (c->refused && now >= c->forgotten) /* the refusal is as recent as before */
        c->hold = c->hold < LONGEST_HOLD / 2 ? c->hold * 2 : LONGEST_HOLD;
    c->refused = bytes;
    c->forgotten = now + c->hold;
    c->taken = smaller(c->taken, half);
}

/* Grows to an accepted size at once, and beyond it step by step, after the refusal is forgotten. */
static void grow_size(struct gw_congestion *c, size_t bytes, gw_nsec now)
{
    size_t grown = larger(c->taken, bytes);
    if (bytes >= c->refused) {
        c->refused = 0;
        c->hold = FIRST_HOLD;
    }
    if (bytes >= c->taken / 2 && (!c->refused || now >= c->forgotten))
        grown = larger(grown, c->taken + STEP);
    c->taken = smaller(grown, c->conf.most_bytes);
}

/* --- the window --- */

static void reduce(struct gw_congestion *c, size_t in_flight, gw_nsec now)
{
    c->window = larger(LEAST_WINDOW, smaller(c->window, in_flight) / 2);
    c->measures = false;
    c->changed_at = now;
    c->compress_until = now + COMPRESS_FOR;
}

void gw_congestion_on_timeout(struct gw_congestion *c, const struct gw_congestion_sent *sent, gw_nsec now)
{
    c->latency = c->late_by = 0;
    if (sent->at >= c->changed_at)
        reduce(c, sent->in_flight, now);
}

/* An answer was nearly too late. If it happens again with half as much in flight, the amount of data is not
 * the cause. */
static void answered_late(struct gw_congestion *c, const struct gw_congestion_sent *sent, gw_nsec took,
                          gw_nsec now)
{
    if (c->late_by && took > c->late_by - c->late_by / 4) {
        c->latency = took;
        c->window = larger(c->window, c->window_before);
        c->late_by = 0;
        return;
    }
    c->late_by = took;
    c->window_before = c->window;
    reduce(c, sent->in_flight, now);
}

/* At first the window follows the measurement: it grows to what would take an eighth of the timeout, judging
 * by this request. Later it grows by a share of a step. */
static void grow_window(struct gw_congestion *c, const struct gw_congestion_sent *sent, gw_nsec sending)
{
    double goal = (double)(c->conf.timeout / 8), took = sending > 0 ? (double)sending : 1,
           times = goal / took, bytes = (double)sent->bytes, grown = (double)c->window;
    if (c->measures)
        grown += bytes * (times < FASTEST ? times - 1 : FASTEST - 1);
    else if (bytes * 2 >= (double)gw_congestion_request_bytes(c))
        grown += (double)STEP * bytes / grown + 1;
    if (c->measures && grown > (double)sent->in_flight * times)
        grown = (double)sent->in_flight * times;
    c->late_by = 0;
    if (grown > (double)c->window)
        c->window = grown < (double)most_window(c) ? (size_t)grown : most_window(c);
}

static void measure(struct gw_congestion *c, const struct gw_congestion_sent *sent, gw_nsec now)
{
    gw_nsec took = now - sent->at;
    if (took < c->latency)
        c->latency = took;
    if (!c->conf.has_window || sent->at < c->changed_at)
        return;
    gw_nsec sending = took - c->latency;
    bool in_use = sent->in_flight >= c->window / 2; /* otherwise something else takes the time */
    if (sending <= c->conf.timeout / 8) {
        grow_window(c, sent, sending);
    } else if (sending > c->conf.timeout / 2 && in_use) {
        answered_late(c, sent, took, now);
    } else if (in_use) {
        c->measures = false;
        c->compress_until = now + COMPRESS_FOR;
    }
}

void gw_congestion_on_answer(struct gw_congestion *c, const struct gw_congestion_sent *sent, bool taken,
                             gw_nsec now)
{
    if (taken)
        grow_size(c, sent->bytes, now);
    measure(c, sent, now);
}
