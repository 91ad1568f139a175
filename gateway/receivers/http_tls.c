/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/receivers/http_internal.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <stdio.h>

#include "gateway/log.h"

/* libmicrohttpd wants a certificate or somebody to ask for one; each session gets its own keys before anybody is asked. */
static int no_certificate(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **certs, unsigned *certs_n,
                          gnutls_ocsp_data_st **ocsp, unsigned *ocsp_n, gnutls_privkey_t *key, unsigned *flags)
{
    return -1;
}

void gw_http_tls_options(struct MHD_OptionItem out[static 3])
{
    static char priorities[] = GW_TLS_PRIORITIES;
    out[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0, priorities};
    out[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)no_certificate};
    out[2] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

/* The answer to http:// where https:// is spoken; a TLS record never begins with a capital letter. */
static void say_https(struct conn *c)
{
    static const char body[] = "TLS is spoken here: write https:// in the URL\n";
    char text[256];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
                     sizeof body - 1, body);
    (void)!send(c->fd, text, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(c->fd, SHUT_WR);
    gw_http_linger(c->worker, c->fd);
}

/* Reads for GnuTLS. */
static ssize_t pull(gnutls_transport_ptr_t conn, void *data, size_t size)
{
    struct conn *c = conn;
    ssize_t n = recv(c->fd, data, size, 0);
    if (n > 0 && !c->spoken) {
        char first = *(const char *)data;
        c->spoken = true;
        if (first >= 'A' && first <= 'Z') {
            say_https(c);
            return 0;
        }
    }
    return n;
}

static int on_finished(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming, const gnutls_datum_t *message)
{
    struct MHD_Connection *mhd = gnutls_session_get_ptr(session);
    struct conn *c = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    if (incoming) {
        c->shaken = true;
        c->idle_since = gw_now();
        atomic_fetch_add_explicit(&c->listener->sites[0]->counts.handshakes, 1, memory_order_relaxed);
    }
    return 0;
}

bool gw_http_tls_begin(struct conn *c)
{
    gnutls_session_t session = MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
    c->keys = gw_tls_take(c->listener->tls, c->idle_since);
    c->tls = session;
    gnutls_transport_set_ptr2(session, c, (gnutls_transport_ptr_t)(intptr_t)c->fd);
    gnutls_transport_set_pull_function(session, pull);
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_FINISHED, GNUTLS_HOOK_POST, on_finished);
    return gw_tls_use(c->keys, session);
}

/* One that said nothing is a probe of a load balancer, and no failure. */
static void note_failure(const struct conn *c)
{
    struct gw_http_site *site = c->listener->sites[0];
    if (c->shaken || !c->spoken)
        return;
    atomic_fetch_add_explicit(&site->counts.failed_handshakes, 1, memory_order_relaxed);
    gw_log(GW_WARNING, site->component,
           "a TLS handshake on %s came to nothing: the client does not trust the certificate, %sknows nothing newer than TLS 1.1, or does "
           "not speak "
           "TLS",
           c->listener->name, gw_tls_asks_clients(c->listener->tls) ? "has none that tls.client_ca signed, " : "");
}

void gw_http_tls_end(struct conn *c)
{
    if (c->keys)
        note_failure(c);
    gw_tls_give(c->keys);
    c->keys = NULL;
    c->tls = NULL;
}

void gw_http_tls_send(struct conn *c, const char *text, size_t len)
{
    if (gnutls_record_send(c->tls, text, len) > 0)
        gnutls_bye(c->tls, GNUTLS_SHUT_WR);
}
