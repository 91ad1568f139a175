/* The index, the list and the timers: everything is found, nothing costs more because there is more.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/file/file_reader.h"

enum { MANY = 10000 };

static size_t longest_chain(const struct file_index *ix)
{
    size_t longest = 0, n = ix->more ? ix->more_n : FILE_INDEX_FIRST;
    for (size_t i = 0; i < n; i++) {
        size_t length = 0;
        for (const struct file_index_link *l = ix->more ? ix->more[i] : ix->first[i]; l; l = l->next)
            length++;
        longest = length > longest ? length : longest;
    }
    return longest;
}

/* Watches count from 1; inodes often do so in steps. */
static void a_key_is_found_in_a_few_steps(void **state)
{
    static struct file_index_link links[MANY];
    static const uint64_t steps[] = {1, 8, 64, 1 << 20};
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        struct file_index ix = {0};
        for (size_t i = 0; i < MANY; i++)
            file_index_add(&ix, &links[i], i * steps[s], &links[i]);
        assert_true(longest_chain(&ix) <= 16);
        for (size_t i = 0; i < MANY; i++) {
            assert_ptr_equal(file_index_find(&ix, i * steps[s]), &links[i]);
            assert_null(file_index_next(&links[i]));
        }
        assert_null(file_index_find(&ix, MANY * steps[s]));
        for (size_t i = 0; i < MANY; i += 2)
            file_index_remove(&ix, &links[i]);
        file_index_remove(&ix, &links[0]); /* once more */
        for (size_t i = 0; i < MANY; i++)
            assert_ptr_equal(file_index_find(&ix, i * steps[s]), i % 2 ? &links[i] : NULL);
        assert_int_equal(ix.n, MANY / 2);
        for (size_t i = 0; i < MANY; i++)
            file_index_remove(&ix, &links[i]);
        file_index_fini(&ix);
    }
}

static void several_may_have_one_key(void **state)
{
    struct file_index ix = {0};
    struct file_index_link a = {0}, b = {0}, c = {0};
    int one, two, three;
    file_index_add(&ix, &a, 7, &one);
    file_index_add(&ix, &b, 7, &two);
    file_index_add(&ix, &c, 7 + FILE_INDEX_FIRST, &three);
    size_t n = 0;
    for (struct file_index_link *l = file_index_find(&ix, 7); l; l = file_index_next(l), n++)
        assert_true(l->of == &one || l->of == &two);
    assert_int_equal(n, 2);
    file_index_add(&ix, &a, 8, &one); /* another key */
    assert_ptr_equal(file_index_find(&ix, 7)->of, &two);
    assert_ptr_equal(file_index_find(&ix, 8)->of, &one);
    file_index_fini(&ix);
}

static void a_list_keeps_its_order(void **state)
{
    struct file_list list = {0};
    struct file_tail t[4] = {0};
    for (int i = 0; i < 4; i++)
        file_list_append(&list, &t[i].queued, &t[i]);
    file_list_append(&list, &t[1].queued, &t[1]); /* to the end */
    file_list_remove(&list, &t[3].queued);
    file_list_remove(&list, &t[3].queued);
    assert_int_equal(list.n, 3);
    assert_ptr_equal(file_list_next(&list), &t[0]);
    assert_ptr_equal(file_list_next(&list), &t[2]);
    assert_ptr_equal(file_list_next(&list), &t[1]);
    assert_null(file_list_next(&list));
    assert_null(list.last);
}

static void timers_come_in_the_order_of_their_times(void **state)
{
    static struct file_tail t[MANY];
    struct file_timers timers = {0};
    assert_true(file_timers_reserve(&timers, MANY));
    for (size_t i = 0; i < MANY; i++)
        file_timers_set(&timers, &t[i].timer, &t[i], (gw_nsec)(i * 7919 % MANY));
    for (size_t i = 0; i < MANY; i += 3)
        file_timers_set(&timers, &t[i].timer, &t[i], (gw_nsec)(i * 7919 % MANY + MANY)); /* later */
    for (size_t i = 1; i < MANY; i += 3)
        file_timers_set(&timers, &t[i].timer, &t[i], GW_NEVER);
    gw_nsec last = -1;
    size_t n = 0;
    for (struct file_tail *one; (one = file_timers_next(&timers, 2 * MANY)); n++) {
        assert_true(one->timer.due >= last);
        assert_true((one - t) % 3 != 1);
        last = one->timer.due;
    }
    assert_int_equal(n, MANY - MANY / 3);
    assert_int_equal(file_timers_first(&timers), GW_NEVER);
    file_timers_set(&timers, &t[0].timer, &t[0], 10);
    assert_null(file_timers_next(&timers, 9));
    assert_ptr_equal(file_timers_next(&timers, 10), &t[0]);
    file_timers_fini(&timers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_found_in_a_few_steps),
        cmocka_unit_test(several_may_have_one_key),
        cmocka_unit_test(a_list_keeps_its_order),
        cmocka_unit_test(timers_come_in_the_order_of_their_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
