/* Reads the maps of statistics by tables that map names to fields.
 *
 * Keeps no state. Called by dd_stats.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_stats_read.h"

#include "translators/ddtrace/dd_span.h"

enum type { TEXT, NUMBER, FLAG, BYTES /* BYTES: the raw bytes of the value */ };

struct field {
    gw_str name;
    enum type type;
    size_t offset;
};

#define FIELD(struct_, member, name, type)                                                                   \
    {                                                                                                        \
        GW_LIT(name), type, offsetof(struct struct_, member)                                                 \
    }

static const struct field agent_fields[] = {
    FIELD(dd_stats_agent, host, "AgentHostname", TEXT),
    FIELD(dd_stats_agent, env, "AgentEnv", TEXT),
    FIELD(dd_stats_agent, payloads, "Stats", BYTES),
    FIELD(dd_stats_agent, client_computed, "ClientComputed", FLAG),
};

static const struct field payload_fields[] = {
    FIELD(dd_stats_payload, host, "Hostname", TEXT),
    FIELD(dd_stats_payload, env, "Env", TEXT),
    FIELD(dd_stats_payload, version, "Version", TEXT),
    FIELD(dd_stats_payload, language, "Lang", TEXT),
    FIELD(dd_stats_payload, tracer_version, "TracerVersion", TEXT),
    FIELD(dd_stats_payload, runtime_id, "RuntimeID", TEXT),
    FIELD(dd_stats_payload, service, "Service", TEXT),
    FIELD(dd_stats_payload, container_id, "ContainerID", TEXT),
    FIELD(dd_stats_payload, commit, "GitCommitSha", TEXT),
    FIELD(dd_stats_payload, image_tag, "ImageTag", TEXT),
    FIELD(dd_stats_payload, process_tags, "ProcessTags", TEXT),
    FIELD(dd_stats_payload, aggregation, "AgentAggregation", TEXT),
    FIELD(dd_stats_payload, tags, "Tags", BYTES),
    FIELD(dd_stats_payload, buckets, "Stats", BYTES),
};

static const struct field bucket_fields[] = {
    FIELD(dd_stats_bucket, start, "Start", NUMBER),
    FIELD(dd_stats_bucket, duration, "Duration", NUMBER),
    FIELD(dd_stats_bucket, groups, "Stats", BYTES),
};

static const struct field group_fields[] = {
    FIELD(dd_stats_group, service, "Service", TEXT),
    FIELD(dd_stats_group, name, "Name", TEXT),
    FIELD(dd_stats_group, resource, "Resource", TEXT),
    FIELD(dd_stats_group, type, "Type", TEXT),
    FIELD(dd_stats_group, db_type, "DBType", TEXT),
    FIELD(dd_stats_group, kind, "SpanKind", TEXT),
    FIELD(dd_stats_group, grpc_status, "GRPCStatusCode", TEXT),
    FIELD(dd_stats_group, http_method, "HTTPMethod", TEXT),
    FIELD(dd_stats_group, http_endpoint, "HTTPEndpoint", TEXT),
    FIELD(dd_stats_group, service_source, "srv_src", TEXT),
    FIELD(dd_stats_group, ok, "OkSummary", TEXT),
    FIELD(dd_stats_group, error, "ErrorSummary", TEXT),
    FIELD(dd_stats_group, peer_tags, "PeerTags", BYTES),
    FIELD(dd_stats_group, primary_tags, "SpanDerivedPrimaryTags", BYTES),
    FIELD(dd_stats_group, additional_tags, "AdditionalMetricTags", BYTES),
    FIELD(dd_stats_group, http_status, "HTTPStatusCode", NUMBER),
    FIELD(dd_stats_group, hits, "Hits", NUMBER),
    FIELD(dd_stats_group, errors, "Errors", NUMBER),
    FIELD(dd_stats_group, duration, "Duration", NUMBER),
    FIELD(dd_stats_group, top_level_hits, "TopLevelHits", NUMBER),
    FIELD(dd_stats_group, trace_root, "IsTraceRoot", NUMBER),
    FIELD(dd_stats_group, synthetics, "Synthetics", FLAG),
};

/* --- values --- */

/* Reads anything that contains a number: dd-trace-js sends durations as floats and status codes as text. */
static enum dd_got read_number(struct dd_msgpack *in, uint64_t *out)
{
    enum dd_number_kind kind;
    union dd_number_value v;
    gw_str text;
    enum dd_got got = dd_msgpack_number(in, &kind, &v);
    if (got == DD_OTHER_TYPE && (got = dd_msgpack_text(in, &text)) == DD_TAKEN)
        return text.len == 0 ? (*out = 0, DD_TAKEN) : gw_str_u64(text, out) ? DD_TAKEN : DD_OTHER_TYPE;
    if (got != DD_TAKEN)
        return got;
    if (kind == DD_DOUBLE) {
        if (!(v.d >= 0 && v.d < 0x1p63))
            return DD_OTHER_TYPE;
        *out = (uint64_t)v.d;
        return DD_TAKEN;
    }
    *out = v.u;
    return kind == DD_INT && v.i < 0 ? DD_OTHER_TYPE : DD_TAKEN;
}

static enum dd_got read_value(struct dd_msgpack *in, const struct field *f, char *out)
{
    switch (f->type) {
    case TEXT:
        return dd_msgpack_text(in, (gw_str *)(void *)(out + f->offset));
    case NUMBER:
        return read_number(in, (uint64_t *)(void *)(out + f->offset));
    case FLAG:
        return dd_msgpack_bool(in, (bool *)(void *)(out + f->offset));
    default:
        return dd_msgpack_raw(in, (gw_str *)(void *)(out + f->offset));
    }
}

static const struct field *field_of(const struct field *fields, size_t n, gw_str name)
{
    for (size_t i = 0; i < n; i++)
        if (gw_str_eq(fields[i].name, name))
            return &fields[i];
    return NULL;
}

/* Reads one field: its key and its value. Returns false if the value has another type. */
static bool read_field(struct dd_msgpack *in, const struct field *fields, size_t n, char *out)
{
    gw_str name = GW_NOSTR;
    const struct field *f = NULL;
    if (dd_msgpack_text(in, &name) == DD_TAKEN)
        f = field_of(fields, n, name);
    else if (dd_msgpack_skip(in))
        return false;
    const uint8_t *at = in->at;
    if (f && read_value(in, f, out) == DD_TAKEN)
        return true;
    in->at = at;
    return !dd_msgpack_skip(in) && !f;
}

static bool read_map(gw_str raw, const struct field *fields, size_t n, void *out)
{
    struct dd_msgpack in;
    uint32_t pairs;
    bool good = true;
    dd_msgpack_init(&in, raw, DD_MAX_ELEMENTS);
    if (dd_msgpack_map(&in, &pairs) != DD_TAKEN)
        return false;
    while (pairs--)
        good &= read_field(&in, fields, n, out);
    return good;
}

bool dd_stats_read_agent(gw_str raw, struct dd_stats_agent *out)
{
    *out = (struct dd_stats_agent){0};
    return read_map(raw, agent_fields, sizeof agent_fields / sizeof *agent_fields, out);
}

bool dd_stats_read_payload(gw_str raw, struct dd_stats_payload *out)
{
    *out = (struct dd_stats_payload){0};
    return read_map(raw, payload_fields, sizeof payload_fields / sizeof *payload_fields, out);
}

bool dd_stats_read_bucket(gw_str raw, struct dd_stats_bucket *out)
{
    *out = (struct dd_stats_bucket){0};
    return read_map(raw, bucket_fields, sizeof bucket_fields / sizeof *bucket_fields, out);
}

bool dd_stats_read_group(gw_str raw, struct dd_stats_group *out)
{
    *out = (struct dd_stats_group){0};
    return read_map(raw, group_fields, sizeof group_fields / sizeof *group_fields, out);
}

/* --- arrays --- */

struct dd_stats_array dd_stats_array(gw_str raw)
{
    struct dd_stats_array a = {.left = 0};
    dd_msgpack_init(&a.in, raw, DD_MAX_ELEMENTS);
    if (!raw.len || dd_msgpack_array(&a.in, &a.left) != DD_TAKEN)
        a.left = 0;
    return a;
}

bool dd_stats_next(struct dd_stats_array *a, gw_str *raw)
{
    if (!a->left || dd_msgpack_raw(&a->in, raw) != DD_TAKEN)
        return false;
    a->left--;
    return true;
}

bool dd_stats_next_text(struct dd_stats_array *a, gw_str *text)
{
    gw_str raw;
    while (dd_stats_next(a, &raw)) {
        struct dd_msgpack in;
        dd_msgpack_init(&in, raw, DD_MAX_ELEMENTS);
        if (dd_msgpack_text(&in, text) == DD_TAKEN)
            return true;
    }
    return false;
}
