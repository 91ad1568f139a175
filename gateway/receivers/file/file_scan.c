/* file_scan.c: from patterns to tails: what is new, what is known from last time, what has another name, what
 * is gone.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_glob.h"
#include "gateway/receivers/file/file_reader.h"

/* What was not seen for so long is forgotten: until then it may be on a file system that is not mounted. */
static const int64_t memory = 7 * 24 * 3600; /* seconds */

/* A file that no tail reads yet. */
struct found {
    char *path;
    struct stat st;
};

struct scan {
    struct file_reader *r;
    struct found *found;
    size_t n, cap;
};

static int64_t wall_seconds(void)
{
    return (int64_t)time(NULL);
}

/* --- looking --- */

static bool is_compressed_name(const char *path)
{
    static const gw_str ends[] = {GW_LIT(".gz"), GW_LIT(".zst"), GW_LIT(".bz2"),
                                  GW_LIT(".xz"), GW_LIT(".zip"), GW_LIT(".lz4")};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (gw_str_ends(gw_str_z(path), ends[i]))
            return true;
    return false;
}

static bool is_compressed(int fd)
{
    static const gw_str magics[] = {GW_LIT("\x1f\x8b"), GW_LIT("\x28\xb5\x2f\xfd"), GW_LIT("BZh"),
                                    GW_LIT("\xfd"
                                           "7zXZ"),
                                    GW_LIT("PK\x03\x04")};
    char head[8];
    ssize_t n = pread(fd, head, sizeof head, 0);
    for (size_t i = 0; n > 0 && i < sizeof magics / sizeof *magics; i++)
        if (gw_str_starts(gw_str_n(head, (size_t)n), magics[i]))
            return true;
    return false;
}

static bool more_room(struct scan *s)
{
    if (s->n < s->cap)
        return true;
    size_t cap = s->cap ? 2 * s->cap : 64;
    struct found *p = realloc(s->found, cap * sizeof *p);
    if (!p)
        return false;
    s->found = p;
    s->cap = cap;
    return true;
}

static void see_file(void *ctx, const char *path, const struct stat *st)
{
    struct scan *s = ctx;
    struct file_tail *t = file_tail_of(s->r, st);
    if (t) {
        if (!t->seen)
            file_tail_name(s->r, t, path);
        t->seen = true;
        t->gone = false;
        t->entry->at.seen = wall_seconds();
        return;
    }
    char *copy = !is_compressed_name(path) && more_room(s) ? strdup(path) : NULL;
    if (copy)
        s->found[s->n++] = (struct found){copy, *st};
}

static void see_folder(void *ctx, const char *path)
{
    struct scan *s = ctx;
    if (file_watch_folder(&s->r->watch, path) < 0)
        s->r->blind = true;
}

/* --- known from last time --- */

static struct file_entry *entry_of(struct file_reader *r, const struct found *f)
{
    struct file_entry *moved = NULL;
    for (struct file_entry *e = offset_tracker_first(r->tracker); e; e = e->next) {
        if (e->open || e->at.ino != f->st.st_ino)
            continue;
        if (e->at.dev == f->st.st_dev)
            return e;
        /* device numbers change when a machine starts again */
        if (e->at.head_n && strcmp(e->at.path, f->path) == 0)
            moved = e;
    }
    return moved;
}

static void resume(struct file_reader *r, const struct found *f, struct file_entry *e)
{
    int fd = file_open(f->path);
    if (fd < 0)
        return;
    struct file_tail *t = file_tail_new(r, fd, &f->st, e, offset_tracker_reached(r->tracker, e));
    if (!t)
        return;
    e->at.dev = f->st.st_dev;
    e->at.seen = wall_seconds();
    t->size = t->pos;
    if (file_tail_recognise(r, t) && (uint64_t)f->st.st_size >= t->pos)
        file_tail_name(r, t, f->path);
    else
        file_tail_start_over(r, t);
}

/* Renamed while we were away, to a name that no pattern finds: what was not read of it is read still. */
static void resume_lost(struct file_reader *r)
{
    char path[PATH_MAX];
    for (struct file_entry *e = offset_tracker_first(r->tracker); e; e = e->next) {
        struct stat st;
        int fd = e->open ? -1 : file_open_inode(e->at.path, e->at.dev, e->at.ino, path, sizeof path);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) != 0 || !e->at.head_n ||
            (uint64_t)st.st_size <= offset_tracker_reached(r->tracker, e) || !file_has_head(fd, &e->at)) {
            close(fd);
            continue;
        }
        struct file_tail *t = file_tail_new(r, fd, &st, e, offset_tracker_reached(r->tracker, e));
        if (t) {
            t->size = t->pos;
            t->seen = false;
            file_tail_name(r, t, path);
            if (!file_tail_recognise(r, t))
                file_tail_start_over(r, t);
        }
    }
}

static void forget_old(struct file_reader *r)
{
    int64_t now = wall_seconds();
    for (struct file_entry *e = offset_tracker_first(r->tracker), *next; e; e = next) {
        next = e->next;
        if (!e->open && now - e->at.seen > memory)
            offset_tracker_remove(r->tracker, e);
    }
}

/* --- new --- */

/* `start` is for what was there already when the receiver, or this pattern of it, first looked. */
static bool begins_at_end(const struct file_reader *r, const char *path)
{
    const struct gw_list *known = &r->known;
    return r->scanned_at == 0 && r->conf->start == 0 && !file_glob_match_any(known, path);
}

static void begin(struct file_reader *r, const struct found *f)
{
    struct file_tail *of = NULL;
    struct stat st;
    int fd = file_open(f->path);
    if (fd < 0) {
        gw_log(GW_WARNING, r->component, "%s cannot be opened: %s", f->path, strerror(errno));
        return;
    }
    enum file_copy copy = FILE_NO_COPY;
    if (fstat(fd, &st) != 0 || is_compressed(fd) ||
        (copy = file_is_copy(r, f->path, fd, &st, &of)) == FILE_MAYBE_COPY) {
        r->again |= copy == FILE_MAYBE_COPY;
        close(fd);
        return;
    }
    uint64_t pos = copy == FILE_COPY || begins_at_end(r, f->path) ? (uint64_t)st.st_size : 0;
    struct file_entry *e = offset_tracker_add(
        r->tracker,
        &(struct file_saved){
            .dev = st.st_dev, .ino = st.st_ino, .offset = pos, .seen = wall_seconds(), .path = f->path});
    struct file_tail *t = e ? file_tail_new(r, fd, &st, e, pos) : NULL;
    if (!e)
        close(fd);
    if (t)
        t->size = t->pos;
    if (t && copy == FILE_COPY) {
        t->copy_of = of;
        e->hidden = true;
    } else if (t) {
        file_tail_check(r, t); /* from now on it is known by its first bytes */
    }
}

void file_scan(struct file_reader *r)
{
    struct scan s = {.r = r};
    const struct file_glob_seen to = {see_file, see_folder, &s};
    r->scan = r->again = r->blind = false;
    for (struct file_tail *t = r->tails; t; t = t->next)
        t->seen = false;
    file_glob_walk(&r->conf->path, &r->conf->exclude, &to);
    for (size_t i = 0; i < s.n; i++) {
        struct file_entry *e = file_tail_of(r, &s.found[i].st) ? NULL : entry_of(r, &s.found[i]);
        if (e)
            resume(r, &s.found[i], e);
    }
    if (r->scanned_at == 0)
        resume_lost(r);
    for (size_t i = 0; i < s.n; i++)
        if (!file_tail_of(r, &s.found[i].st))
            begin(r, &s.found[i]);
    for (struct file_tail *t = r->tails; t; t = t->next)
        t->gone = !t->seen;
    forget_old(r);
    for (size_t i = 0; i < s.n; i++)
        free(s.found[i].path);
    free(s.found);
    if (r->scanned_at == 0)
        gw_log(GW_INFO, r->component, "%zu files to read; how far is kept in %s", r->tails_n,
               r->state[0] ? r->state : "memory only");
    r->scanned_at = gw_now();
}
