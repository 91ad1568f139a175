/* crash.h: a child process that is to crash, and what it left behind.
 *
 *     struct crash c = crash_of(do_it, NULL) ─▶ c.signal, c.text (standard error)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CRASH_H
#define CRASH_H

#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/thread.h"

struct crash {
    int signal; /* 0: the child ended by itself */
    char text[16384];
};

/* Runs f(arg) in a child whose core is not dumped. */
static inline void crash_of(struct crash *c, void (*f)(void *), void *arg)
{
    int fds[2], status;
    size_t n = 0;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        for (size_t i = 0; i < sizeof gw_thread_faults / sizeof *gw_thread_faults; i++)
            signal(gw_thread_faults[i], SIG_DFL); /* not cmocka's */
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        f(arg);
        _exit(0);
    }
    close(fds[1]);
    for (ssize_t got;
         n < sizeof c->text - 1 && (got = read(fds[0], c->text + n, sizeof c->text - 1 - n)) > 0;)
        n += (size_t)got;
    c->text[n] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    c->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
