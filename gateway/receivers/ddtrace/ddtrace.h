/* ddtrace.h: the trace-agent API, answered as tracers expect an agent to answer.
 *
 *      GET /info                      what works here; byte-stable, so that Datadog-Agent-State (its hash) is   ddtrace_info.c
 *      PUT, POST /v0.x/traces         decode, translate, offer, answer                                          ddtrace_traces.c
 *      PUT, POST /v0.6/stats          the same, with statistics of spans; /api/v0.2/stats of agents                ddtrace_stats.c
 *                                     who sends: headers, or the peer's cgroup                                 ddtrace_request.c, ddtrace_cgroup.c
 *                                     span metrics, of all that came                                           ddtrace_span_metrics.c
 *      POST /v1/write/tracing         spans that a Datakit wrote as points                                      ddtrace_points.c
 *      /v0.x/services                 taken and dropped, as the agent does                                      ddtrace.c
 *      /profiling/v1/input            by option profiles: files, forwarded, OTLP                               ddtrace_profiles.h
 *                                     who they are, for the page and `ddgate top`                         ddtrace_fleet.c
 *      /telemetry/…, /profiling/… …   what is not translated: answered so that no tracer warns, and counted     ddtrace_quiet.c
 *                                     or forwarded                                                             ddtrace_proxy.c, ddtrace_target.c
 *
 * Private to the receiver's files. Facts about tracers are from recordings of Python ddtrace 0.20 to 4.16,
 * dd-trace-js 3 to 6, dd-trace-go 2.12 and dd-java-agent 1.68; where they are silent, from the source of the
 * Datadog agent 7.70 (pkg/trace/api).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DDTRACE_H
#define GW_DDTRACE_H

#include "core/config/option.h"
#include "gateway/http/http_open.h"
#include "gateway/receiver_host.h"
#include "gateway/receivers/ddtrace/ddtrace_cgroup.h"
#include "gateway/receivers/ddtrace/ddtrace_profiles.h"
#include "gateway/receivers/ddtrace/ddtrace_proxy.h"
#include "gateway/receivers/ddtrace/ddtrace_span_metrics.h"
#include "translators/ddtrace/dd_privacy.h"
#include "translators/ddtrace/dd_sampler.h"
#include "translators/ddtrace/dd_stats.h"
#include "translators/ddtrace/dd_translate.h"

/* The agent's version that tracers see: they compare it with those where a feature came (Go, Java). Ours is
 * in git_commit. */
#define DDTRACE_AGENT_VERSION "7.71.0"
/* Without option sampling the rates never change while the process runs, so neither does their version. */
#define DDTRACE_RATES_VERSION "ddgate-1"

#define DDTRACE_LISTEN "127.0.0.1:8126, [::1]:8126, 127.0.0.1:9529, [::1]:9529"
#define DDTRACE_SOCKET "/var/run/datadog/apm.socket"

#define DDTRACE_OPTS(X)                                                                                      \
    X(list, listen, "listen", DDTRACE_LISTEN, "", "",                                                        \
      "Addresses to listen on: host:port, [ipv6]:port or :port (every address). If a configured address "    \
      "cannot be bound, ddgate does not start; default addresses only cause a warning.")                     \
    X(str, socket, "socket", DDTRACE_SOCKET, "", "",                                                         \
      "Unix stream socket to listen on, made with mode 0722 so that applications of other users and "        \
      "containers can connect; empty for none. The folder of a configured socket must exist; the default "   \
      "socket is skipped if its folder does not.")                                                           \
    X(count, threads, "threads", "0", "0", "256",                                                            \
      "Receiver threads; 0: as many as cores that the process may use.")                                     \
    GW_HTTP_BODY_OPTS(X, "25MiB", "64MiB")                                                                   \
    GW_HTTP_TIME_OPT(X)                                                                                      \
    X(duration, idle_timeout, "idle_timeout", "2m", "1s", "1h",                                              \
      "How long a connection is kept without a request. Tracers keep theirs for up to 90 s, and lose a "     \
      "payload if the server closes it earlier.")                                                            \
    X(count, connections, "connections", "1000", "1", "100000",                                              \
      "Most connections at a time, over all addresses; each is charged 32 KiB of max_memory (64 with TLS), " \
      "together a third of it at most. Above that, the least useful one is closed for a new one; if all "    \
      "are in use, the new one gets 429.")                                                                   \
    GW_LISTENER_ACCESS_OPTS(X)                                                                               \
    X(flag, keep_rejected, "keep_rejected", "false", "", "",                                                 \
      "Export traces that the tracer decided against (sampling priority 0 or less) too.")                    \
    X(count, sampling_target, "sampling.target_per_second", "0", "0", "1000000",                             \
      "How many traces a second to keep, of all services together; each gets its share, and the others get " \
      "what small services do not use. Tracers learn the rates; traces of tracers that ignore them are "     \
      "sampled here. 0: no target.")                                                                         \
    X(map, sampling_rates, "sampling.rates", "", "", "",                                                     \
      "The share of its traces that a service keeps, from 0 to 1: shop = 0.1; \"shop,env:prod=1\" (in a "    \
      "list) for an environment, * for all others.")                                                         \
    X(flag, sampling_keep_errors, "sampling.keep_errors", "false", "", "",                                   \
      "Keep everything that has a span with an error, even if a rate, here or in the tracer, decides "       \
      "against it.")                                                                                         \
    DDTRACE_SPAN_METRICS_OPTS(X)                                                                             \
    X(choice, client_stats, "client_stats", "asked", "asked|always|never", "",                               \
      "Make metrics of the statistics that tracers and agents compute of all spans, sampled or not, and "    \
      "ask tracers for them in /info. asked: if the option signals of an exporter names metrics; always: "   \
      "if any exporter takes metrics. Tracers then do not send rejected traces, unless keep_rejected or "    \
      "sampling.keep_errors needs them.")                                                                    \
    X(choice, span_name, "span_name", "otel", "otel|resource|operation", "",                                 \
      "The name of a span: otel builds a low-cardinality one by the semantic conventions, resource and "     \
      "operation take Datadog's fields.")                                                                    \
    X(choice, service_override, "service_override", "split", "split|base", "",                               \
      "Spans of an integration's own service (\"postgres\"): split puts them into a separate resource, "     \
      "base into the resource of their process.")                                                            \
    X(str, proc_root, "proc_root", "/proc", "", "",                                                          \
      "The host's /proc: the cgroup of a client on the Unix socket names its container. In a container, "    \
      "the folder where the host's /proc is mounted.")                                                       \
    X(str, cgroup_root, "cgroup_root", "/sys/fs/cgroup", "", "",                                             \
      "The folder where the host's cgroups are mounted: ddgate finds the inode of a tracer's cgroup "        \
      "(Datadog-Entity-ID: in-…) there.")                                                                    \
    X(flag, same_host, "same_host", "false", "", "",                                                         \
      "Treat every sender as local, also those with other addresses than loopback, such as pods that send "  \
      "to a DaemonSet: they get this host.name, and their inodes are looked up here.")                       \
    DDTRACE_PROXY_OPTS(X)                                                                                    \
    DDTRACE_PROFILES_OPTS(X)                                                                                 \
    X(map, resource, "resource", "", "", "",                                                                 \
      "Resource attributes to add to all records; they override attributes that were found.")                \
    X(list, promote, "promote", "", "", "",                                                                  \
      "Span tags that become resource attributes, such as those of DD_TAGS.")                                \
    X(list, strip, "strip", "", "", "", "Tags that are not exported.")                                       \
    X(choice, trace_id_bits, "trace_id_bits", "128", "128|64", "",                                           \
      "64: the upper half of every trace id is zero.")                                                       \
    X(flag, obfuscate, "obfuscate", "true", "", "",                                                          \
      "Remove literals from SQL, arguments from Redis commands and secrets from URLs. Tracers send them "    \
      "unchanged and leave this to the agent.")                                                              \
    DD_PRIVACY_OPTS(X)

struct ddtrace_conf {
    DDTRACE_OPTS(GW_FIELD)
};

/* Counts of requests and of irregularities in them, for the admin page and the log at exit. Any thread. */
struct ddtrace_counts {
    atomic_uint_least64_t payloads[DD_FORMATS], point_payloads, probes, chunks, lost_chunks, count_mismatches,
        dropped_p0_traces, dropped_p0_spans;
    atomic_uint_least64_t malformed_tid, conflicting_tid, bad_links, bad_events, bad_struct, repaired_text,
        bad_times, bad_tracestate, empty_keys;
    atomic_uint_least64_t gateway_sampled, kept_errors;
    atomic_uint_least64_t stats_payloads, stats_groups, stats_counts_only, refused_groups[DD_STATS_FAULT_N];
};

/* The answers of /info without statistics, and with them: an exporter may come or go. Never changed once they are there. */
struct ddtrace_infos {
    struct ddtrace_info {
        char state[65]; /* lower-case hex SHA-256 of text */
        char text[8192];
        size_t len;
    } of[2];
    struct ddtrace_infos *older; /* which a request may still answer by */
};

/* The state of a row of untranslated requests. */
struct ddtrace_quiet {
    atomic_uint_least64_t requests;
    atomic_uint said; /* to the log: bits of languages */
    struct ddtrace_proxy_counts proxy;
};

enum { DDTRACE_ROUTES = 64 };

/* What one worker has of its own. */
struct ddtrace_thread {
    struct dd_translator *translator;
    struct dd_privacy_thread *privacy; /* NULL: there are no rules */
    struct dd_result result; /* 2 KiB of frame pointers: too much for every request's stack to clear */
};

struct ddtrace {
    struct ddtrace_conf conf; /* first: the option rows fill it */
    const struct gw_host *host;
    struct dd_options options;
    struct dd_privacy *privacy; /* NULL: there are no rules */
    struct dd_privacy_counts privacy_counts;
    struct dd_sampler *sampler; /* NULL: option sampling is not set */
    struct ddtrace_span_metrics span_metrics;
    struct gw_listener_access access;
    struct gw_http_site site;
    struct gw_http_route routes[DDTRACE_ROUTES];
    struct gw_http_header headers[2]; /* Datadog-Agent-Version, Datadog-Agent-State */
    struct ddtrace_infos *_Atomic infos;
    struct gw_http_open open;
    bool has_socket; /* conf.socket is open */
    struct ddtrace_cgroups *cgroups;
    struct ddtrace_proxy *proxy; /* NULL: none */
    struct ddtrace_profiles profiles;
    atomic_bool said_unseen; /* to the log: there are peers whose process is not seen */
    struct ddtrace_thread *threads;
    unsigned threads_n;
    struct ddtrace_counts counts;
    struct ddtrace_quiet quiet[DDTRACE_QUIETS];
};

/* Returns the options for the translator; the labels belong to the caller. */
struct dd_options ddtrace_options(const struct ddtrace_conf *);
/* As dd_privacy_new. */
struct dd_privacy *ddtrace_privacy(const struct ddtrace_conf *, struct dd_privacy_counts *, const char *path,
                                   struct gw_diagnostics *);

/* Writes the routes of untranslated requests, when it is known whether there is a proxy; returns their
 * number. */
size_t ddtrace_quiet_routes(const struct ddtrace *, struct gw_http_route *to);
/* Returns the row's paths that are listed in /info, separated by commas; "": none. */
const char *ddtrace_quiet_listed(const struct ddtrace *, enum ddtrace_quiet_row);

/* Where the peer of a Unix socket runs. Lives as long as the connection. */
const struct ddtrace_origin *ddtrace_origin_of_peer(struct ddtrace *, struct gw_http_peer *);
/* Fills `out` from the request's headers and, where they are silent, from the peer's cgroup. The views live as
 * long as the request. */
void ddtrace_read_request(struct ddtrace *, const struct gw_http_request *, struct dd_request *out);

/* For the table of clients (gateway/fleet.h): a request with spans, and what became of it; any other request of a
 * tracer, which says that it sends this (GW_FLEET_…). */
void ddtrace_fleet_traces(struct ddtrace *, const struct gw_http_request *, const struct dd_request *from,
                          const struct dd_result *);
void ddtrace_fleet_other(struct ddtrace *, const struct gw_http_request *, unsigned sends);

/* Answers an untranslated request: it is forwarded, or counted and dropped. */
gw_http_f ddtrace_quiet_answer;

/* Writes /info and its hash, after the listeners are known, and again if a reload may have changed it; main
 * thread. Returns false if there is no memory: the old one stays. */
bool ddtrace_info_make(struct ddtrace *);
void ddtrace_info_drop(struct ddtrace *);
/* Datadog-Agent-State of this moment; ctx is the struct ddtrace. */
const char *ddtrace_info_state(void *ctx);
gw_http_f ddtrace_info, ddtrace_traces, ddtrace_stats, ddtrace_points;
/* Statistics become metrics: by the option, and by what exporters take. */
bool ddtrace_takes_stats(const struct ddtrace *);

/* A body, or the payload that was made from it. */
struct ddtrace_payload {
    enum dd_format format;
    gw_str body;
    bool points;         /* it consisted of points … */
    uint64_t bad_points; /* … of which these could not be read */
};
/* Body to queue. What could not be translated goes into the ledger too, as an offer without frames. */
enum gw_code ddtrace_take(struct ddtrace *, const struct gw_http_request *, const struct dd_request *from,
                          const struct ddtrace_payload *, struct gw_err *) GW_MUST_CHECK;

/* For a request of an agent: its headers describe the agent, and each payload in the body describes its own
 * process. */
void ddtrace_forget_process(struct dd_request *);
/* The answer to a payload that was not taken, and the log's line about it. */
void ddtrace_answer_bad(struct ddtrace *, const struct gw_http_request *, const struct dd_request *from,
                        struct gw_err *, struct gw_http_reply *);
/* A request that no handler sees: its traces enter the ledger as refused, by the tracer's own count. */
void ddtrace_refused(void *ctx, const struct gw_http_request *, enum gw_code);

/* route->tag of trace endpoints. V10 accepts only v0.4, which dd-trace-js 6 sends there. */
enum ddtrace_version {
    DDTRACE_V01,
    DDTRACE_V02,
    DDTRACE_V03,
    DDTRACE_V04,
    DDTRACE_V05,
    DDTRACE_V07,
    DDTRACE_V10,
    DDTRACE_AGENT /* what an agent sends to its intake */
};

#endif
