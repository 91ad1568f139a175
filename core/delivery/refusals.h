/* refusals.h: the last items of each reason that were refused, dropped or rejected: who sent them, and why.
 *
 *     receiver ─ gw_refusals_client("python", "4.16.0") ─┐
 *     whoever knows more ─ gw_refusals_words(…) ─────────┤
 *     ledger ─ an intake with items that are not taken, ─┴▶ a sample: time, signal, by, client, items, text
 *              a move to dropped or rejected                 (the last 20 of each reason, the oldest is overwritten)
 *
 * The counts of the ledger say how many; these samples say which, for whoever looks for the reason. They are
 * written only when something is not taken, so a request that is taken costs nothing here but one copy of the
 * client's name. Reasons that are decisions and not mistakes (sampled_out, script_drop, …) may concern every
 * request: of those one sample is kept in PAUSE at most.
 *
 * What a thread says of its client holds while it works for the same component (thread.h), until it says so
 * anew; words are for the next sample of the thread alone. Words are those of errors and backends, as the log
 * has them; whoever shows them scrubs them (scrub.h).
 *
 * Ownership: the pipeline owns the table and lets the ledger tell it; a reason's samples are allocated when the first one comes (7 KiB), and
 * without memory there are none. Texts are copied and cut. Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_REFUSALS_H
#define GW_REFUSALS_H

#include "core/base/str.h"
#include "core/delivery/ledger.h"

enum { GW_REFUSAL_SAMPLES = 20 };

/* The reasons of reasons.def, and one more: the backend's own decision. */
enum { GW_REFUSAL_REJECTED = GW_REASONS, GW_REFUSAL_KINDS };
/* "queue_full", "rejected". */
const char *gw_refusal_label(unsigned kind);
/* GW_REFUSAL_KINDS: there is no such reason. */
unsigned gw_refusal_kind(gw_str label);

struct gw_refusal {
    int64_t time; /* wall clock, ns */
    uint64_t items;
    enum gw_signal signal;
    char by[72];     /* "receiver=ddtrace", "exporter=sls": who refused or dropped it */
    char client[64]; /* "python 4.16.0"; empty: not known */
    char text[200];
};

struct gw_refusals;
struct gw_refusals *gw_refusals_new(void);
void gw_refusals_drop(struct gw_refusals *);

/* Of the calling thread: who sends what it works on. */
void gw_refusals_client(gw_str name, gw_str version);
/* Of the calling thread, for its next sample of that kind, if it comes with the next call of the ledger that has
 * samples; NULL or "": none. Copied. */
void gw_refusals_words(unsigned kind, const char *words);

/* For a ledger: what an intake did not take (`by` is the component that the thread works for), and what an
 * exporter lost or its backend rejected. Lives as long as the table. */
const struct gw_ledger_watch *gw_refusals_watch(struct gw_refusals *);

/* The samples of a reason, newest first; returns how many. */
size_t gw_refusals_read(struct gw_refusals *, unsigned kind, struct gw_refusal out[GW_REFUSAL_SAMPLES]);

#endif
