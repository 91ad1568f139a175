/* file_copytruncate.c: Detects rotation by copy and truncate: decides which new file is a copy of a file that
 * is read, or a copy that is still being written. Owns nothing. Called by the scan for new files, on the
 * reader's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>

#include "gateway/receivers/file/file_reader.h"

/* A copy that is being made grows; one that did not for so long, and is shorter than the original's first
 * bytes, is something else. */
static const int64_t copying = 10; /* seconds */
/* --- bytes --- */

static bool is_fresh(const struct stat *st)
{
    return time(NULL) - st->st_mtime < copying;
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

/* True if t's file still has the content that t read: it may be truncated at any moment, and t learns of that
 * later. Copies its first bytes to `ours`. */
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
                                    const struct stat *st, ssize_t telling)
{
    size_t n = st->st_size < FILE_HEAD ? (size_t)st->st_size : FILE_HEAD,
           head = n < (size_t)ours_n ? n : (size_t)ours_n;
    if (ours_n < telling || !begins_with(fd, ours, head))
        return FILE_NO_COPY;
    if (head < (size_t)ours_n)
        return is_fresh(st) ? FILE_MAYBE_COPY : FILE_NO_COPY;
    return same_bytes(t->fd, fd, st->st_size - (off_t)n, n) ? FILE_COPY : FILE_NO_COPY;
}

/* Between two reads t's file may have been truncated: then the comparison means nothing, and t will notice
 * later. `telling`: at least so many bytes must be equal. */
static enum file_copy compare(const struct file_tail *t, int fd, const struct stat *st, ssize_t telling)
{
    char ours[FILE_HEAD];
    ssize_t ours_n;
    size_t known = (size_t)st->st_size < t->head_n ? (size_t)st->st_size : t->head_n;
    enum file_copy copy =
        is_as_read(t, ours, &ours_n) ? compare_bytes(t, ours, ours_n, fd, st, telling) : FILE_MAYBE_COPY;
    if (copy == FILE_NO_COPY && !is_as_read(t, ours, &ours_n))
        copy = FILE_MAYBE_COPY;
    return copy == FILE_MAYBE_COPY && !begins_with(fd, t->head, known) ? FILE_NO_COPY : copy;
}

bool file_is_still_copy(const struct file_tail *t)
{
    struct stat st;
    /* a truncated tail must find its copy in its own turn first */
    if (t->copy_of->ready || t->fd < 0 || fstat(t->fd, &st) != 0)
        return true;
    bool numbered = file_is_numbered(file_base_name(t->copy_of->entry->at.path).ptr,
                                     file_base_name(t->entry->at.path).ptr);
    return compare(t->copy_of, t->fd, &st, numbered ? 1 : FILE_TELLING) != FILE_NO_COPY;
}

/* --- of which file --- */

/* A new file, and the tail that it is a copy of. */
struct question {
    struct file_reader *r;
    gw_str folder; /* of the new file */
    const char *name;
    ssize_t telling;
    int fd;
    const struct stat *st;
    enum file_copy answer;
    struct file_tail *of;
};

static bool ask(struct question *q, struct file_tail *t)
{
    if (t->gone || t->unproven || !t->head_n || file_tail_wake(q->r, t) == FILE_IS_GONE)
        return false;
    q->answer = compare(t, q->fd, q->st, q->telling);
    q->of = t;
    return q->answer != FILE_NO_COPY;
}

static gw_str folder_of(gw_str path)
{
    return gw_str_n(path.ptr, (size_t)(file_base_name(path.ptr).ptr - path.ptr));
}

/* In the same folder, however many files there are of that name. */
static bool ask_here(struct question *q, gw_str base)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s%.*s", GW_FMT(q->folder), GW_FMT(base));
    for (struct file_index_link *l = file_index_find(&q->r->by_name, file_name_key(gw_str_z(path))); l;
         l = file_index_next(l)) {
        struct file_tail *t = l->of;
        if (strcmp(t->entry->at.path, path) == 0 && ask(q, t))
            return true;
    }
    return false;
}

/* Searches folders from which a rotation may have moved it here, where short beginnings may be those of other
 * logs. Of very many files with one name not all are checked. */
static bool ask_beside(struct question *q, const struct file_index *by, gw_str base, bool target)
{
    size_t n = 0;
    q->telling = FILE_TELLING;
    for (struct file_index_link *l = file_index_find(by, file_name_key(base)); l && n < FILE_BESIDE;
         l = file_index_next(l), n++) {
        struct file_tail *t = l->of;
        gw_str path = gw_str_z(target ? t->target : t->entry->at.path), folder = folder_of(path);
        if (gw_str_eq(file_base_name(path.ptr), base) &&
            ((target && gw_str_eq(folder, q->folder)) ||
             file_folders_are_beside(q->r->conf, folder, q->folder)) &&
            ask(q, t))
            return true;
    }
    return false;
}

static bool ask_all(void *question, gw_str base)
{
    struct question *q = question;
    char original[NAME_MAX + 1];
    snprintf(original, sizeof original, "%.*s", GW_FMT(base));
    q->telling = is_fresh(q->st) && file_is_numbered(original, q->name) ? 1 : FILE_TELLING;
    return ask_here(q, base) || ask_beside(q, &q->r->by_base, base, false) ||
           ask_beside(q, &q->r->by_target, base, true);
}

enum file_copy file_is_copy(struct file_reader *r, const char *path, int fd, const struct stat *st,
                            struct file_tail **of)
{
    struct question q = {
        .r = r, .folder = folder_of(gw_str_z(path)), .name = file_base_name(path).ptr, .fd = fd, .st = st};
    file_each_original(gw_str_z(q.name), ask_all, &q);
    *of = q.of;
    return q.answer;
}
