/* Takes the lines of a datagram one after another, under one lock of the shard.
 *
 * The state is in the caller's struct dsd_taker. Called by the dogstatsd receiver for datagrams, streams and
 * HTTP bodies.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/dogstatsd_take.h"

static void count(atomic_uint_least64_t *to)
{
    atomic_fetch_add_explicit(to, 1, memory_order_relaxed);
}

static size_t values_of(const struct dsd_metric *m)
{
    gw_str values = m->values;
    size_t n = 0;
    double v;
    bool good;
    if (m->type == DSD_SET)
        return 1;
    while (dsd_next_value(&values, &v, &good))
        n++;
    return n;
}

static struct metric_point *point_of(struct dsd_taker *t, const struct dsd_line *l, gw_str host)
{
    struct metric_id id;
    gw_str raw = dsd_series_raw(&t->series, l, host);
    struct metric_point *p = raw.len ? metric_find(t->shard, raw) : NULL;
    if (p)
        return p;
    size_t n = values_of(&l->metric);
    if (dsd_series_id(&t->series, l, host, &id))
        return metric_learn(t->shard, raw, &id, n);
    metric_no_memory(t->shard, n);
    return NULL;
}

/* One invalid value refuses the whole line, because a sum over the rest would be wrong. */
static enum dsd_reason check_values(const struct dsd_metric *m)
{
    gw_str values = m->values;
    double v;
    bool good = false, all = true;
    if (m->type == DSD_SET)
        return DSD_TAKEN;
    for (size_t n = 0; dsd_next_value(&values, &v, &good); n++)
        all = all && good;
    return good && all ? DSD_TAKEN : DSD_BAD_VALUE;
}

static enum dsd_reason take_metric(struct dsd_taker *t, const struct dsd_line *l, gw_str host)
{
    const struct dsd_metric *m = &l->metric;
    enum dsd_reason why = check_values(m);
    struct metric_point *p = why == DSD_TAKEN ? point_of(t, l, host) : NULL;
    gw_str values = m->values;
    double v, rate = m->type == DSD_GAUGE ? 1 : m->rate;
    bool good;
    if (!p)
        return why;
    if (m->type == DSD_SET)
        metric_add_text(t->shard, p, m->values);
    else
        while (dsd_next_value(&values, &v, &good))
            metric_add(t->shard, p, v, rate);
    return why;
}

/* Stores the status of a check as a gauge with the check's name. */
static void take_check(struct dsd_taker *t, const struct dsd_line *l, gw_str host)
{
    static const gw_str statuses[] = {GW_LIT("0"), GW_LIT("1"), GW_LIT("2"), GW_LIT("3")};
    struct dsd_line gauge = {.kind = DSD_METRIC, .origin = l->origin};
    gauge.origin.time = 0; /* without a time of its own, so the status is repeated until the next one */
    gauge.metric = (struct dsd_metric){
        .name = l->check.name, .type = DSD_GAUGE, .values = statuses[l->check.status], .rate = 1};
    take_metric(t, &gauge, l->check.host.len ? l->check.host : host);
}

static void refuse(struct dsd_taker *t, gw_str line, enum dsd_reason why)
{
    count(&t->counts->refused[why]);
    metric_end(t->shard);
    t->refused(t->ctx, line, why);
    metric_begin(t->shard);
}

static void notify(struct dsd_taker *t, const struct dsd_line *l)
{
    metric_end(t->shard);
    t->notice(t->ctx, l);
    metric_begin(t->shard);
}

static bool is_client(const struct dsd_line *l)
{
    return gw_str_eq(l->metric.name, GW_STR("datadog.dogstatsd.client.metrics"));
}

static enum dsd_reason take_line(struct dsd_taker *t, gw_str line, gw_str host)
{
    struct dsd_line l;
    enum dsd_reason why = dsd_read(line, &l);
    if (why != DSD_TAKEN)
        return why;
    switch (l.kind) {
    case DSD_METRIC:
        if (t->client && is_client(&l))
            t->client(t->ctx, &l);
        return take_metric(t, &l, host);
    case DSD_EVENT:
        count(&t->counts->events);
        notify(t, &l);
        break;
    case DSD_SERVICE_CHECK:
        count(&t->counts->checks);
        take_check(t, &l, host);
        if (l.check.status)
            notify(t, &l);
    }
    return DSD_TAKEN;
}

void dsd_take(struct dsd_taker *t, gw_str datagram, gw_str host)
{
    gw_str line;
    metric_begin(t->shard);
    while (dsd_next(&datagram, &line)) {
        enum dsd_reason why = take_line(t, line, host);
        count(&t->counts->lines);
        if (why != DSD_TAKEN)
            refuse(t, line, why);
    }
    metric_end(t->shard);
}
