/* The book: offsets follow the settled front of what was flushed, in any order of settling and on any thread.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <pthread.h>
#include <unistd.h>
/* cmocka wants the four before it */
#include <cmocka.h>

#include "gateway/receivers/file/offset_tracker.h"

static struct offset_tracker *new_tracker(void)
{
    struct file_offsets none = {0};
    struct offset_tracker *b = offset_tracker_new("", false, &none);
    assert_non_null(b);
    return b;
}

static struct file_entry *add(struct offset_tracker *b, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/var/log/%s", name);
    struct file_entry *e = offset_tracker_add(b, &(struct file_saved){.path = path});
    assert_non_null(e);
    return e;
}

static struct gw_ack_callback *flush(struct offset_tracker *b, struct file_entry *e, uint64_t to)
{
    offset_tracker_touch(b, e, to);
    struct gw_ack_callback *r = offset_tracker_ack(b);
    assert_non_null(r);
    return r;
}

static void settle(struct gw_ack_callback *r, bool kept)
{
    r->settled(r, kept);
}

static void safe_follows_the_settled_front(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct file_entry *e = add(b, "a");
    struct gw_ack_callback *one = flush(b, e, 10), *two = flush(b, e, 20), *three = flush(b, e, 30);
    assert_false(offset_tracker_settled(b, e));
    settle(two, true);
    assert_int_equal(offset_tracker_safe(b, e), 0);
    settle(one, true);
    assert_int_equal(offset_tracker_safe(b, e), 20);
    settle(three, true);
    assert_int_equal(offset_tracker_safe(b, e), 30);
    assert_true(offset_tracker_settled(b, e));
    offset_tracker_drop(b);
}

static void a_flush_holds_what_was_touched(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct file_entry *one = add(b, "1"), *two = add(b, "2");
    offset_tracker_touch(b, one, 5);
    offset_tracker_touch(b, one, 7);
    struct gw_ack_callback *both = flush(b, two, 100), *none = offset_tracker_ack(b);
    settle(none, true);
    assert_int_equal(offset_tracker_safe(b, one), 0);
    settle(both, true);
    assert_int_equal(offset_tracker_safe(b, one), 7);
    assert_int_equal(offset_tracker_safe(b, two), 100);
    offset_tracker_drop(b);
}

static void what_was_given_up_is_read_again(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct file_entry *e = add(b, "a");
    uint64_t safe = 99;
    struct gw_ack_callback *one = flush(b, e, 10), *two = flush(b, e, 20), *three = flush(b, e, 30);
    settle(three, true);
    settle(one, true);
    assert_false(offset_tracker_rewind(b, e, &safe));
    settle(two, false);
    assert_int_equal(offset_tracker_safe(b, e), 10);
    assert_true(offset_tracker_rewind(b, e, &safe));
    assert_int_equal(safe, 10);
    settle(flush(b, e, 30), true);
    assert_int_equal(offset_tracker_safe(b, e), 30);
    offset_tracker_drop(b);
}

static void a_forgotten_entry_outlives_its_marks_only(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct file_entry *old = add(b, "a"), *new = add(b, "a");
    struct gw_ack_callback *one = flush(b, old, 1000);
    offset_tracker_remove(b, old);
    settle(flush(b, new, 10), true);
    settle(one, true);
    assert_int_equal(offset_tracker_safe(b, new), 10);
    assert_ptr_equal(offset_tracker_first(b), new);
    assert_null(new->next);
    offset_tracker_remove(b, new);
    offset_tracker_drop(b);
}

static void skips_only_move_what_rests(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct file_entry *e = add(b, "a");
    offset_tracker_skip(b, e, 3);
    assert_int_equal(offset_tracker_safe(b, e), 3);
    struct gw_ack_callback *one = flush(b, e, 10);
    offset_tracker_skip(b, e, 12);
    assert_int_equal(offset_tracker_safe(b, e), 3);
    settle(one, true);
    offset_tracker_skip(b, e, 12);
    assert_int_equal(offset_tracker_safe(b, e), 12);
    offset_tracker_drop(b);
}

static void ack_outlive_the_reader(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct gw_ack_callback *one = flush(b, add(b, "a"), 10);
    offset_tracker_drop(b);
    settle(one, false); /* a sanitizer sees what is freed too early, or never */
}

/* A reload closes the receiver and opens it again: flushes that are under way are not read twice. */
static void a_tracker_that_lives_goes_on(void **state)
{
    struct file_offsets one = {0};
    struct offset_tracker *b = offset_tracker_new("x", true, &one),
                          *other = offset_tracker_new("y", true, &one);
    struct file_entry *e = add(b, "a");
    struct gw_ack_callback *kept = flush(b, e, 10), *given_up = flush(b, e, 20);
    e->open = true;
    offset_tracker_drop(b);
    struct offset_tracker *again = offset_tracker_find("x");
    assert_ptr_equal(again, b);
    assert_ptr_not_equal(again, other);
    assert_false(e->open);
    settle(kept, true);
    assert_int_equal(offset_tracker_safe(again, e), 10);
    assert_int_equal(offset_tracker_reached(again, e), 20);
    settle(given_up, false);
    assert_int_equal(offset_tracker_reached(again, e), 10);
    offset_tracker_drop(again);
    offset_tracker_drop(other);
}

static void the_tracker_is_saved_when_it_changed(void **state)
{
    char path[] = "/tmp/ddgate-book-XXXXXX", why[FILE_ERROR_SIZE];
    int fd = mkstemp(path);
    struct file_offsets read = {0};
    struct offset_tracker *b = offset_tracker_new(path, false, &read);
    struct file_entry *e = add(b, "a");
    assert_non_null(b);
    assert_true(offset_tracker_changed(b));
    settle(flush(b, e, 10), true);
    offset_tracker_head(b, e, 3, 77);
    assert_true(offset_tracker_rename(b, e, "/var/log/b"));
    assert_true(offset_tracker_save(b, why));
    assert_false(offset_tracker_changed(b));
    assert_true(file_offsets_load(path, &read, why) == FILE_OFFSETS_LOADED);
    assert_int_equal(read.files_n, 1);
    assert_int_equal(read.files[0].offset, 10);
    assert_int_equal(read.files[0].head, 77);
    assert_string_equal(read.files[0].path, "/var/log/b");
    struct offset_tracker *again = offset_tracker_new("", false, &read);
    assert_int_equal(offset_tracker_safe(again, offset_tracker_first(again)), 10);
    assert_false(offset_tracker_changed(again));
    file_offsets_fini(&read);
    offset_tracker_drop(again);
    offset_tracker_drop(b);
    close(fd);
    unlink(path);
}

/* --- many threads --- */

enum { SENDERS = 4, FLUSHES = 2000 };
static struct gw_ack_callback *sent[FLUSHES];
static _Atomic unsigned next_sent, flushed;

static void *send_some(void *arg)
{
    for (unsigned i; (i = next_sent++) < FLUSHES;) {
        while (i >= flushed)
            ;
        settle(sent[i], true);
    }
    return NULL;
}

static void senders_settle_while_the_reader_reads(void **state)
{
    struct offset_tracker *b = new_tracker();
    struct file_entry *e[3] = {add(b, "0"), add(b, "1"), add(b, "2")};
    pthread_t threads[SENDERS];
    for (int i = 0; i < SENDERS; i++)
        pthread_create(&threads[i], NULL, send_some, NULL);
    for (unsigned i = 0; i < FLUSHES; i++) {
        offset_tracker_touch(b, e[i % 3], i);
        sent[i] = flush(b, e[(i + 1) % 3], i);
        flushed = i + 1;
        assert_true(offset_tracker_safe(b, e[i % 3]) <= i);
    }
    for (int i = 0; i < SENDERS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 3; i++) {
        assert_true(offset_tracker_settled(b, e[i]));
        assert_true(offset_tracker_safe(b, e[i]) >= FLUSHES - 3);
    }
    offset_tracker_drop(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safe_follows_the_settled_front),
        cmocka_unit_test(a_flush_holds_what_was_touched),
        cmocka_unit_test(what_was_given_up_is_read_again),
        cmocka_unit_test(a_forgotten_entry_outlives_its_marks_only),
        cmocka_unit_test(skips_only_move_what_rests),
        cmocka_unit_test(ack_outlive_the_reader),
        cmocka_unit_test(a_tracker_that_lives_goes_on),
        cmocka_unit_test(the_tracker_is_saved_when_it_changed),
        cmocka_unit_test(senders_settle_while_the_reader_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
