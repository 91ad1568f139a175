/* file_identity.c: Checks whether a file still has the content that was read from it, and handles a truncation
 * or a reused inode. Owns nothing. A tail calls it before it passes records on; events make the reader call it
 * while no queue has room.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <unistd.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

/* --- truncation --- */

/* Only the copy in memory is left of the bytes after `from` that were not passed on. It is small, so it may
 * go into a full sink. */
static void overflow(struct file_reader *r, struct file_tail *t, uint64_t from)
{
    bool is_long, full = r->full;
    size_t at = from > t->pos ? (size_t)(from - t->pos) : 0;
    t->pos += at;
    for (size_t n = 1; n && at < t->held_n; at += n) {
        r->full = false;
        n = file_tail_feed(r, t, t->held + at, t->held_n - at, FILE_OVER, &is_long);
        t->pos += n;
        full |= r->full;
    }
    r->full = full;
}

/* The copy's name and place become those of t's entry, which goes no further than a
 * copy that ends before. */
static void become_its_entry(struct file_reader *r, struct file_tail *t, struct file_tail *copy,
                             const struct file_copy_found *found)
{
    offset_tracker_move(r->tracker, t->entry, found->unnamed ? 0 : found->st.st_dev,
                        found->unnamed ? 0 : found->st.st_ino);
    if ((uint64_t)found->st.st_size < t->pos)
        offset_tracker_limit(r->tracker, t->entry, (uint64_t)found->st.st_size);
    if (copy->head_n < t->head_n)
        offset_tracker_head(r->tracker, t->entry, copy->head_n, file_head_hash(t->head, copy->head_n));
    r->urgent = true;
    if (!offset_tracker_rename(r->tracker, t->entry, found->path))
        gw_log(GW_WARNING, r->component, "no memory: the new name of a file is not recorded in the offsets");
    file_tail_renamed(r, copy);
}

/* The content of t before the truncation is in a copy, which takes over t's entry and is read from t's
 * position, or not at all if it ends before that. */
static bool hand_over(struct file_reader *r, struct file_tail *t, const struct file_copy_found *found)
{
    struct file_tail *copy = file_tail_of(r, &found->st);
    struct file_entry *old = copy ? copy->entry : NULL;
    uint64_t size = (uint64_t)found->st.st_size;
    if (copy)
        close(found->fd);
    else if (!(copy = file_tail_new(r, found->fd, &found->st, t->entry, t->pos)))
        return false;
    file_tail_set_copy(r, copy, NULL);
    if (old)
        offset_tracker_remove(r->tracker, old);
    copy->entry = t->entry;
    copy->entry->open = true;
    copy->pos = copy->size = t->pos < size ? t->pos : size;
    copy->there = size;
    copy->scanned = t->scanned <= size ? t->scanned : 0;
    copy->head_n = (uint64_t)t->head_n < size ? t->head_n : (uint32_t)size;
    memcpy(copy->head, t->head, t->head_n);
    copy->held_n = 0;
    copy->encoding = t->encoding;
    copy->grew = r->now;
    copy->tried = FILE_OPEN;
    copy->unproven = t->unproven;
    copy->ready = true;
    become_its_entry(r, t, copy, found);
    for (struct file_tail *other = t->copies ? r->tails : NULL; other; other = other->next)
        if (other->copy_of == t)
            file_tail_set_copy(r, other, copy);
    file_schedule(r, copy);
    file_schedule_close(r, copy);
    return true;
}

/* Counts the bytes after `had`, which the file was seen to have, which are in no copy, and which were not
 * read. */
static void count_lost(struct file_reader *r, const struct file_tail *t, uint64_t had)
{
    uint64_t there = t->there > t->size ? t->there : t->size, lost = there > had ? there - had : 0;
    if (!lost)
        return;
    gw_log(GW_WARNING, r->component,
           "%s was truncated before %" PRIu64
           " bytes of it were read, and no copy of them is found: they are lost",
           t->entry->at.path, lost);
    atomic_fetch_add_explicit(&r->counts->lost_bytes, lost, memory_order_relaxed);
}

/* Handles the unread rest: it is in a copy, read as a tail of its own, or lost. */
static void leave_rest(struct file_reader *r, struct file_tail *t)
{
    struct file_copy_found found = {.fd = -1};
    if (t->entry->at.head_n)
        file_find_copy(r, t, &found);
    if (found.fd < 0 && !found.own)
        file_gunzip(r, t->entry, t->target, t->pos, &found);
    uint64_t size = found.fd >= 0 ? (uint64_t)found.st.st_size : 0,
             stands = size > found.own ? size : found.own;
    bool whole = found.fd >= 0 && size >= t->pos + t->held_n;
    gw_log(GW_INFO, r->component, "%s was truncated and is read from its beginning%s%s", t->entry->at.path,
           whole ? "; what was left of it stands in " : "", whole ? found.path : "");
    if (stands < t->pos + t->held_n)
        overflow(r, t, found.own);
    count_lost(r, t, stands > t->pos ? stands : t->pos);
    if (found.fd < 0 || !hand_over(r, t, &found))
        offset_tracker_remove(r->tracker, t->entry);
}

bool file_tail_start_over(struct file_reader *r, struct file_tail *t)
{
    struct file_saved fresh = {.dev = t->dev, .ino = t->ino, .path = t->entry->at.path};
    struct file_entry *e = offset_tracker_add(r->tracker, &fresh);
    if (!e)
        return false;
    leave_rest(r, t);
    t->entry = e;
    e->open = true;
    t->pos = t->scanned = t->size = t->there = t->head_n = 0;
    t->held_n = 0;
    t->unproven = false;
    t->ready = true;
    t->encoding = r->text.by_option;
    file_tail_renamed(r, t);
    atomic_fetch_add_explicit(&r->counts->truncated, 1, memory_order_relaxed);
    return true;
}

/* --- identity --- */

static void sniff(struct file_reader *r, struct file_tail *t)
{
    size_t mark;
    t->encoding = file_text_sniff(&r->text, gw_str_n(t->head, t->head_n), &mark);
    if (t->pos < mark)
        t->pos = mark;
}

/* The known first bytes of the file grow with it. */
static void learn_head(struct file_reader *r, struct file_tail *t, const char *head, size_t n)
{
    bool fresh = t->head_n < 4; /* a byte order mark may not have been whole */
    r->urgent |= t->entry->at.head_n == 0;
    memcpy(t->head, head, n);
    t->head_n = (uint32_t)n;
    offset_tracker_head(r->tracker, t->entry, t->head_n, file_head_hash(t->head, t->head_n));
    if (fresh)
        sniff(r, t);
}

enum file_same file_tail_compare(struct file_reader *r, struct file_tail *t)
{
    char head[FILE_HEAD];
    struct stat st;
    if (fstat(t->fd, &st) != 0)
        return FILE_UNREADABLE;
    if ((uint64_t)st.st_size < (t->scanned ? t->scanned : t->pos))
        return FILE_CHANGED;
    ssize_t n = file_pread(t->fd, head, sizeof head, 0);
    if (n < 0)
        return FILE_UNREADABLE;
    if (n < (ssize_t)t->head_n || memcmp(head, t->head, t->head_n) != 0)
        return FILE_CHANGED;
    if ((size_t)n > t->head_n)
        learn_head(r, t, head, (size_t)n);
    if ((uint64_t)st.st_size > t->there)
        t->there = (uint64_t)st.st_size;
    return FILE_SAME;
}

/* Of a file that was empty when it was saved nothing is known. */
static bool begins_as_saved(const struct file_tail *t, ssize_t got)
{
    const struct file_saved *s = &t->entry->at;
    return got == (ssize_t)s->head_n && (!s->head_n || file_head_hash(t->head, s->head_n) == s->head);
}

bool file_tail_prove(struct file_reader *r, struct file_tail *t)
{
    struct stat st;
    ssize_t got = fstat(t->fd, &st) == 0 ? file_pread(t->fd, t->head, t->entry->at.head_n, 0) : -1;
    if (got < 0) {
        file_tail_fails(r, t, errno);
        return false;
    }
    if (!begins_as_saved(t, got) || (uint64_t)st.st_size < t->pos) {
        if (file_tail_start_over(r, t))
            return true;
        file_tail_fails(r, t, ENOMEM);
        return false;
    }
    t->unproven = false;
    t->head_n = t->entry->at.head_n;
    sniff(r, t);
    return true;
}

void file_tail_check(struct file_reader *r, struct file_tail *t)
{
    if (t->fd < 0 || t->copy_of || t->unproven || t->error)
        return;
    enum file_same same = file_tail_compare(r, t);
    if (same == FILE_UNREADABLE)
        file_tail_fails(r, t, errno);
    else if (same == FILE_CHANGED && !file_tail_start_over(r, t))
        file_tail_fails(r, t, ENOMEM);
}
