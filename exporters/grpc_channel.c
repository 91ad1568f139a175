/* SPDX-License-Identifier: Apache-2.0 */
#include "exporters/grpc_channel.h"

#include <errno.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>

#include "gateway/log.h"

enum { MAX_PEM = 4 * 1024 * 1024, MAX_RESPONSE = 1024 * 1024, RECONNECT_FIRST_MS = 500, RECONNECT_MOST_MS = 5000, CONNECT_MS = 10000 };

static const char *const system_roots[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",
};

/* Core's errors are the backend's troubles as a rule, which outcomes tell better: they are ours to see only when debugging. */
static void log_grpc(gpr_log_func_args *args)
{
    gw_log(args->severity == GPR_LOG_SEVERITY_ERROR ? GW_INFO : GW_DEBUG, "grpc", "%s", args->message);
}

void gw_grpc_start(void)
{
    gpr_set_log_function(log_grpc);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    grpc_init();
}

void gw_grpc_stop(void)
{
    grpc_shutdown();
}

static void problem_at(struct gw_problems *problems, const char *path, const char *option, const char *what, gw_str value, const char *why)
{
    char at[160];
    snprintf(at, sizeof at, "%s.%s", path, option);
    gw_problem(problems, at, "%s \"%.*s\": %s", what, GW_FMT(value), why);
}

/* The whole file, NUL-terminated and malloc'd; NULL with errno when it cannot be read. */
static char *read_file(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return NULL;
    char *text = malloc(MAX_PEM + 1);
    size_t n = text ? fread(text, 1, MAX_PEM, f) : 0;
    bool whole = text && !ferror(f) && feof(f);
    fclose(f);
    if (!whole) {
        free(text);
        return NULL;
    }
    text[n] = '\0';
    return text;
}

/* A PEM file that an option names. */
static char *read_pem(gw_str file, const char *path, const char *option, const char *marker, struct gw_problems *problems)
{
    errno = EFBIG;
    char *pem = read_file(file.ptr);
    if (!pem)
        problem_at(problems, path, option, "cannot read", file, strerror(errno));
    else if (!strstr(pem, marker))
        problem_at(problems, path, option, "cannot use", file, "it holds no PEM block of the kind wanted here");
    else
        return pem;
    free(pem);
    return NULL;
}

static char *read_system_roots(void)
{
    const char *named = getenv("SSL_CERT_FILE");
    char *pem = named ? read_file(named) : NULL;
    for (size_t i = 0; !pem && i < sizeof system_roots / sizeof *system_roots; i++)
        pem = read_file(system_roots[i]);
    return pem;
}

static char *read_roots(const struct gw_grpc_conf *conf, const char *path, struct gw_problems *problems)
{
    if (conf->ca.len)
        return read_pem(conf->ca, path, "tls.ca", "-----BEGIN CERTIFICATE-----", problems);
    char *pem = read_system_roots();
    if (!pem)
        problem_at(problems, path, "tls.ca", "no system CA certificates for", conf->endpoint, "install ca-certificates, or set tls.ca");
    return pem;
}

static grpc_channel_credentials *tls_credentials(const struct gw_grpc_conf *conf, const char *path, struct gw_problems *problems)
{
    grpc_channel_credentials *creds = NULL;
    char *roots = read_roots(conf, path, problems), *cert = NULL, *key = NULL;
    bool pair = conf->cert.len || conf->key.len;
    if (pair && !(conf->cert.len && conf->key.len))
        problem_at(problems, path, conf->cert.len ? "tls.key" : "tls.cert", "missing besides", conf->cert.len ? conf->cert : conf->key,
                   "a client certificate needs both tls.cert and tls.key");
    else if (pair) {
        cert = read_pem(conf->cert, path, "tls.cert", "-----BEGIN CERTIFICATE-----", problems);
        key = read_pem(conf->key, path, "tls.key", "PRIVATE KEY-----", problems);
    }
    grpc_ssl_pem_key_cert_pair identity = {.private_key = key, .cert_chain = cert};
    if (roots && (!pair || (cert && key)))
        creds = grpc_ssl_credentials_create_ex(roots, pair ? &identity : NULL, NULL, NULL);
    free(roots);
    free(cert);
    free(key);
    return creds;
}

struct endpoint {
    bool tls, loopback;
    char target[300]; /* "dns:///host:port" */
};

static bool is_loopback(gw_str host)
{
    return gw_str_starts(host, GW_STR("127.")) || gw_str_starts(host, GW_STR("[::1]")) || gw_str_starts(host, GW_STR("localhost"));
}

/* True when there is a colon after the host: "[::1]:4317", not "[::1]". */
static bool has_port(gw_str authority)
{
    gw_str rest = gw_str_from(authority, authority.len && *authority.ptr == '[' ? gw_str_find(authority, ']') : 0);
    return gw_str_find(rest, ':') < rest.len;
}

static bool port_is_good(gw_str authority)
{
    uint64_t port;
    gw_str rest = gw_str_from(authority, authority.len && *authority.ptr == '[' ? gw_str_find(authority, ']') : 0);
    rest = gw_str_from(rest, gw_str_find(rest, ':') + 1);
    return gw_str_u64(rest, &port) && port > 0 && port < 65536;
}

static const char *parse_endpoint(gw_str url, struct endpoint *out)
{
    gw_str plain = GW_LIT("http://"), tls = GW_LIT("https://");
    out->tls = gw_str_starts(url, tls);
    if (!out->tls && !gw_str_starts(url, plain))
        return "begin it with http:// (plain) or https:// (TLS)";
    gw_str authority = gw_str_from(url, out->tls ? tls.len : plain.len);
    if (authority.len && authority.ptr[authority.len - 1] == '/')
        authority.len--;
    if (gw_str_find(authority, '/') < authority.len)
        return "OTLP over gRPC has no path: leave out what follows host:port";
    if (authority.len == 0 || *authority.ptr == ':')
        return "the host is missing";
    if (gw_str_find(authority, '@') < authority.len)
        return "credentials belong into headers, not here";
    if (has_port(authority) && !port_is_good(authority))
        return "the port is not a number from 1 to 65535";
    out->loopback = is_loopback(authority);
    int n = snprintf(out->target, sizeof out->target, "dns:///%.*s%s", GW_FMT(authority), has_port(authority) ? "" : ":4317");
    return n < (int)sizeof out->target ? NULL : "it is too long";
}

static grpc_arg integer(const char *key, int value)
{
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

static grpc_arg string(const char *key, const char *value)
{
    return (grpc_arg){.type = GRPC_ARG_STRING, .key = (char *)key, .value.string = (char *)value};
}

static int milliseconds(gw_nsec t)
{
    return (int)(t / GW_MSEC);
}

static grpc_channel *create(const struct gw_grpc_conf *conf, const struct endpoint *endpoint, grpc_channel_credentials *creds)
{
    grpc_arg args[24];
    size_t n = 0;
    args[n++] = string(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "ddgate/" DDGATE_VERSION);
    args[n++] = integer(GRPC_ARG_ENABLE_RETRIES, 0);
    args[n++] = integer(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    args[n++] = integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    args[n++] = integer(GRPC_ARG_ENABLE_CHANNELZ, 0);
    args[n++] = integer(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
    args[n++] = integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    args[n++] = integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MOST_MS);
    args[n++] = integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS); /* how long one attempt to connect may take */
    args[n++] = integer(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RECONNECT_MOST_MS);
    args[n++] = integer(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    args[n++] = integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, MAX_RESPONSE);
    if (endpoint->loopback)
        args[n++] = integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    if (conf->keepalive_time) {
        args[n++] = integer(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(conf->keepalive_time));
        args[n++] = integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(conf->keepalive_timeout));
        args[n++] = integer(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0); /* no limit of our own: the server's is what counts */
    }
    if (conf->gzip)
        args[n++] = integer(GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP);
    if (endpoint->tls && conf->server_name.len)
        args[n++] = string(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, conf->server_name.ptr);
    GW_ASSERT(n <= sizeof args / sizeof *args);
    return grpc_channel_create(endpoint->target, creds, &(grpc_channel_args){n, args});
}

grpc_channel *gw_grpc_channel(const struct gw_grpc_conf *conf, const char *path, struct gw_problems *problems)
{
    struct endpoint endpoint;
    const char *wrong = parse_endpoint(conf->endpoint, &endpoint);
    if (wrong) {
        problem_at(problems, path, "endpoint", "bad", conf->endpoint, wrong);
        return NULL;
    }
    grpc_channel_credentials *creds = endpoint.tls ? tls_credentials(conf, path, problems) : grpc_insecure_credentials_create();
    if (!creds)
        return NULL;
    grpc_channel *channel = create(conf, &endpoint, creds);
    grpc_channel_credentials_release(creds);
    return channel;
}
