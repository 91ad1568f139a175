/* sls.c: Alibaba Cloud's Log Service (SLS) as a trace instance's OTLP backend: a preset over the OTLP
 * exporters. Owns the inner exporter and the texts made from its options. Called by its sender, on the
 * sender's thread.
 *
 *     protocol = "grpc"   https://PROJECT.REGION-ENDPOINT:10010, TLS only          ─▶ otlp_grpc
 *     protocol = "http"   https://PROJECT.REGION-ENDPOINT/opentelemetry/v1/traces   ─▶ otlp_http
 *     endpoint = "stdout" prints instead                                            ─▶ stdout
 *     endpoint = ""       sends nothing
 *
 * SLS requires more than OTLP (its documentation, "Import trace data over OTLP"): project, instance and the
 * access key, as headers x-sls-otel-project, x-sls-otel-instance-id, x-sls-otel-ak-id, x-sls-otel-ak-secret
 * of every request, or as resource attributes sls.otel.project, sls.otel.instanceid, sls.otel.akid,
 * sls.otel.aksecret; and host.name, service.name, service.version on every resource. Attributes are added
 * to a copy of a frame while it is sent (resource_override.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/arena.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/exporter.h"
#include "exporters/otlp/otlp_endpoint.h"
#include "exporters/sender/resource_override.h"
#include "exporters/sls/sls_response.h"
#include "exporters/sls/sls_url.h"

#define OPTS(X)                                                                                              \
    X(str, project, "project", "", "", "", "Project of the trace instance.")                                 \
    X(str, instance, "instance", "", "", "", "Name of the trace instance.")                                  \
    X(secret, access_key_id, "access_key_id", "", "", "", "AccessKey ID, for example ${env:SLS_AK_ID}.")     \
    X(secret, access_key_secret, "access_key_secret", "", "", "",                                            \
      "AccessKey secret, for example ${env:SLS_AK_SECRET}.")                                                 \
    X(secret, security_token, "security_token", "", "", "",                                                  \
      "Token of a temporary access key (STS), if it is one.")                                                \
    X(choice, protocol, "protocol", "grpc", "grpc|http", "", "grpc is port 10010, http port 443.")           \
    X(choice, credentials, "credentials", "headers", "headers|attributes", "",                               \
      "How the project, the instance and the key are sent: as headers, or as attributes of every resource.")

#define GW_CONF struct conf
OTLP_CONF(OPTS);

enum { GRPC, HTTP };
enum { HEADERS, ATTRIBUTES };
enum { CREDENTIALS = 5, REQUIRED = 3, MAX_URL = 1024, ARENA = 64 * 1024 };

extern const struct gw_exporter gw_exporter_otlp_grpc, gw_exporter_otlp_http, gw_exporter_stdout;

/* One request on its way through the inner exporter, with the copies made for it. */
struct passage {
    struct gw_batch batch;
    gw_done_f *done;
    void *cookie;
    struct gw_frame *frames[];
};

struct ctx {
    struct conf conf;
    /* const after open */
    const struct gw_exporter *inner;
    void *inner_ctx;
    struct gw_arena arena; /* the inner configuration's texts */
    char url[MAX_URL];
    struct gw_map_item *headers;
    struct gw_map_item credentials[CREDENTIALS], required[REQUIRED];
    size_t credentials_n;
    struct gw_resource_override override;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

/* --- open --- */

static bool prints(const struct ctx *c)
{
    return gw_str_eq(c->conf.endpoint, GW_STR("stdout"));
}

static bool is_off(const struct ctx *c)
{
    return c->conf.endpoint.len == 0;
}

static const struct gw_exporter *choose_inner(const struct ctx *c)
{
    if (prints(c))
        return &gw_exporter_stdout;
    return c->conf.protocol == HTTP ? &gw_exporter_otlp_http : &gw_exporter_otlp_grpc;
}

static void need(const struct ctx *c, gw_str value, const char *option, const char *path,
                 struct gw_diagnostics *diagnostics, bool *bad)
{
    if (value.len || prints(c) || is_off(c))
        return;
    gw_option_error(diagnostics, path, option, "is missing: SLS refuses requests without it");
    *bad = true;
}

static bool check(const struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    bool bad = false;
    need(c, c->conf.project, "project", path, diagnostics, &bad);
    need(c, c->conf.instance, "instance", path, diagnostics, &bad);
    need(c, c->conf.access_key_id, "access_key_id", path, diagnostics, &bad);
    need(c, c->conf.access_key_secret, "access_key_secret", path, diagnostics, &bad);
    if (gw_str_starts(c->conf.endpoint, GW_STR("http://")) && c->conf.protocol == GRPC) {
        gw_option_error(diagnostics, path, "endpoint", "SLS takes gRPC over TLS only: write https://");
        bad = true;
    }
    return !bad;
}

static void credential(struct ctx *c, const char *header, const char *attribute, gw_str value)
{
    const char *key = c->conf.credentials == ATTRIBUTES ? attribute : header;
    if (key && value.len)
        c->credentials[c->credentials_n++] = (struct gw_map_item){gw_str_z(key), value};
}

/* A temporary key's token has no attribute of its own: it is a header either way. */
static void make_credentials(struct ctx *c)
{
    credential(c, "x-sls-otel-project", "sls.otel.project", c->conf.project);
    credential(c, "x-sls-otel-instance-id", "sls.otel.instanceid", c->conf.instance);
    credential(c, "x-sls-otel-ak-id", "sls.otel.akid", c->conf.access_key_id);
    credential(c, "x-sls-otel-ak-secret", "sls.otel.aksecret", c->conf.access_key_secret);
    credential(c, "x-sls-otel-token", NULL, c->conf.security_token);
}

static bool make_headers(struct ctx *c, struct gw_map *out)
{
    size_t n = 0, own = c->conf.headers.n;
    c->headers = calloc(own + CREDENTIALS, sizeof *c->headers);
    if (!c->headers)
        return false;
    for (; n < own; n++)
        c->headers[n] = c->conf.headers.items[n];
    for (size_t i = 0; i < c->credentials_n && c->conf.credentials == HEADERS; i++)
        c->headers[n++] = c->credentials[i];
    if (c->conf.credentials == ATTRIBUTES && c->conf.security_token.len)
        c->headers[n++] = (struct gw_map_item){GW_STR("x-sls-otel-token"), c->conf.security_token};
    *out = (struct gw_map){c->headers, n};
    return true;
}

static void make_override(struct ctx *c, gw_str host_name)
{
    c->required[0] = (struct gw_map_item){GW_STR("host.name"), host_name.len ? host_name : GW_STR("unknown")};
    c->required[1] = (struct gw_map_item){GW_STR("service.name"), GW_STR("unknown_service")};
    c->required[2] = (struct gw_map_item){GW_STR("service.version"), GW_STR("unknown")};
    c->override = (struct gw_resource_override){.missing = c->required, .missing_n = REQUIRED};
    if (c->conf.credentials == ATTRIBUTES && !prints(c)) { /* never onto a screen */
        c->override.always = c->credentials;
        c->override.always_n = c->credentials_n;
    }
}

static bool fill_inner(struct ctx *c)
{
    c->inner_ctx = calloc(1, c->inner->ctx_size);
    if (!c->inner_ctx || !gw_opt_defaults(c->inner->opts, c->inner_ctx, &c->arena))
        return false;
    if (c->inner == &gw_exporter_stdout)
        return true;
    struct otlp_endpoint_conf *target = c->inner_ctx;
    memcpy(target, &c->conf, sizeof *target); /* conf begins with it */
    if (!is_off(c)) {
        sls_url(c->conf.endpoint, c->conf.project, c->conf.protocol == HTTP, c->url, sizeof c->url);
        target->endpoint = gw_str_z(c->url);
    }
    return make_headers(c, &target->headers);
}

static enum gw_code open_sls(void *ctx, const struct gw_export_host *host, const char *path,
                             struct gw_diagnostics *diagnostics)
{
    struct ctx *c = ctx;
    bool good = check(c, path, diagnostics);
    c->inner = choose_inner(c);
    gw_arena_init(&c->arena, ARENA);
    make_credentials(c);
    make_override(c, host->host_name);
    if (!fill_inner(c))
        return GW_INTERNAL;
    enum gw_code code = c->inner->open(c->inner_ctx, host, path, diagnostics);
    return good ? code : GW_BAD_REQUEST;
}

static void close_sls(void *ctx)
{
    struct ctx *c = ctx;
    if (c->inner_ctx)
        c->inner->close(c->inner_ctx);
    free(c->inner_ctx);
    free(c->headers);
    gw_arena_fini(&c->arena);
    c->inner_ctx = NULL;
    c->headers = NULL;
}

/* --- the sender's side --- */

static void end_passage(struct passage *p)
{
    for (size_t i = 0; i < p->batch.n; i++)
        gw_frame_drop(p->frames[i]);
    free(p);
}

static void passed(void *cookie, const struct gw_outcome *inner)
{
    struct passage *p = cookie;
    struct gw_outcome outcome = *inner;
    sls_response(&outcome);
    p->done(p->cookie, &outcome);
    end_passage(p);
}

/* The batch with what SLS wants on every resource; NULL when there is no memory. */
static struct passage *overridden(const struct ctx *c, const struct gw_batch *batch)
{
    struct passage *p = calloc(1, sizeof *p + batch->n * sizeof *p->frames);
    if (!p)
        return NULL;
    p->batch = (struct gw_batch){
        .signal = batch->signal, .items = batch->items, .frames = p->frames, .compress = batch->compress};
    for (size_t i = 0; i < batch->n; i++) {
        p->frames[i] = gw_resource_override_frame(&c->override, batch->frames[i]);
        if (!p->frames[i]) {
            end_passage(p);
            return NULL;
        }
        p->batch.bytes += p->frames[i]->len;
        p->batch.n++;
    }
    return p;
}

static void send_sls(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie)
{
    struct ctx *c = ctx;
    struct passage *p = overridden(c, batch);
    if (!p) {
        struct gw_outcome outcome = {.verdict = GW_RETRY, .text = "out of memory"};
        done(cookie, &outcome);
        return;
    }
    p->done = done;
    p->cookie = cookie;
    c->inner->send(c->inner_ctx, &p->batch, timeout, passed, p);
}

static void wait_sls(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    c->inner->wait(c->inner_ctx, until);
}

static void cancel_sls(void *ctx)
{
    struct ctx *c = ctx;
    c->inner->cancel(c->inner_ctx);
}

static void wake_sls(void *ctx)
{
    struct ctx *c = ctx;
    c->inner->wake(c->inner_ctx);
}

static void describe_sls(void *ctx, FILE *to)
{
    struct ctx *c = ctx;
    c->inner->describe(c->inner_ctx, to);
    if (!prints(c) && !is_off(c))
        fprintf(to, ", project %.*s, instance %.*s", GW_FMT(c->conf.project), GW_FMT(c->conf.instance));
}

const struct gw_exporter gw_exporter_sls = {
    .name = "sls",
    .summary =
        "Sends to a trace instance of Aliyun's Log Service (SLS), over gRPC on port 10010 or over HTTP.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS,
    .opts = opts,
    .wants = (const char *const[]){"endpoint", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .library_threads = 8, /* gRPC's, with that protocol */
    .remote = true,
    .open = open_sls,
    .close = close_sls,
    .send = send_sls,
    .wait = wait_sls,
    .cancel = cancel_sls,
    .wake = wake_sls,
    .describe = describe_sls,
};
