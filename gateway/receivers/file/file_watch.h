/* file_watch.h: events when a file grows or a folder gets a new file, from inotify where that is possible.
 *
 * A file is watched through its descriptor and not by its name, so a rename changes nothing. The caller
 * polls what cannot be watched (-1): files on network file systems, where the kernel does not see other
 * writers, and everything when the user's inotify watches or instances are used up
 * (fs.inotify.max_user_watches, logged once).
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
/* A number for events, or -1. Watching the same folder again returns the same number. */
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
