/* file_find_inode.c: Opens a file by its inode: finds a renamed file under its new name, in the same folder,
 * in a folder for rotated files or where a symbolic link points. Owns nothing. Called by the scan and by
 * tails, on the reader's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "gateway/receivers/file/file_reader.h"

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

struct search {
    uint64_t dev, ino;
    char *now; /* its name, once it is found */
    size_t size;
    int fd, error;
};

/* Some name in the folder, which ends with a slash. */
static void search_folder(void *search, const char *folder)
{
    struct search *s = search;
    DIR *dir = s->fd < 0 && s->error == ENOENT ? opendir(folder[0] ? folder : ".") : NULL;
    for (struct dirent *e; dir && s->fd < 0 && (e = readdir(dir));) {
        if (e->d_ino != s->ino || (size_t)snprintf(s->now, s->size, "%s%s", folder, e->d_name) >= s->size)
            continue;
        s->fd = open_if(s->now, s->dev, s->ino);
        s->error = s->fd < 0 ? errno : 0;
    }
    if (dir)
        closedir(dir);
}

/* In the folder of `path`, then in those into which a rotation may have moved it. */
static void search_for(struct search *s, const struct file_conf *conf, const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%.*s", (int)(file_base_name(path).ptr - path), path);
    search_folder(s, folder);
    if (s->fd < 0 && s->error == ENOENT)
        file_folders_beside(conf, folder, search_folder, s);
}

int file_open_inode(const struct file_conf *conf, const char *path, uint64_t dev, uint64_t ino, char *now,
                    size_t size)
{
    char target[PATH_MAX];
    int fd = open_if(path, dev, ino);
    struct search s = {.dev = dev, .ino = ino, .now = now, .size = size, .fd = -1, .error = ENOENT};
    snprintf(now, size, "%s", path);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    search_for(&s, conf, path);
    if (s.fd < 0 && s.error == ENOENT && realpath(path, target) && strcmp(target, path) != 0)
        search_for(&s, conf, target);
    errno = s.error;
    return s.fd;
}
