/* resolver.h: which addresses the names of several backends have, now and later.
 *
 *   names ─▶ thread: getaddrinfo of each, every `interval` ─▶ addresses, a new version where they changed ─▶ resolver_read
 *
 * A name that cannot be resolved keeps the addresses that it had, with a warning in the log. The thread is there
 * because a lookup may take many seconds, which no sender can wait for. A name that is an address needs no lookup,
 * and where all are, there is no thread.
 *
 * Threads: open, close on the main thread; start, read on the sender's; `wake` is called by the resolver's.
 * Ownership: names and component are the caller's and outlive the resolver.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef OTLP_RESOLVER_H
#define OTLP_RESOLVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/base/err.h"
#include "core/base/lock.h"
#include "exporters/otlp/balancer.h"

struct resolver_name {
    const char *host;
    uint16_t port;
    bool failed; /* the resolver's: the last lookup came to nothing */
};

/* One address of a name, written as "10.0.0.1:4317" or "[2001:db8::1]:4317". */
struct resolver_address {
    char text[64];
    unsigned name;
};

struct resolver_conf {
    struct resolver_name *names;
    unsigned n;
    gw_nsec interval;
    const char *component;
    void (*wake)(void *arg);
    void *arg;
};

/* Zeroed, it may be closed. */
struct resolver {
    struct resolver_conf conf;
    bool opened, started;
    pthread_t thread;
    struct gw_lock lock;
    pthread_cond_t stopped;
    /* under lock */
    bool stop;
    unsigned version; /* 0: nothing was looked up yet */
    struct resolver_address addresses[BALANCER_TARGETS];
    unsigned addresses_n;
    unsigned read; /* the sender's: the version that it has */
};

void resolver_open(struct resolver *, const struct resolver_conf *);
void resolver_close(struct resolver *);
/* The first lookup; false when there is no thread. Once it is started, nothing more. */
bool resolver_start(struct resolver *) GW_MUST_CHECK;
/* True, with the addresses, when they changed since the last call. */
bool resolver_read(struct resolver *, struct resolver_address out[static BALANCER_TARGETS], unsigned *n);

#endif
