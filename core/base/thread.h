/* thread.h: how the process starts a thread, and what a thread knows of itself.
 *
 *     gw_thread_start(&id, &(struct gw_thread){"exp/sls", "exporter=sls", run, sender}, &err)
 *        │ blocks every signal but the faults, which the kernel sends to the thread that caused them
 *        ▼
 *     new thread: name (ps -T, gdb), component and a stack for signal handlers, then run(arg)
 *
 * Signals are the main thread's: it waits for them, and a thread that took one would end the process instead.
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT stay open, because a blocked fault ends the process without the
 * report of panic.h.
 *
 * The name is what `ps -T` shows: the kernel keeps 15 bytes. The component is the log's word
 * ("receiver=file"), for the report of a crash; a thread that works for several says which one by
 * gw_thread_works_for.
 *
 * Ownership: `component` lives as long as the thread that it was told to; the name is copied.
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
 * The thread ends by returning from run; it is not to be cancelled. */
bool gw_thread_start(pthread_t *id, const struct gw_thread *, struct gw_err *err) GW_MUST_CHECK;

/* Of the calling thread. The name is "" in threads that gw_thread_start did not make. */
const char *gw_thread_name(void);
const char *gw_thread_component(void);
/* What the calling thread works for from here on. Returns what it was, for the caller to put back. */
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

/* Stack for the handlers of the calling thread, so that a stack which has overflowed can be reported. Gives
 * back what was there. */
void gw_thread_handler_stack(void *memory, size_t size, stack_t *before);

/* The signals that a fault of ours raises. */
extern const int gw_thread_faults[5];

#endif
