/* stream_listen.c: Opens the addresses of a stream and warns about those that other machines reach. The
 * stream owns the listeners. Called by stream receivers when they are opened, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/receivers/stream/stream_internal.h"

#include <stdio.h>

#include "core/config/config_diagnostic.h"
#include "gateway/net/listen_claims.h"

/* As the next listener: a paused stream's, or a new one. */
static enum gw_listen_result take_or_open(struct stream *s, int type, mode_t mode,
                                          struct gw_listen_error *why)
{
    struct stream_listener *l = &s->listeners[s->listeners_n];
    if (stream_take_listener(s, l->kind, &l->address, mode))
        return GW_LISTEN_OK;
    enum gw_listen_result r = gw_listen_open_as(&l->address, type, mode, &l->fd, why);
    if (r != GW_LISTEN_TAKEN)
        return r;
    stream_make_way(l->kind, &l->address);
    return gw_listen_open_as(&l->address, type, mode, &l->fd, why);
}

static enum gw_listen_result open_one(struct stream *s, enum stream_kind kind, const struct gw_address *a,
                                      mode_t mode, struct gw_listen_error *why)
{
    struct stream_listener *l = &s->listeners[s->listeners_n];
    if (s->listeners_n == STREAM_LISTENERS) {
        snprintf(why->text, sizeof why->text, "a receiver has at most %d addresses", STREAM_LISTENERS);
        return GW_LISTEN_BAD;
    }
    *l = (struct stream_listener){.what = STREAM_LISTENER, .kind = kind, .fd = -1, .address = *a};
    int type = kind == STREAM_UDP || kind == STREAM_UNIX_DGRAM ? SOCK_DGRAM : SOCK_STREAM;
    const struct gw_listen_claimant by = {s->set.path, s->set.component, type, false};
    enum gw_listen_result r = s->host->check ? gw_listen_probe(a, why) : GW_LISTEN_OK;
    if (r == GW_LISTEN_OK)
        r = gw_listen_claim(s->host->claims, a, &by, why);
    if (r == GW_LISTEN_OK && !s->host->check)
        r = take_or_open(s, type, mode, why);
    if (r != GW_LISTEN_OK)
        return r;
    if (!s->host->check)
        l->file = gw_listen_file(&l->address);
    gw_listen_name(&l->address, l->name, sizeof l->name);
    s->listeners_n++;
    return GW_LISTEN_OK;
}

/* What reaches an address that other machines reach, and who may. */
static void warn(const struct stream *s, enum stream_kind kind, gw_str address, const char *where,
                 struct gw_diagnostics *diagnostics)
{
    if (kind == STREAM_UDP)
        gw_config_warning(diagnostics, where,
                          "\"%.*s\" can be reached from other machines, which may send under any address: "
                          "listen on 127.0.0.1 only, or rely on a firewall or network policy",
                          GW_FMT(address));
    else if (!gw_tls_asks_clients(s->set.access.tls))
        gw_config_warning(
            diagnostics, where,
            "\"%.*s\" can be reached from other machines, which may send anything: set tls.client_ca%s, or "
            "listen on 127.0.0.1 only (or rely on a firewall or network policy)",
            GW_FMT(address), s->set.access.tls ? "" : " with tls.cert and tls.key");
}

static bool is_wrong_kind(enum stream_kind kind, gw_str address)
{
    bool path = address.len && *address.ptr == '/';
    return path != (kind == STREAM_UNIX || kind == STREAM_UNIX_DGRAM);
}

bool stream_listen(struct stream *s, enum stream_kind kind, gw_str address, mode_t mode, bool best_effort,
                   const char *option, struct gw_diagnostics *diagnostics)
{
    struct gw_address all[GW_LISTEN_ADDRESSES];
    struct gw_listen_error why;
    char where[GW_OPTION_PATH];
    size_t n = 0, opened = 0;
    bool reachable = false;
    gw_option_path(where, s->set.path, option);
    if (is_wrong_kind(kind, address)) {
        gw_config_error(diagnostics, where, "\"%.*s\" is not %s", GW_FMT(address),
                        kind == STREAM_TCP || kind == STREAM_UDP ? "host:port, [ipv6]:port or :port"
                                                                 : "the absolute path of a socket");
        return false;
    }
    enum gw_listen_result r = gw_listen_resolve(address, all, &n, &why);
    for (size_t i = 0; i < n && r == GW_LISTEN_OK; i++) {
        reachable = reachable || !gw_listen_is_local((const struct sockaddr *)&all[i].sa);
        r = open_one(s, kind, &all[i], mode, &why);
        opened += r == GW_LISTEN_OK;
        /* of the addresses of a name some may be absent: a machine without IPv6 */
        if (r == GW_LISTEN_ABSENT && n > 1)
            r = i + 1 < n || opened ? GW_LISTEN_OK : r;
    }
    if (r == GW_LISTEN_CLAIMED || (r != GW_LISTEN_OK && !best_effort))
        gw_config_error(diagnostics, where, "%s", why.text);
    else if (r != GW_LISTEN_OK && r != GW_LISTEN_ABSENT)
        gw_config_warning(diagnostics, where, "%s", why.text);
    else if (reachable)
        warn(s, kind, address, where, diagnostics);
    return r == GW_LISTEN_OK;
}

void stream_listen_all(struct stream *s, enum stream_kind kind, const struct gw_list *list, const char *usual,
                       const char *option, struct gw_diagnostics *diagnostics)
{
    bool best_effort = gw_list_is(list, usual);
    for (size_t i = 0; i < list->n; i++)
        stream_listen(s, kind, list->items[i], 0, best_effort, option, diagnostics);
}

size_t stream_listeners(const struct stream *s)
{
    return s->listeners_n;
}

const char *stream_name(const struct stream *s, enum stream_kind kind)
{
    for (size_t i = 0; i < s->listeners_n; i++)
        if (s->listeners[i].kind == kind && s->listeners[i].fd >= 0)
            return s->listeners[i].name;
    return NULL;
}

mode_t stream_mode(gw_str text, const char *path, struct gw_diagnostics *diagnostics)
{
    char where[GW_OPTION_PATH];
    mode_t mode = 0;
    bool good = text.len >= 3 && text.len <= 4;
    for (size_t i = 0; i < text.len && good; i++) {
        good = text.ptr[i] >= '0' && text.ptr[i] <= '7';
        mode = mode * 8 + (mode_t)(text.ptr[i] - '0');
    }
    if (good && mode <= 0777)
        return mode;
    gw_option_path(where, path, "mode");
    gw_config_error(diagnostics, where,
                    "\"%.*s\" is not a file mode: write three octal digits, such as \"0666\"", GW_FMT(text));
    return 0;
}
