/* The exporter for Datakit, or for backends that accept its line protocol: POST /v1/write/tracing,
 * /v1/write/logging and /v1/write/metric, with one line for each span, record or point (line_protocol.h).
 *
 * Its frames contain Datadog's own tags, whatever the option mode is set to, because lines are made from
 * them. http_post.h does requests, TLS and compression. Datakit answers 2xx with or without a body; all other
 * answers are judged like those of an OTLP backend.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/base/url.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/exporter.h"
#include "exporters/encoding/line_protocol.h"
#include "exporters/otlp/http_post.h"

#define OPTS(X)                                                                                              \
    X(secret, token, "token", "", "", "",                                                                    \
      "Sent as the parameter `token` of each request, if the receiver requires one; Datakit itself does "    \
      "not.")                                                                                                \
    X(choice, ids, "ids", "decimal", "decimal|hex", "",                                                      \
      "Trace and span ids as 64-bit decimals, as Datakit writes them, or as OpenTelemetry's hexadecimal "    \
      "digits.")

#define GW_CONF struct conf
OTLP_CONF(OPTS);

enum { MAX_URL = 2048 };
/* The largest body of text; UNFOLD: a frame takes this many times its size while it is decoded and
 * written. */
enum { TEXT_LIMIT = 64 * 1024 * 1024, UNFOLD = 48, SCRATCH = 1024 * 1024 };

struct ctx {
    struct conf conf;
    /* Constant after open. */
    struct otlp_endpoint target;
    struct http_dialect dialect;
    char url[GW_SIGNALS][MAX_URL];
    /* Used by the sender's thread only. */
    struct http_post post;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

/* --- the body --- */

/* Writes the lines of one frame. Returns false if the frame is not OTLP or is too large to be decoded; it
 * then has no lines. */
static bool write_frame(const struct ctx *c, const struct gw_frame *f, struct gw_arena *arena,
                        struct out *out, uint64_t *left_out)
{
    gw_arena_reset(arena, SCRATCH);
    arena->budget = f->len * UNFOLD + SCRATCH;
    size_t before = out->len;
    bool whole = line_protocol(out, arena, f->signal, gw_str_n((const char *)f->data, f->len),
                               (enum line_ids)c->conf.ids, left_out) &&
                 !arena->spent;
    if (!whole)
        out->len = before;
    return whole;
}

static enum http_body make_lines(const struct gw_batch *batch, void *ctx, uint8_t **body, size_t *len,
                                 uint64_t *rejected)
{
    struct gw_arena arena;
    struct out out;
    gw_arena_init(&arena, 0);
    out_init(&out, TEXT_LIMIT);
    for (size_t i = 0; i < batch->n && !arena.no_memory; i++) {
        uint64_t left_out;
        bool written = write_frame(ctx, batch->frames[i], &arena, &out, &left_out);
        *rejected += written ? left_out : batch->frames[i]->items;
    }
    enum http_body made = arena.no_memory || out.no_memory ? HTTP_BODY_NO_MEMORY
                          : out.failed                     ? HTTP_BODY_TOO_LARGE
                                                           : HTTP_BODY_MADE;
    if (made == HTTP_BODY_MADE && !out.data)
        made = HTTP_BODY_NO_MEMORY;
    if (made == HTTP_BODY_MADE) {
        *body = (uint8_t *)out.data;
        *len = out.len;
        out = (struct out){0};
    }
    out_fini(&out);
    gw_arena_fini(&arena);
    return made;
}

/* --- the answer --- */

/* Accepts any 2xx that is not an HTML page: Datakit's answers are empty, or JSON about the points. */
static void read_answer(const struct otlp_http_answer *a, struct gw_outcome *out)
{
    static const char empty[] = "";
    bool page = gw_str_starts(a->content_type, GW_STR("text/html")) ||
                gw_str_starts(gw_str_trim(a->body), GW_STR("<"));
    struct otlp_http_answer seen = *a;
    if (a->status >= 200 && a->status < 300 && !page)
        seen.body = seen.content_type = gw_str_z(empty);
    otlp_http_outcome(&seen, out);
    if (a->status == 401 || a->status == 403)
        out->remedy = "The receiver refuses us: check token and headers of this exporter.";
    else if (a->status == 404 || a->status == 405)
        out->remedy =
            "There is no Datakit at this URL: check endpoint, to which /v1/write/tracing is appended.";
    else if (page)
        out->remedy =
            "This is a page for people, not Datakit's answer: check endpoint, and what else may answer "
            "there (a proxy, a login page).";
}

/* --- open --- */

static void make_urls(struct ctx *c)
{
    static const char *const paths[GW_SIGNALS] = {"tracing", "logging", "metric"};
    const char *host = c->conf.tls_server_name.len ? c->conf.tls_server_name.ptr : c->target.authority;
    for (int s = 0; s < GW_SIGNALS && !c->target.off; s++) {
        if (!paths[s])
            continue;
        snprintf(c->url[s], MAX_URL, "%s://%s%s/v1/write/%s?precision=n%s", c->target.tls ? "https" : "http",
                 host, c->target.path, paths[s], c->conf.token.len ? "&token=" : "");
        gw_url_add(c->url[s], MAX_URL, c->conf.token);
    }
}

static bool check_token(const struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    enum { LONGEST = 256 };
    if (c->conf.token.len <= LONGEST)
        return true;
    gw_option_error(diagnostics, path, "token", "is longer than %d characters", LONGEST);
    return false;
}

static enum gw_code open_datakit(void *ctx, const struct gw_export_host *host, const char *path,
                                 struct gw_diagnostics *diagnostics)
{
    static const struct otlp_protocol protocol = {"Datakit", 9529, true, false};
    struct ctx *c = ctx;
    (void)host;
    bool good = check_token(c, path, diagnostics);
    enum gw_code code = otlp_endpoint_open(&c->target, (const struct otlp_endpoint_conf *)&c->conf, &protocol,
                                           path, diagnostics);
    if (!good)
        code = GW_BAD_REQUEST;
    if (code == GW_OK)
        make_urls(c);
    if (code == GW_OK && c->target.off)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty: nothing is uploaded, and everything counts as discarded");
    c->dialect = (struct http_dialect){
        .content_type = "text/plain", .body = make_lines, .ctx = c, .outcome = read_answer};
    const struct http_post_conf post = {&c->target, &c->dialect, &c->conf.headers, c->conf.tls_server_name,
                                        false};
    return http_post_open(&c->post, &post) ? code : GW_INTERNAL;
}

static void close_datakit(void *ctx)
{
    struct ctx *c = ctx;
    http_post_close(&c->post);
    otlp_endpoint_close(&c->target);
}

/* --- the sender's side --- */

static void send_datakit(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                         void *cookie)
{
    struct ctx *c = ctx;
    if (c->target.off)
        http_post_fail(done, cookie, GW_DISCARDED, "");
    else
        http_post_send(&c->post, c->url[batch->signal], NULL, batch, timeout, done, cookie);
}

static void wait_datakit(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    http_post_wait(&c->post, until);
}

static void wake_datakit(void *ctx)
{
    struct ctx *c = ctx;
    http_post_wake(&c->post);
}

static void cancel_datakit(void *ctx)
{
    struct ctx *c = ctx;
    http_post_cancel(&c->post);
}

static enum gw_attribute_schema schema(const void *ctx, enum gw_attribute_schema mode)
{
    (void)ctx;
    (void)mode;
    return GW_DATADOG;
}

static void describe(void *ctx, FILE *to)
{
    const struct ctx *c = ctx;
    const struct otlp_endpoint *t = &c->target;
    if (t->off)
        fputs("nowhere: nothing is uploaded", to);
    else
        fprintf(to, "%s://%s%s/v1/write/tracing, logging, metric, compression %s", t->tls ? "https" : "http",
                t->authority, t->path, otlp_endpoint_compression(t));
}

const struct gw_exporter gw_exporter_datakit = {
    .name = "datakit",
    .summary = "Sends line protocol to a Datakit, or to another server that accepts its /v1/write requests.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS,
    .opts = opts,
    .wants = (const char *const[]){"endpoint", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .remote = true,
    .schema = schema,
    .open = open_datakit,
    .close = close_datakit,
    .send = send_datakit,
    .wait = wait_datakit,
    .cancel = cancel_datakit,
    .wake = wake_datakit,
    .describe = describe,
};
