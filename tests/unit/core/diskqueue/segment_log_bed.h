/* segment_log_bed.h: a disk queue in a directory of its own, frames that tell which they are, and a disk that
 * tests own.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SEGMENT_LOG_BED_H
#define SEGMENT_LOG_BED_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/diskqueue/segment_log.h"
#include "tests/unit/scratch.h"

enum { SEGMENT_LOG_BED_FRAMES = 100000 };

struct segment_log_bed {
    char directory[64];
    struct gw_segment_log_conf conf;
    struct gw_segment_log *disk_log;
    struct gw_err err;
    uint32_t serial; /* of the next frame */
    /* what was reported */
    atomic_uint damages;
    uint64_t damage_at, damage_bytes;
    char damage_file[40];
    struct gw_segment_log_items given_up;
    uint64_t accepted_items;
    uint32_t lagging; /* whom the last append said to wake */
};

static inline void segment_log_bed_damaged(void *arg, const char *file, uint64_t at, uint64_t bytes,
                                           const char *what)
{
    struct segment_log_bed *b = arg;
    (void)what;
    if (atomic_fetch_add(&b->damages, 1))
        return;
    snprintf(b->damage_file, sizeof b->damage_file, "%s", file);
    b->damage_at = at;
    b->damage_bytes = bytes;
}

static inline void segment_log_bed_gave_up(void *arg, unsigned reader,
                                           const struct gw_segment_log_items *items)
{
    struct segment_log_bed *b = arg;
    (void)reader;
    for (int i = 0; i < GW_SIGNALS; i++)
        b->given_up.of[i] += items->of[i];
}

static inline void segment_log_bed_init(struct segment_log_bed *b)
{
    *b = (struct segment_log_bed){
        .conf = {.max_size = 1 << 20, .segment_size = 16384, .io = &gw_segment_io_system}};
    snprintf(b->directory, sizeof b->directory, "%s/ddgate-store-XXXXXX",
             access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    if (!scratch_folder(b->directory))
        abort();
    b->conf.directory = b->directory;
    b->conf.arg = b;
    b->conf.damaged = segment_log_bed_damaged;
    b->conf.gave_up = segment_log_bed_gave_up;
    memcpy(b->conf.boot, "this boot", 9);
}

static inline bool segment_log_bed_open(struct segment_log_bed *b)
{
    b->disk_log = gw_segment_log_open(&b->conf, &b->err);
    return b->disk_log != NULL;
}

static inline void segment_log_bed_close(struct segment_log_bed *b)
{
    gw_segment_log_close(b->disk_log);
    b->disk_log = NULL;
}

static inline void segment_log_bed_each(struct segment_log_bed *b,
                                        void (*f)(struct segment_log_bed *, const char *path, void *),
                                        void *arg)
{
    DIR *dir = opendir(b->directory);
    char path[400];
    for (const struct dirent *e; dir && (e = readdir(dir));) {
        snprintf(path, sizeof path, "%s/%s", b->directory, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            f(b, path, arg);
    }
    if (dir)
        closedir(dir);
}

static inline void segment_log_bed_remove(struct segment_log_bed *b, const char *path, void *arg)
{
    (void)b;
    (void)arg;
    if (unlink(path) != 0)
        rmdir(path);
}

static inline void segment_log_bed_clear(struct segment_log_bed *b)
{
    segment_log_bed_each(b, segment_log_bed_remove, NULL);
}

static inline void segment_log_bed_fini(struct segment_log_bed *b)
{
    if (b->disk_log)
        segment_log_bed_close(b);
    segment_log_bed_clear(b);
    rmdir(b->directory);
}

/* `len` bytes, at least 4, made of the serial number. */
static inline void segment_log_bed_fill(uint8_t *data, size_t len, uint32_t serial)
{
    for (size_t i = 0; i < len; i++)
        data[i] = (uint8_t)(i < 4 ? serial >> 8 * i : serial * 7 + i);
}

static inline bool segment_log_bed_is(const struct gw_frame *f, uint32_t *serial)
{
    *serial = 0;
    for (size_t i = 0; i < 4 && i < f->len; i++)
        *serial |= (uint32_t)f->data[i] << 8 * i;
    for (size_t i = 4; i < f->len; i++)
        if (f->data[i] != (uint8_t)(*serial * 7 + i))
            return false;
    return f->len >= 4;
}

static inline struct gw_frame *segment_log_bed_frame(uint32_t serial, size_t len)
{
    uint8_t *data = malloc(len);
    segment_log_bed_fill(data, len, serial);
    return gw_frame_new(serial % 3 == 2 ? GW_LOGS : GW_TRACES, serial % 5 ? GW_OTEL : GW_DATADOG, data, len,
                        len, serial % 7 + 1);
}

static inline void segment_log_bed_commit(void *arg)
{
    ++*(uint64_t *)arg;
}

/* One record, for `pending`; readers in `memory` have room. Returns what append said; *memory is then who
 * really finds it there. */
static inline enum gw_code segment_log_bed_append(struct segment_log_bed *b, size_t len, uint32_t pending,
                                                  uint32_t *memory, struct gw_disk_position *stored)
{
    uint64_t ticket;
    struct gw_durable_entry e = {
        .frame = segment_log_bed_frame(b->serial, len), .pending = pending, .memory = memory ? *memory : 0};
    enum gw_code code = gw_segment_log_append(b->disk_log, &e, 1, segment_log_bed_commit, &b->accepted_items,
                                              &ticket, &b->lagging, &b->err);
    if (code == GW_OK)
        b->serial++;
    if (memory)
        *memory = e.memory;
    if (stored)
        *stored = e.frame->stored;
    gw_frame_drop(e.frame);
    return code;
}

/* Reads until level or `most` frames; counts each serial in `seen`; acknowledges with `done`. Returns how
 * many; a frame that is not what was written aborts. */
static inline unsigned segment_log_bed_read(struct segment_log_bed *b, unsigned reader, unsigned most,
                                            bool done, uint8_t *seen, uint64_t *lost)
{
    unsigned n = 0;
    for (struct gw_segment_log_got got; n < most;) {
        uint32_t serial;
        enum gw_segment_log_next is = gw_segment_log_next(b->disk_log, reader, &got);
        if (is == GW_SEGMENT_LOG_CAUGHT_UP)
            break;
        if (is == GW_SEGMENT_LOG_DAMAGED) {
            for (int i = 0; lost && i < GW_SIGNALS; i++)
                *lost += got.lost.of[i];
            continue;
        }
        if (is != GW_SEGMENT_LOG_FRAME || !segment_log_bed_is(got.frame, &serial) ||
            serial >= SEGMENT_LOG_BED_FRAMES || got.frame->items != serial % 7 + 1 ||
            got.frame->signal != (serial % 3 == 2 ? GW_LOGS : GW_TRACES) ||
            got.frame->schema != (serial % 5 ? GW_OTEL : GW_DATADOG))
            abort();
        seen[serial]++;
        n++;
        if (done)
            gw_segment_log_ack(b->disk_log, reader, got.frame->stored);
        gw_frame_drop(got.frame);
    }
    return n;
}

#endif
