/* ledger.c: counts every item in exactly one state, and prints the ledger as text at exit. Owns the counts of
 * the process, under one lock. Called by the fan-out for each request, by the senders for each answer, and by
 * the main thread at start, reload and exit.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/ledger.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/lock.h"

struct gw_ledger {
    const struct gw_ledger_watch *watch; /* NULL: nobody */
    struct gw_lock lock;
    struct gw_ledger_view view; /* under lock */
};

static const struct {
    const char *label;
    bool refusal;
} reasons[GW_REASONS] = {
#define REFUSED true
#define DROPPED false
#define REASON(id, label, kind, text) {label, kind},
#include "core/delivery/reasons.def"
#undef REASON
#undef REFUSED
#undef DROPPED
};

static const char *const places[GW_PLACES] = {
    "queued", "in process", "sent", "rejected by the backend", "dropped", "set aside", "left on disk"};

const char *gw_reason_label(enum gw_reason why)
{
    GW_ASSERT(why < GW_REASONS);
    return reasons[why].label;
}

bool gw_reason_is_refusal(enum gw_reason why)
{
    GW_ASSERT(why < GW_REASONS);
    return reasons[why].refusal;
}

static uint64_t sum(const uint64_t *n, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += n[i];
    return total;
}

uint64_t gw_intake_accepted(const struct gw_intake *in)
{
    uint64_t gone = sum(in->not_taken, GW_REASONS);
    GW_ASSERT(gone <= in->received);
    return in->received - gone;
}

void gw_intake_add(struct gw_intake *to, const struct gw_intake *more)
{
    to->received += more->received;
    for (int why = 0; why < GW_REASONS; why++)
        to->not_taken[why] += more->not_taken[why];
}

struct gw_ledger *gw_ledger_new(void)
{
    struct gw_ledger *l = calloc(1, sizeof *l);
    if (l)
        gw_lock_init(&l->lock, GW_LOCK_LEDGER);
    return l;
}

void gw_ledger_drop(struct gw_ledger *l)
{
    if (!l)
        return;
    gw_lock_fini(&l->lock);
    free(l);
}

/* Under lock. Returns the row of that name, or a new one, in which everything accepted so far counts as not
 * asked. */
static unsigned row_of(struct gw_ledger_view *v, const char *name)
{
    unsigned e = 0;
    while (e < v->exporters && strncmp(v->exporter_name[e], name, sizeof v->exporter_name[e] - 1) != 0)
        e++;
    if (e < v->exporters || e == GW_LEDGER_EXPORTERS)
        return e;
    snprintf(v->exporter_name[e], sizeof v->exporter_name[e], "%s", name);
    for (int i = 0; i < GW_SIGNALS; i++)
        v->signal[i].exporter[e].not_asked = v->signal[i].accepted;
    v->exporters++;
    return e;
}

unsigned gw_ledger_exporter(struct gw_ledger *l, const char *name, unsigned signals)
{
    gw_lock(&l->lock);
    unsigned number = row_of(&l->view, name);
    if (number < GW_LEDGER_EXPORTERS)
        l->view.exporter_signals[number] = signals;
    gw_unlock(&l->lock);
    return number;
}

void gw_ledger_signals(struct gw_ledger *l, unsigned exporter, unsigned signals)
{
    gw_lock(&l->lock);
    GW_ASSERT(exporter < l->view.exporters);
    l->view.exporter_signals[exporter] = signals;
    gw_unlock(&l->lock);
}

void gw_ledger_intake(struct gw_ledger *l, enum gw_signal signal, const struct gw_intake *in, uint64_t asked)
{
    uint64_t accepted = gw_intake_accepted(in);
    gw_lock(&l->lock);
    struct gw_ledger_signal *s = &l->view.signal[signal];
    s->received += in->received;
    s->accepted += accepted;
    for (int why = 0; why < GW_REASONS; why++)
        s->not_taken[why] += in->not_taken[why];
    for (unsigned e = 0; e < l->view.exporters; e++) {
        if (asked >> e & 1) {
            s->exporter[e].accepted += accepted;
            s->exporter[e].at[GW_QUEUED] += accepted;
        } else {
            s->exporter[e].not_asked += accepted;
        }
    }
    gw_unlock(&l->lock);
    if (accepted < in->received && l->watch)
        l->watch->not_taken(l->watch->ctx, signal, in);
}

void gw_ledger_move(struct gw_ledger *l, unsigned exporter, enum gw_signal signal, enum gw_place from,
                    enum gw_place to, enum gw_reason why, uint64_t n)
{
    gw_lock(&l->lock);
    GW_ASSERT(exporter < l->view.exporters);
    uint64_t *at = l->view.signal[signal].exporter[exporter].at;
    GW_ASSERT(at[from] >= n);
    at[from] -= n;
    at[to] += n;
    if (to == GW_DROPPED)
        l->view.signal[signal].exporter[exporter].dropped[why] += n;
    gw_unlock(&l->lock);
    if (l->watch && (to == GW_DROPPED || to == GW_REJECTED)) /* names of rows do not change */
        l->watch->lost(l->watch->ctx, signal, l->view.exporter_name[exporter], to, why, n);
}

void gw_ledger_set_watch(struct gw_ledger *l, const struct gw_ledger_watch *watch)
{
    l->watch = watch;
}

void gw_ledger_recovered(struct gw_ledger *l, unsigned exporter, enum gw_signal signal, uint64_t n)
{
    gw_lock(&l->lock);
    GW_ASSERT(exporter < l->view.exporters);
    l->view.signal[signal].exporter[exporter].recovered += n;
    l->view.signal[signal].exporter[exporter].at[GW_QUEUED] += n;
    gw_unlock(&l->lock);
}

void gw_ledger_leave(struct gw_ledger *l, unsigned exporter, bool kept)
{
    gw_lock(&l->lock);
    for (int i = 0; i < GW_SIGNALS; i++) {
        uint64_t *at = l->view.signal[i].exporter[exporter].at, left = at[GW_STORED] + at[GW_QUEUED];
        at[GW_QUEUED] = 0;
        at[GW_STORED] = kept ? left : 0;
        at[GW_DROPPED] += kept ? 0 : left;
        l->view.signal[i].exporter[exporter].dropped[GW_REASON_SHUTDOWN] += kept ? 0 : left;
    }
    gw_unlock(&l->lock);
}

void gw_ledger_incomplete_ids(struct gw_ledger *l, enum gw_signal signal, uint64_t n)
{
    gw_lock(&l->lock);
    l->view.signal[signal].pending_ids += n;
    gw_unlock(&l->lock);
}

void gw_ledger_read(struct gw_ledger *l, struct gw_ledger_view *out)
{
    gw_lock(&l->lock);
    *out = l->view;
    gw_unlock(&l->lock);
}

/* Returns whether the row is worth printing: the exporter takes the signal, or took some of it. */
static bool concerns(const struct gw_ledger_view *v, unsigned exporter, int signal)
{
    return v->exporter_signals[exporter] & 1u << signal || v->signal[signal].exporter[exporter].accepted ||
           v->signal[signal].exporter[exporter].recovered;
}

bool gw_ledger_balanced(const struct gw_ledger_view *v)
{
    for (int i = 0; i < GW_SIGNALS; i++) {
        const struct gw_ledger_signal *s = &v->signal[i];
        if (s->received != s->accepted + sum(s->not_taken, GW_REASONS))
            return false;
        for (unsigned e = 0; e < v->exporters; e++) {
            uint64_t accepted = s->exporter[e].accepted;
            if (accepted + s->exporter[e].not_asked != s->accepted ||
                sum(s->exporter[e].at, GW_PLACES) != accepted + s->exporter[e].recovered ||
                sum(s->exporter[e].dropped, GW_REASONS) != s->exporter[e].at[GW_DROPPED])
                return false;
        }
    }
    return true;
}

/* Items that went back to their source are not lost, because the source sends them again. Items that an
 * exporter must not send or show are not lost either. */
static uint64_t lost_to(const struct gw_ledger_view *v, int signal, unsigned e)
{
    const uint64_t *at = v->signal[signal].exporter[e].at;
    return v->signal[signal].exporter[e].accepted + v->signal[signal].exporter[e].recovered -
           at[GW_DELIVERED] - at[GW_SET_ASIDE] - at[GW_STORED] -
           v->signal[signal].exporter[e].dropped[GW_REASON_RETURNED] -
           v->signal[signal].exporter[e].dropped[GW_REASON_DISCARDED] -
           v->signal[signal].exporter[e].dropped[GW_REASON_FILTERED];
}

uint64_t gw_ledger_lost(const struct gw_ledger_view *v)
{
    uint64_t lost = 0;
    for (int i = 0; i < GW_SIGNALS; i++)
        for (unsigned e = 0; e < v->exporters; e++)
            lost += lost_to(v, i, e);
    return lost;
}

uint64_t gw_ledger_stored(const struct gw_ledger_view *v)
{
    uint64_t stored = 0;
    for (int i = 0; i < GW_SIGNALS; i++)
        for (unsigned e = 0; e < v->exporters; e++)
            stored += v->signal[i].exporter[e].at[GW_STORED];
    return stored;
}

static void print_row(FILE *f, int indent, const char *what, const char *detail, uint64_t n)
{
    char label[96];
    if (n == 0)
        return;
    snprintf(label, sizeof label, "%s%s%s%s", what, detail ? " (" : "", detail ? detail : "",
             detail ? ")" : "");
    fprintf(f, "%*s%-*s %12" PRIu64 "\n", indent, "", 40 - indent, label, n);
}

static void print_exporter(FILE *f, const struct gw_ledger_view *v, int signal, unsigned e)
{
    const uint64_t *at = v->signal[signal].exporter[e].at;
    fprintf(f, "  exporter %s\n", v->exporter_name[e]);
    print_row(f, 4, "not asked", NULL, v->signal[signal].exporter[e].not_asked);
    print_row(f, 4, "recovered from disk", NULL, v->signal[signal].exporter[e].recovered);
    for (int place = 0; place < GW_PLACES; place++)
        if (place != GW_DROPPED)
            print_row(f, 4, places[place], NULL, at[place]);
    for (int why = 0; why < GW_REASONS; why++)
        print_row(f, 4, places[GW_DROPPED], reasons[why].label, v->signal[signal].exporter[e].dropped[why]);
}

static bool recovered_any(const struct gw_ledger_view *v, int signal)
{
    bool any = false;
    for (unsigned e = 0; e < v->exporters; e++)
        any |= v->signal[signal].exporter[e].recovered > 0;
    return any;
}

void gw_ledger_print(FILE *f, const struct gw_ledger_view *v)
{
    for (int i = 0; i < GW_SIGNALS; i++) {
        const struct gw_ledger_signal *s = &v->signal[i];
        if (s->received == 0 && !recovered_any(v, i))
            continue;
        fprintf(f, "%s\n", gw_signal_name((enum gw_signal)i));
        print_row(f, 2, "received", NULL, s->received);
        for (int why = 0; why < GW_REASONS; why++)
            print_row(f, 2, reasons[why].refusal ? "refused" : "dropped", reasons[why].label,
                      s->not_taken[why]);
        print_row(f, 2, "accepted", NULL, s->accepted);
        print_row(f, 2, "trace ids left at 64 bits", NULL, s->pending_ids);
        for (unsigned e = 0; e < v->exporters; e++)
            if (concerns(v, e, i))
                print_exporter(f, v, i, e);
    }
    if (!gw_ledger_balanced(v))
        fprintf(f, "the ledger does not balance: this is a fault of ddgate, please report it\n");
}
