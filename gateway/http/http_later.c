/* http_later.c: answers from other threads. The connection is suspended from the end of its handler until the
 * answer; the worker does not wait.
 *
 *     handler ─ gw_http_answer_later ─▶ struct gw_http_later, suspended ┄▶ any thread: gw_http_answer_now
 *                                                                              │ list of the worker, its inbox
 *     worker ◀─ resumed: libmicrohttpd calls again, the answer is queued ◀─────┘
 *
 * The answering thread owns the answer from gw_http_answer_later to gw_http_answer_now; then the worker
 * does. If the connection ends before (at a stop), the answer has no connection, and gw_http_answer_now
 * frees it. Called by http_request.c and the worker's loop on the worker's thread, and by the answering
 * thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "gateway/http/http_internal.h"

#include <stdlib.h>
#include <unistd.h>

struct gw_http_later {
    struct gw_http_later *next; /* in worker->answered */
    struct gw_http *http;
    /* under http->later_lock */
    struct conn *conn; /* NULL: the connection has ended */
    bool answered;
    /* The answer; `text` holds the data that it points to. */
    struct gw_http_reply reply;
    char *text;
};

struct gw_http_later *gw_http_answer_later(const struct gw_http_request *request)
{
    struct conn *c = (struct conn *)(uintptr_t)request->impl;
    struct gw_http_later *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->http = c->worker->http;
    l->conn = c;
    c->later = l;
    return l;
}

static void drop(struct gw_http_later *l)
{
    free(l->text);
    free(l);
}

static size_t size_of(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *put(char **to, const char *s)
{
    const char *at = *to;
    if (!s)
        return NULL;
    memcpy(*to, s, strlen(s) + 1);
    *to += strlen(s) + 1;
    return at;
}

/* Without memory for it, the answer is 500 without a body. */
static void copy(struct gw_http_later *l, const struct gw_http_reply *r)
{
    size_t n = r->body.len + size_of(r->type);
    for (unsigned i = 0; i < r->more_n; i++)
        n += size_of(r->more[i].name) + size_of(r->more[i].value);
    char *at = l->text = malloc(n + 1);
    if (!at) {
        l->reply = (struct gw_http_reply){.status = 500};
        return;
    }
    l->reply = *r;
    l->reply.type = put(&at, r->type);
    for (unsigned i = 0; i < r->more_n; i++)
        l->reply.more[i] = (struct gw_http_header){put(&at, r->more[i].name), put(&at, r->more[i].value)};
    l->reply.body = gw_str_n(at, r->body.len);
    if (r->body.len)
        memcpy(at, r->body.ptr, r->body.len);
}

/* A full inbox loses the message: the worker also checks its list at every tick. */
static void ring(const struct worker *w)
{
    static const struct message later = {.fd = LATER};
    (void)!write(w->inbox[1], &later, sizeof later);
}

void gw_http_answer_now(struct gw_http_later *l, const struct gw_http_reply *r)
{
    copy(l, r);
    gw_lock(&l->http->later_lock);
    struct worker *w = l->conn ? l->conn->worker : NULL;
    l->answered = true;
    if (w) {
        bool first = !w->answered;
        l->next = w->answered;
        w->answered = l;
        if (first)
            ring(w);
    }
    gw_unlock(&l->http->later_lock);
    if (!w)
        drop(l);
}

void gw_http_later_collect(struct worker *w)
{
    gw_lock(&w->http->later_lock);
    struct gw_http_later *next = w->answered;
    w->answered = NULL;
    gw_unlock(&w->http->later_lock);
    for (struct gw_http_later *l; (l = next);) {
        next = l->next;
        MHD_resume_connection(l->conn->mhd);
    }
}

const struct gw_http_reply *gw_http_later_reply(const struct conn *c)
{
    return &c->later->reply;
}

void gw_http_later_end(struct conn *c)
{
    struct gw_http_later *l = c->later;
    if (!l)
        return;
    c->later = NULL;
    gw_lock(&l->http->later_lock);
    bool answered = l->answered;
    l->conn = NULL;
    for (struct gw_http_later **at = &c->worker->answered; answered && *at; at = &(*at)->next)
        if (*at == l) {
            *at = l->next;
            break;
        }
    gw_unlock(&l->http->later_lock);
    if (answered)
        drop(l);
}
