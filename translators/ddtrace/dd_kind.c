/* Determines a span's kind (server, client, …), which Datadog's tracers rarely send: from the tag span.kind,
 * else from the span's type, name, tags and parent. docs/mapping.md, "Kind", has the rule.
 *
 * Keeps no state. Called by dd_derive.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_semconv.h"

static enum dd_span_kind named_kind(gw_str text)
{
    switch (text.len ? gw_lower(*text.ptr) : 0) {
    case 's':
        return gw_str_ieq(text, GW_STR("server")) ? DD_KIND_SERVER : DD_KIND_NONE;
    case 'c':
        return gw_str_ieq(text, GW_STR("client"))     ? DD_KIND_CLIENT
               : gw_str_ieq(text, GW_STR("consumer")) ? DD_KIND_CONSUMER
                                                      : DD_KIND_NONE;
    case 'i':
        return gw_str_ieq(text, GW_STR("internal")) ? DD_KIND_INTERNAL : DD_KIND_NONE;
    case 'p':
        return gw_str_ieq(text, GW_STR("producer")) ? DD_KIND_PRODUCER : DD_KIND_NONE;
    case 'b': /* dd-trace-java's jms.deliver: the time that a message spent in the broker */
        return gw_str_ieq(text, GW_STR("broker")) ? DD_KIND_CONSUMER : DD_KIND_NONE;
    default:
        return DD_KIND_NONE;
    }
}

static bool one_of(gw_str s, const char *const *words)
{
    for (; *words; words++)
        if (gw_str_ieq(s, gw_str_z(*words)))
            return true;
    return false;
}

/* Returns whether the request entered the service here: the span's parent is not in this chunk, or is of
 * another service. */
static bool enters_service(struct dd_fields *f, struct dd_scanned *c)
{
    f->by_parent = true;
    const struct dd_span *parent = f->span->parent_id ? dd_scan_find(c, f->arena, f->span->parent_id) : NULL;
    return !parent || parent == f->span || !gw_str_eq(parent->service, f->span->service);
}

static bool says_one_of(gw_str text, const char *const *words)
{
    for (; *words; words++)
        if (dd_find(text, gw_str_z(*words)) >= 0)
            return true;
    return false;
}

/* Uses the name before the resource, because the resource contains the queue's name: "Consume Topic
 * to-send". */
static enum dd_span_kind queue_kind(const struct dd_span *s)
{
    static const char *const out[] = {"produce", "send", "publish", NULL}, *const in[] = {
                                                                               "receive", "consume",
                                                                               "deliver", "process",
                                                                               "poll",    NULL};
    const gw_str texts[] = {s->name, s->resource};
    for (int i = 0; i < 2; i++) {
        if (says_one_of(texts[i], out))
            return DD_KIND_PRODUCER;
        if (says_one_of(texts[i], in))
            return DD_KIND_CONSUMER;
    }
    return DD_KIND_INTERNAL;
}

static bool has_peer(const struct dd_fields *f)
{
    return dd_has(f, DD_T_OUT_HOST) || dd_has(f, DD_T_PEER_HOSTNAME) || dd_has(f, DD_T_NET_PEER_NAME) ||
           dd_has(f, DD_T_PEER_SERVICE) || dd_has(f, DD_T_DESTINATION_NAME) || dd_has(f, DD_A_SERVER_ADDRESS);
}

static enum dd_span_kind rpc_kind(const struct dd_fields *f)
{
    if (dd_find(f->span->name, GW_STR("server")) >= 0)
        return DD_KIND_SERVER;
    return dd_find(f->span->name, GW_STR("client")) >= 0 || has_peer(f) ? DD_KIND_CLIENT : DD_KIND_INTERNAL;
}

static enum dd_span_kind kind_by_type(struct dd_fields *f, struct dd_scanned *c)
{
    static const char *const entries[] = {"web", "serverless", "lambda", NULL};
    static const char *const exits[] = {
        "http",          "sql",        "db",    "cassandra", "redis",  "valkey",    "memcached", "mongodb",
        "elasticsearch", "opensearch", "cache", "dns",       "consul", "aerospike", "leveldb",   NULL};
    gw_str type = f->span->type;
    if (one_of(type, entries) || (dd_has(f, DD_T_FLASK_ENDPOINT) && gw_str_eq(type, GW_STR("http"))))
        return enters_service(f, c) ? DD_KIND_SERVER : DD_KIND_INTERNAL;
    if (one_of(type, exits))
        return DD_KIND_CLIENT;
    if (gw_str_ieq(type, GW_STR("queue")))
        return queue_kind(f->span);
    if (gw_str_ieq(type, GW_STR("worker")))
        return DD_KIND_CONSUMER;
    if (gw_str_ieq(type, GW_STR("rpc")) || gw_str_ieq(type, GW_STR("grpc")))
        return rpc_kind(f);
    if (gw_str_ieq(type, GW_STR("llm")))
        return dd_has(f, DD_T_OUT_HOST) ? DD_KIND_CLIENT : DD_KIND_INTERNAL;
    return named_kind(type); /* httpd-datadog's type is "server" */
}

static enum dd_span_kind kind_by_name(struct dd_fields *f, struct dd_scanned *c)
{
    gw_str name = f->span->name;
    if (gw_str_ends(name, GW_STR(".client")))
        return DD_KIND_CLIENT;
    if (gw_str_ends(name, GW_STR(".server")) || gw_str_eq(name, GW_STR("servlet.request")) ||
        (gw_str_ends(name, GW_STR(".request")) && dd_has(f, DD_A_HTTP_ROUTE)))
        return enters_service(f, c) ? DD_KIND_SERVER : DD_KIND_INTERNAL;
    return DD_KIND_INTERNAL;
}

enum dd_span_kind dd_kind_of(struct dd_fields *f, struct dd_scanned *c)
{
    enum dd_span_kind kind =
        dd_has(f, DD_T_SPAN_KIND) ? named_kind(f->value[DD_T_SPAN_KIND].text) : DD_KIND_NONE;
    if (kind != DD_KIND_NONE) {
        dd_use(f, DD_T_SPAN_KIND);
        return kind;
    }
    kind = f->span->type.len ? kind_by_type(f, c) : DD_KIND_NONE;
    return kind != DD_KIND_NONE ? kind : kind_by_name(f, c);
}
