/* The disk queue behind the fan-out: senders that fall behind and catch up, stops and starts, disks that
 * fail, under a clock of the test's own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/exporters/sender/export_bed.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "core/diskqueue/disk_queue.h"
#include "tests/unit/scratch.h"

static char directory[64];
static int sync_errno, write_errno;

static int bad_sync(int fd)
{
    errno = sync_errno;
    return sync_errno ? -1 : 0;
}

static void (*during_write)(void); /* once */

static ssize_t bad_write(int fd, const struct iovec *v, int n, off_t at)
{
    void (*meanwhile)(void) = during_write;
    during_write = NULL;
    if (meanwhile)
        meanwhile();
    errno = write_errno;
    return write_errno ? -1 : gw_segment_io_system.write(fd, v, n, at);
}

/* The clocks of the bed that is there. */
static struct bed *clocked;

static gw_nsec bed_clock(void)
{
    return clocked->now;
}

static struct gw_segment_io disk;
static struct gw_disk_queue_conf conf;
static struct gw_disk_queue *disk_queue;

static int set_up(void **state)
{
    snprintf(directory, sizeof directory, "%s/ddgate-storage-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!scratch_folder(directory))
        return -1;
    sync_errno = write_errno = 0;
    disk = gw_segment_io_system;
    disk.sync = bad_sync;
    disk.write = bad_write;
    disk.now = disk.wall = bed_clock;
    conf = (struct gw_disk_queue_conf){gw_str_z(directory), 32 << 20, GW_FSYNC_NEVER, GW_SEC, &disk};
    return 0;
}

static int tear_down(void **state)
{
    char path[400];
    DIR *dir = opendir(directory);
    for (const struct dirent *e; (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", directory, e->d_name);
        unlink(path);
    }
    closedir(dir);
    return rmdir(directory);
}

static void open_disk_queue(struct bed *b)
{
    struct gw_err err;
    clocked = b;
    disk_queue = gw_disk_queue_open(&conf, b->ledger, &err);
    assert_non_null(disk_queue);
    gw_fanout_durable(b->fanout, &gw_disk_queue_durable, disk_queue);
}

/* After the test has set conf[b->n]. */
static void add_exporter(struct bed *b, const char *name, const struct gw_exporter *exporter)
{
    unsigned i = b->n++;
    b->conf[i].name = gw_str_z(name);
    b->paper[i].now = b->now;
    b->sender[i] = gw_sender_new(exporter, &b->paper[i], &b->conf[i], b->ledger, b->ids);
    assert_true(gw_sender_disk_queue(b->sender[i], disk_queue, &b->budget));
    gw_fanout_add(b->fanout, gw_sender_route(b->sender[i]));
}

static void add(struct bed *b, const char *name)
{
    add_exporter(b, name, &paper_exporter);
}

static struct bed *one(size_t queue_size)
{
    struct bed *b = bed_new();
    open_disk_queue(b);
    b->conf[0].queue_size = queue_size;
    b->conf[0].in_flight = 1;
    b->conf[0].batch_bytes = 10000;
    add(b, "paper");
    return b;
}

static void stop(struct bed *b, gw_nsec grace_period)
{
    gw_fanout_stop(b->fanout);
    for (unsigned i = 0; i < b->n; i++)
        gw_sender_stop(b->sender[i], b->now + grace_period);
    bed_run(b, b->now + grace_period + GW_SEC);
    for (unsigned i = 0; i < b->n; i++)
        gw_sender_finish(b->sender[i]);
}

static void drop(struct bed *b)
{
    for (unsigned i = 0; i < b->n; i++) {
        gw_sender_drop(b->sender[i]);
        b->sender[i] = NULL;
    }
    gw_disk_queue_close(disk_queue);
    bed_drop(b);
}

static void what_does_not_fit_comes_back_once_and_in_order(void **state)
{
    struct bed *b = one(50000);
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 100 * GW_SEC;
    for (int i = 0; i < 2000; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 2), GW_OK);
    bed_run(b, b->now + 50 * GW_SEC);
    assert_true(gw_queue_used(gw_sender_route(b->sender[0]).queue) <= 50000 + 2000);
    assert_true(atomic_load(&b->budget.used) <= 50000 + 2000);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_QUEUED) + bed_at(b, 0, GW_TRACES, GW_IN_PROCESS), 4000);
    bed_run(b, b->now + 400 * GW_SEC);
    bed_arrived(b, 0, 0, 2000, 1);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), 4000);
    bed_offer(b, GW_TRACES, 1000, 2); /* it is level: by memory again */
    assert_true(gw_queue_used(gw_sender_route(b->sender[0]).queue) > 0);
    bed_run(b, b->now + 10 * GW_SEC);
    bed_arrived(b, 0, 2000, 2001, 1);
    drop(b);
}

/* Who keeps an offset of what was accepted writes it only after this. */
static void what_was_accepted_is_brought_to_the_disk_on_demand(void **state)
{
    for (int fsync = GW_FSYNC_INTERVAL; fsync <= GW_FSYNC_NEVER; fsync++) {
        conf.fsync = (enum gw_fsync)fsync;
        sync_errno = 0;
        struct bed *b = one(1 << 20);
        b->paper[0].behave = outage;
        b->paper[0].up_at = GW_NEVER;
        assert_int_equal(bed_offer(b, GW_LOGS, 1000, 1), GW_OK);
        assert_true(gw_fanout_sync(b->fanout));
        sync_errno = EIO;
        if (fsync != GW_FSYNC_ALWAYS)
            assert_int_equal(bed_offer(b, GW_LOGS, 1000, 1), GW_OK);
        assert_int_equal(gw_fanout_sync(b->fanout), fsync != GW_FSYNC_INTERVAL);
        sync_errno = 0;
        /* as long as it waits there */
        assert_int_equal(gw_fanout_sync(b->fanout), fsync != GW_FSYNC_INTERVAL);
        drop(b);
    }
}

static void memory_that_others_hold_is_not_needed(void **state)
{
    struct bed *b = one(1 << 20);
    b->budget.limit = 100;
    for (int i = 0; i < 100; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    assert_int_equal(atomic_load(&b->budget.used), 0);
    bed_run(b, b->now + 60 * GW_SEC);
    bed_arrived(b, 0, 0, 100, 1);
    drop(b);
}

static void a_stop_leaves_and_a_start_finds(void **state)
{
    struct bed *b = one(20000);
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    for (int i = 0; i < 100; i++)
        bed_offer(b, i % 3 ? GW_TRACES : GW_LOGS, 1000, 1);
    bed_run(b, b->now + 10 * GW_SEC);
    stop(b, GW_SEC);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(gw_ledger_lost(&v), 0);
    assert_int_equal(gw_ledger_stored(&v), 100);
    assert_int_equal(bed_at(b, 0, GW_LOGS, GW_STORED), 34);
    drop(b);
    b = one(20000);
    assert_int_equal(bed_view(b).signal[GW_LOGS].exporter[0].recovered, 34);
    assert_int_equal(bed_view(b).signal[GW_TRACES].exporter[0].recovered, 66);
    bed_run(b, b->now + 100 * GW_SEC);
    bed_arrived(b, 0, 0, 100, 1);
    stop(b, GW_SEC);
    v = bed_view(b);
    assert_int_equal(gw_ledger_stored(&v), 0);
    drop(b);
}

static void a_drain_sends_what_is_on_the_disk_too(void **state)
{
    struct bed *b = one(20000);
    for (int i = 0; i < 500; i++)
        bed_offer(b, GW_TRACES, 1000, 1);
    stop(b, 100 * GW_SEC);
    bed_arrived(b, 0, 0, 500, 1);
    struct gw_ledger_view v = bed_view(b);
    assert_int_equal(gw_ledger_stored(&v), 0);
    drop(b);
}

static void what_is_too_old_on_the_disk_is_given_up(void **state)
{
    struct bed *b = one(20000);
    b->conf[0].max_age = 100 * GW_SEC;
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 150 * GW_SEC;
    for (int i = 0; i < 200; i++)
        bed_offer(b, GW_TRACES, 1000, 1);
    bed_run(b, b->now + 120 * GW_SEC);
    for (int i = 0; i < 200; i++)
        bed_offer(b, GW_TRACES, 1000, 1);
    bed_run(b, b->now + 200 * GW_SEC);
    assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EXPIRED), 200);
    bed_arrived(b, 0, 0, 200, 0);
    bed_arrived(b, 0, 200, 400, 1);
    drop(b);
}

static void a_full_log_refuses_everybody_or_drops_the_oldest(void **state)
{
    for (int drops = 0; drops < 2; drops++) {
        struct bed *b = bed_new();
        open_disk_queue(b);
        b->conf[0].queue_size = 100000;
        b->conf[0].when_full = drops ? GW_FULL_DROP_OLDEST : GW_FULL_REJECT;
        b->paper[0].behave = outage;
        b->paper[0].up_at = GW_NEVER;
        add(b, "dead");
        add(b, "live");
        int taken = 0, refused = 0;
        for (int i = 0; i < 400; i++) {
            enum gw_code code = bed_offer(b, GW_TRACES, 100000, 1);
            assert_true(code == GW_OK || code == GW_QUEUE_FULL);
            taken += code == GW_OK;
            refused += code != GW_OK;
            bed_run(b, b->now + GW_SEC / 10);
        }
        bed_run(b, b->now + 10 * GW_SEC);
        assert_int_equal(b->paper[1].taken_items, taken);
        assert_int_equal(refused > 0, !drops);
        assert_int_equal(bed_dropped(b, 0, GW_TRACES, GW_REASON_EVICTED) > 0, drops);
        b->paper[0].up_at = b->now;
        bed_run(b, b->now + 100 * GW_SEC);
        assert_int_equal(b->paper[0].taken_items + bed_dropped(b, 0, GW_TRACES, GW_REASON_EVICTED), taken);
        bed_arrived(b, 0, 390, 400, drops);
        drop(b);
        assert_int_equal(tear_down(state), 0);
        assert_int_equal(set_up(state), 0);
    }
}

/* --- a sender that falls asleep while something is being written for it --- */

static struct bed *stepped;
static unsigned wakes;

static void count_wake(void *ctx)
{
    wakes++;
}

/* It reads and sends all that is there, learns that nothing is left on the disk, and goes to sleep. */
static void the_sender_catches_up(void)
{
    bed_run(stepped, stepped->now + GW_SEC);
    assert_false(
        gw_segment_log_lagging(gw_disk_queue_log(disk_queue), gw_sender_route(stepped->sender[0]).reader));
    wakes = 0;
}

static void what_is_only_on_the_disk_wakes_a_sender_that_caught_up_meanwhile(void **state)
{
    struct gw_exporter exporter = paper_exporter;
    exporter.wake = count_wake;
    struct bed *b = stepped = bed_new();
    open_disk_queue(b);
    b->conf[0].queue_size = 5000;
    add_exporter(b, "paper", &exporter);
    for (int i = 0; i < 6; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    assert_true(gw_segment_log_lagging(gw_disk_queue_log(disk_queue), gw_sender_route(b->sender[0]).reader));
    during_write = the_sender_catches_up;
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    bed_arrived(b, 0, 0, 6, 1);
    assert_int_equal(wakes, 1);
    bed_run(b, b->now + GW_SEC);
    bed_arrived(b, 0, 0, 7, 1);
    drop(b);
}

struct told {
    struct gw_ack_callback ack;
    int times, kept;
};

static void hear(struct gw_ack_callback *r, bool kept)
{
    struct told *t = (struct told *)r;
    t->times++;
    t->kept += kept;
}

static enum gw_code offer_with(struct bed *b, struct told *told)
{
    struct gw_frame *f = bed_frame(b, GW_LOGS, 1000, 1);
    f->ack = &told->ack;
    return bed_offer_frame(b, f);
}

static void a_source_hears_when_it_is_on_the_disk(void **state)
{
    struct bed *b = one(20000);
    struct told told = {.ack = {hear}};
    b->paper[0].behave = outage;
    b->paper[0].up_at = GW_NEVER;
    assert_int_equal(offer_with(b, &told), GW_OK);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.kept, 1);
    stop(b, GW_SEC);
    assert_int_equal(told.times, 1);
    drop(b);
}

static void a_disk_that_takes_nothing_refuses(void **state)
{
    struct bed *b = one(20000);
    struct told told = {.ack = {hear}};
    struct gw_err err;
    write_errno = ENOSPC;
    struct gw_frame *f = bed_frame(b, GW_TRACES, 1000, 3);
    struct gw_intake in = {.received = 3};
    assert_int_equal(gw_fanout_offer(b->fanout, GW_TRACES, &f, 1, &in, &err), GW_STORAGE);
    assert_non_null(strstr(err.what, strerror(ENOSPC)));
    assert_int_equal(gw_queue_used(gw_sender_route(b->sender[0]).queue), 0);
    assert_int_equal(in.not_taken[GW_REASON_QUEUE_FULL], 3);
    f = bed_frame(b, GW_LOGS, 1000, 1);
    f->ack = &told.ack;
    in = (struct gw_intake){.received = 1};
    assert_int_equal(gw_fanout_try(b->fanout, GW_LOGS, &f, 1, &in, true, &err), GW_STORAGE);
    assert_int_equal(told.times, 0); /* it is the caller's still */
    f->ack = NULL;
    gw_frame_drop(f);
    write_errno = 0;
    drop(b);
}

/* A sync that fails: the sender of the data is not told that it is safe, and it is delivered all the same. */
static void a_sync_that_fails_is_no_200(void **state)
{
    struct told told = {.ack = {hear}};
    conf.fsync = GW_FSYNC_ALWAYS;
    struct bed *b = one(20000);
    assert_int_equal(bed_offer(b, GW_TRACES, 1000, 1), GW_OK);
    sync_errno = EIO;
    assert_int_equal(offer_with(b, &told), GW_STORAGE);
    assert_int_equal(told.times, 0);
    sync_errno = 0;
    bed_run(b, b->now + 10 * GW_SEC);
    bed_arrived(b, 0, 0, 2, 1);
    assert_int_equal(told.kept, 1); /* by the backend */
    drop(b);
}

static void parts_are_done_together(void **state)
{
    struct gw_disk_position stored;
    struct gw_node *n[3];
    for (int left = 0; left < 2; left++) {
        struct bed *b = bed_new();
        for (int i = 0; i < 3; i++)
            n[i] = gw_node_new(bed_frame(b, GW_TRACES, 100, 1), 100);
        assert_true(gw_node_share(n[0], n[1])); /* not stored: nothing to share */
        assert_null(n[0]->share);
        assert_false(gw_node_settle(n[0], true, &stored));
        n[0]->frame->stored = (struct gw_disk_position){7, 9};
        assert_true(gw_node_share(n[0], n[1]));
        n[0]->frame->stored = (struct gw_disk_position){0, 0}; /* it holds a part now */
        assert_true(gw_node_share(n[1], n[2]));
        assert_false(gw_node_settle(n[1], !left, &stored));
        assert_false(gw_node_settle(n[0], true, &stored));
        assert_int_equal(gw_node_settle(n[2], true, &stored), !left);
        assert_int_equal(stored.segment, 7);
        assert_int_equal(stored.at, 9);
        for (int i = 0; i < 3; i++)
            gw_node_drop(n[i]);
        bed_drop(b);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_does_not_fit_comes_back_once_and_in_order),
        TEST(what_was_accepted_is_brought_to_the_disk_on_demand),
        TEST(memory_that_others_hold_is_not_needed),
        TEST(a_stop_leaves_and_a_start_finds),
        TEST(a_drain_sends_what_is_on_the_disk_too),
        TEST(what_is_too_old_on_the_disk_is_given_up),
        TEST(a_full_log_refuses_everybody_or_drops_the_oldest),
        TEST(what_is_only_on_the_disk_wakes_a_sender_that_caught_up_meanwhile),
        TEST(a_source_hears_when_it_is_on_the_disk),
        TEST(a_disk_that_takes_nothing_refuses),
        TEST(a_sync_that_fails_is_no_200),
        TEST(parts_are_done_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
