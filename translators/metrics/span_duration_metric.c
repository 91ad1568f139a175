/* Writes the attributes of a point of the span duration metric.
 *
 * Keeps no state. Called by dd_stats.c for statistics from clients, and by the code that counts spans itself.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/metrics/span_duration_metric.h"

struct name {
    gw_str tag, attribute;
};

static const struct name peers[] = {
#define PEER(tag, attribute) {GW_LIT(tag), GW_LIT(attribute)},
#include "translators/metrics/span_peer_tags.def"
#undef PEER
};
enum { PEERS = sizeof peers / sizeof *peers };

/* Names of google.rpc.Code, by number. */
static const gw_str grpc_codes[] = {GW_LIT("OK"),
                                    GW_LIT("CANCELLED"),
                                    GW_LIT("UNKNOWN"),
                                    GW_LIT("INVALID_ARGUMENT"),
                                    GW_LIT("DEADLINE_EXCEEDED"),
                                    GW_LIT("NOT_FOUND"),
                                    GW_LIT("ALREADY_EXISTS"),
                                    GW_LIT("PERMISSION_DENIED"),
                                    GW_LIT("RESOURCE_EXHAUSTED"),
                                    GW_LIT("FAILED_PRECONDITION"),
                                    GW_LIT("ABORTED"),
                                    GW_LIT("OUT_OF_RANGE"),
                                    GW_LIT("UNIMPLEMENTED"),
                                    GW_LIT("INTERNAL"),
                                    GW_LIT("UNAVAILABLE"),
                                    GW_LIT("DATA_LOSS"),
                                    GW_LIT("UNAUTHENTICATED")};

static const struct name kinds[] = {
    {GW_LIT("server"), GW_LIT("SPAN_KIND_SERVER")},
    {GW_LIT("client"), GW_LIT("SPAN_KIND_CLIENT")},
    {GW_LIT("producer"), GW_LIT("SPAN_KIND_PRODUCER")},
    {GW_LIT("consumer"), GW_LIT("SPAN_KIND_CONSUMER")},
};

/* The attributes written so far. Of numbers and flags only the key is kept. */
struct writer {
    struct otlp_buf *w;
    unsigned field;
    struct span_duration_tag written[SPAN_DURATION_TAGS];
    size_t n;
};

static const struct span_duration_tag *find(const struct writer *p, gw_str key)
{
    for (size_t i = 0; i < p->n; i++)
        if (gw_str_eq(p->written[i].key, key))
            return &p->written[i];
    return NULL;
}

static bool claim(struct writer *p, gw_str key, gw_str value)
{
    if (!key.len || p->n == SPAN_DURATION_TAGS || find(p, key))
        return false;
    p->written[p->n++] = (struct span_duration_tag){key, value};
    return true;
}

static void text(struct writer *p, gw_str key, gw_str value)
{
    if (value.len && claim(p, key, value))
        otlp_attr_text(p->w, p->field, key, value);
}

static void flag(struct writer *p, gw_str key, bool value)
{
    if (claim(p, key, GW_NOSTR))
        otlp_attr_bool(p->w, p->field, key, value);
}

static gw_str kind_name(gw_str kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (gw_str_ieq(kind, kinds[i].tag))
            return kinds[i].attribute;
    return GW_STR("SPAN_KIND_INTERNAL");
}

/* Returns a text, which is empty if the status is not a number. */
static gw_str grpc_name(gw_str status)
{
    uint64_t code;
    if (!gw_str_u64(status, &code))
        return GW_NOSTR;
    return code < sizeof grpc_codes / sizeof *grpc_codes ? grpc_codes[code] : status;
}

static void write_call(struct writer *p, const struct span_duration *s)
{
    text(p, GW_STR("http.request.method"), s->http_method);
    if (s->http_status && claim(p, GW_STR("http.response.status_code"), GW_NOSTR))
        otlp_attr_int(p->w, p->field, GW_STR("http.response.status_code"), s->http_status);
    text(p, GW_STR("http.route"), s->http_endpoint);
    text(p, GW_STR("rpc.response.status_code"), grpc_name(s->grpc_status));
}

static void write_datadog(struct writer *p, const struct span_duration *s)
{
    text(p, GW_STR("datadog.operation.name"), s->operation);
    text(p, GW_STR("datadog.span.type"), s->type);
    flag(p, GW_STR("datadog.span.top_level"), s->top_level);
    if (s->trace_root != SPAN_ROOT_UNKNOWN)
        flag(p, GW_STR("datadog.is_trace_root"), s->trace_root == SPAN_IS_ROOT);
    text(p, GW_STR("datadog.svc_src"), s->service_source);
    text(p, GW_STR("datadog.origin"), s->synthetics ? GW_STR("synthetics") : GW_NOSTR);
}

gw_str span_duration_peer_name(gw_str tag)
{
    for (size_t i = 0; i < PEERS; i++)
        if (gw_str_eq(tag, peers[i].tag))
            return peers[i].attribute;
    return tag;
}

/* A tag that repeats the value of another one (db.type, db.system) is written once. */
static void write_peers(struct writer *p, const struct span_duration *s)
{
    for (size_t i = 0; i < s->peer_tags_n; i++) {
        const struct span_duration_tag *t = &s->peer_tags[i], *before;
        gw_str name = span_duration_peer_name(t->key);
        if (!(before = find(p, name)))
            text(p, name, t->value);
        else if (!gw_str_eq(before->value, t->value))
            text(p, t->key, t->value);
    }
    text(p, GW_STR("db.system.name"), s->db_type);
}

void span_duration_attributes(struct otlp_buf *w, unsigned field, const struct span_duration *s)
{
    struct writer p = {.w = w, .field = field};
    text(&p, GW_STR("span.name"), s->resource);
    text(&p, GW_STR("span.kind"), kind_name(s->kind));
    write_call(&p, s);
    text(&p, GW_STR("status.code"), s->error ? GW_STR("STATUS_CODE_ERROR") : GW_STR("STATUS_CODE_OK"));
    text(&p, GW_STR("service.name"), s->service);
    write_datadog(&p, s);
    write_peers(&p, s);
    for (size_t i = 0; i < s->tags_n; i++)
        text(&p, s->tags[i].key, s->tags[i].value);
}

gw_str span_duration_peer_tag(size_t i)
{
    return i < PEERS ? peers[i].tag : GW_NOSTR;
}
