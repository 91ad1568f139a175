/* otlp_endpoint.c: reads endpoint, headers and TLS files of an OTLP exporter and reports every mistake. The
 * caller owns the result. Called by otlp_grpc.c and otlp_http.c when they open.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/otlp_endpoint.h"

#include <curl/curl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/config/config_diagnostic.h"
#include "core/config/pem_file.h"

/* State while one target is read. */
struct reading {
    struct otlp_endpoint *t;
    const struct otlp_endpoint_conf *conf;
    const struct otlp_protocol *protocol;
    const char *path, *option; /* option: the option that contains the URL */
    struct gw_diagnostics *diagnostics;
    bool bad;
};

__attribute__((format(printf, 3, 4))) static void mistake(struct reading *r, const char *option,
                                                          const char *fmt, ...)
{
    char text[600];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    gw_option_error(r->diagnostics, r->path, option, "%s", text);
    r->bad = true;
}

/* Reads one part of the URL. Returns false if it is missing. A part that is too long is a mistake. */
static bool part(struct reading *r, CURLU *url, CURLUPart which, const char *what, char *out, size_t room)
{
    char *value = NULL;
    out[0] = '\0';
    if (curl_url_get(url, which, &value, 0) != CURLUE_OK || !value)
        return false;
    if (strlen(value) >= room)
        mistake(r, r->option, "its %s is longer than %zu characters", what, room - 1);
    else
        memcpy(out, value, strlen(value) + 1);
    curl_free(value);
    return out[0] != '\0';
}

/* Reports parts that an endpoint must not have. */
static void refuse_extras(struct reading *r, CURLU *url)
{
    char *value = NULL;
    if (curl_url_get(url, CURLUPART_USER, &value, 0) == CURLUE_OK) {
        mistake(r, r->option,
                "credentials do not belong into the URL: send them with headers = { \"authorization\" = "
                "\"…\"; }");
        curl_free(value);
    }
    value = NULL;
    if (curl_url_get(url, CURLUPART_QUERY, &value, 0) == CURLUE_OK) {
        mistake(r, r->option, "an endpoint has no ?query");
        curl_free(value);
    }
}

static bool is_loopback(const char *host)
{
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* Changes "[::1]" to "::1". */
static void strip_brackets(char *host)
{
    size_t len = strlen(host);
    if (len > 2 && host[0] == '[' && host[len - 1] == ']') {
        memmove(host, host + 1, len - 2);
        host[len - 2] = '\0';
    }
}

static void read_path(struct reading *r, CURLU *url)
{
    struct otlp_endpoint *t = r->t;
    part(r, url, CURLUPART_PATH, "path", t->path, sizeof t->path);
    for (size_t len = strlen(t->path); len && t->path[len - 1] == '/';)
        t->path[--len] = '\0';
    if (t->path[0] && !r->protocol->has_path)
        mistake(r, r->option, "%s has no path: write it without \"%s\"", r->protocol->name, t->path);
}

static void read_host(struct reading *r, CURLU *url)
{
    struct otlp_endpoint *t = r->t;
    char port[8];
    if (!part(r, url, CURLUPART_HOST, "host", t->host, sizeof t->host))
        mistake(r, r->option, "names no host");
    strip_brackets(t->host);
    t->port = t->tls ? 443 : r->protocol->default_port;
    if (part(r, url, CURLUPART_PORT, "port", port, sizeof port))
        t->port = (uint16_t)strtoul(port, NULL, 10); /* libcurl has checked digits and range */
    bool v6 = strchr(t->host, ':') != NULL;
    snprintf(t->authority, sizeof t->authority, v6 ? "[%s]:%u" : "%s:%u", t->host, (unsigned)t->port);
    t->loopback = is_loopback(t->host);
}

/* An endpoint may contain a password, so it is repeated in the message only if it cannot contain one. */
static void no_scheme(struct reading *r, gw_str endpoint)
{
    if (strstr(endpoint.ptr, "://"))
        mistake(r, r->option, "its scheme must be http:// (plain text) or https:// (TLS), for gRPC too");
    else if (strchr(endpoint.ptr, '@'))
        mistake(r, r->option, "has no scheme: begin with http:// for plain text or https:// for TLS");
    else
        mistake(r, r->option,
                "\"%.*s\" has no scheme: write http://%.*s for plain text or https://%.*s for TLS",
                GW_FMT(endpoint), GW_FMT(endpoint), GW_FMT(endpoint));
}

static void read_endpoint(struct reading *r, gw_str endpoint)
{
    bool plain = gw_str_starts(endpoint, GW_STR("http://"));
    r->t->off = endpoint.len == 0;
    r->t->tls = gw_str_starts(endpoint, GW_STR("https://"));
    if (r->t->off)
        return;
    if (!plain && !r->t->tls) {
        no_scheme(r, endpoint);
        return;
    }
    CURLU *url = curl_url();
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, endpoint.ptr, 0) : CURLUE_OUT_OF_MEMORY;
    if (code != CURLUE_OK) {
        mistake(r, r->option, "is no URL: %s", curl_url_strerror(code));
    } else {
        read_host(r, url);
        read_path(r, url);
        refuse_extras(r, url);
    }
    curl_url_cleanup(url);
}

static void read_tls(struct reading *r)
{
    static const char *const secure[] = {"tls.ca", "tls.cert", "tls.key", NULL};
    const struct otlp_endpoint_conf *c = r->conf;
    gw_options_not_empty(r->diagnostics, r->path, secure);
    gw_str files[] = {c->tls_ca, c->tls_cert, c->tls_key};
    const char *options[] = {"tls.ca", "tls.cert", "tls.key"};
    char **texts[] = {&r->t->ca, &r->t->cert, &r->t->key};
    for (int i = 0; i < 3; i++) {
        r->bad |= !gw_pem_read(files[i], r->path, options[i], r->diagnostics, texts[i]);
        if (files[i].len && !r->t->tls && !r->t->off)
            mistake(r, options[i], "is set, but the endpoint is plain http://: write https://");
    }
    if (c->tls_cert.len && !c->tls_key.len)
        mistake(r, "tls.key", "tls.cert needs its key");
    if (c->tls_key.len && !c->tls_cert.len)
        mistake(r, "tls.cert", "tls.key needs its certificate");
}

/* RFC 9110 §5.6.2 token. */
static bool is_token(gw_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (gw_lower(c) >= 'a' && gw_lower(c) <= 'z');
        if (!alnum && !gw_char_in(c, "!#$%&'*+-.^_`|~"))
            return false;
    }
    return s.len > 0;
}

static bool is_visible(gw_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~')
            return false;
    return true;
}

/* Header names that the protocols set themselves. */
static bool is_reserved(gw_str name)
{
    static const gw_str reserved[] = {
        GW_LIT("content-type"),      GW_LIT("content-length"), GW_LIT("content-encoding"),
        GW_LIT("transfer-encoding"), GW_LIT("host"),           GW_LIT("te"),
        GW_LIT("connection"),        GW_LIT("expect")};
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (gw_str_ieq(name, reserved[i]))
            return true;
    return gw_str_starts(name, GW_STR("grpc-")) || gw_str_starts(name, GW_STR(":"));
}

static void check_headers(struct reading *r)
{
    for (size_t i = 0; i < r->conf->headers.n; i++) {
        gw_str name = r->conf->headers.items[i].key;
        if (!is_token(name))
            mistake(r, "headers", "\"%.*s\" is no header name", GW_FMT(name));
        else if (is_reserved(name))
            mistake(r, "headers", "\"%.*s\" is set by the protocol itself", GW_FMT(name));
        if (!is_visible(r->conf->headers.items[i].value))
            mistake(r, "headers",
                    "the value of \"%.*s\" has characters that a header cannot carry (line breaks, control "
                    "characters, non-ASCII)",
                    GW_FMT(name));
    }
}

static void choose_compression(struct reading *r)
{
    switch ((enum otlp_compression_word)r->conf->compression) {
    case OTLP_COMPRESS_AUTO:
        r->t->compression = r->t->loopback ? GW_COMPRESS_NONE : GW_COMPRESS_GZIP;
        r->t->may_compress = r->t->loopback;
        break;
    case OTLP_COMPRESS_NONE:
        r->t->compression = GW_COMPRESS_NONE;
        break;
    case OTLP_COMPRESS_GZIP:
        r->t->compression = GW_COMPRESS_GZIP;
        break;
    case OTLP_COMPRESS_ZSTD:
        r->t->compression = GW_COMPRESS_ZSTD;
        if (!r->protocol->has_zstd)
            mistake(r, "compression", "%s has no zstd: write gzip", r->protocol->name);
        break;
    }
}

enum gw_code otlp_endpoint_open(struct otlp_endpoint *t, const struct otlp_endpoint_conf *conf,
                                const struct otlp_protocol *protocol, const char *path,
                                struct gw_diagnostics *diagnostics)
{
    struct reading r = {t, conf, protocol, path, "endpoint", diagnostics, false};
    *t = (struct otlp_endpoint){0};
    read_endpoint(&r, conf->endpoint);
    read_tls(&r);
    check_headers(&r);
    choose_compression(&r);
    return r.bad ? GW_BAD_REQUEST : GW_OK;
}

bool otlp_endpoint_read(struct otlp_endpoint *t, gw_str url, const struct otlp_protocol *protocol,
                        const char *path, const char *option, struct gw_diagnostics *diagnostics)
{
    struct reading r = {t, NULL, protocol, path, option, diagnostics, false};
    *t = (struct otlp_endpoint){0};
    read_endpoint(&r, url);
    return !r.bad;
}

const char *otlp_endpoint_compression(const struct otlp_endpoint *t)
{
    static const char *const names[] = {
        [GW_COMPRESS_NONE] = "none", [GW_COMPRESS_GZIP] = "gzip", [GW_COMPRESS_ZSTD] = "zstd"};
    return names[t->compression];
}

void otlp_endpoint_close(struct otlp_endpoint *t)
{
    free(t->ca);
    free(t->cert);
    gw_pem_forget(t->key);
    *t = (struct otlp_endpoint){0};
}
