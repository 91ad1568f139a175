/* otlp_endpoint.h: reads the address and the connection options of an OTLP backend, for gRPC and HTTP.
 *
 *      endpoint = "https://otel.example.com:4317";   the scheme selects TLS, for gRPC as for HTTP
 *      headers  = { x-api-key = "${env:KEY}"; };   metadata of every request
 *      tls      = { ca; cert; key; server_name; };
 *
 * An OTLP exporter has these options first, then its own: OTLP_CONF(OPTS) declares its struct conf and its
 * rows. otlp_endpoint_open reports every mistake that can be found without connecting: a missing scheme,
 * files that cannot be read, a certificate without its key, headers that no protocol allows.
 *
 * Threads: open on the main thread; the result is constant from then on. Ownership: views point into the
 * configuration, which outlives the exporter; PEM texts are malloc'd, and close frees them.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_OTLP_ENDPOINT_H
#define GW_OTLP_ENDPOINT_H

#include "core/config/option.h"
#include "exporters/sender/compress.h"

#define OTLP_TARGET_OPTS(X)                                                                                  \
    X(str, endpoint, "endpoint", "", "", "",                                                                 \
      "Where to send: http://host:port is plain, https://host:port is TLS. Required; \"\" sends nothing, "   \
      "and all data counts as discarded.")                                                                   \
    X(map, headers, "headers", "", "", "",                                                                   \
      "Sent with every request, for example an API key; values are never shown. Write secrets as "           \
      "${env:NAME} or ${file:/path}.")                                                                       \
    X(choice, compression, "compression", "auto", "auto|none|gzip|zstd", "",                                 \
      "auto is gzip, and none if the endpoint is on this machine, unless the link turns out to be slow. "    \
      "zstd is for HTTP backends that support it.")                                                          \
    X(str, tls_ca, "tls.ca", "", "", "",                                                                     \
      "PEM file with the CA certificates to trust. Default: those of the system.")                           \
    X(str, tls_cert, "tls.cert", "", "", "",                                                                 \
      "PEM file with the client's certificate chain, for backends that require one.")                        \
    X(str, tls_key, "tls.key", "", "", "", "PEM file with the key of tls.cert.")                             \
    X(str, tls_server_name, "tls.server_name", "", "", "",                                                   \
      "Name that the backend's certificate must have, if it is not the endpoint's host.")

struct otlp_endpoint_conf {
    OTLP_TARGET_OPTS(GW_FIELD)
};

/* Declares struct conf, which begins with a struct otlp_endpoint_conf, and its rows `opts`; OPTS is the list
 * of the exporter's own options. GW_CONF must be defined as struct conf. */
#define OTLP_CONF(OPTS)                                                                                      \
    struct conf {                                                                                            \
        OTLP_TARGET_OPTS(GW_FIELD)                                                                           \
        OPTS(GW_FIELD)                                                                                       \
    };                                                                                                       \
    static const struct gw_opt opts[] = {OTLP_TARGET_OPTS(GW_ROW) OPTS(GW_ROW) GW_OPT_END};                  \
    _Static_assert(offsetof(struct conf, tls_server_name) ==                                                 \
                       offsetof(struct otlp_endpoint_conf, tls_server_name),                                 \
                   "conf begins with the target's")

/* The values of `compression`, in the order of the row. */
enum otlp_compression_word { OTLP_COMPRESS_AUTO, OTLP_COMPRESS_NONE, OTLP_COMPRESS_GZIP, OTLP_COMPRESS_ZSTD };

struct otlp_endpoint {
    bool off; /* without an endpoint nothing is sent */
    bool tls, loopback;
    char host[256];      /* name or address; IPv6 without brackets */
    char authority[272]; /* host:port; IPv6 with brackets */
    char path[512];      /* from the URL: "" or "/…" without a slash at the end */
    uint16_t port;
    enum gw_compression compression;
    bool may_compress;     /* compression = auto: gzip if the link turns out to be slow */
    char *ca, *cert, *key; /* PEM texts; NULL if not set */
};

/* The differences between the protocols. */
struct otlp_protocol {
    const char *name;      /* "gRPC", in messages */
    uint16_t default_port; /* for http:// without a port; for https:// it is 443 */
    bool has_path;         /* HTTP: the endpoint is a base URL, to which "/v1/traces" is appended */
    bool has_zstd;
};

/* Adds a diagnostic for every mistake; returns GW_OK if there is none. `path` is "exporters[0]". */
enum gw_code otlp_endpoint_open(struct otlp_endpoint *, const struct otlp_endpoint_conf *,
                                const struct otlp_protocol *, const char *path, struct gw_diagnostics *);
/* Reads only scheme, host, port and path of one URL, which `option` contains. Returns false, with a
 * diagnostic for every mistake. The result needs no close. */
bool otlp_endpoint_read(struct otlp_endpoint *, gw_str url, const struct otlp_protocol *, const char *path,
                        const char *option, struct gw_diagnostics *);
/* Returns "none", "gzip" or "zstd". */
const char *otlp_endpoint_compression(const struct otlp_endpoint *);
/* A zeroed target may be closed. */
void otlp_endpoint_close(struct otlp_endpoint *);

#endif
