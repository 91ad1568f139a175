/* resolver.c: resolves names on a thread of its own. Owns the thread and the list of addresses. Called by
 * grpc_targets.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "exporters/otlp/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/thread.h"

/* The addresses that one round finds. */
struct round {
    struct resolver_address all[BALANCER_TARGETS];
    unsigned n;
};

static void add(struct round *r, unsigned name, const char *address, bool v6, uint16_t port)
{
    struct resolver_address a = {.name = name};
    snprintf(a.text, sizeof a.text, v6 ? "[%s]:%u" : "%s:%u", address, (unsigned)port);
    for (unsigned i = 0; i < r->n; i++)
        if (strcmp(r->all[i].text, a.text) == 0)
            return;
    if (r->n < BALANCER_TARGETS)
        r->all[r->n++] = a;
}

/* Uses an address as it is, without a lookup. */
static bool add_literal(struct round *r, const struct resolver_conf *conf, unsigned name)
{
    const struct resolver_name *of = &conf->names[name];
    unsigned char bytes[sizeof(struct in6_addr)];
    bool v4 = inet_pton(AF_INET, of->host, bytes) == 1, v6 = !v4 && inet_pton(AF_INET6, of->host, bytes) == 1;
    if (v4 || v6)
        add(r, name, of->host, v6, of->port);
    return v4 || v6;
}

static void add_found(struct round *r, const struct resolver_conf *conf, unsigned name,
                      const struct addrinfo *found)
{
    char text[INET6_ADDRSTRLEN];
    for (; found; found = found->ai_next) {
        bool v6 = found->ai_family == AF_INET6;
        const void *address =
            v6 ? (const void *)&((const struct sockaddr_in6 *)(const void *)found->ai_addr)->sin6_addr
               : (const void *)&((const struct sockaddr_in *)(const void *)found->ai_addr)->sin_addr;
        if ((v6 || found->ai_family == AF_INET) && inet_ntop(found->ai_family, address, text, sizeof text))
            add(r, name, text, v6, conf->names[name].port);
    }
}

/* Keeps the addresses that the name had before. */
static void keep(struct round *r, const struct resolver *s, unsigned name)
{
    for (unsigned i = 0; i < s->addresses_n; i++)
        if (s->addresses[i].name == name && r->n < BALANCER_TARGETS)
            r->all[r->n++] = s->addresses[i];
}

/* Runs on the resolver's thread, which alone writes the addresses. */
static void look_up(struct resolver *s, struct round *r, unsigned name)
{
    struct resolver_name *of = &s->conf.names[name];
    struct addrinfo *found = NULL;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    int error = getaddrinfo(of->host, NULL, &hints, &found);
    if (error == 0) {
        if (of->failed)
            gw_log(GW_INFO, s->conf.component, "%s can be resolved again", of->host);
        add_found(r, &s->conf, name, found);
        freeaddrinfo(found);
    } else {
        if (!of->failed)
            gw_log_each(GW_WARNING, s->conf.component,
                        "%s cannot be resolved: %s; the addresses that are known stay in use", of->host,
                        gai_strerror(error));
        keep(r, s, name);
    }
    of->failed = error != 0;
}

static bool is_same(const struct resolver *s, const struct round *r)
{
    return s->version && s->addresses_n == r->n && memcmp(s->addresses, r->all, r->n * sizeof *r->all) == 0;
}

/* Before: the lock is held, or there is no thread. */
static void publish(struct resolver *s, const struct round *r)
{
    memcpy(s->addresses, r->all, sizeof s->addresses);
    s->addresses_n = r->n;
    s->version++;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct resolver_address *)a)->text, ((const struct resolver_address *)b)->text);
}

static void do_round(struct resolver *s)
{
    struct round r;
    memset(&r, 0, sizeof r);
    for (unsigned i = 0; i < s->conf.n; i++)
        if (!add_literal(&r, &s->conf, i))
            look_up(s, &r, i);
    qsort(r.all, r.n, sizeof *r.all, by_text); /* DNS servers answer in any order, so the result is sorted */
    gw_lock(&s->lock);
    bool news = !is_same(s, &r);
    if (news)
        publish(s, &r);
    gw_unlock(&s->lock);
    if (news)
        s->conf.wake(s->conf.arg);
}

static void *run(void *arg)
{
    struct resolver *s = arg;
    for (bool stop = false; !stop;) {
        do_round(s);
        gw_nsec until = gw_now() + s->conf.interval;
        gw_lock(&s->lock);
        while (!s->stop && gw_cond_wait_until(&s->stopped, &s->lock, until))
            ;
        stop = s->stop;
        gw_unlock(&s->lock);
    }
    return NULL;
}

void resolver_open(struct resolver *s, const struct resolver_conf *conf)
{
    struct round r;
    bool all = true;
    memset(&r, 0, sizeof r);
    s->conf = *conf;
    gw_lock_init(&s->lock, GW_LOCK_RESOLVER);
    gw_cond_init(&s->stopped);
    s->opened = true;
    for (unsigned i = 0; i < conf->n; i++)
        all &= add_literal(&r, conf, i);
    if (all)
        publish(s, &r);
}

bool resolver_start(struct resolver *s)
{
    if (!s->started && !s->version)
        s->started =
            gw_thread_start(&s->thread, &(struct gw_thread){"resolver", s->conf.component, run, s}, NULL);
    return s->started || s->version;
}

bool resolver_read(struct resolver *s, struct resolver_address out[static BALANCER_TARGETS], unsigned *n)
{
    gw_lock(&s->lock);
    bool news = s->version != s->read;
    if (news) {
        memcpy(out, s->addresses, sizeof s->addresses);
        *n = s->addresses_n;
        s->read = s->version;
    }
    gw_unlock(&s->lock);
    return news;
}

void resolver_close(struct resolver *s)
{
    if (!s->opened)
        return;
    if (s->started) {
        gw_lock(&s->lock);
        s->stop = true;
        pthread_cond_signal(&s->stopped);
        gw_unlock(&s->lock);
        pthread_join(s->thread, NULL);
    }
    pthread_cond_destroy(&s->stopped);
    gw_lock_fini(&s->lock);
    *s = (struct resolver){.opened = false};
}
