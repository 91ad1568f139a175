/* listener_access.c: Opens TLS, tokens and limits of a receiver from its options, and warns about listeners
 * that other machines can reach without authentication. The receiver owns the result. Called when a receiver
 * is opened, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "gateway/net/listener_access.h"

#include "core/config/config_diagnostic.h"
#include "gateway/net/listen.h"

static void open_tls(struct gw_listener_access *d, const struct gw_listener_access_conf *c,
                     const char *component, const char *path, struct gw_diagnostics *diagnostics)
{
    const struct gw_tls_conf conf = {c->tls_cert, c->tls_key, c->tls_client_ca};
    if (!conf.cert.len && !conf.key.len && !conf.client_ca.len)
        return;
    if (conf.cert.len && conf.key.len) {
        d->tls = gw_tls_new(&conf, component, path, diagnostics);
        return;
    }
    gw_option_error(diagnostics, path, "tls", "wants both cert and key: %s is missing",
                    conf.cert.len ? "key" : "cert");
}

void gw_listener_access_open(struct gw_listener_access *d, const struct gw_listener_access_conf *c,
                             const char *component, const char *path, struct gw_diagnostics *diagnostics)
{
    static const char *const secure[] = {"auth.token", "tls.cert", "tls.key", "tls.client_ca", NULL};
    gw_options_not_empty(diagnostics, path, secure);
    open_tls(d, c, component, path, diagnostics);
    d->client_limits =
        (struct gw_client_limits_conf){c->peer_connections, c->peer_requests, c->peer_burst, c->peer_local};
    gw_auth_read(&d->auth, c->auth_token, &c->auth_header, path, diagnostics);
}

void gw_listener_access_close(struct gw_listener_access *d)
{
    gw_tls_drop(d->tls);
    d->tls = NULL;
}

static bool is_public(gw_str address)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    size_t n;
    if (gw_listen_resolve(address, all, &n, &why) != GW_LISTEN_OK)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!gw_listen_is_local((const struct sockaddr *)&all[i].sa))
            return true;
    return false;
}

bool gw_listener_access_warn(const struct gw_listener_access *d, gw_str address, const char *path,
                             struct gw_diagnostics *diagnostics)
{
    bool asks = d->auth.n || gw_tls_asks_clients(d->tls);
    if ((asks && d->tls) || !is_public(address))
        return false;
    if (asks)
        gw_option_warning(diagnostics, path, "listen",
                          "\"%.*s\" can be reached from other machines, and the token goes there in clear "
                          "text: set tls.cert and tls.key",
                          GW_FMT(address));
    else
        gw_option_warning(
            diagnostics, path, "listen",
            "\"%.*s\" can be reached from other machines, which may send anything: set auth.token%s, or "
            "listen on 127.0.0.1 only (or rely on a firewall or network policy)",
            GW_FMT(address),
            d->tls ? " or tls.client_ca" : " with tls.cert and tls.key, or tls.client_ca with them");
    return true;
}
