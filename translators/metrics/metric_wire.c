/* Writes parts that several kinds of points share: numbers and exponential histograms.
 *
 * Keeps no state. Called by metric_write.c and dd_stats_points.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/metric_wire.h"

enum {
    EXP_COUNT = 4,
    EXP_SUM = 5,
    EXP_SCALE = 6,
    EXP_ZERO_COUNT = 7,
    EXP_POSITIVE = 8,
    EXP_NEGATIVE = 9,
    EXP_MIN = 12,
    EXP_MAX = 13
};
enum { BUCKETS_OFFSET = 1, BUCKETS_COUNTS = 2 };

static uint64_t zigzag(int32_t v)
{
    return (uint32_t)v << 1 ^ (uint32_t)(v >> 31);
}

void metric_put_fixed64(struct otlp_buf *w, unsigned field, uint64_t bits)
{
    if (!otlp_room(w, 16))
        return;
    uint8_t *p = wire_put_tag(w->data + w->len, field, WIRE_FIXED64);
    for (int i = 0; i < 8; i++)
        *p++ = (uint8_t)(bits >> 8 * i);
    otlp_end(w, p);
}

void metric_put_double(struct otlp_buf *w, unsigned field, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    metric_put_fixed64(w, field, bits);
}

static void put_buckets(struct otlp_buf *w, unsigned field, const struct exphist_side *s)
{
    if (!s->n)
        return;
    size_t buckets = otlp_open(w, field, 2);
    otlp_uint(w, BUCKETS_OFFSET, zigzag(s->first));
    size_t counts = otlp_open(w, BUCKETS_COUNTS, 2);
    if (otlp_room(w, 10 * (size_t)s->n)) {
        uint8_t *p = w->data + w->len;
        for (uint32_t i = 0; i < s->n; i++)
            p = wire_put_varint(p, s->counts[i]);
        otlp_end(w, p);
    }
    otlp_close(w, counts, 2);
    otlp_close(w, buckets, 2);
}

void metric_put_histogram(struct otlp_buf *w, const struct exphist *h)
{
    otlp_fixed64(w, EXP_COUNT, h->count);
    metric_put_double(w, EXP_SUM, h->sum);
    otlp_uint(w, EXP_SCALE, zigzag(h->scale));
    otlp_fixed64(w, EXP_ZERO_COUNT, h->zero);
    put_buckets(w, EXP_POSITIVE, &h->positive);
    put_buckets(w, EXP_NEGATIVE, &h->negative);
    metric_put_double(w, EXP_MIN, h->min);
    metric_put_double(w, EXP_MAX, h->max);
}
