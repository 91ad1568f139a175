/* http_open.c: opens the addresses of an HTTP receiver and sets TLS, tokens and limits of its site. Owns
 * nothing beyond the call. Called by ddtrace.c and log_http.c when they are opened, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/http_open.h"

#include <stdio.h>

#include "core/config/config_diagnostic.h"
#include "gateway/net/listen_claims.h"

void gw_http_open_access(struct gw_http_open *o, struct gw_listener_access *access,
                         const struct gw_listener_access_conf *conf, const struct gw_list *listen,
                         struct gw_diagnostics *diagnostics)
{
    gw_listener_access_open(access, conf, o->site->component, o->path, diagnostics);
    o->site->tls = access->tls;
    o->site->client_limits = access->client_limits;
    o->site->auth = &access->auth;
    for (size_t i = 0; i < listen->n; i++)
        if (gw_listener_access_warn(access, listen->items[i], o->path, diagnostics))
            return;
}

/* Records the port for hints to applications on this machine, which reach a wildcard address by loopback. */
static void note_port(struct gw_http_open *o, const struct gw_address *a)
{
    char name[128];
    o->port = gw_listen_port(a);
    gw_listen_name(a, name, sizeof name);
    gw_str host = gw_str_n(name, strlen(name) - strlen(strrchr(name, ':') ? strrchr(name, ':') : ""));
    if (gw_str_eq(host, GW_STR("0.0.0.0")) || gw_str_eq(host, GW_STR("[::]")))
        host = GW_STR("127.0.0.1");
    snprintf(o->host_text, sizeof o->host_text, "%.*s", GW_FMT(host));
}

/* Returns whether the address is free within this configuration. */
static enum gw_listen_result claim(const struct gw_http_open *o, const struct gw_address *a,
                                   struct gw_listen_error *why)
{
    const struct gw_listen_claimant by = {o->path, o->site->component, SOCK_STREAM, true};
    return gw_listen_claim(o->host->claims, a, &by, why);
}

/* For `ddgate check`: returns whether the address could be bound. */
static enum gw_listen_result check_address(const struct gw_http_open *o, const struct gw_address *all,
                                           size_t n, struct gw_listen_error *why)
{
    enum gw_listen_result r = GW_LISTEN_ABSENT;
    for (size_t i = 0; i < n; i++) {
        enum gw_listen_result one = gw_listen_probe(&all[i], why);
        if (one == GW_LISTEN_OK)
            one = claim(o, &all[i], why);
        if (one != GW_LISTEN_OK && one != GW_LISTEN_ABSENT)
            return one;
        r = one == GW_LISTEN_OK ? one : r;
    }
    return r;
}

static enum gw_listen_result try_address(struct gw_http_open *o, gw_str address, struct gw_address *first,
                                         struct gw_listen_error *why)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    size_t n;
    enum gw_listen_result r = gw_listen_resolve(address, all, &n, why), claimed = GW_LISTEN_OK;
    if (r != GW_LISTEN_OK)
        return r;
    if (o->host->check)
        return check_address(o, all, n, why);
    r = (o->grpc ? gw_http_listen_grpc : gw_http_listen)(o->host->http, address, o->site, first, why);
    for (size_t i = 0; i < n && claimed == GW_LISTEN_OK && (r == GW_LISTEN_OK || r == GW_LISTEN_TAKEN); i++)
        claimed = claim(o, &all[i], why);
    return claimed != GW_LISTEN_OK ? claimed : r;
}

bool gw_http_open_one(struct gw_http_open *o, gw_str address, bool best_effort, const char *option,
                      struct gw_diagnostics *diagnostics)
{
    struct gw_address first = {0};
    struct gw_listen_error why;
    char where[GW_OPTION_PATH];
    gw_option_path(where, o->path, option);
    enum gw_listen_result r = try_address(o, address, &first, &why);
    if (r == GW_LISTEN_OK) {
        o->listeners++;
        if (!o->port)
            note_port(o, &first);
    } else if (!best_effort || r == GW_LISTEN_CLAIMED) {
        gw_config_error(diagnostics, where, "%s", why.text);
    } else {
        o->site->incomplete = true;
        /* no warning on a machine without IPv6 or without the agent's folder */
        if (r != GW_LISTEN_ABSENT)
            gw_config_warning(diagnostics, where, "%s", why.text);
    }
    return r == GW_LISTEN_OK;
}

bool gw_http_is_free(const struct gw_http_open *o, gw_str address)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    size_t n = 0;
    bool resolved = gw_listen_resolve(address, all, &n, &why) == GW_LISTEN_OK;
    for (size_t i = 0; i < n && resolved; i++)
        if (gw_listen_is_claimed(o->host->claims, &all[i]))
            return false;
    return true;
}

bool gw_http_open_all(struct gw_http_open *o, const struct gw_list *listen, const char *usual,
                      struct gw_diagnostics *diagnostics)
{
    bool best_effort = gw_list_is(listen, usual);
    for (size_t i = 0; i < listen->n; i++)
        gw_http_open_one(o, listen->items[i], best_effort, "listen", diagnostics);
    return best_effort;
}
