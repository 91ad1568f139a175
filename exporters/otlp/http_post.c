/* Sends an exporter's POST requests: libcurl's easy handles in a pool, bodies, answers.
 *
 * Owns a struct http_post. Called by the exporters that speak HTTP: otlp_http.c, datakit.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exporters/otlp/http_post.h"

#include <linux/sockios.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exporters/otlp/otlp_response.h"

enum { UPLOAD_BUFFER = 512 * 1024 };
/* The connection of a longer answer is closed; the status of the answer counts. */
enum { MAX_ANSWER = 1024 * 1024 };

/* One POST. Reused from batch to batch with its easy handle. */
struct http_request {
    struct http_request *next;
    CURL *easy;
    const struct gw_batch *batch;
    gw_done_f *done;
    void *cookie;
    /* Position in the frames, if they are the body. */
    size_t frame, offset;
    /* Otherwise a body of its own: compressed, or JSON; malloc'd. */
    uint8_t *body;
    size_t body_len;
    bool packed;       /* the body is compressed */
    uint64_t rejected; /* items of the batch that are not in the body */
    /* the answer */
    /* OTLP_ANSWER_BYTES, allocated before the request is sent, because the answer must not be lost. */
    char *answer;
    size_t answer_len, answer_total; /* kept; read in all */
    char error[CURL_ERROR_SIZE];
};

/* Returns false if there is no memory. The request is not sent then, because without a header it could be
 * refused or stored for another tenant. */
static bool add_header(struct curl_slist **list, const char *text)
{
    struct curl_slist *grown = curl_slist_append(*list, text);
    if (grown)
        *list = grown;
    return grown;
}

static bool make_headers(const struct http_post *h, struct curl_slist **list, const char *encoding)
{
    char line[8192];
    snprintf(line, sizeof line, "Content-Type: %s", h->conf.dialect->content_type);
    bool made = add_header(list, line);
    made &= add_header(list, "Expect:"); /* without it, libcurl waits a round trip for large bodies */
    if (encoding)
        made &= add_header(list, encoding);
    for (size_t i = 0; i < h->conf.headers->n; i++) {
        const struct gw_map_item *own = &h->conf.headers->items[i];
        /* "name;" is libcurl's syntax for a header without a value */
        snprintf(line, sizeof line, own->value.len ? "%.*s: %.*s" : "%.*s;%.*s", GW_FMT(own->key),
                 GW_FMT(own->value));
        made &= add_header(list, line);
    }
    return made;
}

/* With tls.server_name, the URL contains that name and the connection goes to the endpoint's host. */
static bool make_connect_to(struct http_post *h)
{
    char line[600];
    if (!h->conf.server_name.len || h->conf.endpoint->off)
        return true;
    snprintf(line, sizeof line, "::%s", h->conf.endpoint->authority);
    return add_header(&h->connect_to, line);
}

bool http_post_open(struct http_post *h, const struct http_post_conf *conf)
{
    const struct otlp_endpoint *to = conf->endpoint;
    bool zstd = to->compression == GW_COMPRESS_ZSTD,
         packs = to->compression != GW_COMPRESS_NONE || to->may_compress;
    h->conf = *conf;
    curl_global_init(CURL_GLOBAL_DEFAULT); /* counted; close calls the counterpart */
    h->multi = curl_multi_init();
    if (packs)
        h->compressor = gw_compressor_new(zstd ? GW_COMPRESS_ZSTD : GW_COMPRESS_GZIP);
    return h->multi && (!packs || h->compressor) && make_headers(h, &h->headers, NULL) &&
           make_headers(h, &h->packed_headers, zstd ? "Content-Encoding: zstd" : "Content-Encoding: gzip") &&
           make_connect_to(h);
}

static void request_drop(struct http_request *r)
{
    curl_easy_cleanup(r->easy);
    free(r->answer);
    free(r);
}

static void drop_requests(struct http_request *r)
{
    while (r) {
        struct http_request *next = r->next;
        request_drop(r);
        r = next;
    }
}

void http_post_close(struct http_post *h)
{
    if (!h->multi)
        return;
    drop_requests(h->spare);
    curl_multi_cleanup(h->multi);
    curl_slist_free_all(h->headers);
    curl_slist_free_all(h->packed_headers);
    curl_slist_free_all(h->connect_to);
    gw_compressor_drop(h->compressor);
    *h = (struct http_post){.spare = NULL};
    curl_global_cleanup();
}

/* --- the body --- */

static size_t read_frames(char *out, size_t size, size_t n, void *arg)
{
    struct http_request *r = arg;
    size_t room = size * n, done = 0;
    while (done < room && r->frame < r->batch->n) {
        const struct gw_frame *f = r->batch->frames[r->frame];
        size_t part = f->len - r->offset < room - done ? f->len - r->offset : room - done;
        memcpy(out + done, f->data + r->offset, part);
        done += part;
        r->offset += part;
        if (r->offset == f->len) {
            r->frame++;
            r->offset = 0;
        }
    }
    return done;
}

/* libcurl sends the body again if a kept connection turns out to be closed. It always rewinds to the
 * start. */
static int rewind_frames(void *arg, curl_off_t offset, int origin)
{
    struct http_request *r = arg;
    if (offset != 0 || origin != SEEK_SET)
        return CURL_SEEKFUNC_FAIL;
    r->frame = r->offset = 0;
    return CURL_SEEKFUNC_OK;
}

/* Compresses r->body. Returns false if there is no memory. */
static bool compress_body(struct http_post *h, struct http_request *r)
{
    uint8_t *packed;
    size_t len;
    struct gw_frame whole = {.data = r->body, .len = r->body_len}, *frames[] = {&whole};
    bool plain_frames = r->body == NULL;
    bool packed_well = plain_frames ? gw_compress(h->compressor, r->batch->frames, r->batch->n, &packed, &len)
                                    : gw_compress(h->compressor, frames, 1, &packed, &len);
    if (!packed_well)
        return false;
    free(r->body);
    r->body = packed;
    r->body_len = len;
    r->packed = true;
    return true;
}

static enum http_body make_body(struct http_post *h, struct http_request *r)
{
    const struct http_dialect *d = h->conf.dialect;
    r->packed = false;
    r->rejected = 0;
    enum http_body made =
        d->body ? d->body(r->batch, d->ctx, &r->body, &r->body_len, &r->rejected) : HTTP_BODY_MADE;
    if (made == HTTP_BODY_MADE && otlp_trial_compresses(&h->trial, h->conf.endpoint, r->batch) &&
        !compress_body(h, r))
        return HTTP_BODY_NO_MEMORY;
    return made;
}

/* --- send --- */

static size_t keep_answer(char *data, size_t size, size_t n, void *arg)
{
    struct http_request *r = arg;
    size_t len = size * n, room = OTLP_ANSWER_BYTES - r->answer_len;
    memcpy(r->answer + r->answer_len, data, len < room ? len : room);
    r->answer_len += len < room ? len : room;
    r->answer_total += len;
    /* the rest is read and ignored, so that the connection stays usable */
    return r->answer_total <= MAX_ANSWER ? len : 0;
}

/* A cancelled request must not arrive later, so data that the kernel has not sent yet is discarded. */
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

/* A missing option could send the request to another host or trust another CA, so lack of memory is an
 * error. */
static bool is_set(CURLcode code)
{
    return code != CURLE_OUT_OF_MEMORY;
}

static bool set_tls(struct http_post *h, CURL *e)
{
    bool set = true;
    if (h->conf.endpoint->ca) {
        struct curl_blob ca = blob(h->conf.endpoint->ca);
        set &= is_set(curl_easy_setopt(e, CURLOPT_CAINFO_BLOB, &ca));
    }
    if (h->conf.endpoint->cert && h->conf.endpoint->key) {
        struct curl_blob cert = blob(h->conf.endpoint->cert), key = blob(h->conf.endpoint->key);
        set &= is_set(curl_easy_setopt(e, CURLOPT_SSLCERT_BLOB, &cert));
        set &= is_set(curl_easy_setopt(e, CURLOPT_SSLKEY_BLOB, &key));
    }
    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    return set;
}

/* Sets the options that are the same for all requests. Returns false if there is no memory. */
static bool set_constants(struct http_post *h, struct http_request *r)
{
    CURL *e = r->easy;
    bool set = is_set(curl_easy_setopt(e, CURLOPT_USERAGENT, "ddgate/" DDGATE_VERSION));
    set &= is_set(curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https"));
    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, h->conf.http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
    curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, keep_answer);
    curl_easy_setopt(e, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(e, CURLOPT_READFUNCTION, read_frames);
    curl_easy_setopt(e, CURLOPT_READDATA, r);
    curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, rewind_frames);
    curl_easy_setopt(e, CURLOPT_SEEKDATA, r);
    curl_easy_setopt(e, CURLOPT_ERRORBUFFER, r->error);
    curl_easy_setopt(e, CURLOPT_PRIVATE, r);
    curl_easy_setopt(e, CURLOPT_POST, 1L);
    return set_tls(h, e) && set;
}

/* Returns NULL if there is no memory. */
static struct http_request *request_new(struct http_post *h)
{
    struct http_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->easy = curl_easy_init();
    r->answer = malloc(OTLP_ANSWER_BYTES);
    if (r->easy && r->answer && set_constants(h, r))
        return r;
    request_drop(r);
    return NULL;
}

static struct http_request *take_request(struct http_post *h)
{
    struct http_request *r = h->spare;
    if (!r)
        return request_new(h);
    h->spare = r->next;
    return r;
}

static void give_request(struct http_post *h, struct http_request *r)
{
    free(r->body);
    r->body = NULL;
    r->next = h->spare;
    h->spare = r;
}

/* Returns false if there is no memory. */
static bool set_request(struct http_post *h, struct http_request *r, const char *url,
                        struct curl_slist *connect_to, gw_nsec timeout)
{
    CURL *e = r->easy;
    curl_easy_setopt(e, CURLOPT_CONNECT_TO, connect_to ? connect_to : h->connect_to);
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)(timeout / GW_MSEC));
    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(timeout / GW_MSEC));
    curl_easy_setopt(e, CURLOPT_HTTPHEADER, r->packed ? h->packed_headers : h->headers);
    curl_easy_setopt(e, CURLOPT_POSTFIELDS, (char *)r->body); /* NULL: read_frames provides the body */
    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)(r->body ? r->body_len : r->batch->bytes));
    return is_set(curl_easy_setopt(e, CURLOPT_URL, url));
}

void http_post_fail(gw_done_f *done, void *cookie, enum gw_verdict verdict, const char *text)
{
    struct gw_outcome outcome = {.verdict = verdict};
    otlp_response_text(&outcome, gw_str_z(text));
    done(cookie, &outcome);
}

static void begin_request(struct http_request *r, const struct gw_batch *batch, gw_done_f *done, void *cookie)
{
    r->batch = batch;
    r->done = done;
    r->cookie = cookie;
    r->frame = r->offset = r->answer_len = r->answer_total = 0;
    r->error[0] = '\0';
}

/* No item of the batch could be written: there is nothing to send. */
static bool is_empty(const struct http_request *r)
{
    return r->body && r->rejected == r->batch->items;
}

static void reject_all(struct http_post *h, struct http_request *r)
{
    struct gw_outcome outcome = {.verdict = GW_DONE, .rejected = r->rejected};
    gw_done_f *done = r->done;
    void *cookie = r->cookie;
    give_request(h, r);
    done(cookie, &outcome);
}

void http_post_send(struct http_post *h, const char *url, struct curl_slist *connect_to,
                    const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done, void *cookie)
{
    struct http_request *r = take_request(h);
    if (!r) {
        http_post_fail(done, cookie, GW_RETRY, "no memory for a request");
        return;
    }
    begin_request(r, batch, done, cookie);
    enum http_body made = make_body(h, r);
    if (made == HTTP_BODY_MADE && is_empty(r)) {
        reject_all(h, r);
        return;
    }
    if (made == HTTP_BODY_MADE && (!set_request(h, r, url, connect_to, timeout) ||
                                   curl_multi_add_handle(h->multi, r->easy) != CURLM_OK))
        made = HTTP_BODY_NO_MEMORY;
    if (made != HTTP_BODY_MADE) {
        give_request(h, r);
        http_post_fail(done, cookie, made == HTTP_BODY_TOO_LARGE ? GW_SPLIT : GW_RETRY,
                       made == HTTP_BODY_TOO_LARGE ? "is too large to be written as text"
                                                   : "no memory for a request");
        return;
    }
    r->next = h->open;
    h->open = r;
}

/* --- outcomes --- */

static void unlink_request(struct http_post *h, struct http_request *r)
{
    struct http_request **link = &h->open;
    while (*link != r)
        link = &(*link)->next;
    *link = r->next;
}

static void finish(struct http_post *h, struct http_request *r, const struct gw_outcome *outcome)
{
    gw_done_f *done = r->done;
    void *cookie = r->cookie;
    curl_multi_remove_handle(h->multi, r->easy);
    unlink_request(h, r);
    give_request(h, r);
    h->delivered = true;
    done(cookie, outcome);
}

static void read_outcome(const struct http_post *h, const struct http_request *r, CURLcode result,
                         struct gw_outcome *out)
{
    struct otlp_http_answer a = {.body = gw_str_n(r->answer, r->answer_len)};
    char *type = NULL, *location = NULL;
    struct curl_header *wait;
    bool cut = result == CURLE_WRITE_ERROR && r->answer_total > MAX_ANSWER;
    if (result != CURLE_OK && !cut) {
        curl_off_t uploaded = 0;
        curl_easy_getinfo(r->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
        otlp_http_transport_error(result, r->error, (size_t)uploaded, out);
        return;
    }
    curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &a.status);
    curl_easy_getinfo(r->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(r->easy, CURLINFO_REDIRECT_URL, &location);
    a.content_type = gw_str_z(type);
    a.location = gw_str_z(location);
    if (curl_easy_header(r->easy, "Retry-After", 0, CURLH_HEADER, -1, &wait) == CURLHE_OK)
        a.retry_after = otlp_http_retry_after(wait->value, gw_wall());
    h->conf.dialect->outcome(&a, out);
    if (out->verdict == GW_DONE)
        out->rejected += r->rejected;
}

static void deliver(struct http_post *h)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(h->multi, &left));) {
        struct gw_outcome outcome = {0};
        char *private;
        if (m->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &private);
        struct http_request *r = (struct http_request *)(void *)private;
        read_outcome(h, r, m->data.result, &outcome);
        if (r->packed)
            otlp_trial_judge(&h->trial, h->conf.endpoint, &outcome);
        finish(h, r, &outcome);
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

void http_post_wait(struct http_post *h, gw_nsec until)
{
    int running, ready = 0;
    h->delivered = false;
    for (;;) {
        curl_multi_perform(h->multi, &running);
        deliver(h);
        int pause = milliseconds_until(until);
        if (h->delivered || pause == 0)
            return;
        curl_multi_poll(h->multi, NULL, 0, pause, &ready);
        if (ready == 0) { /* woken, or a timer ended: libcurl's timers run at the next call */
            curl_multi_perform(h->multi, &running);
            deliver(h);
            return;
        }
    }
}

void http_post_wake(struct http_post *h)
{
    curl_multi_wakeup(h->multi);
}

void http_post_cancel(struct http_post *h)
{
    struct gw_outcome outcome = {.verdict = GW_RETRY, .text = "cancelled"};
    while (h->open)
        finish(h, h->open, &outcome);
}
