/* file_copytruncate.c: rotation by copy and truncate: which file holds what another one held.
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
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

static bool same_folder(const char *a, const char *b)
{
    size_t n = (size_t)(base_name(a).ptr - a);
    return n == (size_t)(base_name(b).ptr - b) && memcmp(a, b, n) == 0;
}

bool file_has_head(int fd, const struct file_saved *s)
{
    char head[FILE_HEAD];
    return pread(fd, head, s->head_n, 0) == (ssize_t)s->head_n && file_head_hash(head, s->head_n) == s->head;
}

int file_open(const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* -1: another one has the name now. */
static int open_if(const char *path, uint64_t dev, uint64_t ino)
{
    struct stat st;
    int fd = file_open(path);
    if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_dev != dev || st.st_ino != ino)) {
        close(fd);
        return -1;
    }
    return fd;
}

int file_open_inode(const char *path, uint64_t dev, uint64_t ino, char *now, size_t size)
{
    char folder[PATH_MAX];
    int fd = open_if(path, dev, ino);
    snprintf(now, size, "%s", path);
    if (fd >= 0)
        return fd;
    snprintf(folder, sizeof folder, "%.*s", (int)(base_name(path).ptr - path), path);
    DIR *dir = opendir(folder[0] ? folder : ".");
    for (struct dirent *e; fd < 0 && dir && (e = readdir(dir));)
        if (e->d_ino == ino && (size_t)snprintf(now, size, "%s%s", folder, e->d_name) < size)
            fd = open_if(now, dev, ino);
    if (dir)
        closedir(dir);
    return fd;
}

static int open_if_copy(const struct file_tail *t, const char *path, struct stat *st)
{
    int fd = file_open(path);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) && (st->st_ino != t->ino || st->st_dev != t->dev) &&
        (uint64_t)st->st_size >= t->pos && file_has_head(fd, &t->entry->at))
        return fd;
    close(fd);
    return -1;
}

int file_find_copy(const struct file_tail *t, struct stat *st, char *path, size_t size)
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
        if (fd < 0 || (best >= 0 && its.st_mtime < st->st_mtime)) {
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
    return pread(a, x, n, at) == (ssize_t)n && pread(b, y, n, at) == (ssize_t)n && memcmp(x, y, n) == 0;
}

/* n bytes at the beginning of the file are those. */
static bool begins_with(int fd, const char *bytes, size_t n)
{
    char start[FILE_HEAD];
    return pread(fd, start, n, 0) == (ssize_t)n && memcmp(start, bytes, n) == 0;
}

/* What the new file holds so far against what t reads. */
static enum file_copy compare(const struct file_tail *t, int fd, const struct stat *st)
{
    char ours[FILE_HEAD];
    struct stat of;
    size_t n = st->st_size < FILE_HEAD ? (size_t)st->st_size : FILE_HEAD;
    if (t->fd < 0 || fstat(t->fd, &of) != 0)
        return FILE_NO_COPY;
    ssize_t ours_n = pread(t->fd, ours, sizeof ours, 0);
    /* t has yet to find out */
    if ((uint64_t)of.st_size < t->pos || ours_n < (ssize_t)t->head_n || memcmp(ours, t->head, t->head_n) != 0)
        return begins_with(fd, t->head, n < t->head_n ? n : t->head_n) ? FILE_MAYBE_COPY : FILE_NO_COPY;
    size_t head = n < (size_t)ours_n ? n : (size_t)ours_n;
    if (ours_n < TELLING || !begins_with(fd, ours, head))
        return FILE_NO_COPY;
    if (head < (size_t)ours_n)
        return time(NULL) - st->st_mtime < copying ? FILE_MAYBE_COPY : FILE_NO_COPY;
    return same_bytes(t->fd, fd, st->st_size - (off_t)n, n) ? FILE_COPY : FILE_NO_COPY;
}

bool file_is_still_copy(const struct file_tail *t)
{
    struct stat st;
    /* what was truncated finds its copy in its own turn, first */
    if (t->copy_of->ready || t->fd < 0 || fstat(t->fd, &st) != 0)
        return true;
    return compare(t->copy_of, t->fd, &st) != FILE_NO_COPY;
}

enum file_copy file_is_copy(const struct file_reader *r, const char *path, int fd, const struct stat *st,
                            struct file_tail **of)
{
    for (struct file_tail *t = r->tails; t; t = t->next) {
        const char *other = t->entry->at.path;
        if (t->gone || !t->head_n || !same_folder(other, path) ||
            !file_is_rotation(base_name(other).ptr, base_name(path).ptr))
            continue;
        enum file_copy c = compare(t, fd, st);
        *of = t;
        if (c != FILE_NO_COPY)
            return c;
    }
    return FILE_NO_COPY;
}
