/* flow_history.c: Keeps the counts of the last hour. Owns the points. The main thread adds a step every ten
 * seconds; the admin listener's threads read.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/api/flow_history.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/lock.h"
#include "gateway/api/api.h"

enum what { RECEIVED, ACCEPTED, REFUSED, DROPPED, SENT, REJECTED, LOST, QUEUED, BYTES };
static const char *const names[] = {"received", "accepted", "refused", "dropped", "sent",
                                    "rejected", "dropped",  "queued",  "received"};

/* One count, at a moment. */
struct count {
    enum what what;
    enum gw_signal signal;
    unsigned exporter;
    uint64_t n;
};

struct series {
    struct count last;
    uint32_t points[GW_FLOW_POINTS]; /* a ring, as all series */
};

/* Totals of an exporter at the end of a step. */
struct totals {
    gw_nsec at;
    uint64_t sent[GW_LEDGER_EXPORTERS], given[GW_LEDGER_EXPORTERS];
};

struct gw_flow_history {
    struct gw_lock lock;
    gw_nsec due;
    int64_t end; /* wall clock, of the last step */
    uint64_t steps;
    size_t n;
    struct series series[GW_FLOW_SERIES];
    struct totals ends[2]; /* of the last step and the one before */
};

struct gw_flow_history *gw_flow_history_new(gw_nsec now)
{
    struct gw_flow_history *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    gw_lock_init(&h->lock, GW_LOCK_FLOW_HISTORY);
    h->due = now + GW_FLOW_STEP;
    h->ends[0].at = h->ends[1].at = now;
    return h;
}

void gw_flow_history_drop(struct gw_flow_history *h)
{
    if (h)
        gw_lock_fini(&h->lock);
    free(h);
}

gw_nsec gw_flow_history_due(struct gw_flow_history *h)
{
    gw_lock(&h->lock);
    gw_nsec due = h->due;
    gw_unlock(&h->lock);
    return due;
}

/* --- adding a step; all under lock --- */

static struct series *find(struct gw_flow_history *h, const struct count *c)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct count *l = &h->series[i].last;
        if (l->what == c->what && l->signal == c->signal && l->exporter == c->exporter)
            return &h->series[i];
    }
    if (!c->n || h->n == GW_FLOW_SERIES)
        return NULL;
    struct series *s = &h->series[h->n++];
    *s = (struct series){.last = *c};
    s->last.n = 0;
    return s;
}

static uint32_t bounded(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void add(struct gw_flow_history *h, size_t at, struct count c)
{
    struct series *s = find(h, &c);
    if (!s)
        return;
    s->points[at] = bounded(c.what == QUEUED ? c.n : c.n - s->last.n);
    s->last.n = c.n;
}

static uint64_t not_taken(const struct gw_ledger_signal *s, bool refusals)
{
    uint64_t n = 0;
    for (unsigned why = 0; why < GW_REASONS; why++)
        n += gw_reason_is_refusal((enum gw_reason)why) == refusals ? s->not_taken[why] : 0;
    return n;
}

static void add_signal(struct gw_flow_history *h, size_t at, const struct gw_ledger_view *v,
                       enum gw_signal signal)
{
    const struct gw_ledger_signal *s = &v->signal[signal];
    add(h, at, (struct count){RECEIVED, signal, 0, s->received});
    add(h, at, (struct count){ACCEPTED, signal, 0, s->accepted});
    add(h, at, (struct count){REFUSED, signal, 0, not_taken(s, true)});
    add(h, at, (struct count){DROPPED, signal, 0, not_taken(s, false)});
    for (unsigned e = 0; e < v->exporters; e++) {
        const uint64_t *in = s->exporter[e].at;
        add(h, at, (struct count){SENT, signal, e, in[GW_DELIVERED]});
        add(h, at, (struct count){REJECTED, signal, e, in[GW_REJECTED] + in[GW_SET_ASIDE]});
        add(h, at, (struct count){LOST, signal, e, in[GW_DROPPED]});
        add(h, at, (struct count){QUEUED, signal, e, in[GW_QUEUED] + in[GW_IN_PROCESS]});
    }
}

static void sum_up(struct totals *t, const struct gw_ledger_view *v, gw_nsec now)
{
    *t = (struct totals){.at = now};
    for (unsigned e = 0; e < v->exporters; e++)
        for (int i = 0; i < GW_SIGNALS; i++) {
            t->sent[e] += v->signal[i].exporter[e].at[GW_DELIVERED];
            t->given[e] += v->signal[i].exporter[e].accepted;
        }
}

/* A step in which nothing was counted: what is queued stays. */
static void skip(struct gw_flow_history *h)
{
    size_t at = h->steps % GW_FLOW_POINTS;
    for (size_t i = 0; i < h->n; i++)
        h->series[i].points[at] = h->series[i].last.what == QUEUED ? bounded(h->series[i].last.n) : 0;
    h->steps++;
}

void gw_flow_history_sample(struct gw_flow_history *h, const struct gw_ledger_view *v, uint64_t bytes,
                            int64_t wall, gw_nsec now)
{
    gw_lock(&h->lock);
    for (int i = 0; i < GW_FLOW_POINTS && now - h->due >= GW_FLOW_STEP; i++, h->due += GW_FLOW_STEP)
        skip(h);
    size_t at = h->steps % GW_FLOW_POINTS;
    for (int i = 0; i < GW_SIGNALS; i++)
        add_signal(h, at, v, (enum gw_signal)i);
    add(h, at, (struct count){BYTES, 0, 0, bytes});
    h->ends[1] = h->ends[0];
    sum_up(&h->ends[0], v, now);
    h->end = wall;
    h->steps++;
    h->due = now - h->due < GW_FLOW_STEP ? h->due + GW_FLOW_STEP : now + GW_FLOW_STEP;
    gw_unlock(&h->lock);
}

/* --- reading --- */

struct gw_flow_rate gw_flow_history_rate(struct gw_flow_history *h, const struct gw_ledger_view *v,
                                         unsigned exporter, gw_nsec now)
{
    struct totals t;
    sum_up(&t, v, now);
    gw_lock(&h->lock);
    const struct totals *then = &h->ends[1];
    double seconds = (double)(now - then->at) / (double)GW_SEC;
    struct gw_flow_rate r = {(double)(t.sent[exporter] - then->sent[exporter]),
                             (double)(t.given[exporter] - then->given[exporter])};
    gw_unlock(&h->lock);
    return seconds > 0 ? (struct gw_flow_rate){r.sent / seconds, r.given / seconds}
                       : (struct gw_flow_rate){0, 0};
}

static void put_name(FILE *to, const struct count *c, const struct gw_ledger_view *v)
{
    char name[160];
    const char *signal = gw_signal_name(c->signal);
    if (c->what == BYTES)
        snprintf(name, sizeof name, "bytes.%s", names[c->what]);
    else if (c->what < SENT)
        snprintf(name, sizeof name, "%s.%s", signal, names[c->what]);
    else
        snprintf(name, sizeof name, "%s.%s.%s", v->exporter_name[c->exporter], signal, names[c->what]);
    gw_api_text(to, gw_str_z(name));
}

static void put_points(FILE *to, const struct gw_flow_history *h, const struct series *s)
{
    size_t there = h->steps < GW_FLOW_POINTS ? (size_t)h->steps : GW_FLOW_POINTS;
    putc('[', to);
    for (size_t i = 0; i < GW_FLOW_POINTS - there; i++)
        fputs(i ? ",null" : "null", to);
    for (size_t i = 0; i < there; i++)
        fprintf(to, "%s%u", there < GW_FLOW_POINTS || i ? "," : "",
                s->points[(h->steps - there + i) % GW_FLOW_POINTS]);
    putc(']', to);
}

void gw_flow_history_json(struct gw_flow_history *h, const struct gw_ledger_view *v, FILE *to)
{
    struct gw_flow_history *copy = malloc(sizeof *copy);
    if (!copy) {
        fputs("null", to);
        return;
    }
    gw_lock(&h->lock); /* for the time of a copy: writing may wait for memory */
    memcpy(copy, h, sizeof *copy);
    gw_unlock(&h->lock);
    fprintf(to, "{\"step\":%lld,", (long long)GW_FLOW_STEP);
    gw_api_time_of(to, "end", (uint64_t)copy->end);
    fprintf(to, ",\"points\":%d,\"series\":{", GW_FLOW_POINTS);
    for (size_t i = 0; i < copy->n; i++) {
        fputs(i ? "," : "", to);
        put_name(to, &copy->series[i].last, v);
        putc(':', to);
        put_points(to, copy, &copy->series[i]);
    }
    fputs("}}", to);
    free(copy);
}
