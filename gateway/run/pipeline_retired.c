/* pipeline_retired.c: Keeps the components that reloads have replaced or removed until they have finished.
 * Owns the list. The main thread goes through the whole list once a second (gw_pipeline_reap) and closes those
 * that are finished; a stop drains the rest like all others.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "gateway/run/pipeline_internal.h"

void gw_retire(struct gw_pipeline *p, struct retired *r)
{
    struct retired **end = &p->retired;
    while (*end)
        end = &(*end)->next;
    r->next = NULL;
    *end = r;
}

/* --- counts --- */

/* Oldest first: the counts that one adds to its successor are then added to that one's successor. */
void gw_retired_move_counts(struct gw_pipeline *p)
{
    for (struct retired *r = p->retired; r; r = r->next) {
        if (r->kind != RETIRED_RECEIVER || !r->successor)
            continue;
        gw_component_move_counts(r->receiver.module, r->receiver.ctx, r->successor);
        gw_http_move_counts(p->http, r->receiver.ctx, r->successor);
    }
}

/* --- reaping --- */

static bool is_over(const struct gw_pipeline *p, const struct retired *r)
{
    switch (r->kind) {
    case RETIRED_EXPORTER:
        return gw_sender_over(r->exporter.sender);
    case RETIRED_RECEIVER:
        return !gw_http_uses(p->http, r->receiver.ctx);
    case RETIRED_ADMIN:
        return gw_admin_over(r->admin);
    case RETIRED_NOTHING:
        break;
    }
    return true;
}

/* Its predecessors add to its own successor from now on. */
static void pass_on_successor(struct gw_pipeline *p, const struct retired *gone)
{
    for (struct retired *r = p->retired; r; r = r->next)
        if (gone->kind == RETIRED_RECEIVER && r->successor == gone->receiver.ctx)
            r->successor = gone->successor;
}

static struct retired *unlink_over(struct gw_pipeline *p)
{
    struct retired *over = NULL, **end = &over;
    for (struct retired **link = &p->retired; *link;) {
        struct retired *r = *link;
        if (!is_over(p, r)) {
            link = &r->next;
            continue;
        }
        *link = r->next;
        r->next = NULL;
        *end = r;
        end = &r->next;
        pass_on_successor(p, r);
    }
    return over;
}

static void drop_one(struct retired *r)
{
    switch (r->kind) {
    case RETIRED_EXPORTER:
        gw_sender_finish(r->exporter.sender);
        gw_component_drop_exporter(&r->exporter);
        break;
    case RETIRED_RECEIVER:
        gw_component_stop_receiver(&r->receiver);
        gw_component_drop_receiver(&r->receiver);
        break;
    case RETIRED_ADMIN:
        gw_admin_drop(r->admin);
        break;
    case RETIRED_NOTHING:
        break;
    }
    free(r);
}

static void drop_list(struct retired *r)
{
    for (struct retired *next; r; r = next) {
        next = r->next;
        drop_one(r);
    }
}

/* When it returns, no offer is under way that began before: none may wake the sender of an exporter that is
 * about to be freed. */
static void let_offers_pass(struct gw_pipeline *p)
{
    struct gw_route routes[GW_MAX_EXPORTERS] = {{0}};
    for (size_t i = 0; i < p->exporters_n; i++)
        routes[i] = gw_sender_route(p->exporters[i].sender);
    gw_fanout_switch(p->fanout, routes, (unsigned)p->exporters_n);
}

/* Tables of addresses go before the receivers that they name: the admin thread looks for sites in them. */
bool gw_pipeline_reap(struct gw_pipeline *p)
{
    gw_lock(&p->lock);
    gw_retired_move_counts(p);
    struct retired *over = unlink_over(p);
    gw_unlock(&p->lock);
    gw_http_sweep(p->http);
    if (over)
        let_offers_pass(p);
    drop_list(over);
    return p->retired;
}

/* --- senders --- */

bool gw_retired_delivers(const struct gw_pipeline *p, gw_str name)
{
    for (const struct retired *r = p->retired; r; r = r->next)
        if (r->kind == RETIRED_EXPORTER && gw_str_eq(r->exporter.entry->sender.name, name) &&
            !gw_sender_over(r->exporter.sender))
            return true;
    return false;
}

size_t gw_retired_exporters(const struct gw_pipeline *p)
{
    size_t n = 0;
    for (const struct retired *r = p->retired; r; r = r->next)
        n += r->kind == RETIRED_EXPORTER;
    return n;
}

void gw_retired_stop(struct gw_pipeline *p, gw_nsec deadline)
{
    for (struct retired *r = p->retired; r; r = r->next)
        if (r->kind == RETIRED_EXPORTER)
            gw_sender_stop(r->exporter.sender, deadline);
}

void gw_retired_finish(struct gw_pipeline *p)
{
    for (struct retired *r = p->retired; r; r = r->next)
        if (r->kind == RETIRED_EXPORTER)
            gw_sender_finish(r->exporter.sender);
}

void gw_retired_drop(struct gw_pipeline *p)
{
    struct retired *all = p->retired;
    gw_lock(&p->lock);
    p->retired = NULL;
    gw_unlock(&p->lock);
    drop_list(all);
}
