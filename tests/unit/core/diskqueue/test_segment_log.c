/* The disk queue: what goes in comes out, once, in order, after a restart; it is bounded, and says what it
 * refuses.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>

#include "tests/unit/core/diskqueue/segment_log_bed.h"

static uint8_t seen[SEGMENT_LOG_BED_FRAMES];

static int set_up(void **state)
{
    struct segment_log_bed *b = malloc(sizeof *b);
    memset(seen, 0, sizeof seen);
    segment_log_bed_init(b);
    *state = b;
    return segment_log_bed_open(b) ? 0 : -1;
}

static int tear_down(void **state)
{
    segment_log_bed_fini(*state);
    free(*state);
    return 0;
}

static unsigned attach(struct segment_log_bed *b, const char *name, struct gw_segment_log_items *pending)
{
    struct gw_segment_log_items ignored;
    return gw_segment_log_attach(b->disk_log, name, false, pending ? pending : &ignored);
}

static void reopen(struct segment_log_bed *b)
{
    segment_log_bed_close(b);
    assert_true(segment_log_bed_open(b));
}

static void append(struct segment_log_bed *b, unsigned n, size_t len, uint32_t pending)
{
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(segment_log_bed_append(b, len, pending, NULL, NULL), GW_OK);
}

static uint64_t items_of(uint32_t from, uint32_t to)
{
    uint64_t n = 0;
    for (uint32_t i = from; i < to; i++)
        n += i % 7 + 1;
    return n;
}

static uint64_t all(const struct gw_segment_log_items *items)
{
    return items->of[GW_TRACES] + items->of[GW_LOGS] + items->of[GW_METRICS];
}

static void frames_come_back_in_order_after_a_restart(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items pending;
    struct gw_segment_log_got got;
    unsigned r = attach(b, "one", &pending);
    assert_int_equal(all(&pending), 0);
    assert_false(gw_segment_log_lagging(b->disk_log, r));
    append(b, 100, 1000, 1u << r);
    reopen(b);
    r = attach(b, "one", &pending);
    assert_int_equal(all(&pending), items_of(0, 100));
    assert_true(pending.of[GW_LOGS] > 0 && pending.of[GW_TRACES] > pending.of[GW_LOGS]);
    assert_true(gw_segment_log_lagging(b->disk_log, r));
    for (uint32_t i = 0, serial; i < 100; i++) {
        assert_int_equal(gw_segment_log_next(b->disk_log, r, &got), GW_SEGMENT_LOG_FRAME);
        assert_true(segment_log_bed_is(got.frame, &serial));
        assert_int_equal(serial, i);
        assert_int_equal(got.frame->len, 1000);
        gw_segment_log_ack(b->disk_log, r, got.frame->stored);
        gw_frame_drop(got.frame);
    }
    assert_int_equal(gw_segment_log_next(b->disk_log, r, &got), GW_SEGMENT_LOG_CAUGHT_UP);
    assert_false(gw_segment_log_lagging(b->disk_log, r));
    reopen(b);
    attach(b, "one", &pending);
    assert_int_equal(all(&pending), 0);
    assert_int_equal(b->damages, 0);
}

static void only_what_is_not_done_comes_again(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_disk_position stored[50];
    unsigned one = attach(b, "one", NULL), two = attach(b, "two", NULL);
    for (int i = 0; i < 50; i++) {
        uint32_t memory = 1u << one | 1u << two;
        assert_int_equal(segment_log_bed_append(b, 500, memory, &memory, &stored[i]), GW_OK);
        assert_int_equal(memory, 1u << one | 1u << two);
    }
    for (int i = 0; i < 50; i += 2)
        gw_segment_log_ack(b->disk_log, one, stored[i]);
    for (int i = 10; i < 20; i++)
        gw_segment_log_ack(b->disk_log, two, stored[i]);
    reopen(b);
    two = attach(b, "two", NULL); /* in another order */
    one = attach(b, "one", NULL);
    assert_int_equal(segment_log_bed_read(b, one, 1000, true, seen, NULL), 25);
    for (int i = 0; i < 50; i++)
        assert_int_equal(seen[i], i % 2);
    memset(seen, 0, sizeof seen);
    assert_int_equal(segment_log_bed_read(b, two, 1000, true, seen, NULL), 40);
    for (int i = 0; i < 50; i++)
        assert_int_equal(seen[i], i < 10 || i >= 20);
}

static void a_reader_that_is_behind_reads_on_until_it_is_level(void **state)
{
    struct segment_log_bed *b = *state;
    unsigned r = attach(b, "one", NULL);
    uint32_t memory = 1u << r;
    struct gw_disk_position first;
    assert_int_equal(segment_log_bed_append(b, 100, 1u << r, &memory, &first), GW_OK);
    assert_int_equal(memory, 1u << r);
    assert_int_equal(b->lagging, 0);
    append(b, 1, 1500, 1u << r); /* no room in memory */
    assert_int_equal(b->lagging, 1u << r);
    append(b, 29, 1500, 1u << r);
    memory = 1u << r;
    assert_int_equal(segment_log_bed_append(b, 100, 1u << r, &memory, NULL), GW_OK);
    assert_int_equal(memory, 0);     /* there is room again, but its turn has not come */
    assert_int_equal(b->lagging, 0); /* it knows */
    assert_int_equal(segment_log_bed_read(b, r, 10, false, seen, NULL), 10);
    append(b, 5, 100, 1u << r);
    assert_int_equal(segment_log_bed_read(b, r, 1000, true, seen, NULL), 26);
    assert_int_equal(seen[0], 0); /* it had that in memory */
    for (uint32_t i = 1; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
    memory = 1u << r;
    assert_int_equal(segment_log_bed_append(b, 100, 1u << r, &memory, NULL), GW_OK);
    assert_int_equal(memory, 1u << r);
    append(b, 1, 100, 1u << r);
    assert_int_equal(b->lagging, 1u << r);
    gw_segment_log_ack(b->disk_log, r, first);
}

static void segments_are_used_again(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_stats stats;
    unsigned r = attach(b, "one", NULL);
    for (int round = 0; round < 300; round++) {
        uint32_t memory = 1u << r;
        struct gw_disk_position stored;
        assert_int_equal(segment_log_bed_append(b, 3000, 1u << r, &memory, &stored), GW_OK);
        gw_segment_log_ack(b->disk_log, r, stored);
    }
    gw_segment_log_stats(b->disk_log, &stats);
    assert_in_range(stats.segments, 1, 2);
    append(b, 100, 3000, 1u << r);
    gw_segment_log_stats(b->disk_log, &stats);
    assert_true(stats.segments >= 50);
    assert_int_equal(segment_log_bed_read(b, r, 1000, true, seen, NULL), 100);
    gw_segment_log_stats(b->disk_log, &stats);
    assert_in_range(stats.segments, 1, 5); /* a backlog's files do not stay */
}

static void a_full_log_refuses_until_there_is_room(void **state)
{
    struct segment_log_bed *b = *state;
    unsigned r = attach(b, "one", NULL), n = 0;
    while (segment_log_bed_append(b, 7000, 1u << r, NULL, NULL) == GW_OK)
        n++;
    assert_int_equal(b->err.code, GW_QUEUE_FULL);
    assert_non_null(strstr(b->err.what, "storage.max_size is 1048576"));
    assert_int_equal(n, 64);
    assert_int_equal(segment_log_bed_read(b, r, 1, true, seen, NULL), 1);
    append(b, 1, 7000, 1u << r);
    assert_int_equal(segment_log_bed_append(b, 7000, 1u << r, NULL, NULL), GW_QUEUE_FULL);
    assert_int_equal(segment_log_bed_read(b, r, 1000, true, seen, NULL), 64);
    for (uint32_t i = 0; i < b->serial; i++)
        assert_int_equal(seen[i], 1);
}

static void a_record_larger_than_a_segment_has_a_file_of_its_own(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_stats stats;
    unsigned r = attach(b, "one", NULL);
    append(b, 1, 100, 1u << r);
    append(b, 1, 400000, 1u << r);
    append(b, 1, 100, 1u << r);
    /* larger than all there is */
    assert_int_equal(segment_log_bed_append(b, 2 << 20, 1u << r, NULL, NULL), GW_OVER_STORAGE);
    append(b, 1, 500000, 1u << r); /* just fits */
    reopen(b);
    r = attach(b, "one", NULL);
    assert_int_equal(segment_log_bed_read(b, r, 10, true, seen, NULL), 4);
    gw_segment_log_stats(b->disk_log, &stats);
    assert_true(stats.size < 70000);
}

/* One after the other, each in a file that leaves no room for the next. */
static void large_records_make_room_when_they_are_through(void **state)
{
    struct segment_log_bed *b = *state;
    unsigned r = attach(b, "one", NULL);
    for (int i = 0; i < 5; i++) {
        uint32_t memory = 1u << r;
        struct gw_disk_position stored;
        assert_int_equal(segment_log_bed_append(b, 600000, 1u << r, &memory, &stored), GW_OK);
        assert_int_equal(segment_log_bed_append(b, 600000, 1u << r, NULL, NULL), GW_QUEUE_FULL);
        gw_segment_log_ack(b->disk_log, r, stored);
    }
}

static void who_drops_its_oldest_makes_room(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items pending;
    unsigned keeps = attach(b, "keeps", NULL),
             drops = gw_segment_log_attach(b->disk_log, "drops", true, &pending);
    uint32_t memory;
    struct gw_disk_position stored;
    for (int i = 0; i < 200; i++) {
        memory = 1u << keeps;
        assert_int_equal(segment_log_bed_append(b, 7000, 1u << keeps | 1u << drops, &memory, &stored), GW_OK);
        gw_segment_log_ack(b->disk_log, keeps, stored);
    }
    unsigned n = segment_log_bed_read(b, drops, 1000, true, seen, NULL);
    assert_in_range(n, 60, 64);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(seen[i], i >= 200 - n);
    assert_int_equal(all(&b->given_up), items_of(0, 200 - n));
}

static void what_it_holds_in_its_hands_is_not_given_up(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items pending;
    unsigned drops = gw_segment_log_attach(b->disk_log, "drops", true, &pending), n = 0;
    struct gw_disk_position stored;
    uint32_t memory = 1u << drops;
    assert_int_equal(segment_log_bed_append(b, 7000, 1u << drops, &memory, &stored), GW_OK);
    while (n++ < 100)
        append(b, 1, 7000, 1u << drops);
    gw_segment_log_ack(b->disk_log, drops, stored);
    assert_true(segment_log_bed_read(b, drops, 1000, true, seen, NULL) >= 60);
}

static void names_without_an_exporter_keep_their_records_until_room_is_needed(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items pending;
    unsigned old = attach(b, "old", NULL);
    append(b, 30, 7000, 1u << old);
    reopen(b);
    unsigned other = attach(b, "other", NULL);
    append(b, 10, 7000, 1u << other);
    reopen(b);
    old = attach(b, "old", &pending); /* it is configured again */
    assert_int_equal(all(&pending), items_of(0, 30));
    assert_int_equal(segment_log_bed_read(b, old, 5, true, seen, NULL), 5);
    reopen(b);
    other = attach(b, "other", NULL);
    append(b, 54, 7000, 1u << other); /* ten of it are there */
    assert_int_equal(segment_log_bed_append(b, 7000, 1u << other, NULL, NULL), GW_QUEUE_FULL);
    reopen(b);
    attach(b, "old", &pending);
    assert_int_equal(all(&pending), 0);
    assert_int_equal(all(&b->given_up), 0); /* nobody's ledger has them */
}

static void a_new_exporter_has_nothing_pending(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items pending;
    unsigned one = attach(b, "one", NULL);
    append(b, 3, 100, 1u << one);
    unsigned two = attach(b, "two", &pending);
    assert_int_equal(all(&pending), 0);
    append(b, 3, 100, 1u << one | 1u << two);
    reopen(b);
    two = attach(b, "two", &pending);
    assert_int_equal(all(&pending), items_of(3, 6));
    assert_int_equal(segment_log_bed_read(b, two, 10, true, seen, NULL), 3);
}

static void a_name_has_one_reader_at_a_time(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_segment_log_items pending;
    unsigned r = attach(b, "one", NULL);
    assert_int_equal(attach(b, "one", NULL), GW_SEGMENT_LOG_READERS);
    append(b, 5, 100, 1u << r);
    gw_segment_log_detach(b->disk_log, r);
    r = attach(b, "one", &pending);
    assert_int_equal(all(&pending), items_of(0, 5));
    assert_int_equal(segment_log_bed_read(b, r, 3, false, seen, NULL), 3);
    gw_segment_log_detach(b->disk_log, r); /* with three in its hands: the next start finds them */
    assert_int_equal(attach(b, "one", NULL), GW_SEGMENT_LOG_READERS);
    reopen(b);
    r = attach(b, "one", &pending);
    assert_int_equal(all(&pending), items_of(0, 5));
}

static void there_are_so_many_names_and_no_more(void **state)
{
    struct segment_log_bed *b = *state;
    char name[16];
    for (int i = 0; i < GW_SEGMENT_LOG_READERS; i++) {
        snprintf(name, sizeof name, "name %d", i);
        assert_int_equal(attach(b, name, NULL), i);
        gw_segment_log_detach(b->disk_log, (unsigned)i);
    }
    assert_int_equal(attach(b, "one more", NULL), GW_SEGMENT_LOG_READERS);
    for (int i = 7; i < 7 + GW_SEGMENT_LOG_SLOTS; i++) {
        snprintf(name, sizeof name, "name %d", i);
        assert_int_equal(attach(b, name, NULL), i);
    }
    assert_int_equal(attach(b, "name 31", NULL), GW_SEGMENT_LOG_READERS); /* so many at a time */
    append(b, 3, 100, ((UINT32_C(1) << GW_SEGMENT_LOG_SLOTS) - 1) << 7);
    reopen(b);
    for (int i = 7 + GW_SEGMENT_LOG_SLOTS; i-- > 7;) {
        snprintf(name, sizeof name, "name %d", i);
        assert_int_equal(segment_log_bed_read(b, attach(b, name, NULL), 10, true, seen, NULL), 3);
    }
}

static void pending_ids_and_ages_survive(void **state)
{
    struct segment_log_bed *b = *state;
    uint64_t ticket;
    struct gw_segment_log_got got;
    unsigned r = attach(b, "one", NULL);
    struct gw_durable_entry e = {.frame = segment_log_bed_frame(1, 100), .pending = 1u << r};
    uint32_t *offsets = malloc(2 * sizeof *offsets);
    offsets[0] = 5;
    offsets[1] = 84;
    gw_frame_pending_ids(e.frame, offsets, 2);
    e.frame->arrived = gw_now() - 100 * GW_SEC;
    gw_nsec arrived = e.frame->arrived;
    assert_int_equal(gw_segment_log_append(b->disk_log, &e, 1, segment_log_bed_commit, &b->accepted_items,
                                           &ticket, &(uint32_t){0}, NULL),
                     GW_OK);
    gw_frame_drop(e.frame);
    for (int other_boot = 0; other_boot < 2; other_boot++) {
        memcpy(b->conf.boot, other_boot ? "later boot" : "this boot", 9);
        reopen(b);
        r = attach(b, "one", NULL);
        assert_int_equal(gw_segment_log_next(b->disk_log, r, &got), GW_SEGMENT_LOG_FRAME);
        assert_int_equal(got.frame->pending_ids_n, 2);
        assert_int_equal(got.frame->pending, 2);
        assert_int_equal(got.frame->pending_ids[0], 5);
        assert_int_equal(got.frame->pending_ids[1], 84);
        if (other_boot)
            assert_in_range(got.frame->arrived + GW_SEC, arrived, arrived + 3 * GW_SEC);
        else
            assert_true(got.frame->arrived == arrived);
        gw_frame_drop(got.frame);
    }
}

static void clocks_that_jump_make_nothing_old_or_unborn(void **state)
{
    struct gw_segment_record r = {.wall = 1000 * GW_SEC, .mono = 50 * GW_SEC};
    gw_nsec now = 80 * GW_SEC;
    /* the wall jumped, the monotonic clock counts */
    assert_true(gw_segment_log_arrival(&r, true, now, 99999 * GW_SEC) == 50 * GW_SEC);
    assert_true(gw_segment_log_arrival(&r, false, now, 1010 * GW_SEC) == 70 * GW_SEC);
    assert_true(gw_segment_log_arrival(&r, false, now, 10 * GW_SEC) == now);
    assert_true(gw_segment_log_arrival(&r, true, 10 * GW_SEC, 0) == 10 * GW_SEC);
    assert_true(gw_segment_log_arrival(&r, false, now, INT64_MAX / 2) == now - GW_SEGMENT_LOG_OLDEST);
}

static void a_second_process_is_refused(void **state)
{
    struct segment_log_bed *b = *state;
    struct gw_err err;
    assert_null(gw_segment_log_open(&b->conf, &err));
    assert_non_null(strstr(err.what, "is in use by another ddgate"));
    struct gw_segment_log_conf nowhere = b->conf;
    nowhere.directory = "/proc/no/such/place";
    assert_null(gw_segment_log_open(&nowhere, &err));
    assert_non_null(strstr(err.what, "/proc/no/such/place: cannot"));
}

/* --- with threads --- */

enum { WRITERS = 3, EACH = 4000 };

struct writer {
    struct segment_log_bed *b;
    uint32_t from, readers;
    atomic_uint *left;
};

/* by frames that both readers found in memory; the writer acknowledges for them */
static atomic_uint in_memory;

static void *write_many(void *arg)
{
    struct writer *w = arg;
    uint64_t commits = 0, ticket;
    for (uint32_t i = 0; i < EACH; i++) {
        struct gw_durable_entry e = {.frame = segment_log_bed_frame(w->from + i, 64 + i % 700),
                                     .pending = w->readers,
                                     .memory = i % 8 < 2 ? 1 : 0};
        while (gw_segment_log_append(w->b->disk_log, &e, 1, segment_log_bed_commit, &commits, &ticket,
                                     &(uint32_t){0}, NULL) != GW_OK)
            e.memory = 0;
        atomic_fetch_add(&in_memory, e.memory & 1);
        if (i % 100 == 0)
            assert_true(gw_segment_log_durable(w->b->disk_log, ticket));
        if (e.memory & 1)
            gw_segment_log_ack(w->b->disk_log, 0, e.frame->stored);
        gw_frame_drop(e.frame);
    }
    assert_int_equal(commits, EACH);
    atomic_fetch_sub(w->left, 1);
    return NULL;
}

struct reading {
    struct segment_log_bed *b;
    unsigned reader;
    atomic_uint *left;
    uint8_t *seen;
    unsigned n;
};

static void *read_all(void *arg)
{
    struct reading *r = arg;
    for (bool last = false; !last;) {
        last = atomic_load(r->left) == 0;
        r->n += segment_log_bed_read(r->b, r->reader, UINT32_MAX, true, r->seen, NULL);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    struct segment_log_bed *b = *state;
    atomic_uint left = WRITERS;
    pthread_t thread[WRITERS + 2];
    struct writer writer[WRITERS];
    struct gw_segment_log_stats stats;
    uint8_t *twice = calloc(1, SEGMENT_LOG_BED_FRAMES);
    unsigned one = attach(b, "one", NULL), two = attach(b, "two", NULL);
    struct reading reading[2] = {{b, one, &left, seen, 0}, {b, two, &left, twice, 0}};
    atomic_store(&in_memory, 0);
    for (uint32_t i = 0; i < WRITERS; i++) {
        writer[i] = (struct writer){b, i * EACH, 1u << one | 1u << two, &left};
        pthread_create(&thread[i], NULL, write_many, &writer[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[WRITERS + i], NULL, read_all, &reading[i]);
    for (int i = 0; i < WRITERS + 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(reading[0].n + atomic_load(&in_memory), WRITERS * EACH);
    assert_int_equal(reading[1].n, WRITERS * EACH);
    for (uint32_t i = 0; i < WRITERS * EACH; i++) {
        assert_in_range(seen[i], 0, 1);
        assert_int_equal(twice[i], 1);
    }
    gw_segment_log_stats(b->disk_log, &stats);
    assert_in_range(stats.segments, 1, 5); /* everything was done, by everybody */
    free(twice);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(frames_come_back_in_order_after_a_restart),
        TEST(only_what_is_not_done_comes_again),
        TEST(a_reader_that_is_behind_reads_on_until_it_is_level),
        TEST(segments_are_used_again),
        TEST(a_full_log_refuses_until_there_is_room),
        TEST(large_records_make_room_when_they_are_through),
        TEST(a_record_larger_than_a_segment_has_a_file_of_its_own),
        TEST(who_drops_its_oldest_makes_room),
        TEST(what_it_holds_in_its_hands_is_not_given_up),
        TEST(names_without_an_exporter_keep_their_records_until_room_is_needed),
        TEST(a_new_exporter_has_nothing_pending),
        TEST(a_name_has_one_reader_at_a_time),
        TEST(there_are_so_many_names_and_no_more),
        TEST(pending_ids_and_ages_survive),
        TEST(clocks_that_jump_make_nothing_old_or_unborn),
        TEST(a_second_process_is_refused),
        TEST(threads_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
