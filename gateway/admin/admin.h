/* admin.h: what an operator, an orchestrator and Prometheus ask, on a listener of its own.
 *
 *     admin = { listen = "127.0.0.1:8127"; };      "" for none
 *
 *     GET /healthz   200 while the process lives
 *     GET /readyz    200, or 503 and a line per reason: starting, stopping, a queue refuses, max_memory is used up
 *     GET /metrics   everything that is counted anywhere, in Prometheus' text format (metrics.h; docs/reference/metrics.md)
 *     GET /ledger    where every item is, one consistent snapshot, as JSON (ledger_report.h)
 *
 * A thread of its own for each address, which waits for nothing that a receiver or an exporter holds: it
 * answers while they are stuck. Nothing here is secret, and nothing can be changed here; still it listens on
 * loopback, because whom it tells how much is sent through here is the user's to decide. A page of a browser
 * that somebody lured here is told nothing.
 *
 * A reload that changes the address opens a successor beside the running one, then retires that: it accepts
 * nothing more, closes each connection with its next answer, and is over when the last is closed.
 *
 * Bounds: 48 connections an address, above that the oldest makes way; 16 KiB each, 10 s without a byte, 20 s
 * from one request to the next; a request's body is not read. Where a request ends is beyond doubt (framing.h).
 *
 * Threads: main; the server's own ask the source.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "core/base/err.h"
#include "core/base/metrics.h"
#include "core/delivery/ledger.h"

#define GW_ADMIN_LISTEN "127.0.0.1:8127"

struct gw_admin;
struct gw_diagnostics;

/* What is asked of the process; each from the server's threads. */
struct gw_admin_source {
    bool (*ready)(void *ctx, FILE *why); /* would what is sent now be taken? If not, a line per reason */
    void (*measure)(void *ctx, struct gw_metrics *);
    void (*ledger)(void *ctx, struct gw_ledger_view *out);
    void *ctx;
};

/* Binds; an address that cannot be bound is an error at "admin.listen", or a warning where it is the default.
 * What the source speaks of outlives it. Addresses that a predecessor (NULL: none) listens on are shared with
 * it. NULL: there is none, because none is wanted, or it cannot be had. */
struct gw_admin *gw_admin_open(gw_str listen, struct gw_admin *predecessor, const struct gw_admin_source *,
                               struct gw_diagnostics *);
/* The option that it was opened with; lives as long as it. */
gw_str gw_admin_listen(const struct gw_admin *);
/* From now on it answers. Without effect on NULL. False, with a line in the log, when the system has no
 * thread for it. */
bool gw_admin_start(struct gw_admin *) GW_MUST_CHECK;
/* It accepts nothing more; addresses are closed, but those that the successor (NULL: none) shares. */
void gw_admin_retire(struct gw_admin *, struct gw_admin *successor);
/* Retired, and no connection is open any more. */
bool gw_admin_over(const struct gw_admin *);
/* Ends connections that are open. NULL is legal. */
void gw_admin_drop(struct gw_admin *);

#endif
