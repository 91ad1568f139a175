/* OTLP over HTTP/1.1, on libcurl's multi interface: one POST per batch, as many at a time as the sender has
 * open.
 *
 *     send ──▶ easy handle from the pool: url of the signal, headers, body ──▶ multi
 *     wait ──▶ curl_multi_perform, curl_multi_poll ──▶ status, Retry-After, body ──▶ outcome
 *
 * HTTP/1.1 with several connections is half the cost of HTTP/2 here; HTTP/2 is there for proxies that want
 * it. The body is read by libcurl frame by frame, or is one compressed buffer. Redirects are refused:
 * following one would send data, and credentials, to a place that the configuration does not name.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <curl/curl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "core/delivery/exporter.h"
#include "exporters/encoding/otlp_json.h"
#include "exporters/encoding/otlp_read.h"
#include "exporters/otlp/compression_trial.h"
#include "exporters/otlp/otlp_endpoint.h"
#include "exporters/otlp/otlp_http_status.h"
#include "exporters/otlp/otlp_response.h"

#define OPTS(X)                                                                                              \
    X(choice, encoding, "encoding", "protobuf", "protobuf|json", "",                                         \
      "Of the body: OTLP/HTTP backends take protobuf, some only JSON.")                                      \
    X(choice, http_version, "http_version", "1.1", "1.1|2", "",                                              \
      "2 is offered over TLS only; it costs about twice the CPU of 1.1.")                                    \
    X(str, traces_endpoint, "traces_endpoint", "", "", "",                                                   \
      "Whole URL for traces, used as it is instead of endpoint + /v1/traces.")                               \
    X(str, logs_endpoint, "logs_endpoint", "", "", "",                                                       \
      "Whole URL for logs, used as it is instead of endpoint + /v1/logs.")                                   \
    X(str, metrics_endpoint, "metrics_endpoint", "", "", "",                                                 \
      "Whole URL for metrics, used as it is instead of endpoint + /v1/metrics.")

#define GW_CONF struct conf
OTLP_CONF(OPTS);

enum { PROTOBUF, JSON };
enum { MAX_URL = 1024, UPLOAD_BUFFER = 512 * 1024 };
/* The connection of an answer that is longer is given up; its status counts. */
enum { MAX_ANSWER = 1024 * 1024 };
/* JSON is larger than protobuf, and decoding takes so many times the bytes. */
enum { JSON_LIMIT = 64 * 1024 * 1024, UNFOLD = 48, SCRATCH = 1024 * 1024 };

/* One POST. Reused from batch to batch with its easy handle. */
struct post {
    struct post *next;
    CURL *easy;
    const struct gw_batch *batch;
    gw_done_f *done;
    void *cookie;
    /* where reading the frames has come to */
    size_t frame, offset;
    /* or a body of its own: compressed, or JSON; malloc'd */
    uint8_t *body;
    size_t body_len;
    bool packed; /* it is compressed */
    /* the answer */
    /* OTLP_ANSWER_BYTES: there before the request is sent, for what it says must not be missed */
    char *answer;
    size_t answer_len, answer_total; /* kept; read */
    char error[CURL_ERROR_SIZE];
};

struct ctx {
    struct conf conf;
    /* const after open */
    struct otlp_endpoint target;
    char url[GW_SIGNALS][MAX_URL];
    struct curl_slist *headers, *packed_headers, *connect_to; /* of plain requests; of compressed ones */
    /* the sender's thread */
    CURLM *multi; /* curl_multi_wakeup: any thread */
    struct gw_compressor *compressor;
    struct otlp_trial trial;
    struct post *spare, *open;
    bool delivered;
};
_Static_assert(offsetof(struct ctx, conf) == 0, "the pipeline fills conf");

static const char *const signal_path[GW_SIGNALS] = {"/v1/traces", "/v1/logs", "/v1/metrics"};

/* --- open --- */

/* False when there is no memory: a request that lacks a header would be refused, or be stored for somebody
 * else. */
static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *grown = curl_slist_append(*list, text);
    if (grown)
        *list = grown;
    return grown;
}

static bool make_headers(struct ctx *c, struct curl_slist **list, const char *encoding)
{
    char line[8192];
    bool made = add_header(list, c->conf.encoding == JSON ? "Content-Type: application/json"
                                                          : "Content-Type: application/x-protobuf");
    made &= add_header(list, "Expect:"); /* a round trip for nothing */
    if (encoding)
        made &= add_header(list, encoding);
    for (size_t i = 0; i < c->conf.headers.n; i++) {
        const struct gw_map_item *h = &c->conf.headers.items[i];
        /* "name;" is libcurl's way of writing a header without a value */
        snprintf(line, sizeof line, h->value.len ? "%.*s: %.*s" : "%.*s;%.*s", GW_FMT(h->key),
                 GW_FMT(h->value));
        made &= add_header(list, line);
    }
    return made;
}

static bool good_url(const char *url)
{
    CURLU *u = curl_url();
    bool good = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK;
    curl_url_cleanup(u);
    return good && (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0);
}

static enum gw_code make_urls(struct ctx *c, const char *path, struct gw_diagnostics *diagnostics)
{
    static const char *const names[GW_SIGNALS] = {"traces_endpoint", "logs_endpoint", "metrics_endpoint"};
    const gw_str whole[GW_SIGNALS] = {c->conf.traces_endpoint, c->conf.logs_endpoint,
                                      c->conf.metrics_endpoint};
    enum gw_code code = GW_OK;
    for (int s = 0; s < GW_SIGNALS; s++) {
        if (whole[s].len && (whole[s].len >= MAX_URL || !good_url(whole[s].ptr))) {
            gw_option_error(diagnostics, path, names[s], "\"%.*s\" is no http:// or https:// URL",
                            GW_FMT(whole[s]));
            code = GW_BAD_REQUEST;
        } else if (whole[s].len) {
            memcpy(c->url[s], whole[s].ptr, whole[s].len + 1);
        } else if (!c->target.off) {
            const char *host = c->conf.tls_server_name.len ? c->conf.tls_server_name.ptr : NULL;
            snprintf(c->url[s], MAX_URL, "%s://%s%s%s", c->target.tls ? "https" : "http",
                     host ? host : c->target.authority, c->target.path, signal_path[s]);
        }
    }
    return code;
}

/* What has no URL is not uploaded. */
static void warn_of_none(const struct ctx *c, unsigned signals, const char *path,
                         struct gw_diagnostics *diagnostics)
{
    char names[64] = "";
    size_t n = 0;
    bool any = false;
    for (int s = 0; s < GW_SIGNALS; s++)
        if (c->url[s][0])
            any = true;
        else if (signals & 1u << s)
            n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "",
                                  gw_signal_name((enum gw_signal)s));
    if (n && any)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty, and there is no endpoint of their own for %s: they are not uploaded, "
                          "and count as discarded; signals "
                          "says what this exporter gets",
                          names);
    else if (n)
        gw_option_warning(diagnostics, path, "endpoint",
                          "is empty: nothing is uploaded, and everything counts as discarded");
}

/* With tls.server_name the URL bears that name, and the connection goes where the endpoint says. */
static bool make_connect_to(struct ctx *c)
{
    char line[600];
    if (!c->conf.tls_server_name.len || c->target.off)
        return true;
    snprintf(line, sizeof line, "::%s", c->target.authority);
    return add_header(&c->connect_to, line);
}

static enum gw_code open_http(void *ctx, const struct gw_export_host *host, const char *path,
                              struct gw_diagnostics *diagnostics)
{
    static const struct otlp_protocol protocol = {"OTLP/HTTP", 4318, true, true};
    struct ctx *c = ctx;
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted: paired in close */
    c->multi = curl_multi_init();
    enum gw_code code = otlp_endpoint_open(&c->target, (const struct otlp_endpoint_conf *)&c->conf, &protocol,
                                           path, diagnostics);
    enum gw_code urls = make_urls(c, path, diagnostics);
    if (code == GW_OK && urls == GW_OK)
        warn_of_none(c, host->signals, path, diagnostics);
    bool zstd = c->target.compression == GW_COMPRESS_ZSTD,
         listed = make_headers(c, &c->headers, NULL) &&
                  make_headers(c, &c->packed_headers,
                               zstd ? "Content-Encoding: zstd" : "Content-Encoding: gzip") &&
                  make_connect_to(c);
    bool packs = c->target.compression != GW_COMPRESS_NONE || c->target.may_compress;
    if (packs)
        c->compressor = gw_compressor_new(zstd ? GW_COMPRESS_ZSTD : GW_COMPRESS_GZIP);
    if (!c->multi || !listed || (packs && !c->compressor))
        return GW_INTERNAL;
    return code != GW_OK ? code : urls;
}

static void post_drop(struct post *p)
{
    curl_easy_cleanup(p->easy);
    free(p->answer);
    free(p);
}

static void drop_posts(struct post *p)
{
    while (p) {
        struct post *next = p->next;
        post_drop(p);
        p = next;
    }
}

static void close_http(void *ctx)
{
    struct ctx *c = ctx;
    if (!c->multi)
        return;
    drop_posts(c->spare);
    curl_multi_cleanup(c->multi);
    curl_slist_free_all(c->headers);
    curl_slist_free_all(c->packed_headers);
    curl_slist_free_all(c->connect_to);
    gw_compressor_drop(c->compressor);
    otlp_endpoint_close(&c->target);
    c->multi = NULL;
    c->headers = c->packed_headers = c->connect_to = NULL;
    c->compressor = NULL;
    c->spare = NULL;
    curl_global_cleanup();
}

/* --- the body --- */

static size_t read_frames(char *out, size_t size, size_t n, void *arg)
{
    struct post *p = arg;
    size_t room = size * n, done = 0;
    while (done < room && p->frame < p->batch->n) {
        const struct gw_frame *f = p->batch->frames[p->frame];
        size_t part = f->len - p->offset < room - done ? f->len - p->offset : room - done;
        memcpy(out + done, f->data + p->offset, part);
        done += part;
        p->offset += part;
        if (p->offset == f->len) {
            p->frame++;
            p->offset = 0;
        }
    }
    return done;
}

/* libcurl sends the body again when a kept connection turns out to be closed: only ever from the start. */
static int rewind_frames(void *arg, curl_off_t offset, int origin)
{
    struct post *p = arg;
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    p->frame = p->offset = 0;
    return CURL_SEEKFUNC_OK;
}

/* Whether there is a body to send. What is too large to be written as text is split; missing memory is a
 * reason to try later. */
enum body { BODY_MADE, BODY_TOO_LARGE, BODY_NO_MEMORY };

static enum body json_body(const struct gw_arena *arena, const struct out *out, bool read)
{
    if (arena->no_memory || out->no_memory)
        return BODY_NO_MEMORY;
    return read && !out->failed ? BODY_MADE : BODY_TOO_LARGE;
}

/* One OTLP/JSON request of all frames. */
static enum body make_json(struct post *p)
{
    struct gw_arena arena;
    struct out out;
    uint8_t *all = malloc(p->batch->bytes + 1);
    size_t at = 0;
    if (!all)
        return BODY_NO_MEMORY;
    for (size_t i = 0; i < p->batch->n; at += p->batch->frames[i++]->len)
        memcpy(all + at, p->batch->frames[i]->data, p->batch->frames[i]->len);
    gw_arena_init(&arena, at * UNFOLD + SCRATCH);
    out_init(&out, JSON_LIMIT);
    const ProtobufCMessage *message = otlp_read(&arena, p->batch->signal, gw_str_n((const char *)all, at));
    if (message)
        otlp_json(&out, message);
    enum body made = json_body(&arena, &out, message);
    if (made == BODY_MADE) {
        p->body = (uint8_t *)out.data;
        p->body_len = out.len;
        out = (struct out){0};
    }
    out_fini(&out);
    gw_arena_fini(&arena);
    free(all);
    return made;
}

/* What stands in p->body becomes smaller. False when there is no memory. */
static bool compress_body(struct ctx *c, struct post *p)
{
    uint8_t *packed;
    size_t len;
    struct gw_frame whole = {.data = p->body, .len = p->body_len}, *frames[] = {&whole};
    bool plain_frames = p->body == NULL;
    bool packed_well = plain_frames ? gw_compress(c->compressor, p->batch->frames, p->batch->n, &packed, &len)
                                    : gw_compress(c->compressor, frames, 1, &packed, &len);
    if (!packed_well)
        return false;
    free(p->body);
    p->body = packed;
    p->body_len = len;
    p->packed = true;
    return true;
}

static enum body make_body(struct ctx *c, struct post *p)
{
    enum body made = c->conf.encoding == JSON ? make_json(p) : BODY_MADE;
    p->packed = false;
    if (made == BODY_MADE && otlp_trial_compresses(&c->trial, &c->target, p->batch) && !compress_body(c, p))
        return BODY_NO_MEMORY;
    return made;
}

/* --- send --- */

static size_t keep_answer(char *data, size_t size, size_t n, void *arg)
{
    struct post *p = arg;
    size_t len = size * n, room = OTLP_ANSWER_BYTES - p->answer_len;
    memcpy(p->answer + p->answer_len, data, len < room ? len : room);
    p->answer_len += len < room ? len : room;
    p->answer_total += len;
    /* the rest is read and forgotten, so that the connection lives on */
    return p->answer_total <= MAX_ANSWER ? len : 0;
}

/* A request that was given up must not arrive all the same: what the kernel still holds of it is thrown
 * away. */
static int close_socket(void *arg, curl_socket_t fd)
{
    int unsent = 0;
    if (ioctl(fd, SIOCOUTQ, &unsent) == 0 && unsent > 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    return close(fd);
}

static struct curl_blob blob(char *pem)
{
    return (struct curl_blob){.data = pem, .len = strlen(pem), .flags = CURL_BLOB_NOCOPY};
}

/* An option that is not set for lack of memory would send the request elsewhere, or trust somebody else. */
static bool is_set(CURLcode code)
{
    return code != CURLE_OUT_OF_MEMORY;
}

static bool set_tls(struct ctx *c, CURL *e)
{
    bool set = true;
    if (c->target.ca) {
        struct curl_blob ca = blob(c->target.ca);
        set &= is_set(curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca));
    }
    if (c->target.cert && c->target.key) {
        struct curl_blob cert = blob(c->target.cert), key = blob(c->target.key);
        set &= is_set(curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &cert));
        set &= is_set(curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &key));
    }
    curl_easy_setopt(e, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
    return set;
}

/* What stays the same from request to request. False when there is no memory. */
static bool set_constants(struct ctx *c, struct post *p)
{
    CURL *e = p->easy;
    bool set = is_set(curl_easy_setopt(e, CURLOPT_USERAGENT, "ddgate/" DDGATE_VERSION));
    set &= is_set(curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https"));
    curl_easy_setopt(e, CURLOPT_CONNECT_TO, c->connect_to);
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION,
                     c->conf.http_version == 1 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, p);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, read_frames);
    curl_easy_setopt(e, CURLOPT_READDATA, p);
    curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, rewind_frames);
    curl_easy_setopt(e, CURLOPT_SEEKDATA, p);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, p->error);
    curl_easy_setopt(e, CURLOPT_PRIVATE, p);
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    return set_tls(c, e) && set;
}

/* NULL when there is no memory. */
static struct post *post_new(struct ctx *c)
{
    struct post *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->easy = curl_easy_init();
    p->answer = malloc(OTLP_ANSWER_BYTES);
    if (p->easy && p->answer && set_constants(c, p))
        return p;
    post_drop(p);
    return NULL;
}

static struct post *take_post(struct ctx *c)
{
    struct post *p = c->spare;
    if (!p)
        return post_new(c);
    c->spare = p->next;
    return p;
}

static void give_post(struct ctx *c, struct post *p)
{
    free(p->body);
    p->body = NULL;
    p->next = c->spare;
    c->spare = p;
}

/* False when there is no memory. */
static bool set_request(struct ctx *c, struct post *p, gw_nsec timeout)
{
    CURL *e = p->easy;
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(timeout / GW_MSEC));
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout / GW_MSEC));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, p->packed ? c->packed_headers : c->headers);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, (char *)p->body); /* NULL: by read_frames */
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(p->body ? p->body_len : p->batch->bytes));
    return is_set(curl_easy_setopt(e, CURLOPT_URL, c->url[p->batch->signal]));
}

static void fail_at_once(gw_done_f *done, void *cookie, enum gw_verdict verdict, const char *text)
{
    struct gw_outcome outcome = {.verdict = verdict};
    otlp_response_text(&outcome, gw_str_z(text));
    done(cookie, &outcome);
}

static void send_batch(void *ctx, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                       void *cookie)
{
    struct ctx *c = ctx;
    if (!c->url[batch->signal][0]) { /* no endpoint: nothing is sent */
        fail_at_once(done, cookie, GW_DISCARDED, "");
        return;
    }
    struct post *p = take_post(c);
    if (!p) {
        fail_at_once(done, cookie, GW_RETRY, "no memory for a request");
        return;
    }
    p->batch = batch;
    p->done = done;
    p->cookie = cookie;
    p->frame = p->offset = p->answer_len = p->answer_total = 0;
    p->error[0] = '\0';
    enum body made = make_body(c, p);
    if (made == BODY_MADE &&
        (!set_request(c, p, timeout) || curl_multi_add_handle(c->multi, p->easy) != CURLM_OK))
        made = BODY_NO_MEMORY;
    if (made != BODY_MADE) {
        give_post(c, p);
        fail_at_once(done, cookie, made == BODY_TOO_LARGE ? GW_SPLIT : GW_RETRY,
                     made == BODY_TOO_LARGE ? "is too large to be written as JSON"
                                            : "no memory for a request");
        return;
    }
    p->next = c->open;
    c->open = p;
}

/* --- outcomes --- */

static void unlink_post(struct ctx *c, struct post *p)
{
    struct post **link = &c->open;
    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
}

static void finish(struct ctx *c, struct post *p, const struct gw_outcome *outcome)
{
    gw_done_f *done = p->done;
    void *cookie = p->cookie;
    curl_multi_remove_handle(c->multi, p->easy);
    unlink_post(c, p);
    give_post(c, p);
    c->delivered = true;
    done(cookie, outcome);
}

static void read_outcome(const struct post *p, CURLcode result, struct gw_outcome *out)
{
    struct otlp_http_answer a = {.body = gw_str_n(p->answer, p->answer_len)};
    char *type = NULL, *location = NULL;
    struct curl_header *wait;
    bool cut = result == CURLE_WRITE_ERROR && p->answer_total > MAX_ANSWER;
    if (result != CURLE_OK && !cut) {
        curl_off_t uploaded = 0;
        curl_easy_getinfo(p->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
        otlp_http_transport_error(result, p->error, (size_t)uploaded, out);
        return;
    }
    curl_easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &a.status);
    curl_easy_getinfo(p->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(p->easy, CURLINFO_REDIRECT_URL, &location);
    a.content_type = gw_str_z(type);
    a.location = gw_str_z(location);
    if (curl_easy_header(p->easy, "Retry-After", 0, CURLH_HEADER, -1, &wait) == CURLHE_OK)
        a.retry_after = otlp_http_retry_after(wait->value, gw_wall());
    otlp_http_outcome(&a, out);
}

static void deliver(struct ctx *c)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left));) {
        struct gw_outcome outcome = {0};
        char *private;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct post *p = (struct post *)(void *)private;
        read_outcome(p, m->data.result, &outcome);
        if (p->packed)
            otlp_trial_judge(&c->trial, &c->target, &outcome);
        finish(c, p, &outcome);
    }
}

static int milliseconds_until(gw_nsec until)
{
    gw_nsec left = until == GW_NEVER ? 60 * GW_SEC : until - gw_now();
    if (left <= 0)
        return 0;
    left = (left + GW_MSEC - 1) / GW_MSEC;
    return left > 60000 ? 60000 : (int)left;
}

static void wait_outcome(void *ctx, gw_nsec until)
{
    struct ctx *c = ctx;
    int running, ready = 0;
    c->delivered = false;
    for (;;) {
        curl_multi_perform(c->multi, &running);
        deliver(c);
        int pause = milliseconds_until(until);
        if (c->delivered || pause == 0)
            return;
        curl_multi_poll(c->multi, NULL, 0, pause, &ready);
        if (ready == 0) { /* woken, or a timer: the caller looks, libcurl does next time */
            curl_multi_perform(c->multi, &running);
            deliver(c);
            return;
        }
    }
}

static void wake(void *ctx)
{
    struct ctx *c = ctx;
    curl_multi_wakeup(c->multi);
}

static void cancel(void *ctx)
{
    struct ctx *c = ctx;
    struct gw_outcome outcome = {.verdict = GW_RETRY, .text = "cancelled"};
    while (c->open)
        finish(c, c->open, &outcome);
}

static void describe(void *ctx, FILE *to)
{
    const struct ctx *c = ctx;
    const struct otlp_endpoint *t = &c->target;
    const gw_str whole[GW_SIGNALS] = {c->conf.traces_endpoint, c->conf.logs_endpoint,
                                      c->conf.metrics_endpoint};
    const char *separator = "";
    if (!t->off) {
        fprintf(to, "%s://%s%s", t->tls ? "https" : "http", t->authority, t->path);
        separator = ", ";
    }
    for (int s = 0; s < GW_SIGNALS; s++)
        if (whole[s].len) {
            fprintf(to, "%s%s to %.*s", separator, gw_signal_name((enum gw_signal)s), GW_FMT(whole[s]));
            separator = ", ";
        }
    if (*separator)
        fprintf(to, ", compression %s", otlp_endpoint_compression(t));
    else
        fputs("nowhere: nothing is uploaded", to);
}

const struct gw_exporter gw_exporter_otlp_http = {
    .name = "otlp_http",
    .summary = "Sends OTLP over HTTP, as protobuf or JSON, to any OpenTelemetry backend.",
    .signals = 1u << GW_TRACES | 1u << GW_LOGS | 1u << GW_METRICS,
    .opts = opts,
    .wants = (const char *const[]){"endpoint", "traces_endpoint", "logs_endpoint", "metrics_endpoint", NULL},
    .conf_size = sizeof(struct conf),
    .ctx_size = sizeof(struct ctx),
    .remote = true,
    .open = open_http,
    .close = close_http,
    .send = send_batch,
    .wait = wait_outcome,
    .cancel = cancel,
    .wake = wake,
    .describe = describe,
};
