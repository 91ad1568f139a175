/* What a crash leaves on standard error: of an assertion, of each fault, in a thread, of a stack that has
 * overflowed, and of a standard error that nobody reads.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/core/base/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/panic.h"
#include "core/base/thread.h"

/* A sanitizer reports faults itself, and its report stays. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define SANITIZED true
#else
#define SANITIZED false
#endif

static void assert_says(const struct crash *c, const char *what)
{
    if (!strstr(c->text, what))
        fail_msg("\"%s\" is not in:\n%s", what, c->text);
}

static void assert_has_stack(const struct crash *c)
{
    const char *stack = strstr(c->text, "ddgate: stack, for `addr2line -e ddgate -fip ADDRESS`:\n");
    assert_non_null(stack);
    stack = strchr(stack, '\n') + 1;
    assert_non_null(strstr(stack, "test_panic(")); /* a frame of this program, with its offset in it */
    assert_non_null(strstr(stack, "(+0x"));
}

static void fail_an_assertion(void *arg)
{
    size_t len = 2, cap = 1;
    (void)arg;
    GW_ASSERT(len <= cap);
}

static void installed_then(void *arg)
{
    void (*f)(void *) = *(void (**)(void *))arg;
    gw_panic_install();
    f(NULL);
}

static void crash_installed(struct crash *c, void (*f)(void *))
{
    crash_of(c, installed_then, &f);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    while ((text = strstr(text, what)) != NULL)
        text += strlen(what), n++;
    return n;
}

static void assertion(void **state)
{
    struct crash c;
    (void)state;
    crash_installed(&c, fail_an_assertion);
    assert_int_equal(c.signal, SIGABRT);
    assert_says(&c, "ddgate: internal error: len <= cap does not hold at ");
    assert_says(&c, "test_panic.c:");
    assert_says(&c, "; please report this\nddgate: version " DDGATE_VERSION ", thread test_panic\n");
    assert_has_stack(&c);
    assert_int_equal(count(c.text, "ddgate: stack"), 1); /* SIGABRT, which follows, has nothing to add */
}

/* In a test, say, or in a command that ends soon. */
static void assertion_without_handlers(void **state)
{
    struct crash c;
    (void)state;
    crash_of(&c, fail_an_assertion, NULL);
    assert_int_equal(c.signal, SIGABRT);
    assert_says(&c, "len <= cap does not hold");
    assert_has_stack(&c);
}

static void *assert_in_thread(void *arg)
{
    gw_thread_works_for("receiver=tcp");
    fail_an_assertion(arg);
    return NULL;
}

static void start_and_fail(void *arg)
{
    pthread_t id;
    (void)arg;
    if (gw_thread_start(&id, &(struct gw_thread){"log/tcp", "receiver=file", assert_in_thread, NULL}, NULL))
        pthread_join(id, NULL);
}

static void thread_and_component(void **state)
{
    struct crash c;
    (void)state;
    crash_installed(&c, start_and_fail);
    assert_int_equal(c.signal, SIGABRT);
    assert_says(&c, ", thread log/tcp, component receiver=tcp\n");
}

static void call_abort(void *arg)
{
    (void)arg;
    abort();
}

static void abort_of_a_library(void **state)
{
    struct crash c;
    (void)state;
    crash_installed(&c, call_abort);
    assert_int_equal(c.signal, SIGABRT);
    assert_says(&c, "ddgate: ended by SIGABRT; please report this\n");
    assert_has_stack(&c);
}

static void touch_nothing(void *arg)
{
    volatile int *nowhere = (volatile int *)(uintptr_t)0xddb0;
    (void)arg;
    *nowhere = 1;
}

static void reference_to_nothing(void **state)
{
    struct crash c;
    (void)state;
    if (SANITIZED)
        skip();
    crash_installed(&c, touch_nothing);
    assert_int_equal(c.signal, SIGSEGV);
    assert_says(
        &c,
        "ddgate: ended by SIGSEGV, a reference to memory that is not there, at 0xddb0; please report this\n");
    assert_has_stack(&c);
}

static void *touch_in_thread(void *arg)
{
    touch_nothing(arg);
    return NULL;
}

static void start_and_touch(void *arg)
{
    pthread_t id;
    (void)arg;
    if (gw_thread_start(&id, &(struct gw_thread){"exp/otlp", "exporter=otlp", touch_in_thread, NULL}, NULL))
        pthread_join(id, NULL);
}

/* All of a thread's signals are blocked but these. */
static void in_a_thread(void **state)
{
    struct crash c;
    (void)state;
    if (SANITIZED)
        skip();
    crash_installed(&c, start_and_touch);
    assert_int_equal(c.signal, SIGSEGV);
    assert_says(&c, "ended by SIGSEGV");
    assert_says(&c, ", thread exp/otlp, component exporter=otlp\n");
}

static volatile unsigned depth;

__attribute__((noinline)) static unsigned deeper(const volatile char *outer)
{
    volatile char room[4096];
    room[0] = outer[0];
    return ++depth ? deeper(room) + (unsigned char)room[0] : 0;
}

static void overflow(void *arg)
{
    volatile char first[1] = {0};
    (void)arg;
    deeper(first);
}

static void *overflow_in_thread(void *arg)
{
    overflow(arg);
    return NULL;
}

static void start_and_overflow(void *arg)
{
    pthread_t id;
    (void)arg;
    if (gw_thread_start(&id, &(struct gw_thread){"recv/file", "receiver=file", overflow_in_thread, NULL},
                        NULL))
        pthread_join(id, NULL);
}

static void stack_overflow(void **state)
{
    struct crash c;
    (void)state;
    if (SANITIZED)
        skip();
    crash_installed(&c, overflow);
    assert_int_equal(c.signal, SIGSEGV);
    assert_says(&c, "ended by SIGSEGV");
    crash_installed(&c, start_and_overflow);
    assert_int_equal(c.signal, SIGSEGV);
    assert_says(&c, ", thread recv/file, component receiver=file\n");
}

static void raise_each(void *arg)
{
    raise(*(const int *)arg);
}

static int wanted;

static void install_and_raise(void *arg)
{
    gw_panic_install();
    raise_each(arg);
}

static void each_fault(void **state)
{
    (void)state;
    if (SANITIZED)
        skip();
    for (size_t i = 0; i < sizeof gw_thread_faults / sizeof *gw_thread_faults; i++) {
        struct crash c;
        wanted = gw_thread_faults[i];
        crash_of(&c, install_and_raise, &wanted);
        assert_int_equal(c.signal, wanted);
        assert_says(&c, "ddgate: ended by SIG");
        assert_has_stack(&c);
    }
}

static void fill_then_fail(void *arg)
{
    char block[4096] = {0};
    int flags = fcntl(STDERR_FILENO, F_GETFL);
    fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
    while (write(STDERR_FILENO, block, sizeof block) > 0)
        ;
    fcntl(STDERR_FILENO, F_SETFL, flags);
    fail_an_assertion(arg);
}

/* The report is lost; the process is not kept alive by it. */
static void nobody_reads(void **state)
{
    int fds[2], status;
    (void)state;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(fds[1], STDERR_FILENO);
        gw_panic_install();
        fill_then_fail(NULL);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertion),
        cmocka_unit_test(assertion_without_handlers),
        cmocka_unit_test(thread_and_component),
        cmocka_unit_test(abort_of_a_library),
        cmocka_unit_test(reference_to_nothing),
        cmocka_unit_test(in_a_thread),
        cmocka_unit_test(stack_overflow),
        cmocka_unit_test(each_fault),
        cmocka_unit_test(nobody_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
