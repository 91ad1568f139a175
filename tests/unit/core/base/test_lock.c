/* The order of locks: what is right passes, and each kind of misuse ends the process with the names of the
 * locks. Without DDGATE_LOCK_ORDER nothing is checked, and a lock is a mutex.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/core/base/crash.h"

#include <signal.h>
#include <string.h>

#include "core/base/lock.h"
#include "core/base/thread.h"

static struct gw_lock outer, outer2, middle, inner = GW_LOCK_STATIC(LOG);
static pthread_cond_t cond;

static int setup(void **state)
{
    (void)state;
    gw_lock_init(&outer, GW_LOCK_PIPELINE);
    gw_lock_init(&outer2, GW_LOCK_PIPELINE);
    gw_lock_init(&middle, GW_LOCK_QUEUE);
    gw_cond_init(&cond);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pthread_cond_destroy(&cond);
    gw_lock_fini(&outer);
    gw_lock_fini(&outer2);
    gw_lock_fini(&middle);
    return 0;
}

static void in_order(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        gw_lock(&outer);
        gw_lock(&middle);
        gw_lock(&inner);
        gw_unlock(&middle); /* given back in any order */
        gw_unlock(&inner);
        gw_unlock(&outer);
    }
    assert_int_equal(gw_thread_holds()->n, 0);
}

static void *try_inner(void *arg)
{
    *(bool *)arg = gw_trylock(&inner);
    return NULL;
}

static void try(void **state)
{
    pthread_t id;
    bool taken = true;
    (void)state;
    gw_lock(&inner);
    assert_true(gw_trylock(&outer)); /* out of order, which a try may be */
    assert_int_equal(pthread_create(&id, NULL, try_inner, &taken), 0);
    pthread_join(id, NULL);
    assert_false(taken);
    gw_unlock(&outer);
    gw_unlock(&inner);
}

static void waits_end(void **state)
{
    (void)state;
    gw_lock(&middle);
    while (gw_cond_wait_until(&cond, &middle, gw_now() + GW_MSEC)) /* past some time, and held again */
        ;
    assert_false(gw_trylock(&middle));
    gw_unlock(&middle);
}

#ifdef DDGATE_LOCK_ORDER

static void assert_panics(void (*f)(void *), const char *what)
{
    struct crash c;
    crash_of(&c, f, NULL);
    assert_int_equal(c.signal, SIGABRT);
    if (!strstr(c.text, what))
        fail_msg("\"%s\" is not in:\n%s", what, c.text);
}

static void wrong_way(void *arg)
{
    (void)arg;
    gw_lock(&middle);
    gw_lock(&outer);
}

static void twice(void *arg)
{
    (void)arg;
    gw_lock(&middle);
    gw_lock(&middle);
}

static void two_of_a_kind(void *arg)
{
    (void)arg;
    gw_lock(&outer);
    gw_lock(&outer2);
}

static void behind_a_try(void *arg)
{
    (void)arg;
    gw_lock(&inner);
    (void)gw_trylock(&outer);
    gw_lock(&middle);
}

static void not_held(void *arg)
{
    (void)arg;
    gw_lock(&outer);
    gw_unlock(&middle);
}

static void sleep_with_another(void *arg)
{
    (void)arg;
    gw_lock(&outer);
    gw_lock(&middle);
    gw_cond_wait_until(&cond, &middle, gw_now());
}

static void misuse(void **state)
{
    (void)state;
    assert_panics(
        wrong_way,
        "ddgate: internal error: lock PIPELINE is taken while QUEUE is held, which locks.def has below it");
    assert_panics(wrong_way, "ddgate: holds the locks QUEUE\n");
    assert_panics(twice, "lock QUEUE is taken twice");
    assert_panics(two_of_a_kind, "lock PIPELINE is taken while another of its kind is held");
    assert_panics(behind_a_try, "lock QUEUE is taken while LOG is held");
    assert_panics(behind_a_try, "ddgate: holds the locks LOG, PIPELINE\n");
    assert_panics(not_held, "lock QUEUE is given back by a thread that does not hold it");
    assert_panics(sleep_with_another, "lock PIPELINE is held while the thread sleeps on QUEUE");
}

#else

static void misuse(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct gw_lock), sizeof(pthread_mutex_t));
    gw_lock(&middle);
    gw_lock(&outer);
    assert_int_equal(gw_thread_holds()->n, 0);
    gw_unlock(&outer);
    gw_unlock(&middle);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order),
        cmocka_unit_test(try),
        cmocka_unit_test(waits_end),
        cmocka_unit_test(misuse),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
