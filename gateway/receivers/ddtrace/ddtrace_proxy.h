/* ddtrace_proxy.h: forwards what ddgate does not translate to a real agent, or to Datadog's intake.
 *
 *     worker ─ ddtrace_proxy_forward ─▶ queue, bounded in bytes and requests ─▶ thread: libcurl multi ─▶ upstream
 *        └ its connection is suspended ◀───────── the upstream's answer ◀────────┘
 *
 * No worker waits: the connection is suspended until the upstream has answered (gw_http_answer_later), or, where the
 * answer does not matter, is answered at once. A full queue is 429, an upstream that cannot be reached 502, one that
 * does not answer in time 504.
 *
 *     upstream = "http://host:8126", "unix:///var/run/datadog/apm.socket"   an agent: the same path and query
 *     upstream = "datadoghq.eu", with api_key                               the site's intake: host and path by row
 *
 * Headers are forwarded, except those of the connection (RFC 9110 §7.6.1), Host, and headers for ddgate:
 * Authorization, and DD-API-KEY, which is replaced by the configured key or removed. `Via` is added, and the
 * sender's container if its headers do not name it, because the upstream would see ddgate's. Event-platform
 * requests to an intake get only a few headers, as from an agent. Bodies are forwarded as they were sent,
 * compressed or not.
 *
 * Threads: forward on any; open, start, stop and close on main. One thread of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_PROXY_H
#define GW_DDTRACE_PROXY_H

#include "core/config/option.h"
#include "gateway/http/http.h"
#include "gateway/receivers/ddtrace/ddtrace_untranslated.h"

#define DDTRACE_PROXY_OPTS(X)                                                                                \
    X(str, proxy_upstream, "proxy.upstream", "", "", "",                                                     \
      "Where to forward data that is not translated (profiles, events, remote configuration …), never "    \
      "traces: an agent (http://host:8126, unix:///path), or with api_key the intake of a site "             \
      "(datadoghq.eu). Empty: ddgate answers and discards it.")                                              \
    X(secret, proxy_api_key, "proxy.api_key", "", "", "",                                                    \
      "DD-API-KEY of forwarded requests. An intake needs it; an agent has its own.")                         \
    X(duration, proxy_timeout, "proxy.timeout", "30s", "100ms", "10m",                                       \
      "How long the upstream may take for a request; then the answer is 504.")                               \
    X(size, proxy_queue_size, "proxy.queue_size", "25MiB", "64KiB", "1GiB",                                  \
      "Bytes of requests that wait for the upstream or are being forwarded; further ones get 429.")          \
    X(count, proxy_requests, "proxy.requests", "100", "1", "10000",                                          \
      "Number of such requests; further ones get 429.")

struct ddtrace_proxy_conf {
    DDTRACE_PROXY_OPTS(GW_FIELD)
};

/* Of a row; any thread. */
struct ddtrace_proxy_counts {
    atomic_uint_least64_t forwarded, refused, failed;
};

struct gw_diagnostics;
struct ddtrace_proxy;

/* Checks the options; mistakes become diagnostics below `path`. *out is NULL where nothing is to be forwarded. */
enum gw_code ddtrace_proxy_open(struct ddtrace_proxy **out, const struct ddtrace_proxy_conf *,
                                struct gw_budget *, const char *path, struct gw_diagnostics *);
/* False when there is no thread. */
bool ddtrace_proxy_start(struct ddtrace_proxy *) GW_MUST_CHECK;
/* Open requests have two seconds to finish. NULL is allowed in these functions. */
void ddtrace_proxy_stop(struct ddtrace_proxy *);
void ddtrace_proxy_close(struct ddtrace_proxy *);

/* Returns whether the upstream accepts the row's requests. NULL: no. */
bool ddtrace_proxy_takes(const struct ddtrace_proxy *, enum ddtrace_quiet_row);

/* A request as it is forwarded. */
struct ddtrace_forward {
    const struct gw_http_request *request;
    enum ddtrace_quiet_row row;
    const char *container;               /* the sender's, if its headers do not contain it; "": unknown */
    bool at_once;                        /* the caller answers at once; no client waits for the upstream */
    struct ddtrace_proxy_counts *counts; /* outlive the proxy */
};

/* GW_OK: it is on its way, and unless it is at_once the answer comes by itself. Else the caller answers so. */
enum gw_code ddtrace_proxy_forward(struct ddtrace_proxy *, const struct ddtrace_forward *, struct gw_err *);

/* --- for who keeps requests until they are taken (ddtrace_profile_forward.h) --- */

/* The result of a request: GW_OK and the answer's status; otherwise there was no answer, and `why` is the
 * reason. */
struct ddtrace_sent {
    enum gw_code code;
    unsigned status;
    gw_nsec retry_after; /* 0: not given */
    const char *why;
};
typedef void ddtrace_sent_f(void *cookie, const struct ddtrace_sent *);

struct ddtrace_sending {
    const char *url;
    const char *const *headers; /* "Name: value", NULL-terminated; copied, as the URL is */
    gw_str body;                /* the caller's until `done` */
    ddtrace_sent_f *done;       /* once, on the proxy's thread */
    void *cookie;
};

/* Makes a proxy only for such requests, to the upstream `base` (http://host:port …, unix:///path …) or a
 * site's name. Its thread calls `idle` after each turn of its loop, at least once a second, and when it
 * begins to stop. NULL: no memory. */
struct ddtrace_proxy *ddtrace_proxy_for_sending(gw_str base, gw_nsec timeout, struct gw_budget *,
                                                void (*idle)(void *, bool stopping), void *cookie);
/* On the proxy's thread. False: no memory, and `done` is not called. */
bool ddtrace_proxy_send(struct ddtrace_proxy *, const struct ddtrace_sending *) GW_MUST_CHECK;
/* Any thread: `idle` is called soon. */
void ddtrace_proxy_wake(struct ddtrace_proxy *);

#endif
