/* refusals.c: Keeps the last samples of each reason for which items were not taken. Owns the samples. Called
 * by the ledger, and by receivers and senders for what they know of them.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/delivery/refusals.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "core/base/clock.h"
#include "core/base/lock.h"
#include "core/base/text.h"
#include "core/base/thread.h"

/* Between two samples of a reason that is a decision. */
static const gw_nsec PAUSE = 100 * GW_MSEC;

struct gw_refusals {
    struct gw_ledger_watch watch;
    struct gw_lock lock;
    _Atomic gw_nsec next[GW_REFUSAL_KINDS]; /* when another sample of a decision is worth its time */
    /* under lock */
    struct gw_refusal *samples[GW_REFUSAL_KINDS]; /* NULL: none yet */
    uint64_t n[GW_REFUSAL_KINDS];                 /* written so far */
};

static _Thread_local struct {
    const char *component; /* for which `client` was said */
    char client[sizeof((struct gw_refusal *)0)->client];
    bool has_words;
    unsigned kind; /* which they are about */
    char words[sizeof((struct gw_refusal *)0)->text];
} said;

static const char *const meanings[GW_REASONS] = {
#define REASON(id, label, kind, text) text,
#include "core/delivery/reasons.def"
#undef REASON
};

const char *gw_refusal_label(unsigned kind)
{
    return kind == GW_REFUSAL_REJECTED ? "rejected" : gw_reason_label((enum gw_reason)kind);
}

unsigned gw_refusal_kind(gw_str label)
{
    unsigned kind = 0;
    while (kind < GW_REFUSAL_KINDS && !gw_str_eq(label, gw_str_z(gw_refusal_label(kind))))
        kind++;
    return kind;
}

void gw_refusals_drop(struct gw_refusals *r)
{
    if (!r)
        return;
    for (unsigned i = 0; i < GW_REFUSAL_KINDS; i++)
        free(r->samples[i]);
    gw_lock_fini(&r->lock);
    free(r);
}

static size_t put(char *to, size_t size, size_t at, gw_str s)
{
    size_t n = gw_utf8_cut(s, size - 1 - at);
    if (n)
        memcpy(to + at, s.ptr, n);
    to[at + n] = '\0';
    return at + n;
}

void gw_refusals_client(gw_str name, gw_str version)
{
    said.component = gw_thread_component();
    size_t at = put(said.client, sizeof said.client - 1, 0, name);
    if (version.len) {
        said.client[at++] = ' ';
        put(said.client, sizeof said.client, at, version);
    }
}

void gw_refusals_words(unsigned kind, const char *words)
{
    said.has_words = words && *words;
    said.kind = kind;
    if (said.has_words)
        put(said.words, sizeof said.words, 0, gw_str_z(words));
}

/* A decision that was sampled a moment ago. */
static bool is_repetition(struct gw_refusals *r, unsigned kind)
{
    if (kind == GW_REFUSAL_REJECTED || gw_reason_is_refusal((enum gw_reason)kind))
        return false;
    gw_nsec now = gw_now();
    if (now < atomic_load_explicit(&r->next[kind], memory_order_relaxed))
        return true;
    atomic_store_explicit(&r->next[kind], now + PAUSE, memory_order_relaxed);
    return false;
}

static void add(struct gw_refusals *r, unsigned kind, const struct gw_refusal *sample)
{
    gw_lock(&r->lock);
    if (!r->samples[kind])
        r->samples[kind] = calloc(GW_REFUSAL_SAMPLES, sizeof *r->samples[kind]);
    if (r->samples[kind])
        r->samples[kind][r->n[kind]++ % GW_REFUSAL_SAMPLES] = *sample;
    gw_unlock(&r->lock);
}

static void note(struct gw_refusals *r, enum gw_signal signal, const char *by, const char *client,
                 unsigned kind, uint64_t items)
{
    if (is_repetition(r, kind))
        return;
    struct gw_refusal sample = {.time = gw_wall(), .items = items, .signal = signal};
    put(sample.by, sizeof sample.by, 0, gw_str_z(by));
    put(sample.client, sizeof sample.client, 0, gw_str_z(client));
    put(sample.text, sizeof sample.text, 0,
        gw_str_z(said.has_words && said.kind == kind ? said.words
                 : kind < GW_REASONS                 ? meanings[kind]
                                                     : "The backend refused it, without words."));
    add(r, kind, &sample);
}

static void see_intake(void *refusals, enum gw_signal signal, const struct gw_intake *in)
{
    struct gw_refusals *r = refusals;
    const char *component = gw_thread_component();
    const char *client = component && component == said.component ? said.client : "";
    for (unsigned why = 0; why < GW_REASONS; why++)
        if (in->not_taken[why])
            note(r, signal, component ? component : "", client, why, in->not_taken[why]);
    said.has_words = false;
}

static void see_lost(void *refusals, enum gw_signal signal, const char *exporter, enum gw_place to,
                     enum gw_reason why, uint64_t items)
{
    struct gw_refusals *r = refusals;
    unsigned kind = to == GW_DROPPED ? (unsigned)why : (unsigned)GW_REFUSAL_REJECTED;
    char by[sizeof((struct gw_refusal *)0)->by];
    snprintf(by, sizeof by, "exporter=%.60s", exporter);
    if (items)
        note(r, signal, by, "", kind, items);
    said.has_words = false;
}

struct gw_refusals *gw_refusals_new(void)
{
    struct gw_refusals *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    gw_lock_init(&r->lock, GW_LOCK_REFUSALS);
    r->watch = (struct gw_ledger_watch){see_intake, see_lost, r};
    return r;
}

const struct gw_ledger_watch *gw_refusals_watch(struct gw_refusals *r)
{
    return &r->watch;
}

size_t gw_refusals_read(struct gw_refusals *r, unsigned kind, struct gw_refusal out[GW_REFUSAL_SAMPLES])
{
    size_t n = 0;
    gw_lock(&r->lock);
    uint64_t written = r->n[kind];
    for (; n < written && n < GW_REFUSAL_SAMPLES; n++)
        out[n] = r->samples[kind][(written - 1 - n) % GW_REFUSAL_SAMPLES];
    gw_unlock(&r->lock);
    return n;
}
