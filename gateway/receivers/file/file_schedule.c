/* file_schedule.c: Keeps the order of tails: which tail gets the next turn, which may be closed, which has a
 * deadline, and which cannot be read and is retried alone. Owns nothing and reads no file. Called by the
 * reader's loop, its tails and the scan.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/log.h"
#include "gateway/receivers/file/file_reader.h"

static const gw_nsec QUIET = 500 * GW_MSEC; /* then the last whole lines are a record */
static const gw_nsec OVER = 5 * GW_SEC;     /* then so is a line without an end */
/* then a file that no pattern finds is closed */
static const gw_nsec DELETED = 5 * GW_SEC, RENAMED = 60 * GW_SEC;
static const gw_nsec FIRST_RETRY = GW_SEC, LONGEST_RETRY = 60 * GW_SEC;

enum file_end file_tail_end(const struct file_reader *r, const struct file_tail *t)
{
    gw_nsec quiet = r->now - t->grew;
    return quiet < QUIET ? FILE_OPEN : quiet < OVER ? FILE_QUIET : FILE_OVER;
}

static bool has_rest(const struct file_tail *t)
{
    return t->size > t->pos || t->scanned;
}

/* --- lists and times --- */

static bool waits_for_end(const struct file_tail *t)
{
    return !t->copy_of && has_rest(t) && t->tried != FILE_OVER;
}

static bool may_be_read(const struct file_reader *r, const struct file_tail *t)
{
    return !t->error || r->now >= t->retry_at;
}

static gw_nsec due_of(const struct file_tail *t)
{
    gw_nsec due = GW_NEVER, retire = t->retire_at > t->grew + DELETED ? t->retire_at : t->grew + DELETED;
    if (t->queued.tail)
        due = GW_NEVER; /* its turn comes anyway */
    else if (t->error)
        due = t->retry_at;
    else if (waits_for_end(t))
        due = t->grew + (t->tried == FILE_OPEN ? QUIET : OVER);
    return t->gone && retire < due ? retire : due;
}

void file_schedule(struct file_reader *r, struct file_tail *t)
{
    bool waits = t->ready && may_be_read(r, t);
    if (!waits)
        file_list_remove(&r->queued, &t->queued);
    else if (!t->queued.tail)
        file_list_append(&r->queued, &t->queued, t);
    if (waits || t->fd < 0 || t->gone || t->copy_of)
        file_list_remove(&r->resting, &t->resting);
    else if (!t->resting.tail)
        file_list_append(&r->resting, &t->resting, t);
    file_timers_set(&r->timers, &t->timer, t, due_of(t));
}

void file_tail_is_ready(struct file_reader *r, struct file_tail *t)
{
    if (t->ready)
        return;
    t->ready = true;
    file_schedule(r, t);
}

void file_schedule_close(struct file_reader *r, struct file_tail *last)
{
    while (r->open_n > r->open_limit && r->resting.first)
        file_tail_shut(r, r->resting.first->tail);
    if (last && r->open_n > r->open_limit && !last->gone)
        file_tail_shut(r, last); /* its turn opens it again */
}

/* --- those that no pattern finds --- */

static bool is_deleted(const struct file_tail *t)
{
    struct stat st;
    return t->fd < 0 || fstat(t->fd, &st) != 0 || st.st_nlink == 0;
}

/* True if its content is unreachable or completely read, and the records that were read can be read again
 * only here. */
static bool is_over(struct file_reader *r, const struct file_tail *t, bool deleted)
{
    gw_nsec quiet = r->now - t->grew;
    if (t->error)
        return quiet >= RENAMED;
    if (t->ready || waits_for_end(t) || quiet < (deleted ? DELETED : RENAMED))
        return false;
    return !deleted || offset_tracker_settled(r->tracker, t->entry);
}

/* The file could not be read until now, and is not searched any more, except by the next start if it has a
 * name. */
static void leave_unread(struct file_reader *r, const struct file_tail *t, bool deleted)
{
    struct stat st;
    uint64_t size = t->fd >= 0 && fstat(t->fd, &st) == 0 ? (uint64_t)st.st_size : t->there,
             left = size > t->pos ? size - t->pos : 0;
    if (!t->error || !left)
        return;
    gw_log(GW_WARNING, r->component, "%s is gone, and %" PRIu64 " bytes of it that could not be read are %s",
           t->entry->at.path, left, deleted ? "lost" : "left to the next start");
    if (deleted)
        atomic_fetch_add_explicit(&r->counts->lost_bytes, left, memory_order_relaxed);
}

/* True: it was dropped. */
static bool retire(struct file_reader *r, struct file_tail *t)
{
    bool deleted = is_deleted(t);
    t->retire_at = r->now + GW_SEC;
    if (!is_over(r, t, deleted))
        return false;
    struct file_entry *e = t->entry;
    leave_unread(r, t, deleted);
    file_tail_drop(r, t);
    if (deleted)
        offset_tracker_remove(r->tracker, e);
    return true;
}

void file_schedule_now(struct file_reader *r)
{
    for (struct file_tail *t; (t = file_timers_next(&r->timers, r->now));) {
        if (t->gone && r->now >= t->retire_at && r->now - t->grew >= DELETED && retire(r, t))
            continue;
        t->ready |= t->error ? may_be_read(r, t) : waits_for_end(t) && file_tail_end(r, t) > t->tried;
        file_schedule(r, t);
    }
}

/* --- those that cannot be read --- */

void file_tail_fails(struct file_reader *r, struct file_tail *t, int error)
{
    if (error != t->error)
        gw_log(GW_WARNING, r->component, "%s cannot be read: %s; ddgate tries again until it can",
               t->entry->at.path, strerror(error));
    if (!t->error)
        atomic_fetch_add_explicit(&r->counts->failing, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&r->counts->read_errors, 1, memory_order_relaxed);
    gw_nsec pause = t->error ? 2 * t->retry_pause : FIRST_RETRY;
    t->error = error;
    t->failed = true;
    t->retry_pause = pause < LONGEST_RETRY ? pause : LONGEST_RETRY;
    t->retry_at = r->now + t->retry_pause;
    if (error == ESTALE) /* another descriptor may do */
        file_tail_shut(r, t);
    file_schedule(r, t);
}

void file_tail_works(struct file_reader *r, struct file_tail *t)
{
    if (!t->error)
        return;
    gw_log(GW_INFO, r->component, "%s can be read again", t->entry->at.path);
    atomic_fetch_sub_explicit(&r->counts->failing, 1, memory_order_relaxed);
    t->error = 0;
}
