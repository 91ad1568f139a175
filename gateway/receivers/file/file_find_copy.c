/* file_find_copy.c: Finds the copy of a file after a truncation: a copy that was seen to appear and is open, a
 * file beside it, one where a symbolic link points, or one in a folder for rotated files. Owns nothing. Called
 * by a tail that finds itself truncated, on the reader's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/receivers/file/file_reader.h"

struct search {
    const struct file_reader *r;
    const struct file_tail *t;
    const char *base; /* the name whose rotations are looked for */
    struct file_copy_found *found;
};

/* True if the file is known to have other content than t's: it is not a copy of t, or is read as a tail of
 * its own. */
static bool is_known(const struct search *s, int fd, const struct stat *st)
{
    const struct file_tail *its = file_tail_of(s->r, st);
    if (its)
        return its->copy_of != s->t;
    const struct file_entry *e = offset_tracker_of_inode(s->r->tracker, st->st_dev, st->st_ino, "");
    return e && e->at.dev == st->st_dev && e->at.head_n && file_has_head(fd, &e->at);
}

/* Where t was reading it has what t saw there, up to its own end. */
static bool goes_on_alike(const struct file_tail *t, int fd, uint64_t size)
{
    char bytes[FILE_HEAD];
    size_t n = t->held_n < sizeof bytes ? t->held_n : sizeof bytes;
    n = n < size - t->pos ? n : (size_t)(size - t->pos);
    return !n || (file_pread(fd, bytes, n, t->pos) == (ssize_t)n && memcmp(bytes, t->held, n) == 0);
}

/* As far as both go; where the copy ends within the first bytes, these few may be another log's. */
static bool begins_alike(const struct search *s, const char *path, int fd, uint64_t size)
{
    const struct file_tail *t = s->t;
    char head[FILE_HEAD];
    size_t n = size < t->head_n ? (size_t)size : t->head_n;
    if (t->unproven) /* its first bytes are known by their hash only */
        return size >= t->entry->at.head_n && file_has_head(fd, &t->entry->at);
    if (n < t->head_n && n < FILE_TELLING && !file_is_numbered(s->base, file_base_name(path).ptr))
        return false;
    return n && file_pread(fd, head, n, 0) == (ssize_t)n && memcmp(head, t->head, n) == 0;
}

/* It may end before or behind what t has read: lines came between the copy and the truncation. */
static bool is_copy(const struct search *s, const char *path, int fd, const struct stat *st)
{
    const struct file_tail *t = s->t;
    uint64_t size = (uint64_t)st->st_size;
    if (!S_ISREG(st->st_mode) || (st->st_ino == t->ino && st->st_dev == t->dev))
        return false;
    return begins_alike(s, path, fd, size) && (size < t->pos || goes_on_alike(t, fd, size));
}

/* One with all that t held goes before one that ends sooner, and a later one before an earlier one. */
static bool is_better(const struct search *s, const struct stat *st)
{
    const struct stat *best = &s->found->st;
    bool whole = (uint64_t)st->st_size >= s->t->pos, best_whole = (uint64_t)best->st_size >= s->t->pos;
    if (s->found->fd < 0 || whole != best_whole)
        return s->found->fd < 0 || whole;
    return st->st_mtim.tv_sec != best->st_mtim.tv_sec ? st->st_mtim.tv_sec > best->st_mtim.tv_sec
                                                      : st->st_mtim.tv_nsec > best->st_mtim.tv_nsec;
}

/* Takes over fd. */
static void consider(struct search *s, int fd, const char *path)
{
    struct file_copy_found *found = s->found;
    struct stat st;
    bool copy = fd >= 0 && fstat(fd, &st) == 0 && is_copy(s, path, fd, &st);
    if (copy && is_known(s, fd, &st)) {
        if ((uint64_t)st.st_size >= s->t->pos && (uint64_t)st.st_size > found->own)
            found->own = (uint64_t)st.st_size;
        copy = false;
    }
    if (!copy || !is_better(s, &st)) {
        if (fd >= 0)
            close(fd);
        return;
    }
    if (found->fd >= 0)
        close(found->fd);
    found->fd = fd;
    found->st = st;
    snprintf(found->path, sizeof found->path, "%s", path);
}

static void search_folder(void *search, const char *folder)
{
    struct search *s = search;
    char path[PATH_MAX];
    DIR *dir = opendir(folder[0] ? folder : ".");
    for (struct dirent *e; dir && (e = readdir(dir));)
        if (file_is_rotation(s->base, e->d_name) && !file_is_compressed_name(e->d_name) &&
            (size_t)snprintf(path, sizeof path, "%s%s", folder, e->d_name) < sizeof path)
            consider(s, file_open(path), path);
    if (dir)
        closedir(dir);
}

static void search_appeared(struct search *s)
{
    const struct file_folders *f = &s->r->folders;
    for (size_t i = 0; i < FILE_APPEARED; i++)
        if (f->appeared[i].fd >= 0 && file_is_rotation(s->base, file_base_name(f->appeared[i].path).ptr))
            consider(s, dup(f->appeared[i].fd), f->appeared[i].path);
}

/* Those that a scan found to be copies, which may have no name any more. */
static void search_tails(struct search *s)
{
    for (const struct file_tail *t = s->t->copies ? s->r->tails : NULL; t; t = t->next)
        if (t->copy_of == s->t && t->fd >= 0)
            consider(s, dup(t->fd), t->entry->at.path);
}

/* By the name that `of` ends with. */
static void search_for(struct search *s, const char *of)
{
    char folder[PATH_MAX];
    gw_str base = file_base_name(of);
    s->base = base.ptr;
    snprintf(folder, sizeof folder, "%.*s", (int)(base.ptr - of), of);
    search_tails(s);
    search_appeared(s);
    search_folder(s, folder);
    /* few bytes may be other logs' there */
    if (s->found->fd < 0 && !s->found->own && s->t->entry->at.head_n >= FILE_TELLING)
        file_folders_beside(s->r->conf, folder, search_folder, s);
}

void file_find_copy(const struct file_reader *r, const struct file_tail *t, struct file_copy_found *found)
{
    struct search s = {.r = r, .t = t, .found = found};
    found->fd = -1;
    found->own = 0;
    search_for(&s, t->entry->at.path);
    if (t->target && found->fd < 0)
        search_for(&s, t->target);
}
