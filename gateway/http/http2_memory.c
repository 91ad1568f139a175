/* http2_memory.c: the memory of an HTTP/2 connection: nghttp2's, and answers that are not sent yet. It is
 * charged in steps to the budget of connections, with a limit for each connection. Owns nothing. Called by
 * http2_conn.c, http2_call.c and nghttp2, on the worker's thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <malloc.h>
#include <stdlib.h>

#include "gateway/http/http2_internal.h"

enum { MEMORY = 256 * 1024, STEP = 16 * 1024 };

static bool charge(struct http2_conn *c, size_t more)
{
    size_t covered = GW_HTTP_CONNECTION + (c->paid - gw_http_cost(c->origin.tls));
    while (c->used + more > covered) {
        if (c->used + more > MEMORY || !gw_budget_take(&c->worker->http->places, STEP))
            return false;
        c->paid += STEP;
        covered += STEP;
    }
    c->used += more;
    return true;
}

static void release(void *p, void *conn)
{
    struct http2_conn *c = conn;
    c->used -= malloc_usable_size(p);
    free(p);
}

static void *resize(void *p, size_t n, void *conn)
{
    struct http2_conn *c = conn;
    size_t was = malloc_usable_size(p);
    if (!charge(c, n))
        return NULL;
    c->used -= n;
    void *to = realloc(p, n);
    if (to)
        c->used += malloc_usable_size(to) - was;
    return to;
}

static void *get(size_t n, void *conn)
{
    return resize(NULL, n, conn);
}

static void *get_zeroed(size_t n, size_t size, void *conn)
{
    void *p = size && n > SIZE_MAX / size ? NULL : resize(NULL, n * size, conn);
    return p ? memset(p, 0, n * size) : NULL;
}

nghttp2_mem http2_memory(struct http2_conn *c)
{
    return (nghttp2_mem){c, get, release, get_zeroed, resize};
}

void *http2_alloc(struct http2_conn *c, size_t n)
{
    return resize(NULL, n, c);
}

void http2_free(struct http2_conn *c, void *p)
{
    release(p, c);
}
