/* file_scan.c: Finds files for the patterns and decides which are new, known from the last run, renamed, gone,
 * or cannot be opened. Between looking at a name and opening it the name may move to another file, so it
 * compares the opened file with the one it saw, and leaves a different one to the next scan. Owns nothing.
 * Called by the reader when names changed, and periodically.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_glob.h"
#include "gateway/receivers/file/file_reader.h"

/* A file that was not seen for so long is forgotten: until then it may be on a file system that is not
 * mounted. */
static const int64_t memory = 7 * 24 * 3600; /* seconds */

/* A file that no tail reads yet. */
struct found {
    char *path;
    struct stat st;
    bool known;    /* from last time … */
    bool doubtful; /* … by its inode, not by its first bytes */
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
        t->entry->at.seen = wall_seconds();
        return;
    }
    if (!file_link_is_followed(s->r, path, st)) {
        file_refuse(s->r, path, st, FILE_LINK_OF_OTHERS);
        return;
    }
    char *copy = !file_is_compressed_name(path) && more_room(s) ? strdup(path) : NULL;
    if (copy)
        s->found[s->n++] = (struct found){.path = copy, .st = *st};
}

static void see_folder(void *ctx, const char *path)
{
    struct scan *s = ctx;
    if (!file_folders_add(s->r, path))
        s->r->blind = true;
}

/* Where it leads, a file is renamed and another one made; that is seen in the folder there. One that leads
 * nowhere soon may. */
static void see_link(void *ctx, const char *path)
{
    char at[PATH_MAX], to[PATH_MAX], next[2 * PATH_MAX];
    struct stat st;
    snprintf(at, sizeof at, "%s", path);
    for (int hops = 0; hops < 8; hops++) {
        ssize_t n = readlink(at, to, sizeof to - 1);
        if (n <= 0)
            break;
        to[n] = '\0';
        const char *slash = strrchr(at, '/');
        int folder = to[0] == '/' || !slash ? 0 : (int)(slash - at + 1);
        if ((size_t)snprintf(next, sizeof next, "%.*s%s", folder, at, to) >= sizeof at)
            break;
        memcpy(at, next, strlen(next) + 1);
        char *name = strrchr(next, '/');
        if (name)
            name[1] = '\0';
        see_folder(ctx, name ? next : ".");
    }
    if (stat(path, &st) != 0)
        ((struct scan *)ctx)->r->blind = true;
}

/* Its content is not known. */
static void see_trouble(void *ctx, const char *path, int error)
{
    struct scan *s = ctx;
    file_refuse_name(s->r, path, error);
}

void file_scan_fini(struct file_reader *r)
{
    file_refusals_end(r, true);
    file_index_fini(&r->refused_by_inode);
}

/* Opens the file that was found, and no other that has its name by now. -1: that is not possible. */
static int open_found(struct file_reader *r, const struct found *f, struct stat *st)
{
    int fd = file_open(f->path), error = errno;
    if (fd >= 0 && fstat(fd, st) == 0 && st->st_dev == f->st.st_dev && st->st_ino == f->st.st_ino)
        return fd;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 || error == ENOENT)
        r->scan = true;
    else
        file_refuse(r, f->path, &f->st, error);
    return -1;
}

/* --- known from last time --- */

/* Its first turn begins where the last reader ended, if there is more; and more files than may be open are
 * closed until then. */
static void begin_to_read(struct file_reader *r, struct file_tail *t)
{
    t->ready = t->unproven || t->there != t->size || t->pos == 0;
    file_schedule(r, t);
    file_schedule_close(r, t);
}

/* Its inode is known, and its first bytes are others: it was truncated, or it is a copy that got the inode of
 * a file that is gone. Then it is new, and that one is known by its contents only. */
static bool is_new_copy(struct file_reader *r, const struct found *f, int fd, const struct stat *st,
                        struct file_entry *e)
{
    struct file_tail *of;
    if (file_is_copy(r, f->path, fd, st, &of) == FILE_NO_COPY)
        return false;
    offset_tracker_move(r->tracker, e, 0, 0);
    return true;
}

/* What does not begin as it was known waits until all that do are there: `last`. */
static void resume(struct file_reader *r, struct found *f, struct file_entry *e, bool last)
{
    struct stat st;
    int fd = open_found(r, f, &st);
    f->doubtful = !last && fd >= 0 && e->at.head_n && !file_has_head(fd, &e->at);
    f->known = !last || fd < 0 || !is_new_copy(r, f, fd, &st, e);
    if (f->doubtful || !f->known) {
        close(fd);
        return;
    }
    struct file_tail *t = fd < 0 ? NULL : file_tail_new(r, fd, &st, e, offset_tracker_reached(r->tracker, e));
    if (!t)
        return;
    if (e->fd >= 0)
        close(e->fd);
    e->fd = -1;
    if (e->at.dev != st.st_dev)
        offset_tracker_move(r->tracker, e, st.st_dev, st.st_ino);
    e->at.seen = wall_seconds();
    t->unproven = true;
    if (!file_tail_prove(r, t))
        return;
    file_tail_name(r, t, f->path);
    begin_to_read(r, t);
}

/* Compressed files are recognized only by their content. If it is not unpacked, it is skipped for good, and e
 * is removed. */
static int open_compressed(struct file_reader *r, struct file_entry *e, char *path, size_t size)
{
    struct file_copy_found found;
    file_gunzip(r, e, NULL, offset_tracker_reached(r->tracker, e), &found);
    if (found.fd >= 0) {
        snprintf(path, size, "%s", found.path);
        offset_tracker_move(r->tracker, e, 0, 0);
    } else if (found.left) {
        atomic_fetch_add_explicit(&r->counts->lost_bytes, found.lost, memory_order_relaxed);
        offset_tracker_remove(r->tracker, e);
    }
    return found.fd;
}

/* A file without a name that a pattern matches. The descriptor is from the predecessor, or of a name beside
 * the last one. */
static int open_lost(struct file_reader *r, struct file_entry *e, char *path, size_t size)
{
    struct stat st;
    int fd = e->fd;
    snprintf(path, size, "%s", e->at.path);
    e->fd = -1;
    if (fd < 0)
        fd = file_open_inode(r->conf, e->at.path, e->at.dev, e->at.ino, path, size);
    bool its = fd >= 0 && fstat(fd, &st) == 0 && e->at.head_n && file_has_head(fd, &e->at);
    if (its && (uint64_t)st.st_size > offset_tracker_reached(r->tracker, e))
        return fd;
    bool gone = fd >= 0 ? !its : errno == ENOENT;
    if (fd >= 0)
        close(fd);
    return gone ? open_compressed(r, e, path, size) : -1;
}

/* The file was renamed while ddgate was not running, to a name that no pattern matches: the unread rest is
 * still read. Its first turn finds out the rest. */
static void resume_lost(struct file_reader *r)
{
    char path[PATH_MAX];
    for (struct file_entry *e = offset_tracker_first(r->tracker), *next; e; e = next) {
        struct stat st;
        next = e->next;
        int fd = e->open ? -1 : open_lost(r, e, path, sizeof path);
        if (fd < 0)
            continue;
        if (fstat(fd, &st) != 0) {
            close(fd);
            continue;
        }
        struct file_tail *t = file_tail_new(r, fd, &st, e, offset_tracker_reached(r->tracker, e));
        if (!t)
            continue;
        t->seen = false;
        t->unproven = true;
        file_tail_name(r, t, path);
        begin_to_read(r, t);
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

/* `start` applies to files that existed when the receiver, or this pattern of it, was first used. */
static bool begins_at_end(const struct file_reader *r, const char *path)
{
    return r->scanned_at == 0 && r->conf->start == 0 &&
           !file_glob_match_any(offset_tracker_known(r->tracker), path);
}

static struct file_tail *add_tail(struct file_reader *r, const struct found *f, int fd, const struct stat *st,
                                  uint64_t pos)
{
    const struct file_saved s = {
        .dev = st->st_dev, .ino = st->st_ino, .offset = pos, .seen = wall_seconds(), .path = f->path};
    struct file_entry *e = offset_tracker_add(r->tracker, &s);
    if (!e)
        close(fd);
    return e ? file_tail_new(r, fd, st, e, pos) : NULL;
}

static void begin(struct file_reader *r, const struct found *f)
{
    struct file_tail *of = NULL;
    struct stat st;
    enum file_copy copy = FILE_NO_COPY;
    int fd = open_found(r, f, &st);
    if (fd < 0)
        return;
    if (is_compressed(fd) || (copy = file_is_copy(r, f->path, fd, &st, &of)) == FILE_MAYBE_COPY) {
        r->again |= copy == FILE_MAYBE_COPY;
        close(fd);
        return;
    }
    struct file_tail *t =
        add_tail(r, f, fd, &st, copy == FILE_COPY || begins_at_end(r, f->path) ? (uint64_t)st.st_size : 0);
    if (!t)
        return;
    file_tail_check(r, t); /* from now on it is known by its first bytes */
    if (copy == FILE_COPY)
        file_tail_set_copy(r, t, of);
    begin_to_read(r, t);
}

/* --- all of it --- */

/* A symbolic link that was replaced more than once since the last scan pointed to files that were not seen,
 * unless their own names match. */
static void log_missed_links(struct file_reader *r, struct file_tail *t)
{
    if (t->linked > 1 && !file_glob_match_any(&r->conf->path, t->target)) {
        gw_log(GW_WARNING, r->component,
               "%s pointed to %u other files that were replaced before ddgate saw them: they are not read; "
               "add a pattern for their own names",
               t->entry->at.path, t->linked - 1);
        atomic_fetch_add_explicit(&r->counts->missed_links, t->linked - 1, memory_order_relaxed);
    }
    t->linked = 0;
}

static void begin_scan(struct file_reader *r)
{
    r->scan = r->again = r->blind = false;
    for (struct file_tail *t = r->tails; t; t = t->next) {
        t->seen = false;
        log_missed_links(r, t);
    }
}

static void resume_known(struct file_reader *r, struct found *f, bool last)
{
    struct file_entry *e = file_tail_of(r, &f->st)
                               ? NULL
                               : offset_tracker_of_inode(r->tracker, f->st.st_dev, f->st.st_ino, f->path);
    f->known = false;
    if (e)
        resume(r, f, e, last);
}

static void read_found(struct file_reader *r, struct scan *s)
{
    for (size_t i = 0; i < s->n; i++)
        resume_known(r, &s->found[i], false);
    for (size_t i = 0; i < s->n; i++)
        if (s->found[i].doubtful)
            resume_known(r, &s->found[i], true);
    if (r->scanned_at == 0)
        resume_lost(r);
    for (size_t i = 0; i < s->n; i++)
        if (!s->found[i].known && !file_tail_of(r, &s->found[i].st))
            begin(r, &s->found[i]);
}

static void end_scan(struct file_reader *r, struct scan *s)
{
    for (struct file_tail *t = r->tails; t; t = t->next)
        if (t->gone == t->seen) {
            t->gone = !t->seen;
            file_schedule(r, t);
        }
    file_refusals_end(r, false);
    forget_old(r);
    for (size_t i = 0; i < s->n; i++)
        free(s->found[i].path);
    free(s->found);
}

void file_scan(struct file_reader *r)
{
    struct scan s = {.r = r};
    const struct file_glob_seen to = {see_file, see_folder, see_link, see_trouble, &s};
    gw_nsec began = gw_now(), cpu = gw_clock_read(CLOCK_THREAD_CPUTIME_ID);
    begin_scan(r);
    file_glob_walk(&r->conf->path, &r->conf->exclude, &to);
    read_found(r, &s);
    end_scan(r, &s);
    if (r->scanned_at == 0) {
        gw_log(GW_INFO, r->component, "%zu files to read; how far is kept in %s", r->tails_n,
               r->state[0] ? r->state : "memory only");
        offset_tracker_patterns(r->tracker, &r->conf->path);
    }
    r->scanned_at = gw_now();
    r->scan_took = r->scanned_at - began;
    r->scan_cpu = gw_clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu;
}
