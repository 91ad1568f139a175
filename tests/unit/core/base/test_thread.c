/* What a thread is born with: its name, its component, its signal mask, a stack for handlers; and what is
 * said when there is none.
 * SPDX-License-Identifier: Apache-2.0
 */
#define _GNU_SOURCE /* pthread_getname_np */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/thread.h"

struct seen {
    char kernel_name[32], name[GW_THREAD_NAME];
    const char *component;
    sigset_t mask;
    stack_t handler_stack;
};

static void *look(void *arg)
{
    struct seen *s = arg;
    pthread_getname_np(pthread_self(), s->kernel_name, sizeof s->kernel_name);
    memcpy(s->name, gw_thread_name(), sizeof s->name);
    s->component = gw_thread_component();
    pthread_sigmask(SIG_SETMASK, NULL, &s->mask);
    sigaltstack(NULL, &s->handler_stack);
    return s;
}

static struct seen start_and_look(const char *name)
{
    struct seen s;
    struct gw_err err;
    pthread_t id;
    void *result;
    assert_true(gw_thread_start(&id, &(struct gw_thread){name, "receiver=file", look, &s}, &err));
    pthread_join(id, &result);
    assert_ptr_equal(result, &s);
    return s;
}

static void name_and_component(void **state)
{
    struct seen s = start_and_look("recv/file");
    (void)state;
    assert_string_equal(s.kernel_name, "recv/file");
    assert_string_equal(s.name, "recv/file");
    assert_string_equal(s.component, "receiver=file");
}

static void long_name(void **state)
{
    struct seen s = start_and_look("exp/0123456789abcdef");
    (void)state;
    assert_string_equal(s.kernel_name, "exp/0123456789a");
    assert_string_equal(s.name, "exp/0123456789a");
}

static void signals_are_mains(void **state)
{
    static const int ours[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGUSR1, SIGALRM, SIGCHLD};
    sigset_t before, after;
    (void)state;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct seen s = start_and_look("t");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        assert_int_equal(sigismember(&s.mask, ours[i]), 1);
    for (size_t i = 0; i < sizeof gw_thread_faults / sizeof *gw_thread_faults; i++)
        assert_int_equal(sigismember(&s.mask, gw_thread_faults[i]), 0);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int number = 1; number < 32; number++)
        assert_int_equal(sigismember(&after, number), sigismember(&before, number));
}

static void handlers_have_a_stack(void **state)
{
    struct seen s = start_and_look("t");
    (void)state;
    assert_int_equal(s.handler_stack.ss_flags & SS_DISABLE, 0);
    assert_true(s.handler_stack.ss_size >= 32 * 1024);
}

static void works_for(void **state)
{
    (void)state;
    assert_null(gw_thread_works_for("receiver=a"));
    assert_string_equal(gw_thread_works_for("receiver=b"), "receiver=a");
    assert_string_equal(gw_thread_component(), "receiver=b");
    gw_thread_works_for(NULL);
}

/* In a child whose address space may not grow: stacks do not fit. */
static void no_thread(void **state)
{
    (void)state;
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
    skip(); /* their shadow is larger than any limit */
#else
    pid_t child = fork();
    if (child == 0) {
        struct gw_err err = {0};
        pthread_t id;
        struct seen s;
        setrlimit(RLIMIT_AS, &(struct rlimit){32 << 20, 32 << 20});
        pthread_attr_t attr;
        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, (size_t)1 << 30);
        pthread_setattr_default_np(&attr);
        bool started = gw_thread_start(&id, &(struct gw_thread){"t", NULL, look, &s}, &err);
        _exit(started || strncmp(err.what, "the system gives no thread: ", 28) != 0 || !err.what[28]);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name_and_component), cmocka_unit_test(long_name),
        cmocka_unit_test(signals_are_mains),  cmocka_unit_test(handlers_have_a_stack),
        cmocka_unit_test(works_for),          cmocka_unit_test(no_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
