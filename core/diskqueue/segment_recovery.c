/* segment_recovery.c: what the disk remembers.
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
    struct gw_store *store;
    struct gw_store_segment *segment;
    struct gw_store_head head;
    unsigned reader[GW_STORE_SLOTS]; /* of each slot of the segment; GW_STORE_READERS: nobody */
    uint64_t end;                    /* behind the last record */
    struct gw_store_window window;
};

static void found(void *arg, const struct gw_store_record *r)
{
    struct recovery *rec = arg;
    bool owed = false;
    rec->end = r->at + gw_store_record_size(r->len, r->unjoined_n);
    for (int slot = 0; slot < GW_STORE_SLOTS; slot++) {
        unsigned reader = rec->reader[slot];
        if (!(r->owed & 1u << slot) || r->done[slot] == GW_STORE_DONE || reader == GW_STORE_READERS)
            continue;
        struct gw_store_debt *debt = &rec->segment->debts[reader];
        debt->owed++;
        debt->unread++;
        debt->items.of[r->signal] += r->items;
        owed = true;
    }
    rec->store->stats.recovered += owed;
}

static void damage(void *arg, uint64_t at, uint64_t bytes, const char *what)
{
    struct recovery *rec = arg;
    gw_store_say_damage(rec->store, rec->segment->number, at, bytes, what);
}

/* Nobody was told that it is safe, or it was reported just now: the next start shall not count it again. */
static void spoilt(void *arg, const struct gw_store_record *r)
{
    struct recovery *rec = arg;
    uint8_t done[GW_STORE_SLOTS];
    memset(done, GW_STORE_DONE, sizeof done);
    if (!gw_store_write_one(rec->store->conf.io, rec->segment->fd, done, sizeof done, r->at + GW_STORE_DONE_AT))
        gw_log(GW_WARNING, "storage", "%s cannot be written: %s", rec->store->conf.directory, strerror(errno));
}

static void name_slots(struct recovery *rec)
{
    for (int r = 0; r < GW_STORE_READERS; r++)
        rec->segment->slot[r] = -1;
    for (int slot = 0; slot < GW_STORE_SLOTS; slot++) {
        const char *name = rec->head.names[slot];
        unsigned r = name[0] ? gw_store_reader_named(rec->store, name) : GW_STORE_READERS;
        rec->reader[slot] = r;
        if (r < GW_STORE_READERS)
            rec->segment->slot[r] = (int8_t)slot;
        else if (name[0])
            gw_log(GW_WARNING, "storage", "records for exporter %s are passed over: there are more than %d names on the disk", name,
                   GW_STORE_READERS);
    }
}

/* Records of a live segment; from now on it is sealed. */
static void read_segment(struct recovery *rec, enum gw_store_state state, uint64_t end)
{
    const struct gw_store_visitor visitor = {rec, found, damage, spoilt};
    struct gw_store_segment *segment = rec->segment;
    bool sealed = state == GW_STORE_SEALED && end <= segment->size;
    name_slots(rec);
    rec->end = GW_STORE_HEAD;
    gw_store_window_set(&rec->window, segment->fd, sealed ? end : segment->size);
    gw_store_scan(&rec->window, segment->life, sealed, &visitor);
    segment->end = sealed ? end : rec->end;
    segment->sealed = true;
    if (!sealed)
        gw_store_put_state(rec->store, segment, GW_STORE_SEALED);
}

/* UNFINISHED: the process ended between making the file and writing its head. */
enum file_is { OURS, UNFINISHED, FOREIGN, FATAL };

static enum file_is foreign(struct gw_store *s, const char *name, const char *why)
{
    s->stats.foreign_files++;
    gw_log(GW_WARNING, "storage", "%s/%s is left alone: %s", s->conf.directory, name, why);
    return FOREIGN;
}

/* The head, and with it whose file this is. */
static enum file_is read_head(struct recovery *rec, const char *name, struct gw_err *err, enum gw_store_state *state, uint64_t *end)
{
    struct gw_store *s = rec->store;
    static const uint8_t unwritten[GW_STORE_UNIT];
    uint32_t version = 0;
    gw_store_window_set(&rec->window, rec->segment->fd, rec->segment->size);
    const uint8_t *bytes = gw_store_at(&rec->window, 0, GW_STORE_HEAD);
    switch (bytes ? gw_store_head_get(bytes, &rec->head, &version) : GW_STORE_HEAD_BAD) {
    case GW_STORE_HEAD_BAD:
        if (rec->segment->size == 0 || (bytes && memcmp(bytes, unwritten, sizeof unwritten) == 0))
            return UNFINISHED;
        return foreign(s, name, bytes ? "its head is not that of a segment" : "it is too short for a segment");
    case GW_STORE_HEAD_OTHER_VERSION:
        gw_fail(err, GW_STORAGE, 0,
                "%s/%s has format %u, and this ddgate knows %d only: let the version that wrote it send it, or use another directory",
                s->conf.directory, name, (unsigned)version, GW_STORE_VERSION);
        return FATAL;
    case GW_STORE_HEAD_GOOD:
        break;
    }
    rec->segment->life = rec->head.life;
    rec->segment->sequence = rec->head.sequence;
    rec->segment->same_boot = memcmp(rec->head.boot, s->conf.boot, sizeof s->conf.boot) == 0;
    *state = gw_store_state_get(bytes + GW_STORE_STATE, rec->head.life, end);
    return OURS;
}

static void take_in(struct recovery *rec, enum gw_store_state state, uint64_t end)
{
    struct gw_store *s = rec->store;
    struct gw_store_segment *segment = rec->segment;
    if (segment->sequence >= s->next_sequence)
        s->next_sequence = segment->sequence + 1;
    segment->sealed = segment->recovered = true;
    if (state != GW_STORE_FREE)
        read_segment(rec, state, end);
}

/* Opens one file. GW_OK also where it is passed over. */
static enum gw_code read_file(struct recovery *rec, const char *name, uint32_t number, struct gw_err *err)
{
    struct gw_store *s = rec->store;
    struct stat st;
    enum gw_store_state state = GW_STORE_OPEN;
    uint64_t end = 0;
    int fd = openat(s->directory, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct gw_store_segment *segment = fd < 0 ? NULL : calloc(1, sizeof *segment);
    if (!segment || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        foreign(s, name, fd < 0 ? strerror(errno) : "it is not a file");
        if (fd >= 0)
            close(fd);
        free(segment);
        return GW_OK;
    }
    *segment = (struct gw_store_segment){.number = number, .fd = fd, .size = (uint64_t)st.st_size};
    rec->segment = segment;
    enum file_is is = read_head(rec, name, err, &state, &end);
    if (is == OURS && gw_store_add_file(s, segment)) {
        take_in(rec, state, end);
        return GW_OK;
    }
    gw_store_drop_segment(s, segment, is == UNFINISHED);
    return is == FATAL ? GW_STORAGE : GW_OK;
}

static int by_sequence(const void *a, const void *b)
{
    const struct gw_store_segment *const *x = a, *const *y = b;
    return ((*x)->sequence > (*y)->sequence) - ((*x)->sequence < (*y)->sequence);
}

/* Every file becomes live, in the order of their sequence; those that nobody owes anything of are free again at once. */
static bool order(struct gw_store *s)
{
    struct gw_store_segment **all = calloc(s->files_n + 1, sizeof *all);
    size_t n = 0;
    if (!all)
        return false;
    for (uint32_t i = 0; i < s->files_n; i++)
        if (s->files[i])
            all[n++] = s->files[i];
    qsort(all, n, sizeof *all, by_sequence);
    for (size_t i = 0; i < n; i++)
        gw_store_link(s, all[i]);
    for (size_t i = 0; i < n; i++)
        gw_store_try_release(s, all[i]);
    free(all);
    gw_store_reap(s);
    return true;
}

static enum gw_code read_directory(struct recovery *rec, DIR *dir, struct gw_err *err)
{
    for (const struct dirent *entry; (entry = readdir(dir));) {
        uint32_t number = gw_store_file_number(entry->d_name);
        if (number && read_file(rec, entry->d_name, number, err) != GW_OK)
            return GW_STORAGE;
        if (!number && entry->d_name[0] != '.' && strcmp(entry->d_name, "lock") != 0)
            foreign(rec->store, entry->d_name, "it is not a file of the disk queue");
    }
    return GW_OK;
}

enum gw_code gw_store_recover(struct gw_store *s, struct gw_err *err)
{
    struct recovery *rec = calloc(1, sizeof *rec);
    int fd = fcntl(s->directory, F_DUPFD_CLOEXEC, 0);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    enum gw_code code = GW_STORAGE;
    if (rec && dir && (rec->window.buffer = malloc(GW_STORE_WINDOW))) {
        rec->store = s;
        rec->window.io = s->conf.io;
        rec->window.size = GW_STORE_WINDOW;
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
