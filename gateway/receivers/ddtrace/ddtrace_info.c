/* ddtrace_info.c: Writes the answer of /info and its hash, once, when the receiver starts, for then all that listens is open. Called by
 * ddtrace.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>

#include "gateway/dogstatsd_proxy.h"

static void put(struct ddtrace *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct ddtrace *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(d->info + d->info_len, sizeof d->info - d->info_len, fmt, args);
    va_end(args);
    /* every piece but the socket's path is ours, and that is short */
    GW_ASSERT(n >= 0 && (size_t)n < sizeof d->info - d->info_len);
    d->info_len += (size_t)n;
}

/* A path as JSON string; bytes that JSON escapes become '?', as they name nothing that a tracer could
 * open. */
static void put_path(struct ddtrace *d, gw_str path)
{
    put(d, "\"");
    for (size_t i = 0; i < path.len; i++)
        put(d, "%c",
            path.ptr[i] == '"' || path.ptr[i] == '\\' || (uint8_t)path.ptr[i] < ' ' ? '?' : path.ptr[i]);
    put(d, "\"");
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

/* /v0.6/stats and the traces of a version must not stand here before they are decoded (Go 2.12 uses v1.0 as
 * soon as it is listed, and loses what is answered 404). */
static void put_endpoints(struct ddtrace *d)
{
    put(d, "\"endpoints\":[\"/v0.3/traces\",\"/v0.3/services\",\"/v0.4/traces\",\"/v0.4/services\",\"/v0.5/"
           "traces\",\"/v0.7/traces\",\"/v1.0/traces\"");
    for (int i = 0; i < DDTRACE_QUIETS; i++)
        for (gw_str paths = gw_str_z(ddtrace_quiet_listed(d, (enum ddtrace_quiet_row)i)), path;
             paths.len && gw_str_next(&paths, ',', &path);)
            put(d, ",\"%.*s\"", GW_FMT(path));
    put(d, "],");
}

/* What is hidden (docs/privacy.md), in an agent's words. libdatadog reads all of /info or nothing, and wants
 * every key of this block, spelt as agents before 7.79 spell it. */
static void put_obfuscation(struct ddtrace *d)
{
    const char *on = truth(d->conf.obfuscate);
    put(d,
        "\"obfuscation\":{\"elastic_search\":%s,\"mongo\":%s,\"sql_exec_plan\":false,"
        "\"sql_exec_plan_normalize\":false,\"http\":{\"remove_query_string\":false,\"remove_path_digits\":"
        "false},\"remove_stack_traces\":false,",
        on, on);
    put(d,
        "\"redis\":{\"Enabled\":%s,\"RemoveAllArgs\":false},\"valkey\":{\"Enabled\":%s,\"RemoveAllArgs\":"
        "false},\"memcached\":{\"Enabled\":%s,\"KeepCommand\":false},\"credit_cards\":{\"Enabled\":false}}",
        on, on, on);
}

/* 0: no receiver of this process listens for DogStatsD over UDP. */
static int statsd_port(const struct ddtrace *d)
{
    return d->host->dogstatsd ? atomic_load(&d->host->dogstatsd->port) : 0;
}

/* 0 where there is no such bound. statsd_port: the port that Go and Java send runtime metrics to. */
static void put_config(struct ddtrace *d)
{
    put(d,
        "\"config\":{\"default_env\":\"none\",\"target_tps\":0,\"max_eps\":0,\"receiver_port\":%d,"
        "\"receiver_socket\":",
        d->open.port);
    put_path(d, d->has_socket ? d->conf.socket : GW_NOSTR);
    put(d, ",\"connection_limit\":0,\"receiver_timeout\":%lld,\"max_request_bytes\":%llu,",
        (long long)(d->conf.receive_timeout / GW_SEC), (unsigned long long)d->conf.max_body);
    if (statsd_port(d))
        put(d, "\"statsd_port\":%d,", statsd_port(d));
    put(d, "\"max_memory\":%zu,\"max_cpu\":0,\"analyzed_spans_by_service\":{},", d->host->budget->limit);
    put_obfuscation(d);
    put(d, "},");
}

/* Exactly what works: every key that a tracer reads, and what it does by it.
 *   client_drop_p0s     true lets Go, Java and others keep unsampled traces to themselves
 *   span_events         true: Go sends events natively, with their types
 *   span_meta_structs   true: AppSec's data come as msgpack, not as JSON
 *   long_running_spans  false: Java sends a span when it has ended, not in between
 *   peer_tags …, obfuscation_version   0: of statistics, which nobody is to compute
 *   filter_tags …       traces that tracers are to drop: none
 * org_prop_marker is absent, as it is of an agent that belongs to no organisation. */
static void write_info(struct ddtrace *d)
{
    d->info_len = 0;
    put(d, "{\"version\":\"%s\",\"git_commit\":\"ddgate-%s\",", DDTRACE_AGENT_VERSION, DDGATE_VERSION);
    put_endpoints(d);
    put(d,
        "\"feature_flags\":[],\"client_drop_p0s\":false,\"span_meta_structs\":true,\"long_running_spans\":"
        "false,\"span_events\":true,\"evp_proxy_allowed_headers\":[%s],",
        ddtrace_proxy_takes(d->proxy, DDTRACE_QUIET_EVENTS)
            ? "\"Content-Type\",\"Accept-Encoding\",\"Content-Encoding\",\"User-Agent\",\"DD-CI-PROVIDER-"
              "NAME\""
            : "");
    put_config(d);
    put(d, "\"peer_tags\":[],\"span_kinds_stats_computed\":[],\"obfuscation_version\":0,\"filter_tags\":{},"
           "\"filter_tags_regex\":{},\"ignore_resources\":[]}");
}

void ddtrace_info_make(struct ddtrace *d)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    write_info(d);
    SHA256((const uint8_t *)d->info, d->info_len, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(d->state + 2 * i, 3, "%02x", hash[i]);
}

/* Without Datadog-Agent-State: the body is the state. */
void ddtrace_info(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                  struct gw_http_reply *r)
{
    const struct ddtrace *d = ctx;
    r->type = "application/json";
    r->body = gw_str_n(d->info, d->info_len);
    r->bare = true;
    gw_http_reply_header(r, "Datadog-Agent-Version", DDTRACE_AGENT_VERSION);
}
