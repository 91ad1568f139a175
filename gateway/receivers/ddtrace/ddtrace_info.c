/* ddtrace_info.c: writes the answers of /info and their hashes when the receiver starts, because all
 * listeners are open then. There is one with statistics and one without, because a reload may add or remove
 * an exporter that takes metrics. They are written again after a reload that changed the port of DogStatsD.
 * Called by ddtrace.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/ddtrace/ddtrace.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/delivery/fanout.h"
#include "gateway/dogstatsd_proxy.h"
#include "translators/metrics/span_duration_metric.h"

enum { ASKED, ALWAYS }; /* words of the option client_stats */

/* An answer that is being written. */
struct page {
    const struct ddtrace *d;
    struct ddtrace_info *to;
    bool stats;
};

static void put(const struct page *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(const struct page *p, const char *fmt, ...)
{
    struct ddtrace_info *i = p->to;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(i->text + i->len, sizeof i->text - i->len, fmt, args);
    va_end(args);
    /* every piece but the socket's path is ours, and that is short */
    GW_ASSERT(n >= 0 && (size_t)n < sizeof i->text - i->len);
    i->len += (size_t)n;
}

/* A path as JSON string; bytes that JSON escapes become '?', as they name nothing that a tracer could
 * open. */
static void put_path(const struct page *p, gw_str path)
{
    put(p, "\"");
    for (size_t i = 0; i < path.len; i++)
        put(p, "%c",
            path.ptr[i] == '"' || path.ptr[i] == '\\' || (uint8_t)path.ptr[i] < ' ' ? '?' : path.ptr[i]);
    put(p, "\"");
}

static const char *truth(bool b)
{
    return b ? "true" : "false";
}

/* Statistics and the traces of a version may be listed here only if they are decoded (dd-trace-go 2.12 uses
 * v1.0 as soon as it is listed, and loses payloads that get 404). */
static void put_endpoints(const struct page *p)
{
    put(p,
        "\"endpoints\":[\"/v0.3/traces\",\"/v0.3/services\",\"/v0.4/traces\",\"/v0.4/services\",\"/v0.5/"
        "traces\",\"/v0.7/traces\",\"/v1.0/traces\"%s",
        p->stats ? ",\"/v0.6/stats\"" : "");
    for (int i = 0; i < DDTRACE_QUIETS; i++)
        for (gw_str paths = gw_str_z(ddtrace_quiet_listed(p->d, (enum ddtrace_quiet_row)i)), path;
             paths.len && gw_str_next(&paths, ',', &path);)
            put(p, ",\"%.*s\"", GW_FMT(path));
    put(p, "],");
}

/* Lists what is obfuscated (docs/privacy.md), in an agent's terms. libdatadog reads all of /info or nothing,
 * and requires every key of this block, spelt as in agents before 7.79. */
static void put_obfuscation(const struct page *p)
{
    const char *on = truth(p->d->conf.obfuscate);
    put(p,
        "\"obfuscation\":{\"elastic_search\":%s,\"mongo\":%s,\"sql_exec_plan\":false,"
        "\"sql_exec_plan_normalize\":false,\"http\":{\"remove_query_string\":false,\"remove_path_digits\":"
        "false},\"remove_stack_traces\":false,",
        on, on);
    put(p,
        "\"redis\":{\"Enabled\":%s,\"RemoveAllArgs\":false},\"valkey\":{\"Enabled\":%s,\"RemoveAllArgs\":"
        "false},\"memcached\":{\"Enabled\":%s,\"KeepCommand\":false},\"credit_cards\":{\"Enabled\":false}}",
        on, on, on);
}

/* 0: no receiver of this process listens for DogStatsD over UDP. */
static int statsd_port(const struct page *p)
{
    bool any;
    return p->d->host->dogstatsd ? gw_dogstatsd_port(p->d->host->dogstatsd, &any) : 0;
}

/* 0 where there is no such bound. statsd_port: the port that Go and Java send runtime metrics to. */
static void put_config(const struct page *p)
{
    int port = statsd_port(p);
    put(p,
        "\"config\":{\"default_env\":\"none\",\"target_tps\":%llu,\"max_eps\":0,\"receiver_port\":%d,"
        "\"receiver_socket\":",
        (unsigned long long)p->d->conf.sampling_target, p->d->open.port);
    put_path(p, p->d->has_socket ? p->d->conf.socket : GW_NOSTR);
    put(p, ",\"connection_limit\":0,\"receiver_timeout\":%lld,\"max_request_bytes\":%llu,",
        (long long)(p->d->conf.receive_timeout / GW_SEC), (unsigned long long)p->d->conf.max_body);
    if (port)
        put(p, "\"statsd_port\":%d,", port);
    put(p, "\"max_memory\":%zu,\"max_cpu\":0,\"analyzed_spans_by_service\":{},", p->d->host->budget->limit);
    put_obfuscation(p);
    put(p, "},");
}

/* Lists what distinguishes statistics: tracers count spans of these kinds separately from the entry spans of
 * their services, and calls by these tags. */
static void put_stats(const struct page *p)
{
    gw_str tag;
    put(p, "\"peer_tags\":[");
    for (size_t i = 0; p->stats && (tag = span_duration_peer_tag(i)).len; i++)
        put(p, "%s\"%.*s\"", i ? "," : "", GW_FMT(tag));
    put(p, "],\"span_kinds_stats_computed\":[%s],",
        p->stats ? "\"client\",\"consumer\",\"producer\",\"server\"" : "");
}

/* Exactly what works: every key that a tracer reads, and what it does by it.
 *   client_drop_p0s     true lets Go, Java and others keep unsampled traces to themselves, as their statistics
 *                       count them: not where the configuration wants such traces
 *   span_events         true: Go sends events natively, with their types
 *   span_meta_structs   true: AppSec's data come as msgpack, not as JSON
 *   long_running_spans  false: Java sends a span when it has ended, not in between
 *   obfuscation_version 0: resources in statistics lose their literals here
 *   filter_tags …       traces that tracers are to drop: none
 * org_prop_marker is absent, as it is of an agent that belongs to no organisation. */
static void write_info(const struct page *p)
{
    const struct ddtrace_conf *c = &p->d->conf;
    p->to->len = 0;
    put(p, "{\"version\":\"%s\",\"git_commit\":\"ddgate-%s\",", DDTRACE_AGENT_VERSION, DDGATE_VERSION);
    put_endpoints(p);
    put(p,
        "\"feature_flags\":[],\"client_drop_p0s\":%s,\"span_meta_structs\":true,\"long_running_spans\":"
        "false,\"span_events\":true,\"evp_proxy_allowed_headers\":[%s],",
        truth(p->stats && !c->keep_rejected && !c->sampling_keep_errors),
        ddtrace_proxy_takes(p->d->proxy, DDTRACE_QUIET_EVENTS)
            ? "\"Content-Type\",\"Accept-Encoding\",\"Content-Encoding\",\"User-Agent\",\"DD-CI-PROVIDER-"
              "NAME\""
            : "");
    put_config(p);
    put_stats(p);
    put(p, "\"obfuscation_version\":0,\"filter_tags\":{},\"filter_tags_regex\":{},\"ignore_resources\":[]}");
}

static void make_one(const struct page *p)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    write_info(p);
    SHA256((const uint8_t *)p->to->text, p->to->len, hash);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(p->to->state + 2 * i, 3, "%02x", hash[i]);
}

bool ddtrace_info_make(struct ddtrace *d)
{
    struct ddtrace_infos *last = d->infos, *infos = calloc(1, sizeof *infos);
    if (!infos)
        return false;
    for (int stats = 0; stats < 2; stats++)
        make_one(&(struct page){.d = d, .to = &infos->of[stats], .stats = stats});
    if (last && memcmp(last->of, infos->of, sizeof last->of) == 0) {
        free(infos);
        return true;
    }
    infos->older = last;
    d->infos = infos;
    return true;
}

void ddtrace_info_drop(struct ddtrace *d)
{
    for (struct ddtrace_infos *infos = d->infos, *older; infos; infos = older) {
        older = infos->older;
        free(infos);
    }
    d->infos = NULL;
}

/* Returns NULL before the start. */
static const struct ddtrace_info *info_now(const struct ddtrace *d)
{
    const struct ddtrace_infos *infos = d->infos;
    return infos ? &infos->of[ddtrace_takes_stats(d)] : NULL;
}

bool ddtrace_takes_stats(const struct ddtrace *d)
{
    return d->conf.client_stats == ASKED
               ? gw_fanout_asked(d->host->fanout, GW_METRICS)
               : d->conf.client_stats == ALWAYS && gw_fanout_schemas(d->host->fanout, GW_METRICS);
}

const char *ddtrace_info_state(void *ctx)
{
    const struct ddtrace_info *info = info_now(ctx);
    return info ? info->state : NULL;
}

/* Without Datadog-Agent-State: the body is the state. */
void ddtrace_info(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                  struct gw_http_reply *r)
{
    const struct ddtrace_info *i = info_now(ctx);
    r->type = "application/json";
    r->body = gw_str_n(i->text, i->len);
    r->bare = true;
    gw_http_reply_header(r, "Datadog-Agent-Version", DDTRACE_AGENT_VERSION);
}
