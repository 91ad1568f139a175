/* thread.c: Starts threads with a name, a component, the signal mask of a thread that is not main, and a stack
 * for signal handlers. Owns the thread-local name and component and the list of held locks, which panic.c
 * prints. Called by every module that runs a loop of its own: senders, receivers, HTTP workers, the disk
 * queue.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* pthread_setname_np */
#include "core/base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/pulse.h"

enum { HANDLER_STACK = 64 * 1024 };

struct start {
    char name[GW_THREAD_NAME];
    const char *component;
    void *(*run)(void *);
    void *arg;
    stack_t before;
    char handler_stack[HANDLER_STACK]; /* not touched, and so no memory, until a handler runs */
};

static _Thread_local struct {
    char name[GW_THREAD_NAME];
    const char *component;
    struct gw_thread_locks holds;
} self;

const int gw_thread_faults[5] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

const char *gw_thread_name(void)
{
    return self.name;
}

const char *gw_thread_component(void)
{
    return self.component;
}

const char *gw_thread_works_for(const char *component)
{
    const char *before = self.component;
    self.component = component;
    return before;
}

struct gw_thread_locks *gw_thread_holds(void)
{
    return &self.holds;
}

void gw_thread_handler_stack(void *memory, size_t size, stack_t *before)
{
    const stack_t ours = {.ss_sp = memory, .ss_size = size};
    sigaltstack(&ours, before);
}

static void *begin(void *arg)
{
    struct start *s = arg;
    memcpy(self.name, s->name, sizeof self.name);
    gw_thread_works_for(s->component);
    pthread_setname_np(pthread_self(), s->name);
    gw_thread_handler_stack(s->handler_stack, sizeof s->handler_stack, &s->before);
    gw_pulse_begin(s->name);
    void *result = s->run(s->arg);
    gw_pulse_end();
    sigaltstack(&s->before, NULL); /* a sanitizer's own stack, if there was one, is put back */
    free(s);
    return result;
}

static int create_masked(pthread_t *id, struct start *s)
{
    sigset_t mask, before;
    sigfillset(&mask);
    for (size_t i = 0; i < sizeof gw_thread_faults / sizeof *gw_thread_faults; i++)
        sigdelset(&mask, gw_thread_faults[i]);
    pthread_sigmask(SIG_SETMASK, &mask, &before);
    int error = pthread_create(id, NULL, begin, s);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

bool gw_thread_start(pthread_t *id, const struct gw_thread *what, struct gw_err *err)
{
    struct start *s = malloc(sizeof *s);
    if (!s)
        return gw_fail(err, GW_BUSY, 0, "the system gives no thread: no memory") == GW_OK;
    snprintf(s->name, sizeof s->name, "%s", what->name);
    s->component = what->component;
    s->run = what->run;
    s->arg = what->arg;
    int error = create_masked(id, s);
    if (error == 0)
        return true;
    free(s);
    return gw_fail(err, GW_BUSY, 0, "the system gives no thread: %s", strerror(error)) == GW_OK;
}
