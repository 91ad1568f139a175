/* segment_deleted.c: Detects and repairs files of the disk queue that were deleted or moved while they are in
 * use. A deleted file still accepts data and disappears with the process, so a 200 would not be true. Append
 * therefore checks before each record that its file still has a name, and once a second checks all files and
 * the directory. Missing ones are created again: the directory, its lock, and each segment with pending
 * records, read through its open descriptor. Until then nothing is accepted. Owns nothing. Called by append
 * and at the end, under the append lock.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/diskqueue/segment_log_internal.h"

static const gw_nsec LOOK_AGAIN = GW_SEC;
/* One append restores no more; the next append continues. */
static const uint64_t RESTORED_AT_ONCE = 64 << 20;

static bool has_no_name(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink == 0;
}

static bool directory_is_there(const struct gw_segment_log *s)
{
    struct stat open, named;
    return fstat(s->directory, &open) == 0 && stat(s->conf.directory, &named) == 0 &&
           open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

/* The oldest live segment that has lost its file, pinned. NULL: there is none. */
static struct gw_segment *pin_missing(struct gw_segment_log *s)
{
    gw_lock(&s->state);
    struct gw_segment *segment = s->first;
    while (segment && gw_segment_log_is_there(s, segment))
        segment = segment->next;
    if (segment)
        segment->pins++;
    gw_unlock(&s->state);
    return segment;
}

static void unpin(struct gw_segment_log *s, struct gw_segment *segment)
{
    gw_lock(&s->state);
    segment->pins--;
    gw_segment_log_try_release(s, segment);
    gw_unlock(&s->state);
}

bool gw_segment_log_look(struct gw_segment_log *s)
{
    gw_nsec now = s->conf.io->now();
    struct gw_segment *missing;
    if (s->deleted || has_no_name(s->active ? s->active->fd : s->directory))
        return false;
    if (now < s->look_at)
        return true;
    s->look_at = now + LOOK_AGAIN;
    if (!directory_is_there(s) || !gw_segment_log_named(s, "lock", s->lock_file))
        return false;
    if (!(missing = pin_missing(s)))
        return true;
    unpin(s, missing);
    return false;
}

/* --- */

/* Files of another disk queue must not be mixed with those of this one. */
static bool has_segments(int directory)
{
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    bool any = false;
    for (const struct dirent *entry; dir && !any && (entry = readdir(dir));)
        any = gw_segment_file_number(entry->d_name) != 0;
    if (dir)
        closedir(dir);
    else if (fd >= 0)
        close(fd);
    return any;
}

/* Takes the lock of that directory; the descriptor keeps its number. */
static bool take_lock(struct gw_segment_log *s, int directory)
{
    long who;
    int fd = gw_segment_log_take_lock(directory, &who);
    bool taken = fd >= 0 && dup3(fd, s->lock_file, O_CLOEXEC) >= 0;
    int why = errno;
    if (fd >= 0)
        close(fd);
    errno = why;
    return taken;
}

/* The directory of our path, which may be a new one. Other threads remove files by s->directory: its number
 * stays. */
static bool take_directory(struct gw_segment_log *s)
{
    if (mkdir(s->conf.directory, 0700) != 0 && errno != EEXIST)
        return false;
    int fd = open(s->conf.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool foreign = has_segments(fd);
    bool taken = !foreign && take_lock(s, fd) && dup3(fd, s->directory, O_CLOEXEC) >= 0;
    int why = foreign ? ENOTEMPTY : errno;
    close(fd);
    errno = why;
    return taken;
}

static bool copy_bytes(struct gw_segment_log *s, int from, int to, uint64_t n)
{
    enum { PIECE = 256 * 1024 };
    uint8_t *piece = malloc(PIECE);
    bool copied = piece != NULL;
    for (uint64_t at = 0; copied && at < n;) {
        ssize_t got = s->conf.io->read(from, piece, n - at < PIECE ? (size_t)(n - at) : PIECE, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        errno = got ? errno : EIO;
        copied = got > 0 && gw_segment_log_write_one(s->conf.io, to, piece, (size_t)got, at);
        at += copied ? (uint64_t)got : 0;
    }
    free(piece);
    return copied;
}

/* Gives a pinned segment a file again; its descriptor keeps its number, for others read and mark through it.
 * A mark that is set meanwhile is missing in the copy: after a restart that record is sent again. */
static bool restore(struct gw_segment_log *s, struct gw_segment *segment)
{
    char name[32];
    gw_segment_file_name(segment->number, name);
    int fd = openat(s->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool restored =
        s->conf.io->reserve(fd, (off_t)segment->size) == 0 && copy_bytes(s, segment->fd, fd, segment->end) &&
        (!s->conf.sync_names || fsync(s->directory) == 0) && dup3(fd, segment->fd, O_CLOEXEC) >= 0;
    int why = errno;
    if (!restored)
        unlinkat(s->directory, name, 0);
    close(fd);
    gw_lock(&s->state);
    segment->dirty |= restored;
    gw_unlock(&s->state);
    errno = why;
    return restored;
}

enum gw_code gw_segment_log_restore(struct gw_segment_log *s, struct gw_err *err)
{
    uint64_t written = 0;
    struct gw_segment *segment;
    s->deleted = true;
    if (!directory_is_there(s) && !take_directory(s))
        return gw_segment_log_trouble(s, err, "make the directory again, which was deleted or moved away");
    if (!gw_segment_log_named(s, "lock", s->lock_file) && !take_lock(s, s->directory))
        return gw_segment_log_trouble(s, err, "lock it again");
    while ((segment = pin_missing(s))) {
        uint64_t end = segment->end;
        bool enough = written >= RESTORED_AT_ONCE, restored = !enough && restore(s, segment);
        int why = errno;
        unpin(s, segment);
        if (enough)
            return gw_fail(err, GW_STORAGE, 0, "files that were deleted there are being written again");
        errno = why;
        if (!restored)
            return gw_segment_log_trouble(s, err, "write the files again that were deleted or moved away");
        s->restored++;
        written += end;
    }
    gw_segment_log_reap(s);
    gw_segment_log_note_restored(s);
    s->deleted = false;
    return GW_OK;
}

static bool any_pending(struct gw_segment_log *s)
{
    bool any = false;
    gw_lock(&s->state);
    for (const struct gw_segment *segment = s->first; segment && !any; segment = segment->next)
        any = gw_segment_pending(segment);
    gw_unlock(&s->state);
    return any;
}

bool gw_segment_log_keeps(struct gw_segment_log *s)
{
    struct gw_err err;
    bool kept = !any_pending(s);
    gw_lock(&s->append);
    s->troubled = false;
    s->look_at = s->conf.io->now();
    while (!kept && !s->troubled)
        kept = gw_segment_log_look(s) || gw_segment_log_restore(s, &err) == GW_OK;
    struct gw_segment_log_events events = gw_segment_log_take_events(s);
    gw_unlock(&s->append);
    gw_segment_log_report_events(s, &events);
    return kept;
}
