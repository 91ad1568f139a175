/* http.c: makes, starts and stops the HTTP server. Owns everything that lives as long as the process: the
 * workers, their connections, the memory budget of HTTP, and the tables of addresses (http_table.c). Called
 * by the pipeline, on the main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "gateway/http/http.h"
#include "gateway/http/http_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/random.h"

struct gw_http *gw_http_new(struct gw_budget *budget, int threads)
{
    struct gw_http *h = calloc(1, sizeof *h);
    if (!h)
        return NULL;
    h->budget = budget;
    h->places = (struct gw_budget){.limit = budget->limit / 3, .parent = budget};
    h->bodies.limit = budget->limit / 2; /* body.h charges max_memory itself */
    for (size_t i = 0; i < GW_HTTP_MAX_THREADS; i++)
        h->scratch[i] = (struct gw_budget){.limit = budget->limit - budget->limit * 3 / 8, .parent = budget};
    h->threads = threads > 0 ? (unsigned)threads : 1;
    h->said_seed = gw_random();
    gw_lock_init(&h->lock, GW_LOCK_HTTP_TABLE);
    gw_lock_init(&h->later_lock, GW_LOCK_HTTP_LATER);
    gw_cond_init(&h->changed_over);
    if (gw_http_draft(h))
        return h;
    gw_http_drop(h);
    return NULL;
}

void gw_http_drop(struct gw_http *h)
{
    if (!h)
        return;
    gw_http_stop(h, 0);
    gw_lock_fini(&h->lock);
    gw_lock_fini(&h->later_lock);
    pthread_cond_destroy(&h->changed_over);
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

/* All workers end before the first is closed, because each may still hand a connection to another. */
static void end_workers(struct gw_http *h, gw_nsec until)
{
    gw_lock(&h->lock);
    h->measured_n = 0;
    gw_unlock(&h->lock);
    for (unsigned i = 0; i < h->workers_n; i++)
        gw_http_worker_stop(&h->workers[i], until);
    for (unsigned i = 0; i < h->workers_n; i++)
        gw_http_worker_join(&h->workers[i]);
    for (unsigned i = 0; i < h->workers_n; i++)
        gw_http_worker_close(&h->workers[i]);
    free(h->workers);
    gw_client_limits_drop(h->client_limits);
    h->client_limits = NULL;
    h->workers = NULL;
    h->workers_n = 0;
}

static enum gw_code start_workers(struct gw_http *h, struct gw_err *err)
{
    h->began = h->table->limits;
    h->workers = calloc(h->threads, sizeof *h->workers);
    if (!h->workers)
        return gw_fail(err, GW_INTERNAL, 0, "no memory for the HTTP workers");
    h->client_limits = gw_client_limits_new(h->began.connections);
    if (!h->client_limits)
        return gw_fail(err, GW_INTERNAL, 0, "no memory for the table of peers");
    for (unsigned i = 0; i < h->threads; i++) {
        h->workers_n = i + 1; /* a worker that failed to open is closed too */
        if (!gw_http_worker_open(&h->workers[i], h, i))
            return gw_fail(err, GW_INTERNAL, 0, "HTTP worker %u does not open: %s%s", i, strerror(errno),
                           errno == EMFILE ? " (see `ulimit -n`)" : "");
    }
    struct gw_err why;
    for (unsigned i = 0; i < h->workers_n; i++)
        if (!gw_http_worker_start(&h->workers[i], &why))
            return gw_fail(err, GW_INTERNAL, 0, "HTTP worker %u does not start: %s", i, why.what);
    gw_lock(&h->lock);
    h->measured_n = h->workers_n;
    gw_unlock(&h->lock);
    return GW_OK;
}

void gw_http_publish(struct gw_http *h)
{
    struct table *before = gw_http_switch_table(h);
    gw_http_change_over(h);
    gw_http_close_unnamed(h->table, before);
    if (h->workers) /* otherwise the server has not started yet */
        gw_http_announce(h, before);
    gw_http_table_drop(before);
}

enum gw_code gw_http_start(struct gw_http *h, struct gw_err *err)
{
    if (h->draft)
        gw_http_publish(h);
    if (!h->table || h->table->n == 0 || h->workers)
        return GW_OK;
    enum gw_code code = start_workers(h, err);
    if (code)
        end_workers(h, gw_now());
    else
        gw_http_announce(h, NULL);
    return code;
}

/* Listeners close last, because the workers empty their backlog first. */
void gw_http_stop(struct gw_http *h, gw_nsec grace_period)
{
    if (h->stopped)
        return;
    h->stopped = true;
    end_workers(h, gw_now() + grace_period);
    gw_http_withdraw(h);
}
