/* The disk queue on a disk that lies: every bit of a small log flipped in turn, a log torn at every length,
 * files of others.
 *
 * What holds in all cases: the log opens; each record but the one that was hit comes back, once, as it was
 * written; and what does not come back was reported.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/core/diskqueue/segment_log_bed.h"

enum { RECORDS = 6, SIZE = 12288, FILE_SIZE = 12288 };

static uint8_t seen[SEGMENT_LOG_BED_FRAMES];

struct image {
    uint8_t bytes[FILE_SIZE];
    size_t at[RECORDS + 1]; /* where each record begins, and the last one ends */
    bool sealed;
};

static const size_t lengths[RECORDS] = {100, 64, 300, 4, 129, 500};

static void file_path(const struct segment_log_bed *b, char out[static 128])
{
    snprintf(out, 128, "%s/segment-00000001.log", b->directory);
}

static void write_file(const struct segment_log_bed *b, const uint8_t *bytes, size_t len)
{
    char path[128];
    file_path(b, path);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void read_file(const struct segment_log_bed *b, uint8_t *bytes)
{
    char path[128];
    file_path(b, path);
    int fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, bytes, FILE_SIZE), FILE_SIZE);
    close(fd);
}

/* As a process leaves it that is killed: open; or sealed, as one that ended. */
static void make_image(struct segment_log_bed *b, struct image *image, bool sealed)
{
    struct gw_segment_log_items ignored;
    struct gw_disk_position stored;
    b->conf.segment_size = SIZE;
    assert_true(segment_log_bed_open(b));
    unsigned r = gw_segment_log_attach(b->disk_log, "one", false, &ignored);
    image->sealed = sealed;
    for (int i = 0; i < RECORDS; i++) {
        assert_int_equal(segment_log_bed_append(b, lengths[i], 1u << r, NULL, &stored), GW_OK);
        image->at[i] = stored.at * (size_t)GW_SEGMENT_LOG_UNIT;
    }
    image->at[RECORDS] = image->at[RECORDS - 1] + gw_segment_record_size(500, 0);
    if (!sealed)
        read_file(b, image->bytes);
    segment_log_bed_close(b);
    if (sealed)
        read_file(b, image->bytes);
    segment_log_bed_clear(b);
}

static int hit(const struct image *image, size_t at)
{
    for (int i = 0; i < RECORDS; i++)
        if (at >= image->at[i] && at < image->at[i + 1])
            return i;
    return -1;
}

/* Opens, reads everything, closes. */
static void recover(struct segment_log_bed *b, uint64_t *lost)
{
    struct gw_segment_log_items ignored;
    memset(seen, 0, RECORDS);
    atomic_store(&b->damages, 0);
    *lost = 0;
    assert_true(segment_log_bed_open(b));
    unsigned r = gw_segment_log_attach(b->disk_log, "one", false, &ignored);
    segment_log_bed_read(b, r, 100, false, seen, lost);
    segment_log_bed_close(b);
}

/* All came once, but for `except`, which may have. */
static void expect_all_but(const struct segment_log_bed *b, int except, size_t place)
{
    for (int i = 0; i < RECORDS; i++) {
        if (seen[i] == 1 || (i == except && seen[i] == 0 && atomic_load(&b->damages) > 0))
            continue;
        fail_msg("damage at %zu: record %d came %d times, with %u reports", place, i, seen[i],
                 atomic_load(&b->damages));
    }
}

static bool worth_flipping(const struct image *image, size_t at)
{
    bool head = at < 1100 || (at >= GW_SEGMENT_LOG_COPY_B && at < GW_SEGMENT_LOG_COPY_B + 1100);
    bool state = at >= GW_SEGMENT_LOG_STATE && at < GW_SEGMENT_LOG_STATE + GW_SEGMENT_LOG_STATE_SIZE;
    return head || state || (at >= GW_SEGMENT_LOG_HEAD && at < image->at[RECORDS] + GW_SEGMENT_LOG_UNIT);
}

static void flip_every_bit(struct segment_log_bed *b, const struct image *image)
{
    uint8_t bytes[FILE_SIZE];
    uint64_t lost;
    for (size_t bit = 0; bit < 8 * (image->at[RECORDS] + GW_SEGMENT_LOG_UNIT); bit++) {
        if (!worth_flipping(image, bit / 8))
            continue;
        memcpy(bytes, image->bytes, sizeof bytes);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        write_file(b, bytes, sizeof bytes);
        recover(b, &lost);
        int record = hit(image, bit / 8);
        expect_all_but(b, record, bit / 8);
        if (record >= 0 && !seen[record] && b->damage_at != image->at[record])
            fail_msg("damage in %s at %zu of record %d is reported at %llu", b->damage_file, bit / 8, record,
                     (unsigned long long)b->damage_at);
    }
}

static void a_flipped_bit_costs_one_record_at_most(void **state)
{
    struct segment_log_bed b;
    struct image image;
    for (int sealed = 0; sealed < 2; sealed++) {
        segment_log_bed_init(&b);
        make_image(&b, &image, sealed);
        flip_every_bit(&b, &image);
        segment_log_bed_fini(&b);
    }
}

/* What a flip in a record's data costs is said by its items, where the header tells them. */
static void lost_items_are_told(void **state)
{
    struct segment_log_bed b;
    struct image image;
    uint64_t lost;
    segment_log_bed_init(&b);
    make_image(&b, &image, true);
    image.bytes[image.at[2] + GW_SEGMENT_LOG_UNIT + 10] ^= 1;
    write_file(&b, image.bytes, sizeof image.bytes);
    recover(&b, &lost);
    assert_int_equal(lost, 2 % 7 + 1);
    assert_int_equal(seen[2], 0);
    assert_string_equal(b.damage_file, "segment-00000001.log");
    recover(&b, &lost); /* it is not pending any more */
    assert_int_equal(lost, 0);
    for (int i = 0; i < RECORDS; i++)
        assert_int_equal(seen[i], i != 2);
    segment_log_bed_fini(&b);
}

static void tear(struct segment_log_bed *b, const struct image *image, size_t len, const uint8_t *rest)
{
    uint8_t bytes[FILE_SIZE];
    uint64_t lost;
    memcpy(bytes, rest ? rest : image->bytes, sizeof bytes);
    memcpy(bytes, image->bytes, len);
    write_file(b, bytes, rest ? sizeof bytes : len);
    for (int again = 0; again < 2; again++) { /* the second start finds what the first one left */
        recover(b, &lost);
        for (int i = 0; i < RECORDS; i++)
            if (seen[i] != (image->at[i + 1] <= len) && !(seen[i] == 1 && rest))
                fail_msg("torn at %zu: record %d came %d times", len, i, seen[i]);
        if (!image->sealed && lost)
            fail_msg("torn at %zu: %llu items are called lost that nobody was promised", len,
                     (unsigned long long)lost);
    }
}

static void a_torn_log_keeps_what_is_whole(void **state)
{
    struct segment_log_bed b;
    struct image image;
    uint8_t predecessor[FILE_SIZE], zeros[FILE_SIZE] = {0};
    for (int sealed = 0; sealed < 2; sealed++) {
        segment_log_bed_init(&b);
        make_image(&b, &image, sealed);
        struct image older;
        b.serial = 0;
        make_image(&b, &older, sealed);
        memcpy(predecessor, older.bytes, sizeof predecessor);
        for (size_t len = GW_SEGMENT_LOG_HEAD; len <= image.at[RECORDS]; len++) {
            tear(&b, &image, len, NULL);
            tear(&b, &image, len, zeros);
            /* behind the tear stand the records of the file's earlier life */
            tear(&b, &image, len, predecessor);
        }
        segment_log_bed_fini(&b);
    }
}

static void a_file_cut_within_its_head_is_left_alone(void **state)
{
    struct segment_log_bed b;
    struct image image;
    uint64_t lost;
    struct gw_segment_log_stats stats;
    segment_log_bed_init(&b);
    make_image(&b, &image, true);
    for (size_t len = 0; len < GW_SEGMENT_LOG_HEAD; len += 64) {
        write_file(&b, image.bytes, len);
        recover(&b, &lost);
        assert_true(segment_log_bed_open(&b));
        gw_segment_log_stats(b.disk_log, &stats);
        assert_int_equal(stats.foreign_files, len > 0); /* an empty one is our own, unfinished */
        segment_log_bed_close(&b);
    }
    segment_log_bed_fini(&b);
}

static void put(const struct segment_log_bed *b, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", b->directory, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void files_of_others_are_left_alone(void **state)
{
    struct segment_log_bed b;
    struct gw_segment_log_items ignored;
    struct gw_segment_log_stats stats;
    char path[128], target[64];
    segment_log_bed_init(&b);
    put(&b, "notes.txt", "mine");
    put(&b, "segment-00000001.log", "not what you think");
    put(&b, "segment-00000002.log.bak", "copy");
    put(&b, "segment-1.log", "copy");
    snprintf(path, sizeof path, "%s/segment-00000003.log", b.directory);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/segment-00000004.log", b.directory);
    assert_int_equal(symlink("/etc/hostname", path), 0);
    assert_true(segment_log_bed_open(&b));
    gw_segment_log_stats(b.disk_log, &stats);
    assert_int_equal(stats.foreign_files, 6);
    unsigned r = gw_segment_log_attach(b.disk_log, "one", false, &ignored);
    for (int i = 0; i < 20; i++)
        assert_int_equal(segment_log_bed_append(&b, 7000, 1u << r, NULL, NULL), GW_OK);
    assert_int_equal(segment_log_bed_read(&b, r, 100, true, seen, NULL), 20);
    segment_log_bed_close(&b);
    assert_int_equal(readlink(path, target, sizeof target), strlen("/etc/hostname"));
    snprintf(path, sizeof path, "%s/segment-00000001.log", b.directory);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, strlen("not what you think"));
    segment_log_bed_fini(&b);
}

static void another_format_is_refused(void **state)
{
    struct segment_log_bed b;
    struct image image;
    segment_log_bed_init(&b);
    make_image(&b, &image, true);
    for (int copy = 0; copy < 2; copy++) {
        uint8_t *head = image.bytes + copy * GW_SEGMENT_LOG_COPY_B;
        uint32_t version = 2, check;
        memcpy(head + 12, &version, sizeof version);
        check = gw_segment_log_crc(0, head, 16);
        memcpy(head + 16, &check, sizeof check);
    }
    write_file(&b, image.bytes, sizeof image.bytes);
    assert_false(segment_log_bed_open(&b));
    assert_non_null(strstr(b.err.what, "has format 2, and this ddgate knows 1 only"));
    segment_log_bed_fini(&b);
}

static void a_record_in_a_senders_text_is_none(void **state)
{
    struct segment_log_bed b;
    struct image image;
    struct gw_segment_log_items ignored;
    uint64_t lost, ticket;
    struct gw_segment_record r = {
        .at = GW_SEGMENT_LOG_HEAD + 2 * GW_SEGMENT_LOG_UNIT, .len = 4, .items = 4, .pending = 0xffff};
    uint8_t *data = calloc(1, 1024);
    segment_log_bed_init(&b);
    segment_log_bed_fill(data + 2 * GW_SEGMENT_LOG_UNIT, 4, 3);
    r.payload_check = gw_segment_log_crc(0, data + 2 * GW_SEGMENT_LOG_UNIT, 4);
    /* everything is right but the life of the segment */
    gw_segment_record_put(data + GW_SEGMENT_LOG_UNIT, &r, 12345);
    make_image(&b, &image, false);
    assert_true(segment_log_bed_open(&b));
    unsigned reader = gw_segment_log_attach(b.disk_log, "one", false, &ignored);
    struct gw_durable_entry e = {.frame = gw_frame_new(GW_TRACES, GW_OTEL, data, 1024, 1024, 1),
                                 .pending = 1u << reader};
    assert_int_equal(gw_segment_log_append(b.disk_log, &e, 1, segment_log_bed_commit, &b.accepted_items,
                                           &ticket, &(uint32_t){0}, NULL),
                     GW_OK);
    gw_frame_drop(e.frame);
    read_file(&b, image.bytes);
    segment_log_bed_close(&b);
    /* the real header is damaged: everything behind it is tried */
    image.bytes[GW_SEGMENT_LOG_HEAD + 20] ^= 1;
    memset(image.bytes + GW_SEGMENT_LOG_STATE, 0, GW_SEGMENT_LOG_STATE_SIZE);
    write_file(&b, image.bytes, sizeof image.bytes);
    recover(&b, &lost);
    assert_int_equal(seen[3], 0);
    assert_int_equal(b.damage_at, GW_SEGMENT_LOG_HEAD);
    segment_log_bed_fini(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_costs_one_record_at_most),
        cmocka_unit_test(lost_items_are_told),
        cmocka_unit_test(a_torn_log_keeps_what_is_whole),
        cmocka_unit_test(a_file_cut_within_its_head_is_left_alone),
        cmocka_unit_test(files_of_others_are_left_alone),
        cmocka_unit_test(another_format_is_refused),
        cmocka_unit_test(a_record_in_a_senders_text_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
