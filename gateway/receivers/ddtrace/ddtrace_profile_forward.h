/* ddtrace_profile_forward.h: forwards profiles to other servers.
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
 * All receivers of the process with the same target and key share it, so a reload loses no waiting upload;
 * the last one that opened it sets the limit of the queue. The ledger has a row for it, which is updated
 * here. A stop tries waiting uploads once more, for two seconds; the rest is dropped (shutdown).
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

/* Returns GW_BAD_REQUEST with a text if the target is wrong. */
enum gw_code ddtrace_profile_forward_check(const struct ddtrace_profile_forward_conf *,
                                           struct gw_err *) GW_MUST_CHECK;
/* NULL: no memory. */
struct ddtrace_profile_forward *ddtrace_profile_forward_open(const struct ddtrace_profile_forward_conf *,
                                                             const struct gw_host *);
/* Its row of the ledger, GW_LEDGER_EXPORTERS where that has none left; starts the thread where it does not run. */
unsigned ddtrace_profile_forward_start(struct ddtrace_profile_forward *,
                                       const struct ddtrace_profile_forward_conf *);
void ddtrace_profile_forward_close(struct ddtrace_profile_forward *); /* NULL is legal */
/* The upload's items are already counted as queued in the row. `container` is the sender's, if its headers do
 * not name it. */
void ddtrace_profile_forward_take(struct ddtrace_profile_forward *, const struct ddtrace_profile *,
                                  const struct gw_http_request *, const char *container);

#endif
