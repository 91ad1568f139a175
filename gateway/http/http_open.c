/* http_open.c: Opens the addresses of an HTTP receiver and puts TLS, tokens and limits on its site. Owns
 * nothing beyond the call. Called by ddtrace.c and log_http.c when they are opened, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/http_open.h"

#include <stdio.h>

#include "core/config/config_diagnostic.h"

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

/* What applications on this machine are told: a wildcard address is reached by loopback. */
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

static enum gw_listen_result try_address(struct gw_http_open *o, gw_str address, struct gw_address *first,
                                         struct gw_listen_error *why)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    size_t n;
    if (o->host->check)
        return gw_listen_resolve(address, all, &n, why);
    return gw_http_listen(o->host->http, address, o->site, first, why);
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
    } else if (!best_effort) {
        gw_config_error(diagnostics, where, "%s", why.text);
    } else {
        o->site->incomplete = true;
        /* a machine without IPv6, or without the agent's folder, is nothing to warn of */
        if (r != GW_LISTEN_ABSENT)
            gw_config_warning(diagnostics, where, "%s", why.text);
    }
    return r == GW_LISTEN_OK;
}

bool gw_http_open_all(struct gw_http_open *o, const struct gw_list *listen, const char *usual,
                      struct gw_diagnostics *diagnostics)
{
    bool best_effort = gw_list_is(listen, usual);
    for (size_t i = 0; i < listen->n; i++)
        gw_http_open_one(o, listen->items[i], best_effort, "listen", diagnostics);
    return best_effort;
}
