/* ledger.h: counts every item, so that nothing accepted is lost silently.
 *
 * Every received item (span, log record, metric point) is in exactly one state, for each signal and each
 * exporter:
 *
 *      received = refused(reason) + dropped(reason) + accepted
 *      accepted = sent + rejected by the backend + dropped(reason) + set aside + queued + in process       (per exporter)
 *
 * Every change is one transaction under one lock, taken once per request or per answer of a backend, never
 * per span. So a snapshot is always balanced; gw_ledger_balanced() is checked at exit, by tests and by
 * readers of the ledger. Items of a signal that an exporter does not take, and items that arrived before it
 * was configured or after it was removed (reload), are counted as not asked, so that its row balances:
 *
 *      accepted (of the signal) = accepted (for this exporter) + not asked
 *
 * With a disk queue an exporter starts with the items that the previous run left there (recovered), and may
 * leave items itself (stored):
 *
 *      accepted (for this exporter) + recovered = sent + … + in process + stored
 *
 * Threads: any.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_LEDGER_H
#define GW_LEDGER_H

#include <stdio.h>

#include "core/delivery/frame.h"

enum gw_reason {
#define REASON(id, label, kind, text) GW_REASON_##id,
#include "core/delivery/reasons.def"
#undef REASON
    GW_REASONS
};
const char *gw_reason_label(enum gw_reason);
bool gw_reason_is_refusal(enum gw_reason);

/* The items of one request: those received, and those that were not accepted. accepted = received − Σ
 * not_taken. */
struct gw_intake {
    uint64_t received;
    uint64_t not_taken[GW_REASONS];
};
uint64_t gw_intake_accepted(const struct gw_intake *);
void gw_intake_add(struct gw_intake *to, const struct gw_intake *more);

/* Where an accepted item can be, for one exporter. */
enum gw_place {
    GW_QUEUED,
    GW_IN_PROCESS,
    GW_DELIVERED,
    GW_REJECTED,
    GW_DROPPED,
    GW_SET_ASIDE,
    GW_STORED,
    GW_PLACES
};

/* The number of exporters at a time, and since the start: a reload may add names. A name that is used again
 * continues its row. */
enum { GW_MAX_EXPORTERS = 16, GW_LEDGER_EXPORTERS = 64 };

struct gw_ledger_signal {
    uint64_t received, accepted, not_taken[GW_REASONS];
    /* Trace ids that were sent with 64 bits because their upper half did not become known within
     * join_wait. */
    uint64_t pending_ids;
    struct {
        uint64_t accepted, not_asked, recovered, at[GW_PLACES], dropped[GW_REASONS];
    } exporter[GW_LEDGER_EXPORTERS];
};

struct gw_ledger_view {
    unsigned exporters;
    char exporter_name[GW_LEDGER_EXPORTERS][64];
    unsigned exporter_signals[GW_LEDGER_EXPORTERS]; /* bit per enum gw_signal; 0: no longer configured */
    struct gw_ledger_signal signal[GW_SIGNALS];
};

struct gw_ledger;
struct gw_ledger *gw_ledger_new(void);
void gw_ledger_drop(struct gw_ledger *);
/* Returns the exporter's number: the row of that name, or a new one; GW_LEDGER_EXPORTERS if there is no room.
 * Names are truncated to 63 bytes. */
unsigned gw_ledger_exporter(struct gw_ledger *, const char *name, unsigned signals);
/* Who is told of items that are not taken, or are lost: once they are counted, on the thread that counts them,
 * with no lock held (refusals.h). */
struct gw_ledger_watch {
    void (*not_taken)(void *ctx, enum gw_signal, const struct gw_intake *);
    void (*lost)(void *ctx, enum gw_signal, const char *exporter, enum gw_place to, enum gw_reason why,
                 uint64_t n); /* to: GW_DROPPED, or GW_REJECTED, where why has no meaning */
    void *ctx;
};
/* Before anything is counted; must outlive the ledger. */
void gw_ledger_set_watch(struct gw_ledger *, const struct gw_ledger_watch *);
/* Sets its signals from now on; 0 if it is no longer configured. */
void gw_ledger_signals(struct gw_ledger *, unsigned exporter, unsigned signals);

/* Ends one request: its accepted items are now queued for the exporters in `asked` (bit N: exporter N). */
void gw_ledger_intake(struct gw_ledger *, enum gw_signal, const struct gw_intake *, uint64_t asked);
/* Moves n items of an exporter from one place to another; `why` is used if `to` is GW_DROPPED. */
void gw_ledger_move(struct gw_ledger *, unsigned exporter, enum gw_signal, enum gw_place from,
                    enum gw_place to, enum gw_reason why, uint64_t n);
/* n items of an earlier run are queued for the exporter. */
void gw_ledger_recovered(struct gw_ledger *, unsigned exporter, enum gw_signal, uint64_t n);
/* At the end of the process: the items queued for the exporter stay on the disk, or are lost if the disk did
 * not keep them. */
void gw_ledger_leave(struct gw_ledger *, unsigned exporter, bool kept);
/* n trace ids became final without an upper half. Not part of the balance: their spans are counted like all
 * others. */
void gw_ledger_incomplete_ids(struct gw_ledger *, enum gw_signal, uint64_t n);

void gw_ledger_read(struct gw_ledger *, struct gw_ledger_view *out);
/* Returns false if the numbers do not add up, which is a bug in ddgate. */
bool gw_ledger_balanced(const struct gw_ledger_view *);
/* Returns the number of items, of all exporters, that the disk queue keeps for the next start. */
uint64_t gw_ledger_stored(const struct gw_ledger_view *);
/* Returns the number of accepted items that are lost: dropped by an exporter, or still queued or in process.
 * Items do not count that a backend accepted, that were stored, that their source keeps (returned), or that
 * the configuration excludes (discarded, filtered). If it is not 0, the exit code is 3. */
uint64_t gw_ledger_lost(const struct gw_ledger_view *);
/* Prints the ledger for people, at exit: a paragraph per signal with items, and rows that are not zero. */
void gw_ledger_print(FILE *, const struct gw_ledger_view *);

#endif
