/* The ring of recent data: what is kept, what is replaced, who pays, and readers beside writers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>

#include "core/base/budget.h"
#include "core/delivery/recent.h"

enum { RING = 64 * 1024 };

static struct gw_budget budget;

static int setup(void **state)
{
    budget = (struct gw_budget){.limit = 1024 * 1024};
    gw_recent_open(&budget, RING, false);
    return 0;
}

static int teardown(void **state)
{
    gw_recent_close();
    return atomic_load(&budget.used) == 0 ? 0 : -1;
}

/* A text of n bytes that says which it is. */
static uint64_t put(unsigned i, size_t n)
{
    static _Thread_local char text[RING];
    memset(text, 'a' + (int)(i % 26), n);
    return gw_recent_put(&(struct gw_recent_entry){
        .kind = GW_RECENT_FRAME, .link = i, .count = n, .parts = {[GW_FRAME_DATA] = gw_str_n(text, n)}});
}

static void assert_is(const struct gw_recent_entry *e)
{
    gw_str text = e->parts[GW_FRAME_DATA];
    assert_int_equal(e->kind, GW_RECENT_FRAME);
    assert_int_equal(text.len, e->count);
    for (size_t i = 0; i < text.len; i++)
        assert_int_equal(text.ptr[i], 'a' + (int)(e->link % 26));
}

/* Reads on from the cursor; returns how many there were, and the links of the first and the last. */
static size_t read_on(struct gw_recent_cursor *c, uint64_t *first, uint64_t *last)
{
    void *page = malloc(RING);
    size_t n, larger, count = 0;
    struct gw_recent_entry e;
    while ((n = gw_recent_read(c, page, RING, &larger)))
        for (size_t at = 0; gw_recent_take(page, n, &at, &e); count++) {
            assert_is(&e);
            if (!count)
                *first = e.link;
            else
                assert_int_equal(e.link, *last + 1);
            *last = e.link;
        }
    free(page);
    return count;
}

static void nothing_is_kept_until_somebody_looks(void **state)
{
    assert_false(gw_recent_wanted());
    assert_int_equal(put(1, 10), 0);
    assert_int_equal(atomic_load(&budget.used), 0);
    gw_recent_look(gw_now());
    assert_true(gw_recent_wanted());
    assert_int_equal(atomic_load(&budget.used), RING);
    assert_true(put(2, 10) > 0);
}

static void a_minute_after_the_last_look_it_is_given_back(void **state)
{
    gw_nsec now = gw_now();
    assert_true(gw_recent_tidy(now) == GW_NEVER);
    gw_recent_look(now);
    put(1, 10);
    assert_true(gw_recent_tidy(now + 59 * GW_SEC) == now + GW_RECENT_LOOK);
    gw_recent_look(now + 50 * GW_SEC);
    gw_recent_tidy(now + 61 * GW_SEC);
    assert_true(gw_recent_wanted());
    assert_true(gw_recent_tidy(now + 111 * GW_SEC) == GW_NEVER);
    assert_false(gw_recent_wanted());
    assert_int_equal(atomic_load(&budget.used), 0);
}

static void what_was_asked_for_is_never_given_back(void **state)
{
    gw_recent_close();
    gw_recent_open(&budget, RING, true);
    assert_true(put(1, 10) > 0);
    assert_true(gw_recent_tidy(gw_now() + 3600 * GW_SEC) == GW_NEVER);
    assert_true(gw_recent_wanted());
}

static void without_memory_it_stays_away(void **state)
{
    budget.limit = RING - 1;
    gw_recent_look(gw_now());
    assert_false(gw_recent_wanted());
    assert_false(gw_recent_state().filling);
    budget.limit = RING;
    gw_recent_look(gw_now());
    assert_true(gw_recent_wanted());
}

static void the_newest_replace_the_oldest(void **state)
{
    struct gw_recent_cursor from = {0};
    uint64_t first = 0, last = 0;
    gw_recent_look(gw_now());
    for (unsigned i = 1; i <= 5000; i++)
        put(i, i * 37 % 1500);
    size_t n = read_on(&from, &first, &last);
    assert_int_equal(last, 5000);
    assert_int_equal(n, last - first + 1);
    assert_in_range(n, 60, 200);
    struct gw_recent_state_of_ring s = gw_recent_state();
    assert_in_range(s.used, RING / 2, RING);
    assert_int_equal(s.next - s.first, n);
    assert_true(s.oldest > 0);
}

static void a_cursor_goes_on_or_misses_what_is_gone(void **state)
{
    struct gw_recent_cursor c = {0};
    uint64_t first = 0, last = 0;
    gw_recent_look(gw_now());
    put(1, 100);
    put(2, 100);
    assert_int_equal(read_on(&c, &first, &last), 2);
    assert_int_equal(read_on(&c, &first, &last), 0);
    put(3, 100);
    assert_int_equal(read_on(&c, &first, &last), 1);
    assert_int_equal(first, 3);
    for (unsigned i = 4; i < 1000; i++)
        put(i, 1000);
    assert_true(read_on(&c, &first, &last) > 20);
    assert_true(first > 900);
    assert_int_equal(last, 999);
}

/* A number that a client names may be any. */
static void a_number_alone_finds_its_place(void **state)
{
    uint64_t first = 0, last = 0, numbers[20];
    gw_recent_look(gw_now());
    for (unsigned i = 0; i < 20; i++)
        numbers[i] = put(i, 50 + i);
    struct gw_recent_cursor c = {.number = numbers[7]};
    assert_int_equal(read_on(&c, &first, &last), 13);
    assert_int_equal(first, 7);
    c = (struct gw_recent_cursor){.number = numbers[7], .position = 12345};
    assert_int_equal(read_on(&c, &first, &last), 13);
    c = (struct gw_recent_cursor){.number = UINT64_MAX};
    assert_int_equal(read_on(&c, &first, &last), 0);
}

static void too_large_is_left_out_and_counted(void **state)
{
    gw_recent_look(gw_now());
    assert_true(put(1, RING / 2 - 200) > 0);
    assert_int_equal(put(2, RING / 2), 0);
    assert_int_equal(gw_recent_state().left_out, 1);
}

static void an_entry_larger_than_the_page_names_its_size(void **state)
{
    struct gw_recent_cursor c = {0};
    size_t larger, at = 0;
    struct gw_recent_entry e;
    gw_recent_look(gw_now());
    put(1, 5000);
    void *page = malloc(1000);
    assert_int_equal(gw_recent_read(&c, page, 1000, &larger), 0);
    assert_true(larger > 5000);
    page = realloc(page, larger);
    assert_int_equal(gw_recent_read(&c, page, larger, &larger), larger ? larger : gw_recent_state().used);
    assert_true(gw_recent_take(page, gw_recent_state().used, &at, &e));
    assert_is(&e);
    free(page);
}

static void one_entry_is_found_by_its_number(void **state)
{
    struct gw_recent_entry e;
    void *copy;
    gw_recent_look(gw_now());
    put(1, 10);
    uint64_t number = put(2, 20);
    put(3, 30);
    assert_true(gw_recent_find(number, &e, &copy));
    assert_int_equal(e.link, 2);
    assert_is(&e);
    free(copy);
    assert_false(gw_recent_find(number + 100, &e, &copy));
    assert_null(copy);
}

static void what_a_thread_puts_is_of_its_request(void **state)
{
    gw_recent_look(gw_now());
    assert_int_equal(gw_recent_request(), 0);
    gw_recent_begin(&(struct gw_recent_entry){.kind = GW_RECENT_REQUEST});
    assert_int_equal(gw_recent_request(), gw_recent_state().next - 1);
    gw_recent_end();
    assert_int_equal(gw_recent_request(), 0);
}

static atomic_bool stop;

static void *write_on(void *nothing)
{
    for (unsigned i = 1; !atomic_load(&stop); i++)
        put(i, i * 31 % 3000);
    return NULL;
}

static void readers_beside_writers_see_whole_entries(void **state)
{
    pthread_t writers[3];
    struct gw_recent_cursor c = {0};
    void *page = malloc(RING);
    size_t n, larger, count = 0, tidied = 0;
    struct gw_recent_entry e;
    uint64_t last = 0;
    atomic_store(&stop, false);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&writers[i], NULL, write_on, NULL), 0);
    while (count < 20000) {
        gw_recent_look(gw_now()); /* it comes and goes beside them */
        if (count >= tidied) {
            gw_recent_tidy(gw_now() + 100 * GW_SEC);
            tidied += 5000;
        }
        n = gw_recent_read(&c, page, RING, &larger);
        for (size_t at = 0; gw_recent_take(page, n, &at, &e); count++) {
            assert_is(&e);
            assert_true(e.number > last);
            last = e.number;
        }
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(writers[i], NULL);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_kept_until_somebody_looks, setup, teardown),
        cmocka_unit_test_setup_teardown(a_minute_after_the_last_look_it_is_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_asked_for_is_never_given_back, setup, teardown),
        cmocka_unit_test_setup_teardown(without_memory_it_stays_away, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_replace_the_oldest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cursor_goes_on_or_misses_what_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_number_alone_finds_its_place, setup, teardown),
        cmocka_unit_test_setup_teardown(too_large_is_left_out_and_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(an_entry_larger_than_the_page_names_its_size, setup, teardown),
        cmocka_unit_test_setup_teardown(one_entry_is_found_by_its_number, setup, teardown),
        cmocka_unit_test_setup_teardown(what_a_thread_puts_is_of_its_request, setup, teardown),
        cmocka_unit_test_setup_teardown(readers_beside_writers_see_whole_entries, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
