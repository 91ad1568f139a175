/* panic.c: Writes the report of a crash. Owns the handlers of the fault signals and an alternate stack for the
 * main thread. Called by GW_ASSERT, by lock.c and by the kernel.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "core/base/panic.h"

#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/base/thread.h"

enum { LINE = 512, FRAMES = 64, MAIN_STACK = 64 * 1024 };

/* 0, or the thread that reports. Compared, never used to reach it. */
static atomic_uintptr_t reporter;

struct line {
    char text[LINE];
    size_t n;
};

static void put_text(struct line *l, const char *text)
{
    size_t len = strlen(text);
    if (len > LINE - 1 - l->n)
        len = LINE - 1 - l->n;
    memcpy(l->text + l->n, text, len);
    l->n += len;
}

static void put_hex(struct line *l, uintptr_t number)
{
    char digits[2 * sizeof number + 1];
    size_t at = sizeof digits - 1;
    digits[at] = '\0';
    do
        digits[--at] = "0123456789abcdef"[number & 15];
    while (number >>= 4);
    put_text(l, "0x");
    put_text(l, digits + at);
}

static void write_line(struct line *l)
{
    l->text[l->n++] = '\n';
    ssize_t written = write(STDERR_FILENO, l->text, l->n);
    (void)written; /* an error cannot be reported */
}

/* Threads of libraries have a name that only the kernel has. */
static void put_thread(struct line *l)
{
    char name[GW_THREAD_NAME + 1] = "";
    if (*gw_thread_name())
        put_text(l, gw_thread_name());
    else if (prctl(PR_GET_NAME, name) == 0)
        put_text(l, name);
}

static void write_locks(void)
{
    const struct gw_thread_locks *held = gw_thread_holds();
    struct line l = {.n = 0};
    if (!held->n)
        return;
    put_text(&l, "ddgate: holds the locks");
    for (unsigned i = 0; i < held->n && i < GW_THREAD_LOCKS; i++) {
        put_text(&l, i ? ", " : " ");
        put_text(&l, held->at[i].name);
    }
    write_line(&l);
}

static void write_stack(void)
{
    void *frames[FRAMES];
    struct line l = {.n = 0};
    put_text(&l, "ddgate: stack, for `addr2line -e ddgate -fip ADDRESS`:");
    write_line(&l);
    backtrace_symbols_fd(frames, backtrace(frames, FRAMES), STDERR_FILENO);
}

/* All of it. `what` is the first line, without its end. */
static void report(struct line *what)
{
    struct line l = {.n = 0};
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK); /* a pipe that is not read must not block the crash */
    write_line(what);
    put_text(&l, "ddgate: version " DDGATE_VERSION ", thread ");
    put_thread(&l);
    if (gw_thread_component()) {
        put_text(&l, ", component ");
        put_text(&l, gw_thread_component());
    }
    write_line(&l);
    write_locks();
    write_stack();
    fcntl(STDERR_FILENO, F_SETFL, flags);
}

/* True for the one thread that is to report. Another waits for the end that is near. */
static bool is_reporter(void)
{
    uintptr_t none = 0, self = (uintptr_t)pthread_self();
    if (atomic_compare_exchange_strong(&reporter, &none, self))
        return true;
    while (none != self)
        pause();
    return false;
}

/* --- faults that ddgate detects itself --- */

void gw_panic(const char *fmt, ...)
{
    struct line l = {.n = 0};
    char text[256];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    put_text(&l, "ddgate: internal error: ");
    put_text(&l, text);
    put_text(&l, "; please report this");
    if (is_reporter())
        report(&l);
    abort();
}

void gw_assert_failed(const char *cond, const char *file, int line)
{
    gw_panic("%s does not hold at %s:%d", cond, file, line);
}

/* --- those that the processor notices --- */

static const char *name_of(int number)
{
    switch (number) {
    case SIGSEGV:
        return "SIGSEGV, a reference to memory that is not there";
    case SIGBUS:
        return "SIGBUS, a reference to memory that cannot be reached";
    case SIGFPE:
        return "SIGFPE, arithmetic without a result";
    case SIGILL:
        return "SIGILL, no instruction";
    default:
        return "SIGABRT";
    }
}

/* A signal that the kernel raised is raised again when the instruction is retried, and then ends the process
 * with its registers intact. A signal from another process is not raised again, so it is sent again here. */
static void end_by(int number, const siginfo_t *info)
{
    signal(number, SIG_DFL);
    if (info->si_code <= 0)
        raise(number);
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct line l = {.n = 0};
    (void)context;
    if (is_reporter()) {
        put_text(&l, "ddgate: ended by ");
        put_text(&l, name_of(number));
        if (info->si_code > 0) {
            put_text(&l, ", at ");
            put_hex(&l, (uintptr_t)info->si_addr);
        }
        put_text(&l, "; please report this");
        report(&l);
    }
    end_by(number, info);
}

void gw_panic_install(void)
{
    static char stack[MAIN_STACK];
    stack_t before;
    void *frames[1];
    struct sigaction ours = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK}, old;
    backtrace(frames, 1); /* loads the unwinder, which a handler may not */
    sigaltstack(NULL, &before);
    if (before.ss_flags & SS_DISABLE)
        gw_thread_handler_stack(stack, sizeof stack, &before);
    for (size_t i = 0; i < sizeof gw_thread_faults / sizeof *gw_thread_faults; i++)
        sigaddset(&ours.sa_mask, gw_thread_faults[i]); /* a fault within the report ends it */
    for (size_t i = 0; i < sizeof gw_thread_faults / sizeof *gw_thread_faults; i++)
        if (sigaction(gw_thread_faults[i], NULL, &old) == 0 && !(old.sa_flags & SA_SIGINFO) &&
            old.sa_handler == SIG_DFL)
            sigaction(gw_thread_faults[i], &ours, NULL);
}
