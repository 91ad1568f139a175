/* file_glob.h: finds the files that a receiver reads.
 *
 *     /var/log/app/[*].log     * ? [a-z] within one name, as in a shell; a leading dot must be written
 *     /srv/[**]/log/out.log    two stars alone between slashes: any number of folders, also none; not through symbolic links
 *
 * (The brackets are not part of it: a comment in C ends at star and slash.) A pattern of two stars at the
 * end means every file below. Only regular files match, and symbolic links to them. Folders that cannot be
 * read are skipped and reported.
 *
 * Threads: any; no state.
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef GW_FILE_GLOB_H
#define GW_FILE_GLOB_H

#include <sys/stat.h>

#include "core/config/option.h"

/* Folders below each other that two stars go through; no loop is longer. */
enum { FILE_GLOB_DEPTH = 40 };

struct file_glob_seen {
    void (*file)(void *ctx, const char *path, const struct stat *);
    /* A folder in which a file that matches may appear: worth watching. */
    void (*folder)(void *ctx, const char *path);
    /* Reports a matching name that is a symbolic link; its target may change or be missing. NULL: not
     * reported. */
    void (*link)(void *ctx, const char *path);
    /* Reports a folder that cannot be listed, or a name that cannot be read, except if it does not exist:
     * errno. NULL: not reported. */
    void (*trouble)(void *ctx, const char *path, int error);
    void *ctx;
};

/* Every file that a pattern of `include` matches and none of `exclude` does; one that several match is seen
 * as often. Names come in the folder's own order. */
void file_glob_walk(const struct gw_list *include, const struct gw_list *exclude,
                    const struct file_glob_seen *);
/* Whether the path, by its words alone, is one that the pattern means. */
bool file_glob_match(const char *pattern, const char *path);
bool file_glob_match_any(const struct gw_list *patterns, const char *path);

#endif
