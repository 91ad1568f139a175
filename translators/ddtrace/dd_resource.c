/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/ddtrace/dd_resource.h"

enum { RESOURCE_ATTRIBUTES = 1 };

static void text(struct otlp_buf *w, const char *key, gw_str value)
{
    if (value.len)
        otlp_attr_text(w, RESOURCE_ATTRIBUTES, gw_str_z(key), value);
}

static void service(struct otlp_buf *w, const struct dd_identity *id)
{
    if (id->service.len) {
        text(w, "service.name", id->service);
        return;
    }
    char name[64] = "unknown_service";
    size_t len = strlen(name);
    if (id->language.len && id->language.len < sizeof name - len - 1) {
        name[len++] = ':';
        memcpy(name + len, id->language.ptr, id->language.len);
        len += id->language.len;
    }
    text(w, "service.name", gw_str_n(name, len));
}

static void pid(struct otlp_buf *w, gw_str value)
{
    int64_t n;
    if (gw_str_i64(value, &n))
        otlp_attr_int(w, RESOURCE_ATTRIBUTES, GW_STR("process.pid"), n);
}

void dd_resource_write(struct otlp_buf *w, const struct dd_group *g, const struct dd_request *req, const struct dd_options *opt)
{
    service(w, &g->id);
    text(w, "datadog.base_service", g->id.base_service);
    text(w, "deployment.environment.name", g->id.env);
    text(w, "service.version", g->id.version);
    text(w, "service.instance.id", g->id.runtime_id);
    text(w, "host.name", g->id.host);
    text(w, "telemetry.sdk.name", GW_STR("datadog"));
    text(w, "telemetry.sdk.language", g->id.language);
    text(w, "telemetry.sdk.version", req->tracer_version);
    pid(w, g->facts[DD_FACT_PID]);
    text(w, "container.id", g->facts[DD_FACT_CONTAINER_ID]);
    for (size_t i = 0; i < opt->resource.n; i++)
        otlp_attr_text(w, RESOURCE_ATTRIBUTES, opt->resource.items[i].key, opt->resource.items[i].value);
}
