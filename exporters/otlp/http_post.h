/* http_post.h: sends an exporter's POST requests with libcurl's multi interface: one per batch; the sender
 * limits how many are open at a time.
 *
 *     send ──▶ easy handle from the pool: url, headers, body ──▶ multi
 *     wait ──▶ curl_multi_perform, curl_multi_poll ──▶ status, Retry-After, body ──▶ outcome
 *
 * The dialect contains what differs between protocols: how a batch becomes a body, and what an answer means.
 * If the frames are the body, libcurl reads them one by one; any other body is a buffer.
 *
 * HTTP/1.1 with several connections takes half the CPU time of HTTP/2 here; HTTP/2 is for proxies that need
 * it. Redirects are not followed: that would send data and credentials to a host that the configuration does
 * not name.
 *
 * Threads: open, close on the main thread; wake from any thread; everything else on the exporter's sender
 * thread. Ownership: the endpoint, the dialect, headers and URLs belong to the caller and outlive it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_POST_H
#define GW_HTTP_POST_H

#include <curl/curl.h>

#include "exporters/otlp/compression_trial.h"
#include "exporters/otlp/otlp_http_status.h"

/* Result of making a body. A batch that is too large as text is split; lack of memory means that it is tried
 * later. */
enum http_body { HTTP_BODY_MADE, HTTP_BODY_TOO_LARGE, HTTP_BODY_NO_MEMORY };

struct http_dialect {
    const char *content_type;
    /* Makes the batch's body in a malloc'd buffer; `rejected` is the number of items that could not be
     * written. NULL: the frames are the body. */
    enum http_body (*body)(const struct gw_batch *, void *ctx, uint8_t **body, size_t *len,
                           uint64_t *rejected);
    void *ctx;
    void (*outcome)(const struct otlp_http_answer *, struct gw_outcome *);
};

struct http_post_conf {
    const struct otlp_endpoint *endpoint;
    const struct http_dialect *dialect;
    const struct gw_map *headers;
    /* the name in the certificate, if it is not the endpoint's host; URLs contain it then */
    gw_str server_name;
    bool http2;
};

struct http_request;

/* A zeroed struct may be closed. */
struct http_post {
    struct http_post_conf conf;
    struct curl_slist *headers, *packed_headers, *connect_to; /* for plain requests; for compressed ones */
    CURLM *multi;
    struct gw_compressor *compressor;
    struct otlp_trial trial;
    struct http_request *spare, *open;
    bool delivered;
};

/* Returns false if there is no memory. */
bool http_post_open(struct http_post *, const struct http_post_conf *) GW_MUST_CHECK;
void http_post_close(struct http_post *);

/* Implement send, wait, wake and cancel of an exporter (exporter.h). `connect_to`: where the connection goes,
 * whatever the URL says (CURLOPT_CONNECT_TO); it lives until `done` was called. NULL: as the endpoint says. */
void http_post_send(struct http_post *, const char *url, struct curl_slist *connect_to,
                    const struct gw_batch *, gw_nsec timeout, gw_done_f *, void *cookie);
void http_post_wait(struct http_post *, gw_nsec until);
void http_post_wake(struct http_post *);
void http_post_cancel(struct http_post *);

/* Calls `done` with this verdict and text; nothing is sent. */
void http_post_fail(gw_done_f *, void *cookie, enum gw_verdict, const char *text);

#endif
