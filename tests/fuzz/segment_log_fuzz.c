/* A segment of the disk queue that was tampered with. The input is a list of edits: two bytes of place within
 * the records, one byte of length, then as many bytes to write there; what is left over cuts or lengthens
 * nothing.
 *
 * Opening works; whatever is read is one of the records that were written, byte for byte; a record that no
 * edit touched comes exactly once. (That one the fuzzer cannot forge: the checks begin with the segment's
 * life, which is random and stands in the head.)
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/unit/core/diskqueue/segment_log_bed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS = 8, SIZE = 16384 };

static void check(bool ok)
{
    if (!ok)
        abort();
}

static struct segment_log_bed bed;
static uint8_t image[2][SIZE]; /* open, sealed */
static size_t at[RECORDS + 1];

static void copy_file(const char *path, uint8_t *bytes, bool out)
{
    int fd = open(path, out ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0600);
    check(fd >= 0 && (out ? write(fd, bytes, SIZE) : read(fd, bytes, SIZE)) == SIZE);
    close(fd);
}

static void path_of(char out[static 128])
{
    snprintf(out, 128, "%s/segment-00000001.log", bed.directory);
}

static void clean_up(void)
{
    segment_log_bed_fini(&bed);
}

static void make_images(void)
{
    static const size_t lengths[RECORDS] = {100, 64, 300, 4, 129, 500, 1000, 60};
    struct gw_segment_log_items ignored;
    struct gw_disk_position stored;
    char path[128];
    segment_log_bed_init(&bed);
    atexit(clean_up);
    check(segment_log_bed_open(&bed));
    unsigned r = gw_segment_log_attach(bed.disk_log, "one", false, &ignored);
    for (int i = 0; i < RECORDS; i++) {
        check(segment_log_bed_append(&bed, lengths[i], 1u << r, NULL, &stored) == GW_OK);
        at[i] = stored.at * (size_t)GW_SEGMENT_LOG_UNIT;
    }
    at[RECORDS] = at[RECORDS - 1] + gw_segment_record_size((uint32_t)lengths[RECORDS - 1], 0);
    path_of(path);
    copy_file(path, image[0], false);
    segment_log_bed_close(&bed);
    copy_file(path, image[1], false);
}

/* Applies the edits; touched[i]: record i is not what it was. */
static void edit(uint8_t *bytes, const uint8_t *data, size_t size, bool touched[RECORDS])
{
    while (size >= 3) {
        size_t place = GW_SEGMENT_LOG_HEAD + (data[0] | (size_t)data[1] << 8) % (SIZE - GW_SEGMENT_LOG_HEAD),
               n = data[2];
        data += 3;
        size -= 3;
        if (n > size)
            n = size;
        if (n > SIZE - place)
            n = SIZE - place;
        memcpy(bytes + place, data, n);
        data += n;
        size -= n;
    }
    for (int i = 0; i < RECORDS; i++)
        touched[i] = memcmp(bytes + at[i], image[0] + at[i], at[i + 1] - at[i]) != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[SIZE], seen[SEGMENT_LOG_BED_FRAMES];
    struct gw_segment_log_items ignored;
    bool touched[RECORDS];
    char path[128];
    if (size == 0)
        return 0;
    if (!at[0])
        make_images();
    memcpy(bytes, image[data[0] & 1], sizeof bytes);
    edit(bytes, data + 1, size - 1, touched);
    segment_log_bed_clear(&bed);
    path_of(path);
    copy_file(path, bytes, true);
    memset(seen, 0, RECORDS);
    check(segment_log_bed_open(&bed));
    unsigned r = gw_segment_log_attach(bed.disk_log, "one", false, &ignored);
    segment_log_bed_read(&bed, r, 100, true, seen, NULL);
    for (int i = 0; i < RECORDS; i++)
        check(seen[i] == 1 || (touched[i] && seen[i] == 0));
    segment_log_bed_close(&bed);
    return 0;
}
