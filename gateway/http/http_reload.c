/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http_internal.h"

#include <stdio.h>
#include <sys/socket.h>

#include "core/base/log.h"

/* --- what is asked for --- */

static bool is_staged(const struct gw_http *h, const struct listener *l)
{
    for (size_t i = 0; i < h->staged_n; i++)
        if (h->staged[i].listener == l)
            return true;
    return false;
}

/* The listener that has the address. One that was asked for as port 0 is found by that once: each 0 is another port. */
static struct listener *known(struct gw_http *h, const struct gw_address *a)
{
    for (size_t i = 0; i < h->listeners_n; i++) {
        struct listener *l = &h->listeners[i];
        if (l->fd >= 0 && (gw_listen_same(&l->address, a) || (gw_listen_same_asked(&l->asked, a) && !is_staged(h, l))))
            return l;
    }
    for (size_t i = 0; i < h->opened_n; i++)
        if (gw_listen_same(&h->opened[i].address, a))
            return &h->opened[i];
    return NULL;
}

static size_t free_slots(const struct gw_http *h)
{
    size_t n = MAX_LISTENERS - h->listeners_n;
    for (size_t i = 0; i < h->listeners_n; i++)
        n += h->listeners[i].unused;
    return n;
}

static enum gw_listen_result find_or_open(struct gw_http *h, const struct gw_address *a, struct gw_tls *tls, struct listener **l,
                                          struct gw_listen_error *why)
{
    if ((*l = known(h, a)))
        return GW_LISTEN_OK;
    if (h->opened_n >= free_slots(h)) {
        snprintf(why->text, sizeof why->text, "more than %u addresses since the start", MAX_LISTENERS);
        return GW_LISTEN_FAILED;
    }
    *l = &h->opened[h->opened_n];
    enum gw_listen_result r = gw_http_open_listener(*l, a, tls, why);
    h->opened_n += r == GW_LISTEN_OK;
    return r;
}

/* What the sites of an address must agree in; and TLS comes and goes only with the listener. */
static bool agrees(const struct gw_http *h, const struct listener *l, const struct gw_http_site *site, struct gw_listen_error *why)
{
    if (l->address.sa.ss_family == AF_UNIX)
        return true;
    if (!l->tls != !site->tls) {
        snprintf(why->text, sizeof why->text, "%s: an address changes between plain and TLS at a start only", l->name);
        return false;
    }
    for (size_t i = 0; i < h->staged_n; i++)
        if (h->staged[i].listener == l && !gw_tls_same(h->staged[i].site->tls, site->tls)) {
            snprintf(why->text, sizeof why->text, "%s: another receiver listens there with other tls options", l->name);
            return false;
        }
    return true;
}

static size_t count_staged(const struct gw_http *h, const struct listener *l)
{
    size_t n = 0;
    for (size_t i = 0; i < h->staged_n; i++)
        n += h->staged[i].listener == l;
    return n;
}

enum gw_listen_result gw_http_stage(struct gw_http *h, const struct gw_address *a, struct gw_http_site *site, struct gw_address *first,
                                    struct gw_listen_error *why)
{
    struct listener *l;
    enum gw_listen_result r = find_or_open(h, a, site->tls, &l, why);
    if (r != GW_LISTEN_OK)
        return r;
    if (h->staged_n == MAX_STAGED || count_staged(h, l) == MAX_SITES) {
        snprintf(why->text, sizeof why->text, "%s: too many receivers", l->name);
        return GW_LISTEN_FAILED;
    }
    if (!agrees(h, l, site, why))
        return GW_LISTEN_FAILED;
    h->staged[h->staged_n++] = (struct staged){l, site};
    if (first->sa.ss_family == 0)
        *first = l->address;
    return GW_LISTEN_OK;
}

void gw_http_stage_begin(struct gw_http *h)
{
    h->staging = true;
    h->staged_n = h->opened_n = 0;
}

void gw_http_stage_drop(struct gw_http *h)
{
    for (size_t i = 0; i < h->opened_n; i++)
        gw_http_close_listener(&h->opened[i]);
    h->staging = false;
    h->staged_n = h->opened_n = 0;
}

/* --- from the former sites to the new ones --- */

static struct gw_http_site *staged_site(const struct gw_http *h, const void *ctx)
{
    for (size_t i = 0; ctx && i < h->staged_n; i++)
        if (h->staged[i].site->ctx == ctx)
            return h->staged[i].site;
    return NULL;
}

struct swaps {
    struct gw_http *http;
    const struct gw_http_swap *all;
    size_t n;
};

/* Who answers for that site from now on. */
static struct gw_http_site *successor(const struct swaps *s, const struct gw_http_site *before)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->all[i].before && s->all[i].before == before->ctx) {
            struct gw_http_site *after = staged_site(s->http, s->all[i].after);
            return after ? after : &s->http->gone;
        }
    return &s->http->gone;
}

static void carry(atomic_uint_least64_t *to, const atomic_uint_least64_t *from)
{
    atomic_fetch_add_explicit(to, atomic_load_explicit(from, memory_order_relaxed), memory_order_relaxed);
}

static void carry_counts(struct gw_http_counts *to, const struct gw_http_counts *from)
{
    carry(&to->requests, &from->requests);
    carry(&to->wire_bytes, &from->wire_bytes);
    carry(&to->body_bytes, &from->body_bytes);
    for (int i = 0; i < GW_HTTP_STATUSES; i++)
        carry(&to->status[i], &from->status[i]);
    carry(&to->handshakes, &from->handshakes);
    carry(&to->failed_handshakes, &from->failed_handshakes);
}

static bool seen_before(const struct gw_http *h, size_t listener, size_t site)
{
    for (size_t i = 0; i <= listener; i++)
        for (size_t j = 0; j < h->listeners[i].sites_n && (i < listener || j < site); j++)
            if (h->listeners[i].sites[j] == h->listeners[listener].sites[site])
                return true;
    return false;
}

static void carry_all_counts(const struct swaps *s)
{
    struct gw_http *h = s->http;
    for (size_t i = 0; i < h->listeners_n; i++)
        for (size_t j = 0; j < h->listeners[i].sites_n; j++)
            if (h->listeners[i].sites[j] != &h->gone && !seen_before(h, i, j))
                carry_counts(&successor(s, h->listeners[i].sites[j])->counts, &h->listeners[i].sites[j]->counts);
}

/* Nobody asks for the address any more: its sites' successors answer those who came by it. */
static void take_over_sites(const struct swaps *s, struct listener *l)
{
    for (size_t i = 0; i < l->sites_n; i++)
        if (l->sites[i] != &s->http->gone)
            l->sites[i] = successor(s, l->sites[i]);
    l->tls = NULL; /* its connections have their keys; the former site's are about to go */
}

static void put_staged_sites(struct gw_http *h, struct listener *l)
{
    l->sites_n = 0;
    for (size_t i = 0; i < h->staged_n; i++)
        if (h->staged[i].listener == l)
            l->sites[l->sites_n++] = h->staged[i].site;
    if (l->tls)
        l->tls = l->sites[0]->tls;
}

static void close_listener(struct gw_http *h, struct listener *l)
{
    for (unsigned i = 0; i < h->workers_n; i++)
        gw_http_worker_unwatch(&h->workers[i], (size_t)(l - h->listeners));
    gw_log(GW_INFO, l->sites[0]->component, "no longer listening on %s", l->name);
    gw_http_close_listener(l);
}

static void settle_listeners(const struct swaps *s)
{
    struct gw_http *h = s->http;
    for (size_t i = 0; i < h->listeners_n; i++) {
        struct listener *l = &h->listeners[i];
        if (is_staged(h, l)) {
            put_staged_sites(h, l);
        } else {
            if (l->fd >= 0)
                close_listener(h, l);
            take_over_sites(s, l);
        }
    }
}

/* --- what is under way --- */

/* The request goes on with the successor, from the headers that it had. */
static void lead_on(const struct swaps *s, struct conn *c)
{
    struct gw_err err;
    if (c->state == CONN_RECEIVING) {
        gw_http_find_route(&c->req, c->listener);
        if (c->req.site != &s->http->gone)
            return;
        (void)gw_fail(&err, GW_STOPPING, 0, "the receiver is no longer configured");
        gw_http_refuse(c, &err);
    } else if (c->req.site) {
        c->req.site = c->listener->sites[0];
    }
    if (c->listener->sites[0] == &s->http->gone && c->state == CONN_IDLE)
        shutdown(c->fd, SHUT_RDWR);
}

static void lead_all_on(const struct swaps *s)
{
    for (unsigned i = 0; i < s->http->workers_n; i++)
        for (struct conn *c = s->http->workers[i].conns; c; c = c->next)
            lead_on(s, c);
}

static bool in_use(const struct gw_http *h, const struct listener *l)
{
    for (unsigned i = 0; i < h->workers_n; i++) {
        if (gw_http_tls_proxies_use(&h->workers[i], l))
            return true;
        for (const struct conn *c = h->workers[i].conns; c; c = c->next)
            if (c->listener == l)
                return true;
    }
    return false;
}

/* Places of listeners that an earlier reload closed. A connection may be on its way from one worker to another still, but no longer
 * than that. */
static void find_unused(struct gw_http *h)
{
    for (size_t i = 0; i < h->listeners_n; i++)
        h->listeners[i].unused = h->listeners[i].fd < 0 && !in_use(h, &h->listeners[i]);
}

/* --- new listeners --- */

static struct listener *free_slot(struct gw_http *h)
{
    for (size_t i = 0; i < h->listeners_n; i++)
        if (h->listeners[i].unused)
            return &h->listeners[i];
    GW_ASSERT(h->listeners_n < MAX_LISTENERS);
    return &h->listeners[h->listeners_n++];
}

static void move_in(struct gw_http *h, struct listener *opened)
{
    struct listener *l = free_slot(h);
    *l = *opened;
    for (size_t i = 0; i < h->staged_n; i++)
        if (h->staged[i].listener == opened)
            h->staged[i].listener = l;
}

static void watch_new(struct gw_http *h)
{
    for (size_t k = 0; k < h->opened_n; k++)
        for (size_t i = 0; i < h->listeners_n; i++) {
            if (h->listeners[i].fd != h->opened[k].fd)
                continue;
            for (unsigned w = 0; w < h->workers_n; w++)
                gw_http_worker_watch(&h->workers[w], i);
            if (h->workers) /* else a start is still to come */
                gw_http_announce(&h->listeners[i]);
        }
}

/* The largest of all sites, as at a start, but no more than libmicrohttpd was told then. */
static void settle_limits(struct gw_http *h)
{
    int64_t most = 0;
    for (size_t i = 0; i < h->staged_n; i++)
        if (h->staged[i].site->limits.connections > most)
            most = h->staged[i].site->limits.connections;
    if (most)
        h->limits.connections = !h->workers || most < h->began.connections ? most : h->began.connections;
    for (size_t i = 0; i < h->staged_n && !h->workers; i++)
        if (h->staged[i].site->limits.idle_timeout > h->limits.idle_timeout)
            h->limits.idle_timeout = h->staged[i].site->limits.idle_timeout;
}

static void commit(const struct swaps *s)
{
    struct gw_http *h = s->http;
    find_unused(h);
    carry_all_counts(s);
    for (size_t i = 0; i < h->opened_n; i++)
        move_in(h, &h->opened[i]);
    settle_listeners(s);
    lead_all_on(s);
    settle_limits(h);
    watch_new(h);
}

void gw_http_stage_commit(struct gw_http *h, const struct gw_http_swap *all, size_t n)
{
    const struct swaps s = {h, all, n};
    h->gone.component = "receiver=http";
    commit(&s);
    h->opened_n = 0; /* they are in place now */
    h->staging = false;
    h->staged_n = 0;
}
