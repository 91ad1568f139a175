/* otlp_receive_http.c: Requests over HTTP: the media type decides how a body is read, and its answer is written. Owns
 * nothing beyond the request. Called by HTTP workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "core/base/log.h"
#include "core/delivery/fanout.h"
#include "core/delivery/recent.h"
#include "gateway/receivers/otlp/otlp_receiver.h"
#include "translators/otlp/otlp_json_in.h"

static const char protobuf[] = "application/x-protobuf", json[] = "application/json";

static bool is_media(gw_str type, gw_str name)
{
    type.len = gw_str_find(type, ';');
    return gw_str_ieq(gw_str_trim(type), name);
}

static bool is_protobuf(gw_str type)
{
    return is_media(type, GW_STR("application/x-protobuf")) || is_media(type, GW_STR("application/protobuf"));
}

static bool is_json(gw_str type)
{
    return is_media(type, GW_STR("application/json"));
}

/* Also for answers of the server: an exporter cannot read a status in plain text. */
void otlp_http_word_error(void *ctx, const struct gw_http_request *q, const struct gw_err *err,
                          struct gw_http_reply *r)
{
    bool in_json = is_json(q->content_type);
    gw_str status = otlp_answer_status(err, r->retry_after, in_json, q->arena);
    if (!status.len) /* no memory: the text that is there will do */
        return;
    r->type = in_json ? json : protobuf;
    r->body = status;
}

static void refuse(struct otlp_receiver *o, const struct gw_http_request *q, const struct gw_err *err,
                   struct gw_http_reply *r)
{
    gw_http_reply_error(r, q->arena, err, gw_fanout_retry_after(o->host->fanout, gw_now()));
    gw_str text = r->body;
    text.len = gw_str_find(text, '\n'); /* the advice is for the sender */
    enum gw_level level = r->status >= 429                      ? GW_INFO
                          : gw_http_first_refused(q, err->code) ? GW_WARNING
                                                                : GW_DEBUG;
    gw_log(level, o->site.component, "a request to %.*s is answered %u: %.*s", GW_FMT(q->path), r->status,
           GW_FMT(text));
    otlp_http_word_error(o, q, err, r);
}

static gw_str transport_of(const struct gw_http_request *q)
{
    return q->peer->by_socket ? GW_STR("unix") : GW_STR("tcp");
}

static enum gw_code take_json(struct otlp_receiver *o, enum gw_signal signal, const struct gw_http_request *q,
                              struct otlp_taken *taken, struct gw_err *err)
{
    struct otlp_buf w = {.account = q->arena->account};
    gw_budget_begin(q->arena->account);
    enum gw_code code =
        otlp_json_read((enum otlp_message)(OTLP_TRACES_REQUEST + signal), q->body, q->arena, &w, err);
    if (code == GW_BAD_JSON)
        atomic_fetch_add_explicit(&o->intake.counts.malformed, 1, memory_order_relaxed);
    code = gw_arena_refusal(q->arena, code, "the request in protobuf", err);
    if (!code)
        code = otlp_intake_take(&o->intake, &o->threads[q->worker], signal, otlp_written(&w), q->arena, taken,
                                err);
    if (!code)
        otlp_fleet_note(o, signal, otlp_written(&w), GW_STR("http/json"), transport_of(q));
    otlp_fini(&w);
    return code;
}

static enum gw_code take(struct otlp_receiver *o, enum gw_signal signal, const struct gw_http_request *q,
                         struct otlp_taken *taken, struct gw_err *err)
{
    if (is_json(q->content_type))
        return take_json(o, signal, q, taken, err);
    if (!is_protobuf(q->content_type))
        return gw_fail(err, GW_BAD_OTLP_MEDIA_TYPE, 0, "%.*s", GW_FMT(q->content_type));
    enum gw_code code =
        otlp_intake_take(&o->intake, &o->threads[q->worker], signal, q->body, q->arena, taken, err);
    if (!code)
        otlp_fleet_note(o, signal, q->body, GW_STR("http/protobuf"), transport_of(q));
    return code;
}

static void find_agent(void *agent, gw_str name, gw_str value)
{
    if (gw_str_ieq(name, GW_STR("user-agent")))
        *(gw_str *)agent = value;
}

/* For clients of the API and the page: keeps the sender. The data is in the frames. */
static void keep_request(const struct otlp_receiver *o, enum gw_signal signal,
                         const struct gw_http_request *q)
{
    char address[64];
    gw_str agent = GW_NOSTR;
    gw_http_headers(q, find_agent, &agent);
    gw_http_peer_name(q->peer, address, sizeof address);
    gw_recent_begin(&(struct gw_recent_entry){
        .kind = GW_RECENT_REQUEST,
        .signal = (uint8_t)signal,
        .parts = {[GW_REQUEST_RECEIVER] = GW_STR("otlp"),
                  [GW_REQUEST_PROTOCOL] =
                      is_json(q->content_type) ? GW_STR("otlp/http/json") : GW_STR("otlp/http"),
                  [GW_REQUEST_TRANSPORT] = q->peer->by_socket ? GW_STR("unix") : GW_STR("http"),
                  [GW_REQUEST_ADDRESS] = gw_str_z(address),
                  [GW_REQUEST_CLIENT_VERSION] = agent}});
}

/* route->tag: the signal. */
void otlp_http_export(void *ctx, const struct gw_http_route *route, const struct gw_http_request *q,
                      struct gw_http_reply *r)
{
    struct otlp_receiver *o = ctx;
    struct otlp_taken taken;
    struct gw_err err = {0};
    if (gw_recent_wanted())
        keep_request(o, (enum gw_signal)route->tag, q);
    err.code = take(o, (enum gw_signal)route->tag, q, &taken, &err);
    gw_recent_end();
    if (err.code) {
        refuse(o, q, &err, r);
        return;
    }
    if (taken.refused)
        otlp_intake_log_faults(&o->intake, &taken, route->path);
    bool in_json = is_json(q->content_type);
    r->type = in_json ? json : protobuf;
    r->body = otlp_answer_taken(&taken, (enum gw_signal)route->tag, in_json, q->arena);
}
