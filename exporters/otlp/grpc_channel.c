/* grpc_channel.c: opens a gRPC channel with its credentials and arguments, and writes the library's log lines
 * to ddgate's log. Owns nothing: gRPC counts its users. Called by otlp_grpc.c on the main thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/grpc_channel.h"

#include <grpc/support/log.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "exporters/otlp/grpc_status.h"

enum { MAX_PEM = 4 * 1024 * 1024, RECONNECT_FIRST_MS = 500, RECONNECT_MOST_MS = 5000, CONNECT_MS = 10000 };

static const char *const system_roots[] = {
    "/etc/ssl/certs/ca-certificates.crt", /* Debian, Ubuntu, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",   /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",             /* SUSE */
    "/etc/ssl/cert.pem",
};

/* What gRPC Core logs as an error is usually a fault of the backend, repeated at every attempt to connect.
 * Outcomes of requests describe it better, so these lines are logged at level debug. */
static void log_grpc(gpr_log_func_args *args)
{
    gw_log(GW_DEBUG, "grpc", "%s", args->message);
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

/* Returns the whole file, NUL-terminated and malloc'd; NULL if it cannot be read. */
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

static char *read_system_roots(void)
{
    const char *named = getenv("SSL_CERT_FILE");
    char *pem = named ? read_file(named) : NULL;
    for (size_t i = 0; !pem && i < sizeof system_roots / sizeof *system_roots; i++)
        pem = read_file(system_roots[i]);
    return pem;
}

static grpc_channel_credentials *tls_credentials(const struct otlp_endpoint *t, const char *path,
                                                 struct gw_diagnostics *diagnostics)
{
    char *system = t->ca ? NULL : read_system_roots();
    grpc_ssl_pem_key_cert_pair identity = {.private_key = t->key, .cert_chain = t->cert};
    if (!t->ca && !system) {
        gw_option_error(diagnostics, path, "tls.ca",
                        "this system has no CA certificates: install ca-certificates, or set tls.ca");
        return NULL;
    }
    grpc_channel_credentials *creds =
        grpc_ssl_credentials_create_ex(t->ca ? t->ca : system, t->cert ? &identity : NULL, NULL, NULL);
    free(system);
    return creds;
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

grpc_channel *gw_grpc_channel(const struct otlp_endpoint *t, const struct gw_grpc_options *o,
                              const char *address, grpc_channel_credentials *creds)
{
    grpc_arg args[24];
    size_t n = 0;
    char target[sizeof t->authority + 8];
    if (address)
        snprintf(target, sizeof target, "%s:%s", *address == '[' ? "ipv6" : "ipv4", address);
    else
        snprintf(target, sizeof target, "dns:///%s", t->authority);
    args[n++] = string(GRPC_ARG_PRIMARY_USER_AGENT_STRING, "ddgate/" DDGATE_VERSION);
    args[n++] = integer(GRPC_ARG_ENABLE_RETRIES, 0);
    args[n++] = integer(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    args[n++] = integer(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    args[n++] = integer(GRPC_ARG_ENABLE_CHANNELZ, 0);
    args[n++] = integer(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
    args[n++] = integer(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    args[n++] = integer(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MOST_MS);
    /* Also limits the duration of one attempt to connect. */
    args[n++] = integer(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, CONNECT_MS);
    args[n++] = integer(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RECONNECT_MOST_MS);
    args[n++] = integer(GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, -1);
    args[n++] = integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, GW_GRPC_MAX_ANSWER);
    if (t->loopback)
        args[n++] = integer(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    if (o->keepalive_time) {
        args[n++] = integer(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(o->keepalive_time));
        args[n++] = integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(o->keepalive_timeout));
        /* No limit on this side: the server's limit applies. */
        args[n++] = integer(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
    }
    if (t->tls && (o->server_name.len || address))
        args[n++] =
            string(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, o->server_name.len ? o->server_name.ptr : t->host);
    else if (address)
        args[n++] = string(GRPC_ARG_DEFAULT_AUTHORITY, t->authority);
    GW_ASSERT(n <= sizeof args / sizeof *args);
    return grpc_channel_create(target, creds, &(grpc_channel_args){n, args});
}

grpc_channel_credentials *gw_grpc_credentials(const struct otlp_endpoint *t, const char *path,
                                              struct gw_diagnostics *diagnostics)
{
    return t->tls ? tls_credentials(t, path, diagnostics) : grpc_insecure_credentials_create();
}
