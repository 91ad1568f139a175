/* Whose turn lasts too long is found; who waits, has ended, or was never looked at, is not.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <pthread.h>

#include <cmocka.h>

#include "core/base/pulse.h"
#include "core/base/thread.h"

enum act { REST, WORK, END };

struct puppet {
    pthread_t thread;
    pthread_barrier_t told, done;
    enum act act;
    gw_nsec at;
};

static void *run(void *arg)
{
    struct puppet *p = arg;
    for (bool end = false; !end;) {
        pthread_barrier_wait(&p->told);
        if (p->act == WORK)
            gw_pulse_works(p->at);
        else
            gw_pulse_rests();
        end = p->act == END;
        pthread_barrier_wait(&p->done);
    }
    gw_pulse_works(p->at); /* it ends in the middle of a turn */
    return NULL;
}

static void start(struct puppet *p, const char *name)
{
    pthread_barrier_init(&p->told, NULL, 2);
    pthread_barrier_init(&p->done, NULL, 2);
    assert_true(gw_thread_start(&p->thread, &(struct gw_thread){name, NULL, run, p}, NULL));
}

static void tell(struct puppet *p, enum act act, gw_nsec at)
{
    p->act = act;
    p->at = at;
    pthread_barrier_wait(&p->told);
    pthread_barrier_wait(&p->done);
}

static void end(struct puppet *p)
{
    tell(p, END, 1);
    pthread_join(p->thread, NULL);
    pthread_barrier_destroy(&p->told);
    pthread_barrier_destroy(&p->done);
}

static void finds_who_is_stuck(void **state)
{
    struct puppet worker = {0}, sender = {0};
    char name[32];
    start(&worker, "http/0");
    start(&sender, "exp/backend");
    assert_false(gw_pulse_stuck(100 * GW_SEC, GW_SEC, name, sizeof name)); /* neither has begun */
    tell(&worker, WORK, 10 * GW_SEC);
    tell(&sender, WORK, 20 * GW_SEC);
    assert_false(gw_pulse_stuck(30 * GW_SEC, 20 * GW_SEC, name, sizeof name));
    assert_true(gw_pulse_stuck(31 * GW_SEC, 20 * GW_SEC, name, sizeof name));
    assert_string_equal(name, "http/0");
    tell(&worker, REST, 0);
    assert_false(gw_pulse_stuck(31 * GW_SEC, 20 * GW_SEC, name, sizeof name));
    assert_true(gw_pulse_stuck(41 * GW_SEC, 20 * GW_SEC, name, sizeof name));
    assert_string_equal(name, "exp/backend");
    assert_true(gw_pulse_stuck(41 * GW_SEC, 20 * GW_SEC, name, 5));
    assert_string_equal(name, "exp/");
    end(&sender);
    end(&worker);
    assert_false(gw_pulse_stuck(1000 * GW_SEC, GW_SEC, name, sizeof name));
}

static void more_threads_than_places(void **state)
{
    static struct puppet many[300];
    char name[32];
    for (int i = 0; i < 300; i++)
        start(&many[i], "many");
    for (int i = 0; i < 300; i++)
        tell(&many[i], REST, 0);
    assert_false(gw_pulse_stuck(1000 * GW_SEC, GW_SEC, name, sizeof name));
    for (int i = 0; i < 300; i++)
        end(&many[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_who_is_stuck),
                                       cmocka_unit_test(more_threads_than_places)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
