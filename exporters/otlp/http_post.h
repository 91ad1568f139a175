/* http_post.h: an exporter's POST requests, on libcurl's multi interface: one per batch, as many at a time as
 * the sender has open.
 *
 *     send ──▶ easy handle from the pool: url, headers, body ──▶ multi
 *     wait ──▶ curl_multi_perform, curl_multi_poll ──▶ status, Retry-After, body ──▶ outcome
 *
 * What differs between protocols is the dialect: how a batch becomes a body, and what an answer means. A body
 * that is the frames as they stand is read by libcurl frame by frame; any other one is a buffer.
 *
 * HTTP/1.1 with several connections is half the cost of HTTP/2 here; HTTP/2 is there for proxies that want
 * it. Redirects are refused: following one would send data, and credentials, to a place that the
 * configuration does not name.
 *
 * Threads: open, close on the main thread; wake from any thread; all else on the exporter's sender thread.
 * Ownership: the endpoint, the dialect, headers and URLs are the caller's and outlive it.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_HTTP_POST_H
#define GW_HTTP_POST_H

#include <curl/curl.h>

#include "exporters/otlp/compression_trial.h"
#include "exporters/otlp/otlp_http_status.h"

/* Whether there is a body to send. What is too large to be written as text is split; missing memory is a
 * reason to try later. */
enum http_body { HTTP_BODY_MADE, HTTP_BODY_TOO_LARGE, HTTP_BODY_NO_MEMORY };

struct http_dialect {
    const char *content_type;
    /* The batch as a malloc'd buffer; `rejected` is how many of its items could not be written. NULL: the
     * frames are the body as they stand. */
    enum http_body (*body)(const struct gw_batch *, void *ctx, uint8_t **body, size_t *len,
                           uint64_t *rejected);
    void *ctx;
    void (*outcome)(const struct otlp_http_answer *, struct gw_outcome *);
};

struct http_post_conf {
    const struct otlp_endpoint *endpoint;
    const struct http_dialect *dialect;
    const struct gw_map *headers;
    gw_str server_name; /* the certificate's, where it is not the endpoint's host; URLs bear it then */
    bool http2;
};

struct http_request;

/* Zeroed, it may be closed. */
struct http_post {
    struct http_post_conf conf;
    struct curl_slist *headers, *packed_headers, *connect_to; /* of plain requests; of compressed ones */
    CURLM *multi;
    struct gw_compressor *compressor;
    struct otlp_trial trial;
    struct http_request *spare, *open;
    bool delivered;
};

/* False when there is no memory. */
bool http_post_open(struct http_post *, const struct http_post_conf *) GW_MUST_CHECK;
void http_post_close(struct http_post *);

/* As send, wait, wake and cancel of an exporter (exporter.h). */
void http_post_send(struct http_post *, const char *url, const struct gw_batch *, gw_nsec timeout,
                    gw_done_f *, void *cookie);
void http_post_wait(struct http_post *, gw_nsec until);
void http_post_wake(struct http_post *);
void http_post_cancel(struct http_post *);

/* Calls done with a verdict and words of our own; nothing is sent. */
void http_post_fail(gw_done_f *, void *cookie, enum gw_verdict, const char *text);

#endif
