/* http_refused.c: logs requests that are answered 4xx, once for each path (and client, unless no receiver
 * serves the path), and tells the receiver about those that the server itself answers, so that it can count
 * their items. Owns the table of logged paths, which has a fixed size: old entries are overwritten and may be
 * logged again. Called by http_response.c and by handlers, on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <netinet/in.h>
#include <stdio.h>

#include "core/base/hash.h"
#include "core/base/log.h"

enum { WAYS = 4, SHOWN_PATH = 128, SHOWN_WORD = 24, SAID_EACH = 256 };

/* Returns the address without the port; for a Unix socket, the process. */
static gw_str client_key(const struct conn *c)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&c->address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&c->address;
    if (c->address.ss_family == AF_INET)
        return gw_str_n((const char *)&v4->sin_addr, sizeof v4->sin_addr);
    if (c->address.ss_family == AF_INET6)
        return gw_str_n((const char *)&v6->sin6_addr, sizeof v6->sin6_addr);
    return gw_str_n((const char *)&c->peer.pid, sizeof c->peer.pid);
}

static void client_name(const struct conn *c, char *out, size_t size)
{
    struct gw_address address = {.len = c->address.ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                                         : sizeof(struct sockaddr_in)};
    memcpy(&address.sa, &c->address, address.len);
    if (c->address.ss_family == AF_UNIX)
        snprintf(out, size, "process %d", (int)c->peer.pid);
    else
        gw_listen_name(&address, out, size);
    if (c->address.ss_family != AF_UNIX && strrchr(out, ':'))
        *strrchr(out, ':') = 0; /* every connection has a different port */
}

bool gw_http_first_refused(const struct gw_http_request *q, enum gw_code code)
{
    const struct conn *c = q->impl;
    struct gw_http *h = c->worker->http;
    uint64_t hash = gw_hash_text(h->said_seed ^ (uint64_t)code, q->path);
    /* a path that is not served is the same for all clients */
    hash = gw_hash_mix(code == GW_NOT_FOUND ? hash : gw_hash_text(hash, client_key(c))) | 1;
    atomic_uint_least64_t *set = &h->said[hash / 2 % (GW_HTTP_SAID / WAYS) * WAYS];
    for (int i = 0; i < WAYS; i++)
        if (atomic_load_explicit(&set[i], memory_order_relaxed) == hash)
            return false;
    for (int i = 0; i < WAYS; i++) {
        uint64_t none = 0;
        if (atomic_compare_exchange_strong_explicit(&set[i], &none, hash, memory_order_relaxed,
                                                    memory_order_relaxed))
            return true;
    }
    atomic_store_explicit(&set[hash >> 56 & (WAYS - 1)], hash, memory_order_relaxed);
    return true;
}

/* A path without a route may contain a key that was meant for another port, so long words are left out. */
static void shown_path(const struct request *q, char out[static SHOWN_PATH + 8])
{
    size_t n = 0, word = 0;
    gw_str path = q->route && q->route->prefix ? gw_str_z(q->route->path) : q->path;
    for (size_t i = 0; i < path.len && n < SHOWN_PATH; i++) {
        word = path.ptr[i] == '/' ? 0 : word + 1;
        out[n++] = path.ptr[i];
        if (word == SHOWN_WORD) {
            n -= word;
            memcpy(out + n, "***", 3);
            n += 3;
            while (i + 1 < path.len && path.ptr[i + 1] != '/')
                i++;
        }
    }
    if (q->route && q->route->prefix)
        n += (size_t)snprintf(out + n, 4, "***");
    out[n] = 0;
}

static void log_refusal(const struct conn *c, int status, const struct gw_err *err)
{
    char client[128], path[SHOWN_PATH + 8], line[640];
    client_name(c, client, sizeof client);
    shown_path(&c->req, path);
    snprintf(line, sizeof line, "a request from %s to %s is answered %d: %s%s%s", client, path, status,
             gw_code_text(err->code), err->what[0] ? ": " : "", err->what);
    /* The first unserved paths are always logged: they are usually those of one tracer. */
    if (err->code == GW_NOT_FOUND &&
        atomic_fetch_add_explicit(&c->worker->http->unserved, 1, memory_order_relaxed) < SAID_EACH)
        gw_log_each(GW_WARNING, c->req.site->component, "%s", line);
    else
        gw_log(status == 429 ? GW_INFO : GW_WARNING, c->req.site->component, "%s", line);
}

static void tell_receivers(const struct conn *c, const struct gw_http_request *request, enum gw_code code)
{
    const struct binding *b = c->req.binding;
    for (size_t i = 0; i < b->sites_n; i++)
        if (b->sites[i]->refused && (!c->req.route || b->sites[i] == c->req.site))
            b->sites[i]->refused(b->sites[i]->ctx, request, code);
}

struct gw_http_request gw_http_seen(struct conn *c)
{
    return (struct gw_http_request){.method = c->req.method,
                                    .path = c->req.path,
                                    .content_type = c->req.content_type,
                                    .arena = &c->worker->arena,
                                    .peer = &c->peer,
                                    .impl = c};
}

void gw_http_note_refusal(struct conn *c, const struct gw_err *err)
{
    struct gw_http_request request = gw_http_seen(c);
    int status = gw_code_http(err->code);
    tell_receivers(c, &request, err->code);
    /* The check of tokens and limits has logged these. */
    bool said = err->code == GW_PEER_LIMIT || status == 401;
    if (status < 500 && !said && gw_http_first_refused(&request, err->code))
        log_refusal(c, status, err);
}
