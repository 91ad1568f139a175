/* file_copytruncate.c: rotation by copy and truncate: which file holds what another one held, and which new
 * file is a copy that is being made. The scan asks of new files, and a tail of what it held when it was
 * truncated.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/receivers/file/file_reader.h"

/* A copy that is being made grows; one that did not for so long, and is shorter than the original's first
 * bytes, is something else. */
static const int64_t copying = 10; /* seconds */
/* Two logs may well hold the same for some bytes ("started"), and nothing else ever; then both are read. */
enum { TELLING = 100 };

static bool is_mark(char c)
{
    return c == '.' || c == '-' || c == '_' || c == '~';
}

bool file_is_rotation(const char *base, const char *name)
{
    size_t n = strlen(base), m = strlen(name);
    const char *dot = strrchr(base, '.');
    if (m <= n)
        return false;
    if (memcmp(name, base, n) == 0)
        return is_mark(name[n]);
    size_t stem = dot ? (size_t)(dot - base) : n;
    return stem && memcmp(name, base, stem) == 0 && is_mark(name[stem]) &&
           strcmp(name + m - (n - stem), dot ? dot : "") == 0;
}

static gw_str base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return gw_str_z(slash ? slash + 1 : path);
}

bool file_has_head(int fd, const struct file_saved *s)
{
    char head[FILE_HEAD];
    return file_pread(fd, head, s->head_n, 0) == (ssize_t)s->head_n &&
           file_head_hash(head, s->head_n) == s->head;
}

int file_open(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* -1, with ENOENT: another one has the name, or none. */
static int open_if(const char *path, uint64_t dev, uint64_t ino)
{
    struct stat st;
    int fd = file_open(path), error = errno;
    if (fd < 0) {
        bool there = stat(path, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
        errno = there ? error : ENOENT;
        return -1;
    }
    if (fstat(fd, &st) != 0 || st.st_dev != dev || st.st_ino != ino) {
        close(fd);
        errno = ENOENT;
        return -1;
    }
    return fd;
}

/* Some name in the folder of `path`. */
static int open_beside(const char *path, uint64_t dev, uint64_t ino, char *now, size_t size)
{
    char folder[PATH_MAX];
    int fd = -1, error = ENOENT;
    snprintf(folder, sizeof folder, "%.*s", (int)(base_name(path).ptr - path), path);
    DIR *dir = opendir(folder[0] ? folder : ".");
    for (struct dirent *e; fd < 0 && dir && (e = readdir(dir));) {
        if (e->d_ino != ino || (size_t)snprintf(now, size, "%s%s", folder, e->d_name) >= size)
            continue;
        fd = open_if(now, dev, ino);
        error = fd < 0 ? errno : 0;
    }
    if (dir)
        closedir(dir);
    errno = error;
    return fd;
}

int file_open_inode(const char *path, uint64_t dev, uint64_t ino, char *now, size_t size)
{
    char target[PATH_MAX];
    int fd = open_if(path, dev, ino);
    snprintf(now, size, "%s", path);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = open_beside(path, dev, ino, now, size);
    if (fd < 0 && errno == ENOENT && realpath(path, target) && strcmp(target, path) != 0)
        fd = open_beside(target, dev, ino, now, size);
    else if (fd < 0 && errno != ENOENT)
        return fd;
    if (fd < 0)
        errno = errno == 0 ? ENOENT : errno;
    return fd;
}

/* Some other content than t's is known to stand there: no copy of t, or one that is read for itself. */
static bool is_known(const struct file_reader *r, const struct file_tail *t, int fd, const struct stat *st)
{
    const struct file_tail *its = file_tail_of(r, st);
    if (its)
        return its->copy_of != t;
    const struct file_entry *e = offset_tracker_of_inode(r->tracker, st->st_dev, st->st_ino, "");
    return e && e->at.dev == st->st_dev && e->at.head_n && file_has_head(fd, &e->at);
}

/* Where t was reading it has what t saw there. */
static bool goes_on_alike(const struct file_tail *t, int fd)
{
    char bytes[FILE_HEAD];
    size_t n = t->held_n < sizeof bytes ? t->held_n : sizeof bytes;
    return file_pread(fd, bytes, n, t->pos) == (ssize_t)n && memcmp(bytes, t->held, n) == 0;
}

static int open_if_copy(const struct file_tail *t, const char *path, struct stat *st)
{
    int fd = file_open(path);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && (st->st_ino != t->ino || st->st_dev != t->dev) &&
        (uint64_t)st->st_size >= t->pos && file_has_head(fd, &t->entry->at) &&
        (!t->held_n || goes_on_alike(t, fd)))
        return fd;
    close(fd);
    return -1;
}

static bool is_later(const struct stat *a, const struct stat *b)
{
    return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
                                                  : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

int file_find_copy(const struct file_reader *r, const struct file_tail *t, struct stat *st, char *path,
                   size_t size, bool *own)
{
    char folder[PATH_MAX], one[PATH_MAX];
    gw_str base = base_name(t->entry->at.path);
    snprintf(folder, sizeof folder, "%.*s", (int)(base.ptr - t->entry->at.path), t->entry->at.path);
    DIR *dir = opendir(folder[0] ? folder : ".");
    int best = -1;
    for (struct dirent *e; dir && (e = readdir(dir));) {
        struct stat its;
        if (!file_is_rotation(base.ptr, e->d_name) ||
            (size_t)snprintf(one, sizeof one, "%s%s", folder, e->d_name) >= sizeof one)
            continue;
        int fd = open_if_copy(t, one, &its);
        bool known = fd >= 0 && is_known(r, t, fd, &its);
        *own |= known;
        if (fd < 0 || known || (best >= 0 && !is_later(&its, st))) {
            if (fd >= 0)
                close(fd);
            continue;
        }
        if (best >= 0)
            close(best);
        best = fd;
        *st = its;
        snprintf(path, size, "%s", one);
    }
    if (dir)
        closedir(dir);
    return best;
}

/* n bytes at offset `at` of both; whatever cannot be read differs. */
static bool same_bytes(int a, int b, off_t at, size_t n)
{
    char x[FILE_HEAD], y[FILE_HEAD];
    return file_pread(a, x, n, (uint64_t)at) == (ssize_t)n &&
           file_pread(b, y, n, (uint64_t)at) == (ssize_t)n && memcmp(x, y, n) == 0;
}

/* n bytes at the beginning of the file are those. */
static bool begins_with(int fd, const char *bytes, size_t n)
{
    char start[FILE_HEAD];
    return file_pread(fd, start, n, 0) == (ssize_t)n && memcmp(start, bytes, n) == 0;
}

/* Whether t's file is still what t read: it may be truncated at any moment, and t hears of that later. Puts
 * its first bytes into `ours`. */
static bool is_as_read(const struct file_tail *t, char ours[FILE_HEAD], ssize_t *n)
{
    struct stat of;
    *n = -1;
    return t->fd >= 0 && fstat(t->fd, &of) == 0 && (uint64_t)of.st_size >= t->pos &&
           (*n = file_pread(t->fd, ours, FILE_HEAD, 0)) >= 0 && *n >= (ssize_t)t->head_n &&
           memcmp(ours, t->head, t->head_n) == 0;
}

/* What the new file holds so far against t's file, which is as it was read. */
static enum file_copy compare_bytes(const struct file_tail *t, const char *ours, ssize_t ours_n, int fd,
                                    const struct stat *st)
{
    size_t n = st->st_size < FILE_HEAD ? (size_t)st->st_size : FILE_HEAD,
           head = n < (size_t)ours_n ? n : (size_t)ours_n;
    if (ours_n < TELLING || !begins_with(fd, ours, head))
        return FILE_NO_COPY;
    if (head < (size_t)ours_n)
        return time(NULL) - st->st_mtime < copying ? FILE_MAYBE_COPY : FILE_NO_COPY;
    return same_bytes(t->fd, fd, st->st_size - (off_t)n, n) ? FILE_COPY : FILE_NO_COPY;
}

/* Between two looks at t's file it may have been truncated: what was compared between them then says nothing,
 * and t has yet to find out. */
static enum file_copy compare(const struct file_tail *t, int fd, const struct stat *st)
{
    char ours[FILE_HEAD];
    ssize_t ours_n;
    size_t known = (size_t)st->st_size < t->head_n ? (size_t)st->st_size : t->head_n;
    enum file_copy copy =
        is_as_read(t, ours, &ours_n) ? compare_bytes(t, ours, ours_n, fd, st) : FILE_MAYBE_COPY;
    if (copy == FILE_NO_COPY && !is_as_read(t, ours, &ours_n))
        copy = FILE_MAYBE_COPY;
    return copy == FILE_MAYBE_COPY && !begins_with(fd, t->head, known) ? FILE_NO_COPY : copy;
}

bool file_is_still_copy(const struct file_tail *t)
{
    struct stat st;
    /* what was truncated finds its copy in its own turn, first */
    if (t->copy_of->ready || t->fd < 0 || fstat(t->fd, &st) != 0)
        return true;
    return compare(t->copy_of, t->fd, &st) != FILE_NO_COPY;
}

/* The tail of that name that the new file is a copy of. */
static enum file_copy is_copy_of(struct file_reader *r, const char *name, int fd, const struct stat *st,
                                 struct file_tail **of)
{
    for (struct file_index_link *l = file_index_find(&r->by_name, file_name_key(gw_str_z(name))); l;
         l = file_index_next(l)) {
        struct file_tail *t = l->of;
        if (t->gone || t->unproven || !t->head_n || strcmp(t->entry->at.path, name) != 0 ||
            file_tail_wake(r, t) == FILE_IS_GONE)
            continue;
        enum file_copy copy = compare(t, fd, st);
        *of = t;
        if (copy != FILE_NO_COPY)
            return copy;
    }
    return FILE_NO_COPY;
}

/* Every name that a rotation would make this one of is asked for: what stands before one of the marks, with
 * or without the name's end. */
enum file_copy file_is_copy(struct file_reader *r, const char *path, int fd, const struct stat *st,
                            struct file_tail **of)
{
    char name[PATH_MAX];
    gw_str base = base_name(path);
    const char *dot = strrchr(base.ptr, '.');
    enum file_copy copy = FILE_NO_COPY;
    for (const char *at = base.ptr + (base.len > 0); *at && copy == FILE_NO_COPY; at++) {
        if (!is_mark(*at))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(at - path), path);
        copy = is_copy_of(r, name, fd, st, of);
        if (copy != FILE_NO_COPY || !dot || dot <= at)
            continue;
        snprintf(name, sizeof name, "%.*s%s", (int)(at - path), path, dot);
        copy = is_copy_of(r, name, fd, st, of);
    }
    return copy;
}
