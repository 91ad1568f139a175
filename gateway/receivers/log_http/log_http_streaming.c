/* Datakit's log streaming: lines of text unless `type` names another format; `source` names the source and
 * selects the script.
 *
 *     type=influxdb   line protocol, times in units of `precision` (n, u, ms, s, m, h)
 *     type=firelens   what Fluent Bit's http output posts
 *
 * `pipeline` names a script of pipelines.directory, else the source finds its own. `tags` is
 * NAME=VALUE,NAME=VALUE. The service is the source's where none is named.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/log_http/log_http.h"
#include "translators/points/points.h"

struct query {
    gw_str type, source, service, pipeline, tags, precision;
};

static void see_arg(void *cookie, gw_str name, gw_str value)
{
    struct query *q = cookie;
    const struct {
        gw_str name;
        gw_str *value;
    } known[] = {{GW_LIT("type"), &q->type},       {GW_LIT("source"), &q->source},
                 {GW_LIT("service"), &q->service}, {GW_LIT("pipeline"), &q->pipeline},
                 {GW_LIT("tags"), &q->tags},       {GW_LIT("precision"), &q->precision}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (gw_str_eq(name, known[i].name))
            *known[i].value = value;
}

/* NAME=VALUE,NAME=VALUE as NAME:VALUE,NAME:VALUE, Datadog's manner. */
static gw_str as_ddtags(gw_str tags, struct gw_arena *arena)
{
    gw_str copy = gw_arena_dup(arena, tags);
    char *out = (char *)(uintptr_t)copy.ptr;
    bool name = true;
    for (size_t i = 0; i < copy.len; i++) {
        if (name && out[i] == '=')
            out[i] = ':';
        name = out[i] == ',' || (name && out[i] != ':');
    }
    return copy;
}

static enum http_log_form form_of(gw_str type)
{
    if (gw_str_eq(type, GW_STR("influxdb")))
        return HTTP_LOG_LINE_PROTOCOL;
    return gw_str_eq(type, GW_STR("firelens")) ? HTTP_LOG_FIRELENS : HTTP_LOG_LINES;
}

/* If the sender names no source or service, the receiver's options apply, and then Datakit's defaults. */
static void name_origin(const struct log_http *h, const struct query *query, struct log_input *like)
{
    like->source = query->source;
    like->service = query->service;
    if (!like->source.len && !h->conf.source.len)
        like->source = GW_STR("default");
    if (!like->service.len && !h->conf.service.len)
        like->service = like->source;
}

void log_http_streaming(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                        struct gw_http_reply *r)
{
    struct log_http *h = ctx;
    struct query query = {0};
    struct gw_err err = {0};
    struct log_input like = log_http_like(h, q);
    uint64_t records = 0;
    gw_http_args(q, see_arg, &query);
    name_origin(h, &query, &like);
    like.script = query.pipeline;
    like.tags = as_ddtags(query.tags, q->arena);
    struct http_log body = {
        .form = form_of(query.type), .precision = points_precision(query.precision), .like = &like};
    err.code = log_http_take(h, q, &body, 0, &records, &err);
    if (err.code)
        log_http_refuse(h, route, q, &err, r);
    else
        log_http_accept(h, records, "{\"status\":\"success\"}", r);
}
