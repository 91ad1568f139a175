/* file_watch.h: being told when a file grows or a folder gets a new one: inotify, where it can be had.
 *
 * A file is watched as what it is, not by its name (through its descriptor), so a rename changes nothing.
 * What cannot be watched says so (-1) and is looked at from time to time by the caller: files on network file
 * systems, whose other writers the kernel does not see, and everything when the user's inotify watches or
 * instances are used up (fs.inotify.max_user_watches, said once).
 *
 * Threads: the reader's.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_WATCH_H
#define GW_FILE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct file_watch {
    int fd; /* of inotify, or -1 */
    const char *component;
    bool said;
};

void file_watch_open(struct file_watch *, const char *component);
void file_watch_close(struct file_watch *);
/* A number for events, or -1. Watching again what is watched gives the same number. */
int file_watch_folder(struct file_watch *, const char *path);
int file_watch_file(struct file_watch *, int fd);
void file_watch_end(struct file_watch *, int number);

enum file_event {
    FILE_GREW,    /* that file was written to, or truncated */
    FILE_MOVED,   /* that file was renamed or lost a name */
    FILE_APPEARS, /* a folder got this name … */
    FILE_LEAVES,  /* … or lost it */
    FILE_OVERFLOW /* events were lost: anything may have happened */
};
/* `name`: in the folder; else "". */
typedef void file_event_f(void *ctx, int number, enum file_event, const char *name);
/* All that happened since the last call; does not wait. */
void file_watch_read(struct file_watch *, file_event_f *, void *ctx);

#endif
