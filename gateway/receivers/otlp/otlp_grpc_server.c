/* otlp_grpc_server.c: The gRPC server: its ports, its threads, its end. A thread stays in a completion queue of its own and
 * runs the calls that come by it (otlp_grpc_call.c).
 *
 * Owns the server, the queues and the threads. Called by otlp.c, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <grpc/grpc.h>
#include <grpc/grpc_posix.h>
#include <grpc/grpc_security.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "core/config/config_diagnostic.h"
#include "gateway/net/listen_claims.h"
#include "gateway/receivers/otlp/otlp_grpc_server_internal.h"

static const gw_nsec GRACE = 3 * GW_SEC;

/* --- the server --- */

static void log_grpc(gpr_log_func_args *args)
{
    gw_log(GW_DEBUG, "grpc", "%s", args->message);
}

static grpc_arg integer(const char *key, int64_t value)
{
    int v = value > INT32_MAX ? INT32_MAX : (int)value;
    return (grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = v};
}

static void new_server(struct otlp_grpc *g)
{
    enum { STREAMS = 64, KEEPALIVE_MS = 60000, KEEPALIVE_WAIT_MS = 20000 };
    grpc_resource_quota *quota = grpc_resource_quota_create("otlp");
    grpc_resource_quota_resize(quota, g->receiver->host->budget->limit / 4);
    grpc_arg args[] = {
        integer(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int64_t)g->receiver->conf.max_message),
        integer(GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS),
        integer(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0), /* it has no bounds */
        /* any number of pings: an answer costs less than what Core makes of each one too many, 5 KB */
        integer(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0),
        integer(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        integer(GRPC_ARG_KEEPALIVE_TIME_MS, KEEPALIVE_MS),
        integer(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_WAIT_MS),
        integer(GRPC_ARG_MAX_CONNECTION_IDLE_MS, g->receiver->conf.idle_timeout / GW_MSEC),
        integer(GRPC_ARG_ENABLE_CHANNELZ, 0),
        integer(GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0),
        integer(GRPC_ARG_ALLOW_REUSEPORT, 1), /* with a predecessor alone: otlp_grpc_listen.h */
        {.type = GRPC_ARG_POINTER,
         .key = (char *)GRPC_ARG_RESOURCE_QUOTA,
         .value.pointer = {quota, grpc_resource_quota_arg_vtable()}},
    };
    g->server = grpc_server_create(&(grpc_channel_args){sizeof args / sizeof *args, args}, NULL);
    grpc_resource_quota_unref(quota);
    for (size_t i = 0; i < g->workers_n; i++)
        grpc_server_register_completion_queue(g->server, g->workers[i].queue, NULL);
    otlp_grpc_register(g);
}

/* --- TLS --- */

enum { MAX_PEM = 1024 * 1024 };

/* malloc'd; NULL: it cannot be read, as who checks the listener's access has said. */
static char *read_pem(gw_str path)
{
    FILE *f = path.len ? fopen(path.ptr, "re") : NULL;
    char *text = f ? malloc(MAX_PEM + 1) : NULL;
    if (text)
        text[fread(text, 1, MAX_PEM, f)] = '\0';
    if (f)
        fclose(f);
    return text;
}

static grpc_server_credentials *credentials(const struct otlp_conf *c)
{
    if (!c->tls_cert.len)
        return grpc_insecure_server_credentials_create();
    grpc_ssl_pem_key_cert_pair pair = {read_pem(c->tls_key), read_pem(c->tls_cert)};
    char *ca = read_pem(c->tls_client_ca);
    grpc_server_credentials *made = NULL;
    if (pair.private_key && pair.cert_chain)
        made = grpc_ssl_server_credentials_create_ex(
            ca, &pair, 1,
            ca ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
               : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
            NULL);
    free((void *)(uintptr_t)pair.private_key);
    free((void *)(uintptr_t)pair.cert_chain);
    free(ca);
    return made;
}

/* --- addresses --- */

struct opening {
    struct otlp_grpc *g;
    const char *path;
    struct gw_diagnostics *diagnostics;
    int port; /* of the first; 0: none yet */
};

static enum gw_listen_result claim(const struct opening *o, const struct gw_address *a,
                                   struct gw_listen_error *why)
{
    const struct gw_listen_claimant by = {o->path, "receiver=otlp, gRPC", SOCK_STREAM, false};
    return gw_listen_claim(o->g->receiver->host->claims, a, &by, why);
}

static enum gw_listen_result open_address(struct opening *o, struct gw_address *a,
                                          struct gw_listen_error *why)
{
    struct otlp_grpc *g = o->g;
    enum gw_listen_result r = claim(o, a, why);
    if (r == GW_LISTEN_OK && g->receiver->host->check)
        return gw_listen_probe(a, why);
    if (r == GW_LISTEN_OK && g->sockets_n == OTLP_GRPC_SOCKETS)
        r = GW_LISTEN_FAILED;
    if (r != GW_LISTEN_OK)
        return r;
    struct otlp_socket *s;
    r = otlp_socket_take(a, g->tls, &s, why);
    if (r != GW_LISTEN_OK)
        return r;
    char name[128];
    gw_listen_name(a, name, sizeof name);
    if (g->tls && !grpc_server_add_http2_port(g->server, name, g->credentials)) {
        snprintf(why->text, sizeof why->text, "%s cannot be bound", name);
        otlp_socket_give(s);
        return GW_LISTEN_FAILED;
    }
    g->sockets[g->sockets_n++] = s;
    o->port = o->port ? o->port : gw_listen_port(a);
    return GW_LISTEN_OK;
}

/* All that the words mean; one of them is enough, as of `localhost`. */
static void open_item(struct opening *o, gw_str item, bool usual)
{
    struct gw_address found[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why = {""}, one;
    size_t n = 0;
    enum gw_listen_result r = gw_listen_resolve(item, found, &n, &why);
    if (r == GW_LISTEN_OK)
        r = GW_LISTEN_ABSENT;
    for (size_t i = 0; i < n; i++) {
        enum gw_listen_result got = open_address(o, &found[i], &one);
        if (got == GW_LISTEN_OK || (r == GW_LISTEN_ABSENT && got != GW_LISTEN_OK))
            r = got;
        if (got != GW_LISTEN_OK)
            why = one;
    }
    if (r == GW_LISTEN_OK || (r == GW_LISTEN_ABSENT && usual))
        return;
    if (usual && r != GW_LISTEN_CLAIMED)
        gw_option_warning(o->diagnostics, o->path, "grpc", "%s", why.text);
    else
        gw_option_error(o->diagnostics, o->path, "grpc", "%s", why.text);
}

/* --- open, start, stop, close --- */

static void open_workers(struct otlp_grpc *g)
{
    const struct gw_host *host = g->receiver->host;
    g->workers_n = host->threads > 0 ? (size_t)host->threads : 1;
    g->workers = calloc(g->workers_n, sizeof *g->workers);
    GW_ASSERT(g->workers);
    g->bodies.limit = host->budget->limit / 4;
    for (size_t i = 0; i < g->workers_n; i++)
        otlp_grpc_worker_open(g, &g->workers[i]);
}

struct otlp_grpc *otlp_grpc_open(struct otlp_receiver *r, const char *path, int *port,
                                 struct gw_diagnostics *diagnostics)
{
    const struct gw_list *list = &r->conf.grpc;
    bool usual = gw_list_is(list, OTLP_GRPC_LISTEN);
    struct otlp_grpc *g = list->n ? calloc(1, sizeof *g) : NULL;
    if (!g)
        return NULL;
    struct opening o = {.g = g, .path = path, .diagnostics = diagnostics};
    gpr_set_log_function(log_grpc);
    gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
    grpc_init();
    g->receiver = r;
    g->tls = r->conf.tls_cert.len > 0;
    gw_wakeup_init(&g->shut);
    g->credentials = credentials(&r->conf);
    open_workers(g);
    new_server(g);
    for (size_t i = 0; i < list->n && g->credentials; i++)
        open_item(&o, list->items[i], usual);
    *port = o.port;
    if (g->sockets_n)
        return g;
    otlp_grpc_close(g);
    return NULL;
}

/* On the acceptor's thread. */
static void hand_over(void *ctx, int fd)
{
    struct otlp_grpc *g = ctx;
    grpc_server_add_channel_from_fd(g->server, fd, g->credentials);
}

static void start_acceptor(struct otlp_grpc *g)
{
    const struct otlp_acceptor_conf conf = {.sockets = g->sockets,
                                            .sockets_n = g->sockets_n,
                                            .timeout = g->receiver->conf.receive_timeout,
                                            .http_port = g->receiver->open.port,
                                            .hand_over = hand_over,
                                            .ctx = g};
    g->acceptor = otlp_acceptor_start(&conf);
    if (!g->acceptor)
        gw_log(GW_ERROR, "receiver=otlp", "no thread for OTLP over gRPC: it is not taken");
}

/* Not of those that a predecessor has listened on. */
static void log_addresses(const struct otlp_grpc *g)
{
    char name[128];
    for (size_t i = 0; i < g->sockets_n; i++)
        if (otlp_socket_name(g->sockets[i], name))
            gw_log(GW_INFO, "receiver=otlp", "listening on %s, gRPC%s", name, g->tls ? " over TLS" : "");
}

void otlp_grpc_start(struct otlp_grpc *g)
{
    log_addresses(g);
    grpc_server_start(g->server);
    g->started = true;
    for (size_t i = 0; i < g->workers_n; i++)
        otlp_grpc_worker_start(&g->workers[i]);
    if (!g->tls)
        start_acceptor(g);
}

void otlp_grpc_stop(struct otlp_grpc *g)
{
    if (!g || !g->started)
        return;
    otlp_acceptor_stop(g->acceptor);
    g->acceptor = NULL;
    grpc_server_shutdown_and_notify(g->server, g->workers[0].queue, g);
    gw_wakeup_wait(&g->shut, gw_now() + GRACE);
    if (!atomic_load(&g->is_shut)) {
        grpc_server_cancel_all_calls(g->server);
        while (!atomic_load(&g->is_shut))
            gw_wakeup_wait(&g->shut, GW_NEVER);
    }
    for (size_t i = 0; i < g->workers_n; i++)
        otlp_grpc_worker_stop(&g->workers[i]);
    g->started = false;
}

/* One that never ran: Core wants it shut down all the same. */
static void shut_unstarted(struct otlp_grpc *g)
{
    grpc_completion_queue *queue = g->workers[0].queue;
    grpc_server_shutdown_and_notify(g->server, queue, g);
    (void)grpc_completion_queue_next(queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

void otlp_grpc_close(struct otlp_grpc *g)
{
    if (!g)
        return;
    otlp_grpc_stop(g);
    if (!atomic_load(&g->is_shut))
        shut_unstarted(g);
    grpc_server_destroy(g->server);
    for (size_t i = 0; i < g->workers_n; i++)
        otlp_grpc_worker_close(&g->workers[i]);
    for (size_t i = 0; i < g->sockets_n; i++)
        otlp_socket_give(g->sockets[i]);
    if (g->credentials)
        grpc_server_credentials_release(g->credentials);
    gw_wakeup_fini(&g->shut);
    free(g->workers);
    free(g);
    grpc_shutdown();
}
