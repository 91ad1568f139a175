/* file_open.c: Opens and reads files, and finds the tail that already has a file and whether the file still
 * begins in the same way. Owns nothing. Called by the scan, tails and the search for copies.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
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
