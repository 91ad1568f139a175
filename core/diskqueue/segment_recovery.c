/* segment_recovery.c: Reads all segments at start: finds the records that are still pending and the exporters
 * they are for, and reports damage. Owns nothing that outlives the call. Called once, by segment_log.c, on the
 * main thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/diskqueue/segment_log_internal.h"
#include "core/diskqueue/segment_scan.h"

struct recovery {
    struct gw_segment_log *disk_log;
    struct gw_segment *segment;
    struct gw_segment_log_head head;
    unsigned reader[GW_SEGMENT_LOG_SLOTS]; /* for each slot of the segment; GW_SEGMENT_LOG_READERS: none */
    uint64_t end;                          /* behind the last record */
    struct gw_segment_log_window window;
};

static void found(void *arg, const struct gw_segment_record *r)
{
    struct recovery *rec = arg;
    bool pending = false;
    rec->end = r->at + gw_segment_record_size(r->len, r->pending_ids_n);
    for (int slot = 0; slot < GW_SEGMENT_LOG_SLOTS; slot++) {
        unsigned reader = rec->reader[slot];
        if (!(r->pending & 1u << slot) || r->done[slot] == GW_SEGMENT_LOG_ACKED ||
            reader == GW_SEGMENT_LOG_READERS)
            continue;
        struct gw_segment_log_pending *pending_record = &rec->segment->pending_records[reader];
        pending_record->pending++;
        pending_record->unread++;
        pending_record->items.of[r->signal] += r->items;
        pending = true;
    }
    rec->disk_log->stats.recovered += pending;
}

static void damage(void *arg, uint64_t at, uint64_t bytes, const char *what)
{
    struct recovery *rec = arg;
    gw_segment_log_report_damage(rec->disk_log, rec->segment->number, at, bytes, what);
}

/* The record was not reported as safe, or its damage was reported just now: the next start must not count it
 * again. */
static void spoilt(void *arg, const struct gw_segment_record *r)
{
    struct recovery *rec = arg;
    uint8_t done[GW_SEGMENT_LOG_SLOTS];
    memset(done, GW_SEGMENT_LOG_ACKED, sizeof done);
    if (!gw_segment_log_write_one(rec->disk_log->conf.io, rec->segment->fd, done, sizeof done,
                                  r->at + GW_SEGMENT_LOG_ACK_OFFSET))
        gw_log(GW_WARNING, "storage", "%s cannot be written: %s", rec->disk_log->conf.directory,
               strerror(errno));
}

static void name_slots(struct recovery *rec)
{
    for (int r = 0; r < GW_SEGMENT_LOG_READERS; r++)
        rec->segment->slot[r] = -1;
    for (int slot = 0; slot < GW_SEGMENT_LOG_SLOTS; slot++) {
        const char *name = rec->head.names[slot];
        unsigned r = name[0] ? gw_segment_reader_named(rec->disk_log, name) : GW_SEGMENT_LOG_READERS;
        rec->reader[slot] = r;
        if (r < GW_SEGMENT_LOG_READERS)
            rec->segment->slot[r] = (int8_t)slot;
        else if (name[0])
            gw_log(GW_WARNING, "storage",
                   "records for exporter %s are skipped: the disk queue has more than %d exporter names",
                   name, GW_SEGMENT_LOG_READERS);
    }
}

/* Records of a live segment; from now on it is sealed. */
static void read_segment(struct recovery *rec, enum gw_segment_log_state state, uint64_t end)
{
    const struct gw_segment_log_visitor visitor = {rec, found, damage, spoilt};
    struct gw_segment *segment = rec->segment;
    bool sealed = state == GW_SEGMENT_LOG_SEALED && end <= segment->size;
    name_slots(rec);
    rec->end = GW_SEGMENT_LOG_HEAD;
    gw_segment_log_window_set(&rec->window, segment->fd, sealed ? end : segment->size);
    rec->window.failed = false;
    gw_segment_log_scan(&rec->window, segment->life, sealed, &visitor);
    segment->end = sealed ? end : rec->end;
    segment->sealed = true;
    if (!sealed && !rec->window.failed) /* else the next start may find more */
        gw_segment_log_put_state(rec->disk_log, segment, GW_SEGMENT_LOG_SEALED);
}

/* UNFINISHED: the process ended between making the file and writing its head. */
enum file_is { OURS, UNFINISHED, FOREIGN, FATAL };

static enum file_is foreign(struct gw_segment_log *s, const char *name, const char *why)
{
    s->stats.foreign_files++;
    gw_log(GW_WARNING, "storage", "%s/%s is ignored: %s", s->conf.directory, name, why);
    return FOREIGN;
}

/* The head, and with it whose file this is. */
static enum file_is read_head(struct recovery *rec, const char *name, struct gw_err *err,
                              enum gw_segment_log_state *state, uint64_t *end)
{
    struct gw_segment_log *s = rec->disk_log;
    static const uint8_t unwritten[GW_SEGMENT_LOG_UNIT];
    uint32_t version = 0;
    gw_segment_log_window_set(&rec->window, rec->segment->fd, rec->segment->size);
    const uint8_t *bytes = gw_segment_log_at(&rec->window, 0, GW_SEGMENT_LOG_HEAD);
    switch (bytes ? gw_segment_log_head_get(bytes, &rec->head, &version) : GW_SEGMENT_LOG_HEAD_BAD) {
    case GW_SEGMENT_LOG_HEAD_BAD:
        if (rec->segment->size == 0 || (bytes && memcmp(bytes, unwritten, sizeof unwritten) == 0))
            return UNFINISHED;
        return foreign(s, name,
                       bytes ? "its head is not that of a segment" : "it is too short for a segment");
    case GW_SEGMENT_LOG_HEAD_OTHER_VERSION:
        gw_fail(err, GW_STORAGE, 0,
                "%s/%s has format %u, and this ddgate knows %d only: let the version that wrote it send it, "
                "or use another directory",
                s->conf.directory, name, (unsigned)version, GW_SEGMENT_LOG_VERSION);
        return FATAL;
    case GW_SEGMENT_LOG_HEAD_GOOD:
        break;
    }
    rec->segment->life = rec->head.life;
    rec->segment->sequence = rec->head.sequence;
    rec->segment->same_boot = memcmp(rec->head.boot, s->conf.boot, sizeof s->conf.boot) == 0;
    *state = gw_segment_log_state_get(bytes + GW_SEGMENT_LOG_STATE, rec->head.life, end);
    return OURS;
}

static void take_in(struct recovery *rec, enum gw_segment_log_state state, uint64_t end)
{
    struct gw_segment_log *s = rec->disk_log;
    struct gw_segment *segment = rec->segment;
    if (segment->sequence >= s->next_sequence)
        s->next_sequence = segment->sequence + 1;
    segment->sealed = segment->recovered = true;
    if (state != GW_SEGMENT_LOG_FREE)
        read_segment(rec, state, end);
}

/* Opens one file. Returns GW_OK also if the file is skipped. */
static enum gw_code read_file(struct recovery *rec, const char *name, uint32_t number, struct gw_err *err)
{
    struct gw_segment_log *s = rec->disk_log;
    struct stat st;
    enum gw_segment_log_state state = GW_SEGMENT_LOG_OPEN;
    uint64_t end = 0;
    int fd = openat(s->directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct gw_segment *segment = fd < 0 ? NULL : calloc(1, sizeof *segment);
    if (!segment || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        foreign(s, name, fd < 0 ? strerror(errno) : "it is not a file");
        if (fd >= 0)
            close(fd);
        free(segment);
        return GW_OK;
    }
    *segment = (struct gw_segment){.number = number, .fd = fd, .size = (uint64_t)st.st_size};
    rec->segment = segment;
    enum file_is is = read_head(rec, name, err, &state, &end);
    if (is == OURS && gw_segment_log_add_file(s, segment)) {
        take_in(rec, state, end);
        return GW_OK;
    }
    gw_segment_log_drop_segment(s, segment, is == UNFINISHED);
    return is == FATAL ? GW_STORAGE : GW_OK;
}

static int by_sequence(const void *a, const void *b)
{
    const struct gw_segment *const *x = a, *const *y = b;
    return ((*x)->sequence > (*y)->sequence) - ((*x)->sequence < (*y)->sequence);
}

/* Every file becomes live, in the order of their sequence; those that no reader has anything pending in are
 * free again at once. */
static bool order(struct gw_segment_log *s)
{
    struct gw_segment **all = calloc(s->files_n + 1, sizeof *all);
    size_t n = 0;
    if (!all)
        return false;
    for (uint32_t i = 0; i < s->files_n; i++)
        if (s->files[i])
            all[n++] = s->files[i];
    qsort(all, n, sizeof *all, by_sequence);
    for (size_t i = 0; i < n; i++)
        gw_segment_log_link(s, all[i]);
    for (size_t i = 0; i < n; i++)
        gw_segment_log_try_release(s, all[i]);
    free(all);
    gw_segment_log_reap(s);
    return true;
}

static enum gw_code read_directory(struct recovery *rec, DIR *dir, struct gw_err *err)
{
    for (const struct dirent *entry; (entry = readdir(dir));) {
        uint32_t number = gw_segment_file_number(entry->d_name);
        if (number && read_file(rec, entry->d_name, number, err) != GW_OK)
            return GW_STORAGE;
        if (!number && entry->d_name[0] != '.' && strcmp(entry->d_name, "lock") != 0)
            foreign(rec->disk_log, entry->d_name, "it is not a file of the disk queue");
    }
    return GW_OK;
}

enum gw_code gw_segment_log_recover(struct gw_segment_log *s, struct gw_err *err)
{
    struct recovery *rec = calloc(1, sizeof *rec);
    int fd = fcntl(s->directory, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    enum gw_code code = GW_STORAGE;
    if (rec && dir && (rec->window.buffer = malloc(GW_SEGMENT_LOG_WINDOW))) {
        rec->disk_log = s;
        rec->window.io = s->conf.io;
        rec->window.size = GW_SEGMENT_LOG_WINDOW;
        code = read_directory(rec, dir, err);
        if (code == GW_OK && !order(s))
            code = gw_fail(err, GW_STORAGE, 0, "no memory");
    } else {
        gw_fail(err, GW_STORAGE, 0, "%s: cannot be read: %s", s->conf.directory, strerror(errno));
    }
    if (rec)
        free(rec->window.buffer);
    free(rec);
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    return code;
}
