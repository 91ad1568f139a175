/* Writes the Resource of a group. Each attribute is written once: those of the option `resource` first, then
 * those from the spans and the request's headers.
 *
 * The state lives for one call. Called by dd_translate.c, once per group and frame.
 * SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_resource.h"

#include "translators/ddtrace/dd_span.h"
#include "translators/ddtrace/dd_tags.h"

enum { RESOURCE_ATTRIBUTES = 1, MAX_KEYS = 96 };

enum name {
#define RES(id, name, standing, from) R_##id,
#include "translators/ddtrace/dd_resource.def"
#undef RES
};

static const gw_str names[] = {
#define RES(id, name, standing, from) GW_LIT(name),
#include "translators/ddtrace/dd_resource.def"
#undef RES
};

/* A resource while it is written: each attribute is written once, and configured ones come first. */
struct writer {
    struct otlp_buf *w;
    const struct dd_options *opt;
    gw_str keys[MAX_KEYS];
    size_t n;
};

static bool claim_key(struct writer *r, gw_str key)
{
    for (size_t i = 0; i < r->n; i++)
        if (gw_str_eq(r->keys[i], key))
            return false;
    if (r->n == MAX_KEYS)
        return false;
    r->keys[r->n++] = key;
    return true;
}

static void write_text(struct writer *r, enum name name, gw_str value)
{
    if (value.len && claim_key(r, names[name]))
        otlp_attr_text(r->w, RESOURCE_ATTRIBUTES, names[name], value);
}

static void write_configured(struct writer *r)
{
    for (size_t i = r->opt->resource.n; i-- > 0;)
        if (claim_key(r, r->opt->resource.items[i].key))
            otlp_attr_text(r->w, RESOURCE_ATTRIBUTES, r->opt->resource.items[i].key,
                           r->opt->resource.items[i].value);
}

gw_str dd_next_attribute(gw_str *rest)
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

/* Promoted tags were serialized when the group was made (dd_export.c); those not yet in the resource are
 * copied. */
static void write_promoted(struct writer *r, gw_str rest)
{
    while (rest.len) {
        gw_str at = rest, key = dd_next_attribute(&rest);
        size_t len = at.len - rest.len;
        if (claim_key(r, key) && otlp_room(r->w, len))
            otlp_end(r->w, otlp_put_bytes(r->w->data + r->w->len, gw_str_n(at.ptr, len)));
    }
}

static void write_service(struct writer *r, const struct dd_identity *id)
{
    char name[64] = "unknown_service";
    size_t len = strlen(name);
    if (id->service.len) {
        write_text(r, R_SERVICE_NAME, id->service);
        return;
    }
    if (id->language.len && id->language.len < sizeof name - len - 1) {
        name[len++] = ':';
        memcpy(name + len, id->language.ptr, id->language.len);
        len += id->language.len;
    }
    write_text(r, R_SERVICE_NAME, gw_str_n(name, len));
}

static void write_process(struct writer *r, const struct dd_group *g, const struct dd_request *req)
{
    int64_t n;
    if (gw_str_i64(g->facts[DD_FACT_PID], &n) && claim_key(r, names[R_PROCESS_PID]))
        otlp_attr_int(r->w, RESOURCE_ATTRIBUTES, names[R_PROCESS_PID], n);
    write_text(r, R_RUNTIME_NAME, req->interpreter);
    write_text(r, R_RUNTIME_VERSION, g->facts[DD_FACT_LANGUAGE_VERSION]);
    write_text(r, R_RUNTIME_DESCRIPTION, req->vendor);
}

static void write_location(struct writer *r, const struct dd_group *g, const struct dd_request *req)
{
    write_text(r, R_HOST_NAME, g->id.host);
    write_text(r, R_CONTAINER_ID, g->facts[DD_FACT_CONTAINER_ID]);
    if (!g->facts[DD_FACT_CONTAINER_ID].len)
        write_text(r, R_ENTITY_ID, req->entity_id);
    write_text(r, R_K8S_CONTAINER_NAME, req->k8s_container);
    write_text(r, R_K8S_POD_UID, req->k8s_pod_uid);
    write_text(r, R_REVISION, g->facts[DD_FACT_COMMIT]);
    write_text(r, R_REPOSITORY, g->facts[DD_FACT_REPOSITORY]);
    write_text(r, R_CLOUD_PROVIDER, g->facts[DD_FACT_CLOUD_PROVIDER]);
    write_text(r, R_CLOUD_REGION, g->facts[DD_FACT_CLOUD_REGION]);
    write_text(r, R_CLOUD_ZONE, g->facts[DD_FACT_CLOUD_ZONE]);
    write_text(r, R_CLOUD_RESOURCE_ID, g->facts[DD_FACT_FUNCTION_ARN]);
    write_text(r, R_FAAS_NAME, g->facts[DD_FACT_FUNCTION_NAME]);
}

/* Writes the payload's tags that are not yet in the resource. */
static void write_payload_tags(struct writer *r, const struct dd_payload *p)
{
    for (size_t i = 0; i < p->tags_n; i++)
        if (p->tags[i].key.len && claim_key(r, p->tags[i].key))
            otlp_attr_text(r->w, RESOURCE_ATTRIBUTES, p->tags[i].key, p->tags[i].value);
}

/* Passes the names that are already in the resource, so that the list of tags leaves them out. */
static void write_tag_list(struct writer *r, enum dd_tag_list which, gw_str tags)
{
    if (tags.len)
        dd_write_tag_list(r->w, RESOURCE_ATTRIBUTES, which, tags, r->keys, r->n);
}

void dd_resource_write(struct otlp_buf *w, const struct dd_group *g, const struct dd_request *req,
                       const struct dd_options *opt)
{
    struct writer r = {.w = w, .opt = opt};
    write_configured(&r);
    write_service(&r, &g->id);
    write_text(&r, R_BASE_SERVICE, g->id.base_service);
    write_text(&r, R_ENVIRONMENT, g->id.env);
    write_text(&r, R_SERVICE_VERSION, g->id.version);
    write_text(&r, R_INSTANCE_ID, g->id.runtime_id);
    write_text(&r, R_RUNTIME_ID, g->id.runtime_id);
    write_text(&r, R_SDK_NAME, GW_STR("datadog"));
    write_text(&r, R_SDK_LANGUAGE, g->id.language);
    write_text(&r, R_SDK_VERSION, g->facts[DD_FACT_TRACER_VERSION]);
    write_process(&r, g, req);
    write_location(&r, g, req);
    write_promoted(&r, g->id.promoted);
    write_payload_tags(&r, g->id.payload);
    write_tag_list(&r, DD_TAGS_CONTAINER, g->facts[DD_FACT_CONTAINER_TAGS]);
    write_tag_list(&r, DD_TAGS_PROCESS, g->facts[DD_FACT_PROCESS_TAGS]);
}
