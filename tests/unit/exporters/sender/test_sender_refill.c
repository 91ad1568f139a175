/* What is on the disk comes back although requests of it are refused again and again.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/exporters/sender/export_bed.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "core/diskqueue/disk_queue.h"
#include "tests/unit/scratch.h"

enum { POISON = 8, GOOD = 40, LEN = 10000 };

static char directory[64];
static struct gw_disk_queue *storage;

static int set_up(void **state)
{
    snprintf(directory, sizeof directory, "/tmp/ddgate-refill-XXXXXX");
    return scratch_folder(directory) ? 0 : -1;
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

/* One process's life with this folder. Of what is on the disk 20 kB stand in memory, besides what waits for
 * its retry. */
static struct bed *begin(void)
{
    static struct gw_disk_queue_conf conf;
    struct gw_err err;
    struct bed *b = bed_new();
    conf = (struct gw_disk_queue_conf){gw_str_z(directory), 32 << 20, GW_FSYNC_NEVER, GW_SEC, NULL};
    storage = gw_disk_queue_open(&conf, b->ledger, &err);
    assert_non_null(storage);
    gw_fanout_durable(b->fanout, &gw_disk_queue_durable, storage);
    b->conf[0].name = GW_STR("paper");
    b->conf[0].queue_size = 400000;
    b->conf[0].in_flight = 1;
    b->conf[0].batch_bytes = LEN;
    b->paper[0].now = b->now;
    b->n = 1;
    b->sender[0] = gw_sender_new(&paper_exporter, &b->paper[0], &b->conf[0], b->ledger, b->ids);
    assert_true(gw_sender_disk_queue(b->sender[0], storage, &b->budget));
    gw_fanout_add(b->fanout, gw_sender_route(b->sender[0]));
    return b;
}

static void end(struct bed *b)
{
    gw_fanout_stop(b->fanout);
    gw_sender_stop(b->sender[0], b->now);
    bed_run(b, b->now + GW_SEC);
    gw_sender_finish(b->sender[0]);
    gw_sender_drop(b->sender[0]);
    b->sender[0] = NULL;
    gw_disk_queue_close(storage);
    bed_drop(b);
}

static struct gw_outcome refuses_the_first(struct paper *p, const struct gw_batch *batch, gw_nsec now)
{
    return serial_of(batch->frames[0]) < POISON
               ? (struct gw_outcome){.verdict = GW_RETRY, .text = "UNAVAILABLE"}
               : takes_all(p, batch, now);
}

static void what_waits_for_its_retry_does_not_keep_the_rest_on_the_disk(void **state)
{
    struct bed *b = begin();
    for (unsigned i = 0; i < POISON + GOOD; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, LEN, 1), GW_OK);
    end(b); /* nothing was sent: all of it is on the disk */
    b = begin();
    b->paper[0].behave = refuses_the_first;
    bed_run(b, b->now + 1800 * GW_SEC);
    bed_arrived(b, 0, POISON, POISON + GOOD, 1);
    bed_arrived(b, 0, 0, POISON, 0);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_DELIVERED), GOOD);
    assert_int_equal(bed_at(b, 0, GW_TRACES, GW_IN_PROCESS), POISON);
    end(b);
}

/* The memory that it takes is bounded all the same. */
static void an_outage_does_not_bring_the_whole_disk_into_memory(void **state)
{
    struct bed *b = begin();
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(bed_offer(b, GW_TRACES, LEN, 1), GW_OK);
    end(b);
    b = begin();
    b->paper[0].behave = outage;
    b->paper[0].up_at = b->now + 1800 * GW_SEC;
    for (int i = 0; i < 179; i++) {
        bed_run(b, b->now + 10 * GW_SEC);
        assert_in_range(gw_queue_used(gw_sender_route(b->sender[0]).queue), 1, 400000 + LEN + 1000);
    }
    bed_run(b, b->now + 600 * GW_SEC);
    bed_arrived(b, 0, 0, 300, 1);
    end(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_waits_for_its_retry_does_not_keep_the_rest_on_the_disk, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_outage_does_not_bring_the_whole_disk_into_memory, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
