/* dead_letter_file.h: the two files in which something is set aside for a person, a line each.
 *
 *     DIRECTORY/NAME.jsonl      lines, the newest last
 *     DIRECTORY/NAME.old.jsonl  the file before it: when NAME.jsonl has half of max_size, it becomes the old one, and what
 *                               was in that is gone
 *
 * The files are the user's alone (0600). They are kept by a restart and added to. A line stands in them whole or not at
 * all. What stands there belongs to the system: it survives the process, but not the machine at once.
 *
 * Threads: check on main, before; the rest on one.  Ownership: the texts are the caller's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_DEAD_LETTER_FILE_H
#define GW_DEAD_LETTER_FILE_H

#include "core/base/str.h"

struct gw_diagnostics;

struct gw_dead_letter_file {
    gw_str directory; /* empty: nothing is set aside */
    uint64_t max_size;
    const char *name, *component; /* of the files; in log lines */
    int fd;                       /* -1: not open */
    uint64_t size;                /* of the open file */
};

/* What became of lines that stood there. */
struct gw_dead_letter_fate {
    bool taken_away; /* the newest file is not there any more: its lines are somebody else's now */
    bool turned;     /* after that: it became the old one, and what was in that is gone */
};

void gw_dead_letter_file_init(struct gw_dead_letter_file *, gw_str directory, uint64_t max_size,
                              const char *name, const char *component);
void gw_dead_letter_file_close(struct gw_dead_letter_file *);
/* Whether the directory can be used; said at `path` ("exporters[0]"), option dead_letter.directory. */
void gw_dead_letter_file_check(gw_str directory, const char *path, struct gw_diagnostics *);
/* `line` ends with a newline. False: it could not be written, and the log says why. */
bool gw_dead_letter_file_put(struct gw_dead_letter_file *, gw_str line, struct gw_dead_letter_fate *);

#endif
