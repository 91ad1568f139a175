/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http.h"
#include "gateway/http/http_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/base/log.h"

struct gw_http *gw_http_new(struct gw_budget *budget, int threads)
{
    struct gw_http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->budget = budget;
    h->places = (struct gw_budget){.limit = budget->limit / 3, .parent = budget};
    h->bodies.limit = budget->limit / 2; /* body.h charges the whole itself */
    for (size_t i = 0; i < GW_HTTP_MAX_THREADS; i++)
        h->scratch[i] = (struct gw_budget){.limit = budget->limit - budget->limit * 3 / 8, .parent = budget};
    h->threads = threads > 0 ? (unsigned)threads : 1;
    gw_lock_init(&h->park_lock, GW_LOCK_HTTP_PARK);
    gw_cond_init(&h->park_moved);
    return h;
}

void gw_http_drop(struct gw_http *h)
{
    if (!h)
        return;
    gw_http_stop(h, 0);
    gw_lock_fini(&h->park_lock);
    pthread_cond_destroy(&h->park_moved);
    free(h);
}

void gw_http_want_threads(struct gw_http *h, int threads)
{
    if (h->workers)
        return;
    if (threads > 0)
        h->threads = (unsigned)threads;
    if (h->threads > GW_HTTP_MAX_THREADS)
        h->threads = GW_HTTP_MAX_THREADS;
}

unsigned gw_http_threads(const struct gw_http *h)
{
    return h->threads;
}

static struct listener *known(struct gw_http *h, const struct gw_address *a)
{
    for (size_t i = 0; i < h->listeners_n; i++)
        if (gw_listen_same(&h->listeners[i].address, a))
            return &h->listeners[i];
    return NULL;
}

static enum gw_listen_result full(struct gw_listen_error *why, const char *what, unsigned most)
{
    snprintf(why->text, sizeof why->text, "more than %u %s", most, what);
    return GW_LISTEN_FAILED;
}

enum gw_listen_result gw_http_open_listener(struct listener *l, const struct gw_address *a, struct gw_tls *tls, struct gw_listen_error *why)
{
    *l = (struct listener){.address = *a, .asked = *a, .fd = -1};
    enum gw_listen_result r = gw_listen_open(&l->address, &l->fd, why);
    if (r != GW_LISTEN_OK)
        return r;
    l->file = gw_listen_file(&l->address);
    gw_listen_name(&l->address, l->name, sizeof l->name);
    l->tls = a->sa.ss_family == AF_UNIX ? NULL : tls;
    return GW_LISTEN_OK;
}

static enum gw_listen_result add_listener(struct gw_http *h, const struct gw_address *a, struct gw_tls *tls, struct listener **out,
                                          struct gw_listen_error *why)
{
    if (h->listeners_n == MAX_LISTENERS)
        return full(why, "addresses", MAX_LISTENERS);
    *out = &h->listeners[h->listeners_n];
    enum gw_listen_result r = gw_http_open_listener(*out, a, tls, why);
    h->listeners_n += r == GW_LISTEN_OK;
    return r;
}

static enum gw_listen_result listen_one(struct gw_http *h, const struct gw_address *a, struct gw_http_site *site, struct gw_address *first,
                                        struct gw_listen_error *why)
{
    if (h->staging)
        return gw_http_stage(h, a, site, first, why);
    struct listener *l = known(h, a);
    enum gw_listen_result r = l ? GW_LISTEN_OK : add_listener(h, a, site->tls, &l, why);
    if (r != GW_LISTEN_OK)
        return r;
    if (a->sa.ss_family != AF_UNIX && !gw_tls_same(l->tls, site->tls)) {
        snprintf(why->text, sizeof why->text, "%s: another receiver listens there with other tls options", l->name);
        return GW_LISTEN_FAILED;
    }
    if (l->sites_n == MAX_SITES)
        return full(why, "receivers on one address", MAX_SITES);
    l->sites[l->sites_n++] = site;
    if (first->sa.ss_family == 0)
        *first = l->address;
    return GW_LISTEN_OK;
}

enum gw_listen_result gw_http_listen(struct gw_http *h, gw_str text, struct gw_http_site *site, struct gw_address *first,
                                     struct gw_listen_error *why)
{
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    size_t n;
    enum gw_listen_result r = gw_listen_resolve(text, addresses, &n, why), one;
    if (r != GW_LISTEN_OK)
        return r;
    r = GW_LISTEN_ABSENT;
    for (size_t i = 0; i < n; i++) {
        one = listen_one(h, &addresses[i], site, first, why);
        if (one != GW_LISTEN_OK && one != GW_LISTEN_ABSENT)
            return one;
        r = one == GW_LISTEN_OK ? one : r;
    }
    if (h->staging)
        return r;
    if (h->limits.idle_timeout < site->limits.idle_timeout)
        h->limits.idle_timeout = site->limits.idle_timeout;
    if (h->limits.connections < site->limits.connections)
        h->limits.connections = site->limits.connections;
    return r;
}

/* Every tracer keeps a connection or two, and the usual soft limit is 1024 descriptors. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void gw_http_announce(const struct listener *l)
{
    for (size_t i = 0; i < l->sites_n; i++)
        gw_log(GW_INFO, l->sites[i]->component, "listening on %s%s%s", l->name, l->tls ? ", TLS" : "",
               l->address.sa.ss_family != AF_UNIX && l->sites[i]->auth && l->sites[i]->auth->n ? ", token asked" : "");
}

enum gw_code gw_http_start(struct gw_http *h, struct gw_err *err)
{
    if (h->listeners_n == 0 || h->workers)
        return GW_OK;
    allow_descriptors();
    h->began = h->limits;
    h->workers = calloc(h->threads, sizeof *h->workers);
    if (!h->workers)
        return gw_fail(err, GW_INTERNAL, 0, "no memory for the HTTP workers");
    h->client_limits = gw_client_limits_new(h->limits.connections);
    if (!h->client_limits)
        return gw_fail(err, GW_INTERNAL, 0, "no memory for the table of peers");
    for (unsigned i = 0; i < h->threads; i++) {
        h->workers_n = i + 1; /* one that opened in part is closed, too */
        if (!gw_http_worker_open(&h->workers[i], h, i))
            return gw_fail(err, GW_INTERNAL, 0, "HTTP worker %u does not open: %s", i, strerror(errno));
    }
    struct gw_err why;
    for (unsigned i = 0; i < h->workers_n; i++)
        if (!gw_http_worker_start(&h->workers[i], &why))
            return gw_fail(err, GW_INTERNAL, 0, "HTTP worker %u does not start: %s", i, why.what);
    for (size_t i = 0; i < h->listeners_n; i++)
        gw_http_announce(&h->listeners[i]);
    return GW_OK;
}

void gw_http_close_listener(struct listener *l)
{
    if (l->fd < 0)
        return;
    gw_listen_unlink(&l->address, l->file);
    close(l->fd);
    l->fd = -1;
}

static void close_listeners(struct gw_http *h)
{
    for (size_t i = 0; i < h->listeners_n; i++)
        gw_http_close_listener(&h->listeners[i]);
    h->listeners_n = 0;
}

/* Listeners close last: the workers empty their backlog first, and their connections point at them. */
void gw_http_stop(struct gw_http *h, gw_nsec grace_period)
{
    if (h->stopped)
        return;
    h->stopped = true;
    gw_nsec until = gw_now() + grace_period;
    for (unsigned i = 0; i < h->workers_n; i++)
        gw_http_worker_stop(&h->workers[i], until);
    for (unsigned i = 0; i < h->workers_n; i++)
        gw_http_worker_close(&h->workers[i]);
    close_listeners(h);
    free(h->workers);
    gw_client_limits_drop(h->client_limits);
    h->client_limits = NULL;
    h->workers = NULL;
    h->workers_n = 0;
}
