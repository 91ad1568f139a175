/* file_open.c: opens files by name and by inode: a file that was renamed is found under its new name, beside
 * the old one or where a symbolic link leads. Owns nothing. The scan, tails and the search for copies call it.
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

ssize_t file_pread(int fd, void *to, size_t n, uint64_t at)
{
    ssize_t got;
    do
        got = pread(fd, to, n, (off_t)at);
    while (got < 0 && errno == EINTR);
    return got;
}

struct file_tail *file_tail_of(const struct file_reader *r, const struct stat *st)
{
    for (const struct file_index_link *l = file_index_find(&r->by_inode, st->st_ino); l;
         l = file_index_next(l)) {
        struct file_tail *t = l->of;
        if (t->dev == st->st_dev)
            return t;
    }
    return NULL;
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
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(path).ptr - path), path);
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
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (realpath(path, target) && strcmp(target, path) != 0)
        return open_beside(target, dev, ino, now, size);
    errno = ENOENT; /* realpath changes it even when it succeeds */
    return -1;
}
