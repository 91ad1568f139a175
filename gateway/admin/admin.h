/* admin.h: a separate listener for operators, orchestrators and Prometheus.
 *
 *     admin = { listen = "127.0.0.1:8127"; page = true; auth = { token = "…"; }; };      listen "" for none
 *
 *     GET /healthz   200 while the process lives
 *     GET /readyz    200, or 503 and a line per reason: starting, stopping, a queue refuses, max_memory is used up
 *     GET /metrics   all metrics, in Prometheus' text format (metrics.h; docs/reference/metrics.md)
 *     GET /ledger    the state of every item, one consistent snapshot, as JSON (ledger_report.h)
 *     GET /          the page, for people with a browser
 *     /api/…         what the page shows, as JSON (api.h)
 *
 * Each address has a thread of its own, which waits for nothing that a receiver or an exporter holds: it
 * answers while they are stuck. Nothing can be changed here. The first four hold no secret. The page and the
 * API show data of applications: they are there on loopback, and elsewhere with a token only
 * (admin_access.h). Requests of other sites' pages are refused.
 *
 * A reload that changes the address opens a successor beside the running one, then retires that: it accepts
 * no more connections, closes each connection with its next answer, and has finished when the last is
 * closed.
 *
 * Limits: 48 connections an address, above that the oldest is closed; 16 KiB each, 10 s without a byte, 20
 * s between requests; bodies are read where the API takes one, up
 * to 64 KiB. Requests whose end is ambiguous are refused (framing.h).
 *
 * Threads: main; the server's own threads call the source.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_ADMIN_H
#define GW_ADMIN_H

#include "core/base/err.h"
#include "core/base/metrics.h"
#include "core/delivery/ledger.h"
#include "gateway/admin/admin_access.h"

#define GW_ADMIN_LISTEN "127.0.0.1:8127"

struct gw_admin;
struct gw_diagnostics;
struct gw_api;

/* The functions that the pages call; on the server's threads. */
struct gw_admin_source {
    bool (*ready)(void *ctx,
                  FILE *why); /* true if data sent now would be accepted; otherwise a line per reason */
    void (*measure)(void *ctx, struct gw_metrics *);
    void (*ledger)(void *ctx, struct gw_ledger_view *out);
    void *ctx;
    const struct gw_api *api;
};

/* Reports mistakes without binding anything. */
void gw_admin_check(const struct gw_admin_conf *, struct gw_diagnostics *);
/* Binds. An address that cannot be bound is an error at "admin.listen", or a warning for the default. The
 * source's objects must outlive it. Addresses of a predecessor (NULL: none) are shared with it. NULL: none is
 * configured, or it cannot be opened. */
struct gw_admin *gw_admin_open(const struct gw_admin_conf *, struct gw_admin *predecessor,
                               const struct gw_admin_source *, struct gw_diagnostics *);
/* Whether it was opened with the same options. */
bool gw_admin_is(const struct gw_admin *, const struct gw_admin_conf *);
/* From now on it answers. Without effect on NULL. False, with a line in the log, when the system has no
 * thread for it. */
bool gw_admin_start(struct gw_admin *) GW_MUST_CHECK;
/* Where the page is, "http://127.0.0.1:8127/"; "" when no address shows it. A browser cannot open a socket file. */
void gw_admin_page_url(const struct gw_admin *, char *out, size_t size);
/* It accepts nothing more; addresses are closed, but those that the successor (NULL: none) shares. */
void gw_admin_retire(struct gw_admin *, struct gw_admin *successor);
/* Retired, and no connection is open any more. */
bool gw_admin_over(const struct gw_admin *);
/* Ends connections that are open. NULL is legal. */
void gw_admin_drop(struct gw_admin *);

#endif
