/* segment_files.c: Opens the directory of the disk queue, locks it, and lists, creates and deletes its files.
 * Owns the descriptors of the directory and the lock. Called by the other files of the segment log.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/random.h"
#include "core/diskqueue/segment_log_internal.h"

static enum gw_code refuse(struct gw_segment_log *s, struct gw_err *err, const char *doing)
{
    return gw_fail(err, GW_STORAGE, 0, "%s: cannot %s: %s", s->conf.directory, doing, strerror(errno));
}

/* Returns the pid of the process that holds the lock, for the message only. */
static long holder(int fd)
{
    char text[24];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return strtol(text, NULL, 10);
}

static void write_pid(int fd)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%ld\n", (long)getpid());
    /* Only for people and messages: a disk that is full takes nothing from the lock. */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        errno = 0;
}

int gw_segment_log_take_lock(int directory, long *who)
{
    int fd = openat(directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        write_pid(fd);
        return fd;
    }
    int why = errno;
    *who = holder(fd);
    close(fd);
    errno = why;
    return -1;
}

enum gw_code gw_segment_log_lock(struct gw_segment_log *s, struct gw_err *err)
{
    if (mkdir(s->conf.directory, 0700) != 0 && errno != EEXIST)
        return refuse(s, err, errno == ENOENT ? "make it, for its parent is not there" : "make it");
    s->directory = open(s->conf.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->directory < 0)
        return refuse(s, err, "open it");
    int parent = s->conf.sync_names ? openat(s->directory, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (parent >= 0) {
        fsync(parent); /* if that is not allowed, another user made the directory */
        close(parent);
    }
    long who = 0;
    s->lock_file = gw_segment_log_take_lock(s->directory, &who);
    if (s->lock_file >= 0)
        return GW_OK;
    return errno == EWOULDBLOCK ? gw_fail(err, GW_STORAGE, 0,
                                          "%s is in use by another ddgate (process %ld): give each its own",
                                          s->conf.directory, who)
                                : refuse(s, err, "make a lock in it");
}

void gw_segment_file_name(uint32_t number, char out[static 32])
{
    snprintf(out, 32, "segment-%08x.log", (unsigned)number);
}

uint32_t gw_segment_file_number(const char *name)
{
    unsigned number;
    char back[32];
    if (sscanf(name, "segment-%8x.log", &number) != 1 || number == 0 || number >= GW_SEGMENT_LOG_MOST_FILES)
        return 0;
    gw_segment_file_name(number, back);
    return strcmp(name, back) == 0 ? number : 0;
}

bool gw_segment_log_named(const struct gw_segment_log *s, const char *name, int fd)
{
    struct stat open, named;
    return fstat(fd, &open) == 0 && fstatat(s->directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           open.st_dev == named.st_dev && open.st_ino == named.st_ino;
}

bool gw_segment_log_is_there(const struct gw_segment_log *s, const struct gw_segment *segment)
{
    char name[32];
    gw_segment_file_name(segment->number, name);
    return gw_segment_log_named(s, name, segment->fd);
}

bool gw_segment_log_add_file(struct gw_segment_log *s, struct gw_segment *segment)
{
    if (segment->number >= s->files_n) {
        uint32_t n = segment->number + 64;
        struct gw_segment **files = realloc(s->files, n * sizeof *files);
        if (!files)
            return false;
        memset(files + s->files_n, 0, (n - s->files_n) * sizeof *files);
        s->files = files;
        s->files_n = n;
    }
    s->files[segment->number] = segment;
    s->size += segment->size;
    s->stats.segments++;
    return true;
}

void gw_segment_log_remove(struct gw_segment_log *s, struct gw_segment *segment)
{
    GW_ASSERT(s->files[segment->number] == segment);
    s->files[segment->number] = NULL;
    s->size -= segment->size;
    s->stats.segments--;
}

void gw_segment_log_drop_segment(struct gw_segment_log *s, struct gw_segment *segment, bool unlink)
{
    char name[32];
    gw_segment_file_name(segment->number, name);
    if (unlink && gw_segment_log_is_there(s, segment))
        unlinkat(s->directory, name, 0);
    close(segment->fd);
    free(segment);
}

static uint32_t unused_number(struct gw_segment_log *s)
{
    uint32_t number = 1;
    while (number < s->files_n && s->files[number])
        number++;
    return number;
}

/* Under append, so no other thread takes the number. A foreign file of that name stays. */
static int create_file(struct gw_segment_log *s, uint32_t *number)
{
    char name[32];
    gw_lock(&s->state);
    *number = unused_number(s);
    gw_unlock(&s->state);
    for (;; ++*number) {
        gw_segment_file_name(*number, name);
        int fd = openat(s->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST || *number >= GW_SEGMENT_LOG_MOST_FILES)
            return fd;
        gw_lock(&s->state);
        while (*number + 1 < s->files_n && s->files[*number + 1])
            ++*number;
        gw_unlock(&s->state);
    }
}

struct gw_segment *gw_segment_log_create(struct gw_segment_log *s, uint64_t size)
{
    struct gw_segment *segment = calloc(1, sizeof *segment);
    bool added = false;
    if (!segment)
        return NULL;
    segment->size = size;
    segment->fd = create_file(s, &segment->number);
    if (segment->fd < 0) {
        free(segment);
        return NULL;
    }
    if (s->conf.io->reserve(segment->fd, (off_t)size) == 0 &&
        (!s->conf.sync_names || fsync(s->directory) == 0)) {
        gw_lock(&s->state);
        added = gw_segment_log_add_file(s, segment);
        gw_unlock(&s->state);
    }
    if (added)
        return segment;
    int why = errno;
    gw_segment_log_drop_segment(s, segment, true);
    errno = why;
    return NULL;
}

/* Local slots for the readers that are there; names for the next start. */
static void give_slots(struct gw_segment_log *s, struct gw_segment *segment, struct gw_segment_log_head *head)
{
    int8_t slot = 0;
    for (unsigned r = 0; r < GW_SEGMENT_LOG_READERS; r++) {
        bool has = s->readers[r].attached && slot < GW_SEGMENT_LOG_SLOTS;
        segment->slot[r] = has ? slot : -1;
        if (has)
            memcpy(head->names[slot++], s->readers[r].name, GW_SEGMENT_LOG_NAME);
    }
}

bool gw_segment_log_begin(struct gw_segment_log *s, struct gw_segment *segment, uint64_t sequence)
{
    uint8_t bytes[GW_SEGMENT_LOG_HEAD + GW_SEGMENT_LOG_UNIT] = {0}; /* with the mark of the end */
    struct gw_segment_log_head head = {.sequence = sequence, .life = gw_random()};
    memcpy(head.boot, s->conf.boot, sizeof head.boot);
    give_slots(s, segment, &head);
    gw_segment_log_head_put(bytes, &head);
    if (!gw_segment_log_write_one(s->conf.io, segment->fd, bytes, sizeof bytes, 0))
        return false;
    segment->sequence = sequence;
    segment->life = head.life;
    segment->same_boot = true;
    segment->end = GW_SEGMENT_LOG_HEAD;
    segment->was_dirty = segment->sealed = segment->suspect = segment->recovered = segment->unmarked = false;
    segment->dirty = true;
    memset(segment->pending_records, 0, sizeof segment->pending_records);
    return true;
}

bool gw_segment_log_put_state(struct gw_segment_log *s, struct gw_segment *segment,
                              enum gw_segment_log_state state)
{
    uint8_t bytes[GW_SEGMENT_LOG_STATE_SIZE];
    gw_segment_log_state_put(bytes, segment->life, state, segment->end);
    return gw_segment_log_write_one(s->conf.io, segment->fd, bytes, sizeof bytes, GW_SEGMENT_LOG_STATE);
}
