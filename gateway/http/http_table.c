/* http_table.c: The table of addresses: which sites answer at which listening socket. A published table
 * never changes.
 *
 *     listener, its descriptor ◀── binding: TLS, sites in their order ── table ◀── a reference: the worker, until it changes over
 *          ▲                                                              ▲  └──── a reference: a request, from its headers to its answer
 *          └── number: what a connection remembers of it                  └─────── a reference: a connection whose address is removed
 *
 * The main thread builds a table beside the published one (draft, listen, keep), sharing the listeners of
 * addresses that both have, then publishes or discards it. Publishing changes the pointer and waits until
 * every worker has changed over, which each does between two turns of its loop. After that no worker
 * accepts by the predecessor, so descriptors that only it has are closed. The predecessor itself, and the
 * receivers in it, live until its last reference is gone. Other threads only decrement references; the main
 * thread frees tables (gw_http_sweep), so that it knows when a receiver may be closed (gw_http_uses).
 *
 * Owns the tables and listeners. Called by http.c and receivers on the main thread, and by workers for
 * references.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/http/http_internal.h"

/* --- listeners: main thread --- */

static void close_descriptor(struct listener *l)
{
    if (l->fd < 0)
        return;
    gw_listen_unlink(&l->address, l->file);
    close(l->fd);
    l->fd = -1;
}

static void release_listener(struct listener *l)
{
    if (--l->tables)
        return;
    close_descriptor(l);
    free(l);
}

static enum gw_listen_result open_listener(struct gw_http *h, const struct gw_address *a,
                                           struct listener **out, struct gw_listen_error *why)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l) {
        snprintf(why->text, sizeof why->text, "there is no memory for a listener");
        return GW_LISTEN_FAILED;
    }
    *l = (struct listener){.tables = 1, .number = ++h->listeners, .address = *a, .asked = *a};
    enum gw_listen_result r = gw_listen_open(&l->address, &l->fd, why);
    if (r != GW_LISTEN_OK) {
        free(l);
        return r;
    }
    l->file = gw_listen_file(&l->address);
    gw_listen_name(&l->address, l->name, sizeof l->name);
    *out = l;
    return GW_LISTEN_OK;
}

/* --- references: any thread --- */

struct table *gw_http_table_ref(struct table *t)
{
    atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
    return t;
}

void gw_http_table_drop(struct table *t)
{
    if (t)
        atomic_fetch_sub_explicit(&t->refs, 1, memory_order_release);
}

struct table *gw_http_table_current(struct gw_http *h)
{
    gw_lock(&h->lock);
    struct table *t = gw_http_table_ref(h->table);
    gw_unlock(&h->lock);
    return t;
}

const struct binding *gw_http_find_binding(const struct table *t, unsigned listener)
{
    for (size_t i = 0; t && i < t->n; i++)
        if (t->bindings[i].listener->number == listener)
            return &t->bindings[i];
    return NULL;
}

static struct gw_http_site *site_of(const struct table *t, const void *ctx)
{
    for (size_t i = 0; t && i < t->n; i++)
        for (size_t j = 0; j < t->bindings[i].sites_n; j++)
            if (t->bindings[i].sites[j]->ctx == ctx)
                return t->bindings[i].sites[j];
    return NULL;
}

/* --- the draft: main thread --- */

static void free_table(struct table *t)
{
    for (size_t i = 0; t && i < t->n; i++)
        release_listener(t->bindings[i].listener);
    free(t);
}

bool gw_http_draft(struct gw_http *h)
{
    gw_http_discard(h);
    h->draft = calloc(1, sizeof *h->draft);
    return h->draft;
}

void gw_http_discard(struct gw_http *h)
{
    free_table(h->draft);
    h->draft = NULL;
}

static enum gw_listen_result too_many(struct gw_listen_error *why, const char *what, unsigned most)
{
    snprintf(why->text, sizeof why->text, "more than %u %s", most, what);
    return GW_LISTEN_FAILED;
}

static struct binding *drafted(struct table *draft, const struct gw_address *a)
{
    for (size_t i = 0; i < draft->n; i++)
        if (gw_listen_same(&draft->bindings[i].listener->address, a))
            return &draft->bindings[i];
    return NULL;
}

/* Returns the open listener of the address. A listener that was configured as port 0 is returned only once,
 * because each 0 means another port. */
static struct listener *published(const struct gw_http *h, const struct gw_address *a)
{
    for (size_t i = 0; h->table && i < h->table->n; i++) {
        struct listener *l = h->table->bindings[i].listener;
        if (gw_listen_same(&l->address, a) ||
            (gw_listen_same_asked(&l->asked, a) && !gw_http_find_binding(h->draft, l->number)))
            return l;
    }
    return NULL;
}

/* Finds the draft's binding of the address, or makes one with the open listener or with a new one. */
static enum gw_listen_result bind_address(struct gw_http *h, const struct gw_address *a, struct binding **out,
                                          struct gw_listen_error *why)
{
    struct table *draft = h->draft;
    if ((*out = drafted(draft, a)))
        return GW_LISTEN_OK;
    if (draft->n == MAX_LISTENERS)
        return too_many(why, "addresses", MAX_LISTENERS);
    struct listener *l = published(h, a);
    enum gw_listen_result r = GW_LISTEN_OK;
    if (l)
        l->tables++;
    else if ((r = open_listener(h, a, &l, why)) != GW_LISTEN_OK)
        return r;
    *out = &draft->bindings[draft->n++];
    (*out)->listener = l;
    return GW_LISTEN_OK;
}

/* Sites that share an address must agree in TLS, which is set by the first one, and in the protocol. */
static enum gw_listen_result bind_site(struct binding *b, struct gw_http_site *site, bool grpc,
                                       struct gw_listen_error *why)
{
    bool by_tcp = b->listener->address.sa.ss_family != AF_UNIX;
    if (b->sites_n == MAX_SITES)
        return too_many(why, "receivers on one address", MAX_SITES);
    if (by_tcp && b->sites_n && !gw_tls_same(b->tls, site->tls)) {
        snprintf(why->text, sizeof why->text, "%s: another receiver listens there with other tls options",
                 b->listener->name);
        return GW_LISTEN_FAILED;
    }
    if (b->sites_n && grpc != b->grpc) {
        snprintf(why->text, sizeof why->text, "%s: one receiver wants HTTP there and another gRPC",
                 b->listener->name);
        return GW_LISTEN_FAILED;
    }
    if (by_tcp && b->sites_n == 0)
        b->tls = site->tls;
    b->grpc = grpc;
    b->sites[b->sites_n++] = site;
    return GW_LISTEN_OK;
}

static enum gw_listen_result draft_one(struct gw_http *h, const struct gw_address *a,
                                       struct gw_http_site *site, bool grpc, struct gw_address *first,
                                       struct gw_listen_error *why)
{
    struct binding *b;
    enum gw_listen_result r = bind_address(h, a, &b, why);
    if (r == GW_LISTEN_OK)
        r = bind_site(b, site, grpc, why);
    if (r == GW_LISTEN_OK && first->sa.ss_family == 0)
        *first = b->listener->address;
    return r;
}

static enum gw_listen_result draft_all(struct gw_http *h, gw_str text, struct gw_http_site *site, bool grpc,
                                       struct gw_address *first, struct gw_listen_error *why)
{
    struct gw_address addresses[GW_LISTEN_ADDRESSES];
    size_t n;
    GW_ASSERT(h->draft);
    enum gw_listen_result r = gw_listen_resolve(text, addresses, &n, why), one;
    if (r != GW_LISTEN_OK)
        return r;
    r = GW_LISTEN_ABSENT;
    for (size_t i = 0; i < n; i++) {
        one = draft_one(h, &addresses[i], site, grpc, first, why);
        if (one != GW_LISTEN_OK && one != GW_LISTEN_ABSENT)
            return one;
        r = one == GW_LISTEN_OK ? one : r;
    }
    return r;
}

enum gw_listen_result gw_http_listen(struct gw_http *h, gw_str text, struct gw_http_site *site,
                                     struct gw_address *first, struct gw_listen_error *why)
{
    return draft_all(h, text, site, false, first, why);
}

enum gw_listen_result gw_http_listen_grpc(struct gw_http *h, gw_str text, struct gw_http_site *site,
                                          struct gw_address *first, struct gw_listen_error *why)
{
    return draft_all(h, text, site, true, first, why);
}

bool gw_http_keep(struct gw_http *h, const void *ctx, struct gw_listen_claims *claims, const char *path,
                  struct gw_listen_error *why)
{
    struct gw_http_site *site = site_of(h->table, ctx);
    struct gw_address first = {0};
    for (size_t i = 0; site && i < h->table->n; i++) {
        const struct binding *b = &h->table->bindings[i];
        const struct gw_address *address = &b->listener->address;
        const struct gw_listen_claimant by = {path, site->component, SOCK_STREAM, true};
        for (size_t j = 0; j < b->sites_n; j++)
            if (b->sites[j] == site && (gw_listen_claim(claims, address, &by, why) != GW_LISTEN_OK ||
                                        draft_one(h, address, site, b->grpc, &first, why) != GW_LISTEN_OK))
                return false;
    }
    return true;
}

bool gw_http_is_whole(const struct gw_http *h, const void *ctx)
{
    const struct gw_http_site *site = site_of(h->table, ctx);
    return site && !site->incomplete;
}

/* --- parts of publishing: main thread --- */

/* Takes the largest limits of all sites, but not more connections than libmicrohttpd got at the start. */
static void settle_limits(struct gw_http *h, struct table *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t j = 0; j < t->bindings[i].sites_n; j++) {
            const struct gw_http_limits *l = &t->bindings[i].sites[j]->limits;
            if (l->connections > t->limits.connections)
                t->limits.connections = l->connections;
            if (l->idle_timeout > t->limits.idle_timeout)
                t->limits.idle_timeout = l->idle_timeout;
        }
    if (h->workers && (t->limits.connections == 0 || t->limits.connections > h->began.connections))
        t->limits.connections = h->began.connections;
}

static void announce(const struct binding *b)
{
    for (size_t i = 0; i < b->sites_n; i++)
        gw_log_each(GW_INFO, b->sites[i]->component, "listening on %s%s%s%s", b->listener->name,
                    b->grpc ? ", gRPC" : "", b->tls ? ", TLS" : "",
                    b->listener->address.sa.ss_family != AF_UNIX && b->sites[i]->auth && b->sites[i]->auth->n
                        ? ", token asked"
                        : "");
}

void gw_http_announce(const struct gw_http *h, const struct table *before)
{
    for (size_t i = 0; i < h->table->n; i++) {
        const struct binding *now = &h->table->bindings[i],
                             *then = gw_http_find_binding(before, now->listener->number);
        if (!then || !then->tls != !now->tls)
            announce(now);
    }
}

void gw_http_close_unnamed(const struct table *now, const struct table *before)
{
    for (size_t i = 0; before && i < before->n; i++) {
        struct listener *l = before->bindings[i].listener;
        if (gw_http_find_binding(now, l->number))
            continue;
        gw_log_each(GW_INFO, before->bindings[i].sites[0]->component, "no longer listening on %s", l->name);
        close_descriptor(l);
    }
}

struct table *gw_http_switch_table(struct gw_http *h)
{
    struct table *before = h->table;
    GW_ASSERT(h->draft);
    settle_limits(h, h->draft);
    atomic_init(&h->draft->refs, 1);
    gw_lock(&h->lock);
    h->draft->next = h->tables;
    h->table = h->tables = h->draft;
    gw_unlock(&h->lock);
    h->draft = NULL;
    return before;
}

/* --- predecessors: main thread --- */

bool gw_http_uses(const struct gw_http *h, const void *ctx)
{
    for (const struct table *t = h->tables; t; t = t->next)
        if (site_of(t, ctx) && atomic_load_explicit(&t->refs, memory_order_acquire) > 0)
            return true;
    return false;
}

void gw_http_sweep(struct gw_http *h)
{
    struct table *unused = NULL;
    gw_lock(&h->lock);
    for (struct table **link = &h->tables; *link;) {
        struct table *t = *link;
        if (atomic_load_explicit(&t->refs, memory_order_acquire) > 0) {
            link = &t->next;
            continue;
        }
        *link = t->next;
        t->next = unused;
        unused = t;
    }
    gw_unlock(&h->lock);
    for (struct table *t = unused, *next; t; t = next) {
        next = t->next;
        free_table(t);
    }
}

void gw_http_withdraw(struct gw_http *h)
{
    struct table *last = h->table;
    for (size_t i = 0; last && i < last->n; i++)
        close_descriptor(last->bindings[i].listener);
    gw_lock(&h->lock);
    h->table = NULL;
    gw_unlock(&h->lock);
    gw_http_table_drop(last);
    gw_http_discard(h);
    gw_http_sweep(h);
    GW_ASSERT(!h->tables);
}

/* --- counts --- */

struct gw_http_site *gw_http_site_of(const struct gw_http *h, const void *ctx)
{
    for (const struct table *t = h->tables; t; t = t->next) {
        struct gw_http_site *site = site_of(t, ctx);
        if (site)
            return site;
    }
    return NULL;
}

static void move_count(atomic_uint_least64_t *from, atomic_uint_least64_t *to)
{
    atomic_fetch_add_explicit(to, atomic_exchange_explicit(from, 0, memory_order_relaxed),
                              memory_order_relaxed);
}

void gw_http_move_counts(struct gw_http *h, const void *from_ctx, const void *to_ctx)
{
    gw_lock(&h->lock);
    struct gw_http_site *from = gw_http_site_of(h, from_ctx), *to = gw_http_site_of(h, to_ctx);
    gw_unlock(&h->lock);
    if (!from || !to)
        return;
    move_count(&from->counts.requests, &to->counts.requests);
    move_count(&from->counts.wire_bytes, &to->counts.wire_bytes);
    move_count(&from->counts.body_bytes, &to->counts.body_bytes);
    for (int i = 0; i < GW_HTTP_STATUSES; i++)
        move_count(&from->counts.status[i], &to->counts.status[i]);
    move_count(&from->counts.handshakes, &to->counts.handshakes);
    move_count(&from->counts.failed_handshakes, &to->counts.failed_handshakes);
}
