/* http_targets.c: makes a target of each address and drops it when the address is gone; sends a request to one
 * target after the other. Owns targets and requests. Called by otlp_http.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/http_targets.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/log.h"
#include "exporters/otlp/otlp_response.h"

enum { MAX_URL = 1024 };

struct request {
    struct http_targets *of;
    const struct gw_batch *batch;
    gw_nsec timeout;
    gw_done_f *done;
    void *cookie;
    uint64_t tried; /* bits of the targets that did not take it */
    int target;
};

/* --- targets --- */

static void add(struct http_targets *t, const struct resolver_address *address)
{
    char line[120];
    snprintf(line, sizeof line, "::%s", address->text);
    struct curl_slist *connect_to = curl_slist_append(NULL, line);
    bool backup = address->name >= t->conf.endpoints->n - t->conf.endpoints->backups;
    int target = connect_to ? balancer_add(&t->balancer, gw_str_z(address->text), backup) : BALANCER_NONE;
    if (target == BALANCER_NONE) { /* the next lookup tries again */
        curl_slist_free_all(connect_to);
        return;
    }
    t->all[target].connect_to = connect_to;
    t->all[target].endpoint = address->name;
    t->all[target].gone = false;
    snprintf(t->all[target].address, sizeof t->all[target].address, "%s", address->text);
}

static void free_target(struct http_targets *t, int target)
{
    curl_slist_free_all(t->all[target].connect_to);
    t->all[target].connect_to = NULL;
}

static void remove_target(struct http_targets *t, int target)
{
    gw_log(GW_INFO, t->conf.component, "%s is removed: no name has this address any more",
           t->all[target].address);
    t->all[target].gone = true;
    if (balancer_remove(&t->balancer, target))
        free_target(t, target);
}

static bool is_listed(const char *address, const struct resolver_address *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (strcmp(list[i].text, address) == 0)
            return true;
    return false;
}

static bool is_used(const struct http_targets *t, int i)
{
    return t->all[i].connect_to && !t->all[i].gone;
}

static bool is_known(const struct http_targets *t, const char *address)
{
    for (int i = 0; i < BALANCER_TARGETS; i++)
        if (is_used(t, i) && strcmp(t->all[i].address, address) == 0)
            return true;
    return false;
}

/* Takes over what the names have become. */
static void update(struct http_targets *t)
{
    struct resolver_address list[BALANCER_TARGETS];
    unsigned n;
    if (!resolver_start(&t->resolver) || !resolver_read(&t->resolver, list, &n))
        return;
    for (int i = 0; i < BALANCER_TARGETS; i++)
        if (is_used(t, i) && !is_listed(t->all[i].address, list, n))
            remove_target(t, i);
    for (unsigned i = 0; i < n; i++)
        if (!is_known(t, list[i].text))
            add(t, &list[i]);
}

static void wake(void *post)
{
    http_post_wake(post);
}

void http_targets_open(struct http_targets *t, const struct http_targets_conf *conf)
{
    t->conf = *conf;
    for (unsigned i = 0; i < conf->endpoints->n; i++)
        t->names[i] = (struct resolver_name){.host = conf->endpoints->all[i].host,
                                             .port = conf->endpoints->all[i].port};
    const struct resolver_conf resolver = {.names = t->names,
                                           .n = conf->endpoints->n,
                                           .interval = conf->resolve_interval,
                                           .component = conf->component,
                                           .wake = wake,
                                           .arg = conf->post};
    resolver_open(&t->resolver, &resolver);
}

void http_targets_close(struct http_targets *t)
{
    resolver_close(&t->resolver);
    for (int i = 0; i < BALANCER_TARGETS; i++)
        free_target(t, i);
    memset(t, 0, sizeof *t);
}

/* --- requests --- */

static void on_answer(void *cookie, const struct gw_outcome *outcome);

static void write_url(const struct http_targets *t, int target, enum gw_signal signal, char url[MAX_URL])
{
    const struct otlp_endpoint *e = &t->conf.endpoints->all[t->all[target].endpoint];
    snprintf(url, MAX_URL, "%s://%s%s%s", e->tls ? "https" : "http",
             t->conf.server_name.len ? t->conf.server_name.ptr : e->authority, e->path,
             t->conf.signal_path[signal]);
}

/* To a target that was not tried. False: there is none. */
static bool send_next(struct request *q)
{
    struct http_targets *t = q->of;
    char url[MAX_URL];
    int target = balancer_pick(&t->balancer, q->tried, gw_now());
    if (target == BALANCER_NONE)
        return false;
    q->target = target;
    write_url(t, target, q->batch->signal, url);
    balancer_sent(&t->balancer, target);
    http_post_send(t->conf.post, url, t->all[target].connect_to, q->batch, q->timeout, on_answer, q);
    return true;
}

static void end(struct request *q, const struct gw_outcome *outcome)
{
    q->done(q->cookie, outcome);
    free(q);
}

/* What a target does not take now, the next one may. */
static void on_answer(void *cookie, const struct gw_outcome *outcome)
{
    struct request *q = cookie;
    struct http_targets *t = q->of;
    bool goes_on = outcome->verdict == GW_RETRY || outcome->verdict == GW_RETRY_SLOWLY;
    if (balancer_answered(&t->balancer, q->target, gw_is_failure(outcome->verdict), outcome->retry_after,
                          gw_now()))
        free_target(t, q->target);
    q->tried |= (uint64_t)1 << q->target;
    if (!goes_on || t->cancelled || !send_next(q))
        end(q, outcome);
}

void http_targets_send(struct http_targets *t, const struct gw_batch *batch, gw_nsec timeout, gw_done_f *done,
                       void *cookie)
{
    struct gw_outcome unknown = {.verdict = GW_RETRY, .unreachable = true};
    struct request *q = calloc(1, sizeof *q);
    if (!q) {
        http_post_fail(done, cookie, GW_RETRY, "no memory for a request");
        return;
    }
    *q = (struct request){.of = t, .batch = batch, .timeout = timeout, .done = done, .cookie = cookie};
    update(t);
    if (send_next(q))
        return;
    otlp_response_text(&unknown, GW_STR("no address of a backend is known yet"));
    end(q, &unknown);
}
