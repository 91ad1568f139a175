/* ddtrace_profile_forward.h: profiles to somebody else who takes them.
 *
 *     take ─▶ queue, bounded in bytes ─▶ requests, four at a time (ddtrace_proxy.h) ─┬▶ 2xx             delivered
 *               │ full: the oldest goes, queue_evicted                               ├▶ 408, 429, 5xx, nobody there: again, later
 *               └ older than retry_time: expired                                     ├▶ 401, 403        again, in a minute
 *                                                                                    └▶ another         rejected
 *
 *     http://agent:8126, unix:///path    an agent, or another ddgate: /profiling/v1/input, the upload as it came
 *     datadoghq.eu, with api_key         the site's intake, likewise
 *     http://host/…/ingest               Pyroscope: a request for each pprof or JFR file
 *     http://host/any/path               the upload as it came, to there
 *
 * Shared by all receivers of the process that name the same target with the same key, so that a reload loses nothing that
 * waits: the last that opened it says how much may wait. The ledger has a row for it, which is moved here. A stop tries
 * once more what waits, for two seconds; the rest is dropped (shutdown).
 *
 * Threads: open, start and close on main, take on any. A thread of its own, the proxy's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROFILE_FORWARD_H
#define GW_DDTRACE_PROFILE_FORWARD_H

#include "gateway/http/http.h"
#include "gateway/receivers/ddtrace/ddtrace_profile.h"

struct gw_host;
struct gw_budget;
struct ddtrace_profile_forward;

struct ddtrace_profile_forward_conf {
    gw_str target, api_key;
    uint64_t queue_size;
    gw_nsec retry_time;
};

/* GW_BAD_REQUEST with words: what is wrong with the target. */
enum gw_code ddtrace_profile_forward_check(const struct ddtrace_profile_forward_conf *,
                                           struct gw_err *) GW_MUST_CHECK;
/* NULL: no memory. */
struct ddtrace_profile_forward *ddtrace_profile_forward_open(const struct ddtrace_profile_forward_conf *,
                                                             const struct gw_host *);
/* Its row of the ledger, GW_LEDGER_EXPORTERS where that has none left; starts the thread where it does not run. */
unsigned ddtrace_profile_forward_start(struct ddtrace_profile_forward *,
                                       const struct ddtrace_profile_forward_conf *);
void ddtrace_profile_forward_close(struct ddtrace_profile_forward *); /* NULL is legal */
/* The upload's items stand in the row as queued already. `container` of the sender, where its headers do not name it. */
void ddtrace_profile_forward_take(struct ddtrace_profile_forward *, const struct ddtrace_profile *,
                                  const struct gw_http_request *, const char *container);

#endif
