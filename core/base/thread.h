/* thread.h: starts threads, and stores the name and the component of each.
 *
 *     gw_thread_start(&id, &(struct gw_thread){"exp/sls", "exporter=sls", run, sender}, &err)
 *        │ blocks every signal except faults, which the kernel sends to the thread that caused them
 *        ▼
 *     new thread: name (ps -T, gdb), component and a stack for signal handlers, then run(arg)
 *
 * The main thread waits for signals; another thread that received one would end the process. SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL and SIGABRT are not blocked, because a blocked fault ends the process without the
 * report of panic.h.
 *
 * `ps -T` shows the name: the kernel keeps 15 bytes. The component is the log's word ("receiver=file"), for
 * crash reports; a thread that works for several components sets the current one with gw_thread_works_for.
 *
 * Ownership: `component` must live as long as the thread; the name is copied.
 * Threads: any may start one.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_THREAD_H
#define GW_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

#include "core/base/err.h"

enum { GW_THREAD_NAME = 16 };

struct gw_thread {
    const char *name, *component; /* component: NULL for none */
    void *(*run)(void *);
    void *arg;
};

/* False with "the system gives no thread: …" in err (which may be NULL). *id is set only on success; join it.
 * The thread ends when run returns; do not cancel it. */
bool gw_thread_start(pthread_t *id, const struct gw_thread *, struct gw_err *err) GW_MUST_CHECK;

/* The name of the calling thread; "" if gw_thread_start did not start it. */
const char *gw_thread_name(void);
const char *gw_thread_component(void);
/* Sets the component that the calling thread works for. Returns the previous one, for the caller to restore. */
const char *gw_thread_works_for(const char *component);

/* Locks that the calling thread holds, in the order in which it took them. Kept by lock.c; empty without
 * DDGATE_LOCK_ORDER. */
enum { GW_THREAD_LOCKS = 8 };
struct gw_thread_locks {
    unsigned n;
    struct gw_thread_lock {
        const void *lock;
        const char *name;
        unsigned rank; /* its row in locks.def */
    } at[GW_THREAD_LOCKS];
};
struct gw_thread_locks *gw_thread_holds(void);

/* Sets the stack for the signal handlers of the calling thread, so that a stack overflow can be reported.
 * Returns the previous one in *before. */
void gw_thread_handler_stack(void *memory, size_t size, stack_t *before);

/* The signals that faults raise. */
extern const int gw_thread_faults[5];

#endif
