/* dead_letter_file.h: two files to which data is written for a person, one line each.
 *
 *     DIRECTORY/NAME.jsonl      lines, the newest last
 *     DIRECTORY/NAME.old.jsonl  the previous file: when NAME.jsonl reaches half of max_size it becomes the
 *                               old file, and the contents of that are deleted
 *
 * Only the user of the process can read the files (0600). After a restart, lines are appended. A line is in a
 * file completely or not at all. Lines are written to the operating system's cache: they survive a crash of
 * the process, but not at once one of the machine.
 *
 * Threads: check on the main thread, before the others; these on one thread. Ownership: the texts belong to
 * the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DEAD_LETTER_FILE_H
#define GW_DEAD_LETTER_FILE_H

#include "core/base/str.h"

struct gw_diagnostics;

struct gw_dead_letter_file {
    gw_str directory; /* empty: nothing is written */
    uint64_t max_size;
    const char *name, *component; /* name of the files; name for log lines */
    int fd;                       /* -1: not open */
    uint64_t size;                /* size of the open file */
};

/* What happened to earlier lines. */
struct gw_dead_letter_fate {
    bool taken_away; /* the newest file is gone: a person moved it */
    bool turned;     /* the file became the old one, and the contents of that were deleted */
};

void gw_dead_letter_file_init(struct gw_dead_letter_file *, gw_str directory, uint64_t max_size,
                              const char *name, const char *component);
void gw_dead_letter_file_close(struct gw_dead_letter_file *);
/* Checks whether the directory can be used; reports a mistake at `path` ("exporters[0]"), option
 * dead_letter.directory. */
void gw_dead_letter_file_check(gw_str directory, const char *path, struct gw_diagnostics *);
/* `line` ends with a newline. Returns false if it could not be written; the reason is logged. */
bool gw_dead_letter_file_put(struct gw_dead_letter_file *, gw_str line, struct gw_dead_letter_fate *);

#endif
