/* resolver.h: resolves the names of several backends, and follows changes of their addresses.
 *
 *   names ─▶ thread: getaddrinfo of each, every `interval` ─▶ addresses, a new version if changed ─▶ resolver_read
 *
 * A name that cannot be resolved keeps its last addresses, with a warning in the log. A lookup may take many
 * seconds, so it has its own thread and no sender waits for it. A name that is an address needs no lookup; if
 * all are addresses, there is no thread.
 *
 * Threads: open, close on the main thread; start, read on the sender's; the resolver's thread calls `wake`.
 * Ownership: names and component belong to the caller and outlive the resolver.
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
    bool failed; /* used by the resolver's thread: the last lookup failed */
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

/* A zeroed struct may be closed. */
struct resolver {
    struct resolver_conf conf;
    bool opened, started;
    pthread_t thread;
    struct gw_lock lock;
    pthread_cond_t stopped;
    /* Under lock. */
    bool stop;
    unsigned version; /* 0: no lookup yet */
    struct resolver_address addresses[BALANCER_TARGETS];
    unsigned addresses_n;
    unsigned read; /* used by the sender's thread: the version that it has */
};

void resolver_open(struct resolver *, const struct resolver_conf *);
void resolver_close(struct resolver *);
/* Does the first lookup and starts the thread. Returns false if there is no thread. Further calls do
 * nothing. */
bool resolver_start(struct resolver *) GW_MUST_CHECK;
/* Returns true, with the addresses, if they changed since the last call. */
bool resolver_read(struct resolver *, struct resolver_address out[static BALANCER_TARGETS], unsigned *n);

#endif
