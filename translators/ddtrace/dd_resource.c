/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_resource.h"

#include "translators/ddtrace/dd_tags.h"

enum { RESOURCE_ATTRIBUTES = 1, MAX_KEYS = 96 };

/* A resource on its way: an attribute is written once, and what the user configured before anything else. */
struct writer {
    struct otlp_buf *w;
    const struct dd_options *opt;
    gw_str keys[MAX_KEYS];
    size_t n;
};

static bool fresh(struct writer *r, gw_str key)
{
    for (size_t i = 0; i < r->n; i++)
        if (gw_str_eq(r->keys[i], key))
            return false;
    if (r->n == MAX_KEYS)
        return false;
    r->keys[r->n++] = key;
    return true;
}

static void text(struct writer *r, const char *key, gw_str value)
{
    if (value.len && fresh(r, gw_str_z(key)))
        otlp_attr_text(r->w, RESOURCE_ATTRIBUTES, gw_str_z(key), value);
}

static void configured(struct writer *r)
{
    for (size_t i = r->opt->resource.n; i-- > 0;)
        if (fresh(r, r->opt->resource.items[i].key))
            otlp_attr_text(r->w, RESOURCE_ATTRIBUTES, r->opt->resource.items[i].key, r->opt->resource.items[i].value);
}

/* Key of a serialized attribute of Resource, and where the next one starts. */
static gw_str promoted_key(gw_str *rest)
{
    const uint8_t *p = (const uint8_t *)rest->ptr + 1;
    size_t len = 0, key = 0;
    for (unsigned shift = 0;; shift += 7) {
        len |= (size_t)(*p & 0x7F) << shift;
        if (!(*p++ & 0x80))
            break;
    }
    const uint8_t *end = p + len;
    p++;
    for (unsigned shift = 0; len; shift += 7) {
        key |= (size_t)(*p & 0x7F) << shift;
        if (!(*p++ & 0x80))
            break;
    }
    *rest = gw_str_n((const char *)end, (size_t)(rest->ptr + rest->len - (const char *)end));
    return gw_str_n((const char *)p, key);
}

/* Promoted tags were written when the group was made (dd_export.c); those that nobody said before are copied. */
static void promoted(struct writer *r, gw_str rest)
{
    while (rest.len) {
        gw_str at = rest, key = promoted_key(&rest);
        size_t len = at.len - rest.len;
        if (fresh(r, key) && otlp_room(r->w, len))
            otlp_end(r->w, otlp_put_bytes(r->w->data + r->w->len, gw_str_n(at.ptr, len)));
    }
}

static void service(struct writer *r, const struct dd_identity *id)
{
    char name[64] = "unknown_service";
    size_t len = strlen(name);
    if (id->service.len) {
        text(r, "service.name", id->service);
        return;
    }
    if (id->language.len && id->language.len < sizeof name - len - 1) {
        name[len++] = ':';
        memcpy(name + len, id->language.ptr, id->language.len);
        len += id->language.len;
    }
    text(r, "service.name", gw_str_n(name, len));
}

static void process(struct writer *r, const struct dd_group *g, const struct dd_request *req)
{
    int64_t n;
    if (gw_str_i64(g->facts[DD_FACT_PID], &n) && fresh(r, GW_STR("process.pid")))
        otlp_attr_int(r->w, RESOURCE_ATTRIBUTES, GW_STR("process.pid"), n);
    text(r, "process.runtime.name", req->interpreter);
    text(r, "process.runtime.version", req->lang_version);
    text(r, "process.runtime.description", req->vendor);
}

static void place(struct writer *r, const struct dd_group *g, const struct dd_request *req)
{
    text(r, "host.name", g->id.host);
    text(r, "container.id", g->facts[DD_FACT_CONTAINER_ID]);
    if (!g->facts[DD_FACT_CONTAINER_ID].len)
        text(r, "datadog.entity_id", req->entity_id);
    text(r, "k8s.container.name", req->k8s_container);
    text(r, "k8s.pod.uid", req->k8s_pod_uid);
    text(r, "vcs.ref.head.revision", g->facts[DD_FACT_COMMIT]);
    text(r, "vcs.repository.url.full", g->facts[DD_FACT_REPOSITORY]);
    text(r, "cloud.provider", g->facts[DD_FACT_CLOUD_PROVIDER]);
    text(r, "cloud.region", g->facts[DD_FACT_CLOUD_REGION]);
    text(r, "cloud.availability_zone", g->facts[DD_FACT_CLOUD_ZONE]);
    text(r, "cloud.resource_id", g->facts[DD_FACT_FUNCTION_ARN]);
    text(r, "faas.name", g->facts[DD_FACT_FUNCTION_NAME]);
}

/* The names that stand in the resource so far, for a list of tags to leave out. */
static void list(struct writer *r, enum dd_tag_list which, gw_str tags)
{
    if (tags.len)
        dd_write_tag_list(r->w, RESOURCE_ATTRIBUTES, which, tags, r->keys, r->n);
}

void dd_resource_write(struct otlp_buf *w, const struct dd_group *g, const struct dd_request *req, const struct dd_options *opt)
{
    struct writer r = {.w = w, .opt = opt};
    configured(&r);
    service(&r, &g->id);
    text(&r, "datadog.base_service", g->id.base_service);
    text(&r, "deployment.environment.name", g->id.env);
    text(&r, "service.version", g->id.version);
    text(&r, "service.instance.id", g->id.runtime_id);
    text(&r, "datadog.runtime_id", g->id.runtime_id);
    text(&r, "telemetry.sdk.name", GW_STR("datadog"));
    text(&r, "telemetry.sdk.language", g->id.language);
    text(&r, "telemetry.sdk.version", req->tracer_version);
    process(&r, g, req);
    place(&r, g, req);
    promoted(&r, g->id.promoted);
    list(&r, DD_TAGS_CONTAINER, g->facts[DD_FACT_CONTAINER_TAGS]);
    list(&r, DD_TAGS_PROCESS, g->facts[DD_FACT_PROCESS_TAGS]);
}
