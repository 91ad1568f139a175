/* file_unwrap.c: Passes container logs through file_container.c: finds the file that continues another one
 * after a rotation, and the container that a path belongs to. Owns nothing. Called by file_tail.c, on the
 * reader's thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "gateway/receivers/file/file_reader.h"

/* --- a rotation --- */

/* Bytes of it that were not read yet. */
static bool has_more(const struct file_tail *t)
{
    struct stat st;
    return t->fd >= 0 && fstat(t->fd, &st) == 0 && (uint64_t)st.st_size > t->size;
}

/* The container's file that had this one's name before, and whose end is not over. The list has the newest
 * first. */
static struct file_tail *find_before(const struct file_tail *t)
{
    for (struct file_tail *b = t->pos ? NULL : t->next; b; b = b->next)
        if (b->first_name == t->first_name && b->wrapped && !b->error && !b->copy_of &&
            (b->size > b->pos || has_more(b)))
            return b;
    return NULL;
}

bool file_unwrap_waits(struct file_reader *r, struct file_tail *t)
{
    struct file_tail *before = find_before(t);
    if (before && has_more(before))
        file_tail_is_ready(r, before);
    return before && before->queued.tail;
}

/* True if its successor has lines of which none was read: they may continue this file's last line. */
static bool is_followed(const struct file_tail *t)
{
    for (const struct file_tail *n = t->prev; n; n = n->prev)
        if (n->first_name == t->first_name && !n->pos && n->there && !n->error && !n->copy_of)
            return true;
    return false;
}

/* The unread rest at its end: complete lines, or nothing. */
static gw_str rest_of(const struct file_tail *before)
{
    bool whole = before && !before->scanned && before->held_n &&
                 before->held_n == before->size - before->pos && before->held[before->held_n - 1] == '\n';
    return whole ? gw_str_n(before->held, before->held_n) : GW_STR("");
}

static void finish_before(struct file_reader *r, struct file_tail *before)
{
    before->pos += before->held_n;
    before->held_n = 0;
    offset_tracker_touch(r->tracker, before->entry, before->pos);
    file_schedule(r, before);
}

/* --- names --- */

/* The target of the link; "": it is not a link. */
static void follow_link(const char *path, char *to, size_t size)
{
    char target[PATH_MAX];
    ssize_t n = readlink(path, target, sizeof target - 1);
    const char *slash = strrchr(path, '/');
    *to = '\0';
    if (n <= 0)
        return;
    target[n] = '\0';
    int folder = *target == '/' || !slash ? 0 : (int)(slash - path) + 1;
    if ((size_t)snprintf(to, size, "%.*s%s", folder, path, target) >= size)
        *to = '\0';
}

void file_unwrap_learn(struct file_tail *t)
{
    enum { LINKS = 4 };
    char path[PATH_MAX], next[PATH_MAX];
    snprintf(path, sizeof path, "%s", t->entry->at.path);
    for (int i = 0; i < LINKS && *path; i++) {
        t->container = log_container_learn(t->container, gw_str_z(path));
        follow_link(path, next, sizeof next);
        memcpy(path, next, sizeof path);
    }
}

/* --- records --- */

static struct file_multiline lines_of(struct file_reader *r, const struct file_tail *t)
{
    struct file_multiline j = r->join;
    j.unit = (struct file_unit){.width = 1};
    r->judging = t->encoding;
    if (t->encoding == FILE_UTF8 || j.how != FILE_PATTERN)
        j.text = NULL;
    return j;
}

static void emit_records(struct file_reader *r, struct file_tail *t)
{
    const struct file_container_record *rec;
    uint64_t n = 0;
    for (; (rec = file_container_next(&r->containers)); n++) {
        file_tail_colours(r, rec->text.ptr, rec->text.len);
        file_tail_emit(r, t, rec->text, rec->cut, rec->wrapped ? &rec->piece : NULL);
    }
    atomic_fetch_add_explicit(&r->counts->lines, n, memory_order_relaxed);
}

/* A line that a successor may continue is left to it, and read again there. */
static enum file_end end_here(const struct file_reader *r, struct file_tail *t, enum file_end end)
{
    if (end == FILE_OPEN || !is_followed(t))
        return end;
    t->grew = r->now;
    return t->tried = FILE_OPEN;
}

bool file_unwrap_feed(struct file_reader *r, struct file_tail *t, const char *buf, size_t n,
                      enum file_end at_end, bool *is_long, size_t *used)
{
    struct file_containers *c = &r->containers;
    struct file_multiline j = lines_of(r, t);
    struct file_tail *before = find_before(t);
    enum file_end end = end_here(r, t, at_end);
    gw_str rest = rest_of(before);
    size_t done = 0;
    file_container_clear(c);
    if (!file_container_put(c, rest.ptr, rest.len, j.max, false) ||
        !file_container_put(c, buf, n, j.max, end == FILE_OVER) || !file_container_split(c, &j, end, &done) ||
        (done <= rest.len && n == r->cap && !file_container_split(c, &j, FILE_OVER, &done)))
        return false;
    *used = done > rest.len ? done - rest.len : 0;
    *is_long = n == r->cap && n - *used > j.max && c->whole - rest.len == *used;
    if (!*used)
        return true;
    emit_records(r, t);
    if (rest.len)
        finish_before(r, before);
    offset_tracker_touch(r->tracker, t->entry, t->pos + *used);
    return true;
}
